"""What a failure looks like, that draws are reproducible, and that no fault is a pass."""

import numpy as np
import pytest
import texcheck
from texcheck import compare
from texcheck.draw import draw_symbols

LOGISTIC = r"""
let: y \in \{0,1\}; a \in \mathbb{R}
def: \sigma(u) = \frac{1}{1+e^{-u}}
def: L = -y \log \sigma(a) - (1-y)\log(1-\sigma(a))
code: \sigma(a) == torch.sigmoid(a)
claim: \frac{\partial L}{\partial a}
= -y(1-\sigma(a)) + (1-y)\sigma(a)  -- chain rule
= {}
"""


def run(text, **more):
    return texcheck.check(texcheck.read_block(text, label="der-it", path="book/it.md", line=40),
                          **more)


def kinds(report):
    return [e.kind for e in report.errors]


def test_a_derivation_that_holds():
    report = run(LOGISTIC.replace("{}", r"\sigma(a) - y"))
    assert report.ok and report.draws >= 24
    assert [(r.number, r.ok) for r in report.results] == [((), True), ((1, 1), True),
                                                          ((1, 2), True)]
    assert all(r.worst <= 1e-9 for r in report.results)


def test_the_form_of_an_error():
    report = run(LOGISTIC.replace("{}", r"y - \sigma(a)"))
    error, = report.errors
    shown = str(error).split("\n")
    assert shown[0] == "book/it.md:47: ERROR: der-it step 1.2: the two sides differ"
    assert shown[1].strip() == r"-y(1-\sigma(a)) + (1-y)\sigma(a)  =  y - \sigma(a)"
    left, right = (float(line.split("=")[1]) for line in shown[2:4])
    assert left == pytest.approx(-right)
    assert shown[4].startswith("    at    y = ") and shown[4].endswith("[texcheck.value]")


def test_a_caret_stands_under_the_place():
    report = run("let: a \\in \\mathbb{R}\nclaim: a\n= a + \\log a a")
    lines = str(report.errors[0]).split("\n")
    assert lines[1][lines[2].index("^"):] == "a"
    assert report.errors[0].kind == "texcheck.parse"


def test_items_for_a_renderer():
    block = texcheck.read_block(LOGISTIC.replace("{}", r"\sigma(a) - y"), line=10)
    assert [i.kind for i in block.items] == ["let", "def", "def", "code", "claim", "step", "step"]
    step = block.steps[0]
    assert (step.number, step.line, step.relation, step.grade) == ((1, 1), 16, "=", "value")
    assert step.lhs == r"\frac{\partial L}{\partial a}"
    assert step.rhs == r"-y(1-\sigma(a)) + (1-y)\sigma(a)"
    assert step.reason == "chain rule"
    assert step.machine == (r"(d(L)/d(a) = (-(y * (1 - \sigma(a))) + ((1 - y) * \sigma(a))))")


@pytest.mark.parametrize("text, kind", [
    ("let: a \\in \\mathbb{R}\nclaim: a\n= b", "texcheck.parse"),
    ("let: x \\in \\mathbb{R}^n\nclaim: x x\n= x", "texcheck.type"),
    ("let: a \\in \\mathbb{R}\nclaim: 2a\n= 3a", "texcheck.value"),
    ("let: a \\in \\mathbb{R}\nclaim: a - a\n= 2a - 2a", "texcheck.value"),
    ("let: a \\in \\mathbb{R}\nclaim: 0 a\n= 0 a^2", "texcheck.vacuous"),
    ("let: a \\in \\mathbb{R}\nclaim: \\log a\n= 2 \\log \\sqrt{a}", "texcheck.undefined"),
    ("let: a \\in \\mathbb{R}\ndef: g = 2a\ncode: g == torch.sin(a)\nclaim: g\n= a + a",
     "texcheck.code"),
    ("let: a, b \\in \\mathbb{R}\nclaim: 2a\n= a + a", "texcheck.lint"),
])
def test_kinds(text, kind):
    found = kinds(run(text))
    if "a - a" in text:
        assert found == []  # zero, but as a difference of terms that are not
    else:
        assert found == [kind]


def test_evidence_of_what_vanishes_is_weaker():
    block = texcheck.read_block("let: a \\in \\mathbb{R}\nclaim: a - a\n= 2a - 2a")
    for seed in (0, 1):
        report = texcheck.check(block, seed=seed)
        assert report.ok and report.step(1, 1).grade == report.grade(block.steps[0]) == "zero"
    assert block.steps[0].grade == "value"  # what was found does not change what was read


def test_draws_repeat_and_seeds_differ():
    block = texcheck.read_block("let: a \\in \\mathbb{R}^n\nclaim: 2a\n= a + a")
    first = [draw_symbols(block.program, np.random.default_rng(s)).draw for s in (1, 1, 2)]
    assert first[0].dims == first[1].dims
    assert np.array_equal(first[0].values["a"], first[1].values["a"])
    assert not np.array_equal(first[0].values["a"][:2], first[2].values["a"][:2])
    wrong = "let: a \\in \\mathbb{R}\nclaim: a\n= 2a"
    shown = [str(run(wrong, seed=s).errors[0]) for s in (0, 0, 1)]
    assert shown[0] == shown[1] != shown[2]


def test_dimensions_differ():
    text = ("let: A \\in \\mathbb{R}^{m\\times n}; B \\in \\mathbb{R}^{n\\times k}\n"
            "claim: A B\n= 2AB")
    program = texcheck.read_block(text).program
    for seed in range(50):
        dims = draw_symbols(program, np.random.default_rng(seed)).draw.dims
        assert len(set(dims.values())) == 3 and min(dims.values()) >= 2


def test_a_fault_of_the_checker_is_a_failure(monkeypatch):
    def broken(*_):
        raise KeyError("internal")

    monkeypatch.setattr(compare, "equality", broken)
    report = run("let: a \\in \\mathbb{R}\nclaim: 2a\n= a + a")
    assert not report.ok and "the checker failed" in report.errors[0].message


def test_every_draw_counts():
    """A claim that fails for one value of a label in nine is found."""
    text = ("let: k \\in \\{1,\\ldots,9\\}; a \\in \\mathbb{R}\nclaim: a + \\mathbb{1}[k=9]\n= a")
    assert kinds(run(text)) == ["texcheck.value"]


def test_an_order_that_is_too_good():
    text = ("let: e, x \\in \\mathbb{R}\nclaim: \\sin(x + e)\n"
            "\\approx \\sin x + e \\cos x  [e\\to0 : O(e^{})]")
    assert kinds(run(text.replace("{}", "2"))) == []
    assert kinds(run(text.replace("{}", "3"))) == ["texcheck.value"]


def test_random_variables_are_dependent_unless_it_is_said():
    text = "rv: X \\in \\mathbb{R}; Y \\in \\mathbb{R}\n{}claim: \\mathbb{E}[XY]\n= " \
           "\\mathbb{E}[X] \\mathbb{E}[Y]"
    assert kinds(run(text.replace("{}", ""))) == ["texcheck.value"]
    assert kinds(run(text.replace("{}", "assume: X \\perp Y\n"))) == []


def test_derivatives_are_total_and_cut_at_the_name():
    text = ("let: x \\in \\mathbb{R}\ndef: h = x^2\ndef: L = h^3 x\n"
            "claim: \\frac{\\partial L}{\\partial x}\n= 7 x^6\n"
            "claim: \\frac{\\partial L}{\\partial h}\n= 3 h^2 x")
    assert kinds(run(text)) == []


def test_an_outcome_is_the_same_throughout_a_draw():
    text = ("let: \\theta \\in (0,1)\nrv: X \\sim \\mathrm{Bernoulli}(\\theta); "
            "U \\sim \\mathcal{N}(\\theta, 2)\n"
            "claim: \\frac{\\partial}{\\partial\\theta} \\log(\\theta^X (1-\\theta)^{1-X})\n"
            "= \\frac{X}{\\theta} - \\frac{1-X}{1-\\theta}\n"
            "claim: (X + U)^2\n= X + 2 X U + U^2")
    assert kinds(run(text)) == []


def test_a_condition_on_dimensions():
    text = ("let: X \\in \\mathbb{R}^{n\\times d}; u \\in \\mathbb{R}^d\n{}"
            "claim: (X^\\top X)^{-1} X^\\top X u\n= u")
    assert kinds(run(text.replace("{}", ""))) == ["texcheck.undefined"]
    assert kinds(run(text.replace("{}", "assume: n > d\n"))) == []


@pytest.mark.parametrize("claim", [
    r"\frac{\partial}{\partial x} \log(-x)" "\n" r"= \frac{1}{x}",
    r"\nabla_x \sqrt{-x}" "\n" r"= -\frac{1}{2 \sqrt{-x}}",
    r"g'(-x)" "\n" r"= -\frac{1}{x}",
    r"\nabla_w \sum_i \log(-w_i^2)" "\n" r"= 2 w^{\odot -1}",
    r"\nabla_w^2 \log(-w^\top w)" "\n" r"= \nabla_w^2 \log(w^\top w)",
])
def test_what_does_not_exist_has_no_derivative(claim):
    block = texcheck.read_block("let: x \\in \\mathbb{R}_{>0}; w \\in \\mathbb{R}^n\n"
                                "def: g(u) = \\log(u)\n"
                       f"code: g(x) == torch.log(x)\nclaim: x + w^\\top w\n= w^\\top w + x\n"
                       f"claim: {claim}")
    assert [e.kind for e in texcheck.check(block).errors] == ["texcheck.undefined"]
