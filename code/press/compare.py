"""The same book three times: what the site, the PDF and the EPUB say, section by section.

Of the PDF its Typst source is compared, which Typst itself turns into HTML with MathML for the
purpose; so what is compared has gone through all of the conversion.
"""

import copy
import re
import unicodedata
import xml.etree.ElementTree as ET
import zipfile
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

from . import formula
from .epub import OPS
from .pages import LEFT_OUT, SCREEN_ONLY, Book, classes, drop

VOID = {"br", "img", "hr", "meta", "link", "input", "col", "wbr", "source"}
HEADING = re.compile(r"h[1-6]")
LEAVES = {"mi", "mo", "mn", "mtext", "ms"}
# One mark under several numbers.
SAME = {"∣": "|", "∥": "‖", "ˆ": "^", "\u0302": "^", "˜": "~", "\u0303": "~", "∼": "~", "‾": "ˉ",
        "\u0304": "ˉ", "¯": "ˉ", "\u0305": "ˉ", "-": "−", "*": "∗", "⋅": "·", "\u20d7": "→",
        "\u0307": "˙", "\u0308": "¨", "\u030c": "ˇ", "\u0306": "˘", "’": "′", "″": "′′", "‴": "′′′"}
UNSEEN = re.compile(r"[\s\u00a0\u2060-\u2064\u200b\u2009\u2005\u2004\u200a\ufe00\ufe0e]")


@dataclass
class Section:
    """What stands between one heading and the next."""

    heading: str
    text: list[str] = field(default_factory=list)
    formulas: list[str] = field(default_factory=list)
    code: list[str] = field(default_factory=list)
    figures: list[str] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)
    footnotes: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What all footnotes of a form say."""


NOTES = "footnotes"
KINDS = ("formulas", "figures", "tables", "code", "footnotes", "links")


class _Reader(HTMLParser):
    """HTML as a tree."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.builder = ET.TreeBuilder()
        self.builder.start("document", {})

    def handle_starttag(self, tag, attributes):
        self.builder.start(tag, {key: value or "" for key, value in attributes})
        if tag in VOID:
            self.builder.end(tag)

    def handle_startendtag(self, tag, attributes):
        self.builder.start(tag, {key: value or "" for key, value in attributes})
        self.builder.end(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            self.builder.end(tag)

    def handle_data(self, data):
        self.builder.data(data)


def read(text: str) -> ET.Element:
    """HTML as a tree without name spaces."""
    reader = _Reader()
    reader.feed(text)
    reader.builder.end("document")
    return reader.builder.close()


def symbols(math: ET.Element) -> str:
    """The symbols of a formula with their weight and face, in the order of MathML.

    Examples
    --------
    >>> symbols(ET.fromstring('<math><mi mathvariant="bold">x</mi><mo>=</mo><mn>1</mn></math>'))
    '𝐱=1'
    >>> symbols(ET.fromstring('<math><mi>x</mi></math>'))
    '𝑥'
    """
    kind = math.tag.rpartition("}")[2]
    if kind == "annotation":
        return ""
    if kind == "munder" and len(math) == 2 and (math[1].text or "").strip() in ("‾", "_"):
        return f"{symbols(math[0])}_"
    if line := {"overline": "ˉ", "underline": "_"}.get(math.get("class")):
        return "".join(map(symbols, math)) + line
    if kind in LEAVES and not len(math):
        return "".join(SAME.get(char, char) for char in _letters(math, kind))
    return "".join(map(symbols, math))


def _letters(leaf, kind):
    text = UNSEEN.sub("", unicodedata.normalize("NFC", leaf.text or ""))
    face = leaf.get("mathvariant")
    if face is None and kind == "mi" and len(text) == 1:
        face = "italic"
    return text if face in (None, "normal") else [formula.styled(char, face) for char in text]


def sections(root: ET.Element, inside) -> list[Section]:
    """The sections of a form of the book; ``inside`` tells whether a link stays in the book."""
    found = [Section("")]
    _walk(root, found, inside)
    return found


def _walk(node, found, inside):
    tag, names = node.tag.rpartition("}")[2], classes(node)
    section = found[-1]
    if tag in ("script", "style", "head"):
        return
    if node.get("role") == "doc-endnotes":
        return  # as the notes of the other forms, see _notes
    if tag == "math":
        section.formulas.append(symbols(node))
        return
    kind = node.get("role") or node.get(f"{{{OPS}}}type")
    if kind in ("doc-noteref", "noteref"):
        section.footnotes.append("")
        return
    if kind in ("doc-footnote", "footnote"):
        return
    if "katex" in names:
        for math in node.iter():
            if math.tag.rpartition("}")[2] == "math":
                section.formulas.append(symbols(math))
        return
    if tag == "pre":
        section.code.append(_squeeze("".join(node.itertext())))
        return
    if tag == "img":
        section.figures.append(_squeeze(node.get("alt", "")))
        return
    if HEADING.fullmatch(tag):
        found.append(Section(""))
        section = found[-1]
    elif tag == "table":
        section.tables.append(f"{sum(1 for row in node.iter() if row.tag.endswith('tr'))} rows")
    elif tag == "a" and inside(node.get("href") or "") and not _turns_back(node):
        section.links.append(_squeeze("".join(node.itertext())))
    section.text.append(node.text or "")
    if tag == "abbr" and node.get("title"):
        node.tail = f" ({node.get('title')}){node.tail or ''}"
    for child in node:
        _walk(child, found, inside)
        found[-1].text.append(child.tail or "")
    if HEADING.fullmatch(tag):
        section.heading = _squeeze("".join(section.text)) + "".join(section.formulas)


def _note(node):
    """What a footnote says, with its formulas, tables and code, without its number."""
    inner = copy.deepcopy(node)
    drop(inner, lambda child: child.get("role") == "doc-backlink"
         or not {"label", "backrefs"}.isdisjoint(classes(child)))
    inner.tag, inner.attrib = "div", {}
    one = [Section("")]
    _walk(inner, one, lambda href: False)
    return _squeeze(" ".join(map(str, ("".join(one[0].text), one[0].formulas, one[0].code,
                                       one[0].tables, one[0].figures))))


def _turns_back(link):
    """Whether a link is the number of a step or of an entry, which leads to where it is used."""
    return link.get("title", "").startswith("step ") or link.get("role") == "doc-backlink"


def _squeeze(text):
    return UNSEEN.sub("", text)


def of_site(book: Book, folder: Path) -> dict[str, list[Section]]:
    """The sections of each page of the site, without what is for the screen alone."""
    result, notes = {}, []
    unwanted = {*SCREEN_ONLY, *LEFT_OUT}
    for page in book.pages.values():
        root = read(Path(folder, f"{page.name}.html").read_text(encoding="utf-8"))
        body = next(node for node in root.iter("section")
                    if any(child.tag == "h1" for child in node))
        drop(body, lambda node: not unwanted.isdisjoint(classes(node)))
        for fold in body.iter("details"):
            if "papers-stem-fold" in classes(fold):
                drop(fold, lambda node: "papers-fold-body" in classes(node))
        notes += _notes(root)
        result[page.name] = sections(body, _stays(book, page))[1:]
    return {NOTES: [Section(NOTES, notes=notes)], **result}


def _stays(book, page):
    def stays(href):
        try:
            return "://" in href or bool(href and book.target(page, href))
        except KeyError:
            return True
    return stays


def of_epub(book: Book, path: Path) -> dict[str, list[Section]]:
    """The sections of each page of the EPUB."""
    with zipfile.ZipFile(path) as archive:
        trees = {page.name: ET.fromstring(archive.read(f"book/{page.name}.xhtml"))
                 for page in book.pages.values()}
    notes = [note for tree in trees.values() for note in _notes(tree)]
    return {NOTES: [Section(NOTES, notes=notes)],
            **{name: sections(tree, bool)[1:] for name, tree in trees.items()}}


def of_pdf(book: Book, html: str) -> dict[str, list[Section]]:
    """The sections of each page of the book's Typst source, given as HTML."""
    root = read(html)
    for node in list(root.iter()):
        if node.tag == "h2":  # the name of a group of pages
            node.tag, node.text = "hr", ""
            for child in list(node):
                node.remove(child)
        elif node.tag == "div" and node.get("role") == "heading":
            node.tag = "h6"
    flat = sections(root, bool)[1:]
    result = {NOTES: [Section(NOTES, notes=_notes(root))]}
    for page in book.pages.values():
        count = sum(1 for node in page.root.iter() if HEADING.fullmatch(node.tag))
        result[page.name], flat = flat[:count], flat[count:]
    return result


def _notes(root):
    """What the footnotes of a form say, wherever it has them."""
    found = []
    for node in root.iter():
        if (node.get("role") or node.get(f"{{{OPS}}}type")) in ("doc-footnote", "footnote"):
            found.append(_note(node))
        elif node.get("role") == "doc-endnotes":
            found += [_note(note) for part in node for note in part if note.tag == "li"]
    return found


def differences(book: Book, **forms: dict[str, list[Section]]) -> list[str]:
    """What one form of the book has and another does not; each is compared with the first."""
    (first, known), *others = forms.items()
    found = []
    for other, form in others:
        mine, theirs = (sorted(one[NOTES][0].notes) for one in (known, form))
        if mine != theirs:
            a, b = next(((a, b) for a, b in zip(mine, theirs, strict=False) if a != b),
                        (len(mine), len(theirs)))
            found.append(f"footnotes differ: {a!r} on the {first}, {b!r} in the {other}")
    for page in book.pages.values():
        for other, form in others:
            mine, theirs = known[page.name], form[page.name]
            if len(mine) != len(theirs):
                found.append(f"{page.source}: {len(mine)} headings on the {first}, "
                             f"{len(theirs)} in the {other}")
            for one, two in zip(mine, theirs, strict=False):
                found += [f"{page.source}, {one.heading!r}: {said}"
                          for said in _differences(one, two, first, other)]
    return found


def _differences(one, two, first, other):
    for kind in KINDS:
        mine, theirs = getattr(one, kind), getattr(two, kind)
        if len(mine) != len(theirs):
            yield f"{len(mine)} {kind} on the {first}, {len(theirs)} in the {other}"
        elif mine != theirs:
            a, b = next((a, b) for a, b in zip(mine, theirs, strict=True) if a != b)
            yield f"{kind} differ: {a!r} on the {first}, {b!r} in the {other}"
    mine, theirs = _squeeze("".join(one.text)), _squeeze("".join(two.text))
    if mine != theirs:
        place = next((i for i, (a, b) in enumerate(zip(mine, theirs, strict=False)) if a != b),
                     min(len(mine), len(theirs)))
        start = max(0, place - 20)
        yield (f"the text differs: {mine[start:place + 30]!r} on the {first}, "
               f"{theirs[start:place + 30]!r} in the {other}")
