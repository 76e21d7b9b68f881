"""The book is the same whatever the shell exports, wherever it lies, and whoever builds it."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FRENCH = "fr_FR.UTF-8"

# What a shell may export: name, value, and what a program sees that the Makefile starts.
HOSTILE = [
    ("LANG", FRENCH, None),
    ("LC_ALL", FRENCH, "C.UTF-8"),
    ("LC_NUMERIC", FRENCH, None),
    ("LC_CTYPE", "C", None),
    ("LC_TIME", FRENCH, None),
    ("LANGUAGE", "fr", None),
    ("TZ", "Pacific/Apia", "UTC"),
    ("SOURCE_DATE_EPOCH", "1", "1767225600"),
    ("PYTHONOPTIMIZE", "2", None),
    ("PYTHONWARNINGS", "error", None),
    ("PYTHONSTARTUP", "/nowhere/startup.py", None),
    ("PYTHONINSPECT", "1", None),
    ("PYTHONHOME", "/nowhere", None),
    ("PYTHONIOENCODING", "latin-1:replace", None),
    ("PYTHONUTF8", "0", "1"),
    ("PYTHONHASHSEED", "random", "0"),
    ("PYTHONDEVMODE", "1", None),
    ("PYTHONSAFEPATH", "1", None),
    ("PYTHONPATH", "/nowhere", ...),
    ("PYTHONUSERBASE", "/nowhere", None),
    ("PYTHONPYCACHEPREFIX", "/nowhere", None),
    ("PYTHON_COLORS", "1", None),
    ("PYTEST_ADDOPTS", "--collect-only", None),
    ("COVERAGE_FILE", "/nowhere", ...),
    ("COLUMNS", "20", None),
    ("LINES", "7", None),
    ("WORD", "mlp", None),
    ("JOBS", "none", None),
    ("PAPER", "us-letter", None),
    ("PORT", "1", None),
    ("NO_COLOR", "1", None),
    ("FORCE_COLOR", "1", None),
    ("CLICOLOR_FORCE", "1", None),
    ("SPHINXOPTS", "-t draft", None),
    ("MPLBACKEND", "TkAgg", None),
    ("MPLCONFIGDIR", "/nowhere", None),
    ("MATPLOTLIBRC", "/nowhere", None),
    ("IPYTHONDIR", "/nowhere", None),
    ("JUPYTER_PATH", "/nowhere", None),
    ("JUPYTER_CONFIG_DIR", "/nowhere", None),
    ("XDG_CONFIG_HOME", "/nowhere", None),
    ("XDG_CACHE_HOME", "/nowhere", None),
    ("OMP_NUM_THREADS", "7", "1"),
    ("OPENBLAS_CORETYPE", "Prescott", None),
    ("MKL_CBWR", "COMPATIBLE", None),
    ("ATEN_CPU_CAPABILITY", "default", None),
    ("TORCH_LOGS", "all", None),
    ("TYPST_FONT_PATHS", "/nowhere", None),
    ("DOCUTILSCONFIG", "/nowhere", None),
    ("CDPATH", "/", None),
    ("PIP_USER", "1", None),
    ("PIP_TARGET", "/nowhere", None),
    ("PIP_PREFIX", "/nowhere", None),
    ("RUFF_CACHE_DIR", "/nowhere", ...),
    ("MYPY_CACHE_DIR", "/nowhere", ...),
    ("HYPOTHESIS_STORAGE_DIRECTORY", "/nowhere", ...),
    ("JAVA_TOOL_OPTIONS", "-Dfile.encoding=latin1", None),
    ("NODE_OPTIONS", "--trace-warnings", None),
    ("BASH_FUNC_of(odd%%", "() { :; }", None),
]
MATPLOTLIBRC = "axes.facecolor: black\nsvg.fonttype: path\nfont.size: 30\n"
STARTUP = "raise SystemExit('a profile of the caller was read')\n"


def environment(**changes):
    """The environment of a caller who exports nothing of his own."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return {**kept, "HOME": "/", **changes}


def make(folder, *arguments, env=None, **options):
    return subprocess.run(["make", *arguments], cwd=folder, env=environment(**env or {}),
                          capture_output=True, text=True, encoding="utf-8", **options)


@pytest.fixture(scope="module")
def french(tmp_path_factory):
    """A folder with a French locale, which writes numbers with a comma."""
    folder = tmp_path_factory.mktemp("locales")
    if shutil.which("localedef"):
        subprocess.run(["localedef", "-i", "fr_FR", "-f", "UTF-8", str(folder / FRENCH)])
    code = f"import locale; locale.setlocale(locale.LC_ALL, {FRENCH!r}); print(f'{{1.5:n}}')"
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          env=environment(LOCPATH=str(folder)))
    if seen.stdout != "1,5\n":
        pytest.skip("no French locale here, and no localedef makes one (apt-get install locales)")
    return folder


def clone(folder):
    """The Makefile and the tiny book, with an environment that counts as installed."""
    shutil.copytree(ROOT / "tests/gates", folder, dirs_exist_ok=True,
                    ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "book/_static", folder / "book/_static", dirs_exist_ok=True)
    for name in ("Makefile", "requirements.lock"):
        shutil.copy(ROOT / name, folder)
    for package in ("press", "typeset"):
        (folder / "code" / package).symlink_to(ROOT / "code" / package)
    (folder / "book/terms.txt").write_text("", encoding="utf-8")
    (folder / "root").write_text(str(ROOT), encoding="utf-8")
    # The tests run in an environment; another may not be there.
    (folder / ".venv/bin").mkdir(parents=True)
    python = folder / ".venv/bin/python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    shutil.copy(ROOT / "requirements.lock", folder / ".venv/installed.lock")
    return folder


def outputs(build):
    """Hash and readability of every file that `make site` hands out."""
    files = [path for path in sorted((build / "html").rglob("*"))
             if path.is_file() and path.name[0] != "."]  # what the next build reads
    files += [build / f"full-marks{end}" for end in (".pdf", ".epub", "-offline.zip")]
    return {str(path.relative_to(build)): (hashlib.sha256(path.read_bytes()).hexdigest(),
                                           oct(path.stat().st_mode & 0o777)) for path in files}


def differences(one, other):
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """What the tiny book gives in a shell that exports nothing."""
    folder = clone(tmp_path_factory.mktemp("plain"))
    done = make(folder, "site")
    assert done.returncode == 0, done.stdout + done.stderr
    return outputs(folder / "build")


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """The environment of a program that the Makefile starts in the worst of shells."""
    folder = tmp_path_factory.mktemp("probe")
    (folder / "probe.mk").write_text("probe:\n\t@env -0\n", encoding="utf-8")
    done = make(folder, "-f", str(ROOT / "Makefile"), "-f", "probe.mk", "probe",
                env={name: value for name, value, _ in HOSTILE})
    assert done.returncode == 0, done.stderr
    return dict(entry.split("=", 1) for entry in done.stdout.split("\0") if entry)


@pytest.mark.parametrize("name, value, expected", HOSTILE, ids=lambda value: str(value)[:40])
def test_no_program_sees_what_the_shell_exports(seen, name, value, expected):
    found = seen.get(name)
    assert found != value
    if expected is not ...:
        assert found == expected


def test_what_must_pass_passes(tmp_path):
    passed = {"https_proxy": "http://localhost:1", "PIP_INDEX_URL": "x", "BOOK_URL": "x",
              "SSL_CERT_FILE": "x", "CHROMIUM": "x", "TMPDIR": str(tmp_path)}
    (tmp_path / "probe.mk").write_text("probe:\n\t@env -0\n", encoding="utf-8")
    done = make(tmp_path, "-f", str(ROOT / "Makefile"), "-f", "probe.mk", "probe", env=passed)
    assert passed.items() <= dict(one.split("=", 1) for one in done.stdout.split("\0")[:-1]).items()


def test_the_worst_of_shells_builds_the_same_book(tmp_path, reference, french):
    folder, home = clone(tmp_path / "a folder, with é and spaces"), tmp_path / "home"
    for name, text in {
        ".config/matplotlib/matplotlibrc": MATPLOTLIBRC,
        ".matplotlib/matplotlibrc": MATPLOTLIBRC,
        ".ipython/profile_default/startup/00.py": STARTUP,
        ".docutils": "[general]\ntitle: of the caller\n",
        ".npmrc": "ignore-scripts=false\n",
        ".pydistutils.cfg": "[install]\nprefix=/nowhere\n",
        "usercustomize.py": STARTUP,
    }.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    temporary = home / "temporary files" / "deep" / ("long" * 20)
    temporary.mkdir(parents=True)
    hostile = {name: value for name, value, _ in HOSTILE}
    done = make(folder, "site", umask=0o077, env={
        **hostile, "HOME": str(home), "TMPDIR": str(temporary), "LOCPATH": str(french)})
    assert done.returncode == 0, done.stdout + done.stderr
    assert differences(outputs(folder / "build"), reference) == []


def test_a_folder_for_temporary_files_that_is_none(tmp_path, reference):
    folder = clone(tmp_path)
    done = make(folder, "site", env={"TMPDIR": "nowhere"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert differences(outputs(folder / "build"), reference) == []


def test_built_elsewhere_nothing_is_written_beside_the_sources(tmp_path, reference):
    folder = clone(tmp_path / "checkout")
    before = {path for path in folder.rglob("*")}
    elsewhere = tmp_path / "some other place"
    done = make(folder, "site", f"BUILD={elsewhere}", env={"PYTHONDONTWRITEBYTECODE": "1"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert {path for path in folder.rglob("*") if "__pycache__" not in path.parts} == before
    assert differences(outputs(elsewhere), reference) == []


@pytest.fixture
def shared():
    """A folder below which everybody may look, and the user who may not write there."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        root = os.geteuid() == 0
        yield folder, {"user": 65534, "group": 65534} if root else {}
        for path in [folder, *folder.rglob("*")]:
            path.chmod(path.stat().st_mode | 0o200)


def test_a_checkout_that_cannot_be_written_says_in_one_line_where_to_build(shared):
    folder, other = shared
    for name in ("Makefile", "requirements.lock"):
        shutil.copy(ROOT / name, folder)
    folder.chmod(0o555)
    done = make(folder, "html", **other)
    assert done.returncode != 0
    lines = [line for line in done.stdout.splitlines() if line.startswith("make: ")]
    assert lines == ['make: this folder cannot be written; build elsewhere: make html '
                     'BUILD="//full-marks/build" VENV="//full-marks/venv"']


@pytest.mark.parametrize("variable", ["BUILD", "VENV"])
def test_a_folder_that_holds_other_things_is_left_alone(tmp_path, variable):
    folder, other = tmp_path / "checkout", tmp_path / "other things"
    folder.mkdir()
    other.mkdir()
    (other / "letter.txt").write_text("dear", encoding="utf-8")
    for name in ("Makefile", "requirements.lock"):
        shutil.copy(ROOT / name, folder)
    for target in ("html", "clean"):
        if (variable, target) != ("VENV", "clean"):
            done = make(folder, target, f"{variable}={other}")
            assert done.returncode != 0
            assert f"make: {other} " in done.stdout
    assert [path.name for path in other.iterdir()] == ["letter.txt"]


FORMULA = r"""
import locale
from typeset import katex
locale.setlocale(locale.LC_ALL, "")
print(katex.render(r"\rule{1.5em}{0.25em}\frac{1.5}{x}\kern{0.5em}", display=True))
assert locale.setlocale(locale.LC_NUMERIC) == locale.setlocale(locale.LC_TIME)
"""


def test_a_formula_is_the_same_where_numbers_have_a_comma(french):
    def set_in(name):
        env = environment(LOCPATH=str(french), LC_ALL=name, PYTHONPATH=str(ROOT / "code"))
        return subprocess.run([sys.executable, "-c", FORMULA], env=env, capture_output=True,
                              text=True, check=True).stdout

    assert set_in(FRENCH) == set_in("C")
