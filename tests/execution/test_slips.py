"""What an author mistypes, or writes so that it proves nothing, is an error at its line."""

import dataclasses
import doctest
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
from execution import doctests, slips
from myst_nb.core.config import NbParserConfig
from myst_nb.core.read import MystMetadataParsingError, read_myst_markdown_notebook
from nbformat import ValidationError

FRONT = "---\nfile_format: mystnb\nkernelspec:\n  name: python3\n---\n\n# Title\n\n"
CELL = "```{code-cell} ipython3\n:tags: [hide-input]\n1\n```\n"
BLOCK = """\
```{code-cell} ipython3
---
tags: [hide-input]
mystnb:
  image:
    alt: A picture
  figure:
    caption: |
      atl: in a caption
---
1
```
"""

SLIPS = {  # (what is right, what is written, line, what is said)
    "tag": (
        "hide-input",
        "hide-imput",
        10,
        "unknown tag of a cell: hide-imput (did you mean hide-input?)",
    ),
    "tag for running": ("hide-input", "skip-executon", 10, "mean skip-execution?"),
    "tag of a warning": ("hide-input", "raises-warnings", 10, "mean raises-warning?"),
    "second tag": ("hide-input", "hide-input, Hide-Output", 10, "tag of a cell: Hide-Output"),
    "tag like nothing known": ("hide-input", "xyz", 10, "(known are: raises-exception, "),
    "option": (":tags:", ":tag:", 10, "unknown option of a cell: tag (did you mean tags?)"),
    "option twice": (
        ":tags: [hide-input]",
        ":tags: [hide-input]\n:tags: []",
        11,
        "option tags stands in line 10 already",
    ),
    "language": (
        "ipython3",
        "pyhton",
        9,
        "unknown language of a cell: pyhton (did you mean python?)",
    ),
    "front matter": (
        "kernelspec",
        "kernelspecs",
        3,
        "unknown key of the front matter: kernelspecs (did you mean kernelspec?)",
    ),
    "setting of the file": (
        "kernelspec",
        "mystnb:\n  execution_tiemout: 3\nkernelspec",
        4,
        "setting of mystnb: execution_tiemout (did you mean execution_timeout?)",
    ),
    "setting of a cell in the file": (
        "kernelspec",
        "mystnb:\n  image: {}\nkernelspec",
        4,
        "unknown setting of mystnb: image",
    ),
    "block of text": (
        "# Title",
        '+++ {"tag": []}\n\n# Title',
        7,
        "unknown key of a block of text: tag",
    ),
}
IN_BLOCK = {
    "option": ("tags:", "tag:", 11, "unknown option of a cell: tag"),
    "tag": ("hide-input", "hide_imput", 11, "unknown tag of a cell: hide_imput"),
    "setting": (
        "  image:",
        "  images:",
        13,
        "unknown setting of mystnb: images (did you mean image?)",
    ),
    "key of mystnb": ("mystnb:", "mystbn:", 12, "option of a cell: mystbn (did you mean mystnb?)"),
    "setting of an image": (
        "    alt:",
        "    atl:",
        14,
        "unknown setting of image: atl (did you mean alt?)",
    ),
    "setting of a figure": ("caption:", "captoin:", 16, "unknown setting of figure: captoin"),
    "setting of the file in a cell": (
        "  image:",
        "  execution_timeout: 1\n  image:",
        13,
        "unknown setting of mystnb: execution_timeout",
    ),
}
CASES = [(CELL, *row) for row in SLIPS.values()] + [(BLOCK, *row) for row in IN_BLOCK.values()]


def found(text, also=()):
    config = NbParserConfig()
    notebook = read_myst_markdown_notebook(text, add_source_map=True)
    return list(slips.slips(text, notebook, config, also))


@pytest.mark.parametrize(("cell", "right", "wrong", "line", "says"), CASES)
def test_slip_in_a_notebook(cell, right, wrong, line, says):
    text = FRONT + cell
    assert right in text
    assert found(text) == []
    [(at, said)] = found(text.replace(right, wrong, 1))
    assert (at, says in said) == (line, True), said


def test_what_others_know_is_no_slip():
    text = FRONT + CELL.replace("[hide-input]", "[margin]\n:sidebar: true")
    assert len(found(text)) == 2
    assert found(text, ["margin", "sidebar"]) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("[hide-input]", "hide-input", 10, "tags are a list: write [hide-input]"),
        (
            ":tags: [hide-input]",
            "---\n- {\n---",
            9,
            "myst-nb cannot read this: Code cell 1 at line 9",
        ),
    ],
)
def test_notebook_that_cannot_be_read(old, new, line, says):
    text = (FRONT + CELL).replace(old, new)
    with pytest.raises((MystMetadataParsingError, ValidationError)) as caught:
        found(text)
    at, said = slips.unreadable(text, caught.value)
    assert (at, says in said) == (line, True), said


@pytest.mark.parametrize("tag", [*slips.RUNNING, *slips.SHOWING])
def test_each_known_tag_is_of_use(tag):
    """A tag that neither myst-nb nor this package reads is no known tag."""
    import myst_nb.core.nb_to_tokens
    import myst_nb.core.render
    from execution import cells

    readers = (myst_nb.core.render, myst_nb.core.nb_to_tokens, cells)
    sources = "".join(Path(module.__file__).read_text(encoding="utf-8") for module in readers)
    assert f'"{tag}"' in sources


def test_known_settings_are_those_of_the_pinned_myst_nb():
    own = {field.name for field in dataclasses.fields(NbParserConfig)}
    assert (
        {"execution_timeout", "merge_streams"} <= set(slips.of_level(slips.Section.file_lvl)) <= own
    )
    assert {"image", "figure", "code_prompt_show"} <= set(slips.of_level(slips.Section.cell_lvl))


def test_slip_stops_the_build_each_time(book):
    book.chapter("a", "1", tags=["hide-imput"])
    for _ in range(2):
        done = book.build("dummy")
        assert "book/chapters/a.md:11: WARNING: unknown tag of a cell: hide-imput" in done.warnings
        assert done.status == 1
    book.chapter("a", "1", tags=["hide-input"])
    assert book.build("dummy").warnings == ""
    book.chapter("a", "1", tags=["own"])
    assert book.build("dummy", execution_known=["own"]).warnings == ""


def test_unknown_setting_of_a_file_stops_the_build(book):
    path = book.chapter("a", "1")
    path.write_text(
        path.read_text().replace("kernelspec", "mystnb:\n  execution_mod: off\nkernelspec")
    )
    assert (
        "a.md:4: WARNING: unknown setting of mystnb: execution_mod" in book.build("dummy").warnings
    )


# --- examples

EXAMPLES = {  # in a block of its own: what is written -> (line of the block, what is said)
    "skip": (">>> 1 + 1  # doctest: +SKIP\n3", 1, "+SKIP: the example would not be run"),
    "skip, in a later line": (">>> (1 +\n... 1)  # doctest: +SKIP\n3", 1, "+SKIP"),
    "ellipsis": (">>> 1 + 1\n2\n>>> 1 + 1  # doctest: +ELLIPSIS\n...", 3, "any output would pass"),
    "layout": (">>> print('1  2')  # doctest: +NORMALIZE_WHITESPACE\n1 2", 1, "another layout"),
    "exception": (
        ">>> 1 / 0  # doctest: +IGNORE_EXCEPTION_DETAIL\nTraceback (most recent call last):\n"
        "ZeroDivisionError: x",
        1,
        "any message",
    ),
    "fail fast": (">>> 1  # doctest: +FAIL_FAST\n1", 1, "would not be run"),
    "less strict": (">>> True  # doctest: -DONT_ACCEPT_TRUE_FOR_1\n1", 1, "True would pass for 1"),
    "several": (">>> 1  # doctest: +DONT_ACCEPT_BLANKLINE, +SKIP\n2", 1, "+SKIP"),
    "unknown": (">>> 1  # doctest: +SKIPP\n2", 1, "invalid option: '+SKIPP'"),
    "without a sign": (">>> 0\n0\n>>> 1  # doctest: SKIP\n2", 3, "invalid option: 'SKIP'"),
    "prompt without a blank": (">>> 1\n1\n>>>1 + 1\n3", 3, "a prompt is >>> and a blank"),
    "short prompt": (">>> 1\n1\n>> 1 + 1\n3", 3, "a prompt is >>> and a blank"),
    "long prompt": (">>>> 1 + 1\n3", 1, "a prompt is >>> and a blank"),
    "output after an empty line": (">>> print('a\\n\\nb')\na\n\nb", 4, "neither an example nor"),
    "no prompt": ("1 + 1\n2", 1, "neither an example nor its output"),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_that_proves_nothing(name):
    text, line, says = EXAMPLES[name]
    document = f"# Page\n\n```{{doctest}}\n{text}\n```\n"
    with pytest.raises(doctests.Slips) as caught:
        doctests.examples(document, "page.md")
    assert [at for at, _ in caught.value.found] == [3 + line]
    assert says in str(caught.value)


ONLY_IN_BLOCKS = {"output after an empty line", "no prompt"}  # in a docstring, this is prose


@pytest.mark.parametrize("name", sorted(set(EXAMPLES) - ONLY_IN_BLOCKS))
def test_docstring_that_proves_nothing(name, tmp_path):
    text, line, says = EXAMPLES[name]
    body = "\n".join(f"    {one}" for one in text.splitlines())
    path = tmp_path / "module.py"
    path.write_text(f'x = 1\n\ndef f():\n    r"""One.\n\n{body}\n    """\n')
    with pytest.raises(doctests.Slips) as caught:
        doctests.docstrings(load(path))
    assert [at for at, _ in caught.value.found] == [5 + line]
    assert says in str(caught.value)


def test_every_directive_is_judged():
    """A directive that a later Python brings is refused until somebody looks at it."""
    judged = {name.removeprefix("-") for name in doctests.REFUSED} | set(doctests.STRICTER)
    known = {name for name in doctest.__all__ if name in doctest.OPTIONFLAGS_BY_NAME}
    assert known == judged
    flag = doctest.register_optionflag("LATER")
    try:
        assert [*doctests.refused(doctest.Example("1", "", options={flag: True}))] == [
            "doctest directive +LATER: nobody knows it"
        ]
    finally:
        del doctest.OPTIONFLAGS_BY_NAME["LATER"]


def test_stricter_directives_are_fine():
    text = "```{doctest}\n>>> print()  # doctest: +DONT_ACCEPT_BLANKLINE\n<BLANKLINE>\n```\n"
    assert len(doctests.examples(text, "page.md")) == 1


UNRUN = {
    "nested function": 'def f():\n    def g():\n        """\n'
    '        >>> 1\n        2\n        """\n',
    "lost through a decorator": "def hide(f):\n    return lambda: f()\n\n\n"
    '@hide\ndef f():\n    """\n    >>> 1\n    2\n    """\n',
    "defined twice": 'def f():\n    """\n    >>> 1\n    2\n    """\n\n\ndef f():\n    """Two."""\n',
}


@pytest.mark.parametrize("name", UNRUN)
def test_docstring_that_nothing_leads_to(name, tmp_path):
    path = tmp_path / "module.py"
    path.write_text(UNRUN[name])
    line = (
        path.read_text()
        .splitlines()
        .index(next(one for one in path.read_text().splitlines() if one.strip() == '"""'))
        + 1
    )
    with pytest.raises(
        doctests.Slips, match=rf"module\.py:{line}: the examples of [fg] are not run"
    ):
        doctests.docstrings(load(path))


def test_decorated_functions_that_doctest_finds_are_fine(tmp_path):
    path = tmp_path / "module.py"
    path.write_text(
        "import functools\n\n\nclass C:\n    @property\n    def p(self):\n"
        '        """\n        >>> 1\n        1\n        """\n\n    @classmethod\n'
        '    def c(cls):\n        """\n        >>> 2\n        2\n        """\n\n\n'
        '@functools.cache\ndef f():\n    """\n    >>> 3\n    3\n    """\n'
    )
    assert len(doctests.docstrings(load(path))) == 3


def load(path):
    spec = importlib.util.spec_from_file_location("module", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["module"] = module
    spec.loader.exec_module(module)
    return module


def test_examples_stop_the_build_at_their_lines(book):
    book.write("book/chapters/page.md", "# Page\n\n```{doctest}\n>>> 1  # doctest: +SKIP\n2\n```\n")
    book.write("code/pkg.py", '"""\n>>> 1  # doctest: +SKIP\n2\n"""\n')
    for _ in range(2):
        done = book.build("dummy", execution_modules=["pkg"])
        assert done.status == 1
        assert "book/chapters/page.md:4: WARNING: doctest directive +SKIP" in done.warnings
        assert "code/pkg.py:2: WARNING: doctest failed: doctest directive +SKIP" in done.warnings
        assert done.warnings.count("WARNING") == 2


def test_examples_stop_pytest_too(book):
    book.write("book/page.md", "```{doctest}\n>>> 1  # doctest: +SKIP\n2\n```\n")
    book.write("code/pkg/__init__.py", '"""\n>>> 1  # doctest: +ELLIPSIS\n...\n"""\n')
    book.write(
        "conftest.py",
        "from execution.pytest_sybil import collector\n"
        'pytest_collect_file = collector("book", modules=["code/pkg"])\n',
    )
    paths = f"{book.folder / 'code'} {next(p for p in sys.path if p.endswith('code'))}"
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            "-q",
            "-o",
            f"pythonpath={paths}",
            "--import-mode=importlib",
            "book",
            "code",
        ],
        cwd=book.folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert re.search(r"page\.md:2: doctest directive \+SKIP", done.stdout)
    assert re.search(r"__init__\.py:2: doctest directive \+ELLIPSIS", done.stdout)


def test_option_that_a_block_does_not_know(book):
    book.write("book/chapters/page.md", "# Page\n\n```{doctest}\n:skipif: True\n\n>>> 1\n2\n```\n")
    warnings = book.build("dummy").warnings
    assert re.search(r"page\.md:[345]: WARNING: .*skipif", warnings), warnings


# --- warnings and output

WARNINGS = {
    "of a cell": ("x = 1\nimport warnings\nwarnings.warn('careful')", 3, "UserWarning: careful"),
    "of NumPy": ("import numpy as np\nnp.log(np.zeros(1))", 2, "RuntimeWarning: divide by zero"),
    "of a module": ("import helper\nhelper.warn()", 2, "FutureWarning: later"),
    "while a module is imported": ("import loud", 1, "UserWarning: loud"),
    "of the parser": ("x = 1\n'\\d'", 2, "invalid escape sequence"),
    "of the compiler": ("x = 1\nx is 1", 2, 'SyntaxWarning: "is" with'),
    "of the compiler, in a module": ("import slack", 1, 'SyntaxWarning: "is" with'),
    "in a loop": ("import warnings\nfor i in range(3):\n    warnings.warn('again')", 3, "again"),
    "never awaited": ("async def f():\n    pass\nf() and None", 3, "never awaited"),
}


@pytest.fixture(scope="module")
def loud(shared):
    shared.write(
        "code/helper.py",
        "import warnings\n\n\ndef warn():\n"
        "    warnings.warn('later', FutureWarning, stacklevel=1)\n",
    )
    shared.write("code/loud.py", "import warnings\nwarnings.warn('loud')\n")
    shared.write("code/slack.py", "def f(x):\n    return x is 1\n")
    return shared


@pytest.mark.parametrize("name", WARNINGS)
def test_cell_that_warns(loud, name):
    cell, line, says = WARNINGS[name]
    path = loud.chapter("a", "'first'", cell, "'last'")
    begin = path.read_text().splitlines().index(cell.splitlines()[0]) + 1
    for _ in range(2):
        done = loud.build("dummy")
        assert f"book/chapters/a.md:{begin + line - 1}: WARNING: " in done.warnings, done.warnings
        assert says in done.warnings and "raises-warning" in done.warnings
        assert done.warnings.count(": WARNING") == 1, done.warnings
        assert done.status == 1
    loud.chapter("a", "'first'", cell, "'last'", tags=["raises-warning"])
    assert loud.build("dummy").warnings == ""
    assert says.replace('"', r"\"") in loud.notebook("a")


def test_warning_that_is_caught_is_none(loud):
    loud.chapter(
        "a",
        "import warnings\nwith warnings.catch_warnings(record=True) as caught:\n"
        "    warnings.warn('careful')\nlen(caught)",
        "warnings.simplefilter('ignore')\nwarnings.warn('careful')",
    )
    assert loud.build("dummy").warnings == ""


def test_cell_that_warns_in_a_kernel(book):
    book.chapter("a", "x = 1\nimport warnings\nwarnings.warn('careful')", "1")
    done = book.build("dummy", execution_fork=False)
    assert re.search(r"a\.md:13: WARNING: .*UserWarning: careful", done.warnings)
    book.chapter("a", "print('x' * 50)")
    done = book.build("dummy", execution_fork=False, execution_text=40)
    assert "a.md:11: WARNING: the cell at line 11: the cell prints more than 40" in done.warnings


def test_example_that_warns(book):
    text = "# Page\n\n```{doctest}\n>>> 1\n1\n>>> import warnings; warnings.warn('careful')\n```\n"
    book.write("book/chapters/page.md", text)
    assert "page.md:6: WARNING: the example warns: UserWarning: careful" in (
        book.build("dummy").warnings
    )


LENGTHY = {
    "printed": (
        "x = 1\nprint('x' * 300)",
        2,
        "prints more than 200 characters; show less, or raise execution_text in conf.py",
    ),
    "piece by piece": ("for i in range(1000):\n    print(i)", 2, "prints more than 200"),
    "without end": ("while True:\n    print('x')", 2, "prints more than 200"),
    "without end, errors caught": (
        "for i in range(1000):\n    try:\n        print('xxx')\n"
        "    except BaseException:\n        pass",
        3,
        "prints more than",
    ),
    "to the descriptor": ("import os\n_ = os.write(1, b'x' * 300)", None, "prints more than 200"),
    "displayed": ("from IPython.display import HTML\nHTML('x' * 900)", 2, "displays more than 500"),
    "displayed without end": ("while True:\n    display('x')", 2, "displays more than 500"),
    "a value": (
        "x = 1\n'x' * 900",
        2,
        "displays more than 500 characters; show less, or raise execution_data in conf.py",
    ),
}


@pytest.mark.parametrize("name", LENGTHY)
def test_cell_that_shows_too_much(shared, name):
    cell, line, says = LENGTHY[name]
    path = shared.chapter("a", cell, "'last'")
    begin = path.read_text().splitlines().index(cell.splitlines()[0]) + 1
    done = shared.build("dummy", execution_text=200, execution_data=500)
    assert f"a.md:{begin + (line or 1) - 1}: WARNING: " in done.warnings, done.warnings
    assert says in done.warnings
    assert done.warnings.count(": WARNING") == 1, done.warnings
    if "without end" not in name:
        assert shared.build("dummy", execution_text=10_000, execution_data=10_000).warnings == ""


def test_what_was_cleared_does_not_count(shared):
    shared.chapter(
        "a",
        "from IPython.display import clear_output\nfor i in range(50):\n"
        "    print('x' * 50)\n    clear_output(wait=True)\nprint('end')",
    )
    assert shared.build("dummy", execution_text=200).warnings == ""
