"""Experiments of the chapter regularization: plain arrays out, randomness in through `rng`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from fullmarks import regularization as reg
from fullmarks.mlp import softmax

# Capacity, step by step.


def inputs(rng: np.random.Generator, n: int, d: int, decay: float) -> np.ndarray:
    """Random inputs (n, d) such that the eigenvalues of XᵀX/n are exp(-decay i), i = 0, 1, …"""
    U = np.linalg.qr(rng.normal(size=(n, d)))[0]
    V = np.linalg.qr(rng.normal(size=(d, d)))[0]
    return np.sqrt(n) * (U * np.exp(-decay * np.arange(d) / 2)) @ V.T


class Freedom(NamedTuple):
    """Degrees of freedom after each number of steps: small rate, and the first steps of both."""

    steps: np.ndarray
    small: np.ndarray
    first: np.ndarray
    first_small: np.ndarray
    first_large: np.ndarray
    parameters: int


def degrees_of_freedom(rng: np.random.Generator, d: int = 20) -> Freedom:
    """Gradient descent on least squares with `d` weights and largest curvature 1.

    The small rate is 0.5, the large one 1.9, just below the 2 where descent diverges.
    """
    X = inputs(rng, 60, d, 0.5)
    steps = np.unique(np.geomspace(1, 1e6, 60).astype(int))
    first = np.arange(16)

    def df(rate, counts):
        return np.array([reg.degrees_of_freedom(X, rate, int(t)) for t in counts])

    return Freedom(steps, df(0.5, steps), first, df(0.5, first), df(1.9, first), d)


class RandomLabels(NamedTuple):
    """Per seed and step: correlation with random labels, distance from the start, path length."""

    steps: np.ndarray
    correlation: np.ndarray
    distance: np.ndarray
    length: np.ndarray
    parameters: int


def random_labels(rng: np.random.Generator, seeds: int = 16, steps: int = 1000) -> RandomLabels:
    """SGD of a 10-30-1 tanh network on 40 points with labels of coin flips, batches of 10.

    The correlation is the mean of s f(x) over the points, with f = tanh of half the logit, which
    is twice the probability of s = 1, minus 1.
    """
    n, d, m, rate = 40, 10, 30, 0.5
    x = torch.tensor(rng.normal(size=(seeds, n, d)))
    s = torch.tensor(rng.choice([-1.0, 1.0], size=(seeds, n)))
    network = Networks(rng, seeds, d, m, 1)
    start = [p.detach().clone() for p in network.parameters]
    length, rows = torch.zeros(seeds, dtype=torch.float64), []
    keep = set(np.unique(np.geomspace(1, steps, 60).astype(int))) | {0}
    for t in range(steps + 1):
        if t in keep:
            with torch.no_grad():
                fit = (s * torch.tanh(network(x)[..., 0] / 2)).mean(1)
            gone = _norm([p - q for p, q in zip(network.parameters, start, strict=True)])
            rows.append([fit, gone, length])
        batch = torch.tensor(rng.permuted(np.tile(np.arange(n), (seeds, 1)), axis=1)[:, :10])
        xb = torch.take_along_dim(x, batch[..., None], 1)
        sb = torch.take_along_dim(s, batch, 1)
        loss = torch.nn.functional.softplus(-sb * network(xb)[..., 0]).mean(1).sum()
        gradients = torch.autograd.grad(loss, network.parameters)
        length = length + rate * _norm(gradients)
        with torch.no_grad():
            for p, g in zip(network.parameters, gradients, strict=True):
                p -= rate * g
    table = torch.stack([torch.stack(row) for row in rows]).detach().numpy()
    return RandomLabels(np.array(sorted(keep)), *table.transpose(1, 2, 0), m * (d + 2) + 1)


def _norm(arrays):
    return sum(a.detach().flatten(1).square().sum(1) for a in arrays).sqrt()


class Networks:
    """Many networks with one hidden layer of tanh units, each on its own data, as one."""

    def __init__(self, rng, count, d, m, k):
        def weights(*shape):
            return torch.tensor(rng.normal(size=shape) / np.sqrt(shape[1]), requires_grad=True)

        def biases(*shape):
            return torch.zeros(shape, dtype=torch.float64, requires_grad=True)

        self.parameters = [
            weights(count, d, m), biases(count, 1, m), weights(count, m, k), biases(count, 1, k)
        ]  # fmt: skip

    def hidden(self, x):
        """Hidden units (networks, examples, m)."""
        W, b, _, _ = self.parameters
        return torch.tanh(torch.baddbmm(b, x, W))

    def __call__(self, x, mask=1.0):
        """Logits (networks, examples, k); `mask` multiplies the hidden units."""
        _, _, V, c = self.parameters
        return torch.baddbmm(c, mask * self.hidden(x), V)


class Optimism(NamedTuple):
    """Over the steps: mean squared error on training targets and on new ones, and the theory."""

    steps: np.ndarray
    train: np.ndarray
    new: np.ndarray
    predicted_gap: np.ndarray
    noise: float


def optimism(rng: np.random.Generator, n: int = 40, d: int = 30, repeats: int = 2000) -> Optimism:
    """Gradient descent on least squares; new targets are drawn at the training inputs.

    The predicted gap is 2 σ² df / n, with the degrees of freedom df of the step.
    """
    X, noise = inputs(rng, n, d, 0.15), 1.0
    U, s, _ = np.linalg.svd(X, full_matrices=False)
    curvature, truth = s**2 / n, X @ rng.normal(size=d) * 0.4
    y, fresh = truth + noise * rng.normal(size=(2, repeats, n))
    steps = np.unique(np.geomspace(1, 3e4, 40).astype(int))
    rows = []
    for t in steps:
        f = reg.descent_filter(curvature, 0.5, int(t))
        fitted = (y @ U * f) @ U.T
        rows.append([((y - fitted) ** 2).mean(), ((fresh - fitted) ** 2).mean(), f.sum()])
    train, new, df = np.array(rows).T
    return Optimism(steps, train, new, 2 * noise**2 * df / n, noise)


# Early stopping and weight decay.


class Paths(NamedTuple):
    """Weights of both methods in two dimensions, and the minimum and Hessian of the loss."""

    descent: np.ndarray
    ridge: np.ndarray
    shown: np.ndarray
    minimum: np.ndarray
    hessian: np.ndarray


def paths(rate: float = 0.5, steps: int = 200) -> Paths:
    """Descent from zero and the ridge solutions with decay 1/(rate · steps); curvatures 1, 0.1."""
    angle = 0.4
    Q = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    curvature, minimum = np.array([1.0, 0.1]), np.array([0.7, 1.2])
    t = np.arange(steps + 1)
    descent = np.array([Q @ (reg.descent_filter(curvature, rate, int(k)) * (Q.T @ minimum))
                        for k in t])
    ridge = np.array([Q @ (reg.ridge_filter(curvature, 1 / (rate * k)) * (Q.T @ minimum))
                      for k in t[1:]])
    ridge = np.vstack([np.zeros(2), ridge])
    return Paths(descent, ridge, np.array([1, 3, 10, 30, 100]), minimum, (Q * curvature) @ Q.T)


class Filters(NamedTuple):
    """Both filters over u = ητλ; `gap` of each number of steps, and where the limit is largest."""

    u: np.ndarray
    descent: np.ndarray
    ridge: np.ndarray
    gap: dict[str, np.ndarray]
    worst_u: float
    worst_gap: float


def filters(points: int = 400) -> Filters:
    """Share of the minimum kept, in the limit of small steps, and the gap for 1, 3, ∞ steps.

    The decay is 1/(ητ). With τ steps and ηλ ≤ 1, u ends at τ.
    """
    u = np.geomspace(1e-2, 1e2, points)
    descent, ridge = -np.expm1(-u), reg.ridge_filter(u, 1.0)
    gap = {"many small steps": descent - ridge}
    for steps in (3, 1):
        v = np.where(u <= steps, u / steps, np.nan)
        shown = ~np.isnan(v)
        gap[f"{steps} step{'s' * (steps > 1)}"] = np.where(shown, 0.0, np.nan)
        gap[f"{steps} step{'s' * (steps > 1)}"][shown] = (
            reg.descent_filter(v[shown], 1.0, steps) - ridge[shown]
        )
    worst = 1.0
    for _ in range(200):
        worst = 2 * np.log1p(worst)
    return Filters(u, descent, ridge, gap, worst, 1 / (1 + worst) - np.exp(-worst))


class Risks(NamedTuple):
    """Mean squared error of the weights' predictions on new inputs, over ητ = 1/α."""

    strength: np.ndarray
    descent: np.ndarray
    ridge: np.ndarray
    floor: float


def risks(n: int = 40, d: int = 30, noise: float = 1.0) -> Risks:
    """Expected error in prediction of both methods, exactly, for a signal of equal weights.

    In the eigenbasis: bias λ (1-f)² w² plus variance σ² f² / n, summed over directions, and the
    noise of the new target.
    """
    curvature = np.exp(-0.3 * np.arange(d))
    weights = np.full(d, 0.7)
    rate, steps = 0.1, np.unique(np.geomspace(1, 1e5, 120).astype(int))

    def risk(f):
        return (curvature * (1 - f) ** 2 * weights**2 + noise**2 * f**2 / n).sum() + noise**2

    return Risks(
        rate * steps,
        np.array([risk(reg.descent_filter(curvature, rate, int(t))) for t in steps]),
        np.array([risk(reg.ridge_filter(curvature, 1 / (rate * t))) for t in steps]),
        noise**2,
    )


# Dropout as an ensemble.


class Ensembles(NamedTuple):
    """Probability of class 1 by the scaled network and by both means over all masks."""

    scaled: np.ndarray
    geometric: np.ndarray
    arithmetic: np.ndarray


def ensembles(rng: np.random.Generator, draws: int = 150, n: int = 8) -> Ensembles:
    """Random softmax layers with two classes, dropout on their inputs."""
    rows, d = [], reg.masks(n)
    for _ in range(draws):
        W, b, x = 1.5 * rng.normal(size=(n, 2)), 0.5 * rng.normal(size=2), rng.normal(size=n)
        P = reg.masked_predictions(W, b, x, d)
        means = reg.geometric_mean(P), reg.arithmetic_mean(P)
        rows.append([reg.scaled_prediction(W, b, x)[0], *(mean[0] for mean in means)])
    return Ensembles(*np.array(rows).T)


class HiddenLayer(NamedTuple):
    """Mean distance between rule and geometric mean over the scale of the weights."""

    gain: np.ndarray
    distance: dict[str, np.ndarray]


def hidden_layer(rng: np.random.Generator, draws: int = 40, n: int = 8) -> HiddenLayer:
    """Where the mask is applied decides: to the inputs or to the hidden units of a network.

    The distance is half the sum of absolute differences of the three class probabilities.
    """
    gain, d = np.array([0.25, 0.5, 1, 1.5, 2, 3, 4]), reg.masks(n)
    identity, relu = (lambda z: z), (lambda z: np.maximum(z, 0))
    cases = {
        "ReLU, mask on the inputs": (relu, True),
        "tanh, mask on the inputs": (np.tanh, True),
        "linear, mask on the inputs": (identity, True),
        "ReLU, mask on the hidden units": (relu, False),
    }
    found = {name: np.zeros(len(gain)) for name in cases}
    for _ in range(draws):
        W1, W2, x = rng.normal(size=(n, n)), rng.normal(size=(n, 3)), rng.normal(size=n)
        for name, (phi, on_inputs) in cases.items():
            for i, g in enumerate(gain / np.sqrt(n)):
                def predict(mask, phi=phi, on_inputs=on_inputs, g=g, W1=W1, W2=W2, x=x):
                    h = phi(((mask if on_inputs else 1.0) * x) @ (g * W1))
                    return softmax(np.atleast_2d((1.0 if on_inputs else mask) * h) @ (g * W2))

                rule = predict(np.full(n, 0.5))[0]
                found[name][i] += abs(reg.geometric_mean(predict(d)) - rule).sum() / 2 / draws
    return HiddenLayer(gain, found)


# Learned dropout.


class SmallNetwork(NamedTuple):
    """A trained network as its hidden units (n, m) with outgoing weights, and the labels."""

    h: np.ndarray
    v: np.ndarray
    c: float
    s: np.ndarray

    def loss(self, d: np.ndarray) -> np.ndarray:
        """Mean logistic loss under each mask (rows of `d`), which need not be zeros and ones."""
        return np.logaddexp(0, -self.s * ((d * self.v) @ self.h.T + self.c)).mean(axis=1)

    def slope(self, d: np.ndarray) -> np.ndarray:
        """Gradient of `loss` in the entries of the mask, one row per mask."""
        a = (d * self.v) @ self.h.T + self.c
        pull = -self.s / (1 + np.exp(self.s * a)) / len(self.s)
        return (pull @ self.h) * self.v


def small_network(rng: np.random.Generator, m: int = 8, steps: int = 400) -> SmallNetwork:
    """A network with `m` tanh units trained without dropout on 40 points of 3 coordinates."""
    x = torch.tensor(rng.normal(size=(1, 40, 3)))
    s = torch.sign(x[..., 0] * x[..., 1] + 0.5 * x[..., 2] + 0.3)
    network = Networks(rng, 1, 3, m, 1)
    optimizer = torch.optim.Adam(network.parameters, lr=0.02, fused=True)
    for _ in range(steps):
        optimizer.zero_grad()
        torch.nn.functional.softplus(-s * network(x)[..., 0]).mean().backward()
        optimizer.step()
    with torch.no_grad():
        h = network.hidden(x)[0].numpy()
    _, _, v, c = (p.detach().numpy() for p in network.parameters)
    return SmallNetwork(h, v[0, :, 0], float(c[0, 0, 0]), s[0].numpy())


class Corner(NamedTuple):
    """Probabilities of dropping and the expected loss, step by step; the losses of all masks."""

    p: np.ndarray
    loss: np.ndarray
    corners: np.ndarray


def corner(rng: np.random.Generator, steps: int = 120, rate: float = 20.0) -> Corner:
    """Exact gradient descent on the expected training loss in p = σ(ρ), from p = 1/2."""
    network = small_network(rng)
    m = len(network.v)
    losses, rho = network.loss(reg.masks(m)), np.zeros(m)
    p, expected = [], []
    for _ in range(steps + 1):
        p.append(1 / (1 + np.exp(-rho)))
        expected.append(reg.expected_loss(losses, p[-1]))
        slope = p[-1] * (1 - p[-1])
        rho = rho - rate * slope * reg.expected_loss_gradient(losses, p[-1])
    return Corner(np.array(p), np.array(expected), losses)


class Estimator(NamedTuple):
    """Bias and standard deviation of one draw, both relative to the length of the gradient."""

    bias: float
    spread: float
    error: float


def estimators(rng: np.random.Generator, draws: int = 10_000) -> dict[str, Estimator]:
    """Gradients of the expected loss of `small_network` in p, at p = 0.3 for each unit.

    `error` is the standard error of the measured bias.
    """
    network = small_network(rng)
    m = len(network.v)
    p = np.full(m, 0.3)
    exact = reg.expected_loss_gradient(network.loss(reg.masks(m)), p)
    u = rng.uniform(size=(draws, m))
    d = (u > p).astype(float)
    loss = network.loss(d)
    found = {
        "score function": reg.score_estimates(loss, d, p),
        "score, baseline": reg.score_estimates(loss, d, p, loss.mean()),
        "one unit both ways": _both_ways(network, d),
        "straight-through": -network.slope(d),
    }
    for temperature in (0.1, 0.3, 1.0):
        soft = reg.relaxed_mask(u, p, temperature)
        along = -soft * (1 - soft) / temperature / (p * (1 - p))
        found[f"relaxed, {temperature:g}"] = network.slope(soft) * along
    size = np.linalg.norm(exact)
    return {
        name: Estimator(
            np.linalg.norm(g.mean(axis=0) - exact) / size,
            np.sqrt(g.var(axis=0).sum()) / size,
            np.sqrt(g.var(axis=0).sum() / draws) / size,
        )
        for name, g in found.items()
    }


def _both_ways(network, d):
    found = np.empty_like(d)
    for i in range(d.shape[1]):
        dropped, kept = d.copy(), d.copy()
        dropped[:, i], kept[:, i] = 0, 1
        found[:, i] = network.loss(dropped) - network.loss(kept)
    return found


# One small problem, and what regularization does to it.

LENGTH, HIDDEN, TRAIN, TEST = 16, 32, 60, 1000


def signals(rng: np.random.Generator, count: int, n: int, flipped: float = 0.0):
    """Noisy waves of 16 samples at random places; the class says whether they first go up.

    Returns inputs (count, n, 16) and labels (count, n), of which a share `flipped` is wrong.
    """
    y = rng.integers(0, 2, size=(count, n))
    t = np.arange(LENGTH) - rng.integers(4, 12, size=(count, n, 1))
    wave = t * np.exp(-(t**2) / 4.5) * (1 - 2 * y[..., None])
    x = wave + 0.35 * rng.normal(size=wave.shape)
    wrong = rng.uniform(size=y.shape) < flipped
    return torch.tensor(x), torch.tensor(np.where(wrong, 1 - y, y))


class Technique(NamedTuple):
    """Test error over the strength of one technique: mean over the data sets, standard error."""

    strength: np.ndarray
    error: np.ndarray
    standard_error: np.ndarray


STRENGTHS = {
    "l2": [0, 0.003, 0.01, 0.03, 0.1, 0.2, 0.4],
    "l1": [0, 0.003, 0.01, 0.02, 0.04, 0.08, 0.16],
    "drop": [0, 0.3, 0.6, 0.8, 0.9, 0.97, 0.99],
    "shift": [0, 1, 2, 3, 4, 6, 8],
    "mirror": [0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5],
}


def techniques(rng: np.random.Generator, sets: int = 10, steps: int = 150) -> dict[str, Technique]:
    """Six techniques on `signals`, each alone, over a range of strengths, and a seventh that harms.

    Every data set has 60 training signals, a tenth of the labels wrong, and 1000 clean test
    signals. All techniques start from the same networks.
    """
    data = signals(rng, sets, TRAIN, flipped=0.1), signals(rng, sets, TEST)
    seed = int(rng.integers(2**31))
    found = {}
    for name, strengths in STRENGTHS.items():
        many = [[part.repeat(len(strengths), *[1] * (part.ndim - 1)) for part in half]
                for half in data]
        values = np.repeat(np.array(strengths, dtype=float), sets)[:, None, None]
        network, _ = _fit(many, seed, steps, sets, **{name: values})
        wrong = _wrong(_logits(network, many).argmax(-1), many).reshape(len(strengths), sets)
        found[name] = _technique(strengths, wrong)
    _, course = _fit(data, seed, steps, sets, record=True)
    found["stop"] = _technique(list(course), list(course.values()))
    found["members"] = _committees(data, seed, steps, sets, [1, 2, 4, 8, 16])
    return found


def _committees(data, seed, steps, sets, sizes):
    """Bagging: each member is trained on 60 draws with replacement from the training signals."""
    rng = np.random.default_rng(seed)
    most = sizes[-1]
    half, test = [[part.repeat(most, *[1] * (part.ndim - 1)) for part in half] for half in data]
    rows = torch.tensor(rng.integers(0, TRAIN, size=(most * sets, TRAIN)))
    resampled = [torch.take_along_dim(half[0], rows[..., None], 1), half[1].gather(1, rows)]
    network, _ = _fit((resampled, test), seed, steps, most * sets)
    votes = _logits(network, (half, test)).softmax(-1).unflatten(0, (most, sets))
    return _technique(sizes, [_wrong(votes[:m].mean(0).argmax(-1), data) for m in sizes])


def _technique(strengths, errors):
    errors = np.array(errors)
    return Technique(np.array(strengths, dtype=float), errors.mean(1),
                     errors.std(1, ddof=1) / np.sqrt(errors.shape[1]))


def _fit(data, seed, steps, starts, l2=0.0, l1=0.0, drop=None, shift=None, mirror=None,
         record=False):
    """Train by Adam on all examples; `record` also returns the test errors along the way.

    A strength is an array (networks, 1, 1). The first `starts` networks start differently, and
    the others repeat their starts.
    """
    (x, y), _ = data
    rng = np.random.default_rng(seed)
    network = Networks(rng, starts, LENGTH, HIDDEN, 2)
    network.parameters = [p.detach().repeat(len(x) // starts, 1, 1).requires_grad_()
                          for p in network.parameters]
    optimizer = torch.optim.Adam(network.parameters, lr=0.01, fused=True)
    l2, l1 = torch.as_tensor(l2), torch.as_tensor(l1)
    course, shown = {}, set(np.unique(np.geomspace(2, steps, 14).astype(int)).tolist())
    for t in range(steps + 1):
        if record and t in shown:
            course[t] = _wrong(_logits(network, data).argmax(-1), data)
        mask = 1.0 if drop is None else torch.tensor(
            (rng.random((len(x), TRAIN, HIDDEN), dtype=np.float32) > drop) / (1 - drop))
        logits = network(_copies(x, rng, shift, mirror), mask)
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), y.flatten(),
                                                 reduction="sum") / TRAIN
        for W in network.parameters[::2]:
            loss = loss + (l2 / 2 * W.square() + l1 * W.abs()).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network, course


def _copies(x, rng, shift, mirror):
    if shift is not None:
        by = rng.integers(-shift, shift + 1, size=(*x.shape[:2], 1))
        place = torch.tensor((np.arange(LENGTH) - by) % LENGTH)
        x = torch.take_along_dim(x, place.long(), 2)
    if mirror is not None:
        turned = torch.tensor(rng.uniform(size=(*x.shape[:2], 1)) < mirror)
        x = torch.where(turned, x.flip(2), x)
    return x


def _logits(network, data):
    with torch.no_grad():
        return network(data[1][0])


def _wrong(vote, data):
    return (vote != data[1][1]).double().mean(1).numpy()


class LearnedDropout(NamedTuple):
    """Over the steps: probabilities of dropping, and loss on training and on test data."""

    steps: np.ndarray
    p: np.ndarray
    train: dict[str, np.ndarray]
    test: dict[str, np.ndarray]


def learned_dropout(rng: np.random.Generator, sets: int = 8, steps: int = 300) -> LearnedDropout:
    """One probability for each hidden unit, learned with the weights on the training loss.

    The masks are relaxed at temperature 0.3 and divided by 1 - p; losses are measured without
    dropout, in nats. Beside it: no dropout, and dropout that stays at p = 0.8, where the learned
    one starts (with the same relaxed masks).
    """
    data = signals(rng, sets, TRAIN, flipped=0.1), signals(rng, sets, TEST)
    seed = int(rng.integers(2**31))
    shown = np.unique(np.r_[0, np.geomspace(1, steps, 40)].astype(int))
    runs = {name: _learn(data, seed, steps, shown, *settings) for name, settings in {
        "no dropout": (0.0, 0.0), "p = 0.8, fixed": (0.8, 0.0), "p learned": (0.8, 0.1)}.items()}
    return LearnedDropout(shown, runs["p learned"][0], {k: v[1] for k, v in runs.items()},
                          {k: v[2] for k, v in runs.items()})


def _learn(data, seed, steps, shown, p, rate):
    (x, y), (test_x, test_y) = data
    rng = np.random.default_rng(seed)
    network = Networks(rng, len(x), LENGTH, HIDDEN, 2)
    start = np.log(p / (1 - p)) if p else 0.0
    rho = torch.full((len(x), 1, HIDDEN), start, dtype=torch.float64, requires_grad=True)
    groups = [{"params": network.parameters}, {"params": [rho], "lr": rate}]
    optimizer, rows = torch.optim.Adam(groups, lr=0.01, fused=True), []

    def loss(inputs, labels, mask=1.0):
        logits = network(inputs, mask).flatten(0, 1)
        return torch.nn.functional.cross_entropy(logits, labels.flatten())

    for t in range(steps + 1):
        if t in shown:
            with torch.no_grad():
                rows.append((torch.sigmoid(rho)[:, 0].numpy().copy(), loss(x, y).item(),
                             loss(test_x, test_y).item()))
        u = torch.tensor(rng.uniform(size=(*y.shape, HIDDEN)))
        drop = torch.sigmoid(rho)
        soft = torch.sigmoid((torch.logit(u) - rho) / 0.3)
        optimizer.zero_grad()
        (len(x) * loss(x, y, soft / (1 - drop) if p else 1.0)).backward()
        optimizer.step()
    return [np.array(column) for column in zip(*rows, strict=True)]
