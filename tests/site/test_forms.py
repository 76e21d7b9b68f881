"""A formula is seen alike on the site, on paper and in a reader: mark for mark, in a browser and in
what Typst sets. Every command of KaTeX is tried: it is seen alike, or it is refused.
"""

import json
import re
import xml.etree.ElementTree as ET
from functools import partial

import formulas
import numpy as np
import pytest
import seen
from press import formula
from press.formula import FormulaError
from tools import ROOT
from typeset.compact import UnknownStyle, compact
from typeset.katex import KatexError, render

# Where the forms differ by the shape of a sign and not by what it says: a command, or a formula.
SHAPES = {
    "raised letters": [r"\KaTeX", r"\LaTeX", r"\TeX"],
    "the size of a sign": [r"\backprime", r"\prime", r"\bigstar", r"\bigoplus", r"\circledR",
                           r"\textregistered", r"\ddots", r"\left/ \frac{a}{b} \right."],
    "the weight of a sign": [r"\big", r"\bigr", r"\overbrace", r"\underbrace", r"\overrightarrow",
                             r"\ddot", r"\xlongequal", r"\xrightarrow"],
    "the size of parentheses": [r"\binom", r"\dbinom", r"\choose", r"{a \choose b}"],
    "letters that touch": [r"\textit", r"\mathit", r"\sum_{\substack{i < j \\ j < k}} x"],
    "the width of nothing": [r"\phantom"],
}
# And of a reader alone: the browser sets accents closer and stretches less.
IN_READER = {
    "the size of a sign": [r"\copyright", r"\textcopyright", r"\surd", r"\backslash", r"\widehat",
                           r"\genfrac{[}{]}{0pt}{}{a}{b}", r"a \big/ b", r"\sqrt"],
    "the weight of a sign": [r"\bigl", r"\bigm", r"\bigotimes", r"\bigsqcup", r"\beth",
                             r"\complement", r"\textemdash", r"\image", r"x^{\prime\prime}"],
    "the size of parentheses": [r"\brace", r"\brack", r"\tbinom"],
    "the height of an empty row": [r"\begin{matrix} a \\ \cr b \end{matrix}"],
}
MERGED = re.compile(r"accent|brace|stretch|sqrt|root|‖|lr\(frac|h\(-|op\(|attach\(\"\"")
"""Typst for what a reader sets so close that marks touch, or draws thinner."""


def command(tex):
    return re.search(r"\\(?:[A-Za-z@]+|.)|$", tex.removeprefix(r"\text{"), re.S)[0]


@pytest.fixture(scope="module")
def shown():
    """The formulas that are shown, with their Typst source; all others are refused."""
    found, refused = {}, {}
    for tex in dict.fromkeys([*formulas.commands().values(), *formulas.COMBINED]):
        try:
            compact(render(tex, display=True))
            found[tex] = formula.typst(formulas.mathml(tex))
        except (KatexError, UnknownStyle, FormulaError) as error:
            refused[tex] = str(error)
    assert len(found) > 950 and all(refused.values())
    return found


@pytest.fixture(scope="module")
def on_site(browser, shown, tmp_path_factory):
    return seen.on_site(browser, tmp_path_factory.mktemp("site"), list(shown))


def differences(one, other, shown, *shapes, **options):
    known = {name for kinds in shapes for names in kinds.values() for name in names}
    return {tex: said for tex, a, b in zip(shown, one, other, strict=True)
            if (said := seen.apart(a, b, **options)) and not {tex, command(tex)} & known}


def test_every_command_is_seen_on_paper_as_on_the_site(on_site, shown, tmp_path):
    on_paper = seen.on_paper(tmp_path, list(shown.values()))
    assert differences(on_site, on_paper, shown, SHAPES) == {}


def test_every_command_is_seen_in_a_reader_as_on_the_site(browser, on_site, shown, tmp_path):
    in_reader = seen.in_reader(browser, tmp_path, list(shown))
    found = differences(on_site, in_reader, shown, SHAPES, IN_READER, heavy=0.32)
    assert {tex: said for tex, said in found.items() if not MERGED.search(shown[tex])} == {}


# What was seen wrong once, and what was set instead.
@pytest.mark.parametrize("tex, wrong", [
    (r"\overset{!}{=}", "\\="), (r"\rule{1em}{0.5em} x", "x"), (r"\underline{x}", "overline(x)"),
    (r"\left. \frac{a}{b} \right|", r"frac(a, b) \|"),
    (r"\left\| \frac{a}{b} \right\|", "∥ frac(a, b) ∥"),
    (r"\boxed{x}", "x"), (r"\overline{x}", "x"),
    (r"\frac{a}{\sum_{i=1}^n b}", "frac(a, attach(limits(∑), b: i=1, t: n) b)"),
    (r"\mathbf{x}", "x"), (r"\hat{y}", "y"), (r"\Bigl( x \Bigr)", r"\( x \)"),
    (r"\begin{array}{c|c} a & b \end{array}", "a b"), (r"\boldsymbol{\nabla}", "∇"),
    (r"\sum\nolimits_a^b", "attach(limits(∑), b: a, t: b)"), (r"x'", "x"), (r"\sqrt{x}", "x"),
])
def test_what_is_lost_or_wrong_is_seen(browser, tmp_path, tex, wrong):
    [site] = seen.on_site(browser, tmp_path, [tex])
    right, spoilt = seen.on_paper(tmp_path, [formula.typst(formulas.mathml(tex)), wrong])
    assert not seen.apart(site, right)
    assert seen.apart(site, spoilt)


def test_the_double_struck_one_is_hollow_in_every_form(browser, tmp_path):
    one, plain = r"\mathbb{1}", "1"
    for show in (partial(seen.on_site, browser), partial(seen.in_reader, browser)):
        assert [sign.holes for sign in show(tmp_path, [one, plain])] == [1, 0]
    sources = [formula.typst(formulas.mathml(tex)) for tex in (one, plain)]
    assert [sign.holes for sign in seen.on_paper(tmp_path, sources)] == [1, 0]


@pytest.fixture(scope="module")
def of_the_book():
    """Each formula of the book, as the pages for print have it."""
    folder = ROOT / "build/press"
    assert (folder / "book.json").is_file(), f"{folder} has no pages: run make pages"
    groups = json.loads((folder / "book.json").read_text())["groups"]
    pages = [folder / f"{page['name']}.xml" for group in groups for page in group["pages"]]
    return list(dict.fromkeys(formula.tex(math) for path in pages
                              for math in ET.parse(path).iter(f"{formula.MATHML}math")))


def test_the_formulas_of_the_book_are_seen_on_paper_as_on_the_site(browser, of_the_book, tmp_path):
    assert len(of_the_book) > 3000
    # The longest have the most in them; of the others each sixth.
    chosen = sorted(of_the_book, key=len)[::-1]
    chosen = chosen[:150] + chosen[150::6]
    sources = [formula.typst(formulas.mathml(tex)) for tex in chosen]
    on_site, on_paper = seen.on_site(browser, tmp_path, chosen), seen.on_paper(tmp_path, sources)
    assert differences(on_site, on_paper, chosen, heavy=0.2, up=0.45, touching=0.13) == {}
    assert np.mean([one.ink for one in on_site]) > 0.5
