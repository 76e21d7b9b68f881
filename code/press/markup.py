"""The pages as Typst source.

Each tag of the pages becomes Typst's own element; each class that the extensions of the book emit,
and that has a look of its own, becomes a function of ``template.typ``. Any other class is an error
unless it is one of :data:`press.pages.PLAIN`, and so is any other tag. Comments ``// @FILE:LINE``
in the result say where each block comes from.
"""

import json
import re
import xml.etree.ElementTree as ET
from contextlib import suppress
from pathlib import Path

from PIL import Image

from . import formula
from .pages import MATH, Book, Page, PressError, classes, text_of, unseen

PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
TAGS = {"em": "emph", "i": "emph", "cite": "emph", "dfn": "emph", "var": "emph", "strong": "strong",
        "b": "strong", "sup": "super", "sub": "sub", "kbd": "key", "u": "underline",
        "ins": "underline", "s": "strike", "del": "strike", "mark": "highlight", "small": "small"}
INLINE = {"a", "span", "code", "samp", "br", "img", "abbr", *TAGS}
BOXES = {
    "papers-short", "papers-marks", "papers-pitfall", "papers-variation", "papers-restored",
    "papers-question", "papers-stem", "papers-paper", "derivation", "define",
    "code-block-caption", "citation-list", "admonition", "topic", "sidebar",
}
LINES = {
    "papers-label", "papers-head", "papers-values", "papers-total", "papers-totals",
    "derivation-title", "givens", "tested", "not-checked", "admonition-title", "topic-title",
    "sidebar-title", "rubric", "centered",
}
SPANS = {"papers-points", "papers-holds"}
CODES = {"anchor": "anchor-code", "papers-wrong": "papers-wrong", "papers-right": "papers-right"}
NUMBERS = {"loweralpha": "a.", "upperalpha": "A.", "lowerroman": "i.", "upperroman": "I."}
LANGUAGES = {"highlight-pycon": "python", "highlight-ipython3": "python",
             "highlight-python": "python", "highlight-default": "python"}


def escape(text: str) -> str:
    """Text that Typst takes for what it is.

    Examples
    --------
    >>> escape("a_1 is 50% of [x]")
    'a\\\\_1 is 50\\\\% of \\\\[x\\\\]'
    """
    return PUNCTUATION.sub(r"\\\1", re.sub(r"\s+", " ", text))


def string(text: str) -> str:
    """A string of Typst."""
    return json.dumps(text, ensure_ascii=False)


def broken(path: Path) -> str:
    """What is wrong with an image, or nothing."""
    try:
        if path.suffix == ".svg":
            ET.parse(path)
        else:
            with Image.open(path) as image:
                image.verify()
    except (ET.ParseError, OSError, SyntaxError) as error:
        return f"cannot be read: {error}"
    return ""


class Writer:
    """Writes pages of a book.

    Problems are collected, so that one run names them all.
    """

    def __init__(self, book: Book):
        self.book = book
        self.page: Page = book.first
        self.source = ""
        self.wanted: set[str] = set()
        self.set: set[str] = set()
        self.notes: dict[str, ET.Element] = {}
        self.used_notes: set[str] = set()
        self.included: list[tuple[Page, ET.Element]] = []
        self.present: set[tuple[str, str]] = set()
        self.problems: list[PressError] = []
        self.paged = True  # whether the page of a link is printed

    # The book.

    def write(self, page: Page, node: ET.Element | None = None, level: int = 2) -> str:
        """A page, or one section of it; its heading has the given level."""
        self.page, self.source, self.level = page, f"{page.source}:1", level - 1
        self.notes = {node.get("id"): node for node in page.root.iter("aside")
                      if node.get("role") == "doc-footnote"}
        self.problems += unseen(page.root if node is None else node, self.source)
        if node is not None:
            return self.block(node)
        return self.flow(page.root)

    def label(self, page: str, anchor: str) -> str:
        """The label of a place in the book; a page is where its first section is."""
        return f"{page}:{anchor or self.book.pages[page].root[0].get('id')}"

    def anchor(self, node: ET.Element) -> str:
        """Labels of an element that links lead to."""
        label = self.label(self.page.name, node.get("id")) if node.get("id") else ""
        if label not in self.wanted:
            return ""
        self.set.add(label)
        return f"#anchor({string(label)})"

    def include(self, page: Page, node: ET.Element | None = None) -> None:
        """Say that a page, or one element of it, will be written: links to it will lead there."""
        self.included.append((page, page.root if node is None else node))
        if node is None:
            self.present.add((page.name, ""))
        for inner in self.included[-1][1].iter():
            if inner.get("id"):
                self.present.add((page.name, inner.get("id")))

    def cite(self) -> list[tuple[Page, ET.Element]]:
        """Include the entries of the list of references that what is included cites."""
        cited = {}
        for page, root in list(self.included):
            for link in root.iter("a"):
                with suppress(KeyError):
                    target, anchor = self.book.target(page, link.get("href") or "://") or (None, "")
                    if anchor and "citation" in classes(target.ids[anchor]):
                        cited[target.name, anchor] = (target, target.ids[anchor])
        found = [one for one in cited.values()]
        found.sort(key=lambda one: list(one[0].ids.values()).index(one[1]))
        for target, node in found:
            self.include(target, node)
        return found

    def collect(self) -> None:
        """Find what the links lead to; labels are set for these alone."""
        for page, root in self.included:
            for link in root.iter("a"):
                if not link.get("href") or link.get("role") == "doc-noteref":
                    continue
                try:
                    found = self.book.target(page, link.get("href"))
                except KeyError as error:
                    said = f"the link {link.get('href')} leads nowhere: {error.args[0]}"
                    self.problems.append(PressError(self.place(link, page), said))
                    continue
                if found:
                    self.want(*found)

    def want(self, page: Page, anchor: str) -> str:
        """The label of a place that something leads to."""
        label = self.label(page.name, anchor)
        self.wanted.add(label)
        return label

    def missing(self) -> list[str]:
        """Labels that something leads to and that nothing has set."""
        return sorted({self.label(*place) for place in self.present} & self.wanted - self.set)

    def place(self, node: ET.Element, page: Page | None = None) -> str:
        """``FILE:LINE`` of an element, or of the last block that said."""
        return node.get("data-source") or (f"{page.source}:1" if page else self.source)

    def fail(self, node: ET.Element, message: str) -> None:
        """Note a problem and go on, so that all are found at once."""
        self.problems.append(PressError(self.place(node), message))

    # Blocks.

    def flow(self, node: ET.Element) -> str:
        """The content of an element that may hold text and blocks side by side."""
        blocks, run = [], [escape(node.text or "")]
        for child in node:
            if self.is_inline(child):
                run.append(self.inline(child))
            else:
                self.flush(run, blocks)
                blocks.append(self.block(child))
            run.append(escape(child.tail or ""))
        self.flush(run, blocks)
        return "\n\n".join(filter(None, blocks))

    def flush(self, run: list[str], blocks: list[str]) -> None:
        """End a run of text."""
        text = "".join(run).strip()
        if text:
            blocks.append(f"// @{self.source}\n{text}")
        run.clear()

    def is_inline(self, node: ET.Element) -> bool:
        """Whether an element stands in a line."""
        if node.tag == "img":  # one alone is a block
            return False
        return node.tag in INLINE or (node.tag == MATH and node.get("display") != "block")

    def block(self, node: ET.Element) -> str:
        """An element that stands by itself."""
        self.source = node.get("data-source") or self.source
        handler = getattr(self, f"_{node.tag.rpartition('}')[2]}", None)
        if handler is None:
            self.fail(node, f"<{node.tag}> cannot be printed")
            return ""
        return handler(node)

    def call(self, name: str, node: ET.Element, *arguments: str) -> str:
        """A call of a function of the template, with the content of an element."""
        body = self.flow(node)
        given = f"({', '.join(arguments)})" if arguments else ""
        return f"// @{self.place(node)}\n{self.anchor(node)}\n#{name}{given}[\n{body}\n]"

    def _page(self, node):
        return self.flow(node)

    def _section(self, node):
        self.level += 1
        self.section = node
        body = self.flow(node)
        if "papers-question-section" in classes(node):
            body += "\n\n#writing-space()"
        self.level -= 1
        return body

    def _heading(self, node):
        self.paged = False
        content = self.line(node)
        self.paged = True
        label = self.label(self.page.name, self.section.get("id"))
        mark = f"#label({string(label)})" if label in self.wanted else ""
        self.set.add(label)
        return f"// @{self.place(node)}\n#heading(level: {self.level})[{content}]{mark}"

    _h1 = _h2 = _h3 = _h4 = _h5 = _h6 = _heading

    def _p(self, node):
        for name in classes(node):
            if name in LINES:
                return f"// @{self.place(node)}\n{self.anchor(node)}#{name}[{self.line(node)}]"
        return f"// @{self.place(node)}\n{self.anchor(node)}{self.line(node)}"

    def _div(self, node):
        names = classes(node)
        if "chain" in names:
            return self.chain(node)
        if "equation" in names:
            return self.equation(node)
        if "line-block" in names:
            return self.line_block(node)
        if "citation" in names:
            return self.citation(node)
        if "papers-translation" in names:
            return self.call("papers-translation", node, string(node.get("lang", "")))
        language = next((LANGUAGES[n] for n in names if n in LANGUAGES), None)
        if any(n.startswith("highlight-") for n in names):
            return self.code(node, language)
        for name in names:
            if name in BOXES:
                return self.call(name, node)
        anchor = self.anchor(node)
        return "\n".join(filter(None, [anchor, self.flow(node)]))

    def _details(self, node):
        name = next((n for n in classes(node) if n.startswith("papers-") and n != "papers-fold"),
                    "papers-fold")
        if name == "papers-translation-fold":
            return self.call("papers-translation", node, string(node.get("lang", "")))
        return self.call(name, node)

    def _summary(self, node):
        return f"#fold-label[{self.line(node)}]"

    def code(self, node, language):
        """A block of code."""
        text = "".join(node.itertext()).strip("\n")
        if any("hll" in classes(part) for part in node.iter("span")):
            self.fail(node, "lines of code that are set off cannot be printed")
        for part in node.iter():
            if part.tag not in ("div", "pre", "span", "code"):
                self.fail(part, f"<{part.tag}> cannot stand in code")
        output = "true" if "output" in classes(node) else "false"
        lang = string(language) if language else "none"
        return f"// @{self.place(node)}\n#code(lang: {lang}, output: {output}, {string(text)})"

    def _pre(self, node):
        return self.code(node, None)

    def equation(self, node):
        """A displayed formula with its number."""
        math = next(node.iter(MATH), None)
        if math is None:
            self.fail(node, "this equation has no formula")
            return ""
        number = next((self.line(n) for n in node.iter("span") if "eqno" in classes(n)), "")
        return (f"// @{self.place(math)}\n{self.anchor(node)}\n"
                f"#shown({string(self.place(math))}, {string(formula.tex(math))}, "
                f"number: [{number}], ${self.formula(math)}$)")

    def _math(self, node):
        return (f"// @{self.place(node)}\n#shown({string(self.place(node))}, "
                f"{string(formula.tex(node))}, ${self.formula(node)}$)")

    def line_block(self, node):
        """Lines that are broken where they are broken, and those that are indented."""
        lines = [f"#indented[{self.line_block(child)}]" if "line-block" in classes(child)
                 else self.line(child) + " #linebreak()" for child in node]
        return "\n".join([f"// @{self.place(node)}", *lines])

    def chain(self, node):
        """A claim and its steps; each has a left and a right side, a reason and a mark."""
        alone, steps = "none", []
        for child in node:
            if "alone" in classes(child):
                alone = f"[{self.line(child)}]"
                continue
            parts = {name: "" for name in ("left", "right", "reason", "step-mark")}
            for part in child:
                for name in classes(part):
                    if name in parts:
                        parts[name] = self.line(part)
            parts["left"] = self.anchor(child) + parts["left"]
            cells = ", ".join(f"[{parts[name]}]" for name in parts)
            steps.append(f"// @{self.place(child)}\n({cells})")
        listed = ",\n".join(steps)
        return f"// @{self.place(node)}\n#chain({alone}, (\n{listed},\n))"

    def citation(self, node):
        """An entry of the list of references."""
        label = next(self.line(n) for n in node if "label" in classes(n))
        rest = [self.line(n) for n in node if n.tag == "p"]
        return (f"// @{self.place(node)}\n"
                f"#citation([{self.anchor(node)}{label}])[{' '.join(rest)}]")

    def _ul(self, node):
        return self.items(node, "list")

    def _ol(self, node):
        start = f"start: {node.get('start')}" if node.get("start") else ""
        number = next((NUMBERS[name] for name in classes(node) if name in NUMBERS), "")
        return self.items(node, "enum", start, number and f"numbering: {string(number)}")

    def items(self, node, kind, *options):
        """A list."""
        items = [f"[{self.anchor(item)}{self.cell(item)}]" for item in node]
        arguments = ",\n".join([*filter(None, options), *items])
        return f"// @{self.place(node)}\n#{kind}(\n{arguments}\n)"

    def _dl(self, node):
        items, terms = [], []
        for child in node:
            if child.tag == "dt":
                terms.append(self.anchor(child) + self.line(child))
            else:
                items.append(f"terms.item([{' #h(0.5em) '.join(terms)}], [{self.cell(child)}])")
                terms = []
        listed = ",\n".join(items)
        return f"// @{self.place(node)}\n#terms(\n{listed}\n)"

    def _blockquote(self, node):
        return self.call("quote", node, "block: true")

    def _hr(self, node):
        return "#line(length: 100%)"

    def _aside(self, node):
        if node.get("role") == "doc-footnote" or "footnote-list" in classes(node):
            return ""  # set where it is referred to
        return self._div(node)

    def _figure(self, node):
        image = next(node.iter("img"), None)
        caption = next((child for child in node if child.tag == "figcaption"), None)
        text = self.anchor(caption) + self.cell(caption) if caption is not None else ""
        if image is None:
            self.fail(node, "this figure has no image")
            return ""
        return (f"// @{self.place(node)}\n{self.anchor(node)}\n"
                f"#fig({self.image(image)}, [{text}])")

    def _img(self, node):
        return f"// @{self.place(node)}\n#centred({self.image(node)})"

    def image(self, node):
        """An image as it is, and what it shows in words."""
        path = Path(self.book.folder, self.page.name).parent / node.get("src")
        if not path.is_file():
            self.fail(node, f"the image {path.name} is missing")
            return '""'
        relative = path.resolve().relative_to(self.book.folder.resolve())
        if not (node.get("alt") or "").strip():
            self.fail(node, f"the image {path.name} has no alternative text")
        if problem := broken(path):
            self.fail(node, f"the image {path.name} {problem}")
        sizes = [f", {key}: {size}" for key, size in self.sizes(node).items()]
        given = [string(f"/{relative}"), string(node.get("alt") or "")]
        return f"picture({', '.join(given)}{''.join(sizes)})"

    def sizes(self, node):
        """The size that an image says; a pixel is three quarters of a point."""
        said = {key: f"{node.get(key)}px" for key in ("width", "height") if node.get(key)}
        said |= dict(re.findall(r"([\w-]+):\s*([^;]+)", node.get("style") or ""))
        found = {}
        for key, size in said.items():
            match = re.fullmatch(r"([\d.]+)(%|px|em|pt|cm|mm|in)?", size.strip())
            if key not in ("width", "height") or not match or (key, match[2]) == ("height", "%"):
                self.fail(node, f"the {key} {size} of an image cannot be printed")
            elif match[2] in (None, "px"):
                found[key] = f"{0.75 * float(match[1]):g}pt"
            else:
                found[key] = match[0]
        return found

    def _table(self, node):
        caption = next((self.anchor(child) + self.line(child) for child in node
                        if child.tag == "caption"), "")
        rows = list(node.iter("tr"))
        head = sum(len(list(part)) for part in node if part.tag == "thead")
        # Many page numbers in a cell would hide what it says.
        self.paged = all(sum(1 for _ in cell.iter("a")) <= 2 for row in rows for cell in row)
        cells = [self.table_cell(cell) for row in rows for cell in row]
        self.paged = True
        widths = self.widths(node, rows)
        name = "numbers" if any("papers-number" in classes(c) for c in rows[0]) else "plain"
        # A repeated head is an artifact of the PDF, which may hold no links.
        links = any(part.find(".//a[@href]") is not None for part in node if part.tag == "thead")
        repeat = "false" if links else "true"
        return (f"// @{self.place(node)}\n{self.anchor(node)}\n"
                f"#data-table(columns: ({', '.join(widths)},), head: {head}, repeat: {repeat}, "
                f"kind: {string(name)}, caption: [{caption}],\n" + ",\n".join(cells) + "\n)")

    def table_cell(self, cell):
        """A cell, over several columns or rows if it says so."""
        options = [f"{key}: {cell.get(key)}" for key in ("colspan", "rowspan") if cell.get(key)]
        sides = {"papers-number": "right", "text-right": "right", "text-center": "center"}
        options += [f"align: {sides[name]}" for name in classes(cell) if name in sides][:1]
        body = self.cell(cell)
        if cell.tag == "th":
            body = f"#strong[{body}]"
        return f"table.cell({', '.join(options)})[{body}]" if options else f"[{body}]"

    def widths(self, node, rows):
        """Widths of the columns: those that are given, else by how much stands in them."""
        given = [re.search(r"width: *([\d.]+)%", col.get("style") or "")
                 for col in node.iter("col")]
        if given and all(given):
            return [f"{width[1]}fr" for width in given]
        longest = {}
        for row in rows:
            for place, cell in enumerate(row):
                text = text_of(cell)
                longest.setdefault(place, []).append(len(text))
        result = []
        for lengths in longest.values():
            mean = sum(lengths) / len(lengths)
            short = max(lengths) <= 16
            result.append("auto" if short else f"{max(mean, 4) ** 0.7:.1f}fr")
        return result

    # Lines.

    def line(self, node: ET.Element) -> str:
        """The content of an element as text in a line."""
        out = [escape(node.text or "")]
        for child in node:
            if self.is_inline(child) or child.tag in ("p", "img"):
                out.append(self.inline(child))
            else:
                self.fail(child, f"<{child.tag}> cannot stand in a line of text")
            out.append(escape(child.tail or ""))
        return "".join(out).strip()

    def cell(self, node: ET.Element) -> str:
        """Content that is a single paragraph without the space around one, else blocks."""
        children = list(node)
        single = len(children) == 1 and children[0].tag == "p" and not (node.text or "").strip()
        if single and not set(classes(children[0])) & LINES:
            return self.anchor(children[0]) + self.line(children[0])
        if all(self.is_inline(child) for child in children):
            return self.line(node)
        return f"\n{self.flow(node)}\n"

    def inline(self, node: ET.Element) -> str:
        """An element in a line."""
        self.source = node.get("data-source") or self.source
        tag = node.tag
        if tag == "img":
            return f"#box({self.image(node)})"
        if tag == MATH:
            return f"#m({string(formula.tex(node))}, ${self.formula(node)}$)"
        if tag == "br":
            return "#linebreak()"
        if tag in ("code", "samp"):
            text = "".join(node.itertext())
            name = next((CODES[n] for n in classes(node) if n in CODES), "code-line")
            return f"#{name}({string(text)})"
        inner = [escape(node.text or "")]
        for child in node:
            inner += [self.inline(child), escape(child.tail or "")]
        body = "".join(inner)
        if tag == "a":
            return self.link(node, body)
        if tag == "span":
            for name in classes(node):
                if name in SPANS:
                    return f"#{name}[{body}]"
                if name == "caption-number":
                    return f"#caption-number[{body.strip()}] "
            if node.get("lang"):
                return f"{self.anchor(node)}#foreign({string(node.get('lang'))})[{body}]"
            return self.anchor(node) + body
        if tag == "p":
            return self.anchor(node) + body
        if tag == "abbr":
            said = node.get("title")
            return self.anchor(node) + body + (f" ({escape(said)})" if said else "")
        if tag not in TAGS:
            self.fail(node, f"<{tag}> cannot be printed")
            return ""
        return f"{self.anchor(node)}#{TAGS[tag]}[{body}]"

    def link(self, node, body):
        """A link, a footnote, or its text alone where the target is not in this volume."""
        href = node.get("href")
        if not href:
            return self.anchor(node) + body
        if node.get("role") == "doc-noteref":
            return self.footnote(node, href.removeprefix("#"))
        try:
            found = self.book.target(self.page, href)
        except KeyError:
            return body
        if found is None and "://" in href:
            return f"#link({string(href)})[{body}]"
        if found is None or (found[0].name, found[1]) not in self.present:
            return body
        page, anchor = found
        plain = not self.paged or (anchor and "citation" in classes(page.ids[anchor]))
        name = "to" if plain else "xref"
        if anchor and f"#{anchor}" == href and node.get("title", "").startswith("step "):
            return body  # the mark of a step, which links to itself
        return f"#{name}({string(self.label(page.name, anchor))})[{body}]"

    def footnote(self, node, id):
        """A note at the foot of the page, at its first mark."""
        label = self.label(self.page.name, id)
        if label in self.used_notes:
            return f"#footnote(label({string(label)}))"
        self.used_notes.add(label)
        note = self.notes.get(id)
        if note is None:
            self.fail(node, f"the footnote {id} is missing")
            return ""
        content = ET.Element("div")
        content.extend(child for child in note if "label" not in classes(child)
                       and "backrefs" not in classes(child))
        # A note is set where it is called, which is no block of the text around it.
        text = "\n".join(line for line in self.cell(content).splitlines()
                         if not line.startswith("// @"))
        return f"#note({string(label)})[{text}]"

    def formula(self, math: ET.Element) -> str:
        """A formula; one that cannot be printed is a problem."""
        try:
            return formula.typst(math)
        except formula.FormulaError as error:
            self.fail(math, f"the formula {formula.tex(math)} cannot be printed: {error}")
            return ""
