"""Experiments of the chapter recurrent: plain arrays out, randomness in through `rng`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from fullmarks import recurrent


class Powers(NamedTuple):
    """Norms of W^t, t = 0, 1, …, for one matrix per row, and what bounds them."""

    name: list[str]
    norms: np.ndarray
    radius: np.ndarray
    norm: np.ndarray


def _powers(matrices, steps):
    return Powers(
        list(matrices),
        np.array([recurrent.power_norms(W, steps) for W in matrices.values()]),
        np.array([recurrent.spectral_radius(W) for W in matrices.values()]),
        np.array([np.linalg.norm(W, 2) for W in matrices.values()]),
    )


def radius_decides(rng: np.random.Generator, n: int = 20, steps: int = 100) -> Powers:
    """One Gaussian matrix, scaled to the spectral radii 0.9, 1 and 1.1."""
    W = rng.normal(size=(n, n))
    W = W / recurrent.spectral_radius(W)
    return _powers({f"{radius:g}": radius * W for radius in (0.9, 1.0, 1.1)}, steps)


def norm_misleads(rng: np.random.Generator, n: int = 20, steps: int = 60) -> Powers:
    """A Gaussian matrix with spectral radius 0.8, whose norm is above 1."""
    W = rng.normal(size=(n, n))
    return _powers({"random": 0.8 / recurrent.spectral_radius(W) * W}, steps)


def transient_growth(steps: int = 80) -> Powers:
    """Matrices [[0.9, k], [0, 0.8]]: the same eigenvalues, and eigenvectors that come together."""
    return _powers({f"{k:g}": np.array([[0.9, k], [0.0, 0.8]]) for k in (0, 1, 10)}, steps)


def defective(steps: int = 60) -> Powers:
    """Matrices with the one eigenvalue 1 or 0.9, with two directions of eigenvectors or one."""
    blocks = {
        f"{a:g}, {k:g}": np.array([[a, float(k)], [0.0, a]]) for a in (1.0, 0.9) for k in (1, 0)
    }
    return _powers(blocks, steps)


class Spirals(NamedTuple):
    """Points W^t v, t = 0, 1, …, (3, steps+1, 2), for three sizes of a pair of eigenvalues."""

    radius: np.ndarray
    points: np.ndarray


def spirals(steps: int = 40, degrees: float = 30.0) -> Spirals:
    """A rotation by 30 degrees times 0.95, 1 and 1.05: eigenvalues r e^(±i30°)."""
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    radius = np.array([0.95, 1.0, 1.05])
    points = np.empty((len(radius), steps + 1, 2))
    for trajectory, r in zip(points, radius, strict=True):
        trajectory[0] = [1.0, 0.0]
        for t in range(steps):
            trajectory[t + 1] = r * turn @ trajectory[t]
    return Spirals(radius, points)


class InputWeights(NamedTuple):
    """Weight of each input in the last state of h_t = x_t + w h_{t-1}, for pairs (w, T)."""

    cases: list[tuple[float, int]]
    weights: list[np.ndarray]


def input_weights() -> InputWeights:
    """Weights measured by feeding a single 1, one step after the other."""
    cases = [(1.0, 6), (0.5, 6), (-1.0, 6), (-1.0, 5)]
    return InputWeights(cases, [_weights_of_inputs(w, steps) for w, steps in cases])


def _weights_of_inputs(w, steps):
    one = np.ones((1, 1))
    pulses = np.eye(steps)[:, :, None]
    return np.array(
        [
            recurrent.linear_states(w * one, one, np.zeros(1), pulse, np.zeros(1))[-1, 0]
            for pulse in pulses
        ]
    )


class ChainProducts(NamedTuple):
    """Size of ∂h_T/∂h_1 for T = 2, 3, …, for one weight per row; `h` are the states."""

    w: np.ndarray
    x: np.ndarray
    h: np.ndarray
    size: np.ndarray


def _chain_products(w, x, steps):
    cases = list(zip(w, x, strict=True))
    size = [np.cumprod(abs(recurrent.chain_factors(*case, steps))) for case in cases]
    h = [recurrent.chain(*case, steps).h for case in cases]
    return ChainProducts(np.array(w), np.array(x), np.array(h), np.array(size))


def chain_at_zero(steps: int = 31) -> ChainProducts:
    """Weights of either sign on the trajectory h = 0."""
    return _chain_products([2.0, -2.0, 4.0, -4.0, 8.0, -8.0], [0.0] * 6, steps)


def chain_off_zero(steps: int = 61) -> ChainProducts:
    """The weight 8, which explodes at h = 0, from inputs that are 0, almost 0 and 1."""
    return _chain_products([8.0] * 3, [0.0, 1e-6, 1.0], steps)


class ChainMap(NamedTuple):
    """Geometric mean of |w σ'(z)| in the long run over weights (columns) and biases (rows)."""

    w: np.ndarray
    bias: np.ndarray
    factor: np.ndarray


def chain_map(points: int = 121, settle: int = 2000, steps: int = 200) -> ChainMap:
    """Mean factor per step after `settle` steps from x = 0.3."""
    w, bias = np.linspace(-12, 12, points), np.linspace(-3, 3, points)
    grid = np.meshgrid(w, bias)
    z = 0.3 + grid[1]
    logs = np.zeros_like(z)
    for t in range(settle + steps):
        z = grid[0] * recurrent.shifted_sigmoid(z) + grid[1]
        if t >= settle:
            logs += np.log(np.maximum(abs(grid[0]) * recurrent.sigmoid_slope(z), 1e-300))
    return ChainMap(w, bias, np.exp(logs / steps))


class Paths(NamedTuple):
    """Contribution of each path to dc_1/dx_0, from c_{-1} = 0 and from another state."""

    names: tuple[str, ...]
    c: tuple[float, float]
    zero: np.ndarray
    other: np.ndarray


def paths(c: float = 1.0) -> Paths:
    """The eight paths where all weights are 1, all biases 0, x_0 = 1, x_1 = 0 and h_{-1} = 0."""
    weights = [[1.0, 1.0, 0.0]] * 3
    both = [recurrent.variant_paths(weights, 1.0, 0.0, 0.0, start) for start in (0.0, c)]
    return Paths(recurrent.PATHS, (0.0, c), *both)


class Sensitivity(NamedTuple):
    """Norm of the derivative of the last h in the input k steps earlier: (seeds, lags) each."""

    lag: np.ndarray
    norms: dict[str, np.ndarray]


def _sensitivity(settings, rng, n, steps, seeds, d=4):
    norms = {name: np.empty((seeds, steps)) for name in settings}
    for i in range(seeds):
        x = rng.normal(size=(steps, d))
        for name, (cell, forget_bias, scale, direct_only) in settings.items():
            theta = recurrent.random_cell_parameters(cell, d, n, rng, forget_bias)
            theta = theta._replace(U=scale * theta.U)
            run = recurrent.forward(cell, theta, x)
            norms[name][i] = recurrent.input_sensitivity(cell, theta, run, direct_only)
    return Sensitivity(np.arange(steps), norms)


def cells_by_lag(
    rng: np.random.Generator, n: int = 16, steps: int = 41, seeds: int = 5
) -> Sensitivity:
    """Every cell with random weights and biases of 0."""
    cells = (
        recurrent.SIGMOID,
        recurrent.TANH,
        recurrent.VARIANT,
        recurrent.COUPLED,
        recurrent.LSTM,
        recurrent.GRU,
    )
    settings = {cell.name: (cell, 0.0, 1.0, False) for cell in cells}
    return _sensitivity(settings, rng, n, steps, seeds)


def paths_by_lag(
    rng: np.random.Generator, n: int = 16, steps: int = 41, seeds: int = 5
) -> Sensitivity:
    """The variant's direct path alone and all of its paths, for two sizes of U."""
    settings = {
        "direct": (recurrent.VARIANT, 0.0, 1.0, True),
        "all": (recurrent.VARIANT, 0.0, 1.0, False),
        "all, 3 U": (recurrent.VARIANT, 0.0, 3.0, False),
        "sigmoid, 3 U": (recurrent.SIGMOID, 0.0, 3.0, False),
    }
    return _sensitivity(settings, rng, n, steps, seeds)


def open_gates(
    rng: np.random.Generator, n: int = 16, steps: int = 41, seeds: int = 5
) -> Sensitivity:
    """The variant and the coupled gate with forget biases of 0, 2 and 6."""
    settings = {
        f"{cell.name}, {bias:g}": (cell, bias, 1.0, False)
        for cell in (recurrent.VARIANT, recurrent.COUPLED)
        for bias in (0.0, 2.0, 6.0)
    }
    return _sensitivity(settings, rng, n, steps, seeds)


class Recall(NamedTuple):
    """Share of right answers after training, (seeds,) for each cell and each lag."""

    lag: tuple[int, ...]
    accuracy: dict[str, np.ndarray]


def recall(
    rng: np.random.Generator,
    lags: tuple[int, ...] = (2, 5, 10, 20),
    steps: int = 100,
    seeds: int = 3,
    n: int = 12,
) -> Recall:
    """Train cells to say the sign of the first input after `lag` steps of noise.

    The seeds are trained side by side, as a batch of networks.
    """
    settings = {"sigmoid": 0.0, "variant": 0.0, "coupled": 4.0}
    accuracy = {
        name: np.array([_recall(name, bias, lag, steps, seeds, n, rng) for lag in lags])
        for name, bias in settings.items()
    }
    return Recall(lags, accuracy)


def _recall(name, forget_bias, lag, steps, seeds, n, rng, batch=32, learning_rate=0.02):
    cell = recurrent.CELLS[name]
    starts = [recurrent.random_cell_parameters(cell, 2, n, rng, forget_bias) for _ in range(seeds)]
    g = len(cell.blocks)
    W = np.stack([p.W.reshape(g * n, 2).T for p in starts])
    U = np.stack([p.U.reshape(g * n, n).T for p in starts])
    b = np.stack([p.b.reshape(1, g * n) for p in starts])
    readout = rng.normal(size=(seeds, n, 1)) / np.sqrt(n)
    theta = [torch.tensor(p, dtype=torch.float32, requires_grad=True) for p in (W, U, b, readout)]
    theta.append(torch.zeros(seeds, 1, 1, requires_grad=True))
    optimizer = torch.optim.Adam(theta, lr=learning_rate, fused=True)
    for _ in range(steps):
        logits, target = _answers(name, theta, rng, lag, seeds, batch)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        logits, target = _answers(name, theta, rng, lag, seeds, 500)
    return ((logits > 0) == (target > 0.5)).double().mean(dim=1).numpy()


def _answers(name, theta, rng, lag, seeds, batch):
    """The first input is ±1 with a flag; all others are noise without it."""
    W, U, b, readout, shift = theta
    sign = rng.integers(0, 2, size=(seeds, batch))
    x = np.zeros((lag + 1, seeds, batch, 2))
    x[:, :, :, 0] = rng.normal(size=(lag + 1, seeds, batch))
    x[0, :, :, 0], x[0, :, :, 1] = 2 * sign - 1, 1.0
    p = torch.tensor(x, dtype=torch.float32) @ W + b
    n = readout.shape[1]
    h = c = torch.zeros(seeds, batch, n)
    for row in p:
        a = row + h @ U
        if name == "sigmoid":
            h = torch.sigmoid(a)
            continue
        gates, g = torch.sigmoid(a[..., : 2 * n]), torch.tanh(a[..., 2 * n :])
        f, o = gates[..., :n], gates[..., n:]
        c = f * (1 - f) * c + g if name == "variant" else f * c + (1 - f) * g
        h = o * torch.tanh(c)
    target = torch.tensor(sign, dtype=torch.float32)
    return (h @ readout + shift)[..., 0], target


class Depths(NamedTuple):
    """Smallest and largest singular value of a stack's Jacobian: (depths, 2) each."""

    depth: np.ndarray
    values: dict[str, np.ndarray]


def residual_depths(rng: np.random.Generator, n: int = 12, deepest: int = 50) -> Depths:
    """Stacks of units with random weights: no skip, and skips with three sizes of the branch."""
    depth = np.arange(1, deepest + 1)
    settings = {
        "no skip": (False, 1.0),
        "W2 = 0": (True, 0.0),
        "W2 / L": (True, 1.0 / deepest),
        "W2": (True, 1.0),
    }
    x = rng.normal(size=n)
    units = [
        recurrent.Residual(*(rng.normal(size=(n, n)) / np.sqrt(n), np.zeros(n), W2))
        for W2 in rng.normal(size=(deepest, n, n)) / np.sqrt(n)
    ]
    values = {}
    for name, (skip, size) in settings.items():
        sized = [unit._replace(W2=size * unit.W2) for unit in units]
        values[name] = _extremes(sized, x, skip)
    return Depths(depth, values)


def _extremes(units, x, skip):
    total, extremes = np.eye(len(x)), []
    for unit in units:
        total = recurrent.residual_jacobian(unit, x, "tanh", skip) @ total
        x = recurrent.residual(unit, x, "tanh", skip)
        singular = np.linalg.svd(total, compute_uv=False)
        extremes.append([singular[-1], singular[0]])
    return np.array(extremes)


class ZeroStart(NamedTuple):
    """Norms of the gradients in all W1 and in all W2 at each step, and the loss: (steps,) each."""

    W1: np.ndarray
    W2: np.ndarray
    loss: np.ndarray


def zero_start(
    rng: np.random.Generator, inner: float = 1.0, n: int = 4, depth: int = 5, steps: int = 40
) -> ZeroStart:
    """Train tanh units from W2 = 0 to a random linear map; W1 is random times `inner`."""
    x, M = rng.normal(size=(16, n)), rng.normal(size=(n, n)) / np.sqrt(n)
    units = [
        recurrent.Residual(
            inner * rng.normal(size=(n, n)) / np.sqrt(n), np.zeros(n), np.zeros((n, n))
        )
        for _ in range(depth)
    ]
    record = []
    for _ in range(steps):
        loss, gradients = _stack_gradients(units, x, x @ M.T)
        sizes = [np.sqrt(sum((g[i] ** 2).sum() for g in gradients)) for i in (0, 2)]
        record.append([*sizes, loss])
        units = [
            recurrent.Residual(*(p - 0.05 * g for p, g in zip(unit, gradient, strict=True)))
            for unit, gradient in zip(units, gradients, strict=True)
        ]
    return ZeroStart(*np.array(record).T)


def _stack_gradients(units, x, targets):
    """Mean over the rows of ½‖output - target‖², and its gradient in every unit."""
    total = [[np.zeros_like(p) for p in unit] for unit in units]
    loss = 0.0
    for row, target in zip(x, targets, strict=True):
        inputs = [row]
        for unit in units:
            inputs.append(recurrent.residual(unit, inputs[-1]))
        grad = inputs.pop() - target
        loss += grad @ grad / 2 / len(x)
        for i in reversed(range(len(units))):
            inner, grad = recurrent.residual_backward(units[i], inputs[i], grad)
            total[i] = [s + p / len(x) for s, p in zip(total[i], inner, strict=True)]
    return loss, total
