"""The printed equation is the checked equation.

A derivation is written in TeX; the string that the reader sees is parsed, evaluated in float64 on
many random draws of the declared symbols, and every step must agree with the one above it.
`read_block` reads, `check` tests. The page SYNTAX.md beside this file is for authors.
"""

from importlib import import_module
from typing import Any

PUBLIC = {"Block": "items", "Item": "items", "read_block": "block", "Report": "report",
          "Result": "report", "check": "judge", "Error": "errors", "Derivation": "files",
          "derivations": "files"}
__all__ = list(PUBLIC)


def __getattr__(name: str) -> Any:
    """Import on first use: a book in which no derivation changed needs no torch."""
    if name not in PUBLIC:
        raise AttributeError(f"module 'texcheck' has no attribute {name!r}")
    value = getattr(import_module(f"texcheck.{PUBLIC[name]}"), name)
    globals()[name] = value
    return value
