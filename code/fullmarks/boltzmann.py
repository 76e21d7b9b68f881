"""Three-way Boltzmann machines and restricted ones: exact by enumeration, and by Gibbs sampling.

The functions stand in the order of the chapter ``book/boltzmann.md``. The three-way machine has
the energy E(x, y, z) = + Σ W[i, j, k] x[i] y[j] z[k], with the plus of paper B and without
biases, and P(x, y, z) = exp(-E) / Z. Units are 0 or 1, W has the shape (N, M, K), and a batch of
states has the shapes (n, N), (n, M), (n, K). A table of probabilities has the shape
(2^N, 2^M, 2^K), its axes in the order of `states`. All arithmetic is float64.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fullmarks import _checks
from fullmarks.mlp import sigmoid
from fullmarks.regularization import MOST_MASKED, masks

if TYPE_CHECKING:
    from jaxtyping import Float


def states(n: int) -> Float[np.ndarray, "m n"]:
    """All 2ⁿ states of n units, one per row, in the order of binary numbers.

    Raises
    ------
    ValueError
        If `n` is not a positive integer, or above 16.

    Examples
    --------
    >>> states(2)
    array([[0., 0.],
           [0., 1.],
           [1., 0.],
           [1., 1.]])
    """
    return masks(n)


def _weights(W):
    return _checks.reals("W", W, ndim=3)


def _units(name, values, count, axis):
    """`values` as an array (n, count) of zeros and ones; `axis` is where W has its `count`."""
    values = _checks.reals(name, values, ndim=2)
    if values.shape[1] != count:
        raise ValueError(
            f"{name} {values.shape} has {values.shape[1]} units, but W has {count} on axis {axis}"
        )
    wrong = (values != 0) & (values != 1)
    if wrong.any():
        raise ValueError(f"{name} must hold 0 and 1, but holds {values[wrong][0]}")
    return values


def _same_rows(**batches):
    (first, one), *others = batches.items()
    for name, other in others:
        if len(other) != len(one):
            raise ValueError(f"{first} has {len(one)} rows, but {name} has {len(other)}")


def _enumerable(units):
    if units > MOST_MASKED:
        raise ValueError(
            f"{units} units have 2**{units} states, but at most 2**{MOST_MASKED} are enumerated"
        )


def _products(a, b):
    """All products a[n, i] b[n, j] of each row n, as a matrix with a row for each."""
    return (a[:, :, None] * b[:, None, :]).reshape(len(a), -1)


def _softplus(a):
    return np.logaddexp(0.0, a)


def _draw(p, rng):
    return (rng.random(p.shape) < p).astype(np.float64)


# The machine: energy, probabilities, conditionals.


def energy(
    W: Float[np.ndarray, "N M K"],
    x: Float[np.ndarray, "n N"],
    y: Float[np.ndarray, "n M"],
    z: Float[np.ndarray, "n K"],
) -> Float[np.ndarray, " n"]:
    """Energy of each row, + Σ W[i, j, k] x[i] y[j] z[k]; zero if any of the three groups is off.

    Raises
    ------
    ValueError
        If the shapes do not fit, or a unit is neither 0 nor 1.

    References
    ----------
    :cite:`sejnowski1986` introduces energies with products of more than two units.

    Examples
    --------
    >>> W = np.array([[[2.0, 3.0]]])
    >>> x, y = np.ones((3, 1)), np.ones((3, 1))
    >>> energy(W, x, y, np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]))
    array([0., 2., 5.])
    """
    W = _weights(W)
    x, y, z = (_units(*one) for one in zip("xyz", (x, y, z), W.shape, range(3), strict=True))
    _same_rows(x=x, y=y, z=z)
    return np.einsum("ijk,ni,nj,nk->n", W, x, y, z)


def joint(W: Float[np.ndarray, "N M K"]) -> Float[np.ndarray, "X Y Z"]:
    """Table of all P(x, y, z), of the shape (2^N, 2^M, 2^K), by enumeration.

    Raises
    ------
    ValueError
        If the machine has more than 16 units.

    Examples
    --------
    The weight -log 3 makes the state 1, 1, 1 three times as probable as each of the seven others.

    >>> joint(np.log([[[1 / 3]]])).round(1).ravel()
    array([0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.3])
    """
    W = _weights(W)
    _enumerable(sum(W.shape))
    a, b, c = (states(size) for size in W.shape)
    E = np.einsum("ijk,ai,bj,ck->abc", W, a, b, c, optimize=True)
    P = np.exp(E.min() - E)
    return P / P.sum()


def x_given(
    W: Float[np.ndarray, "N M K"], y: Float[np.ndarray, "n M"], z: Float[np.ndarray, "n K"]
) -> Float[np.ndarray, "n N"]:
    """P(x[i] = 1 | y, z) = σ(-Σ W[i, j, k] y[j] z[k]) for each row and unit.

    Raises
    ------
    ValueError
        If the shapes do not fit, or a unit is neither 0 nor 1.

    Examples
    --------
    >>> W = np.log([[[1 / 3]]])
    >>> x_given(W, np.array([[1.0], [1.0]]), np.array([[1.0], [0.0]]))
    array([[0.75],
           [0.5 ]])
    """
    W = _weights(W)
    y, z = _units("y", y, W.shape[1], 1), _units("z", z, W.shape[2], 2)
    _same_rows(y=y, z=z)
    return _x_given(W, y, z)


def y_given(
    W: Float[np.ndarray, "N M K"], x: Float[np.ndarray, "n N"], z: Float[np.ndarray, "n K"]
) -> Float[np.ndarray, "n M"]:
    """P(y[j] = 1 | x, z) = σ(-Σ W[i, j, k] x[i] z[k]) for each row and unit.

    Raises
    ------
    ValueError
        If the shapes do not fit, or a unit is neither 0 nor 1.

    Examples
    --------
    >>> y_given(np.log([[[1 / 3], [1.0]]]), np.array([[1.0]]), np.array([[1.0]]))
    array([[0.75, 0.5 ]])
    """
    W = _weights(W)
    x, z = _units("x", x, W.shape[0], 0), _units("z", z, W.shape[2], 2)
    _same_rows(x=x, z=z)
    return _y_given(W, x, z)


def z_given(
    W: Float[np.ndarray, "N M K"], x: Float[np.ndarray, "n N"], y: Float[np.ndarray, "n M"]
) -> Float[np.ndarray, "n K"]:
    """P(z[k] = 1 | x, y) = σ(-Σ W[i, j, k] x[i] y[j]) for each row and unit.

    Raises
    ------
    ValueError
        If the shapes do not fit, or a unit is neither 0 nor 1.

    Examples
    --------
    >>> z_given(np.log([[[1 / 3, 3.0]]]), np.array([[1.0]]), np.array([[1.0]]))
    array([[0.75, 0.25]])
    """
    W = _weights(W)
    x, y = _units("x", x, W.shape[0], 0), _units("y", y, W.shape[1], 1)
    _same_rows(x=x, y=y)
    return _z_given(W, x, y)


# The same for arrays that were checked: Gibbs sampling asks for them thousands of times.


def _x_given(W, y, z):
    return sigmoid(-_products(y, z) @ W.reshape(len(W), -1).T)


def _y_given(W, x, z):
    return sigmoid(-_products(x, z) @ W.swapaxes(1, 2).reshape(-1, W.shape[1]))


def _z_given(W, x, y):
    return sigmoid(-_products(x, y) @ W.reshape(-1, W.shape[2]))


# Block Gibbs sampling, with draws and with whole tables.


def latent_sweep(
    W: Float[np.ndarray, "N M K"],
    x: Float[np.ndarray, "n N"],
    z: Float[np.ndarray, "n K"],
    rng: np.random.Generator,
) -> tuple[Float[np.ndarray, "n M"], Float[np.ndarray, "n K"]]:
    """New latents with x held fixed: all of y given x and z, then all of z given x and the new y.

    Raises
    ------
    ValueError
        If the shapes do not fit, or a unit is neither 0 nor 1.

    Examples
    --------
    >>> W, rng = np.full((1, 1, 1), -50.0), np.random.default_rng(0)
    >>> latent_sweep(W, np.ones((1, 1)), np.ones((1, 1)), rng)
    (array([[1.]]), array([[1.]]))
    """
    W = _weights(W)
    x, z = _units("x", x, W.shape[0], 0), _units("z", z, W.shape[2], 2)
    _same_rows(x=x, z=z)
    return _latents(W, x, z, rng)


def _latents(W, x, z, rng):
    y = _draw(_y_given(W, x, z), rng)
    return y, _draw(_z_given(W, x, y), rng)


def sweep(
    W: Float[np.ndarray, "N M K"],
    y: Float[np.ndarray, "n M"],
    z: Float[np.ndarray, "n K"],
    rng: np.random.Generator,
) -> tuple[Float[np.ndarray, "n N"], Float[np.ndarray, "n M"], Float[np.ndarray, "n K"]]:
    """One sweep over the three blocks: x given y, z; then y given x, z; then z given x, y.

    Raises
    ------
    ValueError
        If the shapes do not fit, or a unit is neither 0 nor 1.

    References
    ----------
    :cite:`geman1984`.

    Examples
    --------
    >>> W, rng = np.full((1, 1, 1), -50.0), np.random.default_rng(0)
    >>> sweep(W, np.ones((1, 1)), np.ones((1, 1)), rng)
    (array([[1.]]), array([[1.]]), array([[1.]]))
    """
    W = _weights(W)
    y, z = _units("y", y, W.shape[1], 1), _units("z", z, W.shape[2], 2)
    _same_rows(y=y, z=z)
    return _sweep(W, y, z, rng)


def _sweep(W, y, z, rng):
    x = _draw(_x_given(W, y, z), rng)
    return x, *_latents(W, x, z, rng)


def after_updates(
    W: Float[np.ndarray, "N M K"], p: Float[np.ndarray, "X Y Z"], blocks: str
) -> Float[np.ndarray, "X Y Z"]:
    """Exact distribution after a list of block updates, from the distribution `p` before them.

    Parameters
    ----------
    W : array (N, M, K)
        Weights.
    p : array (2^N, 2^M, 2^K)
        Probabilities of the states at the start.
    blocks : str
        The blocks in the order of their updates, such as ``"xyz" * 5``; empty for none.

    Raises
    ------
    ValueError
        If the shape of `p` does not fit, or `blocks` holds another letter than x, y, z.

    Examples
    --------
    From the state 0, 0, 0 of the machine with weight -log 3, one update of each latent:

    >>> start = np.zeros((2, 2, 2))
    >>> start[1, 0, 1] = 1.0
    >>> after_updates(np.log([[[1 / 3]]]), start, "y")[1, :, 1]
    array([0.25, 0.75])
    """
    P, p = joint(W), _checks.reals("p", p, ndim=3)
    if p.shape != P.shape:
        raise ValueError(f"p {p.shape} must have the shape {P.shape} of all states of W {W.shape}")
    unknown = set(blocks) - set("xyz")
    if unknown:
        raise ValueError(f"blocks must hold the letters x, y and z, but holds {min(unknown)!r}")
    conditionals = [P / P.sum(axis=axis, keepdims=True) for axis in range(3)]
    for block in blocks:
        axis = "xyz".index(block)
        p = conditionals[axis] * p.sum(axis=axis, keepdims=True)
    return p


def after_parallel_updates(
    W: Float[np.ndarray, "N M K"], p: Float[np.ndarray, "X Y Z"], sweeps: int
) -> Float[np.ndarray, "X Y Z"]:
    """Exact distribution if all three blocks are drawn from the *old* state, which is a mistake.

    Raises
    ------
    ValueError
        If the shape of `p` does not fit.

    Examples
    --------
    From 1, 1, 1 each unit stays on with probability 3/4.

    >>> start = np.zeros((2, 2, 2))
    >>> start[1, 1, 1] = 1.0
    >>> float(after_parallel_updates(np.log([[[1 / 3]]]), start, 1)[1, 1, 1].round(6))
    0.421875
    """
    P, p = joint(W), _checks.reals("p", p, ndim=3)
    if p.shape != P.shape:
        raise ValueError(f"p {p.shape} must have the shape {P.shape} of all states of W {W.shape}")
    a, b, c = (P / P.sum(axis=axis, keepdims=True) for axis in range(3))
    for _ in range(sweeps):
        p = np.einsum("Xyz,xYz,xyZ,xyz->XYZ", a, b, c, p, optimize=True)
    return p


def total_variation(p: Float[np.ndarray, "*shape"], q: Float[np.ndarray, "*shape"]) -> float:
    """Largest difference that two distributions can give to an event, Σ |p - q| / 2.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> total_variation(np.array([0.5, 0.5, 0.0]), np.array([0.25, 0.5, 0.25]))
    0.25
    """
    p, q = _checks.reals("p", p), _checks.reals("q", q)
    if p.shape != q.shape:
        raise ValueError(f"p {p.shape} and q {q.shape} must have the same shape")
    return float(abs(p - q).sum() / 2)


# The marginal of x.


def couplings(
    W: Float[np.ndarray, "N M K"], x: Float[np.ndarray, "n N"]
) -> Float[np.ndarray, "n M K"]:
    """Couplings of y and z that x switches on, A[j, k] = Σ W[i, j, k] x[i], a matrix per row.

    Raises
    ------
    ValueError
        If the shapes do not fit, or a unit is neither 0 nor 1.

    Examples
    --------
    >>> W = np.array([[[1.0, 2.0]], [[10.0, 20.0]]])
    >>> couplings(W, np.array([[0.0, 0.0], [1.0, 1.0]]))
    array([[[ 0.,  0.]],
    <BLANKLINE>
           [[11., 22.]]])
    """
    W = _weights(W)
    return np.einsum("ijk,ni->njk", W, _units("x", x, W.shape[0], 0))


def log_marginal(
    W: Float[np.ndarray, "N M K"], x: Float[np.ndarray, "n N"]
) -> Float[np.ndarray, " n"]:
    """log Σ exp(-E) over all latents, which is log P(x) + log Z, for each row.

    The larger group of latents is summed out in closed form, the smaller one is enumerated.

    Raises
    ------
    ValueError
        If the shapes do not fit, a unit is neither 0 nor 1, or min(M, K) is above 16.

    Examples
    --------
    With x = 0 all four states of the latents count 1; with x = 1 one of them counts 3.

    >>> np.exp(log_marginal(np.log([[[1 / 3]]]), np.array([[0.0], [1.0]]))).round(3)
    array([4., 6.])
    """
    _, inner = _smaller_group(couplings(W, x))
    return np.logaddexp.reduce(_softplus(inner).sum(axis=-1), axis=1)


def _smaller_group(A):
    """States S (s, m) of the smaller group, and -S A (n, s, l), the fields on the larger one."""
    if A.shape[1] > A.shape[2]:
        A = A.transpose(0, 2, 1)
    S = states(A.shape[1])
    return S, -np.einsum("sm,nml->nsl", S, A)


def marginal_terms(M: int, K: int) -> int:
    """Number of terms log(1 + exp(·)) that `log_marginal` takes for one x: 2^min(M, K) max(M, K).

    In an RBM it is M + K.

    Raises
    ------
    ValueError
        If `M` or `K` is not a positive integer.

    Examples
    --------
    >>> marginal_terms(10, 10), marginal_terms(10, 2)
    (10240, 40)
    """
    _checks.sizes(M=M, K=K)
    return 2 ** min(M, K) * max(M, K)


def path_log_marginal(a: Float[np.ndarray, " l"]) -> float:
    """log Σ exp(-Σ a[t] h[t] h[t+1]) over the units h of a path, at a cost linear in its length.

    This is `log_marginal` if the couplings that are not zero join the latents to a path, such as
    y₁ - z₁ - y₂ - z₂. The units are summed out one after the other, from one end.

    Parameters
    ----------
    a : array (l,)
        Couplings of neighbours; the path has l + 1 units.

    Raises
    ------
    ValueError
        If `a` is not a list of finite numbers.

    Examples
    --------
    Couplings that forbid two neighbours to be on together leave 8 of the 16 states of 4 units.

    >>> round(float(np.exp(path_log_marginal(np.full(3, 1000.0)))), 6)
    8.0
    """
    a = _checks.reals("a", a, ndim=1)
    off = on = 0.0
    for coupling in a:
        off, on = np.logaddexp(off, on), np.logaddexp(off, on - coupling)
    return float(np.logaddexp(off, on))


def log_partition(W: Float[np.ndarray, "N M K"]) -> float:
    """log Z, by enumeration of x and of the smaller group of latents.

    Raises
    ------
    ValueError
        If that takes more than 16 units.

    Examples
    --------
    >>> round(float(np.exp(log_partition(np.log([[[1 / 3]]])))), 6)
    10.0
    """
    W = _weights(W)
    _enumerable(W.shape[0] + min(W.shape[1:]))
    return float(np.logaddexp.reduce(log_marginal(W, states(W.shape[0]))))


def log_likelihood(
    W: Float[np.ndarray, "N M K"],
    x: Float[np.ndarray, "n N"],
    weights: Float[np.ndarray, " n"] | None = None,
) -> float:
    """Mean of log P(x) over the rows, in nats, weighted if `weights` are given.

    Raises
    ------
    ValueError
        If the shapes do not fit, or the enumeration takes more than 16 units.

    Examples
    --------
    >>> W = np.log([[[1 / 3]]])
    >>> round(float(np.exp(log_likelihood(W, np.array([[1.0]])))), 6)
    0.6
    """
    free = log_marginal(W, x)
    return float(_row_weights(weights, len(free)) @ free - log_partition(W))


def _row_weights(weights, rows):
    if weights is None:
        return np.full(rows, 1 / rows)
    weights = _checks.probabilities("weights", weights)
    if weights.shape != (rows,):
        raise ValueError(f"weights {weights.shape} must hold one number for each of {rows} rows")
    if abs(weights.sum() - 1) > 1e-9:
        raise ValueError(f"weights must add up to 1, but add up to {weights.sum():g}")
    return weights


# The gradient, exact and by contrastive divergence.


def pair_means(
    W: Float[np.ndarray, "N M K"], x: Float[np.ndarray, "n N"]
) -> Float[np.ndarray, "n M K"]:
    """Exact E[y[j] z[k] | x] for each row, with 2^min(M, K) terms.

    Raises
    ------
    ValueError
        If the shapes do not fit, a unit is neither 0 nor 1, or min(M, K) is above 16.

    Examples
    --------
    >>> pair_means(np.log([[[1 / 3]]]), np.array([[0.0], [1.0]])).round(3).ravel()
    array([0.25, 0.5 ])
    """
    A = couplings(W, x)
    S, inner = _smaller_group(A)
    log_p = _softplus(inner).sum(axis=-1)
    p = np.exp(log_p - np.logaddexp.reduce(log_p, axis=1, keepdims=True))
    means = np.swapaxes(p[:, :, None] * S, 1, 2) @ sigmoid(inner)
    return means if A.shape[1] <= A.shape[2] else means.transpose(0, 2, 1)


def moments(p: Float[np.ndarray, "X Y Z"]) -> Float[np.ndarray, "N M K"]:
    """E[x[i] y[j] z[k]] under a table of probabilities of the shape (2^N, 2^M, 2^K).

    Raises
    ------
    ValueError
        If an axis of `p` is not a power of two, 2 or more.

    Examples
    --------
    >>> moments(joint(np.log([[[1 / 3]]]))).round(3)
    array([[[0.3]]])
    """
    p = _checks.reals("p", p, ndim=3)
    units = [size.bit_length() - 1 for size in p.shape]
    if any(2**n != size or n < 1 for n, size in zip(units, p.shape, strict=True)):
        raise ValueError(f"p {p.shape} must have axes of 2, 4, 8, … states")
    return np.einsum("abc,ai,bj,ck->ijk", p, *map(states, units), optimize=True)


def likelihood_gradient(
    W: Float[np.ndarray, "N M K"],
    x: Float[np.ndarray, "n N"],
    weights: Float[np.ndarray, " n"] | None = None,
) -> Float[np.ndarray, "N M K"]:
    """Gradient in W of the mean log P(x): *minus* E[xyz] with x from the data, plus E[xyz].

    Raises
    ------
    ValueError
        If the shapes do not fit, or the enumeration takes more than 16 units.

    Examples
    --------
    P(yz = 1 | x = 1) is 1/2 and P(xyz = 1) is 3/10.

    >>> likelihood_gradient(np.log([[[1 / 3]]]), np.array([[1.0]])).round(3)
    array([[[-0.2]]])
    """
    W, every = _weights(W), states(np.shape(W)[0])
    x = _units("x", x, W.shape[0], 0)
    weights = _row_weights(weights, len(x))
    model = np.exp(log_marginal(W, every) - log_partition(W))

    def triples(x, weights):
        pairs = pair_means(W, x).reshape(len(x), -1)
        return ((weights[:, None] * x).T @ pairs).reshape(W.shape)

    return triples(every, model) - triples(x, weights)


class Estimate(NamedTuple):
    """A gradient (N, M, K), the latents z of the clamped chains, and the state of the free ones."""

    gradient: np.ndarray
    z: np.ndarray
    free: tuple[np.ndarray, np.ndarray, np.ndarray]


def contrastive_divergence(
    W: Float[np.ndarray, "N M K"],
    x: Float[np.ndarray, "n N"],
    rng: np.random.Generator,
    positive: int = 1,
    negative: int = 1,
    z: Float[np.ndarray, "n K"] | None = None,
    free: tuple[Float[np.ndarray, "f M"], Float[np.ndarray, "f K"]] | None = None,
) -> Estimate:
    """Estimate of `likelihood_gradient` from Gibbs sampling in both phases.

    Parameters
    ----------
    W : array (N, M, K)
        Weights.
    x : array (n, N)
        Observations, one chain each.
    rng : Generator
        Source of the draws.
    positive, negative : int
        Sweeps over y and z with x held fixed; sweeps over x, y and z after that.
    z : array (n, K), optional
        Where the clamped chains start; coin flips if absent.
    free : tuple of arrays (f, M) and (f, K), optional
        Latents y and z where the free chains start; without them they start where the clamped
        ones end.

    Returns
    -------
    Estimate
        Its ``free`` is the end (x, y, z) of the free chains; keep ``free[1:]`` for persistent ones.

    Raises
    ------
    ValueError
        If the shapes do not fit, a unit is neither 0 nor 1, or a number of sweeps is not positive.

    References
    ----------
    :cite:`hinton2002`, for models whose positive phase is exact; :cite:`tieleman2008` for chains
    that persist.

    Examples
    --------
    >>> W, rng = np.full((1, 1, 1), -50.0), np.random.default_rng(0)
    >>> one = np.ones((1, 1))
    >>> contrastive_divergence(W, one, rng, z=one).gradient
    array([[[0.]]])
    """
    W = _weights(W)
    x = _units("x", x, W.shape[0], 0)
    _checks.sizes(positive=positive, negative=negative)
    if z is None:
        z = _draw(np.full((len(x), W.shape[2]), 0.5), rng)
    z = _units("z", z, W.shape[2], 2)
    _same_rows(x=x, z=z)
    if free is not None:
        free = _units("y", free[0], W.shape[1], 1), _units("z", free[1], W.shape[2], 2)
        _same_rows(y=free[0], z=free[1])
    for _ in range(positive):
        y, z = _latents(W, x, z, rng)
    data = _mean_products(x, y, z)
    b, c = (y, z) if free is None else free
    for _ in range(negative):
        a, b, c = _sweep(W, b, c, rng)
    return Estimate(_mean_products(a, b, c) - data, z, (a, b, c))


def _mean_products(x, y, z):
    shape = x.shape[1], y.shape[1], z.shape[1]
    return (x.T @ _products(y, z)).reshape(shape) / len(x)


def expected_contrastive_divergence(
    W: Float[np.ndarray, "N M K"],
    data: Float[np.ndarray, " X"],
    positive: int | None = 1,
    negative: int = 1,
) -> Float[np.ndarray, "N M K"]:
    """Exact mean of `contrastive_divergence` over its draws, the chains starting from coin flips.

    Parameters
    ----------
    W : array (N, M, K)
        Weights.
    data : array (2^N,)
        Probability of each x, in the order of `states`.
    positive : int or None
        Sweeps of the clamped phase; None for the exact conditional of the latents.
    negative : int
        Sweeps of the free phase.

    Raises
    ------
    ValueError
        If the shapes do not fit, or the machine has more than 16 units.

    Examples
    --------
    With the latents drawn exactly, E[xyz] goes from 1/2 to 41/128 in one free sweep.

    >>> W, data = np.log([[[1 / 3]]]), np.array([0.0, 1.0])
    >>> (128 * expected_contrastive_divergence(W, data, positive=None)).round(9)
    array([[[-23.]]])
    """
    P = joint(W)
    data = _row_weights(data, len(P))
    if positive is None:
        p = P * (data / P.sum(axis=(1, 2)))[:, None, None]
    else:
        coins = np.ones_like(P[0]) / P[0].size
        p = after_updates(W, data[:, None, None] * coins, "yz" * positive)
    return moments(after_updates(W, p, "xyz" * negative)) - moments(p)


# The restricted Boltzmann machine, for comparison.


class RBM(NamedTuple):
    """Restricted Boltzmann machine with the usual energy -vᵀWh - bᵀv - cᵀh.

    Attributes
    ----------
    W : array (N, H)
        Weights.
    b : array (N,)
        Biases of the visible units.
    c : array (H,)
        Biases of the hidden units.
    """

    W: np.ndarray
    b: np.ndarray
    c: np.ndarray


def _rbm(machine):
    W = _checks.reals("W", machine.W, ndim=2)
    b, c = _checks.reals("b", machine.b, ndim=1), _checks.reals("c", machine.c, ndim=1)
    if W.shape != (len(b), len(c)):
        raise ValueError(f"W {W.shape} must have a row for each of {len(b)} entries of b "
                         f"and a column for each of {len(c)} entries of c")
    return W, b, c


def rbm_hidden(machine: RBM, v: Float[np.ndarray, "n N"]) -> Float[np.ndarray, "n H"]:
    """P(h[j] = 1 | v) = σ(c[j] + Σ v[i] W[i, j]) for each row and hidden unit.

    Raises
    ------
    ValueError
        If the shapes do not fit, or a unit is neither 0 nor 1.

    Examples
    --------
    >>> rbm_hidden(RBM(np.log([[3.0]]), np.zeros(1), np.zeros(1)), np.array([[0.0], [1.0]]))
    array([[0.5 ],
           [0.75]])
    """
    W, _, c = _rbm(machine)
    return sigmoid(_units("v", v, len(W), 0) @ W + c)


def rbm_visible(machine: RBM, h: Float[np.ndarray, "n H"]) -> Float[np.ndarray, "n N"]:
    """P(v[i] = 1 | h) = σ(b[i] + Σ W[i, j] h[j]) for each row and visible unit.

    Raises
    ------
    ValueError
        If the shapes do not fit, or a unit is neither 0 nor 1.

    Examples
    --------
    >>> rbm_visible(RBM(np.log([[3.0]]), np.zeros(1), np.zeros(1)), np.array([[1.0]]))
    array([[0.75]])
    """
    W, b, _ = _rbm(machine)
    return sigmoid(_units("h", h, W.shape[1], 1) @ W.T + b)


def rbm_free_energy(machine: RBM, v: Float[np.ndarray, "n N"]) -> Float[np.ndarray, " n"]:
    """F(v) = -bᵀv - Σ log(1 + exp(c[j] + Σ v[i] W[i, j])), so that P(v) = exp(-F(v)) / Z.

    Raises
    ------
    ValueError
        If the shapes do not fit, or a unit is neither 0 nor 1.

    Examples
    --------
    >>> machine = RBM(np.log([[3.0]]), np.zeros(1), np.zeros(1))
    >>> np.exp(-rbm_free_energy(machine, np.array([[0.0], [1.0]]))).round(3)
    array([2., 4.])
    """
    W, b, c = _rbm(machine)
    v = _units("v", v, len(W), 0)
    return -v @ b - _softplus(v @ W + c).sum(axis=1)


def rbm_log_partition(machine: RBM) -> float:
    """log Z, by enumeration of the smaller of the two layers.

    Raises
    ------
    ValueError
        If the smaller layer has more than 16 units.

    Examples
    --------
    >>> machine = RBM(np.log([[3.0]]), np.zeros(1), np.zeros(1))
    >>> round(float(np.exp(rbm_log_partition(machine))), 6)
    6.0
    """
    W, b, c = _rbm(machine)
    if W.shape[0] > W.shape[1]:
        machine = RBM(W.T, c, b)
    return float(np.logaddexp.reduce(-rbm_free_energy(machine, states(min(W.shape)))))


def rbm_gradient(machine: RBM, v: Float[np.ndarray, "n N"]) -> RBM:
    """Gradient of the mean log P(v) in W, b and c, exact: data minus model.

    Raises
    ------
    ValueError
        If the shapes do not fit, or there are more than 16 visible units.

    Examples
    --------
    >>> machine = RBM(np.log([[3.0]]), np.zeros(1), np.zeros(1))
    >>> rbm_gradient(machine, np.array([[1.0]])).W
    array([[0.25]])
    """
    v = _units("v", v, len(_rbm(machine)[0]), 0)
    every = states(v.shape[1])
    model = np.exp(-rbm_free_energy(machine, every) - rbm_log_partition(machine))
    data = _rbm_means(machine, v, np.full(len(v), 1 / len(v)))
    return RBM(*(d - m for d, m in zip(data, _rbm_means(machine, every, model), strict=True)))


def _rbm_means(machine, v, weights):
    h = rbm_hidden(machine, v)
    return (weights[:, None] * v).T @ h, weights @ v, weights @ h


def rbm_contrastive_divergence(
    machine: RBM, v: Float[np.ndarray, "n N"], rng: np.random.Generator, sweeps: int = 1
) -> RBM:
    """Estimate of `rbm_gradient`: exact positive phase, `sweeps` Gibbs sweeps from the data.

    Raises
    ------
    ValueError
        If the shapes do not fit, a unit is neither 0 nor 1, or `sweeps` is not positive.

    References
    ----------
    :cite:`hinton2002`.

    Examples
    --------
    >>> machine = RBM(np.full((1, 1), 80.0), np.zeros(1), np.zeros(1))
    >>> rbm_contrastive_divergence(machine, np.ones((2, 1)), np.random.default_rng(0)).W
    array([[0.]])
    """
    _checks.sizes(sweeps=sweeps)
    data = _checks.reals("v", v, ndim=2)
    for _ in range(sweeps):
        v = _draw(rbm_visible(machine, _draw(rbm_hidden(machine, v), rng)), rng)
    rows = np.full(len(data), 1 / len(data))
    pairs = zip(_rbm_means(machine, data, rows), _rbm_means(machine, v, rows), strict=True)
    return RBM(*(d - m for d, m in pairs))
