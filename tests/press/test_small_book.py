"""A small book in all its forms; each gate is shown red by a fault of its own."""

import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import pytest
import typst
from press import compare, epub, pages, pdf
from press.formula import MATHML
from test_gates import tiny_book

ROOT = Path(__file__).parent.parent.parent
WHEN = 1767225600
MORE = """\
# More kinds of things

A term of art is *halving*[^one], in French [diviser par deux]{.language-fr}. See
[the site](https://example.org/) and {numref}`tab-more`.[^two]

$$
\\mathbf{x} = \\hat{y} + \\boldsymbol{\\mu}
$$ (eq-more)

:::{list-table} Two numbers.
:name: tab-more
:header-rows: 1
* - Number
  - Half
* - $2$
  - 1
* - 3
  - $\\frac{3}{2}$
:::

```python
half = 10 / 2  # a comment
```

1. first
2. second

> Quoted.

[^one]: The first note has $n$ in it.
[^two]: The second note.
"""


def sphinx(folder, builder):
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-c", ".", "-d", "doctrees", "-n", "-W",
         "-b", builder, "book", builder], cwd=folder, capture_output=True, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The folder of a small book, written for the site and for print."""
    folder = tiny_book(tmp_path_factory.mktemp("small"))
    (folder / "book/more.md").write_text(MORE)
    (folder / "book/terms.txt").write_text("halving | halves\nbisection\nslope\n")
    index = folder / "book/index.md"
    index.write_text(index.read_text().replace("halves\n```", "halves\nmore\n```"))
    sphinx(folder, "html")
    sphinx(folder, "press")
    return folder


@pytest.fixture
def copy(small, tmp_path):
    """A copy of the pages for print that a test may spoil."""
    shutil.copytree(small / "press", tmp_path / "press")
    return tmp_path / "press"


def forms(small, folder):
    """The site as it is, and the other two made from the pages in a folder."""
    spoilt = pages.load(folder)
    html = pdf.as_html(pdf.compose(spoilt), folder)
    epub.write(pages.load(folder), folder / "book.epub", WHEN)
    whole = pages.load(small / "press")
    return whole, {"site": compare.of_site(whole, small / "html"),
                   "PDF": compare.of_pdf(spoilt, html),
                   "EPUB": compare.of_epub(whole, folder / "book.epub")}


def text_of(path):
    if not shutil.which("pdftotext"):
        pytest.skip("pdftotext is not here to read the PDF")
    return subprocess.run(["pdftotext", path, "-"], capture_output=True, text=True,
                          check=True).stdout


def spoil(folder, name, edit):
    path = folder / f"{name}.xml"
    root = ET.parse(path)
    edit(root.getroot())
    root.write(path, encoding="utf-8")


def remove(tag, number=0, **attributes):
    """An edit that takes out an element of a page."""
    def edit(root):
        parents = {child: parent for parent in root.iter() for child in parent}
        found = [node for node in root.iter(tag)
                 if all(attributes[key] in node.get(key, "") for key in attributes)]
        parents[found[number]].remove(found[number])
    return edit


# The same in all forms

def test_site_pdf_and_epub_say_the_same(small, copy):
    book, made = forms(small, copy)
    assert compare.differences(book, **made) == []
    counts = {kind: sum(len(getattr(section, kind)) for page in made["site"].values()
                        for section in page) for kind in compare.KINDS}
    assert all(counts.values()), counts


@pytest.mark.parametrize("name, edit, says", [
    ("halves", remove(f"{MATHML}math"), "A1a:Whathalvingdoes|A1c.*formulas on the site"),
    ("more", remove("div", **{"class": "equation"}), "formulas on the site"),
    ("halves", remove("img"), "1 figures on the site, 0 in the PDF"),
    ("more", remove("tr", -1), "tables differ: '3 rows' on the site, '2 rows' in the EPUB"),
    ("more", remove("pre"), "code on the site"),
    ("more", remove("a", role="doc-noteref"), "footnotes on the site"),
    ("more", remove("a", href="https://"), "links on the site"),
    ("more", remove("blockquote"), "the text differs: .*Quoted"),
    ("halves", remove("section", 1, **{"class": "papers-answer-section"}), "headings on the site"),
    ("halves", remove("div", **{"class": "papers-marks"}), "the text differs"),
], ids=["formula", "display", "figure", "table", "code", "footnote", "link", "text", "answer",
        "marks"])
def test_what_is_dropped_is_missed(small, copy, name, edit, says):
    spoil(copy, name, edit)
    book, made = forms(small, copy)
    found = compare.differences(book, **made)
    assert any(re.search(says, one) for one in found), found


def test_a_lost_weight_is_missed(small, copy):
    def edit(root):
        for node in root.iter(f"{MATHML}mi"):
            node.attrib.pop("mathvariant", None)
    spoil(copy, "more", edit)
    book, made = forms(small, copy)
    found = compare.differences(book, **made)
    assert any("'𝐱=𝑦^+𝝁' on the site" in one for one in found), found


# The PDF

def make(folder, **inputs):
    book = pages.load(folder)
    pdf.compile(pdf.compose(book), folder, folder / "book.pdf", **inputs)
    return (folder / "book.pdf").read_bytes()


def test_the_pdf_is_tagged_titled_and_the_same_twice(copy):
    first = make(copy, paper="a4")
    assert first == make(copy, paper="a4")
    assert b"/StructTreeRoot" in first and b"/Outlines" in first
    assert b"pdfuaid:part" in first
    assert b"/FontDescriptor" in first and b"/FontFile" in first


@pytest.mark.parametrize("paper, size", [("a4", (595, 842)), ("us-letter", (612, 792))])
def test_both_sizes_of_paper(copy, paper, size):
    box = re.search(rb"/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]", make(copy, paper=paper))
    assert tuple(round(float(value)) for value in box.groups()) == size


def test_the_pdf_has_contents_index_notes_and_pages_of_links(copy):
    make(copy)
    text = text_of(copy / "book.pdf")
    assert re.search(r"Contents\s", text)
    assert text.count("A1a: What halving does") == 2
    assert re.search(r"Index of terms\s+halving, [\d, ]+\s", text)
    assert "bisection" not in text
    assert re.search(r"Index of parts\s", text)
    assert "The first note" in text
    assert re.search(r"Table \d+ \(p\.\s\d+\)|Table \d+", text)


def test_french_is_set_as_french(copy):
    source = pdf.compose(pages.load(copy))
    assert '#foreign("fr")[diviser par deux]' in source


def test_a_formula_in_bold_words_is_not_bold(copy):
    # A bold symbol is a letter of its own in the plain font; the bold font means a bold formula.
    def edit(root):
        heading, paragraph = next(root.iter("h1")), next(root.iter("p"))
        for place in (heading, ET.SubElement(paragraph, "strong")):
            place.append(ET.fromstring(MATH.format("", "<mi>x</mi>")))
    spoil(copy, "more", edit)
    assert b"NewCMMath-Bold" not in make(copy)
    template = copy / "template.typ"
    rule = 'show strong: it => text(weight: "bold", it.body)'
    assert rule in template.read_text()
    template.write_text(template.read_text().replace(rule, ""))
    spoilt = typst.compile(copy / "book.typ", root=copy, ignore_system_fonts=True)
    assert b"NewCMMath-Bold" in spoilt


# Papers and answers

def test_a_paper_has_no_answers_and_its_answers_have_all(copy):
    book = pages.load(copy)
    [paper] = pdf.papers(book)
    pdf.compile(pdf.questions(book, paper), copy, copy / "questions.pdf", lines="6")
    pdf.compile(pdf.answers(book, paper), copy, copy / "answers.pdf")
    asked, answered = text_of(copy / "questions.pdf"), text_of(copy / "answers.pdf")
    assert "Halve 5." in asked and "2 points" in asked
    assert "It is 2.5." not in asked and "It divides by two." not in asked
    for words in ("It is 2.5.", "It divides by two.", "Slope of the square"):
        assert words in answered


# The EPUB

def test_the_epub_is_the_same_twice(copy):
    for name in ("one", "two"):
        epub.write(pages.load(copy), copy / f"{name}.epub", WHEN)
    assert (copy / "one.epub").read_bytes() == (copy / "two.epub").read_bytes()
    with zipfile.ZipFile(copy / "one.epub") as archive:
        first = archive.infolist()[0]
        assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
        page = archive.read("book/more.xhtml").decode()
        terms = archive.read("book/index-of-terms.xhtml").decode()
    assert re.search(r"<li>slope: <a href=\"halves.xhtml#\S+\">A1c</a>", terms)
    assert "𝐱" in page and "𝝁" in page and "mathvariant" not in page


def test_epubcheck_finds_nothing(copy):
    checker = Path("/usr/bin/epubcheck")
    if not (checker.exists() and shutil.which("java")):
        pytest.skip("epubcheck and Java are not here to check the EPUB")
    epub.write(pages.load(copy), copy / "book.epub", WHEN)
    done = subprocess.run(["java", "-jar", checker, copy / "book.epub"], capture_output=True,
                          text=True)
    assert "0 fatals / 0 errors / 0 warnings" in done.stdout, done.stdout + done.stderr


# What cannot be printed is an error with its file and line

def fault(folder):
    with pytest.raises((pages.PressError, ExceptionGroup)) as caught:
        make(folder)
    errors = getattr(caught.value, "exceptions", [caught.value])
    return "\n".join(map(str, errors))


def insert(markup, tag="p", number=0):
    def edit(root):
        node = ET.fromstring(markup)
        [*root.iter(tag)][number].append(node)
    return edit


MATH = '<math xmlns="http://www.w3.org/1998/Math/MathML" data-source="book/more.md:7" {}>' \
       "<semantics><mrow>{}</mrow><annotation>x</annotation></semantics></math>"


def test_a_missing_figure(copy):
    for path in (copy / "_images").glob("*.svg"):
        path.unlink()
    assert re.search(r"^book/halves.md:\d+: the image \S+\.svg is missing$", fault(copy))


def test_a_figure_without_words(copy):
    spoil(copy, "halves", lambda root: next(root.iter("img")).attrib.pop("alt"))
    assert re.search(r"book/halves.md:\d+: the image \S+ has no alternative text", fault(copy))


def test_a_formula_outside_of_the_subset(copy):
    spoil(copy, "more", insert(MATH.format("", "<menclose><mi>x</mi></menclose>")))
    assert "book/more.md:7: the formula x cannot be printed: <menclose>" in fault(copy)


def test_a_formula_wider_than_the_page(copy):
    wide = "<mi>x</mi><mo>+</mo>" * 150
    spoil(copy, "more", insert(MATH.format('display="block"', wide), "blockquote"))
    assert "book/more.md:7: the formula is wider than the page: x" in fault(copy)


def test_a_character_that_no_font_has(copy):
    spoil(copy, "more", lambda root: setattr(next(root.iter("blockquote"))[0], "text", "字"))
    said = fault(copy)
    assert re.search(r'book/more.md:2\d: .*the text .*"字".* could not be displayed', said), said


def test_a_table_wider_than_the_page(copy):
    def edit(root):
        [*root.iter("td")][-1].text = "wide" * 60
    spoil(copy, "more", edit)
    said = fault(copy)
    assert re.search(r"^book/more.md:\d+: this is wider than the text, see page \d+", said), said


def test_a_link_that_leads_nowhere(copy):
    spoil(copy, "more", insert('<a href="halves.html#nowhere" data-source="book/more.md:3">x</a>'))
    assert "book/more.md:3: the link halves.html#nowhere leads nowhere" in fault(copy)


def test_a_tag_that_nobody_knows(copy):
    spoil(copy, "more", insert('<video data-source="book/more.md:5"/>', "blockquote"))
    assert "book/more.md:5: <video> cannot be printed" in fault(copy)


def test_the_command_names_the_place_and_fails(copy):
    spoil(copy, "more", insert(MATH.format("", "<maction/>")))
    done = subprocess.run(
        [sys.executable, "-m", "press", "pdf", copy, copy / "book.pdf"], capture_output=True,
        text=True, env={**os.environ, "PYTHONPATH": str(ROOT / "code")})
    assert done.returncode == 1
    assert done.stderr.startswith("press: book/more.md:7: the formula x cannot be printed")
