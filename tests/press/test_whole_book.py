"""The book itself: nothing lost between site, PDF and EPUB, and nothing in the margins.

The site is the one that ``make html`` has built.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from press import compare, epub, index, pages, pdf

ROOT = Path(__file__).parent.parent.parent
BUILD = Path(os.environ.get("BOOK_BUILD", ROOT / "build"))
WHEN = 1767225600


@pytest.fixture(scope="module")
def site():
    """The folder of the built site."""
    assert (BUILD / "html/index.html").is_file(), f"{BUILD} has no book: run make html"
    return BUILD / "html"


@pytest.fixture(scope="module")
def press(site, tmp_path_factory):
    """The pages for print, written from what the site was made of; the build is left alone."""
    folder = tmp_path_factory.mktemp("whole")
    shutil.copytree(BUILD / "doctrees", folder / "doctrees")
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-c", ".", "-d", folder / "doctrees", "-n", "-W",
         "--keep-going", "-D", f"execution_store={BUILD / 'executed'}",
         "-b", "press", "book", folder / "press"],
        cwd=ROOT, text=True, capture_output=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0",
             "PYTHONPATH": str(ROOT / "code"), "SOURCE_DATE_EPOCH": str(WHEN)})
    assert done.returncode == 0, done.stderr
    return folder / "press"


@pytest.fixture(scope="module")
def source(press):
    return pdf.compose(pages.load(press))


@pytest.fixture(scope="module")
def reader(press, tmp_path_factory):
    path = tmp_path_factory.mktemp("epub") / "book.epub"
    epub.write(pages.load(press), path, WHEN)
    return path


def test_site_pdf_and_epub_say_the_same(site, press, source, reader):
    book = pages.load(press)
    shown = compare.of_site(book, site)
    printed = compare.of_pdf(book, pdf.as_html(source, press))
    assert compare.differences(book, site=shown, PDF=printed,
                               EPUB=compare.of_epub(book, reader)) == []
    total = {kind: sum(len(getattr(section, kind)) for page in shown.values() for section in page)
             for kind in compare.KINDS}
    assert total["formulas"] > 5000 and total["figures"] > 90 and total["links"] > 1000, total


def test_the_pdf_has_clean_margins_and_is_accessible(press, source, tmp_path):
    # Compiling raises for whatever breaks PDF/UA-1, lacks a glyph or is wider than the text.
    pdf.compile(source, press, tmp_path / "book.pdf", paper="a4")
    assert (tmp_path / "book.pdf").stat().st_size > 1_000_000


def test_every_paper_and_every_answer_stand_in_their_volumes(press):
    book = pages.load(press)
    papers = pdf.papers(book)
    parts = index.parts(book)
    assert len(papers) == 5 and len(parts) == 104
    for page in papers:
        asked = [name for name, place, _ in parts if place and place.page is page]
        questions, answers = pdf.questions(book, page), pdf.answers(book, page)
        for name in asked:
            assert f"#strong[{name.replace('.', chr(92) + '.').replace('-', chr(92) + '-')}]" \
                in questions
            assert f'"{name}"' in answers or re.search(rf"heading\(level: 2\)\[{name[:2]}", answers)
        assert "papers-short[" not in questions
        assert answers.count("#papers-short[") == sum(
            1 for name, _, place in parts if name in asked and place)


def test_each_term_of_the_index_stands_somewhere(press):
    book = pages.load(press)
    found = {term for term, _ in index.terms(book)}
    assert [line[0] for line in book.terms if line[0] not in found] == []


def test_epubcheck_finds_nothing(reader):
    checker = Path("/usr/bin/epubcheck")
    if not (checker.exists() and shutil.which("java")):
        pytest.skip("epubcheck and Java are not here to check the EPUB")
    done = subprocess.run(["java", "-jar", checker, reader], capture_output=True, text=True)
    assert "0 fatals / 0 errors / 0 warnings" in done.stdout, done.stdout + done.stderr
