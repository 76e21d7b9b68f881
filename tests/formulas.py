"""Every command that KaTeX knows, as formulas; and formulas that combine them."""

import re
import xml.etree.ElementTree as ET

from press import formula
from typeset.katex import SOURCE, KatexError, render

MATH = re.compile(r"<math.*?</math>", re.S)
NAME = re.compile(r'"(\\\\(?:[A-Za-z@]+\*?|[^"A-Za-z]))"')
ENVIRONMENTS = re.compile(r'names:(\[[^\]]*\])')
# How a command may be used; the first that KaTeX sets is taken.
USES = [
    r"{0}{{a}}{{b}}\;c", r"{0}{{ab}}", r"x {0} y", r"{0} a", r"{0}", r"{0}{{a}}{{b}}{{c}}",
    r"\left{0} \frac{{a}}{{b}} \right{0}", r"{0}{{1em}}{{1em}}", r"{0}{{1em}}", r"{0}1em",
    r"{0}{{red}}{{a}}", r"{0}{{red}}{{blue}}{{a}}", r"\text{{{0}{{a}}}}", r"\text{{{0} a}}",
    r"\sum{0}_a", r"\left( a {0} b \right)", r"\begin{{matrix}} a \\ {0} b \end{{matrix}}", r"{0}(",
    r"\begin{{aligned}} a {0} \end{{aligned}}",
]
COMBINED = [
    # what the three forms have differed in
    r"\overset{!}{=}", r"\underset{x}{b}", r"\stackrel{d}{=}", r"\rule{1em}{0.5em}",
    r"\rule[0.5em]{1em}{0.5em}", r"\underline{x + y}", r"\overline{x + y}", r"\underbar{x}",
    r"\left. \frac{\partial f}{\partial x} \right|_{x = 0}", r"\left\| \frac{a}{b} \right\|",
    r"\left\{ \frac{a}{b} \right.", r"\left. \frac{a}{b} \right\}", r"\left| \frac{a}{b} \right|",
    r"\left\lVert \frac{a}{b} \right\rVert", r"\left\lfloor \frac{a}{b} \right\rfloor",
    r"\left\langle \frac{a}{b} \middle| c \right\rangle", r"\left/ \frac{a}{b} \right.",
    r"\left\uparrow \frac{a}{b} \right\Downarrow", r"\left[ \frac{a}{b} \right)",
    r"\bigl| x \bigr|", r"\Bigl\| x \Bigr\|", r"\biggl\langle x \biggr\rangle",
    r"\Biggl\{ x \Biggr\}",
    r"a \big/ b", r"a \bigm| b", r"\mathbb{1}[y = 1]", r"\boxed{a + \frac{a}{b}} + 1",
    r"a + \boxed{b}", r"\phantom{x} y \hphantom{x} \vphantom{\frac{a}{b}} z",
    r"\begin{array}{c|c} a & b \\ \hline c & d \end{array}",
    r"\begin{array}{ll} a & bb \\ cc & d \end{array}",
    r"\begin{array}{rr} a & bb \\ c & d \end{array}",
    # tables
    *(rf"\begin{{{name}}} a & b \\ cc & d \end{{{name}}}" for name in (
        "matrix", "pmatrix", "bmatrix", "Bmatrix", "vmatrix", "Vmatrix", "cases", "rcases",
        "dcases", "drcases", "smallmatrix", "aligned", "split", "align*", "bmatrix*")),
    r"\begin{gathered} a \\ b + c \end{gathered}", r"\begin{gather*} a \\ b + c \end{gather*}",
    r"\begin{alignedat}{2} a &= b & c &= d \\ e &= f & g &= h \end{alignedat}",
    r"\begin{alignat*}{2} a &= b & c &= d \\ e &= f & g &= h \end{alignat*}",
    r"\begin{equation*} a = b \end{equation*}", r"\sum_{\substack{i < j \\ j < k}} x",
    r"\begin{subarray}{l} a \\ bb \end{subarray}",
    r"\begin{CD} A @>a>> B \\ @VbVV @VVcV \\ C @>>d> D \end{CD}",
    # scripts and limits at signs of every kind
    *(rf"{sign}_{{a}}^{{b}}" for sign in (
        "x", r"\sum", r"\int", r"\oint", r"\prod", r"\bigcup", r"\lim", r"\max", r"\log",
        r"\operatorname{ab}", r"\operatorname*{ab}", r"\mathop{ab}", r"\mathbf{x}", r"\hat{x}",
        r"\overline{x}", r"\left( x \right)", r"{}")),
    r"\frac{\sum_{i=1}^n x_i}{\prod_{j=1}^m y_j}", r"\frac{\max_i x_i}{\lim_{t \to 0} y}",
    r"e^{\sum_i x_i}", r"\textstyle \sum_i x_i", r"\textstyle \sum\limits_i x_i",
    r"\tfrac{1}{2} \textstyle \max_i x_i", r"a \sim_p b", r"a =_x b", r"a \to^p b", r"x +_p y",
    r"\sum\nolimits_a^b", r"\int\limits_a^b", r"\lim\nolimits_a", r"\max\limits_a", r"f''_a",
    r"x^{\prime\prime}", r"{}_a^b x_c^d", r"\xrightarrow[\text{below}]{\text{above it}}",
    r"\xleftarrow{abc}", r"\xrightarrow{}", r"\xLeftrightarrow{ab}", r"\xmapsto{a}",
    r"\xlongequal{a}",
    # faces
    *(rf"\{face}{{A}} \; x" for face in (
        "mathbb", "mathbf", "mathcal", "mathfrak", "mathit", "mathrm", "mathscr", "mathsf",
        "mathtt",
        "boldsymbol", "bm", "Bbb", "mathnormal", "textbf", "textit", "textrm", "textsf", "texttt")),
    *(rf"\{face}{{a}} \; x" for face in (
        "mathbb", "mathbf", "mathcal", "mathfrak", "mathit", "mathrm", "mathscr", "mathsf",
        "mathtt",
        "boldsymbol")),
    *(rf"\{face}{{2}} x" for face in (
        "mathbb", "mathbf", "mathcal", "mathfrak", "mathit", "mathrm", "mathscr", "mathsf",
        "mathtt",
        "boldsymbol")),
    *(rf"\{face}{{{sign}}} x" for face in ("mathbf", "mathsf", "mathit", "boldsymbol", "mathtt")
      for sign in (r"\alpha", r"\Gamma", "+", r"\sum", r"\nabla", r"\partial", "(")),
    r"\boldsymbol{\mathcal{L}}", r"\mathbf{xy12}", r"\mathrm{KL}", r"\text{if } x > 0 \text{ and}",
    r"\textbf{ab 12}", r"\text{é ü ñ}", r"\text{a $x^2$ b}", r"\operatorname{arg\,max}_x",
    # spaces, roots, fractions, accents on more than a letter
    r"a\,b\:c\;d\!e\quad f\qquad g\ h~i\hspace{1em}j\kern-0.2em k", r"\sqrt{\frac{a}{b}}",
    r"\sqrt[3]{x + y}", r"\sqrt{\sqrt{x}}", r"\cfrac{1}{1 + \cfrac{1}{x}}", r"\tfrac{a}{b}^2",
    r"{a \over b}", r"{a \atop b}", r"{a \choose b}", r"\genfrac{[}{]}{0pt}{}{a}{b}",
    r"\genfrac{}{}{1pt}{}{a}{b}", r"\widehat{abc}", r"\widetilde{abc}", r"\vec{ab}", r"\bar{abc}",
    r"\overrightarrow{ab}", r"\not\in", r"a \not= b", r"\not a", r"p \pmod{q}", r"a \bmod b",
    r"\dots, \ldots \cdots \vdots \ddots", r"\ddot{\mathbf{x}}", r"\hat{\hat{x}}", r"\mathring{A}",
    r"\dddot{x}", r"\cancel{x}", r"\textcolor{red}{x}", r"\smash{x}", r"\mathllap{a} b",
    r"\small x",
    r"\raisebox{1em}{x}", r"\tag{3} x", r"\utilde{x}", r"\underrightarrow{ab}", r"\pmb{x}",
    r"|a| \; \|a\| \; a \mid b \; a \parallel b \; \vert a \Vert", r"\colon x", r"a \mathbin{:} b",
    r"a \mathrel{\sim\!\!\sim} b", r"\mathopen{(} a \mathclose{]}", r"\mathinner{a}", r"a := b",
    r"\begin{align} a &= b \\ c &= d \end{align}",
]


def mathml(tex: str, *, display: bool = True) -> ET.Element:
    """A formula as the pages for print have it."""
    node = ET.fromstring(MATH.search(render(tex, display=display))[0])
    formula.repair(node)
    return node


def typst_source(formulas: list[str]) -> str:
    """Formulas in Typst's own language as a document."""
    lines = [f'#math.equation(alt: "x", block: true, ${text}$.body)' for text in formulas]
    rules = ('#set document(title: "x", date: none)\n'
             '#show math.overline: it => math.accent(it.body, "\\u{304}")\n'
             '#show math.underline: it => [#it.body\\_]\n')
    return rules + "\n\n".join(lines)


def commands() -> dict[str, str]:
    """Each command of KaTeX in a formula that it sets, from the strings of its source.

    Commands that it sets in no use are not there: internal ones, and halves of a pair.
    """
    names = sorted({name.replace("\\\\", "\\") for name in
                    NAME.findall(SOURCE.read_text(encoding="utf-8")) if "@" not in name})
    found = {}
    for name in names:
        for use in USES:
            try:
                render(use.format(name), display=True, checked=False)
            except KatexError:
                continue
            found[name] = use.format(name)
            break
    return found
