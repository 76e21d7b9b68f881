"""Figures of the chapter backprop: each takes what its experiment returns and gives a sheet."""

import numpy as np
from matplotlib.colors import ListedColormap

from fullmarks.plots import BLUE, GREEN, ORANGE, sheet

# Where the nodes of D3's graph stand: the chain of operations downwards, the leaves on the left.
LABELS = {"subtract": "− t", "multiply": "e · e", "divide": "÷ 2", "add": "+", "matmul": "×"}


def exam_graph(graph):
    """The recorded graph from the inputs down to the loss, values and adjoints on its edges."""
    places = _places(graph)
    figure, ax = sheet(width=4.6, height=8.0)
    for edge in graph.edges:
        _edge(ax, places[edge.parent], places[edge.child], edge.uses)
        _numbers(ax, places[edge.parent], places[edge.child], edge, graph)
    for (x, y), operation in zip(places, graph.operations, strict=True):
        leaf = operation not in LABELS and operation not in ("relu", "sum")
        box = {"boxstyle": "round,pad=0.3" if leaf else "circle,pad=0.25", "facecolor": "white"}
        text = LABELS.get(operation, operation)
        ax.text(x, y, text, ha="center", va="center", bbox=box, zorder=3)
    x, y = places[0]
    ax.annotate("", (x, y - 0.85), (x, y), arrowprops={"arrowstyle": "->", "shrinkA": 14})
    ax.text(x + 0.12, y - 0.6, _shown(graph.values[0]), color=BLUE)
    ax.text(x - 0.12, y - 0.6, _shown(graph.adjoints[0]), color=ORANGE, ha="right")
    ax.text(-0.45, 0.0, "adjoint", color=ORANGE, ha="right", va="center")
    ax.text(0.45, 0.0, "value", color=BLUE, va="center")
    ax.set(xlim=(-2.8, 1.4), ylim=(-9.95, 0.35))
    ax.set_axis_off()
    return figure


def _places(graph):
    """The chain from the root up stands in one column; each leaf stands left of what uses it."""
    users = {edge.parent: edge.child for edge in reversed(graph.edges)}
    inner = sorted({edge.child for edge in graph.edges})
    rows = {node: row for row, node in enumerate(reversed(inner))}
    places = []
    for node, operation in enumerate(graph.operations):
        if node in rows:
            places.append((0.0, -1.0 * rows[node] - 1.0))
        elif operation == "x":
            places.append((0.0, 0.0))
        else:
            places.append((-2.5, -1.0 * rows[users[node]] - 1.0))
    return places


def _edge(ax, start, end, uses):
    curves = [0.0] if uses == 1 else [-0.5, 0.5]
    for curve in curves:
        arrow = {
            "arrowstyle": "->", "shrinkA": 13, "shrinkB": 15, "color": "#555555",
            "connectionstyle": f"arc3,rad={curve}",
        }  # fmt: skip
        ax.annotate("", end, start, arrowprops=arrow, zorder=1)


def _numbers(ax, start, end, edge, graph):
    value, adjoint = _shown(graph.values[edge.parent]), _shown(graph.adjoints[edge.parent])
    if start[0] == end[0]:
        gap = 0.12 if edge.uses == 1 else 0.42
        y = (start[1] + end[1]) / 2
        ax.text(start[0] + gap, y, value, color=BLUE, va="center")
        ax.text(start[0] - gap, y, adjoint, color=ORANGE, va="center", ha="right")
    else:
        x, block = -1.55, {"linespacing": 1.0, "family": "monospace", "size": 10}
        ax.text(x, start[1] + 0.06, value, color=BLUE, ha="center", va="bottom", **block)
        ax.text(x, start[1] - 0.08, adjoint, color=ORANGE, ha="center", va="top", **block)


def _shown(array):
    """Rows of numbers as text, a minus sign for each hyphen, columns padded to one width."""
    texts = np.vectorize(lambda v: f"{v:g}".replace("-", "−"))(np.atleast_2d(array))
    width = max(map(len, texts.flat)) if len(texts) > 1 else 0
    return "\n".join("  ".join(text.rjust(width) for text in row) for row in texts)


def paths_and_edges(sharing):
    """Number of paths and of edges against the depth of a chain of doublings."""
    figure, ax = sheet(width=5.2, height=3.3)
    ax.semilogy(sharing.depth, sharing.paths, "o-", color=ORANGE, markersize=4)
    ax.semilogy(sharing.depth, sharing.edges, "o-", color=BLUE, markersize=4)
    ax.text(14, 3e6, "paths: a product each", color=ORANGE, ha="right")
    ax.text(14, 90, "edges: a product each", color=BLUE)
    ax.set(xlabel="depth of the chain", ylabel="count")
    return figure


OUTCOMES = ["right", "error", "wrong"]
COLOURS = ListedColormap(["#cfe8f5", "#f0f0f0", ORANGE])


def in_place_outcomes(outcomes):
    """Operations against changes: right gradient, error, or wrong gradient without a word."""
    codes = np.vectorize(OUTCOMES.index)(outcomes.ours)
    figure, ax = sheet(width=5.4, height=5.6)
    ax.pcolormesh(codes, cmap=COLOURS, vmin=0, vmax=2, edgecolors="white", linewidth=2)
    for (row, column), code in np.ndenumerate(codes):
        style = {"color": "white", "weight": "bold"} if code == 2 else {"color": "black"}
        ax.text(column + 0.5, row + 0.5, OUTCOMES[code], ha="center", va="center", **style)
    ax.set_xticks(np.arange(4) + 0.5, outcomes.changes)
    ax.set_yticks(np.arange(len(codes)) + 0.5, [f"y = {name}" for name in outcomes.operations])
    ax.tick_params(length=0, labeltop=True, labelbottom=False)
    ax.invert_yaxis()
    ax.grid(False)
    ax.spines[:].set_visible(False)
    return figure


def softmax_response(response):
    """Three probabilities while one logit moves, with their tangents at one place."""
    figure, ax = sheet(width=5.2, height=3.3)
    near = response.place + np.array([-1.0, 1.0])
    for i, color in enumerate((BLUE, ORANGE, GREEN)):
        ax.plot(response.z, response.probabilities[i], color=color)
        ax.plot(
            near, response.p[i] + response.slope[i] * (near - response.place), color="black", lw=1
        )
        ax.plot(response.place, response.p[i], "o", color=color)
        text = f"$\\hat{{y}}_{i + 1}$: slope {response.slope[i]:.3f}".replace("-", "−")
        ax.text(*((2.7, 0.66), (-2.9, 0.77), (-2.9, 0.31))[i], text, color=color)
    ax.set(xlabel="logit $z_1$  (with $z_2 = 1$, $z_3 = 0$)", ylabel="probability", ylim=(0, 1))
    return figure


def softmax_ranges(ranges):
    """Probability of the first class against a shift of all logits, in three precisions."""
    figure, axes = sheet(3, 1, width=5.2, height=6.0)
    for ax, found in zip(axes, ranges, strict=True):
        ax.plot(found.shift, found.shifted, color=BLUE)
        ax.plot(found.shift, found.naive, color=ORANGE, linestyle=(0, (4, 2)))
        ax.axvspan(found.shift[0], found.low, color=ORANGE, alpha=0.12, linewidth=0)
        ax.axvspan(found.high, found.shift[-1], color=ORANGE, alpha=0.12, linewidth=0)
        ax.set_title(found.dtype)
        ax.set(xlim=found.shift[[0, -1]], ylim=(-0.08, 1.12), ylabel=r"$\hat{y}_1$")
        ax.set_yticks([0, 0.5, 1])
        low, high = (f"{number:.1f}".replace("-", "−") for number in (found.low, found.high))
        for edges, text in (
            ((found.shift[0], found.low), f"0/0\nbelow\n{low}"),
            ((found.high, found.shift[-1]), f"overflow\nabove\n{high}"),
        ):
            ax.text(np.mean(edges), 0.27, text, ha="center", va="center", linespacing=1.1)
    axes[0].text(-9, 0.8, "maximum subtracted", color=BLUE)
    axes[0].text(-9, 0.4, "as written", color=ORANGE)
    axes[2].set_xlabel("number $s$ that is added to every logit")
    return figure


def difference_errors(differences):
    """Relative error of two difference quotients against the step, and of backpropagation."""
    figure, ax = sheet(width=5.2, height=3.3)
    ax.loglog(differences.step, differences.forward, color=ORANGE)
    ax.loglog(differences.step, differences.central, color=GREEN)
    ax.axhline(differences.backpropagation, color=BLUE)
    ax.text(3e-14, differences.backpropagation * 2, "backpropagation: no step", color=BLUE)
    ax.text(3e-5, 3e-3, "forward difference", color=ORANGE, ha="right")
    ax.text(5e-4, 1e-10, "central\ndifference", color=GREEN)
    ax.set(xlabel="step $h$", ylabel="relative error of the derivative", ylim=(1e-16, 10))
    return figure


def threshold_training(twins):
    """Loss, and how far each layer has moved, against the step for both networks."""
    figure, axes = sheet(1, 2, width=5.2, height=3.0)
    for run, color, name in (
        (twins.threshold, ORANGE, "threshold"), (twins.sigmoid, BLUE, "sigmoid"),
    ):  # fmt: skip
        axes[0].plot(run.loss, color=color)
        axes[1].plot(run.moved_hidden, color=color)
        axes[1].plot(run.moved_output, color=color, linestyle="--")
        axes[0].text(len(run.loss), run.loss[-1] + 0.03, name, color=color, ha="right")
    axes[0].axhline(twins.floor, color="black", linewidth=1, linestyle=":")
    axes[0].text(len(run.loss), twins.floor - 0.03, "best output layer", ha="right", va="top")
    axes[0].set(xlabel="gradient step", title="mean loss", ylim=(0, None))
    axes[1].set(xlabel="gradient step", title="distance from the start")
    for values, text, color, lift in (
        (twins.sigmoid.moved_output, "$W_2$", BLUE, 5),
        (twins.sigmoid.moved_hidden, "$W_1$", BLUE, 5),
        (twins.threshold.moved_output, "$W_2$", ORANGE, -14),
        (twins.threshold.moved_hidden, "$W_1$: exactly 0", ORANGE, 5),
    ):
        axes[1].annotate(
            text, (len(values), values[-1]), (0, lift), color=color, ha="right",
            textcoords="offset points",
        )  # fmt: skip
    axes[1].set_ylim(None, 17)
    return figure


def threshold_regions(twins):
    """What both networks make of the plane, with the data."""
    figure, axes = sheet(1, 2, width=5.2, height=3.0, sharey=True)
    for ax, run, name in zip(
        axes, (twins.threshold, twins.sigmoid), ("threshold", "sigmoid"), strict=True
    ):
        ax.pcolormesh(
            twins.grid, twins.grid, run.regions, cmap="RdBu", vmin=0, vmax=1, alpha=0.6,
            rasterized=True, shading="nearest",
        )  # fmt: skip
        for label, color, marker in ((0, "#7f2704", "o"), (1, "#08306b", "^")):
            points = twins.x[twins.y == label]
            ax.plot(*points.T, marker, color=color, markersize=3.5)
        ax.set(title=f"{name}: {run.accuracy[-1]:.0%} right", aspect="equal", xlabel="$x_1$")
        ax.grid(False)
    axes[0].set_ylabel("$x_2$")
    return figure
