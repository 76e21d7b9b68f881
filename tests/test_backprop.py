"""Chapter backprop: each function against its definition, against torch, and against invariants."""

import gc
import math
import sys
import weakref

import numpy as np
import oracles
import pytest
import torch
import torch.nn.functional as F
from annotated import annotated
from fullmarks import backprop as bp
from fullmarks import mlp
from fullmarks.experiments import backprop as experiments
from fullmarks.plots import backprop as plots
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from oracles import close

checked = annotated(bp)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def positive(*shape, seed=0):
    return np.random.default_rng(seed).uniform(0.5, 2.0, size=shape)


# Every operation: (name, function of variables, function of tensors, operands).

LABELS = np.array([2, 0, 2, 1])
KEY = (np.array([0, 2, 0]), slice(1, 3))
TABLE = [
    ("add", lambda a, b: a + b, lambda a, b: a + b, normal(4, 3), normal(3, seed=1)),
    ("subtract", lambda a, b: a - b, lambda a, b: a - b, normal(4, 1), normal(4, 3, seed=1)),
    ("multiply", lambda a, b: a * b, lambda a, b: a * b, normal(2, 1, 3), normal(4, 1, seed=1)),
    ("divide", lambda a, b: a / b, lambda a, b: a / b, normal(4, 3), positive(3, seed=1)),
    ("maximum", bp.maximum, torch.maximum, normal(4, 3), normal(4, 3, seed=1)),
    ("matmul", lambda a, b: a @ b, lambda a, b: a @ b, normal(4, 3), normal(3, 2, seed=1)),
    ("matmul", lambda a, b: a @ b, lambda a, b: a @ b, normal(5, 4, 3), normal(3, 2, seed=1)),
    ("power", lambda a: a**3, lambda a: a**3, normal(4, 3)),
    ("power", lambda a: a**-0.5, lambda a: a**-0.5, positive(4, 3)),
    ("power", lambda a: a**0, lambda a: a**0, np.array([0.0, 2.0])),
    ("exp", bp.exp, torch.exp, normal(4, 3)),
    ("log", bp.log, torch.log, positive(4, 3)),
    ("tanh", bp.tanh, torch.tanh, normal(4, 3)),
    ("sigmoid", bp.sigmoid, torch.sigmoid, 5 * normal(4, 3)),
    ("relu", bp.relu, torch.relu, normal(4, 3)),
    ("leaky_relu", lambda a: bp.leaky_relu(a, 0.1), lambda a: F.leaky_relu(a, 0.1), normal(4, 3)),
    ("threshold", bp.threshold, lambda a: torch.where(a >= 0, 1.0, 0.0) + 0 * a, normal(4, 3)),
    ("sum", lambda a: a.sum(), lambda a: a.sum(), normal(4, 3)),
    ("sum", lambda a: a.sum(0), lambda a: a.sum(0), normal(4, 3)),
    ("sum", lambda a: a.sum((0, 2)), lambda a: a.sum((0, 2)), normal(4, 3, 2)),
    ("sum", lambda a: a.mean(-1), lambda a: a.mean(-1), normal(4, 3)),
    ("reshape", lambda a: a.reshape(2, 6), lambda a: a.reshape(2, 6), normal(4, 3)),
    ("reshape", lambda a: a.reshape((3, 4)), lambda a: a.reshape((3, 4)), normal(2, 6)),
    ("transpose", lambda a: a.T, lambda a: a.mT, normal(5, 4, 3)),
    ("index", lambda a: a[KEY], lambda a: a[torch.tensor(KEY[0]), KEY[1]], normal(4, 3)),
    ("log_softmax", bp.log_softmax, lambda a: F.log_softmax(a, 1), 5 * normal(4, 3)),
    (
        "cross_entropy",
        lambda a: bp.cross_entropy(a, LABELS),
        lambda a: F.cross_entropy(a, torch.tensor(LABELS), reduction="none"),
        5 * normal(4, 3),
    ),
]


def ours(function, arrays, adjoint=None):
    leaves = [bp.leaf(a) for a in arrays]
    y = function(*leaves)
    adjoint = normal(*y.data.shape, seed=9) if adjoint is None else adjoint
    y.backward(adjoint)
    return y.data, [leaf.grad for leaf in leaves], adjoint


def torchs(function, arrays, adjoint):
    leaves = [torch.tensor(a, requires_grad=True) for a in arrays]
    y = function(*leaves)
    y.backward(torch.tensor(adjoint))
    return y.detach().numpy(), [leaf.grad.numpy() for leaf in leaves]


@pytest.mark.parametrize(
    ("name", "function", "reference", "operands"),
    [(name, function, reference, operands) for name, function, reference, *operands in TABLE],
)
class TestEveryOperation:
    def test_is_torchs(self, name, function, reference, operands):
        value, gradients, adjoint = ours(function, operands)
        expected, expected_gradients = torchs(reference, operands, np.array(adjoint))
        close(value, expected)
        for gradient, expected_gradient, operand in zip(
            gradients, expected_gradients, operands, strict=True
        ):
            assert gradient.shape == operand.shape
            close(gradient, expected_gradient)

    def test_is_its_central_difference(self, name, function, reference, operands):
        _, gradients, adjoint = ours(function, operands)
        for place, gradient in enumerate(gradients):

            def scalar(x, place=place):
                arguments = [*operands[:place], x, *operands[place + 1 :]]
                return float((function(*map(bp.leaf, arguments)).data * adjoint).sum())

            slope = oracles.numerical_gradient(scalar, operands[place])
            assert_allclose(gradient, slope, rtol=1e-6, atol=1e-7)

    def test_is_linear_in_the_adjoint(self, name, function, reference, operands):
        _, once, adjoint = ours(function, operands)
        _, thrice, _ = ours(function, operands, -3 * adjoint)
        for one, three in zip(once, thrice, strict=True):
            close(three, -3 * one)

    def test_leaves_its_operands_alone(self, name, function, reference, operands):
        before = [a.copy() for a in operands]
        ours(function, operands)
        for a, b in zip(operands, before, strict=True):
            assert_array_equal(a, b)


def test_the_table_holds_every_operation():
    assert {row[0] for row in TABLE} == set(bp.OPERATIONS)


@pytest.mark.parametrize(
    ("function", "reference", "operands"),
    [
        (bp.relu, torch.relu, [np.zeros(2)]),
        (lambda a: bp.leaky_relu(a, 0.01), lambda a: F.leaky_relu(a, 0.01), [np.zeros(2)]),
        (bp.maximum, torch.maximum, [np.ones(2), np.ones(2)]),
    ],
)
def test_at_a_kink_the_choice_is_torchs(function, reference, operands):
    adjoint = np.array([1.0, 2.0])
    _, gradients, _ = ours(function, operands, adjoint)
    assert_array_equal(gradients, torchs(reference, operands, adjoint)[1])


@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "divide"])
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_broadcasting_is_undone(name, data):
    full = data.draw(st.lists(st.integers(1, 3), min_size=0, max_size=3))
    shapes = []
    for _ in range(2):
        cut = data.draw(st.integers(0, len(full)))
        shapes.append([1 if data.draw(st.booleans()) else size for size in full[cut:]])
    operands = [positive(*shape, seed=i) for i, shape in enumerate(shapes)]
    function = {
        "add": lambda a, b: a + b,
        "subtract": lambda a, b: a - b,
        "multiply": lambda a, b: a * b,
        "divide": lambda a, b: a / b,
    }[name]
    value, gradients, adjoint = ours(function, operands)
    expected, expected_gradients = torchs(function, operands, np.array(adjoint))
    close(value, expected)
    for gradient, expected_gradient in zip(gradients, expected_gradients, strict=True):
        assert gradient.shape == expected_gradient.shape
        close(gradient, expected_gradient)


def test_constants_stand_on_either_side():
    x = bp.leaf([2.0, 4.0])
    y = 1 + x - 1.0 - (8 - x) + 3 * x * np.array([1.0, 2.0]) / 2 + np.float64(8) / x
    y = y + np.array([1.0, 1.0]) * x - np.ones(2) / x
    y = (np.ones((2, 2)) @ y.reshape(2, 1)).sum() + (-x).sum()
    t = torch.tensor([2.0, 4.0], dtype=torch.float64, requires_grad=True)
    u = 1 + t - 1.0 - (8 - t) + 3 * t * torch.tensor([1.0, 2.0]) / 2 + 8 / t
    u = u + t - 1 / t
    u = 2 * u.sum() - t.sum()
    y.backward()
    u.backward()
    close(y.data, u.detach())
    close(x.grad, t.grad)


# The graph.


def random_program(choices, variables, functions):
    """Values of a random straight-line program; each line uses earlier values."""
    for operation, first, second in choices:
        a, b = variables[first % len(variables)], variables[second % len(variables)]
        variables.append(functions[operation](a, b))
    return variables


OURS = [
    lambda a, b: a + b,
    lambda a, b: a * b,
    lambda a, b: bp.tanh(a - b),
    lambda a, b: bp.exp(-a * a),
]
TORCHS = [
    lambda a, b: a + b,
    lambda a, b: a * b,
    lambda a, b: torch.tanh(a - b),
    lambda a, b: torch.exp(-a * a),
]
PROGRAM = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=12
)


@given(PROGRAM)
@settings(deadline=None)
def test_random_programs_are_torchs(choices):
    start = [normal(3, seed=1) / 4, normal(3, seed=2) / 4]
    leaves = [bp.leaf(a) for a in start]
    tensors = [torch.tensor(a, requires_grad=True) for a in start]
    y = random_program(choices, list(leaves), OURS)[-1].sum()
    u = random_program(choices, list(tensors), TORCHS)[-1].sum()
    y.backward()
    u.backward()
    for leaf, tensor in zip(leaves, tensors, strict=True):
        assert (leaf.grad is None) == (tensor.grad is None)
        if leaf.grad is not None:
            size = max(1.0, float(abs(tensor.grad).max()))
            close(leaf.grad, tensor.grad, scale=size)


@given(PROGRAM)
@settings(deadline=None)
def test_each_node_stands_after_all_its_uses_and_once(choices):
    y = random_program(choices, [bp.leaf(0.1), bp.leaf(0.2)], OURS)[-1]
    order = bp.topological_order(y.node)
    place = {node: i for i, node in enumerate(order)}
    assert len(place) == len(order)
    for node in order:
        for parent in filter(None, node.parents):
            assert place[parent] > place[node]


def test_a_chain_of_a_hundred_thousand_nodes_is_walked_without_recursion():
    x = bp.leaf(1.0)
    y = x
    for _ in range(100_000):
        y = y + 1.0
    assert len(bp.topological_order(y.node)) == 100_001
    y.backward()
    assert x.grad == 1.0
    assert sys.getrecursionlimit() < 100_000


def test_paths_double_per_square_while_each_edge_is_walked_once():
    x = bp.leaf(1.0)
    y = x
    for _ in range(10):
        y = y * y
    assert oracles.count_paths(y.node) == 2**10
    assert sum(len(node.parents) for node in bp.topological_order(y.node)) == 20
    y.backward()
    assert x.grad == 2**10


def test_adjoints_are_those_of_every_intermediate_value():
    x = bp.leaf([1.0, 2.0])
    t = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    steps = [bp.exp(x)]
    steps.append(steps[0] * x)
    steps.append(steps[1].sum())
    found = bp.adjoints(steps[-1])
    references = [torch.exp(t)]
    references.append(references[0] * t)
    references.append(references[1].sum())
    for step, expected in zip(steps, torch.autograd.grad(references[-1], references), strict=True):
        close(found[step.node], expected)
    assert x.grad is None  # adjoints alone touches no leaf


# Two backward passes.


def test_a_second_backward_adds_to_the_first_as_torchs_does():
    x, t = bp.leaf([1.0, 3.0]), torch.tensor([1.0, 3.0], dtype=torch.float64, requires_grad=True)
    for _ in range(3):
        (x * x).sum().backward()
        (t * t).sum().backward()
    y, u = bp.exp(x).sum(), torch.exp(t).sum()
    y.backward(retain_graph=True)
    u.backward(retain_graph=True)
    y.backward()
    u.backward()
    close(x.grad, t.grad)
    close(x.grad, 3 * 2 * x.data + 2 * np.exp(x.data))


def test_what_was_saved_is_freed_and_the_operation_is_named():
    x = bp.leaf(3.0)
    y = bp.exp(x) + 1.0
    y.backward()
    with pytest.raises(
        RuntimeError, match=r"^exp has freed what it saved: to walk this graph twice"
    ):
        y.backward()
    assert_allclose(x.grad, math.exp(3))
    z = x + 1.0  # an addition saves nothing, so nothing is missing
    z.backward()
    z.backward()
    assert_allclose(x.grad, math.exp(3) + 2)


def test_saved_arrays_are_let_go_with_the_graph():
    x = bp.leaf(np.ones(4))
    h = bp.exp(x)
    kept = weakref.ref(h.buffer)
    y = h.sum()
    del h
    gc.collect()
    assert kept() is not None
    y.backward()
    gc.collect()
    assert kept() is None


def test_only_what_an_adjoint_needs_is_saved():
    x, w = bp.leaf(2.0, "x"), bp.leaf(3.0, "w")
    assert set((x * 5).node.saved) == {"b"}
    assert set((5 * x).node.saved) == {"a"}
    assert set((x * w).node.saved) == {"a", "b"}
    assert set((5 / x).node.saved) == {"a", "b"}
    assert (x + w).node.saved == {}
    assert bp.apply("exp", 1.0).node is None


# In-place changes.


def test_a_changed_value_that_was_saved_is_an_error_that_names_both_operations():
    x = bp.leaf([0.0, 1.0])
    h = bp.exp(x)
    y = h.sum()
    h.add_(1.0)
    with pytest.raises(RuntimeError) as refusal:
        y.backward()
    assert str(refusal.value) == (
        "exp saved its output at version 0, but add_ has changed it in place: it is at version 1"
    )
    assert x.grad is None


def test_an_error_halfway_touches_no_gradient_and_frees_nothing():
    x, w = bp.leaf(2.0), bp.leaf(3.0)
    h = x * 1.0
    y = bp.exp(w) + h * h
    h.add_(1.0)
    with pytest.raises(RuntimeError, match="multiply saved its second operand at version 0"):
        y.backward()
    assert x.grad is None and w.grad is None
    with pytest.raises(RuntimeError, match="multiply saved its second operand at version 0"):
        y.backward()


@pytest.mark.parametrize("constant", [3.0, -0.5])
def test_in_place_arithmetic_is_recorded(constant):
    x, w = bp.leaf([1.0, 2.0]), bp.leaf([3.0, 5.0])
    t = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    v = torch.tensor([3.0, 5.0], dtype=torch.float64, requires_grad=True)
    h = (x + 0.0).mul_(w).add_(constant).mul_(constant)
    k = (t + 0.0).mul_(v).add_(constant).mul_(constant)
    assert h.buffer.version == 3 == k._version
    bp.tanh(h).sum().backward()
    torch.tanh(k).sum().backward()
    close(x.grad, t.grad)
    close(w.grad, v.grad)


def test_a_step_between_forward_and_backward_is_noticed():
    x, w = bp.leaf(2.0, "x"), bp.leaf(3.0, "w")
    y = x * w
    w.overwrite_(2.5)
    with pytest.raises(
        RuntimeError, match="multiply saved its second operand at version 0, but over"
    ):
        y.backward()


def test_a_detached_variable_shares_the_count():
    x = bp.leaf([1.0])
    h = bp.exp(x)
    h.detach().mul_(2.0)
    assert h.data == 2 * math.e
    with pytest.raises(RuntimeError, match="exp saved its output at version 0, but mul_ has"):
        h.sum().backward()


def test_a_leaf_refuses_a_recorded_change_as_torchs_does():
    with pytest.raises(RuntimeError, match=r"^add_ on the leaf x: "):
        bp.leaf(1.0, "x").add_(1.0)
    with pytest.raises(RuntimeError, match="leaf Variable"):
        torch.ones(1, requires_grad=True).add_(1.0)


def test_a_write_behind_the_counter_gives_a_wrong_gradient_and_no_error():
    x = bp.leaf(1.0)
    h = bp.exp(x)
    h.data[...] = 7.0
    h.backward()
    assert x.grad == 7.0  # e is right


def test_a_leaf_holds_a_copy():
    a = np.ones(2)
    x = bp.leaf(a)
    a[0] = 5.0
    assert_array_equal(x.data, np.ones(2))


def test_the_hard_threshold_is_one_at_zero_and_closed_on_the_right():
    a = np.array([-1e-300, -0.0, 0.0, 1e-300])
    assert_array_equal(bp.hard_threshold(a), [float(entry >= 0) for entry in a])
    assert_array_equal(bp.hard_threshold(a), [0.0, 1.0, 1.0, 1.0])


# The softmax.


@given(st.lists(st.floats(-20, 20), min_size=1, max_size=6))
def test_both_softmaxes_are_the_definition(z):
    expected = oracles.softmax(z)
    close(checked.naive_softmax(np.array(z)), expected)
    close(checked.shifted_softmax(np.array(z)), expected)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_both_keep_the_dtype_and_only_the_shifted_one_survives_the_ends(dtype):
    top = math.log(float(np.finfo(dtype).max))
    bottom = math.log(float(np.finfo(dtype).smallest_subnormal)) - math.log(2)
    for z in [top + 0.5, bottom - 0.5, float(np.finfo(dtype).max), -float(np.finfo(dtype).max)]:
        z = np.full(4, z, dtype)
        assert np.isnan(bp.naive_softmax(z)).all()
        assert_array_equal(bp.shifted_softmax(z), np.full(4, 0.25, dtype))
    for z in [top - 2.0, bottom + 2.0]:
        p = bp.naive_softmax(np.full(4, z, dtype))
        assert p.dtype == dtype and bp.shifted_softmax(p).dtype == dtype
        assert_array_equal(p, np.full(4, 0.25, dtype))


def test_the_extreme_difference_leaves_a_denominator_of_exactly_one():
    p = bp.shifted_softmax(np.array([1e308, -1e308]))
    assert_array_equal(p, [1.0, 0.0])


@given(st.lists(st.floats(-20, 20), min_size=2, max_size=5))
def test_the_softmax_jacobian_is_torchs(z):
    expected = torch.autograd.functional.jacobian(
        lambda t: torch.softmax(t, 0), torch.tensor(z, dtype=torch.float64)
    )
    close(checked.softmax_jacobian(np.array(z)), expected)


def test_the_softmax_jacobian_is_its_central_difference_and_sums_to_zero():
    z = normal(4)
    J = bp.softmax_jacobian(z)
    for k in range(4):
        slope = oracles.numerical_gradient(lambda z, k=k: oracles.softmax(list(z))[k], z)
        assert_allclose(J[k], slope, rtol=1e-6, atol=1e-9)
    close(J.sum(axis=0), np.zeros(4))
    close(J.sum(axis=1), np.zeros(4))
    assert (np.linalg.eigvalsh(J) > -1e-12).all()


# The two-layer network.

D, H, K, M = 4, 5, 3, 7
THETA = mlp.Parameters(
    normal(H, D, seed=1), normal(H, seed=2), normal(K, H, seed=3), normal(K, seed=4)
)
X = normal(D, M, seed=5)
ONE_HOT = np.eye(K)[np.arange(M) % K].T
SOFT = positive(K, M, seed=6) / positive(K, M, seed=6).sum(axis=0)


def test_leaky_forward_is_its_definition():
    Z1, A1, Z2 = checked.leaky_forward(THETA, X, 0.2)
    for m in range(M):
        close(Z2[:, m], oracles.leaky_logits(*THETA, X[:, m], 0.2))
    close(A1, F.leaky_relu(torch.tensor(Z1), 0.2))


@pytest.mark.parametrize("Y", [ONE_HOT, SOFT], ids=["one-hot", "soft"])
def test_leaky_backward_is_torchs_and_the_central_difference(Y):
    gradient = checked.leaky_backward(THETA, X, Y, 0.2)
    tensors = [torch.tensor(p, requires_grad=True) for p in THETA]
    W1, b1, W2, b2 = tensors
    hidden = F.leaky_relu(W1 @ torch.tensor(X) + b1[:, None], 0.2)
    loss = F.cross_entropy((W2 @ hidden + b2[:, None]).T, torch.tensor(Y.T))
    for name, ours_, theirs in zip(
        THETA._fields, gradient, torch.autograd.grad(loss, tensors), strict=True
    ):
        close(ours_, theirs)

        def scalar(p, name=name):
            return oracles.mean_soft_cross_entropy(*THETA._replace(**{name: p}), X, Y, 0.2)

        slope = oracles.numerical_gradient(scalar, getattr(THETA, name))
        assert_allclose(ours_, slope, rtol=1e-6, atol=1e-9)


def test_leaky_backward_is_what_the_recorded_graph_says():
    leaves = [bp.leaf(p) for p in (THETA.W1, THETA.b1[:, None], THETA.W2, THETA.b2[:, None])]
    W1, b1, W2, b2 = leaves
    logits = W2 @ bp.leaky_relu(W1 @ X + b1) + b2
    bp.cross_entropy(logits.T, ONE_HOT.argmax(axis=0)).mean().backward()
    for leaf, gradient in zip(leaves, bp.leaky_backward(THETA, X, ONE_HOT), strict=True):
        close(leaf.grad, gradient.reshape(leaf.grad.shape))


def test_a_unit_at_zero_has_the_slope_of_the_negative_side_as_in_torch():
    theta = THETA._replace(W1=np.zeros((H, D)), b1=np.zeros(H))
    b1 = torch.tensor(theta.b1, requires_grad=True)
    hidden = F.leaky_relu(torch.tensor(theta.W1 @ X) + b1[:, None], 0.2)
    logits = torch.tensor(theta.W2) @ hidden + torch.tensor(theta.b2)[:, None]
    F.cross_entropy(logits.T, torch.tensor(ONE_HOT.T)).backward()
    close(bp.leaky_backward(theta, X, ONE_HOT, 0.2).b1, b1.grad)


def test_the_mean_gradient_is_the_mean_of_the_gradients():
    whole = bp.leaky_backward(THETA, X, SOFT)
    single = [bp.leaky_backward(THETA, X[:, [m]], SOFT[:, [m]]) for m in range(M)]
    for i, part in enumerate(whole):
        close(part, np.mean([s[i] for s in single], axis=0))


# The experiments and their figures.

IN, T, B = (2.0, -1.0), (1.0, 0.5), (0.5, -0.5, -1.0, 0.5)
W = {"11": 1.0, "12": -0.5, "21": 0.5, "22": -1.0, "31": 0.5, "32": -1.0, "41": -0.5, "42": 1.0}


@pytest.mark.parametrize(
    ("reading", "loss_factor", "options"),
    [
        ({}, 1.0, {}),
        ({"to_from": True}, 1.0, {"to_from": True}),
        ({"factor": 1.0}, 2.0, {}),
        ({"factor": 0.25}, 0.5, {}),
    ],
)
def test_each_reading_of_the_exam_network_is_its_definition(reading, loss_factor, options):
    found = experiments.exam_reading("any", **reading)
    expected = oracles.two_unit_network(IN, W, B, T, **options)
    assert found.outputs == expected["o"]
    close(found.loss, loss_factor * expected["loss"])

    def loss(w21):
        w = W | {"21": float(w21)}
        return loss_factor * oracles.two_unit_network(IN, w, B, T, **options)["loss"]

    close(found.derivative, oracles.numerical_gradient(loss, np.array(0.5)))
    close(found.updated, 0.5 - 0.1 * found.derivative)


def test_the_slips_of_the_exam_network():
    readings = {r.name: r for r in experiments.exam_readings()}
    rectified = oracles.two_unit_network(IN, W, B, T, rectified_output=True)
    assert readings["ReLU on the outputs"].outputs == rectified["o"] == (0.0, 0.0)
    assert readings["ReLU on the outputs"].loss == rectified["loss"] == 0.625
    assert readings["step uphill"].updated == pytest.approx(0.35, rel=1e-12)
    linear = readings["no ReLU at all"]
    h = np.array([[2.0, -0.5]])
    o = h @ np.array([[W["31"], W["32"]], [W["41"], W["42"]]]) + np.array(B[2:])
    assert linear.outputs == tuple(o[0])
    assert len({r.updated for r in readings.values()}) == len(readings)


def test_the_graph_of_the_exam_network_is_torchs():
    graph = experiments.exam_graph()
    values = [experiments.INPUTS, experiments.W1, experiments.B1, experiments.W2, experiments.B2]
    tensors = [torch.tensor(v, requires_grad=True) for v in values]
    x, w1, b1, w2, b2 = tensors
    o = torch.relu(x @ w1 + b1) @ w2 + b2
    loss = F.mse_loss(o, torch.tensor(experiments.TARGETS))
    loss.backward()
    assert graph.values[0] == loss.item() == 2.5
    for name, tensor in zip(["x", "W1", "b1", "W2", "b2"], tensors, strict=True):
        place = graph.operations.index(name)
        close(graph.adjoints[place], tensor.grad)
        assert_array_equal(graph.values[place], tensor.detach())
    assert [edge.uses for edge in graph.edges].count(2) == 1


def test_in_place_outcomes_are_those_of_torch():
    outcomes = experiments.in_place_outcomes()
    assert_array_equal(outcomes.ours, outcomes.torch)
    for row, operation in enumerate(outcomes.operations):
        counted, behind = outcomes.ours[row, :2], outcomes.ours[row, 2:]
        assert ((counted == "error") == (behind == "wrong")).all(), operation
        assert "wrong" not in counted and "error" not in behind


def test_what_one_class_gains_the_others_lose_in_proportion():
    found = experiments.softmax_response()
    close(found.slope.sum(), 0.0)
    close(found.slope[1] / found.slope[2], found.p[1] / found.p[2])
    ahead, behind = (
        np.array([np.interp(found.place + h, found.z, p) for p in found.probabilities])
        for h in (0.04, -0.04)
    )
    assert_allclose((ahead - behind) / 0.08, found.slope, rtol=1e-3)


def test_softmax_ranges_end_where_the_exponentials_do():
    spread = math.log(sum(math.exp(v) for v in experiments.OFFSETS))
    for found in experiments.softmax_ranges(points=101):
        info = np.finfo(found.dtype)
        top, bottom = math.log(float(info.max)), math.log(float(info.smallest_subnormal))
        assert_allclose(found.high, top - spread, rtol=1e-3)
        assert_allclose(found.low, bottom - math.log(2), rtol=1e-3)
        assert_allclose(found.shifted, found.exact, rtol=2 * float(info.eps))
        assert np.isnan(found.naive[found.shift < found.low]).all()
        late = found.naive[found.shift > found.high]
        assert (np.isnan(late) | (late == 0)).all()


def test_paths_are_counted_one_by_one_and_edges_are_two_per_doubling():
    sharing = experiments.paths_and_edges(deepest=8)
    for depth, paths, edges in zip(*sharing, strict=True):
        x = bp.leaf(1.0)
        y = x
        for _ in range(depth):
            y = y + y
        assert paths == oracles.count_paths(y.node)
        assert edges == 2 * depth


def test_differences_lose_half_or_a_third_of_the_digits_and_backpropagation_none():
    found = experiments.difference_errors(np.random.default_rng(0))
    assert found.backpropagation < 1e-14
    assert 1e-9 < found.forward.min() < 1e-6
    assert 1e-12 < found.central.min() < found.forward.min() / 10


def test_only_the_output_layer_of_the_threshold_network_learns():
    twins = experiments.threshold_twins(np.random.default_rng(1), n=60, steps=150)
    assert not twins.threshold.moved_hidden.any()
    assert twins.threshold.moved_output[-1] > 1
    assert (twins.threshold.loss > twins.floor).all()
    assert twins.sigmoid.moved_hidden[-1] > 1
    assert twins.threshold.loss[0] != twins.sigmoid.loss[0]


@pytest.mark.parametrize("activation", [bp.threshold, bp.sigmoid])
def test_a_training_step_is_torchs(activation):
    rng = np.random.default_rng(3)
    theta = mlp.random_parameters(2, 4, 2, rng)
    x, y = rng.normal(size=(9, 2)), rng.integers(2, size=9)
    run = experiments._train(theta, x, y, activation, 3, 0.5, np.zeros(1))
    tensors = [torch.tensor(p, requires_grad=True) for p in theta]
    w1, b1, w2, b2 = tensors
    losses = []
    optimizer = torch.optim.SGD(tensors, lr=0.5)
    for _ in range(3):
        z = torch.tensor(x) @ w1.T + b1
        h = torch.sigmoid(z) if activation is bp.sigmoid else torch.heaviside(z, z * 0 + 1).detach()
        loss = F.cross_entropy(h @ w2.T + b2, torch.tensor(y))
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    close(run.loss, losses)


def test_the_figures_draw_and_repeat_themselves():
    twins = experiments.threshold_twins(np.random.default_rng(1), n=20, steps=20)
    for draw, data in [
        (plots.exam_graph, experiments.exam_graph()),
        (plots.paths_and_edges, experiments.paths_and_edges()),
        (plots.in_place_outcomes, experiments.in_place_outcomes()),
        (plots.softmax_response, experiments.softmax_response()),
        (plots.softmax_ranges, experiments.softmax_ranges(51)),
        (plots.difference_errors, experiments.difference_errors(np.random.default_rng(0), 9)),
        (plots.threshold_training, twins),
        (plots.threshold_regions, twins),
    ]:
        picture = draw(data)._repr_svg_()
        assert picture.count("<path") > 10
        assert picture == draw(data)._repr_svg_(), draw.__name__


# Bad input.


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bp.leaf([1.0, math.nan], "x"), "x must be finite, but x[1] is nan"),
        (lambda: bp.leaf([], "x"), "x must not be empty, but its shape is (0,)"),
        (lambda: bp.leaf(["a"], "x"), "x must hold real numbers, but its dtype is <U1"),
        (
            lambda: bp.leaf(np.ones((5, 3))) @ bp.leaf(np.ones((4, 2))),
            "matmul of (5, 3) and (4, 2): the left factor has 3 columns, the right one has 4 rows",
        ),
        (
            lambda: bp.leaf(np.ones(3)) @ np.ones((3, 2)),
            "matmul of (3,) and (3, 2): both factors need two axes",
        ),
        (
            lambda: bp.leaf(np.ones(2)) + np.ones(3),
            "add of (2,) and (3,): operands could not be broadcast together with shapes (2,) (3,) ",
        ),
        (
            lambda: bp.leaf(np.ones(2)) * math.inf,
            "the constant of multiply must be finite, but the constant of multiply is inf",
        ),
        (
            lambda: bp.apply("sinh", 1.0),
            f"no operation 'sinh': there are {', '.join(bp.OPERATIONS)}",
        ),
        (lambda: bp.saves("sinh"), f"no operation 'sinh': there are {', '.join(bp.OPERATIONS)}"),
        (
            lambda: bp.exp(bp.leaf(np.ones(2))).backward(),
            "y (2,) is not a scalar: give its adjoint",
        ),
        (
            lambda: bp.exp(bp.leaf(np.ones(2))).backward(np.ones(3)),
            "adjoint (3,) and y (2,) must have the same shape",
        ),
        (
            lambda: bp.exp(bp.leaf(1.0)).detach().backward(),
            "y depends on no leaf, so there is nothing to differentiate in",
        ),
        (
            lambda: (bp.leaf(np.ones((1, 2))) * 1.0).add_(np.ones((3, 2))),
            "add_ would change the shape (1, 2) to (3, 2)",
        ),
        (
            lambda: bp.leaf(np.ones(2)).overwrite_(1.0),
            "overwrite_ would change the shape (2,) to ()",
        ),
        (
            lambda: bp.cross_entropy(bp.leaf(np.ones((2, 3))), np.array([0, 3])),
            "cross_entropy of (2, 3): y holds the label 3, but the 3 classes are 0 to 2",
        ),
        (
            lambda: bp.naive_softmax(np.array([1, 2])),
            "z must be a vector of floating dtype, but its dtype is int64",
        ),
        (
            lambda: bp.shifted_softmax(np.ones((2, 3))),
            "z must have 1 axes, but its shape is (2, 3)",
        ),
        (
            lambda: bp.leaky_forward(THETA, np.ones((3, 7))),
            "x (7, 3) times the transpose of W (5, 4): x has 3 columns, W has 4 columns",
        ),
        (
            lambda: bp.leaky_backward(THETA, X, ONE_HOT[:, :2]),
            "Y (3, 2) and the logits (3, 7) must have the same shape",
        ),
        (
            lambda: bp.leaky_backward(THETA, X[:, :1], np.ones((3, 1))),
            "each column of Y must sum to 1, but they sum to [3.]",
        ),
    ],
)
def test_bad_input_is_refused_and_named(call, message):
    with pytest.raises(ValueError) as refusal:
        call()
    assert str(refusal.value) == message
