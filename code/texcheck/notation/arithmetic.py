"""Numbers, sums, products, quotients, powers and roots."""

from __future__ import annotations

import math
from typing import Any

import torch

from .. import registry
from .. import values as v
from ..env import Env, Watch
from ..errors import Undefined
from ..evaluate import Evaluator
from ..grammar import Parser
from ..registry import Infix, Notation, register
from ..trees import Node, joined, show
from .functions import apply


def read_root(p: Parser, start: int) -> Node:
    order = Node("num", ("2",), start, start)
    if p.peek() == "[" and p.at < p.end:
        p.take()
        order = p.expr()
        p.take("]")
    return p.node("sqrt", (p.group(p.expr), order), start)


def read_binomial(p: Parser, start: int) -> Node:
    return p.node("binom", (p.group(p.expr), p.group(p.expr)), start)


def add_value(e: Evaluator, node: Node, env: Env, *terms: Any) -> Any:
    sign, first = terms[0]
    total = e.value(first, env)
    total = v.scale(-1, total) if sign == "-" else total
    for sign, term in terms[1:]:
        total = v.add(total, e.value(term, env), 1 if sign == "+" else -1)
    if e.watch is not None and e.watch.detailed:
        watch_terms(e.watch, node, [e.value(t, env) for _, t in terms])
    return total


def watch_terms(watch: Watch, node: Node, values: list[v.Value]) -> None:
    """Remember how small each term is beside the largest."""
    if any(isinstance(x, v.Lazy) for x in values):
        return
    sizes = [float(v.tensor(x).detach().abs().max()) for x in values]
    largest = max(sizes)
    for place, size in enumerate(sizes):
        if size > 0 and largest > 0:
            key = (id(node), place)
            watch.terms[key] = max(watch.terms.get(key, 0.0), size / largest)


def neg_value(e: Evaluator, node: Node, env: Env, a: Node) -> Any:
    return v.scale(-1, e.value(a, env))


def mul_value(e: Evaluator, node: Node, env: Env, *factors: Node) -> Any:
    return v.chain([e.value(factor, env) for factor in factors])


def times_value(e: Evaluator, node: Node, env: Env, a: Node, b: Node) -> Any:
    left, right = e.value(a, env), e.value(b, env)
    if not (v.is_scalar(left) or v.is_scalar(right)):
        raise v.type_error(r"\times between numbers only: the vector product is not read")
    return v.multiply(left, right)


def had_value(e: Evaluator, node: Node, env: Env, *parts: Node) -> Any:
    result = e.value(parts[0], env)
    for part in parts[1:]:
        factor = e.value(part, env)
        if part.kind == "mul" and not part.grouped and v.square(result):
            if any(v.square(e.value(f, env)) for f in part.args):
                raise v.type_error(r"\odot before a product of square matrices: put "
                                   "parentheses around the product")
        result = v.hadamard(result, factor)
    return result


def div_value(e: Evaluator, node: Node, env: Env, a: Node, b: Node) -> Any:
    return v.divide(e.value(a, env), e.value(b, env))


def pow_value(e: Evaluator, node: Node, env: Env, a: Node, b: Node) -> Any:
    exponent = e.value(b, env)
    if a.kind == "number" and a.args[0] == "e":
        if isinstance(exponent, torch.Tensor):
            return apply("exp", exponent)
        if isinstance(exponent, v.Lazy):
            raise v.type_error("the exponential of a matrix is not read")
    base = e.value(a, env)
    if a.kind == "norm" and a.args[1] in ("", "F") and exponent == 2:
        inside = e.value(a.args[0], env)  # not by way of the root, which has no slope at zero
        return inside * inside if v.is_scalar(inside) else (inside * inside).sum()
    if (isinstance(base, v.Number) or isinstance(base, torch.Tensor)) and (
            isinstance(exponent, int) and exponent == -1):
        return v.inverse(base)
    if v.square(base) and b.kind == "sym" and b.args[0] == "T":
        raise v.type_error(rf"{show(a)}^T is read in two ways, as a power because T is declared, "
                           r"and as the transpose: rename T, or write ^\top for the transpose")
    if a.kind == "fn" and not a.grouped and registry.function(a.args[0]).powers:
        return power_of_function(a, base, exponent)
    return v.power(base, exponent)


def power_of_function(a: Node, base: v.Value, exponent: v.Value) -> v.Value:
    r"""``\tanh^2(u)`` acts on every entry, as ``\tanh`` does."""
    if v.square(base):
        name = a.args[0]
        raise v.type_error(rf"\{name}^2 of a square matrix is read in two ways: write "
                           rf"\{name}(…)^{{\odot 2}} for the power of every entry, or "
                           rf"(\{name}(…))^2 for the power of the matrix")
    return v.elementwise_power(base, exponent)


def epow_value(e: Evaluator, node: Node, env: Env, a: Node, b: Node) -> Any:
    return v.elementwise_power(e.value(a, env), e.value(b, env))


def sqrt_value(e: Evaluator, node: Node, env: Env, a: Node, order: Node) -> v.Value:
    return root(e.value(a, env), e.whole(order, env, "the order of a root"))


def root(value: v.Value, order: int) -> v.Value:
    """A root of a number, or of every entry of a column."""
    if isinstance(value, v.Lazy) or v.square(value):
        raise v.type_error(f"a root of {v.shape_text(value)}")
    if isinstance(value, v.Number):
        if value < 0:
            raise Undefined("a root of a negative number")
        return v.exact(float(value) ** (1 / order) if order != 2 else math.sqrt(value))
    return torch.sqrt(value) if order == 2 else value ** (1 / order)


def binom_value(e: Evaluator, node: Node, env: Env, a: Node, b: Node) -> Any:
    top, bottom = e.whole(a, env, "n"), e.whole(b, env, "k")
    if not 0 <= bottom <= top <= 60:
        raise v.type_error("a binomial coefficient has 0 <= k <= n <= 60")
    return math.comb(top, bottom)


def num_value(e: Evaluator, node: Node, env: Env, text: str) -> float:
    return float(text) if "." in text else int(text)


def show_sum(node: Node, *terms: tuple[str, Node]) -> str:
    text = ""
    for place, (sign, term) in enumerate(terms):
        text += f" {sign} " if place else ("-" if sign == "-" else "")
        text += show(term)
    return f"({text})"


# ---- how they are read -------------------------------------------------------------------


def read_cdot(p: Parser, factors: list[Node], start: int) -> list[Node]:
    return [*factors, p.factor()]


def read_times(p: Parser, factors: list[Node], start: int) -> list[Node]:
    left = p.joined(factors, start)
    return [p.node("times", (left, p.factor()), start)]


def read_slash(p: Parser, factors: list[Node], start: int) -> list[Node]:
    top = p.joined(factors, start)
    found = p.node("div", (top, p.factor()), start)
    if p.at < p.end and (p.infix("product") or p.infix("entrywise") or p.starts_factor()):
        raise p.refuse("what the slash divides is unclear: write \\frac{a}{b} c or a/(b c)")
    return [found]


def read_fraction(p: Parser, start: int) -> Node:
    return p.node("div", (p.group(p.expr), p.group(p.expr)), start)


def read_entrywise(p: Parser, parts: list[Node], start: int) -> list[Node]:
    left, = parts
    before = left.args if left.kind == "had" and not left.grouped else (left,)
    return [p.node("had", (*before, p.product()), start)]


def read_entrywise_power(p: Parser, base: Node, start: int) -> Node | None:
    if p.peek() != r"\odot":
        return None
    p.take()
    return Node("epow", (base, p.expr()), start, base.end)


def without_power(node: Node) -> Node:
    """The base; of a power of e the exponent, as where the exponential is forgotten."""
    base: Node = node.args[0]
    exponent: Node = node.args[1]
    return exponent if base == Node("number", ("e",)) else base


def turned(node: Node) -> tuple[Node, Node] | None:
    """The two terms of a difference, which may stand the wrong way round."""
    signs = [sign for sign, _ in node.args]
    return (node.args[0][1], node.args[1][1]) if signs == ["+", "-"] else None


register(
    "Numbers, sums and products",
    Notation("num", lambda node, text: text, num_value, rounds="never", examples=("0.5 a",)),
    Notation("add", show_sum, add_value, rounds="fractions",
             vanishes=True, siblings={"+": "-", "-": "+"}, swaps=turned,
             examples=("a + b - 2c",), refused=((r"a - -b", r"a - (-b)"),
                                                (r"{a + b} c", r"(a + b) c"))),
    Notation("neg", lambda node, a: f"(-{show(a)})", neg_value, rounds="fractions",
             examples=("-a",)),
    Notation("mul", joined(" * "), mul_value, rounds="fractions",
             infix={r"\cdot": Infix("product", read_cdot)},
             examples=("a b", r"a \cdot b", "(a + b)(a - b)", "W x")),
    Notation("times", joined(" x "), times_value, rounds="fractions",
             infix={r"\times": Infix("product", read_times)}, examples=(r"3 \times a",)),
    Notation("div", joined(" / "), div_value, rounds="fractions", starts={r"\frac": read_fraction},
             infix={"/": Infix("product", read_slash)}, swaps=lambda node: node.args,
             examples=(r"\frac{a}{b}", "a / (b c)", r"\frac{x}{z}"),
             refused=((r"a/b c", r"\frac{a}{b} c"),)),
    Notation("pow", joined(" ^ "), pow_value, rounds="fractions", keeps=without_power,
             examples=("a^2", "c^{1/2}", "e^{a}", "A^{-1}", "A^3"),
             refused=((r"a^10", r"a^{10}"), (r"x^2", r"x^{\odot 2}"))),
    Notation("had", joined(" .* "), had_value, rounds="fractions",
             infix={r"\odot": Infix("entrywise", read_entrywise)},
             siblings={r"\odot": "+"}, examples=(r"x \odot z",),
             refused=((r"a \circ b", r"a \odot b"),)),
    Notation("epow", joined(" .^ "), epow_value, rounds="fractions", power=read_entrywise_power,
             keeps=lambda node: node.args[0], examples=(r"x^{\odot 2}",)),
    Notation("sqrt", lambda node, a, order: f"root({show(a)}, {show(order)})", sqrt_value,
             starts={r"\sqrt": read_root}, keeps=lambda node: node.args[0],
             examples=(r"\sqrt{c}", r"\sqrt[3]{c}")),
    Notation("binom", lambda node, a, b: f"binomial({show(a)}, {show(b)})", binom_value,
             starts={r"\binom": read_binomial}, examples=(r"\binom{n}{2}",)),
)
