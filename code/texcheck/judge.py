"""Every step of a block on many draws: agreement, vacuity, counterexamples."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from . import anchor
from . import values as v
from .block import Block, Item
from .draw import draw_symbols
from .env import NOWHERE, Draw, Env, Watch
from .errors import Error, Refused, Undefined
from .evaluate import Evaluator
from .trees import Node, pretty, show, walk

DRAWS = 24
PROBES = 20
MOST = 6  # times the usual draws: as many as a step gets, and as every inequality gets
LOOSE, TIGHT, TIGHT_SHARE = 1e-6, 1e-9, 0.75
NEAR_ZERO = 1e-10
AWAY = 6
ATTEMPTS = 60
SECONDS = 20.0
SCALES = tuple(2.0**-k for k in range(4, 11))


@dataclass
class Result:
    """What was found of one step or anchor.

    Attributes
    ----------
    number : tuple of int
        Of the step; empty for a `code:` line.
    ok : bool
    draws : int
        Draws on which both sides were compared.
    worst : float
        Largest relative difference.
    seconds : float
        Processor time.
    """

    item: Item
    number: tuple[int, ...]
    ok: bool = True
    draws: int = 0
    worst: float = 0.0
    seconds: float = 0.0
    gaps: list[float] = field(default_factory=list, repr=False)
    away: int = 0
    undefined: int = 0
    strict: int = 0
    vanishing: int = 0
    done: bool = False
    why: str = field(default="", repr=False)


@dataclass
class Report:
    """Outcome of a check.

    Attributes
    ----------
    errors : list of Error
    results : list of Result
        One for every step and every `code:` line that was evaluated.
    draws : int
        Accepted draws.
    tolerance : tuple of float
        Relative difference allowed on every draw, and on three draws in four.
    """

    block: Block
    errors: list[Error]
    results: list[Result]
    draws: int = 0
    tolerance: tuple[float, float] = (LOOSE, TIGHT)

    @property
    def ok(self) -> bool:
        return not self.errors

    def step(self, *number: int) -> Result:
        return next(r for r in self.results if r.number == number)


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
    report = Report(block, list(block.errors), [])
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
    return block.error(error.kind, error.message, line, where, source=error.source or None,
                       details=error.details)


def where(item: Item) -> str:
    if item.kind == "step":
        return f" step {item.number[0]}.{item.number[1]}"
    return " code" if item.kind == "code" else ""


class Run:
    """One check of one block."""

    def __init__(self, block: Block, report: Report, seed: int, draws: int, first: bool = False):
        self.block = block
        self.report = report
        self.first = first
        self.why = ""
        self.watch = Watch()
        self.draws = draws
        digest = hashlib.sha256(block.text.encode()).digest()
        self.seed = [int.from_bytes(digest[:8], "big"), seed]
        items = [i for i in block.items if i.kind in ("step", "code")]
        report.results = [Result(i, i.number) for i in items]

    def run(self) -> None:
        attempts = 0
        started = time.process_time()
        while attempts < self.draws * ATTEMPTS:
            open_results = [r for r in self.report.results if self.wants_more(r)]
            if not open_results or self.report.draws >= MOST * self.draws:
                break
            attempts += 1
            evaluator = self.accepted(attempts)
            if evaluator is not None:
                self.report.draws += 1
                evaluator.watch = self.watch
                self.watch.detailed = self.report.draws <= 4
                for result in open_results:
                    self.one(result, evaluator)
                    if self.first and self.report.errors:
                        return
            if time.process_time() - started > SECONDS:
                raise Refused("type", f"the block needs more than {SECONDS:.0f} s: make its "
                              "enumerations smaller")
        if self.report.draws < self.draws and not any(r.done for r in self.report.results):
            raise Refused("vacuous", f"assume: rejects all but {self.report.draws} of {attempts} "
                          "draws: state the condition with a domain or a definition")
        self.watch.detailed = False
        self.probe()
        for result in self.report.results:
            if not result.done:
                self.conclude(result)
        if not self.report.errors:
            self.coverage()

    # ---- unusual draws ------------------------------------------------------------------

    def probe(self) -> None:
        """Draws at unusual scales: they only refute, where rounding cannot be the reason."""
        for number in range(PROBES):
            rng = np.random.default_rng([*self.seed, number, 7])
            kind = ("wide", "wide", "mixed", "zero")[number % 4]
            try:
                evaluator = draw_symbols(self.block.program, rng, kind)
                if not evaluator.holds(self.block.program.assumptions, NOWHERE):
                    continue
            except (Undefined, Refused):
                continue
            evaluator.watch = self.watch
            evaluator.probing = kind != "zero"
            for result in self.report.results:
                if not result.done and result.item.relation in ("=", r"\le", r"\ge"):
                    self.probe_one(result, evaluator, kind)
                    if self.first and self.report.errors:
                        return

    def probe_one(self, result: Result, evaluator: Evaluator, kind: str) -> None:
        start = time.process_time()
        item = result.item
        try:
            if (kind == "zero" and self.differentiates(item)) or self.integrates(item):
                return
            left, right = self.both(item, evaluator)
            if left is None or right is None:
                return
            if evaluator.cancelled:
                return
            left, right = alike(left, right)
            gap = (left - right).abs().max()
            size = max(float(left.abs().max()), float(right.abs().max()))
            if item.grade == "inequality":
                sign = 1 if item.relation == r"\ge" else -1
                gap = torch.clamp(-sign * (left - right), min=0).max()
            if float(gap) > max(LOOSE * size, self.rounding(evaluator)) and (
                    kind == "zero"
                    or float(gap) > 5 * self.noise(item, evaluator, left, right)):
                self.report_difference(result, left, right, evaluator)
        except (Refused, torch.linalg.LinAlgError, ZeroDivisionError, OverflowError):
            return
        finally:
            result.seconds += time.process_time() - start

    def integrates(self, item: Item) -> bool:
        """Whether a step averages over a normal variable: nodes are made for usual scales."""
        program = self.block.program
        names = program.closure(item.left) | program.closure(item.right)
        bodies = [item.left, item.right, *(program.defs[n].body for n in names
                                           if n in program.defs)]
        return any(n.kind == "normal" for b in bodies for n in walk(b)) or any(
            program.rvs[n].dist is not None for n in names if n in program.rvs)

    def noise(self, item: Item, evaluator: Evaluator, left, right) -> float:
        """How far both sides move when every symbol moves a little: what rounding may do."""
        largest = 0.0
        for by in (1e-5, -1.7e-5, 3.1e-5):
            moved = self.both(item, self.nudged(evaluator, by))
            if any(m is None for m in moved):
                return float("inf")
            for old, new in zip((left, right), alike(*moved), strict=True):
                largest = max(largest, float((old - new).abs().max()))
        return largest

    def nudged(self, evaluator: Evaluator, by: float) -> Evaluator:
        """The same draw with every real symbol moved by a small share of itself."""
        draw = evaluator.draw
        program = self.block.program
        real = [k for k in (*draw.values, *draw.families) if not program.is_discrete(k)]

        def moved(key, value):
            smooth = key in real and isinstance(value, torch.Tensor)
            return value * (1 + by) if smooth else value

        values = {k: moved(k, x) for k, x in draw.values.items()}
        families = {k: {i: moved(k, x) for i, x in f.items()} for k, f in draw.families.items()}
        return Evaluator(program, replace(draw, values=values, families=families))

    def differentiates(self, item: Item) -> bool:
        """Whether a step takes a derivative, itself or through a definition."""
        program = self.block.program
        names = program.closure(item.left) | program.closure(item.right)
        bodies = [item.left, item.right, *(program.defs[n].body for n in names
                                           if n in program.defs)]
        return any(n.kind in ("diff", "grad") or (n.kind in ("call", "fn") and n.args[2])
                   for b in bodies for n in walk(b))

    def rounding(self, evaluator: Evaluator) -> float:
        """How far rounding may move a value: a share of the largest number met on the way."""
        largest = 1e-6
        for value in evaluator.memory.values():
            if isinstance(value, torch.Tensor) and value.numel():
                largest = max(largest, float(value.detach().abs().max()))
            elif isinstance(value, (int, float)):
                largest = max(largest, abs(float(value)))
        return largest * 1e-8 if np.isfinite(largest) else float("inf")

    def coverage(self) -> None:
        """What no draw has tested: lines of cases, terms too small to matter, anchors' sides."""
        program = self.block.program
        for item, node in self.nodes():
            if node.kind == "cases":
                reached = self.watch.cases.get(id(node), set())
                for place in range(len(node.args)):
                    if reached and place not in reached:
                        self.report.errors.append(self.block.error(
                            "lint", f"no draw reaches line {place + 1} of these cases",
                            item.line, where(item)))
            elif node.kind == "add":
                for place, (_, term) in enumerate(node.args):
                    if self.watch.terms.get((id(node), place), 1.0) < 1e-10 and not (
                            cancels(term, program)):
                        self.report.errors.append(self.block.error(
                            "vacuous", f"the term {show(term)} is too small beside the others to "
                            "be tested", item.line, where(item)))
        for key in program.defs:
            steps = self.watch.signs.get((key, "step"), set())
            anchors = self.watch.signs.get((key, "code"), set())
            if anchors and not (steps - {0}) <= anchors:
                side = "negative" if -1 in steps - anchors else "positive"
                self.report.errors.append(self.block.error(
                    "lint", f"{pretty(key)} is used with {side} arguments, but its anchor has none",
                    program.defs[key].line))

    def nodes(self):
        """All nodes of the steps and of the definitions, with what they belong to."""
        for item in self.block.items:
            if item.kind == "step":
                if item.number[1] == 1:
                    yield from ((item, n) for n in walk(item.left))
                yield from ((item, n) for n in walk(item.right))
        for key, definition in self.block.program.defs.items():
            place = Item("def", "", self.block.program.scope[key].line or definition.line)
            yield from ((place, n) for n in walk(definition.body))

    def wants_more(self, result: Result) -> bool:
        if result.done:
            return False
        if result.item.grade == "inequality":
            return result.draws < MOST * self.draws
        return result.draws < self.draws or (result.away < AWAY
                                             and result.draws < MOST * self.draws)

    def accepted(self, attempt: int) -> Evaluator | None:
        rng = np.random.default_rng([*self.seed, attempt])
        evaluator = draw_symbols(self.block.program, rng)
        try:
            if evaluator.holds(self.block.program.assumptions, NOWHERE):
                return evaluator
        except Undefined:
            return None
        return None

    # ---- one draw -----------------------------------------------------------------------

    def one(self, result: Result, evaluator: Evaluator) -> None:
        start = time.process_time()
        try:
            self.watch.role = "code" if result.item.kind == "code" else "step"
            if result.item.kind == "code":
                self.compare_code(result, evaluator)
            elif result.item.relation == r"\approx":
                self.compare_orders(result, evaluator)
            else:
                self.compare_step(result, evaluator)
        except Refused as error:
            line, spot = result.item.line, where(result.item)
            self.fail(result, refused(self.block, error, line, spot))
        except (torch.linalg.LinAlgError, ZeroDivisionError, OverflowError):
            result.undefined += 1
        finally:
            result.seconds += time.process_time() - start

    def fail(self, result: Result, error: Error) -> None:
        result.ok, result.done = False, True
        self.report.errors.append(error)

    def both(self, item: Item, evaluator: Evaluator):
        """Values of both sides; None for a side that is not defined on this draw."""
        found = []
        for side in (item.left, item.right):
            try:
                value = evaluator.value(side)
            except Undefined as error:
                value, self.why = None, f": {error}"
            if isinstance(value, torch.Tensor):
                value = value.detach()
                if not bool(torch.isfinite(value).all()):
                    value = None
            elif isinstance(value, float) and not np.isfinite(value):
                value = None
            found.append(value)
        return found

    def compare_step(self, result: Result, evaluator: Evaluator) -> None:
        item = result.item
        self.why = ""
        left, right = self.both(item, evaluator)
        if left is None or right is None:
            result.undefined += 1
            result.why = self.why
            if (left is None) != (right is None):
                side = "left" if left is None else "right"
                self.fail(result, self.block.error(
                    "undefined", f"the {side} side does not exist where the other one does"
                    f"{self.why}",
                    item.line, where(item), source=f"{item.lhs}  {item.relation}  {item.rhs}",
                    details=[f"at    {self.describe(item, evaluator)}"]))
            return
        left, right = alike(left, right)
        result.draws += 1
        if item.grade == "inequality":
            good = self.inequality(result, left, right)
        elif item.grade == "zero":
            good = self.zero(result, left, evaluator)
        else:
            good = self.equality(result, left, right, evaluator)
        if not good:
            self.report_difference(result, left, right, evaluator)

    def equality(self, result: Result, left: torch.Tensor, right: torch.Tensor,
                 evaluator: Evaluator) -> bool:
        size = max(float(left.abs().max()), float(right.abs().max()))
        gap = float((left - right).abs().max())
        if size < NEAR_ZERO:
            return self.cancels(result, gap, evaluator)
        result.away += 1
        result.gaps.append(gap / size)
        result.worst = max(result.worst, gap / size)
        return gap / size <= LOOSE

    def cancels(self, result: Result, gap: float, evaluator: Evaluator) -> bool:
        """Both sides vanish: evidence only if one of them is a sum whose terms do not."""
        item = result.item
        terms = [] if item.right is None else addends(item.left) + addends(item.right)
        sizes = [float(v.tensor(x).detach().abs().max()) for x in map(evaluator.value, terms)
                 if not isinstance(x, v.Lazy)]
        if max(sizes, default=0.0) > 1e-3:
            result.away += 1
            result.vanishing += 1
            result.gaps.append(gap / max(sizes))
        return True

    def zero(self, result: Result, left: torch.Tensor, evaluator: Evaluator) -> bool:
        """A claim that something vanishes: small beside the terms that it is the sum of."""
        terms = addends(result.item.left)
        sizes = []
        for term in terms:
            value = evaluator.value(term)
            if not isinstance(value, v.Lazy):
                sizes.append(float(v.tensor(value).detach().abs().max()))
        size = max([*sizes, 1e-3]) if terms else 1.0
        if not terms or max(sizes, default=0.0) > NEAR_ZERO:
            result.away += 1
        gap = float(left.abs().max()) / size
        result.gaps.append(gap)
        result.worst = max(result.worst, gap)
        return gap <= LOOSE and not self.stays(result, left, evaluator)

    def stays(self, result: Result, left: torch.Tensor, evaluator: Evaluator) -> bool:
        """Whether a tiny value is a value, not rounding: it hardly moves with the symbols."""
        size = float(left.abs().max())
        if size <= 1e-6 * self.rounding(evaluator) or result.draws > 6:
            return False
        for by in (1e-10, -1.7e-10, 3.1e-10):
            moved = self.both(result.item, self.nudged(evaluator, by))[0]
            if moved is None:
                return False
            if isinstance(moved, v.Lazy):
                continue
            if float((v.tensor(moved) - left).abs().max()) >= 1e-3 * size:
                return False
        return True

    def inequality(self, result: Result, left: torch.Tensor, right: torch.Tensor) -> bool:
        if left.dim():
            raise v.type_error("an inequality between numbers only")
        a, b = float(left), float(right)
        if result.item.relation == r"\ge":
            a, b = b, a
        size = max(abs(a), abs(b))
        result.away += size > NEAR_ZERO
        result.strict += b - a > LOOSE * size
        return a <= b + TIGHT * max(size, 1e-3)

    def compare_orders(self, result: Result, evaluator: Evaluator) -> None:
        """An approximation: the error shrinks with the stated power of what goes to zero."""
        item, errors, size = result.item, [], 0.0
        for scale in SCALES:
            left, right = self.both(item, self.shrunk(evaluator, item.limit.symbol, scale))
            if left is None or right is None:
                result.undefined += 1
                return
            left, right = alike(left, right)
            size = max(size, float(left.abs().max()), float(right.abs().max()))
            errors.append(float((left - right).abs().max()))
        result.draws += 1
        result.away += size > NEAR_ZERO
        usable = [e for e in errors if e > 1e-12 * max(size, 1e-6)]
        if len(usable) < 3:
            result.strict += 1
            return
        slopes = np.log2(np.array(usable[:-1]) / np.array(usable[1:]))
        order = float(np.max(slopes[-3:]))
        wanted = item.limit.power + (0.5 if item.limit.small else -0.2)
        if order < wanted:
            letter = "o" if item.limit.small else "O"
            self.fail(result, self.block.error(
                "value", f"the error is of order {order:.2f}, not {letter}"
                f"({pretty(item.limit.symbol)}^{item.limit.power})", item.line, where(item),
                source=f"{item.lhs}  \\approx  {item.rhs}",
                details=[f"error {errors[0]:.3g} at scale {SCALES[0]:.3g}, "
                         f"{errors[-1]:.3g} at scale {SCALES[-1]:.3g}",
                         f"at    {self.describe(item, evaluator)}"]))

    def shrunk(self, evaluator: Evaluator, symbol: str, scale: float) -> Evaluator:
        """The same draw with one symbol multiplied by a small number."""
        draw = evaluator.draw
        values = {**draw.values, symbol: draw.values[symbol] * scale}
        return Evaluator(self.block.program, replace_values(draw, values))

    def compare_code(self, result: Result, evaluator: Evaluator) -> None:
        item = result.item
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
            right = anchor.evaluate(item.python, evaluator, free)
        if right.shape != left.shape and not (right.size == left.size == 1):
            raise Refused("code", f"the left side has shape {left.shape}, the code gives "
                          f"{right.shape}", details=[f"in   {item.lhs}  ==  {item.python}"])
        right = right.reshape(left.shape)
        finite = bool(np.isfinite(left).all()), bool(np.isfinite(right).all())
        if not all(finite):
            result.undefined += 1
            if finite[0] != finite[1]:
                self.fail(result, self.block.error(
                    "code", "one side does not exist where the other one does", item.line, " code",
                    source=f"{item.lhs}  ==  {item.python}",
                    details=[f"at    {self.describe(item, evaluator)}"]))
            return
        result.draws += 1
        if not self.equality(result, torch.as_tensor(left), torch.as_tensor(right), evaluator):
            self.report_difference(result, torch.as_tensor(left), torch.as_tensor(right),
                                   evaluator)

    def arguments(self, names: tuple[str, ...]) -> dict:
        """Random numbers for the arguments of an anchored function that are not declared."""
        rng = np.random.default_rng([*self.seed, self.report.draws, 1])
        return {n: torch.tensor(rng.normal() * 1.5, dtype=torch.float64) for n in names}

    # ---- reports ------------------------------------------------------------------------

    def report_difference(self, result, left, right, evaluator) -> None:
        item = result.item
        words = {"inequality": "the inequality does not hold", "zero": "this is not zero"}
        message = words.get(item.grade, "the two sides differ")
        if item.kind == "code":
            message = "the code computes something else"
        shown = f"{item.lhs}  {item.relation}  {item.rhs}"
        kind = "code" if item.kind == "code" else "value"
        a, b, spot = first_difference(left, right)
        details = [f"left  = {a:.9g}".replace("= -", "= -"), f"right = {b:.9g}"]
        if spot:
            details = [f"{d}   entry {spot}" for d in details]
        self.fail(result, self.block.error(
            kind, message, item.line, where(item), source=shown,
            details=[*details, f"at    {self.describe(item, evaluator)}"]))

    def describe(self, item: Item, evaluator: Evaluator) -> str:
        """The values of the symbols that a step needs."""
        program = self.block.program
        nodes = [n for n in (item.left, item.right) if n is not None]
        needed = frozenset().union(*(program.closure(n) for n in nodes))
        if item.kind == "code":
            needed |= anchor.keys_used(item.python, program)
        parts = []
        for key in program.scope:
            if key not in needed:
                continue
            for store in (evaluator.draw.values, evaluator.draw.dims):
                if key in store:
                    parts.append(f"{pretty(key)} = {short(store[key])}")
            if key in evaluator.draw.families:
                parts.append(f"{pretty(key)} = " + short(list(
                    evaluator.draw.families[key].values())))
            parts += [f"{pretty(key)}{list(place) if place else ''} = {short(value)}"
                      for (name, place), value in sorted(evaluator.draw.outcomes.items(),
                                                         key=lambda o: o[0][1]) if name == key]
        shown = "; ".join(parts[:8]) or "every draw"
        return shown if len(parts) <= 8 else shown + "; …"

    def conclude(self, result: Result) -> None:
        """After all draws: enough that are defined, away from zero, and close."""
        item = result.item
        total = result.draws + result.undefined
        shown = f"{item.lhs}  {item.relation}  {item.rhs}"

        def fail(kind, message):
            self.fail(result, self.block.error(kind, message, item.line, where(item),
                                               source=shown))

        if result.undefined > total / 4 or result.draws < self.draws:
            advice = result.why or ": restrict the domains, or say so with assume:"
            return fail("undefined", f"not defined on {result.undefined} of {total} draws{advice}")
        if item.relation == r"\approx" and result.strict == result.draws:
            return fail("lint", "both sides agree exactly: write =")
        if result.away < AWAY:
            if item.kind == "code":
                return fail("vacuous", f"both sides are zero on all but {result.away} draws")
            return fail("vacuous", f"both sides are zero on all but {result.away} of "
                        f"{result.draws} draws, so that nothing was tested")
        if item.grade == "inequality" and result.strict == 0:
            return fail("lint", "both sides agree on every draw: write =")
        close = sum(g <= TIGHT for g in result.gaps)
        if result.gaps and close < TIGHT_SHARE * len(result.gaps):
            return fail("value", f"the sides agree to {TIGHT:g} on {close} of {len(result.gaps)} "
                        f"draws only (worst {result.worst:.2g})")
        if result.vanishing > result.away / 2 and item.grade == "value":
            item.grade = "zero"
        result.done = True
        return None


def cancels(term: Node, program) -> bool:
    """Whether a term may vanish because something inside it cancels."""
    bodies = [term, *(program.defs[n].body for n in program.closure(term) if n in program.defs)]
    return any(n.kind in ("add", "big", "diff", "grad", "expect", "cov", "var", "kl", "fn", "cases",
                          "ind", "delta") for b in bodies for n in walk(b))


def replace_values(draw: Draw, values: dict) -> Draw:
    return replace(draw, values=values)


def alike(left, right) -> tuple[torch.Tensor, torch.Tensor]:
    """Both sides as tensors of one shape."""
    left, right = v.settle(left, right)
    if isinstance(left, v.Lazy) and isinstance(right, v.Lazy):
        if left.kind != right.kind:
            raise v.type_error(f"{v.shape_text(left)} is compared with {v.shape_text(right)}")
        return alike(left.scale, right.scale)
    for one, other in ((left, right), (right, left)):
        if isinstance(one, v.Lazy):
            raise v.type_error(f"{v.shape_text(left)} is compared with {v.shape_text(right)}: "
                               r"write I_n or \mathbf{1}_n")
        if isinstance(one, v.Number) and one == 0 and isinstance(other, torch.Tensor):
            zero = torch.zeros_like(other)
            return (zero, other) if one is left else (other, zero)
    a, b = v.tensor(left), v.tensor(right)
    if a.shape != b.shape:
        raise v.type_error(f"{v.shape_text(left)} is compared with {v.shape_text(right)}")
    return a.detach(), b.detach()


def addends(node: Node) -> list[Node]:
    """The terms of a sum, for the scale beside which it vanishes."""
    return [term for _, term in node.args] if node.kind == "add" else []


def first_difference(left: torch.Tensor, right: torch.Tensor) -> tuple[float, float, str]:
    """The entry at which two tensors differ most, and its place counted from one."""
    if left.dim() == 0:
        return float(left), float(right), ""
    place = int((left - right).abs().reshape(-1).argmax())
    index = [int(i) + 1 for i in np.unravel_index(place, tuple(left.shape))]
    if len(index) == 2 and left.shape[1] == 1:
        index = index[:1]
    spot = ",".join(map(str, index))
    return float(left.reshape(-1)[place]), float(right.reshape(-1)[place]), spot


def short(value) -> str:
    """A value in a few characters."""
    if isinstance(value, list):
        return "(" + ", ".join(short(x) for x in value[:4]) + (", …)" if len(value) > 4 else ")")
    if isinstance(value, (int, float)):
        return f"{value:.9g}"
    array = value.detach().numpy()
    if array.ndim == 0:
        return f"{float(array):.9g}"
    if array.size > 9:
        return v.shape_text(value)
    rows = array.reshape(-1) if 1 in array.shape else array
    return np.array2string(rows, precision=4, separator=", ").replace("\n", "")
