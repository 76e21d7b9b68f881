"""Experiments of the chapter convolution: plain arrays out, randomness in through `rng`."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

from fullmarks import convolution
from fullmarks.convolution import Layer, Map

SIX_LAYERS = (Layer(5, padding=2),) * 6  # paper B
CONVOLUTION_AND_POOLING = (Layer(3, padding=1), Layer(3, stride=2, padding=1))  # paper E


class Sliding(NamedTuple):
    """The padded input, the taps as they are laid on it, and the sum at each place of "full"."""

    padded: np.ndarray
    taps: np.ndarray
    sums: np.ndarray


def sliding(flip: bool) -> Sliding:
    """Paper A's kernel [1, 0, 2] on [1, 2, 3, 4], flipped or not."""
    x, k = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 0.0, 2.0])
    taps = k[::-1] if flip else k
    return Sliding(np.pad(x, len(k) - 1), taps, convolution.cross_correlate(x, taps))


def weight_matrices(rng: np.random.Generator, n: int = 10, taps: int = 3) -> list[np.ndarray]:
    """Weights of a dense layer, of one with local connections, and of a convolution ("valid")."""
    places = n - taps + 1
    dense = rng.normal(size=(places, n))
    band = convolution.convolution_matrix(np.ones(taps), n, "valid")
    shared = convolution.convolution_matrix(rng.normal(size=taps), n, "valid")
    return [dense, dense * band, shared]


class Statistics(NamedTuple):
    """Error beyond the noise on new inputs, per output, against the number of examples.

    The rows of `measured` and `theory` are dense, local and shared weights.
    """

    examples: np.ndarray
    measured: np.ndarray
    theory: np.ndarray
    weights: tuple[int, int, int]


def statistics(rng: np.random.Generator, n: int = 18, taps: int = 3, runs: int = 40) -> Statistics:
    """Least squares learns a convolution from noisy examples, with three kinds of layers.

    Inputs and noise are standard normal, so a layer's error is the squared distance of its weights
    from the true ones. With p weights per output and N examples, least squares leaves p/(N - p - 1)
    on average; shared weights see `places` times as many examples.
    """
    examples = np.array([24, 40, 80, 160, 320, 640])
    places = n - taps + 1
    measured = np.zeros((3, len(examples)))
    for column, count in enumerate(examples):
        for _ in range(runs):
            k = rng.normal(size=taps)
            x = rng.normal(size=(count, n))
            truth = convolution.convolution_matrix(k, n, "valid")
            y = x @ truth.T + rng.normal(size=(count, places))
            windows = np.lib.stride_tricks.sliding_window_view(x, taps, axis=1)
            dense = np.linalg.lstsq(x, y)[0].T - truth
            local = np.stack([np.linalg.lstsq(windows[:, i], y[:, i])[0] for i in range(places)])
            shared = np.linalg.lstsq(windows.reshape(-1, taps), y.reshape(-1))[0]
            measured[:, column] += (
                (dense**2).sum() / places,
                ((local - k[::-1]) ** 2).sum() / places,
                ((shared - k[::-1]) ** 2).sum(),
            )
    theory = np.stack([
        n / (examples - n - 1), taps / (examples - taps - 1), taps / (examples * places - taps - 1)
    ])  # fmt: skip
    return Statistics(examples, measured / runs, theory, (n * places, taps * places, taps))


class Costs(NamedTuple):
    """Weights and multiplications of two layers with the same input and output, by image side."""

    side: np.ndarray
    dense: np.ndarray
    convolution_weights: np.ndarray
    convolution_products: np.ndarray


def costs(inputs: int = 3, outputs: int = 32, kernel: int = 3) -> Costs:
    """A "same" convolution against a dense layer; a dense layer multiplies once per weight."""
    side = 2 ** np.arange(3, 9)
    window = (kernel, kernel)
    weights = convolution.parameter_count(inputs, outputs, window, bias=False)
    products = [
        convolution.multiplication_count(inputs, outputs, window, (int(s), int(s))) for s in side
    ]
    dense = (inputs * side**2) * (outputs * side**2)
    return Costs(side, dense, np.full(len(side), weights), np.array(products))


class Shifts(NamedTuple):
    """Mean relative change of four maps when the input moves: moved along with it, and in place.

    The rows are the convolution, max pooling with stride 2, with stride 4, and over all of space.
    """

    shift: np.ndarray
    aligned: np.ndarray
    in_place: np.ndarray


def shifts(rng: np.random.Generator, patterns: int = 100, furthest: int = 8) -> Shifts:
    """Random patterns between zeros move to the right through convolution, ReLU and pooling."""
    pattern = rng.normal(size=(patterns, 1, 24))
    k = rng.normal(size=(1, 1, 5))
    shift = np.arange(furthest + 1)
    maps = [_maps(np.pad(pattern, [(0, 0), (0, 0), (32 + s, 40 - s)]), k) for s in shift]
    aligned, in_place = np.zeros((2, len(maps[0]), len(shift)))
    for row, still in enumerate(maps[0]):
        for s in shift:
            moved = maps[s][row]
            changes = [_change(moved, np.roll(still, j, axis=1)) for j in range(furthest + 1)]
            aligned[row, s] = np.min(changes, axis=0).mean()
            in_place[row, s] = changes[0].mean()
    return Shifts(shift, aligned, in_place)


def _maps(x, k):
    h = np.maximum(0, convolution.layer(x, k, padding="same"))
    pooled = [convolution.max_pool(h, stride)[:, 0] for stride in (2, 4)]
    return [h[:, 0], *pooled, h[:, 0].max(axis=1, keepdims=True)]


def _change(moved, still):
    return np.linalg.norm(moved - still, axis=1) / np.linalg.norm(still, axis=1)


def components() -> list[np.ndarray]:
    """A drawn image, a convolution that finds left edges of bright areas, ReLU, and max pooling."""
    image = np.zeros((18, 18))
    image[3:15, 4:7] = image[12:15, 4:14] = image[3:6, 10:14] = 1.0
    kernel = np.array([[-1.0, 0.0, 1.0]] * 3) / 3
    edges = convolution.layer(image[None, None], kernel[None, None])
    rectified = np.maximum(0, edges)
    return [image, edges[0, 0], rectified[0, 0], convolution.max_pool(rectified, 2)[0, 0]]


class Fields(NamedTuple):
    """The image's side, and by unit the (first, last) row and column of the receptive field."""

    side: int
    units: dict[str, tuple[tuple[int, int], tuple[int, int]]]


def fields(side: int = 256) -> Fields:
    """Paper B: what a corner, an edge and a middle unit of the sixth layer see."""
    top = convolution.trace(side, SIX_LAYERS)[-1]
    first, middle = top.seen(0), top.seen(side // 2)
    return Fields(side, {
        "corner": (first, first), "edge": (middle, first), "middle": (middle, middle)
    })  # fmt: skip


class Profile(NamedTuple):
    """Share of a unit's squared gradient by pixel column: counted paths and two measurements."""

    offset: np.ndarray
    paths: np.ndarray
    linear: np.ndarray
    rectified: np.ndarray


def profile(rng: np.random.Generator, networks: int = 120, channels: int = 12) -> Profile:
    """Paper B's six layers with random weights: where does the middle unit's gradient fall?"""
    paths = convolution.influence(SIX_LAYERS)
    field = len(paths)
    generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
    totals = np.zeros((2, field))
    for _ in range(networks):
        image = torch.randn(1, 1, field, field, generator=generator)
        widths = [1, *[channels] * 5, 1]
        weights = [
            torch.randn(o, i, 5, 5, generator=generator) * (2 / (25 * i)) ** 0.5
            for i, o in pairwise(widths)
        ]
        for row, activation in enumerate((torch.nn.Identity(), torch.relu)):
            x = image.clone().requires_grad_()
            h = x
            for w in weights[:-1]:
                h = activation(F.conv2d(h, w))
            (gradient,) = torch.autograd.grad(F.conv2d(h, weights[-1]).sum(), x)
            columns = (gradient[0, 0].double() ** 2).sum(dim=0).numpy()
            totals[row] += columns / columns.sum()
    return Profile(np.arange(field) - field // 2, paths, *(totals / networks))


class Growth(NamedTuple):
    """Width of the receptive field, and of its middle part with 95 % of the paths, by depth."""

    depth: np.ndarray
    field: np.ndarray
    effective: np.ndarray
    normal: np.ndarray


def growth(kernel: int = 5, deepest: int = 64) -> Growth:
    """Layers of stride 1. `normal` is 2 × 1.96 standard deviations of the sum of the offsets."""
    depth = np.unique(np.geomspace(1, deepest, 30).round().astype(int))
    stacks = [convolution.influence([Layer(kernel)] * int(n)) for n in depth]
    return Growth(
        depth,
        np.array([len(shares) for shares in stacks]),
        np.array([convolution.width_of_mass(shares, 0.95) for shares in stacks]),
        2 * 1.96 * np.sqrt(depth * (kernel**2 - 1) / 12),
    )


def convolution_and_pooling() -> list[Map]:
    """Paper E: the maps along one axis, input first."""
    return convolution.trace(256, CONVOLUTION_AND_POOLING)


class Sizes(NamedTuple):
    """Share of new images classified rightly, by their size, for two families and three ways.

    `accuracy[family][way]` holds one number per size. All networks saw one size only in training.
    """

    size: np.ndarray
    trained: int
    accuracy: dict[str, dict[str, np.ndarray]]


def sizes(rng: np.random.Generator, trained: int = 24, tests: int = 200) -> Sizes:
    """Three ways to read stripes with a period of 4 pixels or 6 in images of any size.

    In the family "cropped" a larger image shows more stripes of these periods. In the family
    "scaled" it shows the same stripes larger. At the size of training the families are one.
    """
    size = np.array([16, 20, 24, 30, 36, 48])
    generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
    nets = {pool: _train(pool, trained, generator) for pool in (_global_mean, _pyramid)}
    ways = ("resize", "global mean", "pyramid")
    accuracy = {family: {way: np.zeros(len(size)) for way in ways} for family in
                ("cropped", "scaled")}  # fmt: skip
    for place, side in enumerate(size):
        for family, scale in (("cropped", 1.0), ("scaled", side / trained)):
            images, labels = _stripes(tests, int(side), scale, generator)
            resized = F.interpolate(images, (trained, trained), mode="bilinear", antialias=True)
            inputs = zip(
                ways, (resized, images, images), (_global_mean, _global_mean, _pyramid), strict=True
            )
            for way, seen, pool in inputs:
                with torch.no_grad():
                    right = _scores(seen, nets[pool], pool).argmax(dim=1) == labels
                accuracy[family][way][place] = right.double().mean()
    return Sizes(size, trained, accuracy)


def _stripes(n, side, scale, generator):
    """Noisy stripes with a period of 4 (class 0) or 6 times the scale, across or down."""
    labels = torch.randint(2, (n,), generator=generator)
    place = torch.arange(side)[None, :] / scale + 12 * torch.rand(n, 1, generator=generator)
    stripes = torch.cos(2 * torch.pi * place / (4 + 2 * labels[:, None]))
    images = stripes[:, None, None, :].expand(n, 1, side, side).clone()
    down = torch.rand(n, generator=generator) < 0.5
    images[down] = images[down].transpose(2, 3)
    return images + 0.7 * torch.randn(n, 1, side, side, generator=generator), labels


def _global_mean(h):
    return h.mean(dim=(2, 3))


def _pyramid(h):
    return torch.cat([F.adaptive_max_pool2d(h, m).flatten(1) for m in (1, 2, 4)], dim=1)


def _scores(x, weights, pool):
    w1, w2, head, bias = weights
    h = torch.relu(F.conv2d(x, w1, padding=2))
    h = torch.relu(F.conv2d(F.max_pool2d(h, 2), w2, padding=2))
    return pool(h) @ head + bias


def _train(pool, side, generator, steps=80, batch=48, channels=8):
    features = pool(torch.zeros(1, channels, side // 2, side // 2)).shape[1]
    shapes = ((channels, 1, 5, 5), (channels, channels, 5, 5), (features, 2), (2,))
    scales = (0.28, 0.1, features**-0.5, 0.0)
    weights = [
        (torch.randn(shape, generator=generator) * scale).requires_grad_()
        for shape, scale in zip(shapes, scales, strict=True)
    ]
    optimizer = torch.optim.Adam(weights, lr=0.01, fused=True)
    for _ in range(steps):
        images, labels = _stripes(batch, side, 1.0, generator)
        loss = F.cross_entropy(_scores(images, weights, pool), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return weights


class Distances(NamedTuple):
    """Distances of uniform points in [0, 1]^d, as multiples of their mean, by dimension d.

    `pairs[d]` holds those of pairs; `nearest[d]` the mean one to the nearest of `points` others.
    """

    pairs: dict[int, np.ndarray]
    points: np.ndarray
    nearest: dict[int, np.ndarray]


def distances(rng: np.random.Generator, pairs: int = 4000, queries: int = 20) -> Distances:
    """All points of the unit cube become equally far, and more of them bring no near one."""
    dimensions = (2, 10, 100, 1000)
    points = np.array([10, 32, 100, 316, 1000])
    ratios, nearest = {}, {}
    for d in dimensions:
        x, y = rng.uniform(size=(2, pairs, d))
        lengths = np.linalg.norm(x - y, axis=1)
        ratios[d] = lengths / lengths.mean()
        found = np.zeros(len(points))
        for _ in range(queries):
            away = np.linalg.norm(rng.uniform(size=(points[-1], d)) - rng.uniform(size=d), axis=1)
            found += [away[:count].min() for count in points]
        nearest[d] = found / queries / lengths.mean()
    return Distances(ratios, points, nearest)
