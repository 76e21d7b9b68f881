"""Reverse-mode automatic differentiation on arrays, and the softmax network differentiated by hand.

The module is read from the top: what an operation is, what is recorded when one is applied, how
the record is walked backwards, and how an array that the walk needs is guarded against change.
Below stand the softmax in the precision of its argument and the two-layer network with leaky
rectifiers, whose examples are columns. The automatic part computes in float64.
"""

from __future__ import annotations

import inspect
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fullmarks import _checks, mlp

if TYPE_CHECKING:
    from collections.abc import Callable

    from jaxtyping import Float

    Real = Float[np.ndarray, "*shape"]


# What an operation is: its value, and one adjoint per operand.


class Operation(NamedTuple):
    """A value and, for each operand, the adjoint of that operand.

    An adjoint is a product of a row and a Jacobian. It takes ``g``, the derivative of the final
    scalar in the operation's output, and returns the derivative in the operand. Its other
    parameters say what it needs: ``a`` and ``b`` are the operands and ``y`` is the output, all of
    which must be saved; ``shape`` is the shape of the operand; the rest are options.
    """

    value: Callable
    adjoints: tuple[Callable, ...]


def hard_threshold(a: Real) -> Real:
    """1 where a ≥ 0, else 0, element by element.

    Raises
    ------
    ValueError
        If `a` is empty or not finite.

    Examples
    --------
    >>> hard_threshold(np.array([-0.5, 0.0, 2.0]))
    array([0., 1., 1.])
    """
    return np.where(_checks.reals("a", a) >= 0, 1.0, 0.0)


def _swap(a):
    return a.swapaxes(-1, -2)


def _matmul(a, b):
    if min(a.ndim, b.ndim) < 2:
        raise ValueError("both factors need two axes")
    if a.shape[-1] != b.shape[-2]:
        raise ValueError(
            f"the left factor has {a.shape[-1]} columns, the right one has {b.shape[-2]} rows"
        )
    return a @ b


def _spread(g, shape, axis):
    """Undo a sum: every entry that was summed gets the whole adjoint of its sum."""
    return np.broadcast_to(g if axis is None else np.expand_dims(g, axis), shape)


def _scatter(g, shape, key):
    """Undo a selection: an entry that was taken twice gets two adjoints."""
    a = np.zeros(shape)
    np.add.at(a, key, g)
    return a


OPERATIONS = {
    "add": Operation(lambda a, b: a + b, (lambda g: g, lambda g: g)),
    "subtract": Operation(lambda a, b: a - b, (lambda g: g, lambda g: -g)),
    "multiply": Operation(lambda a, b: a * b, (lambda g, b: g * b, lambda g, a: g * a)),
    "divide": Operation(lambda a, b: a / b, (lambda g, b: g / b, lambda g, a, b: -g * a / b**2)),
    "maximum": Operation(
        np.maximum,
        (
            lambda g, a, b: g * ((a > b) + (a == b) / 2),  # a tie is shared
            lambda g, a, b: g * ((a < b) + (a == b) / 2),
        ),
    ),
    "matmul": Operation(_matmul, (lambda g, b: g @ _swap(b), lambda g, a: _swap(a) @ g)),
    "power": Operation(
        lambda a, exponent: a**exponent,
        (lambda g, a, exponent: g * (exponent * a ** (exponent - 1) if exponent else 0.0 * a),),
    ),
    "exp": Operation(np.exp, (lambda g, y: g * y,)),
    "log": Operation(np.log, (lambda g, a: g / a,)),
    "tanh": Operation(np.tanh, (lambda g, y: g * (1 - y**2),)),
    "sigmoid": Operation(mlp.sigmoid, (lambda g, y: g * y * (1 - y),)),
    "relu": Operation(lambda a: np.maximum(a, 0), (lambda g, y: g * (y > 0),)),
    "leaky_relu": Operation(
        lambda a, slope: np.where(a > 0, a, slope * a),
        (lambda g, a, slope: g * np.where(a > 0, 1, slope),),
    ),
    "threshold": Operation(hard_threshold, (lambda g: 0 * g,)),
    "sum": Operation(lambda a, axis: a.sum(axis), (_spread,)),
    "reshape": Operation(lambda a, to: a.reshape(*to), (lambda g, shape: g.reshape(shape),)),
    "transpose": Operation(_swap, (lambda g: _swap(g),)),
    "index": Operation(lambda a, key: a[key], (_scatter,)),
    "log_softmax": Operation(
        mlp.log_softmax, (lambda g, y: g - np.exp(y) * g.sum(axis=1, keepdims=True),)
    ),
    "cross_entropy": Operation(
        lambda a, labels: mlp.cross_entropy(a, labels),
        (lambda g, a, labels: g[:, None] * mlp.cross_entropy_gradient(a, labels),),
    ),
}


@cache
def _needs(adjoint):
    return tuple(inspect.signature(adjoint).parameters)


def saves(operation: str) -> tuple[str, ...]:
    """What an operation keeps for its adjoints: operands ``a`` and ``b``, its output ``y``.

    Parameters
    ----------
    operation : str
        A key of `OPERATIONS`.

    Raises
    ------
    ValueError
        If there is no such operation.

    Examples
    --------
    >>> saves("add"), saves("multiply"), saves("exp")
    ((), ('a', 'b'), ('y',))
    """
    needed = {name for adjoint in _rule(operation).adjoints for name in _needs(adjoint)}
    return tuple(name for name in "aby" if name in needed)


def _rule(operation):
    if operation not in OPERATIONS:
        raise ValueError(f"no operation {operation!r}: there are {', '.join(OPERATIONS)}")
    return OPERATIONS[operation]


# What is recorded: buffers that count their changes, nodes, variables.


@dataclass(eq=False)
class Buffer:
    """An array, how often it has been changed in place, and what changed it last.

    Variables that share a buffer share the count. Writing into ``data`` directly is not counted.
    """

    data: np.ndarray
    version: int = 0
    changed_by: str = ""

    def change(self, data: np.ndarray, by: str) -> None:
        """Replace the entries, and count it.

        Raises
        ------
        ValueError
            If the shape would change.
        """
        if data.shape != self.data.shape:
            raise ValueError(f"{by} would change the shape {self.data.shape} to {data.shape}")
        self.data[...] = data
        self.version += 1
        self.changed_by = by


@dataclass(eq=False)
class Node:
    """Record of one operation, or a leaf of the graph.

    Attributes
    ----------
    operation : str
        The operation, or the name of the leaf.
    parents : tuple of Node or None
        What the operands were computed by; None for a constant.
    shapes : tuple of tuple of int
        Shapes of the operands.
    options : dict
        Options of the operation, such as the axis of a sum.
    saved : dict
        From ``a``, ``b``, ``y`` to the buffer and the version that it had, or None once freed.
    grad : array or None
        What `backward` has accumulated so far; for leaves only.
    """

    operation: str
    parents: tuple[Node | None, ...] = ()
    shapes: tuple[tuple[int, ...], ...] = ()
    options: dict = field(default_factory=dict)
    saved: dict = field(default_factory=dict)
    grad: np.ndarray | None = None

    def recall(self, name: str) -> np.ndarray:
        """The saved array, if it is still there and still what it was.

        Raises
        ------
        RuntimeError
            If it was freed by an earlier `backward`, or changed in place since it was saved.
        """
        if self.saved[name] is None:
            raise RuntimeError(
                f"{self.operation} has freed what it saved: to walk this graph twice, "
                "call the first backward with retain_graph=True"
            )
        buffer, version = self.saved[name]
        if buffer.version != version:
            raise RuntimeError(
                f"{self.operation} saved {SAVED[name]} at version {version}, but "
                f"{buffer.changed_by} has changed it in place: it is at version {buffer.version}"
            )
        return buffer.data

    def contributions(self, g: np.ndarray) -> list[tuple[Node, np.ndarray]]:
        """Each parent with what this node adds to its adjoint, given the node's own adjoint."""
        added = []
        adjoints = OPERATIONS[self.operation].adjoints if self.parents else ()
        for parent, shape, adjoint in zip(self.parents, self.shapes, adjoints, strict=True):
            if parent is not None:
                known = {"g": g, "shape": shape, **self.options}
                names = _needs(adjoint)
                needs = {n: self.recall(n) if n in self.saved else known[n] for n in names}
                added.append((parent, unbroadcast(adjoint(**needs), shape)))
        return added


SAVED = {"a": "its first operand", "b": "its second operand", "y": "its output"}


@dataclass(eq=False)
class Variable:
    """A buffer, and the node that computed it (None for a constant).

    Arithmetic between variables, arrays and numbers is recorded: ``+ - * / @ **``, ``x[key]``,
    ``x.T`` (the last two axes exchanged), ``x.sum(axis)``, ``x.mean(axis)``, ``x.reshape(shape)``.

    Examples
    --------
    >>> x = leaf([1.0, 2.0])
    >>> (x * x).sum().backward()
    >>> x.grad
    array([2., 4.])
    """

    buffer: Buffer
    node: Node | None = None

    __array_ufunc__ = None  # an array on the left leaves the arithmetic to the variable

    @property
    def data(self) -> np.ndarray:
        """The array itself; a write into it is not counted."""
        return self.buffer.data

    @property
    def grad(self) -> np.ndarray | None:
        """What the backward passes so far have added up; None before, and for all but leaves."""
        return None if self.node is None else self.node.grad

    def __repr__(self):
        return f"Variable({self.data!r}, {self.node.operation if self.node else 'constant'})"

    def __add__(self, other):
        return apply("add", self, other)

    def __radd__(self, other):
        return apply("add", other, self)

    def __sub__(self, other):
        return apply("subtract", self, other)

    def __rsub__(self, other):
        return apply("subtract", other, self)

    def __mul__(self, other):
        return apply("multiply", self, other)

    def __rmul__(self, other):
        return apply("multiply", other, self)

    def __truediv__(self, other):
        return apply("divide", self, other)

    def __rtruediv__(self, other):
        return apply("divide", other, self)

    def __matmul__(self, other):
        return apply("matmul", self, other)

    def __rmatmul__(self, other):
        return apply("matmul", other, self)

    def __neg__(self):
        return apply("multiply", self, -1.0)

    def __pow__(self, exponent):
        return apply("power", self, exponent=exponent)

    def __getitem__(self, key):
        return apply("index", self, key=key)

    @property
    def T(self):
        """The last two axes exchanged."""
        return apply("transpose", self)

    def reshape(self, *to):
        """The same entries in the shape `to`, given as numbers or as a tuple."""
        return apply("reshape", self, to=to)

    def sum(self, axis=None):
        """Sum over all entries, over one axis, or over a tuple of axes."""
        return apply("sum", self, axis=axis)

    def mean(self, axis=None):
        """Mean over all entries, over one axis, or over a tuple of axes."""
        total = self.sum(axis)
        return total / (self.data.size / total.data.size)

    def add_(self, other):
        """Add in place, recorded and counted."""
        return self._in_place("add_", self.__add__, other)

    def mul_(self, other):
        """Multiply in place, recorded and counted."""
        return self._in_place("mul_", self.__mul__, other)

    def _in_place(self, name, compute, other):
        if self.node is not None and not self.node.parents:
            raise RuntimeError(
                f"{name} on the leaf {self.node.operation}: its old value would have no place in "
                "the graph; overwrite_ changes a leaf without a record"
            )
        was = Variable(Buffer(self.data.copy()), self.node)
        result = getattr(was, compute.__name__)(other)
        self.buffer.change(result.data, name)
        self.node = result.node
        return self

    def overwrite_(self, values):
        """New entries, counted but not recorded: what the step of an optimizer does."""
        self.buffer.change(_checks.reals("values", values), "overwrite_")
        return self

    def detach(self):
        """The same buffer outside the graph."""
        return Variable(self.buffer)

    def backward(self, adjoint=None, retain_graph=False):
        """As the function `backward`."""
        backward(self, adjoint, retain_graph)


def leaf(values: Real, name: str = "leaf") -> Variable:
    """A variable whose derivative is wanted; it holds a copy of `values` in float64.

    Raises
    ------
    ValueError
        If `values` is empty or not finite.

    Examples
    --------
    >>> leaf([1, 2], "x")
    Variable(array([1., 2.]), x)
    """
    return Variable(Buffer(_checks.reals(name, values)), Node(name))


def apply(operation: str, *operands: Variable | Real, **options) -> Variable:
    """Compute an operation and, if an operand depends on a leaf, record it.

    Only what the adjoints of those operands need is saved: ``2 * x`` keeps the number 2 and
    forgets `x`.

    Parameters
    ----------
    operation : str
        A key of `OPERATIONS`.
    *operands : Variable, array or number
        What is not a variable is a constant.
    **options
        Options of the operation.

    Raises
    ------
    ValueError
        If there is no such operation, or the shapes do not fit.

    Examples
    --------
    >>> apply("exp", leaf([0.0]))
    Variable(array([1.]), exp)
    >>> apply("exp", leaf([0.0])) @ np.ones((2, 3))
    Traceback (most recent call last):
    ValueError: matmul of (1,) and (2, 3): both factors need two axes
    """
    rule = _rule(operation)
    operands = tuple(x if isinstance(x, Variable) else _constant(operation, x) for x in operands)
    shapes = tuple(x.data.shape for x in operands)
    try:
        data = np.array(rule.value(*(x.data for x in operands), **options), dtype=np.float64)
    except ValueError as refusal:
        raise ValueError(f"{operation} of {' and '.join(map(str, shapes))}: {refusal}") from None
    result = Variable(Buffer(data))
    parents = tuple(x.node for x in operands)
    if any(parents):
        named = dict(zip("ab", operands, strict=False)) | {"y": result}
        wanted = [_needs(f) for f, parent in zip(rule.adjoints, parents, strict=True) if parent]
        needed = {name for names in wanted for name in names} & set(named)
        saved = {name: (named[name].buffer, named[name].buffer.version) for name in needed}
        result.node = Node(operation, parents, shapes, options, saved)
    return result


def _constant(operation, values):
    return Variable(Buffer(_checks.reals(f"the constant of {operation}", values)))


# How the record is walked backwards.


def topological_order(root: Node) -> list[Node]:
    """Every node that `root` depends on, each one after all the nodes that use it.

    A node's adjoint is a sum over its uses, so it is complete only when each of them has been
    visited. Uses are counted first; a node is ready when its count has come down to zero. There
    is no recursion, so the length of a chain is limited by memory alone.

    Examples
    --------
    >>> x = leaf(3.0, "x")
    >>> [node.operation for node in topological_order((x * x + x).node)]
    ['add', 'multiply', 'x']
    """
    uses, found = Counter(), [root]
    for node in found:  # the list grows while it is walked
        for parent in filter(None, node.parents):
            if parent not in uses:
                found.append(parent)
            uses[parent] += 1
    order = [root]
    for node in order:
        for parent in filter(None, node.parents):
            uses[parent] -= 1
            if uses[parent] == 0:
                order.append(parent)
    return order


def unbroadcast(g: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Sum an adjoint back to the shape that its operand had before broadcasting.

    Broadcasting copies an entry; each copy reaches the loss, so their adjoints add up.

    Parameters
    ----------
    g : array
        Adjoint, of the shape that the operand was broadcast to.
    shape : tuple of int
        Shape of the operand.

    Examples
    --------
    >>> unbroadcast(np.ones((4, 3)), (3,)), unbroadcast(np.ones((4, 3)), (4, 1)).shape
    (array([4., 4., 4.]), (4, 1))
    """
    g = g.sum(axis=tuple(range(g.ndim - len(shape))))
    stretched = tuple(i for i, size in enumerate(shape) if size == 1 and g.shape[i] != 1)
    return g.sum(axis=stretched, keepdims=True)


def adjoints(
    y: Variable, adjoint: Real | None = None, retain_graph: bool = False
) -> dict[Node, np.ndarray]:
    """Derivative of a scalar in every node that `y` depends on, root first.

    Parameters
    ----------
    y : Variable
        The scalar, or what the scalar depends on if `adjoint` is given.
    adjoint : array of the shape of `y`, optional
        Derivative of the scalar in `y`; 1 if `y` is the scalar itself.
    retain_graph : bool
        Keep what the operations have saved, so that the graph can be walked again.

    Raises
    ------
    ValueError
        If `y` depends on no leaf, is not a scalar and no adjoint is given, or the shapes differ.
    RuntimeError
        If a saved value was changed in place or freed; the message names the operation.

    Examples
    --------
    >>> x = leaf(3.0, "x")
    >>> [(node.operation, float(g)) for node, g in adjoints(x * x + x).items()]
    [('add', 1.0), ('multiply', 1.0), ('x', 7.0)]
    """
    order = topological_order(_differentiable(y).node)
    g = {y.node: _seed(y, adjoint)}
    for node in order:
        for parent, contribution in node.contributions(g[node]):
            g[parent] = np.asarray(g.get(parent, 0.0) + contribution)
    if not retain_graph:
        for node in order:
            node.saved = dict.fromkeys(node.saved)
    return g


def _differentiable(y):
    if y.node is None:
        raise ValueError("y depends on no leaf, so there is nothing to differentiate in")
    return y


def _seed(y, adjoint):
    if adjoint is None and y.data.size != 1:
        raise ValueError(f"y {y.data.shape} is not a scalar: give its adjoint")
    seed = np.ones(y.data.shape) if adjoint is None else _checks.reals("adjoint", adjoint)
    if seed.shape != y.data.shape:
        raise ValueError(f"adjoint {seed.shape} and y {y.data.shape} must have the same shape")
    return seed


def backward(y: Variable, adjoint: Real | None = None, retain_graph: bool = False) -> None:
    """Add the derivatives of `y` to the ``grad`` of every leaf that it depends on.

    Nothing is reset: a second call adds to the first one's result. If a saved value is missing or
    was changed, no ``grad`` is touched.

    Parameters, Raises
    ------------------
    As for `adjoints`.

    References
    ----------
    :cite:`rumelhart1986`; :cite:`baydin2018`, section 3.2.

    Examples
    --------
    >>> x = leaf(3.0)
    >>> y = x * x
    >>> y.backward(retain_graph=True)
    >>> y.backward()
    >>> x.grad
    array(12.)
    """
    for node, g in adjoints(y, adjoint, retain_graph).items():
        if not node.parents:
            node.grad = g if node.grad is None else np.asarray(node.grad + g)


# The elementwise functions and the two losses, by their names.


def exp(x: Variable) -> Variable:
    """Exponential, element by element; the output is its own slope.

    Examples
    --------
    >>> exp(leaf([0.0]))
    Variable(array([1.]), exp)
    """
    return apply("exp", x)


def log(x: Variable) -> Variable:
    """Natural logarithm, element by element.

    Examples
    --------
    >>> log(leaf([1.0]))
    Variable(array([0.]), log)
    """
    return apply("log", x)


def tanh(x: Variable) -> Variable:
    """Hyperbolic tangent, element by element, with slope 1 - y².

    Examples
    --------
    >>> tanh(leaf([0.0, 1000.0]))
    Variable(array([0., 1.]), tanh)
    """
    return apply("tanh", x)


def sigmoid(x: Variable) -> Variable:
    """Logistic function, element by element, with slope y (1 - y).

    Examples
    --------
    >>> sigmoid(leaf([-1000.0, 0.0]))
    Variable(array([0. , 0.5]), sigmoid)
    """
    return apply("sigmoid", x)


def relu(x: Variable) -> Variable:
    """max(0, x), element by element; the slope at 0 is taken as 0.

    Examples
    --------
    >>> relu(leaf([-2.0, 3.0]))
    Variable(array([0., 3.]), relu)
    """
    return apply("relu", x)


def leaky_relu(x: Variable, slope: float = 0.01) -> Variable:
    """x where it is positive and slope·x elsewhere; the derivative at 0 is taken as `slope`.

    Examples
    --------
    >>> leaky_relu(leaf([-2.0, 3.0]), slope=0.25)
    Variable(array([-0.5,  3. ]), leaky_relu)
    """
    return apply("leaky_relu", x, slope=slope)


def threshold(x: Variable) -> Variable:
    """Hard threshold: 1 where x ≥ 0, else 0. Its derivative is 0, and at 0 it has none.

    Examples
    --------
    >>> threshold(leaf([-2.0, 0.0]))
    Variable(array([0., 1.]), threshold)
    """
    return apply("threshold", x)


def maximum(x: Variable, y: Variable) -> Variable:
    """Larger of two, element by element; a tie shares the adjoint in halves.

    Examples
    --------
    >>> maximum(leaf([1.0, 4.0]), 2.0)
    Variable(array([2., 4.]), maximum)
    """
    return apply("maximum", x, y)


def log_softmax(x: Variable) -> Variable:
    """Logarithm of the softmax of each row, as `fullmarks.mlp.log_softmax`.

    Examples
    --------
    >>> log_softmax(leaf([[1000.0, 0.0]]))
    Variable(array([[    0., -1000.]]), log_softmax)
    """
    return apply("log_softmax", x)


def cross_entropy(x: Variable, labels: np.ndarray) -> Variable:
    """Cross-entropy of each row of logits, as `fullmarks.mlp.cross_entropy`.

    Examples
    --------
    >>> cross_entropy(leaf([[0.0, 1000.0]]), np.array([0]))
    Variable(array([1000.]), cross_entropy)
    """
    return apply("cross_entropy", x, labels=labels)


# The softmax, as it is written and as it is computed.


def naive_softmax(z: Float[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
    """Softmax exp(z) / Σ exp(z) of one vector as it is written, in the precision of `z`.

    Where `z` is large it overflows: first the sum alone, which gives 0 for every class and no
    nan, then an exponential, which gives inf / inf = nan. Where every entry is very
    negative it underflows to 0 / 0 = nan. It exists to be looked at; `fullmarks.mlp.softmax` is
    the one to use.

    Parameters
    ----------
    z : array (k,)
        Of any floating dtype, which is kept.

    Raises
    ------
    ValueError
        If `z` is empty, not finite, or not a vector of floating dtype.

    Examples
    --------
    >>> naive_softmax(np.array([0.0, 0.0]))
    array([0.5, 0.5])
    >>> naive_softmax(np.array([12.0, 0.0], dtype=np.float16))
    array([nan,  0.], dtype=float16)
    """
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        e = np.exp(_vector(z))
        return e / e.sum(dtype=e.dtype)


def shifted_softmax(z: Float[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
    """Softmax of one vector with its maximum subtracted first, in the precision of `z`.

    The largest exponential is exp(0) = 1, so the sum lies between 1 and k.

    Parameters, Raises
    ------------------
    As for `naive_softmax`.

    Examples
    --------
    >>> shifted_softmax(np.array([12.0, 12.0], dtype=np.float16))
    array([0.5, 0.5], dtype=float16)
    """
    z = _vector(z)
    with np.errstate(over="ignore", under="ignore"):  # a difference of -inf has exponential 0
        e = np.exp(z - z.max())
        return e / e.sum(dtype=e.dtype)


def softmax_jacobian(z: Float[np.ndarray, " k"]) -> Float[np.ndarray, "k k"]:
    """Jacobian of the softmax of one vector, diag(p) - p pᵀ: row k, column i is ∂p_k/∂z_i.

    Examples
    --------
    >>> softmax_jacobian(np.array([0.0, 0.0]))
    array([[ 0.25, -0.25],
           [-0.25,  0.25]])
    """
    p = mlp.softmax(_vector(z)[None])[0]
    return np.diag(p) - np.outer(p, p)


def _vector(z):
    z = np.asarray(z)
    if z.dtype.kind != "f":
        raise ValueError(f"z must be a vector of floating dtype, but its dtype is {z.dtype}")
    _checks.reals("z", z, ndim=1)
    return z


# The two-layer network with leaky rectifiers. Examples are columns, as in paper D.


class LeakyActivations(NamedTuple):
    """Pre-activations ``Z1`` (h, m), hidden units ``A1`` (h, m) and logits ``Z2`` (k, m)."""

    Z1: np.ndarray
    A1: np.ndarray
    Z2: np.ndarray


def leaky_forward(
    theta: mlp.Parameters, X: Float[np.ndarray, "d m"], slope: float = 0.01
) -> LeakyActivations:
    """Z1 = W1 X + b1, A1 = leaky ReLU(Z1), Z2 = W2 A1 + b2, for the m columns of `X`.

    Parameters
    ----------
    theta : Parameters
        W1 (h, d), b1 (h,), W2 (k, h), b2 (k,); a bias is added to every column.
    X : array (d, m)
        One example per column.
    slope : float
        Slope of the rectifier for negative arguments.

    Raises
    ------
    ValueError
        If an argument is empty or not finite, or the shapes do not fit.

    Examples
    --------
    >>> theta = mlp.Parameters(np.eye(2), np.zeros(2), np.ones((3, 2)), np.zeros(3))
    >>> leaky_forward(theta, np.array([[1.0], [-2.0]]), slope=0.5).A1
    array([[ 1.],
           [-1.]])
    """
    X = _checks.reals("X", X, ndim=2)
    Z1 = mlp.affine(X.T, theta.W1, theta.b1).T
    A1 = np.where(Z1 > 0, Z1, slope * Z1)
    return LeakyActivations(Z1, A1, mlp.affine(A1.T, theta.W2, theta.b2).T)


def leaky_backward(
    theta: mlp.Parameters,
    X: Float[np.ndarray, "d m"],
    Y: Float[np.ndarray, "k m"],
    slope: float = 0.01,
) -> mlp.Parameters:
    """Gradient of the mean cross-entropy -1/m Σ Y log softmax(Z2) in all four parameters.

    Each hidden unit reaches the loss through all k logits, so its error sums over them: that sum
    is ``W2.T @ delta0``. Each weight meets every example, so the products sum over the columns:
    that sum is ``@ X.T``.

    Parameters
    ----------
    theta, X, slope
        As for `leaky_forward`.
    Y : array (k, m)
        One label per column, one-hot or a distribution over the classes.

    Raises
    ------
    ValueError
        As for `leaky_forward`, or if a column of `Y` is no distribution over the k classes.

    Examples
    --------
    >>> theta = mlp.Parameters(np.eye(2), np.zeros(2), np.zeros((2, 2)), np.zeros(2))
    >>> leaky_backward(theta, np.array([[1.0], [-2.0]]), np.array([[1.0], [0.0]]), slope=0.5).W2
    array([[-0.5,  0.5],
           [ 0.5, -0.5]])
    """
    Z1, A1, Z2 = leaky_forward(theta, X, slope)
    Y = _distributions(Y, Z2.shape)
    m = Y.shape[1]
    delta0 = mlp.softmax(Z2.T).T - Y
    delta = (theta.W2.T @ delta0) * np.where(Z1 > 0, 1.0, slope)
    b1, b2 = delta.mean(axis=1), delta0.mean(axis=1)
    return mlp.Parameters(delta @ X.T / m, b1, delta0 @ A1.T / m, b2)


def _distributions(Y, shape):
    Y = _checks.probabilities("Y", Y)
    if Y.shape != shape:
        raise ValueError(f"Y {Y.shape} and the logits {shape} must have the same shape")
    if not np.allclose(Y.sum(axis=0), 1, rtol=0, atol=1e-9):
        raise ValueError(f"each column of Y must sum to 1, but they sum to {Y.sum(axis=0)}")
    return Y
