r"""Scripts that a reader takes for more than a part of the name.

``\mu_k`` that is declared without a range is one symbol. Under a sum over k a reader takes it for
the k-th of several, and under a derivative by \theta a reader takes ``V_\theta`` for a function of
\theta. ``\sigma^2`` beside ``\sigma`` is taken for its square. Such names are refused, with what to
write instead.
"""

from __future__ import annotations

from collections.abc import Iterator

from .errors import Refused
from .lexer import tokenize
from .names import Info, Spelling, italic_letters, spelling
from .program import Program
from .reach import names_behind
from .trees import Node, binds, children, pretty, scoped, walk

LABELS = ("*", r"\star", r"\prime", r"\circ", "+", "-", r"\dagger")


def mistakable(program: Program, sides: list[tuple[Node, int]]) -> Iterator[tuple[Refused, int]]:
    """What is wrong with the scripts of declared names, each with its line.

    Parameters
    ----------
    program : Program
    sides : list of tree and line
        The sides of all claims, steps and anchors.
    """
    for key, info in program.scope.items():
        found = beside(program, key, info)
        if found:
            yield Refused("parse", found), info.line
    bodies = [(d.body, program.scope[k].line or d.line) for k, d in program.defs.items()]
    bodies += [(f.body, program.scope[k].line) for k, factors in program.pmfs.items()
               for f in factors if f.body is not None and k not in program.defs]
    for tree, line in [*sides, *bodies]:
        for node in walk(tree):
            for message in (*under_binder(program, binds(node), scoped(node)[1]),
                            *under_derivative(program, node)):
                yield Refused("parse", message), line
    for key, definition in program.defs.items():
        letters = (*definition.params, *definition.indices)
        for message in under_binder(program, letters, [definition.body]):
            yield Refused("parse", message), program.scope[key].line or definition.line


# ---- beside the name without scripts -----------------------------------------------------


def beside(program: Program, key: str, info: Info) -> str:
    """What a scripted name is taken for, because of the name that carries the scripts."""
    if info.kind not in ("let", "rv", "fun", "pmf", "def", "function") or program.family_of(key):
        return ""
    parts = spelling(key)
    stem = parts.base + (f"_{{{parts.sub}}}" if parts.sub else "")
    shown = pretty(key)
    if parts.sup in (r"\top", r"-\top"):
        return f"{shown} is the transpose of {pretty(stem)}: declare {pretty(stem)} alone"
    if stem in program.scope and stem != key and is_power(parts.sup, info):
        what = "inverse" if parts.sup == "-1" else "power"
        return (f"{shown} beside {pretty(stem)} is its {what}: leave the declaration out, or give "
                f"it a name of its own, such as \\tilde{{{parts.base}}}")
    if key.endswith("'") and program.scope.get(key.rstrip("'"), Info("", "")).callable:
        return (f"{shown} beside the function {pretty(key.rstrip(chr(39)))} is its derivative: "
                "leave the declaration out")
    plain = key.rstrip("'")
    if plain != key and plain in program.defs and key in program.defs and (
            not program.defs[key].params) and (
            plain not in names_behind(program, program.defs[key].body)):  # no next layer, no update
        return (f"{shown} beside {pretty(plain)} reads as its derivative: give it a name of its "
                f"own, such as {pretty(plain)}_{{\\mathrm{{new}}}}, or write the derivative out, "
                rf"\frac{{\mathrm{{d}} {pretty(plain)}}}{{\mathrm{{d}} x}}")
    if parts.sub and not parts.sup and is_entry(program, parts):
        return (f"{shown} beside {pretty(parts.base)} is an entry of it: leave the declaration "
                f"out, or set the subscript upright, {parts.base}_{{\\mathrm{{{parts.sub}}}}}")
    return ""


def is_power(sup: str, info: Info) -> bool:
    if not sup or sup in LABELS or sup[0] in "([" or info.sup:
        return False
    return bool(italic_letters(sup)) or any(t.kind == "num" for t in tokenize(sup))


def is_entry(program: Program, parts: Spelling) -> bool:
    """Whether the subscript counts the entries of a vector or matrix of the same letter."""
    let = program.lets.get(parts.base)
    sized = (let is not None and bool(let.domain.args[1])) or (
        parts.base in program.defs and not program.defs[parts.base].params)
    if not sized or parts.base in program.families:
        return False
    tokens = [t for t in tokenize(parts.sub) if t.text != ","]
    return bool(tokens) and all(
        (t.kind == "num" and t.text != "0") or program.is_discrete(t.text) for t in tokens)


# ---- under what binds or differentiates --------------------------------------------------


def letters(program: Program, key: str) -> tuple[str, ...]:
    """The letters in the scripts of a name, where these are only a part of it."""
    if key not in program.scope or program.family_of(key):
        return ()
    parts = spelling(key)
    return italic_letters(f"{parts.sub} {parts.sup}") if parts.sub or parts.sup else ()


def under_binder(program: Program, bound: tuple[str, ...], inner: list[Node]) -> list[str]:
    if not bound:
        return []
    found = []
    for key in sorted(names_behind(program, *inner)):
        for letter in letters(program, key):
            if letter in bound:
                parts = spelling(key)
                found.append(
                    f"{pretty(key)} is declared as one symbol, but {letter} is bound here: give "
                    rf"its range, {pretty(key)} … \quad ({letter}=1,\ldots,n), or set a label "
                    f"upright, {parts.base}_{{\\mathrm{{{letter.lstrip(chr(92))}}}}}")
    return found


def under_derivative(program: Program, node: Node) -> list[str]:
    """Symbols whose scripts hold the letter that a derivative is taken by."""
    if node.kind not in ("diff", "grad"):
        return []
    by = {base_key(t.args[0]) for t in children(node) if t.kind == "target"}
    found = []
    for key in sorted(names_behind(program, node.args[0])):
        if key not in program.lets and key not in program.rvs:
            continue
        for letter in letters(program, key):
            if letter in by and program.is_value(letter):
                found.append(
                    f"{pretty(key)} is one symbol, which does not move with {letter}: define how "
                    f"it depends on it, def: {pretty(key)} = …, or set a label upright, "
                    f"{spelling(key).base}_{{\\mathrm{{…}}}}")
    return found


def base_key(node: Node) -> str:
    while node.kind == "item":
        node = node.args[0]
    return str(node.args[0])
