"""Attention, masks, and the encoder-decoder with and without it: forward and backward.

The functions stand in the order of the chapter ``book/attention.md``. Rows are places of a
sequence: annotations ``h`` have the shape (T, q), decoder states ``s`` the shape (m, p), weights
and scores the shape (m, T). A mask has the shape of the scores and is True where a place may be
seen. All arithmetic is float64.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fullmarks import _checks, mlp, recurrent

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int


# Masks and weights.


def padding_mask(lengths: Int[np.ndarray, " m"], places: int) -> Bool[np.ndarray, "m {places}"]:
    """True at the first `lengths[i]` places of row i, False at the padding behind them.

    Raises
    ------
    ValueError
        If a length is below 1 or above `places`.

    Examples
    --------
    >>> padding_mask(np.array([1, 3]), 3).astype(int)
    array([[1, 0, 0],
           [1, 1, 1]])
    """
    _checks.sizes(places=places)
    lengths = np.asarray(lengths)
    wrong = (lengths < 1) | (lengths > places)
    if wrong.any():
        raise ValueError(f"lengths holds {lengths[wrong][0]}, but must lie between 1 and {places}")
    return np.arange(places) < lengths[:, None]


def causal_mask(n: int) -> Bool[np.ndarray, "{n} {n}"]:
    """True where place j is not behind place i, j ≤ i: nothing sees its own future.

    Examples
    --------
    >>> causal_mask(3).astype(int)
    array([[1, 0, 0],
           [1, 1, 0],
           [1, 1, 1]])
    """
    _checks.sizes(n=n)
    return np.tri(n, dtype=bool)


def attention_weights(
    e: Float[np.ndarray, "m T"], mask: Bool[np.ndarray, "m T"] | None = None
) -> Float[np.ndarray, "m T"]:
    """Softmax of each row of scores over the places that the mask shows; 0 elsewhere.

    Parameters
    ----------
    e : array (m, T)
        Scores.
    mask : array (m, T) of bool, optional
        True where a place may be seen; without it all may.

    Raises
    ------
    ValueError
        If the shapes differ, a score is not finite, or a row of the mask shows nothing.

    References
    ----------
    :cite:`bahdanau2015`, equation (6).

    Examples
    --------
    >>> e = np.array([[1000.0, 1000.0, 1000.0]])
    >>> attention_weights(e, np.array([[True, True, False]]))
    array([[0.5, 0.5, 0. ]])
    """
    e = _checks.reals("e", e, 2)
    mask = np.ones(e.shape, dtype=bool) if mask is None else np.asarray(mask)
    if mask.shape != e.shape or mask.dtype != bool:
        raise ValueError(f"mask {mask.shape} of {mask.dtype} must be bool with the shape {e.shape}")
    blind = ~mask.any(axis=1)
    if blind.any():
        raise ValueError(f"mask hides every place from row {int(blind.argmax())}")
    top = np.max(e, axis=1, keepdims=True, where=mask, initial=-np.inf)
    raised = np.where(mask, np.exp(np.where(mask, e - top, 0.0)), 0.0)
    return raised / raised.sum(axis=1, keepdims=True)


def attention_weights_backward(
    weights: Float[np.ndarray, "m T"], grad: Float[np.ndarray, "m T"]
) -> Float[np.ndarray, "m T"]:
    """Gradient in the scores, α ⊙ (grad - Σ_k α_k grad_k), from the gradient in the weights.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> attention_weights_backward(np.array([[0.5, 0.5, 0.0]]), np.array([[4.0, 0.0, 8.0]]))
    array([[ 1., -1.,  0.]])
    """
    weights, grad = _checks.reals("weights", weights, 2), _checks.reals("grad", grad, 2)
    _checks.same_shape("weights", weights, "grad", grad)
    return weights * (grad - (weights * grad).sum(axis=1, keepdims=True))


class Attention(NamedTuple):
    """Weights (m, T), whose rows add up to 1, and the contexts (m, r) that they average."""

    weights: np.ndarray
    context: np.ndarray


# Additive attention.


class Additive(NamedTuple):
    """Parameters of the score v · tanh(W s + U h): ``W`` (d, p), ``U`` (d, q), ``v`` (d,)."""

    W: np.ndarray
    U: np.ndarray
    v: np.ndarray


def additive_scores(
    theta: Additive, s: Float[np.ndarray, "m p"], h: Float[np.ndarray, "T q"]
) -> Float[np.ndarray, "m T"]:
    """Scores e_ij = v · tanh(W s_i + U h_j) of every state with every annotation.

    U h_j does not depend on i and is computed once for all states.

    Parameters
    ----------
    theta : Additive
    s : array (m, p)
        A row for each state that asks.
    h : array (T, q)
        A row for each annotation.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    References
    ----------
    :cite:`bahdanau2015`, appendix A.1.2.

    Examples
    --------
    >>> theta = Additive(np.ones((1, 1)), np.ones((1, 1)), np.array([2.0]))
    >>> additive_scores(theta, np.array([[1.0]]), np.array([[-1.0], [1000.0]]))
    array([[0., 2.]])
    """
    theta, s, h = _additive(theta, s, h)
    return _hidden(theta, s, h) @ theta.v


def _hidden(theta, s, h):
    return np.tanh((s @ theta.W.T)[:, None] + (h @ theta.U.T)[None])


def _additive(theta, s, h):
    W, U, v = (_checks.reals(m, a, k) for m, a, k in zip("WUv", theta, (2, 2, 1), strict=True))
    s, h = _checks.reals("s", s, 2), _checks.reals("h", h, 2)
    _columns("s", s, "W", W)
    _columns("h", h, "U", U)
    if not len(W) == len(U) == len(v):
        raise ValueError(f"W {W.shape}, U {U.shape} and v {v.shape} must have as many rows")
    return Additive(W, U, v), s, h


def _columns(name, x, weight_name, W):
    if x.shape[1] != W.shape[1]:
        raise ValueError(
            f"{name} {x.shape} with {weight_name} {W.shape}: "
            f"{name} has {x.shape[1]} columns, {weight_name} has {W.shape[1]}"
        )


def additive_attention(
    theta: Additive,
    s: Float[np.ndarray, "m p"],
    h: Float[np.ndarray, "T q"],
    mask: Bool[np.ndarray, "m T"] | None = None,
) -> Attention:
    """Contexts c_i = Σ_j α_ij h_j with the weights α_i = softmax(e_i) of additive scores.

    Parameters, Raises
    ------------------
    As for `additive_scores` and `attention_weights`.

    References
    ----------
    :cite:`bahdanau2015`, equations (5) and (6).

    Examples
    --------
    >>> theta = Additive(np.ones((1, 1)), np.ones((1, 1)), np.zeros(1))  # all scores are 0
    >>> additive_attention(theta, np.array([[1.0]]), np.array([[2.0], [6.0]])).context
    array([[4.]])
    """
    weights = attention_weights(additive_scores(theta, s, h), mask)
    return Attention(weights, weights @ _checks.reals("h", h, 2))


class AdditiveGradients(NamedTuple):
    """Gradients in the parameters, the states (m, p) and the annotations (T, q)."""

    theta: Additive
    s: np.ndarray
    h: np.ndarray


def additive_backward(
    theta: Additive,
    s: Float[np.ndarray, "m p"],
    h: Float[np.ndarray, "T q"],
    weights: Float[np.ndarray, "m T"],
    grad_context: Float[np.ndarray, "m q"],
) -> AdditiveGradients:
    """Gradients of a loss from its gradient in the contexts.

    An annotation is reached in two ways: as what is averaged, and through its score.

    Parameters
    ----------
    theta, s, h
        As for `additive_attention`.
    weights : array (m, T)
        What `additive_attention` returned; a masked place has the weight 0 and gets no gradient
        through its score.
    grad_context : array (m, q)

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> theta = Additive(np.ones((1, 1)), np.ones((1, 1)), np.zeros(1))
    >>> s, h, weights = np.array([[0.0]]), np.array([[-1.0], [1.0]]), np.array([[0.5, 0.5]])
    >>> additive_backward(theta, s, h, weights, np.ones((1, 1))).h  # v = 0: the average alone
    array([[0.5],
           [0.5]])
    """
    theta, s, h = _additive(theta, s, h)
    grad_context = _checks.reals("grad_context", grad_context, 2)
    weights = _checks.reals("weights", weights, 2)
    _checks.same_shape("grad_context", grad_context, "contexts", np.empty((len(s), h.shape[1])))
    e = attention_weights_backward(weights, grad_context @ h.T)
    t = _hidden(theta, s, h)
    z = e[:, :, None] * theta.v * (1 - t**2)
    to_states, to_annotations = z.sum(axis=1), z.sum(axis=0)
    grads = Additive(to_states.T @ s, to_annotations.T @ h, np.einsum("ij,ijd->d", e, t))
    return AdditiveGradients(
        grads, to_states @ theta.W, to_annotations @ theta.U + weights.T @ grad_context
    )


# The encoder-decoder.


class Translator(NamedTuple):
    """Parameters of an encoder-decoder of gated units over k target words.

    Attributes
    ----------
    left, right : recurrent.Parameters
        The encoder's GRU that reads from the left and the one that reads from the right, n units
        each; an annotation has q = 2n entries.
    start : array (p, q)
        From the summary of the source to the decoder's first state.
    decoder : recurrent.Parameters
        A GRU of p units; its input is the previous word (k,) and the context (q,).
    output, bias : arrays (k, p + q) and (k,)
        From state and context to the logits.
    align : Additive or None
        The alignment model; None stands for a fixed context, the summary.
    """

    left: recurrent.Parameters
    right: recurrent.Parameters
    start: np.ndarray
    decoder: recurrent.Parameters
    output: np.ndarray
    bias: np.ndarray
    align: Additive | None


def random_translator(
    words: int, n: int, k: int, rng: np.random.Generator, attend: bool = True
) -> Translator:
    """Random parameters: `words` inputs, `n` units in each GRU and in the scores, `k` words out.

    Weights are normal with variance 1 over the number of inputs; biases are 0.

    Raises
    ------
    ValueError
        If a size is not a positive integer.

    Examples
    --------
    >>> theta = random_translator(5, 3, 4, np.random.default_rng(0))
    >>> theta.decoder.W.shape, theta.output.shape, theta.align.U.shape
    ((3, 3, 10), (4, 9), (3, 6))
    """
    _checks.sizes(words=words, n=n, k=k)

    def gru(inputs):
        return recurrent.random_cell_parameters(recurrent.GRU, inputs, n, rng)

    def weights(rows, columns):
        return rng.normal(size=(rows, columns)) / np.sqrt(columns)

    left, right, start, decoder = gru(words), gru(words), weights(n, 2 * n), gru(k + 2 * n)
    output = weights(k, 3 * n)
    align = None
    if attend:
        align = Additive(weights(n, n), weights(n, 2 * n), rng.normal(size=n) / np.sqrt(n))
    return Translator(left, right, start, decoder, output, np.zeros(k), align)


class Encoding(NamedTuple):
    """Annotations ``h`` (T, q), the summary (q,), and the runs of both encoders."""

    h: np.ndarray
    summary: np.ndarray
    left: recurrent.Run
    right: recurrent.Run


def encode(theta: Translator, x: Float[np.ndarray, "T words"]) -> Encoding:
    """Annotations h_j, what either GRU knows at word j, and a summary, what each knows at its end.

    Raises
    ------
    ValueError
        If `x` does not fit the parameters.

    References
    ----------
    :cite:`bahdanau2015`, section 3.2.

    Examples
    --------
    >>> theta = random_translator(5, 3, 4, np.random.default_rng(0))
    >>> code = encode(theta, np.eye(5))
    >>> code.h.shape, bool((code.summary[:3] == code.h[-1, :3]).all())
    ((5, 6), True)
    """
    x = _checks.reals("x", x, 2)
    left = recurrent.forward(recurrent.GRU, theta.left, x)
    right = recurrent.forward(recurrent.GRU, theta.right, x[::-1])
    h = np.hstack([left.states[1:, 0], right.states[:0:-1, 0]])
    return Encoding(h, np.concatenate([left.states[-1, 0], right.states[-1, 0]]), left, right)


class Translation(NamedTuple):
    """Logits (m, k), decoder states (m+1, p), contexts (m, q) and weights (m, T) if there are any.

    ``code`` and ``runs`` are what `backward` needs: the encoding and the decoder's steps.
    """

    logits: np.ndarray
    states: np.ndarray
    contexts: np.ndarray
    weights: np.ndarray | None
    code: Encoding
    runs: list


def forward(
    theta: Translator, x: Float[np.ndarray, "T words"], previous: Float[np.ndarray, "m k"]
) -> Translation:
    """Logits of m target words, each from the words before it and from the source.

    With an alignment model every step has a context of its own; without it every step has the
    summary. Nothing else differs.

    Parameters
    ----------
    theta : Translator
    x : array (T, words)
        Source words, a row each.
    previous : array (m, k)
        Row i is the target word before word i; zeros stand for the start.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    References
    ----------
    :cite:`bahdanau2015`, equations (3) and (4).

    Examples
    --------
    >>> theta = random_translator(5, 3, 4, np.random.default_rng(0), attend=False)
    >>> run = forward(theta, np.eye(5), np.zeros((2, 4)))
    >>> run.logits.shape, bool((run.contexts[0] == run.contexts[1]).all())
    ((2, 4), True)
    """
    code = encode(theta, x)
    previous = _checks.reals("previous", previous, 2)
    states, runs, looks = [np.tanh(theta.start @ code.summary)], [], []
    for word in previous:
        looks.append(_look(theta.align, states[-1], code))
        inputs = np.concatenate([word, looks[-1].context[0]])
        runs.append(recurrent.forward(recurrent.GRU, theta.decoder, inputs[None], states[-1][None]))
        states.append(runs[-1].states[-1, 0])
    states, contexts = np.array(states), np.vstack([look.context for look in looks])
    logits = np.hstack([states[1:], contexts]) @ theta.output.T + theta.bias
    weights = np.vstack([look.weights for look in looks]) if theta.align else None
    return Translation(logits, states, contexts, weights, code, runs)


def _look(align, s, code):
    """The context of one state: by attention, or the summary for everyone."""
    if align is None:
        return Attention(np.empty((1, 0)), code.summary[None])
    return additive_attention(align, s[None], code.h)


def translation_loss(
    theta: Translator,
    x: Float[np.ndarray, "T words"],
    previous: Float[np.ndarray, "m k"],
    y: Int[np.ndarray, " m"],
) -> float:
    """Negative log-likelihood of a target sentence, summed over its words, in nats.

    References
    ----------
    :cite:`bahdanau2015`, equation (2).

    Examples
    --------
    >>> theta = random_translator(5, 3, 4, np.random.default_rng(0))
    >>> theta = theta._replace(output=np.zeros((4, 9)))  # every word has probability 1/4
    >>> round(translation_loss(theta, np.eye(5), np.zeros((2, 4)), np.array([0, 3])), 3)
    2.773
    """
    return float(mlp.cross_entropy(forward(theta, x, previous).logits, y).sum())


class TranslationGradients(NamedTuple):
    """Gradients in the parameters, of the same form, and in the source words (T, words)."""

    theta: Translator
    x: np.ndarray


def backward(
    theta: Translator,
    x: Float[np.ndarray, "T words"],
    previous: Float[np.ndarray, "m k"],
    run: Translation,
    grad_logits: Float[np.ndarray, "m k"],
) -> TranslationGradients:
    """Backpropagation through the decoder, the attention and both encoders.

    Parameters
    ----------
    theta, x, previous
        As for `forward`.
    run : Translation
        What `forward` returned for them.
    grad_logits : array (m, k)
        Gradient of the loss in the logits; for `translation_loss` softmax minus one-hot.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> theta = random_translator(5, 3, 4, np.random.default_rng(0))
    >>> x, previous = np.eye(5), np.zeros((2, 4))
    >>> backward(theta, x, previous, forward(theta, x, previous), np.ones((2, 4))).theta.bias
    array([2., 2., 2., 2.])
    """
    grad_logits = _checks.reals("grad_logits", grad_logits, 2)
    _checks.same_shape("grad_logits", grad_logits, "logits", run.logits)
    into = np.hstack([run.states[1:], run.contexts])
    output, bias = grad_logits.T @ into, grad_logits.sum(axis=0)
    decoder, align, s, summary, h = _decoder_back(theta, previous, run, grad_logits @ theta.output)
    s = s * (1 - run.states[0] ** 2)
    summary = summary + theta.start.T @ s
    left, right, x = _encoder_back(theta, x, run.code, h, summary)
    start = np.outer(s, run.code.summary)
    return TranslationGradients(Translator(left, right, start, decoder, output, bias, align), x)


def _decoder_back(theta, previous, run, grads):
    """Last step first: through the cell, then through the context to state and annotations."""
    p, k = run.states.shape[1], previous.shape[1]
    decoder = recurrent.Parameters(*map(np.zeros_like, theta.decoder))
    align = Additive(*map(np.zeros_like, theta.align)) if theta.align else None
    s, summary, h = np.zeros(p), np.zeros_like(run.code.summary), np.zeros_like(run.code.h)
    for i in reversed(range(len(previous))):
        inputs = np.concatenate([previous[i], run.contexts[i]])
        after = np.stack([np.zeros(p), s + grads[i, :p]])[:, None]
        step = recurrent.backward(recurrent.GRU, theta.decoder, inputs[None], run.runs[i], after)
        decoder = _add(decoder, step.theta)
        s, c = step.state[0], step.x[0, k:] + grads[i, p:]
        if align is None:
            summary += c
            continue
        look = additive_backward(
            theta.align, run.states[i][None], run.code.h, run.weights[i][None], c[None]
        )
        align, s, h = _add(align, look.theta), s + look.s[0], h + look.h
    return decoder, align, s, summary, h


def _add(a, b):
    return type(a)(*(p + q for p, q in zip(a, b, strict=True)))


def _encoder_back(theta, x, code, h, summary):
    """Both directions; the summary is the last state of each."""
    n = code.left.states.shape[2]
    grads = []
    for cell, run, words, part, end in (
        (theta.left, code.left, x, h[:, :n], summary[:n]),
        (theta.right, code.right, x[::-1], h[::-1, n:], summary[n:]),
    ):
        after = np.vstack([np.zeros((1, n)), part])
        after[-1] += end
        grads.append(recurrent.backward(recurrent.GRU, cell, words, run, after[:, None]))
    return grads[0].theta, grads[1].theta, grads[0].x + grads[1].x[::-1]


# Dot-product attention.


def dot_product_attention(
    Q: Float[np.ndarray, "m d"],
    K: Float[np.ndarray, "T d"],
    V: Float[np.ndarray, "T r"],
    mask: Bool[np.ndarray, "m T"] | None = None,
    scale: float | None = None,
) -> Attention:
    """Scaled dot-product attention, softmax(Q Kᵀ · scale) V, row by row.

    Parameters
    ----------
    Q : array (m, d)
        Queries.
    K : array (T, d)
        Keys.
    V : array (T, r)
        Values.
    mask : array (m, T) of bool, optional
    scale : float, optional
        1/√d unless given.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    References
    ----------
    :cite:`vaswani2017`, equation (1).

    Examples
    --------
    >>> K, V = np.eye(2), np.array([[2.0], [6.0]])
    >>> dot_product_attention(np.array([[0.0, 0.0], [1000.0, 0.0]]), K, V).context
    array([[4.],
           [2.]])
    """
    Q, K, V, scale = _queries(Q, K, V, scale)
    weights = attention_weights(Q @ K.T * scale, mask)
    return Attention(weights, weights @ V)


def _queries(Q, K, V, scale):
    Q, K, V = (_checks.reals(name, a, 2) for name, a in zip("QKV", (Q, K, V), strict=True))
    _columns("Q", Q, "K", K)
    if len(K) != len(V):
        raise ValueError(f"K {K.shape} and V {V.shape}: {len(K)} keys, {len(V)} values")
    return Q, K, V, 1 / np.sqrt(Q.shape[1]) if scale is None else float(scale)


class DotProductGradients(NamedTuple):
    """Gradients in the queries (m, d), the keys (T, d) and the values (T, r)."""

    Q: np.ndarray
    K: np.ndarray
    V: np.ndarray


def dot_product_backward(
    Q: Float[np.ndarray, "m d"],
    K: Float[np.ndarray, "T d"],
    V: Float[np.ndarray, "T r"],
    weights: Float[np.ndarray, "m T"],
    grad_context: Float[np.ndarray, "m r"],
    scale: float | None = None,
) -> DotProductGradients:
    """Gradients of a loss from its gradient in the contexts.

    Parameters, Raises
    ------------------
    As for `dot_product_attention`; `weights` is what it returned.

    Examples
    --------
    >>> K, V = np.eye(2), np.array([[2.0], [6.0]])
    >>> Q, weights = np.zeros((1, 2)), np.array([[0.5, 0.5]])
    >>> dot_product_backward(Q, K, V, weights, np.ones((1, 1)), scale=1.0).Q
    array([[-1.,  1.]])
    """
    Q, K, V, scale = _queries(Q, K, V, scale)
    grad_context = _checks.reals("grad_context", grad_context, 2)
    weights = _checks.reals("weights", weights, 2)
    _checks.same_shape("grad_context", grad_context, "contexts", np.empty((len(Q), V.shape[1])))
    e = attention_weights_backward(weights, grad_context @ V.T) * scale
    return DotProductGradients(e @ K, e.T @ Q, weights.T @ grad_context)
