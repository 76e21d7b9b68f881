r"""A derivation as Markdown that shows mathematics between dollars, such as Jupyter's.

It reads the lines with the reader that the check uses, and neither loads torch nor checks.
"""

from __future__ import annotations

from .errors import Refused
from .files import read_derivation
from .lines import Line, cut, logical_lines, statements

OPENING = {"let": "Let", "rv": "Random variables:", "fun": "For any smooth",
           "pmf": "For any probabilities", "assume": "Assume"}


def derivation(title: str, body: list[str]) -> list[str]:
    r"""A ``{derivation}`` directive as the lines of Markdown.

    Parameters
    ----------
    title : str
        The argument of the directive.
    body : list of str
        What stands inside, with its options. A line that is not read, which the check reports, is
        shown as it stands.

    Examples
    --------
    >>> body = [r"code: \sigma(a) == torch.sigmoid(a)", "claim: x + x", "= 2x -- count"]
    >>> print("\n".join(derivation("Twice", body)))
    **Derivation: Twice**
    <BLANKLINE>
    $\sigma(a)$ in code: `torch.sigmoid(a)`
    <BLANKLINE>
    Claim $x + x$
    <BLANKLINE>
    $= 2x$ — count
    <BLANKLINE>
    """
    found = read_derivation(["", *body], 0, len(body) + 1, title, "")
    shown = [f"**Derivation: {title}**", ""]
    for number, raw in logical_lines(found.text, found.line):
        try:
            shown += [line_of(cut(raw, number)), ""]
        except Refused:
            shown += [f"`{raw}`", ""]
    return shown


def line_of(line: Line) -> str:
    """One line: its formulas between dollars, and its reason."""
    reason = f" — {line.reason}" if line.reason else ""
    if line.keyword == "unchecked":
        return f"Not machine-checked: {line.text}"
    if line.equals >= 0:
        tex, python = line.anchored
        return f"${tex}$ in code: `{python}`{reason}"
    if line.keyword in OPENING:
        formulas = ", ".join(f"${part}$" for part in statements(line.text))
        return f"{OPENING[line.keyword]} {formulas}{reason}"
    if line.keyword == "code":
        return f"`{line.text}`"
    word = {"def": "Given " if line.given else "Define ", "claim": "Claim ",
            "step": ""}[line.keyword]
    return f"{word}${line.text}${reason}"
