"""Calls of functions as runs: derivations are judged again where they may turn out otherwise."""

import json
import re
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from anchors import ANCHORS, DERIVATION
from execution import tasks
from execution.pool import Pool
from execution.store import Store
from execution.tracing import Observer

CODE = Path(__file__).parents[2] / "code"
JUDGE = {"what": "derivation", "function": "texcheck.judged:derivation", "line": 1,
         "package": str(CODE / "texcheck"), "version": "1",
         "arguments": {"text": DERIVATION, "title": "Twice", "label": "der-twice",
                       "packages": ["lesson", "torch"]}}


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    with Pool(Store(tmp_path_factory.mktemp("pool")), ["numpy", "torch"], 2) as pool:
        yield pool


class Project:
    """A package in a folder, and a derivation that is tied to it, with or without a store."""

    def __init__(self, folder, pool):
        self.folder, self.pool = folder, pool
        self.store = Store(folder / "store")
        self.write({"__init__.py": ""})

    def write(self, files):
        for name, text in files.items():
            path = self.folder / "code/lesson" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def judged(self, asked=JUDGE):
        """The errors of the derivation, and whether it had to be judged."""
        task = tasks.call("page", self.folder / "page.md", asked, 60)
        if stored := self.store.find(task.content, Observer(self.folder, self.store.modules)):
            return self.store.load(task.content, stored.variant)["value"]["errors"], False
        job = {
            **task.job, "root": str(self.folder), "folders": [str(self.folder / "code")],
            "apart": [str(self.store.folder)], "modules": str(self.store.modules),
            "memory": 0, "programs": False,
        }  # fmt: skip
        [(_, outcome)] = self.pool.run([job])
        assert outcome["failures"] == []
        errors = outcome["value"]["errors"]
        if not errors:
            self.store.put(task.content, outcome.pop("observed"), {}, outcome)
        return errors, True


@pytest.mark.parametrize("name", ANCHORS)
def test_edit_gives_what_judging_from_nothing_gives(name, tmp_path, pool):
    edit = ANCHORS[name]
    project = Project(tmp_path / "project", pool)
    project.write({"m.py": edit.before, **edit.others})
    if "listdir" in edit.before:
        assert len(edit.others) == 0  # two files give the factor
    assert project.judged() == ([], True)
    assert project.judged() == ([], False)
    project.write({"m.py": edit.after, **edit.new})
    clean = Project(tmp_path / "clean", pool)
    clean.write({"m.py": edit.after, **edit.others, **edit.new})
    wanted, _ = clean.judged()
    errors, judged = project.judged()
    assert errors == wanted
    assert (judged, not errors) == (edit.judged, edit.holds)


def test_the_table_has_both_kinds():
    free = [edit for edit in ANCHORS.values() if not edit.judged]
    assert len(free) >= 8 and len(ANCHORS) - len(free) >= 40


def test_what_is_called_is_not_what_a_cell_imports(tmp_path, pool):
    """A cell that runs after a call imports the package itself, and what it reads is observed."""
    project = Project(tmp_path, pool)
    (tmp_path / "code/tool").mkdir()
    text = "def f(n):\n    return {'n': n, 'errors': []}\n"
    (tmp_path / "code/tool/__init__.py").write_text(text)
    common = {
        "root": str(tmp_path), "folders": [str(tmp_path / "code")], "apart": [], "limit": 30,
        "modules": str(project.store.modules), "memory": 0, "programs": False, "cwd": None,
    }  # fmt: skip
    called = {"kind": "call", "function": "tool:f", "arguments": {"n": 3},
              "package": str(tmp_path / "code/tool")}
    cell = {"kind": "cells", "cells": [{"source": "import tool\ntool.f(1)", "tags": []}],
            "allow_errors": False, "text": 1000, "data": 1000}
    outcomes = [outcome for job in (called, cell, called)
                for _, outcome in pool.run([{**common, **job}])]
    assert [outcome["failures"] for outcome in outcomes] == [[], [], []]
    assert outcomes[0]["value"] == {"n": 3, "errors": []}
    assert not any("tool/" in question for question in outcomes[0]["observed"])
    assert any(question.startswith("source:code/tool/") for question in outcomes[1]["observed"])


# --- in a book

BLOCK = r"""
:::{{derivation}} Twice
:label: der-{0}
let: x \in \mathbb{{R}}
def: g(u) = {1}u
code: g(x) == lesson.m.f(x)
claim: g(x)
= x + x
:::
"""


def fill(book):
    """Chapters with derivations, and one with a cell."""
    conf = book.folder / "conf.py"
    conf.write_text(conf.read_text() + """
extensions += ["typeset", "texcheck.directive"]
html_math_renderer = "katex"
myst_enable_extensions = ["colon_fence", "dollarmath"]
execution_calls = ["texcheck.directive:wanted"]
texcheck_obtain = "execution:obtain"
""")
    book.write("code/lesson/__init__.py", "")
    book.write("code/lesson/m.py", "def f(x):\n    return 2 * x\n\n\ndef g():\n    return 3\n")
    for name in "abc":
        book.write(f"book/chapters/{name}.md", "# A chapter\n" + BLOCK.format(f"{name}-1", 2)
                   + "\nWords.\n" + BLOCK.format(f"{name}-2", 2))
    book.chapter("cell", "from lesson import m\nm.g()")
    mistakes = {"topic": "twice", "source": "here", "kind": "factor",
                "wrong_block": "let: x \\in \\mathbb{R}\nclaim: x + x\n= 3x",
                "right_block": "let: x \\in \\mathbb{R}\nclaim: x + x\n= 2x"}
    book.write("mistakes.jsonl", json.dumps(mistakes) + "\n")
    book.write("book/chapters/wrong.md", "# Mistakes\n\n```{mistakes} ../../mistakes.jsonl\n```\n")


@contextmanager
def without_checker():
    """As in a process that has not imported the checker; what is imported inside goes again."""
    def names():
        return [name for name in sys.modules if name.partition(".")[0] == "texcheck"]

    kept = {name: sys.modules.pop(name) for name in names()}
    try:
        yield
    finally:
        for name in names():
            del sys.modules[name]
        sys.modules.update(kept)



def test_parts_from_several_machines_make_a_whole(book, tmp_path_factory):
    """Zero runs are left, and nothing is judged: the judge is not even imported."""
    fill(book)
    done = []
    for number in (1, 2, 3):
        machine = tmp_path_factory.mktemp("machine") / "a folder"
        shutil.copytree(book.folder, machine)
        status, said = book.execution("results", "--shard", f"{number}/3", folder=machine)
        assert status == 0, said
        done.append(re.findall(r"^execution: (\w+) chapters/(\w+)", said, re.MULTILINE))
        shutil.copytree(
            machine / "build/executed/results", book.folder / "build/executed/results",
            dirs_exist_ok=True,
        )  # fmt: skip
    assert sorted(one for part in done for one in part) == sorted([
        *(("derivation", name) for name in "aabbcc"), ("cells", "cell"), ("mistake", "wrong")])
    assert sum(any(kind == "derivation" for kind, _ in part) for part in done) > 1
    with without_checker():
        built = book.build()
        loaded = set(sys.modules)
    assert (built.ran, built.warnings) == (set(), "")
    assert "execution: 0 to run, 8 from the store" in built.log
    assert "texcheck.directive" in loaded and "texcheck.judged" not in loaded
    assert not (book.folder / "build/derivations").exists()
    assert "1 of 1 printed mistakes are refused" in book.page("chapters/wrong")
    assert book.page("chapters/a").count('class="tick"') == 2


def test_what_runs_after_edits(book):
    fill(book)
    assert book.build().warnings == ""
    assert book.build().ran == set()
    module = book.folder / "code/lesson/m.py"
    module.write_text(module.read_text().replace("return 3", "return 4"))
    assert book.build().ran == {"cells cell"}
    module.write_text(module.read_text().replace("2 * x", "x * 2"))
    assert book.build().ran == {"derivation a", "derivation b", "derivation c"}
    path = book.folder / "book/chapters/a.md"
    path.write_text(path.read_text().replace("\nWords.", "\nMore\nwords.\n"))
    assert book.build().ran == set()
    path.write_text(path.read_text().replace("= x + x\n:::\n\nMore", "= 2x\n:::\n\nMore"))
    changed = book.build()
    assert changed.ran == {"derivation a"} and "execution: 1 to run" in changed.log


def test_what_does_not_hold_is_said_at_its_line_each_time(book):
    fill(book)
    book.write("book/chapters/b.md", "# B\n" + BLOCK.format("b-1", 3) + BLOCK.format("b-2", 2))
    for _ in range(2):
        said = book.build().warnings
        assert re.findall(r"^book/chapters/(\w+\.md:\d+): ERROR: der-b-1", said, re.MULTILINE) == [
            "b.md:7", "b.md:9"]
        assert "der-b-2" not in said
    status, said = book.execution("results")
    assert status == 1
    assert re.search(r"book/chapters/b\.md:7: .*der-b-1", said), said


def test_a_call_that_dies_is_reported_at_its_line(book):
    fill(book)
    book.write("code/lesson/m.py", "import os\n\n\ndef f(x):\n    os._exit(3)\n")
    said = book.build().warnings
    assert re.search(r"book/chapters/a\.md:5: WARNING: left with exit status 3", said), said
