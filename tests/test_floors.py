"""The numbers of what is tested do not fall: nothing stops running unnoticed."""

import doctest
import importlib
import re
import tomllib
from pathlib import Path

import pytest
import texcheck
from execution import doctests

ROOT = Path(__file__).parent.parent
FLOORS = tomllib.loads((ROOT / "tests/floors.toml").read_text())
FLOORS.pop("coverage")  # measured while all tests run: tests/coverage_floors.py
CHAPTERS = sorted((ROOT / "book").glob("*.md"))


def parts_answered():
    return sum(len(re.findall(r"^:::+ *\{answer\}", path.read_text(), re.M)) for path in CHAPTERS)


def examples_in_chapters():
    return sum(len(list(doctests.examples(path.read_text(), path))) for path in CHAPTERS)


def examples_in_docstrings():
    finder = doctest.DocTestFinder()
    paths = sorted((ROOT / "code/fullmarks").rglob("[a-z]*.py"))
    names = [".".join(path.relative_to(ROOT / "code").with_suffix("").parts) for path in paths]
    modules = map(importlib.import_module, names)
    return sum(len(test.examples) for module in modules for test in finder.find(module))


def derivations():
    return sum(len(texcheck.derivations(path)) for path in CHAPTERS)


def steps():
    return sum(len(texcheck.read_block(found.text).steps)
               for path in CHAPTERS for found in texcheck.derivations(path))


@pytest.mark.parametrize("what", FLOORS)
def test_no_fewer_than_the_floor(what):
    found = globals()[what]()
    assert found >= FLOORS[what], f"{what}: {found}, the floor is {FLOORS[what]}"
    assert found < 1.25 * FLOORS[what], f"{what}: {found}, raise the floor {FLOORS[what]}"
