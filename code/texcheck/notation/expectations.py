"""Expectations, variances, covariances, and probabilities of events of random variables."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import mpmath
import torch

from .. import values as v
from ..domains import DISCRETE
from ..env import Env
from ..errors import Refused, Undefined
from ..evaluate import Evaluator
from ..grammar import Parser
from ..names import is_table
from ..precise import closely
from ..quadrature import readable
from ..registry import Notation, register
from ..trees import Node, listed, pretty, show
from .distributions import KINDS, read_distribution, with_size
from .joint import (
    Average,
    Stage,
    ancestors,
    average,
    conditional,
    depends,
    given_values,
    is_finite,
    magnitude,
    over,
    parents,
    sources,
)
from .tables import read_events, table_outcomes


def read_expectation(p: Parser, start: int) -> Node:
    names: tuple[str, ...] = ()
    dist: Node | None = None
    sub = p.subscript() if p.peek() == "_" else None
    if sub is not None:
        names, dist = p.inside(sub.first, sub.last, lambda: measure(p))
        p.at = sub.after
    if p.peek() != "[":
        raise p.refuse(r"write \mathbb{E}[…] with square brackets")
    for name in names if dist is not None else ():
        if name in p.bound:
            raise p.refuse(f"{name} is already bound around this expectation", start)
    bound = list(names) if dist is not None else []
    p.bound += bound
    opening = p.take("[")
    bars, p.bars = p.bars, 0
    body = p.expr()
    given: list[Node] = []
    if p.accept(r"\mid"):
        if sub is not None:
            raise p.refuse(r"a condition beside names below the \mathbb{E}: write "
                           r"\mathbb{E}[X \mid Y], or \mathbb{E}_{z\sim p(z\mid x)}[…]")
        given = read_condition(p)
    p.bars = bars
    if p.peek() != "]" or p.at >= p.end:
        raise p.refuse("this [ is never closed", opening.start)
    p.take("]")
    for _ in bound:
        p.bound.pop()
    return p.node("expect", (names, dist, body, tuple(given)), start)


def read_condition(p: Parser) -> list[Node]:
    """What stands behind the bar: random variables, alone or with their values."""
    given = read_events(p)
    for event in given:
        left, op, _ = event.args
        info = p.scope.get(left.args[0]) if left.kind in ("sym", "term") else None
        if info is None or info.kind != "rv" or op not in ("", "="):
            raise p.refuse("a condition is a random variable, declared with rv:, alone or with "
                           r"its value: \mathbb{E}[X \mid Y], \mathbb{E}[X \mid Y = b]; over a "
                           r"table write \mathbb{E}_{z\sim p(z\mid x)}[…]", event.start)
    return given


def measure(p: Parser) -> tuple[tuple[str, ...], Node | None]:
    """Below an expectation: random variables, ``z\\sim …``, or ``q(z\\mid x)``."""
    start, parenthesis = p.place(), p.accept("(")
    if p.token() is None:
        raise p.refuse("names are expected here", start)
    info = p.resolve_here().info
    if not parenthesis and is_table(info):
        dist = read_distribution(p, ())
        return tuple(dist.args[1]), dist
    names = [p.binder_name()]
    while p.accept(","):
        names.append(p.binder_name())
    if parenthesis:
        p.take(")")
    if p.accept(r"\sim"):
        return tuple(names), read_distribution(p, tuple(names))
    for name in names:
        info = p.scope.get(name)
        if info is None or info.kind != "rv":
            raise p.refuse(f"{name} is not a random variable: declare it with rv:, or write "
                              rf"{name}\sim p", start)
    return tuple(names), None


def read_variance(p: Parser, start: int) -> Node:
    return read_moment(p, "Var", 1, start)


def read_covariance(p: Parser, start: int) -> Node:
    return read_moment(p, "Cov", 2, start)


def read_moment(p: Parser, word: str, most: int, start: int) -> Node:
    opening = p.peek()
    if opening not in ("(", "["):
        raise p.refuse(f"write \\mathrm{{{word}}}(…)")
    closing = {"(": ")", "[": "]"}[opening]
    p.take()
    bars, p.bars = p.bars, 0
    args = [p.expr()]
    while p.accept(","):
        args.append(p.expr())
    given = tuple(read_condition(p)) if p.accept(r"\mid") else ()
    p.take(closing)
    p.bars = bars
    if len(args) > most:
        raise p.refuse(f"{word} takes {most} arguments", start)
    return p.node("cov" if len(args) == 2 else "var", (*args, given), start)


def expect_value(e: Evaluator, node: Node, env: Env, names: tuple[str, ...], dist: Node | None,
                 body: Node, given: tuple[Node, ...]) -> Any:
    if dist is not None:
        return over_law(e, node, env, names, dist, body)
    if given:
        return kept(e, node, env, conditional(
            e, lambda inner: e.value(body, inner), depends(e, [body]),
            given_values(e, given, env), env, node))
    return kept(e, node, env, mean(e, node, body, env, names))


def kept(e: Evaluator, node: Node, env: Env, found: Average) -> Any:
    """The value; how large what cancels in it is, is remembered."""
    e.memory["size", e.key(node, env)] = found.size
    return found.value


def mean(e: Evaluator, node: Node, body: Node, env: Env, names: tuple[str, ...] = ()) -> Average:
    """The mean of a formula over its random variables, or over some that are named."""
    used = averaged(e, body, env, names)
    if not used:
        value = e.value(body, env)
        return Average(value, magnitude(value))
    counted: dict[str, Any] = {
        n: KINDS["poisson"].outcomes(e, dist, env)  # type: ignore[misc]
        for n in used if (dist := e.program.rvs[n].dist) is not None and dist.kind == "poisson"
        and not e.program.rvs[n].ranges and not parents(e, n)}
    if counted:
        check_counts(e, body, counted, env, letter=False)
    try:
        return average(e, lambda inner: e.value(body, inner), used, env, body)
    except Undefined as error:
        parts = apart(e, body, used, env)
        if parts is None:
            raise
        try:
            return parted(e, node, parts, env, used, names)
        except Undefined:
            raise error from None


def averaged(e: Evaluator, body: Node, env: Env, names: tuple[str, ...]) -> set[str]:
    """The random variables that a mean is taken over."""
    program = e.program
    needed = ancestors(e, depends(e, [body]))
    if not needed and not program.closure(body) & set(program.rvs):
        raise v.type_error("an expectation of something without a random variable")
    if not names:
        return needed
    left = [n for n in program.rvs if n in needed and n not in names and not already(n, env)]
    if left:
        raise v.type_error(f"the expectation is over {', '.join(names)} only, but "
                           f"{pretty(left[0])} is random too")
    fixed = (sources(e, names) - set(names)) & depends(e, [body])
    behind = ancestors(e, names)
    if fixed - behind:
        other = pretty(min(fixed - behind))
        raise v.type_error(f"{other} depends on {names[0]}: is the expectation conditional on it? "
                           f"write \\mathbb{{E}}[… \\mid {other}], or state the independence with "
                           "assume:")
    return {n for n in needed if n in names}


def already(name: str, env: Env) -> bool:
    return any(key[0] == name for key in env.cuts)


def of_numbers(e: Evaluator, nodes: tuple[Node, ...], env: Env) -> bool:
    """Whether some formulas are numbers, by one outcome of what is random in them."""
    try:
        return all(v.is_scalar(e.value(n, env)) for n in nodes)
    except (Refused, Undefined):
        return False


def apart(e: Evaluator, body: Node, used: set[str],
          env: Env) -> tuple[str, list[tuple[str, Node]]] | None:
    """A sum as its terms; a product as its factors, where they are independent."""
    if body.kind == "add":
        return "add", list(body.args)
    if body.kind == "neg":
        return "add", [("-", body.args[0])]
    if body.kind == "pow" and body.args[0].kind == "mul" and body.args[1].kind == "num" and (
            body.args[1].args[0].isdigit()) and of_numbers(e, body.args[0].args, env):
        body = Node("mul", tuple(Node("pow", (f, body.args[1])) for f in body.args[0].args))
        e.memo.kept.append(body)
    if body.kind != "mul":
        return None
    groups: list[tuple[set[str], list[Node]]] = []
    for factor in body.args:
        behind = sources(e, depends(e, [factor])) & used
        touching = [i for i, (names, _) in enumerate(groups) if names & behind]
        first = min(touching, default=len(groups))
        merged = [n for _, part in groups[first:] for n in part]
        names = set[str]().union(behind, *(n for n, _ in groups[first:]))
        groups[first:] = [(names, [*merged, factor])]
    if len(groups) == 1:
        return None
    found = []
    for _, part in groups:
        inner = part[0] if len(part) == 1 else Node("mul", tuple(part))
        e.memo.kept.append(inner)
        found.append(("*", inner))
    return "mul", found


def parted(e: Evaluator, node: Node, parts: tuple[str, list[tuple[str, Node]]], env: Env,
           used: set[str], names: tuple[str, ...]) -> Average:
    """The mean of a sum or a product, by parts that are averaged one by one."""
    how, terms = parts
    found = []
    for _, term in terms:
        random = ancestors(e, depends(e, [term])) & used
        value = mean(e, node, term, env, names) if random else Average(e.value(term, env), 0.0)
        found.append(value if random else Average(value.value, magnitude(value.value)))
    if how == "mul":
        size = 1.0
        for part in found:
            size *= part.size
        return Average(v.chain([p.value for p in found]), size)
    total: Any = None
    for (sign, _), part in zip(terms, found, strict=True):
        signed = v.scale(-1, part.value) if sign == "-" else part.value
        total = signed if total is None else v.add(total, signed)
    return Average(total, sum(p.size for p in found))


def over_law(e: Evaluator, node: Node, env: Env, names: tuple[str, ...], dist: Node,
             body: Node) -> Any:
    """An expectation over a letter with a distribution of its own."""
    if dist.kind == "pmfdist":
        return kept(e, node, env, over(e, lambda inner: e.value(body, inner),
                                       table_outcomes(e, names, dist, env), [], body))
    if len(names) != 1:
        raise v.type_error("one name on the left of \\sim")
    law = KINDS[dist.kind]
    if law.outcomes is not None:
        outcomes = law.outcomes(e, dist, env)
        if law.kind == "poisson":
            check_counts(e, body, {names[0]: outcomes}, env, letter=True)
        pairs = [(env.binding({names[0]: value}), weight) for value, weight in outcomes]
        return kept(e, node, env, over(e, lambda inner: e.value(body, inner), pairs, [], body))
    dist = with_size(e, dist, names[0], body, env)
    letter = Stage(names, dist=dist, letter=True)
    return kept(e, node, env, over(e, lambda inner: e.value(body, inner), [(env, 1.0)], [letter],
                                   body))


def check_counts(e: Evaluator, body: Node, counted: dict[str, Any], env: Env, *,
                 letter: bool) -> None:
    """Look at what a mean over counts leaves out: beyond the last outcome, and far beyond it.

    Raises
    ------
    Undefined
        Where a term there is more than rounding, as where the mean is infinite.
    """
    for name, outcomes in counted.items():
        last, weight = outcomes[-1]
        if not readable(v.tensor(weight)):
            return
        rate = -math.log(v.plain(outcomes[0][1]))  # of the weight at zero

        def term(k: int, name: str = name, rate: float = rate) -> Any:
            known = {} if letter else {name: k}
            value = closely(e, body, {name: k} if letter else {}, env, known)
            return None if value is None else abs(value) * mpmath.exp(
                k * mpmath.log(rate) - rate - mpmath.loggamma(k + 1))

        size = max((t for k in range(0, last, 8) if (t := term(k)) is not None), default=None)
        for k in (last, 2 * last, 10 * last, 100 * last, 10_000 * last):
            found = term(k)
            if size is not None and found is not None and found > 1e-13 * size:
                raise Undefined("this expectation is infinite, or too much of it lies at large "
                                "counts")


def var_value(e: Evaluator, node: Node, env: Env, a: Node, given: tuple[Node, ...]) -> Any:
    return cov_value(e, node, env, a, a, given)


def cov_value(e: Evaluator, node: Node, env: Env, a: Node, b: Node,
              given: tuple[Node, ...]) -> Any:
    needed = depends(e, [a, b])
    if not needed:
        averaged(e, Node("mul", (a, b)), env, ())

    def mean_of(body: Callable[[Env], Any], mark: Node) -> Any:
        if given:
            return conditional(e, body, needed, given_values(e, given, env), env, mark).value
        return average(e, body, ancestors(e, needed), env, mark).value

    try:
        return centred(e, a, b, node, mean_of)
    except Undefined as error:
        product = Node("pow", (a, Node("num", ("2",)))) if a is b else Node("mul", (a, b))
        if given or apart(e, product, ancestors(e, needed), env) is None:
            raise
        e.memo.kept.append(product)
        try:
            both, *means = (mean(e, node, x, env, ()) for x in (product, a, b))
        except Undefined:
            raise error from None
        if not all(v.is_scalar(m.value) for m in (both, *means)):
            raise
    return kept(e, node, env, Average(both.value - means[0].value * means[1].value,
                                      both.size + means[0].size * means[1].size))


def centred(e: Evaluator, a: Node, b: Node, node: Node,
            mean_of: Callable[[Callable[[Env], Any], Node], Any]) -> Any:
    """The mean of the product of two deviations from the mean."""
    first = mean_of(lambda inner: e.value(a, inner), a)
    second = first if a is b else mean_of(lambda inner: e.value(b, inner), b)

    def product(inner: Env) -> Any:
        left, right = e.value(a, inner), e.value(b, inner)
        return v.multiply(v.add(left, first, -1), v.transpose(v.add(right, second, -1)))

    return mean_of(product, node)


def read_chance(p: Parser, start: int) -> Node | None:
    """``P(X \\ge a)``: the probability of events of random variables."""
    opening = p.peek()
    if opening not in ("(", "[") or p.at >= p.end:
        return None
    closing = {"(": ")", "[": "]"}[opening]
    p.take()
    bars, p.bars = p.bars, 0
    found = read_events(p)
    given = read_events(p) if p.accept(r"\mid") else []
    for event in found:
        if not event.args[1]:
            raise p.refuse("a probability is of an event: write P(X = x) or P(X \\ge a)",
                           event.start)
    p.take(closing)
    p.bars = bars
    return p.node("chance", (tuple(found), tuple(given)), start)


def chance_value(e: Evaluator, node: Node, env: Env, events: tuple[Node, ...],
                 given: tuple[Node, ...]) -> Any:
    """The probability of all events together; independent ones one by one."""
    for event in events:
        if not depends(e, [event]):
            raise v.type_error(f"{show(event)} holds no random variable: a probability is of an "
                               "event of random variables")
    if not given:
        return independently(e, events, env, node)
    if all(g.args[1] in ("", "=") and g.args[0].kind in ("sym", "term") for g in given):
        found = conditional(e, lambda inner: all_hold(e, events, inner), depends(e, events),
                            given_values(e, given, env), env, node)
        return found.value
    both = independently(e, (*events, *given), env, node)
    alone = independently(e, given, env, node)
    if magnitude(alone) == 0:
        raise Undefined("a condition of probability zero")
    return v.divide(both, alone)


def independently(e: Evaluator, events: tuple[Node, ...], env: Env, node: Node) -> Any:
    groups: list[tuple[set[str], list[Node]]] = []
    for event in events:
        names, own = sources(e, depends(e, [event])), [event]
        for other in [g for g in groups if g[0] & names]:
            groups.remove(other)
            names, own = names | other[0], other[1] + own
        groups.append((names, own))
    result: Any = 1
    closed = True
    for _, own in groups:
        needed = depends(e, own)
        check_atoms(e, own)
        tail = in_closed_form(e, own[0], env) if len(own) == 1 else None
        if tail is not None:
            result = v.multiply(result, tail)
            continue
        closed = False
        found = average(e, lambda inner, own=own: all_hold(e, own, inner),  # type: ignore[misc]
                        ancestors(e, needed), env, own[0])
        result = v.multiply(result, found.value)
    if closed:
        e.errs(node, env, 1e-14 * magnitude(result))
    return result


def in_closed_form(e: Evaluator, event: Node, env: Env) -> Any:
    """The probability that a variable is above or below a number, in closed form, so that a small
    one has all its digits; None where there is none."""
    left, op, right = event.args
    for side, other, towards in ((left, right, op), (right, left, TURNED.get(op, ""))):
        if side is None or other is None or side.kind != "sym" or towards not in TURNED:
            continue
        name = side.args[0]
        rv = e.program.rvs.get(name)
        if (rv is None or rv.dist is None or rv.ranges or already(name, env) or parents(e, name)
                or depends(e, [other]) or rv.dist.kind not in TAILS):
            continue
        place = e.value(other, env)
        parameters = [e.value(a, env) for a in rv.dist.args]
        if not all(v.is_scalar(x) and readable(v.tensor(x)) for x in (place, *parameters)):
            return None
        law = KINDS[rv.dist.kind]
        assert law.axes is not None and law.value is not None
        middle = torch.full((1,), 0.5, dtype=torch.float64)
        law.axes(e, rv.dist, env)
        law.value(e, rv.dist, env, middle, 1)  # its parameters are looked at there
        below, above = TAILS[rv.dist.kind](*map(v.tensor, (place, *parameters)))
        return below if towards in ("<", r"\le") else above
    return None


def normal_tails(x: torch.Tensor, mean: torch.Tensor,
                 variance: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    z = (x - mean) / torch.sqrt(2 * variance)
    return torch.special.erfc(-z) / 2, torch.special.erfc(z) / 2


def exponential_tails(x: torch.Tensor, rate: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    z = rate * torch.relu(x)
    return -torch.expm1(-z), torch.exp(-z)


def laplace_tails(x: torch.Tensor, middle: torch.Tensor,
                  width: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    z = (x - middle) / width
    far = torch.exp(-z.abs()) / 2
    near = 1 - far
    return torch.where(z < 0, far, near), torch.where(z < 0, near, far)


def uniform_tails(x: torch.Tensor, low: torch.Tensor,
                  high: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    inside = torch.minimum(torch.maximum(x, low), high)
    return (inside - low) / (high - low), (high - inside) / (high - low)


TAILS: dict[str, Callable[..., tuple[torch.Tensor, torch.Tensor]]] = {
    "normal": normal_tails, "exponential": exponential_tails, "laplace": laplace_tails,
    "uniform": uniform_tails}
TURNED = {"<": ">", ">": "<", r"\le": r"\ge", r"\ge": r"\le"}


def check_atoms(e: Evaluator, events: list[Node]) -> None:
    """Refuse an event that is of probability zero where a variable has a density."""
    for event in events:
        left, op, right = event.args
        sides = [n for n in (left, right) if n is not None]
        if op in ("=", r"\ne") and not all(counts(e, n) for n in
                                          ancestors(e, depends(e, sides))):
            raise v.type_error(f"{show(event)} has the probability 0 where the variable is "
                               "continuous: write an interval, a density such as "
                               r"\mathcal{N}(x; m, v), or declare finitely many values")


def counts(e: Evaluator, name: str) -> bool:
    """Whether a random variable has finitely many values by its declaration."""
    domain = e.program.rvs[name].domain
    return is_finite(e, name) and (domain is None or domain.args[0] in DISCRETE)


def all_hold(e: Evaluator, events: Iterable[Node], env: Env) -> int:
    return int(all([event_holds(e, event, env) for event in events]))


def event_holds(e: Evaluator, event: Node, env: Env) -> bool:
    left, op, right = event.args
    key = f"relation {id(event)}"
    if key not in e.memo.found:
        e.memo.kept.append(event)
    return e.holds([e.memo.once(key, lambda: Node("rel", (op, left, right)))], env)


def read_normal_distribution(p: Parser, start: int) -> Node | None:
    """``\\Phi(z)``, unless it is declared."""
    if p.peek() != "(" or p.at >= p.end:
        return None
    given = p.arguments()
    if len(given) != 1:
        raise p.refuse(r"\Phi takes one number", start)
    return p.node("Phi", (given[0],), start)


def normal_distribution(e: Evaluator, node: Node, env: Env, a: Node) -> Any:
    value = e.value(a, env)
    if isinstance(value, v.Lazy) or v.square(value):
        raise v.type_error(f"\\Phi of {v.shape_text(value)}")
    return torch.special.erfc(v.tensor(value) / -math.sqrt(2)) / 2  # exact in the tails too


def behind_bar(given: tuple[Node, ...]) -> str:
    return f" | {listed(given)}" if given else ""


def show_expect(node: Node, names: tuple[str, ...], dist: Node | None, body: Node,
                given: tuple[Node, ...]) -> str:
    sub = ""
    if names or dist:
        shown = ", ".join(pretty(n) for n in names or ())
        sub = f"[{shown}{' ~ ' + show(dist) if dist else ''}]"
    return f"E{sub}({show(body)}{behind_bar(given)})"


def bound_letters(node: Node) -> tuple[str, ...]:
    return tuple(node.args[0]) if node.args[0] else ()


def reach(node: Node) -> tuple[list[Node], list[Node]]:
    _, dist, body, given = node.args
    if dist is None:
        return ([*given], [body])
    return ([], [dist, body]) if dist.kind == "pmfdist" else ([dist], [body])


register(
    "Expectations",
    Notation("expect", show_expect, expect_value, rounds="often",
             spells={r"\mathbb{E}": read_expectation}, binds=bound_letters, reach=reach,
             vanishes=True,
             examples=(r"\mathbb{E}[X]", r"\mathbb{E}[X \mid Y]",
                       r"\mathbb{E}_{u\sim\mathcal{N}(a,c)}[\max(0, u)]"),
             refused=((r"\mathbb{E}[X \mid a]", r"\mathbb{E}[X \mid B = 1]"),
                      (r"\mathbb{E}[a]", r"\mathbb{E}[a X]"))),
    Notation("var", lambda node, a, given: f"Var({show(a)}{behind_bar(given)})", var_value,
             rounds="often", spells={r"\mathrm{Var}": read_variance, r"\mathbb{V}": read_variance},
             vanishes=True, siblings={"Var": "E"},
             examples=(r"\mathrm{Var}(X)", r"\mathrm{Var}(X B \mid B = 1)")),
    Notation("cov", lambda node, a, b, given: f"Cov({show(a)}, {show(b)}{behind_bar(given)})",
             cov_value, rounds="often", spells={r"\mathrm{Cov}": read_covariance}, vanishes=True,
             examples=(r"\mathrm{Cov}(X, Y)",)),
    Notation("chance", lambda node, events, given: f"P({listed(events)}{behind_bar(given)})",
             chance_value, starts={r"\Pr": read_chance},
             spells=dict.fromkeys(("P", r"\mathbb{P}", r"\mathrm{P}"), read_chance),
             jumps=lambda node: True, vanishes=True,
             examples=(r"P(X \ge a)", r"P(X \le a \mid Y \le b)"),
             refused=((r"P(X)", r"P(X \ge a)"),)),
    Notation("Phi", lambda node, a: f"Phi({show(a)})", normal_distribution,
             spells={r"\Phi": read_normal_distribution}, examples=(r"\Phi(a)",)),
)
