"""What the documents and modules of a book ask to run, and under which key the result is kept."""

import functools
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path

from execution.slips import RUNNING
from execution.tracing import digest

RENDERERS = ("report.py",)
"""The files of this package that only show results; all others take part in making them."""


@dataclass
class Task:
    """A run that is wanted: cells of a document, its doctests, those of a module, or a call."""

    kind: str  # "cells", "doctests", "module", or what a call is for
    name: str  # of the document or module
    path: Path
    content: str  # digest of what is run
    job: dict
    steps: int  # cells or examples
    lines: dict = field(default_factory=dict)  # index of a cell -> line of its first statement

    @property
    def identity(self):
        """Kind and name; of calls, of which a document has several, also what is called."""
        called = (self.content,) if self.job["kind"] == "call" else ()
        return (self.kind, self.name, *called)

    def line(self, failure):
        """The line of the file that a failure is about, or None."""
        if self.kind != "cells":
            return failure["step"]
        first = self.lines.get(failure["step"])
        return first if first is None else first + (failure["line"] or 1) - 1


def cells(name, path, notebook, config, limit, text, data):
    """The task of running a notebook's cells; they may print `text`, display `data` characters."""
    steps = [
        {
            "source": cell.source if cell.cell_type == "code" else "",
            "tags": [tag for tag in RUNNING if tag in cell.metadata.get("tags", [])],
        }
        for cell in notebook.cells
    ]
    job = {
        "kind": "cells",
        "cells": steps,
        "allow_errors": config.execution_allow_errors,
        "cwd": None if config.execution_in_temp else str(path.parent),
        "limit": limit,
        "text": text,
        "data": data,
    }
    asked = [step for step in steps if step["source"]]
    return Task(
        kind="cells",
        name=name,
        path=path,
        content=digest([asked, job["allow_errors"], job["cwd"] is None, text, data]),
        job=job,
        steps=len(asked),
        lines=first_lines(path, notebook),
    )


def first_lines(path, notebook):
    """The line of the file at which the source of each code cell starts (counted from 1)."""
    starts = notebook.metadata.get("source_map")
    if not starts:
        return {}
    text, lines = path.read_text(encoding="utf-8").splitlines(), {}
    for index, (cell, start) in enumerate(zip(notebook.cells, starts, strict=True)):
        source = cell.source.splitlines()
        if cell.cell_type == "code" and source:
            # options stand between the fence and the source
            places = range(start, len(text) - len(source) + 1)
            match = (at for at in places if text[at].strip() == source[0].strip())
            lines[index] = next(match, start) + 1
    return lines


def examples(name, path, text, found, limit):
    """The task of running the examples that were found in a document."""
    asked = [[one.parsed.source, one.parsed.want, sorted(one.parsed.options)] for one in found]
    job = {"kind": "doctests", "text": text, "path": str(path), "cwd": str(path.parent)}
    return Task("doctests", name, path, digest(asked), {**job, "limit": limit}, len(found))


def module(name, path, limit):
    """The task of running the doctests of a module."""
    job = {"kind": "module", "module": name, "cwd": None, "limit": limit}
    return Task("module", name, path, digest(name), job, 0)


def call(name, path, asked, limit):
    """The task of calling a function for a document.

    Parameters
    ----------
    asked : dict
        ``what`` it is for (a word for tables), ``function`` as ``module:name``, its ``arguments``
        by name, the ``package`` that it belongs to (a folder; what lies there is not observed) and
        the ``version`` of this package, ``line`` of the document. The function returns a dict; one
        with ``errors`` is not kept. An error has a ``line``, counted from that of the document,
        and what is ``said``.
    """
    known = [asked["function"], asked["arguments"], asked["version"]]
    job = {"kind": "call", "function": asked["function"], "arguments": asked["arguments"],
           "package": asked["package"], "cwd": None, "limit": limit}
    return Task(asked["what"], name, path, digest(known), job, 1, {0: asked["line"]})


@functools.cache
def installed():
    """Names and versions of what is installed, as the folders of its metadata are called."""
    places = {sysconfig.get_path(kind) for kind in ("purelib", "platlib")}
    return sorted(path.name for place in places for path in Path(place).glob("*.dist-info"))


def key(task_kind, content, settings):
    """The key of a result: what is run, and in which surroundings."""
    return digest([task_kind, content, settings])


def surroundings(root, folders, lock):
    """What every result depends on: the lock, Python, the installed packages, this package."""
    here = Path(__file__).parent
    own = [path for path in sorted(here.rglob("*.py"))
           if path.relative_to(here).as_posix() not in RENDERERS]
    lock = Path(root, lock) if lock else None
    return [
        sys.version,
        sys.platform,
        digest(lock.read_bytes()) if lock and lock.is_file() else None,
        installed(),
        [digest(path.read_bytes()) for path in own],
        folders,
    ]
