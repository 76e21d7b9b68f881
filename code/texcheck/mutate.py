"""Mutation run: mistakes put into every line of a derivation, and which of them go unnoticed."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, TypeAlias

import torch

from . import mistakes
from .block import read_block
from .errors import Refused
from .files import Derivation, derivations
from .items import Block, Item
from .judge import check
from .lexer import tokenize
from .lines import STEPS, Line, logical_lines, order_at, range_at, read_line, split
from .mistakes import KINDS, Formula
from .trees import Node

Packages: TypeAlias = tuple[str, ...] | None
MOST = 3  # mutants of a kind that are tried on a part of a line, unless all are


@dataclass
class Mutant:
    """One changed line. `key` names it in the allow-list.

    `target` is the part that is changed: ``definition``, ``step``, or ``claim`` for the left side
    of one. `fate` is how it was noticed, ``weaker`` if it is true because it says less than the
    line did, or empty.
    """

    key: str
    where: str
    line: int
    target: str
    kind: str
    change: str
    text: str
    fate: str = ""


@dataclass
class Outcome:
    """The mutants of a run by their fate, and the entries of the allow-list that match none."""

    killed: list[Mutant] = field(default_factory=list)
    weaker: list[Mutant] = field(default_factory=list)
    allowed: list[Mutant] = field(default_factory=list)
    survivors: list[Mutant] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.survivors and not self.stale

    @property
    def rows(self) -> dict[str, tuple[int, int, int, int]]:
        """How many of each target and kind were killed, weaker, reviewed and not noticed."""
        counts = [Counter(f"{m.target}, {m.kind}" for m in found)
                  for found in (self.killed, self.weaker, self.allowed, self.survivors)]
        killed, weaker, allowed, left = counts
        return {row: (killed[row], weaker[row], allowed[row], left[row])
                for row in sorted(set().union(*counts))}


# ---- mutants of a derivation -------------------------------------------------------------


def spans(line: Line) -> Iterator[tuple[str, int, int]]:
    """The parts of a line that are mutated: the left side of a claim, and what stands on the
    right, without range and order."""
    if line.keyword not in ("def", "step", "claim") or not line.tokens:
        return
    tail = range_at(line.tokens) if line.keyword == "def" else order_at(line.tokens)
    tokens = line.tokens[:tail]
    parts = split(tokens, ("=",) if line.keyword == "def" else STEPS)
    mark, end = parts[1][0] if len(parts) > 1 else None, tokens[-1].end
    if line.keyword == "claim":
        yield "claim", line.start, mark.start if mark is not None else end
    if mark is not None and mark.end < end:
        yield "definition" if line.keyword == "def" else "step", mark.end, end


def formulas(found: Derivation, block: Block) -> Iterator[tuple[str, int, Formula]]:
    """What is mutated: the target, the number of the line, and the part of it."""
    shapes, indices = mistakes.shapes(block), mistakes.indices(block)
    alike = mistakes.alike(block, {k: s for k, s in shapes.items() if k not in indices})
    trees: dict[int, list[tuple[Node, tuple[str, ...]]]] = {}
    for item in block.items:
        tree = item.left if item.kind == "claim" else item.right if item.kind == "step" else None
        if tree is not None:
            trees.setdefault(item.line, []).append((tree, ()))
    for d in block.program.defs.values():
        trees.setdefault(d.line, []).append((d.body, (*d.params, *d.indices)))
    for number, raw in logical_lines(found.text, found.line):
        try:
            line = read_line(raw, number)
        except Refused:
            continue  # an error of the derivation itself, which its check reports
        for target, start, end in spans(line):
            inside = [(t, bound) for t, bound in trees.get(number, ()) if start <= t.start < end]
            yield target, number, Formula(
                raw, start, end, [t for t in line.tokens if start <= t.start < end],
                [t for t, _ in inside], alike, indices, [n for _, bound in inside for n in bound])


def mutants(found: Derivation, packages: Packages = None, most: int | None = MOST,
            wanted: Container[str] = ()) -> Iterator[tuple[Mutant, Block]]:
    """The mutants of a derivation, each with what its text is read as.

    A change that reads as before is left out, and one that is not read: it says nothing. On the
    right of a relation all single tokens are changed. Of each other kind, and on the left side of
    a claim, `most` mutants are made, those with the smallest hashes, and the `wanted` ones; all
    for None.
    """
    block = read(found, found.text, packages)
    unchanged = no_changes(block)
    for target, number, formula in formulas(found, block):
        seen = {spelt(formula.put())}
        for kind, changes in KINDS.items():
            fresh = []
            for change, text in changes(formula):
                if change in unchanged or (key := spelt(text)) in seen:
                    continue
                seen.add(key)
                fresh.append(mutant(found, formula, number, target, kind, change, text))
            fresh.sort(key=lambda m: m.key)
            every = most is None or (kind == "token" and target != "claim")
            kept = 0
            for one in fresh:
                if not (every or kept < (most or 0) or one.key in wanted):
                    continue
                changed = read(found, replaced(found, one), packages)
                if is_read(changed) and not same_trees(block, changed):
                    yield one, changed
                    kept += 1


def spelt(text: str) -> tuple[str, ...]:
    """What tells a formula from another; nothing of one that is not read."""
    try:
        return tuple(t.text for t in tokenize(text))
    except Refused:
        return ()


def mutant(found: Derivation, formula: Formula, number: int, target: str, kind: str, change: str,
           new: str) -> Mutant:
    raw, name = formula.line, found.label or found.title
    text = raw[:formula.start] + " " + new.strip() + raw[formula.end:]
    digest = hashlib.sha256(f"{raw}\n{text}".encode()).hexdigest()[:12]
    return Mutant(f"{name}:{digest}", name, number, target, kind, change, text)


def no_changes(block: Block) -> set[str]:
    """What changes nothing: the square of 0 or 1, the transpose of what is symmetric, the order of
    factors one of which is a number."""
    names = mistakes.shapes(block)
    numbers = [name for name, shape in names.items() if shape == "a number"]
    return ({f"square {name}" for name in declared(block, is_binary)}
            | {f"transpose {name}" for name in declared(block, is_symmetric) | {r"\pi"}}
            | {f"swap {a} and {b}" for a, b in product(names, numbers)}
            | {f"swap {a} and {b}" for a, b in product(numbers, names)})


def declared(block: Block, holds: Callable[..., bool]) -> set[str]:
    """Letters whose domain is of a kind."""
    return {key for key, let in block.program.lets.items() if holds(*let.domain.args)}


def is_binary(name: str, _: object, extra: tuple[object, ...]) -> bool:
    return name == "set" and [getattr(e, "args", None) for e in extra] == [("0",), ("1",)]


def is_symmetric(name: str, *_: object) -> bool:
    return name in ("S", "S++", "diag")


def read(found: Derivation, text: str, packages: Packages) -> Block:
    return read_block(text, title=found.title, label=found.label, path=found.path, line=found.line,
                      packages=packages)


def is_read(block: Block) -> bool:
    return all(e.kind == "texcheck.lint" for e in block.errors)


def same_trees(a: Block, b: Block) -> bool:
    """Whether two blocks say the same in other characters, or with other brackets."""
    first, second = claimed(a), claimed(b)
    return (not a.errors and not b.errors
            and [(i.kind, i.relation) for i in first] == [(i.kind, i.relation) for i in second]
            and a.program.defs.keys() == b.program.defs.keys()
            and all(same(i.left, j.left) and same(i.right, j.right)
                    for i, j in zip(first, second, strict=True))
            and all(same(d.body, b.program.defs[k].body) for k, d in a.program.defs.items()))


def same(a: Node | None, b: Node | None) -> bool:
    return a == b or (a is not None and b is not None and a.names == b.names and flat(a) == flat(b))


def flat(part: Any) -> Any:
    """A tree without the brackets that change nothing: ``a - (b - c)`` as ``a - b + c``."""
    if isinstance(part, tuple):
        return tuple(map(flat, part))
    if not isinstance(part, Node):
        return part
    args: list[Any] = []
    for arg in flat(part.args):
        if part.kind == "mul" and arg.kind == "mul":
            args += arg.args
        elif part.kind == "add" and arg[1].kind == "add":
            args += [("+" if arg[0] == sign else "-", term) for sign, term in arg[1].args]
        else:
            args.append(arg)
    return Node(part.kind, tuple(args))


def claimed(block: Block) -> list[Item]:
    return [i for i in block.items if i.kind in ("claim", "step")]


def replaced(found: Derivation, mutant: Mutant) -> str:
    """The text of a derivation with a mutant instead of its line and of what continues it."""
    lines = found.text.split("\n")
    place = mutant.line - found.line
    lines[place] = mutant.text
    for after in range(place + 1, len(lines)):
        if lines[after].strip() and lines[after][0] not in " \t":
            break
        lines[after] = ""
    return "\n".join(lines)


# ---- the fate of a mutant ----------------------------------------------------------------


def fates(found: Derivation, packages: Packages = None, most: int | None = MOST,
          wanted: Container[str] = ()) -> list[Mutant]:
    """Every mutant of a derivation with its fate."""
    original = read(found, found.text, packages)
    result = []
    for one, changed in mutants(found, packages, most, wanted):
        errors = check(changed, first=True).errors
        if errors:
            one.fate = errors[0].kind
        elif says_less(found, original, changed):
            one.fate = "weaker"
        result.append(one)
    return result


def says_less(found: Derivation, original: Block, changed: Block) -> bool:
    r"""Whether a changed inequality follows from the one that stood there.

    ``a \le b`` gives ``a \le c`` if ``b \le c``, and ``c \le b`` if ``c \le a``: the last step of
    a claim on the right, or the first on the left. What it needs is checked as a claim.
    """
    pairs = [(i, j) for i, j in zip(claimed(original), claimed(changed), strict=True)
             if i.kind == "step" and (i.left, i.right) != (j.left, j.right)]
    if len(pairs) != 1 or pairs[0][0].relation in ("=", r"\approx") or pairs[0][0].over:
        return False
    old, new = pairs[0]
    low, high = (old.rhs, new.rhs) if old.left == new.left else (new.lhs, old.lhs)
    claim = f"{found.text}\nclaim: {low}\n{old.relation} {high}"
    return not check(read(found, claim, original.packages), first=True).errors


def mutate(files: Iterable[str | Path], allowed: dict[str, str] | None = None, jobs: int = 1,
           packages: Packages = None, most: int | None = MOST) -> Outcome:
    """Run the mutants of all derivations of some files.

    Parameters
    ----------
    files : iterable of path
    allowed : dict
        From the key of a survivor to the reason why the mutated line is true: these are always
        tried. Entries for derivations of other files are left alone.
    jobs : int
        Processes; each takes a derivation at a time.
    packages : tuple of str or None
        What ``code:`` lines may name, as in `read_block`.
    most : int or None
        As in `mutants`.
    """
    allowed = allowed or {}
    every = [found for path in files for found in derivations(path)]
    fate = partial(fates, packages=packages, most=most, wanted=frozenset(allowed))
    if jobs > 1:
        with ProcessPoolExecutor(jobs, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            results = list(pool.map(fate, every))
    else:
        results = list(map(fate, every))
    outcome = Outcome()
    for one in (m for result in results for m in result):
        if one.fate:
            (outcome.weaker if one.fate == "weaker" else outcome.killed).append(one)
        else:
            (outcome.allowed if one.key in allowed else outcome.survivors).append(one)
    names = {found.label or found.title for found in every}
    used = {one.key for one in outcome.allowed}
    outcome.stale = sorted(key for key in set(allowed) - used if key.rpartition(":")[0] in names)
    return outcome


def run(files: list[str], output: str | None, allow: str | None, packages: Packages,
        most: int | None = MOST) -> int:
    """The command ``--mutate``: 0 if no survivor is unlisted, and none is listed that is none."""
    allowed = json.loads(Path(allow).read_text(encoding="utf-8")) if allow else {}
    outcome = mutate(files, allowed, os.cpu_count() or 1, packages, most)
    for one in outcome.survivors:
        print(f"line {one.line}: survives [{one.key}] {one.target}, {one.kind}, "
              f"{one.change}: {one.text.strip()}")
    for key in outcome.stale:
        print(f"the allow-list names {key}, which is no survivor: {allowed[key]}")
    print(table(outcome))
    if output:
        report = {"ok": outcome.ok, "rows": outcome.rows, "stale": outcome.stale,
                  "weaker": [asdict(m) for m in outcome.weaker],
                  "allowed": [asdict(m) for m in outcome.allowed],
                  "survivors": [asdict(m) for m in outcome.survivors]}
        Path(output).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0 if outcome.ok else 1


def table(outcome: Outcome) -> str:
    """How many mutants of each target and kind were made, and what became of them."""
    lines = [f"{'mutants':<24}{'made':>8}{'killed':>8}{'weaker':>8}{'reviewed':>10}{'survive':>9}"]
    rows = outcome.rows
    total = tuple(map(sum, zip(*rows.values(), strict=True))) or (0, 0, 0, 0)
    for row, (killed, weaker, seen, left) in [*rows.items(), ("all", total)]:
        made = killed + weaker + seen + left
        lines.append(f"{row:<24}{made:>8}{killed:>8}{weaker:>8}{seen:>10}{left:>9}")
    return "\n".join(lines)
