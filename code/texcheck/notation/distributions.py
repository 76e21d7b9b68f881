"""Distributions: normal, Bernoulli, of a table; densities and divergences."""

from __future__ import annotations

import itertools
import math
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from .. import values as v
from ..env import Env
from ..errors import Undefined
from ..evaluate import Evaluator
from ..grammar import Parser
from ..names import Info, is_table
from ..registry import Notation, Part, register
from ..trees import Node, listed, pretty, show
from .tables import read_events, table_outcomes

NODES = {1: 33, 2: 12, 3: 6, 4: 4}
Floats = np.ndarray[Any, np.dtype[np.float64]]


@lru_cache(maxsize=8)
def hermite(count: int) -> tuple[Floats, Floats]:
    """Nodes and weights for the standard normal distribution."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(count)
    return nodes, weights / weights.sum()


def read_distribution(p: Parser, names: tuple[str, ...]) -> Node:
    start, at = p.place(), p.at
    base = p.base()
    if base == r"\mathcal{N}":
        p.take("(")
        mean = p.expr()
        p.take(",")
        variance = p.expr()
        p.take(")")
        return p.node("normal", (mean, variance), start)
    if base in (r"\mathrm{Bernoulli}", r"\mathrm{Bern}", r"\mathrm{Ber}"):
        return p.node("bernoulli", (p.arguments()[0],), start)
    p.at = at
    info = p.resolve_here().info
    if info is None:
        p.base()
        raise p.undeclared(base, start)
    if is_table(info):
        return table_distribution(p, info, names, start)
    return p.node("tabledist", (p.factor(),), start)


def table_distribution(p: Parser, info: Info, names: tuple[str, ...], start: int) -> Node:
    """``q(z\\mid x)`` as a distribution of z; ``q`` alone is the distribution of all of it."""
    p.base()
    primes, sub, sup = p.scripts()
    p.at = max([p.at + primes] + [s.after for s in (sub, sup) if s])
    left = list(names) or list(info.params)
    given: tuple[Node, ...] = ()
    if p.peek() == "(" and p.at < p.end:
        p.take("(")
        left = [p.binder_name()]
        while p.accept(","):
            left.append(p.binder_name())
        if p.accept(r"\mid"):
            given = tuple(read_events(p))
        p.take(")")
        if names and tuple(left) != names:
            raise p.refuse("the names on both sides of \\sim differ", start)
    return p.node("pmfdist", (info.key, tuple(left), given), start)


def read_divergence(p: Parser, start: int) -> Node:
    opening = p.peek()
    if opening not in ("(", "["):
        raise p.refuse(r"write \mathrm{KL}(p\,\|\,q)")
    closing = {"(": ")", "[": "]"}[opening]
    p.take()
    first = read_distribution(p, ())
    if p.peek() == "|" and p.peek(1) == "|":
        p.at += 2
    else:
        p.take(r"\|")
    second = read_distribution(p, ())
    p.take(closing)
    return p.node("kl", (first, second), start)


def read_density(p: Parser, start: int) -> Node:
    if p.peek() != "(":
        raise p.refuse(r"write \mathcal{N}(x; \mu, \sigma^2)")
    p.take("(")
    x = p.expr()
    if not p.accept(";", r"\mid"):
        raise p.refuse(r"a density has a place: write \mathcal{N}(x; \mu, \sigma^2)")
    mean = p.expr()
    p.take(",")
    variance = p.expr()
    p.take(")")
    return p.node("density", (x, mean, variance), start)


def outcomes(e: Evaluator, dist: Node, env: Env) -> list[tuple[Any, Any]]:
    """Values and weights of a normal or Bernoulli distribution."""
    key = ("outcomes", e.key(dist, env))
    if key not in e.memory:
        e.memory[key] = list(spread(e, dist, env))
    found: list[tuple[Any, Any]] = e.memory[key]
    return found


def spread(e: Evaluator, dist: Node, env: Env) -> list[tuple[Any, Any]]:
    if dist.kind == "bernoulli":
        p = e.number(dist.args[0], env, "the parameter of a Bernoulli distribution")
        return [(0, 1 - p), (1, p)]
    mean, variance = normal_parameters(e, dist.args[0], dist.args[1], env)
    if v.is_scalar(mean):
        nodes, weights = hermite(NODES[1])
        width = torch.sqrt(v.tensor(variance))
        return [(mean + width * float(n), float(w))
                for n, w in zip(nodes, weights, strict=True)]
    size = mean.shape[0]
    if size not in NODES:
        raise v.type_error(f"an expectation over a normal vector of {size}: at most 4")
    factor = cholesky(variance)
    nodes, weights = hermite(NODES[size])
    found = []
    for places in itertools.product(range(len(nodes)), repeat=size):
        point = torch.tensor([[nodes[p]] for p in places], dtype=torch.float64)
        found.append((mean + factor @ point, float(np.prod([weights[p] for p in places]))))
    return found


def normal_parameters(e: Evaluator, mean: Node, variance: Node, env: Env, like: Any=None) -> Any:
    """Mean and covariance with their sizes settled: numbers, or a column and a matrix."""
    m, c = e.value(mean, env), e.value(variance, env)
    sized = next((x for x in (m, like) if isinstance(x, torch.Tensor) and x.dim()), None)
    if sized is None and isinstance(c, torch.Tensor) and c.dim():
        sized = c[:, :1]
    if sized is None:
        if isinstance(c, v.Lazy):
            raise v.type_error("the size of the normal vector is unknown: write I_n")
        if v.plain(c) <= 0:
            raise Undefined("a variance that is not positive")
        return m, c
    check_column(sized, "the mean")
    size = sized.shape[0]
    if v.is_scalar(m):
        if not (isinstance(m, int) and m == 0):
            raise v.type_error("the mean of a normal vector is a number")
        m = torch.zeros(size, 1, dtype=torch.float64)
    if isinstance(c, v.Lazy):
        c = v.materialize(c, (size, size))
    if v.is_scalar(c) or c.shape != (size, size):
        raise v.type_error(f"the covariance of a normal vector of {size} is {v.shape_text(c)}:"
                           r" write \sigma^2 I or \mathrm{diag}(\sigma^{\odot 2})")
    if isinstance(m, v.Lazy) or m.shape != (size, 1):
        raise v.type_error(f"the mean is {v.shape_text(m)}, the covariance {size}×{size}")
    return m, c


def density_value(e: Evaluator, node: Node, env: Env, x: Node, mean: Node, variance: Node) -> Any:
    return torch.exp(v.tensor(log_density(e, node, env)))


def log_density(e: Evaluator, node: Node, env: Env) -> Any:
    """Logarithm of a normal density, without going through the density."""
    place, mean, variance = node.args
    x = e.value(place, env)
    like = x if isinstance(x, torch.Tensor) and x.dim() else None
    m, c = normal_parameters(e, mean, variance, env, like)
    if v.is_scalar(m) != v.is_scalar(x):
        raise v.type_error(f"a density of {v.shape_text(x)} with a mean that is "
                           f"{v.shape_text(m)}")
    if v.is_scalar(m):
        c = v.tensor(c)
        return -0.5 * torch.log(2 * math.pi * c) - (v.tensor(x) - m) ** 2 / (2 * c)
    if x.shape != m.shape:
        raise v.type_error(f"a density of {v.shape_text(x)} with a mean that is "
                           f"{v.shape_text(m)}")
    factor = cholesky(c)
    scaled = torch.linalg.solve_triangular(factor, x - m, upper=False)
    return (-0.5 * x.shape[0] * math.log(2 * math.pi) - torch.log(torch.diagonal(factor)).sum()
            - 0.5 * (scaled * scaled).sum())


def kl_value(e: Evaluator, node: Node, env: Env, p: Node, q: Node) -> Any:
    if p.kind != q.kind:
        raise v.type_error("a divergence between two tables, or between two normals")
    if p.kind == "normal":
        return normal_divergence(e, p, q, env)
    if p.kind == "bernoulli":
        a = v.tensor(e.value(p.args[0], env))
        b = v.tensor(e.value(q.args[0], env))
        return a * torch.log(a / b) + (1 - a) * torch.log((1 - a) / (1 - b))
    first, second = table_weights(e, p, env), table_weights(e, q, env)
    if len(first) != len(second):
        raise v.type_error(f"a divergence between tables of {len(first)} and {len(second)} "
                           "outcomes")
    if p.kind == "pmfdist" and [m for m in p.args[1]] != [m for m in q.args[1]]:
        raise v.type_error("a divergence between tables of different variables: "
                           f"{', '.join(p.args[1])} and {', '.join(q.args[1])}")
    return torch.special.xlogy(first, first / second).sum()


def normal_divergence(e: Evaluator, p: Node, q: Node, env: Env) -> Any:
    likes = [e.value(a, env) for a in (*p.args, *q.args)]
    like = next((x if x.shape[1] == 1 else x[:, :1] for x in likes
                 if isinstance(x, torch.Tensor) and x.dim()), None)
    m1, c1 = normal_parameters(e, *p.args, env, like)
    m2, c2 = normal_parameters(e, *q.args, env, like)
    if v.is_scalar(m1):
        c1, c2 = v.tensor(c1), v.tensor(c2)
        return 0.5 * (torch.log(c2 / c1) + (c1 + (m1 - m2) ** 2) / c2 - 1)
    if m1.shape != m2.shape:
        raise v.type_error("a divergence between normals of different sizes")
    l1, l2 = cholesky(c1), cholesky(c2)
    a = torch.linalg.solve_triangular(l2, l1, upper=False)
    b = torch.linalg.solve_triangular(l2, m2 - m1, upper=False)
    logs = torch.log(torch.diagonal(l2)).sum() - torch.log(torch.diagonal(l1)).sum()
    return 0.5 * ((a * a).sum() + (b * b).sum() - m1.shape[0]) + logs


def table_weights(e: Evaluator, dist: Node, env: Env) -> torch.Tensor:
    if dist.kind == "tabledist":
        weights = e.value(dist.args[0], env)
        check_column(weights, "a table of probabilities")
        return weights.reshape(-1)
    pairs = table_outcomes(e, dist.args[1], dist, env)
    return torch.stack([w for _, w in pairs])


def cholesky(matrix: torch.Tensor) -> torch.Tensor:
    if not torch.allclose(matrix, matrix.T, rtol=1e-9, atol=1e-12):
        raise v.type_error("a covariance that is not symmetric")
    factor, bad = torch.linalg.cholesky_ex(matrix)
    if int(bad):
        raise Undefined("a covariance that is not positive definite")
    return factor


def check_column(value: Any, what: str) -> None:
    if v.is_scalar(value) or isinstance(value, v.Lazy) or value.dim() != 2 or value.shape[1] != 1:
        raise v.type_error(f"{what} is {v.shape_text(value)}; a column is expected")


def realised(e: Evaluator, name: str, place: tuple, env: Env) -> Any:
    """A random variable outside of an expectation: one of its outcomes, the same throughout.

    Another draw has another outcome, and every variable has its own. A Bernoulli variable is
    0 or 1 equally often, whatever its parameter, so that no outcome goes untested.
    """
    draw = e.draw
    for group, joint, _ in draw.samples:
        if name in group:
            found = joint[0][name, place]
            break
    else:
        dist = e.program.rvs[name].dist
        rng = np.random.default_rng([draw.seed, *f"{name} {place}".encode()])
        found = one_outcome(e, dist, env, rng)
    draw.outcomes.setdefault((name, place), found)
    return found


def one_outcome(e: Evaluator, dist: Node, env: Env, rng: Any) -> Any:
    if dist.kind == "bernoulli":
        return outcomes(e, dist, env)[int(rng.integers(2))][0]
    mean, variance = normal_parameters(e, dist.args[0], dist.args[1], env)
    if v.is_scalar(mean):
        return mean + torch.sqrt(v.tensor(variance)) * e.draw.far * float(rng.normal())
    return mean + cholesky(variance) @ torch.as_tensor(
        e.draw.far * rng.normal(size=(mean.shape[0], 1)))


def show_normal(node: Node, mean: Node, variance: Node) -> str:
    return f"normal(mean {show(mean)}, variance {show(variance)})"


def show_density(node: Node, place: Node, mean: Node, variance: Node) -> str:
    return (f"normal density({show(place)}; mean {show(mean)}, variance {show(variance)})")


def show_table(node: Node, key: str, left: tuple[str, ...], given: tuple[Node, ...]) -> str:
    return f"{pretty(key)}({', '.join(map(pretty, left))}" + (f" | {listed(given)})" if given
                                                             else ")")


def read_indexed_divergence(p: Parser, start: int) -> Node | None:
    """``D_{KL}``."""
    sub = p.subscript()
    if sub is None or sub.text not in ("KL", r"\mathrm{KL}", r"\text{KL}"):
        return None
    p.at = sub.after
    return read_divergence(p, start)


register(
    "Distributions",
    Part("normal", show_normal),
    Part("bernoulli", lambda node, a: f"bernoulli({show(a)})"),
    Part("tabledist", lambda node, a: f"table({show(a)})"),
    Part("pmfdist", show_table, names=lambda node: (node.args[0],)),
    Notation("density", show_density, density_value, spells={r"\mathcal{N}": read_density},
             log=log_density,
             examples=(r"\mathcal{N}(a; b, c)", r"\log \mathcal{N}(x; z, A)",
                       r"\log \mathcal{N}(\begin{pmatrix} a \\ b \end{pmatrix}; "
                       r"\begin{pmatrix} 0 \\ 0 \end{pmatrix}, "
                       r"\begin{pmatrix} c & 0 \\ 0 & c \end{pmatrix})")),
    Notation("kl", lambda node, p, q: f"KL({show(p)} || {show(q)})", kl_value,
             spells={r"\mathrm{KL}": read_divergence, "D": read_indexed_divergence},
             vanishes=True,
             examples=(r"\mathrm{KL}(q \,\|\, s)",
                       r"\mathrm{KL}(\mathcal{N}(a,c) \,\|\, \mathcal{N}(0,1))",
                       r"\mathrm{KL}(\mathcal{N}(x, c I) \,\|\, \mathcal{N}(0, I))")),
)
