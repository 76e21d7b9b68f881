"""What is drawn: the dimensions and values that a draw at the corners is there for."""

import numpy as np
import pytest
import texcheck
from texcheck.corners import Corners
from texcheck.draw import draw_symbols

MATRICES = ("let: A \\in \\mathbb{R}^{m\\times n}; B \\in \\mathbb{R}^{n\\times k}\n"
            "claim: A B\n= AB + 0 \\cdot AB")
SUBSETS = "let: x \\in \\{0,1\\}^n; w \\in \\mathbb{R}^n\nclaim: w^\\top x\n= x^\\top w"
VECTOR = "let: x \\in \\mathbb{R}^n\nclaim: x^\\top x\n= \\|x\\|^2"


def dims(text, size):
    program = texcheck.read_block(text).program
    return [draw_symbols(program, np.random.default_rng(seed),
                         Corners("exact", size=size) if size else None).draw.dims
            for seed in range(40)]


@pytest.mark.parametrize("text, size, least, most", [
    (MATRICES, "", 3, 6), (MATRICES, "usual", 2, 6), (MATRICES, "least", 2, 6),
    (MATRICES, "wide", 9, 14), (MATRICES, "large", 9, 14),  # a matrix is never a column
    (VECTOR, "least", 1, 2), (VECTOR, "large", 32, 40)])
def test_dimensions_of_a_kind_of_draw(text, size, least, most):
    found = dims(text, size)
    assert {min(d.values()) for d in found} >= {least}
    assert all(least <= size <= most for d in found for size in d.values())


@pytest.mark.parametrize("size", ["", "usual", "least", "wide", "large"])
def test_what_is_enumerated_stays_small(size):
    assert all(d["n"] <= 5 for d in dims(SUBSETS, size))
