"""Find and run doctests: ``{doctest}`` blocks of MyST documents, and docstrings of modules.

Both are compared exactly. The examples of a document share one namespace, from top to bottom;
a docstring has the namespace of its module, as the standard library does it.
"""

import contextlib
import doctest
import importlib
import io
import re
import signal
import time
from pathlib import Path

from sybil import Document
from sybil.example import SybilFailure
from sybil.parsers.myst import DocTestDirectiveParser

from execution.cells import TimeLimit

# The standard library lets True pass for an expected 1; exact means exact.
FLAGS = doctest.DONT_ACCEPT_TRUE_FOR_1


class Blocks(DocTestDirectiveParser):
    """Parser of ``{doctest}`` blocks that also knows the lines of indented ones."""

    def __init__(self):
        super().__init__(FLAGS)

    def __call__(self, document):
        """Yield a region for each example, at its prompt."""
        text = document.text
        starts = [0, *(match.end() for match in re.finditer("\n", text))]
        for block in self.lexer(document):
            source = block.lexemes["source"]
            first = text.count("\n", 0, block.start + source.offset)
            for region in self.string_parser(source, document.path):
                region.start = text.index(">>>", starts[first + region.parsed.lineno])
                region.end = region.start + len(">>>")
                yield region


def examples(text, path):
    """The examples in the ``{doctest}`` blocks of a MyST document, in order."""
    if "{doctest}" not in text:
        return []
    document = Document(text, str(path))
    for region in Blocks()(document):
        document.add(region)
    return list(document)


def docstrings(module):
    """The doctests in the docstrings of a module, in the order of their lines."""
    found = doctest.DocTestFinder(exclude_empty=True).find(module)
    return sorted((test for test in found if test.examples), key=lambda test: test.lineno or 0)


def has_examples(path):
    """Whether a Python file can have doctests at all."""
    return ">>>" in Path(path).read_text(encoding="utf-8")


def modules(name, folders):
    """Names and files of the module or package `name` and of all modules beneath it.

    Parameters
    ----------
    name : str
        Dotted name.
    folders : list of Path
        Where to look for it, as on ``sys.path``.

    Returns
    -------
    list of (str, Path)
        In alphabetical order.

    Raises
    ------
    ModuleNotFoundError
        If no folder has it.
    """
    for folder in folders:
        base = Path(folder).joinpath(*name.split("."))
        if base.with_suffix(".py").is_file():
            return [(name, base.with_suffix(".py"))]
        if (base / "__init__.py").is_file():
            found = []
            for path in sorted(base.rglob("*.py")):
                parts = path.relative_to(base).with_suffix("").parts
                parts = parts[:-1] if parts[-1] == "__init__" else parts
                if all(part.isidentifier() for part in parts):
                    found.append((".".join((name, *parts)), path))
            return sorted(found)
    raise ModuleNotFoundError(f"no module {name} in {', '.join(map(str, folders))}")


def check(test):
    """Run one docstring's test; return a list of (line in the file, what is wrong)."""
    failures = []

    class Runner(doctest.DocTestRunner):
        def report_failure(self, out, test, example, got):
            difference = self._checker.output_difference(example, got, self.optionflags)
            self.record(example, difference)

        def report_unexpected_exception(self, out, test, example, exc_info):
            if isinstance(exc_info[1], TimeLimit):
                raise exc_info[1]
            last = doctest._exception_traceback(exc_info)
            self.record(example, f"Exception raised:\n{last}")

        def record(self, example, what):
            line = (test.lineno or 0) + example.lineno + 1
            failures.append((line, f"{example.source}{what}".rstrip()))

    Runner(verbose=False, optionflags=FLAGS).run(test, out=io.StringIO().write)
    return failures


def run_document(job, progress):
    """Run the examples of a document; ``steps`` of the failures are lines of the document."""
    failures, started = [], time.perf_counter()
    found = examples(job["text"], job["path"])
    for example in found:
        progress(example.line)
        with limit(job["limit"]):
            try:
                example.evaluate()
            except SybilFailure as failure:
                what = f"{example.parsed.source}{failure.result}"
                failures.append(_failure(example.line, what))
            except TimeLimit as error:
                failures.append(_failure(example.line, str(error)))
                break
    return {"failures": failures, "problems": [], "seconds": [time.perf_counter() - started]}


def run_module(job, progress):
    """Run the docstrings of a module; ``steps`` of the failures are lines of its file."""
    failures, count, started = [], 0, time.perf_counter()
    progress(1)
    module = importlib.import_module(job["module"])
    for test in docstrings(module):
        line = (test.lineno or 0) + 1
        progress(line)
        count += len(test.examples)
        with limit(job["limit"]):
            try:
                failures += [_failure(line, what) for line, what in check(test)]
            except TimeLimit as error:
                failures.append(_failure(line, str(error)))
                break
    return {
        "failures": failures,
        "problems": [],
        "count": count,
        "seconds": [time.perf_counter() - started],
    }


def _failure(line, what):
    first, _, rest = what.partition("\n")
    return {"step": line, "line": None, "message": f"doctest failed: {first}", "traceback": rest}


@contextlib.contextmanager
def limit(seconds):
    """Interrupt what runs inside ``with`` after so many seconds, where the system can."""

    def stop(signum, frame):
        raise TimeLimit(f"the example ran longer than {seconds:g} s")

    if not hasattr(signal, "SIGALRM"):
        yield
        return
    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
