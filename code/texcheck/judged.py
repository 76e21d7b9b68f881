"""What is asked of this package by a call (`texcheck.runs`): plain values in, plain values out."""

from __future__ import annotations

from typing import Any

from .block import read_block
from .judge import check

SHOWN = ("kind", "tex", "line", "reason", "number", "relation", "grade", "lhs", "rhs", "order",
         "machine", "standing")
"""What is kept of each line of a derivation, for the page."""


def derivation(text: str, title: str, label: str, packages: list[str]) -> dict[str, Any]:
    """Read and test a derivation.

    Returns
    -------
    dict
        ``items`` (of each line what `SHOWN` names and ``ok``), ``draws``, ``tolerance`` and
        ``errors`` (each with ``line``, ``kind`` and what is ``said``). Lines count from 0.
    """
    report = check(read_block(text, title=title, label=label, packages=tuple(packages)))
    items = [{name: getattr(item, name) for name in SHOWN} | {"grade": report.grade(item)}
             for item in report.block.items]
    broken = {error.line for error in report.errors}
    for item in items:
        item["ok"] = item["line"] not in broken
        item["line"] -= 1
    errors = [{"line": error.line - 1, "kind": error.kind,
               "said": error.body().removesuffix(f"[{error.kind}]").rstrip()}
              for error in report.errors]
    return {"items": items, "draws": report.draws, "tolerance": report.tolerance, "errors": errors}


def mistake(topic: str, wrong: str, right: str, packages: list[str]) -> dict[str, Any]:
    """Whether the ``wrong`` and the ``right`` derivation are accepted; what is an error."""
    found: dict[str, Any] = {
        side: not check(read_block(text, title=topic, packages=tuple(packages)), first=True).errors
        for side, text in (("wrong", wrong), ("right", right))}
    said = ["the wrong derivation is accepted"] * found["wrong"]
    said += ["the right one is refused"] * (not found["right"])
    errors = [{"line": 0, "kind": "texcheck.mistakes", "said": f"{topic}: {one}"} for one in said]
    return {**found, "errors": errors}
