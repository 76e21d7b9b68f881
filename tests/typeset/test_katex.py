"""KaTeX inside Python: what it sets, what it refuses, and where the build says so."""

import re

import pytest
from tinybook import build, write
from typeset import STATIC, one
from typeset.katex import KatexError, render

SETTINGS = {
    "extensions": ["myst_parser", "typeset"],
    "html_theme": "basic",
    "html_math_renderer": "katex",
    "myst_enable_extensions": ["dollarmath", "colon_fence"],
    "nitpicky": True,
}


def test_sets_html_for_the_eye_and_mathml_for_the_ear():
    html = render(r"\frac{\partial L}{\partial a}", display=True)
    assert 'class="katex-display"' in html
    assert "<mfrac>" in html and "aria-hidden" in html


def test_macros_are_expanded():
    assert render(r"\loss", display=False, macros={r"\loss": "L"}).count("mathnormal") == 1


@pytest.mark.parametrize("tex, message", [
    (r"\sgima(a)", r"Undefined control sequence: \sgima at position 1"),
    (r"\frac{a}{b", "Unexpected end of input in a macro argument"),
    ("é", "LaTeX-incompatible input and strict mode is set to 'error'"),
])
def test_refuses_what_latex_would_refuse(tex, message):
    with pytest.raises(KatexError, match=re.escape(message)):
        render(tex, display=True)


PAGE = """\
# Page

The inline $a^2$ and the display

$$
\\sum_i a_i
$$ (eq-sum)

see {eq}`eq-sum`.
"""


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return build(write(tmp_path_factory.mktemp("good"), {"index.md": PAGE}), **SETTINGS)


def test_a_good_page_builds_without_a_word(good):
    assert (good.exit_code, good.warnings) == (0, [])


def test_the_page_needs_no_script_and_nothing_from_elsewhere_for_its_formulas(good):
    page = good.page("index.html")
    assert page.count('<span class="katex">') == 2
    assert "MathJax" not in page
    assert not re.search(r'<(script|link|img)[^>]*(src|href)="(https?:)?//', page)


def test_the_number_stands_outside_the_box_that_scrolls(good):
    formula, number = re.search(
        r'<div class="formula" tabindex="0">(.*?)</div><span class="eqno">\((\d+)\)',
        good.page("index.html"), re.S).groups()
    assert "katex-display" in formula and number == "1"


def test_fonts_and_style_are_shipped_with_the_page(good):
    static = good.folder / "out" / "_static"
    wanted = re.findall(r"url\(([^)]*)\)", (static / "katex" / "katex.min.css").read_text())
    assert len(wanted) == 20
    assert all((static / "katex" / name).is_file() for name in wanted)


def test_a_formula_that_cannot_be_set_ends_the_build_at_its_line(tmp_path):
    page = "# Page\n\ntext\n\n$$\n\\sgima(a)\n$$\n"
    bad = build(write(tmp_path, {"index.md": page}), **SETTINGS)
    assert bad.exit_code == 1
    assert bad.warnings == [
        "index.md:5: WARNING: this formula cannot be set: Undefined control sequence: \\sgima"
        " at position 1: \\sgima(a) [typeset.formula]"]


def test_a_figure_without_alternative_text_ends_the_build_at_its_line(tmp_path):
    page = "# Page\n\n```{image} dot.svg\n```\n\n```{image} dot.svg\n:alt: a dot\n```\n"
    dot = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><circle r="9"/></svg>'
    bad = build(write(tmp_path, {"index.md": page, "dot.svg": dot}), **SETTINGS)
    assert bad.exit_code == 1
    assert bad.warnings == [
        "index.md:3: WARNING: this figure has no alternative text: say in words what a reader is "
        "to see (option :alt:, or mystnb: image: alt: of the cell) [typeset.alt]"]


def test_an_undefined_symbol_ends_the_build_at_its_line(tmp_path):
    page = "# Page\n\n:::{notation} eta\nThe learning rate.\n:::\n\n{symbol}`eta`, {symbol}`zeta`\n"
    bad = build(write(tmp_path, {"index.md": page}), **SETTINGS)
    assert bad.exit_code == 1
    assert len(bad.warnings) == 1
    assert re.match(r"index.md:7: WARNING: .*symbol.*zeta", bad.warnings[0])


@pytest.mark.parametrize("tex, message", [
    (r"\tag{3} x", r"\tag: equations are numbered by the book"),
    (r"x \notag", r"\notag: equations are numbered"),
    (r"\begin{align} a &= b \end{align}", r"\begin{align} numbers each of its lines"),
    (r"\begin{gather} a \end{gather}", r"\begin{gather} numbers each of its lines"),
    (r"\mathbb{a}", "no font of the book has 'a' in the face double-struck"),
    (r"\mathcal{a}", "no font of the book has 'a' in the face script"),
    (r"\mathbf{\alpha}", "no font of the book has 'α' in the face bold"),
    (r"\boldsymbol{+}", "no font of the book has '+' in the face bold-italic"),
    (r"\varsubsetneq", "its sign has another form in print"),
])
def test_refuses_what_another_form_would_show_otherwise(tex, message):
    with pytest.raises(KatexError, match=re.escape(message)):
        render(tex, display=True)


@pytest.mark.parametrize("tex", [r"\mathbb{1}", r"\mathbf{x} \mathbf{1}", r"\boldsymbol{\alpha}",
                                 r"\mathcal{L}", r"\begin{align*} a &= b \end{align*}"])
def test_sets_what_all_forms_show_alike(tex):
    assert "katex-html" in render(tex, display=True)


def test_the_double_struck_one_is_drawn_by_its_own_font(tmp_path):
    one.draw(tmp_path / "one.woff")
    assert (tmp_path / "one.woff").read_bytes() == (STATIC / "one.woff").read_bytes()
    assert 'class="mord mathbb">1<' in render(r"\mathbb{1}", display=False)


def test_two_builds_of_aligned_lines_are_the_same(tmp_path):
    page = "# Page\n\n\\begin{align*}\na &= b \\\\\nc &= d\n\\end{align*}\n"
    settings = SETTINGS | {"myst_enable_extensions": ["amsmath"]}
    made = []
    for name in ("one", "two"):
        built = build(write(tmp_path / name, {"index.md": page}), **settings)
        assert built.warnings == []
        made.append(built.page("index.html"))
    assert made[0] == made[1] and "eqno" not in made[0]
