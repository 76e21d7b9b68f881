"""Edits within modules: a run is repeated where the result may differ, and mostly only there.

Each row edits a module of a small project. What is then given for its cells, from the store or by
running, must be what running from nothing gives; the row says whether they have to run. Rows that
must not run show that the edit of a function that was not called costs nothing.
"""

import random
from types import SimpleNamespace
from typing import NamedTuple

import pytest
from execution import sources
from execution.pool import Pool
from execution.store import Store
from execution.tracing import Observer, digest


class Edit(NamedTuple):
    """What a module was and becomes, what a cell makes of it, and whether it has to run again."""

    before: str
    after: str
    cell: str
    runs: bool
    others: dict = {}  # noqa: RUF012 (never changed)
    new: dict = {}  # noqa: RUF012 (files that come with the edit)


def two(called, other, *rest, runs, cell="import m\nm.f()", **more):
    """A module whose text has a part that is replaced."""
    return Edit(called, other, cell, runs, *rest, **more)


F = "def f():\n    return 1\n\n\n"
G = "def g():\n    return 2\n\n\n"
G3 = "def g():\n    x = 3\n    return x + 0\n\n\n"

EDITS = {
    # --- must not run
    "function that is not called": two(F + G, F + G3, runs=False),
    "longer function above": two(G + F, G3 + F, runs=False),
    "method that is not called": two(
        "class C:\n    def a(self):\n        return 1\n\n    def b(self):\n        return 2\n",
        "class C:\n    def a(self):\n        return 1\n\n    def b(self):\n        return 3\n",
        cell="import m\nm.C().a()", runs=False),
    "function with the same name in another class": two(
        "class A:\n    def f(self):\n        return 1\n\n\nclass B:\n    def f(self):\n        return 2\n",
        "class A:\n    def f(self):\n        return 1\n\n\nclass B:\n    def f(self):\n        return 3\n",
        cell="import m\nm.A().f()", runs=False),
    "setter that is not called": two(
        "class C:\n    @property\n    def p(self):\n        return 1\n\n    @p.setter\n    def p(self, x):\n"
        "        self.x = x\n",
        "class C:\n    @property\n    def p(self):\n        return 1\n\n    @p.setter\n    def p(self, x):\n"
        "        self.x = x + 1\n", cell="import m\nm.C().p", runs=False),
    "generator that is not started": two(
        F + "def g():\n    yield 1\n", F + "def g():\n    yield 2\n", cell="import m\nm.g()\nm.f()",
        runs=False),
    "function that is monkeypatched away": two(
        F + "def h():\n    return f()\n", F.replace("1", "5") + "def h():\n    return f()\n",
        cell="import m\nm.f = lambda: 7\nm.h()", runs=False),
    "comment": two(F, "# One.\n" + F.replace("return 1", "return 1  # one"), runs=False),
    "blank lines and quotes": two("def f():\n    return 'a'\n", "\n\n\ndef f():\n\n    return \"a\"\n",
                                  runs=False),
    "function that is not called, in another module": two(
        F, F, runs=False, others={"n": F + G}, new={"n": F + G3}, cell="import m, n\nm.f() + n.f()"),
    "nested function of one that is not called": two(
        F + "def g():\n    def h():\n        return 1\n    return h\n",
        F + "def g():\n    def h():\n        return 2\n    return h\n", runs=False),
    # --- must run
    "function that is called": two(F, F.replace("1", "4"), runs=True),
    "function called by a function": two(
        "def f():\n    return g()\n\n\n" + G, "def f():\n    return g()\n\n\n" + G3, runs=True),
    "function called by another module": two(
        F, F.replace("1", "4"), others={"n": "import m\n\ndef h():\n    return m.f()\n"},
        cell="import n\nn.h()", runs=True),
    "default argument": two("def f(x=1):\n    return x\n", "def f(x=2):\n    return x\n", runs=True),
    "default of a keyword": two("def f(*, x=1):\n    return x\n", "def f(*, x=2):\n    return x\n",
                                runs=True),
    "mutable default": two("def f(x=[1]):\n    return x\n", "def f(x=[1, 2]):\n    return x\n", runs=True),
    "default computed by a function": two(
        "def d():\n    return 1\n\n\ndef f(x=d()):\n    return x\n",
        "def d():\n    return 2\n\n\ndef f(x=d()):\n    return x\n", runs=True),
    "signature, read only": two(
        F + "def g(a, b):\n    return 1\n", F + "def g(a, c):\n    return 1\n",
        cell="import inspect, m\nstr(inspect.signature(m.g))", runs=True),
    "signature, in a message": two(
        F + "def g(a):\n    return 1\n", F + "def g(b):\n    return 1\n",
        cell="import m\ntry:\n    m.g()\nexcept TypeError as error:\n    print(error)", runs=True),
    "decorator added": two(
        "def d(f):\n    return lambda: 2\n\n\ndef f():\n    return 1\n",
        "def d(f):\n    return lambda: 2\n\n\n@d\ndef f():\n    return 1\n", runs=True),
    "body of a decorator": two(
        "def d(f):\n    return lambda: 2\n\n\n@d\ndef f():\n    return 1\n",
        "def d(f):\n    return lambda: 3\n\n\n@d\ndef f():\n    return 1\n", runs=True),
    "order of decorators": two(
        "A = lambda f: lambda: f() + 1\nB = lambda f: lambda: f() * 2\n@A\n@B\ndef f():\n    return 1\n",
        "A = lambda f: lambda: f() + 1\nB = lambda f: lambda: f() * 2\n@B\n@A\ndef f():\n    return 1\n",
        runs=True),
    "function behind functools.cache": two(
        "import functools\n@functools.cache\ndef f():\n    return 1\n",
        "import functools\n@functools.cache\ndef f():\n    return 2\n", runs=True),
    "constant": two("X = 1\ndef f():\n    return X\n", "X = 2\ndef f():\n    return X\n", runs=True),
    "constant of another type": two("X = 1\ndef f():\n    return X\n", "X = 1.0\ndef f():\n    return X\n",
                                    runs=True),
    "constant that becomes negative zero": two(
        "def f():\n    return 0.0\n", "def f():\n    return -0.0\n", runs=True),
    "constant, by getattr": two("X = 1\n", "X = 2\n", cell="import m\ngetattr(m, 'X')", runs=True),
    "constant in a table": two("T = {'a': 1}\n", "T = {'a': 2}\n", cell="import m\nm.T['a']", runs=True),
    "members of a set in a test": two(
        "def f():\n    return 1 in {1, 2}\n", "def f():\n    return 1 in {3, 2}\n", runs=True),
    "lambda in a table": two("T = {'a': lambda: 1}\n", "T = {'a': lambda: 2}\n",
                             cell="import m\nm.T['a']()", runs=True),
    "function in a table": two(
        F + "T = {'a': f}\n", F.replace("1", "2") + "T = {'a': f}\n", cell="import m\nm.T['a']()", runs=True),
    "attribute looked up by name": two(F, F.replace("1", "2"), cell="import m\ngetattr(m, 'f')()", runs=True),
    "name by globals()": two(
        F + "def h():\n    return globals()['f']()\n",
        F.replace("1", "2") + "def h():\n    return globals()['f']()\n", cell="import m\nm.h()", runs=True),
    "name by eval": two(F, F.replace("1", "2"), cell="import m\neval('m.f()')", runs=True),
    "text for exec": two("S = 'def f():\\n    return 1'\nexec(S)\n", "S = 'def f():\\n    return 2'\nexec(S)\n",
                         runs=True),
    "whether a name is there": two(F, F + "def g():\n    return 1\n", cell="import m\nhasattr(m, 'g')",
                                   runs=True),
    "list of names": two(F, F + "def g():\n    return 1\n",
                         cell="import m\n[n for n in dir(m) if n[0] != '_']", runs=True),
    "star import": two(F, F + G, cell="from m import *\n'g' in globals()", runs=True),
    "__all__": two("__all__ = ['f']\n" + F + G, "__all__ = ['f', 'g']\n" + F + G,
                   cell="from m import *\n'g' in globals()", runs=True),
    "__getattr__ of a module": two(
        "def __getattr__(name):\n    return 1\n", "def __getattr__(name):\n    return 2\n",
        cell="import m\nm.anything", runs=True),
    "monkeypatch with another's function": two(
        F + G, F + G.replace("2", "6"), cell="import m\nm.f = m.g\nm.f()", runs=True),
    "code object that is exchanged": two(
        F + G, F + G.replace("2", "6"), cell="import m\nm.f.__code__ = m.g.__code__\nm.f()", runs=True),
    "module that is reloaded": two(
        "X = 1\n" + F, "X = 2\n" + F, cell="import importlib, m\nimportlib.reload(m)\nm.X", runs=True),
    "module that is imported afresh": two(
        F, F.replace("1", "2"), cell="import sys, m\ndel sys.modules['m']\nimport m\nm.f()", runs=True),
    "data class field": two(
        "from dataclasses import dataclass\n@dataclass\nclass C:\n    x: int = 1\n",
        "from dataclasses import dataclass\n@dataclass\nclass C:\n    x: int = 2\n",
        cell="import m\nm.C()", runs=True),
    "data class field renamed": two(
        "from dataclasses import dataclass\n@dataclass\nclass C:\n    x: int = 1\n",
        "from dataclasses import dataclass\n@dataclass\nclass C:\n    y: int = 1\n",
        cell="import m\nm.C()", runs=True),
    "default factory": two(
        "from dataclasses import dataclass, field\ndef d():\n    return 1\n@dataclass\nclass C:\n"
        "    x: int = field(default_factory=d)\n",
        "from dataclasses import dataclass, field\ndef d():\n    return 2\n@dataclass\nclass C:\n"
        "    x: int = field(default_factory=d)\n", cell="import m\nm.C()", runs=True),
    "named tuple": two(
        "from typing import NamedTuple\nclass C(NamedTuple):\n    x: int = 1\n",
        "from typing import NamedTuple\nclass C(NamedTuple):\n    x: int = 2\n", cell="import m\nm.C()",
        runs=True),
    "enumeration": two("import enum\nclass E(enum.Enum):\n    A = 1\n", "import enum\nclass E(enum.Enum):\n    A = 2\n",
                       cell="import m\nm.E.A.value", runs=True),
    "class attribute": two("class C:\n    x = 1\n", "class C:\n    x = 2\n", cell="import m\nm.C.x", runs=True),
    "property": two(
        "class C:\n    @property\n    def p(self):\n        return 1\n",
        "class C:\n    @property\n    def p(self):\n        return 2\n", cell="import m\nm.C().p", runs=True),
    "property that becomes a method": two(
        "class C:\n    @property\n    def p(self):\n        return 1\n",
        "class C:\n    def p(self):\n        return 1\n", cell="import m\ncallable(m.C().p)", runs=True),
    "setter": two(
        "class C:\n    @property\n    def p(self):\n        return self.x\n\n    @p.setter\n    def p(self, x):\n"
        "        self.x = x\n",
        "class C:\n    @property\n    def p(self):\n        return self.x\n\n    @p.setter\n    def p(self, x):\n"
        "        self.x = x + 1\n", cell="import m\nc = m.C()\nc.p = 1\nc.p", runs=True),
    "base class": two(
        "class A:\n    def f(self):\n        return 1\n\n\nclass B:\n    def f(self):\n        return 2\n\n\n"
        "class C(A):\n    pass\n",
        "class A:\n    def f(self):\n        return 1\n\n\nclass B:\n    def f(self):\n        return 2\n\n\n"
        "class C(B):\n    pass\n", cell="import m\nm.C().f()", runs=True),
    "inherited method": two(
        "class A:\n    def f(self):\n        return 1\n\n\nclass C(A):\n    pass\n",
        "class A:\n    def f(self):\n        return 3\n\n\nclass C(A):\n    pass\n", cell="import m\nm.C().f()",
        runs=True),
    "method that hides the inherited one": two(
        "class A:\n    def f(self):\n        return 1\n\n\nclass C(A):\n    pass\n",
        "class A:\n    def f(self):\n        return 1\n\n\nclass C(A):\n    def f(self):\n        return 2\n",
        cell="import m\nm.C().f()", runs=True),
    "super": two(
        "class A:\n    def f(self):\n        return 1\n\n\nclass C(A):\n    def f(self):\n"
        "        return super().f()\n",
        "class A:\n    def f(self):\n        return 4\n\n\nclass C(A):\n    def f(self):\n"
        "        return super().f()\n", cell="import m\nm.C().f()", runs=True),
    "__init_subclass__": two(
        "class A:\n    def __init_subclass__(cls):\n        cls.x = 1\n\n\nclass C(A):\n    pass\n",
        "class A:\n    def __init_subclass__(cls):\n        cls.x = 2\n\n\nclass C(A):\n    pass\n",
        cell="import m\nm.C.x", runs=True),
    "metaclass": two(
        "class M(type):\n    def __new__(k, n, b, d):\n        return type.__new__(k, n, b, {**d, 'x': 1})\n\n\n"
        "class C(metaclass=M):\n    pass\n",
        "class M(type):\n    def __new__(k, n, b, d):\n        return type.__new__(k, n, b, {**d, 'x': 2})\n\n\n"
        "class C(metaclass=M):\n    pass\n", cell="import m\nm.C.x", runs=True),
    "descriptor": two(
        "class D:\n    def __get__(self, o, k):\n        return 1\n\n\nclass C:\n    x = D()\n",
        "class D:\n    def __get__(self, o, k):\n        return 2\n\n\nclass C:\n    x = D()\n",
        cell="import m\nm.C.x", runs=True),
    "operator": two(
        "class C:\n    def __add__(self, other):\n        return 1\n",
        "class C:\n    def __add__(self, other):\n        return 2\n", cell="import m\nm.C() + 0", runs=True),
    "__repr__": two(
        "class C:\n    def __repr__(self):\n        return 'one'\n",
        "class C:\n    def __repr__(self):\n        return 'two'\n", cell="import m\nm.C()", runs=True),
    "__del__": two(
        "class C:\n    def __del__(self):\n        print(1)\n", "class C:\n    def __del__(self):\n        print(2)\n",
        cell="import m\nm.C() and None", runs=True),
    "context manager": two(
        "import contextlib\n@contextlib.contextmanager\ndef f():\n    yield 1\n",
        "import contextlib\n@contextlib.contextmanager\ndef f():\n    yield 2\n",
        cell="import m\nwith m.f() as x:\n    print(x)", runs=True),
    "slots": two("class C:\n    __slots__ = ('a',)\n", "class C:\n    __slots__ = ('b',)\n",
                 cell="import m\nhasattr(m.C(), 'a') or m.C.__slots__", runs=True),
    "import moved inside a function": two(
        "import n\ndef f():\n    return n.x\n", "def f():\n    import n\n    return n.x\n",
        others={"n": "x = 1\n"}, cell="import sys, m\nprint('n' in sys.modules)\nm.f()", runs=True),
    "module imported inside a function": two(
        "def f():\n    import n\n    return n.x\n", "def f():\n    import n\n    return n.x\n",
        others={"n": "x = 1\n"}, new={"n": "x = 2\n"}, runs=True),
    "package that shadows a module": two(
        F, F, new={"m/__init__": F.replace("1", "9")}, runs=True),
    "module that comes to be there": two(
        "try:\n    import n\n    X = n.x\nexcept ImportError:\n    X = 0\n",
        "try:\n    import n\n    X = n.x\nexcept ImportError:\n    X = 0\n", new={"n": "x = 1\n"},
        cell="import m\nm.X", runs=True),
    "conditional definition": two(
        "if 1 < 2:\n    def f():\n        return 1\nelse:\n    def f():\n        return 2\n",
        "if 1 > 2:\n    def f():\n        return 1\nelse:\n    def f():\n        return 2\n", runs=True),
    "second definition of a name": two(
        "def f():\n    return 1\n\n\ndef f():\n    return 2\n", "def f():\n    return 1\n\n\ndef f():\n    return 3\n",
        runs=True),
    "functions that change places": two(
        "def f():\n    return 1\n\n\ndef f():\n    return 2\n", "def f():\n    return 2\n\n\ndef f():\n    return 1\n",
        runs=True),
    "deleted function": two(F + G, G, cell="import m\nhasattr(m, 'f')", runs=True),
    "renamed function": two(F, F.replace("f()", "h()"), cell="import m\nhasattr(m, 'f')", runs=True),
    "function that becomes a generator": two(
        "def f():\n    return 1\n", "def f():\n    yield 1\n",
        cell="import m, types\nisinstance(m.f(), types.GeneratorType)", runs=True),
    "generator that becomes a function, not started": two(
        "def f():\n    yield 1\n", "def f():\n    return 1\n",
        cell="import m, types\nisinstance(m.f(), types.GeneratorType)", runs=True),
    "kind of a function, asked only": two(
        "def f():\n    return 1\n", "def f():\n    yield 1\n",
        cell="import inspect, m\ninspect.isgeneratorfunction(m.f)", runs=True),
    "function that becomes asynchronous": two(
        "def f():\n    return 1\n", "async def f():\n    return 1\n",
        cell="import inspect, m\ninspect.iscoroutinefunction(m.f)", runs=True),
    "coroutine": two("async def f():\n    return 1\n", "async def f():\n    return 2\n",
                     cell="import m\nawait m.f()", runs=True),
    "generator": two("def f():\n    yield 1\n", "def f():\n    yield 2\n", cell="import m\nlist(m.f())",
                     runs=True),
    "end of a generator that was started": two(
        "def f():\n    yield 1\n    yield 2\n", "def f():\n    yield 1\n    yield 3\n",
        cell="import m\nfor x in m.f():\n    print(x)", runs=True),
    "nested function": two(
        "def f():\n    def h():\n        return 1\n    return h()\n",
        "def f():\n    def h():\n        return 2\n    return h()\n", runs=True),
    "closure": two(
        "def make(x):\n    def h():\n        return x\n    return h\nf = make(1)\n",
        "def make(x):\n    def h():\n        return x + 1\n    return h\nf = make(1)\n", runs=True),
    "class in a function": two(
        "def f():\n    class C:\n        x = 1\n    return C.x\n", "def f():\n    class C:\n        x = 2\n    return C.x\n",
        runs=True),
    "comprehension": two("X = [i for i in range(3)]\n", "X = [i + 1 for i in range(3)]\n",
                         cell="import m\nm.X", runs=True),
    "global changed by another function": two(
        "X = 1\ndef set_():\n    global X\n    X = 2\ndef f():\n    set_()\n    return X\n",
        "X = 1\ndef set_():\n    global X\n    X = 3\ndef f():\n    set_()\n    return X\n", runs=True),
    "global changed by the import of another module": two(
        "X = 1\ndef f():\n    return X\n", "X = 1\ndef f():\n    return X\n",
        others={"n": "import m\nm.X = 2\n"}, new={"n": "import m\nm.X = 3\n"},
        cell="import m, n\nm.f()", runs=True),
    "registration": two(
        "R = []\ndef reg(f):\n    R.append(f.__name__)\n    return f\n@reg\ndef f():\n    return 1\n",
        "R = []\ndef reg(f):\n    R.append(f.__name__)\n    return f\n@reg\ndef f():\n    return 1\n@reg\n"
        "def g():\n    return 1\n", cell="import m\nm.R", runs=True),
    "single dispatch": two(
        "import functools\n@functools.singledispatch\ndef f(x):\n    return 1\n@f.register\ndef _(x: int):\n"
        "    return 2\n",
        "import functools\n@functools.singledispatch\ndef f(x):\n    return 1\n@f.register\ndef _(x: str):\n"
        "    return 2\n", cell="import m\nm.f(1)", runs=True),
    "docstring, read": two(
        'def f():\n    """One."""\n', 'def f():\n    """Two."""\n', cell="import m\nm.f.__doc__", runs=True),
    "docstring of a function that is not called": two(
        'def f():\n    """One."""\n    return 1\n', 'def f():\n    """Two."""\n    return 1\n',
        cell="import m\ngetattr(m.f, '__do' + 'c__')", runs=True),
    "docstring of a class": two('class C:\n    """One."""\n', 'class C:\n    """Two."""\n',
                                cell="import m\nm.C.__doc__", runs=True),
    "help": two('def f():\n    """One."""\n', 'def f():\n    """Two."""\n', cell="import m\nhelp(m.f)", runs=True),
    "annotations": two(
        "def f(x: int):\n    return 1\n", "def f(x: str):\n    return 1\n",
        cell="import m\nm.f.__annotations__", runs=True),
    "annotations as text": two(
        "from __future__ import annotations\ndef f(x: int):\n    return 1\n",
        "from __future__ import annotations\ndef f(x: str):\n    return 1\n",
        cell="import m, typing\ntyping.get_type_hints(m.f)", runs=True),
    "annotated variable": two("x: int = 1\n", "x: float = 1\n", cell="import m\nm.__annotations__", runs=True),
    "inspect.getsource": two(
        F, "def f():\n    return 1  # one\n", cell="import inspect, m\nprint(inspect.getsource(m.f))", runs=True),
    "inspect.getsource of what is not called": two(
        F + G, F + G3, cell="import inspect, m\nprint(inspect.getsource(m.g))", runs=True),
    "inspect.getsource by another name": two(
        F + G, F + G3, cell="import inspect, m\nprint(getattr(inspect, 'get' + 'source')(m.g))", runs=True),
    "file of the module, opened": two(F, F + "# 1\n", cell="import m\nlen(open(m.__file__).read())", runs=True),
    "source by the loader": two(F, F + "# 1\n", cell="import m\nlen(m.__loader__.get_source('m'))", runs=True),
    "code by the loader": two(
        F + G, F + G3, cell="import m\n[c.co_consts for c in m.__loader__.get_code('m').co_consts[1:2]]\n"
        "len(m.__loader__.get_code('m').co_consts[2].co_consts)", runs=True),
    "size of the file": two(F, F + "# 1\n", cell="import m, os\nos.stat(m.__file__).st_size", runs=True),
    "file by runpy": two("X = 1\n", "X = 2\n", cell="import runpy\nrunpy.run_path('code/m.py')['X']", runs=True),
    "module by runpy": two("X = 1\n", "X = 2\n", cell="import runpy\nrunpy.run_module('m')['X']", runs=True),
    "module by its file": two(
        F, F.replace("1", "3"), cell="import importlib.util as u\ns = u.spec_from_file_location('z', 'code/m.py')\n"
        "z = u.module_from_spec(s)\ns.loader.exec_module(z)\nz.f()", runs=True),
    "constants of a code object": two(
        F + G, F + G.replace("2", "6"), cell="import m\n6 in m.g.__code__.co_consts", runs=True),
    "constants of a code object, by another name": two(
        F + G, F + G.replace("2", "6"), cell="import m\n6 in getattr(getattr(m.g, '__co' + 'de__'), 'co' + '_consts')",
        runs=True),
    "line of a function": two(
        F, "\n" + F, cell="import m\nm.f.__code__.co_firstlineno", runs=True),
    "line of a frame": two(
        "import sys\ndef f():\n    return sys._getframe().f_lineno\n",
        "import sys\n\ndef f():\n    return sys._getframe().f_lineno\n", runs=True),
    "line of a frame, by another name": two(
        "import sys\nG = getattr(sys, '_get' + 'frame')\ndef f():\n    return getattr(G(), 'f_li' + 'neno')\n",
        "import sys\n\nG = getattr(sys, '_get' + 'frame')\ndef f():\n    return getattr(G(), 'f_li' + 'neno')\n",
        runs=True),
    "line in a traceback": two(
        "def f():\n    raise ValueError\n", "\ndef f():\n    raise ValueError\n",
        cell="import m, traceback\ntry:\n    m.f()\nexcept ValueError:\n    print(traceback.format_exc())", runs=True),
    "line in a traceback, from the object": two(
        "def f():\n    raise ValueError\n", "\ndef f():\n    raise ValueError\n",
        cell="import m\ntry:\n    m.f()\nexcept ValueError as error:\n    print(error.__traceback__.tb_next.tb_lineno)",
        runs=True),
    "line in a summary": two(
        "def f():\n    raise ValueError\n", "\ndef f():\n    raise ValueError\n",
        cell="import m, traceback\ntry:\n    m.f()\nexcept ValueError as error:\n"
             "    print(traceback.extract_tb(error.__traceback__))", runs=True),
    "error that is shown": two(
        "def f():\n    raise ValueError\n", "\ndef f():\n    raise ValueError\n", cell="import m\nm.f()", runs=True),
    "line of a warning": two(
        "import warnings\ndef f():\n    warnings.warn('w')\n", "import warnings\n\ndef f():\n    warnings.warn('w')\n",
        cell="import m, warnings\nwith warnings.catch_warnings(record=True) as caught:\n    m.f()\n"
             "str(caught[0]).partition('lin')[2]", runs=True),
    "line in a log": two(
        "import logging\ndef f():\n    logging.warning('w')\n", "import logging\n\ndef f():\n    logging.warning('w')\n",
        cell="import logging, m\nlogging.basicConfig(format='%(lineno)d')\nm.f()", runs=True),
    "message of an assertion": two(
        "def f():\n    assert False, 'one'\n", "def f():\n    assert False, 'two'\n",
        cell="import m\ntry:\n    m.f()\nexcept AssertionError as error:\n    print(error)", runs=True),
    "branch that was not taken": two(
        "def f(x=0):\n    if x:\n        return 1\n    return 2\n", "def f(x=0):\n    if not x:\n        return 1\n    return 2\n",
        runs=True),
    "function called in a thread": two(
        F, F.replace("1", "2"), cell="import m, threading\nt = threading.Thread(target=lambda: print(m.f()))\n"
        "t.start()\nt.join()", runs=True),
    "function called in a process": two(
        "def f(x):\n    return x + 1\n", "def f(x):\n    return x + 2\n",
        cell="import m, multiprocessing\nwith multiprocessing.get_context('fork').Pool(1) as p:\n"
             "    print(p.map(m.f, [1]))", runs=True),
    "function called at the end of a process": two(
        F, F.replace("1", "2"), cell="import m, os\nr, w = os.pipe()\nif os.fork() == 0:\n"
        "    os.write(w, str(m.f()).encode())\n    os.kill(os.getpid(), 9)\n_ = os.wait()\nos.read(r, 9)", runs=True),
    "function called while it is garbage": two(
        "class C:\n    def __del__(self):\n        OUT.append(1)\nOUT = []\n",
        "class C:\n    def __del__(self):\n        OUT.append(2)\nOUT = []\n",
        cell="import gc, m\nm.C()\n_ = gc.collect()\nm.OUT", runs=True),
    "function called by sort": two(
        "def key(x):\n    return x\n", "def key(x):\n    return -x\n",
        cell="import m\nsorted([1, 2], key=m.key)", runs=True),
    "function given to NumPy": two(
        "def key(x):\n    return x + 1\n", "def key(x):\n    return x + 2\n",
        cell="import m, numpy as np\nnp.vectorize(m.key)([1, 2])", runs=True),
    "function under a profiler": two(
        F, F.replace("1", "2"), cell="import m, sys\nsys.setprofile(lambda *a: None)\nx = m.f()\nsys.setprofile(None)\nx",
        runs=True),
    "copy of a function": two(
        F, F.replace("1", "2"), cell="import copy, m, types\ntypes.FunctionType(m.f.__code__, {})()", runs=True),
    "pickled function": two(F, F.replace("1", "2"), cell="import m, pickle\npickle.loads(pickle.dumps(m.f))()",
                            runs=True),
    "encoding of the file": two(
        "# coding: utf-8\nX = '\u00e4'\n", "# coding: latin-1\nX = '\u00e4'\n", cell="import m\nlen(m.X)", runs=True),
    "future statement": two(
        "def f(x: 1 + 1):\n    return 1\n", "from __future__ import annotations\ndef f(x: 1 + 1):\n    return 1\n",
        cell="import m\nm.f.__annotations__", runs=True),
    "error in a function that is not called": two(F + G, F + "def g(:\n", runs=True),
    "warning of a function that is not called": two(F + G, F + "def g():\n    return 2 is 2\n", runs=True),
    "attributes that methods set": two(
        "class C:\n    def g(self):\n        self.x = 1\n", "class C:\n    def g(self):\n        self.y = 1\n",
        cell="import m\ngetattr(m.C, '__static_attributes__', None) or m.C().g()", runs=True),
}  # fmt: skip


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("pool"))
    with Pool(store, ["numpy"], 2) as pool:
        yield pool


class Project:
    """Modules in a folder and cells that use them, with or without a store."""

    def __init__(self, folder, pool):
        self.folder, self.pool = folder, pool
        (folder / "code").mkdir(parents=True)
        self.store = Store(folder / "store")

    def write(self, name, text):
        path = self.folder / f"code/{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def execute(self, cell):
        """Run a cell; return its outcome."""
        job = {
            "kind": "cells", "cells": [{"source": cell, "tags": ["raises-exception"]}],
            "cwd": str(self.folder), "root": str(self.folder), "folders": [str(self.folder / "code")],
            "apart": [str(self.store.folder)], "modules": str(self.store.modules), "limit": 30,
            "memory": 0, "programs": False, "allow_errors": False, "text": 10_000, "data": 10_000,
        }  # fmt: skip
        [(_, outcome)] = self.pool.run([job])
        return outcome

    def result(self, cell):
        """What the cell shows, and whether it had to run."""
        key = digest(cell)
        observer = Observer(self.folder, self.store.modules)
        if stored := self.store.find(key, observer):
            return self.store.load(key, stored.variant), False
        outcome = self.execute(cell)
        observed = outcome.pop("observed")
        outcome = {name: outcome[name] for name in ("outputs", "failures", "problems")}
        if observed is not None and not outcome["failures"] + outcome["problems"]:
            self.store.put(key, observed, {}, outcome)
        return outcome, True


@pytest.fixture
def project(tmp_path, pool):
    return Project(tmp_path / "project", pool)


@pytest.mark.parametrize("name", EDITS)
def test_edit_gives_what_running_from_nothing_gives(name, project, tmp_path, pool):
    edit = EDITS[name]
    for other, text in {"m": edit.before, **edit.others}.items():
        project.write(other, text)
    first, ran = project.result(edit.cell)
    assert ran
    assert first["failures"] + first["problems"] == []
    assert project.result(edit.cell) == (first, False)
    clean = Project(tmp_path / "clean", pool)
    for other, text in {"m": edit.after, **edit.others, **edit.new}.items():
        project.write(other, text)
        clean.write(other, text)
    again, ran = project.result(edit.cell)
    assert plain(again) == plain(clean.result(edit.cell)[0])
    assert ran == edit.runs


def plain(outcome):
    return str(sorted(outcome.items())).replace("project/", "").replace("clean/", "")


def test_rows_of_the_table_tell_something(project):
    """Of the edits that must run, most change the result: the table would find a stale one."""
    kept = []
    for name, edit in EDITS.items():
        if edit.runs and edit.before != edit.after and not edit.new:
            project.write("m", edit.before)
            for other, text in edit.others.items():
                project.write(other, text)
            before = project.execute(edit.cell)
            project.write("m", edit.after)
            after = project.execute(edit.cell)
            if [before[k] for k in ("outputs", "failures", "problems")] == [
                after[k] for k in ("outputs", "failures", "problems")
            ]:
                kept.append(name)
    assert len(kept) <= 12, kept


def generated(generator, functions):
    """A module of functions that call one another, without cycles, and constants."""
    calls = {k: generator.sample(range(k), min(k, generator.randrange(3))) for k in range(functions)}
    values = [generator.randrange(100) for _ in range(functions)]

    def text():
        parts = []
        for k in range(functions):
            terms = [str(values[k]), *(f"f{j}()" for j in calls[k])]
            lines = [f"    x = {' + '.join(terms)}", "    return x"]
            lines[1:1] = ["    x += 0"] * (values[k] % 3)
            parts.append("\n".join([f"def f{k}():", *lines, ""]))
        return "\n\n".join(parts)

    def reached(k):
        return {k}.union(*(reached(j) for j in calls[k]))

    return SimpleNamespace(text=text, values=values, reached=reached)


@pytest.mark.parametrize("seed", range(6))
def test_generated_modules(seed, project):
    """Of random call graphs, the functions that a cell reaches are those that count."""
    generator = random.Random(seed)
    module = generated(generator, 12)
    cells = [f"import m\nm.f{k}()" for k in generator.sample(range(12), 3)]
    project.write("m", module.text())
    assert all(project.result(cell)[1] for cell in cells)
    for _ in range(4):
        changed = generator.randrange(12)
        module.values[changed] += generator.randrange(1, 50)
        project.write("m", module.text())
        for cell in cells:
            outcome, ran = project.result(cell)
            assert ran == (changed in module.reached(int(cell.rpartition("f")[2][:-2])))
            assert plain(outcome) == plain({k: project.execute(cell)[k] for k in outcome})


def test_a_damaged_module_is_compiled_again(project):
    project.write("m", F)
    project.result("import m\nm.f()")
    for path in project.store.modules.iterdir():
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert project.execute("import m\nm.f()")["failures"] == []


def test_sources_know_their_parts(tmp_path):
    text = 'def f():\n    """One."""\n\n\nclass C:\n    def f(self):\n        def g(): pass\n\n    f2 = f\n'
    first = sources.read(text.encode(), "m.py", tmp_path)
    assert sorted(first.parts) == ["", "C.f", "f"]
    assert sources.read(text.encode(), "m.py", tmp_path).parts == first.parts
    assert len(list(tmp_path.iterdir())) == 1
    namespace = {}
    seen = []
    exec(first.code_that_tells(seen.append), namespace)
    assert (namespace["f"].__doc__, namespace["C"].f.__doc__, seen) == ("One.", None, [])
    for _ in range(2):
        namespace["f"]()
        namespace["C"]().f()
    assert seen == ["f", "C.f"]
