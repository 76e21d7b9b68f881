"""The printed equation is the checked equation.

A derivation is written in TeX; the string that the reader sees is parsed, evaluated in float64 on
many random draws of the declared symbols, and every step must agree with the one above it.
`read_block` reads, `check` tests. The page SYNTAX.md beside this file is for authors.
"""

from .block import Block, Item, read_block
from .check import Report, Result, check
from .errors import Error
from .files import Derivation, derivations

__all__ = ["Block", "Derivation", "Error", "Item", "Report", "Result", "check", "derivations",
           "read_block"]
