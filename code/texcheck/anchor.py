"""`code:` lines: a whitelisted walk of a Python expression, evaluated on the same draws."""

from __future__ import annotations

import ast
import importlib
import itertools
import keyword
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from . import registry
from . import values as v
from .env import NOWHERE
from .errors import Refused
from .evaluate import Evaluator
from .files import packages_in
from .lexer import nearest
from .notation.families import element, spans
from .notation.names import applied
from .notation.tables import table_of
from .program import Program
from .reach import nodes_behind
from .trees import Node, pretty

OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: lambda a, b: a + b, ast.Sub: lambda a, b: a - b, ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b, ast.MatMult: lambda a, b: a @ b,
}
COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: lambda a, b: a < b, ast.LtE: lambda a, b: a <= b, ast.Gt: lambda a, b: a > b,
    ast.GtE: lambda a, b: a >= b, ast.Eq: lambda a, b: a == b,
}
ELEMENTARY = {"exp", "log", "log1p", "expm1", "sqrt", "abs", "sin", "cos", "tan", "tanh", "sinh",
              "cosh", "sigmoid", "relu", "maximum", "minimum", "sum", "dot", "outer", "atan", "erf",
              "square", "sign", "floor", "ceil", "where", "trace"}
TIGHT = 1e-12  # relative difference on most draws, where Python holds only these and arithmetic
AVERAGED = {"expect", "var", "cov", "chance"}
ATTRIBUTES = {"T"}
METHODS = {"sum", "mean"}
FORBIDDEN_NAME = re.compile(
    r"^(set_|get_|is_|use_|rand|seed|manual|initial|normal|bernoulli|multinomial|poisson|empty|load"
    r"|save|compile|from_|from|autocast|no_grad|enable|inference|vmap|cond|while|import|export|fork"
    r"|wait|init|register|tensor_split|as_strided|alpha_dropout|feature_|dropout|gumbel|rrelu)"
    r"|dropout|_$")
MAKERS = {"zeros", "ones", "full", "eye", "arange", "linspace", "tile", "logspace"}
FORBIDDEN_TORCH = {"random", "quasirandom", "overrides", "autograd", "func", "nested", "sparse",
                   "profiler", "futures", "backends", "accelerator", "monitor", "Generator",
                   "Tensor", "Storage", "device", "dtype", "repeat_interleave", "broadcast_to",
                   "combinations", "cartesian_prod", "jit", "hub", "utils", "ops", "classes",
                   "package",
                   "distributed", "multiprocessing", "serialization", "storage", "cuda", "library",
                   "onnx", "export", "testing", "from_file", "set_num_threads", "manual_seed",
                   "set_default_dtype", "set_grad_enabled", "fx"}


@cache
def default_packages() -> tuple[str, ...]:
    """The packages beside this one, and torch; where it is installed among others, torch alone."""
    here = Path(__file__).resolve().parent.parent
    return packages_in([] if here.name in ("site-packages", "dist-packages") else [here])


# ---- names -------------------------------------------------------------------------------


def python_names(key: str) -> list[str]:
    r"""Python names that stand for a declared symbol.

    Examples
    --------
    >>> python_names(r"\sigma"), python_names("W_{f}"), python_names(r"\hat{y}")
    (['sigma'], ['W_f'], ['y_hat', 'hat_y'])
    >>> python_names(r"\lambda"), python_names("h_{-1}"), python_names("z^{[1]}")
    (['lambda_', 'lam'], ['h_m1'], ['z_1', 'z1'])
    """
    text, accents = key, []
    while True:
        found = re.search(r"\\(hat|bar|tilde|dot|ddot|vec|widehat|widetilde|overline|check|breve)"
                          r"\{((?:[^{}]|\{[^{}]*\})*)\}", text)
        if found is None:
            break
        accents.append(found.group(1).removeprefix("wide"))
        text = text[:found.start()] + found.group(2) + text[found.end():]
    text = re.sub(r"\\math(?:bf|cal|bb|rm|sf|it|frak|scr|tt)|\\boldsymbol|\\text\w*", "", text)
    text = text.replace("'", "_prime").replace(r"\star", "star").replace("*", "star")
    text = text.replace("-", "m").replace("\\", "").replace("+", "p")
    plain = re.sub(r"[_^]?[{}\[\](),^]+", lambda m: "_" if m.group()[0] in "_^" else "", text)
    plain = re.sub(r"\W", "", plain).strip("_")
    found_names = [f"{plain}_{a}" for a in accents[:1]] + [f"{a}_{plain}" for a in accents[:1]]
    names = found_names or [plain]
    if "^" in key and not accents:
        names.append(plain.replace("_", ""))
    out = []
    for name in names:
        if keyword.iskeyword(name):
            out += [name + "_", name[:3]]
        else:
            out.append(name)
    return out


def table(program: Program, free: tuple[str, ...] = ()) -> dict[str, list[str]]:
    """Python name to the keys that it may mean; `free` are arguments of an anchored function."""
    found: dict[str, list[str]] = {n: [key] for key in free for n in python_names(key)}
    for key, info in program.scope.items():
        if info.kind in ("fun", "function", "rv") or not available(program, key):
            continue
        for name in python_names(key):
            found.setdefault(name, []).append(key)
    return found


def available(program: Program, key: str) -> bool:
    """Whether Python can have the symbol: of the tables, those that are one arbitrary array."""
    if program.scope[key].kind != "pmf":
        return True
    factors = program.pmfs[key]
    return len(factors) == 1 and factors[0].body is None


def function_of(name: str, program: Program) -> str:
    """The function of a `fun:` line that a Python name stands for, or an empty string."""
    keys = [key for key in program.funs if name in python_names(key)]
    return keys[0] if len(keys) == 1 else ""


def key_of(name: str, program: Program, free: tuple[str, ...] = ()) -> str:
    """The declared symbol that a Python name stands for."""
    names = table(program, free)
    keys = names.get(name, [])
    if len(keys) == 1:
        return keys[0]
    if keys:
        raise Refused("code", f"{name} may mean {' or '.join(map(pretty, keys))}: rename one")
    near = nearest(name, names)
    known = ", ".join(sorted(n for n, k in names.items())) or "none"
    hint = f"did you mean {near}?" if near else f"the names are {known}"
    raise Refused("code", f"{name} is no declared symbol and no allowed package: {hint}")


def drawn_as_numbers(free: tuple[str, ...]) -> str:
    """What to say of the arguments that no line declares, where something does not fit."""
    names = " and ".join(pretty(n) for n in free)
    return (f"; {names} {'are' if len(free) > 1 else 'is'} not declared and drawn as a number: "
            rf"declare let: {pretty(free[0])} \in \mathbb{{R}}^n, or write a declared symbol there")


# ---- the whitelisting walk ---------------------------------------------------------------


ALLOWED = (ast.Expression, ast.Load, ast.Name, ast.Attribute, ast.Call, ast.keyword, ast.Constant,
           ast.BinOp, ast.UnaryOp, ast.USub, ast.UAdd, ast.Subscript, ast.Slice, ast.Tuple,
           ast.List, ast.Pow, ast.Compare, *OPERATORS, *COMPARISONS)


def check_python(text: str, program: Program, source: str, free: tuple[str, ...] = (),
                 packages: tuple[str, ...] | None = None) -> None:
    """Refuse every construct outside the list, before anything is evaluated.

    Parameters
    ----------
    text : str
        The Python side of a `code:` line.
    program : Program
        Its symbols may be named.
    source : str
        The text at its own place in the line, for the caret.
    free : tuple of str
        Arguments of an anchored function, which may be named too.
    packages : tuple of str or None
        Packages that may be named; None for the packages beside this one, and torch.

    Raises
    ------
    Refused
    """
    lead = len(source) - len(source.lstrip())
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Refused("code", f"not a Python expression: {getattr(error, 'msg', error)}",
                      lead, source) from error
    whitelist = Whitelist(tree, program, free, packages)
    for test in (whitelist.construct, whitelist.name):
        for node in ast.walk(tree):
            try:
                test(node)
            except Refused as error:
                raise Refused("code", error.message, lead + getattr(node, "col_offset", 0),
                              source) from error


class Whitelist:
    """What an expression may be made of, node by node: constructs first, then names."""

    def __init__(self, tree: ast.Expression, program: Program, free: tuple[str, ...],
                 packages: tuple[str, ...] | None):
        self.program = program
        self.free = free
        self.packages = allowed(packages)
        self.dotted = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
        self.functions = {id(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)
                          and isinstance(n.func, ast.Name) and not n.keywords
                          and function_of(n.func.id, program)}
        self.called = {id(n.func) for n in ast.walk(tree)
                       if isinstance(n, ast.Call) and is_method(n, self.packages)}

    def construct(self, node: ast.AST) -> None:
        if not isinstance(node, ALLOWED):
            raise Refused("code", f"{type(node).__name__} is not allowed in a code: line")
        if isinstance(node, ast.Attribute):
            self.attribute(node)
        if isinstance(node, ast.Compare) and len(node.ops) > 1:
            raise Refused("code", "one comparison at a time: a < b < c is not allowed")
        if isinstance(node, ast.keyword) and node.arg is None:
            raise Refused("code", "** is not allowed in a call")
        if isinstance(node, ast.Constant):
            check_literal(node.value)

    def attribute(self, node: ast.Attribute) -> None:
        if node.attr.startswith("_"):
            raise Refused("code", f"the attribute {node.attr} is not allowed")
        parts = packaged(node, self.packages)
        if parts is None and node.attr not in ATTRIBUTES | METHODS:
            raise Refused("code", f"the attribute .{node.attr} is not allowed; .T, .sum() and "
                          ".mean() are")
        if parts and parts[0] == "torch" and (
                FORBIDDEN_TORCH & set(parts) or any(map(FORBIDDEN_NAME.search, parts[1:]))):
            raise Refused("code", f"{'.'.join(parts)} is not allowed")

    def name(self, node: ast.AST) -> None:
        if id(node) in self.functions:
            return
        if isinstance(node, ast.Name) and node.id not in self.packages:
            key_of(node.id, self.program, self.free)
        elif isinstance(node, ast.Name) and id(node) not in self.dotted:
            raise Refused("code", f"{node.id} is a package: name a function in it")
        elif isinstance(node, ast.Attribute):
            parts = packaged(node, self.packages)
            if parts is None and node.attr in METHODS and id(node) not in self.called:
                raise Refused("code", f".{node.attr} is called without arguments: .{node.attr}()")
            if parts is not None and id(node) not in self.dotted:
                resolve(parts)
        elif (isinstance(node, ast.Call) and not is_method(node, self.packages)
                and packaged(node.func, self.packages) is None):
            if id(node.func) in self.functions:
                return
            raise Refused("code", f"only functions of {', '.join(self.packages)} are called")


def check_literal(value: object) -> None:
    if not isinstance(value, (int, float, bool, str, type(None))):
        raise Refused("code", f"the literal {value!r} is not allowed")
    if isinstance(value, int) and abs(value) > 10**9:
        raise Refused("code", "a number that large is not allowed")
    if isinstance(value, str) and len(value) > 40:
        raise Refused("code", "a text that long is not allowed")


def allowed(packages: tuple[str, ...] | None) -> tuple[str, ...]:
    return default_packages() if packages is None else packages


def is_method(node: ast.Call, packages: tuple[str, ...]) -> bool:
    """Whether a call is ``x.sum()`` or ``x.mean()``, without arguments."""
    return (isinstance(node.func, ast.Attribute) and node.func.attr in METHODS
            and packaged(node.func, packages) is None and not node.args and not node.keywords)


def packaged(node: ast.AST, packages: tuple[str, ...]) -> list[str] | None:
    """The parts of a dotted name that begins with an allowed package."""
    parts = dotted_name(node)
    return parts if parts is not None and parts[0] in packages else None


def dotted_name(node: ast.AST) -> list[str] | None:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.insert(0, node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        return [node.id, *parts]
    return None


def resolve(parts: list[str]) -> Any:
    """The object that a dotted name of an allowed package stands for.

    Raises
    ------
    Refused
        If there is none, or if it belongs to another package.
    """
    found: Any = importlib.import_module(parts[0])
    for depth, part in enumerate(parts[1:], 1):
        here, name = ".".join(parts[:depth]), ".".join(parts[:depth + 1])
        if part.startswith("_"):
            raise Refused("code", f"the attribute {part} is not allowed")
        if isinstance(found, ModuleType) and not hasattr(found, part):
            try:
                importlib.import_module(name)
            except ImportError as error:
                if getattr(error, "name", "") != name:
                    raise Refused("code", f"{name} cannot be imported: {error}") from error
        if not hasattr(found, part):
            near = nearest(part, [n for n in dir(found) if not n.startswith("_")])
            raise Refused("code", f"{here} has no {part}"
                          + (f": did you mean {near}?" if near else ""))
        found = getattr(found, part)
        if isinstance(found, ModuleType) and found.__name__.split(".")[0] != parts[0]:
            raise Refused("code", f"{name} is another package")
    owner = getattr(found, "__module__", None) or parts[0]
    if parts[0] != "torch" and callable(found) and owner.split(".")[0] != parts[0]:
        raise Refused("code", f"{'.'.join(parts)} belongs to {owner}, not to {parts[0]}")
    return found


def keys_used(text: str, program: Program) -> set[str]:
    """Declared symbols that a Python expression names."""
    names = table(program)
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError:
        return set()
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found |= set(names.get(node.id, ()))
    return found


def exact(text: str, left: Node, program: Program) -> bool:
    """Whether both sides of an anchor are as exact as floats: Python holds arithmetic and
    elementary functions only, and the left side no mean, integral or limit."""
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError:
        return False
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = dotted_name(node.func)
            if (name is None or name[0] != "torch" or name[-1] not in ELEMENTARY) and not (
                    isinstance(node.func, ast.Attribute) and node.func.attr in METHODS):
                return False
    for inner in nodes_behind(program, left):
        entry = registry.kind(inner.kind)
        if inner.kind in AVERAGED or (isinstance(entry, registry.Notation) and (
                entry.approximate or entry.rounds == "often")):
            return False
    return True


# ---- evaluation --------------------------------------------------------------------------


def symbol_value(name: str, evaluator: Evaluator) -> Any:
    """A declared symbol for Python: columns are one-dimensional arrays, sequences are stacked."""
    key = key_of(name, evaluator.program)
    program = evaluator.program
    if program.scope[key].kind == "pmf":
        array = table_of(evaluator, key, 0, NOWHERE)
        assert array is not None  # of the tables, Python has the arbitrary ones only
        return array.numpy()
    if key in program.families:
        ends = spans(evaluator, key, NOWHERE)
        places = itertools.product(*(range(low, high + 1) for low, high in ends))
        entries = [v.to_array(element(evaluator, key, p, NOWHERE)) for p in places]
        stacked = np.stack([np.asarray(e) for e in entries])
        return stacked.reshape(tuple(b - a + 1 for a, b in ends) + stacked.shape[1:])
    value = evaluator.value(Node("sym", (key,)), NOWHERE)
    if isinstance(value, v.Lazy):
        raise Refused("code", f"{name} has no size: write I_n or \\mathbf{{1}}_n")
    return v.to_array(value)


class Python:
    """Evaluates a checked expression on one draw; `free` holds the arguments of a definition."""

    def __init__(self, evaluator: Evaluator, free: Mapping[str, v.Sized],
                 packages: tuple[str, ...]):
        self.e = evaluator
        self.packages = packages
        self.memory: dict[str, Any] = {n: v.to_array(x) for key, x in free.items()
                                       for n in python_names(key)}

    def run(self, text: str) -> Any:
        return self.visit(ast.parse(text, mode="eval").body)

    def visit(self, node: ast.AST) -> Any:
        return getattr(self, "on_" + type(node).__name__)(node)

    def on_Constant(self, node: ast.Constant) -> Any:
        return node.value

    def on_Name(self, node: ast.Name) -> Any:
        if node.id not in self.memory:
            self.memory[node.id] = symbol_value(node.id, self.e)
        value = self.memory[node.id]
        return value.copy() if isinstance(value, np.ndarray) else value

    def on_Tuple(self, node: ast.Tuple) -> Any:
        return tuple(self.visit(e) for e in node.elts)

    def on_List(self, node: ast.List) -> Any:
        return [self.visit(e) for e in node.elts]

    def on_Attribute(self, node: ast.Attribute) -> Any:
        parts = packaged(node, self.packages)
        return np.asarray(self.visit(node.value)).T if parts is None else resolve(parts)

    def on_UnaryOp(self, node: ast.UnaryOp) -> Any:
        value = self.visit(node.operand)
        return -value if isinstance(node.op, ast.USub) else value

    def on_BinOp(self, node: ast.BinOp) -> Any:
        left, right = self.operands(node.left, node.right, "arithmetic")
        if isinstance(node.op, ast.Pow):
            if isinstance(left, int) and isinstance(right, int):
                return float(left) ** right
            return left**right
        return OPERATORS[type(node.op)](left, right)

    def on_Compare(self, node: ast.Compare) -> Any:
        left, right = self.operands(node.left, node.comparators[0], "a comparison")
        return COMPARISONS[type(node.ops[0])](left, right)

    def operands(self, left: ast.AST, right: ast.AST, what: str) -> tuple[Any, Any]:
        found = self.visit(left), self.visit(right)
        for side in found:
            if isinstance(side, (list, tuple, str)):
                raise Refused("code", f"{what} with a {type(side).__name__}: numbers and "
                              "arrays only")
        return found

    def on_Subscript(self, node: ast.Subscript) -> Any:
        return self.visit(node.value)[self.visit(node.slice)]

    def on_Slice(self, node: ast.Slice) -> Any:
        ends = [None if p is None else self.visit(p) for p in (node.lower, node.upper, node.step)]
        return slice(*ends)

    def on_Call(self, node: ast.Call) -> Any:
        if isinstance(node.func, ast.Name):
            key = function_of(node.func.id, self.e.program)
            given = [column(self.visit(a)) for a in node.args]
            return v.to_array(applied(self.e, key, given, NOWHERE))
        parts = packaged(node.func, self.packages)
        if parts is None:  # a method: nothing else was let through
            assert isinstance(node.func, ast.Attribute)
            value = np.asarray(self.visit(node.func.value))
            return value.sum() if node.func.attr == "sum" else value.mean()
        function = resolve(parts)
        args = [self.visit(a) for a in node.args]
        names = {k.arg: self.visit(k.value) for k in node.keywords if k.arg is not None}
        if parts[0] == "torch":
            if parts[-1] in MAKERS and any(isinstance(a, (int, tuple, list)) and np.max(a) > 64
                                           for a in [*args, *names.values()]):
                raise Refused("code", f"{'.'.join(parts)} with a size above 64")
            return from_torch(call_torch(function, args, names, node))
        return from_torch(function(*args, **names))


def column(value: Any) -> v.Value:
    """What an arbitrary function gets of Python: a number, a column or a matrix."""
    array = torch.as_tensor(np.asarray(value, dtype=np.float64))
    return array.reshape(-1, 1) if array.dim() == 1 else array


def call_torch(function: Callable[..., Any], args: list[Any], names: dict[str, Any],
               node: ast.Call) -> Any:
    """Call with whole numbers as float64, and where torch refuses these, as class indices."""
    keys = {k.arg: k.value for k in node.keywords}
    failures: list[Exception] = []
    for whole in (torch.float64, torch.int64, None):
        try:
            given = [for_torch(a, n, whole) if whole else a
                     for a, n in zip(args, node.args, strict=True)]
            named = {k: for_torch(x, keys[k], whole) if whole else x for k, x in names.items()}
            return function(*given, **named)
        except (TypeError, RuntimeError, ValueError, IndexError) as error:
            failures.append(error)
    raise failures[0]


def for_torch(value: Any, node: ast.AST, whole: torch.dtype) -> Any:
    """Arrays, and numbers that are not literals, as tensors; `whole` is the type of integers."""
    literal = all(isinstance(n, (ast.Constant, ast.UnaryOp, ast.USub, ast.Tuple, ast.List,
                                 ast.Load)) for n in ast.walk(node))
    if literal:
        return value
    if isinstance(value, (np.ndarray, np.generic)):
        return torch.as_tensor(np.asarray(value))
    if isinstance(value, bool):
        return torch.tensor(value)
    if isinstance(value, (int, float)):
        return torch.tensor(value, dtype=whole if isinstance(value, int) else torch.float64)
    if isinstance(value, (list, tuple)):
        return type(value)(for_torch(x, node, whole) for x in value)
    return value


def from_torch(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.detach().numpy() if value.dim() else value.item()
    return value


def evaluate(text: str, evaluator: Evaluator, free: Mapping[str, v.Sized],
             packages: tuple[str, ...] | None = None) -> v.Array:
    """Value of the Python side, as an array; `free` holds the arguments of a definition."""
    try:
        value = Python(evaluator, free, allowed(packages)).run(text)
        array = np.asarray(value)
        if array.dtype == bool:
            array = array.astype(np.float64)
        return np.asarray(array, dtype=np.float64)
    except Refused:
        raise
    except Exception as error:
        said = str(error).strip().split("\n")[0]
        raise Refused("code", f"{type(error).__name__}: {said}") from error
