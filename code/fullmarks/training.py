"""What decides whether training works: activations, first weights, step sizes and batches.

The functions stand in the order of the chapter ``book/training.md``. Rows are examples: ``x`` has
shape (n, d), and a weight matrix has the shape (outputs, inputs). All arithmetic is float64.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fullmarks import _checks
from fullmarks.backprop import hard_threshold
from fullmarks.mlp import logistic_curvature, sigmoid

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxtyping import Float

    Reals = Float[np.ndarray, "*shape"] | float
    Matrices = Sequence[Float[np.ndarray, "_ _"]]


# Activation functions and their slopes, element by element.


def tanh_slope(z: Reals) -> Reals:
    """Derivative of tanh, 1 - tanh², computed as 4 σ(2z) σ(-2z), which keeps both tails.

    Raises
    ------
    ValueError
        If `z` is empty or not finite.

    Examples
    --------
    >>> tanh_slope(np.array([0.0, 3.0])).round(3)
    array([1.  , 0.01])
    """
    return 4 * logistic_curvature(2 * _checks.reals("z", z))


def relu(z: Reals) -> Reals:
    """Rectified linear unit max(0, z).

    Raises
    ------
    ValueError
        If `z` is empty or not finite.

    References
    ----------
    :cite:`nair2010`.

    Examples
    --------
    >>> relu(np.array([-2.0, 0.0, 3.0]))
    array([0., 0., 3.])
    """
    return np.maximum(0.0, _checks.reals("z", z))


def relu_slope(z: Reals) -> Reals:
    """Derivative of `relu`: 1 where z > 0, else 0. The 0 at z = 0 is a choice, and torch's.

    Examples
    --------
    >>> relu_slope(np.array([-2.0, 0.0, 3.0]))
    array([0., 0., 1.])
    """
    return np.where(_checks.reals("z", z) > 0, 1.0, 0.0)


def leaky_relu(z: Reals, slope: float = 0.01) -> Reals:
    """Leaky rectified linear unit: z where z > 0, else `slope` times z.

    Raises
    ------
    ValueError
        If `z` is empty or not finite, or `slope` is not in [0, 1].

    References
    ----------
    :cite:`maas2013`.

    Examples
    --------
    >>> leaky_relu(np.array([-2.0, 0.0, 3.0]), 0.25)
    array([-0.5,  0. ,  3. ])
    """
    z, slope = _checks.reals("z", z), _leak(slope)
    return np.where(z > 0, z, slope * z)


def leaky_relu_slope(z: Reals, slope: float = 0.01) -> Reals:
    """Derivative of `leaky_relu`: 1 where z > 0, else `slope`; at z = 0 a choice, as in torch.

    Examples
    --------
    >>> leaky_relu_slope(np.array([-2.0, 0.0, 3.0]), 0.25)
    array([0.25, 0.25, 1.  ])
    """
    return np.where(_checks.reals("z", z) > 0, 1.0, _leak(slope))


def _leak(slope):
    if not 0 <= slope <= 1:
        raise ValueError(f"slope must lie between 0 and 1, but is {slope}")
    return slope


def softplus(z: Reals) -> Reals:
    """Smooth rectifier log(1 + exp(z)); nothing overflows. Its derivative is the sigmoid.

    Raises
    ------
    ValueError
        If `z` is empty or not finite.

    Examples
    --------
    >>> softplus(np.array([-1000.0, 1000.0]))
    array([   0., 1000.])
    """
    return np.logaddexp(0.0, _checks.reals("z", z))


def zero_slope(z: Reals) -> Reals:
    """Derivative of the hard threshold, 0 everywhere but at z = 0, where it has none.

    Examples
    --------
    >>> zero_slope(np.array([-2.0, 3.0]))
    array([0., 0.])
    """
    return np.zeros_like(_checks.reals("z", z))


class Activation(NamedTuple):
    """A function, its derivative, the ends of its range, and the least bound of its slope."""

    value: Callable
    slope: Callable
    infimum: float
    supremum: float
    steepest: float


ACTIVATIONS = {
    "sigmoid": Activation(sigmoid, logistic_curvature, 0.0, 1.0, 0.25),
    "tanh": Activation(np.tanh, tanh_slope, -1.0, 1.0, 1.0),
    "ReLU": Activation(relu, relu_slope, 0.0, np.inf, 1.0),
    "leaky ReLU": Activation(leaky_relu, leaky_relu_slope, -np.inf, np.inf, 1.0),
    "softplus": Activation(softplus, sigmoid, 0.0, np.inf, 1.0),
    "hard threshold": Activation(hard_threshold, zero_slope, 0.0, 1.0, 0.0),
}
"""The cheat sheet as data. A slope's bound says nothing about jumps: the threshold has one."""

FLATTER = 2 * np.arccosh((1 + np.sqrt(3)) / 2)
"""Beyond this distance from 0, about 1.663, the slope of tanh is below that of the sigmoid."""


# Depth: how values go forwards and errors go backwards through layers without biases.


class Signals(NamedTuple):
    """Pre-activations ``z`` and outputs ``h`` of each layer, first layer first."""

    z: list[np.ndarray]
    h: list[np.ndarray]


def signals(x: Float[np.ndarray, "n d"], weights: Matrices, activation: Activation) -> Signals:
    """Values of all layers: z = W h of the layer below, h = φ(z).

    Parameters
    ----------
    x : array (n, d)
    weights : sequence of arrays (outputs, inputs)
        First layer first.
    activation : Activation

    Raises
    ------
    ValueError
        If there is no layer, or a weight does not fit what comes from below.

    Examples
    --------
    >>> found = signals(np.array([[1.0]]), [np.array([[2.0]])] * 2, ACTIVATIONS["ReLU"])
    >>> [h.item() for h in found.h]
    [2.0, 4.0]
    """
    h = _checks.reals("x", x, ndim=2)
    if len(weights) == 0:
        raise ValueError("0 weights: a network needs at least one layer")
    found = Signals([], [])
    for i, W in enumerate(weights, start=1):
        W = _checks.reals(f"W{i}", W, ndim=2)
        if h.shape[1] != W.shape[1]:
            raise ValueError(
                f"W{i} {W.shape} on {h.shape}: "
                f"W{i} has {W.shape[1]} columns, the layer below has {h.shape[1]} units"
            )
        z = h @ W.T
        h = activation.value(z)
        found.z.append(z)
        found.h.append(h)
    return found


def errors(
    found: Signals, weights: Matrices, activation: Activation, adjoint: Float[np.ndarray, "n k"]
) -> list[np.ndarray]:
    """Derivative of the loss in each layer's pre-activations, first layer first.

    The recursion is δ = φ'(z) ⊙ (Wᵀ δ of the layer above), which starts from `adjoint`, the
    derivative of the loss in the outputs of the last layer.

    Raises
    ------
    ValueError
        If the shape of `adjoint` is not that of the last layer's outputs.

    Examples
    --------
    >>> weights = [np.array([[2.0]])] * 2
    >>> found = signals(np.array([[1.0]]), weights, ACTIVATIONS["ReLU"])
    >>> [d.item() for d in errors(found, weights, ACTIVATIONS["ReLU"], np.array([[1.0]]))]
    [2.0, 1.0]
    """
    adjoint = _checks.reals("adjoint", adjoint, ndim=2)
    if adjoint.shape != found.h[-1].shape:
        raise ValueError(
            f"adjoint {adjoint.shape} and the last layer {found.h[-1].shape} "
            "must have the same shape"
        )
    deltas = [adjoint * activation.slope(found.z[-1])]
    for z, W in zip(found.z[-2::-1], weights[:0:-1], strict=True):
        deltas.append((deltas[-1] @ W) * activation.slope(z))
    return deltas[::-1]


def weight_gradients(
    x: Float[np.ndarray, "n d"], found: Signals, deltas: Matrices
) -> list[np.ndarray]:
    """Gradient in each weight matrix, δᵀ times the layer below, summed over the rows.

    Examples
    --------
    >>> x, weights = np.array([[1.0]]), [np.array([[2.0]])] * 2
    >>> found = signals(x, weights, ACTIVATIONS["ReLU"])
    >>> deltas = errors(found, weights, ACTIVATIONS["ReLU"], np.array([[1.0]]))
    >>> [G.item() for G in weight_gradients(x, found, deltas)]
    [2.0, 2.0]
    """
    below = [_checks.reals("x", x, ndim=2), *found.h[:-1]]
    return [delta.T @ h for delta, h in zip(deltas, below, strict=True)]


# First weights: which variance keeps the variance of what passes.


def xavier_variance(fan_in: int, fan_out: int) -> float:
    """Variance of a weight between the forward 1/inputs and the backward 1/outputs: their
    harmonic mean, 2/(inputs + outputs).

    Raises
    ------
    ValueError
        If a size is not a positive integer.

    References
    ----------
    :cite:`glorot2010`, section 4.2.1.

    Examples
    --------
    >>> xavier_variance(100, 300)
    0.005
    """
    _checks.sizes(fan_in=fan_in, fan_out=fan_out)
    return 2 / (fan_in + fan_out)


def he_variance(fan_in: int) -> float:
    """Variance of a weight that keeps the second moment through a ReLU: 2/inputs.

    Raises
    ------
    ValueError
        If the size is not a positive integer.

    References
    ----------
    :cite:`he2015`, section 2.2.

    Examples
    --------
    >>> he_variance(200)
    0.01
    """
    _checks.sizes(fan_in=fan_in)
    return 2 / fan_in


def random_weights(
    widths: Sequence[int], gain: float, rng: np.random.Generator
) -> list[np.ndarray]:
    """Gaussian weights of variance gain²/inputs for fully connected layers.

    Raises
    ------
    ValueError
        If a width is not a positive integer, there are fewer than two, or the gain is negative.

    Examples
    --------
    >>> [W.shape for W in random_weights([4, 3, 2], 1.0, np.random.default_rng(0))]
    [(3, 4), (2, 3)]
    """
    if len(widths) < 2:
        raise ValueError(f"widths {list(widths)} must name at least the inputs and the outputs")
    _checks.sizes(**{f"widths[{i}]": width for i, width in enumerate(widths)})
    if not 0 <= gain < np.inf:
        raise ValueError(f"gain must not be negative, and must be finite, but is {gain}")
    return [gain * rng.normal(size=(k, d)) / np.sqrt(d) for d, k in pairwise(widths)]


class Moments(NamedTuple):
    """Of each layer: variance ``q`` of its pre-activations and mean square slope ``slope``."""

    q: np.ndarray
    slope: np.ndarray


def wide_network(q: float, gain: float, activation: Activation, depth: int) -> Moments:
    """What the layers of an infinitely wide random network compute, layer by layer.

    Each pre-activation is normal with variance q, and the next layer's is gain² E[φ(z)²]. The
    expectations are sums over 200 Gauss-Hermite nodes. Backwards, the mean square of an error is
    multiplied by gain² times ``slope`` at each layer.

    Parameters
    ----------
    q : float
        Variance of the first layer's pre-activations.
    gain : float
        Weights have the variance gain²/inputs.
    activation : Activation
    depth : int
        Number of layers.

    Raises
    ------
    ValueError
        If `q` is not positive or `depth` not a positive integer.

    References
    ----------
    :cite:`schoenholz2017`.

    Examples
    --------
    >>> wide_network(1.0, np.sqrt(2), ACTIVATIONS["ReLU"], 3)
    Moments(q=array([1., 1., 1.]), slope=array([0.5, 0.5, 0.5]))
    """
    if not 0 < q < np.inf:
        raise ValueError(f"q must be positive and finite, but is {q}")
    _checks.sizes(depth=depth)
    nodes, masses = np.polynomial.hermite_e.hermegauss(200)
    masses = masses / masses.sum()
    moments = []
    for _ in range(depth):
        z = np.sqrt(q) * nodes
        moments.append((q, masses @ activation.slope(z) ** 2))
        q = gain**2 * (masses @ activation.value(z) ** 2)
    return Moments(*np.array(moments).T)


# Step sizes: the quadratic decides.


def largest_rate(hessian: Float[np.ndarray, "d d"]) -> float:
    """Rate 2/λ_max, at and above which gradient descent on a quadratic does not converge.

    Parameters
    ----------
    hessian : array (d, d)
        Symmetric, without negative eigenvalues, and not zero.

    Raises
    ------
    ValueError
        If `hessian` is not symmetric, has a negative eigenvalue, or is zero.

    Examples
    --------
    >>> largest_rate(np.diag([1.0, 8.0]))
    0.25
    """
    hessian = _checks.reals("hessian", hessian, ndim=2)
    if hessian.shape[0] != hessian.shape[1] or not np.allclose(hessian, hessian.T):
        raise ValueError(f"hessian {hessian.shape} must be square and symmetric")
    values = np.linalg.eigvalsh(hessian)
    if values[-1] <= 0 or values[0] < -1e-12 * values[-1]:
        raise ValueError(f"the eigenvalues of hessian lie between {values[0]} and {values[-1]}, "
                         "but none may be negative and one must be positive")  # fmt: skip
    return float(2 / values[-1])


def quadratic_losses(
    curvatures: Float[np.ndarray, " d"], start: Float[np.ndarray, " d"], rate: float, steps: int
) -> Float[np.ndarray, " s"]:
    """Loss ½ Σ λ w² after 0, 1, …, `steps` steps of gradient descent, in closed form.

    A step multiplies each coordinate by 1 - ηλ, so after t steps the loss is
    ½ Σ λ (1 - ηλ)^(2t) w².

    Raises
    ------
    ValueError
        If the shapes differ, a curvature is negative, or the rate is not positive.

    Examples
    --------
    >>> quadratic_losses(np.array([1.0, 8.0]), np.array([4.0, 0.5]), 0.25, 2)
    array([9.     , 5.5    , 3.53125])
    """
    curvatures, start = _checks.reals("curvatures", curvatures, 1), _checks.reals("start", start, 1)
    _checks.same_shape("curvatures", curvatures, "start", start)
    if (curvatures < 0).any():
        raise ValueError(f"curvatures must not be negative, but hold {curvatures.min()}")
    _positive_rate(rate)
    parts = curvatures * start**2
    there = parts > 0  # a direction that starts at its minimum stays there at every rate
    powers = (1 - rate * curvatures[there]) ** (2 * np.arange(steps + 1)[:, None])
    return powers @ parts[there] / 2


def noise_floor(rate: float, curvature: float, noise: float) -> float:
    """Expected loss at which SGD with a constant rate levels off, η s² / (2 (2 - ηλ)).

    Parameters
    ----------
    rate : float
        Learning rate η, below 2/`curvature`.
    curvature : float
        Second derivative λ of the loss ½ λ w².
    noise : float
        Variance s² of the gradient's noise; s²/B for batches of B independent examples.

    Raises
    ------
    ValueError
        If the rate or the curvature is not positive, the noise is negative, or the rate is too
        high to level off.

    Examples
    --------
    >>> noise_floor(1.0, 1.0, 4.0)
    2.0
    """
    _noisy_parabola(rate, curvature, noise)
    if rate * curvature >= 2:
        raise ValueError(f"rate {rate} with curvature {curvature}: "
                         f"no floor at or above 2/curvature = {2 / curvature}")  # fmt: skip
    return rate * noise / (2 * (2 - rate * curvature))


def expected_losses(
    rate: float, curvature: float, noise: float, updates: int, start: float = 1.0
) -> Float[np.ndarray, " u"]:
    """Expected loss after 0, 1, …, `updates` steps of SGD on the noisy parabola ½ λ w².

    Independent noise of variance s² on the gradient λw gives
    E[w²] → (1 - ηλ)² E[w²] + η² s², which holds at every rate, also at those that diverge.

    Parameters
    ----------
    rate, curvature, noise : float
        As for `noise_floor`, but at any positive rate.
    updates : int
    start : float
        Loss before the first step.

    Raises
    ------
    ValueError
        If the rate or the curvature is not positive or the noise is negative.

    Examples
    --------
    >>> expected_losses(0.5, 1.0, 0.0, 2)
    array([1.    , 0.25  , 0.0625])
    >>> expected_losses(3.0, 1.0, 0.0, 2)
    array([ 1.,  4., 16.])
    """
    _noisy_parabola(rate, curvature, noise)
    losses = [float(start)]
    for _ in range(updates):
        losses.append((1 - rate * curvature) ** 2 * losses[-1] + curvature * rate**2 * noise / 2)
    return np.array(losses)


def _noisy_parabola(rate, curvature, noise):
    _positive_rate(rate)
    if not 0 < curvature < np.inf:
        raise ValueError(f"curvature must be positive and finite, but is {curvature}")
    if not 0 <= noise < np.inf:
        raise ValueError(f"noise must not be negative, and must be finite, but is {noise}")


def _positive_rate(rate):
    if not 0 < rate < np.inf:
        raise ValueError(f"rate must be positive and finite, but is {rate}")


# Candidates for a rate.


def linear_share(low: float, high: float, a: float, b: float) -> float:
    """Chance that a number drawn evenly from [low, high] falls between a and b.

    Raises
    ------
    ValueError
        Unless low < high and a ≤ b.

    Examples
    --------
    >>> round(linear_share(0.01, 1.0, 0.1, 1.0), 3)
    0.909
    """
    if not (low < high and a <= b):
        raise ValueError(f"[{low}, {high}] and [{a}, {b}] must be intervals")
    return max(0.0, min(high, b) - max(low, a)) / (high - low)


def log_share(low: float, high: float, a: float, b: float) -> float:
    """Chance that a number whose logarithm is drawn evenly from [log low, log high] falls
    between a and b.

    Raises
    ------
    ValueError
        Unless 0 < low < high and 0 < a ≤ b.

    Examples
    --------
    >>> round(log_share(0.01, 1.0, 0.1, 1.0), 3)
    0.5
    """
    if not (low > 0 and a > 0):
        raise ValueError(f"a logarithmic scale has no {min(low, a)}")
    return linear_share(np.log(low), np.log(high), np.log(a), np.log(b)).item()


# Batches: how far the mean of a batch is from the mean of all.


def variance_with_replacement(g: Float[np.ndarray, "n d"], batch: int) -> float:
    """Expected squared distance of a batch's mean gradient from the mean of all n, if the batch
    is drawn with replacement: s²/B.

    Parameters
    ----------
    g : array (n, d)
        One gradient per example; s² is the mean squared distance from their mean.
    batch : int
        Number B of draws, of any size.

    Raises
    ------
    ValueError
        If `batch` is not a positive integer.

    Examples
    --------
    >>> variance_with_replacement(np.array([[0.0], [2.0]]), 2)
    0.5
    """
    g = _checks.reals("g", g, ndim=2)
    _checks.sizes(batch=batch)
    return float(((g - g.mean(axis=0)) ** 2).sum(axis=1).mean() / batch)


def variance_without_replacement(g: Float[np.ndarray, "n d"], batch: int) -> float:
    """The same for a batch of B different examples: s²/B times (n - B)/(n - 1).

    Raises
    ------
    ValueError
        If `batch` is not a positive integer or exceeds n.

    References
    ----------
    :cite:`cochran1977`, chapter 2.

    Examples
    --------
    >>> variance_without_replacement(np.array([[0.0], [2.0]]), 2)
    0.0
    """
    n = len(_checks.reals("g", g, ndim=2))
    _checks.sizes(batch=batch)
    if batch > n:
        raise ValueError(f"a batch of {batch} different examples cannot be drawn from {n}")
    if n == 1:
        return 0.0
    return variance_with_replacement(g, batch) * (n - batch) / (n - 1)
