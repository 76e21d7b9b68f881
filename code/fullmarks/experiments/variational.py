"""Experiments of the chapter variational: plain arrays out, randomness in through `rng`."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch

from fullmarks import variational as vi

# The bound on a table.


class Table(NamedTuple):
    """Over q(z = 1) of two values: bound, evidence, posterior, and what other formulas give."""

    q: np.ndarray
    bound: np.ndarray
    evidence: float
    posterior: float
    other_order: np.ndarray
    printed: np.ndarray
    printed_best: float


def table(points: int = 199) -> Table:
    """Prior (1/2, 1/2) and likelihood (0.9, 0.1), so that the posterior is (0.9, 0.1) too."""
    likelihood, prior = np.array([0.9, 0.1]), np.array([0.5, 0.5])
    after = vi.posterior(likelihood, prior)
    q = np.arange(1, points + 1) / (points + 1)
    pairs = np.stack([q, 1 - q], axis=1)
    bound = np.array([vi.elbo(likelihood, prior, pair) for pair in pairs])
    wrong = bound + [vi.categorical_kl(after, pair) for pair in pairs]
    printed = np.array([vi.printed_objective(likelihood, prior, pair) for pair in pairs])
    best = vi.printed_optimum(likelihood, prior)[0]
    evidence = vi.log_evidence(likelihood, prior)
    return Table(q, bound, evidence, after[0], wrong, printed, best)


class Fitted(NamedTuple):
    """Probabilities of the values of x: the data's, and those of both fitted models."""

    data: np.ndarray
    bound: np.ndarray
    printed: np.ndarray


def fitted_by_both(rng: np.random.Generator, steps: int = 400) -> Fitted:
    """Mixture of two tables over six values of x, fitted by either objective with the best q.

    With the best q the bound is log p(x), the printed objective log Σ p(z) exp p(x|z).
    """
    data = torch.tensor([0.3, 0.25, 0.2, 0.15, 0.07, 0.03], dtype=torch.float64)
    start = torch.tensor(rng.normal(size=(2, 6)))
    found = []
    for objective in (lambda p: p.mean(0).log(), lambda p: p.exp().mean(0).log()):
        logits = start.clone().requires_grad_()
        optimizer = torch.optim.Adam([logits], lr=0.1, fused=True)
        for _ in range(steps):
            optimizer.zero_grad()
            (-data @ objective(torch.softmax(logits, 1))).backward()
            optimizer.step()
        found.append(torch.softmax(logits, 1).mean(0).detach().numpy())
    return Fitted(data.numpy(), *found)


class Terms(NamedTuple):
    """Over the standard deviation of q: both terms, their difference, samples of the first."""

    scale: np.ndarray
    first: np.ndarray
    second: np.ndarray
    evidence: float
    best: float
    sampled_at: np.ndarray
    sampled: np.ndarray


def terms(rng: np.random.Generator, samples: int = 2000) -> Terms:
    """Decoder x = z + noise of variance 1/4, x = 1, q with the posterior's mean."""
    model, x = vi.Linear(np.eye(1), np.zeros(1), 0.25), np.ones(1)
    mean, precision = vi.linear_posterior(model, x)
    scale = np.geomspace(0.1, 2.0, 80)
    first, second = np.array([vi.linear_terms(model, x, mean, np.array([s**2])) for s in scale]).T
    at = np.geomspace(0.1, 2.0, 9)
    z = mean + at * rng.normal(size=(samples, 1))
    sampled = -((x - z) ** 2 / 0.25 + math.log(2 * math.pi * 0.25)).mean(axis=0) / 2
    evidence = vi.linear_log_evidence(model, x)
    return Terms(scale, first, second, evidence, precision[0, 0] ** -0.5, at, sampled)


# Estimators of a gradient.


class Spread(NamedTuple):
    """Variances over `x`: closed forms, and those of samples at some places."""

    x: np.ndarray
    exact: dict[str, np.ndarray]
    at: np.ndarray
    sampled: dict[str, np.ndarray]


def spread_by_dimension(rng: np.random.Generator, samples: int = 20000) -> Spread:
    """Estimates of ∂E‖z‖²/∂(first mean), z standard normal, for 1 to 64 coordinates."""
    x = np.arange(1, 65)
    rows = [vi.square_variances(int(K)) for K in x]
    at = 2 ** np.arange(7)
    sampled = {name: [] for name in rows[0]}
    for K in at:
        noise = rng.normal(size=(samples, K))
        value = (noise**2).sum(axis=1)
        sampled["path"].append(vi.path_estimates(2 * noise, noise)[0][:, 0].var())
        for name, baseline in (("score", 0.0), ("baseline", K + 2.0)):
            sampled[name].append(vi.score_estimates(value, noise, 1.0, baseline)[0][:, 0].var())
    return Spread(x, _columns(rows), at, {name: np.array(v) for name, v in sampled.items()})


def _columns(rows):
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def spread_by_frequency(rng: np.random.Generator, samples: int = 20000) -> Spread:
    """Estimates of ∂E[sin ωz]/∂mean at mean 0 and scale 1, for ω from 0.1 to 30."""
    x = np.geomspace(0.1, 30, 120)
    at = np.geomspace(0.1, 30, 9)
    noise = rng.normal(size=(samples, 1))
    sampled = {
        "path": [vi.path_estimates(w * np.cos(w * noise), noise)[0].var() for w in at],
        "score": [vi.score_estimates(np.sin(w * noise[:, 0]), noise, 1.0)[0].var() for w in at],
    }
    return Spread(x, _columns([vi.sine_variances(w) for w in x]), at,
                  {name: np.array(v) for name, v in sampled.items()})  # fmt: skip


def spread_by_sharpness(points: int = 40) -> Spread:
    """Variances for f(z) = tanh(kz), z standard normal, by integration, for k from 0.1 to 100."""
    x = np.geomspace(0.1, 100, points)
    z = np.linspace(-10, 10, 200001)
    weight = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) * (z[1] - z[0])
    rows = []
    for k in x:
        f = np.tanh(k * z)
        slope, score = k * (1 - f**2), f * z
        path, score = (weight @ g**2 - (weight @ g) ** 2 for g in (slope, score))
        rows.append({"path": path, "score": score})
    return Spread(x, _columns(rows), np.array([]), {})


# A small VAE on bars.


def bars(side: int = 4) -> np.ndarray:
    """All images of one full row or one full column, flattened: (2 side, side²)."""
    images = np.zeros((2 * side, side, side))
    for i in range(side):
        images[i, i, :] = images[side + i, :, i] = 1
    return images.reshape(2 * side, side**2)


class Training(NamedTuple):
    """Bound of each run over the steps, for each estimator at its best rate; the ceiling."""

    steps: np.ndarray
    bound: dict[str, np.ndarray]
    rate: dict[str, float]
    ceiling: float


RATES = (0.005, 0.01, 0.02, 0.04)


def training(
    rng: np.random.Generator, steps: int = 400, every: int = 25, runs: int = 5, latent: int = 4
) -> Training:
    """VAEs on bars by three estimators of the gradient, with the same starts and noise for all.

    Each estimator gets every rate of `RATES`; the one with the best mean final bound is kept.
    """
    x = torch.tensor(bars())
    starts = [vi.random_vae(x.shape[1], 24, latent, 24, rng) for _ in range(runs)]
    starts = [torch.tensor(np.stack(parts)) for parts in zip(*starts, strict=True)]
    noise = torch.tensor(rng.normal(size=(steps, runs, len(x), latent)))
    test = torch.tensor(rng.normal(size=(100 * len(x), latent)))
    bound, rate = {}, {}
    for name in ("reparameterised", "score, baseline", "score"):
        found = _train(starts, x, noise, test, every, name)
        best = found[:, :, -1].mean(axis=1).argmax()
        bound[name], rate[name] = found[best], RATES[best]
    return Training(np.arange(0, steps + 1, every), bound, rate, -math.log(8))


def _train(starts, x, noise, test, every, name):
    """Bounds (rates, runs, times): all rates and runs side by side in two leading axes."""
    leaves = [[part.clone().requires_grad_() for _ in RATES] for part in starts]
    groups = [{"params": [part[i] for part in leaves], "lr": r} for i, r in enumerate(RATES)]
    optimizer = torch.optim.Adam(groups, fused=True)
    seen, baseline = [], None
    for t in range(len(noise) + 1):
        theta = [torch.stack(part) for part in leaves]
        if t % every == 0:
            with torch.no_grad():
                found = bound_terms(theta, x.repeat(100, 1), test)
            seen.append((found[0] - found[1]).mean(-1).numpy())
        if t == len(noise):
            return np.stack(seen, axis=-1)
        reconstruction, divergence, log_q = bound_terms(theta, x, noise[t], name[0] == "s")
        loss = divergence - reconstruction
        if name[0] == "s":
            value = reconstruction.detach()
            mean = value.mean(-1, keepdim=True)
            baseline = mean if baseline is None else 0.9 * baseline + 0.1 * mean
            loss = loss - (value - baseline * (name != "score")) * log_q
        optimizer.zero_grad()
        loss.mean(-1).sum().backward()
        optimizer.step()


def bound_terms(theta, x, noise, cut=False):
    """log p(x|z), KL and log q(z|x) of each row; `cut` lets no gradient pass through z.

    Parameters may have leading axes, one entry for each of several models.
    """
    W, w, A, a, B, b, V, v, U, u = theta
    h = torch.tanh(_affine(x, W, w))
    mean, log_variance = _affine(h, A, a), _affine(h, B, b)
    z = mean + torch.exp(log_variance / 2) * noise
    z = z.detach() if cut else z
    logits = _affine(torch.tanh(_affine(z, V, v)), U, u)
    reconstruction = (x * logits - torch.nn.functional.softplus(logits)).sum(-1)
    divergence = (mean**2 + torch.exp(log_variance) - log_variance - 1).sum(-1) / 2
    log_q = -((z - mean) ** 2 * torch.exp(-log_variance) + log_variance).sum(-1) / 2
    return reconstruction, divergence, log_q


def _affine(x, W, b):
    return x @ W.mT + b[..., None, :]


# A curved model: x = z₂ + z₁²/2 + noise. Its posterior is bent, for large x it has two arms.

NOISE = 0.05
MEAN_FIELD, AFFINE, IAF = 4, 5, 7  # how many of the seven numbers of a flow are free


NODES, WEIGHTS = (torch.tensor(part) for part in np.polynomial.hermite_e.hermegauss(20))
WEIGHTS = WEIGHTS / WEIGHTS.sum()  # E[f(ε)] = Σ weights f(nodes), exact for polynomials


def curved_log_joint(z, x):
    """log p(x, z) of the curved model; `z` (…, 2), `x` broadcasts with its leading axes."""
    rest = x - z[..., 1] - z[..., 0] ** 2 / 2
    constant = 3 * math.log(2 * math.pi) + math.log(NOISE)
    return -((z**2).sum(-1) + rest**2 / NOISE + constant) / 2


def curved_evidence(x: np.ndarray) -> np.ndarray:
    """log p(x), integrated over a fine grid of z₁; z₂ and the noise are summed out exactly."""
    z = np.linspace(-9, 9, 6001)
    rest = (np.asarray(x)[:, None] - z**2 / 2) ** 2 / (1 + NOISE)
    log = -(z**2 + rest + 2 * math.log(2 * math.pi) + math.log(1 + NOISE)) / 2
    return np.log(np.exp(log).sum(axis=1) * (z[1] - z[0]))


def as_flow(numbers) -> vi.Flow:
    """The flow of seven numbers: two shifts, two log-scales, linear, square and gain of z₂."""
    below = np.array([[0.0, 0.0], [1.0, 0.0]])
    return vi.Flow(numbers[:2], numbers[2:4], *(value * below for value in numbers[4:]))


def curved_bound(numbers, x):
    """Bound of each x (n,) for flows (n, 7): nodes for the first noise, moments for the second."""
    m1, m2, l1, l2, linear, square, gain = (part[:, None] for part in numbers.T)
    z1 = m1 + torch.exp(l1) * NODES
    mean = m2 + linear * NODES + square * NODES**2
    log_scale = l2 + gain * NODES
    log_joint = curved_log_joint(torch.stack([z1, mean], -1), x[:, None])
    log_joint = log_joint - torch.exp(2 * log_scale) * (1 + 1 / NOISE) / 2
    return (log_joint + l1 + log_scale) @ WEIGHTS + math.log(2 * math.pi) + 1


def best_numbers(x: np.ndarray, free: int, symmetric: bool = False):
    """Numbers (n, 7) of the best flow of each x: its global maximum of the bound.

    All numbers but the scale of z₁ have a closed form, given that scale; the square of the mean of
    z₁ too, since the bound is concave in it. The scale is found on a grid that is refined twice.
    `symmetric` keeps the mean of z₁ at 0.
    """
    x, whole = np.asarray(x, dtype=float)[:, None], 1 + NOISE
    tilt, bend = (1 / (whole if free >= family else NOISE) for family in (AFFINE, IAF))
    log_v, width = np.full_like(x, -3.0), 6.0
    for _ in range(3):
        log_v = log_v + width * np.linspace(-1, 1, 1201)
        v = np.exp(log_v)
        s = np.maximum(0, 2 * x - v - 2 * whole * (1 + tilt * v)) * (not symmetric)
        cost = s + v + tilt * s * v + bend * v**2 / 2 + (x - (s + v) / 2) ** 2 / whole - log_v
        at = cost.argmin(axis=1, keepdims=True)
        log_v, s = (np.take_along_axis(a, at, axis=1) for a in (log_v, s))
        width /= 600
    v, one = np.exp(log_v), np.ones_like(x)
    linear = -np.sqrt(s * v) / whole * (free >= AFFINE)
    square = -v / (2 * whole) * (free >= IAF)
    mean = (x - (s + v) / 2) / whole - square
    log_scale = math.log(NOISE / whole) / 2 * one
    return np.hstack([np.sqrt(s), mean, log_v / 2, log_scale, linear, square, 0 * one])


def _lbfgs(parameters, loss, steps):
    optimizer = torch.optim.LBFGS(parameters, max_iter=steps, line_search_fn="strong_wolfe",
                                  tolerance_grad=1e-9, tolerance_change=1e-12)  # fmt: skip

    def closure():
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    optimizer.step(closure)


def encoders(rng: np.random.Generator, free: int, width: int, runs: int = 5, n: int = 300):
    """Weights of encoders from x to a flow, each with a start and `n` training draws of its own.

    Width 0 is a linear encoder, otherwise a layer of tanh units beside the linear part. Each is
    trained on its mean bound and starts with means of z₁ near 1, away from the symmetric point 0.
    """
    return [_encoder(rng, free, width, torch.tensor(draws(rng, n))) for _ in range(runs)]


def _encoder(rng, free, width, x):
    A, W, V = (torch.tensor(rng.normal(size=shape)) for shape in ((2, 7), (width, 2), (7, width)))
    start = torch.tensor([1.0, 0.0, -0.5, -1.0, 0.0, 0.0, 0.0])
    mask = (torch.arange(7) < free).double()
    A = (0.1 * A + torch.outer(torch.tensor([0.0, 1.0]), start)) * mask
    V = V / math.sqrt(max(width, 1)) * mask[:, None]
    parameters = [part.requires_grad_() for part in (A, W, V)]

    def loss():
        return -curved_bound(_encode(parameters, x) * mask, x).mean()

    _lbfgs(parameters if width else parameters[:1], loss, 200)
    return [part.detach().numpy() for part in parameters]


def _encode(weights, x):
    A, W, V = weights
    one = torch.stack([x, torch.ones_like(x)], 1)
    return one @ A + torch.tanh(one @ W.T) @ V.T


def encode(weights, x: np.ndarray) -> np.ndarray:
    """Numbers (n, 7) of the flows that an encoder gives to each x."""
    return _encode([torch.tensor(part) for part in weights], torch.tensor(x)).numpy()


def draws(rng: np.random.Generator, n: int) -> np.ndarray:
    """Observations x of the curved model."""
    z, noise = rng.normal(size=(n, 2)), rng.normal(size=n)
    return z[:, 1] + z[:, 0] ** 2 / 2 + math.sqrt(NOISE) * noise


def bounds_of(numbers, x):
    """Bound of each x for given flows, as arrays."""
    return curved_bound(torch.tensor(numbers), torch.tensor(x)).numpy()


class Amortised(NamedTuple):
    """Gaps log p(x) - bound over x: best mean field, best with z₁ of mean 0, encoders (runs, n)."""

    x: np.ndarray
    best: np.ndarray
    stuck: np.ndarray
    encoders: np.ndarray


def amortised(weights, n: int = 55) -> Amortised:
    """Diagonal Gaussians for the curved model: for each x alone, and from the given encoders.

    At mean 0 of z₁ the slope in that mean is zero, by symmetry: ascent that starts there stays.
    """
    x = np.linspace(-2.5, 4.25, n)
    evidence = curved_evidence(x)
    best, stuck = (evidence - bounds_of(best_numbers(x, MEAN_FIELD, symmetric), x)
                   for symmetric in (False, True))  # fmt: skip
    return Amortised(x, best, stuck, _gaps_of(weights, x, evidence))


def _gaps_of(weights, x, evidence):
    return np.stack([evidence - bounds_of(encode(one, x), x) for one in weights])


class Inference(NamedTuple):
    """Nats below the optimum, mean of new examples: by steps for each rate, and of each encoder."""

    steps: np.ndarray
    mean_field: dict[float, np.ndarray]
    encoders: np.ndarray


def inference(rng: np.random.Generator, weights, n: int = 500, steps: int = 100) -> Inference:
    """Mean field by Adam from near the prior at three rates, against encoders without a step."""
    x = draws(rng, n)
    best = bounds_of(best_numbers(x, MEAN_FIELD), x).mean()
    start = np.zeros((n, 7)) + np.array([0.1, *np.zeros(6)])
    mean_field = {rate: best - _adam(start, x, steps, rate) for rate in (0.03, 0.1, 0.3)}
    lost = np.array([best - bounds_of(encode(one, x), x).mean() for one in weights])
    return Inference(np.arange(steps + 1), mean_field, lost)


def _adam(start, x, steps, rate):
    mask = (torch.arange(7) < MEAN_FIELD).double()
    numbers, x = torch.tensor(start, requires_grad=True), torch.tensor(x)
    optimizer = torch.optim.Adam([numbers], lr=rate, fused=True)
    means = []
    for _ in range(steps + 1):
        optimizer.zero_grad()
        bound = curved_bound(numbers * mask, x)
        means.append(bound.mean().item())
        (-bound.sum()).backward()
        optimizer.step()
    return np.array(means)


# Richer families.


class Correlated(NamedTuple):
    """Covariance of a posterior and the best diagonal one; gaps over the correlation."""

    covariance: np.ndarray
    diagonal: np.ndarray
    correlation: np.ndarray
    gap: np.ndarray
    at: np.ndarray
    climbed: np.ndarray


def correlated(correlation: float = 0.9) -> Correlated:
    """Two coordinates of variance 1: the closed form, and gradient ascent that does not know it."""
    covariance = np.array([[1.0, correlation], [correlation, 1.0]])
    r, at = np.linspace(0, 0.995, 200), np.array([0.0, 0.3, 0.6, 0.8, 0.9, 0.97])

    def precision(c):
        return np.linalg.inv(np.array([[1.0, c], [c, 1.0]]))

    gap = np.array([vi.mean_field_gap(precision(c)) for c in r])
    climbed = np.array([_diagonal(precision(c)) for c in at])
    diagonal = np.diag(1 / np.diag(precision(correlation)))
    return Correlated(covariance, diagonal, r, gap, at, climbed)


def _diagonal(precision):
    """Least divergence of a diagonal Gaussian, found by descent on its mean and log-variances."""
    P = torch.tensor(precision)
    mean, log = (torch.full((2,), value, dtype=torch.float64, requires_grad=True)
                 for value in (0.7, 0.0))  # fmt: skip

    def divergence():
        trace = (P.diagonal() * torch.exp(log)).sum() + mean @ P @ mean
        return (trace - 2 - log.sum() - torch.logdet(P)) / 2

    _lbfgs([mean, log], divergence, 100)
    return divergence().item()


class Banana(NamedTuple):
    """On a grid of z: the posterior's density at one x, and those of the best of each family."""

    z1: np.ndarray
    z2: np.ndarray
    posterior: np.ndarray
    families: dict[str, np.ndarray]
    gap: dict[str, float]


FAMILIES = {"mean field": MEAN_FIELD, "affine flow": AFFINE, "IAF": IAF}


def banana(x: float = 2.0, points: int = 120) -> Banana:
    """Three nested families against the posterior of the curved model."""
    z1, z2 = np.linspace(-3.2, 3.2, points), np.linspace(-2.6, 3.2, points)
    grid = np.stack(np.meshgrid(z1, z2), axis=-1)
    evidence = curved_evidence(np.array([x]))[0]
    after = torch.exp(curved_log_joint(torch.tensor(grid), torch.tensor(x)) - evidence).numpy()
    families, gap = {}, {}
    for name, free in FAMILIES.items():
        numbers = best_numbers([x], free)
        density = vi.flow_log_density(as_flow(numbers[0]), grid.reshape(-1, 2))
        families[name] = np.exp(density).reshape(points, points)
        gap[name] = float(evidence - bounds_of(numbers, [x])[0])
    return Banana(z1, z2, after, families, gap)


class Gaps(NamedTuple):
    """Over x: log p(x) minus the bound, for the best of each family and runs of IAF encoders."""

    x: np.ndarray
    best: dict[str, np.ndarray]
    encoders: dict[str, np.ndarray]


def gaps(rng: np.random.Generator, points: int = 28, runs: int = 5) -> Gaps:
    """The curved model for x from -2.5 to 4.25."""
    x = np.linspace(-2.5, 4.25, points)
    evidence = curved_evidence(x)
    best = {name: evidence - bounds_of(best_numbers(x, free), x) for name, free in FAMILIES.items()}
    found = {name: _gaps_of(encoders(rng, IAF, width, runs), x, evidence)
             for name, width in (("linear", 0), ("16 units", 16))}  # fmt: skip
    return Gaps(x, best, found)


# Categorical variables.


class Sampled(NamedTuple):
    """Root mean square error of the sampled bound over the number of samples; exact cost."""

    samples: np.ndarray
    error: np.ndarray
    predicted: np.ndarray
    terms: int
    variables: np.ndarray
    cost: dict[str, np.ndarray]


def sampled(rng: np.random.Generator, n: int = 8, repeats: int = 400) -> Sampled:
    """n binary variables and a random decoder of 2ⁿ values, against averages of samples of q."""
    log_likelihood = rng.normal(size=(2,) * n)
    q, prior = rng.dirichlet(np.ones(2), size=n), np.full((n, 2), 0.5)
    exact = vi.factorised_elbo(log_likelihood, prior, q)
    kl = sum(vi.categorical_kl(*rows) for rows in zip(q, prior, strict=True))
    second = vi.factorised_elbo(log_likelihood**2, prior, q) + kl
    deviation = math.sqrt(second - (exact + kl) ** 2)
    samples = 4 ** np.arange(1, 6)
    error = []
    for count in samples:
        z = (rng.uniform(size=(repeats, count, n)) > q[:, 0]).astype(int)
        means = log_likelihood[tuple(np.moveaxis(z, -1, 0))].mean(axis=1) - kl
        error.append(np.sqrt(((means - exact) ** 2).mean()))
    variables = np.arange(1, 31)
    cost = {"2 values": 2.0**variables, "10 values": 10.0**variables}
    return Sampled(samples, np.array(error), deviation / np.sqrt(samples), 2**n, variables, cost)
