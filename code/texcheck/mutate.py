"""Mutation run: single-token changes of steps and definitions, and which of them go unnoticed."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

import torch

from .block import read_block
from .errors import Refused
from .files import Derivation, derivations
from .items import Block
from .judge import check
from .lexer import GREEK, Token, tokenize
from .lines import STEPS, Line, logical_lines, order_at, range_at, read_line, split
from .registry import load

Packages: TypeAlias = tuple[str, ...] | None
STEP_TARGET, DEFINITION_TARGET = 0.99, 0.995


@dataclass
class Mutant:
    """One changed line. `key` names it in the allow-list."""

    key: str
    where: str
    line: int
    target: str
    change: str
    text: str
    killed: str = ""


@dataclass
class Outcome:
    """Counts of a run, its survivors, and the entries of the allow-list that match none."""

    steps: int
    steps_killed: int
    definitions: int
    definitions_killed: int
    survivors: list[Mutant]
    allowed: list[Mutant]
    stale: list[str]

    @property
    def step_rate(self) -> float:
        return 1.0 if not self.steps else self.steps_killed / self.steps

    @property
    def definition_rate(self) -> float:
        return 1.0 if not self.definitions else self.definitions_killed / self.definitions

    @property
    def ok(self) -> bool:
        return (self.step_rate >= STEP_TARGET and self.definition_rate >= DEFINITION_TARGET
                and not self.survivors and not self.stale)


def formula_span(line: Line) -> tuple[int, int] | None:
    """The part of a line that is mutated: the right side, without range and order."""
    if line.keyword not in ("def", "step"):
        return None
    tokens = line.tokens
    tail = range_at(tokens) if line.keyword == "def" else order_at(tokens)
    parts = split(tokens[:tail], ("=",) if line.keyword == "def" else STEPS)
    mark = parts[1][0] if len(parts) > 1 else None
    end = tokens[:tail][-1].end if tokens[:tail] else 0
    return (mark.end, end) if mark is not None and mark.end < end else None


def changes(text: str) -> Iterator[tuple[str, str]]:
    """All single-token changes of a formula: what was done, and the new text."""
    tokens = tokenize(text)
    for place, token in enumerate(tokens):
        yield from token_changes(text, tokens, place, token)
    first = tokens[0] if tokens else None
    if first is not None and first.text not in ("-", "+", "0"):
        yield "negate the first term", text[:first.start] + "-" + text[first.start:]
    yield from swaps(text, tokens)


def token_changes(text: str, tokens: list[Token], place: int,
                  token: Token) -> Iterator[tuple[str, str]]:
    def put(new: str, end: int | None = None) -> str:
        return text[:token.start] + new + text[token.end if end is None else end:]

    siblings = load().siblings
    after = tokens[place + 1] if place + 1 < len(tokens) else None
    before = tokens[place - 1] if place else None
    if token.text in "+-":
        if before is not None and before.text not in ("{", "(", "[", "=", "&", r"\\"):
            yield f"{token.text} to {siblings[token.text]}", put(siblings[token.text])
        elif token.text == "-":
            yield "drop a sign", put("")
    elif token.kind == "num":
        number = int(token.text) if "." not in token.text else None
        yield f"{token.text} to {bumped(token.text)}", put(braced(bumped(token.text), before))
        if number is not None and number > 0:
            yield f"{token.text} to {number - 1}", put(str(number - 1))
    elif token.kind != "letter" and token.text in siblings and not (
            token.text in "<>" and before is None):
        yield f"{token.text} to {siblings[token.text]}", put(siblings[token.text] + " ")
    elif token.text in ("^", "_") and after is not None:
        if before is not None and before.text == r"\nabla":
            return  # the gradient of f(x) is by x with and without the name
        end = script_end(tokens, place)
        inner = text[after.start:tokens[end - 1].end]
        norm = token.text == "_" and before is not None and before.text == r"\|"
        if norm and inner.strip("{}") == "2":
            return  # the norm is this one with and without its name
        yield f"drop {token.text}{inner}", put("", tokens[end - 1].end)
        if token.text == "_":
            yield from shifted(text, tokens, place, end)
    elif token.text != "I" and (token.kind == "letter" or is_greek(token)) and (
            after is None or after.text not in ("_", "^", "(")) and stands_alone(tokens, place):
        beside = {t.text for t in (before, after) if t is not None}
        if r"\|" not in beside:  # a transpose has the same norm
            yield f"transpose {token.text}", put(token.text + r"^\top ")
        yield f"square {token.text}", put(token.text + "^2 ")
    if token.kind == "letter" or is_greek(token):
        yield from dropped(text, tokens, place)
    if token.text in ("\\operatorname", "\\mathrm") and after is not None and after.text == "{":
        yield from word_changes(text, tokens, place)


def word_changes(text: str, tokens: list[Token], place: int) -> Iterator[tuple[str, str]]:
    """Another word for one that is set upright, such as the name of a function."""
    end = matching(tokens, place + 1)
    word = "".join(t.text for t in tokens[place + 2:end])
    other = load().siblings.get(word)
    if other is not None:
        yield f"{word} to {other}", (text[:tokens[place + 2].start] + other
                                     + text[tokens[end].start:])


def is_greek(token: Token) -> bool:
    return token.text in GREEK


def stands_alone(tokens: list[Token], place: int) -> bool:
    """Whether a letter is a factor: not inside a word, an index or a binder."""
    depth = 0
    for index in range(place - 1, -1, -1):
        text = tokens[index].text
        depth += {"}": 1, "{": -1}.get(text, 0)
        if depth < 0:
            before = tokens[index - 1].text if index else ""
            if before in ("_", r"\mathrm", r"\operatorname", r"\text", r"\begin", r"\end"):
                return False
            depth = 0
        elif depth == 0 and index == place - 1 and text in ("_", "^", r"\partial", "d"):
            return False
    return True


def braced(number: str, before: Token | None) -> str:
    return f"{{{number}}}" if before is not None and before.text in "_^" and len(number) > 1 \
        else number


def bumped(number: str) -> str:
    return str(int(number) + 1) if "." not in number else str(round(float(number) + 0.1, 6))


def script_end(tokens: list[Token], place: int) -> int:
    """Index after the script whose mark stands at `place`."""
    return matching(tokens, place + 1) + 1 if tokens[place + 1].text == "{" else place + 2


def matching(tokens: list[Token], place: int) -> int:
    depth = 0
    for index in range(place, len(tokens)):
        depth += {"{": 1, "}": -1}.get(tokens[index].text, 0)
        if depth == 0:
            return index
    return len(tokens) - 1


def shifted(text: str, tokens: list[Token], place: int, end: int) -> Iterator[tuple[str, str]]:
    """Shift or swap indices of a subscript that is not a binder."""
    marks = (r"\delta", r"\sum", r"\prod", r"\max", r"\min", "|", r"\|", "E")
    if place and tokens[place - 1].text in marks:
        return
    inner = tokens[place + 1:end]
    if inner[0].text == "{":
        inner = inner[1:-1]
    if not inner or any(t.text in ("=", r"\in", r"\sim", ":", r"\mid", ">", "<") for t in inner):
        return
    start, stop = inner[0].start, inner[-1].end
    body = text[start:stop]
    head, tail = text[:tokens[place + 1].start], text[tokens[end - 1].end:]
    letters = all(t.kind == "letter" for t in inner)
    if len(inner) == 1 or not letters:
        yield f"index {body} to {body}+1", f"{head}{{{body}+1}}{tail}"
        yield f"index {body} to {body}-1", f"{head}{{{body}-1}}{tail}"
    if letters and len(inner) == 2:
        yield f"indices {body} swapped", f"{head}{{{inner[1].text}{inner[0].text}}}{tail}"


def dropped(text: str, tokens: list[Token], place: int) -> Iterator[tuple[str, str]]:
    """Drop a factor with its scripts, where something is left beside it."""
    if not stands_alone(tokens, place):
        return
    end = place + 1
    while end < len(tokens) and tokens[end].text in ("_", "^") and end + 1 < len(tokens):
        end = script_end(tokens, end)
    if end < len(tokens) and tokens[end].text == "(":
        return
    beside = [tokens[place - 1] if place else None, tokens[end] if end < len(tokens) else None]
    if not any(t is not None and (t.kind in ("letter", "num") or is_greek(t)
                                  or t.text in (")", "(", "}", r"\frac")) for t in beside):
        return
    shown = text[tokens[place].start:tokens[end - 1].end]
    yield f"drop the factor {shown}", text[:tokens[place].start] + text[tokens[end - 1].end:]


def swaps(text: str, tokens: list[Token]) -> Iterator[tuple[str, str]]:
    """Swap two neighbouring one-letter factors: matters where the product does not commute."""
    for place in range(len(tokens) - 1):
        a, b = tokens[place], tokens[place + 1]
        after = tokens[place + 2].text if place + 2 < len(tokens) else ""
        if (a.kind == "letter" and b.kind == "letter" and a.text.isupper() and b.text.isupper()
                and after not in ("_", "^", "(") and stands_alone(tokens, place)
                and stands_alone(tokens, place + 1)):
            yield f"swap {a.text} and {b.text}", (text[:a.start] + b.text + text[a.end:b.start]
                                                 + a.text + text[b.end:])


# ---- mutants of a derivation -------------------------------------------------------------


def mutants(found: Derivation, packages: Packages = None) -> list[Mutant]:
    """Every mutant of a derivation; changes that read as before are left out."""
    block = read(found, found.text, packages)
    unchanged = ({f"square {name}" for name in declared(block, is_binary)}  # y^2 = y
                 | {f"transpose {name}" for name in declared(block, is_symmetric) | {r"\pi"}})
    result: list[Mutant] = []
    for number, raw in logical_lines(found.text, found.line):
        try:
            line = read_line(raw, number)
        except Refused:
            continue  # an error of the derivation itself, which its check reports
        result += [m for m in of_line(found, line) if m.change not in unchanged]
    return result


def of_line(found: Derivation, line: Line) -> Iterator[Mutant]:
    """Every mutant of a line, each text once."""
    span = formula_span(line)
    if span is None:
        return
    raw, name = line.raw, found.label or found.title
    seen = {raw[span[0]:span[1]].strip()}
    for change, formula in changes(raw[span[0]:span[1]]):
        if formula.strip() in seen:
            continue
        seen.add(formula.strip())
        text = raw[:span[0]] + " " + formula.strip() + raw[span[1]:]
        digest = hashlib.sha256(f"{raw}\n{text}".encode()).hexdigest()[:12]
        target = "definition" if line.keyword == "def" else "step"
        yield Mutant(f"{name}:{digest}", name, line.number, target, change, text)


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


def same_trees(a: Block, b: Block) -> bool:
    """Whether two blocks say the same in other characters."""
    first = [(i.kind, i.relation, i.left, i.right) for i in a.items if i.kind in ("claim", "step")]
    second = [(i.kind, i.relation, i.left, i.right) for i in b.items if i.kind in ("claim", "step")]
    return (first == second and a.program.defs.keys() == b.program.defs.keys()
            and all(d.body == b.program.defs[k].body for k, d in a.program.defs.items())
            and not a.errors and not b.errors)


def kill(found: Derivation, original: Block, mutant: Mutant) -> bool | None:
    """Whether the mutated derivation fails; None if it reads as before."""
    block = read(found, replaced(found, mutant), original.packages)
    if same_trees(original, block):
        return None
    report = check(block, first=True)
    if report.errors:
        mutant.killed = report.errors[0].kind
        return True
    return False


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


def fates(found: Derivation, packages: Packages = None) -> list[tuple[Mutant, bool]]:
    """Every mutant of a derivation that reads otherwise, and whether it was noticed."""
    original = read(found, found.text, packages)
    pairs = [(mutant, kill(found, original, mutant)) for mutant in mutants(found, packages)]
    return [(mutant, dead) for mutant, dead in pairs if dead is not None]


def mutate(files: Iterable[str | Path], allowed: dict[str, str] | None = None,
           jobs: int = 1, packages: Packages = None) -> Outcome:
    """Run all mutants of all derivations of some files.

    Parameters
    ----------
    files : iterable of path
    allowed : dict
        From the key of a survivor to the reason why the mutated line is true. Entries for
        derivations of other files are left alone.
    jobs : int
        Processes; each takes a derivation at a time.
    packages : tuple of str or None
        What ``code:`` lines may name, as in `read_block`.
    """
    allowed = allowed or {}
    outcome = Outcome(0, 0, 0, 0, [], [], [])
    used: set[str] = set()
    every = [found for path in files for found in derivations(path)]
    fate = partial(fates, packages=packages)
    if jobs > 1:
        with ProcessPoolExecutor(jobs, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            results = list(pool.map(fate, every))
    else:
        results = list(map(fate, every))
    for mutant, dead in itertools.chain.from_iterable(results):
        count(outcome, mutant, dead, allowed, used)
    names = {found.label or found.title for found in every}
    outcome.stale = sorted(key for key in set(allowed) - used if key.rpartition(":")[0] in names)
    return outcome


def count(outcome: Outcome, mutant: Mutant, dead: bool, allowed: dict[str, str],
          used: set[str]) -> None:
    if not dead and mutant.key in allowed:
        used.add(mutant.key)
        outcome.allowed.append(mutant)
        return
    if mutant.target == "step":
        outcome.steps += 1
        outcome.steps_killed += dead
    else:
        outcome.definitions += 1
        outcome.definitions_killed += dead
    if not dead:
        outcome.survivors.append(mutant)


def run(files: list[str], output: str | None, allow: str | None, packages: Packages) -> int:
    """The command ``--mutate``: 0 if the targets are met and no survivor is unlisted."""
    allowed = json.loads(Path(allow).read_text(encoding="utf-8")) if allow else {}
    outcome = mutate(files, allowed, jobs=os.cpu_count() or 1, packages=packages)
    for mutant in outcome.survivors:
        print(f"line {mutant.line}: survives [{mutant.key}] {mutant.target}, "
              f"{mutant.change}: {mutant.text.strip()}")
    for key in outcome.stale:
        print(f"the allow-list names {key}, which is no survivor: {allowed[key]}")
    print(f"steps: {outcome.steps_killed} of {outcome.steps} mutants killed "
          f"({100 * outcome.step_rate:.2f} %, target {100 * STEP_TARGET:g} %)")
    print(f"definitions: {outcome.definitions_killed} of {outcome.definitions} mutants killed "
          f"({100 * outcome.definition_rate:.2f} %, target {100 * DEFINITION_TARGET:g} %)")
    print(f"{len(outcome.allowed)} reviewed survivors, {len(outcome.survivors)} others")
    if output:
        report = asdict(outcome) | {"step_rate": outcome.step_rate,
                                    "definition_rate": outcome.definition_rate, "ok": outcome.ok}
        Path(output).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0 if outcome.ok else 1
