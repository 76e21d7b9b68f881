"""The text of a derivation to its items: each line is declared, claimed, or tied to code."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from .anchor import check_python
from .declare import announce, below, declare, entry_axes
from .domains import PLACES
from .errors import Refused
from .grammar import Parser, check_bound_and_free, parse_expression
from .items import Block, Item, Order
from .lexer import Token
from .lines import STEPS, Line, logical_lines, order_at, read_line, split
from .lint import lint
from .names import Info, is_letter
from .notation.families import is_index
from .program import Let, Program
from .reach import nodes_behind
from .scripts import mistakable
from .standing import set_standings
from .trees import Node, show, walk


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
    block = Block(text, title, label, path, line, [], Program(), [], packages)
    reader = Reader(block)
    lines = [(number, raw, scanned(raw, number)) for number, raw in logical_lines(text, line)]
    announce(block.program, [found for *_, found in lines if isinstance(found, Line)])
    for number, raw, found in lines:
        reader.read(raw, number, found)
    reader.finish()
    return block


def scanned(raw: str, number: int) -> Line | Refused:
    try:
        return read_line(raw, number)
    except Refused as error:
        return error


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
        self.implied: dict[str, list[Node]] = {}

    def read(self, raw: str, number: int, line: Line | Refused) -> None:
        """Read one line; what is wrong with it becomes an error of the block."""
        where = ""
        try:
            if isinstance(line, Refused):
                self.claim += raw.startswith("claim")
                raise line
            if line.keyword == "step":
                where = f" step {self.claim}.{self.step + 1}"
            self.dispatch(line)
        except Refused as error:
            self.refused(error, raw, number, where)
        except RecursionError:
            self.block.errors.append(self.block.error("parse", "nested too deeply", number, where))
        except Exception as error:  # a fault of the checker is a failed check, never a pass
            self.block.errors.append(self.block.error(
                "parse", f"the checker failed: {type(error).__name__}: {error}", number, where))

    def refused(self, error: Refused, raw: str, number: int, where: str) -> None:
        """Report a line that is not read, unless it only needs a name of another such line."""
        if raw.startswith("claim"):
            self.step, self.last, self.broken = 0, None, True
        known = any(error.message.startswith(f"{n} is not declared") for n in self.failed)
        self.failed |= declared_names(raw)
        if known:
            return
        source = error.source if error.source is not None else raw
        self.block.errors.append(self.block.error(
            error.kind, error.message, number, where, column=error.position, source=source,
            details=error.details))

    def dispatch(self, line: Line) -> None:
        if line.keyword != "step":  # an index that no line declares is that of one claim
            self.forget_implied()
        if line.keyword == "unchecked":
            self.unchecked(line)
        elif line.keyword in ("claim", "step"):
            self.chain(line)
        elif line.keyword == "code":
            self.code(line)
        else:
            self.declaration(line)

    def unchecked(self, line: Line) -> None:
        if not line.text:
            raise Refused("parse", "unchecked: says what is not checked", line.start, line.raw)
        self.block.items.append(Item(line.keyword, line.text, line.number, machine=line.text))

    def declaration(self, line: Line) -> None:
        if line.keyword == "assume" and self.claim:
            raise Refused("parse", "assume: restricts every draw, so that it stands before the "
                          "first claim:", line.start, line.raw)
        program = self.block.program
        before = len(program.assumptions)
        declare(program, line)
        item = Item(line.keyword, line.text, line.number, line.reason)
        item.given = line.given
        item.machine = machine_declaration(program, item, before)
        if line.keyword == "def":
            (_, left), (mark, _) = split(line.tokens, "=")[:2]
            item.lhs = line.between(left[0].start, left[-1].end)
            item.rhs = line.between(mark.end if mark else line.start, line.end)
            item.relation = "="
        self.block.items.append(item)

    # ---- claims -------------------------------------------------------------------------

    def chain(self, line: Line) -> None:
        """A claim with what follows it on its line, or a further step."""
        order = order_at(line.tokens)
        pieces = split(line.tokens[:order], STEPS)
        if line.keyword == "claim":
            self.begin(line, pieces)
        elif self.claim == 0:
            raise Refused("parse", "a step without a claim: above it", 0, line.raw)
        pieces = pieces[1:]
        for place, (mark, right) in enumerate(pieces):
            assert mark is not None
            last = place == len(pieces) - 1
            self.step += 1
            end = line.end if last else (pieces[place + 1][0] or mark).start
            self.add_step(line, mark, right, end, order if last else None,
                          line.reason if last else "")

    def begin(self, line: Line, pieces: list[tuple[Token | None, list[Token]]]) -> None:
        """A new claim: its left side."""
        self.claim += 1
        self.step, self.last, self.broken = 0, None, True
        end = pieces[1][0].start if len(pieces) > 1 and pieces[1][0] else line.end
        tex = line.between(line.start, end)
        self.last = self.left(line, pieces[0][1])
        self.last_tex, self.broken = tex, False
        self.block.items.append(Item(
            "claim", tex, line.number, "" if len(pieces) > 1 else line.reason, (self.claim,),
            lhs=tex, left=self.last, machine=show(self.last)))

    def left(self, line: Line, tokens: list[Token]) -> Node:
        """The left side of a claim. It holds for all places of an index that no line declares."""
        scope = self.block.program.scope
        letters: list[str] = []
        refused: Refused | None = None
        while True:
            try:
                node = parse_expression(line.raw, scope, tokens, letters)
                break
            except Refused as error:
                name = error.message.split(" is not declared")[0]
                if name in letters or name not in below(tokens, scope):
                    raise (refused or error) from None
                letters.append(name)
                refused = refused or error
        if refused is not None and not all(is_index(node, n) and n in node.free for n in letters):
            raise refused
        for name in letters:
            self.implied.setdefault(name, []).append(node)
            self.imply(name, line.number)
        return node

    def imply(self, name: str, line: int) -> None:
        """Declare an index of claims by the places that it has there."""
        program = self.block.program
        domain = Node("domain", (PLACES, (), (Node("sym", (name,)), *self.implied[name])))
        program.scope[name] = Info("let", name, discrete=True, line=line)
        program.lets[name] = Let(name, domain, (), line)
        if ("let", name) not in program.order:
            program.order.append(("let", name))

    def forget_implied(self) -> None:
        """Take the indices that no line declares from what a line may use."""
        for name in self.implied:
            self.block.program.scope.pop(name, None)

    def add_step(self, line: Line, mark: Token, right: list[Token], end: int, order: int | None,
                 reason: str) -> None:
        scope, relation = self.block.program.scope, mark.text
        limit, order_tex = self.order(line, relation, order, right, mark)
        if order is not None:
            end = line.tokens[order].start
        if not right:
            raise Refused("parse", "nothing stands after the relation", mark.end, line.raw)
        over: tuple[str, ...] = ()
        if relation == r"\propto":
            over, count = self.proportional(line, mark, right)
            begin = right[count - 1].end if count else mark.end
            relation, right = line.between(mark.start, begin), right[count:]
            mark = replace(mark, end=begin)
        node = parse_expression(line.raw, scope, right)
        if self.broken or self.last is None:
            return
        if binds(node) or binds(self.last):
            check_bound_and_free(line.raw, self.last, node)
        zero = node.kind == "num" and float(node.args[0]) == 0
        grade = {"=": "zero" if zero else "value", r"\approx": "approx"}.get(relation, "inequality")
        grade = "value" if over else grade
        tex = line.between(mark.end, end)
        self.block.items.append(Item(
            "step", tex, line.number, reason, (self.claim, self.step), relation, grade,
            self.last_tex, tex, order_tex, f"({show(self.last)} {relation} {show(node)})",
            self.last, node, limit, over=over))
        self.last, self.last_tex = node, tex

    def proportional(self, line: Line, mark: Token,
                     right: list[Token]) -> tuple[tuple[str, ...], int]:
        r"""The names below ``\propto``, and how many tokens say so; without, those of the step
        above, or of the variables before the bar of a probability on its left."""
        program = self.block.program
        parser = Parser(line.raw, program.scope, right)
        names: tuple[str, ...] = ()
        if parser.peek() == "_":
            parser.take()
            nodes = parser.group(parser.indices)
            names = tuple(n.args[0] for n in nodes if isinstance(n, Node) and n.kind == "sym")
            if len(names) < len(nodes):
                raise parser.refuse("names stand below \\propto", mark.end)
        elif self.step > 1 and self.block.items[-1].over:
            names = self.block.items[-1].over
        elif self.last is not None and self.last.kind == "prob":
            names = tuple(e.args[0].args[0] for e in self.last.args[1]
                          if e.args[0].kind == "sym" and not e.args[1])
        for name in names:
            if name not in program.lets and name not in program.outcomes:
                raise parser.refuse(f"{name} below \\propto is no symbol of a let: line or letter "
                                    "of a table", mark.end)
        if not names:
            raise parser.refuse(r"in what both sides are proportional stands below the sign: write "
                                r"\propto_z, or \propto_{\theta}", mark.end)
        return names, parser.at

    def order(self, line: Line, relation: str, place: int | None, right: list[Token],
              mark: Token) -> tuple[Order | None, str]:
        """The order of an approximation, which belongs to no other relation."""
        if place is None:
            if relation == r"\approx":
                raise Refused("parse", r"an approximation says its order: "
                              r"[\epsilon\to0 : O(\epsilon^2)]", mark.end, line.raw)
            return None, ""
        tokens = line.tokens[place:]
        if relation != r"\approx":
            raise Refused("parse", r"an order belongs to \approx", tokens[0].start, line.raw)
        found = read_order(line, tokens[1:-1], self.block.program)
        return found, line.between(tokens[0].start, tokens[-1].end)

    # ---- anchors ------------------------------------------------------------------------

    def code(self, line: Line) -> None:
        """``code: TeX == python``."""
        if line.equals < 0:
            raise Refused("code", "code: TeX == python", line.start, line.raw)
        left, free = self.anchored(line)
        tex, python = line.anchored
        after = line.equals + 2
        check_python(python, self.block.program, " " * after + line.raw[after:line.end], free,
                     self.block.packages)
        self.block.items.append(Item(
            "code", line.text, line.number, line.reason, relation="==", lhs=tex, rhs=python,
            machine=f"({show(left)} == {python})", left=left, python=python, free=free))

    def anchored(self, line: Line) -> tuple[Node, tuple[str, ...]]:
        """The left of a `code:` line; the arguments of its definition may stand for any number."""
        program = self.block.program
        free = {p for d in program.defs.values() for p in d.params if p not in program.scope}
        free |= {t.text for before, t, after in zip(line.tokens, line.tokens[1:], line.tokens[2:],
                                                    strict=False)
                 if before.text in ("(", ",") and is_letter(t.text) and after.text in (")", ",")
                 and t.text not in program.scope}
        parser = Parser(line.raw, program.scope, list(line.tokens), bound=sorted(free))
        node = parser.expr()
        parser.done()
        check_bound_and_free(line.raw, node)
        return node, tuple(sorted(node.free & free))

    # ---- the whole ----------------------------------------------------------------------

    def finish(self) -> None:
        """Refuse a claim without a step, a block without a claim, and steps that are alike."""
        block = self.block
        for name in self.implied:
            self.imply(name, block.program.lets[name].line)
        declare_arguments(block)
        block.program.small = enumerated(block)
        block.program.counted = counted(block)
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
        sides = [(s, i.line) for i in block.items for s in (i.left, i.right)
                 if s is not None and (s is i.right or i.kind != "step")]
        for error, line in mistakable(block.program, sides):
            block.errors.append(block.error(error.kind, error.message, line))
        set_standings(block)
        if not any(e.kind != "texcheck.lint" for e in block.errors):
            block.errors += lint(block)


def binds(node: Node) -> bool:
    return any(n.kind == "big" for n in walk(node))


OF_VECTORS = ("T", "invT", "item", "inner")  # what a number has not


def declare_arguments(block: Block) -> None:
    """Declare the arguments of anchored functions that no line declares and that cannot be numbers:
    each is from the domain of the symbols that the function is called with elsewhere."""
    program = block.program
    nodes = [n for i in block.items if i.kind != "code" for s in (i.left, i.right)
             if s is not None for n in nodes_behind(program, s)]
    calls = [n for n in nodes if n.kind == "call"]
    sets = [n.args[::2] for n in nodes if n.kind == "bind" and n.args[1] == "set"]
    for item in block.items:
        for node in walk(item.left) if item.free and item.left is not None else ():
            if node.kind != "call" or node.args[0] not in program.defs:
                continue
            key, args, _ = node.args
            definition = program.defs[key]
            for place, (arg, param) in enumerate(zip(args, definition.params, strict=True)):
                name = arg.args[0] if arg.kind == "sym" else ""
                if name in item.free and name not in program.scope and of_vectors(
                        definition.body, param):
                    domain = common_domain(program, [c.args[1][place] for c in calls
                                                     if c.args[0] == key], sets)
                    if domain is not None:
                        declare_argument(program, item, name, domain)


def declare_argument(program: Program, item: Item, name: str, domain: Node) -> None:
    program.scope[name] = Info("let", name, axes=entry_axes(domain), line=item.line)
    program.lets[name] = Let(name, domain, (), item.line)
    program.order.append(("let", name))
    item.free = tuple(n for n in item.free if n != name)


def of_vectors(body: Node, name: str) -> bool:
    """Whether a formula holds what a number has not, such as a transpose, of a letter; or a row
    before it."""
    rows = (f for n in walk(body) if n.kind == "mul"
            for place, f in enumerate(n.args) if any(g.kind == "T" for g in n.args[:place]))
    return any(name in f.names for f in rows) or any(
        n.kind in OF_VECTORS and name in n.args[0].names for n in walk(body))


def common_domain(program: Program, given: list[Node],
                  sets: list[tuple[str, Node]]) -> Node | None:
    """The domain of the declared symbols among some arguments, of the declared places of their
    sequences, and of what runs over a set, where it is one."""
    keys = {str(a.args[0]) for a in given if a.kind in ("sym", "term")}
    found = {let.domain for key, let in program.lets.items()
             if key in keys or program.family_of(key) in keys}
    found |= {domain for name, domain in sets if name in keys and name not in program.scope}
    return found.pop() if len(found) == 1 else None


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


ARITHMETIC = frozenset(("sym", "num", "number", "add", "mul", "times", "div", "pow", "neg", "sqrt",
                        "fn", "abs", "ind", "rel"))


def counted(block: Block) -> set[str]:
    """Names inside of anything but arithmetic: a large whole number may count terms there."""
    sides = [s for i in block.items for s in (i.left, i.right) if s is not None]
    return set[str]().union(*(n.names for n in nodes_behind(block.program, *sides)
                              if n.kind not in ARITHMETIC))


def dims_of_names(program: Program, node: Node) -> set[str]:
    """Dimensions of what stands inside an expectation over a normal vector."""
    found: set[str] = set()
    if node.args[1] is not None and node.args[1].kind == "normal":
        for name in program.closure(node.args[1]) | program.closure(node.args[2]):
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


def read_order(line: Line, tokens: Sequence[Token], program: Program) -> Order:
    r"""Read ``\epsilon\to0 : O(\epsilon^k)`` or ``x\to0 : O(\|x\|^k)``."""
    texts = [t.text for t in tokens]
    arrow = texts.index(r"\to")
    letter = "".join(texts[arrow + 3:arrow + 4])
    if not (arrow and texts[arrow + 1:arrow + 3] == ["0", ":"] and letter in ("O", "o")
            and texts[arrow + 4:arrow + 5] == ["("] and texts[-1] == ")"):
        raise Refused("parse", r"an order is written [\epsilon\to0 : O(\epsilon^2)]",
                      tokens[0].start, line.raw)
    inner = list(tokens[arrow + 5:-1])
    symbol = parse_expression(line.raw, program.scope, list(tokens[:arrow]))
    if symbol.kind != "sym" or program.scope[symbol.args[0]].kind != "let":
        raise Refused("parse", "what goes to zero is a symbol of a let: line", tokens[0].start,
                      line.raw)
    error = parse_expression(line.raw, program.scope, inner)
    power = 1
    if error.kind == "pow":
        error, exponent = error.args
        if exponent.kind != "num" or not exponent.args[0].isdigit():
            raise Refused("parse", "the order is a whole number", error.start, line.raw)
        power = int(exponent.args[0])
    if error.kind in ("norm", "abs"):
        error = error.args[0]
    if error != symbol or not 1 <= power <= 5:
        raise Refused("parse", "the order is a power, from 1 to 5, of what goes to zero",
                      error.start, line.raw)
    return Order(symbol.args[0], power, letter == "o")


def machine_declaration(program: Program, item: Item, before: int) -> str:
    """How a declaration was read."""
    if item.kind == "def":
        definition = next(reversed(program.defs.values()))
        names = ", ".join(definition.params or definition.indices)
        return f"{definition.key}{f'({names})' if names else ''} := {show(definition.body)}"
    if item.kind == "assume":
        return ", ".join(show(c) for c in program.assumptions[before:]) or item.tex
    return item.tex
