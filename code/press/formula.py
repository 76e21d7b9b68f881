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
    "fraktur": "frak({})", "sans-serif": "upright(sans({}))",
    "sans-serif-italic": "italic(sans({}))", "monospace": "mono({})",
}
ACCENTS = {
    "^": "\u0302", "~": "\u0303", "ˉ": "\u0304", "¯": "\u0304", "˙": "\u0307", "¨": "\u0308",
    "\u20d7": "\u20d7", "→": "\u20d7", "ˇ": "\u030c", "˘": "\u0306", "ˊ": "\u0301", "ˋ": "\u0300",
    "˚": "\u030a", "ˆ": "\u0302", "˜": "\u0303", "˝": "\u030b",
}
# What one mark over or under a formula is; a line is the same mark at either place.
LINES = {("mover", "‾"): "overline", ("munder", "‾"): "underline", ("mover", "⏞"): "overbrace",
         ("munder", "⏟"): "underbrace"}
# KaTeX writes spaces of no width of their own as characters; the last one turns them back.
SPACES = {"\u200a": 1, "\u2009": 3, "\u2005": 4, "\u205f": 4, "\u2003": 18, "\u2063": 0}
BARS = {"∣": "|", "∥": "‖"}
# KaTeX names another sign than it draws.
WRONG = {"≆": "≇"}
LARGE = set("∑∏∐∫∬∭∮∯∰⋃⋂⨁⨂⨀⨄⨆⋁⋀")
ARROWS = set("→←↔⇒⇐⇔↦⇀↼⇁↽⇌⇋↠↞=")
TOKENS = {"mi", "mo", "mn", "mtext"}
# What the spaces around an operator say of it.
SPACED = {(None, None): "", ("0em", "0em"): "normal", ("0.22em", "0.22em"): "binary",
          ("0em", "0.17em"): "punctuation", ("0.05em", "0.05em"): ""}

# Every attribute that is translated, with the values that are; any other one is an error.
LENGTH = r"-?[\d.]+(em|ex|pt|px|mu)"
TRUTH = "true|false"
SIDES = "(left|center|right)( (left|center|right))*"
SOLID = "(none|solid)( (none|solid))*"
ATTRIBUTES = {
    "mrow": {"data-class": "normal|binary|punctuation|relation"},
    "mi": {"mathvariant": ".*"}, "mn": {"mathvariant": ".*"}, "mtext": {"mathvariant": ".*"},
    "mo": {"mathvariant": ".*", "fence": TRUTH, "separator": "true", "stretchy": TRUTH,
           "minsize": LENGTH, "maxsize": LENGTH, "lspace": LENGTH, "rspace": LENGTH},
    "mspace": {"width": LENGTH, "height": LENGTH, "mathbackground": "black"},
    "mpadded": {"width": r"\+0\.6em|0px", "lspace": r"0\.3em", "height": LENGTH, "depth": "0px",
                "voffset": LENGTH},
    "mphantom": {}, "menclose": {"notation": "box"},
    "mfrac": {"linethickness": "0px"}, "msqrt": {}, "mroot": {},
    "msub": {}, "msup": {}, "msubsup": {}, "munderover": {"data-limits": "move"},
    "mover": {"accent": "true", "data-limits": "move"},
    "munder": {"accentunder": "true", "data-limits": "move"},
    "mstyle": {"scriptlevel": "[012]", "displaystyle": TRUTH},
    "mtable": {"columnalign": SIDES, "columnspacing": rf"{LENGTH}( {LENGTH})*",
               "rowspacing": rf"{LENGTH}( {LENGTH})*", "columnlines": SOLID, "rowlines": SOLID},
    "mtr": {}, "mtd": {}, "semantics": {},
}


class FormulaError(ValueError):
    """A formula outside of what can be printed."""


ARITY = {"msub": 2, "msup": 2, "msubsup": 3, "munder": 2, "mover": 2, "munderover": 3, "mfrac": 2,
         "mroot": 2}


def repair(math: ET.Element) -> None:
    """Put a formula of KaTeX in the form that this package and browsers read.

    - A function's name and the sign of its application stand in one row: KaTeX leaves them side by
      side where MathML allows one element only, as in a subscript.
    - What a token holds besides text is a row: ``<mo>`` around a stack of signs is one that
      KaTeX names a relation, a binary operator or a mark of punctuation.
    - Spaces are elements with a width, not characters, some of which browsers draw with another.
    - A bar is the sign that grows, and a sign with a stroke is one character.
    - Limits that stand beside their operator wherever it is small, as in a fraction, say so.
    """
    _mark_limits(math, math.get("display") == "block")
    for node in list(math.iter()):
        name = _name(node)
        node.text = node.text and unicodedata.normalize("NFC", node.text)
        if len(node) > ARITY.get(name, len(node)):
            for sign in [child for child in node if child.text == APPLY]:
                place = list(node).index(sign)
                row = ET.Element(f"{MATHML}mrow")
                row.extend([node[place - 1], sign])
                node.remove(sign)
                node[place - 1] = row
        if name in TOKENS and len(node):
            _unwrap(node, name)
        elif name == "mtext" and node.text and set(node.text) <= set(SPACES):
            width = sum(SPACES[char] for char in node.text) / 18
            sign = "-" * ("\u2063" in node.text)
            node.tag, node.text = f"{MATHML}mspace", None
            node.set("width", f"{sign}{width:.4f}em")
        elif name == "mi" or (name == "mo" and {"fence", "stretchy"} & set(node.attrib)):
            node.text = BARS.get(node.text, node.text)
        if node.text in WRONG:
            node.text = WRONG[node.text]


def _mark_limits(node, display):
    """Mark limits that KaTeX has set because of the style, and not because of a command."""
    for child in node:
        if display and _name(child) in ("munder", "mover", "munderover"):
            child.set("data-limits", "move")
        _mark_limits(child, {"true": True, "false": False}.get(child.get("displaystyle"), display))


def _unwrap(node, name):
    """A token around elements as a row; a token that is all there is inside stays alone."""
    inner = node[0]
    spaces = (node.get("lspace"), node.get("rspace"))
    node.tag = f"{MATHML}mrow"
    if name == "mo":
        kind = SPACED.get(spaces, f"spaces {spaces}") or "relation"
        for key in ("lspace", "rspace"):
            node.attrib.pop(key, None)
        if not (len(node) == 1 and _name(inner) in TOKENS and not len(inner)):
            node.set("data-class", kind)


FACES = {"bold": "BOLD", "italic": "ITALIC", "bold-italic": "BOLD ITALIC",
         "double-struck": "DOUBLE-STRUCK", "script": "SCRIPT", "bold-script": "BOLD SCRIPT",
         "fraktur": "FRAKTUR", "sans-serif": "SANS-SERIF",
         "sans-serif-italic": "SANS-SERIF ITALIC", "monospace": "MONOSPACE"}


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
    known = ATTRIBUTES[name]
    for key, value in node.attrib.items():
        if key != "data-source" and not re.fullmatch(known.get(key, "(?!)"), value):
            raise FormulaError(f"{key}={value!r} of <{name}> cannot be printed")
    if len(node) != ARITY.get(name, len(node)):
        raise FormulaError(f"<{name}> of {len(node)} elements cannot be printed")
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
    if char == '"' or char.isspace():
        return _string(char)
    if unicodedata.category(char) in ("Co", "Cn", "Cc", "Cf") or unicodedata.combining(char):
        raise FormulaError(f"the character {char!a} cannot be printed")
    marked = (char.isascii() and not char.isalnum()) or char in "√∛∜"
    return f"\\{char}" if marked or unicodedata.category(char) in ("Ps", "Pe") else char


def _words(text):
    """Several characters that mean themselves."""
    for char in text:
        if char != "\xa0":
            _character(char)
    return _string(text.replace("\xa0", " "))


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
        words = _words(text)
        return f"op({words})" if applied else _variant(node, f"upright({words})")
    kind = node.get("mathvariant", "")
    if kind == "normal":
        if text in "|‖":
            return f'class("normal", {_character(text)})'
        return f"upright({text})" if text.isalpha() or text in "∂∇" else _character(text)
    return _variant(node, _character(text))


def _number(node):
    text = (node.text or "").strip()
    return _variant(node, text if re.fullmatch(r"\d+(\.\d+)?", text) else _words(text))


def _operator(node):
    text = (node.text or "").strip()
    if text == APPLY or not text:
        return ""
    if len(text) > 1:
        return f"op({_words(text)})"
    spaces = (node.get("lspace"), node.get("rspace"))
    if spaces not in SPACED:
        raise FormulaError(f"an operator with the spaces {spaces} cannot be printed")
    if size := node.get("minsize"):
        if size != node.get("maxsize"):
            raise FormulaError(f"{text} of at least {size} cannot be printed")
        sign = f"lr(size: #{size}, {_character(text)})"
        kind = "normal" if node.get("fence") == "true" else "relation"
        return f'class("{kind}", {sign})' if text in "|‖" else sign
    if node.get("stretchy") == "true":
        raise FormulaError(f"{text} that grows cannot be printed")
    sign = _variant(node, _character(text))
    if SPACED[spaces] and text in LARGE:
        raise FormulaError(f"{text} as an ordinary sign cannot be printed")
    return f'class("{SPACED[spaces]}", {sign})' if SPACED[spaces] else sign


def _text(node):
    return _variant(node, _words(node.text or ""))


def grows(node):
    """Whether a fence is as high as the row that it stands in."""
    return (_name(node) == "mo" and node.get("fence") == "true" and "minsize" not in node.attrib
            and node.get("stretchy") != "false")


def _grouping(node):
    children = list(node)
    if kind := node.get("data-class"):
        return f'class("{kind}", {_row(children) or chr(34) * 2})'
    fences = [grows(child) for child in children]
    if not any(fences):
        return _row(children)
    if not (fences[0] or fences[-1]):
        raise FormulaError("a fence in the middle of a row cannot be printed")
    if _is_binomial(children):
        over, under = children[1]
        return f"binom({_argument(over)}, {_argument(under)})"
    parts = []
    for place, (child, fence) in enumerate(zip(children, fences, strict=True)):
        if not fence:
            parts.append(_node(child))
        elif place == 0:
            parts.append(_fence("opening", child))
        elif place == len(children) - 1:
            parts.append(_fence("closing", child))
        else:
            parts.append(f"mid({_character(child.text)})")
    return f"lr({_join(parts)})"


def _fence(kind, node):
    """A fence that grows; one that is no fence by itself has to be told."""
    _node(node)
    sign = _character(node.text)
    plain = unicodedata.category(node.text) in ("Ps", "Pe") or node.text in "|‖"
    return sign if plain else f'class("{kind}", {sign})'


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
    content = _row(list(node)) or '""'
    return f"sqrt({content})"


def _root(node):
    base, index = node
    return f"root({_argument(index)}, {_argument(base)})"


def _base(node):
    """The base of scripts: a function's name may stand in a row with the sign of application."""
    if (_name(node) == "mrow" and len(node) == 2 and node[1].text == APPLY
            and _name(node[0]) == "mi"):
        return _identifier(node[0], True) or '""'
    return _argument(node)


def _script(node):
    """One that an operator's scripts stand beside, whatever it would do by itself."""
    base = _base(node[0])
    places = {"msub": ["b"], "msup": ["t"], "msubsup": ["b", "t"]}[_name(node)]
    scripts = ", ".join(f"{place}: {_raised(child)}"
                        for place, child in zip(places, node[1:], strict=True))
    if _name(node[0]) == "mo" or base.startswith(("op(", "class(", "lr(", "attach(")):
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
    if len(marks) == 1 and _name(marks[0]) == "mo" and (
            node.get("accent") or node.get("accentunder") or marks[0].get("stretchy") == "true"):
        if line := LINES.get((_name(node), mark)):
            return f"{line}({_argument(base)})"
        if node.get("accent") == "true" and mark in ACCENTS:
            size = "" if marks[0].get("stretchy") == "true" else ", size: #100%"
            return f"accent({_argument(base)}, {_string(ACCENTS[mark])}{size})"
        raise FormulaError(f"the accent {mark!r} cannot be printed")
    if base.get("minsize") and base.get("stretchy") == "true" and "maxsize" not in base.attrib:
        if base.text not in ARROWS:
            raise FormulaError(f"{base.text} that grows cannot be printed")
        written = f"stretch({_character(base.text)}, size: #(100% + 1.2em))"
    else:
        written = _base(base)
    for brace in ("underbrace(", "overbrace("):
        if len(marks) == 1 and written.startswith(brace):
            return f"{written[:-1]}, {_argument(marks[0])})"
    scripts = ", ".join(f"{place}: {_argument(child)}"
                        for place, child in zip(places, marks, strict=True))
    moving = node.get("data-limits") and (written in LARGE or written.startswith("op("))
    limits = f"limits({written}, inline: #false)" if moving else f"limits({written})"
    return f"attach({limits}, {scripts})"


def _space(node):
    width = _length(node.get("width", "0em"))
    if "mathbackground" in node.attrib:
        return _rule(node, "0em")
    return "" if width == "0em" else f"#h({width})"


def _length(value):
    """A length as Typst has it; 18 mu are an em."""
    number = re.match(r"-?[\d.]+", value)[0]
    if value.endswith("mu"):
        return f"{float(number) / 18:.4f}em"
    if value.endswith("ex"):
        return f"{float(number) * 0.431:.4f}em"
    if value.endswith("px"):
        return f"{float(number) * 0.75:g}pt"
    return "0em" if float(number) == 0 else value


def _rule(node, raised):
    width, height = (_length(node.get(key, "0em")) for key in ("width", "height"))
    if "0em" in (width, height):
        return ""
    return f"#box(width: {width}, height: {height}, baseline: -{raised}, fill: black)"


def _padded(node):
    """Room around a formula: of the label of an arrow, of a rule, and of what is not shown."""
    given, children = dict(node.attrib), list(node)
    kind = _name(children[0]) if len(children) == 1 else ""
    if given in ({}, {"width": "+0.6em", "lspace": "0.3em"}):
        return _row(children)
    if kind == "mspace" and set(given) == {"height", "voffset"}:
        return _rule(children[0], _length(given["voffset"])) if _node(children[0]) else ""
    if kind == "mphantom" and given in ({"width": "0px"}, {"height": "0px", "depth": "0px"}):
        size = "width" if "width" in given else "height"
        return f"#box({size}: 0pt, hide(${_row(list(children[0]))}$))"
    raise FormulaError("what is moved or set without its size cannot be printed")


def _phantom(node):
    return f"#hide(${_row(list(node))}$)"


def _enclosed(node):
    if node.get("notation") != "box":
        raise FormulaError("<menclose> cannot be printed")
    # The height of a formula in a line is cut by a part of the leading.
    inner = f"#set par(leading: 0pt);$display({_row(list(node))})$"
    return f"#box(stroke: 0.4pt, inset: 3pt, [{inner}])"


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
    lines = [f"{name}line: ({', '.join(str(place) for place in found)},)"
             for name, found in (("h", _solid(node.get("rowlines"), len(node) - 1)),
                                 ("v", _solid(node.get("columnlines"), columns - 1))) if found]
    if lines and meeting:
        raise FormulaError("lines between columns that meet cannot be printed")
    if lines:
        options += f", augment: #({', '.join(lines)})"
    loose = "0.25em" in (node.get("rowspacing") or "")
    options += ", row-gap: #0.6em" if loose else ", row-gap: #0.35em"
    gaps = set((node.get("columnspacing") or "1em").split()) - {"0em"} or {"1em"}
    if len(gaps) > 1:
        raise FormulaError(f"columns {', '.join(sorted(gaps))} apart cannot be printed")
    options += f", column-gap: #{gaps.pop()}"
    return f"mat({options}, {'; '.join(rows)})"


def _solid(said, count):
    """After which rows or columns a line stands; the last word holds for all that follow."""
    words = (said or "none").split()
    words += words[-1:] * (count - len(words))
    return [place for place, word in enumerate(words[:count], 1) if word == "solid"]


def _semantics(node):
    return _node(node[0])


HANDLERS = {
    "semantics": _semantics, "mrow": _grouping, "mstyle": _style, "mpadded": _padded,
    "mphantom": _phantom, "menclose": _enclosed,
    "mi": _identifier, "mn": _number, "mo": _operator, "mtext": _text, "mspace": _space,
    "mfrac": _fraction, "msqrt": _square_root, "mroot": _root,
    "msub": _script, "msup": _script, "msubsup": _script,
    "munder": _limits, "mover": _limits, "munderover": _limits,
    "mtable": _table,
}
