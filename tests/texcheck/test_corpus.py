"""The derivations of corpus/ hold, without a warning."""

from pathlib import Path

import pytest
import texcheck

FILES = sorted(Path(__file__).with_name("corpus").glob("*.md"))
FOUND = [d for f in FILES for d in texcheck.derivations(f)]


@pytest.mark.parametrize("found", FOUND, ids=[d.label or d.title for d in FOUND])
def test_holds(found):
    block = texcheck.read_block(found.text, title=found.title, label=found.label, path=found.path,
                                line=found.line)
    report = texcheck.check(block)
    assert [str(e) for e in report.errors] == []
    assert block.steps and len([r for r in report.results if r.number]) == len(block.steps)
    assert all(r.ok and r.draws >= 24 for r in report.results)


def test_there_are_enough():
    assert len(FOUND) >= 80
