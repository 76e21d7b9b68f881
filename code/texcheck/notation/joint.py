"""Averages over the joint distribution of random variables.

Random variables form a graph: the parameters of one may hold others. A joint outcome is drawn from
the roots on: first what has a table of outcomes, then every variable with a distribution, in the
order of the declarations. Finite laws are enumerated; the others are functions of standard
variables, over which `texcheck.quadrature` averages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch

from .. import quadrature
from .. import values as v
from ..env import Env, Place
from ..errors import Refused, Undefined
from ..evaluate import Evaluator
from ..program import Program
from ..quadrature import Axis, Batch, Decisions
from ..trees import Node, children, own_names, pretty, show
from .distributions import KINDS, sampled
from .families import spans
from .tables import same

MOST_OUTCOMES = 2**13
PATIENCE = 3  # draws on which a mean is sought that is not found
POINTS = 8  # of a rule, that take as long as valuing a node
Weighted: TypeAlias = list[tuple[Env, Any]]
Body: TypeAlias = Callable[[Env], Any]


class Stage(NamedTuple):
    """What is drawn at once: a group of variables with a table, or one place of a variable; or a
    letter that an expectation binds, which is known inside its brackets only."""

    names: tuple[str, ...]
    place: Place = ()
    outcomes: list[tuple[dict[Any, Any], Any]] | None = None
    dist: Node | None = None
    indices: dict[str, int] | None = None
    letter: bool = False

    def known(self, value: Any, env: Env) -> Env:
        """The surroundings in which this has a value."""
        if self.letter:
            return env.binding({self.names[0]: value})
        return env.cut({(self.names[0], self.place): value})

    def surroundings(self, env: Env) -> Env:
        """Where its parameters are evaluated."""
        return env if self.letter else env.only(self.indices or {})


# ---- what depends on what ----------------------------------------------------------------


def random_names(program: Program, nodes: Iterable[Node]) -> frozenset[str]:
    """The random variables that the value of a formula moves with: those that an expectation
    inside averages over are left out, those that it is given are not."""
    found: set[str] = set()
    seen: set[str] = set()

    def visit(node: Node) -> None:
        visible = VISIBLE.get(node.kind)
        if node.kind == "expect" and node.args[0] and node.args[1] is None:
            found.update(random_names(program, [node.args[2]]) - set(node.args[0]))
            return
        for name in own_names(node):
            visit_name(name)
        for child in children(node) if visible is None else visible(node):
            visit(child)

    def visit_name(name: str) -> None:
        if name in seen:
            return
        seen.add(name)
        if name in program.rvs:
            found.add(name)
        if name in program.defs:
            visit(program.defs[name].body)
        for factor in program.pmfs.get(name, ()):
            if factor.body is not None:
                visit(factor.body)
        if name in program.families:
            for key in program.scope:
                if program.family_of(key) == name:
                    visit_name(key)

    for node in nodes:
        visit(node)
    return frozenset(found)


def visible_in_expectation(node: Node) -> list[Node]:
    _, dist, body, given = node.args
    return list(given) if dist is None else [dist, body, *given]


VISIBLE: dict[str, Callable[[Node], list[Node]]] = {
    "expect": visible_in_expectation,
    "var": lambda node: list(node.args[1]),
    "cov": lambda node: list(node.args[2]),
    "chance": lambda node: list(node.args[1]),
}


def depends(e: Evaluator, nodes: Iterable[Node]) -> frozenset[str]:
    nodes = tuple(nodes)
    key = f"random {[id(n) for n in nodes]}"
    if key not in e.memo.found:
        e.memo.kept += nodes  # their ids are in the key
    return e.memo.once(key, lambda: random_names(e.program, nodes))


def parents(e: Evaluator, name: str) -> frozenset[str]:
    """The variables in the distribution of one; itself for a sequence that is a chain."""
    dist = e.program.rvs[name].dist
    return frozenset() if dist is None else depends(e, [dist])


def ancestors(e: Evaluator, names: Iterable[str], stop: Iterable[str] = ()) -> set[str]:
    """Variables that others need, and these themselves; no further than `stop`."""
    found: set[str] = set()
    queue = list(names)
    while queue:
        name = queue.pop()
        if name in found:
            continue
        found.add(name)
        if name not in stop:
            queue += parents(e, name)
    return found


def sources(e: Evaluator, names: Iterable[str]) -> set[str]:
    """Ancestors, and what is dependent with them through a table of joint outcomes."""
    found = ancestors(e, names)
    for group, _, _ in e.draw.samples:
        if found & set(group):
            found |= set(group)
    return found


def is_finite(e: Evaluator, name: str) -> bool:
    dist = e.program.rvs[name].dist
    return dist is None or KINDS[dist.kind].outcomes is not None


# ---- stages ------------------------------------------------------------------------------


def stages_of(e: Evaluator, used: set[str], env: Env) -> tuple[list[Stage], list[Stage]]:
    """Stages in an order in which each finds what it needs: those that are enumerated at the
    outside, and those from the first continuous variable on."""
    outer: list[Stage] = []
    inner: list[Stage] = []
    for group, outcomes, weights in e.draw.samples:
        wanted = tuple(n for n in group if n in used)
        if wanted:
            kept = [({k: x for k, x in o.items() if k[0] in wanted}, w)
                    for o, w in zip(outcomes, weights, strict=True)]
            outer.append(Stage(wanted, outcomes=kept))
    for name, rv in e.program.rvs.items():
        if name not in used or rv.dist is None:
            continue
        finite = all(is_finite(e, n) for n in ancestors(e, [name]) if n in used)
        for place, index in places(e, name, env):
            (outer if finite else inner).append(
                Stage((name,), place, dist=rv.dist, indices=index))
    return outer, inner


def places(e: Evaluator, name: str, env: Env) -> Iterator[tuple[Place, dict[str, int]]]:
    """The places of a variable, with the value of its index."""
    rv = e.program.rvs[name]
    if not rv.ranges:
        yield (), {}
        return
    (low, high), = spans(e, name, env)
    for i in range(low, high + 1):
        yield (i,), dict(zip(rv.indices, (i,), strict=True))


def without(env: Env, names: Iterable[str]) -> Env:
    names = set(names)
    return Env(env.bound, {k: x for k, x in env.cuts.items() if k[0] not in names}, env.terms)


def outcomes_of(e: Evaluator, stage: Stage, env: Env) -> Weighted:
    """The surroundings with each outcome of a finite stage, and its weight."""
    if stage.outcomes is not None:
        return [(env.cut(cuts), w) for cuts, w in stage.outcomes]
    assert stage.dist is not None
    law = KINDS[stage.dist.kind]
    assert law.outcomes is not None
    with sampled(e, stage.names[0]):
        found = law.outcomes(e, stage.dist, stage.surroundings(env))
    return [(stage.known(x, env), w) for x, w in found]


def enumerated(e: Evaluator, stages: list[Stage], env: Env) -> Weighted:
    """Joint outcomes of finite stages."""
    found: Weighted = [(env, 1.0)]
    for stage in stages:
        found = [(one, v.multiply(weight, w)) for inner, weight in found
                 for one, w in outcomes_of(e, stage, inner)]
        if len(found) > MOST_OUTCOMES:
            raise v.type_error(f"{len(found)} joint outcomes and more: too many to enumerate; "
                               "average fewer variables at once, or shorter sequences")
    return found


# ---- the integrand -----------------------------------------------------------------------


class Joint:
    """A formula as a function of the standard variables behind continuous random variables."""

    def __init__(self, e: Evaluator, stages: list[Stage], env: Env, body: Body, mark: Node):
        self.e, self.stages, self.env, self.body, self.mark = e, stages, env, body, mark
        self.shape: torch.Size | None = None
        self.axes: list[Axis] = []
        self.counts: list[int] = []
        self.replaced: Callable[[torch.Tensor], torch.Tensor] | None = None
        self.look()

    def look(self) -> None:
        """Which standard variables each stage takes."""
        env = self.env
        for stage in self.stages:
            law = KINDS[stage.dist.kind] if stage.dist is not None else None
            if law is None or law.axes is None or law.value is None:
                self.counts.append(0)
                env = outcomes_of(self.e, stage, env)[0][0]
                continue
            inner = stage.surroundings(env)
            with sampled(self.e, stage.names[0]):
                axes = law.axes(self.e, stage.dist, inner)
                middle = torch.full((len(axes),), 0.5, dtype=torch.float64)
                value = law.value(self.e, stage.dist, inner, middle, 1)
            env = stage.known(value, env)
            self.counts.append(len(axes))
            self.axes += axes

    def total(self, number: int, point: torch.Tensor, env: Env) -> Any:
        """The mean over what is finite, at a point, from a stage on."""
        if number == len(self.stages):
            return self.body(env)
        stage = self.stages[number]
        law = KINDS[stage.dist.kind] if stage.dist is not None else None
        if law is None or law.value is None:
            pairs = outcomes_of(self.e, stage, env)
        else:
            own, point = point[:self.counts[number]], point[self.counts[number]:]
            pairs = []
            for sign in (1, -1)[:law.signs]:
                with sampled(self.e, stage.names[0]):
                    value = law.value(self.e, stage.dist, stage.surroundings(env), own, sign)
                pairs.append((stage.known(value, env), 1 / law.signs))
        result = None
        for one, weight in pairs:
            part = self.total(number + 1, point, one)
            part = part if len(pairs) == 1 and law is not None else v.multiply(weight, part)
            result = part if result is None else v.add(result, part)
        if result is None:
            raise Undefined("an expectation over nothing")
        return result

    def at(self, point: torch.Tensor) -> torch.Tensor:
        """All entries of the value at a point."""
        if self.replaced is not None:
            point = self.replaced(point)
        value = self.total(0, point, self.env)
        if isinstance(value, v.Lazy):
            raise v.type_error(f"an expectation of {v.shape_text(value)}: its size is unknown, "
                               r"write I_n or \mathbf{1}_n")
        value = v.tensor(value)
        self.shape = value.shape
        return value.reshape(-1)

    def doubt(self, share: torch.Tensor) -> None:
        self.e.doubts.append(share)

    def alone(self, point: torch.Tensor, decided: Decisions | None) -> Batch:
        e = self.e
        memory, kept, watch = e.memory, len(e.kept), e.watch
        e.memory, e.watch = dict(memory), None
        try:
            with quadrature.noting(e, decided) as noted:
                values = self.at(point)
            found = noted.switches
            switches = (torch.stack([s.value for s in found]) if found
                        else torch.zeros(0, dtype=torch.float64))
            return Batch(values, switches, tuple(s.steps for s in found), noted.decisions)
        finally:
            e.memory, e.watch = memory, watch
            del e.kept[kept:]

    def one(self, point: torch.Tensor) -> Batch:
        """At one point, whose decisions are noted."""
        found = self.alone(point[0], None)
        return found._replace(values=found.values[None], switches=found.switches[None])

    def many(self, points: torch.Tensor, decided: Decisions) -> Batch:
        """At several points, all with the same decisions."""
        self.e.memo.valued += len(points) // POINTS
        if id(self.mark) not in self.e.memo.singly and len(points) > 2:
            steps: list[tuple[bool, ...]] = []
            before, self.e.doubts = self.e.doubts, []

            def single(point: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
                found = self.alone(point, decided)
                steps.append(found.steps)
                doubts = torch.stack([torch.zeros((), dtype=torch.float64), *self.e.doubts])
                return found.values, found.switches, doubts.max()

            try:
                values, switches, doubts = torch.func.vmap(single)(points)
                if quadrature.readable(doubts):
                    trusted = float(doubts.max()) <= quadrature.AGREE
                else:
                    before.append(doubts.max())
                    trusted = True
                if trusted:
                    return Batch(values, switches, steps[-1], decided)
            except (RuntimeError, TypeError, ValueError, Refused, Undefined):
                self.e.memo.take_singly(self.mark)
            finally:
                self.e.doubts = before
        found = [self.alone(p, decided) for p in points]
        if len({f.steps for f in found}) > 1:
            raise quadrature.Unseen
        return Batch(torch.stack([f.values for f in found]),
                     torch.stack([f.switches for f in found]), found[0].steps, decided)


# ---- averages ----------------------------------------------------------------------------


class Average(NamedTuple):
    """A mean, and the mean of its magnitude."""

    value: Any
    size: float


def average(e: Evaluator, body: Body, used: set[str], env: Env, mark: Node) -> Average:
    """The mean of a formula over random variables; all that is not in `used` stays as it is.

    Raises
    ------
    Undefined
        Where the mean does not exist, or is not known exactly.
    """
    env = without(env, used)
    outer, inner = stages_of(e, used, env)
    return over(e, body, enumerated(e, outer, env), inner, mark)


def over(e: Evaluator, body: Body, pairs: Weighted, inner: list[Stage], mark: Node) -> Average:
    """The mean over joint outcomes, and over the stages inside."""
    result, size = None, 0.0
    for env, weight in pairs:
        part = continuous(e, body, inner, env, mark) if inner else Average(body(env), 0.0)
        value = v.multiply(weight, part.value)
        result = value if result is None else v.add(result, value)
        size += magnitude(weight) * (part.size if inner else magnitude(part.value))
    if result is None:
        raise Undefined("an expectation over nothing")
    return Average(result, size)


def magnitude(value: Any) -> float:
    """The largest entry without its sign; 0 where it is not at hand."""
    if isinstance(value, v.Lazy):
        return magnitude(value.scale)
    try:
        return float(v.tensor(value).detach().abs().max())
    except RuntimeError:
        return 0.0


def continuous(e: Evaluator, body: Body, stages: list[Stage], env: Env, mark: Node,
               given: dict[tuple[str, Place], Any] | None = None) -> Average:
    """The mean over continuous variables, with some of them known."""
    failures: list[Undefined] = e.memo.once(f"unknown {id(mark)}", list)
    if len(failures) >= PATIENCE:
        raise failures[0]
    with quadrature.paused(e):
        joint = Joint(e, stages, env, body, mark)
        if given:
            condition(joint, given)
        if e.watch is not None and e.watch.detailed:
            watched(joint)
        try:
            found = quadrature.mean(joint, joint.axes)
        except quadrature.Unseen:
            raise quadrature.unknown("it bends or jumps in too many places") from None
        except Undefined as error:
            failures.append(error)
            e.memo.kept.append(mark)
            raise
    assert joint.shape is not None
    return Average(found.value.reshape(joint.shape), magnitude(found.size))


def watched(joint: Joint) -> None:
    """Evaluate a formula where its terms are looked at, at some places that matter."""
    rng = np.random.default_rng(joint.e.draw.seed)
    for _ in range(4):
        joint.at(torch.as_tensor([float(a.random(rng, 1)[0]) for a in joint.axes],
                                 dtype=torch.float64))


def condition(joint: Joint, given: dict[tuple[str, Place], Any]) -> None:
    """Condition standard normal variables on what depends on them linearly.

    With J the slopes of what is given, y its value and c its value at 0, they are normal with the
    mean J^+ (y - c), and what is left varies in the null space of J.
    """
    if any(a is not quadrature.NORMAL for a in joint.axes):
        raise v.type_error("a condition on a continuous variable that is not normal: write the "
                           "density of the condition")
    body, joint.body = joint.body, lambda env: torch.cat(
        [torch.as_tensor(env.cuts[k], dtype=torch.float64).reshape(-1) for k in given])
    size = len(joint.axes)
    zero = torch.zeros(size, dtype=torch.float64)
    start, slopes = joint.at(zero), torch.func.jacrev(joint.at)(zero)
    other = torch.func.jacrev(joint.at)(torch.linspace(-1.3, 1.7, size, dtype=torch.float64))
    joint.body = body
    if quadrature.readable(slopes) and not torch.allclose(slopes.detach(), other.detach(),
                                                          rtol=1e-9, atol=1e-9):
        raise v.type_error("a condition on a variable that is not a linear function of normal "
                           "ones: its conditional distribution is not known")
    target = torch.cat([torch.as_tensor(x, dtype=torch.float64).reshape(-1)
                        for x in given.values()]) - start
    gram = slopes @ slopes.T
    factor, bad = torch.linalg.cholesky_ex(gram)
    if quadrature.readable(slopes) and int(bad):
        raise v.type_error("the variables of the condition determine one another")
    middle = slopes.T @ torch.cholesky_solve(target[:, None], factor)[:, 0]
    onto = slopes.T @ torch.cholesky_solve(slopes, factor)
    rest = torch.eye(size, dtype=torch.float64) - onto
    joint.replaced = lambda point: middle + rest @ point


def conditional(e: Evaluator, body: Body, needed: frozenset[str],
                given: dict[tuple[str, Place], Any], env: Env, mark: Node) -> Average:
    """The mean of a formula, given the values of some random variables."""
    known = {name for name, _ in given}
    behind = ancestors(e, needed, stop=known) - known
    apart = sources(e, known) - known
    used = behind | (apart if behind & apart else set())
    if not behind & apart and all(whole(e, name, given) for name in known):
        return average(e, body, used, without(env, used | known).cut(given), mark)
    used |= ancestors(e, known)
    env = without(env, used)
    outer, inner = stages_of(e, used, env)
    if not inner or not any(s.names[0] in known for s in inner):
        pairs = [(one, w) for one, w in enumerated(e, outer, env)
                 if all(same(one.cuts[k], y) for k, y in given.items())]
        total = sum_of(w for _, w in pairs)
        if not pairs or magnitude(total) == 0:
            raise Undefined("a condition of probability zero")
        return over(e, body, [(one, v.divide(w, total)) for one, w in pairs], inner, mark)
    if outer or any(is_finite(e, s.names[0]) for s in inner):
        raise v.type_error("a condition on a continuous variable beside a finite one: write the "
                           "posterior by Bayes' rule, with densities")
    return continuous(e, body, inner, env, mark, given)


def whole(e: Evaluator, name: str, given: dict[tuple[str, Place], Any]) -> bool:
    """Whether every place of a variable is given."""
    return not e.program.rvs[name].ranges or all(
        (name, place) in given for place, _ in places(e, name, Env()))


def sum_of(weights: Iterable[Any]) -> Any:
    total: Any = 0
    for weight in weights:
        total = v.add(total, weight)
    return total


def given_values(e: Evaluator, events: tuple[Node, ...],
                 env: Env) -> dict[tuple[str, Place], Any]:
    """The variables of a condition with their values; without one, the value that it has here."""
    found: dict[tuple[str, Place], Any] = {}
    for event in events:
        left, op, right = event.args
        if left.kind not in ("sym", "term") or left.args[0] not in e.program.rvs or (
                op not in ("", "=")):
            raise v.type_error(f"{show(event)} is no condition: it is a random variable, as in "
                               r"\mathbb{E}[X \mid Y], or one with its value, Y = b")
        name = left.args[0]
        if left.kind == "sym" and e.program.rvs[name].ranges:
            raise v.type_error(f"a condition on the sequence {pretty(name)}: name its places")
        place = () if left.kind == "sym" else tuple(
            e.whole(i, env, f"the index of {pretty(name)}") for i in left.args[1])
        found[name, place] = e.value(left if right is None else right, env)
    return found
