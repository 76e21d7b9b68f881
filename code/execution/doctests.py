"""Find and run doctests: ``{doctest}`` blocks of MyST documents, and docstrings of modules.

Both are compared exactly. The examples of a document share one namespace, from top to bottom;
a docstring has the namespace of its module, as the standard library does it.
"""

import ast
import contextlib
import doctest
import importlib
import inspect
import io
import re
import signal
import time
from pathlib import Path

from sybil import Document
from sybil.example import SybilFailure
from sybil.parsers.myst import DocTestDirectiveParser

from execution.cells import TimeLimit, watch_warnings

# The standard library lets True pass for an expected 1; exact means exact.
FLAGS = doctest.DONT_ACCEPT_TRUE_FOR_1

REFUSED = {
    "SKIP": "the example would not be run",
    "FAIL_FAST": "the examples after a failure would not be run",
    "ELLIPSIS": "any output would pass for the dots; print the part that matters",
    "NORMALIZE_WHITESPACE": "output in another layout would pass; write it as it is printed",
    "IGNORE_EXCEPTION_DETAIL": "any message of the exception would pass; write it out",
    "REPORT_UDIFF": "failures are reported in one form only",
    "REPORT_CDIFF": "failures are reported in one form only",
    "REPORT_NDIFF": "failures are reported in one form only",
    "REPORT_ONLY_FIRST_FAILURE": "failures would not be reported",
    "-DONT_ACCEPT_TRUE_FOR_1": "True would pass for 1",
    "-DONT_ACCEPT_BLANKLINE": "it is so without the directive",
}
"""Why a directive in an example is an error. Left are those that ask for more than is usual."""

PROMPT = re.compile(r"\s*(?:>>(?!>)|>>>>|>>>\S)")  # of which the standard library makes prose


class Slips(ValueError):
    """Examples that would not be run, or that would pass whatever they give.

    Attributes
    ----------
    found : list of (int, str)
        The line of the file, counted from 1, and what is wrong there.
    """

    def __init__(self, path, found):
        self.found = sorted(found)
        super().__init__("\n".join(f"{path}:{line}: {what}" for line, what in self.found))


def slips(text, first, alone):
    """The slips in a text with examples; (line, what is wrong) for each.

    Parameters
    ----------
    text : str
    first : int
        Line of the file at which the text begins.
    alone : bool
        Whether the text is nothing but examples, and prose in it an error.
    """
    lines = text.splitlines()
    wrong = [(first + index, "a prompt is >>> and a blank") for index, line in enumerate(lines)
             if PROMPT.match(line)]
    if wrong:
        return wrong
    try:
        parts = doctest.DocTestParser().parse(text)
    except ValueError as error:  # says the line of the text itself
        where = re.search(r"line (\d+)", str(error))
        return [(first + int(where[1]) - 1 if where else first, f"not an example: {error}")]
    found, at = [], 0
    for part in parts:
        if isinstance(part, doctest.Example):
            at = part.lineno + part.source.count("\n") + part.want.count("\n")
            found += [(first + part.lineno, what) for what in refused(part)]
        elif alone and part.strip():
            at += len(part) - len(part.lstrip()) and part[: -len(part.lstrip())].count("\n")
            found.append((first + at, "neither an example nor its output (an empty line ends the "
                          "output; where one is printed, write <BLANKLINE>)"))
    return found


def refused(example):
    """Why the directives of an example are refused."""
    for flag, on in example.options.items():
        name = next(name for name, bit in doctest.OPTIONFLAGS_BY_NAME.items() if bit == flag)
        if (reason := REFUSED.get(name if on else f"-{name}")) or (on and name not in STRICTER):
            sign = "+" if on else "-"
            yield f"doctest directive {sign}{name}: {reason or 'nobody knows it'}"


STRICTER = ("DONT_ACCEPT_TRUE_FOR_1", "DONT_ACCEPT_BLANKLINE")


def module_slips(path):
    """The slips in the docstrings of a Python file."""
    found = []
    for text, first, _ in _docstrings_of_file(path):
        found += slips(text, first, alone=False)
    return found


def _docstrings_of_file(path):
    """Text, first line and name of every docstring in a Python file."""
    tree = ast.parse(Path(path).read_bytes())
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(tree):
        if isinstance(node, kinds) and (text := ast.get_docstring(node, clean=False)):
            yield text, node.body[0].lineno, getattr(node, "name", "the module")


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
            if found := slips(source, first + 1, alone=True):
                raise Slips(document.path, found)
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
    """The doctests in the docstrings of a module, in the order of their lines.

    Raises
    ------
    Slips
        If an example would not be run, as in a nested function, or would pass in any case.
    """
    path = module.__file__
    if wrong := module_slips(path):
        raise Slips(path, wrong)
    found = doctest.DocTestFinder(exclude_empty=True).find(module)
    tests = sorted((test for test in found if test.examples), key=lambda test: test.lineno or 0)
    known = {inspect.cleandoc(test.docstring) for test in tests}
    parser = doctest.DocTestParser()
    lost = [
        (first, f"the examples of {name} are not run: nothing of the module leads to them")
        for text, first, name in _docstrings_of_file(path)
        if parser.get_examples(text) and inspect.cleandoc(text) not in known
    ]
    if lost:
        raise Slips(path, lost)
    return tests


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
    failures, problems, started = [], [], time.perf_counter()
    found = examples(job["text"], job["path"])
    at = None
    watch_warnings(lambda line, said: problems.append(_warning(at, said)))
    for example in found:
        at = example.line
        progress(at)
        with limit(job["limit"]):
            try:
                example.evaluate()
            except SybilFailure as failure:
                what = f"{example.parsed.source}{failure.result}"
                failures.append(_failure(example.line, what))
            except TimeLimit as error:
                failures.append(_failure(example.line, str(error)))
                break
    seconds = [time.perf_counter() - started]
    return {"failures": failures, "problems": problems, "seconds": seconds}


def run_module(job, progress):
    """Run the docstrings of a module; ``steps`` of the failures are lines of its file."""
    failures, problems, count, started = [], [], 0, time.perf_counter()
    progress(1)
    line = 1
    watch_warnings(lambda _, said: problems.append(_warning(line, said)))
    module = importlib.import_module(job["module"])
    try:
        tests = docstrings(module)
    except Slips as wrong:
        tests, failures = [], [_failure(line, what) for line, what in wrong.found]
    for test in tests:
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
        "problems": problems,
        "count": count,
        "seconds": [time.perf_counter() - started],
    }


def _warning(line, said):
    message = f"the example warns: {said}"
    return {"step": line, "line": None, "message": message, "traceback": ""}


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
