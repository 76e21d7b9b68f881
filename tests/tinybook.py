"""Build a tiny book in a temporary folder and hand back what Sphinx said."""

import re
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class Build:
    folder: Path
    exit_code: int
    warnings: list[str]  # with paths relative to the source folder

    def page(self, name: str) -> str:
        return (self.folder / "out" / name).read_text(encoding="utf-8")


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / "book" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def build(folder: Path, *, builder="html", only=(), **settings) -> Build:
    """Build ``folder/book``, or some pages, with settings; keeps doctrees between calls."""
    status, warning = StringIO(), StringIO()
    # Said each time: what an extension adds to the default stays for the next build of a process.
    parser = "myst-nb" if "myst_nb" in settings["extensions"] else "markdown"
    settings = {"source_suffix": {".md": parser}, **settings}
    with docutils_namespace():
        app = Sphinx(
            srcdir=folder / "book", confdir=None, outdir=folder / "out",
            doctreedir=folder / "doctrees", buildername=builder, confoverrides=settings,
            status=status, warning=warning, warningiserror=True, parallel=1)
        app.build(filenames=[str(folder / "book" / name) for name in only])
    root = f"{folder / 'book'}/"
    lines = ANSI.sub("", warning.getvalue()).replace(root, "").strip().splitlines()
    return Build(folder, app.statuscode, lines)
