"""The corners of every domain: where a statement that holds elsewhere may fail.

A corner is drawn under a theme: ``exact`` (zero, one, ties, identities, equal entries), ``small``,
``large``, ``huge`` (or as close to zero: for inequalities, whose bound may fail only as far out as
floats reach), or ``mixed`` (every symbol takes one of its own). Each domain names its corners once,
in `CORNERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from . import values as v

Rng: TypeAlias = np.random.Generator
Sizes: TypeAlias = Sequence[int]
Maker: TypeAlias = Callable[[Rng, Sizes], v.Array]

THEMES = ("exact", "small", "mixed", "large")
TIES = ("exact", "small", "exact", "mixed", "exact", "large")  # where something may tie


@dataclass
class Corners:
    """How a draw goes to the corners.

    Attributes
    ----------
    theme : str
    literals : tuple of float
        Numbers that the block writes: a statement may change there.
    share : float
        The share of the symbols that go to a corner.
    alike : float
        The share of the symbols that are equal to an earlier one of the same domain.
    size : str
        Where the dimensions go: usual, least, wide or large.
    square : bool
        Whether dimensions, and alphabets, may be equal.
    """

    theme: str
    literals: tuple[float, ...] = ()
    share: float = 1.0
    alike: float = 0.2
    size: str = "usual"
    square: bool = False
    seen: dict[object, list[v.Sized]] = field(default_factory=dict)

    @classmethod
    def draw(cls, rng: Rng, theme: str, literals: tuple[float, ...]) -> Corners:
        """Corners of a theme, for some or all of the symbols."""
        share, alike, size, square = rng.random(4)
        return cls(theme, literals, (0.4, 0.8, 1.0)[int(3 * share)],
                   0.0 if alike < 0.4 else 0.2 if alike < 0.75 else 1.0,
                   ("usual", "least", "wide", "large")[int(4 * size)], bool(square < 0.4))

    def pick(self, name: str, rng: Rng, sizes: Sizes) -> v.Array | None:
        """An array at a corner of a domain, or None for a usual one."""
        if rng.random() >= self.share:
            return None
        if self.literals and name in LITERAL and rng.random() < 0.2:
            return at_literal(name, self.literals, rng, sizes)
        makers = CORNERS.get(name)
        if makers is None:
            return None
        matrix = name in SQUARE or (name == "R" and len(sizes) == 2 and min(sizes) > 1)
        themes = makers["matrix" if matrix and "matrix" in makers else "plain"]
        found = themes.get(self.theme, themes["large"]) if self.theme != "mixed" else (
            themes[str(rng.choice(["exact", "small", "large"]))])
        return np.asarray(found[int(rng.integers(len(found)))](rng, sizes), dtype=np.float64)


LITERAL = ("R", "R+", "R0+", "R-")
SQUARE = ("S", "S+", "S++", "diag", "diag+", "orthogonal")


def at_literal(name: str, literals: Sequence[float], rng: Rng, sizes: Sizes) -> v.Array:
    """At a number of the block, or close to it on either side."""
    place = literals[int(rng.integers(len(literals)))]
    place *= 1 + float(rng.choice([0.0, 0.0, 1e-9, -1e-9, 1e-3, -1e-3, 0.3]))
    sign = {"R": rng.choice([-1.0, 1.0]), "R-": -1.0}.get(name, 1.0)
    return np.full(sizes, sign * place)


def near_ends(name: str, theme: str, rng: Rng, sizes: Sizes) -> v.Array:
    """Places in the unit interval: at an end that belongs to it, within 1e-12 of one, between."""
    upper = np.broadcast_to(rng.random(size=sizes if rng.random() < 0.5 else ()) < 0.5, sizes)
    if theme == "exact" and name != "interval" and rng.random() < 0.7:
        at = upper if "[" in name and "]" in name else np.full(sizes, "]" in name)
        return np.where(at, 1.0, 0.0)
    if theme == "exact":
        return np.full(sizes, float(rng.choice([0.5, 0.25, 0.75])))
    if theme == "huge":
        return 10.0 ** -rng.uniform(6, 45, size=sizes)
    low, high = (2, 4) if rng.random() < 0.5 else (4, 12)
    gap = 10.0 ** -rng.uniform(low, high, size=sizes if rng.random() < 0.5 else ())
    return np.where(upper, 1 - gap, gap)


def whole(name: str, corners: Corners, rng: Rng, most: int) -> int:
    """A whole number at a corner: the first ones, large ones, beside those of the block."""
    near = [int(c) + d for c in corners.literals if c <= most and c.is_integer() for d in (0, 1)]
    few = [0, 1, 2, 3]
    many = [m for m in (3, 4, 5, 5, 6, 7, 10, 15, 20, 31, 60, 121, 250) if m <= most]
    if corners.theme == "huge" and most > 1000 and rng.random() < 0.5:
        return int(10.0 ** rng.uniform(2, np.log10(most))) * (
            -1 if name == "Z" and rng.random() < 0.5 else 1)
    if many and corners.theme in ("large", "mixed") and rng.random() < 0.25:
        return int(rng.integers(1, min(most, 100) + 1)) * (
            -1 if name == "Z" and rng.random() < 0.5 else 1)
    pool = {"exact": few, "small": [1, 2, 3, 4, 5], "large": many, "huge": [1, 2, 3, 4, 5]}.get(
        corners.theme, [*few, *many])
    found = int(rng.choice(near if near and rng.random() < 0.2 else pool or few))
    if name == "Z" and rng.random() < 0.5:
        return -found
    return max(found, 1) if name == "N" else found


# ---- entries -----------------------------------------------------------------------------


def normal(rng: Rng, sizes: Sizes) -> v.Array:
    found: v.Array = rng.normal(size=sizes)
    return found


def constant(*choices: float) -> Maker:
    """All entries equal to one of some numbers."""
    return lambda rng, sizes: np.full(sizes, float(rng.choice(choices)))


def signs(rng: Rng, sizes: Sizes) -> v.Array:
    return rng.choice([-1.0, 1.0], size=sizes)


def few(rng: Rng, sizes: Sizes) -> v.Array:
    """Small whole numbers: many ties."""
    return rng.integers(-1, 2, size=sizes).astype(float)


def one_hot(scale: float) -> Maker:
    def make(rng: Rng, sizes: Sizes) -> v.Array:
        found = np.zeros(sizes)
        found.reshape(-1)[int(rng.integers(found.size))] = scale * float(rng.choice([-1.0, 1.0]))
        return found

    return make


def scaled(make: Maker, low: float, high: float) -> Maker:
    """What is made, times ten to a power from a range."""
    return lambda rng, sizes: make(rng, sizes) * 10.0 ** rng.uniform(low, high)


def far_apart(low: float, high: float, make: Maker) -> Maker:
    """Entries at different scales."""
    return lambda rng, sizes: make(rng, sizes) * 10.0 ** rng.uniform(low, high, size=sizes)


def ones(rng: Rng, sizes: Sizes) -> v.Array:
    return np.ones(sizes)


def outlier(rng: Rng, sizes: Sizes) -> v.Array:
    """Usual entries and a far one."""
    found = normal(rng, sizes)
    found.reshape(-1)[int(rng.integers(found.size))] *= 1e4
    return found


def sparse(rng: Rng, sizes: Sizes) -> v.Array:
    """Zeros beside usual entries."""
    found = normal(rng, sizes) * (rng.random(size=sizes) < 0.5)
    return np.asarray(found)


def near_equal(rng: Rng, sizes: Sizes) -> v.Array:
    return float(rng.normal()) * (1 + 1e-3 * rng.normal(size=sizes))


# ---- matrices ----------------------------------------------------------------------------


def eye(rng: Rng, sizes: Sizes) -> v.Array:
    return np.eye(sizes[0], sizes[-1])


def negative(make: Maker) -> Maker:
    return lambda rng, sizes: -make(rng, sizes)


def rank_one(rng: Rng, sizes: Sizes) -> v.Array:
    return np.outer(rng.normal(size=sizes[0]), rng.normal(size=sizes[-1]))


def defective(rng: Rng, sizes: Sizes) -> v.Array:
    """A Jordan block."""
    return float(rng.normal()) * np.eye(sizes[0], sizes[1]) + np.eye(sizes[0], sizes[1], k=1)


def nilpotent(rng: Rng, sizes: Sizes) -> v.Array:
    return np.eye(sizes[0], sizes[1], k=1)


def basis(rng: Rng, n: int) -> v.Array:
    q, r = np.linalg.qr(rng.normal(size=(n, n)))
    found: v.Array = q * np.sign(np.diag(r))
    return found


def spectrum(low: float, high: float, signed: bool = False) -> Maker:
    """Symmetric, with eigenvalues at scales far apart."""
    def make(rng: Rng, sizes: Sizes) -> v.Array:
        n = sizes[0]
        values = 10.0 ** rng.uniform(low, high, size=n)
        if n > 1:
            values[:2] = 10.0**low, 10.0**high
        if signed:
            values = values * rng.choice([-1.0, 1.0], size=n)
        q = basis(rng, n)
        found = (q * values) @ q.T
        return np.asarray((found + found.T) / 2)

    return make


def ill(rng: Rng, sizes: Sizes) -> v.Array:
    """Singular values over eight decades."""
    least = min(sizes)
    left, right = basis(rng, sizes[0])[:, :least], basis(rng, sizes[1])[:, :least]
    return np.asarray((left * 10.0 ** np.linspace(-5, 3, least)) @ right.T)


def symmetric_rank_one(rng: Rng, sizes: Sizes) -> v.Array:
    u = rng.normal(size=sizes[0])
    found: v.Array = np.outer(u, u)
    return found


def nearly_rank_one(rng: Rng, sizes: Sizes) -> v.Array:
    """Positive definite, all but singular."""
    n = sizes[0]
    found: v.Array = symmetric_rank_one(rng, sizes) + 10.0 ** rng.uniform(-6, -2) * np.eye(n)
    return found


def correlated(rng: Rng, sizes: Sizes) -> v.Array:
    """Equal correlations, close to one."""
    n, rho = sizes[0], float(rng.choice([0.5, 0.99, 0.9999]))
    return rho * np.ones((n, n)) + (1 - rho) * np.eye(n)


def full(rng: Rng, sizes: Sizes) -> v.Array:
    n = sizes[0]
    found = rng.normal(size=(n, n + 2))
    return np.asarray(found @ found.T)


def on_diagonal(make: Maker) -> Maker:
    return lambda rng, sizes: np.diag(make(rng, sizes[:1]))


def reflection(rng: Rng, sizes: Sizes) -> v.Array:
    found = np.eye(sizes[0])
    found[0, 0] = -1.0
    return found


def signed_columns(rng: Rng, sizes: Sizes) -> v.Array:
    """Columns of the identity, of either sign."""
    return np.asarray(np.eye(sizes[0])[:, rng.permutation(sizes[0])[:sizes[-1]]]
                      * rng.choice([-1.0, 1.0], size=sizes[-1]))


def some_columns(rng: Rng, sizes: Sizes) -> v.Array:
    return basis(rng, sizes[0])[:, :sizes[-1]]


def permutation(rng: Rng, sizes: Sizes) -> v.Array:
    return np.eye(sizes[0])[rng.permutation(sizes[0])]


# ---- shares ------------------------------------------------------------------------------


def shares(scale: float) -> Maker:
    """Positive numbers that add up to one, from logits of a scale."""
    def make(rng: Rng, sizes: Sizes) -> v.Array:
        logits = scale * rng.normal(size=sizes)
        found = np.exp(logits - logits.max())
        return np.asarray(found / found.sum())

    return make


def vertex(rng: Rng, sizes: Sizes) -> v.Array:
    return np.abs(one_hot(1.0)(rng, sizes))


def near_vertex(rng: Rng, sizes: Sizes) -> v.Array:
    """Near-certainty."""
    found = vertex(rng, sizes) + 10.0 ** -rng.uniform(3, 9)
    return np.asarray(found / found.sum())


def uniform(rng: Rng, sizes: Sizes) -> v.Array:
    return np.full(sizes, 1 / np.prod(sizes))


LINES = {"stochastic": 1, "stochasticT": 0}  # matrices whose rows, or columns, add up to one


def in_lines(name: str, *makers: Maker) -> Maker:
    """A matrix whose rows, or columns, are made one by one."""
    def make(rng: Rng, sizes: Sizes) -> v.Array:
        axis = LINES[name]
        lines = [makers[int(rng.integers(len(makers)))](rng, [sizes[axis]])
                 for _ in range(sizes[1 - axis])]
        return np.stack(lines, 1 - axis)

    return make


def stochastic(name: str) -> dict[str, tuple[Maker, ...]]:
    """Corners of the matrices whose rows, or columns, add up to one."""
    return {"exact": (in_lines(name, vertex), in_lines(name, uniform),
                      in_lines(name, vertex, uniform)),
            "small": (in_lines(name, near_vertex), in_lines(name, shares(6.0))),
            "large": (in_lines(name, shares(12.0)), in_lines(name, near_vertex, vertex))}


POSITIVE: dict[str, tuple[Maker, ...]] = {
    "exact": (constant(1.0), constant(1.0, 2.0, 4.0)),
    "small": (far_apart(-9, -1, ones), scaled(ones, -9, -1), scaled(ones, -4, 0)),
    "large": (far_apart(0, 6, ones), scaled(ones, 0, 6), far_apart(-6, 6, ones)),
    "huge": (scaled(ones, 6, 45), scaled(ones, 6, 45), scaled(ones, -45, -6),
             far_apart(-45, 45, ones))}
DIAGONAL = {theme: tuple(map(on_diagonal, makers)) for theme, makers in POSITIVE.items()}

CORNERS: dict[str, dict[str, dict[str, tuple[Maker, ...]]]] = {
    "R": {
        "plain": {
            "exact": (constant(0.0), constant(0.0, 1.0, -1.0, 2.0), signs, few, one_hot(1.0),
                      near_equal, sparse),
            "small": (scaled(normal, -8, -1), scaled(normal, -3, 0), far_apart(-8, 0, normal),
                      one_hot(1e-3)),
            "large": (scaled(normal, 0.5, 2), scaled(normal, 0.5, 2), scaled(normal, 1, 6),
                      outlier, far_apart(-3, 4, normal), one_hot(1e4), one_hot(30.0)),
            "huge": (scaled(normal, 6, 45), scaled(normal, -45, -6), far_apart(-30, 30, normal))},
        "matrix": {
            "exact": (constant(0.0), eye, few, one_hot(1.0), rank_one, defective, nilpotent, ones,
                      negative(eye)),
            "small": (scaled(normal, -5, -1), ill, rank_one, nilpotent),
            "large": (scaled(normal, 0.5, 4), ill, outlier, defective)}},
    "R+": {"plain": POSITIVE},
    "R0+": {"plain": {**POSITIVE, "exact": (constant(0.0), *POSITIVE["exact"],
                                            lambda rng, s: np.abs(few(rng, s)))}},
    "R-": {"plain": {theme: tuple(map(negative, makers)) for theme, makers in POSITIVE.items()}},
    "simplex": {"plain": {"exact": (vertex, uniform), "small": (near_vertex, shares(6.0)),
                          "large": (shares(12.0), near_vertex)}},
    **{name: {"plain": stochastic(name)} for name in LINES},
    "S": {"plain": {
        "exact": (constant(0.0), eye, symmetric_rank_one, on_diagonal(few),
                  negative(symmetric_rank_one)),
        "small": (spectrum(-4, 0, signed=True), spectrum(-6, -3, signed=True)),
        "large": (spectrum(-2, 3, signed=True), spectrum(2, 4, signed=True))}},
    "S+": {"plain": {
        "exact": (constant(0.0), eye, symmetric_rank_one, full, full),
        "small": (spectrum(-6, 0), spectrum(-5, -3), full, nearly_rank_one),
        "large": (full, spectrum(-2, 4), symmetric_rank_one)}},
    "S++": {"plain": {
        "exact": (eye, correlated, nearly_rank_one),
        "small": (spectrum(-6, 0), spectrum(-5, -3), nearly_rank_one, spectrum(-3, 0)),
        "large": (spectrum(-4, 4), spectrum(2, 4), nearly_rank_one, spectrum(-1, 3)),
        "huge": (on_diagonal(far_apart(-30, 30, ones)), on_diagonal(scaled(ones, -30, 30)))}},
    "diag": {"plain": {"exact": (constant(0.0), eye, on_diagonal(few)),
                       "small": (on_diagonal(far_apart(-6, 0, normal)),),
                       "large": (on_diagonal(far_apart(0, 4, normal)),)}},
    "diag+": {"plain": DIAGONAL},
    "stiefel": {"plain": {"exact": (signed_columns,), "small": (some_columns, signed_columns),
                          "large": (some_columns, signed_columns)}},
    "sphere": {"plain": {"exact": (vertex,), "small": (vertex,), "large": (vertex,)}},
    "orthogonal": {"plain": {"exact": (eye, reflection, permutation), **{
        theme: (lambda rng, s: basis(rng, s[0]), reflection) for theme in ("small", "large")}}},
}
