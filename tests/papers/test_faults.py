"""Every way in which papers, chapters and register can disagree, each shown red.

A case is: the edits of the book, and the warnings that they must cause. A warning is given by the
file, a text that stands in the line that must be named, and the whole message.
"""

import pytest
from sphinx.errors import ExtensionError

A, B, MLP, CSV = "papers/a.md", "papers/b.md", "mlp.md", "register.csv"
NO_QUESTION = [(A, "\n:::{question} A2\n:points: 2\n:kind: derive\n:::\n", "")]
WHOLE_ANSWER = ":::{answer} B1\n:::\n\n:::{short}\nWords.\n:::\n\n:::{marks}\n- 3: explains\n:::"
LONG = "Word " * 110 + "end."
SIX = "One. Two. Three. Four. Five. Six."

CASES = {
    "no paper states a part": (
        NO_QUESTION,
        [(CSV, "A2,", "part A2: no paper states it [papers.unasked]")],
    ),
    "no chapter answers a part": (
        [(MLP, WHOLE_ANSWER, "")],
        [
            (
                B,
                "{question} B1",
                "part B1: no chapter answers it [papers.unanswered]",
            )
        ],
    ),
    "neither": (
        [(CSV, "B1,B", "B2,B,,explain,mlp\nB1,B")],
        [
            (CSV, "B2,", "part B2: no paper states it [papers.unasked]"),
            (
                CSV,
                "B2,",
                "part B2: no chapter answers it [papers.unanswered]",
            ),
        ],
    ),
    "unknown question": (
        [(A, "Derive it.", "Derive it.\n\n## More\n\n:::{question} A9\n:::\n")],
        [(A, "{question} A9", "question A9: the register has no such part [papers.unknown]")],
    ),
    "unknown answer": (
        [
            (
                MLP,
                "- 3: explains\n:::",
                "- 3: explains\n:::\n\n## More\n\n:::{answer} A9\n:::\n\n"
                ":::{short}\nYes.\n:::\n\n:::{marks}\n- 1: yes\n:::",
            )
        ],
        [(MLP, "{answer} A9", "answer A9: the register has no such part [papers.unknown]")],
    ),
    "unknown paper": (
        [(B, ":::{paper} B\n:::", ":::{paper} B\n:::\n\n:::{paper} Z\n:::")],
        [(B, "{paper} Z", "paper Z: the register has no part of it [papers.unknown]")],
    ),
    "question twice": (
        [(B, "Explain it.", "Explain it.\n\n## Again\n\n:::{question} B1\n:kind:  explain\n:::")],
        [(B, "## Again", 2, "question B1 stands in papers/b.md:8 already [papers.duplicate]")],
    ),
    "answer twice": (
        [
            (
                MLP,
                "# Perceptrons",
                "# Perceptrons\n\n## Once\n\n:::{answer} B1\n:::\n\n"
                ":::{short}\nYes.\n:::\n\n:::{marks}\n- 3: yes\n:::\n",
            )
        ],
        [(MLP, "## B1: Explain", 2, "answer B1 stands in mlp.md:5 already [papers.duplicate]")],
    ),
    "paper twice": (
        [(B, ":::{paper} B\n:::", ":::{paper} B\n:::\n\nAgain:\n\n:::{paper} B\n:::")],
        [(B, "Again:", 2, "paper B stands in papers/b.md:3 already [papers.duplicate]")],
    ),
    "points differ from the register": (
        [(A, ":points: 2", ":points: 3")],
        [
            (
                A,
                "{question} A2",
                "question A2: points '3', the register has '2' [papers.points]",
            )
        ],
    ),
    "points that are none": (
        [(A, ":points: 2", ":points: two")],
        [
            (
                A,
                "{question} A2",
                "question A2: points 'two' are neither 'N' nor 'N for the question' "
                "[papers.points]",
            )
        ],
    ),
    "points of a paper that are none": (
        [(B, ":::{paper} B\n:::", ":::{paper} B\n:points: many\n:::")],
        [
            (
                B,
                "{paper} B",
                "paper B: points 'many' are neither 'N' nor 'N for the question' [papers.points]",
            )
        ],
    ),
    "points do not add up": (
        [(A, ":points: 6", ":points: 7")],
        [
            (
                A,
                "{paper} A",
                "paper A: the points of its parts add up to 6 (A1 4, A2 2), the page states 7 "
                "[papers.points]",
            )
        ],
    ),
    "points stated where the paper prints none": (
        [(B, ":::{paper} B\n:::", ":::{paper} B\n:points: 1\n:::")],
        [
            (
                B,
                "{paper} B",
                "paper B: the points of its parts have none, the page states 1 [papers.points]",
            )
        ],
    ),
    "points printed but not stated": (
        [(A, ":points: 6\n", "")],
        [
            (
                A,
                "{paper} A",
                "paper A: the points of its parts add up to 6 (A1 4, A2 2), the page states none "
                "[papers.points]",
            )
        ],
    ),
    "kind differs from the register": (
        [(B, ":kind: explain", ":kind: derive")],
        [
            (
                B,
                "{question} B1",
                "question B1: kind 'derive', the register has 'explain' [papers.kind]",
            )
        ],
    ),
    "another chapter than the register says": (
        [(CSV, "B1,B,,explain,mlp", "B1,B,,explain,attention")],
        [
            (
                MLP,
                "{answer} B1",
                "answer B1: it stands in chapter 'mlp', the register has 'attention' "
                "[papers.chapter]",
            )
        ],
    ),
    "question on a page without a paper": (
        [(B, ":::{paper} B\n:::\n", "")],
        [(B, "{question} B1", "question B1: the page states no paper [papers.paper]")],
    ),
    "question on the page of another paper": (
        [
            (
                B,
                "## Question 1",
                "## More\n\n:::{question} A2\n:points: 2\n:kind: derive\n:::\n\n## Question 1",
            ),
            *NO_QUESTION,
        ],
        [
            (
                B,
                "{question} A2",
                "question A2: the page states paper B, the register has paper A [papers.paper]",
            )
        ],
    ),
    "derivation missing": (
        [(MLP, "{checked} 7", "{checked} 0")],
        [
            (
                MLP,
                "{answer} A2",
                "answer A2: a part to derive has no checked derivation, and no ':unchecked:' says "
                "why [papers.derivation]",
            )
        ],
    ),
    "proof missing": (
        [
            (CSV, "B1,B,,explain", "B1,B,,prove"),
            (B, ":kind: explain", ":kind: prove"),
        ],
        [
            (
                MLP,
                "{answer} B1",
                "answer B1: a part to prove has no checked derivation, and no ':unchecked:' says "
                "why [papers.derivation]",
            )
        ],
    ),
    "derivation missing with a reason": (
        [
            (MLP, "{checked} 7", "{checked} 0"),
            (MLP, ":::{answer} A2\n:::", ":::{answer} A2\n:unchecked: an argument in words\n:::"),
        ],
        [],
    ),
    "doctest missing": (
        [(MLP, "```{doctest}\n>>> 1 + 1\n2\n>>> 2 + 2\n4\n```", "```python\n>>> 1 + 1\n2\n```")],
        [(MLP, "{answer} A1b", "answer A1b: a part to compute has no doctest [papers.doctest]")],
    ),
    "short missing": (
        [(MLP, ":::{short}\nWords.\n:::\n", "")],
        [(MLP, "{answer} B1", "answer B1 has no {short} [papers.short]")],
    ),
    "short twice": (
        [(MLP, ":::{short}\nWords.\n:::\n", ":::{short}\nWords.\n:::\n\n:::{short}\nMore.\n:::\n")],
        [(MLP, "More.", -1, "answer B1 has {short} in line 73 already [papers.short]")],
    ),
    "short of too many words": (
        [(MLP, "Words.", LONG)],
        [
            (
                MLP,
                LONG,
                -1,
                "the short answer has 111 words, more than 110 [papers.short]",
            )
        ],
    ),
    "short of too many sentences": (
        [(MLP, "Words.", SIX)],
        [
            (
                MLP,
                SIX,
                -1,
                "the short answer has 6 sentences, list items and displays, more than 5 "
                "[papers.short]",
            )
        ],
    ),
    "marks missing": (
        [(MLP, ":::{marks}\n- 3: explains\n:::\n", "")],
        [(MLP, "{answer} B1", "answer B1 has no {marks} [papers.marks]")],
    ),
    "marks twice": (
        [(MLP, "- 3: explains\n:::", "- 3: explains\n:::\n\n:::{marks}\n- 1: more\n:::")],
        [(MLP, "- 1: more", -1, "answer B1 has {marks} in line 77 already [papers.marks]")],
    ),
    "marks that are no list": (
        [(MLP, "- 3: explains", "Three for everything.")],
        [
            (
                MLP,
                "Three for",
                -1,
                "the marks are not one list of items '- POINTS: text' [papers.marks]",
            )
        ],
    ),
    "mark without points": (
        [(MLP, "- 3: explains", "- 3: explains\n- says why")],
        [
            (
                MLP,
                "- says why",
                "the mark 'says why' does not begin with 'POINTS: ' [papers.marks]",
            )
        ],
    ),
    "mark of nothing": (
        [(MLP, "- 3: explains", "- 0: explains")],
        [
            (
                MLP,
                "- 0: explains",
                "the mark '0: explains' does not begin with 'POINTS: ' [papers.marks]",
            )
        ],
    ),
    "mark for nothing": (
        [(MLP, "- 3: explains", "- 3:")],
        [(MLP, "- 3:", "the mark '3:' does not begin with 'POINTS: ' [papers.marks]")],
    ),
    "mark for a formula": ([(MLP, "- 3: explains", "- 3: $x$, in full")], []),
    "marks do not add up": (
        [(MLP, "- 1/2: simplifies", "- 1: simplifies")],
        [
            (
                MLP,
                "- 3/2: diff",
                -1,
                "answer A2: the marks add up to 2.5, the part has 2 [papers.marks]",
            )
        ],
    ),
    "marks of a question do not add up": (
        [(MLP, "- 0.5: says", "- 1: says")],
        [
            (
                MLP,
                "- 2.5: computes",
                -1,
                "question A1: the marks of its parts add up to 4.5 (A1a 2, A1b 2.5), it has 4 "
                "[papers.marks]",
            )
        ],
    ),
    "pitfall with the wrong value only": (
        [(MLP, ":right: [1, 2]\n", "")],
        [
            (
                MLP,
                "{pitfall}",
                "pitfall 'The half of $x$': wrong value without a right one [papers.pitfall]",
            )
        ],
    ),
    "pitfall with the right value only": (
        [(MLP, ":wrong: -1/2\n", "")],
        [
            (
                MLP,
                "{pitfall}",
                "pitfall 'The half of $x$': right value without a wrong one [papers.pitfall]",
            )
        ],
    ),
    "pitfall with a value that cannot be read": (
        [(MLP, ":wrong: -1/2", ":wrong: minus a half")],
        [
            (
                MLP,
                "{pitfall}",
                "pitfall 'The half of $x$': wrong value: 'minus a half' is neither a Python "
                "literal nor a fraction nor a list of these [papers.pitfall]",
            )
        ],
    ),
    "pitfall with equal values": (
        [(MLP, ":wrong: -1/2", ":wrong: [2/2, 2.0]")],
        [
            (
                MLP,
                "{pitfall}",
                "pitfall 'The half of $x$': the wrong value [2/2, 2.0] equals the right one "
                "[1, 2] [papers.pitfall]",
            )
        ],
    ),
    "two markers in a section": (
        [(MLP, ":::{answer} B1\n:::", ":::{answer} B1\n:::\n\n:::{answer} A9\n:::")],
        [
            (
                MLP,
                "{answer} A9",
                "answer A9: its section is that of the answer B1 already [papers.marker]",
            )
        ],
    ),
    "marker below the head": (
        [(MLP, "- 3: explains\n:::", "- 3: explains\n:::\n\n## C\n\nText.\n\n:::{answer} A9\n:::")],
        [
            (
                MLP,
                "{answer} A9",
                "answer A9: it is not at the head of its section; put it directly after the "
                "heading [papers.marker]",
            )
        ],
    ),
    "marker in a directive": (
        [(MLP, "The rest of A1a.", "::::{note}\n:::{answer} A9\n:::\n::::")],
        [
            (
                MLP,
                "{answer} A9",
                1,  # MyST counts nested directives from the line after
                "answer A9: it stands in no section of its own; put it directly after a heading "
                "[papers.marker]",
            )
        ],
    ),
    "section in a claimed one": (
        [(A, "Derive it.", "### Inner\n\n:::{question} A9\n:::")],
        [
            (
                A,
                "{question} A9",
                "question A9: its section is inside that of the question A2 [papers.marker]",
            )
        ],
    ),
    "short outside of an answer": (
        [(MLP, "See {part}", ":::{short}\nStray.\n:::\n\nSee {part}")],
        [(MLP, "Stray.", -1, "{short} stands in no answer [papers.marker]")],
    ),
    "marks in a question": (
        [(B, "Explain it.", ":::{marks}\n- 1: x\n:::")],
        [(B, "{marks}", "{marks} stands in no answer [papers.marker]")],
    ),
    "pitfall outside of an answer": (
        [(MLP, "See {part}", ":::{pitfall} Stray\nText.\n:::\n\nSee {part}")],
        [(MLP, "Stray", "{pitfall} stands in no answer [papers.marker]")],
    ),
    "variation outside of an answer": (
        [(MLP, "See {part}", ":::{variation} Stray\nText.\n:::\n\nSee {part}")],
        [(MLP, "Stray", "{variation} stands in no answer [papers.marker]")],
    ),
    "translation into no language": (
        [(B, "{translation} fr", "{translation} French")],
        [(B, "{translation}", "'French' is not a language code such as 'fr' [papers.translation]")],
    ),
    "link to an unknown part": (
        [(MLP, "{part}`A1a`", "{part}`A9`")],
        [(MLP, "{part}", "A9: no page states or answers such a part [papers.reference]")],
    ),
}


def expected(book, found) -> list[str]:
    lines = []
    for name, needle, *offset, message in found:
        line = book.line(name, needle) + sum(offset)
        lines.append(f"{name}:{line}: WARNING: {message}")
    return lines


@pytest.mark.parametrize("edits, found", CASES.values(), ids=CASES)
def test_fault_is_named_with_file_and_line(book, edits, found):
    for edit in edits:
        book.edit(*edit)
    built = book.build("dummy" if found else "html")
    assert sorted(built.warnings) == sorted(expected(book, found))
    assert built.exit_code == bool(found)


REGISTERS = {
    "empty": ("", ":1: the columns are '', not 'id,paper,points,kind,chapter'"),
    "other columns": (
        "id,paper\n",
        ":1: the columns are 'id,paper', not 'id,paper,points,kind,chapter'",
    ),
    "no part": ("id,paper,points,kind,chapter\n", ":1: the register lists no part"),
}
ROWS = {
    "A1a,A,1,explain": "4 fields, the header has 5",
    "first,A,1,explain,mlp": ("id 'first' is not a paper, a number and a part, such as 'A3a'"),
    "Z1,Z,1,explain,mlp": "part Z1 stands in line 2 already",
    "A1a,B,1,explain,mlp": "part A1a does not begin with its paper 'B'",
    "A1a,A,ten,explain,mlp": "points 'ten' are neither 'N' nor 'N for the question'",
    "A1a,A,0,explain,mlp": "points '0' are neither 'N' nor 'N for the question'",
    "A1a,A,1,guess,mlp": (
        "kind 'guess' of part A1a is none of choose, compare, compute, derive, explain, prove"
    ),
    "A1a,A,1,explain,": "chapter '' of part A1a is not a word",
    "Z1b,Z,2 for the question,explain,mlp": (
        "part Z1b has points '2 for the question', part Z1 in line 2 has '1': "
        "points for the question are alike in all of its parts"
    ),
}
REGISTERS |= {
    row: (f"id,paper,points,kind,chapter\nZ1,Z,1,explain,mlp\n{row}\n", f":3: {said}")
    for row, said in ROWS.items()
}


@pytest.mark.parametrize("text, said", REGISTERS.values(), ids=REGISTERS)
def test_malformed_register_stops_the_build(book, text, said):
    path = book.path("register.csv")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ExtensionError) as error:
        book.build("dummy")
    assert str(error.value) == f"{path}{said}"


def test_missing_register_stops_the_build(book):
    with pytest.raises(ExtensionError, match=r"nowhere\.csv: the register .* cannot be read"):
        book.build("dummy", papers_register="nowhere.csv")


def test_register_must_be_set(book):
    with pytest.raises(ExtensionError, match="papers_register is not set"):
        book.build("dummy", papers_register="")
