"""Edits within modules: a run is repeated where the result may differ, and mostly only there.

Each row edits a module of a small project. What is then given for its cells, from the store or by
running, must be what running from nothing gives; the row says whether they have to run. Rows that
must not run show that the edit of a function that was not called costs nothing.
"""

import random
from types import SimpleNamespace

import pytest
from edits import EDITS
from execution import sources
from execution.pool import Pool
from execution.store import Store
from execution.tracing import Observer, digest

F = "def f():\n    return 1\n"


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("pool"))
    with Pool(store, ["numpy"], 2) as pool:
        yield pool


class Project:
    """Modules in a folder and cells that use them, with or without a store."""

    def __init__(self, folder, pool):
        self.folder, self.pool = folder, pool
        (folder / "code").mkdir(parents=True)
        self.store = Store(folder / "store")

    def write(self, name, text):
        path = self.folder / f"code/{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def execute(self, cell):
        """Run a cell; return its outcome."""
        root, code = str(self.folder), str(self.folder / "code")
        job = {
            "kind": "cells", "cells": [{"source": cell, "tags": ["raises-exception"]}],
            "cwd": root, "root": root, "folders": [code],
            "apart": [str(self.store.folder)], "modules": str(self.store.modules), "limit": 30,
            "memory": 0, "programs": False, "allow_errors": False, "text": 10_000, "data": 10_000,
        }  # fmt: skip
        [(_, outcome)] = self.pool.run([job])
        return outcome

    def result(self, cell):
        """What the cell shows, and whether it had to run."""
        key = digest(cell)
        observer = Observer(self.folder, self.store.modules)
        if stored := self.store.find(key, observer):
            return self.store.load(key, stored.variant), False
        outcome = self.execute(cell)
        observed = outcome.pop("observed")
        outcome = {name: outcome[name] for name in ("outputs", "failures", "problems")}
        if observed is not None and not outcome["failures"] + outcome["problems"]:
            self.store.put(key, observed, {}, outcome)
        return outcome, True


@pytest.fixture
def project(tmp_path, pool):
    return Project(tmp_path / "project", pool)


@pytest.mark.parametrize("name", EDITS)
def test_edit_gives_what_running_from_nothing_gives(name, project, tmp_path, pool):
    edit = EDITS[name]
    for other, text in {"m": edit.before, **edit.others}.items():
        project.write(other, text)
    first, ran = project.result(edit.cell)
    assert ran
    assert first["failures"] + first["problems"] == []
    assert project.result(edit.cell) == (first, False)
    clean = Project(tmp_path / "clean", pool)
    for other, text in {"m": edit.after, **edit.others, **edit.new}.items():
        project.write(other, text)
        clean.write(other, text)
    again, ran = project.result(edit.cell)
    assert plain(again) == plain(clean.result(edit.cell)[0])
    assert ran == edit.runs


def plain(outcome):
    return str(sorted(outcome.items())).replace("project/", "").replace("clean/", "")


def test_rows_of_the_table_tell_something(project):
    """Of the edits that must run, most change the result: the table would find a stale one."""
    kept = []
    for name, edit in EDITS.items():
        if edit.runs and edit.before != edit.after and not edit.new:
            project.write("m", edit.before)
            for other, text in edit.others.items():
                project.write(other, text)
            before = project.execute(edit.cell)
            project.write("m", edit.after)
            after = project.execute(edit.cell)
            if [before[k] for k in ("outputs", "failures", "problems")] == [
                after[k] for k in ("outputs", "failures", "problems")
            ]:
                kept.append(name)
    assert len(kept) <= 12, kept


def generated(generator, functions):
    """A module of functions that call one another, without cycles, and constants."""
    calls = {
        k: generator.sample(range(k), min(k, generator.randrange(3))) for k in range(functions)
    }
    values = [generator.randrange(100) for _ in range(functions)]

    def text():
        parts = []
        for k in range(functions):
            terms = [str(values[k]), *(f"f{j}()" for j in calls[k])]
            lines = [f"    x = {' + '.join(terms)}", "    return x"]
            lines[1:1] = ["    x += 0"] * (values[k] % 3)
            parts.append("\n".join([f"def f{k}():", *lines, ""]))
        return "\n\n".join(parts)

    def reached(k):
        return {k}.union(*(reached(j) for j in calls[k]))

    return SimpleNamespace(text=text, values=values, reached=reached)


@pytest.mark.parametrize("seed", range(6))
def test_generated_modules(seed, project):
    """Of random call graphs, the functions that a cell reaches are those that count."""
    generator = random.Random(seed)
    module = generated(generator, 12)
    cells = [f"import m\nm.f{k}()" for k in generator.sample(range(12), 3)]
    project.write("m", module.text())
    assert all(project.result(cell)[1] for cell in cells)
    for _ in range(4):
        changed = generator.randrange(12)
        module.values[changed] += generator.randrange(1, 50)
        project.write("m", module.text())
        for cell in cells:
            outcome, ran = project.result(cell)
            assert ran == (changed in module.reached(int(cell.rpartition("f")[2][:-2])))
            assert plain(outcome) == plain({k: project.execute(cell)[k] for k in outcome})


def test_a_damaged_module_is_compiled_again(project):
    project.write("m", F)
    project.result("import m\nm.f()")
    for path in project.store.modules.iterdir():
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert project.execute("import m\nm.f()")["failures"] == []


def test_sources_know_their_parts(tmp_path):
    text = 'def f():\n    """One."""\n\n\nclass C:\n    def f(self):\n        def g(): pass\n'
    first = sources.read(text.encode(), "m.py", tmp_path)
    assert sorted(first.parts) == ["", "C.f", "f"]
    assert sources.read(text.encode(), "m.py", tmp_path).parts == first.parts
    assert len(list(tmp_path.iterdir())) == 1
    namespace = {}
    seen = []
    exec(first.code_that_tells(seen.append), namespace)
    assert (namespace["f"].__doc__, namespace["C"].f.__doc__, seen) == ("One.", None, [])
    for _ in range(2):
        namespace["f"]()
        namespace["C"]().f()
    assert seen == ["f", "C.f"]
