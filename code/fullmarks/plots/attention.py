"""Figures of the chapter attention: each takes what its experiment returns and gives a sheet."""

import numpy as np

from fullmarks.plots import BLUE, GREEN, GREY, ORANGE, sheet


def models(words=4):
    """The two models side by side, for one target word: what its context is made of."""
    figure, axes = sheet(1, 2, height=3.6)
    for ax, title in zip(axes, ("fixed vector", "attention"), strict=True):
        _draw_encoder(ax, words)
        ax.set_title(title, loc="center")
    _unit(axes[0], 1.5, 2.2, "$c$", ORANGE)
    for j in (0, words - 1):
        _arrow(axes[0], (j, 1), (1.5, 2.2), ORANGE, 3)
    _arrow(axes[0], (1.5, 2.2), (1.5, 3.4), ORANGE, 3)
    _unit(axes[1], 1.5, 2.2, "$c_i$", ORANGE)
    for j, weight in enumerate((0.5, 5.0, 1.5, 0.5)):
        _arrow(axes[1], (j, 1), (1.5, 2.2), ORANGE, weight)
    _arrow(axes[1], (1.5, 2.2), (1.5, 3.4), ORANGE, 3)
    axes[1].text(2.75, 1.75, r"$\alpha_{ij}$", color=ORANGE)
    for ax in axes:
        _unit(ax, -0.1, 3.4, "$s_{i-1}$", BLUE)
        _unit(ax, 1.5, 3.4, "$s_i$", BLUE)
        _arrow(ax, (-0.1, 3.4), (1.5, 3.4), BLUE, 1.5)
        ax.text(1.5, 4.15, "$y_i$", ha="center", va="center")
        _arrow(ax, (1.5, 3.4), (1.5, 4.15), "black", 1.2)
        ax.set(xlim=(-0.6, words + 0.1), ylim=(-0.35, 4.4))
        ax.axis("off")
    return figure


def _draw_encoder(ax, words):
    for j in range(words):
        _unit(ax, j, 1, f"$h_{j + 1}$", GREEN)
        ax.text(j, 0, f"$x_{j + 1}$", ha="center", va="center")
        _arrow(ax, (j, 0), (j, 1), "black", 1.2)
        if j:
            ax.annotate("", (j - 0.3, 1), (j - 0.7, 1),
                        arrowprops={"arrowstyle": "<->", "color": GREEN})  # fmt: skip


def _unit(ax, x, y, label, color):
    box = {"boxstyle": "circle,pad=0.25", "facecolor": "white", "edgecolor": color}
    ax.text(x, y, label, ha="center", va="center", zorder=3, bbox=box)


def _arrow(ax, start, end, color, width):
    ax.annotate("", end, start, zorder=1,
                arrowprops={"arrowstyle": "->", "color": color, "linewidth": width,
                            "shrinkA": 13, "shrinkB": 13})  # fmt: skip


def lengths(result):
    """Share of right words over the length, a dot per trained network."""
    figure, ax = sheet(height=3.3)
    styles = (
        (result.attention, "attention", BLUE, "o"),
        (result.fixed, "fixed vector", ORANGE, "s"),
    )
    for (share, label, color, marker), shift in zip(styles, (-0.08, 0.08), strict=True):
        where = np.array(result.length) + shift
        ax.plot(where, np.median(share, axis=1), color=color, linewidth=1, zorder=1)
        ax.plot(np.repeat(where, share.shape[1]), share.ravel(), marker, color=color, alpha=0.7,
                label=label)  # fmt: skip
    ax.axhline(1 / 8, color=GREY, linewidth=1, linestyle="--")
    ax.text(result.length[-1], 0.14, "guessing", color=GREY, ha="right")
    ax.set(xlabel="words in the sentence", ylabel="right words", ylim=(0, 1.05))
    ax.set_xticks(result.length)
    ax.legend(loc="lower left", bbox_to_anchor=(0.0, 0.18))
    return figure


def alignment(sentence):
    """The weights of one sentence: a row for each target word."""
    T = len(sentence.target)
    figure, ax = sheet(height=4.2)
    image = ax.imshow(sentence.weights, cmap="Blues", vmin=0, vmax=1)
    letters = np.array(list("abcdefgh"))
    source = [
        f"{letters[word]}$_{{{place + 1}}}$"
        for word, place in zip(sentence.source, sentence.place, strict=True)
    ]
    ax.set_xticks(range(T), source)
    ax.set_yticks(range(T), letters[sentence.target])
    ax.plot(np.arange(T), sentence.place, "s", color=ORANGE, markersize=15, fillstyle="none",
            markeredgewidth=1.5)  # fmt: skip
    figure.colorbar(image, ax=ax, label=r"weight $\alpha_{ij}$", ticks=[0, 0.5, 1], shrink=0.8)
    ax.set(xlabel="source word, with the place it belongs to", ylabel="target word")
    ax.grid(False)
    return figure


def copying(result, networks=(0, 1)):
    """Mean weights of two networks that copy."""
    figure, axes = sheet(1, 2, height=2.9, sharey=True)
    T = result.weights.shape[1]
    for ax, network in zip(axes, networks, strict=True):
        image = ax.imshow(result.weights[network], cmap="Blues", vmin=0, vmax=1)
        ax.plot(np.arange(T), np.arange(T), "s", color=ORANGE, markersize=17, fillstyle="none",
                markeredgewidth=1.5)  # fmt: skip
        ax.set(title=f"{100 * result.right[network]:.0f} % right", xlabel="source place $j$")
        ax.set_xticks(range(T), range(1, T + 1))
        ax.set_yticks(range(T), range(1, T + 1))
        ax.grid(False)
    axes[0].set_ylabel("target place $i$")
    figure.colorbar(image, ax=axes, label="mean weight", ticks=[0, 0.5, 1], shrink=0.8)
    return figure


def reach(result):
    """Gradient over the length of the sentence: geometric mean and range of the seeds."""
    figure, ax = sheet(height=3.3)
    for norms, label, color in (
        (result.attention, "attention", BLUE),
        (result.fixed, "fixed vector", ORANGE),
    ):
        mean = np.exp(np.log(norms).mean(axis=0))
        ax.loglog(result.length, mean, "o-", color=color, label=label)
        ax.fill_between(result.length, norms.min(axis=0), norms.max(axis=0), color=color,
                        alpha=0.15, linewidth=0)  # fmt: skip
    start = np.exp(np.log(result.attention[:, 0]).mean())
    ax.loglog(result.length, start * result.length[0] / result.length, color=GREY, linewidth=1,
              linestyle=":", label=r"$\propto 1/T$")  # fmt: skip
    ax.set_xticks(result.length, result.length)
    ax.minorticks_off()
    ax.legend(loc="lower left")
    ax.set(xlabel="words in the sentence, $T$", ylabel="norm of the gradient")
    return figure


def scales(result):
    """Largest of 16 weights over the dimension, with and without the division."""
    figure, ax = sheet(height=3.1)
    ax.semilogx(result.d, result.plain, "s-", color=ORANGE, label=r"$q^\top k$")
    ax.semilogx(result.d, result.scaled, "o-", color=BLUE, label=r"$q^\top k / \sqrt{d}$")
    ax.set_xticks(result.d, result.d)
    ax.minorticks_off()
    ax.legend(loc="center right", bbox_to_anchor=(1.0, 0.42))
    ax.set(xlabel="dimension $d$ of queries and keys", ylabel="mean of the largest weight",
           ylim=(0, 1))  # fmt: skip
    return figure
