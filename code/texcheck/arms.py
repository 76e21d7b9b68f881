"""Arms of what chooses: both sides of a maximum, an absolute value, a condition, and the tie.

What chooses has a switching function: u in |u|, a - b in max(a, b), l - r in 1[l < r]. Its sign
says which arm a draw takes. The values of it that the draws met stand in a `Watch`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import torch

from . import values as v
from .bounds import bounds
from .compare import evaluated, trees
from .corners import Rng
from .counterexample import where
from .coverage import nodes
from .env import Switch, Watch
from .errors import Error
from .evaluate import Evaluator
from .items import Block, Item
from .program import Program
from .reach import names_behind, nodes_behind
from .search import Objective, climb, tried
from .trees import Node, show

EVALUATIONS = 120
VALUES = 10_000  # nodes
TIES = 6  # attempts to put a draw on a boundary
ORDERED = ("<", ">", r"\le", r"\ge")


def switching(block: Block) -> Iterator[tuple[Item, Node]]:
    """The nodes of steps and definitions that choose by the sign of a number."""
    for item, node in nodes(block):
        if node.kind == "abs" or (node.kind == "fn" and node.args[0] in ("max", "min", "relu")):
            yield item, node
        elif node.kind == "ind":
            yield from ((item, c) for c in node.args[0]
                        if c.kind == "rel" and c.args[0] in ORDERED)


def unreached(block: Block, watch: Watch) -> Iterator[tuple[Item, Node, Switch, int]]:
    """The arms that no draw has taken: the node, its switching function, and the sign of it."""
    for item, node in switching(block):
        for switch, (low, high, met) in list(watch.switches.items()):
            if switch[0] == id(node):
                yield from ((item, node, switch, sign) for sign, missing in (
                    (1, high <= 0), (-1, low >= 0))
                    if missing and not (met and sign == tie_side(node))
                    and not ruled_out(block.program, node, sign))


def equalities(block: Block, watch: Watch) -> Iterator[tuple[Item, Node, Switch]]:
    """The equalities inside of an indicator that no draw has met: what holds there is untested."""
    for item, node in nodes(block):
        for condition in node.args[0] if node.kind == "ind" else ():
            reached = watch.switches.get((id(condition), 0), (0.0, 0.0, True))[2]
            if condition.kind != "rel" or condition.args[0] not in ("=", r"\ne") or reached:
                continue
            if not any(ruled_out(block.program, condition, sign) for sign in (1, -1)):
                yield item, condition, (id(condition), 0)


def ruled_out(program: Program, node: Node, sign: int) -> bool:
    """Whether the declarations alone say that no draw takes an arm."""
    if node.kind == "abs" or (node.kind == "fn" and node.args[0] == "relu"):
        low, high = bounds(program, node.args[0] if node.kind == "abs" else node.args[1][0])
    else:
        pair = node.args[1:] if node.kind == "rel" else node.args[1]
        if len(pair) != 2:
            return False
        first, second = (bounds(program, part) for part in pair)
        low, high = first[0] - second[1], first[1] - second[0]
    return low >= 0 if sign < 0 else high <= 0


def tie_side(node: Node) -> int:
    """The arm that a tie belongs to: the sign of the difference with which it shares one."""
    if node.kind != "rel":
        return 0
    return -1 if node.args[0] in (">", r"\le") else 1


def value_of(block: Block, node: Node, switch: Switch, sign: int) -> Objective:
    """The switching function of a node on a draw, as something to make large."""
    steps = [s for s in block.steps if s.right is not None and s.left is not None and any(
        n is node for n in nodes_behind(block.program, *trees(s)))]

    def objective(evaluator: Evaluator) -> float | None:
        watch = evaluator.watch = Watch()
        for step in steps:
            evaluated(step, evaluator)
            if switch in watch.switches:
                low, high, _ = watch.switches[switch]
                return high if sign > 0 else -low
        return None

    return objective


def reach(block: Block, starts: list[Evaluator], node: Node, switch: Switch, sign: int,
          rng: Rng) -> Evaluator | None:
    """A draw that takes an arm, if a search finds one."""
    objective = value_of(block, node, switch, sign)
    names = names_behind(block.program, node)
    for start in starts:
        found = climb(start, objective, names, rng, evaluations=EVALUATIONS, values=VALUES,
                      enough=1e-9)
        if found is not None and found[0] > 0:
            return found[1]
    return None


def untested(block: Block, item: Item, node: Node) -> Error:
    """The error of an arm that no draw takes."""
    return block.error("lint", f"one arm of {show(node)} is never taken on any draw found, so that "
                       "this arm was not tested: write the arm that is meant, or widen the domains",
                       item.line, where(item))


# ---- ties --------------------------------------------------------------------------------


def ties(block: Block, starts: list[Evaluator], watch: Watch, rng: Rng) -> Iterator[Evaluator]:
    """Draws on the boundary of what chooses, where a number solves for it."""
    for _, node in switching(block):
        for switch, (_, _, reached) in list(watch.switches.items()):
            if switch[0] != id(node) or reached:
                continue
            found = met(block, starts, node, switch, rng)
            if found is not None:
                yield found


def met(block: Block, starts: list[Evaluator], node: Node, switch: Switch,
        rng: Rng) -> Evaluator | None:
    """A draw on the boundary of what chooses, if one is found."""
    found = (tied(block, rounded(start), node, switch, rng) for start in starts[:TIES])
    return next((draw for draw in found if draw is not None), None)


def rounded(evaluator: Evaluator) -> Evaluator:
    """The same draw with whole numbers, whose sums and products are exact."""
    draw, program = evaluator.draw, evaluator.program

    def whole(key: str, value: v.Value) -> v.Value:
        domain = program.lets[key].domain.args[0] if key in program.lets else ""
        if not isinstance(value, torch.Tensor) or domain not in ("R", "R+", "R-"):
            return value
        sign = -1 if domain == "R-" else 1
        found = torch.clamp(value.detach(), -64, 64).round()
        return found if domain == "R" else sign * torch.clamp(sign * found, min=1)

    return Evaluator(program, replace(draw, values={k: whole(k, x) for k, x in
                                                    draw.values.items()}), evaluator.memo)


def tied(block: Block, start: Evaluator, node: Node, switch: Switch,
         rng: Rng) -> Evaluator | None:
    """A draw with one number, or one entry of a column, moved to where a switching function that
    is linear in it vanishes."""
    objective = value_of(block, node, switch, 1)
    names = [k for k in sorted(names_behind(block.program, node))
             if k in block.program.lets and movable(start.draw.values.get(k))]
    for key in rng.permutation(names) if names else ():
        value = start.draw.values[str(key)]
        assert isinstance(value, torch.Tensor)
        entry = torch.zeros_like(value)
        entry.view(-1)[int(rng.integers(value.numel()))] = 1.0

        def moved(by: float, key: str = str(key), value: torch.Tensor = value,
                  entry: torch.Tensor = entry) -> Evaluator:
            values = {**start.draw.values, key: value + by * entry}
            return Evaluator(start.program, replace(start.draw, values=values), start.memo)

        at = [tried(moved(by), objective) for by in (0.0, 1.0)]
        if at[0] is None or at[1] is None or at[0] == at[1]:
            continue
        found = moved(-at[0] / (at[1] - at[0]))
        met = tried(found, objective)
        if met is not None and belongs(found, str(key)) and abs(met) <= 1e-14 * (1 + abs(at[0])):
            return found
    return None


def movable(value: object) -> bool:
    """Whether a value is a number, or a column, whose entries may be moved."""
    return isinstance(value, torch.Tensor) and (not value.dim() or v.is_vector(value))


def belongs(evaluator: Evaluator, key: str) -> bool:
    """Whether a value lies in the domain of its name, as far as the domain holds real numbers."""
    name, _, extra = evaluator.program.lets[key].domain.args
    least, most = -math.inf, math.inf
    if name.startswith("interval"):
        least, most = (float(evaluator.value(end)) for end in extra)
    elif name in ("R+", "R0+"):
        least = 0.0
    elif name == "R-":
        most = 0.0
    elif name != "R":
        return False
    value = v.tensor(evaluator.draw.values[key])
    closed = name in ("R0+", "R") or "[" in name, name == "R" or "]" in name
    above = (value >= least) if closed[0] else (value > least)
    below = (value <= most) if closed[1] else (value < most)
    return bool((above & below).all())
