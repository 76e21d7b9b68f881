"""Chapter boltzmann: definitions by enumeration, torch, and invariants."""

import figures
import jaxtyping
import numpy as np
import oracles
import pytest
import torch
from annotated import annotated
from fullmarks import boltzmann as plain
from fullmarks.experiments import boltzmann as experiments
from fullmarks.plots import boltzmann as plots
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from oracles import close

checked = annotated(plain)
SIZES = [(2, 2, 2), (3, 2, 1), (1, 3, 2), (2, 1, 3)]


def seeded(seed=5):
    return np.random.default_rng(seed)


@pytest.fixture
def rng():
    return seeded()


@pytest.fixture(params=SIZES, ids=str)
def W(request):
    return seeded().normal(size=request.param, scale=1.5)


@pytest.fixture
def machine(rng):
    return checked.RBM(rng.normal(size=(3, 4)), rng.normal(size=3), rng.normal(size=4))


def batch(W, rng, rows=5):
    """Random states of the three groups, `rows` of each."""
    return [rng.integers(0, 2, (rows, n)).astype(float) for n in W.shape]


def as_table(P, W):
    """The oracle's dictionary as an array of the shape of `joint`."""
    return np.array(list(P.values())).reshape([2**n for n in W.shape])


# The machine.


def test_joint_is_its_definition_and_torchs(W):
    close(checked.joint(W), as_table(oracles.three_way_table(W.tolist()), W))
    a, b, c = (torch.tensor(plain.states(n)) for n in W.shape)
    E = torch.einsum("ijk,ai,bj,ck->abc", torch.tensor(W), a, b, c)
    close(checked.joint(W), torch.softmax(-E.flatten(), 0).reshape(E.shape).numpy())


def test_energy_is_the_sum_with_a_plus(W, rng):
    x, y, z = batch(W, rng)
    ours = checked.energy(W, x, y, z)
    for n in range(len(x)):
        expected = sum(W[i, j, k] * x[n, i] * y[n, j] * z[n, k] for i, j, k in np.ndindex(W.shape))
        close(ours[n], expected)


def test_energy_is_zero_if_one_group_is_off(W, rng):
    for off in range(3):
        groups = batch(W, rng)
        groups[off][:] = 0
        assert (checked.energy(W, *groups) == 0).all()


def test_conditionals_are_those_of_the_table(W, rng):
    table = oracles.three_way_table(W.tolist())
    states = batch(W, rng)
    found = [checked.x_given(W, states[1], states[2]), checked.y_given(W, states[0], states[2]),
             checked.z_given(W, states[0], states[1])]
    for group in range(3):
        for row in range(len(states[0])):
            rest = {g: tuple(states[g][row].astype(int)) for g in range(3) if g != group}
            for unit in range(W.shape[group]):
                close(found[group][row, unit],
                      oracles.conditional_mean(table, (group, unit), rest))


def test_units_of_a_block_are_independent_given_the_others_and_the_blocks_are_not():
    W = seeded().normal(size=(2, 2, 2), scale=2)
    P = checked.joint(W)
    for axis in range(3):
        block = np.moveaxis(P / P.sum(axis=axis, keepdims=True), axis, -1)
        square = block.reshape(4, 4, 2, 2)
        product = square.sum(-1)[..., :, None] * square.sum(-2)[..., None, :]
        close(square, product)
    given_x = P / P.sum(axis=(1, 2), keepdims=True)
    product = given_x.sum(2)[..., None] * given_x.sum(1)[:, None, :]
    assert abs(given_x - product)[1:].max() > 0.01
    close(given_x[0], product[0])  # x = 0 switches every coupling off


def test_habitual_sign_gives_the_conditionals_of_another_machine(W, rng):
    x, _, z = batch(W, rng)
    close(checked.y_given(-W, x, z), 1 - checked.y_given(W, x, z))


# Gibbs sampling.


@pytest.mark.parametrize("blocks", ["x", "yz", "xyz", "zyx", "xyzxyz"])
def test_updates_of_the_table_are_those_of_the_transition_matrix(W, rng, blocks):
    P = oracles.three_way_table(W.tolist())
    p = rng.dirichlet(np.ones(len(P)))
    expected = p @ oracles.transition_table(P, ["xyz".index(block) for block in blocks])
    shape = [2**n for n in W.shape]
    close(checked.after_updates(W, p.reshape(shape), blocks), expected.reshape(shape))


def test_the_exact_distribution_stays_and_every_start_approaches_it(W, rng):
    P = checked.joint(W)
    close(checked.after_updates(W, P, "xyz"), P)
    p = rng.dirichlet(np.ones(P.size)).reshape(P.shape)
    distance = [checked.total_variation(checked.after_updates(W, p, "xyz" * n), P)
                for n in range(60)]
    assert (np.diff(distance) <= 1e-12).all() and distance[-1] < 0.05 * distance[0]


@pytest.mark.parametrize("B", [6.0, 8.0, 10.0])
def test_two_modes_hold_a_chain_for_a_time_that_grows_exponentially(B):
    W, one = np.array([[[-B, B], [B, -B]]]), np.ones((1, 1))
    start = np.zeros((2, 4, 4))
    start[1, 2, 2] = 1
    truth = checked.pair_means(W, one)[0, 0, 0]
    assert abs(truth - 0.5) < 3 * np.exp(-B)
    errors = [checked.moments(checked.after_updates(W, start, "yz" * n))[0, 0, 0] - truth
              for n in (10, 20)]
    rate = np.log(errors[0] / errors[1]) / 10
    assert 0.2 * np.exp(-B) < rate < 5 * np.exp(-B)


def test_parallel_updates_are_products_of_the_conditionals_and_miss_the_distribution(rng):
    W = rng.normal(size=(2, 2, 1), scale=2)
    P = checked.joint(W)
    p = rng.dirichlet(np.ones(P.size)).reshape(P.shape)
    expected = np.zeros_like(p)
    a, b, c = (plain.states(n) for n in W.shape)
    for old in np.ndindex(p.shape):
        x, y, z = a[old[0]][None], b[old[1]][None], c[old[2]][None]
        on = plain.x_given(W, y, z)[0], plain.y_given(W, x, z)[0], plain.z_given(W, x, y)[0]
        for new in np.ndindex(p.shape):
            units = a[new[0]], b[new[1]], c[new[2]]
            chance = [np.where(u == 1, q, 1 - q).prod() for u, q in zip(units, on, strict=True)]
            expected[new] += p[old] * np.prod(chance)
    close(checked.after_parallel_updates(W, p, 1), expected)
    assert checked.total_variation(checked.after_parallel_updates(W, P, 200), P) > 0.02


@pytest.mark.parametrize("size", [(2, 2, 2), (3, 2, 1)])
def test_draws_of_the_sampler_follow_the_table(size, rng):
    W, chains = rng.normal(size=size, scale=1.5), 40_000
    start = np.zeros([2**n for n in size])
    start[-1, -1, -1] = 1  # all units on
    y, z = np.ones((chains, size[1])), np.ones((chains, size[2]))
    for _ in range(2):
        x, y, z = checked.sweep(W, y, z, rng)
    counts = np.zeros_like(start)
    places = [(units @ 2 ** np.arange(units.shape[1])[::-1]).astype(int) for units in (x, y, z)]
    np.add.at(counts, tuple(places), 1 / chains)
    expected = plain.after_updates(W, start, "xyzxyz")
    error = np.sqrt(expected * (1 - expected) / chains)
    assert (abs(counts - expected) <= 5 * error + 1e-12).all()


# The marginal.


def test_log_marginal_is_the_sum_over_all_latents(W):
    x = plain.states(W.shape[0])
    E = np.array([[[sum(W[i, j, k] * a[i] * b[j] * c[k] for i, j, k in np.ndindex(W.shape))
                    for c in oracles.bits(W.shape[2])] for b in oracles.bits(W.shape[1])]
                  for a in oracles.bits(W.shape[0])])
    close(np.exp(checked.log_marginal(W, x)), np.exp(-E).sum(axis=(1, 2)))
    close(np.exp(checked.log_partition(W)), np.exp(-E).sum())
    close(checked.log_marginal(W, x), torch.logsumexp(-torch.tensor(E).flatten(1), 1).numpy())


def test_log_marginal_is_the_partition_function_of_an_rbm_on_the_latents(W):
    x = plain.states(W.shape[0])
    for row, A in zip(x, checked.couplings(W, x), strict=True):
        latents = checked.RBM(-A, np.zeros(W.shape[1]), np.zeros(W.shape[2]))
        close(checked.log_marginal(W, row[None])[0], checked.rbm_log_partition(latents))


def test_exchanging_the_latent_groups_changes_nothing(rng):
    W = rng.normal(size=(2, 4, 3))
    x = plain.states(2)
    close(checked.log_marginal(W, x), checked.log_marginal(W.transpose(0, 2, 1), x))
    close(checked.pair_means(W, x),
          checked.pair_means(W.transpose(0, 2, 1), x).transpose(0, 2, 1))


def test_log_marginal_counts_the_states_without_an_edge_inside():
    edges = [(0, 0), (0, 1), (1, 1), (1, 2), (2, 2), (2, 0)]  # a ring of six
    W = np.zeros((1, 3, 3))
    for j, k in edges:
        W[0, j, k] = 60.0
    sets = oracles.independent_sets([(j, 3 + k) for j, k in edges], 6)
    assert sets == 18
    close(np.exp(checked.log_marginal(W, np.ones((1, 1)))), [sets])


def test_one_more_unit_in_each_group_supplies_biases(machine):
    A = -np.block([[60.0, machine.c], [machine.b[:, None], machine.W]])
    close(checked.log_marginal(A[None], np.ones((1, 1)))[0] - 60,
          checked.rbm_log_partition(machine))


def test_a_path_of_latents_is_summed_from_one_end(rng):
    a = rng.normal(size=5, scale=2)  # y1 z1 y2 z2 y3 z3
    W = np.zeros((1, 3, 3))
    W[0, [0, 1, 1, 2, 2], [0, 0, 1, 1, 2]] = a
    close(checked.path_log_marginal(a), checked.log_marginal(W, np.ones((1, 1)))[0])


@pytest.mark.parametrize("M, K", [(1, 1), (2, 5), (5, 2), (4, 4)])
def test_number_of_terms_is_what_is_computed(M, K, monkeypatch):
    taken = []
    monkeypatch.setattr(plain, "_softplus", lambda a: taken.append(a.size) or np.zeros_like(a))
    plain.log_marginal(np.zeros((3, M, K)), np.ones((1, 3)))
    assert taken == [checked.marginal_terms(M, K)]


@given(st.integers(0, 1000), st.floats(0.1, 6))
def test_every_observation_keeps_the_states_with_one_latent_group_off(seed, scale):
    W = seeded(seed).normal(size=(2, 3, 2), scale=scale)
    free = plain.log_marginal(W, plain.states(2))
    close(free[0], 5 * np.log(2))
    assert (np.exp(free) >= 2**3 + 2**2 - 1 - 1e-9).all()


# The gradient.


def test_gradient_is_torchs_and_that_of_differences(W, rng):
    x = plain.states(W.shape[0])
    weights = rng.dirichlet(np.ones(len(x)))
    ours = checked.likelihood_gradient(W, x, weights)
    T = torch.tensor(W, requires_grad=True)
    a, b, c = (torch.tensor(plain.states(n)) for n in W.shape)
    E = torch.einsum("ijk,ai,bj,ck->abc", T, a, b, c)
    free = torch.logsumexp(-E.flatten(1), 1)
    (torch.tensor(weights) @ (free - torch.logsumexp(free, 0))).backward()
    close(ours, T.grad.numpy())
    numerical = oracles.numerical_gradient(lambda w: checked.log_likelihood(w, x, weights), W)
    assert_allclose(ours, numerical, rtol=1e-5, atol=1e-9)


def test_gradient_vanishes_at_the_truth_and_the_likelihood_is_highest_there(W, rng):
    truth = checked.joint(W).sum(axis=(1, 2))
    x = plain.states(W.shape[0])
    assert abs(checked.likelihood_gradient(W, x, truth)).max() < 1e-12
    ceiling = (truth * np.log(truth)).sum()
    close(checked.log_likelihood(W, x, truth), ceiling)
    other = W + rng.normal(size=W.shape)
    assert checked.log_likelihood(other, x, truth) < ceiling


def test_a_step_with_the_habitual_sign_lowers_the_likelihood(W, rng):
    x = batch(W, rng, 1)[0] * 0 + 1
    g = checked.likelihood_gradient(W, x)
    here = checked.log_likelihood(W, x)
    assert checked.log_likelihood(W + 1e-3 * g, x) > here > checked.log_likelihood(W - 1e-3 * g, x)


def test_pair_means_and_moments_are_those_of_the_table(W):
    P = checked.joint(W)
    table = oracles.three_way_table(W.tolist())
    x = plain.states(W.shape[0])
    for index in np.ndindex(W.shape):
        i, j, k = index
        close(checked.moments(P)[index],
              sum(p * s[0][i] * s[1][j] * s[2][k] for s, p in table.items()))
        for row in range(len(x)):
            mine = {s: p for s, p in table.items() if s[0] == tuple(x[row].astype(int))}
            mean = sum(p * s[1][j] * s[2][k] for s, p in mine.items()) / sum(mine.values())
            close(checked.pair_means(W, x)[row, j, k], mean)


@pytest.mark.parametrize("positive, negative", [(1, 1), (3, 1), (1, 2)])
def test_mean_of_the_estimates_is_the_expected_one(positive, negative, rng):
    W, chains = rng.normal(size=(2, 2, 2), scale=1.5), 20_000
    data = rng.dirichlet(np.ones(4))
    rows = rng.choice(4, chains, p=data)
    x = plain.states(2)[rows]
    found = checked.contrastive_divergence(W, x, rng, positive, negative).gradient
    expected = checked.expected_contrastive_divergence(W, data, positive, negative)
    assert_allclose(found, expected, atol=5 / np.sqrt(chains), rtol=0)


def test_many_sweeps_in_both_phases_give_the_gradient(W, rng):
    x = plain.states(W.shape[0])
    data = rng.dirichlet(np.ones(len(x)))
    exact = checked.likelihood_gradient(W, x, data)
    close(checked.expected_contrastive_divergence(W, data, 800, 800), exact)
    close(checked.expected_contrastive_divergence(W, data, None, 800), exact)


def test_at_the_truth_only_the_exact_positive_phase_rests(W):
    truth = plain.joint(W).sum(axis=(1, 2))
    rests = checked.expected_contrastive_divergence(W, truth, None, 1)
    assert abs(rests).max() < 1e-12
    if min(W.shape[1:]) > 1:
        assert abs(checked.expected_contrastive_divergence(W, truth, 1, 1)).max() > 1e-3


def test_chains_are_continued_where_they_are_told_to(rng):
    W = np.full((1, 1, 1), -60.0)  # on, on, on never ends
    one, zero = np.ones((4, 1)), np.zeros((4, 1))
    stays = checked.contrastive_divergence(W, one, rng, z=one)
    assert (stays.gradient == 0).all() and (stays.z == 1).all()
    free = checked.contrastive_divergence(W, one, seeded(1), z=one, free=(zero, zero))
    assert (free.gradient < 0).all() and len(free.free) == 3


# The restricted machine.


def test_rbm_is_its_definition(machine):
    table = oracles.rbm_table(*(part.tolist() for part in machine))
    v = plain.states(3)
    free = -checked.rbm_free_energy(machine, v) - checked.rbm_log_partition(machine)
    for row, log_p in zip(v, free, strict=True):
        mine = {s: p for s, p in table.items() if s[0] == tuple(row.astype(int))}
        close(np.exp(log_p), sum(mine.values()))
        for j in range(4):
            mean = sum(p * s[1][j] for s, p in mine.items()) / sum(mine.values())
            close(checked.rbm_hidden(machine, row[None])[0, j], mean)
    for h in plain.states(4):
        mine = {s: p for s, p in table.items() if s[1] == tuple(h.astype(int))}
        for i in range(3):
            mean = sum(p * s[0][i] for s, p in mine.items()) / sum(mine.values())
            close(checked.rbm_visible(machine, h[None])[0, i], mean)


def test_rbm_gradient_is_torchs(machine, rng):
    v = rng.integers(0, 2, (6, 3)).astype(float)
    W, b, c = (torch.tensor(part, requires_grad=True) for part in machine)

    def free(u):
        return u @ b + torch.nn.functional.softplus(u @ W + c).sum(1)

    log_Z = torch.logsumexp(free(torch.tensor(plain.states(3))), 0)
    (free(torch.tensor(v)).mean() - log_Z).backward()
    for ours, theirs in zip(checked.rbm_gradient(machine, v), (W, b, c), strict=True):
        close(ours, theirs.grad.numpy())


def test_rbm_partition_is_the_same_from_both_sides(machine):
    turned = checked.RBM(machine.W.T, machine.c, machine.b)
    close(checked.rbm_log_partition(machine), checked.rbm_log_partition(turned))


def test_rbm_contrastive_divergence_approaches_the_gradient(machine, rng):
    v = np.repeat(rng.integers(0, 2, (5, 3)).astype(float), 4000, axis=0)
    exact = checked.rbm_gradient(machine, v)
    found = checked.rbm_contrastive_divergence(machine, v, rng, 60)
    for ours, theirs in zip(found, exact, strict=True):
        assert_allclose(ours, theirs, atol=5 / np.sqrt(len(v)), rtol=0)


def test_a_three_way_machine_with_one_z_left_on_is_an_rbm_of_the_other_sign(rng):
    W = rng.normal(size=(3, 2, 1))
    rbm = checked.RBM(-W[:, :, 0], np.zeros(3), np.zeros(2))
    x, one = plain.states(3), np.ones((8, 1))
    close(checked.y_given(W, x, one), checked.rbm_hidden(rbm, x))
    P = plain.joint(W)[:, :, 1].sum(axis=1)
    close(P / P.sum(), np.exp(-plain.rbm_free_energy(rbm, x) - plain.rbm_log_partition(rbm)))


# Bad input.

ONE = np.ones((1, 1))
BAD = {
    "axes": (lambda: plain.joint(np.ones((2, 2))), r"W must have 3 axes.*\(2, 2\)"),
    "units": (lambda: plain.y_given(np.ones((2, 1, 1)), ONE, ONE),
              r"x \(1, 1\) has 1 units, but W has 2 on axis 0"),
    "binary": (lambda: plain.z_given(np.ones((1, 1, 1)), ONE, ONE / 2), "0 and 1, but holds 0.5"),
    "rows": (lambda: plain.x_given(np.ones((1, 1, 1)), ONE, np.ones((2, 1))),
             "y has 1 rows, but z has 2"),
    "too many": (lambda: plain.joint(np.ones((6, 6, 6))), r"18 units have 2\*\*18 states"),
    "letters": (lambda: plain.after_updates(np.ones((1, 1, 1)), np.ones((2, 2, 2)), "xh"), "'h'"),
    "table": (lambda: plain.after_updates(np.ones((1, 1, 1)), np.ones((2, 2, 4)), "x"),
              r"p \(2, 2, 4\) must have the shape \(2, 2, 2\)"),
    "parallel": (lambda: plain.after_parallel_updates(np.ones((1, 1, 1)), np.ones((2, 2, 4)), 1),
                 r"p \(2, 2, 4\)"),
    "distance": (lambda: plain.total_variation(np.ones(2), np.ones(3)), r"\(2,\) and q \(3,\)"),
    "weights": (lambda: plain.log_likelihood(np.ones((1, 1, 1)), ONE, np.ones(2) / 2),
                r"\(2,\) must hold one number for each of 1 rows"),
    "sum": (lambda: plain.likelihood_gradient(np.ones((1, 1, 1)), ONE, np.array([0.5])),
            "add up to 0.5"),
    "moments": (lambda: plain.moments(np.ones((2, 3, 2))), r"\(2, 3, 2\) must have axes of 2, 4"),
    "sweeps": (lambda: plain.contrastive_divergence(np.ones((1, 1, 1)), ONE, seeded(), 0),
               "positive must be a positive integer, but is 0"),
    "rbm": (lambda: plain.rbm_hidden(plain.RBM(np.ones((2, 1)), np.ones(1), np.ones(1)), ONE),
            r"W \(2, 1\) must have a row for each of 1 entries of b"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_named(name):
    call, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        call()


def test_annotations_are_executed():
    with pytest.raises(jaxtyping.TypeCheckError):
        checked.joint(np.ones((2, 2)))


# Experiments and figures.


def test_sweeps_approach_the_exact_distribution_more_slowly_as_the_weights_grow():
    found = experiments.mixing(seeded(0), steps=(0, 100, 300), last=20)
    curves = np.array(list(found.distance.values()))
    assert (np.diff(curves, axis=1) <= 1e-12).all()
    assert (np.diff(curves[:, 10]) > 0).all()
    assert (np.diff(list(found.largest.values())) > 0).all()


def test_costs_are_linear_or_exponential_as_the_chapter_says():
    terms = experiments.costs(24).terms
    ratio = {name: y[-1] / y[-2] for name, y in terms.items()}
    close(ratio["all states"], 4)
    close(ratio["M = K"], 2 * 12 / 11)
    for name in ("RBM", "path", "K = 3"):
        assert len(set(np.diff(terms[name][1:]))) == 1
    rng, H = seeded(), 10  # the path by enumeration: alternating units of both groups
    a, W = rng.normal(size=H - 1), np.zeros((1, H // 2, H // 2))
    for t in range(H - 1):
        W[0, (t + 1) // 2, t // 2] = a[t]
    close(plain.path_log_marginal(a), plain.log_marginal(W, np.ones((1, 1)))[0])


def test_a_short_positive_phase_moves_the_truth():
    found = experiments.rest(seeded(0), machines=6)
    assert found.exact < 1e-12
    for rows in found.update.values():
        assert (rows[:, 0] > 1e-3).all() and (rows[:, -1] < rows[:, 0] / 10).all()


def test_ring_has_two_neighbours_on():
    x = experiments.ring(5, 3)
    assert x.shape == (15, 5) and len(np.unique(x, axis=0)) == 5
    assert (x.sum(axis=1) == 2).all() and (x * np.roll(x, 1, axis=1)).sum(axis=1).min() == 1


def test_positive_sweeps_pay_and_free_ones_do_not():
    found = experiments.training(seeded(0))
    last = {name: rows[:, -1].mean() for name, rows in found.curves.items()}
    assert all((rows < found.ceiling).all() for rows in found.curves.values())
    assert last["exact gradient"] > last["3 sweeps"] > last["1 sweep"] + 0.2
    assert last["1 sweep, continued"] > last["1 sweep"] + 0.3
    assert abs(last["1 sweep, 5 free"] - last["1 sweep"]) < 0.15
    close(found.ceiling, -np.log(6))
    assert_allclose(list(last.values()), [-1.90, -2.01, -2.02, -2.07, -2.43, -2.44], atol=0.006)


def test_habitual_signs_lower_the_likelihood():
    found = experiments.signs(seeded(0), steps=60)
    right, update, everything = (found.curves[name][0] for name in
                                 ("as printed", "sign of the update", "all signs"))
    assert (np.diff(right) > 0).all() and (np.diff(update) < 0).all()
    assert everything[-1] < everything[0] and update[-1] < -100


FIGURES = {
    "mixing": lambda: experiments.mixing(seeded(), steps=(0, 2, 4), last=5),
    "costs": lambda: experiments.costs(12),
    "rest": lambda: experiments.rest(seeded(), machines=2),
    "training": lambda: experiments.training(seeded(), seeds=2, steps=20),
    "signs": lambda: experiments.signs(seeded(), steps=5),
}


@pytest.mark.parametrize("name", FIGURES)
def test_figure_has_labels_and_the_same_bytes_each_time(name):
    figures.check_labels(figures.check(getattr(plots, name), FIGURES[name]()))


def test_every_figure_is_drawn_above():
    assert figures.public(plots) == set(FIGURES)
