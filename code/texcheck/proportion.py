r"""Both sides of a step with ``\propto``: their values at many places of what it is meant in."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import torch

from . import values as v
from .corners import Corners
from .draw import draw_domain
from .env import NOWHERE, Env
from .errors import Undefined
from .evaluate import Evaluator
from .items import Item
from .notation.domains import domain_members, finite_domain

PLACES = 5  # of a symbol that is not from a finite set
MOST = 64


def columns(item: Item, evaluator: Evaluator) -> tuple[v.Value | None, v.Value | None, str]:
    """Both sides at the same places, each as a column of length one; None for a side without a
    value there, and why."""
    places = list(itertools.islice(everywhere(item.over, evaluator), MOST))
    found: list[v.Value | None] = []
    why = ""
    for side in (item.left, item.right):
        assert side is not None
        try:
            column = torch.stack([v.tensor(evaluator.number(side, env, "a side of \\propto"))
                                  for env in places]).detach().reshape(-1, 1)
            size = float(torch.linalg.norm(column))
            if not np.isfinite(size) or size == 0:
                raise Undefined("a side is zero, or has no value, at some place")
            found.append(column / size)
        except Undefined as error:
            found.append(None)
            why = f": {error}"
    return found[0], found[1], why


def everywhere(names: Sequence[str], evaluator: Evaluator) -> list[Env]:
    """Surroundings in which the names have other values of their domains; far out at corners."""
    rng = np.random.default_rng([evaluator.draw.seed, len(names)])
    corners = Corners("mixed", share=0.7, alike=0.0) if evaluator.draw.far > 1 else None
    spaces: list[list[v.Value]] = []
    for name in names:
        finite = finite_domain(evaluator.program, name)
        if finite is not None:
            spaces.append(domain_members(evaluator, finite))
        else:
            domain = evaluator.program.lets[name].domain
            spaces.append([draw_domain(domain, evaluator, rng, corners) for _ in range(PLACES)])
    return [NOWHERE.binding(dict(zip(names, one, strict=True))).cut(
        {(name, ()): value for name, value in zip(names, one, strict=True)})
        for one in itertools.product(*spaces)]
