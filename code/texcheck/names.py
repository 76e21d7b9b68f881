"""What a declared name is, and what its scripts mean."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .cursor import Cursor
from .errors import Refused
from .lexer import ACCENTS, FONTS, GREEK, Token, nearest, tokenize
from .trees import Node


@dataclass
class Info:
    """What a declaration says of a name.

    `kind` is let, dim, rv, outcome, fun, pmf, def, function or bound. A family (sequence) has
    `sup` indices above (between the brackets `style`) and `sub` indices below; `axes` are the
    indices that an entry of its value takes, where the declaration tells.
    """

    kind: str
    key: str
    params: tuple[str, ...] = ()
    sup: int = 0
    sub: int = 0
    style: str = ""
    discrete: bool = False
    axes: int | None = None
    line: int = 0
    forward: bool = False

    @property
    def arity(self) -> int:
        return self.sup + self.sub

    @property
    def callable(self) -> bool:
        return self.kind in ("fun", "function")


Scope = dict[str, Info]


def is_table(info: Info | None) -> bool:
    """Whether a name stands for a probability table."""
    return info is not None and (info.kind == "pmf" or (info.kind == "function" and info.discrete))


def is_letter(text: str) -> bool:
    return (len(text) == 1 and text.isalpha()) or text in GREEK


@dataclass(frozen=True)
class Spelling:
    """The parts of a declared name: what carries the scripts, and their texts."""

    base: str
    sub: str = ""
    sup: str = ""


def spelling(key: str) -> Spelling:
    r"""Take a name apart.

    Examples
    --------
    >>> spelling(r"\hat{W}_{f,1}^{(t)}")
    Spelling(base='\\hat{W}', sub='f,1', sup='(t)')
    """
    parts = {"": "", "_": "", "^": ""}
    mark, depth, start = "", 0, 0
    for place, char in enumerate(key + "_"):
        if depth == 0 and char in "_^":
            text = key[start:place]
            parts[mark] = text[1:-1] if mark and text.startswith("{") else text
            mark, start = char, place + 1
        depth += {"{": 1, "}": -1}.get(char, 0)
    return Spelling(parts[""], parts["_"], parts["^"])


def italic_letters(text: str) -> tuple[str, ...]:
    r"""The letters of a script that stand for something: those that are not set upright.

    Examples
    --------
    >>> italic_letters(r"\theta,\mathrm{old}"), italic_letters("T+1")
    (('\\theta',), ('T',))
    """
    upright = re.compile(r"\\(?:mathrm|text|operatorname|textrm|mathsf|mathtt)\{[^{}]*\}")
    tokens = tokenize(upright.sub(" ", text))
    return tuple(t.text for t in tokens if t.kind == "letter" or t.text in GREEK)


def spelled(tokens: list[Token]) -> str:
    r"""The text of a script; what a font stands on is set in braces, so that ``\mathrm b`` and
    ``\mathrm{b}`` are one name."""
    found = ""
    for before, token in zip([None, *tokens], tokens, strict=False):
        alone = before is not None and before.text in FONTS and token.text != "{"
        found += f"{{{token.text}}}" if alone else token.text
    return found


@dataclass
class Script:
    """An unread subscript or superscript: token places of its content, and where it ends."""

    mark: str
    first: int
    last: int
    after: int
    text: str


@dataclass
class Resolved:
    """A declared name that was found, and what its spelling left over: scripts, primes, and
    whether the superscript ended in a transpose."""

    info: Info | None
    sub: Script | None
    sup: Script | None
    primes: int
    transposed: bool = False


class Names(Cursor):
    """Reads names, by the scope of the declarations and by the letters that are bound around.

    A letter that is first seen in a domain of a declaration becomes a dimension; it stands in
    `found` until the declaration has been read.
    """

    def __init__(self, text: str, scope: Scope, tokens: list[Token] | None = None, *,
                 bound: tuple[str, ...] | list[str] = (), declaring: bool = False):
        super().__init__(text, tokens)
        self.scope = scope
        self.bound = list(bound)
        self.declaring = declaring
        self.outcome: tuple[str, ...] = ()  # of what a table that stands by its name alone
        self.found: Scope = {}

    def expr(self) -> Node:
        raise NotImplementedError

    # ---- spelling -----------------------------------------------------------------------

    def base(self) -> str:
        """The letter of a name with its fonts and accents, as one string."""
        token = self.take()
        if token.kind == "letter" or token.text in GREEK:
            return token.text
        if token.text in (r"\text", r"\operatorname", r"\textbf", r"\textrm", r"\mathrm"):
            if self.peek() == "{":
                return rf"\mathrm{{{self.word_group()}}}"
            return rf"\mathrm{{{self.take().text}}}"
        if token.text in FONTS or token.text in ACCENTS:
            if self.peek() == "{":
                last = self.closing(self.at)
                inner = self.inside(self.at + 1, last, self.accented)
                self.at = last + 1
            else:
                inner = self.single()
            font = r"\boldsymbol" if token.text == r"\bm" else token.text
            return f"{font}{{{inner}}}"
        raise self.refuse(f"a name is expected here, not {token.text}", token.start)

    def accented(self) -> str:
        """What stands inside an accent or a font: one base, or a number."""
        token = self.token()
        if token is not None and token.kind == "num":
            return self.take().text
        base = self.base()
        if self.at < self.end and self.peek() in ("_", "^"):
            raise self.refuse(r"a subscript inside an accent: write \hat{x}_i, not \hat{x_i}")
        while self.at < self.end and self.tokens[self.at].kind == "letter" and self.tokens[
                self.at - 1].kind == "letter":
            base += self.take().text
        return base

    def single(self) -> str:
        r"""The one token that an accent or a font without braces stands on: ``\hat y``."""
        token = self.token()
        if token is not None and token.kind == "num":
            self.check_single(token)
            return self.take().text
        if token is not None and token.text in FONTS | ACCENTS:
            raise self.refuse(f"put what the accent stands on in braces: {{{token.text}…}}")
        return self.base()

    def scripts(self) -> tuple[int, Script | None, Script | None]:
        """Primes and scripts that follow, without reading them."""
        at, primes = self.at, 0
        sub = sup = None
        while at < self.end:
            text = self.tokens[at].text
            if text == "'" and sub is None and sup is None:
                primes += 1
                at += 1
            elif text in "_^" and at + 1 < self.end:
                if (text == "_" and sub) or (text == "^" and sup):
                    break
                script = self.script_at(at)
                sub, sup = (script, sup) if text == "_" else (sub, script)
                at = script.after
            else:
                break
        return primes, sub, sup

    def script_at(self, at: int) -> Script:
        """The script whose mark stands at token `at`."""
        if self.tokens[at + 1].text == "{":
            last = self.closing(at + 1)
            first, after = at + 2, last + 1
        else:
            first, last, after = at + 1, at + 2, at + 2
        text = spelled(self.tokens[first:last])
        return Script(self.tokens[at].text, first, last, after, text)

    def subscript(self) -> Script | None:
        return self.scripts()[1]

    def superscript(self) -> Script | None:
        return self.scripts()[2]

    def check_script(self, script: Script) -> None:
        """Refuse a number of several digits without braces."""
        token = self.tokens[script.first]
        braced = self.tokens[script.first - 1].text == "{"
        if not braced and token.kind == "num" and len(token.text) > 1:
            before = self.tokens[script.first - 2].text if script.first > 1 else ""
            raise self.refuse(f"only the first digit of {token.text} would be a subscript: write "
                              f"{before}_{{{token.text}}}", token.start)

    def binder_name(self) -> str:
        """A name that is bound here, with its primes and its subscript."""
        start, token = self.place(), self.token()
        if token is None or not (token.kind == "letter"
                                 or token.text in GREEK | FONTS | ACCENTS):
            raise self.refuse("the name of an index is expected here", start)
        key = self.base()
        while self.peek() == "'" and self.at < self.end:
            self.take()
            key += "'"
        if self.peek() == "_" and self.at < self.end:
            sub = self.subscript()
            if sub is None:
                raise self.refuse("a subscript is expected here")
            key += f"_{{{sub.text}}}"
            self.at = sub.after
        return key

    # ---- meaning ------------------------------------------------------------------------

    def lookup(self, key: str) -> Info | None:
        """What a name means here."""
        if key in self.bound:
            return Info("bound", key)
        return self.scope.get(key) or self.found.get(key)

    def resolve(self, base: str) -> Resolved:
        """The longest declared name that starts with `base` and the scripts that follow it."""
        primes, sub, sup = self.scripts()
        for count in dict.fromkeys((primes, 0)):
            stem = base + "'" * count
            for key, left_sub, left_sup, transposed in self.readings(stem, sub, sup):
                info = self.lookup(key)
                if info is not None:
                    return Resolved(info, left_sub, left_sup, primes - count, transposed)
        return Resolved(None, sub, sup, primes)

    def readings(self, stem: str, sub: Script | None, sup: Script | None
                 ) -> list[tuple[str, Script | None, Script | None, bool]]:
        """The names that the spelling may mean, longest first, with the scripts that are left."""
        found: list[tuple[str, Script | None, Script | None, bool]] = []
        if sub and sup:
            found.append((f"{stem}_{{{sub.text}}}^{{{sup.text}}}", None, None, False))
        if sub:
            found.append((f"{stem}_{{{sub.text}}}", None, sup, False))
        if sup:
            found.append((f"{stem}^{{{sup.text}}}", sub, None, False))
        if sup and sup.text.endswith(r"\top") and len(sup.text) > 4:
            cut = Script("^", sup.first, sup.last - 1, sup.after, sup.text[:-4])
            found.append((f"{stem}^{{{cut.text}}}", sub, None, True))
            info = self.lookup(stem)
            if info is not None and info.sup and cut.text[:1] == info.style:
                found.append((stem, sub, cut, True))
        if sub and "," in sub.text:
            head = self.literal_head(stem, sub)
            if head:
                found.append((head[0], head[1], sup, False))
        found.append((stem, sub, sup, False))
        return found

    def literal_head(self, stem: str, sub: Script) -> tuple[str, Script] | None:
        """``W_{f,ij}`` where ``W_f`` is declared: its key, and the indices that remain."""
        for place in range(sub.last - 1, sub.first, -1):
            if self.tokens[place].text == ",":
                text = spelled(self.tokens[sub.first:place])
                key = f"{stem}_{{{text}}}"
                if self.lookup(key):
                    rest = "".join(t.text for t in self.tokens[place + 1:sub.last])
                    return key, Script("_", place + 1, sub.last, sub.after, rest)
        return None

    def resolve_here(self) -> Resolved:
        """The name that starts at the next token, which is not taken."""
        at = self.at
        found = self.resolve(self.base())
        self.at = at
        return found

    def undeclared(self, base: str, start: int) -> Refused:
        """The error for a name that no line declares."""
        near = nearest(base, [k for k in self.scope if len(k) > 1])
        stems = sorted({k for k in self.scope if k.startswith((base + "_", base + "^"))})
        if stems:
            hint = f"; {stems[0]} is declared"
            if all(k[len(base):].strip("_{}").isdigit() for k in stems):
                hint += (rf": a sequence is declared with its range, let: {base}_k \in "
                         r"\mathbb{R} \quad (k=1,\ldots,n)")
        elif near:
            hint = f"; did you mean {near}?"
        else:
            hint = ": declare it with let:, def:, fun:, rv: or pmf:"
            if is_letter(base) and self.is_below(start):
                hint = (rf": an index that is free is declared, let: {base} \in "
                        r"\{1,\ldots,n\}; a label is set upright")
        return self.refuse(f"{base} is not declared{hint}", start)

    def is_below(self, start: int) -> bool:
        """Whether the token at a place of the text is the first of a subscript."""
        before = [t.text for t in self.tokens if t.start < start]
        return before[-1:] == ["_"] or before[-2:] == ["_", "{"]
