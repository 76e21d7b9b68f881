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
