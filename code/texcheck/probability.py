"""Expectations, probability tables, normal densities and divergences."""

from __future__ import annotations

import itertools
import math
from functools import lru_cache

import numpy as np
import torch

from . import values as v
from .batch import batched
from .errors import Refused, Undefined
from .trees import Node, pretty, show, walk

NODES = {1: 33, 2: 12, 3: 6, 4: 4}


@lru_cache(maxsize=8)
def hermite(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights for the standard normal distribution."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(count)
    return nodes, weights / weights.sum()


class Probability:
    """The parts of the evaluator that average over outcomes."""

    def __init__(self, evaluator):
        self.e = evaluator

    # ---- expectations -------------------------------------------------------------------

    def do_expect(self, node, env, names, dist, body):
        if dist is None:
            return self.mean(body, self.sample(body, env, names))
        if dist.kind == "pmfdist":
            return self.mean(body, self.table_outcomes(names, dist, env))
        if len(names) != 1:
            raise v.type_error("one name on the left of \\sim")
        if dist.kind == "tabledist":
            weights = self.e.value(dist.args[0], env)
            check_column(weights, "a table of probabilities")
            pairs = [(env.binding({names[0]: i + 1}), w)
                     for i, w in enumerate(weights.reshape(-1))]
            return self.mean(body, pairs)
        if dist.kind == "normal":
            self.check_smooth(body)
        pairs = [(env.binding({names[0]: value}), weight)
                 for value, weight in self.outcomes(dist, env)]
        return self.mean(body, pairs)

    def check_smooth(self, body: Node) -> None:
        """A quadrature does not see where a function jumps."""
        program = self.e.program
        bodies = [body, *(program.defs[k].body for k in program.closure(body)
                          if k in program.defs)]
        for inner in (n for b in bodies for n in walk(b)):
            if inner.kind in ("ind", "cases", "delta") or (
                    inner.kind == "fn" and inner.args[0] in ("sign", "floor", "ceil")):
                raise v.type_error("a function with jumps under a normal expectation: it is not "
                                   "evaluated exactly; write what is unchecked with unchecked:")

    def mean(self, body: Node, pairs):
        result = None
        for env, weight in pairs:
            part = v.multiply(weight, self.e.value(body, env))
            result = part if result is None else v.add(result, part)
        if result is None:
            raise Undefined("an expectation over nothing")
        return result

    def outcomes(self, dist: Node, env):
        """Values and weights of a normal or Bernoulli distribution."""
        key = ("outcomes", self.e.key(dist, env))
        if key not in self.e.memory:
            self.e.memory[key] = list(self.spread(dist, env))
        return self.e.memory[key]

    def spread(self, dist: Node, env):
        if dist.kind == "bernoulli":
            p = self.e.number(dist.args[0], env, "the parameter of a Bernoulli distribution")
            return [(0, 1 - p), (1, p)]
        mean, variance = self.normal_parameters(dist.args[0], dist.args[1], env)
        if v.is_scalar(mean):
            nodes, weights = hermite(NODES[1])
            spread = torch.sqrt(v.tensor(variance))
            return [(mean + spread * float(n), float(w))
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

    def normal_parameters(self, mean: Node, variance: Node, env, like=None):
        """Mean and covariance with their sizes settled: numbers, or a column and a matrix."""
        m, c = self.e.value(mean, env), self.e.value(variance, env)
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

    # ---- random variables ---------------------------------------------------------------

    def sample(self, body: Node, env, names=()):
        """Joint outcomes of the random variables that a formula needs, with weights."""
        program, draw = self.e.program, self.e.draw
        closure = program.closure(body)
        used = [k for k in program.rvs if k in closure]
        if names:
            wanted = [n for n in used if n in names]
            left = [n for n in used if n not in names and not self.already(n, env)]
            if left:
                raise v.type_error(f"the expectation is over {', '.join(names)} only, but "
                                   f"{pretty(left[0])} is random too")
            used = wanted
        if not used:
            raise v.type_error("an expectation of something without a random variable")
        spaces = []
        for group in draw.samples:
            if any(n in used for n in group[0]):
                spaces.append([(dict(o), w) for o, w in zip(group[1], group[2], strict=True)])
        for name in used:
            if program.rvs[name].dist is not None:
                spaces += self.distributed(name, env)
        size = math.prod(len(s) for s in spaces)
        if size > 2**13:
            raise v.type_error(f"{size} joint outcomes: too many to enumerate")
        found = []
        for combination in itertools.product(*spaces):
            cuts, weight = {}, 1.0
            for outcome, w in combination:
                cuts.update({k: x for k, x in outcome.items() if not names or k[0] in names})
                weight = weight * w
            found.append((env.cut(cuts), weight))
        return found

    def realised(self, name: str, place: tuple, env):
        """A random variable outside of an expectation: one of its outcomes, the same throughout.

        Another draw has another outcome, and every variable has its own. A Bernoulli variable is
        0 or 1 equally often, whatever its parameter, so that no outcome goes untested.
        """
        draw = self.e.draw
        for group, outcomes, _ in draw.samples:
            if name in group:
                found = outcomes[0][name, place]
                break
        else:
            dist = self.e.program.rvs[name].dist
            rng = np.random.default_rng([draw.seed, *f"{name} {place}".encode()])
            found = self.one_outcome(dist, env, rng)
        draw.outcomes.setdefault((name, place), found)
        return found

    def one_outcome(self, dist: Node, env, rng):
        if dist.kind == "bernoulli":
            return self.outcomes(dist, env)[int(rng.integers(2))][0]
        mean, variance = self.normal_parameters(dist.args[0], dist.args[1], env)
        if v.is_scalar(mean):
            return mean + torch.sqrt(v.tensor(variance)) * float(rng.normal())
        return mean + cholesky(variance) @ torch.as_tensor(rng.normal(size=(mean.shape[0], 1)))

    def already(self, name: str, env) -> bool:
        return any(key[0] == name for key in env.cuts)

    def distributed(self, name: str, env):
        """Outcome spaces of a variable with a distribution; one for each place of a sequence."""
        from .env import Env

        rv = self.e.program.rvs[name]
        base = Env(cuts={k: x for k, x in env.cuts.items() if k[0] != name})
        outcomes = self.outcomes(rv.dist, base)
        if not rv.ranges:
            return [[({(name, ()): x}, w) for x, w in outcomes]]
        (low, high), = self.e.spans(name, base)
        if len(outcomes) > 2:
            few = NODES[min(4, max(2, high - low + 1))]
            outcomes = self.fewer(rv.dist, base, few)
        return [[({(name, (i,)): x}, w) for x, w in outcomes] for i in range(low, high + 1)]

    def fewer(self, dist: Node, env, count: int):
        key = ("fewer", count, self.e.key(dist, env))
        if key not in self.e.memory:
            mean, variance = self.normal_parameters(dist.args[0], dist.args[1], env)
            if not v.is_scalar(mean):
                raise v.type_error("a sequence of normal vectors: too many outcomes")
            nodes, weights = hermite(count)
            spread = torch.sqrt(v.tensor(variance))
            self.e.memory[key] = [(mean + spread * float(n), float(w))
                                  for n, w in zip(nodes, weights, strict=True)]
        return self.e.memory[key]

    def do_var(self, node, env, a):
        return self.do_cov(node, env, a, a)

    def do_cov(self, node, env, a, b):
        both = Node("add", (("+", a), ("+", b)))
        self.e.kept.append(both)
        key = ("both", id(a), id(b))
        both = self.e.memory.setdefault(key, both)
        pairs = self.sample(both, env)
        lefts = [self.e.value(a, inner) for inner, _ in pairs]
        rights = [self.e.value(b, inner) for inner, _ in pairs]
        weights = [w for _, w in pairs]
        mean_a = weighted(lefts, weights)
        mean_b = weighted(rights, weights)
        parts = []
        for x, y in zip(lefts, rights, strict=True):
            parts.append(v.multiply(v.add(x, mean_a, -1), v.transpose(v.add(y, mean_b, -1))))
        return weighted(parts, weights)

    # ---- probability tables -------------------------------------------------------------

    def alphabet(self, name: str):
        """Members of the finite set that a variable of a table comes from."""
        return self.e.program.domain_members((name, self.e.program.outcomes[name]), self.e)

    def joint(self, key: str, env):
        """Variables, positions of every joint outcome, and its weight given the parameters.

        Variables on the right of the bar of every factor are part of the outcome too; their
        weight is one.
        """
        from .env import Env

        program = self.e.program
        cuts = Env(cuts=env.cuts)
        probe = program.pmfs[key]
        memory_key = ("joint", key, self.e.key(self.probe(key), cuts))
        if memory_key in self.e.memory:
            return self.e.memory[memory_key]
        left = [n for f in probe for n in f.left]
        names = left + [n for n in dict.fromkeys(n for f in probe for n in f.given)
                        if n not in left]
        members = [self.alphabet(n) for n in names]
        size = math.prod(len(m) for m in members)
        if size > 2**14:
            raise v.type_error(f"{size} joint outcomes of {pretty(key)}: too many to enumerate")
        places = np.array(list(itertools.product(*[range(len(m)) for m in members])))
        weight = None
        for number, factor in enumerate(probe):
            own = self.factor_weights(key, number, factor, names, members, places, cuts)
            weight = own if weight is None else weight * own
        found = names, left, members, places, weight
        self.check_sum(key, names, left, places, weight)
        self.e.memory[memory_key] = found
        return found

    def probe(self, key: str) -> Node:
        """A node whose dependences are those of a table."""
        memory_key = ("probe", key)
        if memory_key not in self.e.memory:
            self.e.memory[memory_key] = Node("sym", (key,))
        return self.e.memory[memory_key]

    def factor_weights(self, key, number, factor, names, members, places, env):
        if factor.body is None:
            table = self.e.draw.tables[key][number]
            columns = [places[:, names.index(n)] for n in (*factor.left, *factor.given)]
            return table[tuple(torch.as_tensor(c) for c in columns)]
        own = [names.index(n) for n in (*factor.left, *factor.given)]
        whole = batched(self.e, factor.body,
                        {names[c]: [members[c][row[c]] for row in places] for c in own},
                        lambda one: self.e.value(factor.body, env.only(one)))
        if whole is not None and whole.dim() == 1:
            return whole
        known: dict[tuple, torch.Tensor] = {}
        rows = []
        for row in places:
            index = tuple(row[own])
            if index not in known:
                bound = {names[c]: members[c][row[c]] for c in own}
                value = self.e.value(factor.body, env.only(bound))
                if not v.is_scalar(value):
                    raise v.type_error(f"{pretty(key)} is {v.shape_text(value)}; a probability "
                                       "is a number")
                known[index] = v.tensor(value)
            rows.append(known[index])
        return torch.stack(rows)

    def check_sum(self, key, names, left, places, weight) -> None:
        given = [i for i, n in enumerate(names) if n not in left]
        sums: dict[tuple, float] = {}
        for row, w in zip(places, weight.detach().tolist(), strict=True):
            index = tuple(row[given])
            sums[index] = sums.get(index, 0.0) + float(w)
            if w < -1e-12:
                raise Refused("value", f"{pretty(key)} is negative somewhere: not a probability")
        for total in sums.values():
            if not abs(total - 1) < 1e-8:
                raise Refused("value", f"{pretty(key)} adds up to {total:.9g}, not to 1")

    def do_prob(self, node, env, key, events, given):
        names, left, members, places, weight = self.joint(key, env)
        names_of = self.by_position(key, events, given, names)
        free = self.mask(events, names, members, places, env, names_of)
        bar = self.mask(given, names, members, places, env, names_of[len(events):])
        fixed = {names_of[len(events) + i] or self.root(g, names)
                 for i, g in enumerate(given) if g.args[1] in ("", "=")}
        for name in names:
            if name not in left and name not in fixed:
                raise v.type_error(f"{pretty(key)} is a table given {pretty(name)}: put it on the "
                                   "right of \\mid")
        top = weight[torch.as_tensor(free & bar)].sum()
        bottom = weight[torch.as_tensor(bar)].sum()
        if not given:
            return top
        if float(bottom.detach()) <= 0:
            raise Undefined("a condition of probability zero")
        return top / bottom

    def by_position(self, key, events, given, names) -> list[str]:
        """Names of the variables when the arguments are values in the order of the declaration."""
        items = [*events, *given]
        if any(e.args[1] for e in items) or all(self.root(e, names) for e in items):
            return [""] * len(items)
        for factor in self.e.program.pmfs[key]:
            if (len(factor.left), len(factor.given)) == (len(events), len(given)):
                return [*factor.left, *factor.given]
        raise v.type_error(f"which variables of {pretty(key)} are meant is unclear: write "
                           f"{pretty(key)}({names[0]}=…)")

    def root(self, event: Node, names) -> str:
        """The variable of the table that an event is about, or an empty string."""
        found = {n.args[0].rstrip("'") for n in walk(event.args[0]) if n.kind == "sym"}
        found |= {self.e.program.family_of(n) for n in found}
        hits = [n for n in names if n in found]
        if not hits:
            return ""
        if len(hits) > 1:
            base = item_base(event.args[0])
            if base.kind == "sym" and base.args[0].rstrip("'") in hits:
                return base.args[0].rstrip("'")
            raise v.type_error(f"an event about {' and '.join(hits)} at once: one variable for "
                               "each event")
        return hits[0]

    def mask(self, events, names, members, places, env, names_of) -> np.ndarray:
        keep = np.ones(len(places), dtype=bool)
        for event, named in zip(events, names_of, strict=False):
            name = named or self.root(event, names)
            if not name:
                raise v.type_error(f"{show(event)} is about no variable of the table")
            column = names.index(name)
            truth = np.array(self.truth(event, name, named, members[column], env))
            keep &= truth[places[:, column]]
        return keep

    def truth(self, event, name, positional, members, env) -> list[bool]:
        """For every member of the alphabet, whether the event holds."""
        expression, op, right = event.args
        if positional or (not op and expression.kind == "sym"):
            value = self.e.value(expression, env)
            found = [same(value, m) for m in members]
            if not any(found):
                raise v.type_error(f"{show(expression)} is not a value of {pretty(name)}")
            return found
        if not op and item_base(expression).kind != "sym":
            raise v.type_error(f"the argument {show(expression)} is no value of {pretty(name)}: "
                               f"write the letter alone, or {pretty(name)}=… for a value")
        symbol = next(n.args[0] for n in walk(expression)
                      if n.kind == "sym" and n.args[0].rstrip("'") == name)
        value = self.e.value(expression if right is None else right, env)
        answers = []
        for member in members:
            left = self.e.value(expression, env.binding({symbol: member}))
            answers.append(relate(op or "=", left, value))
        if right is not None and (op == "=") and not any(answers):
            raise v.type_error(f"{show(event)} never happens")
        return answers

    def table_outcomes(self, names, dist: Node, env):
        """Environments and weights of ``z\\sim q(z\\mid x)``."""
        key, left, given = dist.args
        all_names, own, members, places, weight = self.joint(key, env)
        targets = self.target_names(key, left, own)
        positions = self.by_position(key, (), given, all_names) if given else []
        bar = self.mask(given, all_names, members, places, env, positions)
        fixed = {self.root(g, all_names) for g in given}
        for name in all_names:
            if name not in own and name not in fixed:
                raise v.type_error(f"{pretty(key)} is a table given {pretty(name)}: write "
                                   rf"{pretty(key)}({left[0]}\mid {pretty(name)})")
        weight = weight / weight[torch.as_tensor(bar)].sum()
        columns = [all_names.index(t) for t in targets]
        groups: dict[tuple, list[int]] = {}
        for row in np.flatnonzero(bar):
            groups.setdefault(tuple(places[row, columns]), []).append(int(row))
        pairs = []
        for index, rows in groups.items():
            bound = {n: members[c][i] for n, c, i in zip(names, columns, index, strict=True)}
            pairs.append((env.binding(bound), weight[rows].sum()))
        return pairs

    def target_names(self, key, left, own) -> list[str]:
        stems = [n.rstrip("'") for n in left]
        if all(s in own for s in stems):
            return stems
        if len(left) == len(own):
            return list(own)
        raise v.type_error(f"which variables of {pretty(key)} are meant is unclear")

    # ---- densities and divergences ------------------------------------------------------

    def do_density(self, node, env, x, mean, variance):
        return torch.exp(v.tensor(self.log_density(node, env)))

    def log_density(self, node, env):
        """Logarithm of a normal density, without going through the density."""
        place, mean, variance = node.args
        x = self.e.value(place, env)
        like = x if isinstance(x, torch.Tensor) and x.dim() else None
        m, c = self.normal_parameters(mean, variance, env, like)
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

    def do_kl(self, node, env, p, q):
        if p.kind != q.kind:
            raise v.type_error("a divergence between two tables, or between two normals")
        if p.kind == "normal":
            return self.normal_divergence(p, q, env)
        if p.kind == "bernoulli":
            a = v.tensor(self.e.value(p.args[0], env))
            b = v.tensor(self.e.value(q.args[0], env))
            return a * torch.log(a / b) + (1 - a) * torch.log((1 - a) / (1 - b))
        first, second = self.table_weights(p, env), self.table_weights(q, env)
        if len(first) != len(second):
            raise v.type_error(f"a divergence between tables of {len(first)} and {len(second)} "
                               "outcomes")
        if p.kind == "pmfdist" and [m for m in p.args[1]] != [m for m in q.args[1]]:
            raise v.type_error("a divergence between tables of different variables: "
                               f"{', '.join(p.args[1])} and {', '.join(q.args[1])}")
        return torch.special.xlogy(first, first / second).sum()

    def table_weights(self, dist: Node, env) -> torch.Tensor:
        if dist.kind == "tabledist":
            weights = self.e.value(dist.args[0], env)
            check_column(weights, "a table of probabilities")
            return weights.reshape(-1)
        pairs = self.table_outcomes(dist.args[1], dist, env)
        return torch.stack([w for _, w in pairs])

    def normal_divergence(self, p: Node, q: Node, env):
        likes = [self.e.value(a, env) for a in (*p.args, *q.args)]
        like = next((x if x.shape[1] == 1 else x[:, :1] for x in likes
                     if isinstance(x, torch.Tensor) and x.dim()), None)
        m1, c1 = self.normal_parameters(*p.args, env, like)
        m2, c2 = self.normal_parameters(*q.args, env, like)
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


def cholesky(matrix: torch.Tensor) -> torch.Tensor:
    if not torch.allclose(matrix, matrix.T, rtol=1e-9, atol=1e-12):
        raise v.type_error("a covariance that is not symmetric")
    factor, bad = torch.linalg.cholesky_ex(matrix)
    if int(bad):
        raise Undefined("a covariance that is not positive definite")
    return factor


def item_base(node: Node) -> Node:
    """What is indexed, through all indices."""
    while node.kind == "item":
        node = node.args[0]
    return node


def check_column(value, what: str) -> None:
    if v.is_scalar(value) or isinstance(value, v.Lazy) or value.dim() != 2 or value.shape[1] != 1:
        raise v.type_error(f"{what} is {v.shape_text(value)}; a column is expected")


def weighted(found: list, weights: list):
    result = None
    for value, weight in zip(found, weights, strict=True):
        part = v.multiply(weight, value)
        result = part if result is None else v.add(result, part)
    return result


def same(a, b) -> bool:
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        return a.shape == b.shape and bool(torch.equal(a, b))
    if v.is_scalar(a) and v.is_scalar(b):
        return v.plain(a) == v.plain(b)
    return False


def relate(op: str, a, b) -> bool:
    if v.is_scalar(a) and v.is_scalar(b):
        return v.compare(op, v.plain(a), v.plain(b))
    return same(a, b) == (op == "=")
