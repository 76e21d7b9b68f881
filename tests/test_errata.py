"""The page of errata: its totals are counted, its links lead to parts, its words are three.

What changes an answer is recomputed here where a few lines of NumPy suffice.
"""

import csv
import itertools
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

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


# The rows that change an answer, each by a number of its cell.


def logistic(a):
    return 1 / (1 + np.exp(-a))


def two_units(w21=0.5, **reading):
    """Outputs and mean squared error of the network of paper D, question 3."""
    first, second = np.array([[1.0, -0.5], [w21, -1.0]]), np.array([[0.5, -1.0], [-0.5, 1.0]])
    if reading.get("target_first"):
        first, second = first.T, second.T
    hidden = np.maximum(0, np.array([2.0, -1.0]) @ first + [0.5, -0.5])
    out = hidden @ second + [-1.0, 0.5]
    if reading.get("rectified"):
        out = np.maximum(0, out)
    return out.tolist(), float(np.mean((np.array([1.0, 0.5]) - out) ** 2))


def cell(place, start):
    """The third cell of the one row of a place whose second cell begins as told."""
    (found,) = [r for _, r in ROWS if f"`{place}`" in r[0] and r[1].startswith(start)]
    return found[2]


def test_the_gate_of_paper_a_bounds_the_memory():
    f = np.linspace(0, 1, 1001)
    assert (f * (1 - f)).max() == 0.25 and f[(f * (1 - f)).argmax()] == 0.5
    c = 0.0
    for _ in range(60):
        c = 0.25 * c + 1
    assert c == pytest.approx(4 / 3, rel=1e-12)
    assert "\\tfrac43" in cell("A3b", "memory")


def test_the_slips_of_the_dropout_ensemble():
    W, b = np.log([[9.0, 1.0], [1.0, 4.0], [4.0, 1.0]]), np.log([2.0, 1.0])
    masks = np.array(list(itertools.product((0, 1), repeat=3)))
    P = np.exp(masks @ W + b)
    P /= P.sum(axis=1, keepdims=True)
    mean = np.exp(np.log(P).mean(axis=0))
    assert mean[0] / mean.sum() == pytest.approx(6 / 7, rel=1e-12)
    assert round(mean.sum(), 2) == 0.87 and "0.87" in cell("A5c", '"exactly"')
    printed = np.log(P).sum(axis=0) / 6
    shift = printed[0] - printed[1]
    weights = W.sum(axis=0) @ [1, -1]
    bias = b @ [1, -1]
    assert shift == pytest.approx(2 / 3 * weights + 4 / 3 * bias, rel=1e-12)
    assert "\\tfrac23" in cell("A5c", '"2n"')
    assert logistic(weights / 2) == pytest.approx(0.75, rel=1e-12)
    assert "0.75" in cell("A5c", "$b$")
    assert round(logistic(weights / 2 + bias / 2), 3) == 0.809
    assert "0.809" in cell("A5c", "weights")


def test_the_sizes_of_the_six_layers_of_paper_b():
    sizes = [256 + layer * (2 - 5 + 1) for layer in range(1, 7)]
    assert (sizes[0], sizes[1], sizes[-1]) == (254, 252, 244)
    assert "254, 252, …, 244" in cell("B1a", "$2")


def test_the_field_of_the_sixth_layer():
    paths = np.ones(1)
    for _ in range(6):
        paths = np.convolve(paths, np.ones(5))
    assert len(paths) == 25
    share = [paths[12 - k : 13 + k].sum() / paths.sum() for k in range(13)]
    width = 1 + 2 * next(k for k, s in enumerate(share) if s >= 0.95)
    even = max(paths[i : i + 14].sum() for i in range(12)) / paths.sum()
    assert even >= 0.95 and width == 15
    assert max(paths[i : i + 13].sum() for i in range(13)) / paths.sum() < 0.95
    assert "14 of the 25" in cell("B1b", '"effective"')


def test_the_order_of_the_divergence():
    q, p = np.array([0.5, 0.5]), np.array([0.75, 0.25])
    forward, backward = (q * np.log(q / p)).sum(), (p * np.log(p / q)).sum()
    assert (round(forward, 3), round(backward, 3)) == (0.144, 0.131)
    assert "0.144 against 0.131" in cell("B6a", "KL")
    evidence = 0.3
    bound = (q * np.log(p * evidence / q)).sum()
    assert np.log(evidence) - bound == pytest.approx(forward, rel=1e-12)


def test_the_third_order_machine_has_the_sign_of_its_energy():
    W = np.random.default_rng(0).normal(size=(2, 2, 2))
    states = list(itertools.product((0, 1), repeat=2))
    x, z = np.array([1, 1]), np.array([1, 0])
    weight = {y: np.exp(-np.einsum("ijk,i,j,k", W, x, y, z)) for y in states}
    on = sum(w for y, w in weight.items() if y[0]) / sum(weight.values())
    assert on == pytest.approx(logistic(-np.einsum("ik,i,k", W[:, 0], x, z)), rel=1e-12)
    joint = {(y, v): np.exp(-np.einsum("ijk,i,j,k", W, x, y, v)) for y in states for v in states}
    total = sum(joint.values())
    pair = sum(w for (y, v), w in joint.items() if y[0] and v[0]) / total
    alone = [sum(w for s, w in joint.items() if s[side][0]) / total for side in (0, 1)]
    assert abs(pair - alone[0] * alone[1]) > 1e-3  # given x alone, y and z are dependent


def test_the_printed_bound_of_paper_c_is_none():
    printed = 0.5 * 0.5 + 0.5 * 0.5  # a likelihood of 1/2 for both values of z; the KL is 0
    assert printed > np.log(0.5) and "\\log \\tfrac12" in cell("C5.4", "$\\mathbb{E}")


def test_the_generator_losses_in_the_logit():
    s, step = -3.0, 1e-5
    w = logistic(s)
    for loss, slope in ((lambda a: np.log(1 - logistic(a)), -w),
                        (lambda a: -np.log(logistic(a)), -(1 - w))):
        assert (loss(s + step) - loss(s - step)) / (2 * step) == pytest.approx(slope, rel=1e-6)


def test_the_rates_of_paper_d_change_their_order():
    printed, meant = [3e4, 4e1, 2e5, 8e3], [3e-4, 4e-1, 2e-5, 8e-3]
    assert all(np.argsort(np.argsort(printed)) != np.argsort(np.argsort(meant)))


def test_the_readings_of_the_two_layer_network():
    assert two_units() == ([0.0, -1.5], 2.5)
    assert two_units(target_first=True) == ([-1.0, 0.5], 2.0)
    assert two_units(rectified=True) == ([0.0, 0.0], 0.625)
    assert two_units(0.65)[1] == pytest.approx(2.2890625, rel=1e-12)
    assert "2.2890625" in cell("D3.3", "stops")


def test_the_modified_softmax_can_have_the_denominator_one():
    assert np.exp(np.array([1000.0, 0.0]) - 1000).sum() == 1.0


def test_a_negative_weight_explodes():
    rest = logistic(0.0) * (1 - logistic(0.0))
    assert rest * -8 == -2 and "$-2$ per step" in cell("E3c", "$w <")
