"""What a cell gives is shown by every form of the book, or it ends the build at the cell's line."""

import re

from docutils import nodes
from sphinx.util import logging

logger = logging.getLogger(__name__)

IMAGES = ("image/svg+xml", "image/png", "image/jpeg", "image/gif")
TEXTS = ("text/html", "text/markdown", "text/latex", "text/plain")
SHOWN = (*IMAGES, *TEXTS)
"""The forms of an output that can be shown, best first."""
LIVE = re.compile(
    r"<(script|style|iframe|video|audio|object|embed|canvas)\b|\s(style|on[a-z]+)=", re.I)
ESCAPE = "\x1b["


def prefer(app, config):
    """Let the forms for print and plain text take what the site takes, where they can show it."""
    if "nb_mime_priority_overrides" not in config:
        return  # a book without cells
    said = {(builder, mime) for builder, mime, _ in config.nb_mime_priority_overrides}
    wanted = []
    for builder in ("press", "singlehtml", "text"):
        shown = [mime for mime in SHOWN if (builder, mime) != ("text", "text/html")]
        wanted += [(builder, mime, 10 + place) for place, mime in enumerate(shown)]
    config.nb_mime_priority_overrides = [
        *config.nb_mime_priority_overrides,
        *(entry for entry in wanted if entry[:2] not in said)]
    if config.nb_render_markdown_format == "commonmark":  # which knows no formulas
        config.nb_render_markdown_format = "myst"


def check(app, doctree):
    """Warn of every output that one of the forms would leave out or show otherwise."""
    for bundle in doctree.findall(lambda node: isinstance(node, nodes.container)
                                  and node.get("nb_element") == "mime_bundle"):
        mimes = [child["mime_type"] for child in bundle if "mime_type" in child]
        for mime in mimes:
            if mime not in SHOWN:
                _warn(bundle, f"is {mime}, which only a running page can show")
        if not mimes:
            _warn(bundle, "is in no form that can be shown")
        html = "".join(raw.astext() for raw in bundle.findall(nodes.raw))
        if found := LIVE.search(html):
            _warn(bundle, f"is HTML with {found[0].strip()!r}, which only a running page can show")
        if mimes and not set(mimes) & {*IMAGES, "text/markdown", "text/latex"} and "<IPython." in (
                "".join(block.astext() for block in bundle.findall(nodes.literal_block))):
            _warn(bundle, "is HTML alone, which plain text cannot show")
    for block in doctree.findall(nodes.literal_block):
        if ESCAPE in block.rawsource + block.astext():
            _warn(block, "has colours or other commands for a terminal")


def _warn(node, said):
    while node.parent is not None and not node.line:
        node = node.parent
    logger.warning("this output %s: print plain text, or give a figure or Markdown", said,
                   location=node, type="typeset", subtype="output")


def setup(app):
    """Check outputs, and have all builders choose alike."""
    app.connect("config-inited", prefer)
    app.connect("doctree-read", check)
