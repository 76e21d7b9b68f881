"""Figures of the chapter convolution: each takes what its experiment returns and gives a sheet."""

import numpy as np
from matplotlib.patches import Rectangle

from fullmarks.plots import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, sheet

AMBER = "#E69F00"


def sliding(places):
    """The kernel at each place of "full", the sum beside it, and which modes keep that sum."""
    padded, taps, sums = places
    outside = len(taps) - 1
    figure, ax = sheet(height=3.9)
    for row, total in enumerate(sums):
        for column, value in enumerate(padded):
            inside = outside <= column < len(padded) - outside
            under = row <= column < row + len(taps)
            ax.add_patch(Rectangle(
                (column, row), 0.94, 0.86, facecolor="#cfe3f1" if under else "white",
                edgecolor=BLUE if inside else "#c0c0c0", linestyle="-" if inside else ":",
            ))  # fmt: skip
            tap = rf"$\cdot${taps[column - row]:.0f}" if under else ""
            ax.text(column + 0.47, row + 0.44, f"{value:.0f}{tap}", ha="center", va="center",
                    color="black" if inside else GREY)  # fmt: skip
        ax.text(len(padded) + 0.2, row + 0.44, f"= {total:.0f}", va="center", color=ORANGE)
    same = (len(taps) - 1) // 2
    for x, mode, cut in ((10.2, "full", 0), (11.6, "same", same), (13.1, "valid", outside)):
        top, bottom = cut + 0.1, len(sums) - cut - 0.25
        ax.plot([x, x], [top, bottom], color=ORANGE, linewidth=2)
        ax.text(x, -0.35, mode, ha="center", va="bottom", color=ORANGE)
    ax.text(len(padded) / 2, -0.35, "zeros, input, zeros", ha="center", va="bottom")
    ax.set(xlim=(-0.1, 13.8), ylim=(len(sums), -1.0))
    ax.axis("off")
    return figure


def weight_matrices(matrices):
    """Three weight matrices with the same inputs and outputs, and their free weights."""
    figure, axes = sheet(1, 3, height=2.3)
    top = max(abs(matrix).max() for matrix in matrices)
    for ax, matrix, title in zip(axes, matrices, ("dense", "local", "convolution"), strict=True):
        shown = np.where(matrix == 0, np.nan, matrix)
        ax.imshow(shown, cmap="PuOr", vmin=-top, vmax=top)
        weights = len(np.unique(matrix[matrix != 0]))
        ax.set(title=f"{title}:\n{weights} weights", xticks=[], yticks=[], xlabel="input")
        ax.spines[:].set_visible(True)
        ax.grid(False)
    axes[0].set_ylabel("output")
    return figure


def statistics(result):
    """Error against the number of examples, on logarithmic axes: dots measured, lines theory."""
    figure, ax = sheet(height=3.5)
    labels = ("dense", "local", "convolution")
    for row, (name, color) in enumerate(zip(labels, (ORANGE, AMBER, BLUE), strict=True)):
        ax.loglog(result.examples, result.theory[row], color=color, linewidth=1)
        ax.loglog(result.examples, result.measured[row], "o", color=color)
        ax.annotate(
            f"{name}, {result.weights[row]} weights", (result.examples[2], result.theory[row, 2]),
            (4, 8), textcoords="offset points", color=color,
        )  # fmt: skip
    ax.set_xticks(result.examples, [str(count) for count in result.examples])
    ax.minorticks_off()
    ax.set(xlabel="training examples", ylabel="excess squared error per output")
    return figure


def costs(result):
    """Weights and multiplications against the image side, on logarithmic axes."""
    figure, ax = sheet(height=3.4)
    ax.loglog(result.side, result.dense, "o-", color=ORANGE)
    ax.loglog(result.side, result.convolution_products, "o-", color=SKY)
    ax.loglog(result.side, result.convolution_weights, "o-", color=BLUE)
    ax.text(9, 1.5e9, "dense: weights,\nand multiplications", color=ORANGE, ha="left")
    ax.text(40, 3e5, "convolution: multiplications", color="#2a7fb0", ha="left")
    ax.text(40, 1.5e3, "convolution: weights", color=BLUE, ha="left")
    ax.set_xticks(result.side, [str(s) for s in result.side])
    ax.minorticks_off()
    ax.set(xlabel="side of the image in pixels", ylabel="number")
    return figure


def shifts(result):
    """What is left of a shift after each kind of map: moved along with it, and in place."""
    figure, axes = sheet(2, 1, height=5.2, sharex=True)
    names = ("convolution", "pooling, stride 2", "pooling, stride 4", "global pooling")
    colors, markers = (BLUE, ORANGE, PURPLE, GREEN), "osD^"
    for ax, values, title in zip(
        axes,
        (result.aligned, result.in_place),
        ("map moved along: is it the same map?", "map left in place: has it changed?"),
        strict=True,
    ):
        for row, name in enumerate(names):
            ax.plot(result.shift, values[row], "-", marker=markers[row], color=colors[row],
                    label=name, markersize=5, linewidth=1.2)  # fmt: skip
        ax.set(title=title, ylabel="relative change", ylim=(-0.05, None))
    axes[0].set_ylim(-0.05, 1.05)
    axes[0].legend(ncols=2, loc="upper center", columnspacing=1, handletextpad=0.4)
    axes[1].set(xlabel="shift of the input in pixels")
    return figure


def components(maps):
    """An image on its way through convolution, ReLU and pooling."""
    figure, axes = sheet(2, 2, height=4.9)
    titles = ("input", "convolution", "ReLU", "max pooling")
    for ax, image, title in zip(axes.flat, maps, titles, strict=True):
        ax.imshow(image, cmap="PuOr", vmin=-1.2, vmax=1.2)
        ax.set(title=f"{title}, {image.shape[0]} × {image.shape[1]}", xticks=[], yticks=[])
        ax.spines[:].set_visible(True)
        ax.grid(False)
    return figure


def fields(result):
    """What a corner, an edge and a middle unit see, with the part that lies in the padding."""
    figure, ax = sheet(height=4.0)
    side = result.side
    ax.add_patch(Rectangle((0, 0), side, side, facecolor="#f2f2f2", edgecolor="black"))
    notes = {"corner": (40, 22), "edge": (40, 132), "middle": (150, 132)}
    for (name, (rows, columns)), color in zip(
        result.units.items(), (ORANGE, PURPLE, BLUE), strict=True
    ):
        seen = [min(last, side - 1) - max(first, 0) + 1 for first, last in (rows, columns)]
        ax.add_patch(Rectangle(
            (columns[0], rows[0]), columns[1] - columns[0] + 1, rows[1] - rows[0] + 1,
            facecolor="none", edgecolor=color, linestyle="--",
        ))  # fmt: skip
        ax.add_patch(Rectangle(
            (max(columns[0], 0), max(rows[0], 0)), seen[1], seen[0], facecolor=color, alpha=0.5,
        ))  # fmt: skip
        ax.text(*notes[name], f"{name}:\n{seen[0]} × {seen[1]}", color=color, va="center")
    ax.set(xlim=(-20, side + 20), ylim=(side + 20, -20), aspect="equal")
    ax.set(xlabel="column", ylabel="row", xticks=[0, 128, 255], yticks=[0, 128, 255])
    return figure


def profile(result):
    """Share of the squared gradient by column: counted, and measured in random networks."""
    figure, ax = sheet(height=3.5)
    ax.bar(result.offset, result.paths, width=0.9, color="#cfe3f1", label="share of the paths")
    ax.plot(result.offset, result.linear, "o", color=BLUE, markersize=5, label="measured, linear")
    ax.plot(result.offset, result.rectified, "x", color=ORANGE, markersize=6,
            label="measured, ReLU")  # fmt: skip
    ax.axhline(1 / len(result.offset), color=GREY, linewidth=1, linestyle=":")
    ax.text(12.5, 1 / len(result.offset) + 0.002, "all alike", color=GREY, ha="right")
    ax.set(xlabel="column, from the middle of the receptive field", ylabel="share")
    ax.set(ylim=(0, 0.165), xlim=(-13, 13))
    ax.legend(loc="upper left", handletextpad=0.4)
    return figure


def growth(result):
    """Width of the receptive field and of its effective part against the depth."""
    figure, ax = sheet(height=3.5)
    ax.loglog(result.depth, result.field, "o", color=ORANGE, markersize=4)
    ax.loglog(result.depth, 1 + 4 * result.depth, color=ORANGE, linewidth=1)
    ax.loglog(result.depth, result.effective, "o", color=BLUE, markersize=4)
    ax.loglog(result.depth, result.normal, color=BLUE, linewidth=1)
    ax.text(7, 62, "receptive field: $1 + 4L$", color=ORANGE, ha="right")
    ax.text(10, 8.5, "95 % of the paths:\nabout " + r"$3.92\sqrt{2L}$", color=BLUE)
    ticks = [1, 2, 6, 16, 64]
    ax.set_xticks(ticks, map(str, ticks))
    ax.set_yticks([5, 14, 25, 45, 257], map(str, [5, 14, 25, 45, 257]))
    ax.minorticks_off()
    ax.set(xlabel="depth $L$ (kernels of 5, stride 1)", ylabel="pixels")
    return figure


def stack(maps, layers, shown=9):
    """One unit of the last map and all that it sees, drawn in one dimension, layer by layer."""
    figure, ax = sheet(height=3.2)
    top = maps[-1].size // 2
    units = [{top}]
    for layer in reversed(layers):
        units.insert(0, {u * layer.stride - layer.padding + t for u in units[0]
                         for t in range(layer.kernel)})  # fmt: skip
    centre = maps[-1].start + top * maps[-1].jump + (maps[-1].field - 1) / 2
    names = ["input", "convolution", "pooling"]
    spots = []
    for height, (found, seen) in enumerate(zip(maps, units, strict=True)):
        place = found.start + np.arange(found.size) * found.jump + (found.field - 1) / 2 - centre
        near = np.flatnonzero(abs(place) <= shown / 2)
        spots.append(dict(zip(near, place[near], strict=True)))
        for unit, x in spots[-1].items():
            ax.plot(x, height, "s" if height == 0 else "o", markersize=13, zorder=3,
                    color=ORANGE if unit in seen else "#c8c8c8")  # fmt: skip
        ax.text(-shown / 2 - 0.8, height, f"{names[height]}\n{len(seen)} seen", ha="right",
                va="center", color="black")  # fmt: skip
    for height, layer in enumerate(layers):
        for unit, x in spots[height + 1].items():
            for t in range(layer.kernel):
                below = unit * layer.stride - layer.padding + t
                if below in spots[height]:
                    ax.plot([x, spots[height][below]], [height + 1, height], zorder=1,
                            color=ORANGE if unit in units[height + 1] else "#dcdcdc")  # fmt: skip
    ax.set(xlim=(-shown / 2 - 4.2, shown / 2 + 0.6), ylim=(-0.45, len(maps) - 0.55))
    ax.axis("off")
    return figure


def sizes(result):
    """Accuracy against the size of new images, for both meanings of a larger image."""
    figure, axes = sheet(2, 1, height=5.2, sharex=True)
    titles = {"cropped": "larger images show more", "scaled": "larger images show the same, larger"}
    colors = {"resize": BLUE, "global mean": ORANGE, "pyramid": GREEN}
    markers = {"resize": "o", "global mean": "s", "pyramid": "^"}
    for ax, (family, ways) in zip(axes, result.accuracy.items(), strict=True):
        for way, accuracy in ways.items():
            ax.plot(result.size, accuracy, "-", marker=markers[way], color=colors[way], label=way,
                    linewidth=1.2, markersize=6, alpha=0.9)  # fmt: skip
        ax.axvline(result.trained, color=GREY, linewidth=1, linestyle=":")
        ax.set(title=titles[family], ylabel="accuracy", ylim=(0.15, 1.08))
    axes[0].text(result.trained + 0.4, 0.2, "trained here", color=GREY)
    axes[1].legend(loc="lower right", handletextpad=0.4)
    axes[1].set_xlabel("side of the images in pixels")
    axes[1].set_xticks(result.size)
    return figure


def distances(result):
    """Distances of pairs as multiples of their mean, and that to the nearest of many points."""
    figure, axes = sheet(2, 1, height=5.6)
    colors, markers = (ORANGE, AMBER, SKY, BLUE), "osD^"
    bins = np.linspace(0, 2.4, 61)
    for (d, ratios), color in zip(result.pairs.items(), colors, strict=True):
        density, _ = np.histogram(ratios, bins=bins, density=True)
        axes[0].stairs(density / density.max(), bins, color=color, linewidth=1.4,
                       label=f"$d = {d}$")  # fmt: skip
    axes[0].set(xlabel="distance of two points / mean distance", ylabel="frequency / highest")
    axes[0].legend(loc="upper right", handlelength=1.2)
    for (d, nearest), color, marker in zip(result.nearest.items(), colors, markers, strict=True):
        axes[1].semilogx(result.points, nearest, "-", marker=marker, color=color, markersize=5)
        axes[1].text(1150, nearest[-1], f"$d = {d}$", color=color, va="center")
    axes[1].set(ylim=(0, 1.05), xlim=(9, 4000))
    axes[1].set(xlabel="number of points", ylabel="nearest / mean distance")
    return figure
