"""An EPUB 3 of the book: its pages as XHTML with MathML, one style sheet, the figures."""

import copy
import posixpath
import re
import time
import uuid
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from . import formula, index
from .pages import MATH, Book, Page, PressError, heading, unseen

XHTML = "http://www.w3.org/1999/xhtml"
OPS = "http://www.idpf.org/2007/ops"
NOTES = {"doc-noteref": "noteref", "doc-footnote": "footnote"}
STYLE = Path(__file__).with_name("epub.css")
FOLDER = "book"
INDEX = "index-of-terms.xhtml"
HEAD = """<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"
 lang={language} xml:lang={language}>
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<title>{title}</title>
<link rel="stylesheet" href={style}/>
</head>
"""
CONTAINER = f"""<?xml version="1.0" encoding="utf-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles>
<rootfile full-path="{FOLDER}/book.opf" media-type="application/oebps-package+xml"/>
</rootfiles>
</container>
"""
MEDIA = {".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg", ".gif": "image/gif"}
KEPT = {"id", "class", "href", "src", "alt", "lang", "title", "start", "colspan", "rowspan",
        "style"}

SHOWN = {"page", "section", "p", "div", "span", "a", "em", "strong", "code", "samp", "kbd", "abbr",
         "sup", "sub", "br", "b", "i", "u", "s", "del", "ins", "mark", "small", "cite", "dfn",
         "var", "img", "figure", "figcaption", "table", "caption", "colgroup", "col", "thead",
         "tbody", "tfoot", "tr", "th", "td", "ul", "ol", "li", "dl", "dt", "dd", "pre",
         "blockquote", "hr", "aside", "details", "summary", "h1", "h2", "h3", "h4", "h5", "h6"}

ET.register_namespace("", XHTML)
ET.register_namespace("epub", OPS)
ET.register_namespace("m", formula.MATHML.strip("{}"))


def write(book: Book, output: Path, when: int) -> None:
    """Write the file; ``when`` is a time in seconds since 1970, for the date of the last change.

    Raises
    ------
    ExceptionGroup
        Of all that cannot be shown, each with its place.
    """
    problems: list[PressError] = []
    images: dict[str, Path] = {}
    documents = {"title.xhtml": title_page(book)}
    terms = index.terms(book)
    mathematical = set()
    for page in book.pages.values():
        name = f"{page.name}.xhtml"
        documents[name], formulas = document(book, page, images, problems)
        if formulas:
            mathematical.add(name)
    if problems:
        raise ExceptionGroup("this cannot be shown", problems)
    if terms:
        documents[INDEX] = index_page(book, terms)
    documents["contents.xhtml"] = contents(book, bool(terms))
    files = {f"{FOLDER}/{name}": text for name, text in documents.items()}
    files[f"{FOLDER}/style.css"] = STYLE.read_text(encoding="utf-8")
    files |= {f"{FOLDER}/{name}": image(path) for name, path in sorted(images.items())}
    files[f"{FOLDER}/book.opf"] = package(book, list(documents), sorted(images), mathematical, when)
    with zipfile.ZipFile(output, "w") as archive:
        put(archive, "mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        put(archive, "META-INF/container.xml", CONTAINER)
        for name in sorted(files):
            put(archive, name, files[name])


def put(archive: zipfile.ZipFile, name: str, content: str | bytes, way=zipfile.ZIP_DEFLATED):
    """Add a file without the time and the machine in it."""
    entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    entry.compress_type, entry.external_attr, entry.create_system = way, 0o644 << 16, 3
    archive.writestr(entry, content)


def image(path: Path) -> str | bytes:
    """An image as a reader takes it: of an SVG, the drawing alone."""
    if path.suffix != ".svg":
        return path.read_bytes()
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"<!DOCTYPE.*?>", "", text, count=1, flags=re.S)
    text = re.sub(r"<metadata>.*?</metadata>", "", text, count=1, flags=re.S)
    # The outline of a blank is a path without a description, which SVG 1.1 does not allow.
    return re.sub(r"<path(?![^>]*\sd=)", '<path d="M0 0"', text)


def document(book, page: Page, images, problems) -> tuple[str, int]:
    """A page as XHTML, and how many formulas it has."""
    root = copy.deepcopy(page.root)
    problems += unseen(root, f"{page.source}:1")
    formulas = 0
    for math in root.iter(MATH):
        formulas += 1
        try:
            formula.typst(math)  # what cannot be printed is not in a reader either
        except formula.FormulaError as error:
            problems.append(PressError(
                math.get("data-source") or page.source,
                f"the formula {formula.tex(math)} cannot be shown: {error}"))
        show(math)
    for node in list(root.iter()):
        if not node.tag.startswith("{"):
            element(book, page, node, images, problems)
    root.tag = f"{{{XHTML}}}body"
    body = ET.tostring(root, encoding="unicode")
    title = f"{page.number}. {page.title}" if page.number else page.title
    return f"{head(book, page.name, title)}{body}\n</html>\n", formulas


def head(book, name, title):
    """The head of a page of the EPUB."""
    style = posixpath.relpath("style.css", posixpath.dirname(name) or ".")
    return HEAD.format(language=quoteattr(book.facts["language"]), title=escape(title),
                       style=quoteattr(style))


def show(math):
    """A formula as browsers read MathML, with its TeX as alternative text.

    What they do not read (faces of letters, sides and lines of columns, boxes) becomes letters of
    Unicode and styles.
    """
    tex = formula.tex(math)
    semantics = math[0]
    row = semantics[0]
    math.remove(semantics)
    math.append(row)
    for node in math.iter():
        name = node.tag.removeprefix(formula.MATHML)
        node.attrib.pop("data-class", None)
        if node.text and node.get("mathvariant", "normal") != "normal":
            face = node.attrib.pop("mathvariant")
            node.text = "".join(formula.styled(char, face) for char in node.text)
        if name in ("munder", "mover", "munderover"):
            limits(node, node.attrib.pop("data-limits", None))
        if name == "mtable":
            columns(node)
        elif name == "menclose":
            boxed(node, "boxed")
        elif name in ("mover", "munder") and node[1].text == "‾":
            node.remove(node[1])
            boxed(node, "overline" if name == "mover" else "underline")
        elif name == "mspace" and node.attrib.pop("mathbackground", None):
            node.set("style", "background: currentcolor;")
        elif name == "mo" and formula.grows(node):
            node.set("stretchy", "true")
        elif name == "mo" and node.get("maxsize") and node.text in "/\\":
            node.set("lspace", "0em")
            node.set("rspace", "0em")
    tail, display = math.tail, math.get("display")
    math.attrib.clear()
    math.set("alttext", tex)
    if display:
        math.set("display", display)
    math.tail = tail


def limits(node, moving):
    """Whether the limits of an operator stand beside it where it is small; a name is one."""
    base = node[0]
    if len(base) == 2 and base[1].text == formula.APPLY and moving:
        base.tag, base.text = f"{formula.MATHML}mo", base[0].text
        base.attrib = {"form": "prefix", "lspace": "0em", "rspace": "0.1667em"}
        del base[:]
    if base.tag == f"{formula.MATHML}mo" and (moving or base.text in formula.LARGE):
        base.set("movablelimits", "true" if moving else "false")


def boxed(node, name):
    """An element as a row with a border, of which the style sheet has the class."""
    node.tag = f"{formula.MATHML}mrow"
    node.attrib.clear()
    node.set("class", name)


def columns(table):
    """The sides, the distances and the lines of the columns and rows of a table as styles."""
    given = {key: (table.attrib.pop(key, None) or default).split()
             for key, default in (("columnalign", "center"), ("columnspacing", "1em"),
                                  ("columnlines", "none"), ("rowlines", "none"),
                                  ("rowspacing", "0.16em"))}

    def at(key, place):
        return given[key][min(place, len(given[key]) - 1)]

    for number, row in enumerate(table):
        for place, cell in enumerate(row):
            side = at("columnalign", place)
            sides = [f"text-align: {side}", f"text-align: -webkit-{side}"]
            left = half(at("columnspacing", place - 1)) if place else "0"
            right = half(at("columnspacing", place)) if place + 1 < len(row) else "0"
            gap = "0.3em" if at("rowspacing", 0) == "0.25em" else "0.2em"
            sides.append(f"padding: {gap} {right} {gap} {left}")
            if place + 1 < len(row) and at("columnlines", place) == "solid":
                sides.append("border-right: 0.05em solid")
            if number + 1 < len(table) and at("rowlines", number) == "solid":
                sides.append("border-bottom: 0.05em solid")
            cell.set("style", "; ".join(sides) + ";")


def half(length):
    """Half of a length in em."""
    return f"{float(length.removesuffix('em')) / 2:g}em"


def element(book, page, node, images, problems):
    """An element of a page as one of XHTML."""
    place = node.get("data-source") or page.source
    kind = NOTES.get(node.get("role"))
    if node.tag not in SHOWN:
        problems.append(PressError(place, f"<{node.tag}> cannot be shown in a reader"))
    for name in [name for name in node.attrib if name not in KEPT]:
        del node.attrib[name]
    if kind:
        node.set(f"{{{OPS}}}type", kind)
    elif node.tag == "aside":
        node.tag = "div"
    if node.get("lang"):
        node.set("{http://www.w3.org/XML/1998/namespace}lang", node.get("lang"))
    if node.tag == "a" and node.get("href"):
        link(book, page, node, place, problems)
    if node.tag == "img":
        path = Path(book.folder, page.name).parent / node.get("src")
        if not path.is_file():
            problems.append(PressError(place, f"the image {path.name} is missing"))
        elif path.suffix not in MEDIA:
            problems.append(PressError(place, f"the image {path.name} is of an unknown kind"))
        images[posixpath.normpath(posixpath.join(posixpath.dirname(page.name),
                                                 node.get("src")))] = path
    node.tag = {"details": "div", "summary": "p"}.get(node.tag, node.tag)
    node.tag = f"{{{XHTML}}}{node.tag}"


def link(book, page, node, place, problems):
    """A link to where the page stands in the EPUB; without one the text alone is left."""
    href = node.get("href")
    try:
        found = book.target(page, href)
    except KeyError as error:
        problems.append(PressError(place, f"the link {href} leads nowhere: {error.args[0]}"))
        return
    if found:
        target, anchor = found
        here = posixpath.dirname(page.name) or "."
        path = "" if target is page and anchor else quote(
            posixpath.relpath(f"{target.name}.xhtml", here))
        node.set("href", path + (f"#{anchor}" if anchor else ""))
    elif "://" not in href:
        node.tag = "span"
        del node.attrib["href"]


def title_page(book) -> str:
    """The first page."""
    facts = {key: escape(value) for key, value in book.facts.items() if isinstance(value, str)}
    return (f"{head(book, 'title', book.facts['title'])}<body class=\"title-page\">\n"
            f"<h1>{facts['title']}</h1>\n<p>{facts['subtitle']}</p>\n<p>{facts['author']}</p>\n"
            f"<p>Version {facts['version']} · © {facts['copyright']}</p>\n</body>\n</html>\n")


def index_page(book, terms) -> str:
    """The index of terms; a place is named by the part or page that it stands in."""
    lines = []
    for term, places in terms:
        links = ", ".join(
            f"<a href={quoteattr(f'{quote(place.page.name)}.xhtml#{place.anchor}')}>"
            f"{escape(place.name)}</a>" for place in places)
        lines.append(f"<li>{escape(term)}: {links}</li>\n")
    return (f"{head(book, 'terms', 'Index of terms')}<body>\n<h1>Index of terms</h1>\n<ul>\n"
            f"{''.join(lines)}</ul>\n</body>\n</html>\n")


def contents(book, indexed) -> str:
    """The table of contents: groups, pages, and their sections."""
    out = [head(book, "contents", "Contents"),
           '<body>\n<nav epub:type="toc" id="toc"><h1>Contents</h1>\n<ol>\n']
    out.append(entry(book.first))
    for caption, pages in book.groups:
        entries = "".join(entry(page) for page in pages)
        if caption:
            entries = f"<li><span>{escape(caption)}</span>\n<ol>\n{entries}</ol></li>\n"
        out.append(entries)
    if indexed:
        out.append(f'<li><a href="{INDEX}">Index of terms</a></li>\n')
    first = next(iter(book.pages))
    out.append('</ol></nav>\n<nav epub:type="landmarks" hidden="hidden"><h2>Landmarks</h2><ol>\n'
               '<li><a epub:type="toc" href="contents.xhtml">Contents</a></li>\n'
               f'<li><a epub:type="bodymatter" href="{first}.xhtml">Text</a></li>\n'
               "</ol></nav>\n</body>\n</html>\n")
    return "".join(out)


def entry(page: Page, depth: int = 3) -> str:
    """A page in the table of contents."""
    title = f"{page.number}. {page.title}" if page.number else page.title
    href = f"{quote(page.name)}.xhtml"
    inner = "".join(sections(page.root[0], href, depth - 1))
    inner = f"\n<ol>\n{inner}</ol>" if inner else ""
    return f"<li><a href={quoteattr(href)}>{escape(title)}</a>{inner}</li>\n"


def sections(node, href, depth):
    """The sections of a section in the table of contents."""
    for child in node:
        if child.tag == "section" and depth:
            inner = "".join(sections(child, href, depth - 1))
            inner = f"\n<ol>\n{inner}</ol>" if inner else ""
            target = f"{href}#{child.get('id')}"
            title = heading(child)
            yield f"<li><a href={quoteattr(target)}>{escape(title)}</a>{inner}</li>\n"


def package(book, documents, images, mathematical, when) -> str:
    """What the EPUB is and holds."""
    facts = book.facts
    name = uuid.uuid5(uuid.NAMESPACE_URL, f"{facts['title']} {facts['subtitle']}")
    changed = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(when))
    meta = {
        "dc:title": facts["title"] + (f": {facts['subtitle']}" if facts["subtitle"] else ""),
        "dc:creator": facts["author"], "dc:language": facts["language"],
        "dc:rights": facts["copyright"],
    }
    access = [
        ("accessMode", "textual"), ("accessMode", "visual"),
        ("accessModeSufficient", "textual"),
        ("accessibilityFeature", "alternativeText"), ("accessibilityFeature", "MathML"),
        ("accessibilityFeature", "structuralNavigation"),
        ("accessibilityFeature", "tableOfContents"), ("accessibilityHazard", "none"),
        ("accessibilitySummary", "All formulas are MathML, all figures have descriptions."),
    ]
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id"'
        f' xml:lang={quoteattr(facts["language"])}>',
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">',
        f'<dc:identifier id="id">urn:uuid:{name}</dc:identifier>',
        *(f"<{key}>{escape(value)}</{key}>" for key, value in meta.items()),
        f'<meta property="dcterms:modified">{changed}</meta>',
        *(f'<meta property="schema:{key}">{escape(value)}</meta>' for key, value in access),
        "</metadata>", "<manifest>",
        '<item id="style" href="style.css" media-type="text/css"/>',
    ]
    for place, document in enumerate(documents):
        properties = " ".join(["nav"] * (document == "contents.xhtml")
                              + ["mathml"] * (document in mathematical))
        lines.append(f'<item id="page-{place}" href={quoteattr(quote(document))} '
                     'media-type="application/xhtml+xml"'
                     + (f' properties="{properties}"' if properties else "") + "/>")
    for place, path in enumerate(images):
        lines.append(f'<item id="image-{place}" href={quoteattr(quote(path))} '
                     f'media-type="{MEDIA[Path(path).suffix]}"/>')
    lines += ["</manifest>", "<spine>"]
    order = [documents.index("title.xhtml"), documents.index("contents.xhtml")]
    order += [place for place in range(len(documents)) if place not in order]
    lines += [f'<itemref idref="page-{place}"/>' for place in order]
    lines += ["</spine>", "</package>", ""]
    return "\n".join(lines)
