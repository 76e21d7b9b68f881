"""The ways in which a derivation can fail, and how a failure is printed."""

from __future__ import annotations

from dataclasses import dataclass, field

KINDS = ("parse", "type", "value", "vacuous", "undefined", "code", "lint")


class Refused(Exception):
    """A line that the checker does not accept; `position` counts characters in `source`, and
    `line` is where to mend it, if that is not where it was noticed."""

    def __init__(self, kind: str, message: str, position: int | None = None,
                 source: str | None = None, details: list[str] | None = None,
                 line: int | None = None):
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.position = position
        self.source = source
        self.details = details or []
        self.line = line


class Undefined(Exception):
    """A value that does not exist on this draw (a logarithm of zero, a singular matrix)."""


@dataclass
class Error:
    """One failure of a block, at a line of its file.

    Attributes
    ----------
    kind : str
        ``texcheck.parse``, ``.type``, ``.value``, ``.vacuous``, ``.undefined``, ``.code``
        or ``.lint``.
    message : str
        One sentence.
    line : int
        Line number in the file (or in the block's text when no file was given).
    column : int or None
        Zero-based place in `source` that the caret points at.
    source : str or None
        The TeX that is refused.
    details : list of str
        Further lines: both values, the counterexample.
    where : str
        Label and step, such as ``der-mlp-loss step 1.2``.
    path : str
        The file.
    """

    kind: str
    message: str
    line: int
    column: int | None = None
    source: str | None = None
    details: list[str] = field(default_factory=list)
    where: str = ""
    path: str = ""

    @property
    def caret(self) -> str:
        """The source with a caret under the place, or an empty string."""
        if self.source is None or self.column is None:
            return ""
        start = max(0, self.column - 60)
        shown = self.source[start:start + 90]
        return f"    {shown}\n    {' ' * (self.column - start)}^"

    def body(self) -> str:
        """The message and its details, without file and line."""
        lines = [f"{self.where}: {self.message}" if self.where else self.message]
        if self.caret:
            lines += self.caret.split("\n")
        elif self.source is not None:
            lines.append(f"    {self.source}")
        lines += [f"    {line}" for line in self.details]
        if len(lines) == 1:
            return f"{lines[0]} [{self.kind}]"
        width = max(66, len(lines[-1]) + 2)
        lines[-1] = f"{lines[-1]:<{width}}[{self.kind}]"
        return "\n".join(lines)

    def __str__(self) -> str:
        return f"{self.path or '<text>'}:{self.line}: ERROR: {self.body()}"
