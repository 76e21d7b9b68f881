"""Names: what is bound is bound lexically, and a script is never taken for less than it shows."""

import pytest
import texcheck
from hypothesis import given, settings
from hypothesis import strategies as st


def errors(text):
    report = texcheck.check(texcheck.read_block(text, label="der-scope"))
    return [str(e) for e in report.errors if e.kind != "texcheck.lint"]


# ---- A letter that a sum binds is that sum's, whatever else is called so -----------------

LETTERS = ("i", "j", "k", "l")
SUMS = st.recursive(
    st.sampled_from(["W_{%s%s}", "x_%s", r"\delta_{%s%s}"]),
    lambda inner: st.tuples(st.sampled_from(["n", "outer"]), st.sampled_from(["upper", "lower"]),
                            inner), max_leaves=1)


def nested(shape, letters, bound=()):
    """TeX of nested sums; the ends of an inner one may be an outer index."""
    if isinstance(shape, str):
        own = (*bound, *bound)
        return shape % tuple(own[:shape.count("%s")]) if own else "x_1"
    how, side, inner = shape
    letter = letters[len(bound)]
    low, high = "1", "n"
    if how == "outer" and bound:
        low, high = (bound[-1], "n") if side == "lower" else ("1", bound[-1])
    body = nested(inner, letters, (letter, *bound)[:2])
    used = letter if letter not in body else ""
    return rf"\sum_{{{letter}={low}}}^{{{high}}} {used and f'x_{letter}'} {body}"


DECLARED = r"""let: W \in \mathbb{R}^{n\times n}; x \in \mathbb{R}^n
let: i, j, k, l \in \{1,\ldots,n\}
"""


@given(SUMS.filter(lambda s: not isinstance(s, str)))
@settings(max_examples=25, deadline=None)
def test_a_sum_means_the_same_with_other_letters(shape):
    """The letters of one side are declared, those of the other are not."""
    ours = nested(shape, LETTERS)
    other = nested(shape, ("r", "s", "u", "v"))
    claim = f"claim: 1 + {ours}\n= 1 + {other}"
    unused = [e for e in errors(DECLARED + claim) if "parse alike" not in e]
    assert unused == []
    wrong = f"claim: 1 + {ours}\n= 1.01 + {other}"
    assert any("differ" in e for e in errors(DECLARED + wrong))


@pytest.mark.parametrize("claim", [
    "\\sum_{i=1}^n x_i\n= n x_i",
    "x_i\n= \\sum_{i=1}^n \\frac{x_i}{n}",
    "\\mathbb{E}_{i\\sim q}[x_i] + x_i\n= x_i",
])
def test_a_letter_that_is_bound_and_free_is_refused(claim):
    text = DECLARED + "let: q \\in \\Delta^n\nclaim: " + claim
    assert any("other letter" in e or "another letter" in e for e in errors(text))


# ---- A letter in the scripts of something arbitrary is an argument of it -----------------

ARBITRARY = [
    (r"fun: f_%s : \mathbb{R} \to \mathbb{R}", r"f_%s(x)"),
    (r"fun: f_{%s} : \mathbb{R}^n \to \mathbb{R}^m", r"f_{%s}(z)_1"),
    (r"pmf: q_%s(y)", r"q_%s(y)"),
    (r"pmf: q_%s(y\mid u)", r"q_%s(y\mid u)"),
    (r"pmf: q^{%s}(y, u)", r"q^{%s}(y, u)"),
]
SPACES = {r"\theta": r"\mathbb{R}", r"\phi": r"\mathbb{R}^d", "w": r"\mathbb{R}_{>0}",
          r"\Phi": r"\mathbb{R}^{d\times d}"}


@pytest.mark.parametrize("letter", SPACES)
@pytest.mark.parametrize("declaration, use", ARBITRARY)
def test_what_is_arbitrary_moves_with_the_letters_in_its_scripts(declaration, use, letter):
    use = use % letter
    head = (rf"let: {letter} \in {SPACES[letter]}; x \in \mathbb{{R}}; z \in \mathbb{{R}}^n" + "\n"
            + declaration % letter + "\n")
    chain = rf"claim: \nabla_{{{letter}}} ({use})^2" + "\n" + (
        rf"= 2 {use} \nabla_{{{letter}}} ({use})")
    assert errors(head + chain) == []
    assert errors(head + rf"claim: \nabla_{{{letter}}} ({use})" + "\n= 0")


def test_a_table_with_letters_below_stays_a_table():
    head = "let: \\phi \\in \\mathbb{R}^d\npmf: q_\\phi(y\\mid u)\n"
    assert errors(head + "claim: \\sum_y q_\\phi(y\\mid u)\n= 1") == []


# ---- A script that is only a part of the name is refused where it would be more ----------

NAMES = [(r"\mu_%s \in \mathbb{R}", r"\mu_%s"), (r"h^{(%s)} \in \mathbb{R}", r"h^{(%s)}"),
         (r"z_{%s} \in \mathbb{R}^m", r"z_{%s}^\top z_{%s}")]
BINDERS = [r"\sum_{k=1}^n \pi_k NAME", r"\prod_{k=1}^n (\pi_k + NAME)", r"\max_k (\pi_k NAME)",
           r"\mathbb{E}_{k\sim\pi}[\pi_k NAME]", r"\sum_k \pi_k (1 + NAME)^2"]


@pytest.mark.parametrize("declared, name", NAMES)
@pytest.mark.parametrize("binder", BINDERS)
def test_a_spelled_letter_is_not_bound(declared, name, binder):
    declared = declared.replace("%s", "k")
    formula = binder.replace("NAME", name.replace("%s", "k"))
    found = errors(f"let: \\pi \\in \\Delta^n; {declared}\nclaim: {formula}\n= 2 ({formula}) - 3")
    assert any("is bound here" in e and "upright" in e for e in found), found


@pytest.mark.parametrize("line", [
    r"def: s_k = \pi_k \mu_k", r"def: f(k) = k \mu_k"])
def test_nor_by_a_definition(line):
    found = errors(f"let: \\pi \\in \\Delta^n; \\mu_k \\in \\mathbb{{R}}\n{line}\n"
                   "claim: 2 \\mu_k\n= \\mu_k + \\mu_k")
    assert any("is bound here" in e for e in found)


def test_an_upright_label_is_a_label():
    text = ("let: \\pi \\in \\Delta^n; \\mu_{\\mathrm{k}} \\in \\mathbb{R}\n"
            "claim: \\sum_k \\pi_k \\mu_{\\mathrm{k}}\n= \\mu_{\\mathrm{k}}")
    assert errors(text) == []


@pytest.mark.parametrize("declared", [r"V_\theta \in \mathbb{R}", r"V^{\theta} \in \mathbb{R}",
                                      r"V_{\theta,1} \in \mathbb{R}^m"])
def test_a_symbol_does_not_move_with_the_letter_in_its_scripts(declared):
    name = declared.split(r" \in")[0]
    body = rf"(\theta^\top \theta + {name}^\top {name})"
    if "^m" not in declared:
        body = rf"(\theta^\top \theta + {name})"
    text = (rf"let: \theta \in \mathbb{{R}}^K; {declared}" + "\n"
            + rf"claim: \nabla_\theta {body}" + "\n" + r"= 2 \theta")
    assert any("does not move with" in e for e in errors(text))


def test_a_range_at_the_end_of_a_line_is_that_of_every_sequence_on_it():
    text = ("let: x_n \\in \\mathbb{R}^D; z_n \\in (0,1); c \\in \\mathbb{R} "
            "\\quad (n=1,\\ldots,N)\nclaim: \\sum_{n=1}^N c z_n \\|x_n\\|^2\n")
    assert errors(text + "= c \\sum_{m=1}^N z_m x_m^\\top x_m") == []
    assert errors(text + "= c \\left(\\sum_{m=1}^N z_m\\right) \\|x_1\\|^2")


# ---- A scripted name beside its base -----------------------------------------------------

BESIDE = [
    (r"\sigma \in \mathbb{R}_{>0}; \sigma^2 \in \mathbb{R}_{>0}", r"\sigma", "power"),
    (r"\sigma^2 \in \mathbb{R}_{>0}; \sigma \in \mathbb{R}_{>0}", r"\sigma", "power"),
    (r"A \in \mathbb{R}^{n\times n}; A^{-1} \in \mathbb{R}^{n\times n}", r"\det(A)", "inverse"),
    (r"A \in \mathbb{R}^{n\times n}; A^\top \in \mathbb{R}^{n\times n}", r"\det(A)", "transpose"),
    (r"A^\top \in \mathbb{R}^{n\times m}", r"\|A^\top\|_F", "transpose"),
    (r"a \in \mathbb{R}; k \in \mathbb{N}; a^k \in \mathbb{R}", "a", "power"),
    (r"x \in \mathbb{R}^n; x_1 \in \mathbb{R}", "x_1", "entry"),
    (r"x \in \mathbb{R}^n; x_{2} \in \mathbb{R}^n", r"\|x\|", "entry"),
    (r"W \in \mathbb{R}^{n\times m}; i \in \{1,\ldots,n\}; j \in \{1,\ldots,m\}; "
     r"W_{ij} \in \mathbb{R}", r"\|W\|_F", "entry"),
    (r"x \in \mathbb{R}^n; i \in \{1,\ldots,n\}; x_i \in \mathbb{R}", r"\|x\|", "entry"),
]


@pytest.mark.parametrize("declared, use, what", BESIDE)
def test_a_scripted_name_beside_its_base_is_refused(declared, use, what):
    found = errors(f"let: {declared}\nclaim: 2 {use}\n= {use} + {use}")
    assert any(what in e for e in found), found


def test_a_primed_function_beside_it_is_its_derivative():
    text = ("let: x \\in \\mathbb{R}\nfun: f : \\mathbb{R} \\to \\mathbb{R}; "
            "f' : \\mathbb{R} \\to \\mathbb{R}\nclaim: 2 f(x)\n= f(x) + f(x)")
    assert any("derivative" in e for e in errors(text))


@pytest.mark.parametrize("declared", [
    r"x, x_0 \in \mathbb{R}", r"x \in \mathbb{R}^n; x_0 \in \mathbb{R}^n", r"x, x' \in \mathbb{R}",
    r"\sigma^2 \in \mathbb{R}_{>0}", r"w, w^* \in \mathbb{R}", r"W, W_f \in \mathbb{R}",
    r"x \in \mathbb{R}^n; x_{\mathrm{1}} \in \mathbb{R}^n"])
def test_names_that_mean_only_themselves(declared):
    text = f"let: {declared}; b \\in \\mathbb{{R}}\nclaim: 2 b\n= b + b"
    assert errors(text) == []


# ---- The place of a derivative -----------------------------------------------------------

DERIVATIVES = [r"\frac{\partial x^2}{\partial x}", r"\frac{\mathrm{d} x^2}{\mathrm{d} x}",
               r"\nabla_x x^2", r"\frac{\partial^2 x^3}{\partial x^2}"]
PLACES = ["(x_0)", "(0)", "(x_0 + 1)", "[x_0]", "(2 x_0)", r"\left(x_0\right)", "|_{x=x_0}"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("derivative", DERIVATIVES)
def test_parentheses_behind_a_derivative_are_refused(derivative, place):
    text = f"let: x, x_0 \\in \\mathbb{{R}}\nclaim: {derivative} {place}\n= 2 x x_0"
    found = errors(text)
    assert found and any(r"\cdot" in e or "parentheses" in e for e in found), found
