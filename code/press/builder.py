"""The Sphinx builder ``press``: every page as well-formed markup, each block with its source line.

What the site shows is written by the same translator; left out is what only a screen needs (theme,
scripts, search). A formula is kept as MathML with its TeX.
"""

import json
import re
from contextlib import suppress
from pathlib import Path
from xml.etree import ElementTree

from docutils import nodes
from sphinx import addnodes
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

logger = logging.getLogger(__name__)
MATHML = re.compile(r"<math\b.*?</math>", re.S)
HEAD = '<page xmlns:xlink="http://www.w3.org/1999/xlink">'


class PressTranslator(HTML5Translator):
    """The translator of the site, which also says where each element comes from.

    Each element gets the attribute ``data-source="FILE:LINE"``.
    """

    def starttag(self, node, tagname, suffix="\n", empty=False, **attributes):
        """The tag of the translator with one attribute more."""
        if place := self._place(node):
            attributes["data-source"] = place
        return super().starttag(node, tagname, suffix, empty, **attributes)

    def visit_math(self, node, *rest):
        """Keep the MathML of an inline formula; what is written alike is set once."""
        known = self.builder.formulas
        if node.astext() not in known:
            known[node.astext()] = self._mathml(node, super().visit_math, *rest)
        self._say(node, known[node.astext()])

    def visit_math_block(self, node, *rest):
        """Keep the MathML of a displayed formula."""
        self._say(node, self._mathml(node, super().visit_math_block, *rest))

    def visit_raw(self, node):
        """Keep raw HTML if it is well-formed, and say where it stands."""
        if "html" not in node.get("format", "").split():
            raise nodes.SkipNode
        inline = isinstance(node.parent, nodes.TextElement)
        place = "" if inline else f' data-source="{self._place(node)}"'
        text = node.astext()
        # A tag that is opened in one node and closed in another is one of two of MyST's.
        if inline and re.fullmatch(r"</?[a-z][a-z0-9]*(\s[^<>]*)?>", text.strip()):
            self.body.append(text)
            raise nodes.SkipNode
        written = f"<div{place}>{text}</div>\n" if place else text
        try:
            ElementTree.fromstring(f"<raw>{written}</raw>")
        except ElementTree.ParseError as error:
            logger.warning("this HTML is not well-formed, so it cannot be printed: %s", error,
                           location=node, type="press", subtype="raw")
            raise nodes.SkipNode from None
        self.body.append(written)
        raise nodes.SkipNode

    def _say(self, node, written):
        self.body.append(written.replace("<math", f'<math data-source="{self._place(node)}"', 1))
        raise nodes.SkipNode

    def _mathml(self, node, visit, *rest):
        """What a visitor writes, with the MathML in place of what the renderer puts around it."""
        before = len(self.body)
        with suppress(nodes.SkipNode):
            visit(node, *rest)
        written = "".join(self.body[before:])
        del self.body[before:]
        found = MATHML.search(written)
        if found is None:
            logger.warning("this formula has no MathML, so it cannot be printed: %s",
                           node.astext(), location=node, type="press", subtype="formula")
            return written
        start, end = self._outermost(written, found)
        return written[:start] + found[0] + written[end:]

    @staticmethod
    def _outermost(written, found):
        """Where the renderer's element begins that holds the MathML: KaTeX has it in a span."""
        start = written.find('<span class="katex')
        if start < 0 or start > found.start():
            return found.span()
        depth = 0
        for tag in re.finditer(r"<(/?)span\b[^>]*?(/?)>", written[start:]):
            depth += 0 if tag[2] else -1 if tag[1] else 1
            if depth == 0:
                return start, start + tag.end()
        raise ValueError(f"a span is not closed: {written[start:start + 80]}")

    def _place(self, node):
        while node is not None and not (isinstance(node, nodes.Element) and node.line):
            node = node.parent
        if node is None or not node.source:
            return ""
        path = Path(node.source.partition(":docstring of")[0])
        root = Path(self.builder.confdir)
        return f"{path.relative_to(root) if path.is_relative_to(root) else path.name}:{node.line}"


class PressBuilder(StandaloneHTMLBuilder):
    """Writes ``NAME.xml`` for each page, ``_images`` and ``book.json``."""

    name = "press"
    one_file_per_page = True
    epilog = "The pages for print are in %(outdir)s."
    search = False
    allow_parallel = True
    html_scaled_image_link = False
    default_translator_class = PressTranslator

    def init(self):
        """Remember what formulas look like."""
        super().init()
        self.formulas: dict[str, str] = {}

    def get_output_path(self, page_name):
        """The file of a page."""
        return Path(self.outdir, f"{page_name}.xml")

    def copy_assets(self):
        """Nothing: scripts and style sheets are for the screen. Extensions expect the folder."""
        self._static_dir.mkdir(parents=True, exist_ok=True)

    def get_doc_context(self, docname, body, metatags):
        """The text of the page and nothing around it."""
        return {"body": body}

    def handle_page(self, pagename, addctx, templatename="", outfilename=None, event_arg=None):
        """Write a page."""
        path = self.get_output_path(pagename)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{HEAD}\n{addctx['body']}\n</page>\n", encoding="utf-8")

    def finish(self):
        """Copy the images, and write what the book is and in which order its pages stand."""
        self.copy_image_files()
        config = self.config
        book = {
            "title": config.html_title, "author": config.author, "version": config.release,
            "copyright": config.copyright, "language": config.language or "en",
            "subtitle": config.press_subtitle, "root": config.root_doc,
            "source": self._source(config.root_doc),
            "groups": list(self._groups()), "terms": self._terms(),
        }
        Path(self.outdir, "book.json").write_text(json.dumps(book, indent=1, ensure_ascii=False))

    def _terms(self):
        if not self.config.press_terms:
            return []
        path = Path(self.srcdir, self.config.press_terms)
        lines = path.read_text(encoding="utf-8").splitlines()
        return [[form.strip() for form in line.split("|")] for line in lines if line.strip()]

    def _groups(self):
        """Groups of pages, one for each table of contents of the first page."""
        seen = {self.config.root_doc, *self.config.press_exclude}
        for toctree in self.env.get_doctree(self.config.root_doc).findall(addnodes.toctree):
            pages = list(self._pages(toctree["includefiles"], 1, seen))
            yield {"caption": toctree.get("caption") or "", "pages": pages}

    def _pages(self, names, depth, seen):
        for name in names:
            if name not in seen:
                seen.add(name)
                number = self.env.toc_secnumbers.get(name, {}).get("", ())
                yield {"name": name, "title": self.env.titles[name].astext(), "depth": depth,
                       "number": ".".join(map(str, number)),
                       "source": self._source(name)}
                yield from self._pages(self.env.toctree_includes.get(name, []), depth + 1, seen)

    def _source(self, name):
        return str(Path(self.env.doc2path(name)).relative_to(self.confdir))
