"""Chapter variational: definitions by loops and integrals, torch, and invariants."""

import itertools

import jaxtyping
import numpy as np
import oracles
import pytest
import torch
from annotated import annotated
from fullmarks import variational as plain
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from torch.distributions import Categorical, MultivariateNormal, Normal, kl_divergence

checked = annotated(plain)


def close(actual, expected, scale=1.0):
    """rtol 1e-6, and an absolute tolerance three orders below the data."""
    assert_allclose(actual, expected, rtol=1e-6, atol=1e-3 * 1e-6 * scale)


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
