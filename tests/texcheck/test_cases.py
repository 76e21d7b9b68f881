"""Statements made to slip through, true ones that were refused, and mistakes that were printed.

`python -m texcheck --seeds 20 tests/texcheck/cases/false-statements.md` is the longer run.
"""

import json
from pathlib import Path

import pytest
import texcheck

CASES = Path(__file__).with_name("cases")
FALSE = [*texcheck.derivations(CASES / "false-statements.md"),
         *texcheck.derivations(CASES / "attack.md")]
TRUE = texcheck.derivations(CASES / "true-statements.md")
PUBLISHED = [json.loads(line) for line in
             (CASES / "published-mistakes.jsonl").read_text(encoding="utf-8").splitlines()]


def errors(text, title="", seed=0, first=False):
    report = texcheck.check(texcheck.read_block(text, title=title), seed=seed, first=first)
    return [str(e) for e in report.errors]


@pytest.mark.parametrize("found", FALSE, ids=[d.title for d in FALSE])
def test_what_is_false_is_refused(found):
    assert all(errors(found.text, found.title, seed, first=True) for seed in range(2))


# What a message tells to write: words of the message, the line as it stands, and as it is told.
LED = {
    "T17": (r"write \mathbf{1}_n", r"\mathbf{1}^\top)", r"\mathbf{1}_m^\top)"),
    "T45": ("has no effect", "w, v \\in", "w \\in"),
    "T56": ("add a code: line", "claim:",
            r"code: p(v,h) \sum_{u\in\{0,1\}^n} \sum_{g\in\{0,1\}^m} "
            r"e^{u^\top W g + b^\top u + c^\top g} == torch.exp(v @ W @ h + b @ v + c @ h)"
            "\nclaim:"),
}


@pytest.mark.parametrize("found", TRUE, ids=[d.title for d in TRUE])
def test_what_is_true_is_accepted_or_led_to_a_line_that_is(found):
    text = found.text
    if found.title in LED:
        words, line, told = LED[found.title]
        assert any(words in e for e in errors(text, found.title))
        text = text.replace(line, told)
    assert errors(text, found.title) == []


# The same for corrections.
TOLD = {
    "i-rlabbe-531": ("an integral has ends", "\\int ", "\\int_{-\\infty}^{\\infty} "),
    "i-sml-67": ("has no effect", r"; k \in \{1,\ldots,K\}", ""),
}


def body(block):
    return "\n".join(line for line in block.split("\n") if not line.startswith(":::"))


def title(block):
    return block.split("\n")[0].partition("} ")[2]


# Printed as a definition that claims to be nothing known: only a name for its right side.
NAMES_ONLY = {"b-reinforce", "b-nyuhinge"}
# Printed as a definition of something known: its correction is told to be tied to code.
KNOWN = {c["id"] for c in PUBLISHED if c["group"] == "definition only"} | {"scipy-18607"}
# Not written as a statement that the checker reads.
NOT_READ = {"i-survey-15", "i-scipy-9378", "x-mml-465", "udl-9.6", "i-rlabbe-531E"}


@pytest.mark.parametrize("case", [c for c in PUBLISHED if c["id"] not in NOT_READ | NAMES_ONLY],
                         ids=lambda c: c["id"])
def test_a_printed_mistake_is_refused(case):
    assert errors(body(case["wrong_block"]), title(case["wrong_block"]), first=True)


@pytest.mark.parametrize("case", [c for c in PUBLISHED
                                  if c["id"] not in NOT_READ | KNOWN],
                         ids=lambda c: c["id"])
def test_its_correction_is_accepted(case):
    text = body(case["right_block"])
    if case["id"] in TOLD:
        words, line, told = TOLD[case["id"]]
        assert any(words in e for e in errors(text))
        text = text.replace(line, told)
    assert errors(text, title(case["right_block"])) == []


@pytest.mark.parametrize("case", [c for c in PUBLISHED if c["id"] in KNOWN - NAMES_ONLY],
                         ids=lambda c: c["id"])
def test_a_known_quantity_that_is_tied_to_nothing_is_told_to_be_tied(case):
    found = errors(body(case["right_block"]), title(case["right_block"]))
    assert found == [] or all("ties it to a function" in e for e in found)
