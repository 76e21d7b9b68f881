"""What a browser does with the folds by itself: the pages are opened without the script."""

import shutil
import subprocess

import pytest
from bs4 import BeautifulSoup

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")

QUIET = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --hide-scrollbars "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()


@pytest.fixture
def open_page(book, tmp_path):
    """Open a page of the book, its script taken away, and return what Chromium prints."""
    built = book.build(html_theme="basic")
    (built.folder / "out" / "_static" / "papers.js").unlink()

    def run(page: str, *arguments: str) -> str:
        address = (built.folder / "out").as_uri() + "/" + page
        profile = f"--user-data-dir={tmp_path / 'profile'}"
        command = [CHROMIUM, *QUIET, profile, *arguments, address]
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
        return done.stdout

    return run


def opened(page: str) -> list[str]:
    folds = BeautifulSoup(page, "html.parser").find_all("details", class_="papers-fold", open=True)
    return [fold.find("summary").get_text().strip() for fold in folds]


SHORT = [f"{part}: short answer" for part in ("A1a", "A1b", "A2", "B1")]


def test_page_opens_with_the_short_answers(open_page):
    assert opened(open_page("mlp.html", "--dump-dom")) == SHORT


def test_page_of_a_paper_opens_with_all_folds_closed(open_page):
    assert opened(open_page("papers/a.html", "--dump-dom")) == []


@pytest.mark.parametrize(
    "anchor, fold",
    [
        ("A1a-whole", "A1a: whole answer 1 pitfall · 1 variation"),
        ("A2-marks", "A2: whole answer 7 checked steps"),
    ],
)
def test_link_into_a_fold_opens_it(open_page, anchor, fold):
    shown = opened(open_page(f"mlp.html#{anchor}", "--dump-dom"))
    assert [one for one in shown if one not in SHORT] == [fold]


def printed(open_page, tmp_path, page: str) -> str:
    if shutil.which("pdftotext") is None:
        pytest.skip("no pdftotext here")
    pdf = tmp_path / "page.pdf"
    open_page(page, f"--print-to-pdf={pdf}")
    done = subprocess.run(
        ["pdftotext", "-layout", pdf, "-"], check=True, capture_output=True, text=True
    )
    return " ".join(done.stdout.split())


def test_chapter_prints_with_all_folds_open(open_page, tmp_path):
    text = printed(open_page, tmp_path, "mlp.html")
    for piece in ("That is all.", "The rest of A1a.", "says because [1]", "Expliquez-le."):
        assert piece in text
    assert text.count("The stem says") == 1


def test_paper_prints_blank(open_page, tmp_path):
    text = printed(open_page, tmp_path, "papers/a.html")
    assert "How much is it?" in text and "A1b · 4 points for the question" in text
    assert "It is two." not in text and "Answer to" not in text


WIDEST = """
<script>
addEventListener("load", () => {
  document.querySelectorAll("details").forEach((fold) => (fold.open = true));
  const spills = (node) =>
    !node.matches(".papers-scroll") && node.clientWidth && node.scrollWidth > node.clientWidth;
  const wide = [...document.querySelectorAll("[class*=papers-]")]
    .filter((node) => !node.closest(".papers-scroll table"))
    .filter((node) => node.getBoundingClientRect().right > innerWidth || spills(node));
  parent.postMessage(`${innerWidth} ${wide.map((node) => node.className)}`, "*");
});
</script></body>"""

FRAME = """<!doctype html><title>none</title>
<script>addEventListener("message", (event) => (document.title = event.data));</script>
<iframe src="%s" width="390" height="900" style="border: 0"></iframe>"""


@pytest.mark.parametrize("name", ["mlp.html", "papers/a.html", "tables.html"])
def test_nothing_is_wider_than_a_phone(book, open_page, name):
    long = "x" * 300
    for source in ("mlp.md", "papers/a.md"):
        text = book.path(source).read_text(encoding="utf-8")
        for short in ("It tempts.", "says because", "That is all.", "The stem", "(a) First"):
            text = text.replace(short, f"{short} {long}")
        book.path(source).write_text(text, encoding="utf-8")
    built = book.build(html_theme="basic")
    page = built.folder / "out" / name
    page.write_text(page.read_text(encoding="utf-8").replace("</body>", WIDEST), encoding="utf-8")
    (built.folder / "out" / "frame.html").write_text(FRAME % name, encoding="utf-8")
    dom = open_page("frame.html", "--virtual-time-budget=3000", "--dump-dom")
    assert BeautifulSoup(dom, "html.parser").title.get_text() == "390 "
