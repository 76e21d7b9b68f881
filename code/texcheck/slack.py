"""Counterexamples at the bottom of a valley: Newton's method down the slack of an inequality.

A random search goes far, but not along a narrow valley. There the slack, the larger side without
the smaller one, is followed by its derivatives, of steps whose real symbols are few.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch

from . import values as v
from .compare import trees
from .differentiate import jacobian
from .env import NOWHERE
from .evaluate import Evaluator
from .items import Item
from .search import NO_VALUE
from .traits import traits_of

MOVED = {"R": 0.0, "R+": 1.0, "R-": -1.0}  # domains, and the sign of what has a logarithm
MOST_ENTRIES = 6  # of the symbols that are moved
STEPS = 20  # that go down, after
WHOLE_STEPS = 8  # that may cross a ridge
ATTAINED = 1e-12  # a slack that is no more than that: both sides are equal there
Slack = Callable[[torch.Tensor], torch.Tensor | None]


def bottoms(item: Item, starts: Sequence[Evaluator], more: Sequence[Evaluator],
            names: frozenset[str], values: int) -> Iterator[Evaluator]:
    """Draws to which the slack leads down.

    Parameters
    ----------
    item : Item
        A step with ``\\le`` or ``\\ge`` between numbers, without a kink; of others, nothing is
        found.
    starts : sequence of Evaluator
        Where the slack is followed by itself, and beside the size of both sides.
    more : sequence of Evaluator
        Where it is followed in the second way only.
    names : frozenset of str
        Symbols that matter.
    values : int
        Nodes that may be valued: a bound on the time.
    """
    if item.relation not in (r"\le", r"\ge") or not starts or traits_of(
            item, starts[0]).chooses:
        return  # at a kink, curvatures lead nowhere
    ways = [(start, beside) for start in starts for beside in (False, True)]
    ways += [(start, True) for start in more]
    for start, beside in ways:
        valley = Valley.around(item, start, names, beside)
        if valley is None:
            return
        until = start.memo.valued + values
        found = valley.followed()
        values = until - start.memo.valued
        if found is not None:
            yield found
        if values < 0:
            return


@dataclass(frozen=True)
class Valley:
    """The slack of an inequality around a draw, as a function of its real symbols; of positive
    ones, of their logarithm.

    Attributes
    ----------
    keys : tuple of str
        The symbols.
    beside : bool
        Whether the slack is measured beside both sides: of what falls with all its symbols.
    """

    item: Item
    start: Evaluator
    keys: tuple[str, ...]
    beside: bool

    @classmethod
    def around(cls, item: Item, start: Evaluator, names: frozenset[str],
               beside: bool) -> Valley | None:
        """None where there are no symbols to move, one (there random moves go as far), or many."""
        lets = start.program.lets
        keys = tuple(k for k, x in start.draw.values.items() if k in names and k in lets
                     and isinstance(x, torch.Tensor) and lets[k].domain.args[0] in MOVED)
        count = sum(v.tensor(start.draw.values[k]).numel() for k in keys)
        return cls(item, start, keys, beside) if 1 < count <= MOST_ENTRIES else None

    def sign(self, key: str) -> float:
        return MOVED[self.start.program.lets[key].domain.args[0]]

    def flat(self) -> torch.Tensor:
        """The place of the draw, of shape (entries of all symbols,)."""
        parts = []
        for key in self.keys:
            x, sign = v.tensor(self.start.draw.values[key]).detach().reshape(-1), self.sign(key)
            parts.append(torch.log(sign * x) if sign else x)
        return torch.cat(parts)

    def placed(self, u: torch.Tensor) -> Evaluator:
        """The draw at a place."""
        values, at = dict(self.start.draw.values), 0
        for key in self.keys:
            shape, sign = v.tensor(values[key]).shape, self.sign(key)
            part = u[at:at + shape.numel()].reshape(shape)
            values[key] = sign * torch.exp(part) if sign else part
            at += shape.numel()
        return Evaluator(self.start.program, replace(self.start.draw, values=values, outcomes={}),
                         self.start.memo)

    def slack(self, u: torch.Tensor) -> torch.Tensor | None:
        """By how much the inequality holds at a place; None where that is not known."""
        memo, before = self.start.memo, self.start.memo.valued
        try:
            evaluator = self.placed(u)
            small, large = (v.tensor(evaluator.value(side)) for side in trees(self.item))
            if u.requires_grad:  # a derivative by each entry takes as long as a value
                memo.valued += len(u) * (memo.valued - before)
            if small.dim() or large.dim() or not evaluator.holds(
                    self.start.program.assumptions, NOWHERE):
                return None
        except NO_VALUE:
            return None
        gap = large - small if self.item.relation == r"\le" else small - large
        size = sum(side * side.detach().sign() for side in (small, large)) if self.beside else 1
        found: torch.Tensor = gap / size
        return found if bool(torch.isfinite(found.detach())) else None

    def followed(self) -> Evaluator | None:
        """The lowest draw that Newton's method meets: after some whole steps, that may cross a
        ridge, steps that go down, from the lowest place."""
        best, lowest, settled = descent(self.slack, self.flat(), WHOLE_STEPS, down=False)
        if math.isinf(lowest):
            return None
        if lowest >= 0 and not settled:
            best, _, _ = descent(self.slack, best, STEPS, down=True)
        return self.placed(best.detach())


def descent(slack: Slack, u: torch.Tensor, steps: int,
            down: bool) -> tuple[torch.Tensor, float, bool]:
    """The lowest place that some steps meet, each one going `down` or not, the slack there, and
    whether the last place is the lowest and nothing moves any longer."""
    best, lowest = u, math.inf
    for _ in range(steps):
        leaf = u.detach().requires_grad_()
        value = slack(leaf)
        if value is None or not value.requires_grad:
            break
        here = float(value.detach())
        if here < lowest:
            best, lowest = u, here
        if lowest < ATTAINED:
            return best, lowest, True
        by = newton_step(value, leaf)
        if by is None:
            break
        if float(by.abs().max()) <= 1e-7 * (1 + float(u.abs().max())):
            return best, lowest, best is u
        below = (u - by / 2**k for k in range(12 if down else 1))
        found = next((x for x in below if not down or (
            (y := slack(x)) is not None and float(y.detach()) < here)), None)
        if found is None:
            break
        u = found
    return best, lowest, False


def newton_step(value: torch.Tensor, leaf: torch.Tensor) -> torch.Tensor | None:
    """The step of Newton's method that leads down, whatever the signs of the curvatures."""
    slope, = torch.autograd.grad(value, leaf, create_graph=True)
    bends = jacobian(slope, leaf).detach()
    if not bool(torch.isfinite(bends).all() and torch.isfinite(slope.detach()).all()):
        return None
    curves, basis = torch.linalg.eigh((bends + bends.T) / 2)
    sizes = curves.abs()
    along = (basis.T @ slope.detach()) / sizes.clamp(min=1e-290)
    flat = sizes <= 1e-12 * sizes.max()  # as along the scale of what is measured beside itself
    by: torch.Tensor = basis @ torch.where(flat, 0.0, along)
    return by * min(1.0, 3.0 / float(by.abs().max().clamp(min=1e-290)))
