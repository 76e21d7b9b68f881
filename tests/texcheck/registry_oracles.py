r"""What examples of the notations are worth, computed by NumPy and SciPy without the checker.

A function of the letters of a draw: columns and matrices are arrays, `n` a dimension; `X` and `Y`
hold the outcomes of the random variables with weights `XY`, `p` the table of p(y,w), `phi` a
function.
"""

import math

import numpy as np
from scipy import special, stats


def slope(function, at, step=1e-5):
    return (function(at + step) - function(at - step)) / (2 * step)


def column(values):
    return np.reshape(values, (-1, 1))


def upper(L):
    return sum(L.x[k] * L.x[m] for k in range(L.n) for m in range(k + 1, L.n))


ORACLES = {
    "0.5 a": lambda L: 0.5 * L.a,
    "a + b - 2c": lambda L: L.a + L.b - 2 * L.c,
    "-a": lambda L: -L.a,
    "a b": lambda L: L.a * L.b,
    r"3 \times a": lambda L: 3 * L.a,
    r"\frac{a}{b}": lambda L: L.a / L.b,
    r"\frac{x}{z}": lambda L: L.x / L.z,
    "c^{1/2}": lambda L: math.sqrt(L.c),
    "A^3": lambda L: L.A @ L.A @ L.A,
    r"x \odot z": lambda L: L.x * L.z,
    r"x^{\odot 2}": lambda L: L.x**2,
    r"\sqrt[3]{c}": lambda L: np.cbrt(L.c),
    r"\binom{n}{2}": lambda L: L.n * (L.n - 1) / 2,
    "a": lambda L: L.a,
    "A_{ij}": lambda L: L.A[L.i - 1, L.j - 1],
    r"\phi'(a)": lambda L: slope(L.phi, L.a),
    r"\pi a": lambda L: 3.141592653589793 * L.a,
    r"\tanh'(a)": lambda L: slope(np.tanh, L.a),
    r"\log c": lambda L: np.log(L.c),
    r"\exp a": lambda L: np.exp(L.a),
    r"\sin a": lambda L: np.sin(L.a),
    r"\cos a": lambda L: np.cos(L.a),
    r"\tan a": lambda L: np.sin(L.a) / np.cos(L.a),
    r"\sinh a": lambda L: (np.exp(L.a) - np.exp(-L.a)) / 2,
    r"\cosh a": lambda L: (np.exp(L.a) + np.exp(-L.a)) / 2,
    r"\tanh^2(a)": lambda L: np.tanh(L.a) ** 2,
    r"\arctan a": lambda L: np.arctan(L.a),
    r"\mathrm{sigmoid}(a)": lambda L: special.expit(L.a),
    r"\mathrm{softplus}(a)": lambda L: np.log1p(np.exp(L.a)),
    r"\mathrm{ReLU}(x)": lambda L: np.where(L.x > 0, L.x, 0),
    r"\mathrm{sign}(a)": lambda L: np.sign(L.a),
    r"\lfloor a \rfloor": lambda L: math.floor(L.a),
    r"\lceil a \rceil": lambda L: math.ceil(L.a),
    r"\mathrm{erf}(a)": lambda L: special.erf(L.a),
    r"\mathrm{KL}(p(y, w) \,\|\, p(y) p(w))": lambda L: float(np.sum(special.rel_entr(
        L.p, L.p.sum(1, keepdims=True) * L.p.sum(0, keepdims=True)))),
    r"\sum_l h_l(a)": lambda L: L.x.sum() * L.phi(L.a),
    r"\log_2 c": lambda L: np.log2(L.c),
    r"\mathbb{1}[a \le b]": lambda L: float(L.a <= L.b),
    r"\mathbb{1}[i \in \{1,2\}]": lambda L: float(L.i in (1, 2)),
    r"\mathbb{1}[i=j]": lambda L: float(L.i == L.j),
    r"\begin{cases} a & \text{if } a > 0 \\ b & \text{otherwise} \end{cases}":
        lambda L: L.a if L.a > 0 else L.b,
    r"\delta_{ij}": lambda L: float(L.i == L.j),
    r"\max(0, a)": lambda L: (L.a + abs(L.a)) / 2,
    r"\min(a, b)": lambda L: np.minimum(L.a, L.b),
    r"W^\top": lambda L: L.W.T,
    r"A^{-\top}": lambda L: np.linalg.inv(L.A).T,
    "|a|": lambda L: abs(L.a),
    r"\|W\|_F^2": lambda L: np.sum(L.W**2),
    r"\langle x, z \rangle": lambda L: np.sum(L.x * L.z),
    r"A \otimes W": lambda L: np.kron(L.A, L.W),
    r"\begin{pmatrix} a & b \\ 0 & c \end{pmatrix}": lambda L: np.array([[L.a, L.b], [0, L.c]]),
    "A + c I": lambda L: L.A + L.c * np.eye(L.n),
    r"\mathrm{tr}(A)": lambda L: np.trace(L.A),
    r"\det(A)": lambda L: np.prod(np.linalg.eigvalsh(L.A)),
    r"\det(A)^{-1}": lambda L: 1 / np.prod(np.linalg.eigvalsh(L.A)),
    r"\mathrm{diag}(x)": lambda L: np.diag(L.x.ravel()),
    r"\mathrm{vec}(W)": lambda L: column(L.W.ravel(order="F")),
    r"\mathrm{softmax}(x)": lambda L: special.softmax(L.x),
    r"\mathrm{logsumexp}(x)": lambda L: special.logsumexp(L.x),
    r"\sum_{k<l} x_k x_l": lambda L: float(upper(L)[0]),
    r"\sum_{k=1}^n \sum_{l=1}^n x_k z_l": lambda L: L.x.sum() * L.z.sum(),
    r"\sum_{k=1}^n x_k z_k": lambda L: np.sum(L.x * L.z),
    r"\prod_{k=1}^n (1 + x_k)": lambda L: np.prod(1 + L.x),
    r"\max_i x_i": lambda L: L.x.max(),
    r"\min_i x_i": lambda L: L.x.min(),
    r"\sum_{k\in\{1,\ldots,n\}} x_k": lambda L: L.x.sum(),
    r"\sum_{d\in\{e_1,\ldots,e_n\}} e^{d^\top x}": lambda L: np.exp(L.x).sum(),
    r"\sum_\tau g_\tau": lambda L: L.g.sum(),
    r"\frac{\partial (x^\top z)}{\partial x^\top}": lambda L: L.z.T,
    r"\frac{\partial \|x\|^2}{\partial x}": lambda L: 2 * L.x,
    r"\nabla_x (x^\top A x)": lambda L: 2 * L.A @ L.x,
    r"\int_a^b u^2 \, \mathrm{d}u": lambda L: (L.b**3 - L.a**3) / 3,
    r"\int_0^\infty e^{-c u} \, \mathrm{d}u": lambda L: 1 / L.c,
    r"\arg\max_k x_k": lambda L: 1 + int(np.argmax(L.x)),
    r"\arg\min_x (x^\top A x - 2 z^\top x)": lambda L: np.linalg.solve(L.A, L.z),
    r"\lim_{t\to 0} \frac{\sin(a t)}{t}": lambda L: L.a,
    r"\sum_{k=1}^\infty \frac{a}{k^2}": lambda L: L.a * math.pi**2 / 6,
    r"\Gamma(c)": lambda L: special.gamma(L.c),
    r"\psi(c)": lambda L: special.digamma(L.c),
    r"\mathrm{B}(c, 2)": lambda L: 1 / (L.c * (L.c + 1)),
    "n!": lambda L: math.factorial(L.n),
    r"\lambda_{\max}(A)": lambda L: np.linalg.eigvalsh(L.A).max(),
    r"\sigma_{\max}(W)": lambda L: np.linalg.svd(L.W)[1].max(),
    r"\mathrm{rank}(W)": lambda L: np.linalg.matrix_rank(L.W),
    "p(y=1)": lambda L: L.p[0].sum(),
    r"p(w \mid y)": lambda L: L.p[L.y - 1, L.w - 1] / L.p[L.y - 1].sum(),
    r"\mathbb{E}_{u\sim\mathcal{N}(a,c)}[u^2]": lambda L: L.a**2 + L.c,
    r"\mathbb{E}_{d\sim\mathrm{Bernoulli}(0.3)}[a d]": lambda L: 0.3 * L.a,
    r"\mathbb{E}_{k\sim q}[x_1 k]":
        lambda L: L.x[0, 0] * np.sum(L.q.ravel() * np.arange(1, L.q.size + 1)),
    r"\mathbb{E}_{k\sim\mathrm{Binomial}(4, 0.3)}[a k^2]":
        lambda L: L.a * sum(k**2 * stats.binom.pmf(k, 4, 0.3) for k in range(5)),
    r"\mathbb{E}_{k\sim\mathrm{Poisson}(c)}[k^2]": lambda L: L.c + L.c**2,
    r"\mathbb{E}_{u\sim\mathrm{Uniform}(0, c)}[u^2]": lambda L: L.c**2 / 3,
    r"\mathbb{E}_{u\sim\mathrm{Exponential}(c)}[u^2]": lambda L: 2 / L.c**2,
    r"\mathbb{E}_{u\sim\mathrm{Laplace}(a, c)}[u^2]": lambda L: L.a**2 + 2 * L.c**2,
    r"\mathbb{E}_{w\sim p(w\mid y)}[a w]":
        lambda L: L.a * (L.p[L.y - 1] @ np.arange(1, L.p.shape[1] + 1)) / L.p[L.y - 1].sum(),
    r"\mathcal{N}(a; b, c)": lambda L: stats.norm.pdf(L.a, L.b, math.sqrt(L.c)),
    r"\mathrm{KL}(q \,\|\, s)": lambda L: np.sum(special.rel_entr(L.q, L.s)),
    r"\mathbb{E}[X]": lambda L: L.XY @ L.X,
    r"\mathrm{Var}(X)": lambda L: L.XY @ (L.X - L.XY @ L.X) ** 2,
    r"\mathrm{Cov}(X, Y)": lambda L: L.XY @ ((L.X - L.XY @ L.X) * (L.Y - L.XY @ L.Y)),
    r"P(X \ge a)": lambda L: L.XY @ (L.X >= L.a),
    r"\Phi(a)": lambda L: stats.norm.cdf(L.a),
}
