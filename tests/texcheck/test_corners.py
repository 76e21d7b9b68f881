"""Statements that fail only in a corner: each kind by a generator, and the true ones beside it."""

import itertools
import os

import numpy as np
import pytest
import texcheck
from hypothesis import given, settings
from hypothesis import strategies as st
from texcheck import orders
from texcheck.corners import CORNERS, THEMES
from texcheck.items import Order

EXAMPLES = int(os.environ.get("EXAMPLES", "5"))  # EXAMPLES=500 pytest … is a longer run
drawn = settings(deadline=None, max_examples=EXAMPLES)
SEEDS = st.integers(0, 10**6)
BITS = st.floats(0.0005, 0.3)
PLACES = st.floats(-9, 9).filter(lambda x: abs(x) > 0.1)


def kinds(text, seed):
    return [e.kind for e in texcheck.check(texcheck.read_block(text), seed=seed).errors]


def refused(text, seed):
    assert kinds(text, seed), text


def false(text, seed):
    """Refused for what it says, not for how it is written."""
    found = kinds(text, seed)
    assert set(found) & {"texcheck.value", "texcheck.undefined", "texcheck.vacuous"}, (found, text)


def accepted(text, seed):
    report = texcheck.check(texcheck.read_block(text), seed=seed)
    assert report.ok, str(report.errors[0])


# ---- inequalities with a constant that is a little too good ------------------------------

SHARP = {  # each holds with c = 0 and with no larger c
    "means": ("a, b \\in \\mathbb{R}_{>0}", "a + b", "\\ge", "(2 + @) \\sqrt{a b}"),
    "schwarz": ("x, z \\in \\mathbb{R}^n", "|x^\\top z|", "\\le", "(1 - @) \\|x\\| \\|z\\|"),
    "norms": ("x \\in \\mathbb{R}^n", "\\|x\\|_1", "\\le", "(1 - @) \\sqrt{n} \\|x\\|"),
    "correlation": ("A \\in \\mathbb{S}^n_{++}", "A_{1,1} A_{2,2}", "\\ge", "(1 + @) A_{1,2}^2"),
    "sigmoid": ("a \\in \\mathbb{R}", "\\mathrm{sigmoid}(a) (1 - \\mathrm{sigmoid}(a))", "\\le",
                "0.25 - 0.1 \\cdot @"),
    "entropy": ("p \\in \\Delta^K", "-\\sum_k p_k \\log p_k", "\\le", "(1 - @) \\log K"),
    "trace": ("A \\in \\mathbb{S}^n_{++}", "(\\mathrm{tr}(A))^2", "\\le",
              "(1 - @) n \\mathrm{tr}(A A)"),
    "place": ("a \\in \\mathbb{R}", "(a - 3.7)^2", "\\ge", "0.01 \\cdot @"),
    "exponential": ("a \\in \\mathbb{R}", "e^a", "\\ge", "1 + a + 0.1 \\cdot @"),
}


@pytest.mark.parametrize("name", SHARP)
@drawn
@given(seed=SEEDS, by=BITS)
def test_a_constant_that_is_a_little_too_good(name, seed, by):
    domain, left, relation, right = SHARP[name]
    refused(f"let: {domain}\nclaim: {left}\n{relation} {right.replace('@', f'{by:.4f}')}", seed)


@pytest.mark.parametrize("name", SHARP)
def test_the_best_constant_holds(name):
    domain, left, relation, right = SHARP[name]
    for seed in range(3):
        accepted(f"let: {domain}\nclaim: {left}\n{relation} {right.replace('@', '0')}", seed)


# ---- what holds on a part only -----------------------------------------------------------

@drawn
@given(seed=SEEDS, place=PLACES, width=st.floats(0.005, 0.5))
def test_a_bump_somewhere(seed, place, width):
    refused(f"let: a, b \\in \\mathbb{{R}}\nclaim: b + \\max(0, {width:.3f} - |a - ({place:.3f})|)"
            "\n= b", seed)


@drawn
@given(seed=SEEDS, most=st.floats(20, 1e5))
def test_clipping_far_out_does_something(seed, most):
    refused(f"let: a \\in \\mathbb{{R}}\nclaim: \\max(-{most:.0f}, \\min(a, {most:.0f}))\n= a",
            seed)


@drawn
@given(seed=SEEDS, least=st.integers(2, 8))
def test_a_floor_under_a_probability_does_something(seed, least):
    refused(f"let: p \\in (0,1)\nclaim: \\log \\max(p, 10^{{-{least}}})\n= \\log p", seed)


@drawn
@given(seed=SEEDS, place=PLACES, by=st.integers(-5, 5).filter(bool))
def test_a_boundary_belongs_to_one_side(seed, place, by):
    refused("let: a, b \\in \\mathbb{R}\n"
            f"claim: \\mathbb{{1}}[{abs(by)} a + b \\le {place:.1f}]\n"
            f"= \\mathbb{{1}}[{abs(by)} a + b < {place:.1f}]", seed)


@pytest.mark.parametrize("domain, condition", [
    ("a \\in \\mathbb{R}", "a^2 = 2"),
    ("a \\in \\mathbb{R}", "e^a = 3"),
    ("a, b \\in \\mathbb{N}", "a^2 = 61 b^2 + 1"),
    ("a, b, c, d, f \\in \\mathbb{N}", "a^5 + b^5 + c^5 + d^5 = f^5"),
    ("a, b \\in \\mathbb{R}", "a^2 + b^2 = 3"),
])
def test_an_equality_that_no_draw_meets_is_named(domain, condition):
    report = texcheck.check(texcheck.read_block(
        f"let: {domain}\nclaim: \\mathbb{{1}}[{condition}]\n= 0"))
    assert "is never taken" in str(report.errors[0])


@pytest.mark.parametrize("domain, condition", [
    ("a, b \\in \\mathbb{R}", "a = b"),
    ("a, b, c \\in \\mathbb{R}", "2 a - b = 3 c"),
    ("a, b \\in \\mathbb{N}", "a = b + 2"),
    ("k \\in \\{1,\\ldots,1000\\}", "k = 1000"),
    ("a \\in \\mathbb{R}", "0.3 a = 0.1 a \\cdot 3"),
])
def test_an_equality_that_some_draw_meets(domain, condition):
    left, right = condition.split(" = ")
    accepted(f"let: {domain}\nclaim: \\mathbb{{1}}[{condition}]\n"
             f"= 1 - \\mathbb{{1}}[{left} \\ne {right}]", 0)
    refused(f"let: {domain}\nclaim: \\mathbb{{1}}[{condition}]\n= 0", 0)


def test_an_arm_that_no_draw_takes_is_named():
    block = texcheck.read_block("let: a \\in (0, 1)\nassume: a > 0.5\n"
                                "claim: a + \\max(0, 0.2 - a)\n= a")
    error, = texcheck.check(block).errors
    assert "one arm of max(0, (0.2 - a)) is never taken" in error.message


# ---- whole numbers, dimensions, indices --------------------------------------------------

@drawn
@given(seed=SEEDS, end=st.integers(5, 40))
def test_a_product_that_vanishes_for_the_first_numbers(seed, end):
    refused(f"let: N \\in \\mathbb{{N}}\nclaim: \\prod_{{k=1}}^{{{end}}} (N - k)\n= 0", seed)


@drawn
@given(seed=SEEDS, most=st.floats(2.2, 3.3))
def test_a_sum_without_bound(seed, most):
    refused("let: N \\in \\mathbb{N}\nclaim: \\sum_{k=1}^N \\frac{1}{k}\n"
            f"\\le {most:.2f}", seed)


@drawn
@given(seed=SEEDS, count=st.integers(3, 5))
def test_all_indices_equal(seed, count):
    names = "ijklr"[:count]
    deltas = " ".join(f"\\delta_{{{a}{b}}}" for a, b in itertools.pairwise(names))
    refused(f"let: {', '.join(names)} \\in \\{{1,\\ldots,n\\}}; a \\in \\mathbb{{R}}\n"
            f"claim: a + {deltas}\n= a", seed)


@drawn
@given(seed=SEEDS)
def test_a_dimension_may_be_one(seed):
    refused("let: x \\in \\mathbb{R}^n\nclaim: n\n\\ge 2\nclaim: x^\\top x\n\\ge 0", seed)


# What is false, and what is true beside it: each is refused, or accepted, with every seed.
ALIKE = {
    "square": ("let: W \\in \\mathbb{R}^{m\\times n}", "\\det(W W^\\top) \\det(W^\\top W)", "= 0",
               "\\det(W W^\\top) \\mathrm{tr}(W^\\top W)",
               "= \\mathrm{tr}(W W^\\top) \\det(W W^\\top)"),
    "filled": ("let: V \\in \\mathrm{St}(n, k)", "\\det(V V^\\top)", "= 0",
               "\\mathrm{tr}(V V^\\top)", "= k"),
    "one by one": ("let: A \\in \\mathbb{S}^n_{++}", "n \\, \\mathrm{tr}(A)",
                   "\\ge 2 \\lambda_{\\max}(A)", "\\mathrm{tr}(A)", "\\ge \\lambda_{\\max}(A)"),
    "alphabet": ("pmf: p(x)", "-\\sum_x p(x) \\log p(x)", "\\le 2 \\log 2",
                 "-\\sum_x p(x) \\log p(x)", "\\ge 0"),
    "alphabets": ("pmf: p(x,y)",
                  "\\sum_{x,y} p(x,y) \\log \\frac{p(x,y)}{p(x) p(y)}", "\\le \\log 3",
                  "\\sum_{x,y} p(x,y) \\log \\frac{p(x,y)}{p(x) p(y)}",
                  "\\le -\\sum_x p(x) \\log p(x)"),
}


def twins(table):
    """The false and the true block of every row of a table."""
    return [(name, seed) for name in table for seed in range(5)]


@pytest.mark.parametrize("name, seed", twins(ALIKE))
def test_dimensions_may_be_equal_or_one_and_alphabets_large(name, seed):
    given_, left, wrong, true_left, right = ALIKE[name]
    false(f"{given_}\nclaim: {left}\n{wrong}", seed)
    accepted(f"{given_}\nclaim: {true_left}\n{right}", seed)


# ---- matrices, tables, random variables --------------------------------------------------

@pytest.mark.parametrize("text", [
    "let: A \\in \\mathbb{S}^n_{+}\nclaim: \\det(A)\n= 0",
    "let: A, B, C \\in \\mathbb{S}^n_{++}\nclaim: \\mathrm{tr}(A B C)\n\\ge 0",
    "let: A, B \\in \\mathbb{S}^n_{++}; x \\in \\mathbb{R}^n\nclaim: x^\\top A B x\n\\ge 0",
    "let: A \\in \\mathbb{S}^n_{++}; x \\in \\mathbb{R}^n\nclaim: \\|A^{-1} x\\|\n\\le 500 \\|x\\|",
    "pmf: p(x); q(x)\nclaim: \\mathrm{KL}(p \\,\\|\\, q)\n\\le 5",
    "pmf: p(x)\nclaim: \\mathbb{1}[p(x) > 0]\n= 1",
    "pmf: p(x,z)\nclaim: p(x)\n\\ge 0.002",
    "rv: X \\in \\mathbb{R}\nclaim: |X - \\mathbb{E}[X]|\n\\le 4 \\sqrt{\\mathrm{Var}(X)}",
    "rv: X \\in \\mathbb{R}\nclaim: \\mathbb{E}[X^4]\n\\le 20 (\\mathbb{E}[X^2])^2",
    "rv: X \\in \\mathbb{R}_{>0}\nclaim: \\mathbb{E}[X] \\mathbb{E}[\\frac{1}{X}]\n\\le 6",
    "let: a \\in \\mathbb{R}_{>0}\nrv: X \\in \\mathbb{R}_{>0}\n"
    "claim: \\mathbb{E}[\\mathbb{1}[X \\ge a]]\n\\le \\frac{\\mathbb{E}[X]}{1.05 a}",
    "rv: X \\in \\mathbb{R}^3\nclaim: \\det(\\mathrm{Cov}(X, X))\n= 0",
])
def test_what_fails_for_some_matrix_table_or_variable(text):
    for seed in range(4):
        refused(text, seed)


# ---- what floats hide --------------------------------------------------------------------

HIDDEN = {
    "saturated": "let: a \\in (20, 30)\nclaim: \\tanh(a)\n= 1",
    "vanishing": "let: a \\in (20, 30)\nclaim: \\frac{\\partial \\tanh(a)}{\\partial a}\n= 0",
    "underflow": "let: a, b \\in \\mathbb{R}\nclaim: \\frac{e^{a - 10^9}}{e^{a - 10^9} + e^b}\n= 0",
    "tiny": "let: g \\in (0, 0.9)\nclaim: g^{1000}\n= 0",
    "beside": "let: m \\in \\mathbb{R}; v \\in \\mathbb{R}_{>0}\n"
              "claim: \\frac{m}{\\sqrt{v} + 10^{-10}}\n= \\frac{m}{\\sqrt{v}}",
    "narrow": "let: x \\in (0, 10^{-9})\nclaim: \\log(1 + x)\n= x",
    "order": "let: a \\in \\mathbb{R}; h \\in (10^{-8}, 10^{-7})\nclaim: e^{a + h}\n= e^a (1 + h)",
    "entries": "let: a, b \\in \\mathbb{R}\nclaim: \\begin{pmatrix} 10^{10} a \\\\ b \\end{pmatrix}"
               "\n= \\begin{pmatrix} 10^{10} a \\\\ 2 b \\end{pmatrix}",
    "decimal": "let: a \\in \\mathbb{R}\nclaim: \\lfloor 0.29 \\cdot 100 \\rfloor a\n= 28 a",
    "tail": "let: b \\in (0, 0.9)\nclaim: (1 - b) \\sum_{k=0}^{99} b^k\n= 1",
}


@pytest.mark.parametrize("name", HIDDEN)
def test_what_floats_hide(name):
    for seed in range(3):
        refused(HIDDEN[name], seed)


@pytest.mark.parametrize("text", [
    "let: a \\in (20, 30)\nclaim: \\tanh(a)\n= \\frac{e^a - e^{-a}}{e^a + e^{-a}}",
    "let: b \\in (0, 0.9)\nclaim: (1 - b) \\sum_{k=0}^{99} b^k\n= 1 - b^{100}",
    "let: a \\in (20, 30)\nclaim: \\frac{\\partial \\tanh(a)}{\\partial a}\n= 1 - \\tanh^2(a)",
    "let: a \\in \\mathbb{R}; h \\in (10^{-8}, 10^{-7})\nclaim: e^{a + h}\n= e^a e^h",
    "let: a, b \\in \\mathbb{R}\nclaim: |a b|\n= |a| |b|",
])
def test_what_holds_to_the_last_digit(text):
    for seed in range(3):
        accepted(text, seed)


# ---- rounding ----------------------------------------------------------------------------

ROUNDED = {  # true, and nothing but rounding is left of the difference, in many entries
    "powers": ("Q \\in \\mathbb{R}^{N\\times N}; "
               "\\Lambda \\in \\operatorname{diag}(\\mathbb{R}^N); t \\in \\{1,\\ldots,5\\}",
               "(Q \\Lambda Q^{-1})^t", "Q \\Lambda^t Q^{-1}"),
    "inverse": ("A, B \\in \\mathbb{R}^{N\\times N}", "(A B)^{-1}", "B^{-1} A^{-1}"),
    "twice": ("A \\in \\mathbb{S}^N_{++}", "(A^{-1})^{-1}", "A"),
    "difference of inverses": ("A, B \\in \\mathbb{S}^N_{++}", "A^{-1} - B^{-1}",
                               "A^{-1} (B - A) B^{-1}"),
    "push through": ("A \\in \\mathbb{R}^{N\\times M}", "A (I_M + A^\\top A)^{-1}",
                     "(I_N + A A^\\top)^{-1} A"),
    "determinant": ("A, B \\in \\mathbb{S}^N_{++}", "\\log\\det(A B)",
                    "\\log\\det(A) + \\log\\det(B)"),
    "variance": ("x \\in \\mathbb{R}^N", "\\sum_i (x_i - \\tfrac{1}{N} \\sum_j x_j)^2",
                 "\\sum_i x_i^2 - \\tfrac{1}{N} (\\sum_j x_j)^2"),
    "polarisation": ("u, v \\in \\mathbb{R}^N", "\\|u - v\\|^2",
                     "\\|u\\|^2 - 2 u^\\top v + \\|v\\|^2"),
    "commutator": ("A, B, C \\in \\mathbb{R}^{N\\times N}", "(A B) C - A (B C) + A", "A"),
    "shift": ("z \\in \\mathbb{R}^N; c \\in \\mathbb{R}", "\\mathrm{softmax}(z + c \\mathbf{1})",
              "\\mathrm{softmax}(z)"),
    "product": ("x \\in \\mathbb{R}^N", "(\\prod_{i=1}^N e^{-x_i^2})^{1/N}",
                "e^{-\\frac{1}{N} \\sum_i x_i^2}"),
    "tail": ("a \\in \\mathbb{R}", "\\log(1 + e^{a}) - a", "\\log(1 + e^{-a})"),
}


@pytest.mark.parametrize("name", ROUNDED)
@drawn
@given(seed=SEEDS)
def test_rounding_alone_refutes_nothing(name, seed):
    domain, left, right = ROUNDED[name]
    accepted(f"let: {domain}\nclaim: {left}\n= {right}", seed)


@pytest.mark.parametrize("name", ROUNDED)
@drawn
@given(seed=SEEDS, by=st.sampled_from(["1.000001", "(1 - 10^{-6})"]))
def test_what_is_more_than_rounding_is_refused_there_too(name, seed, by):
    domain, left, right = ROUNDED[name]
    refused(f"let: {domain}\nclaim: {left}\n= {by} ({right})", seed)


# ---- orders ------------------------------------------------------------------------------


@pytest.mark.parametrize("error, good", [
    (lambda s: 1e-3 * s**4 - 0.3 * s**6, True), (lambda s: 1e-2 * s**4 - 0.1 * s**5, True),
    (lambda s: 1e-3 * s**3.9 - 0.3 * s**6, False), (lambda s: 1e-2 * s**3 - 0.3 * s**4, False),
])
def test_an_order_is_seen_behind_a_zero_of_the_error(error, good):
    scales = tuple(2.0**-k for k in range(2, 12))
    found = orders.Shrinking(scales, tuple(abs(error(s)) for s in scales), 1.0, sure=10)
    assert orders.reached(orders.observed(found), found, Order("s", 4)) == good


@pytest.mark.parametrize("claim, order, good", [
    ("e^x \\approx 1 + x", "O(x^2)", True),
    ("e^x \\approx 1.0000001 + x", "O(x^2)", False),
    ("\\cos x \\approx 1 - \\frac{x^2}{2.0001}", "O(x^4)", False),
    ("x \\log x \\approx 0", "O(x)", False),
    ("x^2 \\log x \\approx 0", "O(x^2)", False),
    ("x^2 \\log x \\approx 0", "o(x)", True),
    ("\\log(1 + x) \\approx x - \\frac{x^2}{2}", "O(x^3)", True),
    ("\\frac{e^x - e^{-x}}{2 x} \\approx 1", "O(x^2)", True),
    ("x^{1.98} + x \\approx x", "O(x^2)", False),
    ("x^{2.02} + x \\approx x", "O(x^2)", True),
    ("x^{2.98} + x \\approx x", "O(x^3)", False),
    ("e^x \\approx 1 + 1.0000000001 x", "O(x^2)", False),
    ("e^x \\approx 1 + x + 10^{-12} x^2", "O(x^2)", True),
    ("\\sqrt{x^2 + 10^{-40}} \\approx x + x^2", "O(x^2)", False),
])
def test_orders(claim, order, good):
    left, right = claim.split(" \\approx ")
    text = (f"let: x \\in (0,1)\nclaim: {left}\n\\approx {right}  [x\\to0 : {order}]")
    for seed in range(3):
        assert (kinds(text, seed) == []) == good


AT_TIES = {  # what an expansion is of, a wrong one, and a right one
    "absolute value": ("a, \\epsilon \\in \\mathbb{R}", "|a + \\epsilon| + \\epsilon^2",
                       "|a| + \\epsilon \\, \\mathrm{sign}(a)", 2,
                       "|a + \\epsilon| + \\frac{\\epsilon^3}{6} + \\sin \\epsilon - \\epsilon", 2),
    "maximum": ("a, b, c, \\epsilon \\in \\mathbb{R}", "\\max(a + \\epsilon b, c) + \\epsilon^2",
                "\\max(a, c) + \\epsilon b \\, \\mathbb{1}[a > c]", 2, "\\max(a, c)", 1),
    "root": ("a \\in \\mathbb{R}_{\\ge 0}; \\epsilon \\in \\mathbb{R}_{>0}",
        "\\sqrt{a + \\epsilon} + a",
             "\\sqrt{a} + a", 1, "\\sqrt{a + \\epsilon + \\epsilon^3} + a", 1),
    "rectifier": ("x, z \\in \\mathbb{R}^n; \\epsilon \\in \\mathbb{R}",
                  "\\sum_i \\mathrm{ReLU}(x_i + \\epsilon z_i) + \\epsilon^2",
                  "\\sum_i (\\mathrm{ReLU}(x_i) + \\epsilon z_i \\mathbb{1}[x_i > 0])", 2,
                  "\\sum_i \\mathrm{ReLU}(x_i)", 1),
    "norm": ("x, z \\in \\mathbb{R}^n; \\epsilon \\in \\mathbb{R}",
        "\\|x + \\epsilon z\\|^2 + \\epsilon^2",
             "\\|x\\|^2 + 2 \\epsilon \\|x\\| \\|z\\|", 2, "\\|x\\|^2 + 2 \\epsilon x^\\top z", 2),
}


@pytest.mark.parametrize("name, seed", twins(AT_TIES))
def test_an_expansion_holds_at_ties_too(name, seed):
    domain, left, wrong, power, right, order = AT_TIES[name]
    claim = f"let: {domain}\nclaim: {left}\n\\approx @  [\\epsilon\\to0 : O(\\epsilon^#)]"
    false(claim.replace("@", wrong).replace("#", str(power)), seed)
    accepted(claim.replace("@", right).replace("#", str(order)), seed)


# ---- derivatives at ties -----------------------------------------------------------------

UNDER = {  # a wrong derivative, and a right one
    "zero of another": ("let: a, b \\in \\mathbb{R}",
                        "\\frac{\\partial}{\\partial b} (b^2 \\mathbb{1}[a \\ne 0])",
                        "2 b", "2 b \\, \\mathbb{1}[a \\ne 0]"),
    "tie of others": ("let: a, b, c \\in \\mathbb{R}",
                      "\\frac{\\partial}{\\partial c} (c^2 \\mathbb{1}[a \\le b])",
                      "2 c \\, \\mathbb{1}[a < b]", "2 c \\, \\mathbb{1}[a \\le b]"),
    "zero of an entry": ("let: x, z \\in \\mathbb{R}^n",
                         "\\nabla_z (\\|z\\|^2 \\mathbb{1}[x_1 > 0])",
                         "2 z \\, \\mathbb{1}[x_1 \\ge 0]", "2 z \\, \\mathbb{1}[x_1 > 0]"),
    "rectifiers that cancel": (
        "let: b \\in \\mathbb{R}\ndef: g(u) = \\mathrm{ReLU}(u) - \\mathrm{ReLU}(-u)\n"
        "code: g(u) == torch.relu(u) - torch.relu(-u)", "b \\, g'(0) + b^2", "b^2", "b + b^2"),
    "maxima that cancel": (
        "let: b \\in \\mathbb{R}\ndef: g(u) = \\max(u, 0)^2 + \\min(u, 0) + \\max(u, 0)\n"
        "code: g(u) == torch.relu(u)**2 + u", "b \\, g'(0)", "\\frac{b}{2}", "b"),
    "rectifier": ("let: b \\in \\mathbb{R}", "b \\, \\mathrm{ReLU}'(0)", "0", None),
    "absolute value": ("let: b \\in \\mathbb{R}\ndef: g(u) = b |u - 1|", "g'(1)", "0", None),
    "jump": ("let: b \\in \\mathbb{R}\ndef: g(u) = b \\mathbb{1}[u > 1]", "g'(1) + b", "b", None),
    "of its own": ("let: x \\in \\mathbb{R}^n", "\\nabla_x \\sum_i (\\mathrm{ReLU}(x_i))^2",
                   "2 x", "2 \\mathrm{ReLU}(x)"),
    "convention": ("let: a, b \\in \\mathbb{R}",
        "\\frac{\\partial}{\\partial a} (b \\, \\mathrm{ReLU}(a))",
                   "b \\, \\mathbb{1}[a > 1]", "b \\, \\mathbb{1}[a \\ge 0]"),
}


@pytest.mark.parametrize("name, seed", twins(UNDER))
def test_a_derivative_at_a_tie(name, seed):
    given_, left, wrong, right = UNDER[name]
    false(f"{given_}\nclaim: {left}\n= {wrong}", seed)
    if right is not None:
        accepted(f"{given_}\nclaim: {left}\n= {right}", seed)


# ---- far out -----------------------------------------------------------------------------

FAR = {  # a wrong claim, and a right one
    "positive": ("let: x \\in \\mathbb{R}\nfun: f : \\mathbb{R} \\to \\mathbb{R}_{>0}",
                               "f(x)", "\\ge 10^{-9}", "f(x) + \\frac{1}{f(x)}", "\\ge 2"),
    "arbitrary": ("let: x \\in \\mathbb{R}^n\nfun: f : \\mathbb{R}^n \\to \\mathbb{R}", "f(x)",
                  "\\le 10^6 (1 + \\|x\\|^2)", "2 f(x)", "\\le 1 + f(x)^2"),
    "near zero": ("let: x \\in \\mathbb{R}\nfun: f : \\mathbb{R} \\to \\mathbb{R}", "f(x)^2 + 1",
                  "\\ge 1 + 10^{-6}", "f(x)^2 + 1", "\\ge 1"),
    "parameters": ("let: \\theta \\in \\mathbb{R}^d; x \\in \\mathbb{R}^n\n"
                   "fun: f_\\theta : \\mathbb{R}^n \\to \\mathbb{R}^m",
                   "\\mathrm{rank}(\\frac{\\partial f_\\theta(x)}{\\partial \\theta})", "\\le 3",
                   "\\mathrm{rank}(\\frac{\\partial f_\\theta(x)}{\\partial \\theta})", "\\le d"),
    "frame": ("let: V \\in \\mathrm{St}(n, k)", "\\mathbb{1}[\\|V_{1,:}\\| > 0]", "= 1",
              "\\mathbb{1}[\\|V_{1,:}\\| \\le 1.001]", "= 1"),
    "atoms": ("rv: X \\in \\mathbb{R}; Y \\in \\mathbb{R}\nassume: X \\perp Y\n"
              "claim: \\mathbb{E}[X Y]\n= \\mathbb{E}[X] \\mathbb{E}[Y]",
              "\\mathbb{E}[(X^4 + 2 X^3)^2] - \\mathbb{E}[(X^4 + 2 X^3)^2]",
              "\\ge \\mathrm{Var}(X)", "\\mathbb{E}[(X - Y)^2]", "\\ge \\mathrm{Var}(X)"),
    "flat prior": ("let: \\theta \\in \\mathbb{R}_{>0}; a \\in \\mathbb{R}",
                   "\\frac{\\mathbb{1}[\\theta \\le 100]}{1 + (\\theta - a)^2}",
                   "\\propto_\\theta \\frac{1}{1 + (\\theta - a)^2}",
                   "\\frac{e^{a}}{1 + (\\theta - a)^2}",
                   "\\propto_\\theta \\frac{1}{1 + (\\theta - a)^2}"),
    "waiting time": ("let: c \\in \\mathbb{R}_{>0}\nrv: X \\sim \\mathrm{Exponential}(c)",
        "c X", "\\le 60",
                     "c X", "\\ge 0"),
    "two tails": ("let: c \\in \\mathbb{R}_{>0}\nrv: X \\sim \\mathrm{Laplace}(0, c)", "X",
        "\\le 60 c",
                  "X^2 + c^2", "\\ge 2 c X"),
    "count": ("let: c \\in (1, 2)\nrv: X \\sim \\mathrm{Poisson}(c)", "X", "\\le 20", "X",
        "\\ge 0"),
    "end of an interval": ("rv: X \\sim \\mathrm{Uniform}(0, 1)", "X", "\\ge 10^{-6}", "X",
        "\\le 1"),
    "root and logarithm": ("let: x \\in \\mathbb{R}_{>0}\nassume: x > 3", "x^{1/20}",
        "\\le \\log x",
                           "\\log x", "\\le x - 1"),
    "loss": ("let: p \\in (0,1)", "-\\log p", "\\le 30", "-\\log p", "\\ge 1 - p"),
    "logarithm": ("let: c \\in \\mathbb{R}_{>0}", "\\log c", "\\le 22", "\\log c", "\\le c - 1"),
    "condition": ("let: A \\in \\mathbb{S}^n_{++}", "\\lambda_{\\max}(A)",
                  "\\le 10^{11} \\lambda_{\\min}(A)", "\\lambda_{\\max}(A)",
                  "\\ge \\lambda_{\\min}(A)"),
    "powers": ("let: N \\in \\mathbb{N}", "1.01^{N-1}", "\\le N^{10}", "1.01^{N}",
        "\\ge 1 + 0.01 N"),
    "units": ("let: m \\in \\mathbb{R}_{>0}; v \\in (0.5, 2)\nrv: X \\sim \\mathcal{N}(m, v)\n"
              "assume: m > 0.5",
              "\\begin{pmatrix} 10^{10} \\, \\mathbb{E}[X] \\\\ \\mathrm{Var}(X) \\end{pmatrix}",
              "= \\begin{pmatrix} 10^{10} m \\\\ 2 v \\end{pmatrix}",
              "\\begin{pmatrix} 10^{10} \\, \\mathbb{E}[X] \\\\ \\mathrm{Var}(X) \\end{pmatrix}",
              "= \\begin{pmatrix} 10^{10} m \\\\ v \\end{pmatrix}"),
    "tails": ("let: a \\in (7, 9)\nrv: X \\sim \\mathcal{N}(0, 1)",
              "\\begin{pmatrix} P(X \\le 0) \\\\ P(X \\ge a) \\end{pmatrix}",
              "= \\begin{pmatrix} \\frac12 \\\\ e^{-a^2} \\end{pmatrix}",
              "\\begin{pmatrix} P(X \\le 0) \\\\ P(X \\ge a) \\end{pmatrix}",
              "= \\begin{pmatrix} \\frac12 \\\\ P(X \\le -a) \\end{pmatrix}"),
}


@pytest.mark.parametrize("name, seed", twins(FAR))
def test_what_fails_far_out_only(name, seed):
    given_, left, wrong, true_left, right = FAR[name]
    false(f"{given_}\nclaim: {left}\n{wrong}", seed)
    accepted(f"{given_}\nclaim: {true_left}\n{right}", seed)


# ---- members of the domains --------------------------------------------------------------

@drawn
@given(seed=SEEDS, size=st.integers(2, 6))
def test_corners_are_members(seed, size):
    rng = np.random.default_rng(seed)
    tests = {"R+": lambda a: (a > 0).all(), "R0+": lambda a: (a >= 0).all(),
             "R-": lambda a: (a < 0).all(), "S": lambda a: np.allclose(a, a.T),
             "simplex": lambda a: (a >= 0).all() and np.isclose(a.sum(), 1),
             "S++": lambda a: np.allclose(a, a.T, atol=0) and (np.linalg.eigvalsh(a) > 0).all(),
             "S+": lambda a: (np.linalg.eigvalsh(a) >= -1e-9 * abs(a).max()).all(),
             "orthogonal": lambda a: np.allclose(a @ a.T, np.eye(len(a)))}
    for name, member in tests.items():
        for theme in THEMES:
            for make in CORNERS[name]["plain"].get(theme, ()):
                shape = (size, size) if name in ("S", "S+", "S++", "orthogonal") else (size, 1)
                array = np.asarray(make(rng, shape))
                assert array.shape == shape and np.isfinite(array).all() and member(array), name
