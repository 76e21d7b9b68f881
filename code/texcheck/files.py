"""What lies in files: derivations in Markdown, and packages in folders."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

OPEN = re.compile(r"^(?P<fence>:{3,}|`{3,}|~{3,})\s*(?P<info>.*)$")
DIRECTIVE = re.compile(r"\{(\w+)\}(.*)")


@dataclass
class Derivation:
    """A ``{derivation}`` directive in a file: its title, label, text, and first line of text."""

    title: str
    label: str
    text: str
    path: str
    line: int


def derivations(path: str | Path) -> list[Derivation]:
    """All derivations of a Markdown file; those shown inside another fence are left out.

    Raises
    ------
    OSError, UnicodeDecodeError
        If the file cannot be read.
    """
    lines = Path(path).read_text(encoding="utf-8").split("\n")
    return [read_derivation(lines, start, end, title, str(path))
            for name, title, start, end in fences(lines, {"derivation"})]


def fences(lines: list[str], names: set[str]) -> Iterator[tuple[str, str, int, int]]:
    """Directives of some names: name, argument, and the lines of both fences, from 0."""
    number = 0
    while number < len(lines):
        match = OPEN.match(lines[number])
        if match is None:
            number += 1
            continue
        end = closing(lines, number, match.group("fence"))
        directive = DIRECTIVE.match(match.group("info"))
        if directive is not None and directive[1] in names:
            yield directive[1], directive[2].strip(), number, end
            number = end + 1
        elif match.group("fence").startswith(":"):
            number += 1
        else:
            number = end + 1


def outside(lines: list[str]) -> list[str]:
    """The lines of a page that stand in no derivation."""
    found: list[str] = []
    number = 0
    while number < len(lines):
        match = OPEN.match(lines[number])
        if match is not None and match.group("info").startswith("{derivation}"):
            number = closing(lines, number, match.group("fence"))
        else:
            found.append(lines[number])
        number += 1
    return found


def closing(lines: list[str], start: int, fence: str) -> int:
    """The line that closes a fence, or the end of the file."""
    pattern = re.compile(rf"^{re.escape(fence[0])}{{{len(fence)},}}\s*$")
    for number in range(start + 1, len(lines)):
        if pattern.match(lines[number]):
            return number
    return len(lines)


def read_derivation(lines: list[str], start: int, end: int, title: str, path: str) -> Derivation:
    """The directive whose fence opens at line `start` and closes at line `end`, from 0."""
    first, label = start + 1, ""
    while first < end and re.match(r":[\w-]+:", lines[first]):
        if lines[first].startswith(":label:"):
            label = lines[first][7:].strip()
        first += 1
    while first < end and not lines[first].strip():
        first += 1
    return Derivation(title, label, "\n".join(lines[first:end]), path, first + 1)


def packages_in(folders: Iterable[str | Path]) -> tuple[str, ...]:
    """The packages that lie in some folders, this one aside, and torch."""
    found = {path.parent.name for folder in folders for path in Path(folder).glob("*/__init__.py")}
    return (*sorted(found - {"texcheck"}), "torch")
