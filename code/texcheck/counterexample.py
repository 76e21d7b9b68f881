"""How a step that fails is shown: both values, and the draw on which they were found."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import torch

from . import anchor
from . import values as v
from .errors import Error
from .evaluate import Evaluator
from .items import Block, Item
from .reach import names_behind
from .report import Result
from .trees import pretty


def where(item: Item) -> str:
    """What of a block an item is, for messages."""
    if item.kind == "step":
        return f" step {item.number[0]}.{item.number[1]}"
    return " code" if item.kind == "code" else ""


def equation(item: Item) -> str:
    return f"{item.lhs}  {item.relation}  {item.rhs}"


def difference(block: Block, result: Result, left: torch.Tensor, right: torch.Tensor,
               evaluator: Evaluator) -> Error:
    """The error of a step whose sides do not stand to one another as it says."""
    item = result.item
    words = {"inequality": "the inequality does not hold", "zero": "this is not zero"}
    message = words.get(result.grade, "the two sides differ")
    if item.kind == "code":
        message = "the code computes something else"
    a, b, spot = first_difference(left, right)
    details = [f"left  = {a:.9g}".replace("= -", "= -"), f"right = {b:.9g}"]
    if spot:
        details = [f"{d}   entry {spot}" for d in details]
    return block.error("code" if item.kind == "code" else "value", message, item.line, where(item),
                       source=equation(item), details=[*details, at(item, evaluator)])


def digits_apart(block: Block, result: Result, left: Any, right: Any,
                 evaluator: Evaluator) -> Error:
    """The error of a step whose sides differ by less than a float shows."""
    with mpmath.workdps(60):
        a, b = mpmath.mpmathify(left), mpmath.mpmathify(right)
        shown = [f"left  = {mpmath.nstr(a, 25)}", f"right = {mpmath.nstr(b, 25)}",
                 f"left - right = {mpmath.nstr(a - b, 6)}"]
    words = "the inequality does not hold" if result.grade == "inequality" else (
        "the two sides differ")
    return block.error("value", f"{words}, beyond what a float of 64 bits shows",
                       result.item.line, where(result.item), source=equation(result.item),
                       details=[*shown, at(result.item, evaluator)])


def first_difference(left: torch.Tensor, right: torch.Tensor) -> tuple[float, float, str]:
    """The entry at which two tensors differ most, and its place counted from one."""
    if left.dim() == 0:
        return float(left), float(right), ""
    place = int((left - right).abs().reshape(-1).argmax())
    index = [int(i) + 1 for i in np.unravel_index(place, tuple(left.shape))]
    if len(index) == 2 and left.shape[1] == 1:
        index = index[:1]
    spot = ",".join(map(str, index))
    return float(left.reshape(-1)[place]), float(right.reshape(-1)[place]), spot


def at(item: Item, evaluator: Evaluator) -> str:
    """The values of the symbols that an item needs."""
    program, draw = evaluator.program, evaluator.draw
    needed = names_behind(program, *(n for n in (item.left, item.right) if n is not None))
    if item.kind == "code":
        needed |= anchor.keys_used(item.python, program)
    parts: list[str] = []
    for key in (k for k in program.scope if k in needed):
        if key in draw.values:
            parts.append(f"{pretty(key)} = {short(draw.values[key])}")
        if key in draw.dims:
            parts.append(f"{pretty(key)} = {draw.dims[key]}")
        if key in draw.families:
            parts.append(f"{pretty(key)} = {listed(list(draw.families[key].values()))}")
        for place in sorted(p for name, p in draw.outcomes if name == key):
            index = list(place) if place else ""
            parts.append(f"{pretty(key)}{index} = {short(draw.outcomes[key, place])}")
    shown = "; ".join(parts[:8]) or "every draw"
    return f"at    {shown}" + ("; …" if len(parts) > 8 else "")


def listed(values: list[v.Value]) -> str:
    """The first members of a sequence."""
    return "(" + ", ".join(map(short, values[:4])) + (", …)" if len(values) > 4 else ")")


def short(value: v.Value) -> str:
    """A value in a few characters."""
    if isinstance(value, v.Number):
        return f"{value:.9g}"
    if isinstance(value, v.Lazy):
        return v.shape_text(value)
    array = value.detach().numpy()
    if array.ndim == 0:
        return f"{float(array):.9g}"
    if array.size > 9:
        return v.shape_text(value)
    rows = array.reshape(-1) if 1 in array.shape else array
    return np.array2string(rows, precision=4, separator=", ").replace("\n", "")
