"""Optimizers behind one interface: gradient steps, adaptive steps, and methods of second order.

Every method is called as ``method(objective, theta, **settings)`` and returns an iterator. Each
``next`` is one step and gives an :class:`Iterate`: the new parameters, and all that the method
keeps for its next step. The functions stand in the order of the chapter ``book/optimization.md``.
Parameters are vectors of shape (n,). All arithmetic is float64.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from itertools import count, islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fullmarks import _checks

if TYPE_CHECKING:
    from jaxtyping import Float

    Vector = Float[np.ndarray, " n"]
    Vectors = Float[np.ndarray, "steps n"]
    Matrix = Float[np.ndarray, "n n"]


# The interface.


class Objective(NamedTuple):
    """What a method may ask about the function that it minimises.

    Attributes
    ----------
    gradient : function of an array (n,) to an array (n,)
        The gradient, or an estimate of it from a batch: it may change from call to call.
    value : function of an array (n,) to a number, optional
        The loss itself; line searches need it.
    hessian : function of an array (n,) to an array (n, n), optional
        Second derivatives; Newton's method and linear conjugate gradients need them.
    """

    gradient: Callable
    value: Callable | None = None
    hessian: Callable | None = None


class Iterate(NamedTuple):
    """Parameters after a step, and the state that the method keeps, by name."""

    theta: np.ndarray
    state: dict


def path(iterates: Iterator, steps: int) -> Vectors:
    """Parameters after each of at most `steps` steps; fewer if the method has converged.

    Parameters
    ----------
    iterates : iterator of Iterate
        A method, called.
    steps : int
        Number of steps to take.

    Returns
    -------
    array (at most `steps`, n)
        Without the starting point.

    Raises
    ------
    ValueError
        If `steps` is not a positive integer, or if the method stands at its goal already.

    Examples
    --------
    >>> path(sgd(quadratic(np.eye(1), np.zeros(1)), np.ones(1), learning_rate=0.5), 3)
    array([[0.5  ],
           [0.25 ],
           [0.125]])
    """
    _checks.sizes(steps=steps)
    thetas = [iterate.theta for iterate in islice(iterates, steps)]
    if not thetas:
        raise ValueError("no step to take: the gradient at the start is below the tolerance")
    return np.array(thetas)


def numbers_kept(iterate: Iterate) -> int:
    """How many numbers a method keeps from one step to the next, beside the parameters.

    Examples
    --------
    >>> bowl = quadratic(np.eye(5), np.zeros(5))
    >>> [numbers_kept(next(m(bowl, np.ones(5), learning_rate=0.5))) for m in (sgd, adagrad, adam)]
    [0, 5, 11]
    """
    return sum(np.size(kept) for kept in iterate.state.values())


def quadratic(A: Matrix, b: Vector) -> Objective:
    """Objective ½ θᵀ A θ - bᵀ θ, with gradient A θ - b and Hessian A.

    Parameters
    ----------
    A : array (n, n)
        Symmetric; positive definite if there is to be a minimum.
    b : array (n,)

    Raises
    ------
    ValueError
        If `A` is not symmetric, or the sizes of `A` and `b` differ.

    Examples
    --------
    >>> quadratic(np.diag([2.0, 4.0]), np.ones(2)).gradient(np.ones(2))
    array([1., 3.])
    """
    A, b = _checks.reals("A", A, ndim=2), _checks.reals("b", b, ndim=1)
    if A.shape != (len(b), len(b)):
        raise ValueError(f"A {A.shape} and b {b.shape}: A must be ({len(b)}, {len(b)})")
    if not np.allclose(A, A.T, rtol=1e-12, atol=1e-12 * abs(A).max()):
        raise ValueError("A must be symmetric, but it differs from its transpose")
    return Objective(
        gradient=lambda theta: A @ theta - b,
        value=lambda theta: theta @ A @ theta / 2 - b @ theta,
        hessian=lambda theta: A,
    )


def replay(
    method: Callable, theta: Vector, gradients: Vectors, **settings: float | bool
) -> Vectors:
    """Path of a method that is shown the given gradients, wherever it goes.

    Parameters
    ----------
    method : one of the methods of this module
    theta : array (n,)
        Start.
    gradients : array (steps, n)
        One gradient for each step.
    **settings
        Of the method.

    Returns
    -------
    array (steps, n)

    Examples
    --------
    >>> replay(momentum, np.zeros(1), np.ones((3, 1)), learning_rate=1.0, decay=0.5)
    array([[-1.  ],
           [-2.5 ],
           [-4.25]])
    """
    gradients = _checks.reals("gradients", gradients, ndim=2)
    shown = iter(gradients)
    return path(method(Objective(lambda _: next(shown)), theta, **settings), len(gradients))


_RANGES = {
    "learning_rate": ("positive", lambda x: 0 < x < np.inf),
    "decay": ("at least 0 and below 1", lambda x: 0 <= x < 1),
    "decay_mean": ("at least 0 and below 1", lambda x: 0 <= x < 1),
    "decay_square": ("at least 0 and below 1", lambda x: 0 <= x < 1),
    "epsilon": ("at least 0", lambda x: 0 <= x < np.inf),
    "tolerance": ("at least 0", lambda x: 0 <= x < np.inf),
}


def _method(steps):
    """Check what a method is given when it is called, not at its first step."""

    @functools.wraps(steps)
    def method(objective, theta, **settings):
        for name in _RANGES.keys() & settings.keys():
            words, holds = _RANGES[name]
            if not holds(settings[name]):
                raise ValueError(f"{name} must be {words}, but is {settings[name]}")
        return steps(objective, _checks.reals("theta", theta, ndim=1), **settings)

    return method


def _gradient(objective, theta):
    g = _checks.reals("gradient", objective.gradient(theta), ndim=1)
    _checks.same_shape("gradient", g, "theta", theta)
    return g


def _hessian(objective, theta):
    if objective.hessian is None:
        raise ValueError("this method needs objective.hessian, but it is None")
    H = _checks.reals("hessian", objective.hessian(theta), ndim=2)
    if H.shape != 2 * theta.shape:
        raise ValueError(f"hessian {H.shape} and theta {theta.shape} do not fit")
    return H


# One step size for all parameters.


@_method
def sgd(objective: Objective, theta: Vector, *, learning_rate: float) -> Iterator:
    """Gradient descent, θ ← θ - η g; stochastic if the objective's gradient is.

    Parameters
    ----------
    objective : Objective
        Its `gradient` is called once in each step.
    theta : array (n,)
        Start.
    learning_rate : float
        η, positive.

    Yields
    ------
    Iterate
        With an empty state.

    Raises
    ------
    ValueError
        If a setting is out of its range, or the gradient does not have the shape of `theta`.

    Examples
    --------
    >>> next(sgd(quadratic(np.eye(2), np.zeros(2)), np.array([4.0, 8.0]), learning_rate=0.25)).theta
    array([3., 6.])
    """
    while True:
        theta = theta - learning_rate * _gradient(objective, theta)
        yield Iterate(theta, {})


@_method
def momentum(
    objective: Objective, theta: Vector, *, learning_rate: float, decay: float = 0.9
) -> Iterator:
    """Gradient descent with momentum (heavy ball), v ← μ v + g and θ ← θ - η v.

    Parameters, Raises
    ------------------
    As for `sgd`; `decay` is μ, at least 0 and below 1.

    Yields
    ------
    Iterate
        The state is the velocity `v` (n,).

    References
    ----------
    :cite:`polyak1964`.

    Examples
    --------
    >>> heavy = momentum(Objective(np.ones_like), np.zeros(1), learning_rate=0.5, decay=0.5)
    >>> path(heavy, 2)
    array([[-0.5 ],
           [-1.25]])
    """
    v = np.zeros_like(theta)
    while True:
        v = decay * v + _gradient(objective, theta)
        theta = theta - learning_rate * v
        yield Iterate(theta, {"v": v})


# A step size for each parameter.


@_method
def adagrad(
    objective: Objective, theta: Vector, *, learning_rate: float, epsilon: float = 1e-10
) -> Iterator:
    """Adagrad, r ← r + g² and θ ← θ - η g / (√r + ε), element by element.

    Parameters, Raises
    ------------------
    As for `sgd`; `epsilon` is ε. With ε = 0 a parameter must see no zero before its first
    gradient, else 0 / 0.

    Yields
    ------
    Iterate
        The state is the sum of squares `r` (n,).

    References
    ----------
    :cite:`duchi2011`, the diagonal case.

    Examples
    --------
    >>> replay(adagrad, np.zeros(1), np.array([[3.0], [4.0]]), learning_rate=1.0, epsilon=0.0)
    array([[-1. ],
           [-1.8]])
    """
    r = np.zeros_like(theta)
    while True:
        g = _gradient(objective, theta)
        r = r + g**2
        theta = theta - learning_rate * g / (np.sqrt(r) + epsilon)
        yield Iterate(theta, {"r": r})


@_method
def rmsprop(
    objective: Objective,
    theta: Vector,
    *,
    learning_rate: float,
    decay: float = 0.99,
    epsilon: float = 1e-8,
) -> Iterator:
    """RMSprop, v ← ρ v + (1-ρ) g² and θ ← θ - η g / (√v + ε), element by element.

    Parameters, Raises
    ------------------
    As for `adagrad`; `decay` is ρ, at least 0 and below 1.

    Yields
    ------
    Iterate
        The state is the moving average `v` (n,) of the squared gradients.

    References
    ----------
    :cite:`tieleman2012`.

    Examples
    --------
    >>> replay(rmsprop, np.zeros(1), np.ones((1, 1)), learning_rate=1.0, decay=0.75, epsilon=0.0)
    array([[-2.]])
    """
    v = np.zeros_like(theta)
    while True:
        g = _gradient(objective, theta)
        v = decay * v + (1 - decay) * g**2
        theta = theta - learning_rate * g / (np.sqrt(v) + epsilon)
        yield Iterate(theta, {"v": v})


@_method
def adam(
    objective: Objective,
    theta: Vector,
    *,
    learning_rate: float,
    decay_mean: float = 0.9,
    decay_square: float = 0.999,
    epsilon: float = 1e-8,
    bias_correction: bool = True,
) -> Iterator:
    """Adam: moving averages of g and of g², both divided by what their weights add up to.

    With m ← β₁ m + (1-β₁) g and v ← β₂ v + (1-β₂) g², step t is
    θ ← θ - η m̂ / (√v̂ + ε), where m̂ = m / (1-β₁ᵗ) and v̂ = v / (1-β₂ᵗ).

    Parameters, Raises
    ------------------
    As for `adagrad`; `decay_mean` is β₁ and `decay_square` is β₂, both at least 0 and below 1.
    Without `bias_correction`, m̂ = m and v̂ = v.

    Yields
    ------
    Iterate
        The state is `m` (n,), `v` (n,) and the number of steps `t`.

    References
    ----------
    :cite:`kingma2015`, algorithm 1.

    Examples
    --------
    >>> replay(adam, np.zeros(2), np.array([[1e-3, -1e3]]), learning_rate=0.5, epsilon=0.0)
    array([[-0.5,  0.5]])
    """
    m, v = np.zeros_like(theta), np.zeros_like(theta)
    for t in count(1):
        g = _gradient(objective, theta)
        m = decay_mean * m + (1 - decay_mean) * g
        v = decay_square * v + (1 - decay_square) * g**2
        weights = (1 - decay_mean**t, 1 - decay_square**t) if bias_correction else (1, 1)
        theta = theta - learning_rate * (m / weights[0]) / (np.sqrt(v / weights[1]) + epsilon)
        yield Iterate(theta, {"m": m, "v": v, "t": t})


# Methods that know, or find out, the curvature.


@_method
def newton(objective: Objective, theta: Vector) -> Iterator:
    """Newton's method, θ ← θ - H⁻¹ g, without damping: it looks for a zero of the gradient.

    Parameters
    ----------
    objective : Objective
        Its `gradient` and its `hessian` are called once in each step.
    theta : array (n,)
        Start.

    Yields
    ------
    Iterate
        With an empty state: H is computed anew in each step.

    Raises
    ------
    ValueError
        If the objective has no Hessian, or shapes do not fit.
    numpy.linalg.LinAlgError
        If the Hessian is singular.

    References
    ----------
    :cite:`nocedal2006`, section 3.3.

    Examples
    --------
    >>> next(newton(quadratic(np.diag([1.0, 4.0]), np.array([1.0, 2.0])), np.ones(2) * 9)).theta
    array([1. , 0.5])
    """
    while True:
        g, H = _gradient(objective, theta), _hessian(objective, theta)
        theta = theta - np.linalg.solve(H, g)
        yield Iterate(theta, {})


@_method
def linear_conjugate_gradient(
    objective: Objective, theta: Vector, *, tolerance: float = 1e-12
) -> Iterator:
    """Conjugate gradients on a quadratic: exact steps along directions with dᵢᵀ A dⱼ = 0.

    Parameters
    ----------
    objective : Objective
        A quadratic with positive definite Hessian A, which is only multiplied with vectors.
    theta : array (n,)
        Start.
    tolerance : float
        The iterator ends when the gradient is that much shorter than at the start.

    Yields
    ------
    Iterate
        The state is the residual `r` = -g (n,) and the direction `d` (n,).

    Raises
    ------
    ValueError
        If dᵀ A d is not positive: then the objective has no minimum along d.

    References
    ----------
    :cite:`hestenes1952`; :cite:`nocedal2006`, algorithm 5.2.

    Examples
    --------
    >>> bowl = quadratic(np.diag([1.0, 4.0]), np.array([1.0, 2.0]))
    >>> path(linear_conjugate_gradient(bowl, np.zeros(2)), 9).round(3)
    array([[0.294, 0.588],
           [1.   , 0.5  ]])
    """
    r = -_gradient(objective, theta)
    d, goal = r, tolerance * np.linalg.norm(r)
    while np.linalg.norm(r) > goal:
        Ad = _hessian(objective, theta) @ d
        step = r @ r / _positive_curvature(d @ Ad)
        theta, previous, r = theta + step * d, r, r - step * Ad
        d = r + (r @ r) / (previous @ previous) * d
        yield Iterate(theta, {"r": r, "d": d})


def _positive_curvature(curvature):
    if not curvature > 0:
        raise ValueError(f"no minimum along the direction: dᵀ A d must be positive, is {curvature}")
    return curvature


def exact_step(objective: Objective, theta: Vector, direction: Vector) -> float:
    """Length of the step to the minimum of a quadratic along `direction`, -gᵀd / dᵀ H d.

    Raises
    ------
    ValueError
        If the curvature dᵀ H d is not positive.

    References
    ----------
    :cite:`nocedal2006`, equation (3.55).

    Examples
    --------
    >>> exact_step(quadratic(2 * np.eye(1), np.zeros(1)), np.ones(1), -np.ones(1))
    1.0
    """
    curvature = direction @ _hessian(objective, theta) @ direction
    return float(-_gradient(objective, theta) @ direction / _positive_curvature(curvature))


def wolfe_step(
    objective: Objective,
    theta: Vector,
    direction: Vector,
    *,
    decrease: float = 1e-4,
    flatness: float = 0.1,
    trials: int = 60,
) -> float:
    """A step length that meets the strong Wolfe conditions, found by doubling and bisection.

    With φ(s) the value at θ + s d, the conditions are sufficient decrease,
    φ(s) ≤ φ(0) + c₁ s φ'(0), and a flatter slope, |φ'(s)| ≤ c₂ |φ'(0)|.

    Parameters
    ----------
    objective : Objective
        With `value` and `gradient`, and bounded below along the direction.
    theta, direction : array (n,)
        Where the search starts, and a direction of descent.
    decrease, flatness : float
        c₁ and c₂, 0 < c₁ < c₂ < 1.
    trials : int
        How many lengths to try.

    Raises
    ------
    ValueError
        If the direction does not descend, or no length was found.

    References
    ----------
    :cite:`nocedal2006`, equations (3.7).

    Examples
    --------
    >>> wolfe_step(quadratic(np.eye(1), np.zeros(1)), np.ones(1), np.array([-0.25]))
    4.0
    """
    if objective.value is None:
        raise ValueError("a line search needs objective.value, but it is None")
    if not 0 < decrease < flatness < 1:
        raise ValueError(f"0 < decrease < flatness < 1, but they are {decrease} and {flatness}")
    start, slope = objective.value(theta), _gradient(objective, theta) @ direction
    if not slope < 0:
        raise ValueError(f"the direction must descend, but its slope is {slope}")
    low, high, step = 0.0, np.inf, 1.0
    for _ in range(trials):
        there = theta + step * direction
        if objective.value(there) > start + decrease * step * slope:
            high = step  # too far: the value has not fallen enough
        elif (here := _gradient(objective, there) @ direction) < flatness * slope:
            low = step  # too short: still falling steeply
        elif here > -flatness * slope:
            high = step  # too far: rising steeply
        else:
            return step
        step = (low + high) / 2 if high < np.inf else 2 * step
    raise ValueError(
        f"no step meets the Wolfe conditions within {trials} trials between {low} and {high}"
    )


@_method
def nonlinear_conjugate_gradient(
    objective: Objective,
    theta: Vector,
    *,
    line_search: Callable = wolfe_step,
    tolerance: float = 1e-6,
) -> Iterator:
    """Conjugate gradients for any smooth function, with Polak and Ribière's weight, never negative.

    d ← -g' + max(0, g'ᵀ(g' - g) / gᵀg) d, where g' is the new gradient. If that does not descend,
    the method starts afresh with d = -g'.

    Parameters
    ----------
    objective : Objective
    theta : array (n,)
        Start.
    line_search : function of the objective, the parameters and the direction
        Returns the length of the step: `wolfe_step`, or `exact_step` on a quadratic.
    tolerance : float
        The iterator ends when the length of the gradient is not above it.

    Yields
    ------
    Iterate
        The state is the gradient `g` (n,) and the direction `d` (n,).

    References
    ----------
    :cite:`nocedal2006`, equation (5.45).

    Examples
    --------
    >>> bowl = quadratic(np.diag([1.0, 4.0]), np.array([1.0, 2.0]))
    >>> path(nonlinear_conjugate_gradient(bowl, np.zeros(2), line_search=exact_step), 9).round(3)
    array([[0.294, 0.588],
           [1.   , 0.5  ]])
    """
    g = _gradient(objective, theta)
    d = -g
    while np.linalg.norm(g) > tolerance:
        theta = theta + line_search(objective, theta, d) * d
        previous, g = g, _gradient(objective, theta)
        d = -g + max(0.0, g @ (g - previous) / (previous @ previous)) * d
        d = d if g @ d < 0 else -g
        yield Iterate(theta, {"g": g, "d": d})


def bfgs_update(H: Matrix, s: Vector, y: Vector) -> Matrix:
    """Inverse Hessian after a step s that changed the gradient by y.

    (I - ρ s yᵀ) H (I - ρ y sᵀ) + ρ s sᵀ with ρ = 1 / yᵀs: symmetric, maps y to s, and positive
    definite if `H` is. It is computed multiplied out, with O(n²) operations.

    Parameters
    ----------
    H : array (n, n)
        Estimate of the inverse Hessian, symmetric.
    s, y : array (n,)
        Change of the parameters and of the gradient.

    Raises
    ------
    ValueError
        If yᵀs is not positive, or the shapes do not fit.

    References
    ----------
    :cite:`nocedal2006`, equation (6.17).

    Examples
    --------
    >>> bfgs_update(np.eye(2), np.array([1.0, 0.0]), np.array([4.0, 0.0]))
    array([[0.25, 0.  ],
           [0.  , 1.  ]])
    """
    _checks.same_shape("y", y, "s", s)
    if H.shape != 2 * s.shape:
        raise ValueError(f"H {H.shape} and s {s.shape} do not fit")
    if not y @ s > 0:
        raise ValueError(f"yᵀs must be positive to keep H positive definite, but is {y @ s}")
    rho, Hy = 1 / (y @ s), H @ y
    crossed = np.outer(Hy, s)
    return H - rho * (crossed + crossed.T) + (rho**2 * (y @ Hy) + rho) * np.outer(s, s)


@_method
def bfgs(
    objective: Objective,
    theta: Vector,
    *,
    line_search: Callable = wolfe_step,
    tolerance: float = 1e-6,
) -> Iterator:
    """BFGS: θ ← θ - s H g with an inverse Hessian H that is learnt from the gradients, from H = I.

    Parameters
    ----------
    As for `nonlinear_conjugate_gradient`. The second Wolfe condition makes yᵀs positive.

    Yields
    ------
    Iterate
        The state is the gradient `g` (n,) and the inverse Hessian `H` (n, n).

    References
    ----------
    :cite:`nocedal2006`, algorithm 6.1.

    Examples
    --------
    >>> bowl = quadratic(np.diag([1.0, 4.0]), np.array([1.0, 2.0]))
    >>> *_, last = bfgs(bowl, np.zeros(2), line_search=exact_step)
    >>> (last.state["H"] @ np.diag([1.0, 4.0]) @ np.array([3.0, 5.0])).round(3)
    array([3., 5.])
    """
    g, H = _gradient(objective, theta), np.eye(len(theta))
    while np.linalg.norm(g) > tolerance:
        d = -H @ g
        s = line_search(objective, theta, d) * d
        theta, previous, g = theta + s, g, _gradient(objective, theta + s)
        H = bfgs_update(H, s, g - previous)
        yield Iterate(theta, {"g": g, "H": H})
