"""The directive ``{mistakes}``: mistakes printed elsewhere, and what this build makes of them.

Its argument is a file of JSON lines beside the page; each has a ``topic``, a ``source``, the
``kind`` of the mistake, a ``group``, and two derivations, ``wrong_block`` and ``right_block``. The
option ``groups`` names those that are laid out. Both derivations are checked when the page is read.
A wrong one that is accepted, or a right one that is refused, is an error of the type
``texcheck.mistakes`` at its line of the file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from .files import fences
from .runs import call, obtain

if TYPE_CHECKING:
    from sphinx.config import Config

logger = logging.getLogger(__name__)
KINDS = "other"
OPTION = re.compile(r":groups:(.*)")


@dataclass(frozen=True)
class Mistake:
    """One line of the file: where it was printed, and both derivations."""

    line: int
    topic: str
    source: str
    kind: str
    group: str
    wrong: str
    right: str

    def differing(self) -> Iterator[tuple[str, str]]:
        """The lines that differ, without what is not set: wrong and right."""
        pairs = zip(self.wrong.split("\n"), self.right.split("\n"), strict=False)
        return ((a, b) for a, b in pairs if a != b)


def mistakes(path: Path) -> list[Mistake]:
    """Read a file of mistakes.

    Raises
    ------
    ValueError
        If a line is not such a record; the message names the line.
    """
    found = []
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            record = json.loads(text)
            found.append(Mistake(number, record["topic"], record["source"],
                                 record.get("kind", KINDS), record.get("group", ""),
                                 body(record["wrong_block"]), body(record["right_block"])))
        except (ValueError, KeyError) as error:
            raise ValueError(f"{path.name}:{number}: not a record of a mistake with topic, source, "
                             f"wrong_block and right_block: {error}") from error
    return found


def body(block: str) -> str:
    """The lines of a derivation without its fences."""
    lines = [line for line in block.split("\n") if not line.startswith(":::")]
    return "\n".join(lines).strip("\n")


def asked(config: Config, line: int, mistake: Mistake) -> dict[str, Any]:
    """The call that judges a mistake."""
    return call("mistake", config, line, topic=mistake.topic, wrong=mistake.wrong,
                right=mistake.right)


def chosen(path: Path, groups: str) -> Iterator[Mistake]:
    """The mistakes of a file that are of the groups named, or all of them."""
    wanted = [group.strip() for group in groups.split(",") if group.strip()]
    return (one for one in mistakes(path) if not wanted or one.group in wanted)


def wanted_mistakes(config: Config, path: Path, text: str) -> Iterator[dict[str, Any]]:
    """What the directives ``{mistakes}`` of a Markdown file will ask for."""
    lines = text.split("\n")
    for _, name, start, end in fences(lines, {"mistakes"}):
        options = (OPTION.match(line) for line in lines[start + 1:end])
        groups = next((found[1] for found in options if found), "")
        with suppress(OSError, ValueError):  # the directive says so in a moment
            for mistake in chosen(path.parent / name, groups):
                yield asked(config, start + 1, mistake)


class MistakesDirective(SphinxDirective):
    """Check all mistakes of a file and lay them out by kind."""

    required_arguments = 1
    option_spec = {"groups": directives.unchanged_required}  # noqa: RUF012

    def run(self) -> list[nodes.Node]:
        path = Path(self.env.relfn2path(self.arguments[0])[1])
        self.env.note_dependency(path)
        groups: dict[str, list[nodes.Node]] = {}
        refused = right = 0
        for mistake in chosen(path, self.options.get("groups", "")):
            verdict = obtain(self.env, asked(self.config, self.lineno, mistake))
            if verdict is None:
                continue
            refused += not verdict["wrong"]
            right += verdict["right"]
            for error in verdict["errors"]:
                logger.error("%s:%d: %s", path.name, mistake.line, error["said"],
                             location=(self.env.docname, self.lineno), type="texcheck",
                             subtype="mistakes")
            groups.setdefault(mistake.kind, []).append(self.shown(mistake))
        count = sum(map(len, groups.values()))
        said = (f"On this build {refused} of {count} printed mistakes are refused, and {right} of "
                f"{count} corrections are accepted.")
        found: list[nodes.Node] = [nodes.paragraph("", said)]
        for kind in sorted(groups, key=lambda k: (k == KINDS, -len(groups[k]))):
            found.append(nodes.rubric("", f"{kind.capitalize()} ({len(groups[kind])})"))
            found.append(nodes.definition_list("", *groups[kind], classes=["mistakes"]))
        return found

    def shown(self, mistake: Mistake) -> nodes.Node:
        definition = nodes.definition()
        for wrong, right in mistake.differing():
            for line, mark, word in ((wrong, "✗", "refused"), (right, "✓", "accepted")):
                tex = line.partition(": ")[2] if line.partition(":")[0].isalpha() else line
                verdict = nodes.inline("", f"{mark} {word}", classes=["verdict"])
                definition += nodes.paragraph("", "", verdict, nodes.Text(" "), nodes.math(
                    "", tex.partition(" -- ")[0]), classes=[word])
        definition += nodes.paragraph("", mistake.source, classes=["source"])
        title = mistake.topic[:1].upper() + mistake.topic[1:]
        return nodes.definition_list_item("", nodes.term("", title), definition)
