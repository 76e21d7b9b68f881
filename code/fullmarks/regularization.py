"""Spectral filters and degrees of freedom, ensembles of dropout masks, and learned dropout.

The functions stand in the order of the chapter ``book/regularization.md``. Rows are examples:
``X`` has shape (n, d). A mask is 1 where a unit is kept and 0 where it is dropped; ``keep`` is a
probability of the former, ``p`` one of the latter. All arithmetic is float64.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from fullmarks import _checks
from fullmarks.mlp import softmax

if TYPE_CHECKING:
    from jaxtyping import Float

    Reals = Float[np.ndarray, "*shape"] | float

MOST_MASKED = 16


# Least squares, stopped early or with a penalty on the weights.


def descend(
    X: Float[np.ndarray, "n d"], y: Float[np.ndarray, " n"], rate: float, steps: int
) -> Float[np.ndarray, "t d"]:
    """Weights of gradient descent from zero on ‖Xw - y‖²/(2n), after 0, 1, …, `steps` steps.

    Parameters
    ----------
    X : array (n, d)
        Inputs.
    y : array (n,)
        Targets.
    rate : float
        Learning rate, positive.
    steps : int
        Number of steps, positive.

    Raises
    ------
    ValueError
        If the shapes do not fit, or `rate` or `steps` is not positive.

    Examples
    --------
    >>> descend(np.array([[1.0], [1.0]]), np.array([8.0, 8.0]), rate=0.5, steps=3)[:, 0]
    array([0., 4., 6., 7.])
    """
    X, y = _problem(X, y)
    _positive(rate=rate)
    _checks.sizes(steps=steps)
    w = np.zeros((steps + 1, X.shape[1]))
    for t in range(steps):
        w[t + 1] = w[t] - rate * X.T @ (X @ w[t] - y) / len(y)
    return w


def ridge(
    X: Float[np.ndarray, "n d"], y: Float[np.ndarray, " n"], decay: float
) -> Float[np.ndarray, " d"]:
    """Weights of least ‖Xw - y‖²/(2n) + decay ‖w‖²/2, that is (XᵀX/n + decay I)⁻¹ Xᵀy/n.

    Raises
    ------
    ValueError
        If the shapes do not fit or `decay` is not positive.

    References
    ----------
    :cite:`hoerl1970` (there without the 1/n).

    Examples
    --------
    >>> ridge(np.array([[1.0], [1.0]]), np.array([8.0, 8.0]), decay=1.0)
    array([4.])
    """
    X, y = _problem(X, y)
    _positive(decay=decay)
    n, d = X.shape
    return np.linalg.solve(X.T @ X / n + decay * np.eye(d), X.T @ y / n)


def _problem(X, y):
    X, y = _checks.reals("X", X, ndim=2), _checks.reals("y", y, ndim=1)
    if len(X) != len(y):
        raise ValueError(f"X {X.shape} with y {y.shape}: X has {len(X)} rows, y {len(y)} entries")
    return X, y


def _positive(**values):
    for name, value in values.items():
        if not (np.isfinite(value) and value > 0):
            raise ValueError(f"{name} must be a positive number, but is {value!r}")


def descent_filter(curvature: Reals, rate: float, steps: int) -> Reals:
    """Share of the minimum that gradient descent from zero has reached, 1 - (1 - ηλ)^τ.

    Parameters
    ----------
    curvature : float or array of any shape
        Eigenvalues λ ≥ 0 of the Hessian of a quadratic loss.
    rate : float
        Learning rate η.
    steps : int
        Number of steps τ, at least 0.

    Returns
    -------
    float or array of the shape of `curvature`
        One share for each eigenvalue: between 0 and 1 if ηλ ≤ 1, else beyond 1 at odd τ.

    Raises
    ------
    ValueError
        If a curvature is negative, `rate` is not positive, or `steps` is negative.

    References
    ----------
    :cite:`goodfellow2016`, section 7.8.

    Examples
    --------
    >>> descent_filter(np.array([0.0, 0.5, 1.0, 1.5]), rate=1.0, steps=2)
    array([0.  , 0.75, 1.  , 0.75])
    """
    curvature = _curvature(curvature)
    _positive(rate=rate)
    if steps < 0:
        raise ValueError(f"steps must not be negative, but is {steps}")
    return 1 - (1 - rate * curvature) ** steps


def ridge_filter(curvature: Reals, decay: float) -> Reals:
    """Share of the minimum that a penalty decay ‖w‖²/2 leaves, λ / (λ + decay).

    Parameters
    ----------
    curvature : float or array of any shape
        Eigenvalues λ ≥ 0 of the Hessian of a quadratic loss.
    decay : float
        Weight of the penalty, positive.

    Raises
    ------
    ValueError
        If a curvature is negative or `decay` is not positive.

    Examples
    --------
    >>> ridge_filter(np.array([0.0, 1.0, 3.0]), decay=1.0)
    array([0.  , 0.5 , 0.75])
    """
    curvature = _curvature(curvature)
    _positive(decay=decay)
    return curvature / (curvature + decay)


def matching_decay(curvature: Reals, rate: float, steps: int) -> Reals:
    """The decay whose ridge filter equals the descent filter, λ (1 - ηλ)^τ / (1 - (1 - ηλ)^τ).

    Parameters
    ----------
    curvature : float or array of any shape
        Eigenvalues λ > 0 with ηλ < 1.
    rate, steps
        Learning rate η and number of steps τ, at least 1.

    Returns
    -------
    float or array of the shape of `curvature`
        One decay for each eigenvalue; it falls as the eigenvalue grows.

    Raises
    ------
    ValueError
        If a curvature is not between 0 and 1/η, or `steps` is not a positive integer.

    Examples
    --------
    >>> matching_decay(np.array([0.5, 0.75]), rate=1.0, steps=1)
    array([0.5 , 0.25])
    """
    curvature = _curvature(curvature)
    _positive(rate=rate)
    _checks.sizes(steps=steps)
    v = rate * curvature
    if ((v <= 0) | (v >= 1)).any():
        raise ValueError(
            f"curvature must lie between 0 and 1/rate = {1 / rate:g}, both excluded, "
            f"but holds {curvature[(v <= 0) | (v >= 1)].flat[0]:g}"
        )
    left = (1 - v) ** steps
    return curvature * left / (1 - left)


def _curvature(curvature):
    curvature = _checks.reals("curvature", curvature)
    if (curvature < 0).any():
        raise ValueError(f"curvature must not be negative, but holds {curvature.min():g}")
    return curvature


def smoother(X: Float[np.ndarray, "n d"], rate: float, steps: int) -> Float[np.ndarray, "n n"]:
    """The matrix S with fitted values S y after `steps` steps of gradient descent from zero.

    One step takes S to S + η XXᵀ (I - S) / n.

    Raises
    ------
    ValueError
        If `rate` is not positive or `steps` is not a positive integer.

    Examples
    --------
    >>> smoother(np.array([[1.0], [1.0]]), rate=0.5, steps=1)
    array([[0.25, 0.25],
           [0.25, 0.25]])
    """
    X = _checks.reals("X", X, ndim=2)
    _positive(rate=rate)
    _checks.sizes(steps=steps)
    n = len(X)
    S = np.zeros((n, n))
    for _ in range(steps):
        S = S + rate * X @ (X.T @ (np.eye(n) - S)) / n
    return S


def degrees_of_freedom(X: Float[np.ndarray, "n d"], rate: float, steps: int) -> float:
    """Effective number of parameters after `steps` steps, the trace of `smoother`.

    It is the sum of `descent_filter` over the eigenvalues of XᵀX/n.

    Parameters
    ----------
    X : array (n, d)
        Inputs.
    rate, steps
        Learning rate and number of steps, at least 0, of gradient descent from zero on least
        squares.

    Raises
    ------
    ValueError
        As for `descent_filter`.

    References
    ----------
    :cite:`efron2004`.

    Examples
    --------
    >>> X = np.sqrt(2) * np.diag([1.0, 0.5])  # eigenvalues 1 and 1/4
    >>> [round(degrees_of_freedom(X, rate=1.0, steps=t), 4) for t in (0, 1, 2)]
    [0.0, 1.25, 1.4375]
    """
    X = _checks.reals("X", X, ndim=2)
    curvature = np.linalg.svd(X, compute_uv=False) ** 2 / len(X)
    return float(descent_filter(curvature, rate, steps).sum())


def ball_complexity(X: Float[np.ndarray, "n d"], radius: float) -> float:
    """Empirical Rademacher complexity of the linear functions with ‖w‖ ≤ `radius`.

    It is the mean over all 2ⁿ sign vectors s of the largest correlation (1/n) Σ s_i wᵀx_i that a
    function of the class reaches, radius ‖Xᵀs‖ / n.

    Raises
    ------
    ValueError
        If `X` has more than 16 rows (the signs are enumerated) or `radius` is not positive.

    References
    ----------
    :cite:`bartlett2002`.

    Examples
    --------
    >>> ball_complexity(np.array([[3.0, 0.0], [0.0, 4.0]]), radius=2.0)
    5.0
    """
    X = _checks.reals("X", X, ndim=2)
    _positive(radius=radius)
    signs = 2 * masks(len(X)) - 1
    return float(radius * np.linalg.norm(signs @ X, axis=1).mean() / len(X))


# Dropout as an ensemble.


def masks(n: int) -> Float[np.ndarray, "m n"]:
    """All 2ⁿ dropout masks, one per row, in the order of binary numbers.

    Raises
    ------
    ValueError
        If `n` is not a positive integer, or above 16.

    Examples
    --------
    >>> masks(2)
    array([[0., 0.],
           [0., 1.],
           [1., 0.],
           [1., 1.]])
    """
    _checks.sizes(n=n)
    if n > MOST_MASKED:
        raise ValueError(f"n = {n} gives {2**n} rows, but at most 2**{MOST_MASKED} are enumerated")
    return np.array(list(product((0.0, 1.0), repeat=n)))


def mask_probabilities(
    d: Float[np.ndarray, "m n"], keep: Float[np.ndarray, " n"] | float
) -> Float[np.ndarray, " m"]:
    """Probability of each mask, the product over its units of keep where 1, 1 - keep where 0.

    Parameters
    ----------
    d : array (m, n)
        Masks of zeros and ones.
    keep : float or array (n,)
        Probability that a unit is kept, one for all or one each.

    Raises
    ------
    ValueError
        If an entry of `d` is neither 0 nor 1, `keep` is outside [0, 1], or the shapes differ.

    Examples
    --------
    >>> mask_probabilities(masks(2), np.array([0.5, 0.75]))
    array([0.125, 0.375, 0.125, 0.375])
    """
    d, keep = _masks_and_probabilities(d, "keep", keep)
    return np.where(d == 1, keep, 1 - keep).prod(axis=1)


def _masks_and_probabilities(d, name, probability):
    d = _checks.reals("d", d, ndim=2)
    if not np.isin(d, (0, 1)).all():
        raise ValueError(f"d must hold zeros and ones, but holds {d[~np.isin(d, (0, 1))][0]:g}")
    probability = _checks.probabilities(name, probability)
    if probability.ndim and probability.shape != d.shape[1:]:
        raise ValueError(
            f"{name} {probability.shape} with masks {d.shape}: "
            f"{probability.shape[0]} probabilities for {d.shape[1]} units"
        )
    return d, np.broadcast_to(probability, d.shape[1:])


def masked_predictions(
    W: Float[np.ndarray, "n k"],
    b: Float[np.ndarray, " k"],
    x: Float[np.ndarray, " n"],
    d: Float[np.ndarray, "m n"],
) -> Float[np.ndarray, "m k"]:
    """Class probabilities softmax(Wᵀ(d ⊙ x) + b) under each mask.

    Parameters
    ----------
    W : array (n, k)
        Weights; as in paper A, a column for each class.
    b : array (k,)
        Biases.
    x : array (n,)
        Input.
    d : array (m, n)
        Masks.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> W, b = np.array([[np.log(9), 0.0]]), np.zeros(2)
    >>> masked_predictions(W, b, np.array([1.0]), masks(1))
    array([[0.5, 0.5],
           [0.9, 0.1]])
    """
    W, b = _checks.reals("W", W, ndim=2), _checks.reals("b", b, ndim=1)
    x, d = _checks.reals("x", x, ndim=1), _checks.reals("d", d, ndim=2)
    if W.shape != (len(x), len(b)) or d.shape[1] != len(x):
        raise ValueError(
            f"W {W.shape} with x {x.shape}, b {b.shape} and masks {d.shape}: W must have "
            f"{len(x)} rows and {len(b)} columns, the masks {len(x)} columns"
        )
    return softmax((d * x) @ W + b)


def geometric_mean(
    P: Float[np.ndarray, "m k"], weights: Float[np.ndarray, " m"] | None = None
) -> Float[np.ndarray, " k"]:
    """Renormalised geometric mean of distributions, proportional to exp(Σ weights · log P).

    Parameters
    ----------
    P : array (m, k)
        One distribution per row, with no zero in it.
    weights : array (m,), optional
        Probabilities of the rows; all alike if left out.

    Raises
    ------
    ValueError
        If a row is no distribution or holds a zero, or the weights do not fit or add up to 1.

    Examples
    --------
    >>> geometric_mean(np.array([[0.5, 0.5], [0.9, 0.1]]))
    array([0.75, 0.25])
    """
    P, weights = _ensemble(P, weights)
    if (P == 0).any():
        raise ValueError("P must be positive, but holds a zero, whose logarithm is not finite")
    return softmax((weights @ np.log(P))[None])[0]


def arithmetic_mean(
    P: Float[np.ndarray, "m k"], weights: Float[np.ndarray, " m"] | None = None
) -> Float[np.ndarray, " k"]:
    """Weighted mean of distributions, the marginal prediction of the ensemble.

    Parameters, Raises
    ------------------
    As for `geometric_mean`, but zeros are allowed.

    Examples
    --------
    >>> arithmetic_mean(np.array([[0.5, 0.5], [1.0, 0.0]]))
    array([0.75, 0.25])
    """
    P, weights = _ensemble(P, weights)
    return weights @ P


def _ensemble(P, weights):
    P = _checks.probabilities("P", _checks.reals("P", P, ndim=2))
    if not np.allclose(P.sum(axis=1), 1, rtol=0, atol=1e-9):
        raise ValueError(f"rows of P must add up to 1, but one adds up to {P.sum(axis=1).min():g}")
    if weights is None:
        return P, np.full(len(P), 1 / len(P))
    weights = _checks.probabilities("weights", weights)
    if weights.shape != P.shape[:1] or not np.isclose(weights.sum(), 1, rtol=0, atol=1e-9):
        raise ValueError(
            f"weights {weights.shape} of the rows of P {P.shape} must be {len(P)} and add up to 1, "
            f"but add up to {weights.sum():g}"
        )
    return P, weights


def scaled_prediction(
    W: Float[np.ndarray, "n k"],
    b: Float[np.ndarray, " k"],
    x: Float[np.ndarray, " n"],
    keep: float = 0.5,
) -> Float[np.ndarray, " k"]:
    """The weight-scaling rule: softmax(keep · Wᵀx + b), without dropout and with b as it is.

    References
    ----------
    :cite:`srivastava2014`; :cite:`goodfellow2016`, section 7.12.

    Raises
    ------
    ValueError
        If the shapes do not fit or `keep` is outside [0, 1].

    Examples
    --------
    >>> scaled_prediction(np.array([[np.log(9), 0.0]]), np.zeros(2), np.array([1.0]))
    array([0.75, 0.25])
    """
    keep = float(_checks.probabilities("keep", keep))
    W = _checks.reals("W", W, ndim=2)
    return masked_predictions(keep * W, b, x, np.ones((1, len(W))))[0]


def dropout_squared_error(
    w: Float[np.ndarray, " d"],
    X: Float[np.ndarray, "n d"],
    y: Float[np.ndarray, " n"],
    keep: Float[np.ndarray, " d"] | float,
) -> float:
    """Mean over rows and masks of (y - wᵀ(d ⊙ x))², in closed form.

    It is the squared error of the weights keep · w plus Σ keep (1 - keep) w² x², a ridge penalty
    that weighs each weight by the mean square of its input.

    Raises
    ------
    ValueError
        If the shapes do not fit or `keep` is outside [0, 1].

    References
    ----------
    :cite:`srivastava2014`, section 9.1.

    Examples
    --------
    >>> w, X, y = np.array([2.0]), np.array([[1.0]]), np.array([2.0])
    >>> dropout_squared_error(w, X, y, keep=0.5)  # errors 2 and 0, each half of the time
    2.0
    """
    X, y = _problem(X, y)
    w, keep = _checks.reals("w", w, ndim=1), _checks.probabilities("keep", keep)
    if w.shape != X.shape[1:] or keep.shape not in ((), w.shape):
        raise ValueError(
            f"X {X.shape} with w {w.shape} and keep {keep.shape}: X has {X.shape[1]} columns"
        )
    return float((((X @ (keep * w)) - y) ** 2 + X**2 @ (keep * (1 - keep) * w**2)).mean())


# Dropout probabilities that are learned.


def expected_loss(loss: Float[np.ndarray, " m"], p: Float[np.ndarray, " n"]) -> float:
    """Mean of a loss over all masks, if unit i is dropped with probability p_i.

    Parameters
    ----------
    loss : array (2**n,)
        Loss under each mask, in the order of `masks`.
    p : array (n,)
        Probability that each unit is dropped.

    Raises
    ------
    ValueError
        If there are not 2ⁿ losses, or `p` is outside [0, 1].

    Examples
    --------
    >>> expected_loss(np.array([8.0, 4.0, 2.0, 0.0]), np.array([0.5, 0.5]))
    3.5
    """
    loss, p = _losses_and_probabilities(loss, p)
    return float(mask_probabilities(masks(len(p)), 1 - p) @ loss)


def expected_loss_gradient(
    loss: Float[np.ndarray, " m"], p: Float[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    """Gradient of `expected_loss` in p: mean loss with unit i dropped minus with it kept.

    The other units are drawn as before. All masks are enumerated.

    Parameters, Raises
    ------------------
    As for `expected_loss`.

    Examples
    --------
    >>> expected_loss_gradient(np.array([8.0, 4.0, 2.0, 0.0]), np.array([0.5, 0.5]))
    array([5., 3.])
    """
    loss, p = _losses_and_probabilities(loss, p)
    d = masks(len(p))
    gradient = np.empty(len(p))
    for i in range(len(p)):
        dropped, kept = p.copy(), p.copy()
        dropped[i], kept[i] = 1, 0
        gradient[i] = (mask_probabilities(d, 1 - dropped) - mask_probabilities(d, 1 - kept)) @ loss
    return gradient


def _losses_and_probabilities(loss, p):
    loss, p = _checks.reals("loss", loss, ndim=1), _checks.probabilities("p", p)
    if p.ndim != 1 or len(loss) != 2 ** len(p):
        raise ValueError(
            f"loss {loss.shape} with p {p.shape}: {p.size} units have {2**p.size} masks"
        )
    return loss, p


def score_estimates(
    loss: Float[np.ndarray, " m"],
    d: Float[np.ndarray, "m n"],
    p: Float[np.ndarray, " n"],
    baseline: float = 0.0,
) -> Float[np.ndarray, "m n"]:
    """Score-function estimates of the gradient in p, (loss - baseline) ∂ log P(d; p) / ∂p.

    The score of a unit is 1/p if it is dropped and -1/(1-p) if it is kept.

    Parameters
    ----------
    loss : array (m,)
        Loss of each drawn mask.
    d : array (m, n)
        Masks, drawn with `p`.
    p : array (n,)
        Probability that each unit is dropped, between 0 and 1, both excluded.
    baseline : float
        A number that does not depend on the mask.

    Raises
    ------
    ValueError
        If the shapes do not fit, or a probability is 0 or 1.

    References
    ----------
    :cite:`williams1992`.

    Examples
    --------
    >>> score_estimates(np.array([3.0, 1.0]), masks(1), np.array([0.25]))
    array([[12.        ],
           [-1.33333333]])
    """
    d, p = _masks_and_probabilities(d, "p", p)
    loss = _checks.reals("loss", loss, ndim=1)
    if len(loss) != len(d):
        raise ValueError(f"loss {loss.shape} with masks {d.shape}: one loss for each mask")
    _interior("p", p)
    return (loss - baseline)[:, None] * np.where(d == 0, 1 / p, -1 / (1 - p))


def _interior(name, values):
    if ((values <= 0) | (values >= 1)).any():
        raise ValueError(f"{name} must lie between 0 and 1, both excluded, but holds a 0 or a 1")


def relaxed_mask(u: Reals, p: Reals, temperature: float) -> Reals:
    """Concrete relaxation of a mask, σ((logit(1-p) + logit(u)) / temperature).

    For uniform u it exceeds 1/2 with probability 1-p, and tends to the mask 1[u > p] as the
    temperature goes to 0.

    Parameters
    ----------
    u : float or array of any shape
        Uniform draws, between 0 and 1, both excluded.
    p : float or array that broadcasts to `u`
        Probability of dropping, between 0 and 1, both excluded.
    temperature : float
        Positive.

    Raises
    ------
    ValueError
        If `u` or `p` is not strictly between 0 and 1, or `temperature` is not positive.

    References
    ----------
    :cite:`maddison2017` (the binary case); :cite:`gal2017` for dropout.

    Examples
    --------
    >>> relaxed_mask(np.array([0.5, 0.75, 0.9]), 0.5, temperature=0.5)
    array([0.5       , 0.9       , 0.98780488])
    """
    u, p = _checks.probabilities("u", u), _checks.probabilities("p", p)
    _interior("u", u)
    _interior("p", p)
    _positive(temperature=temperature)
    logit = np.log1p(-p) - np.log(p) + np.log(u) - np.log1p(-u)
    return np.exp(-np.logaddexp(0.0, -logit / temperature))


# Techniques.


def soft_threshold(a: Reals, penalty: float) -> Reals:
    """The w of least (w - a)²/2 + penalty |w|: `a` moved towards zero, and zero if near it.

    Parameters
    ----------
    a : float or array of any shape
        Minima without the penalty.
    penalty : float
        Weight of the L1 penalty, at least 0.

    Raises
    ------
    ValueError
        If `a` is not finite or `penalty` is negative.

    References
    ----------
    :cite:`tibshirani1996`.

    Examples
    --------
    >>> soft_threshold(np.array([-3.0, -0.5, 0.5, 2.0]), penalty=1.0)
    array([-2., -0.,  0.,  1.])
    """
    a = _checks.reals("a", a)
    if penalty < 0:
        raise ValueError(f"penalty must not be negative, but is {penalty}")
    return np.sign(a) * np.maximum(abs(a) - penalty, 0.0)


def ensemble_variance(variance: float, correlation: float, members: int) -> float:
    """Variance of the mean of equally correlated members, v (ρ + (1 - ρ) / m).

    Parameters
    ----------
    variance : float
        Variance v of each member, positive.
    correlation : float
        Correlation ρ of any two members, from 0 to 1.
    members : int
        Their number m.

    Raises
    ------
    ValueError
        If an argument is out of range.

    References
    ----------
    :cite:`goodfellow2016`, section 7.11.

    Examples
    --------
    >>> ensemble_variance(8.0, 0.5, 4)
    5.0
    """
    _positive(variance=variance)
    _checks.sizes(members=members)
    correlation = float(_checks.probabilities("correlation", correlation))
    return variance * (correlation + (1 - correlation) / members)
