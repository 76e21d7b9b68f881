"""The small languages of the exam layer: points, values, the length of a short answer."""

import doctest
from fractions import Fraction

import pytest
from docutils import nodes
from papers import domain, render, values
from papers.values import measure_short, read_value


@pytest.mark.parametrize("module, least", [(values, 6), (domain, 1), (render, 1)])
def test_examples_of_the_docstrings(module, least):
    found = doctest.testmod(module)
    assert found.failed == 0 and found.attempted >= least


@pytest.mark.parametrize(
    "one, other",
    [
        ("0.1", "1/10"),
        ("-1/2", "-0.5"),
        ("2", "4/2"),
        ("1e-3", "0.001"),
        ("(1, 2)", "[1.0, 2]"),
        ("[[1, 0], [0, 1]]", "((1, 0), (0, 1))"),
        ("'yes'", '"yes"'),
        (" 3 ", "+3"),
        ("1/(1/2)", "2"),
    ],
)
def test_values_that_are_equal(one, other):
    assert read_value(one) == read_value(other)


@pytest.mark.parametrize(
    "one, other", [("1", "2"), ("[1, 2]", "[2, 1]"), ("[1]", "1"), ("0.3", "1/3"), ("'1'", "1")]
)
def test_values_that_differ(one, other):
    assert read_value(one) != read_value(other)


@pytest.mark.parametrize(
    "text",
    ["", "x", "1/0", "a half", "2**3", "f(1)", "1 +", "[1, x]", "1/'a'", "1e999", "-[1]", "(" * 99],
)
def test_values_that_cannot_be_read(text):
    with pytest.raises(ValueError, match="is neither a Python literal nor a fraction"):
        read_value(text)


def paragraph(*content: str | nodes.Node) -> nodes.paragraph:
    texts = [nodes.Text(c) if isinstance(c, str) else c for c in content]
    return nodes.paragraph("", "", *texts)


def items(*content: str) -> nodes.bullet_list:
    return nodes.bullet_list("", *(nodes.list_item("", paragraph(text)) for text in content))


FORMULA = nodes.math("", r"\frac{a}{b} + c")


@pytest.mark.parametrize(
    "content, measured",
    [
        ([paragraph("One sentence only")], (3, 1)),
        ([paragraph("One. Two? Three!")], (3, 3)),
        ([paragraph("Of ", FORMULA.deepcopy(), " and 0.5 and e.g. this.")], (7, 1)),
        ([paragraph("Two lists:"), items("One. And more.", "two")], (6, 3)),
        ([paragraph("So"), nodes.math_block("", "x = 1. Y")], (2, 2)),
        ([paragraph("Then – not a word."), paragraph("Next.")], (5, 2)),
        ([paragraph("It ", nodes.emphasis("", "must be. So")), paragraph("it is")], (6, 3)),
    ],
)
def test_length_of_a_short_answer(content, measured):
    assert measure_short(nodes.Element("", *content)) == measured


def test_thirds_are_shown_as_fractions():
    assert values.show(Fraction(2, 3)) == "2/3" and values.show(Fraction(1, 8)) == "0.125"
