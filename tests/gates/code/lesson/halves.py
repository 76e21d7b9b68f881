"""Halving."""


def half(number):
    """Half of a number.

    >>> half(3)
    1.5
    """
    return number / 2
