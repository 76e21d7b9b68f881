"""One word finds everything, and the shape of the project stays what it is."""

import ast
import csv
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BOOK, FULLMARKS = ROOT / "book", ROOT / "code" / "fullmarks"
REGISTER = (BOOK / "papers/questions.csv").read_text().splitlines()
WORDS = sorted({row["chapter"] for row in csv.DictReader(REGISTER)})
CHAPTERS = [word for word in WORDS if (BOOK / f"{word}.md").exists()]
SHARED = {"papers"}  # restorations of lost figures belong to the papers and to no chapter
BANNED = r"\b(clearly|obviously|trivially|it is easy to see)\b"
IN_CHAPTERS_NEVER = {
    "a function definition": r"^\s*(async )?def ",
    "plotting set-up": r"\bpyplot\b|\brcParams\b",
    "a warning filter": r"\bfilterwarnings\b",
    "unseeded randomness": r"default_rng\(\)|\bnp\.random\.(?!default_rng|Generator)",
}


def cells(text):
    """Source of each code cell, without its options."""
    fences = re.findall(r"^```\{code-cell\}[^\n]*\n(.*?)^```", text, re.M | re.S)
    return [re.sub(r"\A---\n.*?\n---\n", "", fence, flags=re.S) for fence in fences]


def test_there_is_a_chapter_to_check():
    assert "mlp" in CHAPTERS


@pytest.mark.parametrize("word", CHAPTERS)
def test_one_word_finds_chapter_module_experiment_plot_and_test(word):
    for path in (FULLMARKS / f"{word}.py", FULLMARKS / "experiments" / f"{word}.py",
                 FULLMARKS / "plots" / f"{word}.py", ROOT / "tests" / f"test_{word}.py"):
        assert path.is_file(), f"chapter {word} has no {path.relative_to(ROOT)}"


@pytest.mark.parametrize("folder", [FULLMARKS, FULLMARKS / "experiments", FULLMARKS / "plots"])
def test_no_module_without_a_chapter(folder):
    modules = {path.stem for path in folder.glob("[a-z]*.py")}
    assert modules - SHARED <= set(CHAPTERS)


@pytest.mark.parametrize("word", CHAPTERS)
def test_import_rules_cover_the_chapter(word):
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    module = f"fullmarks.{word}"
    for contract in settings["tool"]["importlinter"]["contracts"]:
        if contract["type"] in ("layers", "forbidden") and "fullmarks" in str(contract):
            listed = " ".join(contract.get("layers", []) + contract.get("source_modules", []))
            assert re.search(rf"\b{re.escape(module)}\b", listed), contract["name"]


@pytest.mark.parametrize("word", CHAPTERS)
def test_importing_a_module_needs_numpy_alone(word):
    code = ("import sys, numpy; before = set(sys.modules); "
            f"import fullmarks.{word}; print(*set(sys.modules) - before)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env={**os.environ, "PYTHONPATH": str(ROOT / "code")})
    packages = {name.partition(".")[0] for name in done.stdout.split()}
    assert packages - sys.stdlib_module_names == {"fullmarks"}


def test_the_theme_is_sphinx_book_theme_or_its_child():
    conf = (ROOT / "conf.py").read_text()
    name = re.search(r'^html_theme = "(.*)"$', conf, re.M)[1]
    if name != "sphinx_book_theme":
        theme = tomllib.loads((ROOT / "code/typeset/theme/theme.toml").read_text())["theme"]
        assert theme["inherit"] == "sphinx_book_theme"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert any(one.startswith("sphinx-book-theme") for one in
               project["optional-dependencies"]["book"])


def test_code_is_a_folder_and_not_a_package():
    # `code` is also a standard-library module, which pdb imports.
    folder = ROOT / "code"
    assert not list(folder.glob("*.py"))
    assert not list(folder.rglob("conftest.py")) and not list(folder.rglob("test_*.py"))


# Longer than a screen, and why.
LONG = {
    "smooth_function": "one formula, whose coefficients are drawn where they are used",
    "panels": "one loop that refines; its parts would hand each other all of its state",
}


def test_a_function_of_the_checker_fits_a_screen():
    found = {}
    for path in (ROOT / "code" / "texcheck").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                body = node.body[bool(ast.get_docstring(node)):]
                length = body[-1].end_lineno - body[0].lineno + 1 if body else 0
                if length > 40:
                    found[node.name] = f"{path.name}: {node.name} has {length} lines"
    assert [said for name, said in found.items() if name not in LONG] == []
    assert set(LONG) <= set(found), "no longer long"


@pytest.mark.parametrize("word", CHAPTERS)
def test_labels_begin_with_the_word(word):
    text = (BOOK / f"{word}.md").read_text()
    labels = re.findall(r"^:label: *(\S+)|^ *name: *(\S+)|^\((\S+)\)=$", text, re.M)
    labels = [next(filter(None, groups)) for groups in labels if any(groups)]
    labels.remove("python3")  # the kernel's name
    strays = [label for label in labels
              if not re.match(rf"((der|fig|tab|eq)-)?{word}(-|$)", label)]
    assert strays == []


@pytest.mark.parametrize("word", CHAPTERS)
def test_a_cell_is_short_and_holds_no_machinery(word):
    for source in cells((BOOK / f"{word}.md").read_text()):
        assert len(source.strip().splitlines()) <= 12, source
        for what, pattern in IN_CHAPTERS_NEVER.items():
            assert not re.search(pattern, source, re.M), f"{what} in a cell of {word}:\n{source}"


@pytest.mark.parametrize("word", CHAPTERS)
def test_a_displayed_equality_stands_in_a_derivation(word):
    text = (BOOK / f"{word}.md").read_text()
    displays = re.findall(r"^ *\$\$(.*?)\$\$", text, re.M | re.S)
    displays += re.findall(r"^```\{math\}(.*?)^```", text, re.M | re.S)
    assert [one.strip() for one in displays if "=" in one] == []


@pytest.mark.parametrize("path", sorted(BOOK.rglob("*.md")), ids=lambda path: path.stem)
def test_no_word_that_explains_nothing(path):
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.M | re.S)
    hits = [f"{path.name}: {m[0]}" for m in re.finditer(BANNED, text, re.I)]
    assert hits == []


@pytest.mark.parametrize("source, wrong", [
    ("def f():\n    pass\n", "a function definition"),
    ("from matplotlib import pyplot as plt\n", "plotting set-up"),
    ("rng = np.random.default_rng()\n", "unseeded randomness"),
    ("np.random.normal(3)\n", "unseeded randomness"),
    ("warnings.filterwarnings('ignore')\n", "a warning filter"),
])
def test_what_a_cell_must_not_hold_is_recognised(source, wrong):
    text = f"```{{code-cell}} ipython3\n---\ntags: [a]\n---\n{source}```\n"
    assert cells(text) == [source]
    assert re.search(IN_CHAPTERS_NEVER[wrong], source, re.M)
