"""The definitions done stupidly: loops, enumeration, central differences.

An oracle shares no line and no trick with what it judges. It may be slow, and it may overflow
where the thing it judges must not.
"""

import math

import numpy as np


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
