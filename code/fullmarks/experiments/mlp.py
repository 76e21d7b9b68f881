"""Experiments of the chapter mlp: plain arrays out, randomness in through `rng`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from fullmarks import mlp


class Curves(NamedTuple):
    """Two losses, or two derivatives of them, over the same pre-activations `a`."""

    a: np.ndarray
    cross_entropy: np.ndarray
    squared_error: np.ndarray


def loss_in_preactivation(points: int = 401) -> Curves:
    """Both losses of an example with label 1."""
    a = np.linspace(-6, 6, points)
    y = np.ones_like(a)
    return Curves(a, mlp.logistic_loss(a, y), mlp.squared_error(mlp.sigmoid(a), y))


def gradient_in_preactivation(points: int = 401) -> Curves:
    """Size of both gradients for an example with label 1."""
    a = np.linspace(-6, 6, points)
    y = np.ones_like(a)
    return Curves(a, abs(mlp.logistic_gradient(a, y)), abs(mlp.squared_error_gradient(a, y)))


def curvature_in_preactivation(points: int = 401) -> Curves:
    """Second derivative of both losses for an example with label 1."""
    a = np.linspace(-6, 6, points)
    return Curves(a, mlp.logistic_curvature(a), mlp.squared_error_curvature(a, np.ones_like(a)))


class Steps(NamedTuple):
    """Gradient steps from each start to a = 0, counted, and the time that gradient flow takes."""

    start: np.ndarray
    cross_entropy: np.ndarray
    squared_error: np.ndarray
    flow_cross_entropy: np.ndarray
    flow_squared_error: np.ndarray


def steps_from_saturation(deepest: int = 8, learning_rate: float = 0.1) -> Steps:
    """Descend on one example with label 1 from a = -1, -2, … until a ≥ 0, that is f ≥ 1/2.

    Flow times are those of da/dt = -gradient, divided by the learning rate.
    """
    start = -np.arange(1.0, deepest + 1)
    return Steps(
        start,
        _steps_to_zero(start, mlp.logistic_gradient, learning_rate),
        _steps_to_zero(start, mlp.squared_error_gradient, learning_rate),
        *(time / learning_rate for time in escape_times(start)),
    )


def escape_times(start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Time of the flow da/dt = -gradient from each start to 0, for label 1: both losses."""
    e = np.exp(start)
    return 1 - start - e, (5 + 2 / e - 6 * start - 6 * e - e**2) / 4


def _steps_to_zero(start, gradient, learning_rate):
    a, steps = start.copy(), np.zeros(len(start), dtype=int)
    while (going := a < 0).any():
        a[going] -= learning_rate * gradient(a[going], 1.0)
        steps[going] += 1
    return steps


class Fit(NamedTuple):
    """Probability of the label 1 at each `x`: the true one, and that of the fitted neuron."""

    x: np.ndarray
    true: np.ndarray
    fitted: np.ndarray


def fitted_probabilities(points: int = 401) -> tuple[Fit, Fit]:
    """Fit σ(w x + b) by cross-entropy to log-odds that are linear in x, and to some that are not.

    The labels are the true probabilities themselves, as with unlimited data, so no randomness.
    """
    x = np.linspace(-3, 3, points)
    return tuple(
        Fit(x, true, _newton(x, true))
        for true in (mlp.sigmoid(2 * x - 1), mlp.sigmoid(2 - x**2 + x))
    )


def _newton(x, target, steps=20):
    inputs = np.stack([x, np.ones_like(x)], axis=1)
    w = np.zeros(2)
    for _ in range(steps):
        a = inputs @ w
        hessian = (inputs * mlp.logistic_curvature(a)[:, None]).T @ inputs
        w -= np.linalg.solve(hessian, inputs.T @ mlp.logistic_gradient(a, target))
    return mlp.sigmoid(inputs @ w)


class MarginLosses(NamedTuple):
    """Three losses over the margin y·a."""

    margin: np.ndarray
    perceptron: np.ndarray
    hinge: np.ndarray
    logistic: np.ndarray


def margin_losses(points: int = 301) -> MarginLosses:
    """Perceptron, hinge and logistic loss of the margin."""
    m = np.linspace(-2, 2.5, points)
    y = np.ones_like(m)
    return MarginLosses(m, mlp.perceptron_loss(m, y), mlp.hinge_loss(m, y), mlp.logistic_loss(m, y))


class Separators(NamedTuple):
    """Separable points, and the weights at which each loss has nothing left to correct."""

    x: np.ndarray
    y: np.ndarray
    perceptron: np.ndarray
    hinge: np.ndarray


def separators(rng: np.random.Generator, n: int = 24, learning_rate: float = 0.01) -> Separators:
    """Both rules from w = 0, one example at a time, until no example asks for a step."""
    y = np.repeat([1.0, -1.0], n // 2)
    x = rng.normal(size=(n, 2)) * [1.0, 0.5] + y[:, None] * [1.0, 1.5]
    order = rng.permutation(n)
    weights = [
        _descend(x[order], y[order], rule, learning_rate)
        for rule in (mlp.perceptron_subgradient, mlp.hinge_subgradient)
    ]
    return Separators(x, y, *weights)


def _descend(x, y, subgradient, learning_rate, epochs=20_000):
    w = np.zeros(x.shape[1])
    for _ in range(epochs):
        for row, label in zip(x, y, strict=True):
            w -= learning_rate * subgradient(row @ w, label) * row
        if not subgradient(x @ w, y).any():
            return w
    raise RuntimeError(f"no separator after {epochs} passes: the {len(x)} points may not have one")


class OutputGradient(NamedTuple):
    """One example: hidden units, errors of the outputs, and the gradient of W2."""

    h: np.ndarray
    error: np.ndarray
    W2: np.ndarray
    y: int


def output_gradient(rng: np.random.Generator) -> OutputGradient:
    """Gradient of one example's loss in the output projection of a random 6-5-4 network."""
    theta = mlp.random_parameters(6, 5, 4, rng)
    y = np.array([2])
    h, a = mlp.forward(theta, rng.normal(size=(1, 6)))
    W2, error = mlp.output_gradients(h, a, y)
    return OutputGradient(h[0], error, W2, 2)


def two_arcs(rng: np.random.Generator, n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Points of two interleaved half circles with noise: coordinates (n, 2) and classes (n,)."""
    y = np.arange(n) % 2
    angle = rng.uniform(0, np.pi, size=n)
    x = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    x[y == 1] = [1.0, 0.4] - x[y == 1]
    return x - [0.5, 0.2] + 0.12 * rng.normal(size=(n, 2)), y


class SingleSteps(NamedTuple):
    """Change of losses by one step for each example alone, from the same parameters."""

    own: np.ndarray
    mean: np.ndarray
    predicted: float


def single_steps(
    rng: np.random.Generator, hidden: int = 8, warm_up: int = 5, learning_rate: float = 0.01
) -> SingleSteps:
    """For each example: its step's effect on its own loss, and on the mean loss of all.

    `predicted` is -η ‖∇L‖², the first-order effect on the mean loss of the average step.
    """
    x, y = two_arcs(rng)
    theta = mlp.random_parameters(2, hidden, 2, rng)
    for _ in range(warm_up):
        theta = mlp.sgd_step(theta, mlp.backward(theta, x, y), 0.2)
    before, full = mlp.cross_entropy(mlp.forward(theta, x).a, y), mlp.backward(theta, x, y)
    change = np.empty((len(x), len(x)))
    for i in range(len(x)):
        step = mlp.sgd_step(theta, mlp.backward(theta, x[i : i + 1], y[i : i + 1]), learning_rate)
        change[i] = mlp.cross_entropy(mlp.forward(step, x).a, y) - before
    return SingleSteps(
        np.diag(change), change.mean(axis=1), -learning_rate * sum((g**2).sum() for g in full)
    )


class Boundaries(NamedTuple):
    """Points, a grid, and the score of class 1 minus class 0 on it for two networks."""

    x: np.ndarray
    y: np.ndarray
    grid: np.ndarray
    linear: np.ndarray
    tanh: np.ndarray
    accuracy: dict[str, float]


def decision_boundaries(rng: np.random.Generator, steps: int = 400) -> Boundaries:
    """Train the same 2-16-16-2 network without and with tanh on two arcs."""
    x, y = two_arcs(rng)
    grid = np.linspace(-2.2, 2.2, 121)
    field = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    scores, accuracy = {}, {}
    for name, activation in (("linear", torch.nn.Identity()), ("tanh", torch.nn.Tanh())):
        network = _train(x, y, activation, steps, seed=int(rng.integers(2**31)))
        with torch.no_grad():
            logits = network(torch.tensor(field)).numpy()
            right = network(torch.tensor(x)).numpy().argmax(axis=1) == y
        scores[name] = (logits[:, 1] - logits[:, 0]).reshape(len(grid), len(grid))
        accuracy[name] = float(right.mean())
    return Boundaries(x, y, grid, **scores, accuracy=accuracy)


def _train(x, y, activation, steps, seed):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = torch.nn.Sequential(
            torch.nn.Linear(2, 16), activation, torch.nn.Linear(16, 16), activation,
            torch.nn.Linear(16, 2),
        ).double()  # fmt: skip
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02, fused=True)
    for _ in range(steps):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(torch.tensor(x)), torch.tensor(y)).backward()
        optimizer.step()
    return network


class Paths(NamedTuple):
    """Singular values learnt, step by step, by one layer and by a product of two layers."""

    target: np.ndarray
    one_layer: np.ndarray
    two_layers: np.ndarray


def linear_paths(
    rng: np.random.Generator, steps: int = 400, learning_rate: float = 0.05, start: float = 1e-3
) -> Paths:
    """Descend on ½‖W - M‖² and on ½‖W2 W1 - M‖² from near zero, where M has known values.

    Returned are the diagonals of Uᵀ W V, for M = U diag(target) Vᵀ, after each step.
    """
    target = np.array([3.0, 2.0, 1.0])
    U, V = (np.linalg.qr(rng.normal(size=(6, 3)))[0] for _ in range(2))
    M = (U * target) @ V.T
    W, W1, W2 = (start * rng.normal(size=(6, 6)) for _ in range(3))
    one, two = [], []
    for _ in range(steps):
        one.append(np.diag(U.T @ W @ V))
        two.append(np.diag(U.T @ W2 @ W1 @ V))
        W = W - learning_rate * (W - M)
        error = W2 @ W1 - M
        W1, W2 = W1 - learning_rate * W2.T @ error, W2 - learning_rate * error @ W1.T
    return Paths(target, np.array(one), np.array(two))


class Bottleneck(NamedTuple):
    """For each width: the squared error that training reached, and the best of that rank."""

    width: np.ndarray
    trained: np.ndarray
    best: np.ndarray


def bottleneck(
    rng: np.random.Generator, size: int = 10, steps: int = 4000, learning_rate: float = 0.02
) -> Bottleneck:
    """Train W2 W1 to imitate a matrix M of full rank, for every bottleneck width at once.

    With whitened inputs the mean squared error of the outputs is ‖W2 W1 - M‖², which is descended.
    """
    width = np.arange(1, size + 1)
    M = rng.normal(size=(size, size))
    used = (np.arange(size) < width[:, None]).astype(float)  # hidden units of each network
    W1 = 0.1 * rng.normal(size=(size, size, size)) * used[:, :, None]
    W2 = 0.1 * rng.normal(size=(size, size, size)) * used[:, None, :]
    for _ in range(steps):
        error = W2 @ W1 - M
        slope = error @ W1.transpose(0, 2, 1), W2.transpose(0, 2, 1) @ error
        W2, W1 = W2 - learning_rate * slope[0], W1 - learning_rate * slope[1]
    best = [((M - mlp.truncated_svd(M, int(r))) ** 2).sum() for r in width]
    return Bottleneck(width, ((W2 @ W1 - M) ** 2).sum(axis=(1, 2)), np.array(best))


class Generalisation(NamedTuple):
    """Mean squared error per output for each bottleneck width, on training and on new data."""

    width: np.ndarray
    train: np.ndarray
    test: np.ndarray
    noise: float
    true_rank: int


def bottleneck_generalisation(
    rng: np.random.Generator, size: int = 20, true_rank: int = 3, n: int = 40, repeats: int = 20
) -> Generalisation:
    """Fit linear networks of every width to few noisy examples of a map of low rank.

    Each fit is the least-squares optimum under the rank: the unconstrained fit, projected onto
    the leading principal directions of its fitted outputs. Errors are means over `repeats`.
    """
    width, noise = np.arange(1, size + 1), 1.0
    train, test = np.zeros(size), np.zeros(size)
    for _ in range(repeats):
        left, right = rng.normal(size=(size, true_rank)), rng.normal(size=(true_rank, size))
        W = left @ right / np.sqrt(size)
        x = rng.normal(size=(n, size))
        targets = x @ W.T + noise * rng.normal(size=(n, size))
        full = np.linalg.lstsq(x, targets, rcond=None)[0].T
        directions = np.linalg.svd(x @ full.T)[2]
        for i, r in enumerate(width):
            fit = directions[:r].T @ directions[:r] @ full
            train[i] += ((targets - x @ fit.T) ** 2).mean()
            test[i] += noise**2 + ((W - fit) ** 2).sum() / size
    return Generalisation(width, train / repeats, test / repeats, noise**2, true_rank)


class Counts(NamedTuple):
    """Weights of a linear network for each bottleneck width, and of the single layer."""

    width: np.ndarray
    bottleneck: np.ndarray
    single: int


def parameter_counts(inputs: int = 100, outputs: int = 100, widest: int = 100) -> Counts:
    """Weights without biases of inputs-r-outputs against inputs-outputs."""
    width = np.arange(1, widest + 1)
    narrow = [mlp.parameter_count([inputs, int(r), outputs], bias=False) for r in width]
    return Counts(width, np.array(narrow), mlp.parameter_count([inputs, outputs], bias=False))
