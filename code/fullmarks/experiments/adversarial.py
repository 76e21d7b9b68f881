"""Experiments of the chapter adversarial: plain arrays out, randomness in through `rng`.

Where networks are trained, all runs of an experiment are trained side by side: the first axis of
every weight is the run. The runs share no weight, no sample and no noise.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch

from fullmarks import adversarial


class GeneratorLosses(NamedTuple):
    """Slopes of both losses over the logit; steps counted and time predicted from each start."""

    a: np.ndarray
    saturating: np.ndarray
    non_saturating: np.ndarray


def generator_gradients(points: int = 201) -> GeneratorLosses:
    """Size of the gradient in the logit of a generated sample, for both losses."""
    a = np.linspace(-8, 8, points)
    return GeneratorLosses(
        a, abs(adversarial.saturating_gradient(a)), abs(adversarial.non_saturating_gradient(a))
    )


def steps_to_escape(rate: float = 0.1) -> GeneratorLosses:
    """Steps of gradient descent on one logit until the discriminator is at 1/2."""
    starts = np.arange(-8.0, 0.0)
    counts = [
        [_count(slope, start, rate) for start in starts]
        for slope in (adversarial.saturating_gradient, adversarial.non_saturating_gradient)
    ]
    return GeneratorLosses(starts, *np.array(counts))


def _count(slope, a, rate):
    steps = 0
    while a < 0:
        a -= rate * slope(a)
        steps += 1
    return steps


class Orbits(NamedTuple):
    """Places (steps+1, 2) of the game min max x y: both players at once, and one by one."""

    rate: float
    together: np.ndarray
    in_turn: np.ndarray


def orbits(rate: float = 0.1, steps: int = 150) -> Orbits:
    """The game of two numbers from (1, 0)."""
    plays = [adversarial.play(1.0, 0.0, rate, steps, turn) for turn in (False, True)]
    return Orbits(rate, *plays)


class CriticSurface(NamedTuple):
    """Loss of a linear critic in two dimensions on a grid, and its stationary points."""

    grid: np.ndarray
    loss: np.ndarray
    gap: np.ndarray
    best: np.ndarray
    saddle: np.ndarray


def critic_surface(penalty: float = 1.0, points: int = 121) -> CriticSurface:
    """Loss over w for the gap (1, 0): a minimum, a saddle and a peak at w = 0."""
    grid, gap = np.linspace(-2.2, 2.2, points), np.array([1.0, 0.0])
    loss = [[adversarial.critic_loss(np.array([u, v]), gap, penalty) for u in grid] for v in grid]
    size = np.linalg.norm(gap)
    saddle = -(1 - size / (2 * penalty)) * gap / size
    return CriticSurface(
        grid, np.array(loss), gap, adversarial.best_critic(gap, penalty), saddle
    )


def gradients_at_zero() -> dict[str, list[float]]:
    """What torch returns at w = 0, for three spellings of the norm in the penalty.

    The gap is (1, 0) and the penalty 10.
    """
    norms = {
        "vector_norm": lambda g: torch.linalg.vector_norm(g, dim=1),
        "sqrt of squares": lambda g: g.square().sum(1).sqrt(),
        "sqrt of squares + 1e-12": lambda g: (g.square().sum(1) + 1e-12).sqrt(),
    }
    return {name: _gradient_at_zero(norm) for name, norm in norms.items()}


def _gradient_at_zero(norm):
    real = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    fake = torch.zeros_like(real)
    w = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    between = ((real + fake) / 2).requires_grad_()
    slope = torch.autograd.grad((between @ w).sum(), between, create_graph=True)[0]
    loss = (fake @ w).mean() - (real @ w).mean() + 10 * ((norm(slope) - 1) ** 2).mean()
    return torch.autograd.grad(loss, w)[0].tolist()


class Pursuit(NamedTuple):
    """Weight of a linear critic in one dimension and gap of the means, step by step."""

    penalty: float
    w: np.ndarray
    gap: np.ndarray


def pursuit(
    penalty: float = 1.0, ratio: float = 0.1, rate: float = 0.05, steps: int = 3000
) -> Pursuit:
    """Generator that shifts its samples, and a critic that follows its gradient.

    `rate` is the critic's, `ratio` the generator's divided by it. They start at w = 1 and the
    gap 1. Nothing is sampled.
    """
    w, gap = np.ones(1), np.ones(1)
    record = []
    for _ in range(steps):
        record.append((w[0], gap[0]))
        w = w - rate * adversarial.critic_gradient(w, gap, penalty)
        gap = gap - ratio * rate * w
    return Pursuit(penalty, *np.array(record).T)


# Networks, many at once.


def _network(widths, runs, generator, spread=0.0):
    """Weights of `runs` networks, as He scales them, and biases of deviation `spread`."""
    layers = []
    for n, m in pairwise(widths):
        W = torch.randn(runs, n, m, generator=generator) * (2 / n) ** 0.5
        b = torch.randn(runs, 1, m, generator=generator) * spread
        layers += [W.requires_grad_(), b.requires_grad_()]
    return layers


def _apply(layers, x):
    for W, b in zip(layers[:-2:2], layers[1:-2:2], strict=True):
        x = torch.relu(torch.baddbmm(b, x, W))
    return torch.baddbmm(layers[-1], x, layers[-2])


def _torch_generator(rng):
    return torch.Generator().manual_seed(int(rng.integers(2**31)))


class CriticRuns(NamedTuple):
    """Runs (rows) over the generator's steps: distance of the means, Wasserstein-1 distance.

    `samples` are those of the data and of each run's generator in the end.
    """

    steps: np.ndarray
    gap: np.ndarray
    distance: np.ndarray
    data: np.ndarray
    samples: np.ndarray


def two_peaks(n: int, runs: int, generator: torch.Generator) -> torch.Tensor:
    """Data (runs, n, 1): a quarter near -2, three quarters near 2, both with deviation 0.3."""
    side = torch.where(torch.rand(runs, n, 1, generator=generator) < 0.25, -2.0, 2.0)
    return side + 0.3 * torch.randn(runs, n, 1, generator=generator)


def wasserstein_training(
    rng: np.random.Generator, linear: bool, runs: int = 10, steps: int = 400, penalty: float = 1.0
) -> CriticRuns:
    """Generators in one dimension against a critic that is linear, or has 32 hidden units.

    The linear critic is `adversarial.best_critic` of each batch; the other one makes three steps
    of Adam on the loss of WGAN-GP for each step of the generator. The data are `two_peaks`.
    """
    source = _torch_generator(rng)
    G, D = (_network([1, 32, 1], runs, source, spread=1.0) for _ in range(2))
    adam_G = torch.optim.Adam(G, lr=0.003, betas=(0.5, 0.9), fused=True)
    adam_D = torch.optim.Adam(D, lr=0.01, betas=(0.5, 0.9), fused=True)
    record = []
    for step in range(steps + 1):
        if step % 20 == 0:
            record.append(_distances(G, runs, source))
        for _ in range(0 if linear else 3):
            fake, real = _fakes(G, 64, runs, source).detach(), two_peaks(64, runs, source)
            _step(adam_D, D, _critic_loss(D, real, fake, penalty, source))
        fake = _fakes(G, 64, runs, source)
        critic = _best_linear(two_peaks(64, runs, source), fake, penalty) if linear else D
        _step(adam_G, G, -_apply(critic, fake).mean(1).sum())
    gap, distance = np.array([row[:2] for row in record]).transpose(1, 2, 0)
    return CriticRuns(np.arange(0, steps + 1, 20), gap, distance, *record[-1][2:])


def _best_linear(real, fake, penalty):
    """Weights and offsets of the best linear critics, as layers for `_apply`."""
    gaps = (real.mean(1) - fake.mean(1)).detach().double().numpy()
    w = np.array([adversarial.best_critic(gap, penalty) for gap in gaps])
    return [torch.tensor(w[:, :, None], dtype=torch.float32), torch.zeros(len(w), 1, 1)]


def _step(optimizer, parameters, loss):
    for parameter, grad in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
        parameter.grad = grad
    optimizer.step()


def _fakes(G, n, runs, source, width=1):
    return _apply(G, torch.randn(runs, n, width, generator=source))


def _critic_loss(D, real, fake, penalty, source):
    mix = torch.rand(real.shape, generator=source)
    between = (mix * real + (1 - mix) * fake).requires_grad_()
    slope = torch.autograd.grad(_apply(D, between).sum(), between, create_graph=True)[0]
    away = (slope.norm(dim=2) - 1) ** 2
    return (_apply(D, fake) - _apply(D, real) + penalty * away[..., None]).mean(1).sum()


def _distances(G, runs, source):
    with torch.no_grad():
        fake = _fakes(G, 2000, runs, source)[..., 0].double().numpy()
    real = two_peaks(2000, runs, source)[..., 0].double().numpy()
    distance = [adversarial.wasserstein(x, y) for x, y in zip(real, fake, strict=True)]
    return abs(real.mean(1) - fake.mean(1)), distance, real, fake


class PackedRuns(NamedTuple):
    """Modes found and share of samples near a mode, (settings, times, runs).

    A setting is a pair: samples in a pack, packs in a batch. `steps` are the times.
    """

    settings: list[tuple[int, int]]
    steps: list[int]
    modes: np.ndarray
    near: np.ndarray


MODES = 8
RADIUS, DEVIATION = 2.0, 0.1


def ring(n: int, runs: int, generator: torch.Generator) -> torch.Tensor:
    """Data (runs, n, 2): eight normal distributions on a circle of radius 2, equally likely."""
    angle = torch.randint(MODES, (runs, n), generator=generator) * (2 * torch.pi / MODES)
    centre = RADIUS * torch.stack([angle.cos(), angle.sin()], dim=-1)
    return centre + DEVIATION * torch.randn(runs, n, 2, generator=generator)


def packing(
    rng: np.random.Generator,
    settings: tuple[tuple[int, int], ...] = ((1, 64), (2, 32), (4, 64)),
    runs: int = 8,
    steps: tuple[int, ...] = (400, 600, 800),
) -> PackedRuns:
    """GANs on `ring`, the discriminator of which sees one, two or four samples at once.

    The first two settings have the same number of samples in a batch, the last has four times as
    many. All use the non-saturating loss, the same learning rates and the same hidden layers.
    """
    samples = np.array(
        [_packed_training(_torch_generator(rng), m, n, runs, steps) for m, n in settings]
    )
    covered = np.array([[[coverage(x) for x in time] for time in runs] for runs in samples])
    return PackedRuns(list(settings), list(steps), covered[..., 0].astype(int), covered[..., 1])


def _packed_training(source, m, packs, runs, steps):
    G, D = _network([2, 32, 32, 2], runs, source), _network([2 * m, 32, 32, 1], runs, source)
    adam_G, adam_D = (
        torch.optim.Adam(net, lr=0.002, betas=(0.5, 0.9), fused=True) for net in (G, D)
    )
    noise, made = torch.randn(runs, 1000, 2, generator=source), []
    for step in range(1, steps[-1] + 1):
        real, fake = ring(packs * m, runs, source), _fakes(G, packs * m, runs, source, 2)
        both = torch.cat([real, fake.detach()], 1).reshape(runs, 2 * packs, 2 * m)
        logits = _apply(D, both).reshape(runs, 2, packs)
        loss = torch.nn.functional.softplus(torch.stack([-logits[:, 0], logits[:, 1]]))
        _step(adam_D, D, loss.mean((0, 2)).sum())
        logit = _apply(D, fake.reshape(runs, packs, 2 * m))
        _step(adam_G, G, torch.nn.functional.softplus(-logit).mean(1).sum())
        if step in steps:
            made.append(_apply(G, noise).detach().numpy())
    return np.array(made)


def coverage(x: np.ndarray) -> tuple[int, float]:
    """Modes of `ring` that hold at least a quarter of their share of x (n, 2); share near any.

    A sample belongs to a mode if it lies within four standard deviations of its centre.
    """
    angle = np.arange(MODES) * 2 * np.pi / MODES
    centres = RADIUS * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    inside = np.linalg.norm(x[:, None] - centres, axis=2) < 4 * DEVIATION
    return int((inside.mean(0) >= 1 / (4 * MODES)).sum()), float(inside.any(1).mean())


class PackedDistances(NamedTuple):
    """Total variation of m packed samples, m in columns, for one generator per row."""

    name: list[str]
    m: np.ndarray
    distance: np.ndarray


def packed_distances(missing: float = 0.2, most: int = 10) -> PackedDistances:
    """Three generators at the same total variation from the data.

    One never makes a share of the data, one makes as much that is no data, one makes everything
    in shifted shares: the halves (1/2, 1/2) as (1/2 + missing, 1/2 - missing).
    """
    rest = np.array([1.0, 0.0])
    part = np.array([1 - missing, missing])
    halves = np.array([0.5, 0.5])
    pairs = {
        "a mode is lost": (part, rest),
        "a mode is invented": (rest, part),
        "shares are shifted": (halves, halves + np.array([missing, -missing])),
    }
    m = np.arange(1, most + 1)
    distance = [
        [adversarial.packed_total_variation(p, q, int(k)) for k in m] for p, q in pairs.values()
    ]
    return PackedDistances(list(pairs), m, np.array(distance))
