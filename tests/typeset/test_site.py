"""What a page says of itself, and the files beside the pages."""

import re
import zipfile

import pytest
from bs4 import BeautifulSoup
from tinybook import build, write
from typeset import offline
from typeset.compact import UnknownStyle, compact
from typeset.notebooks import UnknownDirective, notebook
from typeset.site import POLICY

# The inherited theme asks Sphinx for what Sphinx will rename.
pytestmark = pytest.mark.filterwarnings("ignore:'sphinx_book_theme")

SETTINGS = {
    "extensions": ["myst_nb", "typeset"],
    "html_theme": "book-theme",
    "html_title": "Tiny",
    "html_math_renderer": "katex",
    "html_additional_pages": {"404": "404.html"},
    "myst_enable_extensions": ["dollarmath"],
    "html_baseurl": "https://example.org/tiny/",
    "nb_execution_mode": "off",
    "nitpicky": True,
}
PAGES = {
    "index.md": "# Tiny\n\nA formula $a_1$ first.\n\nThen plain words.\n\n"
                "```{toctree}\nsub/a\n```\n",
    "sub/a.md": "# A\n\n## Réseau\n\nMots et $b$.\n\n```{list-table}\n:widths: 30 70\n"
                ":header-rows: 1\n\n* -\n  - $x$\n* - 1\n  - 2\n```\n",
}


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    built = build(write(tmp_path_factory.mktemp("site"), PAGES), **SETTINGS)
    assert (built.exit_code, built.warnings) == (0, [])
    return built


def soup(book, name):
    return BeautifulSoup(book.page(name), "html.parser")


def test_a_page_is_built_alone_and_the_others_later(tmp_path):
    index = PAGES["index.md"].replace("sub/a", "sub/a\nb")
    folder = write(tmp_path, PAGES | {"index.md": index, "b.md": "# B\n\nOther words.\n"})
    alone = build(folder, only=["sub/a.md"], **SETTINGS)
    assert (alone.exit_code, alone.warnings) == (0, [])
    assert "Mots" in alone.page("search-index.js") and not (folder / "out/b.html").exists()
    whole = build(folder, **SETTINGS)
    assert (whole.exit_code, whole.warnings) == (0, [])
    assert "Other words" in whole.page("search-index.js")


def test_a_page_says_what_and_where_it_is(book):
    page = soup(book, "sub/a.html")
    assert page.find("link", rel="canonical")["href"] == "https://example.org/tiny/sub/a.html"
    assert page.title.get_text() == "A · Tiny"
    first = soup(book, "index.html")
    assert first.find("meta", attrs={"name": "description"})["content"] == "Then plain words."
    assert first.find("meta", property="og:description")["content"] == "Then plain words."


def test_a_page_has_the_policy_and_nothing_that_it_forbids(book):
    for name in ("index.html", "sub/a.html", "404.html", "search.html"):
        page = soup(book, name)
        policy = page.find("meta", attrs={"http-equiv": "Content-Security-Policy"})
        assert policy["content"] == POLICY
        assert not page.find(style=True) and not page.find("style")
        assert all(script.get("src") for script in page.find_all("script"))


def test_the_files_beside_the_pages(book):
    assert "<loc>https://example.org/tiny/sub/a.html</loc>" in book.page("sitemap.xml")
    assert "Sitemap: https://example.org/tiny/sitemap.xml" in book.page("robots.txt")
    used = set(re.findall(r"\b[A-Z]-?\d+\b", " ".join(
        " ".join(tag["class"]) for tag in soup(book, "index.html").find_all(class_=True))))
    lengths = book.page("_static/formulas.css")
    assert used and all(f".{name}" in lengths for name in used - {"Z63"} | {"width-30"})


def test_a_page_that_is_not_there_reads_its_links_from_the_root(book):
    page = soup(book, "404.html")
    assert page.find("base")["href"] == "/tiny/"
    assert not page.find("link", rel="canonical")
    assert not soup(book, "sub/a.html").find("base")


def test_the_search_knows_sections_and_leaves_formulas_out(book):
    index = book.page("search-index.js")
    assert '["reseau", "Réseau", "Mots et ' in index
    assert '["tiny", "Tiny", "A formula first. Then plain words."]' in index


def test_a_table_scrolls_and_its_corner_is_no_heading(book):
    table = soup(book, "sub/a.html").find("table")
    assert table.find_parent(class_="table-scroll")
    assert [cell.name for cell in table.find("tr").find_all(["td", "th"])] == ["td", "th"]
    assert [column["class"] for column in table.find_all("col")] == [["width-30"], ["width-70"]]


def test_the_scripts_and_sheets_of_the_inherited_theme_are_gone(book):
    static = book.folder / "out" / "_static"
    assert not list(static.rglob("*fontawesome*")) and not list(static.rglob("*.html"))
    assert not list(static.rglob("bootstrap*"))


def test_a_length_without_a_class_is_an_error():
    with pytest.raises(UnknownStyle, match="color:red, which"):
        compact('<span class="katex-html"><span style="color:red">x</span></span>')


def test_an_offline_bundle_of_nothing_is_refused(tmp_path, capsys):
    assert offline.main(tmp_path, tmp_path / "book.zip") == 1
    assert "build it first (make html)" in capsys.readouterr().err


def test_an_offline_bundle_lets_files_in_and_no_other_host(book, tmp_path):
    target = tmp_path / "tiny.zip"
    assert offline.main(book.folder / "out", target) == 0
    page = zipfile.ZipFile(target).read("tiny/index.html").decode()
    policy = BeautifulSoup(page, "html.parser").find("meta", attrs={"http-equiv": True})["content"]
    assert policy == POLICY.replace("'self'", "'self' file:")


def test_a_notebook_has_the_cells_the_examples_and_the_words():
    page = (
        "---\nfile_format: mystnb\n---\n(label)=\n# A\n\n:::{answer} A1a\n:::\n\n"
        ":::{marks}\n- 1: x\n:::\n\n"
        ":::{proof} D\n:label: der\na = b\n:::\n\n"
        "```{code-cell} ipython3\n---\ntags: [x]\n---\n1 + 1\n```\n\nSee {part}`A1a`.\n"
    )
    proof = {"proof": lambda title, body: [f"**Proof of {title}**", "", f"${body[-1]}$"]}
    cells = notebook(page, "Tiny", proof).cells
    assert [cell.cell_type for cell in cells] == ["markdown", "code", "markdown"]
    assert cells[1].source == "1 + 1"
    assert cells[2].source == "See A1a."
    words = cells[0].source
    for piece in ("# A", "**Marks**\n\n- 1: x", "**Proof of D**\n\n$a = b$"):
        assert piece in words
    assert ":::" not in words and "label" not in words


@pytest.mark.parametrize("options", [
    "---\ntags: [raises-exception, hide-input]\n---\n", ":tags: [raises-exception, hide-input]\n",
    ":tags: raises-exception, hide-input\n",
    "---\ntags:\n- raises-exception\n- hide-input\n---\n",
])
def test_a_notebook_keeps_the_tags_of_a_cell(options):
    [_, cell] = notebook(f"# A\n\n```{{code-cell}} ipython3\n{options}1 / 0\n```\n", "Tiny").cells
    assert cell.metadata == {"tags": ["raises-exception", "hide-input"]}
    assert cell.source == "1 / 0"


def test_a_cell_that_is_not_to_run_says_so_in_the_notebook():
    page = "# A\n\n```{code-cell} ipython3\n:tags: [skip-execution]\ninput()\n```\n"
    assert notebook(page, "Tiny").cells[1].metadata.tags == ["skip-execution"]


def test_a_notebook_shows_equations_and_admonitions_and_names_what_it_cannot():
    page = "# A\n\n```{math}\n:label: eq-x\nx\n```\n\n:::{note}\nCareful.\n:::\n"
    words = notebook(page, "Tiny").cells[0].source
    assert "$$\nx\n$$" in words and "**Note**\n\nCareful." in words
    with pytest.raises(UnknownDirective, match=r"{video}") as caught:
        notebook(page + "\n```{video} a\n```\n", "Tiny")
    assert caught.value.line == 12


def test_a_directive_that_the_notebook_cannot_show_ends_the_build_at_its_line(tmp_path):
    page = "# A\n\n```python\nimport lesson\n```\n\n```{epigraph}\nx\n```\n"
    folder = write(tmp_path, {"index.md": page})
    (folder / "lesson").mkdir()
    bad = build(folder, **SETTINGS, typeset_package=str(folder / "lesson"))
    assert bad.exit_code == 1
    assert bad.warnings == [
        "index.md:7: WARNING: a notebook cannot show the directive {epigraph}: "
        "typeset/notebooks.py has no translation of it [typeset.notebook]"]


def test_what_the_policy_forbids_ends_the_build(tmp_path):
    page = '# A\n\ntext\n\n<p style="color: red">x</p>\n'
    bad = build(write(tmp_path, {"index.md": page}), **SETTINGS)
    assert bad.exit_code == 1
    assert re.match(r"index.md:5: WARNING: the policy of a page forbids this", bad.warnings[0])


SINGLE = {
    "index.md": "# Tiny\n\n```{toctree}\na\nb\n```\n",
    **{f"{name}.md": f"# {name}\n\n## Same\n\nA[^one] $x_1^2$, [here](#t-{name}).\n\n"
                     f"(t-{name})=\n## Target\n\n```{{list-table}} Numbers\n* - 1\n```\n\n"
                     f"[^one]: Note of {name}.\n" for name in "ab"},
}


def test_the_single_page_has_every_id_once_and_no_style(tmp_path):
    made = build(write(tmp_path, SINGLE), builder="singlehtml", numfig=True, **SETTINGS)
    assert made.warnings == []
    page = soup(made, "index.html")
    ids = [tag["id"] for tag in page.find_all(id=True)]
    assert len(ids) == len(set(ids)) and {"same", "b-same"} <= set(ids)
    assert not page.find(style=True) and not page.find("style")
    assert page.find("link", href=re.compile("formulas.css"))
    lengths = made.page("_static/formulas.css")
    used = {name for tag in page.select(".katex [class]") for name in tag["class"]}
    assert all(f".{name}" in lengths for name in used if re.fullmatch(r"[T]-?\d+", name))
    notes = page.select("aside[role=doc-footnote]")
    marks = page.select("a[role=doc-noteref]")
    assert [mark["href"] for mark in marks] == [f"#{note['id']}" for note in notes]
    assert [note.p.get_text() for note in notes] == ["Note of a.", "Note of b."]
    # What leads to a mark from its note is on the page too.
    assert all(page.find(id=link["href"][1:]) for link in page.select("a[role=doc-backlink]"))
