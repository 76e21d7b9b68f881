"""What a book for ``execution`` needs in order to be built by myst-nb alone.

Examples are shown but not run, and there is no build report.
"""

from docutils import nodes
from sphinx.util.docutils import SphinxDirective


class Examples(SphinxDirective):
    """A block of examples as it is."""

    has_content = True
    option_spec = None

    def run(self):
        text = "\n".join(self.content)
        return [nodes.doctest_block(text, text, language="pycon")]


class Nothing(SphinxDirective):
    """Takes the place of the report."""

    def run(self):
        return []


def setup(app):
    """Register the two directives."""
    app.add_directive("doctest", Examples)
    app.add_directive("build-report", Nothing)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
