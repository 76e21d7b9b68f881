"""Each kind of mistake makes the mutants that people make, and its entries say of what."""

import re
from dataclasses import fields

import pytest
from test_registry import ENTRIES, EXAMPLES, block, faults, label
from texcheck.files import Derivation
from texcheck.grammar import Parser
from texcheck.manual import PREAMBLE
from texcheck.mistakes import KINDS
from texcheck.mutate import formulas, is_read, read
from texcheck.registry import Notation, kind, name_of
from texcheck.trees import binds, scoped

MADE = {
    "coefficient": {
        "2 a b": {"a b"},
        r"1 \cdot a": set(),
        r"\frac{1}{2} \|x\|^2": {r"\|x\|^2"},
        r"\frac{1}{n} \sum_k x_k": {r"\sum_k x_k"},
        r"\frac{a + b}{2 n}": {"(a + b)", r"\frac{a + b}{n}"},
        r"x^\top z / n": {r"(x^\top z)"},
        "a b": set(),
        r"\frac{1}{2}": set(),
    },
    "function": {
        r"\sqrt{a^2 + c}": {"(a^2 + c)", r"\sqrt{a + c}"},
        r"\left|a\right| + b^2": {"a + b^2", r"\left|a\right| + b"},
        r"\log c - \log(1 + c)": {r"c - \log(1 + c)", r"\log c - (1 + c)"},
        "e^{a + b}": {"(a + b)"},
        r"x^{\odot 2}": {"x"},
        r"\mathrm{ReLU}(W x)": {"(W x)"},
        r"\mathrm{tr}(A)": set(),
        r"\frac{a}{b}": set(),
    },
    "summand": {
        "a + b - c": {"b - c", "a - c", "a + b"},
        "-a - b": {"- b", "-a"},
        "0 + a": {"0"},
        r"\left(a + b\right) c - 1": {r"\left(b\right) c - 1", r"\left(a\right) c - 1", "- 1",
                                      r"\left(a + b\right) c"},
        r"\left(a\right) - \left(b\right)": {r"- \left(b\right)", r"\left(a\right)"},
        "a b": set(),
    },
    "factor": {
        "a b c": {"b c", "a c", "a b"},
        r"1 \cdot a": {"1"},
        r"x \odot z \odot x": {r"z \odot x", r"x \odot x", r"x \odot z"},
        r"\left(a + b\right) \cdot c": {"c", r"\left(a + b\right)"},
        r"-\sum_k a x_k": {r"-\sum_k x_k", r"-\sum_k a"},
        "a + b": set(),
    },
    "letter": {
        "x_i": {"z_i", "x_j"},
        r"q^\top s": {r"s^\top s", r"q^\top q"},
        "c": {"a", "b", "X", "Y", "B", "y", "w"},
        r"\sum_{k,l} A_{kl}": {rf"\sum_{{k,l}} A_{{{pair}}}"
                              for pair in ("ll", "il", "jl", "kk", "ki", "kj")},
        "n!": {"m!", "K!", "M!"},
        r"\phi(1)": set(),
    },
    "end": {
        r"\sum_{k=1}^n x_k": {r"\sum_{k=2}^n x_k", r"\sum_{k=0}^n x_k", r"\sum_{k=1}^{n + 1} x_k",
                              r"\sum_{k=1}^{n - 1} x_k"},
        r"\sum_{k=0}^\infty c^k": {r"\sum_{k=1}^\infty c^k", r"\sum_{k=-1}^\infty c^k"},
        r"\int_a^1 u^2 \, \mathrm{d}u": {
            r"\int_{a + 1}^1 u^2 \, \mathrm{d}u", r"\int_{a - 1}^1 u^2 \, \mathrm{d}u",
            r"\int_a^{2} u^2 \, \mathrm{d}u", r"\int_a^{0} u^2 \, \mathrm{d}u"},
        r"\sum_k x_k": set(),
    },
    "bracket": {
        "(a + b) c": {"(a ) + b c", "a + (b) c"},
        r"c \left(a - b\right)": {r"c \left(a \right) - b", r"c a -\left( b\right)"},
        r"\log(c) + a": {r"\log(c + a)"},
        r"a - b \left(c + 1\right)^2": {
            r"a - b \left(c \right) + 1^2", r"a - b c +\left( 1\right)^2"},
        "a - (b + c)": {"a - (b ) + c", "a - b +( c)", "(a - b + c)"},
        "e^{a + b} + c": {"e^{a } + b + c", "e^{a + b + c}"},
        r"\frac{a}{c} + b": {r"\frac{a}{c + b}"},
        r"\mathbb{E}[X + a]": {r"\mathbb{E}[X ] + a", r"\mathbb{E} X +[ a]"},
        "(a) b": set(),
    },
    "exchange": {
        r"\mathrm{KL}(q \,\|\, s)": {r"\mathrm{KL}(s \,\|\, q)"},
        r"D_{\mathrm{KL}}(\mathcal{N}(a, c) \| \mathcal{N}(0, 1))": {
            r"D_{\mathrm{KL}}(\mathcal{N}(0, 1) \| \mathcal{N}(a, c))"},
        r"\log \frac{c}{a + b}": {r"\log \frac{a + b}{c}"},
        r"\left(a\right) - b c": {r"b c - \left(a\right)"},
        "a + b": set(),
        "a - b - c": set(),
        r"(a - b)^2 + \left|a - c\right| + \|x - z\|": set(),
        r"(a - b)^{2 i} + (c (a - b))^4": set(),
        r"\left(\frac{a - b}{c}\right)^2": {r"\left(\frac{c}{a - b}\right)^2"},
        "(a - b)^3": {"(b - a)^3"},
        r"|(a - b) - c|": {"|(b - a) - c|"},
    },
}


def derivation(left):
    return Derivation("", "", f"{PREAMBLE}\nclaim: {left}\n= a", "page.md", 1)


def formula_of(left):
    found = derivation(left)
    return next(f for target, _, f in formulas(found, read(found, found.text, None))
                if target == "claim")


def test_every_kind_has_a_table_and_an_example():
    assert set(KINDS) == {"token", *MADE}
    assert all("becomes" in k.__doc__ for k in KINDS.values())


@pytest.mark.parametrize("kind, left", [(k, left) for k, rows in MADE.items() for left in rows])
def test_made(kind, left):
    """As the table says; none is the formula itself, and what was done is told of each."""
    formula = formula_of(left)
    made = list(KINDS[kind](formula))
    assert {squeezed(text) for _, text in made} == set(map(squeezed, MADE[kind][left]))
    assert squeezed(left) not in {squeezed(text) for _, text in made}
    assert all(change for change, _ in made)


def squeezed(text):
    return re.sub(r"\s+", "", text)


# ---- what the entries say ----------------------------------------------------------------

SAID = [(entry, what, kind) for entry in ENTRIES for what, kind in
        (("keeps", "function"), ("swaps", "exchange"), ("ends", "end"))
        if what in {f.name for f in fields(entry)}
        and getattr(entry, what) is not {f.name: f.default for f in fields(entry)}[what]]

TRUE = {r"\lim_{t\to 0} \frac{(a t)}{t}"}  # near 0 the sine of a number is the number


@pytest.mark.parametrize("entry, what, kind", SAID, ids=lambda x: x if isinstance(x, str)
                         else label(x))
def test_what_an_entry_is_mistaken_for_is_noticed(entry, what, kind):
    examples = [x for x in EXAMPLES if any(n.kind == entry.kind for n in formula_of(x).nodes())]
    made = [(x, text) for x in examples for _, text in KINDS[kind](formula_of(x))]
    read = [(x, text) for x, text in made if is_read(block(x, text))]
    assert read, "no example is mistaken for anything that is read"
    for example, text in read:
        if text.strip() not in TRUE:
            assert faults(block(example, text)), text


def test_the_entries_say_it_of_what_people_mistake():
    said = {(name_of(entry), what) for entry, what, _ in SAID}
    assert {("sqrt", "keeps"), ("fn", "keeps"), ("abs", "keeps"), ("pow", "keeps"),
            ("kl", "swaps"), ("div", "swaps"), ("bind", "ends"), ("integral", "ends")} <= said


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_node_stands_where_it_says(example):
    """What is cut from a line for a node reads as that node: the mutants stand on it."""
    formula = formula_of(example)
    program = block(example).program
    compared = 0
    for tree in formula.trees:
        read = set()  # \tanh^2(a), \log_2 c and h_1(a) are one text for two nodes: the outer one
        for node, bound in within(tree, ()):
            inside = node.kind in ("fn", "call") and (node.start, node.end) in read
            read.add((node.start, node.end))
            if inside or node.kind in ("sym", "rel", "member") or node.start == node.end or (
                    not isinstance(kind(node.kind), Notation)):
                continue  # and so is x_i
            tokens = [t for t in formula.tokens if node.start <= t.start < node.end]
            parser = Parser(formula.line, program.scope, tokens, bound=bound)
            assert parser.expr() == node, formula.of(node)
            parser.done()
            compared += 1
    assert compared or "_" not in example


def within(node, bound):
    """The nodes inside of a node, each with the letters that are bound around it."""
    yield node, bound
    outer, inner = scoped(node)
    for child in outer:
        yield from within(child, bound)
    for child in inner:
        yield from within(child, (*bound, *binds(node)))
