"""TeX text to tokens. Every character must be known; nothing is skipped but spacing.

What a command means stands in its notation; here stand the characters, fonts, accents and brackets
that belong to none.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from . import registry
from .errors import Refused

LONGEST_LINE = 3000
SCIENTIFIC = re.compile(r"[0-9.]+[eE][-+]?[0-9]")
NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
DELIMITER = re.compile(r"\\(left|right)(?![A-Za-z])")
TWO_ARGUMENTS = {r"\frac", r"\binom"}
COMMAND = re.compile(r"\\([A-Za-z]+|.)", re.S)

SPACING = {r"\,", r"\;", r"\:", r"\!", r"\ ", r"\quad", r"\qquad", r"\left", r"\right"}
SPACING |= {rf"\{size}{side}" for size in ("big", "Big", "bigg", "Bigg") for side in ("", "l", "r",
                                                                                      "m")}
GREEK = set(
    r"""\alpha \beta \gamma \delta \epsilon \varepsilon \zeta \eta \theta \vartheta \iota \kappa
    \lambda \mu \nu \xi \pi \rho \sigma \tau \upsilon \phi \varphi \chi \psi \omega \Gamma \Delta
    \Theta \Lambda \Xi \Pi \Sigma \Upsilon \Phi \Psi \Omega \ell \star""".split()
)
FONTS = {r"\mathbf", r"\boldsymbol", r"\bm", r"\mathcal", r"\mathbb", r"\mathrm", r"\mathsf",
         r"\mathit", r"\mathfrak", r"\mathscr", r"\text", r"\operatorname", r"\textbf",
         r"\textrm", r"\mathtt"}
ACCENTS = {r"\hat", r"\bar", r"\tilde", r"\dot", r"\ddot", r"\vec", r"\widehat", r"\widetilde",
           r"\overline", r"\check", r"\breve"}
PUNCTUATION = {r"\begin", r"\end", r"\\", r"\mid", r"\|", r"\{", r"\}", r"\ldots", r"\cdots",
               r"\dots", r"\lvert", r"\rvert", r"\lVert", r"\rVert", r"\lbrace", r"\rbrace",
               r"\sim", r"\to", r"\top", r"\colon", r"\infty", r"\prime", r"\circ", r"\ast",
               r"\land", r"\perp", r"\rangle", r"\tfrac", r"\dfrac", r"\approx"}
RELATIONS = {r"\le", r"\leq", r"\ge", r"\geq", r"\ne", r"\neq", r"\lt", r"\gt", r"\in",
             r"\succeq", r"\preceq", r"\succ", r"\prec", r"\succcurlyeq", r"\preccurlyeq",
             r"\propto"}
OWN = SPACING | GREEK | FONTS | ACCENTS | PUNCTUATION | RELATIONS
SAME = {r"\leq": r"\le", r"\geq": r"\ge", r"\neq": r"\ne", r"\lvert": "|", r"\rvert": "|",
        r"\lVert": r"\|", r"\rVert": r"\|", r"\lbrace": r"\{", r"\rbrace": r"\}",
        r"\dots": r"\ldots", r"\cdots": r"\ldots", r"\lt": "<", r"\gt": ">", r"\colon": ":",
        r"\succcurlyeq": r"\succeq", r"\preccurlyeq": r"\preceq", r"\tfrac": r"\frac",
        r"\dfrac": r"\frac", r"\ast": "*", r"\land": ","}
HINTS = {
    r"\mathop": r"write \operatorname{name}",
    r"\over": r"write \frac{a}{b}",
    r"\div": r"write \frac{a}{b}",
    r"\intercal": r"write ^\top",
    r"\mathsf{T}": r"write ^\top",
    r"\vert": r"write |x|, or \mid in a conditional probability",
    r"\Vert": r"write \|x\|",
    r"\ge0": r"write \ge 0",
    r"\coloneqq": "write = in a def: line",
    r"\pm": "write the two cases as two claims",
    r"\mp": "write the two cases as two claims",
    r"\equiv": "write =",
    r"\oslash": r"write \frac{a}{b}, elementwise for two columns",
    r"\circ": r"write \odot for the elementwise product",
    r"\star": r"write the sum",
    r"\E": r"write \mathbb{E}[\cdot]",
    r"\R": r"write \mathbb{R}",
    r"\tr": r"write \mathrm{tr}(A)",
    r"\argmax": r"write \arg\max",
    r"\argmin": r"write \arg\min",
    r"\rm": r"write \mathrm{name}",
    r"\bf": r"write \mathbf{x}",
    r"\cal": r"write \mathcal{L}",
    r"\phantom": "what is printed must be what is checked",
    r"\color": "what is printed must be what is checked",
    r"\cancel": "what is printed must be what is checked",
}
UNICODE = {"σ": r"\sigma", "θ": r"\theta", "∂": r"\partial", "Σ": r"\sum", "≤": r"\le",
           "≥": r"\ge", "≈": r"\approx", "⊙": r"\odot", "−": "-", "·": r"\cdot", "×": r"\times",
           "∇": r"\nabla", "⊤": r"\top", "λ": r"\lambda", "μ": r"\mu", "ε": r"\epsilon",
           "…": r"\ldots"}


@dataclass(frozen=True)
class Token:
    """One token: `kind` is cmd, num, letter or char; `start` and `end` are places in the text."""

    kind: str
    text: str
    start: int
    end: int


def known() -> frozenset[str]:
    """All commands that are read: those of no notation, and those of each."""
    return registry.commands() | OWN


def nearest(name: str, choices: Iterable[str]) -> str | None:
    """The spelling among `choices` closest to `name`, or None."""
    found = difflib.get_close_matches(name, sorted(choices), n=1, cutoff=0.6)
    return found[0] if found else None


def check_characters(text: str) -> None:
    """Refuse what can never stand in a line: control characters, over-long lines."""
    if len(text) > LONGEST_LINE:
        raise Refused("parse", f"the line is too long: {len(text)} characters, at most "
                      f"{LONGEST_LINE} are read; split it with def:", 0, text[:80] + " …")
    for place, char in enumerate(text):
        if unseen(char):
            raise Refused("parse", f"control character U+{ord(char):04X}", place,
                          "".join("?" if unseen(c) else c for c in text))


def unseen(char: str) -> bool:
    """Whether a character prints nothing: control and format characters."""
    return char not in "\t\n" and unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp", "Co",
                                                                   "Cn", "Cs")


def unknown_command(name: str, place: int, text: str) -> Refused:
    """The error for a command outside the list, with the spelling to use instead."""
    hint = HINTS.get(name)
    if hint is None:
        near = nearest(name, known())
        hint = f"did you mean {near}?" if near else "see SYNTAX.md for the commands that are read"
    return Refused("parse", f"unknown command {name}: {hint}", place, text)


def tokenize(text: str, start: int = 0, end: int | None = None) -> list[Token]:
    r"""Split TeX into tokens, without spacing; their places count from the start of `text`.

    Raises
    ------
    Refused
        At the first character or command that is not read.

    Examples
    --------
    >>> [token.text for token in tokenize(r"\frac{1}{2}\,x")]
    ['\\frac', '{', '1', '}', '{', '2', '}', 'x']
    """
    check_characters(text)
    tokens: list[Token] = []
    place, last = start, len(text) if end is None else end
    while place < last:
        if text[place] in " \t\n~":
            place += 1
            continue
        token = read_token(text, place, last)
        if token.text not in SPACING:
            tokens.append(token)
        place = token.end
    check_braces(tokens, text)
    check_delimiters(text, start, last)
    cut_numbers(tokens)
    return tokens


def cut_numbers(tokens: list[Token]) -> None:
    r"""Cut a number behind ``\frac`` as TeX does: ``\frac12`` is one half."""
    for place in range(len(tokens) - 2, -1, -1):
        token, first = tokens[place], tokens[place + 1]
        if token.text in TWO_ARGUMENTS and first.kind == "num" and len(first.text) > 1:
            middle = first.start + 1
            tokens[place + 1:place + 2] = [Token("num", first.text[0], first.start, middle),
                                           Token("num", first.text[1:], middle, first.end)]


def read_token(text: str, place: int, last: int) -> Token:
    """The token at a place that is no space."""
    char = text[place]
    if char == "\\":
        return read_command(text, place, last)
    if char.isascii() and char.isdigit():
        if SCIENTIFIC.match(text, place, last):
            raise Refused("parse", "e is Euler's number here: write 10^{-3} for a power of ten",
                          place, text)
        found = NUMBER.match(text, place, last)
        assert found is not None
        return Token("num", found.group(), place, found.end())
    if char.isascii() and char.isalpha():
        return Token("letter", char, place, place + 1)
    if char in "+-*/=<>()[]{}^_|,;:'.!&":
        return Token("char", char, place, place + 1)
    hint = f": write {UNICODE[char]}" if char in UNICODE else ""
    raise Refused("parse", f"unexpected character {char!r}, U+{ord(char):04X}{hint}", place, text)


def read_command(text: str, place: int, last: int) -> Token:
    found = COMMAND.match(text, place, last)
    name = found.group() if found else text[place:place + 1]
    if name not in OWN and name not in registry.commands():
        raise unknown_command(name, place, text)
    return Token("cmd", SAME.get(name, name), place, place + len(name))


def check_delimiters(text: str, start: int, end: int) -> None:
    """Refuse \\left without \\right, and the other way round."""
    stack: list[int] = []
    for match in DELIMITER.finditer(text, start, end):
        if match.group(1) == "left":
            stack.append(match.start())
        elif not stack:
            raise Refused("parse", "this \\right has no \\left", match.start(), text)
        else:
            stack.pop()
    if stack:
        raise Refused("parse", "this \\left has no \\right", stack[-1], text)


def check_braces(tokens: list[Token], text: str) -> None:
    """Refuse unbalanced braces at the brace that has no partner."""
    stack: list[Token] = []
    for token in tokens:
        if token.text == "{":
            stack.append(token)
            if len(stack) > 40:
                raise Refused("parse", "braces are nested deeper than 40: split it with def:",
                              token.start, text)
        elif token.text == "}":
            if not stack:
                raise Refused("parse", "this } closes nothing", token.start, text)
            stack.pop()
    if stack:
        raise Refused("parse", "this { is never closed", stack[-1].start, text)
