"""What a reader sees: the order of a page, its anchors and links, in every output."""

import json
from collections import Counter

import pytest
from bs4 import BeautifulSoup, Tag

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJ"
    "RU5ErkJggg=="
)
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><path d="M0 0L9 9"/></svg>'


def soup(built, name="index.html") -> BeautifulSoup:
    return BeautifulSoup(built.page(name), "html.parser")


def words(node: Tag) -> str:
    return " ".join(node.get_text(" ").replace("¶", "").split())


def doubled_ids(page: BeautifulSoup) -> list[str]:
    ids = Counter(node["id"] for node in page.find_all(id=True))
    return [id for id, n in ids.items() if n > 1]


def dead_links(page: BeautifulSoup) -> list[str]:
    ids = {node["id"] for node in page.find_all(id=True)}
    links = {a["href"] for a in page.find_all("a", href=True) if a["href"].startswith("#")}
    return [link for link in links if len(link) > 1 and link[1:] not in ids]


def test_answer_shows_head_question_an_open_fold_and_a_closed_one(book):
    answer = soup(book.build(), "mlp.html").find(id="A1a")
    parts = [child for child in answer.children if isinstance(child, Tag)]
    assert [(part.name, part.get("class", [])) for part in parts] == [
        ("h2", []),
        ("p", ["papers-head"]),
        ("div", ["papers-question"]),
        ("details", ["papers-fold", "papers-short-fold"]),
        ("details", ["papers-fold", "papers-whole-fold"]),
    ]
    _, head, question, short, whole = parts
    assert short.has_attr("open") and not whole.has_attr("open")
    assert words(head) == (
        "A1a · Paper A · 4 points for the question · explain · back to the question"
    )
    assert [a["href"] for a in head.find_all("a")] == [
        "papers/a.html",
        "papers/a.html#question-A1a",
    ]
    assert words(question) == (
        r"Question 1: two classes The stem says \(W_2\) . (a) First Why is \(a^2\) so?"
    )
    assert words(short) == r"A1a: short answer Because of \(a\) . That is all."
    assert words(whole) == (
        "A1a: whole answer 1 pitfall · 1 variation The rest of A1a. "
        r"Marks says because [1] says \(a\) [0.5] Total, of the 4 for the question [1.5] "
        r"Pitfall: The half of \(x\) wrong -1/2 · right [1, 2] It tempts. "
        "Variation: In another basis It is the same."
    )


def test_anchors_lie_inside_their_folds(book):
    page = soup(book.build(), "mlp.html")
    for anchor, fold in {
        "A1a-short": "papers-short-fold",
        "A1a-marks": "papers-whole-fold",
    }.items():
        assert fold in page.find(id=anchor).find_parent("details")["class"]
    assert page.find(id="A1a").find_parent("details") is None


def test_stem_is_in_full_at_first_and_folded_from_then_on(book):
    page = soup(book.build(), "mlp.html")
    first, second = page.find(id="A1a"), page.find(id="A1b")
    assert first.find(class_="papers-stem") and not first.find(class_="papers-stem-fold")
    fold = second.find("details", class_="papers-stem-fold")
    assert words(fold) == r"Question 1: two classes (as above) The stem says \(W_2\) ."


def test_question_alone_in_its_section_has_no_stem(book):
    question = soup(book.build(), "mlp.html").find(id="A2").find(class_="papers-question")
    assert words(question) == "Question 2 Derive it."


def test_totals_say_what_they_are_part_of(book):
    page = soup(book.build(), "mlp.html")
    totals = [words(node) for node in page.find_all(class_="papers-total")]
    assert totals == [
        "Total, of the 4 for the question [1.5]",
        "Total, of the 4 for the question [2.5]",
        "Total [2]",
        "Total, in marks of our own: the paper prints none [3]",
    ]


def test_paper_shows_questions_with_the_answer_behind_a_link_and_a_fold(book):
    page = soup(book.build(), "papers/a.html")
    question = page.find(id="question-A1a")
    assert words(question) == (
        "(a) First A1a · 4 points for the question · explain "
        r"Why is \(a^2\) so? Answer to A1a "
        r"A1a: short answer Because of \(a\) . That is all. The whole answer to A1a"
    )
    peek = question.find(class_="papers-peek")
    assert {a["href"] for a in peek.find_all("a")} == {"../mlp.html#A1a"}
    assert not peek.find("details").has_attr("open")


def test_paper_shows_what_is_printed_at_its_head(book):
    head = soup(book.build(), "papers/a.html").find(class_="papers-paper")
    assert words(head) == "Title Final exam Points 6 Conditions no notes"


def test_paper_with_a_printed_time_says_how_long_it_lasts(book):
    book.edit("papers/a.md", ":points: 6", ":points: 6\n:time: 23:30-1:00")
    head = soup(book.build(), "papers/a.html").find(id="sit-A")
    assert "Time 23:30-1:00 (90 minutes)" in words(head)
    assert head["data-minutes"] == "90"


def test_part_without_an_answer_links_to_its_question(book):
    text = book.path("mlp.md").read_text(encoding="utf-8")
    text = text[: text.index("## B1")] + "{part}`B1`\n"
    book.path("mlp.md").write_text(text, encoding="utf-8")
    built = book.build()
    assert [line.rpartition(": ")[2] for line in built.warnings] == [
        "no chapter answers it [papers.unanswered]"
    ]
    link = soup(built, "mlp.html").find("a", string="B1")
    assert link["href"] == "papers/b.html#question-B1"
    assert words(soup(built, "papers/b.html").find(class_="papers-peek")) == (
        "B1 is not answered yet."
    )
    assert "B1 : no answer yet" in words(soup(built, "tables.html"))


def test_role_links_to_the_answer_with_words_of_its_own(book):
    page = soup(book.build(), "mlp.html")
    assert page.find("a", string="the second")["href"] == "#A1b"


def test_translation_has_its_language_and_is_folded_where_it_is_repeated(book):
    built = book.build()
    given = soup(built, "papers/b.html").find(class_="papers-translation")
    assert given["lang"] == "fr" and given.name == "div"
    repeated = soup(built, "mlp.html").find(class_="papers-translation-fold")
    assert repeated["lang"] == "fr" and repeated.name == "details"
    assert words(repeated) == "En français Expliquez-le."


def test_stems_of_two_levels(book):
    book.edit("papers/a.md", "### (a) First", "### (a)\n\nInner stem.\n\n#### i")
    question = soup(book.build(), "mlp.html").find(id="A1a").find(class_="papers-question")
    assert words(question) == (
        r"Question 1: two classes The stem says \(W_2\) . (a) Inner stem. i Why is \(a^2\) so?"
    )


def test_tables_list_every_part(book):
    page = soup(book.build(), "tables.html")
    tables = [[words(row) for row in table.find_all("tr")] for table in page.find_all("table")]
    assert len(tables) == 2 + 1 + 3 + 1 + 1
    assert tables[0] == [
        "Part Question Points Kind Chapter",
        "A1a Question 1: two classes › (a) First 4 for the question explain mlp",
        "A1b Question 1: two classes › (b) Second 4 for the question compute mlp",
        "A2 Question 2 2 derive mlp",
    ]
    assert tables[1][1] == "B1 Question 1 none explain mlp"
    assert tables[2][0] == "Part Question Points Kind" and len(tables[2]) == 5
    assert [len(table) - 1 for table in tables[3:6]] == [1, 1, 2]
    assert page.find("a", string="A2")["href"] == "mlp.html#A2"
    assert page.find("a", string="Question 2")["href"] == "papers/a.html#question-A2"


def test_map_shows_points_and_parts_of_each_paper(book):
    page = soup(book.build(), "tables.html")
    table = [[words(cell) for cell in row.find_all(["th", "td"])]
             for row in page.find_all("table")[-2].find_all("tr")]
    assert table == [
        ["Topic", "Papers", "Parts", "Share", "Paper A, of 6", "Paper B"],
        ["mlp", "2 of 2", "4", "100.0 %", "6 : A1a , A1b , A2", "B1"],
    ]


def test_map_takes_the_marks_of_a_part_that_shares_its_points(book):
    register = book.path("register.csv")
    register.write_text(
        register.read_text().replace("A1b,A,4 for the question,compute,mlp",
                                     "A1b,A,4 for the question,compute,deep")
    )
    chapter = book.path("mlp.md").read_text(encoding="utf-8")
    start, end = chapter.index("## A1b"), chapter.index("## A2")
    book.path("deep.md").write_text("# Deep\n\n" + chapter[start:end], encoding="utf-8")
    book.path("mlp.md").write_text(chapter[:start] + chapter[end:], encoding="utf-8")
    book.edit("index.md", "mlp\n", "mlp\ndeep\n")
    built = book.build()
    assert built.warnings == []
    rows = soup(built, "tables.html").find_all("table")[-2].find_all("tr")
    assert [words(row) for row in rows[1:]] == [
        "mlp 2 of 2 3 58.3 % 3.5 : A1a , A2 B1",
        "deep 1 of 2 1 41.7 % 2.5 : A1b –",
    ]


def test_evidence_counts_what_checks_each_answer_and_lists_the_rest(book):
    book.edit("mlp.md", ":::{checked} 7\n:::", ":::{checked} 7 2\nIt is a minimum of $f$.\n:::")
    book.edit("mlp.md", ":::{answer} A1a\n:::", ":::{answer} A1a\n:unchecked: It is known.\n:::")
    book.edit("mlp.md", "See {part}", ":::{checked} 1 1\n:::\n\nSee {part}")
    built = book.build()
    page = soup(built, "tables.html")
    assert words(page.find(class_="papers-totals")) == (
        "4 of 4 parts answered · 8 checked steps · 2 doctests · 3 unchecked steps."
    )
    table = page.find_all("table")[-1]
    assert [words(row) for row in table.find_all("tr")] == [
        "Part Kind Checked steps Doctests Unchecked steps",
        "A1a explain 0 0 0",
        "A1b compute 0 2 0",
        "A2 derive 7 0 2",
        "B1 explain 0 0 0",
        "Perceptrons outside of the answers 1 0 1",
    ]
    listed = [words(item) for item in table.find_next("ul").find_all("li")]
    assert listed == [
        "A1a : It is known.",
        "A1a : words only: no step, doctest, cell or figure",
        r"A2 : It is a minimum of \(f\) .",
        "A2 : a step of a derivation",
        "B1 : words only: no step, doctest, cell or figure",
        "Perceptrons : a step of a derivation",
    ]
    holds = soup(built, "mlp.html").find(id="A2").find(class_="papers-holds")
    assert words(holds) == "7 checked steps · 2 unchecked steps"


@pytest.mark.parametrize("name", ["mlp.html", "papers/a.html", "papers/b.html", "tables.html"])
def test_no_id_twice_and_no_dead_link_on_a_page(book, name):
    page = soup(book.build(), name)
    assert doubled_ids(page) == [] and dead_links(page) == []


def test_single_page_has_no_id_twice_and_no_dead_link(book):
    book.edit("papers/b.md", "## Question 1", "## Question 1: two classes")
    built = book.build("singlehtml")
    assert built.warnings == []
    page = soup(built)
    for outline in page.find_all(class_="sphinxsidebar"):
        outline.decompose()
    for outline in page.find_all(class_="toctree-wrapper"):
        assert outline.get_text().strip()
    assert doubled_ids(page) == [] and dead_links(page) == []
    assert page.find("a", string="A1a")["href"] == "#A1a"


EVERYTHING = [
    "The stem says W_2.",
    "Why is a^2 so?",
    "Because of a. That is all.",
    "The rest of A1a.",
    "says because [1]",
    "Total, of the 4 for the question [1.5]",
    "Pitfall: The half of x",
    "Variation: In another basis",
    ">>> 2 + 2",
    "Expliquez-le.",
    "A lost figure.",
]


def test_text_shows_everything(book):
    built = book.build("text")
    assert built.warnings == []
    chapter, papers = built.page("mlp.txt"), built.page("papers/a.txt")
    for text in EVERYTHING:
        assert text in chapter
    assert chapter.index("A1a: short answer") < chapter.index("A1a: whole answer")
    assert "Because of a. That is all." in papers
    assert "4 of 4 parts answered" in built.page("tables.txt")


def test_latex_shows_everything(book):
    built = book.build("latex", project="Tiny")
    assert built.warnings == []
    text = built.page("tiny.tex")
    for piece in ("The rest of A1a.", "Pitfall: The half of", "A1a: whole answer", "Expliquez"):
        assert piece in text


def test_extracted_texts_hold_each_question_once(book):
    built = book.build("gettext")
    assert built.warnings == []
    assert "The rest of A1a." in built.page("mlp.pot")
    assert "How much is it?" in built.page("papers.pot")
    assert "How much is it?" not in built.page("mlp.pot")


def test_epub_opens_its_folds(book):
    built = book.build("epub", version="1", copyright="us")
    assert built.warnings == []
    chapter = BeautifulSoup(built.page("mlp.xhtml"), "html.parser")
    folds = chapter.find_all("details")
    assert folds and all(fold["open"] == "open" for fold in folds)


def notebook(markdown: list[str]) -> str:
    """A notebook with a markdown cell, a figure, another markdown cell, and so on."""
    figure = {
        "cell_type": "code",
        "execution_count": 1,
        "metadata": {
            "tags": ["remove-input"],
            "mystnb": {"figure": {"caption": "A line goes up.", "name": "fig-line"}},
        },
        "source": "draw()",
        "outputs": [
            {
                "output_type": "display_data",
                "metadata": {},
                "data": {"image/png": PIXEL, "image/svg+xml": SVG, "text/plain": "<Figure>"},
            }
        ],
    }
    cells = [{"cell_type": "markdown", "metadata": {}, "source": text} for text in markdown]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    content = [cells[0], figure, *cells[1:]]
    return json.dumps({"cells": content, "metadata": kernel, "nbformat": 4, "nbformat_minor": 4})


@pytest.fixture
def rich(book):
    """The book with a question that holds a cell's figure, references and a citation."""
    old = book.path("papers/a.md").read_text(encoding="utf-8")
    book.path("papers/a.md").unlink()
    before, after = old.split("Why is $a^2$ so?")
    why = (
        "See {numref}`fig-line`, {ref}`the line <fig-line>`, [that](#other-label), {doc}`b`, "
        "{doc}`../mlp`, {part}`A2` and {cite}`key`.\n\n"
        "$$\nx = 1\n$$ (eq-one)\n\n"
        "| a | b |\n|---|---|\n| 1 | 2 |\n\n"
        "A note.[^n]\n\n[^n]: The note.\n\n"
    )
    after = after.replace("### (b)", "(other-label)=\n### (b)")
    book.path("papers/a.ipynb").write_text(notebook([before, why + after]), encoding="utf-8")
    bib = "@book{key, title={Title}, author={Author, Ann}, year={2000}, publisher={House}}"
    book.path("references.bib").write_text(bib, encoding="utf-8")
    book.edit("tables.md", "# Tables", "# Tables\n\n```{bibliography}\n```")
    book.settings |= {
        "extensions": ["myst_nb", *book.settings["extensions"][1:], "sphinxcontrib.bibtex"],
        "source_suffix": {".md": "myst-nb", ".ipynb": "myst-nb"},
        "nb_execution_mode": "off",
        "bibtex_bibfiles": ["references.bib"],
        "numfig": True,
    }
    return book


def test_question_with_figure_references_and_citation_is_repeated_in_full(rich):
    built = rich.build()
    assert built.warnings == []
    page = soup(built, "mlp.html")
    question = page.find(id="A1a").find(class_="papers-question")
    images = question.find_all("img")
    assert len(images) == 1 and images[0]["src"].endswith(".svg")
    assert (built.folder / "out" / images[0]["src"]).is_file()
    assert words(question.find("figcaption")).startswith("Fig. 1 A line goes up.")
    links = {words(a): a["href"] for a in question.find_all("a", class_="reference")}
    assert links == {
        "Fig. 1": "papers/a.html#fig-line",
        "the line": "papers/a.html#fig-line",
        "that": "papers/a.html#other-label",
        "Paper B": "papers/b.html",
        "Perceptrons": "#",
        "A2": "#A2",
        "Aut00": "tables.html#id2",
        "[1]": "papers/a.html#n",
    }
    for link in links.values():
        name, _, anchor = link.partition("#")
        assert not anchor or soup(built, name or "mlp.html").find(id=anchor)
    assert r"\[x = 1\]" in question.get_text()
    assert question.find("table")
    assert doubled_ids(page) == [] and dead_links(page) == []


def test_figure_is_counted_once_whatever_its_forms(rich):
    text = rich.path("mlp.md").read_text(encoding="utf-8")
    rich.path("mlp.md").unlink()
    before, after = text.split("The rest of A1a.")
    rich.path("mlp.ipynb").write_text(notebook([before, after]).replace("fig-line", "fig-mlp"))
    built = rich.build()
    assert built.warnings == []
    holds = soup(built, "mlp.html").find(id="A1a").find(class_="papers-holds")
    assert words(holds) == "1 cell · 1 figure · 1 pitfall · 1 variation"


@pytest.mark.parametrize("builder", ["singlehtml", "text"])
def test_rich_question_in_other_outputs(rich, builder):
    built = rich.build(builder)
    assert built.warnings == []
    if builder == "singlehtml":
        page = soup(built)
        assert [id for id in doubled_ids(page) if id.startswith(("A1", "question", "stem"))] == []
