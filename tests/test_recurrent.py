"""Chapter recurrent: each function against its definition, torch and invariants."""

import math
from functools import partial

import figures
import numpy as np
import oracles
import pytest
import torch
from annotated import annotated
from fullmarks import recurrent
from fullmarks.experiments import recurrent as experiments
from fullmarks.plots import recurrent as plots
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose
from oracles import close

checked = annotated(recurrent)

CELLS = list(recurrent.CELLS)
STEPS, UNITS, INPUTS = 5, 3, 2
numbers = st.floats(-3, 3)


def rng():
    return np.random.default_rng(0)


# The linear network.


@pytest.fixture
def linear():
    g = rng()
    sizes = {"W": (3, 3), "U": (3, 2), "b": 3, "x": (5, 2), "h0": 3}
    return {name: g.normal(size=size) for name, size in sizes.items()}


def test_linear_states_are_their_definition(linear):
    h = list(linear["h0"])
    states = checked.linear_states(**linear)
    close(states[0], h)
    theta = ([linear["U"].tolist()], [linear["W"].tolist()], [linear["b"].tolist()])
    for t, row in enumerate(linear["x"].tolist(), start=1):
        h, _ = oracles.recurrent_step("linear", *theta, row, h, None)
        close(states[t], h)


def test_unrolled_network_is_the_last_state(linear):
    close(checked.linear_unrolled(**linear), checked.linear_states(**linear)[-1])


def test_jacobian_of_the_linear_network_is_the_sum_over_walks_and_torchs(linear):
    tensors = {name: torch.tensor(value) for name, value in linear.items()}

    def last(h):
        for row in tensors["x"]:
            h = tensors["W"] @ h + tensors["U"] @ row + tensors["b"]
        return h

    jacobian = torch.autograd.functional.jacobian(last, tensors["h0"])
    close(np.linalg.matrix_power(linear["W"], 5), jacobian)
    close(oracles.power_by_walks(linear["W"].tolist(), 5), jacobian)


@given(arrays(np.float64, (3, 3), elements=numbers), st.integers(1, 6))
def test_powers_lie_between_the_spectral_radius_and_the_norm(W, t):
    norm = checked.power_norms(W, t)[-1]
    assert norm >= checked.spectral_radius(W) ** t * (1 - 1e-9)
    assert norm <= np.linalg.norm(W, 2) ** t * (1 + 1e-9)
    walks = np.array(oracles.power_by_walks(W.tolist(), t))
    close(norm, torch.linalg.matrix_norm(torch.tensor(walks), ord=2), scale=1 + 3.0**t * 3**t)


def test_spectral_radius_is_that_of_an_upper_triangle_and_of_a_rotation():
    triangle = np.triu(np.ones((3, 3)), 1) * 50 + np.diag([0.25, -0.75, 0.5])
    assert_allclose(checked.spectral_radius(triangle), 0.75, rtol=1e-12)
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    assert_allclose(checked.spectral_radius(3 * turn), 3.0, rtol=1e-12)


@given(st.floats(-1.5, 1.5), numbers, st.integers(1, 7))
def test_jordan_power_is_a_power(a, k, t):
    block = np.array([[a, k], [0.0, a]])
    assert_allclose(
        checked.jordan_power(a, k, t), oracles.power_by_walks(block.tolist(), t), atol=1e-9
    )


# One linear unit, and the chain.


@given(arrays(np.float64, st.integers(1, 7), elements=st.integers(-9, 9).map(float)))
def test_the_restored_network_compares_even_with_odd_steps(x):
    difference = sum(v if (len(x) - t) % 2 == 0 else -v for t, v in enumerate(x, start=1))
    output = checked.last_output(1.0, 10.0, -1.0, x)
    close(output, torch.sigmoid(torch.tensor(10.0 * difference, dtype=torch.float64)))
    assert (output > 0.9999) == (difference > 0) and (output == 0.5) == (difference == 0)


@given(numbers, numbers, numbers, arrays(np.float64, st.integers(1, 6), elements=numbers))
def test_the_output_weighs_inputs_by_powers_of_w(u, v, w, x):
    h = sum(w ** (len(x) - t) * u * value for t, value in enumerate(x, start=1))
    assume(abs(v * h) < 700)  # beyond, the sigmoid of the definition overflows
    assert_allclose(checked.last_output(u, v, w, x), oracles.sigmoid(v * h), rtol=1e-6)


@given(st.floats(-12, 12), numbers, st.integers(2, 8), numbers)
def test_chain_is_its_definition_and_its_factors_are_torchs(w, x, steps, bias):
    close(checked.chain(w, x, steps, bias).h, oracles.chain_of_states(w, x, steps, bias))
    h = torch.sigmoid(torch.tensor(x + bias, dtype=torch.float64)) - 0.5
    factors = []
    for _ in range(steps - 1):
        old = h.detach().requires_grad_()
        h = torch.sigmoid(w * old + bias) - 0.5
        factors.append(torch.autograd.grad(h, old)[0].item())
    close(checked.chain_factors(w, x, steps, bias), factors)


@given(st.floats(-12, 12), numbers, numbers)
def test_no_factor_of_the_chain_exceeds_a_quarter_of_the_weight(w, x, bias):
    assert (abs(checked.chain_factors(w, x, 30, bias)) <= abs(w) / 4 + 1e-15).all()


def test_slope_and_shifted_sigmoid_are_their_definitions_and_keep_the_tails():
    z = np.linspace(-6, 6, 25)
    close(checked.shifted_sigmoid(z), [oracles.sigmoid(v) - 0.5 for v in z])
    close(checked.sigmoid_slope(z), [oracles.sigmoid(v) * (1 - oracles.sigmoid(v)) for v in z])
    slope = oracles.numerical_gradient(lambda v: float(oracles.sigmoid(v)), np.array(0.7))
    assert_allclose(checked.sigmoid_slope(0.7), slope, rtol=1e-8)
    assert_allclose(checked.sigmoid_slope(np.array([50.0])), math.exp(-50), rtol=1e-12)


# The cells.


def problem(name, seed=0, state=True):
    """A cell with random parameters, biases too, and a sequence."""
    g = np.random.default_rng(seed)
    cell = checked.CELLS[name]
    theta = checked.random_cell_parameters(cell, INPUTS, UNITS, g)
    theta = theta._replace(b=g.normal(size=theta.b.shape))
    x = g.normal(size=(STEPS, INPUTS))
    return cell, theta, x, g.normal(size=(1 + cell.memory, UNITS)) / 2 if state else None


def torch_states(name, W, U, b, x, state):
    """All states of a cell in torch; of torch's own cells where it has them."""
    h, c = state[0], state[-1]
    states = [state]
    for row in x:
        blocks = W.flatten(0, 1), U.flatten(0, 1), b.flatten(), torch.zeros_like(b.flatten())
        if name == "GRU":
            h = torch._VF.gru_cell(row[None], h[None], *blocks)[0]
        elif name == "LSTM":
            h, c = (s[0] for s in torch._VF.lstm_cell(row[None], (h[None], c[None]), *blocks))
        else:
            a = W @ row + U @ h + b
            if name in ("variant", "coupled"):
                f, o = torch.sigmoid(a[0]), torch.sigmoid(a[1])
                carry, write = (f * (1 - f), 1.0) if name == "variant" else (f, 1 - f)
                c = carry * c + write * torch.tanh(a[2])
                h = o * torch.tanh(c)
            else:
                h = {"linear": lambda v: v, "sigmoid": torch.sigmoid, "tanh": torch.tanh}[name](
                    a[0]
                )
        states.append(torch.stack([h, c]) if len(state) == 2 else h[None])
    return torch.stack(states)


@pytest.mark.parametrize("name", CELLS)
def test_cell_is_its_definition(name):
    cell, theta, x, state = problem(name)
    states = checked.forward(cell, theta, x, state).states
    h, c = list(state[0]), list(state[-1])
    for t, row in enumerate(x.tolist(), start=1):
        h, c = oracles.recurrent_step(name, *(p.tolist() for p in theta), row, h, c)
        close(states[t][0], h)
        if cell.memory:
            close(states[t][1], c)


@pytest.mark.parametrize("name", CELLS)
def test_cell_and_its_gradients_through_time_are_torchs(name):
    cell, theta, x, state = problem(name, seed=1)
    run = checked.forward(cell, theta, x, state)
    weights = rng().normal(size=run.states.shape)  # a loss that depends on every state
    tensors = [torch.tensor(p, requires_grad=True) for p in (*theta, x, state)]
    states = torch_states(name, *tensors)
    close(run.states, states.detach())
    expected = torch.autograd.grad((states * torch.tensor(weights)).sum(), tensors)
    ours = checked.backward(cell, theta, x, run, weights)
    for actual, theirs in zip((*ours.theta, ours.x, ours.state), expected, strict=True):
        close(actual, theirs)


@pytest.mark.parametrize("name", CELLS)
def test_gradient_through_time_is_the_slope_of_the_loss(name):
    cell, theta, x, state = problem(name, seed=2)
    run = checked.forward(cell, theta, x, state)
    weights = np.zeros_like(run.states)
    weights[-1] = 1.0
    slope = oracles.numerical_gradient(
        lambda U: checked.forward(cell, theta._replace(U=U), x, state).states[-1].sum(), theta.U
    )
    ours = checked.backward(cell, theta, x, run, weights).theta.U
    assert_allclose(ours, slope, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", CELLS)
def test_jacobian_is_torchs_and_the_product_of_both_paths(name):
    cell, theta, x, state = problem(name, seed=3)
    run = checked.forward(cell, theta, x, state)
    jacobian = torch.autograd.functional.jacobian(
        lambda s: torch_states(name, *(torch.tensor(p) for p in (*theta, x)), s)[-1],
        torch.tensor(state),
    )
    close(checked.state_jacobian(cell, theta, run), jacobian.reshape(state.size, state.size))
    direct, recurrent = checked.step_jacobians(cell, theta, run)
    product = np.linalg.multi_dot((direct + recurrent)[::-1])
    close(checked.state_jacobian(cell, theta, run), product)


@pytest.mark.parametrize("name", CELLS)
def test_direct_path_is_what_is_left_without_recurrent_weights(name):
    cell, theta, x, state = problem(name, seed=4)
    theta = theta._replace(U=np.zeros_like(theta.U))
    run = checked.forward(cell, theta, x, state)
    close(checked.step_jacobians(cell, theta, run).recurrent, 0.0)
    jacobian = torch.autograd.functional.jacobian(
        lambda s: torch_states(name, *(torch.tensor(p) for p in (*theta, x)), s)[-1],
        torch.tensor(state),
    )
    direct = checked.state_jacobian(cell, theta, run, direct_only=True)
    close(direct, jacobian.reshape(state.size, state.size))


@pytest.mark.parametrize("name", CELLS)
def test_sensitivity_is_the_norm_of_torchs_jacobian(name):
    cell, theta, x, state = problem(name, seed=5)
    run = checked.forward(cell, theta, x, state)
    fixed = [torch.tensor(p) for p in theta]
    jacobian = torch.autograd.functional.jacobian(
        lambda inputs: torch_states(name, *fixed, inputs, torch.tensor(state))[-1][0],
        torch.tensor(x),
    )
    norms = torch.linalg.matrix_norm(jacobian.permute(1, 0, 2)).flip(0)
    close(checked.input_sensitivity(cell, theta, run), norms)


@given(st.integers(0, 1000))
def test_carry_of_the_variant_is_at_most_a_quarter_and_its_memory_at_most_four_thirds(seed):
    cell, theta, x, _ = problem("variant", seed, state=False)
    run = checked.forward(cell, theta, 5 * x)
    assert (abs(run.states[:, 1]) <= 4 / 3).all()
    direct = checked.step_jacobians(cell, theta, run).direct
    assert (abs(direct) <= 1 / 4).all()


def test_carry_of_the_coupled_cell_and_of_the_lstm_can_be_one():
    for name in ("coupled", "LSTM"):
        cell, theta, x, _ = problem(name)
        theta = theta._replace(
            b=theta.b + 40.0 * np.array([[block == "f"] for block in cell.blocks])
        )
        run = checked.forward(cell, theta, x)
        close(checked.state_jacobian(cell, theta, run, direct_only=True)[UNITS:, UNITS:], np.eye(3))


def test_forget_bias_goes_to_the_gate_that_keeps_the_state():
    for name, block in (("variant", 0), ("coupled", 0), ("LSTM", 1), ("GRU", 1)):
        theta = checked.random_cell_parameters(checked.CELLS[name], 2, 3, rng(), forget_bias=2.0)
        assert np.flatnonzero(theta.b.any(axis=1)).tolist() == [block]
        assert (theta.b[block] == 2.0).all()


def test_random_weights_have_their_variances():
    theta = checked.random_cell_parameters(checked.LSTM, 50, 200, rng())
    assert_allclose(theta.W.var() * 50, 1.0, rtol=0.05)
    assert_allclose(theta.U.var() * 200, 1.0, rtol=0.05)


# One derivative of the variant.

weights_of_one_unit = arrays(np.float64, (3, 3), elements=numbers)


@given(weights_of_one_unit, numbers, numbers, st.floats(-1, 1), st.floats(-1, 1))
def test_the_eight_paths_add_up_to_the_derivative(weights, x0, x1, h, c):
    total = checked.variant_paths(weights, x0, x1, h, c).sum()
    slope = oracles.numerical_gradient(
        lambda x: oracles.second_memory_of_the_variant(weights.tolist(), float(x), x1, h, c), x0
    )
    assert_allclose(total, slope, rtol=1e-6, atol=1e-8)
    theta = checked.Parameters(*weights.T.reshape(3, 3, 1, 1))
    theta = theta._replace(b=theta.b[:, :, 0])
    x, state = np.array([[x0], [x1]]), np.array([[h], [c]])
    run = checked.forward(checked.VARIANT, theta, x, state)
    only_c1 = np.zeros_like(run.states)
    only_c1[-1, 1] = 1.0
    close(total, checked.backward(checked.VARIANT, theta, x, run, only_c1).x[0, 0])


def test_the_eight_paths_are_torchs_when_all_others_are_cut():
    weights, x0, x1, h, c = rng().normal(size=(3, 3)), 0.3, -0.8, 0.2, 0.7
    sources = ("f0", "g0", "o0")

    def memory(source, ending):
        w = torch.tensor(weights)
        x = torch.tensor(x0, dtype=torch.float64, requires_grad=True)

        def pre(row, value, state):
            return w[row, 0] * value + w[row, 1] * state + w[row, 2]

        seen = {name: x if name == source else x.detach() for name in sources}
        f = torch.sigmoid(pre(0, seen["f0"], h))
        o = torch.sigmoid(pre(1, seen["o0"], h))
        c0 = f * (1 - f) * c + torch.tanh(pre(2, seen["g0"], h))
        h0 = o * torch.tanh(c0)
        f1 = torch.sigmoid(pre(0, x1, h0 if ending == "f1" else h0.detach()))
        g1 = torch.tanh(pre(2, x1, h0 if ending == "g1" else h0.detach()))
        c1 = f1 * (1 - f1) * (c0 if ending == "carry" else c0.detach()) + g1
        return torch.autograd.grad(c1, x)[0].item()

    expected = [memory(path.split(", ")[0], path.split(", ")[-1]) for path in checked.PATHS]
    close(checked.variant_paths(weights, x0, x1, h, c), expected)


# Residual units.


def unit_of(seed, n=3, m=4):
    g = np.random.default_rng(seed)
    return checked.Residual(*(g.normal(size=s) for s in ((m, n), m, (n, m)))), g.normal(size=n)


PHI = {
    "linear": (float, lambda z: z),
    "sigmoid": (oracles.sigmoid, torch.sigmoid),
    "tanh": (math.tanh, torch.tanh),
    "relu": (lambda z: max(z, 0.0), torch.relu),
}


@pytest.mark.parametrize("activation", PHI)
def test_residual_unit_and_its_gradients_are_torchs(activation):
    unit, x = unit_of(0)
    definition, theirs = PHI[activation]
    expected = oracles.residual_output(*(p.tolist() for p in unit), x.tolist(), definition)
    close(checked.residual(unit, x, activation), expected)
    close(checked.residual(unit, x, activation, skip=False), np.array(expected) - x)
    grad = rng().normal(size=3)
    for skip in (True, False):
        tensors = [torch.tensor(p, requires_grad=True) for p in (*unit, x)]

        def output(W1, b1, W2, x, skip=skip):
            y = W2 @ theirs(W1 @ x + b1)
            return x + y if skip else y

        expected = torch.autograd.grad(output(*tensors) @ torch.tensor(grad), tensors)
        inner, before = checked.residual_backward(unit, x, grad, activation, skip)
        for ours, value in zip((*inner, before), expected, strict=True):
            close(ours, value)
        fixed = partial(output, *(tensor.detach() for tensor in tensors[:3]))
        jacobian = torch.autograd.functional.jacobian(fixed, torch.tensor(x))
        close(checked.residual_jacobian(unit, x, activation, skip), jacobian)


def test_stack_jacobian_is_the_slope_of_the_stack():
    units, x = [unit_of(seed)[0] for seed in range(3)], unit_of(9)[1]
    for i in range(3):

        def entry(start, i=i):
            for unit in units:
                start = checked.residual(unit, start)
            return start[i]

        slope = oracles.numerical_gradient(entry, x)
        assert_allclose(checked.stack_jacobian(units, x)[i], slope, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("activation", PHI)
def test_without_outgoing_weights_a_unit_is_the_identity_for_every_activation(activation):
    unit, x = unit_of(1)
    unit = unit._replace(W2=np.zeros_like(unit.W2))
    assert (checked.residual(unit, x, activation) == x).all()
    assert (checked.residual_jacobian(unit, x, activation) == np.eye(3)).all()
    inner, before = checked.residual_backward(unit, x, np.ones(3), activation)
    assert (before == 1).all() and not inner.W1.any() and not inner.b1.any() and inner.W2.any()


@given(st.integers(0, 1000), st.floats(0.01, 0.9))
def test_singular_values_of_a_unit_stay_within_the_size_of_its_branch(seed, size):
    unit, x = unit_of(seed)
    branch = np.linalg.norm(unit.W2, 2) * np.linalg.norm(unit.W1, 2)
    unit = unit._replace(W2=unit.W2 * size / branch)
    values = np.linalg.svd(checked.residual_jacobian(unit, x), compute_uv=False)
    assert 1 - size - 1e-12 <= values.min() and values.max() <= 1 + size + 1e-12


# The experiments: what their figures claim.


def mean_logs(norms):
    """Logarithm of the geometric mean over the seeds, for each lag."""
    return np.log(norms).mean(axis=0)


def test_powers_grow_or_shrink_by_their_radius_in_the_end():
    result = experiments.radius_decides(rng())
    assert (result.norm > 1.6).all()
    rate = (result.norms[:, 100] / result.norms[:, 60]) ** (1 / 40)
    assert_allclose(rate, result.radius, rtol=0.01)


def test_a_norm_above_one_does_not_explode_and_a_radius_below_one_does_vanish():
    result = experiments.norm_misleads(rng())
    assert result.norm[0] > 1.4 and result.norms[0, 60] < 1e-5
    assert (result.norms[0] >= result.radius[0] ** np.arange(61) * (1 - 1e-9)).all()


def test_growth_before_decay_is_stated_rightly():
    result = experiments.transient_growth()
    assert result.norms.max(axis=1).round(1).tolist() == [1.0, 2.8, 26.9]
    assert result.norms.argmax(axis=1).tolist() == [0, 6, 6]
    assert_allclose(result.radius, 0.9, rtol=1e-12)


@pytest.mark.parametrize("sign", [1, -1])
def test_powers_of_a_normal_matrix_have_no_hump(sign):
    W = rng().normal(size=(4, 4))
    W = W + sign * W.T  # symmetric, or antisymmetric with imaginary eigenvalues
    W = 0.9 / recurrent.spectral_radius(W) * W
    close(recurrent.power_norms(W, 20), 0.9 ** np.arange(21))


def test_slopes_below_one_can_raise_the_spectral_radius():
    W = np.array([[2.0, -2.0], [2.0, -2.0]])
    assert not (W @ W).any()  # nilpotent, so its radius is 0
    assert_allclose(recurrent.spectral_radius(np.diag([1.0, 0.25]) @ W), 1.5, rtol=1e-9)


def test_defective_matrices_grow_like_t_or_by_a_hump():
    result = experiments.defective()
    t = np.arange(61)
    closed = [np.linalg.norm(recurrent.jordan_power(1.0, 1.0, k), 2) for k in t[1:].tolist()]
    close(result.norms[0][1:], closed)
    assert_allclose(result.norms[0, 60], 60, rtol=1e-3)
    assert result.norms[2].argmax() == 9 and result.norms[2, -1] < 0.2
    close(result.norms[1], 1.0)
    close(result.norms[3], 0.9**t)


def test_complex_eigenvalues_turn_by_their_angle_and_scale_by_their_size():
    result = experiments.spirals()
    length = np.linalg.norm(result.points, axis=2)
    close(length, result.radius[:, None] ** np.arange(41))
    assert_allclose(result.points[1, 12], result.points[1, 0], atol=1e-12)  # 12 times 30 degrees


def test_input_weights_are_powers_of_w():
    result = experiments.input_weights()
    for (w, steps), weights in zip(result.cases, result.weights, strict=True):
        close(weights, [w ** (steps - t) for t in range(1, steps + 1)])


def test_threshold_is_four_for_either_sign_at_zero():
    result = experiments.chain_at_zero()
    close(result.size, abs(result.w[:, None] / 4) ** np.arange(1, 31))


def test_a_tiny_input_leaves_the_exploding_trajectory():
    result = experiments.chain_off_zero()
    assert_allclose(result.size[0, -1], 2.0**60, rtol=1e-12)
    assert result.size[1].max() > 7e5 and result.size[1, -1] < 1e-24  # stated beside the figure
    assert_allclose(result.h[1:, -1], 0.4788, atol=1e-4)


def test_no_weight_and_no_bias_explodes_in_the_long_run():
    result = experiments.chain_map(points=61)
    assert result.factor.max() < 1
    assert (result.factor <= abs(result.w) / 4 + 1e-12).all()


def test_paths_of_the_example_are_those_of_the_text():
    result = experiments.paths()
    assert result.zero.sum().round(3) == 0.335 and result.other.sum().round(3) == 0.253
    assert (result.zero == 0).sum() == 3 and (result.other != 0).all()
    through_f0 = result.other[[name.startswith("f0") for name in result.names]]
    assert (through_f0 < 0).tolist() == [True, False, True] and (abs(through_f0) < 0.03).all()
    for path in (result.zero, result.other):
        assert path[:2].sum() < path.sum() / 3


def test_order_of_the_cells_at_a_lag_of_forty():
    result = experiments.cells_by_lag(rng())
    last = {name: mean_logs(norms)[40] for name, norms in result.norms.items()}
    rest = [value for name, value in last.items() if name not in ("sigmoid", "variant")]
    assert last["sigmoid"] < last["variant"] < min(rest)
    rate = {m: np.exp((mean_logs(n)[40] - mean_logs(n)[10]) / 30) for m, n in result.norms.items()}
    assert rate["sigmoid"] < 0.25 < rate["variant"] < 0.5 < rate["LSTM"]


def test_most_of_the_variants_gradient_does_not_take_the_direct_path():
    result = experiments.paths_by_lag(rng())
    direct, whole = result.norms["direct"], result.norms["all"]
    assert (direct[:, 1:] <= 4.0 ** -result.lag[1:] * direct[:, :1] * 3).all()
    assert mean_logs(direct)[40] - mean_logs(direct)[0] < -40 * np.log(4)
    assert (mean_logs(whole)[5:] - mean_logs(direct)[5:] > np.log(10)).all()  # nine tenths by U
    assert mean_logs(whole)[40] - mean_logs(direct)[40] > 20
    assert mean_logs(result.norms["all, 3 U"])[40] > mean_logs(result.norms["sigmoid, 3 U"])[40]


def test_an_open_forget_gate_helps_the_coupled_carry_and_harms_the_printed_one():
    result = experiments.open_gates(rng())
    for cell, order in (("variant", -1), ("coupled", 1)):
        ends = [mean_logs(result.norms[f"{cell}, {bias}"])[40] for bias in (0, 2, 6)]
        assert (np.sign(np.diff(ends)) == order).all()


def test_training_recalls_the_first_input_over_short_lags_first():
    result = experiments.recall(rng(), lags=(2, 10), steps=60, seeds=2)
    coupled, sigmoid = result.accuracy["coupled"], result.accuracy["sigmoid"]
    assert (coupled > 0.95).all()
    assert sigmoid[1].max() < 0.7


def test_only_small_branches_keep_the_singular_values_near_one():
    values = experiments.residual_depths(rng()).values
    assert (values["W2 = 0"] == 1).all()
    assert 0.8 < values["W2 / L"].min() and values["W2 / L"].max() < 1.2
    assert values["W2"][-1, 1] > 50 and values["W2"][-1, 0] < 1e-2
    plain = values["no skip"]
    assert plain[-1, 1] < 0.2 and plain[:, 1].argmin() == 40 and plain[-1, 0] < 1e-15


def test_zero_outgoing_weights_cost_the_first_step_and_two_zeros_cost_all():
    record = experiments.zero_start(rng())
    assert record.W1[0] == 0 and (record.W1[1:] > 0).all() and record.W2[0] > 0
    assert record.loss[-1] < record.loss[0] / 5
    stuck = experiments.zero_start(rng(), inner=0.0, steps=5)
    assert not stuck.W1.any() and not stuck.W2.any() and np.ptp(stuck.loss) == 0


def test_stack_gradients_are_the_slope_of_the_loss():
    g = rng()
    units = [unit_of(seed, n=2, m=3)[0] for seed in range(3)]
    x, target = g.normal(size=(4, 2)), g.normal(size=(4, 2))
    _, gradients = experiments._stack_gradients(units, x, target)
    for i, name in ((0, "W1"), (1, "b1"), (2, "W2")):

        def loss(p, i=i, name=name):
            changed = [u._replace(**{name: p}) if j == i else u for j, u in enumerate(units)]
            return experiments._stack_gradients(changed, x, target)[0]

        slope = oracles.numerical_gradient(loss, getattr(units[i], name))
        assert_allclose(gradients[i]["W1 b1 W2".split().index(name)], slope, rtol=1e-6, atol=1e-8)


FIGURES = {
    "radius_decides": lambda: experiments.radius_decides(rng()),
    "norm_misleads": lambda: experiments.norm_misleads(rng()),
    "transient_growth": experiments.transient_growth,
    "defective": experiments.defective,
    "spirals": experiments.spirals,
    "input_weights": experiments.input_weights,
    "chain_at_zero": experiments.chain_at_zero,
    "chain_off_zero": experiments.chain_off_zero,
    "chain_map": lambda: experiments.chain_map(points=21, settle=50, steps=10),
    "paths": experiments.paths,
    "cells_by_lag": lambda: experiments.cells_by_lag(rng(), seeds=2),
    "paths_by_lag": lambda: experiments.paths_by_lag(rng(), seeds=2),
    "open_gates": lambda: experiments.open_gates(rng(), seeds=2),
    "recall": lambda: experiments.recall(rng(), lags=(2, 3), steps=2, seeds=2),
    "residual_depths": lambda: experiments.residual_depths(rng()),
    "zero_start": lambda: experiments.zero_start(rng(), steps=8),
}


@pytest.mark.parametrize("name", FIGURES)
def test_figure_is_drawn_with_the_same_bytes_each_time(name):
    figures.check(getattr(plots, name), FIGURES[name]())


def test_every_figure_is_drawn_above():
    assert figures.public(plots) == set(FIGURES)


# Bad input: a message that names both sides.

ONE, TWO, NAN = np.ones((1, 1)), np.ones((2, 2)), np.array([[np.nan]])
THETA = recurrent.Parameters(np.ones((1, 3, 2)), np.ones((1, 3, 3)), np.ones((1, 3)))
UNIT = recurrent.Residual(np.ones((4, 3)), np.ones(4), np.ones((3, 4)))
RUN = recurrent.forward(recurrent.TANH, THETA, np.ones((2, 2)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: recurrent.linear_states(np.ones((2, 3)), TWO, ONE[0], TWO, ONE[0]),
            "W must be square, but its shape is (2, 3)",
        ),
        (
            lambda: recurrent.linear_states(TWO, np.ones((3, 2)), np.ones(2), TWO, np.ones(2)),
            "W (2, 2) with U (3, 2): W has 2 rows, U has 3",
        ),
        (
            lambda: recurrent.linear_unrolled(TWO, TWO, np.ones(3), TWO, np.ones(2)),
            "W (2, 2) with b (3,): W has 2 rows, b has 3",
        ),
        (
            lambda: recurrent.linear_unrolled(TWO, TWO, np.ones(2), np.ones((4, 3)), np.ones(2)),
            "x (4, 3) with U (2, 2): x has 3 columns, U has 2",
        ),
        (lambda: recurrent.spectral_radius(NAN), "W must be finite, but W[0, 0] is nan"),
        (lambda: recurrent.power_norms(TWO, 0), "steps must be a positive integer, but is 0"),
        (lambda: recurrent.jordan_power(1.0, 1.0, 1.5), "t must be a positive integer, but is 1.5"),
        (lambda: recurrent.last_output(1, 1, 1, []), "x must not be empty, but its shape is (0,)"),
        (lambda: recurrent.chain(np.inf, 1, 2), "w must be finite, but w is inf"),
        (lambda: recurrent.chain(1, 1, 0), "steps must be a positive integer, but is 0"),
        (
            lambda: recurrent.chain_factors(1, 1, 1),
            "a chain of 1 state has no step from one state to the next",
        ),
        (
            lambda: recurrent.random_cell_parameters(recurrent.TANH, 1, 1, rng(), 1.0),
            "forget_bias is 1.0, but the tanh cell has no gate",
        ),
        (
            lambda: recurrent.forward(recurrent.GRU, THETA, np.ones((4, 2))),
            "W (1, 3, 2) has 1 blocks, but the GRU cell has 3",
        ),
        (
            lambda: recurrent.forward(recurrent.TANH, THETA, np.ones((4, 3))),
            "x (4, 3) with W (1, 3, 2): x has 3 columns, W has 2",
        ),
        (
            lambda: recurrent.forward(
                recurrent.TANH, THETA._replace(U=np.ones((1, 3, 2))), np.ones((4, 2))
            ),
            "W (1, 3, 2) with U (1, 3, 2): U of the tanh cell must have the shape (1, 3, 3)",
        ),
        (
            lambda: recurrent.forward(recurrent.TANH, THETA, np.ones((4, 2)), np.ones((2, 3))),
            "W (1, 3, 2) with state (2, 3): state of the tanh cell must have the shape (1, 3)",
        ),
        (
            lambda: recurrent.backward(
                recurrent.TANH, THETA, np.ones((2, 2)), RUN, np.ones((2, 1, 3))
            ),
            "grad_states (2, 1, 3) and states (3, 1, 3) must have the same shape",
        ),
        (
            lambda: recurrent.backward(
                recurrent.TANH, THETA, np.ones((3, 2)), RUN, np.ones((3, 1, 3))
            ),
            "x (3, 2) has 3 steps, but the run has 2",
        ),
        (
            lambda: recurrent.variant_paths(TWO, 0, 0, 0, 0),
            "weights must have the shape (3, 3), but it is (2, 2)",
        ),
        (
            lambda: recurrent.residual(UNIT, np.ones(2)),
            "x (2,) with W1 (4, 3): x has 2 entries, W1 3 columns",
        ),
        (
            lambda: recurrent.residual_jacobian(UNIT._replace(W2=np.ones((4, 3))), np.ones(3)),
            "W1 (4, 3) with W2 (4, 3): W2 must have the shape (3, 4)",
        ),
        (
            lambda: recurrent.residual_backward(UNIT, np.ones(3), np.ones(2)),
            "grad (2,) and x (3,) must have the same shape",
        ),
        (
            lambda: recurrent.residual(UNIT, np.ones(3), "softmax"),
            "activation 'softmax' is not one of linear, sigmoid, tanh, relu",
        ),
        (
            lambda: recurrent.stack_jacobian([], np.ones(3)),
            "0 units: a stack needs at least one",
        ),
    ],
)
def test_bad_input_is_refused_and_named(call, message):
    with pytest.raises(ValueError) as refusal:
        call()
    assert str(refusal.value) == message
