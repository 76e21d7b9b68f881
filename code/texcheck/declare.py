"""Declarations: what a line of a block says of its names.

A name enters the program when all of its line has been read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from .domains import FINITE
from .errors import Refused
from .grammar import Parser, check_bound_and_free, parse_conditions
from .lexer import Token
from .lines import Line, members_at, range_at, split
from .names import Info, Scope, is_letter
from .notation.distributions import KINDS, LAWS, read_distribution
from .program import Definition, Factor, Fun, Let, Program, Random, Range
from .trees import Node, walk

Ranges = dict[str, Range]


@dataclass
class Pattern:
    """A name on the left of a declaration, before it is known what its scripts mean."""

    base: str
    sub: list[str]
    sub_text: str
    sup: str
    start: int

    def literal(self, sub: bool = True, sup: bool = True) -> str:
        """The name with its scripts as they are written."""
        key = self.base
        if sub and self.sub_text:
            key += f"_{{{self.sub_text}}}"
        if sup and self.sup:
            key += f"^{{{self.sup}}}"
        return key


def declare(program: Program, line: Line) -> None:
    """Read one declaration into the program.

    Raises
    ------
    Refused
        With the place in the line.
    """
    READERS[line.keyword](program, line)


# ---- names -------------------------------------------------------------------------------


def add_name(program: Program, info: Info, parser: Parser, place: int) -> None:
    old = parser.lookup(info.key)
    if old is not None and not old.forward and not (old.kind == "pmf" and info.kind == "pmf"):
        what = "a dimension" if old.kind == "dim" else "declared"
        raise parser.refuse(f"{info.key} is already {what}", place)
    program.scope[info.key] = info


def add_dims(program: Program, parser: Parser) -> None:
    """Enter the dimensions that a declaration has brought with it."""
    for key, info in parser.found.items():
        program.scope.setdefault(key, info)


def read_pattern(parser: Parser) -> Pattern:
    """A name with raw scripts."""
    start = parser.place()
    base = parser.base()
    primes, sub, sup = parser.scripts()
    parser.at = max([parser.at + primes] + [s.after for s in (sub, sup) if s])
    for script in (sub, sup):
        if script:
            parser.check_script(script)
    items = [t.text for t in parser.tokens[sub.first:sub.last] if t.text != ","] if sub else []
    return Pattern(base + "'" * primes, items, sub.text if sub else "", sup.text if sup else "",
                   start)


def read_patterns(parser: Parser) -> list[Pattern]:
    patterns = [read_pattern(parser)]
    while parser.accept(","):
        patterns.append(read_pattern(parser))
    return patterns


def name_info(pattern: Pattern, variables: list[str], kind: str, parser: Parser,
              line: int = 0) -> Info:
    """What the scripts of a declared name mean: index of a sequence, or part of the name."""
    used: list[str] = []
    sup_family = sub_family = False
    inside = pattern.sup[1:-1].split(",") if pattern.sup[:1] in ("(", "[") else []
    if inside and all(i in variables for i in inside):
        used += inside
        sup_family = True
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
    return Info(kind, key, tuple(used), sup=len(inside) if sup_family else 0,
                sub=len(pattern.sub) if sub_family else 0,
                style=pattern.sup[0] if sup_family else "", line=line)


# ---- ranges ------------------------------------------------------------------------------


def take_ranges(text: str, tokens: Sequence[Token],
                scope: Scope) -> tuple[list[Token], Ranges, Scope]:
    r"""Cut ``\quad (t=1,\ldots,T)`` from the end: the rest, the ranges, and new dimensions."""
    place = range_at(tokens)
    if place is None:
        return list(tokens), {}, {}
    ranges: Ranges = {}
    found: Scope = {}
    for _, part in split(tokens[place + 1:-1], ";"):
        parser = Parser(text, scope, part, declaring=True)
        parser.found.update(found)
        names = [parser.binder_name()]
        while parser.accept(","):
            names.append(parser.binder_name())
        parser.take("=")
        pair = read_range(parser)
        for name in names:
            if name in ranges:
                raise parser.refuse(f"two ranges for {name}")
            ranges[name] = pair
        found.update(parser.found)
    rest = list(tokens[:place])
    while rest and rest[-1].text == ",":
        rest.pop()
    return rest, ranges, found


def read_range(parser: Parser) -> Range:
    r"""``1,\ldots,T``, or two or more whole numbers in a row: first and last index."""
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
        return Range(items[0], items[-1])
    parser.done()
    numbers = [constant(i) for i in items]
    first = numbers[0]
    if first is None or numbers != list(range(first, first + len(numbers))):
        raise parser.refuse(r"a range is (t=1,\ldots,T), or whole numbers in a row, (t=0,1)",
                            items[0].start)
    return Range(items[0], items[-1], listed=True)


def constant(node: Node) -> int | None:
    """The whole number that a node is, if it is one."""
    if node.kind == "num" and "." not in node.args[0]:
        return int(node.args[0])
    if node.kind == "neg":
        inner = constant(node.args[0])
        return None if inner is None else -inner
    return None


def ranges_for(info: Info, ranges: Ranges) -> tuple[Range, ...]:
    return tuple(ranges[n] for n in info.params)


# ---- let:, rv:, fun: ---------------------------------------------------------------------


def read_let(program: Program, line: Line) -> None:
    """The items of a line; a range at its end is that of every sequence on the line."""
    parts = [part for _, part in split(line.tokens, ";") if part]
    if not parts:
        return
    parts[-1], shared, found = take_ranges(line.raw, parts[-1], program.scope)
    used: set[str] = set()
    for part in parts:
        parser, own = starting(program, line, part)
        parser.found.update(found)
        used |= read_let_item(program, parser, own, shared, line.number)
    missing = [name for name in shared if name not in used]
    if missing:
        raise Refused("parse", f"the range of {missing[0]} is given, but {missing[0]} is not an "
                      f"index of what is declared", line.start, line.raw)


def inherited(pattern: Pattern, ranges: Ranges) -> Ranges:
    """The ranges that stand at the end of the line, of the letters that the name carries."""
    carried = [*pattern.sub, *(pattern.sup[1:-1].split(",") if pattern.sup[:1] in "([" else [])]
    return {n: r for n, r in ranges.items() if n in carried}


def starting(program: Program, line: Line, tokens: Sequence[Token]) -> tuple[Parser, Ranges]:
    """A parser for a declaration, and the ranges at its end."""
    rest, ranges, found = take_ranges(line.raw, tokens, program.scope)
    parser = Parser(line.raw, program.scope, rest, declaring=True)
    parser.found.update(found)
    return parser, ranges


def read_let_item(program: Program, parser: Parser, own: Ranges, shared: Ranges,
                  line: int) -> set[str]:
    """Declare one item; the letters of the shared ranges that it uses."""
    patterns = read_patterns(parser)
    if parser.peek() != r"\in":
        raise parser.refuse(r"\in and a domain are expected here: let: x \in \mathbb{R}")
    parser.take(r"\in")
    domain = parser.domain()
    parser.done()
    used: set[str] = set()
    for pattern in patterns:
        ranges = own or inherited(pattern, shared)
        used |= set(ranges) & set(shared)
        for name in ranges:
            if any(name in d.names for d in walk(domain) if d.kind == "sym"):
                raise parser.refuse(f"the domain depends on the index {name}: give each its own "
                                    "line")
        info = name_info(pattern, list(ranges), "let", parser, line)
        info.discrete = domain.args[0] in FINITE
        info.axes = entry_axes(domain)
        add_name(program, info, parser, pattern.start)
        let = Let(info.key, domain, ranges_for(info, ranges), line)
        program.lets[info.key] = let
        program.order.append(("let", info.key))
        if info.arity:
            program.families[info.key] = let
    add_dims(program, parser)
    return used


def entry_axes(domain: Node) -> int:
    """How many indices an entry of a member of a domain takes."""
    square = domain.args[0] in ("S", "S+", "S++", "orthogonal") or domain.args[0].startswith("diag")
    return 2 if square else len(domain.args[1])


def read_rv(program: Program, line: Line) -> None:
    for _, part in split(line.tokens, ";"):
        if part:
            read_rv_item(program, line, part)


def read_rv_item(program: Program, line: Line, tokens: Sequence[Token]) -> None:
    parser, ranges = starting(program, line, tokens)
    patterns = read_patterns(parser)
    infos = [name_info(p, list(ranges), "rv", parser, line.number) for p in patterns]
    for pattern, info in zip(patterns, infos, strict=True):
        if info.arity > 1:
            raise parser.refuse("a sequence of random variables has one index", pattern.start)
        if info.arity and parser.lookup(info.key) is None:  # earlier places of itself
            parser.scope = {**parser.scope, info.key: info}
    domain = dist = None
    if parser.accept(r"\sim"):
        parser.bound += list(ranges)
        dist = read_distribution(parser, ())
        if dist.kind not in KINDS:
            raise parser.refuse("a random variable is \\sim " + ", ".join(
                words[0] for words in (law.words for law in LAWS)) + ", or \\in a domain")
    elif parser.accept(r"\in"):
        domain = parser.domain()
    else:
        raise parser.refuse(r"\in or \sim is expected here")
    parser.done()
    add_dims(program, parser)
    for pattern, info in zip(patterns, infos, strict=True):
        add_name(program, info, Parser(line.raw, program.scope, []), pattern.start)
        rv = Random(info.key, domain, dist, ranges_for(info, ranges), line.number, info.params)
        program.rvs[info.key] = rv
        program.order.append(("rv", info.key))
        if info.arity:
            program.families[info.key] = rv


def read_fun(program: Program, line: Line) -> None:
    for _, part in split(line.tokens, ";"):
        if part:
            read_fun_item(program, line, part)


def read_fun_item(program: Program, line: Line, tokens: Sequence[Token]) -> None:
    parser = Parser(line.raw, program.scope, list(tokens), declaring=True)
    patterns = read_patterns(parser)
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
    add_dims(program, parser)
    for pattern in patterns:
        key = pattern.literal()
        params = tuple(f"argument {i + 1}" for i in range(len(inputs)))
        add_name(program, Info("fun", key, params, line=line.number), parser, pattern.start)
        program.funs[key] = Fun(key, tuple(inputs), output, line.number)
        program.order.append(("fun", key))


# ---- pmf: --------------------------------------------------------------------------------


def read_pmf(program: Program, line: Line) -> None:
    for _, part in split(line.tokens, ";"):
        if part:
            read_pmf_item(program, line, part)


def read_alphabets(program: Program, line: Line, tokens: Sequence[Token]
                   ) -> tuple[list[Token], dict[str, Node], Scope]:
    r"""Cut ``\quad (a\in\{0,1\})`` from the end of a table: the rest, and the finite sets."""
    place = members_at(line.raw, tokens)
    if place is None:
        return list(tokens), {}, {}
    parser = Parser(line.raw, program.scope, list(tokens[place + 1:-1]), declaring=True)
    domains: dict[str, Node] = {}
    while True:
        names = [parser.binder_name()]
        while parser.accept(","):
            names.append(parser.binder_name())
        parser.take(r"\in")
        domain = parser.domain()
        if domain.args[0] not in FINITE:
            raise parser.refuse("a finite set is expected here", domain.start)
        domains.update(dict.fromkeys(names, domain))
        if not parser.accept(",", ";"):
            parser.done()
            return list(tokens[:place]), domains, parser.found


def read_head(parser: Parser) -> tuple[Pattern, list[str], list[str]]:
    """``p(x, z \\mid y)``: the name, and the letters on both sides of the bar."""
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
    if len({*left, *given}) < len(left) + len(given):
        raise parser.refuse("a name stands twice")
    return pattern, left, given


def read_pmf_item(program: Program, line: Line, tokens: Sequence[Token]) -> None:
    rest, domains, found = read_alphabets(program, line, tokens)
    sides = split(rest, "=")
    parser = Parser(line.raw, program.scope, sides[0][1])
    parser.found.update(found)
    pattern, left, given = read_head(parser)
    names = [*left, *given]
    for name in domains:
        if name not in names:
            raise parser.refuse(f"{name} is no variable of this table")
    add_dims(program, parser)
    for name in names:
        add_outcome(program, name, parser, line.number, domains.get(name))
    key = pattern.literal()
    body = None
    if len(sides) > 1:
        body = read_body(program, line.raw, rest[len(sides[0][1]) + 1:], names)
    old = program.pmfs.get(key, [])
    if any(n in f.left for n in left for f in old):
        raise parser.refuse(f"{key} has two tables for the same variable", pattern.start)
    params = tuple(dict.fromkeys([n for f in old for n in f.left] + left))
    add_name(program, Info("pmf", key, params, discrete=True, line=line.number), parser,
             pattern.start)
    program.pmfs[key] = [*old, Factor(tuple(left), tuple(given), body)]
    if not old:
        program.order.append(("pmf", key))


def add_outcome(program: Program, name: str, parser: Parser, line: int,
                domain: Node | None) -> None:
    """A variable of a table: one declared with a finite domain, or a new one."""
    info = program.scope.get(name)
    if info is None:
        program.scope[name] = Info("outcome", name, discrete=True, line=line)
        program.outcomes[name] = domain
    elif domain is not None:
        raise parser.refuse(f"{name} has a finite set already")
    elif name in program.lets:
        if program.lets[name].domain.args[0] not in FINITE:
            raise parser.refuse(f"{name} is not from a finite set: a table needs one")
        program.outcomes.setdefault(name, program.lets[name].domain)
    elif name not in program.outcomes:
        raise parser.refuse(f"{name} is declared as something else")


# ---- def: --------------------------------------------------------------------------------


def read_body(program: Program, text: str, tokens: Sequence[Token], bound: list[str]) -> Node:
    parser = Parser(text, program.scope, list(tokens), bound=bound)
    node = parser.expr()
    parser.done()
    check_bound_and_free(text, node)
    return node


def read_def(program: Program, line: Line) -> None:
    rest, ranges, found = take_ranges(line.raw, line.tokens, program.scope)
    sides = split(rest, "=")
    if len(sides) != 2:
        raise Refused("parse", "a definition has one = sign" if len(sides) > 2 else
                      "a definition has an = sign", line.start, line.raw)
    parser = Parser(line.raw, program.scope, sides[0][1])
    parser.found.update(found)
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
    add_dims(program, parser)
    if not params:
        define_value(program, parser, pattern, ranges, sides[1][1], line.number)
    else:
        define_function(program, parser, pattern, params, ranges, sides[1][1], line.number)


def define_function(program: Program, parser: Parser, pattern: Pattern, params: list[str],
                    ranges: Ranges, tokens: list[Token], line: int) -> None:
    known, open_letters = ranges_of_letters(program, pattern, ranges, tokens)
    info = name_info(pattern, [*known, *open_letters], "function", parser, line)
    if info.sup:
        raise parser.refuse("a function has its index below: write "
                            f"{pattern.base}_{{{info.params[0]}}}({', '.join(params)})",
                            pattern.start)
    key, indices = info.key, info.params
    if key in program.scope:
        raise parser.refuse(f"{key} is already declared", pattern.start)
    if {*indices} & {*params}:
        raise parser.refuse("an index is an argument too: take another letter", pattern.start)
    body = read_body(program, parser.text, tokens, [*params, *indices])
    check_used(program, parser, pattern, body, params)
    if indices:
        spans = tuple((known[n].low, known[n].high) if n in known else () for n in indices)
        body = Node("entries", (indices, spans, body), body.start, body.end)
    discrete = not indices and all(
        p in program.outcomes or finite_let(program, p) for p in params)
    if discrete:
        for param in params:
            program.outcomes.setdefault(param, program.lets[param].domain
                                        if param in program.lets else None)
        program.pmfs[key] = [Factor(tuple(params), (), body)]
    add_name(program, Info("function", key, tuple(params), sub=len(indices), discrete=discrete,
                           line=line), parser, pattern.start)
    program.defs[key] = Definition(key, body, tuple(params), line=line)
    program.order.append(("def", key))


def check_used(program: Program, parser: Parser, pattern: Pattern, body: Node,
               params: list[str]) -> None:
    """Refuse an argument that stands nowhere on the right."""
    for param in params:
        if param in body.names:
            continue
        through = sorted(n for n in body.names if n in program.defs and param in (
            program.closure(Node("sym", (n,)))))
        hint = "" if not through or param not in program.lets else (
            f": it stands in {through[0]}, which is of the declared {param}; write a value, def: "
            f"{pattern.literal()} = …, and its derivative \\nabla_{{{param}}} "
            f"{pattern.literal()}, or {through[0]} out in full")
        raise parser.refuse(f"the argument {param} of {pattern.literal()} is not used{hint}",
                            pattern.start)


def finite_let(program: Program, name: str) -> bool:
    let = program.lets.get(name)
    return let is not None and not let.ranges and let.domain.args[0] in FINITE


def define_value(program: Program, parser: Parser, pattern: Pattern, given: Ranges,
                 tokens: list[Token], line: int) -> None:
    known, open_letters = ranges_of_letters(program, pattern, given, tokens)
    if open_letters and not known and is_label(program, parser.text, open_letters, tokens):
        open_letters = []
    info = name_info(pattern, [*known, *open_letters], "def", parser, line)
    announced = program.scope.get(info.key)
    if announced is not None and not announced.forward:
        raise parser.refuse(f"{info.key} is already declared", pattern.start)
    ranges = tuple(known.get(n) for n in info.params)
    add_name(program, info, parser, pattern.start)
    if info.arity:
        program.families[info.key] = Definition(info.key, Node("num", ("0",)), (), info.params,
                                                ranges, line)
    try:
        body = read_body(program, parser.text, tokens, list(info.params))
    except Refused:
        del program.scope[info.key]
        program.families.pop(info.key, None)
        raise
    for name in info.params:
        if name not in body.names:
            raise parser.refuse(
                f"the index {name} is not used on the right: use it there, or set a label upright, "
                rf"{pattern.base}_{{\mathrm{{{name.lstrip(chr(92))}}}}}", pattern.start)
    if not info.arity and info.key in body.names:
        raise parser.refuse(f"{info.key} is defined by itself", pattern.start)
    definition = Definition(info.key, body, (), info.params, ranges, line)
    if info.arity:
        program.families[info.key] = definition
    program.defs[info.key] = definition
    program.order.append(("def", info.key))


def ranges_of_letters(program: Program, pattern: Pattern, given: Ranges,
                      tokens: list[Token]) -> tuple[Ranges, list[str]]:
    """The ranges of the indices of a definition, and the letters whose range follows from where
    they stand on the right."""
    known = dict(given)
    open_letters: list[str] = []
    letters = list(pattern.sub) if all(map(is_letter, pattern.sub)) else []
    if pattern.sup[:1] in ("(", "["):
        letters += pattern.sup[1:-1].split(",")
    for letter in letters:
        let = program.lets.get(letter)
        if letter in known:
            continue
        if let is not None and let.domain.args[0] == "range" and not let.domain.args[1]:
            known[letter] = Range(*let.domain.args[2])
        elif letter not in program.scope and is_letter(letter) and any(
                t.text == letter for t in tokens):
            open_letters.append(letter)
    return known, open_letters


def is_label(program: Program, text: str, letters: list[str], tokens: list[Token]) -> bool:
    r"""Whether letters of the name that is defined stand on the right in names alone, so that they
    are part of its name too: ``\beta_t = 1 - \alpha_t`` for a symbol ``\alpha_t``."""
    try:
        body = read_body(program, text, tokens, letters)
    except Refused:
        return False
    return not body.names & set(letters)


def announce(program: Program, lines: list[Line]) -> None:
    """Make the sequences that recursions define known before they are read.

    A recursion may use another one that stands below it: ``f_t`` needs ``h_{t-1}``, and ``h_t``
    needs ``f_t``.
    """
    for line in lines:
        if line.keyword != "def":
            continue
        try:
            rest, ranges, _ = take_ranges(line.raw, line.tokens, {})
            if not ranges:
                continue
            parser = Parser(line.raw, {}, split(rest, "=")[0][1])
            info = name_info(read_pattern(parser), list(ranges), "def", parser)
        except Refused:
            continue
        if parser.at == parser.end and info.arity and info.key not in program.scope:
            info.forward = True
            program.scope[info.key] = info


# ---- assume: -----------------------------------------------------------------------------


def read_assume(program: Program, line: Line) -> None:
    if any(t.text == r"\perp" for t in line.tokens):
        read_independence(program, line)
    else:
        found, letters = conditions_of(program, line)
        for condition in found:
            restrict(program, condition, letters)
        program.assumptions += [for_all(c, [n for n in letters if n in c.names]) for c in found]


def conditions_of(program: Program, line: Line) -> tuple[list[Node], list[str]]:
    """The conditions of a line, and the indices that no line declares: it holds for all of
    them."""
    try:
        return parse_conditions(line.raw, program.scope, list(line.tokens)), []
    except Refused as error:
        letters = below(line.tokens, program.scope)
        parser = Parser(line.raw, program.scope, list(line.tokens), bound=letters)
        try:
            found = parser.conditions(())
            parser.done()
        except Refused:
            raise error from None
        return found, letters


def below(tokens: Sequence[Token], scope: Scope) -> list[str]:
    """The letters of the subscripts of a line that no line declares."""
    found: dict[str, None] = {}
    depth = 0
    for before, token in pairwise(tokens):
        inside = depth > 0 or before.text == "_"
        if token.text in ("{", "}") and inside:
            depth += 1 if token.text == "{" else -1
        elif inside and is_letter(token.text) and token.text not in scope:
            found[token.text] = None
    return list(found)


def for_all(condition: Node, letters: list[str]) -> Node:
    """A condition that holds for every place of some indices."""
    if not letters:
        return condition
    start, end = condition.start, condition.end
    every = tuple(Node("bind", (name, "auto"), start, end) for name in letters)
    least = Node("big", ("min", every, (), Node("ind", ((condition,),), start, end)), start, end)
    relation = "=" if condition.args[0] == "=" else r"\ge"  # an equality is one for every place
    return Node("rel", (relation, least, Node("num", ("1",))), start, end)


NORMED = {"sphere": (("R",), 1), "stiefel": (("R",), 2), "simplex": (("R+", "R0+", "share"), 1),
          "stochastic": (("R+", "R0+", "share"), 2), "stochasticT": (("R+", "R0+", "share"), 2)}


def restrict(program: Program, condition: Node, letters: Sequence[str] = ()) -> None:
    r"""Draw a symbol from where an equality holds, which no draw meets by chance: orthonormal
    columns, ``V^\top V = I``; a unit vector, ``\|u\| = 1``; entries that add up to one, in all, in
    every row (``P \mathbf{1} = \mathbf{1}``) or in every column. With `letters`, all members of a
    sequence are drawn so."""
    if condition.kind == "rel" and condition.args[0] in ABOVE and not letters:
        raised(program, *condition.args)
    if condition.kind != "rel" or condition.args[0] != "=":
        return
    _, left, right = condition.args
    key, name = normed(left, right, letters)
    if not key and not letters:
        solve(program, left, right)
    let = program.lets.get(key)
    if let is None or bool(let.ranges) != any(n in condition.names for n in letters):
        return
    kind, sizes, extra = let.domain.args
    if kind.startswith("interval") and [float(e.args[0]) for e in extra if e.kind == "num"] == [
            0.0, 1.0]:
        kind = "share"
    kinds, axes = NORMED[name]
    if kind in kinds and len(sizes) == axes:
        let.domain = Node("domain", (name, sizes, ()), let.domain.start, let.domain.end)


ABOVE = (r"\succ", r"\succeq", r"\prec", r"\preceq")


def raised(program: Program, relation: str, left: Node, right: Node) -> None:
    r"""Draw a symmetric matrix from above what a line says that it exceeds, ``A - B \succ 0`` or
    ``A \succ B``: what it was drawn as is added to that."""
    if relation in (r"\prec", r"\preceq"):
        left, right = right, left
    (sign, first), *others = left.args if left.kind == "add" else (("+", left),)
    let = program.lets.get(symbol(first))
    if let is None or sign != "+" or let.ranges or let.solved is not None or (
            let.domain.args[0] not in ("S", "S+", "S++")):
        return
    over = [("-" if mark == "+" else "+", node) for mark, node in others]
    over += [] if right == Node("num", ("0",)) else [("+", right)]
    behind = frozenset[str]().union(*(program.behind_equalities(node) for _, node in over))
    if not over or let.key in behind or behind & (program.rvs.keys() | program.outcomes.keys()):
        return
    let.solved = Node("add", (("+", Node("sym", (let.key,))), *over))
    if let.domain.args[0] != "S":
        program.assumptions.append(Node("rel", (r"\succeq", first, Node("num", ("0",))),
                                        first.start, first.end))


def solve(program: Program, left: Node, right: Node) -> None:
    """Draw a real symbol from what an equality says that it is, which no draw meets by chance."""
    key = symbol(left)
    let = program.lets.get(key)
    behind = program.behind_equalities(right)
    held = frozenset[str]().union(*(x.domain.names for x in program.lets.values()))
    if let is None or let.ranges or let.solved is not None or let.domain.args[0] != "R" or (
            key in behind | held or not right.names
            or behind & (program.rvs.keys() | program.outcomes.keys())):
        return
    let.solved = right


def normed(left: Node, right: Node, letters: Sequence[str]) -> tuple[str, str]:
    """The symbol of which an equality says how it is normed, and the domain that it says."""
    one = right.kind == "num" and right.args[0] == "1"
    if left.kind == "pow" and left.args[1] == Node("num", ("2",)):
        left = left.args[0]
    if left.kind == "norm" and left.args[1] in ("", "2") and one:
        return symbol(left.args[0], letters), "sphere"
    if left.kind != "mul" or len(left.args) != 2:
        return "", ""
    first, second = left.args
    if is_ones(second) and is_ones(right) and first.kind != "T":
        return symbol(first, letters), "stochastic"
    if first.kind != "T":
        return "", ""
    if is_ones(first.args[0]) and right.kind == "T" and is_ones(right.args[0]):
        return symbol(second, letters), "stochasticT"
    if first.args[0] == second and (one or (right.kind == "const" and right.args[0] == "I")):
        return symbol(second, letters), "sphere" if one else "stiefel"
    if is_ones(first.args[0]) and one:
        return symbol(second, letters), "simplex"
    if is_ones(second) and is_ones(right):
        return symbol(first.args[0], letters), "stochasticT"
    return "", ""


def is_ones(node: Node) -> bool:
    return node.kind == "const" and node.args[0] == "ones"


def symbol(node: Node, letters: Sequence[str] = ()) -> str:
    """The name of a symbol, or of a sequence whose indices are all among some letters."""
    every = node.kind == "term" and all(
        i.kind == "sym" and i.args[0] in letters for i in node.args[1])
    return str(node.args[0]) if node.kind == "sym" or every else ""


def read_independence(program: Program, line: Line) -> None:
    parser = Parser(line.raw, program.scope, list(line.tokens))
    groups = []
    while True:
        if parser.accept("("):
            names = [p.literal() for p in read_patterns(parser)]
            parser.take(")")
        else:
            names = [read_pattern(parser).literal()]
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
