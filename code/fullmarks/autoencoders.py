"""Autoencoders with one hidden layer, the contractive penalty, and what noise does to a code.

The functions stand in the order of the chapter ``book/autoencoders.md``. Rows are examples: ``X``
has shape (n, d). The encoder is h = φ(Wx + b) with ``W`` of shape (m, d), the decoder Vh + c with
``V`` of shape (d, m). Weights are tied if V = Wᵀ. All arithmetic is float64.
"""

from __future__ import annotations

from collections.abc import Callable
from math import erf, exp, pi, sqrt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fullmarks import _checks
from fullmarks.mlp import sigmoid
from fullmarks.training import relu, relu_slope

if TYPE_CHECKING:
    from jaxtyping import Float

    Vector = Float[np.ndarray, " m"]
    Matrix = Float[np.ndarray, "m d"]
    Examples = Float[np.ndarray, "*n d"]


# The network and its derivatives.


class Activation(NamedTuple):
    """A function of the pre-activation, its first and its second derivative."""

    value: Callable
    slope: Callable
    curvature: Callable


def _logistic_slope(z):
    return sigmoid(z) * sigmoid(-z)


ACTIVATIONS = {
    "linear": Activation(np.array, np.ones_like, np.zeros_like),
    "ReLU": Activation(relu, relu_slope, np.zeros_like),
    "sigmoid": Activation(sigmoid, _logistic_slope,
                          lambda z: _logistic_slope(z) * (1 - 2 * sigmoid(z))),
}
"""The encoders of the chapter. At its kink the ReLU has no derivative: the zeros are a choice."""


class Autoencoder(NamedTuple):
    """Weights and biases: encoder ``W`` (m, d), ``b`` (m,); decoder ``V`` (d, m), ``c`` (d,)."""

    W: Float[np.ndarray, "m d"]
    b: Float[np.ndarray, " m"]
    V: Float[np.ndarray, "d m"]
    c: Float[np.ndarray, " d"]


class Pass(NamedTuple):
    """Pre-activations ``z``, code ``h`` and ``reconstruction`` of each example."""

    z: Float[np.ndarray, "*n m"]
    h: Float[np.ndarray, "*n m"]
    reconstruction: Float[np.ndarray, "*n d"]


def tied(W: Matrix) -> Autoencoder:
    """The autoencoder with tied weights and no biases: h = φ(Wx), reconstruction Wᵀh.

    Examples
    --------
    >>> tied(np.array([[1.0, 2.0]])).V
    array([[1.],
           [2.]])
    """
    W = _checks.reals("W", W, ndim=2)
    m, d = W.shape
    return Autoencoder(W, np.zeros(m), W.T, np.zeros(d))


def forward(theta: Autoencoder, X: Examples, activation: str) -> Pass:
    """Code φ(Wx + b) and reconstruction Vh + c of each example.

    Parameters
    ----------
    theta : Autoencoder
        Weights and biases.
    X : array (d,) or (n, d)
        One example, or one in each row.
    activation : str
        A key of `ACTIVATIONS`: ``linear``, ``ReLU`` or ``sigmoid``.

    Raises
    ------
    ValueError
        If the shapes do not fit or the activation is not known.

    Examples
    --------
    >>> forward(tied(np.array([[1.0, 0.0], [0.0, -1.0]])), np.array([3.0, 5.0]), "ReLU")
    Pass(z=array([ 3., -5.]), h=array([3., 0.]), reconstruction=array([3., 0.]))
    """
    W, b, V, c = (_checks.reals(name, a) for name, a in zip("WbVc", theta, strict=True))
    if V.shape != W.T.shape or c.shape != V.shape[:1]:
        raise ValueError(f"encoder W {W.shape} needs a decoder V {W.T.shape} and c {W.shape[1:]}, "
                         f"but V is {V.shape} and c {c.shape}")
    z = _preactivation(W, b, X)
    h = _activation(activation).value(z)
    return Pass(z, h, h @ V.T + c)


def _preactivation(W, b, X):
    W, b, X = _checks.reals("W", W, ndim=2), _checks.reals("b", b, ndim=1), _checks.reals("X", X)
    if X.ndim == 0 or X.shape[-1] != W.shape[1]:
        raise ValueError(f"X {X.shape} with W {W.shape}: an example of X must have "
                         f"{W.shape[1]} entries, one for each column of W")
    if b.shape != W.shape[:1]:
        raise ValueError(f"W {W.shape} with b {b.shape}: W has {len(W)} rows, b {len(b)} entries")
    return X @ W.T + b


def _activation(name):
    if name not in ACTIVATIONS:
        raise ValueError(f"activation must be one of {', '.join(ACTIVATIONS)}, but is {name!r}")
    return ACTIVATIONS[name]


def squared_errors(theta: Autoencoder, X: Examples, activation: str) -> np.ndarray | np.float64:
    """Squared error ‖x - x̃‖² of each example: shape (n,), or a number for one example.

    Raises
    ------
    ValueError
        As `forward`.

    Examples
    --------
    >>> float(squared_errors(tied(np.array([[1.0, 0.0]])), np.array([3.0, 5.0]), "linear"))
    25.0
    """
    return ((forward(theta, X, activation).reconstruction - X) ** 2).sum(axis=-1)


def encoder_jacobian(
    W: Matrix, b: Vector, X: Examples, activation: str
) -> Float[np.ndarray, "*n m d"]:
    """Jacobian ∂h/∂x = diag(φ'(Wx + b)) W of the code at each example.

    Raises
    ------
    ValueError
        If the shapes do not fit or the activation is not known.

    Examples
    --------
    >>> W = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> encoder_jacobian(W, np.zeros(2), np.array([1.0, -0.625]), "ReLU")
    array([[0., 0.],
           [3., 4.]])
    """
    slopes = _activation(activation).slope(_preactivation(W, b, X))
    return slopes[..., None] * W


def contractive_penalty(
    W: Matrix, b: Vector, X: Examples, activation: str
) -> np.ndarray | np.float64:
    """Contractive penalty ‖∂h/∂x‖_F² = Σⱼ φ'(zⱼ)² ‖wⱼ‖² of each example, wⱼ row j of W.

    Parameters
    ----------
    W : array (m, d)
        Weights of the encoder.
    b : array (m,)
        Biases of the encoder.
    X : array (d,) or (n, d)
        One example, or one in each row.
    activation : str
        A key of `ACTIVATIONS`.

    Returns
    -------
    float or array (n,)
        One penalty for each example.

    Raises
    ------
    ValueError
        If the shapes do not fit or the activation is not known.

    References
    ----------
    :cite:`rifai2011`.

    Examples
    --------
    >>> W, b = np.array([[1.0, 2.0], [3.0, 4.0]]), np.zeros(2)
    >>> X = np.array([[1.0, 0.0], [1.0, -0.625], [-1.0, 0.0]])
    >>> contractive_penalty(W, b, X, "linear")
    array([30., 30., 30.])
    >>> contractive_penalty(W, b, X, "ReLU")
    array([30., 25.,  0.])
    """
    slopes = _activation(activation).slope(_preactivation(W, b, X))
    return slopes**2 @ (np.asarray(W) ** 2).sum(axis=1)


def contractive_gradient(
    W: Matrix, b: Vector, X: Float[np.ndarray, "n d"], activation: str
) -> tuple[Matrix, Vector]:
    """Gradient of the mean `contractive_penalty` over the examples, in W and in b.

    An entry of z adds φ'(z)² 2w + 2 φ'(z) φ''(z) ‖w‖² x to the gradient of its row of W, and the
    second term without x to that of b. The second term is the way through the gate; it is zero for
    a linear encoder, and for a ReLU wherever it exists.

    Raises
    ------
    ValueError
        If the shapes do not fit or the activation is not known.

    Examples
    --------
    >>> W, X = np.array([[1.0], [-1.0]]), np.array([[1.0], [2.0], [3.0], [-4.0]])
    >>> contractive_gradient(W, np.zeros(2), X, "ReLU")
    (array([[ 1.5],
           [-0.5]]), array([0., 0.]))
    """
    phi, X = _activation(activation), _checks.reals("X", X, ndim=2)
    z = _preactivation(W, b, X)
    slope, curvature, W = phi.slope(z), phi.curvature(z), np.asarray(W, dtype=np.float64)
    shrink = 2 * (slope**2).mean(axis=0)[:, None] * W
    through_gate = 2 * slope * curvature * (W**2).sum(axis=1)
    return shrink + through_gate.T @ X / len(X), through_gate.mean(axis=0)


def activity(W: Matrix, b: Vector, X: Float[np.ndarray, "n d"]) -> Vector:
    """Share of the examples at which each unit is active, wⱼᵀx + bⱼ > 0.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> X = np.array([[1.0], [2.0], [3.0], [-4.0]])
    >>> activity(np.array([[1.0], [-1.0], [1.0]]), np.array([0.0, 0.0, -9.0]), X)
    array([0.75, 0.25, 0.  ])
    """
    return (_preactivation(W, b, _checks.reals("X", X, ndim=2)) > 0).mean(axis=0)


def mean_loss(
    theta: Autoencoder, X: Float[np.ndarray, "n d"], weight: float, activation: str
) -> float:
    """Mean over examples of the squared error plus `weight` times the contractive penalty.

    Raises
    ------
    ValueError
        If the shapes do not fit, the activation is not known, or `weight` is negative.

    Examples
    --------
    >>> mean_loss(tied(np.array([[1.0, 0.0]])), np.array([[3.0, 5.0]]), 0.5, "linear")
    25.5
    """
    _not_negative(weight)
    penalty = contractive_penalty(theta.W, theta.b, X, activation)
    return float((squared_errors(theta, X, activation) + weight * penalty).mean())


def _not_negative(weight):
    if not weight >= 0:
        raise ValueError(f"weight must not be negative, but is {weight}")


def backward(
    theta: Autoencoder, X: Float[np.ndarray, "n d"], weight: float, activation: str
) -> Autoencoder:
    """Gradient of `mean_loss` in W, b, V and c, as if the weights were not tied.

    Raises
    ------
    ValueError
        As `mean_loss`.

    Examples
    --------
    >>> theta = tied(np.array([[2.0]]))
    >>> backward(theta, np.array([[1.0]]), weight=0.5, activation="linear")
    Autoencoder(W=array([[14.]]), b=array([12.]), V=array([[12.]]), c=array([6.]))
    """
    _not_negative(weight)
    X = _checks.reals("X", X, ndim=2)
    z, h, reconstruction = forward(theta, X, activation)
    adjoint = 2 * (reconstruction - X) / len(X)
    delta = adjoint @ theta.V * _activation(activation).slope(z)
    penalty_W, penalty_b = contractive_gradient(theta.W, theta.b, X, activation)
    return Autoencoder(delta.T @ X + weight * penalty_W, delta.sum(axis=0) + weight * penalty_b,
                       adjoint.T @ h, adjoint.sum(axis=0))


def tied_gradient(gradient: Autoencoder) -> Matrix:
    """Gradient in W if V = Wᵀ: W is used twice, so the two gradients add up.

    Examples
    --------
    >>> theta = tied(np.array([[2.0]]))
    >>> tied_gradient(backward(theta, np.array([[1.0]]), weight=0.5, activation="linear"))
    array([[26.]])
    """
    return gradient.W + gradient.V.T


def tied_shrinkage(variances: Vector, weight: float) -> Vector:
    """Share 1 - weight/(2s), at least 0, of a principal direction of variance s that survives.

    With tied weights and a linear encoder the minimum of `mean_loss` has WᵀW with the eigenvectors
    of XᵀX/n and these eigenvalues, if there is a unit for each that is not 0.

    Parameters
    ----------
    variances : array (d,)
        Eigenvalues s > 0 of XᵀX/n.
    weight : float
        Weight λ ≥ 0 of the penalty.

    Raises
    ------
    ValueError
        If a variance is not positive or `weight` is negative.

    Examples
    --------
    >>> tied_shrinkage(np.array([4.0, 1.0, 0.25]), weight=1.0)
    array([0.875, 0.5  , 0.   ])
    """
    variances = _checks.reals("variances", variances)
    if (variances <= 0).any() or weight < 0:
        raise ValueError(f"variances must be positive and weight not negative, but the smallest "
                         f"variance is {variances.min()} and weight {weight}")
    return np.maximum(0.0, 1 - weight / (2 * variances))


# The kink: a population of examples sees what no single example does.


def normal_penalty(w: Vector, b: float) -> float:
    """Expected penalty ‖w‖² P(wᵀx + b > 0) of one ReLU for x ~ N(0, I): ‖w‖² Φ(b/‖w‖).

    Raises
    ------
    ValueError
        If `w` is zero or not a vector.

    Examples
    --------
    >>> normal_penalty(np.array([3.0, 4.0]), 0.0)
    12.5
    """
    length = _length(w)
    return length**2 * (1 + erf(b / length / sqrt(2))) / 2


def normal_penalty_slopes(w: Vector, b: float) -> tuple[float, float]:
    """Derivatives of `normal_penalty` in the bias b and in the length ‖w‖.

    Raises
    ------
    ValueError
        If `w` is zero or not a vector.

    Examples
    --------
    >>> in_bias, in_length = normal_penalty_slopes(np.array([3.0, 4.0]), 0.0)
    >>> round(in_bias, 3), in_length
    (1.995, 5.0)
    """
    length = _length(w)
    density = exp(-((b / length) ** 2) / 2) / sqrt(2 * pi)
    return length * density, 2 * normal_penalty(w, b) / length - b * density


def _length(w):
    length = float(np.linalg.norm(_checks.reals("w", w, ndim=1)))
    if length == 0:
        raise ValueError("w must not be zero: the unit then has no direction")
    return length


# Codes with noise, and samples.


def noisy_error(
    x: Float[np.ndarray, " d"], V: Float[np.ndarray, "d m"], c: Float[np.ndarray, " d"],
    mu: Vector, sigma: Vector,
) -> float:
    """Expected ‖x - Vz - c‖² for z ~ N(mu, diag(sigma²)): ‖x - V mu - c‖² + Σⱼ sigmaⱼ² ‖V₍ⱼ₎‖².

    Parameters
    ----------
    x : array (d,)
        The example.
    V : array (d, m)
        Decoder; V₍ⱼ₎ is its column j.
    c : array (d,)
        Bias of the decoder.
    mu, sigma : array (m,)
        Means and standard deviations of the code.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> V = np.array([[1.0, 0.0], [0.0, 2.0]])
    >>> noisy_error(np.array([3.0, 2.0]), V, np.zeros(2), np.ones(2), np.array([0.5, 0.5]))
    5.25
    """
    x, V, c, mu, sigma = (_checks.reals(name, a) for name, a in
                          (("x", x), ("V", V), ("c", c), ("mu", mu), ("sigma", sigma)))
    if V.shape != (*x.shape, *mu.shape) or c.shape != x.shape or sigma.shape != mu.shape:
        raise ValueError(f"V {V.shape} maps codes to examples, but x is {x.shape}, c {c.shape}, "
                         f"mu {mu.shape} and sigma {sigma.shape}")
    return float(((x - V @ mu - c) ** 2).sum() + sigma**2 @ (V**2).sum(axis=0))


def energy_distance(X: Float[np.ndarray, "n d"], Y: Float[np.ndarray, "k d"]) -> float:
    """Energy distance 2 E‖x - y‖ - E‖x - x'‖ - E‖y - y'‖ of two sets of points.

    The means run over all pairs, a point with itself included. It is not negative, and zero only
    for two sets with the same distribution.

    Raises
    ------
    ValueError
        If the points of the two sets differ in dimension.

    References
    ----------
    :cite:`szekely2013`.

    Examples
    --------
    >>> energy_distance(np.array([[0.0], [4.0]]), np.array([[0.0], [4.0]]))
    0.0
    >>> energy_distance(np.array([[0.0], [4.0]]), np.array([[2.0]]))
    2.0
    """
    X, Y = _checks.reals("X", X, ndim=2), _checks.reals("Y", Y, ndim=2)
    if X.shape[1] != Y.shape[1]:
        raise ValueError(f"X {X.shape} and Y {Y.shape}: points of {X.shape[1]} and of "
                         f"{Y.shape[1]} entries have no distance")
    return 2 * _mean_distance(X, Y) - _mean_distance(X, X) - _mean_distance(Y, Y)


def _mean_distance(X, Y):
    # ‖x - y‖² = ‖x‖² + ‖y‖² - 2 x·y is one product of matrices. Seen from the middle the points are
    # short, so little is cancelled.
    X, Y = X - Y.mean(axis=0), Y - Y.mean(axis=0)
    squares = (X**2).sum(axis=1)[:, None] + (Y**2).sum(axis=1) - 2 * X @ Y.T
    return float(np.sqrt(np.maximum(squares, 0)).mean())
