"""The pages that the builder wrote, as one tree each, and what they point at."""

import json
import posixpath
import re
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

# Classes that say what an element is and give it no look that paper or a reader lacks; the others
# are functions of the template (press.markup) or rules of epub.css.
PLAIN = re.compile(r"""
    math|notranslate|o|go|gp|pre|docutils|literal|reference|internal|external|std|doc|xref|any|py|eq
    |docutils|container|compound|simple|arabic|align-(default|center|left|right)|image-reference
    |headerlink|label|brackets|backrefs|fn-bracket|footnote(-reference|-list)?|footnotes|citation
    |citation-(list|reference)|bibtex-citation|caption-(number|text)|code-block-caption|legend
    |literal-block-wrapper|highlight(-[\w-]+)?|doctest|code|table|head|stub|row-(odd|even)|hlist
    |table-scroll|pst-scrollable-table-container|width-\d+|dataframe|section-number|toctree-[\w-]+
    |colwidths-(given|auto)|longtable|glossary|term|(cell|output|stream|traceback|stderr|text)(_\w+)?
    |tag_[\w-]+|cell|equation|formula|eqno|admonition(-[\w-]+)?|note|warning|tip|important|hint
    |caution|danger|attention|error|seealso|versionadded|versionchanged|versionremoved|deprecated
    |versionmodified|topic(-title)?|sidebar(-title)?|rubric|centered|contents|local|line(-block)?
    |loweralpha|upperalpha|lowerroman|upperroman|attribution|epigraph|highlights|pull-quote
    |field-list|option-list|option|field-(odd|even)|function|method|class|attribute|sig[\w-]*
    |guilabel|menuselection|accelerator|file|samp|command|program|makevar|regexp|mimetype|envvar|token
    |dfn|kbd|pep|rfc|download|viewcode-link|productionlist|language-\w+|default|n|p|w|k|nb|s\d?|m[fi]
    |(std|py|rst|doc|math)-\w+|target|problematic|desc[\w-]*|papers(-[\w-]+)?|errata|build-report
    |derivation(-title)?|define|chain|alone|givens|anchor|step(-mark)?|left|right|reason|wide|weak
    |mistakes|refused|accepted|verdict|source
    |tested|machine|not-checked|tick|visually-hidden|notation|symbol|boxed|amsmath|text-(left|center|right)
    |tex2jax_ignore|mathjax_ignore|myst|added|changed|removed|literal-block|default_value|colon
""".replace(" ", "").replace("\n", ""))


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
        if "title" in more and len(root) and name != facts["root"]:
            more["title"] = heading(root[0])
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


def unknown(node: ET.Element) -> list[str]:
    """The classes of an element that nobody shows.

    Examples
    --------
    >>> unknown(ET.fromstring('<p class="papers-label red"/>'))
    ['red']
    """
    return [name for name in classes(node) if not PLAIN.fullmatch(name)]


def unseen(node: ET.Element, place: str) -> Iterator[PressError]:
    """The classes and styles of an element, and of all in it, that nobody shows on paper."""
    place = node.get("data-source") or place
    for name in unknown(node):
        yield PressError(place, f"the class {name} has no look on paper or in a reader")
    if node.get("style") and node.tag not in ("img", "col"):
        yield PressError(place, f"the style {node.get('style')!r} cannot be printed")
    if node.tag not in ("pre", MATH):  # what is in them has its own rules
        for child in node:
            yield from unseen(child, place)


def heading(section: ET.Element) -> str:
    """The heading of a section in words; of a formula, what it shows."""
    node = next(child for child in section if re.fullmatch(r"h[1-6]", child.tag))
    return " ".join("".join(visible(node)).split())


def visible(node: ET.Element) -> Iterator[str]:
    """The text of an element without the TeX of its formulas."""
    if node.tag == f"{formula.MATHML}annotation":
        return
    yield node.text or ""
    for child in node:
        yield from visible(child)
        yield child.tail or ""


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
