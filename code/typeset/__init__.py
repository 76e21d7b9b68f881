"""How the book looks: mathematics set at build time, and the rules that every figure keeps.

A Sphinx extension that knows nothing of exams or derivations. Mathematics is set by a vendored
KaTeX that runs inside Python (:mod:`typeset.katex`), so a page needs no script and no network;
a formula that cannot be set, and a figure without alternative text, are warnings with file and
line, which end the build.
"""

from pathlib import Path

from . import figures, fresh, kept, mathematics, notebooks, outputs, search, single, site

STATIC = Path(__file__).parent / "static"


def setup(app):
    """Register the math renderer, the figure rule, the symbol role and the style sheets."""
    mathematics.setup(app)
    figures.setup(app)
    outputs.setup(app)
    single.setup(app)
    site.setup(app)
    search.setup(app)
    fresh.setup(app)
    kept.setup(app)
    notebooks.setup(app)
    # ``{notation} learning-rate`` describes a symbol, ``{symbol}`learning-rate` `` refers to it;
    # with -n a reference to a symbol that no page describes is a warning.
    app.add_object_type("notation", "symbol", objname="symbol")
    app.connect("config-inited", lambda app, config: config.html_static_path.append(str(STATIC)))
    app.add_css_file("katex/katex.min.css")
    app.add_css_file("typeset.css")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
