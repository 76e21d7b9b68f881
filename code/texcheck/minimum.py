"""Where a function is least: of one number on the whole line, or of a vector.

A minimum over one real number is sought on the whole line: the function is looked at on a grid from
far left to far right, and the lowest of its dips is narrowed down by the sign of the slope, so that
a kink may be one. A function that is lowest at an end of the grid goes on falling: it has none.

A minimum over a vector is found by Newton's method from several starts. It counts only with its
certificate: the gradient vanishes there, every eigenvalue of the Hessian is positive, all starts
end at the same place, and no place looked at is lower.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch

from . import values as v
from .differentiate import jacobian
from .errors import Refused, Undefined

SCALES = (0.3, 1.0, 3.0, 30.0)  # of the starts
PROBES = 48  # places at which a vector is looked at, near and far
ROUNDS = 60
STEP = 0.01  # of the grid on a line, as a share of the distance from zero, where that is beyond 1
DENSE = 1e6  # the grid is as fine as that up to here, and
FARTHEST = 1e12  # coarse up to here
LOGS = 30.0  # of a positive number: how far its logarithm goes
THIN = 16  # of a grid, one place in that many is looked at where each takes its own evaluation
DIPS = 12  # the lowest dips of a function that are narrowed down
CLOSE = 1e-9  # values that differ by less, beside themselves, are equal
BESIDE = 1e-4  # from a minimum, relative to its place: where the slopes beside it are looked at
FLAT = 1e-9  # of the largest: an eigenvalue of the Hessian that counts as zero
Objective = Callable[[torch.Tensor], torch.Tensor]


class Kinked(Undefined):
    """No gradient vanishes where a function was searched."""


@lru_cache(maxsize=1)
def usual_line() -> torch.Tensor:
    """Places on the whole line, close to one another near zero."""
    half = math.asinh(DENSE)
    dense = torch.sinh(torch.arange(-half, half, STEP, dtype=torch.float64))
    far = torch.logspace(math.log10(DENSE), math.log10(FARTHEST), 24, dtype=torch.float64)
    return torch.cat([-far.flip(0), dense, far])


def line(marks: list[float]) -> torch.Tensor:
    extra = torch.tensor([x for x in marks if abs(x) < FARTHEST], dtype=torch.float64)
    found: torch.Tensor = torch.cat([usual_line(), extra]).unique()  # type: ignore[no-untyped-call]
    return found


def logs(marks: list[float]) -> torch.Tensor:
    """Logarithms of places on the positive half of the line."""
    extra = torch.tensor([math.log(x) for x in marks if 1e-12 < x < 1e12], dtype=torch.float64)
    usual = torch.arange(-LOGS, LOGS, 2 * STEP, dtype=torch.float64)
    found: torch.Tensor = torch.cat([usual, extra]).unique()  # type: ignore[no-untyped-call]
    return found


# ---- on the line -------------------------------------------------------------------------


class Looked(NamedTuple):
    """A function at many places: its values, and where it was looked at (not all of them)."""

    places: torch.Tensor
    values: torch.Tensor


def looked(f: Objective, places: torch.Tensor, thin: int = 1) -> Looked:
    """The function at places, at once where that is possible; not a number where it is none."""
    try:
        return Looked(places, torch.func.vmap(f)(places))
    except (RuntimeError, TypeError, ValueError, Refused, Undefined):
        places = places[::thin]
    found = []
    for place in places:
        try:
            found.append(f(place))
        except (Undefined, ArithmeticError):
            found.append(torch.tensor(math.nan, dtype=torch.float64))
    return Looked(places, torch.stack(found))


def slopes_at(f: Objective, places: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Values and slopes at places."""
    leaf = places.detach().clone().requires_grad_()
    values = looked(f, leaf).values
    if not values.requires_grad:
        return values, torch.zeros_like(values)
    found, = torch.autograd.grad(values.sum(), leaf, allow_unused=True)
    return values.detach(), torch.zeros_like(places) if found is None else found.detach()


def on_line(plain: Objective, f: Objective, grid: torch.Tensor, op: str) -> torch.Tensor:
    """Where a function of one number is least on the whole line.

    Raises
    ------
    Undefined
        Where it goes on falling, is not seen to have a lowest place, has several of them and one
        is asked for, or is too flat there to say where it is.
    """
    best, others = lowest_dip(plain, grid, op)
    if others and op.startswith("arg"):
        raise Undefined(f"{op}: it is taken at different places, {float(best):.6g} and "
                        f"{float(others[0]):.6g}")
    _, slope, bend = slopes(f, best.reshape(1))
    shape = shape_beside(plain, best)
    step = abs(float(slope.detach()) / float(bend.detach())) if float(bend.detach()) else math.inf
    if shape == "smooth" and float(bend.detach()) > 0 and step <= 1e-6 * (1 + float(best.abs())):
        return polished(f, best.reshape(1))
    if shape == "flat" and op.startswith("arg"):
        raise Undefined(f"{op}: it is so flat around {float(best):.6g} that the place is not known "
                        "to be one, or a minimum")
    if f(best.reshape(1)).requires_grad:
        raise v.type_error(f"a derivative of what is least at a kink, or is flat there: write {op} "
                           "out, or differentiate each piece")
    return best.reshape(1)


def lowest_dip(f: Objective, grid: torch.Tensor, op: str
               ) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """The lowest place of a function on a line, and others that are as low."""
    with torch.no_grad():
        places, values = looked(f, grid.detach(), THIN)
    values = torch.where(torch.isnan(values), math.inf, values.detach())
    if not bool(torch.isfinite(values).any()):
        raise Undefined(f"{op} of what has no value")
    at = int(values.argmin())
    if at in (0, len(values) - 1) or float(values[at]) == -math.inf:
        raise Undefined(f"{op}: no place is found where it is lowest: it goes on without an end")
    inner = (values[1:-1] <= values[:-2]) & (values[1:-1] <= values[2:])
    dips = torch.nonzero(inner & torch.isfinite(values[1:-1])).reshape(-1) + 1
    dips = dips[torch.argsort(values[dips], stable=True)[:DIPS]]
    low, high = places[dips - 1], places[dips + 1]
    found = values[dips]
    for count in (64, 64, 256, 256, 256, 256, 256, 256):
        low, high, there, found = narrowed(f, low, high, count)
        known = torch.isfinite(found)
        known &= found <= found.min() + 1e-2 * (1 + found.min().abs())  # the others are higher
        low, high, there, found = low[known], high[known], there[known], found[known]
        if not len(found):
            raise Undefined(f"{op}: no place is found where the slope changes its sign: there is "
                            "none, or the formula jumps there")
        if bool((high - low <= 4e-16 * (high.abs() + low.abs())).all()):
            break
    lowest = float(found.min())
    if lowest > float(values[at]) + CLOSE * (1 + abs(float(values[at]))):
        raise Undefined(f"{op}: the lowest place that is seen is no minimum: the formula jumps "
                        "there")
    best = there[int(found.argmin())]
    apart = (there - best).abs() > 1e-5 * (1 + best.abs())
    equal = found <= lowest + CLOSE * (1e-3 + abs(lowest))
    return best, list(there[apart & equal])


def narrowed(f: Objective, low: torch.Tensor, high: torch.Tensor, count: int
             ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Of each interval the part in which the slope turns from falling to rising, at the lowest
    place: its ends, the lower one of these, and the value there; infinite where it turns nowhere.
    """
    shares = torch.linspace(0, 1, count, dtype=torch.float64)
    places = low[:, None] + (high - low)[:, None] * shares
    values, slope = slopes_at(f, places.reshape(-1))
    values, slope = values.reshape(places.shape), slope.reshape(places.shape)
    turns = (slope[:, :-1] <= 0) & (slope[:, 1:] >= 0) & ~((slope[:, :-1] == 0) & (
        slope[:, 1:] == 0))
    least = torch.minimum(values[:, :-1], values[:, 1:])
    least = torch.where(turns & torch.isfinite(least), least, math.inf)
    found, at = least.min(1)
    rows = torch.arange(len(places))
    left, right = places[rows, at], places[rows, at + 1]
    lower = torch.where(values[rows, at] <= values[rows, at + 1], left, right)
    return left, right, lower, found


def shape_beside(f: Objective, place: torch.Tensor) -> str:
    """How a function rises beside a minimum: "smooth" like a parabola on both sides, with a "kink",
    or "flat", so that its place is less exact than a float."""
    by = BESIDE * (1 + float(place.detach().abs()))
    offsets = by * torch.tensor([-1, -0.125, 0.125, 1], dtype=torch.float64)
    _, slope = slopes_at(f, place.detach() + offsets)
    grows = [float(slope[far] / slope[near]) if float(slope[near]) else math.inf
             for far, near in ((0, 1), (3, 2))]
    if all(4 < g < 16 for g in grows):
        return "smooth"
    if min(grows) < 2 and max(grows) < 16 and float(slope[1]) <= 0 <= float(slope[2]):
        return "kink"
    return "flat"


# ---- in a space --------------------------------------------------------------------------


def least(f: Objective, plain: Objective, size: int, op: str, far: bool) -> torch.Tensor:
    """Where a function of a vector is smallest, found alike from all starts; `far` ones too, where
    the entries are no logarithms.

    Raises
    ------
    Undefined
        Where the starts disagree, none ends, the place is not a single one, or another place is
        lower.
    """
    rng = np.random.default_rng(0)
    scales = SCALES if far else SCALES[:-1]
    ends = [descended(f, torch.as_tensor(scale * rng.normal(size=size)), op) for scale in scales]
    first = ends[0]
    value = float(f(first).detach())
    for other in ends[1:]:
        same = float((first - other).abs().max()) <= 1e-5 * (1 + float(first.abs().max()))
        as_low = abs(float(f(other).detach()) - value) <= CLOSE * abs(value)
        if not same and (op.startswith("arg") or not as_low):
            raise Undefined(f"{op}: several starts end at different places")
    reach = 10.0 ** rng.uniform(-1, 6 if far else 1, size=(PROBES, 1))
    probes = torch.as_tensor(reach * rng.normal(size=(PROBES, size)))
    with torch.no_grad():
        there = looked(plain, torch.cat([first.detach() + probes, probes]), THIN).values
    if bool((there < value - CLOSE * (1 + abs(value))).any()):
        raise Undefined(f"{op}: the place where the gradient vanishes is not the lowest one")
    return first


def slopes(f: Objective, u: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Value, gradient and Hessian."""
    leaf = u if u.requires_grad else u.detach().requires_grad_()
    value = f(leaf)
    if not value.requires_grad:
        raise v.type_error("what is made small does not depend on what it is made small over")
    gradient, = torch.autograd.grad(value, leaf, create_graph=True, allow_unused=True)
    if gradient is None:
        raise v.type_error("what is made small does not depend on what it is made small over")
    return value, gradient, jacobian(gradient, leaf)


def length_of(f: Objective, u: torch.Tensor, step: torch.Tensor, value: torch.Tensor,
              gradient: torch.Tensor) -> float | None:
    """How much of a step goes down enough; None where no part of it does, as at a kink."""
    length = 1.0
    while length > 1e-10:
        with torch.no_grad():
            lower = f(u - length * step)
        if bool(lower <= value - 1e-4 * length * (gradient @ step)) or bool(
                length * (gradient @ step) < 1e-13 * value.abs()):
            return length
        length /= 2
    return None


def descended(f: Objective, u: torch.Tensor, op: str) -> torch.Tensor:
    """The end of Newton's method with steps that go down, with its certificate."""
    for _ in range(ROUNDS):
        value, gradient, hessian = (x.detach() for x in slopes(f, u))
        if not bool(torch.isfinite(hessian).all() and torch.isfinite(gradient).all()):
            break
        curves, basis = torch.linalg.eigh((hessian + hessian.T) / 2)
        most = float(curves.abs().max())
        sizes = curves.abs().clamp(min=max(1e-8 * most, 1e-300))
        step: torch.Tensor = basis @ ((basis.T @ gradient) / sizes)
        if float(step.abs().max()) <= 1e-9 * (1 + float(u.abs().max())):
            if float(curves[0]) <= FLAT * most:
                raise Undefined(f"{op}: the Hessian is singular there, so that the place is not "
                                "known to be one, or a minimum")
            return u - step
        length = length_of(f, u, step, value, gradient)
        if length is None:
            break
        u = u - length * step
    raise Kinked(f"{op}: no place is found where the gradient vanishes: there is none, or the "
                 "formula has a kink there")


def polished(f: Objective, u: torch.Tensor) -> torch.Tensor:
    """Two more steps of Newton's method, tied to all that the function depends on: so the first
    derivatives of the place, and the second, are those of the place."""
    for _ in range(2):
        _, gradient, hessian = slopes(f, u)
        step: torch.Tensor = torch.linalg.inv(hessian) @ gradient
        u = u - step
    return u
