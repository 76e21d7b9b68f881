"""A search that knows sections: the words of every section, for a script in the reader's browser.

Sphinx's own index knows pages only, and a chapter is a long page. Here each section is an entry
with its address, its title and its words. The entries of a page are kept when the page is written
(:mod:`typeset.fresh`), and joined when all are; ``search.html`` reads them as a script, which works
from a file too.
"""

import json

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


def join(app, pages: dict) -> str:
    """The script with the entries of all pages: ``[page, title of the page, entries]`` of each."""
    found = [[app.builder.get_target_uri(name), app.env.titles[name].astext(),
              pages[name]["search"]] for name in sorted(pages) if pages[name].get("search")]
    return f"const SEARCH_INDEX = {json.dumps(found, ensure_ascii=False)};\n"


def setup(app):
    """Register the page for searching."""
    app.connect("config-inited", add_page)


def add_page(app, config):
    """The theme's page for searching."""
    config.html_additional_pages["search"] = "search.html"
