"""Finished results, found again by what was run and by what the run read.

The folders of several stores may be copied into one another: names tell what was run and read.

``results/KEY/VARIANT.json`` holds the observations of a run and a summary,
``results/KEY/VARIANT.result.json`` its outputs. The key stands for what is run (cells, tags,
lock, Python); the variants of a key differ in what the run read. A variant is used only if every
observation still holds, so going back to an earlier version of a module finds its result again.
"""

import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from execution.tracing import digest

VARIANTS = 8
"""Results kept per key; the least recently used one goes first."""

DAYS = 60
"""Results that no build used for so long are removed."""


class Stored(NamedTuple):
    """A result that holds now: its name, what the run read, and its summary."""

    variant: str
    observed: dict
    summary: dict


class Store:
    """Results below `folder`."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.modules = self.folder / "modules"  # compiled, see execution.sources

    def find(self, key, observer, use=False):
        """The stored result of `key` whose observations all hold now, or None."""
        for path in _by_use(self.folder / "results" / key):
            content = _load(path)
            if content is None:
                continue
            observed = content["observed"]
            if all(observer.holds(question, answer) for question, answer in observed.items()):
                if use:
                    os.utime(path)
                return Stored(path.stem, observed, content["summary"])
        return None

    def load(self, key, variant):
        """The outputs of a stored result, or None if they are damaged or gone."""
        return _load(self.folder / "results" / key / f"{variant}.result.json")

    def put(self, key, observed, summary, result):
        """Store a result and return it as :meth:`find` will."""
        variant = digest(observed)[:16]
        folder = self.folder / "results" / key
        folder.mkdir(parents=True, exist_ok=True)
        write(folder / f"{variant}.result.json", result)
        write(folder / f"{variant}.json", {"observed": observed, "summary": summary})
        for path in _by_use(folder)[VARIANTS:]:
            _remove(path)
        return Stored(variant, observed, summary)

    def sweep(self, days=DAYS):
        """Remove results that no build has used for some time, and what lost builds left."""
        oldest = time.time() - days * 86400
        for folder in (self.folder / "runs").glob("*"):
            if folder.stat().st_mtime < time.time() - 86400:
                shutil.rmtree(folder, ignore_errors=True)
        for path in self.modules.glob("*"):
            if path.stat().st_mtime < oldest:
                path.unlink(missing_ok=True)
        for folder in (self.folder / "results").glob("*"):
            for path in _by_use(folder):
                if path.stat().st_mtime < oldest:
                    _remove(path)
            if not any(folder.iterdir()):
                folder.rmdir()

    def scratch(self):
        """A new folder for one run."""
        runs = self.folder / "runs"
        runs.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(dir=runs))


def write(path, content):
    """Write JSON so that nobody ever sees half of it."""
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        json.dump(content, stream, ensure_ascii=False, sort_keys=True)
    os.replace(name, path)


def _load(path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _by_use(folder):
    paths = [path for path in folder.glob("*.json") if not path.name.endswith(".result.json")]
    return sorted(paths, key=lambda path: path.stat().st_mtime, reverse=True)


def _remove(path):
    path.unlink()
    path.with_suffix(".result.json").unlink(missing_ok=True)
