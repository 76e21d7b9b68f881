"""`code:` lines: a whitelisted walk of a Python expression, evaluated on the same draws."""

from __future__ import annotations

import ast
import importlib
import keyword
import re
from pathlib import Path

import numpy as np
import torch

from . import values as v
from .env import NOWHERE
from .errors import Refused
from .evaluate import Evaluator
from .program import Program
from .tex import nearest
from .trees import pretty

OPERATORS = {
    ast.Add: lambda a, b: a + b, ast.Sub: lambda a, b: a - b, ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b, ast.MatMult: lambda a, b: a @ b,
}
COMPARISONS = {
    ast.Lt: lambda a, b: a < b, ast.LtE: lambda a, b: a <= b, ast.Gt: lambda a, b: a > b,
    ast.GtE: lambda a, b: a >= b, ast.Eq: lambda a, b: a == b,
}
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


def default_packages() -> tuple[str, ...]:
    """The packages beside this one, and torch."""
    here = Path(__file__).resolve().parent.parent
    found = sorted(p.name for p in here.iterdir()
                   if (p / "__init__.py").exists() and p.name != "texcheck")
    return (*found, "torch")


allowed_packages: tuple[str, ...] | None = None


def packages() -> tuple[str, ...]:
    return default_packages() if allowed_packages is None else allowed_packages


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


# ---- the whitelisting walk ---------------------------------------------------------------


def check_python(text: str, program: Program, source: str,
                 free: tuple[str, ...] = ()) -> None:
    """Refuse every construct outside the list, before anything is evaluated."""
    lead = len(source) - len(source.lstrip())
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Refused("code", f"not a Python expression: {getattr(error, 'msg', error)}",
                      lead, source) from error
    for node in ast.walk(tree):
        place = lead + getattr(node, "col_offset", 0)
        try:
            check_node(node, program)
        except Refused as error:
            raise Refused("code", error.message, place, source) from error
    dotted = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
    called = {id(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call) and is_method(n)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and (id(node) not in dotted or node.id not in packages()):
            if node.id in packages():
                raise Refused("code", f"{node.id} is a package: name a function in it",
                              lead + node.col_offset, source)
            try:
                key_of(node.id, program, free)
            except Refused as error:
                raise Refused("code", error.message, lead + node.col_offset, source) from error
        if (isinstance(node, ast.Attribute) and node.attr in METHODS and id(node) not in called
                and (dotted_name(node) or [""])[0] not in packages()):
            raise Refused("code", f".{node.attr} is called without arguments: .{node.attr}()",
                          lead + node.col_offset, source)
        if isinstance(node, ast.Attribute) and id(node) not in dotted:
            parts = dotted_name(node)
            if parts and parts[0] in packages():
                resolve(parts, lead + node.col_offset, source)
        if isinstance(node, ast.Call):
            parts = dotted_name(node.func)
            if is_method(node):
                continue
            if parts is None or parts[0] not in packages():
                raise Refused("code", "only functions of "
                              f"{', '.join(packages())} are called", lead + node.col_offset,
                              source)


def is_method(node: ast.Call) -> bool:
    """Whether a call is ``x.sum()`` or ``x.mean()``, without arguments."""
    parts = dotted_name(node.func)
    return (isinstance(node.func, ast.Attribute) and node.func.attr in METHODS
            and (parts is None or parts[0] not in packages())
            and not node.args and not node.keywords)


ALLOWED = (ast.Expression, ast.Load, ast.Name, ast.Attribute, ast.Call, ast.keyword, ast.Constant,
           ast.BinOp, ast.UnaryOp, ast.USub, ast.UAdd, ast.Subscript, ast.Slice, ast.Tuple,
           ast.List, ast.Pow, ast.Compare, *OPERATORS, *COMPARISONS)


def check_node(node: ast.AST, program: Program) -> None:
    if not isinstance(node, ALLOWED):
        raise Refused("code", f"{type(node).__name__} is not allowed in a code: line")
    if isinstance(node, ast.Attribute):
        if node.attr.startswith("_"):
            raise Refused("code", f"the attribute {node.attr} is not allowed")
        parts = dotted_name(node)
        rooted = parts is not None and parts[0] in packages()
        if not rooted and node.attr not in ATTRIBUTES | METHODS:
            raise Refused("code", f"the attribute .{node.attr} is not allowed; .T, .sum() and "
                          ".mean() are")
        if rooted and parts[0] == "torch" and (
                FORBIDDEN_TORCH & set(parts) or any(map(FORBIDDEN_NAME.search, parts[1:]))):
            raise Refused("code", f"{'.'.join(parts)} is not allowed")
    if isinstance(node, ast.Compare) and len(node.ops) > 1:
        raise Refused("code", "one comparison at a time: a < b < c is not allowed")
    if isinstance(node, ast.keyword) and node.arg is None:
        raise Refused("code", "** is not allowed in a call")
    if isinstance(node, ast.Constant):
        if not isinstance(node.value, (int, float, bool, str, type(None))):
            raise Refused("code", f"the literal {node.value!r} is not allowed")
        if isinstance(node.value, int) and abs(node.value) > 10**9:
            raise Refused("code", "a number that large is not allowed")
        if isinstance(node.value, str) and len(node.value) > 40:
            raise Refused("code", "a text that long is not allowed")


def dotted_name(node: ast.AST) -> list[str] | None:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.insert(0, node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        return [node.id, *parts]
    return None


def resolve(parts: list[str], place: int = 0, source: str | None = None):
    """The object that a dotted name of an allowed package stands for."""
    module = importlib.import_module(parts[0])
    found = module
    for depth, part in enumerate(parts[1:], 1):
        if part.startswith("_"):
            raise Refused("code", f"the attribute {part} is not allowed", place, source)
        if isinstance(found, type(importlib)) and not hasattr(found, part):
            name = ".".join(parts[:depth + 1])
            try:
                importlib.import_module(name)
            except ImportError as error:
                if getattr(error, "name", "") != name:
                    raise Refused("code", f"{name} cannot be imported: {error}", place,
                                  source) from error
        if not hasattr(found, part):
            near = nearest(part, [n for n in dir(found) if not n.startswith("_")])
            hint = f": did you mean {near}?" if near else ""
            raise Refused("code", f"{'.'.join(parts[:depth])} has no {part}{hint}", place, source)
        found = getattr(found, part)
        if isinstance(found, type(importlib)) and not (
                found.__name__.split(".")[0] == parts[0]):
            raise Refused("code", f"{'.'.join(parts[:depth + 1])} is another package", place,
                          source)
    owner = getattr(found, "__module__", None) or parts[0]
    if parts[0] != "torch" and callable(found) and owner.split(".")[0] != parts[0]:
        raise Refused("code", f"{'.'.join(parts)} belongs to {owner}, not to {parts[0]}", place,
                      source)
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


def objects(text: str) -> list:
    """The functions that a Python expression calls: their source belongs to what is checked."""
    found = []
    for node in ast.walk(ast.parse(text, mode="eval")):
        if isinstance(node, ast.Call):
            parts = dotted_name(node.func)
            if parts is not None:
                found.append(resolve(parts))
    return found


# ---- evaluation --------------------------------------------------------------------------


def symbol_value(name: str, evaluator: Evaluator):
    """A declared symbol for Python: columns are one-dimensional arrays, sequences are stacked."""
    from .trees import Node

    key = key_of(name, evaluator.program)
    program = evaluator.program
    if program.scope[key].kind == "pmf":
        return evaluator.draw.tables[key][0].numpy()
    if key in program.families:
        spans = evaluator.spans(key, NOWHERE)
        places = [()]
        for low, high in spans:
            places = [(*p, i) for p in places for i in range(low, high + 1)]
        entries = [v.to_array(evaluator.element(key, p, NOWHERE)) for p in places]
        stacked = np.stack([np.asarray(e) for e in entries])
        return stacked.reshape(tuple(b - a + 1 for a, b in spans) + stacked.shape[1:])
    value = evaluator.value(Node("sym", (key,)), NOWHERE)
    if isinstance(value, v.Lazy):
        raise Refused("code", f"{name} has no size: write I_n or \\mathbf{{1}}_n")
    return v.to_array(value)


class Python:
    """Evaluates a checked expression on one draw."""

    def __init__(self, evaluator: Evaluator, free: dict):
        self.e = evaluator
        self.memory: dict = {n: v.to_array(x) for key, x in free.items() for n in python_names(key)}

    def run(self, text: str):
        return self.visit(ast.parse(text, mode="eval").body)

    def visit(self, node: ast.AST):
        return getattr(self, "on_" + type(node).__name__)(node)

    def on_Constant(self, node):
        return node.value

    def on_Name(self, node):
        if node.id not in self.memory:
            self.memory[node.id] = symbol_value(node.id, self.e)
        value = self.memory[node.id]
        return value.copy() if isinstance(value, np.ndarray) else value

    def on_Tuple(self, node):
        return tuple(self.visit(e) for e in node.elts)

    def on_List(self, node):
        return [self.visit(e) for e in node.elts]

    def on_Attribute(self, node):
        parts = dotted_name(node)
        if parts and parts[0] in packages():
            return resolve(parts)
        return np.asarray(self.visit(node.value)).T

    def on_UnaryOp(self, node):
        value = self.visit(node.operand)
        return -value if isinstance(node.op, ast.USub) else value

    def on_BinOp(self, node):
        left, right = self.visit(node.left), self.visit(node.right)
        for side in (left, right):
            if isinstance(side, (list, tuple, str)):
                raise Refused("code", f"arithmetic with a {type(side).__name__}: numbers and "
                              "arrays only")
        if isinstance(node.op, ast.Pow):
            if isinstance(left, int) and isinstance(right, int):
                return float(left) ** right
            return left**right
        return OPERATORS[type(node.op)](left, right)

    def on_Compare(self, node):
        left, right = self.visit(node.left), self.visit(node.comparators[0])
        for side in (left, right):
            if isinstance(side, (list, tuple, str)):
                raise Refused("code", f"a comparison with a {type(side).__name__}: numbers and "
                              "arrays only")
        return COMPARISONS[type(node.ops[0])](left, right)

    def on_Subscript(self, node):
        return self.visit(node.value)[self.visit(node.slice)]

    def on_Slice(self, node):
        ends = [None if p is None else self.visit(p) for p in (node.lower, node.upper, node.step)]
        return slice(*ends)

    def on_Call(self, node):
        if is_method(node):
            value = np.asarray(self.visit(node.func.value))
            return value.sum() if node.func.attr == "sum" else value.mean()
        parts = dotted_name(node.func)
        function = resolve(parts)
        args = [self.visit(a) for a in node.args]
        names = {k.arg: self.visit(k.value) for k in node.keywords}
        if parts[0] == "torch":
            if parts[-1] in MAKERS and any(isinstance(a, (int, tuple, list)) and np.max(a) > 64
                                           for a in [*args, *names.values()]):
                raise Refused("code", f"{'.'.join(parts)} with a size above 64")
            return from_torch(self.call_torch(function, args, names, node))
        return from_torch(function(*args, **names))


    def call_torch(self, function, args, names, node):
        """Call with whole numbers as float64, and where torch refuses these, as class indices."""
        keys = {k.arg: k.value for k in node.keywords}
        failure: Exception | None = None
        for whole in (torch.float64, torch.int64, None):
            try:
                given = [for_torch(a, n, whole) if whole else a
                         for a, n in zip(args, node.args, strict=True)]
                named = {k: for_torch(x, keys[k], whole) if whole else x for k, x in names.items()}
                return function(*given, **named)
            except (TypeError, RuntimeError, ValueError, IndexError) as error:
                failure = failure or error
        raise failure


def for_torch(value, node: ast.AST, whole: torch.dtype):
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


def from_torch(value):
    if isinstance(value, torch.Tensor):
        return value.detach().numpy() if value.dim() else value.item()
    return value


def evaluate(text: str, evaluator: Evaluator, free: dict) -> np.ndarray:
    """Value of the Python side, as an array; `free` holds the arguments of a definition."""
    try:
        value = Python(evaluator, free).run(text)
        array = np.asarray(value)
        if array.dtype == bool:
            array = array.astype(np.float64)
        return np.asarray(array, dtype=np.float64)
    except Refused:
        raise
    except Exception as error:
        said = str(error).strip().split("\n")[0]
        raise Refused("code", f"{type(error).__name__}: {said}") from error
