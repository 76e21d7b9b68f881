"""Figures of the chapter optimization: each takes what its experiment returns, gives a sheet."""


import numpy as np

from fullmarks.experiments.optimization import valley_value
from fullmarks.plots import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, STYLES, lines, sheet


def trajectories(paths):
    """Small multiples on one landscape; the title counts the steps to the minimum."""
    figure, axes = sheet(4, 2, width=5.2, height=8.4, sharex=True, sharey=True)
    x, y = np.meshgrid(np.linspace(-1.7, 2.4, 60), np.linspace(-1.15, 2.5, 60))
    levels = 0.02 * 3.0 ** np.arange(9)
    for ax, (name, path) in zip(axes.flat, paths.items(), strict=True):
        ax.contour(x, y, valley_value(x, y), levels=levels, colors="#c9c9c9", linewidths=0.8)
        ax.plot(*path.points.T, "o-", color=BLUE, linewidth=1.2, markersize=2.5)
        ax.plot(1, 0.5, "*", color=ORANGE, markersize=11)
        rate = f", η = {path.learning_rate:.2g}" if path.learning_rate else ""
        ax.set_title(f"{name}{rate}\n{path.steps} steps", fontsize=10)
        ax.grid(False)
    axes[0, 0].set(xlim=(-1.7, 2.4), ylim=(-1.15, 2.5))
    figure.supxlabel(r"$\theta_1$")
    figure.supylabel(r"$\theta_2$")
    return figure


def conditioning(result):
    """Steps against the condition number on two logarithmic axes, with slopes 1 and 1/2."""
    figure, ax = sheet(height=4.0)
    for (name, steps), (color, dashes), marker in zip(
        result.steps.items(), STYLES, "osD^v", strict=True
    ):
        ax.loglog(result.condition, steps, linestyle=dashes, marker=marker, markersize=5,
                  color=color, label=name)
    k = result.condition[4:]
    ax.loglog(k, 11 * k, color=GREY, linewidth=0.8)
    ax.loglog(k, 14 * np.sqrt(k), color=GREY, linewidth=0.8)
    ax.text(k[1], 15 * k[1], "slope 1", color=GREY, ha="right")
    ax.text(k[-1], 17 * np.sqrt(k[-1]), "slope 1/2", color=GREY, ha="right")
    ax.set(xlabel=r"condition number $\kappa$", ylabel=r"steps to a gradient $10^6$ times shorter",
           ylim=(0.8, 60_000))
    ax.legend(loc="upper left", ncols=2)
    return figure


def saddle_escape(result):
    """Steps to leave a saddle, against how near its ridge the start lies."""
    figure, ax = sheet(height=3.9)
    lines(ax, result.start, result.steps, marker="o", markersize=4)
    ax.set(xscale="log", xlabel=r"start $y_0$, distance from where the gradient in $y$ is 0",
           ylabel=r"steps until $|y| > 1/2$", ylim=(0, 480))
    ax.legend(loc="upper right")
    return figure


def learning_rates(result):
    """Loss after 200 steps against the learning rate, and the lowest loss there is."""
    figure, ax = sheet(height=3.6)
    lines(ax, result.learning_rate, result.loss, marker="o", markersize=4)
    ax.axhline(result.best, color=BLACK, linewidth=1)
    ax.text(result.learning_rate[0], result.best - 0.012, "minimum", va="top")
    ax.set(xscale="log", xlabel=r"learning rate $\eta$", ylabel="training loss in nats",
           ylim=(0.3, 1.0))
    ax.legend(loc="upper left", bbox_to_anchor=(0.02, 1.0))
    return figure


def constant_gradient(result):
    """Step sizes of the first-order methods under a constant gradient of 1/4."""
    figure, ax = sheet(height=4.0)
    for name, place, offset in (
        ("SGD", 60, 0.8), ("momentum", 60, 1.13), ("Adagrad", 60, 0.78),
        ("RMSprop", 2.2, 1.13), ("Adam", 2.2, 1.1),
    ):
        i = list(result.size).index(name)
        color, dashes = STYLES[i]
        ax.loglog(result.t, result.size[name], color=color, linestyle=dashes)
        ax.text(place, offset * np.interp(place, result.t, result.size[name]), name, color=color,
                va="bottom" if offset > 1 else "top", ha="left" if place < 10 else "right")
    ax.set(xlabel="step $t$", ylabel=r"size of the step $/\ \eta$", ylim=(0.06, 14))
    return figure


def loss_scale(result):
    """Relative loss after 100 steps against the factor that multiplies the loss."""
    figure, ax = sheet(height=3.8)
    lines(ax, result.c, {k: np.maximum(v, 1e-9) for k, v in result.loss.items()})
    ax.axvline(2, color=BLUE, linewidth=0.8)
    ax.text(3, 0.3, "SGD diverges", color=BLUE)
    ax.set(xscale="log", yscale="log", xlabel="the loss is multiplied by $c$",
           ylabel="loss / loss at the start", ylim=(1e-8, 3))
    ax.legend(loc="lower right")
    return figure


def sparse_features(result):
    """Squared error of each weight against the frequency of its feature."""
    figure, ax = sheet(height=3.7)
    lines(ax, result.frequency, result.error, marker="o", markersize=5)
    ax.set(xscale="log", yscale="log", xlabel="share of the examples that have the feature",
           ylabel="mean squared error of its weight", ylim=(3e-3, 3))
    names = ["1", *(f"1/{round(1 / f)}" for f in result.frequency[2::2])]
    ax.set_xticks(result.frequency[::2], names)
    ax.minorticks_off()
    ax.legend(loc="upper right", ncols=2)
    return figure


def after_a_cliff(result):
    """Step sizes before and after the gradient falls to a hundredth."""
    figure, ax = sheet(height=3.7)
    lines(ax, result.t, result.size)
    ax.axvline(50.5, color=BLACK, linewidth=0.8)
    ax.text(54, 25, "gradient falls from 100 to 1")
    ax.set(xscale="log", yscale="log", xlabel="step $t$", ylabel=r"size of the step $/\ \eta$",
           ylim=(8e-4, 60))
    ax.legend(loc="lower left")
    return figure


def noisy_bowl(result):
    """Mean squared distance to the minimum under noise, step by step."""
    figure, ax = sheet(height=3.7)
    shown = np.unique(np.geomspace(1, len(result.t), 150).astype(int)) - 1
    lines(ax, result.t[shown], {name: d[shown] for name, d in result.distance.items()})
    ax.set(xscale="log", yscale="log", xlabel="step $t$",
           ylabel="mean squared distance\nto the minimum")
    ax.legend(loc="lower left")
    return figure


def bias_correction(result):
    """Size of Adam's steps with and without bias correction under a constant gradient."""
    figure, ax = sheet(height=3.5)
    lines(ax, result.t, result.size)
    without = result.size["without"]
    highest = int(without.argmax())
    for i, place in ((0, (1.25, 2.2)), (highest, (20, 6.6))):
        ax.plot(result.t[i], without[i], "o", color=ORANGE)
        ax.annotate(f"{without[i]:.2f} at $t$ = {result.t[i]}", (result.t[i], without[i]), place,
                    color=ORANGE)
    ax.set(xscale="log", xlabel="step $t$", ylabel=r"size of the step $/\ \eta$", ylim=(0, 7.4))
    ax.legend(loc="upper right", bbox_to_anchor=(1, 0.9))
    return figure


def wrong_way(result):
    """Paths on the loss with gradients 3, -1, -1, and the movement per cycle against β₂."""
    figure, axes = sheet(2, 1, height=6.0)
    for (name, theta), (color, dashes) in zip(result.path.items(), STYLES, strict=False):
        ends = slice(2, None, 30)  # ends of every tenth cycle
        axes[0].plot(result.t[ends], theta[ends], color=color, linestyle=dashes, label=name)
    axes[0].set(xlabel="step $t$", ylabel=r"$\theta_t$  (the mean loss is $\theta/3$)",
                ylim=(-0.6, 0.75))
    axes[0].legend(loc="upper left")
    axes[1].axhline(0, color=BLACK, linewidth=0.8)
    axes[1].plot(result.decay_square, result.drift, color=BLUE)
    axes[1].plot(result.decay_square[::9], result.measured, "o", color=ORANGE)
    axes[1].text(0.32, 0.55, "uphill", color=BLACK)
    axes[1].text(0.32, -0.45, "downhill", color=BLACK)
    axes[1].set(xlabel=r"$\beta_2$  (with $\beta_1 = 0$)",
                ylabel=r"movement in a cycle $/\ \eta$")
    return figure


def eigenvalue_clusters(result):
    """Residual of conjugate gradients step by step, for each number of distinct eigenvalues."""
    figure, ax = sheet(height=3.7)
    for k, residual, (color, dashes), marker in zip(*result, STYLES, "osD^", strict=False):
        ax.semilogy(residual, color=color, linestyle=dashes, marker=marker, markersize=4,
                    label=str(k))
    ax.set(xlabel="step", ylabel="residual / residual at the start")
    ax.legend(title="distinct eigenvalues", loc="center right")
    return figure


def newton_basins(result):
    """Paths of both methods near a saddle; where Newton ends, against where it starts."""
    figure, axes = sheet(2, 1, height=6.4)
    x, y = np.meshgrid(np.linspace(-1.5, 1.5, 100), np.linspace(-1.35, 1.35, 100))
    axes[0].contour(x, y, x**2 / 2 - y**2 / 2 + y**4 / 4, levels=np.arange(-0.24, 1.2, 0.12),
                    colors="#c9c9c9", linewidths=0.8, linestyles="-")
    for descent, newton in zip(result.gradient_descent, result.newton, strict=True):
        axes[0].plot(*descent.T, color=BLUE, linewidth=1.4, label="gradient descent")
        axes[0].plot(*newton.T, "s--", color=ORANGE, markersize=4, linewidth=1.4, label="Newton")
        axes[0].plot(*descent[0], "o", color=BLACK, markersize=6)
    axes[0].plot([0, 0], [-1, 1], "*", color=GREEN, markersize=12)
    axes[0].text(0.08, 1.08, "minimum", color=GREEN)
    axes[0].text(0.08, -1.2, "minimum", color=GREEN)
    axes[0].plot(0, 0, "X", color=BLACK, markersize=8)
    axes[0].text(-0.08, -0.22, "saddle", ha="right")
    handles, labels = axes[0].get_legend_handles_labels()
    axes[0].legend(handles[:2], labels[:2], loc="upper left", frameon=True, framealpha=0.9)
    axes[0].set(xlabel="$x$", ylabel="$y$")
    axes[0].grid(False)
    axes[1].plot(result.start, result.end, ".", color=ORANGE, markersize=2.5)
    bound = 1 / np.sqrt(5)
    axes[1].axvspan(-bound, bound, color=ORANGE, alpha=0.12, linewidth=0)
    axes[1].text(0, 0.2, r"$|y_0| < 1/\sqrt{5}$", ha="center")
    axes[1].set(xlabel="start $y_0$", ylabel="where Newton ends")
    axes[1].set_yticks([-1, 0, 1], ["minimum −1", "saddle 0", "minimum 1"])
    return figure


def coincidence(result):
    """Errors of both methods, the distance between them, and the error of the inverse Hessian."""
    figure, ax = sheet(height=4.0)
    steps = np.arange(len(result.bfgs))
    ax.semilogy(steps, result.bfgs, "s-", color=BLUE, label="BFGS to the minimum", markersize=8)
    ax.semilogy(steps, result.conjugate_gradient, "o--", color=ORANGE, markersize=4,
                label="conjugate gradient to the minimum")
    ax.semilogy(steps[2:], result.between[2:], "^:", color=GREEN, label="between the two")
    ax.semilogy(steps, result.inverse_error, "D-.", color=PURPLE, markersize=5,
                label=r"$\|HA - I\|_F$")
    ax.set(xlabel="step", ylabel="relative to the start", ylim=(1e-17, 1e3))
    ax.legend(loc="lower left", ncols=1, bbox_to_anchor=(0.0, 0.22))
    return figure


def inexact_line_search(result):
    """Gradients computed until convergence, against how exact the line search is."""
    figure, ax = sheet(height=3.5)
    lines(ax, result.flatness, result.gradients, marker="o", markersize=5)
    ax.set(xscale="log", xlabel=r"$c_2$ of the line search  (exact $\to$ loose)",
           ylabel="gradients until convergence", ylim=(0, None))
    ax.set_xticks(result.flatness, [f"{c:g}" for c in result.flatness])
    ax.minorticks_off()
    ax.legend(loc="upper right")
    return figure
