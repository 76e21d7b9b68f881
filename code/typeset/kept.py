"""What a build of one edited page would work out anew for the whole book, and finds as it was.

Sphinx looks through the trees of all pages to number the figures, and sphinxcontrib-bibtex lays
out every reference of the bibliography, whatever was edited. Here both are kept in the
environment with a digest of what they were made from, and hold as long as it is the same.
"""

from collections.abc import Iterable
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.domains import Domain
from sphinx.domains.std import StandardDomain
from sphinx.environment.collectors.toctree import TocTreeCollector

from .digests import digest, of_file
from .fresh import installed

assign_figure_numbers = TocTreeCollector.assign_figure_numbers  # Sphinx's own


def outline(tree: nodes.Element, domains: Iterable[Domain]) -> nodes.Element:
    """What numbers depend on, of the tree of a page: sections, lists of pages, what is counted.

    Parameters
    ----------
    tree : nodes.Element
    domains : iterable of Domain
        They say of a node whether it may be counted; its caption says whether it is.
    """
    def counts(node):
        return [(one.get_enumerable_node_type(node),
                 one.get_numfig_title(node) if isinstance(one, StandardDomain) else "")
                for one in domains]

    def counted(node):
        return any(one.get_enumerable_node_type(node) for one in domains)

    def fill(copy, node):
        for child in node.children:
            if isinstance(child, nodes.Text):
                continue
            if isinstance(child, nodes.section):
                copy += child.copy()
                fill(copy[-1], child)
            elif isinstance(child, addnodes.toctree):
                copy += child.copy()
            elif counted(child):
                short = child.copy()
                short += [one.deepcopy() for one in child.children
                          if isinstance(one, nodes.caption | nodes.title)]
                fill(short, child)
                copy += short if counts(short) == counts(child) else child.deepcopy()
            else:
                fill(copy, child)

    short = nodes.Element()
    fill(short, tree)
    for node in short.findall():
        node.document = None  # or all of the page would be kept
    return short


def number_figures(collector, env):
    """Number the figures of all pages by their outlines."""
    if not hasattr(env, "typeset_kept"):  # of another book in this process, without this package
        return assign_figure_numbers(collector, env)
    before, domains = env.typeset_kept.get("outlines", {}), list(env.domains.sorted())
    outlines = env.typeset_kept["outlines"] = {}

    def outline_of(name):
        now = of_file(Path(env.doctreedir, f"{name}.doctree"))
        known, found = before.get(name, (None, None))
        outlines[name] = (now, found if known == now else outline(whole(name), domains))
        return outlines[name][1]

    whole, env.get_doctree = env.get_doctree, outline_of
    try:
        return assign_figure_numbers(collector, env)
    finally:
        del env.get_doctree


def keep_citations(app):
    """Lay out the references again only where something that they are made from has changed."""
    if "sphinxcontrib.bibtex" not in app.extensions:
        return
    env, domain = app.env, app.env.domains["cite"]
    lay_out = domain.env_updated

    def env_updated():
        settings = [(one.name, one.value) for one in app.config if one.name.startswith("bibtex_")]
        now = digest(
            domain.bibdata, list(domain.bibliographies.items()), domain.citation_refs,
            env.toctree_includes, sorted(env.found_docs), settings, installed(),
            of_file(Path(app.confdir, "conf.py")))
        known, found = env.typeset_kept.get("citations", (None, []))
        if now == known:
            domain.citations[:] = found
            return []
        lay_out()
        env.typeset_kept["citations"] = (now, list(domain.citations))
        return []

    domain.env_updated = env_updated


def start(app):
    """Find what the last build kept."""
    if not hasattr(app.env, "typeset_kept"):
        app.env.typeset_kept = {}
    keep_citations(app)


def setup(app):
    """Put what is kept in the places of Sphinx and sphinxcontrib-bibtex."""
    TocTreeCollector.assign_figure_numbers = number_figures
    app.connect("builder-inited", start)
