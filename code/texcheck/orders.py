"""Approximations: the order at which the error of one shrinks with what goes to zero."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from . import values as v
from .compare import evaluated, largest
from .evaluate import Evaluator
from .items import Item, Order

SCALES = tuple(2.0**-k for k in range(4, 11))


def limit(item: Item) -> Order:
    """What goes to zero in an approximation, and the order that is claimed."""
    assert item.limit is not None
    return item.limit


def shrinking(item: Item, evaluator: Evaluator) -> tuple[list[float], float] | None:
    """The error at every scale, and the largest entry of both sides; None where one side does
    not exist."""
    errors, size = [], 0.0
    for scale in SCALES:
        pair = evaluated(item, shrunk(evaluator, limit(item).symbol, scale)).pair()
        if pair is None:
            return None
        size = max(size, largest(*pair))
        errors.append(largest(pair[0] - pair[1]))
    return errors, size


def shrunk(evaluator: Evaluator, symbol: str, scale: float) -> Evaluator:
    """The same draw with one symbol multiplied by a small number."""
    draw = evaluator.draw
    values = {**draw.values, symbol: v.scale(scale, draw.values[symbol])}
    return Evaluator(evaluator.program, replace(draw, values=values))


def observed(errors: list[float], size: float) -> float | None:
    """The order of the error; None where too few errors are above rounding to tell."""
    usable = [e for e in errors if e > 1e-12 * max(size, 1e-6)]
    if len(usable) < 3:
        return None
    slopes = np.log2(np.array(usable[:-1]) / np.array(usable[1:]))
    return float(np.max(slopes[-3:]))


def reached(order: float, claimed: Order) -> bool:
    """Whether an observed order is the claimed one, or (for a small o) clearly above it."""
    return order >= claimed.power + (0.5 if claimed.small else -0.2)
