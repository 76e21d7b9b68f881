"""The register: a CSV file that lists every part of every paper, one line per part."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from sphinx.errors import ExtensionError

from .values import Points, read_points

COLUMNS = ("id", "paper", "points", "kind", "chapter")
KINDS = ("choose", "compare", "compute", "derive", "explain", "prove")

_ID = re.compile(r"([A-Z]+\d+)[A-Za-z0-9.-]*")
_WORD = re.compile(r"[a-z][a-z0-9/_-]*")


@dataclass(frozen=True)
class Part:
    """One line of the register."""

    id: str
    paper: str
    points: str
    kind: str
    chapter: str
    line: int

    @property
    def question(self) -> str:
        """The question that the part belongs to: ``B4`` of ``B4b-i``."""
        return _ID.fullmatch(self.id)[1]

    @property
    def worth(self) -> Points:
        """The points, read."""
        return read_points(self.points)


def read_register(path: Path) -> dict[str, Part]:
    """Read the register.

    Raises
    ------
    ExtensionError
        If the file is missing or malformed; the message names the file and the line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ExtensionError(f"{path}: the register of the parts cannot be read: {error}") from None
    rows = csv.reader(text.splitlines(), strict=True)
    parts: dict[str, Part] = {}
    try:
        _check_header(next(rows, []))
        for row in rows:
            if row:
                part = _read_row(row, rows.line_num, parts)
                parts[part.id] = part
    except (ValueError, csv.Error) as error:
        raise ExtensionError(f"{path}:{max(1, rows.line_num)}: {error}") from None
    if not parts:
        raise ExtensionError(f"{path}:1: the register lists no part")
    return parts


def _check_header(row: list[str]) -> None:
    if tuple(row) != COLUMNS:
        raise ValueError(f"the columns are {','.join(row)!r}, not {','.join(COLUMNS)!r}")


def _read_row(row: list[str], line: int, known: dict[str, Part]) -> Part:
    if len(row) != len(COLUMNS):
        raise ValueError(f"{len(row)} fields, the header has {len(COLUMNS)}")
    part = Part(*row, line=line)
    if not _ID.fullmatch(part.id):
        raise ValueError(f"id {part.id!r} is not a paper, a number and a part, such as 'A3a'")
    if part.id in known:
        raise ValueError(f"part {part.id} stands in line {known[part.id].line} already")
    if part.question.rstrip("0123456789") != part.paper:
        raise ValueError(f"part {part.id} does not begin with its paper {part.paper!r}")
    if part.kind not in KINDS:
        raise ValueError(f"kind {part.kind!r} of part {part.id} is none of {', '.join(KINDS)}")
    if not _WORD.fullmatch(part.chapter):
        raise ValueError(f"chapter {part.chapter!r} of part {part.id} is not a word")
    _check_shared(part, known)
    return part


def _check_shared(part: Part, known: dict[str, Part]) -> None:
    """Points that are printed for a question must be alike in all of its parts."""
    worth = part.worth
    for other in known.values():
        if other.question != part.question or other.worth == worth:
            continue
        if worth.shared or other.worth.shared:
            raise ValueError(
                f"part {part.id} has points {part.points!r}, part {other.id} in line {other.line} "
                f"has {other.points!r}: points for the question are alike in all of its parts"
            )
