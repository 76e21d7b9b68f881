"""When a page is written: fill its slots from what the whole book says.

This happens before myst-nb chooses the form of each output and before references are resolved, so
that what is repeated from another page takes part in both.
"""

import re
from collections import Counter
from fractions import Fraction

from docutils import nodes
from sphinx import addnodes
from sphinx.errors import NoUri
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.nodes import make_refnode

from .directives import points_node
from .domain import Answer, PapersDomain, Question, paper_of
from .nodes import box, fold, fold_summary, make_fold, slot
from .register import KINDS, Part
from .sections import body, find, sections, stems
from .transcribe import transcribe
from .values import show, show_points


class FillSlots(SphinxPostTransform):
    """Fill the slots of a page."""

    default_priority = 2

    def run(self, **kwargs):
        """Fill the slots; leave them when texts are extracted, or each would be found twice."""
        self.app_builder = self.env._app.builder
        if self.app_builder.name == "gettext":
            return
        self.domain: PapersDomain = self.env.get_domain("papers")
        self.shown: set[tuple[str, str, str]] = set()
        for place in list(self.document.findall(slot)):
            fill = getattr(self, "_" + place["what"].replace("-", "_"))
            index = place.parent.index(place)
            place.parent[index : index + 1] = fill(place)

    # Where things are.

    def docname(self, node: nodes.Node) -> str:
        """The source file that a node comes from; a single page holds those of many."""
        while node.parent is not None:
            node = node.parent
            if isinstance(node, addnodes.start_of_file):
                return node["docname"]
        return self.env.docname

    def source(self, record: Question | Answer) -> nodes.section:
        """The section of a question or an answer, as it was read."""
        doctrees = self.domain.doctrees
        if record.docname not in doctrees:
            doctrees[record.docname] = self.env.get_doctree(record.docname)
        what = "question" if isinstance(record, Question) else "answer"
        found = sections(doctrees[record.docname], what)
        return next(s for s in found if s["part"] == record.id)

    def link(self, here: str, docname: str, anchor: str, *content: nodes.Node) -> nodes.Node:
        """A link, or its text where a builder has no links."""
        inline = nodes.inline("", "", *content)
        try:
            return make_refnode(self.app_builder, here, docname, anchor, inline)
        except NoUri:
            return inline

    def link_part(self, here: str, id: str) -> nodes.Node:
        """A link to the answer of a part, else to its question, else its id."""
        place = self.domain.place(id)
        return self.link(here, *place, nodes.Text(id)) if place else nodes.inline("", id)

    def link_paper(self, here: str, id: str) -> nodes.Node:
        """A link to the page of a paper."""
        paper, text = self.domain.paper(id), nodes.Text(f"Paper {id}")
        return self.link(here, paper.docname, "", text) if paper else nodes.inline("", "", text)

    def link_chapter(self, here: str, part: Part) -> nodes.Node:
        """A link to the chapter that answers a part, or its word while there is none."""
        chapter, word = part.chapter, nodes.Text(part.chapter)
        return self.link(here, chapter, "", word) if chapter in self.env.all_docs else word

    # The slots of a question.

    def _question_head(self, place: slot) -> list[nodes.Node]:
        id = place["part"]
        known = self.domain.register.get(id)
        facts = [nodes.strong("", id)]
        if known:
            facts += [nodes.inline("", show_points(known.points)), nodes.inline("", known.kind)]
        return [row(*facts)]

    def _peek(self, place: slot) -> list[nodes.Node]:
        id, here = place["part"], self.docname(place)
        answer = self.domain.answer(id)
        if answer is None:
            return [box("", row(nodes.Text(f"{id} is not answered yet.")), classes=["papers-peek"])]
        whole = self.link(here, answer.docname, id, nodes.Text(f"Answer to {id}"))
        content = [nodes.paragraph("", "", whole)]
        if answer.short:
            short = find(self.source(answer), "short")
            copies = transcribe(short, f"question-{id}-short", answer.docname, here, self.env)
            more = self.link(here, answer.docname, id, nodes.Text(f"The whole answer to {id}"))
            copies += nodes.paragraph("", "", more)
            content.append(make_fold("peek-fold", [nodes.Text(f"{id}: short answer")], copies))
        return [box("", *content, classes=["papers-peek"])]

    # The slots of an answer.

    def _answer_head(self, place: slot) -> list[nodes.Node]:
        id, here = place["part"], self.docname(place)
        known, question = self.domain.register.get(id), self.domain.question(id)
        facts = [nodes.strong("", id), self.link_paper(here, paper_of(id))]
        if known:
            facts += [nodes.inline("", show_points(known.points)), nodes.inline("", known.kind)]
        if question:
            back = nodes.Text("back to the question")
            facts.append(self.link(here, question.docname, f"question-{id}", back))
        return [row(*facts)]

    def _question(self, place: slot) -> list[nodes.Node]:
        id, here = place["part"], self.docname(place)
        question = self.domain.question(id)
        if question is None:
            return []
        section = self.source(question)
        result = box("", classes=["papers-question"])
        for stem in stems(section):
            result += self.stem(stem, id, here, question.docname)
        result += label(section[0])
        owner = f"{id}-question"
        result += transcribe(body(section), owner, question.docname, here, self.env).children
        return [result]

    def stem(self, stem: nodes.section, id: str, here: str, origin: str) -> nodes.Node:
        """What the parts of a question share: in full at first, folded from then on."""
        content = transcribe(body(stem), f"{id}-stem", origin, here, self.env)
        title = label(stem[0])
        seen = (here, origin, stem["ids"][0])
        if seen in self.shown and len(content):
            return make_fold("stem-fold", [*title.children, nodes.Text(" (as above)")], content)
        self.shown.add(seen)
        return box("", title, *content.children, classes=["papers-stem"])

    def _holds(self, place: slot) -> list[nodes.Node]:
        record = self.domain.answer(place["part"])
        counts = dict(record.evidence)
        counts |= {"pitfalls": record.pitfalls, "variations": record.variations}
        text = " · ".join(say(key, n) for key, n in counts.items() if n)
        return [nodes.Text(" "), nodes.inline("", text, classes=["papers-holds"])] if text else []

    def _total(self, place: slot) -> list[nodes.Node]:
        known = self.domain.register.get(place.get("part"))
        value, shared = known.worth if known else (None, False)
        if value is None:
            text = "Total, in marks of our own: the paper prints none "
        elif shared:
            text = f"Total, of the {show(value)} for the question "
        else:
            text = "Total "
        total = points_node(place["total"])
        return [nodes.paragraph("", "", nodes.Text(text), total, classes=["papers-total"])]

    # The tables.

    def _table(self, place: slot) -> list[nodes.Node]:
        here, by = self.docname(place), place["by"]
        parts = list(self.domain.register.values())
        groups = [getattr(part, by) for part in parts]
        order = (
            [kind for kind in KINDS if kind in groups] if by == "kind" else dict.fromkeys(groups)
        )
        result = []
        for group in order:
            rows = [self.row_of(part, here, by) for part in parts if getattr(part, by) == group]
            result += [self.group_title(group, by, len(rows), here), table(self.columns(by), rows)]
        return result

    def columns(self, by: str) -> list[str]:
        """The headings of a table; what it is grouped by needs no column."""
        names = {"part": "Part", "question": "Question", "points": "Points"}
        names |= {"kind": "Kind", "chapter": "Chapter"}
        return [name for key, name in names.items() if key != by]

    def group_title(self, group: str, by: str, n: int, here: str) -> nodes.Node:
        """The line above the rows of a group."""
        name = nodes.inline("", group)
        if by == "paper":
            name = self.link_paper(here, group)
        elif by == "chapter" and group in self.env.all_docs:
            title = self.env.titles[group].astext()
            name = self.link(here, group, "", nodes.Text(title))
        return nodes.paragraph(
            "", "", name, nodes.Text(f": {say('parts', n)}"), classes=["papers-label"]
        )

    def row_of(self, part: Part, here: str, by: str) -> list[list[nodes.Node]]:
        """The cells of a part."""
        question = self.domain.question(part.id)
        title: nodes.Node = nodes.inline("", "")
        if question:
            section = self.source(question)
            heads = [*(stem[0] for stem in stems(section)), section[0]]
            content: list[nodes.Node] = []
            for head in heads:
                content += [nodes.Text(" › ")] * bool(content) + copy_inline(head)
            title = self.link(here, question.docname, f"question-{part.id}", *content)
        points = nodes.Text(part.points or "none")
        cells = {"part": [self.link_part(here, part.id)], "question": [title], "points": [points]}
        cells |= {"kind": [nodes.Text(part.kind)], "chapter": [self.link_chapter(here, part)]}
        return [cell for key, cell in cells.items() if key != by]

    def _map(self, place: slot) -> list[nodes.Node]:
        here, parts = self.docname(place), list(self.domain.register.values())
        papers = list(dict.fromkeys(part.paper for part in parts))
        totals = {id: sum(map(self.worth, parts_of(parts, paper=id))) for id in papers}
        lines = []
        for chapter in dict.fromkeys(part.chapter for part in parts):
            asked = parts_of(parts, chapter=chapter)
            by = {id: parts_of(asked, paper=id) for id in papers}
            points = {id: sum(map(self.worth, by[id])) for id in papers if totals[id]}
            share = sum(points[id] / totals[id] for id in points) / (len(points) or 1)
            percent = f"{float(100 * share):.1f}\N{NO-BREAK SPACE}%"
            facts = [f"{sum(map(bool, by.values()))} of {len(papers)}", str(len(asked)), percent]
            cells = [self.map_cell(by[id], points.get(id), here) for id in papers]
            lines.append((share, [
                [self.link_chapter(here, asked[0])], *([nodes.Text(one)] for one in facts), *cells,
            ]))
        lines.sort(key=lambda line: -line[0])
        headings = ["Topic", "Papers", "Parts", "Share"]
        headings += [f"Paper {id}" + f", of {show(n)}" * bool(n) for id, n in totals.items()]
        return [table(headings, [cells for _, cells in lines])]

    def worth(self, part: Part) -> Fraction:
        """The points of a part: its own, else its marks' share of the question's, else none."""
        value, shared = part.worth
        answer = self.domain.answer(part.id)
        if shared:
            value = answer.marks if answer else None
        return value or Fraction(0)

    def map_cell(self, parts: list[Part], points: Fraction | None, here: str) -> list[nodes.Node]:
        """What a paper asks of a topic: the points, if the paper prints points, and the parts."""
        cell: list[nodes.Node] = []
        if parts and points is not None:
            cell += [nodes.strong("", show(points)), nodes.Text(": ")]
        for part in parts:
            cell += [nodes.Text(", ")] * (part is not parts[0]) + [self.link_part(here, part.id)]
        return cell or [nodes.Text("–")]

    def _evidence(self, place: slot) -> list[nodes.Node]:
        here = self.docname(place)
        answers = {a.id: a for a in self.domain.answers()}
        pages = {name: page for name, page in self.domain.pages.items() if page.elsewhere}
        total: Counter[str] = Counter()
        for counts in [
            *(a.evidence for a in answers.values()),
            *(p.elsewhere for p in pages.values()),
        ]:
            total.update(counts)
        keys = sorted(total)
        rows = []
        for id, part in self.domain.register.items():
            counts = answers[id].evidence if id in answers else dict.fromkeys(keys, "–")
            cells = [[self.link_part(here, id)], [nodes.Text(part.kind)]]
            rows.append(cells + [[nodes.Text(str(counts.get(key, 0)))] for key in keys])
        for name, page in sorted(pages.items()):
            title = nodes.Text(self.env.titles[name].astext())
            cells = [[self.link(here, name, "", title)], [nodes.Text("outside of the answers")]]
            rows.append(cells + [[nodes.Text(str(page.elsewhere.get(key, 0)))] for key in keys])
        known = [id for id in answers if id in self.domain.register]
        head = f"{len(known)} of {say('parts', len(self.domain.register))} answered"
        head += "".join(f" · {say(key, total[key])}" for key in keys)
        headings = ["Part", "Kind", *(key.capitalize() for key in keys)]
        return [
            nodes.paragraph("", head + ".", classes=["papers-totals"]),
            table(headings, rows, numbers=2),
            *self.unchecked(here, answers),
        ]

    def unchecked(self, here: str, answers: dict[str, Answer]) -> list[nodes.Node]:
        """The list of all that nothing checks."""
        items = []
        for id in self.domain.register:
            answer = answers.get(id)
            if answer is None:
                said = ["no answer yet"]
            else:
                said = [answer.excuse] * bool(answer.excuse) + answer.unchecked
                if not sum(n for key, n in answer.evidence.items() if key != "unchecked steps"):
                    said.append("words only: no step, doctest, cell or figure")
            items += [(self.link_part(here, id), text) for text in said]
        for name, page in sorted(self.domain.pages.items()):
            title = nodes.Text(self.env.titles[name].astext())
            items += [(self.link(here, name, "", title), t) for t in page.elsewhere_unchecked]
        if not items:
            return [nodes.paragraph("", "Nothing is left unchecked.")]
        listed = nodes.bullet_list(bullet="-")
        for link, text in items:
            listed += nodes.list_item("", nodes.paragraph("", "", link, *formulas(f": {text}")))
        heading = f"What nothing checks by machine ({len(items)}):"
        return [nodes.paragraph("", heading, classes=["papers-label"]), listed]


def parts_of(parts: list[Part], **wanted: str) -> list[Part]:
    """The parts whose fields have the values wanted, such as ``paper="A"``."""
    return [part for part in parts if all(getattr(part, k) == v for k, v in wanted.items())]


def say(what: str, n: int) -> str:
    """A count with its noun.

    Examples
    --------
    >>> say("checked steps", 1), say("figures", 2)
    ('1 checked step', '2 figures')
    """
    return f"{n} {what.removesuffix('s') if n == 1 else what}"


def formulas(text: str) -> list[nodes.Node]:
    """A text in which formulas stand between dollar signs, as nodes.

    Examples
    --------
    >>> [type(node).__name__ for node in formulas("for $K < 4$ only")]
    ['Text', 'math', 'Text']
    """
    pieces = enumerate(re.split(r"\$([^$]+)\$", text))
    return [nodes.math("", piece) if n % 2 else nodes.Text(piece) for n, piece in pieces]


def row(*facts: nodes.Node) -> nodes.paragraph:
    """Facts in a line, with dots between them."""
    result = nodes.paragraph(classes=["papers-head"])
    for fact in facts:
        if len(result):
            result += nodes.Text(" · ")
        result += fact
    return result


def label(title: nodes.title) -> nodes.paragraph:
    """A heading as a line of its own that is no heading."""
    return nodes.paragraph("", "", *copy_inline(title), classes=["papers-label"])


def copy_inline(title: nodes.title) -> list[nodes.Node]:
    """The content of a heading, without anchors and links."""
    copies = nodes.inline("", "", *(child.deepcopy() for child in title))
    for node in list(copies.findall(nodes.Element)):
        node["ids"], node["names"] = [], []
        if isinstance(node, addnodes.pending_xref | nodes.reference):
            node.parent[node.parent.index(node)] = nodes.inline("", node.astext())
    return copies.children


def table(headings: list[str], rows: list[list[list[nodes.Node]]], numbers: int = 99) -> nodes.Node:
    """A table that scrolls in its own box; columns from ``numbers`` on are set at the right."""
    group = nodes.tgroup(cols=len(headings))
    group += [nodes.colspec(colwidth=max(4, len(heading))) for heading in headings]
    head = [[nodes.Text(heading)] for heading in headings]
    group += nodes.thead("", table_row(head, numbers))
    group += nodes.tbody("", *(table_row(cells, numbers) for cells in rows))
    return box("", nodes.table("", group, classes=["papers-table"]), classes=["papers-scroll"])


def table_row(cells: list[list[nodes.Node]], numbers: int) -> nodes.row:
    """A row of a table."""
    result = nodes.row()
    for i, cell in enumerate(cells):
        classes = ["papers-number"] if i >= numbers else []
        result += nodes.entry("", nodes.paragraph("", "", *cell), classes=classes)
    return result


class OnePageLinks(SphinxPostTransform):
    """On a single page, a link names its target alone; Sphinx 9.0 leaves the file's name in it."""

    default_priority = 900
    builders = ("singlehtml",)

    def run(self, **kwargs):
        """Drop the name of the file."""
        for node in self.document.findall(nodes.reference):
            head, hash, anchor = node.get("refuri", "").removeprefix("#").rpartition("#")
            if hash and head.startswith("document-"):
                node["refuri"] = f"#{anchor}"


class PlainFolds(SphinxPostTransform):
    """Outside of HTML, turn folds and boxes into containers, so that everything is shown."""

    default_priority = 3

    def run(self, **kwargs):
        """Turn them, or leave them to the HTML writers."""
        if self.env._app.builder.format == "html":
            return
        for node in list(self.document.findall(lambda n: isinstance(n, box | fold | fold_summary))):
            if isinstance(node, fold_summary):
                plain = nodes.paragraph("", "", nodes.strong("", "", *node.children))
            else:
                plain = nodes.container("", *node.children)
            plain["classes"], plain["ids"] = node["classes"], node["ids"]
            node.parent[node.parent.index(node)] = plain
