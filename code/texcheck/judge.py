"""Every step of a block on many draws: agreement, vacuity, counterexamples."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np
import torch
from torch.linalg import LinAlgError  # type: ignore[attr-defined]

from . import anchor, arms, compare, coverage, orders, perturb, precise, slack, tying
from . import values as v
from .compare import LOOSE, TIGHT, TIGHT_SHARE
from .corners import THEMES
from .corners import TIES as TIE_THEMES
from .counterexample import at, difference, digits_apart, equation, where
from .draw import draw_symbols
from .env import NOWHERE, Env, Memo, Watch
from .errors import Error, Refused, Undefined
from .evaluate import Evaluator
from .items import Block, Item, Order
from .reach import names_behind
from .report import Report, Result
from .search import climb, uncounted
from .traits import Traits
from .trees import pretty, walk

DRAWS = 24
MOST = 6  # times the usual draws: as many as a step gets, and as every inequality gets
AWAY = 6
ATTEMPTS = 60
MOST_VALUES = 1_000_000  # nodes valued on usual draws: a bound on the time that moves no verdict
CORNERS = 8  # draws that a block gets, however many nodes they take, beyond
CORNERS_AT_TIES = 24  # where something in it may tie
CORNER_VALUES = 3_000  # nodes; at most
MOST_CORNER_VALUES = 30_000
STARTS = 3  # draws from which a search begins
SEARCH = 300  # evaluations of a search, and
SEARCH_VALUES = 15_000  # the nodes of all searches of a block
VALLEY_VALUES = 8_000  # and of all followings of a slack
TIES = 24  # draws on which an anchor may notice that a definition has changed
PRECISE = 4  # usual draws, and as many at corners, on which a step is seen with more digits
CORNER_ANCHORS = 24  # corners at which an anchor is compared
CLOSELY = 6  # usual draws on which a small difference is told from rounding
DETAILED = 4  # draws on which the smallest terms of sums are watched
NO_VALUE = (LinAlgError, ZeroDivisionError, OverflowError)


def check(block: Block, *, seed: int = 0, draws: int = DRAWS, first: bool = False) -> Report:
    """Test every step of a block against the one above it.

    Parameters
    ----------
    block : Block
        From `read_block`.
    seed : int
        Added to the seed that the text of the block gives.
    draws : int
        Draws of the declared symbols; at least 24 are made.
    first : bool
        Stop at the first error, for a caller who only asks whether there is one.

    Returns
    -------
    Report

    Examples
    --------
    >>> from texcheck.block import read_block
    >>> good = read_block("let: x \\\\in \\\\mathbb{R}\\nclaim: (1+x)^2\\n= 1 + 2x + x^2")
    >>> check(good).ok
    True
    >>> wrong = read_block("let: x \\\\in \\\\mathbb{R}\\nclaim: (1+x)^2\\n= 1 + 2x - x^2")
    >>> [e.kind for e in check(wrong).errors]
    ['texcheck.value']
    """
    report = Report(block, list(block.errors), [], (LOOSE, TIGHT))
    if block.errors and (first or any(e.kind != "texcheck.lint" for e in block.errors)):
        return report
    try:
        Run(block, report, seed, max(draws, DRAWS), first).run()
    except Refused as error:
        report.errors.append(refused(block, error, block.line, ""))
    except Undefined as error:
        report.errors.append(block.error("undefined", str(error), block.line))
    except RecursionError:
        report.errors.append(block.error("type", "nested too deeply", block.line))
    except Exception as error:  # a fault of the checker is a failed check, never a pass
        report.errors.append(block.error(
            "value", f"the checker failed: {type(error).__name__}: {error}", block.line))
    report.errors.sort(key=lambda e: e.line)
    return report


def refused(block: Block, error: Refused, line: int, where: str) -> Error:
    return block.error(error.kind, error.message, error.line or line,
                       where if error.line is None else "", source=error.source or None,
                       details=error.details)


def power_of(order: Order) -> str:
    """An order as it is written in messages."""
    return f"{'o' if order.small else 'O'}({pretty(order.symbol)}^{order.power})"


@contextmanager
def timed(result: Result) -> Iterator[None]:
    """Add the processor time of a block of code to a result."""
    start = time.process_time()
    try:
        yield
    finally:
        result.seconds += time.process_time() - start


class Run:
    """One check of one block."""

    def __init__(self, block: Block, report: Report, seed: int, draws: int, first: bool = False):
        self.block = block
        self.report = report
        self.first = first
        self.watch = Watch()
        self.memo = Memo()
        self.draws = draws
        self.tightest: dict[int, list[tuple[float, Evaluator]]] = {}
        self.arm_errors: list[Error] = []
        self.first_draws: list[Evaluator] = []
        self.others: dict[int, list[tuple[float, Evaluator]]] = {}
        digest = hashlib.sha256(block.text.encode()).digest()
        self.seed = [int.from_bytes(digest[:8], "big"), seed]
        report.results = [Result(i, i.number, i.grade) for i in block.items
                          if i.kind in ("step", "code")]

    def run(self) -> None:
        self.usual()
        if self.enough:
            return
        self.watch.detailed = False
        self.unusual()
        if self.enough:
            return
        self.seek()
        self.arms()
        self.closely()
        if self.enough:
            return
        self.tie()
        for result in self.report.results:
            if not result.done:
                self.conclude(result)
        if not self.report.errors:
            self.report.errors += coverage.untested(
                self.block, self.watch, [r.item for r in self.report.results if r.exact])
            self.report.errors += self.arm_errors

    def tie(self) -> None:
        """Whether the anchors would notice a change of a definition."""
        anchors = [r for r in self.report.results if r.item.kind == "code" and r.ok]
        if not anchors:
            return
        program = self.block.program
        loose = {id(r): set(program.defs) & names_behind(program, r.item.left) for r in anchors
                 if r.item.left is not None}
        for number in range(1, TIES + 1):
            if not any(loose.values()):  # a rectifier, say, is zero on half of them
                break
            evaluator = self.accepted(number)
            if evaluator is None:
                continue
            for result in anchors:
                tying.unnoticed(self.block, result.item, evaluator,
                                self.arguments(result.item.free, number), loose[id(result)])
        noticed = set[str]().union(*(names_behind(program, r.item.left) - loose[id(r)]
                                     for r in anchors if r.item.left is not None))
        for result in anchors:
            if unseen := loose[id(result)] - noticed:
                self.failed(result, "code", tying.hidden(unseen))

    @property
    def enough(self) -> bool:
        """Whether the caller asked for one error, and there is one."""
        return self.first and bool(self.report.errors)

    # ---- draws --------------------------------------------------------------------------

    def usual(self) -> None:
        """Every step on as many draws as it needs."""
        attempts = 0
        while attempts < self.draws * ATTEMPTS:
            waiting = [r for r in self.report.results if self.wants_more(r)]
            if not waiting or self.report.draws >= MOST * self.draws:
                break
            attempts += 1
            evaluator = self.accepted(attempts)
            if evaluator is not None:
                self.report.draws += 1
                evaluator.watch = self.watch
                if len(self.first_draws) < PRECISE:
                    self.first_draws.append(evaluator)
                self.watch.detailed = self.report.draws <= DETAILED
                for result in waiting:
                    self.one(result, evaluator)
                    if self.enough:
                        return
            if self.memo.valued > MOST_VALUES:
                raise Refused("type", "the block takes too long: state sums over fewer terms, "
                              "with smaller ranges or dimensions, or split the claim")
        if self.report.draws < self.draws and not any(r.done for r in self.report.results):
            raise Refused("vacuous", f"assume: rejects all but {self.report.draws} of {attempts} "
                          "draws: state the condition with a domain or a definition; an "
                          "equality is solved for one symbol, def: b = 1 - a")

    def wants_more(self, result: Result) -> bool:
        if result.done:
            return False
        if result.grade == "inequality":
            return result.draws < MOST * self.draws
        return result.draws < self.draws or (result.away < AWAY
                                             and result.draws < MOST * self.draws)

    def accepted(self, attempt: int) -> Evaluator | None:
        """A draw, if it fulfils the assumptions."""
        rng = np.random.default_rng([*self.seed, attempt])
        try:
            evaluator = draw_symbols(self.block.program, rng)
            evaluator.memo = self.memo
            return evaluator if evaluator.holds(self.block.program.assumptions, NOWHERE) else None
        except Undefined:
            return None

    def unusual(self) -> None:
        """Draws at the corners: they only refute, where rounding cannot be the reason."""
        written = perturb.literals(self.block.program, self.block.items)
        started = self.memo.valued
        tie = any(Traits(self.block.program, step).chooses for step in self.block.steps)
        least = CORNERS_AT_TIES if tie else CORNERS
        themes: tuple[str, ...] = TIE_THEMES if tie else THEMES
        if tie and all(r.grade == "approx" for r in self.report.results):
            least, themes = 2 * CORNERS_AT_TIES, ("exact",)  # no other theme speaks of an order
        elif any(r.grade == "inequality" for r in self.report.results):
            themes = (*themes, "huge")
        draws = perturb.unusual(self.block.program, self.seed, self.watch, self.memo, written,
                                themes)
        for number, (theme, evaluator) in enumerate(draws):
            if len(self.first_draws) < 2 * PRECISE:
                self.first_draws.append(evaluator)
            for result in self.report.results:
                if result.item.kind != "code" or number < CORNER_ANCHORS:
                    self.refute(result, evaluator, theme)
                if self.enough:
                    return
            used = self.memo.valued - started
            if used > MOST_CORNER_VALUES or (used > CORNER_VALUES and number >= least):
                return

    def refute(self, result: Result, evaluator: Evaluator, theme: str = "exact") -> None:
        """Refuse a step, or an anchor, that a draw refutes."""
        if result.done or (theme == "huge" and result.grade != "inequality"):
            return
        if result.item.kind == "code":
            self.refute_anchor(result, evaluator)
            return
        if result.grade == "approx":
            self.refute_order(result, evaluator, theme)
            return
        with timed(result):
            try:
                pair = perturb.refuted(result, evaluator, theme)
                if pair is not None:
                    self.differs(result, *pair, evaluator)
                self.remember(result, evaluator, corner=True)
            except (Refused, *NO_VALUE):
                return

    def refute_anchor(self, result: Result, evaluator: Evaluator) -> None:
        """Refuse an anchor whose code differs at a corner by more than rounding."""
        with timed(result):
            found = tying.refuted(self.block, result.item, evaluator,
                                  np.random.default_rng([evaluator.draw.seed, 11]))
        if found is not None:
            self.differs(result, found.left, found.right, evaluator)

    def refute_order(self, result: Result, evaluator: Evaluator, theme: str) -> None:
        """Refuse an approximation whose error shrinks more slowly at a tie."""
        if theme != "exact":
            return
        rng = np.random.default_rng([evaluator.draw.seed, 5])
        with timed(result):
            try:
                found = orders.tied(result.item, evaluator, rng)
            except (Refused, *NO_VALUE):
                return
            if found is not None:
                self.slower(result, evaluator, found)

    def arms(self) -> None:
        """Both arms and the tie of what chooses: draws that reach them, or an error that names
        the arm."""
        starts = self.first_draws[:2] + self.first_draws[-2:]
        rng = np.random.default_rng([*self.seed, 13])
        for item, node, switch, sign in list(arms.unreached(self.block, self.watch)):
            found = arms.reach(self.block, starts, node, switch, sign, rng)
            if found is None and node.kind in ("abs", "rel"):
                continue  # |u| where u has one sign, or a condition that never holds, may be meant
            if found is None:
                self.arm_errors.append(arms.untested(self.block, item, node))
                continue
            self.watched(found)
        for found in arms.ties(self.block, starts, self.watch, rng):
            self.watched(found)
        for item, node, switch in list(arms.equalities(self.block, self.watch)):
            met = arms.met(self.block, starts, node, switch, rng)
            if met is None:
                self.arm_errors.append(arms.untested(self.block, item, node))
            else:
                self.watched(met)

    def watched(self, evaluator: Evaluator) -> None:
        """Try every step on a draw that a search has found."""
        evaluator.watch = self.watch
        for result in self.report.results:
            self.refute(result, evaluator)

    def closely(self) -> None:
        """Steps with more digits than a float has; those that are not read twice are left."""
        for result in self.report.results:
            result.exact = result.item.kind == "step" and bool(self.first_draws)
            unread = 0
            for evaluator in self.first_draws if result.exact and not result.done else ():
                with timed(result):
                    if result.grade == "approx":
                        self.order_closely(result, evaluator)
                        continue
                    found = precise.compared(result.item, evaluator)
                unread += found is None
                result.exact = not unread
                if found is not None and found[2]:
                    self.fail(result, digits_apart(self.block, result, *found[:2], evaluator))
                if result.done or unread == 2:
                    break

    def seek(self) -> None:
        """Counterexamples to inequalities, from the draws on which they all but fail."""
        waiting = sum(r.grade == "inequality" for r in self.report.results)
        for result in self.report.results:
            if result.done or result.grade != "inequality":
                continue
            rng = np.random.default_rng([*self.seed, *result.number, 11])
            until = self.memo.valued + SEARCH_VALUES // waiting
            names = names_behind(self.block.program, *compare.trees(result.item))
            free = uncounted(self.block.program, *compare.trees(result.item))
            with timed(result):
                starts = [e for _, e in [*self.tightest.get(id(result), []),
                                         *self.others.get(id(result), [])]]
                for number, start in enumerate(starts):
                    values = (until - self.memo.valued) // (len(starts) - number)
                    found = climb(start, partial(perturb.violation, result), names, rng,
                                  evaluations=SEARCH, values=values, enough=1e-7, free=free)
                    if found is not None and found[0] > 0:
                        self.refute(result, found[1])
                    if result.done:
                        break
                draws = slack.bottoms(result.item, starts[:1], self.first_draws[:6], names,
                                      VALLEY_VALUES // waiting)
                for draw in () if result.done else draws:
                    self.refute(result, draw)
                    if result.done:
                        break

    def remember(self, result: Result, evaluator: Evaluator, corner: bool) -> None:
        """Keep the draws on which an inequality is closest to failing, and a few corners."""
        if result.grade != "inequality" or result.done:
            return
        pair = compare.evaluated(result.item, evaluator).pair()
        if pair is None:
            return
        gap = perturb.excess(result, *pair)
        beside = all(bool(side.any()) for side in pair)
        value = gap / max(compare.largest(*pair), 1e-100) if beside else gap / (1 + abs(gap))
        kept = self.tightest.setdefault(id(result), [])
        if value < 0:
            kept.append((value, evaluator))
            kept.sort(key=lambda pair: -pair[0])
            del kept[STARTS:]
        others = self.others.setdefault(id(result), [])
        if len(others) < STARTS and corner:
            others.append((value, evaluator))

    # ---- one draw -----------------------------------------------------------------------

    def one(self, result: Result, evaluator: Evaluator) -> None:
        self.watch.role = result.item.kind
        with timed(result):
            try:
                if result.item.kind == "code":
                    self.compare_code(result, evaluator)
                elif result.item.relation == r"\approx":
                    self.compare_orders(result, evaluator)
                else:
                    self.compare_step(result, evaluator)
            except Refused as error:
                if error.kind == "type" and result.item.free:
                    error.message += anchor.drawn_as_numbers(result.item.free)
                self.fail(result, refused(self.block, error, result.item.line,
                                          where(result.item)))
            except NO_VALUE:
                result.undefined += 1

    def fail(self, result: Result, error: Error) -> None:
        result.ok, result.done = False, True
        self.report.errors.append(error)

    def failed(self, result: Result, kind: str, message: str, *details: str) -> None:
        item = result.item
        self.fail(result, self.block.error(kind, message, item.line, where(item),
                                           source=equation(item), details=[*details]))

    def differs(self, result: Result, left: torch.Tensor, right: torch.Tensor,
                evaluator: Evaluator) -> None:
        self.fail(result, difference(self.block, result, left, right, evaluator))

    def compare_step(self, result: Result, evaluator: Evaluator) -> None:
        sides = compare.evaluated(result.item, evaluator)
        pair = sides.pair()
        if pair is None:
            result.undefined += 1
            result.why = sides.why
            if (sides.left is None) != (sides.right is None):
                side = "left" if sides.left is None else "right"
                self.failed(result, "undefined", f"the {side} side does not exist where the other "
                            f"one does{sides.why}", at(result.item, evaluator))
            return
        left, right = pair
        result.draws += 1
        if result.grade == "inequality":
            good = compare.inequality(result, left, right)
        elif result.grade == "zero":
            good = compare.zero(result, left, evaluator)
        else:
            good = compare.equality(result, left, right, evaluator)
        if good and result.draws <= CLOSELY:
            good = not perturb.beyond_rounding(result, evaluator, left, right)
        if not good:
            self.differs(result, left, right, evaluator)
        self.remember(result, evaluator, corner=False)

    def compare_orders(self, result: Result, evaluator: Evaluator) -> None:
        """An approximation: the error shrinks with the stated power of what goes to zero."""
        item, claimed = result.item, orders.limit(result.item)
        found = orders.shrinking(item, evaluator, result.draws < CLOSELY)
        if found is None:
            result.undefined += 1
            return
        result.draws += 1
        result.away += found.size > compare.NEAR_ZERO
        order = orders.observed(found)
        if order is not None and not orders.reached(order, found, claimed):
            found = orders.shrinking(item, evaluator, True) or found  # an error may cross zero
            order = orders.observed(found)
        if order is None:
            result.strict += 1
        elif not orders.reached(order, found, claimed):
            self.slower(result, evaluator, found)

    def slower(self, result: Result, evaluator: Evaluator, found: orders.Shrinking) -> None:
        """Refuse an approximation whose error is not of the claimed order."""
        claimed, order = orders.limit(result.item), orders.observed(found)
        power = power_of(claimed)
        message = f"the error is of order {order:.3g}, not {power}"
        if order is not None and order >= claimed.power - 0.2 and (
                orders.growing(found, claimed.power)):
            message = f"the error beside {pretty(claimed.symbol)}^{claimed.power} grows " \
                      f"without an end, as a logarithm does: it is not {power}"
        self.failed(result, "value", message,
                    f"error {found.errors[0]:.3g} at scale {found.scales[0]:.3g}, "
                    f"{found.errors[-1]:.3g} at scale {found.scales[-1]:.3g}",
                    at(result.item, evaluator))

    def order_closely(self, result: Result, evaluator: Evaluator) -> None:
        """Refuse an approximation whose error is not of the claimed order beyond all floats."""
        claimed, order = orders.limit(result.item), orders.exactly(result.item, evaluator)
        if order is not None and order < claimed.power + (0.5 if claimed.small else -0.001):
            self.failed(result, "value", f"the error is of order {round(order, 3) + 0:g}, not "
                        f"{power_of(claimed)}: so it is beyond the digits of a float",
                        at(result.item, evaluator))

    def compare_code(self, result: Result, evaluator: Evaluator) -> None:
        item = result.item
        assert item.left is not None
        free = self.arguments(item.free)
        for node in walk(item.left) if free else ():
            if node.kind == "call" and any(a.kind == "sym" and a.args[0] in free
                                           for a in node.args[1]):
                self.watch.signs[node.args[0], "code"] = {-1, 0, 1}
        try:
            value = evaluator.value(item.left, Env(bound=free))
        except Undefined:
            result.undefined += 1
            return
        if isinstance(value, v.Lazy):
            raise Refused("code", "the left side has no size: write I_n or \\mathbf{1}_n")
        left = np.asarray(v.to_array(value), dtype=np.float64)
        with np.errstate(all="ignore"):
            right = anchor.evaluate(item.python, evaluator, free, self.block.packages)
        if right.shape != left.shape and not (right.size == left.size == 1):
            raise Refused("code", f"the left side has shape {left.shape}, the code gives "
                          f"{right.shape}", details=[f"in   {equation(item)}"])
        finite = bool(np.isfinite(left).all()), bool(np.isfinite(right).all())
        if not all(finite):
            result.undefined += 1
            if finite[0] != finite[1]:
                self.failed(result, "code", "one side does not exist where the other one does",
                            at(item, evaluator))
            return
        result.draws += 1
        pair = torch.as_tensor(left), torch.as_tensor(right.reshape(left.shape))
        if not compare.equality(result, *pair, evaluator):
            self.differs(result, *pair, evaluator)

    def arguments(self, names: tuple[str, ...],
                  number: int | None = None) -> dict[str, torch.Tensor]:
        """Random numbers for the arguments of an anchored function that are not declared."""
        rng = np.random.default_rng([*self.seed, self.report.draws if number is None else number,
                                     1])
        return {n: torch.tensor(rng.normal() * 1.5, dtype=torch.float64) for n in names}

    # ---- after all draws ----------------------------------------------------------------

    def conclude(self, result: Result) -> None:
        """Whether a step that no draw refutes was tested: the first objection, if there is one."""
        objection = self.objection(result)
        if objection is not None:
            self.failed(result, *objection)
            return
        if result.vanishing > result.away / 2 and result.grade == "value":
            result.grade = "zero"
        result.done = True

    def objection(self, result: Result) -> tuple[str, str] | None:
        """Kind and message where too few draws are defined, away from zero, and close."""
        item = result.item
        total = result.draws + result.undefined
        if result.undefined > total / 4 or result.draws < self.draws:
            advice = result.why or ": restrict the domains, or say so with assume:"
            return "undefined", f"not defined on {result.undefined} of {total} draws{advice}"
        if item.relation == r"\approx" and result.strict == result.draws:
            return "lint", "both sides agree exactly: write ="
        if result.away < AWAY:
            tested = f"both sides are zero on all but {result.away}"
            if item.kind == "code":
                return "vacuous", f"{tested} draws"
            return "vacuous", f"{tested} of {result.draws} draws, so that nothing was tested"
        if result.grade == "inequality" and result.strict == 0:
            return "lint", "both sides agree on every draw: state =, if it holds"
        small = compare.too_small(result)
        if small is not None:
            return "vacuous", (f"entry {small + 1} is not the same number on both sides, but "
                               "too small to be compared: state it by itself, divided by its "
                               "size")
        tight = self.tight(item)
        close = sum(g <= tight for g in result.gaps)
        if result.gaps and close < TIGHT_SHARE * len(result.gaps):
            return "value", (f"the sides agree to {tight:g} on {close} of {len(result.gaps)} draws "
                             f"only (worst {result.worst:.2g})")
        return None

    def tight(self, item: Item) -> float:
        """The relative difference that is allowed on most draws."""
        exact = item.kind == "code" and item.left is not None and anchor.exact(
            item.python, item.left, self.block.program)
        return anchor.TIGHT if exact else TIGHT
