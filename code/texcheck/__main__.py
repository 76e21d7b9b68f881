"""``python -m texcheck FILE.md …`` checks derivations without Sphinx."""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

import torch

from . import given
from .block import read_block
from .files import derivations, packages_in
from .items import Block
from .judge import check
from .report import Report


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 0 if every step holds, 1 if one fails, 2 if a file cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m texcheck", description=__doc__)
    parser.add_argument("files", nargs="*", metavar="FILE.md")
    parser.add_argument("--seeds", type=int, metavar="N", help="check with N different seeds and "
                        "count the steps that fail with some seeds only")
    parser.add_argument("--mutate", action="store_true", help="put mistakes into every claim, step "
                        "and definition and report what survives")
    parser.add_argument("--all", action="store_true", help="of --mutate: every mutant, not a few "
                        "of each kind")
    parser.add_argument("--json", metavar="OUT", help="write the result of --mutate as JSON")
    parser.add_argument("--allow", metavar="FILE", help="reviewed survivors of --mutate: a JSON "
                        "object from the key of a survivor to the reason why it is true")
    parser.add_argument("--times", action="store_true", help="print the times of the steps")
    parser.add_argument("--machine", action="store_true", help="print every line as it was read")
    parser.add_argument("--manual", action="store_true", help="print SYNTAX.md with its lists of "
                        "formulas made from the table of notations; with a file, rewrite it")
    parser.add_argument("--path", metavar="FOLDER", help="where the packages lie that code: lines "
                        "may name; otherwise beside texcheck, unless it is installed")
    options = parser.parse_args(arguments)
    if not (options.files or options.manual):
        parser.error("which files are to be checked? FILE.md is missing")
    torch.set_num_threads(1)
    folder = Path(options.path or Path(__file__).parents[1]).resolve()
    sys.path[:0] = [p for p in (str(folder),) if p not in sys.path]
    packages = packages_in([folder]) if options.path else None
    missing = [f for f in options.files if not Path(f).is_file()]
    if missing:
        print(f"no such file: {', '.join(missing)}", file=sys.stderr)
        return 2
    if options.manual:
        from .manual import run as write

        return write(options.files)
    if options.mutate:
        from .mutate import MOST, run

        return run(options.files, options.json, options.allow, packages,
                   None if options.all else MOST)
    found = blocks(options.files, packages)
    return false_alarms(found, options.seeds) if options.seeds else check_blocks(found, options)


def blocks(files: list[str], packages: tuple[str, ...] | None) -> Iterator[Block]:
    """All derivations of the files, read."""
    for path in files:
        lines = Path(path).read_text(encoding="utf-8").split("\n")
        for found in derivations(path):
            block = read_block(found.text, title=found.title, label=found.label, path=found.path,
                               line=found.line, packages=packages)
            items = [item for item in block.items if item.given]
            missing = given.unstated([i.tex for i in items], lines, found.line - 1) if items else ()
            block.errors += [block.error("lint", given.message(item.tex), item.line)
                             for item in items if item.tex in missing]
            yield block


def check_blocks(found: Iterator[Block], options: argparse.Namespace) -> int:
    reports = [check(block) for block in found]
    for report in reports:
        for error in report.errors:
            print(error)
        if options.machine:
            for item in report.block.items:
                print(f"{report.block.path}:{item.line}: {item.kind}: {item.machine}")
    print(summary(reports))
    if options.times:
        print(times(reports))
    return 1 if any(r.errors for r in reports) else 0


def summary(reports: list[Report]) -> str:
    steps = [r for report in reports for r in report.results if r.number]
    good = sum(r.ok for r in steps)
    errors = sum(len(r.errors) for r in reports)
    total = sum(len(r.block.steps) for r in reports)
    unchecked = sum(len(r.block.unchecked) for r in reports)
    return (f"{len(reports)} derivations, {total} steps: {good} hold, {errors} errors; "
            f"{unchecked} lines not machine-checked")


def times(reports: list[Report]) -> str:
    """Median, 95th percentile and largest time of a step."""
    found = sorted(1000 * r.seconds for report in reports for r in report.results if r.number)
    if not found:
        return "no steps"
    high = found[min(len(found) - 1, int(0.95 * len(found)))]
    return (f"ms per step: median {statistics.median(found):.1f}, 95th percentile {high:.1f}, "
            f"largest {found[-1]:.1f}")


def false_alarms(found: Iterator[Block], seeds: int) -> int:
    """Steps that hold with one seed and fail with another."""
    alarms = runs = 0
    for block in found:
        for seed in range(seeds):
            report = check(block, seed=seed)
            runs += 1
            if report.errors:
                alarms += 1
                print(f"seed {seed}: {report.errors[0]}")
    print(f"{runs} runs with {seeds} seeds: {alarms} with an error")
    return 1 if alarms else 0


if __name__ == "__main__":
    sys.exit(main())
