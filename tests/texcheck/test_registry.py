"""Every notation is read, shown, valued and mutated by its entry; a new one needs one file.

That each pair of `Entry.refused` is refused, and its replacement read, is tested by the page of the
syntax, whose lists are the entries' (test_syntax_page).
"""

import itertools
import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import toy
from registry_oracles import ORACLES
from texcheck import check, read_block
from texcheck.draw import draw_symbols
from texcheck.errors import Refused, Undefined
from texcheck.manual import PAGE, PREAMBLE, filled
from texcheck.registry import (
    Function,
    Infix,
    Notation,
    Part,
    Reduction,
    load,
    name_of,
    register,
    registered,
)
from texcheck.slips import changes
from texcheck.trees import Node, show, walk

ENTRIES = list(load().entries)
READ_AS = {"unit": "domain",  # the columns that a set is told by are not kept one by one
           "entries": "call"}  # they stand in a definition
EXAMPLES = list(dict.fromkeys(e for entry in ENTRIES for e in entry.examples))


def label(entry):
    return f"{type(entry).__name__}-{name_of(entry)}"


def block(left, right=None):
    """A block that claims two formulas equal; without a second, the first twice."""
    return read_block(f"{PREAMBLE}\nclaim: {left}\n= {left if right is None else right}")


def faults(found):
    """The first error of a block, letters that it does not need aside."""
    found.errors = [e for e in found.errors if e.kind != "texcheck.lint"]
    return check(found, first=True).errors


def letters(evaluator):
    """What a draw gives, as the oracles take it."""
    draw = evaluator.draw
    found = {k: x.detach().numpy() if isinstance(x, torch.Tensor) and x.dim() else float(x)
             for k, x in draw.values.items()}
    found |= {k: int(draw.values[k]) for k in ("i", "j", "y", "w")}
    (names, outcomes, weights), = [s for s in draw.samples if "X" in s[0]]
    assert set(names) == {"X", "Y"}
    phi = draw.functions[r"\phi"]
    return SimpleNamespace(
        **found, **draw.dims, g=np.array([float(x) for x in draw.families["g"].values()]),
        p=draw.tables["p"][0].numpy(), XY=np.array([float(w) for w in weights]),
        phi=lambda t: float(phi([torch.tensor(t, dtype=torch.float64)])),
        **{k: np.array([float(o[k, ()]) for o in outcomes]) for k in ("X", "Y")})


def test_every_entry_has_an_example_with_an_oracle():
    assert [label(e) for e in ENTRIES if not any(x in ORACLES for x in e.examples)] == []
    assert set(ORACLES) <= set(EXAMPLES)


@pytest.mark.parametrize("entry", ENTRIES, ids=label)
def test_an_example_holds_what_it_is_an_example_of(entry):
    kinds = {Function: "fn", Reduction: "big"}
    for example in entry.examples[:1]:
        nodes = list(walk(block(example).claims[0].left))
        if isinstance(entry, (Function, Reduction)):
            found = {n.args[0] for n in nodes if n.kind == kinds[type(entry)]}
        else:
            found = {n.kind for n in nodes}
        assert READ_AS.get(name_of(entry), name_of(entry)) in found


@pytest.mark.parametrize("example", EXAMPLES)
def test_read_and_shown(example):
    """The same tree from the same formula, however it is spaced; another one is shown otherwise."""
    first, again = (block(x).claims[0].left for x in (example, f"\\, {example} \\quad"))
    assert first == again and show(first) == show(again)
    for _, changed in changes(example):
        found = block(changed)
        if not any(e.kind != "texcheck.lint" for e in found.errors):
            other = found.claims[0].left
            assert (other == first) == (show(other) == show(first)), changed


@pytest.mark.parametrize("example", ORACLES)
def test_valued(example):
    tree, compared = block(example), 0
    for seed in range(12):
        try:
            evaluator = draw_symbols(tree.program, np.random.default_rng(seed))
            value = evaluator.value(tree.claims[0].left)
        except Undefined:
            continue
        value = value.detach().numpy() if isinstance(value, torch.Tensor) else value
        expected = ORACLES[example](letters(evaluator))
        assert np.shape(value) == np.shape(expected)
        np.testing.assert_allclose(value, expected, rtol=2e-7, atol=1e-9)
        compared += 1
    assert compared >= 6


@pytest.mark.parametrize("entry", ENTRIES, ids=label)
def test_a_mutant_is_killed(entry):
    """Some change of an example is noticed by its value, and every one by the entry's siblings."""
    kinds = {e.kind for changed in itertools.islice(changed_by(entry), 12)
             for e in faults(block(*changed))}
    assert "texcheck.value" in kinds
    replaced = [(x, f"{token} to {other}") for x in entry.examples
                for token, other in entry.siblings.items() if token in x]
    assert replaced or not entry.siblings
    for example, change in replaced:
        for formula in (f for name, f in changes(example) if name == change):
            assert faults(block(example, formula)), formula


def changed_by(entry):
    """Changes of the first example, those that are tried first being spread over the formula."""
    example = entry.examples[0]
    found = [formula for _, formula in changes(example)]
    return ((example, formula) for formula in [*found[-1:], *found[:-1]])


# ---- a notation in one file --------------------------------------------------------------


def test_a_notation_in_one_file_is_known_everywhere():
    before = filled(PAGE.read_text(encoding="utf-8"))
    with registered(toy.SECTION, toy.ENTRY):
        good = block(r"a \boxplus b", r"\log(e^a + e^b)")
        assert good.errors == [] or all(e.kind == "texcheck.lint" for e in good.errors)
        assert good.claims[0].machine == "(a boxplus b)"
        assert faults(good) == []
        assert [e.kind for e in faults(block(r"a \boxplus b", "a + b"))] == ["texcheck.value"]
        assert (r"\boxplus to +", "a +  b") in list(changes(r"a \boxplus b"))
        manual = filled(before)
        assert "### Toys\n\n```expressions\na \\boxplus b\n```" in manual
        (bad, instead), = toy.ENTRY.refused
        assert re.search(rf"^{re.escape(bad)} +→  {re.escape(instead)}$", manual, re.M)
        assert [e.kind for e in faults(block(bad))] == ["texcheck.type"]
        assert faults(block(instead)) == []
    assert filled(before) == before
    assert r"unknown command \boxplus" in block(r"a \boxplus b").errors[0].message


# ---- what the table refuses --------------------------------------------------------------


@pytest.mark.parametrize("entry, lacks", [
    (Notation("toy", lambda node: "", None), "value"),
    (Notation("toy", None, lambda *given: 1), "show"),
    (Part("toy", None), "show"),
    (Function("toy", None), "value"),
    (Reduction("toy", None), "fold"),
])
def test_an_entry_that_lacks_something_is_refused(entry, lacks):
    with pytest.raises(TypeError, match=f"the notation toy has no {lacks}"):
        register("Toys", entry)
    assert entry not in load().entries


@pytest.mark.parametrize("entry, taken", [
    (Notation("add", lambda node: "", lambda *given: 1), "add"),
    (Notation("toy", lambda node: "", lambda *given: 1, environments={"cases": None}), "cases"),
    (Notation("toy", lambda node: "", lambda *given: 1,
              infix={r"\cdot": Infix("product", None)}), r"\\cdot"),
    (Function("toy", torch.sin, commands=(r"\sin",)), r"\\sin"),
    (Function("toy", torch.sin, words=("softmax",)), "softmax"),
    (Reduction("sum", sum), "sum"),
])
def test_two_entries_with_one_spelling_are_refused(entry, taken):
    with pytest.raises(ValueError, match=f"{taken} is taken"):
        register("Toys", entry)
    assert entry not in load().entries


def test_a_node_of_no_notation_is_neither_shown_nor_valued():
    found = block("a")
    evaluator = draw_symbols(found.program, np.random.default_rng(0))
    node = Node("nothing", ())
    for ask in (show, evaluator.value):
        with pytest.raises(LookupError, match="no notation of the kind nothing"):
            ask(node)
    for kind in ("fn", "big"):
        args = ("nothing", (Node("num", ("1",)),), 0) if kind == "fn" else (
            "nothing", (), (), Node("num", ("1",)))
        with pytest.raises(LookupError, match="nothing is registered"):
            evaluator.value(Node(kind, args))


def test_a_part_has_no_value_of_its_own():
    found = block("a")
    evaluator = draw_symbols(found.program, np.random.default_rng(0))
    with pytest.raises(Refused, match="has no value by itself"):
        evaluator.value(Node("unit", (Node("num", ("1",)),)))
