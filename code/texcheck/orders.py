"""Approximations: the order at which the error of one shrinks with what goes to zero."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from . import values as v
from .compare import evaluated, largest
from .evaluate import Evaluator
from .items import Item, Order
from .perturb import Shaken

SCALES = tuple(2.0**-k for k in range(4, 20))  # more than four decades
ABOVE = 3.0  # times what shaking moves: an error of which rounding is no share that matters
WIDE = 7  # scales where the errors are not told from rounding one by one
STEADY = 0.7  # the increase of error / scale^p from octave to octave: below it, it comes to rest


@dataclass(frozen=True)
class Shrinking:
    """The errors of an approximation that are above rounding, and the scales of what goes to zero.

    `size` is the largest entry of both sides.
    """

    scales: tuple[float, ...]
    errors: tuple[float, ...]
    size: float


def limit(item: Item) -> Order:
    """What goes to zero in an approximation, and the order that is claimed."""
    assert item.limit is not None
    return item.limit


def shrinking(item: Item, evaluator: Evaluator, closely: bool) -> Shrinking | None:
    """The error at every scale as far as it is above rounding; None where a side does not
    exist. Without a close look the scales are fewer."""
    scales: list[float] = []
    errors: list[float] = []
    size = 0.0
    for scale in SCALES if closely else SCALES[:WIDE]:
        there = shrunk(evaluator, limit(item).symbol, scale)
        pair = evaluated(item, there).pair()
        if pair is None:
            return None
        size = max(size, largest(*pair))
        error = largest(pair[0] - pair[1])
        if error <= (ABOVE * noise(item, there, *pair) if closely else 1e-12 * max(size, 1e-6)):
            break
        scales.append(scale)
        errors.append(error)
    return Shrinking(tuple(scales), tuple(errors), size)


def noise(item: Item, evaluator: Evaluator, left: torch.Tensor, right: torch.Tensor) -> float:
    """What shaking moves of the error."""
    shaken = [evaluated(item, Shaken(evaluator, number)).pair() for number in range(2)]
    return max((largest((s[0] - s[1]) - (left - right)) for s in shaken if s is not None),
               default=np.inf)


def shrunk(evaluator: Evaluator, symbol: str, scale: float) -> Evaluator:
    """The same draw with one symbol multiplied by a small number."""
    draw = evaluator.draw
    values = {**draw.values, symbol: v.scale(scale, draw.values[symbol])}
    return Evaluator(evaluator.program, replace(draw, values=values), evaluator.memo)


def observed(found: Shrinking) -> float | None:
    """The order of the error at the smallest scales; None where too few errors tell it."""
    if len(found.errors) < 3:
        return None
    errors = np.log2(np.array(found.errors[-5:]))
    return float(np.median(errors[:-1] - errors[1:]))


def reached(order: float, found: Shrinking, claimed: Order) -> bool:
    """Whether an observed order is the claimed one, or (for a small o) clearly above it.

    An error such as x log x has nearly the order of x, but its share of x never comes to rest.
    """
    if claimed.small:
        return order >= claimed.power + 0.5
    return order >= claimed.power - 0.2 and not growing(found, claimed.power)


def growing(found: Shrinking, power: float) -> bool:
    """Whether the error, divided by a power of the scale, goes on growing at the smallest."""
    shares = np.array(found.errors) / np.array(found.scales) ** power
    if len(shares) < 6:
        return False
    late, before = shares[-1] - shares[-3], shares[-3] - shares[-5]
    return bool(late > 0 and before > 0 and late > STEADY * before and late > 0.03 * shares[-1])
