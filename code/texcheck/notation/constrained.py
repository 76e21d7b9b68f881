r"""Where a function is least on a set, or at a kink: what Newton's method over all columns misses.

On the unit vectors each step is one of Newton's method in the plane that touches the sphere. At a
kink no gradient vanishes, but where each entry has a slope of its own, a minimum is where that
slope changes its sign, which is found by bisection.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from ..errors import Undefined
from ..minimum import FLAT, ROUNDS, Objective, length_of, slopes

STARTS = 4
SAME = 1e-9  # relative difference of the values in which several starts end
REACHES = (1e-5, 1e-3, 0.03, 0.3, 1.0, 3.0, 30.0, 1e3)  # at which a slope must keep its sign
NARROW = 1e-13
Chart = Callable[[torch.Tensor], torch.Tensor]


def charted(name: str, sizes: list[int], ends: list[torch.Tensor]) -> tuple[int, Chart]:
    """How many free numbers an open set takes, and the member that they stand for."""
    count = int(np.prod(sizes)) if sizes else 1
    if name == "R+":
        return count, lambda u: torch.exp(u).reshape(sizes)
    if name == "interval":
        low, high = ends
        return count, lambda u: (low + (high - low) * torch.sigmoid(u)).reshape(sizes)
    if name == "simplex":
        last = torch.zeros(1, dtype=torch.float64)
        return count - 1, lambda u: torch.softmax(
            torch.cat([u.reshape(-1), last]), 0).reshape(sizes)
    return count, lambda u: u.reshape(sizes)


# ---- unit vectors ------------------------------------------------------------------------


def within(f: Objective, member: Chart) -> Objective:
    """A function of a member of a set, as one of the free numbers of a chart."""
    return lambda u: f(member(u))


def around(place: torch.Tensor) -> Chart:
    """The unit vectors around one of them, by the plane that touches the sphere there."""
    basis = torch.linalg.svd(place[None, :], full_matrices=True).Vh[1:].T

    def member(u: torch.Tensor) -> torch.Tensor:
        moved = place + basis @ u
        unit: torch.Tensor = moved / torch.linalg.vector_norm(moved)
        return unit

    return member


def on_sphere(f: Objective, size: int, op: str) -> tuple[torch.Tensor, bool]:
    """A unit vector at which a function is least, and whether it is the only one.

    Raises
    ------
    Undefined
        Where several starts end at different values, or none ends.
    """
    if size == 1:
        ends = [torch.tensor([end], dtype=torch.float64) for end in (1.0, -1.0)]
    else:
        rng = np.random.default_rng(0)
        starts = [torch.as_tensor(rng.normal(size=size)) for _ in range(STARTS)]
        ends = [rolled(f, s / torch.linalg.vector_norm(s), op) for s in starts]
    with torch.no_grad():
        found = [float(f(end)) for end in ends]
    least = min(found)
    close = [end for end, value in zip(ends, found, strict=True)
             if value - least <= SAME * max(1.0, abs(least))]
    if len(close) < len(ends) and size > 1:
        raise Undefined(f"{op}: several starts end at different places")
    return close[0], all(float((close[0] - other).abs().max()) < 1e-5 for other in close)


def rolled(f: Objective, place: torch.Tensor, op: str) -> torch.Tensor:
    """The end of Newton's method on the sphere, with steps that go down; no direction goes down
    from there."""
    for _ in range(ROUNDS):
        member = around(place)
        here = within(f, member)
        flat = torch.zeros(len(place) - 1, dtype=torch.float64)
        value, gradient, hessian = (x.detach() for x in slopes(here, flat))
        if not bool(torch.isfinite(hessian).all() and torch.isfinite(gradient).all()):
            break
        curves, basis = torch.linalg.eigh((hessian + hessian.T) / 2)
        most = float(curves.abs().max())
        if float(gradient.abs().max()) <= 1e-10 * max(most, abs(float(value)), 1e-300):
            if float(curves[0]) < -1e-7 * most:
                break
            return place
        sizes = curves.abs().clamp(min=max(1e-8 * most, 1e-300))
        step: torch.Tensor = basis @ ((basis.T @ gradient) / sizes)
        step = step / max(1.0, float(step.abs().max()))
        length = length_of(here, flat, step, value, gradient)
        if length is None:
            break
        place = member(flat - length * step)
    raise Undefined(f"{op}: no unit vector is found where the gradient vanishes along the sphere")


def sphere_value(f: Objective, size: int, op: str) -> tuple[torch.Tensor, Chart, torch.Tensor]:
    """The unit vector at which a function is least, as the place 0 of a chart around it, and the
    function there, tied to all that it depends on where its derivatives are known."""
    place, single = on_sphere(f, size, op)
    if op.startswith("arg") and not single:
        raise Undefined(f"{op}: more than one unit vector is such a place")
    member, flat = around(place), torch.zeros(size - 1, dtype=torch.float64)
    value = f(place)
    if size == 1 or not (value.requires_grad or op.startswith("arg")):
        return flat, member, value
    _, gradient, hessian = slopes(within(f, member), flat)
    curves = torch.linalg.eigvalsh(hessian.detach())
    if float(curves[0]) <= FLAT * float(curves.abs().max()):
        raise Undefined(f"{op}: the Hessian is singular there, so that the place is not known to "
                        "be a single one")
    for _ in range(2):
        _, gradient, hessian = slopes(within(f, member), flat)
        flat = flat - torch.linalg.inv(hessian) @ gradient
    return flat, member, f(member(flat))


# ---- kinks -------------------------------------------------------------------------------


def at_kink(f: Objective, size: int, op: str) -> torch.Tensor:
    """Where a function is least whose slope in each entry depends on that entry alone.

    Raises
    ------
    Undefined
        Where it does not, or does not change its sign once; or where the function jumps, or a
        derivative of the place is asked for.
    """
    nothing = torch.zeros(size, dtype=torch.float64)
    if f(nothing).requires_grad:
        raise Undefined(f"{op}: there is a kink, at which no derivative of it is found")

    def slope(u: torch.Tensor) -> torch.Tensor:
        leaf = u.detach().requires_grad_()
        value = f(leaf)
        gradient, = torch.autograd.grad(value, leaf, allow_unused=True)
        if gradient is None or not bool(torch.isfinite(gradient).all()):
            raise Undefined(f"{op}: a slope is not finite")
        return gradient

    if size > 1:
        check_apart(slope, size, op)
    low, high = bracketed(slope, size, op)
    while bool((high - low > NARROW * torch.maximum(low.abs(), high.abs()).clamp(min=1)).any()):
        middle = (low + high) / 2
        up = slope(middle) > 0
        low, high = torch.where(up, low, middle), torch.where(up, middle, high)
    place = torch.where((low <= 0) & (high >= 0), 0.0, (low + high) / 2)
    check_least(f, slope, place, op)
    return place


def bracketed(slope: Chart, size: int, op: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Places between which each slope changes from falling to rising."""
    reach = torch.ones(size, dtype=torch.float64)
    for _ in range(40):
        low, high = slope(-reach), slope(reach)
        if bool(((low < 0) & (high > 0)).all()):
            return -reach, reach
        reach = torch.where((low < 0) & (high > 0), reach, 3 * reach)
    raise Undefined(f"{op}: no place is found where the slope changes its sign")


def check_apart(slope: Chart, size: int, op: str) -> None:
    """Refuse a function whose slope in one entry moves with another one."""
    rng = np.random.default_rng(1)
    for _ in range(3):
        one, other = (torch.as_tensor(rng.normal(size=size)) for _ in range(2))
        picks = torch.as_tensor(rng.random(size) < 0.5)
        mixed = slope(torch.where(picks, one, other))
        apart = torch.where(picks, slope(one), slope(other))
        if float((mixed - apart).abs().max()) > 1e-9 * float(apart.abs().max()):
            raise Undefined(f"{op}: there is a kink, and the slope in one entry moves with "
                            "another: the place is not found")


def check_least(f: Objective, slope: Chart, place: torch.Tensor, op: str) -> None:
    """Refuse a place that is no minimum, not a single one, or at which the function jumps."""
    scale = float(place.abs().max().clamp(min=1))
    with torch.no_grad():
        here = f(place)
    for reach in REACHES:
        for side in (-1, 1):
            there = place + side * reach * scale
            found = side * slope(there)
            if bool((found < 0).any()) or (op.startswith("arg") and bool((found == 0).any())):
                raise Undefined(f"{op}: the place is not a single one")
            if reach == REACHES[0]:
                with torch.no_grad():
                    rise = f(there) - here
                if float(rise) > 2 * reach * scale * float(found.sum()) + 1e-12 * (
                        1 + abs(float(here))):
                    raise Undefined(f"{op}: the formula jumps there")
