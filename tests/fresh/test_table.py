"""Whatever was edited, and in whatever order forms are built, a folder is that of a clean build.

Each row is an edit and an order of builds: the names of forms, ``fast NAME`` for a page built alone
and ``kill PLACE`` for a build of the site that ends there. After the last of them every form that
was built to its end equals, byte for byte, what a build from nothing writes at the same place, or
fails as that does.
"""

import shutil

import pytest
from freshbook import (
    BARE,
    FORMS,
    GONE,
    HALF,
    NO_CHAPTER,
    PICTURE,
    PROSE,
    RESULT,
    SVG,
    TITLE,
    check,
    damaged,
    dated_back,
    edit,
    lost,
    remove,
    renamed_page,
    setting,
    together,
    turned_link,
    unsatisfied,
    write,
)

# name: edit, order
TABLE = {
    # Text.
    "prose": (PROSE, "press html"),
    "prose, with an old date": (dated_back("book/beta.md", PROSE), "html press"),
    "prose of a page that another build read": (PROSE, "fast alpha", "html"),
    "prose, built and undone": (together(
        PROSE, lambda world: world.build("html"),
        edit("book/beta.md", "Other words of beta", "Words of beta")), "html press"),
    "a formula": (edit("book/beta.md", "a + b = c", "a + b = d"), "html singlehtml"),
    "a formula undone": (together(
        edit("book/beta.md", "a + b = c", "a + b = d"), lambda world: world.build("html"),
        edit("book/beta.md", "a + b = d", "a + b = c")), "html"),
    "a comment above": (edit("book/beta.md", "# Beta\n", "% nothing\n\n# Beta\n"), "html press"),
    "what a page includes": (write("book/_said.md", "Other words.\n"), "press html"),
    "what a page includes, by a turned link": (turned_link, "html text"),
    "the words for a picture": (edit("book/beta.md", "alt: a pic", "alt: the pic"), "press html"),
    # References, and what they show of other pages.
    "a label renamed": (edit("book/beta.md", "(the-middle)=", "(the-midst)="), "html"),
    "a label renamed, the page alone": (
        edit("book/beta.md", "(the-middle)=", "(the-midst)="), "fast beta", "html"),
    "a label renamed, another form first": (
        edit("book/beta.md", "(the-middle)=", "(the-midst)="), "press html"),
    "a label renamed everywhere": (together(
        edit("book/beta.md", "(the-middle)=", "(the-midst)="),
        edit("book/intro.md", "`the-middle`", "`the-midst`")), "press html"),
    "a label moved to another page": (together(
        edit("book/beta.md", "(the-middle)=\n", ""),
        edit("book/alpha.md", "(the-start)=", "(the-middle)=\n(the-start)=")), "fast beta", "html"),
    "the name of a figure": (edit("book/beta.md", "name: fig-pic", "name: fig-p"), "html"),
    "the label of an equation": (edit("book/beta.md", "label: eq-sum", "label: eq-s"), "text html"),
    "the label of a derivation": (
        edit("book/halves.md", "label: der-slope", "label: der-s"), "html"),
    "a term renamed": (edit("book/alpha.md", "weight\n  A", "mass\n  A"), "html"),
    "a section retitled": (edit("book/beta.md", "## The middle", "## The midst"), "press html"),
    "a step inserted": (edit(
        "book/halves.md", "= a             -- cancel",
        "= \\frac{4a}{4}  -- twice\n= a             -- cancel"), "html press"),
    "an item of the bibliography": (
        edit("book/references.bib", "title = {One}", "title = {The One}"), "press html"),
    "a citation before the others": (
        edit("book/intro.md", "# Introduction\n", "# Introduction\n\n{cite}`first`\n"),
        "html text"),
    "a citation undone": (together(
        edit("book/intro.md", "# Introduction\n", "# Introduction\n\n{cite}`first`\n"),
        lambda world: world.build("html"),
        edit("book/intro.md", "# Introduction\n\n{cite}`first`\n", "# Introduction\n")),
        "html press"),
    "an item no longer cited": (edit("book/beta.md", " and {cite}`first`", ""), "html press"),
    "an item that is missing": (edit("book/beta.md", "{cite}`first`", "{cite}`third`"), "html"),
    "the style of the bibliography": (
        setting('bibtex_default_style = "unsrt"', 'bibtex_default_style = "alpha"'), "html press"),
    "a missing picture": (remove("book/pic.svg"), "html"),
    # Numbers.
    "a figure inserted": (
        edit("book/alpha.md", "## The start\n", "## The start\n" + PICTURE % ("pic.svg", "f")),
        "html singlehtml"),
    "a figure inserted, the page alone": (
        edit("book/alpha.md", "## The start\n", "## The start\n" + PICTURE % ("pic.svg", "f")),
        "fast alpha", "html"),
    "a caption for a figure without one": (together(
        edit("book/alpha.md", "## The start\n", "## The start\n" + BARE),
        lambda world: [world.build(form) for form in ("html", "press")],
        edit("book/alpha.md", ":alt: another\n", ":alt: another\n\nAnother picture.\n")),
        "html press"),
    "a caption removed": (edit("book/beta.md", "\nA picture.\n", ""), "html"),
    "an equation inserted": (edit(
        "book/beta.md", "```{math}\n", "```{math}\n:label: eq-one\nx = 1\n```\n\n```{math}\n"),
        "press html"),
    "a table inserted": (edit(
        "book/beta.md", "```{list-table} Two",
        "```{list-table} One\n:name: tab-one\n\n* - z\n```\n\n"
        "```{list-table} Two"), "html press"),
    "a chapter before the others": (together(
        write("book/first.md", "# First\n\nWords.\n"),
        edit("book/index.md", "alpha\n", "first\nalpha\n")), "html press"),
    # Titles and neighbours.
    "a page retitled": (TITLE, "html singlehtml"),
    "a page retitled and built alone": (TITLE, "fast beta", "html"),
    "a page added": (together(
        write("book/new.md", "# New\n\nWords.\n"),
        edit("book/index.md", "beta\n", "beta\nnew\n")), "text html"),
    "pages in another order": (
        edit("book/index.md", "alpha\nbeta\n", "beta\nalpha\n"), "press html"),
    "the caption of a part": (edit("book/index.md", "caption: Before", "caption: First"), "html"),
    "a page renamed": (renamed_page, "html press"),
    "a page removed": (GONE, "press html"),
    "a page removed, but not from the contents": (remove("book/tables.md"), "html"),
    "a chapter with a notebook removed": (NO_CHAPTER, "html singlehtml"),
    "a page built, then removed": (together(
        write("book/new.md", "# New\n\nWords.\n" + PICTURE % ("new.svg", "f")),
        write("book/new.svg", SVG.format(4)), edit("book/index.md", "beta\n", "beta\nnew\n"),
        lambda world: [world.build(form) for form in ("html", "text")],
        remove("book/new.md", "book/new.svg"), edit("book/index.md", "new\n", "")), "text html"),
    # Pictures and other files.
    "a picture": (write("book/pic.svg", SVG.format(11)), "press html"),
    "a picture with an old date": (
        dated_back("book/pic.svg", write("book/pic.svg", SVG.format(11))), "html press"),
    "a picture by another name": (together(
        lambda world: world.path("book/pic.svg").rename(world.path("book/p.svg")),
        edit("book/beta.md", "{figure} pic.svg", "{figure} p.svg")), "html singlehtml"),
    "a picture of the same name in another folder": (together(
        write("book/a/pic.svg", SVG.format(12)), edit(
            "book/alpha.md", "## The start\n", "## The start\n" + PICTURE % ("a/pic.svg", "f"))),
        "press html"),
    "a picture no longer shown": (edit(
        "book/beta.md", ":::{figure} pic.svg\n:name: fig-pic\n:alt: a picture\n\nA picture.\n:::\n",
        ":::{figure} p.svg\n:name: fig-pic\n:alt: a picture\n\nA picture.\n:::\n"), "html"),
    "a file to download": (write("book/data.txt", "4\n"), "html singlehtml"),
    "a file to download by another name": (together(
        lambda world: world.path("book/data.txt").rename(world.path("book/numbers.txt")),
        edit("book/intro.md", "<data.txt>", "<numbers.txt>")), "html singlehtml"),
    # Results.
    "a module whose result is shown": (RESULT, "press html"),
    "a module, one page built first": (RESULT, "fast beta", "html"),
    "a module, two forms first": (RESULT, "text singlehtml html"),
    "a comment in a module, which notebooks hold": (
        edit(HALF, "def ", "# half\ndef "), "press html"),
    "a module added, which notebooks hold": (write("code/lesson/more.py", "X = 1\n"), "html"),
    "a module that a run reads as well": (together(
        write("code/lesson/more.py", "X = 1\n"),
        edit(HALF, "def half", "from lesson.more import X\n\n\ndef half")), "html press"),
    "a cell": (edit("book/halves.md", "half(20)", "half(30)"), "press html"),
    "an example": (edit("book/halves.md", ">>> half(5)\n2.5", ">>> half(7)\n3.5"), "html text"),
    # The exam layer.
    "a question, which its answer repeats": (
        edit("book/papers/a.md", "What does halving do", "What would halving do"), "press html"),
    "a short answer, which the paper repeats": (
        edit("book/halves.md", "It divides by two.", "It halves."), "fast halves", "html"),
    "a reason of a step": (edit("book/halves.md", "-- cancel", "-- $a/a$"), "html press"),
    "points, in register and paper": (together(
        edit("book/papers/register.csv", "A1b,A,2", "A1b,A,1"),
        edit("book/papers/a.md", ":points: 2", ":points: 1"),
        edit("book/papers/a.md", ":points: 6", ":points: 5"),
        edit("book/halves.md", "- 2: computes", "- 1: computes")), "press html"),
    "the register alone": (
        edit("book/papers/register.csv", "compute", "explain"), "html"),
    # Theme and settings.
    "a style sheet": (write("book/_static/book.css", "main { color: red }\n"), "press html"),
    "a style sheet removed": (remove("book/_static/extra.css"), "html singlehtml"),
    "a style sheet more": (setting('["book.css"]', '["book.css", "extra.css"]'), "html"),
    "the title of the book": (setting('html_title = "Small"', 'html_title = "Tiny"'), "press html"),
    "the copyright": (setting('"its authors"', '"others"'), "html singlehtml"),
    "a macro": (together(
        setting("typeset_macros = {}", 'typeset_macros = {"\\\\\\\\sum": "\\\\\\\\prod"}'),
        edit("book/beta.md", "a + b = c", "\\sum = c")), "press html"),
    "the words before a number": (setting(
        "numfig = True", 'numfig = True\nnumfig_format = {"figure": "Picture %s"}'), "html text"),
    "no address": (setting("https://example.org/", ""), "html"),
    "files to take along": (setting(
        '= "code/lesson"', '= "code/lesson"\ntypeset_downloads = {"PDF": "s.pdf"}'), "html"),
    "a template": (write(
        "templates/layout.html",
        '{% extends "!layout.html" %}{% block extrahead %}<meta name="x">{% endblock %}'),
        "press html"),
    # The code that makes pages.
    "the frame": (edit(
        "packages/typeset/theme/layout.html", "Skip to the text", "Skip"), "html"),
    "a script of the theme": (edit(
        "packages/typeset/theme/static/site.js", "Everything reads", "All reads"), "html"),
    "how formulas are set": (edit(
        "packages/typeset/mathematics.py", '<span class="math notranslate">',
        '<span class="math">'), "press html"),
    "how formulas are made short": (edit(
        "packages/typeset/compact.py", '"mathnormal": "I"', '"mathnormal": "Ix"'),
        "html singlehtml"),
    "how a notebook is laid out": (edit(
        "packages/typeset/notebooks.py", '"short": "Short answer"', '"short": "In short"'),
        "press html"),
    "how a notebook shows a derivation": (edit(
        "packages/texcheck/markdown.py", '"let": "Let"', '"let": "For"'), "html"),
    "how a folded answer is called": (edit(
        "packages/papers/render.py", "The whole answer to", "All of the answer to"), "press html"),
    "how a marker is read": (edit(
        "packages/papers/sections.py", ": whole answer", ": all of the answer"), "html press"),
    "how a derivation is laid out": (edit(
        "packages/texcheck/render.py", "Not machine-checked:</span>", "Not checked:</span>"),
        "press html"),
    "what is said below a derivation": (edit(
        "packages/texcheck/render.py", "A numerical test, not", "A test, not"), "html text"),
    "how the report is laid out": (edit(
        "packages/execution/report.py", 'heads = ["Run", ', 'heads = ["What", '), "press html"),
    "how pages for print are written": (edit(
        "packages/press/builder.py", 'HEAD = \'<page ', 'HEAD = \'<page class="x" '), "html press"),
    "a checker that nothing satisfies": (
        together(edit("packages/texcheck/store.py", '"""Results', '"""(New) Results'), unsatisfied),
        "html"),
    # What stands in the folders.
    "a page cut short": (damaged("beta.html"), "html"),
    "a page for print cut short": (damaged("beta.xml", "press"), "press"),
    "a text cut short": (damaged("beta.txt", "text"), "text"),
    "a page lost": (lost("html/papers/a.html"), "html"),
    "a picture lost": (lost("html/_images/pic.svg"), "html"),
    "a notebook cut short": (damaged("notebooks/halves.zip"), "html"),
    "the single page cut short": (damaged("index.html", "singlehtml"), "singlehtml"),
    "a file that no build wrote": (write("build/html/old.html", "old"), "html"),
    "the formulas that were kept, damaged": (
        together(PROSE, damaged("formulas/html/beta.json", "doctrees")), "html"),
    "the formulas that were kept, of another page": (together(PROSE, lambda world: shutil.copyfile(
        world.path("build/doctrees/formulas/html/alpha.json"),
        world.path("build/doctrees/formulas/html/beta.json"))), "html"),
    "what was kept, damaged": (damaged(".pages.json"), "html"),
    "the environment lost": (
        together(PROSE, lost("doctrees/environment.pickle")), "press html"),
    "everything but the pages lost": (together(
        TITLE, lambda world: shutil.rmtree(world.path("build/doctrees"))), "html press"),
}

@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE)
def test_the_folder_is_that_of_a_clean_build(world, row):
    change, *order = row
    change(world)
    check(world, order)


def test_the_table_has_every_form_and_edits_enough():
    steps = {step for _, *order in TABLE.values() for one in order for step in one.split()}
    assert steps >= {*FORMS, "fast"} and len(TABLE) >= 90
