"""Values of notations beside an oracle, their false neighbours, and where their messages lead."""

import numpy as np
import pytest
import texcheck
from texcheck.draw import draw_symbols
from texcheck.grammar import parse_expression


def check(text, seed=0):
    return texcheck.check(texcheck.read_block(text), seed=seed)


def complaints(text, seed=0):
    """All errors but warnings on what has no effect."""
    return [str(e) for e in check(text, seed).errors if "has no effect" not in str(e)]


def drawn(declarations, formula, seed=0):
    """The value of a formula on one draw, and the values of the symbols, as arrays."""
    block = texcheck.read_block(f"{declarations}\nclaim: 1\n= 2 - 1")
    assert [e for e in map(str, block.errors) if "has no effect" not in e] == []
    evaluator = draw_symbols(block.program, np.random.default_rng(seed))
    value = evaluator.value(parse_expression(formula, block.program.scope))
    symbols = {k: np.asarray(x) for k, x in evaluator.draw.values.items()}
    return np.asarray(value.detach() if hasattr(value, "detach") else value), {
        **symbols, **evaluator.draw.dims}


MATRICES = (r"let: A \in \mathbb{R}^{m\times n}; B \in \mathbb{R}^{p\times q}; "
            r"C \in \mathbb{R}^{n\times r}; D \in \mathbb{R}^{q\times s}; u \in \mathbb{R}^n; "
            r"v \in \mathbb{R}^m; M \in \mathbb{R}^{n\times p}")


def test_kronecker_product():
    value, at = drawn(MATRICES, r"A \otimes B \otimes u^\top")
    assert np.allclose(value, np.kron(np.kron(at["A"], at["B"]), at["u"].T), rtol=1e-14)


@pytest.mark.parametrize("step, right", [
    (r"(A \otimes B) (C \otimes D)" "\n" r"= (A C) \otimes (B D)", True),
    (r"(A \otimes B)^\top" "\n" r"= A^\top \otimes B^\top", True),
    (r"(B^\top \otimes A) \mathrm{vec}(M)" "\n" r"= \mathrm{vec}(A M B)", True),
    (r"A \otimes B" "\n" r"= B \otimes A", False),
    (r"(A \otimes B)^\top" "\n" r"= B^\top \otimes A^\top", False),
    (r"\mathrm{tr}((A A^\top) \otimes (B B^\top))" "\n" r"= \mathrm{tr}(A A^\top) + "
     r"\mathrm{tr}(B B^\top)", False),
])
def test_kronecker_identities(step, right):
    assert (complaints(f"{MATRICES}\nclaim: {step}") == []) is right


@pytest.mark.parametrize("formula, words", [
    (r"v \otimes u", r"write u v^\top for the outer product"),
    (r"A \otimes C D", "how far"), (r"A C \otimes D", "how far"), (r"2 A \otimes C", "how far"),
    (r"A \odot A \otimes C", "how far"), (r"A \otimes C \odot A", "how far"),
    (r"A \otimes I", "write I_n"), (r"2 \otimes A", "between matrices"),
])
def test_kronecker_refusals(formula, words):
    found = complaints(f"{MATRICES}\nclaim: {formula}\n= {formula} + 0")
    assert found and words in found[0], found


def test_what_the_message_for_two_columns_says_is_accepted():
    step = r"\mathrm{vec}(u v^\top)" "\n" r"= (v \otimes I_n) u"
    assert complaints(f"{MATRICES}\nclaim: {step}") == []


# ---- what everybody types ----------------------------------------------------------------

TYPED = (r"let: a \in \mathbb R; \hat y, x \in \mathbb R^n; W \in \mathbb{R}^{m\times n}; "
         r"T \in \mathbb{R}^{m\times n\times k}; A \in \mathbb{S}^n_{++}; "
         r"i \in \{1,\ldots,m\}; j \in \{1,\ldots,n\}")


@pytest.mark.parametrize("typed, braced", [
    (r"\frac12 a", r"\frac{1}{2} a"), (r"\tfrac12 a", r"0.5 a"), (r"\frac1n x", r"\frac{1}{n} x"),
    (r"\frac a2", r"\frac{a}{2}"), (r"\frac1{12} a", r"\frac{1}{12} a"), (r"\sqrt2", r"\sqrt{2}"),
    (r"\binom42 a", "6 a"),
    (r"\hat y_j", r"\hat{y}_j"), (r"\mathbf 1^\top x", r"\mathbf{1}^\top x"),
    (r"\sum_{ij} W_{ij}", r"\sum_{i'=1}^m \sum_{j'=1}^n W_{i'j'}"),
    (r"\sum_{ijk} T_{ijk}", r"\sum_{i',j',k'} T_{i'j'k'}"),
    (r"W_{i1}", r"W_{i,1}"), (r"W_{1j}", r"W_{1,j}"), (r"W_{12}", r"W_{1,2}"),
    (r"T_{i12}", r"T_{i,1,2}"), (r"x_{12-11}", r"x_1"),
    (r"\tanh(x)^{\odot 2}", r"(\tanh x)^{\odot 2}"), (r"\tanh^2(x)", r"(\tanh x) \odot (\tanh x)"),
    (r"[x^\top x]", r"x^\top x"),
])
def test_what_tex_reads_without_braces(typed, braced):
    for left, right in ((typed, braced), (braced, typed)):
        assert complaints(f"{TYPED}\nclaim: {left} + {left}\n= 2 \\cdot {right}") == []
        assert complaints(f"{TYPED}\nclaim: {left} + {left}\n= 3 \\cdot {right}") != []


@pytest.mark.parametrize("typed, advice", [
    (r"\frac123 a", r"{23}"), (r"\hat\mathbf{x}", "in braces"), (r"\sqrt12", "{12}"),
    (r"A^2_{ij}", r"(A^{2})_{ij} or A_{ij}^{2}"), (r"A^{-1}_{ij}", r"(A^{-1})_{ij}"),
    (r"P_{i1}", r"_{i,1}"), (r"P_{1j}", "apart by commas"),
    (r"\tanh^2(A)", r"\tanh(…)^{\odot 2}"), (r"s(A)", "elementwise"), (r"g(A)", "elementwise"),
])
def test_what_is_read_in_two_ways_is_refused(typed, advice):
    more = "\n".join([r"def: P = 2 A", r"def: s(u) = u^3", r"code: s(u) == u**3",
                      r"def: g(u) = u \exp(2 - u) u", r"code: g(u) == u**2 * torch.exp(2 - u)"])
    found = complaints(f"{TYPED.replace('m}', 'n}')}\n{more}\nclaim: {typed}\n= 0 + {typed}")
    assert found and advice in found[0], found


@pytest.mark.parametrize("step", [
    r"(A^{2})_{ij}" "\n" r"= \sum_k A_{ik} A_{kj}", r"A_{ij}^{2}" "\n" "= A_{ij} A_{ij}",
    r"(A A^{-1})_{ij}" "\n" r"= \sum_k A_{ik} (A^{-1})_{kj}", "P_{i,1}\n= 2 A_{i1}",
    r"\tanh(A)^{\odot 2}" "\n" r"= \tanh(A) \odot \tanh(A)",
    r"(\tanh(A))^2" "\n" r"= \tanh(A) \tanh(A)", "s(A)\n= A \\odot A \\odot A",
    r"q(A)" "\n" r"= A^\top A",
])
def test_what_the_advice_says_is_accepted(step):
    more = "\n".join([r"def: P = 2 A", r"def: s(u) = u^{\odot 3}", r"code: s(x) == x**3",
                      r"def: q(u) = u^\top u", r"code: q(x) == x @ x"])
    declared = TYPED.replace(r"i \in \{1,\ldots,m\}", r"i \in \{1,\ldots,n\}")
    assert complaints(f"{declared}\n{more}\nclaim: {step}") == []
