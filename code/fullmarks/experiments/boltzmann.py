"""Experiments of the chapter boltzmann: plain arrays out, randomness in through `rng`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fullmarks import boltzmann as bm

# Gibbs sampling.


class Mixing(NamedTuple):
    """Distance from the exact distribution over the sweeps, by step of training."""

    sweeps: np.ndarray
    distance: dict[int, np.ndarray]
    largest: dict[int, float]


def mixing(rng: np.random.Generator, steps=(0, 200, 600), last: int = 60, size=(6, 3, 3)) -> Mixing:
    """Block Gibbs sampling from the state with all units off, as the machine learns the ring.

    Training is exact gradient ascent with the rate 0.5. The distances are computed from whole
    tables, without draws; `largest` is the largest |W| at that step.
    """
    every = np.unique(ring(size[0]), axis=0)
    W = rng.normal(size=size, scale=0.3)
    distance, largest = {}, {}
    for t in range(max(steps) + 1):
        if t in steps:
            P = bm.joint(W)
            p = np.zeros_like(P)
            p[0, 0, 0] = 1.0
            found = [bm.total_variation(p, P)]
            for _ in range(last):
                p = bm.after_updates(W, p, "xyz")
                found.append(bm.total_variation(p, P))
            distance[t], largest[t] = np.array(found), float(abs(W).max())
        W = W + 0.5 * bm.likelihood_gradient(W, every)
    return Mixing(np.arange(last + 1), distance, largest)


# The cost of the marginal.


class Costs(NamedTuple):
    """Over the number of latents H: terms for one log P(x) + log Z, by model."""

    latents: np.ndarray
    terms: dict[str, np.ndarray]


def costs(last: int = 40) -> Costs:
    """Terms log(1 + exp(·)) for an RBM, for M = K, and for K = 3; every second H.

    A path of latents takes two terms for each of its H - 1 couplings and one at its end. Summing
    over all latents at once takes 2^H exponentials.
    """
    latents = np.arange(4, last + 1, 2)
    return Costs(latents, {
        "all states": 2.0**latents,
        "M = K": np.array([bm.marginal_terms(int(h) // 2, int(h) // 2) for h in latents], float),
        "K = 3": np.array([bm.marginal_terms(int(h) - 3, 3) for h in latents], float),
        "path": 2.0 * (latents - 1) + 1,
        "RBM": latents.astype(float),
    })


# Contrastive divergence.


class Rest(NamedTuple):
    """Over the positive sweeps: size of the mean update at the truth, a row for each machine."""

    sweeps: np.ndarray
    update: dict[float, np.ndarray]
    exact: float


def rest(rng: np.random.Generator, machines: int = 20, size=(4, 3, 3)) -> Rest:
    """Mean update of contrastive divergence where the exact gradient is zero.

    The data are distributed as the machine itself. The size is the root of the mean square over
    the weights; `exact` is the largest one found with an exact positive phase.
    """
    sweeps = np.array([1, 2, 3, 5, 8, 12, 20])
    update, exact = {}, 0.0
    for scale in (0.5, 1.0, 2.0):
        rows = []
        for _ in range(machines):
            W = rng.normal(size=size, scale=scale)
            data = bm.joint(W).sum(axis=(1, 2))

            def size_of(positive, W=W, data=data):
                mean = bm.expected_contrastive_divergence(W, data, positive)
                return float(np.sqrt((mean**2).mean()))

            rows.append([size_of(int(s)) for s in sweeps])
            exact = max(exact, size_of(None))
        update[scale] = np.array(rows)
    return Rest(sweeps, update, exact)


def ring(units: int = 6, copies: int = 12) -> np.ndarray:
    """Observations: each pair of neighbours on a ring of units is on, all others off."""
    one = np.eye(units) + np.roll(np.eye(units), 1, axis=1)
    return np.repeat(one, copies, axis=0)


class Training(NamedTuple):
    """Exact log-likelihood at some steps, a row for each seed; the ceiling of every model."""

    steps: np.ndarray
    curves: dict[str, np.ndarray]
    ceiling: float


STRATEGIES = {  # positive and negative sweeps; True if the clamped chains continue
    "10 sweeps": (10, 1, False),
    "1 sweep, continued": (1, 1, True),
    "3 sweeps": (3, 1, False),
    "1 sweep": (1, 1, False),
    "1 sweep, 5 free": (1, 5, False),
}


def training(
    rng: np.random.Generator, seeds: int = 6, steps: int = 300, rate: float = 0.5, size=(6, 4, 4)
) -> Training:
    """Gradient ascent on the ring from small random weights, by strategy, all from the same starts.

    The ceiling is minus the entropy of the observations: six patterns, each as frequent.
    """
    x = ring(size[0])
    starts = rng.normal(size=(seeds, *size), scale=0.3)
    every = np.unique(x, axis=0)
    shown = np.arange(0, steps + 1, 10)

    def run(update):
        rows = []
        for start in starts:
            W, memory, row = start, {}, []
            for t in range(steps + 1):
                if t % 10 == 0:
                    row.append(bm.log_likelihood(W, every))
                W = W + rate * update(W, memory)
            rows.append(row)
        return np.array(rows)

    def sampled(positive, negative, continued):
        def update(W, memory):
            start = memory.get("z") if continued else None
            found = bm.contrastive_divergence(W, x, rng, positive, negative, start)
            memory["z"] = found.z
            return found.gradient
        return update

    curves = {"exact gradient": run(lambda W, _: bm.likelihood_gradient(W, every))}
    curves |= {name: run(sampled(*setting)) for name, setting in STRATEGIES.items()}
    return Training(shown, curves, -float(np.log(len(every))))


def signs(rng: np.random.Generator, steps: int = 200, rate: float = 0.5, size=(6, 4, 4)):
    """Exact gradient ascent on the ring with the paper's signs and with the habitual ones.

    "sign of the update" adds data minus model. "all signs" trains the machine with the energy
    -Σ W x y z as it should be, and reads its weights with the paper's energy.

    Returns
    -------
    Training
        A row for each case, a single one.
    """
    every = np.unique(ring(size[0]), axis=0)
    start = rng.normal(size=size, scale=0.3)
    curves = {}
    for name, model, direction in (("as printed", 1, 1), ("sign of the update", 1, -1),
                                   ("all signs", -1, -1)):
        W, row = start, []
        for _ in range(steps + 1):
            row.append(bm.log_likelihood(W, every))
            W = W + rate * direction * bm.likelihood_gradient(model * W, every)
        curves[name] = np.array([row])
    return Training(np.arange(steps + 1), curves, -float(np.log(len(every))))
