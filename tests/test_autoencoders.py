"""Chapter autoencoders: definitions in loops, torch, and invariants."""

import figures
import numpy as np
import oracles
import pytest
import scipy.stats
import torch
from annotated import annotated
from fullmarks import autoencoders as plain
from fullmarks.experiments import autoencoders as experiments
from fullmarks.plots import autoencoders as plots
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from oracles import close

checked = annotated(plain)
NAMES = ["linear", "ReLU", "sigmoid"]
TORCH = {"linear": lambda z: z, "ReLU": torch.relu, "sigmoid": torch.sigmoid}


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.fixture
def theta(rng):
    """Four units for three inputs, weights not tied, biases that are not zero."""
    return checked.Autoencoder(rng.normal(size=(4, 3)), rng.normal(size=4), rng.normal(size=(3, 4)),
                               rng.normal(size=3))


@pytest.fixture
def X(rng):
    return rng.normal(size=(7, 3))


def torch_loss(theta, X, weight, activation):
    """The loss with the Jacobian of the code by automatic differentiation."""
    W, b, V, c = theta

    def encode(x):
        return TORCH[activation](W @ x + b)

    jacobians = torch.func.vmap(torch.func.jacrev(encode))(X)
    codes = torch.func.vmap(encode)(X)
    errors = (X - codes @ V.T - c).square().sum(1)
    return (errors + weight * jacobians.square().sum((1, 2))).mean()


def leaves(arrays):
    return [torch.tensor(a, requires_grad=True) for a in arrays]


# The network and its derivatives.


@pytest.mark.parametrize("activation", NAMES)
def test_loss_is_its_definition_and_torchs(theta, X, activation):
    ours = checked.mean_loss(theta, X, 0.3, activation)
    assert_allclose(ours, oracles.autoencoder_loss(*(a.tolist() for a in theta), X.tolist(), 0.3,
                                                   activation), rtol=1e-8)
    close(ours, torch_loss(leaves(theta), torch.tensor(X), 0.3, activation).item())


@pytest.mark.parametrize("activation", NAMES)
def test_gradients_are_torchs_and_those_of_differences(theta, X, activation):
    ours = checked.backward(theta, X, 0.3, activation)
    tensors = leaves(theta)
    found = torch.autograd.grad(torch_loss(tensors, torch.tensor(X), 0.3, activation), tensors)
    for place, (mine, torchs) in enumerate(zip(ours, found, strict=True)):
        close(mine, torchs.numpy())

        def moved(value, place=place):
            return plain.mean_loss(theta._replace(**{"WbVc"[place]: value}), X, 0.3, activation)

        assert_allclose(mine, oracles.numerical_gradient(moved, theta[place]), rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("activation", NAMES)
def test_gradient_of_tied_weights_is_torchs(X, rng, activation):
    W = rng.normal(size=(4, 3))
    weights = torch.tensor(W, requires_grad=True)
    zeros = [torch.zeros(size, dtype=torch.float64) for size in (4, 3)]
    loss = torch_loss((weights, zeros[0], weights.T, zeros[1]), torch.tensor(X), 0.3, activation)
    ours = checked.tied_gradient(checked.backward(checked.tied(W), X, 0.3, activation))
    close(ours, torch.autograd.grad(loss, weights)[0].numpy())


@pytest.mark.parametrize("activation", NAMES)
def test_penalty_is_the_frobenius_norm_of_torchs_jacobian(theta, X, activation):
    W, b = (torch.tensor(a) for a in theta[:2])
    for x in X:
        J = torch.autograd.functional.jacobian(lambda v: TORCH[activation](W @ v + b),
                                               torch.tensor(x)).numpy()
        close(checked.encoder_jacobian(theta.W, theta.b, x, activation), J)
        close(checked.contractive_penalty(theta.W, theta.b, x, activation), (J**2).sum())
        singular = np.linalg.svd(J, compute_uv=False)
        close(checked.contractive_penalty(theta.W, theta.b, x, activation), (singular**2).sum())


def test_one_example_and_a_batch_agree(theta, X):
    together = checked.forward(theta, X, "ReLU")
    for i, x in enumerate(X):
        for batch, one in zip(together, checked.forward(theta, x, "ReLU"), strict=True):
            close(batch[i], one)
    close(checked.squared_errors(theta, X, "ReLU"),
          [checked.squared_errors(theta, x, "ReLU") for x in X])


def test_penalty_of_a_linear_encoder_is_weight_decay_at_every_example(theta, X):
    close(checked.contractive_penalty(theta.W, theta.b, X, "linear"), (theta.W**2).sum())
    grad_W, grad_b = checked.contractive_gradient(theta.W, theta.b, X, "linear")
    close(grad_W, 2 * theta.W)
    assert (grad_b == 0).all()


def test_penalty_of_a_relu_encoder_is_weight_decay_times_activity(theta, X):
    active = checked.activity(theta.W, theta.b, X)
    close(active, [np.mean([w @ x + b > 0 for x in X])
                   for w, b in zip(theta.W, theta.b, strict=True)])
    assert set(np.round(active * len(X))) <= set(range(len(X) + 1)) and 0 < active.mean() < 1
    close(checked.contractive_penalty(theta.W, theta.b, X, "ReLU").mean(),
          active @ (theta.W**2).sum(axis=1))
    grad_W, grad_b = checked.contractive_gradient(theta.W, theta.b, X, "ReLU")
    close(grad_W, 2 * active[:, None] * theta.W)
    assert (grad_b == 0).all()


@given(st.integers(0, 2**32 - 1))
def test_a_contractive_penalty_is_at_most_weight_decay(seed):
    rng = np.random.default_rng(seed)
    W, b, X = rng.normal(size=(4, 3)), rng.normal(size=4), rng.normal(size=(6, 3))
    decay = (W**2).sum() * (1 + 1e-12)
    for activation, bound in (("linear", 1), ("ReLU", 1), ("sigmoid", 1 / 16)):
        assert (checked.contractive_penalty(W, b, X, activation) <= bound * decay).all()


@given(st.integers(0, 2**32 - 1))
def test_mirrored_data_and_no_bias_charge_half_the_decay(seed):
    rng = np.random.default_rng(seed)
    W, X = rng.normal(size=(4, 3)), rng.normal(size=(6, 3))
    mirrored = np.concatenate([X, -X])
    close(checked.contractive_penalty(W, np.zeros(4), mirrored, "ReLU").mean(), (W**2).sum() / 2)


def test_the_slope_at_the_kink_is_torchs_choice():
    z = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    torch.relu(z).backward()
    W, b = np.array([[2.0]]), np.zeros(1)
    assert checked.encoder_jacobian(W, b, np.zeros(1), "ReLU") == 2 * z.grad.item() == 0


def test_rescaling_an_untied_autoencoder_changes_the_penalty_alone(theta, X):
    for s in (0.5, 1e-3):
        other = checked.Autoencoder(s * theta.W, s * theta.b, theta.V / s, theta.c)
        for activation in ("linear", "ReLU"):
            close(checked.squared_errors(other, X, activation),
                  checked.squared_errors(theta, X, activation))
            close(checked.contractive_penalty(other.W, other.b, X, activation),
                  s**2 * checked.contractive_penalty(theta.W, theta.b, X, activation))


def test_shrunken_principal_directions_are_the_minimum_of_tied_weights(rng):
    X = rng.normal(size=(30, 3)) @ np.diag([2.0, 1.0, 0.4])
    variances, Q = np.linalg.eigh(X.T @ X / len(X))
    weight = 2 * variances[0] * 1.5  # the weakest direction is lost
    shares = checked.tied_shrinkage(variances, weight)
    assert shares[0] == 0 and (shares[1:] > 0).all()
    W = np.sqrt(shares)[:, None] * Q.T
    best = plain.mean_loss(plain.tied(W), X, weight, "linear")
    close(best, (variances * (1 - shares) ** 2 + weight * shares).sum())
    slope = plain.tied_gradient(plain.backward(plain.tied(W), X, weight, "linear"))
    assert abs(slope).max() < 1e-12
    for _ in range(200):  # no other matrix is better, near or far
        other = W + rng.choice([1e-3, 0.1, 1.0]) * rng.normal(size=(3, 3))
        assert plain.mean_loss(plain.tied(other), X, weight, "linear") > best
    close(plain.mean_loss(plain.tied(W[1:]), X, weight, "linear"), best)  # two units are enough
    assert plain.mean_loss(plain.tied(W[2:]), X, weight, "linear") > best


# The kink.


@pytest.mark.parametrize("b", [-1.5, 0.0, 0.7])
def test_normal_penalty_is_the_expectation_and_its_slopes_are_those_of_differences(b):
    w = np.array([0.6, -1.1])
    length = np.linalg.norm(w)
    close(checked.normal_penalty(w, b), length**2 * scipy.stats.norm.cdf(b / length))
    in_bias, in_length = checked.normal_penalty_slopes(w, b)
    unit = w / length
    assert_allclose(in_bias, oracles.numerical_gradient(
        lambda v: plain.normal_penalty(w, float(v)), b), rtol=1e-8)
    assert_allclose(in_length, oracles.numerical_gradient(
        lambda r: plain.normal_penalty(r * unit, b), length), rtol=1e-8)
    t = torch.tensor([*w, b], dtype=torch.float64, requires_grad=True)
    r = t[:2].norm()
    value = r**2 * torch.special.ndtr(t[2] / r)
    gradient = torch.autograd.grad(value, t)[0].numpy()
    close(gradient, [*(in_length * unit), in_bias])


def test_normal_penalty_is_the_mean_over_many_examples(rng):
    X, w, b = rng.normal(size=(200_000, 2)), np.array([[0.6, -1.1]]), np.array([-0.4])
    mean = plain.contractive_penalty(w, b, X, "ReLU")
    error = mean.std() / np.sqrt(len(X))
    assert abs(mean.mean() - checked.normal_penalty(w[0], -0.4)) < 4 * error


# Codes with noise, and samples.


def test_noisy_error_is_the_expectation(theta, rng):
    x, mu, sigma = rng.normal(size=3), rng.normal(size=4), rng.uniform(0.1, 1, size=4)
    signs = 2 * np.array(list(np.ndindex(2, 2, 2, 2))) - 1  # mean 0, covariance I
    codes = mu + sigma * signs
    close(checked.noisy_error(x, theta.V, theta.c, mu, sigma),
          ((x - codes @ theta.V.T - theta.c) ** 2).sum(axis=1).mean())
    close(checked.noisy_error(x, theta.V, theta.c, mu, 0 * sigma),
          ((x - theta.V @ mu - theta.c) ** 2).sum())


def test_energy_distance_is_its_definition_scipys_and_torchs(rng):
    X, Y = rng.normal(size=(9, 2)), rng.normal(size=(5, 2)) + 1
    ours = checked.energy_distance(X, Y)
    close(ours, oracles.energy_distance(X.tolist(), Y.tolist()))
    between, a, b = (torch.cdist(torch.tensor(p), torch.tensor(q)).mean().item()
                     for p, q in ((X, Y), (X, X), (Y, Y)))
    close(ours, 2 * between - a - b)
    close(checked.energy_distance(X[:, :1], Y[:, :1]),
          scipy.stats.energy_distance(X[:, 0], Y[:, 0]) ** 2)


@given(st.integers(0, 2**32 - 1))
def test_energy_distance_does_not_see_rotations_and_grows_with_scale(seed):
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(6, 3)), rng.normal(size=(4, 3))
    Q = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    one = checked.energy_distance(X, Y)
    assert one > 0
    close(checked.energy_distance(X @ Q + 1, Y @ Q + 1), one)
    close(checked.energy_distance(3 * Y, 3 * X), 3 * one)


# Bad input.


@pytest.mark.parametrize("call, words", [
    (lambda: plain.forward(plain.tied(np.eye(2)), np.ones(3), "ReLU"), r"X \(3,\) with W \(2, 2\)"),
    (lambda: plain.forward(plain.tied(np.eye(2)), 1.0, "ReLU"), r"X \(\) with W \(2, 2\)"),
    (lambda: plain.forward(plain.tied(np.eye(2)), np.ones(2), "relu"), "linear, ReLU, sigmoid"),
    (lambda: plain.forward(plain.tied(np.eye(2))._replace(V=np.ones((2, 3))), np.ones(2), "ReLU"),
     r"decoder V \(2, 2\).*V is \(2, 3\)"),
    (lambda: plain.activity(np.eye(2), np.zeros(3), np.ones((1, 2))), "W has 2 rows, b 3 entries"),
    (lambda: plain.mean_loss(plain.tied(np.eye(2)), np.ones((1, 2)), -1.0, "ReLU"), "is -1.0"),
    (lambda: plain.tied_shrinkage(np.array([1.0, 0.0]), 1.0), "smallest variance is 0.0"),
    (lambda: plain.normal_penalty(np.zeros(2), 1.0), "must not be zero"),
    (lambda: plain.noisy_error(np.ones(2), np.eye(2), np.ones(2), np.ones(2), np.ones(3)),
     r"sigma \(3,\)"),
    (lambda: plain.energy_distance(np.ones((1, 2)), np.ones((1, 3))), r"X \(1, 2\) and Y \(1, 3\)"),
])
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


# Experiments and figures.


def seeded():
    return np.random.default_rng(0)


def test_curves_follow_the_gradient_of_the_module():
    x = experiments.inputs(seeded(), 1, 9, [1.0, 0.5, 0.2])
    for encoder in ("linear", "ReLU"):
        runs = experiments.Runs(seeded(), experiments.Setting(encoder=encoder), x, 2)
        losses, weights = runs.train("contractive", 3)
        W = weights[0, 0]
        for loss, expected in zip(losses, weights, strict=True):
            close(W, expected[0])
            theta = plain.tied(W)
            close(loss, plain.mean_loss(theta, x[0], experiments.WEIGHT, encoder))
            step = plain.tied_gradient(plain.backward(theta, x[0], experiments.WEIGHT, encoder))
            W = W - experiments.RATE * step


def test_both_curves_coincide_only_where_the_chapter_says_so():
    found = experiments.conditions(seeded(), seeds=2, steps=30)
    names = list(found)
    for name in names[:6]:
        assert found[name].max() < 1e-13, name
    for name in names[6:]:
        assert found[name].min() > 1e-4, name
    curves = experiments.curves(seeded(), seeds=2, steps=30)
    close(curves.contractive, curves.decay)
    assert (curves.contractive[-1] < curves.contractive[0]).all()


def test_training_ends_at_the_shrunken_principal_directions():
    result = experiments.shrinkage(seeded(), seeds=2)
    away_from_the_threshold = abs(result.weight[:, None] / (2 * result.variances) - 1) > 0.02
    gap = abs(result.trained - result.theory[:, None]).max(axis=1)
    assert away_from_the_threshold.mean() > 0.9 and gap[away_from_the_threshold].max() < 1e-5
    assert gap.max() < 1e-3


def test_dead_units_shrink_under_weight_decay_alone():
    result = experiments.gates(seeded(), seeds=2)
    assert result.dead.sum() >= 10
    start = result.contractive[0, result.dead]
    assert (result.contractive[:, result.dead] == start).all()
    powers = result.factor ** (2.0 * np.arange(len(result.decay)))
    close(result.decay[:, result.dead] / start, np.tile(powers[:, None], len(start)), powers.min())
    rare = result.activity_contractive < 0.1
    assert (result.contractive[-1, rare] > 0.1).sum() > 10
    assert result.decay[-1, result.activity_decay < 0.1].max() < 0.1


def test_weight_decay_loses_rare_units_and_the_contractive_penalty_keeps_them():
    runs = [experiments.gates(seeded(), weight=weight) for weight in (0.03, 0.1, 0.3)]
    contractive, decay = ([int((run[side] > 0).sum()) for run in runs] for side in (2, 3))
    assert contractive == [97, 98, 99] and decay == [71, 59, 50]
    active = [(side > 0).reshape(5, 30).sum(axis=1) for side in runs[1][2:4]]
    assert [(a.min(), a.max()) for a in active] == [(17, 23), (11, 13)]


@pytest.mark.parametrize("weight", [0.5, 1.5])
def test_one_rare_unit_is_best_where_its_share_says(weight):
    X = np.array([[2.0], [1.0], [-1.0], [-2.0], [-3.0], [-1.0], [-2.0], [-3.0]])
    a, s = 1 / 4, 2.5  # active at two of eight examples, with this mean square
    grid = np.sqrt(np.linspace(1e-6, 1, 10001))
    one = [plain.tied(np.array([[w]])) for w in grid]
    losses = {s: [plain.mean_loss(theta, X, weight, "ReLU") for theta in one],
              a * s: [plain.mean_loss(theta, X, 0.0, "ReLU") + weight * theta.W[0, 0] ** 2
                      for theta in one]}
    best = {variance: grid[np.argmin(loss)] ** 2 for variance, loss in losses.items()}
    for variance, share in best.items():
        assert_allclose(share, plain.tied_shrinkage(np.array(variance), weight), atol=1e-4)
    assert best[s] > best[a * s] + 0.2


def test_the_penalty_of_examples_is_a_staircase():
    result = experiments.kink(seeded())
    assert (result.slope_examples == 0).all()
    steps = np.diff(result.examples)
    assert (steps >= 0).all() and (steps > 0).sum() == len(result.jumps) == 8
    close(result.examples[-1], 1.5**2)
    crossed = [np.searchsorted(result.bias, jump) for jump in result.jumps]
    assert (steps[np.array(crossed) - 1] > 0).all()
    numerical = np.gradient(result.population, result.bias)[1:-1]
    assert_allclose(result.slope_population[1:-1], numerical, atol=1e-3)


def test_a_twin_autoencoder_is_a_vae_without_noise_and_kl():
    twins = experiments.Twins(seeded(), 1)
    x = torch.tensor(experiments.spots(seeded(), 5), dtype=torch.float32)
    noise = torch.tensor(seeded().normal(size=(1, 5, 2)), dtype=torch.float32).repeat(2, 1, 1)
    mu, log_sigma = (a.detach().double() for a in twins.encode(x.expand(2, -1, -1)))
    codes = [mu[0], mu[1] + torch.exp(log_sigma[1]) * noise[1]]
    decoded = twins.decode(torch.stack(codes).float()).detach()
    error = (decoded - x).square().sum(2).mean(1).double() / (2 * 0.2**2)
    normal = torch.distributions.Normal(mu[1], torch.exp(log_sigma[1]))
    kl = torch.distributions.kl_divergence(normal, torch.distributions.Normal(0.0, 1.0))
    expected = error.sum() + kl.sum(1).mean()
    assert_allclose(twins.loss(x.repeat(2, 1, 1), noise).item(), expected.item(), rtol=1e-5)


def test_samples_of_the_vae_are_near_and_of_the_autoencoder_far():
    found = experiments.generation(seeded())
    ranges = {name: (found.distance[name].min(), found.distance[name].max(),
                     found.off[name].min(), found.off[name].max()) for name in found.distance}
    assert_allclose(ranges["AE, standard normal"], [1.82, 2.50, 2.58, 3.04], atol=0.01)
    assert_allclose(ranges["AE, fitted normal"], [0.034, 0.118, 0.386, 0.604], atol=1e-3)
    assert_allclose(ranges["AE, kernel density"], [0.0112, 0.0239, 0.158, 0.230], atol=1e-3)
    assert_allclose(ranges["VAE"], [0.0102, 0.0380, 0.154, 0.178], atol=1e-3)
    assert_allclose(found.floor, [0.0096, 0.057], atol=1e-3)
    plain_error, error = np.sort(found.error)  # the last autoencoder got stuck
    assert_allclose([plain_error[0], plain_error[6], plain_error[7], error[0], error[7]],
                    [0.0211, 0.0235, 0.153, 0.0248, 0.0303], atol=5e-4)
    below = np.sort(1 - found.error[0] / found.error[1])[1:]
    assert_allclose([below[0], below[-1]], [0.11, 0.28], atol=0.005)
    assert (found.code_distance[0] > 20 * found.code_distance[1]).all()
    close(found.distance["VAE"][0], plain.energy_distance(found.samples["VAE"][0], found.new))
    cloud = found.codes[0]
    assert_allclose([cloud.min(axis=0), cloud.max(axis=0)], [[-1.1, -10.1], [14.5, 2.4]], atol=0.1)


def test_off_is_the_distance_to_the_nearest_image():
    images = experiments.images(np.array([[2.0, 3.5], [5.125, 1.0]]))
    assert experiments._off(images) < 1e-7
    moved = images + 0.01 * seeded().normal(size=images.shape)
    assert_allclose(experiments._off(moved), 0.01 * np.sqrt(62), rtol=0.15)


FIGURES = {
    "curves": lambda: experiments.curves(seeded(), seeds=1, steps=3),
    "conditions": lambda: experiments.conditions(seeded(), seeds=1, steps=3),
    "shrinkage": lambda: experiments.shrinkage(seeded(), seeds=1, steps=3),
    "dead_units": lambda: experiments.gates(seeded(), seeds=1, steps=3),
    "activities": lambda: experiments.gates(seeded(), seeds=1, steps=3),
    "kink": lambda: experiments.kink(seeded()),
    "samples": lambda: experiments.generation(seeded(), pairs=1, steps=3, n=20),
    "codes": lambda: experiments.generation(seeded(), pairs=1, steps=3, n=20),
    "trade": lambda: experiments.generation(seeded(), pairs=1, steps=3, n=20),
}


@pytest.mark.parametrize("name", FIGURES)
def test_figure_has_labels_and_the_same_bytes_each_time(name):
    figures.check_labels(figures.check(getattr(plots, name), FIGURES[name]()))


def test_every_figure_is_drawn_above():
    assert figures.public(plots) == set(FIGURES)
