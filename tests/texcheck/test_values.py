r"""Values that are found, not computed: minima, limits, series, means; and a second look.

Each kind is a table of statements that are true and of false ones beside them.
"""

import pytest
import texcheck
import torch
from texcheck.differentiate import gradient, jacobian

SEEDS = range(5)  # on which what is false is refused, and
TRUE_SEEDS = range(2)  # what is true is accepted


def errors(text, seed):
    return [str(e) for e in texcheck.check(texcheck.read_block(text), seed=seed, first=True).errors]


def refused(text):
    for seed in SEEDS:
        assert errors(text, seed), (seed, text)


def accepted(text):
    for seed in TRUE_SEEDS:
        assert errors(text, seed) == [], (seed, text)


def statement(declared, step):
    return f"let: {declared}\nclaim: {step[0]}\n{step[1]}"


# ---- the least and the greatest on the whole line ----------------------------------------

OPTIMA = [
    (r"a \in (1, 2)", r"\min_{u\in\mathbb{R}} (a + u^2 - 3000 e^{-(u - 50)^2})", "= a"),
    (r"a \in (1, 2)", r"\min_{u\in\mathbb{R}} (a + u^2 - 10^{7} e^{-(u - 700)^2 / 100})", "= a"),
    (r"a \in (1, 2)", r"\max_{u\in\mathbb{R}} (a - u^2 + \frac{1}{50} u^4 - 10^{-5} u^6)", "= a"),
    (r"a \in \mathbb{R}_{>0}", r"\min_{u\in\mathbb{R}} (a u^3 - 3 a u)", "= -2a"),
    (r"a \in (1, 2)", r"\min_{u\in\mathbb{R}} (u^2 - 10^{-8} a u^4)", "= 0"),
    (r"a \in (1, 2)", r"\min_{u\in\mathbb{R}} (a + e^u)", "= a"),
    (r"a \in (1, 2)", r"\min_{u\in\mathbb{R}_{>0}} (a + u)", "= a"),
    (r"a \in \mathbb{R}_{>0}", r"\arg\min_{u\in\mathbb{R}} ((u^2 - a)^2)", r"= \sqrt{a}"),
    (r"a \in (1, 2)", r"\arg\min_{u\in\mathbb{R}} (\max(0, |u| - a))", "= a"),
    (r"v \in \mathbb{R}; c \in \mathbb{R}_{>0}",
     r"\arg\min_{u\in\mathbb{R}} (\frac12 (u - v)^2 + c |u|)",
     r"= \mathrm{sign}(v) \max(|v| - 2 c, 0)"),
    (r"z \in \mathbb{R}^n", r"\min_{x\in\mathbb{R}^n} (\|x - z\|^2 - 10^{-9} \|x\|^4)", "= 0"),
]


@pytest.mark.parametrize("declared, left, right", OPTIMA, ids=[o[1] for o in OPTIMA])
def test_a_local_optimum_is_not_the_global_one(declared, left, right):
    refused(statement(declared, (left, right)))


LEAST = [
    (r"v \in \mathbb{R}; c \in \mathbb{R}_{>0}",
     r"\arg\min_{u\in\mathbb{R}} (\frac12 (u - v)^2 + c |u|)",
     r"= \mathrm{sign}(v) \max(|v| - c, 0)"),
    (r"v \in \mathbb{R}", r"v^2 + \min_{u\in\mathbb{R}} \max(u, 1 - u)", r"= v^2 + \frac12"),
    (r"a, b, c \in \mathbb{R}", r"\min_{u\in\mathbb{R}} (|u - a| + |u - b| + |u - c|)",
     r"= \max(a, b, c) - \min(a, b, c)"),
    (r"a \in \mathbb{R}_{>0}", r"\min_{u\in\mathbb{R}} ((u^2 - a)^2)", "= 0"),
    (r"a, c \in \mathbb{R}_{>0}", r"\min_{u\in\mathbb{R}_{>0}} (c u + \frac{a}{u})",
     r"= 2 \sqrt{a c}"),
    (r"y \in (0, 1)", r"\max_{u\in\mathbb{R}} (y u - \log(1 + e^u))",
     r"= y \log y + (1 - y) \log(1 - y)"),
    (r"a \in \mathbb{R}; c \in \mathbb{R}_{>0}",
     r"\frac{\partial}{\partial a} \min_{u\in\mathbb{R}} (c u^2 - 2 a u)", r"= -\frac{2 a}{c}"),
    (r"a \in \mathbb{R}; c \in \mathbb{R}_{>0}", r"\arg\min_{u\in\mathbb{R}} c |u - a|", "= a"),
    (r"v \in \mathbb{R}; a \in (1, 2)", r"\max_{u\in\mathbb{R}} (u v - a |u| - u^2)",
     r"= \frac14 \max(|v| - a, 0)^2"),
]


@pytest.mark.parametrize("declared, left, right", LEAST, ids=[o[1] for o in LEAST])
def test_the_optimum_on_the_line_with_kinks_too(declared, left, right):
    accepted(statement(declared, (left, right)))


def test_a_derivative_of_what_is_least_at_a_kink_is_refused():
    refused(statement(r"a, b \in \mathbb{R}", (
        r"\frac{\partial}{\partial a} \min_{u\in\mathbb{R}} (|u - a| + (u - a)^2 + b^2)", "= 0")))


# ---- limits, series, means over counts ---------------------------------------------------

KIND_TO_FEW_PLACES = [
    (r"a \in \mathbb{R}", r"\lim_{n\to\infty} a (-1)^{\frac{n(n-1)}{2}}", "= a"),
    (r"a \in \mathbb{R}", r"\lim_{t\to 0} a \cos\left(\frac{2 \pi}{t}\right)", "= a"),
    (r"a \in \mathbb{R}", r"\lim_{x\to\infty} a (1 + \sin(\pi x))", "= a"),
    (r"a \in \mathbb{R}", r"\lim_{t\to 0} a e^{-10^{-20} / t^2}", "= a"),
    (r"a \in (1, 2)", r"\lim_{x\to\infty} (a + \tanh(10^{-15} x))", "= a"),
    (r"a \in \mathbb{R}", r"\sum_{k=0}^{\infty} a (e^{-k} + e^{-(k-100)^2})",
     r"= \frac{a e}{e - 1}"),
    (r"a \in \mathbb{R}", r"\sum_{k=0}^{\infty} a (e^{-k} + e^{-(k-1500)^2 / 9})",
     r"= \frac{a e}{e - 1}"),
    (r"c \in (0, 1)", r"\mathbb{E}_{k\sim\mathrm{Poisson}(c)}[1.02^{k^2}]", r"\le 1 + 2 c"),
    (r"c \in (0, 1)", r"\mathbb{E}_{k\sim\mathrm{Poisson}(c)}[1 + e^{k^2 / 300}]", r"\le 4"),
]


@pytest.mark.parametrize("declared, left, right", KIND_TO_FEW_PLACES,
                         ids=[o[1] for o in KIND_TO_FEW_PLACES])
def test_what_goes_well_at_a_few_places_has_no_limit(declared, left, right):
    refused(statement(declared, (left, right)))


LIMITS = [
    (r"c \in \mathbb{R}", r"\lim_{k\to\infty} (1 + \frac{c}{k})^k", "= e^c"),
    (r"a \in (1, 2)", r"\lim_{t\to 0} \frac{1 - \cos(a t)}{t^2}", r"= \frac{a^2}{2}"),
    (r"a \in (1, 2)", r"\lim_{x\to\infty} (a + \frac{\sin(\pi x)}{x^2})", "= a"),
    (r"a \in \mathbb{R}", r"\lim_{n\to\infty} a (1 + \sin(2 \pi n))", "= a"),
    (r"a \in \mathbb{R}", r"\sum_{t=1}^{\infty} \frac{(-1)^{t+1} a}{t}", r"= a \log 2"),
    (r"c \in \mathbb{R}", r"\sum_{k=0}^{\infty} \frac{c^k}{k!}", "= e^c"),
    (r"c \in (0, 3); t \in (-2, 2)", r"\mathbb{E}_{k\sim\mathrm{Poisson}(c)}[e^{t k}]",
     r"= e^{c (e^t - 1)}"),
]


@pytest.mark.parametrize("declared, left, right", LIMITS, ids=[o[1] for o in LIMITS])
def test_limits_and_series_that_exist(declared, left, right):
    accepted(statement(declared, (left, right)))


# ---- a second look with more digits ------------------------------------------------------

LAST_DIGITS = [
    (r"x \in \mathbb{R}^n", r"e^{\frac{\pi}{3} \sqrt{163}} \|x\|", r"= 640320 \|x\|"),
    (r"x \in \mathbb{R}^n", r"\|x\| \sum_{k=0}^{20} \frac{1}{k!}", r"= e \|x\|"),
    (r"x \in (-10^{-4}, 10^{-4})^n", r"\sqrt{1 + \|x\|^2}", r"= 1 + \frac{1}{2} \|x\|^2"),
    (r"x, z \in \mathbb{R}^n", r"x^\top z + 10^{-25} \|x\|_1", r"= \langle x, z \rangle"),
    (r"A \in \mathbb{R}^{m\times n}; x \in \mathbb{R}^n", r"A x",
     r"= (A + 10^{-25} A) x"),
    (r"a \in \mathbb{R}", r"a \binom{40}{20}", r"= (137846528820 + 10^{-12}) a"),
    (r"s \in (2, 5)", r"1 + 2 \sum_{k=1}^{\infty} e^{-k^2 / (2 s)}", r"= \sqrt{2 \pi s}"),
]


@pytest.mark.parametrize("declared, left, right", LAST_DIGITS, ids=[o[1] for o in LAST_DIGITS])
def test_a_difference_in_digits_that_no_float_has(declared, left, right):
    refused(statement(declared, (left, right)))


ALL_DIGITS = [
    (r"x, z \in \mathbb{R}^n", r"\|x + z\|^2 + \|x - z\|^2", r"= 2 \|x\|^2 + 2 \|z\|^2"),
    (r"A \in \mathbb{R}^{m\times n}; x \in \mathbb{R}^n", r"\|A x\|^2", r"= x^\top A^\top A x"),
    (r"x \in \mathbb{R}^n; a \in \mathbb{R}", r"\|a x\|", r"= |a| \|x\|"),
    (r"x, z \in \mathbb{R}^n", r"\langle x, z \rangle", r"\le \|x\| \|z\|"),
    (r"x, z \in \mathbb{R}^n", r"x z^\top + z x^\top",
     r"= (x + z) (x + z)^\top - x x^\top - z z^\top"),
    (r"n \in \mathbb{N}; a \in (1, 2)", r"a \frac{(n+1)!}{n!}", r"= a (n + 1)"),
]


@pytest.mark.parametrize("declared, left, right", ALL_DIGITS, ids=[o[1] for o in ALL_DIGITS])
def test_what_is_equal_is_equal_with_more_digits(declared, left, right):
    accepted(statement(declared, (left, right)))


@pytest.mark.parametrize("digits", ["1.0986122887", "1.098612288668"])
def test_an_anchor_to_ten_digits_is_none(digits):
    text = (f"let: a \\in \\mathbb{{R}}\ndef: s = @ a\ncode: s == {digits} * a\n"
            r"claim: s - a" "\n= s - a + 0")
    found = errors(text.replace("@", digits), 0)
    assert any("code" in e or "agree to" in e for e in
               errors(text.replace("@", "1.09861228866810969"), 0)) is (digits == "1.0986122887")
    assert not any("agree to" in e for e in found)


def test_a_declared_whole_number_has_a_limit_too():
    accepted("let: q \\in \\mathbb{N}; a \\in \\mathbb{R}\n"
             r"claim: \lim_{q\to\infty} a (1 + \sin(2 \pi q) + \frac{1}{q})" "\n= a")


# ---- predicates between numbers that are close -------------------------------------------

TOO_CLOSE = [
    (r"A \in \mathbb{R}^{n\times n}", r"\mathbb{1}[A + 10^{-13} I = A]", "= 1"),
    (r"A \in \mathbb{R}^{n\times n}", r"\mathbb{1}[A + 10^{-13} I_n = A]", "= 1"),
    (r"a \in (1, 2)", r"\mathbb{1}[a + 10^{-13} = a]", "= 1"),
    (r"a \in (1, 2)", r"\mathrm{rank}\begin{pmatrix} a & 0 \\ 0 & 10^{-20} \end{pmatrix}", "= 1"),
]
CLOSE = [
    (r"a \in \mathbb{R}", r"a \mathbb{1}[0.1 \cdot 3 = 0.3]", "= a"),
    (r"u \in \mathbb{S}^{n-1}; a \in \mathbb{R}", r"a \mathbb{1}[\|u\| = 1]", "= a"),
    (r"A \in \mathbb{R}^{n\times n}", r"\mathbb{1}[A + 10^{-13} I_n = A] + \|A\|_F^2",
     r"= \|A\|_F^2"),
]


@pytest.mark.parametrize("declared, left, right", TOO_CLOSE, ids=[o[1] for o in TOO_CLOSE])
def test_close_is_not_equal(declared, left, right):
    refused(statement(declared, (left, right)))


@pytest.mark.parametrize("declared, left, right", CLOSE, ids=[o[1] for o in CLOSE])
def test_equal_up_to_rounding_is_equal(declared, left, right):
    accepted(statement(declared, (left, right)))


def test_a_positive_number_has_no_square_that_is_zero():
    accepted("let: a \\in \\mathbb{R}\nassume: |a| > 0\n"
             r"claim: \mathbb{1}[a^2 = 0]" "\n= 0")


def test_the_order_of_matrices_is_seen_to_twelve_digits():
    refused("let: w \\in \\mathbb{R}^n\nassume: n > 1\n"
            r"claim: 1.000000000001 I_n" "\n" r"\preceq I_n + w w^\top")


# ---- counterexamples far out, and at the bottom of a valley -------------------------------

FAR_OUT = [
    (r"c \in \mathbb{R}_{>0}", r"\log c", r"\le 22"),
    (r"x \in (3, \infty)", r"x^{1/20}", r"\le \log x"),
    (r"p \in (0, 1)", r"-\log p", r"\le 30"),
    (r"N \in \mathbb{N}", "1.01^{N-1}", r"\le N^{10}"),
    (r"A \in \mathbb{S}^n_{++}", r"\lambda_{\max}(A)", r"\le 10^{11} \lambda_{\min}(A)"),
    (r"a, b \in \mathbb{R}", r"10^6 (b - a^2)^2 + (3 - a)^2", r"\ge 1"),
]


@pytest.mark.parametrize("declared, left, right", FAR_OUT, ids=[o[1] for o in FAR_OUT])
def test_a_search_goes_far_and_down(declared, left, right):
    more = "x \\in \\mathbb{R}_{>0}\nassume: x > 3" if "infty" in declared else declared
    refused(statement(more, (left, right)))


BOTTOM = [
    (r"a, b \in \mathbb{R}", r"10^6 (b - a^2)^2 + (3 - a)^2", r"\ge 0"),
    (r"a, b, c \in \mathbb{R}_{>0}", r"(a^2 + b^2 + c^2)^2", r"\ge 3 (a^3 b + b^3 c + c^3 a)"),
    (r"N \in \mathbb{N}", r"1.01^N", r"\ge \frac{N}{100}"),
    (r"A \in \mathbb{S}^n_{++}", r"\lambda_{\max}(A)", r"\ge \lambda_{\min}(A)"),
]


@pytest.mark.parametrize("declared, left, right", BOTTOM, ids=[o[1] for o in BOTTOM])
def test_what_holds_everywhere_holds_far_out(declared, left, right):
    accepted(statement(declared, (left, right)))


# ---- approximations with a bound of their own error --------------------------------------

APPROXIMATE = [
    ("let: a \\in \\mathbb{R}", r"\int_0^1 \frac{4 a}{1 + u^2} \, \mathrm{d}u", "= 3.141592653 a"),
    ("let: a \\in \\mathbb{R}_{>0}\nrv: X \\sim \\mathcal{N}(0, 1)", r"P(X \ge a)",
     r"\le 10^3 e^{-0.6 a^2}"),
    ("let: a \\in (7, 9)\nrv: X \\sim \\mathcal{N}(0, 1)",
     r"\begin{pmatrix} P(X \le 0) \\ P(X \ge a) \end{pmatrix}",
     r"= \begin{pmatrix} \frac12 \\ e^{-a^2} \end{pmatrix}"),
    ("let: m \\in \\mathbb{R}; s \\in \\mathbb{R}_{>0}\nrv: X \\sim \\mathcal{N}(m, s^2)",
     r"P(X \ge m + 7 s)", "= 0"),
    ("let: a \\in (20, 30)\nrv: X \\sim \\mathrm{Laplace}(0, 1)", r"P(X \ge a)", "= e^{-a}"),
]


@pytest.mark.parametrize("declared, left, right", APPROXIMATE, ids=[o[1] for o in APPROXIMATE])
def test_an_approximation_is_as_exact_as_it_says(declared, left, right):
    refused(f"{declared}\nclaim: {left}\n{right}")


CLOSED = [
    ("let: m, a \\in \\mathbb{R}; s \\in \\mathbb{R}_{>0}\nrv: X \\sim \\mathcal{N}(m, s^2)",
     r"P(X \le a)", r"= \Phi(\frac{a - m}{s})"),
    ("let: a, c \\in \\mathbb{R}_{>0}\nrv: X \\sim \\mathrm{Exponential}(c)", r"P(a \le X)",
     "= e^{-c a}"),
    ("let: a \\in \\mathbb{R}_{>0}\nrv: X \\sim \\mathrm{Laplace}(0, 1)", r"P(X \ge a)",
     r"= \frac12 e^{-a}"),
    ("let: a \\in (1, 2)\nrv: X \\sim \\mathrm{Uniform}(0, a)", r"P(X \ge 1)",
     r"= \frac{a - 1}{a}"),
    ("let: a \\in \\mathbb{R}_{>0}\nrv: X \\sim \\mathcal{N}(0, 1)", r"P(X \ge a)",
     r"\le e^{-0.5 a^2}"),
    ("let: a \\in \\mathbb{R}\nrv: X \\sim \\mathcal{N}(0, 1)",
     r"\frac{\partial}{\partial a} P(X \ge a)", r"= -\mathcal{N}(a; 0, 1)"),
    ("let: m \\in \\mathbb{R}_{>0}; v \\in (0.5, 2)\nrv: X \\sim \\mathcal{N}(m, v)",
     r"\mathbb{E}[X^2] + \mathrm{Var}(X)", "= m^2 + 2 v"),
]


@pytest.mark.parametrize("declared, left, right", CLOSED, ids=[o[1] for o in CLOSED])
def test_means_and_tails_are_accepted(declared, left, right):
    accepted(f"{declared}\nclaim: {left}\n{right}")


def test_a_jacobian_by_columns_is_the_one_by_rows():
    """Where there are fewer symbols than entries; and so are its own derivatives."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(3, 1, dtype=torch.float64, generator=generator, requires_grad=True)
    out = torch.cat([x * x[0], torch.sin(x) * x.sum(), torch.relu(x), x * 0 + 1])
    rows = torch.stack([gradient(o, x) for o in out.reshape(-1)]).reshape(12, 1, 3, 1)
    found = jacobian(out, x)
    assert torch.allclose(found, rows, rtol=1e-14, atol=0)
    second = [torch.autograd.grad((j**2).sum(), x, retain_graph=True)[0] for j in (found, rows)]
    assert torch.allclose(*second, rtol=1e-13, atol=1e-15)
