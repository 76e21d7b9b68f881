"""Experiments of the chapter attention: plain arrays out, randomness in through `rng`.

Several networks are trained side by side: the first axis of every tensor counts them, and with
S networks and B sentences of T words a batch of sentences has the shape (S, B, T, features).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from torch.nn.functional import cross_entropy, one_hot

from fullmarks import attention, mlp

SYMBOLS = 8


class Setting(NamedTuple):
    """Units per GRU, learning rate, and factors on the initial weights of words and scores."""

    attend: bool
    units: int
    rate: float
    words: float
    scores: float = 1.0


# The fixed vector gets more units, and of six settings tried the one that suited it best.
ATTENTION = Setting(attend=True, units=16, rate=0.04, words=4.0, scores=4.0)
FIXED = Setting(attend=False, units=20, rate=0.06, words=2.0)


def _generator(rng):
    return torch.Generator().manual_seed(int(rng.integers(2**31)))


def _parameters(setting, features, seeds, generator):
    """Uniform weights; the encoder's two directions stand one behind the other."""
    n = setting.units

    def uniform(*shape, factor=1.0):
        draw = 2 * torch.rand(*shape, generator=generator) - 1
        return (draw * factor / math.sqrt(n)).requires_grad_()

    theta = {
        "encoder_words": uniform(2 * seeds, features, 3 * n, factor=setting.words),
        "encoder_states": uniform(2 * seeds, n, 3 * n),
        "start": uniform(seeds, 2 * n, n),
        "decoder_words": uniform(seeds, SYMBOLS, 3 * n),
        "decoder_contexts": uniform(seeds, 2 * n, 3 * n),
        "decoder_states": uniform(seeds, n, 3 * n),
        "output": uniform(seeds, 3 * n, SYMBOLS),
    }
    biases = {"encoder": (2 * seeds, 3 * n), "decoder": (seeds, 3 * n), "output": (seeds, SYMBOLS)}
    for name, (networks, size) in biases.items():
        theta[f"{name}_bias"] = torch.zeros(networks, 1, size, requires_grad=True)
    if setting.attend:
        theta["W"] = uniform(seeds, n, n, factor=setting.scores)
        theta["U"] = uniform(seeds, 2 * n, n, factor=setting.scores)
        theta["v"] = uniform(seeds, n, 1, factor=setting.scores)
    return theta


def _gru(p, h, U):
    n = h.shape[-1]
    (p_gates, p_new), (q_gates, q_new) = (a.split([2 * n, n], -1) for a in (p, h @ U))
    r, z = torch.sigmoid(p_gates + q_gates).chunk(2, -1)
    return torch.lerp(torch.tanh(torch.addcmul(p_new, r, q_new)), h, z)


def _encode(theta, x):
    S, B, T, features = x.shape
    both = torch.cat([x, x.flip(2)]).reshape(2 * S, B * T, features)
    p = (both @ theta["encoder_words"] + theta["encoder_bias"]).view(2 * S, B, T, -1).unbind(2)
    states = [x.new_zeros(2 * S, B, theta["encoder_states"].shape[1])]
    for inputs in p:
        states.append(_gru(inputs, states[-1], theta["encoder_states"]))
    h = torch.stack(states[1:], 2)
    last = torch.cat([states[-1][:S], states[-1][S:]], -1)
    return torch.cat([h[:S], h[S:].flip(2)], -1), last


def _translate(theta, x, y=None):
    """Logits and weights; the decoder is told the words before, `y`, or goes by its own."""
    S, B, T, _ = x.shape
    h, summary = _encode(theta, x)
    s, c, attend = torch.tanh(summary @ theta["start"]), summary, "U" in theta
    fixed = theta["decoder_bias"].expand(S, B, -1)
    if attend:
        keys = (h.reshape(S, B * T, -1) @ theta["U"]).view(S, B, T, -1)
    else:
        fixed = torch.baddbmm(fixed, summary, theta["decoder_contexts"])

    def heard(words):
        rows = one_hot(words, SYMBOLS).to(x).flatten(1, 2) @ theta["decoder_words"]
        return (rows.view(S, B, words.shape[2], -1) + fixed[:, :, None]).unbind(2)

    def said(ends):
        rows = torch.stack(ends, 2).flatten(1, 2) @ theta["output"] + theta["output_bias"]
        return rows.view(S, B, len(ends), SYMBOLS)

    inputs = [fixed, *(() if y is None else heard(y[:, :, :-1]))]
    ends, weights = [], []
    for i in range(T):
        p = inputs[i]
        if attend:
            inside = torch.tanh((s @ theta["W"])[:, :, None] + keys).reshape(S, B * T, -1)
            weights.append(torch.softmax((inside @ theta["v"]).view(S, B, T), -1))
            c = (weights[-1][:, :, None] @ h)[:, :, 0]
            p = torch.baddbmm(p, c, theta["decoder_contexts"])
        s = _gru(p, s, theta["decoder_states"])
        ends.append(torch.cat([s, c], -1))
        if y is None:
            inputs += heard(said(ends[-1:]).argmax(-1))
    return said(ends), torch.stack(weights, 2) if weights else None


def _reordering(seeds, sentences, length, generator):
    """Source words with a tag that says their place in the target; targets; the tags."""
    y = torch.randint(SYMBOLS, (seeds, sentences, length), generator=generator)
    place = torch.rand(seeds, sentences, length, generator=generator).argsort(-1)
    words = [one_hot(y.gather(2, place), SYMBOLS), one_hot(place, length)]
    return torch.cat(words, -1).float(), y, place


def _copying(seeds, sentences, length, generator):
    """Source words without tags; the target is the source."""
    y = torch.randint(SYMBOLS, (seeds, sentences, length), generator=generator)
    place = torch.arange(length).expand(seeds, sentences, length)
    return one_hot(y, SYMBOLS).float(), y, place


def _train(task, setting, length, generator, seeds, steps, sentences=24):
    features = task(1, 1, length, generator)[0].shape[-1]
    theta = _parameters(setting, features, seeds, generator)
    optimizer = torch.optim.Adam(theta.values(), lr=setting.rate, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda k: min(1, 2 - 2 * k / steps))
    for _ in range(steps):
        x, y, _ = task(seeds, sentences, length, generator)
        logits, _ = _translate(theta, x, y)
        optimizer.zero_grad()
        # Summed over the networks: each has the gradient of its own mean loss.
        (cross_entropy(logits.flatten(0, 2), y.flatten()) * seeds).backward()
        optimizer.step()
        schedule.step()
    return theta


class Test(NamedTuple):
    """Answers to new sentences, the decoder going by its own words; arrays of S networks.

    ``right`` (S, B, T) bool; ``weights`` (S, B, T, T) or None; ``place`` (S, B, T) is the place in
    the target of each source word, ``target`` (S, B, T) the words.
    """

    right: np.ndarray
    weights: np.ndarray | None
    place: np.ndarray
    target: np.ndarray


@torch.no_grad()
def _test(task, theta, length, generator, sentences=200):
    seeds = len(theta["start"])
    x, y, place = task(seeds, sentences, length, generator)
    logits, weights = _translate(theta, x)
    right = (logits.argmax(-1) == y).numpy()
    return Test(right, None if weights is None else weights.numpy(), place.numpy(), y.numpy())


class Lengths(NamedTuple):
    """Share of right words, (lengths, networks), with attention and with a fixed vector.

    ``parameters`` maps either model to its number of parameters at each length, ``tests`` holds
    the attention models' answers, one per length.
    """

    length: tuple[int, ...]
    attention: np.ndarray
    fixed: np.ndarray
    parameters: dict[str, list[int]]
    tests: list[Test]


def lengths(
    rng: np.random.Generator,
    length: tuple[int, ...] = (4, 7, 10),
    steps: int = 200,
    seeds: int = 4,
) -> Lengths:
    """Both models on the reordering task, trained anew for each length."""
    share, counts, tests = {}, {}, []
    for name, setting in (("attention", ATTENTION), ("fixed", FIXED)):
        share[name], counts[name] = [], []
        for T in length:
            generator = _generator(rng)
            theta = _train(_reordering, setting, T, generator, seeds, steps)
            test = _test(_reordering, theta, T, generator)
            share[name].append(test.right.mean(axis=(1, 2)))
            counts[name].append(sum(p.numel() for p in theta.values()) // seeds)
            if setting.attend:
                tests.append(test)
    return Lengths(length, np.array(share["attention"]), np.array(share["fixed"]), counts, tests)


def faint_scores(
    rng: np.random.Generator, length: int = 7, steps: int = 200, seeds: int = 4
) -> np.ndarray:
    """Share of right words (S,) where the initial weights of the scores are four times smaller."""
    generator = _generator(rng)
    setting = ATTENTION._replace(scores=ATTENTION.scores / 4)
    theta = _train(_reordering, setting, length, generator, seeds, steps)
    return _test(_reordering, theta, length, generator).right.mean(axis=(1, 2))


class Alignment(NamedTuple):
    """One sentence: weights (T, T), the source's words and tags, the target's words."""

    weights: np.ndarray
    source: np.ndarray
    place: np.ndarray
    target: np.ndarray


def alignment(test: Test, network: int = 0, sentence: int = 0) -> Alignment:
    """A sentence of a test, with its weights."""
    place, target = test.place[network, sentence], test.target[network, sentence]
    return Alignment(test.weights[network, sentence], target[place], place, target)


class Peaks(NamedTuple):
    """Copying: mean weights (S, T, T), share of right words (S,), largest weight's place (S, T)."""

    weights: np.ndarray
    right: np.ndarray
    peak: np.ndarray


def copying(rng: np.random.Generator, length: int = 5, steps: int = 160, seeds: int = 6) -> Peaks:
    """Networks that copy a sentence: word i of the answer depends on word i alone."""
    generator = _generator(rng)
    theta = _train(_copying, ATTENTION, length, generator, seeds, steps, sentences=32)
    test = _test(_copying, theta, length, generator)
    mean = test.weights.mean(axis=1)
    return Peaks(mean, test.right.mean(axis=(1, 2)), mean.argmax(axis=2))


class Reach(NamedTuple):
    """Norm of the gradient in the middle source word: (seeds, lengths) each."""

    length: np.ndarray
    attention: np.ndarray
    fixed: np.ndarray


def reach(
    rng: np.random.Generator,
    length: tuple[int, ...] = (4, 8, 16, 32, 64),
    units: int = 16,
    seeds: int = 5,
) -> Reach:
    """Untrained networks: gradient of the first target word's loss in the middle source word.

    The encoder reads from both ends, so the path from the middle to the summary is the longest.
    """
    norms = np.empty((2, seeds, len(length)))
    for i in range(seeds):
        theta = attention.random_translator(SYMBOLS, units, SYMBOLS, rng)
        for j, T in enumerate(length):
            x = np.eye(SYMBOLS)[rng.integers(SYMBOLS, size=T)]
            norms[0, i, j] = _gradient_in_the_middle(theta, x)
            norms[1, i, j] = _gradient_in_the_middle(theta._replace(align=None), x)
    return Reach(np.array(length), norms[0], norms[1])


def _gradient_in_the_middle(theta, x):
    previous = np.zeros((1, SYMBOLS))
    run = attention.forward(theta, x, previous)
    grad = mlp.softmax(run.logits) - np.eye(SYMBOLS)[:1]
    return np.linalg.norm(attention.backward(theta, x, previous, run, grad).x[len(x) // 2])


class Scales(NamedTuple):
    """Mean over queries of the largest weight, by dimension, with and without 1/√d."""

    d: np.ndarray
    scaled: np.ndarray
    plain: np.ndarray


def scales(
    rng: np.random.Generator, d: tuple[int, ...] = (1, 4, 16, 64, 256), places: int = 16
) -> Scales:
    """Dot-product attention of 400 standard normal queries to as many sets of 16 keys."""
    largest = np.empty((2, len(d)))
    for j, size in enumerate(d):
        q, K = rng.normal(size=(400, 1, size)), rng.normal(size=(400, places, size))
        e = (q * K).sum(axis=2)
        for i, scale in enumerate((1 / np.sqrt(size), 1.0)):
            largest[i, j] = attention.attention_weights(scale * e).max(axis=1).mean()
    return Scales(np.array(d), largest[0], largest[1])
