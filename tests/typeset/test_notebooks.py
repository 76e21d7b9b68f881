"""The notebooks of the pages: a directive of another package is laid out by that package."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from sphinx.errors import ExtensionError
from texcheck.files import derivations
from texcheck.lines import cut, logical_lines
from typeset.notebooks import UnknownDirective, layouts, notebook

ROOT = Path(__file__).parents[2]
NAMED = {"derivation": "texcheck.markdown:derivation"}
PAGES = [page for page in sorted((ROOT / "book").glob("*.md")) if derivations(page)]
FORMULA = re.compile(r"\$([^$`\n]*)\$")
PAGE = r"""# A

:::{derivation} Twice
:label: der-twice

let: x \in \mathbb{R}; W \in \mathbb{R}^{n\times n}
def: \sigma(u) = \frac{1}{1+e^{-u}}
code: \sigma(x) == torch.sigmoid(x) -- of torch
claim: x + x
= 2 x -- count
unchecked: x is a number
mistaken: 1
:::
"""


def words(page, named=NAMED):
    cells = notebook(page, "Book", layouts(named)).cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def test_a_derivation_is_laid_out_by_its_own_reader():
    text = words(PAGE).partition("**Derivation: Twice**\n\n")[2]
    assert text.strip().split("\n\n") == [
        r"Let $x \in \mathbb{R}$, $W \in \mathbb{R}^{n\times n}$",
        r"Define $\sigma(u) = \frac{1}{1+e^{-u}}$",
        r"$\sigma(x)$ in code: `torch.sigmoid(x)` — of torch",
        "Claim $x + x$",
        "$= 2 x$ — count",
        "Not machine-checked: x is a number",
        "`mistaken: 1`",
    ]


def test_without_a_function_the_directive_is_not_known():
    with pytest.raises(UnknownDirective, match=r"\{derivation\}"):
        words(PAGE, {})


@pytest.mark.parametrize("where", ["texcheck.markdown:layout", "nowhere:derivation", "texcheck",
                                   "", ":derivation"])
def test_a_function_that_is_not_found_is_named(where):
    with pytest.raises(ExtensionError, match=r"derivation.*package\.module:function"):
        layouts({"derivation": where})


def wrongly_shown(page, text):
    """Lines of the derivations of a page that its notebook does not show as what they are."""
    formulas = set(FORMULA.findall(re.sub(r"`[^`\n]*`", "", text)))
    for found in derivations(page):
        for number, raw in logical_lines(found.text, found.line):
            line = cut(raw, number)
            if line.keyword == "code":
                tex, python = line.anchored
                shown = (tex in formulas and f"`{python}`" in text
                         and not any(python in formula for formula in formulas - {tex}))
            else:
                shown = line.keyword not in ("def", "claim", "step") or line.text in formulas
            if not shown or (line.reason and f"— {line.reason}" not in text):
                yield raw


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_python_is_code_and_tex_is_mathematics(page):
    text = page.read_text(encoding="utf-8")
    assert list(wrongly_shown(page, words(text))) == []


def test_python_between_dollars_is_noticed(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(PAGE.replace("mistaken: 1\n", ""), encoding="utf-8")
    text = page.read_text(encoding="utf-8")
    assert list(wrongly_shown(page, words(text))) == []
    spoiled = words(text).replace("`torch.sigmoid(x)`", "$torch.sigmoid(x)$")
    assert list(wrongly_shown(page, spoiled)) == [
        r"code: \sigma(x) == torch.sigmoid(x) -- of torch"]


def test_laying_out_loads_no_torch():
    code = ("import sys, texcheck.markdown as m\n"
            "m.derivation('T', ['code: x == torch.f(x)', 'claim: x', '= x'])\n"
            "assert 'torch' not in sys.modules and 'sphinx' not in sys.modules")
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT / "code")
