"""The page of errata: its totals are counted, its links lead to parts, its words are three.

Each row that changes an answer has a test that computes what the paper says and what is right.
"""

import csv
import itertools
import re
from collections import Counter
from pathlib import Path

import numpy as np
import oracles
import pytest
from fullmarks import backprop, boltzmann, mlp, recurrent, regularization, training, variational
from fullmarks.experiments import training as experiments

BOOK = Path(__file__).resolve().parents[1] / "book"
PAGE = (BOOK / "errata.md").read_text(encoding="utf-8")
HEADER = ("Place", "It says", "Right is", "How serious")
WORDS = ("changes an answer", "holds only under a condition", "notation")


def tables(text):
    """The list-tables of a page: a list of (section title, rows), a row a tuple of cells."""
    found = []
    for section in re.split(r"^## ", text, flags=re.M)[1:]:
        title = section.partition("\n")[0]
        for body in re.findall(r"^:::\{list-table\}\n(.*?)^:::$", section, flags=re.M | re.S):
            rows = re.split(r"^\* - ", body, flags=re.M)[1:]
            cells = [tuple(c.strip() for c in re.split(r"^  - ", row, flags=re.M)) for row in rows]
            found.append((title, cells))
    return found


ROWS = [(title, row) for title, rows in tables(PAGE) for row in rows[1:]]


@pytest.fixture(scope="module")
def parts():
    with open(BOOK / "papers" / "questions.csv", encoding="utf-8", newline="") as file:
        return [row["id"] for row in csv.DictReader(file)]


def test_one_table_in_each_section():
    titles = [title for title, _ in tables(PAGE)]
    assert titles == re.findall(r"^## (.*)$", PAGE, flags=re.M)
    assert [title[:7] for title in titles] == [f"Paper {p}" for p in "ABCDDE"]


def test_every_row_has_the_four_columns():
    assert {rows[0] for _, rows in tables(PAGE)} == {HEADER}
    assert [row for _, row in ROWS if len(row) != 4 or not all(row)] == []


def test_the_printed_totals_are_counted():
    count = Counter(row[3] for _, row in ROWS)
    printed = re.search(
        r"hold (\d+) rows: (\d+) change an answer, (\d+) hold only under a condition and"
        r" (\d+) are notation",
        " ".join(PAGE.split()),
    )
    assert [int(n) for n in printed.groups()] == [len(ROWS), *(count[word] for word in WORDS)]


def test_only_the_three_words_are_used():
    assert {row[3] for _, row in ROWS} == set(WORDS)


def test_every_link_leads_to_a_part_of_the_register(parts):
    named = set(re.findall(r"\{part\}`([^`]*)`", PAGE))
    assert named and named <= set(parts)


def test_a_row_begins_with_a_link_into_its_own_paper():
    for title, row in ROWS:
        link = re.match(r"\{part\}`(\w)", row[0])
        assert link and link.group(1) == title[6], row


def test_rows_stand_in_the_order_of_the_paper(parts):
    for title, rows in tables(PAGE):
        order = [parts.index(re.match(r"\{part\}`([^`]*)`", row[0]).group(1)) for row in rows[1:]]
        assert order == sorted(order), title


def test_no_row_stands_twice():
    doubled = [row for row, n in Counter(row[:3] for _, row in ROWS).items() if n > 1]
    assert doubled == []


def test_cells_are_short_enough_for_a_telephone():
    assert [row for _, row in ROWS if len(row[1]) > 60 or len(row[2]) > 230] == []


def test_the_tables_are_parsed_by_cells():
    page = "## Paper A\n:::{list-table}\n* - a\n  - b\n* - c\n  - d\n    e\n:::\n"
    assert tables(page) == [("Paper A", [("a", "b"), ("c", "d\n    e")])]


# Each row that changes an answer, recomputed. The row is named by its part and the beginning of its
# second cell; the test gets the third cell as `right`.

RECOMPUTED = {}


def recomputes(*keys):
    """Enter a test as the one of the rows with these keys, and run it once for each of them."""

    def enter(test):
        for key in keys:
            assert key not in RECOMPUTED, f"two tests for {key}: {RECOMPUTED[key]}, {test.__name__}"
            RECOMPUTED[key] = test.__name__
        return pytest.mark.parametrize("right", keys, indirect=True)(test)

    return enter


def fits(key, row):
    part, _, start = key.partition(" ")
    return row[0].startswith(f"{{part}}`{part}`") and row[1].startswith(start)


def cell(key):
    """The third cell of the one row that a key fits."""
    (found,) = [row for _, row in ROWS if fits(key, row)]
    return found[2]


@pytest.fixture
def right(request):
    return cell(request.param)


def mismatches(rows, keys):
    """Rows that change an answer without exactly one key, keys without exactly one such row."""
    grave = [row for row in rows if row[3] == WORDS[0]]
    found = {key: [row for row in grave if fits(key, row)] for key in keys}
    alone = [some[0] for some in found.values() if len(some) == 1]
    return (
        [row for row in grave if alone.count(row) != 1],
        [key for key, some in found.items() if len(some) != 1],
    )


def test_each_row_that_changes_an_answer_has_a_test():
    assert mismatches([row for _, row in ROWS], RECOMPUTED) == ([], [])
    names = set(RECOMPUTED.values())
    assert [name for name in names if not name.startswith("test_") or name not in globals()] == []


def test_a_missing_test_and_a_stray_one_are_noticed():
    rows = [row for _, row in ROWS]
    for key in RECOMPUTED:
        without, stray = mismatches(rows, [other for other in RECOMPUTED if other != key])
        assert [fits(key, row) for row in without] == [True] and stray == []
    new = ("{part}`A1a`", "a new fault", "another answer", WORDS[0])
    assert mismatches([*rows, new], RECOMPUTED) == ([new], [])
    assert mismatches(rows, [*RECOMPUTED, "A1b no such row"]) == ([], ["A1b no such row"])
    milder = [(*row[:3], WORDS[2]) if fits("E3c $w <", row) else row for row in rows]
    assert mismatches(milder, RECOMPUTED) == ([], [k for k in RECOMPUTED if k[:3] == "E3c"])


def logistic(a):
    return 1 / (1 + np.exp(-a))


# Paper A


@recomputes('A1e "mean-squared"')
def test_the_constant_of_the_squared_error_stays_in_its_gradient(right):
    a, y, step = 0.7, 1.0, 1e-5
    f = logistic(a)
    slopes = [
        c * ((logistic(a + step) - y) ** 2 - (logistic(a - step) - y) ** 2) / (2 * step)
        for c in (1, 0.5)
    ]
    whole = 2 * (f - y) * f * (1 - f)
    assert slopes == pytest.approx([whole, whole / 2], rel=1e-6)
    assert mlp.squared_error_gradient(a, y) == pytest.approx(whole, rel=1e-12)
    assert "1 or $\\tfrac12$" in right and "factor 2" in right


GATES = [[0.8, 0.3, 0.1], [-0.5, 0.2, 0.0], [0.7, -0.4, 0.2]]  # W, U, b of f, o and the candidate


def slope_of_the_second_memory(name, c, x0=0.4):
    """dc_1/dx_0 of a gated cell with one unit that starts from the memory c."""
    W, U, b = ([[[g[0]]] for g in GATES], [[[g[1]]] for g in GATES], [[g[2]] for g in GATES])

    def memory(x0):
        state = [0.1], [c]
        for x in (x0, -0.3):
            state = oracles.recurrent_step(name, W, U, b, [x], *state)
        return state[1][0]

    return float(oracles.numerical_gradient(lambda x: memory(float(x)), x0))


@recomputes("A3a $f \\odot (1-f)")
def test_the_printed_gate_and_the_usual_one_differ(right):
    f = np.linspace(0, 1, 1001)
    assert (f * (1 - f)).max() == 0.25 and "\\le \\tfrac14" in right
    printed, usual = (slope_of_the_second_memory(name, 0.5) for name in ("variant", "coupled"))
    assert abs(printed - usual) > 0.02
    assert printed == pytest.approx(recurrent.variant_paths(GATES, 0.4, -0.3, 0.1, 0.5).sum(),
                                    rel=1e-6)


@recomputes("A3a no initial state")
def test_without_a_first_memory_a_path_vanishes(right):
    for c in (0.0, 2.0):
        paths = recurrent.variant_paths(GATES, 0.4, -0.3, 0.1, c)
        first = [p for p, name in zip(paths, recurrent.PATHS, strict=True) if name[:2] == "f0"]
        assert np.all(first) if c else not np.any(first)
        assert slope_of_the_second_memory("variant", c) == pytest.approx(paths.sum(), rel=1e-6)
    assert "$c_{-1}=0$ the path through $f_0$ vanishes" in right


@recomputes("A3b memory over long times")
def test_the_gate_of_paper_a_bounds_the_memory(right):
    f = np.linspace(0, 1, 1001)
    assert f[(f * (1 - f)).argmax()] == 0.5
    c = 0.0
    for _ in range(60):
        c = 0.25 * c + 1
    assert c == pytest.approx(4 / 3, rel=1e-12) and "\\tfrac43" in right
    for cell_, kept in ((recurrent.VARIANT, 0.0), (recurrent.COUPLED, 1.0)):  # an open gate
        theta = recurrent.Parameters(*np.zeros((2, 3, 1, 1)), np.array([[40.0], [0.0], [0.0]]))
        run = recurrent.forward(cell_, theta, np.zeros((10, 1)))
        memory = recurrent.state_jacobian(cell_, theta, run, direct_only=True)[1, 1]
        assert memory == pytest.approx(kept, abs=1e-12)


@recomputes("A5a capacity grows", "B4a capacity grows")
def test_steps_fill_a_class_that_is_there_from_the_start(right):
    X = np.random.default_rng(0).normal(size=(8, 3))
    w = regularization.descend(X, X @ [1.0, -2.0, 0.5], rate=0.2, steps=50)
    rank = [np.linalg.matrix_rank(np.column_stack([X, X @ w[t]])) for t in range(51)]
    assert set(rank) == {3}  # no step leaves the functions that were there before the first one
    free = [regularization.degrees_of_freedom(X, 0.2, t) for t in (1, 5, 25, 125)]
    assert free == sorted(free) and free[0] < 1 and 2.9 < free[-1] < 3
    assert "effective capacity" in right


def ensemble_of_masks():
    """Log probabilities of two classes under 8 masks, and the summed weights and bias."""
    W, b = np.log([[9.0, 1.0], [1.0, 4.0], [4.0, 1.0]]), np.log([2.0, 1.0])
    masks = np.array(list(itertools.product((0, 1), repeat=3)))
    P = np.exp(masks @ W + b)
    return np.log(P / P.sum(axis=1, keepdims=True)), W.sum(axis=0) @ [1, -1], b @ [1, -1]


def test_the_masks_of_the_worked_example():
    mean = np.exp(ensemble_of_masks()[0].mean(axis=0))
    assert mean[0] / mean.sum() == pytest.approx(6 / 7, rel=1e-12)
    assert round(mean.sum(), 2) == 0.87 and "0.87" in cell('A5c "exactly"')


@recomputes('A5c "2n" at the root')
def test_the_root_with_a_lost_exponent(right):
    logs, weights, bias = ensemble_of_masks()
    printed = logs.sum(axis=0) / 6 @ [1, -1]
    assert printed == pytest.approx(2 / 3 * weights + 4 / 3 * bias, rel=1e-12)
    assert logs.mean(axis=0) @ [1, -1] == pytest.approx(weights / 2 + bias, rel=1e-12)
    assert "it is $\\tfrac23$, not $\\tfrac12$" in right


@recomputes("A5c $b$ in the exponent")
def test_a_common_offset_cancels(right):
    _, weights, bias = ensemble_of_masks()
    common = np.exp([weights / 2 + 5.0, 5.0])
    assert common[0] / common.sum() == pytest.approx(0.75, rel=1e-12)
    assert logistic(weights / 2 + bias) == pytest.approx(6 / 7, rel=1e-12)
    assert "0.75 instead of $\\tfrac67$" in right


@recomputes("A5c weights times")
def test_the_bias_is_not_halved(right):
    _, weights, bias = ensemble_of_masks()
    assert round(logistic(weights / 2 + bias / 2), 3) == 0.809
    assert logistic(weights / 2 + bias) == pytest.approx(6 / 7, rel=1e-12)
    assert "0.809 instead of $\\tfrac67$" in right


@recomputes('A6b "upper bound"')
def test_an_upper_bound_ranks_the_other_way_round(right):
    likelihood, prior = np.array([0.9, 0.2, 0.4]), np.array([0.5, 0.3, 0.2])
    best, evidence = variational.posterior(likelihood, prior), likelihood @ prior
    other = np.array([0.2, 0.2, 0.6])
    lower = [variational.elbo(likelihood, prior, q) for q in (best, other)]
    upper = [float(best @ np.log(likelihood * prior / q)) for q in (best, other)]
    assert lower[1] < lower[0] == pytest.approx(np.log(evidence), rel=1e-12)
    assert upper[1] > upper[0] == pytest.approx(np.log(evidence), rel=1e-12)
    assert right.startswith("The lower bound")


# Paper B


@recomputes("B1a $2 \\times 2$ padding")
def test_the_sizes_of_the_six_layers_of_paper_b(right):
    sizes = {}
    for side in (1, 2):
        sizes[side] = [256]
        for _ in range(6):
            size = oracles.count_places(sizes[side][-1], 5, 1, side, side, 1)
            sizes[side].append(size)
    assert sizes[2] == [256] * 7 and sizes[1] == [256, 254, 252, 250, 248, 246, 244]
    assert "256 in all six" in right and "254, 252, …, 244" in right


@recomputes('B1b "effective" field')
def test_the_field_of_the_sixth_layer(right):
    paths = np.ones(1)
    for _ in range(6):
        paths = np.convolve(paths, np.ones(5))
    shares = [max(paths[i : i + k].sum() for i in range(26 - k)) / paths.sum() for k in (13, 14)]
    assert len(paths) == 25 and shares[0] < 0.95 <= shares[1]
    assert "= 25$" in right and "14 of the 25" in right


@recomputes('B1b "un neurone"')
def test_a_corner_sees_less_than_the_middle(right):
    layers = [(5, 1, 2, 1)] * 6
    real = [sum(0 <= p < 256 for p in oracles.pixels_seen(layers, u)) for u in (128, 0, 255)]
    assert real == [25, 13, 13] and "13 × 13 of the 25 × 25" in right


@recomputes('B4a "avec chaque')
def test_the_weights_can_overshoot(right):
    X, y, reach = np.ones((2, 1)), np.ones(2), {}
    for rate in (0.5, 1.5):
        reach[rate] = np.diff(np.abs(regularization.descend(X, y, rate, 20)[:, 0]))
    assert (reach[0.5] > 0).all() and (reach[1.5][::2] > 0).all() and (reach[1.5][1::2] < 0).all()
    assert "1 < \\eta\\lambda < 2" in right


@recomputes("B6a KL, no order given")
def test_the_order_of_the_divergence(right):
    q, p = np.array([0.5, 0.5]), np.array([0.75, 0.25])
    forward, backward = oracles.divergence(q, p), oracles.divergence(p, q)
    assert (round(forward, 3), round(backward, 3)) == (0.144, 0.131)
    assert "0.144 against 0.131" in right
    gap = np.log(0.3) - oracles.joint_bound(p * 0.3, q)
    assert gap == pytest.approx(forward, rel=1e-12) and abs(gap - backward) > 0.01


@recomputes("B8a $E = +")
def test_the_third_order_machine_has_the_sign_of_its_energy(right):
    W = np.random.default_rng(0).normal(size=(2, 2, 2))
    x, z = (1, 1), (1, 0)
    on = oracles.conditional_mean(oracles.three_way_table(W), (1, 0), {0: x, 2: z})
    s = np.einsum("ik,i,k", W[:, 0], x, z)
    assert on == pytest.approx(logistic(-s), rel=1e-12) and abs(on - logistic(s)) > 0.1
    printed = boltzmann.y_given(W, np.array([x]), np.array([z]))[0, 0]
    assert on == pytest.approx(printed, rel=1e-12) and "\\sigma(-s)" in right


def test_given_x_alone_the_units_of_paper_b_depend_on_each_other():
    table = oracles.three_way_table(np.random.default_rng(0).normal(size=(2, 2, 2)))
    given = {(y, z): p for (x, y, z), p in table.items() if x == (1, 1)}
    total = sum(given.values())

    def mean(*units):
        return sum(p for s, p in given.items() if all(s[g][i] for g, i in units)) / total

    for pair in (((0, 0), (0, 1)), ((0, 0), (1, 0))):  # two units of y; one of y and one of z
        assert abs(mean(*pair) - mean(pair[0]) * mean(pair[1])) > 1e-3


# Paper C


@recomputes("C5.3 generator loss")
def test_the_generator_losses_in_the_logit(right):
    s, step = -6.0, 1e-5
    w, slopes = logistic(s), []
    for loss in (lambda a: np.log(1 - logistic(a)), lambda a: -np.log(logistic(a))):
        slopes.append((loss(s + step) - loss(s - step)) / (2 * step))
    assert slopes == pytest.approx([-w, -(1 - w)], rel=1e-6)
    assert abs(slopes[0]) < 0.01 and abs(slopes[1]) > 0.99
    assert "$-w$, which vanishes" in right and "$-(1-w)$" in right


@recomputes("C5.4 $\\mathbb{E}")
def test_the_printed_bound_of_paper_c_is_none(right):
    half = np.array([0.5, 0.5])
    printed = variational.printed_objective(half, half, half)
    assert printed == 0.5 > np.log(0.5) == pytest.approx(variational.elbo(half, half, half))
    assert "$\\tfrac12 > \\log \\tfrac12$" in right
    model = np.array([0.9, 0.1]), half
    best = variational.printed_optimum(*model)
    assert abs(best - variational.posterior(*model))[0] > 0.1


@recomputes('C5.6 "necessary"')
def test_the_score_function_estimates_the_same_gradient(right):
    noise, weight = np.polynomial.hermite_e.hermegauss(20)
    weight /= weight.sum()
    noise, mean, scale = noise[:, None], 1.5, 0.5
    z = mean + scale * noise
    path = variational.path_estimates(2 * z, noise)
    score = variational.score_estimates(z[:, 0] ** 2, noise, scale)
    for one, other, exact in zip(path, score, (2 * mean, 2 * scale), strict=True):
        assert [weight @ one[:, 0], weight @ other[:, 0]] == pytest.approx([exact] * 2, rel=1e-9)
    variances = [weight @ e[0][:, 0] ** 2 - (2 * mean) ** 2 for e in (path, score)]
    assert variances[1] > variances[0] and "unbiased too" in right


# Paper D


@recomputes("D1.4 3e4, 4e1, 2e5, 8e3")
def test_the_rates_of_paper_d_reverse_their_order(right):
    printed, meant = [3e4, 4e1, 2e5, 8e3], [3e-4, 4e-1, 2e-5, 8e-3]
    assert (np.argsort(printed) == np.argsort(meant)[::-1]).all()
    assert all(np.argsort(np.argsort(printed)) != np.argsort(np.argsort(meant)))
    assert min(printed) > 2 and "3e-4, 4e-1, 2e-5, 8e-3" in right


@recomputes('D1.5 "deeper layers"')
def test_layers_nearer_the_output_learn_faster(right):
    rng, sigmoid = np.random.default_rng(0), training.ACTIVATIONS["sigmoid"]
    x, weights = rng.normal(size=(1, 20)), training.random_weights([20] * 11, 1.0, rng)
    found = training.signals(x, weights, sigmoid)
    deltas = training.errors(found, weights, sigmoid, np.ones((1, 20)))
    norms = [np.linalg.norm(G) for G in training.weight_gradients(x, found, deltas)]
    assert norms == sorted(norms) and norms[-1] > 1000 * norms[0]
    assert "learn faster, not slower, so (ii) is false" in right


def shallow():
    """A network of paper D with as many inputs as hidden units, one example and its label."""
    rng = np.random.default_rng(0)
    theta = mlp.Parameters(rng.normal(size=(3, 3)), rng.normal(size=3),
                           rng.normal(size=(2, 3)), rng.normal(size=2))
    return theta, rng.normal(size=(3, 1)), np.array([[1.0], [0.0]])


@recomputes("D2.1 $z^{[2]} =")
def test_the_printed_logits_skip_the_hidden_layer(right):
    theta, x, y = shallow()
    loss = []
    for W1 in (theta.W1, theta.W1 + 1):
        A1 = backprop.leaky_forward(theta._replace(W1=W1), x).A1
        loss.append([mlp.cross_entropy((theta.W2 @ v).T + theta.b2, np.array([0])).item()
                     for v in (x, A1)])
    (printed, meant), (printed_then, meant_then) = loss
    assert printed == printed_then and abs(meant - meant_then) > 0.1
    assert np.abs(backprop.leaky_backward(theta, x, y).W1).max() > 0.01
    with pytest.raises(ValueError, match="matmul"):
        theta.W2 @ x[:2]
    assert "both gradients of {part}`D2.7` are 0" in right


@recomputes("D2.5 no layout")
def test_the_layout_transposes_the_jacobian(right):
    theta, x, _ = shallow()
    jacobian = [
        oracles.numerical_gradient(lambda a, k=k: theta.W2[k] @ a + theta.b2[k], x[:, 0])
        for k in range(2)
    ]
    assert np.allclose(jacobian, theta.W2, rtol=1e-6)
    assert np.transpose(jacobian).shape == (3, 2) != theta.W2.shape
    assert "Outputs × inputs gives $W^{[2]}$" in right


TABLE = {"11": 1.0, "12": -0.5, "21": 0.5, "22": -1.0, "31": 0.5, "32": -1.0, "41": -0.5, "42": 1.0}


def two_units(w21=0.5, **reading):
    """The network of paper D, question 3."""
    return oracles.two_unit_network((2.0, -1.0), {**TABLE, "21": w21}, (0.5, -0.5, -1.0, 0.5),
                                    (1.0, 0.5), **reading)


@recomputes('D3.1 "four hidden units"')
def test_the_table_fills_two_hidden_units(right):
    assert mlp.parameter_count([2, 2, 2]) == len(TABLE) + 4 == 12
    assert [mlp.parameter_count(w) for w in ([2, 2, 2, 2], [2, 4, 2])] == [18, 22]
    assert "18 or 22" in right and "holds 12" in right


@recomputes("D3.1 figure lost")
def test_the_first_index_is_the_source(right):
    as_printed, reversed_ = two_units(), two_units(to_from=True)
    assert (as_printed["o"], as_printed["loss"]) == ((0.0, -1.5), 2.5)
    assert (reversed_["o"], reversed_["loss"]) == ((-1.0, 0.5), 2.0)
    assert "$o = (-1, 0.5)$, loss 2 instead of 2.5" in right


@recomputes('D3.1 "ReLU activations"')
def test_there_is_no_rectifier_on_the_outputs(right):
    rectified = two_units(rectified_output=True)
    assert (rectified["o"], rectified["loss"]) == ((0.0, 0.0), 0.625)
    ahead, behind = (two_units(0.5 + s, rectified_output=True)["loss"] for s in (0.01, -0.01))
    assert ahead == 0.625 and behind == pytest.approx(0.625, rel=1e-2)
    assert two_units()["loss"] == 2.5 and "loss 0.625" in right


@recomputes('D3.2 "mean squared"')
def test_the_mean_is_over_the_outputs(right):
    squares = (np.array([1.0, 0.5]) - two_units()["o"]) ** 2
    assert (squares.mean(), squares.sum(), squares.mean() / 2) == (2.5, 5.0, 1.25)
    assert "2.5. The sum is 5" in right and "is 1.25" in right


@recomputes('D3.3 "loss computed"')
def test_the_half_of_the_loss_is_in_the_step(right):
    slope = float(oracles.numerical_gradient(lambda w: two_units(float(w))["loss"], 0.5))
    steps = [0.5 - 0.1 * c * slope for c in (1, 2, 0.5)]
    assert steps == pytest.approx([0.65, 0.8, 0.575], rel=1e-6)
    assert two_units(0.65)["loss"] == pytest.approx(2.2890625, rel=1e-12)
    assert "0.8, with a further ½ 0.575" in right and "2.2890625" in cell("D3.3 stops")


# Paper D: the printed solutions


@recomputes('D1.1 "should not happen"')
def test_dropout_reverses_the_errors_as_logged(right):
    found = experiments.training_modes(np.random.default_rng(0))
    assert (found.logged > found.validation).all() and (found.validation > found.train).all()
    last = [curve[-1] for curve in (found.logged, found.validation, found.train)]
    assert [f"{value:.3f}" for value in last] == re.findall(r"0\.\d{3}", right)


@recomputes("D1.6-ii converges faster")
def test_larger_batches_are_faster_per_update_only(right):
    found = experiments.updates_to_target()
    one, many = (int(found.updates[found.batch == B][0]) for B in (1, 64))
    assert many < one < 64 * many
    assert f"{many} against {one:,}" in right and f"{64 * many:,} against {one:,}" in right


@recomputes("D2.7 $\\delta_1^T")
def test_the_product_with_the_slopes_comes_last(right):
    W2, slopes = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, 0.01])
    delta0 = np.array([0.5, -0.5])
    assert ((W2.T @ delta0) * slopes)[0] == -1
    assert (W2.T @ (delta0 * slopes))[0] == pytest.approx(0.485, rel=1e-12)
    with pytest.raises(ValueError, match="broadcast"):
        np.ones(3) * slopes  # three classes, two hidden units
    theta, x, y = shallow()
    delta0 = (mlp.softmax((theta.W2 @ backprop.leaky_forward(theta, x).A1).T + theta.b2).T - y)
    leak = np.where(theta.W1 @ x + theta.b1[:, None] > 0, 1, 0.01)
    assert np.allclose((theta.W2.T @ delta0 * leak) @ x.T, backprop.leaky_backward(theta, x, y).W1)
    assert "0.485 instead of −1" in right


@recomputes('D2.8 "greater than 1"')
def test_the_modified_softmax_can_have_the_denominator_one(right):
    scores = np.array([1000.0, 0.0])
    assert np.exp(scores - scores.max()).sum() == 1.0
    assert backprop.shifted_softmax(scores).tolist() == [1.0, 0.0]
    assert "exactly 1 in floating point for scores (1000, 0)" in right


# Paper E


@recomputes("E1c figure lost")
def test_the_advantages_hang_on_the_narrow_layer(right):
    a, narrow, wide = (mlp.parameter_count(w, bias=False)
                       for w in ([100, 100], [100, 10, 100], [100, 100, 100]))
    assert narrow < a < wide and f"{a:,} against {narrow:,}" in right


@recomputes("E3a figure lost")
def test_the_place_of_each_weight_decides_the_function(right):
    x = np.array([3.0, 1.0, 2.0, 5.0])  # the even steps have the larger sum, 6 against 5
    meant = [round(recurrent.last_output(1.0, 10.0, -1.0, sign * x)) for sign in (1, -1)]
    assert meant == [1, 0]
    others = [recurrent.last_output(*w, x) for w in itertools.permutations((1.0, 10.0, -1.0))]
    assert min(others) < 1e-4 and max(others) > 1 - 1e-4
    y = x[::-1]  # with the recurrent weight 1 the order of the inputs no longer counts
    assert recurrent.last_output(-1.0, 10.0, 1.0, x) == recurrent.last_output(-1.0, 10.0, 1.0, y)
    assert round(recurrent.last_output(1.0, 10.0, -1.0, y)) == 0
    assert "whether the even or the odd steps sum to more" in right


@recomputes("E3c $w < \\alpha$ vanishes")
def test_a_negative_weight_explodes(right):
    slopes = [oracles.numerical_gradient(
        lambda x, w=w: oracles.chain_of_states(w, float(x), 6, 0.0)[-1], 0.0) for w in (-8, -2, 2)]
    assert np.allclose(slopes, [0.25 * (w / 4) ** 5 for w in (-8, -2, 2)], rtol=1e-6)
    assert abs(slopes[0]) > 0.25 > 0.25 * abs(slopes[1])  # -8 < 4, and the gradient grows
    assert "$\\lvert w \\rvert < 4$" in right and "$-2$ per step" in right


@pytest.mark.parametrize("key", RECOMPUTED)
def test_each_of_these_tests_reads_its_cell(key):
    """None passes with an empty third cell: what it computes is compared with what is printed."""
    with pytest.raises(AssertionError):
        globals()[RECOMPUTED[key]]("")
