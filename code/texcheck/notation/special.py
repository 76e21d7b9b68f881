"""The gamma function and what belongs to it. A declared name of the same letter comes first."""

from __future__ import annotations

import math

import torch

from .. import values as v
from ..env import Env
from ..errors import Undefined
from ..evaluate import Evaluator
from ..grammar import Parser
from ..registry import Function, Notation, register
from ..trees import Node, show

LARGEST = 170  # the last factorial that a float holds


def positive(x: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """A value where x is positive; none elsewhere."""
    return torch.where(x > 0, value, torch.full_like(value, math.nan))


def gamma(x: torch.Tensor) -> torch.Tensor:
    return positive(x, torch.exp(torch.lgamma(x)))


def digamma(x: torch.Tensor) -> torch.Tensor:
    return positive(x, torch.digamma(x))


def beta(a: v.Value, b: v.Value) -> v.Value:
    if not (v.is_scalar(a) and v.is_scalar(b)):
        raise v.type_error(f"B of {v.shape_text(a)} and {v.shape_text(b)}: of two numbers only")
    x, y = v.tensor(a), v.tensor(b)
    whole = torch.exp(torch.lgamma(x) + torch.lgamma(y) - torch.lgamma(x + y))
    return positive(torch.minimum(x, y), whole)


def read_factorial(p: Parser, base: Node, start: int) -> Node:
    """The ``!`` behind a factor, which has been taken."""
    if p.peek() == "!" and p.at < p.end:
        raise p.refuse("double factorials are not read: write a product")
    if base.kind in ("pow", "epow", "fn") and not base.grouped:
        raise p.refuse("what the factorial belongs to is unclear: put it in parentheses", start)
    return p.node("factorial", (base,), start)


def factorial_value(e: Evaluator, node: Node, env: Env, a: Node) -> v.Value:
    value = e.value(a, env)
    if isinstance(value, float) or (isinstance(value, torch.Tensor) and (
            value.requires_grad or value.dim() or not float(value).is_integer())):
        raise v.type_error(r"the factorial of a whole number only: write \Gamma(a + 1)")
    count = v.as_int(value, "what stands before !")
    if not 0 <= count <= LARGEST:
        raise Undefined(f"the factorial of {count}")
    found = math.factorial(count)
    return found if found < 2**53 else float(found)


register(
    "Factorials and the gamma function",
    Function("gamma", gamma, letters=(r"\Gamma",), words=("Gamma",), entrywise=True,
             examples=(r"\Gamma(c)", r"\log\Gamma(c + 1)")),
    Function("digamma", digamma, letters=(r"\psi",), words=("digamma",), entrywise=True,
             examples=(r"\psi(c)",)),
    Function("beta", beta, letters=("B",), words=("B", "Beta"), arguments=(2, 2),
             examples=(r"\mathrm{B}(c, 2)",)),
    Notation("factorial", lambda node, a: f"({show(a)})!", factorial_value, read=read_factorial,
             examples=("n!", r"\frac{(n + 1)!}{n!}"), refused=(("a!", r"\Gamma(c + 1)"),)),
)
