"""A page is written only if what it shows, or is made from, has changed."""

import re

import pytest
from freshbook import HALF, PROSE, RESULT, TITLE, edit, setting

ALL = {"404", "search"}  # made anew each time
BOOK = {"index", "intro", "alpha", "beta", "halves", "papers/a", "tables", "report"}

# name: edit, the pages of the site that are written
WRITTEN = {
    "nothing": (lambda world: None, set()),
    "a source with the same text": (lambda world: world.path("book/beta.md").touch(), set()),
    "a line of prose": (PROSE, {"beta"}),
    "a line of prose in an answer": (
        edit("book/halves.md", "Words of the answer.", "Many words\nof the answer."), {"halves"}),
    "a short answer": (edit("book/halves.md", "It divides", "It cuts"), {"halves", "papers/a"}),
    "a section title that a page refers to": (
        edit("book/beta.md", "The middle part", "The midst"), {"beta", "intro", "index"}),
    "a page title, which every menu shows": (TITLE, BOOK),
    "a result": (RESULT, {"halves"}),
    "a module with the same results": (edit(HALF, "def ", "# half\ndef "), set()),
    "a setting that no page shows": (setting("nitpicky = True", "nitpicky = False"), set()),
    "where files to take along are": (setting(
        '= "code/lesson"', '= "code/lesson"\ntypeset_downloads = {"PDF": "s.pdf"}'), {"index"}),
    "how derivations are laid out": (edit(
        "packages/texcheck/render.py", "A numerical test, not", "A test, not"), {"halves"}),
    "how derivations are written": (edit(
        "packages/texcheck/render.py", 'CLASS="derivation")', 'CLASS="derivation x")'),
        {"halves"}),
    "the checker": (edit(
        "packages/texcheck/store.py", '"""Results', '"""(New) Results'), set()),
    "how runs are reported": (edit(
        "packages/execution/report.py", 'heads = ["Run", ', 'heads = ["What", '), {"report"}),
    "how pages for print are written": (edit(
        "packages/press/builder.py", "HEAD = '<page ", 'HEAD = \'<page class="x" '), set()),
}


@pytest.mark.parametrize("row", WRITTEN.values(), ids=WRITTEN)
def test_pages_that_are_written(world, row):
    change, wanted = row
    change(world)
    before = world.written("html")
    assert world.build() == (0, "")
    after = world.written("html")
    assert {name for name in after if after[name] != before.get(name)} - ALL == wanted


@pytest.mark.parametrize("change", [
    lambda world: None, PROSE,
    edit("book/beta.md", "Words of beta", "Words\n\n% more\n\nof beta"),
    edit("book/halves.md", "Words of the answer.", "Many words."),
], ids=["nothing", "a line", "more lines above citations", "in an answer"])
def test_no_other_page_is_even_resolved(world, change):
    change(world)
    assert world.build() == (0, "")
    assert "0 resolved and found as they are" in world.log


@pytest.mark.parametrize("name, old, new, runs, checks", [
    ("texcheck/render.py", '"""', '"""(New) ', False, False),
    ("texcheck/directive.py", '"""The', '"""(New) The', False, False),
    ("execution/report.py", '"""What', '"""(New) What', False, False),
    ("papers/render.py", '"""When', '"""(New) When', False, False),
    ("typeset/site.py", '"""What', '"""(New) What', False, False),
    ("execution/tracing.py", '"""', '"""(New) ', True, True),
    ("texcheck/store.py", '"""', '"""(Judged anew) ', False, True),
    ("texcheck/new/folder.py", None, "", False, True),
])
def test_what_is_run_and_checked_again(world, name, old, new, runs, checks):
    if old is None:
        world.write(f"packages/{name}", new)
    else:
        path = world.path(f"packages/{name}")
        path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    assert world.build() == (0, "")
    ran = re.findall("^execution: (cells|derivation) halves", world.log, re.MULTILINE)
    assert (("cells" in ran), ("derivation" in ran)) == (runs, checks)
