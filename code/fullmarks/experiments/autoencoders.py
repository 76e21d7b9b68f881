"""Experiments of the chapter autoencoders: plain arrays out, randomness in through `rng`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional as F

from fullmarks import autoencoders as ae

WEIGHT, RATE = 0.1, 0.05
"""Weight of the penalty and learning rate of all runs that compare it with weight decay."""

# Contractive penalty and weight decay, step by step.


class Setting(NamedTuple):
    """One way to compare both penalties: the network, the loss, and how the weights decay.

    `decayed` names the arrays that decay, `times` multiplies the weight of the decay.
    """

    encoder: str = "linear"
    biases: bool = False
    untied: bool = False
    loss: str = "squared error"
    reduction: str = "mean"
    decayed: str = "W"
    times: int = 1
    optimizer: str = "SGD"


ENCODERS = {"linear": torch.clone, "ReLU": torch.relu, "sigmoid": torch.sigmoid}


class Runs:
    """The same autoencoder from several starts, each on its own data, trained as one batch."""

    def __init__(self, rng, setting, x, m):
        seeds, _, d = x.shape
        self.setting, self.x = setting, torch.tensor(x)
        self.weights = {"W": rng.normal(size=(seeds, m, d)) / np.sqrt(d)}
        if setting.untied:
            self.weights["V"] = rng.normal(size=(seeds, d, m)) / np.sqrt(m)
        if setting.biases:
            self.weights["b"] = rng.normal(size=(seeds, 1, m)) / 2
        self.weights = {name: torch.tensor(w) for name, w in self.weights.items()}

    def train(self, penalty, steps):
        """Loss (steps + 1, seeds) and encoder weights (steps + 1, seeds, m, d) of each step.

        The penalty is ``contractive``, by automatic differentiation, or ``decay``.
        """
        theta = {name: w.clone().requires_grad_() for name, w in self.weights.items()}
        optimizer = self._optimizer(theta, penalty)
        losses, weights = [], []
        for _ in range(steps + 1):
            error, jacobian = self._terms(theta, penalty == "contractive")
            objective = error + WEIGHT * jacobian
            squares = theta["W"].square().sum((1, 2)) if penalty == "decay" else 0.0
            losses.append((objective + WEIGHT * self.setting.times * squares).detach().numpy())
            weights.append(theta["W"].detach().numpy().copy())
            optimizer.zero_grad()
            objective.sum().backward()
            optimizer.step()
        return np.array(losses), np.array(weights)

    def _optimizer(self, theta, penalty):
        decayed = set(self.setting.decayed) if penalty == "decay" else set()
        decay = 2 * WEIGHT * self.setting.times  # torch adds it times w: 2λ belongs to λ‖w‖²
        groups = [{"params": [w], "weight_decay": decay * (name in decayed)}
                  for name, w in theta.items()]
        rate = RATE if self.setting.optimizer == "SGD" else RATE / 5
        if self.setting.reduction == "sum":
            rate /= self.x.shape[1]
        return getattr(torch.optim, self.setting.optimizer)(groups, lr=rate)

    def _terms(self, theta, contractive):
        """Reconstruction error and contractive penalty of each seed, reduced over examples."""
        x = self.x.clone().requires_grad_(contractive)
        W, b = theta["W"], theta.get("b", 0.0)
        h = ENCODERS[self.setting.encoder](x @ W.mT + b)
        a = h @ theta.get("V", W.mT).mT
        error = {"squared error": lambda: (x - a).square(),
                 "cross-entropy": lambda: F.binary_cross_entropy_with_logits(
                     a, torch.sigmoid(2 * self.x), reduction="none")}[self.setting.loss]().sum(2)
        penalty = torch.zeros_like(error)
        for j in range(h.shape[2] if contractive else 0):
            row = torch.autograd.grad(h[..., j].sum(), x, create_graph=True)[0]
            penalty = penalty + row.square().sum(2)
        reduce = getattr(torch, self.setting.reduction)
        return reduce(error, 1), reduce(penalty, 1)


def inputs(rng, seeds, n, variances):
    """Examples (seeds, n, d), normal, with these variances in the directions of the axes."""
    return rng.normal(size=(seeds, n, len(variances))) * np.sqrt(variances)


class Curves(NamedTuple):
    """Per seed and step: both losses, and the distance of the weights over their norm."""

    contractive: np.ndarray
    decay: np.ndarray
    distance: np.ndarray


def curves(
    rng: np.random.Generator, setting: Setting | None = None, seeds: int = 10, steps: int = 100
) -> Curves:
    """Train from the same start with the contractive penalty and with weight decay."""
    setting = setting or Setting()
    x = inputs(rng, seeds, 40, [2.0, 1.0, 0.5, 0.25, 0.1])
    runs = Runs(rng, setting, x, 3)
    contractive, A = runs.train("contractive", steps)
    decay, B = runs.train("decay", steps)
    distance = np.linalg.norm(A - B, axis=(2, 3)) / np.linalg.norm(A, axis=(2, 3))
    return Curves(contractive, decay, distance)


SETTINGS = {
    "as in the paper": Setting(),
    "cross-entropy, sigmoid decoder": Setting(loss="cross-entropy"),
    "untied, only W decayed": Setting(untied=True),
    "biases, not decayed": Setting(biases=True),
    "sums over 40 examples, 40λ": Setting(reduction="sum", times=40),
    "Adam, decay in the loss": Setting(optimizer="Adam"),
    "untied, V decayed too": Setting(untied=True, decayed="WV"),
    "biases, decayed too": Setting(biases=True, decayed="Wb"),
    "sums over 40 examples, λ": Setting(reduction="sum"),
    "AdamW, decay beside the loss": Setting(optimizer="AdamW"),
    "ReLU encoder": Setting(encoder="ReLU"),
    "sigmoid encoder": Setting(encoder="sigmoid"),
}


def conditions(rng: np.random.Generator, seeds: int = 10, steps: int = 100) -> dict:
    """Of each setting: the largest distance of both runs' weights on the way, one per seed."""
    found = {}
    for name, setting in SETTINGS.items():
        found[name] = curves(np.random.default_rng(rng.integers(2**32)), setting, seeds,
                             steps).distance.max(axis=0)
    return found


class Shrinkage(NamedTuple):
    """Per weight of the penalty: what theory leaves of each direction, and what training did."""

    weight: np.ndarray
    variances: np.ndarray
    theory: np.ndarray
    trained: np.ndarray


def shrinkage(rng: np.random.Generator, seeds: int = 5, steps: int = 3000) -> Shrinkage:
    """Tied linear autoencoders on one data set, trained to the end: eigenvalues of WᵀW.

    `theory` has shape (weights, d), `trained` (weights, seeds, d), both by falling variance.
    """
    X = inputs(rng, 1, 200, [2.0, 1.0, 0.5, 0.25])[0]
    S = X.T @ X / len(X)
    variances, Q = np.linalg.eigh(S)
    weight = np.linspace(0, 2.4, 13)
    W = rng.normal(size=(len(weight), seeds, 4, 4)) / 2
    for _ in range(steps):
        gap = W.swapaxes(2, 3) @ W - np.eye(4)
        W = W - 0.05 * 2 * (W @ (S @ gap + gap @ S) + weight[:, None, None, None] * W)
    kept = np.einsum("ji,wskj,wskl,li->wsi", Q, W, W, Q)
    theory = np.array([ae.tied_shrinkage(variances, one) for one in weight])
    return Shrinkage(weight, variances[::-1], theory[:, ::-1], kept[..., ::-1])


# A ReLU encoder: activity, dead units, the kink.


class Gates(NamedTuple):
    """Of both penalties: squared norms (steps + 1, units) and activity of each unit.

    `dead` marks the units that are active at no example, at any step, in either run.
    """

    contractive: np.ndarray
    decay: np.ndarray
    activity_contractive: np.ndarray
    activity_decay: np.ndarray
    dead: np.ndarray
    factor: float


def gates(
    rng: np.random.Generator, seeds: int = 5, steps: int = 400, weight: float = WEIGHT
) -> Gates:
    """ReLU autoencoders with tied weights and biases of all signs, 30 units on 6 inputs each."""
    norms, activities, dead = ([], []), ([], []), []
    for _ in range(seeds):
        X = inputs(rng, 1, 200, [2.0, 1.5, 1.0, 0.8, 0.5, 0.3])[0]
        W, b = rng.normal(size=(30, 6)) / np.sqrt(6), rng.uniform(-5, 1, size=30)
        alive = np.zeros(30, dtype=bool)
        for which in (0, 1):
            squares, active = _descend(W, b, X, steps, weight, contractive=which == 0)
            norms[which].append(squares)
            activities[which].append(active[-1])
            alive |= (active > 0).any(axis=0)
        dead.append(~alive)
    together = [np.concatenate(side, axis=1) for side in norms]
    return Gates(*together, *map(np.concatenate, activities), np.concatenate(dead),
                 1 - 2 * RATE * weight)


def _descend(W, b, X, steps, weight, contractive):
    """Squared norms and activities (steps + 1, m) on the way down either objective."""
    squares, active = [], []
    for _ in range(steps + 1):
        squares.append((W**2).sum(axis=1))
        active.append(ae.activity(W, b, X))
        theta = ae.tied(W)._replace(b=b)
        gradient = ae.backward(theta, X, weight if contractive else 0.0, "ReLU")
        step = ae.tied_gradient(gradient) + (0 if contractive else 2 * weight * W)
        W, b = W - RATE * step, b - RATE * gradient.b
    return np.array(squares), np.array(active)


class Kink(NamedTuple):
    """Over the bias of one unit: penalty of a few examples and of a normal population."""

    bias: np.ndarray
    examples: np.ndarray
    population: np.ndarray
    slope_examples: np.ndarray
    slope_population: np.ndarray
    jumps: np.ndarray


def kink(rng: np.random.Generator, n: int = 8, w: float = 1.5) -> Kink:
    """Mean penalty of one ReLU with weight `w` at n examples from N(0, 1), and its expectation."""
    X, W = rng.normal(size=(n, 1)), np.array([[w]])
    bias = np.linspace(-4, 4, 401)
    at = [(W, np.array([b]), X, "ReLU") for b in bias]
    examples = np.array([ae.contractive_penalty(*one).mean() for one in at])
    autograd = np.array([ae.contractive_gradient(*one)[1][0] for one in at])
    population = np.array([ae.normal_penalty(W[0], b) for b in bias])
    slopes = np.array([ae.normal_penalty_slopes(W[0], b)[0] for b in bias])
    return Kink(bias, examples, population, autograd, slopes, np.sort(-w * X[:, 0]))


# Autoencoder and variational autoencoder, side by side.

SIDE, NOISE = 8, 0.2
"""Pixels in a row of an image; standard deviation of the decoder's Gaussian."""


def images(places: np.ndarray) -> np.ndarray:
    """A round spot at each place (n, 2), on SIDE × SIDE pixels: (n, SIDE²), between 0 and 1."""
    pixels = np.arange(SIDE)
    row, column = (np.exp(-((pixels - places[:, [i]]) ** 2) / 2.42) for i in (0, 1))
    return (row[:, :, None] * column[:, None, :]).reshape(len(places), SIDE**2)


def spots(rng: np.random.Generator, n: int) -> np.ndarray:
    """Images of n spots with uniform places, at least a pixel away from the edge."""
    return images(rng.uniform(1, SIDE - 2, size=(n, 2)))


class Twins:
    """Pairs of autoencoders with the same start, data and batches; the second of each is a VAE.

    Encoder 64-48-2 (twice 2 for the VAE: means and log standard deviations), decoder 2-48-64, with
    tanh in the hidden layers. All codes start near 0. The autoencoder is the same code with the
    noise and the KL term switched off. Single precision.
    """

    def __init__(self, rng, pairs):
        self.pairs, d, m, k = pairs, SIDE**2, 48, 2
        self.parameters = []
        for rows, columns, gain in ((d, m, 1), (m, 2 * k, 0.1), (k, m, 1), (m, d, 1)):
            weights = gain * rng.normal(size=(pairs, rows, columns)) / np.sqrt(rows)
            for start in (weights, np.zeros((pairs, 1, columns))):
                self.parameters.append(_single(np.concatenate([start, start])).requires_grad_())
        self.variational = torch.tensor([0.0, 1.0]).repeat_interleave(pairs)[:, None, None]

    def encode(self, x):
        """Means and log standard deviations (2 pairs, n, 2) of the codes."""
        W, b, U, c = self.parameters[:4]
        return torch.baddbmm(c, torch.tanh(torch.baddbmm(b, x, W)), U).chunk(2, dim=-1)

    def decode(self, z):
        """Images (2 pairs, n, SIDE²)."""
        W, b, U, c = self.parameters[4:]
        return torch.sigmoid(torch.baddbmm(c, torch.tanh(torch.baddbmm(b, z, W)), U))

    def loss(self, x, noise):
        """Mean over the batch of the autoencoder's loss, or the VAE's, summed over networks."""
        mu, log_sigma = self.encode(x)
        decoded = self.decode(mu + self.variational * torch.exp(log_sigma) * noise)
        error = (x - decoded).square().sum(-1, keepdim=True) / (2 * NOISE**2)
        kl = (mu.square() + torch.exp(2 * log_sigma) - 1 - 2 * log_sigma).sum(-1, keepdim=True) / 2
        return (error + self.variational * kl).mean(1).sum()


class Generation(NamedTuple):
    """One pair of each seed. Codes (pairs, n, 2); samples: by method, images (pairs, n, SIDE²).

    The codes of the VAE are drawn from its encoder; `code_distance` (2, pairs) is the energy
    distance of either's codes to the standard normal. `new` are images not trained on, and `error`
    (2, pairs) is their mean squared error. By method, `distance` is the energy distance of samples
    to new images and `off` their mean distance to the nearest image of any spot; `floor` holds both
    numbers for other new images.
    """

    codes: np.ndarray
    codes_vae: np.ndarray
    code_distance: np.ndarray
    new: np.ndarray
    samples: dict
    distance: dict
    off: dict
    floor: tuple
    error: np.ndarray


def generation(
    rng: np.random.Generator, pairs: int = 8, steps: int = 2000, n: int = 500
) -> Generation:
    """Train pairs of autoencoder and VAE on 512 spots with Adam, then sample n images of each.

    The learning rate falls linearly from 0.01 to 0.
    """
    twins = Twins(rng, pairs)
    x = _single(spots(rng, 512))
    optimizer = torch.optim.Adam(twins.parameters, lr=0.01, fused=True)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, steps)
    for _ in range(steps):
        batch = x[rng.integers(len(x), size=(pairs, 64))].repeat(2, 1, 1)
        noise = _single(rng.normal(size=(pairs, 64, 2))).repeat(2, 1, 1)
        optimizer.zero_grad()
        twins.loss(batch, noise).backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        return _compare(rng, twins, x, n)


def _single(values):
    return torch.tensor(values, dtype=torch.float32)


def _compare(rng, twins, x, n):
    pairs, new = twins.pairs, spots(rng, n)
    test = _single(new).expand(2 * pairs, -1, -1)
    error = (test - twins.decode(twins.encode(test)[0])).square().sum(-1).mean(1)
    mu, log_sigma = (a.double().numpy() for a in twins.encode(x.expand(2 * pairs, -1, -1)))
    codes, posterior = mu[:pairs], mu[pairs:]
    posterior = posterior + np.exp(log_sigma[pairs:]) * rng.normal(size=posterior.shape)
    prior = rng.normal(size=(n, 2))
    samples = {}
    for name, z in _codes(rng, codes, prior).items():
        decoded = twins.decode(_single(np.concatenate([z, z]))).double().numpy()
        samples[name] = decoded[pairs:] if name == "VAE" else decoded[:pairs]
    code_distance = np.array([[ae.energy_distance(z, prior) for z in side]
                              for side in (codes, posterior)])
    again = spots(rng, n)
    return Generation(codes, posterior, code_distance, new, samples,
                      {name: np.array([ae.energy_distance(s, new) for s in found])
                       for name, found in samples.items()},
                      {name: np.array([_off(s) for s in found]) for name, found in samples.items()},
                      (ae.energy_distance(again, new), _off(again)),
                      error.double().numpy().reshape(2, pairs))


def _codes(rng, codes, prior):
    """Codes to decode by method, each (pairs, n, 2)."""
    pairs, size, _ = codes.shape
    fitted, near = [], []
    for z in codes:
        fitted.append(z.mean(axis=0) + prior @ np.linalg.cholesky(np.cov(z.T)).T)
        width = z.std(axis=0) * size ** (-1 / 6) / 2  # half of Scott's rule for two dimensions
        near.append(z[rng.integers(size, size=len(prior))] + width * rng.normal(size=prior.shape))
    repeated = np.repeat(prior[None], pairs, axis=0)
    return {"AE, standard normal": repeated, "AE, fitted normal": np.array(fitted),
            "AE, kernel density": np.array(near), "VAE": repeated}


def _off(samples):
    """Mean distance of images to the nearest image of a spot, on a fine grid of places."""
    grid = np.stack(np.meshgrid(*[np.linspace(0.5, SIDE - 1.5, 49)] * 2), axis=-1).reshape(-1, 2)
    every = images(grid)
    squares = (samples**2).sum(1)[:, None] + (every**2).sum(1) - 2 * samples @ every.T
    return float(np.sqrt(np.maximum(squares.min(axis=1), 0)).mean())
