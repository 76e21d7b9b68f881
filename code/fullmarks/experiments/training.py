"""Experiments of the chapter training: plain arrays out, randomness in through `rng`."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch

from fullmarks import mlp, training
from fullmarks.experiments.mlp import two_arcs
from fullmarks.training import ACTIVATIONS


class Slopes(NamedTuple):
    """Derivatives of the sigmoid and of tanh over z, and where tanh becomes the flatter one."""

    z: np.ndarray
    sigmoid: np.ndarray
    tanh: np.ndarray
    crossing: float


def slopes(points: int = 401) -> Slopes:
    """Both derivatives between -5 and 5."""
    z = np.linspace(-5, 5, points)
    derivatives = [ACTIVATIONS[name].slope(z) for name in ("sigmoid", "tanh")]
    return Slopes(z, *derivatives, float(training.FLATTER))


class Sheet(NamedTuple):
    """An activation function and its derivative over z; both are nan where there is none."""

    z: np.ndarray
    value: np.ndarray
    slope: np.ndarray


KINKED = ("ReLU", "leaky ReLU", "hard threshold")


def cheat_sheet(name: str, points: int = 401) -> Sheet:
    """One activation function between -5 and 5; the leaky ReLU has a slope of 0.1 to be seen."""
    z = np.linspace(-5, 5, points)
    if name == "leaky ReLU":
        value, slope = training.leaky_relu(z, 0.1), training.leaky_relu_slope(z, 0.1)
    else:
        value, slope = ACTIVATIONS[name].value(z), ACTIVATIONS[name].slope(z)
    if name in KINKED:
        slope = np.where(z == 0, np.nan, slope)
    if name == "hard threshold":
        value = np.where(z == 0, np.nan, value)
    return Sheet(z, value, slope)


GAINS = {"sigmoid": 1.0, "tanh": 1.0, "leaky ReLU": np.sqrt(2), "ReLU": np.sqrt(2)}


def errors_by_layer(
    rng: np.random.Generator, depth: int = 20, width: int = 64, networks: int = 20
) -> dict[str, np.ndarray]:
    """For each activation: root mean square of the errors of each layer, first layer first.

    Weights have the variance 1/width, and 2/width for both rectifiers. The adjoint of the last
    layer is standard normal; there are ten inputs, and means are over several networks.
    """
    found = {}
    for name, gain in GAINS.items():
        squares = np.zeros(depth)
        for _ in range(networks):
            weights = training.random_weights([width] * (depth + 1), gain, rng)
            layers = training.signals(rng.normal(size=(10, width)), weights, ACTIVATIONS[name])
            adjoint = rng.normal(size=(10, width))
            deltas = training.errors(layers, weights, ACTIVATIONS[name], adjoint)
            squares += [(delta**2).mean() for delta in deltas]
        found[name] = np.sqrt(squares / networks)
    return found


class Start(NamedTuple):
    """Of each layer of a tanh network: spread of the units, mean slope, spread of the errors."""

    spread: np.ndarray
    slope: np.ndarray
    error: np.ndarray
    theory: np.ndarray


def initial_signals(
    rng: np.random.Generator, gains: tuple[float, ...] = (0.2, 1.0, 5.0), depth: int = 10
) -> dict[float, Start]:
    """Layers of 300 tanh units with weights of variance gain²/300, for each gain.

    `theory` is the spread of the units of an infinitely wide network.
    """
    width, tanh, found = 300, ACTIVATIONS["tanh"], {}
    for gain in gains:
        weights = training.random_weights([width] * (depth + 1), gain, rng)
        layers = training.signals(rng.normal(size=(100, width)), weights, tanh)
        deltas = training.errors(layers, weights, tanh, rng.normal(size=(100, width)))
        wide = training.wide_network(gain**2, gain, tanh, depth + 1)
        found[gain] = Start(
            np.array([h.std() for h in layers.h]),
            np.array([tanh.slope(z).mean() for z in layers.z]),
            np.array([np.sqrt((delta**2).mean()) for delta in deltas]),
            np.sqrt(wide.q[1:]) / gain,
        )
    return found


class Funnel(NamedTuple):
    """Variances by layer, forwards (inputs first) and backwards (outputs last), relative to the
    end at which they start."""

    forward: np.ndarray
    backward: np.ndarray


FUNNEL = (1024, 512, 256, 128, 64, 32)


def both_conditions(rng: np.random.Generator, networks: int = 10) -> dict[str, Funnel]:
    """A narrowing linear network under the three rules for the variance of a weight."""
    rules = {
        "1/inputs": lambda d, k: 1 / d,
        "1/outputs": lambda d, k: 1 / k,
        "2/(inputs + outputs)": training.xavier_variance,
    }
    found = {}
    for name, rule in rules.items():
        forward, backward = np.zeros(len(FUNNEL)), np.zeros(len(FUNNEL))
        for _ in range(networks):
            h, g = rng.normal(size=(10, FUNNEL[0])), rng.normal(size=(10, FUNNEL[-1]))
            weights = [np.sqrt(rule(d, k)) * rng.normal(size=(k, d)) for d, k in pairwise(FUNNEL)]
            forward[0] += h.var()
            backward[-1] += g.var()
            for i, W in enumerate(weights, start=1):
                h = h @ W.T
                forward[i] += h.var()
            for i, W in zip(range(len(weights) - 1, -1, -1), weights[::-1], strict=True):
                g = g @ W
                backward[i] += g.var()
        found[name] = Funnel(forward / forward[0], backward / backward[-1])
    return found


class DeadUnits(NamedTuple):
    """Share of hidden ReLUs that no training example activates, and the training loss."""

    rate: np.ndarray
    share: np.ndarray
    loss: np.ndarray
    at_start: float


def dead_units(
    rng: np.random.Generator, hidden: int = 40, steps: int = 200, networks: int = 4
) -> DeadUnits:
    """Train a 2-40-2 ReLU network at many rates from the same starts; all rates at once."""
    rate = np.geomspace(0.05, 50, 13)
    x, y = two_arcs(rng)
    one_hot = np.eye(2)[y]
    W1 = np.sqrt(2 / 2) * rng.normal(size=(networks, hidden, 2))
    W2 = np.sqrt(1 / hidden) * rng.normal(size=(networks, 2, hidden))
    W1, W2 = (np.tile(W, (len(rate), 1, 1, 1)) for W in (W1, W2))
    b1, b2 = np.zeros(W1.shape[:3]), np.zeros(W2.shape[:3])
    eta, shares = rate[:, None, None], []
    for _ in range(steps + 1):
        z = x @ W1.swapaxes(2, 3) + b1[:, :, None]
        shares.append((z <= 0).all(axis=2).mean(axis=(1, 2)))
        h = training.relu(z)
        a = h @ W2.swapaxes(2, 3) + b2[:, :, None]
        log_p = mlp.log_softmax(a.reshape(-1, 2)).reshape(a.shape)
        loss = -(one_hot * log_p).sum(axis=3).mean(axis=(1, 2))
        delta = (np.exp(log_p) - one_hot) / len(x)
        hidden_delta = (delta @ W2) * training.relu_slope(z)
        W2 = W2 - eta[..., None] * delta.swapaxes(2, 3) @ h
        b2 = b2 - eta * delta.sum(axis=2)
        W1 = W1 - eta[..., None] * hidden_delta.swapaxes(2, 3) @ x
        b1 = b1 - eta * hidden_delta.sum(axis=2)
    return DeadUnits(rate, shares[-1], loss, float(shares[0][0]))


class Rising(NamedTuple):
    """Losses on one quadratic, step by step, for rates in units of the threshold 2/λ_max."""

    losses: dict[float, np.ndarray]
    share: np.ndarray
    final: np.ndarray


CURVATURES, START = np.array([0.02, 0.2, 1.0]), np.array([10.0, 3.0, 0.05])


def rising_loss(steps: int = 200) -> Rising:
    """Gradient descent on ½ Σ λ w² just below, at and above the threshold."""
    threshold = training.largest_rate(np.diag(CURVATURES))
    share = np.linspace(0.5, 1.02, 105)

    def losses(r):
        return training.quadratic_losses(CURVATURES, START, r * threshold, steps)

    return Rising({r: losses(r) for r in (0.5, 1.0, 1.02)}, share,
                  np.array([losses(r)[-1] for r in share]))  # fmt: skip


class LeastSquares(NamedTuple):
    """Threshold of a least-squares problem, and the last loss over the first one for two rates."""

    threshold: float
    below: float
    above: float


def scaled_inputs(rng: np.random.Generator, n: int = 200, steps: int = 2000) -> dict:
    """Least squares with raw inputs of spreads 1 and 30, and with standardised ones.

    The mean loss ½(w·x - y)² has the Hessian XᵀX/n. Rates are 1 % below and above its threshold.
    """
    raw = rng.normal(size=(n, 2)) * [1.0, 30.0] + [0.0, 20.0]
    y = raw @ [1.0, 0.1] + 0.1 * rng.normal(size=n)
    found = {}
    for name, x in (("raw", raw), ("standardised", (raw - raw.mean(axis=0)) / raw.std(axis=0))):
        threshold = training.largest_rate(x.T @ x / n)
        ratios = []
        for rate in (0.99 * threshold, 1.01 * threshold):
            w = np.zeros(2)
            start = ((x @ w - y) ** 2).mean()
            for _ in range(steps):
                w = w - rate * x.T @ (x @ w - y) / n
            ratios.append(float(((x @ w - y) ** 2).mean() / start))
        found[name] = LeastSquares(threshold, *ratios)
    return found


MEANT = {"A": 4e-1, "B": 2e-5, "C": 8e-3, "D": 3e-4}
PRINTED = (4e1, 2e5, 8e3, 3e4)
CURVATURE, NOISE, UPDATES, EPOCHS = 6.0, 220.0, 50, 40


class Regimes(NamedTuple):
    """Losses of question D1.4's rates: expected ones by epoch, and those of one run."""

    epoch: np.ndarray
    expected: dict[str, np.ndarray]
    run: dict[str, np.ndarray]


def learning_rate_regimes(rng: np.random.Generator) -> Regimes:
    """SGD on the parabola 3w² with gradient noise, at the four rates; the epoch's mean loss."""
    expected, run = {}, {}
    noise = np.sqrt(NOISE) * rng.normal(size=EPOCHS * UPDATES)
    for letter, rate in MEANT.items():
        losses = training.expected_losses(rate, CURVATURE, NOISE, EPOCHS * UPDATES)
        expected[letter] = losses[::UPDATES]
        w, single = np.sqrt(2 / CURVATURE), []
        for e in noise[: UPDATES if rate * CURVATURE > 2 else None]:
            single.append(CURVATURE * w**2 / 2)
            w = w - rate * (CURVATURE * w + e)
        run[letter] = np.array(single).reshape(-1, UPDATES).mean(axis=1)
    return Regimes(np.arange(EPOCHS + 1), expected, run)


class FinalLoss(NamedTuple):
    """Expected loss after all epochs against the rate; infinite from the threshold on."""

    rate: np.ndarray
    loss: np.ndarray
    without_noise: np.ndarray
    threshold: float


def final_loss() -> FinalLoss:
    """The same parabola after 40 epochs at many rates, with and without noise."""
    threshold = training.largest_rate(np.array([[CURVATURE]]))
    rate = np.geomspace(1e-6, 1e6, 481)
    left = rate[rate < threshold]
    power = (1 - left * CURVATURE) ** (2 * UPDATES * EPOCHS)
    floor = np.array([training.noise_floor(r, CURVATURE, NOISE) for r in left])
    diverged = np.full(len(rate) - len(left), np.inf)
    return FinalLoss(
        rate,
        np.concatenate([floor + (1 - floor) * power, diverged]),
        np.concatenate([power, diverged]),
        threshold,
    )


CANDIDATES = (0.01, 0.16, 0.21, 0.84, 0.94)


class Candidates(NamedTuple):
    """Chance that one of five draws is within a factor of 2 of the best rate, by that rate."""

    best: np.ndarray
    linear: np.ndarray
    log: np.ndarray
    drawn_linear: np.ndarray
    drawn_log: np.ndarray


def rate_candidates(rng: np.random.Generator, draws: int = 5, repeats: int = 4000) -> Candidates:
    """Draws between 0.01 and 1 on both scales: the chances, and their frequencies."""
    low, high, factor = 0.01, 1.0, 2.0
    best = np.geomspace(low, high, 17)
    u = rng.uniform(size=(repeats, draws))
    chances, frequencies = [], []
    for share, values in (
        (training.linear_share, low + (high - low) * u),
        (training.log_share, low * (high / low) ** u),
    ):
        single = np.array([share(low, high, b / factor, b * factor) for b in best])
        chances.append(1 - (1 - single) ** draws)
        near = abs(np.log(values[:, :, None] / best)) <= np.log(factor)
        frequencies.append(near.any(axis=1).mean(axis=0))
    return Candidates(best, *chances, *frequencies)


class BatchVariance(NamedTuple):
    """Variance of a batch's gradient against its size: the formulas, and the frequencies."""

    size: np.ndarray
    replaced: np.ndarray
    distinct: np.ndarray
    drawn_replaced: np.ndarray
    drawn_distinct: np.ndarray


def batch_variance(rng: np.random.Generator, n: int = 200, repeats: int = 1000) -> BatchVariance:
    """Gradients of a 2-8-2 network at its start, one per example, averaged over batches."""
    x, y = two_arcs(rng, n)
    theta = mlp.random_parameters(2, 8, 2, rng)
    single = [mlp.backward(theta, x[i : i + 1], y[i : i + 1]) for i in range(n)]
    g = np.array([np.concatenate([part.ravel() for part in gradient]) for gradient in single])
    size = np.array([1, 2, 5, 10, 20, 50, 100, 150, 200])
    drawn = {True: [], False: []}
    for batch in size:
        for replace, found in drawn.items():
            means = [g[rng.choice(n, batch, replace=replace)].mean(axis=0) for _ in range(repeats)]
            found.append(((np.array(means) - g.mean(axis=0)) ** 2).sum(axis=1).mean())
    return BatchVariance(
        size,
        np.array([training.variance_with_replacement(g, int(b)) for b in size]),
        np.array([training.variance_without_replacement(g, int(b)) for b in size]),
        np.array(drawn[True]),
        np.array(drawn[False]),
    )


class ToTarget(NamedTuple):
    """Fewest updates to a target loss by batch size, each with its best constant rate."""

    batch: np.ndarray
    updates: np.ndarray
    rate: np.ndarray


def updates_to_target(target: float = 0.01, longest: int = 20_000) -> ToTarget:
    """Expected loss of SGD on a noisy quadratic of 20 directions, condition number 100.

    The noise of a single example's gradient has the variance λ in the direction of curvature λ.
    """
    curvature = np.geomspace(0.01, 1, 20)
    batch, rates = 2 ** np.arange(15), np.geomspace(1e-3, 1.9, 60)
    shrink = (1 - rates[:, None] * curvature) ** 2
    best_updates, best_rate = [], []
    for size in batch:
        kick = rates[:, None] ** 2 * curvature / size
        square = np.full(shrink.shape, 2 / curvature.sum())  # of the coordinates: the loss is 1
        updates, loss = 0, np.ones(len(rates))
        while loss.min() > target:
            if updates == longest:
                raise RuntimeError(f"no rate reaches {target} in {longest} updates of {size}")
            square = shrink * square + kick
            loss = square @ curvature / 2
            updates += 1
        best_updates.append(updates)
        best_rate.append(rates[loss.argmin()])
    return ToTarget(batch, np.array(best_updates), np.array(best_rate))


class Descent(NamedTuple):
    """Mean loss of all examples after the first updates and then ten times an epoch at most."""

    epoch: np.ndarray
    updates: np.ndarray
    loss: np.ndarray
    rate: float


def batch_sizes(rng: np.random.Generator, n: int = 256, epochs: int = 6) -> dict[int, Descent]:
    """Train a 2-16-2 network with batches of 1, 16 and all, each at the best of eight rates.

    The best rate is the one with the least mean of the recorded losses.
    """
    x, y = two_arcs(rng, n)
    start = mlp.random_parameters(2, 16, 2, rng)
    order = np.concatenate([rng.permutation(n) for _ in range(epochs)])
    found = {}
    for batch in (1, 16, n):
        runs = [_descend(start, x, y, order, batch, rate) for rate in 0.06 * 2.0 ** np.arange(8)]
        found[batch] = min(runs, key=lambda run: run.loss.mean())
    return found


def _descend(theta, x, y, order, batch, rate):
    every = max(1, len(x) // 10 // batch)
    losses, updates = [mlp.mean_loss(theta, x, y)], [0]
    for i in range(len(order) // batch):
        rows = order[i * batch : (i + 1) * batch]
        theta = mlp.sgd_step(theta, mlp.backward(theta, x[rows], y[rows]), rate)
        if (i + 1) % every == 0 or i + 1 in (1, 2, 4, 8, 16):
            losses.append(mlp.mean_loss(theta, x, y))
            updates.append(i + 1)
    updates = np.array(updates)
    return Descent(updates * batch / len(x), updates, np.array(losses), rate)


class Learning(NamedTuple):
    """Step by step: loss on the training set and on the dev set, and error rate on the latter."""

    train: np.ndarray
    dev: np.ndarray
    dev_error: np.ndarray


def overfitting(rng: np.random.Generator, n: int = 60, steps: int = 300) -> dict[str, Learning]:
    """A 2-64-64-2 ReLU network on few noisy examples: without a cure, and with each of three.

    One label in eight is wrong, in the training set and in the dev set alike. The curves are
    measured in evaluation mode.
    """
    many, dev = _noisy_arcs(rng, 10 * n), _noisy_arcs(rng, 1000)
    few = tuple(part[:n] for part in many)
    seed = int(rng.integers(2**31))
    return {
        "no cure": _fit(few, dev, steps, seed),
        "weight decay": _fit(few, dev, steps, seed, decay=0.03),
        "dropout": _fit(few, dev, steps, seed, dropout=0.5),
        "ten times the data": _fit(many, dev, steps, seed),
    }


def _noisy_arcs(rng, n):
    x, y = two_arcs(rng, n)
    x = x + 0.15 * rng.normal(size=x.shape)
    flipped = rng.uniform(size=n) < 1 / 8
    return torch.tensor(x), torch.tensor(np.where(flipped, 1 - y, y))


def _network(seed, dropout):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return torch.nn.Sequential(
            torch.nn.Linear(2, 64), torch.nn.ReLU(), torch.nn.Dropout(dropout),
            torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Dropout(dropout),
            torch.nn.Linear(64, 2),
        ).double()  # fmt: skip


def _fit(data, dev, steps, seed, decay=0.0, dropout=0.0):
    network = _network(seed, dropout)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=0.01, weight_decay=decay / 0.01, fused=True
    )
    found = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for _ in range(steps):
            found.append([*_measure(network, *data)[:1], *_measure(network, *dev)])
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(data[0]), data[1]).backward()
            optimizer.step()
    return Learning(*np.array(found).T)


@torch.no_grad()
def _measure(network, x, y):
    """Loss and error rate in evaluation mode."""
    network.eval()
    logits = network(x)
    network.train()
    loss = torch.nn.functional.cross_entropy(logits, y)
    return loss.item(), (logits.argmax(dim=1) != y).double().mean().item()


class Modes(NamedTuple):
    """Epoch by epoch: the training loss as it is logged, and two losses in evaluation mode."""

    logged: np.ndarray
    train: np.ndarray
    validation: np.ndarray


def training_modes(
    rng: np.random.Generator, n: int = 400, epochs: int = 30, dropout: float = 0.5
) -> Modes:
    """Train with dropout in batches of 20. The logged loss is the mean over the epoch's batches."""
    x, y = map(torch.tensor, two_arcs(rng, n))
    validation = tuple(map(torch.tensor, two_arcs(rng, 2000)))
    order = torch.tensor(np.array([rng.permutation(n) for _ in range(epochs)]))
    seed = int(rng.integers(2**31))
    network = _network(seed, dropout)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.003, fused=True)
    found = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for epoch in order:
            logged = []
            for rows in epoch.split(20):
                optimizer.zero_grad()
                loss = torch.nn.functional.cross_entropy(network(x[rows]), y[rows])
                loss.backward()
                optimizer.step()
                logged.append(loss.item())
            measured = _measure(network, x, y)[0], _measure(network, *validation)[0]
            found.append([np.mean(logged), *measured])
    return Modes(*np.array(found).T)
