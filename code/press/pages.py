"""The pages that the builder wrote, as one tree each, and what they point at."""

import json
import posixpath
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from . import formula

MATH = f"{formula.MATHML}math"
LEFT_OUT = ("papers-peek",)
"""Classes that neither paper nor a reader shows: what stands elsewhere in the same volume."""
SCREEN_ONLY = ("headerlink", "toctree-wrapper", "machine", "visually-hidden")
"""Classes of what a screen needs and a book does not: permanent links, lists of pages where a table
of contents stands, readings of the machine, words for a screen reader beside a sign."""


class PressError(Exception):
    """Something that cannot be printed: where, and what.

    Parameters
    ----------
    place : str
        ``FILE:LINE``.
    message : str
    """

    def __init__(self, place, message):
        super().__init__(f"{place}: {message}")


@dataclass
class Page:
    """A page of the book."""

    name: str
    root: ET.Element
    source: str
    title: str
    number: str = ""
    depth: int = 1

    def __post_init__(self):
        self.ids = {node.get("id"): node for node in self.root.iter() if node.get("id")}


@dataclass
class Book:
    """What the builder wrote; ``groups`` are pairs of a caption and its pages."""

    folder: Path
    facts: dict
    first: Page
    groups: list[tuple[str, list[Page]]]
    pages: dict[str, Page] = field(default_factory=dict)

    @property
    def terms(self) -> list[list[str]]:
        """The terms of the index, each with its other forms."""
        return self.facts["terms"]

    def __post_init__(self):
        self.pages = {page.name: page
                      for page in [self.first, *(p for _, pages in self.groups for p in pages)]}

    def target(self, page: Page, href: str) -> tuple[Page, str] | None:
        """Page and id that a link leads to; None if it leaves the book.

        Raises
        ------
        KeyError
            If the page has no such id.
        """
        if "://" in href or href.startswith("mailto:"):
            return None
        path, _, anchor = href.partition("#")
        name = page.name
        if path:
            name = unquote(posixpath.normpath(posixpath.join(posixpath.dirname(name), path)))
            name = name.removesuffix(".html")
        if name not in self.pages:
            return None
        if anchor and anchor not in self.pages[name].ids:
            raise KeyError(f"{name} has no {anchor!r}")
        return self.pages[name], anchor


def load(folder: Path) -> Book:
    """Read what the builder wrote."""
    folder = Path(folder)
    facts = json.loads((folder / "book.json").read_text(encoding="utf-8"))

    def page(name, **more):
        path = folder / f"{name}.xml"
        try:
            root = ET.parse(path).getroot()
        except ET.ParseError as error:
            raise PressError(more["source"], f"the markup is not well-formed: {error}") from None
        tidy(root)
        return Page(name, root, **more)

    first = page(facts["root"], title=facts["title"], source=facts["source"])
    groups = [(group["caption"], [page(**entry) for entry in group["pages"]])
              for group in facts["groups"]]
    return Book(folder, facts, first, groups)


def tidy(root: ET.Element) -> None:
    """Take out what is for the screen, and put formulas in order."""
    unwanted = {*SCREEN_ONLY, *LEFT_OUT}
    drop(root, lambda node: not unwanted.isdisjoint(classes(node)))
    for fold in root.iter("details"):
        if "papers-stem-fold" in classes(fold):  # its summary says that it stands above
            drop(fold, lambda node: "papers-fold-body" in classes(node))
    for link in root.iter("a"):
        if link.get("role") == "doc-backlink":  # from an entry to where it is cited
            link.tag, link.attrib = "span", {}
    for math in root.iter(MATH):
        formula.repair(math)


def drop(root: ET.Element, unwanted) -> None:
    """Remove elements, and keep the text that follows them."""
    for parent in list(root.iter()):
        for child in list(parent):
            if unwanted(child):
                place = list(parent).index(child)
                if place:
                    before = parent[place - 1]
                    before.tail = (before.tail or "") + (child.tail or "")
                else:
                    parent.text = (parent.text or "") + (child.tail or "")
                parent.remove(child)


def classes(node: ET.Element) -> list[str]:
    """The classes of an element."""
    return (node.get("class") or "").split()


def text_of(node: ET.Element) -> str:
    """The text of an element in one line; a formula is its TeX."""
    return " ".join("".join(_texts(node)).split())


def _texts(node: ET.Element) -> Iterator[str]:
    if node.tag == MATH:
        yield formula.tex(node)
        return
    yield node.text or ""
    for child in node:
        yield from _texts(child)
        yield child.tail or ""
