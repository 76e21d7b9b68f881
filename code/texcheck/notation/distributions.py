"""Distributions: laws with parameters, those of a table; densities and divergences."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from .. import values as v
from ..env import Env
from ..errors import Refused, Undefined
from ..evaluate import Evaluator
from ..grammar import Parser
from ..names import Info, is_table
from ..quadrature import EXPONENTIAL, NORMAL, UNIFORM, Axis, readable
from ..registry import Notation, Part, register
from ..trees import Node, listed, pretty, show
from .tables import read_events, table_outcomes

Weighted = list[tuple[Any, Any]]


@dataclass(frozen=True)
class Law:
    """A distribution with parameters.

    Attributes
    ----------
    kind : str
        Of its nodes, whose arguments are the parameters.
    words : tuple of str
        The names by which it is read.
    count : int
        Of parameters.
    outcomes : callable or None
        Evaluator, node, surroundings -> all values with their weights, of a finite law.
    axes : callable or None
        Evaluator, node, surroundings -> the standard variables that its value is made of.
    value : callable or None
        Evaluator, node, surroundings, place of the standard variables, sign -> its value.
    signs : int
        2 for a law that is a standard variable with a sign, each equally likely.
    """

    kind: str
    words: tuple[str, ...]
    count: int
    outcomes: Callable[..., Weighted] | None = None
    axes: Callable[..., list[Axis]] | None = None
    value: Callable[..., Any] | None = None
    signs: int = 1


def read_distribution(p: Parser, names: tuple[str, ...]) -> Node:
    start, at = p.place(), p.at
    base = p.base()
    law = WORDS.get(base)
    if law is not None and (p.lookup(base) is None):
        if p.peek() != "(":
            raise p.refuse(f"{base} takes its parameters in parentheses")
        given = p.arguments()
        if len(given) != law.count:
            raise p.refuse(f"{base} takes {law.count} parameter{'s' * (law.count != 1)}, "
                           f"{len(given)} given", start)
        return p.node(law.kind, tuple(given), start)
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
    named = p.peek() not in (r"\frac", r"\tfrac", "(", "[") and (
        p.token() is not None and p.tokens[p.at].kind != "num")
    first = read_distribution(p, ()) if named else None
    if first is None or p.peek() not in ("|", r"\|"):
        raise p.refuse(r"the first argument of a divergence is a distribution: give a mixture or a "
                       "product a name, def: m(x) = …")
    if p.peek() == "|" and p.peek(1) == "|":
        p.at += 2
    else:
        p.take(r"\|")
    at = p.at
    try:
        second = read_distribution(p, ())
    except Refused:
        if first.kind not in ("tabledist", "pmfdist"):
            raise
        second = first
    if p.peek() != closing and first.kind in ("tabledist", "pmfdist"):
        p.at = at
        second = read_mixed(p, first)
    p.take(closing)
    return p.node("kl", (first, second), start)


def read_mixed(p: Parser, first: Node) -> Node:
    r"""What a divergence is taken from, as a formula of the outcome of the first distribution: a
    product ``p(x) p(y)``, or a mixture of tables by their names."""
    if first.kind == "tabledist":
        start = p.place()
        return p.node("tabledist", (p.expr(),), start)
    start, saved, before = p.place(), p.outcome, p.bars
    p.outcome, p.bars = first.args[1], 0
    body = p.expr()
    p.outcome, p.bars = saved, before
    return p.node("formuladist", (body,), start)


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


def refused_parameter(name: str, value: Any, write: str) -> Refused:
    return Refused("value", f"{name} with {v.plain(value):.4g}: {write}")


def bernoulli_outcomes(e: Evaluator, dist: Node, env: Env) -> Weighted:
    p = e.number(dist.args[0], env, "the parameter of a Bernoulli distribution")
    check_inside(e, p, "a Bernoulli distribution")
    return [(0, 1 - p), (1, p)]


def check_inside(e: Evaluator, p: Any, what: str) -> None:
    """Refuse a probability outside of [0, 1]."""
    if readable(v.tensor(p)) and not -1e-12 <= v.plain(p) <= 1 + 1e-12:
        raise refused_parameter(what, p, r"a probability is in (0,1); declare it there, with "
                                r"let: a \in (0,1)")


def check_weights(weights: torch.Tensor, what: str) -> None:
    """Refuse what is no distribution.

    Raises
    ------
    Refused
        For a negative weight, or a sum that is not 1.
    """
    if not readable(weights):
        return
    total = float(weights.detach().sum())
    if float(weights.detach().min()) < -1e-12:
        raise Refused("value", f"{what} has a negative weight: it is no distribution")
    if not abs(total - 1) < 1e-8:
        raise Refused("value", f"{what} adds up to {total:.9g}, not to 1: divide by the sum, or "
                      r"declare it with \in \Delta^K")


def table_values(e: Evaluator, dist: Node, env: Env) -> Weighted:
    weights = e.value(dist.args[0], env)
    check_column(weights, "a table of probabilities")
    check_weights(weights, show(dist.args[0]))
    return [(i + 1, w) for i, w in enumerate(weights.reshape(-1))]


def binomial_outcomes(e: Evaluator, dist: Node, env: Env) -> Weighted:
    count = e.whole(dist.args[0], env, "the number of trials")
    if not 0 <= count <= 200:
        raise v.type_error(f"a binomial distribution of {count} trials: from 0 to 200")
    p = e.number(dist.args[1], env, "the parameter of a binomial distribution")
    check_inside(e, p, "a binomial distribution")
    p = v.tensor(p)
    return [(k, math.comb(count, k) * p**k * (1 - p)**(count - k)) for k in range(count + 1)]


MOST_COUNTS = 200


def poisson_outcomes(e: Evaluator, dist: Node, env: Env) -> Weighted:
    """Counts until what is left out is below rounding, whatever grows like an exponential."""
    rate = positive(e, dist.args[0], env, "the rate of a Poisson distribution")
    last = MOST_COUNTS
    if readable(rate):
        last = int(v.plain(rate) + 14 * math.sqrt(v.plain(rate)) + 40)
    if last > MOST_COUNTS:
        raise Undefined(f"a Poisson distribution with the rate {v.plain(rate):.3g}: too many "
                        "outcomes")
    return [(k, torch.exp(k * torch.log(rate) - rate - math.lgamma(k + 1)))
            for k in range(last + 1)]


def positive(e: Evaluator, node: Node, env: Env, what: str) -> torch.Tensor:
    """A parameter that must be above zero."""
    value = v.tensor(e.number(node, env, what))
    if readable(value) and not v.plain(value) > 0:
        raise refused_parameter(what, value, r"it must be positive; declare it with "
                                r"\in \mathbb{R}_{>0}")
    return value


def normal_axes(e: Evaluator, dist: Node, env: Env) -> list[Axis]:
    mean, _ = normal_parameters(e, dist.args[0], dist.args[1], env)
    return [NORMAL] * (1 if v.is_scalar(mean) else mean.shape[0])


def normal_value(e: Evaluator, dist: Node, env: Env, place: torch.Tensor, sign: int) -> Any:
    mean, variance = normal_parameters(e, dist.args[0], dist.args[1], env)
    if v.is_scalar(mean):
        return mean + torch.sqrt(v.tensor(variance)) * place[0]
    return mean + cholesky(variance) @ place[:, None]


def uniform_value(e: Evaluator, dist: Node, env: Env, place: torch.Tensor, sign: int) -> Any:
    low, high = (v.tensor(e.number(a, env, "an end of a uniform distribution"))
                 for a in dist.args)
    if readable(low) and readable(high) and not v.plain(low) < v.plain(high):
        raise Refused("value", f"a uniform distribution from {v.plain(low):.4g} to "
                      f"{v.plain(high):.4g}: the first end is the smaller one; state it with "
                      "assume: a < b")
    return low + (high - low) * place[0]


def exponential_value(e: Evaluator, dist: Node, env: Env, place: torch.Tensor, sign: int) -> Any:
    return place[0] / positive(e, dist.args[0], env, "the rate of an exponential distribution")


def laplace_value(e: Evaluator, dist: Node, env: Env, place: torch.Tensor, sign: int) -> Any:
    middle = e.number(dist.args[0], env, "the middle of a Laplace distribution")
    return middle + sign * place[0] * positive(e, dist.args[1], env,
                                               "the width of a Laplace distribution")


def one_axis(axis: Axis) -> Callable[..., list[Axis]]:
    return lambda e, dist, env: [axis]


LAWS = (
    Law("normal", (r"\mathcal{N}",), 2, axes=normal_axes, value=normal_value),
    Law("bernoulli", (r"\mathrm{Bernoulli}", r"\mathrm{Bern}", r"\mathrm{Ber}"), 1,
        outcomes=bernoulli_outcomes),
    Law("tabledist", (r"\mathrm{Categorical}", r"\mathrm{Cat}"), 1, outcomes=table_values),
    Law("binomial", (r"\mathrm{Binomial}", r"\mathrm{Bin}"), 2, outcomes=binomial_outcomes),
    Law("poisson", (r"\mathrm{Poisson}", r"\mathrm{Pois}"), 1, outcomes=poisson_outcomes),
    Law("uniform", (r"\mathrm{Uniform}", r"\mathrm{Unif}", r"\mathcal{U}"), 2,
        axes=one_axis(UNIFORM), value=uniform_value),
    Law("exponential", (r"\mathrm{Exponential}", r"\mathrm{Exp}"), 1,
        axes=one_axis(EXPONENTIAL), value=exponential_value),
    Law("laplace", (r"\mathrm{Laplace}",), 2, axes=one_axis(EXPONENTIAL), value=laplace_value,
        signs=2),
)
WORDS = {word: law for law in LAWS for word in law.words}
KINDS = {law.kind: law for law in LAWS}


def normal_parameters(e: Evaluator, mean: Node, variance: Node, env: Env,
                      like: Any = None) -> Any:
    """Mean and covariance with their sizes settled: numbers, or a column and a matrix."""
    m, c = e.value(mean, env), e.value(variance, env)
    sized = next((x for x in (m, like) if isinstance(x, torch.Tensor) and x.dim()), None)
    if sized is None and isinstance(c, torch.Tensor) and c.dim():
        sized = c[:, :1]
    if sized is None:
        if isinstance(c, v.Lazy):
            raise v.type_error("the size of the normal vector is unknown: write I_n")
        if readable(v.tensor(c)) and not v.plain(c) > 0:
            raise refused_parameter("a variance", c, r"it must be positive; declare it with \in "
                                    r"\mathbb{R}_{>0}")
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


def with_size(e: Evaluator, dist: Node, name: str, body: Node, env: Env) -> Node:
    r"""A normal distribution whose covariance is an identity without a size, with the one size
    among the declared dimensions for which a formula of its letter makes sense."""
    if dist.kind != "normal" or not isinstance(e.value(dist.args[1], env), v.Lazy) or not (
            v.is_scalar(e.value(dist.args[0], env))):
        return dist
    key = ("size", id(dist))
    if key not in e.memory:
        sizes = [n for n in sorted(set(e.draw.dims.values())) if makes_sense(e, name, body, env, n)]
        mean, variance = dist.args
        e.kept.append(dist)
        e.memory[key] = dist if len(sizes) != 1 else Node("normal", (mean, Node("mul", (
            variance, Node("const", ("I", Node("num", (str(sizes[0]),))))))), dist.start, dist.end)
    found: Node = e.memory[key]
    return found


def makes_sense(e: Evaluator, name: str, body: Node, env: Env, size: int) -> bool:
    """Whether shapes fit where a letter is a column of some size."""
    try:
        e.value(body, env.binding({name: torch.zeros(size, 1, dtype=torch.float64)}))
    except Refused:
        return False
    except Undefined:
        return True
    return True


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
    if q.kind == "formuladist":
        pairs = table_outcomes(e, p.args[1], p, env)
        weights = torch.stack([w for _, w in pairs])
        others = torch.stack([v.tensor(e.number(q.args[0], inner, "a probability"))
                              for inner, _ in pairs])
        check_weights(others, show(q.args[0]))
        return torch.special.xlogy(weights, weights / others).sum()
    if p.kind != q.kind:
        raise v.type_error("a divergence between two tables, or between two normals")
    if p.kind == "normal":
        return normal_divergence(e, p, q, env)
    if p.kind == "bernoulli":
        a, b = (v.tensor(bernoulli_outcomes(e, d, env)[1][1]) for d in (p, q))
        return a * torch.log(a / b) + (1 - a) * torch.log((1 - a) / (1 - b))
    if p.kind not in ("tabledist", "pmfdist"):
        raise v.type_error(f"a divergence between distributions of the kind {p.kind}: write it as "
                           "an expectation or a sum")
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
    m1, c1 = normal_parameters(e, p.args[0], p.args[1], env, like)
    m2, c2 = normal_parameters(e, q.args[0], q.args[1], env, like)
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
        return torch.stack([v.tensor(w) for _, w in table_values(e, dist, env)])
    pairs = table_outcomes(e, dist.args[1], dist, env)
    return torch.stack([w for _, w in pairs])


def cholesky(matrix: torch.Tensor) -> torch.Tensor:
    factor: torch.Tensor
    factor, bad = torch.linalg.cholesky_ex(matrix)
    if readable(matrix):
        if not torch.allclose(matrix, matrix.T, rtol=1e-9, atol=1e-12):
            raise v.type_error("a covariance that is not symmetric")
        if int(bad):
            raise Refused("value", "a covariance that is not positive definite: declare it with "
                          r"\in \mathbb{S}^n_{++}")
    return factor


def check_column(value: Any, what: str) -> None:
    if v.is_scalar(value) or isinstance(value, v.Lazy) or value.dim() != 2 or value.shape[1] != 1:
        raise v.type_error(f"{what} is {v.shape_text(value)}; a column is expected")


def realised(e: Evaluator, name: str, place: tuple[int, ...], env: Env) -> Any:
    """A random variable outside of an expectation: one of its outcomes, the same throughout.

    An outcome is a value: it stays where it is when a parameter moves, under a derivative too.
    What a variable depends on has its own outcome. Another draw has another outcome. A variable
    with finitely many values takes each equally often, so that no outcome goes untested, and a
    normal one is now and then far from its mean.
    """
    if name == e.sampling:
        raise v.type_error(f"{pretty(name)} depends on itself, or on a later place of itself: the "
                           "distribution of a place may hold earlier places only")
    draw = e.draw
    known = draw.outcomes.get((name, place))
    if known is not None:
        return known
    for group, joint, _ in draw.samples:
        if name in group:
            found = joint[0][name, place]
            break
    else:
        rv = e.program.rvs[name]
        rng = np.random.default_rng([draw.seed, *f"{name} {place}".encode()])
        assert rv.dist is not None  # what has none stands in a table of outcomes
        with sampled(e, name):
            found = one_outcome(e, rv.dist, Env(bound=dict(zip(rv.indices, place, strict=True))),
                                rng)
    draw.outcomes[name, place] = found
    return found


@contextmanager
def sampled(e: Evaluator, name: str) -> Iterator[None]:
    """While the parameters of a random variable are evaluated."""
    before, e.sampling = e.sampling, name
    try:
        yield
    finally:
        e.sampling = before


def far_out(axis: Axis, rng: np.random.Generator, far: float) -> float:
    """A place of a standard variable, some times as far out; of a uniform one close to an end."""
    place = float(axis.random(rng, 1)[0])
    if axis is not UNIFORM:
        return far * place
    beside: float = place ** max(1.0, min(far, 30.0))
    return beside if rng.random() < 0.5 else min(1 - beside, 1 - 1e-15)


def one_outcome(e: Evaluator, dist: Node, env: Env, rng: np.random.Generator) -> Any:
    law = KINDS[dist.kind]
    if law.outcomes is not None:
        found = law.outcomes(e, dist, env)
        least = 1e-6 if e.draw.far <= 1 else 0.0
        likely = [x for x, w in found if v.plain(w) > least]
        if e.draw.far > 1 and rng.random() < 0.5:
            return likely[int(rng.choice([0, -1]))]
        return likely[int(rng.integers(len(likely)))]
    assert law.axes is not None and law.value is not None
    axes = law.axes(e, dist, env)
    often = 6.0 if rng.random() < 0.2 else 1.0
    place = torch.as_tensor(np.array([far_out(a, rng, max(often, e.draw.far)) for a in axes]))
    value = law.value(e, dist, env, place, int(rng.choice([-1, 1])))
    return value.detach() if isinstance(value, torch.Tensor) else value


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
    Part("normal", show_normal, examples=(r"\mathbb{E}_{u\sim\mathcal{N}(a,c)}[u^2]",
                                          r"\mathbb{E}_{u\sim\mathcal{N}(x,A)}[u^\top u]")),
    Part("bernoulli", lambda node, a: f"bernoulli({show(a)})",
         examples=(r"\mathbb{E}_{d\sim\mathrm{Bernoulli}(0.3)}[a d]",)),
    Part("tabledist", lambda node, a: f"table({show(a)})",
         examples=(r"\mathbb{E}_{k\sim q}[x_1 k]",)),
    Part("binomial", lambda node, n, p: f"binomial({show(n)}, {show(p)})",
         examples=(r"\mathbb{E}_{k\sim\mathrm{Binomial}(4, 0.3)}[a k^2]",)),
    Part("poisson", lambda node, a: f"poisson(rate {show(a)})",
         examples=(r"\mathbb{E}_{k\sim\mathrm{Poisson}(c)}[k^2]",)),
    Part("uniform", lambda node, a, b: f"uniform({show(a)}, {show(b)})",
         examples=(r"\mathbb{E}_{u\sim\mathrm{Uniform}(0, c)}[u^2]",)),
    Part("exponential", lambda node, a: f"exponential(rate {show(a)})",
         examples=(r"\mathbb{E}_{u\sim\mathrm{Exponential}(c)}[u^2]",)),
    Part("laplace", lambda node, m, b: f"laplace(middle {show(m)}, width {show(b)})",
         examples=(r"\mathbb{E}_{u\sim\mathrm{Laplace}(a, c)}[u^2]",)),
    Part("pmfdist", show_table, names=lambda node: (node.args[0],),
         examples=(r"\mathbb{E}_{w\sim p(w\mid y)}[a w]",)),
    Part("formuladist", lambda node, body: show(body),
         examples=(r"\mathrm{KL}(p(y, w) \,\|\, p(y) p(w))",)),
    Notation("density", show_density, density_value, rounds="often",
             spells={r"\mathcal{N}": read_density},
             log=log_density,
             examples=(r"\mathcal{N}(a; b, c)", r"\log \mathcal{N}(x; z, A)",
                       r"\log \mathcal{N}(\begin{pmatrix} a \\ b \end{pmatrix}; "
                       r"\begin{pmatrix} 0 \\ 0 \end{pmatrix}, "
                       r"\begin{pmatrix} c & 0 \\ 0 & c \end{pmatrix})")),
    Notation("kl", lambda node, p, q: f"KL({show(p)} || {show(q)})", kl_value, rounds="often",
             spells={r"\mathrm{KL}": read_divergence, "D": read_indexed_divergence},
             vanishes=True, swaps=lambda node: node.args,
             binds=lambda node: node.args[0].args[1] if node.args[1].kind == "formuladist" else (),
             reach=lambda node: ([node.args[0]], [node.args[1]]),
             examples=(r"\mathrm{KL}(q \,\|\, s)",
                       r"\mathrm{KL}(\mathcal{N}(a,c) \,\|\, \mathcal{N}(0,1))",
                       r"\mathrm{KL}(\mathcal{N}(x, c I) \,\|\, \mathcal{N}(0, I))")),
)
