"""KaTeX's HTML, rewritten small: the same marks at the same places in a quarter of the bytes.

KaTeX describes every stack (a subscript, a fraction, a root) by a table with struts inside, and
every length by a ``style`` attribute. Here

- a stack is one box of no height on the baseline, and a row in it is moved by its distance;
- a length is a class that names it (``R2778``: a margin of 0.2778 em at the right), and
  :func:`sheet` writes the rules for the classes that a book uses, once for all its pages, so that
  a page needs no ``style`` and a strict policy can forbid it;
- a span that changes nothing is left out, and so are, in the MathML, the TeX source and names that
  HTML does not need. The MathML itself stays: screen readers read it.
"""

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

SHEET = Path(__file__).parent / "static" / "katex" / "katex.min.css"

# The letter of the class, and what it sets. Lengths are in 1/10000 em.
LENGTHS = {
    "height": "H", "margin-right": "R", "margin-left": "L", "top": "T", "vertical-align": "A",
    "border-bottom-width": "W", "border-right-width": "X", "border-top-width": "Y", "left": "E",
    "min-width": "M", "width": "D", "padding-left": "P", "padding-right": "Q", "bottom": "U",
    "border-width": "C",
}
WORDS = {"position:relative": "J", "border-style:solid": "K", "color:transparent": "O",
         "border-right-style:solid": "Kr", "margin:0 -0.02em": "Km"}
# Rules for the strut of a line, which stands before its content.
STRUT = {"height": "G", "vertical-align": "F"}
RENAMED = {"katex-base": "B", "mathnormal": "I", "nulldelimiter": "N", "vlist-t": "V"}
# Children of these are told apart by being spans at all.
KEEPS_SPANS = {"katex-inner", "delim-size1", "delim-size4"}
# Elements of MathML that have so many children and no more.
COUNTED = {"mfrac", "mover", "mroot", "msub", "msubsup", "msup", "munder", "munderover"}
ROW = 3  # em; the strut of a row of usual height

TOKEN = re.compile(r"<(?P<close>/?)(?P<tag>\w+)(?P<attributes>[^>]*?)(?P<empty>/?)>|[^<]+")
ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')
NAME = re.compile(r"^([A-Z])(-?\d+)$")


class UnknownStyle(ValueError):
    """A style that KaTeX wrote and that has no class here."""


@dataclass
class Span:
    """An element; ``style`` maps properties to values."""

    tag: str
    classes: list[str] = field(default_factory=list)
    style: dict[str, str] = field(default_factory=dict)
    rest: str = ""
    children: list = field(default_factory=list)

    def has(self, name: str) -> bool:
        return name in self.classes

    def __str__(self) -> str:
        names = self.classes + [length(name, value) for name, value in self.style.items()]
        attributes = f' class="{" ".join(names)}"' * bool(names) + self.rest
        return f"<{self.tag}{attributes}>{''.join(map(str, self.children))}</{self.tag}>"


def compact(html: str) -> str:
    r"""Rewrite what :func:`typeset.katex.render` returns.

    Parameters
    ----------
    html : str
        One formula.

    Returns
    -------
    str
        The same formula; it needs ``typeset.css`` and the rules of :func:`sheet`.

    Raises
    ------
    UnknownStyle
        If a length or a word of a style has no class.

    Examples
    --------
    >>> from typeset.katex import render
    >>> old = render("W_2", display=False)
    >>> new = compact(old)
    >>> len(old), len(new)
    (991, 314)
    >>> print(new[new.index("true") + 6 : new.index("</span><span class=\"V")])
    <span class="B G8333 F-1500"><span class="I R1389">W
    >>> print(new[new.index("<span class=\"V") :].removesuffix("</span></span></span>"))
    <span class="V"><span class="T-28500 L-1389 R500"><span class="Z63">2</span></span></span>
    """
    mathml, mark, drawn = html.partition('<span class="katex-html"')
    ends = "</span>" * (mathml.count("<span") - mathml.count("</span>"))
    return short_mathml(mathml) + "".join(map(str, smaller(tree(mark + drawn)))) + ends


def short_mathml(html: str) -> str:
    """MathML without the namespace, the TeX source and sizes, which nobody sees.

    Examples
    --------
    >>> short_mathml('<math xmlns="x"><semantics><mrow><mi>a</mi></mrow>'
    ...              '<annotation encoding="t">a</annotation></semantics></math>')
    '<math><mi>a</mi></math>'
    """
    html = re.sub(r"<annotation .*?</annotation>|</?semantics>", "", html, flags=re.S)
    html = re.sub(r' (xmlns|stretchy|fence|separator|minsize|maxsize)="[^"]*"', "", html)
    before, start, math = html.partition("<math")
    math, end, after = math.partition("</math>")
    return before + "".join(map(str, fewer_rows(tree(start + math + end)))) + after


def fewer_rows(nodes: list, parent: str = "") -> list:
    """MathML without rows of one, and without KaTeX's sign for "applied to" where it is one child
    too many (``\\lambda_{\\max}``)."""
    result = []
    for node in nodes:
        if isinstance(node, str):
            result.append(node)
            continue
        node.children = fewer_rows(node.children, node.tag)
        applied = node.children == ["\u2061"] and parent in COUNTED
        if node.tag == "mrow" and len(node.children) == 1 and not isinstance(node.children[0], str):
            result += node.children
        elif not applied:
            result.append(node)
    return result


def tree(html: str) -> list:
    """The elements of a piece of HTML; end tags without a start are left out."""
    top = Span("")
    path = [top]
    for token in TOKEN.finditer(html):
        if not token["tag"]:
            path[-1].children.append(token[0])
        elif token["close"]:
            if len(path) > 1:
                path.pop()
        else:
            values = dict(ATTRIBUTE.findall(token["attributes"]))
            style = dict(part.split(":") for part in values.pop("style", "").split(";") if part)
            classes = values.pop("class", "").split()
            rest = "".join(f' {name}="{value}"' for name, value in values.items())
            node = Span(token["tag"], classes, style, rest)
            path[-1].children.append(node)
            if not token["empty"]:
                path.append(node)
    return top.children


def smaller(nodes: list, parent: Span | None = None) -> list:
    """The nodes without what changes nothing."""
    result = []
    for node in nodes:
        if isinstance(node, str):
            result.append(node)
        elif node.tag != "span":
            node.children = smaller(node.children, node)
            result.append(node)
        elif node.has("vlist-t"):
            result.append(stack(node))
        else:
            result += plain(node, parent)
    return result


def stack(table: Span) -> Span:
    """A table of KaTeX as one box with its rows."""
    cell = table.children[0].children[0]
    classes = [RENAMED.get(name, name) for name in table.classes if name != "vlist-t2"]
    return Span("span", classes, children=[row(one) for one in cell.children])


def row(node: Span) -> Span:
    """A row: its strut is in the style sheet, a tall one has a class."""
    strut, *content = node.children
    needed = number("height", strut.style["height"])
    height = max(ROW, -int(-needed // 1))
    moved = number("top", node.style["top"]) + needed - height
    style = {"top": f"{moved:.4f}em", **{k: v for k, v in node.style.items() if k != "top"}}
    classes = [name for name in node.classes if name in styled()]
    classes += [f"S{height}"] * (height > ROW)
    node = Span("span", classes, style)
    node.children = smaller(content, node)
    return node


def plain(node: Span, parent: Span | None) -> list:
    """A span that is no stack, or its content if the span changes nothing."""
    classes = node.classes
    style = dict(node.style)
    if "katex-base" in classes:
        strut = node.children.pop(0)
        style = {f"strut-{name}": value for name, value in strut.style.items()}
    if sizes := [name for name in classes if re.fullmatch(r"(reset-)?size\d+", name)]:
        if "delimsizing" not in classes:
            step = "Z" + "".join(re.sub(r"\D", "", name) for name in sizes)
            classes = [name for name in classes if name not in sizes and name != "katex-sizing"]
            classes.append(step)
    # Every space is empty, and all it has is its margin.
    known = [name for name in classes if name in styled() or NAME.match(name)]
    known = [RENAMED.get(name, name) for name in known if name not in ("mspace", "mtight")]
    smallest = Span("span", known, style, node.rest)
    smallest.children = smaller(node.children, smallest)
    if known == ["msupsub"] and not style and len(smallest.children) == 1:
        return smallest.children
    if known or style or node.rest or (parent and KEEPS_SPANS & set(parent.classes)):
        return [smallest]
    return smallest.children


def number(name: str, value: str) -> float:
    """A length in em."""
    if not re.fullmatch(r"-?[\d.]+em", value):
        raise UnknownStyle(f"KaTeX wrote {name}:{value}, which compact.py has no class for")
    return float(value.removesuffix("em"))


def length(name: str, value: str) -> str:
    """The class of a declaration.

    Examples
    --------
    >>> length("margin-right", "0.2778em"), length("top", "-2.55em"), length("height", "1em")
    ('R2778', 'T-25500', 'H10000')
    """
    if f"{name}:{value}" in WORDS:
        return WORDS[f"{name}:{value}"]
    short = name.removeprefix("strut-")
    letters = STRUT if short != name else LENGTHS
    if short not in letters:
        raise UnknownStyle(f"KaTeX wrote {name}:{value}, which compact.py has no class for")
    return f"{letters[short]}{round(number(name, value) * 10000)}"


@cache
def styled() -> frozenset[str]:
    """The classes that KaTeX's style sheet speaks of."""
    return frozenset(re.findall(r"\.([a-zA-Z][\w-]*)", SHEET.read_text(encoding="utf-8")))


def sheet(classes) -> str:
    """The rules for the classes of lengths among ``classes``, and for columns of tables.

    Examples
    --------
    >>> print(sheet(["R2778", "S4", "G10000", "other"]), end="")
    .katex .G10000::before{height:1em}
    .katex .R2778{margin-right:.2778em}
    .katex .V>.S4::before{height:4em}
    """
    lines = []
    for name in sorted(set(classes)):
        if column := re.fullmatch(r"width-(\d+)", name):
            lines.append(f".{name}{{width:{column[1]}%}}")
        if size := re.fullmatch(r"(width|height)-([\d_]+)(pc|px|em|ex|pt|cm|mm|in)", name):
            value = size[2].replace("_", ".") + ("%" if size[3] == "pc" else size[3])
            lines.append(f"img.{name}{{{size[1]}:{value}}}")
        if not (found := NAME.match(name)):
            continue
        letter, value = found[1], int(found[2]) / 10000
        if letter == "S":
            lines.append(f".katex .V>.{name}::before{{height:{found[2]}em}}")
        elif letter == "Z":
            lines += [f".katex .{name}{{font-size:{scale(found[2])}em}}"]
        for letters, where in ((LENGTHS, ""), (STRUT, "::before")):
            for rule in (key for key, own in letters.items() if own == letter):
                lines.append(f".katex .{name}{where}{{{rule}:{decimal(value)}em}}")
    return "".join(f"{line}\n" for line in lines)


def scale(digits: str) -> str:
    """From one of TeX's sizes to another, as KaTeX's own style sheet has it."""
    for cut in range(1, len(digits)):
        old, new = digits[:cut], digits[cut:]
        pattern = rf"\.katex-sizing\.reset-size{old}\.size{new}\{{font-size:([\d.]+)em"
        if found := re.search(pattern, SHEET.read_text(encoding="utf-8")):
            return found[1]
    raise UnknownStyle(f"no size {digits}")


def decimal(value: float) -> str:
    """A number in as few characters as CSS needs.

    Examples
    --------
    >>> decimal(1.0), decimal(-0.25)
    ('1', '-.25')
    """
    return re.sub(r"^(-?)0\.", r"\1.", f"{value:.4f}".rstrip("0").rstrip(".")) or "0"
