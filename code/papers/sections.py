"""When a file has been read: rebuild the claimed sections, and record what they hold.

Code cells cannot stand inside a directive, so ``{question}`` and ``{answer}`` are markers at the
head of a section and the section is what they claim. An answer's section is put in order here: a
head, the question (a slot), the short answer in a fold, all the rest in a second one.
"""

import doctest
import hashlib
from collections import Counter
from collections.abc import Iterable

from docutils import nodes
from sphinx.transforms import SphinxTransform

from .domain import Answer, Page
from .nodes import box, make_fold, marker, slot

_AT_HEAD = (nodes.comment, nodes.target, nodes.system_message, nodes.substitution_definition)
_IN_ANSWERS = ("short", "marks", "pitfall", "variation")


class ClaimSections(SphinxTransform):
    """Rebuild the sections of questions and answers, and report markers that claim none."""

    default_priority = 500

    def apply(self, **kwargs):
        """Rebuild the sections of one file."""
        self.page: Page = self.env.get_domain("papers").page(self.env.docname)
        for node in list(self.document.findall(marker)):
            if why := why_not(node):
                self.fault(node.line, "marker", f"{node['what']} {node['part']}: {why}")
                node.parent.remove(node)
            else:
                section = node.parent
                section["papers"], section["part"] = node["what"], node["part"]
                section["classes"].append(f"papers-{node['what']}-section")
        for node in list(self.document.findall(marker)):
            getattr(self, f"_{node['what']}")(node.parent, node)
            node.parent.remove(node)
        self._strays()

    def fault(self, line: int, kind: str, message: str) -> None:
        """Keep a fault for the end of the reading."""
        self.page.faults.append((line, kind, message))

    def _question(self, section: nodes.section, node: marker) -> None:
        part = node["part"]
        self.page.questions.append(node["record"])
        self._anchor(section, f"question-{part}")
        if not self.page.papers:
            self.fault(node.line, "paper", f"question {part}: the page states no paper")
        for stem in stems(section):
            if "stem" not in stem:
                stem["stem"] = f"stem-{part}"
                self._anchor(stem, stem["stem"])
        place = section.index(node)
        section.insert(place, slot("", what="question-head", part=part))
        section += slot("", what="peek", part=part)

    def _answer(self, section: nodes.section, node: marker) -> None:
        part, answer = node["part"], node["record"]
        self.page.answers.append(answer)
        self._anchor(section, part)
        place = section.index(node)
        rest = section[place + 1 :]
        del section[place + 1 :]
        holder = nodes.Element("", *rest)
        shorts = find(holder, "short")
        self._once(part, "short", shorts)
        for short in shorts:
            short.parent.remove(short)
        self._read(answer, holder)
        section += slot("", what="answer-head", part=part)
        section += slot("", what="question", part=part)
        if shorts:
            answer.short = True
            summary = [nodes.Text(f"{part}: short answer")]
            section += make_fold("short-fold", summary, *shorts, ids=[f"{part}-short"])
            section[-1]["open"] = True
        summary = [nodes.Text(f"{part}: whole answer"), slot("", what="holds", part=part)]
        section += make_fold("whole-fold", summary, *holder.children, ids=[f"{part}-whole"])

    def _read(self, answer: Answer, holder: nodes.Element) -> None:
        marks = find(holder, "marks")
        self._once(answer.id, "marks", marks)
        if marks:
            answer.marks, answer.marks_line = marks[0].get("total"), marks[0].line
            marks[0]["ids"].append(f"{answer.id}-marks")
            for place in marks[0].findall(slot):
                place["part"] = answer.id
        answer.pitfalls = len(find(holder, "pitfall"))
        answer.variations = len(find(holder, "variation"))

    def _once(self, part: str, what: str, found: list[box]) -> None:
        for extra in found[1:]:
            message = f"answer {part} has {{{what}}} in line {found[0].line} already"
            self.fault(extra.line, what, message)
        if not found:
            record = next(a for a in self.page.answers if a.id == part)
            self.fault(record.line, what, f"answer {part} has no {{{what}}}")

    def _strays(self) -> None:
        for node in self.document.findall(box):
            if node.get("papers") in _IN_ANSWERS and not claimed(node, "answer"):
                self.fault(node.line, "marker", f"{{{node['papers']}}} stands in no answer")

    def _anchor(self, section: nodes.section, anchor: str) -> None:
        """Make an id the first of a section, in place of those made from its heading's words.

        Headings such as "(a)" repeat from paper to paper, and all papers may share one page.
        """
        if anchor in self.document.ids:
            return
        explicit = {
            self.document.nameids.get(name)
            for name in section["names"]
            if self.document.nametypes.get(name)
        }
        dropped = [id for id in section["ids"] if id not in explicit]
        section["ids"] = [anchor, *(id for id in section["ids"] if id in explicit)]
        self.document.ids[anchor] = section
        for slugs in (
            getattr(self.document, "myst_slugs", {}),
            self.env.metadata[self.env.docname].get("myst_slugs", {}),
        ):
            for slug, (line, id, text) in slugs.items():
                if id in dropped:
                    slugs[slug] = (line, anchor, text)


def why_not(node: marker) -> str | None:
    """Why a marker claims no section; None if it does."""
    section = node.parent
    if not isinstance(section, nodes.section):
        return "it stands in no section of its own; put it directly after a heading"
    if "papers" in section:
        return f"its section is that of the {section['papers']} {section['part']} already"
    before = section[1 : section.index(node)]
    if not all(isinstance(other, _AT_HEAD) for other in before):
        return "it is not at the head of its section; put it directly after the heading"
    if outer := claimed(section):
        return f"its section is inside that of the {outer['papers']} {outer['part']}"
    return None


def claimed(node: nodes.Node, what: str | None = None) -> nodes.section | None:
    """The claimed section around a node, or None."""
    parent = node.parent
    while parent is not None:
        if isinstance(parent, nodes.section) and "papers" in parent:
            return parent if what in (None, parent["papers"]) else None
        parent = parent.parent
    return None


def find(node: nodes.Element, kind: str) -> list[box]:
    """The boxes of a kind in a node."""
    return [n for n in node.findall(box) if n.get("papers") == kind]


def stems(section: nodes.section) -> list[nodes.section]:
    """The sections around a question, outermost first, below the one that holds the paper."""
    found, parent = [], section.parent
    while isinstance(parent, nodes.section) and isinstance(parent.parent, nodes.section):
        if any(isinstance(n, box) and n.get("papers") == "paper" for n in parent):
            break
        found.insert(0, parent)
        parent = parent.parent
    return found


def body(section: nodes.section) -> list[nodes.Node]:
    """What a question or a stem says: its section without heading, slots and anchors.

    The parts that stand in a stem's section are not part of the stem.
    """
    skipped = (nodes.title, slot, marker, *_AT_HEAD)
    whole = section.get("papers") == "question"
    return [
        node
        for node in section
        if not isinstance(node, skipped) and (whole or not isinstance(node, nodes.section))
    ]


def count(found: Iterable[nodes.Element]) -> tuple[dict[str, int], list[str]]:
    """Count what checks a piece of text, given all its nodes, and list what nothing checks."""
    counts: Counter[str] = Counter()
    unchecked: list[str] = []
    for node in found:
        if isinstance(evidence := node.get("evidence"), dict):
            counts.update(evidence)
            said = list(node.get("unchecked") or [])
            unsaid = evidence.get("unchecked steps", 0) - len(said)
            unchecked += said + ["a step of a derivation"] * max(0, unsaid)
        if isinstance(node, nodes.doctest_block) or node.get("testnodetype") == "doctest":
            counts["doctests"] += len(doctest.DocTestParser().get_examples(node.astext()))
        elif isinstance(node, nodes.container) and "cell" in node["classes"]:
            counts["cells"] += 1
        elif is_figure(node):
            counts["figures"] += 1
    return {key: n for key, n in sorted(counts.items()) if n}, unchecked


def is_figure(node: nodes.Element) -> bool:
    """An image; of the several forms of an output, of which a builder shows one, all as one."""
    if isinstance(node, nodes.image):
        return not in_bundle(node)
    return is_bundle(node) and next(node.findall(nodes.image), None) is not None


def is_bundle(node: nodes.Element) -> bool:
    """A node holds the several forms of an output."""
    return node.get("nb_element") == "mime_bundle"


def in_bundle(node: nodes.Node) -> bool:
    """A node is inside one of the forms of an output."""
    while (node := node.parent) is not None:
        if is_bundle(node):
            return True
    return False


def digest(*content: nodes.Node) -> str:
    """A digest of content; line numbers do not matter to it."""
    text = "".join(node.pformat() for node in content)
    return hashlib.sha256(text.encode()).hexdigest()


def record(app, document: nodes.document) -> None:
    """Count what a file holds once it is read, images and nodes of other packages included."""
    env = app.env
    domain = env.get_domain("papers")
    page = domain.page(env.docname)
    for answer, section in zip(page.answers, sections(document, "answer"), strict=True):
        answer.evidence, answer.unchecked = count(section.findall(nodes.Element))
        answer.digest = digest(*find(section, "short"))
    for question, section in zip(page.questions, sections(document, "question"), strict=True):
        shared = [node for stem in stems(section) for node in (stem[0], *body(stem))]
        question.digest = digest(section[0], *shared, *body(section))
    if not page.papers:
        outside = (node for node in document.findall(nodes.Element) if not claimed(node))
        page.elsewhere, page.elsewhere_unchecked = count(outside)
    page.links = sorted({node["reftarget"] for node in document.findall(is_link)})
    if page == Page():
        domain.clear_doc(env.docname)


def sections(document: nodes.document, what: str) -> list[nodes.section]:
    """The claimed sections, in the order of their markers."""
    return [s for s in document.findall(nodes.section) if s.get("papers") == what]


def is_link(node: nodes.Node) -> bool:
    """A link to a part that is not resolved yet."""
    return isinstance(node, nodes.Element) and node.get("refdomain") == "papers"
