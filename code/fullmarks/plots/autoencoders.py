"""Figures of the chapter autoencoders: each takes what its experiment returns, gives a sheet."""

import numpy as np

from fullmarks.plots import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, sheet


def curves(result):
    """Loss under both penalties; below, the distance of the weights."""
    figure, axes = sheet(2, 1, width=4.8, height=5.4, sharex=True)
    axes[0].plot(result.decay, color=ORANGE, linewidth=4, alpha=0.5)
    axes[0].plot(result.contractive, color=BLUE, linewidth=1, linestyle="--")
    axes[0].plot([], [], color=ORANGE, linewidth=4, alpha=0.5, label="weight decay")
    axes[0].plot([], [], color=BLUE, linewidth=1, linestyle="--", label="contractive penalty")
    axes[0].set(ylabel="loss with penalty", ylim=(0, None))
    axes[0].legend(loc="upper right")
    axes[1].plot(result.distance * 1e15, color=BLACK, linewidth=0.8, alpha=0.6)
    axes[1].set(xlabel="step of gradient descent", ylim=(0, None),
                ylabel="relative distance\nof the weights, $10^{-15}$")
    return figure


def conditions(result):
    """Of each setting and seed: how far the two runs came apart, on a logarithmic axis."""
    figure, ax = sheet(width=4.8, height=4.6)
    for row, distance in enumerate(result.values()):
        same = distance.max() < 1e-10
        ax.plot(distance, np.full(len(distance), row), "o" if same else "s", markersize=5,
                alpha=0.5, color=BLUE if same else ORANGE)
    ax.set(xscale="log", xlim=(5e-17, 5), xlabel="relative distance of weights",
           ylabel="what was trained")
    ax.set_yticks(range(len(result)), list(result), fontsize=9)
    ax.set_xticks([1e-16, 1e-12, 1e-8, 1e-4, 1])
    ax.invert_yaxis()
    return figure


def shrinkage(result):
    """Kept share of each principal direction over the weight of the penalty."""
    figure, ax = sheet(width=4.8, height=3.8)
    fine = np.linspace(0, result.weight[-1], 400)
    for i, (color, marker) in enumerate(zip((BLUE, ORANGE, GREEN, PURPLE), "osD^", strict=True)):
        s = result.variances[i]
        ax.plot(fine, np.maximum(0, 1 - fine / (2 * s)), color=color, linewidth=1.2,
                label=f"variance {s:.2f}")
        for seed in range(result.trained.shape[1]):
            ax.plot(result.weight, result.trained[:, seed, i], marker, color=color, markersize=5,
                    alpha=0.5)
    ax.set(xlabel=r"weight $\lambda$ of the penalty", ylabel=r"eigenvalue of $W^\top W$",
           ylim=(-0.03, 1.05))
    ax.legend(loc="upper right")
    return figure


def dead_units(result):
    """Squared norm of the dead units over the steps, relative to the start."""
    figure, ax = sheet(width=4.8, height=3.4)
    steps = np.arange(len(result.decay))
    for squares, color, name in ((result.contractive, BLUE, "contractive penalty"),
                                 (result.decay, ORANGE, "weight decay")):
        relative = squares[:, result.dead] / squares[0, result.dead]
        ax.semilogy(steps, relative, color=color, linewidth=3, alpha=0.3)
        ax.semilogy([], [], color=color, linewidth=3, label=name)
    ax.semilogy(steps, result.factor ** (2.0 * steps), color=BLACK, linestyle="--", linewidth=1,
                label=r"$(1 - 2\eta\lambda)^{2t}$")
    ax.set(xlabel="step $t$ of gradient descent", ylabel=r"$\|w_j\|^2$ over its start",
           ylim=(1e-4, 3))
    ax.legend(loc="lower left")
    return figure


def activities(result):
    """Squared norm over activity at the end of training, one dot for each unit."""
    figure, axes = sheet(2, 1, width=4.8, height=5.4, sharex=True, sharey=True)
    axes[0].plot(result.activity_contractive, result.contractive[-1], "o", color=BLUE,
                 markersize=5, alpha=0.45)
    axes[1].plot(result.activity_decay, result.decay[-1], "s", color=ORANGE, markersize=5,
                 alpha=0.45)
    axes[0].set(ylabel=r"$\|w_j\|^2$", title="contractive penalty")
    axes[1].set(ylabel=r"$\|w_j\|^2$", title="weight decay")
    axes[1].set(xlabel="share of the examples at which the unit is active")
    return figure


def kink(result):
    """Penalty over the bias: steps for examples, a smooth curve for a population; the slopes."""
    figure, axes = sheet(2, 1, width=4.8, height=5.6, sharex=True)
    axes[0].plot(result.bias, result.population, color=ORANGE, linestyle="--",
                 label=r"all of $\mathcal{N}(0, 1)$")
    axes[0].step(result.bias, result.examples, color=BLUE, where="mid",
                 label=f"mean over {len(result.jumps)} examples")
    axes[0].set(ylabel="contractive penalty", ylim=(-0.1, None))
    axes[0].legend(loc="upper left")
    axes[1].plot(result.bias, result.slope_population, color=ORANGE, linestyle="--")
    axes[1].plot(result.bias, result.slope_examples, color=BLUE)
    axes[1].plot(result.jumps, np.zeros_like(result.jumps), "|", color=BLACK, markersize=12)
    axes[1].annotate("no slope where an\nexample is on the kink", (result.jumps[1], 0.01),
                     (-4.2, 0.52), arrowprops={"arrowstyle": "->", "color": GREY}, fontsize=9)
    axes[1].set(xlabel="bias $b$ of the unit", ylabel="slope in $b$")
    return figure


# Autoencoder and variational autoencoder.


def samples(result, pair=0, count=7):
    """Real images, and samples of each method, one method a row."""
    rows = {"new images": result.new, **{k: v[pair] for k, v in result.samples.items()}}
    figure, axes = sheet(len(rows), count, width=4.8, height=4.4)
    side = int(np.sqrt(result.new.shape[1]))
    for (name, images), line in zip(rows.items(), axes, strict=True):
        for ax, image in zip(line, images[:count], strict=True):
            ax.imshow(image.reshape(side, side), cmap="gray_r", vmin=0, vmax=1)
            ax.set(xticks=[], yticks=[])
            ax.grid(False)
        line[0].set_ylabel(name.replace(", ", ",\n"), rotation=0, ha="right", va="center",
                           fontsize=9)
    figure.supxlabel("samples", fontsize=10)
    return figure


def codes(result, pair=0):
    """Codes of the training images: autoencoder and VAE, with circles of the standard normal."""
    figure, axes = sheet(1, 2, width=4.8, height=2.5, sharex=True, sharey=True)
    angle = np.linspace(0, 2 * np.pi, 200)
    for ax, z, color, name, distance in zip(
        axes, (result.codes[pair], result.codes_vae[pair]), (BLUE, ORANGE),
        ("autoencoder", "VAE"), result.code_distance[:, pair], strict=True
    ):
        ax.plot(*z.T, ".", color=color, markersize=2.5)
        for radius in (1, 2):
            ax.plot(radius * np.cos(angle), radius * np.sin(angle), color=BLACK, linewidth=0.9)
        ax.set(aspect="equal", xlabel="$z_1$", title=f"{name}: {distance:.2f}")
    axes[0].set(ylabel="$z_2$")
    return figure


def trade(result):
    """Error of reconstructions and energy distance of samples, a dot for each trained network."""
    figure, ax = sheet(width=4.8, height=4.2)
    shapes = {"AE, standard normal": (BLUE, "o"), "AE, fitted normal": (GREEN, "D"),
              "AE, kernel density": (PURPLE, "^"), "VAE": (ORANGE, "s")}
    for name, (color, marker) in shapes.items():
        error = result.error[int(name == "VAE")]
        ax.loglog(error, result.distance[name], marker, color=color, alpha=0.6, label=name)
    ax.axhline(result.floor[0], color=GREY, linewidth=1)
    ax.text(ax.get_xlim()[1], result.floor[0], "as far as new images are", color=GREY, ha="right",
            va="bottom", fontsize=9)
    ax.set(xlabel="squared error of reconstructed new images",
           ylabel="energy distance of samples\nto new images")
    ax.set_xticks([0.02, 0.05, 0.1], ["0.02", "0.05", "0.1"])
    ax.set_xticks([], minor=True)
    ax.legend(loc="center right", bbox_to_anchor=(1, 0.62))
    return figure
