"""Chapter convolution: each function against its definition, torch, SciPy, and invariants."""


import jaxtyping
import numpy as np
import oracles
import pytest
import scipy.signal
import torch
import torch.nn.functional as F
from annotated import annotated
from fullmarks import convolution
from fullmarks.experiments import convolution as experiments
from fullmarks.plots import Sheet
from fullmarks.plots import convolution as plots
from hypothesis import assume, given
from hypothesis import settings as run
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose
from oracles import close

checked = annotated(convolution)
Layer, Map = checked.Layer, checked.Map
unhurried = run(deadline=None, max_examples=50)  # drawn shapes: the first one compiles its checks

numbers = st.floats(-10, 10)
vectors = arrays(np.float64, st.integers(1, 9), elements=numbers)
kernels = arrays(np.float64, st.integers(1, 5), elements=numbers)
images = arrays(np.float64, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=numbers)
stamps = arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(1, 4)), elements=numbers)
modes = st.sampled_from(convolution.MODES)
seeds = st.integers(0, 2**32 - 1)


def fits(x, k, mode):
    return mode != "valid" or all(n >= size for n, size in zip(x.shape, k.shape, strict=True))


# Two arrays.


@unhurried
@given(vectors, kernels)
def test_full_convolution_is_its_definition(x, k):
    close(checked.convolve(x, k), oracles.convolve_full(list(x), list(k)), scale=100)


@unhurried
@given(vectors, kernels, modes)
def test_one_axis_is_scipys(x, k, mode):
    assume(fits(x, k, mode))
    expected = scipy.signal.convolve(x, k, mode, method="direct")
    close(checked.convolve(x, k, mode), expected, scale=100)
    expected = scipy.signal.correlate(x, k, mode, method="direct")
    close(checked.cross_correlate(x, k, mode), expected, scale=100)


@unhurried
@given(images, stamps, modes)
def test_two_axes_are_scipys(x, k, mode):
    assume(fits(x, k, mode))
    close(checked.convolve(x, k, mode), scipy.signal.convolve2d(x, k, mode), scale=100)
    # correlate2d begins one entry later in "same" if the kernel is even; correlate does as we do
    expected = scipy.signal.correlate(x, k, mode, method="direct")
    close(checked.cross_correlate(x, k, mode), expected, scale=100)


@unhurried
@given(vectors, kernels, modes)
def test_one_axis_is_numpys_where_the_input_is_the_longer(x, k, mode):
    assume(len(x) >= len(k))
    close(checked.convolve(x, k, mode), np.convolve(x, k, mode), scale=100)


@unhurried
@given(vectors, kernels, kernels)
def test_convolution_commutes_and_associates(x, k, v):
    close(checked.convolve(x, k), checked.convolve(k, x), scale=100)
    left, right = checked.convolve(checked.convolve(x, k), v), checked.convolve(k, v)
    close(left, checked.convolve(x, right), scale=1000)


def test_cross_correlation_does_not_commute():
    x, k = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 0.0, 2.0])
    one, other = checked.cross_correlate(x, k), checked.cross_correlate(k, x)
    assert one.tolist() == [2.0, 4.0, 7.0, 10.0, 3.0, 4.0]
    assert other.tolist() == one[::-1].tolist() != one.tolist()


@unhurried
@given(images, stamps)
def test_the_sum_of_a_full_convolution_is_the_product_of_the_sums(x, k):
    close(checked.convolve(x, k).sum(), x.sum() * k.sum(), scale=1000)


@unhurried
@given(vectors, kernels, st.floats(-1, 1))
def test_full_convolution_multiplies_polynomials(x, k, z):
    value = np.polynomial.polynomial.polyval
    close(value(z, checked.convolve(x, k)), value(z, x) * value(z, k), scale=1000)


@unhurried
@given(vectors, kernels, modes)
def test_the_matrix_does_what_the_convolution_does(x, k, mode):
    assume(fits(x, k, mode))
    T = checked.convolution_matrix(k, len(x), mode)
    close(T @ x, checked.convolve(x, k, mode), scale=100)
    assert all(len(set(np.diagonal(T, i))) == 1 for i in range(1 - T.shape[0], T.shape[1]))


def test_modes_of_an_even_kernel_begin_where_they_say():
    x, k = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 10.0, 100.0, 1000.0])
    full = checked.convolve(x, k)
    assert checked.convolve(x, k, "same").tolist() == full[1:5].tolist()
    assert (
        checked.cross_correlate(x, k, "same").tolist()
        == checked.cross_correlate(x, k)[1:5].tolist()
    )


# Layers.


@st.composite
def layer_settings(draw, axes):
    """Shapes and settings of a layer whose kernel fits into the padded input."""
    groups = draw(st.integers(1, 3))
    inputs, outputs = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    small = st.tuples(*[st.integers(1, 3)] * axes)
    kernel, stride, dilation = draw(small), draw(small), draw(small)
    padding = draw(st.tuples(*[st.integers(0, 2)] * axes))
    space = tuple(
        draw(st.integers(max(1, gap * (k - 1) + 1 - 2 * pad), 9))
        for k, gap, pad in zip(kernel, dilation, padding, strict=True)
    )
    shapes = (draw(st.integers(1, 2)), inputs, *space), (outputs, inputs // groups, *kernel)
    settings = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return shapes, settings, np.random.default_rng(draw(seeds))


def check_layer_against_torch(drawn, convolve, transpose):
    (image, weight), settings, rng = drawn
    x, w, b = rng.normal(size=image), rng.normal(size=weight), rng.normal(size=weight[0])
    tensors = [torch.tensor(array, requires_grad=True) for array in (x, w, b)]
    theirs = convolve(*tensors, **settings)
    ours = checked.layer(x, w, b, **settings)
    close(ours, theirs.detach())
    g = rng.normal(size=ours.shape)
    theirs.backward(torch.tensor(g))
    space, kernel = image[2:], weight[2:]
    close(checked.transposed_layer(g, w, size=space, **settings), tensors[0].grad)
    close(checked.weight_gradient(x, g, kernel, **settings), tensors[1].grad)
    close(g.sum(axis=(0, *range(2, g.ndim))), tensors[2].grad)
    # torch gives the smallest size by itself too, and refuses one without any entry
    reach = [
        step * (n - 1) + gap * (k - 1) + 1 - 2 * pad
        for n, k, step, gap, pad in zip(
            g.shape[2:], kernel, settings["stride"], settings["dilation"], settings["padding"],
            strict=True,
        )
    ]  # fmt: skip
    if min(reach) > 0:
        theirs = transpose(torch.tensor(g), torch.tensor(w), **settings)
        close(checked.transposed_layer(g, w, **settings), theirs)


@unhurried
@given(layer_settings(axes=1))
def test_layer_and_its_gradients_are_torchs_along_one_axis(drawn):
    check_layer_against_torch(drawn, F.conv1d, F.conv_transpose1d)


@unhurried
@given(layer_settings(axes=2))
def test_layer_and_its_gradients_are_torchs_along_two_axes(drawn):
    check_layer_against_torch(drawn, F.conv2d, F.conv_transpose2d)


@pytest.mark.parametrize("stride", [(1, 1), (2, 3)])
@pytest.mark.parametrize("dilation", [(1, 1), (2, 1)])
@pytest.mark.parametrize("groups", [1, 2])
def test_layer_is_its_definition(stride, dilation, groups):
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(2, 4, 6, 5)), rng.normal(size=(2, 4 // groups, 3, 2))
    settings = {"stride": stride, "padding": (1, 2), "dilation": dilation, "groups": groups}
    close(checked.layer(x, w, **settings), oracles.convolution_layer(x, w, **settings))


@unhurried
@given(layer_settings(axes=2))
def test_transposed_layer_is_the_adjoint(drawn):
    (image, weight), settings, rng = drawn
    x, w = rng.normal(size=image), rng.normal(size=weight)
    y = checked.layer(x, w, **settings)
    g = rng.normal(size=y.shape)
    back = checked.transposed_layer(g, w, size=image[2:], **settings)
    close((y * g).sum(), (x * back).sum(), scale=100)
    gradient = checked.weight_gradient(x, g, weight[2:], **settings)
    close((y * g).sum(), (w * gradient).sum(), scale=100)


@pytest.mark.parametrize("kernel", [1, 2, 3, 4])
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("mode", ["same", "valid"])
def test_named_padding_is_torchs_even_for_even_kernels(kernel, dilation, mode):
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(1, 1, 9)), rng.normal(size=(1, 1, kernel))
    tensors = torch.tensor(x), torch.tensor(w)
    total = dilation * (kernel - 1) if mode == "same" else 0
    padded = F.pad(tensors[0], (total // 2, total - total // 2))  # torch warns of odd totals
    theirs = F.conv1d(padded, tensors[1], dilation=dilation)
    close(checked.layer(x, w, padding=mode, dilation=dilation), theirs)


@unhurried
@given(vectors, kernels, st.sampled_from(["full", "same", "valid"]))
def test_a_layer_is_a_cross_correlation_of_arrays(x, k, mode):
    assume(len(k) % 2 or mode != "same")
    assume(fits(x, k, mode))
    ours = checked.layer(x[None, None], k[None, None], padding=mode)[0, 0]
    close(ours, checked.cross_correlate(x, k, mode), scale=100)


def test_same_differs_between_arrays_and_layers_for_even_kernels():
    x, k = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 10.0])
    assert checked.cross_correlate(x, k, "same").tolist() == [10.0, 21.0, 32.0, 43.0]
    assert checked.layer(x[None, None], k[None, None], padding="same").tolist() == [
        [[21.0, 32.0, 43.0, 4.0]]
    ]


def test_the_gradient_of_a_valid_layer_is_a_full_convolution_with_the_kernel():
    rng = np.random.default_rng(0)
    g, k = rng.normal(size=5), rng.normal(size=3)
    back = checked.transposed_layer(g[None, None], k[None, None])[0, 0]
    close(back, checked.convolve(g, k, "full"))


@unhurried
@given(seeds, st.integers(1, 4))
def test_a_layer_moves_with_its_input(seed, shift):
    rng = np.random.default_rng(seed)
    x, w = rng.normal(size=(1, 2, 12, 9)), rng.normal(size=(3, 2, 3, 3))
    moved = np.roll(x, shift, axis=2)
    y, y_moved = checked.layer(x, w), checked.layer(moved, w)
    close(y_moved[:, :, shift:], y[:, :, :-shift])


# Sizes.

axis = {
    "n": st.integers(1, 12),
    "kernel": st.integers(1, 5),
    "stride": st.integers(1, 4),
    "dilation": st.integers(1, 3),
    "before": st.integers(0, 4),
    "behind": st.integers(0, 4),
}


@unhurried
@given(**axis)
def test_output_size_counts_places(n, kernel, stride, dilation, before, behind):
    places = oracles.count_places(n, kernel, stride, before, behind, dilation)
    assume(places)
    settings = (kernel, stride, (before, behind), dilation)
    assert convolution.output_size(n, *settings) == places
    covered = stride * (places - 1) + dilation * (kernel - 1) + 1 - before - behind
    assume(covered > 0)
    assert convolution.transposed_size(places, *settings) == covered
    sizes = [convolution.output_size(covered + i, *settings) for i in range(stride + 1)]
    assert sizes == [places] * stride + [places + 1]


@unhurried
@given(st.integers(1, 20), st.integers(1, 7), st.integers(1, 3))
def test_modes_give_the_sizes_they_promise(n, kernel, dilation):
    span = dilation * (kernel - 1) + 1
    sizes = [convolution.output_size(n, kernel, padding=mode, dilation=dilation)
             for mode in ("full", "same")]  # fmt: skip
    assert sizes == [n + span - 1, n]
    assume(span <= n)
    size = convolution.output_size(n, kernel, padding="valid", dilation=dilation)
    assert size == n - span + 1


# Pooling.


@unhurried
@given(layer_settings(axes=2), st.booleans())
def test_pooling_is_torchs(drawn, ceil):
    (image, weight), settings, rng = drawn
    kernel, stride, padding = weight[2:], settings["stride"], settings["padding"]
    padding = tuple(min(p, k // 2) for p, k in zip(padding, kernel, strict=True))
    assume(all(n + 2 * p >= k for n, p, k in zip(image[2:], padding, kernel, strict=True)))
    x = rng.normal(size=image)
    theirs = F.max_pool2d(torch.tensor(x), kernel, stride, padding, ceil_mode=ceil)
    close(checked.max_pool(x, kernel, stride, padding, ceil), theirs)
    theirs = F.avg_pool2d(torch.tensor(x), kernel, stride, padding, ceil, count_include_pad=False)
    close(checked.mean_pool(x, kernel, stride, padding, ceil), theirs)


@unhurried
@given(seeds, st.integers(1, 9), st.integers(1, 9))
def test_global_and_pyramid_pooling_are_torchs(seed, height, width):
    x = np.random.default_rng(seed).normal(size=(2, 3, height, width))
    t = torch.tensor(x)
    close(checked.global_mean_pool(x), F.adaptive_avg_pool2d(t, 1)[:, :, 0, 0])
    levels = [F.adaptive_max_pool2d(t, m).flatten(1) for m in (1, 2, 4)]
    close(checked.pyramid_pool(x, (1, 2, 4)), torch.cat(levels, dim=1))


def test_pooling_windows_lie_side_by_side_unless_told():
    x = np.arange(6.0).reshape(1, 1, 6)
    assert checked.max_pool(x, 2).tolist() == [[[1.0, 3.0, 5.0]]]
    assert checked.max_pool(x, 2, stride=1).tolist() == [[[1.0, 2.0, 3.0, 4.0, 5.0]]]


# Stacks.

stacks = st.lists(
    st.builds(
        Layer,
        kernel=st.integers(1, 4),
        stride=st.integers(1, 3),
        padding=st.integers(0, 2),
        dilation=st.integers(1, 2),
    ),
    min_size=1,
    max_size=4,
)


@unhurried
@given(stacks, st.integers(30, 60))
def test_trace_finds_the_pixels_that_paths_lead_from(layers, n):
    plain = [(s.kernel, s.stride, s.padding, s.dilation) for s in layers]
    try:
        maps = convolution.trace(n, layers)
    except ValueError:
        assume(False)
    if all(layer.dilation == 1 for layer in layers):
        strides = [layer.stride for layer in layers]
        field = convolution.receptive_field([layer.kernel for layer in layers], strides)
        assert field == maps[-1].field
    for unit in (0, maps[-1].size - 1):
        pixels = oracles.pixels_seen(plain, unit)
        assert maps[-1].seen(unit) == (min(pixels), max(pixels))
    size = n
    for layer, found in zip(plain, maps[1:], strict=True):
        kernel, stride, padding, dilation = layer
        size = oracles.count_places(size, kernel, stride, padding, padding, dilation)
        assert found.size == size


def test_receptive_field_is_the_support_of_the_gradient():
    layers = [Layer(3, padding=1), Layer(3, 2, 1), Layer(2, 1, 0, 2), Layer(3, 2)]
    x = torch.zeros(1, 1, 64, dtype=torch.float64, requires_grad=True)
    h = x
    for kernel, stride, padding, dilation in layers:
        w = torch.ones(1, 1, kernel, dtype=torch.float64)
        h = F.conv1d(h, w, stride=stride, padding=padding, dilation=dilation)
    top = convolution.trace(64, layers)[-1]
    assert h.shape[-1] == top.size
    unit = top.size // 2
    (gradient,) = torch.autograd.grad(h[0, 0, unit], x)
    touched = gradient[0, 0].nonzero()[:, 0]
    assert (int(touched.min()), int(touched.max())) == top.seen(unit)
    shares = gradient[0, 0, touched.min() : touched.max() + 1]
    close(convolution.influence(layers), shares / shares.sum())


@unhurried
@given(stacks)
def test_influence_counts_paths(layers):
    ends = oracles.paths_from_each_pixel([(s.kernel, s.stride, s.dilation) for s in layers])
    shares = checked.influence(layers)
    close(shares.sum(), 1.0)
    close(shares * sum(ends.values()), [ends.get(i, 0) for i in range(len(shares))])


def test_the_variance_of_the_influence_adds_up_layer_by_layer():
    layers = [Layer(5), Layer(3, 2), Layer(4, 1, 0, 2)]
    shares = checked.influence(layers)
    places = np.arange(len(shares))
    mean = places @ shares
    variance = ((places - mean) ** 2) @ shares
    jumps = [found.jump for found in convolution.trace(99, layers)]
    expected = sum(
        (s.dilation * jump) ** 2 * (s.kernel**2 - 1) / 12
        for s, jump in zip(layers, jumps, strict=False)
    )
    close(variance, expected)


@unhurried
@given(arrays(np.float64, st.integers(1, 8), elements=st.integers(0, 9)), st.floats(0.05, 1))
def test_width_of_mass_is_the_shortest_run(profile, share):
    assume(profile.any())
    runs = [
        j - i
        for i in range(len(profile))
        for j in range(i + 1, len(profile) + 1)
        if profile[i:j].sum() >= share * profile.sum() - 1e-9
    ]
    assert checked.width_of_mass(profile, share) == min(runs)


# Costs.


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("bias", [True, False])
def test_parameters_are_torchs(groups, bias):
    theirs = torch.nn.Conv2d(4, 6, (3, 5), groups=groups, bias=bias)
    count = sum(p.numel() for p in theirs.parameters())
    assert convolution.parameter_count(4, 6, (3, 5), groups, bias) == count


def test_multiplications_are_those_that_the_definition_makes():
    # Without padding the definition multiplies at every place with every weight that is seen.
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(1, 4, 6, 5)), rng.normal(size=(2, 2, 3, 2))
    places = convolution.layer(x, w, groups=2).shape[2:]
    made = sum(1 for _ in np.ndindex(2, *places, 2, 3, 2))
    assert convolution.multiplication_count(4, 2, (3, 2), places, groups=2) == made


def test_one_number_is_one_axis():
    assert convolution.parameter_count(1, 1, 5) == 6
    assert convolution.multiplication_count(1, 1, 5, 10) == 50


# What the figures claim.


def test_both_ways_to_lay_the_kernel_give_the_sums_that_the_figure_writes():
    assert experiments.sliding(flip=True).sums.tolist() == [1, 2, 5, 8, 6, 8]
    assert experiments.sliding(flip=False).sums.tolist() == [2, 4, 7, 10, 3, 4]
    assert isinstance(plots.sliding(experiments.sliding(flip=True)), Sheet)


def test_a_convolution_is_a_dense_layer_with_tied_weights():
    matrices = experiments.weight_matrices(np.random.default_rng(0))
    assert [len(np.unique(m[m != 0])) for m in matrices] == [80, 24, 3]
    assert isinstance(plots.weight_matrices(matrices), Sheet)


def test_the_error_of_least_squares_is_that_of_the_theory():
    result = experiments.statistics(np.random.default_rng(0))
    assert_allclose(np.log(result.measured / result.theory), 0, atol=np.log(1.35))
    assert (np.diff(result.measured, axis=0) < 0).all() and result.weights == (288, 48, 3)
    assert isinstance(plots.statistics(result), Sheet)


def test_a_dense_layer_grows_with_the_fourth_power_of_the_side():
    result = experiments.costs()
    assert set(result.dense[1:] / result.dense[:-1]) == {16.0}
    assert set(result.convolution_products[1:] / result.convolution_products[:-1]) == {4.0}
    assert set(result.convolution_weights) == {864}
    assert isinstance(plots.costs(result), Sheet)


def test_pooling_is_equivariant_for_multiples_of_its_stride_alone():
    result = experiments.shifts(np.random.default_rng(0))
    for row, stride in enumerate((1, 2, 4)):
        exact = result.aligned[row] < 1e-12
        assert (exact == (result.shift % stride == 0)).all()
    assert not result.in_place[3].any() and not result.aligned[3].any()
    assert (np.diff(result.in_place[:, 1]) < 0).all()
    assert isinstance(plots.shifts(result), Sheet)


def test_components_detect_rectify_and_condense():
    image, edges, rectified, pooled = maps = experiments.components()
    assert edges.min() < 0 and rectified.min() == 0 and rectified.max() == edges.max()
    assert [m.shape for m in maps] == [(18, 18), (16, 16), (16, 16), (8, 8)]
    for row, column in np.argwhere(rectified == rectified.max()):
        assert image[row + 1, column] < image[row + 1, column + 2]
    assert pooled.max() == rectified.max()
    assert isinstance(plots.components(maps), Sheet)


def test_a_corner_unit_sees_a_quarter():
    units = experiments.fields().units
    assert units["corner"] == ((-12, 12), (-12, 12))
    assert units["middle"][0] == (116, 140)
    assert isinstance(plots.fields(experiments.fields()), Sheet)


def test_gradients_of_random_networks_follow_the_paths():
    result = experiments.profile(np.random.default_rng(0))
    assert_allclose(result.linear, result.paths, atol=0.01)
    assert_allclose(result.rectified, result.paths, atol=0.01)
    assert isinstance(plots.profile(result), Sheet)


def test_the_effective_field_grows_with_the_root_of_the_depth():
    result = experiments.growth()
    assert (result.field == 1 + 4 * result.depth).all()
    assert_allclose(result.effective, result.normal, atol=1)
    assert isinstance(plots.growth(result), Sheet)


def test_the_drawn_stack_is_paper_es():
    maps = experiments.convolution_and_pooling()
    assert [found.field for found in maps] == [1, 3, 5]
    figure = plots.stack(maps, experiments.CONVOLUTION_AND_POOLING)
    notes = [text.get_text() for text in figure.axes[0].texts]
    assert notes == ["input\n5 seen", "convolution\n3 seen", "pooling\n1 seen"]


def test_each_way_to_read_sizes_is_right_in_one_world():
    result = experiments.sizes(np.random.default_rng(0))
    away = abs(result.size - result.trained) > 10
    cropped, scaled = result.accuracy["cropped"], result.accuracy["scaled"]
    for way in ("global mean", "pyramid"):
        assert cropped[way].min() > 0.95 and scaled[way][away].max() < 0.65
    assert scaled["resize"].min() > 0.95 and cropped["resize"][away].max() < 0.65
    assert isinstance(plots.sizes(result), Sheet)


def test_distances_lose_their_contrast():
    result = experiments.distances(np.random.default_rng(0))
    spreads = [ratios.std() for ratios in result.pairs.values()]
    # of squared uniform distances sqrt(7 / 5d), of distances half of that in high dimension
    expected = [(7 / 5 / d) ** 0.5 / 2 for d in result.pairs]
    assert_allclose(spreads[1:], expected[1:], rtol=0.08)
    ends = np.array([found[[0, -1]] for found in result.nearest.values()])
    assert (np.diff(ends[:, 1] / ends[:, 0]) > 0).all() and ends[-1, 1] > 0.9
    assert isinstance(plots.distances(result), Sheet)


# Bad input.

X, W = np.ones((1, 2, 5)), np.ones((4, 2, 3))


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda: convolution.convolve(np.ones(3), np.ones((2, 2))),
            "x (3,) and k (2, 2) must have the same number of axes, at least one: x has 1, k has 2",
        ),
        (
            lambda: convolution.convolve(np.ones(3), np.ones(2), "half"),
            "mode must be one of full, same, valid, but is 'half'",
        ),
        (
            lambda: convolution.cross_correlate(np.ones((4, 2)), np.ones((1, 3)), "valid"),
            "x (4, 2) has 2 entries along axis 1, the kernel (1, 3) has 3: it lies nowhere inside",
        ),
        (
            lambda: convolution.convolution_matrix(np.ones(3), 0),
            "n must be a positive integer, but is 0",
        ),
        (
            lambda: convolution.output_size(4, 5),
            "a kernel that spans 5 entries does not fit into 4 with 0 zeros",
        ),
        (
            lambda: convolution.output_size(9, 5, padding=-1),
            "padding must be one or two integers from 0 on, but is -1",
        ),
        (
            lambda: convolution.output_size(9, 5, padding=(1, 2, 3)),
            "padding must be one or two integers from 0 on, but is (1, 2, 3)",
        ),
        (
            lambda: convolution.output_size(9, 5, padding="half"),
            "padding must be a number or one of full, same, valid, but is 'half'",
        ),
        (
            lambda: convolution.output_size(9, 5, stride=2, padding="same"),
            "padding 'same' is defined for stride 1, but stride is 2",
        ),
        (
            lambda: convolution.output_size(9, 5, stride=0),
            "stride must be a positive integer, but is 0",
        ),
        (
            lambda: convolution.transposed_size(1, 3, padding=2),
            "1 places of a kernel of 3 cover 3 entries, but 4 of them are padding",
        ),
        (
            lambda: convolution.layer(X, np.ones((4, 3, 3))),
            "x (1, 2, 5) has 2 channels, w (4, 3, 3) in 1 groups takes 3",
        ),
        (
            lambda: convolution.layer(X, np.ones((4, 2, 3, 3))),
            "x (1, 2, 5) and w (4, 2, 3, 3) must have the same number of axes, at least one: "
            "x has 3, w has 4",
        ),
        (
            lambda: convolution.layer(X, np.ones((3, 1, 3)), groups=2),
            "2 inputs and 3 outputs do not split into 2 groups",
        ),
        (
            lambda: convolution.layer(X, W, np.ones(3)),
            "w (4, 2, 3) has 4 outputs, b (3,) has 3 entries",
        ),
        (
            lambda: convolution.layer(np.ones((2, 5)), W),
            "x must have 3 axes or more, but its shape is (2, 5)",
        ),
        (
            lambda: convolution.layer(X, W, stride=(1, 1)),
            "stride (1, 1) must be one integer, or one for each of 1 axes",
        ),
        (
            lambda: convolution.layer(X, W, padding=(1, 1)),
            "padding (1, 1) must be one entry, or one for each of 1",
        ),
        (
            lambda: convolution.transposed_layer(np.ones((1, 3, 3)), W),
            "g (1, 3, 3) has 3 channels, w (4, 2, 3) has 4 outputs",
        ),
        (
            lambda: convolution.transposed_layer(np.ones((1, 4, 3)), W, size=9),
            "g (1, 4, 3) has places (3,), but from size (9,) the layer makes (7,)",
        ),
        (
            lambda: convolution.weight_gradient(X, np.ones((1, 4, 4)), 3),
            "g (1, 4, 4) must hold 1 examples with places (3,), because x is (1, 2, 5)",
        ),
        (
            lambda: convolution.max_pool(X, 2, padding=2),
            "padding 2 with a kernel of 2: "
            "a window would lie outside of x, and it has no entry to choose from",
        ),
        (
            lambda: convolution.pyramid_pool(X, (1, 0)),
            "levels[1] must be a positive integer, but is 0",
        ),
        (
            lambda: convolution.trace(9, [Layer(3)])[-1].seen(7),
            "unit 7 is not one of 0 to 6",
        ),
        (
            lambda: convolution.receptive_field([3, 3], [1]),
            "2 kernels and 1 strides: one of each per layer",
        ),
        (
            lambda: convolution.influence([Layer(0)]),
            "kernel must be a positive integer, but is 0",
        ),
        (
            lambda: convolution.width_of_mass(np.array([1.0, -1.0])),
            "profile must be positive somewhere, negative nowhere: [ 1. -1.]",
        ),
        (
            lambda: convolution.width_of_mass(np.ones(3), 0),
            "share must lie above 0 and not above 1, but is 0",
        ),
        (
            lambda: convolution.parameter_count(3, 4, (3, 3), groups=2),
            "3 inputs and 4 outputs do not split into 2 groups",
        ),
        (
            lambda: convolution.multiplication_count(3, 4, (3, 3), (0, 3)),
            "places[0] must be a positive integer, but is 0",
        ),
    ],
)
def test_bad_input_is_refused_and_named(call, message):
    with pytest.raises(ValueError) as refusal:
        call()
    assert str(refusal.value) == message


def test_integers_are_computed_with_as_floats():
    x, k = np.array([200, 100], dtype=np.uint8), np.array([2, 2], dtype=np.uint8)
    assert convolution.convolve(x, k).tolist() == [400.0, 600.0, 200.0]
    assert convolution.layer(x[None, None], k[None, None]).tolist() == [[[600.0]]]


# The module itself.


def test_annotations_are_executed():
    with pytest.raises(jaxtyping.TypeCheckError):
        checked.layer(np.ones((1, 2, 5)), np.ones((4, 2, 3)), np.ones(3))
    with pytest.raises(jaxtyping.TypeCheckError):
        checked.convolve(np.array([1, 2]), np.array([1.0]))


def test_a_map_names_its_fields():
    assert convolution.trace(9, []) == [Map(size=9, jump=1, field=1, start=0)]
