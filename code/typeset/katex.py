"""TeX to HTML with the vendored KaTeX, run in QuickJS inside this process."""

import json
import locale
from contextlib import contextmanager
from functools import cache
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
    context.eval(SOURCE.read_text(encoding="utf-8"))
    return context.eval(CALL)


def render(tex: str, *, display: bool, macros: dict[str, str] | None = None) -> str:
    r"""Set one formula.

    Parameters
    ----------
    tex : str
        The formula without delimiters.
    display : bool
        Set on a line of its own.
    macros : dict, optional
        Name (with its backslash) to expansion.

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
    return answer["html"]
