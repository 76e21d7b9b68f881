"""Every input of refused.toml is refused, with the kind and the words that it names."""

import tomllib
from pathlib import Path

import pytest
import texcheck

CASES = tomllib.loads(Path(__file__).with_name("refused.toml").read_text(encoding="utf-8"))["case"]


def text_of(case):
    text = case["block"]
    if "fill" in case:
        filling = case["fill"]["text"] * case["fill"]["times"]
        if "close" in case:
            head, _, tail = text.rpartition("@")
            text = head + case["close"] * case["fill"]["times"] + tail
        text = text.replace("@", filling)
    return text


@pytest.mark.parametrize("case", CASES, ids=[c["name"] for c in CASES])
def test_refused(case):
    report = texcheck.check(texcheck.read_block(text_of(case), label="der-refused"))
    assert report.errors, "this passes"
    first = report.errors[0]
    kinds = [case["kind"]] if isinstance(case["kind"], str) else case["kind"]
    assert first.kind in kinds, str(first)
    shown = str(first).lower()
    assert all(word.lower() in shown for word in case["says"]), str(first)


def test_there_are_enough():
    assert len(CASES) >= 60
