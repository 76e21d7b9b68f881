"""Random values for the declared symbols."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np
import torch

from . import values as v
from .corners import LINES, Corners, in_lines, near_ends, whole
from .domains import COUNTED, FINITE, PLACES
from .env import NOWHERE, Draw, Outcome, Place
from .errors import Refused, Undefined
from .evaluate import Evaluator
from .notation.distributions import KINDS
from .notation.domains import domain_values, members
from .notation.families import inferred, spans
from .notation.tables import alphabet
from .program import Fun, Let, Program, Random
from .trees import Node, pretty, walk

TRIES = 400
LARGEST = 64
MOST_EQUAL = 14  # of dimensions that are equal: two large ones cost as their product
FARTHEST = 10**7  # of a whole number
MOVES = 8  # numbers by which what a script holds moves a function


def draw_symbols(program: Program, rng: np.random.Generator,
                 corners: Corners | None = None) -> Evaluator:
    """Draw dimensions, symbols, functions, tables and samples; not yet tested by `assume:`.

    With `corners`, some or all of the symbols go to the corners of their domains, and dimensions
    to the ends of what is possible.

    Raises
    ------
    Undefined
        Where a symbol is from an empty set: ``\\{1,\\ldots,n-1\\}`` for a number n that is 1.
    """
    draw = Draw()
    evaluator = Evaluator(program, draw)
    draw_dims(program, draw, rng, corners)
    late = [k for k, let in program.lets.items() if let.domain.args[0] == PLACES]
    for kind, key in program.order:
        if kind == "let" and key not in late:
            draw_let(program, evaluator, key, rng, corners)
        elif kind == "fun":
            draw.functions[key] = smooth_function(program.funs[key], evaluator, rng, corners)
        elif kind == "pmf":
            draw_tables(program, evaluator, key, rng, corners)
    for name, domain in program.outcomes.items():
        if name in program.lets:
            continue
        if domain is not None:
            draw.values[name] = draw_domain(domain, evaluator, rng, corners)
        else:
            draw.values[name] = int(rng.integers(1, draw.dims["alphabet " + name] + 1))
    equal = {let.key: program.behind_equalities(let.solved) for let in program.lets.values()
             if let.solved is not None}
    for key in sorted(equal, key=lambda k: len(equal[k] & equal.keys())):
        draw.values[key] = solved(program.lets[key], evaluator)
    draw_samples(program, evaluator, rng, corners)
    draw.seed = int(rng.integers(2**32))
    if corners is not None:
        draw.far = float(rng.choice([0.0, 1.0, 10.0, 1000.0]))
    for key in late:
        draw.values[key] = draw_place(program.lets[key], evaluator, rng, corners)
    return evaluator


def draw_place(let: Let, evaluator: Evaluator, rng: np.random.Generator,
               corners: Corners | None) -> int:
    """A place of an index that no line declares, at a corner perhaps the first or the last."""
    _, *formulas = let.domain.args[2]
    others = {k for k, other in evaluator.program.lets.items() if other.domain.args[0] == PLACES}
    try:
        found = inferred(evaluator, let.key, Node("matrix", (tuple(formulas),)),
                         others - evaluator.draw.values.keys() - {let.key}, NOWHERE)
    except Refused as error:
        raise Refused(error.kind, f"{error.message}; or declare the index, let: "
                      rf"{pretty(let.key)} \in \{{1,\ldots,n\}}", line=let.line) from error
    if corners is not None and rng.random() < 0.3:
        return int(found[int(rng.choice([0, -1]))])
    return int(found[int(rng.integers(len(found)))])


# ---- dimensions --------------------------------------------------------------------------


def all_domains(program: Program) -> list[Node]:
    found = [let.domain for let in program.lets.values()]
    found += [rv.domain for rv in program.rvs.values() if rv.domain is not None]
    for fun in program.funs.values():
        found += [*fun.inputs, fun.output]
    return found


def enumerated_dims(program: Program) -> set[str]:
    """Dimensions n of sets such as {0,1}^n, whose members are enumerated."""
    found: set[str] = set()
    bodies = [d.body for d in program.defs.values()]
    domains = all_domains(program)
    for factors in program.pmfs.values():
        bodies += [f.body for f in factors if f.body is not None]
    for domain in [*domains, *(n for b in bodies for n in walk(b) if n.kind == "domain")]:
        if domain.args[0] in FINITE and domain.args[0] != "onehot":
            for size in domain.args[1]:
                found |= size.names
    for rv in program.rvs.values():
        if rv.dist is None or KINDS[rv.dist.kind].outcomes is not None:
            for pair in rv.ranges:
                found |= pair.names
            found |= rv.dist.names if rv.dist is not None else frozenset()
    return found


def draw_dims(program: Program, draw: Draw, rng: np.random.Generator,
              corners: Corners | None = None) -> None:
    """Small dimensions such that every declared size is positive: pairwise distinct, but for
    corners where they may be equal."""
    names = [k for k, info in program.scope.items() if info.kind == "dim"]
    small = (enumerated_dims(program) | program.small) & set(names)
    alphabets = [k for k, d in program.outcomes.items() if d is None]
    sizes = list(range(2, 2 + max(3, len(alphabets))))
    for name, size in zip(alphabets, rng.permutation(sizes), strict=False):
        draw.dims["alphabet " + name] = int(size)
    if corners is not None and alphabets:
        draw_alphabets(draw, alphabets, rng, corners)
    square = corners is not None and corners.square
    trial = Evaluator(program, draw)
    for attempt in range(TRIES):
        for name in names:
            low, high = reach_of(program, names, small, name, corners, attempt)
            draw.dims[name] = int(rng.integers(low, high + 1))
            first = draw.dims[names[0]]
            if square and rng.random() < 0.7 and first <= (3 if name in small else MOST_EQUAL):
                draw.dims[name] = first
        if not square and attempt < TRIES // 4 and len({d for d in draw.dims.values() if d > 1}) < (
                sum(d > 1 for d in draw.dims.values())):
            continue
        if len({draw.dims[n] for n in names}) < len(names) and corners is None:
            continue
        trial.memory.clear()
        if suitable(program, trial, strict=attempt < TRIES // 2 and corners is None):
            return
    raise Refused("type", "no small dimensions make every size of the declarations positive")


def draw_alphabets(draw: Draw, names: list[str], rng: np.random.Generator,
                   corners: Corners) -> None:
    """Alphabets of one size, or larger ones as far as a table of them all stays small."""
    most = {1: 12, 2: 6}.get(len(names), 4)
    if corners.size in ("wide", "large"):
        for name in names:
            draw.dims["alphabet " + name] = int(rng.integers(most - 1, most + 1))
    if corners.square:
        for name in names[1:]:
            draw.dims["alphabet " + name] = draw.dims["alphabet " + names[0]]


def reach_of(program: Program, names: list[str], small: set[str], name: str,
             corners: Corners | None, attempt: int) -> tuple[int, int]:
    """The smallest and the largest value of a dimension, at an attempt to draw it."""
    size = corners.size if corners is not None and attempt < TRIES // 4 else "usual"
    usual = 3 if corners is None and attempt < TRIES // 2 else 2
    if name in small:
        most = max(4, len(small) + 1)
        if corners is not None and corners.theme == "huge" and len(small) == 1:
            return most, most + 3  # for inequalities, whose bound may fail with many only
        return (most, most + 1) if size == "large" and len(small) == 1 else (2, most)
    if size == "least" and name not in in_matrices(program):
        return 1, 2
    if size == "large":
        first = name == names[0]
        return (LARGEST // 2, LARGEST // 2 + 8) if first and len(names) < 3 else (9, 14)
    widest = max(6, len(names) + 2)
    return (9, 14) if size == "wide" else (usual, widest)


def in_matrices(program: Program) -> frozenset[str]:
    """Dimensions of matrices that are not square: one with one column would be read as a vector.

    A square matrix with one row is a number, and is read as one.
    """
    return frozenset[str]().union(*(size.names for domain in all_domains(program)
                                    for size in domain.args[1] if len(set(domain.args[1])) > 1))


def suitable(program: Program, evaluator: Evaluator, strict: bool) -> bool:
    """Whether every size is at least 1 (2 for columns), and distinct where it is written
    differently."""
    seen: dict[int, Node] = {}
    for domain in all_domains(program):
        if domain.args[0] == "stiefel":
            rows, across = (evaluator.value(size) for size in domain.args[1])
            if rows < across:
                return reject(not domain.names, f"{across} orthonormal columns of {rows} entries")
        for size in domain.args[1]:
            value = evaluator.value(size)
            literal = not size.names
            if not isinstance(value, int):
                return reject(literal, f"the size {value} is not a whole number")
            if value < 1 or value > LARGEST:
                return reject(literal, f"a dimension of {value}: it must be from 1 to {LARGEST}")
            if strict and not literal and seen.setdefault(value, size) != size:
                return False
    declared: list[Let | Random] = [*program.lets.values(), *program.rvs.values()]
    for let in declared:
        for pair in let.ranges:
            span = [evaluator.value(pair.low), evaluator.value(pair.high)]
            if not all(isinstance(s, int) for s in span) or span[1] < span[0]:
                return reject(not pair.names, "an empty range")
            if span[1] - span[0] > 200:
                return reject(True, "a sequence of more than 200 places")
    for low, high in set_ends(program):
        if evaluator.value(high) < evaluator.value(low):
            return reject(not (low.names | high.names), "an empty set of whole numbers")
    for definition in program.defs.values():
        for given in (r for r in definition.ranges if r is not None):
            if evaluator.value(given.high) - evaluator.value(given.low) > 200:
                return reject(True, "a recursion of more than 200 places")
    return True


def set_ends(program: Program) -> list[tuple[Node, Node]]:
    r"""The ends of the sets ``\{2,\ldots,T\}`` of the declarations that hold dimensions only."""
    dims = {k for k, info in program.scope.items() if info.kind == "dim"}
    domains = [*all_domains(program), *(d for d in program.outcomes.values() if d is not None)]
    return [d.args[2] for d in domains if d.args[0] == "range"
            and frozenset[str]().union(*(end.names for end in d.args[2])) <= dims]


def reject(certain: bool, message: str) -> bool:
    if certain:
        raise Refused("type", message)
    return False


# ---- symbols -----------------------------------------------------------------------------


def draw_let(program: Program, evaluator: Evaluator, key: str, rng: np.random.Generator,
             corners: Corners | None = None) -> None:
    let = program.lets[key]
    if not let.ranges:
        evaluator.draw.values[key] = draw_domain(let.domain, evaluator, rng, corners)
        return
    evaluator.draw.families[key] = {p: draw_domain(let.domain, evaluator, rng, corners)
                                    for p in places(evaluator, key)}


def solved(let: Let, evaluator: Evaluator) -> v.Value:
    """The value that an assumption gives a symbol, or that it was drawn with where the shape is
    another one: then the assumption is refused."""
    assert let.solved is not None
    drawn, found = evaluator.draw.values[let.key], evaluator.value(let.solved)
    if v.is_scalar(drawn) and v.is_scalar(found):
        return v.tensor(found).detach().clone()
    fits = isinstance(drawn, torch.Tensor) and isinstance(found, torch.Tensor) and (
        drawn.shape == found.shape)
    return found.detach().clone() if fits and isinstance(found, torch.Tensor) else drawn


def places(evaluator: Evaluator, key: str) -> list[Place]:
    """The indices of all members of a sequence."""
    ends = spans(evaluator, key, NOWHERE)
    return list(itertools.product(*(range(low, high + 1) for low, high in ends)))


def draw_domain(domain: Node, evaluator: Evaluator, rng: np.random.Generator,
                corners: Corners | None = None) -> v.Sized:
    """A random member of a domain; with `corners`, perhaps equal to an earlier one."""
    if corners is None:
        return fresh(domain, evaluator, rng)
    earlier = corners.seen.setdefault(domain, [])
    if earlier and rng.random() < corners.alike:
        value = earlier[int(rng.integers(len(earlier)))]
        if domain.args[0] == "R" and rng.random() < 0.3:
            value = value * float(rng.choice([-1.0, 0.5, 2.0, 1 + 1e-3]))
        return value.clone() if isinstance(value, torch.Tensor) else value
    value = fresh(domain, evaluator, rng, corners)
    earlier.append(value)
    return value


def fresh(domain: Node, evaluator: Evaluator, rng: np.random.Generator,
          corners: Corners | None = None) -> v.Sized:
    """A member of a domain that is tied to no other."""
    name, shape, extra = domain.args
    if name in FINITE:
        return draw_finite(domain, evaluator, rng, corners)
    if name in COUNTED:
        if corners is not None:
            most = 12 if domain_is_costly(evaluator.program, domain) else (
                FARTHEST if corners.theme == "huge" and not is_counted(evaluator.program, domain)
                else 250)
            return whole(name, corners, rng, most)
        return int(rng.integers({"N": 1, "N0": 0, "Z": -4}[name], 6))
    dims = [evaluator.whole(d, NOWHERE, "a dimension") for d in shape]
    sizes = [*dims, 1] if len(dims) == 1 else dims
    if name.startswith("interval"):
        low, high = (float(evaluator.value(e)) for e in extra)
        if not low < high:
            raise v.type_error(f"the interval from {low} to {high} is empty")
        array = inside(name, low, high, rng, sizes, corners)
    else:
        found = None if corners is None else corners.pick(name, rng, sizes)
        array = DRAWERS[name](rng, sizes) if found is None else found
    tensor = torch.as_tensor(np.asarray(array, dtype=np.float64))
    return v.squeeze(tensor) if tensor.dim() == 2 else tensor


def inside(name: str, low: float, high: float, rng: np.random.Generator, sizes: Sequence[int],
           corners: Corners | None) -> v.Array:
    """A place in an interval; at a corner close to an end, as far as floats tell it from one."""
    if corners is None or rng.random() >= corners.share:
        return low + (high - low) * rng.uniform(0.04, 0.96, size=sizes)
    near = [c for c in corners.literals if low < c < high]
    if near and rng.random() < 0.2:
        return np.full(sizes, float(rng.choice(near)))
    found = low + (high - low) * near_ends(name, corners.theme, rng, sizes)
    if "[" not in name:
        found = np.maximum(found, np.nextafter(low, high))
    return found if "]" in name else np.minimum(found, np.nextafter(high, low))


def domain_is_costly(program: Program, domain: Node) -> bool:
    """Whether a whole number is the end of a sequence: each place of it costs."""
    ends = frozenset[str]().union(*(pair.names for f in program.families.values()
                                    for pair in f.ranges if pair is not None))
    return any(let.domain is domain and key in ends for key, let in program.lets.items())


def is_counted(program: Program, domain: Node) -> bool:
    """Whether a whole number of a domain may count what costs, such as the terms of a sum."""
    return any(let.domain is domain and key in program.counted
               for key, let in program.lets.items())


def draw_finite(domain: Node, evaluator: Evaluator, rng: np.random.Generator,
                corners: Corners | None = None) -> v.Sized:
    """A member of a finite set; one that is enumerated elsewhere is drawn without listing."""
    name, shape, extra = domain.args
    if name == "onehot" or not shape:
        every: list[v.Sized] = domain_values(evaluator, domain, NOWHERE)
        if not every:
            raise Undefined("an empty set")
        if corners is not None and rng.random() < 0.3:
            return every[int(rng.choice([0, -1]))]
        if corners is not None and rng.random() < 0.5:  # small ones may have to meet
            return every[int(rng.integers(min(len(every), 6)))]
        return every[int(rng.integers(len(every)))]
    single = members(evaluator, Node("domain", (name, (), extra)), NOWHERE)
    if not single:
        raise Undefined("an empty set")
    dims = [evaluator.whole(d, NOWHERE, "a dimension") for d in shape]
    sizes = [*dims, 1] if len(dims) == 1 else dims
    chosen = rng.integers(len(single), size=sizes)
    if corners is not None and rng.random() < 0.4:
        chosen[...] = int(rng.integers(len(single)))
    array = np.array([float(s) for s in single])[chosen]
    return torch.as_tensor(np.asarray(array, dtype=np.float64))


def gaussian(rng: np.random.Generator, sizes: Sequence[int]) -> v.Array:
    """Normal values, away from zero."""
    array: v.Array = rng.normal(size=sizes)
    return array + 0.15 * np.sign(array)


def symmetric(rng: np.random.Generator, sizes: Sequence[int]) -> v.Array:
    array = gaussian(rng, [sizes[0], sizes[0]])
    return (array + array.T) / 2


def definite(rng: np.random.Generator, sizes: Sequence[int]) -> v.Array:
    n = sizes[0]
    array = rng.normal(size=(n, n))
    return array @ array.T / n + 0.5 * np.eye(n)


def semidefinite(rng: np.random.Generator, sizes: Sequence[int]) -> v.Array:
    n = sizes[0]
    array = rng.normal(size=(n, max(1, n - 1)))
    return array @ array.T


def orthogonal(rng: np.random.Generator, sizes: Sequence[int]) -> v.Array:
    n = sizes[0]
    q, r = np.linalg.qr(rng.normal(size=(n, n)))
    return q * np.sign(np.diag(r))


def unit(rng: np.random.Generator, sizes: Sequence[int]) -> v.Array:
    """A column of length one."""
    array = gaussian(rng, sizes)
    return array / float(np.linalg.norm(array))


def orthonormal(rng: np.random.Generator, sizes: Sequence[int]) -> v.Array:
    """A matrix with orthonormal columns."""
    q, r = np.linalg.qr(rng.normal(size=sizes))
    return q * np.sign(np.diag(r))


def simplex(rng: np.random.Generator, sizes: Sequence[int]) -> v.Array:
    return shares(0.8 * rng.normal(size=sizes))


def shares(logits: v.Array) -> v.Array:
    """Positive numbers whose sum is one."""
    array = np.exp(logits)
    total: float = array.sum()
    return array / total


DRAWERS: dict[str, Callable[[np.random.Generator, Sequence[int]], v.Array]] = {
    "R": gaussian,
    "R+": lambda rng, s: np.exp(0.6 * rng.normal(size=s)),
    "R0+": lambda rng, s: np.exp(0.6 * rng.normal(size=s)),
    "R-": lambda rng, s: -np.exp(0.6 * rng.normal(size=s)),
    "simplex": simplex, **{name: in_lines(name, simplex) for name in LINES},
    "S": symmetric, "S+": semidefinite, "S++": definite, "orthogonal": orthogonal,
    "sphere": unit, "stiefel": orthonormal,
    "diag": lambda rng, s: np.diag(gaussian(rng, s[:1])),
    "diag+": lambda rng, s: np.diag(np.exp(0.6 * rng.normal(size=s[0]))),
}


# ---- functions, tables, samples ----------------------------------------------------------


def smooth_function(fun: Fun, evaluator: Evaluator, rng: np.random.Generator,
                    corners: Corners | None = None
                    ) -> Callable[[Sequence[v.Value]], torch.Tensor]:
    """A random entire function: a few sines and a quadratic, moved into its set of values.

    At a corner it is zero, flat, steep or affine, far from zero, of another scale, or close to an
    end of its set of values.
    """
    shapes = [input_shape(d, evaluator) for d in fun.inputs]
    below = moving(rng) if evaluator.program.below(fun.key) else None
    inputs = sum(math.prod(s) for s in shapes) + (MOVES if below else 0)
    dims = [evaluator.whole(d, NOWHERE, "a dimension") for d in fun.output.args[1]]
    outputs = math.prod(dims)

    def random(*size: int) -> torch.Tensor:
        return torch.as_tensor(rng.normal(size=size))

    w = random(outputs, 3, inputs) * (0.9 / math.sqrt(inputs))
    shift, size = random(outputs, 3), random(outputs, 3)
    linear = random(outputs, inputs) * 0.6
    square = random(outputs, inputs, inputs) * (0.25 / inputs)
    shape, level = "usual", 0.0
    if corners is not None and rng.random() < corners.share:
        shape = str(rng.choice(["zero", "flat", "steep", "affine", "usual", "scaled", "shifted"]))
        level = float(rng.choice([-14.0, -5.0, 0.0, 4.0, rng.uniform(-40, 20)]))
    height = {"zero": 0.0, "flat": 1e-3, "steep": 20.0}.get(shape, 1.0)
    above = 0.0
    if shape == "scaled":
        height = 10.0 ** float(rng.uniform(-9, 9))
    elif shape == "shifted":
        above = float(rng.choice([-1.0, 1.0])) * 10.0 ** float(rng.uniform(0, 9))
    if shape == "affine":
        size, square = size * 0, square * 0

    def raw(x: torch.Tensor) -> torch.Tensor:
        waves: torch.Tensor = (size * torch.sin(w @ x + shift)).sum(1)
        return above + height * (waves + linear @ x + ((square @ x) @ x))

    def shaped(x: torch.Tensor) -> torch.Tensor:
        out = raw(x) if fun.output.args[0] == "R" else (raw(x) - above) / max(1.0, height / 20)
        if fun.output.args[0] == "R+":
            out = math.exp(level) * (torch.exp(0.4 * torch.sin(out)) + 0.1 * out**2)
        elif fun.output.args[0].startswith("interval"):
            low, high = (float(evaluator.value(e)) for e in fun.output.args[2])
            out = low + (high - low) * torch.sigmoid(out + level)
        if not dims:
            return out[0]
        return out.reshape([*dims, 1] if len(dims) == 1 else dims)

    def call(values: Sequence[v.Value]) -> torch.Tensor:
        given = values[:len(shapes)]
        tail = [below(values[len(shapes):])] if below else []
        if len(shapes) == 1 and shapes[0] == () and not dims and not v.is_scalar(given[0]) and (
                isinstance(given[0], torch.Tensor)):
            entries = [shaped(torch.cat([e.reshape(1), *tail])) for e in given[0].reshape(-1)]
            return torch.stack(entries).reshape(given[0].shape)
        return shaped(torch.cat([joined(fun, given, shapes), *tail]))

    return call


def moving(rng: np.random.Generator) -> Callable[[Sequence[v.Value]], torch.Tensor]:
    """A few numbers that move smoothly with all entries of some values, whatever their shapes."""
    seed = int(rng.integers(2**32))

    def call(values: Sequence[v.Value]) -> torch.Tensor:
        whole = torch.cat([v.tensor(x).reshape(-1) for x in values if not isinstance(x, v.Lazy)])
        own = np.random.default_rng(seed)
        w = torch.as_tensor(own.normal(size=(MOVES, len(whole)))) / math.sqrt(len(whole))
        return torch.sin(w @ whole + torch.as_tensor(own.normal(size=MOVES))) + w @ whole

    return call


def joined(fun: Fun, given: Sequence[v.Value], shapes: list[tuple[int, ...]]) -> torch.Tensor:
    """All entries of the arguments of a function in a row; refused if a shape is not its own."""
    for value, shape in zip(given, shapes, strict=True):
        have = () if v.is_scalar(value) else tuple(getattr(value, "shape", (-1,)))
        if have != shape:
            wanted = "a number" if shape == () else "×".join(map(str, shape))
            raise v.type_error(f"{fun.key} takes {wanted}, not {v.shape_text(value)}")
    return torch.cat([v.tensor(g).reshape(-1) for g in given if not isinstance(g, v.Lazy)])


def input_shape(domain: Node, evaluator: Evaluator) -> tuple[int, ...]:
    if domain.args[0] == "onehot":
        return (evaluator.whole(domain.args[1][0], NOWHERE, "a dimension"), 1)
    dims = [evaluator.whole(d, NOWHERE, "a dimension") for d in domain.args[1]]
    return tuple([*dims, 1] if len(dims) == 1 else dims)


def shift_of(size: int,
             rng: np.random.Generator) -> Callable[[Sequence[v.Value]], torch.Tensor]:
    """What the letters in the scripts of a table add to the logarithms of its entries."""
    below, weights = moving(rng), torch.as_tensor(rng.normal(size=(size, MOVES)))

    def call(values: Sequence[v.Value]) -> torch.Tensor:
        return weights @ below(values)

    return call


def draw_tables(program: Program, evaluator: Evaluator, key: str, rng: np.random.Generator,
                corners: Corners | None = None) -> None:
    """Arbitrary tables, with every entry well away from zero unless they go to a corner."""
    tables: list[torch.Tensor | None] = []
    for factor in program.pmfs[key]:
        if factor.body is not None:
            tables.append(None)
            continue
        counts = [len(alphabet(evaluator, n)) for n in (*factor.left, *factor.given)]
        if math.prod(counts) > 2**14:
            raise v.type_error(f"{math.prod(counts)} entries in the table of {key}: too many")
        if corners is not None and rng.random() < corners.share:
            table = cornered_table(corners.theme, counts, rng)
        else:
            table = np.exp(0.8 * rng.normal(size=counts))
        axes = tuple(range(len(factor.left)))
        if program.below(key):
            evaluator.draw.functions[f"{key} table {len(tables)}"] = shift_of(table.size, rng)
        total = table.sum(axis=axes, keepdims=True)
        tables.append(torch.as_tensor(np.where(total > 0, table, 1.0)
                                      / np.where(total > 0, total, math.prod(counts[:len(axes)]))))
    evaluator.draw.tables[key] = tables


def cornered_table(theme: str, counts: list[int], rng: np.random.Generator) -> v.Array:
    """Weights of a table: zeros, near-certainty, all equal, independent, one by the others."""
    steps = np.indices(counts).sum(0)
    if theme == "exact":
        kind = int(rng.integers(4))
        if kind == 0:
            return np.asarray(rng.random(size=counts) < 0.5, dtype=float)
        if kind == 1:
            return np.ones(counts)
        return np.asarray((steps + int(rng.integers(2))) % 2 == 0, dtype=float)
    kind = int(rng.integers(4))
    if kind == 0:  # every variable tells nothing of the others
        found = np.ones(counts)
        for axis, count in enumerate(counts):
            along = [count if a == axis else 1 for a in range(len(counts))]
            found = found * np.exp(2 * rng.normal(size=count)).reshape(along)
        return found
    small = 10.0 ** -rng.uniform(3, 10)
    if kind == 1:  # each is all but a function of the others
        return np.asarray(np.where(steps % min(counts) == 0, 1.0, small))
    if kind == 2:  # one outcome is all but certain
        found = np.full(counts, small)
        found.reshape(-1)[int(rng.integers(found.size))] = 1.0
        return found
    return np.asarray(np.exp(6 * rng.normal(size=counts)))


def draw_samples(program: Program, evaluator: Evaluator, rng: np.random.Generator,
                 corners: Corners | None = None) -> None:
    """Joint outcomes of the random variables: dependent, unless an assumption says otherwise.

    There are enough of them for a covariance of full rank. In a group of several variables each
    takes one of its values twice, beside different values of the others, so that a condition on it
    leaves something random.
    """
    loose = [k for k, rv in program.rvs.items() if rv.dist is None]
    if not loose:
        return
    groups = program.independent or [tuple(loose)]
    for group in groups:
        count = 3 if len(groups) > 1 else 5
        if corners is not None and len(groups) < 3:
            count = int(rng.choice([count, 6]))
        count = max(count, least_atoms(program, evaluator, group, len(groups)))
        shape = "usual"
        if corners is not None and rng.random() < max(corners.share, 0.8):
            shape = str(rng.choice(["rare", "rare", "near", "constant", "even", "usual"]))
        weights = [torch.tensor(float(w), dtype=torch.float64)
                   for w in sample_weights(shape, count, rng)]
        own = None if shape == "usual" and rng.random() < 0.5 else corners
        found = [sample_group(program, evaluator, group, rng, own) for _ in range(count)]
        if shape == "constant":
            found = found[:1] * count
        if shape in ("rare", "near") and count > 2:
            rest = found[1] if shape == "rare" else at_rest(program, evaluator, group, found[1])
            found = [found[0], *[rest] * (count - 1)]
        elif len(program.rvs) > 1:
            for place, (key, value) in enumerate(list(found[0].items())):
                found[1 + place % (count - 1)][key] = value
        evaluator.draw.samples.append((group, found, weights))


def least_atoms(program: Program, evaluator: Evaluator, group: tuple[str, ...],
                groups: int) -> int:
    """Atoms enough for a covariance of full rank, as far as the joint outcomes stay few."""
    entries = 0
    for key in group:
        domain = program.rvs[key].domain
        if domain is not None and domain.args[0] not in FINITE:
            sizes = [evaluator.whole(d, NOWHERE, "a dimension") for d in domain.args[1]]
            entries = max(entries, math.prod(sizes))
    return min(entries + 2, 24 if groups == 1 else int(600 ** (1 / groups)))


def sample_weights(shape: str, count: int, rng: np.random.Generator) -> v.Array:
    """Weights of the outcomes: a rare one first, all equal, or any."""
    if shape in ("rare", "near"):
        rare = 10.0 ** -rng.uniform(1, 6)
        return np.array([rare, *[(1 - rare) / (count - 1)] * (count - 1)])
    if shape == "even":
        return np.full(count, 1 / count)
    return np.asarray(rng.dirichlet(np.full(count, 3.0)))


def at_rest(program: Program, evaluator: Evaluator, group: tuple[str, ...],
            outcome: Outcome) -> Outcome:
    """An outcome all but at zero, where the domains hold it."""
    found: Outcome = {}
    for name, value in outcome.items():
        domain = program.rvs[name[0]].domain
        small = domain is not None and domain.args[0] in ("R", "R+", "R0+", "R-")
        found[name] = v.scale(1e-9, value) if small and isinstance(value, torch.Tensor) else value
    return found


def sample_group(program: Program, evaluator: Evaluator, group: tuple[str, ...],
                 rng: np.random.Generator, corners: Corners | None = None) -> Outcome:
    """A value for every variable of a group, and for every member of a sequence."""
    outcome: Outcome = {}
    for key in group:
        rv = program.rvs[key]
        assert rv.domain is not None  # those with a distribution are not sampled here
        for place in places(evaluator, key) if rv.ranges else [()]:
            outcome[key, place] = draw_domain(rv.domain, evaluator, rng, corners)
    return outcome
