"""Figures of the chapter boltzmann: each takes what its experiment returns, gives a sheet."""

import numpy as np

from fullmarks.plots import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, sheet


def mixing(result):
    """Distance from the exact distribution over the sweeps, at three steps of training."""
    figure, ax = sheet(width=4.8, height=3.9)
    looks = ((GREEN, "-."), (BLUE, "-"), (ORANGE, "--"))
    for (step, y), (color, dashes) in zip(result.distance.items(), looks, strict=True):
        ax.semilogy(result.sweeps, y, color=color, linestyle=dashes,
                    label=f"step {step}, |W| up to {result.largest[step]:.1f}")
    ax.set(xlabel="sweep over x, y, z", ylabel="distance from the exact\ndistribution",
           ylim=(1e-7, 1.5))
    ax.legend(loc="lower right")
    return figure


def costs(result):
    """Number of terms over the number of latents, for each model."""
    figure, ax = sheet(width=4.8, height=4.2)
    looks = {"all states": (GREY, ":", "all states, one by one"),
             "M = K": (ORANGE, "--", "three-way, M = K"),
             "K = 3": (PURPLE, "-.", "three-way, K = 3"),
             "path": (GREEN, (0, (5, 1, 1, 1)), "three-way, a path"),
             "RBM": (BLUE, "-", "RBM")}
    for name, y in result.terms.items():
        color, dashes, label = looks[name]
        ax.semilogy(result.latents, y, color=color, linestyle=dashes, label=label)
    ax.set(xlabel="number of latent variables M + K", ylabel="terms for one x")
    ax.legend(loc="upper left")
    return figure


def rest(result):
    """Size of the mean update at the truth over the positive sweeps, and its median."""
    figure, ax = sheet(width=4.8, height=3.9)
    looks = ((GREEN, "-.", "^"), (BLUE, "-", "o"), (ORANGE, "--", "s"))
    for (scale, rows), (color, dashes, marker) in zip(result.update.items(), looks, strict=True):
        ax.semilogy(result.sweeps, rows.T, color=color, alpha=0.2, linewidth=0.7)
        ax.semilogy(result.sweeps, np.median(rows, axis=0), marker, color=color, markersize=5,
                    linestyle=dashes, label=f"{scale:g}")
    ax.set(xlabel="positive sweeps", ylabel="size of the mean update", ylim=(1e-9, 0.5),
           xticks=[1, 5, 10, 15, 20])
    ax.legend(title="scale of W", loc="lower left")
    return figure


def training(result):
    """Exact log-likelihood over the steps: mean and range over the seeds, under the ceiling."""
    figure, axes = sheet(2, 1, width=4.8, height=6.4, sharex=True, sharey=True)
    looks = {"exact gradient": (0, BLACK, "-"), "10 sweeps": (0, BLUE, "--"),
             "3 sweeps": (0, GREEN, "-."), "1 sweep": (0, ORANGE, ":"),
             "1 sweep, continued": (1, BLUE, "-"), "1 sweep, 5 free": (1, PURPLE, "-.")}
    for name, rows in result.curves.items():
        panel, color, dashes = looks[name]
        _band(axes[panel], result.steps, rows, color, dashes, name)
    _band(axes[1], result.steps, result.curves["1 sweep"], ORANGE, ":", "1 sweep")
    for ax in axes:
        ax.axhline(result.ceiling, color=GREY, linewidth=1)
        ax.set(ylabel="log P(x), mean, in nats", ylim=(-5.3, result.ceiling + 0.35))
        ax.legend(loc="lower right")
    axes[0].text(0, result.ceiling + 0.06, "ceiling: minus the entropy of the data", color=GREY)
    axes[0].set_title("more positive sweeps")
    axes[1].set_title("one positive sweep")
    axes[1].set_xlabel("step")
    return figure


def _band(ax, steps, rows, color, dashes, name):
    ax.fill_between(steps, rows.min(axis=0), rows.max(axis=0), color=color, alpha=0.15,
                    linewidth=0)
    ax.plot(steps, rows.mean(axis=0), color=color, linestyle=dashes, label=name)


def signs(result):
    """Exact log-likelihood over the steps, with the paper's signs and with the habitual ones."""
    figure, ax = sheet(width=4.8, height=3.6)
    looks = {"as printed": (BLUE, "-"), "sign of the update": (ORANGE, "--"),
             "all signs": (PURPLE, ":")}
    for name, rows in result.curves.items():
        color, dashes = looks[name]
        label = {"as printed": "nothing, as printed"}.get(name, name)
        ax.plot(result.steps, rows[0], color=color, linestyle=dashes, label=label)
    ax.axhline(result.ceiling, color=GREY, linewidth=1)
    ax.text(result.steps[-1], result.ceiling + 0.2, "ceiling", color=GREY, ha="right")
    ax.set(xlabel="step", ylabel="log P(x), mean, in nats", ylim=(-17, 0))
    ax.legend(title="habitual", loc="lower left", bbox_to_anchor=(0.12, 0.02))
    return figure
