"""The book on paper and in a reader: PDF through Typst, EPUB 3.

The Sphinx builder ``press`` writes each page as well-formed markup, in which every element
names its source line (:mod:`press.builder`). ``python -m press`` makes the files from that:
"""

from .builder import PressBuilder


def setup(app):
    """Register the builder and its settings."""
    app.add_builder(PressBuilder)
    app.add_config_value("press_subtitle", "", "", str)
    app.add_config_value("press_exclude", [], "", list)
    app.add_config_value("press_terms", "", "", str)
    # Nothing of it takes part in reading, or in pages other than its builder's.
    return {"version": "1", "renderers": [], "parallel_read_safe": True,
            "parallel_write_safe": True}
