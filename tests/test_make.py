"""What `make` says, above all when something is missing."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent

# What `python -m venv` does, as far as make can see.
ENVIRONMENT = 'mkdir -p .venv/bin && touch .venv/pyvenv.cfg && cp "$0" .venv/bin/python'


@pytest.fixture
def clone(tmp_path):
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copyfile(ROOT / name, tmp_path / name)  # whose mode may be read-only
    return tmp_path


def make(folder, *arguments):
    # Not as a part of the `make` that may have started the tests, nor with its folders.
    its = ("MAKE", "VENV", "BUILD", "PYTHON", "TORCH_PIP", "CALLER_HOME")
    alone = {name: value for name, value in os.environ.items() if not name.startswith(its)}
    return subprocess.run(["make", *arguments], cwd=folder, env=alone, capture_output=True,
                          text=True)


def fake_python(folder, script):
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return f"PYTHON={path}"


def test_make_alone_lists_every_target(clone):
    done = make(clone)
    listed = re.findall(r"^make ([\w-]+) ", done.stdout, re.M)
    [phony, *_] = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.M)
    assert done.returncode == 0
    assert sorted(listed) == sorted(phony.split())


@pytest.mark.parametrize("script, says", [
    ('[ "$1" = --version ] && echo Python 3.9.2; exit 1',
     "Python 3.9.2 is too old; the book needs Python 3.11 or later"),
    ('case "$2" in *ensurepip*) exit 1;; esac',
     "this Python lacks the venv module; on Debian and Ubuntu install python3-venv"),
])
def test_a_python_that_will_not_do_is_named_in_one_line(clone, script, says):
    done = make(clone, "html", fake_python(clone, script))
    assert done.returncode != 0
    lines = [line for line in done.stdout.splitlines() if line.startswith("make: ")]
    assert len(lines) == 1 and says in lines[0]


def test_no_python_at_all(clone):
    done = make(clone, "html", "PYTHON=python-that-is-not-here")
    assert done.returncode != 0
    assert "make: no python-that-is-not-here here; install Python 3.11" in done.stdout


def test_without_network_the_last_line_says_what_to_do(clone):
    # An interpreter that makes an environment whose pip finds nothing.
    script = (f'case "$*" in *"-m venv"*) {ENVIRONMENT};; '
              '*" install "*) exit 1;; *" --version"*) [ -e .venv/bin/python ];; esac')
    done = make(clone, "html", fake_python(clone, script))
    assert done.returncode != 0
    last = [line for line in done.stdout.splitlines() if line.startswith("make: ")][-1]
    assert "is there a network? Run the same command again to go on" in last
    assert not (clone / ".venv/installed.lock").exists()


def test_an_interrupted_set_up_is_repaired_and_then_left_alone(clone):
    script = (f'case "$*" in *"-m venv"*) {ENVIRONMENT};; '
              '*" install "*) echo "$*" >> installs; [ ! -e broken ];; esac')
    python = fake_python(clone, script)
    (clone / "broken").touch()
    assert make(clone, "setup", python).returncode != 0
    (clone / "broken").unlink()
    assert make(clone, "setup", python).returncode == 0
    installs = (clone / "installs").read_text().splitlines()
    assert "torch==" in installs[0] and "torch==" in installs[1]
    assert "--require-hashes" in installs[2]
    assert make(clone, "setup", python).stdout == ""
    assert (clone / "installs").read_text().splitlines() == installs
    with (clone / "requirements.lock").open("a") as lock:
        lock.write("# changed\n")
    assert make(clone, "setup", python).returncode == 0
    assert len((clone / "installs").read_text().splitlines()) == len(installs) + 2


def test_fast_wants_a_word_that_is_a_chapter():
    assert "say which chapter" in make(ROOT, "fast").stdout
    wrong = make(ROOT, "fast", "WORD=perceptron")
    assert wrong.returncode != 0
    assert "no chapter book/perceptron.md; there are:" in wrong.stdout and "mlp" in wrong.stdout


def locked():
    text = (ROOT / "requirements.lock").read_text()
    return re.findall(r"^([A-Za-z0-9_.-]+)==([^ \\;\n]+)", text, re.M)


def test_the_lock_holds_a_version_in_every_range():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = map(Requirement, project["dependencies"] + extras["book"] + extras["test"])
    versions = {}
    for name, version in locked():
        versions.setdefault(name.lower().replace("_", "-"), []).append(version)
    for requirement in wanted:
        for version in versions[requirement.name.lower()]:
            assert requirement.specifier.contains(version), f"{requirement} but {version}"


def test_the_lock_has_a_hash_for_all_but_torch():
    text = (ROOT / "requirements.lock").read_text()
    entries = re.split(r"^(?=[A-Za-z0-9_.-]+==)", text, flags=re.M)[1:]
    bare = [entry.split("==")[0] for entry in entries if "--hash=sha256:" not in entry]
    assert bare == ["torch"]
