"""Small books that are built with the extension, in this process or through the command line."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

import pytest
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

CODE = Path(__file__).parents[2] / "code"

CONF = """
extensions = ["execution"]
project = "book"
html_theme = "basic"
html_copy_source = False
nb_execution_mode = "force"
nb_merge_streams = True
execution_preload = ["numpy"]
execution_lock = "requirements.lock"
"""

HEAD = """\
---
file_format: mystnb
kernelspec:
  name: python3
  display_name: Python 3
---
"""


class Build(NamedTuple):
    """What a build did and said."""

    ran: set  # "kind name"
    warnings: str  # paths relative to the book's folder
    status: int
    log: str


class Book:
    """A book in a temporary folder: ``conf.py``, ``book/`` and ``code/``."""

    def __init__(self, folder):
        self.folder = folder
        self.write("conf.py", CONF)
        self.write("requirements.lock", "numpy==2\n")
        self.write("book/index.md", "# Book\n\n```{toctree}\n:glob:\n\nchapters/*\n```\n")
        (folder / "code").mkdir()

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
        return path

    def chapter(self, name, *cells, tags=()):
        """Write a chapter of code cells; all get the same tags."""
        options = f":tags: [{', '.join(tags)}]\n" if tags else ""
        blocks = [f"```{{code-cell}} ipython3\n{options}{dedent(cell).strip()}\n```\n"
                  for cell in cells]
        return self.write(f"book/chapters/{name}.md", "\n".join([HEAD, f"# {name}\n", *blocks]))

    def build(self, builder="html", **settings):
        """Build in this process."""
        log, warnings = io.StringIO(), io.StringIO()
        with patch_docutils(self.folder), docutils_namespace():
            app = Sphinx(
                self.folder / "book", self.folder, self.folder / "build" / builder,
                self.folder / "build/doctrees", builder, settings, log, warnings,
                warningiserror=True,
            )
            app.build()
        ran = {f"{kind} {name.removeprefix('chapters/')}" for kind, name, *_ in app.execution.ran}
        return Build(ran, self.plain(warnings.getvalue()), app.statuscode, log.getvalue())

    def plain(self, text):
        return re.sub(r"\x1b\[[0-9;]*m", "", text).replace(f"{self.folder}/", "")

    def command(self, *options, builder="html"):
        """The command line of a build, for a process of its own."""
        run = f"import sys; sys.path.insert(0, {str(CODE)!r}); import sphinx.cmd.build as b;" \
            "sys.exit(b.main(sys.argv[1:]))"
        paths = ["-c", ".", "-d", "build/doctrees", "book", f"build/{builder}"]
        return [sys.executable, "-c", run, "-b", builder, *options, *paths]

    def start(self, *options, builder="html", **variables):
        """Start a build in a process group of its own."""
        return subprocess.Popen(
            self.command(*options, builder=builder), cwd=self.folder, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
            env=os.environ | variables,
        )

    def execution(self, *arguments, folder=None):
        """Run ``python -m execution`` in the book's folder or a copy; its status, what it says."""
        folder = folder or self.folder
        done = subprocess.run(
            [sys.executable, "-m", "execution", *arguments, "book"], cwd=folder, text=True,
            capture_output=True, env=os.environ | {"PYTHONPATH": str(CODE)},
        )
        said = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
        return done.returncode, said.replace(f"{folder}/", "")

    def page(self, name, builder="html"):
        return (self.folder / "build" / builder / f"{name}.html").read_text(encoding="utf-8")

    def notebook(self, name):
        path = self.folder / "build/jupyter_execute/chapters" / f"{name}.ipynb"
        return path.read_text(encoding="utf-8")


@pytest.fixture
def book(tmp_path):
    """An empty book."""
    return Book(tmp_path)


@pytest.fixture(scope="session")
def new_book():
    """Make an empty book in a folder."""
    return Book


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """An empty book for all tests of a module."""
    return Book(tmp_path_factory.mktemp("shared"))
