"""Values of notations beside an oracle, their false neighbours, and where their messages lead."""

import math

import numpy as np
import pytest
import scipy.special
import texcheck
from scipy import integrate
from texcheck.draw import draw_symbols
from texcheck.grammar import parse_expression


def check(text, seed=0):
    return texcheck.check(texcheck.read_block(text), seed=seed)


def complaints(text, seed=0):
    """All errors but warnings on what has no effect."""
    return [str(e) for e in check(text, seed).errors if "has no effect" not in str(e)]


def drawn(declarations, formula, seed=0):
    """The value of a formula on one draw, and the values of the symbols, as arrays."""
    block = texcheck.read_block(f"{declarations}\nclaim: 1\n= 2 - 1")
    assert [e for e in map(str, block.errors) if "has no effect" not in e] == []
    evaluator = draw_symbols(block.program, np.random.default_rng(seed))
    value = evaluator.value(parse_expression(formula, block.program.scope))
    symbols = {k: np.asarray(x) for k, x in evaluator.draw.values.items()}
    return np.asarray(value.detach() if hasattr(value, "detach") else value), {
        **symbols, **evaluator.draw.dims}


MATRICES = (r"let: A \in \mathbb{R}^{m\times n}; B \in \mathbb{R}^{p\times q}; "
            r"C \in \mathbb{R}^{n\times r}; D \in \mathbb{R}^{q\times s}; u \in \mathbb{R}^n; "
            r"v \in \mathbb{R}^m; M \in \mathbb{R}^{n\times p}")


def test_kronecker_product():
    value, at = drawn(MATRICES, r"A \otimes B \otimes u^\top")
    assert np.allclose(value, np.kron(np.kron(at["A"], at["B"]), at["u"].T), rtol=1e-14)


@pytest.mark.parametrize("step, right", [
    (r"(A \otimes B) (C \otimes D)" "\n" r"= (A C) \otimes (B D)", True),
    (r"(A \otimes B)^\top" "\n" r"= A^\top \otimes B^\top", True),
    (r"(B^\top \otimes A) \mathrm{vec}(M)" "\n" r"= \mathrm{vec}(A M B)", True),
    (r"A \otimes B" "\n" r"= B \otimes A", False),
    (r"(A \otimes B)^\top" "\n" r"= B^\top \otimes A^\top", False),
    (r"\mathrm{tr}((A A^\top) \otimes (B B^\top))" "\n" r"= \mathrm{tr}(A A^\top) + "
     r"\mathrm{tr}(B B^\top)", False),
])
def test_kronecker_identities(step, right):
    assert (complaints(f"{MATRICES}\nclaim: {step}") == []) is right


@pytest.mark.parametrize("formula, words", [
    (r"v \otimes u", r"write u v^\top for the outer product"),
    (r"A \otimes C D", "how far"), (r"A C \otimes D", "how far"), (r"2 A \otimes C", "how far"),
    (r"A \odot A \otimes C", "how far"), (r"A \otimes C \odot A", "how far"),
    (r"A \otimes I", "write I_n"), (r"2 \otimes A", "between matrices"),
])
def test_kronecker_refusals(formula, words):
    found = complaints(f"{MATRICES}\nclaim: {formula}\n= {formula} + 0")
    assert found and words in found[0], found


def test_what_the_message_for_two_columns_says_is_accepted():
    step = r"\mathrm{vec}(u v^\top)" "\n" r"= (v \otimes I_n) u"
    assert complaints(f"{MATRICES}\nclaim: {step}") == []


# ---- what everybody types ----------------------------------------------------------------

TYPED = (r"let: a \in \mathbb R; \hat y, x \in \mathbb R^n; W \in \mathbb{R}^{m\times n}; "
         r"T \in \mathbb{R}^{m\times n\times k}; A \in \mathbb{S}^n_{++}; "
         r"i \in \{1,\ldots,m\}; j \in \{1,\ldots,n\}")


@pytest.mark.parametrize("typed, braced", [
    (r"\frac12 a", r"\frac{1}{2} a"), (r"\tfrac12 a", r"0.5 a"), (r"\frac1n x", r"\frac{1}{n} x"),
    (r"\frac a2", r"\frac{a}{2}"), (r"\frac1{12} a", r"\frac{1}{12} a"), (r"\sqrt2", r"\sqrt{2}"),
    (r"\binom42 a", "6 a"),
    (r"\hat y_j", r"\hat{y}_j"), (r"\mathbf 1^\top x", r"\mathbf{1}^\top x"),
    (r"\sum_{ij} W_{ij}", r"\sum_{i'=1}^m \sum_{j'=1}^n W_{i'j'}"),
    (r"\sum_{ijk} T_{ijk}", r"\sum_{i',j',k'} T_{i'j'k'}"),
    (r"W_{i1}", r"W_{i,1}"), (r"W_{1j}", r"W_{1,j}"), (r"W_{12}", r"W_{1,2}"),
    (r"T_{i12}", r"T_{i,1,2}"), (r"x_{12-11}", r"x_1"),
    (r"\tanh(x)^{\odot 2}", r"(\tanh x)^{\odot 2}"), (r"\tanh^2(x)", r"(\tanh x) \odot (\tanh x)"),
    (r"[x^\top x]", r"x^\top x"),
])
def test_what_tex_reads_without_braces(typed, braced):
    for left, right in ((typed, braced), (braced, typed)):
        assert complaints(f"{TYPED}\nclaim: {left} + {left}\n= 2 \\cdot {right}") == []
        assert complaints(f"{TYPED}\nclaim: {left} + {left}\n= 3 \\cdot {right}") != []


@pytest.mark.parametrize("typed, advice", [
    (r"\frac123 a", r"{23}"), (r"\hat\mathbf{x}", "in braces"), (r"\sqrt12", "{12}"),
    (r"A^2_{ij}", r"(A^{2})_{ij} or A_{ij}^{2}"), (r"A^{-1}_{ij}", r"(A^{-1})_{ij}"),
    (r"P_{i1}", r"_{i,1}"), (r"P_{1j}", "apart by commas"),
    (r"\tanh^2(A)", r"\tanh(…)^{\odot 2}"), (r"s(A)", "elementwise"), (r"g(A)", "elementwise"),
])
def test_what_is_read_in_two_ways_is_refused(typed, advice):
    more = "\n".join([r"def: P = 2 A", r"def: s(u) = u^3", r"code: s(u) == u**3",
                      r"def: g(u) = u \exp(2 - u) u", r"code: g(u) == u**2 * torch.exp(2 - u)"])
    found = complaints(f"{TYPED.replace('m}', 'n}')}\n{more}\nclaim: {typed}\n= 0 + {typed}")
    assert found and advice in found[0], found


@pytest.mark.parametrize("step", [
    r"(A^{2})_{ij}" "\n" r"= \sum_k A_{ik} A_{kj}", r"A_{ij}^{2}" "\n" "= A_{ij} A_{ij}",
    r"(A A^{-1})_{ij}" "\n" r"= \sum_k A_{ik} (A^{-1})_{kj}", "P_{i,1}\n= 2 A_{i1}",
    r"\tanh(A)^{\odot 2}" "\n" r"= \tanh(A) \odot \tanh(A)",
    r"(\tanh(A))^2" "\n" r"= \tanh(A) \tanh(A)", "s(A)\n= A \\odot A \\odot A",
    r"q(A)" "\n" r"= A^\top A",
])
def test_what_the_advice_says_is_accepted(step):
    more = "\n".join([r"def: P = 2 A", r"def: s(u) = u^{\odot 3}", r"code: s(x) == x**3",
                      r"def: q(u) = u^\top u", r"code: q(x) == x @ x"])
    declared = TYPED.replace(r"i \in \{1,\ldots,m\}", r"i \in \{1,\ldots,n\}")
    assert complaints(f"{declared}\n{more}\nclaim: {step}") == []


# ---- integrals ---------------------------------------------------------------------------

NUMBERS = (r"let: a, b \in \mathbb{R}; v, c \in \mathbb{R}_{>0}; s \in (1,3)" "\n"
           r"fun: f : \mathbb{R} \to \mathbb{R}")


@pytest.mark.parametrize("formula, function, ends", [
    (r"\int_a^b e^{-c x^2} \cos x \, \mathrm{d}x",
     lambda x, q: np.exp(-q["c"] * x**2) * np.cos(x), "ab"),
    (r"\int_{-\infty}^{+\infty} \frac{e^{-x}}{(1+e^{-x})^2} \, dx",
     lambda x, q: 0.25 / np.cosh(x / 2)**2, (-40, 40)),
    (r"\int_0^\infty x^{s-1} e^{-x} \, \mathrm{d}x",
     lambda x, q: x**(q["s"] - 1) * np.exp(-x), (0, np.inf)),
    (r"\int_{-1}^2 |x - a| \, \mathrm{d}x", lambda x, q: abs(x - q["a"]), (-1, 2)),
    (r"\int_0^1 \log x \, \mathrm{d}x", lambda x, q: np.log(x), (0, 1)),
    (r"\int_{\mathbb{R}_{>0}} e^{-c x} \, \mathrm{d}x", lambda x, q: np.exp(-q["c"] * x),
     (0, np.inf)),
    (r"\int_{(0,1)} \max(x^2, 1 - x) \, \mathrm{d}x", lambda x, q: max(x * x, 1 - x), (0, 1)),
])
def test_integrals_agree_with_another_quadrature(formula, function, ends):
    for seed in range(4):
        value, at = drawn(NUMBERS, formula, seed)
        low, high = (at[x] if isinstance(x, str) else x for x in ends)
        inner = [p for p in (float(at["a"]), (5**0.5 - 1) / 2) if low < p < high]
        points = {} if np.isinf([low, high]).any() else {"points": inner}
        wanted, _ = integrate.quad(function, low, high, args=(at,), epsabs=0, epsrel=1e-12,
                                   limit=400, **points)
        assert float(value) == pytest.approx(wanted, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("left, right, wrong", [
    (r"\int_{-\infty}^{\infty} e^{-\frac{x^2}{2v}} \, \mathrm{d}x", r"\sqrt{2 \pi v}",
     r"\sqrt{\pi v}"),
    (r"\int_{\mathbb{R}} x^2 \mathcal{N}(x; a, v) \, dx", "a^2 + v", "a^2 + v^2"),
    (r"\frac{\partial}{\partial c} \int_0^\infty e^{-c x} \, \mathrm{d}x", r"-\frac{1}{c^2}",
     r"\frac{1}{c^2}"),
    (r"\frac{\partial^2}{\partial c^2} \int_0^\infty e^{-c x} \, \mathrm{d}x", r"\frac{2}{c^3}",
     r"\frac{1}{c^3}"),
    (r"\frac{\partial}{\partial b} \int_a^b f(x) \, \mathrm{d}x", "f(b)", "f(b) - f(a)"),
    (r"\int_a^b f'(x) \, \mathrm{d}x", "f(b) - f(a)", "f(b) + f(a)"),
    (r"\int_0^1 (1-x)^{v-1} \, \mathrm{d}x", r"\frac1v", r"\frac{1}{v^2}"),
    (r"\int_0^b |x - a| \, \mathrm{d}x", r"\frac12 (|a| a + |b-a| (b-a))", r"\frac12 (b^2 - 2ab)"),
    (r"\int_{-\infty}^\infty \max(0, x) \mathcal{N}(x; 0, v) \, dx", r"\sqrt{\frac{v}{2\pi}}",
     r"\sqrt{\frac{v}{\pi}}"),
    (r"\int_0^1 \int_0^1 a \, x \, \mathrm{d}x \, y \, \mathrm{d}y", r"\frac14 a", r"\frac12 a"),
])
def test_integrals_and_false_neighbours(left, right, wrong):
    assert complaints(f"{NUMBERS}\nclaim: {left}\n= {right}") == []
    assert complaints(f"{NUMBERS}\nclaim: {left}\n= {wrong}")


@pytest.mark.parametrize("formula, words", [
    (r"\int_1^\infty \frac{c}{x} \, \mathrm{d}x", "does not exist"),
    (r"\int_0^1 \frac{c}{x} \, \mathrm{d}x", "does not exist"),
    (r"\int_0^1 \frac{c}{1-x} \, \mathrm{d}x", "does not exist"),
    (r"\int_0^\infty c \sin x \, \mathrm{d}x", "an integral"),
    (r"\int c x \, \mathrm{d}x", "has ends"), (r"\int_0^1 c x", r"ends with its variable"),
    (r"\frac{\partial}{\partial a} \int_0^1 |x - a| \, \mathrm{d}x", "kinks or jumps"),
    (r"\frac{\partial}{\partial a} \int_0^1 \mathbb{1}[x < a] \, \mathrm{d}x", "kinks or jumps"),
    (r"\int_0^1 \int_0^x c e^y \, \mathrm{d}y \, \mathrm{d}x", "one dimension"),
    (r"\int_0^1 c x \, \mathrm{d}x^2", "parentheses"), (r"\int_0^1 c \, \mathrm{d}x", "not used"),
])
def test_integrals_that_are_refused(formula, words):
    found = complaints(f"{NUMBERS}\nclaim: {formula}\n= 0 + {formula}")
    assert found and words in found[0], found


# ---- the gamma function, eigenvalues -----------------------------------------------------

WIDER = (r"let: a, b \in \mathbb{R}_{>0}; k \in \mathbb{N}; A, C \in \mathbb{S}^n; "
         r"B \in \mathbb{S}^n_{++}; W \in \mathbb{R}^{m\times n}; x \in \mathbb{R}^n")


@pytest.mark.parametrize("formula, oracle", [
    (r"\Gamma(a)", lambda q: scipy.special.gamma(q["a"])),
    (r"\mathrm{B}(a, b)", lambda q: scipy.special.beta(q["a"], q["b"])),
    (r"\psi(a)", lambda q: scipy.special.digamma(q["a"])),
    (r"(k + 2)!", lambda q: math.factorial(int(q["k"]) + 2)),
    (r"\lambda_{\max}(A)", lambda q: np.linalg.eigvalsh(q["A"])[-1]),
    (r"\lambda_{\mathrm{min}}(A)", lambda q: np.linalg.eigvalsh(q["A"])[0]),
    (r"\lambda_2(A)", lambda q: np.linalg.eigvalsh(q["A"])[-2]),
    (r"\sigma_{\max}(W)", lambda q: np.linalg.norm(q["W"], 2)),
    (r"\|W\|_2", lambda q: np.linalg.norm(q["W"], 2)),
    (r"\|W\|_*", lambda q: np.linalg.norm(q["W"], "nuc")),
    (r"\mathrm{rank}(x x^\top)", lambda q: 1),
])
def test_values_against_an_oracle(formula, oracle):
    for seed in range(4):
        value, at = drawn(WIDER, formula, seed)
        assert float(value) == pytest.approx(float(oracle(at)), rel=1e-12)


@pytest.mark.parametrize("left, right, wrong", [
    (r"\Gamma(a + 1)", r"= a \Gamma(a)", r"= (a + 1) \Gamma(a)"),
    (r"\Gamma(k + 1)", "= k!", "= (k + 1)!"),
    (r"\mathrm{B}(a, b)", r"= \frac{\Gamma(a) \Gamma(b)}{\Gamma(a + b)}",
     r"= \frac{\Gamma(a) \Gamma(b)}{\Gamma(a + b + 1)}"),
    (r"\frac{\partial}{\partial a} \log\Gamma(a)", r"= \psi(a)", r"= \psi(a + 1)"),
    (r"\int_0^1 u^{a-1} (1-u)^{b-1} \, \mathrm{d}u", r"= \mathrm{B}(a, b)",
     r"= \mathrm{B}(a, b + 1)"),
    (r"\frac{x^\top A x}{x^\top x}", r"\le \lambda_{\max}(A)", r"\le \lambda_2(A)"),
    (r"\sum_{i=1}^n \lambda_i(A)", r"= \mathrm{tr}(A)", r"= \mathrm{tr}(A^2)"),
    (r"\|W\|_2^2", r"= \lambda_{\max}(W^\top W)", r"= \lambda_{\max}(W^\top W)^2"),
    (r"\|W x\|", r"\le \|W\|_2 \|x\|", r"\le \sigma_2(W) \|x\|"),
    (r"\|W\|_*", r"\ge \|W\|_F", r"\le \|W\|_F"),
    (r"W^\top W", r"\succeq 0", r"\succ 0"), (r"A^2 + C^2", r"\succeq 0", r"\succeq A"),
    (r"A", r"\preceq \lambda_{\max}(A) I", r"\prec \lambda_2(A) I"),
    (r"B", r"\succ 0", r"\succ I"), (r"(A + C)^2", r"\preceq 2 A^2 + 2 C^2", r"\preceq A^2 + C^2"),
    (r"(B + A^2)^{-1}", r"\preceq B^{-1}", r"\succeq B^{-1}"),
    (r"(B + A^2)^3", r"\succ 0", r"\succeq B^3"),
])
def test_gamma_and_matrices_and_false_neighbours(left, right, wrong):
    assert complaints(f"{WIDER}\nclaim: {left}\n{right}") == []
    assert complaints(f"{WIDER}\nclaim: {left}\n{wrong}")


@pytest.mark.parametrize("step, words", [
    (r"a!", "whole number"), (r"k!!", "double"), (r"k^2!", "parentheses"),
    (r"\lambda_{\max}(B A)", "not symmetric"), (r"\lambda_{\max}(W)", "eigenvalues of a "),
    (r"\|W\|", r"\|W\|_F"), (r"\lambda_9(A)", "eigenvalue 9"), (r"\Gamma(a, b)", "one argument"),
    (r"\mathrm{B}(a, b, a)", "2 arguments"), (r"\Gamma a", "not declared"),
])
def test_gamma_and_matrices_that_are_refused(step, words):
    found = complaints(f"{WIDER}\nclaim: {step}\n= 0 + {step}")
    assert found and words.replace(r"\|W\|_F", r"\|A\|_F") in found[0], found


def test_a_declared_letter_comes_first():
    declared = (r"let: \Gamma, \lambda, \sigma \in \mathbb{R}; x \in \mathbb{R}^n; "
                r"B \in \mathbb{R}^{n\times n}; A \in \mathbb{S}^n")
    assert complaints(f"{declared}\nclaim: \\Gamma (\\lambda + 1) B x\n"
                      r"= \Gamma \lambda B x + \Gamma B x") == []
    assert complaints(f"{declared}\nclaim: \\lambda \\lambda_{{\\max}}(A)\n"
                      r"= \lambda \, \lambda_1(A)") != []


# ---- what is proportional ----------------------------------------------------------------

DENSITY = r"let: \theta, x \in \mathbb{R}; v \in \mathbb{R}_{>0}" "\npmf: p(y,z)"


@pytest.mark.parametrize("claim, right", [
    (r"p(z\mid y)" "\n" r"\propto p(y\mid z) p(z)" "\n= p(y, z)", True),
    (r"p(z\mid y)" "\n" r"\propto p(y\mid z)", False),
    (r"p(z\mid y)" "\n" r"\propto p(z)", False),
    (r"p(z\mid y)" "\n" r"\propto -p(y, z)", False),
    (r"p(z\mid y)" "\n" r"\propto_y p(y, z)", False),
    (r"\mathcal{N}(x; \theta, v)" "\n" r"\propto_\theta e^{-\frac{(x-\theta)^2}{2v}}" "\n"
     r"\propto e^{\frac{x \theta}{v} - \frac{\theta^2}{2v}}", True),
    (r"\mathcal{N}(x; \theta, v)" "\n" r"\propto_{\theta,x} e^{-\frac{(x-\theta)^2}{2v}}", True),
    (r"\mathcal{N}(x; \theta, v)" "\n"
     r"\propto_{\theta,x} e^{\frac{x \theta}{v} - \frac{\theta^2}{2v}}", False),
    (r"\mathcal{N}(x; \theta, v)" "\n" r"\propto_v e^{-\frac{(x-\theta)^2}{2v}}", False),
])
def test_proportional(claim, right):
    assert (complaints(f"{DENSITY}\nclaim: {claim}") == []) is right


def test_in_what_is_asked_for():
    found = complaints(f"{DENSITY}\nclaim: \\mathcal{{N}}(x; \\theta, v)\n\\propto e^{{x}}")
    assert r"write \propto_z" in found[0]


# ---- limits, infinite sums, minima -------------------------------------------------------

ENDLESS = (r"let: a, w \in \mathbb{R}; c \in \mathbb{R}_{>0}; g \in (0,1); X \in "
           r"\mathbb{R}^{n\times d}; y \in \mathbb{R}^n; v, z \in \mathbb{R}^d; "
           r"A \in \mathbb{S}^d_{++}; k \in \{1,\ldots,d\}")


@pytest.mark.parametrize("left, right, wrong", [
    (r"\sum_{t=0}^{\infty} a g^t", r"\frac{a}{1-g}", r"\frac{a}{1+g}"),
    (r"\sum_{t=1}^{\infty} t g^t", r"\frac{g}{(1-g)^2}", r"\frac{1}{(1-g)^2}"),
    (r"\sum_{t=0}^\infty \frac{c^t}{t!}", "e^c", "e^c - 1"),
    (r"\sum_{t=1}^\infty \frac{a}{t^2}", r"a \frac{\pi^2}{6}", r"a \frac{\pi^2}{8}"),
    (r"\sum_{t=1}^\infty \frac{(-1)^{t+1} a}{t}", r"a \log 2", r"a"),
    (r"\frac{\partial}{\partial g} \sum_{t=0}^\infty g^t", r"\frac{1}{(1-g)^2}",
     r"\frac{1}{1-g}"),
    (r"\lim_{t\to\infty} \left(1 + \frac{c}{t}\right)^t", "e^c", "1 + c"),
    (r"\lim_{t\to 0} \frac{\sin(a t)}{t}", "a", "1"),
    (r"\arg\min_v \left( \|X v - y\|^2 + c \|v\|^2 \right)",
     r"(X^\top X + c I)^{-1} X^\top y", r"(X^\top X - c I)^{-1} X^\top y"),
    (r"\min_v \left( v^\top A v - 2 z^\top v \right)", r"-z^\top A^{-1} z", r"-2 z^\top A^{-1} z"),
    (r"\operatorname{argmax}_{u\in\mathbb{R}_{>0}} (c \log u - u)", "c", r"\frac1c"),
    (r"\max_{u\in\mathbb{R}} (2 a u - c u^2)", r"\frac{a^2}{c}", r"a^2 c"),
    (r"\frac{\partial}{\partial a} \arg\min_w (c w^2 - 2 a w)", r"\frac1c", r"\frac{2}{c}"),
    (r"\frac{\partial^2}{\partial a^2} \min_w (c w^2 - 2 a w)", r"-\frac2c", r"-\frac{1}{c}"),
    (r"z_{\arg\max_{i\in\{1,\ldots,d\}} z_i}", r"\max_i z_i", r"\min_i z_i"),
])
def test_endless_things_and_false_neighbours(left, right, wrong):
    assert complaints(f"{ENDLESS}\nclaim: {left}\n= {right}") == []
    assert complaints(f"{ENDLESS}\nclaim: {left}\n= {wrong}")


@pytest.mark.parametrize("formula, words", [
    (r"\sum_{t=1}^\infty \frac{c}{t}", "is not found"),
    (r"\sum_{t=0}^\infty (-1)^t c", "not found"),
    (r"\sum_{t=0}^\infty c (1 + g)^t", "not found"),
    (r"\lim_{t\to 0} \frac{c |t|}{t}", "not found"),
    (r"\lim_{t\to\infty} c \cos t", "not found"), (r"\prod_{t=1}^\infty c^t", "one index"),
    (r"\min_w c w", "no place is found"), (r"\arg\min_w (w^2 - c)^2", "different places"),
    (r"\arg\min_v c \|X v - y\|_1", "kink"), (r"\arg\min_v \|X v - y\|^2 c", "so that the place"),
    (r"\arg\max_{t\in\{0,1\}} c (t - \frac12)^2", "a tie"), (r"\arg c", r"\arg stands before"),
    (r"\lim c", r"write \lim"), (r"\sum_{t=1}^\infty c", "not used"),
])
def test_endless_things_that_are_refused(formula, words):
    more = "assume: n < d\n" if "X" in formula else ""
    found = complaints(f"{ENDLESS}\n{more}claim: {formula}\n= 1 + c")
    assert found and words in found[0], found


# ---- domains, equalities, anchors --------------------------------------------------------

MANIFOLD = (r"let: V \in \mathrm{St}(n, k); u \in \mathbb{S}^{n-1}; A \in \mathbb{S}^n; "
            r"z \in \mathbb{R}^k")
ASSUMED = (r"let: V \in \mathbb{R}^{n\times k}; u \in \mathbb{R}^n; A \in \mathbb{S}^n; "
           r"z \in \mathbb{R}^k; q \in \mathbb{R}_{>0}^k" "\n"
           r"assume: V^\top V = I, \|u\| = 1, \mathbf{1}^\top q = 1")


@pytest.mark.parametrize("declared", [MANIFOLD, ASSUMED], ids=["domains", "assumptions"])
@pytest.mark.parametrize("step, right", [
    (r"\|V z\|" "\n" r"= \|z\|", True), (r"u^\top A u" "\n" r"\le \lambda_{\max}(A)", True),
    (r"(V V^\top)^2" "\n" r"= V V^\top", True), (r"V V^\top u" "\n" r"= u", False),
    (r"u^\top A u" "\n" r"\le \lambda_2(A)", False),
])
def test_matrices_and_vectors_of_a_kind(declared, step, right):
    assert (complaints(f"{declared}\nclaim: {step}") == []) is right


def test_another_equality_says_how_it_is_stated():
    claim = "claim: a^2 + b\n= a^2 + 1 - a"
    found = complaints("let: a, b \\in \\mathbb{R}\nassume: a + b = 1\n" + claim)
    assert "def: b = 1 - a" in found[0]
    assert complaints("let: a \\in \\mathbb{R}\ndef: b = 1 - a\n" + claim) == []


def test_an_anchor_names_its_argument_as_it_likes():
    block = "let: x \\in \\mathbb{R}\ndef: s(u) = \\frac{1}{1 + e^{-u}}\ncode: s(a) == {}\n" \
            "claim: s(x)\n= 1 - s(-x)"
    assert complaints(block.replace("{}", "torch.sigmoid(a)")) == []
    assert complaints(block.replace("{}", "torch.tanh(a)"))
