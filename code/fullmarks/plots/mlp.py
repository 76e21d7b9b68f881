"""Figures of the chapter mlp: each takes what its experiment returns and gives a sheet."""

from itertools import pairwise

import numpy as np

from fullmarks.plots import BLUE, GREEN, ORANGE, sheet

PREACTIVATION = "pre-activation $a$  (label $y = 1$)"


def fitted_probabilities(fits):
    """True and fitted probability over x, where the model is right and where it is not."""
    figure, axes = sheet(1, 2, height=3.0, sharey=True)
    for ax, fit, title in zip(
        axes, fits, ("log-odds linear in $x$", "log-odds curved"), strict=True
    ):
        ax.plot(fit.x, fit.true, color="black", label="true $P(y=1|x)$")
        ax.plot(fit.x, fit.fitted, color=ORANGE, linestyle="--", label=r"fitted $\sigma(wx+b)$")
        ax.set(title=title, xlabel="$x$")
    axes[0].set_ylabel("probability of label 1")
    axes[0].legend(loc="upper left")
    axes[0].set_ylim(-0.05, 1.35)
    return figure


def gradient_in_preactivation(curves):
    """Size of both gradients, with the highest point of the squared error's."""
    figure, ax = sheet(height=3.4)
    ax.plot(curves.a, curves.cross_entropy, color=BLUE)
    ax.plot(curves.a, curves.squared_error, color=ORANGE)
    ax.text(-1.2, 0.88, r"cross-entropy: $1 - \sigma(a)$", color=BLUE)
    ax.text(1.6, 0.26, "squared error:\n" + r"$2\,\sigma(a)\,(1-\sigma(a))^2$", color=ORANGE)
    place, height = -np.log(2), 8 / 27
    ax.plot([place, place], [0, height], color=ORANGE, linewidth=1, linestyle=":")
    ax.plot(place, height, "o", color=ORANGE)
    ax.annotate(
        r"$8/27$ at $a = -\log 2$", (place, height), (-5.7, 0.42), color=ORANGE,
        arrowprops={"arrowstyle": "-", "color": ORANGE},
    )  # fmt: skip
    ax.set(xlabel=PREACTIVATION, ylabel="size of the gradient", ylim=(0, 1.05), xlim=(-6, 6))
    return figure


def steps_from_saturation(steps):
    """Steps to f = 1/2 against the start, on a logarithmic scale, with the gradient flow."""
    figure, ax = sheet(height=3.4)
    ax.semilogy(steps.start, steps.flow_squared_error, color=ORANGE, linewidth=1)
    ax.semilogy(steps.start, steps.squared_error, "o", color=ORANGE)
    ax.semilogy(steps.start, steps.flow_cross_entropy, color=BLUE, linewidth=1)
    ax.semilogy(steps.start, steps.cross_entropy, "o", color=BLUE)
    ax.text(-5.4, 2500, "squared error", color=ORANGE)
    ax.text(-5.4, 26, "cross-entropy", color=BLUE)
    for values, color in ((steps.squared_error, ORANGE), (steps.cross_entropy, BLUE)):
        ax.annotate(
            f"{values[-1]:,}", (steps.start[-1], values[-1]), (6, 4), color=color,
            textcoords="offset points",
        )  # fmt: skip
    ax.set(xlabel=r"start $a_0$  (label $y = 1$)", ylabel=r"gradient steps to $\sigma(a) = 1/2$")
    return figure


def convexity_in_preactivation(losses, curvatures):
    """Both losses and their second derivatives; the region where the squared error is concave."""
    figure, axes = sheet(2, 1, height=5.0, sharex=True)
    for ax, curves in zip(axes, (losses, curvatures), strict=True):
        ax.plot(curves.a, curves.cross_entropy, color=BLUE)
        ax.plot(curves.a, curves.squared_error, color=ORANGE)
        ax.axvspan(-6, -np.log(2), color=ORANGE, alpha=0.10, linewidth=0)
        ax.axvline(-np.log(2), color=ORANGE, linewidth=1, linestyle=":")
    axes[0].set(ylabel="loss", xlim=(-6, 6), ylim=(0, 6))
    axes[0].text(-3.5, 4.2, "cross-entropy", color=BLUE)
    axes[0].text(-5.7, 1.25, "squared error $\\leq 1$", color=ORANGE)
    axes[1].axhline(0, color="black", linewidth=0.8)
    axes[1].set(xlabel=PREACTIVATION, ylabel="second derivative", ylim=(-0.2, 0.28))
    axes[1].text(-0.9, -0.175, "concave", color=ORANGE, ha="right")
    axes[1].text(-0.5, -0.175, "convex", color=ORANGE)
    return figure


def margin_losses(losses):
    """The losses over the margin, with the value of each at margin 0."""
    figure, ax = sheet(height=3.6)
    ax.axvline(0, color="black", linewidth=0.8)
    ax.plot(losses.margin, losses.hinge, color=ORANGE)
    ax.plot(losses.margin, losses.perceptron, color=BLUE)
    ax.plot(losses.margin, losses.logistic, color="gray", linewidth=1, linestyle="--")
    ax.plot(0, 1, "o", color=ORANGE)
    ax.plot(0, 0, "o", color=BLUE, clip_on=False, zorder=5)
    ax.text(0.08, 2.8, "$w = 0$ is here")
    ax.text(0.12, 1.02, "hinge: 1", color=ORANGE)
    ax.text(-0.3, 0.1, "perceptron: 0", color=BLUE, ha="right")
    ax.text(1.15, 0.33, "logistic", color="gray")
    ax.set(xlabel="margin $y\\,a$", ylabel="loss", ylim=(0, 3), xlim=(-2, 2.5))
    return figure


def separators(found):
    """Where both rules stop: the line of score 0, and for the hinge the lines of margin 1."""
    figure, axes = sheet(1, 2, height=3.1, sharex=True, sharey=True)
    names = ("perceptron", "hinge")
    for ax, name, color in zip(axes, names, (BLUE, ORANGE), strict=True):
        w = getattr(found, name)
        _points(ax, found.x, found.y > 0)
        reach = 4 * np.array([-w[1], w[0]]) / np.hypot(*w)
        ax.plot([-reach[0], reach[0]], [-reach[1], reach[1]], color=color)
        for offset in (w / (w @ w), -w / (w @ w)) if name == "hinge" else ():
            ax.plot(*(offset[:, None] + np.stack([-reach, reach], axis=1)),
                    color=color, linewidth=1, linestyle="--")  # fmt: skip
        gap = (found.y * (found.x @ w)).min() / np.hypot(*w)
        ax.set(title=f"{name},\nnearest point at {gap:.2f}", xlim=(-3.5, 3.5), ylim=(-3.2, 3.2))
        ax.set(xlabel="$x_1$", aspect="equal")
    axes[0].set_ylabel("$x_2$")
    return figure


def _points(ax, x, positive):
    ax.plot(*x[~positive].T, "o", color="black", markersize=4, markerfacecolor="white")
    ax.plot(*x[positive].T, "s", color="black", markersize=4)


def network(inputs=4, hidden=5, classes=3):
    """The network with one hidden layer, unit by unit, with the symbols of its layers."""
    figure, ax = sheet(height=3.2)
    columns = [
        (0, inputs, "black", "input\n$x \\in \\mathbb{R}^d$"),
        (1, hidden, ORANGE, "hidden\n$h = \\tanh(W_1 x + b_1)$"),
        (2, classes, BLUE, "logits\n$a = W_2 h + b_2$"),
        (2.75, classes, GREEN, "softmax\n$p$"),
    ]
    spots = [[(x, (i - (n - 1) / 2) * 0.8) for i in range(n)] for x, n, _, _ in columns]
    for left, right in pairwise(spots[:3]):
        for start in left:
            for end in right:
                ax.plot(*zip(start, end, strict=True), color="#b0b0b0", linewidth=0.8, zorder=1)
    for start in spots[2]:
        for end in spots[3]:
            ax.plot(*zip(start, end, strict=True), color="#d8d8d8", linewidth=0.8,
                    linestyle=":", zorder=1)  # fmt: skip
    for spot, (x, _, color, label) in zip(spots, columns, strict=True):
        ax.plot(*np.array(spot).T, "o", color=color, markersize=13, zorder=2)
        ax.text(x, 2.15, label, ha="center", va="bottom")
    ax.text(0.5, -2.1, "$W_1$: $m \\times d$", ha="center", color="#606060")
    ax.text(1.5, -2.1, "$W_2$: $k \\times m$", ha="center", color="#606060")
    ax.set(xlim=(-0.4, 3.1), ylim=(-2.3, 3.0))
    ax.axis("off")
    return figure


def output_gradient(example):
    """The hidden units as a row, the errors as a column, and the gradient as their product."""
    figure, axes = sheet(
        2, 2, height=3.2, width_ratios=[1, len(example.h)], height_ratios=[1, 4]
    )
    panels = (
        (axes[0, 1], example.h[None, :], "$h^{\\top}$"),
        (axes[1, 0], example.error[:, None], "$p - e_y$"),
        (axes[1, 1], example.W2, "gradient of $W_2$: their product"),
    )
    for ax, values, title in panels:
        ax.imshow(values, cmap="PuOr", vmin=-1, vmax=1, aspect="auto")
        for (i, j), value in np.ndenumerate(values):
            color = "white" if abs(value) > 0.65 else "black"
            ax.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=9, color=color)
        ax.set(title=title, xticks=[], yticks=[])
        ax.grid(False)
    for ax in axes.flat:
        ax.spines[:].set_visible(False)
    axes[0, 0].set_axis_off()
    classes = range(len(example.W2))
    names = [f"class {i + 1}" + (" $= y$" if i == example.y else "") for i in classes]
    axes[1, 0].set_yticks(classes, names)
    return figure


def single_steps(changes):
    """Histogram of what each example's step does to the mean loss."""
    figure, ax = sheet(height=3.2)
    scale = 1e3
    bins = np.linspace(changes.mean.min(), changes.mean.max(), 31) * scale
    lower = changes.mean < 0
    ax.hist(changes.mean[lower] * scale, bins, color=BLUE)
    ax.hist(changes.mean[~lower] * scale, bins, color=ORANGE)
    average = changes.mean.mean() * scale
    ax.axvline(average, color="black")
    ax.text(average, ax.get_ylim()[1] * 1.01, "average", ha="center", va="bottom")
    ax.text(0.22, 0.8, f"{lower.sum()} steps\nlower it", color=BLUE, transform=ax.transAxes)
    ax.text(0.8, 0.8, f"{(~lower).sum()} steps\nraise it", color=ORANGE, transform=ax.transAxes)
    ax.set(xlabel="change of the mean loss, in thousandths of a nat", ylabel="single examples")
    return figure


def decision_boundaries(result):
    """Where both networks change their mind, over the points that they were trained on."""
    figure, axes = sheet(1, 2, height=2.7, sharex=True, sharey=True)
    titles = (("linear", "three linear layers"), ("tanh", "the same with tanh"))
    for ax, (name, title) in zip(axes, titles, strict=True):
        score = getattr(result, name)
        ax.contourf(result.grid, result.grid, score, levels=[-1e9, 0, 1e9],
                    colors=[ORANGE, BLUE], alpha=0.18)  # fmt: skip
        ax.contour(result.grid, result.grid, score, levels=[0], colors="black")
        ax.plot(*result.x[result.y == 0].T, "o", color=ORANGE, markersize=3)
        ax.plot(*result.x[result.y == 1].T, "s", color=BLUE, markersize=3)
        right = result.accuracy[name]
        ax.set(title=f"{title}:\n{right:.0%} right", xlabel="$x_1$", aspect="equal")
        ax.set(xlim=(-2.2, 2.2), ylim=(-1.5, 1.5))
        ax.grid(False)
    axes[0].set_ylabel("$x_2$")
    return figure


def linear_paths(paths):
    """Singular values that one layer and two layers have learnt after each step."""
    figure, axes = sheet(1, 2, height=3.0, sharey=True)
    titles = (("one_layer", "one layer"), ("two_layers", "product of two"))
    for ax, (name, title) in zip(axes, titles, strict=True):
        values = getattr(paths, name)
        for column, color in zip(values.T, (BLUE, ORANGE, GREEN), strict=True):
            ax.plot(column, color=color)
        ax.set(title=title, xlabel="step")
    axes[0].set_ylabel("singular value learnt")
    return figure


def bottleneck(result):
    """Error that training reached over the width, on the line of the best possible error."""
    figure, ax = sheet(height=3.3)
    ax.plot(result.width, result.best, color="black", label="truncated SVD of that rank")
    ax.plot(result.width, result.trained, "o", color=ORANGE, markersize=8,
            label="trained $W_2W_1$")  # fmt: skip
    ax.set(xlabel="bottleneck width $r$", ylabel="squared error $\\|W_2W_1 - M\\|^2$")
    ax.set_xticks(result.width)
    ax.legend()
    return figure


def bottleneck_generalisation(result):
    """Error on training data and on new data over the width of the bottleneck."""
    figure, ax = sheet(height=3.3)
    ax.plot(result.width, result.test, color=ORANGE)
    ax.plot(result.width, result.train, color=BLUE)
    ax.axhline(result.noise, color="gray", linewidth=1, linestyle="--")
    best = result.test.argmin()
    least = result.width[best], result.test[best]
    ax.plot(*least, "o", color=ORANGE)
    ax.annotate(f"least at $r = {least[0]}$", least, (4.5, 1.2), color=ORANGE)
    ax.text(12, 2.12, "new data", color=ORANGE)
    ax.text(12, 0.60, "training data", color=BLUE)
    ax.text(20, 1.03, "noise", color="gray", ha="right")
    ax.set(xlabel="bottleneck width $r$  (20: no bottleneck)", ylim=(0, 2.5))
    ax.set(ylabel="mean squared error", xticks=range(2, 21, 2))
    return figure


def parameter_counts(counts):
    """Number of weights over the width, and where the bottleneck stops saving any."""
    figure, ax = sheet(height=3.3)
    ax.plot(counts.width, counts.bottleneck, color=ORANGE)
    ax.axhline(counts.single, color=BLUE)
    even = counts.width[counts.bottleneck <= counts.single][-1]
    for r in (10, even):
        ax.plot(r, counts.bottleneck[r - 1], "o", color=ORANGE)
        ax.annotate(f"$r = {r}$: {counts.bottleneck[r - 1]:,}", (r, counts.bottleneck[r - 1]),
                    (8, -14), textcoords="offset points", color=ORANGE)  # fmt: skip
    ax.text(2, counts.single + 400, f"one layer: {counts.single:,}", color=BLUE)
    ax.text(88, 18_400, "100-$r$-100", color=ORANGE, ha="right")
    ax.set(xlabel="bottleneck width $r$", ylabel="weights", xlim=(0, 101), ylim=(0, 20_500))
    return figure
