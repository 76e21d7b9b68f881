r"""Definitions that a question gives: the text above the derivation states the same formula.

``given: L = \ldots`` is a definition on which nothing rests but that the reader was given it. So
the formula must stand in the text of the page, above the derivation, as it is written here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from .files import outside

FORMULAS = re.compile(r"\$\$(.+?)\$\$|\$(.+?)\$|(?:`{3,}|:{3,})\{math\}(.+?)(?:`{3,}|:{3,})",
                      re.S)
APART = re.compile(r"\\\\|\\q?quad(?![a-zA-Z])|\\text\{[^{}]*\}|"
                   r"\\(?:begin|end)\{[a-z]+\*?\}|"
                   r"^:[\w-]+:.*$", re.M)
PIECE = re.compile(r"\\[a-zA-Z]+|\\.|.", re.S)
OPEN, CLOSE = ("(", "[", "{", r"\{", r"\langle"), (")", "]", "}", r"\}", r"\rangle")
SPACE = re.compile(r"\s|\\[,;:!> ]|&|\\(?:left|right|displaystyle)(?![a-zA-Z])|\{\}")


def squeezed(formula: str) -> str:
    """A formula without what TeX does not print, or prints as space."""
    return re.sub(r"\\([dt])frac(?![a-zA-Z])", r"\\frac", SPACE.sub("", formula)).rstrip(".,;")


def parts(formula: str) -> Iterator[str]:
    """The formulas of a line: what stands between commas that are inside of no bracket."""
    for piece in APART.split(formula):
        found, depth = "", 0
        for token in PIECE.findall(piece):
            depth += (token in OPEN) - (token in CLOSE)
            if token == "," and depth <= 0:
                yield found
                found = ""
            else:
                found += token
        yield found


def stated(text: str) -> Iterator[str]:
    """The formulas of a text in Markdown, each line of a display by itself."""
    for match in FORMULAS.finditer(text):
        whole = next(group for group in match.groups() if group is not None)
        for part in (whole, *parts(whole)):
            if part.strip():
                yield squeezed(part)


def unstated(definitions: Iterable[str], lines: list[str], until: int) -> list[str]:
    """Definitions that a page does not state above one of its lines.

    Parameters
    ----------
    definitions : iterable of str
        The TeX of ``given:`` lines.
    lines : list of str
        The page.
    until : int
        How many of its lines are above the derivation.
    """
    known = set(stated("\n".join(outside(lines[:until]))))
    return [tex for tex in definitions if squeezed(next(parts(tex))) not in known]


def message(tex: str) -> str:
    return (f"given: the text above does not state {next(parts(tex)).strip()}: write the "
            "formula as it stands in the question, or def:, and code: that ties it to a function")
