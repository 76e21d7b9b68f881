"""The domain: what each page says of papers, questions and answers, and the role for links."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction

from docutils import nodes
from sphinx.domains import Domain
from sphinx.roles import XRefRole
from sphinx.util.nodes import make_refnode

from .register import Part


@dataclass
class Paper:
    """A ``{paper}`` directive."""

    id: str
    docname: str
    line: int
    title: str
    points: Fraction | None


@dataclass
class Question:
    """A ``{question}`` directive and a digest of all that its answer repeats of it."""

    id: str
    docname: str
    line: int
    points: str
    kind: str
    digest: str = ""


@dataclass
class Answer:
    """An ``{answer}`` directive and what its section holds."""

    id: str
    docname: str
    line: int
    excuse: str
    short: bool = False
    marks: Fraction | None = None
    marks_line: int = 0
    evidence: dict[str, int] = field(default_factory=dict)
    unchecked: list[str] = field(default_factory=list)
    pitfalls: int = 0
    variations: int = 0
    digest: str = ""


@dataclass
class Page:
    """All that one source file says: read anew, it is replaced as a whole."""

    papers: list[Paper] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    faults: list[tuple[int, str, str]] = field(default_factory=list)
    """(line, kind, message) of what is wrong with the file taken alone."""
    links: list[str] = field(default_factory=list)
    """Parts that the page links to."""
    tables: bool = False
    elsewhere: dict[str, int] = field(default_factory=dict)
    """Evidence that stands outside of the answers."""
    elsewhere_unchecked: list[str] = field(default_factory=list)


class PartRole(XRefRole):
    """``{part}`` links to the answer of a part, or to its question while there is no answer."""

    def __init__(self):
        super().__init__(innernodeclass=nodes.inline, warn_dangling=True)

    def run(self):
        """Read the short name as one of this domain."""
        self.name = "papers:part"
        return super().run()


class PapersDomain(Domain):
    """Records of papers, questions and answers, one :class:`Page` per source file."""

    name = "papers"
    label = "Exam papers"
    roles = {"part": PartRole()}  # noqa: RUF012
    initial_data = {"pages": {}}  # noqa: RUF012
    data_version = 2
    dangling_warnings = {"part": "%(target)s: no page states or answers such a part"}  # noqa: RUF012

    register: dict[str, Part]
    """Set at the start of each build."""
    doctrees: dict[str, nodes.document]
    """The pages that others show a part of, as they were read; kept while pages are written."""

    @property
    def pages(self) -> dict[str, Page]:
        """What each source file says."""
        return self.data["pages"]

    def page(self, docname: str) -> Page:
        """What one source file says, empty at first."""
        return self.pages.setdefault(docname, Page())

    def clear_doc(self, docname):
        """Forget a source file."""
        self.pages.pop(docname, None)

    def merge_domaindata(self, docnames, otherdata):
        """Take over what another process has read."""
        for docname in docnames:
            if docname in otherdata["pages"]:
                self.pages[docname] = otherdata["pages"][docname]

    def _all(self, name: str) -> Iterator:
        for docname in sorted(self.pages):
            yield from getattr(self.pages[docname], name)

    def papers(self) -> list[Paper]:
        """All papers, in the order of their files."""
        return list(self._all("papers"))

    def questions(self) -> list[Question]:
        """All questions, in the order of their files."""
        return list(self._all("questions"))

    def answers(self) -> list[Answer]:
        """All answers, in the order of their files."""
        return list(self._all("answers"))

    def paper(self, id: str) -> Paper | None:
        """The paper, or None."""
        return next((p for p in self._all("papers") if p.id == id), None)

    def question(self, id: str) -> Question | None:
        """The question of a part, or None."""
        return next((q for q in self._all("questions") if q.id == id), None)

    def answer(self, id: str) -> Answer | None:
        """The answer of a part, or None."""
        return next((a for a in self._all("answers") if a.id == id), None)

    def place(self, id: str) -> tuple[str, str] | None:
        """Where a link to a part leads: (docname, anchor)."""
        if answer := self.answer(id):
            return answer.docname, id
        if question := self.question(id):
            return question.docname, f"question-{id}"
        return None

    def resolve_xref(self, env, fromdocname, builder, typ, target, node, contnode):
        """Resolve ``{part}``."""
        place = self.place(target)
        if place is None:
            return None
        return make_refnode(builder, fromdocname, *place, contnode)

    def resolve_any_xref(self, env, fromdocname, builder, target, node, contnode):
        """Resolve ``{any}``."""
        found = self.resolve_xref(env, fromdocname, builder, "part", target, node, contnode)
        return [("papers:part", found)] if found is not None else []

    def get_objects(self):
        """List the answers, and the questions under names of their own, for search."""
        for answer in self.answers():
            yield answer.id, f"Answer {answer.id}", "part", answer.docname, answer.id, 1
        for question in self.questions():
            name = f"question-{question.id}"
            yield name, f"Question {question.id}", "part", question.docname, name, 1

    def register_changed(self) -> bool:
        """Whether the register differs from that of the last build."""
        before, self.data["register"] = self.data.get("register"), _digest(
            list(self.register.items()))
        return before != self.data["register"]

    def shown_on(self, docname: str) -> str:
        """A digest of everything that a page shows of the register and of other pages."""
        page = self.pages.get(docname, Page())
        if page.tables:
            pages = [(name, *map(_facts, (*one.papers, *one.questions, *one.answers)),
                      one.elsewhere, one.elsewhere_unchecked)
                     for name, one in sorted(self.pages.items())]
            return _digest(list(self.register.items()), pages)
        seen = []
        for answer in page.answers:
            question, paper = self.question(answer.id), self.paper(paper_of(answer.id))
            seen.append(
                (
                    self.register.get(answer.id),
                    question and (question.docname, question.digest),
                    paper and (paper.docname, paper.points),
                    _facts(answer),
                )
            )
        for question in page.questions:
            answer = self.answer(question.id)
            seen.append(
                (self.register.get(question.id), answer and (answer.docname, answer.digest))
            )
        return _digest(seen, [(id, self.place(id)) for id in sorted(page.links)])


def paper_of(id: str) -> str:
    """The paper that an id speaks of, known or not.

    Examples
    --------
    >>> paper_of("D1.6-iii")
    'D'
    """
    return re.match("[A-Z]*", id)[0]


def _facts(record: Paper | Question | Answer) -> Paper | Question | Answer:
    """A record without its place in the source."""
    return replace(record, **{name: 0 for name in ("line", "marks_line") if hasattr(record, name)})


def _digest(*things: object) -> str:
    return hashlib.sha256(repr(things).encode()).hexdigest()
