"""A second build says what a first one would: records are replaced, dependent pages rewritten."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def pages(built) -> dict[str, str]:
    out = built.folder / "out"
    return {str(path.relative_to(out)): path.read_text() for path in sorted(out.rglob("*.html"))}


EDITS = {
    "the question is repeated in its answer": (
        "papers/a.md",
        "How much is it?",
        "How many are there?",
        "mlp.html",
    ),
    "the stem too": ("papers/a.md", "The stem says", "The stem repeats", "mlp.html"),
    "the short answer is repeated below its question": (
        "mlp.md",
        "It is two.",
        "It is 2.",
        "papers/a.html",
    ),
    "a title stands in the tables": ("papers/a.md", "(a) First", "(a) Primary", "tables.html"),
    "a doctest counts in the evidence": (
        "mlp.md",
        ">>> 2 + 2\n4",
        ">>> 2 + 2\n4\n>>> 3\n3",
        "tables.html",
    ),
}


@pytest.mark.parametrize("name, old, new, page", EDITS.values(), ids=EDITS)
def test_edit_reaches_other_pages(book, tmp_path, name, old, new, page):
    before = pages(book.build())
    book.edit(name, old, new)
    built = book.build()
    assert built.warnings == []
    after = pages(built)
    assert after[page] != before[page]
    (tmp_path / "doctrees" / "environment.pickle").unlink()
    assert after == pages(book.build())


def test_unrelated_edit_leaves_other_pages_alone(book):
    built = book.build()
    written = (built.folder / "out" / "mlp.html").stat().st_mtime_ns
    book.edit("papers/b.md", "# Paper B", "# Paper B\n\nPreface.")
    book.edit("index.md", "# Book", "# Book\n\nPreface.")
    assert book.build().warnings == []
    assert (built.folder / "out" / "mlp.html").stat().st_mtime_ns == written


def test_file_read_again_is_not_counted_twice(book):
    book.build()
    for name in ("mlp.md", "papers/a.md", "papers/b.md", "tables.md"):
        path = book.path(name)
        path.write_text(path.read_text(encoding="utf-8") + "\n%\n", encoding="utf-8")
    assert book.build().warnings == []


def test_fault_in_a_file_that_is_not_read_again_is_repeated(book):
    book.edit("mlp.md", "- 1/2: simplifies", "- 1: simplifies")
    first = book.build().warnings
    book.edit("papers/b.md", "Explain it.", "Explain that.")
    assert first and book.build().warnings == first


def test_moved_answer_is_not_found_at_its_old_place(book):
    book.build()
    text = book.path("mlp.md").read_text(encoding="utf-8")
    start = text.index("## B1: Explain")
    book.path("mlp.md").write_text(text[:start], encoding="utf-8")
    book.path("attention.md").write_text("# Attention\n\n" + text[start:], encoding="utf-8")
    book.edit("index.md", "mlp\n", "mlp\nattention\n")
    book.edit("register.csv", "B1,B,,explain,mlp", "B1,B,,explain,attention")
    built = book.build()
    assert built.warnings == []
    assert "../attention.html#B1" in built.page("papers/b.html")


def test_removed_answer_is_missed_though_its_question_is_not_read_again(book):
    book.build()
    text = book.path("mlp.md").read_text(encoding="utf-8")
    book.path("mlp.md").write_text(text[: text.index("## B1: Explain")], encoding="utf-8")
    assert book.build().warnings == [
        "papers/b.md:8: WARNING: part B1: no chapter answers it [papers.unanswered]"
    ]


def test_edit_of_the_register_alone_is_checked(book):
    book.build()
    book.edit("register.csv", "B1,B,,explain", "B1,B,,compare")
    assert book.build().warnings == [
        "papers/b.md:8: WARNING: question B1: kind 'explain', the register has 'compare' "
        "[papers.kind]"
    ]


def test_parallel_build_gives_the_same_pages(book, tmp_path):
    book.edit("mlp.md", ":::{checked} 7\n:::\n\n", "")
    book.edit("mlp.md", ":::{answer} A2\n:::", ":::{answer} A2\n:unchecked: in words\n:::")
    for i in range(8):  # Sphinx reads in parallel from some number of files on
        book.path(f"more{i}.md").write_text(f"# More {i}\n\n{{part}}`A1a`\n", encoding="utf-8")
    book.edit("index.md", "mlp\n", "mlp\n" + "".join(f"more{i}\n" for i in range(8)))
    settings = book.settings | {"extensions": book.settings["extensions"][:-1]}
    conf = "".join(f"{name} = {value!r}\n" for name, value in settings.items())
    book.path("conf.py").write_text(conf, encoding="utf-8")
    found = []
    for jobs in ("1", "3"):
        out = tmp_path / jobs
        command = [
            sys.executable,
            "-m",
            "sphinx",
            "-W",
            "-q",
            "-j",
            jobs,
            "-d",
            tmp_path / f"d{jobs}",
        ]
        subprocess.run(
            [*command, tmp_path / "book", out],
            check=True,
            env=os.environ | {"PYTHONPATH": str(ROOT / "code"), "SOURCE_DATE_EPOCH": "0"},
        )
        found.append({p.name: p.read_text() for p in sorted(out.rglob("*.html"))})
    assert found[0] == found[1]
    assert "Because of" in found[1]["a.html"]
