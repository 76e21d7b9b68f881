"""Generative adversarial networks: the game, its losses, a linear critic, packed samples.

The functions stand in the order of the chapter ``book/adversarial.md``. A distribution over K
values is an array of K probabilities. `gap` is the mean of the data minus the mean of the
generated samples. All arithmetic is float64, all losses are in nats.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fullmarks import _checks

if TYPE_CHECKING:
    from jaxtyping import Float

    Reals = Float[np.ndarray, "*shape"] | float


# The game.


def best_discriminator(p: Float[np.ndarray, " K"], g: Float[np.ndarray, " K"]) -> np.ndarray:
    """Discriminator p / (p + g) that is best at each of K values on its own.

    Parameters
    ----------
    p, g : array (K,)
        Probabilities of the data and of the generated samples. Where both are 0 the output does
        not matter; it is 1/2 there.

    Raises
    ------
    ValueError
        If one is no distribution, or the lengths differ.

    References
    ----------
    :cite:`goodfellow2014`, proposition 1.

    Examples
    --------
    >>> best_discriminator(np.array([0.5, 0.5, 0.0]), np.array([0.5, 0.0, 0.5]))
    array([0.5, 1. , 0. ])
    """
    p, g = _pair(p, g)
    total = p + g
    return np.divide(p, total, out=np.full_like(p, 0.5), where=total > 0)


def game_value(
    D: Float[np.ndarray, " K"], p: Float[np.ndarray, " K"], g: Float[np.ndarray, " K"]
) -> float:
    """Value V = Σ p log D + Σ g log(1-D) of the game, with 0 log 0 = 0.

    Raises
    ------
    ValueError
        If `D` leaves [0, 1], `p` or `g` is no distribution, or the lengths differ.

    Examples
    --------
    Nothing is lost where the discriminator is sure and right.

    >>> p, g = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    >>> game_value(np.array([1.0, 0.0]), p, g)
    0.0
    >>> round(game_value(np.array([0.5, 0.5]), p, g), 3)
    -1.386
    """
    p, g = _pair(p, g)
    D = _checks.probabilities("D", D)
    _same_length("D", D, "p", p)
    return float((_times_log(p, D) + _times_log(g, 1 - D)).sum())


def jensen_shannon(p: Float[np.ndarray, " K"], g: Float[np.ndarray, " K"]) -> float:
    """Jensen-Shannon divergence in nats, half of KL(p ‖ m) + KL(g ‖ m) with m = (p + g) / 2.

    Raises
    ------
    ValueError
        If one is no distribution, or the lengths differ.

    Examples
    --------
    It is 0 for equal distributions, and log 2 for any two that share no value.

    >>> jensen_shannon(np.array([0.25, 0.75]), np.array([0.25, 0.75]))
    0.0
    >>> round(jensen_shannon(np.array([1.0, 0.0]), np.array([0.0, 1.0])), 3)
    0.693
    """
    p, g = _pair(p, g)
    m = (p + g) / 2
    total = _times_log(p, p) - _times_log(p, m) + _times_log(g, g) - _times_log(g, m)
    return float(total.sum() / 2)


def play(
    x: float, y: float, rate: float, steps: int, alternating: bool = False
) -> Float[np.ndarray, "places 2"]:
    """Gradient steps of the game min over x, max over y of x y.

    Parameters
    ----------
    x, y : float
        Where the players start.
    rate : float
        Learning rate of both.
    steps : int
        Number of steps.
    alternating : bool
        Whether the second player sees the new x; otherwise both move at once.

    Returns
    -------
    array (steps+1, 2)
        The places (x, y), the start first.

    Raises
    ------
    ValueError
        If a number is not finite, or `steps` is not positive.

    Examples
    --------
    Both at once: each step of rate 1 doubles x² + y².

    >>> play(1.0, 0.0, rate=1.0, steps=2)
    array([[1., 0.],
           [1., 1.],
           [0., 2.]])

    One after the other, they return to where they were.

    >>> play(1.0, 0.0, rate=1.0, steps=6, alternating=True)[-1]
    array([1., 0.])
    """
    _checks.sizes(steps=steps)
    x, y, rate = (
        float(_checks.reals(name, v, 0)) for name, v in (("x", x), ("y", y), ("rate", rate))
    )
    places = [(x, y)]
    for _ in range(steps):
        new = x - rate * y
        y = y + rate * (new if alternating else x)
        x = new
        places.append((x, y))
    return np.array(places)


# The generator's loss, in the logit a that the discriminator gives to a generated sample.


def saturating_loss(a: Reals) -> Reals:
    """Generator's loss log(1 - σ(a)) of the minimax game.

    Raises
    ------
    ValueError
        If `a` is empty or not finite.

    Examples
    --------
    >>> saturating_loss(np.array([-1000.0, 1000.0]))
    array([    0., -1000.])
    """
    return 0.0 - np.logaddexp(0.0, _checks.reals("a", a))


def saturating_gradient(a: Reals) -> Reals:
    """Derivative of `saturating_loss` in the logit, -σ(a).

    Examples
    --------
    >>> saturating_gradient(np.array([0.0, 1000.0]))
    array([-0.5, -1. ])
    """
    return -np.exp(-np.logaddexp(0.0, -_checks.reals("a", a)))


def non_saturating_loss(a: Reals) -> Reals:
    """Generator's loss -log σ(a): the label of its samples turned round.

    Raises
    ------
    ValueError
        If `a` is empty or not finite.

    Examples
    --------
    >>> non_saturating_loss(np.array([-1000.0, 1000.0]))
    array([1000.,    0.])
    """
    return np.logaddexp(0.0, -_checks.reals("a", a))


def non_saturating_gradient(a: Reals) -> Reals:
    """Derivative of `non_saturating_loss` in the logit, -(1 - σ(a)).

    Examples
    --------
    >>> non_saturating_gradient(np.array([-1000.0, 0.0]))
    array([-1. , -0.5])
    """
    return saturating_gradient(-_checks.reals("a", a))


class EscapeTimes(NamedTuple):
    """Time until a logit that follows minus the gradient reaches 0, for either loss."""

    saturating: Reals
    non_saturating: Reals


def escape_times(a: Reals) -> EscapeTimes:
    """Time from the logit `a` ≤ 0 to 0 along da/dt = -dJ/da, for both losses of the generator.

    Parameters
    ----------
    a : float or array of any shape
        Where the logit starts.

    Raises
    ------
    ValueError
        If `a` is empty, not finite, or positive.

    Examples
    --------
    From the output 1/2 no time is needed, from the output 1/3 log 2 + 1 and log 2 + 1/2.

    >>> times = escape_times(np.array([0.0, -np.log(2)]))
    >>> times.saturating.round(3), times.non_saturating.round(3)
    (array([0.   , 1.693]), array([0.   , 1.193]))
    """
    a = _checks.reals("a", a)
    if (a > 0).any():
        raise ValueError(f"a must not be positive, but holds {a[a > 0].flat[0]}")
    up = 0.0 - a
    return EscapeTimes(up + np.expm1(up), up - np.expm1(a))


# A linear critic w·x + b with gradient penalty.


def critic_loss(w: Float[np.ndarray, " d"], gap: Float[np.ndarray, " d"], penalty: float) -> float:
    """WGAN-GP loss of a linear critic, -w·gap + λ (‖w‖ - 1)².

    Parameters
    ----------
    w : array (d,)
        Weights. The offset of the critic cancels.
    gap : array (d,)
        Mean of the data minus mean of the generated samples.
    penalty : float
        Weight λ > 0 of the gradient penalty.

    Raises
    ------
    ValueError
        If the lengths differ, a number is not finite, or `penalty` is not positive.

    References
    ----------
    :cite:`gulrajani2017`, equation 3, with a linear critic put in.

    Examples
    --------
    >>> critic_loss(np.array([3.0, 4.0]), np.array([1.0, 0.0]), 0.5)
    5.0
    """
    w, gap, penalty = _critic(w, gap, penalty)
    return float(-w @ gap + penalty * (np.linalg.norm(w) - 1) ** 2)


def critic_gradient(
    w: Float[np.ndarray, " d"], gap: Float[np.ndarray, " d"], penalty: float
) -> Float[np.ndarray, " d"]:
    """Gradient of `critic_loss` in w, -gap + 2 λ (1 - 1/‖w‖) w.

    Raises
    ------
    ValueError
        As for `critic_loss`, or if w = 0, where there is no gradient.

    Examples
    --------
    >>> critic_gradient(np.array([3.0, 4.0]), np.array([1.0, 0.0]), 0.5)
    array([1.4, 3.2])
    >>> critic_gradient(np.array([0.0, 0.0]), np.array([1.0, 0.0]), 0.5)
    Traceback (most recent call last):
    ValueError: the loss has no gradient at w = 0: w must not be zero
    """
    w, gap, penalty = _critic(w, gap, penalty)
    norm = np.linalg.norm(w)
    if norm == 0:
        raise ValueError("the loss has no gradient at w = 0: w must not be zero")
    return -gap + 2 * penalty * (1 - 1 / norm) * w


def best_critic(gap: Float[np.ndarray, " d"], penalty: float) -> Float[np.ndarray, " d"]:
    """Weights that minimise `critic_loss`, (1 + ‖gap‖ / (2λ)) gap / ‖gap‖.

    Raises
    ------
    ValueError
        If a number is not finite, `penalty` is not positive, or gap = 0: then every w with
        ‖w‖ = 1 is a minimum.

    Examples
    --------
    >>> best_critic(np.array([3.0, 4.0]), 2.5)
    array([1.2, 1.6])
    """
    _, gap, penalty = _critic(gap, gap, penalty)
    norm = np.linalg.norm(gap)
    if norm == 0:
        raise ValueError("gap is zero: every w of norm 1 is best, and no one more than another")
    return (1 / norm + 1 / (2 * penalty)) * gap


def wasserstein(x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"]) -> float:
    """Wasserstein-1 distance of two samples of n numbers: mean distance of the sorted values.

    Raises
    ------
    ValueError
        If a number is not finite, or the lengths differ.

    Examples
    --------
    >>> wasserstein(np.array([0.0, 4.0]), np.array([3.0, 1.0]))
    1.0
    """
    x, y = _checks.reals("x", x, 1), _checks.reals("y", y, 1)
    _same_length("x", x, "y", y)
    return float(abs(np.sort(x) - np.sort(y)).mean())


# Packed samples.


def packed(p: Float[np.ndarray, " K"], m: int) -> Float[np.ndarray, " Km"]:
    """Distribution of m independent values of p: the K^m probabilities of all tuples.

    Raises
    ------
    ValueError
        If `p` is no distribution, or `m` is not positive.

    Examples
    --------
    >>> packed(np.array([0.75, 0.25]), 2)
    array([0.5625, 0.1875, 0.1875, 0.0625])
    """
    _checks.sizes(m=m)
    return reduce(np.kron, [_distribution("p", p)] * m)


def total_variation(p: Float[np.ndarray, " K"], q: Float[np.ndarray, " K"]) -> float:
    """Total variation distance, half of Σ |p - q|.

    Raises
    ------
    ValueError
        If one is no distribution, or the lengths differ.

    Examples
    --------
    >>> total_variation(np.array([0.5, 0.5]), np.array([0.75, 0.25]))
    0.25
    """
    p, q = _pair(p, q, "q")
    return float(abs(p - q).sum() / 2)


def packed_total_variation(
    p: Float[np.ndarray, " K"], q: Float[np.ndarray, " K"], m: int
) -> float:
    """Total variation distance of m packed samples of p from m packed samples of q.

    Raises
    ------
    ValueError
        If one is no distribution, the lengths differ, or `m` is not positive.

    References
    ----------
    :cite:`lin2018`.

    Examples
    --------
    A quarter of the data is never generated; of two samples, 7 in 16 pairs show it.

    >>> packed_total_variation(np.array([0.75, 0.25]), np.array([1.0, 0.0]), 2)
    0.4375
    """
    p, q = _pair(p, q, "q")
    return total_variation(packed(p, m), packed(q, m))


def _times_log(p, v):
    """p log v, and 0 where p is 0."""
    with np.errstate(divide="ignore"):
        return np.where(p > 0, p, 0.0) * np.log(np.where(p > 0, v, 1.0))


def _distribution(name, p):
    p = _checks.probabilities(name, p)
    if p.ndim != 1 or abs(p.sum() - 1) > 1e-9:
        raise ValueError(f"{name} {p.shape} must be a row of probabilities that add up to 1, "
                         f"but they add up to {p.sum():g}")  # fmt: skip
    return p


def _pair(p, q, name="g"):
    p, q = _distribution("p", p), _distribution(name, q)
    _same_length("p", p, name, q)
    return p, q


def _same_length(name, array, other_name, other):
    if array.shape != other.shape:
        raise ValueError(
            f"{name} {array.shape} and {other_name} {other.shape} must have the same length"
        )


def _critic(w, gap, penalty):
    w, gap = _checks.reals("w", w, 1), _checks.reals("gap", gap, 1)
    _same_length("w", w, "gap", gap)
    penalty = float(_checks.reals("penalty", penalty, 0))
    if penalty <= 0:
        raise ValueError(f"penalty must be positive, but is {penalty}")
    return w, gap, penalty
