"""MathML, as the site has it, to Typst.

One parser reads the TeX of all three forms of the book, and what it made of it is what is printed.
Only what is listed here can be printed; everything else is a :class:`FormulaError`.
"""

import re
import unicodedata
import xml.etree.ElementTree as ET

MATHML = "{http://www.w3.org/1998/Math/MathML}"
APPLY = "\u2061"
VARIANTS = {
    "bold": "upright(bold({}))", "italic": "italic({})", "bold-italic": "italic(bold({}))",
    "double-struck": "bb({})", "script": "cal({})", "bold-script": "bold(cal({}))",
    "fraktur": "frak({})", "sans-serif": "upright(sans({}))", "monospace": "mono({})",
}
ACCENTS = {
    "^": "\u0302", "~": "\u0303", "ˉ": "\u0304", "¯": "\u0304", "˙": "\u0307", "¨": "\u0308",
    "\u20d7": "\u20d7", "→": "\u20d7", "ˇ": "\u030c", "˘": "\u0306", "´": "\u0301", "`": "\u0300",
}
LINES = {"‾": "overline", "_": "underline", "⏟": "underbrace", "⏞": "overbrace"}
BLANKS = {"\u2009": "thin", "\u2005": "med", "\u2004": "thick", "\u2003": "quad"}
BIG_OPERATORS = set("∑∏∐∫∬∭∮⋃⋂⨁⨂⨀⋁⋀")
IGNORED = {"data-source", "xmlns", "display", "stretchy", "fence", "separator", "accent",
           "accentunder", "form", "lspace", "rspace", "columnalign", "columnspacing", "rowspacing",
           "symmetric", "largeop", "movablelimits", "scriptlevel", "displaystyle", "minsize",
           "maxsize", "width", "height", "depth", "voffset", "mathbackground", "mathvariant",
           "linethickness"}


class FormulaError(ValueError):
    """A formula outside of what can be printed."""


ARITY = {"msub": 2, "msup": 2, "msubsup": 3, "munder": 2, "mover": 2, "munderover": 3, "mfrac": 2,
         "mroot": 2}


def repair(math: ET.Element) -> None:
    """Put a function's name and the sign of its application in one row.

    KaTeX leaves them side by side where MathML allows one element only, as in a subscript.
    """
    for node in list(math.iter()):
        if len(node) > ARITY.get(_name(node), len(node)):
            for sign in [child for child in node if child.text == APPLY]:
                place = list(node).index(sign)
                row = ET.Element(f"{MATHML}mrow")
                row.extend([node[place - 1], sign])
                node.remove(sign)
                node[place - 1] = row


FACES = {"bold": "BOLD", "italic": "ITALIC", "bold-italic": "BOLD ITALIC",
         "double-struck": "DOUBLE-STRUCK", "script": "SCRIPT", "bold-script": "BOLD SCRIPT",
         "fraktur": "FRAKTUR", "sans-serif": "SANS-SERIF", "monospace": "MONOSPACE"}


def styled(char: str, face: str) -> str:
    """The character of its own that Unicode has for a letter in a face, as mathematics uses them.

    Examples
    --------
    >>> styled("x", "bold"), styled("R", "double-struck"), styled("μ", "bold-italic")
    ('𝐱', 'ℝ', '𝝁')
    >>> styled("+", "bold")
    '+'
    """
    name = unicodedata.name(char, "").replace("LATIN ", "").replace("GREEK ", "")
    letter = name.replace("LETTER ", "").replace("LUNATE ", "")
    for prefix in ("MATHEMATICAL ", ""):
        for said in (FACES[face], {"FRAKTUR": "BLACK-LETTER"}.get(FACES[face], FACES[face])):
            try:
                return unicodedata.lookup(f"{prefix}{said} {letter}")
            except KeyError:
                pass
    if (char, face) == ("h", "italic"):
        return "ℎ"  # the one that Unicode names after what it stands for
    return char


def tex(math: ET.Element) -> str:
    """The TeX that a formula was written as."""
    annotation = math.find(f".//{MATHML}annotation")
    return re.sub(r"^\\displaystyle\s*", "", " ".join((annotation.text or "").split()))


def typst(math: ET.Element) -> str:
    r"""Typst source of a formula, without the dollar signs.

    Raises
    ------
    FormulaError
        If it holds anything that has no counterpart here.

    Examples
    --------
    >>> X = '<math xmlns="http://www.w3.org/1998/Math/MathML">{}</math>'.format
    >>> typst(ET.fromstring(X('<msup><mi mathvariant="bold">x</mi><mn>2</mn></msup>')))
    'attach(upright(bold(x)), t: 2)'
    >>> typst(ET.fromstring(X('<mfrac><mi>a</mi><mn>2</mn></mfrac>')))
    'frac(a, 2)'
    >>> typst(ET.fromstring(X('<maction>x</maction>')))
    Traceback (most recent call last):
    press.formula.FormulaError: <maction> cannot be printed
    """
    return _row(list(math))


def _name(node):
    return node.tag.removeprefix(MATHML)


def _row(children):
    """Elements in a row. A function's name is followed by a sign that it is applied."""
    out = []
    for place, node in enumerate(children):
        after = children[place + 1] if place + 1 < len(children) else None
        applied = after is not None and after.text == APPLY
        out.append(_node(node, applied=applied))
    return _join(out)


def _join(pieces):
    """Pieces side by side; a blank next to a text would be printed."""
    text = ""
    for piece in filter(None, pieces):
        blank = text and not text.endswith('"') and not piece.startswith('"')
        text += " " * bool(blank) + piece
    return text


def _node(node, *, applied=False):
    name = _name(node)
    handler = HANDLERS.get(name)
    if handler is None:
        raise FormulaError(f"<{name}> cannot be printed")
    if unknown := set(node.attrib) - IGNORED:
        raise FormulaError(f"the attribute {unknown.pop()} of <{name}> cannot be printed")
    if handler is _identifier:
        return _identifier(node, applied)
    return handler(node)


def _argument(node):
    """An argument of a function; an empty one has to be said."""
    return _node(node) or '""'


def _string(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _character(char):
    """A character that means itself."""
    if char in '"' or char.isspace():
        return _string(char)
    return f"\\{char}" if char.isascii() and not char.isalnum() else char


def _variant(node, text):
    kind = node.get("mathvariant", "")
    if kind in ("", "normal"):
        return text
    if kind not in VARIANTS:
        raise FormulaError(f"the weight or face {kind} cannot be printed")
    return VARIANTS[kind].format(text)


def _identifier(node, applied=False):
    text = (node.text or "").strip()
    if not text:
        return ""
    if len(text) > 1:
        return f"op({_string(text)})" if applied else _variant(node, f"upright({_string(text)})")
    kind = node.get("mathvariant", "")
    if kind == "normal":
        if text in "∣|∥":
            return f'class("normal", {_character(text)})'
        return f"upright({text})" if text.isalpha() or text in "∂∇" else _character(text)
    return _variant(node, _character(text))


def _number(node):
    text = (node.text or "").strip()
    return _variant(node, text if re.fullmatch(r"\d+(\.\d+)?", text) else _string(text))


def _operator(node):
    text = (node.text or "").strip()
    if text == APPLY or not text:
        return ""
    if len(text) > 1:
        return f"op({_string(text)})"
    if size := node.get("minsize"):
        return f"lr(size: #{size}, {_character(text)})"
    if node.get("lspace") == "0em" == node.get("rspace"):
        return f'class("normal", {_character(text)})'
    return _variant(node, _character(text))


def _text(node):
    text = node.text or ""
    if text in BLANKS:
        return BLANKS[text]
    return _variant(node, _string(text.replace("\xa0", " ")))


def _grouping(node):
    children = list(node)
    fences = [_name(child) == "mo" and child.get("fence") == "true" for child in children]
    if len(children) > 1 and fences[0] and fences[-1] and "minsize" not in children[0].attrib:
        if _is_binomial(children):
            over, under = children[1]
            return f"binom({_argument(over)}, {_argument(under)})"
        inner = [f"mid({_operator(child)})" if fence else _node(child)
                 for child, fence in zip(children[1:-1], fences[1:-1], strict=True)]
        return f"lr({_join([_operator(children[0]), *inner, _operator(children[-1])])})"
    return _row(children)


def _is_binomial(children):
    marks = [children[0].text, children[-1].text]
    return (len(children) == 3 and marks == ["(", ")"] and _name(children[1]) == "mfrac"
            and _without_line(children[1]))


def _without_line(fraction):
    return fraction.get("linethickness") in ("0", "0px", "0em")


def _style(node):
    content = _row(list(node))
    style = {"true": "display", "false": "inline"}.get(node.get("displaystyle"))
    if level := {"1": "script", "2": "sscript"}.get(node.get("scriptlevel")):
        style = level
    return f"{style}({content})" if style and content else content


def _fraction(node):
    over, under = node
    if _without_line(node):
        return f"mat(delim: #none, {_argument(over)}; {_argument(under)})"
    return f"frac({_argument(over)}, {_argument(under)})"


def _square_root(node):
    content = _children(node) or '""'
    return f"sqrt({content})"


def _root(node):
    base, index = node
    return f"root({_argument(index)}, {_argument(base)})"


def _base(node):
    """The base of scripts: a function's name may stand in a row with the sign of application."""
    if _name(node) == "mrow" and len(node) == 2 and node[1].text == APPLY:
        return _identifier(node[0], True)
    return _node(node) or '""'


def _is_operator(text):
    return text.startswith("op(") or text in BIG_OPERATORS


def _script(node):
    """One that an operator's scripts stand beside, whatever it would do by itself."""
    base = _base(node[0])
    places = {"msub": ["b"], "msup": ["t"], "msubsup": ["b", "t"]}[_name(node)]
    scripts = ", ".join(f"{place}: {_raised(child)}"
                        for place, child in zip(places, node[1:], strict=True))
    if _is_operator(base):
        base = f"scripts({base})"
    return f"attach({base}, {scripts})"


def _raised(node):
    primes = re.sub(r"\s", "", "".join(node.itertext()))
    if primes and set(primes) == {"′"}:
        return f"primes(#{len(primes)})"
    return _argument(node)


def _limits(node):
    places = {"munder": ["b"], "mover": ["t"], "munderover": ["b", "t"]}[_name(node)]
    base, *marks = node
    mark = (marks[0].text or "").strip()
    if len(marks) == 1 and _name(marks[0]) == "mo":
        if mark in LINES:
            return f"{LINES[mark]}({_argument(base)})"
        if node.get("accent") == "true" and mark in ACCENTS:
            size = "" if marks[0].get("stretchy") == "true" else ", size: #100%"
            return f"accent({_argument(base)}, {_string(ACCENTS[mark])}{size})"
        if node.get("accent") == "true":
            raise FormulaError(f"the accent {mark!r} cannot be printed")
    written = _base(base)
    for brace in ("underbrace(", "overbrace("):
        if len(marks) == 1 and written.startswith(brace):
            return f"{written[:-1]}, {_argument(marks[0])})"
    scripts = ", ".join(f"{place}: {_argument(child)}"
                        for place, child in zip(places, marks, strict=True))
    return f"attach(limits({written}), {scripts})"


def _space(node):
    width = node.get("width", "0em")
    if width == "0em":
        return ""
    return f"#h({width})"


def _table(node):
    """Columns that are set right and left in turn meet at a point of alignment."""
    align = (node.get("columnalign") or "center").split()
    columns = max(len(row) for row in node)
    align += align[-1:] * (columns - len(align))
    meeting = align == ["right", "left"] * (columns // 2)
    rows = []
    for row in node:
        cells = [_row(list(cell)) for cell in row]
        if meeting:
            cells += [""] * (len(cells) % 2)
            cells = [f"{cells[i]} & {cells[i + 1]}".strip() for i in range(0, len(cells), 2)]
        rows.append(", ".join(cell or '""' for cell in cells))
    options = "delim: #none"
    if not meeting and len(set(align)) > 1:
        raise FormulaError(f"columns set {', '.join(align)} cannot be printed")
    if not meeting and align[0] != "center":
        options += f", align: #{align[0]}"
    loose = "0.25em" in (node.get("rowspacing") or "")
    options += ", row-gap: #0.6em" if loose else ", row-gap: #0.35em"
    options += ", column-gap: #1em"
    return f"mat({options}, {'; '.join(rows)})"


def _semantics(node):
    return _node(node[0])


def _children(node):
    return _row(list(node))


HANDLERS = {
    "semantics": _semantics, "mrow": _grouping, "mstyle": _style, "mpadded": _children,
    "mi": _identifier, "mn": _number, "mo": _operator, "mtext": _text, "mspace": _space,
    "mfrac": _fraction, "msqrt": _square_root, "mroot": _root,
    "msub": _script, "msup": _script, "msubsup": _script,
    "munder": _limits, "mover": _limits, "munderover": _limits,
    "mtable": _table,
}
