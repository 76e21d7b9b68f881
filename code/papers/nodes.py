"""The nodes of the exam layer: a marker, a slot, a box and a fold, and how HTML shows the last two.

Only boxes and folds reach a writer, and only one of HTML: for all others they become plain
containers (see :mod:`papers.render`), so that every builder shows everything.
"""

from docutils import nodes


class marker(nodes.Invisible, nodes.Element):
    """Head of a question or an answer; claims the section that it stands in."""


class slot(nodes.Invisible, nodes.Element):
    """A place that is filled when the page is written, from what the whole book then says."""


class box(nodes.General, nodes.Element):
    """A ``div`` with classes and nothing else."""


class fold(nodes.General, nodes.Element):
    """``details``: a :class:`fold_summary` and a box with the content, closed unless ``open``."""


class fold_summary(nodes.General, nodes.TextElement):
    """``summary`` of a fold."""


def make_fold(kind: str, summary: list[nodes.Node], *content: nodes.Node, ids=()) -> fold:
    """A fold of class ``papers-KIND``.

    The ids are those of the content, not of the fold: a browser that follows a link opens the
    folds around the target, and the fold itself is not around itself.
    """
    inner = box("", *content, classes=["papers-fold-body"], ids=list(ids))
    return fold(
        "", fold_summary("", "", *summary), inner, classes=["papers-fold", f"papers-{kind}"]
    )


def visit_box(self, node):
    facts = {"data-minutes": node["minutes"]} if node.get("minutes") else {}
    self.body.append(self.starttag(node, "div", **facts))


def depart_box(self, node):
    self.body.append("</div>\n")


def visit_fold(self, node):
    always = node.get("open") or self.builder.name == "epub"
    opened = {"open": "open"} if always else {}
    self.body.append(self.starttag(node, "details", **opened))


def depart_fold(self, node):
    self.body.append("</details>\n")


def visit_fold_summary(self, node):
    self.body.append(self.starttag(node, "summary", ""))


def depart_fold_summary(self, node):
    self.body.append("</summary>\n")


def setup(app):
    """Register the nodes that reach a writer."""
    app.add_node(box, html=(visit_box, depart_box))
    app.add_node(fold, html=(visit_fold, depart_fold))
    app.add_node(fold_summary, html=(visit_fold_summary, depart_fold_summary))
