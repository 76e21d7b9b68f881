"""What a derivation is made of: its lines in order, what each claims, and all that was declared."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .errors import Error
from .program import Program
from .trees import Node


@dataclass
class Order:
    """``[\\epsilon\\to0 : O(\\epsilon^k)]``: what goes to zero, and the order of the error."""

    symbol: str
    power: int
    small: bool = False


@dataclass
class Item:
    """One line of a derivation, in the order of the text.

    Attributes
    ----------
    kind : str
        let, rv, fun, pmf, def, assume, claim, step, code or unchecked.
    tex : str
        The text after the keyword, without the reason.
    line : int
        Line number in the file.
    reason : str
        The text after `` -- ``.
    number : tuple of int
        (1, 2) for step 2 of claim 1; (1,) for claim 1.
    relation : str
        ``=``, ``\\le``, ``\\ge``, ``\\succeq``, ``\\approx``, ``\\propto_z`` … of a step.
    grade : str
        Evidence of a step: value, inequality, zero or approx.
    lhs, rhs : str
        The TeX of both sides of a step; of the left side of a claim; of a definition.
    over : tuple of str
        The names in which both sides of a step are proportional.
    order : str
        The TeX of the order of an approximation.
    machine : str
        The line as the machine read it, fully parenthesised.
    standing : str
        What a definition rests on: ``tied`` to code, ``given`` by a question, or only a ``name``.
    """

    kind: str
    tex: str
    line: int
    reason: str = ""
    number: tuple[int, ...] = ()
    relation: str = ""
    grade: str = ""
    lhs: str = ""
    rhs: str = ""
    order: str = ""
    machine: str = ""
    left: Node | None = field(default=None, repr=False)
    right: Node | None = field(default=None, repr=False)
    limit: Order | None = None
    over: tuple[str, ...] = ()
    python: str = ""
    given: bool = False
    standing: str = ""
    free: tuple[str, ...] = ()


@dataclass
class Block:
    """A derivation that has been read.

    `errors` holds what could not be read; `packages` those that `code:` lines may name, or None
    for the packages beside this one, and torch.
    """

    text: str
    title: str
    label: str
    path: str
    line: int
    items: list[Item]
    program: Program
    errors: list[Error]
    packages: tuple[str, ...] | None = None

    @property
    def steps(self) -> list[Item]:
        return [i for i in self.items if i.kind == "step"]

    @property
    def claims(self) -> list[Item]:
        return [i for i in self.items if i.kind == "claim"]

    @property
    def unchecked(self) -> list[Item]:
        return [i for i in self.items if i.kind == "unchecked"]

    @property
    def name(self) -> str:
        return self.label or self.title or "derivation"

    def error(self, kind: str, message: str, line: int, where: str = "",
              **more: Any) -> Error:
        return Error(f"texcheck.{kind}", message, line, where=f"{self.name}{where}",
                     path=self.path, **more)


def trees(item: Item) -> tuple[Node, Node]:
    """The trees of both sides of a step."""
    assert item.left is not None and item.right is not None
    return item.left, item.right
