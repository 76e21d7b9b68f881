"""Functions of a number, which act on every entry of a column."""

from __future__ import annotations

from collections.abc import Callable

import torch

from .. import kinks, registry
from .. import values as v
from ..env import Env, Watch
from ..errors import Undefined
from ..evaluate import Evaluator
from ..grammar import Parser
from ..registry import Function, Notation, register
from ..trees import Node, listed


def read_function(p: Parser, entry: Function, start: int) -> Node | None:
    """A built-in function: arguments in parentheses, or one bare factor and nothing after."""
    name, primes = entry.name, 0
    if p.peek() == "_" and p.at < p.end and name in registry.load().reductions:
        return None
    if p.tokens[p.at - 1].text in entry.brackets:
        inner = p.expr()
        p.take(entry.brackets[1])
        return p.node("fn", (name, (inner,), 0), start)
    shown = p.text[start:p.tokens[p.at - 1].end]
    while p.peek() == "'" and p.at < p.end:
        p.take()
        primes += 1
    if primes and (not entry.entrywise or primes > 3):
        raise p.refuse(f"a prime on {name}", start)
    if p.peek() == "_" and p.at < p.end:
        return based(p, entry, shown, primes, start)
    if p.peek() == "^" and p.at < p.end:
        return powered_function(p, entry, shown, primes, start)
    return applied(p, entry, shown, primes, start)


def applied(p: Parser, entry: Function, shown: str, primes: int, start: int) -> Node:
    """A built-in function whose name has been read, with its arguments."""
    name, args = entry.name, read_arguments(p, entry, shown)
    least, most = entry.arguments
    if most == 1 and len(args) != 1:
        raise p.refuse(f"{name} takes one argument, {len(args)} given", start)
    if len(args) > most:
        raise p.refuse(f"{name} takes {most} arguments, {len(args)} given", start)
    if len(args) < least:
        raise p.refuse(f"{name} of one thing: write {shown}(a, b) or "
                       f"{shown}_{{i}} x_i", start)
    return p.node("fn", (name, tuple(args), primes), start)


def based(p: Parser, entry: Function, shown: str, primes: int, start: int) -> Node:
    r"""``\log_2 x``: a logarithm is the quotient of those of its argument and of its base."""
    if not entry.based or primes or "ln" in shown:
        raise p.refuse(f"{shown} with a subscript is not read: an entry of its value is written "
                       f"{shown}(x)_i", p.place())
    p.take()
    base = p.group(p.expr)
    if p.peek() == "^" and p.at < p.end:
        raise p.refuse(f"a power on the name {shown}: write ({shown}_b(x))^2", p.place())
    over = Node("fn", (entry.name, (base,), 0), start, start)  # it has no text of its own
    return p.node("div", (applied(p, entry, shown, 0, start), over), start)


def read_arguments(p: Parser, entry: Function, shown: str) -> list[Node]:
    if entry.arguments[1] > 1 and p.peek() == r"\{":
        return listed_arguments(p)
    if p.peek() != "(" or p.at >= p.end:
        return [bare_argument(p, shown)]
    args = p.arguments()
    if p.peek() == "^" and p.at < p.end and power_unclear(p, entry, args):
        raise p.refuse(f"{shown}(x)^2 can be read in two ways: write ({shown} x)^2 or "
                       f"{shown}(x^2)")
    return args


def power_unclear(p: Parser, entry: Function, args: list[Node]) -> bool:
    r"""Whether a power after the parentheses may belong to the argument: a function with a command,
    such as ``\log``, takes one factor without parentheses too, and (x)^2 is a factor. A word, such
    as ReLU, is applied to what stands in parentheses only."""
    sup = p.superscript()
    return (len(args) == 1 and sup is not None and sup.text != r"\top"
            and not sup.text.startswith(r"\odot") and bool(entry.commands)
            and (entry.entrywise or entry.scalar) and not entry.multiplicative)


def powered_function(p: Parser, entry: Function, shown: str, primes: int,
                     start: int) -> Node:
    """``\\tanh^2(u)``, the square of the value; other powers are refused."""
    name, sup = entry.name, p.superscript()
    if sup is None or sup.text not in ("2", "3", "4") or primes or not entry.powers:
        power = "2" if sup is None else sup.text if len(sup.text) == 1 else f"{{{sup.text}}}"
        raise p.refuse(f"a power on the name {shown}: write ({shown}(x))^{power}", p.place())
    p.take()
    exponent = p.group(p.expr)
    if p.peek() != "(" or p.at >= p.end:
        raise p.refuse(f"put the argument of {shown} in parentheses")
    args = p.arguments()
    if len(args) != 1:
        raise p.refuse(f"{name} takes one argument, {len(args)} given", start)
    return p.node("pow", (p.node("fn", (name, tuple(args), 0), start), exponent), start)


def listed_arguments(p: Parser) -> list[Node]:
    p.take(r"\{")
    args = [p.expr()]
    while p.accept(","):
        args.append(p.expr())
    p.take(r"\}")
    return args


CONSTANTS = ("num", "number")  # 2, \\pi, e: a product of these is clear, as in \\log 2\\pi


def bare_argument(p: Parser, shown: str) -> Node:
    if not p.starts_factor():
        raise p.refuse(f"{shown} has no argument here")
    start = p.place()
    node = p.factor()
    factors = [node]
    while factors[-1].kind in CONSTANTS and not factors[-1].grouped and p.starts_factor():
        saved = p.at
        factors.append(p.factor())
        if factors[-1].kind not in CONSTANTS:
            p.at = saved
            break
    else:
        node = p.joined(factors, start)
    follows = p.at < p.end and (
        p.starts_factor() or p.infix("product") or p.infix("entrywise"))
    if follows:
        raise p.refuse(f"where the argument of {shown} ends is unclear: write "
                       f"{shown}(…) with parentheses")
    return node


def show_function(node: Node, name: str, args: tuple[Node, ...], order: int) -> str:
    return f"{name}{chr(39) * order}({listed(args)})"


def fn_value(e: Evaluator, node: Node, env: Env, name: str, args: tuple[Node, ...],
             order: int) -> v.Value:
    if name == "log":
        inner = registry.kind(args[0].kind)
        if isinstance(inner, Notation) and inner.log is not None:
            found: v.Value = inner.log(e, args[0], env)
            return found
    given = [e.value(a, env) for a in args]
    if e.watch is not None and name in ("max", "min", "relu"):
        watch_arms(e.watch, node, name, given)
    if order:
        return kinks.primed(e, lambda x: apply(name, x), given[0], order,
                            registry.function(name).picks)
    return apply(name, *given)


def watch_arms(watch: Watch, node: Node, name: str, given: list[v.Value]) -> None:
    """Note by what a function chooses between its arguments, or between its argument and zero."""
    if any(isinstance(a, v.Lazy) for a in given):
        return
    if name == "relu":
        watch.choose(node, given[0])
        return
    values = v.broadcast([v.tensor(a) for a in given])
    choose = torch.maximum if name == "max" else torch.minimum
    for place in range(1 if len(values) == 2 else len(values)):
        others = [a for i, a in enumerate(values) if i != place]
        rest = others[0]
        for other in others[1:]:
            rest = choose(rest, other)
        watch.choose(node, values[place] - rest, place)


def apply(name: str, *args: v.Value) -> v.Value:
    """The value of a built-in function.

    Raises
    ------
    Refused
        For what the function does not take.
    Undefined
        Where a function of a number has no finite value.
    """
    entry = registry.function(name)
    if not entry.entrywise:
        whole: v.Value = entry.value(*args)
        return whole
    a, = args
    if isinstance(a, v.Lazy) or (not entry.square and v.square(a)):
        raise v.type_error(f"{name} of {v.shape_text(a)}: give the entries, with indices")
    value: torch.Tensor = entry.value(v.tensor(a))
    if isinstance(a, v.Number):
        if not bool(torch.isfinite(value)):
            raise Undefined(f"{name} of {a:g} has no value")
        return v.exact(float(value))
    return value


def softplus(x: torch.Tensor) -> torch.Tensor:
    return torch.logaddexp(x, torch.zeros_like(x))


def of_primes(node: Node) -> list[tuple[Node, Node | None]]:
    """A function with primes differentiates itself, by its argument."""
    return [(node, None)] if node.args[2] else []


def whole_part(towards: Callable[[torch.Tensor], torch.Tensor]
               ) -> Callable[[torch.Tensor], torch.Tensor]:
    """The next whole number; nothing where rounding decides which one that is."""
    def value(x: torch.Tensor) -> torch.Tensor:
        away = (x - x.round()).abs()
        unsure = (away > 0) & (away < 1e-9 * torch.clamp(x.abs(), min=1))
        return torch.where(unsure, torch.nan, towards(x))

    return value


def jumps(node: Node) -> bool:
    return registry.function(node.args[0]).jumps


def argument(node: Node) -> Node | None:
    """What is left where a function of every entry is forgotten."""
    argument: Node = node.args[1][0]
    return argument if registry.function(node.args[0]).entrywise else None


register(
    "Functions",
    Notation("fn", show_function, fn_value, read=read_function, jumps=jumps, vanishes=True,
             differentiates=of_primes, keeps=argument, examples=(r"\tanh'(a)",)),
    Function("log", torch.log, commands=(r"\log", r"\ln"), words=("log", "ln"), entrywise=True,
             square=False, based=True, siblings={r"\log": r"\exp"},
             examples=(r"\log c", r"\log(1 + e^a)", r"\log 2\pi", r"\log_2 c"),
             refused=((r"\log c e^a", r"\log(c e^a)"), (r"\log(c)^2", r"(\log c)^2"))),
    Function("exp", torch.exp, commands=(r"\exp",), words=("exp",), entrywise=True, square=False,
             siblings={r"\exp": r"\log"}, examples=(r"\exp a",)),
    Function("sin", torch.sin, commands=(r"\sin",), words=("sin",), entrywise=True, powers=True,
             siblings={r"\sin": r"\cos"}, examples=(r"\sin a",)),
    Function("cos", torch.cos, commands=(r"\cos",), words=("cos",), entrywise=True, powers=True,
             siblings={r"\cos": r"\sin"}, examples=(r"\cos a",)),
    Function("tan", torch.tan, commands=(r"\tan",), entrywise=True, powers=True,
             examples=(r"\tan a",)),
    Function("sinh", torch.sinh, commands=(r"\sinh",), entrywise=True, powers=True,
             examples=(r"\sinh a",)),
    Function("cosh", torch.cosh, commands=(r"\cosh",), entrywise=True, powers=True,
             examples=(r"\cosh a",)),
    Function("tanh", torch.tanh, commands=(r"\tanh",), words=("tanh",), entrywise=True,
             powers=True, siblings={r"\tanh": r"\sin"}, examples=(r"\tanh^2(a)",)),
    Function("arctan", torch.atan, commands=(r"\arctan",), entrywise=True, powers=True,
             examples=(r"\arctan a",)),
    Function("sigmoid", torch.sigmoid, words=("sigmoid",), entrywise=True, powers=True,
             siblings={"sigmoid": "tanh"}, examples=(r"\mathrm{sigmoid}(a)",)),
    Function("softplus", softplus, words=("softplus",), entrywise=True, powers=True,
             examples=(r"\mathrm{softplus}(a)",)),
    Function("relu", torch.relu, picks=True, words=("relu", "ReLU"), entrywise=True, powers=True,
             siblings={"relu": "sigmoid", "ReLU": "sigmoid"}, examples=(r"\mathrm{ReLU}(x)",)),
    Function("sign", torch.sign, picks=True,
             words=("sign", "sgn"), entrywise=True, powers=True, jumps=True,
             examples=(r"\mathrm{sign}(a)",)),
    Function("floor", whole_part(torch.floor), picks=True,
             brackets=(r"\lfloor", r"\rfloor"), entrywise=True, jumps=True,
             examples=(r"\lfloor a \rfloor",)),
    Function("ceil", whole_part(torch.ceil), picks=True,
             brackets=(r"\lceil", r"\rceil"), entrywise=True, jumps=True,
             examples=(r"\lceil a \rceil",)),
    Function("erf", torch.erf, words=("erf",), entrywise=True, powers=True,
             examples=(r"\mathrm{erf}(a)",)),
)
