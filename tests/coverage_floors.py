"""``python tests/coverage_floors.py coverage.json``: each package against its floor."""

import json
import sys
import tomllib
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import Any

FLOORS = Path(__file__).with_name("floors.toml")
LOWEST = 90
"""A floor below this, in percent, needs a reason beside it."""


def shares(report: dict[str, Any]) -> dict[str, float]:
    """Percent of the statements and branches of each package below ``code`` that the tests take.

    Parameters
    ----------
    report : dict
        What ``coverage json`` writes.
    """
    taken: Counter[str] = Counter()
    there: Counter[str] = Counter()
    for path, found in report["files"].items():
        package = PurePosixPath(path.replace("\\", "/")).parts[1]
        summary = found["summary"]
        taken[package] += summary["covered_lines"] + summary["covered_branches"]
        there[package] += summary["num_statements"] + summary["num_branches"]
    return {package: 100 * taken[package] / there[package] for package in there if there[package]}


def faults(found: dict[str, float], floors: dict[str, Any]) -> list[str]:
    """What is wrong: a package below its floor or without one, a low floor without a reason.

    Parameters
    ----------
    found : dict
        Package to percent.
    floors : dict
        Package to percent, and ``reasons``: package to the reason why its floor is low.
    """
    reasons = floors.get("reasons", {})
    limits = {name: floor for name, floor in floors.items() if name != "reasons"}
    bare = found.keys() - limits.keys()
    wrong = [f"{name}: no floor; it has {found[name]:.1f} %" for name in sorted(bare)]
    for name, floor in limits.items():
        if name not in found:
            wrong.append(f"{name}: a floor of {floor} %, but nothing of it was measured")
        elif found[name] < floor:
            wrong.append(f"{name}: {found[name]:.1f} % of its branches, the floor is {floor} %")
        if floor < LOWEST and not reasons.get(name):
            wrong.append(f"{name}: a floor of {floor} % needs its reason in [coverage.reasons]")
    return wrong


def main(path: str) -> int:
    """Print the shares and what is wrong; 1 if anything is."""
    found = shares(json.loads(Path(path).read_text(encoding="utf-8")))
    floors = tomllib.loads(FLOORS.read_text(encoding="utf-8"))["coverage"]
    for name in sorted(found):
        print(f"{name:12} {found[name]:5.1f} %, floor {floors.get(name, 0)} %")
    wrong = faults(found, floors)
    for line in wrong:
        print(f"tests/floors.toml: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
