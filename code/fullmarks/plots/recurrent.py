"""Figures of the chapter recurrent: each takes what its experiment returns and gives a sheet."""

import numpy as np

from fullmarks.plots import BLUE, GREEN, GREY, ORANGE, PURPLE, sheet

NORM = r"norm of $W^t$"


def radius_decides(powers):
    """Norms of the powers of one matrix, scaled to three radii, and the powers of the radii."""
    figure, ax = sheet(height=3.4)
    for norms, radius, color in zip(
        powers.norms, powers.radius, (BLUE, GREEN, ORANGE), strict=True
    ):
        t = np.arange(len(norms))
        ax.semilogy(t, norms, color=color)
        ax.semilogy(t, radius**t, color=color, linewidth=1, linestyle=":")
        ax.annotate(
            rf"$\rho = {radius:.1f}$", (60, norms[60]), (0, 12), color=color,
            textcoords="offset points", ha="right" if radius > 1 else "left",
        )  # fmt: skip
    ax.set(xlabel="steps $t$", ylabel=NORM, xlim=(0, 100))
    return figure


def norm_misleads(powers):
    """The powers of a matrix between the powers of its radius and those of its norm."""
    figure, ax = sheet(height=3.4)
    norms, radius, norm = powers.norms[0], powers.radius[0], powers.norm[0]
    t = np.arange(len(norms))
    ax.semilogy(t, norm**t, color=ORANGE, linewidth=1.2, linestyle="--")
    ax.semilogy(t, norms, color="black")
    ax.semilogy(t, radius**t, color=BLUE, linewidth=1.2, linestyle="--")
    ax.text(30, norm**34, rf"$\|W\|^t$, $\|W\| = {norm:.2f}$", color=ORANGE, ha="right")
    ax.text(46, 10 * radius**28, r"$\|W^t\|$")
    ax.text(34, radius**52, rf"$\rho^t$, $\rho = {radius:.1f}$", color=BLUE, ha="right")
    ax.set(xlabel="steps $t$", ylabel=NORM, xlim=(0, t[-1]))
    return figure


def transient_growth(powers):
    """Norms of powers of matrices with the same eigenvalues."""
    figure, ax = sheet(height=3.4)
    for name, norms, color in zip(powers.name, powers.norms, (BLUE, GREEN, ORANGE), strict=True):
        top = norms.argmax()
        label = f"$k = {name}$: up to {norms[top]:.1f} at $t = {top}$"
        ax.semilogy(norms, color=color, label=label)
        ax.plot(top, norms[top], "o", color=color, clip_on=False)
    ax.legend(loc="lower left", reverse=True)
    ax.set(xlabel="steps $t$", ylabel=NORM, xlim=(0, 80), ylim=(1e-4, 100))
    return figure


def defective(powers):
    """Norms of powers where the eigenvectors span the plane, and where they do not."""
    figure, ax = sheet(height=3.4)
    styles = ((ORANGE, "-"), (ORANGE, "--"), (BLUE, "-"), (BLUE, "--"))
    labels = (
        "eigenvalue 1, defective", "eigenvalue 1, two directions",
        "eigenvalue 0.9, defective", "eigenvalue 0.9, two directions",
    )  # fmt: skip
    for norms, (color, line), label in zip(powers.norms, styles, labels, strict=True):
        ax.semilogy(norms, color=color, linestyle=line, label=label)
    ax.set(xlabel="steps $t$", ylabel=NORM, xlim=(0, 60), ylim=(1e-3, 3000))
    ax.legend(loc="upper left", ncols=1, fontsize=9)
    return figure


def spirals(result):
    """Trajectories of one vector under a pair of complex eigenvalues of three sizes."""
    figure, axes = sheet(1, 3, height=2.2)
    for ax, r, points, color in zip(
        axes, result.radius, result.points, (BLUE, GREEN, ORANGE), strict=True
    ):
        ax.plot(*points.T, "o-", color=color, markersize=2.5, linewidth=0.8)
        ax.plot(*points[0], "o", color="black", markersize=5)
        reach = 1.08 * abs(points).max()
        ax.set(title=rf"$|\lambda| = {r:g}$", aspect="equal", xlim=(-reach, reach))
        ax.set(ylim=(-reach, reach))
        ax.locator_params(nbins=3)
    return figure


def input_weights(result):
    """Weight of each input in the last state, as bars."""
    figure, axes = sheet(2, 2, height=4.0, sharey=True)
    for ax, (w, steps), weights in zip(axes.flat, result.cases, result.weights, strict=True):
        t = np.arange(1, steps + 1)
        colors = [BLUE if weight > 0 else ORANGE for weight in weights]
        ax.bar(t, weights, color=colors)
        ax.axhline(0, color="black", linewidth=0.8)
        ax.set(title=f"$w = {w:g}$, $T = {steps}$", xticks=t, ylim=(-1.25, 1.25))
    for ax in axes[1]:
        ax.set_xlabel("input at step $t$")
    for ax in axes[:, 0]:
        ax.set_ylabel("weight in $h^{(T)}$")
    return figure


def chain_at_zero(result):
    """Size of the gradient at the first state over the length, for weights of either sign."""
    figure, ax = sheet(height=3.4)
    colors = {2.0: BLUE, 4.0: GREEN, 8.0: ORANGE}
    for w, size in zip(result.w, result.size, strict=True):
        length = np.arange(2, len(size) + 2)
        color = colors[abs(w)]
        if w > 0:
            ax.semilogy(length, size, color=color)
            ax.annotate(
                rf"$w = \pm {w:g}$", (length[14], size[14]), (0, 12), color=color,
                textcoords="offset points", ha="right" if w == 8 else "left",
            )  # fmt: skip
        else:
            ax.semilogy(length[::2], size[::2], "o", color=color, markersize=5, fillstyle="none")
    ax.set(xlabel="length $T$", ylabel=r"size of $\partial h^{(T)} / \partial h^{(1)}$")
    return figure


def chain_off_zero(result):
    """States and gradients of the chain with weight 8 from three inputs."""
    figure, axes = sheet(2, 1, height=4.6, sharex=True)
    labels = ("$x = 0$", "$x = 10^{-6}$", "$x = 1$")
    for h, size, label, color in zip(
        result.h, result.size, labels, (ORANGE, GREEN, BLUE), strict=True
    ):
        axes[0].plot(np.arange(1, len(h) + 1), h, color=color, label=label)
        axes[1].semilogy(np.arange(2, len(size) + 2), size, color=color)
    axes[0].set_ylabel("state $h^{(t)}$")
    axes[0].legend(loc="center right")
    axes[1].set(xlabel="step $t$", ylabel=r"$|\partial h^{(t)} / \partial h^{(1)}|$")
    axes[1].axhline(1, color="black", linewidth=0.8)
    return figure


def chain_map(result):
    """Mean factor per step in the long run, over weights and biases."""
    figure, ax = sheet(height=3.6)
    image = ax.pcolormesh(
        result.w, result.bias, result.factor, cmap="cividis", rasterized=True,
        vmin=0, vmax=1, shading="nearest",
    )  # fmt: skip
    contours = ax.contour(
        result.w, result.bias, result.factor, levels=[0.25, 0.5, 0.75], colors="white",
        linewidths=0.8,
    )  # fmt: skip
    ax.clabel(contours, fmt="%g", fontsize=9)
    for w in (-4, 4):
        ax.plot([w, w], [-3, 3], color=ORANGE, linewidth=1.2, linestyle="--")
    figure.colorbar(image, ax=ax, label="mean factor per step", ticks=[0, 0.5, 1])
    ax.set(xlabel="weight $w$", ylabel="bias", xticks=range(-12, 13, 4))
    ax.grid(False)
    return figure


def paths(result):
    """The contribution of each path, and their sum, for two initial memories."""
    figure, ax = sheet(height=3.8)
    names = [name.replace("f0", "$f_0$").replace("g0", r"$\tilde{c}_0$").replace("o0", "$o_0$")
             .replace("h0", "$h_0$").replace("f1", "$f_1$").replace("g1", r"$\tilde{c}_1$")
             for name in result.names]  # fmt: skip
    rows = np.arange(len(names) + 1)
    for values, shift, color, c in zip(
        (result.zero, result.other), (0.2, -0.2), (BLUE, ORANGE), result.c, strict=True
    ):
        width = np.append(values, values.sum())
        ax.barh(rows + shift, width, height=0.38, color=color, label=f"$c_{{-1}} = {c:g}$")
    ax.axvline(0, color="black", linewidth=0.8)
    ax.axhline(len(names) - 0.5, color="black", linewidth=0.8)
    ax.set_yticks(rows, [*names, "sum"])
    ax.invert_yaxis()
    ax.set(xlabel=r"contribution to $dc_1/dx_0$")
    ax.legend(loc="lower right", bbox_to_anchor=(1.0, 0.16))
    ax.grid(axis="y", visible=False)
    return figure


def _lag_curves(ax, result, styles):
    """Geometric means over the seeds with the range of the seeds, on a logarithmic scale."""
    for name, (label, color, line) in styles.items():
        norms = result.norms[name]
        ax.semilogy(result.lag, np.exp(np.log(norms).mean(axis=0)), color=color, linestyle=line,
                    label=label)  # fmt: skip
        ax.fill_between(result.lag, norms.min(axis=0), norms.max(axis=0), color=color, alpha=0.15,
                        linewidth=0)  # fmt: skip
    ax.set(xlabel="time lag $k$", ylabel=r"norm of $\partial h_T / \partial x_{T-k}$")
    ax.set_xlim(result.lag[0], result.lag[-1])


def cells_by_lag(result):
    """Gradient in an input over its lag for six cells, with the bound of the sigmoid's slope."""
    figure, ax = sheet(height=4.0)
    styles = {
        "LSTM": ("LSTM", PURPLE, "-"),
        "GRU": ("GRU", GREEN, "-"),
        "coupled": (r"coupled: $f c + (1-f)\tilde{c}$", BLUE, "-"),
        "tanh": ("tanh RNN", GREY, "--"),
        "variant": ("the paper's variant", ORANGE, "-"),
        "sigmoid": ("sigmoid RNN", "black", "-"),
    }
    _lag_curves(ax, result, styles)
    ax.semilogy(result.lag, 4.0**-result.lag, color="black", linewidth=1, linestyle=":",
                label="$4^{-k}$")  # fmt: skip
    ax.legend(fontsize=9, loc="lower left")
    ax.set_ylim(1e-30, 30)
    return figure


def paths_by_lag(result):
    """The variant's direct path, all of its paths, and both networks with larger U."""
    figure, ax = sheet(height=3.8)
    styles = {
        "all, 3 U": ("variant, all paths, $3\\,U$", ORANGE, "--"),
        "sigmoid, 3 U": ("sigmoid RNN, $3\\,U$", "black", "--"),
        "all": ("variant, all paths", ORANGE, "-"),
        "direct": ("variant, direct path", BLUE, "-"),
    }
    _lag_curves(ax, result, styles)
    ax.semilogy(result.lag, 4.0**-result.lag, color=BLUE, linewidth=1, linestyle=":",
                label="$4^{-k}$")  # fmt: skip
    ax.legend(fontsize=9, loc="lower left")
    ax.set_ylim(1e-29, 30)
    return figure


def open_gates(result):
    """Both carries with three forget biases."""
    figure, axes = sheet(1, 2, height=3.2, sharey=True)
    titles = {"variant": "carry $f(1-f)$", "coupled": "carry $f$"}
    for ax, (cell, title) in zip(axes, titles.items(), strict=True):
        styles = {
            f"{cell}, {bias}": (f"$b_f = {bias}$", color, "-")
            for bias, color in (("0", BLUE), ("2", GREEN), ("6", ORANGE))
        }
        _lag_curves(ax, result, styles)
        ax.set(title=title, ylim=(1e-22, 30))
        ax.legend(fontsize=9, loc="lower left")
    axes[1].set_ylabel("")
    return figure


def recall(result):
    """Share of right answers over the lag, a dot per trained network."""
    figure, ax = sheet(height=3.3)
    styles = (
        ("coupled", r"coupled, $b_f = 4$", BLUE, "s"),
        ("variant", "the paper's variant", ORANGE, "o"),
        ("sigmoid", "sigmoid RNN", "black", "^"),
    )
    place = np.arange(len(result.lag))
    for shift, (name, label, color, marker) in zip((-0.15, 0.0, 0.15), styles, strict=True):
        accuracy = result.accuracy[name]
        ax.plot(place + shift, np.median(accuracy, axis=1), color=color, linewidth=1, zorder=1)
        where = np.repeat(place + shift, accuracy.shape[1])
        ax.plot(where, accuracy.ravel(), marker, color=color, label=label, alpha=0.75)
    ax.axhline(0.5, color=GREY, linewidth=1, linestyle="--")
    ax.text(place[-1] + 0.3, 0.515, "guessing", color=GREY, ha="right")
    ax.set_xticks(place, result.lag)
    ax.set(xlabel="lag of the input that counts", ylabel="right answers", ylim=(0.4, 1.03))
    ax.legend(fontsize=9, loc="center left", bbox_to_anchor=(0.0, 0.55))
    return figure


def residual_depths(result):
    """Range of the singular values of the Jacobian over the depth, one panel per setting."""
    figure, axes = sheet(2, 2, height=4.4, sharex=True, sharey=True)
    titles = {
        "no skip": "no skip",
        "W2": "skip, $W^{(2)}$ random",
        "W2 / L": "skip, $W^{(2)}/50$",
        "W2 = 0": "skip, $W^{(2)} = 0$",
    }
    for ax, (name, title), color in zip(
        axes.flat, titles.items(), (GREY, ORANGE, GREEN, BLUE), strict=True
    ):
        low, high = np.maximum(result.values[name], 1e-12).T
        ax.fill_between(result.depth, low, high, color=color, alpha=0.35, linewidth=0)
        ax.semilogy(result.depth, low, color=color)
        ax.semilogy(result.depth, high, color=color)
        ax.set(title=title, ylim=(1e-5, 1e3), xlim=(1, result.depth[-1]))
    for ax in axes[1]:
        ax.set_xlabel("units $L$")
    for ax in axes[:, 0]:
        ax.set_ylabel("singular values")
    return figure


def zero_start(result):
    """Gradients in both weights over the first steps from W2 = 0."""
    figure, ax = sheet(height=3.2)
    step = np.arange(len(result.W1))
    ax.plot(step, result.W2, color=BLUE, label="in all $W^{(2)}$")
    ax.plot(step, result.W1, color=ORANGE, label="in all $W^{(1)}$: 0 at the start")
    ax.plot(0, result.W1[0], "o", color=ORANGE, clip_on=False, zorder=5)
    ax.legend()
    ax.set(xlabel="step", ylabel="norm of the gradient", xlim=(0, step[-1]), ylim=(0, None))
    return figure
