"""Chapter regularization: definitions by enumeration, torch, and invariants."""

import figures
import jaxtyping
import numpy as np
import oracles
import pytest
import scipy.optimize
import torch
from annotated import annotated
from fullmarks import regularization as plain
from fullmarks.experiments import regularization as experiments
from fullmarks.plots import regularization as plots
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from oracles import close

checked = annotated(plain)


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.fixture
def problem(rng):
    """Least squares with 9 examples of 4 correlated inputs."""
    X = rng.normal(size=(9, 4)) @ rng.normal(size=(4, 4))
    return X, rng.normal(size=9)


def spectrum(X):
    """Eigenvalues of XᵀX/n, and its eigenvectors as columns."""
    return np.linalg.eigh(X.T @ X / len(X))


# Early stopping and weight decay.


@pytest.mark.parametrize("rate", [0.02, 0.1])
def test_descent_is_its_definition_and_torchs(problem, rate):
    X, y = problem
    ours = checked.descend(X, y, rate, 12)
    w = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=rate)
    for t in range(12):
        close(ours[t], oracles.early_stopped_weights(X.tolist(), y.tolist(), rate, t))
        close(ours[t], w.detach().numpy())
        optimizer.zero_grad()
        ((torch.tensor(X) @ w - torch.tensor(y)).square().mean() / 2).backward()
        optimizer.step()


def test_ridge_is_the_minimum_that_scipy_finds(problem):
    X, y = problem
    best = scipy.optimize.minimize(
        lambda w: ((X @ w - y) ** 2).mean() / 2 + 0.3 * w @ w / 2, np.zeros(4), tol=1e-12).x
    assert_allclose(checked.ridge(X, y, 0.3), best, rtol=1e-5)
    w = torch.tensor(checked.ridge(X, y, 0.3), requires_grad=True)
    loss = (torch.tensor(X) @ w - torch.tensor(y)).square().mean() / 2 + 0.3 * w.square().sum() / 2
    assert abs(torch.autograd.grad(loss, w)[0]).max() < 1e-12


def test_both_are_filters_of_the_same_spectrum(problem):
    X, y = problem
    curvature, Q = spectrum(X)
    best = Q.T @ np.linalg.lstsq(X, y, rcond=None)[0]
    rate = 0.9 / curvature[-1]
    close(Q.T @ checked.descend(X, y, rate, 17)[17],
          checked.descent_filter(curvature, rate, 17) * best)
    close(Q.T @ checked.ridge(X, y, 0.2), checked.ridge_filter(curvature, 0.2) * best)


@given(st.floats(1e-3, 0.99), st.integers(1, 60))
def test_early_stopping_shrinks_less_than_the_matching_ridge_of_first_order(v, steps):
    descent = checked.descent_filter(v, 1.0, steps)
    gap = descent - checked.ridge_filter(v, 1 / steps)
    assert 0 <= gap <= 1 / 2
    flow = 1 - np.exp(-v * steps)
    assert descent >= flow - 1e-15


@given(st.floats(0.01, 0.9), st.integers(1, 20))
def test_each_direction_has_a_decay_that_matches_and_it_falls(v, steps):
    decay = checked.matching_decay(v, 1.0, steps)
    close(checked.ridge_filter(v, decay), checked.descent_filter(v, 1.0, steps))
    assert checked.matching_decay(1.05 * v, 1.0, steps) < decay


def test_smoother_gives_the_fitted_values_and_its_trace_the_degrees_of_freedom(problem):
    X, y = problem
    S = checked.smoother(X, 0.03, 8)
    close(S @ y, X @ checked.descend(X, y, 0.03, 8)[8])
    close(np.trace(S), checked.degrees_of_freedom(X, 0.03, 8))
    jacobian = torch.autograd.functional.jacobian(lambda t: _fitted(torch.tensor(X), t, 0.03, 8),
                                                  torch.tensor(y))
    close(S, jacobian.numpy())


def _fitted(X, y, rate, steps):
    w = torch.zeros(X.shape[1], dtype=X.dtype)
    for _ in range(steps):
        w = w - rate * X.T @ (X @ w - y) / len(y)
    return X @ w


def test_degrees_of_freedom_grow_to_the_rank_and_not_beyond(problem):
    X = np.hstack([problem[0], problem[0][:, :1]])  # five columns of rank four
    largest = spectrum(X)[0][-1]
    df = [checked.degrees_of_freedom(X, 1 / largest, t) for t in (*range(40), 10**6)]
    assert df[0] == 0 and (np.diff(df) > 0).all()
    close(df[-1], 4)


def test_with_a_large_rate_they_go_up_and_down():
    X = np.sqrt(3) * np.eye(3)
    df = [checked.degrees_of_freedom(X, 1.5, t) for t in range(4)]
    close(df, [0, 4.5, 2.25, 3.375])


def test_degrees_of_freedom_are_the_covariance_of_fit_and_data(problem):
    X, _ = problem
    noise = 2 * plain.masks(9) - 1  # every sign vector: mean 0, covariance I
    fitted = np.array([X @ checked.descend(X, y, 0.03, 6)[6] for y in noise])
    close((fitted * noise).sum(axis=1).mean(), checked.degrees_of_freedom(X, 0.03, 6))


def test_complexity_of_the_ball_is_the_mean_best_correlation(rng):
    X = rng.normal(size=(7, 3))
    ours = checked.ball_complexity(X, 0.7)
    close(ours, oracles.correlation_with_signs(X.tolist(), 0.7))
    close(checked.ball_complexity(X, 2.1), 3 * ours)
    assert ours <= 0.7 * np.linalg.norm(X) / 7


# Dropout as an ensemble.


@pytest.mark.parametrize("keep", [0.5, 0.2, 0.9])
@pytest.mark.parametrize("n, k", [(1, 2), (4, 3), (6, 2)])
def test_the_scaled_network_is_the_geometric_mean(rng, keep, n, k):
    W, b, x = 2 * rng.normal(size=(n, k)), rng.normal(size=k), rng.normal(size=n)
    d = checked.masks(n)
    P, weights = checked.masked_predictions(W, b, x, d), checked.mask_probabilities(d, keep)
    geometric, arithmetic = oracles.mask_ensemble(W.tolist(), b.tolist(), x.tolist(), keep)
    close(checked.geometric_mean(P, weights), geometric)
    close(checked.arithmetic_mean(P, weights), arithmetic)
    close(checked.scaled_prediction(W, b, x, keep), geometric)
    logits = torch.tensor(W).T @ (torch.tensor(d[-2]) * torch.tensor(x)) + torch.tensor(b)
    close(P[-2], torch.softmax(logits, 0).numpy())
    if n > 1:
        assert abs(np.array(arithmetic) - geometric).max() > 1e-4


def test_the_ensembles_loss_is_at_most_the_members_mean_loss(rng):
    for _ in range(20):
        P = checked.masked_predictions(rng.normal(size=(4, 3)), rng.normal(size=3),
                                       rng.normal(size=4), checked.masks(4))
        assert (-np.log(checked.geometric_mean(P)) <= -np.log(P).mean(axis=0)).all()


def test_masks_and_their_probabilities():
    d = checked.masks(5)
    assert len(np.unique(d, axis=0)) == 32
    keep = np.array([0.1, 0.3, 0.5, 0.9, 1.0])
    chance = checked.mask_probabilities(d, keep)
    close(chance.sum(), 1)
    close(chance @ d, keep)


@pytest.mark.parametrize("keep", [0.3, 1.0])
def test_dropout_squared_error_is_the_mean_over_all_masks(rng, keep):
    w, X, y = rng.normal(size=4), rng.normal(size=(5, 4)), rng.normal(size=5)
    mean = oracles.mean_over_masks(lambda d: ((X @ (np.array(d) * w) - y) ** 2).mean(),
                                   [1 - keep] * 4)
    close(checked.dropout_squared_error(w, X, y, keep), mean)
    close(checked.dropout_squared_error(w, X, y, np.full(4, keep)), mean)


# Learned dropout probabilities.


def test_expected_loss_and_its_gradient_are_their_definitions(rng):
    loss, p = rng.normal(size=16), rng.uniform(0.1, 0.9, size=4)
    table = dict(zip(map(tuple, plain.masks(4)), loss, strict=True))
    mean = lambda q: oracles.mean_over_masks(lambda d: table[d], list(q))  # noqa: E731
    close(checked.expected_loss(loss, p), mean(p))
    gradient = checked.expected_loss_gradient(loss, p)
    assert_allclose(gradient, oracles.numerical_gradient(mean, p), rtol=1e-6, atol=1e-8)
    probabilities = torch.tensor(p, requires_grad=True)
    d = torch.tensor(plain.masks(4))
    chance = torch.where(d == 1, 1 - probabilities, probabilities).prod(1)
    (chance @ torch.tensor(loss)).backward()
    close(gradient, probabilities.grad.numpy())


def test_expected_loss_is_linear_in_each_probability_and_least_at_a_corner(rng):
    loss, p = rng.normal(size=16), rng.uniform(size=4)
    for i in range(4):
        ends = [checked.expected_loss(loss, np.r_[p[:i], end, p[i + 1:]]) for end in (0.0, 1.0)]
        close(checked.expected_loss(loss, p), (1 - p[i]) * ends[0] + p[i] * ends[1])
    assert loss.min() <= checked.expected_loss(loss, p)


@pytest.mark.parametrize("baseline", [0.0, 1.7])
def test_score_estimates_are_right_on_average(rng, baseline):
    loss, p, d = rng.normal(size=16), rng.uniform(0.1, 0.9, size=4), checked.masks(4)
    mean = checked.mask_probabilities(d, 1 - p) @ checked.score_estimates(loss, d, p, baseline)
    close(mean, checked.expected_loss_gradient(loss, p))
    probabilities = torch.tensor(p, requires_grad=True)
    torch.distributions.Bernoulli(1 - probabilities).log_prob(torch.tensor(d[6])).sum().backward()
    close(checked.score_estimates(loss, d, p, baseline)[6],
          (loss[6] - baseline) * probabilities.grad.numpy())


@given(st.floats(0.01, 0.99), st.floats(0.01, 0.99), st.sampled_from([0.1, 0.5, 2.0]))
def test_a_relaxed_mask_is_torchs_and_falls_on_the_side_of_the_hard_one(u, p, temperature):
    logit = torch.logit(torch.tensor(1 - p, dtype=torch.float64)) + torch.logit(
        torch.tensor(u, dtype=torch.float64))
    soft = checked.relaxed_mask(u, p, temperature)
    close(soft, torch.sigmoid(logit / temperature).item())
    if abs(u - p) > 1e-9:
        assert (soft > 0.5) == (u > p)


# Techniques.


@given(st.floats(-5, 5), st.floats(0, 3))
def test_soft_threshold_is_the_minimum(a, penalty):
    w = checked.soft_threshold(a, penalty)
    def cost(v):
        return (v - a) ** 2 / 2 + penalty * abs(v)
    for other in (0.0, a, w + 1e-3, w - 1e-3):
        assert cost(w) <= cost(other) + 1e-12
    assert_allclose(w, torch.nn.functional.softshrink(torch.tensor(a, dtype=torch.float64),
                                                      penalty).item(), atol=1e-12)


def test_ensemble_variance_is_that_of_the_mean():
    covariance = 3.0 * (0.25 * np.ones((6, 6)) + 0.75 * np.eye(6))
    close(checked.ensemble_variance(3.0, 0.25, 6), covariance.mean())


# Bad input.


@pytest.mark.parametrize("call, message", [
    (lambda: plain.descend(np.ones((3, 2)), np.ones(4), 0.1, 2), "X has 3 rows, y 4 entries"),
    (lambda: plain.descend(np.ones((3, 2)), np.ones(3), 0.0, 2), "rate must be a positive number"),
    (lambda: plain.ridge(np.ones((3, 2)), np.ones(3), -1.0), "decay must be a positive number"),
    (lambda: plain.descent_filter(np.array([-1.0]), 0.1, 2), "curvature must not be negative"),
    (lambda: plain.descent_filter(1.0, 0.1, -2), "steps must not be negative, but is -2"),
    (lambda: plain.matching_decay(2.0, 1.0, 3), "between 0 and 1/rate = 1"),
    (lambda: plain.masks(17), r"at most 2\*\*16"),
    (lambda: plain.mask_probabilities(np.array([[0.5]]), 0.5), "zeros and ones, but holds 0.5"),
    (lambda: plain.mask_probabilities(plain.masks(2), np.ones(3)), "3 probabilities for 2 units"),
    (lambda: plain.masked_predictions(np.ones((2, 3)), np.ones(3), np.ones(4), plain.masks(4)),
     "W must have 4 rows and 3 columns"),
    (lambda: plain.geometric_mean(np.array([[1.0, 0.0]])), "holds a zero"),
    (lambda: plain.geometric_mean(np.array([[0.5, 0.6]])), "must add up to 1"),
    (lambda: plain.arithmetic_mean(np.array([[0.5, 0.5]]), np.array([0.5])), "add up to 1"),
    (lambda: plain.dropout_squared_error(np.ones(2), np.ones((3, 3)), np.ones(3), 0.5),
     "X has 3 columns"),
    (lambda: plain.expected_loss(np.ones(3), np.array([0.5, 0.5])), "2 units have 4 masks"),
    (lambda: plain.score_estimates(np.ones(2), plain.masks(1), np.array([1.0])), "a 0 or a 1"),
    (lambda: plain.score_estimates(np.ones(3), plain.masks(1), np.array([0.5])), "one loss for"),
    (lambda: plain.relaxed_mask(0.5, 0.5, 0.0), "temperature must be a positive number"),
    (lambda: plain.soft_threshold(1.0, -1.0), "penalty must not be negative"),
    (lambda: plain.ensemble_variance(1.0, 1.5, 2), "correlation must lie between 0 and 1"),
])
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_shapes_are_executed():
    with pytest.raises(jaxtyping.TypeCheckError):
        checked.descend(np.ones((3, 2)), np.ones(4), 0.1, 2)


# What the figures claim.


def seeded():
    return np.random.default_rng(0)


def test_the_gap_on_new_targets_is_the_one_that_the_degrees_of_freedom_predict():
    result = experiments.optimism(seeded())
    assert_allclose(result.new - result.train, result.predicted_gap, rtol=0.05)
    assert (np.diff(result.train) <= 0).all() and 2 < result.new.argmin() < 20


def test_degrees_of_freedom_reach_the_parameters_or_go_up_and_down():
    result = experiments.degrees_of_freedom(seeded())
    assert (np.diff(result.small) > 0).all() and result.parameters - result.small[-1] < 0.01
    rises = np.diff(result.first_large)
    assert (rises[::2] > 0).all() and (rises[1::2] < 0).all()


def test_random_labels_are_learnt_in_time_and_the_correlation_falls_now_and_then():
    result = experiments.random_labels(seeded())
    mean = result.correlation.mean(axis=0)
    assert abs(mean[0]) < 0.05 and mean[-1] > 0.95
    assert (np.diff(result.correlation, axis=1) < 0).any()
    assert (result.distance <= result.length + 1e-12).all()


def test_both_paths_begin_and_end_alike_and_differ_between():
    result = experiments.paths(steps=4000)
    close(result.descent[-1], result.minimum)
    assert_allclose(result.ridge[-1], result.minimum, rtol=0.02)
    assert np.linalg.norm(result.descent - result.ridge, axis=1).max() > 0.3


def test_the_largest_gap_is_where_the_figure_says():
    result = experiments.filters()
    flow = result.gap["many small steps"]
    assert abs(flow.max() - result.worst_gap) < 1e-4
    close(np.exp(result.worst_u), (1 + result.worst_u) ** 2)
    assert 0.48 < np.nanmax(result.gap["1 step"]) <= 0.5
    close(checked.descent_filter(1.0, 1.0, 1) - checked.ridge_filter(1.0, 1.0), 0.5)
    assert np.nanmax(result.gap["3 steps"]) > flow.max()


def test_stopping_and_decay_are_equally_good_at_their_best():
    result = experiments.risks()
    assert result.descent.min() / result.ridge.min() < 1.02
    assert (result.descent / result.ridge).max() < 1.69
    assert 1.2 * result.descent.min() < result.descent[-1]


def test_the_geometric_mean_is_the_rule_and_the_arithmetic_mean_is_less_sure():
    result = experiments.ensembles(seeded(), draws=40)
    close(result.geometric, result.scaled)
    assert (abs(result.arithmetic - 0.5) < abs(result.scaled - 0.5)).all()


def test_the_rule_is_exact_only_where_nothing_but_a_softmax_follows():
    distance = experiments.hidden_layer(seeded(), draws=5).distance
    for name in ("linear, mask on the inputs", "ReLU, mask on the hidden units"):
        assert distance[name].max() < 1e-12
    for name in ("ReLU, mask on the inputs", "tanh, mask on the inputs"):
        assert distance[name][-1] > 0.05


def test_exact_descent_goes_to_the_best_corner():
    result = experiments.corner(seeded(), steps=40)
    assert (result.p[-1] < 0.2).all() and (np.diff(result.loss) < 0).all()
    assert result.corners.argmin() == 255 and result.loss[-1] < 2 * result.corners.min()


def test_learned_dropout_undoes_itself():
    result = experiments.learned_dropout(seeded())
    end = {name: loss[-1] for name, loss in result.test.items()}
    assert np.median(result.p[-1]) < 0.3 < 0.75 < result.p[0].min()
    assert end["p = 0.8, fixed"] < 0.8 * end["p learned"]
    assert abs(end["p learned"] / end["no dropout"] - 1) < 0.1


def test_slope_of_the_small_network_is_the_gradient_in_the_mask():
    network = experiments.small_network(seeded(), steps=20)
    d = np.random.default_rng(1).uniform(size=8)
    numerical = oracles.numerical_gradient(lambda q: network.loss(q[None])[0], d)
    assert_allclose(network.slope(d[None])[0], numerical, rtol=1e-6, atol=1e-9)


def test_relaxed_estimates_are_the_derivative_of_the_relaxed_loss():
    network = experiments.small_network(seeded(), steps=20)
    u, p = np.random.default_rng(1).uniform(0.1, 0.9, size=(2, 8))
    soft = plain.relaxed_mask(u, p, 0.3)
    along = -soft * (1 - soft) / 0.3 / (p * (1 - p))
    numerical = oracles.numerical_gradient(
        lambda q: network.loss(plain.relaxed_mask(u, q, 0.3)[None])[0], p)
    assert_allclose(network.slope(soft[None])[0] * along, numerical, rtol=1e-6, atol=1e-9)


def test_unbiased_estimators_spread_and_smooth_ones_are_biased():
    found = experiments.estimators(seeded())
    for name in ("score function", "score, baseline", "one unit both ways"):
        assert found[name].bias < 4 * found[name].error
    for name in ("straight-through", "relaxed, 0.3", "relaxed, 1"):
        assert found[name].bias > 10 * found[name].error
    order = ["score function", "score, baseline", "one unit both ways", "relaxed, 1"]
    assert (np.diff([found[name].spread for name in order]) < 0).all()


def test_each_technique_helps_and_the_wrong_copies_harm():
    found = experiments.techniques(seeded())
    base = found["l2"].error[0]
    for name in ("l2", "l1", "drop", "shift", "stop", "members"):
        assert found[name].error.min() < base - 0.02, name
    for name in ("l2", "l1", "drop", "stop"):  # too much of it
        assert found[name].error.max() > base + 0.02, name
    assert found["mirror"].error[-1] > 0.45
    best = [found[name].error.min() for name in ("l2", "l1", "stop", "drop", "shift", "members")]
    assert_allclose([base, *best], [0.160, 0.096, 0.118, 0.098, 0.090, 0.056, 0.128], atol=0.01)
    close([found[name].error[0] for name in ("l1", "shift", "drop", "mirror")], base)


FIGURES = {
    "optimism": lambda: experiments.optimism(seeded(), repeats=20),
    "degrees_of_freedom": lambda: experiments.degrees_of_freedom(seeded()),
    "random_labels": lambda: experiments.random_labels(seeded(), seeds=2, steps=10),
    "paths": experiments.paths,
    "filters": experiments.filters,
    "risks": experiments.risks,
    "ensembles": lambda: experiments.ensembles(seeded(), draws=5),
    "hidden_layer": lambda: experiments.hidden_layer(seeded(), draws=1),
    "corner": lambda: experiments.corner(seeded(), steps=3),
    "learned_dropout": lambda: experiments.learned_dropout(seeded(), sets=1, steps=4),
    "estimators": lambda: experiments.estimators(seeded(), draws=50),
    "techniques": lambda: experiments.techniques(seeded(), sets=2, steps=4),
    "mirrored_copies": lambda: experiments.techniques(seeded(), sets=2, steps=4),
}


@pytest.mark.parametrize("name", FIGURES)
def test_figure_has_labels_and_the_same_bytes_each_time(name):
    figures.check_labels(figures.check(getattr(plots, name), FIGURES[name]()))


def test_every_figure_is_drawn_above():
    assert figures.public(plots) == set(FIGURES)
