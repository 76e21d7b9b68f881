"""The same doctests under pytest: one item per example of a document, one per docstring.

In the ``conftest.py`` at the root of the repository::

    from execution.pytest_sybil import collector

    pytest_collect_file = collector("book", modules=["code/fullmarks"])

Items are grouped by file, so ``pytest -k mlp`` selects the examples of ``book/mlp.md`` and those
of ``code/fullmarks/mlp.py``.
"""

import importlib
import inspect
from pathlib import Path

import pytest
from sybil import Sybil

from execution import doctests


def collector(documents, modules=(), code="code"):
    """A ``pytest_collect_file`` hook for MyST documents and Python modules.

    Parameters
    ----------
    documents : str
        Folder of the documents, relative to the file that calls this.
    modules : sequence of str
        Folders of the modules, likewise.
    code : str
        The folder that is on ``sys.path``, likewise; it makes the modules' dotted names.
    """
    here = Path(inspect.stack()[1].filename).parent
    chapters = Sybil([doctests.Blocks()], pattern="*.md", path=str(here / documents))
    of_documents = chapters.pytest()
    folders = [here / folder for folder in modules]

    def pytest_collect_file(file_path, parent):
        if file_path.suffix == ".py" and any(map(file_path.is_relative_to, folders)):
            if doctests.has_examples(file_path):
                return Docstrings.from_parent(parent, path=file_path, code=here / code)
            return None
        return of_documents(file_path, parent)

    return pytest_collect_file


class Docstrings(pytest.File):
    """The docstrings of one module."""

    def __init__(self, *, code, **kwargs):
        super().__init__(**kwargs)
        self.code = code

    def collect(self):
        parts = self.path.relative_to(self.code).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        for test in doctests.docstrings(importlib.import_module(".".join(parts))):
            yield Docstring.from_parent(self, name=test.name, test=test)


class Docstring(pytest.Item):
    """The examples of one docstring, which share a namespace."""

    def __init__(self, *, test, **kwargs):
        super().__init__(**kwargs)
        self.test = test

    def runtest(self):
        failures = doctests.check(self.test)
        if failures:
            raise DoctestFailure([f"{self.path}:{line}: {what}" for line, what in failures])

    def repr_failure(self, excinfo, style=None):
        if isinstance(excinfo.value, DoctestFailure):
            return "\n\n".join(excinfo.value.args[0])
        return super().repr_failure(excinfo, style)

    def reportinfo(self):
        return self.path, self.test.lineno or 0, self.name


class DoctestFailure(Exception):
    """Some examples of a docstring gave something else."""
