"""Figures of the book: functions from plain arrays to a :class:`Sheet`.

Importing this package sets matplotlib to the book's style, because labels and lines take their
sizes from the settings in force when they are made, which is after :func:`sheet` has returned.
"""

import io
from itertools import cycle
from pathlib import Path

import matplotlib
from matplotlib import style
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

style.use(Path(__file__).parent.parent / "book.mplstyle")

# Told apart by readers who confuse red and green, and by their grey values.
BLUE, ORANGE, GREEN, PURPLE, SKY = "#0072B2", "#D55E00", "#009E73", "#B2478A", "#56B4E9"
BLACK, GREY = "#000000", "#666666"
STYLES = [(BLUE, "-"), (ORANGE, "--"), (GREEN, "-."), (PURPLE, ":"), (BLACK, (0, (5, 1, 1, 1)))]


class Sheet(Figure):
    """A figure that shows itself as SVG, with the same bytes on every run."""

    def _repr_svg_(self) -> str:
        buffer = io.StringIO()
        # `savefig` draws twice, first to lay out, which drawing does by itself.
        with matplotlib.rc_context({"svg.hashsalt": "full-marks"}):
            FigureCanvasSVG(self).print_svg(buffer, metadata={"Date": None, "Creator": None})
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


def lines(ax, x, curves, **options):
    """One line for each entry of `curves`, told apart by colour and by dashes."""
    for (name, y), (color, dashes) in zip(curves.items(), cycle(STYLES), strict=False):
        ax.plot(x, y, color=color, linestyle=dashes, label=name, **options)
