"""Argument checks shared by the chapters' modules.

Each check returns what it was given, ready for arithmetic, or raises a ``ValueError`` that names
both sides. Numbers become float64 on the way in, so no integer array truncates a result.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def reals(name: str, values: ArrayLike, ndim: int | None = None) -> np.ndarray:
    """`values` as a float64 array: not empty, finite, and with `ndim` axes if given.

    Examples
    --------
    >>> reals("x", [1, 2])
    array([1., 2.])
    >>> reals("x", [1.0, float("nan")])
    Traceback (most recent call last):
    ValueError: x must be finite, but x[1] is nan
    """
    try:
        array = np.asarray(values)
    except ValueError as ragged:
        raise ValueError(f"{name} must be an array, but its rows differ in length") from ragged
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{name} must hold real numbers, but its dtype is {array.dtype}")
    if array.size == 0:
        raise ValueError(f"{name} must not be empty, but its shape is {array.shape}")
    if ndim is not None and array.ndim != ndim:
        raise ValueError(f"{name} must have {ndim} axes, but its shape is {array.shape}")
    # The sum of squares is the quicker question; where it overflows, each number is asked.
    whole = array.dtype.kind != "f" or math.isfinite(np.vdot(array, array))
    if not whole and not np.isfinite(array).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        place = f"{name}[{', '.join(map(str, where))}]" if where else name
        raise ValueError(f"{name} must be finite, but {place} is {array[where]}")
    return array.astype(np.float64)


def same_shape(name: str, array: np.ndarray, other_name: str, other: np.ndarray) -> None:
    """Refuse two shapes that differ, unless one of the two is a single number."""
    if array.ndim and other.ndim and array.shape != other.shape:
        raise ValueError(
            f"{name} {array.shape} and {other_name} {other.shape} must have the same shape"
        )


def probabilities(name: str, values: ArrayLike) -> np.ndarray:
    """`values` as floats, all between 0 and 1.

    Examples
    --------
    >>> probabilities("y", -1)
    Traceback (most recent call last):
    ValueError: y must lie between 0 and 1, but holds -1.0
    """
    array = reals(name, values)
    outside = (array < 0) | (array > 1)
    if outside.any():
        raise ValueError(f"{name} must lie between 0 and 1, but holds {array[outside].flat[0]}")
    return array


def signs(name: str, values: ArrayLike) -> np.ndarray:
    """`values` as floats, all -1 or +1.

    Examples
    --------
    >>> signs("y", [1, 0])
    Traceback (most recent call last):
    ValueError: y must be -1 or +1, but holds 0.0
    """
    array = reals(name, values)
    wrong = abs(array) != 1
    if wrong.any():
        raise ValueError(f"{name} must be -1 or +1, but holds {array[wrong].flat[0]}")
    return array


def class_indices(name: str, values: ArrayLike, rows: int, classes: int) -> np.ndarray:
    """`values` as `rows` integers from 0 to ``classes - 1``, one per row of the logits.

    Examples
    --------
    >>> class_indices("y", [0, 3], rows=2, classes=3)
    Traceback (most recent call last):
    ValueError: y holds the label 3, but the 3 classes are 0 to 2
    """
    array = np.asarray(values)
    if array.dtype.kind not in "iu":
        raise ValueError(f"{name} must hold integer labels, but its dtype is {array.dtype}")
    if array.shape != (rows,):
        raise ValueError(f"{name} {array.shape} must hold one label for each of the {rows} rows")
    outside = (array < 0) | (array >= classes)
    if outside.any():
        raise ValueError(
            f"{name} holds the label {array[outside][0]}, "
            f"but the {classes} classes are 0 to {classes - 1}"
        )
    return array.astype(np.int64)


def floating(name: str, array: ArrayLike) -> np.ndarray:
    """`array` as it is, if it can hold a fractional step; integers would truncate it."""
    array = np.asarray(array)
    if array.dtype.kind in "iub":
        raise ValueError(
            f"{name} has the integer dtype {array.dtype}, but a step of float64 would be truncated"
        )
    reals(name, array)
    return array


def sizes(**values: int) -> None:
    """Refuse a size that is not a positive integer.

    Examples
    --------
    >>> sizes(rank=0)
    Traceback (most recent call last):
    ValueError: rank must be a positive integer, but is 0
    """
    for name, value in values.items():
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
            raise ValueError(f"{name} must be a positive integer, but is {value!r}")
