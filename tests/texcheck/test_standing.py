"""Names that pretend: known quantities that nothing computes, built-in names with another meaning,
and primes that are no derivatives."""

import pytest
import texcheck


def messages(text, title=""):
    block = texcheck.read_block(text, title=title)
    return [e.message for e in texcheck.check(block).errors]


DIVERGENCE = "\\sum_{k=1}^K q_k \\log \\frac{s_k}{q_k}"


@pytest.mark.parametrize("name", [
    "D_{KL}", "D_{\\mathrm{KL}}", "\\mathrm{D}_{KL}", "d_{JS}", "\\mathrm{JSD}",
    "\\mathcal{L}_{ELBO}",
    "L_{MSE}", "\\ell_{CE}", "\\operatorname{KL}", "\\mathrm{H}", "E_{RMSE}"])
def test_a_known_quantity_however_it_is_spelled(name):
    block = f"let: q, s \\in \\Delta^K\ndef: {name} = {DIVERGENCE}\n@claim: {name}\n\\le 0"
    assert any("claims to be a known quantity" in m for m in messages(block.replace("@", "")))
    tied = block.replace("@", f"code: {name} == -torch.nn.functional.kl_div(s.log(), q, "
                              "reduction='sum')\n")
    assert not any("known quantity" in m for m in messages(tied))


@pytest.mark.parametrize("title, known", [
    ("F1 score of a classifier", True), ("The F1 score of a classifier", True),
    ("Entropy of a coin, in bits", True), ("Hinge loss of a margin", True),
    ("Perplexity of a language model", True), ("Gradient of the hinge loss", False),
    ("Bound of the F1 score", False), ("Variance of a sum", False),
    ("Derivative of the entropy", False),
    ("Minimum of the cross-entropy", False)])
def test_a_title_that_speaks_of_a_known_quantity_of_something(title, known):
    block = "let: p, r \\in (0,1)\ndef: F_1 = \\frac{p + r}{2}\nclaim: F_1\n\\ge \\sqrt{p r}"
    assert any("known quantity" in m for m in messages(block, title)) == known


@pytest.mark.parametrize("name, wrong, right, library", [
    ("\\mathrm{erf}", "\\tanh(1.1 u)", None, "torch.tanh(1.1 * u)"),
    ("\\mathrm{sigmoid}", "\\frac{1}{1 + e^{-2 u}}", "\\frac{1}{1 + e^{-u}}",
    "torch.sigmoid(2 * u)"),
    ("\\mathrm{ReLU}", "\\max(0, u - 1)", None, "torch.clamp(u - 1, min=0)"),
])
def test_a_built_in_name_keeps_its_meaning(name, wrong, right, library):
    word = name.strip("\\}").replace("mathrm{", "").lower()
    block = ("let: a \\in \\mathbb{R}\ndef: @(u) = #\ncode: @(u) == %\n"
             "claim: @(a) + a\n= a + @(a)")
    found = messages(block.replace("@", name).replace("#", wrong).replace(
        "%", library.replace("torch.sigmoid", "torch.special.expit")))
    assert any("has a meaning" in m for m in found), found
    if right is not None:
        found = messages(block.replace("@", name).replace("#", right).replace(
            "%", f"torch.{word}(u)"))
        assert not any("has a meaning" in m for m in found)


@pytest.mark.parametrize("name", ["y", "L", "\\theta"])
def test_a_prime_beside_a_definition_reads_as_its_derivative(name):
    block = f"let: x \\in \\mathbb{{R}}\ndef: {name} = x^3\ndef: @ = 2 x^2\nclaim: x @\n= 2 {name}"
    assert any("reads as its derivative" in m for m in messages(block.replace("@", f"{name}'")))
    assert not messages(block.replace("@", f"{name}_{{\\mathrm{{new}}}}"))


def test_a_prime_beside_a_symbol_is_another_one():
    assert not messages("let: x \\in \\mathbb{R}\ndef: h = x^3\ndef: h' = \\tanh(h) + h\n"
                        "claim: h' - \\tanh(h)\n= x^3")
    assert not messages("let: x, w \\in \\mathbb{R}\ndef: w' = w - x\nclaim: w' + x\n= w")
