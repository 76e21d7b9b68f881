"""The page of errata: its totals are counted, its links lead to parts, its words are three."""

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

BOOK = Path(__file__).resolve().parents[1] / "book"
PAGE = (BOOK / "errata.md").read_text(encoding="utf-8")
HEADER = ("Place", "It says", "Right is", "How serious")
WORDS = ("changes an answer", "holds only under a condition", "notation")


def tables(text):
    """The list-tables of a page: a list of (section title, rows), a row a tuple of cells."""
    found = []
    for section in re.split(r"^## ", text, flags=re.M)[1:]:
        title = section.partition("\n")[0]
        for body in re.findall(r"^:::\{list-table\}\n(.*?)^:::$", section, flags=re.M | re.S):
            rows = re.split(r"^\* - ", body, flags=re.M)[1:]
            cells = [tuple(c.strip() for c in re.split(r"^  - ", row, flags=re.M)) for row in rows]
            found.append((title, cells))
    return found


ROWS = [(title, row) for title, rows in tables(PAGE) for row in rows[1:]]


@pytest.fixture(scope="module")
def parts():
    with open(BOOK / "papers" / "questions.csv", encoding="utf-8", newline="") as file:
        return [row["id"] for row in csv.DictReader(file)]


def test_one_table_in_each_section():
    titles = [title for title, _ in tables(PAGE)]
    assert titles == re.findall(r"^## (.*)$", PAGE, flags=re.M)
    assert [title[:7] for title in titles] == [f"Paper {p}" for p in "ABCDDE"]


def test_every_row_has_the_four_columns():
    assert {rows[0] for _, rows in tables(PAGE)} == {HEADER}
    assert [row for _, row in ROWS if len(row) != 4 or not all(row)] == []


def test_the_printed_totals_are_counted():
    count = Counter(row[3] for _, row in ROWS)
    printed = re.search(
        r"hold (\d+) rows: (\d+) change an answer, (\d+) hold only under a condition and"
        r" (\d+) are notation",
        PAGE,
    )
    assert [int(n) for n in printed.groups()] == [len(ROWS), *(count[word] for word in WORDS)]


def test_only_the_three_words_are_used():
    assert {row[3] for _, row in ROWS} == set(WORDS)


def test_every_link_leads_to_a_part_of_the_register(parts):
    named = set(re.findall(r"\{part\}`([^`]*)`", PAGE))
    assert named and named <= set(parts)


def test_a_row_begins_with_a_link_into_its_own_paper():
    for title, row in ROWS:
        link = re.match(r"\{part\}`(\w)", row[0])
        assert link and link.group(1) == title[6], row


def test_rows_stand_in_the_order_of_the_paper(parts):
    for title, rows in tables(PAGE):
        order = [parts.index(re.match(r"\{part\}`([^`]*)`", row[0]).group(1)) for row in rows[1:]]
        assert order == sorted(order), title


def test_no_row_stands_twice():
    doubled = [row for row, n in Counter(row[:3] for _, row in ROWS).items() if n > 1]
    assert doubled == []


def test_cells_are_short_enough_for_a_telephone():
    assert [row for _, row in ROWS if len(row[1]) > 60 or len(row[2]) > 230] == []


def test_the_tables_are_parsed_by_cells():
    page = "## Paper A\n:::{list-table}\n* - a\n  - b\n* - c\n  - d\n    e\n:::\n"
    assert tables(page) == [("Paper A", [("a", "b"), ("c", "d\n    e")])]
