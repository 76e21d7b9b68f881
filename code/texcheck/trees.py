"""The tree that a line of TeX is read as, and how it is printed back.

A `Node` has a kind and arguments (nodes, tuples of nodes, strings). The kinds are

======================  ============================================================
num                     text of a number
sym                     key of a declared symbol, or of a bound one
term                    key of a family (sequence), its indices
item                    base, indices (a node each, or ``':'``)
const                   ``e``, ``pi``, ``I``, ``ones``, with a size node or None
call, fn                a declared function, a built-in one; arguments; order of derivative
add                     ((sign, node), …)
mul, times, had         factors of a product, of ``\\times``, of ``\\odot``
neg, div, pow, epow     as named; epow is the elementwise power
T, invT                 transpose, transpose of the inverse
sqrt, abs, norm, inner  as named; norm has a kind ('2', 'F', '1', 'inf')
big                     sum, prod, max or min; binders, conditions, body
diff, grad              derivative of a node by targets
ind, cases, matrix      indicator, cases, matrix of entries
rel                     operator, two sides
expect, var, cov        binders and body
prob, density, kl       pmf key with events and conditions; normal density; divergence
delta, binom            Kronecker delta, binomial coefficient
======================  ============================================================
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property


@dataclass(eq=False)
class Node:
    """A node of the tree; equality ignores where it stood and whether it had parentheses."""

    kind: str
    args: tuple
    start: int = 0
    end: int = 0
    grouped: bool = field(default=False)

    def __eq__(self, other) -> bool:
        return isinstance(other, Node) and self.kind == other.kind and self.args == other.args

    def __hash__(self) -> int:
        return hash((self.kind, self.args))

    @cached_property
    def names(self) -> frozenset[str]:
        """Keys of all symbols that occur, bound or free."""
        return frozenset(own_names(self)).union(*(child.names for child in children(self)))

    @cached_property
    def bound(self) -> frozenset[str]:
        """Keys that a sum, a product or an expectation inside binds."""
        return frozenset(binds(self)).union(*(child.bound for child in children(self)))

    @cached_property
    def free(self) -> frozenset[str]:
        """Keys that occur and are not bound inside."""
        outer, inner = scoped(self)
        found = set(own_names(self))
        for child in inner:
            found |= child.free
        found -= set(binds(self))
        for child in outer:
            found |= child.free
        return frozenset(found)


def flatten(args) -> Iterator[Node]:
    """All nodes directly inside nested tuples."""
    for arg in args:
        if isinstance(arg, Node):
            yield arg
        elif isinstance(arg, tuple):
            yield from flatten(arg)


def children(node: Node) -> list[Node]:
    """Direct children, in order."""
    return list(flatten(node.args))


def walk(node: Node) -> Iterator[Node]:
    """The node and all that is inside it."""
    yield node
    for child in children(node):
        yield from walk(child)


def own_names(node: Node) -> tuple[str, ...]:
    """Keys that this very node mentions."""
    if node.kind in ("sym", "term", "call", "prob", "pmfdist"):
        return (node.args[0],)
    return ()


def binds(node: Node) -> tuple[str, ...]:
    """Keys that this very node binds."""
    if node.kind == "big":
        return tuple(bind.args[0] for bind in node.args[1])
    if node.kind == "expect" and node.args[0]:
        return tuple(node.args[0])
    return ()


def scoped(node: Node) -> tuple[list[Node], list[Node]]:
    """Children outside and inside of the reach of what the node binds."""
    if node.kind == "big":
        first = [c for bind in node.args[1] for c in flatten(bind.args[2:])]
        return first, [*flatten(node.args[2]), node.args[3]]
    if node.kind == "expect" and node.args[0]:
        dist = node.args[1]
        if dist.kind == "pmfdist":
            return [], [dist, node.args[2]]
        return [dist], [node.args[2]]
    return [], children(node)


def pretty(key: str) -> str:
    r"""A key as an author writes it: ``W_{f}`` is shown as ``W_f``.

    Examples
    --------
    >>> pretty("W_{f}")
    'W_f'
    """
    out = key
    for mark in "_^":
        place = out.find(mark + "{")
        if place >= 0 and out[place + 3:place + 4] == "}":
            out = out[:place + 1] + out[place + 2] + out[place + 4:]
    return out


def show(node) -> str:
    """The tree printed back, fully parenthesised."""
    if isinstance(node, str):
        return node
    return PRINTERS[node.kind](node, *node.args)


def listed(nodes) -> str:
    return ", ".join(show(n) for n in nodes)


def show_add(node, *terms) -> str:
    text = ""
    for place, (sign, term) in enumerate(terms):
        text += f" {sign} " if place else ("-" if sign == "-" else "")
        text += show(term)
    return f"({text})"


def joined(mark):
    return lambda node, *args: "(" + mark.join(show(a) for a in args) + ")"


def show_big(node, op, bindings, conditions, body) -> str:
    heads = []
    for bind in bindings:
        var, how, *rest = bind.args
        shown = pretty(var)
        if how == "range":
            heads.append(f"{shown} = {show(rest[0])} … {show(rest[1])}")
        elif how == "set":
            heads.append(f"{shown} in {show(rest[0])}")
        else:
            heads.append(f"all {shown}")
    heads += [show(c) for c in conditions]
    return f"{op}[{', '.join(heads)}]({show(body)})"


def show_prob(node, key, events, given) -> str:
    bar = f" | {listed(given)}" if given else ""
    return f"{pretty(key)}({listed(events)}{bar})"


def show_event(node, left, op, right) -> str:
    return show(left) if right is None else f"{show(left)} {op} {show(right)}"


def show_expect(node, names, dist, body) -> str:
    sub = ""
    if names or dist:
        shown = ", ".join(pretty(n) for n in names or ())
        sub = f"[{shown}{' ~ ' + show(dist) if dist else ''}]"
    return f"E{sub}({show(body)})"


def show_call(node, key, args, order) -> str:
    shown = key if node.kind == "fn" else pretty(key)
    return f"{shown}{chr(39) * order}({listed(args)})"


def show_cases(node, *rows) -> str:
    shown = [f"{show(v)} if {listed(c) if c else 'otherwise'}" for v, c in rows]
    return "cases(" + "; ".join(shown) + ")"


def show_diff(node, body, targets) -> str:
    return "d(" + show(body) + ")/" + "/".join("d(" + show(t) + ")" for t in targets)


PRINTERS = {
    "num": lambda node, text: text,
    "sym": lambda node, key: pretty(key),
    "term": lambda node, key, indices: f"{pretty(key)}<{listed(indices)}>",
    "item": lambda node, base, indices: f"{show(base)}[{listed(indices)}]",
    "const": lambda node, name, size: name + (f"<{show(size)}>" if size else ""),
    "call": show_call,
    "fn": show_call,
    "add": show_add,
    "mul": joined(" * "),
    "times": joined(" x "),
    "had": joined(" .* "),
    "neg": lambda node, a: f"(-{show(a)})",
    "div": joined(" / "),
    "pow": joined(" ^ "),
    "epow": joined(" .^ "),
    "T": lambda node, a: f"transpose({show(a)})",
    "invT": lambda node, a: f"transpose(inverse({show(a)}))",
    "sqrt": lambda node, a, n: f"root({show(a)}, {show(n)})",
    "abs": lambda node, a: f"abs({show(a)})",
    "norm": lambda node, a, kind: f"norm_{kind}({show(a)})",
    "inner": lambda node, a, b: f"inner({show(a)}, {show(b)})",
    "big": show_big,
    "diff": show_diff,
    "grad": lambda node, body, target, order: ("hessian" if order == 2 else "gradient")
    + f"({show(body)}" + (f"; {show(target)})" if target else ")"),
    "target": lambda node, name, transposed: show(name) + ("^T" if transposed else ""),
    "ind": lambda node, conditions: f"indicator({listed(conditions)})",
    "cases": show_cases,
    "matrix": lambda node, *rows: "matrix(" + "; ".join(listed(r) for r in rows) + ")",
    "rel": lambda node, op, a, b: f"({show(a)} {op} {show(b)})",
    "member": lambda node, a, domain: f"({show(a)} in {show(domain)})",
    "expect": show_expect,
    "var": lambda node, a: f"Var({show(a)})",
    "cov": lambda node, a, b: f"Cov({show(a)}, {show(b)})",
    "prob": show_prob,
    "event": show_event,
    "density": lambda node, x, m, v: f"normal density({show(x)}; mean {show(m)}, variance "
    f"{show(v)})",
    "normal": lambda node, m, v: f"normal(mean {show(m)}, variance {show(v)})",
    "bernoulli": lambda node, p: f"bernoulli({show(p)})",
    "tabledist": lambda node, p: f"table({show(p)})",
    "pmfdist": lambda node, key, left, given: f"{pretty(key)}({', '.join(map(pretty, left))}"
    + (f" | {listed(given)})" if given else ")"),
    "kl": lambda node, p, q: f"KL({show(p)} || {show(q)})",
    "delta": lambda node, a, b: f"kronecker({show(a)}, {show(b)})",
    "binom": lambda node, a, b: f"binomial({show(a)}, {show(b)})",
    "domain": lambda node, name, shape, extra: name + (f"^({listed(shape)})" if shape else "")
    + (f"({listed(extra)})" if extra else ""),
}
