"""Means over independent standard variables: exact to rounding, or refused.

An integrand is a function of points in a space of standard variables, an `Axis` each: normal,
uniform on (0, 1), or exponential. Two rules of different degree, turned against one another, must
agree, else the mean is not known and `Undefined` is raised: a value that is not exact is never
returned. What makes the space small, or a mean known in closed form, is found from the integrand:

- Directions in which nothing moves are left out: `e^{w^T u}` depends on one direction of u.
- On a line, the places where the integrand bends or jumps are found from the functions that switch
  there, and each piece is integrated by itself. Its ends move with the parameters, so that
  derivatives go through a bend and a jump.
- The exponential of a quadratic has its mean in closed form.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

from .errors import Undefined
from .values import Array

AGREE = 1e-11  # of two rules, beside the mean of the magnitude
MOST_POINTS = 6000
MOST_PIECES = 80
STILL = 1e-10  # along what is left out, an integrand moves by less, beside its value
FLAT = 1e-9  # a direction in which the integrand moves by less, beside the others, is left out
Decisions = list[bool]


class Switch(NamedTuple):
    """A number at whose zeros (`steps`: whole values) a function bends or jumps."""

    value: torch.Tensor
    steps: bool = False


def entries(value: Any) -> list[torch.Tensor]:
    return list(value.reshape(-1)) if isinstance(value, torch.Tensor) else []


def at_zero(x: Any, *rest: Any, **named: Any) -> list[Switch]:
    return [Switch(s) for s in entries(x)]


def at_whole(x: Any, *rest: Any, **named: Any) -> list[Switch]:
    return [Switch(s, True) for s in entries(x)]


def at_equal(a: Any, b: Any = None, *rest: Any, **named: Any) -> list[Switch]:
    """Two arguments that are compared, or all entries of one."""
    if isinstance(b, torch.Tensor):
        return [Switch(s) for s in entries(a - b)]
    found = entries(a)
    return [Switch(x - y) for x, y in itertools.combinations(found, 2)]


def at_ends(x: Any, *ends: Any, **named: Any) -> list[Switch]:
    return [Switch(s - e) for e in (*ends, *named.values()) if e is not None for s in entries(x)]


SWITCHES: dict[Any, Callable[..., list[Switch]]] = {
    **dict.fromkeys((torch.abs, torch.Tensor.abs, torch.Tensor.__abs__, torch.absolute, torch.relu,
                     torch.Tensor.relu, torch.nn.functional.relu, torch.sign, torch.Tensor.sign,
                     torch.nn.functional.leaky_relu), at_zero),
    **dict.fromkeys((torch.floor, torch.Tensor.floor, torch.ceil, torch.Tensor.ceil), at_whole),
    **dict.fromkeys((torch.maximum, torch.minimum, torch.amax, torch.amin, torch.max, torch.min,
                     torch.Tensor.max, torch.Tensor.min, torch.Tensor.amax, torch.Tensor.amin),
                    at_equal),
    **dict.fromkeys((torch.clamp, torch.Tensor.clamp, torch.clip), at_ends),
}


class Recorder(TorchFunctionMode):
    """Notes what switches while an integrand is evaluated.

    With `decided`, comparisons come out as they did where these decisions were noted: the branch
    is followed beyond its region, so that it is smooth and many points are evaluated at once.
    """

    def __init__(self, decided: Decisions | None = None):
        super().__init__()
        self.switches: list[Switch] = []
        self.decisions: Decisions = []
        self.decided = None if decided is None else iter(decided)
        self.paused = False

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = None if self.paused else SWITCHES.get(func)
        if found is not None:
            self.switches += found(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))

    def decide(self, difference: torch.Tensor, holds: Callable[[], bool]) -> bool:
        """The outcome of a comparison, which switches where the difference is zero."""
        self.switches.append(Switch(difference))
        answer = holds() if self.decided is None else next(self.decided)
        self.decisions.append(answer)
        return answer


class Batch(NamedTuple):
    """Values at points (points × entries), and what switches there (points × switches)."""

    values: torch.Tensor
    switches: torch.Tensor
    steps: tuple[bool, ...] = ()
    decisions: Decisions = []  # noqa: RUF012 (never written to)

    def signature(self) -> Array:
        """On which side of every switch each point lies."""
        found = self.switches.detach().numpy()
        return np.where(np.array(self.steps, dtype=bool), np.floor(found), found > 0)

    @property
    def smooth(self) -> bool:
        return not self.steps and not self.decisions


class Integrand(Protocol):
    """What is averaged: at points, or at one point where its decisions are noted."""

    def many(self, points: torch.Tensor, decided: Decisions) -> Batch: ...

    def one(self, point: torch.Tensor) -> Batch: ...

    def doubt(self, share: torch.Tensor) -> None:
        """Hand on by how much two rules differ, where many means are taken at once."""
        ...


@dataclass(frozen=True)
class Axis:
    """A standard variable: where it lies, how wide a panel may be, at which of its ends it goes on
    without being integrated, and where what is too narrow for a rule most often stands."""

    name: str
    low: float
    high: float
    width: float
    tails: tuple[float, ...] = ()
    narrow: tuple[float, ...] = (0.0, 1e-3, -0.03)

    def density(self, x: torch.Tensor) -> torch.Tensor:
        if self.name == "normal":
            return torch.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
        return torch.exp(-x) if self.name == "exponential" else torch.ones_like(x)

    def rule(self, count: int) -> tuple[Array, Array]:
        return RULES[self.name](count)

    def random(self, rng: np.random.Generator, count: int) -> Array:
        """Places anywhere that matters."""
        if self.name == "normal":
            return rng.normal(size=count)
        return rng.exponential(size=count) if self.name == "exponential" else rng.random(count)


NORMAL = Axis("normal", -13.0, 13.0, 2.0, (-13.0, 13.0))
UNIFORM = Axis("uniform", 0.0, 1.0, 0.5, narrow=(0.0, 1.0, 0.5, 1e-3))
EXPONENTIAL = Axis("exponential", 0.0, 60.0, 3.0, (60.0,), (0.0, 1e-3, 0.03))


@lru_cache(maxsize=64)
def hermite(count: int) -> tuple[Array, Array]:
    """Nodes and weights for the standard normal distribution."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(count)
    return nodes, weights / weights.sum()


@lru_cache(maxsize=64)
def legendre(count: int) -> tuple[Array, Array]:
    """Nodes and weights on (0, 1)."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return (nodes + 1) / 2, weights / 2


@lru_cache(maxsize=64)
def laguerre(count: int) -> tuple[Array, Array]:
    nodes, weights = np.polynomial.laguerre.laggauss(count)
    return nodes, weights


RULES = {"normal": hermite, "uniform": legendre, "exponential": laguerre}


class Mean(NamedTuple):
    """The mean of every entry, and the mean of its magnitude."""

    value: torch.Tensor
    size: torch.Tensor


def unknown(why: str) -> Undefined:
    return Undefined(f"this expectation is not evaluated exactly: {why}")


def mean(f: Integrand, axes: Sequence[Axis]) -> Mean:
    """The mean of an integrand over independent standard variables.

    Raises
    ------
    Undefined
        Where it is not known to the accuracy `AGREE`, with what to write instead.
    """
    if not axes:
        value = f.many(torch.zeros(1, 0, dtype=torch.float64), []).values[0]
        return Mean(value, value.detach().abs())
    if len(axes) == 1:
        return on_line(f, axes[0])
    return in_space(f, axes)


def readable(value: torch.Tensor) -> bool:
    """Whether a value is at hand, and not one of many that are evaluated at once."""
    try:
        float(value.detach().sum())
    except RuntimeError:
        return False
    return True


def trusted(f: Integrand, first: Mean, second: Mean) -> Mean:
    """The second of two means, one of many: whoever evaluates them all looks at the doubt."""
    size = torch.maximum(first.size, second.size) + 1e-290
    f.doubt(((first.value - second.value).detach().abs() / size).max())
    return second


def agreed(first: Mean, second: Mean) -> bool:
    gap = (first.value - second.value).detach().abs()
    return bool((gap <= AGREE * torch.maximum(first.size, second.size) + 1e-290).all())


def weighted(f: Integrand, points: Array, weights: Array) -> Mean:
    """The mean by a rule, of a smooth integrand."""
    batch = f.many(torch.as_tensor(points), [])
    if readable(batch.values) and not bool(torch.isfinite(batch.values).all()):
        raise unknown("it is not finite everywhere")
    w = torch.as_tensor(weights)
    return Mean(w @ batch.values, w.abs() @ batch.values.detach().abs())


# ---- on a line ---------------------------------------------------------------------------


def on_line(f: Integrand, axis: Axis) -> Mean:
    """The mean over one variable, whose integrand may bend and jump."""
    if f.one(torch.full((1, 1), 0.37, dtype=torch.float64)).smooth:
        rules = [axis.rule(n) for n in (20, 32)]
        first, second = (weighted(f, nodes[:, None], w) for nodes, w in rules)
        if not readable(second.value):
            return trusted(f, first, second)
        same = agreed(first, second)
        if same and resolved(f, axis):
            return second
        closed = exponential(f, 1) if axis is NORMAL else None
        if closed is not None:
            return closed
        if same:
            raise unknown("it has a place that is too narrow to see")
    for cells in (96, 900):
        try:
            return in_pieces(f, axis, cells)
        except Unseen:
            continue
    raise unknown("it bends or jumps in too many places")


def resolved(f: Integrand, axis: Axis) -> bool:
    """Whether an integrand is, at the places where what is narrow most often stands, about what the
    polynomial through its values at the nodes of a rule is."""
    nodes, _ = axis.rule(32)
    places = np.array(axis.narrow)
    values = f.many(torch.as_tensor(np.append(nodes, places)[:, None]), []).values.detach().numpy()
    seen, there = values[:len(nodes)], values[len(nodes):]
    scale = axis.high - axis.low
    factors = 4 * (nodes[:, None] - nodes) / scale + np.eye(len(nodes))
    from_node = places[:, None] - nodes
    share = 1 / (factors.prod(axis=1) * np.where(from_node == 0, 1e-300, from_node))
    told = (share @ seen) / share.sum(axis=1, keepdims=True)
    size = np.maximum(np.abs(seen).max(axis=0), np.abs(there))
    return bool((np.abs(told - there) <= 0.1 * size).all())


class Unseen(Exception):
    """A switch turned between two places where it was looked at."""


class Piece(NamedTuple):
    low: torch.Tensor
    high: torch.Tensor
    decided: Decisions


def in_pieces(f: Integrand, axis: Axis, cells: int) -> Mean:
    pieces = list(march(f, axis, cells))
    parts = [panels(f, axis, piece) for piece in pieces]
    size = torch.stack([p.size for p in parts]).sum(0)
    for piece in (pieces[0], pieces[-1]):
        check_tail(f, axis, piece, size)
    return Mean(torch.stack([p.value for p in parts]).sum(0), size)


def march(f: Integrand, axis: Axis, cells: int) -> Iterator[Piece]:
    """The pieces between the places where something switches, from left to right."""
    at, low = axis.low, torch.tensor(axis.low, dtype=torch.float64)
    step = (axis.high - axis.low) / cells
    for _ in range(MOST_PIECES):
        start = at + 1e-9 * (1 + abs(at))
        if start >= axis.high:
            return
        decided = f.one(torch.full((1, 1), start, dtype=torch.float64)).decisions
        grid = np.append(np.arange(start, axis.high - 1e-9, step), axis.high - 1e-9)
        batch = f.many(torch.as_tensor(grid[:, None]), decided)
        sides = batch.signature()
        turned = np.flatnonzero((sides != sides[0]).any(axis=1))
        if not len(turned):
            yield Piece(low, torch.tensor(axis.high, dtype=torch.float64), decided)
            return
        cell = int(turned[0])
        at, which, level = first_root(f, decided, grid[cell - 1:cell + 1], sides[cell - 1:cell + 1],
                                      batch.steps)
        high = moving(f, decided, at, which, level)
        yield Piece(low, high, decided)
        low = high
    raise Unseen


def first_root(f: Integrand, decided: Decisions, ends: Array, sides: Array,
               steps: tuple[bool, ...]) -> tuple[float, int, float]:
    """The first place in a cell where something switches: which, and the level it passes."""
    found = []
    for which in np.flatnonzero(sides[0] != sides[1]):
        level = 0.0
        if steps[which]:
            up = sides[1, which] > sides[0, which]
            level = float(sides[0, which] + 1 if up else sides[0, which])
        found.append((root(f, decided, ends, int(which), level), int(which), level))
    return min(found)


def root(f: Integrand, decided: Decisions, ends: Array, which: int, level: float) -> float:
    """Where a switch passes a level, by regula falsi that halves the idle end."""
    def switch(x: float) -> float:
        point = torch.full((1, 1), x, dtype=torch.float64)
        return float(f.many(point, decided).switches[0, which].detach()) - level

    a, b = map(float, ends)
    fa, fb = switch(a), switch(b)
    if fa == 0 or fb == 0:
        return a if fa == 0 else b
    for _ in range(100):
        x = (a * fb - b * fa) / (fb - fa) if fb != fa else (a + b) / 2
        if not min(a, b) < x < max(a, b):
            x = (a + b) / 2
        fx = switch(x)
        if fx == 0 or abs(b - a) < 1e-15 * (1 + abs(x)):
            return x
        if (fx > 0) == (fb > 0):
            fa /= 2
        else:
            a, fa = b, fb
        if abs(x - b) < 1e-15 * (1 + abs(x)):
            return x
        b, fb = x, fx
    return b


def moving(f: Integrand, decided: Decisions, at: float, which: int, level: float) -> torch.Tensor:
    """A root as a function of the parameters: steps of Newton, whose derivatives are exact."""
    x = torch.tensor(at, dtype=torch.float64)
    if not f.many(x.reshape(1, 1), decided).switches.requires_grad:
        return x
    x.requires_grad_()
    for _ in range(2):
        value = f.many(x.reshape(1, 1), decided).switches[0, which] - level
        slope, = torch.autograd.grad(value, x, create_graph=True)
        if abs(float(slope.detach())) < 1e-9:
            raise unknown("a bend that does not move with its parameters")
        x = (x.detach() if x.is_leaf else x) - value / slope
    return x


def panels(f: Integrand, axis: Axis, piece: Piece) -> Mean:
    """The integral over one piece, halving panels until two rules agree on each."""
    rules = [legendre(n) for n in (10, 16)]
    count = max(1, math.ceil(float((piece.high - piece.low).detach()) / axis.width))
    waiting = [(i / count, (i + 1) / count, 0) for i in range(count)]
    total: torch.Tensor | None = None
    size: torch.Tensor | None = None
    moves = piece.low.requires_grad or piece.high.requires_grad
    deepest = 45
    while waiting:
        nodes = np.concatenate([n for n, _ in rules])
        spots = np.concatenate([lo + (hi - lo) * nodes for lo, hi, _ in waiting])
        x = piece.low + (piece.high - piece.low) * torch.as_tensor(spots)
        batch = f.many(x[:, None], piece.decided)
        sides = batch.signature()
        if len(sides) and (sides != sides[0]).any():
            raise Unseen
        heights = axis.density(x)[:, None] * batch.values * (piece.high - piece.low)
        if not bool(torch.isfinite(heights).all()):
            raise unknown("it is not finite everywhere")
        moves = moves or heights.requires_grad
        parts = heights.reshape(len(waiting), -1, heights.shape[1])
        lengths = torch.tensor([hi - lo for lo, hi, _ in waiting], dtype=torch.float64)[:, None]
        split = len(rules[0][0])
        coarse = lengths * torch.einsum("n,pnk->pk", torch.as_tensor(rules[0][1]),
                                        parts[:, :split])
        fine = lengths * torch.einsum("n,pnk->pk", torch.as_tensor(rules[1][1]),
                                      parts[:, split:])
        large = lengths * torch.einsum("n,pnk->pk", torch.as_tensor(rules[1][1]),
                                       parts[:, split:].detach().abs())
        if size is None or total is None:
            size, total = torch.zeros_like(large[0]), torch.zeros_like(fine[0])
        scale = size + large.sum(0)
        good = ((coarse - fine).detach().abs() <= 1e-12 * scale + 1e-290).all(1)
        total = total + fine[good].sum(0)
        size = size + large[good].sum(0)
        bad = [w for w, g in zip(waiting, good, strict=True) if not g]
        if len(bad) > 400 or any(d >= (12 if moves else deepest) for *_, d in bad):
            raise unknown("it has a place where it grows or bends without end")
        waiting = [half for lo, hi, d in bad
                   for half in ((lo, (lo + hi) / 2, d + 1), ((lo + hi) / 2, hi, d + 1))]
    assert total is not None and size is not None
    return Mean(total, size)


def check_tail(f: Integrand, axis: Axis, piece: Piece, size: torch.Tensor) -> None:
    """Beyond the ends of what is integrated, nothing may be left."""
    for end in (piece.low, piece.high):
        x = end.detach().reshape(1)
        if float(x) in axis.tails:
            left = (axis.density(x) * f.many(x[:, None], piece.decided).values[0]).detach().abs()
            if not bool((left <= AGREE * size + 1e-290).all()):
                raise unknown("it grows too fast")


# ---- in a space --------------------------------------------------------------------------


class Restricted:
    """An integrand on a part of its space: `basis` @ what varies, and what stays in `offset`."""

    def __init__(self, f: Integrand, basis: torch.Tensor, offset: torch.Tensor | None = None):
        self.f, self.basis, self.offset = f, basis, offset

    def lifted(self, points: torch.Tensor) -> torch.Tensor:
        whole = points @ self.basis.T
        return whole if self.offset is None else whole + self.offset

    def many(self, points: torch.Tensor, decided: Decisions) -> Batch:
        return self.f.many(self.lifted(points), decided)

    def one(self, point: torch.Tensor) -> Batch:
        return self.f.one(self.lifted(point))

    def doubt(self, share: torch.Tensor) -> None:
        self.f.doubt(share)


class Entry:
    """One entry of an integrand."""

    def __init__(self, f: Integrand, place: int):
        self.f, self.place = f, place

    def many(self, points: torch.Tensor, decided: Decisions) -> Batch:
        batch = self.f.many(points, decided)
        return batch._replace(values=batch.values[:, self.place:self.place + 1])

    def one(self, point: torch.Tensor) -> Batch:
        batch = self.f.one(point)
        return batch._replace(values=batch.values[:, self.place:self.place + 1])

    def doubt(self, share: torch.Tensor) -> None:
        self.f.doubt(share)


def in_space(f: Integrand, axes: Sequence[Axis]) -> Mean:
    """The mean over several variables, of those directions that matter."""
    rng = np.random.default_rng(len(axes))
    sample = f.one(torch.full((1, len(axes)), 0.4, dtype=torch.float64))
    if sample.smooth and not readable(sample.values):
        found = [weighted(f, *rule) for rule in itertools.islice(rules(tuple(axes)), 4)]
        if len(found) < 2:
            raise unknown("too many variables")
        return trusted(f, *found[-2:])
    slopes, smooth, moves, count = explored(f, axes, rng)
    if all(a is NORMAL for a in axes):
        _, strengths, rows = np.linalg.svd(slopes, full_matrices=True)
        rank = int((strengths > FLAT * max(strengths[0], 1e-290)).sum()) if strengths[0] else 0
        basis = torch.as_tensor(rows[:rank].T.copy())
        rest = torch.as_tensor(rows[rank:].T.copy())
    else:
        strengths = np.abs(slopes).max(axis=0)
        kept = strengths > FLAT * max(strengths.max(), 1e-290)
        rank = int(kept.sum())
        identity = torch.eye(len(axes), dtype=torch.float64)
        basis, rest = identity[:, torch.as_tensor(kept)], identity[:, torch.as_tensor(~kept)]
        axes = [a for a, keep in zip(axes, kept, strict=True) if keep]
    if rank == len(slopes[0]):
        return in_full(f, axes, smooth, count)
    if not still(f, basis, rest, rng):
        raise unknown("it moves far less in some directions than in others")
    return averaged_rest(f, basis, rest, axes[:rank], moves)


def still(f: Integrand, basis: torch.Tensor, rest: torch.Tensor,
          rng: np.random.Generator) -> bool:
    """Whether an integrand keeps its values along the directions that are left out.

    Slopes are seen beside one another: a direction with a small one may matter where another one
    is far larger, and where that one has left nothing but zero. So the values are compared close
    to the middle and far from it.
    """
    pairs = []
    for reach, near in itertools.product((0.1, 1.0, 2.0), (1.0, 1e-3, 1e-5)):
        along = basis @ torch.as_tensor(near * reach * rng.normal(size=basis.shape[1]))
        for start in (along, along + 0.5 * rest.sum(1)):
            aside = start + rest @ torch.as_tensor(reach * rng.normal(size=rest.shape[1]))
            pairs.append([f.one(x[None]).values.detach() for x in (start, aside)])
    here, there = (torch.stack(side) for side in zip(*pairs, strict=True))
    rounded = 1e-14 * float(here.abs().max()) + 1e-290
    return not bool(((here - there).abs() > STILL * here.abs() + rounded).any())


def averaged_rest(f: Integrand, basis: torch.Tensor, rest: torch.Tensor, axes: Sequence[Axis],
                  moves: bool) -> Mean:
    """The mean over the directions that matter.

    The value does not depend on the others, but its derivatives by the parameters do: there a rule
    is used that is exact for the first three.
    """
    if not moves or any(a is not NORMAL for a in axes):
        offset = None if all(a is NORMAL for a in axes) else 0.5 * rest.sum(1)
        return mean(Restricted(f, basis, offset), axes)
    reach = math.sqrt(rest.shape[1])
    offsets = [s * reach * rest[:, i] for i in range(rest.shape[1]) for s in (1.0, -1.0)]
    found = [mean(Restricted(f, basis, offset), axes) for offset in offsets]
    return Mean(torch.stack([m.value for m in found]).mean(0),
                torch.stack([m.size for m in found]).mean(0))


def explored(f: Integrand, axes: Sequence[Axis],
             rng: np.random.Generator) -> tuple[Array, bool, bool, int]:
    """Slopes of the values and the switches at random points; whether nothing switches, whether
    the values move with parameters, and how many entries there are."""
    spots = torch.as_tensor(np.stack([a.random(rng, len(axes) + 3) for a in axes], axis=1))
    fixed = f.one(spots[:1])
    moves = fixed.values.requires_grad or fixed.switches.requires_grad
    count = fixed.values.shape[1]
    rows: list[Array] = []
    smooth = True
    if fixed.smooth:
        points = spots.clone().requires_grad_()
        values = f.many(points, []).values
        rows = [row for k in range(count) for row in slopes_of(values[:, k].sum(), points)]
    else:
        for spot in spots:
            point = spot[None].clone().requires_grad_()
            batch = f.one(point)
            for place, number in enumerate((*batch.values[0], *batch.switches[0])):
                row, = slopes_of(number, point)
                smooth = smooth and (place < count or not row.any())
                rows.append(row)
    return np.array(rows), smooth, moves, count


def slopes_of(number: torch.Tensor, points: torch.Tensor) -> Array:
    """Slopes of a number at points, each brought to the largest slope of 1."""
    found = None
    if number.requires_grad:
        found, = torch.autograd.grad(number, points, retain_graph=True, allow_unused=True)
    if found is None:
        return np.zeros(points.shape)
    rows: Array = found.detach().numpy()
    top = np.abs(rows).max(axis=1, keepdims=True)
    return np.where(top > 1e-200, rows / np.maximum(top, 1e-200), 0.0)


def in_full(f: Integrand, axes: Sequence[Axis], smooth: bool, count: int) -> Mean:
    """The mean over several variables that all matter."""
    if not smooth:
        raise unknown("it bends or jumps where several normal variables meet; write "
                      r"\max(a, b) as a + \max(0, b - a), and average each term by itself")
    before: Mean | None = None
    for points, weights in rules(tuple(axes)):
        found = weighted(f, points, weights)
        if before is not None and agreed(before, found) and visible(f, axes, found):
            return found
        before = found
    if all(a is NORMAL for a in axes):
        closed = exponential(f, len(axes))
        if closed is not None:
            return closed
    if count > 1:
        parts = [mean(Entry(f, k), axes) for k in range(count)]
        return Mean(torch.cat([p.value for p in parts]), torch.cat([p.size for p in parts]))
    raise unknown(f"it depends on {len(axes)} variables, and is neither a polynomial of low degree "
                  "nor the exponential of one; average it by parts, or over one variable at a time")


def visible(f: Integrand, axes: Sequence[Axis], found: Mean) -> bool:
    """Whether an integrand is not far larger in the middle than it was seen to be."""
    middle = np.array([a.narrow[0] for a in axes])
    random = np.random.default_rng(len(axes)).normal(size=(2, len(axes)))
    spots = np.clip(np.array([middle, *(middle + random * [[1e-3], [0.03]])]),
                    [a.low for a in axes], [a.high for a in axes])
    there = f.many(torch.as_tensor(spots), []).values.detach().abs()
    return bool((there <= 1e3 * found.size.detach() + 1e-290).all())


def rules(axes: tuple[Axis, ...]) -> Iterator[tuple[Array, Array]]:
    """Rules of growing degree; those for normal variables are turned at random, so that what one
    does not see, the next one sees."""
    size = len(axes)
    counts = {2: (7, 9, 20, 26), 3: (5, 6, 10, 13)}.get(size, (2, 3, 4, 5, 6))
    for place, count in enumerate(counts):
        if size <= 3:
            sides = [a.rule(count) for a in axes]
            points = np.array(list(itertools.product(*(nodes for nodes, _ in sides))))
            weights = np.array([math.prod(w) for w in itertools.product(*(w for _, w in sides))])
        else:
            points, weights = sparse(axes, count)
        if len(points) > MOST_POINTS:
            return
        if all(a is NORMAL for a in axes):
            turn = np.linalg.qr(np.random.default_rng([size, place]).normal(size=(size, size)))[0]
            points = points @ turn
        yield points, weights


@lru_cache(maxsize=64)
def sparse(axes: tuple[Axis, ...], level: int) -> tuple[Array, Array]:
    """Smolyak's rule, exact for polynomials of a total degree of 2 · level - 1."""
    size = len(axes)
    found: dict[tuple[float, ...], float] = {}
    for spare in range(max(0, level - size), level):
        sign = (-1) ** (level - 1 - spare) * math.comb(size - 1, level - 1 - spare)
        for counts in compositions(spare, size):
            sides = [a.rule(c + 1) for a, c in zip(axes, counts, strict=True)]
            active = [i for i, c in enumerate(counts) if c]
            base = [float(nodes[0]) for nodes, _ in sides]
            for chosen in itertools.product(*(range(counts[i] + 1) for i in active)):
                point, weight = list(base), float(sign)
                for i, c in zip(active, chosen, strict=True):
                    point[i] = float(sides[i][0][c])
                    weight *= float(sides[i][1][c])
                key = tuple(round(x, 13) + 0.0 for x in point)
                found[key] = found.get(key, 0.0) + weight
            if len(found) > MOST_POINTS:
                return np.zeros((MOST_POINTS + 1, size)), np.zeros(MOST_POINTS + 1)
    return np.array(list(found)), np.array(list(found.values()))


def compositions(total: int, size: int) -> Iterator[tuple[int, ...]]:
    """All ways to spread `total` over `size` places."""
    for places in itertools.combinations_with_replacement(range(size), total):
        counts = [0] * size
        for place in places:
            counts[place] += 1
        yield tuple(counts)


def exponential(f: Integrand, size: int) -> Mean | None:
    """The mean of one exponential of a quadratic, or None where it is none.

    With log f(u) = c + b^T u + u^T H u / 2 it is e^{c + b^T (I - H)^{-1} b / 2} / sqrt(det(I - H)).
    """
    zero = torch.zeros(1, size, dtype=torch.float64, requires_grad=True)
    value = f.many(zero, []).values
    if value.shape[1] != 1 or not value.requires_grad or not float(value.detach().abs()) > 1e-200:
        return None
    height = torch.log(value.abs()).sum()
    slope, = torch.autograd.grad(height, zero, create_graph=True)
    bends = []
    for s in slope[0]:
        row = None
        if s.requires_grad:
            row, = torch.autograd.grad(s, zero, create_graph=True, allow_unused=True)
        bends.append(torch.zeros(size, dtype=torch.float64) if row is None else row[0])
    b, h = slope[0], torch.stack(bends)
    width = 1 / math.sqrt(1 + float(h.detach().abs().sum()))
    trial = torch.as_tensor(width * np.random.default_rng(size).normal(size=(5, size)))
    seen = f.many(trial, []).values[:, 0].detach() / torch.sign(value[0, 0].detach())
    told = height + trial @ b + 0.5 * ((trial @ h) * trial).sum(1)
    if not bool((seen > 0).all()) or not bool(
            torch.allclose(torch.log(seen), told.detach(), rtol=1e-9, atol=1e-9)):
        return None
    inner = torch.eye(size, dtype=torch.float64) - (h + h.T) / 2
    factor, bad = torch.linalg.cholesky_ex(inner)
    if int(bad):
        raise Undefined("this expectation is infinite")
    solved = torch.cholesky_solve(b[:, None], factor)[:, 0]
    logs = torch.log(torch.diagonal(factor)).sum()
    found = torch.sign(value[0].detach()) * torch.exp(height + 0.5 * (b @ solved) - logs)
    return Mean(found, found.detach().abs())


@contextmanager
def paused(owner: Any) -> Iterator[None]:
    """While a mean is taken inside an integrand: what switches in it is averaged out."""
    before = owner.recorder
    if before is None:
        yield
        return
    was, before.paused, owner.recorder = before.paused, True, None
    try:
        yield
    finally:
        before.paused, owner.recorder = was, before


@contextmanager
def noting(owner: Any, decided: Decisions | None = None) -> Iterator[Recorder]:
    """Note what switches while `owner.recorder` is asked to decide."""
    before, owner.recorder = owner.recorder, Recorder(decided)
    try:
        with owner.recorder:
            yield owner.recorder
    finally:
        owner.recorder = before
