"""The lines of a block: keyword, text, reason. Each line is scanned once, by the one lexer.

`cut` takes a line apart and loads no notation, hence no torch; `read_line` scans its formula too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from .errors import Refused
from .lexer import Token, check_characters, nearest, tokenize

KEYWORDS = ("let", "rv", "fun", "pmf", "def", "given", "assume", "claim", "code", "unchecked")
STEPS = ("=", r"\le", r"\ge", r"\approx", r"\succeq", r"\preceq", r"\succ", r"\prec", r"\propto")
BEGINS = re.compile(r"=|\\(leq?|geq?|approx|(succ|prec)(eq|curlyeq)?|propto)(?![a-zA-Z])")
OPENING = {"(": 1, "[": 1, "{": 1, r"\{": 1, r"\begin": 1}
CLOSING = {")": -1, "]": -1, "}": -1, r"\}": -1, r"\end": -1}


@dataclass(frozen=True)
class Line:
    """One line of a block.

    Attributes
    ----------
    raw : str
        The line as it stands; continuations are joined to it by a space.
    number : int
        Line number in the file.
    keyword : str
        One of `KEYWORDS`, or ``step`` for a line that begins with a relation; ``def`` for
        ``given``, which is a definition too.
    start, end : int
        Where the text behind the keyword begins and ends, without the reason.
    reason : str
        The text after `` -- ``.
    given : bool
        Whether a definition is given by the text above.
    equals : int
        Where ``==`` of a ``code:`` line stands, or -1.
    tokens : tuple of Token
        Of the formula; their places count in `raw`. None of ``unchecked:``; of ``code:`` those on
        the left of ``==``. Empty until the line is scanned.
    """

    raw: str
    number: int
    keyword: str
    start: int
    end: int
    reason: str
    equals: int = -1
    tokens: tuple[Token, ...] = ()
    given: bool = False

    @property
    def text(self) -> str:
        return self.raw[self.start:self.end].strip()

    @property
    def anchored(self) -> tuple[str, str]:
        """Both sides of a ``code:`` line: the TeX, and the Python."""
        return self.between(self.start, self.equals), self.between(self.equals + 2, self.end)

    def between(self, start: int, end: int) -> str:
        return self.raw[start:end].strip()


def logical_lines(text: str, first: int) -> list[tuple[int, str]]:
    """Lines with their numbers; empty lines left out, continuations joined."""
    found: list[tuple[int, str]] = []
    for number, raw in enumerate(text.split("\n"), first):
        if not raw.strip():
            continue
        if raw[0] in " \t" and found:
            found[-1] = (found[-1][0], found[-1][1] + " " + raw.strip())
        else:
            found.append((number, raw.rstrip()))
    return found


def cut(raw: str, number: int) -> Line:
    """Take one line apart; its formula is not looked at.

    Raises
    ------
    Refused
        For a line of no kind, or a character that never stands in one.
    """
    check_characters(raw)
    body, _, reason = raw.partition(" -- ")
    keyword, start = keyword_of(raw, body)
    if keyword == "unchecked":
        return Line(raw, number, keyword, start, len(raw), "")
    equals = body.find("==", start) if keyword == "code" else -1
    given = keyword == "given"
    return Line(raw, number, "def" if given else keyword, start, len(body), reason.strip(), equals,
                given=given)


def read_line(raw: str, number: int) -> Line:
    """Take one line apart and scan its formula.

    Raises
    ------
    Refused
        For a line that `cut` refuses, or a character or command that is not read.
    """
    line = cut(raw, number)
    if line.keyword == "unchecked":
        return line
    end = line.end if line.equals < 0 else line.equals
    return replace(line, tokens=tuple(tokenize(raw, line.start, end)))


def keyword_of(raw: str, body: str) -> tuple[str, int]:
    """The kind of a line, and where the text behind its keyword begins."""
    if BEGINS.match(body):
        return "step", 0
    if re.match(r"\s*:[\w-]+:", raw):
        raise Refused("parse", "an option stands directly below the title of the derivation", 0,
                      raw)
    found = re.match(r"\s*([A-Za-z]+)\s*:", body)
    if found is None:
        raise Refused("parse", "a line begins with let:, rv:, fun:, pmf:, def:, given:, assume:, "
                      "claim:, code:, unchecked:, or with " + ", ".join(STEPS), 0, raw)
    word = found.group(1)
    if word not in KEYWORDS:
        near = nearest(word, KEYWORDS)
        hint = f": did you mean {near}:?" if near else ": see SYNTAX.md for the kinds of line"
        raise Refused("parse", f"{word}: is not a kind of line{hint}", 0, raw)
    return word, found.end()


def statements(text: str) -> list[str]:
    """What a ``let:``, ``rv:``, ``fun:`` or ``pmf:`` line declares, apart by semicolons."""
    return [part.strip() for part in re.split(r"(?<!\\);", text) if part.strip()]


# ---- parts of a line ---------------------------------------------------------------------


def top_level(tokens: Sequence[Token]) -> Iterable[tuple[int, Token]]:
    """The tokens outside of brackets, with their numbers."""
    depth = 0
    for place, token in enumerate(tokens):
        depth += OPENING.get(token.text, 0) + CLOSING.get(token.text, 0)
        if depth <= 0:
            yield place, token


def split(tokens: Sequence[Token], marks: Iterable[str]) -> list[tuple[Token | None, list[Token]]]:
    """Parts between marks outside of brackets, each with the mark before it (None for the first).
    """
    wanted = set(marks)
    found: list[tuple[Token | None, list[Token]]] = []
    start, before = 0, None
    for place, token in top_level(tokens):
        if token.text in wanted:
            found.append((before, list(tokens[start:place])))
            start, before = place + 1, token
    found.append((before, list(tokens[start:])))
    return found


def last_group(tokens: Sequence[Token], opening: str, closing: str,
               holds: Callable[[list[str]], bool]) -> int | None:
    """Where the bracket opens that closes at the end, if nothing nests in it and `holds` is true
    of the texts inside."""
    if not tokens or tokens[-1].text != closing:
        return None
    for place in range(len(tokens) - 2, -1, -1):
        if tokens[place].text == closing:
            return None
        if tokens[place].text == opening:
            inner = [t.text for t in tokens[place + 1:-1]]
            return place if holds(inner) else None
    return None


def order_at(tokens: Sequence[Token]) -> int | None:
    r"""Where the order of an approximation begins, ``[\epsilon\to0 : O(\epsilon^2)]``."""
    return last_group(tokens, "[", "]", lambda texts: r"\to" in texts)


def range_at(tokens: Sequence[Token]) -> int | None:
    r"""Where the range of a sequence begins, ``(t=1,\ldots,T)``."""
    return last_group(tokens, "(", ")", is_range)


def is_range(texts: list[str]) -> bool:
    if "=" not in texts or r"\sum" in texts:
        return False
    after = texts[texts.index("=") + 1:]
    numbers = any(a == "," and (b.isdigit() or b == "-")
                  for a, b in pairwise(after))
    return r"\ldots" in after or numbers


def members_at(raw: str, tokens: Sequence[Token]) -> int | None:
    r"""Where the sets of a table's letters begin: ``\quad (a\in\{0,1\})`` at the end."""
    if not tokens or tokens[-1].text != ")":
        return None
    for place in range(1, len(tokens)):
        gap = raw[tokens[place - 1].end:tokens[place].start]
        if tokens[place].text == "(" and "quad" in gap and any(
                t.text == r"\in" for t in tokens[place:]):
            return place
    return None
