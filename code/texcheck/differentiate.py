"""Derivatives by autograd: leaves, gradients, Jacobians, and the shapes that they are given."""

from __future__ import annotations

from collections.abc import Callable

import torch

from . import values as v
from .errors import Undefined
from .quadrature import readable


def leaf_of(value: v.Value) -> torch.Tensor:
    """A copy of a value by which a derivative can be taken, still tied to what is outside."""
    tensor = v.tensor(value)
    return tensor.clone() if tensor.requires_grad else tensor.clone().requires_grad_()


def gradient(out: v.Value, leaf: torch.Tensor) -> torch.Tensor:
    """Derivative of a number by a leaf, of the shape of the leaf.

    Raises
    ------
    Undefined
        Where the number does not exist: its formula may have a slope there none the less, as the
        logarithm of a negative number has.
    """
    if not isinstance(out, torch.Tensor) or not out.requires_grad:
        return torch.zeros_like(leaf)
    if readable(out) and not bool(torch.isfinite(out.detach())):
        raise Undefined("what is differentiated does not exist")
    found, = torch.autograd.grad(out, leaf, create_graph=True, allow_unused=True)
    return torch.zeros_like(leaf) if found is None else found


def jacobian(out: v.Value, leaf: torch.Tensor) -> torch.Tensor:
    """Derivatives of every entry of `out`: its shape, then the shape of `leaf`."""
    whole = v.tensor(out)
    if whole.requires_grad and whole.numel() > leaf.numel() + 1:
        return by_columns(whole, leaf)
    rows = [gradient(o, leaf) for o in whole.reshape(-1)]
    return torch.stack(rows).reshape(tuple(whole.shape) + tuple(leaf.shape))


def by_columns(out: torch.Tensor, leaf: torch.Tensor) -> torch.Tensor:
    """The same where `leaf` has fewer entries than `out`: what goes back is linear in the weights
    of the entries of `out`; its derivatives by these are those of all entries by one of `leaf`."""
    weights = torch.ones_like(out, requires_grad=True)
    back, = torch.autograd.grad(out, leaf, weights, create_graph=True, allow_unused=True)
    columns = [] if back is None else [gradient(b, weights) for b in back.reshape(-1)]
    found = torch.stack(columns, -1) if columns else torch.zeros(*out.shape, leaf.numel(),
                                                                 dtype=out.dtype)
    return found.reshape(tuple(out.shape) + tuple(leaf.shape))


def primed(function: Callable[[v.Value], v.Value], at: v.Value, order: int) -> v.Value:
    """Derivative of a function of one number, for each entry of `at`."""
    if isinstance(at, v.Lazy):
        raise v.type_error(f"a derivative at {v.shape_text(at)}")
    if v.is_scalar(at) and isinstance(at, torch.Tensor) and not readable(at):
        return inside(function, at, order)
    leaf = leaf_of(at)
    if leaf.dim():
        value = torch.stack([v.tensor(function(x)) for x in leaf.reshape(-1)])
        if value.dim() != 1:
            raise v.type_error("a prime on a function of vectors: write the gradient")
    else:
        value = v.tensor(function(leaf))
        if value.dim():
            raise v.type_error("a prime on a function whose values are not numbers")
    for _ in range(order):
        value = gradient(value.sum(), leaf)
    return value


def inside(function: Callable[[v.Value], v.Value], at: torch.Tensor, order: int) -> torch.Tensor:
    """Derivative at a number that is one of many which are evaluated at once."""
    def number(x: torch.Tensor) -> torch.Tensor:
        return v.tensor(function(x))

    found: Callable[..., torch.Tensor] = number
    for _ in range(order):
        found = torch.func.grad(found)
    return found(at)


def arrange(full: torch.Tensor, out: v.Value, leaf: torch.Tensor, transposed: bool,
            flip: bool) -> torch.Tensor:
    """Shape of a derivative: a gradient is a column, a Jacobian is outputs by inputs."""
    out = v.tensor(out)
    if out.dim() == 0:
        if transposed:
            if leaf.dim() != 2 or leaf.shape[1] != 1:
                raise v.type_error(r"\partial x^\top of a column x only")
            return full.reshape(1, -1)
        return full
    if leaf.dim() == 0:
        return full
    column = leaf.dim() == 2 and leaf.shape[1] == 1
    if column and out.dim() == 2 and out.shape[1] == 1:
        return full.reshape(out.shape[0], leaf.shape[0])
    if column and out.dim() == 2 and out.shape[0] == 1 and flip:
        return full.reshape(out.shape[1], leaf.shape[0]).T
    if out.dim() == 2 and out.shape[1] == 1 and leaf.dim() == 2:
        return full.reshape(out.shape[0], *leaf.shape)
    if column and out.dim() == 2 and 1 not in out.shape:
        return full.reshape(*out.shape, leaf.shape[0])
    raise v.type_error(f"the derivative of {v.shape_text(out)} by {v.shape_text(leaf)}: write it "
                       "with indices")
