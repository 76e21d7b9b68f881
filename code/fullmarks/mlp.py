"""Losses of a single neuron, the network with one hidden layer, and linear networks.

The functions stand in the order of the chapter ``book/mlp.md``. Rows are examples: ``x`` has shape
(n, d). A weight matrix has the shape (outputs, inputs), as in the mathematics, so that a layer
reads ``x @ W.T + b``. All arithmetic is float64.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fullmarks import _checks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxtyping import Float, Int

    Reals = Float[np.ndarray, "*shape"] | float


# One output: the sigmoid and two losses of its pre-activation.


def sigmoid(a: Reals) -> Reals:
    """Logistic function 1 / (1 + exp(-a)), element by element.

    It is computed as exp(-log(1 + exp(-a))), which neither overflows nor loses the left tail.

    Parameters
    ----------
    a : float or array of any shape
        Pre-activations (logits).

    Returns
    -------
    float or array of the shape of `a`
        Probabilities.

    Raises
    ------
    ValueError
        If `a` is empty or not finite.

    Examples
    --------
    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    a = _checks.reals("a", a)
    return np.exp(-np.logaddexp(0.0, -a))


def logistic_loss(a: Reals, y: Reals) -> Reals:
    """Binary cross-entropy in nats from the logit, -y log σ(a) - (1-y) log(1-σ(a)).

    Both logarithms are computed as -log(1 + exp(∓a)): no probability is rounded to 0 or 1 first.

    Parameters
    ----------
    a : float or array of any shape
        Logits.
    y : float or array of the shape of `a`
        Labels 0 or 1, or probabilities of the label 1 (soft labels).

    Returns
    -------
    float or array of the shape of `a`
        One loss per element.

    Raises
    ------
    ValueError
        If `a` is not finite, `y` is outside [0, 1], or the shapes differ.

    References
    ----------
    :cite:`goodfellow2016`, section 6.2.2.2.

    Examples
    --------
    >>> logistic_loss(np.array([-1000.0, 1000.0]), np.array([1.0, 1.0]))
    array([1000.,    0.])
    """
    a, y = _logits_and_targets(a, y)
    return y * np.logaddexp(0.0, -a) + (1 - y) * np.logaddexp(0.0, a)


def logistic_gradient(a: Reals, y: Reals) -> Reals:
    """Derivative of `logistic_loss` in the logit, σ(a) - y.

    Parameters, Raises
    ------------------
    As for `logistic_loss`.

    Examples
    --------
    >>> logistic_gradient(np.array([-1000.0, 0.0]), np.array([1.0, 1.0]))
    array([-1. , -0.5])
    """
    a, y = _logits_and_targets(a, y)
    return sigmoid(a) - y


def logistic_curvature(a: Reals) -> Reals:
    """Second derivative of `logistic_loss` in the logit, σ(a) (1 - σ(a)), for every label.

    Examples
    --------
    >>> logistic_curvature(np.array([0.0]))
    array([0.25])
    """
    return sigmoid(a) * sigmoid(-_checks.reals("a", a))


def squared_error(f: Reals, y: Reals) -> Reals:
    """Squared error (f - y)² of an output, without the factor 1/2.

    Parameters
    ----------
    f, y : float or array of one shape
        Output and target.

    Raises
    ------
    ValueError
        If an argument is empty or not finite, or the shapes differ.

    Examples
    --------
    >>> squared_error(np.array([0.5, 1.0]), np.array([1.0, 1.0]))
    array([0.25, 0.  ])
    """
    f, y = _checks.reals("f", f), _checks.reals("y", y)
    _checks.same_shape("f", f, "y", y)
    return (f - y) ** 2


def squared_error_gradient(a: Reals, y: Reals) -> Reals:
    """Derivative of the squared error (σ(a) - y)² in the logit, 2 (σ(a) - y) σ(a) (1 - σ(a)).

    The factor 1 - σ(a) is computed as σ(-a), which keeps the tail where σ(a) rounds to 1.

    Parameters, Raises
    ------------------
    As for `logistic_loss`.

    Examples
    --------
    >>> squared_error_gradient(np.array([-np.log(2), 0.0]), np.array([1.0, 1.0])).round(3)
    array([-0.296, -0.25 ])
    """
    a, y = _logits_and_targets(a, y)
    return 2 * (sigmoid(a) - y) * sigmoid(a) * sigmoid(-a)


def squared_error_curvature(a: Reals, y: Reals) -> Reals:
    """Second derivative of (σ(a) - y)² in the logit; negative where the loss is concave.

    With s = σ(a) it is 2 s (1-s) [s (1-s) + (s-y) (1-2s)].

    Parameters, Raises
    ------------------
    As for `logistic_loss`.

    Examples
    --------
    >>> squared_error_curvature(np.array([0.0, -2.0]), np.array([1.0, 1.0])).round(3)
    array([ 0.125, -0.119])
    """
    a, y = _logits_and_targets(a, y)
    s, slope = sigmoid(a), logistic_curvature(a)
    return 2 * slope * (slope + (s - y) * (1 - 2 * s))


def _logits_and_targets(a, y):
    a, y = _checks.reals("a", a), _checks.probabilities("y", y)
    _checks.same_shape("a", a, "y", y)
    return a, y


# Losses of the margin y·a, for labels -1 and +1.


def perceptron_loss(a: Reals, y: Reals) -> Reals:
    """Perceptron loss max(0, -y a).

    Parameters
    ----------
    a : float or array of any shape
        Scores; the prediction is their sign.
    y : float or array of the shape of `a`
        Labels -1 or +1.

    Raises
    ------
    ValueError
        If `a` is not finite, `y` holds anything but -1 and +1, or the shapes differ.

    References
    ----------
    :cite:`rosenblatt1958`.

    Examples
    --------
    >>> perceptron_loss(np.array([-2.0, 0.0, 0.5]), np.array([1.0, 1.0, 1.0]))
    array([2., 0., 0.])
    """
    a, y = _scores_and_signs(a, y)
    return np.where(y * a < 0, -y * a, 0.0)[()]  # a number if both are numbers


def perceptron_subgradient(a: Reals, y: Reals) -> Reals:
    """Subgradient of `perceptron_loss` in the score: -y where y a ≤ 0, else 0.

    At the kink y a = 0 every value between -y and 0 is a subgradient. The choice -y makes a
    score of zero count as a mistake, so that the rule leaves the start w = 0.

    Parameters, Raises
    ------------------
    As for `perceptron_loss`.

    Examples
    --------
    >>> perceptron_subgradient(np.array([-2.0, 0.0, 0.5]), np.array([1.0, 1.0, 1.0]))
    array([-1., -1.,  0.])
    """
    a, y = _scores_and_signs(a, y)
    return np.where(y * a <= 0, -y, 0.0)[()]


def hinge_loss(a: Reals, y: Reals) -> Reals:
    """Hinge loss max(0, 1 - y a).

    Parameters, Raises
    ------------------
    As for `perceptron_loss`.

    References
    ----------
    :cite:`cortes1995`.

    Examples
    --------
    >>> hinge_loss(np.array([-2.0, 0.0, 0.5, 1.0]), np.array([1.0, 1.0, 1.0, 1.0]))
    array([3. , 1. , 0.5, 0. ])
    """
    a, y = _scores_and_signs(a, y)
    return np.maximum(0.0, 1 - y * a)


def hinge_subgradient(a: Reals, y: Reals) -> Reals:
    """Subgradient of `hinge_loss` in the score: -y where y a < 1, else 0.

    At the kink y a = 1 every value between -y and 0 is a subgradient. The choice 0 leaves an
    example alone once it has reached its margin.

    Parameters, Raises
    ------------------
    As for `perceptron_loss`.

    Examples
    --------
    >>> hinge_subgradient(np.array([0.0, 0.5, 1.0]), np.array([1.0, 1.0, 1.0]))
    array([-1., -1.,  0.])
    """
    a, y = _scores_and_signs(a, y)
    return np.where(y * a < 1, -y, 0.0)[()]


def _scores_and_signs(a, y):
    a, y = _checks.reals("a", a), _checks.signs("y", y)
    _checks.same_shape("a", a, "y", y)
    return a, y


def multiclass_margin(
    a: Float[np.ndarray, "n k"], y: Int[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    """Score of the right class minus the best score of a wrong one, one per row.

    The multi-class perceptron and hinge losses are the binary ones of this margin, with label +1.

    Parameters
    ----------
    a : array (n, k)
        Scores, k ≥ 2 classes.
    y : integer array (n,)
        Right classes, from 0 to k - 1.

    Raises
    ------
    ValueError
        If `a` has fewer than two columns or is not finite, or a label is not one of the classes.

    References
    ----------
    :cite:`crammer2001`, section 3.

    Examples
    --------
    >>> multiclass_margin(np.array([[3.0, 1.0, 2.0], [3.0, 1.0, 2.0]]), np.array([0, 1]))
    array([ 1., -2.])
    """
    a, y, rival = _right_and_rival(a, y)
    rows = np.arange(len(a))
    return a[rows, y] - a[rows, rival]


def multiclass_margin_gradient(
    a: Float[np.ndarray, "n k"], y: Int[np.ndarray, " n"]
) -> Float[np.ndarray, "n k"]:
    """Gradient of `multiclass_margin` in the scores: +1 at the right class, -1 at its best rival.

    Where two rivals tie, the first one is taken; each choice is a supergradient there.

    Parameters, Raises
    ------------------
    As for `multiclass_margin`.

    Examples
    --------
    >>> multiclass_margin_gradient(np.array([[3.0, 1.0, 2.0]]), np.array([0]))
    array([[ 1.,  0., -1.]])
    """
    a, y, rival = _right_and_rival(a, y)
    one_hot = np.eye(a.shape[1])
    return one_hot[y] - one_hot[rival]


def _right_and_rival(a, y):
    a = _scores("a", a)
    y = _checks.class_indices("y", y, *a.shape)
    wrong = a.copy()
    wrong[np.arange(len(a)), y] = -np.inf
    return a, y, wrong.argmax(axis=1)


def _scores(name, a):
    a = _checks.reals(name, a, ndim=2)
    if a.shape[1] < 2:
        raise ValueError(f"{name} {a.shape} has 1 column, but a choice needs at least 2 classes")
    return a


# Several outputs: softmax and cross-entropy.


def log_softmax(a: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n k"]:
    """Logarithm of the softmax of each row, a - log Σ exp(a).

    The row's largest entry is subtracted first. That changes nothing, because the softmax does
    not change when a constant is added to a row, and then no exponential exceeds 1.

    Parameters
    ----------
    a : array (n, k)
        Logits, k ≥ 2 classes.

    Raises
    ------
    ValueError
        If `a` is empty, not finite, or has not two axes and two columns.

    Examples
    --------
    >>> log_softmax(np.array([[1000.0, 0.0]]))
    array([[    0., -1000.]])
    """
    a = _scores("a", a)
    shifted = a - a.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def softmax(a: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n k"]:
    """Softmax of each row, exp(a) / Σ exp(a): positive, with sum 1.

    Parameters, Raises
    ------------------
    As for `log_softmax`.

    Examples
    --------
    >>> softmax(np.array([[1000.0, 1000.0, 0.0, 0.0]]))
    array([[0.5, 0.5, 0. , 0. ]])
    """
    return np.exp(log_softmax(a))


def cross_entropy(a: Float[np.ndarray, "n k"], y: Int[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Negative log-likelihood in nats of the right class, log Σ exp(a) - a_y, one per row.

    It equals -log softmax(a)_y. The row's largest entry is subtracted first, as in `log_softmax`.

    Parameters
    ----------
    a : array (n, k)
        Logits.
    y : integer array (n,)
        Right classes, from 0 to k - 1.

    Raises
    ------
    ValueError
        If `a` is not finite or a label is not one of the classes.

    Examples
    --------
    >>> cross_entropy(np.array([[0.0, 1000.0], [0.0, 1000.0]]), np.array([0, 1]))
    array([1000.,    0.])
    """
    a = _scores("a", a)
    y = _checks.class_indices("y", y, *a.shape)
    shifted = a - a.max(axis=1, keepdims=True)
    return np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(a)), y]


def cross_entropy_gradient(
    a: Float[np.ndarray, "n k"], y: Int[np.ndarray, " n"]
) -> Float[np.ndarray, "n k"]:
    """Gradient of `cross_entropy` in the logits, softmax(a) minus the one-hot label, row by row.

    Parameters, Raises
    ------------------
    As for `cross_entropy`.

    Examples
    --------
    >>> cross_entropy_gradient(np.array([[0.0, 0.0, 0.0, 0.0]]), np.array([2]))
    array([[ 0.25,  0.25, -0.75,  0.25]])
    """
    a = _scores("a", a)
    y = _checks.class_indices("y", y, *a.shape)
    return softmax(a) - np.eye(a.shape[1])[y]


# The network with one hidden layer.


class Parameters(NamedTuple):
    """Weights (outputs, inputs) and biases of a network with one hidden layer."""

    W1: np.ndarray
    b1: np.ndarray
    W2: np.ndarray
    b2: np.ndarray


class Activations(NamedTuple):
    """What the forward pass computes: hidden units ``h`` (n, m) and logits ``a`` (n, k)."""

    h: np.ndarray
    a: np.ndarray


def random_parameters(d: int, m: int, k: int, rng: np.random.Generator) -> Parameters:
    """Gaussian weights of variance 1/inputs and zero biases, for d inputs, m hidden, k classes.

    Raises
    ------
    ValueError
        If a size is not a positive integer.

    Examples
    --------
    >>> [p.shape for p in random_parameters(4, 3, 2, np.random.default_rng(0))]
    [(3, 4), (3,), (2, 3), (2,)]
    """
    _checks.sizes(d=d, m=m, k=k)
    return Parameters(
        W1=rng.normal(size=(m, d)) / np.sqrt(d),
        b1=np.zeros(m),
        W2=rng.normal(size=(k, m)) / np.sqrt(m),
        b2=np.zeros(k),
    )


def affine(
    x: Float[np.ndarray, "n d"], W: Float[np.ndarray, "k d"], b: Float[np.ndarray, " k"]
) -> Float[np.ndarray, "n k"]:
    """Layer W x + b for each row x.

    Parameters
    ----------
    x : array (n, d)
    W : array (k, d)
    b : array (k,)

    Raises
    ------
    ValueError
        If an argument is empty or not finite, or the shapes do not fit.

    Examples
    --------
    >>> affine(np.array([[1.0, 2.0]]), np.array([[1.0, 0.0], [3.0, 4.0]]), np.array([0.0, 10.0]))
    array([[ 1., 21.]])
    """
    x, W, b = _checks.reals("x", x, 2), _checks.reals("W", W, 2), _checks.reals("b", b, 1)
    if x.shape[1] != W.shape[1]:
        raise ValueError(
            f"x {x.shape} times the transpose of W {W.shape}: "
            f"x has {x.shape[1]} columns, W has {W.shape[1]} columns"
        )
    if b.shape[0] != W.shape[0]:
        raise ValueError(
            f"W {W.shape} with b {b.shape}: W has {W.shape[0]} rows, b has {b.shape[0]} entries"
        )
    return x @ W.T + b


def forward(theta: Parameters, x: Float[np.ndarray, "n d"]) -> Activations:
    """Hidden units h = tanh(W1 x + b1) and logits a = W2 h + b2 for each row of `x`.

    Raises
    ------
    ValueError
        As for `affine`.

    Examples
    --------
    >>> theta = Parameters(np.eye(2), np.zeros(2), np.ones((3, 2)), np.array([0.0, 1.0, 2.0]))
    >>> forward(theta, np.array([[1000.0, -1000.0]])).a
    array([[0., 1., 2.]])
    """
    h = np.tanh(affine(x, theta.W1, theta.b1))
    return Activations(h=h, a=affine(h, theta.W2, theta.b2))


def mean_loss(theta: Parameters, x: Float[np.ndarray, "n d"], y: Int[np.ndarray, " n"]) -> float:
    """Mean over the rows of the negative log-likelihood of the right class, in nats.

    Examples
    --------
    >>> theta = Parameters(np.zeros((3, 2)), np.zeros(3), np.zeros((4, 3)), np.zeros(4))
    >>> round(mean_loss(theta, np.ones((1, 2)), np.array([0])), 3)  # four classes: log 4
    1.386
    """
    return float(cross_entropy(forward(theta, x).a, y).mean())


def output_gradients(
    h: Float[np.ndarray, "n m"], a: Float[np.ndarray, "n k"], y: Int[np.ndarray, " n"]
) -> tuple[Float[np.ndarray, "k m"], Float[np.ndarray, " k"]]:
    """Gradients of the mean loss in the output projection W2 and the output bias b2.

    For one row they are (p - e_y) hᵀ and p - e_y, with p = softmax(a) and the one-hot label e_y.

    Parameters
    ----------
    h : array (n, m)
        Hidden units.
    a : array (n, k)
        Logits.
    y : integer array (n,)
        Right classes.

    Raises
    ------
    ValueError
        If `h` and `a` have different numbers of rows, or as for `cross_entropy`.

    Examples
    --------
    >>> W2, b2 = output_gradients(np.array([[2.0, 4.0]]), np.array([[0.0, 0.0]]), np.array([1]))
    >>> W2
    array([[ 1.,  2.],
           [-1., -2.]])
    >>> b2
    array([ 0.5, -0.5])
    """
    h = _checks.reals("h", h, ndim=2)
    delta = cross_entropy_gradient(a, y)
    if len(h) != len(delta):
        raise ValueError(f"h {h.shape} has {len(h)} rows, but a {delta.shape} has {len(delta)}")
    return delta.T @ h / len(h), delta.mean(axis=0)


def backward(
    theta: Parameters, x: Float[np.ndarray, "n d"], y: Int[np.ndarray, " n"]
) -> Parameters:
    """Gradient of `mean_loss` in all four parameters.

    Each hidden unit reaches the loss through all k logits, so its
    error sums over them: that sum is ``delta @ W2``. The factor
    1 - h² is the slope of tanh.

    Raises
    ------
    ValueError
        As for `forward` and `cross_entropy`.

    Examples
    --------
    >>> W1, b1 = np.zeros((3, 2)), np.zeros(3)
    >>> W2, b2 = np.array([[1.0, 2.0, 4.0], [0.0, 0.0, 0.0]]), np.zeros(2)
    >>> theta = Parameters(W1, b1, W2, b2)
    >>> gradient = backward(theta, np.array([[1.0, 3.0]]), np.array([0]))
    >>> gradient.b2  # p - e_y, with p = (1/2, 1/2)
    array([-0.5,  0.5])
    >>> gradient.W1  # W2ᵀ (p - e_y) xᵀ, since tanh has slope 1 at 0
    array([[-0.5, -1.5],
           [-1. , -3. ],
           [-2. , -6. ]])
    """
    x = _checks.reals("x", x, ndim=2)
    h, a = forward(theta, x)
    delta = cross_entropy_gradient(a, y)
    delta_hidden = (delta @ theta.W2) * (1 - h**2)
    W1, b1 = delta_hidden.T @ x / len(x), delta_hidden.mean(axis=0)
    W2, b2 = output_gradients(h, a, y)
    return Parameters(W1, b1, W2, b2)


def sgd_step(theta: Parameters, gradient: Parameters, learning_rate: float) -> Parameters:
    """One step against the gradient, θ - η ∇L, for every parameter at once.

    Parameters
    ----------
    theta, gradient : Parameters
        Of the same shapes; `theta` of a floating dtype.
    learning_rate : float
        η > 0.

    Raises
    ------
    ValueError
        If shapes differ, a parameter holds integers, or the learning rate is not positive.

    References
    ----------
    :cite:`robbins1951`.

    Examples
    --------
    >>> theta = Parameters(np.ones((1, 2)), np.ones(1), np.ones((2, 1)), np.ones(2))
    >>> sgd_step(theta, theta, 0.25).b2
    array([0.75, 0.75])
    """
    if not 0 < learning_rate < np.inf:
        raise ValueError(f"learning_rate must be positive and finite, but is {learning_rate}")
    for name, p, g in zip(theta._fields, theta, gradient, strict=True):
        _checks.same_shape(name, _checks.floating(name, p), "its gradient", _checks.reals(name, g))
    return Parameters(*(p - learning_rate * g for p, g in zip(theta, gradient, strict=True)))


# Linear networks.


def linear_network(
    x: Float[np.ndarray, "n d"],
    weights: Sequence[Float[np.ndarray, "_ _"]],
    biases: Sequence[Float[np.ndarray, " _"]],
) -> Float[np.ndarray, "n k"]:
    """Output of affine layers without activation functions, one after the other.

    Parameters
    ----------
    x : array (n, d)
    weights : sequence of arrays (outputs, inputs)
        First layer first.
    biases : sequence of arrays (outputs,)

    Raises
    ------
    ValueError
        If there is no layer, if weights and biases differ in number, or as for `affine`.

    Examples
    --------
    >>> linear_network(np.array([[1.0]]), [np.array([[2.0]]), np.array([[3.0]])], [np.ones(1)] * 2)
    array([[10.]])
    """
    for W, b in _layers(weights, biases):
        x = affine(x, W, b)
    return x


def collapse(
    weights: Sequence[Float[np.ndarray, "_ _"]], biases: Sequence[Float[np.ndarray, " _"]]
) -> tuple[Float[np.ndarray, "k d"], Float[np.ndarray, " k"]]:
    """The one affine layer that computes the same function as a linear network.

    Its weight is the product of the weights; its bias is the network's output at x = 0.

    Parameters, Raises
    ------------------
    As for `linear_network`.

    Examples
    --------
    >>> collapse([np.array([[2.0]]), np.array([[3.0]])], [np.ones(1), np.ones(1)])
    (array([[6.]]), array([4.]))
    """
    layers = _layers(weights, biases)
    W = np.eye(layers[0][0].shape[1])
    b = np.zeros(len(W))
    for layer, shift in layers:
        W, b = layer @ W, layer @ b + shift
    return W, b


def _layers(weights, biases):
    if len(weights) == 0 or len(weights) != len(biases):
        raise ValueError(
            f"{len(weights)} weights and {len(biases)} biases: "
            "a network needs one of each per layer, and at least one layer"
        )
    weights = [_checks.reals(f"W{i}", W, ndim=2) for i, W in enumerate(weights, start=1)]
    for i, (W, V) in enumerate(pairwise(weights), start=1):
        if V.shape[1] != W.shape[0]:
            raise ValueError(
                f"W{i + 1} {V.shape} after W{i} {W.shape}: "
                f"W{i + 1} has {V.shape[1]} columns, W{i} has {W.shape[0]} rows"
            )
    biases = [_checks.reals(f"b{i}", b, ndim=1) for i, b in enumerate(biases, start=1)]
    for i, (W, b) in enumerate(zip(weights, biases, strict=True), start=1):
        if len(b) != len(W):
            raise ValueError(
                f"W{i} {W.shape} with b{i} {b.shape}: W{i} has {len(W)} rows, b{i} has {len(b)}"
            )
    return list(zip(weights, biases, strict=True))


def truncated_svd(M: Float[np.ndarray, "k d"], rank: int) -> Float[np.ndarray, "k d"]:
    """The matrix of at most the given rank that is nearest to `M` in the Frobenius norm.

    Parameters
    ----------
    M : array (k, d)
    rank : int
        From 1 to min(k, d).

    Raises
    ------
    ValueError
        If `M` has not two axes or is not finite, or `rank` is out of range.

    References
    ----------
    :cite:`eckart1936`.

    Examples
    --------
    >>> truncated_svd(np.diag([4.0, 2.0, 1.0]), 2)
    array([[4., 0., 0.],
           [0., 2., 0.],
           [0., 0., 0.]])
    """
    M = _checks.reals("M", M, ndim=2)
    _checks.sizes(rank=rank)
    if rank > min(M.shape):
        raise ValueError(f"rank {rank} is above {min(M.shape)}, the highest that M {M.shape} has")
    U, s, Vt = np.linalg.svd(M, full_matrices=False)
    return (U[:, :rank] * s[:rank]) @ Vt[:rank]


def parameter_count(widths: Sequence[int], bias: bool = True) -> int:
    """Number of weights, and of biases if asked for, of fully connected layers.

    Parameters
    ----------
    widths : sequence of int
        Inputs, hidden layers in order, outputs.
    bias : bool
        Whether each unit has a bias.

    Raises
    ------
    ValueError
        If there are fewer than two widths, or one that is not a positive integer.

    Examples
    --------
    >>> parameter_count([100, 100], bias=False), parameter_count([100, 10, 100], bias=False)
    (10000, 2000)
    """
    if len(widths) < 2:
        raise ValueError(f"widths {list(widths)} must name at least the inputs and the outputs")
    _checks.sizes(**{f"widths[{i}]": width for i, width in enumerate(widths)})
    return sum((d + bias) * k for d, k in pairwise(widths))
