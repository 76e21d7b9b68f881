"""The index: where the parts are asked and answered, and where each term is what the text is about.

A term stands in the index where it stands in a heading, a title, a caption, in emphasis or in a
short answer, not wherever it occurs; one that stands in none of these, where it occurs.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import NamedTuple

from .pages import Book, Page, classes, text_of

HEADINGS = {"h1", "h2", "h3", "h4", "em", "strong", "dt", "figcaption", "caption"}
TITLES = {"derivation-title", "papers-short", "papers-label"}
NOT_THERE = {"papers-question", "papers-stem", "papers-translation", "papers-question-section",
             "papers-peek", "papers-restored", "citation", "footnote"}


class Place(NamedTuple):
    """A place in the book; ``name`` is that of the part or section around it."""

    page: Page
    anchor: str
    name: str


def parts(book: Book) -> list[tuple[str, Place | None, Place | None]]:
    """Each part with where it is asked and where it is answered, in the order of the papers."""
    asked, answered = {}, {}
    for page in book.pages.values():
        for section in page.root.iter("section"):
            id = section.get("id")
            if "papers-question-section" in classes(section):
                part = id.removeprefix("question-")
                asked[part] = Place(page, id, part)
            elif "papers-answer-section" in classes(section):
                answered[id] = Place(page, id, id)
    return [(part, asked.get(part), answered.get(part)) for part in {**asked, **answered}]


def terms(book: Book) -> list[tuple[str, list[Place]]]:
    """Each term with its places, in the order of the alphabet; those without a place are left out.

    Elements that need one are given an id.
    """
    found: dict[str, list[Place]] = {line[0]: [] for line in book.terms}
    _look(book, book.terms, _is_prominent, found)
    _look(book, [line for line in book.terms if not found[line[0]]], _is_text, found)
    return sorted(((term, places) for term, places in found.items() if places),
                  key=lambda entry: (entry[0].lower(), entry[0]))


def _look(book, lines, kind, found):
    """Find places of terms in elements of some kind, one for each part or page."""
    patterns = [(line[0], pattern(line)) for line in lines]
    count = 0
    for page in book.pages.values():
        for node, name, owner in _elements(page.root, page.title, page.root, kind):
            text = text_of(node)
            hits = [term for term, regex in patterns if regex.search(text)]
            hits = [term for term in hits if all(one.name != name for one in found[term])]
            if hits and not owner.get("id"):
                count += 1
                owner.set("id", f"index-{kind.__name__.strip('_')}-{count}")
                page.ids[owner.get("id")] = owner
            for term in hits:
                found[term].append(Place(page, owner.get("id"), name))


def pattern(line: list[str]) -> re.Pattern:
    """What a term looks like in the text: any of its forms, with a plural s.

    Examples
    --------
    >>> bool(pattern(["dropout"]).search("Dropouts at test time"))
    True
    >>> bool(pattern(["ELBO", "lower bound"]).search("belbo"))
    False
    """
    forms = "|".join(re.escape(form) for form in line)
    case = 0 if line[0].isupper() else re.IGNORECASE
    return re.compile(rf"(?<![\w-])(?:{forms})s?(?![\w-])", case)


def _is_prominent(node):
    return node.tag in HEADINGS or not TITLES.isdisjoint(classes(node))


def _is_text(node):
    return node.tag == "p"


def _elements(node, name, section, kind) -> Iterator[tuple[ET.Element, str, ET.Element]]:
    """Elements of a kind.

    Each comes with the name of the part or page around it, and with the element to link to: of a
    heading, its section.
    """
    names = set(classes(node))
    if names & NOT_THERE:
        return
    if "papers-answer-section" in names:
        name = node.get("id")
    section = node if node.tag == "section" else section
    if kind(node):
        yield node, name, section if re.fullmatch("h[1-6]", node.tag) else node
        return
    for child in node:
        yield from _elements(child, name, section, kind)
