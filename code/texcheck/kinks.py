"""Derivatives at a tie: where a maximum, a rectifier or a condition sits on its boundary.

There automatic differentiation follows one arm, or a share of both, and says nothing of the
other. So the derivative is compared with those on either side: where they agree it is theirs, and
where they do not there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeAlias, TypeVar

import numpy as np
import torch

from . import differentiate
from . import values as v
from .env import Env, Watch
from .errors import Undefined
from .evaluate import Evaluator
from .quadrature import readable

Sides: TypeAlias = tuple[torch.Tensor, torch.Tensor]  # a value, and its derivative
T = TypeVar("T")

STEP = 1e-6  # beside the place, of its size or of one
SHORTER = 0.01  # a second, shorter step
STAYS = 0.3  # share of a difference that a shorter step leaves: more of it is a kink or a jump
SEEN = 1e-9  # of the sizes: a difference that is none of rounding


def watched(e: Evaluator, evaluate: Callable[[], T]) -> tuple[T, bool]:
    """A value, and whether something that may be differentiated sat at a tie on the way to it."""
    kept = e.watch
    watch = e.watch = Watch() if kept is None else kept
    before = watch.ties
    try:
        return evaluate(), watch.ties > before
    finally:
        e.watch = kept


def beside(at: Callable[[torch.Tensor], Sides], leaf: torch.Tensor,
           found: torch.Tensor) -> torch.Tensor:
    """The derivative at a tie.

    Parameters
    ----------
    at : callable
        Place -> value and derivative there, both with what they depend on.
    leaf : torch.Tensor
        The place.
    found : torch.Tensor
        What automatic differentiation says there.

    Returns
    -------
    torch.Tensor
        `found` where the derivatives on either side agree with it, else theirs.

    Raises
    ------
    Undefined
        Where the sides do not agree: at a kink or a jump.
    """
    rng = np.random.default_rng(leaf.numel())
    along = torch.as_tensor(rng.normal(size=tuple(leaf.shape))) * STEP * max(
        1.0, float(leaf.detach().abs().max()))
    pairs = [(at(leaf + by * along), at(leaf - by * along)) for by in (1.0, SHORTER)]
    for which in (0, 1):
        far, near = (float((a[which] - b[which]).detach().abs().max()) for a, b in pairs)
        size = max(float(side[which].detach().abs().max()) for side in pairs[0])
        if near > STAYS * far and near > SEEN * max(size, STEP):
            raise Undefined("a derivative at a kink or a jump")
    mean = (pairs[0][0][1] + pairs[0][1][1]) / 2
    gap = float((found - mean).detach().abs().max())
    return found if gap <= 1e-4 * max(float(mean.detach().abs().max()), STEP) else mean


def exchanged(env: Env, old: torch.Tensor, new: torch.Tensor) -> Env:
    """The same surroundings with one value in the place of another."""
    def other(values: Mapping[T, v.Value]) -> dict[T, v.Value]:
        return {k: new if x is old else x for k, x in values.items()}

    return replace(env, bound=other(env.bound), cuts=other(env.cuts))


def primed(e: Evaluator, function: Callable[[v.Value], v.Value], at: v.Value, order: int,
           picks: bool = False) -> v.Value:
    """Derivative of a function of one number, for each entry of `at`.

    A function that picks an arm by itself sits at a tie where its argument is a whole number.
    """
    found, tie = watched(e, lambda: differentiate.primed(function, at, order))
    if isinstance(at, v.Lazy) or not readable(v.tensor(at)):
        return found
    there = v.tensor(at)
    if not tie and not (picks and bool((there.detach() == there.detach().round()).any())):
        return found

    def beside_it(place: torch.Tensor) -> Sides:
        below = differentiate.primed(function, place, order - 1) if order > 1 else (
            torch.stack([v.tensor(function(x)) for x in place.reshape(-1)]))
        return v.tensor(below), v.tensor(differentiate.primed(function, place, order))

    return beside(beside_it, there, v.tensor(found))
