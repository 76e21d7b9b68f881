"""What must hold of the whole book: each rule yields its faults, and each fault is a warning.

The rules look at all records at every check, never only at those of the files that were read.
"""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from sphinx.util import logging

from .domain import Answer, PapersDomain, Question
from .register import Part
from .values import read_points, show

logger = logging.getLogger(__name__)


class Fault(NamedTuple):
    """A warning to be: where, of what kind, and what it says."""

    place: tuple[str, int] | str
    kind: str
    message: str


def check(app, env) -> None:
    """Warn of every fault of the book."""
    for fault in faults(app):
        logger.warning(fault.message, location=fault.place, type="papers", subtype=fault.kind)


def faults(app) -> Iterator[Fault]:
    """All faults, file by file and then those of the whole."""
    env = app.env
    domain = env.get_domain("papers")
    for docname in sorted(domain.pages):
        for line, kind, message in sorted(domain.pages[docname].faults):
            yield Fault((docname, line), kind, message)
    for question in domain.questions():
        yield from _question(domain, question)
    for answer in domain.answers():
        yield from _answer(domain, answer)
    yield from _twice(env, domain.papers(), "paper")
    yield from _twice(env, domain.questions(), "question")
    yield from _twice(env, domain.answers(), "answer")
    yield from _coverage(app, domain)
    for paper in domain.papers():
        yield from _paper_total(domain, paper)
    yield from _shared_marks(domain)


def _question(domain: PapersDomain, question: Question) -> Iterator[Fault]:
    id, place = question.id, (question.docname, question.line)
    part = domain.register.get(id)
    if part is None:
        yield Fault(place, "unknown", f"question {id}: the register has no such part")
        return
    try:
        alike = read_points(question.points) == part.worth
    except ValueError as error:
        yield Fault(place, "points", f"question {id}: {error}")
    else:
        if not alike:
            said = f"points {question.points!r}, the register has {part.points!r}"
            yield Fault(place, "points", f"question {id}: {said}")
    if question.kind != part.kind:
        said = f"kind {question.kind!r}, the register has {part.kind!r}"
        yield Fault(place, "kind", f"question {id}: {said}")
    stated = [paper.id for paper in domain.pages[question.docname].papers]
    if stated and part.paper not in stated:
        said = f"the page states paper {', '.join(stated)}, the register has paper {part.paper}"
        yield Fault(place, "paper", f"question {id}: {said}")


def _answer(domain: PapersDomain, answer: Answer) -> Iterator[Fault]:
    id, place = answer.id, (answer.docname, answer.line)
    part = domain.register.get(id)
    if part is None:
        yield Fault(place, "unknown", f"answer {id}: the register has no such part")
        return
    if answer.docname != part.chapter:
        said = f"it stands in chapter {answer.docname!r}, the register has {part.chapter!r}"
        yield Fault(place, "chapter", f"answer {id}: {said}")
    checked = answer.evidence.get("checked steps", 0)
    if part.kind in ("derive", "prove") and not checked and not answer.excuse:
        said = f"a part to {part.kind} has no checked derivation, and no ':unchecked:' says why"
        yield Fault(place, "derivation", f"answer {id}: {said}")
    if part.kind == "compute" and not answer.evidence.get("doctests"):
        yield Fault(place, "doctest", f"answer {id}: a part to compute has no doctest")
    value, shared = part.worth
    if answer.marks is not None and value is not None and not shared and answer.marks != value:
        said = f"the marks add up to {show(answer.marks)}, the part has {show(value)}"
        yield Fault((answer.docname, answer.marks_line), "marks", f"answer {id}: {said}")


def _twice(env, records: Iterable, what: str) -> Iterator[Fault]:
    first: dict[str, object] = {}
    for record in records:
        known = first.setdefault(record.id, record)
        if known is not record:
            where = f"{env.doc2path(known.docname, False)}:{known.line}"
            said = f"{what} {record.id} stands in {where} already"
            yield Fault((record.docname, record.line), "duplicate", said)


def register_path(app) -> Path:
    """The file of the register."""
    return Path(app.srcdir, app.config.papers_register)


def _coverage(app, domain: PapersDomain) -> Iterator[Fault]:
    asked = {q.id: q for q in domain.questions()}
    answered = {a.id for a in domain.answers()}
    for id, part in domain.register.items():
        place = f"{register_path(app)}:{part.line}"
        if id not in asked:
            yield Fault(place, "unasked", f"part {id}: no paper states it")
        if id not in answered:
            if id in asked:
                place = (asked[id].docname, asked[id].line)
            yield Fault(place, "unanswered", f"part {id}: no chapter answers it")


def _paper_total(domain: PapersDomain, paper) -> Iterator[Fault]:
    """The parts that the page states add up to the points of the paper, once all are stated."""
    place = (paper.docname, paper.line)
    parts = [part for part in domain.register.values() if part.paper == paper.id]
    if not parts:
        yield Fault(place, "unknown", f"paper {paper.id}: the register has no part of it")
        return
    if not {part.id for part in parts} <= {q.id for q in domain.questions()}:
        return
    worths = {part.question if part.worth.shared else part.id: part.worth.value for part in parts}
    printed = [value for value in worths.values() if value is not None]
    total = sum(printed, Fraction(0)) if printed else None
    if total != paper.points:
        texts = [f"{name} {show(value)}" for name, value in worths.items() if value is not None]
        added = f"add up to {show(total)} ({', '.join(texts)})" if texts else "have none"
        stated = f"states {show(paper.points)}" if paper.points is not None else "states none"
        said = f"paper {paper.id}: the points of its parts {added}, the page {stated}"
        yield Fault(place, "points", said)


def _shared_marks(domain: PapersDomain) -> Iterator[Fault]:
    """The marks of all parts of a question add up to the points printed for it."""
    groups: dict[str, list[Part]] = {}
    for part in domain.register.values():
        if part.worth.shared:
            groups.setdefault(part.question, []).append(part)
    for question, parts in groups.items():
        answers = [domain.answer(part.id) for part in parts]
        if any(answer is None or answer.marks is None for answer in answers):
            continue
        total, value = sum(answer.marks for answer in answers), parts[0].worth.value
        if total != value:
            last = answers[-1]
            each = ", ".join(f"{answer.id} {show(answer.marks)}" for answer in answers)
            said = f"the marks of its parts add up to {show(total)} ({each}), it has {show(value)}"
            yield Fault((last.docname, last.marks_line), "marks", f"question {question}: {said}")


def missing_reference(app, domain, node) -> bool | None:
    """Say in our own words that a role names no part; True keeps Sphinx from saying it again."""
    if node.get("refdomain") != "papers":
        return None
    said = f"{node['reftarget']}: no page states or answers such a part"
    logger.warning(said, location=node, type="papers", subtype="reference")
    return True
