"""Figures of the chapter training: each takes what its experiment returns and gives a sheet."""

import numpy as np
from matplotlib.ticker import LogLocator, NullFormatter

from fullmarks.plots import BLUE, GREEN, ORANGE, PURPLE, sheet


def cheat_sheet(curves, name, formula, slope):
    """One activation function (solid) and its derivative (dashed), with both formulas."""
    figure, ax = sheet(height=2.6)
    ax.plot(curves.z, curves.value, color=BLUE, label=formula)
    ax.plot(curves.z, curves.slope, color=ORANGE, linestyle="--", label=slope)
    gaps = [curves.value, curves.slope]
    for values, color in zip(gaps, (BLUE, ORANGE), strict=True):
        (missing,) = np.nonzero(np.isnan(values))
        for i in missing:
            ends = [values[i - 1], values[i + 1]]
            ax.plot([0, 0], ends, "o", color=color, markerfacecolor="white", markersize=5)
    if np.isnan(curves.value).any():  # the threshold is 1 at 0
        ax.plot(0, 1, "o", color=BLUE, markersize=5)
    top = min(np.nanmax(curves.value), 3.0)
    bottom = min(np.nanmin(curves.value), 0.0)
    room = 0.08 * (top - bottom)
    ax.set(xlabel="$z$", title=name, xlim=(-5, 5), ylim=(bottom - room, top + 5 * room))
    ax.legend(loc="upper left", ncols=2, columnspacing=1.0, handlelength=1.6, borderaxespad=0.1)
    return figure


def slopes(result):
    """Slopes of the sigmoid and of tanh, and the points where they cross."""
    figure, ax = sheet(height=3.0)
    ax.plot(result.z, result.tanh, color=BLUE)
    ax.plot(result.z, result.sigmoid, color=ORANGE)
    at = np.interp(result.crossing, result.z, result.tanh)
    for sign in (-1, 1):
        ax.plot(sign * result.crossing, at, "o", color="black", markersize=5)
    ax.text(0.75, 0.8, "tanh: at most 1", color=BLUE)
    ax.annotate("sigmoid: at most 1/4", (0.2, 0.25), (-4.9, 0.5), color=ORANGE,
                arrowprops={"arrowstyle": "-", "color": ORANGE})  # fmt: skip
    ax.annotate(f"equal at\n$|z| = {result.crossing:.3f}$", (result.crossing, at), (2.6, 0.32),
                arrowprops={"arrowstyle": "-"})  # fmt: skip
    ax.set(xlabel="pre-activation $z$", ylabel="slope", xlim=(-5, 5), ylim=(0, 1.05))
    return figure


def errors_by_layer(errors):
    """Spread of the errors from the last layer down to the first, on a logarithmic scale."""
    figure, ax = sheet(height=3.4)
    colors = {"sigmoid": ORANGE, "tanh": BLUE, "leaky ReLU": GREEN, "ReLU": PURPLE}
    styles = {"leaky ReLU": "--"}
    for name, values in errors.items():
        ax.semilogy(np.arange(1, len(values) + 1), values, color=colors[name],
                    linestyle=styles.get(name, "-"))  # fmt: skip
    ax.text(12.2, 3e-6, "sigmoid", color=ORANGE, ha="right")
    ax.text(1.0, 0.02, "tanh", color=BLUE)
    ax.text(1.0, 3.5, "ReLU", color=PURPLE)
    ax.text(4.5, 3.5, "and leaky ReLU", color=GREEN)
    ax.set(xlabel="layer (1: next to the input)", ylabel="error, root mean square")
    ax.set(ylim=(3e-14, 50), xticks=[1, 5, 10, 15, 20])
    ax.yaxis.set_major_locator(LogLocator(numticks=8))
    ax.yaxis.set_minor_formatter(NullFormatter())
    return figure


def initial_signals(starts):
    """Spread of the units, mean slope and spread of the errors by layer, for three gains."""
    figure, axes = sheet(3, 1, height=6.6, sharex=True)
    rows = (("spread", "spread of the units"), ("slope", "mean slope"),
            ("error", "spread of the errors"))  # fmt: skip
    names = ("small", "Xavier", "large")
    for (gain, start), color, name in zip(
        starts.items(), (ORANGE, BLUE, GREEN), names, strict=True
    ):
        layer = np.arange(1, len(start.spread) + 1)
        for ax, (row, _) in zip(axes, rows, strict=True):
            ax.plot(layer, getattr(start, row), "o-", color=color, markersize=4,
                    label=f"{name}: {gain:g}$/\\sqrt{{n}}$")  # fmt: skip
        axes[0].plot(layer, start.theory, color="black", linewidth=0.8)
    for ax, (_, label) in zip(axes, rows, strict=True):
        ax.set_ylabel(label)
    axes[0].set_yscale("log")
    axes[2].set_yscale("log")
    axes[1].set_ylim(0, 1.05)
    axes[1].legend(loc="center right")
    axes[2].set_xlabel("layer (1: next to the input)")
    return figure


def both_conditions(funnels):
    """Variances by layer, forwards and backwards, under three rules for the weights."""
    figure, axes = sheet(1, 2, height=3.2, sharey=True)
    colors = (BLUE, ORANGE, GREEN)
    for (rule, funnel), color in zip(funnels.items(), colors, strict=True):
        for ax, values in zip(axes, funnel, strict=True):
            ax.semilogy(values, "o-", base=2, color=color, markersize=4, label=rule)
    axes[0].set(title="forwards $\\rightarrow$", ylabel="variance, relative to its start")
    axes[1].set(title="backwards $\\leftarrow$")
    for ax in axes:
        ax.set(xlabel="layer (0: input)", xticks=range(len(funnel.forward)), ylim=(2**-6, 2**7.2))
    axes[1].legend(loc="upper right", title="variance of a weight", fontsize=9, title_fontsize=9,
                   borderaxespad=0)  # fmt: skip
    return figure


def dead_units(result):
    """Share of dead units and training loss against the rate."""
    figure, axes = sheet(2, 1, height=4.6, sharex=True)
    axes[0].semilogx(result.rate, result.share, "o-", color=ORANGE, markersize=5)
    axes[0].set(ylabel="share of dead ReLUs", ylim=(-0.03, 1.03))
    axes[1].loglog(result.rate, result.loss, "o-", color=BLUE, markersize=5)
    best = result.loss.argmin()
    axes[1].axhline(np.log(2), color="gray", linewidth=1, linestyle="--")
    axes[1].text(result.rate[0], np.log(2) * 1.15, "guessing", color="gray")
    axes[1].annotate("best", (result.rate[best], result.loss[best]), (1.0, 0.0115), color=BLUE,
                     arrowprops={"arrowstyle": "-", "color": BLUE})  # fmt: skip
    axes[1].set(xlabel=r"learning rate $\eta$", ylabel="training loss")
    return figure


def rising_loss(result):
    """The loss step by step at three rates, and the last loss against the rate."""
    figure, axes = sheet(2, 1, height=5.2)
    for (share, losses), color, place in zip(
        result.losses.items(), (GREEN, BLUE, ORANGE), ((100, 0.25), (8, 0.0022), (48, 300)),
        strict=True,
    ):  # fmt: skip
        axes[0].semilogy(losses, color=color)
        axes[0].text(*place, f"$\\eta = {share:g}\\cdot 2/\\lambda_{{\\max}}$", color=color)
    axes[0].set(xlabel="step", ylabel="training loss", ylim=(1e-3, 1e4))
    axes[1].semilogy(result.share, result.final, color="black")
    axes[1].axvline(1, color=ORANGE, linewidth=1, linestyle=":")
    axes[1].axvspan(1, result.share[-1], color=ORANGE, alpha=0.12, linewidth=0)
    axes[1].set(xlabel=r"$\eta\;/\;(2/\lambda_{\max})$", xlim=(0.5, result.share[-1]))
    axes[1].set(ylabel=f"loss after {len(losses) - 1} steps")
    return figure


LETTERS = {"A": BLUE, "B": ORANGE, "C": GREEN, "D": PURPLE}  # as in the figure of the paper


def learning_rate_regimes(result):
    """Expected loss of each rate by epoch (lines), and the mean loss of one run (dots)."""
    figure, ax = sheet(height=3.6)
    places = {"A": (1.7, 1.33), "B": (22, 0.85), "C": (27, 1.15), "D": (1.2, 0.03)}
    names = {
        "A": r"A: $\eta\lambda = 2.4$", "B": r"B: $\eta\lambda = 0.00012$",
        "C": r"C: $\eta\lambda = 0.048$", "D": r"D: $\eta\lambda = 0.0018$",
    }  # fmt: skip
    for letter, color in LETTERS.items():
        losses, run = result.expected[letter], result.run[letter]
        ax.plot(result.epoch[: len(run) + 1], losses[: len(run) + 1], color=color)
        ax.plot(np.arange(len(run)) + 0.5, run, "o", color=color, markersize=3)
        ax.text(*places[letter], names[letter], color=color)
    ax.set(xlabel="epoch", ylabel="training loss", xlim=(-1, 40), ylim=(0, 1.5))
    return figure


def final_loss(result, meant, printed):
    """Loss after all epochs against the rate: where the four rates are, as meant and as printed."""
    figure, ax = sheet(height=3.4)
    stays = np.isfinite(result.loss)
    ax.semilogx(result.rate[stays], result.loss[stays], color="black")
    ax.semilogx(result.rate[stays], result.without_noise[stays], color="gray", linestyle="--",
                linewidth=1)  # fmt: skip
    ax.axvspan(result.threshold, result.rate[-1], color="black", alpha=0.1, linewidth=0)
    for letter, rate in meant.items():
        height = np.interp(rate, result.rate[stays], result.loss[stays])
        height = height if rate < result.threshold else 1.37
        ax.plot(rate, height, "o", color=LETTERS[letter])
        ax.annotate(letter, (rate, height), (6, 5), textcoords="offset points",
                    color=LETTERS[letter], fontweight="bold")  # fmt: skip
    ax.plot(printed, [0.7] * len(printed), "x", color="black", markersize=8)
    ax.text(3e3, 0.52, "as printed:\nall diverge", ha="center", va="top")
    ax.text(3e3, 1.1, r"above $2/\lambda$", ha="center")
    ax.text(8e-3, 0.8, "with noise", ha="right")
    ax.text(2.2e-3, 0.035, "without", color="gray")
    ax.set(xlabel=r"learning rate $\eta$", ylabel="expected loss after 40 epochs")
    ax.set(ylim=(0, 1.5), xlim=(result.rate[0], result.rate[-1]))
    return figure


def rate_candidates(result, given):
    """The five values on a logarithmic axis, and the chance to come near the best rate."""
    figure, axes = sheet(2, 1, height=4.6, sharex=True, height_ratios=[1, 3])
    even = np.geomspace(0.01, 1, 5)
    for values, height, color, name in (
        (given, 1, ORANGE, "the question's"), (even, 0, BLUE, "log scale"),
    ):  # fmt: skip
        axes[0].plot(values, [height] * 5, "o", color=color, clip_on=False)
        axes[0].text(0.0115, height + 0.22, name, color=color)
    axes[0].set(ylim=(-0.4, 1.7), yticks=[])
    axes[0].spines["left"].set_visible(False)
    for chance, drawn, color in (
        (result.linear, result.drawn_linear, ORANGE), (result.log, result.drawn_log, BLUE),
    ):  # fmt: skip
        axes[1].semilogx(result.best, chance, color=color)
        axes[1].semilogx(result.best, drawn, "o", color=color, markersize=4)
    axes[1].text(0.12, 0.3, "five draws,\nlinear scale", color=ORANGE)
    axes[1].text(0.016, 0.88, "five draws, log scale", color=BLUE)
    axes[1].set(xlabel="best rate", ylabel="chance that a draw is\nwithin a factor of 2")
    axes[1].set_ylim(0, 1.08)
    return figure


def batch_variance(result):
    """Variance of a batch's gradient against the batch size, both ways of drawing."""
    figure, ax = sheet(height=3.4)
    ax.loglog(result.size, result.replaced, color=BLUE)
    ax.loglog(result.size, result.drawn_replaced, "o", color=BLUE)
    some = result.distinct > 0
    fine = np.linspace(1, result.size[-1] - 0.25, 800)
    n = result.size[-1]
    ax.loglog(fine, result.replaced[0] / fine * (n - fine) / (n - 1), color=ORANGE)
    ax.loglog(result.size[some], result.drawn_distinct[some], "s", color=ORANGE, markersize=5)
    ax.text(14, 0.16, "with replacement: $s^2/B$", color=BLUE)
    ax.text(1.1, 0.006, "without replacement:\n0 for the whole set", color=ORANGE)
    ax.set(xlabel="batch size $B$  (of 200 examples)", ylabel="variance of the gradient")
    ax.set(ylim=(1e-3, 3))
    return figure


def updates_to_target(result):
    """Updates and examples to the target loss against the batch size."""
    figure, ax = sheet(height=3.6)
    ax.loglog(result.batch, result.updates, "o-", base=2, color=BLUE, markersize=5)
    ax.loglog(result.batch, result.updates * result.batch, "s-", base=2, color=ORANGE, markersize=5)
    ax.text(2**5, 2**10, "updates", color=BLUE)
    ax.text(2, 2**14, "examples seen", color=ORANGE)
    ax.set(xlabel="batch size $B$", ylabel="to reach 1/100 of the first loss")
    ax.set(xticks=[1, 16, 256, 4096], xticklabels=["1", "16", "256", "4096"])
    ax.set(yticks=[2**4, 2**7, 2**10, 2**13, 2**16],
           yticklabels=["16", "128", "1024", "8192", "65536"])  # fmt: skip
    ax.minorticks_off()
    return figure


def batch_sizes(runs):
    """Training loss against epochs and against updates for three batch sizes."""
    figure, axes = sheet(1, 2, height=3.2, sharey=True)
    for (batch, run), color in zip(runs.items(), (ORANGE, GREEN, BLUE), strict=True):
        name = "all" if batch == max(runs) else f"{batch}"
        axes[0].semilogy(run.epoch, run.loss, color=color, label=f"$B$ = {name}")
        axes[1].loglog(np.maximum(run.updates, 0.7), run.loss, color=color)
    axes[0].set(xlabel="epochs", ylabel="training loss")
    axes[0].set_yticks([0.03, 0.1, 0.3, 1], ["0.03", "0.1", "0.3", "1"])
    axes[0].minorticks_off()
    axes[1].set(xlabel="updates")
    axes[0].set_ylim(0.006, 1)
    axes[0].legend(loc="lower left", handlelength=1.2, borderaxespad=0)
    return figure


def overfitting(learning):
    """Training loss, dev loss and dev error of the network without a cure."""
    figure, axes = sheet(2, 1, height=4.8, sharex=True, height_ratios=[3, 2])
    run = learning["no cure"]
    axes[0].plot(run.train, color=BLUE)
    axes[0].plot(run.dev, color=ORANGE)
    least = run.dev.argmin()
    for ax, values in ((axes[0], run.dev), (axes[1], run.dev_error)):
        ax.axvline(least, color="gray", linewidth=1, linestyle=":")
        ax.set_ylim(0, 1.08 * values.max())
    axes[0].annotate("stop here", (least, run.dev[least]), (least + 8, 1.3),
                     arrowprops={"arrowstyle": "-"})  # fmt: skip
    axes[0].text(180, 0.15, "training loss", color=BLUE)
    axes[0].text(185, 1.35, "dev loss", color=ORANGE)
    axes[0].set_ylabel("loss")
    axes[1].plot(run.dev_error, color=ORANGE)
    axes[1].set(xlabel="step", ylabel="dev error rate", ylim=(0, 0.35))
    return figure


def cures(learning):
    """Dev loss of the four runs."""
    figure, ax = sheet(height=3.4)
    styles = dict(zip(learning, ((ORANGE, "-"), (BLUE, "-"), (GREEN, "--"), (PURPLE, "-.")),
                      strict=True))  # fmt: skip
    for name, run in learning.items():
        color, style = styles[name]
        ax.plot(run.dev, color=color, linestyle=style, label=name)
    base = learning["no cure"].dev
    ax.plot(base.argmin(), base.min(), "o", color=ORANGE, label="stopped early")
    ax.set(xlabel="step", ylabel="dev loss", ylim=(0.35, 1.2))
    ax.legend(loc="upper right")
    return figure


def training_modes(without, dropout):
    """Three losses by epoch, for a network without dropout and for one with it."""
    figure, axes = sheet(1, 2, height=3.5, sharey=True)
    for ax, run, title in ((axes[0], without, "no dropout"), (axes[1], dropout, "dropout 0.5")):
        epoch = np.arange(1, len(run.logged) + 1)
        ax.semilogy(epoch, run.logged, color=BLUE, label="training, as logged")
        ax.semilogy(epoch, run.validation, color=ORANGE, label="validation")
        ax.semilogy(epoch, run.train, color=BLUE, linestyle="--", label="training, measured alike")
        ax.set(title=title, xlabel="epoch")
    axes[0].set_ylabel("loss")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure
