"""Mistakes are noticed; survivors are listed, and reviewed ones are not counted."""

import json
from collections import Counter

import pytest
from texcheck import read_block
from texcheck.__main__ import main
from texcheck.files import derivations
from texcheck.mutate import fates, is_read, mutants, mutate, same_trees, spelt
from texcheck.slips import changes

GOOD = r"""
:::{derivation} Softmax
:label: der-softmax

let: z \in \mathbb{R}^K; y \in \Delta^K
def: p_i = \frac{e^{z_i}}{\sum_j e^{z_j}}
code: p == torch.softmax(z, dim=0)
def: L = -\sum_k y_k \log p_k
code: L == -(y * torch.log_softmax(z, dim=0)).sum()
claim: \frac{\partial L}{\partial z}
= \left( \sum_k y_k \right) p - y   -- chain rule
= p - y
:::
"""
LOOSE = r"""
:::{derivation} A bound
:label: der-bound

let: a \in \mathbb{R}
claim: (\sin a)^2
\le 1
:::
"""


def write(tmp_path, text):
    path = tmp_path / "page.md"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_changes():
    found = dict(changes(r"a_i - 2 W^\top b"))
    assert "a_i + 2 W^\\top b" in found.values()
    assert "a_i - 3 W^\\top b" in found.values()
    assert "a_i - 2 W b" in found.values()
    assert "a_{i+1} - 2 W^\\top b" in found.values()
    assert "-a_i - 2 W^\\top b" in found.values()


def test_all_mutants_are_killed(tmp_path):
    outcome = mutate([write(tmp_path, GOOD)])
    assert outcome.survivors == [] and outcome.ok
    made = Counter(m.target for m in outcome.killed)
    assert made["step"] >= 20 and made["definition"] >= 20 and made["claim"] >= 2


def test_survivors_and_the_allow_list(tmp_path, capsys):
    path = write(tmp_path, LOOSE)
    output, allow = tmp_path / "out.json", tmp_path / "allow.json"
    assert main(["--mutate", "--all", path, "--json", str(output)]) == 1
    report = json.loads(output.read_text(encoding="utf-8"))
    survivors = {(s["line"], s["target"], s["text"]) for s in report["survivors"]}
    assert (6, "claim", r"claim: (\cos  a)^2") in survivors
    allowed = {s["key"]: "a square of a sine or a cosine" for s in report["survivors"]}
    first = next(iter(allowed))
    allow.write_text(json.dumps(allowed), encoding="utf-8")
    assert main(["--mutate", path, "--allow", str(allow)]) == 0
    elsewhere = {**allowed, "der-of-another-file:" + "0" * 12: "not looked at"}
    allow.write_text(json.dumps(elsewhere), encoding="utf-8")
    assert main(["--mutate", path, "--allow", str(allow)]) == 0
    stale = {**allowed, first.partition(":")[0] + ":" + "0" * 12: "gone"}
    allow.write_text(json.dumps(stale), encoding="utf-8")
    assert main(["--mutate", path, "--allow", str(allow)]) == 1
    assert "which is no survivor" in capsys.readouterr().out


def test_what_says_less_is_no_survivor(tmp_path):
    """The bound 2 follows from the bound 1, and that of minus a square from that of the square; a
    bound for another function does not, although it is true."""
    found, = derivations(write(tmp_path, LOOSE))
    fate = {m.text: m.fate for m in fates(found, most=None)}
    assert fate[r"\le 2"] == fate[r"claim: -(\sin a)^2"] == "weaker"
    assert fate[r"\le 0"] == fate["claim: a^2"] == "texcheck.value"
    assert fate[r"claim: (\cos  a)^2"] == ""


def test_a_step_in_the_middle_is_never_weaker(tmp_path):
    """What follows it says something of it too."""
    found, = derivations(write(tmp_path, LOOSE.replace(r"\le 1", "\\le 1\n\\le 3")))
    fate = {(m.line, m.text): m.fate for m in fates(found, most=0)}
    assert fate[7, r"\le 2"] == "" and fate[8, r"\le 4"] == "weaker"


def test_the_mutants_read_otherwise_and_are_few_of_a_kind(tmp_path):
    found, = derivations(write(tmp_path, GOOD))
    every = [m for m, _ in mutants(found, most=None)]
    for one, changed in mutants(found, most=None):
        assert is_read(changed) and changed.items
        original = found.text.split("\n")[one.line - found.line]
        assert spelt(one.text.partition(" -- ")[0]) != spelt(original.partition(" -- ")[0])
    assert len({m.key for m in every}) == len(every)
    few = [m for m, _ in mutants(found, most=1)]
    assert few == [m for m, _ in mutants(found, most=1)]  # the same at every run
    counts = Counter((m.line, m.target, m.kind) for m in every)
    kept = Counter((m.line, m.target, m.kind) for m in few)
    for row, count in counts.items():
        whole = row[2] == "token" and row[1] != "claim"
        assert kept[row] == (count if whole else min(count, 1))
    left_out = next(m for m in every if m not in few)
    assert left_out in [m for m, _ in mutants(found, most=1, wanted={left_out.key})]


@pytest.mark.parametrize("change, to, kind", [
    (r"\sum_j e^{z_j}", r"\sum_j z_j", "function"), ("- y ", "", "summand"),
    (r"\left( \sum_k y_k \right) p", "p", "factor"), ("p - y", "p - z", "letter"),
    (r"e^{z_i}}{\sum_j e^{z_j}}", r"\sum_j e^{z_j}}{e^{z_i}}", "exchange"),
])
def test_a_mistake_is_among_the_mutants_by_its_kind(tmp_path, change, to, kind):
    found, = derivations(write(tmp_path, GOOD))
    texts = {m.kind: set() for m, _ in mutants(found, most=None)}
    for one, _ in mutants(found, most=None):
        texts[one.kind].add("".join(one.text.split()))
    wanted = {"".join(line.replace(change, to).split()) for line in found.text.split("\n")}
    assert wanted & texts[kind]


def test_every_step_and_definition_is_mutated(tmp_path):
    found, = derivations(write(tmp_path, GOOD))
    made = {(m.line, m.target) for m, _ in mutants(found)}
    assert made == {(6, "definition"), (8, "definition"), (10, "claim"), (11, "step"), (12, "step")}


@pytest.mark.parametrize("formula, other, alike", [
    ("a - (b - c)", "a - b + c", True), ("a + (b - c)", "(a + b) - c", True),
    ("a (b c)", "a b c", True), ("a - (b - c)", "a - b - c", False),
    ("a (b + c)", "a b + c", False), ("a - (b + c)^2", "a - b + c^2", False),
])
def test_brackets_that_change_nothing_make_no_mutant(formula, other, alike):
    one, two = (read_block(f"let: a, b, c \\in \\mathbb{{R}}\nclaim: {text}\n= 0")
                for text in (formula, other))
    assert same_trees(one, two) is alike
