"""A search that knows sections: the words of every section, for a script in the reader's browser.

Sphinx's own index knows pages only, and a chapter is a long page. Here each section is an entry
with its address, its title and its words. The entries of a page are kept beside the doctrees when
the page is written, and joined when all are; ``search.html`` reads them as a script, which works
from a file too.
"""

import json
from pathlib import Path

from docutils import nodes

SKIPPED = (nodes.math, nodes.math_block, nodes.raw, nodes.Invisible, nodes.section)


def entries(doctree) -> list[list[str]]:
    """Anchor, title and words of each section, in order."""
    found = []
    for section in doctree.findall(nodes.section):
        title, *rest = section.children
        words = " ".join(text for node in rest for text in words_of(node))
        found.append([section["ids"][0], " ".join(words_of(title)), " ".join(words.split())])
    return found


def words_of(node) -> list[str]:
    """The texts in a node, without formulas, lists of pages, and sections in it."""
    if isinstance(node, nodes.Text):
        return [str(node)]
    if isinstance(node, SKIPPED) or "toctree-wrapper" in node.get("classes", []):
        return []
    return [text for child in node.children for text in words_of(child)]


def keep(app, pagename, templatename, context, doctree):
    """Keep the entries of a page."""
    if doctree is not None and app.builder.name == "html":
        path = folder(app) / f"{pagename}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(entries(doctree), ensure_ascii=False), encoding="utf-8")


def folder(app) -> Path:
    return Path(app.doctreedir) / "search"


def join(app) -> str:
    """The script with the entries of all pages: ``[page, title of the page, entries]`` of each."""
    pages = []
    for name in sorted(app.env.all_docs):
        path = folder(app) / f"{name}.json"
        if path.is_file():
            title = app.env.titles[name].astext()
            pages.append([app.builder.get_target_uri(name), title, json.loads(path.read_text())])
    return f"const SEARCH_INDEX = {json.dumps(pages, ensure_ascii=False)};\n"


def setup(app):
    """Keep the entries of pages, and leave Sphinx's index out."""
    app.connect("html-page-context", keep)
    app.connect("config-inited", add_page)
    app.connect("builder-inited", leave_out)


def add_page(app, config):
    """The theme's page for searching."""
    config.html_additional_pages["search"] = "search.html"


def leave_out(app):
    """Sphinx makes no index of its own."""
    if app.builder.name == "html":
        app.builder.search = False
