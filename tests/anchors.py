"""Edits of the code behind the anchor of a derivation: the table of ``test_calls``.

Each says what the module ``lesson.m`` was and becomes. At first ``m.f(x)`` is twice x, as the
derivation defines it. ``judged`` says whether the derivation has to be judged again, ``holds``
whether it holds afterwards. ``others`` are more files below ``lesson``; ``new`` are those that
come or change with the edit.
"""

from textwrap import dedent
from typing import NamedTuple

DERIVATION = r"""let: x \in \mathbb{R}
def: g(u) = 2u
code: g(x) == lesson.m.f(x)
claim: g(x)
= x + x
"""


class Edit(NamedTuple):
    """The module before and after, and what that means for a derivation tied to it."""

    before: str
    after: str
    judged: bool = True
    holds: bool = False
    others: dict = {}  # noqa: RUF012 (never changed)
    new: dict = {}  # noqa: RUF012


def replaced(text, old, new, **rest):
    """The edit that puts `new` where `old` stands once."""
    text = dedent(text)
    assert text.count(old) == 1, (text, old)
    return Edit(text, text.replace(old, new), **rest)


F = "def f(x):\n    return 2 * x\n"
FREE = {"judged": False, "holds": True}  # edits of what nobody executes

ANCHORS = {
    # What is not executed may change.
    "another function": replaced(
        F + "\n\ndef g(x):\n    return x\n", "return x", "return -x", **FREE),
    "a longer function above": replaced(
        "def g(x):\n    return x\n\n\n" + F, "return x", "y = x\n    return y + 0", **FREE),
    "a comment": replaced(F, "def f", "# Twice.\ndef f", **FREE),
    "another way to write a literal": replaced(F, "2 * x", "0x2 * (x)", **FREE),
    "a method that is not called": replaced("""\
        class C:
            def a(self, x):
                return 2 * x

            def b(self, x):
                return x


        f = C().a
        """, "return x", "return -x", **FREE),
    "a function of a module that is imported": Edit(
        "from lesson import n\n\n\n" + F.replace("2", "n.two()"),
        "from lesson import n\n\n\n" + F.replace("2", "n.two()"),
        others={"n.py": "def two():\n    return 2\n\n\ndef three():\n    return 3\n"},
        new={"n.py": "def two():\n    return 2\n\n\ndef three():\n    return 4\n"}, **FREE),
    "a module that is not imported": Edit(F, F, others={"n.py": "A = 1\n"},
                                          new={"n.py": "A = 2\n"}, **FREE),
    "a new module that nobody imports": Edit(F, F, new={"n.py": "A = 2\n"}, **FREE),
    "a branch's function that no draw reaches": replaced("""\
        def f(x):
            return g(x) if abs(x) > 1e300 else 2 * x


        def g(x):
            return x
        """, "return x", "return -x", **FREE),
    # What is executed may not, in whatever way it is reached.
    "the function": replaced(F, "2 * x", "3 * x"),
    "the function, with the same values": replaced(F, "2 * x", "x + x", holds=True),
    "the name of the function": replaced(F, "def f", "def h"),
    "a syntax error": replaced(F, "return", "return return"),
    "an import that fails": replaced(F, "def f", "import nonesuch\n\n\ndef f"),
    "a default argument": replaced(
        "def f(x, factor=2):\n    return factor * x\n", "factor=2", "factor=3"),
    "a default of a keyword": replaced(
        "def f(x, *, factor=2):\n    return factor * x\n", "factor=2", "factor=3"),
    "a constant": replaced("A = 2\n\n\ndef f(x):\n    return A * x\n", "A = 2", "A = 3"),
    "a constant that is computed": replaced(
        "A = sum(k for k in (1, 1))\n\n\ndef f(x):\n    return A * x\n", "(1, 1)", "(1, 2)"),
    "a constant that is set twice": replaced(
        "A = 2\n\n\ndef f(x):\n    return A * x\n\n\nB = 1\n", "B = 1", "A = 1"),
    "a constant of another module": Edit(
        "from lesson.n import A\n\n\ndef f(x):\n    return A * x\n",
        "from lesson.n import A\n\n\ndef f(x):\n    return A * x\n",
        others={"n.py": "A = 2\n"}, new={"n.py": "A = 3\n"}),
    "a constant by a star": Edit(
        "from lesson.n import *\n\n\ndef f(x):\n    return A * x\n",
        "from lesson.n import *\n\n\ndef f(x):\n    return A * x\n",
        others={"n.py": "A = 2\n"}, new={"n.py": "A = 2\n\n__all__ = []\n"}),
    "a function that is called": replaced(
        "def two():\n    return 2\n\n\ndef f(x):\n    return two() * x\n", "return 2", "return 3"),
    "a function of another module": Edit(
        "import lesson.n\n\n\ndef f(x):\n    return lesson.n.two() * x\n",
        "import lesson.n\n\n\ndef f(x):\n    return lesson.n.two() * x\n",
        others={"n.py": "def two():\n    return 2\n"}, new={"n.py": "def two():\n    return 3\n"}),
    "a function that is imported late": Edit(
        "def f(x):\n    from lesson.n import two\n    return two() * x\n",
        "def f(x):\n    from lesson.n import two\n    return two() * x\n",
        others={"n.py": "def two():\n    return 2\n"}, new={"n.py": "def two():\n    return 3\n"}),
    "an attribute by its name": replaced("""\
        import sys


        def _two():
            return 2


        def f(x):
            return getattr(sys.modules[__name__], "_" + "two")() * x
        """, "return 2", "return 3"),
    "a module by its name": Edit(
        'import importlib\n\n\ndef f(x):\n    return importlib.import_module("lesson.n").A * x\n',
        'import importlib\n\n\ndef f(x):\n    return importlib.import_module("lesson.n").A * x\n',
        others={"n.py": "A = 2\n"}, new={"n.py": "A = 3\n"}),
    "an attribute that the module makes": replaced("""\
        def f(x):
            import lesson.m
            return lesson.m.A * x


        def __getattr__(name):
            if name == "A":
                return 2
            raise AttributeError(name)
        """, "return 2", "return 3"),
    "a decorator": replaced("""\
        def times(factor):
            return lambda function: lambda x: factor * function(x)


        @times(2)
        def f(x):
            return x
        """, "@times(2)", "@times(3)"),
    "what a decorator does": replaced("""\
        def twice(function):
            def inner(x):
                return 2 * function(x)
            return inner


        @twice
        def f(x):
            return x
        """, "2 * function", "3 * function"),
    "a decorator that is taken away": replaced("""\
        def twice(function):
            return lambda x: 2 * function(x)


        @twice
        def f(x):
            return x
        """, "@twice\n", ""),
    "a lambda": replaced("f = lambda x: 2 * x\n", "2 * x", "3 * x"),
    "a partial function": replaced("""\
        import functools


        def g(factor, x):
            return factor * x


        f = functools.partial(g, 2)
        f.__module__ = __name__
        """, "(g, 2)", "(g, 3)"),
    "a cached function": replaced("""\
        import functools


        @functools.cache
        def two():
            return 2


        A = two()


        def f(x):
            return two() * x
        """, "return 2", "return 3"),
    "a closure": replaced("""\
        def make():
            factor = 2

            def f(x):
                return factor * x
            return f


        f = make()
        """, "factor = 2", "factor = 3"),
    "a field of a data class": replaced("""\
        from dataclasses import dataclass


        @dataclass
        class C:
            factor: float = 2.0


        def f(x):
            return C().factor * x
        """, "= 2.0", "= 3.0"),
    "a field of a named tuple": replaced("""\
        from typing import NamedTuple


        class C(NamedTuple):
            factor: float = 2.0


        def f(x):
            return C().factor * x
        """, "= 2.0", "= 3.0"),
    "an attribute of a class": replaced(
        "class C:\n    A = 2\n\n\ndef f(x):\n    return C.A * x\n", "A = 2", "A = 3"),
    "a property": replaced("""\
        class C:
            @property
            def two(self):
                return 2


        def f(x):
            return C().two * x
        """, "return 2", "return 3"),
    "a method that is inherited": replaced("""\
        class B:
            def two(self):
                return 2


        class C(B):
            pass


        def f(x):
            return C().two() * x
        """, "return 2", "return 3"),
    "a method that hides another": replaced("""\
        class B:
            def two(self):
                return 2


        class C(B):
            pass


        def f(x):
            return C().two() * x
        """, "    pass", "    def two(self):\n        return 3"),
    "a metaclass": replaced("""\
        class M(type):
            def __call__(cls):
                return 2


        class C(metaclass=M):
            pass


        def f(x):
            return C() * x
        """, "return 2", "return 3"),
    "a special method": replaced("""\
        class C:
            def __rmul__(self, x):
                return x * 2


        def f(x):
            return float(x) * C()
        """, "x * 2", "x * 3"),
    "a member of an enumeration": replaced("""\
        import enum


        class C(enum.Enum):
            A = 2


        def f(x):
            return C.A.value * x
        """, "A = 2", "A = 3"),
    "a table of functions": replaced("""\
        TABLE = {}


        def known(function):
            TABLE[function.__name__] = function
            return function


        @known
        def two(x):
            return 2 * x


        def f(x):
            return TABLE["two"](x)
        """, "2 * x", "3 * x"),
    "a dispatch by type": replaced("""\
        import functools


        @functools.singledispatch
        def g(x):
            return 2 * x


        def f(x):
            return g(float(x))
        """, "\n\ndef f", "\n\n@g.register\ndef _(x: float):\n    return 3 * x\n\n\ndef f"),
    "what an import patches": Edit(
        F + "\n\nimport lesson.n\n", F + "\n\nimport lesson.n\n",
        others={"n.py": "A = 1\n"},
        new={"n.py": "import lesson.m\n\nlesson.m.f.__defaults__ = ()\n"
                     "lesson.m.f.__code__ = (lambda x: 3 * x).__code__\n"}),
    "what another import sets": Edit(
        "import lesson.n\n\nA = 2\nlesson.n.put()\n\n\ndef f(x):\n    return A * x\n",
        "import lesson.n\n\nA = 2\nlesson.n.put()\n\n\ndef f(x):\n    return A * x\n",
        others={"n.py": "def put():\n    pass\n"},
        new={"n.py": "def put():\n    import sys\n    sys.modules['lesson.m'].A = 3\n"}),
    "the package": Edit(F + "\n\nA = 1\n", F + "\n\nA = 1\n", others={"__init__.py": ""},
                        new={"__init__.py": "import lesson.m\n\nlesson.m.f = lambda x: 3 * x\n"}),
    "a module that another hides": Edit(
        "def f(x):\n    from lesson.n import A\n    return A * x\n",
        "def f(x):\n    from lesson.n import A\n    return A * x\n",
        others={"n.py": "A = 2\n"}, new={"n/__init__.py": "A = 3\n"}),
    "a module that was missing": Edit(
        "try:\n    from lesson.n import A\nexcept ImportError:\n    A = 2\n\n\n"
        "def f(x):\n    return A * x\n",
        "try:\n    from lesson.n import A\nexcept ImportError:\n    A = 2\n\n\n"
        "def f(x):\n    return A * x\n", new={"n.py": "A = 3\n"}),
    "a file that is read": Edit(
        "from pathlib import Path\n\n\n"
        "def f(x):\n    return float(Path(__file__).with_name('a.txt').read_text()) * x\n",
        "from pathlib import Path\n\n\n"
        "def f(x):\n    return float(Path(__file__).with_name('a.txt').read_text()) * x\n",
        others={"a.txt": "2\n"}, new={"a.txt": "3\n"}),
    "whether a file is there": Edit(
        "from pathlib import Path\n\n\n"
        "def f(x):\n    return (3 if Path(__file__).with_name('a.txt').exists() else 2) * x\n",
        "from pathlib import Path\n\n\n"
        "def f(x):\n    return (3 if Path(__file__).with_name('a.txt').exists() else 2) * x\n",
        new={"a.txt": ""}),
    "which files are there": Edit(
        "import os\n\n\n"
        "def f(x):\n    return len(os.listdir(os.path.dirname(__file__))) * x\n",
        "import os\n\n\n"
        "def f(x):\n    return len(os.listdir(os.path.dirname(__file__))) * x\n",
        new={"a.txt": ""}),
    "a docstring that is read": replaced(
        'def two():\n    """2"""\n\n\ndef f(x):\n    return float(two.__doc__) * x\n',
        '"""2"""', '"""3"""'),
    "the source that is read": replaced("""\
        import inspect


        def f(x):
            return len(inspect.getsource(g).splitlines()) * x


        def g():
            return 1
        """, "    return 1", "    # More.\n    return 1"),
    "the line that is asked for": replaced("""\
        def f(x):
            return (f.__code__.co_firstlineno + 1) * x
        """, "def f", "\ndef f"),
    "an annotation that is read": replaced("""\
        def g(a: 2):
            return a


        def f(x):
            return g.__annotations__["a"] * x
        """, "a: 2", "a: 3"),
    "the number of arguments": replaced("""\
        import inspect


        def g(a, b):
            return a


        def f(x):
            return len(inspect.signature(g).parameters) * x
        """, "a, b", "a, b, c"),
    "a generator": replaced("""\
        def g():
            yield 1
            yield 1


        def f(x):
            return sum(g()) * x
        """, "    yield 1\n    yield 1", "    yield 1\n    yield 2"),
    "a function that is reached at corners only": replaced("""\
        def f(x):
            return g(x) if abs(x) > 100 else 2 * x


        def g(x):
            return 2 * x
        """, "return 2 * x\n", "return 3 * x\n"),
}
