"""Figures that the five papers had and their sources lost, drawn anew.

Each one is a restoration: the page of the paper says what of it is known and what is ours. The
wiring of a network is data (``TWO_TWO_TWO``): a test can run the very network that is drawn.
"""

from itertools import pairwise

import numpy as np

from fullmarks.plots import sheet

INK = "#222222"
FILLS = {"input": "#ffffff", "hidden": "#d7e8f4", "output": "#fbe3cf"}

LEARNING_RATES = {"A": 4e-1, "B": 2e-5, "C": 8e-3, "D": 3e-4}
"""Question D1.4: the rate of each curve, as the paper's own solution assigns them."""

TWO_TWO_TWO = {
    "w_{11}": ("i_1", "h_1"),
    "w_{12}": ("i_1", "h_2"),
    "w_{21}": ("i_2", "h_1"),
    "w_{22}": ("i_2", "h_2"),
    "w_{31}": ("h_3", "o_1"),
    "w_{32}": ("h_3", "o_2"),
    "w_{41}": ("h_4", "o_1"),
    "w_{42}": ("h_4", "o_2"),
}
"""Question D3: each weight and the edge that it is on; h_3 and h_4 are the ReLU of h_1 and h_2."""

BIASES = {"h_1": "b_1", "h_2": "b_2", "o_1": "b_3", "o_2": "b_4"}
"""Question D3: the units that have a bias."""

LINEAR_NETWORKS = {"A": (100, 100), "B": (100, 10, 100)}
"""Question E1c: the widths of the layers of the two linear networks, input first."""


def sgd_loss(rate, epochs, *, updates=50, curvature=6.0, noise=220.0):
    """Expected loss of stochastic gradient descent on a noisy parabola, per epoch.

    The loss is ``curvature/2 * w**2`` and starts at 1. An update subtracts ``rate`` times the
    gradient, which carries independent noise of variance ``noise``. So the expected loss moves
    from 1 towards (or, if the rate is too high, away from) its fixed point by the factor
    ``(1 - rate*curvature)**2`` per update.

    Parameters
    ----------
    rate : float
        Learning rate, positive and other than ``2/curvature``, where there is no fixed point.
    epochs : array of shape (n,)
        Times, in epochs from the start; fractions are allowed.
    updates : int
        Updates per epoch.
    curvature, noise : float
        Second derivative of the loss, L2 penalty included, and variance of the gradient's noise.

    Returns
    -------
    array of shape (n,)

    Raises
    ------
    ValueError
        If the rate is not positive or there is no fixed point.

    Examples
    --------
    One update at rate 1/2 on w**2/2 without noise halves w, so the loss is a quarter:

    >>> sgd_loss(0.5, np.array([0, 1]), updates=1, curvature=1.0, noise=0.0).round(3)
    array([1.  , 0.25])
    """
    if not rate > 0 or rate * curvature == 2:
        raise ValueError(
            f"rate {rate} with curvature {curvature}: the rate must be positive and not "
            f"2/curvature = {2 / curvature}")
    fixed = rate * noise / (2 * (2 - rate * curvature))
    factor = (1 - rate * curvature) ** 2
    return fixed + (1 - fixed) * factor ** (updates * np.asarray(epochs, dtype=float))


def learning_rates():
    """The four loss curves of question D1.4, with their letters and without their rates."""
    figure, axes = sheet(width=4.6, height=3.4)
    epochs = np.linspace(0, 40, 401)
    for letter, rate in LEARNING_RATES.items():
        # A rate that diverges is drawn until it has left the frame.
        shown = epochs[:2] if rate == max(LEARNING_RATES.values()) else epochs
        axes.plot(shown, sgd_loss(rate, shown), linewidth=2.5, label=letter)
    places = {"A": (1.6, 1.3), "B": (22, 0.84), "C": (30, 0.51), "D": (12, 0.2)}
    for line in axes.lines:
        axes.text(*places[line.get_label()], line.get_label(), color=line.get_color(),
                  fontsize=15, fontweight="bold", va="center")
    axes.set(xlabel="epoch", ylabel="training loss", xlim=(-1.5, 40), ylim=(0, 1.5))
    return figure


def two_two_two():
    """The network of question D3: its hidden units stand before and after their ReLU."""
    figure, axes = _canvas(4.8, 3.3, (-0.5, 6.5), (-1.0, 3.75))
    columns = (("i_1", "i_2"), ("h_1", "h_2"), ("h_3", "h_4"), ("o_1", "o_2"))
    places = {unit: (2 * layer, 2 - 2 * row)
              for layer, column in enumerate(columns) for row, unit in enumerate(column)}
    kinds = {"i": "input", "h": "hidden", "o": "output"}
    for weight, (start, end) in TWO_TWO_TWO.items():
        straight = places[start][1] == places[end][1]
        _arrow(axes, places[start], places[end], f"${weight}$", at=0.5 if straight else 0.3)
    for start, end in (("h_1", "h_3"), ("h_2", "h_4")):
        _arrow(axes, places[start], places[end], "ReLU", size=10)
    for unit, place in places.items():
        _unit(axes, place, f"${unit}$", kinds[unit[0]])
    for unit, bias in BIASES.items():
        x, y = places[unit]
        outside = 1 if y else -1
        axes.text(x, y + 0.66 * outside, f"$+\\,{bias}$", fontsize=12, ha="center", va="center")
    for layer, name in enumerate(("input", "hidden,\nsum", "hidden,\nReLU", "output")):
        axes.text(2 * layer, 3.4, name, fontsize=10, ha="center", va="center")
    return figure


def linear_networks():
    """Networks A and B of question E1c: a bar per layer, longer for more units."""
    figure, axes = _canvas(4.6, 3.4, (-1.4, 6.4), (-1.5, 4.0))
    for left, (name, widths) in zip((0, 5), LINEAR_NETWORKS.items(), strict=True):
        heights = np.linspace(0, 3.2, len(widths))
        for kind, y, width in zip(("input", *["hidden"] * (len(widths) - 2), "output"), heights,
                                  widths, strict=True):
            _bar(axes, (left, y), 1.3 * np.sqrt(width / max(widths)), f"{width}", kind)
        for low, high in pairwise(heights):
            _arrow(axes, (left, low), (left, high), radius=0.34)
        axes.text(left, -1.1, f"Network {name}", fontsize=12, ha="center", va="center")
    for y, word in ((0, "inputs"), (1.6, "hidden\nunits"), (3.2, "outputs")):
        axes.text(2.5, y, word, fontsize=10, ha="center", va="center")
    return figure


def recurrent_uvw():
    """The network of question E3a, unrolled: input, linear hidden unit, logistic output."""
    figure, axes = _canvas(4.8, 3.3, (-1.75, 6.2), (-0.55, 4.55))
    steps = {0: "1", 2: "2", 5.6: "T"}
    for x, time in steps.items():
        _arrow(axes, (x, 0), (x, 2), "$u$", side=1)
        _arrow(axes, (x, 2), (x, 4), "$v$", side=1)
        _unit(axes, (x, 0), f"$x^{{({time})}}$", "input")
        _unit(axes, (x, 2), f"$h^{{({time})}}$", "hidden")
        _unit(axes, (x, 4), f"$y^{{({time})}}$", "output")
    _arrow(axes, (0, 2), (2, 2), "$w$")
    _arrow(axes, (2, 2), (3.7, 2), "$w$")
    _arrow(axes, (3.9, 2), (5.6, 2), "$w$")
    for y in (0, 2, 4):
        axes.text(3.8, y, "$\\cdots$", fontsize=14, ha="center", va="center")
    for y, word in ((0, "input"), (2, "linear"), (4, "logistic")):
        axes.text(-1.15, y, word, fontsize=10, ha="center", va="center")
    return figure


def recurrent_chain():
    """The network of question E3c: one input at the first step, one prediction at the last."""
    figure, axes = _canvas(4.8, 2.6, (-0.6, 8.0), (0.0, 4.0))
    hidden = {0: "1", 2: "2", 4: "3", 7.4: "T"}
    for start, end in ((0, 2), (2, 4), (4, 5.7), (5.75, 7.4)):
        _arrow(axes, (start, 2), (end, 2), "$w$")
    _arrow(axes, (0, 0.5), (0, 2))
    _arrow(axes, (7.4, 2), (7.4, 3.5))
    axes.text(5.75, 2, "$\\cdots$", fontsize=14, ha="center", va="center",
              bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})
    for x, time in hidden.items():
        _unit(axes, (x, 2), f"$h^{{({time})}}$", "hidden")
    _unit(axes, (0, 0.5), "$x$", "input")
    _unit(axes, (7.4, 3.5), "$y$", "output")
    return figure


def cheat_sheet():
    """Sigmoid, tanh and ReLU of paper C, each with its derivative (dashed)."""
    figure, grid = sheet(3, 1, width=4.4, height=7.0, sharex=True)
    z = np.linspace(-5, 5, 401)
    sigmoid = 1 / (1 + np.exp(-z))
    _curve(grid[0], z, sigmoid, sigmoid * (1 - sigmoid), "Sigmoid", (1.7, 0.68), (1.5, 0.26))
    _curve(grid[1], z, np.tanh(z), 1 - np.tanh(z) ** 2, "Hyperbolic tangent", (1.9, 0.76),
           (1.3, 0.38))
    # The two halves of the ReLU's derivative do not meet: it has none at 0.
    step = np.where(z == 0, np.nan, (z > 0) * 1.0)
    _curve(grid[2], z, np.maximum(0, z), step, "Rectified linear unit", (1.9, 3.4), (3.4, 0.45))
    grid[2].plot([0, 0], [0, 1], "o", markersize=5, markerfacecolor="white",
                 color=grid[2].lines[1].get_color(), zorder=3)
    grid[2].set_xlabel("$z$", fontsize=12)
    return figure


def _curve(axes, z, value, slope, title, value_label, slope_label):
    """A function, solid, and its derivative, dashed, each named beside its curve."""
    for y, dash, name, place in ((value, "-", "$f(z)$", value_label),
                                 (slope, "--", "$f'(z)$", slope_label)):
        line, = axes.plot(z, y, dash, linewidth=2)
        axes.text(*place, name, color=line.get_color(), fontsize=12, va="center")
    axes.set_title(title, loc="left", fontsize=12)


def _canvas(width, height, xlim, ylim):
    """A sheet with one pair of axes without frame, on which a network is drawn to scale."""
    figure, axes = sheet(width=width, height=height)
    axes.set(xlim=xlim, ylim=ylim, aspect="equal")
    axes.set_axis_off()
    return figure, axes


def _unit(axes, place, label, kind):
    """A unit of a network: a circle with its name in it."""
    axes.text(*place, label, fontsize=12, ha="center", va="center", color=INK, zorder=4,
              bbox={"boxstyle": "circle,pad=0.28", "facecolor": FILLS[kind], "edgecolor": INK})


def _bar(axes, place, half, label, kind):
    """A layer: a bar with its number of units in it."""
    x, y = place
    axes.fill([x - half, x + half, x + half, x - half], [y - 0.3, y - 0.3, y + 0.3, y + 0.3],
              facecolor=FILLS[kind], edgecolor=INK, linewidth=1)
    axes.text(x, y, label, fontsize=12, ha="center", va="center", color=INK)


def _arrow(axes, start, end, label="", *, at=0.5, radius=0.42, side=0, size=12):
    """An arrow between the rims of two units; its label sits on it, or beside it."""
    start, end = np.array(start, float), np.array(end, float)
    along = (end - start) / np.hypot(*(end - start))
    axes.annotate("", end - radius * along, start + radius * along, zorder=2,
                  arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 1.2,
                              "shrinkA": 0, "shrinkB": 0})
    if label:
        x, y = start + at * (end - start)
        axes.text(x + 0.28 * side, y, label, fontsize=size, ha="center", va="center", zorder=3,
                  bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})
