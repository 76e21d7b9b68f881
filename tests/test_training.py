"""Chapter training: each function against its definition, against torch, and against invariants."""

import math
from itertools import combinations, product

import figures
import jaxtyping
import numpy as np
import oracles
import pytest
import torch
import torch.nn.functional as F
from annotated import annotated
from fullmarks import training
from fullmarks.experiments import training as experiments
from fullmarks.plots import papers
from fullmarks.plots import training as plots
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose
from oracles import close

checked = annotated(training)

NAMES = list(training.ACTIVATIONS)
Z = np.linspace(-6, 6, 25)[np.arange(25) != 12]  # away from the kinks at 0
TORCHS = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "ReLU": torch.relu,
    "leaky ReLU": F.leaky_relu,
    "softplus": F.softplus,
}


def rng():
    return np.random.default_rng(0)


# Activation functions.


@pytest.mark.parametrize("name", NAMES)
def test_activation_and_slope_are_the_definition_and_its_differences(name):
    value, slope, *_ = checked.ACTIVATIONS[name]
    close(value(Z), [oracles.activation(name, z) for z in Z])
    differences = [oracles.numerical_gradient(lambda z: oracles.activation(name, z), z) for z in Z]
    assert_allclose(slope(Z), differences, atol=1e-8)


@pytest.mark.parametrize("name", TORCHS)
def test_activation_and_slope_are_torchs_also_at_zero_and_far_out(name):
    z = torch.tensor([-30.0, -3.0, 0.0, 0.5, 15.0], dtype=torch.float64, requires_grad=True)
    y = TORCHS[name](z)
    (slope,) = torch.autograd.grad(y.sum(), z)
    ours = checked.ACTIVATIONS[name]
    close(ours.value(z.detach().numpy()), y.detach())
    close(ours.slope(z.detach().numpy()), slope)


@pytest.mark.parametrize("name", NAMES)
def test_range_and_bound_of_the_slope_hold_and_are_tight(name):
    value, slope, infimum, supremum, steepest = checked.ACTIVATIONS[name]
    z = np.array([-1e3, -30.0, -1.0, -1e-9, 0.0, 1e-9, 1.0, 30.0, 1e3])
    assert (value(z) >= infimum).all() and (value(z) <= supremum).all()
    if np.isfinite(infimum):
        assert value(z).min() - infimum < 1e-12
    if np.isfinite(supremum):
        assert supremum - value(z).max() < 1e-12
    assert (slope(z) <= steepest).all() and (slope(z) >= 0).all()
    assert steepest - slope(z).max() < 1e-12


def test_slopes_keep_their_tails_where_the_function_has_rounded_to_its_end():
    assert np.tanh(25.0) == 1.0
    assert_allclose(checked.tanh_slope(np.array([25.0, -25.0])), 4 * math.exp(-50), rtol=1e-12)


def test_tanh_is_flatter_than_the_sigmoid_exactly_beyond_1_663():
    z = np.linspace(0, 5, 5001)
    flatter = checked.tanh_slope(z) < checked.ACTIVATIONS["sigmoid"].slope(z)
    assert z[flatter][0] - z[1] < checked.FLATTER <= z[flatter][0]
    assert (np.diff(flatter.astype(int)) >= 0).all()
    assert round(checked.FLATTER, 3) == 1.663


def test_leaky_relu_between_relu_and_the_identity():
    assert (checked.leaky_relu(Z, 0.0) == checked.relu(Z)).all()
    assert (checked.leaky_relu(Z, 1.0) == Z).all()
    assert (checked.leaky_relu_slope(Z, 0.0) == checked.relu_slope(Z)).all()


# Depth.


@pytest.fixture(params=["tanh", "leaky ReLU", "softplus"])
def deep(request):
    random = rng()
    weights = [random.normal(size=shape) for shape in [(4, 3), (5, 4), (2, 5)]]
    return request.param, random.normal(size=(6, 3)), weights, random.normal(size=(6, 2))


def test_signals_are_the_definition(deep):
    name, x, weights, _ = deep
    found = checked.signals(x, weights, checked.ACTIVATIONS[name])
    for row, ours in zip(x, zip(*found.h, strict=True), strict=True):
        for layer, expected in zip(ours, oracles.deep_outputs(name, weights, row), strict=True):
            close(layer, expected)


def test_errors_and_gradients_are_torchs(deep):
    name, x, weights, adjoint = deep
    tensors = [torch.tensor(W, requires_grad=True) for W in weights]
    h, pre = torch.tensor(x), []
    for W in tensors:
        pre.append(h @ W.T)
        h = TORCHS[name](pre[-1])
    loss = (h * torch.tensor(adjoint)).sum()
    theirs = torch.autograd.grad(loss, [*pre, *tensors])
    found = checked.signals(x, weights, checked.ACTIVATIONS[name])
    deltas = checked.errors(found, weights, checked.ACTIVATIONS[name], adjoint)
    ours = [*deltas, *checked.weight_gradients(x, found, deltas)]
    for a, b in zip(ours, theirs, strict=True):
        close(a, b)


def test_weight_gradient_is_the_slope_of_the_definition(deep):
    name, x, weights, adjoint = deep

    def loss(W):
        outputs = [oracles.deep_outputs(name, [W, *weights[1:]], row)[-1] for row in x]
        return (np.array(outputs) * adjoint).sum()

    found = checked.signals(x, weights, checked.ACTIVATIONS[name])
    deltas = checked.errors(found, weights, checked.ACTIVATIONS[name], adjoint)
    assert_allclose(
        checked.weight_gradients(x, found, deltas)[0],
        oracles.numerical_gradient(loss, weights[0]),
        rtol=1e-6,
        atol=1e-8,
    )


def test_error_of_a_sigmoid_network_obeys_the_bound():
    weights = checked.random_weights([8] * 7, 1.0, rng())
    sigmoid = checked.ACTIVATIONS["sigmoid"]
    found = checked.signals(rng().normal(size=(1, 8)), weights, sigmoid)
    deltas = checked.errors(found, weights, sigmoid, np.ones((1, 8)))
    norms = [np.linalg.norm(d) for d in deltas]
    for below, above, W in zip(norms[:-1], norms[1:], weights[1:], strict=True):
        assert below <= 0.25 * np.linalg.norm(W, 2) * above


# First weights.


@given(st.integers(1, 500), st.integers(1, 500))
def test_xavier_lies_between_both_conditions_and_meets_both_only_for_equal_sizes(m, n):
    variance = checked.xavier_variance(m, n)
    assert min(1 / m, 1 / n) <= variance * (1 + 1e-12)
    assert variance <= max(1 / m, 1 / n) * (1 + 1e-12)
    assert (m == n) == math.isclose(m * variance, n * variance) == math.isclose(m * variance, 1)


def test_initial_variances_are_torchs():
    W = torch.empty(400, 300, dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    torch.nn.init.xavier_normal_(W, generator=generator)
    assert_allclose(W.var().item(), checked.xavier_variance(300, 400), rtol=0.02)
    torch.nn.init.kaiming_normal_(W, generator=generator)
    assert_allclose(W.var().item(), checked.he_variance(300), rtol=0.02)


def test_random_weights_have_the_variance_that_is_asked_for():
    (W,) = checked.random_weights([300, 400], 3.0, rng())
    assert_allclose(W.var(), 9 / 300, rtol=0.02)


def test_he_keeps_the_second_moment_through_a_relu_and_xavier_halves_it():
    relu = checked.ACTIVATIONS["ReLU"]
    close(checked.wide_network(2.0, math.sqrt(2), relu, 4).q, [2.0] * 4)
    close(checked.wide_network(2.0, 1.0, relu, 4).q, [2.0, 1.0, 0.5, 0.25])


# All examples of a sigmoid network look alike, so its moments are means over 1000 units alone.
@pytest.mark.parametrize(
    "name, gain, rtol", [("tanh", 1.0, 0.03), ("tanh", 3.0, 0.03), ("sigmoid", 1.0, 0.1)]
)
def test_a_wide_network_is_what_the_theory_says(name, gain, rtol):
    activation, random = checked.ACTIVATIONS[name], rng()
    weights = checked.random_weights([1000] * 5, gain, random)
    found = checked.signals(random.normal(size=(20, 1000)), weights, activation)
    theory = checked.wide_network(gain**2, gain, activation, 4)
    assert_allclose([(z**2).mean() for z in found.z], theory.q, rtol=rtol)
    assert_allclose([(activation.slope(z) ** 2).mean() for z in found.z], theory.slope, rtol=rtol)


def test_tanh_at_gain_one_shrinks_like_one_over_twice_the_depth():
    q = checked.wide_network(1.0, 1.0, checked.ACTIVATIONS["tanh"], 2000).q
    assert_allclose(q[-1] * 2 * 2000, 1.0, rtol=0.01)


# Step sizes.


@given(
    arrays(np.float64, 3, elements=st.floats(0, 5)),
    arrays(np.float64, 3, elements=st.floats(-3, 3)),
    st.floats(0.01, 1),
)
def test_losses_on_a_quadratic_are_those_of_descending_it(curvatures, start, rate):
    losses = checked.quadratic_losses(curvatures, start, rate, 5)
    expected = oracles.descended_losses(curvatures, start, rate, 5)
    assert_allclose(losses, expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("factor, falls", [(0.999, True), (1.001, False)])
def test_threshold_separates_falling_from_rising(factor, falls):
    basis = np.linalg.qr(rng().normal(size=(4, 4)))[0]
    hessian = basis @ np.diag([0.1, 1.0, 2.0, 7.0]) @ basis.T
    hessian = (hessian + hessian.T) / 2
    assert_allclose(checked.largest_rate(hessian), 2 / 7, rtol=1e-12)
    w = rng().normal(size=4)
    losses = []
    for _ in range(20_000):
        losses.append(w @ hessian @ w / 2)
        w = w - factor * checked.largest_rate(hessian) * hessian @ w
    assert (losses[-1] < 1e-12) if falls else (losses[-1] > 1e6)


def test_at_the_threshold_the_steepest_direction_neither_shrinks_nor_grows():
    losses = checked.quadratic_losses(np.array([8.0]), np.array([1.0]), 0.25, 9)
    assert losses.tolist() == [4.0] * 10


def test_a_steep_direction_that_starts_at_its_minimum_adds_nothing():
    losses = checked.quadratic_losses(np.array([2.0, 1e6]), np.array([1.0, 0.0]), 0.5, 300)
    assert losses.tolist() == [1.0] + [0.0] * 300


@pytest.mark.parametrize("letter", papers.LEARNING_RATES)
def test_expected_losses_are_the_curves_of_the_paper(letter):
    rate = papers.LEARNING_RATES[letter]
    ours = checked.expected_losses(rate, 6.0, 220.0, 100)
    assert_allclose(ours, papers.sgd_loss(rate, np.arange(101) / 50), rtol=1e-9)


def test_expected_losses_are_the_mean_of_many_runs():
    random, w = rng(), np.full(200_000, math.sqrt(2 / 3.0))
    losses = []
    for _ in range(6):
        losses.append((1.5 * w**2).mean())
        w -= 0.2 * (3.0 * w + 2.0 * random.normal(size=len(w)))
    assert_allclose(checked.expected_losses(0.2, 3.0, 4.0, 5), losses, rtol=0.02)


@given(st.floats(0.01, 0.95), st.floats(0.1, 10), st.floats(0, 10))
def test_noise_floor_is_where_the_expected_loss_stays(share, curvature, noise):
    rate = 2 * share / curvature
    floor = checked.noise_floor(rate, curvature, noise)
    close(checked.expected_losses(rate, curvature, noise, 3, floor), [floor] * 4, scale=1e3)


# Candidates for a rate.


def test_shares_are_the_frequencies_of_draws():
    u = rng().uniform(size=200_000)
    linear, log = 0.01 + 0.99 * u, 0.01 ** (1 - u)
    for a, b in [(0.02, 0.05), (0.1, 1.0), (0.001, 0.03), (2.0, 3.0)]:
        for ours, draws in [
            (checked.linear_share(0.01, 1.0, a, b), linear),
            (checked.log_share(0.01, 1.0, a, b), log),
        ]:
            assert abs(ours - ((draws >= a) & (draws <= b)).mean()) < 0.005


@given(st.floats(0.01, 1), st.floats(0.01, 1))
def test_shares_of_both_sides_add_up(a, b):
    a, b = sorted([a, b])
    for share in (checked.linear_share, checked.log_share):
        total = share(0.01, 1.0, 0.01, a) + share(0.01, 1.0, a, b) + share(0.01, 1.0, b, 1.0)
        close(total, 1.0)


# Batches.


@pytest.mark.parametrize("batch", [1, 2, 3, 5])
def test_variances_are_the_means_over_all_batches(batch):
    g = rng().normal(size=(5, 2))
    every = product(range(5), repeat=batch)
    close(checked.variance_with_replacement(g, batch), oracles.batch_variance(g, every))
    different = combinations(range(5), batch)
    close(checked.variance_without_replacement(g, batch), oracles.batch_variance(g, different))


def test_a_batch_of_all_examples_has_no_variance_only_without_replacement():
    g = rng().normal(size=(5, 2))
    assert checked.variance_without_replacement(g, 5) == 0.0
    assert checked.variance_with_replacement(g, 5) > 0.1
    assert checked.variance_without_replacement(g[:1], 1) == 0.0


# The experiments: what their figures and the chapter claim.


def test_errors_vanish_through_sigmoids_and_not_through_rectifiers():
    found = experiments.errors_by_layer(rng())
    assert found["sigmoid"][0] < 1e-12  # stated beside the figure
    assert 4 < (found["sigmoid"][-1] / found["sigmoid"][0]) ** (1 / 19) < 5
    assert 0.1 < found["tanh"][0] < 0.3
    for name in ("ReLU", "leaky ReLU"):
        assert (abs(np.log2(found[name] / math.sqrt(1 / 2))) < 0.3).all()


def test_three_sizes_of_first_weights():
    small, xavier, large = experiments.initial_signals(rng()).values()
    for start in (small, xavier, large):
        assert_allclose(start.spread, start.theory, rtol=0.1)
    assert small.spread[-1] < 1e-6 and small.error[0] < 1e-6
    assert xavier.spread[-1] > 0.2 and xavier.error[0] > 0.2
    assert large.slope.max() < 0.2 and large.error[0] > 100 * large.error[-1]


def test_each_rule_keeps_what_it_is_made_for():
    inputs, outputs, xavier = experiments.both_conditions(rng()).values()
    ratio = experiments.FUNNEL[0] / experiments.FUNNEL[-1]
    assert_allclose(inputs.forward, 1, rtol=0.1)
    assert_allclose(outputs.backward, 1, rtol=0.1)
    assert_allclose(inputs.backward[0], 1 / ratio, rtol=0.2)
    assert_allclose(outputs.forward[-1], ratio, rtol=0.2)
    assert_allclose(xavier.forward[-1], (4 / 3) ** 5, rtol=0.2)
    assert_allclose(xavier.backward[0], (2 / 3) ** 5, rtol=0.2)


def test_long_steps_kill_units():
    result = experiments.dead_units(rng())
    best = result.loss.argmin()
    assert result.at_start == 0 and (result.share[result.rate < 1] == 0).all()
    assert 0.1 < result.share[best] < 0.2 and result.share[best + 1] > 0.9
    assert (result.loss[best + 1 :] > math.log(2)).all()


def test_many_networks_at_once_are_trained_as_torch_trains_one():
    many = experiments.dead_units(rng(), hidden=6, steps=30, networks=1)
    random = rng()
    x, y = experiments.two_arcs(random)
    W1 = torch.tensor(random.normal(size=(1, 6, 2))[0], requires_grad=True)
    W2 = torch.tensor(math.sqrt(1 / 6) * random.normal(size=(1, 2, 6))[0], requires_grad=True)
    b1, b2 = (torch.zeros(k, dtype=torch.float64, requires_grad=True) for k in (6, 2))
    optimizer = torch.optim.SGD([W1, b1, W2, b2], lr=many.rate[4])
    for _ in range(31):
        optimizer.zero_grad()
        z = F.linear(torch.tensor(x), W1, b1)
        loss = F.cross_entropy(F.linear(torch.relu(z), W2, b2), torch.tensor(y))
        loss.backward()
        optimizer.step()
    close(many.loss[4], loss.item())
    close(many.share[4], (z <= 0).all(dim=0).double().mean().item())


def test_just_above_the_threshold_the_loss_falls_first_and_then_rises():
    result = experiments.rising_loss()
    half, exactly, above = result.losses.values()
    assert (np.diff(half) < 0).all() and (np.diff(exactly) <= 0).all()
    least = above.argmin()
    assert 20 < least < 100 and (np.diff(above[:least]) < 0).all()
    assert (np.diff(above[least:]) > 0).all() and above[-1] > above[0]
    assert 0.95 < result.share[result.final.argmin()] < 1


def test_scaling_the_inputs_moves_the_threshold():
    raw, standardised = experiments.scaled_inputs(rng()).values()
    assert standardised.threshold > 1000 * raw.threshold
    for case in (raw, standardised):
        assert case.below < 1 < case.above


def test_single_runs_scatter_about_the_expected_regimes():
    result = experiments.learning_rate_regimes(rng())
    assert result.expected["A"][1] > 1e16 and len(result.run["A"]) == 1
    assert result.run["A"][0] > 1e6
    for letter in "BD":
        centre = (result.expected[letter][1:] + result.expected[letter][:-1]) / 2
        assert abs(result.run[letter] - centre).mean() < 0.1
    assert abs(result.run["C"].mean() - result.expected["C"][-1]) < 0.1


def test_the_rates_are_those_of_the_paper_and_those_printed_are_tens_of_thousands_too_high():
    assert experiments.MEANT == papers.LEARNING_RATES
    for letter, printed in zip("ABCD", (4e1, 2e5, 8e3, 3e4), strict=True):
        assert printed in experiments.PRINTED
        exponent = round(math.log10(printed / experiments.MEANT[letter]))
        assert exponent == {"A": 2, "B": 10, "C": 6, "D": 8}[letter]  # twice the lost exponent


def test_final_loss_is_the_expected_loss_after_all_epochs():
    result = experiments.final_loss()
    stays = np.isfinite(result.loss)
    assert (result.rate[stays] < result.threshold).all()
    assert (result.rate[~stays] >= result.threshold).all()
    for i in (100, 200):
        slow = training.expected_losses(result.rate[i], 6.0, 220.0, 2000)[-1]
        assert_allclose(result.loss[i], slow, rtol=1e-6)
        silent = training.expected_losses(result.rate[i], 6.0, 0.0, 2000)[-1]
        assert_allclose(result.without_noise[i], silent, rtol=1e-6, atol=1e-12)


def test_log_draws_find_small_rates_and_linear_draws_large_ones():
    result = experiments.rate_candidates(rng())
    assert abs(result.linear - result.drawn_linear).max() < 0.03
    assert abs(result.log - result.drawn_log).max() < 0.03
    assert (result.log > result.linear)[result.best < 0.15].all()
    assert (result.log < result.linear)[result.best > 0.25].all()


def test_batches_vary_as_the_formulas_say():
    result = experiments.batch_variance(rng())
    assert_allclose(result.drawn_replaced, result.replaced, rtol=0.15)
    assert_allclose(result.drawn_distinct[:-1], result.distinct[:-1], rtol=0.15)
    assert result.drawn_distinct[-1] < 1e-25 and result.distinct[-1] == 0


def test_updates_fall_with_the_batch_until_the_curvature_limits_them():
    result = experiments.updates_to_target()
    examples = result.updates * result.batch
    assert (np.diff(result.updates) <= 0).all() and (np.diff(examples) >= -0.01 * examples[0]).all()
    assert examples[result.batch == 64] < 1.15 * examples[0]
    assert result.updates[-1] == result.updates[-2]
    with pytest.raises(RuntimeError, match=r"no rate reaches 0\.01 in 10 updates of 1"):
        experiments.updates_to_target(longest=10)


def test_small_batches_win_per_epoch_and_large_ones_per_update():
    one, some, every = experiments.batch_sizes(rng()).values()
    assert one.loss[-1] < some.loss[-1] < every.loss[-1]
    first = [run.updates[(run.loss < 0.3).argmax()] for run in (one, some, every)]
    assert first[0] > first[2]


def test_overfitting_and_its_cures():
    learning = experiments.overfitting(rng())
    base = learning["no cure"]
    assert base.train[-1] < 0.01 and base.dev[-1] > 5 * base.dev.min()
    assert abs(base.dev_error[75:] - 0.23).max() < 0.02  # while the loss triples
    assert base.dev[-1] > 3 * base.dev[75]
    for name, run in learning.items():
        assert name == "no cure" or run.dev[-1] < 1.2 * base.dev.min()


def test_training_is_worse_than_validation_as_logged_and_better_measured_alike():
    modes = experiments.training_modes(rng())
    assert (modes.logged > modes.validation).all() and (modes.train < modes.validation).all()
    plain = experiments.training_modes(rng(), dropout=0.0)
    assert plain.logged[0] > plain.validation[0] and plain.logged[-1] < plain.validation[-1]


@pytest.mark.parametrize("name", ["overfitting", "training_modes", "dead_units"])
def test_training_repeats_itself_and_leaves_torchs_generator_alone(name):
    state = torch.random.get_rng_state()
    short = {"epochs": 2} if name == "training_modes" else {"steps": 3}
    runs = [getattr(experiments, name)(rng(), **short) for _ in range(2)]
    np.testing.assert_equal(*runs)
    assert torch.equal(state, torch.random.get_rng_state())


@pytest.mark.parametrize("name", NAMES)
def test_cheat_sheet_is_the_function_and_has_no_slope_at_a_kink(name):
    curves = experiments.cheat_sheet(name)
    at = curves.z == 0
    assert at.sum() == 1 and np.isnan(curves.slope[at]).all() == (name in experiments.KINKED)
    inside = abs(curves.z) > 0.1
    numeric = np.gradient(curves.value, curves.z)
    assert_allclose(numeric[inside][1:-1], curves.slope[inside][1:-1], atol=1e-3)


FIGURES = {
    "cheat_sheet": lambda: [experiments.cheat_sheet("hard threshold"), "a", "b", "c"],
    "slopes": lambda: [experiments.slopes()],
    "errors_by_layer": lambda: [experiments.errors_by_layer(rng(), networks=1)],
    "initial_signals": lambda: [experiments.initial_signals(rng(), depth=3)],
    "both_conditions": lambda: [experiments.both_conditions(rng(), networks=1)],
    "dead_units": lambda: [experiments.dead_units(rng(), steps=2, networks=1)],
    "rising_loss": lambda: [experiments.rising_loss()],
    "learning_rate_regimes": lambda: [experiments.learning_rate_regimes(rng())],
    "final_loss": lambda: [experiments.final_loss(), experiments.MEANT, experiments.PRINTED],
    "rate_candidates": lambda: [experiments.rate_candidates(rng()), experiments.CANDIDATES],
    "batch_variance": lambda: [experiments.batch_variance(rng(), repeats=5)],
    "updates_to_target": lambda: [experiments.updates_to_target(target=0.5)],
    "batch_sizes": lambda: [experiments.batch_sizes(rng(), epochs=1)],
    "overfitting": lambda: [experiments.overfitting(rng(), n=10, steps=250)],
    "cures": lambda: [experiments.overfitting(rng(), steps=3)],
    "training_modes": lambda: [experiments.training_modes(rng(), epochs=2)] * 2,
}


@pytest.mark.parametrize("name", FIGURES)
def test_figure_is_drawn_with_the_same_bytes_each_time(name):
    figures.check(getattr(plots, name), FIGURES[name]())


def test_every_figure_is_drawn_above():
    assert figures.public(plots) == set(FIGURES)


# Bad input: a message that names both sides.

ONE, NAN = np.ones(3), np.array([0.0, np.nan])
TANH = training.ACTIVATIONS["tanh"]
SQUARE = [np.ones((2, 2))]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: training.tanh_slope(NAN), "z must be finite, but z[1] is nan"),
        (lambda: training.relu([]), "z must not be empty, but its shape is (0,)"),
        (lambda: training.relu_slope(NAN), "z must be finite, but z[1] is nan"),
        (lambda: training.leaky_relu(ONE, 2.0), "slope must lie between 0 and 1, but is 2.0"),
        (lambda: training.leaky_relu_slope(ONE, -1), "slope must lie between 0 and 1, but is -1"),
        (lambda: training.softplus(np.inf), "z must be finite, but z is inf"),
        (lambda: training.zero_slope(NAN), "z must be finite, but z[1] is nan"),
        (
            lambda: training.signals(np.ones((1, 2)), [], TANH),
            "0 weights: a network needs at least one layer",
        ),
        (
            lambda: training.signals(np.ones((1, 3)), SQUARE, TANH),
            "W1 (2, 2) on (1, 3): W1 has 2 columns, the layer below has 3 units",
        ),
        (
            lambda: training.signals(np.ones((1, 2)), [*SQUARE, np.ones((2, 5))], TANH),
            "W2 (2, 5) on (1, 2): W2 has 5 columns, the layer below has 2 units",
        ),
        (
            lambda: training.errors(
                training.signals(np.ones((1, 2)), SQUARE, TANH), SQUARE, TANH, np.ones((2, 2))
            ),
            "adjoint (2, 2) and the last layer (1, 2) must have the same shape",
        ),
        (
            lambda: training.xavier_variance(0, 3),
            "fan_in must be a positive integer, but is 0",
        ),
        (lambda: training.he_variance(2.0), "fan_in must be a positive integer, but is 2.0"),
        (
            lambda: training.random_weights([3], 1.0, rng()),
            "widths [3] must name at least the inputs and the outputs",
        ),
        (
            lambda: training.random_weights([3, 3], -1.0, rng()),
            "gain must not be negative, and must be finite, but is -1.0",
        ),
        (
            lambda: training.wide_network(0.0, 1.0, TANH, 2),
            "q must be positive and finite, but is 0.0",
        ),
        (
            lambda: training.wide_network(1.0, 1.0, TANH, 0),
            "depth must be a positive integer, but is 0",
        ),
        (
            lambda: training.largest_rate(np.array([[1.0, 2.0], [0.0, 1.0]])),
            "hessian (2, 2) must be square and symmetric",
        ),
        (
            lambda: training.largest_rate(np.diag([1.0, -1.0])),
            "the eigenvalues of hessian lie between -1.0 and 1.0, "
            "but none may be negative and one must be positive",
        ),
        (
            lambda: training.quadratic_losses(ONE, np.ones(2), 0.1, 3),
            "curvatures (3,) and start (2,) must have the same shape",
        ),
        (
            lambda: training.quadratic_losses(-ONE, ONE, 0.1, 3),
            "curvatures must not be negative, but hold -1.0",
        ),
        (
            lambda: training.quadratic_losses(ONE, ONE, 0.0, 3),
            "rate must be positive and finite, but is 0.0",
        ),
        (
            lambda: training.noise_floor(2.0, 1.0, 1.0),
            "rate 2.0 with curvature 1.0: no floor at or above 2/curvature = 2.0",
        ),
        (
            lambda: training.noise_floor(1.0, 0.0, 1.0),
            "curvature must be positive and finite, but is 0.0",
        ),
        (
            lambda: training.expected_losses(1.0, 1.0, -1.0, 3),
            "noise must not be negative, and must be finite, but is -1.0",
        ),
        (
            lambda: training.linear_share(1.0, 0.0, 0.0, 1.0),
            "[1.0, 0.0] and [0.0, 1.0] must be intervals",
        ),
        (lambda: training.log_share(0.0, 1.0, 0.1, 1.0), "a logarithmic scale has no 0.0"),
        (
            lambda: training.variance_with_replacement(np.ones((3, 1)), 0),
            "batch must be a positive integer, but is 0",
        ),
        (
            lambda: training.variance_without_replacement(np.ones((3, 1)), 4),
            "a batch of 4 different examples cannot be drawn from 3",
        ),
    ],
)
def test_bad_input_is_refused_and_named(call, message):
    with pytest.raises(ValueError) as refusal:
        call()
    assert str(refusal.value) == message


# The module itself.


def test_annotations_are_executed():
    with pytest.raises(jaxtyping.TypeCheckError):
        checked.largest_rate(np.ones(3))
