"""Two clean builds are the same byte for byte: other folder, other number of jobs and cores."""

import re

import pytest

CELLS = {
    "figures": [
        "import matplotlib.pyplot as plt\nfig, ax = plt.subplots()\n"
        "ax.plot([0, 1, 4], label='l')\nax.fill_between([0, 1], [1, 2], hatch='/')\nax.legend();",
        "ax.set_title('again')\nfig",
    ],
    "sets": [
        "print({'one', 'two', 'three', 'four'})\nhash('text')",
        "import os, time\nprint(time.strftime('%H', time.localtime(0)))\nos.environ['COLUMNS']",
    ],
    "errors": [
        "import helper\n\ndef f():\n    return helper.fail()\nf()",
        "import warnings\nwarnings.warn('careful')\nhelper.__file__",
        "print('out')\nimport sys\nprint('err', file=sys.stderr)\nprint('out')",
    ],
    "pictures": [
        "class Picture:\n    def _repr_html_(self):\n        return '<b>x</b>'\nPicture()",
        "from IPython.display import display\ndisplay(Picture(), display_id=True);",
    ],
}


def fill(book):
    book.write("code/helper.py", '"""Help.\n\n>>> 1 + 1\n2\n"""\n\n\n'
               "def fail():\n    raise ValueError('from the module')\n")
    for name, cells in CELLS.items():
        book.chapter(name, *cells, tags=["raises-exception", "raises-warning"])
    book.write("book/chapters/examples.md", "# Examples\n\n```{doctest}\n>>> {'a', 'b'} == "
               "{'b', 'a'}\nTrue\n```\n")
    book.write("book/chapters/report.md", "# Report\n\n```{build-report}\n```\n")
    conf = book.folder / "conf.py"
    conf.write_text(conf.read_text() + 'execution_modules = ["helper"]\n')


def produced(book):
    """All files of a build, but for Sphinx's own state."""
    base = book.folder / "build"
    parts = ("html", "jupyter_execute")
    paths = [path for part in parts for path in (base / part).rglob("*") if path.is_file()]
    return {str(path.relative_to(base)): path.read_bytes() for path in paths}


@pytest.fixture(scope="module")
def builds(new_book, tmp_path_factory):
    """The files of two clean builds, and the folders where they were made."""
    found = []
    for jobs, name in enumerate(("first", "the other/folder"), 1):
        folder = tmp_path_factory.mktemp("books") / name
        folder.mkdir(parents=True)
        book = new_book(folder)
        fill(book)
        process = book.start(
            "-j", str(jobs), PYTHONHASHSEED=str(jobs), TZ=f"X-{jobs}", COLUMNS=f"{jobs}00",
            MPLBACKEND="pdf", OMP_NUM_THREADS=str(jobs),
        )
        _, said = process.communicate(timeout=120)
        assert (process.returncode, book.plain(said)) == (0, "")
        found.append((folder, produced(book)))
    return found


def test_two_clean_builds_are_the_same(builds):
    (_, first), (_, second) = builds
    assert sorted(first) == sorted(second)
    assert {"html", "svg", "js", "ipynb"} <= {name.rpartition(".")[2] for name in first}
    report = "html/chapters/report.html"
    assert {name for name in first if first[name] != second[name]} <= {report}
    times = re.compile(rb"\d+\.\d s")
    assert times.sub(b"", first[report]) == times.sub(b"", second[report])


def test_nothing_of_the_machine_is_in_the_pages(builds):
    for folder, files in builds:
        for name, content in files.items():
            assert str(folder.parent).encode() not in content, name
            if not name.startswith("html/_static"):
                assert not re.search(rb" at 0x[0-9a-f]{6}", content), name
                assert b"ipykernel_" not in content, name


def test_report_without_run_times(book):
    fill(book)
    for times in (True, False):
        book.build(execution_times=times)
        assert bool(re.search(r"\d+\.\d s<", book.page("chapters/report"))) == times


def test_report_tells_what_was_read_and_how_long_it_took(book, monkeypatch):
    fill(book)
    extensions = ["execution", "typeset.fresh"]  # writes a page when what it shows has changed
    book.write("book/chapters/points.csv", "1")
    book.chapter("reader", "import os\nopen('points.csv').read(), os.environ.get('BOOK_MODE')")
    assert book.build(extensions=extensions).warnings == ""
    first = book.page("chapters/report")
    row = re.search(r"<td><p>chapters/reader</p></td>.*?</tr>", first, re.S)[0]
    text = " ".join(re.sub(r"<.*?>", " ", row).split())
    assert re.fullmatch(
        r"chapters/reader 1 cell \d\.\d s book/chapters/points\.csv \$BOOK_MODE", text
    )
    assert book.build(extensions=extensions).ran == set()
    assert book.page("chapters/report") == first
    book.write("code/more.py", "")
    book.chapter("reader", "import more\n1", "2")
    assert book.build(extensions=extensions).ran == {"cells reader"}
    row = re.search(r"<td><p>chapters/reader</p></td>.*?</tr>", book.page("chapters/report"), re.S)
    assert "2 cells" in row[0] and "code/more.py" in row[0] and "points.csv" not in row[0]


def test_report_is_not_searched(book):
    fill(book)
    book.build()
    index = (book.folder / "build/html/searchindex.js").read_text()
    assert '"errors"' in index
    assert "Report" not in index and '"step"' not in index


def test_progress_and_table(book):
    fill(book)
    log = book.build("dummy").log
    assert "execution: 6 to run, 0 from the store" in log
    assert re.search(r"execution: cells chapters/figures, \d+\.\d s \[\d of 6\]", log)
    assert re.search(r"slowest runs and cells\n +\d\.\d s  cells of chapters/", log)
    assert re.search(r"\d s  chapters/\w+, cell at line \d+", log)
    again = book.build("dummy").log
    assert "execution: 0 to run, 1 from the store" in again
    assert "slowest" not in again
