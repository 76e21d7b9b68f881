"""``python .ci/release.py ready`` and ``list BUILD``: what a release needs, and where it goes."""

import hashlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
# What is handed out, below the build folder, and where it goes.
GOES = {
    "html": "to the host of the pages, as it is",
    "full-marks.pdf": "beside the tag",
    "full-marks.epub": "beside the tag",
    "full-marks-offline.zip": "beside the tag",
    "papers/*.pdf": "beside the tag, for teachers",
}


def version(root: Path) -> str:
    """The version in ``pyproject.toml``, the one place where it is set."""
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    return str(tomllib.loads(text)["project"]["version"])


def problems(root: Path) -> list[str]:
    """What must be put right before a release, a line each."""
    number, found = version(root), []
    log = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## (\S+) \((.*)\)$", log, re.M)
    date = newest[2] if newest else ""
    if not newest or newest[1] != number:
        found.append(f"CHANGELOG.md: the first heading is not '## {number} (DATE)'")
    elif not re.fullmatch(r"\d{4}-\d\d-\d\d", date):
        found.append(f"CHANGELOG.md: {number} is '{date}'; write the date of the release")
    cited = (root / "CITATION.cff").read_text(encoding="utf-8")
    for key, value in (("version", number), ("date-released", date)):
        line = re.search(rf"^{key}: (.*)$", cited, re.M)
        if not line or line[1] != value:
            found.append(f"CITATION.cff: {key} is {line[1] if line else 'missing'}, not {value}")
    if git(root, "status", "--porcelain"):
        found.append("there are changes that are not committed: git status lists them")
    if git(root, "tag", "--list", f"v{number}"):
        found.append(f"the tag v{number} exists already; raise the version in pyproject.toml")
    return found


def git(root: Path, *arguments: str) -> str:
    """What git says."""
    return subprocess.run(
        ["git", *arguments], cwd=root, capture_output=True, text=True, check=True
    ).stdout


def listing(build: Path, number: str) -> list[str]:
    """A line for each thing that is handed out: its hash, its name, where it goes.

    Raises
    ------
    FileNotFoundError
        If one of them is missing.
    """
    lines = []
    for pattern, place in GOES.items():
        paths = sorted(build.glob(pattern))
        if not paths:
            raise FileNotFoundError(f"{build / pattern}: not built")
        for path in paths:
            single = path.is_file()
            digest = hashlib.sha256(path.read_bytes()).hexdigest() if single else f"{'folder':64}"
            lines.append(f"{digest}  {path.relative_to(build)}  ({place})")
    return [
        *lines,
        f"Then: git tag -a v{number} -m 'Full Marks {number}' && git push origin v{number}",
        "After it: raise the version in pyproject.toml and CITATION.cff, and open its section in "
        "CHANGELOG.md as (unreleased)",
    ]


def main(arguments: list[str]) -> int:
    """Run a command; 1 if something is to be put right first."""
    if arguments == ["ready"]:
        found = problems(ROOT)
        for line in found:
            print(f"make release: {line}")
        return 1 if found else 0
    print(*listing(Path(arguments[1]), version(ROOT)), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
