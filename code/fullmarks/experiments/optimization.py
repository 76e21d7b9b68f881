"""Experiments of the chapter optimization: plain arrays out, randomness in through `rng`."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import NamedTuple

import numpy as np

from fullmarks import mlp
from fullmarks import optimization as opt
from fullmarks.optimization import Objective

# One landscape.


def valley_value(x, y):
    """Height of a curved valley with its minimum 0 at (1, 0.5)."""
    return (1 - x) ** 2 / 2 + 4 * (y - x**2 / 2) ** 2


def _valley_gradient(theta):
    x, y = theta
    across = 8 * (y - x**2 / 2)
    return np.array([x - 1 - across * x, across])


def _valley_hessian(theta):
    x, y = theta
    return np.array([[1 - 8 * (y - x**2 / 2) + 8 * x**2, -8 * x], [-8 * x, 8.0]])


VALLEY = Objective(_valley_gradient, lambda theta: valley_value(*theta), _valley_hessian)
RATES = np.geomspace(1e-3, 10, 25)
FIRST_ORDER = {
    "SGD": opt.sgd,
    "momentum": opt.momentum,
    "Adagrad": opt.adagrad,
    "RMSprop": opt.rmsprop,
    "Adam": opt.adam,
}


class Path(NamedTuple):
    """A path from its start on, the steps to within 0.01 of the minimum, and the rate if any."""

    points: np.ndarray
    steps: int | None
    learning_rate: float | None


def trajectories(start=(-1.4, 0.2), longest: int = 500) -> dict[str, Path]:
    """Eight methods on the valley; those with a learning rate have the best of a grid."""
    start, paths = np.array(start), {}
    for name, method in FIRST_ORDER.items():
        tries = [_valley_path(partial(method, learning_rate=r), start, longest) for r in RATES]
        best = min(range(len(RATES)), key=lambda i: tries[i].steps or np.inf)
        paths[name] = tries[best]._replace(learning_rate=float(RATES[best]))
    for name, method in {"Newton": opt.newton, "conjugate gradient":
                         opt.nonlinear_conjugate_gradient, "BFGS": opt.bfgs}.items():
        paths[name] = _valley_path(method, start, longest)
    return paths


def _valley_path(method, start, longest):
    points = [start]
    for iterate in islice(method(VALLEY, start), longest):
        points.append(iterate.theta)
        distance = np.hypot(*(iterate.theta - [1, 0.5]))
        if distance < 0.01:
            return Path(np.array(points), len(points) - 1, None)
        if distance > 100:
            break
    return Path(np.array(points), None, None)


# Limits of gradient descent.


class Conditioning(NamedTuple):
    """Steps to a gradient 10⁶ times shorter, against the condition number."""

    condition: np.ndarray
    steps: dict[str, np.ndarray]


def conditioning(n: int = 20, largest: float = 1e3, points: int = 10) -> Conditioning:
    """Quadratics with eigenvalues spread from 1 to κ, each method with its best settings.

    Gradient descent has η = 2/(1+κ), momentum has the best η and μ of a quadratic.
    """
    condition = np.geomspace(1, largest, points)
    steps = {name: [] for name in ("gradient descent", "momentum", "conjugate gradient", "BFGS",
                                   "Newton")}
    for k in condition:
        bowl, root = opt.quadratic(np.diag(np.geomspace(1, k, n)), np.ones(n)), np.sqrt(k)
        mu = ((root - 1) / (root + 1)) ** 2
        for name, method in {
            "gradient descent": partial(opt.sgd, learning_rate=2 / (1 + k)),
            "momentum": partial(opt.momentum, learning_rate=4 / (1 + root) ** 2, decay=mu),
            "conjugate gradient": opt.linear_conjugate_gradient,
            "BFGS": opt.bfgs,
            "Newton": opt.newton,
        }.items():
            iterates = method(bowl, np.zeros(n))
            short = partial(_is_short, bowl.gradient, 1e-6 * np.sqrt(n))
            steps[name].append(_steps_until(iterates, short))
    return Conditioning(condition, {name: np.array(counts) for name, counts in steps.items()})


def _is_short(gradient, length, theta):
    return np.linalg.norm(gradient(theta)) <= length


def _steps_until(iterates, holds, longest=100_000):
    for step, iterate in enumerate(islice(iterates, longest), start=1):
        if holds(iterate.theta):
            return step
    raise ValueError(f"not there after {longest} steps")


SADDLE = Objective(
    gradient=lambda theta: np.array([theta[0], theta[1] ** 3 - theta[1]]),
    value=lambda theta: theta[0] ** 2 / 2 - theta[1] ** 2 / 2 + theta[1] ** 4 / 4,
    hessian=lambda theta: np.diag([1.0, 3 * theta[1] ** 2 - 1]),
)


class Escape(NamedTuple):
    """Steps until |y| > 1/2, against the distance y from the saddle's ridge at the start."""

    start: np.ndarray
    steps: dict[str, np.ndarray]


def saddle_escape(points: int = 12) -> Escape:
    """Leave the saddle of x²/2 - y²/2 + y⁴/4 from (1, y)."""
    start = np.geomspace(1e-12, 1e-1, points)
    methods = {
        "gradient descent, η = 0.1": partial(opt.sgd, learning_rate=0.1),
        "momentum, η = 0.1": partial(opt.momentum, learning_rate=0.1),
        "momentum, η/(1-μ) = 0.1": partial(opt.momentum, learning_rate=0.01),
        "Adam, η = 0.01": partial(opt.adam, learning_rate=0.01),
    }
    steps = {
        name: np.array([
            _steps_until(method(SADDLE, np.array([1.0, y])), lambda theta: abs(theta[1]) > 0.5)
            for y in start
        ])
        for name, method in methods.items()
    }
    return Escape(start, steps)


class Tolerance(NamedTuple):
    """Training loss in nats after a fixed number of steps, against the learning rate."""

    learning_rate: np.ndarray
    loss: dict[str, np.ndarray]
    best: float


def learning_rates(
    rng: np.random.Generator, n: int = 200, d: int = 8, steps: int = 200
) -> Tolerance:
    """Logistic regression on features whose scales go from 0.1 to 10."""
    scale = np.geomspace(0.1, 10, d)
    x = rng.normal(size=(n, d)) * scale
    y = (rng.random(n) < mlp.sigmoid(x @ (1 / scale))).astype(float)
    objective = Objective(lambda w: x.T @ mlp.logistic_gradient(x @ w, y) / n,
                          lambda w: mlp.logistic_loss(x @ w, y).mean(),
                          lambda w: (x.T * mlp.logistic_curvature(x @ w)) @ x / n)
    rates = np.geomspace(1e-4, 10, 21)
    loss = {
        name: np.array([
            objective.value(opt.path(method(objective, np.zeros(d), learning_rate=r), steps)[-1])
            for r in rates
        ])
        for name, method in {"gradient descent": opt.sgd, "Adam": opt.adam}.items()
    }
    optimum = opt.path(opt.newton(objective, np.zeros(d)), 20)[-1]
    return Tolerance(rates, loss, float(objective.value(optimum)))


# One step size, or one for each parameter.


class Steps(NamedTuple):
    """Size of each step in units of the learning rate."""

    t: np.ndarray
    size: dict[str, np.ndarray]


def _step_sizes(methods, gradients):
    size = {}
    for name, method in methods.items():
        thetas = opt.replay(method, np.zeros(1), gradients[:, None], learning_rate=1.0)
        size[name] = abs(np.diff(thetas[:, 0], prepend=0.0))
    return Steps(np.arange(1, len(gradients) + 1), size)


def constant_gradient(gradient: float = 0.25, steps: int = 100) -> Steps:
    """Steps of the five first-order methods while the gradient stays the same."""
    return _step_sizes(FIRST_ORDER, np.full(steps, gradient))


class Scale(NamedTuple):
    """Loss after a number of steps, relative to the start, when the loss is multiplied by c."""

    c: np.ndarray
    loss: dict[str, np.ndarray]


def loss_scale(steps: int = 100, rate: float = 0.1) -> Scale:
    """Descend c (θ₁² + 10 θ₂²)/2 from (1, 1); nan where gradient descent diverges."""
    c = np.geomspace(1e-12, 1e6, 73)
    A, start, b = np.diag([1.0, 10.0]), np.ones(2), np.zeros(2)
    bowl, loss = opt.quadratic(A, b), {}
    for name in ("SGD", "Adagrad", "Adam"):
        method = partial(FIRST_ORDER[name], learning_rate=rate)
        loss[name] = np.array([
            bowl.value(opt.path(method(opt.quadratic(k * A, b), start), steps)[-1])
            / bowl.value(start) if name != "SGD" or rate * k * 10 < 2 else np.nan
            for k in c
        ])
    return Scale(c, loss)


class Sparse(NamedTuple):
    """Mean squared error of each weight, against how often its feature is there."""

    frequency: np.ndarray
    error: dict[str, np.ndarray]


def sparse_features(rng: np.random.Generator, runs: int = 200, steps: int = 2000) -> Sparse:
    """Least squares, one example per step, on binary features of different frequency.

    All weights are 1, the targets have noise of variance 1, and all runs share one vector.
    """
    frequency = 2.0 ** -np.arange(9)
    d, error = len(frequency), {}
    for name, method in {
        "SGD, η = 0.1": partial(opt.sgd, learning_rate=0.1),
        "SGD, η = 0.01": partial(opt.sgd, learning_rate=0.01),
        "Adagrad, η = 0.5": partial(opt.adagrad, learning_rate=0.5),
    }.items():
        def gradient(theta):
            x = (rng.random((runs, d)) < frequency).astype(float)
            residual = (x * (theta.reshape(runs, d) - 1)).sum(axis=1) - rng.normal(size=runs)
            return (residual[:, None] * x).ravel()

        last = opt.path(method(Objective(gradient), np.zeros(runs * d)), steps)[-1]
        error[name] = ((last.reshape(runs, d) - 1) ** 2).mean(axis=0)
    return Sparse(frequency, error)


# Sums of squares that never forget, and averages that do.


def after_a_cliff(steep: int = 50, flat: int = 1950, ratio: float = 100.0) -> Steps:
    """Step sizes when the gradient falls from `ratio` to 1 after `steep` steps."""
    methods = {
        "Adagrad": opt.adagrad,
        "RMSprop, ρ = 0.9": partial(opt.rmsprop, decay=0.9),
        "RMSprop, ρ = 0.99": partial(opt.rmsprop, decay=0.99),
    }
    return _step_sizes(methods, np.r_[np.full(steep, ratio), np.ones(flat)])


class Noise(NamedTuple):
    """Mean squared distance to the minimum after each step."""

    t: np.ndarray
    distance: dict[str, np.ndarray]


def noisy_bowl(rng: np.random.Generator, runs: int = 400, steps: int = 4000) -> Noise:
    """Descend θ²/2 from 5 with gradients θ + ξ, where ξ is standard normal; all runs at once."""
    distance = {}
    for name, method in {
        "Adagrad, η = 1": partial(opt.adagrad, learning_rate=1.0),
        "RMSprop, η = 0.1": partial(opt.rmsprop, learning_rate=0.1),
        "RMSprop, η = 0.01": partial(opt.rmsprop, learning_rate=0.01),
    }.items():
        noisy = Objective(lambda theta: theta + rng.normal(size=runs))
        distance[name] = (opt.path(method(noisy, np.full(runs, 5.0)), steps) ** 2).mean(axis=1)
    return Noise(np.arange(1, steps + 1), distance)


# Averages that start at zero, and an average that is too short.


def bias_correction(steps: int = 5000) -> Steps:
    """Steps of Adam under a constant gradient, with and without bias correction."""
    methods = {
        "with correction": opt.adam,
        "without": partial(opt.adam, bias_correction=False),
    }
    return _step_sizes(methods, np.ones(steps))


class Drift(NamedTuple):
    """Paths on a loss whose gradient repeats C, -1, -1, and movement per cycle against β₂."""

    t: np.ndarray
    path: dict[str, np.ndarray]
    decay_square: np.ndarray
    drift: np.ndarray
    measured: np.ndarray


def cycle_drift(C: float, decay_square: np.ndarray) -> np.ndarray:
    """Movement of Adam with β₁ = 0 over one cycle C, -1, -1, in units of η, in the long run."""
    b = np.asarray(decay_square)
    norm = np.sqrt((1 - b) / (1 - b**3))
    return (
        -C / np.sqrt(C**2 + b + b**2)
        + 1 / np.sqrt(1 + b * C**2 + b**2)
        + 1 / np.sqrt(1 + b + b**2 * C**2)
    ) / norm


def wrong_way(C: float = 3.0, rate: float = 1e-3, cycles: int = 500) -> Drift:
    """SGD against Adam with a short and with a long memory, on the same gradients."""
    gradients = np.tile([C, -1.0, -1.0], cycles)[:, None]
    methods = {
        "SGD": opt.sgd,
        "Adam, β₁ = 0, β₂ = 0.1": partial(opt.adam, decay_mean=0.0, decay_square=1 / (1 + C**2)),
        "Adam, β₁ = 0, β₂ = 0.999": partial(opt.adam, decay_mean=0.0),
    }
    path = {name: opt.replay(method, np.zeros(1), gradients, learning_rate=rate)[:, 0]
            for name, method in methods.items()}
    decay_square = np.linspace(0, 0.99, 100)
    measured = []
    for b in decay_square[::9]:
        last = opt.replay(partial(opt.adam, decay_mean=0.0, decay_square=b), np.zeros(1),
                          np.tile(gradients[:3], (600, 1)), learning_rate=1.0)[:, 0]
        measured.append(last[-1] - last[-4])
    return Drift(np.arange(1, len(gradients) + 1), path, decay_square,
                 cycle_drift(C, decay_square), np.array(measured))


# Curvature known, or found out.


class Spectra(NamedTuple):
    """Residual relative to the start, step by step, for each number of distinct eigenvalues."""

    distinct: list[int]
    residual: list[np.ndarray]


def eigenvalue_clusters(rng: np.random.Generator, n: int = 60, steps: int = 30) -> Spectra:
    """Linear conjugate gradients on matrices of one size and one condition number, 100."""
    distinct, residual = [2, 5, 10, n], []
    b = rng.normal(size=n)
    for k in distinct:
        bowl = opt.quadratic(np.diag(np.resize(np.geomspace(1, 100, k), n)), b)
        method = opt.linear_conjugate_gradient(bowl, np.zeros(n), tolerance=1e-13)
        thetas = opt.path(method, steps)
        lengths = [np.linalg.norm(bowl.gradient(theta)) for theta in thetas]
        residual.append(np.r_[1.0, np.array(lengths) / np.linalg.norm(b)])
    return Spectra(distinct, residual)


class Basins(NamedTuple):
    """Paths of gradient descent and Newton near a saddle, and the y where Newton ends."""

    gradient_descent: list[np.ndarray]
    newton: list[np.ndarray]
    start: np.ndarray
    end: np.ndarray


def newton_basins(steps: int = 60) -> Basins:
    """Both methods on x²/2 - y²/2 + y⁴/4; its minima are (0, -1) and (0, 1), its saddle is 0."""
    starts = [np.array([1.2, 0.15]), np.array([-1.2, 0.3]), np.array([1.2, -0.42])]
    descent, newton = [], []
    for start in starts:
        for method, paths in ((partial(opt.sgd, learning_rate=0.1), descent),
                              (opt.newton, newton)):
            paths.append(np.vstack([start, opt.path(method(SADDLE, start), steps)]))
    grid = np.linspace(-1.5, 1.5, 601)
    grid = grid[abs(3 * grid**2 - 1) > 1e-9]
    y = grid.copy()
    for _ in range(200):
        y = y - (y**3 - y) / (3 * y**2 - 1)
    return Basins(descent, newton, grid, y.round(6) + 0.0)


class Coincidence(NamedTuple):
    """Distances to the minimum, distance between the two paths, and the error of H, by step."""

    conjugate_gradient: np.ndarray
    bfgs: np.ndarray
    between: np.ndarray
    inverse_error: np.ndarray


def coincidence(rng: np.random.Generator, n: int = 8, condition: float = 30.0) -> Coincidence:
    """BFGS from H = I and conjugate gradients on one quadratic, both with exact steps.

    Distances are relative to the start; the error of H is ‖H A - I‖ relative to ‖A - I‖.
    """
    Q = np.linalg.qr(rng.normal(size=(n, n)))[0]
    A = (Q * np.geomspace(1, condition, n)) @ Q.T
    A = (A + A.T) / 2
    bowl, start = opt.quadratic(A, rng.normal(size=n)), rng.normal(size=n)
    minimum = opt.path(opt.newton(bowl, start), 1)[-1]
    quasi = list(islice(opt.bfgs(bowl, start, line_search=opt.exact_step, tolerance=0.0), n))
    conjugate = opt.path(opt.linear_conjugate_gradient(bowl, start, tolerance=0.0), n)
    whole = np.linalg.norm(start - minimum)
    thetas = np.array([iterate.theta for iterate in quasi])
    errors = [np.linalg.norm(iterate.state["H"] @ A - np.eye(n)) for iterate in quasi]
    return Coincidence(
        np.r_[1, np.linalg.norm(conjugate - minimum, axis=1) / whole],
        np.r_[1, np.linalg.norm(thetas - minimum, axis=1) / whole],
        np.r_[0, np.linalg.norm(thetas - conjugate, axis=1) / whole],
        np.r_[1, np.array(errors) / np.linalg.norm(A - np.eye(n))],
    )


class Inexact(NamedTuple):
    """Gradients computed until convergence, against the flatness c₂ asked of a line search."""

    flatness: np.ndarray
    gradients: dict[str, np.ndarray]
    steps: dict[str, np.ndarray]


def inexact_line_search(n: int = 10) -> Inexact:
    """Both methods on a chain of curved valleys in n dimensions, from (-1, 1, -1, …)."""
    flatness = np.array([0.01, 0.03, 0.1, 0.3, 0.6, 0.9])
    methods = {"conjugate gradient": opt.nonlinear_conjugate_gradient, "BFGS": opt.bfgs}
    gradients, steps = {name: [] for name in methods}, {name: [] for name in methods}
    for name, method in methods.items():
        for c2 in flatness:
            calls, search = [], partial(opt.wolfe_step, flatness=c2)
            chain = Objective(lambda t, calls=calls: calls.append(1) or _chain_gradient(t),
                              _chain_value)
            start = np.resize([-1.0, 1.0], n)
            steps[name].append(sum(1 for _ in method(chain, start, line_search=search)))
            gradients[name].append(len(calls))
    return Inexact(flatness, {k: np.array(v) for k, v in gradients.items()},
                   {k: np.array(v) for k, v in steps.items()})


def _chain_value(x):
    return ((1 - x[:-1]) ** 2 + 10 * (x[1:] - x[:-1] ** 2) ** 2).sum()


def _chain_gradient(x):
    across = 20 * (x[1:] - x[:-1] ** 2)
    gradient = np.zeros_like(x)
    gradient[:-1] = 2 * (x[:-1] - 1) - 2 * across * x[:-1]
    gradient[1:] += across
    return gradient
