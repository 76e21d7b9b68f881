"""`code:` lines evaluate names of the packages and of torch, and nothing else."""

import pytest
import texcheck
from texcheck import anchor

HEAD = ("let: a \\in \\mathbb{R}; x \\in \\mathbb{R}^n; W \\in \\mathbb{R}^{m\\times n}; "
        "k \\in \\{1,\\ldots,n\\}; h_t \\in \\mathbb{R} \\quad (t=0,\\ldots,T)\n")
TAIL = "\nclaim: 2 (a + x_k + \\|W\\|_F + h_0)\n= (a + x_k + \\|W\\|_F + h_0) 2 \\cdot 1"


def errors(line):
    report = texcheck.check(texcheck.read_block(HEAD + line + TAIL.replace(" 2 \\cdot 1",
                                                                          " \\cdot 2")))
    return [e for e in report.errors if e.kind != "texcheck.lint"]


@pytest.mark.parametrize("line", [
    "code: W x == W @ x",
    "code: x^\\top W^\\top == (W @ x).T",
    "code: x_k == x[k - 1]",
    "code: \\sum_t h_t == h.sum()",
    "code: h_0 + h_T == h[0] + h[-1]",
    "code: \\frac{1}{n} \\sum_i x_i == x.mean()",
    "code: a^2 == torch.square(a)",
    "code: W^\\top == W.T",
    "code: \\max(0, a) == torch.where(a > 0, a, 0 * a)",
    "code: \\sum_i \\mathbb{1}[x_i \\le a] == (x <= a).sum()",
    "code: \\sum_i \\mathbb{1}[x_i > 0] == torch.sum(torch.where(x > 0, 1.0, 0.0))",
    "code: -\\log \\mathrm{softmax}(x)_k == torch.nn.functional.cross_entropy(x, k - 1)",
])
def test_allowed(line):
    assert [str(e) for e in errors(line)] == []


@pytest.mark.parametrize("python", [
    "__import__('os').system('true')", "open('/etc/passwd')", "().__class__", "a.__class__",
    "torch.load('x')", "torch.os.system('true')", "torch.utils.data", "eval('1')",
    "(lambda: 1)()", "[b for b in x]", "torch.hub.load('x')", "a if a else 1", "a := 1",
    "torch.serialization.os", "fullmarks.__loader__", "f'{a}'", "*x", "torch.sin(**{})",
    "numpy.sin(a)", "torch.rand(3)", "torch.set_num_threads(1)", "torch.nn.Module()",
    "torch.sin._x", "x.tofile('y')", "getattr(a, 'real')",
])
def test_refused(python):
    found = errors(f"code: a == {python}")
    assert [e.kind for e in found] == ["texcheck.code"]


def test_names():
    assert anchor.python_names(r"\hat{y}") == ["y_hat", "hat_y"]
    assert anchor.python_names(r"\lambda")[0] == "lambda_"
    assert anchor.python_names(r"W_{xh}") == ["W_xh"]
    assert anchor.python_names(r"\boldsymbol{\mu}") == ["mu"]


def test_a_wrong_shape_names_both():
    error, = errors("code: W x == x")
    assert "the left side has shape" in error.message


def test_an_unknown_name_names_the_nearest():
    error, = errors("code: x_k == xx[k - 1]")
    assert "xx" in error.message and error.column is not None


def test_a_message_of_torch_is_one_line():
    error, = errors("code: a == torch.linalg.inv(W)")
    assert "\n" not in error.message and error.kind == "texcheck.code"


@pytest.mark.parametrize("python", ["0 < a < 1", "a in x", "a != 0", "x == [1, 2]"])
def test_comparisons_that_are_refused(python):
    found = errors(f"code: a == {python}")
    assert [e.kind for e in found] == ["texcheck.code"]


def test_packages_belong_to_the_block():
    """Neither block changes what the other one may name."""
    text = "let: a \\in \\mathbb{R}\ncode: a == papers.nothing(a)\nclaim: 2a\n= a + a"
    refused = "the attribute .nothing is not allowed"
    for packages, said in [(("torch",), refused), (None, "papers has no nothing"),
                           (("torch",), refused)]:
        error, = texcheck.read_block(text, packages=packages).errors
        assert error.message.startswith(said)
