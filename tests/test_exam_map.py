"""The exam map: what is left of three hours, and topics that are the chapters."""

import csv
import re
from pathlib import Path

BOOK = Path(__file__).parents[1] / "book"
PAGE = (BOOK / "exam-map.md").read_text(encoding="utf-8")


def section(heading):
    """The text from a heading to the next."""
    return re.search(rf"^## {re.escape(heading)}[^\n]*\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)[1]


def test_the_minutes_of_the_list_are_three_hours():
    minutes = re.findall(r"^\* - (\d+)$", section("Three hours left"), re.M)
    assert sum(map(int, minutes)) == 180


def test_every_chapter_says_what_it_presupposes_and_only_earlier_ones():
    rows = re.findall(r"^\* - \{doc\}`(\w+)`\n  - (.*)$", section("What each topic"), re.M)
    with open(BOOK / "papers/questions.csv", encoding="utf-8") as file:
        assert {word for word, _ in rows} == {row["chapter"] for row in csv.DictReader(file)}
    seen = []
    for word, before in rows:
        named = re.findall(r"`(\w+)`", before)
        assert set(named) <= set(seen), (word, named)
        assert named or before == "none", word
        seen.append(word)
