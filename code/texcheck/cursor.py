"""A place in the tokens of a line, and the steps that a reader takes there."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from .errors import Refused
from .lexer import Token, tokenize
from .trees import Node

T = TypeVar("T")

HINTS = {
    "|": r"unexpected |: write \mid in a conditional probability",
    "&": "unexpected &: one relation on a line, without alignment marks",
    r"\\": r"unexpected \\: one relation on a line",
    r"\circ": r"write \odot for the elementwise product, f(g(x)) for a composition",
    "'": "a prime stands after the name of a function: f'(x)",
    "_": "this cannot carry a subscript here",
    "^": r"a second superscript: put the first power in parentheses, (x^a)^b",
    ")": "this ) closes nothing", "]": "this ] closes nothing",
    r"\}": r"this \} closes nothing", "}": "this } closes nothing",
    ",": "unexpected comma", ";": "unexpected semicolon",
    r"\|": r"this \| opens or closes nothing",
    ".": "a full stop is not part of a formula",
}


class Cursor:
    """Steps through `tokens`, which are those of `text` unless given; `end` bounds what is read."""

    def __init__(self, text: str, tokens: list[Token] | None = None):
        self.text = text
        self.tokens = tokenize(text) if tokens is None else tokens
        self.at = 0
        self.end = len(self.tokens)
        self.bars = 0

    def peek(self, ahead: int = 0) -> str:
        """The text of a token, or an empty string behind the end."""
        place = self.at + ahead
        return self.tokens[place].text if place < self.end else ""

    def token(self) -> Token | None:
        return self.tokens[self.at] if self.at < self.end else None

    def place(self) -> int:
        """Where the next token stands in the text."""
        if self.at < len(self.tokens):
            return self.tokens[self.at].start
        return self.tokens[-1].end if self.tokens else len(self.text)

    def refuse(self, message: str, place: int | None = None, kind: str = "parse") -> Refused:
        return Refused(kind, message, self.place() if place is None else place, self.text)

    def take(self, expected: str | None = None) -> Token:
        """Step over one token, which must be the expected one."""
        token = self.token()
        if token is None:
            raise self.refuse(f"the line ends where {expected or 'something'} is expected")
        if expected is not None and token.text != expected:
            raise self.refuse(f"{expected} is expected here, not {token.text}")
        self.at += 1
        return token

    def accept(self, *texts: str) -> str:
        """Step over the next token if it is one of these; its text, or an empty string."""
        if self.peek() in texts and self.at < self.end:
            self.at += 1
            return self.tokens[self.at - 1].text
        return ""

    def node(self, kind: str, args: tuple[object, ...], start: int) -> Node:
        """A node from a place in the text to the last token that was taken."""
        end = self.tokens[self.at - 1].end if self.at else start
        return Node(kind, args, start, end)

    def closing(self, place: int) -> int:
        """Place of the brace that closes the one at token `place`."""
        depth = 0
        for index in range(place, len(self.tokens)):
            depth += {"{": 1, "}": -1}.get(self.tokens[index].text, 0)
            if depth == 0:
                return index
        raise self.refuse("this { is never closed", self.tokens[place].start)

    def inside(self, first: int, last: int, reader: Callable[[], T]) -> T:
        """Run `reader` on the tokens `first` to `last`, all of which it must read."""
        saved = self.at, self.end, self.bars
        self.at, self.end, self.bars = first, last, 0
        result = reader()
        if self.at < self.end:
            raise self.unexpected()
        self.at, self.end, self.bars = saved
        return result

    def unexpected(self) -> Refused:
        """The error for a token that no rule takes."""
        text = self.peek()
        return self.refuse(HINTS.get(text, f"unexpected {text}"))

    def group(self, reader: Callable[[], T]) -> T:
        """A brace group, or a single token, read by `reader`."""
        if self.peek() == "{" and self.at < self.end:
            last = self.closing(self.at)
            result = self.inside(self.at + 1, last, reader)
            self.at = last + 1
            return result
        first = self.at
        token = self.take()
        self.check_single(token)
        last = self.at
        result = self.inside(first, last, reader)
        self.at = last
        return result

    def check_single(self, token: Token) -> None:
        """Refuse what would be set otherwise without braces."""
        if token.kind == "num" and len(token.text) > 1:
            raise self.refuse(f"only the first digit of {token.text} would be typeset there: write "
                              f"{{{token.text}}}", token.start)
        if token.kind == "char" and token.text in "+-*/=":
            raise self.refuse(f"a lone {token.text} needs braces", token.start)

    def word(self) -> str:
        r"""A word in braces, such as the one after \begin."""
        if self.peek() != "{":
            raise self.refuse("{ is expected here")
        return self.word_group()

    def word_group(self) -> str:
        last = self.closing(self.at)
        inner = self.tokens[self.at + 1:last]
        self.at = last + 1
        return "".join(t.text for t in inner)

    def text_of(self, place: int) -> str:
        r"""The word inside ``\mathrm{…}`` at token `place`, or an empty string."""
        if place + 1 < len(self.tokens) and self.tokens[place + 1].text == "{":
            last = self.closing(place + 1)
            return "".join(t.text for t in self.tokens[place + 2:last])
        if place + 1 < len(self.tokens):
            return self.tokens[place + 1].text
        return ""

    def done(self) -> None:
        """Refuse what is left."""
        if self.at < self.end:
            raise self.unexpected()
