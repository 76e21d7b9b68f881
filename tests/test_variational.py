"""Chapter variational: definitions by loops and integrals, torch, and invariants."""

import itertools

import figures
import jaxtyping
import numpy as np
import oracles
import pytest
import torch
from annotated import annotated
from fullmarks import variational as plain
from fullmarks.experiments import variational as experiments
from fullmarks.plots import variational as plots
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from oracles import close
from torch.distributions import Categorical, MultivariateNormal, Normal, kl_divergence

checked = annotated(plain)


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def tables(k):
    """Three things about one x: a likelihood for each z, the prior, and any q."""
    entries = st.lists(st.floats(0.02, 1.0), min_size=k, max_size=k)
    table = entries.map(lambda w: np.array(w) / sum(w))
    return st.tuples(entries.map(np.array), table, table)


# The bound on tables.


@given(tables(4))
def test_divergence_is_its_definition_and_torchs(drawn):
    _, p, q = drawn
    ours = checked.categorical_kl(q, p)
    close(ours, oracles.divergence(q, p))
    close(ours, kl_divergence(Categorical(torch.tensor(q)), Categorical(torch.tensor(p))).item())
    assert ours >= -1e-12 and abs(checked.categorical_kl(q, q)) < 1e-12


@given(tables(3))
def test_bound_plus_divergence_is_the_evidence_for_any_q(drawn):
    likelihood, prior, q = drawn
    bound = checked.elbo(likelihood, prior, q)
    close(bound, oracles.joint_bound(likelihood * prior, q))
    after = checked.posterior(likelihood, prior)
    evidence = np.log(sum(a * b for a, b in zip(likelihood, prior, strict=True)))
    close(checked.log_evidence(likelihood, prior), evidence)
    close(bound + checked.categorical_kl(q, after), evidence)
    close(checked.elbo(likelihood, prior, after), evidence)


def test_the_other_order_of_the_divergence_breaks_the_identity():
    likelihood, prior, q = np.array([0.6, 0.2]), np.array([0.5, 0.5]), np.array([0.5, 0.5])
    after = checked.posterior(likelihood, prior)
    gap = checked.log_evidence(likelihood, prior) - checked.elbo(likelihood, prior, q)
    assert abs(gap - checked.categorical_kl(after, q)) > 0.01


def test_a_value_that_the_posterior_excludes_costs_infinity():
    likelihood, half = np.array([1.0, 0.0]), np.array([0.5, 0.5])
    assert checked.elbo(likelihood, half, half) == -np.inf
    assert checked.elbo(np.ones(2), np.array([1.0, 0.0]), half) == -np.inf
    close(checked.elbo(likelihood, half, np.array([1.0, 0.0])), np.log(0.5))


@given(tables(4))
def test_printed_objective_has_another_maximiser_and_is_no_bound(drawn):
    likelihood, prior, q = drawn
    best = checked.printed_optimum(likelihood, prior)
    top = np.log(prior @ np.exp(likelihood))
    close(checked.printed_objective(likelihood, prior, best), top)
    assert checked.printed_objective(likelihood, prior, q) <= top + 1e-12
    evidence = checked.log_evidence(likelihood, prior)
    assert checked.printed_objective(likelihood, prior, prior) >= evidence + 1 - 1e-12
    assert (abs(np.log(best / prior)) <= 1).all()  # one nat at most: x hardly reaches z


def test_factorised_bound_is_the_sum_over_all_combinations(rng):
    n, k = 3, 4
    log_likelihood = rng.normal(size=(k,) * n)
    q, prior = rng.dirichlet(np.ones(k), size=(2, n))
    joint, table = [], []
    for z in itertools.product(range(k), repeat=n):
        chance = np.prod([prior[i, z[i]] for i in range(n)])
        joint.append(np.exp(log_likelihood[z]) * chance)
        table.append(np.prod([q[i, z[i]] for i in range(n)]))
    ours = checked.factorised_elbo(log_likelihood, prior, q)
    close(ours, oracles.joint_bound(joint, table))
    assert len(joint) == k**n and ours <= np.log(sum(joint))
    one = checked.factorised_elbo(log_likelihood[0, 0], prior[:1], q[:1])
    close(one, checked.elbo(np.exp(log_likelihood[0, 0]), prior[0], q[0]))


# Gaussians.


@given(st.floats(-2, 2), st.floats(0.2, 3), st.floats(-2, 2), st.floats(0.2, 3))
def test_gaussian_divergence_is_its_integral_and_torchs(m, v, n, u):
    ours = checked.gaussian_kl(m, v, n, u)
    def share(z):
        q = oracles.normal_density(z, m, v)
        return q * (((z - n) ** 2 / u - (z - m) ** 2 / v) + np.log(u / v)) / 2
    assert_allclose(ours, oracles.integral(share, m, v**0.5), rtol=1e-6, atol=1e-8)
    as_torch = [torch.tensor(value, dtype=torch.float64) for value in (m, v**0.5, n, u**0.5)]
    theirs = kl_divergence(Normal(*as_torch[:2]), Normal(*as_torch[2:])).item()
    assert_allclose(ours, theirs, rtol=1e-6, atol=1e-9)
    assert ours >= -1e-12


def test_gaussian_divergence_adds_up_over_coordinates(rng):
    m, n = rng.normal(size=(2, 4))
    v, u = rng.uniform(0.3, 2, size=(2, 4))
    close(checked.gaussian_kl(m, v, n, u), sum(map(checked.gaussian_kl, m, v, n, u)))


@pytest.fixture
def linear(rng):
    return checked.Linear(rng.normal(size=(4, 2)), rng.normal(size=4), 0.6), rng.normal(size=4)


def test_linear_evidence_and_posterior_are_those_of_the_joint_gaussian(linear):
    model, x = linear
    W, b = torch.tensor(model.W), torch.tensor(model.b)
    eye = torch.eye(4, dtype=torch.float64)
    joint = MultivariateNormal(b, W @ W.T + 0.6 * eye)
    close(checked.linear_log_evidence(model, x), joint.log_prob(torch.tensor(x)).item())
    mean, precision = checked.linear_posterior(model, x)
    for z in np.random.default_rng(1).normal(size=(3, 2)):  # Bayes' rule, point by point
        after = MultivariateNormal(torch.tensor(mean), precision_matrix=torch.tensor(precision))
        prior = Normal(0, 1).log_prob(torch.tensor(z)).sum()
        seen = MultivariateNormal(W @ torch.tensor(z) + b, 0.6 * eye).log_prob(torch.tensor(x))
        close(after.log_prob(torch.tensor(z)).item(),
              (prior + seen).item() - checked.linear_log_evidence(model, x))


def test_linear_terms_are_expectations_and_their_gap_the_divergence(linear, rng):
    model, x = linear
    m, v = rng.normal(size=2), rng.uniform(0.2, 1.5, size=2)
    first, second = checked.linear_terms(model, x, m, v)
    nodes, weights = np.polynomial.hermite_e.hermegauss(8)
    total = 0.0
    for (a, p), (c, r) in itertools.product(zip(nodes, weights, strict=True), repeat=2):
        z = m + np.sqrt(v) * np.array([a, c])
        seen = [oracles.normal_density(x[i], (model.W @ z + model.b)[i], 0.6) for i in range(4)]
        total += p * r / (2 * np.pi) * np.log(seen).sum()
    close(first, total)
    mean, precision = checked.linear_posterior(model, x)
    gap = kl_divergence(
        MultivariateNormal(torch.tensor(m), torch.diag(torch.tensor(v))),
        MultivariateNormal(torch.tensor(mean), precision_matrix=torch.tensor(precision)),
    ).item()
    close(first - second + gap, checked.linear_log_evidence(model, x))


def test_the_best_diagonal_q_leaves_the_mean_field_gap(linear):
    model, x = linear
    mean, precision = checked.linear_posterior(model, x)
    first, second = checked.linear_terms(model, x, mean, 1 / np.diag(precision))
    close(checked.linear_log_evidence(model, x) - (first - second),
          checked.mean_field_gap(precision))
    for other in (mean + 0.05, mean - 0.05):
        away = checked.linear_terms(model, x, other, 1 / np.diag(precision))
        assert away[0] - away[1] < first - second
    for factor in (0.9, 1.1):
        away = checked.linear_terms(model, x, mean, factor / np.diag(precision))
        assert away[0] - away[1] < first - second


def test_the_gap_of_two_coordinates_is_their_mutual_information():
    for r in (-0.9, 0.3, 0.99):
        precision = np.linalg.inv(np.array([[4.0, 2 * r], [2 * r, 1.0]]))
        close(checked.mean_field_gap(precision), -np.log(1 - r**2) / 2)


# Estimators of a gradient.


def quadrature(points=60):
    """Nodes and weights with E[f(ε)] = Σ weights f(nodes) for polynomials."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(points)
    return nodes, weights / weights.sum()


FUNCTIONS = [
    (lambda z: z, lambda z: np.ones_like(z)),
    (lambda z: z**2, lambda z: 2 * z),
    (lambda z: np.sin(2 * z), lambda z: 2 * np.cos(2 * z)),
]


@pytest.mark.parametrize("f, slope", FUNCTIONS)
@pytest.mark.parametrize("mean, scale", [(0.0, 1.0), (0.7, 0.5)])
def test_both_estimators_are_right_on_average(f, slope, mean, scale):
    noise, weights = quadrature()
    z = mean + scale * noise
    expected = [oracles.numerical_gradient(lambda t, i=i: weights @ f(
        (t[0] if i == 0 else mean) + (t[0] if i == 1 else scale) * noise),
        [mean if i == 0 else scale])[0] for i in (0, 1)]
    path = checked.path_estimates(slope(z)[:, None], noise[:, None])
    score = checked.score_estimates(f(z), noise[:, None], scale)
    shifted = checked.score_estimates(f(z), noise[:, None], scale, 1.3)
    for found in (path, score, shifted):
        assert_allclose([weights @ part[:, 0] for part in found], expected, rtol=1e-6, atol=1e-8)


def test_score_estimates_use_torchs_log_probability(rng):
    noise, value = rng.normal(size=(5, 2)), rng.normal(size=5)
    mean = torch.tensor(rng.normal(size=2), requires_grad=True)
    scale = torch.tensor([0.5, 1.5], dtype=torch.float64, requires_grad=True)
    z = (mean + scale * torch.tensor(noise)).detach()
    ours = checked.score_estimates(value, noise, scale.detach().numpy())
    for i in range(5):
        log = Normal(mean, scale).log_prob(z[i]).sum()
        theirs = torch.autograd.grad(value[i] * log, [mean, scale])
        close(ours[0][i], theirs[0].numpy())
        close(ours[1][i], theirs[1].numpy())


def test_path_estimates_are_torchs_through_rsample(rng):
    noise = rng.normal(size=(5, 2))
    mean = torch.tensor(rng.normal(size=2), requires_grad=True)
    scale = torch.tensor([0.5, 1.5], dtype=torch.float64, requires_grad=True)
    z = mean + scale * torch.tensor(noise)
    theirs = torch.autograd.grad((z**3).sum(), [mean, scale])
    ours = checked.path_estimates(3 * z.detach().numpy() ** 2, noise)
    close(ours[0].sum(axis=0), theirs[0].numpy())
    close(ours[1].sum(axis=0), theirs[1].numpy())


def variance(weights, samples):
    return weights @ samples**2 - (weights @ samples) ** 2


def test_variances_for_the_square_are_those_of_the_estimates():
    nodes, w = quadrature(12)
    for scale in (0.5, 2.0):
        noise = np.array(list(itertools.product(nodes, repeat=3)))
        weights = np.array([np.prod(row) for row in itertools.product(w, repeat=3)])
        z, found = scale * noise, checked.square_variances(3, scale)
        value = (z**2).sum(axis=1)
        close(found["path"], variance(weights, checked.path_estimates(2 * z, noise)[0][:, 0]))
        for name, baseline in (("score", 0.0), ("baseline", 5 * scale**2)):
            estimates = checked.score_estimates(value, noise, scale, baseline)[0][:, 0]
            close(found[name], variance(weights, estimates))
        for other in (4.9, 5.1):
            estimates = checked.score_estimates(value, noise, scale, other * scale**2)[0][:, 0]
            assert variance(weights, estimates) > found["baseline"]


@pytest.mark.parametrize("frequency, scale", [(0.5, 1.0), (2.0, 0.7), (-3.0, 1.0)])
def test_variances_for_the_sine_are_those_of_the_estimates(frequency, scale):
    noise, weights = quadrature()
    z, found = scale * noise, checked.sine_variances(frequency, scale)
    path = checked.path_estimates(frequency * np.cos(frequency * z)[:, None], noise[:, None])
    score = checked.score_estimates(np.sin(frequency * z), noise[:, None], scale)
    close(found["path"], variance(weights, path[0][:, 0]))
    close(found["score"], variance(weights, score[0][:, 0]))


def test_the_ranking_reverses_once():
    difference = [found["path"] - found["score"]
                  for found in map(checked.sine_variances, np.linspace(0.05, 8, 400))]
    assert difference[0] < 0 < difference[-1]
    assert (np.diff(np.sign(difference)) != 0).sum() == 1


# A small VAE.


@pytest.fixture
def vae(rng):
    theta = checked.Vae(*(part + 0.3 * rng.normal(size=part.shape)
                          for part in plain.random_vae(5, 4, 2, 3, rng)))
    return theta, rng.integers(0, 2, size=(6, 5)).astype(float), rng.normal(size=(6, 2))


def test_the_loss_is_the_mean_of_sampled_bounds(vae):
    theta, x, noise = vae
    lists = [part.tolist() for part in theta]
    bounds = [oracles.sampled_bound(lists, *rows)
              for rows in zip(x.tolist(), noise.tolist(), strict=True)]
    close(checked.vae_loss(theta, x, noise), -np.mean(bounds))
    found = checked.vae_forward(theta, x, noise)
    close(found.reconstruction - found.divergence, bounds)


def torch_loss(theta, x, noise):
    W, w, A, a, B, b, V, v, U, u = theta
    h = torch.tanh(x @ W.T + w)
    q = Normal(h @ A.T + a, torch.exp((h @ B.T + b) / 2))
    z = q.mean + q.stddev * noise
    logits = torch.tanh(z @ V.T + v) @ U.T + u
    seen = -torch.nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1)
    return (kl_divergence(q, Normal(0.0, 1.0)).sum(1) - seen).mean()


def test_every_gradient_is_torchs(vae):
    theta, x, noise = vae
    parameters = [torch.tensor(part, requires_grad=True) for part in theta]
    loss = torch_loss(parameters, torch.tensor(x), torch.tensor(noise))
    close(checked.vae_loss(theta, x, noise), loss.item())
    theirs = torch.autograd.grad(loss, parameters)
    ours = checked.vae_backward(theta, x, noise)
    for name, mine, other in zip(ours._fields, ours, theirs, strict=True):
        assert_allclose(mine, other.numpy(), rtol=1e-6, atol=1e-9, err_msg=name)


def test_gradients_are_central_differences(vae):
    theta, x, noise = vae
    ours = checked.vae_backward(theta, x, noise)
    for name in ("W", "B", "v", "u"):
        numerical = oracles.numerical_gradient(
            lambda part, name=name: checked.vae_loss(theta._replace(**{name: part}), x, noise),
            getattr(theta, name))
        assert_allclose(getattr(ours, name), numerical, rtol=1e-6, atol=1e-9, err_msg=name)


def test_divergence_in_the_forward_pass_is_that_of_gaussians(vae):
    found = checked.vae_forward(*vae)
    for row in range(6):
        close(found.divergence[row],
              checked.gaussian_kl(found.mean[row], np.exp(found.log_variance[row])))


# The flow.


@pytest.fixture
def bent(rng):
    square = [0.5 * rng.normal(size=(3, 3)) for _ in range(3)]  # not triangular: must be masked
    return checked.Flow(rng.normal(size=3), 0.3 * rng.normal(size=3), *square)


def test_flow_is_its_definition_and_its_determinant_torchs(bent, rng):
    noise = rng.normal(size=(4, 3))
    z, log_det = checked.flow(bent, noise)
    lists = [part.tolist() for part in bent]
    for i in range(4):
        close(z[i], oracles.autoregressive(*lists, noise[i].tolist()))
        jacobian = torch.autograd.functional.jacobian(
            lambda e: torch.stack(_autoregressive(bent, e)), torch.tensor(noise[i]))
        assert (torch.triu(jacobian, 1) == 0).all()
        close(log_det[i], torch.linalg.slogdet(jacobian)[1].item())


def _autoregressive(theta, e):
    z = []
    for i in range(3):
        shift = theta.shift[i] + sum(theta.linear[i, j] * e[j] + theta.square[i, j] * e[j] ** 2
                                     for j in range(i))
        log = theta.log_scale[i] + sum(theta.gain[i, j] * e[j] for j in range(i))
        z.append(shift + e[i] * torch.exp(torch.as_tensor(log)))
    return z


def test_inverse_and_density(bent, rng):
    noise = rng.normal(size=(4, 3))
    z, log_det = checked.flow(bent, noise)
    close(checked.inverse_flow(bent, z), noise)
    normal = Normal(0.0, 1.0).log_prob(torch.tensor(noise)).sum(1).numpy()
    close(checked.flow_log_density(bent, z), normal - log_det)


def test_density_integrates_to_one():
    below = np.array([[0.0, 0.0], [1.0, 0.0]])
    bend = checked.Flow(np.array([0.2, -0.1]), np.array([0.1, -0.3]),
                        0.4 * below, 0.3 * below, 0.2 * below)
    grid = np.linspace(-12, 16, 561)
    points = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    mass = np.exp(checked.flow_log_density(bend, points)).sum() * (grid[1] - grid[0]) ** 2
    assert_allclose(mass, 1, rtol=1e-6)


def test_an_affine_flow_is_any_gaussian(rng):
    factor = rng.normal(size=(3, 3))
    mean, covariance = rng.normal(size=3), factor @ factor.T + 0.1 * np.eye(3)
    z = rng.normal(size=(5, 3))
    theirs = MultivariateNormal(torch.tensor(mean), torch.tensor(covariance))
    theta = checked.gaussian_flow(mean, covariance)
    close(checked.flow_log_density(theta, z), theirs.log_prob(torch.tensor(z)).numpy())
    diagonal = checked.gaussian_flow(mean, np.diag([1.0, 4.0, 9.0]))
    close(diagonal.linear, 0)


# Bad input.


HALF = np.array([0.5, 0.5])
EYE = np.eye(2)
BEND = plain.gaussian_flow(np.zeros(2), EYE)
MODEL = plain.Linear(np.ones((2, 1)), np.zeros(2), 1.0)
THETA = plain.random_vae(3, 2, 1, 2, np.random.default_rng(0))


@pytest.mark.parametrize("call, message", [
    (lambda: plain.categorical_kl(HALF, np.array([0.5, 0.6])), r"p must add up to 1.* 1.1"),
    (lambda: plain.categorical_kl(HALF, np.full(4, 0.25)), "q has 2 entries, p 4"),
    (lambda: plain.elbo(np.array([-1.0, 1.0]), HALF, HALF), "likelihood must not be negative"),
    (lambda: plain.elbo(np.ones(3), HALF, HALF), "likelihood has 3 entries, prior 2"),
    (lambda: plain.posterior(np.array([0.0, 1.0]), np.array([1.0, 0.0])), "x has probability 0"),
    (lambda: plain.factorised_elbo(np.ones((2, 3)), EYE, EYE), "n rows of k entries"),
    (lambda: plain.gaussian_kl(0.0, 0.0), "variance must be positive, but holds 0"),
    (lambda: plain.gaussian_kl(np.zeros(2), np.ones(3)), "same shape"),
    (lambda: plain.gaussian_kl(np.zeros(2), np.ones(2), np.zeros(3)), "same shape"),
    (lambda: plain.linear_log_evidence(MODEL, np.ones(3)), "a row of W for each entry"),
    (lambda: plain.linear_posterior(MODEL._replace(noise=0.0), np.ones(2)), "positive variance"),
    (lambda: plain.linear_terms(MODEL, np.ones(2), np.ones(2), np.ones(2)), "a column of W"),
    (lambda: plain.path_estimates(EYE, np.ones((3, 2))), "same shape"),
    (lambda: plain.score_estimates(np.ones(3), EYE, 1.0), "one value for each row"),
    (lambda: plain.score_estimates(np.ones(2), EYE, -1.0), "scale must be positive"),
    (lambda: plain.square_variances(0), "dimensions must be a positive integer"),
    (lambda: plain.sine_variances(1.0, 0.0), "scale must be positive"),
    (lambda: plain.vae_forward(THETA, np.ones((2, 4)), np.ones((2, 1))), "x has 4 columns"),
    (lambda: plain.vae_forward(THETA, np.ones((2, 3)), np.ones((2, 2))), r"must be \(2, 1\)"),
    (lambda: plain.vae_forward(THETA, 2 * np.ones((2, 3)), np.ones((2, 1))), "between 0 and 1"),
    (lambda: plain.random_vae(3, 0, 1, 2, np.random.default_rng(0)), "h must be a positive"),
    (lambda: plain.mean_field_gap(np.array([[1.0, 2.0], [2.0, 1.0]])), "positive definite"),
    (lambda: plain.mean_field_gap(np.array([[1.0, 2.0], [0.0, 1.0]])), "symmetric"),
    (lambda: plain.flow(BEND, np.ones((1, 3))), "2 columns needed"),
    (lambda: plain.gaussian_flow(np.zeros(3), EYE), "sizes differ"),
])
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_shapes_are_executed():
    with pytest.raises(jaxtyping.TypeCheckError):
        checked.mean_field_gap(np.ones((2, 3)))


# What the figures claim.


def seeded():
    return np.random.default_rng(0)


def test_the_bound_peaks_at_the_posterior_and_only_one_order_adds_up():
    result = experiments.table()
    close(result.q[result.bound.argmax()], result.posterior)
    assert (result.bound <= result.evidence + 1e-12).all()
    assert np.ptp(result.other_order) > 1
    top = result.printed.argmax()
    assert abs(result.q[top] - result.printed_best) < 0.005
    assert result.printed[top] > result.evidence + 1


def test_the_printed_objective_puts_all_mass_on_the_two_commonest_values():
    result = experiments.fitted_by_both(seeded())
    assert_allclose(result.bound, result.data, atol=1e-3)
    assert_allclose(result.printed, [0.5, 0.5, 0, 0, 0, 0], atol=1e-2)


def test_the_bound_is_best_at_the_scale_of_the_posterior():
    result = experiments.terms(seeded())
    bound = result.first - result.second
    assert (bound <= result.evidence + 1e-12).all()
    assert abs(result.scale[bound.argmax()] / result.best - 1) < 0.03
    exact = np.interp(result.sampled_at, result.scale, result.first)
    assert_allclose(result.sampled, exact, rtol=0.1)


@pytest.mark.parametrize("name", ["spread_by_dimension", "spread_by_frequency"])
def test_sampled_variances_lie_on_the_closed_forms(name):
    result = getattr(experiments, name)(seeded())
    for key, found in result.sampled.items():
        exact = np.exp(np.interp(np.log(result.at), np.log(result.x), np.log(result.exact[key])))
        assert_allclose(found, exact, rtol=0.15, err_msg=key)


def test_rough_functions_reverse_the_ranking():
    for result in (experiments.spread_by_frequency(seeded(), samples=10),
                   experiments.spread_by_sharpness()):
        ratio = result.exact["path"] / result.exact["score"]
        assert ratio[0] < 0.01 and ratio[-1] > 100
        assert (np.diff(np.sign(ratio - 1)) != 0).sum() == 1


def test_variances_for_steep_functions_are_torchs_samples():
    result, k = experiments.spread_by_sharpness(points=4), 10.0
    close(result.x[2], k)
    z = torch.tensor(seeded().normal(size=400000))
    path, score = k / torch.cosh(k * z) ** 2, torch.tanh(k * z) * z
    assert_allclose(result.exact["path"][2], path.var().item(), rtol=0.02)
    assert_allclose(result.exact["score"][2], score.var().item(), rtol=0.02)


def test_bars_are_eight_different_images():
    x = experiments.bars()
    assert x.shape == (8, 16) and len(np.unique(x, axis=0)) == 8 and (x.sum(axis=1) == 4).all()


def test_the_torch_vae_of_the_experiment_is_the_one_by_hand(vae):
    theta, x, noise = vae
    parts = [torch.tensor(part) for part in (*theta, x, noise)]
    first, second, log_q = experiments.bound_terms(parts[:10], *parts[10:])
    found = checked.vae_forward(theta, x, noise)
    close(first.numpy(), found.reconstruction)
    close(second.numpy(), found.divergence)
    normal = Normal(torch.tensor(found.mean), torch.tensor(np.exp(found.log_variance / 2)))
    theirs = normal.log_prob(torch.tensor(found.z)).sum(1).numpy() + np.log(2 * np.pi)
    close(log_q.numpy(), theirs)


def test_every_reparameterised_run_is_ahead_and_below_the_ceiling():
    result = experiments.training(seeded(), steps=300, runs=2)
    path, baseline, score = result.bound.values()
    assert path.shape == (2, len(result.steps))
    assert path[:, -1].min() > max(baseline[:, -1].max(), score[:, -1].max())
    assert max(path.max(), baseline.max(), score.max()) < result.ceiling
    assert set(result.rate.values()) <= set(experiments.RATES)


def test_runs_side_by_side_are_those_of_one_model_each(vae):
    theta, x, noise = vae
    parts = [torch.tensor(part) for part in theta]
    pairs = [torch.stack([part, 2 * part]) for part in parts]
    data = torch.tensor(x), torch.tensor(noise)
    both = experiments.bound_terms(pairs, *data)
    for i, scale in enumerate((1, 2)):
        alone = experiments.bound_terms([scale * part for part in parts], *data)
        for together, one in zip(both, alone, strict=True):
            close(together[i].numpy(), one.numpy())


def test_the_curved_models_bound_is_the_one_of_samples_and_below_the_evidence():
    x = np.array([-1.0, 2.0])
    numbers = np.array([[0.1, -0.9, -0.4, -1.4, 0.2, -0.2, 0.1], [0.0, 1.8, 0.1, -1.5, 0, -0.6, 0]])
    bound, rng = experiments.bounds_of(numbers, x), seeded()
    for i in range(2):
        noise = rng.normal(size=(200000, 2))
        theta = experiments.as_flow(numbers[i])
        z, log_det = plain.flow(theta, noise)
        log_q = -((noise**2).sum(axis=1) + 2 * np.log(2 * np.pi)) / 2 - log_det
        log_p = experiments.curved_log_joint(torch.tensor(z), torch.tensor(x[i])).numpy()
        spread = (log_p - log_q).std() / np.sqrt(len(z))
        assert abs((log_p - log_q).mean() - bound[i]) < 4 * spread
        ratio = np.exp(log_p - log_q)  # importance sampling: its mean is p(x)
        assert abs(ratio.mean() / np.exp(experiments.curved_evidence(x[i:i + 1])[0]) - 1) < 0.05
    assert (bound < experiments.curved_evidence(x)).all()


def test_draws_of_the_curved_model_follow_its_evidence():
    x = experiments.draws(seeded(), 100000)
    edges = np.linspace(-2, 4, 13)
    share = np.histogram(x, edges)[0] / len(x)
    middle = np.linspace(-2, 4, 1201)
    density = np.exp(experiments.curved_evidence(middle))
    expected = [density[100 * i:100 * i + 101].mean() * 0.5 for i in range(12)]
    assert_allclose(share, expected, atol=0.005)


@pytest.mark.parametrize("free", experiments.FAMILIES.values(), ids=experiments.FAMILIES)
def test_no_ascent_from_any_start_beats_the_best_of_the_family(free):
    x = torch.tensor([-2.0, 0.5, 1.7, 2.9, 3.3, 4.2], dtype=torch.float64)
    best = experiments.best_numbers(x.numpy(), free)
    mask = (torch.arange(7) < free).double()
    at = torch.tensor(best, requires_grad=True)
    slope, = torch.autograd.grad(experiments.curved_bound(at, x).sum(), at)
    assert_allclose((slope * mask).numpy(), 0, atol=1e-4)
    assert_allclose(best * (1 - mask.numpy()), 0)
    top, found = experiments.bounds_of(best, x.numpy()), np.full(6, -np.inf)
    rng = seeded()
    for _ in range(12):
        p = rng.normal(size=(6, 7)) * [2, 1, 0.5, 0.5, 0.5, 0.3, 0.1] - [0, 0, 0.5, 1, 0, 0, 0]
        p = torch.tensor(p, requires_grad=True)
        experiments._lbfgs([p], lambda p=p: -experiments.curved_bound(p * mask, x).sum(), 150)
        found = np.fmax(found, experiments.curved_bound(p * mask, x).detach().numpy())
    assert (found <= top + 1e-9).all()
    assert_allclose(found, top, atol=1e-5)  # and the ascents do get there


def test_at_the_symmetric_point_the_slope_vanishes_and_the_rest_is_optimal():
    x = torch.tensor([-1.0, 2.0, 4.0], dtype=torch.float64)
    stuck = experiments.best_numbers(x.numpy(), experiments.MEAN_FIELD, symmetric=True)
    at = torch.tensor(stuck, requires_grad=True)
    slope, = torch.autograd.grad(experiments.curved_bound(at, x).sum(), at)
    assert (stuck[:, 0] == 0).all()
    assert_allclose(slope[:, 0].numpy(), 0, atol=1e-10)
    mask = torch.tensor([0.0, 1, 1, 1, 0, 0, 0], dtype=torch.float64)
    p = torch.zeros(3, 7, dtype=torch.float64, requires_grad=True)
    experiments._lbfgs([p], lambda: -experiments.curved_bound(p * mask, x).sum(), 150)
    climbed = experiments.curved_bound(p * mask, x).detach().numpy()
    close(experiments.bounds_of(stuck, x.numpy()), climbed)
    best = experiments.best_numbers(x.numpy(), experiments.MEAN_FIELD)
    assert experiments.bounds_of(best, x.numpy())[2] > climbed[2] + 1


@pytest.fixture(scope="module")
def trained():
    return experiments.encoders(seeded(), experiments.MEAN_FIELD, 16)


def test_no_encoder_beats_the_optimum_and_all_miss_the_arms(trained):
    result = experiments.amortised(trained)
    assert (result.best >= 0).all() and (result.stuck >= result.best - 1e-9).all()
    assert result.encoders.shape == (5, 55) and (result.encoders >= result.best - 1e-9).all()
    common = (result.x > -1) & (result.x < 3)
    assert (result.encoders - result.best)[:, common].max() < 0.05
    assert (result.encoders - result.best)[:, -1].min() > 1
    close(result.best[result.x < 3.03], result.stuck[result.x < 3.03])
    assert (result.best < result.stuck - 1e-3)[result.x > 3.05].all()


@pytest.mark.parametrize("n", [150, 600])
def test_one_encoder_of_five_finds_an_arm_with_fewer_or_more_draws(n):
    weights = experiments.encoders(seeded(), experiments.MEAN_FIELD, 16, n=n)
    result = experiments.amortised(weights, n=10)
    ahead = (result.stuck - result.encoders).max(axis=1)
    assert (ahead > 0.5).sum() == 1 and (ahead < 2.6).all()


def test_an_encoder_is_worth_many_steps_at_any_rate(trained):
    result = experiments.inference(seeded(), trained)
    assert (result.encoders > 0).all() and all((y > 0).all() for y in result.mean_field.values())
    for lost in result.encoders:
        assert all((y[:40] > lost).all() for y in result.mean_field.values())
    assert min(y[-1] for y in result.mean_field.values()) < np.median(result.encoders)


def test_descent_finds_the_mean_field_gap():
    result = experiments.correlated()
    assert_allclose(result.climbed, -np.log(1 - result.at**2) / 2, rtol=1e-6, atol=1e-9)
    close(np.diag(result.diagonal), 1 - 0.9**2)


def test_nested_families_have_nested_gaps():
    result = experiments.banana(points=10)
    mean_field, affine, iaf = result.gap.values()
    assert mean_field > affine + 0.1 > iaf + 0.5 and iaf > 0


def test_the_affine_flow_gains_nothing_while_its_best_mean_is_zero():
    x = np.array([-2.0, 0.0, 1.38, 1.41])
    bound = {name: experiments.bounds_of(experiments.best_numbers(x, free), x)
             for name, free in experiments.FAMILIES.items()}
    gain = bound["affine flow"] - bound["mean field"]
    close(gain[:3], 0)
    assert gain[3] > 1e-4 and (bound["IAF"] > bound["mean field"] + 0.2).all()


def test_an_amortised_flow_can_win_and_can_lose():
    result = experiments.gaps(seeded(), points=10, runs=3)
    mean_field = result.best["mean field"]
    assert (result.encoders["linear"][:, -1] > mean_field[-1] + 0.2).all()
    for gap in result.encoders.values():
        assert (gap >= result.best["IAF"] - 1e-9).all()
        assert (gap[:, 4:8] < mean_field[4:8]).all()


def test_a_single_step_gains_nothing_on_independent_coordinates():
    nodes = torch.tensor(np.polynomial.hermite_e.hermegauss(40)[0])
    weights = torch.tensor(np.polynomial.hermite_e.hermegauss(40)[1])
    weights = weights / weights.sum()
    e1, e2 = torch.meshgrid(nodes, nodes, indexing="ij")
    both = weights[:, None] * weights

    def log_p(z):  # the logarithm of an exponential variable: a density, and far from normal
        return z - torch.exp(z)

    def bound(p, free):
        p = p * (torch.arange(7) < free)
        log_scale = p[3] + p[6] * e1
        z2 = p[1] + p[4] * e1 + p[5] * e1**2 + torch.exp(log_scale) * e2
        return (both * (log_p(p[0] + torch.exp(p[2]) * e1) + log_p(z2) + p[2] + log_scale)).sum()

    found = []
    for free in (4, 7):
        p = torch.tensor([0.0, 0, 0, 0, 0.2, 0.1, 0.1], dtype=torch.float64, requires_grad=True)
        experiments._lbfgs([p], lambda p=p, free=free: -bound(p, free), 200)
        found.append(bound(p, free).item())
    close(found[1], found[0])
    assert abs(p.detach()[4:]).max() < 1e-4
    close(-found[0] - 1 - np.log(2 * np.pi), 2 - np.log(2 * np.pi))  # the gap of both: 0.162


def test_the_sampled_bound_errs_as_predicted():
    result = experiments.sampled(seeded())
    assert_allclose(result.error, result.predicted, rtol=0.1)
    assert result.terms == 256


def small_encoders():
    return experiments.encoders(seeded(), experiments.MEAN_FIELD, 3, runs=2, n=20)


FIGURES = {
    "table": lambda: (experiments.table(),),
    "printed_objective": lambda: (experiments.table(),),
    "fitted_by_both": lambda: (experiments.fitted_by_both(seeded(), steps=3),),
    "terms": lambda: (experiments.terms(seeded()),),
    "spread_by_dimension": lambda: (experiments.spread_by_dimension(seeded(), samples=50),),
    "spread_by_roughness": lambda: (experiments.spread_by_frequency(seeded(), samples=50),
                                    experiments.spread_by_sharpness(points=5)),
    "training": lambda: (experiments.training(seeded(), steps=4, every=2, runs=2),),
    "amortised": lambda: (experiments.amortised(small_encoders(), n=4),),
    "inference": lambda: (experiments.inference(seeded(), small_encoders(), n=4, steps=3),),
    "correlated": lambda: (experiments.correlated(),),
    "banana": lambda: (experiments.banana(points=20),),
    "gaps": lambda: (experiments.gaps(seeded(), points=4, runs=2),),
    "sampled": lambda: (experiments.sampled(seeded(), n=3, repeats=5),),
}


@pytest.mark.parametrize("name", FIGURES)
def test_figure_has_labels_and_the_same_bytes_each_time(name):
    figures.check_labels(figures.check(getattr(plots, name), FIGURES[name]()))


def test_every_figure_is_drawn_above():
    assert figures.public(plots) == set(FIGURES)
