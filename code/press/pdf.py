"""A PDF of the book: compose the Typst source, compile it, and name the source line of a fault."""

import re
import shutil
from pathlib import Path

import typst

from . import index, margins
from .markup import Writer, escape, string
from .pages import Book, Page, PressError, classes

TEMPLATE = Path(__file__).with_name("template.typ")
STANDARD = "ua-1"
MARGIN = 2.4 / 2.54  # inches, as in the template
PLACE = re.compile(r"// @(\S+)")
FAULT = re.compile(r"error: (.*)\n\s*┌─ (\S+?):(\d+):\d+")


def compose(book: Book) -> str:
    """Typst source of the whole book.

    Raises
    ------
    ExceptionGroup
        Of all that cannot be printed, each with its place.
    """
    found = index.terms(book)
    writer = Writer(book)
    for page in book.pages.values():
        writer.include(page)
    writer.collect()
    last = index_pages(writer, index.parts(book), found)
    out = [*opening(book.facts), "#contents(4)", writer.write(book.first)]
    for caption, group in book.groups:
        if caption:
            out.append(f"#heading(level: 1)[{escape(caption)}]")
        out += [writer.write(page) for page in group]
    return finish(writer, [*out, *last])


def questions(book: Book, page: Page) -> str:
    """Typst source of a paper to hand out."""
    writer = Writer(book)
    writer.include(page)
    writer.collect()
    facts = book.facts | {"title": f"{book.facts['title']}: {page.title}"}
    return finish(writer, [*opening(facts, cover=False), writer.write(page, level=1)])


def answers(book: Book, page: Page) -> str:
    """Typst source of the answers to a paper, in its order, with the works that they cite."""
    writer = Writer(book)
    asked = [section.get("id").removeprefix("question-") for section in page.root.iter("section")
             if "papers-question-section" in classes(section)]
    places = {name: place for name, _, place in index.parts(book) if place}
    found = [places[name] for name in asked if name in places]
    for place in found:
        writer.include(place.page, place.page.ids[place.anchor])
    cited = writer.cite()
    writer.collect()
    title = f"{page.title}: answers"
    facts = book.facts | {"title": f"{book.facts['title']}: {title}"}
    out = [*opening(facts, cover=False), f"#heading(level: 1)[{escape(title)}]"]
    out += [writer.write(place.page, place.page.ids[place.anchor]) for place in found]
    if cited:
        out.append("#heading(level: 2)[References]")
        out += [writer.write(*one) for one in cited]
    return finish(writer, out)


def papers(book: Book) -> list[Page]:
    """The pages that state a paper."""
    return [page for page in book.pages.values()
            if any("papers-paper" in classes(node) for node in page.root.iter("div"))]


def opening(facts: dict, *, cover: bool = True) -> list[str]:
    """The first lines of the source."""
    cells = ", ".join(f"[{escape(facts[key])}]"
                      for key in ("title", "subtitle", "author", "version", "copyright"))
    return [
        '#import "template.typ": *',
        f"#show: book.with(title: {string(facts['title'])}, author: {string(facts['author'])}, "
        f"language: {string(facts['language'])}, volume: {'true' if cover else 'false'})",
        *([f"#title-page({cells})"] if cover else []),
    ]


def index_pages(writer: Writer, parts, terms) -> list[str]:
    """The index of parts and that of terms."""
    rows = []
    for name, *places in parts:
        cells = [string(writer.want(place.page, place.anchor)) if place else "none"
                 for place in places]
        rows.append(f"({string(name)}, {', '.join(cells)}),")
    lines = []
    for term, places in terms:
        names = ", ".join(string(writer.want(place.page, place.anchor)) for place in places)
        lines.append(f"([{escape(term)}], ({names},)),")
    out = []
    for title, name, entries in (("Index of parts", "index-of-parts", rows),
                                 ("Index of terms", "index-of-terms", lines)):
        if entries:
            out.append(f"#heading(level: 1, supplement: [index])[{title}]\n#{name}(\n"
                       + "\n".join(entries) + "\n)")
    return out


def finish(writer: Writer, blocks: list[str]) -> str:
    """The source, unless something cannot be printed or a link has lost its target."""
    writer.problems += [PressError(label.replace(":", ".xml#", 1), "nothing marks this place")
                        for label in writer.missing()]
    if writer.problems:
        raise ExceptionGroup("this cannot be printed", writer.problems)
    return "\n\n".join(blocks) + "\n"


def compile(source: str, folder: Path, output: Path, **inputs: str) -> None:
    """Set Typst source; the folder holds the images.

    Raises
    ------
    PressError
        With the place in the book that the fault comes from.
    """
    folder = Path(folder)
    main = folder / "book.typ"
    main.write_text(source, encoding="utf-8")
    shutil.copy(TEMPLATE, folder)
    compiler = typst.Compiler(main, root=folder, ignore_system_fonts=True, sys_inputs=inputs)
    try:
        made = compiler.compile(format="pdf", pdf_standards=[STANDARD])
    except typst.TypstError as error:
        raise locate(error, source) from None
    margins.check(compiler, source, main, MARGIN)
    Path(output).write_bytes(made)


def locate(error: typst.TypstError, source: str) -> PressError:
    """The fault of Typst as one of the book."""
    lines = source.splitlines()
    said = error.diagnostic or str(error)
    message, file, line = error.message, "", 0
    for message, file, line in FAULT.findall(said):  # noqa: B007
        if file.endswith("book.typ"):
            break
    else:  # the template speaks of what the book has given it
        quoted = re.search(r'"(?:[^"\\]|\\.)+"|`[^`]+`', message)
        words = quoted[0].strip('`"') if quoted else ""
        line = next((number for number, text in enumerate(lines, 1) if words and words in text), 0)
    if match := re.search(r'panicked with: "(\S+:\d+): (.*)"', message):
        return PressError(match[1], match[2])
    place = "book"
    for text in reversed(lines[:int(line)]):
        if match := PLACE.search(text):
            place = match[1]
            break
    return PressError(place, message + (said if place == "book" else ""))


def as_html(source: str, folder: Path) -> str:
    """What the source says, as Typst's own HTML: for comparing, not for reading."""
    main = Path(folder) / "compared.typ"
    main.write_text(source, encoding="utf-8")
    shutil.copy(TEMPLATE, folder)
    return typst.compile(main, format="html", root=folder, ignore_system_fonts=True,
                         sys_inputs={"form": "text"}).decode()
