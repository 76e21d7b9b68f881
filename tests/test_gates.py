"""Every gate shown red: one build of a tiny book with one fault of each kind.

The tiny book in ``tests/gates`` has the settings of the book itself. It builds without a word as it
is; with the faults below, each gate says what is wrong, where, and the build fails.
"""

import ast
import doctest
import importlib
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import types
from dataclasses import dataclass
from pathlib import Path

import pytest
from execution import doctests
from sybil.example import SybilFailure

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "book").glob("*.md"))
CHAPTERS = [path for path in PAGES if "{doctest}" in path.read_text()]
ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class Fault:
    """An edit of the tiny book, and the warning that must name it."""

    name: str
    file: str
    old: str
    new: str
    says: str


A, HALVES = "book/papers/a.md", "book/halves.md"

FAULTS = [
    Fault("a wrong doctest in a chapter", HALVES, "2.5\n```", "3.5\n```",
          r"book/halves.md:45: WARNING: doctest failed: half\(5\)"),
    Fault("a wrong doctest in a module", "code/lesson/halves.py", "1.5", "2.5",
          r"code/lesson/halves.py:7: WARNING: doctest failed: half\(3\)"),
    Fault("a derivation with a lost factor", HALVES, r"\frac{2a}{2}  --", r"\frac{a}{2}  --",
          r"book/halves.md:66: ERROR: der-halves-slope step 1.1: the two sides differ"),
    Fault("a definition that is not what the code computes", HALVES, r"\frac{u^2}{2}",
          r"\frac{u^2}{3}", r"book/halves.md:64: ERROR: der-halves-slope code: "),
    Fault("a marking scheme that does not add up", HALVES, "- 3: differentiates",
          "- 2: differentiates", r"book/halves.md:81: WARNING: answer A1c: the marks add up to 2"),
    Fault("a missing marking scheme", HALVES, ":::{marks}\n- 2: computes 2.5\n:::\n", "",
          r"book/halves.md:36: WARNING: answer A1b has no {marks}"),
    Fault("a pitfall that is right", HALVES, ":wrong: 3", ":wrong: 2.5",
          r"book/halves.md:28: WARNING: pitfall 'Subtracting two': the wrong value 2.5 equals"),
    Fault("wrong points", A, ":points: 2\n", ":points: 5\n",
          r"book/papers/a.md:22: WARNING: question A1b: points '5', the register has '2'"),
    Fault("a broken cross-reference", "book/index.md", "{part}`A1a`", "{part}`A9z`",
          r"book/index.md:3: WARNING: A9z"),
    Fault("an unknown citation", HALVES, "{cite}`goodfellow2016`", "{cite}`nobody1900`",
          r'book/halves.md:10: WARNING: could not find bibtex key "nobody1900"'),
    Fault("a formula that cannot be set", A, r"$a^2/2$", r"$a^2/\tow$",
          r"book/papers/a.md:36: WARNING: this formula cannot be set: .*\\tow"),
    Fault("a figure without alternative text", HALVES, "    alt: a parabola\n", "    width: 30%\n",
          r"book/halves.md:72: WARNING: this figure has no alternative text"),
    Fault("an undefined symbol", A, "Halve 5.", "Halve 5 {symbol}`zeta`.",
          r"book/papers/a.md:27: WARNING: .*zeta"),
]
# These take the marker away that others need, so they have a build of their own.
IDENTITIES = [
    Fault("a cell that fails", HALVES, "from lesson.halves import half\nSVG",
          "half = 1 / 0\nSVG",
          r"book/halves.md:80: WARNING: line 2 of the cell at line 79: ZeroDivisionError"),
    Fault("an unknown part", A, "{question} A1a", "{question} A1z",
          r"book/papers/a.md:13: WARNING: question A1z: the register has no such part"),
    Fault("a part that no paper states", A, "", "",
          r"book/papers/register.csv:2: WARNING: part A1a: no paper states it"),
    Fault("an answer given twice", HALVES, "{answer} A1c", "{answer} A1b",
          r"book/halves.md:55: WARNING: answer A1b stands in halves.md:36 already"),
    Fault("a part that no chapter answers", A, "", "",
          r"book/papers/a.md:31: WARNING: part A1c: no chapter answers it"),
]


def tiny_book(folder, faults=()):
    shutil.copytree(ROOT / "tests/gates", folder, dirs_exist_ok=True,
                    ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "book/_static", folder / "book/_static", dirs_exist_ok=True)
    (folder / "root").write_text(str(ROOT))
    for fault in faults:
        path = folder / fault.file
        text = path.read_text()
        assert fault.old in text, f"{fault.name}: {fault.file} has no {fault.old!r}"
        path.write_text(text.replace(fault.old, fault.new, 1))
    return folder


def build(folder, *extra):
    """Build with the options of the Makefile; exit code and warnings with relative paths."""
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-c", ".", "-d", "doctrees", "-n", "-W",
         "--keep-going", "-b", "html", *extra, "book", "html"],
        cwd=folder, capture_output=True, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"})
    return done.returncode, ANSI.sub("", done.stderr).replace(f"{folder}/", "")


@pytest.fixture(scope="module")
def red(tmp_path_factory):
    """Exit code and warnings of the tiny book with all faults, by kind of build."""
    found = {}
    for name, faults in (("faults", FAULTS), ("identities", IDENTITIES)):
        found[name] = build(tiny_book(tmp_path_factory.mktemp(name), faults))
    return found


def test_the_tiny_book_is_green_without_faults(tmp_path):
    assert build(tiny_book(tmp_path)) == (0, "")


@pytest.mark.parametrize("name, fault", [("faults", fault) for fault in FAULTS]
                         + [("identities", fault) for fault in IDENTITIES],
                         ids=lambda value: value.name if isinstance(value, Fault) else "")
def test_a_fault_stops_the_build_at_its_line(red, name, fault):
    code, warnings = red[name]
    assert code == 1
    assert re.search(fault.says, warnings), f"{fault.says}\nis not in\n{warnings}"


def test_a_failed_build_fails_again_when_nothing_changes(tmp_path):
    folder = tiny_book(tmp_path, [FAULTS[0]])
    first, second = build(folder), build(folder)
    assert first[0] == second[0] == 1
    assert "book/halves.md:45" in first[1] and "book/halves.md:45" in second[1]


DERIVATION = """\
:::{{derivation}} Step
:label: der-gate
let: W \\in \\mathbb{{R}}^{{m\\times n}}; x \\in \\mathbb{{R}}^n; y \\in \\mathbb{{R}}^m
claim: {claim}
= {right}
:::
"""
CLAIM = r"\nabla_x \|W x - y\|^2"
WRONG = {
    "a flipped sign": (CLAIM, r"2 W^\top (W x + y)", "value"),
    "a dropped factor": (CLAIM, r"W^\top (W x - y)", "value"),
    "a transposed matrix": (CLAIM, r"2 W (W x - y)", "type"),
    "a shifted index": (r"\sum_{i=1}^{m} y_i", r"\sum_{i=1}^{m-1} y_i + y_1", "value"),
    "an undeclared symbol": (CLAIM, r"2 W^\top (W x - z)", "parse"),
}


@pytest.mark.parametrize("claim, right, kind", WRONG.values(), ids=WRONG)
def test_a_wrong_derivation_is_red_without_sphinx_too(tmp_path, claim, right, kind):
    path = tmp_path / "page.md"
    path.write_text(DERIVATION.format(claim=claim, right=right))
    done = subprocess.run([sys.executable, "-m", "texcheck", str(path)], capture_output=True,
                          text=True, env={**os.environ, "PYTHONPATH": str(ROOT / "code")})
    assert done.returncode == 1
    assert re.search(rf"page.md:5: ERROR: der-gate step 1.1: .*\[texcheck\.{kind}\]",
                     done.stdout, re.S), done.stdout


@pytest.mark.parametrize("file, line, broken", [
    ("fullmarks/mlp.py", "import torch", "torch only in experiments and texcheck"),
    ("fullmarks/experiments/mlp.py", "import matplotlib", "matplotlib only in plots"),
    ("fullmarks/mlp.py", "from fullmarks.plots import mlp", "plots use experiments use modules"),
    ("texcheck/lexer.py", "import papers", "the packages know nothing of one another"),
    ("texcheck/errors.py", "from texcheck.block import read_block", "no module imports itself"),
    ("texcheck/items.py", "if TYPE_CHECKING:\n    from .lint import lint",
     "no module imports itself"),
    ("texcheck/notation/domains.py", "from .expectations import reach",
     "no module imports itself"),
    *((f"{package}/tiny_a.py", f"from {package} import tiny_b", "no module imports itself")
      for package in ("fullmarks", "papers", "typeset", "execution", "press")),
])
def test_a_forbidden_import_is_red(tmp_path, file, line, broken):
    shutil.copytree(ROOT / "code", tmp_path / "code",
                    ignore=shutil.ignore_patterns("__pycache__", "static"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    path = tmp_path / "code" / file
    if path.stem == "tiny_a":
        path.write_text("")
        path.with_stem("tiny_b").write_text("from . import tiny_a\n")
    path.write_text(f"{path.read_text()}\n\n{line}\n")
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"], cwd=tmp_path,
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(tmp_path / "code")})
    assert done.returncode == 1
    assert re.search(rf"{re.escape(broken)}.* BROKEN", done.stdout), done.stdout


# The book itself: one id of a paper, one digit of a doctest, one sign of a module.

def test_one_wrong_id_in_a_paper_is_red_at_its_line(tmp_path):
    shutil.copytree(ROOT / "book", tmp_path / "book")
    expected = []
    for letter, id in (("a", "A1a"), ("d", "D1.2"), ("e", "E1c")):
        path = tmp_path / f"book/papers/{letter}.md"
        text = path.read_text()
        line = text[:text.index(f"{{question}} {id}\n")].count("\n") + 1
        path.write_text(text.replace(f"{{question}} {id}\n", f"{{question}} {id}9\n"))
        expected.append(f"papers/{letter}.md:{line}: WARNING: question {id}9: the register has no")
    (tmp_path / "conf.py").write_text(
        (ROOT / "conf.py").read_text().replace("__file__", repr(str(ROOT / "conf.py")))
        + "\nextensions = ['myst_nb', 'typeset', 'papers']\nnb_execution_mode = 'off'\n")
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-b", "dummy", "-W", "--keep-going",
         "-c", ".", "book", "out"], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "code")})
    assert done.returncode == 1
    for warning in expected:
        assert warning in done.stderr, f"{warning}\nis not in\n{done.stderr}"


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_changed_digit_in_a_doctest_is_noticed(path):
    # Each expectation is what the code prints today, or the suite would be red already.
    checker, changed = doctest.OutputChecker(), 0
    for example in doctests.examples(path.read_text(), path):
        want = example.parsed.want
        for place in [match.start() for match in re.finditer(r"\d", want)]:
            other = "1" if want[place] == "0" else "0"
            wrong = want[:place] + other + want[place + 1:]
            assert not checker.check_output(wrong, want, doctests.FLAGS), (want, wrong)
            changed += 1
    assert changed


class Signs(ast.NodeTransformer):
    """Turns the sign number `wanted` of a module around; counts all but those of error messages."""

    FLIPPED = {ast.Add: ast.Sub, ast.Sub: ast.Add}  # noqa: RUF012

    def __init__(self, wanted):
        self.wanted, self.count, self.line = wanted, 0, None

    def visit_Raise(self, node):
        return node

    def flip(self, node):
        self.generic_visit(node)
        kind = type(node.op)
        if kind in self.FLIPPED or kind is ast.USub:
            if self.count == self.wanted:
                self.line = node.lineno
                node = node.operand if kind is ast.USub else ast.BinOp(
                    node.left, self.FLIPPED[kind](), node.right)
            self.count += 1
        return node

    visit_BinOp = visit_UnaryOp = flip


def noticed(word, tree):
    """Whether an example of a module or of its chapter fails when the module is `tree`."""
    module = types.ModuleType(f"fullmarks.{word}")
    module.__file__ = str(ROOT / f"code/fullmarks/{word}.py")
    sys.modules[module.__name__] = module
    importlib.import_module("fullmarks").__dict__[word] = module
    sys.modules.pop(f"fullmarks.experiments.{word}", None)
    exec(compile(ast.fix_missing_locations(tree), module.__file__, "exec"), module.__dict__)
    if any(doctests.check(test) for test in doctests.docstrings(module)):
        return True
    chapter = ROOT / f"book/{word}.md"
    for example in doctests.examples(chapter.read_text(), chapter):
        try:
            example.evaluate()
        except SybilFailure:
            return True
    return False


def survives(word, number):
    """Whether a flipped sign goes unnoticed; runs in a process of its own."""
    tree = ast.parse((ROOT / f"code/fullmarks/{word}.py").read_text())
    flipper = Signs(number)
    tree = flipper.visit(tree)
    sys.exit(7 if noticed(word, tree) else 0)


def test_one_flipped_sign_in_the_module_mlp_is_noticed():
    counter = Signs(-1)
    counter.visit(ast.parse((ROOT / "code/fullmarks/mlp.py").read_text()))
    assert counter.count >= 25
    context = multiprocessing.get_context("fork")
    unnoticed = []
    for number in range(counter.count):
        child = context.Process(target=survives, args=("mlp", number))
        child.start()
        child.join()
        if child.exitcode == 0:
            flipper = Signs(number)
            flipper.visit(ast.parse((ROOT / "code/fullmarks/mlp.py").read_text()))
            unnoticed.append(flipper.line)
    assert unnoticed == []
