"""What holds of every figure of a chapter."""

from fullmarks.plots import Sheet


def check(draw, result):
    """A sheet with the same bytes each time it is drawn; a tuple holds several arguments."""
    arguments = result if type(result) in (tuple, list) else (result,)
    first, second = draw(*arguments), draw(*arguments)
    assert isinstance(first, Sheet)
    assert first._repr_svg_() == second._repr_svg_()
    return first


def check_labels(sheet):
    """Every axis of a sheet says what it shows: alone, or for its row, or for all panels."""
    panels = [ax for ax in sheet.axes if ax.get_subplotspec()]
    bars = [ax for ax in sheet.axes if not ax.get_subplotspec()]  # of colours
    first = [ax for ax in panels if ax.get_subplotspec().is_first_col()]
    assert all(ax.get_ylabel() or sheet.get_supylabel() for ax in first + bars)
    assert panels[-1].get_xlabel() or sheet.get_supxlabel()


def public(plots):
    """Names of the figures of a module."""
    return {
        name for name, function in vars(plots).items()
        if not name.startswith("_") and getattr(function, "__module__", "") == plots.__name__
    }
