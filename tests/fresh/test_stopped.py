"""After a build that was killed or interrupted, wherever, the next one leaves nothing old."""

import pytest
from freshbook import GONE, PROSE, RESULT, TITLE, check, lost, together, write

PLACES = ("reading", "read", "assets", "a page", "half a page", "Ctrl-C", "pages", "end")
STOPPED = {
    f"{name}, a build stopped at: {place}": (change, f"kill {place}", *order)
    for name, change, places, order in (
        ("a module", RESULT, PLACES, ("html",)),
        ("a page retitled", TITLE, PLACES[3:], ("html",)),
        ("a page removed", GONE, ("assets", "a page", "end"), ("press html",)),
        ("a style sheet", write("book/_static/book.css", "p { color: red }\n"),
         ("assets", "half a page"), ("html",)),
        ("the environment lost", together(PROSE, lost("doctrees/environment.pickle")),
         ("Ctrl-C",), ("html",)),
    ) for place in places
}


@pytest.mark.parametrize("row", STOPPED.values(), ids=STOPPED)
def test_a_build_after_one_that_was_stopped(world, row):
    change, *order = row
    change(world)
    check(world, order)


def test_a_failed_build_fails_again(world):
    world.edit("book/beta.md", "(the-middle)=", "(the-midst)=")
    assert [world.build(form)[0] for form in ("html", "html", "press", "html")] == [1] * 4
    world.edit("book/beta.md", "(the-midst)=", "(the-middle)=")
    assert [world.build(form)[0] for form in ("html", "press")] == [0] * 2
