"""Experiments of the chapter backprop: plain arrays out, randomness in through `rng`."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import NamedTuple

import numpy as np
import torch

from fullmarks import backprop as bp
from fullmarks import mlp

# The network of paper D, part 3. A weight is named by the unit that it leaves and then by the one
# that it enters, so the table is a matrix that a row of inputs is multiplied with from the left.
INPUTS = np.array([[2.0, -1.0]])
W1 = np.array([[1.0, -0.5], [0.5, -1.0]])  # w11 w12, w21 w22
B1 = np.array([0.5, -0.5])  # b1 b2
W2 = np.array([[0.5, -1.0], [-0.5, 1.0]])  # w31 w32, w41 w42
B2 = np.array([-1.0, 0.5])  # b3 b4
TARGETS = np.array([[1.0, 0.5]])


class Edge(NamedTuple):
    """An edge of a recorded graph, from a parent to the node that uses it, `uses` times."""

    parent: int
    child: int
    uses: int


class Graph(NamedTuple):
    """A recorded graph, the root first: operations, values, adjoints, and edges between them."""

    operations: list[str]
    values: list[np.ndarray]
    adjoints: list[np.ndarray]
    edges: list[Edge]


def exam_graph() -> Graph:
    """Record the network of D3 with its mean squared error, and walk it backwards."""
    x, w1, b1 = bp.leaf(INPUTS, "x"), bp.leaf(W1, "W1"), bp.leaf(B1, "b1")
    w2, b2 = bp.leaf(W2, "W2"), bp.leaf(B2, "b2")
    steps = [x, w1, b1, w2, b2]
    steps.append(x @ w1)
    steps.append(steps[-1] + b1)
    steps.append(bp.relu(steps[-1]))
    steps.append(steps[-1] @ w2)
    steps.append(steps[-1] + b2)
    steps.append(steps[-1] - TARGETS)
    steps.append(steps[-1] * steps[-1])
    steps.append(steps[-1].sum())
    steps.append(steps[-1] / 2)
    return _graph(steps[-1], {step.node: step.data for step in steps})


def _graph(root, values):
    adjoints = bp.adjoints(root)
    order = bp.topological_order(root.node)
    place = {node: i for i, node in enumerate(order)}
    edges = [
        Edge(place[parent], place[node], node.parents.count(parent))
        for node in order
        for parent in dict.fromkeys(filter(None, node.parents))
    ]
    return Graph(
        [node.operation for node in order],
        [values[node] for node in order],
        [adjoints[node] for node in order],
        edges,
    )


class Reading(NamedTuple):
    """What one reading of D3 gives: outputs, loss, derivative in w21, and w21 after the step."""

    name: str
    outputs: tuple[float, float]
    loss: float
    derivative: float
    updated: float


def exam_reading(
    name: str,
    *,
    to_from: bool = False,
    factor: float = 0.5,
    rectified_output: bool = False,
    linear_hidden: bool = False,
    uphill: bool = False,
    learning_rate: float = 0.1,
) -> Reading:
    """Work D3 in one reading of its indices, its loss, its activations, or with one slip.

    Parameters
    ----------
    name : str
    to_from : bool
        Whether w21 enters unit 2 and leaves unit 1, instead of the reverse.
    factor : float
        What each squared error is multiplied with.
    rectified_output, linear_hidden : bool
        Whether the outputs have a ReLU too; whether the hidden units have none.
    uphill : bool
        Whether the step is added instead of subtracted.
    learning_rate : float
    """
    w1, w2 = bp.leaf(W1, "W1"), bp.leaf(W2, "W2")
    first, second = (w1.T, w2.T) if to_from else (w1, w2)
    h = INPUTS @ first + B1
    o = (h if linear_hidden else bp.relu(h)) @ second + B2
    o = bp.relu(o) if rectified_output else o
    loss = (factor * (o - TARGETS) ** 2).sum()
    loss.backward()
    derivative = float(w1.grad[1, 0])
    step = learning_rate * derivative
    updated = W1[1, 0] + step if uphill else W1[1, 0] - step
    outputs = tuple(float(value) for value in o.data[0])
    return Reading(name, outputs, float(loss.data), derivative, float(updated))


def exam_readings() -> list[Reading]:
    """The printed reading first, then those that a reader may take it for, then slips."""
    return [
        exam_reading("as printed"),
        exam_reading("first index: the unit entered", to_from=True),
        exam_reading("sum of squares", factor=1.0),
        exam_reading("mean and a further 1/2", factor=0.25),
        exam_reading("ReLU on the outputs", rectified_output=True),
        exam_reading("no ReLU at all", linear_hidden=True),
        exam_reading("step uphill", uphill=True),
    ]


# In-place changes.

START, FACTOR, SHIFT = np.array([[0.5, 2.0]]), np.array([[3.0, 5.0]]), -3.0
OPERATIONS = [
    # name, on variables, on tensors
    ("a + c", lambda a: a + FACTOR, lambda a: a + torch.tensor(FACTOR)),
    ("sum(a)", lambda a: a.sum(), lambda a: a.sum()),
    ("c · a", lambda a: a * FACTOR, lambda a: a * torch.tensor(FACTOR)),
    ("exp(a)", bp.exp, torch.exp),
    ("tanh(a)", bp.tanh, torch.tanh),
    ("sigmoid(a)", bp.sigmoid, torch.sigmoid),
    ("relu(a)", bp.relu, torch.relu),
    ("log softmax(a)", bp.log_softmax, lambda a: torch.log_softmax(a, 1)),
    ("a · a", lambda a: a * a, lambda a: a * a),
    ("a³", lambda a: a**3, lambda a: a**3),
    ("log(a)", bp.log, torch.log),
    ("c / a", lambda a: FACTOR / a, lambda a: torch.tensor(FACTOR) / a),
    ("leaky relu(a)", bp.leaky_relu, lambda a: torch.nn.functional.leaky_relu(a, 0.01)),
]
CHANGES = ["a.add_", "y.add_", "a behind\nthe counter", "y behind\nthe counter"]


class Outcomes(NamedTuple):
    """What a change between forward and backward does: "right", "error" or "wrong" gradient.

    The rows of both arrays are the operations y of a, the columns the changes.
    """

    operations: list[str]
    changes: list[str]
    ours: np.ndarray
    torch: np.ndarray


def in_place_outcomes() -> Outcomes:
    """Compute y from a, subtract 3 from one of the two in place, and only then differentiate.

    Through ``add_`` the change is counted (and, where it is y, recorded, so that the right
    gradient in the start is unchanged). A write behind the counter goes to the bare array.
    """
    ours = [[_ours(f, change) for change in range(4)] for _, f, _ in OPERATIONS]
    torchs = [[_torchs(f, change) for change in range(4)] for _, _, f in OPERATIONS]
    names = [name for name, _, _ in OPERATIONS]
    return Outcomes(names, CHANGES, np.array(ours), np.array(torchs))


def _ours(function, change):
    def gradient(change):
        x = bp.leaf(START)
        a = x + 0.0
        y = function(a)
        changed = (a, y)[change % 2] if change is not None else None
        if change in (0, 1):
            changed.add_(SHIFT)
        elif changed is not None:
            changed.data[...] += SHIFT
        y.backward(np.arange(1.0, 1 + y.data.size).reshape(y.data.shape))
        return x.grad

    return _judged(gradient, change)


def _torchs(function, change):
    def gradient(change):
        x = torch.tensor(START, requires_grad=True)
        a = x + 0.0
        y = function(a)
        changed = (a, y)[change % 2] if change is not None else None
        if change in (0, 1):
            changed.add_(SHIFT)
        elif changed is not None:
            changed.data.add_(SHIFT)
        y.backward(torch.arange(1.0, 1 + y.numel(), dtype=torch.float64).reshape(y.shape))
        return x.grad.numpy()

    return _judged(gradient, change)


def _judged(gradient, change):
    try:
        found = gradient(change)
    except RuntimeError:
        return "error"
    return "right" if np.allclose(found, gradient(None), rtol=1e-9, atol=0) else "wrong"


# The softmax: one logit moves, and all logits move, in three precisions.


class Response(NamedTuple):
    """Probabilities (3, points) of three classes while the first logit ``z`` moves; two are fixed.

    At ``place`` the probabilities are ``p``, with the derivatives ``slope`` in the first logit.
    """

    z: np.ndarray
    probabilities: np.ndarray
    place: float
    p: np.ndarray
    slope: np.ndarray


def softmax_response(place: float = 1.0, points: int = 201) -> Response:
    """Move the first of the logits (z, 1, 0)."""
    z = np.linspace(-3, 5, points)
    logits = np.stack([z, np.ones_like(z), np.zeros_like(z)], axis=1)
    here = np.array([place, 1.0, 0.0])
    slope = bp.softmax_jacobian(here)[:, 0]
    return Response(z, mlp.softmax(logits).T, place, mlp.softmax(here[None])[0], slope)


OFFSETS = np.array([0.0, -1.0, -2.0])


class Range(NamedTuple):
    """Probability of the first class against a number that is added to all logits.

    Attributes
    ----------
    shift, naive, shifted : array
        The number, and what each formula returns.
    exact : float
        The probability, the same for every shift.
    low, high : float
        Where the naive formula stops working: at or below `low` the probability is not a number;
        above `high` the sum overflows.
    """

    dtype: str
    shift: np.ndarray
    naive: np.ndarray
    shifted: np.ndarray
    exact: float
    low: float
    high: float


def softmax_ranges(points: int = 801) -> list[Range]:
    """Both formulas for the logits (s, s - 1, s - 2) in float16, float32 and float64."""
    return [_range(dtype, points) for dtype in (np.float16, np.float32, np.float64)]


def _range(dtype, points):
    def first(formula, s):
        return float(formula((s + OFFSETS).astype(dtype))[0])

    low = _last(lambda s: np.isnan(first(bp.naive_softmax, -s)), dtype)
    high = _last(lambda s: not first(bp.naive_softmax, s) > 0, dtype)
    walls = [np.linspace(-low, 4 - low, 65), np.linspace(high - 0.1, high + 0.4, 9)]
    everywhere = np.linspace(-1.45 * low, 1.45 * low, points)
    shift = np.unique(np.round(64 * np.concatenate([everywhere, *walls])) / 64)  # exact in float16
    naive = np.array([first(bp.naive_softmax, s) for s in shift])
    shifted = np.array([first(bp.shifted_softmax, s) for s in shift])
    exact = float(mlp.softmax(OFFSETS[None])[0, 0])
    return Range(np.dtype(dtype).name, shift, naive, shifted, exact, -low, high)


def _last(breaks, dtype, steps=60):
    """Bisect for the number, up to the largest exponent, from which on the formula breaks."""
    works, broken = 0.0, 2.0 * abs(float(np.log(np.finfo(np.float64).smallest_subnormal)))
    if np.dtype(dtype) == np.float16:
        broken = 100.0
    for _ in range(steps):
        middle = (works + broken) / 2
        works, broken = (works, middle) if breaks(middle) else (middle, broken)
    return broken


# What sharing saves, and what differences lose.


class Sharing(NamedTuple):
    """Paths from the output to the input, and edges, of a chain of doublings y ← y + y."""

    depth: np.ndarray
    paths: np.ndarray
    edges: np.ndarray


def paths_and_edges(deepest: int = 30) -> Sharing:
    """Count both in the recorded graph; each path contributes 1 to the derivative, so it counts."""
    depth = np.arange(1, deepest + 1)
    paths, edges = [], []
    for d in depth:
        x = bp.leaf(1.0)
        y = x
        for _ in range(d):
            y = y + y
        edges.append(sum(len(node.parents) for node in bp.topological_order(y.node)))
        y.backward()
        paths.append(float(x.grad))
    return Sharing(depth, np.array(paths), np.array(edges))


class Differences(NamedTuple):
    """Relative error of a difference quotient against its step, and that of backpropagation."""

    step: np.ndarray
    forward: np.ndarray
    central: np.ndarray
    backpropagation: float


def difference_errors(rng: np.random.Generator, points: int = 57) -> Differences:
    """Errors along a direction of a network's loss, in float64.

    The reference is a central difference with a step of 1e-15, computed with 50 digits.
    """
    theta = mlp.random_parameters(4, 5, 3, rng)
    x, y = rng.normal(size=(6, 4)), rng.integers(3, size=6)
    direction = [rng.normal(size=p.shape) for p in theta]

    def loss(t):
        moved = [p + t * d for p, d in zip(theta, direction, strict=True)]
        return mlp.mean_loss(mlp.Parameters(*moved), x, y)

    exact = float(_slope_to_thirty_digits(theta, direction, x, y))
    slope = sum((g * d).sum() for g, d in zip(_gradient(theta, x, y), direction, strict=True))
    step = np.logspace(-14, 0, points)
    forward = np.array([(loss(h) - loss(0.0)) / h for h in step])
    central = np.array([(loss(h) - loss(-h)) / (2 * h) for h in step])
    relative = [abs(found / exact - 1) for found in (forward, central, slope)]
    return Differences(step, relative[0], relative[1], float(relative[2]))


_decimal = np.vectorize(lambda v: Decimal(float(v)), otypes=[object])
_exp = np.vectorize(Decimal.exp, otypes=[object])
_ln = np.vectorize(Decimal.ln, otypes=[object])


def _slope_to_thirty_digits(theta, direction, x, y):
    theta, direction, x = (
        [_decimal(p) for p in theta],
        [_decimal(d) for d in direction],
        _decimal(x),
    )

    def loss(t):
        w1, b1, w2, b2 = (p + t * d for p, d in zip(theta, direction, strict=True))
        e = _exp(2 * (x @ w1.T + b1))
        a = (e - 1) / (e + 1) @ w2.T + b2  # tanh from one exponential
        return (_ln(_exp(a).sum(axis=1)) - a[np.arange(len(y)), y]).sum() / len(y)

    with localcontext(prec=50):
        h = Decimal("1e-15")
        return (loss(h) - loss(-h)) / (2 * h)


def _gradient(theta, x, y):
    leaves = [bp.leaf(p) for p in theta]
    w1, b1, w2, b2 = leaves
    bp.cross_entropy(bp.tanh(x @ w1.T + b1) @ w2.T + b2, y).mean().backward()
    return [leaf.grad for leaf in leaves]


# Hard thresholds in the hidden layer, beside a sigmoid twin.


class Training(NamedTuple):
    """One value per step: mean loss, accuracy, distance of W1 and of W2 from where they began."""

    loss: np.ndarray
    accuracy: np.ndarray
    moved_hidden: np.ndarray
    moved_output: np.ndarray
    regions: np.ndarray


class Twins(NamedTuple):
    """Two networks with the same start and data, and the best that an output layer could do.

    Attributes
    ----------
    x, y : array
        Points in the plane and their classes, a disc and what surrounds it.
    grid : array
        Coordinates of the probability maps in ``regions``, along both axes.
    threshold, sigmoid : Training
    floor : float
        Least mean loss with the hidden weights as they began and hard thresholds.
    """

    x: np.ndarray
    y: np.ndarray
    grid: np.ndarray
    threshold: Training
    sigmoid: Training
    floor: float


def threshold_twins(
    rng: np.random.Generator,
    n: int = 200,
    m: int = 8,
    steps: int = 1000,
    learning_rate: float = 1.0,
) -> Twins:
    """Train both networks by gradient descent on all examples at once."""
    x = rng.uniform(-2, 2, size=(n, 2))
    y = (np.hypot(*x.T) < 1.4).astype(int)
    theta = mlp.random_parameters(2, m, 2, rng)
    theta = theta._replace(b1=rng.normal(size=m))
    grid = np.linspace(-2, 2, 81)
    twins = [_train(theta, x, y, f, steps, learning_rate, grid) for f in (bp.threshold, bp.sigmoid)]
    features = bp.threshold(_constant(mlp.affine(x, theta.W1, theta.b1))).data
    return Twins(x, y, grid, *twins, _least_loss(features, y))


def _constant(values):
    return bp.leaf(values).detach()


def _train(theta, x, y, activation, steps, learning_rate, grid):
    leaves = [bp.leaf(p) for p in theta]
    history = []
    for _ in range(steps):
        logits = _logits(leaves, x, activation)
        loss = bp.cross_entropy(logits, y).mean()
        moved = [np.linalg.norm(leaves[i].data - theta[i]) for i in (0, 2)]
        history.append((float(loss.data), (logits.data.argmax(axis=1) == y).mean(), *moved))
        loss.backward()
        for leaf in leaves:
            leaf.overwrite_(leaf.data - learning_rate * leaf.grad)
            leaf.node.grad = None
    u, v = np.meshgrid(grid, grid)
    plane = np.stack([u.ravel(), v.ravel()], axis=1)
    regions = mlp.softmax(_logits(leaves, plane, activation).data)[:, 1].reshape(u.shape)
    return Training(*map(np.array, zip(*history, strict=True)), regions)


def _logits(leaves, x, activation):
    w1, b1, w2, b2 = leaves
    return activation(x @ w1.T + b1) @ w2.T + b2


def _least_loss(features, y):
    weights = torch.zeros(features.shape[1] + 1, 2, dtype=torch.float64, requires_grad=True)
    inputs = torch.tensor(np.column_stack([features, np.ones(len(y))]))
    optimizer = torch.optim.LBFGS([weights], max_iter=500, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(inputs @ weights, torch.tensor(y))
        loss.backward()
        return loss

    optimizer.step(closure)
    return float(closure().detach())
