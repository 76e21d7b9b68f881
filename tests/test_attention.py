"""Chapter attention: each function against its definition, torch and invariants."""

import numpy as np
import oracles
import pytest
import torch
import torch.nn.functional as F
from annotated import annotated
from fullmarks import attention, mlp
from fullmarks.experiments import attention as experiments
from fullmarks.plots import Sheet
from fullmarks.plots import attention as plots
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose
from oracles import close

checked = annotated(attention)

WORDS, UNITS, TARGETS = 4, 3, 5


def rng():
    return np.random.default_rng(0)


def lists(theta):
    """The parameters as nested lists, for the oracle."""
    cells = {"left", "right", "decoder"}
    return {
        name: None if part is None else [p.tolist() for p in part]
        if name in cells | {"align"} else part.tolist()
        for name, part in theta._asdict().items()
    }  # fmt: skip


def leaves(theta):
    """All arrays of nested parameters, in order."""
    if theta is None:
        return []
    if isinstance(theta, np.ndarray):
        return [theta]
    return [leaf for part in theta for leaf in leaves(part)]


# Masks and weights.


def test_masks_are_their_definitions():
    lengths = np.array([2, 4, 1])
    padding, causal = checked.padding_mask(lengths, 4), checked.causal_mask(4)
    for i in range(3):
        assert padding[i].tolist() == [j < lengths[i] for j in range(4)]
    for i in range(4):
        assert causal[i].tolist() == [j <= i for j in range(4)]


@pytest.mark.parametrize("masked", [False, True])
def test_weights_are_their_definition_and_torchs(masked):
    e = rng().normal(size=(3, 4))
    mask = checked.padding_mask(np.array([2, 4, 1]), 4) if masked else None
    weights = checked.attention_weights(e, mask)
    seen = np.ones((3, 4), bool) if mask is None else mask
    for row, scores, shown in zip(weights, e.tolist(), seen.tolist(), strict=True):
        close(row, oracles.attend(scores, np.eye(4).tolist(), shown)[0])
    hidden = torch.tensor(e).masked_fill(torch.tensor(~seen), -torch.inf)
    close(weights, torch.softmax(hidden, dim=1))


@given(arrays(np.float64, (2, 5), elements=st.floats(-700, 700)), st.floats(-300, 300))
def test_weights_average_and_do_not_see_a_common_shift(e, shift):
    mask = attention.padding_mask(np.array([3, 5]), 5)
    weights = attention.attention_weights(e, mask)
    close(weights.sum(axis=1), 1)
    assert (weights[~mask] == 0).all() and (weights >= 0).all()
    assert_allclose(attention.attention_weights(e + shift, mask), weights, rtol=1e-9, atol=1e-12)


def test_what_a_mask_hides_cannot_be_felt():
    e, h, mask = rng().normal(size=(1, 4)), rng().normal(size=(4, 2)), np.array([[1, 1, 0, 1]]) > 0
    context = attention.attention_weights(e, mask) @ h
    e[0, 2], h[2] = 1e6, 1e6
    close(attention.attention_weights(e, mask) @ h, context)


# Attention, forward and backward.


@pytest.fixture(params=[None, [1, 3]], ids=["open", "masked"])
def additive(request):
    g = rng()
    theta = checked.Additive(g.normal(size=(4, 2)), g.normal(size=(4, 3)), g.normal(size=4))
    mask = request.param and attention.padding_mask(np.array(request.param), 5)
    return theta, g.normal(size=(2, 2)), g.normal(size=(5, 3)), mask, g.normal(size=(2, 3))


def test_additive_attention_is_its_definition(additive):
    theta, s, h, mask, _ = additive
    weights, context = checked.additive_attention(theta, s, h, mask)
    parameters = [p.tolist() for p in theta]
    seen = np.ones((2, 5), bool) if mask is None else mask
    for i in range(2):
        scores = [oracles.additive_score(*parameters, s[i].tolist(), a) for a in h.tolist()]
        expected = oracles.attend(scores, h.tolist(), seen[i].tolist())
        close(weights[i], expected[0])
        close(context[i], expected[1])


def test_additive_backward_is_torchs_and_the_differences(additive):
    theta, s, h, mask, grad = additive
    look = checked.additive_attention(theta, s, h, mask)
    ours = checked.additive_backward(theta, s, h, look.weights, grad)
    W, U, v, ts, th = (torch.tensor(a, requires_grad=True) for a in (*theta, s, h))
    e = torch.tanh((ts @ W.T)[:, None] + (th @ U.T)[None]) @ v
    if mask is not None:
        e = e.masked_fill(torch.tensor(~mask), -torch.inf)
    (torch.tensor(grad) * (torch.softmax(e, dim=1) @ th)).sum().backward()
    for mine, theirs in zip((*ours.theta, ours.s, ours.h), (W, U, v, ts, th), strict=True):
        close(mine, theirs.grad)
    loss = lambda a: (grad * attention.additive_attention(theta, s, a, mask).context).sum()  # noqa: E731
    assert_allclose(ours.h, oracles.numerical_gradient(loss, h), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("masked", [False, True])
def test_dot_product_attention_and_its_gradient_are_torchs(masked):
    g = rng()
    Q, K, V = g.normal(size=(4, 3)), g.normal(size=(4, 3)), g.normal(size=(4, 2))
    grad = g.normal(size=(4, 2))
    mask = checked.causal_mask(4) if masked else None
    look = checked.dot_product_attention(Q, K, V, mask)
    tensors = [torch.tensor(a, requires_grad=True) for a in (Q, K, V)]
    theirs = F.scaled_dot_product_attention(*tensors, is_causal=masked)
    close(look.context, theirs.detach())
    (torch.tensor(grad) * theirs).sum().backward()
    ours = checked.dot_product_backward(Q, K, V, look.weights, grad)
    for mine, tensor in zip(ours, tensors, strict=True):
        close(mine, tensor.grad)


def test_dot_product_attention_is_its_definition():
    g = rng()
    Q, K, V = g.normal(size=(2, 3)), g.normal(size=(4, 3)), g.normal(size=(4, 2))
    context = checked.dot_product_attention(Q, K, V, scale=0.5).context
    for i in range(2):
        scores = [0.5 * sum(a * b for a, b in zip(Q[i], k, strict=True)) for k in K]
        close(context[i], oracles.attend(scores, V.tolist(), [True] * 4)[1])


def test_attention_does_not_see_the_order_of_what_it_averages():
    g = rng()
    Q, K, V = g.normal(size=(2, 3)), g.normal(size=(6, 3)), g.normal(size=(6, 2))
    order = g.permutation(6)
    ours = attention.dot_product_attention(Q, K, V).context
    close(attention.dot_product_attention(Q, K[order], V[order]).context, ours)


# The encoder-decoder.


@pytest.fixture(params=[True, False], ids=["attention", "fixed"])
def sentence(request):
    g = rng()
    theta = checked.random_translator(WORDS, UNITS, TARGETS, g, attend=request.param)
    x, y = g.normal(size=(4, WORDS)), np.array([1, 4, 0])
    previous = np.vstack([np.zeros(TARGETS), np.eye(TARGETS)[y[:-1]]])
    return theta, x, previous, y


def test_translation_is_its_definition(sentence):
    theta, x, previous, _ = sentence
    run = checked.forward(theta, x, previous)
    close(run.logits, oracles.translate(lists(theta), x.tolist(), previous.tolist()))


def torch_logits(theta, x, previous):
    """The same network from torch's own GRU, in `theta`'s order of parameters."""
    left, right, start, decoder, output, bias, align = theta
    n = len(start)
    zero = torch.zeros(3 * n, dtype=torch.float64)

    def cell(parameters, word, state):
        W, U, b = parameters
        flat = (W.reshape(3 * n, -1), U.reshape(3 * n, -1), b.reshape(-1), zero)
        return torch.gru_cell(word[None], state[None], *flat)[0]

    sides = []
    for parameters, words in ((left, x), (right, x.flip(0))):
        states = [torch.zeros(n, dtype=torch.float64)]
        for word in words:
            states.append(cell(parameters, word, states[-1]))
        sides.append(torch.stack(states[1:]))
    h = torch.cat([sides[0], sides[1].flip(0)], dim=1)
    summary = torch.cat([sides[0][-1], sides[1][-1]])
    s, logits = torch.tanh(start @ summary), []
    for word in previous:
        c = summary
        if align is not None:
            W, U, v = align
            c = torch.softmax(torch.tanh(W @ s + h @ U.T) @ v, dim=0) @ h
        s = cell(decoder, torch.cat([word, c]), s)
        logits.append(output @ torch.cat([s, c]) + bias)
    return torch.stack(logits)


def tensors(theta):
    if theta is None:
        return None
    if isinstance(theta, np.ndarray):
        return torch.tensor(theta, requires_grad=True)
    return type(theta)(*map(tensors, theta))


def flat(theta):
    if theta is None:
        return []
    return [theta] if torch.is_tensor(theta) else [leaf for part in theta for leaf in flat(part)]


def test_backward_is_torchs(sentence):
    theta, x, previous, y = sentence
    run = checked.forward(theta, x, previous)
    grad = mlp.softmax(run.logits) - np.eye(TARGETS)[y]
    ours = checked.backward(theta, x, previous, run, grad)
    parameters, words = tensors(theta), torch.tensor(x, requires_grad=True)
    logits = torch_logits(parameters, words, torch.tensor(previous))
    loss = F.cross_entropy(logits, torch.tensor(y), reduction="sum")
    loss.backward()
    close(checked.translation_loss(theta, x, previous, y), loss.item())
    close(ours.x, words.grad)
    mine, theirs = leaves(ours.theta), flat(parameters)
    assert len(mine) == len(theirs) == (15 if theta.align else 12)
    for a, b in zip(mine, theirs, strict=True):
        close(a, b.grad)


def test_backward_is_the_differences(sentence):
    theta, x, previous, y = sentence
    run = attention.forward(theta, x, previous)
    ours = attention.backward(theta, x, previous, run, mlp.softmax(run.logits) - np.eye(TARGETS)[y])
    for name in ("start", "output"):
        loss = lambda a, name=name: attention.translation_loss(  # noqa: E731
            theta._replace(**{name: a}), x, previous, y
        )
        expected = oracles.numerical_gradient(loss, getattr(theta, name))
        assert_allclose(getattr(ours.theta, name), expected, rtol=1e-6, atol=1e-9)


def test_a_single_source_word_leaves_nothing_to_choose():
    g = rng()
    theta = checked.random_translator(WORDS, UNITS, TARGETS, g)
    x, previous = g.normal(size=(1, WORDS)), np.zeros((2, TARGETS))
    fixed = attention.forward(theta._replace(align=None), x, previous)
    close(attention.forward(theta, x, previous).logits, fixed.logits)


# Experiments and figures.


def test_attention_keeps_long_sentences_and_the_fixed_vector_does_not():
    result = experiments.lengths(rng(), length=(10,), seeds=3)
    assert np.median(result.attention) > 0.95
    assert result.fixed.max() < 0.75
    assert result.parameters["fixed"][0] > result.parameters["attention"][0]
    test = result.tests[0]
    found = result.attention[0] > 0.95
    looked_at = np.take_along_axis(test.place, test.weights.argmax(axis=-1), axis=2)
    assert (looked_at == np.arange(10))[found].mean() > 0.9
    sentence = experiments.alignment(test)
    np.testing.assert_array_equal(sentence.target[sentence.place], sentence.source)
    assert isinstance(plots.lengths(result), Sheet)
    assert isinstance(plots.alignment(sentence), Sheet)


def test_an_alignment_must_be_found():
    right = experiments.faint_scores(rng())
    assert np.median(right) < 0.9
    assert right.min() > 0.3


def test_batched_network_is_the_modules():
    generator = torch.Generator().manual_seed(0)
    setting = experiments.ATTENTION._replace(units=UNITS)
    theta = experiments._parameters(setting, 3, 1, generator)
    x = torch.randn(1, 1, 4, 3, generator=generator)
    y = torch.randint(experiments.SYMBOLS, (1, 1, 4), generator=generator)
    logits, weights = (part.detach()[0, 0] for part in experiments._translate(theta, x, y))
    p = {name: value.detach().double().numpy() for name, value in theta.items()}

    def gru(network, words, states, bias):
        turned = [a[network].T.reshape(3, UNITS, -1) for a in (words, states)]
        return attention.recurrent.Parameters(*turned, bias[network].reshape(3, UNITS))

    encoder = p["encoder_words"], p["encoder_states"], p["encoder_bias"]
    inputs = np.concatenate([p["decoder_words"], p["decoder_contexts"]], axis=1)
    same = attention.Translator(
        gru(0, *encoder),
        gru(1, *encoder),
        p["start"][0].T,
        gru(0, inputs, p["decoder_states"], p["decoder_bias"]),
        p["output"][0].T,
        p["output_bias"][0, 0],
        attention.Additive(p["W"][0].T, p["U"][0].T, p["v"][0, :, 0]),
    )
    previous = np.vstack([np.zeros(8), np.eye(8)[y[0, 0, :-1]]])
    run = attention.forward(same, x[0, 0].double().numpy(), previous)
    assert_allclose(logits, run.logits, rtol=1e-4, atol=1e-5)  # float32
    assert_allclose(weights, run.weights, rtol=1e-4, atol=1e-5)


def test_gradient_falls_like_one_over_the_length_with_attention_only():
    result = experiments.reach(rng())
    with_attention, fixed = (np.log(a).mean(axis=0) for a in (result.attention, result.fixed))
    slope = np.polyfit(np.log(result.length), with_attention, 1)[0]
    assert -1.3 < slope < -0.6
    steps = np.diff(fixed) / np.diff(np.log(result.length))
    assert (np.diff(steps) < 0).all() and steps[-1] < -5
    assert isinstance(plots.reach(result), Sheet)


def test_the_root_of_d_keeps_the_weights_soft():
    result = experiments.scales(rng())
    assert (np.diff(result.plain) > 0).all() and result.plain[-1] > 0.9
    assert np.ptp(result.scaled[1:]) < 0.02
    assert isinstance(plots.scales(result), Sheet)
    assert isinstance(plots.models(), Sheet)


def test_a_network_can_copy_and_look_elsewhere():
    result = experiments.copying(rng())
    beside = (result.peak != np.arange(5)).any(axis=1)
    assert beside.any() and (result.right[beside] > 0.9).all()
    assert not beside.all()
    assert isinstance(plots.copying(result), Sheet)


THETA = attention.Additive(np.ones((4, 2)), np.ones((4, 3)), np.ones(4))
VALUES = np.ones((4, 1))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: attention.padding_mask(np.array([0, 2]), 3),
            "lengths holds 0, but must lie between 1 and 3",
        ),
        (
            lambda: attention.attention_weights(np.ones((2, 2)), np.tri(2, k=-1)[::-1] > 0),
            "mask hides every place from row 1",
        ),
        (
            lambda: attention.attention_weights(np.ones((2, 2)), np.ones((2, 3), bool)),
            "mask (2, 3) of bool must be bool with the shape (2, 2)",
        ),
        (
            lambda: attention.attention_weights(np.ones((1, 2)), np.ones((1, 2))),
            "mask (1, 2) of float64 must be bool with the shape (1, 2)",
        ),
        (
            lambda: attention.additive_scores(THETA, np.ones((1, 3)), np.ones((5, 3))),
            "s (1, 3) with W (4, 2): s has 3 columns, W has 2",
        ),
        (
            lambda: attention.additive_scores(THETA, np.ones((1, 2)), np.ones((5, 2))),
            "h (5, 2) with U (4, 3): h has 2 columns, U has 3",
        ),
        (
            lambda: attention.additive_scores(
                THETA._replace(v=np.ones(3)), np.ones((1, 2)), np.ones((5, 3))
            ),
            "W (4, 2), U (4, 3) and v (3,) must have as many rows",
        ),
        (
            lambda: attention.dot_product_attention(np.ones((1, 2)), np.ones((3, 4)), VALUES),
            "Q (1, 2) with K (3, 4): Q has 2 columns, K has 4",
        ),
        (
            lambda: attention.dot_product_attention(np.ones((1, 2)), np.ones((3, 2)), VALUES),
            "K (3, 2) and V (4, 1): 3 keys, 4 values",
        ),
        (
            lambda: attention.dot_product_backward(
                np.ones((1, 2)), np.ones((4, 2)), VALUES, np.ones((1, 3)), np.ones((1, 1))
            ),
            "weights (1, 3) and grad (1, 4) must have the same shape",
        ),
        (
            lambda: attention.additive_backward(
                THETA, np.ones((1, 2)), np.ones((5, 3)), np.ones((1, 5)), np.ones((1, 2))
            ),
            "grad_context (1, 2) and contexts (1, 3) must have the same shape",
        ),
    ],
)  # fmt: skip
def test_bad_input_is_refused_and_named(call, message):
    with pytest.raises(ValueError) as refusal:
        call()
    assert str(refusal.value) == message
