"""Every figure says in words what it shows: an image without alternative text ends the build."""

from docutils import nodes
from sphinx.util import logging

logger = logging.getLogger(__name__)


def require_alternative_text(app, doctree):
    for image in doctree.findall(nodes.image):
        if not image.get("alt", "").strip():
            logger.warning(
                "this figure has no alternative text: say in words what a reader is to see "
                "(option :alt:, or mystnb: image: alt: of the cell)",
                location=_place(image), type="typeset", subtype="alt")


def _place(image):
    """The nearest node that knows its line; images made by a cell do not."""
    node = image
    while node.parent is not None and not node.line:
        node = node.parent
    return node


def setup(app):
    # After the images of cells are chosen, which happens while the page is written.
    app.connect("doctree-resolved", lambda app, doctree, docname:
                require_alternative_text(app, doctree))
