"""Approximations: the order at which the error of one shrinks with what goes to zero."""

from __future__ import annotations

from dataclasses import dataclass, replace

import mpmath
import numpy as np
import torch

from . import values as v
from .compare import evaluated, largest, trees
from .draw import draw_domain
from .evaluate import Evaluator
from .items import Item, Order
from .perturb import Shaken
from .precise import UNREAD, Place, Precise, rounded, to_float

SCALES = tuple(2.0**-k for k in range(4, 20))  # more than four decades
ABOVE = 3.0  # times what shaking moves: an error of which rounding is no share that matters
WIDE = 7  # scales where the errors are not told from rounding one by one
SURE = 1e3  # times the bound of rounding: an error whose order is seen to a thousandth
RESOLVED = 0.005  # by how much an order that has come to rest may be below the claimed one
TINY = (2.0**-80, 2.0**-100, 2.0**-120)  # scales at which the order is seen with many digits
MANY = 400  # digits
STEADY = 0.7  # the increase of error / scale^p from octave to octave: below it, it comes to rest


@dataclass(frozen=True)
class Shrinking:
    """The errors of an approximation that are above rounding, and the scales of what goes to zero.

    `size` is the largest entry of both sides; rounding is no share at all of the first `sure`.
    """

    scales: tuple[float, ...]
    errors: tuple[float, ...]
    size: float
    sure: int = 0


def limit(item: Item) -> Order:
    """What goes to zero in an approximation, and the order that is claimed."""
    assert item.limit is not None
    return item.limit


def shrinking(item: Item, evaluator: Evaluator, closely: bool) -> Shrinking | None:
    """The error at every scale as far as it is above rounding; None where a side does not
    exist. Without a close look the scales are fewer."""
    scales: list[float] = []
    errors: list[float] = []
    size, sure = 0.0, 0
    for scale in SCALES if closely else SCALES[:WIDE]:
        there = shrunk(evaluator, limit(item).symbol, scale)
        pair = evaluated(item, there).pair()
        if pair is None:
            return None
        size = max(size, largest(*pair))
        error = largest(pair[0] - pair[1])
        bound = ABOVE * noise(item, there, *pair) if closely else 1e-12 * max(size, 1e-6)
        if error <= bound:
            break
        sure += closely and error > SURE * bound
        scales.append(scale)
        errors.append(error)
    return Shrinking(tuple(scales), tuple(errors), size, sure)


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
    there = order >= claimed.power - 0.2 or approaching(found, claimed.power)
    return there and not growing(found, claimed.power) and not at_rest_below(found, claimed.power)


def approaching(found: Shrinking, power: float) -> bool:
    """Whether the order goes to a power, after an error that has crossed zero: what is missing
    halves at least from octave to octave, and little is left."""
    errors = np.log2(np.array(found.errors[-4:]))
    missing = power - (errors[:-1] - errors[1:])
    return bool(len(missing) == 3 and 0 < missing[-1] < 0.1
                and (missing[1:] < 0.5 * missing[:-1]).all())


def at_rest_below(found: Shrinking, power: float) -> bool:
    """Whether the order has come to rest a little below a power, as that of x^1.98 has.

    Where higher powers disturb it, what is missing halves from octave to octave.
    """
    if found.sure < 6:
        return False
    errors = np.log2(np.array(found.errors[found.sure - 5:found.sure]))
    missing = power - (errors[:-1] - errors[1:])
    return bool(missing[-1] > RESOLVED and np.ptp(missing) < 0.25 * missing[-1])


def tied(item: Item, evaluator: Evaluator, rng: np.random.Generator) -> Shrinking | None:
    """The errors on a draw at a tie, where they shrink more slowly than is claimed; else None.

    What goes to zero is drawn anew: it is not at a tie itself. An order that only begins below
    the distance of two symbols that all but tie shows by errors that vanish among the scales.
    """
    claimed = limit(item)
    domain = evaluator.program.lets[claimed.symbol].domain
    values = {**evaluator.draw.values, claimed.symbol: draw_domain(domain, evaluator, rng)}
    start = Evaluator(evaluator.program, replace(evaluator.draw, values=values), evaluator.memo)
    pairs = [evaluated(item, shrunk(start, claimed.symbol, s)).pair() for s in SCALES[:-7:-5]]
    if any(pair is None for pair in pairs):
        return None
    errors = [largest(pair[0] - pair[1]) for pair in pairs if pair is not None]
    if not all(errors) or np.log2(errors[1] / errors[0]) > 5 * (claimed.power - 0.25):
        return None
    found = shrinking(item, start, True)
    if found is None or len(found.errors) < len(SCALES):
        return None
    late = np.log2(np.array(found.errors[-6:]))
    return found if (late[:-1] - late[1:]).max() < claimed.power - 0.25 else None


def exactly(item: Item, evaluator: Evaluator) -> float | None:
    """The order of the error between scales at which only many digits see it; None where no rule
    says what the sides are, or where they agree."""
    if rounded(evaluator, item):
        return None
    errors = []
    with mpmath.workdps(MANY):
        for scale in TINY:
            reader = Precise(shrunk(evaluator, limit(item).symbol, scale), MANY)
            try:
                left, right = (to_float(reader.number(side, Place())) for side in trees(item))
            except UNREAD:
                return None
            if abs(left - right) <= mpmath.mpf(10) ** (-MANY + 50) * max(abs(left), abs(right)):
                return None
            errors.append(mpmath.log(abs(left - right), 2))
        octaves = float(mpmath.log(TINY[0] / TINY[1], 2))
        return float(max(errors[0] - errors[1], errors[1] - errors[2]) / octaves)


def growing(found: Shrinking, power: float) -> bool:
    """Whether the error, divided by a power of the scale, goes on growing at the smallest."""
    shares = np.array(found.errors) / np.array(found.scales) ** power
    if len(shares) < 6:
        return False
    late, before = shares[-1] - shares[-3], shares[-3] - shares[-5]
    return bool(late > 0 and before > 0 and late > STEADY * before and late > 0.03 * shares[-1])
