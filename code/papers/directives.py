"""The directives: each leaves nodes with a class, which :mod:`papers.sections` puts in order."""

import re
from fractions import Fraction

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

from .domain import Answer, Page, Paper, Question
from .nodes import box, marker, slot
from .values import (
    SHORT_ITEMS,
    SHORT_WORDS,
    measure_short,
    read_minutes,
    read_points,
    read_value,
    show,
    split_mark,
)

LANGUAGES = {"de": "Auf Deutsch", "en": "In English", "fr": "En français"}


class _Directive(SphinxDirective):
    def page(self) -> Page:
        return self.env.get_domain("papers").page(self.env.docname)

    def fault(self, kind: str, message: str, line: int | None = None) -> None:
        self.page().faults.append((line or self.lineno, kind, message))

    def box(self, kind: str, *content: nodes.Node, **attributes) -> box:
        result = box("", *content, classes=[f"papers-{kind}"], papers=kind, **attributes)
        self.set_source_info(result)
        return result

    def heading(self, *content: nodes.Node) -> nodes.paragraph:
        result = nodes.paragraph("", "", *content, classes=["papers-label"])
        self.set_source_info(result)
        return result

    def inline(self, text: str) -> list[nodes.Node]:
        found, messages = self.parse_inline(text)
        return found + messages


class PaperDirective(_Directive):
    """``{paper} A`` heads the page of a paper."""

    required_arguments = 1
    has_content = True
    option_spec = {  # noqa: RUF012
        "title": directives.unchanged_required,
        "course": directives.unchanged_required,
        "date": directives.unchanged_required,
        "time": directives.unchanged_required,
        "points": directives.unchanged,
        "conditions": directives.unchanged_required,
        "source": directives.unchanged_required,
    }

    def run(self):
        """Record the paper and show what is printed at its head."""
        id = self.arguments[0]
        points = read_points_or_fault(self, f"paper {id}", self.options.get("points", ""))
        title = self.options.get("title", f"Paper {id}")
        self.page().papers.append(Paper(id, self.env.docname, self.lineno, title, points))
        entries = nodes.definition_list()
        minutes = read_minutes(self.options.get("time", ""))
        for name in self.option_spec:
            if text := self.options.get(name):
                text += f" ({minutes} minutes)" if name == "time" and minutes else ""
                term = nodes.term("", name.capitalize())
                content = nodes.paragraph("", "", *self.inline(text))
                entries += nodes.definition_list_item("", term, nodes.definition("", content))
        content = self.parse_content_to_nodes()
        content = [entries] * bool(len(entries)) + content
        return [self.box("paper", *content, ids=[f"sit-{id}"], minutes=minutes)]


def read_points_or_fault(directive: _Directive, what: str, text: str) -> Fraction | None:
    """The points of a paper, or None after a fault."""
    try:
        worth = read_points(text)
        if worth.shared:
            raise ValueError(f"points {text!r} of a paper are not those of a question")
    except ValueError as error:
        directive.fault("points", f"{what}: {error}")
        return None
    return worth.value


class QuestionDirective(_Directive):
    """``{question} A1a`` claims its section as the question of a part."""

    required_arguments = 1
    option_spec = {  # noqa: RUF012
        "points": directives.unchanged,
        "kind": directives.unchanged_required,
    }

    def run(self):
        """Record the question and leave the marker."""
        id = self.arguments[0]
        points = " ".join(self.options.get("points", "").split())
        kind = self.options.get("kind", "").strip()
        question = Question(id, self.env.docname, self.lineno, points, kind)
        result = marker("", record=question, what="question", part=id)
        self.set_source_info(result)
        return [result]


class AnswerDirective(_Directive):
    """``{answer} A1a`` claims its section as the answer of a part."""

    required_arguments = 1
    option_spec = {"unchecked": directives.unchanged_required}  # noqa: RUF012

    def run(self):
        """Record the answer and leave the marker."""
        id = self.arguments[0]
        excuse = " ".join(self.options.get("unchecked", "").split())
        answer = Answer(id, self.env.docname, self.lineno, excuse)
        result = marker("", record=answer, what="answer", part=id)
        self.set_source_info(result)
        return [result]


class ShortDirective(_Directive):
    """``{short}`` holds the full-marks answer in at most five lines."""

    has_content = True

    def run(self):
        """Measure the answer."""
        self.assert_has_content()
        result = self.box("short", *self.parse_content_to_nodes())
        words, items = measure_short(result)
        if words > SHORT_WORDS:
            self.fault("short", f"the short answer has {words} words, more than {SHORT_WORDS}")
        if items > SHORT_ITEMS:
            self.fault(
                "short",
                f"the short answer has {items} sentences, list items and displays, "
                f"more than {SHORT_ITEMS}",
            )
        return [result]


class MarksDirective(_Directive):
    """``{marks}`` holds a list with a mark per item: its points, a colon, what earns them."""

    has_content = True

    def run(self):
        """Add the points up and set them after each item."""
        self.assert_has_content()
        content = self.parse_content_to_nodes()
        found = [node for node in content if not isinstance(node, nodes.comment)]
        result = self.box("marks", self.heading(nodes.Text("Marks")), *found)
        if len(found) != 1 or not isinstance(found[0], nodes.bullet_list):
            self.fault("marks", "the marks are not one list of items '- POINTS: text'")
            return [result]
        earned = [self.read(item) for item in found[0]]
        if None not in earned:
            result["total"] = sum(earned)
            result += slot("", what="total", total=result["total"])
        return [result]

    def read(self, item: nodes.list_item) -> Fraction | None:
        """Read the points of an item and move them to the end of its first paragraph."""
        first = item[0] if len(item) else None
        text = first[0] if isinstance(first, nodes.paragraph) and len(first) else None
        split = split_mark(text.astext()) if isinstance(text, nodes.Text) else None
        if split is None or not (split[1] or len(first) > 1):
            line = item.line or (first.line if first is not None else None)
            shown = " ".join(item.astext().split())
            self.fault("marks", f"the mark {shown[:60]!r} does not begin with 'POINTS: '", line)
            return None
        points, rest = split
        first.replace(text, nodes.Text(rest))
        first += [nodes.Text(" "), points_node(points)]
        return points


def points_node(points: Fraction) -> nodes.inline:
    """Points as an exam paper sets them at the right edge."""
    return nodes.inline("", f"[{show(points)}]", classes=["papers-points"])


class PitfallDirective(_Directive):
    """``{pitfall} Title`` shows a wrong answer, its value and the right one."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec = {"wrong": directives.unchanged, "right": directives.unchanged}  # noqa: RUF012

    def run(self):
        """Compare the two values."""
        self.assert_has_content()
        title = self.heading(nodes.Text("Pitfall: "), *self.inline(self.arguments[0]))
        result = self.box("pitfall", title)
        if self.options:
            self.check()
            result += self.values()
        result += self.parse_content_to_nodes()
        return [result]

    def check(self) -> None:
        """Both values are there, readable and different."""
        name = f"pitfall {self.arguments[0]!r}"
        if missing := {"wrong", "right"} - set(self.options):
            self.fault(
                "pitfall", f"{name}: {set(self.options).pop()} value without a {missing.pop()} one"
            )
            return
        values = []
        for key in ("wrong", "right"):
            try:
                values.append(read_value(self.options[key] or ""))
            except ValueError as error:
                self.fault("pitfall", f"{name}: {key} value: {error}")
        if len(values) == 2 and values[0] == values[1]:
            wrong, right = self.options["wrong"], self.options["right"]
            self.fault("pitfall", f"{name}: the wrong value {wrong} equals the right one {right}")

    def values(self) -> nodes.paragraph:
        """The two values as a line."""
        line = nodes.paragraph(classes=["papers-values"])
        for key in ("wrong", "right"):
            if text := self.options.get(key):
                if len(line):
                    line += nodes.Text(" · ")
                line += [nodes.Text(f"{key} "), nodes.literal("", text, classes=[f"papers-{key}"])]
        return line


class VariationDirective(_Directive):
    """``{variation} Title`` asks a related question and answers it in brief."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True

    def run(self):
        """Show the variation."""
        self.assert_has_content()
        title = self.heading(nodes.Text("Variation: "), *self.inline(self.arguments[0]))
        return [self.box("variation", title, *self.parse_content_to_nodes())]


class TranslationDirective(_Directive):
    """``{translation} fr`` gives the question in another language."""

    required_arguments = 1
    has_content = True

    def run(self):
        """Mark the language of the text."""
        self.assert_has_content()
        language = self.arguments[0]
        summary = LANGUAGES.get(language, language)
        title = self.heading(nodes.Text(summary))
        result = self.box("translation", title, *self.parse_content_to_nodes(), summary=summary)
        if re.fullmatch("[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", language):
            result["classes"].append(f"language-{language}")
        else:
            self.fault("translation", f"{language!r} is not a language code such as 'fr'")
        return [result]


class RestoredDirective(_Directive):
    """``{restored}`` says what the source lost and how it is restored."""

    has_content = True

    def run(self):
        """Show the note."""
        self.assert_has_content()
        title = self.heading(nodes.Text("Restored"))
        return [self.box("restored", title, *self.parse_content_to_nodes())]


class TableDirective(_Directive):
    """``{papers-table} paper|chapter|kind`` lists all parts of the register."""

    required_arguments = 1

    def run(self):
        """Leave a slot: a table is made when its page is written."""
        by = directives.choice(self.arguments[0], ("paper", "chapter", "kind"))
        self.page().tables = True
        return [slot("", what="table", by=by)]


class ExamMapDirective(_Directive):
    """``{exam-map}`` shows what each paper asks of each chapter, the most asked first."""

    def run(self):
        """Leave a slot: the table is made when its page is written."""
        self.page().tables = True
        return [slot("", what="map")]


class EvidenceTableDirective(_Directive):
    """``{evidence-table}`` lists what checks each answer, and all that nothing checks."""

    def run(self):
        """Leave a slot: the table is made when its page is written."""
        self.page().tables = True
        return [slot("", what="evidence")]


def setup(app):
    """Register the directives under their short names."""
    for name, directive in {
        "paper": PaperDirective,
        "question": QuestionDirective,
        "answer": AnswerDirective,
        "short": ShortDirective,
        "marks": MarksDirective,
        "pitfall": PitfallDirective,
        "variation": VariationDirective,
        "translation": TranslationDirective,
        "restored": RestoredDirective,
        "papers-table": TableDirective,
        "exam-map": ExamMapDirective,
        "evidence-table": EvidenceTableDirective,
    }.items():
        app.add_directive(name, directive)
