"""Whether an anchor ties a definition: it would notice a change, and it holds at the corners too.

An anchor such as ``\\frac{\\sigma(a)}{\\sigma(a)} == …`` holds for every \\sigma, and one that is
compared between 0.1 and 0.9 alone does not see a logarithm that is cut off at 10^{-4}.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from . import anchor
from . import values as v
from .env import Env
from .errors import Refused, Undefined
from .evaluate import Evaluator
from .items import Block, Item
from .perturb import BEYOND, FLOOR, SHAKES, Shaken, nudged
from .program import Definition, Program
from .reach import nodes_behind
from .trees import Node, differentiated, pretty

CORNER_ARGUMENTS = (0.0, 1.0, -1.0, 1e-9, -1e-9, 1e-3, -1e-3, 2.0, 6.5, -6.5, 30.0, -30.0, 1e4,
                    -1e4)
LOOSE = 1e-5  # relative difference allowed at a corner, beside what rounding may do


def unnoticed(block: Block, item: Item, evaluator: Evaluator, free: dict[str, torch.Tensor],
              found: set[str]) -> None:
    """Take from `found` the definitions whose change moves the left side of an anchor.

    Parameters
    ----------
    found : set of str
        Definitions that no draw so far has shown to be tied; changed in place.
    """
    assert item.left is not None
    for key in sorted(found):
        try:
            before = value_of(item.left, evaluator, free)
        except (Undefined, Refused):
            continue
        for moved_too in (True, False):  # a matrix is not moved by a number
            changed = program_with(block.program, key, moved_too)
            try:
                after = value_of(item.left, Evaluator(changed, evaluator.draw), free)
            except Refused as error:
                if error.kind == "value":  # a table that adds up to one no longer
                    found.discard(key)
                continue
            except Undefined:
                continue
            if before.shape != after.shape or bool((before != after).any()):
                found.discard(key)
                break


def program_with(program: Program, key: str, moved_too: bool) -> Program:
    """The declarations with one definition changed: its value a little larger, and moved too."""
    old = program.defs[key]
    entries = old.body.kind == "entries"
    formula = old.body.args[2] if entries else old.body
    larger = Node("mul", (Node("num", ("1.01",)), formula))
    body = Node("add", (("+", larger), ("+", Node("num", ("0.0001",))))) if moved_too else larger
    body = Node("entries", (*old.body.args[:2], body)) if entries else body
    new: Definition = replace(old, body=body)
    families = {**program.families, key: new} if key in program.families else program.families
    return replace(program, defs={**program.defs, key: new}, families=families, _closures={})


def hidden(keys: set[str]) -> str:
    """What to say of definitions that an anchor does not see."""
    names = " and ".join(pretty(k) for k in sorted(keys))
    return (f"the anchor holds whatever {names} is: the left side cancels it; write "
            f"{names.split(' and ')[0]} itself on the left")


def value_of(node: Node, evaluator: Evaluator, free: dict[str, torch.Tensor]) -> torch.Tensor:
    value = evaluator.value(node, Env(bound=free))
    if isinstance(value, v.Lazy):
        raise Refused("code", "the left side has no size")
    return v.tensor(value).detach()


@dataclass
class Difference:
    """Both sides of an anchor at a corner where they differ by more than rounding."""

    left: torch.Tensor
    right: torch.Tensor


def refuted(block: Block, item: Item, evaluator: Evaluator,
            rng: np.random.Generator,
            beside: dict[str, torch.Tensor] | None = None) -> Difference | None:
    """Both sides of an anchor that a draw at a corner refutes, where rounding is not the reason."""
    free = beside if beside is not None else {
        n: torch.tensor(float(rng.choice(CORNER_ARGUMENTS)), dtype=torch.float64)
        for n in item.free}
    assert item.left is not None
    try:
        left = value_of(item.left, evaluator, free)
        with np.errstate(all="ignore"):
            code = anchor.evaluate(item.python, evaluator, free, block.packages)
    except (Undefined, Refused, ArithmeticError, RuntimeError):
        return None
    right = torch.as_tensor(np.asarray(code))
    if right.numel() != left.numel() or not bool(torch.isfinite(right).all()):
        return None
    right = right.reshape(left.shape)
    if not bool(torch.isfinite(left).all()):
        return None
    gap = (left - right).abs()
    allowed = LOOSE * torch.maximum(left.abs(), right.abs())
    if not bool((gap > allowed).any()) or not bool(
            (gap > allowed + moved(item.left, evaluator, free)).any()):
        return None
    if beside is None and any(differentiated(n) for n in nodes_behind(block.program, item.left)):
        moved_on = nudged(evaluator, 1e-6, at_zero=1e-6)  # no derivative is defined at a kink
        if refuted(block, item, moved_on, rng, {n: x + 1e-6 for n, x in free.items()}) is None:
            return None
    return Difference(left, right)


def moved(node: Node, evaluator: Evaluator, free: dict[str, torch.Tensor]) -> torch.Tensor:
    """By how much rounding may move each entry of the left side."""
    found = []
    most = 0.0
    for number in range(SHAKES):
        shaken = Shaken(evaluator, number)
        try:
            found.append(value_of(node, shaken, free))
        except (Undefined, Refused, ArithmeticError, RuntimeError):
            return torch.full((), float("inf"), dtype=torch.float64)
        if shaken.lost:
            return torch.full((), float("inf"), dtype=torch.float64)
        most = max(most, shaken.most)
    stack = torch.stack(found)
    spread: torch.Tensor = (stack.max(0).values - stack.min(0).values).abs()
    return 1e4 * BEYOND * spread + 1e4 * FLOOR * most
