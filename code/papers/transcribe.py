"""Copies of a piece of one page for another: no id twice, and every link still leads somewhere."""

from docutils import nodes
from sphinx import addnodes
from sphinx.environment import BuildEnvironment
from sphinx.errors import NoUri
from sphinx.util import docname_join
from sphinx.util.nodes import make_refnode

from .nodes import box, make_fold, slot


def transcribe(
    content: list[nodes.Node], owner: str, origin: str, here: str, env: BuildEnvironment
) -> box:
    """Copy content of the page ``origin`` for the page ``here``.

    Parameters
    ----------
    content
        The nodes to copy, as they were read.
    owner
        A name that no other copy in the book has; numbered things need an id and get one that
        begins with it. All other ids are dropped.
    """
    result = box("", *(node.deepcopy() for node in content))
    for node in list(result.findall(nodes.Element)):
        if node.parent is None:
            continue
        if isinstance(node, slot) or (isinstance(node, nodes.target) and not len(node)):
            node.parent.remove(node)
        elif isinstance(node, nodes.section):
            _replace(node, box("", *node.children))
        elif isinstance(node, nodes.title) and not isinstance(node.parent, nodes.table):
            _replace(node, nodes.paragraph("", "", *node.children, classes=["papers-label"]))
        elif isinstance(node, nodes.footnote_reference):
            mark = nodes.superscript("", "", nodes.Text(f"[{node.astext()}]"))
            _replace(node, _link(node.get("refid"), mark, origin, here, env))
        elif isinstance(node, nodes.reference) and "refid" in node:
            inline = nodes.inline("", "", *node.children)
            _replace(node, _link(node["refid"], inline, origin, here, env))
        elif isinstance(node, addnodes.pending_xref):
            _turn(node, origin, here)
        elif isinstance(node, nodes.math_block):
            node["number"] = node["label"] = None
        elif isinstance(node, nodes.figure | nodes.table):
            _number(node, origin, env)
    for node in list(result.findall(nodes.Element)):
        _forget_ids(node, owner)
        if isinstance(node, box) and node.get("papers") == "translation":
            _replace(node, _fold_translation(node))
    return result


def _replace(node: nodes.Element, other: nodes.Node) -> None:
    node.parent[node.parent.index(node)] = other


def _link(
    anchor: str | None, content: nodes.Node, origin: str, here: str, env: BuildEnvironment
) -> nodes.Node:
    try:
        return make_refnode(env._app.builder, here, origin, anchor, content)
    except NoUri:
        return content


def _turn(node: addnodes.pending_xref, origin: str, here: str) -> None:
    """Resolve a reference from where the copy stands; names of files are relative to the origin."""
    if node["reftype"] == "doc" and not node["reftarget"].startswith("/"):
        node["reftarget"] = "/" + docname_join(node.get("refdoc", origin), node["reftarget"])
    node["refdoc"] = here


def _number(node: nodes.Element, origin: str, env: BuildEnvironment) -> None:
    """Give a copy the number of what it copies, as text."""
    kind = "figure" if isinstance(node, nodes.figure) else "table"
    numbers = env.toc_fignumbers.get(origin, {}).get(kind, {})
    number = next((numbers[id] for id in node["ids"] if id in numbers), None)
    caption = next((n for n in node if isinstance(n, nodes.caption | nodes.title)), None)
    if number and caption is not None:
        text = env.config.numfig_format[kind] % ".".join(map(str, number))
        caption.insert(0, nodes.inline("", f"{text} ", classes=["caption-number"]))


def _forget_ids(node: nodes.Element, owner: str) -> None:
    # Sphinx asks everything that it can number for an id, be it numbered or not.
    numbered = isinstance(node, nodes.figure | nodes.table) or "literal_block" in node
    node["ids"] = [f"{owner}-{id}" for id in node["ids"][:1]] if numbered else []
    node["names"], node["dupnames"], node["backrefs"] = [], [], []


def _fold_translation(node: box) -> nodes.Node:
    """A translation is folded where the question is repeated."""
    language = [name for name in node["classes"] if name.startswith("language-")]
    result = make_fold("translation-fold", [nodes.Text(node["summary"])], *node.children[1:])
    result["classes"] += language
    return result
