"""Divergences, the evidence lower bound, its gradient estimators, a small VAE, and a flow.

The functions stand in the order of the chapter ``book/variational.md``. A latent variable with
finitely many values has a table, one entry for each value. A Gaussian is given by its mean and its
variances (or covariance matrix), never by a standard deviation unless the argument is called
`scale`. Rows are examples or samples. All logarithms are natural, all arithmetic is float64.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fullmarks import _checks
from fullmarks.mlp import affine, logistic_loss, sigmoid

if TYPE_CHECKING:
    from jaxtyping import Float

    Reals = Float[np.ndarray, "*shape"] | float


# The bound on tables.


def categorical_kl(q: Float[np.ndarray, " k"], p: Float[np.ndarray, " k"]) -> float:
    """Divergence KL(q ‖ p) = Σ q log(q/p) of two tables, infinite if q > 0 where p = 0.

    Parameters
    ----------
    q, p : array (k,)
        Probabilities; the expectation is over the first one.

    Raises
    ------
    ValueError
        If a table does not add up to 1 or the lengths differ.

    Examples
    --------
    >>> half, skewed = np.array([0.5, 0.5]), np.array([0.75, 0.25])
    >>> round(categorical_kl(half, skewed), 3), round(categorical_kl(skewed, half), 3)
    (0.144, 0.131)
    >>> categorical_kl(half, np.array([1.0, 0.0]))
    inf
    """
    q, p = _table("q", q), _table("p", p)
    _equally_long("q", q, "p", p)
    on = q > 0
    if (p[on] == 0).any():
        return float("inf")
    return float(q[on] @ np.log(q[on] / p[on]))


def _table(name, values):
    values = _checks.probabilities(name, _checks.reals(name, values, ndim=1))
    if not np.isclose(values.sum(), 1, rtol=0, atol=1e-9):
        raise ValueError(f"{name} must add up to 1, but adds up to {values.sum():g}")
    return values


def _equally_long(name, values, other_name, other):
    if len(values) != len(other):
        raise ValueError(
            f"{name} has {len(values)} entries, {other_name} {len(other)}: one for each value of z"
        )


def log_evidence(likelihood: Float[np.ndarray, " k"], prior: Float[np.ndarray, " k"]) -> float:
    """Logarithm of p(x) = Σ p(x|z) p(z) for one x.

    Parameters
    ----------
    likelihood : array (k,)
        p(x|z) for each value of z: not negative, not a distribution over z; above 1 if a density.
    prior : array (k,)
        p(z).

    Raises
    ------
    ValueError
        If a likelihood is negative, all are zero, or the prior is no table of the same length.

    Examples
    --------
    >>> np.exp(log_evidence(np.array([0.75, 0.25]), np.array([0.5, 0.5]))).round(3)
    np.float64(0.5)
    """
    likelihood, prior = _model(likelihood, prior)
    return float(np.log(likelihood @ prior))


def _model(likelihood, prior):
    likelihood, prior = _checks.reals("likelihood", likelihood, ndim=1), _table("prior", prior)
    _equally_long("likelihood", likelihood, "prior", prior)
    if (likelihood < 0).any():
        raise ValueError(f"likelihood must not be negative, but holds {likelihood.min():g}")
    if likelihood @ prior == 0:
        raise ValueError("x has probability 0 under the model: likelihood times prior is 0 for all")
    return likelihood, prior


def posterior(
    likelihood: Float[np.ndarray, " k"], prior: Float[np.ndarray, " k"]
) -> Float[np.ndarray, " k"]:
    """The table p(z|x) = p(x|z) p(z) / p(x) for one x.

    Parameters, Raises
    ------------------
    As for `log_evidence`.

    Examples
    --------
    >>> posterior(np.array([0.75, 0.25]), np.array([0.5, 0.5]))
    array([0.75, 0.25])
    """
    likelihood, prior = _model(likelihood, prior)
    return likelihood * prior / (likelihood @ prior)


def elbo(
    likelihood: Float[np.ndarray, " k"],
    prior: Float[np.ndarray, " k"],
    q: Float[np.ndarray, " k"],
) -> float:
    """Evidence lower bound Σ q log p(x|z) - KL(q ‖ p(z)) of one x, by summing over z.

    Parameters
    ----------
    likelihood, prior : array (k,)
        As for `log_evidence`.
    q : array (k,)
        The variational table q(z|x).

    Returns
    -------
    float
        At most `log_evidence`; minus infinity if q > 0 where p(x, z) = 0.

    Raises
    ------
    ValueError
        If a table does not add up to 1 or the lengths differ.

    Examples
    --------
    >>> prior = np.array([0.5, 0.5])
    >>> elbo(np.array([1.0, 1.0]), prior, q=np.array([0.5, 0.5]))
    0.0
    >>> elbo(np.array([1.0, 0.0]), prior, q=np.array([0.5, 0.5]))
    -inf
    """
    likelihood, prior = _model(likelihood, prior)
    q = _table("q", q)
    _equally_long("q", q, "prior", prior)
    on = q > 0
    if (likelihood[on] * prior[on] == 0).any():
        return -float("inf")
    return float(q[on] @ np.log(likelihood[on])) - categorical_kl(q, prior)


def printed_objective(
    likelihood: Float[np.ndarray, " k"],
    prior: Float[np.ndarray, " k"],
    q: Float[np.ndarray, " k"],
) -> float:
    """What paper C prints for the bound, without the logarithm: Σ q p(x|z) - KL(q ‖ p(z)).

    Parameters, Raises
    ------------------
    As for `elbo`.

    Examples
    --------
    >>> printed_objective(np.array([0.5, 0.5]), np.array([0.5, 0.5]), np.array([0.5, 0.5]))
    0.5
    """
    likelihood, prior = _model(likelihood, prior)
    q = _table("q", q)
    _equally_long("q", q, "prior", prior)
    return float(q @ likelihood) - categorical_kl(q, prior)


def printed_optimum(
    likelihood: Float[np.ndarray, " k"], prior: Float[np.ndarray, " k"]
) -> Float[np.ndarray, " k"]:
    """The q that maximises `printed_objective`, proportional to p(z) exp p(x|z).

    Parameters, Raises
    ------------------
    As for `log_evidence`.

    Examples
    --------
    >>> printed_optimum(np.log([3.0, 1.0]), np.array([0.5, 0.5])).round(9)
    array([0.75, 0.25])
    """
    likelihood, prior = _model(likelihood, prior)
    raised = prior * np.exp(likelihood - likelihood.max())
    return raised / raised.sum()


def factorised_elbo(
    log_likelihood: Float[np.ndarray, "*k"],
    prior: Float[np.ndarray, "n k"],
    q: Float[np.ndarray, "n k"],
) -> float:
    """Bound for n categorical variables with q and prior factorised: kⁿ terms and n k terms.

    Parameters
    ----------
    log_likelihood : array (k, …, k), n axes
        log p(x|z₁, …, zₙ) for each of the kⁿ combinations: as many runs of the decoder.
    prior, q : array (n, k)
        A table for each variable, one per row.

    Raises
    ------
    ValueError
        If a row is no table, or `log_likelihood` has another shape than (k, …, k).

    Examples
    --------
    >>> half = np.full((2, 2), 0.5)
    >>> factorised_elbo(np.array([[0.0, -1.0], [-1.0, -2.0]]), half, half)
    -1.0
    """
    prior, q = _checks.reals("prior", prior, ndim=2), _checks.reals("q", q, ndim=2)
    expected = _checks.reals("log_likelihood", log_likelihood)
    if prior.shape != q.shape or expected.shape != q.shape[1:] * len(q):
        raise ValueError(
            f"log_likelihood {expected.shape} with prior {prior.shape} and q {q.shape}: "
            f"n rows of k entries need n axes of length k"
        )
    for table in q:  # sums out the first axis that is left
        expected = np.tensordot(_table("a row of q", table), expected, axes=1)
    return float(expected) - sum(categorical_kl(*rows) for rows in zip(q, prior, strict=True))


# Gaussians.


def gaussian_kl(
    mean: Reals, variance: Reals, other_mean: Reals = 0.0, other_variance: Reals = 1.0
) -> float:
    """KL(N(mean, variance) ‖ N(other_mean, other_variance)), added up over independent coordinates.

    Each coordinate gives (log(other/own) + (own + (difference of means)²) / other - 1) / 2.

    Parameters
    ----------
    mean, variance : float or array (k,)
        Mean and variances of the Gaussian over which the expectation is taken.
    other_mean, other_variance : float or array (k,), optional
        The other one; the standard normal if left out.

    Raises
    ------
    ValueError
        If a variance is not positive or shapes differ.

    References
    ----------
    :cite:`kingma2014`, appendix B (for the standard normal).

    Examples
    --------
    >>> gaussian_kl(2.0, 1.0)
    2.0
    >>> gaussian_kl(np.array([0.0, 3.0]), np.array([1.0, 1.0]))
    4.5
    """
    mean, variance = _gaussian("mean", mean, "variance", variance)
    other_mean, other = _gaussian("other_mean", other_mean, "other_variance", other_variance)
    _checks.same_shape("mean", mean, "other_mean", other_mean)
    terms = np.log(other) - np.log(variance) + (variance + (mean - other_mean) ** 2) / other - 1
    return float(terms.sum() / 2)


def _gaussian(mean_name, mean, name, variance):
    mean, variance = _checks.reals(mean_name, mean), _checks.reals(name, variance)
    _checks.same_shape(mean_name, mean, name, variance)
    if (variance <= 0).any():
        raise ValueError(f"{name} must be positive, but holds {variance.min():g}")
    return mean, variance


class Linear(NamedTuple):
    """A decoder x = W z + b + noise of variance `noise` in each coordinate; prior z ~ N(0, I)."""

    W: Float[np.ndarray, "d k"]
    b: Float[np.ndarray, " d"]
    noise: float


def _linear(model, x):
    W, b = _checks.reals("W", model.W, ndim=2), _checks.reals("b", model.b, ndim=1)
    x = _checks.reals("x", x, ndim=1)
    if len(W) != len(x) or len(b) != len(x):
        raise ValueError(f"W {W.shape} and b {b.shape} with x {x.shape}: a row of W for each entry")
    if not model.noise > 0:
        raise ValueError(f"noise must be a positive variance, but is {model.noise!r}")
    return W, b, x


def linear_log_evidence(model: Linear, x: Float[np.ndarray, " d"]) -> float:
    """log p(x) of a linear decoder: x ~ N(b, W Wᵀ + noise I).

    Raises
    ------
    ValueError
        If the shapes do not fit or the noise is not positive.

    Examples
    --------
    >>> model = Linear(np.array([[1.0]]), np.array([0.0]), noise=1.0)
    >>> density = np.exp(linear_log_evidence(model, np.array([0.0])))
    >>> (density * np.sqrt(4 * np.pi)).round(12)
    np.float64(1.0)
    """
    W, b, x = _linear(model, x)
    covariance = W @ W.T + model.noise * np.eye(len(x))
    quadratic = (x - b) @ np.linalg.solve(covariance, x - b)
    return float(-(quadratic + np.linalg.slogdet(2 * np.pi * covariance)[1]) / 2)


def linear_posterior(
    model: Linear, x: Float[np.ndarray, " d"]
) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, "k k"]]:
    """Mean and precision matrix of p(z|x): precision I + WᵀW/noise.

    Raises
    ------
    ValueError
        If the shapes do not fit or the noise is not positive.

    Examples
    --------
    >>> linear_posterior(Linear(np.array([[1.0]]), np.array([0.0]), 1.0), np.array([4.0]))
    (array([2.]), array([[2.]]))
    """
    W, b, x = _linear(model, x)
    precision = np.eye(W.shape[1]) + W.T @ W / model.noise
    return np.linalg.solve(precision, W.T @ (x - b) / model.noise), precision


def linear_terms(
    model: Linear,
    x: Float[np.ndarray, " d"],
    mean: Float[np.ndarray, " k"],
    variance: Float[np.ndarray, " k"],
) -> tuple[float, float]:
    """Both terms of the bound for q = N(mean, diag variance): E[log p(x|z)] and KL(q ‖ prior).

    The bound is the first minus the second. Neither is sampled: a linear decoder lets the
    expectation be taken, -(d log(2π noise) + (‖x - W mean - b‖² + Σ_j variance_j ‖W_j‖²)/noise)/2.

    Raises
    ------
    ValueError
        If shapes do not fit, or the noise or a variance is not positive.

    Examples
    --------
    >>> model = Linear(np.array([[1.0]]), np.array([0.0]), noise=1 / (2 * np.pi))
    >>> first, second = linear_terms(model, np.array([0.0]), np.array([0.0]), np.array([1.0]))
    >>> round(first + np.pi, 12), second
    (0.0, 0.0)
    """
    W, b, x = _linear(model, x)
    mean, variance = _gaussian("mean", mean, "variance", variance)
    if mean.shape != (W.shape[1],):
        raise ValueError(f"mean {mean.shape} with W {W.shape}: a column of W for each entry")
    square = ((x - W @ mean - b) ** 2).sum() + variance @ (W**2).sum(axis=0)
    first = -(len(x) * np.log(2 * np.pi * model.noise) + square / model.noise) / 2
    return float(first), gaussian_kl(mean, variance)


# Estimators of a gradient.


def path_estimates(
    slope: Float[np.ndarray, "n k"], noise: Float[np.ndarray, "n k"]
) -> tuple[Float[np.ndarray, "n k"], Float[np.ndarray, "n k"]]:
    """Reparameterised estimates of ∂E[f(z)]/∂mean and ∂E[f(z)]/∂scale, z = mean + scale · noise.

    Parameters
    ----------
    slope : array (n, k)
        Gradient of f at each sampled z.
    noise : array (n, k)
        The standard normal draws that gave z.

    Returns
    -------
    (array, array) of that shape
        slope, and slope · noise: one estimate for each sample.

    Raises
    ------
    ValueError
        If the shapes differ.

    References
    ----------
    :cite:`kingma2014`.

    Examples
    --------
    >>> path_estimates(slope=np.array([[3.0, 5.0]]), noise=np.array([[-1.0, 2.0]]))
    (array([[3., 5.]]), array([[-3., 10.]]))
    """
    slope, noise = _checks.reals("slope", slope, ndim=2), _checks.reals("noise", noise, ndim=2)
    _checks.same_shape("slope", slope, "noise", noise)
    return slope, slope * noise


def score_estimates(
    value: Float[np.ndarray, " n"],
    noise: Float[np.ndarray, "n k"],
    scale: Reals,
    baseline: float = 0.0,
) -> tuple[Float[np.ndarray, "n k"], Float[np.ndarray, "n k"]]:
    """Score-function estimates of ∂E[f(z)]/∂mean and ∂E[f(z)]/∂scale: no derivative of f.

    Parameters
    ----------
    value : array (n,)
        f at each sampled z = mean + scale · noise.
    noise : array (n, k)
        The standard normal draws.
    scale : float or array (k,)
        Standard deviation, positive.
    baseline : float
        Constant taken from `value`; it changes the variance and not the mean.

    Returns
    -------
    (array, array) of the shape of `noise`
        (f - baseline) noise / scale, and (f - baseline) (noise² - 1) / scale.

    Raises
    ------
    ValueError
        If `scale` is not positive, or there is not one value for each row of noise.

    References
    ----------
    :cite:`williams1992`.

    Examples
    --------
    >>> score_estimates(np.array([3.0]), np.array([[-1.0, 2.0]]), scale=0.5, baseline=1.0)
    (array([[-4.,  8.]]), array([[ 0., 12.]]))
    """
    value, noise = _checks.reals("value", value, ndim=1), _checks.reals("noise", noise, ndim=2)
    if len(value) != len(noise):
        raise ValueError(f"value {value.shape} with noise {noise.shape}: one value for each row")
    above = (value - baseline)[:, None] / _scale(scale)
    return above * noise, above * (noise**2 - 1)


def _scale(scale):
    scale = _checks.reals("scale", scale)
    if (scale <= 0).any():
        raise ValueError(f"scale must be positive, but holds {scale.min():g}")
    return scale


def square_variances(dimensions: int, scale: float = 1.0) -> dict[str, float]:
    """Variances of single-sample estimates of ∂E‖z‖²/∂(first mean), z ~ N(0, scale² I).

    Parameters
    ----------
    dimensions : int
        Length K of z.
    scale : float
        Standard deviation σ.

    Returns
    -------
    dict
        "path" 4σ², "score" σ² (K+2)(K+4), and "baseline" 2σ² (K+2), the score function with the
        best constant, σ² (K+2).

    Raises
    ------
    ValueError
        If `dimensions` is not a positive integer or `scale` not positive.

    Examples
    --------
    >>> square_variances(1)
    {'path': 4.0, 'score': 15.0, 'baseline': 6.0}
    >>> square_variances(8, scale=0.5)
    {'path': 1.0, 'score': 30.0, 'baseline': 5.0}
    """
    _checks.sizes(dimensions=dimensions)
    K, v = dimensions, float(_scale(scale)) ** 2
    return {"path": 4 * v, "score": v * (K + 2) * (K + 4), "baseline": 2 * v * (K + 2)}


def sine_variances(frequency: float, scale: float = 1.0) -> dict[str, float]:
    """Variances of single-sample estimates of ∂E[sin(ωz)]/∂mean at mean 0, z ~ N(0, scale²).

    With u = ω²σ² they are u (1 - e⁻ᵘ)² / (2σ²) for the path and
    (1 - (1 - 4u) e⁻²ᵘ - 2u e⁻ᵘ) / (2σ²) for the score function.

    Parameters
    ----------
    frequency : float
        ω.
    scale : float
        Standard deviation σ, positive.

    Raises
    ------
    ValueError
        If `frequency` is not finite or `scale` not positive.

    Examples
    --------
    >>> found = sine_variances(1.0)
    >>> round(found["path"], 3), round(found["score"], 3)
    (0.2, 0.335)
    >>> round(sine_variances(100.0)["path"]), round(sine_variances(100.0)["score"], 3)
    (5000, 0.5)
    """
    s = float(_scale(scale))
    u = (float(_checks.reals("frequency", frequency)) * s) ** 2
    path = u * np.expm1(-u) ** 2
    score = 1 - (1 - 4 * u) * np.exp(-2 * u) - 2 * u * np.exp(-u)
    return {"path": float(path / (2 * s**2)), "score": float(score / (2 * s**2))}


# A small VAE.


class Vae(NamedTuple):
    """Parameters: one tanh layer on each side; `A` gives the mean, `B` the log-variance."""

    W: Float[np.ndarray, "h d"]
    w: Float[np.ndarray, " h"]
    A: Float[np.ndarray, "k h"]
    a: Float[np.ndarray, " k"]
    B: Float[np.ndarray, "k h"]
    b: Float[np.ndarray, " k"]
    V: Float[np.ndarray, "g k"]
    v: Float[np.ndarray, " g"]
    U: Float[np.ndarray, "d g"]
    u: Float[np.ndarray, " d"]


class Pass(NamedTuple):
    """Values of a forward pass, a row for each example, and what the loss is made of."""

    h: np.ndarray
    mean: np.ndarray
    log_variance: np.ndarray
    z: np.ndarray
    g: np.ndarray
    logits: np.ndarray
    reconstruction: np.ndarray
    divergence: np.ndarray


def random_vae(d: int, h: int, k: int, g: int, rng: np.random.Generator) -> Vae:
    """Random weights of standard deviation 1/√inputs and zero biases.

    Parameters
    ----------
    d, h, k, g : int
        Pixels, hidden units of the encoder, latent coordinates, hidden units of the decoder.
    rng : numpy.random.Generator

    Raises
    ------
    ValueError
        If a size is not a positive integer.

    Examples
    --------
    >>> random_vae(6, 5, 2, 4, np.random.default_rng(0)).U.shape
    (6, 4)
    """
    _checks.sizes(d=d, h=h, k=k, g=g)
    shapes = [(h, d), (k, h), (k, h), (g, k), (d, g)]
    weights = [rng.normal(size=shape) / np.sqrt(shape[1]) for shape in shapes]
    return Vae(*(part for W in weights for part in (W, np.zeros(len(W)))))


def vae_forward(theta: Vae, x: Float[np.ndarray, "n d"], noise: Float[np.ndarray, "n k"]) -> Pass:
    """One sample of the bound for each example: Bernoulli pixels, standard normal prior.

    Parameters
    ----------
    theta : Vae
        Parameters.
    x : array (n, d)
        Pixels between 0 and 1.
    noise : array (n, k)
        Standard normal draws; z = mean + exp(log_variance / 2) · noise.

    Returns
    -------
    Pass
        Its `reconstruction` is log p(x|z), its `divergence` KL(q(z|x) ‖ N(0, I)) in closed form.

    Raises
    ------
    ValueError
        If shapes do not fit or a pixel is outside [0, 1].

    Examples
    --------
    >>> theta = Vae(*(np.zeros_like(part) for part in random_vae(
    ...     3, 2, 1, 2, np.random.default_rng(0))))
    >>> found = vae_forward(theta, np.array([[1.0, 0.0, 1.0]]), np.array([[0.3]]))
    >>> found.z, found.divergence, np.exp(found.reconstruction).round(3)
    (array([[0.3]]), array([0.]), array([0.125]))
    """
    x, noise = _checks.reals("x", x, ndim=2), _checks.reals("noise", noise, ndim=2)
    h = np.tanh(affine(x, theta.W, theta.w))
    mean, log_variance = affine(h, theta.A, theta.a), affine(h, theta.B, theta.b)
    if noise.shape != mean.shape:
        raise ValueError(f"noise {noise.shape} with x {x.shape}: the draws must be {mean.shape}")
    z = mean + np.exp(log_variance / 2) * noise
    g = np.tanh(affine(z, theta.V, theta.v))
    logits = affine(g, theta.U, theta.u)
    reconstruction = -logistic_loss(logits, x).sum(axis=1)
    divergence = (mean**2 + np.exp(log_variance) - log_variance - 1).sum(axis=1) / 2
    return Pass(h, mean, log_variance, z, g, logits, reconstruction, divergence)


def vae_loss(theta: Vae, x: Float[np.ndarray, "n d"], noise: Float[np.ndarray, "n k"]) -> float:
    """Minus the bound, averaged over the examples, with one draw of noise each.

    Parameters, Raises
    ------------------
    As for `vae_forward`.

    Examples
    --------
    >>> theta = Vae(*(np.zeros_like(part) for part in random_vae(
    ...     3, 2, 1, 2, np.random.default_rng(0))))
    >>> loss = vae_loss(theta, np.array([[1.0, 0.0, 1.0]]), np.array([[0.3]]))
    >>> (loss / np.log(2)).round(12)
    np.float64(3.0)
    """
    found = vae_forward(theta, x, noise)
    return float((found.divergence - found.reconstruction).mean())


def vae_backward(theta: Vae, x: Float[np.ndarray, "n d"], noise: Float[np.ndarray, "n k"]) -> Vae:
    """Gradient of `vae_loss` in every parameter, by hand, through the reparameterised z.

    Parameters, Raises
    ------------------
    As for `vae_forward`.

    Examples
    --------
    >>> theta = Vae(*(np.zeros_like(part) for part in random_vae(
    ...     3, 2, 1, 2, np.random.default_rng(0))))
    >>> vae_backward(theta, np.array([[1.0, 0.0, 1.0]]), np.array([[0.3]])).u
    array([-0.5,  0.5, -0.5])
    """
    x, noise = _checks.reals("x", x, ndim=2), _checks.reals("noise", noise, ndim=2)
    found = vae_forward(theta, x, noise)
    logits = (sigmoid(found.logits) - x) / len(x)
    inner = logits @ theta.U * (1 - found.g**2)
    z = inner @ theta.V
    return Vae(*_encoder(theta, x, found, *_joined(found, z, noise)),
               *_layer(inner, found.z), *_layer(logits, found.g))  # fmt: skip


def _joined(found, z, noise):
    """Errors of mean and log-variance: through z, and through the divergence."""
    n, spread = len(z), np.exp(found.log_variance / 2)
    mean = z + found.mean / n
    return mean, (z * noise * spread + (spread**2 - 1) / n) / 2


def _encoder(theta, x, found, mean, log_variance):
    hidden = (mean @ theta.A + log_variance @ theta.B) * (1 - found.h**2)
    return *_layer(hidden, x), *_layer(mean, found.h), *_layer(log_variance, found.h)


def _layer(error, inputs):
    return error.T @ inputs, error.sum(axis=0)


# Richer families.


def mean_field_gap(precision: Float[np.ndarray, "k k"]) -> float:
    """Least KL(q ‖ p) of a diagonal Gaussian q from a Gaussian p with this precision matrix.

    It is (Σ log precision_jj - log det precision) / 2, reached at p's mean and the variances
    1 / precision_jj.

    Raises
    ------
    ValueError
        If `precision` is not symmetric and positive definite.

    References
    ----------
    :cite:`bishop2006`, section 10.1.2 (the optimum).

    Examples
    --------
    >>> np.exp(2 * mean_field_gap(np.diag([2.0, 8.0]))).round(12)
    np.float64(1.0)
    >>> np.exp(2 * mean_field_gap(np.array([[2.0, 1.0], [1.0, 2.0]]))).round(12)   # 4 / 3
    np.float64(1.333333333333)
    """
    precision = _checks.reals("precision", precision, ndim=2)
    factor = _cholesky("precision", precision)
    return float(np.log(np.diag(precision)).sum() / 2 - np.log(np.diag(factor)).sum())


def _cholesky(name, matrix):
    if matrix.shape[0] != matrix.shape[1] or not np.allclose(matrix, matrix.T, rtol=1e-9):
        raise ValueError(f"{name} {matrix.shape} must be a symmetric matrix")
    try:
        return np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError as error:
        raise ValueError(f"{name} must be positive definite, but is not") from error


class Flow(NamedTuple):
    """One inverse autoregressive step; of the square matrices only what is below the diagonal.

    z_i = shift_i + Σ_{j<i} (linear_ij ε_j + square_ij ε_j²)
    + ε_i exp(log_scale_i + Σ_{j<i} gain_ij ε_j)
    """

    shift: Float[np.ndarray, " k"]
    log_scale: Float[np.ndarray, " k"]
    linear: Float[np.ndarray, "k k"]
    square: Float[np.ndarray, "k k"]
    gain: Float[np.ndarray, "k k"]


def flow(
    theta: Flow, noise: Float[np.ndarray, "n k"]
) -> tuple[Float[np.ndarray, "n k"], Float[np.ndarray, " n"]]:
    """Samples z of an inverse autoregressive step, and log |det ∂z/∂noise|, in one pass.

    Coordinate i uses only the noise before it. The Jacobian is therefore lower triangular, and the
    logarithm of its determinant is the sum of the log-scales.

    Parameters
    ----------
    theta : Flow
        Parameters. With `linear`, `square` and `gain` zero it is a diagonal Gaussian; with `square`
        and `gain` zero any Gaussian.
    noise : array (n, k)
        Standard normal draws.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    References
    ----------
    :cite:`kingma2016`.

    Examples
    --------
    >>> zero = np.zeros((2, 2))
    >>> bend = Flow(np.zeros(2), np.log([1.0, 0.5]), zero, np.array([[0, 0], [1.0, 0]]), zero)
    >>> z, log_det = flow(bend, np.array([[3.0, 4.0]]))
    >>> z, np.exp(log_det)
    (array([[ 3., 11.]]), array([0.5]))
    """
    noise = _checks.reals("noise", noise, ndim=2)
    shift, log_scale = _conditioned(theta, noise)
    return shift + np.exp(log_scale) * noise, log_scale.sum(axis=1)


def _conditioned(theta, noise):
    """Shift and log-scale of each coordinate, given the noise of those before it."""
    shift, log_scale = (_checks.reals("flow", part, ndim=1) for part in theta[:2])
    below = [np.tril(_checks.reals("flow", part, ndim=2), -1) for part in theta[2:]]
    k = len(shift)
    if noise.shape[1] != k or any(part.shape != (k, k) for part in below):
        raise ValueError(f"noise {noise.shape} with a flow in {k} dimensions: {k} columns needed")
    linear, square, gain = below
    return shift + noise @ linear.T + noise**2 @ square.T, log_scale + noise @ gain.T


def inverse_flow(theta: Flow, z: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n k"]:
    """The noise that `flow` takes to `z`: coordinate by coordinate, so k passes.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> zero = np.zeros((2, 2))
    >>> bend = Flow(np.zeros(2), np.log([1.0, 0.5]), zero, np.array([[0, 0], [1.0, 0]]), zero)
    >>> inverse_flow(bend, np.array([[3.0, 11.0]]))
    array([[3., 4.]])
    """
    z = _checks.reals("z", z, ndim=2)
    noise = np.zeros_like(z)
    for i in range(z.shape[1]):
        shift, log_scale = _conditioned(theta, noise)
        noise[:, i] = (z[:, i] - shift[:, i]) * np.exp(-log_scale[:, i])
    return noise


def flow_log_density(theta: Flow, z: Float[np.ndarray, "n k"]) -> Float[np.ndarray, " n"]:
    """log q(z) of given points: the normal density of their noise minus the log-determinant.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> zero = np.zeros((1, 1))
    >>> narrow = Flow(np.zeros(1), np.log([0.5]), zero, zero, zero)
    >>> density = np.exp(flow_log_density(narrow, np.zeros((1, 1))))
    >>> (density * np.sqrt(2 * np.pi)).round(12)
    array([2.])
    """
    noise = inverse_flow(theta, z)
    log_det = flow(theta, noise)[1]
    return -((noise**2).sum(axis=1) + noise.shape[1] * np.log(2 * np.pi)) / 2 - log_det


def gaussian_flow(mean: Float[np.ndarray, " k"], covariance: Float[np.ndarray, "k k"]) -> Flow:
    """The affine flow whose samples are N(mean, covariance): noise times the Cholesky factor.

    Raises
    ------
    ValueError
        If `covariance` is not symmetric and positive definite, or the sizes differ.

    Examples
    --------
    >>> exact = gaussian_flow(np.zeros(2), np.array([[4.0, 2.0], [2.0, 10.0]]))
    >>> flow(exact, np.array([[1.0, 1.0]]))[0].round(12)
    array([[2., 4.]])
    """
    mean = _checks.reals("mean", mean, ndim=1)
    factor = _cholesky("covariance", _checks.reals("covariance", covariance, ndim=2))
    if len(mean) != len(factor):
        raise ValueError(f"mean {mean.shape} with covariance {factor.shape}: sizes differ")
    zero = np.zeros_like(factor)
    return Flow(mean, np.log(np.diag(factor)), np.tril(factor, -1), zero, zero)
