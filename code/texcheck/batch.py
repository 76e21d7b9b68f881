"""Many members of a finite set at once: the body is evaluated on all of them by one `vmap`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from . import values as v
from .errors import Refused, Undefined
from .evaluate import Evaluator
from .trees import Node

LEAST = 4


def batched(evaluator: Evaluator, node: Node, members: dict[str, list[Any]],
            evaluate: Callable[[dict[str, Any]], Any]) -> torch.Tensor | None:
    """Values of `evaluate(names)` for members that are tensors of one shape, stacked; or None.

    `members` holds a list of tensors for each name, all lists of one length. Where the body needs
    a decision for each member (cases, an index, a derivative) nothing is returned, and the caller
    goes through the members one by one.
    """
    count = len(next(iter(members.values()), ()))
    if count < LEAST or not all(uniform(m) for m in members.values()):
        return None
    return mapped(evaluator, node, {k: torch.stack(m) for k, m in members.items()}, evaluate)


def mapped(evaluator: Evaluator, node: Node, stacks: dict[str, torch.Tensor],
           evaluate: Callable[[dict[str, Any]], Any]) -> torch.Tensor | None:
    """The same for members that are stacked already."""
    watched = evaluator.watch is not None and evaluator.watch.detailed
    if id(node) in evaluator.memo.singly or evaluator.singly or watched:
        return None

    def body(*single: torch.Tensor) -> torch.Tensor:
        value = evaluate(dict(zip(stacks, single, strict=True)))
        if isinstance(value, v.Lazy):
            raise TypeError("a value without size")
        return v.tensor(value)

    memory, kept = evaluator.memory, len(evaluator.kept)
    evaluator.memory = dict(memory)  # what is remembered inside is of no use outside
    try:
        found: torch.Tensor = torch.func.vmap(body)(*stacks.values())
        return found
    except (RuntimeError, TypeError, ValueError, Refused, Undefined):
        evaluator.memo.take_singly(node)
        return None
    finally:
        evaluator.memory = memory
        del evaluator.kept[kept:]


def uniform(members: list[Any]) -> bool:
    return all(isinstance(m, torch.Tensor) and m.shape == members[0].shape for m in members)
