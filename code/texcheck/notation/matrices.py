"""Vectors and matrices: transposes, norms, traces, identities, entries side by side."""

from __future__ import annotations

from typing import Any

import torch

from .. import values as v
from ..env import Env
from ..evaluate import Evaluator
from ..grammar import Parser
from ..names import is_letter
from ..registry import Function, Infix, Notation, register
from ..trees import Node, joined, listed, show


def read_abs(p: Parser, start: int) -> Node:
    return p.node("abs", (between_bars(p, "|", start),), start)


def read_norm(p: Parser, start: int) -> Node:
    node = between_bars(p, r"\|", start)
    kind, power = "", None
    if p.peek() == "^" and p.at < p.end and norm_after_power(p):
        p.take("^")
        power = p.group(p.expr)
    if p.peek() == "_" and p.peek(1) == "*" and p.at < p.end:
        p.at += 2
        kind = "nuclear"
    elif p.accept("_"):
        kind = p.group(lambda: norm_kind(p))
    result = p.node("norm", (node, kind), start)
    return p.node("pow", (result, power), start) if power is not None else result


def between_bars(p: Parser, mark: str, start: int) -> Node:
    p.bars += 1
    node = p.expr()
    if p.peek() != mark or p.at >= p.end:
        raise p.refuse(f"this {mark} is never closed", start)
    p.take()
    p.bars -= 1
    return node


def read_inner(p: Parser, start: int) -> Node:
    left = p.expr()
    p.take(",")
    right = p.expr()
    p.take(r"\rangle")
    return p.node("inner", (left, right), start)


def read_transpose(p: Parser, base: Node, start: int) -> Node | None:
    if p.peek() != r"\top" or p.at + 1 != p.end:
        return None
    p.take()
    return Node("T", (base,), start, p.tokens[p.at - 1].end)


def read_inverse_transpose(p: Parser, base: Node, start: int) -> Node | None:
    if p.peek() != "-" or p.peek(1) != r"\top" or p.at + 2 != p.end:
        return None
    p.at += 2
    return Node("invT", (base,), start, p.tokens[p.at - 1].end)


def norm_after_power(p: Parser) -> bool:
    """Whether ``^2_F`` follows: the power first, then the kind of the norm."""
    place = p.at + 1
    if place >= p.end:
        return False
    place = p.closing(place) + 1 if p.tokens[place].text == "{" else place + 1
    return place < p.end and p.tokens[place].text == "_"


def norm_kind(p: Parser) -> str:
    token = p.take()
    kinds = {"F": "F", "1": "1", "2": "2", r"\infty": "inf", "*": "nuclear"}
    if token.text == r"\mathrm" and p.peek() == "{":
        token = p.tokens[p.at + 1]
        p.at = p.closing(p.at) + 1
    if token.text not in kinds:
        raise p.refuse(r"norms are \|x\|, \|x\|_1, \|x\|_2, \|x\|_\infty and \|A\|_F",
                          token.start)
    return kinds[token.text]


def read_matrix(p: Parser, name: str, start: int) -> Node:
    rows: list[tuple[Node, ...]] = []
    row = [p.expr()]
    while True:
        if p.accept("&"):
            row.append(p.expr())
        elif p.accept(r"\\"):
            rows.append(tuple(row))
            if p.peek() == r"\end":
                row = []
                break
            row = [p.expr()]
        else:
            break
    if row:
        rows.append(tuple(row))
    p.end_environment(name, start)
    if len({len(r) for r in rows}) != 1:
        raise p.refuse("the rows of the matrix have different lengths", start)
    return p.node("matrix", tuple(rows), start)


def read_kronecker(p: Parser, factors: list[Node], start: int) -> list[Node]:
    """A Kronecker product stands alone: how tightly it binds beside a product is no convention."""
    before = [t.text for t in p.tokens if t.end <= start]
    chained = len(factors) == 1
    found = [p.node("kron", (p.joined(factors, start), p.factor()), start)]
    follows = p.at < p.end and p.peek() != r"\otimes" and (
        p.starts_factor() or p.infix("product") or p.infix("entrywise"))
    if not chained or follows or before[-1:] == [r"\odot"]:
        raise p.refuse(r"how far \otimes reaches is unclear: put A \otimes B, or the product "
                       "beside it, in parentheses", start)
    return found


def optional_size(p: Parser) -> Node | None:
    if p.peek() == "_" and p.at < p.end:
        p.take()
        return p.group(p.expr)
    return None


def T_value(e: Evaluator, node: Node, env: Env, a: Node) -> Any:
    value = e.value(a, env)
    if v.is_scalar(value) and a.kind in ("sym", "term", "item", "const", "number", "num"):
        raise v.type_error(f"the transpose of {show(a)}: a number has no transpose")
    return v.transpose(value)


def invT_value(e: Evaluator, node: Node, env: Env, a: Node) -> Any:
    return v.transpose(v.inverse(e.value(a, env)))


def abs_value(e: Evaluator, node: Node, env: Env, a: Node) -> Any:
    value = e.value(a, env)
    if not v.is_scalar(value):
        raise v.type_error(rf"| | around {v.shape_text(value)}: write \|x\|, or \det(A)")
    if e.watch is not None:
        e.watch.choose(node, value)
    return abs(value)


def norm_value(e: Evaluator, node: Node, env: Env, a: Node, kind: str) -> Any:
    value = e.value(a, env)
    if isinstance(value, v.Lazy):
        raise v.type_error(f"a norm of {v.shape_text(value)}: its size is unknown")
    if v.is_scalar(value):
        return abs(value)
    matrix = value.dim() != 2 or 1 not in value.shape
    if matrix and kind in ("2", "nuclear") and value.dim() == 2:
        found = torch.linalg.svdvals(value)
        return found.max() if kind == "2" else found.sum()
    if matrix and kind != "F":
        raise v.type_error(r"a norm of a matrix is \|A\|_F, the spectral norm \|A\|_2, or \|A\|_*")
    if kind in ("", "2", "F", "nuclear"):
        return torch.sqrt((value * value).sum())
    return value.abs().sum() if kind == "1" else value.abs().max()


def inner_value(e: Evaluator, node: Node, env: Env, a: Node, b: Node) -> Any:
    left, right = e.value(a, env), e.value(b, env)
    if v.is_scalar(left) or v.is_scalar(right) or isinstance(left, v.Lazy) or isinstance(
            right, v.Lazy) or left.shape != right.shape:
        raise v.type_error(f"the inner product of {v.shape_text(left)} and "
                           f"{v.shape_text(right)}")
    return (left * right).sum()


def matrix_value(e: Evaluator, node: Node, env: Env, *rows: Any) -> Any:
    entries = [[e.value(entry, env) for entry in row] for row in rows]
    if all(v.is_scalar(x) for row in entries for x in row):
        built = torch.stack([torch.stack([v.tensor(x) for x in row]) for row in entries])
        return v.squeeze(built)
    return blocks(entries, [[entry == ZERO for entry in row] for row in rows])


ZERO = Node("num", ("0",))


def blocks(entries: list[list[v.Value]], zero: list[list[bool]]) -> torch.Tensor:
    """Blocks as one matrix; a block that is written 0, an identity and ones take their size from
    the blocks beside, above and below.

    Raises
    ------
    Refused
        Where a size is unknown, or does not fit.
    """
    heights: list[int | None] = [None] * len(entries)
    widths: list[int | None] = [None] * len(entries[0])
    places = [(r, c) for r in range(len(heights)) for c in range(len(widths))]
    for r, c in 2 * places:  # once more: an identity carries a height on to a width
        sized(heights, widths, entries[r][c], zero[r][c], r, c)
    for r, c in places:  # a 0 below a column is one more entry
        if zero[r][c] and heights[r] is None and widths[c] == 1:
            heights[r] = 1
        if zero[r][c] and widths[c] is None and heights[r] == 1:
            widths[c] = 1
    found = []
    for r, row in enumerate(entries):
        parts = []
        for c, value in enumerate(row):
            height, width = heights[r], widths[c]
            if height is None or width is None:
                raise v.type_error("the size of a block is unknown: no block beside, above or "
                                   r"below it tells; write I_n, or 0 \cdot C")
            parts.append(block(value, zero[r][c], height, width))
        found.append(torch.cat(parts, 1))
    return torch.cat(found, 0)


def sized(heights: list[int | None], widths: list[int | None], value: v.Value, zero: bool,
          r: int, c: int) -> None:
    """Note what a block says of the height of its row and of the width of its column."""
    height = width = None
    if isinstance(value, v.Lazy):
        known = heights[r] or widths[c]
        height = {"eye": known, "row": 1}.get(value.kind)
        width = {"eye": known, "col": 1}.get(value.kind)
    elif v.is_matrix(value):
        height, width = value.shape
    elif not zero:
        height = width = 1
    heights[r] = heights[r] or height
    widths[c] = widths[c] or width


def block(value: v.Value, zero: bool, height: int, width: int) -> torch.Tensor:
    if zero:
        return torch.zeros(height, width, dtype=torch.float64)
    if isinstance(value, v.Lazy):
        return v.materialize(value, (height, width))
    found = v.tensor(value)
    found = found.reshape(1, 1) if v.is_scalar(value) else found
    if found.shape != (height, width):
        raise v.type_error(f"the blocks of the matrix do not fit together: {v.shape_text(value)} "
                           f"where the blocks beside it make it {height}×{width}")
    return found


def read_identity(p: Parser, start: int) -> Node:
    r"""``I``, ``I_n``; ``I_{kj}`` is an entry where both letters are indices, and the identity of
    that size where both are dimensions."""
    sub = p.subscript() if p.peek() == "_" and p.at < p.end else None
    letters = [t.text for t in p.tokens[sub.first:sub.last] if t.text != ","] if sub else []
    if sub is None or len(letters) != 2 or not all(map(is_letter, letters)):
        return p.node("const", ("I", optional_size(p)), start)
    found = [p.lookup(letter) for letter in letters]
    sizes = [info is not None and info.kind == "dim" for info in found]
    if all(sizes) and "," not in sub.text:
        return p.node("const", ("I", optional_size(p)), start)
    if any(sizes):
        raise p.refuse(f"I_{{{sub.text}}} is read in two ways, as an entry of the identity and as "
                       rf"the identity of a size: write \delta_{{{sub.text}}} for the entry", start)
    p.take("_")
    return p.node("delta", tuple(p.group(p.indices)), start)


def read_ones(p: Parser, start: int) -> Node | None:
    """Left alone where a relation stands below it: then it is an indicator."""
    return p.node("const", ("ones", optional_size(p)), start)


def read_zeros(p: Parser, start: int) -> Node:
    optional_size(p)
    return p.node("num", ("0",), start)


def kron_value(e: Evaluator, node: Node, env: Env, a: Node, b: Node) -> v.Value:
    left, right = e.value(a, env), e.value(b, env)
    if not (v.is_matrix(left) and v.is_matrix(right)):
        sizeless = any(isinstance(x, v.Lazy) for x in (left, right))
        advice = "the size is unknown, write I_n" if sizeless else "it stands between matrices"
        raise v.type_error(f"{v.shape_text(left)} \\otimes {v.shape_text(right)}: {advice}")
    if left.shape[1] == right.shape[1] == 1:
        raise v.type_error(r"\otimes between two columns is read in two ways: write u v^\top for "
                           r"the outer product, \mathrm{vec}(v u^\top) for the Kronecker product")
    return torch.kron(left.contiguous(), right.contiguous())


def const_value(e: Evaluator, node: Node, env: Env, name: str, size: Node | None) -> Any:
    kind = "eye" if name == "I" else "col"
    if size is None:
        return v.Lazy(kind)
    count = e.whole(size, env, "a size")
    return v.materialize(v.Lazy(kind), (count, count if kind == "eye" else 1))


def softmax(a: v.Value) -> v.Value:
    if not v.is_matrix(a):
        raise v.type_error(f"the softmax of {v.shape_text(a)}")
    return torch.softmax(a, 0 if a.shape[1] == 1 else 1)


def logsumexp(a: v.Value) -> v.Value:
    if not v.is_vector(a):
        raise v.type_error(f"the logsumexp of {v.shape_text(a)}")
    return torch.logsumexp(a.reshape(-1), 0)


def trace(a: v.Value) -> v.Value:
    if v.is_scalar(a):
        return a
    if not v.square(a):
        raise v.type_error(f"the trace of {v.shape_text(a)}")
    return torch.trace(a)


def determinant(a: v.Value) -> v.Value:
    if v.is_scalar(a):
        return a
    if not v.square(a):
        raise v.type_error(f"the determinant of {v.shape_text(a)}")
    found: torch.Tensor = torch.linalg.det(a)
    return found


def diagonal(a: v.Value) -> v.Value:
    if v.square(a):
        return torch.diagonal(a).reshape(-1, 1)
    if not v.is_vector(a):
        raise v.type_error(f"diag of {v.shape_text(a)}")
    return torch.diag(a.reshape(-1))


def vec(a: v.Value) -> v.Value:
    if not v.is_matrix(a):
        raise v.type_error(f"vec of {v.shape_text(a)}")
    return a.T.reshape(-1, 1)


def show_const(node: Node, name: str, size: Node | None) -> str:
    return name + (f"<{show(size)}>" if size else "")


BOLD = (r"\mathbf", r"\boldsymbol")
register(
    "Vectors and matrices",
    Notation("T", lambda node, a: f"transpose({show(a)})", T_value, rounds="never",
             power=read_transpose,
             examples=(r"W^\top", r"x^\top z", r"x z^\top"),
             refused=((r"W^T x", "W x"), ("x z", r"x^\top z"))),
    Notation("invT", lambda node, a: f"transpose(inverse({show(a)}))", invT_value,
             power=read_inverse_transpose, examples=(r"A^{-\top}",)),
    Notation("abs", lambda node, a: f"abs({show(a)})", abs_value, rounds="never",
             starts={"|": read_abs}, keeps=lambda node: node.args[0],
             examples=("|a|",)),
    Notation("norm", lambda node, a, kind: f"norm{kind and '_' + kind}({show(a)})", norm_value,
             starts={r"\|": read_norm},
             examples=(r"\|x\|", r"\|x\|_1", r"\|x\|_2^2", r"\|W\|_F^2", r"\|W\|_2",
                       r"\|W\|_*"),
             refused=((r"\|W\|", r"\|W\|_F"),)),
    Notation("inner", lambda node, a, b: f"inner({show(a)}, {show(b)})", inner_value,
             rounds="fractions",
             starts={r"\langle": read_inner}, examples=(r"\langle x, z \rangle",)),
    Notation("kron", joined(r" \otimes "), kron_value,
             infix={r"\otimes": Infix("product", read_kronecker)}, siblings={r"\otimes": r"\cdot"},
             examples=(r"A \otimes W", r"(A \otimes I_m) \mathrm{vec}(W)"),
             refused=((r"x \otimes z", r"x z^\top"), (r"W A \otimes W", r"(W A) \otimes W"))),
    Notation("matrix", lambda node, *rows: "matrix(" + "; ".join(map(listed, rows)) + ")",
             matrix_value, environments={"pmatrix": read_matrix, "bmatrix": read_matrix},
             examples=(r"\begin{pmatrix} a & b \\ 0 & c \end{pmatrix}",
                       r"\begin{pmatrix} W & W \\ W & W \end{pmatrix} "
                       r"\begin{pmatrix} x \\ z \end{pmatrix}",
                       r"\det \begin{pmatrix} A & 0 \\ W & I \end{pmatrix}")),
    Notation("const", show_const, const_value,
             spells={"I": read_identity, **{rf"{b}{{I}}": read_identity for b in BOLD},
                     **{rf"{b}{{1}}": read_ones for b in BOLD},
                     **{rf"{b}{{0}}": read_zeros for b in BOLD}},
             examples=("A + c I", "I_n", r"\mathbf{1}^\top x",
                       r"x - \frac{1}{n} \mathbf{1}^\top x"),
             refused=(("A + a", "A + a I"),)),
    Function("tr", trace, words=("tr", "Tr", "trace"), scalar=True, siblings={"tr": "det"},
             examples=(r"\mathrm{tr}(A)",)),
    Function("det", determinant, commands=(r"\det",), words=("det",), scalar=True,
             multiplicative=True, siblings={"det": "tr"},
             examples=(r"\det(A)", r"\log\det A", r"\det(A)^{-1}")),
    Function("diag", diagonal, words=("diag", "Diag"), siblings={"diag": "tr"},
             examples=(r"\mathrm{diag}(x)", r"\mathrm{diag}(A)")),
    Function("vec", vec, words=("vec",), examples=(r"\mathrm{vec}(W)",)),
    Function("softmax", softmax, words=("softmax",), siblings={"softmax": "sigmoid"},
             examples=(r"\mathrm{softmax}(x)", r"\mathrm{softmax}(x)_i",
                       r"\mathrm{softmax}(W W^\top)")),
    Function("logsumexp", logsumexp, words=("logsumexp", "LSE"),
             examples=(r"\mathrm{logsumexp}(x)",)),
)
