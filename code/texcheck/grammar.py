"""Formulas to trees, by recursive descent. Declarations decide; nothing is guessed.

Here stand sums, products, powers, parentheses, names with their indices, and relations. What else
a formula holds is read by its entry in the table of notations.
"""

from __future__ import annotations

from dataclasses import replace

from . import registry
from .errors import Refused
from .lexer import ACCENTS, FONTS, GREEK, Token
from .names import Info, Names, Scope, Script, is_letter, is_table
from .trees import Node, walk

RELATIONS = {"=", "<", ">", r"\le", r"\ge", r"\ne", r"\approx", r"\succeq", r"\preceq", r"\succ",
             r"\prec", r"\propto"}
DEEPEST = 40


class Parser(Names):
    """Reads the tokens of one piece of TeX. `bound` holds names bound by sums around it."""

    depth = 0

    # ---- sums and products --------------------------------------------------------------

    def expr(self) -> Node:
        """A sum of terms."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.refuse(f"nested deeper than {DEEPEST}: split it with def:")
        start = self.place()
        terms = [self.signed(self.accept("+", "-") or "+")]
        while self.peek() in ("+", "-") and self.at < self.end:
            terms.append(self.signed(self.take().text))
        self.depth -= 1
        if len(terms) == 1:
            return terms[0][1] if terms[0][0] == "+" else self.node("neg", (terms[0][1],), start)
        return self.node("add", tuple(terms), start)

    def signed(self, sign: str) -> tuple[str, Node]:
        if self.peek() in ("+", "-") and self.at < self.end:
            raise self.refuse("two signs in a row: put the second term in parentheses")
        return sign, self.term()

    def infix(self, level: str) -> registry.Infix | None:
        r"""The operator of a level that stands next, such as ``\cdot``."""
        if self.at >= self.end:
            return None
        found = registry.load().infix.get(self.peek())
        return found if found is not None and found.level == level else None

    def term(self) -> Node:
        """Products, apart by operators that bind less tightly."""
        start = self.place()
        parts = [self.product()]
        while (infix := self.infix("entrywise")) is not None:
            self.take()
            parts = infix.read(self, parts, start)
        return self.joined(parts, start)

    def product(self) -> Node:
        start = self.place()
        factors = [self.factor()]
        while self.at < self.end:
            infix = self.infix("product")
            if infix is not None:
                self.take()
                factors = infix.read(self, factors, start)
            elif self.starts_factor():
                self.check_place(factors[-1])
                if self.tokens[self.at].kind == "num":
                    raise self.refuse(r"a number after a factor: write it in front, or \cdot")
                factors.append(self.factor())
            else:
                break
        return self.joined(factors, start)

    def check_place(self, before: Node) -> None:
        """Refuse a derivative followed by what may be the place at which it is taken."""
        if before.kind in ("diff", "grad") and not before.grouped and (
                self.peek() in ("(", "[", "|") and not self.is_powered_group()):
            raise self.refuse(r"is this the place of the derivative, or a factor? write \cdot "
                              "for a product; a derivative at a place is taken of a function, "
                              r"f'(a) or \nabla f(a)")

    def is_powered_group(self) -> bool:
        """Whether the parentheses that begin here carry a power, which no place does."""
        depth = 0
        for index in range(self.at, self.end):
            depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(self.tokens[index].text, 0)
            if depth == 0:
                return index + 1 < self.end and self.tokens[index + 1].text == "^"
        return False

    def joined(self, parts: list[Node], start: int) -> Node:
        return parts[0] if len(parts) == 1 else Node("mul", tuple(parts), start, parts[-1].end)

    def needs_body(self, what: str) -> None:
        """Refuse a sum, a limit, an optimum that nothing follows."""
        if not self.starts_factor():
            hint = ": put a body that begins with a sign in parentheses" if (
                self.peek() in ("+", "-")) else ""
            raise self.refuse(f"{what} has no body here{hint}")

    def starts_factor(self) -> bool:
        """Whether the next token begins a factor."""
        token = self.token()
        if token is None:
            return False
        if token.text in ("|", r"\|"):
            return self.bars == 0
        if token.kind in ("num", "letter") or token.text in ("(", "[", "{", r"\{", r"\begin"):
            return True
        return token.kind == "cmd" and (token.text in GREEK | FONTS | ACCENTS
                                        or token.text in registry.load().starts)

    # ---- powers and indices -------------------------------------------------------------

    def factor(self) -> Node:
        """A primary with its powers and indices."""
        node = self.primary()
        while self.at < self.end and self.peek() in ("^", "_", "'", "!"):
            if self.accept("!"):
                entry = registry.kind("factorial")
                node = entry.read(self, node, node.start)  # type: ignore[misc]
            elif self.peek() == "_":
                node = self.indexed(node)
            elif self.peek() == "'":
                raise self.unexpected()
            else:
                if node.kind in ("pow", "epow", "T", "invT") and not node.grouped:
                    raise self.unexpected()
                node = self.powered(node)
        return node

    def indexed(self, node: Node) -> Node:
        """An index on something in parentheses, such as (Wx)_i."""
        if not (node.grouped or node.kind in ("call", "fn", "item", "term", "grad", "diff")):
            raise self.refuse("this cannot carry a subscript: put it in parentheses")
        self.take("_")
        indices = self.group(self.indices)
        return self.node("item", (node, tuple(indices)), node.start)

    def powered(self, node: Node) -> Node:
        """`node` with the superscript that follows it."""
        start = node.start
        if node.kind == "item" and not node.grouped and ":" not in node.args[1]:
            self.check_entry(node)
        self.take("^")
        if self.peek() == "{":
            last = self.closing(self.at)
            result = self.inside(self.at + 1, last, lambda: self.power(node, start))
            self.at = last + 1
            return replace(result, end=self.tokens[last].end)
        first = self.at
        token = self.take()
        self.check_single(token)
        if token.text == r"\frac" or token.text in FONTS or token.text in ACCENTS:
            raise self.refuse(f"put the power in braces: ^{{{token.text}…}}", token.start)
        after = self.at
        result = self.inside(first, after, lambda: self.power(node, start))
        self.at = after
        return result

    def check_entry(self, node: Node) -> None:
        """Refuse ``A_{ij}^{-1}``: an entry of the inverse, or one over the entry?"""
        sup = self.superscript()
        if sup is not None and (sup.text in (r"\top", r"-\top")
                                or (sup.text == "-1" and len(node.args[1]) > 1)):
            shown = self.text[node.start:node.end].split("_")[0]
            raise self.refuse(f"an entry of {shown} or of its inverse or transpose? write "
                              f"({shown}^{{{sup.text}}})_{{ij}}")

    def power(self, node: Node, start: int) -> Node:
        """The power of `node` whose superscript is being read."""
        for read in registry.load().powers:
            found: Node | None = read(self, node, start)
            if found is not None:
                return found
        mark = self.peek()
        alone = self.at + 1 == self.end
        if mark in FONTS and self.text_of(self.at) == "T":
            raise self.refuse(r"the transpose is written ^\top")
        if mark == "T" and alone and "T" not in self.scope and "T" not in self.bound:
            raise self.refuse(r"^T is not a transpose here: write ^\top")
        if mark in ("*", r"\star", r"\prime", r"\circ") and alone:
            raise self.refuse(f"^{mark} is part of a name: declare the name with it")
        if self.is_bracketed():
            raise self.refuse("a superscript in parentheses or brackets is the index of a "
                              "sequence: declare the name with it, or write the power without")
        exponent = self.expr()
        return Node("pow", (node, exponent), start, self.tokens[self.at - 1].end)

    def is_bracketed(self) -> bool:
        """Whether all that is to be read stands in one pair of parentheses or brackets."""
        if self.peek() not in ("(", "[") or self.tokens[self.end - 1].text not in (")", "]"):
            return False
        depth = 0
        for index in range(self.at, self.end):
            depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(self.tokens[index].text, 0)
            if depth == 0 and index < self.end - 1:
                return False
        return True

    # ---- primaries ----------------------------------------------------------------------

    def primary(self) -> Node:
        """What stands before powers and indices."""
        token = self.token()
        if token is None:
            raise self.refuse("the formula ends where a factor is expected")
        text, start = token.text, token.start
        if token.kind == "num":
            self.take()
            if self.at < self.end and self.tokens[self.at].kind == "num":
                raise self.refuse("two numbers side by side")
            return self.node("num", (text,), start)
        if text in ("(", "[", r"\{"):
            return self.parenthesised(text, start)
        if text == "{":
            return self.braced(start)
        if text == r"\begin":
            return self.environment(start)
        readers = registry.load().starts.get(text)
        if readers:
            self.take()
            for read in readers:
                found: Node | None = read(self, start)
                if found is not None:
                    return found
            self.at -= 1
        if token.kind == "letter" or text in GREEK or text in FONTS or text in ACCENTS:
            return self.name()
        raise self.unexpected() if token.kind == "char" or text in (")", r"\}") else self.refuse(
            f"a factor is expected here, not {text}")

    def parenthesised(self, opening: str, start: int) -> Node:
        closing = {"(": ")", "[": "]", r"\{": r"\}"}[opening]
        self.take()
        bars, self.bars = self.bars, 0
        node = self.expr()
        self.bars = bars
        if self.at >= self.end:
            raise self.refuse(f"this {opening} is never closed", start)
        if self.peek() != closing:
            if self.peek() in RELATIONS:
                raise self.refuse("a relation inside parentheses")
            if self.peek() in (")", "]", r"\}"):
                raise self.refuse(f"{opening} is closed by {self.peek()}")
            raise self.unexpected()
        end = self.take(closing).end
        return replace(node, start=start, end=end, grouped=True)

    def braced(self, start: int) -> Node:
        node = self.group(self.expr)
        if not node.grouped and node.kind not in ("sym", "term", "item", "call", "const", "number",
                                                  "num"):
            raise self.refuse("braces print nothing: write ( ) around it", start)
        return replace(node, start=start, end=self.tokens[self.at - 1].end, grouped=True)

    def environment(self, start: int) -> Node:
        r"""``\begin{name} … \end{name}``."""
        self.take(r"\begin")
        name = self.word()
        environments = registry.load().environments
        if name not in environments:
            raise self.refuse(f"environment {name} is not read: "
                              f"{', '.join(sorted(environments))} are", start)
        node: Node = environments[name](self, name, start)
        return node

    def end_environment(self, name: str, start: int) -> None:
        self.take(r"\end")
        if self.word() != name:
            raise self.refuse(f"{name} is not closed", start)

    # ---- names --------------------------------------------------------------------------

    def name(self) -> Node:
        """A declared name with its indices; or one that needs no declaration."""
        start = self.place()
        base = self.base()
        found = self.resolve(base)
        info, sub, sup = found.info, found.sub, found.sup
        if info is None:
            return self.undeclared_name(base, start)
        while self.peek() == "'" and self.at < self.end:
            self.take()
        if info.callable or info.kind == "pmf":
            return self.applied(info, sub, sup, found.primes, start)
        if found.primes:
            raise self.refuse(f"{base}' is not declared; a prime is part of a name, or follows a "
                              "function", start)
        node = self.with_indices(info, sub, sup, start)
        return self.node("T", (node,), start) if found.transposed else node

    def undeclared_name(self, base: str, start: int) -> Node:
        """Names that need no declaration, unless the author has declared them otherwise."""
        for read in registry.load().spells.get(base, ()):
            found: Node | None = read(self, start)
            if found is not None:
                return found
        raise self.undeclared(base, start)

    def with_indices(self, info: Info, sub: Script | None, sup: Script | None,
                     start: int) -> Node:
        """Sequence indices first, then entries; a superscript that is left is a power."""
        _, all_sub, all_sup = self.scripts()
        if sub is not None and sub.after - sub.last <= 1:
            self.check_script(sub)
        family, entries = self.places_of(info, sub, sup, start)
        used_sup = bool(info.sup and sup is not None)
        ends = [self.at]
        if all_sub:
            ends.append(all_sub.after)
        consumed_sup = all_sup is not None and (used_sup or sup is None)
        if all_sup is not None and consumed_sup:
            ends.append(all_sup.after)
        if (all_sup is not None and not consumed_sup and all_sub is not None
                and all_sup.after <= all_sub.first):
            return self.power_first(info, family, entries, start, all_sub, all_sup)
        self.at = max(ends)
        return self.indexed_node(info, family, entries, start, self.at)

    def places_of(self, info: Info, sub: Script | None, sup: Script | None,
                  start: int) -> tuple[list[Node | str], list[Node | str]]:
        """The indices of a sequence, and those of the entry."""
        family: list[Node | str] = []
        if info.sup and sup is not None:
            family += self.inside(sup.first, sup.last, lambda: self.bracketed(info, start))
        entries: list[Node | str] = []
        if sub is not None:
            wanted = None if info.axes is None else info.sub + info.axes
            entries = list(self.inside(sub.first, sub.last, lambda: self.indices((), wanted)))
        if info.sub and entries:
            if len(entries) < info.sub:
                raise self.refuse(f"{info.key} takes {info.sub} indices, {len(entries)} given",
                                  start)
            family += entries[:info.sub]
            entries = entries[info.sub:]
        if family and len(family) != info.arity:
            raise self.refuse(f"{info.key} takes {info.arity} sequence indices, {len(family)} "
                              "given", start)
        return family, entries

    def power_first(self, info: Info, family: list[Node | str], entries: list[Node | str],
                    start: int, sub: Script, sup: Script) -> Node:
        """``x^2_i``: the power of the entry, although the superscript stands first."""
        if entries and sup.text in (r"\top", "-1", r"-\top"):
            raise self.refuse(f"an entry of {info.key} or of its inverse or transpose? write "
                              f"({info.key}^{{{sup.text}}})_{{{sub.text}}}", start)
        if len(entries) > 1 and sup.text[:5] != r"\odot":
            raise self.refuse(f"an entry of the power, or a power of the entry? write "
                              f"({info.key}^{{{sup.text}}})_{{{sub.text}}} or "
                              f"{info.key}_{{{sub.text}}}^{{{sup.text}}}", start)
        node = self.indexed_node(info, family, entries, start, max(self.at, sub.after))
        self.at = sup.first - (2 if self.tokens[sup.first - 1].text == "{" else 1)
        node = self.powered(node)
        self.at = sub.after
        return node

    def indexed_node(self, info: Info, family: list[Node | str], entries: list[Node | str],
                     start: int, at: int) -> Node:
        end = self.tokens[at - 1].end
        if any(f == ":" for f in family):
            raise self.refuse("a sequence index cannot be a colon", start)
        node = (Node("term", (info.key, tuple(family)), start, end) if family
                else Node("sym", (info.key,), start, end))
        return Node("item", (node, tuple(entries)), start, end) if entries else node

    def bracketed(self, info: Info, start: int) -> list[Node | str]:
        closing = {"(": ")", "[": "]"}[info.style]
        if self.peek() != info.style:
            raise self.refuse(f"the index of {info.key} stands in {info.style}{closing}: write "
                              f"{info.key}^{{{info.style}t{closing}}}", start)
        self.take()
        indices = list(self.indices((closing,)))
        self.take(closing)
        return indices

    def indices(self, stops: tuple[str, ...] = (), wanted: int | None = None
                ) -> list[Node | str]:
        """Indices apart from each other by commas, or side by side when each is one letter; or
        one digit, where as many as stand there are `wanted`."""
        found: list[Node | str] = []
        while True:
            if self.peek() == ":" and self.at < self.end:
                self.take()
                found.append(":")
            else:
                found += self.side_by_side(stops, wanted)
            if not self.accept(","):
                return found

    def side_by_side(self, stops: tuple[str, ...], wanted: int | None) -> list[Node]:
        last = self.at
        while last < self.end and self.tokens[last].text not in (",", *stops):
            last += 1
        run = self.tokens[self.at:last]
        plain = all((t.kind == "letter" or t.text in GREEK or t.text == "'") for t in run)
        if len([t for t in run if t.text != "'"]) > 1 and plain:
            found = []
            while self.at < last:
                if self.lookup(self.peek()) is None:
                    raise self.undeclared(self.peek(), self.place())
                found.append(self.name())
            return found
        if all(t.kind == "num" or is_letter(t.text) for t in run):
            count = sum(len(t.text) if t.kind == "num" else 1 for t in run)
            if count == wanted and count > 1 and not any("." in t.text for t in run):
                return [node for token in run for node in self.places(token)]
            if len(run) > 1 and run[0].kind != "num":
                raise self.refuse("several indices are apart by commas: write _{"
                                  + ",".join(t.text for t in run) + "}")
        return [self.expr()]

    def places(self, token: Token) -> list[Node]:
        """The indices of one token: a letter, or the digits of a number one by one."""
        if token.kind != "num":
            return [self.name()]
        self.take()
        return [Node("num", (digit,), token.start + i, token.start + i + 1)
                for i, digit in enumerate(token.text)]

    # ---- functions ----------------------------------------------------------------------

    def applied(self, info: Info, sub: Script | None, sup: Script | None, primes: int,
                start: int) -> Node:
        """A declared function or probability table with its arguments."""
        if sup is not None:
            raise self.refuse(f"a power on the name of a function: write ({info.key}(x))^2", start)
        _, skipped_sub, skipped_sup = self.scripts()
        self.at = max([self.at] + [s.after for s in (skipped_sub, skipped_sup) if s])
        if sub is not None and info.sub and not primes:
            return self.entry_applied(info, sub, start)
        if sub is not None:
            raise self.refuse(f"{info.key} is a function: write {info.key}(x)_i", start)
        if (self.peek() != "(" or self.at >= self.end) and self.outcome and is_table(info):
            events = tuple(self.node("event", (self.node("sym", (n,), start), "", None), start)
                           for n in self.outcome)
            return self.node("prob", (info.key, events, ()), start)
        if self.peek() != "(" or self.at >= self.end:
            raise self.refuse(f"{info.key} is a function: write its argument in parentheses", start)
        for read in registry.load().applications:
            found: Node | None = read(self, info, primes, start)
            if found is not None:
                return found
        raise self.refuse(f"{info.key} has no arguments", start)

    def entry_applied(self, info: Info, sub: Script, start: int) -> Node:
        """``T_i(v)``: a function that is defined by its entries."""
        indices = self.inside(sub.first, sub.last, lambda: self.indices((), info.sub))
        if len(indices) != info.sub:
            raise self.refuse(f"{info.key} takes {info.sub} ind{'ex' if info.sub == 1 else 'ices'}"
                              f", {len(indices)} given", start)
        whole = self.applied(info, None, None, 0, start)
        return self.node("item", (whole, tuple(indices)), start)

    def arguments(self) -> list[Node]:
        """Expressions in parentheses, apart by commas."""
        opening = self.take("(")
        bars, self.bars = self.bars, 0
        args = [self.expr()]
        while self.accept(","):
            args.append(self.expr())
        self.close(opening)
        self.bars = bars
        return args

    def close(self, opening: Token) -> None:
        """Step over the ) that belongs to a (."""
        if self.at >= self.end:
            raise self.refuse("this ( is never closed", opening.start)
        if self.peek() != ")":
            raise self.unexpected()
        self.take(")")

    # ---- relations and domains ----------------------------------------------------------

    def conditions(self, stops: tuple[str, ...]) -> list[Node]:
        """Relations apart from each other by commas; chains such as a < b < c are split."""
        found: list[Node] = []
        while True:
            start = self.place()
            left = self.expr()
            known = RELATIONS - {r"\approx", r"\propto"} | {r"\in"}
            if self.peek() not in known or self.at >= self.end:
                raise self.refuse("a relation is expected here: =, \\ne, <, >, \\le, \\ge or \\in")
            while self.peek() in RELATIONS | {r"\in"} and self.at < self.end:
                op = self.take().text
                if op == r"\in":
                    found.append(self.node("member", (left, self.domain()), start))
                    break
                right = self.expr()
                found.append(self.node("rel", (op, left, right), start))
                left = right
            if "." in stops:
                self.accept(".")
            if self.peek() == "," and self.at + 1 < self.end and self.peek(1) not in stops:
                self.take()
                continue
            return found

    def domain(self) -> Node:
        """A set: a domain of a declaration, or what a sum runs over."""
        entry = registry.kind("domain")
        node: Node = entry.read(self)  # type: ignore[misc]
        return node

    def declare_dims(self) -> None:
        """In a declaration, a letter that is not known yet becomes a dimension."""
        if not self.declaring:
            return
        saved = self.at
        while self.at < self.end:
            token = self.tokens[self.at]
            if token.kind != "letter" and token.text not in GREEK:
                self.at += 1
                continue
            if self.resolve_here().info is None:
                key = self.binder_name()
                self.found[key] = Info("dim", key)
            else:
                self.name()
        self.at = saved


def parse_expression(text: str, scope: Scope, tokens: list[Token] | None = None,
                     bound: list[str] | None = None) -> Node:
    """Read one side of a relation; the names `bound` need no declaration.

    Raises
    ------
    Refused
        With the place in `text`.

    Examples
    --------
    >>> scope = {"x": Info("let", "x")}
    >>> from texcheck.trees import show
    >>> show(parse_expression(r"2x(1-x)", scope))
    '(2 * x * (1 - x))'
    """
    parser = Parser(text, scope, tokens, bound=bound or [])
    node = parser.expr()
    parser.done()
    check_bound_and_free(text, node)
    return node


def parse_conditions(text: str, scope: Scope, tokens: list[Token] | None = None) -> list[Node]:
    """Read relations that are apart by commas."""
    parser = Parser(text, scope, tokens)
    found = parser.conditions(())
    parser.done()
    return found


def check_bound_and_free(text: str, *nodes: Node) -> None:
    """Refuse a line in which a name is both bound and something else."""
    free = frozenset[str]().union(*(n.free for n in nodes))
    for node in nodes:
        for inner in walk(node):
            if len(nodes) == 1 and inner.kind == "expect" and inner.args[1] is not None:
                for name in inner.args[0]:
                    if name in free:
                        raise Refused("parse", f"{name} is averaged over and also free: take "
                                      "another letter inside", inner.start, text)
            if inner.kind != "big":
                continue
            for bind in inner.args[1]:
                if bind.args[0] in free:
                    raise Refused("parse", f"{bind.args[0]} is the index of a {inner.args[0]} and "
                                  "also free: take another letter for the index",
                                  bind.start, text)
