"""A second copy of a module in which every shape annotation is executed.

The modules name their shapes for the reader only (``if TYPE_CHECKING: from jaxtyping import …``),
so that they need nothing but NumPy. Here the guard is open, and each function checks the types
and shapes of what it takes and returns, also when the module calls itself.
"""

import importlib.util
import inspect
from types import ModuleType
from unittest import mock

from beartype import beartype
from jaxtyping import jaxtyped


def annotated(module: ModuleType) -> ModuleType:
    """A copy of `module` whose annotated functions run under jaxtyping and beartype."""
    spec = importlib.util.spec_from_file_location(module.__name__, module.__file__)
    copy = importlib.util.module_from_spec(spec)
    with mock.patch("typing.TYPE_CHECKING", True):
        spec.loader.exec_module(copy)
    for name, function in inspect.getmembers(copy, inspect.isfunction):
        if function.__module__ == module.__name__ and function.__annotations__:
            setattr(copy, name, jaxtyped(typechecker=beartype)(function))
    return copy
