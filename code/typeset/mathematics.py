"""Sphinx's math renderer ``katex``: formulas become HTML and MathML while the book is built."""

import json
from contextlib import contextmanager
from pathlib import Path

from docutils import nodes
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

from .compact import SHEET, UnknownStyle, compact
from .digests import digest, of_file
from .katex import SOURCE, KatexError, render

PAGES = ("html", "singlehtml")
SETTERS = [Path(__file__).with_name(name) for name in ("katex.py", "compact.py", "mathematics.py")]
logger = logging.getLogger(__name__)


@contextmanager
def kept_formulas(builder, docname):
    """While a page is written, its formulas are those of the last time, by what they are made of.

    A formula is set by its TeX, the macros and the code of KaTeX and of this package alone.
    """
    path = Path(builder.doctreedir, "formulas", builder.name, f"{docname}.json")
    made_of = digest([of_file(one) for one in (SOURCE, SHEET, *SETTERS)],
                     dict(builder.config.typeset_macros))
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        found = {}
    known = found["set"] if found.get("made_of") == made_of else {}
    builder.formulas = known, used = known, {}
    try:
        yield
    finally:
        del builder.formulas
    if used != known:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(json.dumps({"made_of": made_of, "set": used}), encoding="utf-8")
        part.replace(path)


def keep_formulas(app):
    """Have pages written with the formulas that are known."""
    builder = app.builder
    if builder.name not in PAGES:
        return
    write = builder.write_doc

    def write_doc(docname, doctree):
        with kept_formulas(builder, docname):
            write(docname, doctree)

    builder.write_doc = write_doc


def _formula(translator, tex, display):
    macros, builder = dict(translator.config.typeset_macros), translator.builder
    if builder.name not in PAGES:  # only pages have the style sheet that the short form needs
        return render(tex, display=display, macros=macros)
    known, used = getattr(builder, "formulas", ({}, {}))
    key = f"{'display' if display else 'inline'} {tex}"
    if key not in used:
        used[key] = known.get(key) or compact(render(tex, display=display, macros=macros))
    return used[key]


def _set(translator, node, tex, *, display):
    try:
        return _formula(translator, tex, display)
    except (KatexError, UnknownStyle) as error:
        logger.warning("this formula cannot be set: %s", error, location=node,
                       type="typeset", subtype="formula")
        return f'<code class="unset">{translator.encode(tex)}</code>'


def visit_inline(translator, node):
    formula = _set(translator, node, node.astext(), display=False)
    translator.body.append(f'<span class="math notranslate">{formula}</span>')
    raise nodes.SkipNode


def visit_display(translator, node):
    body = translator.body
    body.append(translator.starttag(node, "div", CLASS="equation notranslate"))
    body.append('<div class="formula" tabindex="0">')
    body.append(_set(translator, node, node.astext(), display=True))
    body.append("</div>")
    if node.get("number"):
        body.append(f'<span class="eqno">({get_node_equation_number(translator, node)})')
        translator.add_permalink_ref(node, "Link to this equation")
        body.append("</span>")
    body.append("</div>\n")
    raise nodes.SkipNode


def setup(app):
    app.add_config_value("typeset_macros", {}, "html", dict)
    app.connect("builder-inited", keep_formulas)
    app.add_html_math_renderer("katex", (visit_inline, None), (visit_display, None))
