"""Chapter optimization: each method against its definition, torch or scipy, and invariants."""

import figures
import jaxtyping
import numpy as np
import oracles
import pytest
import scipy.optimize
import scipy.sparse.linalg
import torch
from annotated import annotated
from fullmarks import optimization as plain
from fullmarks.experiments import optimization as experiments
from fullmarks.plots import optimization as plots
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from oracles import close

checked = annotated(plain)
Objective = checked.Objective
STEPS = 25


def rosenbrock(x):
    """Works for NumPy and for torch."""
    return ((1 - x[:-1]) ** 2 + 5 * (x[1:] - x[:-1] ** 2) ** 2).sum()


def torch_objective(function):
    """Objective whose derivatives are autograd's, in float64."""
    def as_tensor(theta):
        return torch.tensor(theta, dtype=torch.float64, requires_grad=True)

    def gradient(theta):
        point = as_tensor(theta)
        return torch.autograd.grad(function(point), point)[0].numpy()

    return Objective(
        gradient,
        lambda theta: function(torch.tensor(theta)).item(),
        lambda theta: torch.autograd.functional.hessian(function, torch.tensor(theta)).numpy(),
    )


def bowl(rng, n=6, condition=50.0):
    """A random positive definite matrix and a vector."""
    Q = np.linalg.qr(rng.normal(size=(n, n)))[0]
    A = (Q * np.geomspace(1, condition, n)) @ Q.T
    return (A + A.T) / 2, rng.normal(size=n)


VALLEY = torch_objective(rosenbrock)
START = np.array([-1.2, 1.0, 0.3])
FIRST_ORDER = {
    "sgd": (checked.sgd, {"learning_rate": 0.01}, torch.optim.SGD, {"lr": 0.01}),
    "momentum": (checked.momentum, {"learning_rate": 0.01, "decay": 0.8},
                 torch.optim.SGD, {"lr": 0.01, "momentum": 0.8}),
    "adagrad": (checked.adagrad, {"learning_rate": 0.1, "epsilon": 1e-3},
                torch.optim.Adagrad, {"lr": 0.1, "eps": 1e-3}),
    "rmsprop": (checked.rmsprop, {"learning_rate": 0.1, "decay": 0.7, "epsilon": 1e-3},
                torch.optim.RMSprop, {"lr": 0.1, "alpha": 0.7, "eps": 1e-3}),
    "adam": (checked.adam, {"learning_rate": 0.1, "decay_mean": 0.7, "decay_square": 0.8,
                            "epsilon": 1e-3},
             torch.optim.Adam, {"lr": 0.1, "betas": (0.7, 0.8), "eps": 1e-3}),
}
DEFAULTS = {"adagrad": torch.optim.Adagrad, "rmsprop": torch.optim.RMSprop,
            "adam": torch.optim.Adam}


def torch_path(optimizer, function, start, steps, **settings):
    theta = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    optimizer = optimizer([theta], **settings)
    thetas = []
    for _ in range(steps):
        optimizer.zero_grad()
        function(theta).backward()
        optimizer.step()
        thetas.append(theta.detach().numpy().copy())
    return np.array(thetas)


@pytest.fixture
def rng():
    return np.random.default_rng(20)


# Gradient steps, with one step size or with one for each parameter.


@pytest.mark.parametrize("name", FIRST_ORDER)
def test_a_first_order_method_is_torchs_step_by_step(name):
    method, settings, optimizer, torch_settings = FIRST_ORDER[name]
    ours = checked.path(method(VALLEY, START, **settings), STEPS)
    close(ours, torch_path(optimizer, rosenbrock, START, STEPS, **torch_settings))


@pytest.mark.parametrize("name", DEFAULTS)
def test_the_other_settings_default_to_torchs(name):
    ours = checked.path(FIRST_ORDER[name][0](VALLEY, START, learning_rate=0.1), STEPS)
    close(ours, torch_path(DEFAULTS[name], rosenbrock, START, STEPS, lr=0.1))


@pytest.mark.parametrize("name", FIRST_ORDER)
def test_a_first_order_method_is_its_definition_as_a_sum(name, rng):
    method, settings, _, _ = FIRST_ORDER[name]
    gradients = rng.normal(size=(STEPS, 3))
    ours = checked.replay(method, np.zeros(3), gradients, **settings)
    for i in range(3):
        steps = getattr(oracles, f"{name}_steps")([float(g) for g in gradients[:, i]], **settings)
        close(ours[:, i], -np.cumsum(steps))


def test_adam_without_bias_correction_divides_raw_averages(rng):
    gradients = rng.normal(size=(STEPS, 1))
    ours = checked.replay(checked.adam, np.zeros(1), gradients, learning_rate=0.1, decay_mean=0.5,
                          decay_square=0.75, epsilon=0.0, bias_correction=False)
    steps = oracles.adam_steps([float(g) for g in gradients[:, 0]], 0.1, 0.5, 0.75, 0.0,
                               corrected=False)
    close(ours[:, 0], -np.cumsum(steps))


@pytest.mark.parametrize("name, power", [("sgd", 1), ("momentum", 1), ("adagrad", 0),
                                         ("rmsprop", 0), ("adam", 0)])
@given(st.floats(1e-6, 1e6))
def test_the_scale_of_the_loss(name, power, c):
    gradients = np.random.default_rng(3).normal(size=(8, 2))
    method, settings = FIRST_ORDER[name][0], {"learning_rate": 0.5}
    if power == 0:
        settings["epsilon"] = 0.0
    once = checked.replay(method, np.zeros(2), gradients, **settings)
    scaled = checked.replay(method, np.zeros(2), c * gradients, **settings)
    close(scaled, c**power * once, scale=c**power)


def test_adagrad_steps_shrink_like_one_over_root_t_under_a_constant_gradient():
    steps = np.diff(checked.replay(checked.adagrad, np.zeros(1), np.full((STEPS, 1), -7.0),
                                   learning_rate=0.5, epsilon=0.0)[:, 0])
    close(steps, 0.5 / np.sqrt(np.arange(2, STEPS + 1)))


@given(st.floats(0, 0.95), st.floats(0, 0.95), st.sampled_from([-3.0, 1e-4, 2.0]))
def test_adam_steps_are_the_learning_rate_under_a_constant_gradient(b1, b2, g):
    ours = checked.replay(checked.adam, np.zeros(1), np.full((9, 1), g), learning_rate=0.5,
                          decay_mean=b1, decay_square=b2, epsilon=0.0)
    close(ours[:, 0], -np.sign(g) * 0.5 * np.arange(1, 10))


def test_momentum_without_decay_is_gradient_descent_and_adam_without_means_is_rmsprop():
    plain = checked.path(checked.sgd(VALLEY, START, learning_rate=0.01), STEPS)
    close(checked.path(checked.momentum(VALLEY, START, learning_rate=0.01, decay=0.0), STEPS),
          plain)
    squares = checked.path(checked.rmsprop(VALLEY, START, learning_rate=0.01, decay=0.9), STEPS)
    close(checked.path(checked.adam(VALLEY, START, learning_rate=0.01, decay_mean=0.0,
                                    decay_square=0.9, bias_correction=False), STEPS), squares)


# Newton's method.


def test_newton_solves_a_quadratic_in_one_step(rng):
    A, b = bowl(rng)
    theta = next(checked.newton(checked.quadratic(A, b), rng.normal(size=6))).theta
    close(theta, np.linalg.inv(A) @ b)


def test_newton_is_scipys_root_finder_on_the_gradient_step_by_step():
    starts = np.array([0.3, 0.8, -1.4, 2.0])
    objective = Objective(lambda x: x**3 - x, hessian=lambda x: np.diag(3 * x**2 - 1))
    ours = checked.path(checked.newton(objective, starts), 6)
    for steps in range(1, 7):
        for i, start in enumerate(starts):
            theirs = scipy.optimize.newton(
                lambda x: x**3 - x, start, lambda x: 3 * x**2 - 1,
                maxiter=steps, tol=1e-300, full_output=True, disp=False)[0]
            close(ours[steps - 1, i], theirs)


def test_newton_is_its_definition_by_finite_differences():
    theta = START
    for iterate in [step for step, _ in zip(checked.newton(VALLEY, START), range(4), strict=False)]:
        def slope(x):
            return oracles.numerical_gradient(rosenbrock, x, step=1e-4)
        H = np.array([[(slope(theta + e)[i] - slope(theta - e)[i]) / 2e-4 for e in 1e-4 * np.eye(3)]
                      for i in range(3)])
        assert_allclose(iterate.theta, theta - np.linalg.inv(H) @ slope(theta), rtol=1e-3)
        theta = iterate.theta


def test_newton_does_not_see_a_linear_change_of_parameters(rng):
    M = rng.normal(size=(3, 3))
    warped = Objective(lambda u: M.T @ VALLEY.gradient(M @ u), None,
                       lambda u: M.T @ VALLEY.hessian(M @ u) @ M)
    ours = checked.path(checked.newton(warped, np.linalg.solve(M, START)), 4)
    close(ours @ M.T, checked.path(checked.newton(VALLEY, START), 4))


# Conjugate gradients.


def test_linear_conjugate_gradient_is_scipys_step_by_step(rng):
    A, b = bowl(rng)
    start, theirs = rng.normal(size=6), []
    scipy.sparse.linalg.cg(A, b, start, rtol=1e-10, callback=lambda x: theirs.append(x.copy()))
    ours = checked.path(checked.linear_conjugate_gradient(checked.quadratic(A, b), start), 6)
    close(ours[: len(theirs)], theirs)


def test_linear_conjugate_gradient_is_best_in_its_krylov_space(rng):
    A, b = bowl(rng)
    start = rng.normal(size=6)
    ours = checked.path(checked.linear_conjugate_gradient(checked.quadratic(A, b), start), 6)
    for k, theta in enumerate(ours, start=1):
        close(theta, oracles.krylov_minimizer(A, b, start, k))


@pytest.mark.parametrize("distinct", [1, 2, 3, 5])
def test_conjugate_gradient_needs_as_many_steps_as_there_are_eigenvalues(distinct):
    rng = np.random.default_rng(distinct)
    eigenvalues = np.resize(np.linspace(1, 9, distinct), 30)
    Q = np.linalg.qr(rng.normal(size=(30, 30)))[0]
    A = (Q * eigenvalues) @ Q.T
    objective = checked.quadratic((A + A.T) / 2, rng.normal(size=30))
    method = checked.linear_conjugate_gradient(objective, np.zeros(30), tolerance=1e-9)
    assert len(checked.path(method, 30)) == distinct


def test_exact_step_is_the_minimum_along_the_line(rng):
    A, b = bowl(rng)
    theta, d = rng.normal(size=(2, 6))
    objective = checked.quadratic(A, b)
    best = scipy.optimize.minimize_scalar(lambda s: objective.value(theta + s * d)).x
    assert_allclose(checked.exact_step(objective, theta, d), best, rtol=1e-6)


def test_on_a_quadratic_three_methods_are_one(rng):
    A, b = bowl(rng)
    objective, start = checked.quadratic(A, b), rng.normal(size=6)
    linear = checked.path(checked.linear_conjugate_gradient(objective, start), 6)
    for method in (checked.nonlinear_conjugate_gradient, checked.bfgs):
        exact = method(objective, start, line_search=checked.exact_step, tolerance=0.0)
        close(checked.path(exact, 6), linear)


def replayed_line_search(points):
    """The step length that leads to the next of the given points, as near as it can."""
    remaining = iter(points)

    def step(objective, theta, direction):
        return float((next(remaining) - theta) @ direction / (direction @ direction))

    return step


@pytest.mark.parametrize("name, method", [("CG", "nonlinear_conjugate_gradient"), ("BFGS", "bfgs")])
def test_a_line_search_method_is_scipys_step_by_step(name, method):
    theirs = []
    scipy.optimize.minimize(VALLEY.value, START, jac=VALLEY.gradient, method=name,
                            callback=lambda x: theirs.append(x.copy()), options={"maxiter": 12})
    ours = getattr(checked, method)(VALLEY, START, line_search=replayed_line_search(theirs))
    close(checked.path(ours, len(theirs)), theirs)
    assert len(theirs) >= 10


@pytest.mark.parametrize("method", ["nonlinear_conjugate_gradient", "bfgs"])
def test_a_line_search_method_reaches_the_minimum(method):
    *_, last = getattr(checked, method)(VALLEY, START, tolerance=1e-6)
    assert_allclose(last.theta, np.ones(3), atol=1e-6)


# The line search.


@given(st.integers(0, 10_000), st.floats(1e-3, 1e3))
def test_a_wolfe_step_meets_its_definition(seed, scale):
    rng = np.random.default_rng(seed)
    theta = rng.normal(size=3)
    d = -scale * VALLEY.gradient(theta)
    step = checked.wolfe_step(VALLEY, theta, d)
    assert oracles.strong_wolfe(VALLEY.value, VALLEY.gradient, theta, d, step, 1e-4, 0.1)


def test_the_definition_of_wolfe_steps_agrees_with_scipy(rng):
    found = 0
    for _ in range(20):
        theta = rng.normal(size=3)
        d = -VALLEY.gradient(theta)
        step = scipy.optimize.line_search(VALLEY.value, VALLEY.gradient, theta, d, c2=0.1)[0]
        if step is not None:
            found += 1
            assert oracles.strong_wolfe(VALLEY.value, VALLEY.gradient, theta, d, step, 1e-4, 0.1)
    assert found >= 10


def test_a_step_that_is_too_long_or_too_short_is_not_wolfe():
    line = checked.quadratic(np.eye(1), np.zeros(1))
    theta, d = np.ones(1), -np.ones(1)
    for step, meets in [(0.5, False), (0.95, True), (1.0, True), (1.05, True), (1.5, False)]:
        assert oracles.strong_wolfe(line.value, line.gradient, theta, d, step, 1e-4, 0.1) == meets


# BFGS.


def test_bfgs_update_is_scipys_step_by_step(rng):
    A, _ = bowl(rng)
    theirs = scipy.optimize.BFGS(init_scale=1.0)
    theirs.initialize(6, "inv_hess")
    H = np.eye(6)
    for _ in range(8):
        s = rng.normal(size=6)
        y = A @ s
        theirs.update(s, y)
        H = checked.bfgs_update(H, s, y)
        close(H, theirs.get_matrix())


@given(st.integers(0, 10_000))
def test_bfgs_update_is_the_inverse_of_the_updated_hessian(seed):
    rng = np.random.default_rng(seed)
    A, _ = bowl(rng, n=4, condition=10.0)
    H, _ = bowl(rng, n=4, condition=10.0)
    s = rng.normal(size=4)
    y = A @ s
    updated = checked.bfgs_update(H, s, y)
    close(updated, np.linalg.inv(oracles.bfgs_hessian(np.linalg.inv(H), s, y)))
    close(updated @ y, s)
    close(updated, updated.T)
    assert np.linalg.eigvalsh(updated).min() > 0


def test_bfgs_recovers_the_inverse_hessian_of_a_quadratic(rng):
    A, b = bowl(rng)
    iterates = checked.bfgs(checked.quadratic(A, b), rng.normal(size=6),
                            line_search=checked.exact_step, tolerance=0.0)
    for _ in range(6):
        last = next(iterates)
    close(last.state["H"], np.linalg.inv(A))


# Invariances and memory.


@pytest.mark.parametrize("name, turned", [
    ("sgd", True), ("momentum", True), ("newton", True), ("bfgs", True),
    ("nonlinear_conjugate_gradient", True), ("adagrad", False), ("rmsprop", False),
    ("adam", False)])
def test_which_methods_do_not_see_a_rotation(name, turned, rng):
    Q = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    rotated = Objective(lambda u: Q.T @ VALLEY.gradient(Q @ u), lambda u: VALLEY.value(Q @ u),
                        lambda u: Q.T @ VALLEY.hessian(Q @ u) @ Q)
    method = getattr(checked, name)
    settings = FIRST_ORDER[name][1] if name in FIRST_ORDER else {}
    plain = checked.path(method(VALLEY, START, **settings), 5)
    ours = checked.path(method(rotated, Q.T @ START, **settings), 5) @ Q.T
    assert np.allclose(ours, plain, rtol=1e-6) == turned


def test_numbers_kept():
    n, bowl_ = 5, checked.quadratic(np.diag(np.arange(1.0, 6.0)), np.zeros(5))
    expected = {"sgd": 0, "momentum": n, "adagrad": n, "rmsprop": n, "adam": 2 * n + 1,
                "newton": 0, "linear_conjugate_gradient": 2 * n,
                "nonlinear_conjugate_gradient": 2 * n, "bfgs": n**2 + n}
    for name, kept in expected.items():
        settings = {"learning_rate": 0.1} if name in FIRST_ORDER else {}
        method = getattr(checked, name)(bowl_, np.ones(n), **settings)
        assert checked.numbers_kept(next(method)) == kept


# Bad input.


@pytest.mark.parametrize("call, message", [
    (lambda: plain.sgd(VALLEY, START, learning_rate=0.0), "learning_rate must be positive"),
    (lambda: plain.momentum(VALLEY, START, learning_rate=1.0, decay=1.0), "decay must be at"),
    (lambda: plain.rmsprop(VALLEY, START, learning_rate=1.0, decay=-0.1), "decay must be at"),
    (lambda: plain.adam(VALLEY, START, learning_rate=1.0, decay_mean=1.0), "decay_mean must"),
    (lambda: plain.adam(VALLEY, START, learning_rate=1.0, decay_square=1.5), "decay_square"),
    (lambda: plain.adagrad(VALLEY, START, learning_rate=1.0, epsilon=-1.0), "epsilon must be"),
    (lambda: plain.bfgs(VALLEY, START, tolerance=-1.0), "tolerance must be at least 0"),
    (lambda: plain.path(plain.sgd(VALLEY, START, learning_rate=1.0), 0), "steps must be"),
    (lambda: plain.path(plain.bfgs(VALLEY, np.ones(3)), 5), "no step to take"),
    (lambda: next(plain.sgd(Objective(lambda t: t[:2]), START, learning_rate=1.0)),
     r"gradient \(2,\) and theta \(3,\) must have the same shape"),
    (lambda: next(plain.newton(Objective(lambda t: t), START)), "needs objective.hessian"),
    (lambda: next(plain.newton(Objective(lambda t: t, hessian=lambda t: np.eye(2)), START)),
     r"hessian \(2, 2\) and theta \(3,\) do not fit"),
    (lambda: next(plain.bfgs(Objective(lambda t: t), START)), "needs objective.value"),
    (lambda: plain.wolfe_step(VALLEY, START, VALLEY.gradient(START)), "must descend"),
    (lambda: plain.wolfe_step(VALLEY, START, -START, decrease=0.5, flatness=0.4),
     "0 < decrease < flatness < 1"),
    (lambda: plain.wolfe_step(Objective(lambda t: -np.ones(3), lambda t: -t.sum()), START,
                                np.ones(3)), "no step meets the Wolfe conditions"),
    (lambda: next(plain.linear_conjugate_gradient(
        plain.quadratic(-np.eye(3), np.zeros(3)), START)), "must be positive, is -"),
    (lambda: plain.bfgs_update(np.eye(2), np.ones(2), -np.ones(2)), "must be positive"),
    (lambda: plain.bfgs_update(np.eye(3), np.ones(2), np.ones(2)),
     r"H \(3, 3\) and s \(2,\) do not fit"),
    (lambda: plain.bfgs_update(np.eye(2), np.ones(2), np.ones(3)),
     r"y \(3,\) and s \(2,\) must have the same shape"),
    (lambda: plain.quadratic(np.eye(3), np.ones(2)), r"A \(3, 3\) and b \(2,\)"),
    (lambda: plain.quadratic(np.array([[1.0, 2.0], [0.0, 1.0]]), np.ones(2)), "symmetric"),
    (lambda: plain.sgd(VALLEY, np.array([np.nan]), learning_rate=1.0), "theta must be finite"),
])
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_singular_hessian_stops_newton():
    flat = Objective(lambda t: t, hessian=lambda t: np.zeros((3, 3)))
    with pytest.raises(np.linalg.LinAlgError):
        next(checked.newton(flat, START))


def test_shapes_are_executed():
    with pytest.raises(jaxtyping.TypeCheckError):
        checked.bfgs_update(np.eye(3), np.ones(2), np.ones(2))


# What the figures claim.


def test_the_drift_formula_is_what_adam_does_and_sgd_goes_the_other_way():
    result = experiments.wrong_way()
    close(result.drift[::9], result.measured)
    ends = {name: theta[-1] for name, theta in result.path.items()}
    assert ends["SGD"] < 0 < ends["Adam, β₁ = 0, β₂ = 0.1"]
    assert ends["Adam, β₁ = 0, β₂ = 0.999"] < 0
    assert (np.sign(result.drift) == np.sign(0.475 - result.decay_square)).all()


@given(st.floats(2.001, 1e3))
def test_adam_drifts_uphill_at_reddis_setting_for_every_large_gradient(C):
    assert experiments.cycle_drift(C, 1 / (1 + C**2)) > 0


def test_momentum_leaves_a_saddle_slower_than_descent_at_the_same_long_run_rate():
    steps = list(experiments.saddle_escape(points=4).steps.values())
    descent, same_rate, same_in_the_long_run, adam = steps
    assert (same_rate < descent).all() and (descent < same_in_the_long_run).all()
    assert np.ptp(adam) < 10 and descent[0] > 5 * adam[0]


def test_steps_grow_with_the_condition_number_and_with_its_root():
    result = experiments.conditioning(points=4)
    k, steps = result.condition, result.steps
    def slope(name):
        return np.log(steps[name][-1] / steps[name][-2]) / np.log(k[-1] / k[-2])
    assert abs(slope("gradient descent") - 1) < 0.02
    assert abs(slope("momentum") - 0.5) < 0.07
    assert (steps["Newton"] == 1).all()
    assert max(steps["BFGS"].max(), steps["conjugate gradient"].max()) < 30


def test_newton_ends_at_the_saddle_inside_the_band_and_only_there():
    result = experiments.newton_basins()
    inside = abs(result.start) < 1 / np.sqrt(5)
    assert set(result.end[inside]) == {0.0}
    assert set(result.end[~inside]) == {-1.0, 1.0}
    for paths, ends in ((result.newton, {0}), (result.gradient_descent, {-1, 1})):
        assert {int(path[-1, 1].round(2)) for path in paths} <= ends


def test_rmsprop_recovers_where_adagrad_does_not():
    last = {name: size[-1] for name, size in experiments.after_a_cliff().size.items()}
    assert last["Adagrad"] < 2e-3
    assert_allclose([last["RMSprop, ρ = 0.9"], last["RMSprop, ρ = 0.99"]], 1, rtol=1e-4)


def test_adagrad_goes_on_where_rmsprop_hovers(rng):
    distance = experiments.noisy_bowl(rng).distance
    middle = {name: d[900:1100].mean() for name, d in distance.items()}
    late = {name: d[-200:].mean() for name, d in distance.items()}
    assert late["Adagrad, η = 1"] < 0.6 * middle["Adagrad, η = 1"]
    assert 0.9 < late["RMSprop, η = 0.1"] / middle["RMSprop, η = 0.1"] < 1.1


def test_adam_without_correction_starts_with_root_ten():
    without = experiments.bias_correction(steps=100).size["without"]
    assert_allclose(without[0], np.sqrt(10), rtol=1e-6)
    assert without.argmax() == 11 and abs(without.max() - 6.57) < 0.005


def test_adaptive_methods_do_the_same_at_every_scale_of_the_loss():
    result = experiments.loss_scale()
    large = result.c > 1e-5
    for name in ("Adagrad", "Adam"):
        assert_allclose(result.loss[name][large], result.loss[name][-1], rtol=0.05)
    usable = np.isfinite(result.loss["SGD"])
    assert (result.c[usable] < 2).all() and (result.c[~usable] >= 2).all()


def test_adagrad_learns_rare_features_and_averages_frequent_ones(rng):
    result = experiments.sparse_features(rng)
    large, small, adagrad = result.error.values()
    assert (adagrad[-4:] < small[-4:] / 4).all() and (adagrad[:3] < large[:3] / 3).all()


def test_adam_reaches_the_minimum_over_a_wide_range_of_rates(rng):
    result = experiments.learning_rates(rng)
    reached = {name: (loss < result.best + 0.01).sum() for name, loss in result.loss.items()}
    assert reached["gradient descent"] == 0 and reached["Adam"] >= 5
    inside = (result.learning_rate > 0.099) & (result.learning_rate < 1.01)
    assert (result.loss["Adam"][inside] < result.best + 5e-4).all()


def test_bfgs_needs_fewer_gradients_and_exact_searches_are_a_waste():
    gradients = experiments.inexact_line_search().gradients
    assert (gradients["BFGS"] < gradients["conjugate gradient"] / 2).all()
    assert all(g[0] > 1.5 * g[-1] for g in gradients.values())


def test_adagrad_and_young_rmsprop_begin_alike_on_the_landscape():
    paths = experiments.trajectories()
    close(paths["Adagrad"].points[:2], paths["RMSprop"].points[:2])
    assert_allclose(paths["Adagrad"].points[2:8], paths["RMSprop"].points[2:8], atol=5e-3)
    rates = paths["Adagrad"].learning_rate, paths["RMSprop"].learning_rate
    assert np.round(rates, 3).tolist() == [1.468, 0.147]  # stated beside the figure
    assert paths["Newton"].steps < 10 < paths["momentum"].steps


# Figures.

FIGURES = {
    "trajectories": experiments.trajectories,
    "conditioning": experiments.conditioning,
    "constant_gradient": experiments.constant_gradient,
    "loss_scale": experiments.loss_scale,
    "sparse_features": lambda: experiments.sparse_features(np.random.default_rng(0), runs=20),
    "after_a_cliff": experiments.after_a_cliff,
    "noisy_bowl": lambda: experiments.noisy_bowl(np.random.default_rng(0), runs=20),
    "bias_correction": lambda: experiments.bias_correction(steps=100),
    "wrong_way": experiments.wrong_way,
    "learning_rates": lambda: experiments.learning_rates(np.random.default_rng(0)),
    "saddle_escape": lambda: experiments.saddle_escape(points=4),
    "newton_basins": experiments.newton_basins,
    "eigenvalue_clusters": lambda: experiments.eigenvalue_clusters(np.random.default_rng(0)),
    "coincidence": lambda: experiments.coincidence(np.random.default_rng(0)),
    "inexact_line_search": experiments.inexact_line_search,
}


@pytest.mark.parametrize("name", FIGURES)
def test_figure_has_labels_and_the_same_bytes_each_time(name):
    figures.check_labels(figures.check(getattr(plots, name), FIGURES[name]()))


def test_every_figure_is_drawn_above():
    assert figures.public(plots) == set(FIGURES)
