"""Chapter mlp: each function against its definition, against torch, and against invariants."""

import math
from itertools import pairwise

import figures
import jaxtyping
import numpy as np
import oracles
import pytest
import scipy.integrate
import torch
import torch.nn.functional as F
from annotated import annotated
from fullmarks import mlp
from fullmarks.experiments import mlp as experiments
from fullmarks.plots import mlp as plots
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose
from oracles import close

checked = annotated(mlp)

logits = arrays(np.float64, st.integers(1, 6), elements=st.floats(-30, 30))
rows_of_logits = arrays(
    np.float64, st.tuples(st.integers(1, 4), st.integers(2, 5)), elements=st.floats(-30, 30)
)
A = np.linspace(-6, 6, 25)


def autograd(function, *arguments):
    """Value of a torch function and the gradients of its sum in every argument, in float64."""
    tensors = [torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in arguments]
    value = function(*tensors)
    gradients = torch.autograd.grad(value.sum(), tensors, create_graph=True)
    return value, gradients, tensors


# One output.


def test_sigmoid_is_its_definition():
    close(checked.sigmoid(A), [oracles.sigmoid(a) for a in A])


@given(logits)
def test_sigmoid_is_torchs(a):
    close(checked.sigmoid(a), torch.sigmoid(torch.tensor(a)).numpy())


@given(logits)
def test_sigmoids_of_opposite_logits_sum_to_one(a):
    close(checked.sigmoid(a) + checked.sigmoid(-a), 1.0)


def test_sigmoid_keeps_the_left_tail_and_does_not_overflow():
    with np.errstate(all="raise", under="ignore"):
        assert_allclose(checked.sigmoid(np.array([-700.0])), np.exp(-700.0), rtol=1e-12)
        assert list(checked.sigmoid(np.array([-1e308, 1e308]))) == [0.0, 1.0]


@pytest.mark.parametrize("y", [0.0, 0.3, 1.0])
def test_logistic_loss_is_its_definition(y):
    loss = checked.logistic_loss(A, np.full_like(A, y))
    close(loss, [oracles.logistic_loss(a, y) for a in A])
    gradient = [oracles.numerical_gradient(lambda a: oracles.logistic_loss(a, y), a) for a in A]
    assert_allclose(checked.logistic_gradient(A, np.full_like(A, y)), gradient, atol=1e-8)


@given(logits, st.floats(0, 1))
def test_logistic_loss_and_its_derivatives_are_torchs(a, target):
    y = np.full_like(a, target)
    value, (gradient,), (t,) = autograd(
        lambda t: F.binary_cross_entropy_with_logits(t, torch.tensor(y), reduction="none"), a
    )
    (curvature,) = torch.autograd.grad(gradient.sum(), t)
    close(checked.logistic_loss(a, y), value.detach())
    close(checked.logistic_gradient(a, y), gradient.detach())
    close(checked.logistic_curvature(a), curvature)


def test_logistic_loss_grows_linearly_where_the_probability_rounds_to_zero():
    a = np.array([-1e6, 1e6])
    assert list(checked.logistic_loss(a, np.array([1.0, 0.0]))) == [1e6, 1e6]
    assert_allclose(checked.logistic_loss(np.array([50.0]), np.array([1.0])), math.exp(-50))


@given(logits)
def test_logistic_loss_is_symmetric_in_the_labels(a):
    close(checked.logistic_loss(a, np.ones_like(a)), checked.logistic_loss(-a, np.zeros_like(a)))


@given(logits, st.floats(0, 1))
def test_squared_error_of_the_sigmoid_and_its_derivatives_are_torchs(a, target):
    y = np.full_like(a, target)
    value, (gradient,), (t,) = autograd(
        lambda t: F.mse_loss(torch.sigmoid(t), torch.tensor(y), reduction="none"), a
    )
    (curvature,) = torch.autograd.grad(gradient.sum(), t)
    close(checked.squared_error(checked.sigmoid(a), y), value.detach())
    close(checked.squared_error_gradient(a, y), gradient.detach())
    close(checked.squared_error_curvature(a, y), curvature)


@pytest.mark.parametrize("y", [0.0, 0.3, 1.0])
def test_squared_error_gradient_is_the_slope_of_the_definition(y):
    slope = [oracles.numerical_gradient(lambda a: (oracles.sigmoid(a) - y) ** 2, a) for a in A]
    assert_allclose(checked.squared_error_gradient(A, np.full_like(A, y)), slope, atol=1e-8)


def test_squared_error_gradient_peaks_at_minus_log_two_with_eight_twenty_sevenths():
    a = np.linspace(-5, 5, 100_001)
    size = abs(checked.squared_error_gradient(a, np.ones_like(a)))
    assert abs(a[size.argmax()] + math.log(2)) <= a[1] - a[0]
    close(size.max(), 8 / 27)
    curvature = checked.squared_error_curvature(a, np.ones_like(a))
    assert (curvature[a < -math.log(2) - 1e-9] < 0).all()
    assert (curvature[a > -math.log(2) + 1e-9] > 0).all()


def test_squared_error_gradient_survives_where_the_sigmoid_rounds_to_one():
    gradient = checked.squared_error_gradient(np.array([50.0]), np.array([0.0]))
    assert_allclose(gradient, 2 * math.exp(-50), rtol=1e-12)


# Margins.


@pytest.mark.parametrize("margin", [0.0, 1.0])
def test_binary_margin_losses_are_torchs_away_from_their_kinks(margin):
    a = np.linspace(-3, 3, 20)
    y = np.where(np.arange(20) % 3, 1.0, -1.0)
    value, (gradient,), _ = autograd(lambda t: F.relu(margin - torch.tensor(y) * t), a)
    loss, subgradient = {
        0.0: (checked.perceptron_loss, checked.perceptron_subgradient),
        1.0: (checked.hinge_loss, checked.hinge_subgradient),
    }[margin]
    assert_allclose(loss(a, y), value.detach(), rtol=1e-15)
    assert_allclose(subgradient(a, y), gradient.detach(), rtol=0, atol=0)


@given(logits, st.sampled_from([-1.0, 1.0]), st.floats(-30, 30))
def test_margin_losses_lie_above_their_tangents(a, sign, b):
    y, b = np.full_like(a, sign), np.full_like(a, b)
    for loss, subgradient in [
        (checked.perceptron_loss, checked.perceptron_subgradient),
        (checked.hinge_loss, checked.hinge_subgradient),
    ]:
        tangent = loss(a, y) + subgradient(a, y) * (b - a)
        assert (loss(b, y) >= tangent - 1e-12).all()


def test_at_zero_the_perceptron_has_no_loss_and_both_rules_move():
    zero, y = np.zeros(2), np.array([1.0, -1.0])
    assert list(checked.perceptron_loss(zero, y)) == [0.0, 0.0]
    assert list(checked.hinge_loss(zero, y)) == [1.0, 1.0]
    assert list(checked.perceptron_subgradient(zero, y)) == [-1.0, 1.0]
    assert list(checked.hinge_subgradient(zero, y)) == [-1.0, 1.0]


ELEMENTWISE = (
    "logistic_loss",
    "logistic_gradient",
    "squared_error",
    "squared_error_gradient",
    "squared_error_curvature",
    "perceptron_loss",
    "perceptron_subgradient",
    "hinge_loss",
    "hinge_subgradient",
)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_numbers_give_a_number_and_arrays_an_array(name):
    function = getattr(checked, name)
    number, array = function(0.25, 1.0), function(np.array([0.25]), np.array([1.0]))
    assert isinstance(number, float) and array.shape == (1,)
    assert number == array[0]


def test_the_hinge_leaves_an_example_on_its_margin_alone():
    assert checked.hinge_subgradient(np.array([1.0, -1.0]), np.array([1.0, -1.0])).tolist() == [
        0,
        0,
    ]


def test_perceptron_rule_ends_at_a_separator():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 2))
    y = np.sign(x @ [2.0, -1.0])
    w = np.zeros(2)
    for _ in range(100):
        for row, label in zip(x, y, strict=True):
            w -= checked.perceptron_subgradient(float(row @ w), float(label)) * row
    assert (y * (x @ w) > 0).all()


@given(rows_of_logits, st.data())
def test_multiclass_margin_is_the_least_difference(a, data):
    n, k = a.shape
    y = data.draw(arrays(np.int64, n, elements=st.integers(0, k - 1)))
    margin = checked.multiclass_margin(a, y)
    close(margin, [oracles.margin(list(row), label) for row, label in zip(a, y, strict=True)])
    gradient = checked.multiclass_margin_gradient(a, y)
    close((gradient * a).sum(axis=1), margin, scale=1e3)
    assert (gradient.sum(axis=1) == 0).all() and (abs(gradient).sum(axis=1) == 2).all()


def test_multiclass_margin_gradient_is_torchs_without_ties():
    rng = np.random.default_rng(1)
    a, y = rng.normal(size=(6, 4)), np.array([0, 1, 2, 3, 0, 1])
    right = torch.tensor(np.eye(4)[y], dtype=torch.bool)
    value, (gradient,), _ = autograd(
        lambda t: t[right] - t.masked_fill(right, -torch.inf).amax(dim=1), a
    )
    close(checked.multiclass_margin(a, y), value.detach())
    close(checked.multiclass_margin_gradient(a, y), gradient.detach())


def test_two_class_margin_is_the_binary_one():
    a = np.array([[0.25, 1.0], [2.0, 0.5]])
    margin = checked.multiclass_margin(a, np.array([1, 1]))
    assert margin.tolist() == (a[:, 1] - a[:, 0]).tolist()


# Several outputs.


def test_softmax_and_cross_entropy_are_their_definitions():
    rng = np.random.default_rng(2)
    a, y = rng.normal(size=(5, 4)), np.array([0, 1, 2, 3, 0])
    p = np.array([oracles.softmax(list(row)) for row in a])
    close(checked.softmax(a), p)
    close(checked.log_softmax(a), np.log(p))
    loss = [-math.log(row[label]) for row, label in zip(p, y, strict=True)]
    close(checked.cross_entropy(a, y), loss)


@given(rows_of_logits, st.data())
def test_softmax_and_cross_entropy_are_torchs(a, data):
    n, k = a.shape
    y = data.draw(arrays(np.int64, n, elements=st.integers(0, k - 1)))
    value, (gradient,), _ = autograd(
        lambda t: F.cross_entropy(t, torch.tensor(y), reduction="none"), a
    )
    close(checked.log_softmax(a), F.log_softmax(torch.tensor(a), dim=1))
    close(checked.softmax(a), torch.softmax(torch.tensor(a), dim=1))
    close(checked.cross_entropy(a, y), value.detach())
    close(checked.cross_entropy_gradient(a, y), gradient.detach())


@given(rows_of_logits, st.floats(-1e3, 1e3))
def test_softmax_is_a_distribution_that_ignores_a_common_shift(a, shift):
    p = checked.softmax(a)
    close(p.sum(axis=1), 1.0)
    assert_allclose(checked.softmax(a + shift), p, rtol=1e-6, atol=1e-12)


@given(rows_of_logits)
def test_cross_entropy_gradient_sums_to_zero(a):
    gradient = checked.cross_entropy_gradient(a, np.zeros(len(a), dtype=int))
    assert abs(gradient.sum(axis=1)).max() < 1e-12


def test_softmax_of_huge_logits():
    with np.errstate(all="raise", under="ignore"):
        a = np.array([[1e300, 1e300], [-1e300, 1e300]])
        assert checked.softmax(a).tolist() == [[0.5, 0.5], [0.0, 1.0]]
        assert checked.cross_entropy(a, np.array([0, 1])).round(6).tolist() == [0.693147, 0.0]


@given(logits)
def test_softmax_over_two_classes_is_the_sigmoid_of_the_difference(a):
    pair = np.stack([np.zeros_like(a), a], axis=1)
    close(checked.softmax(pair)[:, 1], checked.sigmoid(a))
    close(
        checked.cross_entropy(pair, np.ones(len(a), dtype=int)),
        checked.logistic_loss(a, np.ones_like(a)),
    )


# One hidden layer.


@pytest.fixture
def problem():
    rng = np.random.default_rng(3)
    theta = checked.random_parameters(4, 3, 5, rng)
    theta = theta._replace(b1=rng.normal(size=3), b2=rng.normal(size=5))
    return theta, rng.normal(size=(7, 4)), np.array([0, 1, 2, 3, 4, 0, 2])


def test_network_is_its_definition(problem):
    theta, x, y = problem
    expected = [oracles.mlp_logits(*(p.tolist() for p in theta), row) for row in x.tolist()]
    close(checked.forward(theta, x).a, expected)
    close(checked.mean_loss(theta, x, y), oracles.mean_negative_log_likelihood(*theta, x, y))


@pytest.mark.parametrize("name", mlp.Parameters._fields)
def test_backward_is_the_slope_of_the_definition(problem, name):
    theta, x, y = problem
    slope = oracles.numerical_gradient(
        lambda p: oracles.mean_negative_log_likelihood(*theta._replace(**{name: p}), x, y),
        getattr(theta, name),
    )
    assert_allclose(getattr(checked.backward(theta, x, y), name), slope, rtol=1e-6, atol=1e-9)


def test_backward_is_torchs(problem):
    theta, x, y = problem

    def loss(W1, b1, W2, b2):
        h = torch.tanh(F.linear(torch.tensor(x), W1, b1))
        return F.cross_entropy(F.linear(h, W2, b2), torch.tensor(y))

    value, gradients, _ = autograd(loss, *theta)
    close(checked.mean_loss(theta, x, y), value.item())
    for ours, theirs in zip(checked.backward(theta, x, y), gradients, strict=True):
        close(ours, theirs.detach())


def test_output_gradients_are_those_of_backward(problem):
    theta, x, y = problem
    W2, b2 = checked.output_gradients(*checked.forward(theta, x), y)
    gradient = checked.backward(theta, x, y)
    close(W2, gradient.W2)
    close(b2, gradient.b2)


def test_gradient_of_the_mean_is_the_mean_of_the_gradients(problem):
    theta, x, y = problem
    single = [checked.backward(theta, x[i : i + 1], y[i : i + 1]) for i in range(len(x))]
    for whole, *parts in zip(checked.backward(theta, x, y), *single, strict=True):
        close(whole, np.mean(parts, axis=0))


def test_sgd_step_is_torchs(problem):
    theta, x, y = problem
    gradient = checked.backward(theta, x, y)
    tensors = [torch.tensor(p, requires_grad=True) for p in theta]
    for tensor, g in zip(tensors, gradient, strict=True):
        tensor.grad = torch.tensor(g)
    torch.optim.SGD(tensors, lr=0.3).step()
    for ours, theirs in zip(checked.sgd_step(theta, gradient, 0.3), tensors, strict=True):
        close(ours, theirs.detach())


def test_a_small_step_lowers_the_loss_at_the_rate_of_the_squared_gradient(problem):
    theta, x, y = problem
    gradient = checked.backward(theta, x, y)
    after = checked.mean_loss(checked.sgd_step(theta, gradient, 1e-6), x, y)
    rate = (checked.mean_loss(theta, x, y) - after) / 1e-6
    assert_allclose(rate, sum((g**2).sum() for g in gradient), rtol=1e-4)


def test_sgd_step_leaves_its_argument_alone(problem):
    theta, x, y = problem
    before = [p.copy() for p in theta]
    checked.sgd_step(theta, checked.backward(theta, x, y), 0.5)
    for p, q in zip(theta, before, strict=True):
        assert (p == q).all()


# Linear networks.


@pytest.fixture
def layers():
    rng = np.random.default_rng(4)
    widths = [5, 2, 4, 3]
    weights = [rng.normal(size=(k, d)) for d, k in pairwise(widths)]
    return weights, [rng.normal(size=len(W)) for W in weights], rng.normal(size=(6, 5))


def test_linear_network_is_torchs(layers):
    weights, biases, x = layers
    network = torch.nn.Sequential(*(torch.nn.Linear(*W.shape[::-1]).double() for W in weights))
    with torch.no_grad():
        for module, W, b in zip(network, weights, biases, strict=True):
            module.weight.copy_(torch.tensor(W))
            module.bias.copy_(torch.tensor(b))
        close(checked.linear_network(x, weights, biases), network(torch.tensor(x)).numpy())


def test_collapsed_layer_computes_the_network(layers):
    weights, biases, x = layers
    W, b = checked.collapse(weights, biases)
    close(x @ W.T + b, checked.linear_network(x, weights, biases))
    assert np.linalg.matrix_rank(W) == 2  # the narrowest layer


@given(arrays(np.float64, (4, 6), elements=st.floats(-10, 10)), st.integers(1, 4))
def test_truncated_svd_has_the_rank_and_the_error_of_the_tail(M, rank):
    best = checked.truncated_svd(M, rank)
    assert np.linalg.matrix_rank(best, tol=1e-9) <= rank
    tail = torch.linalg.svdvals(torch.tensor(M))[rank:]
    assert_allclose(((M - best) ** 2).sum(), (tail**2).sum(), rtol=1e-6, atol=1e-9)


def test_no_matrix_of_the_rank_is_nearer_than_the_truncated_svd():
    rng = np.random.default_rng(5)
    M = rng.normal(size=(4, 3))
    error = ((M - checked.truncated_svd(M, 2)) ** 2).sum()
    for _ in range(200):
        left = rng.normal(size=(4, 2))
        right = np.linalg.lstsq(left, M, rcond=None)[0]  # the best partner of this left factor
        assert ((M - left @ right) ** 2).sum() >= error - 1e-12


@given(st.lists(st.integers(1, 9), min_size=2, max_size=5), st.booleans())
def test_parameter_count_counts(widths, bias):
    assert checked.parameter_count(widths, bias) == oracles.count_parameters(widths, bias)


def test_parameter_count_is_torchs():
    network = torch.nn.Sequential(torch.nn.Linear(7, 3), torch.nn.Linear(3, 5))
    assert checked.parameter_count([7, 3, 5]) == sum(p.numel() for p in network.parameters())


# The experiments: what their figures claim.


def rng():
    return np.random.default_rng(0)


def test_steps_follow_the_gradient_flow():
    steps = experiments.steps_from_saturation(deepest=6, learning_rate=0.02)
    assert_allclose(steps.cross_entropy, steps.flow_cross_entropy, rtol=0.02)
    assert_allclose(steps.squared_error, steps.flow_squared_error, rtol=0.02)


def test_escape_times_are_the_integral_of_one_over_the_speed():
    starts = np.array([-6.0, -2.5, -0.5])
    for times, gradient in zip(
        experiments.escape_times(starts),
        (mlp.logistic_gradient, mlp.squared_error_gradient),
        strict=True,
    ):
        flow = [
            scipy.integrate.quad(lambda a, gradient=gradient: -1 / gradient(a, 1.0), start, 0)[0]
            for start in starts
        ]
        close(times, flow)


def test_curves_are_derivatives_of_one_another():
    loss = experiments.loss_in_preactivation(4001)
    slope = experiments.gradient_in_preactivation(4001)
    bend = experiments.curvature_in_preactivation(4001)
    step = loss.a[1] - loss.a[0]
    for i in (1, 2):  # the gradients are negative for the label 1, and their sizes are returned
        assert_allclose(-np.gradient(loss[i], step)[1:-1], slope[i][1:-1], atol=1e-5)
        assert_allclose(-np.gradient(slope[i], step)[1:-1], bend[i][1:-1], atol=1e-5)


def test_fit_is_exact_where_the_model_is_right_and_right_on_average_elsewhere():
    right, wrong = experiments.fitted_probabilities()
    assert_allclose(right.fitted, right.true, rtol=1e-9)
    assert abs(wrong.fitted - wrong.true).max() > 0.5
    assert_allclose(wrong.fitted.mean(), wrong.true.mean(), rtol=1e-9)
    assert_allclose((wrong.fitted * wrong.x).mean(), (wrong.true * wrong.x).mean(), rtol=1e-9)


def test_perceptron_stops_early_and_the_hinge_at_its_margin():
    found = experiments.separators(rng())
    perceptron, hinge = (found.y * (found.x @ w) for w in (found.perceptron, found.hinge))
    assert 0 < perceptron.min() < 1 <= hinge.min()
    assert perceptron.min() / np.hypot(*found.perceptron) < hinge.min() / np.hypot(*found.hinge)


def test_descent_reports_points_that_cannot_be_separated():
    with pytest.raises(RuntimeError, match="no separator after 3 passes: the 2 points"):
        experiments._descend(
            np.ones((2, 2)), np.array([1.0, -1.0]), mlp.hinge_subgradient, 0.1, epochs=3
        )


def test_one_examples_gradient_is_an_outer_product():
    example = experiments.output_gradient(rng())
    close(example.W2, np.outer(example.error, example.h))
    assert np.flatnonzero(example.error < 0).tolist() == [example.y]


def test_single_steps_lower_their_own_loss_and_the_mean_loss_on_average():
    changes = experiments.single_steps(rng())
    assert (changes.own < 0).all()
    assert (changes.mean > 0).sum() == 31  # stated beside the figure
    assert changes.mean.mean() < 0
    small = experiments.single_steps(rng(), learning_rate=1e-5)
    assert_allclose(small.mean.mean(), small.predicted, rtol=1e-3)


def test_linear_layers_draw_a_straight_line():
    result = experiments.decision_boundaries(rng())
    scale = abs(result.linear).max()
    for axis in (0, 1):
        assert abs(np.diff(result.linear, n=2, axis=axis)).max() < 1e-9 * scale
    assert round(result.accuracy["linear"], 2) == 0.88  # stated beside the figure
    assert result.accuracy["tanh"] == 1.0


def test_one_layer_learns_at_one_rate_and_two_layers_one_value_after_the_other():
    paths = experiments.linear_paths(rng())
    assert_allclose(paths.one_layer[-1], paths.target, rtol=1e-6)
    assert_allclose(paths.two_layers[-1], paths.target, rtol=1e-4)
    half = [(values > paths.target / 2).argmax(axis=0) for values in paths[1:]]
    assert np.ptp(half[0]) <= 1
    assert (np.diff(half[1]) > 10).all()


def test_trained_bottlenecks_end_at_the_truncated_svd():
    result = experiments.bottleneck(rng())
    assert_allclose(result.trained, result.best, rtol=1e-4, atol=1e-6)


def test_bottleneck_fit_is_a_minimum_under_its_rank():
    result = experiments.bottleneck_generalisation(rng(), size=4, true_rank=2, n=9, repeats=1)
    again = rng()
    left, right = again.normal(size=(4, 2)), again.normal(size=(2, 4))
    x = again.normal(size=(9, 4))
    targets = x @ (left @ right / 2).T + again.normal(size=(9, 4))
    reached = []
    for r in result.width:  # alternating least squares, from several starts
        errors = []
        for seed in range(5):
            up = np.random.default_rng(seed).normal(size=(4, r))
            for _ in range(500):
                down = np.linalg.lstsq(x, targets @ np.linalg.pinv(up).T, rcond=None)[0].T
                up = np.linalg.lstsq(x @ down.T, targets, rcond=None)[0].T
            errors.append(((targets - x @ (up @ down).T) ** 2).mean())
        reached.append(min(errors))
    assert_allclose(result.train, reached, rtol=1e-6)


def test_error_on_new_data_is_least_at_the_true_rank():
    result = experiments.bottleneck_generalisation(rng())
    assert result.width[result.test.argmin()] == result.true_rank
    assert (np.diff(result.train) < 0).all()


def test_bottleneck_saves_weights_below_half_the_width():
    counts = experiments.parameter_counts()
    saves = counts.bottleneck < counts.single
    assert counts.width[saves][-1] == 49 and counts.bottleneck[49] == counts.single


FIGURES = {
    "fitted_probabilities": lambda: [experiments.fitted_probabilities()],
    "gradient_in_preactivation": lambda: [experiments.gradient_in_preactivation()],
    "steps_from_saturation": lambda: [experiments.steps_from_saturation(deepest=4)],
    "convexity_in_preactivation": lambda: [
        experiments.loss_in_preactivation(),
        experiments.curvature_in_preactivation(),
    ],
    "margin_losses": lambda: [experiments.margin_losses()],
    "separators": lambda: [experiments.separators(rng())],
    "network": lambda: [],
    "output_gradient": lambda: [experiments.output_gradient(rng())],
    "single_steps": lambda: [experiments.single_steps(rng(), warm_up=2)],
    "decision_boundaries": lambda: [experiments.decision_boundaries(rng(), steps=2)],
    "linear_paths": lambda: [experiments.linear_paths(rng(), steps=20)],
    "bottleneck": lambda: [experiments.bottleneck(rng(), steps=20)],
    "bottleneck_generalisation": lambda: [experiments.bottleneck_generalisation(rng())],
    "parameter_counts": lambda: [experiments.parameter_counts()],
}


@pytest.mark.parametrize("name", FIGURES)
def test_figure_is_drawn_with_the_same_bytes_each_time(name):
    figures.check(getattr(plots, name), FIGURES[name]())


def test_every_figure_is_drawn_above():
    assert figures.public(plots) == set(FIGURES)


# Bad input: a message that names both sides.

ONE, NAN = np.ones(3), np.array([0.0, np.nan])
THETA = mlp.Parameters(np.ones((3, 4)), np.ones(3), np.ones((2, 3)), np.ones(2))
WHOLE = THETA._replace(W1=np.ones((3, 4), dtype=int))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mlp.sigmoid(NAN), "a must be finite, but a[1] is nan"),
        (lambda: mlp.sigmoid(np.inf), "a must be finite, but a is inf"),
        (lambda: mlp.sigmoid([]), "a must not be empty, but its shape is (0,)"),
        (lambda: mlp.sigmoid(1j), "a must hold real numbers, but its dtype is complex128"),
        (lambda: mlp.sigmoid("1"), "a must hold real numbers, but its dtype is <U1"),
        (lambda: mlp.sigmoid([[1.0], []]), "a must be an array, but its rows differ in length"),
        (lambda: mlp.logistic_curvature(NAN), "a must be finite, but a[1] is nan"),
        (lambda: mlp.logistic_loss(ONE, 2), "y must lie between 0 and 1, but holds 2.0"),
        (lambda: mlp.logistic_loss(ONE, -1), "y must lie between 0 and 1, but holds -1.0"),
        (
            lambda: mlp.logistic_loss(ONE, np.ones((3, 1))),
            "a (3,) and y (3, 1) must have the same shape",
        ),
        (lambda: mlp.logistic_gradient(ONE, 2), "y must lie between 0 and 1, but holds 2.0"),
        (lambda: mlp.squared_error(ONE, NAN), "y must be finite, but y[1] is nan"),
        (
            lambda: mlp.squared_error(ONE, np.ones(2)),
            "f (3,) and y (2,) must have the same shape",
        ),
        (lambda: mlp.squared_error_gradient(ONE, 3), "y must lie between 0 and 1, but holds 3.0"),
        (lambda: mlp.squared_error_curvature(ONE, 3), "y must lie between 0 and 1, but holds 3.0"),
        (lambda: mlp.perceptron_loss(ONE, 0), "y must be -1 or +1, but holds 0.0"),
        (lambda: mlp.perceptron_subgradient(ONE, 0.5), "y must be -1 or +1, but holds 0.5"),
        (lambda: mlp.hinge_loss(ONE, 0), "y must be -1 or +1, but holds 0.0"),
        (
            lambda: mlp.hinge_subgradient(ONE, np.ones(2)),
            "a (3,) and y (2,) must have the same shape",
        ),
        (
            lambda: mlp.multiclass_margin(np.ones((2, 1)), np.array([0, 0])),
            "a (2, 1) has 1 column, but a choice needs at least 2 classes",
        ),
        (
            lambda: mlp.multiclass_margin_gradient(np.ones((1, 2)), np.array([2])),
            "y holds the label 2, but the 2 classes are 0 to 1",
        ),
        (lambda: mlp.log_softmax(ONE), "a must have 2 axes, but its shape is (3,)"),
        (lambda: mlp.softmax([[0.0, np.nan]]), "a must be finite, but a[0, 1] is nan"),
        (
            lambda: mlp.cross_entropy(np.ones((2, 3)), np.array([0, 3])),
            "y holds the label 3, but the 3 classes are 0 to 2",
        ),
        (
            lambda: mlp.cross_entropy(np.ones((2, 3)), np.array([0, -1])),
            "y holds the label -1, but the 3 classes are 0 to 2",
        ),
        (
            lambda: mlp.cross_entropy(np.ones((2, 3)), np.array([0.0, 1.7])),
            "y must hold integer labels, but its dtype is float64",
        ),
        (
            lambda: mlp.cross_entropy_gradient(np.ones((2, 3)), np.array([0, 1, 2])),
            "y (3,) must hold one label for each of the 2 rows",
        ),
        (
            lambda: mlp.affine(np.ones((5, 3)), np.ones((4, 2)), np.ones(4)),
            "x (5, 3) times the transpose of W (4, 2): x has 3 columns, W has 2 columns",
        ),
        (
            lambda: mlp.affine(np.ones((5, 2)), np.ones((4, 2)), np.ones(3)),
            "W (4, 2) with b (3,): W has 4 rows, b has 3 entries",
        ),
        (
            lambda: mlp.forward(THETA, np.ones((5, 3))),
            "x (5, 3) times the transpose of W (3, 4): x has 3 columns, W has 4 columns",
        ),
        (lambda: mlp.forward(THETA, np.ones(4)), "x must have 2 axes, but its shape is (4,)"),
        (
            lambda: mlp.backward(THETA, np.ones((2, 4)), np.array([0, 2])),
            "y holds the label 2, but the 2 classes are 0 to 1",
        ),
        (
            lambda: mlp.mean_loss(THETA, np.ones((2, 4)), np.array([0])),
            "y (1,) must hold one label for each of the 2 rows",
        ),
        (
            lambda: mlp.output_gradients(np.ones((3, 2)), np.ones((2, 4)), np.array([0, 1])),
            "h (3, 2) has 3 rows, but a (2, 4) has 2",
        ),
        (
            lambda: mlp.random_parameters(4, 0, 2, np.random.default_rng(0)),
            "m must be a positive integer, but is 0",
        ),
        (
            lambda: mlp.sgd_step(THETA, THETA, 0.0),
            "learning_rate must be positive and finite, but is 0.0",
        ),
        (
            lambda: mlp.sgd_step(THETA, THETA, math.inf),
            "learning_rate must be positive and finite, but is inf",
        ),
        (
            lambda: mlp.sgd_step(THETA, THETA, math.nan),
            "learning_rate must be positive and finite, but is nan",
        ),
        (
            lambda: mlp.sgd_step(WHOLE, THETA, 0.1),
            "W1 has the integer dtype int64, but a step of float64 would be truncated",
        ),
        (
            lambda: mlp.sgd_step(THETA, THETA._replace(b2=np.ones(3)), 0.1),
            "b2 (2,) and its gradient (3,) must have the same shape",
        ),
        (
            lambda: mlp.linear_network(np.ones((1, 2)), [], []),
            "0 weights and 0 biases: a network needs one of each per layer, and at least one layer",
        ),
        (
            lambda: mlp.collapse([np.ones((2, 3))], []),
            "1 weights and 0 biases: a network needs one of each per layer, and at least one layer",
        ),
        (
            lambda: mlp.collapse([np.ones((2, 3)), np.ones((4, 3))], [np.ones(2), np.ones(4)]),
            "W2 (4, 3) after W1 (2, 3): W2 has 3 columns, W1 has 2 rows",
        ),
        (
            lambda: mlp.collapse([np.ones((2, 3))], [np.ones(3)]),
            "W1 (2, 3) with b1 (3,): W1 has 2 rows, b1 has 3",
        ),
        (
            lambda: mlp.truncated_svd(np.ones((2, 3)), 3),
            "rank 3 is above 2, the highest that M (2, 3) has",
        ),
        (
            lambda: mlp.truncated_svd(np.ones((2, 3)), 1.5),
            "rank must be a positive integer, but is 1.5",
        ),
        (
            lambda: mlp.parameter_count([3]),
            "widths [3] must name at least the inputs and the outputs",
        ),
        (
            lambda: mlp.parameter_count([3, 0]),
            "widths[1] must be a positive integer, but is 0",
        ),
    ],
)
def test_bad_input_is_refused_and_named(call, message):
    with pytest.raises(ValueError) as refusal:
        call()
    assert str(refusal.value) == message


def test_integers_are_computed_with_as_floats():
    images = np.array([[250, 10]], dtype=np.uint8)
    out = mlp.affine(images, np.array([[1, 1]], dtype=np.uint8), np.zeros(1, dtype=np.uint8))
    assert out.tolist() == [[260.0]]
    assert mlp.squared_error(np.array([0], dtype=np.uint8), 1).tolist() == [1.0]


# The module itself.


def test_annotations_are_executed():
    with pytest.raises(jaxtyping.TypeCheckError):
        checked.cross_entropy(np.ones((2, 3)), np.array([0, 1, 2]))
    with pytest.raises(jaxtyping.TypeCheckError):
        checked.sigmoid(np.array([1, 2]))
