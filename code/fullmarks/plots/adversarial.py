"""Figures of the chapter adversarial: each takes what its experiment returns and gives a sheet."""

import numpy as np

from fullmarks.plots import BLUE, GREY, ORANGE, PURPLE, sheet


def generator_gradients(result):
    """Size of both generators' gradients over the logit, on a logarithmic scale."""
    figure, ax = sheet(height=3.2)
    ax.semilogy(result.a, result.non_saturating, color=BLUE)
    ax.semilogy(result.a, result.saturating, color=ORANGE)
    ax.text(-7.6, 0.35, r"$-\log w$: size $1 - w$", color=BLUE)
    ax.text(-4.4, 0.0025, r"$\log(1-w)$: size $w$", color=ORANGE)
    ax.axvline(0, color="black", linewidth=0.8)
    ax.set(xlabel="logit $a$ of a generated sample", ylabel="size of the gradient",
           xlim=(-8, 8), ylim=(2e-4, 2))  # fmt: skip
    return figure


def steps_to_escape(counted, predicted, rate):
    """Steps until the discriminator is at 1/2: counted (dots), times over the rate (lines)."""
    figure, ax = sheet(height=3.2)
    for name, color, label in (
        ("saturating", ORANGE, r"$\log(1-w)$"), ("non_saturating", BLUE, r"$-\log w$"),
    ):  # fmt: skip
        ax.semilogy(counted.a, getattr(predicted, name) / rate, color=color, label=label)
        ax.semilogy(counted.a, getattr(counted, name), "o", color=color)
    ax.legend(loc="upper right")
    ax.set(xlabel="logit at the start", ylabel="steps to $w = 1/2$", ylim=(10, 1e5))
    return figure


def orbits(result):
    """Both ways to play the game of two numbers, in the plane."""
    figure, axes = sheet(1, 2, height=2.9)
    titles = ("both at once", "one after the other")
    for ax, places, color, title in zip(
        axes, (result.together, result.in_turn), (ORANGE, BLUE), titles, strict=True
    ):
        ax.plot(*places.T, color=color, linewidth=1.2)
        ax.plot(*places[0], "o", color="black", markersize=5)
        ax.plot(0, 0, "+", color="black", markersize=9)
        ax.set(title=title, xlabel="$x$", aspect="equal", xlim=(-2.3, 2.3), ylim=(-2.3, 2.3))
    axes[0].set_ylabel("$y$")
    return figure


def critic_surface(result):
    """Contours of the linear critic's loss with its minimum, its saddle and the peak at 0."""
    figure, ax = sheet(height=4.0)
    lines = ax.contour(result.grid, result.grid, result.loss, levels=18, cmap="cividis",
                       linewidths=1.0)  # fmt: skip
    figure.colorbar(lines, ax=ax, label="critic's loss $L$", ticks=range(-1, 8))
    ax.plot(np.cos(np.linspace(0, 7, 200)), np.sin(np.linspace(0, 7, 200)), color=GREY,
            linestyle=":", linewidth=1.2)  # fmt: skip
    for place, marker, text, offset in (
        (result.best, "o", "minimum", (0, 9)), (result.saddle, "s", "saddle", (-2, 9)),
        ((0, 0), "^", "peak, no gradient", (0, -17)),
    ):  # fmt: skip
        ax.plot(*place, marker, color=ORANGE, markersize=7)
        ax.annotate(text, place, offset, textcoords="offset points", ha="center",
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})  # fmt: skip
    ax.set(xlabel="$w_1$ (direction of the gap)", ylabel="$w_2$", aspect="equal",
           xticks=range(-2, 3), yticks=range(-2, 3))  # fmt: skip
    ax.grid(False)
    return figure


def pursuit(result):
    """Gap of the means and weight of the critic over the steps."""
    figure, ax = sheet(height=3.2)
    ax.plot(result.gap, color=BLUE, label="gap of the means")
    ax.plot(result.w, color=ORANGE, label="weight $w$", linewidth=1.2)
    ax.axhline(-2 * result.penalty, color="black", linestyle=":", linewidth=1.2)
    ax.axhline(0, color="black", linewidth=0.8)
    ax.text(3000, -1.9 * result.penalty, r"$-2\lambda$", ha="right", va="bottom")
    ax.legend(loc="upper right")
    ax.set(xlabel="steps", ylabel="gap, weight", ylim=(-2.2, 1.7), xlim=(0, 3000))
    return figure


def linear_critic(linear, free):
    """Distance of the means and of the distributions in training against both critics."""
    figure, axes = sheet(2, 1, height=4.6, sharex=True)
    for runs, color, label in ((linear, ORANGE, "linear critic"), (free, BLUE, "hidden layer")):
        for ax, values in zip(axes, (runs.gap, runs.distance), strict=True):
            ax.plot(runs.steps, values.T, color=color, linewidth=0.7, alpha=0.5)
            ax.plot(runs.steps, values.mean(0), color=color, linewidth=2.5, label=label)
    axes[0].set_ylabel("gap of the means")
    axes[1].set(ylabel="Wasserstein distance", xlabel="steps of the generator")
    for ax in axes:
        ax.set_ylim(bottom=0)
    axes[0].legend(loc="upper right")
    return figure


def learnt_densities(linear, free):
    """Histograms of the data and of every run's generator after training."""
    figure, axes = sheet(2, 1, height=4.2, sharex=True, sharey=True)
    bins = np.linspace(-4, 4, 61)
    data = np.histogram(linear.data, bins, density=True)[0]
    for ax, runs, color, title in (
        (axes[0], linear, ORANGE, "linear critic"), (axes[1], free, BLUE, "one hidden layer"),
    ):  # fmt: skip
        ax.stairs(data, bins, fill=True, color="#cccccc")
        for samples in runs.samples:
            ax.stairs(np.histogram(samples, bins, density=True)[0], bins, color=color,
                      linewidth=0.8, alpha=0.7)  # fmt: skip
        ax.axvline(linear.data.mean(), color="black", linestyle=":", linewidth=1.2)
        ax.set(title=title, ylabel="density")
    axes[1].set_xlabel("$x$")
    return figure


def packed_total_variation(result):
    """Total variation of packed samples over the pack size, for three generators."""
    figure, ax = sheet(height=3.4)
    for name, values, color, marker in zip(
        result.name, result.distance, (ORANGE, PURPLE, BLUE), "osD", strict=True
    ):
        hollow = "none" if marker == "s" else color
        ax.plot(result.m, values, marker + "-", color=color, label=name, linewidth=1.4,
                markerfacecolor=hollow, markersize=9 - 4 * (marker != "s"))  # fmt: skip
    ax.legend(loc="upper left")
    ax.set(xlabel="samples in a pack $m$", ylabel="total variation", ylim=(0, 1),
           xticks=result.m)  # fmt: skip
    return figure


def packing(result):
    """Modes found and share near a mode in the end, every run a dot, their means a bar."""
    figure, axes = sheet(2, 1, height=4.6, sharex=True)
    for ax, values in zip(axes, (result.modes, result.near), strict=True):
        for place, runs in enumerate(values[:, -1]):
            jitter = np.linspace(-0.25, 0.25, len(runs))
            ax.plot(place + jitter, runs, "o", color=BLUE, markersize=5, alpha=0.7)
            ax.hlines(runs.mean(), place - 0.35, place + 0.35, color=ORANGE, linewidth=2.5)
    axes[0].set(ylabel="modes found of 8", ylim=(0, 8.5), yticks=range(0, 9, 2))
    axes[1].set(ylabel="share near a mode", ylim=(0, 1))
    axes[1].set_xlabel("samples in a pack × packs in a batch")
    labels = [f"{m} × {packs}" for m, packs in result.settings]
    axes[1].set_xticks(range(len(labels)), labels)
    return figure
