"""Random values for the declared symbols."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np
import torch

from . import values as v
from .domains import COUNTED, FINITE
from .env import NOWHERE, Draw, Outcome, Place
from .errors import Refused
from .evaluate import Evaluator
from .notation.distributions import KINDS
from .notation.domains import domain_values, members
from .notation.families import spans
from .notation.tables import alphabet
from .program import Fun, Let, Program, Random
from .trees import Node, walk

TRIES = 400
LARGEST = 64


def draw_symbols(program: Program, rng: np.random.Generator, probe: str = "") -> Evaluator:
    """Draw dimensions, symbols, functions, tables and samples; not yet tested by `assume:`.

    A `probe` (``"wide"``, ``"mixed"``, ``"zero"``) draws symbols at unusual scales: wide, narrow,
    near the end of their domain, or exactly zero; and dimensions from a wider range.
    """
    draw = Draw()
    evaluator = Evaluator(program, draw)
    draw_dims(program, draw, rng, probe)
    for kind, key in program.order:
        if kind == "let":
            draw_let(program, evaluator, key, rng, probe)
        elif kind == "fun":
            draw.functions[key] = smooth_function(program.funs[key], evaluator, rng)
        elif kind == "pmf":
            draw_tables(program, evaluator, key, rng)
    for name, domain in program.outcomes.items():
        if name in program.lets:
            continue
        if domain is not None:
            draw.values[name] = draw_finite(domain, evaluator, rng)
        else:
            draw.values[name] = int(rng.integers(1, draw.dims["alphabet " + name] + 1))
    draw_samples(program, evaluator, rng)
    draw.seed = int(rng.integers(2**32))
    return evaluator


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


def draw_dims(program: Program, draw: Draw, rng: np.random.Generator, probe: str) -> None:
    """Small dimensions, pairwise distinct, such that every declared size is positive."""
    names = [k for k, info in program.scope.items() if info.kind == "dim"]
    small = (enumerated_dims(program) | program.small) & set(names)
    alphabets = [k for k, d in program.outcomes.items() if d is None]
    sizes = list(range(2, 2 + max(3, len(alphabets))))
    for name, size in zip(alphabets, rng.permutation(sizes), strict=False):
        draw.dims["alphabet " + name] = int(size)
    widest = max(14 if probe == "mixed" else 6, len(names) + 2)
    least = 2 if probe else 3
    trial = Evaluator(program, draw)
    for attempt in range(TRIES):
        for name in names:
            low, high = (least if attempt < 200 else 2), widest
            if name in small:
                low, high = 2, max(4, len(small) + 1)
            elif probe == "mixed" and attempt < 100:
                low = 9
            draw.dims[name] = int(rng.integers(low, high + 1))
        if len({draw.dims[n] for n in names}) < len(names):
            continue
        trial.memory.clear()
        if suitable(program, trial, strict=attempt < TRIES // 2):
            return
    raise Refused("type", "no small dimensions make every size of the declarations positive")


def suitable(program: Program, evaluator: Evaluator, strict: bool) -> bool:
    """Whether every size is at least 1 (2 for columns), and distinct where it is written
    differently."""
    seen: dict[int, Node] = {}
    for domain in all_domains(program):
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
    for definition in program.defs.values():
        for given in (r for r in definition.ranges if r is not None):
            if evaluator.value(given.high) - evaluator.value(given.low) > 200:
                return reject(True, "a recursion of more than 200 places")
    return True


def reject(certain: bool, message: str) -> bool:
    if certain:
        raise Refused("type", message)
    return False


# ---- symbols -----------------------------------------------------------------------------


def draw_let(program: Program, evaluator: Evaluator, key: str, rng: np.random.Generator,
             probe: str = "") -> None:
    let = program.lets[key]
    mode = "usual"
    if probe:
        weights = PROBES[probe]
        mode = str(rng.choice(list(weights), p=list(weights.values())))
    if not let.ranges:
        evaluator.draw.values[key] = draw_domain(let.domain, evaluator, rng, mode)
        return
    evaluator.draw.families[key] = {p: draw_domain(let.domain, evaluator, rng, mode)
                                    for p in places(evaluator, key)}


def places(evaluator: Evaluator, key: str) -> list[Place]:
    """The indices of all members of a sequence."""
    ends = spans(evaluator, key, NOWHERE)
    return list(itertools.product(*(range(low, high + 1) for low, high in ends)))


PROBES = {"wide": {"wide": 1.0}, "mixed": {"wide": 0.45, "narrow": 0.2, "usual": 0.35},
          "zero": {"zero": 0.5, "narrow": 0.25, "usual": 0.25}}


def extreme(name: str, mode: str, rng: np.random.Generator, sizes: list[int]) -> v.Array | None:
    """An array at an unusual scale, or None for domains that have none."""
    if name == "R":
        return rng.normal(size=sizes) * {"wide": 30.0, "narrow": 0.004, "zero": 0.0}[mode]
    if name == "R0+" and mode == "zero":
        return np.zeros(sizes)
    if name == "simplex" and mode != "zero":
        return shares((12.0 if mode == "wide" else 4.0) * rng.normal(size=sizes))
    if name in ("S", "S++", "diag", "diag+") and mode != "zero":
        return DRAWERS[name](rng, sizes) * {"wide": 20.0, "narrow": 0.01}[mode]
    if name in ("R+", "R0+", "R-") and mode != "zero":
        array = np.exp((3.5 if mode == "wide" else -4.0) + 0.5 * rng.normal(size=sizes))
        return -array if name == "R-" else array
    return None


def near_ends(mode: str, name: str, rng: np.random.Generator, sizes: list[int]) -> v.Array:
    """Places in the unit interval close to one of its ends, or at one that belongs to it."""
    if mode == "zero" and name != "interval":
        lower = rng.random(size=sizes) < 0.5 if "[" in name and "]" in name else "[" in name
        return np.where(np.broadcast_to(lower, sizes), 0.0, 1.0)
    gap = rng.uniform(0.0005, 0.02, size=sizes)
    return np.where(rng.random(size=sizes) < 0.5, gap, 1 - gap) if mode != "usual" else (
        rng.uniform(0.04, 0.96, size=sizes))


def draw_domain(domain: Node, evaluator: Evaluator, rng: np.random.Generator,
                mode: str = "usual") -> v.Sized:
    """A random member of a domain."""
    name, shape, extra = domain.args
    if name in FINITE:
        return draw_finite(domain, evaluator, rng)
    if name in COUNTED:
        return int(rng.integers({"N": 1, "N0": 0, "Z": -4}[name], 6))
    dims = [evaluator.whole(d, NOWHERE, "a dimension") for d in shape]
    sizes = [*dims, 1] if len(dims) == 1 else dims
    if name.startswith("interval"):
        low, high = (float(evaluator.value(e)) for e in extra)
        if not low < high:
            raise v.type_error(f"the interval from {low} to {high} is empty")
        array: v.Array | None = low + (high - low) * near_ends(mode, name, rng, sizes)
    else:
        array = None if mode == "usual" else extreme(name, mode, rng, sizes)
        if array is None:
            array = DRAWERS[name](rng, sizes)
    tensor = torch.as_tensor(np.asarray(array, dtype=np.float64))
    return v.squeeze(tensor) if tensor.dim() == 2 else tensor


def draw_finite(domain: Node, evaluator: Evaluator, rng: np.random.Generator) -> v.Sized:
    """A member of a finite set; one that is enumerated elsewhere is drawn without listing."""
    name, shape, extra = domain.args
    if name == "onehot" or not shape:
        every: list[v.Sized] = domain_values(evaluator, domain, NOWHERE)
        return every[int(rng.integers(len(every)))]
    single = members(evaluator, Node("domain", (name, (), extra)), NOWHERE)
    dims = [evaluator.whole(d, NOWHERE, "a dimension") for d in shape]
    sizes = [*dims, 1] if len(dims) == 1 else dims
    chosen = rng.integers(len(single), size=sizes)
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
    "simplex": simplex, "S": symmetric, "S+": semidefinite, "S++": definite,
    "orthogonal": orthogonal,
    "diag": lambda rng, s: np.diag(gaussian(rng, s[:1])),
    "diag+": lambda rng, s: np.diag(np.exp(0.6 * rng.normal(size=s[0]))),
}


# ---- functions, tables, samples ----------------------------------------------------------


def smooth_function(fun: Fun, evaluator: Evaluator,
                    rng: np.random.Generator) -> Callable[[Sequence[v.Value]], torch.Tensor]:
    """A random entire function: a few sines and a quadratic, moved into its set of values."""
    shapes = [input_shape(d, evaluator) for d in fun.inputs]
    inputs = sum(math.prod(s) for s in shapes)
    dims = [evaluator.whole(d, NOWHERE, "a dimension") for d in fun.output.args[1]]
    outputs = math.prod(dims)

    def random(*size: int) -> torch.Tensor:
        return torch.as_tensor(rng.normal(size=size))

    w = random(outputs, 3, inputs) * (0.9 / math.sqrt(inputs))
    shift, size = random(outputs, 3), random(outputs, 3)
    linear = random(outputs, inputs) * 0.6
    square = random(outputs, inputs, inputs) * (0.25 / inputs)

    def raw(x: torch.Tensor) -> torch.Tensor:
        waves: torch.Tensor = (size * torch.sin(w @ x + shift)).sum(1)
        return waves + linear @ x + ((square @ x) @ x)

    def shaped(x: torch.Tensor) -> torch.Tensor:
        out = raw(x)
        if fun.output.args[0] == "R+":
            out = torch.exp(0.4 * torch.sin(out)) + 0.1 * out**2
        elif fun.output.args[0].startswith("interval"):
            low, high = (float(evaluator.value(e)) for e in fun.output.args[2])
            out = low + (high - low) * torch.sigmoid(out)
        if not dims:
            return out[0]
        return out.reshape([*dims, 1] if len(dims) == 1 else dims)

    def call(given: Sequence[v.Value]) -> torch.Tensor:
        if len(shapes) == 1 and shapes[0] == () and not dims and not v.is_scalar(given[0]) and (
                isinstance(given[0], torch.Tensor)):
            entries = [shaped(e.reshape(1)) for e in given[0].reshape(-1)]
            return torch.stack(entries).reshape(given[0].shape)
        return shaped(joined(fun, given, shapes))

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


def draw_tables(program: Program, evaluator: Evaluator, key: str,
                rng: np.random.Generator) -> None:
    """Arbitrary tables, with every entry well away from zero."""
    tables: list[torch.Tensor | None] = []
    for factor in program.pmfs[key]:
        if factor.body is not None:
            tables.append(None)
            continue
        counts = [len(alphabet(evaluator, n)) for n in (*factor.left, *factor.given)]
        if math.prod(counts) > 2**14:
            raise v.type_error(f"{math.prod(counts)} entries in the table of {key}: too many")
        table = np.exp(0.8 * rng.normal(size=counts))
        axes = tuple(range(len(factor.left)))
        tables.append(torch.as_tensor(table / table.sum(axis=axes, keepdims=True)))
    evaluator.draw.tables[key] = tables


def draw_samples(program: Program, evaluator: Evaluator, rng: np.random.Generator) -> None:
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
        found = [sample_group(program, evaluator, group, rng)]
        entries = max(v.tensor(x).numel() for x in found[0].values() if not isinstance(x, v.Lazy))
        count = max(3 if len(groups) > 1 else 5, min(entries, LARGEST) + 2)
        even = 3.0 if rng.random() < 0.8 else 0.3  # now and then, most outcomes are rare
        weights = [torch.tensor(float(w), dtype=torch.float64)
                   for w in rng.dirichlet(np.full(count, even))]
        found += [sample_group(program, evaluator, group, rng) for _ in range(count - 1)]
        if len(program.rvs) > 1:
            for place, (key, value) in enumerate(list(found[0].items())):
                found[1 + place % (count - 1)][key] = value
        evaluator.draw.samples.append((group, found, weights))


def sample_group(program: Program, evaluator: Evaluator, group: tuple[str, ...],
                 rng: np.random.Generator) -> Outcome:
    """A value for every variable of a group, and for every member of a sequence."""
    outcome: Outcome = {}
    for key in group:
        rv = program.rvs[key]
        assert rv.domain is not None  # those with a distribution are not sampled here
        for place in places(evaluator, key) if rv.ranges else [()]:
            outcome[key, place] = draw_domain(rv.domain, evaluator, rng)
    return outcome
