"""The checker as a distribution: built, installed beside nothing of this book, and used."""

import ast
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "code" / "texcheck"
PROJECT = tomllib.loads((SOURCE / "pyproject.toml").read_text(encoding="utf-8"))
OF_EXTRA = {"sphinx": ("sphinx", "docutils")}
PAGE = r"""# A page

:::{derivation} Squares
:label: der-squares

let: a, b \in \mathbb{R}
claim: (a + b)^2
= a^2 + 2 a b + b^2  -- multiply out
= a^2 + b^2
:::
"""
RIGHT = PAGE.replace("= a^2 + b^2\n", "")
CONF = """
extensions = ["myst_parser", "texcheck.directive"]
myst_enable_extensions = ["colon_fence", "dollarmath"]
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(SOURCE, folder / "source", ignore=shutil.ignore_patterns("__pycache__"))
    run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
         "--no-index", "--disable-pip-version-check", "--wheel-dir", folder, folder / "source"])
    found, = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """The Python of an environment with the wheel and the packages of others, but no book."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    libraries, = folder.glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(libraries)
    (libraries / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin" / "python"


def run(command, cwd=None, expect=0):
    done = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True,
                          env={"PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1",
                               "HOME": str(cwd or Path.cwd())})
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_wheel_holds_the_package_and_says_what_it_is(wheel):
    archive = zipfile.ZipFile(wheel)
    names = set(archive.namelist())
    for path in SOURCE.rglob("*.py"):
        assert f"texcheck/{path.relative_to(SOURCE).as_posix()}" in names
    assert {"texcheck/SYNTAX.md", "texcheck/static/texcheck.css", "texcheck/py.typed"} <= names
    assert {n.partition("/")[0] for n in names} == {"texcheck", "texcheck-0.1.0.dist-info"}
    metadata = archive.read("texcheck-0.1.0.dist-info/METADATA").decode()
    assert "Provides-Extra: sphinx" in metadata and "# texcheck" in metadata
    assert "License-Expression: MIT" in metadata
    assert (SOURCE / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()


def test_the_dependencies_are_those_that_are_imported():
    imported = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                imported.add(node.module.partition(".")[0])
    declared = {re.match(r"[\w-]+", d)[0] for d in PROJECT["project"]["dependencies"]}
    needed = imported - sys.stdlib_module_names - {"__future__", "texcheck"}
    assert needed - set(OF_EXTRA["sphinx"]) == declared
    book = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert declared <= {re.match(r"[\w-]+", d)[0] for d in book["dependencies"]}


def test_the_readme_names_every_module_and_its_first_page_holds(python, tmp_path):
    text = (SOURCE / "README.md").read_text(encoding="utf-8")
    modules = {path.stem for path in SOURCE.glob("[a-z]*.py")}
    listed = set(re.findall(r"`(\w+)`", text.partition("## The modules")[2]))
    assert modules - listed == set(), "modules that README.md does not name"
    assert listed <= modules, "what README.md names is no module"
    (tmp_path / "page.md").write_text(re.search(r"````md\n(.*?)````", text, re.S)[1])
    said = run([python, "-m", "texcheck", "page.md"], tmp_path)
    assert " ".join(said.split()) in " ".join(text.split())


def test_nothing_of_the_book_is_seen(python, tmp_path):
    for name in ("fullmarks", "papers", "typeset", "execution", "press"):
        assert "ModuleNotFoundError" in run([python, "-c", f"import {name}"], tmp_path, expect=1)
    code = "import texcheck, pathlib; print(pathlib.Path(texcheck.__file__).parents[1].name)"
    assert run([python, "-c", code], tmp_path).strip() == "site-packages"


def test_a_file_is_checked(python, tmp_path):
    (tmp_path / "page.md").write_text(PAGE)
    said = run([python, "-m", "texcheck", "page.md"], tmp_path, expect=1)
    assert re.search(r"page\.md:9: ERROR: der-squares step 1\.2: .*\[texcheck\.value\]", said, re.S)
    assert "1 derivations, 2 steps: 1 hold, 1 errors" in said
    (tmp_path / "page.md").write_text(RIGHT)
    assert "1 steps: 1 hold, 0 errors" in run([python, "-m", "texcheck", "page.md"], tmp_path)
    assert "### Functions" in run([python, "-m", "texcheck", "--manual"], tmp_path)


def test_code_lines_name_torch_and_what_lies_in_a_folder(python, tmp_path):
    package = tmp_path / "src" / "mine"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("def double(x):\n    return 2 * x\n")
    page = RIGHT.replace(r"let: a, b \in \mathbb{R}", "let: a, b \\in \\mathbb{R}\n"
                         "code: 2 a == mine.double(a)\ncode: 2 b == torch.add(b, b)")
    (tmp_path / "page.md").write_text(page)
    run([python, "-m", "texcheck", "--path", "src", "page.md"], tmp_path)
    assert "[texcheck.code]" in run([python, "-m", "texcheck", "page.md"], tmp_path, expect=1)
    others = page.replace("mine.double(a)", "numpy.add(a, a)")
    (tmp_path / "page.md").write_text(others)
    assert "[texcheck.code]" in run([python, "-m", "texcheck", "page.md"], tmp_path, expect=1)


def test_a_sphinx_project_refuses_a_wrong_line(python, tmp_path):
    (tmp_path / "conf.py").write_text(CONF)
    build = [python, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", ".", "out"]
    (tmp_path / "index.md").write_text(RIGHT)
    run(build, tmp_path)
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert 'class="derivation"' in page and "multiply out" in page
    assert (tmp_path / "out" / "_static" / "texcheck.css").is_file()
    (tmp_path / "index.md").write_text(PAGE)
    said = run(build, tmp_path, expect=1)
    assert re.search(r"index\.md:9: ERROR: .*\[texcheck\.value\]", said, re.S)
