"""Doctests of documents and modules: reported at their lines, again on each build."""

import pickle
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from docutils import nodes

PAGE = """\
# Page

Text.

```{doctest}
>>> from pkg.good import double
>>> double(2)
4
```

- In a list:

  ```{doctest}
  >>> x = double(3)
  >>> x
  6
  ```

```{doctest}
:name: last

>>> x + 1  # the namespace is the document's
7
```
"""

MODULE = '''\
"""Module.

>>> double(1)
2
"""


def double(x):
    """Twice `x`.

    Examples
    --------
    >>> double(4)
    8
    """
    return 2 * x


class Kind:
    """A kind.

    >>> Kind().name()
    'kind'
    """

    def name(self):
        """
        >>> Kind().name().upper()
        'KIND'
        """
        return "kind"
'''


@pytest.fixture
def tested(book):
    book.write("code/pkg/__init__.py", "")
    book.write("code/pkg/good.py", MODULE)
    book.write("code/pkg/none.py", "x = 1\n")
    book.write("book/chapters/page.md", PAGE)
    conf = book.folder / "conf.py"
    conf.write_text(conf.read_text() + 'execution_modules = ["pkg"]\n')
    return book


def edit(book, name, old, new):
    path = book.folder / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def test_all_pass_and_are_counted(tested):
    done = tested.build("dummy")
    assert (done.warnings, done.status) == ("", 0)
    assert done.ran == {"doctests page", "module pkg.good"}


def test_page_keeps_its_prompts(tested):
    tested.build()
    page = tested.page("chapters/page")
    assert page.count('<span class="gp">&gt;&gt;&gt; </span>') == 5
    assert '<div class="doctest highlight-pycon notranslate">' in page


def test_node_is_a_doctest_block(tested):
    tested.build("dummy")
    doctree = pickle.loads((tested.folder / "build/doctrees/chapters/page.doctree").read_bytes())
    found = [node.astext().count(">>>") for node in doctree.findall(nodes.doctest_block)]
    assert found == [2, 2, 1]


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("\n4\n", "\n5\n", 7, "doctest failed: double(2)"),
        ("  6\n", "  [6]\n", 15, "doctest failed: x"),
        ("\n7\n", "\n7.0\n", 22, "doctest failed: x + 1"),
        ("double(3)", "triple(3)", 14, "doctest failed: x = triple(3)"),
    ],
)
def test_failure_in_a_document_is_repeated_until_mended(tested, old, new, line, message):
    edit(tested, "book/chapters/page.md", old, new)
    first = tested.build("dummy")
    assert f"book/chapters/page.md:{line}: WARNING: {message}" in first.warnings
    assert first.status == 1
    second = tested.build("dummy")
    assert (second.warnings, second.status) == (first.warnings, 1)
    edit(tested, "book/chapters/page.md", new, old)
    third = tested.build("dummy")
    assert (third.warnings, third.status) == ("", 0)


def test_failure_shows_what_was_expected(tested):
    edit(tested, "book/chapters/page.md", "\n4\n", "\n5\n")
    assert tested.build("dummy").warnings == textwrap.dedent("""\
        book/chapters/page.md:7: WARNING: doctest failed: double(2)
        Expected:
            5
        Got:
            4 [execution.doctests]
        """)


def test_lines_follow_the_prose(tested):
    tested.build("dummy")
    edit(tested, "book/chapters/page.md", "Text.", "Text.\n\nMore text.")
    assert tested.build("dummy").ran == set()
    edit(tested, "book/chapters/page.md", "\n4\n", "\n5\n")
    assert "page.md:9: WARNING: doctest failed" in tested.build("dummy").warnings


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("\n2\n", "\n3\n", 3),
        ("    8\n", "    9\n", 13),
        ("'kind'\n", "'sort'\n", 22),
        ("'KIND'\n", "'SORT'\n", 28),
    ],
)
def test_failure_in_a_module_is_repeated_until_mended(tested, old, new, line):
    tested.build("dummy")
    edit(tested, "code/pkg/good.py", old, new)
    for _ in range(2):
        done = tested.build("dummy")
        assert f"code/pkg/good.py:{line}: WARNING: doctest failed: " in done.warnings
        assert done.status == 1
    edit(tested, "code/pkg/good.py", new, old)
    assert tested.build("dummy").status == 0


def test_change_that_breaks_a_doctest_elsewhere(tested):
    tested.build("dummy")
    edit(tested, "code/pkg/good.py", "return 2 * x", "return 3 * x")
    done = tested.build("dummy")
    assert done.ran == {"doctests page", "module pkg.good"}
    for place in ("page.md:7", "page.md:15", "page.md:22", "good.py:3", "good.py:13"):
        assert f"{place}: WARNING: doctest failed" in done.warnings


def test_module_that_cannot_be_imported(tested):
    tested.write("code/pkg/bad.py", '"""\n>>> 1\n1\n"""\nimport nonesuch\n')
    done = tested.build("dummy")
    assert done.warnings.startswith(
        "code/pkg/bad.py:1: WARNING: ModuleNotFoundError: No module named 'nonesuch'"
    )


@pytest.mark.parametrize("example", ["while True: pass", "import os; os._exit(0)"])
def test_example_that_does_not_end_well(tested, example):
    edit(tested, "book/chapters/page.md", "x + 1", example)
    done = tested.build("dummy", execution_limit=1)
    assert "book/chapters/page.md:22: WARNING: " in done.warnings
    assert done.status == 1


def test_example_has_no_network_and_writes_nowhere(tested):
    edit(tested, "book/chapters/page.md", "x + 1", "open('here.txt', 'w')")
    assert "PermissionError: a cell writes in tempfile's folder only" in tested.build().warnings
    assert not (tested.folder / "book/chapters/here.txt").exists()


def test_example_that_is_shown_but_not_run(tested):
    edit(tested, "book/chapters/page.md", "- In a list:", ":::{doctest}\n>>> 1\n2\n:::\n")
    done = tested.build("dummy", myst_enable_extensions=["colon_fence"])
    assert "WARNING: this example is shown but not run (is its fence of backticks?): 1" in (
        done.warnings
    )
    assert done.status == 1


def test_block_without_an_example(tested):
    edit(tested, "book/chapters/page.md", "- In a list:", "```{doctest}\n\n```\n")
    assert "the doctest block has no example" in tested.build("dummy").warnings


def test_unknown_module(tested):
    with pytest.raises(Exception, match=r"execution_modules: no module nonesuch in .*code"):
        tested.build("dummy", execution_modules=["nonesuch"])


CONFTEST = """
from execution.pytest_sybil import collector
pytest_collect_file = collector("book", modules=["code/pkg"])
"""


def test_pytest_collects_the_same(tested):
    tested.write("conftest.py", CONFTEST)
    tested.write("code/pkg/page.py", '"""\n>>> 1\n1\n"""\n')

    def pytest_run(*options):
        code = str(tested.folder / "code")
        root = str(Path(__file__).parents[2] / "code")
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-rA",
             "-o", f"pythonpath={code} {root}", "--import-mode=importlib",
             "book", "code", *options],
            cwd=tested.folder, capture_output=True, text=True,
        )
        return done.returncode, sorted(re.findall(r"^(?:PASSED|FAILED) (\S+)", done.stdout, re.M))

    status, names = pytest_run()
    assert status == 0, names
    assert names == [
        "book/chapters/page.md::line:14,column:3",
        "book/chapters/page.md::line:15,column:3",
        "book/chapters/page.md::line:22,column:1",
        "book/chapters/page.md::line:6,column:1",
        "book/chapters/page.md::line:7,column:1",
        "code/pkg/good.py::pkg.good",
        "code/pkg/good.py::pkg.good.Kind",
        "code/pkg/good.py::pkg.good.Kind.name",
        "code/pkg/good.py::pkg.good.double",
        "code/pkg/page.py::pkg.page",
    ]
    assert len(pytest_run("-k", "page")[1]) == 6
    edit(tested, "book/chapters/page.md", "\n4\n", "\n5\n")
    edit(tested, "code/pkg/good.py", "'kind'\n", "'sort'\n")
    status, _ = pytest_run("-k", "7 or Kind")
    assert status == 1


def test_true_is_not_one():
    from execution import doctests
    from sybil.example import SybilFailure

    [example] = doctests.examples("```{doctest}\n>>> 1 == 1\n1\n```\n", "page.md")
    with pytest.raises(SybilFailure):
        example.evaluate()
