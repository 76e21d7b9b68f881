"""Convolution, convolutional layers, pooling, and the arithmetic of a stack of layers.

Conventions, all of which differ somewhere in the literature:

- `convolve` flips the kernel, `cross_correlate` does not. A `layer` of a network does not either.
- "same" gives as many entries as the input. Between arrays it is the middle of "full", beginning
  with entry (K-1)//2 of it, as in NumPy and SciPy. In a `layer` it puts the odd zero of an even
  kernel behind, as in torch. For odd kernels the two agree.
- Padding is counted per side. A pair means (before, after).
- Windows that do not fit are dropped (the size is rounded down) unless `ceil` is set.
- Layers take examples first, then channels: ``x`` is (n, c, length) or (n, c, height, width), and a
  weight is (outputs, inputs / groups, kernel…). All arithmetic is float64.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from fullmarks import _checks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxtyping import Float

    PerAxis = int | Sequence[int]
    Padding = int | str | Sequence[int | tuple[int, int]]

MODES = ("full", "same", "valid")


# Two arrays: convolution and cross-correlation.


def cross_correlate(
    x: Float[np.ndarray, "*shape"], k: Float[np.ndarray, "*kernel"], mode: str = "full"
) -> Float[np.ndarray, "*outputs"]:
    """Sums of products of `x` with the kernel laid on it, at every place; nothing is flipped.

    Parameters
    ----------
    x, k : arrays with the same number of axes
        Input and kernel.
    mode : {"full", "same", "valid"}
        Places where they overlap at all (n + K - 1 entries along an axis), the middle n of these
        beginning with number (K-1)//2, or those where the kernel lies inside `x` (n - K + 1).

    Raises
    ------
    ValueError
        If an array is empty or not finite, the numbers of axes differ, the mode is unknown, or
        "valid" is asked for a kernel longer than `x`.

    Examples
    --------
    >>> cross_correlate(np.array([1.0, 2.0, 3.0]), np.array([1.0, 10.0]))
    array([10., 21., 32.,  3.])
    """
    x, k = _checks.reals("x", x), _checks.reals("k", k)
    _same_axes("x", x, "k", k)
    if mode not in MODES:
        raise ValueError(f"mode must be one of {', '.join(MODES)}, but is {mode!r}")
    pads = []
    for axis, (n, size) in enumerate(zip(x.shape, k.shape, strict=True)):
        if mode == "valid" and size > n:
            raise ValueError(
                f"x {x.shape} has {n} entries along axis {axis}, the kernel {k.shape} has {size}: "
                "it lies nowhere inside"
            )
        first = (size - 1) // 2
        pads.append({
            "full": (size - 1, size - 1), "same": (size - 1 - first, first), "valid": (0, 0)
        }[mode])  # fmt: skip
    windows = sliding_window_view(np.pad(x, pads), k.shape)
    return np.tensordot(windows, k, axes=k.ndim)


def convolve(
    x: Float[np.ndarray, "*shape"], k: Float[np.ndarray, "*kernel"], mode: str = "full"
) -> Float[np.ndarray, "*outputs"]:
    """Convolution of two arrays, entry m the sum of x_i k_{m-i}: the kernel is flipped.

    Parameters, Raises
    ------------------
    As for `cross_correlate`.

    Examples
    --------
    >>> convolve(np.array([1.0, 2.0, 3.0]), np.array([1.0, 10.0]))
    array([ 1., 12., 23., 30.])
    """
    return cross_correlate(x, np.flip(_checks.reals("k", k)), mode)


def convolution_matrix(
    k: Float[np.ndarray, " taps"], n: int, mode: str = "full"
) -> Float[np.ndarray, "outputs n"]:
    """The matrix that does to a vector of n entries what convolution with `k` does.

    Each diagonal holds one number: a convolution is a linear layer whose weights are tied along the
    diagonals and zero outside of a band.

    Parameters
    ----------
    k : array (K,)
    n : int
        Entries of the input.
    mode : {"full", "same", "valid"}

    Raises
    ------
    ValueError
        If `k` has not one axis, `n` is not a positive integer, or as for `convolve`.

    Examples
    --------
    >>> convolution_matrix(np.array([1.0, 0.0, 2.0]), 4, "valid")
    array([[2., 0., 1., 0.],
           [0., 2., 0., 1.]])
    """
    k = _checks.reals("k", k, ndim=1)
    _checks.sizes(n=n)
    return np.stack([convolve(row, k, mode) for row in np.eye(n)], axis=1)


def _same_axes(name, array, other_name, other):
    if array.ndim == 0 or array.ndim != other.ndim:
        raise ValueError(
            f"{name} {array.shape} and {other_name} {other.shape} must have the same number of "
            f"axes, at least one: {name} has {array.ndim}, {other_name} has {other.ndim}"
        )


# Sizes.


def padding_for(mode: str, kernel: int, dilation: int = 1) -> tuple[int, int]:
    """Zeros before and behind that make a convolution of stride 1 "full", "same" or "valid".

    The kernel spans K = dilation (kernel - 1) + 1 entries. "full" takes K - 1 on each side,
    "valid" none, and "same" K - 1 in all: half on each side, an odd one behind.

    Raises
    ------
    ValueError
        If the mode is unknown, or a size is not a positive integer.

    Examples
    --------
    >>> [padding_for(mode, 5) for mode in ("full", "same", "valid")]
    [(4, 4), (2, 2), (0, 0)]
    >>> padding_for("same", 4)
    (1, 2)
    """
    _checks.sizes(kernel=kernel, dilation=dilation)
    reach = dilation * (kernel - 1)
    if mode not in MODES:
        raise ValueError(f"padding must be a number or one of {', '.join(MODES)}, but is {mode!r}")
    return {"full": (reach, reach), "same": (reach // 2, reach - reach // 2), "valid": (0, 0)}[mode]


def output_size(
    n: int,
    kernel: int,
    stride: int = 1,
    padding: int | str | tuple[int, int] = 0,
    dilation: int = 1,
    ceil: bool = False,
) -> int:
    """Number of places of a window along one axis, floor((n + padding - K) / stride) + 1.

    K = dilation (kernel - 1) + 1 is what the kernel spans, and the padding counts both sides.

    Parameters
    ----------
    n, kernel, stride, dilation : int
        Positive.
    padding : int, (int, int), or a mode
        Zeros per side, or before and behind, or as in `padding_for` (for stride 1).
    ceil : bool
        Keep a last window that sticks out behind, if it begins on the input or before it.

    Raises
    ------
    ValueError
        If an argument is out of range, or the kernel is longer than the padded input.

    References
    ----------
    :cite:`dumoulin2016`, relationship 6; chapter 5 for dilation.

    Examples
    --------
    >>> output_size(256, 5, padding=2), output_size(256, 3, stride=2, padding=1)
    (256, 128)
    >>> output_size(256, 3, stride=2), output_size(256, 3, stride=2, ceil=True)
    (127, 128)
    """
    _checks.sizes(n=n, kernel=kernel, stride=stride, dilation=dilation)
    before, after = _pair(padding, kernel, stride, dilation)
    span = dilation * (kernel - 1) + 1
    room = n + before + after - span
    if room < 0:
        raise ValueError(
            f"a kernel that spans {span} entries does not fit into {n} with {before + after} zeros"
        )
    size = room // stride + 1
    if ceil and room % stride and size * stride < n + before:
        size += 1
    return size


def transposed_size(
    n: int,
    kernel: int,
    stride: int = 1,
    padding: int | str | tuple[int, int] = 0,
    dilation: int = 1,
) -> int:
    """Smallest input size from which `output_size` makes `n`: what a transposed convolution gives.

    It is stride (n - 1) + K minus the padding of both sides. With a stride s, s sizes in a row make
    the same `n`, so a transposed layer must be told which of them is meant.

    Raises
    ------
    ValueError
        If an argument is out of range, or the padding leaves nothing.

    Examples
    --------
    >>> transposed_size(127, 3, stride=2), output_size(255, 3, stride=2)
    (255, 127)
    """
    _checks.sizes(n=n, kernel=kernel, stride=stride, dilation=dilation)
    before, after = _pair(padding, kernel, stride, dilation)
    size = stride * (n - 1) + dilation * (kernel - 1) + 1 - before - after
    if size < 1:
        raise ValueError(
            f"{n} places of a kernel of {kernel} cover {size + before + after} entries, "
            f"but {before + after} of them are padding"
        )
    return size


def _pair(padding, kernel, stride, dilation):
    """Zeros before and behind along one axis."""
    if isinstance(padding, str):
        if stride > 1 and padding != "valid":
            raise ValueError(f"padding {padding!r} is defined for stride 1, but stride is {stride}")
        return padding_for(padding, kernel, dilation)
    pair = (padding, padding) if isinstance(padding, int | np.integer) else tuple(padding)
    if len(pair) != 2 or not all(isinstance(p, int | np.integer) and p >= 0 for p in pair):
        raise ValueError(f"padding must be one or two integers from 0 on, but is {padding!r}")
    return pair


# Layers. The same loop over the taps of a kernel three times: `layer` collects what each tap sees,
# `transposed_layer` gives it back, `weight_gradient` multiplies it with what came of it.


class _Window(NamedTuple):
    """Per axis: taps, stride, zeros (before, behind), dilation, places, and the padded input."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    places: tuple[int, ...]
    extent: tuple[int, ...]

    def seen(self, tap):
        """Where, on the padded input, the given tap lies at all places of the kernel."""
        return tuple(
            slice(t * gap, t * gap + step * (n - 1) + 1, step)
            for t, gap, step, n in zip(tap, self.dilation, self.stride, self.places, strict=True)
        )

    def pad(self, x, fill=0.0):
        """`x` with its border."""
        border = [
            (before, whole - before - n)
            for (before, _), whole, n in zip(self.padding, self.extent, x.shape[2:], strict=True)
        ]
        return np.pad(x, [(0, 0), (0, 0), *border], constant_values=fill)


def layer(
    x: Float[np.ndarray, "n c *space"],
    w: Float[np.ndarray, "o i *kernel"],
    b: Float[np.ndarray, " o"] | None = None,
    *,
    stride: PerAxis = 1,
    padding: Padding = 0,
    dilation: PerAxis = 1,
    groups: int = 1,
) -> Float[np.ndarray, "n o *places"]:
    """Convolutional layer: each output channel sums cross-correlations with the input channels.

    Parameters
    ----------
    x : array (n, c, space…)
        One axis of space or more.
    w : array (o, c / groups, kernel…)
        Kernels. They are not flipped.
    b : array (o,), optional
        A bias for each output channel.
    stride, dilation : int or one per axis
        Steps between places, and between the taps of the kernel.
    padding : int, mode, or one per axis
        Zeros per side; along an axis also a pair (before, behind), or "full", "same", "valid".
    groups : int
        The channels are split into this many groups that do not see one another.

    Raises
    ------
    ValueError
        If an array is empty or not finite, or if shapes or settings do not fit.

    Examples
    --------
    >>> x = np.array([[[1.0, 2.0, 3.0, 4.0]]])
    >>> layer(x, np.array([[[1.0, 0.0, 2.0]]]))
    array([[[ 7., 10.]]])
    >>> layer(x, np.array([[[1.0, 0.0, 2.0]]]), padding=1, stride=2)
    array([[[ 4., 10.]]])
    """
    x, w = _images("x", x), _images("w", w)
    _same_axes("x", x, "w", w)
    _check_groups(groups, x.shape[1], len(w))
    if x.shape[1] != groups * w.shape[1]:
        raise ValueError(
            f"x {x.shape} has {x.shape[1]} channels, "
            f"w {w.shape} in {groups} groups takes {groups * w.shape[1]}"
        )
    window = _window(x.shape[2:], w.shape[2:], stride, padding, dilation)
    padded = window.pad(x)
    out = np.zeros((len(x), len(w), *window.places))
    for tap in np.ndindex(*window.kernel):
        weights = _split(w[:, :, *tap], groups, axis=0)
        pixels = _split(padded[:, :, *window.seen(tap)], groups, axis=1)
        out += np.einsum("goc,ngc...->ngo...", weights, pixels).reshape(out.shape)
    if b is None:
        return out
    b = _checks.reals("b", b, ndim=1)
    if len(b) != len(w):
        raise ValueError(f"w {w.shape} has {len(w)} outputs, b {b.shape} has {len(b)} entries")
    return out + b.reshape(-1, *[1] * (x.ndim - 2))


def transposed_layer(
    g: Float[np.ndarray, "n o *places"],
    w: Float[np.ndarray, "o i *kernel"],
    *,
    size: PerAxis | None = None,
    stride: PerAxis = 1,
    padding: Padding = 0,
    dilation: PerAxis = 1,
    groups: int = 1,
) -> Float[np.ndarray, "n c *space"]:
    """Adjoint of `layer`: the transpose of its matrix, applied to `g`.

    Every entry of `g` goes back to the places from which `layer` collected it. This is the gradient
    of `layer` in its input, and the upsampling layer that is called transposed convolution.

    Parameters
    ----------
    g : array (n, o, places…)
    w : array (o, c / groups, kernel…)
        As for `layer`, whose outputs are the inputs here.
    size : int or one per axis, optional
        Size of the result. Left out, it is the smallest one, that of `transposed_size`.
    stride, padding, dilation, groups
        As for `layer`.

    Raises
    ------
    ValueError
        If shapes or settings do not fit, or `layer` would not make places… from `size`.

    References
    ----------
    :cite:`dumoulin2016`, chapter 4.

    Examples
    --------
    >>> transposed_layer(np.array([[[1.0, 10.0]]]), np.array([[[1.0, 0.0, 2.0]]]), stride=2)
    array([[[ 1.,  0., 12.,  0., 20.]]])
    """
    g, w = _images("g", g), _images("w", w)
    _same_axes("g", g, "w", w)
    if g.shape[1] != len(w):
        raise ValueError(f"g {g.shape} has {g.shape[1]} channels, w {w.shape} has {len(w)} outputs")
    _check_groups(groups, groups * w.shape[1], len(w))
    kernel, axes = w.shape[2:], w.ndim - 2
    if size is None:
        steps, gaps = _per_axis("stride", stride, axes), _per_axis("dilation", dilation, axes)
        pads = _paddings(padding, kernel, steps, gaps)
        size = tuple(map(transposed_size, g.shape[2:], kernel, steps, pads, gaps))
    size = _per_axis("size", size, axes)
    window = _window(size, kernel, stride, padding, dilation)
    if window.places != g.shape[2:]:
        raise ValueError(
            f"g {g.shape} has places {g.shape[2:]}, but from size {size} the layer makes "
            f"{window.places}"
        )
    spread = np.zeros((len(g), groups * w.shape[1], *window.extent))
    for tap in np.ndindex(*kernel):
        weights, parts = _split(w[:, :, *tap], groups, axis=0), _split(g, groups, axis=1)
        pixels = spread[:, :, *window.seen(tap)]
        pixels += np.einsum("goc,ngo...->ngc...", weights, parts).reshape(pixels.shape)
    inside = (
        slice(before, before + n) for (before, _), n in zip(window.padding, size, strict=True)
    )
    return spread[:, :, *inside]


def weight_gradient(
    x: Float[np.ndarray, "n c *space"],
    g: Float[np.ndarray, "n o *places"],
    kernel: PerAxis,
    *,
    stride: PerAxis = 1,
    padding: Padding = 0,
    dilation: PerAxis = 1,
    groups: int = 1,
) -> Float[np.ndarray, "o i *kernel"]:
    """Gradient of a loss in the weights of `layer`, from its gradient `g` in the layer's output.

    One weight is used at every place of every example, so its gradient sums over all of them.

    Parameters
    ----------
    x : array (n, c, space…)
    g : array (n, o, places…)
    kernel : int or one per axis
        Size of the kernel.
    stride, padding, dilation, groups
        As for `layer`.

    Raises
    ------
    ValueError
        If shapes or settings do not fit.

    Examples
    --------
    >>> weight_gradient(np.array([[[1.0, 2.0, 3.0, 4.0]]]), np.array([[[1.0, 10.0]]]), 3)
    array([[[21., 32., 43.]]])
    """
    x, g = _images("x", x), _images("g", g)
    _same_axes("x", x, "g", g)
    _check_groups(groups, x.shape[1], g.shape[1])
    kernel = _per_axis("kernel", kernel, x.ndim - 2)
    window = _window(x.shape[2:], kernel, stride, padding, dilation)
    if (len(g), *g.shape[2:]) != (len(x), *window.places):
        raise ValueError(
            f"g {g.shape} must hold {len(x)} examples with places {window.places}, "
            f"because x is {x.shape}"
        )
    padded, parts = window.pad(x), _split(g, groups, axis=1)
    gradient = np.zeros((g.shape[1], x.shape[1] // groups, *kernel))
    for tap in np.ndindex(*kernel):
        pixels = _split(padded[:, :, *window.seen(tap)], groups, axis=1)
        products = np.einsum("ngop,ngcp->goc", _flat(parts, 3), _flat(pixels, 3))
        gradient[:, :, *tap] = products.reshape(gradient.shape[:2])
    return gradient


# Pooling.


def max_pool(
    x: Float[np.ndarray, "n c *space"],
    kernel: PerAxis,
    stride: PerAxis | None = None,
    padding: Padding = 0,
    ceil: bool = False,
) -> Float[np.ndarray, "n c *places"]:
    """Largest entry of each window, channel by channel.

    Parameters
    ----------
    x : array (n, c, space…)
    kernel : int or one per axis
    stride : int or one per axis, optional
        Left out, the windows lie side by side (stride = kernel).
    padding, ceil
        As for `output_size`. Entries outside of `x` never win.

    Raises
    ------
    ValueError
        If shapes or settings do not fit, or a window would lie outside of `x` altogether.

    Examples
    --------
    >>> max_pool(np.array([[[3.0, 1.0, 2.0, 5.0, 4.0]]]), 3, stride=2)
    array([[[3., 5.]]])
    """
    padded, window = _pooling_window(x, kernel, stride, padding, ceil, fill=-np.inf)
    taps = [padded[:, :, *window.seen(tap)] for tap in np.ndindex(*window.kernel)]
    return np.max(taps, axis=0)


def mean_pool(
    x: Float[np.ndarray, "n c *space"],
    kernel: PerAxis,
    stride: PerAxis | None = None,
    padding: Padding = 0,
    ceil: bool = False,
) -> Float[np.ndarray, "n c *places"]:
    """Mean of each window, channel by channel, over those of its entries that lie in `x`.

    Parameters, Raises
    ------------------
    As for `max_pool`.

    Examples
    --------
    >>> mean_pool(np.array([[[4.0, 2.0, 6.0, 8.0]]]), 2)
    array([[[3., 7.]]])
    >>> mean_pool(np.array([[[4.0, 2.0, 6.0, 8.0]]]), 2, padding=1)
    array([[[4., 4., 8.]]])
    """
    padded, window = _pooling_window(x, kernel, stride, padding, ceil, fill=np.nan)
    taps = [padded[:, :, *window.seen(tap)] for tap in np.ndindex(*window.kernel)]
    return np.nanmean(taps, axis=0)


def global_mean_pool(x: Float[np.ndarray, "n c *space"]) -> Float[np.ndarray, "n c"]:
    """Mean of each channel over all of space: as many numbers for an image of any size.

    References
    ----------
    :cite:`lin2014`, section 3.2.

    Examples
    --------
    >>> global_mean_pool(np.array([[[1.0, 3.0], [5.0, 6.0]]]))
    array([[2. , 5.5]])
    """
    x = _images("x", x)
    return _flat(x).mean(axis=-1)


def pyramid_pool(
    x: Float[np.ndarray, "n c *space"], levels: Sequence[int] = (1, 2, 4)
) -> Float[np.ndarray, "n features"]:
    """Spatial pyramid pooling: the maxima of bins that scale with the input.

    Level m cuts each axis into m bins, bin i from floor(i size / m) to ceil((i + 1) size / m), so
    that the number of features does not depend on the size.

    Parameters
    ----------
    x : array (n, c, space…)
    levels : sequence of int
        Bins along each axis.

    Returns
    -------
    array (n, features)
        Level after level; within a level channel after channel.

    Raises
    ------
    ValueError
        If `x` is not (n, c, space…), or a level is not a positive integer.

    References
    ----------
    :cite:`he2014`.

    Examples
    --------
    >>> pyramid_pool(np.array([[[3.0, 1.0, 2.0]]]), levels=(1, 2))  # bins of 2, the middle shared
    array([[3., 3., 2.]])
    """
    x = _images("x", x)
    _checks.sizes(**{f"levels[{i}]": m for i, m in enumerate(levels)})
    features = []
    for m in levels:
        bins = np.empty((*x.shape[:2], *[m] * (x.ndim - 2)))
        for index in np.ndindex(*bins.shape[2:]):
            part = x[:, :, *(
                slice(i * n // m, -(-(i + 1) * n // m))
                for i, n in zip(index, x.shape[2:], strict=True)
            )]  # fmt: skip
            bins[:, :, *index] = _flat(part).max(axis=-1)
        features.append(bins.reshape(len(x), -1))
    return np.concatenate(features, axis=1)


def _pooling_window(x, kernel, stride, padding, ceil, fill):
    x = _images("x", x)
    kernel = _per_axis("kernel", kernel, x.ndim - 2)
    window = _window(x.shape[2:], kernel, kernel if stride is None else stride, padding, 1, ceil)
    for size, (before, behind) in zip(kernel, window.padding, strict=True):
        if max(before, behind) >= size:
            raise ValueError(
                f"padding {max(before, behind)} with a kernel of {size}: "
                "a window would lie outside of x, and it has no entry to choose from"
            )
    return window.pad(x, fill), window


def _images(name, x):
    x = _checks.reals(name, x)
    if x.ndim < 3:
        raise ValueError(f"{name} must have 3 axes or more, but its shape is {x.shape}")
    return x


def _check_groups(groups, inputs, outputs):
    _checks.sizes(groups=groups)
    if inputs % groups or outputs % groups:
        raise ValueError(f"{inputs} inputs and {outputs} outputs do not split into {groups} groups")


def _per_axis(name, value, axes):
    values = (value,) * axes if isinstance(value, int | np.integer) else tuple(value)
    if len(values) != axes:
        raise ValueError(f"{name} {values} must be one integer, or one for each of {axes} axes")
    _checks.sizes(**{f"{name}[{i}]": entry for i, entry in enumerate(values)})
    return values


def _paddings(padding, kernel, stride, dilation):
    if isinstance(padding, int | np.integer | str):
        padding = (padding,) * len(kernel)
    if len(padding) != len(kernel):
        raise ValueError(f"padding {padding} must be one entry, or one for each of {len(kernel)}")
    return tuple(map(_pair, padding, kernel, stride, dilation))


def _window(space, kernel, stride, padding, dilation, ceil=False):
    axes = len(space)
    stride, dilation = _per_axis("stride", stride, axes), _per_axis("dilation", dilation, axes)
    padding = _paddings(padding, kernel, stride, dilation)
    settings = list(zip(space, kernel, stride, padding, dilation, strict=True))
    places = tuple(output_size(*axis, ceil=ceil) for axis in settings)
    extent = tuple(
        max(n + before + behind, step * (m - 1) + gap * (k - 1) + 1)
        for (n, k, step, (before, behind), gap), m in zip(settings, places, strict=True)
    )
    return _Window(kernel, stride, padding, dilation, places, extent)


def _split(array, groups, axis):
    """One axis in two: groups, and what a group holds."""
    shape = array.shape
    return array.reshape(*shape[:axis], groups, shape[axis] // groups, *shape[axis + 1 :])


def _flat(array, keep=2):
    """All axes of space in one; `keep` axes stand before them."""
    return array.reshape(*array.shape[:keep], -1)


# Stacks of layers, along one axis.


class Layer(NamedTuple):
    """Convolution or pooling along one axis; the settings are those of `output_size`."""

    kernel: int
    stride: int = 1
    padding: int | str | tuple[int, int] = 0
    dilation: int = 1


class Map(NamedTuple):
    """A feature map along one axis, and what its units see of the input.

    ``size`` units stand ``jump`` input pixels apart. Each sees ``field`` pixels (its receptive
    field); unit 0's begins at pixel ``start``, which is negative if it begins in the padding.
    """

    size: int
    jump: int
    field: int
    start: int

    def seen(self, unit: int) -> tuple[int, int]:
        """First and last pixel of a unit's field, counted from 0, padding included."""
        if not 0 <= unit < self.size:
            raise ValueError(f"unit {unit} is not one of 0 to {self.size - 1}")
        first = self.start + unit * self.jump
        return first, first + self.field - 1


def trace(n: int, layers: Sequence[Layer]) -> list[Map]:
    """Sizes, jumps and receptive fields along a stack: the input first, then each layer's map.

    A kernel of K taps sees its first tap's field and K - 1 more, each a jump (times the dilation)
    further on. The stride acts afterwards: it multiplies the jump of the layers that follow.

    Parameters
    ----------
    n : int
        Size of the input.
    layers : sequence of Layer
        First layer first.

    Raises
    ------
    ValueError
        As for `output_size`.

    References
    ----------
    :cite:`araujo2019`.

    Examples
    --------
    >>> trace(256, [Layer(3, padding=1), Layer(3, stride=2, padding=1)])[-1]
    Map(size=128, jump=2, field=5, start=-2)
    """
    _checks.sizes(n=n)
    maps = [Map(n, 1, 1, 0)]
    for layer in layers:
        kernel, stride, padding, dilation = layer
        size, jump, field, start = maps[-1]
        before, _ = _pair(padding, kernel, stride, dilation)
        maps.append(Map(
            size=output_size(size, kernel, stride, padding, dilation),
            jump=jump * stride,
            field=field + dilation * (kernel - 1) * jump,
            start=start - before * jump,
        ))  # fmt: skip
    return maps


def receptive_field(kernels: Sequence[int], strides: Sequence[int]) -> int:
    """Pixels along one axis that a unit of the last layer sees, without regard to the border.

    It is 1 plus, for each layer, its kernel less 1 times the strides of the layers *before* it.

    Parameters
    ----------
    kernels, strides : sequences of int
        First layer first.

    Raises
    ------
    ValueError
        If the sequences differ in length, or a size is not a positive integer.

    Examples
    --------
    >>> receptive_field([5] * 6, [1] * 6), receptive_field([3, 3], [1, 2])
    (25, 5)
    """
    if len(kernels) != len(strides):
        raise ValueError(
            f"{len(kernels)} kernels and {len(strides)} strides: one of each per layer"
        )
    field = jump = 1
    for kernel, stride in zip(kernels, strides, strict=True):
        _checks.sizes(kernel=kernel, stride=stride)
        field += (int(kernel) - 1) * jump
        jump *= int(stride)
    return field


def influence(layers: Sequence[Layer]) -> Float[np.ndarray, " field"]:
    """Share of all paths to one unit that begin at each pixel of its receptive field.

    It is the unit's gradient if every kernel takes the mean of its taps. If the weights of each
    layer are independent with mean zero and one variance, and no activation functions stand between
    the layers, it is the mean squared gradient, divided by its sum.

    Parameters
    ----------
    layers : sequence of Layer
        First layer first. The padding plays no part: a middle unit is meant.

    Returns
    -------
    array (field,)
        Its sum is 1.

    References
    ----------
    :cite:`luo2016`.

    Examples
    --------
    >>> influence([Layer(2), Layer(2)])
    array([0.25, 0.5 , 0.25])
    """
    shares = np.ones(1)
    for kernel, stride, _, dilation in reversed(layers):
        _checks.sizes(kernel=kernel, stride=stride, dilation=dilation)
        below = np.zeros((len(shares) - 1) * stride + dilation * (kernel - 1) + 1)
        for tap in range(kernel):
            begin = tap * dilation
            below[begin : begin + (len(shares) - 1) * stride + 1 : stride] += shares / kernel
        shares = below
    return shares


def width_of_mass(profile: Float[np.ndarray, " n"], share: float = 0.95) -> int:
    """Length of the shortest run of neighbouring entries that holds a share of a profile's sum.

    Parameters
    ----------
    profile : array (n,)
        No entry negative, not all zero.
    share : float
        Above 0, at most 1.

    Raises
    ------
    ValueError
        If an entry is negative, all are zero, or the share is out of range.

    Examples
    --------
    >>> width_of_mass(np.array([0.0, 1.0, 2.0, 1.0]), 0.75), width_of_mass(np.ones(4), 1.0)
    (2, 4)
    """
    profile = _checks.reals("profile", profile, ndim=1)
    if (profile < 0).any() or not profile.any():
        raise ValueError(f"profile must be positive somewhere, negative nowhere: {profile}")
    if not 0 < share <= 1:
        raise ValueError(f"share must lie above 0 and not above 1, but is {share}")
    sums = np.concatenate([[0.0], np.cumsum(profile)])
    needed = share * sums[-1] * (1 - 1e-12)
    for width in range(1, len(profile) + 1):
        if (sums[width:] - sums[:-width]).max() >= needed:
            return width
    raise AssertionError("the whole profile holds its own sum")


# Costs.


def parameter_count(
    inputs: int, outputs: int, kernel: PerAxis, groups: int = 1, bias: bool = True
) -> int:
    """Number of weights, and of biases if asked for, of a convolutional layer.

    The size of the image does not enter.

    Parameters
    ----------
    inputs, outputs : int
        Channels.
    kernel : int or one per axis
        An integer is the size along one axis: give (5, 5) for images.
    groups : int
    bias : bool
        Whether each output channel has a bias.

    Raises
    ------
    ValueError
        If a size is not a positive integer, or the channels do not split into the groups.

    Examples
    --------
    >>> parameter_count(3, 32, (3, 3))
    896
    """
    _checks.sizes(inputs=inputs, outputs=outputs)
    _check_groups(groups, inputs, outputs)
    kernel = (kernel,) if isinstance(kernel, int | np.integer) else tuple(kernel)
    _checks.sizes(**{f"kernel[{i}]": size for i, size in enumerate(kernel)})
    return outputs * (inputs // groups * int(np.prod(kernel)) + bias)


def multiplication_count(
    inputs: int, outputs: int, kernel: PerAxis, places: PerAxis, groups: int = 1
) -> int:
    """Number of multiplications of a convolutional layer for one example: weights times places.

    Parameters
    ----------
    inputs, outputs, kernel, groups
        As for `parameter_count`.
    places : int or one per axis
        Size of the output map.

    Raises
    ------
    ValueError
        As for `parameter_count`.

    Examples
    --------
    >>> multiplication_count(3, 32, (3, 3), (256, 256))
    56623104
    """
    places = (places,) if isinstance(places, int | np.integer) else tuple(places)
    _checks.sizes(**{f"places[{i}]": size for i, size in enumerate(places)})
    weights = parameter_count(inputs, outputs, kernel, groups, bias=False)
    return weights * int(np.prod(places))
