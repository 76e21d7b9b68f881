"""What is drawn: the dimensions and values that a kind of draw is there for."""

import numpy as np
import pytest
import texcheck
from texcheck.draw import draw_symbols

MATRICES = ("let: A \\in \\mathbb{R}^{m\\times n}; B \\in \\mathbb{R}^{n\\times k}\n"
            "claim: A B\n= AB + 0 \\cdot AB")
SUBSETS = "let: x \\in \\{0,1\\}^n; w \\in \\mathbb{R}^n\nclaim: w^\\top x\n= x^\\top w"


def dims(text, probe):
    program = texcheck.read_block(text).program
    return [draw_symbols(program, np.random.default_rng(seed), probe).draw.dims
            for seed in range(40)]


@pytest.mark.parametrize("probe, least, most", [("", 3, 6), ("wide", 2, 6), ("zero", 2, 6),
                                                ("mixed", 9, 14)])
def test_dimensions_of_a_kind_of_draw(probe, least, most):
    found = dims(MATRICES, probe)
    assert {min(d.values()) for d in found} >= {least}
    assert all(least <= size <= most for d in found for size in d.values())


@pytest.mark.parametrize("probe", ["", "wide", "mixed", "zero"])
def test_what_is_enumerated_stays_small(probe):
    assert all(d["n"] <= 4 for d in dims(SUBSETS, probe))
