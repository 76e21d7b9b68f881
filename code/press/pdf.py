"""A PDF of the book: compose the Typst source, compile it, and name the source line of a fault."""

import re
from pathlib import Path

import typst

from .markup import Writer, escape, string, without
from .pages import Book, PressError

TEMPLATE = Path(__file__).with_name("template.typ")
STANDARD = "ua-1"
NOT_ON_PAPER = ("papers-peek",)
PLACE = re.compile(r"// @(\S+)")
FAULT = re.compile(r"error: (.*)\n\s*┌─ (\S+?):(\d+):\d+")


def compose(book: Book) -> str:
    """Typst source of the whole book.

    Raises
    ------
    ExceptionGroup
        Of all that cannot be printed, each with its place.
    """
    writer = Writer(book)
    pages = list(book.pages.values())
    for page in pages:
        without(page, *NOT_ON_PAPER)
    writer.collect_targets(pages)
    facts = book.facts
    out = [
        '#import "template.typ": *',
        f"#show: book.with(title: {string(facts['title'])}, author: {string(facts['author'])}, "
        f"language: {string(facts['language'])})",
        "#title-page({})".format(", ".join(
            f"[{escape(facts[key])}]"
            for key in ("title", "subtitle", "author", "version", "copyright"))),
        "#contents(4)",
        write(writer, book.first, 2),
    ]
    for caption, group in book.groups:
        out.append(f"#heading(level: 1)[{escape(caption)}]")
        out += [write(writer, page, 2) for page in group]
    if writer.problems:
        raise ExceptionGroup("this cannot be printed", writer.problems)
    return "\n\n".join(out) + "\n"


def write(writer: Writer, page, level: int) -> str:
    """A page with its label."""
    anchor = ""
    if (page.name, "") in writer.wanted:
        anchor = f"#anchor({string(page.name)})"
    return f"{writer.write(page, level)}\n{anchor}"


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
    (folder / "template.typ").write_text(TEMPLATE.read_text(encoding="utf-8"), encoding="utf-8")
    try:
        typst.compile(main, output=output, root=folder, ignore_system_fonts=True,
                      pdf_standards=[STANDARD], sys_inputs=inputs)
    except typst.TypstError as error:
        raise locate(error, source) from None


def locate(error: typst.TypstError, source: str) -> PressError:
    """The fault of Typst as one of the book."""
    lines = source.splitlines()
    said = error.diagnostic or str(error)
    message, file, line = error.message, "", 0
    for message, file, line in FAULT.findall(said):  # noqa: B007
        if file.endswith("book.typ"):
            break
    if match := re.search(r'panicked with: "(\S+:\d+): (.*)"', message):
        return PressError(match[1], match[2])
    place = "book"
    for text in reversed(lines[:int(line)]):
        if match := PLACE.search(text):
            place = match[1]
            break
    return PressError(place, message + (said if place == "book" else ""))
