"""A checked derivation as a tree of nodes, and how a page and plain text show it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from docutils import nodes

from .lines import statements
from .markdown import OPENING

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.writers.html5 import HTML5Translator
    from sphinx.writers.latex import LaTeXTranslator
    from sphinx.writers.text import TextTranslator

Shown: TypeAlias = dict[str, Any]  # an item as the directive hands it over, also from its store
Inline: TypeAlias = Callable[[str, int], list[nodes.Node]]  # the nodes of a text at a line
Visitor: TypeAlias = Callable[[Any, Any], None]

ANSWERS = {"value": "checked", "approx": "checked, with the order of its error",
           "inequality": "held on all draws", "zero": "held on all draws",
           "failed": "does not hold"}
SIGNS = {"value": "✓", "approx": "≈✓", "inequality": "✓", "zero": "✓", "failed": "✗"}


class derivation(nodes.General, nodes.Element):
    """A derivation with its number."""


class title_line(nodes.General, nodes.TextElement):
    """Number and title."""


class given(nodes.General, nodes.TextElement):
    """A sentence of declarations, or a definition."""


class chain(nodes.General, nodes.Element):
    """A claim and its steps."""


class left_alone(nodes.General, nodes.TextElement):
    """A left side too wide to stand beside its first step."""


class step(nodes.General, nodes.TextElement):
    """Relation and right side, reason, mark."""


class reason(nodes.General, nodes.Inline, nodes.TextElement):
    """Why a step may be made."""


class mark(nodes.General, nodes.Inline, nodes.Element):
    """What was found of a step; a link to it."""


class not_checked(nodes.General, nodes.TextElement):
    """Words that no machine tested."""


class tested(nodes.General, nodes.TextElement):
    """What exactly was tested."""


class machine(nodes.General, nodes.Element):
    """The lines as the machine read them."""


class formula(nodes.math):
    """A formula in a line of its own, though set inline."""


def step_id(identity: str, item: Shown) -> str:
    return f"{identity}-{'-'.join(map(str, item['number']))}"


def layout(identity: str, title: str, result: dict[str, Any], inline: Inline) -> list[nodes.Node]:
    """Children of a derivation.

    Parameters
    ----------
    identity : str
        Its id.
    title : str
    result : dict
        ``items`` (dicts with the attributes of `texcheck.Item`), ``draws``, ``tolerance``.
    inline : callable
        Text and line to nodes, for reasons and titles.
    """
    items = result["items"]
    lines: list[nodes.Node] = [title_line("", "", *inline(title, items[0]["line"] if items else 0))]
    declared, results = givens(items)
    lines += declared
    current = chain()
    for item in items:
        if item["kind"] == "claim":
            current = chain(wide=width(item["lhs"]) > 15)
            lines.append(current)
            if current["wide"]:
                current += left_alone("", "", formula("", item["lhs"]))
        elif item["kind"] == "step":
            first = item["number"][1] == 1
            left = item["lhs"] if first and not current["wide"] else ""
            current += one_step(identity, item, left, inline)
        elif item["kind"] == "unchecked":
            lines.append(not_checked("", "", *inline(item["tex"], item["line"])))
    lines += results
    steps = [item for item in items if item["kind"] == "step"]
    if steps:
        lines += [foot(result, steps), readings(items)]
    return lines


def givens(items: list[Shown]) -> tuple[list[nodes.Node], list[nodes.Node]]:
    """The declarations, one sentence of symbols and a line for each definition; and the results
    that are compared with code, a line for each."""
    sentence = given("", "")
    lines, results = [], []
    anchors = {item["lhs"]: item["rhs"] for item in items if item["kind"] == "code"}
    for item in items:
        if item["kind"] in OPENING:
            sentence += nodes.Text(f"{OPENING[item['kind']]} ")
            parts = statements(item["tex"])
            for place, part in enumerate(parts):
                if place:
                    sentence += nodes.Text(" and " if place == len(parts) - 1 else ", ")
                sentence += nodes.math("", part)
            sentence += nodes.Text(". ")
        elif item["kind"] == "def":
            word = {"name": "write ", "given": "given "}.get(item["standing"])
            label = [nodes.inline("", word, classes=["label"])] if word else []
            line = given("", "", *label, formula("", item["tex"]), definition=True)
            code = anchors.pop(item["lhs"], None)
            if code:
                line += [nodes.Text("  "), nodes.literal("", code, classes=["anchor"])]
            lines.append(line)
    # Anchors of a function are written with the argument that is drawn: \sigma(a) for \sigma(u).
    for left, code in anchors.items():
        head = re.split(r"[({]", left)[0]
        for line in lines:
            if line.children[-1].astext().startswith(head) and not line.next_node(nodes.literal):
                line += [nodes.Text("  "), nodes.literal("", code, classes=["anchor"])]
                break
        else:
            results.append(given("", "", nodes.inline("", "in code: ", classes=["label"]),
                                 formula("", left), nodes.Text("  "),
                                 nodes.literal("", code, classes=["anchor"]), definition=True))
    return ([sentence] if sentence.children else []) + lines, results


def one_step(identity: str, item: Shown, left: str, inline: Inline) -> step:
    node: step = step("", "", ids=[step_id(identity, item)])
    right = f"{item['relation']} {item['rhs']}"
    if item["order"]:
        right += rf" \qquad {item['order']}"
    node += nodes.inline("", "", *([formula("", left)] if left else []), classes=["left"])
    node += [nodes.Text(" "), nodes.inline("", "", formula("", right), classes=["right"])]
    if item["reason"]:
        node += [nodes.Text(" "), reason("", "", *inline(item["reason"], item["line"]))]
    number = ".".join(map(str, item["number"]))
    grade = item["grade"] if item["ok"] else "failed"
    node += [nodes.Text(" "), mark(number=number, grade=grade, target=node["ids"][0])]
    return node


def foot(result: dict[str, Any], steps: list[Shown]) -> tested:
    loose, tight = result["tolerance"]
    weak = sum(item["grade"] in ("inequality", "zero") for item in steps)
    said = (f"Each step was tested on {result['draws']} or more random draws: relative difference "
            f"at most {power(loose)} on all, {power(tight)} on three in four. ")
    if weak:
        said += "An inequality, or a claim that something is zero, is weaker evidence (grey mark). "
    return tested("", said + "A numerical test, not a proof.")


def power(number: float) -> str:
    """A power of ten as one reads it.

    >>> power(1e-6)
    '10⁻⁶'
    >>> power(0)
    '0'
    """
    if number <= 0:
        return f"{number:g}"
    return "10" + f"{math.log10(number):.0f}".translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def readings(items: list[Shown]) -> machine:
    node = machine()
    for item in items:
        if item["kind"] in ("def", "assume", "step", "code"):
            name = ".".join(map(str, item["number"])) or item["kind"]
            node += nodes.literal("", item["machine"], name=name)
    return node


def width(tex: str) -> int:
    """Roughly how many characters wide a formula is; numerator and denominator overlap."""
    flat = re.sub(r"\\d?frac\{((?:[^{}]|\{[^{}]*\})*)\}\{((?:[^{}]|\{[^{}]*\})*)\}",
                  lambda m: max(m[1], m[2], key=len), tex)
    return len(re.sub(r"\\(left|right|mathrm|mathbf|operatorname|text)|[{}_^\s\\]", "",
                      re.sub(r"\\[a-zA-Z]+(?![a-zA-Z{])", "x", flat)))


# ---- a page

def tag(name: str, **attributes: str) -> tuple[Visitor, Visitor]:
    """Visitors that wrap a node's children in an element."""
    def visit(translator: HTML5Translator, node: nodes.Element) -> None:
        translator.body.append(translator.starttag(node, name, **attributes))

    def depart(translator: HTML5Translator, node: nodes.Element) -> None:
        translator.body.append(f"</{name}>\n")

    return visit, depart


def visit_title(translator: HTML5Translator, node: nodes.Element) -> None:
    translator.body.append('<p class="derivation-title">')
    translator.add_fignumber(node.parent)


def depart_title(translator: HTML5Translator, node: nodes.Element) -> None:
    translator.add_permalink_ref(node.parent, "Link to this derivation")
    translator.body.append("</p>\n")


def visit_given(translator: HTML5Translator, node: nodes.Element) -> None:
    tag("div" if node.get("definition") else "p",
        CLASS="define" if node.get("definition") else "givens")[0](translator, node)


def depart_given(translator: HTML5Translator, node: nodes.Element) -> None:
    translator.body.append("</div>\n" if node.get("definition") else "</p>\n")


def visit_chain(translator: HTML5Translator, node: nodes.Element) -> None:
    tag("div", CLASS="chain wide" if node["wide"] else "chain")[0](translator, node)


def visit_mark(translator: HTML5Translator, node: nodes.Element) -> None:
    kind = {"inequality": " weak", "zero": " weak", "failed": " failed"}.get(node["grade"], "")
    said = f"step {node['number']}: {ANSWERS[node['grade']]}"
    translator.body.append(
        f'<span class="step-mark"><a href="#{node["target"]}" title="{said}">'
        f'<span class="tick{kind}" aria-hidden="true">{SIGNS[node["grade"]]}</span> '
        f'<span class="visually-hidden">{ANSWERS[node["grade"]]}: step </span>'
        f'{node["number"]}</a></span>')
    raise nodes.SkipNode


def visit_not_checked(translator: HTML5Translator, node: nodes.Element) -> None:
    label = '<span class="label">Not machine-checked:</span>'
    translator.body.append(f'<p class="not-checked">{label} ')


def depart_p(translator: HTML5Translator, node: nodes.Element) -> None:
    translator.body.append("</p>\n")


def visit_machine(translator: HTML5Translator, node: nodes.Element) -> None:
    rows = "".join(
        f"<li>{child['name']}: <code>{translator.encode(child.astext())}</code></li>"
        for child in node)
    translator.body.append('<details class="machine"><summary>as the machine read it</summary>'
                           f'<ol tabindex="0">{rows}</ol></details>')
    raise nodes.SkipNode


def visit_formula(translator: HTML5Translator, node: nodes.Element) -> None:
    plain = nodes.math(node.rawsource, rf"\displaystyle {node.astext()}", **node.attributes)
    plain.source, plain.line, plain.parent = node.source, node.line, node.parent
    translator.visit_math(plain)


# ---- plain text, and every other builder

def nothing(translator: Any, node: nodes.Element) -> None:
    """Show the children only."""


def text_line(prefix: str = "") -> tuple[Visitor, Visitor]:
    def visit(translator: TextTranslator, node: nodes.Element) -> None:
        translator.new_state(0)
        translator.add_text(prefix)

    def depart(translator: TextTranslator, node: nodes.Element) -> None:
        translator.end_state()

    return visit, depart


def text_mark(translator: TextTranslator, node: nodes.Element) -> None:
    translator.add_text(f"[{node['number']}: {ANSWERS[node['grade']]}]")
    raise nodes.SkipNode


def text_reason(translator: TextTranslator, node: nodes.Element) -> None:
    translator.add_text(" -- ")


def text_formula(translator: TextTranslator, node: nodes.Element) -> None:
    translator.add_text(node.astext())
    raise nodes.SkipNode


def skip(translator: Any, node: nodes.Element) -> None:
    raise nodes.SkipNode


def latex_line(prefix: str = "") -> tuple[Visitor, Visitor]:
    def visit(translator: LaTeXTranslator, node: nodes.Element) -> None:
        translator.body.append(f"\n\n{prefix}")

    return visit, nothing


def latex_mark(translator: LaTeXTranslator, node: nodes.Element) -> None:
    translator.body.append(f"({node['number']})")
    raise nodes.SkipNode


def latex_reason(translator: LaTeXTranslator, node: nodes.Element) -> None:
    translator.body.append(r"\quad ")


def latex_formula(translator: LaTeXTranslator, node: nodes.Element) -> None:
    translator.visit_math(node)


PAGE: dict[type[nodes.Element], tuple[Visitor, Visitor]] = {
    derivation: tag("div", CLASS="derivation"),
    title_line: (visit_title, depart_title),
    given: (visit_given, depart_given),
    chain: (visit_chain, tag("div")[1]),
    left_alone: tag("div", CLASS="alone"),
    step: tag("div", CLASS="step"),
    reason: tag("span", CLASS="reason"),
    mark: (visit_mark, nothing),
    not_checked: (visit_not_checked, depart_p),
    tested: tag("p", CLASS="tested"),
    machine: (visit_machine, nothing),
    formula: (visit_formula, nothing),
}
TEXT: dict[type[nodes.Element], tuple[Visitor, Visitor]] = {
    derivation: (nothing, nothing), chain: (nothing, nothing),
    title_line: text_line("Derivation: "), given: text_line(), left_alone: text_line(),
    step: text_line("   "), not_checked: text_line("Not machine-checked: "), tested: text_line(),
    reason: (text_reason, nothing), mark: (text_mark, nothing), machine: (skip, nothing),
    formula: (text_formula, nothing),
}
LATEX: dict[type[nodes.Element], tuple[Visitor, Visitor]] = {
    derivation: (nothing, nothing), chain: (nothing, nothing),
    title_line: latex_line(), given: latex_line(), left_alone: latex_line(), step: latex_line(),
    not_checked: latex_line("Not machine-checked: "), tested: latex_line(),
    reason: (latex_reason, nothing), mark: (latex_mark, nothing), machine: (skip, nothing),
    formula: (latex_formula, nothing),
}


def setup(app: Sphinx) -> None:
    """Register the nodes with every builder that shows them."""
    app.add_enumerable_node(derivation, "derivation", lambda node: node["title"],
                            html=PAGE[derivation], text=TEXT[derivation], latex=LATEX[derivation])
    for kind in PAGE:
        if kind is not derivation:
            app.add_node(kind, html=PAGE[kind], text=TEXT[kind], latex=LATEX[kind])
