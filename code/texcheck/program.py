"""The declarations of a block: what each line says, and which names depend on which."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from .errors import Refused
from .parse import (
    Info,
    Parser,
    Scope,
    check_bound_and_free,
    is_table,
    parse_conditions,
    parse_expression,
)
from .tex import GREEK
from .trees import Node, walk

RANGE = re.compile(r"\((?P<inside>[^()]*=[^()]*(?:\\(?:l?dots|cdots)|,\s*-?\d+)[^()]*)\)\s*$")


@dataclass
class Let:
    """A symbol and its domain; `ranges` are the first and last index of a sequence."""

    key: str
    domain: Node
    ranges: tuple = ()
    line: int = 0


@dataclass
class Random:
    """A random variable: values in a domain, or a distribution."""

    key: str
    domain: Node | None
    dist: Node | None
    ranges: tuple = ()
    line: int = 0


@dataclass
class Fun:
    """An arbitrary smooth function."""

    key: str
    inputs: tuple[Node, ...]
    output: Node
    line: int = 0


@dataclass
class Factor:
    """A table ``p(left | given)``, arbitrary, or defined by `body`."""

    left: tuple[str, ...]
    given: tuple[str, ...]
    body: Node | None = None


@dataclass
class Definition:
    """A definition: of a value, a function (`params`) or a sequence (`indices`, `ranges`)."""

    key: str
    body: Node
    params: tuple[str, ...] = ()
    indices: tuple[str, ...] = ()
    ranges: tuple = ()
    line: int = 0


@dataclass
class Pattern:
    """A name on the left of a declaration, before it is known what its scripts mean."""

    base: str
    sub: list[str]
    sub_text: str
    sup: str
    start: int
    after: int

    def literal(self, sub: bool = True, sup: bool = True) -> str:
        key = self.base
        if sub and self.sub_text:
            key += f"_{{{self.sub_text}}}"
        if sup and self.sup:
            key += f"^{{{self.sup}}}"
        return key


@dataclass
class Program:
    """All declarations of a block, in order."""

    scope: Scope = field(default_factory=dict)
    lets: dict[str, Let] = field(default_factory=dict)
    rvs: dict[str, Random] = field(default_factory=dict)
    funs: dict[str, Fun] = field(default_factory=dict)
    pmfs: dict[str, list[Factor]] = field(default_factory=dict)
    defs: dict[str, Definition] = field(default_factory=dict)
    families: dict[str, Let | Definition | Random] = field(default_factory=dict)
    assumptions: list[Node] = field(default_factory=list)
    independent: list[tuple[str, ...]] = field(default_factory=list)
    outcomes: dict[str, Node | None] = field(default_factory=dict)
    order: list[tuple[str, str]] = field(default_factory=list)
    small: set[str] = field(default_factory=set)
    singly: set[int] = field(default_factory=set)
    kept: list = field(default_factory=list)
    _closures: dict = field(default_factory=dict)
    _edges: dict = field(default_factory=dict)

    # ---- dependence ---------------------------------------------------------------------

    def closure(self, node: Node) -> frozenset[str]:
        """All names that a node needs, through the definitions."""
        found = self._closures.get(id(node))
        if found is None:
            seen: set[str] = set()
            queue = list(node.names)
            while queue:
                name = queue.pop()
                if name in seen:
                    continue
                seen.add(name)
                queue += self.needs(name)
            found = self._closures[id(node)] = frozenset(seen)
            self._edges.setdefault("nodes", []).append(node)
        return found

    def needs(self, name: str) -> set[str]:
        """Names that a declared name needs at once."""
        found: set[str] = set()
        definition = self.defs.get(name)
        if definition is not None:
            found |= definition.body.names - set(definition.params)
        if name in self.families:
            found |= {key for key in self.scope if self.family_of(key) == name}
            for pair in self.families[name].ranges:
                found |= pair[0].names | pair[1].names if pair else set()
        if name in self.lets:
            found |= self.lets[name].domain.names
        if name in self.rvs and self.rvs[name].dist is not None:
            found |= self.rvs[name].dist.names
        for factor in self.pmfs.get(name, ()):
            found |= set(factor.left + factor.given)
            if factor.body is not None:
                found |= factor.body.names
        return found

    def family_of(self, key: str) -> str:
        """The sequence that a name with a literal index, such as ``h_{0}``, belongs to."""
        for mark, end in (("_{", "}"), ("^{(", ")}"), ("^{[", "]}")):
            place = key.find(mark)
            if place > 0 and key.endswith(end) and key[:place] in self.families:
                return key[:place]
        return ""

    def boundary(self, key: str, index: tuple, evaluator) -> Node | None:
        """The symbol declared for one place of a sequence, such as ``h_0`` or ``h_{T+1}``."""
        candidates = [k for k in self.scope if k != key and self.family_of(k) == key]
        for name in candidates:
            inside = re.search(r"[_^]\{[(\[]?(.*?)[)\]]?\}$", name).group(1)
            try:
                node = self._edges.get(name) or parse_expression(inside, self.scope)
                self._edges[name] = node
                if (evaluator.value(node),) == index:
                    return self._edges.setdefault("sym " + name, Node("sym", (name,)))
            except Refused:
                continue
        return None

    # ---- domains ------------------------------------------------------------------------

    def finite_domain(self, name: str):
        """Domain of the declared name that an index is called after, primes aside."""
        stem = name.rstrip("'")
        if stem in self.outcomes:
            return (stem, self.outcomes[stem])
        let = self.lets.get(stem)
        if let is not None and not let.ranges and let.domain.args[0] in ("set", "range", "onehot"):
            return (stem, let.domain)
        return None

    def domain_members(self, found, evaluator) -> list:
        stem, domain = found
        if domain is not None:
            from .env import NOWHERE

            return evaluator.domain_values(domain, NOWHERE)
        return list(range(1, evaluator.draw.dims["alphabet " + stem] + 1))

    def is_discrete(self, key: str) -> bool:
        if key in self.outcomes or (key in self.scope and self.scope[key].kind == "dim"):
            return True
        let = self.lets.get(key)
        return let is not None and let.domain.args[0] in ("set", "range", "onehot", "N", "N0", "Z")


# ---- reading lines -----------------------------------------------------------------------


def split_top(text: str, mark: str) -> list[tuple[int, str]]:
    """Parts of a line between marks outside of brackets, with their places."""
    parts, depth, start = [], 0, 0
    place = 0
    while place < len(text):
        char = text[place]
        if char == "\\" and place + 1 < len(text) and text[place + 1] in "{}":
            depth += 1 if text[place + 1] == "{" else -1
            place += 2
            continue
        if char == "\\" and place + 1 < len(text) and text[place + 1] in ";,:!|\\ ":
            place += 2
            continue
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(char, 0)
        if text.startswith((r"\begin{", r"\end{"), place):
            depth += 1 if text[place + 1] == "b" else -1
        if depth <= 0 and text.startswith(mark, place):
            parts.append((start, text[start:place]))
            start = place + len(mark)
            place = start
            continue
        place += 1
    parts.append((start, text[start:]))
    return parts


def pad(start: int, text: str) -> str:
    """The text at its own place in the line, so that a caret points at the line."""
    return " " * start + text


def add_name(program: Program, info: Info, parser: Parser, place: int) -> None:
    old = program.scope.get(info.key)
    if old is not None and not old.forward and not (old.kind == "pmf" and info.kind == "pmf"):
        what = "a dimension" if old.kind == "dim" else "declared"
        raise parser.refuse(f"{info.key} is already {what}", place)
    program.scope[info.key] = info


def read_pattern(parser: Parser) -> Pattern:
    """A name with raw scripts."""
    start = parser.place()
    base = parser.base()
    primes, sub, sup = parser.scripts()
    parser.at = max([parser.at + primes] + [s.after for s in (sub, sup) if s])
    for script in (sub, sup):
        if script:
            parser.check_script(script)
    items: list[str] = []
    if sub:
        for place in range(sub.first, sub.last):
            token = parser.tokens[place]
            if token.text != ",":
                items.append(token.text)
    return Pattern(base + "'" * primes, items, sub.text if sub else "", sup.text if sup else "",
                   start, parser.at)


def name_info(pattern: Pattern, variables: list[str], kind: str, parser: Parser) -> Info:
    """What the scripts of a declared name mean: index of a sequence, or part of the name."""
    used: list[str] = []
    sup_family = sub_family = False
    style = ""
    if pattern.sup[:1] in ("(", "["):
        inside = pattern.sup[1:-1].split(",")
        if all(i in variables for i in inside):
            used += inside
            sup_family, style = True, pattern.sup[0]
    if pattern.sub and all(i in variables for i in pattern.sub):
        used += pattern.sub
        sub_family = True
    missing = [n for n in variables if n not in used]
    if missing:
        raise parser.refuse(f"the range of {missing[0]} is given, but {missing[0]} is not an index "
                            f"of {pattern.base}", pattern.start)
    if len(set(used)) < len(used):
        raise parser.refuse("an index stands twice on the left", pattern.start)
    key = pattern.literal(sub=not sub_family, sup=not sup_family)
    info = Info(kind, key, params=tuple(used), style=style)
    info.sup = len(pattern.sup[1:-1].split(",")) if sup_family else 0
    info.sub = len(pattern.sub) if sub_family else 0
    return info


def take_ranges(text: str, scope: Scope):
    """Cut ``\\quad (t=1,\\ldots,T)`` from the end of a line: the rest, and the ranges."""
    found = RANGE.search(text)
    if found is None or "sum" in found.group("inside"):
        return text, {}
    ranges: dict[str, tuple] = {}
    base = found.start("inside")
    for offset, part in split_top(found.group("inside"), ";"):
        parser = Parser(pad(base + offset, part), scope, declaring=True)
        names = [parser.binder_name()]
        while parser.accept(","):
            names.append(parser.binder_name())
        parser.take("=")
        low, high = read_range(parser)
        for name in names:
            if name in ranges:
                raise parser.refuse(f"two ranges for {name}")
            ranges[name] = (low, high)
    rest = re.sub(r"(\\q?quad|\\[,;: ]|[\s,])+$", "", text[:found.start()])
    return rest, ranges


def read_range(parser: Parser) -> tuple[Node, Node]:
    """``1,\\ldots,T``, or two or more whole numbers in a row: first and last index."""
    items = [parser.expr()]
    parser.take(",")
    while parser.peek() != r"\ldots":
        items.append(parser.expr())
        if not parser.accept(","):
            break
    if parser.peek() == r"\ldots":
        parser.take()
        parser.take(",")
        parser.declare_dims()
        items.append(parser.expr())
        parser.done()
        return items[0], items[-1]
    parser.done()
    numbers = [constant(i) for i in items]
    if None in numbers or numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        raise parser.refuse(r"a range is (t=1,\ldots,T), or whole numbers in a row, (t=0,1)",
                            items[0].start)
    return items[0], replace(items[-1], grouped=True)


def constant(node: Node) -> int | None:
    """The whole number that a node is, if it is one."""
    if node.kind == "num" and "." not in node.args[0]:
        return int(node.args[0])
    if node.kind == "neg":
        inner = constant(node.args[0])
        return None if inner is None else -inner
    return None


def ranges_for(info: Info, ranges: dict) -> tuple:
    return tuple(ranges[n] for n in info.params)


def read_let(program: Program, text: str, line: int) -> None:
    for start, part in split_top(text, ";"):
        if part.strip():
            read_let_item(program, pad(start, part), line)


def read_let_item(program: Program, text: str, line: int) -> None:
    text, ranges = take_ranges(text, program.scope)
    parser = Parser(text, program.scope, declaring=True)
    patterns = [read_pattern(parser)]
    while parser.accept(","):
        patterns.append(read_pattern(parser))
    if parser.peek() != r"\in":
        raise parser.refuse(r"\in and a domain are expected here: let: x \in \mathbb{R}")
    parser.take(r"\in")
    domain = parser.domain()
    parser.done()
    for name in ranges:
        if any(name in d.names for d in walk(domain) if d.kind == "sym"):
            raise parser.refuse(f"the domain depends on the index {name}: give each its own line")
    for pattern in patterns:
        info = name_info(pattern, list(ranges), "let", parser)
        info.line = line
        info.discrete = domain.args[0] in ("set", "range", "onehot")
        add_name(program, info, parser, pattern.start)
        let = Let(info.key, domain, ranges_for(info, ranges), line)
        program.lets[info.key] = let
        program.order.append(("let", info.key))
        if info.arity:
            program.families[info.key] = let


def read_rv(program: Program, text: str, line: int) -> None:
    for start, part in split_top(text, ";"):
        if part.strip():
            read_rv_item(program, pad(start, part), line)


def read_rv_item(program: Program, text: str, line: int) -> None:
    text, ranges = take_ranges(text, program.scope)
    parser = Parser(text, program.scope, declaring=True)
    patterns = [read_pattern(parser)]
    while parser.accept(","):
        patterns.append(read_pattern(parser))
    domain = dist = None
    if parser.accept(r"\sim"):
        dist = parser.distribution(())
        if dist.kind not in ("normal", "bernoulli"):
            raise parser.refuse(r"a random variable is \sim \mathcal{N}(m, v) or "
                                r"\mathrm{Bernoulli}(p), or \in a domain")
    elif parser.accept(r"\in"):
        domain = parser.domain()
    else:
        raise parser.refuse(r"\in or \sim is expected here")
    parser.done()
    for pattern in patterns:
        info = name_info(pattern, list(ranges), "rv", parser)
        info.line = line
        if info.arity > 1:
            raise parser.refuse("a sequence of random variables has one index", pattern.start)
        add_name(program, info, parser, pattern.start)
        rv = Random(info.key, domain, dist, ranges_for(info, ranges), line)
        program.rvs[info.key] = rv
        program.order.append(("rv", info.key))
        if info.arity:
            program.families[info.key] = rv


def read_fun(program: Program, text: str, line: int) -> None:
    for start, part in split_top(text, ";"):
        if not part.strip():
            continue
        parser = Parser(pad(start, part), program.scope, declaring=True)
        patterns = [read_pattern(parser)]
        while parser.accept(","):
            patterns.append(read_pattern(parser))
        parser.take(":")
        inputs = [parser.domain()]
        while parser.accept(r"\times"):
            inputs.append(parser.domain())
        parser.take(r"\to")
        output = parser.domain()
        parser.done()
        if output.args[0] not in ("R", "R+") and not output.args[0].startswith("interval"):
            raise parser.refuse(r"the values of a function are in \mathbb{R}, \mathbb{R}_{>0}, "
                                r"(0,1) or \mathbb{R}^n", output.start)
        for pattern in patterns:
            key = pattern.literal()
            params = tuple(f"argument {i + 1}" for i in range(len(inputs)))
            add_name(program, Info("fun", key, params, line=line), parser, pattern.start)
            program.funs[key] = Fun(key, tuple(inputs), output, line)
            program.order.append(("fun", key))


def read_pmf(program: Program, text: str, line: int) -> None:
    for start, part in split_top(text, ";"):
        if part.strip():
            read_pmf_item(program, pad(start, part), line)


MEMBERS = re.compile(r"\\q?quad\s*\((?P<inside>.*\\in.*)\)\s*$")


def read_alphabets(program: Program, text: str) -> tuple[str, dict[str, Node]]:
    """Cut ``\\quad (a\\in\\{0,1\\})`` from the end of a table: the rest, and the finite sets."""
    found = MEMBERS.search(text)
    if found is None:
        return text, {}
    parser = Parser(pad(found.start("inside"), found.group("inside")), program.scope,
                    declaring=True)
    domains: dict[str, Node] = {}
    while True:
        names = [parser.binder_name()]
        while parser.accept(","):
            names.append(parser.binder_name())
        parser.take(r"\in")
        domain = parser.domain()
        if domain.args[0] not in ("set", "range", "onehot"):
            raise parser.refuse("a finite set is expected here", domain.start)
        domains.update(dict.fromkeys(names, domain))
        if not parser.accept(",", ";"):
            parser.done()
            return text[:found.start()], domains


def read_pmf_item(program: Program, text: str, line: int) -> None:
    text, domains = read_alphabets(program, text)
    sides = split_top(text, "=")
    parser = Parser(sides[0][1], program.scope)
    pattern = read_pattern(parser)
    left, given = [], []
    parser.take("(")
    left.append(parser.binder_name())
    while parser.accept(","):
        left.append(parser.binder_name())
    if parser.accept(r"\mid"):
        given.append(parser.binder_name())
        while parser.accept(","):
            given.append(parser.binder_name())
    parser.take(")")
    parser.done()
    names = [*left, *given]
    if len(set(names)) < len(names):
        raise parser.refuse("a name stands twice")
    for name in domains:
        if name not in names:
            raise parser.refuse(f"{name} is no variable of this table")
    for name in names:
        outcome(program, name, parser, line, domains.get(name))
    key = pattern.literal()
    body = None
    if len(sides) > 1:
        rest = text[sides[1][0]:]
        body = read_body(program, pad(sides[1][0], rest), names)
    old = program.pmfs.get(key, [])
    if any(n in f.left for n in left for f in old):
        raise parser.refuse(f"{key} has two tables for the same variable", pattern.start)
    params = tuple(dict.fromkeys([n for f in old for n in f.left] + left))
    add_name(program, Info("pmf", key, params, discrete=True, line=line), parser, pattern.start)
    program.pmfs[key] = [*old, Factor(tuple(left), tuple(given), body)]
    if not old:
        program.order.append(("pmf", key))


def outcome(program: Program, name: str, parser: Parser, line: int, domain=None) -> None:
    """A variable of a table: one declared with a finite domain, or a new one."""
    info = program.scope.get(name)
    if info is None:
        program.scope[name] = Info("outcome", name, discrete=True, line=line)
        program.outcomes[name] = domain
    elif domain is not None:
        raise parser.refuse(f"{name} has a finite set already")
    elif name in program.lets:
        if program.lets[name].domain.args[0] not in ("set", "range", "onehot"):
            raise parser.refuse(f"{name} is not from a finite set: a table needs one")
        program.outcomes.setdefault(name, program.lets[name].domain)
    elif name not in program.outcomes:
        raise parser.refuse(f"{name} is declared as something else")


def read_body(program: Program, text: str, bound: list[str]) -> Node:
    parser = Parser(text, program.scope, bound=list(bound))
    node = parser.expr()
    parser.done()
    check_bound_and_free(text, node)
    return node


def read_def(program: Program, text: str, line: int) -> None:
    text, ranges = take_ranges(text, program.scope)
    sides = split_top(text, "=")
    if len(sides) != 2:
        raise Refused("parse", "a definition has one = sign" if len(sides) > 2 else
                      "a definition has an = sign", 0, text)
    parser = Parser(sides[0][1], program.scope)
    pattern = read_pattern(parser)
    params: list[str] = []
    if parser.accept("("):
        params.append(parser.binder_name())
        while parser.accept(","):
            params.append(parser.binder_name())
        parser.take(")")
    parser.done()
    if len(set(params)) < len(params):
        raise parser.refuse("an argument stands twice", pattern.start)
    body_text = pad(sides[1][0], sides[1][1])
    if params:
        define_function(program, parser, pattern, params, ranges, body_text, line)
    else:
        define_value(program, parser, pattern, ranges, body_text, line)


def define_function(program, parser, pattern, params, ranges, body_text, line) -> None:
    if ranges:
        raise parser.refuse("a function has arguments, not a range")
    key = pattern.literal()
    if key in program.scope:
        raise parser.refuse(f"{key} is already declared", pattern.start)
    body = read_body(program, body_text, params)
    for param in params:
        if param not in body.names:
            raise parser.refuse(f"the argument {param} of {key} is not used", pattern.start)
    discrete = all(p in program.outcomes or finite_let(program, p) for p in params)
    if discrete:
        for param in params:
            program.outcomes.setdefault(param, program.lets[param].domain
                                        if param in program.lets else None)
        program.pmfs[key] = [Factor(tuple(params), (), body)]
    add_name(program, Info("function", key, tuple(params), discrete=discrete, line=line), parser,
             pattern.start)
    program.defs[key] = Definition(key, body, tuple(params), line=line)
    program.order.append(("def", key))


def finite_let(program: Program, name: str) -> bool:
    let = program.lets.get(name)
    return let is not None and not let.ranges and let.domain.args[0] in ("set", "range", "onehot")


def define_value(program, parser, pattern, ranges, body_text, line) -> None:
    ranges = dict(ranges)
    letters = list(pattern.sub)
    if pattern.sup[:1] in ("(", "["):
        letters += pattern.sup[1:-1].split(",")
    for letter in letters:
        let = program.lets.get(letter)
        if letter in ranges:
            continue
        if let is not None and let.domain.args[0] == "range" and not let.domain.args[1]:
            ranges[letter] = let.domain.args[2]
        elif letter not in program.scope and is_letter(letter) and mentions(body_text, letter):
            ranges[letter] = None
    info = name_info(pattern, list(ranges), "def", parser)
    info.line = line
    announced = program.scope.get(info.key)
    if announced is not None and not announced.forward:
        raise parser.refuse(f"{info.key} is already declared", pattern.start)
    definition = Definition(info.key, None, (), info.params, ranges_for(info, ranges), line)
    add_name(program, info, parser, pattern.start)
    if info.arity:
        program.families[info.key] = definition
    try:
        definition.body = read_body(program, body_text, list(info.params))
    except Refused:
        del program.scope[info.key]
        program.families.pop(info.key, None)
        raise
    for name in info.params:
        if name not in definition.body.names:
            raise parser.refuse(f"the index {name} is not used on the right", pattern.start)
    if not info.arity and info.key in definition.body.names:
        raise parser.refuse(f"{info.key} is defined by itself", pattern.start)
    program.defs[info.key] = definition
    program.order.append(("def", info.key))


def announce(program: Program, lines: list[str]) -> None:
    """Make the sequences that recursions define known before they are read.

    A recursion may use another one that stands below it: ``f_t`` needs ``h_{t-1}``, and ``h_t``
    needs ``f_t``.
    """
    for raw in lines:
        if not raw.startswith("def:"):
            continue
        try:
            text, ranges = take_ranges(raw[4:].split(" -- ")[0], {})
            if not ranges:
                continue
            parser = Parser(split_top(text, "=")[0][1], {})
            info = name_info(read_pattern(parser), list(ranges), "def", parser)
        except Refused:
            continue
        if parser.at == parser.end and info.arity and info.key not in program.scope:
            info.forward = True
            program.scope[info.key] = info


def is_letter(text: str) -> bool:
    return (len(text) == 1 and text.isalpha()) or text in GREEK


def mentions(text: str, letter: str) -> bool:
    return any(t.text == letter for t in Parser(text, {}).tokens)


def read_assume(program: Program, text: str, line: int) -> None:
    if r"\perp" in text:
        return read_independence(program, text)
    conditions = parse_conditions(text, program.scope)
    program.assumptions += conditions


def read_independence(program: Program, text: str) -> None:
    parser = Parser(text, program.scope)
    groups = []
    while True:
        names = []
        if parser.accept("("):
            names.append(read_pattern(parser).literal())
            while parser.accept(","):
                names.append(read_pattern(parser).literal())
            parser.take(")")
        else:
            names.append(read_pattern(parser).literal())
        for name in names:
            if name not in program.rvs:
                raise parser.refuse(f"{name} is not a random variable")
        groups.append(tuple(names))
        if not parser.accept(r"\perp"):
            break
    parser.done()
    named = [n for g in groups for n in g]
    left_out = [k for k, rv in program.rvs.items() if rv.dist is None and k not in named]
    if left_out or len(set(named)) < len(named) or program.independent:
        raise parser.refuse(r"one line says which random variables are independent: X \perp Y, "
                            r"(X, Z) \perp Y; every one stands in it once")
    program.independent = groups


READERS = {"let": read_let, "rv": read_rv, "fun": read_fun, "pmf": read_pmf, "def": read_def,
           "assume": read_assume}


def read_line(program: Program, keyword: str, text: str, line: int) -> None:
    """Read one declaration into the program."""
    READERS[keyword](program, text, line)


__all__ = ["Program", "is_table", "read_line", "replace", "split_top", "take_ranges"]
