"""Figures of the book: functions from plain arrays to a :class:`Sheet`.

Importing this package sets matplotlib to the book's style, because labels and lines take their
sizes from the settings in force when they are made, which is after :func:`sheet` has returned.
"""

import io
from pathlib import Path

import matplotlib
from matplotlib import style
from matplotlib.figure import Figure

style.use(Path(__file__).parent.parent / "book.mplstyle")


class Sheet(Figure):
    """A figure that shows itself as SVG, with the same bytes on every run."""

    def _repr_svg_(self) -> str:
        buffer = io.StringIO()
        with matplotlib.rc_context({"svg.hashsalt": "full-marks"}):
            self.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
        return buffer.getvalue()


def sheet(nrows=1, ncols=1, *, width=4.8, height=3.6, **subplots):
    """A new sheet in the book's style and its axes.

    Parameters
    ----------
    nrows, ncols : int
        Grid of axes.
    width, height : float
        Size in inches; at 4.8 inches wide the words are legible on a phone.
    **subplots
        Passed to ``Figure.subplots`` (``sharex``, ``sharey``, ``width_ratios``…).

    Returns
    -------
    (Sheet, Axes or array of Axes)
    """
    figure = Sheet(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(nrows, ncols, **subplots)
