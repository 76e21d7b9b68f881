"""TeX to HTML with the vendored KaTeX, run in QuickJS inside this process."""

import json
import locale
import re
from contextlib import contextmanager
from functools import cache
from html import unescape
from pathlib import Path

import quickjs

SOURCE = Path(__file__).parent / "katex.min.js"

# strict: what LaTeX would refuse or set differently is an error here too.
CALL = """
(function (tex, display, macros) {
  try {
    return JSON.stringify({html: katex.renderToString(tex, {
      displayMode: display, throwOnError: true, strict: "error", trust: false,
      output: "htmlAndMathml", macros: JSON.parse(macros)})});
  } catch (error) {
    return JSON.stringify({error: error.message, position: error.position});
  }
})
"""


# The fonts of the site by face: KaTeX draws every other character plain, and says nothing. Only
# characters that Unicode has in the face as well are the same sign in print.
LETTERS, CAPITALS, GREEK = "A-Za-z", "ΓΔΘΛΞΠΣΥΦΨΩ", "α-ωϑϕϖϱϵς"
FACES = {
    "normal": ".", "italic": f"[{LETTERS}0-9{CAPITALS}{GREEK}]", "double-struck": "[A-Z1]",
    "script": "[A-Z]", "fraktur": f"[{LETTERS}]", "bold": f"[{LETTERS}0-9{CAPITALS}∇∂]",
    "bold-italic": f"[{LETTERS}{CAPITALS}{GREEK}]", "sans-serif": f"[{LETTERS}0-9]",
    "sans-serif-italic": f"[{LETTERS}]", "monospace": f"[{LETTERS}0-9]",
}
TOKEN = re.compile(r'<(m[inot]|mtext)\b[^>]*\bmathvariant="([\w-]+)"[^>]*>([^<]*)<')
# The double-struck one has a font of its own (typeset.one); KaTeX has to know its size.
ONE_HEIGHT, ONE_WIDTH = 0.676, 0.56  # em
ONE = ('"AMS-Regular":{', f'"AMS-Regular":{{49:[0,{ONE_HEIGHT},0,0,{ONE_WIDTH}],')
# Commands that name another sign in MathML than they draw, so that a reader of the one and of the
# other would not see the same; and those that number.
UNFAITHFUL = {
    **dict.fromkeys([r"\shortmid", r"\shortparallel", r"\nshortmid", r"\nshortparallel",
                     r"\varsubsetneq", r"\varsubsetneqq", r"\varsupsetneq", r"\varsupsetneqq"],
                    "its sign has another form in print; write the command without short or var"),
    **dict.fromkeys([r"\tag", r"\notag", r"\nonumber"],
                    "equations are numbered by the book; give one a label: $$ … $$ (eq-name)"),
}
COMMAND = re.compile(r"\\(?:[A-Za-z@]+|.)", re.S)
NUMBERED = re.compile(r"\\begin\s*\{(equation|align|alignat|gather)\}")


class KatexError(ValueError):
    """A formula that KaTeX cannot set."""


@contextmanager
def _decimal_points():
    """Numbers with a point: the engine reads and writes them by the locale, and Sphinx sets one."""
    before = locale.setlocale(locale.LC_NUMERIC)
    if before == "C":
        yield
        return
    locale.setlocale(locale.LC_NUMERIC, "C")
    try:
        yield
    finally:
        locale.setlocale(locale.LC_NUMERIC, before)


@cache
def _engine():
    context = quickjs.Context()
    source = SOURCE.read_text(encoding="utf-8")
    if source.count(ONE[0]) != 1:
        raise LookupError(f"{SOURCE.name} does not have the sizes of the font AMS-Regular once")
    context.eval(source.replace(*ONE))
    return context.eval(CALL)


def render(tex: str, *, display: bool, macros: dict[str, str] | None = None,
           checked: bool = True) -> str:
    r"""Set one formula.

    Parameters
    ----------
    tex : str
        The formula without delimiters.
    display : bool
        Set on a line of its own.
    macros : dict, optional
        Name (with its backslash) to expansion.
    checked : bool
        Refuse what the other forms of the book would show otherwise.

    Returns
    -------
    str
        HTML for the eye with MathML inside for screen readers.

    Raises
    ------
    KatexError
        With KaTeX's own message and the place in the formula.

    Examples
    --------
    >>> "<math" in render(r"\sigma(a)", display=False)
    True
    >>> render(r"\sgima(a)", display=False)
    Traceback (most recent call last):
    typeset.katex.KatexError: Undefined control sequence: \sgima at position 1: \sgima(a)
    """
    with _decimal_points():
        answer = json.loads(_engine()(tex, display, json.dumps(macros or {})))
    if "error" in answer:
        message = answer["error"].removeprefix("KaTeX parse error: ")
        raise KatexError(message.replace("\u0332", ""))
    if checked:
        _refuse(tex, answer["html"])
    return answer["html"]


def _refuse(tex, html):
    """Raise for what KaTeX sets and the other forms of the book would show otherwise."""
    for command in COMMAND.findall(tex):
        if why := UNFAITHFUL.get(command):
            raise KatexError(f"{command}: {why}")
    if found := NUMBERED.search(tex):
        name = found[1]
        raise KatexError(
            f"\\begin{{{name}}} numbers each of its lines, and the book its equations: write "
            f"\\begin{{{name}*}}, or for one number $$ … $$ (eq-name) around \\begin{{aligned}}")
    for kind, face, text in TOKEN.findall(html.partition("</math>")[0]):
        signs = unescape(text)
        plain = kind == "mtext" and face != "script"
        allowed = r"[\x20-\x7e\xa0]" if plain else FACES.get(face, "(?!)")
        if wrong := re.sub(allowed, "", signs):
            raise KatexError(f"no font of the book has {wrong!r} in the face {face}")
