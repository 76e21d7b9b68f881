"""Figures of the chapter variational: each takes what its experiment returns and gives a sheet."""


import numpy as np

from fullmarks.plots import BLACK, BLUE, GREEN, GREY, ORANGE, STYLES, lines, sheet


def table(result):
    """Bound and evidence over q, the gap between them, and the sum with the other divergence."""
    figure, ax = sheet(width=4.8, height=3.8)
    ax.axhline(result.evidence, color=BLACK, linewidth=1.4)
    ax.text(0.45, result.evidence + 0.04, r"$\log p(x)$", ha="right")
    ax.fill_between(result.q, result.bound, result.evidence, color=BLUE, alpha=0.15)
    ax.text(0.13, -1.25, r"$\mathrm{KL}(q\,\|\,p(z|x))$", color=BLUE)
    ax.plot(result.q, result.bound, color=BLUE, label="bound")
    ax.plot(result.q, result.other_order, color=ORANGE, linestyle="--",
            label=r"bound + $\mathrm{KL}(p(z|x)\,\|\,q)$")
    ax.plot(result.posterior, result.evidence, "o", color=BLUE)
    ax.annotate("posterior", (result.posterior, result.evidence), (-6, 5),
                textcoords="offset points", ha="right")
    ax.set(xlabel="$q(z=1)$", ylabel="nats", xlim=(0, 1), ylim=(-2.6, 0.4))
    ax.legend(loc="lower center")
    return figure


def printed_objective(result):
    """Bound and printed objective over q, each with its own maximum."""
    figure, ax = sheet(width=4.8, height=3.8)
    ax.axhline(result.evidence, color=BLACK, linewidth=1.4)
    ax.text(0.01, result.evidence + 0.03, r"$\log p(x)$")
    ax.plot(result.q, result.printed, color=ORANGE, linestyle="--", label="as printed")
    ax.plot(result.q, result.bound, color=BLUE, label="with the logarithm")
    for y, color, name in ((result.printed, ORANGE, r"$q \propto p(z)\,e^{p(x|z)}$"),
                           (result.bound, BLUE, "posterior")):
        top = y.argmax()
        ax.plot(result.q[top], y[top], "o", color=color)
        ax.annotate(name, (result.q[top], y[top]), (0, 7), textcoords="offset points",
                    ha="center", color=color)
    ax.set(xlabel="$q(z=1)$", ylabel="nats", xlim=(0, 1), ylim=(-2.6, 0.95))
    ax.legend(loc="lower right")
    return figure


def fitted_by_both(result):
    """Probabilities of six values: the data's, and those of models fitted by either objective."""
    figure, ax = sheet(width=4.8, height=3.4)
    x = np.arange(1, len(result.data) + 1)
    for shift, y, color, hatch, name in (
        (-0.27, result.data, GREY, "", "data"),
        (0, result.bound, BLUE, "//", "fitted by the bound"),
        (0.27, result.printed, ORANGE, "..", "fitted as printed"),
    ):
        ax.bar(x + shift, y, 0.25, color=color, hatch=hatch, edgecolor="white", label=name)
    ax.set(xlabel="value of $x$", ylabel="probability")
    ax.legend()
    return figure


def terms(result):
    """Both terms over the standard deviation of q, and their difference below log p(x)."""
    figure, ax = sheet(width=4.8, height=4.0)
    ax.axhline(result.evidence, color=BLACK, linewidth=1.2)
    ax.text(0.1, result.evidence + 0.1, r"$\log p(x)$")
    ax.plot(result.scale, result.first, color=BLUE, label="term 1")
    ax.plot(result.sampled_at, result.sampled, "o", color=BLUE, markersize=4,
            label="term 1, 2,000 samples")
    ax.plot(result.scale, -result.second, color=ORANGE, linestyle="--", label=r"$-$ term 2")
    ax.plot(result.scale, result.first - result.second, color=GREEN, linestyle="-.", label="bound")
    ax.axvline(result.best, color=GREY, linewidth=1, linestyle=":")
    ax.text(result.best * 1.05, -7.7, "of the posterior", color=GREY)
    ax.set(xscale="log", xlabel="standard deviation of $q$", ylabel="nats", ylim=(-8, 0.5))
    ax.set_xticks([0.1, 0.2, 0.5, 1, 2], ["0.1", "0.2", "0.5", "1", "2"])
    ax.legend(loc="lower left")
    return figure


NAMES = {"path": "reparameterised", "score": "score function", "baseline": "score, best baseline"}


def _spread(ax, result):
    """Variances as lines, those of samples as dots of the same colour."""
    for (name, y), (color, dashes) in zip(result.exact.items(), STYLES, strict=False):
        ax.plot(result.x, y, color=color, linestyle=dashes, label=NAMES[name])
        if name in result.sampled:
            ax.plot(result.at, result.sampled[name], "o", color=color, markersize=4)
    ax.set(xscale="log", yscale="log", ylabel="variance of one estimate")


def spread_by_dimension(result):
    """Variances of three estimators over the number of latent coordinates."""
    figure, ax = sheet(width=4.8, height=3.8)
    _spread(ax, result)
    ax.set(xlabel="latent coordinates $K$")
    ax.set_xticks(result.at, [str(K) for K in result.at])
    ax.legend(loc="upper left")
    return figure


def spread_by_roughness(frequency, sharpness):
    """Variances of both estimators for a sine and for a step, over how rough they are."""
    figure, axes = sheet(2, 1, width=4.8, height=6.0)
    _spread(axes[0], frequency)
    axes[0].set(xlabel=r"frequency $\omega$ of $f(z) = \sin(\omega z)$", ylim=(1e-3, 1e3))
    axes[0].legend(loc="upper left")
    _spread(axes[1], sharpness)
    axes[1].set(xlabel=r"steepness $k$ of $f(z) = \tanh(kz)$", ylim=(1e-3, 1e3))
    return figure


def _runs(ax, x, rows, color, dashes, label):
    """Thin lines of one kind, one for each run, with a single label."""
    for i, row in enumerate(rows):
        ax.plot(x, row, color=color, linestyle=dashes, linewidth=1, label=None if i else label)


def training(result):
    """Bound over the steps of training, every run of each estimator at its best rate."""
    figure, ax = sheet(width=4.8, height=3.8)
    for (name, rows), (color, dashes) in zip(result.bound.items(), STYLES, strict=False):
        _runs(ax, result.steps, rows, color, dashes, name)
    ax.axhline(result.ceiling, color=GREY, linewidth=1)
    ax.text(0, result.ceiling + 0.1, r"$-\log 8$: no model can exceed it", color=GREY)
    ax.set(xlabel="step", ylabel="bound, mean of the images", ylim=(-13.5, -1))
    ax.legend(loc="lower right")
    return figure


def amortised(result):
    """Gaps over x: the best mean field, the one that keeps to the symmetric point, encoders."""
    figure, ax = sheet(width=4.8, height=3.8)
    ax.plot(result.x, result.stuck, color=ORANGE, linestyle="--", linewidth=3,
            label="mean field, stuck at $m_1 = 0$")
    _runs(ax, result.x, result.encoders, BLACK, "-", f"encoders, {len(result.encoders)} runs")
    ax.plot(result.x, result.best, color=BLUE, linewidth=2, label="mean field, best for each $x$")
    ax.set(xlabel="observation $x$", ylabel="gap in nats", ylim=(0, 5))
    ax.legend(loc="upper left")
    return figure


def inference(result):
    """Nats below the optimum over the gradient steps per example, and those of encoders."""
    figure, ax = sheet(width=4.8, height=3.8)
    shown = np.maximum(result.steps, 0.5)
    lines(ax, shown, {f"mean field, rate {r}": y for r, y in result.mean_field.items()})
    for i, lost in enumerate(result.encoders):
        ax.axhline(lost, color=BLACK, linewidth=0.8, label=None if i else "encoders, no step")
    ax.set(xscale="log", yscale="log", xlabel="gradient steps for each new example",
           ylabel="nats below the optimum", ylim=(2e-3, 60))
    ax.set_xticks([0.5, 1, 10, 100], ["0", "1", "10", "100"])
    ax.legend(loc="lower left")
    return figure


def _ellipse(covariance, radius):
    """Points of the curve zᵀ covariance⁻¹ z = radius²."""
    angle = np.linspace(0, 2 * np.pi, 200)
    circle = np.stack([np.cos(angle), np.sin(angle)])
    return radius * np.linalg.cholesky(covariance) @ circle


def correlated(result):
    """A correlated posterior and its best diagonal approximation; the gap over the correlation."""
    figure, axes = sheet(2, 1, width=4.8, height=6.8, height_ratios=[1.25, 1])
    for radius in (1, 2):
        labels = ("posterior", "best mean field") if radius == 1 else (None, None)
        axes[0].plot(*_ellipse(result.covariance, radius), color=BLACK, label=labels[0])
        axes[0].plot(*_ellipse(result.diagonal, radius), color=ORANGE, linestyle="--",
                     label=labels[1])
    axes[0].set(xlabel="$z_1$", ylabel="$z_2$", aspect="equal")
    axes[0].legend(loc="upper left")
    axes[1].plot(result.correlation, result.gap, color=ORANGE, linestyle="--",
                 label=r"$-\frac{1}{2}\log(1-\rho^2)$")
    axes[1].plot(result.at, result.climbed, "o", color=ORANGE, label="found by descent")
    axes[1].axhline(0, color=BLUE, label="affine flow")
    axes[1].set(xlabel=r"correlation $\rho$ of the posterior", ylabel="gap in nats")
    axes[1].legend(loc="upper left")
    return figure


def banana(result):
    """Contours of the posterior and of the best of each family, with the gap."""
    figure, axes = sheet(2, 2, width=4.8, height=5.0, sharex=True, sharey=True)
    levels = result.posterior.max() * np.array([0.03, 0.2, 0.6])
    axes[0, 0].contour(result.z1, result.z2, result.posterior, levels, colors=BLACK)
    axes[0, 0].set_title("posterior")
    for ax, (name, density), color in zip(axes.ravel()[1:], result.families.items(),
                                          (ORANGE, GREEN, BLUE), strict=True):
        ax.contour(result.z1, result.z2, result.posterior, levels[:1], colors=GREY, linewidths=0.8)
        ax.contour(result.z1, result.z2, density, levels, colors=color, linewidths=1.4)
        ax.set_title(f"{name}: {result.gap[name]:.2f}")
    figure.supxlabel("$z_1$")
    figure.supylabel("$z_2$")
    return figure


def gaps(result):
    """Gap over x: the best of each family for each x, and two encoders of the IAF."""
    figure, axes = sheet(2, 1, width=4.8, height=6.4, sharex=True)
    lines(axes[0], result.x, result.best)
    axes[0].set_title("best of the family for each $x$", fontsize=11)
    mean_field = result.best["mean field"]
    axes[1].plot(result.x, mean_field, color=BLUE, linewidth=2, label="mean field for each $x$")
    for (name, rows), (color, dashes) in zip(result.encoders.items(), STYLES[3:1:-1], strict=True):
        _runs(axes[1], result.x, rows, color, dashes, f"IAF, encoder: {name}")
    axes[1].set_title(f"IAF with an encoder, {len(rows)} runs of each", fontsize=11)
    for ax in axes:
        ax.set(ylabel="gap in nats", ylim=(-0.05, 3))
        ax.legend(loc="upper left")
    axes[1].set_xlabel("observation $x$")
    return figure


def sampled(result):
    """Error of the sampled bound over the samples; cost of the exact one over the variables."""
    figure, axes = sheet(2, 1, width=4.8, height=6.2)
    axes[0].loglog(result.samples, result.predicted, color=BLACK, linewidth=1.4,
                   label=r"standard deviation $/\sqrt{S}$")
    axes[0].loglog(result.samples, result.error, "o", color=BLUE, label="measured")
    axes[0].axvline(result.terms, color=GREY, linewidth=1, linestyle=":")
    axes[0].text(result.terms * 1.1, 0.6, f"exact with\n{result.terms} runs", color=GREY, va="top")
    axes[0].set(xlabel="samples $S$, each a run of the decoder", ylabel="error in nats")
    axes[0].set_yticks([0.05, 0.1, 0.2, 0.5], ["0.05", "0.1", "0.2", "0.5"])
    axes[0].yaxis.set_tick_params(which="minor", labelleft=False)
    axes[0].legend(loc="lower left")
    lines(axes[1], result.variables, result.cost)
    axes[1].set(yscale="log", xlabel="categorical variables $n$", ylabel="runs of the decoder")
    axes[1].legend(loc="upper left", title="exact sum")
    return figure
