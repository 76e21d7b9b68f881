"""The short form of a formula puts every mark where KaTeX puts it."""

from pathlib import Path

import pytest
from typeset import compact
from typeset.compact import sheet
from typeset.katex import render

STATIC = Path(compact.__file__).parent / "static"
FORMULAS = [
    r"W_2^\top \delta", r"x_{i_1}^{2^n}", r"\frac{1}{1+e^{-a}}", r"\tfrac{\frac{a}{b}}{c_{d}}",
    r"\sqrt{1-\beta^2} + \sqrt[3]{\frac{x}{y}}", r"\sum_{i=1}^{n} \log p_\theta(x_i)",
    r"\left(\frac{\partial L}{\partial a}\right)^2", r"\hat{y}, \bar{x}, \tilde{z}, \vec v",
    r"\begin{cases} 0, & x < 0 \\ 1, & x \ge 0 \end{cases}", r"\max_{\theta} \mathbb{E}[f]",
    r"\begin{pmatrix} a & b \\ c & d \end{pmatrix}", r"\underbrace{a+b}_{n}", r"\overline{ab}",
    r"\begin{aligned} a &= b + c \\ &= \int_0^1 x\,dx \end{aligned}", r"a \ne b \not\in C",
    r"\mathcal{N}(0, \sigma^2 I)", r"\lambda_{\max}", r"\operatorname{sign}(z) \odot x",
    r"\Bigl\lVert \prod_{t} J_t \Bigr\rVert_2", r"\left.\frac{a}{b}\right|_{x=0}", r"\text{if } p",
]
# The place of each mark, from the left of its formula and from the top of its line.
MARKS = """async () => {
  await document.fonts.ready;
  return [...document.querySelectorAll('p')].map((line) => {
    const drawn = line.querySelector('.katex-html');
    const [left, top] = [drawn.getBoundingClientRect().left, line.getBoundingClientRect().top];
    const place = (box) => [box.left - left, box.bottom - top, box.width, box.height];
    const marks = [];
    const walk = document.createTreeWalker(drawn, NodeFilter.SHOW_TEXT);
    for (let node; (node = walk.nextNode()); ) {
      for (let at = 0; at < node.data.length; at++) {
        if (node.data[at] === '\\u200b') continue;
        const range = document.createRange();
        range.setStart(node, at);
        range.setEnd(node, at + 1);
        marks.push([node.data[at], ...place(range.getBoundingClientRect())]);
      }
    }
    const rules = [...drawn.querySelectorAll('svg, .frac-line, .overline-line')];
    return [...marks, ...rules.map((rule) => ['line', ...place(rule.getBoundingClientRect())]),
      ['whole', ...place(drawn.getBoundingClientRect())]];
  });
}"""


@pytest.fixture(scope="module")
def places(browser, tmp_path_factory):
    """The marks of all formulas: as KaTeX writes them, and in the short form."""
    folder = tmp_path_factory.mktemp("formulas")
    long = [render(tex, display=False) for tex in FORMULAS]
    short = [compact.compact(html) for html in long]
    classes = {name for html in short for names in html.split('class="')[1:]
               for name in names.split('"')[0].split()}
    (folder / "lengths.css").write_text(sheet(classes), encoding="utf-8")
    sheets = [STATIC / "katex" / "katex.min.css", STATIC / "typeset.css", folder / "lengths.css"]
    head = "".join(f'<link rel="stylesheet" href="{path.as_uri()}">' for path in sheets)
    found = []
    for html in (long, short):
        page = browser.new_page(viewport={"width": 2000, "height": 900})
        lines = "".join(f"<p>{one}</p>" for one in html)
        (folder / "page.html").write_text(f"<!doctype html>{head}{lines}", encoding="utf-8")
        page.goto((folder / "page.html").as_uri())
        page.wait_for_function("document.fonts.status === 'loaded'")
        found.append(page.evaluate(MARKS))
        page.close()
    return found


def far(old, new) -> float:
    """The largest distance between marks, in pixels."""
    assert [mark[0] for mark in old] == [mark[0] for mark in new]
    return max(abs(a - b) for x, y in zip(old, new, strict=True)
               for a, b in zip(x[1:], y[1:], strict=True))


@pytest.mark.parametrize("number", range(len(FORMULAS)), ids=FORMULAS)
def test_every_mark_stays_where_it_was(places, number):
    assert far(places[0][number], places[1][number]) < 0.5


def test_a_mark_that_moved_is_found(places):
    old = places[0][0]
    assert far(old, [[mark[0], mark[1] + 1, *mark[2:]] for mark in old]) == 1
