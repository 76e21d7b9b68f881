"""Value, gradient and Hessian of what is made small, and how far a step down goes."""

from __future__ import annotations

from collections.abc import Callable

import torch

from .. import values as v
from ..differentiate import jacobian

ROUNDS = 60
Objective = Callable[[torch.Tensor], torch.Tensor]


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
