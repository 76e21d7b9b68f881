"""Formulas on paper: the same symbols, weights and accents as KaTeX sets on the site."""

import re
import xml.etree.ElementTree as ET

import pytest
import typst
from press import formula
from press.compare import read, symbols
from typeset.katex import render

# What the book uses, by kind; each formula is set by KaTeX and by Typst, and the symbols compared.
FORMULAS = [
    # weights and faces
    r"\mathbf{x}", r"x \mathbf{x} \boldsymbol{x}", r"\boldsymbol{\mu}", r"\mathbf{W}\mathbf{h}_t",
    r"\mathbb{R}^d", r"\mathbb{E}_{x\sim p}", r"\mathbb{1}[y=1]", r"\mathcal{N}(0, I)",
    r"\mathrm{KL}(q\|p)", r"\mathbf{1}", r"\mathsf{A}", r"\mathfrak{g}", r"\mathtt{x}",
    r"\Gamma \Delta \Theta \Sigma", r"\epsilon \varepsilon \vartheta \phi", r"\ell \partial",
    r"\text{if } x > 0", r"\mathbf{h}^\top",
    # accents
    r"\hat{x}", r"\widehat{xy}", r"\tilde{x}", r"\widetilde{xy}", r"\bar{x}", r"\overline{x^2}",
    r"\dot{x} \ddot{x}", r"\vec{v}", r"\check{x}", r"\underbrace{a+b}_{n}",
    r"\hat{\mathbf{y}}", r"f' f'' f'''",
    # scripts, limits, large operators
    r"x_i^2", r"{}_i x", r"\sum_{i=1}^n x_i", r"\displaystyle\sum_{i=1}^n x_i", r"\prod_j p_j",
    r"\int_0^1 f(x)\,dx", r"\max_i x_i", r"\arg\max_\theta L", r"\displaystyle\lim_{t\to 0} h_t",
    r"\lambda_{\max}", r"\operatorname{diag}(v)", r"\log p(x \mid z)", r"\bigcup_i A_i",
    # fractions, roots, fences
    r"\frac{a}{b}", r"\dfrac{1}{1+e^{-a}}", r"\sqrt{d}", r"\sqrt[3]{x}", r"\binom{n}{k}",
    r"\left(\frac{a}{b}\right)^2", r"\left.\frac{df}{dx}\right|_{x=0}", r"\bigl(x\bigr)",
    r"\|W\|_F", r"|x|", r"\lfloor x \rfloor \lceil y \rceil", r"\langle u, v\rangle",
    r"\{0, 1\}", r"[a, b)",
    # relations and operators
    r"a \le b \ge c \ne d \approx e \ll f", r"A \odot B \otimes C \times D \cdot E \circ F",
    r"a \to b \mapsto c \leftarrow d \Rightarrow e", r"\forall x \exists y \in A \subset B",
    r"x \sim p,\quad y \propto q", r"\pm\mp \infty \nabla", r"\ldots \cdots \vdots \ddots",
    # tables
    r"\begin{pmatrix} a & b \\ c & d \end{pmatrix}", r"\begin{bmatrix} 1 \\ 0 \end{bmatrix}",
    r"\begin{cases} a & x > 0 \\ b & \text{otherwise} \end{cases}",
    r"\begin{aligned} a &= b \\ &= c \end{aligned}",
]


def mathml(tex):
    html = render(tex, display=False)
    node = ET.fromstring(re.search(r"<math.*?</math>", html, re.S)[0])
    formula.repair(node)
    return node


def source(formulas):
    lines = [f'#math.equation(alt: "x", block: true, ${text}$.body)' for text in formulas]
    rule = "#show math.overline: it => math.accent(it.body, \"\\u{304}\")\n"
    return '#set document(title: "x", date: none)\n' + rule + "\n\n".join(lines)


def set_by_typst(folder, formulas):
    """The MathML that Typst makes of formulas in its own language."""
    path = folder / "formulas.typ"
    path.write_text(source(formulas))
    html = typst.compile(path, format="html", ignore_system_fonts=True).decode()
    return [node for node in read(html).iter("math")]


def structure(math):
    kinds = ("mfrac", "msqrt", "mroot", "mtr")
    names = [node.tag.rpartition("}")[2] for node in math.iter()]
    return [name for name in names if name in kinds]


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    ours = [mathml(tex) for tex in FORMULAS]
    theirs = set_by_typst(tmp_path_factory.mktemp("formulas"), [formula.typst(m) for m in ours])
    assert len(ours) == len(theirs) == len(FORMULAS)
    return dict(zip(FORMULAS, zip(ours, theirs, strict=True), strict=True))


@pytest.mark.parametrize("tex", FORMULAS)
def test_typst_sets_the_symbols_that_katex_sets(pairs, tex):
    ours, theirs = pairs[tex]
    assert symbols(ours)
    assert symbols(theirs) == symbols(ours)
    assert structure(theirs) == structure(ours)


def test_all_of_them_can_be_printed(tmp_path):
    path = tmp_path / "formulas.typ"
    path.write_text("#set document(title: \"x\", date: none)\n"
                    + source([formula.typst(mathml(tex)) for tex in FORMULAS]))
    made = typst.compile(path, ignore_system_fonts=True, pdf_standards=["ua-1"])
    assert made.startswith(b"%PDF")


@pytest.mark.parametrize("tex, right, wrong", [
    (r"\mathbf{x}", "upright(bold(x))", "upright(x)"),
    (r"\boldsymbol{\mu}", "bold(μ)", "μ"),
    (r"\hat{y}", r'accent(y, "̂", size: #100%)', "y"),
    (r"\mathbb{R}", "bb(R)", "R"),
    (r"\mathrm{d}x", "upright(d) x", "d x"),
])
def test_a_lost_weight_or_accent_is_seen(tmp_path, tex, right, wrong):
    ours = mathml(tex)
    assert formula.typst(ours).replace("italic(bold(", "bold(").replace("))", ")") \
        == right.replace("))", ")")
    [math] = set_by_typst(tmp_path, [wrong])
    assert symbols(math) != symbols(ours)


@pytest.mark.parametrize("tex, says", [
    (r"\textcolor{red}{x}", "mathcolor"),
    (r"\cancel{x}", "<menclose>"),
    (r"\overleftarrow{ab}", "'←'"),
    (r"\begin{array}{lr} a & b \end{array}", "columns set left, right"),
])
def test_what_has_no_counterpart_is_an_error(tex, says):
    with pytest.raises(formula.FormulaError, match=re.escape(says)):
        formula.typst(mathml(tex))


def test_a_function_in_a_subscript_is_one_element():
    # KaTeX leaves three children in the <msub>, which MathML does not allow.
    node = mathml(r"\lambda_{\max}")
    [sub] = [one for one in node.iter() if one.tag.endswith("msub")]
    assert len(sub) == 2
