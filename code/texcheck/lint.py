"""What hides mistakes: short ranges, symbols without effect, functions without an anchor."""

from __future__ import annotations

from . import standing
from .anchor import keys_used
from .errors import Error
from .items import Block
from .reach import names_behind
from .trees import Node, differentiated, pretty, show, walk


def lint(block: Block) -> list[Error]:
    """Warnings of a block that was read without error."""
    return [*unused(block), *unanchored(block), *short_ranges(block), *independent(block),
            *turns(block), *untied(block)]


def sides(block: Block, kinds: tuple[str, ...] = ("claim", "step", "code")) -> list[Node]:
    return [s for i in block.items if i.kind in kinds for s in (i.left, i.right) if s is not None]


def unused(block: Block) -> list[Error]:
    """Symbols that no claim, code line or assumption needs."""
    program = block.program
    used = names_behind(program, *sides(block))
    found = []
    for kind, key in program.order:
        if key in used or program.family_of(key) in used:
            continue
        if key in python_names(block):
            continue
        line = program.scope[key].line
        what = {"let": "symbol", "def": "definition", "rv": "random variable", "fun": "function",
                "pmf": "table"}[kind]
        found.append(block.error("lint", f"the {what} {pretty(key)} has no effect on any claim",
                                 line))
    return found


def python_names(block: Block) -> set[str]:
    """Keys that the Python side of an anchor needs."""
    found: set[str] = set()
    for item in block.items:
        if item.kind == "code":
            found |= keys_used(item.python, block.program)
    return found


def unanchored(block: Block) -> list[Error]:
    """Functions that are defined but tied to no code; without those that rest on what is arbitrary
    or random, which Python does not have."""
    program = block.program
    anchored = names_behind(program, *sides(block, ("code",)))
    beyond = program.funs.keys() | program.rvs.keys() | {
        key for key, factors in program.pmfs.items() if key not in program.defs}
    given = {key for item, key in standing.definitions(block) if item.given}
    found = []
    for key, definition in program.defs.items():
        if definition.params and key not in anchored | given and not (
                beyond & program.closure(definition.body)):
            found.append(block.error(
                "lint", f"the function {pretty(key)} has no anchor: add code: "
                f"{pretty(key)}({', '.join(definition.params)}) == …, or, where the text above "
                "states it in these words, write given: in place of def:", definition.line))
    for key, factors in program.pmfs.items():
        if key in program.defs or key in anchored:
            continue
        if any(f.body is not None for f in factors):
            found.append(block.error("lint", f"the table {pretty(key)} is defined but has no "
                                     "anchor: add a code: line", program.scope[key].line))
    return found


def untied(block: Block) -> list[Error]:
    """Definitions that claim to be a known quantity and are tied to nothing."""
    keys = {id(item): key for item, key in standing.definitions(block)}
    return [block.error("lint", standing.message(keys[id(item)], words), item.line)
            for item, words in standing.claims_to_be_known(block)] + [
        block.error("lint", standing.other_meaning(key, word), item.line)
        for item, key, word in standing.redefined(block)]


def short_ranges(block: Block) -> list[Error]:
    """Ranges written with numbers that hold fewer than three values."""
    found = []
    for item in block.items:
        nodes = [n for n in (item.left, item.right) if n is not None]
        for node in (n for s in nodes for n in walk(s)):
            found += short_binders(block, node, item.line)
    for key, definition in block.program.defs.items():
        for node in walk(definition.body):
            found += short_binders(block, node, block.program.scope[key].line)
    for family in block.program.families.values():
        for pair in family.ranges:
            if pair and not pair.listed and is_short(pair.low, pair.high):
                found.append(too_short(block, family.line))
    for let in block.program.lets.values():
        if let.domain.args[0] == "range" and is_short(*let.domain.args[2]):
            found.append(too_short(block, let.line))
    unique = {(e.line, e.message): e for e in found}
    return list(unique.values())


def short_binders(block: Block, node: Node, line: int) -> list[Error]:
    if node.kind != "big":
        return []
    return [too_short(block, line) for bind in node.args[1]
            if bind.args[1] == "range" and is_short(*bind.args[2:])]


def is_short(low: Node, high: Node) -> bool:
    first, last = literal(low), literal(high)
    return first is not None and last is not None and last - first + 1 < 3


def literal(node: Node) -> int | None:
    if node.kind == "num" and "." not in node.args[0] and not node.grouped:
        return int(node.args[0])
    if node.kind == "neg":
        inner = literal(node.args[0])
        return None if inner is None else -inner
    return None


def too_short(block: Block, line: int) -> Error:
    return block.error("lint", "a range of fewer than three values hides errors by one: use a "
                       "letter for its end, or write the terms out", line)


UPWARD = {r"\le": True, r"\preceq": True, r"\prec": True, r"\ge": False, r"\succeq": False,
          r"\succ": False}


def turns(block: Block) -> list[Error]:
    """Chains in which an upper bound is followed by a lower one."""
    found = []
    direction: dict[int, bool] = {}
    for item in block.steps:
        up = UPWARD.get(item.relation)
        if up is not None:
            first = direction.setdefault(item.number[0], up)
            if first != up:
                found.append(block.error(
                    "lint", "the chain turns round: after \\le and \\ge together it says nothing "
                    "of its ends; begin a new claim:", item.line,
                    f" step {item.number[0]}.{item.number[1]}"))
    return found


def independent(block: Block) -> list[Error]:
    """Derivatives of something that does not depend on the variable."""
    found = []
    program = block.program
    places = [(i.line, f" step {i.number[0]}.{i.number[1]}" if i.kind == "step" else "", s)
              for i in block.items if i.kind in ("claim", "step", "code")
              for s in ([i.left] if i.kind != "step" else [i.right]) if s is not None]
    places += [(d.line, "", d.body) for d in program.defs.values()]
    for line, where, side in places:
        for node in walk(side):
            for body, target in differentiated(node):
                key = "" if target is None else base_key(target)
                if key and key not in program.closure(body):
                    found.append(block.error(
                        "type", f"{show(body)} does not depend on {pretty(key)}", line, where))
    return found


def base_key(target: Node) -> str:
    while target.kind == "item":
        target = target.args[0]
    return str(target.args[0])
