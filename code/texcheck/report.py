"""What was found of a block: a result for every step and anchor, and the failures."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from .errors import Error
from .items import Block, Item


@dataclass
class Result:
    """What was found of one step or anchor.

    Attributes
    ----------
    number : tuple of int
        Of the step; empty for a `code:` line.
    grade : str
        Evidence: that of the item, or ``zero`` where both sides turned out to vanish.
    ok : bool
    draws : int
        Draws on which both sides were compared.
    worst : float
        Largest relative difference.
    seconds : float
        Processor time.
    """

    item: Item
    number: tuple[int, ...]
    grade: str
    ok: bool = True
    draws: int = 0
    worst: float = 0.0
    seconds: float = 0.0
    gaps: list[float] = field(default_factory=list, repr=False)
    away: int = 0
    undefined: int = 0
    strict: int = 0
    vanishing: int = 0
    done: bool = False
    exact: bool = False  # seen with more digits than a float has, on all draws that were tried
    why: str = field(default="", repr=False)
    entries: list[torch.Tensor] = field(default_factory=list, repr=False)  # both sides, as rows


@dataclass
class Report:
    """Outcome of a check.

    Attributes
    ----------
    errors : list of Error
    results : list of Result
        One for every step and every `code:` line that was evaluated.
    tolerance : tuple of float
        Relative difference allowed on every draw, and on three draws in four.
    draws : int
        Accepted draws.
    """

    block: Block
    errors: list[Error]
    results: list[Result]
    tolerance: tuple[float, float]
    draws: int = 0

    @property
    def ok(self) -> bool:
        return not self.errors

    def step(self, *number: int) -> Result:
        return next(r for r in self.results if r.number == number)

    def grade(self, item: Item) -> str:
        """Evidence for an item: what was found, or what it claims where it was not tested."""
        return next((r.grade for r in self.results if r.item is item), item.grade)
