"""A tree and a draw to a value. Every derivative is taken by autograd."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from . import values as v
from .batch import batched
from .contract import contracted
from .env import NOWHERE, Draw, Env, Watch, stamp
from .errors import Refused, Undefined
from .program import Program
from .trees import Node, pretty, show, walk

MOST_TERMS = 2**14
MOST_WORK = 40_000
FORBIDDEN_ON_SQUARE = ("exp", "log")

FUNCTIONS = {
    "log": torch.log, "exp": torch.exp, "sin": torch.sin, "cos": torch.cos, "tan": torch.tan,
    "sinh": torch.sinh, "cosh": torch.cosh, "tanh": torch.tanh, "arctan": torch.atan,
    "sigmoid": torch.sigmoid, "softplus": lambda x: torch.logaddexp(x, torch.zeros_like(x)),
    "floor": torch.floor, "ceil": torch.ceil,
    "relu": torch.relu, "sign": torch.sign, "erf": torch.erf,
}


class Evaluator:
    """Evaluates trees on one draw, remembering what does not change."""

    def __init__(self, program: Program, draw: Draw):
        self.program = program
        self.draw = draw
        self.memory: dict = {}
        self.kept: list = []
        self.active: set = set()
        self.entrywise: set = set()
        self.work = 0
        self.probing = False
        self.cancelled = False
        self.watch: Watch | None = None
        from .probability import Probability

        self.probability = Probability(self)

    # ---- the walk -----------------------------------------------------------------------

    def value(self, node: Node, env: Env = NOWHERE) -> Any:
        """Value of a node, from memory where nothing that it depends on has changed."""
        if node.kind == "num":
            text = node.args[0]
            return float(text) if "." in text else int(text)
        key = self.key(node, env)
        found = self.memory.get(key)
        if found is None:
            try:
                found = getattr(self, "do_" + node.kind)(node, env, *node.args)
            except Refused as error:
                if not error.details:
                    error.details.append(f"in   {show(node)}")
                raise
            self.memory[key] = found
            self.kept.append(node)  # its id is in the key
        return found

    def key(self, node: Node, env: Env):
        if not env.bound and not env.cuts:
            return id(node)
        parts: list = [id(node)]
        if env.bound:
            names = node.names
            for name, value in env.bound.items():
                if name in names:
                    self.kept.append(value)
                    parts.append((name, stamp(value)))
        if env.cuts:
            closure = self.program.closure(node)
            for name, value in env.cuts.items():
                if name[0] in closure:
                    self.kept.append(value)
                    parts.append((name, stamp(value)))
        return tuple(parts)

    def number(self, node: Node, env: Env, what: str):
        value = self.value(node, env)
        if not v.is_scalar(value):
            raise v.type_error(f"{what} is {v.shape_text(value)}; a number is expected")
        return value

    def whole(self, node: Node, env: Env, what: str) -> int:
        return v.as_int(self.value(node, env), what)

    # ---- names --------------------------------------------------------------------------

    def do_sym(self, node: Node, env: Env, key: str):
        if key in env.bound:
            return env.bound[key]
        if (key, ()) in env.cuts:
            return env.cuts[key, ()]
        if key in self.draw.values:
            return self.draw.values[key]
        if key in self.draw.dims:
            return self.draw.dims[key]
        definition = self.program.defs.get(key)
        if definition is not None and not definition.params and not definition.ranges:
            return self.guarded((key, ()), definition.body, env.only({}))
        if key in self.program.families:
            return self.assemble(key, env)
        if key in self.program.rvs:
            return self.probability.realised(key, (), env)
        raise v.type_error(f"{pretty(key)} has no value here: the end of a range, such as N in "
                           "t=1,…,N, is not declared with let:")

    def guarded(self, name: tuple, body: Node, env: Env):
        """Evaluate a definition, refusing one that needs itself."""
        mark = (name, self.key(body, env))
        if mark in self.active:
            raise v.type_error(f"{pretty(name[0])} is defined by itself")
        if len(self.active) > 150:
            raise v.type_error(f"the recursion of {pretty(name[0])} is too deep")
        self.active.add(mark)
        try:
            return self.value(body, env)
        finally:
            self.active.discard(mark)

    def assemble(self, key: str, env: Env):
        """A sequence of numbers used without index: the column (or matrix) of its entries."""
        spans = self.spans(key, env)
        if any(low != 1 for low, _ in spans) or len(spans) > 2:
            raise v.type_error(f"{pretty(key)} is a sequence that does not start at 1: give its "
                               "index")
        counts = [range(low, high + 1) for low, high in spans]
        entries = [self.element(key, index, env) for index in itertools.product(*counts)]
        if not all(v.is_scalar(e) for e in entries):
            raise v.type_error(f"{pretty(key)} is a sequence of vectors: give its index")
        shape = [len(c) for c in counts] + ([1] if len(counts) == 1 else [])
        return torch.stack([v.tensor(e) for e in entries]).reshape(shape)

    def spans(self, key: str, env: Env) -> list[tuple[int, int]]:
        """First and last index of a family."""
        found = []
        family = self.program.families[key]
        for place, pair in enumerate(family.ranges):
            if pair is None:
                found.append(self.own_span(family, place, env))
                continue
            low, high = pair
            first = self.whole(low, env.only({}), "the first index")
            last = self.whole(high, env.only({}), "the last index")
            found.append((first, last))
        return found

    def own_span(self, family, place: int, env: Env) -> tuple[int, int]:
        """The range of an index of a definition, from where it stands on the right."""
        name = family.indices[place]
        key = ("span", family.key, place)
        if key not in self.memory:
            unbound = set(family.indices) - {name}
            members = self.inferred(name, family.body, unbound, env.only({}), family.body)
            self.memory[key] = (members[0], members[-1])
        return self.memory[key]

    def do_term(self, node: Node, env: Env, key: str, indices: tuple):
        index = tuple(self.whole(i, env, f"the index of {pretty(key)}") for i in indices)
        return self.element(key, index, env)

    def element(self, key: str, index: tuple[int, ...], env: Env):
        if (key, index) in env.cuts:
            return env.cuts[key, index]
        edge = self.program.boundary(key, index, self)
        if edge is not None:
            return self.value(edge, env.only({}))
        if (key, ()) in env.cuts:
            self.check_span(key, index, env)
            whole = env.cuts[key, ()]
            return whole[tuple(i - 1 for i in index)].reshape(())
        family = self.draw.families.get(key)
        if family is not None:
            if index not in family:
                self.check_span(key, index, env)
            return family[index]
        definition = self.program.defs.get(key)
        if definition is None:
            self.check_span(key, index, env)
            return self.probability.realised(key, index, env)
        if not self.reach_unclear(key, definition, env):
            self.check_span(key, index, env)
        bound = dict(zip(definition.indices, index, strict=True))
        return self.guarded((key, index), definition.body, env.only(bound))

    def reach_unclear(self, key: str, definition, env: Env) -> bool:
        """Whether the range of a definition is neither given nor visible on its right side."""
        if None not in definition.ranges:
            return False
        mark = ("unclear", key)
        if mark not in self.memory:
            try:
                self.spans(key, env)
                self.memory[mark] = False
            except Refused:
                self.memory[mark] = True
        return self.memory[mark]

    def check_span(self, key: str, index: tuple, env: Env) -> None:
        for place, (low, high) in zip(index, self.spans(key, env), strict=True):
            if not low <= place <= high:
                raise v.type_error(f"index {place} of {pretty(key)} is out of range: it runs from "
                                   f"{low} to {high}")

    def do_item(self, node: Node, env: Env, base: Node, indices: tuple):
        whole = self.value(base, env)
        if isinstance(whole, v.Lazy):
            raise v.type_error(f"an entry of {v.shape_text(whole)}: write \\delta_{{ij}}")
        if v.is_scalar(whole):
            raise v.type_error(f"{show(base)} is a number and has no entries")
        index = [":" if i == ":" else self.whole(i, env, "an index") for i in indices]
        shape = list(whole.shape)
        if len(shape) == 2 and len(index) == 1 and 1 in shape:
            index = [index[0], 1] if shape[1] == 1 else [1, index[0]]
        if len(index) != len(shape):
            raise v.type_error(f"{show(base)} is {v.shape_text(whole)}; {len(indices)} "
                               f"ind{'ex' if len(indices) == 1 else 'ices'} given; several stand "
                               "in braces, _{ij}")
        for place, size in zip(index, shape, strict=True):
            if place != ":" and not 1 <= place <= size:
                raise v.type_error(f"index {place} of {show(base)} is out of range 1 to {size}")
        picked = whole[tuple(slice(None) if p == ":" else p - 1 for p in index)]
        if picked.dim() == 1:
            return picked.reshape((1, -1) if len(shape) == 2 and index[1] == ":" else (-1, 1))
        return picked

    def do_const(self, node: Node, env: Env, name: str, size):
        if name in ("pi", "e"):
            return math.pi if name == "pi" else math.e
        kind = "eye" if name == "I" else "col"
        if size is None:
            return v.Lazy(kind)
        count = self.whole(size, env, "a size")
        return v.materialize(v.Lazy(kind), (count, count if kind == "eye" else 1))

    # ---- arithmetic ---------------------------------------------------------------------

    def do_add(self, node: Node, env: Env, *terms):
        sign, first = terms[0]
        total = self.value(first, env)
        total = v.scale(-1, total) if sign == "-" else total
        for sign, term in terms[1:]:
            total = v.add(total, self.value(term, env), 1 if sign == "+" else -1)
        if self.probing and not self.cancelled:
            self.cancelled = cancelling(total, [self.value(t, env) for _, t in terms])
        if self.watch is not None and self.watch.detailed:
            self.watch_terms(node, [self.value(t, env) for _, t in terms])
        return total

    def watch_terms(self, node: Node, values: list) -> None:
        """Remember how small each term is beside the largest."""
        if any(isinstance(x, v.Lazy) for x in values):
            return
        sizes = [float(v.tensor(x).detach().abs().max()) for x in values]
        largest = max(sizes)
        for place, size in enumerate(sizes):
            if size > 0 and largest > 0:
                key = (id(node), place)
                self.watch.terms[key] = max(self.watch.terms.get(key, 0.0), size / largest)

    def do_neg(self, node, env, a):
        return v.scale(-1, self.value(a, env))

    def do_mul(self, node, env, *factors):
        return v.chain([self.value(factor, env) for factor in factors])

    def do_times(self, node, env, a, b):
        left, right = self.value(a, env), self.value(b, env)
        if not (v.is_scalar(left) or v.is_scalar(right)):
            raise v.type_error(r"\times between numbers only: the vector product is not read")
        return v.multiply(left, right)

    def do_had(self, node, env, *parts):
        result = self.value(parts[0], env)
        for part in parts[1:]:
            factor = self.value(part, env)
            if part.kind == "mul" and not part.grouped and v.square(result):
                if any(v.square(self.value(f, env)) for f in part.args):
                    raise v.type_error(r"\odot before a product of square matrices: put "
                                       "parentheses around the product")
            result = v.hadamard(result, factor)
        return result

    def do_div(self, node, env, a, b):
        return v.divide(self.value(a, env), self.value(b, env))

    def do_pow(self, node, env, a, b):
        exponent = self.value(b, env)
        if a.kind == "const" and a.args[0] == "e":
            if isinstance(exponent, torch.Tensor):
                return self.apply("exp", exponent)
            if isinstance(exponent, v.Lazy):
                raise v.type_error("the exponential of a matrix is not read")
        base = self.value(a, env)
        if (isinstance(base, v.Number) or isinstance(base, torch.Tensor)) and (
                isinstance(exponent, int) and exponent == -1):
            return v.inverse(base)
        if v.square(base) and b.kind == "sym" and b.args[0] == "T":
            raise v.type_error(r"W^T is read as a power where T is declared: rename T, or write "
                               r"^\top for the transpose")
        return v.power(base, exponent)

    def do_epow(self, node, env, a, b):
        return v.elementwise_power(self.value(a, env), self.value(b, env))

    def do_T(self, node, env, a):
        value = self.value(a, env)
        if v.is_scalar(value) and a.kind in ("sym", "term", "item", "const", "num"):
            raise v.type_error(f"the transpose of {show(a)}: a number has no transpose")
        return v.transpose(value)

    def do_invT(self, node, env, a):
        return v.transpose(v.inverse(self.value(a, env)))

    def do_sqrt(self, node, env, a, order):
        root = self.whole(order, env, "the order of a root")
        return self.root(self.value(a, env), root)

    def root(self, value, order: int):
        if isinstance(value, v.Lazy) or v.square(value):
            raise v.type_error(f"a root of {v.shape_text(value)}")
        if isinstance(value, v.Number):
            if value < 0:
                raise Undefined("a root of a negative number")
            return v.exact(float(value) ** (1 / order) if order != 2 else math.sqrt(value))
        return torch.sqrt(value) if order == 2 else value ** (1 / order)

    def do_abs(self, node, env, a):
        value = self.value(a, env)
        if not v.is_scalar(value):
            raise v.type_error(rf"| | around {v.shape_text(value)}: write \|x\|, or \det(A)")
        return abs(value)

    def do_norm(self, node, env, a, kind):
        value = self.value(a, env)
        if isinstance(value, v.Lazy):
            raise v.type_error(f"a norm of {v.shape_text(value)}: its size is unknown")
        if v.is_scalar(value):
            return abs(value)
        matrix = value.dim() != 2 or 1 not in value.shape
        if matrix and kind != "F":
            raise v.type_error(r"the norm of a matrix is written \|A\|_F")
        if kind in ("2", "F"):
            return torch.sqrt((value * value).sum())
        return value.abs().sum() if kind == "1" else value.abs().max()

    def do_inner(self, node, env, a, b):
        left, right = self.value(a, env), self.value(b, env)
        if v.is_scalar(left) or v.is_scalar(right) or isinstance(left, v.Lazy) or isinstance(
                right, v.Lazy) or left.shape != right.shape:
            raise v.type_error(f"the inner product of {v.shape_text(left)} and "
                               f"{v.shape_text(right)}")
        return (left * right).sum()

    def do_matrix(self, node, env, *rows):
        entries = [[self.value(e, env) for e in row] for row in rows]
        if all(v.is_scalar(e) for row in entries for e in row):
            built = torch.stack([torch.stack([v.tensor(e) for e in row]) for row in entries])
            return v.squeeze(built)
        try:
            blocks = [torch.cat([v.tensor(e).reshape(1, 1) if v.is_scalar(e) else e for e in row],
                                1) for row in entries]
            return torch.cat(blocks, 0)
        except (RuntimeError, TypeError) as error:
            raise v.type_error("the blocks of the matrix do not fit together") from error

    def do_delta(self, node, env, a, b):
        return int(self.whole(a, env, "an index") == self.whole(b, env, "an index"))

    def do_binom(self, node, env, a, b):
        top, bottom = self.whole(a, env, "n"), self.whole(b, env, "k")
        if not 0 <= bottom <= top <= 60:
            raise v.type_error("a binomial coefficient has 0 <= k <= n <= 60")
        return math.comb(top, bottom)

    # ---- relations ----------------------------------------------------------------------

    def holds(self, conditions, env: Env) -> bool:
        return all(self.true(c, env) for c in conditions)

    def true(self, condition: Node, env: Env) -> bool:
        if condition.kind == "member":
            value = self.value(condition.args[0], env)
            wanted = v.as_int(value, "a member") if v.is_scalar(value) else None
            return any(v.is_scalar(m) and m == wanted
                       for m in self.domain_values(condition.args[1], env))
        op, a, b = condition.args
        left, right = self.value(a, env), self.value(b, env)
        if v.is_scalar(left) and v.is_scalar(right):
            return v.compare(op, v.plain(left), v.plain(right))
        if op in ("=", r"\ne"):
            left, right = v.settle(left, right)
            if v.is_scalar(left) and left == 0 and isinstance(right, torch.Tensor):
                left = torch.zeros_like(right)
            if v.is_scalar(right) and right == 0 and isinstance(left, torch.Tensor):
                right = torch.zeros_like(left)
            if not (isinstance(left, torch.Tensor) and isinstance(right, torch.Tensor)
                    and left.shape == right.shape):
                raise v.type_error(f"{v.shape_text(left)} {op} {v.shape_text(right)}")
            same = bool(torch.allclose(left, right, rtol=1e-9, atol=1e-12))
            return same == (op == "=")
        raise v.type_error(f"{v.shape_text(left)} {op} {v.shape_text(right)}: an order between "
                           "numbers only")

    def do_ind(self, node, env, conditions):
        return int(self.holds(conditions, env))

    def do_cases(self, node, env, *rows):
        for place, (value, conditions) in enumerate(rows):
            if self.holds(conditions, env):
                if self.watch is not None:
                    self.watch.cases.setdefault(id(node), set()).add(place)
                return self.value(value, env)
        raise Undefined("no line of cases applies")

    # ---- sums ---------------------------------------------------------------------------

    def do_big(self, node, env, op, bindings, conditions, body):
        if op == "sum":
            whole = contracted(self, node, env)
            if whole is not None:
                return whole
        if op in ("sum", "prod") and len(bindings) == 1 and not conditions:
            whole = self.batch(node, env, op, bindings[0], body)
            if whole is not None:
                return whole
        found = [self.value(body, inner)
                 for inner in self.bindings(bindings, conditions, body, env)]
        if op == "sum":
            return total(found)
        if op == "prod":
            result = found[0] if found else 1
            for factor in found[1:]:
                result = v.multiply(result, factor)
            return result
        if not found:
            raise Undefined(f"the {op} of nothing")
        return extreme(op, found)

    def batch(self, node: Node, env: Env, op: str, bind: Node, body: Node):
        """A sum or product over vectors of a finite set, evaluated at once; or None."""
        name, how, *rest = bind.args
        if how == "set":
            members = self.domain_values(rest[0], env)
        elif how == "auto" and self.program.finite_domain(name) is not None:
            members = self.program.domain_members(self.program.finite_domain(name), self)
        else:
            return None
        found = batched(self, node, {name: members},
                        lambda one: self.value(body, env.binding(one)))
        if found is None or (op == "prod" and found.dim() > 1):
            return None
        return found.sum(0) if op == "sum" else found.prod()

    def bindings(self, bindings, conditions, body, env: Env) -> Iterator[Env]:
        """The environments that a sum runs over."""
        count = 0
        stack = [(0, env)]
        while stack:
            depth, inner = stack.pop()
            if depth == len(bindings):
                self.work += 1
                if self.work > MOST_WORK:
                    raise v.type_error(f"more than {MOST_WORK} terms in all: too many to enumerate")
                if self.holds(conditions, inner):
                    yield inner
                continue
            options = self.options(bindings[depth], bindings, body, conditions, inner)
            count += len(options)
            if count > MOST_TERMS:
                raise v.type_error(f"more than {MOST_TERMS} terms: too many to enumerate")
            name = bindings[depth].args[0]
            terms = inner.terms * max(1, len(options))
            if terms > MOST_WORK:
                raise v.type_error(f"{terms} terms one inside the other: too many to enumerate")
            inner = replace(inner, terms=terms)
            stack += [(depth + 1, inner.binding({name: o})) for o in reversed(options)]

    def options(self, bind: Node, bindings, body: Node, conditions, env: Env) -> list:
        name, how, *rest = bind.args
        if how == "range":
            low = self.whole(rest[0], env, "the lower end of a sum")
            high = self.whole(rest[1], env, "the upper end of a sum")
            if high - low > MOST_TERMS:
                raise v.type_error(f"{high - low + 1} terms: too many to enumerate")
            return list(range(low, high + 1))
        if how == "set":
            return self.domain_values(rest[0], env)
        return self.inferred(name, body, {b.args[0] for b in bindings}, env, bind)

    def inferred(self, name: str, body: Node, unbound: set, env: Env, bind: Node) -> list:
        """The range of an index from the places where it stands."""
        unbound = {n for n in unbound if n not in env.bound} | body.bound
        spans = set()
        for inner in walk(body):
            spans |= self.index_spans(inner, name, unbound, env)
        domain = self.program.finite_domain(name)
        if spans:
            if len(spans) > 1:
                shown = " and ".join(f"{a} to {b}" for a, b in sorted(spans))
                raise v.type_error(f"the index {pretty(name)} runs over {shown}: one range only")
            low, high = spans.pop()
            return list(range(low, high + 1))
        if domain is not None:
            return self.program.domain_members(domain, self)
        raise v.type_error(f"the reach of {pretty(name)} is unclear: write "
                           rf"_{{{pretty(name)}=1}}^{{n}}")

    def index_spans(self, node: Node, name: str, unbound: set, env: Env) -> set:
        if node.kind not in ("item", "term"):
            return set()
        places = [p for p, i in enumerate(node.args[1])
                  if isinstance(i, Node) and i.kind == "sym" and i.args[0] == name]
        if not places:
            return set()
        if node.kind == "term":
            spans = self.spans(node.args[0], env)
            return {spans[p] for p in places}
        if node.args[0].names & (unbound | {name}):
            return set()
        shape = getattr(self.value(node.args[0], env), "shape", ())
        if len(shape) == 2 and len(node.args[1]) == 1:
            return {(1, max(shape))}
        if len(shape) != len(node.args[1]):
            return set()
        return {(1, shape[p]) for p in places}

    def domain_values(self, domain: Node, env: Env) -> list:
        """All members of a finite set, the same objects each time."""
        key = ("members", self.key(domain, env))
        if key not in self.memory:
            self.kept.append(domain)
            found = list(self.members(domain, env))
            same = ("equal members", *(tuple(m.reshape(-1).tolist()) + tuple(m.shape)
                                       if isinstance(m, torch.Tensor) else m for m in found))
            self.memory[key] = self.memory.setdefault(same, found)
        return self.memory[key]

    def members(self, domain: Node, env: Env):
        name, shape, extra = domain.args
        if name == "onehot":
            size = self.whole(shape[0], env, "the number of entries")
            check_size(size)
            return [torch.eye(size, dtype=torch.float64)[:, i:i + 1] for i in range(size)]
        if name == "set":
            single = [self.value(e, env) for e in extra]
        elif name == "range":
            low = self.whole(extra[0], env, "the first member")
            high = self.whole(extra[1], env, "the last member")
            if high - low > MOST_TERMS:
                raise v.type_error(f"{high - low + 1} members: too many to enumerate")
            single = list(range(low, high + 1))
        else:
            raise v.type_error(f"{show(domain)} cannot be enumerated")
        if not shape:
            return single
        dims = [self.whole(d, env, "a dimension") for d in shape]
        for dim in dims:
            check_size(dim)
        dims = [*dims, 1] if len(dims) == 1 else dims
        size = math.prod(dims)
        if size * math.log2(max(2, len(single))) > math.log2(MOST_TERMS):
            raise v.type_error(f"{len(single)}^{size} members: too many to enumerate")
        return [torch.tensor([float(e) for e in entries], dtype=torch.float64).reshape(dims)
                for entries in itertools.product(single, repeat=size)]

    # ---- functions ----------------------------------------------------------------------

    def do_fn(self, node, env, name, args, order):
        if name == "log" and args[0].kind == "density":
            return self.probability.log_density(args[0], env)
        given = [self.value(a, env) for a in args]
        if order:
            return self.primed(lambda x: self.apply(name, x), given[0], order, env)
        return self.apply(name, *given)

    def apply(self, name: str, *args):
        """A built-in function."""
        a = args[0]
        if name in FUNCTIONS:
            if isinstance(a, v.Lazy) or (name in FORBIDDEN_ON_SQUARE and v.square(a)):
                raise v.type_error(f"{name} of {v.shape_text(a)}: give the entries, with indices")
            if isinstance(a, v.Number) and name == "log" and a <= 0:
                raise Undefined("a logarithm of a number that is not positive")
            if isinstance(a, v.Number):
                return v.exact(float(FUNCTIONS[name](v.tensor(a))))
            return FUNCTIONS[name](a)
        return getattr(self, "fn_" + name)(*args)

    def fn_softmax(self, a):
        if isinstance(a, v.Lazy) or v.is_scalar(a) or a.dim() != 2:
            raise v.type_error(f"the softmax of {v.shape_text(a)}")
        return torch.softmax(a, 0 if a.shape[1] == 1 else 1)

    def fn_logsumexp(self, a):
        if isinstance(a, v.Lazy) or v.is_scalar(a) or a.dim() != 2 or 1 not in a.shape:
            raise v.type_error(f"the logsumexp of {v.shape_text(a)}")
        return torch.logsumexp(a.reshape(-1), 0)

    def fn_tr(self, a):
        if v.is_scalar(a):
            return a
        if not v.square(a):
            raise v.type_error(f"the trace of {v.shape_text(a)}")
        return torch.trace(a)

    def fn_det(self, a):
        if v.is_scalar(a):
            return a
        if not v.square(a):
            raise v.type_error(f"the determinant of {v.shape_text(a)}")
        return torch.linalg.det(a)

    def fn_diag(self, a):
        if v.square(a):
            return torch.diagonal(a).reshape(-1, 1)
        if isinstance(a, v.Lazy) or v.is_scalar(a) or a.dim() != 2 or 1 not in a.shape:
            raise v.type_error(f"diag of {v.shape_text(a)}")
        return torch.diag(a.reshape(-1))

    def fn_vec(self, a):
        if isinstance(a, v.Lazy) or v.is_scalar(a) or a.dim() != 2:
            raise v.type_error(f"vec of {v.shape_text(a)}")
        return a.T.reshape(-1, 1)

    def fn_max(self, *args):
        return extreme("max", list(args))

    def fn_min(self, *args):
        return extreme("min", list(args))

    def do_call(self, node, env, key, args, order):
        given = [self.value(a, env) for a in args]
        if order:
            return self.primed(lambda x: self.applied(key, [x], env), given[0], order, env)
        return self.applied(key, given, env)

    def applied(self, key: str, given: list, env: Env):
        """A declared function; one that only makes sense for numbers acts on every entry."""
        if key in self.draw.functions:
            return self.draw.functions[key](given)
        definition = self.program.defs[key]
        if self.watch is not None and len(given) == 1 and v.is_scalar(given[0]) and (
                self.watch.detailed or self.watch.role == "code"):
            signs = self.watch.signs.setdefault((key, self.watch.role), set())
            signs.add(int(np.sign(v.plain(given[0]))))
        wide = [g for g in given if isinstance(g, torch.Tensor) and g.dim() > 0]
        if wide and (key, len(wide)) in self.entrywise:
            return self.each(key, given, env)
        try:
            return self.value(definition.body,
                              env.only(dict(zip(definition.params, given, strict=True))))
        except Refused as error:
            if error.kind != "type" or not wide or len({w.shape for w in wide}) > 1:
                raise
            result = self.each(key, given, env)
            self.entrywise.add((key, len(wide)))
            return result

    def each(self, key: str, given: list, env: Env):
        wide = next(g for g in given if isinstance(g, torch.Tensor) and g.dim() > 0)
        body, params = self.program.defs[key].body, self.program.defs[key].params
        found = []
        for place in range(wide.numel()):
            single = [g.reshape(-1)[place] if isinstance(g, torch.Tensor) and g.dim() > 0 else g
                      for g in given]
            value = self.value(body, env.only(dict(zip(params, single, strict=True))))
            if not v.is_scalar(value):
                raise v.type_error(f"{pretty(key)} of {v.shape_text(wide)}")
            found.append(v.tensor(value))
        return torch.stack(found).reshape(wide.shape)

    def primed(self, function, at, order: int, env: Env):
        """Derivative of a function of one number, for each entry of `at`."""
        if isinstance(at, v.Lazy):
            raise v.type_error(f"a derivative at {v.shape_text(at)}")
        leaf = self.leaf(at)
        if leaf.dim():
            value = torch.stack([v.tensor(function(e)) for e in leaf.reshape(-1)])
            if value.dim() != 1:
                raise v.type_error("a prime on a function of vectors: write the gradient")
        else:
            value = v.tensor(function(leaf))
            if value.dim():
                raise v.type_error("a prime on a function whose values are not numbers")
        for _ in range(order):
            value = self.gradient(value.sum(), leaf)
        return value

    # ---- derivatives --------------------------------------------------------------------

    def leaf(self, value) -> torch.Tensor:
        """A copy of a value by which a derivative can be taken, still tied to what is outside."""
        value = v.tensor(value)
        return value.clone() if value.requires_grad else value.clone().requires_grad_()

    def gradient(self, out, leaf: torch.Tensor) -> torch.Tensor:
        if not isinstance(out, torch.Tensor) or not out.requires_grad:
            return torch.zeros_like(leaf)
        found, = torch.autograd.grad(out, leaf, create_graph=True, allow_unused=True)
        return torch.zeros_like(leaf) if found is None else found

    def do_diff(self, node, env, body, targets):
        return self.differentiate(body, list(targets), env)

    def differentiate(self, body: Node, targets: list[Node], env: Env):
        if not targets:
            value = self.value(body, env)
            if isinstance(value, v.Lazy):
                raise v.type_error(f"a derivative of {v.shape_text(value)}")
            return value
        name, transposed = targets[0].args
        leaf, inner, picked = self.cut(name, env)
        out = self.differentiate(body, targets[1:], inner)
        if picked is not None:
            return self.by_entry(out, leaf, picked)
        flip = bool(targets[1:]) and targets[1].args[1]
        same = len(targets) > 1 and all(t.args[0] == name for t in targets)
        vector = leaf.dim() == 2
        if vector and len(targets) > 1 and not v.is_scalar(out) and not (flip or same):
            raise v.type_error(r"a second derivative by two vectors: write \partial x \partial "
                               r"y^\top")
        return arrange(self.jacobian(out, leaf), out, leaf, transposed, flip)

    def cut(self, node: Node, env: Env):
        """Replace a symbol by a free copy: the copy, the surroundings with it, and the entry."""
        if node.kind == "item":
            leaf, inner, _ = self.cut(node.args[0], env)
            index = tuple(self.whole(i, env, "an index") for i in node.args[1])
            self.value(node, env)
            if leaf.dim() == 2 and len(index) == 1:
                index = (index[0], 1) if leaf.shape[1] == 1 else (1, index[0])
            return leaf, inner, tuple(i - 1 for i in index)
        value = self.value(node, env)
        if isinstance(value, v.Lazy):
            raise v.type_error(f"a derivative by {v.shape_text(value)}")
        key = node.args[0]
        if self.program.is_discrete(key):
            raise v.type_error(f"a derivative by {pretty(key)}, which is not continuous")
        leaf = self.leaf(value)
        if node.kind == "sym":
            if key in env.bound:
                if isinstance(value, int):
                    raise v.type_error(f"a derivative by the index {pretty(key)}")
                return leaf, env.binding({key: leaf}), None
            return leaf, env.cut({(key, ()): leaf}), None
        index = tuple(self.whole(i, env, "an index") for i in node.args[1])
        edge = self.program.boundary(key, index, self)
        name = (edge.args[0], ()) if edge is not None else (key, index)
        return leaf, env.cut({name: leaf}), None

    def jacobian(self, out, leaf: torch.Tensor) -> torch.Tensor:
        """Derivatives of every entry of `out`: its shape, then the shape of `leaf`."""
        out = v.tensor(out)
        rows = [self.gradient(o, leaf) for o in out.reshape(-1)]
        return torch.stack(rows).reshape(tuple(out.shape) + tuple(leaf.shape))

    def by_entry(self, out, leaf, picked):
        full = self.jacobian(out, leaf)
        return full[(..., *picked)]

    def do_grad(self, node, env, body, target, order):
        if target is None:
            given = self.value(body.args[1][0], env)
            if isinstance(given, v.Lazy):
                raise v.type_error(f"a gradient at {v.shape_text(given)}")
            leaf = self.leaf(given)
            out = self.applied(body.args[0], [leaf], env)
            picked = None
        else:
            leaf, inner, picked = self.cut(target.args[0], env)
            out = self.value(body, inner)
        if not v.is_scalar(out):
            raise v.type_error(f"the gradient of {v.shape_text(out)}: write a Jacobian, "
                               r"\frac{\partial f}{\partial x}")
        first = self.gradient(out, leaf)
        if order == 1:
            return first if picked is None else first[picked]
        if picked is not None or (leaf.dim() and leaf.shape[1] != 1):
            raise v.type_error(r"\nabla^2 by a vector or a number only")
        return arrange(self.jacobian(first, leaf), first, leaf, False, False)

    # ---- probability --------------------------------------------------------------------

    def __getattr__(self, name: str):
        if name.startswith("do_") and name[3:] in ("expect", "var", "cov", "prob", "density",
                                                   "kl"):
            return getattr(self.probability, name)
        raise AttributeError(name)


def cancelling(total, terms: list) -> bool:
    """Whether a sum is so much smaller than its terms that rounding has eaten its digits."""
    if any(isinstance(x, v.Lazy) for x in (total, *terms)):
        return False
    whole = v.tensor(total).detach().abs()
    largest = torch.zeros_like(whole)
    for term in terms:
        largest = torch.maximum(largest, v.tensor(term).detach().abs().broadcast_to(whole.shape))
    return bool(((whole < 1e-7 * largest) & (largest > 0)).any())


def check_size(size: int) -> None:
    if size < 1:
        raise v.type_error(f"a dimension of {size}: it must be at least 1")
    if size > 64:
        raise v.type_error(f"a dimension of {size}: at most 64")


def total(found: list):
    """Sum of values of one shape."""
    if not found:
        return 0
    result = found[0]
    if all(isinstance(f, torch.Tensor) and f.shape == result.shape for f in found):
        return torch.stack(found).sum(0)
    for value in found[1:]:
        result = v.add(result, value)
    return result


def extreme(op: str, args: list):
    """Largest or smallest; a number beside a column is compared with every entry."""
    if any(isinstance(a, v.Lazy) for a in args):
        raise v.type_error(f"the {op} of an identity or of ones without size")
    if all(isinstance(a, v.Number) for a in args):
        return max(args) if op == "max" else min(args)
    choose = torch.maximum if op == "max" else torch.minimum
    shapes = {tuple(a.shape) for a in args if isinstance(a, torch.Tensor) and a.dim()}
    if len(shapes) > 1:
        raise v.type_error(f"the {op} of values of different shapes")
    result = v.tensor(args[0])
    for value in args[1:]:
        result = choose(*torch.broadcast_tensors(result, v.tensor(value)))
    return result


def arrange(full: torch.Tensor, out, leaf: torch.Tensor, transposed: bool, flip: bool):
    """Shape of a derivative: a gradient is a column, a Jacobian is outputs by inputs."""
    out = v.tensor(out)
    if out.dim() == 0:
        if transposed:
            if leaf.dim() != 2 or leaf.shape[1] != 1:
                raise v.type_error(r"\partial x^\top of a column x only")
            return full.reshape(1, -1)
        return full
    if leaf.dim() == 0:
        return full
    column = leaf.dim() == 2 and leaf.shape[1] == 1
    if column and out.dim() == 2 and out.shape[1] == 1:
        return full.reshape(out.shape[0], leaf.shape[0])
    if column and out.dim() == 2 and out.shape[0] == 1 and flip:
        return full.reshape(out.shape[1], leaf.shape[0]).T
    if out.dim() == 2 and out.shape[1] == 1 and leaf.dim() == 2:
        return full.reshape(out.shape[0], *leaf.shape)
    if column and out.dim() == 2 and 1 not in out.shape:
        return full.reshape(*out.shape, leaf.shape[0])
    raise v.type_error(f"the derivative of {v.shape_text(out)} by {v.shape_text(leaf)}: write it "
                       "with indices")
