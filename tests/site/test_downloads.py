"""What a reader takes away: the pages as a zip, and each page with code as a notebook that runs."""

import os
import subprocess
import sys
import zipfile

import gates
import nbformat
import pytest
from tools import ROOT

from conftest import SITE

NOTEBOOKS = sorted(str(path.relative_to(SITE)) for path in SITE.glob("notebooks/**/*.zip"))


@pytest.fixture(scope="session")
def unzipped(site, tmp_path_factory):
    """The offline bundle, packed and unpacked."""
    folder = tmp_path_factory.mktemp("offline")
    target = folder / "full-marks-offline.zip"
    subprocess.run([sys.executable, "-m", "typeset.offline", site, target], check=True)
    zipfile.ZipFile(target).extractall(folder)
    return folder / "full-marks-offline"


@pytest.fixture
def cut_off(browser):
    """A page without network."""
    context = browser.new_context(offline=True)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("name", ["index.html", "mlp.html", "papers/e.html", "404.html"])
def test_pages_open_from_a_file(cut_off, unzipped, name):
    heard = gates.watch(cut_off)
    cut_off.goto((unzipped / name).as_uri())
    assert heard == []
    assert cut_off.locator("#theme").inner_text() == "Theme: automatic"  # scripts and styles run
    assert cut_off.evaluate("getComputedStyle(document.querySelector('.page')).display") == "grid"


def test_search_works_from_a_file(cut_off, unzipped):
    heard = gates.watch(cut_off)
    cut_off.goto((unzipped / "index.html").as_uri())
    cut_off.locator("#site-search").fill("Adagrad")
    cut_off.keyboard.press("Enter")
    cut_off.locator("#search-results a").first.click()
    assert cut_off.url.split("/")[-1].startswith("optimization.html#")
    assert heard == []


def test_a_bundle_is_the_same_bytes_each_time(site, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        target = tmp_path / name / "book.zip"
        subprocess.run([sys.executable, "-m", "typeset.offline", site, target], check=True)
    one, two = (tmp_path / name / "book.zip" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_every_chapter_has_a_notebook(site):
    chapters = {path.stem for path in (ROOT / "code" / "fullmarks").glob("[a-z]*.py")}
    assert chapters == {name.removeprefix("notebooks/").removesuffix(".zip")
                        for name in NOTEBOOKS} & chapters
    for chapter in chapters:
        assert f'href="notebooks/{chapter}.zip"' in (site / f"{chapter}.html").read_text("utf-8")


# As Jupyter runs it: one name space, the folder of the notebook first on the path.
RUN = """
import sys, nbformat
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
for number, cell in enumerate(nbformat.read(sys.argv[1], 4).cells):
    if cell.cell_type == "code":
        done = shell.run_cell(cell.source, store_history=False, silent=True)
        if not done.success:
            sys.exit(f"cell {number}: {cell.source}")
"""


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_where_it_is_unpacked(site, tmp_path, name):
    zipfile.ZipFile(site / name).extractall(tmp_path)
    found = next(tmp_path.rglob("*.ipynb"))
    nbformat.validate(nbformat.read(found, 4))
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run([sys.executable, "-c", RUN, found.name], cwd=found.parent, text=True,
                          env=environment | {"MPLBACKEND": "agg"}, capture_output=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def test_a_notebook_that_does_not_run_is_found(tmp_path):
    cell = nbformat.v4.new_code_cell("1 / 0")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "bad.ipynb")
    done = subprocess.run([sys.executable, "-c", RUN, "bad.ipynb"], cwd=tmp_path, text=True,
                          capture_output=True)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, "cell 0: 1 / 0")
