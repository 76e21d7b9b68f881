"""The directive ``{mistakes}``: mistakes printed elsewhere, and what this build makes of them.

Its argument is a file of JSON lines beside the page; each has a ``topic``, a ``source``, the
``kind`` of the mistake, a ``group``, and two derivations, ``wrong_block`` and ``right_block``. The
option ``groups`` names those that are laid out. Both derivations are checked when the page is read.
A wrong one that is accepted, or a right one that is refused, is an error of the type
``texcheck.mistakes`` at its line of the file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from .store import Store

logger = logging.getLogger(__name__)
KINDS = "other"


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


def accepted(mistake: Mistake, text: str) -> bool:
    from . import check, read_block

    return not check(read_block(text, title=mistake.topic), first=True).errors


class MistakesDirective(SphinxDirective):
    """Check all mistakes of a file and lay them out by kind."""

    required_arguments = 1
    option_spec = {"groups": directives.unchanged_required}  # noqa: RUF012

    def run(self) -> list[nodes.Node]:
        path = Path(self.env.relfn2path(self.arguments[0])[1])
        self.env.note_dependency(path)
        store = Store(Path(self.config.texcheck_store
                           or self.env.doctreedir.parent / "derivations"))
        groups: dict[str, list[nodes.Node]] = {}
        refused = right = 0
        wanted = [g.strip() for g in self.options.get("groups", "").split(",") if g.strip()]
        for mistake in mistakes(path):
            if wanted and mistake.group not in wanted:
                continue
            verdict = self.verdict(store, mistake)
            refused += not verdict[0]
            right += verdict[1]
            if verdict != (False, True):
                self.complain(path, mistake, verdict)
            groups.setdefault(mistake.kind, []).append(self.shown(mistake))
        count = sum(map(len, groups.values()))
        said = (f"On this build {refused} of {count} printed mistakes are refused, and {right} of "
                f"{count} corrections are accepted.")
        found: list[nodes.Node] = [nodes.paragraph("", said)]
        for kind in sorted(groups, key=lambda k: (k == KINDS, -len(groups[k]))):
            found.append(nodes.rubric("", f"{kind.capitalize()} ({len(groups[kind])})"))
            found.append(nodes.definition_list("", *groups[kind], classes=["mistakes"]))
        return found

    def verdict(self, store: Store, mistake: Mistake) -> tuple[bool, bool]:
        """Whether the wrong and the right derivation are accepted; from the store if known."""
        key = store.key(hashlib.sha256(f"{mistake.topic}\n{mistake.wrong}\n{mistake.right}".encode()
                                       ).hexdigest(), [])
        known: dict[str, Any] | None = store.find(key)
        if known is None:
            known = {"wrong": accepted(mistake, mistake.wrong),
                     "right": accepted(mistake, mistake.right)}
            if known == {"wrong": False, "right": True}:
                store.put(key, known)
        return bool(known["wrong"]), bool(known["right"])

    def complain(self, path: Path, mistake: Mistake, verdict: tuple[bool, bool]) -> None:
        what = "the wrong derivation is accepted" if verdict[0] else "the right one is refused"
        logger.error("%s:%d: %s: %s", path.name, mistake.line, mistake.topic, what,
                     location=(self.env.docname, self.lineno), type="texcheck",
                     subtype="mistakes")

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
