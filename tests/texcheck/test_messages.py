"""Where a message leads: the line that it tells to write is accepted."""

import pytest
import texcheck

# What is typed; words of the message; what of the text is replaced, and by what the message says.
TABLE = {
    "power behind an activation": (
        r"let: z \in \mathbb{R}" "\n" r"claim: \tanh'(z)" "\n" r"= 1 - \tanh(z)^2",
        r"write (\tanh x)^2", r"\tanh(z)^2", r"(\tanh z)^2"),
    "power behind a bare function": (
        r"let: z \in \mathbb{R}" "\n" r"claim: \tanh'(z)" "\n" r"= 1 - \tanh(z)^2",
        r"write (\tanh x)^2", r"\tanh(z)^2", r"\tanh^2(z)"),
    "optimum of a negative": (
        "let: a \\in \\mathbb{R}^n; c \\in \\mathbb{R}\n"
        "claim: \\mathrm{argmax}_c -\\sum_i (a_i - c)^2\n= \\frac{1}{n} \\sum_i a_i",
        "begins with a sign in parentheses", r"-\sum_i (a_i - c)^2", r"(-\sum_i (a_i - c)^2)"),
    "sum of a negative": (
        "let: a \\in \\mathbb{R}^n\nclaim: \\sum_i -a_i\n= -\\sum_i a_i",
        "begins with a sign in parentheses", "-a_i\n", "(-a_i)\n"),
    "limit of a negative": (
        "let: a \\in \\mathbb{R}\nclaim: \\lim_{t\\to\\infty} -\\frac{a}{t} + a\n= a",
        "begins with a sign in parentheses", r"-\frac{a}{t}", r"(-\frac{a}{t})"),
    "largest eigenvalue of what": (
        "let: A \\in \\mathbb{S}^n; x \\in \\mathbb{R}^n\n"
        "claim: x^\\top A x\n\\le \\lambda_{\\max} x^\\top x",
        r"write \lambda_{\max}(A)", r"\lambda_{\max}", r"\lambda_{\max}(A)"),
    "proportional in what": (
        "let: x, m \\in \\mathbb{R}; v \\in \\mathbb{R}_{>0}\n"
        "claim: \\mathcal{N}(x; m, v)\n\\propto e^{-\\frac{(x-m)^2}{2v}}",
        r"write \propto_z", r"\propto", r"\propto_x"),
    "a size that is too large": (
        "let: n \\in \\mathbb{N}\nclaim: \\sum_{v\\in\\{0,1\\}^{30}} \\mathbf{1}_{30}^\\top v\n"
        "= 30 \\cdot 2^{29}",
        r"write a letter for the size, as in \{0,1\}^n", "let: n \\in \\mathbb{N}\n"
        "claim: \\sum_{v\\in\\{0,1\\}^{30}} \\mathbf{1}_{30}^\\top v\n= 30 \\cdot 2^{29}",
        "let: w \\in \\mathbb{R}^n\n"
        "claim: \\sum_{v\\in\\{0,1\\}^n} w^\\top v\n= 2^{n-1} w^\\top \\mathbf{1}"),
    "a column for a row": (
        "let: A \\in \\mathbb{R}^{n\\times n}; x \\in \\mathbb{R}^n\n"
        "claim: \\nabla_x (x^\\top A x)\n= x^\\top (A + A^\\top)",
        "compared with a row", r"x^\top (A + A^\top)", r"(A + A^\top) x"),
    "a bound on nothing": (
        "let: a \\in \\mathbb{R}_{>0}\nclaim: \\int x e^{-a x} \\, \\mathrm{d}x\n= a^{-2}",
        "an integral has ends", r"\int x", r"\int_0^\infty x"),
    "a function without an anchor that the text gives": (
        "let: \\theta \\in (0,1)\ndef: p(x) = \\theta^x (1-\\theta)^{1-x}\n"
        "claim: \\mathbb{E}_{x\\sim\\mathrm{Bernoulli}(\\theta)}\\left[ \\left( "
        "\\frac{\\partial \\log p(x)}{\\partial \\theta} \\right)^2 \\right]\n"
        "= \\frac{1}{\\theta(1-\\theta)}", "write given: in place of def:", "def: p", "given: p"),
    "a function without an anchor that is tied": (
        "let: x \\in \\mathbb{R}\ndef: f(u) = u^2\nclaim: f(2 x)\n= 4 f(x)",
        "add code: f(u) == …", "u^2\n", "u^2\ncode: f(u) == u * u\n"),
    "a known quantity that the text gives": (
        "pmf: p(x, y)\n"
        "def: I = \\sum_{x,y} p(x, y) \\log \\frac{p(x, y)}{p(x) p(y)} -- mutual information\n"
        "claim: I\n= \\sum_y p(y) \\, \\mathrm{KL}(p(x \\mid y) \\,\\|\\, p(x))",
        "write given: in place of def:", "def: I", "given: I"),
    "a function of what is behind another definition": (
        "let: w, f \\in \\mathbb{R}^n\ndef: y = w^\\top f\ndef: E(w) = y^2\n"
        "claim: \\nabla E(w)\n= 2 y f", "and its derivative \\nabla_{w} E",
        "def: E(w) = y^2\nclaim: \\nabla E(w)", "def: E = y^2\nclaim: \\nabla_{w} E"),
    "a product over what no line declares": (
        "let: a \\in \\mathbb{R}^n\nclaim: \\prod_c (a_1 - c)\n= a_1",
        r"write _{c\in\mathbb{R}^d}", "\\prod_c (a_1 - c)\n= a_1",
        "\\min_{c\\in\\mathbb{R}} (a_1 - c)^2\n= 0"),
}


def errors(text):
    return [str(e) for e in texcheck.check(texcheck.read_block(text)).errors]


@pytest.mark.parametrize("typed, words, line, told", TABLE.values(), ids=TABLE)
def test_a_message_leads_to_a_line_that_is_accepted(typed, words, line, told):
    found = errors(typed)
    assert any(words in e for e in found), found
    assert line in typed
    assert errors(typed.replace(line, told)) == []


def test_a_definition_by_itself_is_refused_at_its_own_line():
    found = texcheck.check(texcheck.read_block(
        "let: t \\in \\{1,\\ldots,T\\}\n"
        "def: h_t = 2 h_t + 1 \\quad (t=1,\\ldots,T)\nclaim: h_t\n= -1")).errors
    assert [e.line for e in found if "defined by itself" in e.message] == [2]


@pytest.mark.parametrize("text", [
    r"let: Z \in \mathbb{R}^{n\times m}; i \in \{1,\ldots,n\}" "\nclaim: Z_{i1} + Z_{i1}\n"
    "= 2 Z_{i1}",
    r"let: z \in \mathbb{R}" "\n" r"claim: \frac{\partial}{\partial z} \tanh(z)" "\n"
    r"= 1 - \tanh^2(z)",
    r"let: W \in \mathbb{R}^{n\times m}; x \in \mathbb{R}^m" "\n" r"claim: \tanh'(Wx)" "\n"
    r"= \mathbf{1}_n - \tanh(Wx)^{\odot2}",
    r"let: n \in \mathbb{N}" "\n" r"claim: \Gamma(n+1)" "\n= n!",
    r"let: a \in \mathbb{R}_{>0}" "\n" r"rv: X \in \mathbb{R}_{>0}" "\n" r"claim: P(X \ge a)" "\n"
    r"\le \frac{\mathbb{E}[X]}{a}",
    r"let: A \in \mathbb{R}^{n\times m}" "\n" r"claim: A^\top A" "\n" r"\succeq 0",
    r"let: x \in \mathbb{R}^n" "\n" r"claim: \sum_i (x_i - \frac1n \sum_j x_j)" "\n= 0",
    r"let: x \in \mathbb{R}" "\n" "claim: x - x\n" r"= 0 \cdot x" "\n= 0",
])
def test_what_was_led_astray_is_read(text):
    assert errors(text) == []
