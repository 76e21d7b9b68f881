"""Draws at the corners, and what of a difference may be rounding.

Rounding is estimated by doing it again, coarser: `Shaken` evaluates with every result of an
inexact operation moved at random by a few hundred times what a float of 64 bits loses. A
difference of two sides counts where it is larger than what shaking does to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from . import registry
from . import values as v
from .compare import LOOSE, evaluated, largest, trees
from .corners import LINES, THEMES, Corners
from .draw import draw_symbols
from .env import NOWHERE, Draw, Env, Memo, Watch
from .errors import Refused, Undefined
from .evaluate import Evaluator
from .items import Item
from .program import Program
from .reach import nodes_behind
from .report import Result
from .traits import approximate, traits_of
from .trees import Node, rounds

CORNERS = 200
SHAKE = 1e-13  # relative; a float of 64 bits loses 1e-16
SHAKES = 3
OUTLAST = 12  # shakes that a difference outlasts: by chance, no entry of a thousand does
BEYOND = 3.0  # times what shaking does: a difference that is none of rounding
FLOOR = 1e-12  # of the largest number met: what an operation may lose inside
TAME = ("exact",), ("exact", "small")  # themes on which a mean is trusted: of =, of inequalities
MEANS = ("expect", "var", "cov", "chance")
APPROXIMATE = 1e-10  # of the largest number met: what a mean or an integral may lose inside
FARTHEST = 1e100  # beyond it, or below its inverse, powers and exponentials leave the floats


def literals(program: Program, items: list[Item]) -> tuple[float, ...]:
    """The numbers that a block writes, such as ``1000`` or ``10^{-7}``, without their sign."""
    found: set[float] = set()
    evaluator = Evaluator(program, Draw())
    roots = [side for item in items if item.kind == "step" for side in trees(item)]
    for node in nodes_behind(program, *roots):
        if node.kind not in ("num", "div", "pow", "mul", "sqrt") or node.names:
            continue
        try:
            value = evaluator.value(node)
        except (Refused, Undefined, ArithmeticError, LookupError):
            continue
        if v.is_scalar(value) and 0 < abs(v.plain(value)) < 1e8:
            found.add(abs(v.plain(value)))
    return tuple(sorted(found))


def unusual(program: Program, seed: list[int], watch: Watch, memo: Memo,
            written: tuple[float, ...],
            themes: tuple[str, ...] = THEMES) -> Iterator[tuple[str, Evaluator]]:
    """Draws at the corners that fulfil the assumptions, each with its theme."""
    for number in range(CORNERS + CORNERS // 4 * ("huge" in themes)):
        rng = np.random.default_rng([*seed, number, 7])
        corners = Corners.draw(rng, themes[number % len(themes)], written)
        try:
            evaluator = draw_symbols(program, rng, corners)
            if not evaluator.holds(program.assumptions, NOWHERE):
                continue
        except (Undefined, Refused):
            continue
        evaluator.watch, evaluator.memo = watch, memo
        yield corners.theme, evaluator


def refuted(result: Result, evaluator: Evaluator,
            theme: str = "exact") -> tuple[torch.Tensor, torch.Tensor] | None:
    """Both sides of a step that a draw refutes where rounding cannot be the reason."""
    item = result.item
    traits = traits_of(item, evaluator)
    if traits.inexact and theme not in TAME[result.grade == "inequality"]:
        return None
    pair = evaluated(item, evaluator).pair()
    if pair is None or not beyond_rounding(result, evaluator, *pair):
        return None
    if traits.differentiates and not refuted_beside(result, evaluator):
        return None
    return pair


def gaps(result: Result, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """By how much every entry breaks the relation."""
    if result.grade != "inequality":
        return left - right
    if result.item.relation in v.LOEWNER:
        lowest = v.ordered(result.item.relation, left, right)[1][0]
        broken = torch.zeros(left.numel(), dtype=left.dtype)
        sizes = torch.maximum(left.abs(), right.abs()).reshape(-1)
        if lowest < -2e-14 * sizes.max():
            broken[sizes.argmax()] = -lowest
        return broken.reshape(left.shape)
    return torch.clamp((left - right) * (1 if result.item.relation == r"\le" else -1), min=0)


def excess(result: Result, left: torch.Tensor, right: torch.Tensor) -> float:
    """By how much the side that is to be the smaller one is larger; of matrices, by how much their
    difference is not positive semidefinite."""
    relation = result.item.relation
    if relation in v.LOEWNER:
        return -float(v.ordered(relation, left, right)[1][0])
    return float(left - right) * (1 if relation == r"\le" else -1)


def violation(result: Result, evaluator: Evaluator) -> float | None:
    """By what share of its sides an inequality fails; negative where it holds.

    Beside zero the share is that of what shaking moves: it tells a value that cancels from one
    that is only small.
    """
    pair = evaluated(result.item, evaluator).pair()
    if pair is None:
        return None
    left, right = pair
    gap, size = excess(result, left, right), largest(left, right)
    if size and not (bool(left.any()) and bool(right.any())):
        shaken = evaluated(result.item, Shaken(evaluator, 0)).pair()
        moved = largest(shaken[0] - shaken[1], left * 0) if shaken is not None else size
        size = max(abs(moved - size) / SHAKE, 1e-3 * size)
    return gap / size if size else 0.0


def beyond_rounding(result: Result, evaluator: Evaluator, left: torch.Tensor,
                    right: torch.Tensor) -> bool:
    """Whether some entry breaks the relation by more than rounding may.

    Where nothing but rounding is left, an entry of many is beyond what a few shakes do by chance.
    So a difference must outlast all of them; the first that it does not outlast ends it.
    """
    gap = gaps(result, left, right).abs()
    if not bool((gap > 2e-14 * torch.maximum(left.abs(), right.abs())).any()):
        return False
    spread, most = torch.zeros_like(gap), 0.0
    traits, inexact = traits_of(result.item, evaluator), unbounded(evaluator, result.item)
    for number in range(OUTLAST):
        shaken = Shaken(evaluator, number, whole_matrices=not traits.composed)
        moved = evaluated(result.item, shaken).pair()
        if moved is None or shaken.lost or moved[0].shape != left.shape:
            return False
        spread = torch.maximum(spread, ((moved[0] - moved[1]) - (left - right)).abs())
        most = max(most, shaken.most)
        floor = torch.full_like(gap, max(1 / FARTHEST, FLOOR * most if traits.composed else 0.0))
        if inexact:
            met = torch.full_like(gap, most) if gap.numel() == 1 else spread / SHAKE
            floor = torch.maximum(floor, LOOSE * torch.maximum(left.abs(), right.abs())
                                  + APPROXIMATE * torch.clamp(met, min=1.0))
        if not bool((gap > torch.maximum(BEYOND * spread, floor)).any()):
            return False
    return True


def unbounded(evaluator: Evaluator, item: Item) -> bool:
    """Whether a step holds an approximation that has noted no bound of its error: what has, is
    shaken by it."""
    traits = traits_of(item, evaluator)
    if not traits.inexact:
        return False
    noted = {key[0] if isinstance(key, tuple) else key for key in evaluator.errors}
    return any(id(n) not in noted for n in traits.nodes if n.kind in MEANS or approximate(n))


def refuted_beside(result: Result, evaluator: Evaluator) -> bool:
    """Whether a step is refuted close to a draw too: no derivative is defined at a kink.

    What nothing is differentiated by stays where it is, at a tie perhaps.
    """
    only = traits_of(result.item, evaluator).differentiated_by
    for by in MOVES[:2]:
        beside = nudged(evaluator, by * 1e-6, 1e-7, only)
        pair = evaluated(result.item, beside).pair()
        if pair is None or not beyond_rounding(result, beside, *pair):
            return False
    return True


# ---- rounding ----------------------------------------------------------------------------


class Shaken(Evaluator):
    """Evaluates a draw with every inexact result moved by a little, at random.

    Attributes
    ----------
    most : float
        The largest number met.
    lost : bool
        Whether a number left the range of floats, so that nothing is known.
    whole_matrices : bool
        Whether matrices of whole numbers are exact: they are only added and multiplied.
    """

    def __init__(self, evaluator: Evaluator, number: int, whole_matrices: bool = False):
        super().__init__(evaluator.program, evaluator.draw, evaluator.memo)
        self.whole_matrices = whole_matrices
        self.singly = True
        self.rng = np.random.default_rng([evaluator.draw.seed, number])
        self.most = 0.0
        self.lost = False

    def value(self, node: Node, env: Env = NOWHERE) -> Any:
        if self.recorder is not None:  # inside a mean, whose error is bounded by itself
            return super().value(node, env)
        key = self.key(node, env)
        known = self.memory.get(key)
        if known is not None:
            return known
        found = super().value(node, env)
        if isinstance(found, (torch.Tensor, float)):
            self.inspect(node, found, env)
            found = self.shake(node, found, env)
            error = self.errors.get(key)
            if error:
                found = found + error * float(self.rng.choice([-1.0, 1.0]))
            self.memory[key] = found
            self.kept.append((node, env))  # whose identities are in the key
        return found

    def known(self, node: Node, env: Env, without: int) -> Any:
        """What a node was valued as, or a number where it was not."""
        found = self.memory.get(self.key(node, env))
        if found is None and node.kind == "sym":
            found = env.bound.get(node.args[0])
        return without if found is None else found

    def inspect(self, node: Node, found: torch.Tensor | float, env: Env) -> None:
        """Note the largest number, and one that is no longer a float of full precision."""
        if isinstance(found, torch.Tensor) and found.dim():
            size = found.detach().abs()
            if not size.numel():
                return
            most, least = float(size.max()), float(size.min())
            tiny = least < 1 / FARTHEST and bool(((size > 0) & (size < 1 / FARTHEST)).any())
        else:
            most = least = abs(float(v.tensor(found).detach()))
            tiny = 0 < most < 1 / FARTHEST
        self.most = max(self.most, most) if np.isfinite(most) else np.inf
        zero = least == 0 and self.never_zero(node, env)
        self.lost = self.lost or not most < FARTHEST or tiny or zero

    def never_zero(self, node: Node, env: Env) -> bool:
        """Whether a zero can only be a positive number too small for a float."""
        if node.kind == "fn":
            return node.args[0] in ("exp", "sigmoid", "softmax", "softplus")
        if node.kind == "pow":
            base = self.known(node.args[0], env, 1)
            return not isinstance(base, v.Lazy) and not bool((v.tensor(base) == 0).any())
        if node.kind == "big" and node.args[0] == "prod":  # of numbers of which none is zero
            factors = [x for key, x in self.memory.items() if (
                key[0] if isinstance(key, tuple) else key) == id(node.args[3])]
            return bool(factors) and not any(bool((v.tensor(x) == 0).any()) for x in factors)
        return node.kind == "density"

    def shake(self, node: Node, found: torch.Tensor | float, env: Env) -> torch.Tensor | float:
        how = rounds(node)
        arbitrary = node.kind == "call" and node.args[0] in self.draw.functions
        if how == "never" and not arbitrary:
            return self.given(node, found, env)
        if node.kind == "fn" and registry.function(node.args[0]).picks:
            return found
        if how == "fractions" and whole(found) and all(
                whole(self.known(c, env, 0)) for c in node.children):
            return found
        if node.kind == "add" and len(node.args) > 2:  # partial sums may be larger
            terms = [self.known(t, env, 0) for _, t in node.args]
            sizes = [v.tensor(t).detach().abs().max() for t in terms if not isinstance(t, v.Lazy)]
            found = found + SHAKE * float(max(sizes)) * float(self.rng.uniform(-1, 1))
        if isinstance(found, float):
            return found * (1 + SHAKE * float(self.rng.uniform(-1, 1)))
        return self.disturbed(found)

    def given(self, node: Node, found: torch.Tensor | float,
              env: Env) -> torch.Tensor | float:
        """A value that is no result. A number is exact; what is summed over without a node of its
        own is moved, entries that are whole numbers aside, and a matrix because it is inverted.
        What an equality was solved for is a result."""
        let = self.program.lets.get(node.args[0]) if node.kind == "sym" else None
        if let is not None and let.solved is not None and isinstance(found, torch.Tensor):
            return self.disturbed(found)
        if not isinstance(found, torch.Tensor) or node.kind not in ("sym", "term"):
            return found
        if not found.dim() and node.kind == "sym" and (node.args[0], ()) not in env.cuts:
            return found
        if matrix(found) and not (self.whole_matrices and whole(found)):
            return self.disturbed(found)
        whole_entries = found.detach() == found.detach().round()
        return torch.where(whole_entries, found, self.disturbed(found))

    def disturbed(self, found: torch.Tensor) -> torch.Tensor:
        """Every entry moved by a share of itself; of a matrix, by a little of the largest too:
        what is done with a matrix is exact for one that is as close as that."""
        if not found.dim():
            return found * (1 + SHAKE * float(self.rng.uniform(-1, 1)))
        sizes = tuple(found.shape)
        there = found * (1 + torch.as_tensor(self.rng.uniform(-SHAKE, SHAKE, size=sizes)))
        if matrix(found):
            by = 0.01 * SHAKE * float(found.detach().abs().max())
            there = there + by * torch.as_tensor(self.rng.uniform(-1, 1, size=sizes))
        return there


def matrix(value: torch.Tensor | float) -> bool:
    return isinstance(value, torch.Tensor) and value.dim() > 1 and min(value.shape) > 1


def whole(value: Any) -> bool:
    """Whether all entries are whole numbers or a few halves, whose sums and products are exact."""
    if isinstance(value, torch.Tensor):
        there = value.detach() * 64
        return bool(((there == there.round()) & (there.abs() < 2**40)).all())
    return isinstance(value, int) or (isinstance(value, float) and (64 * value).is_integer())


MOVES = (1.0, -1.7, 3.1)  # shares of a step: of both signs, and no multiples of one another


def nudged(evaluator: Evaluator, by: float, at_zero: float = 0.0,
           only: frozenset[str] | None = None) -> Evaluator:
    """The same draw with every real symbol, or only some, moved by a small share of itself, entry
    by entry."""
    draw, program = evaluator.draw, evaluator.program
    rng = np.random.default_rng([evaluator.draw.seed, 3])

    def moved(key: str, value: v.Value) -> v.Value:
        if not isinstance(value, torch.Tensor) or program.is_discrete(key) or (
                only is not None and key not in only):
            return value
        domain = program.lets[key].domain.args[0] if key in program.lets else ""
        if domain == "simplex" or (domain in LINES and value.dim() == 2):
            turns = (-1.0) ** torch.arange(value.numel(), dtype=torch.float64).reshape(value.shape)
            shares = value * (1 + by * turns)
            return shares / shares.sum(LINES.get(domain), keepdim=True)  # still distributions
        if not at_zero or domain not in ("R", "R+", "R-", "interval"):
            return v.scale(1 + by, value)
        share = torch.as_tensor(rng.uniform(0.5, 1.5, size=tuple(value.shape)))
        free = at_zero * torch.as_tensor(rng.normal(size=tuple(value.shape)))
        return value * (1 + by * share) + (free if domain == "R" else 0.0)

    values = {k: moved(k, x) for k, x in draw.values.items()}
    families = {k: {i: moved(k, x) for i, x in f.items()} for k, f in draw.families.items()}
    return Evaluator(program, replace(draw, values=values, families=families), evaluator.memo)
