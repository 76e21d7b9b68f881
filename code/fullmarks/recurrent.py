"""Recurrent cells, their gradients through time, and residual units.

The functions stand in the order of the chapter ``book/recurrent.md``. A sequence ``x`` has the
shape (T, d): a row for each time step. A state has the shape (s, n): row 0 is the hidden state h
of n units, row 1 (of cells that have one) the memory c. All arithmetic is float64.

The linear network keeps the letters of its exam question (W from state to state, U from the
input). The cells have W from the input and U from state to state, as the other question has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fullmarks import _checks
from fullmarks.mlp import sigmoid

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxtyping import Float

    Reals = Float[np.ndarray, "*shape"] | float


# The linear recurrent network.


def linear_states(
    W: Float[np.ndarray, "n n"],
    U: Float[np.ndarray, "n d"],
    b: Float[np.ndarray, " n"],
    x: Float[np.ndarray, "T d"],
    h0: Float[np.ndarray, " n"],
) -> Float[np.ndarray, "T+1 n"]:
    """States h_0, …, h_T of h_t = W h_{t-1} + U x_t + b, step by step.

    Parameters
    ----------
    W : array (n, n)
        From state to state.
    U : array (n, d)
        From the input.
    b : array (n,)
    x : array (T, d)
        Row t - 1 is the input x_t.
    h0 : array (n,)

    Raises
    ------
    ValueError
        If an argument is empty or not finite, or the shapes do not fit.

    Examples
    --------
    >>> one = np.ones((1, 1))
    >>> linear_states(2 * one, one, np.zeros(1), np.ones((3, 1)), np.array([1.0])).ravel()
    array([ 1.,  3.,  7., 15.])
    """
    W, U, b, x, h0 = _linear(W, U, b, x, h0)
    states = [h0]
    for row in x:
        states.append(W @ states[-1] + U @ row + b)
    return np.array(states)


def linear_unrolled(
    W: Float[np.ndarray, "n n"],
    U: Float[np.ndarray, "n d"],
    b: Float[np.ndarray, " n"],
    x: Float[np.ndarray, "T d"],
    h0: Float[np.ndarray, " n"],
) -> Float[np.ndarray, " n"]:
    """Last state in closed form, W^T h_0 + Σ_k W^k (U x_{T-k} + b) with k = 0, …, T-1.

    Parameters, Raises
    ------------------
    As for `linear_states`.

    Examples
    --------
    >>> one = np.ones((1, 1))
    >>> linear_unrolled(2 * one, one, np.zeros(1), np.ones((3, 1)), np.array([1.0]))
    array([15.])
    """
    W, U, b, x, h0 = _linear(W, U, b, x, h0)
    power = np.linalg.matrix_power
    last = power(W, len(x)) @ h0
    for k in range(len(x)):
        last = last + power(W, k) @ (U @ x[-1 - k] + b)
    return last


def _linear(W, U, b, x, h0):
    W, U = _square("W", W), _checks.reals("U", U, 2)
    b, x, h0 = _checks.reals("b", b, 1), _checks.reals("x", x, 2), _checks.reals("h0", h0, 1)
    n = len(W)
    for name, array in (("U", U), ("b", b), ("h0", h0)):
        if len(array) != n:
            raise ValueError(
                f"W {W.shape} with {name} {array.shape}: W has {n} rows, {name} has {len(array)}"
            )
    if x.shape[1] != U.shape[1]:
        raise ValueError(
            f"x {x.shape} with U {U.shape}: x has {x.shape[1]} columns, U has {U.shape[1]}"
        )
    return W, U, b, x, h0


def _square(name, W):
    W = _checks.reals(name, W, 2)
    if W.shape[0] != W.shape[1]:
        raise ValueError(f"{name} must be square, but its shape is {W.shape}")
    return W


def spectral_radius(W: Float[np.ndarray, "n n"]) -> float:
    """Largest absolute value of an eigenvalue, max |λ|.

    Raises
    ------
    ValueError
        If `W` is not square, is empty or is not finite.

    Examples
    --------
    >>> spectral_radius(np.array([[0.5, 100.0], [0.0, -0.25]]))
    0.5
    """
    return float(abs(np.linalg.eigvals(_square("W", W))).max())


def power_norms(W: Float[np.ndarray, "n n"], steps: int) -> Float[np.ndarray, " {steps}+1"]:
    """Spectral norms (largest singular values) of W^0, W^1, …, W^steps.

    Raises
    ------
    ValueError
        As for `spectral_radius`, or if `steps` is not a positive integer.

    Examples
    --------
    >>> power_norms(np.array([[0.0, 8.0], [0.0, 0.0]]), 2)
    array([1., 8., 0.])
    """
    W = _square("W", W)
    _checks.sizes(steps=steps)
    power, norms = np.eye(len(W)), [1.0]
    for _ in range(steps):
        power = W @ power
        norms.append(np.linalg.norm(power, 2))
    return np.array(norms)


def jordan_power(a: float, k: float, t: int) -> Float[np.ndarray, "2 2"]:
    """Power t of the matrix [[a, k], [0, a]] in closed form, [[a^t, t a^(t-1) k], [0, a^t]].

    With k ≠ 0 the matrix has the one eigenvalue a and one direction of eigenvectors: defective.

    Raises
    ------
    ValueError
        If a number is not finite, or `t` is not a positive integer.

    Examples
    --------
    >>> jordan_power(1.0, 2.0, 10)
    array([[ 1., 20.],
           [ 0.,  1.]])
    """
    a, k = float(_checks.reals("a", a, 0)), float(_checks.reals("k", k, 0))
    _checks.sizes(t=t)
    return np.array([[a**t, t * a ** (t - 1) * k], [0.0, a**t]])


# One linear hidden unit.


def last_output(u: float, v: float, w: float, x: Float[np.ndarray, " T"]) -> float:
    """Output σ(v h_T) at the last step of h_t = u x_t + w h_{t-1}, with h_0 = 0.

    Parameters
    ----------
    u, v, w : float
        Weights from the input, to the output and from state to state.
    x : array (T,)
        One input per step.

    Raises
    ------
    ValueError
        If an argument is empty or not finite, or `x` has not one axis.

    Examples
    --------
    >>> round(last_output(1.0, 10.0, -1.0, np.array([3.0, 1.0, 2.0, 5.0])), 3)  # 1+5 > 3+2
    1.0
    >>> last_output(1.0, 10.0, -1.0, np.array([4.0, 3.0, 2.0, 3.0]))  # 3+3 = 4+2
    0.5
    """
    u, v, w = (float(_checks.reals(name, a, 0)) for name, a in (("u", u), ("v", v), ("w", w)))
    h = 0.0
    for value in _checks.reals("x", x, 1):
        h = u * value + w * h
    return float(sigmoid(v * h))


# A chain of hidden units with a shifted logistic function.


def sigmoid_slope(z: Reals) -> Reals:
    """Derivative of the logistic function, σ(z) σ(-z); at most 1/4, at z = 0.

    Examples
    --------
    >>> sigmoid_slope(np.array([0.0, 1000.0]))
    array([0.25, 0.  ])
    """
    z = _checks.reals("z", z)
    return sigmoid(z) * sigmoid(-z)


def shifted_sigmoid(z: Reals) -> Reals:
    """Activation σ(z) - 1/2, between -1/2 and 1/2, computed as tanh(z/2)/2.

    Examples
    --------
    >>> shifted_sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([-0.5,  0. ,  0.5])
    """
    return np.tanh(_checks.reals("z", z) / 2) / 2


class Chain(NamedTuple):
    """What a chain computes: ``z`` (T,), what each activation receives, and states ``h`` (T,)."""

    z: np.ndarray
    h: np.ndarray


def chain(w: float, x: float, steps: int, bias: float = 0.0) -> Chain:
    """States h_1 = φ(x + bias), h_t = φ(w h_{t-1} + bias) with φ(z) = σ(z) - 1/2.

    Parameters
    ----------
    w : float
        The weight from each state to the next.
    x : float
        The only input, at the first step, with the weight 1.
    steps : int
        T, the number of states.
    bias : float
        Added to what each activation receives.

    Raises
    ------
    ValueError
        If a number is not finite, or `steps` is not a positive integer.

    Examples
    --------
    >>> chain(8.0, 0.0, 3).h
    array([0., 0., 0.])
    """
    w, x, bias = (float(_checks.reals(m, a, 0)) for m, a in (("w", w), ("x", x), ("bias", bias)))
    _checks.sizes(steps=steps)
    z = [x + bias]
    while len(z) < steps:
        z.append(w * float(shifted_sigmoid(z[-1])) + bias)
    z = np.array(z)
    return Chain(z, shifted_sigmoid(z))


def chain_factors(
    w: float, x: float, steps: int, bias: float = 0.0
) -> Float[np.ndarray, " {steps}-1"]:
    """Derivatives ∂h_{t+1}/∂h_t = w σ'(z_{t+1}) for t = 1, …, T-1.

    The gradient in h_1 is their product times the gradient in h_T.

    Parameters, Raises
    ------------------
    As for `chain`; `steps` is at least 2.

    Examples
    --------
    >>> chain_factors(8.0, 0.0, 4)
    array([2., 2., 2.])
    """
    if steps == 1:
        raise ValueError("a chain of 1 state has no step from one state to the next")
    return w * sigmoid_slope(chain(w, x, steps, bias).z[1:])


# Recurrent cells.


class Parameters(NamedTuple):
    """Weights of a cell with g blocks: ``W`` (g, n, d), ``U`` (g, n, n), ``b`` (g, n)."""

    W: np.ndarray
    U: np.ndarray
    b: np.ndarray


class Cell(NamedTuple):
    """A recurrent cell: one step forward, and the same step backward.

    ``blocks`` names the blocks of the parameters in order, and ``memory`` says whether the state
    has a second row. ``step(p, q, state)`` takes p = W x + b and q = U h, both (g, n), and returns
    the new state and what ``back`` needs. ``back(grad, *saved)`` takes the gradient in the new
    state and returns those in p, in q, and in the old state where p and q are held fixed, the
    *direct* path.
    """

    name: str
    blocks: tuple[str, ...]
    memory: bool
    step: Callable
    back: Callable


def _plain(name, activation, slope):
    def step(p, q, state):
        h = activation(p[0] + q[0])
        return h[None], (h,)

    def back(grad, h):
        d = grad * slope(h)
        return d, d, np.zeros_like(grad)

    return Cell(name, ("h",), False, step, back)


def _gated(name, mix):
    """A cell with a forget gate f, an output gate o and c = carry(f) c + write(f) tanh(…)."""

    def step(p, q, state):
        a = p + q
        f, o, g = sigmoid(a[0]), sigmoid(a[1]), np.tanh(a[2])
        carry, _, write, _ = mix(f)
        c = carry * state[1] + write * g
        return np.stack([o * np.tanh(c), c]), (f, o, g, state[1], c)

    def back(grad, f, o, g, old, c):
        carry, carry_slope, write, write_slope = mix(f)
        dh, squashed = grad[..., 0, :], np.tanh(c)
        dc = grad[..., 1, :] + dh * o * (1 - squashed**2)
        df = dc * (carry_slope * old + write_slope * g)
        d = [df * f * (1 - f), dh * squashed * o * (1 - o), dc * write * (1 - g**2)]
        d = np.stack(d, axis=-2)
        return d, d, np.stack([np.zeros_like(dc), dc * carry], axis=-2)

    return Cell(name, ("f", "o", "c"), True, step, back)


def _lstm_step(p, q, state):
    a = p + q
    i, f, g, o = sigmoid(a[0]), sigmoid(a[1]), np.tanh(a[2]), sigmoid(a[3])
    c = f * state[1] + i * g
    return np.stack([o * np.tanh(c), c]), (i, f, g, o, state[1], c)


def _lstm_back(grad, i, f, g, o, old, c):
    dh, squashed = grad[..., 0, :], np.tanh(c)
    dc = grad[..., 1, :] + dh * o * (1 - squashed**2)
    d = np.stack(
        [
            dc * g * i * (1 - i),
            dc * old * f * (1 - f),
            dc * i * (1 - g**2),
            dh * squashed * o * (1 - o),
        ],
        axis=-2,
    )
    return d, d, np.stack([np.zeros_like(dc), dc * f], axis=-2)


def _gru_step(p, q, state):
    r, z = sigmoid(p[0] + q[0]), sigmoid(p[1] + q[1])
    g = np.tanh(p[2] + r * q[2])
    return ((1 - z) * g + z * state[0])[None], (r, z, g, q[2], state[0])


def _gru_back(grad, r, z, g, inner, old):
    dh = grad[..., 0, :]
    dg = dh * (1 - z) * (1 - g**2)
    dr, dz = dg * inner * r * (1 - r), dh * (old - g) * z * (1 - z)
    dp, dq = np.stack([dr, dz, dg], axis=-2), np.stack([dr, dz, dg * r], axis=-2)
    return dp, dq, (dh * z)[..., None, :]


LINEAR = _plain("linear", lambda a: a, lambda h: np.ones_like(h))
SIGMOID = _plain("sigmoid", sigmoid, lambda h: h * (1 - h))
TANH = _plain("tanh", np.tanh, lambda h: 1 - h**2)
# The exam's variant, c = f (1-f) c + tanh(…), and the coupled gate, c = f c + (1-f) tanh(…).
VARIANT = _gated("variant", lambda f: (f * (1 - f), 1 - 2 * f, np.ones_like(f), np.zeros_like(f)))
COUPLED = _gated("coupled", lambda f: (f, np.ones_like(f), 1 - f, -np.ones_like(f)))
LSTM = Cell("LSTM", ("i", "f", "c", "o"), True, _lstm_step, _lstm_back)
GRU = Cell("GRU", ("r", "z", "h"), False, _gru_step, _gru_back)
CELLS = {cell.name: cell for cell in (LINEAR, SIGMOID, TANH, VARIANT, COUPLED, LSTM, GRU)}


def random_cell_parameters(
    cell: Cell, d: int, n: int, rng: np.random.Generator, forget_bias: float = 0.0
) -> Parameters:
    """Gaussian weights, W of variance 1/d and U of variance 1/n, and zero biases.

    The spectral radius of each block of U is then near 1. `forget_bias` is the bias of the block
    ``f``, or of ``z`` in a GRU; a positive one keeps the gate open.

    Raises
    ------
    ValueError
        If a size is not a positive integer, or a cell without gate gets a `forget_bias`.

    Examples
    --------
    >>> [p.shape for p in random_cell_parameters(LSTM, 2, 3, np.random.default_rng(0))]
    [(4, 3, 2), (4, 3, 3), (4, 3)]
    """
    _checks.sizes(d=d, n=n)
    g = len(cell.blocks)
    W = rng.normal(size=(g, n, d)) / np.sqrt(d)
    U = rng.normal(size=(g, n, n)) / np.sqrt(n)
    b = np.zeros((g, n))
    gates = [i for i, block in enumerate(cell.blocks) if block in ("f", "z")]
    if forget_bias and not gates:
        raise ValueError(f"forget_bias is {forget_bias}, but the {cell.name} cell has no gate")
    b[gates] = forget_bias
    return Parameters(W, U, b)


class Run(NamedTuple):
    """A forward pass: ``states`` (T+1, s, n), the initial one first, and what each step saved."""

    states: np.ndarray
    saved: list


def zero_state(cell: Cell, n: int) -> Float[np.ndarray, "s n"]:
    """The state in which h and c are 0.

    Examples
    --------
    >>> zero_state(LSTM, 3).shape, zero_state(GRU, 3).shape
    ((2, 3), (1, 3))
    """
    _checks.sizes(n=n)
    return np.zeros((1 + cell.memory, n))


def forward(
    cell: Cell,
    theta: Parameters,
    x: Float[np.ndarray, "T d"],
    state: Float[np.ndarray, "s n"] | None = None,
) -> Run:
    """States of a cell over a sequence, from `state` or from zero.

    Raises
    ------
    ValueError
        If an argument is empty or not finite, or the shapes do not fit each other or the cell.

    Examples
    --------
    >>> theta = Parameters(np.ones((1, 1, 1)), np.ones((1, 1, 1)), np.zeros((1, 1)))
    >>> forward(LINEAR, theta, np.array([[1.0], [2.0], [3.0]])).states.ravel()
    array([0., 1., 3., 6.])
    """
    theta, x, state = _fitting(cell, theta, x, state)
    states, saved = [state], []
    for row in x:
        state, kept = cell.step(theta.W @ row + theta.b, theta.U @ state[0], state)
        states.append(state)
        saved.append(kept)
    return Run(np.array(states), saved)


def _fitting(cell, theta, x, state):
    W, U, b = (_checks.reals(m, a, k) for m, a, k in zip("WUb", theta, (3, 3, 2), strict=True))
    x = _checks.reals("x", x, 2)
    g, n, d = W.shape
    if g != len(cell.blocks):
        raise ValueError(
            f"W {W.shape} has {g} blocks, but the {cell.name} cell has {len(cell.blocks)}"
        )
    expected = {"U": (U, (g, n, n)), "b": (b, (g, n))}
    state = zero_state(cell, n) if state is None else _checks.reals("state", state, 2)
    expected["state"] = (state, (1 + cell.memory, n))
    for name, (array, shape) in expected.items():
        if array.shape != shape:
            raise ValueError(
                f"W {W.shape} with {name} {array.shape}: {name} of the {cell.name} cell "
                f"must have the shape {shape}"
            )
    if x.shape[1] != d:
        raise ValueError(f"x {x.shape} with W {W.shape}: x has {x.shape[1]} columns, W has {d}")
    return Parameters(W, U, b), x, state


class Gradients(NamedTuple):
    """Gradients of a loss in the parameters, in the inputs (T, d) and in the initial state."""

    theta: Parameters
    x: np.ndarray
    state: np.ndarray


def backward(
    cell: Cell,
    theta: Parameters,
    x: Float[np.ndarray, "T d"],
    run: Run,
    grad_states: Float[np.ndarray, "T+1 s n"],
) -> Gradients:
    """Backpropagation through time of a loss that depends on the states.

    Parameters
    ----------
    cell, theta, x
        As for `forward`.
    run : Run
        What `forward` returned for them.
    grad_states : array (T+1, s, n)
        Partial derivatives of the loss in each state, the others held fixed. What a state adds
        by way of later ones is what this function computes.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> theta = Parameters(np.ones((1, 1, 1)), np.full((1, 1, 1), 0.5), np.zeros((1, 1)))
    >>> x = np.array([[1.0], [1.0], [1.0]])
    >>> run = forward(LINEAR, theta, x)
    >>> loss = np.zeros((4, 1, 1))
    >>> loss[-1] = 1.0  # the loss is the last state
    >>> backward(LINEAR, theta, x, run, loss).x.ravel()
    array([0.25, 0.5 , 1.  ])
    """
    theta, x, _ = _fitting(cell, theta, x, run.states[0])
    grad_states = _checks.reals("grad_states", grad_states, 3)
    _checks.same_shape("grad_states", grad_states, "states", run.states)
    if len(run.saved) != len(x):
        raise ValueError(f"x {x.shape} has {len(x)} steps, but the run has {len(run.saved)}")
    W, U, b = (np.zeros_like(p) for p in theta)
    inputs, grad = np.zeros_like(x), grad_states[-1]
    for t in reversed(range(len(x))):
        dp, dq, direct, through_h = _step_back(cell, theta, grad, run.saved[t])
        W += dp[:, :, None] * x[t]
        U += dq[:, :, None] * run.states[t][0]
        b += dp
        inputs[t] = np.einsum("gi,gid->d", dp, theta.W)
        grad = grad_states[t] + direct + through_h
    return Gradients(Parameters(W, U, b), inputs, grad)


def _step_back(cell, theta, grad, saved):
    """Gradients in p and q, and both paths to the old state; `grad` may have leading axes."""
    dp, dq, direct = cell.back(grad, *saved)
    through_h = np.zeros_like(direct)
    through_h[..., 0, :] = np.einsum("...gi,gij->...j", dq, theta.U)
    return dp, dq, direct, through_h


class StepJacobians(NamedTuple):
    """For each step (T, s·n, s·n): new state by old state, along either path; they add up."""

    direct: np.ndarray
    recurrent: np.ndarray


def step_jacobians(cell: Cell, theta: Parameters, run: Run) -> StepJacobians:
    """Jacobian of every step of a run, split into the direct and the recurrent path.

    The direct path holds what the gates and the candidate receive fixed; the recurrent path leads
    from h through U. Entry [t, i, j] is the derivative of entry i of state t+1 in entry j of
    state t, where the entries of a state are those of h and then those of c.

    Examples
    --------
    >>> theta = Parameters(np.ones((1, 1, 1)), np.full((1, 1, 1), 0.5), np.zeros((1, 1)))
    >>> run = forward(LINEAR, theta, np.ones((2, 1)))
    >>> step_jacobians(LINEAR, theta, run).recurrent.ravel()
    array([0.5, 0.5])
    """
    size = run.states[0].size
    units = np.eye(size).reshape(size, *run.states[0].shape)
    both = [_step_back(cell, theta, units, saved)[2:] for saved in run.saved]
    direct, recurrent = (np.reshape(path, (-1, size, size)) for path in zip(*both, strict=True))
    return StepJacobians(direct, recurrent)


def state_jacobian(
    cell: Cell, theta: Parameters, run: Run, direct_only: bool = False
) -> Float[np.ndarray, "m m"]:
    """Jacobian of the last state in the first one: the product of those of the steps.

    With `direct_only` it is the product of the direct paths alone.

    Examples
    --------
    >>> theta = Parameters(np.ones((1, 1, 1)), np.full((1, 1, 1), 0.5), np.zeros((1, 1)))
    >>> state_jacobian(LINEAR, theta, forward(LINEAR, theta, np.ones((3, 1))))
    array([[0.125]])
    """
    direct, recurrent = step_jacobians(cell, theta, run)
    total = np.eye(direct.shape[1])
    for step in direct if direct_only else direct + recurrent:
        total = step @ total
    return total


def input_sensitivity(
    cell: Cell, theta: Parameters, run: Run, direct_only: bool = False
) -> Float[np.ndarray, " T"]:
    """Frobenius norm of the derivative of the last h in the input k steps earlier, k = 0, …, T-1.

    With `direct_only` the gradient travels from state to state along the direct path alone.

    Examples
    --------
    >>> theta = Parameters(np.ones((1, 1, 1)), np.full((1, 1, 1), 0.5), np.zeros((1, 1)))
    >>> input_sensitivity(LINEAR, theta, forward(LINEAR, theta, np.ones((3, 1))))
    array([1.  , 0.5 , 0.25])
    """
    n = run.states.shape[2]
    grad = np.zeros((n, *run.states[0].shape))
    grad[:, 0] = np.eye(n)
    norms = []
    for saved in reversed(run.saved):
        dp, _, direct, through_h = _step_back(cell, theta, grad, saved)
        norms.append(np.linalg.norm(np.einsum("kgi,gid->kd", dp, theta.W)))
        grad = direct if direct_only else direct + through_h
    return np.array(norms)


# One derivative of the variant, by hand.

PATHS = (
    "f0, carry",
    "g0, carry",
    "f0, h0, f1",
    "g0, h0, f1",
    "o0, h0, f1",
    "f0, h0, g1",
    "g0, h0, g1",
    "o0, h0, g1",
)  # g is the candidate tanh(…); the carry is f (1-f)


def variant_paths(
    weights: Float[np.ndarray, "3 3"] | Sequence[Sequence[float]],
    x0: float,
    x1: float,
    h: float,
    c: float,
) -> Float[np.ndarray, " 8"]:
    """The eight paths from x_0 to c_1 in the variant with one unit; their sum is dc_1/dx_0.

    Parameters
    ----------
    weights : 3 × 3 numbers
        Rows (W, U, b) of the forget gate, of the output gate and of the candidate.
    x0, x1 : float
        Inputs.
    h, c : float
        The state before x_0.

    Returns
    -------
    array (8,)
        One product of derivatives per path, in the order of `PATHS`.

    Raises
    ------
    ValueError
        If a number is not finite, or `weights` is not 3 × 3.

    Examples
    --------
    The first path is that of f_0; it is closed when c is zero.

    >>> weights = [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]]
    >>> variant_paths(weights, 0.0, 0.0, 0.0, 0.0)
    array([0.  , 0.25, 0.  , 0.  , 0.  , 0.  , 0.  , 0.  ])
    """
    weights = _checks.reals("weights", weights, 2)
    if weights.shape != (3, 3):
        raise ValueError(f"weights must have the shape (3, 3), but it is {weights.shape}")
    numbers = {"x0": x0, "x1": x1, "h": h, "c": c}
    x0, x1, h, c = (float(_checks.reals(name, a, 0)) for name, a in numbers.items())
    (W_f, U_f, _), (W_o, _, _), (W_c, U_c, _) = weights
    f0, o0, g0 = _gates(weights, x0, h)
    c0 = f0 * (1 - f0) * c + g0
    h0 = o0 * np.tanh(c0)
    f1, _, g1 = _gates(weights, x1, h0)
    via_f0 = (1 - 2 * f0) * f0 * (1 - f0) * W_f * c
    via_g0 = (1 - g0**2) * W_c
    via_o0 = o0 * (1 - o0) * W_o * np.tanh(c0)
    to_h0 = o0 * (1 - np.tanh(c0) ** 2)
    through_f1 = (1 - 2 * f1) * f1 * (1 - f1) * U_f * c0
    through_g1 = (1 - g1**2) * U_c
    into_h0 = np.array([via_f0 * to_h0, via_g0 * to_h0, via_o0])
    carried = f1 * (1 - f1) * np.array([via_f0, via_g0])
    return np.concatenate([carried, through_f1 * into_h0, through_g1 * into_h0])


def _gates(weights, x, h):
    f, o, g = weights @ [x, h, 1.0]
    return sigmoid(f), sigmoid(o), np.tanh(g)


# Residual units.

ACTIVATIONS = {
    "linear": (lambda z: z, np.ones_like),
    "sigmoid": (sigmoid, sigmoid_slope),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "relu": (lambda z: np.maximum(z, 0.0), lambda z: (z > 0).astype(float)),
}


class Residual(NamedTuple):
    """A residual unit y = x + W2 φ(W1 x + b1): ``W1`` (m, n), ``b1`` (m,), ``W2`` (n, m)."""

    W1: np.ndarray
    b1: np.ndarray
    W2: np.ndarray


def residual(
    unit: Residual, x: Float[np.ndarray, " n"], activation: str = "tanh", skip: bool = True
) -> Float[np.ndarray, " n"]:
    """Output y = x + W2 φ(W1 x + b1) of one unit; without `skip` the x is left out.

    Raises
    ------
    ValueError
        If the shapes do not fit, an argument is not finite, or the activation is not known.

    Examples
    --------
    >>> unit = Residual(np.ones((1, 2)), np.zeros(1), np.array([[0.0], [1.0]]))
    >>> residual(unit, np.array([1.0, 2.0]), "relu")
    array([1., 5.])
    """
    unit, x, (phi, _) = _residual(unit, x, activation)
    y = unit.W2 @ phi(unit.W1 @ x + unit.b1)
    return x + y if skip else y


def residual_jacobian(
    unit: Residual, x: Float[np.ndarray, " n"], activation: str = "tanh", skip: bool = True
) -> Float[np.ndarray, "n n"]:
    """Jacobian I + W2 diag(φ'(z)) W1 of `residual` in x, z = W1 x + b1; I only with `skip`.

    Raises
    ------
    ValueError
        As for `residual`.

    Examples
    --------
    >>> unit = Residual(np.ones((1, 2)), np.zeros(1), np.array([[0.0], [1.0]]))
    >>> residual_jacobian(unit, np.array([1.0, 2.0]), "relu")
    array([[1., 0.],
           [1., 2.]])
    """
    unit, x, (_, slope) = _residual(unit, x, activation)
    branch = (unit.W2 * slope(unit.W1 @ x + unit.b1)) @ unit.W1
    return np.eye(len(x)) + branch if skip else branch


def residual_backward(
    unit: Residual,
    x: Float[np.ndarray, " n"],
    grad: Float[np.ndarray, " n"],
    activation: str = "tanh",
    skip: bool = True,
) -> tuple[Residual, Float[np.ndarray, " n"]]:
    """Gradients in the weights and in x, from the gradient in the output.

    Raises
    ------
    ValueError
        As for `residual`, or if `grad` has not the shape of `x`.

    Examples
    --------
    With W2 = 0 the gradient passes the unit unchanged, and W1 receives none.

    >>> unit = Residual(np.ones((1, 2)), np.zeros(1), np.zeros((2, 1)))
    >>> inner, before = residual_backward(unit, np.array([1.0, 2.0]), np.array([4.0, 5.0]), "relu")
    >>> before
    array([4., 5.])
    >>> inner.W1, inner.W2.ravel()
    (array([[0., 0.]]), array([12., 15.]))
    """
    unit, x, (phi, slope) = _residual(unit, x, activation)
    grad = _checks.reals("grad", grad, 1)
    _checks.same_shape("grad", grad, "x", x)
    z = unit.W1 @ x + unit.b1
    delta = slope(z) * (unit.W2.T @ grad)
    before = unit.W1.T @ delta
    inner = Residual(np.outer(delta, x), delta, np.outer(grad, phi(z)))
    return inner, grad + before if skip else before


def stack_jacobian(
    units: Sequence[Residual],
    x: Float[np.ndarray, " n"],
    activation: str = "tanh",
    skip: bool = True,
) -> Float[np.ndarray, "n n"]:
    """Jacobian of the last output in the first input of units that follow one another.

    Raises
    ------
    ValueError
        As for `residual`, or if there is no unit.

    Examples
    --------
    >>> unit = Residual(np.eye(1), np.zeros(1), np.eye(1))
    >>> stack_jacobian([unit] * 3, np.array([1.0]), "relu")  # each unit doubles
    array([[8.]])
    """
    if not units:
        raise ValueError("0 units: a stack needs at least one")
    total = np.eye(len(x))
    for unit in units:
        total = residual_jacobian(unit, x, activation, skip) @ total
        x = residual(unit, x, activation, skip)
    return total


def _residual(unit, x, activation):
    x = _checks.reals("x", x, 1)
    W1, b1, W2 = (
        _checks.reals(name, a, k) for name, a, k in zip(unit._fields, unit, (2, 1, 2), strict=True)
    )
    m, n = W1.shape
    if len(x) != n:
        raise ValueError(f"x {x.shape} with W1 {W1.shape}: x has {len(x)} entries, W1 {n} columns")
    for name, array, shape in (("b1", b1, (m,)), ("W2", W2, (n, m))):
        if array.shape != shape:
            raise ValueError(
                f"W1 {W1.shape} with {name} {array.shape}: {name} must have the shape {shape}"
            )
    if activation not in ACTIVATIONS:
        raise ValueError(f"activation {activation!r} is not one of {', '.join(ACTIVATIONS)}")
    return Residual(W1, b1, W2), x, ACTIVATIONS[activation]
