r"""The table of notations: one entry says all that the checker knows of one.

An entry says how a notation is read, shown, valued and mutated, which letters it binds, where it
jumps or may vanish, and by which examples it is taught. What the lexer and the grammar know, the
printed form, the mutations, and the lists of SYNTAX.md are derived from the entries. There are
four sorts:

`Notation`   a kind of node: ``\frac{a}{b}``, a transpose, an expectation
`Part`       a node that only stands inside another, such as an event; it has no value of its own
`Function`   a built-in function: ``\log``, ``\mathrm{softmax}``
`Reduction`  what runs over an index: ``\sum``, ``\max``

The entries stand in the modules of `texcheck.notation`, which are loaded at the first look-up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from functools import cached_property
from importlib import import_module
from typing import Any, Literal, TypeVar

Row = tuple[str, str]  # what is refused, and what to write instead


@dataclass(frozen=True)
class Infix:
    r"""An operator between two factors.

    Attributes
    ----------
    level : str
        How tightly it binds: ``product`` as ``\cdot``, ``entrywise`` as ``\odot``.
    read : callable
        Parser, what stands on the left (a list of factors), start -> the factors that replace it.
        The operator itself has been taken.
    """

    level: str
    read: Callable[..., Any]


@dataclass(frozen=True)
class Entry:
    """What every sort of entry says: how it is mutated, and its examples.

    Attributes
    ----------
    siblings : mapping
        A token, or a word set upright, to what a mutation writes in its place.
    examples : tuple of str
        Formulas that are read, with the letters of the preamble of SYNTAX.md.
    refused : tuple of pairs of str
        What is refused, and what to write instead.
    """

    siblings: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    examples: tuple[str, ...] = field(default=(), kw_only=True)
    refused: tuple[Row, ...] = field(default=(), kw_only=True)


@dataclass(frozen=True)
class Part(Entry):
    """A kind of node that stands inside others: shown, read by what holds it, never valued.

    `read` is what the grammar calls for it by its kind: parser -> node. `ends` as in `Notation`.
    """

    kind: str
    show: Callable[..., str]
    read: Callable[..., Any] | None = field(default=None, kw_only=True)
    names: Callable[..., tuple[str, ...]] = field(default=lambda node: (), kw_only=True)
    ends: Callable[..., tuple[Any, ...]] = field(default=lambda node: (), kw_only=True)


@dataclass(frozen=True)
class Notation(Entry):
    r"""A kind of node.

    Attributes
    ----------
    kind : str
        Of the nodes.
    show : callable
        Node and its arguments -> the form in which the machine prints it.
    value : callable
        Evaluator, node, surroundings, arguments -> value.
    starts : mapping
        The token with which it begins -> reader (parser, start) -> node or None. The token has been
        taken; None leaves it to others, and then nothing else may have been taken.
    environments : mapping
        The name behind ``\begin`` -> reader (parser, name, start) -> node.
    applies : callable or None
        (parser, info, primes, start) -> node or None: a declared name before parentheses.
    read : callable or None
        (parser, entry, start) -> node or None, for a sort of entries that are nodes of this kind.
    spells : mapping
        A name that needs no declaration, such as ``\mathbb{E}`` or ``\mathrm{KL}`` -> reader
        (parser, start) -> node or None. The name has been taken; None leaves it to others.
    infix : mapping
        An operator between factors -> `Infix`.
    power : callable or None
        (parser, base, start) -> node or None: a superscript of its own, such as a transpose.
    names : callable
        Node -> keys that this very node mentions.
    binds : callable
        Node -> letters that it binds.
    reach : callable or None
        Node -> its children outside, and those inside, of the reach of what it binds.
    log : callable or None
        Evaluator, node, surroundings -> its logarithm, found without going through the value.
    jumps : callable
        Node -> whether its value jumps where its arguments move smoothly.
    approximate : bool
        Whether its value is found to a bound of its error only, as that of an integral.
    vanishes : bool
        Whether its value may be zero, or tiny, through cancelling inside it.
    differentiates : callable
        Node -> pairs of what it differentiates, and the name that it is taken by, or None.
    rounds : str
        Where its value is rounded: ``never`` (it is taken over as it is), ``fractions`` (of whole
        numbers it is exact), ``once``, or ``often`` (by more than its arguments show).
    keeps : callable
        Node -> what is left of it if a mutation forgets the notation, such as the argument of a
        root; or None.
    swaps : callable
        Node -> the two arguments that a mutation exchanges, such as those of a divergence; or None.
    ends : callable
        Node -> the ends of what it runs over, which a mutation shifts by one.
    """

    kind: str
    show: Callable[..., str]
    value: Callable[..., Any]
    starts: Mapping[str, Callable[..., Any]] = field(default_factory=dict, kw_only=True)
    environments: Mapping[str, Callable[..., Any]] = field(default_factory=dict, kw_only=True)
    spells: Mapping[str, Callable[..., Any]] = field(default_factory=dict, kw_only=True)
    applies: Callable[..., Any] | None = field(default=None, kw_only=True)
    read: Callable[..., Any] | None = field(default=None, kw_only=True)
    infix: Mapping[str, Infix] = field(default_factory=dict, kw_only=True)
    power: Callable[..., Any] | None = field(default=None, kw_only=True)
    names: Callable[..., tuple[str, ...]] = field(default=lambda node: (), kw_only=True)
    binds: Callable[..., tuple[str, ...]] = field(default=lambda node: (), kw_only=True)
    reach: Callable[..., Any] | None = field(default=None, kw_only=True)
    log: Callable[..., Any] | None = field(default=None, kw_only=True)
    jumps: Callable[..., bool] = field(default=lambda node: False, kw_only=True)
    approximate: bool = field(default=False, kw_only=True)
    vanishes: bool = field(default=False, kw_only=True)
    differentiates: Callable[..., list[Any]] = field(default=lambda node: [], kw_only=True)
    rounds: Literal["never", "fractions", "once", "often"] = field(default="once", kw_only=True)
    keeps: Callable[..., Any] = field(default=lambda node: None, kw_only=True)
    swaps: Callable[..., Any] = field(default=lambda node: None, kw_only=True)
    ends: Callable[..., tuple[Any, ...]] = field(default=lambda node: (), kw_only=True)


@dataclass(frozen=True)
class Function(Entry):
    r"""A built-in function.

    Attributes
    ----------
    name : str
    value : callable
        The arguments -> value. Of an entrywise function: a tensor -> a tensor.
    commands, words : tuple of str
        Its spellings: ``\log``; ``log`` in ``\mathrm{log}``.
    letters : tuple of str
        Its names that an author may declare otherwise, ``\Gamma``; read before parentheses only.
    brackets : tuple of str
        What stands around its argument instead of a name: ``\lfloor``, ``\rfloor``.
    entrywise : bool
        Whether it acts on every entry, and has primes.
    arguments : tuple of int
        The least and the largest number of arguments.
    powers : bool
        Whether ``\tanh^2(u)`` is read.
    scalar : bool
        Whether its value is always a number, so that a power behind it may mean two things.
    multiplicative : bool
        Whether both mean the same: the power of the value is the value of the power.
    square : bool
        Whether an entrywise function takes a square matrix (else: one might mean the function of
        the matrix).
    based : bool
        Whether a subscript is its base, as in ``\log_2``.
    jumps : bool
    picks : bool
        Whether its value is one of its arguments, or a whole number, and so is never rounded.
    """

    name: str
    value: Callable[..., Any]
    commands: tuple[str, ...] = field(default=(), kw_only=True)
    words: tuple[str, ...] = field(default=(), kw_only=True)
    letters: tuple[str, ...] = field(default=(), kw_only=True)
    brackets: tuple[str, ...] = field(default=(), kw_only=True)
    entrywise: bool = field(default=False, kw_only=True)
    arguments: tuple[int, int] = field(default=(1, 1), kw_only=True)
    powers: bool = field(default=False, kw_only=True)
    scalar: bool = field(default=False, kw_only=True)
    multiplicative: bool = field(default=False, kw_only=True)
    square: bool = field(default=True, kw_only=True)
    based: bool = field(default=False, kw_only=True)
    jumps: bool = field(default=False, kw_only=True)
    picks: bool = field(default=False, kw_only=True)


@dataclass(frozen=True)
class Reduction(Entry):
    r"""What runs over an index.

    Attributes
    ----------
    name : str
        Its command is ``\name``, its word ``name``.
    fold : callable
        The list of the values -> value.
    separate : bool
        Whether factors behind its body that lack its index must be set apart.
    fast : callable or None
        Evaluator, node, surroundings -> value or None: a way without going through the terms.
    """

    name: str
    fold: Callable[..., Any]
    separate: bool = field(default=True, kw_only=True)
    fast: Callable[..., Any] | None = field(default=None, kw_only=True)


E = TypeVar("E", bound=Entry)


class Table:
    """Entries by what they are looked up by."""

    def __init__(self) -> None:
        self.loaded = False
        self.entries: list[Entry] = []
        self.sections: dict[str, list[Entry]] = {}

    def add(self, section: str, entry: Entry) -> None:
        """Register an entry under a heading of the manual.

        Raises
        ------
        TypeError
            If the entry lacks a value or a form in which it is shown.
        ValueError
            If a name or a spelling is taken.
        """
        for needed in ("value", "show", "fold"):
            if needed in {f.name for f in fields(entry)} and not callable(getattr(entry, needed)):
                raise TypeError(f"the notation {name_of(entry)} has no {needed}: every notation "
                                "says how it is shown and valued")
        for spelling in spellings(entry):
            if any(spelling in spellings(other) for other in self.entries):
                raise ValueError(f"the notation {name_of(entry)}: {spelling[1]} is taken")
        self.entries.append(entry)
        self.sections.setdefault(section, []).append(entry)
        self.forget()

    def remove(self, section: str, entry: Entry) -> None:
        self.entries.remove(entry)
        self.sections[section].remove(entry)
        self.forget()

    def forget(self) -> None:
        for name in ("kinds", "functions", "reductions", "starts", "spells", "environments",
                     "applications", "infix", "powers", "commands", "siblings"):
            self.__dict__.pop(name, None)

    def of(self, sort: type[E]) -> list[E]:
        return [e for e in self.entries if isinstance(e, sort)]

    @cached_property
    def kinds(self) -> dict[str, Notation | Part]:
        return {e.kind: e for e in self.entries if isinstance(e, (Notation, Part))}

    @cached_property
    def functions(self) -> dict[str, Function]:
        return {e.name: e for e in self.of(Function)}

    @cached_property
    def reductions(self) -> dict[str, Reduction]:
        return {e.name: e for e in self.of(Reduction)}

    @cached_property
    def starts(self) -> dict[str, list[Callable[..., Any]]]:
        """Readers by the token with which they begin, in the order of the entries."""
        found: dict[str, list[Callable[..., Any]]] = {}
        for entry in self.entries:
            for token, read in self.begins(entry):
                found.setdefault(token, []).append(read)
        return found

    @cached_property
    def spells(self) -> dict[str, list[Callable[..., Any]]]:
        """Readers by names that need no declaration."""
        found: dict[str, list[Callable[..., Any]]] = {}
        for entry in self.entries:
            for name, read in self.spelled(entry):
                found.setdefault(name, []).append(read)
        return found

    def begins(self, entry: Entry) -> Iterator[tuple[str, Callable[..., Any]]]:
        if isinstance(entry, Notation):
            yield from entry.starts.items()
        elif isinstance(entry, Function):
            yield from ((c, self.reader("fn", entry)) for c in (*entry.commands,
                                                                *entry.brackets[:1]))
        elif isinstance(entry, Reduction):
            yield rf"\{entry.name}", self.reader("big", entry)

    def spelled(self, entry: Entry) -> Iterator[tuple[str, Callable[..., Any]]]:
        if isinstance(entry, Notation):
            yield from entry.spells.items()
        elif isinstance(entry, Function):
            yield from ((rf"\mathrm{{{w}}}", self.reader("fn", entry)) for w in entry.words)
            yield from ((letter, self.before_parentheses(entry)) for letter in entry.letters)
        elif isinstance(entry, Reduction):
            yield rf"\mathrm{{{entry.name}}}", self.reader("big", entry)

    def reader(self, kind: str, entry: Entry) -> Callable[..., Any]:
        """How an entry is read that is a node of a kind."""
        read = self.kinds[kind].read
        assert read is not None

        def reads(parser: Any, start: int) -> Any:
            return read(parser, entry, start)

        return reads

    def before_parentheses(self, entry: Function) -> Callable[..., Any]:
        """How a function is read whose name may also be a name of the author's."""
        read = self.reader("fn", entry)

        def reads(parser: Any, start: int) -> Any:
            sup = parser.superscript() if parser.peek() == "^" else None
            ahead = 0 if sup is None else sup.after - parser.at
            return read(parser, start) if parser.peek(ahead) == "(" else None

        return reads

    @cached_property
    def environments(self) -> dict[str, Callable[..., Any]]:
        return {n: read for e in self.of(Notation) for n, read in e.environments.items()}

    @cached_property
    def applications(self) -> list[Callable[..., Any]]:
        return [e.applies for e in self.of(Notation) if e.applies is not None]

    @cached_property
    def infix(self) -> dict[str, Infix]:
        return {token: infix for e in self.of(Notation) for token, infix in e.infix.items()}

    @cached_property
    def powers(self) -> list[Callable[..., Any]]:
        return [e.power for e in self.of(Notation) if e.power is not None]

    @cached_property
    def commands(self) -> frozenset[str]:
        closing = [e.brackets[1] for e in self.of(Function) if e.brackets]
        return frozenset(c for c in (*self.starts, *self.infix, *closing) if c.startswith("\\"))

    @cached_property
    def siblings(self) -> dict[str, str]:
        return {token: other for e in self.entries for token, other in e.siblings.items()}


def name_of(entry: Entry) -> str:
    return str(getattr(entry, "kind", None) or getattr(entry, "name", "without a name"))


def spellings(entry: Entry) -> set[tuple[str, str]]:
    """What must be one entry's own: its name, and the tokens by which it joins or is called."""
    sort = "node" if isinstance(entry, (Notation, Part)) else type(entry).__name__
    found = {(sort, name_of(entry))}
    if isinstance(entry, Notation):
        found |= {("infix", t) for t in entry.infix} | {("begin", n) for n in entry.environments}
    if isinstance(entry, Function):
        found |= {("command", c) for c in entry.commands} | {("word", w) for w in entry.words}
    return found


_table = Table()


def register(section: str, *entries: Entry) -> None:
    """Add entries to the table, under a heading of the manual; see `Table.add`."""
    for entry in entries:
        _table.add(section, entry)


@contextmanager
def registered(section: str, *entries: Entry) -> Iterator[None]:
    """Entries that are known inside a ``with`` only."""
    load()
    register(section, *entries)
    try:
        yield
    finally:
        for entry in entries:
            _table.remove(section, entry)


def load() -> Table:
    """The table, with all notations in it."""
    if not _table.loaded:
        import_module("texcheck.notation")
        _table.loaded = True
    return _table


def kind(name: str) -> Notation | Part:
    """The entry of a kind of node.

    Raises
    ------
    LookupError
        If there is none: a node of an unknown kind is never shown or valued as another.
    """
    found = load().kinds.get(name)
    if found is None:
        raise LookupError(f"no notation of the kind {name} is registered")
    return found


def function(name: str) -> Function:
    """The entry of a built-in function; raises LookupError if there is none."""
    found = load().functions.get(name)
    if found is None:
        raise LookupError(f"no function {name} is registered")
    return found


def reduction(name: str) -> Reduction:
    """The entry of what runs over an index; raises LookupError if there is none."""
    found = load().reductions.get(name)
    if found is None:
        raise LookupError(f"no reduction {name} is registered")
    return found


def commands() -> frozenset[str]:
    """All commands of TeX that some notation reads."""
    return load().commands
