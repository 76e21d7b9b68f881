"""Sphinx's math renderer ``katex``: formulas become HTML and MathML while the book is built."""

from docutils import nodes
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

from .compact import UnknownStyle, compact
from .katex import KatexError, render

PAGES = ("html", "singlehtml")
logger = logging.getLogger(__name__)


def _set(translator, node, tex, *, display):
    try:
        formula = render(tex, display=display, macros=dict(translator.config.typeset_macros))
        # Only pages have the style sheet that the short form needs.
        return compact(formula) if translator.builder.name in PAGES else formula
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
    app.add_html_math_renderer("katex", (visit_inline, None), (visit_display, None))
