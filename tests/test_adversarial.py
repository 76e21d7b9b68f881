"""Chapter adversarial: each function against its definition, torch and invariants."""

import figures
import numpy as np
import oracles
import pytest
import torch
import torch.nn.functional as F
from annotated import annotated
from fullmarks import adversarial
from fullmarks.experiments import adversarial as experiments
from fullmarks.plots import adversarial as plots
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose
from oracles import close

checked = annotated(adversarial)

numbers = st.floats(-3, 3)
weights = arrays(np.float64, 3, elements=st.floats(0.01, 1))
columns = arrays(np.float64, 3, elements=numbers)
penalties = st.floats(0.1, 10)


def tables(rng, K=5):
    return rng.dirichlet(np.ones(K)), rng.dirichlet(np.ones(K))


# The game.


def test_value_at_the_best_discriminator_is_the_jensen_shannon_divergence():
    p, g = tables(np.random.default_rng(0))
    value = checked.game_value(checked.best_discriminator(p, g), p, g)
    close(value, 2 * checked.jensen_shannon(p, g) - np.log(4))


def test_best_discriminator_is_found_by_torch():
    p, g = tables(np.random.default_rng(1))
    a = torch.zeros(5, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([a], max_iter=200, tolerance_grad=1e-12, tolerance_change=0)

    def loss():
        optimizer.zero_grad()
        value = -(torch.tensor(p) * F.logsigmoid(a) + torch.tensor(g) * F.logsigmoid(-a)).sum()
        value.backward()
        return value

    optimizer.step(loss)
    close(checked.best_discriminator(p, g), torch.sigmoid(a).detach())
    close(-loss().item(), checked.game_value(checked.best_discriminator(p, g), p, g))


@given(weights, weights, arrays(np.float64, 3, elements=st.floats(0, 1)))
def test_no_discriminator_beats_the_best_one(p, g, D):
    p, g = p / p.sum(), g / g.sum()
    best = checked.game_value(checked.best_discriminator(p, g), p, g)
    assert checked.game_value(D, p, g) <= best + 1e-12


def test_game_value_is_its_sum_and_does_not_mind_impossible_values():
    p, g = np.array([0.5, 0.5, 0.0]), np.array([0.0, 0.75, 0.25])
    D = np.array([1.0, 0.25, 0.0])
    close(checked.game_value(D, p, g), 0.5 * np.log(0.25) + 0.75 * np.log(0.75))
    assert checked.game_value(1 - D, p, g) == -np.inf


def test_jensen_shannon_is_torchs_symmetric_and_bounded():
    p, g = tables(np.random.default_rng(2))
    m = torch.tensor((p + g) / 2).log()
    halves = [F.kl_div(m, torch.tensor(q), reduction="sum").item() / 2 for q in (p, g)]
    close(checked.jensen_shannon(p, g), sum(halves))
    close(checked.jensen_shannon(g, p), sum(halves))
    apart = np.array([0.3, 0.7, 0, 0]), np.array([0, 0, 0.6, 0.4])
    close(checked.jensen_shannon(*apart), np.log(2))


@given(numbers, numbers, st.floats(0.01, 1.5), st.integers(1, 30))
def test_the_game_of_two_numbers_keeps_its_invariants(x, y, rate, steps):
    together = checked.play(x, y, rate, steps)
    n = np.arange(steps + 1)
    assert_allclose((together**2).sum(1), (x * x + y * y) * (1 + rate**2) ** n, rtol=1e-6)
    u, v = checked.play(x, y, rate, steps, alternating=True).T
    kept = u * u + v * v - rate * u * v
    assert_allclose(kept, kept[0], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("alternating", [False, True])
def test_the_game_of_two_numbers_is_played_by_torch(alternating):
    x, y = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (0.7, -0.4))
    first = torch.optim.SGD([x], lr=0.3)
    second = torch.optim.SGD([y], lr=0.3, maximize=True)
    places = [(x.item(), y.item())]
    for _ in range(5):
        x.grad, y.grad = torch.autograd.grad(x * y, [x, y])
        first.step()
        if alternating:
            (y.grad,) = torch.autograd.grad(x * y, [y])
        second.step()
        places.append((x.item(), y.item()))
    close(checked.play(0.7, -0.4, 0.3, 5, alternating), places)


# The generator's loss.


@pytest.mark.parametrize("loss, slope, definition", [
    ("saturating_loss", "saturating_gradient", lambda w: np.log(1 - w)),
    ("non_saturating_loss", "non_saturating_gradient", lambda w: -np.log(w)),
])
def test_generator_losses_are_their_definition_and_their_slopes_torchs(loss, slope, definition):
    a = np.linspace(-8, 8, 33)
    values = getattr(checked, loss)(a)
    close(values, [definition(oracles.sigmoid(v)) for v in a])
    tensor = torch.tensor(a, requires_grad=True)
    w = torch.sigmoid(tensor)
    (torch.log(1 - w) if loss == "saturating_loss" else -torch.log(w)).sum().backward()
    close(getattr(checked, slope)(a), tensor.grad)
    close(getattr(checked, slope)(0.3),
          oracles.numerical_gradient(getattr(checked, loss), np.array(0.3)))


def test_both_slopes_keep_their_tails():
    assert_allclose(checked.saturating_gradient(-50.0), -np.exp(-50), rtol=1e-12)
    assert_allclose(checked.non_saturating_gradient(50.0), -np.exp(-50), rtol=1e-12)


@given(st.floats(-600, 600))
def test_the_two_slopes_add_up_to_minus_one(a):
    total = checked.saturating_gradient(a) + checked.non_saturating_gradient(a)
    assert_allclose(total, -1, rtol=1e-12)


@pytest.mark.parametrize("a", [-0.5, -3.0, -6.0])
def test_escape_times_are_integrals(a):
    times = checked.escape_times(a)
    slopes = lambda v: -oracles.sigmoid(v), lambda v: oracles.sigmoid(v) - 1
    close(times, [oracles.time_to_zero(slope, a) for slope in slopes])


# The linear critic.


@given(columns, numbers, penalties, st.integers(0, 99))
def test_critic_loss_is_that_of_samples_whatever_the_offset_and_the_mixing(w, b, penalty, seed):
    rng = np.random.default_rng(seed)
    real, fake, mix = rng.normal(size=(6, 3)), rng.normal(1, 2, size=(6, 3)), rng.random(6)
    gap = real.mean(0) - fake.mean(0)
    samples = oracles.critic_loss_of_samples(
        w.tolist(), b, real.tolist(), fake.tolist(), penalty, mix.tolist()
    )
    close(checked.critic_loss(w, gap, penalty), samples, scale=1e3)


def test_critic_gradient_is_torchs_through_the_penalty():
    rng = np.random.default_rng(0)
    real, fake = (torch.tensor(rng.normal(size=(7, 4))) for _ in range(2))
    w = torch.tensor(rng.normal(size=4), requires_grad=True)
    b = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    mix = torch.tensor(rng.random((7, 1)))
    between = (mix * real + (1 - mix) * fake).requires_grad_()
    slope = torch.autograd.grad((between @ w + b).sum(), between, create_graph=True)[0]
    loss = (fake @ w + b).mean() - (real @ w + b).mean()
    loss = loss + 2.5 * ((slope.norm(dim=1) - 1) ** 2).mean()
    gap = (real.mean(0) - fake.mean(0)).numpy()
    grad_w, grad_b = torch.autograd.grad(loss, [w, b])
    close(checked.critic_gradient(w.detach().numpy(), gap, 2.5), grad_w)
    assert abs(grad_b) < 1e-15


@given(columns, columns, penalties)
def test_critic_gradient_is_the_slope_of_the_loss(w, gap, penalty):
    assume(np.linalg.norm(w) > 0.1)
    slope = oracles.numerical_gradient(lambda v: checked.critic_loss(v, gap, penalty), w, 1e-4)
    assert_allclose(checked.critic_gradient(w, gap, penalty), slope, rtol=1e-5, atol=1e-5)


@given(columns, columns, penalties)
def test_no_weights_beat_the_best_critic(w, gap, penalty):
    size = np.linalg.norm(gap)
    assume(size > 1e-3)
    best = checked.best_critic(gap, penalty)
    lowest = checked.critic_loss(best, gap, penalty)
    close(lowest, -size - size**2 / (4 * penalty), scale=1e3)
    assert checked.critic_loss(w, gap, penalty) >= lowest - 1e-9 * (1 + abs(lowest))
    assert_allclose(checked.critic_gradient(best, gap, penalty), np.zeros(3), atol=1e-9)


@given(arrays(np.float64, 5, elements=numbers), arrays(np.float64, 5, elements=numbers))
def test_sorting_is_the_cheapest_transport_and_no_less_than_the_gap_of_means(x, y):
    distance = checked.wasserstein(x, y)
    close(distance, oracles.transported(x.tolist(), y.tolist()))
    assert distance >= abs(x.mean() - y.mean()) - 1e-12


# Packed samples.


@given(weights, weights, st.integers(1, 4))
def test_packed_total_variation_is_the_best_event(p, q, m):
    p, q = p / p.sum(), q / q.sum()
    distance = checked.packed_total_variation(p, q, m)
    close(distance, oracles.packed_total_variation(p.tolist(), q.tolist(), m))
    assert distance <= 1 - (1 - checked.total_variation(p, q)) ** m + 1e-12
    assert distance >= checked.total_variation(p, q) - 1e-12


def test_packed_is_the_outer_product():
    p = np.array([0.2, 0.3, 0.5])
    cube = torch.einsum("i,j,k->ijk", *[torch.tensor(p)] * 3)
    close(checked.packed(p, 3), cube.flatten())
    close(checked.packed(p, 3).sum(), 1.0)


@pytest.mark.parametrize("m", [1, 2, 5, 9])
def test_a_lost_and_an_invented_mode_reach_the_bound(m):
    p, less = np.array([0.9, 0.1]), np.array([1.0, 0.0])
    close(checked.packed_total_variation(p, less, m), 1 - 0.9**m)
    close(checked.packed_total_variation(less, p, m), 1 - 0.9**m)


# What is refused.


@pytest.mark.parametrize("call, message", [
    (lambda: adversarial.game_value([0.5], [1.0], [0.5, 0.5]),
     "p (1,) and g (2,) must have the same length"),
    (lambda: adversarial.game_value([0.5], [0.5, 0.5], [0.5, 0.5]),
     "D (1,) and p (2,) must have the same length"),
    (lambda: adversarial.game_value([0.5, 1.5], [0.5, 0.5], [0.5, 0.5]),
     "D must lie between 0 and 1, but holds 1.5"),
    (lambda: adversarial.jensen_shannon([0.5, 0.25], [0.5, 0.5]),
     "p (2,) must be a row of probabilities that add up to 1, but they add up to 0.75"),
    (lambda: adversarial.packed_total_variation([0.5, 0.5], [0.5, 0.5], 0),
     "m must be a positive integer, but is 0"),
    (lambda: adversarial.play(1.0, 0.0, 0.1, 0), "steps must be a positive integer, but is 0"),
    (lambda: adversarial.escape_times([-1.0, 2.0]), "a must not be positive, but holds 2.0"),
    (lambda: adversarial.critic_loss([1.0], [1.0, 2.0], 1.0),
     "w (1,) and gap (2,) must have the same length"),
    (lambda: adversarial.critic_loss([1.0], [1.0], 0.0), "penalty must be positive, but is 0.0"),
    (lambda: adversarial.critic_gradient([0.0], [1.0], 1.0),
     "the loss has no gradient at w = 0: w must not be zero"),
    (lambda: adversarial.best_critic([0.0, 0.0], 1.0),
     "gap is zero: every w of norm 1 is best, and no one more than another"),
    (lambda: adversarial.wasserstein([1.0], [1.0, 2.0]),
     "x (1,) and y (2,) must have the same length"),
    (lambda: adversarial.saturating_loss([]), "a must not be empty, but its shape is (0,)"),
])
def test_bad_input_is_refused_and_named(call, message):
    with pytest.raises(ValueError) as refusal:
        call()
    assert str(refusal.value) == message


# Experiments and figures.


def test_counted_steps_follow_the_escape_times():
    counted = experiments.steps_to_escape(rate=0.01)
    times = checked.escape_times(counted.a)
    for name in ("saturating", "non_saturating"):
        # Each step of the length of the rate ends at most one step late.
        assert_allclose(getattr(counted, name) * 0.01, getattr(times, name), rtol=0.01, atol=0.01)


def test_zero_has_no_gradient_and_torch_answers_by_the_spelling():
    found = experiments.gradients_at_zero()
    assert found["vector_norm"] == [-1.0, 0.0]
    assert np.isnan(found["sqrt of squares"]).all()
    assert found["sqrt of squares + 1e-12"] == [-1.0, 0.0]


def test_stationary_points_of_the_critic():
    surface = experiments.critic_surface()
    for w in (surface.best, surface.saddle):
        assert_allclose(checked.critic_gradient(w, surface.gap, 1.0), np.zeros(2), atol=1e-12)
    lowest = checked.critic_loss(surface.best, surface.gap, 1.0)
    assert lowest <= surface.loss.min() and surface.loss.min() - lowest < 1e-3


@pytest.mark.parametrize("penalty, ratio", [(0.5, 0.1), (1.0, 0.1), (1.0, 0.9)])
def test_a_critic_in_one_dimension_freezes_at_twice_the_penalty(penalty, ratio):
    result = experiments.pursuit(penalty, ratio)
    assert_allclose(result.gap[-1], -2 * penalty, rtol=1e-3)
    assert (result.w > 0).all() and result.w[-1] < 1e-3  # the wrong sign, and nearly no slope


@pytest.mark.parametrize("penalty, ratio", [(0.5, 0.3), (1.0, 1.1)])
def test_a_generator_faster_than_the_square_of_the_penalty_lets_the_critic_over(penalty, ratio):
    assert experiments.pursuit(penalty, ratio).w.min() < 0


def twice_jensen_shannon(p, g):
    return 2 * checked.jensen_shannon(p, g)


def twice_divergence_of_the_mixture(p, g):
    r = (p + g) / 2
    return 2 * (r * np.log(r / p)).sum()


@pytest.mark.parametrize("loss, divergence", [
    (lambda D: torch.log(1 - D), twice_jensen_shannon),
    (lambda D: -torch.log(D), twice_divergence_of_the_mixture),
])
def test_a_step_against_the_best_discriminator_descends_on_a_divergence(loss, divergence):
    p, start = tables(np.random.default_rng(7))
    D = torch.tensor(checked.best_discriminator(p, start))
    logits = torch.tensor(np.log(start), requires_grad=True)
    (step,) = torch.autograd.grad((torch.softmax(logits, 0) * loss(D)).sum(), logits)
    slope = oracles.numerical_gradient(
        lambda z: divergence(p, np.exp(z) / np.exp(z).sum()), np.log(start)
    )
    close(step, slope, scale=1e3)


def test_equal_mean_features_do_not_make_equal_distributions():
    rng = np.random.default_rng(8)
    features = np.vstack([rng.normal(size=(4, 6)), np.ones(6)])
    weights = np.linalg.svd(features)[2][-1]
    p, q = np.maximum(weights, 0), np.maximum(-weights, 0)
    p, q = p / p.sum(), q / q.sum()
    assert checked.total_variation(p, q) == pytest.approx(1)
    assert_allclose(features @ p, features @ q, atol=1e-12)


def test_the_best_linear_critic_closes_the_gap_and_not_the_distance():
    runs = experiments.wasserstein_training(np.random.default_rng(3), True, runs=3, steps=200)
    assert (runs.gap[:, -1] < 0.4).all() and (runs.distance[:, -1] > 2 * runs.gap[:, -1]).all()


def test_networks_side_by_side_do_not_touch():
    source = torch.Generator().manual_seed(0)
    layers = experiments._network([2, 5, 1], 3, source, spread=1.0)
    x = torch.randn(3, 4, 2, generator=source)
    together = experiments._apply(layers, x)
    for run in range(3):
        alone = torch.relu(x[run] @ layers[0][run] + layers[1][run])
        assert_allclose(together[run].detach(), (alone @ layers[2][run] + layers[3][run]).detach(),
                        rtol=1e-5)  # fmt: skip
    (gradient,) = torch.autograd.grad(together[0].sum(), layers[:1])
    assert (gradient[0] != 0).any() and (gradient[1:] == 0).all()


def test_coverage_counts_modes():
    source = torch.Generator().manual_seed(0)
    x = experiments.ring(4000, 1, source)[0].numpy()
    assert experiments.coverage(x)[0] == 8 and experiments.coverage(x)[1] > 0.99
    right = x[x[:, 0] > 1.7]
    assert experiments.coverage(right) == (1, 1.0)
    assert experiments.coverage(0 * x) == (0, 0.0)


def test_packing_is_seeded():
    one, two = (
        experiments.packing(np.random.default_rng(5), settings=((2, 4),), runs=2, steps=(2, 3))
        for _ in range(2)
    )
    assert (one.near == two.near).all() and one.modes.shape == (1, 2, 2)


def critics():
    """Short runs of both kinds."""
    return [experiments.wasserstein_training(np.random.default_rng(0), linear, runs=2, steps=20)
            for linear in (True, False)]


FIGURES = {
    "generator_gradients": lambda: [experiments.generator_gradients()],
    "steps_to_escape": lambda: (*(experiments.steps_to_escape(),) * 2, 0.1),
    "orbits": lambda: [experiments.orbits()],
    "critic_surface": lambda: [experiments.critic_surface()],
    "pursuit": lambda: [experiments.pursuit()],
    "linear_critic": critics,
    "learnt_densities": critics,
    "packed_total_variation": lambda: [experiments.packed_distances()],
    "packing": lambda: [experiments.packing(
        np.random.default_rng(5), ((1, 8), (2, 4), (4, 8)), runs=2, steps=(2, 3, 4))],
}


@pytest.mark.parametrize("name", FIGURES)
def test_figure_has_labels_and_the_same_bytes_each_time(name):
    figures.check_labels(figures.check(getattr(plots, name), FIGURES[name]()))


def test_every_figure_is_drawn_above():
    assert figures.public(plots) == set(FIGURES)


def test_what_the_chapter_concludes_about_packs():
    result = experiments.packing(np.random.default_rng(0))
    modes, near = result.modes.mean(2), result.near.mean(2)
    for single, two, four in (modes, near):
        assert (two > single).all() and (two > four).all()
        assert (four > single).tolist() == [False, True, True]
    assert (np.diff(modes[0]) > 0).all()  # single samples were still finding modes
