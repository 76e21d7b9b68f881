"""The declarations of a block, and which names depend on which."""

from __future__ import annotations

from dataclasses import dataclass, field

from .domains import DISCRETE
from .names import Scope, italic_letters, spelling
from .trees import Node


@dataclass(frozen=True)
class Range:
    """First and last index of a sequence; `listed` if the author wrote all of them."""

    low: Node
    high: Node
    listed: bool = False

    @property
    def names(self) -> frozenset[str]:
        return self.low.names | self.high.names


@dataclass
class Let:
    """A symbol and its domain; `ranges` are the first and last index of a sequence. Its value is
    that of `solved` where an assumption says what it equals."""

    key: str
    domain: Node
    ranges: tuple[Range, ...] = ()
    line: int = 0
    solved: Node | None = None


@dataclass
class Random:
    """A random variable: values in a domain, or a distribution, which may hold the index of a
    sequence (`indices`), other random variables, and earlier places of the sequence itself."""

    key: str
    domain: Node | None
    dist: Node | None
    ranges: tuple[Range, ...] = ()
    line: int = 0
    indices: tuple[str, ...] = ()


@dataclass
class Fun:
    """An arbitrary smooth function."""

    key: str
    inputs: tuple[Node, ...]
    output: Node
    line: int = 0


@dataclass
class Factor:
    """A table ``p(left | given)``, arbitrary, or defined by `body`."""

    left: tuple[str, ...]
    given: tuple[str, ...]
    body: Node | None = None


@dataclass
class Definition:
    """A definition: of a value, a function (`params`) or a sequence (`indices`, `ranges`).

    The range of an index is None where it follows from where the index stands in the body.
    """

    key: str
    body: Node
    params: tuple[str, ...] = ()
    indices: tuple[str, ...] = ()
    ranges: tuple[Range | None, ...] = ()
    line: int = 0


@dataclass
class Program:
    """All declarations of a block, in order."""

    scope: Scope = field(default_factory=dict)
    lets: dict[str, Let] = field(default_factory=dict)
    rvs: dict[str, Random] = field(default_factory=dict)
    funs: dict[str, Fun] = field(default_factory=dict)
    pmfs: dict[str, list[Factor]] = field(default_factory=dict)
    defs: dict[str, Definition] = field(default_factory=dict)
    families: dict[str, Let | Definition | Random] = field(default_factory=dict)
    assumptions: list[Node] = field(default_factory=list)
    independent: list[tuple[str, ...]] = field(default_factory=list)
    outcomes: dict[str, Node | None] = field(default_factory=dict)
    order: list[tuple[str, str]] = field(default_factory=list)
    small: set[str] = field(default_factory=set)
    counted: set[str] = field(default_factory=set)
    _closures: dict[int, tuple[Node, frozenset[str]]] = field(default_factory=dict)

    # ---- dependence ---------------------------------------------------------------------

    def closure(self, node: Node) -> frozenset[str]:
        """All names that a node needs, through the definitions."""
        found = self._closures.get(id(node))
        if found is None:
            seen: set[str] = set()
            queue = list(node.names)
            while queue:
                name = queue.pop()
                if name in seen:
                    continue
                seen.add(name)
                queue += self.needs(name)
            found = self._closures[id(node)] = node, frozenset(seen)
        return found[1]

    def behind_equalities(self, node: Node) -> frozenset[str]:
        """All names that a node needs, through the definitions and the equalities that are solved
        for a symbol."""
        found = self.closure(node)
        while True:
            more = found.union(*(self.closure(let.solved) for k in found
                                 if (let := self.lets.get(k)) and let.solved is not None))
            if more == found:
                return found
            found = more

    def needs(self, name: str) -> set[str]:
        """Names that a declared name needs at once."""
        found: set[str] = set()
        definition = self.defs.get(name)
        if definition is not None:
            found |= definition.body.names - set(definition.params)
        if name in self.families:
            found |= {key for key in self.scope if self.family_of(key) == name}
            for pair in self.families[name].ranges:
                found |= pair.names if pair else frozenset()
        if name in self.lets:
            found |= self.lets[name].domain.names
        rv = self.rvs.get(name)
        if rv is not None and rv.dist is not None:
            found |= rv.dist.names
        found |= set(self.below(name))
        for factor in self.pmfs.get(name, ()):
            found |= set(factor.left + factor.given)
            if factor.body is not None:
                found |= factor.body.names
        return found

    def below(self, name: str) -> tuple[str, ...]:
        r"""The declared letters in the scripts of an arbitrary function or table.

        They are arguments of it: ``f_\theta(x)`` and ``q_\phi(z\mid x)`` move with their letters.
        """
        arbitrary = name in self.funs or any(f.body is None for f in self.pmfs.get(name, ()))
        if not arbitrary:
            return ()
        parts = spelling(name)
        return tuple(dict.fromkeys(n for n in italic_letters(f"{parts.sub} {parts.sup}")
                                   if self.is_value(n)))

    def is_value(self, key: str) -> bool:
        """Whether a name stands for one continuous value."""
        if key in self.families or self.is_discrete(key):
            return False
        return key in self.lets or (key in self.defs and not self.defs[key].params)

    def family_of(self, key: str) -> str:
        """The sequence that a name with a literal index, such as ``h_{0}``, belongs to."""
        for mark, end in (("_{", "}"), ("^{(", ")}"), ("^{[", "]}")):
            place = key.find(mark)
            if place > 0 and key.endswith(end) and key[:place] in self.families:
                return key[:place]
        return ""

    def is_discrete(self, key: str) -> bool:
        if key in self.outcomes or (key in self.scope and self.scope[key].kind == "dim"):
            return True
        let = self.lets.get(key)
        return let is not None and let.domain.args[0] in DISCRETE


