"""Each page with code as a notebook that runs: ``notebooks/WORD.zip`` with the code beside it.

The cells of the notebook are the cells of the page, and its examples (``{doctest}``) with what they
give as comments. Around them stand its words, in Markdown that Jupyter shows: directives become
bold titles, and roles their text. A directive of another package is laid out by the function that
`typeset_notebook_directives` names, since its package alone knows how it is read. The zip also
holds the package that the cells import, so nothing but NumPy, Matplotlib and PyTorch has to be
installed.
"""

import doctest
import io
import re
import sys
import zipfile
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from types import MappingProxyType

import nbformat
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from sphinx.errors import ExtensionError
from sphinx.util import logging

from .digests import digest, of_file
from .fresh import installed, root_of

logger = logging.getLogger(__name__)
Layout = Callable[[str, list[str]], list[str]]
"""The argument of a directive and the lines inside to lines of Markdown."""

TITLES = {
    "short": "Short answer", "marks": "Marks", "pitfall": "Pitfall", "variation": "Variation",
    "restored": "Restored", "translation": "Translation",
}
SILENT = {"answer", "question", "bibliography", "toctree", "glossary", "notation"}
LISTED = {"mistakes", "build-report", "evidence-table", "exam-map", "papers-table", "paper"}
ADMONITIONS = {"note", "warning", "tip", "important", "hint", "seealso", "admonition", "caution"}
FRONT = re.compile(r"\A---\n.*?\n---\n", re.S)
OPENS = re.compile(r"^(?P<fence>:{3,}|`{3,}|~{3,})\{(?P<name>[\w-]+)\} ?(?P<argument>.*)$")
ROLE = re.compile(r"\{[\w:-]+\}`([^`<]*?)\s*(?:<[^`>]*>)?`")
HEAD = """\
This notebook is a page of *{project}* with its code. The folder beside it is the code that
the cells import. You need NumPy, Matplotlib and PyTorch."""


class UnknownDirective(ValueError):
    """A directive that a notebook cannot show.

    Parameters
    ----------
    name : str
    line : int
        Of the page.
    """

    def __init__(self, name, line):
        super().__init__(f"a notebook cannot show the directive {{{name}}}: typeset/notebooks.py "
                         "has no translation of it")
        self.line = line


def notebook(source: str, project: str, directives: Mapping[str, Layout] = MappingProxyType({})):
    """A page as a notebook.

    Parameters
    ----------
    source : str
        The page in MyST Markdown.
    project : str
        The name of the book.
    directives : mapping
        The name of a directive to what lays it out.

    Returns
    -------
    nbformat.NotebookNode

    Raises
    ------
    UnknownDirective
        For one that has no translation.

    Examples
    --------
    >>> page = "# A\\n\\n```{doctest}\\n>>> 1 + 1\\n2\\n```\\n"
    >>> [cell.source for cell in notebook(page, "Book").cells][1]
    '1 + 1\\n# 2'
    """
    cells, words = [], []

    def flush():
        if text := "\n".join(words).strip():
            cells.append(new_markdown_cell(ROLE.sub(r"\1", text)))
        words.clear()

    lines = iter(FRONT.sub("", source).splitlines())
    for line in lines:
        opens = OPENS.match(line)
        if not opens:
            # Labels of sections, and the ends of fences whose titles are bold now.
            if not re.fullmatch(r"\([\w.-]+\)=|:{3,}", line):
                words.append(line)
            continue
        name = opens["name"]
        if name in TITLES:
            argument, options = opens["argument"], []
            for inner in lines:
                if not (option := re.match(r"^:(\w+): (.*)$", inner)):
                    break
                options.append(f"{option[1]} {option[2]}")
            title = ": ".join(filter(None, [TITLES[name], argument]))
            words += ["", f"**{title}**" + f" ({', '.join(options)})" * bool(options), "", inner]
            continue
        body = until(lines, opens["fence"])
        if name in directives:
            words += ["", *directives[name](opens["argument"], body), ""]
        elif name == "doctest":
            flush()
            cells.append(new_code_cell(examples("\n".join(body))))
        elif name == "code-cell":
            flush()
            tags = settings(body).get("tags", [])
            cells.append(new_code_cell(code(body), metadata={"tags": tags} if tags else {}))
        elif name == "math":
            words += ["$$", *(one for one in body if not one.startswith(":")), "$$"]
        elif name in ("code", "code-block", "literalinclude", "list-table", *LISTED):
            words += ["```", *body, "```"]
        elif name in ADMONITIONS:
            title = opens["argument"] or name.capitalize()
            words += ["", f"**{title}**", "", *(one for one in body if not one.startswith(":")), ""]
        elif name not in SILENT:
            raise UnknownDirective(name, source.splitlines().index(line) + 1)
    flush()
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
    cells[0].source = HEAD.format(project=project) + "\n\n" + cells[0].source
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel})


def until(lines, fence: str) -> list[str]:
    """The lines to the end of a fence."""
    body = []
    for line in lines:
        if line.strip() and set(line.strip()) == {fence[0]} and len(line.strip()) >= len(fence):
            break
        body.append(line)
    return body


def layouts(named: Mapping[str, str]) -> dict[str, Layout]:
    """The functions that lay out directives, from where they are: ``"package.module:function"``.

    Raises
    ------
    ExtensionError
        For a name at which there is no function.
    """
    found = {}
    for directive, where in named.items():
        module, _, function = where.partition(":")
        try:
            found[directive] = getattr(import_module(module), function)
        except (ImportError, AttributeError, ValueError) as error:
            raise ExtensionError(f"typeset_notebook_directives: {directive} is laid out by "
                                 f"{where!r}, which is not found ({error}); write "
                                 '"package.module:function"') from error
    return found


def examples(text: str) -> str:
    """What a dialogue types, with what it gives as comments."""
    lines = []
    for example in doctest.DocTestParser().get_examples(text):
        if example.exc_msg:
            # An error that is meant to happen does not stop the notebook.
            inner = [f"    {line}" for line in example.source.splitlines()]
            lines += ["try:", *inner, "except Exception as error:", "    print(error)"]
        else:
            lines += [example.source.rstrip()]
        lines += [f"# {line}" for line in example.want.splitlines()]
    return "\n".join(lines)


def split(body: list[str]) -> tuple[list[str], list[str]]:
    """The options of a cell, as lines of YAML, and its code."""
    if body and body[0].strip() == "---":
        end = body.index("---", 1)
        return body[1:end], body[end + 1 :]
    count = next((at for at, line in enumerate(body) if not line.startswith(":")), len(body))
    return [line[1:] for line in body[:count]], body[count:]


def settings(body: list[str]) -> dict:
    """The options of a cell; tags say how a notebook runs it.

    Examples
    --------
    >>> settings([":tags: [raises-exception]", "1 / 0"])
    {'tags': ['raises-exception']}
    """
    found = yaml.safe_load("\n".join(split(body)[0])) or {}
    tags = found.get("tags", [])
    if isinstance(tags, str):
        tags = tags.replace(",", " ").split()
    return {**found, "tags": list(tags)}


def code(body: list[str]) -> str:
    """The code of a cell, without its options."""
    return "\n".join(split(body)[1]).strip()


def bundle(name: str, text: str, package: Path) -> bytes:
    """A zip with the text of a notebook and the package; the same bytes for the same sources."""
    files = {f"{name}/{name}.ipynb": text.encode()}
    for path in files_of(package):
        place = Path(name) / package.name / path.relative_to(package)
        files[place.as_posix()] = path.read_bytes()
    return pack(files)


def files_of(package: Path) -> list[Path]:
    """The files of a package."""
    return [path for path in sorted(package.rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts]


def pack(files: dict[str, bytes]) -> bytes:
    """A zip without dates."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return buffer.getvalue()


def place(app, pagename: str) -> str:
    """Where the notebook of a page is, or nothing for a page that has no code of the package."""
    package = app.config.typeset_package
    if not package or app.builder.name != "html" or pagename not in app.env.all_docs:
        return ""
    source = app.env.doc2path(pagename)
    text = Path(source).read_text(encoding="utf-8") if str(source).endswith(".md") else ""
    uses = re.search(rf"(from|import) {Path(package).name}\b", text)
    return f"notebooks/{pagename}.zip" if uses else ""


def facts(app, pagename, templatename, context, doctree):
    """Tell the layout where the notebook of a page is."""
    where = place(app, pagename) if doctree is not None else ""
    context["page_download"] = context["pathto"](where, 1) if where else ""


def write_all(app, error):
    """Write the notebooks of the pages that are there, where page or package has changed."""
    package = Path(app.confdir) / app.config.typeset_package
    if error or app.builder.name != "html" or not app.config.typeset_package:
        return
    memory, out, held = app.builder.memory, Path(app.outdir), {}
    code = [(path.relative_to(package).as_posix(), of_file(path)) for path in files_of(package)]
    directives = layouts(app.config.typeset_notebook_directives)
    makers = {root_of(sys.modules[one.__module__]) for one in (notebook, *directives.values())}
    made_by = [(path.name, of_file(path)) for root in sorted(makers)
               for path in (files_of(root) if root.is_dir() else [root])]
    common = digest(app.config.project, app.config.typeset_notebook_directives, package.name, code,
                    made_by, installed())
    for name in sorted(memory["pages"]):
        if where := place(app, name):
            source = Path(app.env.doc2path(name)).read_text(encoding="utf-8")
            key = digest(common, source)
            before, target = memory["notebooks"].get(name, {}), out / where
            if before.get("key") != key or before["files"] != {where: of_file(target)}:
                try:
                    text = nbformat.writes(notebook(source, app.config.project, directives))
                except UnknownDirective as error:
                    logger.warning("%s", error, location=(name, error.line), type="typeset",
                                   subtype="notebook")
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(bundle(target.stem, text, package))
            held[name] = {"key": key, "files": {where: of_file(target)}}
    for name, before in memory["notebooks"].items():
        for where in before["files"].keys() - held.get(name, {"files": {}})["files"].keys():
            (out / where).unlink(missing_ok=True)
    memory["notebooks"] = held
    app.builder.keep()


def setup(app):
    """Register the setting and write a notebook with each page that has code."""
    # The package that the cells import, a folder relative to conf.py.
    app.add_config_value("typeset_package", "", "html", frozenset({str}))
    # How directives of other packages look in a notebook: name to "package.module:function".
    app.add_config_value("typeset_notebook_directives", {}, "html", frozenset({dict}))
    app.connect("html-page-context", facts)
    app.connect("build-finished", write_all)
