"""What a page has judged: calls of functions here, whose values are plain and can be kept.

A *call* is a dictionary: ``what`` (``derivation`` or ``mistake``), ``function`` and ``arguments``,
``package`` (the folder of this package) and ``version`` (a digest of it), ``line`` of the page. Who
makes it elsewhere needs to know no more; otherwise it is made here, and `Store` keeps the value.
A value with ``errors`` is never kept.
"""

from __future__ import annotations

from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from .files import packages_in
from .store import Store, checker, sources

if TYPE_CHECKING:
    from sphinx.config import Config
    from sphinx.environment import BuildEnvironment


def call(what: str, config: Config, line: int, **arguments: str) -> dict[str, Any]:
    """The call of a function of `judged`, which is also told what packages `code:` may name."""
    return {"what": what, "function": f"{__package__}.judged:{what}", "line": line,
            "arguments": {**arguments, "packages": list(packages_in(config.texcheck_path))},
            "package": str(Path(__file__).parent), "version": checker()}


def obtain(env: BuildEnvironment, asked: dict[str, Any]) -> dict[str, Any] | None:
    """The value of a call: from the function that ``texcheck_obtain`` names, or made and kept here.

    None if it failed there, which was reported. If it is made here, a page depends on all that the
    modules of a derivation's ``code:`` lines import.
    """
    config = env.config
    found: dict[str, Any] | None
    if config.texcheck_obtain:
        found = resolve_name(config.texcheck_obtain)(env, asked)
        return found
    code = sources(asked["arguments"].get("text", ""), config.texcheck_path)
    for path in code:
        env.note_dependency(path)
    store = Store(Path(config.texcheck_store or env.doctreedir.parent / "derivations"))
    key = store.key(asked, code)
    if (found := store.find(key)) is None:
        value: dict[str, Any] = resolve_name(asked["function"])(**asked["arguments"])
        if not value["errors"]:
            store.put(key, value)
        return value
    return found
