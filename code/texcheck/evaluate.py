"""A tree and a draw to a value: each node is valued by the entry of its notation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from . import registry
from . import values as v
from .env import NOWHERE, Draw, Env, Memo, Watch, stamp
from .errors import Refused
from .program import Program
from .quadrature import Recorder
from .trees import Node, pretty, show

MOST_TERMS = 2**14
MOST_WORK = 40_000


class Evaluator:
    """Evaluates trees on one draw, remembering what does not change.

    Attributes
    ----------
    memory : dict
        Values by node and by the surroundings that the node depends on.
    errors : dict
        By how much values that are approximations may be wrong, by the same keys.
    kept : list
        What must live as long as the memory, whose keys hold its identity.
    memo : Memo
        What holds for all draws of a check.
    watch : Watch or None
        What the draws have touched.
    recorder : Recorder or None
        What notes where comparisons switch, while a mean over a continuous variable is taken.
    sampling : str
        The random variable whose distribution is being evaluated.
    singly : bool
        Whether the members of every sum are taken one by one.
    choosing : bool
        Whether a condition is evaluated that chooses a value.
    doubts : list of torch.Tensor
        By how much rules for means inside an integrand differ, where many are taken at once.
    """

    def __init__(self, program: Program, draw: Draw, memo: Memo | None = None):
        self.program = program
        self.draw = draw
        self.memo = Memo() if memo is None else memo
        self.memory: dict[Any, Any] = {}
        self.kept: list[Any] = []
        self.active: set[Any] = set()
        self.entrywise: set[tuple[str, int]] = set()
        self.errors: dict[Any, float] = {}
        self.work = 0
        self.singly = False
        self.choosing = False
        self.watch: Watch | None = None
        self.recorder: Recorder | None = None
        self.sampling = ""
        self.doubts: list[Any] = []

    def value(self, node: Node, env: Env = NOWHERE) -> Any:
        """Value of a node, from memory where nothing that it depends on has changed.

        Raises
        ------
        Refused
            Where shapes or kinds do not fit.
        Undefined
            Where there is no value on this draw.
        """
        if node.kind == "sym" and node.args[0] in env.bound:
            return env.bound[node.args[0]]
        key = self.key(node, env)
        found = self.memory.get(key)
        if found is None:
            self.memo.valued += 1
            entry = node.entry
            if not isinstance(entry, registry.Notation):
                raise v.type_error(f"{show(node)} has no value by itself")
            try:
                found = entry.value(self, node, env, *node.args)
            except Refused as error:
                if not error.details:
                    error.details.append(f"in   {show(node)}")
                raise
            self.memory[key] = found
            self.kept.append((node, env))  # whose identities are in the key
        return found

    def key(self, node: Node, env: Env) -> Any:
        """What identifies a node together with the surroundings that matter to it.

        Whoever remembers something by it keeps the node and the surroundings.
        """
        parts: tuple[Any, ...] = ()
        if env.bound and not node.names.isdisjoint(env.bound):
            names = node.names
            parts = tuple([(name, stamp(value)) for name, value in env.bound.items()
                           if name in names])
        if env.cuts:
            closure = self.program.closure(node)
            parts = (*parts, *((place, stamp(value)) for place, value in env.cuts.items()
                               if place[0] in closure))
        return (id(node), parts) if parts else id(node)

    def errs(self, node: Node, env: Env, error: float) -> None:
        """Note by how much the value of a node, found by approximation, may be wrong."""
        self.errors[self.key(node, env)] = error

    def number(self, node: Node, env: Env, what: str) -> Any:
        """The value of a node that must be a number."""
        value = self.value(node, env)
        if not v.is_scalar(value):
            raise v.type_error(f"{what} is {v.shape_text(value)}; a number is expected")
        return value

    def whole(self, node: Node, env: Env, what: str) -> int:
        """The value of a node that must be a whole number, such as an index."""
        return v.as_int(self.value(node, env), what)

    def holds(self, conditions: Iterable[Node], env: Env) -> bool:
        """Whether all relations hold."""
        for condition in conditions:
            entry = registry.kind(condition.kind)
            if not isinstance(entry, registry.Notation):
                raise v.type_error(f"{show(condition)} is no condition")
            if not entry.value(self, condition, env, *condition.args):
                return False
        return True

    def guarded(self, name: tuple[Any, ...], body: Node, env: Env) -> Any:
        """Evaluate a definition, refusing one that needs itself."""
        mark = (name, self.key(body, env))
        if mark in self.active:
            raise Refused("type", f"{pretty(name[0])} is defined by itself: a recursion takes "
                          "another place of the sequence, as h_{t-1}",
                          line=self.program.scope[name[0]].line or None)
        if len(self.active) > 150:
            raise v.type_error(f"the recursion of {pretty(name[0])} is too deep")
        self.active.add(mark)
        try:
            return self.value(body, env)
        finally:
            self.active.discard(mark)
