"""Author's slips in notebooks that myst-nb passes over: tags, options and keys nobody knows.

A tag ``hide-imput`` or an option ``:tag:`` is read, kept, and changes nothing. What is known is
listed here, or taken from myst-nb's own settings, so a slip is an error at its line.
"""

import difflib
import re

from myst_nb.core.config import NbParserConfig, Section

RUNNING = ("raises-exception", "raises-warning", "skip-execution")
"""The tags that change how cells run; all others only change how they are shown."""

SHOWING = (
    "hide-cell", "hide-input", "hide-output", "remove-cell", "remove-input", "remove-output",
    "remove-stderr", "remove-stdout", "remove_cell", "remove_input", "remove_output",
    "output_scroll", "scroll-output",
)
"""The tags that myst-nb knows."""

LANGUAGES = ("", "ipython", "ipython3", "python", "python3")
OPTIONS = ("load", "tags")
FRONT_MATTER = (
    "file_format", "jupytext", "kernelspec", "language_info", "myst", "mystnb",
    # of Sphinx
    "no-search", "nocomments", "nosearch", "orphan", "tocdepth",
    # bibliographic fields of docutils
    "author", "authors", "contact", "copyright", "date", "organization", "status", "version",
)
IMAGE = ("align", "alt", "class", "height", "scale", "width")
FIGURE = ("caption", "caption_before", "classes", "name")


def of_level(level):
    """Names of myst-nb's settings that a file or a cell may have."""
    known = NbParserConfig.get_fields()
    fields = [field for field in known if level in field.metadata.get("sections", ())]
    if level is Section.file_lvl:
        return tuple(field.name for field in fields)
    return tuple(field.metadata.get("cell_key", field.name) for field in fields)


def slips(text, notebook, config, also=()):
    """Find the slips of a notebook in MyST's text form.

    Parameters
    ----------
    text : str
        The document.
    notebook : NotebookNode
        The same as myst-nb has read it.
    config : NbParserConfig
    also : sequence of str
        More tags, options and keys, which other extensions know.

    Yields
    ------
    (int, str)
        The line, counted from 1, and what is wrong there.
    """
    lines = text.splitlines()

    def check(what, names, known, first):
        """`first` is the index of the line from which on a name is looked for."""
        for name in names:
            if name not in (*known, *also):
                yield place(name, first), unknown(what, name, (*known, *also))

    def place(name, first):
        at = re.compile(rf"(?<![\w-]){re.escape(str(name))}(?![\w-])")
        found = (index for index in range(first, len(lines)) if at.search(lines[index]))
        return next(found, first) + 1

    matter = {key: value for key, value in notebook.metadata.items() if key != "source_map"}
    yield from check("key of the front matter", matter, FRONT_MATTER, 0)
    own = _mapping(matter.get(config.metadata_key))
    yield from check(f"setting of {config.metadata_key}", own, of_level(Section.file_lvl), 0)
    starts = notebook.metadata.get("source_map", [])
    for cell, start in zip(notebook.cells, starts, strict=True):
        first = max(0, start - 1)
        if cell.cell_type == "markdown":
            yield from check("key of a block of text", cell.metadata, (), max(0, start - 2))
            continue
        head = re.match(r"\s*(?:`{3,}|~{3,})\s*\{(code|raw)-cell\}(.*)", lines[first])
        if cell.cell_type == "code" and head and (language := head[2].strip()) not in LANGUAGES:
            yield first + 1, unknown("language of a cell", language, LANGUAGES[1:])
        options = (*OPTIONS, config.cell_metadata_key)
        yield from check("option of a cell", cell.metadata, options, first)
        yield from _twice(lines, first)
        tags = cell.metadata.get("tags", [])
        yield from check("tag of a cell", map(str, tags), (*RUNNING, *SHOWING), first)
        own = _mapping(cell.metadata.get(config.cell_metadata_key))
        known = of_level(Section.cell_lvl)
        yield from check(f"setting of {config.cell_metadata_key}", own, known, first)
        for key, known in (("image", IMAGE), ("figure", FIGURE)):
            yield from check(f"setting of {key}", _mapping(own.get(key)), known, first)


def unreadable(text, error):
    """Line and message for a notebook that myst-nb cannot read, whose own error tells no line."""
    for line, content in enumerate(text.splitlines(), 1):
        if tags := re.fullmatch(r":?tags:\s*([^\s\[].*)", content):
            return line, f"tags are a list: write [{tags[1]}]"
    where = re.search(r"at line (\d+)", str(error))
    line = int(where[1]) if where else 1
    return line, f"myst-nb cannot read this: {str(error).partition(chr(10))[0]}"


def _twice(lines, first):
    """Options between colons that stand twice; the first would be passed over."""
    seen = {}
    for index in range(first + 1, len(lines)):
        option = re.match(r"\s*:([\w-]+):(?:\s|$)", lines[index])
        if option is None:
            return
        if option[1] in seen:
            yield index + 1, f"option {option[1]} stands in line {seen[option[1]]} already"
        seen[option[1]] = index + 1


def _mapping(value):
    return value if isinstance(value, dict) else {}


def unknown(what, name, known):
    """What is said of a name that nobody knows, with the one that may be meant."""
    near = difflib.get_close_matches(str(name), known, 1)
    listed = f"did you mean {near[0]}?" if near else f"known are: {', '.join(known) or 'none'}"
    return f"unknown {what}: {name} ({listed})"
