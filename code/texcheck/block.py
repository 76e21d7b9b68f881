"""A derivation: its lines in order, what each claims, and the reading of its text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .errors import Error, Refused
from .parse import Parser, check_bound_and_free, parse_conditions, parse_expression
from .program import Program, announce, pad, read_line, split_top
from .tex import check_characters, nearest
from .trees import Node, show, walk

KEYWORDS = ("let", "rv", "fun", "pmf", "def", "assume", "claim", "code", "unchecked")
RELATIONS = {"=": "=", r"\le": r"\le", r"\leq": r"\le", r"\ge": r"\ge", r"\geq": r"\ge",
             r"\approx": r"\approx"}
RELATION = re.compile(r"(\\leq|\\le|\\geq|\\ge|\\approx|=)(?![a-zA-Z])")
ORDER = re.compile(r"\[(?P<inside>[^\[\]]*\\to[^\[\]]*)\]\s*$")


@dataclass
class Order:
    """``[\\epsilon\\to0 : O(\\epsilon^k)]``: what goes to zero, and the order of the error."""

    symbol: str
    power: int
    small: bool = False


@dataclass
class Item:
    """One line of a derivation, in the order of the text.

    Attributes
    ----------
    kind : str
        let, rv, fun, pmf, def, assume, claim, step, code or unchecked.
    tex : str
        The text after the keyword, without the reason.
    line : int
        Line number in the file.
    reason : str
        The text after `` -- ``.
    number : tuple of int
        (1, 2) for step 2 of claim 1; (1,) for claim 1.
    relation : str
        ``=``, ``\\le``, ``\\ge`` or ``\\approx`` of a step.
    grade : str
        Evidence of a step: value, inequality, zero or approx.
    lhs, rhs : str
        The TeX of both sides of a step; of the left side of a claim; of a definition.
    order : str
        The TeX of the order of an approximation.
    machine : str
        The line as the machine read it, fully parenthesised.
    """

    kind: str
    tex: str
    line: int
    reason: str = ""
    number: tuple[int, ...] = ()
    relation: str = ""
    grade: str = ""
    lhs: str = ""
    rhs: str = ""
    order: str = ""
    machine: str = ""
    left: Node | None = field(default=None, repr=False)
    right: Node | None = field(default=None, repr=False)
    limit: Order | None = None
    python: str = ""
    free: tuple[str, ...] = ()


@dataclass
class Block:
    """A derivation that has been read.

    `errors` holds what could not be read; `packages` those that `code:` lines may name, or None
    for the packages beside this one, and torch.
    """

    text: str
    title: str
    label: str
    path: str
    line: int
    items: list[Item]
    program: Program
    errors: list[Error]
    packages: tuple[str, ...] | None = None

    @property
    def steps(self) -> list[Item]:
        return [i for i in self.items if i.kind == "step"]

    @property
    def claims(self) -> list[Item]:
        return [i for i in self.items if i.kind == "claim"]

    @property
    def unchecked(self) -> list[Item]:
        return [i for i in self.items if i.kind == "unchecked"]

    @property
    def name(self) -> str:
        return self.label or self.title or "derivation"

    def error(self, kind: str, message: str, line: int, where: str = "", **more) -> Error:
        return Error(f"texcheck.{kind}", message, line, where=f"{self.name}{where}",
                     path=self.path, **more)


def read_block(text: str, *, title: str = "", label: str = "", path: str = "",
               line: int = 1, packages: tuple[str, ...] | None = None) -> Block:
    """Read a derivation; nothing is evaluated.

    Parameters
    ----------
    text : str
        The lines of the derivation. A line that is indented continues the one above.
    title, label, path : str
        For messages.
    line : int
        Line number of the first line of `text` in the file.
    packages : tuple of str or None
        What `code:` lines may name; None for the packages beside this one, and torch.

    Returns
    -------
    Block
        Its `errors` are empty if every line was read.

    Examples
    --------
    >>> block = read_block("let: x \\\\in \\\\mathbb{R}\\nclaim: x + x\\n= 2x -- count")
    >>> [(i.kind, i.number) for i in block.items]
    [('let', ()), ('claim', (1,)), ('step', (1, 1))]
    >>> block.steps[0].machine, block.steps[0].reason
    ('((x + x) = (2 * x))', 'count')
    """
    reader = Reader(Block(text, title, label, path, line, [], Program(), [], packages))
    announce(reader.block.program, [raw for _, raw in logical_lines(text, line)])
    for number, raw in logical_lines(text, line):
        reader.read(raw, number)
    reader.finish()
    return reader.block


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


class Reader:
    """Reads the lines of a block one after the other."""

    def __init__(self, block: Block):
        self.block = block
        self.claim = 0
        self.step = 0
        self.last: Node | None = None
        self.last_tex = ""
        self.broken = False
        self.failed: set[str] = set()

    def read(self, raw: str, line: int) -> None:
        where = ""
        try:
            check_characters(raw)
            keyword, text, reason = split_line(raw)
            if keyword == "step":
                where = f" step {self.claim}.{self.step + 1}"
            self.dispatch(keyword, text, reason, line)
        except Refused as error:
            self.broken = self.broken or raw.startswith("claim")
            known = any(error.message.startswith(f"{n} is not declared") for n in self.failed)
            self.failed |= declared_names(raw)
            if known:
                return
            source = error.source if error.source is not None else raw
            column = error.position
            if column is not None:
                lead = len(source) - len(source.lstrip())
                source, column = source[lead:], max(0, column - lead)
            self.block.errors.append(self.block.error(
                error.kind, error.message, line, where, column=column, source=source,
                details=error.details))
        except RecursionError:
            self.block.errors.append(self.block.error("parse", "nested too deeply", line, where))
        except Exception as error:  # a fault of the checker is a failed check, never a pass
            self.block.errors.append(self.block.error(
                "parse", f"the checker failed: {type(error).__name__}: {error}", line, where))

    def dispatch(self, keyword: str, text: str, reason: str, line: int) -> None:
        program = self.block.program
        item = Item(keyword, text.strip(), line, reason)
        if keyword == "unchecked":
            item.reason, item.tex = "", raw_text(text, reason)
            if not item.tex:
                raise Refused("parse", "unchecked: says what is not checked", 0, text)
            item.machine = item.tex
            self.block.items.append(item)
        elif keyword in ("claim", "step"):
            self.chain(keyword, text, reason, line)
        elif keyword == "code":
            self.code(item, text)
        else:
            if keyword == "assume" and self.claim:
                raise Refused("parse", "assume: restricts every draw, so that it stands before the "
                              "first claim:", 0, text)
            before = len(program.assumptions)
            read_line(program, keyword, text, line)
            item.machine = machine_declaration(program, keyword, item, before)
            if keyword == "def":
                (_, left), (_, right) = split_top(text, "=")[:2]
                item.lhs, item.rhs, item.relation = left.strip(), right.strip(), "="
            self.block.items.append(item)

    # ---- claims -------------------------------------------------------------------------

    def chain(self, keyword: str, text: str, reason: str, line: int) -> None:
        """A claim with what follows it on its line, or a further step."""
        pieces = relations(text)
        if keyword == "claim":
            self.claim += 1
            self.step, self.last, self.broken = 0, None, True
            start, left = pieces[0][1:]
            self.last = parse_expression(pad(start, left), self.block.program.scope)
            self.last_tex, self.broken = left.strip(), False
            self.block.items.append(Item(
                "claim", left.strip(), line, "" if len(pieces) > 1 else reason, (self.claim,),
                lhs=left.strip(), left=self.last, machine=show(self.last)))
            pieces = pieces[1:]
        elif self.claim == 0:
            raise Refused("parse", "a step without a claim: above it", 0, text)
        else:
            pieces = pieces[1:]
            if not pieces or text[:pieces[0][1]].strip() not in RELATIONS:
                raise Refused("parse", "a step begins with its relation", 0, text)
        for place, (relation, start, right) in enumerate(pieces):
            self.step += 1
            last = place == len(pieces) - 1
            self.add_step(relation, text, start, right, reason if last else "", line)

    def add_step(self, relation, text, start, right, reason, line) -> None:
        scope = self.block.program.scope
        order_tex, limit = "", None
        found = ORDER.search(right)
        if relation == r"\approx":
            if found is None:
                raise Refused("parse", r"an approximation says its order: "
                              r"[\epsilon\to0 : O(\epsilon^2)]", start, text)
            limit = read_order(pad(start + found.start("inside"), found.group("inside")), scope)
            order_tex, right = found.group(0).strip(), right[:found.start()]
        elif found is not None:
            raise Refused("parse", r"an order belongs to \approx", start + found.start(), text)
        if not right.strip():
            raise Refused("parse", "nothing stands after the relation", start, text)
        if self.broken or self.last is None:
            parse_expression(pad(start, right), scope)
            return
        node = parse_expression(pad(start, right), scope)
        check_bound_and_free(pad(start, right), self.last, node) if binds(node) else None
        zero = node.kind == "num" and float(node.args[0]) == 0
        grade = {"=": "zero" if zero else "value", r"\approx": "approx"}.get(relation, "inequality")
        self.block.items.append(Item(
            "step", right.strip(), line, reason, (self.claim, self.step), relation, grade,
            self.last_tex, right.strip(), order_tex,
            f"({show(self.last)} {relation} {show(node)})", self.last, node, limit))
        self.last, self.last_tex = node, right.strip()

    def code(self, item: Item, text: str) -> None:
        sides = text.split("==")
        if len(sides) < 2:
            raise Refused("code", "code: TeX == python", 0, text)
        left, python = sides[0], "==".join(sides[1:])
        item.left, item.free = self.anchored(left)
        item.lhs, item.rhs, item.relation = left.strip(), python.strip(), "=="
        item.python = python.strip()
        from .anchor import check_python

        check_python(item.python, self.block.program, pad(len(left) + 2, python), item.free,
                     self.block.packages)
        item.machine = f"({show(item.left)} == {item.python})"
        self.block.items.append(item)

    def anchored(self, text: str) -> tuple[Node, tuple[str, ...]]:
        """The left of a `code:` line; the arguments of its definition may stand for any number."""
        program = self.block.program
        free = {p for d in program.defs.values() for p in d.params if p not in program.scope}
        parser = Parser(text, program.scope, bound=sorted(free))
        node = parser.expr()
        parser.done()
        check_bound_and_free(text, node)
        return node, tuple(sorted(node.free & free))

    def finish(self) -> None:
        """Refuse a claim without a step, a block without a claim, and steps that are alike."""
        block = self.block
        block.program.small = enumerated(block)
        stepped = {i.number[0] for i in block.steps}
        for item in block.claims:
            if item.number[0] not in stepped and not block.errors:
                block.errors.append(block.error("parse", "a claim without a step", item.line,
                                                f" claim {item.number[0]}", source=item.tex,
                                                column=len(item.tex)))
        if not block.claims and not block.errors:
            block.errors.append(block.error("parse", "a derivation has at least one claim:",
                                            block.line))
        for item in block.steps:
            if item.left == item.right:
                where = f" step {item.number[0]}.{item.number[1]}"
                block.errors.append(block.error(
                    "lint", "both sides parse alike: the step says nothing", item.line, where,
                    source=f"{item.lhs}  {item.relation}  {item.rhs}"))
        from .lint import lint

        if not any(e.kind != "texcheck.lint" for e in block.errors):
            block.errors += lint(block)


def binds(node: Node) -> bool:
    return any(n.kind == "big" for n in walk(node))


def enumerated(block: Block) -> set[str]:
    """Dimensions of sets that a claim enumerates: these are drawn small."""
    found: set[str] = set()
    for item in block.items:
        for side in (item.left, item.right):
            if side is None:
                continue
            for node in walk(side):
                if node.kind == "domain":
                    for size in node.args[1]:
                        found |= size.names
                if node.kind == "expect":
                    found |= dims_of_names(block.program, node)
    return found


def dims_of_names(program: Program, node: Node) -> set[str]:
    """Dimensions of what stands inside an expectation over a normal vector."""
    found: set[str] = set()
    if node.args[1] is not None and node.args[1].kind == "normal":
        for name in program.closure(node.args[1]):
            if name in program.lets:
                for size in program.lets[name].domain.args[1]:
                    found |= size.names
            elif name in program.scope and program.scope[name].kind == "dim":
                found.add(name)
    return found


def declared_names(raw: str) -> set[str]:
    """The letters that a line that could not be read was to declare."""
    if raw.split(":")[0] not in ("let", "rv", "fun", "pmf", "def"):
        return set()
    found: set[str] = set()
    for part in re.split(r"[;,]", raw.partition(":")[2]):
        head = re.match(r"\s*(\\[A-Za-z]+(?:\{[^{}]*\})?|[A-Za-z])", part)
        if head:
            found.add(head.group(1))
    return found


def raw_text(text: str, reason: str) -> str:
    return f"{text.strip()} -- {reason}" if reason else text.strip()


def split_line(raw: str) -> tuple[str, str, str]:
    """Keyword, text and reason of a line. The text keeps its place in the line."""
    body, _, reason = raw.partition(" -- ")
    if RELATION.match(body):
        return "step", body, reason.strip()
    found = re.match(r"\s*([A-Za-z]+)\s*:", body)
    if re.match(r"\s*:[\w-]+:", raw):
        raise Refused("parse", "an option stands directly below the title of the derivation", 0,
                      raw)
    if found is None:
        raise Refused("parse", "a line begins with let:, rv:, fun:, pmf:, def:, assume:, claim:, "
                      "code:, unchecked:, or with =, \\le, \\ge, \\approx", 0, raw)
    word = found.group(1)
    if word not in KEYWORDS:
        near = nearest(word, KEYWORDS)
        hint = f": did you mean {near}:?" if near else ": see SYNTAX.md for the kinds of line"
        raise Refused("parse", f"{word}: is not a kind of line{hint}", 0, raw)
    return word, pad(found.end(), body[found.end():]), reason.strip()


def relations(text: str) -> list[tuple[str, int, str]]:
    """The sides of a chain: relation, place and text of each; the first has no relation."""
    found: list[tuple[str, int, str]] = []
    depth, start, relation = 0, 0, ""
    place = 0
    end = len(text)
    tail = ORDER.search(text)
    if tail:
        end = tail.start()
    while place < end:
        char = text[place]
        if char == "\\" and text[place + 1:place + 2] in ("{", "}", "|", ",", ";", "!", ":", " "):
            depth += {"{": 1, "}": -1}.get(text[place + 1], 0)
            place += 2
            continue
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(char, 0)
        if text.startswith((r"\begin{", r"\end{"), place):
            depth += 1 if text[place + 1] == "b" else -1
        match = RELATION.match(text, place) if depth <= 0 else None
        if match:
            found.append((relation, start, text[start:place]))
            relation, start = RELATIONS[match.group(1)], match.end()
            place = match.end()
            continue
        if char == "\\":
            place += 1
            while place < end and text[place].isalpha():
                place += 1
            continue
        place += 1
    found.append((relation, start, text[start:]))
    return found


def read_order(text: str, scope) -> Order:
    """Read ``\\epsilon\\to0 : O(\\epsilon^k)`` or ``x\\to0 : O(\\|x\\|^k)``."""
    match = re.match(r"\s*(?P<a>.+?)\s*\\to\s*0\s*:\s*(?P<o>[Oo])\((?P<b>.+)\)\s*$", text)
    if match is None:
        raise Refused("parse", r"an order is written [\epsilon\to0 : O(\epsilon^2)]",
                      len(text) - len(text.lstrip()), text)
    symbol = parse_expression(match.group("a"), scope)
    if symbol.kind != "sym" or scope[symbol.args[0]].kind != "let":
        raise Refused("parse", "what goes to zero is a symbol of a let: line", match.start("a"),
                      text)
    error = parse_expression(match.group("b"), scope)
    power = 1
    if error.kind == "pow":
        error, exponent = error.args
        if exponent.kind != "num" or not exponent.args[0].isdigit():
            raise Refused("parse", "the order is a whole number", match.start("b"), text)
        power = int(exponent.args[0])
    if error.kind in ("norm", "abs"):
        error = error.args[0]
    if error != symbol or not 1 <= power <= 5:
        raise Refused("parse", "the order is a power, from 1 to 5, of what goes to zero",
                      match.start("b"), text)
    return Order(symbol.args[0], power, match.group("o") == "o")


def machine_declaration(program: Program, keyword: str, item: Item, before: int) -> str:
    """How a declaration was read."""
    if keyword == "def":
        definition = next(reversed(program.defs.values()))
        names = ", ".join(definition.params or definition.indices)
        return f"{definition.key}{f'({names})' if names else ''} := {show(definition.body)}"
    if keyword == "assume":
        return ", ".join(show(c) for c in program.assumptions[before:]) or item.tex
    return item.tex


__all__ = ["Block", "Item", "Order", "parse_conditions", "read_block"]
