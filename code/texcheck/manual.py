"""The lists of SYNTAX.md, made from the table of notations: what is read, and what is refused.

The page keeps its hand-written parts; the lists stand between marks and are written anew by
``python -m texcheck --manual SYNTAX.md``.
"""

from __future__ import annotations

import re
from pathlib import Path

from .registry import Table, load

PAGE = Path(__file__).with_name("SYNTAX.md")
# The letters of all examples.
PREAMBLE = r"""
let: a, b \in \mathbb{R}; c \in \mathbb{R}_{>0}; x, z \in \mathbb{R}^n; W \in \mathbb{R}^{m\times n}
let: A \in \mathbb{S}^n_{++}; i, j \in \{1,\ldots,n\}; q, s \in \Delta^K
let: g_\tau \in \mathbb{R} \quad (\tau=1,\ldots,M)
rv: X \in \mathbb{R}; Y \in \mathbb{R}; B \sim \mathrm{Bernoulli}(0.3)
fun: \phi : \mathbb{R} \to \mathbb{R}; f : \mathbb{R}^n \to \mathbb{R}
pmf: p(y,w)
def: h_k(u) = x_k \phi(u)
""".strip()
ARROW = "→"
# From what is needed first to what is needed seldom; a section of another name comes behind.
ORDER = ("Numbers, sums and products", "Names", "Functions", "Choices", "Vectors and matrices",
         "Eigenvalues and singular values", "Sums over an index", "Sets", "Sequences",
         "Derivatives", "Integrals", "Limits and infinite sums",
         "Factorials and the gamma function", "Where something is least or greatest",
         "Tables of probabilities", "Distributions", "Expectations")


def sections(table: Table) -> list[str]:
    """The headings of the lists, in order."""
    return [*(s for s in ORDER if s in table.sections),
            *(s for s in table.sections if s not in ORDER)]


def formulas(table: Table) -> str:
    """A list of formulas for each section, and the letters that they are made of."""
    found = ""
    for section in sections(table):
        examples = [e for entry in table.sections[section] for e in entry.examples]
        if examples:
            found += fenced(f"### {section}", "expressions", "\n".join(examples))
    return found + fenced("The letters above are declared by", "preamble", PREAMBLE)


def fenced(above: str, info: str, text: str) -> str:
    return f"{above}\n\n```{info}\n{text}\n```\n\n"


def refusals(table: Table) -> str:
    """What is refused, each with what to write instead: no table, whose cells a bar would end."""
    rows = [row for section in sections(table) for entry in table.sections[section]
            for row in entry.refused]
    width = max(len(bad) for bad, _ in rows)
    text = "\n".join(f"{bad:{width}}  {ARROW}  {good}" for bad, good in rows)
    return fenced("On the left what is refused, on the right what to write:", "refused", text)


LISTS = {"formulas": formulas, "refusals": refusals}


def filled(page: str) -> str:
    """The page with its lists made anew.

    Raises
    ------
    ValueError
        If the page lacks the marks of a list.
    """
    table = load()
    for name, write in LISTS.items():
        begin, end = f"<!-- {name}: made by `make manual` -->\n", f"<!-- end of {name} -->\n"
        if page.count(begin) != 1 or page.count(end) != 1:
            raise ValueError(f"the page needs one line {begin.strip()} and, below it, one line "
                             f"{end.strip()}: the list of {name} stands between them")
        above, _, rest = page.partition(begin)
        below = rest.partition(end)[2]
        page = f"{above}{begin}\n{write(table)}{end}{below}"
    return re.sub(r"\n{3,}", "\n\n", page)


def run(paths: list[str]) -> int:
    """The command ``--manual``: print the manual, or write each of the pages anew."""
    if not paths:
        print(filled(PAGE.read_text(encoding="utf-8")), end="")
    for path in map(Path, paths):
        path.write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")
    return 0
