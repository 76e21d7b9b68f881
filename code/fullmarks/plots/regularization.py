"""Figures of the chapter regularization: each takes what its experiment returns, gives a sheet."""

from itertools import cycle

import numpy as np

from fullmarks.plots import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, lines, sheet


def optimism(result):
    """Errors on training targets and on new ones; below, their gap and the theory."""
    figure, axes = sheet(2, 1, width=4.8, height=5.6, sharex=True)
    axes[0].semilogx(result.steps, result.new, color=ORANGE, linestyle="--", label="new targets")
    axes[0].semilogx(result.steps, result.train, color=BLUE, label="training targets")
    axes[0].axhline(result.noise**2, color=GREY, linewidth=1)
    axes[0].text(result.steps[-1], result.noise**2, "noise", color=GREY, ha="right", va="top")
    axes[0].set(ylabel="mean squared error", ylim=(0, None))
    axes[0].legend(loc="upper right", bbox_to_anchor=(1, 0.95))
    axes[1].semilogx(result.steps, result.predicted_gap, color=BLACK, label=r"$2\sigma^2$ df / n")
    axes[1].semilogx(result.steps, result.new - result.train, "o", color=PURPLE, markersize=4,
                     label="measured")
    axes[1].set(xlabel="step of gradient descent", ylabel="gap", ylim=(0, None))
    axes[1].legend(loc="upper left")
    return figure


def degrees_of_freedom(result):
    """Degrees of freedom over the steps: up to the number of parameters; up and down."""
    figure, axes = sheet(2, 1, width=4.8, height=5.8)
    axes[0].semilogx(result.steps, result.small, color=BLUE)
    axes[0].axhline(result.parameters, color=BLACK, linestyle="--", linewidth=1.2)
    axes[0].text(1, result.parameters - 0.4, f"{result.parameters} parameters", va="top")
    axes[0].set(xlabel="step (logarithmic)", ylabel="degrees of freedom",
                ylim=(0, result.parameters * 1.08))
    axes[1].plot(result.first, result.first_large, "o--", color=ORANGE, markersize=4,
                 label=r"$\eta\lambda_{\max} = 1.9$")
    axes[1].plot(result.first, result.first_small, "o-", color=BLUE, markersize=4,
                 label=r"$\eta\lambda_{\max} = 0.5$")
    axes[1].set(xlabel="step", ylabel="degrees of freedom", ylim=(0, None))
    axes[1].legend(loc="lower right")
    return figure


def random_labels(result):
    """Correlation of the network's outputs with random labels; how far the parameters went."""
    figure, axes = sheet(2, 1, width=4.8, height=5.8, sharex=True)
    axes[0].plot(result.steps, result.correlation.T, color=BLUE, alpha=0.25, linewidth=0.8)
    axes[0].plot(result.steps, result.correlation.mean(axis=0), color=BLUE)
    axes[0].set(xscale="symlog", ylabel="correlation with\nrandom labels", ylim=(-0.1, 1.02))
    axes[0].text(1, 0.88, f"{result.parameters} parameters at every step")
    axes[1].plot(result.steps, result.length.mean(axis=0), color=BLACK, linestyle="--",
                 label="length of the path")
    axes[1].plot(result.steps, result.distance.mean(axis=0), color=ORANGE,
                 label="distance from the start")
    axes[1].set(xlabel="step of SGD (logarithmic)", ylabel="in parameter space", ylim=(0, None))
    axes[1].legend(loc="upper left")
    return figure


def paths(result):
    """Both paths from zero to the minimum over the contours of the loss."""
    figure, ax = sheet(width=4.8, height=4.6)
    x, y = np.meshgrid(np.linspace(-0.25, 1.25, 80), np.linspace(-0.2, 1.45, 80))
    away = np.stack([x, y], axis=-1) - result.minimum
    loss = np.einsum("...i,ij,...j->...", away, result.hessian, away) / 2
    ax.contour(x, y, loss, levels=0.003 * 2.2 ** np.arange(8), colors="#c9c9c9", linewidths=0.8)
    for path, color, dashes, marker, name in (
        (result.descent, BLUE, "-", "o", r"stopped after $\tau$ steps"),
        (result.ridge, ORANGE, "--", "s", r"penalty $\alpha = 1/(\eta\tau)$"),
    ):
        ax.plot(*path.T, color=color, linestyle=dashes, linewidth=1.6)
        ax.plot(*path[result.shown].T, marker, color=color, linestyle="none", label=name)
    for t in result.shown:
        pair = np.stack([result.descent[t], result.ridge[t]])
        ax.plot(*pair.T, color=GREY, linewidth=0.8)
        ax.annotate(str(t), result.descent[t], (7, -9), textcoords="offset points", color=BLUE)
    ax.plot(*result.minimum, "*", color=BLACK, markersize=12)
    ax.annotate("minimum", result.minimum, (-8, 5), textcoords="offset points", ha="right")
    ax.plot(0, 0, "X", color=BLACK)
    ax.annotate("start", (0, 0), (-5, -13), textcoords="offset points", ha="right")
    ax.set(xlabel="$w_1$", ylabel="$w_2$", aspect="equal")
    ax.grid(False)
    ax.legend(loc="lower right")
    return figure


def filters(result):
    """Share of the minimum kept by both filters over u, and their difference."""
    figure, axes = sheet(2, 1, width=4.8, height=6.0, sharex=True)
    axes[0].semilogx(result.u, result.descent, color=BLUE, label="early stopping")
    axes[0].semilogx(result.u, result.ridge, color=ORANGE, linestyle="--", label="weight decay")
    axes[0].set(ylabel="share of the\nminimum kept", ylim=(0, 1.03))
    axes[0].legend(loc="upper left")
    lines(axes[1], result.u, result.gap)
    axes[1].plot(result.worst_u, result.worst_gap, "o", color=BLACK)
    axes[1].annotate(f"{result.worst_gap:.4f}", (result.worst_u, result.worst_gap), (8, 4),
                     textcoords="offset points")
    axes[1].set(xlabel=r"$u = \eta\tau\lambda = \lambda/\alpha$", ylabel="difference",
                ylim=(0, 0.55))
    axes[1].legend(loc="upper left")
    return figure


def risks(result):
    """Expected error on new data over the strength of either regularizer."""
    figure, ax = sheet(width=4.8, height=3.7)
    for y, color, dashes, name in ((result.descent, BLUE, "-", "early stopping"),
                                   (result.ridge, ORANGE, "--", "weight decay")):
        ax.semilogx(result.strength, y, color=color, linestyle=dashes, label=name)
        ax.plot(result.strength[y.argmin()], y.min(), "o", color=color)
    ax.axhline(result.floor, color=GREY, linewidth=1)
    ax.text(result.strength[0], result.floor + 0.02, "noise", color=GREY)
    ax.set(xlabel=r"$\eta\tau = 1/\alpha$  (weaker regularization $\to$)",
           ylabel="error on new data", ylim=(0.9, 2.8))
    ax.legend(loc="upper center")
    return figure


def ensembles(result):
    """Both means over the masks against the prediction of the scaled network."""
    figure, ax = sheet(width=4.8, height=4.4)
    ax.plot([0, 1], [0, 1], color=BLACK, linewidth=0.8)
    ax.plot(result.scaled, result.geometric, "o", color=BLUE, markersize=4,
            label="geometric, renormalised")
    ax.plot(result.scaled, result.arithmetic, "^", color=ORANGE, markersize=4, label="arithmetic")
    ax.set(xlabel="network with halved weights", ylabel="mean over 256 masks", aspect="equal")
    ax.legend(loc="upper left")
    return figure


def hidden_layer(result):
    """Distance between the weight-scaling rule and the geometric mean, by where the mask is."""
    figure, ax = sheet(width=4.8, height=4.3)
    lines(ax, result.gain, result.distance, marker="o", markersize=4)
    ax.set(xlabel="scale of the weights", ylabel="distance of rule and\ngeometric mean",
           ylim=(-0.01, 0.24))
    ax.legend(loc="upper left")
    return figure


def corner(result):
    """Probabilities of dropping and the expected loss during exact gradient descent."""
    figure, axes = sheet(2, 1, width=4.8, height=5.6, sharex=True)
    axes[0].plot(result.p, color=BLUE, linewidth=1.2)
    axes[0].set(ylabel="$p_i$ of the 8 units", ylim=(0, None))
    axes[1].semilogy(result.loss, color=BLUE)
    lowest = result.corners.min()
    axes[1].axhline(lowest, color=BLACK, linestyle="--", linewidth=1.2)
    axes[1].text(len(result.loss) - 1, lowest / 1.08, "best of all 256 masks", ha="right",
                 va="top")
    axes[1].set(xlabel="step", ylabel="expected training loss", ylim=(lowest / 2, 1))
    return figure


def learned_dropout(result):
    """Probabilities of the hidden units, and the loss on test data beside the alternatives."""
    figure, axes = sheet(2, 1, width=4.8, height=5.8, sharex=True)
    every = result.p.reshape(len(result.steps), -1)
    low, high = np.quantile(every, [0.1, 0.9], axis=1)
    axes[0].fill_between(result.steps, low, high, color=BLUE, alpha=0.2, linewidth=0)
    axes[0].plot(result.steps, np.median(every, axis=1), color=BLUE)
    axes[0].text(result.steps[-1], 0.02, "median, and 80 % of all units", ha="right")
    axes[0].set(ylabel="learned $p_i$", ylim=(0, 1))
    for name, color, dashes in (("no dropout", BLACK, ":"), ("p learned", BLUE, "-"),
                                ("p = 0.8, fixed", ORANGE, "--")):
        axes[1].plot(result.steps, result.test[name], color=color, linestyle=dashes, label=name)
    axes[1].set(xlabel="step", ylabel="test loss in nats", ylim=(0, None))
    axes[1].legend(loc="lower right")
    return figure


def estimators(result):
    """Bias against standard deviation of one draw, in units of the gradient's length."""
    figure, ax = sheet(width=4.8, height=4.4)
    looks = {"score": (ORANGE, "s"), "one": (GREEN, "D"), "straight": (PURPLE, "^"),
             "relaxed": (BLUE, "o")}
    below = {"score function": (10, 5), "score, baseline": (10, -14), "one unit both ways": (9, -4),
             "straight-through": (8, -5), "relaxed, 0.1": (16, 2), "relaxed, 0.3": (9, -2),
             "relaxed, 1": (8, 4)}
    for name, found in result.items():
        color, marker = looks[name.replace(",", " ").replace("-", " ").split()[0]]
        ax.errorbar(found.bias, found.spread, xerr=found.error, color=color, marker=marker,
                    markersize=7, linewidth=1)
        ax.annotate(name, (found.bias, found.spread), below[name], textcoords="offset points",
                    color=color, ha="right" if below[name][0] == -9 else "left")
    ax.set(yscale="log", xlabel="bias / length of the gradient",
           ylabel="standard deviation of one\ndraw / length of the gradient", xlim=(-0.06, 0.95),
           ylim=(0.25, 8))
    ax.set_yticks([0.5, 1, 2, 4], ["0.5", "1", "2", "4"])
    ax.minorticks_off()
    return figure


PANELS = (
    ("l2", "L2 penalty", r"$\lambda$"),
    ("l1", "L1 penalty", r"$\lambda$"),
    ("stop", "early stopping", "steps"),
    ("drop", "dropout", "share dropped"),
    ("shift", "shifted copies", "samples, at most"),
    ("members", "bagging", "members"),
)


def techniques(result):
    """Test error over the strength of each technique; the grey line is the plain network."""
    figure, axes = sheet(3, 2, width=4.8, height=6.6, sharey=True)
    for ax, (key, title, label), color in zip(axes.flat, PANELS, cycle([BLUE]), strict=False):
        _technique(ax, result[key], color)
        ax.axhline(result["l2"].error[0], color=GREY, linewidth=1)
        ax.set(title=title, xlabel=label, ylim=(0, 0.55))
    for ax, key in ((axes[0, 0], "l2"), (axes[0, 1], "l1")):
        ax.set_xscale("symlog", linthresh=result[key].strength[1])
        ax.set_xticks([0, 0.01, 0.1], ["0", "0.01", "0.1"])
        ax.minorticks_off()
    for ax, ticks in ((axes[1, 0], (2, 10, 100)), (axes[2, 1], (1, 4, 16))):
        ax.set_xscale("log")
        ax.set_xticks(ticks, [str(tick) for tick in ticks])
        ax.minorticks_off()
    figure.supylabel("test error")
    return figure


def mirrored_copies(result):
    """Test error over the share of training signals that are mirrored."""
    figure, ax = sheet(width=4.8, height=3.2)
    _technique(ax, result["mirror"], ORANGE)
    ax.axhline(0.5, color=BLACK, linestyle="--", linewidth=1)
    ax.text(0, 0.505, "guessing", va="bottom")
    ax.set(xlabel="share of the training signals mirrored", ylabel="test error", ylim=(0, 0.6))
    return figure


def _technique(ax, technique, color):
    ax.errorbar(technique.strength, technique.error, yerr=technique.standard_error, color=color,
                marker="o", markersize=4, linewidth=1.4)
