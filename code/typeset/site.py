"""What a page says of itself, and the files beside the pages.

Each page gets a policy that lets nothing be loaded from another host, a description (its first
paragraph of plain words) and, where the address of the site is known (``html_baseurl``), a
canonical address and what a link preview needs. Beside the pages stand the style sheet of all
lengths in formulas (:func:`typeset.compact.sheet`), ``404.html``, ``robots.txt`` and, with an
address, ``sitemap.xml``.
"""

import re
import shutil
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from docutils import nodes
from sphinx.util import logging

from . import search
from .compact import sheet
from .mathematics import PAGES

logger = logging.getLogger(__name__)
THEME = Path(__file__).parent / "theme"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'self'; form-action 'self'"
)
# Style sheets and scripts that other packages bring and that this theme does without.
LEFT_OUT = re.compile(
    r"_static/(pygments|basic|mystnb\.[0-9a-f]+)\.css|documentation_options|doctools|sphinx_hi"
    r"|_static/(styles|scripts)/|sphinx-book-theme|pydata"
)
# What the themes that this one inherits from put beside the pages, 6 MB that no page asks for.
UNUSED = ("scripts", "styles", "vendor", "locales", "images", "webpack-macros.html",
          "sbt-webpack-macros.html")
# Sphinx says that the caption of a list of pages is a heading, but not of which level; docutils
# gives the entries of a list a role that is deprecated.
ROLES = {
    r'<p(?![^>]* aria-level=)([^>]*) role="heading"': r'<p\1 role="heading" aria-level="2"',
    r' role="doc-biblioentry"': ' role="listitem"',
}
CLASSES = re.compile(r'class="([^"]*)"')
SIZED = re.compile(r'(<img\b[^>]*?) style="([^"]*)"([^>]*>)')
WIDTH = re.compile(r'style="width: (\d+)(?:\.\d+)?%"')


def page_facts(app, pagename, templatename, context, doctree):
    """Give the layout what it says in the head of a page."""
    body = context.get("body") or ""
    for old, new in ROLES.items():
        body = re.sub(old, new, body)
    body = SIZED.sub(_sized, body)
    if found := re.search(r"<[a-z][^<>]*? (style|on[a-z]+)=[^<>]*>|<(style|script|iframe)\b", body):
        logger.warning("the policy of a page forbids this, so nobody would see it: %s",
                       found[0][:80], location=_raw(doctree, found[0]) or pagename,
                       type="typeset", subtype="policy")
    context["body"] = body
    base = app.config.html_baseurl
    context["page_policy"] = POLICY
    context["page_words"] = words
    context["page_description"] = describe(doctree) if doctree is not None else ""
    context["page_picture"] = urljoin(base, "_static/page.png")
    context["page_downloads"] = app.config.typeset_downloads
    context["page_folds"] = 'class="papers-fold papers-short-fold"' in body
    # A script without a file stands in the page, where the policy forbids it.
    context["page_style"] = context["page_script"] = lambda file: bool(
        file.filename and not LEFT_OUT.search(str(file.filename)))
    # The server shows this page under any address, so its links are read from the root.
    context["page_base"] = urlsplit(base).path if pagename == "404" and base else ""


def _sized(match):
    """The size of an image as classes; :func:`typeset.compact.sheet` has their rules."""
    names = [f"{key}-{size}{'pc' if unit == '%' else unit or 'px'}".replace(".", "_")
             for key, size, unit in re.findall(r"(width|height):\s*([\d.]+)(%|[a-z]*)", match[2])]
    before, after = match[1], match[3]
    if ' class="' in before + after:
        return re.sub(r' class="', f' class="{" ".join(names)} ', before + after, count=1)
    return f'{before} class="{" ".join(names)}"{after}'


def _raw(doctree, text):
    """The node of raw HTML that a piece of a page comes from."""
    for node in doctree.findall(nodes.raw) if doctree is not None else ():
        if text[:40] in node.astext():
            while node.parent is not None and not node.line:
                node = node.parent
            return node
    return None


class _Words(HTMLParser):
    """The text of HTML; of a formula, what a screen reader says, and not what is drawn as well."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.said, self.inside = [], 0

    def handle_starttag(self, tag, attributes):
        if tag == "span" and (self.inside or "katex-html" in (dict(attributes).get("class") or "")):
            self.inside += 1

    def handle_endtag(self, tag):
        self.inside -= tag == "span" and self.inside > 0

    def handle_data(self, data):
        if not self.inside:
            self.said.append(data.replace("\u2061", ""))


def words(html: str) -> str:
    """A title as plain text.

    Examples
    --------
    >>> from typeset.katex import render
    >>> words(f"The {render('beta', display=False)}-VAE")
    'The beta-VAE'
    """
    parser = _Words()
    parser.feed(re.sub(r"<annotation .*?</annotation>", "", str(html or ""), flags=re.S))
    parser.close()
    return " ".join("".join(parser.said).split())


def describe(doctree, longest=200) -> str:
    """The first paragraph of a page that is nothing but words, cut at the end of a sentence."""
    for paragraph in doctree.findall(nodes.paragraph):
        plain = not any(paragraph.findall(lambda node: isinstance(node, nodes.math | nodes.image)))
        if plain and isinstance(paragraph.parent, nodes.section):
            text = " ".join(paragraph.astext().split())
            if len(text) <= longest:
                return text
            cut = text[:longest]
            return cut[: cut.rfind(". ") + 1] or cut[: cut.rfind(" ")] + " …"
    return ""


def write_files(app, error):
    """Write the files that depend on all pages."""
    if error or app.builder.name not in PAGES:
        return
    out = Path(app.outdir)
    for name in UNUSED:
        path = out / "_static" / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    if app.builder.name == "singlehtml":
        used = _classes(sorted(out.glob("*.html")))
        (out / "_static" / "formulas.css").write_text(sheet(used), encoding="utf-8")
        return
    pages = app.builder.memory["pages"]  # one chapter may be built alone
    used = {name for page in pages.values() for name in page.get("classes", ())}
    (out / "_static" / "formulas.css").write_text(sheet(used), encoding="utf-8")
    base = app.config.html_baseurl
    robots = "User-agent: *\nAllow: /\n"
    if base:
        robots += f"Sitemap: {urljoin(base, 'sitemap.xml')}\n"
        (out / "sitemap.xml").write_text(site_map(app, base), encoding="utf-8")
    (out / "robots.txt").write_text(robots, encoding="utf-8")
    (out / "search-index.js").write_text(search.join(app, pages), encoding="utf-8")


def _classes(pages):
    """The names of the classes of pages."""
    return {name for page in pages for names in CLASSES.findall(page.read_text(encoding="utf-8"))
            for name in names.split()}


def site_map(app, base) -> str:
    """A site map of all source pages."""
    names = sorted(app.env.all_docs)
    addresses = [urljoin(base, app.builder.get_target_uri(name)) for name in names]
    lines = [f"  <url><loc>{escape(address)}</loc></url>" for address in addresses]
    return ('<?xml version="1.0" encoding="UTF-8"?>\n'
            '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
            + "\n".join(lines) + "\n</urlset>\n")


def visit_table(translator, node):
    """A wide table scrolls in a box of its own."""
    if "papers-scroll" not in node.parent.get("classes", []):
        translator.body.append('<div class="table-scroll">')
    node.starts_at = len(translator.body)
    type(translator).visit_table(translator, node)


def depart_table(translator, node):
    """The width of a column is a class too: the policy of a page forbids styles in it."""
    type(translator).depart_table(translator, node)
    body, start = translator.body, node.starts_at
    table = WIDTH.sub(r'class="width-\1"', "".join(body[start:]))
    # The corner above a column of names heads nothing.
    body[start:] = [re.sub(r'<th class="head( stub)?">\s*</th>', "<td></td>", table)]
    if "papers-scroll" not in node.parent.get("classes", []):
        body.append("</div>\n")


def setup(app):
    """Register the theme, the facts of a page, the files beside the pages and the tables."""
    # Files beside the pages that the first page leads to: name to path from the root of the site.
    app.add_config_value("typeset_downloads", {}, "html", frozenset({dict}))
    app.add_html_theme("book-theme", str(THEME))
    app.add_node(nodes.table, override=True, html=(visit_table, depart_table))
    app.connect("html-page-context", page_facts, priority=900)
    app.connect("build-finished", write_files)
