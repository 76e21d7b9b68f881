"""Unusual draws, and how far rounding or a small move of the symbols may move a value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch

from . import values as v
from .block import Item
from .compare import LOOSE, evaluated, largest, trees
from .draw import draw_symbols
from .env import NOWHERE, Watch
from .errors import Refused, Undefined
from .evaluate import Evaluator
from .program import Program
from .reach import nodes_behind
from .report import Result

PROBES = 20
KINDS = ("wide", "wide", "mixed", "zero")
MOVES = (1.0, -1.7, 3.1)  # shares of a step: of both signs, and no multiples of one another


def unusual(program: Program, seed: list[int], watch: Watch) -> Iterator[tuple[str, Evaluator]]:
    """Draws at unusual scales that fulfil the assumptions, each with its kind."""
    for number in range(PROBES):
        rng = np.random.default_rng([*seed, number, 7])
        kind = KINDS[number % len(KINDS)]
        try:
            evaluator = draw_symbols(program, rng, kind)
            if not evaluator.holds(program.assumptions, NOWHERE):
                continue
        except (Undefined, Refused):
            continue
        evaluator.watch = watch
        evaluator.probing = kind != "zero"
        yield kind, evaluator


def refuted(result: Result, evaluator: Evaluator,
            kind: str) -> tuple[torch.Tensor, torch.Tensor] | None:
    """Both sides of a step that an unusual draw refutes where rounding cannot be the reason."""
    item = result.item
    if kind == "zero" and differentiates(evaluator.program, item):
        return None
    pair = evaluated(item, evaluator).pair()
    if pair is None or evaluator.cancelled:
        return None
    left, right = pair
    gap = largest(left - right)
    if result.grade == "inequality":
        sign = 1 if item.relation == r"\ge" else -1
        gap = float(torch.clamp(-sign * (left - right), min=0).max())
    beyond = gap > max(LOOSE * largest(left, right), rounding(evaluator)) and (
        kind == "zero" or gap > 5 * noise(item, evaluator, left, right))
    return pair if beyond else None


def differentiates(program: Program, item: Item) -> bool:
    """Whether a step takes a derivative, itself or through a definition."""
    return any(n.kind in ("diff", "grad") or (n.kind in ("call", "fn") and n.args[2])
               for n in nodes_behind(program, *trees(item)))


# ---- rounding ----------------------------------------------------------------------------


def rounding(evaluator: Evaluator) -> float:
    """How far rounding may move a value: a share of the largest number met on the way."""
    most = 1e-6
    for value in evaluator.memory.values():
        if isinstance(value, torch.Tensor) and value.numel():
            most = max(most, largest(value.detach()))
        elif isinstance(value, v.Number):
            most = max(most, abs(float(value)))
    return most * 1e-8 if np.isfinite(most) else float("inf")


def nudged(evaluator: Evaluator, by: float) -> Evaluator:
    """The same draw with every real symbol moved by a small share of itself."""
    draw, program = evaluator.draw, evaluator.program

    def moved(key: str, value: v.Value) -> v.Value:
        let = program.lets.get(key)
        if let is not None and let.domain.args[0] == "simplex" and isinstance(value, torch.Tensor):
            turns = (-1.0) ** torch.arange(value.numel(), dtype=torch.float64).reshape(value.shape)
            shares = value * (1 + by * turns)
            return shares / shares.sum()  # still a distribution
        smooth = isinstance(value, torch.Tensor) and not program.is_discrete(key)
        return v.scale(1 + by, value) if smooth else value

    values = {k: moved(k, x) for k, x in draw.values.items()}
    families = {k: {i: moved(k, x) for i, x in f.items()} for k, f in draw.families.items()}
    return Evaluator(program, replace(draw, values=values, families=families))


def noise(item: Item, evaluator: Evaluator, left: torch.Tensor, right: torch.Tensor) -> float:
    """How far both sides move when every symbol moves a little: what rounding may do."""
    most = 0.0
    for by in MOVES:
        moved = evaluated(item, nudged(evaluator, by * 1e-5)).pair()
        if moved is None:
            return float("inf")
        most = max(most, largest(left - moved[0], right - moved[1]))
    return most


def stays(result: Result, left: torch.Tensor, evaluator: Evaluator) -> bool:
    """Whether a tiny value is a value, not rounding: it hardly moves with the symbols."""
    size = largest(left)
    if size <= 1e-6 * rounding(evaluator) or result.draws > 6:
        return False
    for by in MOVES:
        moved = evaluated(result.item, nudged(evaluator, by * 1e-10)).left
        if moved is None:
            return False
        if isinstance(moved, v.Lazy):
            continue
        if largest(v.tensor(moved) - left) >= 1e-3 * size:
            return False
    return True
