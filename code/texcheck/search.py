"""Searching for a draw: a counterexample, an arm that no draw has reached, a boundary.

A random local search: symbols are moved inside of their domains (a positive number by a factor, a
definite matrix by a congruence), and a move that raises the objective is kept. All of it follows
from the seed, within a number of evaluations.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
import torch

from . import values as v
from .corners import LINES, Rng
from .domains import COUNTED, FINITE
from .draw import fresh
from .env import NOWHERE, Name
from .errors import Refused, Undefined
from .evaluate import Evaluator
from .program import Program
from .reach import nodes_behind
from .trees import Node

DECADES = 60  # how far from one a positive number goes
FAR = 138.0  # the logit of a share that is as far from its end
LEAPS = 0.06  # how often a move goes anywhere, far or near
SOUND = 1e-13  # of the largest eigenvalue: the smallest one of a definite matrix
COUNTING = ("big", "bind", "series", "term", "item", "factorial", "binom", "set", "range")
Objective = Callable[[Evaluator], float | None]
NO_VALUE = (Refused, Undefined, ArithmeticError, np.linalg.LinAlgError, RuntimeError)


def climb(start: Evaluator, objective: Objective, names: frozenset[str], rng: Rng, *,
          evaluations: int, values: int, enough: float = math.inf,
          free: frozenset[str] = frozenset()) -> tuple[float, Evaluator] | None:
    """The best draw that moves from one lead to, and its objective; None if it has none.

    Parameters
    ----------
    start : Evaluator
    objective : callable
        Evaluator -> what is to be large, or None where it is not defined.
    names : frozenset of str
        Symbols that matter.
    rng : numpy.random.Generator
    evaluations : int
    values : int
        Nodes that may be valued: a bound on the time.
    enough : float
        Stop above it.
    free : frozenset of str
        Whole numbers that count no terms, so that they may be large.
    """
    until = start.memo.valued + values
    best = tried(start, objective)
    if best is None:
        return None
    found, width = start, 0.5
    for _ in range(evaluations):
        if best > enough or start.memo.valued > until:
            break
        other = moved(found, names, rng, width, free)
        value = tried(other, objective)
        if value is not None and value >= best:
            width = min(width * (1.6 if value > best else 1.0), 3.0)
            best, found = value, other
        else:
            width = max(width * 0.87, 1e-4)
            width = 0.5 if width <= 1e-4 else width
    return best, found


def uncounted(program: Program, *roots: Node) -> frozenset[str]:
    """Whole numbers in formulas that count nothing, no terms, entries or factors."""
    counting = [n for n in nodes_behind(program, *roots) if n.kind in COUNTING]
    counting += [part for let in program.lets.values() for part in (*let.domain.args[1],
                                                                   *let.domain.args[2])]
    taken = frozenset[str]().union(*(n.names for n in counting))
    return frozenset(k for k, let in program.lets.items()
                     if let.domain.args[0] in COUNTED and k not in taken)


def tried(evaluator: Evaluator, objective: Objective) -> float | None:
    """The objective on a draw that fulfils the assumptions."""
    try:
        if not evaluator.holds(evaluator.program.assumptions, NOWHERE):
            return None
        found = objective(evaluator)
    except NO_VALUE:
        return None
    return None if found is None or math.isnan(found) else found


# ---- moves -------------------------------------------------------------------------------


def moved(evaluator: Evaluator, names: Iterable[str], rng: Rng, width: float,
          free: frozenset[str] = frozenset()) -> Evaluator:
    """The same draw with some of the symbols moved, each inside of its domain."""
    draw, program = evaluator.draw, evaluator.program
    share = float(rng.choice([0.3, 0.6, 1.0]))
    wanted = set(names)

    def chosen(key: str) -> bool:
        return key in wanted and rng.random() < share

    values = {k: step(program.lets[k].domain, x, evaluator, rng, width, k in free)
              if k in program.lets and chosen(k) else x for k, x in draw.values.items()}
    families = {k: {i: step(program.lets[k].domain, x, evaluator, rng, width)
                    for i, x in f.items()} if k in program.lets and chosen(k) else f
                for k, f in draw.families.items()}
    tables = {k: [reweighed(program, k, place, t, rng, width) for place, t in enumerate(ts)]
              if chosen(k) else ts for k, ts in draw.tables.items()}
    samples = [(group, [{name: atom(program, name, x, evaluator, rng, width, wanted)
                         for name, x in outcome.items()} for outcome in joint],
                lighter(weights, rng, width)) for group, joint, weights in draw.samples]
    return Evaluator(program, replace(draw, values=values, families=families, tables=tables,
                                      samples=samples, outcomes={}), evaluator.memo)


def atom(program: Program, name: Name, value: v.Value, evaluator: Evaluator, rng: Rng,
         width: float, wanted: set[str]) -> v.Value:
    domain = program.rvs[name[0]].domain
    if domain is None or name[0] not in wanted or rng.random() < 0.5:
        return value
    return step(domain, value, evaluator, rng, width)


def lighter(weights: list[torch.Tensor], rng: Rng, width: float) -> list[torch.Tensor]:
    if rng.random() < 0.5:
        return weights
    found = np.array([float(w) for w in weights]) * np.exp(width * rng.normal(size=len(weights)))
    return [torch.tensor(float(w), dtype=torch.float64) for w in found / found.sum()]


def reweighed(program: Program, key: str, place: int, table: torch.Tensor | None, rng: Rng,
              width: float) -> torch.Tensor | None:
    """A table with its entries changed by factors, so that zeros stay zeros."""
    if table is None:
        return None
    found = table * torch.exp(width * torch.as_tensor(rng.normal(size=tuple(table.shape))))
    axes = tuple(range(len(program.pmfs[key][place].left)))
    total: torch.Tensor = found / found.sum(dim=axes, keepdim=True)
    return total


def step(domain: Node, value: v.Value, evaluator: Evaluator, rng: Rng,
         width: float, free: bool = False) -> v.Value:
    """A value moved inside of its domain; a whole number that is `free` by any factor."""
    name = domain.args[0]
    if name in FINITE:
        return fresh(domain, evaluator, rng) if rng.random() < 0.3 else value
    if name in COUNTED:
        least = {"N": 1, "N0": 0, "Z": -1000}[name]
        assert isinstance(value, int)
        if free and rng.random() < 0.2:
            return value * int(10.0 ** rng.uniform(0, 6)) + int(rng.integers(10))
        by = max(1, int(abs(value) * 0.3 * width))
        return max(least, value + int(rng.integers(-by, by + 1)))
    if not isinstance(value, torch.Tensor):
        return value
    array = value.detach().numpy()
    if name.startswith("interval"):
        ends = [float(evaluator.value(e)) for e in domain.args[2]]
        found = within(array, ends[0], ends[1], rng, width)
    else:
        found = MOVES[name](array, rng, width)
        if name == "S++" and not sound(found):
            return value
    return torch.as_tensor(np.asarray(found, dtype=np.float64))


def sound(array: v.Array) -> bool:
    """Whether a matrix is positive definite by more than rounding."""
    if array.ndim < 2:
        return True
    found = np.linalg.eigvalsh(array)
    return bool(found[0] > SOUND * found[-1])


def within(array: v.Array, low: float, high: float, rng: Rng, width: float) -> v.Array:
    """A place of an interval, moved on the scale of its logit; an end stays where it is."""
    share = (array - low) / (high - low)
    inner = np.clip(share, 10.0**-DECADES, 1 - 1e-16)
    logit = np.log(inner / (1 - inner)) + 2 * width * rng.normal(size=array.shape)
    if rng.random() < LEAPS:
        logit = np.full(array.shape, rng.uniform(-FAR, FAR))
    there = low + (high - low) / (1 + np.exp(-np.clip(logit, -FAR, FAR)))
    return np.where((share > 0) & (share < 1), np.clip(there, np.nextafter(low, high),
                                                       np.nextafter(high, low)), array)


def real(array: v.Array, rng: Rng, width: float) -> v.Array:
    """Moved by its own size or, now and then, on the scale of one; all entries or one."""
    by = rng.normal(size=array.shape)
    if array.size > 1 and rng.random() < 0.4:
        keep = np.zeros(array.size)
        keep[int(rng.integers(array.size))] = 1.0
        by = by * keep.reshape(array.shape)
    kind = rng.random()
    if kind < 0.4:
        return np.asarray(array * np.exp(width * by))
    if kind < 0.5:
        return np.asarray(array * np.exp(2 * width * rng.normal()))
    size = max(float(np.abs(array).max()), 1e-3) if kind < 0.8 else 1.0
    return np.asarray(array + width * size * by)


def positive(array: v.Array, rng: Rng, width: float) -> v.Array:
    factor = np.exp(2 * width * rng.normal(size=array.shape if rng.random() < 0.7 else ()))
    if rng.random() < LEAPS:  # what holds up to a billion may fail beyond
        factor = np.array(10.0 ** rng.uniform(-DECADES, DECADES))
    sizes = np.clip(np.abs(array * factor), 10.0**-DECADES, 10.0**DECADES)
    found: v.Array = np.where(array == 0, array, np.sign(array) * sizes)
    return found


def in_lines(axis: int | None) -> Callable[[v.Array, Rng, float], v.Array]:
    """An array whose entries, or those of each row or column, add up to one: entries are moved,
    and brought to their sum again."""
    def change(array: v.Array, rng: Rng, width: float) -> v.Array:
        found = array * np.exp(width * rng.normal(size=array.shape))
        return np.asarray(found / found.sum(axis=axis, keepdims=True))

    return change


def symmetric(array: v.Array, rng: Rng, width: float) -> v.Array:
    found = real(array, rng, width)
    return np.asarray((found + found.T) / 2)


def congruent(array: v.Array, rng: Rng, width: float) -> v.Array:
    """A matrix between an invertible one and its transpose: as definite as before."""
    n = array.shape[0] if array.ndim else 1
    if n == 1:
        return positive(array, rng, width)
    by = np.eye(n) + 0.5 * width * rng.normal(size=(n, n))
    if rng.random() < LEAPS:  # far longer, or shorter, in one direction
        along = rng.normal(size=(n, 1)) / np.sqrt(n)
        by = np.eye(n) + (10.0 ** rng.uniform(-7, 7) - 1) * (along @ along.T) / (along.T @ along)
    found = by @ array @ by.T
    return np.asarray((found + found.T) / 2)


def rotation(n: int, rng: Rng, width: float) -> v.Array:
    """A rotation close to the identity (Cayley)."""
    by = 0.5 * width * rng.normal(size=(n, n))
    skew = by - by.T
    return np.asarray(np.linalg.solve(np.eye(n) + skew, np.eye(n) - skew))


def turned(array: v.Array, rng: Rng, width: float) -> v.Array:
    """An orthogonal matrix times a rotation."""
    n = array.shape[0] if array.ndim else 1
    return array if n == 1 else np.asarray(array @ rotation(n, rng, width))


def rotated(array: v.Array, rng: Rng, width: float) -> v.Array:
    """A unit vector, or orthonormal columns, times a rotation from the left."""
    n = array.shape[0] if array.ndim else 1
    return array if n == 1 else np.asarray(rotation(n, rng, width) @ array)


def diagonal(move: Callable[[v.Array, Rng, float], v.Array]
             ) -> Callable[[v.Array, Rng, float], v.Array]:
    def change(array: v.Array, rng: Rng, width: float) -> v.Array:
        return move(array, rng, width) if not array.ndim else (
            np.diag(move(np.diag(array), rng, width)))

    return change


MOVES: dict[str, Callable[[v.Array, Rng, float], v.Array]] = {
    "R": real, "R+": positive, "R0+": positive, "R-": positive,
    "simplex": in_lines(None), **{name: in_lines(axis) for name, axis in LINES.items()},
    "S": symmetric, "S+": congruent, "S++": congruent, "orthogonal": turned,
    "sphere": rotated, "stiefel": rotated, "diag": diagonal(real), "diag+": diagonal(positive)}
