"""Values and the shape rules of their arithmetic.

A value is a Python number, a 0-d float64 tensor (a number), a 2-d tensor (a matrix; a vector is
a column, its transpose a row), a 3-d tensor, or a `Lazy` identity or vector of ones whose size the
other operand decides. A 1×1 matrix is a number.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeGuard

import numpy as np
import torch

from .errors import Refused, Undefined

CONDITION = 1e11  # of a matrix; beyond it an inverse is rounding
Number = (int, float)
Sized: TypeAlias = int | float | torch.Tensor
Array: TypeAlias = np.ndarray[tuple[Any, ...], np.dtype[Any]]


@dataclass(frozen=True)
class Lazy:
    """A multiple of the identity (``eye``) or of a vector of ones (``col``, ``row``)."""

    kind: str
    scale: Any = 1  # a number


Value: TypeAlias = Sized | Lazy


def plain(a: Sized) -> float:
    """A number as a Python float."""
    return float(a.detach()) if isinstance(a, torch.Tensor) else float(a)


def is_scalar(a: object) -> TypeGuard[Sized]:
    return isinstance(a, Number) or (isinstance(a, torch.Tensor) and a.dim() == 0)


def is_matrix(a: object) -> TypeGuard[torch.Tensor]:
    return isinstance(a, torch.Tensor) and a.dim() == 2


def tensor(a: Value) -> torch.Tensor:
    """A value as a tensor; an identity or ones without a size are refused."""
    if isinstance(a, Lazy):
        raise type_error(f"{shape_text(a)}: its size is unknown, write I_n or \\mathbf{{1}}_n")
    return a if isinstance(a, torch.Tensor) else torch.tensor(float(a), dtype=torch.float64)


def broadcast(given: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Tensors in one shape: a number is taken for every entry."""
    return list(torch.broadcast_tensors(*given))  # type: ignore[no-untyped-call]


def shape_text(a: Value) -> str:
    if isinstance(a, Lazy):
        return {"eye": "the identity", "col": "a column of ones", "row": "a row of ones"}[a.kind]
    if isinstance(a, Number) or a.dim() == 0:
        return "a number"
    if a.dim() == 2 and a.shape[1] == 1:
        return f"a column of {a.shape[0]}"
    if a.dim() == 2 and a.shape[0] == 1:
        return f"a row of {a.shape[1]}"
    return "a " + "×".join(map(str, a.shape)) + (" matrix" if a.dim() == 2 else " tensor")


def is_vector(a: object) -> TypeGuard[torch.Tensor]:
    """Whether a value is a column or a row."""
    return is_matrix(a) and 1 in a.shape


def square(a: object) -> TypeGuard[torch.Tensor]:
    return is_matrix(a) and a.shape[0] == a.shape[1]


def type_error(message: str) -> Refused:
    return Refused("type", message)


def too_many(what: str) -> Refused:
    """The error for an enumeration without an end."""
    return type_error(f"{what}: too many to enumerate; write a letter for the size, as in "
                      r"\{0,1\}^n or \sum_{i=1}^{n}, and it is drawn small")


def squeeze(a: torch.Tensor) -> torch.Tensor:
    """A 1×1 matrix as the number that it is."""
    return a.reshape(()) if a.dim() == 2 and a.shape == (1, 1) else a


def materialize(lazy: Lazy, shape: Sequence[int]) -> torch.Tensor:
    """The identity or the ones in the size that the other side has."""
    rows, cols = shape
    factor: Sized = lazy.scale
    if lazy.kind == "eye":
        if rows != cols:
            raise type_error(f"the identity beside a {rows}×{cols} matrix: it is not square")
        return factor * torch.eye(rows, dtype=torch.float64)
    wanted = cols if lazy.kind == "col" else rows
    if wanted != 1:
        raise type_error(f"a vector of ones beside a {rows}×{cols} matrix")
    return factor * torch.ones(rows, cols, dtype=torch.float64)


def settle(a: Value, b: Value) -> tuple[Value, Value]:
    """Give a `Lazy` operand of a sum the shape of the other operand."""
    if isinstance(a, Lazy) and is_matrix(b):
        a = materialize(a, b.shape)
    elif isinstance(b, Lazy) and is_matrix(a):
        b = materialize(b, a.shape)
    return a, b


def add(a: Value, b: Value, sign: int = 1) -> Value:
    """Sum or difference; a number beside a column, or a matrix that is not square, is added to
    every entry."""
    a, b = settle(a, b)
    if isinstance(a, Lazy) or isinstance(b, Lazy):
        if isinstance(a, Lazy) and isinstance(b, Lazy) and a.kind == b.kind:
            return Lazy(a.kind, add(a.scale, b.scale, sign))
        other = b if isinstance(a, Lazy) else a
        lazy = a if isinstance(a, Lazy) else b
        if isinstance(other, Number) and other == 0:
            return a if lazy is a else scale(sign, b)
        raise type_error(f"{shape_text(a)} {'+' if sign > 0 else '-'} {shape_text(b)}: the size is "
                         "unknown, write I_n or \\mathbf{1}_n")
    if not (is_scalar(a) or is_scalar(b)):
        if tensor(a).shape != tensor(b).shape:
            raise type_error(f"{shape_text(a)} {'+' if sign > 0 else '-'} {shape_text(b)}")
    else:
        for one, other in ((a, b), (b, a)):
            zero = isinstance(one, Number) and one == 0
            if square(other) and is_scalar(one) and not zero:
                raise type_error(f"a number {'+' if sign > 0 else '-'} a square matrix: write "
                                 r"\lambda I, or \mathbf{1}\mathbf{1}^\top")
    return a + b if sign > 0 else a - b


def scale(number: Sized, a: Value) -> Value:
    """A number times anything."""
    if isinstance(a, Lazy):
        return Lazy(a.kind, multiply(number, a.scale))
    return number * a


def multiply(a: Value, b: Value) -> Value:
    """Product by juxtaposition: with a number, or of matrices."""
    if is_scalar(a):
        return scale(a, b)
    if is_scalar(b):
        return scale(b, a)
    if not (isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor)):
        return multiply_lazy(a, b)
    if a.dim() == 3 or b.dim() == 3:
        raise type_error(f"{shape_text(a)} times {shape_text(b)}: write the product with indices")
    if a.shape[1] != b.shape[0]:
        if a.shape[1] == 1 and b.shape[1] == 1:
            raise type_error("a product of two columns: write u^\\top v, u v^\\top or u \\odot v")
        raise type_error(f"{shape_text(a)} times {shape_text(b)}: the left has {a.shape[1]} "
                         f"column{'s' * (a.shape[1] != 1)}, the right has {b.shape[0]} "
                         f"row{'s' * (b.shape[0] != 1)}")
    return squeeze(a @ b)


def chain(given: Iterable[Value]) -> Value:
    """A product of several factors; ones without size take it from their neighbour first."""
    factors = list(given)
    for place in range(len(factors) - 1, 0, -1):
        a, b = factors[place - 1], factors[place]
        if isinstance(a, Lazy) and a.kind == "row" and is_matrix(b) and b.shape[0] > 1:
            factors[place - 1:place + 1] = [multiply(a, b)]
        elif isinstance(b, Lazy) and b.kind == "col" and is_matrix(a) and a.shape[1] > 1:
            factors[place - 1:place + 1] = [multiply(a, b)]
    result = factors[0]
    for factor in factors[1:]:
        result = multiply(result, factor)
    return result


def multiply_lazy(a: Value, b: Value) -> Value:
    """Product with the identity, or with ones whose size the other factor gives."""
    for one, other in ((a, b), (b, a)):
        if isinstance(one, Lazy) and one.kind == "eye":
            return scale(one.scale, other)
    if isinstance(a, Lazy) and isinstance(b, torch.Tensor):
        if a.kind == "row":
            return squeeze(a.scale * b.sum(0, keepdim=True))
        if b.shape[0] == 1:
            raise type_error(r"the size of \mathbf{1} is unknown here: write \mathbf{1}_n")
    if isinstance(b, Lazy) and isinstance(a, torch.Tensor):
        if b.kind == "col":
            return squeeze(b.scale * a.sum(1, keepdim=True))
        if a.shape[1] == 1:
            raise type_error(r"the size of \mathbf{1} is unknown here: write \mathbf{1}_n")
    raise type_error(f"{shape_text(a)} times {shape_text(b)}: the size is unknown, write "
                     r"\mathbf{1}_n")


def hadamard(a: Value, b: Value) -> Value:
    """Elementwise product of two values of the same shape."""
    a, b = settle(a, b)
    if is_scalar(a) or is_scalar(b):
        return multiply(a, b)
    if not (isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor)) or a.shape != b.shape:
        raise type_error(f"{shape_text(a)} \\odot {shape_text(b)}")
    return a * b


def divide(a: Value, b: Value) -> Value:
    """Quotient by a number; elementwise for two columns (or rows) of the same length."""
    if isinstance(b, Lazy):
        raise type_error(f"division by {shape_text(b)}")
    if isinstance(b, Number) and b == 0:
        raise Undefined("division by zero")
    if isinstance(a, Number) and isinstance(b, Number):
        return exact(a / b)
    if isinstance(b, Number) or b.dim() == 0:
        return scale(1 / b, a) if isinstance(a, Lazy) else a / b
    if b.dim() != 2 or 1 not in b.shape:
        raise type_error(f"division by {shape_text(b)}: write an inverse, A^{{-1}}")
    if is_scalar(a) or (isinstance(a, torch.Tensor) and a.shape == b.shape):
        return a / b
    raise type_error(f"{shape_text(a)} divided by {shape_text(b)}")


def exact(a: int | float) -> int | float:
    """A float that is a whole number as an int, so that it can be an index."""
    return int(a) if isinstance(a, float) and a.is_integer() and abs(a) < 2**53 else a


def power(a: Value, b: Value) -> Value:
    """A number to a power, or a square matrix to a whole power."""
    if isinstance(b, Lazy) or (isinstance(b, torch.Tensor) and b.dim() != 0):
        raise type_error(f"an exponent that is {shape_text(b)}")
    if isinstance(a, Lazy):
        if a.kind == "eye" and isinstance(b, int):
            return Lazy("eye", power(a.scale, b))
        raise type_error(f"a power of {shape_text(a)}")
    if is_scalar(a):
        return scalar_power(a, b)
    if square(a):
        if not isinstance(b, int) or abs(b) > 10**6:
            raise type_error("a square matrix has whole powers only: write A^{\\odot p} for the "
                             "power of every entry")
        result: torch.Tensor = torch.linalg.matrix_power(inverse(a) if b < 0 else a, abs(b))
        return result
    raise type_error(f"a power of {shape_text(a)}: write ^{{\\odot 2}} for the power of every "
                     "entry, or \\|x\\|^2")


def scalar_power(a: Sized, b: Sized) -> Sized:
    if isinstance(a, Number) and isinstance(b, Number):
        try:
            if isinstance(a, int) and isinstance(b, int) and b >= 0 and (
                    abs(a) <= 1 or b * math.log2(max(2, abs(a))) < 53):
                return int(a**b)
            result = float(a) ** float(b)
        except (OverflowError, ZeroDivisionError) as error:
            raise Undefined(str(error)) from error
        if isinstance(result, complex):
            raise Undefined("a power of a negative number")
        return exact(result)
    if isinstance(a, Number):
        if a < 0:
            if counted(tensor(b)):
                return torch.pow(torch.tensor(float(a), dtype=torch.float64), b)
            raise Undefined("a power of a negative number")
        if a == 0:
            raise Undefined("a power of zero")
        return torch.exp(tensor(b) * math.log(a))
    return a**b


def counted(b: torch.Tensor) -> bool:
    """Whether a number is whole and not moved, or one of many that are evaluated at once: there
    a power that does not exist is not a number."""
    try:
        return float(b).is_integer() and not b.requires_grad
    except RuntimeError:
        return True


def elementwise_power(a: Value, b: Value) -> Value:
    if isinstance(a, Lazy) or not is_scalar(b):
        raise type_error(f"{shape_text(a)} to the elementwise power {shape_text(b)}")
    return a**b if isinstance(a, torch.Tensor) else scalar_power(a, b)


def transpose(a: Value) -> Value:
    if isinstance(a, Lazy):
        return Lazy({"col": "row", "row": "col", "eye": "eye"}[a.kind], a.scale)
    if isinstance(a, Number) or a.dim() == 0:
        return a
    if a.dim() == 3:
        raise type_error("a tensor with three indices has no transpose")
    return a.T


def inverse(a: Value) -> Value:
    if isinstance(a, Lazy) and a.kind == "eye":
        return Lazy("eye", divide(1, a.scale))
    if is_scalar(a):
        return divide(1, a)
    if not square(a):
        raise type_error(f"the inverse of {shape_text(a)}")
    try:
        found: torch.Tensor = torch.linalg.inv(a)
    except RuntimeError as error:
        raise Undefined("a singular matrix") from error
    if float(torch.linalg.norm(a.detach()) * torch.linalg.norm(found.detach())) > CONDITION:
        raise Undefined("the inverse of a nearly singular matrix; if it is singular for some "
                        "dimensions, state which are meant, such as assume: n > d")
    return found


def eigenvalues(a: Value, what: str) -> torch.Tensor:
    """The eigenvalues of a symmetric matrix, the smallest first.

    Raises
    ------
    Refused
        Where it is not square, or not symmetric beyond rounding.
    """
    if is_scalar(a):
        return tensor(a).reshape(1)
    if not square(a):
        raise type_error(f"eigenvalues of {shape_text(a)}")
    skew = float((a - a.T).detach().abs().max())
    if skew > 1e-9 * float(a.detach().abs().max()):
        raise type_error(f"{what} is not symmetric: eigenvalues and \\succeq are read of symmetric "
                         r"matrices; write \sigma_i for singular values, or \frac12 (A + A^\top)")
    found: torch.Tensor = torch.linalg.eigvalsh((a + a.T) / 2)
    return found


def as_int(a: object, what: str) -> int:
    """A whole number, such as an index."""
    if isinstance(a, float) and a.is_integer():
        return int(a)
    if isinstance(a, int):
        return a
    if isinstance(a, torch.Tensor) and a.dim() == 0 and not a.requires_grad and (
            float(a).is_integer()):
        return int(a)
    raise type_error(f"{what} must be a whole number")


LOEWNER = {r"\succeq": (1, False), r"\preceq": (-1, False), r"\succ": (1, True),
           r"\prec": (-1, True)}  # sign of the difference, and whether strictly
ROUNDED = 1e-11  # of the largest entry: an eigenvalue that is zero but for rounding


def ordered(op: str, a: torch.Tensor, b: torch.Tensor,
            rounded: float = ROUNDED) -> tuple[bool, torch.Tensor]:
    """Whether one symmetric matrix lies below another, but for a share of the largest entry, and
    the eigenvalues of the difference that must not be negative.

    Raises
    ------
    Refused
        For numbers, and where the difference is not symmetric.
    """
    if not square(a):
        raise type_error(rf"{op} between {shape_text(a)} and {shape_text(b)}: it is the order of "
                         r"symmetric matrices; numbers have \le and \ge")
    sign, strictly = LOEWNER[op]
    found = eigenvalues(sign * (a - b), "the difference of both sides")
    edge = rounded * max(float(a.detach().abs().max()), float(b.detach().abs().max()))
    return bool(found[0] > edge if strictly else found[0] >= -edge), found


def compare(op: str, a: float, b: float) -> bool:
    """Whether a relation holds; numbers that differ by rounding are equal, so that a boundary is
    one for all relations."""
    apart = abs(a - b)
    if op in ("=", r"\ne"):
        return (apart <= 1e-12 * max(1.0, abs(a), abs(b)) < math.inf) == (op == "=")
    tied = apart <= 1e-12 * max(abs(a), abs(b)) < math.inf  # what overflows is equal to nothing
    return {"<": a < b and not tied, ">": a > b and not tied, r"\le": a <= b or tied,
            r"\ge": a >= b or tied}[op]


def to_array(value: Value) -> Array | float | int:
    """A value for NumPy: columns and rows become one-dimensional."""
    if isinstance(value, Number):
        return value
    array: Array = tensor(value).detach().numpy()
    if array.ndim == 0:
        return float(array)
    return array.reshape(-1) if array.ndim == 2 and 1 in array.shape else array
