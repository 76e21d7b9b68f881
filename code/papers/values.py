"""The small languages of the exam layer: points, values of a pitfall, the length of a short answer.

Everything here is pure text in, Python out; no Sphinx.
"""

import ast
import re
from fractions import Fraction
from typing import NamedTuple

from docutils import nodes

SHORT_WORDS = 110
"""Most words of a short answer: five lines of about twenty-two words."""

SHORT_ITEMS = 5
"""Most sentences, list items and displayed formulas of a short answer."""

_NUMBER = r"\d+(?:\.\d+)?|\d+/[1-9]\d*"
_POINTS = re.compile(rf"({_NUMBER})( for the question)?")
_MARK = re.compile(rf"\s*({_NUMBER})\s*:(?:\s+|$)")
_SENTENCE_END = re.compile(r"[.!?][)\"'”’]*(?=\s+[\"'“‘(]*[A-Z0-9]|\s*$)")


class Points(NamedTuple):
    """Points as a paper prints them: ``value`` is None where it prints none."""

    value: Fraction | None
    shared: bool
    """The points are those of the whole question, printed once for all of its parts."""


def read_points(text: str) -> Points:
    """Read the points of a part.

    Raises
    ------
    ValueError
        If the text is none of ``""``, ``"N"`` and ``"N for the question"``.

    Examples
    --------
    >>> read_points("2")
    Points(value=Fraction(2, 1), shared=False)
    >>> read_points("10 for the question").shared
    True
    >>> read_points("").value is None
    True
    """
    text = " ".join(text.split())
    if not text:
        return Points(None, False)
    match = _POINTS.fullmatch(text)
    if match is None or not Fraction(match[1]):
        raise ValueError(f"points {text!r} are neither 'N' nor 'N for the question'")
    return Points(Fraction(match[1]), bool(match[2]))


def show_points(text: str) -> str:
    """The points of a part as a reader sees them.

    Examples
    --------
    >>> show_points("1"), show_points("10 for the question"), show_points("")
    ('1 point', '10 points for the question', 'no points printed')
    """
    value, shared = read_points(text)
    if value is None:
        return "no points printed"
    unit = "point" if value == 1 else "points"
    return f"{show(value)} {unit}" + " for the question" * shared


def show(number: Fraction) -> str:
    """A number of points, as a decimal where that is exact.

    Examples
    --------
    >>> show(Fraction(3)), show(Fraction(1, 2)), show(Fraction(1, 3))
    ('3', '0.5', '1/3')
    """
    denominator = number.denominator
    for prime in (2, 5):
        while denominator % prime == 0:
            denominator //= prime
    return str(number) if denominator > 1 else f"{float(number):g}"


def split_mark(text: str) -> tuple[Fraction, str] | None:
    """Split the first text of a mark into its points and the rest; None where it is not a mark.

    The rest is empty where a formula follows.

    Examples
    --------
    >>> split_mark("0.5: names the sigmoid")
    (Fraction(1, 2), 'names the sigmoid')
    >>> split_mark("names the sigmoid") is None
    True
    """
    match = _MARK.match(text)
    if match is None or not Fraction(match[1]):
        return None
    return Fraction(match[1]), text[match.end() :]


def read_minutes(text: str) -> int | None:
    """The minutes of a time as printed, or None where it gives no beginning and end.

    Examples
    --------
    >>> read_minutes("8:45-11:45"), read_minutes("in the morning")
    (180, None)
    """
    found = re.fullmatch(r"(\d+)[:.](\d\d)\s*[-–]\s*(\d+)[:.](\d\d)", text.strip())
    if not found:
        return None
    first_hour, first_minute, last_hour, last_minute = map(int, found.groups())
    return ((last_hour - first_hour) * 60 + last_minute - first_minute) % (24 * 60) or None


def read_value(text: str) -> object:
    """Read a value of a pitfall: a Python literal, a fraction, or lists of these, as exact numbers.

    Decimals are read as they are written, so ``0.1`` equals ``1/10``; a tuple equals a list.

    Raises
    ------
    ValueError
        If the text is anything else.

    Examples
    --------
    >>> read_value("-0.25") == read_value("-1/4")
    True
    >>> read_value("[1/2, (0, 1)]")
    [Fraction(1, 2), [Fraction(0, 1), Fraction(1, 1)]]
    """
    try:
        return _value(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, TypeError, ZeroDivisionError, RecursionError):
        raise ValueError(
            f"{text!r} is neither a Python literal nor a fraction nor a list of these"
        ) from None


def _value(tree: ast.expr) -> object:
    match tree:
        case ast.List(elts) | ast.Tuple(elts):
            return [_value(item) for item in elts]
        case ast.Constant(bool() | str() | None as value):
            return value
        case ast.Constant(int() | float() as value):
            return Fraction(str(value))
        case ast.Constant(complex() as value):
            return value
        case ast.UnaryOp(ast.USub(), operand):
            return -_number(operand)
        case ast.UnaryOp(ast.UAdd(), operand):
            return +_number(operand)
        case ast.BinOp(left, ast.Div(), right):
            return _number(left) / _number(right)
    raise ValueError


def _number(tree: ast.expr) -> Fraction | complex:
    value = _value(tree)
    if not isinstance(value, Fraction | complex):
        raise ValueError
    return value


def measure_short(node: nodes.Element) -> tuple[int, int]:
    """Count the words and the items of a short answer.

    A formula in the text is one word. An item is a sentence, a list item with all that it says, or
    a displayed formula.
    """
    words = items = 0
    for block in node.findall(lambda n: isinstance(n, nodes.TextElement)):
        if isinstance(block, nodes.Inline) or _inside(block, nodes.TextElement, node):
            continue
        if isinstance(block, nodes.math_block):
            words, items = words + 1, items + 1
            continue
        text = _plain(block)
        words += sum(map(_says_something, text.split()))
        if not _inside(block, nodes.list_item, node):
            items += sum(_says_something(piece) for piece in _SENTENCE_END.split(text))
    items += sum(not _inside(n, nodes.list_item, node) for n in node.findall(nodes.list_item))
    return words, items


def _says_something(text: str) -> bool:
    return any(c.isalnum() for c in text)


def _inside(inner: nodes.Node, kind: type, outer: nodes.Node) -> bool:
    parent = inner.parent
    while parent is not None and parent is not outer:
        if isinstance(parent, kind):
            return True
        parent = parent.parent
    return False


def _plain(block: nodes.Element) -> str:
    """The text of a block with each formula as the word ``x``."""
    return "".join(
        "x" if isinstance(leaf.parent, nodes.math) else leaf.astext()
        for leaf in block.findall(nodes.Text)
    ).replace("\n", " ")
