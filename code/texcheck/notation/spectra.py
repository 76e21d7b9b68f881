"""Eigenvalues, singular values, ranks, and the order of symmetric matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from .. import values as v
from ..env import Env
from ..errors import Undefined
from ..evaluate import Evaluator
from ..grammar import Parser
from ..registry import Function, Notation, register
from ..trees import Node, show
from ..values import eigenvalues

ENDS = {rf"{font}{word}": word for word in ("max", "min")
        for font in ("\\", "", r"\mathrm", r"\text", r"\operatorname")}


def reader(letter: str, kind: str) -> Callable[[Parser, int], Node | None]:
    r"""``\lambda_{\max}(A)`` and ``\lambda_i(A)``, unless the author has declared the letter."""

    def read(p: Parser, start: int) -> Node | None:
        sub = p.subscript() if p.peek() == "_" and p.at < p.end else None
        if sub is None:
            return None
        end = ENDS.get(sub.text.replace("{", "").replace("}", ""), "")
        taken = f"{letter}_{{{sub.text}}}"
        if sub.after >= p.end or p.tokens[sub.after].text != "(":
            if end and p.lookup(taken) is None and p.lookup(letter) is None:
                raise p.refuse(f"{taken} of what? write {taken}(A)", start)
            return None
        if p.lookup(taken) is not None or (not end and p.lookup(letter) is not None):
            return None
        p.check_script(sub)
        which: Node | str = end or p.inside(sub.first, sub.last, p.expr)
        p.at = sub.after
        args = p.arguments()
        if len(args) != 1:
            raise p.refuse(f"{letter}_{{…}} takes one matrix", start)
        if p.peek() in ("^", "_") and p.at < p.end and p.peek() == "_":
            raise p.refuse("put the eigenvalue in parentheses", start)
        return p.node(kind, (which, args[0]), start)

    return read


def eigen_value(e: Evaluator, node: Node, env: Env, which: Node | str, a: Node) -> v.Value:
    return picked(e, env, which, eigenvalues(e.value(a, env), show(a)).flip(0), "eigenvalue")


def singular_value(e: Evaluator, node: Node, env: Env, which: Node | str, a: Node) -> v.Value:
    matrix = e.value(a, env)
    if v.is_scalar(matrix):
        return v.tensor(matrix).abs()
    if not v.is_matrix(matrix):
        raise v.type_error(f"singular values of {v.shape_text(matrix)}")
    return picked(e, env, which, torch.linalg.svdvals(matrix), "singular value")


def picked(e: Evaluator, env: Env, which: Node | str, found: torch.Tensor,
           what: str) -> torch.Tensor:
    """One of several values that stand from the largest to the smallest."""
    if isinstance(which, str):
        return found[0 if which == "max" else -1]
    place = e.whole(which, env, f"the number of the {what}")
    if not 1 <= place <= len(found):
        raise v.type_error(f"{what} {place} of {len(found)}")
    return found[place - 1]


def rank(a: v.Value) -> v.Value:
    if isinstance(a, v.Lazy):
        raise v.type_error(f"the rank of {v.shape_text(a)}: its size is unknown")
    matrix = v.tensor(a).detach()
    matrix = matrix.reshape(1, 1) if matrix.dim() == 0 else matrix
    found = int(torch.linalg.matrix_rank(matrix))
    if int(torch.linalg.matrix_rank(balanced(matrix))) != found:
        raise Undefined("rounding decides the rank: entries are far smaller than others")
    return found


def balanced(matrix: torch.Tensor) -> torch.Tensor:
    """Rows and columns, each as large as the others: the rank is the same."""
    for dim in (1, 0, 1):
        largest = matrix.abs().amax(dim, keepdim=True)
        matrix = matrix / torch.where(largest > 0, largest, 1.0)
    return matrix


def show_with(name: str) -> Callable[..., str]:
    def shown(node: Node, which: Any, a: Node) -> str:
        return f"{name}[{show(which)}]({show(a)})"

    return shown


register(
    "Eigenvalues and singular values",
    Notation("eigenvalue", show_with("eigenvalue"), eigen_value,
             starts={r"\lambda": reader(r"\lambda", "eigenvalue")}, vanishes=True,
             examples=(r"\lambda_{\max}(A)", r"\lambda_{\min}(A)", r"\lambda_i(A)"),
             refused=((r"\lambda_{\max}(W W^\top W W)", r"\lambda_{\max}(W W^\top)"),)),
    Notation("singular", show_with("singular value"), singular_value,
             starts={r"\sigma": reader(r"\sigma", "singular")}, vanishes=True,
             examples=(r"\sigma_{\max}(W)", r"\sigma_1(W)")),
    Function("rank", rank, words=("rank", "rk"), jumps=True, scalar=True,
             examples=(r"\mathrm{rank}(W)",)),
)
