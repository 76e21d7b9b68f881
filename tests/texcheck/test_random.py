"""Random variables: true statements by kind are accepted, and the same ones made false refused.

The true values come from elsewhere: linear algebra, closed forms, sums over all outcomes.
`pytest --hypothesis-profile=long` makes a longer run of the same generators.
"""

import math

import numpy as np
import pytest
import texcheck
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from texcheck.quadrature import EXPONENTIAL, NORMAL, UNIFORM, Batch, mean, noting

settings.register_profile("long", max_examples=1000, deadline=None)
usual = settings(max_examples=12, deadline=None,
                 suppress_health_check=[HealthCheck.too_slow]) if (
    settings.get_current_profile_name() != "long") else settings(settings.get_profile("long"))


def errors(*lines, seed=0):
    return texcheck.check(texcheck.read_block("\n".join(lines)), seed=seed).errors


def holds(*lines):
    found = errors(*lines)
    assert not found, str(found[0])


def fails(*lines, says=""):
    found = errors(*lines)
    assert found, "this passes"
    assert says in str(found[0]), str(found[0])


# ---- graphs ------------------------------------------------------------------------------

NAMES = "uvwxyz"


@st.composite
def graphs(draw):
    """A linear-Gaussian graph: for each variable the slopes by earlier ones, and its noise."""
    size = draw(st.integers(2, 5))
    slopes = np.zeros((size, size))
    for i in range(size):
        for j in range(i):
            slopes[i, j] = draw(st.sampled_from([0, 0, 1, -1, 2, 0.5]))
    noise = np.array([draw(st.sampled_from([0.25, 1, 2, 3])) for _ in range(size)])
    return slopes, noise


def declared(slopes, noise):
    for i, row in enumerate(slopes):
        terms = "".join(f" + ({s:g}) {NAMES[j]}" for j, s in enumerate(row) if s)
        yield rf"rv: {NAMES[i]} \sim \mathcal{{N}}(c{terms}, {noise[i]:g} s)"


def covariance(slopes, noise):
    inverse = np.linalg.inv(np.eye(len(noise)) - slopes)
    return inverse @ np.diag(noise) @ inverse.T


@usual
@given(graphs(), st.data())
def test_covariances_of_a_graph(graph, data):
    slopes, noise = graph
    true = covariance(slopes, noise)
    j, i = sorted(data.draw(st.tuples(*2 * [st.integers(0, len(noise) - 1)])))
    lines = ["let: s \\in \\mathbb{R}_{>0}; c \\in \\mathbb{R}", *declared(slopes, noise)]
    body = f"claim: c^2 + \\mathrm{{Cov}}({NAMES[i]}, {NAMES[j]})"
    idle = [k for k in range(len(noise)) if NAMES[k] not in (NAMES[i], NAMES[j])]
    body += "".join(f" + \\mathrm{{Var}}({NAMES[k]})" for k in idle)
    rest = sum(true[k, k] for k in idle)
    holds(*lines, body, f"= c^2 + {true[i, j] + rest:.12g} s".replace("+ -", "- "))
    wrong = true[i, j] + rest + data.draw(st.sampled_from([0.5, -0.25, 1]))
    fails(*lines, body, f"= c^2 + {wrong:.12g} s".replace("+ -", "- "))


@usual
@given(graphs())
def test_conditional_expectation_in_a_graph(graph):
    slopes, noise = graph
    true = covariance(slopes, noise)
    first, last = NAMES[0], NAMES[len(noise) - 1]
    slope = true[0, -1] / true[-1, -1]
    middle = np.linalg.inv(np.eye(len(noise)) - slopes) @ np.ones(len(noise))
    lines = ["let: s \\in \\mathbb{R}_{>0}; c \\in \\mathbb{R}", *declared(slopes, noise)]
    idle = [n for n in NAMES[1:len(noise) - 1]]
    more = "".join(f" + \\mathbb{{E}}[{n}]" for n in idle)
    rest = middle[0] - slope * middle[-1] + middle[1:-1].sum()
    body = f"claim: c + \\mathbb{{E}}[{first} \\mid {last}]{more}"

    def right(k):
        return f"= c + {k:.14g} {last} + {rest:.14g} c".replace("+ -", "- ")

    holds(*lines, body, right(slope))
    fails(*lines, body, right(slope + 0.25))


def test_a_parameter_that_is_random():
    lines = ["let: s \\in \\mathbb{R}_{>0}",
             "rv: m \\sim \\mathcal{N}(0, s); x \\sim \\mathcal{N}(m, 1)"]
    holds(*lines, "claim: \\mathrm{Var}(x)\n= 1 + s")
    fails(*lines, "claim: \\mathrm{Var}(x)\n= 1", says="differ")
    holds(*lines, "claim: \\mathrm{Cov}(m, x)\n= s")
    fails(*lines, "claim: \\mathbb{E}[x m]\n= \\mathbb{E}[x] \\mathbb{E}[m]")
    holds(*lines, "claim: \\mathrm{Var}(x)\n= \\mathbb{E}[\\mathrm{Var}(x \\mid m)] + "
                  "\\mathrm{Var}(\\mathbb{E}[x \\mid m])")
    fails(*lines, "claim: \\mathrm{Var}(x)\n= \\mathbb{E}[\\mathrm{Var}(x \\mid m)]")


def test_a_random_variance_and_a_random_probability():
    holds("let: p \\in (0,1); a, b \\in \\mathbb{R}_{>0}",
          "rv: d \\sim \\mathrm{Bernoulli}(p); x \\sim \\mathcal{N}(0, a + b d)",
          "claim: \\mathrm{Var}(x)\n= a + b p")
    lines = ["let: a \\in \\mathbb{R}", "rv: g \\sim \\mathcal{N}(a, 1)",
             "rv: d \\sim \\mathrm{Bernoulli}(\\mathrm{sigmoid}(g))"]
    holds(*lines, "claim: \\mathbb{E}[d]\n= \\mathbb{E}[\\mathrm{sigmoid}(g)]")
    fails(*lines, "claim: \\mathbb{E}[d]\n= \\mathrm{sigmoid}(a)")


def test_a_chain():
    lines = ["let: a, x_0 \\in \\mathbb{R}; s \\in \\mathbb{R}_{>0}",
             "rv: x_t \\sim \\mathcal{N}(a x_{t-1}, s) \\quad (t=1,\\ldots,T)"]
    holds(*lines, "claim: \\mathrm{Var}(x_3) + \\mathbb{E}[x_2]\n= s (1 + a^2 + a^4) + a^2 x_0")
    fails(*lines, "claim: \\mathrm{Var}(x_3) + x_0\n= s + x_0")
    fails("let: a \\in \\mathbb{R}; s \\in \\mathbb{R}_{>0}",
          "rv: x_t \\sim \\mathcal{N}(a x_{t+1}, s) \\quad (t=1,\\ldots,T)",
          "claim: \\mathbb{E}[x_1]\n= a", says="")


def test_a_fixed_variable_that_depends_on_the_averaged_one():
    lines = ["rv: X \\in \\mathbb{R}; Y \\in \\mathbb{R}"]
    fails(*lines, "claim: \\mathbb{E}_Y[\\mathbb{E}_X[X Y]]\n= \\mathbb{E}[X] \\mathbb{E}[Y]",
          says="conditional")
    holds(*lines, "assume: X \\perp Y",
          "claim: \\mathbb{E}_Y[\\mathbb{E}_X[X Y]]\n= \\mathbb{E}[X] \\mathbb{E}[Y]")


def test_what_a_condition_leaves():
    lines = ["rv: X \\in \\mathbb{R}; Y \\in \\mathbb{R}"]
    holds(*lines, "claim: \\mathbb{E}[\\mathbb{E}[X \\mid Y]]\n= \\mathbb{E}[X]")
    holds(*lines, "claim: \\mathbb{E}[\\mathbb{E}[X \\mid Y] Y]\n= \\mathbb{E}[X Y]")
    fails(*lines, "claim: \\mathbb{E}[X \\mid Y] + Y\n= X + Y")
    fails(*lines, "claim: \\mathbb{E}[X \\mid Y] + 0 Y\n= \\mathbb{E}[X]")


def test_covariances_have_full_rank():
    fails("rv: X \\in \\mathbb{R}^3; Y \\in \\mathbb{R}^3", "assume: X \\perp Y",
          "claim: \\det(\\mathrm{Cov}(X, X)) \\det(\\mathrm{Cov}(Y, Y))\n= 0")


# ---- what is observed --------------------------------------------------------------------

OBSERVED = ["let: \\mu, a \\in \\mathbb{R}; v \\in \\mathbb{R}_{>0}",
            "rv: x \\sim \\mathcal{N}(\\mu, v)"]


def test_an_observation_does_not_move_with_its_parameters():
    score = r"\frac{\partial}{\partial \mu} \log \mathcal{N}(x; \mu, v)"
    holds(OBSERVED[0].replace(", a", ""), OBSERVED[1], f"claim: {score}\n= \\frac{{x - \\mu}}{{v}}")
    fails(OBSERVED[0].replace(", a", ""), OBSERVED[1], f"claim: {score}\n= 0")
    fails(*OBSERVED, "claim: \\frac{\\partial}{\\partial \\mu} (x - a)^2\n= 2 (x - a)")
    holds(*OBSERVED, "claim: \\frac{\\partial}{\\partial \\mu} \\mathbb{E}[(x - a)^2]\n"
                     "= 2 (\\mu - a)")
    holds(OBSERVED[0].replace(", a", ""), OBSERVED[1], f"claim: \\mathbb{{E}}[{score}]\n= 0")


# ---- what is no distribution -------------------------------------------------------------

@pytest.mark.parametrize("lines, says", [
    (["let: z, x \\in \\mathbb{R}^K", "def: p_k = e^{z_k}",
      "claim: \\mathbb{E}_{k\\sim p}[x_k]\n= \\sum_{k=1}^K e^{z_k} x_k"], "divide by the sum"),
    (["let: a \\in \\mathbb{R}", "rv: d \\sim \\mathrm{Bernoulli}(a)",
      "claim: \\mathrm{Var}(d)\n= a - a^2"], "a \\in (0,1)"),
    (["let: a \\in \\mathbb{R}", "claim: \\mathbb{E}_{u\\sim\\mathcal{N}(0,a)}[u^2]\n= a"],
     "positive"),
    (["let: A \\in \\mathbb{S}^n; m \\in \\mathbb{R}^n",
      "claim: \\mathbb{E}_{u\\sim\\mathcal{N}(m,A)}[u]\n= m"], "\\mathbb{S}^n_{++}"),
    (["let: a \\in \\mathbb{R}", "rv: X \\sim \\mathrm{Exponential}(a)",
      "claim: \\mathbb{E}[X]\n= \\frac{1}{a}"], "positive"),
    (["let: a, b \\in \\mathbb{R}", "rv: X \\sim \\mathrm{Uniform}(a, b)",
      "claim: \\mathbb{E}[X]\n= \\frac{a + b}{2}"], "a < b"),
    (["rv: g \\sim \\mathcal{N}(0, 1); d \\sim \\mathrm{Bernoulli}(g)",
      "claim: \\mathbb{E}[d] + 1\n= 1"], "probability"),
    (["pmf: p(x)", "claim: \\sum_{x'} p(x, x') p(x')\n= p(x)^2"], "p(x) p(x')"),
])
def test_what_is_no_distribution(lines, says):
    fails(*lines, says=says)


# ---- means that are exact, or none -------------------------------------------------------

class Plain:
    """A function of points as an integrand."""

    recorder = None

    def __init__(self, function):
        self.function = function

    def one(self, point):
        with noting(self) as noted:
            value = self.function(point[0]).reshape(1, -1)
        return self.batch(value, noted, noted.decisions)

    def many(self, points, decided):
        found = []
        for point in points:
            with noting(self, decided) as noted:
                value = self.function(point).reshape(1, -1)
            found.append(self.batch(value, noted, decided))
        return Batch(torch.cat([f.values for f in found]),
                     torch.cat([f.switches for f in found]), found[0].steps, decided)

    def batch(self, value, noted, decisions):
        stacked = (torch.stack([s.value for s in noted.switches])[None] if noted.switches
                   else torch.zeros(1, 0, dtype=torch.float64))
        return Batch(value, stacked, tuple(s.steps for s in noted.switches), decisions)

    def doubt(self, share):
        raise AssertionError


def phi(x):
    return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def cumulative(x):
    return 0.5 * math.erfc(-x / math.sqrt(2))


@usual
@given(st.lists(st.tuples(st.floats(-3, 3), st.floats(-3, 3)), min_size=1, max_size=4))
def test_piecewise_linear_functions_of_a_normal_variable(bends):
    found = mean(Plain(lambda u: sum(c * torch.relu(u - b) for b, c in bends)), [NORMAL])
    true = sum(c * (phi(b) - b * (1 - cumulative(b))) for b, c in bends)
    assert abs(float(found.value.detach()) - true) < 1e-10


@usual
@given(st.floats(-2, 2), st.floats(0.1, 2))
def test_derivatives_go_through_bends_and_jumps(m, s):
    middle = torch.tensor(m, dtype=torch.float64, requires_grad=True)
    value = mean(Plain(lambda u: torch.abs(middle + s * u)), [NORMAL]).value.sum()
    first, = torch.autograd.grad(value, middle, create_graph=True)
    second, = torch.autograd.grad(first, middle)
    assert abs(float(first.detach()) - (2 * cumulative(m / s) - 1)) < 1e-9
    assert abs(float(second) - 2 * phi(m / s) / s) < 1e-8
    steps = mean(Plain(lambda u: torch.floor(middle + s * u)), [NORMAL]).value.sum()
    slope, = torch.autograd.grad(steps, middle)
    assert abs(float(slope) - sum(phi((k - m) / s) / s for k in range(-40, 41))) < 1e-8


@usual
@given(st.integers(2, 9), st.integers(0, 3))
def test_polynomials_of_normal_vectors(size, seed):
    matrix = torch.as_tensor(np.random.default_rng(seed).normal(size=(size, size)))
    form = matrix + matrix.T
    found = mean(Plain(lambda u: (u @ form @ u) ** 2), [NORMAL] * size)
    true = float(torch.trace(form)) ** 2 + 2 * float(torch.trace(form @ form))
    assert abs(float(found.value.detach()) - true) < 1e-8 * (1 + abs(true))


@usual
@given(st.lists(st.floats(-9, 9), min_size=1, max_size=6), st.integers(0, 5))
def test_exponentials_of_quadratic_forms_at_all_scales(exponents, seed):
    """From far too narrow for any rule to far too wide: exact, or refused."""
    size = len(exponents)
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(size, size)))
    scales = 10.0 ** np.array(exponents)
    form = torch.as_tensor((q * scales) @ q.T)
    try:
        found = mean(Plain(lambda u: torch.exp(-0.5 * (u @ form @ u))), [NORMAL] * size)
    except texcheck.errors.Undefined:
        return
    true = math.prod((1 + scales) ** -0.5)
    assert abs(float(found.value.detach()) / true - 1) < 1e-9


def test_a_product_of_all_entries_is_not_taken_for_zero():
    try:
        found = mean(Plain(lambda u: torch.prod(u * u)), [NORMAL] * 6)
    except texcheck.errors.Undefined:
        return
    assert abs(float(found.value) - 1) < 1e-9


@pytest.mark.parametrize("axis, power, true", [(UNIFORM, 7, 1 / 8), (EXPONENTIAL, 6, 720),
                                               (NORMAL, 8, 105), (NORMAL, 40, None)])
def test_moments(axis, power, true):
    if true is None:
        true = math.prod(range(1, 40, 2))
    assert abs(float(mean(Plain(lambda u: u**power), [axis]).value) / true - 1) < 1e-10


@pytest.mark.parametrize("function, axes", [
    (lambda u: 1 / u**2, [NORMAL]), (lambda u: torch.exp(u**2), [NORMAL]),
    (lambda u: torch.maximum(u[0], u[1]) * torch.tanh(u[2]), [NORMAL] * 3),
    (lambda u: torch.tanh(3 * u + 1).prod(), [NORMAL] * 5),
    (lambda u: torch.exp(2 * u), [EXPONENTIAL])])
def test_a_mean_that_is_not_known_is_refused(function, axes):
    with pytest.raises(texcheck.errors.Undefined):
        mean(Plain(function), axes)


V = "let: v \\in \\mathbb{R}_{>0}"
KINK = r"\mathbb{E}_{u\sim\mathcal{N}(0,v)}"


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("body, true, false", [
    (f"{KINK}[|u|]", r"= \sqrt{\frac{2 v}{\pi}}", r"\le 0.79 \sqrt{v}"),
    (f"{KINK}[\\max(0, u)]", r"= \sqrt{\frac{v}{2 \pi}}", r"\le 0.397 \sqrt{v}"),
    (f"{KINK}[\\mathbb{{1}}[u > \\sqrt{{v}}]]", r"= 1 - \Phi(1)", r"= 1 - \Phi(1.001)"),
    (f"v {KINK}[\\mathrm{{sign}}(u - v)]", r"= v (1 - 2 \Phi(\sqrt{v}))", r"= v (1 - 2 \Phi(v))"),
    (f"\\frac{{\\partial}}{{\\partial v}} {KINK}[\\max(0, u - 1)]",
     r"= \frac{1}{2} \mathcal{N}(1; 0, v)", r"= \mathcal{N}(1; 0, v)")])
def test_bends_and_jumps(body, true, false, seed):
    assert not errors(V, f"claim: {body}", true, seed=seed)
    assert errors(V, f"claim: {body}", false, seed=seed)


@pytest.mark.parametrize("lines, true, false", [
    (["let: w \\in \\mathbb{R}^n",
      "claim: \\mathbb{E}_{u\\sim\\mathcal{N}(\\mathbf{0}, I_n)}[e^{w^\\top u}]"],
     r"= e^{\frac{1}{2} w^\top w}", r"= e^{w^\top w}"),
    (["let: A \\in \\mathbb{S}^n_{++}; m \\in \\mathbb{R}^n",
      "claim: \\mathbb{E}_{u\\sim\\mathcal{N}(m, A)}[u u^\\top]"], r"= A + m m^\top", "= A"),
    (["let: A \\in \\mathbb{S}^n_{++}",
      "claim: \\mathbb{E}_{u\\sim\\mathcal{N}(\\mathbf{0}, I_n)}[e^{-\\frac{1}{2} u^\\top A u}]"],
     r"= \frac{1}{\sqrt{\det(I_n + A)}}", r"= \frac{1}{\det(I_n + A)}"),
    (["let: a \\in \\mathbb{R}", "rv: e_i \\sim \\mathcal{N}(0, 1) \\quad (i=1,\\ldots,n)",
      "claim: a \\mathbb{E}[e_1^8]"], "= 105 a", "= 15 a")])
def test_normal_vectors(lines, true, false):
    holds(*lines, true)
    fails(*lines, false)


# ---- events and further distributions ----------------------------------------------------

@pytest.mark.parametrize("law, body, true, false", [
    (r"\mathrm{Exponential}(\lambda)", r"\mathrm{Var}(X)", r"\frac{1}{\lambda^2}",
     r"\frac{1}{\lambda}"),
    (r"\mathrm{Exponential}(\lambda)", r"P(X \ge b)", r"e^{-\lambda b}", r"e^{-b}"),
    (r"\mathrm{Uniform}(a, a + b)", r"\mathrm{Var}(X)", r"\frac{b^2}{12}", r"\frac{b^2}{10}"),
    (r"\mathrm{Uniform}(0, b)", r"P(X \le 0.3 b)", "0.3", "0.7"),
    (r"\mathrm{Poisson}(\lambda)", r"\mathbb{E}[X^2]", r"\lambda + \lambda^2", r"\lambda^2"),
    (r"\mathrm{Poisson}(\lambda)", r"P(X = 1)", r"\lambda e^{-\lambda}", r"e^{-\lambda}"),
    (r"\mathrm{Binomial}(7, p)", r"\mathrm{Var}(X)", "7 p (1 - p)", "7 p"),
    (r"\mathrm{Laplace}(a, b)", r"\mathbb{E}[|X - a|]", "b", "2 b"),
    (r"\mathrm{Laplace}(a, b)", r"\mathrm{Var}(X)", "2 b^2", "b^2"),
    (r"\mathrm{Categorical}(q)", r"\mathbb{E}[X]", r"\sum_k k q_k", r"\sum_k q_k"),
    (r"\mathrm{Categorical}(q)", r"P(X = 2)", "q_2", "q_1"),
    (r"\mathcal{N}(a, b)", r"P(X \le \lambda)", r"\Phi\left(\frac{\lambda - a}{\sqrt{b}}\right)",
     r"\Phi\left(\frac{\lambda - a}{b}\right)"),
    (r"\mathrm{Exponential}(\lambda)", r"P(X \ge b + 1 \mid X \ge b)", r"e^{-\lambda}",
     r"e^{-\lambda b}")])
def test_laws(law, body, true, false):
    letters = {"\\lambda": "\\lambda \\in \\mathbb{R}_{>0}", "b": "b \\in \\mathbb{R}_{>0}",
               "a": "a \\in \\mathbb{R}", "p": "p \\in (0,1)", "q": "q \\in \\Delta^K"}
    declared = f"let: {'; '.join(letters.values())}"
    idle = r"(\lambda + b + a + p + q_1)"
    lines = [declared, rf"rv: X \sim {law}", f"claim: {idle} {body}"]
    holds(*lines, f"= {idle} ({true})")
    fails(*lines, f"= {idle} ({false})")


def test_bounds_of_probabilities():
    holds("let: a \\in \\mathbb{R}_{>0}", "rv: X \\in \\mathbb{R}_{\\ge 0}",
          "claim: P(X \\ge a)\n\\le \\frac{\\mathbb{E}[X]}{a}")
    fails("let: a \\in \\mathbb{R}", "rv: X \\sim \\mathcal{N}(0, 1)",
          "claim: a P(X = a)\n= 0", says="density")
    fails("let: a \\in \\mathbb{R}", "rv: X \\in \\mathbb{R}", "claim: a P(X = a)\n= 0",
          says="interval")
    fails("let: a \\in \\mathbb{R}", "claim: P(a \\ge 0)\n= 1", says="random variable")
