"""Every example of SYNTAX.md works as the page says."""

import re
from pathlib import Path

import pytest
import texcheck
from texcheck.files import read_derivation

PAGE = Path(texcheck.__file__).with_name("SYNTAX.md").read_text(encoding="utf-8")


def fences(info):
    return re.findall(rf"^(?:`{{3,}}){info}\n(.*?)^`{{3,}}$", PAGE, re.M | re.S)


def derivation(text):
    lines = text.strip("\n").split("\n")
    found = read_derivation(lines, 0, len(lines) - 1, lines[0].partition("} ")[2], "SYNTAX.md")
    return texcheck.read_block(found.text, title=found.title, label=found.label)


PREAMBLE = fences("preamble")[0]
EXPRESSIONS = fences("expressions")[0].strip().split("\n")
REFUSED = re.findall(r"^\| `(.+?)` \| `(.+?)` \|$", PAGE.split("## What is refused")[1], re.M)


def check(expression):
    """Errors of `expression = expression + 0`, without the warnings on unused symbols."""
    body = f"{PREAMBLE}claim: 2 ({expression})\n= ({expression}) + ({expression})"
    report = texcheck.check(texcheck.read_block(body))
    return [e for e in report.errors if e.kind != "texcheck.lint"]


@pytest.mark.parametrize("text", fences("md"), ids=lambda t: t.split("\n")[0][15:])
def test_derivation(text):
    report = texcheck.check(derivation(text))
    assert [e for e in map(str, report.errors) if "has no effect" not in e] == []
    assert report.results and all(r.ok for r in report.results)


@pytest.mark.parametrize("line", fences("lines")[0].strip().split("\n"))
def test_declaration(line):
    block = texcheck.read_block(line + "\nlet: \\omega \\in \\mathbb{R}\n"
                                "claim: 2\\omega\n= \\omega + \\omega")
    assert [str(e) for e in block.errors if e.kind != "texcheck.lint"] == []
    report = texcheck.check(block)
    assert [str(e) for e in report.errors if e.kind != "texcheck.lint"] == []
    assert len(block.program.lets) > 1


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_expression(expression):
    assert [str(e) for e in check(expression)] == []


@pytest.mark.parametrize("bad, good", REFUSED, ids=[b for b, _ in REFUSED])
def test_refusal(bad, good):
    report = texcheck.check(texcheck.read_block(f"{PREAMBLE}claim: {good}\n= {bad}"))
    first = next(e for e in report.errors if e.kind != "texcheck.lint")
    assert first.kind in ("texcheck.parse", "texcheck.type")
    assert [str(e) for e in check(good)] == []


def test_numbers_of_examples():
    assert len(fences("md")) == 5 and len(EXPRESSIONS) >= 70 and len(REFUSED) >= 20
