"""Each kind of edit: exactly the right runs are repeated, and going back repeats none.

After each edit the executed notebooks are compared with those of a build from nothing, so an
output that is stale for whatever reason shows.
"""

import os
import shutil
from typing import NamedTuple

import pytest
from execution.store import VARIANTS, Store
from execution.tracing import read_log

CHAPTERS = {
    "a": ["from pkg.near import value\nvalue(21)"],
    "b": [
        "from pathlib import Path\nPath('points.csv').read_text()",
        "import os\nprint(os.environ.get('BOOK_MODE', 'plain'))",
    ],
    "c": [
        "import pkg\nfrom pathlib import Path\n"
        "print(Path(pkg.__file__).with_name('plain.mplstyle').read_text())",
        "try:\n    import extra\nexcept ImportError:\n    extra = None\nextra is None",
    ],
    "d": [
        "from pathlib import Path\nsorted(path.name for path in Path('data').glob('*.csv'))",
        "Path('flag').exists()",
    ],
}
DOCTEST = "\n```{doctest}\n>>> from pkg.far import scale\n>>> scale > 1\nTrue\n```\n"
CELLS = {f"cells {name}" for name in CHAPTERS}
ALL = CELLS | {"doctests a", "module pkg.far"}


@pytest.fixture(scope="module")
def stale(shared):
    """A book with four chapters, built once."""
    shared.write("code/pkg/__init__.py", "")
    shared.write("code/pkg/far.py", '"""Scale.\n\n>>> 1 < scale\nTrue\n"""\nscale = 2\n')
    shared.write("code/pkg/near.py", "from pkg.far import scale\n\n"
                 "def value(x):\n    return scale * x\n")
    shared.write("code/pkg/other.py", "x = 1\n")
    shared.write("code/pkg/plain.mplstyle", "lines.linewidth: 2\n")
    shared.write("book/chapters/points.csv", "1,2\n")
    shared.write("book/chapters/data/one.csv", "1\n")
    for name, cells in CHAPTERS.items():
        shared.chapter(name, *cells)
    append(shared, "book/chapters/a.md", DOCTEST)
    conf = shared.folder / "conf.py"
    conf.write_text(conf.read_text() + 'execution_modules = ["pkg"]\n')
    first = build(shared)
    assert (first.ran, first.warnings) == (ALL, "")
    return shared


def build(book):
    return book.build("dummy")


def append(book, name, text):
    path = book.folder / name
    path.write_text(path.read_text() + text)


def replace(name, old, new):
    def edit(book):
        path = book.folder / name
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    return edit


def create(name, text=""):
    return lambda book: book.write(name, text)


def rename(book):
    (book.folder / "code/pkg/near.py").rename(book.folder / "code/pkg/close.py")
    replace("book/chapters/a.md", "pkg.near", "pkg.close")(book)


def in_no_time(book):
    """Same size, same date: what a second edit within a clock tick looks like."""
    path = book.folder / "code/pkg/far.py"
    before = path.stat()
    replace("code/pkg/far.py", "scale = 2", "scale = 3")(book)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def touch(book):
    for path in (book.folder / "code/pkg").glob("*.py"):
        os.utime(path)


EDITS = {
    "cell": (replace("book/chapters/a.md", "value(21)", "value(22)"), {"cells a"}),
    "helper module": (replace("code/pkg/near.py", "scale * x", "scale + x"), {"cells a"}),
    "module imported by a module": (
        replace("code/pkg/far.py", "scale = 2", "scale = 5"),
        {"cells a", "doctests a", "module pkg.far"},
    ),
    "module, same size and date": (in_no_time, {"cells a", "doctests a", "module pkg.far"}),
    "module that nothing reads": (replace("code/pkg/other.py", "1", "2"), set()),
    "module touched only": (touch, set()),
    "data file": (create("book/chapters/points.csv", "3,4\n"), {"cells b"}),
    "style file": (replace("code/pkg/plain.mplstyle", "2", "3"), {"cells c"}),
    "lock": (create("requirements.lock", "numpy==3\n"), ALL),
    "renamed module": (rename, {"cells a"}),
    "package that shadows a module": (
        create("code/pkg/near/__init__.py", "def value(x):\n    return 0\n"),
        {"cells a"},
    ),
    "module that was missing": (create("code/extra.py"), {"cells c"}),
    "module that was missing, beside the chapter": (
        create("book/chapters/extra.py"),
        {"cells c"},
    ),
    "module beside others": (create("code/pkg/new.py"), set()),
    "file in a listed folder": (create("book/chapters/data/two.csv"), {"cells d"}),
    "file that was missing": (create("book/chapters/flag"), {"cells d"}),
    "prose": (replace("book/chapters/a.md", "# a", "Before.\n\n# a\n\nProse."), set()),
    "tag for showing": (
        replace("book/chapters/a.md", "ipython3\n", "ipython3\n:tags: [hide-input]\n"),
        set(),
    ),
    "tag for running": (
        replace("book/chapters/a.md", "ipython3\n", "ipython3\n:tags: [skip-execution]\n"),
        {"cells a"},
    ),
    "doctest": (replace("book/chapters/a.md", "scale > 1", "scale > 0"), {"doctests a"}),
    "docstring": (
        replace("code/pkg/far.py", "1 < scale", "0 < scale"),
        {"cells a", "doctests a", "module pkg.far"},
    ),
    "conf.py: appearance": (replace("conf.py", '"basic"', '"alabaster"'), set()),
    "conf.py: path of the modules": (
        replace("conf.py", 'project = "book"', 'execution_path = ["code", "more"]'),
        ALL,
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_edit_repeats_exactly_what_read_it(stale, tmp_path, name):
    edit, expected = EDITS[name]
    before = snapshot(stale)
    edit(stale)
    try:
        after = build(stale)
        assert after.warnings == ""
        assert after.ran == expected
        assert notebooks(stale) == notebooks(from_nothing(stale, tmp_path))
        assert build(stale).ran == set()
    finally:
        restore(stale, before)
    assert build(stale).ran == set()


def test_environment_variable(stale, monkeypatch):
    monkeypatch.setenv("BOOK_OTHER", "1")
    assert build(stale).ran == set()
    monkeypatch.setenv("BOOK_MODE", "dark")
    assert build(stale).ran == {"cells b"}
    assert "dark" in stale.notebook("b")
    monkeypatch.delenv("BOOK_MODE")
    assert build(stale).ran == set()
    assert "dark" not in stale.notebook("b")


def test_deleted_module_fails_at_the_line_that_imports_it(stale):
    path = stale.folder / "code/pkg/near.py"
    text = path.read_text()
    path.unlink()
    try:
        for _ in range(2):
            broken = build(stale)
            assert (broken.ran, broken.status) == ({"cells a"}, 1)
            assert broken.warnings.startswith(
                "book/chapters/a.md:11: WARNING: the cell at line 11: "
                "ModuleNotFoundError: No module named 'pkg.near'"
            )
    finally:
        path.write_text(text)
    assert build(stale).ran == set()


def test_two_answers_to_one_question_are_no_observation(tmp_path):
    log = tmp_path / "trace"
    log.write_text('["file:x", "1"]\n["file:y", null]\n')
    assert read_log(log) == {"file:x": "1", "file:y": None}
    with log.open("a") as stream:
        stream.write('["file:x", "2"]\n')
    assert read_log(log) is None


def test_installed_version(stale, monkeypatch):
    from execution import tasks

    monkeypatch.setattr(tasks, "installed", lambda: ["numpy-3.dist-info"])
    assert build(stale).ran == ALL


def test_damaged_result_is_not_used(stale):
    for path in (stale.folder / "build/executed/results").glob("*/*.json"):
        path.write_text(path.read_text()[:40])
    assert build(stale).ran == ALL


def test_lost_outputs_are_made_again(stale):
    for path in (stale.folder / "build/executed/results").glob("*/*.result.json"):
        path.unlink()
    append(stale, "book/chapters/b.md", "\nMore prose.\n")
    again = build(stale)
    assert (again.ran, again.warnings) == ({"cells b"}, "")
    assert "plain" in stale.notebook("b")


def test_unused_results_go_after_some_time(stale):
    store = Store(stale.folder / "build/executed")
    results = store.folder / "results"
    paths = sorted(results.glob("*/*.json"))
    store.sweep(days=1)
    assert sorted(results.glob("*/*.json")) == paths
    for path in paths:
        os.utime(path, (0, 0))
    store.sweep(days=1)
    assert list(results.iterdir()) == []
    assert build(stale).ran == ALL


def test_a_key_keeps_its_latest_variants(tmp_path):
    store = Store(tmp_path)
    for number in range(VARIANTS + 3):
        stored = store.put("key", {"file:x": str(number)}, {}, {"number": number})
        os.utime(tmp_path / f"results/key/{stored.variant}.json", (number, number))

    class Now(NamedTuple):
        number: int

        def holds(self, question, answer):
            return answer == str(self.number)

    kept = [n for n in range(VARIANTS + 3) if store.find("key", Now(n))]
    assert kept == list(range(3, VARIANTS + 3))
    assert store.load("key", stored.variant) == {"number": VARIANTS + 2}


def snapshot(book):
    return {
        path: (path.read_bytes(), path.stat().st_mtime_ns)
        for part in ("book", "code", "conf.py", "requirements.lock")
        for path in [book.folder / part, *(book.folder / part).rglob("*")]
        if path.is_file()
    }


def restore(book, before):
    for path in snapshot(book):
        if path not in before:
            path.unlink()
            if not any(path.parent.iterdir()):
                path.parent.rmdir()
    for path, (content, date) in before.items():
        path.write_bytes(content)
        os.utime(path, ns=(date, date))


def from_nothing(book, folder):
    """The same book in another folder, without anything built."""
    for part in ("book", "code"):
        shutil.copytree(book.folder / part, folder / part)
    for part in ("conf.py", "requirements.lock"):
        shutil.copy(book.folder / part, folder / part)
    copy = type(book).__new__(type(book))
    copy.folder = folder
    first = build(copy)
    assert first.warnings == ""
    return copy


def notebooks(book):
    return {name: book.notebook(name) for name in CHAPTERS}
