"""The definitions done stupidly: loops, enumeration, central differences.

An oracle shares no line and no trick with what it judges. It may be slow, and it may overflow
where the thing it judges must not.
"""

import itertools
import math

import numpy as np
from numpy.testing import assert_allclose


def close(actual, expected, scale=1.0):
    """rtol 1e-6, and an absolute tolerance three orders below the data."""
    assert_allclose(actual, expected, rtol=1e-6, atol=1e-3 * 1e-6 * scale)


def numerical_gradient(function, x, step=1e-5):
    """Central differences of a scalar function, one entry of `x` at a time."""
    x = np.array(x, dtype=float)
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        ahead, behind = x.copy(), x.copy()
        ahead[index] += step
        behind[index] -= step
        gradient[index] = (function(ahead) - function(behind)) / (2 * step)
    return gradient


def sigmoid(a):
    """1 / (1 + e^-a) of one number."""
    return 1 / (1 + math.exp(-a))


def logistic_loss(a, y):
    """-y log f - (1-y) log(1-f) of one number, through the probability f."""
    f = sigmoid(a)
    return -y * math.log(f) - (1 - y) * math.log(1 - f)


def softmax(a):
    """Softmax of one list of numbers, by its definition."""
    total = sum(math.exp(entry) for entry in a)
    return [math.exp(entry) / total for entry in a]


def margin(a, y):
    """Score of class y minus the highest score of another class, over all pairs."""
    return min(a[y] - a[j] for j in range(len(a)) if j != y)


def mlp_logits(W1, b1, W2, b2, x):
    """One hidden layer of tanh units for one example, unit by unit."""
    h = []
    for weights, bias in zip(W1, b1, strict=True):
        h.append(math.tanh(sum(w * v for w, v in zip(weights, x, strict=True)) + bias))
    logits = []
    for weights, bias in zip(W2, b2, strict=True):
        logits.append(sum(w * v for w, v in zip(weights, h, strict=True)) + bias)
    return logits


def mean_negative_log_likelihood(W1, b1, W2, b2, x, y):
    """Mean over examples of -log of the probability of the right class."""
    total = 0.0
    for row, label in zip(x, y, strict=True):
        total -= math.log(softmax(mlp_logits(W1, b1, W2, b2, row))[label])
    return total / len(x)


def count_parameters(widths, bias):
    """Every weight and bias of fully connected layers, counted one by one."""
    count = 0
    for layer in range(1, len(widths)):
        for _ in range(widths[layer]):
            for _ in range(widths[layer - 1]):
                count += 1
            if bias:
                count += 1
    return count


# Optimizers: the steps θ(t-1) - θ(t) of one parameter, from sums over all earlier gradients.


def weighted(values, decay):
    """Sum of decay^(t-i) values[i] over everything up to the last, t."""
    return sum(decay ** (len(values) - 1 - i) * values[i] for i in range(len(values)))


def sgd_steps(g, learning_rate):
    return [learning_rate * value for value in g]


def momentum_steps(g, learning_rate, decay):
    return [learning_rate * weighted(g[:t], decay) for t in range(1, len(g) + 1)]


def adagrad_steps(g, learning_rate, epsilon):
    return [
        learning_rate * g[t] / (math.sqrt(sum(x**2 for x in g[: t + 1])) + epsilon)
        for t in range(len(g))
    ]


def rmsprop_steps(g, learning_rate, decay, epsilon):
    steps = []
    for t in range(1, len(g) + 1):
        mean_square = (1 - decay) * weighted([x**2 for x in g[:t]], decay)
        steps.append(learning_rate * g[t - 1] / (math.sqrt(mean_square) + epsilon))
    return steps


def adam_steps(g, learning_rate, decay_mean, decay_square, epsilon, corrected=True):
    """With correction the averages are divided by the sum of their weights."""
    steps = []
    for t in range(1, len(g) + 1):
        ones = [1] * t
        mean, square = weighted(g[:t], decay_mean), weighted([x**2 for x in g[:t]], decay_square)
        if corrected:
            mean, square = mean / weighted(ones, decay_mean), square / weighted(ones, decay_square)
        else:
            mean, square = (1 - decay_mean) * mean, (1 - decay_square) * square
        steps.append(learning_rate * mean / (math.sqrt(square) + epsilon))
    return steps


def krylov_minimizer(A, b, start, k):
    """Lowest point of ½ θᵀAθ - bᵀθ on start + span{r, Ar, …, A^(k-1) r}."""
    basis = [b - A @ start]
    for _ in range(k - 1):
        basis.append(A @ basis[-1])
    K = np.linalg.qr(np.array(basis).T)[0]
    return start + K @ np.linalg.inv(K.T @ A @ K) @ K.T @ (b - A @ start)


def bfgs_hessian(B, s, y):
    """Updated estimate of the Hessian itself: take out what B says of s, put in what y says."""
    return B - np.outer(B @ s, B @ s) / (s @ B @ s) + np.outer(y, y) / (y @ s)


def strong_wolfe(value, gradient, theta, d, step, c1, c2):
    """Both conditions, as they are printed."""
    there, slope = theta + step * d, gradient(theta) @ d
    return bool(
        value(there) <= value(theta) + c1 * step * slope
        and abs(gradient(there) @ d) <= c2 * abs(slope)
    )


def leaky_logits(W1, b1, W2, b2, x, slope):
    """Logits of a two-layer network with leaky rectifiers for one example, unit by unit."""
    hidden = []
    for weights, bias in zip(W1, b1, strict=True):
        z = sum(w * v for w, v in zip(weights, x, strict=True)) + bias
        hidden.append(z if z > 0 else slope * z)
    logits = []
    for weights, bias in zip(W2, b2, strict=True):
        logits.append(sum(w * v for w, v in zip(weights, hidden, strict=True)) + bias)
    return logits


def mean_soft_cross_entropy(W1, b1, W2, b2, X, Y, slope):
    """Mean over the columns of -Σ y log softmax(logits)."""
    total = 0.0
    for m in range(len(X[0])):
        p = softmax(leaky_logits(W1, b1, W2, b2, [row[m] for row in X], slope))
        for k in range(len(p)):
            total -= Y[k][m] * math.log(p[k])
    return total / len(X[0])


def two_unit_network(i, w, b, t, to_from=False, rectified_output=False):
    """Loss and its pieces of the 2-2-2 network with ReLU hidden units, number by number.

    `w` maps "11" … "42" to weights. The first index of a name is the unit that the weight leaves,
    or, if `to_from`, the unit that it enters.
    """
    if to_from:
        h1 = i[0] * w["11"] + i[1] * w["12"] + b[0]
        h2 = i[0] * w["21"] + i[1] * w["22"] + b[1]
        h3, h4 = max(0.0, h1), max(0.0, h2)
        o1 = h3 * w["31"] + h4 * w["32"] + b[2]
        o2 = h3 * w["41"] + h4 * w["42"] + b[3]
    else:
        h1 = i[0] * w["11"] + i[1] * w["21"] + b[0]
        h2 = i[0] * w["12"] + i[1] * w["22"] + b[1]
        h3, h4 = max(0.0, h1), max(0.0, h2)
        o1 = h3 * w["31"] + h4 * w["41"] + b[2]
        o2 = h3 * w["32"] + h4 * w["42"] + b[3]
    if rectified_output:
        o1, o2 = max(0.0, o1), max(0.0, o2)
    loss = ((t[0] - o1) ** 2 + (t[1] - o2) ** 2) / 2
    return {"h": (h1, h2), "r": (h3, h4), "o": (o1, o2), "loss": loss}


def count_paths(node):
    """Number of paths from a node of a graph to its leaves, walked one by one."""
    if not node.parents:
        return 1
    return sum(count_paths(parent) for parent in node.parents if parent is not None)


# Training: layers unit by unit, parabolas step by step, batches one by one.


def activation(name, z):
    """One activation function of one number, by its cases."""
    if name == "sigmoid":
        return 1 / (1 + math.exp(-z))
    if name == "tanh":
        return (math.exp(z) - math.exp(-z)) / (math.exp(z) + math.exp(-z))
    if name == "softplus":
        return math.log(1 + math.exp(z))
    if name == "hard threshold":
        return 1.0 if z >= 0 else 0.0
    if z > 0:
        return z
    return 0.0 if name == "ReLU" else 0.01 * z


def deep_outputs(name, weights, x):
    """Outputs of each layer for one example, unit by unit."""
    layers = []
    for W in weights:
        x = [activation(name, sum(w * v for w, v in zip(row, x, strict=True))) for row in W]
        layers.append(x)
    return layers


def descended_losses(curvatures, start, rate, steps):
    """Losses of gradient descent on ½ Σ λ w², step by step."""
    w = list(start)
    losses = []
    for _ in range(steps + 1):
        losses.append(sum(c * v * v for c, v in zip(curvatures, w, strict=True)) / 2)
        w = [v - rate * c * v for c, v in zip(curvatures, w, strict=True)]
    return losses


def batch_variance(g, batches):
    """Mean squared distance of the batches' means from the mean of all, batch by batch."""
    whole = sum(g) / len(g)
    distances = []
    for batch in batches:
        mean = sum(g[i] for i in batch) / len(batch)
        distances.append(sum((mean - whole) ** 2))
    return sum(distances) / len(distances)


def power_by_walks(W, t):
    """Entry (i, j) of W^t as the sum over all walks of t steps from j to i."""
    n = len(W)
    power = [[0.0] * n for _ in range(n)]
    for walk in itertools.product(range(n), repeat=t + 1):
        product = 1.0
        for start, end in itertools.pairwise(walk):
            product *= W[end][start]
        power[walk[-1]][walk[0]] += product
    return power


def recurrent_step(name, W, U, b, x, h, c):
    """New h and c of one recurrent cell, unit by unit; blocks in the order of its parameters."""
    units = range(len(h))

    def dot(weights, values):
        return sum(weight * value for weight, value in zip(weights, values, strict=True))

    a = [
        [dot(W[k][j], x) + dot(U[k][j], h) + b[k][j] for j in units]
        for k in range(len(W))
    ]
    if name in ("linear", "sigmoid", "tanh"):
        phi = {"linear": float, "sigmoid": sigmoid, "tanh": math.tanh}[name]
        return [phi(value) for value in a[0]], c
    if name == "GRU":
        new = []
        for j in units:
            r, z = sigmoid(a[0][j]), sigmoid(a[1][j])
            across = dot(U[2][j], h)
            new.append((1 - z) * math.tanh(a[2][j] - across + r * across) + z * h[j])
        return new, c
    if name == "LSTM":
        i, f, g, o = a
        c = [sigmoid(f[j]) * c[j] + sigmoid(i[j]) * math.tanh(g[j]) for j in units]
    else:
        f, o, g = a
        keep = [sigmoid(value) for value in f]
        if name == "variant":
            c = [keep[j] * (1 - keep[j]) * c[j] + math.tanh(g[j]) for j in units]
        else:
            c = [keep[j] * c[j] + (1 - keep[j]) * math.tanh(g[j]) for j in units]
    return [sigmoid(o[j]) * math.tanh(c[j]) for j in units], c


def second_memory_of_the_variant(weights, x0, x1, h, c):
    """c_1 of the exam's LSTM variant with one unit, number by number."""
    for x in (x0, x1):
        f, o, g = (w * x + u * h + b for w, u, b in weights)
        c = sigmoid(f) * (1 - sigmoid(f)) * c + math.tanh(g)
        h = sigmoid(o) * math.tanh(c)
    return c


def chain_of_states(w, x, steps, bias):
    """States of the chain with the activation σ(z) - 1/2, number by number."""
    states = [sigmoid(x + bias) - 0.5]
    for _ in range(steps - 1):
        states.append(sigmoid(w * states[-1] + bias) - 0.5)
    return states


def residual_output(W1, b1, W2, x, phi):
    """y = x + W2 φ(W1 x + b1), entry by entry."""
    hidden = []
    for weights, bias in zip(W1, b1, strict=True):
        hidden.append(phi(sum(w * v for w, v in zip(weights, x, strict=True)) + bias))
    return [
        value + sum(w * v for w, v in zip(weights, hidden, strict=True))
        for value, weights in zip(x, W2, strict=True)
    ]


# Convolution: entry by entry, on padded copies, with every index written out.


def convolve_full(x, k):
    """Sum of x_i k_{m-i} over all pairs of indices of two lists that add up to m."""
    out = [0.0] * (len(x) + len(k) - 1)
    for i, a in enumerate(x):
        for j, b in enumerate(k):
            out[i + j] += a * b
    return out


def convolution_layer(x, w, stride, padding, dilation, groups):
    """Two-dimensional cross-correlation of images (n, c, h, w), one product at a time."""
    n, _, height, width = x.shape
    outputs, per_group, rows, columns = w.shape
    tall = (height + 2 * padding[0] - dilation[0] * (rows - 1) - 1) // stride[0] + 1
    wide = (width + 2 * padding[1] - dilation[1] * (columns - 1) - 1) // stride[1] + 1
    out = np.zeros((n, outputs, tall, wide))
    for e, o, r, s in np.ndindex(*out.shape):
        group = o // (outputs // groups)
        for c, i, j in np.ndindex(per_group, rows, columns):
            row = r * stride[0] + i * dilation[0] - padding[0]
            column = s * stride[1] + j * dilation[1] - padding[1]
            if 0 <= row < height and 0 <= column < width:
                out[e, o, r, s] += w[o, c, i, j] * x[e, group * per_group + c, row, column]
    return out


def count_places(n, kernel, stride, before, behind, dilation):
    """Places of a window, found by moving it along until it sticks out."""
    places, first = 0, -before
    while first + dilation * (kernel - 1) < n + behind:
        places += 1
        first += stride
    return places


def pixels_seen(layers, unit):
    """Input pixels from which a path leads to a unit: sets, layer by layer, from the top."""
    pixels = {unit}
    for kernel, stride, before, dilation in reversed(layers):
        pixels = {u * stride - before + t * dilation for u in pixels for t in range(kernel)}
    return pixels


def paths_from_each_pixel(layers):
    """Every path from unit 0 of the last layer down, one at a time, counted where it ends."""
    ends = {}
    for taps in itertools.product(*(range(kernel) for kernel, _, _ in layers)):
        pixel = 0
        for tap, (_, stride, dilation) in zip(reversed(taps), reversed(layers), strict=True):
            pixel = pixel * stride + tap * dilation
        ends[pixel] = ends.get(pixel, 0) + 1
    return ends


# Chapter regularization: early stopping, ensembles of masks, learned dropout.


def early_stopped_weights(X, y, rate, steps):
    """Gradient descent from zero on the mean of (w·x - y)²/2, weight by weight."""
    w = [0.0] * len(X[0])
    for _ in range(steps):
        errors = [sum(v * u for v, u in zip(row, w, strict=True)) - target
                  for row, target in zip(X, y, strict=True)]
        w = [u - rate * sum(e * row[j] for e, row in zip(errors, X, strict=True)) / len(X)
             for j, u in enumerate(w)]
    return w


def correlation_with_signs(X, radius):
    """Mean over all sign vectors of the best correlation of a linear function of bounded norm."""
    total, signs = 0.0, list(itertools.product((-1, 1), repeat=len(X)))
    for s in signs:
        direction = [sum(si * row[j] for si, row in zip(s, X, strict=True))
                     for j in range(len(X[0]))]
        total += radius * math.hypot(*direction) / len(X)
    return total / len(signs)


def mask_ensemble(W, b, x, keep):
    """Renormalised geometric mean and arithmetic mean over all masks of a softmax layer."""
    k = len(b)
    logs, mean = [0.0] * k, [0.0] * k
    for d in itertools.product((0, 1), repeat=len(x)):
        chance = math.prod(keep if di else 1 - keep for di in d)
        logits = [sum(W[i][c] * x[i] for i in range(len(x)) if d[i]) + b[c] for c in range(k)]
        for c, probability in enumerate(softmax(logits)):
            logs[c] += chance * math.log(probability)
            mean[c] += chance * probability
    geometric = [math.exp(value) for value in logs]
    return [value / sum(geometric) for value in geometric], mean


def mean_over_masks(function, p):
    """Expectation of a function of the mask if unit i is dropped with probability p_i."""
    return sum(math.prod(1 - pi if di else pi for di, pi in zip(d, p, strict=True)) * function(d)
               for d in itertools.product((0, 1), repeat=len(p)))


# Attention.


def attend(scores, values, seen):
    """Weights and average of rows of values, for one row of scores; `seen` is True or False."""
    raised = [math.exp(e) if shown else 0.0 for e, shown in zip(scores, seen, strict=True)]
    weights = [r / sum(raised) for r in raised]
    columns = range(len(values[0]))
    return weights, [sum(a * v[k] for a, v in zip(weights, values, strict=True)) for k in columns]


def additive_score(W, U, v, s, h):
    """v · tanh(W s + U h) of one state and one annotation."""
    score = 0.0
    for row, other, factor in zip(W, U, v, strict=True):
        inside = sum(w * a for w, a in zip(row, s, strict=True))
        inside += sum(u * a for u, a in zip(other, h, strict=True))
        score += factor * math.tanh(inside)
    return score


def translate(theta, x, previous):
    """Logits of an encoder-decoder, word by word and unit by unit, from nested lists."""
    q = len(theta["start"][0])
    sides = []
    for name, words in (("left", x), ("right", x[::-1])):
        h, side = [0.0] * (q // 2), []
        for word in words:
            h, _ = recurrent_step("GRU", *theta[name], word, h, None)
            side.append(h)
        sides.append(side)
    annotations = [a + b for a, b in zip(sides[0], sides[1][::-1], strict=True)]
    summary = sides[0][-1] + sides[1][-1]
    s = [math.tanh(sum(w * c for w, c in zip(row, summary, strict=True))) for row in theta["start"]]
    logits = []
    for word in previous:
        c = summary
        if theta["align"] is not None:
            scores = [additive_score(*theta["align"], s, h) for h in annotations]
            _, c = attend(scores, annotations, [True] * len(annotations))
        s, _ = recurrent_step("GRU", *theta["decoder"], word + c, s, None)
        logits.append(
            [
                sum(w * a for w, a in zip(row, s + c, strict=True)) + b
                for row, b in zip(theta["output"], theta["bias"], strict=True)
            ]
        )
    return logits


def autoencoder_loss(W, b, V, c, X, weight, activation):
    """Mean squared error plus weight times the sum of squared slopes of the code, unit by unit.

    The slopes are central differences of the code in each input.
    """
    def unit(weights, bias, x):
        z = sum(w * v for w, v in zip(weights, x, strict=True)) + bias
        return {"linear": z, "ReLU": max(z, 0.0), "sigmoid": sigmoid(z)}[activation]

    total = 0.0
    for x in X:
        h = [unit(W[j], b[j], x) for j in range(len(W))]
        for i in range(len(x)):
            total += (x[i] - c[i] - sum(V[i][j] * h[j] for j in range(len(h)))) ** 2
            ahead = [v + 1e-6 * (k == i) for k, v in enumerate(x)]
            behind = [v - 1e-6 * (k == i) for k, v in enumerate(x)]
            for j in range(len(W)):
                slope = (unit(W[j], b[j], ahead) - unit(W[j], b[j], behind)) / 2e-6
                total += weight * slope**2
    return total / len(X)


def energy_distance(X, Y):
    """2 E|x - y| - E|x - x'| - E|y - y'| over all pairs."""
    def mean(A, B):
        return sum(math.dist(a, b) for a in A for b in B) / (len(A) * len(B))

    return 2 * mean(X, Y) - mean(X, X) - mean(Y, Y)


# Boltzmann machines: every sum over states is a loop over all of them.


def bits(n):
    """All states of n units, as tuples, in the order of binary numbers."""
    return list(itertools.product((0, 1), repeat=n))


def three_way_table(W):
    """Probability of each (x, y, z), as a dictionary, with the energy + Σ W x y z."""
    table = {}
    for x in bits(len(W)):
        for y in bits(len(W[0])):
            for z in bits(len(W[0][0])):
                E = sum(W[i][j][k] for i in range(len(x)) for j in range(len(y))
                        for k in range(len(z)) if x[i] and y[j] and z[k])
                table[x, y, z] = math.exp(-E)
    total = sum(table.values())
    return {state: p / total for state, p in table.items()}


def conditional_mean(table, unit, given):
    """Probability that `unit`, a (group, index), is on where the groups of `given` have a value."""
    group, index = unit
    all_of_it = on = 0.0
    for state, p in table.items():
        if all(state[g] == value for g, value in given.items()):
            all_of_it += p
            on += p * state[group][index]
    return on / all_of_it


def transition_table(table, blocks):
    """Matrix of going from state to state by updating the blocks in their order; states listed."""
    states = list(table)
    T = np.eye(len(states))
    for block in blocks:
        step = np.zeros_like(T)
        for a, old in enumerate(states):
            same = [b for b, new in enumerate(states)
                    if all(new[g] == old[g] for g in range(3) if g != block)]
            for b in same:
                step[a, b] = table[states[b]] / sum(table[states[c]] for c in same)
        T = T @ step
    return T


def rbm_table(W, b, c):
    """Probability of each (v, h), as a dictionary, with the energy -vWh - bv - ch."""
    table = {}
    for v in bits(len(b)):
        for h in bits(len(c)):
            E = -sum(W[i][j] * v[i] * h[j] for i in range(len(v)) for j in range(len(h)))
            E -= sum(b[i] * v[i] for i in range(len(v))) + sum(c[j] * h[j] for j in range(len(h)))
            table[v, h] = math.exp(-E)
    total = sum(table.values())
    return {state: p / total for state, p in table.items()}


def independent_sets(edges, vertices):
    """Number of sets of vertices without an edge inside."""
    return sum(not any(chosen[a] and chosen[b] for a, b in edges) for chosen in bits(vertices))


# Adversarial networks: means over samples, outcomes one by one, time in small steps.


def critic_loss_of_samples(w, b, real, fake, penalty, mix):
    """WGAN-GP loss of D(x) = w·x + b on samples, the slope of D taken by central differences."""

    def D(x):
        return sum(a * v for a, v in zip(w, x, strict=True)) + b

    total = sum(D(x) for x in fake) / len(fake) - sum(D(x) for x in real) / len(real)
    for x, x_fake, share in zip(real, fake, mix, strict=True):
        point = [share * a + (1 - share) * c for a, c in zip(x, x_fake, strict=True)]
        slope = numerical_gradient(D, point, step=0.5)
        total += penalty * (math.sqrt(sum(s * s for s in slope)) - 1) ** 2 / len(real)
    return total


def tuple_probability(p, values):
    """Probability of independent draws of p, one factor after the other."""
    product = 1.0
    for value in values:
        product *= p[value]
    return product


def packed_total_variation(p, q, m):
    """The largest difference of the probability of an event, each tuple put in where it helps."""
    best = 0.0
    for values in itertools.product(range(len(p)), repeat=m):
        best += max(0.0, tuple_probability(p, values) - tuple_probability(q, values))
    return best


def transported(x, y):
    """Least mean distance over all ways to pair two samples of numbers."""
    return min(
        sum(abs(a - b) for a, b in zip(x, order, strict=True)) / len(x)
        for order in itertools.permutations(y)
    )


def time_to_zero(slope, a, steps=20000):
    """Time from a to 0 along da/dt = -slope(a), by the midpoint rule for ∫ da / -slope."""
    width = -a / steps
    return sum(width / -slope(a + (k + 0.5) * width) for k in range(steps))


# Variational inference.


def divergence(q, p):
    """Sum of q log(q/p) over the values with q > 0, one at a time."""
    total = 0.0
    for a, b in zip(q, p, strict=True):
        if a > 0:
            total += a * math.log(a / b)
    return total


def joint_bound(joint, q):
    """Sum of q log(p(x, z)/q) over the values with q > 0, one at a time."""
    return -divergence(q, joint)


def integral(function, centre, scale, points=4001, reach=12):
    """Riemann sum of a function of one number over `centre` ± `reach` · `scale`."""
    step = 2 * reach * scale / (points - 1)
    return step * sum(function(centre - reach * scale + i * step) for i in range(points))


def normal_density(z, mean, variance):
    """Density of one number."""
    return math.exp(-((z - mean) ** 2) / (2 * variance)) / math.sqrt(2 * math.pi * variance)


def autoregressive(shift, log_scale, linear, square, gain, noise):
    """One sample of a quadratic autoregressive step, coordinate by coordinate, from lists."""
    z = []
    for i in range(len(noise)):
        mean, log = shift[i], log_scale[i]
        for j in range(i):
            mean += linear[i][j] * noise[j] + square[i][j] * noise[j] ** 2
            log += gain[i][j] * noise[j]
        z.append(mean + math.exp(log) * noise[i])
    return z


def sampled_bound(theta, x, noise):
    """log p(x|z) - KL(q(z|x) ‖ N(0, I)) of one example and one draw, unit by unit, from lists."""

    def layer(W, b, inputs):
        return [sum(w * v for w, v in zip(row, inputs, strict=True)) + c
                for row, c in zip(W, b, strict=True)]

    W, w, A, a, B, b, V, v, U, u = theta
    h = [math.tanh(s) for s in layer(W, w, x)]
    mean, log_variance = layer(A, a, h), layer(B, b, h)
    z = [m + math.exp(s / 2) * e for m, s, e in zip(mean, log_variance, noise, strict=True)]
    g = [math.tanh(s) for s in layer(V, v, z)]
    bound = -sum(logistic_loss(s, y) for s, y in zip(layer(U, u, g), x, strict=True))
    for m, s in zip(mean, log_variance, strict=True):
        bound -= (m**2 + math.exp(s) - s - 1) / 2
    return bound
