"""The gates of the tools around the book, each shown red; what they rest on is in one place."""

import importlib.util
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def load(path):
    """A script as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


floors = load(ROOT / "tests/coverage_floors.py")
release = load(ROOT / ".ci/release.py")


def run(*command, cwd):
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(ROOT / "code")})


# --- style, types, skipped tests

@pytest.fixture
def project(tmp_path):
    """The settings of the tools beside one file."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.mark.parametrize("text, command, says", [
    ("import os\n", [BIN / "ruff", "check", "--no-cache"], "F401"),
    ("x = [1,2]\n", [BIN / "ruff", "format", "--check", "--no-cache"], "reformat"),
    ("def f(x):\n    return x\n", [BIN / "python", "-m", "mypy"], "no-untyped-def"),
    ("def f() -> int:\n    return ''\n", [BIN / "python", "-m", "mypy"], "return-value"),
], ids=["style", "format", "untyped", "type"])
def test_a_file_that_breaks_a_rule_is_red(project, text, command, says):
    (project / "page.py").write_text("x = 1\n", encoding="utf-8")
    green = run(*command, "page.py", cwd=project)
    assert green.returncode == 0, green.stdout + green.stderr
    (project / "page.py").write_text(text, encoding="utf-8")
    red = run(*command, "page.py", cwd=project)
    assert red.returncode == 1 and says in red.stdout


def test_what_is_typed_is_there():
    assert [name for name in PROJECT["tool"]["mypy"]["files"] if not (ROOT / name).exists()] == []


SKIPS = {
    "by itself": "import pytest\ndef test_it():\n    pytest.skip('no tool')\n",
    "by a mark": "import pytest\n@pytest.mark.skipif(True, reason='no tool')\n"
                 "def test_it():\n    0\n",
    "by a fixture": "import pytest\n@pytest.fixture\ndef tool():\n    pytest.skip('no tool')\n"
                    "def test_it(tool):\n    0\n",
}


@pytest.mark.parametrize("text", SKIPS.values(), ids=SKIPS)
def test_a_skipped_test_is_red_in_the_gate(tmp_path, text):
    shutil.copy(ROOT / "conftest.py", tmp_path)
    (tmp_path / "test_it.py").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py"]
    assert run(*command, cwd=tmp_path).returncode == 0
    red = run(*command, "--no-skips", cwd=tmp_path)
    assert red.returncode == 1 and "skipped: Skipped: no tool" in red.stdout


# --- coverage

def report(covered, branches, package="press"):
    summary = {"covered_lines": covered, "num_statements": 10,
               "covered_branches": branches, "num_branches": 10}
    return {"files": {f"code/{package}/a.py": {"summary": summary}}}


def test_lines_and_branches_of_a_package_are_counted_together():
    found = report(10, 9)["files"] | report(7, 4, "papers")["files"]
    assert floors.shares({"files": found}) == {"press": 95.0, "papers": 55.0}


@pytest.mark.parametrize("limits, says", [
    ({"press": 95}, None),
    ({"press": 96}, "press: 95.0 % of its branches, the floor is 96 %"),
    ({}, "press: no floor; it has 95.0 %"),
    ({"press": 95, "gone": 95}, "gone: a floor of 95 %, but nothing of it was measured"),
    ({"press": 89}, "press: a floor of 89 % needs its reason"),
    ({"press": 89, "reasons": {"press": "runs in C"}}, None),
])
def test_a_package_below_its_floor_is_red(tmp_path, limits, says, capsys, monkeypatch):
    path = tmp_path / "coverage.json"
    path.write_text(json.dumps(report(10, 9)), encoding="utf-8")
    lines = [f"{name} = {value}" for name, value in limits.items() if name != "reasons"]
    lines += ["[coverage.reasons]", *(f"{name} = '{why}'" for name, why in
                                      limits.get("reasons", {}).items())]
    (tmp_path / "floors.toml").write_text("\n".join(["[coverage]", *lines]), encoding="utf-8")
    monkeypatch.setattr(floors, "FLOORS", tmp_path / "floors.toml")
    assert floors.main(path) == (1 if says else 0)
    assert (says or "") in capsys.readouterr().err


def test_every_package_has_a_floor():
    limits = tomllib.loads((ROOT / "tests/floors.toml").read_text(encoding="utf-8"))["coverage"]
    packages = {path.parent.name for path in (ROOT / "code").glob("*/__init__.py")}
    assert limits.keys() - {"reasons"} == packages
    assert floors.faults({name: 100.0 for name in packages}, limits) == []


# --- one version

def test_the_version_is_that_of_pyproject_everywhere():
    number = PROJECT["project"]["version"]
    conf = runpy.run_path(str(ROOT / "conf.py"))
    assert conf["version"] == conf["release"] == release.version(ROOT) == number
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert str(cited["version"]) == number
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(r"^## (\S+) \(", changes, re.M)[1] == number
    form = yaml.safe_load((ROOT / ".github/ISSUE_TEMPLATE/wrong-answer.yml").read_text("utf-8"))
    [example] = [one["attributes"]["placeholder"] for one in form["body"] if one["id"] == "version"]
    assert example == number


# --- release

@pytest.fixture
def released(tmp_path):
    """A repository that is ready to be released as 1.2.0."""
    folder = tmp_path / "repository"
    folder.mkdir()
    for name, text in {
        "pyproject.toml": '[project]\nversion = "1.2.0"\n',
        "CITATION.cff": "version: 1.2.0\ndate-released: 2027-01-02\n",
        "CHANGELOG.md": "# Changelog\n\n## 1.2.0 (2027-01-02)\n\n- All.\n\n## 1.1.0 (2026-01-02)\n",
    }.items():
        (folder / name).write_text(text, encoding="utf-8")
    for command in (["init", "-q"], ["add", "."], [
            "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", "All"]):
        release.git(folder, *command)
    return folder


def test_a_repository_in_order_is_ready(released):
    assert release.problems(released) == []


@pytest.mark.parametrize("name, old, new, says", [
    ("CHANGELOG.md", "(2027-01-02)", "(unreleased)", "write the date of the release"),
    ("CHANGELOG.md", "## 1.2.0", "## 1.3.0", "the first heading is not '## 1.2.0 (DATE)'"),
    ("CITATION.cff", "version: 1.2.0", "version: 1.1.0", "version is 1.1.0, not 1.2.0"),
    ("CITATION.cff", "2027-01-02", "2027-01-01", "date-released is 2027-01-01, not 2027-01-02"),
    ("pyproject.toml", "1.2.0", "1.4.0", "version is 1.2.0, not 1.4.0"),
    ("pyproject.toml", "[", "# changed\n[", "not committed"),
])
def test_what_is_not_in_order_stops_the_release(released, name, old, new, says):
    path = released / name
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    assert says in "\n".join(release.problems(released))


def test_a_version_is_released_once(released):
    release.git(released, "tag", "v1.2.0")
    assert release.problems(released) == [
        "the tag v1.2.0 exists already; raise the version in pyproject.toml"]


def test_a_release_lists_what_goes_where_and_misses_nothing(tmp_path):
    (tmp_path / "html").mkdir()
    (tmp_path / "papers").mkdir()
    for name in ("full-marks.pdf", "full-marks.epub", "papers/a.pdf"):
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(FileNotFoundError, match=r"offline\.zip: not built"):
        release.listing(tmp_path, "1.2.0")
    (tmp_path / "full-marks-offline.zip").write_bytes(b"x")
    text = "\n".join(release.listing(tmp_path, "1.2.0"))
    assert re.search(r"^[0-9a-f]{64}  papers/a.pdf  \(beside the tag", text, re.M)
    assert "html  (to the host of the pages" in text and "git tag -a v1.2.0" in text


# --- order of the gates, what starts them

def recipe(target):
    return re.search(rf"^{target}:.*\n((?:\t.*\n)*)", MAKEFILE, re.M)[1]


def test_check_is_all_of_the_gates_the_quick_ones_first():
    gates = re.findall(r"\$\(MAKE\) --no-print-directory (\S+)", recipe("check"))
    assert gates == ["quick", "html", "mutate", "coverage", "site-check"]


def test_the_first_red_gate_ends_the_check(tmp_path):
    # The recipe itself, over gates that only say their names.
    gates = re.findall(r"\$\(MAKE\) --no-print-directory (\S+)", recipe("check"))
    stubs = "".join(f"{gate}:\n\t@echo {gate}{'; exit 1' if gate == 'quick' else ''}\n"
                    for gate in gates)
    (tmp_path / "Makefile").write_text(f"check:\n{recipe('check')}{stubs}", encoding="utf-8")
    done = run("make", "check", cwd=tmp_path)
    assert done.returncode != 0
    assert [line for line in done.stdout.splitlines() if line in gates] == ["quick"]


def test_the_gate_names_what_it_needs_and_cannot_install(tmp_path):
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("bash", "dirname", "id", "make"):
        (folder / name).symlink_to(shutil.which(name))
    done = subprocess.run([ROOT / ".ci/run"], env={"PATH": str(folder)}, capture_output=True,
                          text=True)
    assert done.returncode == 1
    assert re.search(r"the gates need these packages .*: chromium default-jre-headless npm ",
                     done.stdout)


def test_the_hooks_are_valid_and_call_targets_that_there_are():
    assert run(sys.executable, "-m", "pre_commit", "validate-config", cwd=ROOT).returncode == 0
    settings = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    entries = [hook["entry"].split() for one in settings["repos"] for hook in one["hooks"]]
    assert entries and all(recipe(target) for _, target in entries)


def test_the_form_asks_for_part_step_and_version():
    form = yaml.safe_load((ROOT / ".github/ISSUE_TEMPLATE/wrong-answer.yml").read_text("utf-8"))
    required = {one["id"] for one in form["body"]
                if one.get("validations", {}).get("required")}
    assert {"part", "step", "version"} <= required


FILES = {"pip": "pyproject.toml", "npm": "package-lock.json",
         "github-actions": ".github/workflows/site.yml"}


def test_each_kind_of_dependency_is_watched_where_it_is_named():
    updates = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text(encoding="utf-8"))
    watched = {one["package-ecosystem"]: one["directory"] for one in updates["updates"]}
    assert watched.keys() == FILES.keys()
    for kind, folder in watched.items():
        assert (ROOT / folder.strip("/") / FILES[kind]).is_file()


def test_the_workflow_runs_every_supported_python_on_both_systems():
    flow = yaml.safe_load((ROOT / ".github/workflows/site.yml").read_text(encoding="utf-8"))
    matrix = flow["jobs"]["systems"]["strategy"]["matrix"]
    assert matrix["os"] == ["ubuntu-latest", "macos-latest"]
    assert matrix["python"] == ["3.11", "3.12", "3.13", "3.14"]
    lowest = PROJECT["project"]["requires-python"].removeprefix(">=")
    assert lowest == matrix["python"][0]


def test_the_benchmark_copies_all_that_the_settings_read(tmp_path):
    load(ROOT / "benchmarks/build.py").copy_book(tmp_path)
    copied = runpy.run_path(str(tmp_path / "conf.py"))
    assert copied["release"] == PROJECT["project"]["version"]
    pages = (tmp_path / "book").glob("*.md")
    read = {name for page in pages for name in re.findall(r"^`+\{mistakes\} (\S+)",
                                                          page.read_text(encoding="utf-8"), re.M)}
    assert read and all((tmp_path / "book" / name).exists() for name in read)
