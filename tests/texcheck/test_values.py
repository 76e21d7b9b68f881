r"""Values that are found, not computed: minima, limits, series, means; and a second look.

Each kind is a table of statements that are true and of false ones beside them.
"""

import pytest
import texcheck

SEEDS = range(5)


def errors(text, seed):
    return [str(e) for e in texcheck.check(texcheck.read_block(text), seed=seed, first=True).errors]


def refused(text):
    for seed in SEEDS:
        assert errors(text, seed), (seed, text)


def accepted(text):
    for seed in SEEDS:
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
