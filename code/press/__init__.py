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
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
