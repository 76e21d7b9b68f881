"""Every example of SYNTAX.md works as the page says."""

import re
from pathlib import Path

import pytest
import texcheck
from texcheck.__main__ import main
from texcheck.files import read_derivation
from texcheck.manual import ARROW, filled

PAGE = Path(texcheck.__file__).with_name("SYNTAX.md").read_text(encoding="utf-8")


def fences(info):
    return re.findall(rf"^(?:`{{3,}}){info}\n(.*?)^`{{3,}}$", PAGE, re.M | re.S)


def derivation(text):
    lines = text.strip("\n").split("\n")
    found = read_derivation(lines, 0, len(lines) - 1, lines[0].partition("} ")[2], "SYNTAX.md")
    return texcheck.read_block(found.text, title=found.title, label=found.label)


PREAMBLE = fences("preamble")[0]
EXPRESSIONS = "".join(fences("expressions")).strip().split("\n")
REFUSED = [tuple(map(str.strip, row.split(ARROW)))
           for row in fences("refused")[0].strip().split("\n")]


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


def test_the_lists_are_those_of_the_table_of_notations():
    assert PAGE == filled(PAGE), "SYNTAX.md is stale: make manual writes its lists anew"


def test_a_stale_list_and_a_lost_mark_are_noticed():
    assert filled(PAGE.replace("a + b - 2c\n", "")) == PAGE
    with pytest.raises(ValueError, match="end of refusals"):
        filled(PAGE.replace("<!-- end of refusals -->\n", ""))


def test_the_command_prints_or_writes_the_page(tmp_path, capsys):
    assert main(["--manual"]) == 0
    assert capsys.readouterr().out == PAGE
    path = tmp_path / "PAGE.md"
    path.write_text(PAGE.replace("a + b - 2c\n", ""), encoding="utf-8")
    assert main(["--manual", str(path)]) == 0
    assert path.read_text(encoding="utf-8") == PAGE


def test_numbers_of_examples():
    assert len(fences("md")) == 5 and len(EXPRESSIONS) >= 70 and len(REFUSED) >= 20
