"""Edits of modules of a small project: the table of ``test_functions``.

Each tells what the module ``m`` was and becomes, what a cell makes of it, and whether the cell has
to run again. ``others`` are more modules; ``new`` are those that come or change with the edit.
"""

from typing import NamedTuple


class Edit(NamedTuple):
    """What a module was and becomes, what a cell makes of it, and whether it has to run again."""

    runs: bool
    before: str
    after: str
    cell: str = "import m\nm.f()"
    others: dict = {}  # noqa: RUF012 (never changed)
    new: dict = {}  # noqa: RUF012


EDITS = {
    "function that is not called": Edit(
        runs=False,
        before="""\
def f():
    return 1


def g():
    return 2
""",
        after="""\
def f():
    return 1


def g():
    x = 3
    return x + 0
""",
    ),
    "longer function above": Edit(
        runs=False,
        before="""\
def g():
    return 2


def f():
    return 1
""",
        after="""\
def g():
    x = 3
    return x + 0


def f():
    return 1
""",
    ),
    "method that is not called": Edit(
        runs=False,
        before="""\
class C:
    def a(self):
        return 1

    def b(self):
        return 2
""",
        after="""\
class C:
    def a(self):
        return 1

    def b(self):
        return 3
""",
        cell="""\
import m
m.C().a()""",
    ),
    "function with the same name in another class": Edit(
        runs=False,
        before="""\
class A:
    def f(self):
        return 1


class B:
    def f(self):
        return 2
""",
        after="""\
class A:
    def f(self):
        return 1


class B:
    def f(self):
        return 3
""",
        cell="""\
import m
m.A().f()""",
    ),
    "setter that is not called": Edit(
        runs=False,
        before="""\
class C:
    @property
    def p(self):
        return 1

    @p.setter
    def p(self, x):
        self.x = x
""",
        after="""\
class C:
    @property
    def p(self):
        return 1

    @p.setter
    def p(self, x):
        self.x = x + 1
""",
        cell="""\
import m
m.C().p""",
    ),
    "generator that is not started": Edit(
        runs=False,
        before="""\
def f():
    return 1


def g():
    yield 1
""",
        after="""\
def f():
    return 1


def g():
    yield 2
""",
        cell="""\
import m
m.g()
m.f()""",
    ),
    "function that is monkeypatched away": Edit(
        runs=False,
        before="""\
def f():
    return 1


def h():
    return f()
""",
        after="""\
def f():
    return 5


def h():
    return f()
""",
        cell="""\
import m
m.f = lambda: 7
m.h()""",
    ),
    "comment": Edit(
        runs=False,
        before="""\
def f():
    return 1
""",
        after="""\
# One.
def f():
    return 1  # one
""",
    ),
    "blank lines and quotes": Edit(
        runs=False,
        before="""\
def f():
    return 'a'
""",
        after="""\



def f():

    return "a"
""",
    ),
    "function that is not called, in another module": Edit(
        runs=False,
        before="""\
def f():
    return 1
""",
        after="""\
def f():
    return 1
""",
        cell="""\
import m, n
m.f() + n.f()""",
        others={"n": """\
def f():
    return 1


def g():
    return 2
"""},
        new={"n": """\
def f():
    return 1


def g():
    x = 3
    return x + 0
"""},
    ),
    "nested function of one that is not called": Edit(
        runs=False,
        before="""\
def f():
    return 1


def g():
    def h():
        return 1
    return h
""",
        after="""\
def f():
    return 1


def g():
    def h():
        return 2
    return h
""",
    ),
    "function that is called": Edit(
        runs=True,
        before="""\
def f():
    return 1
""",
        after="""\
def f():
    return 4
""",
    ),
    "function called by a function": Edit(
        runs=True,
        before="""\
def f():
    return g()


def g():
    return 2
""",
        after="""\
def f():
    return g()


def g():
    x = 3
    return x + 0
""",
    ),
    "function called by another module": Edit(
        runs=True,
        before="""\
def f():
    return 1
""",
        after="""\
def f():
    return 4
""",
        cell="""\
import n
n.h()""",
        others={"n": """\
import m

def h():
    return m.f()
"""},
    ),
    "default argument": Edit(
        runs=True,
        before="""\
def f(x=1):
    return x
""",
        after="""\
def f(x=2):
    return x
""",
    ),
    "default of a keyword": Edit(
        runs=True,
        before="""\
def f(*, x=1):
    return x
""",
        after="""\
def f(*, x=2):
    return x
""",
    ),
    "mutable default": Edit(
        runs=True,
        before="""\
def f(x=[1]):
    return x
""",
        after="""\
def f(x=[1, 2]):
    return x
""",
    ),
    "default computed by a function": Edit(
        runs=True,
        before="""\
def d():
    return 1


def f(x=d()):
    return x
""",
        after="""\
def d():
    return 2


def f(x=d()):
    return x
""",
    ),
    "signature, read only": Edit(
        runs=True,
        before="""\
def f():
    return 1


def g(a, b):
    return 1
""",
        after="""\
def f():
    return 1


def g(a, c):
    return 1
""",
        cell="""\
import inspect, m
str(inspect.signature(m.g))""",
    ),
    "signature, in a message": Edit(
        runs=True,
        before="""\
def f():
    return 1


def g(a):
    return 1
""",
        after="""\
def f():
    return 1


def g(b):
    return 1
""",
        cell="""\
import m
try:
    m.g()
except TypeError as error:
    print(error)""",
    ),
    "decorator added": Edit(
        runs=True,
        before="""\
def d(f):
    return lambda: 2


def f():
    return 1
""",
        after="""\
def d(f):
    return lambda: 2


@d
def f():
    return 1
""",
    ),
    "body of a decorator": Edit(
        runs=True,
        before="""\
def d(f):
    return lambda: 2


@d
def f():
    return 1
""",
        after="""\
def d(f):
    return lambda: 3


@d
def f():
    return 1
""",
    ),
    "order of decorators": Edit(
        runs=True,
        before="""\
A = lambda f: lambda: f() + 1
B = lambda f: lambda: f() * 2
@A
@B
def f():
    return 1
""",
        after="""\
A = lambda f: lambda: f() + 1
B = lambda f: lambda: f() * 2
@B
@A
def f():
    return 1
""",
    ),
    "function behind functools.cache": Edit(
        runs=True,
        before="""\
import functools
@functools.cache
def f():
    return 1
""",
        after="""\
import functools
@functools.cache
def f():
    return 2
""",
    ),
    "constant": Edit(
        runs=True,
        before="""\
X = 1
def f():
    return X
""",
        after="""\
X = 2
def f():
    return X
""",
    ),
    "constant of another type": Edit(
        runs=True,
        before="""\
X = 1
def f():
    return X
""",
        after="""\
X = 1.0
def f():
    return X
""",
    ),
    "constant that becomes negative zero": Edit(
        runs=True,
        before="""\
def f():
    return 0.0
""",
        after="""\
def f():
    return -0.0
""",
    ),
    "constant, by getattr": Edit(
        runs=True,
        before="X = 1\n",
        after="X = 2\n",
        cell="""\
import m
getattr(m, 'X')""",
    ),
    "constant in a table": Edit(
        runs=True,
        before="T = {'a': 1}\n",
        after="T = {'a': 2}\n",
        cell="""\
import m
m.T['a']""",
    ),
    "members of a set in a test": Edit(
        runs=True,
        before="""\
def f():
    return 1 in {1, 2}
""",
        after="""\
def f():
    return 1 in {3, 2}
""",
    ),
    "lambda in a table": Edit(
        runs=True,
        before="T = {'a': lambda: 1}\n",
        after="T = {'a': lambda: 2}\n",
        cell="""\
import m
m.T['a']()""",
    ),
    "function in a table": Edit(
        runs=True,
        before="""\
def f():
    return 1


T = {'a': f}
""",
        after="""\
def f():
    return 2


T = {'a': f}
""",
        cell="""\
import m
m.T['a']()""",
    ),
    "attribute looked up by name": Edit(
        runs=True,
        before="""\
def f():
    return 1
""",
        after="""\
def f():
    return 2
""",
        cell="""\
import m
getattr(m, 'f')()""",
    ),
    "name by globals()": Edit(
        runs=True,
        before="""\
def f():
    return 1


def h():
    return globals()['f']()
""",
        after="""\
def f():
    return 2


def h():
    return globals()['f']()
""",
        cell="""\
import m
m.h()""",
    ),
    "name by eval": Edit(
        runs=True,
        before="""\
def f():
    return 1
""",
        after="""\
def f():
    return 2
""",
        cell="""\
import m
eval('m.f()')""",
    ),
    "text for exec": Edit(
        runs=True,
        before="""\
S = 'def f():\\n    return 1'
exec(S)
""",
        after="""\
S = 'def f():\\n    return 2'
exec(S)
""",
    ),
    "whether a name is there": Edit(
        runs=True,
        before="""\
def f():
    return 1
""",
        after="""\
def f():
    return 1


def g():
    return 1
""",
        cell="""\
import m
hasattr(m, 'g')""",
    ),
    "list of names": Edit(
        runs=True,
        before="""\
def f():
    return 1
""",
        after="""\
def f():
    return 1


def g():
    return 1
""",
        cell="""\
import m
[n for n in dir(m) if n[0] != '_']""",
    ),
    "star import": Edit(
        runs=True,
        before="""\
def f():
    return 1
""",
        after="""\
def f():
    return 1


def g():
    return 2
""",
        cell="""\
from m import *
'g' in globals()""",
    ),
    "__all__": Edit(
        runs=True,
        before="""\
__all__ = ['f']
def f():
    return 1


def g():
    return 2
""",
        after="""\
__all__ = ['f', 'g']
def f():
    return 1


def g():
    return 2
""",
        cell="""\
from m import *
'g' in globals()""",
    ),
    "__getattr__ of a module": Edit(
        runs=True,
        before="""\
def __getattr__(name):
    return 1
""",
        after="""\
def __getattr__(name):
    return 2
""",
        cell="""\
import m
m.anything""",
    ),
    "monkeypatch with another's function": Edit(
        runs=True,
        before="""\
def f():
    return 1


def g():
    return 2
""",
        after="""\
def f():
    return 1


def g():
    return 6
""",
        cell="""\
import m
m.f = m.g
m.f()""",
    ),
    "code object that is exchanged": Edit(
        runs=True,
        before="""\
def f():
    return 1


def g():
    return 2
""",
        after="""\
def f():
    return 1


def g():
    return 6
""",
        cell="""\
import m
m.f.__code__ = m.g.__code__
m.f()""",
    ),
    "module that is reloaded": Edit(
        runs=True,
        before="""\
X = 1
def f():
    return 1
""",
        after="""\
X = 2
def f():
    return 1
""",
        cell="""\
import importlib, m
importlib.reload(m)
m.X""",
    ),
    "module that is imported afresh": Edit(
        runs=True,
        before="""\
def f():
    return 1
""",
        after="""\
def f():
    return 2
""",
        cell="""\
import sys, m
del sys.modules['m']
import m
m.f()""",
    ),
    "data class field": Edit(
        runs=True,
        before="""\
from dataclasses import dataclass
@dataclass
class C:
    x: int = 1
""",
        after="""\
from dataclasses import dataclass
@dataclass
class C:
    x: int = 2
""",
        cell="""\
import m
m.C()""",
    ),
    "data class field renamed": Edit(
        runs=True,
        before="""\
from dataclasses import dataclass
@dataclass
class C:
    x: int = 1
""",
        after="""\
from dataclasses import dataclass
@dataclass
class C:
    y: int = 1
""",
        cell="""\
import m
m.C()""",
    ),
    "default factory": Edit(
        runs=True,
        before="""\
from dataclasses import dataclass, field
def d():
    return 1
@dataclass
class C:
    x: int = field(default_factory=d)
""",
        after="""\
from dataclasses import dataclass, field
def d():
    return 2
@dataclass
class C:
    x: int = field(default_factory=d)
""",
        cell="""\
import m
m.C()""",
    ),
    "named tuple": Edit(
        runs=True,
        before="""\
from typing import NamedTuple
class C(NamedTuple):
    x: int = 1
""",
        after="""\
from typing import NamedTuple
class C(NamedTuple):
    x: int = 2
""",
        cell="""\
import m
m.C()""",
    ),
    "enumeration": Edit(
        runs=True,
        before="""\
import enum
class E(enum.Enum):
    A = 1
""",
        after="""\
import enum
class E(enum.Enum):
    A = 2
""",
        cell="""\
import m
m.E.A.value""",
    ),
    "class attribute": Edit(
        runs=True,
        before="""\
class C:
    x = 1
""",
        after="""\
class C:
    x = 2
""",
        cell="""\
import m
m.C.x""",
    ),
    "property": Edit(
        runs=True,
        before="""\
class C:
    @property
    def p(self):
        return 1
""",
        after="""\
class C:
    @property
    def p(self):
        return 2
""",
        cell="""\
import m
m.C().p""",
    ),
    "property that becomes a method": Edit(
        runs=True,
        before="""\
class C:
    @property
    def p(self):
        return 1
""",
        after="""\
class C:
    def p(self):
        return 1
""",
        cell="""\
import m
callable(m.C().p)""",
    ),
    "setter": Edit(
        runs=True,
        before="""\
class C:
    @property
    def p(self):
        return self.x

    @p.setter
    def p(self, x):
        self.x = x
""",
        after="""\
class C:
    @property
    def p(self):
        return self.x

    @p.setter
    def p(self, x):
        self.x = x + 1
""",
        cell="""\
import m
c = m.C()
c.p = 1
c.p""",
    ),
    "base class": Edit(
        runs=True,
        before="""\
class A:
    def f(self):
        return 1


class B:
    def f(self):
        return 2


class C(A):
    pass
""",
        after="""\
class A:
    def f(self):
        return 1


class B:
    def f(self):
        return 2


class C(B):
    pass
""",
        cell="""\
import m
m.C().f()""",
    ),
    "inherited method": Edit(
        runs=True,
        before="""\
class A:
    def f(self):
        return 1


class C(A):
    pass
""",
        after="""\
class A:
    def f(self):
        return 3


class C(A):
    pass
""",
        cell="""\
import m
m.C().f()""",
    ),
    "method that hides the inherited one": Edit(
        runs=True,
        before="""\
class A:
    def f(self):
        return 1


class C(A):
    pass
""",
        after="""\
class A:
    def f(self):
        return 1


class C(A):
    def f(self):
        return 2
""",
        cell="""\
import m
m.C().f()""",
    ),
    "super": Edit(
        runs=True,
        before="""\
class A:
    def f(self):
        return 1


class C(A):
    def f(self):
        return super().f()
""",
        after="""\
class A:
    def f(self):
        return 4


class C(A):
    def f(self):
        return super().f()
""",
        cell="""\
import m
m.C().f()""",
    ),
    "__init_subclass__": Edit(
        runs=True,
        before="""\
class A:
    def __init_subclass__(cls):
        cls.x = 1


class C(A):
    pass
""",
        after="""\
class A:
    def __init_subclass__(cls):
        cls.x = 2


class C(A):
    pass
""",
        cell="""\
import m
m.C.x""",
    ),
    "metaclass": Edit(
        runs=True,
        before="""\
class M(type):
    def __new__(k, n, b, d):
        return type.__new__(k, n, b, {**d, 'x': 1})


class C(metaclass=M):
    pass
""",
        after="""\
class M(type):
    def __new__(k, n, b, d):
        return type.__new__(k, n, b, {**d, 'x': 2})


class C(metaclass=M):
    pass
""",
        cell="""\
import m
m.C.x""",
    ),
    "descriptor": Edit(
        runs=True,
        before="""\
class D:
    def __get__(self, o, k):
        return 1


class C:
    x = D()
""",
        after="""\
class D:
    def __get__(self, o, k):
        return 2


class C:
    x = D()
""",
        cell="""\
import m
m.C.x""",
    ),
    "operator": Edit(
        runs=True,
        before="""\
class C:
    def __add__(self, other):
        return 1
""",
        after="""\
class C:
    def __add__(self, other):
        return 2
""",
        cell="""\
import m
m.C() + 0""",
    ),
    "__repr__": Edit(
        runs=True,
        before="""\
class C:
    def __repr__(self):
        return 'one'
""",
        after="""\
class C:
    def __repr__(self):
        return 'two'
""",
        cell="""\
import m
m.C()""",
    ),
    "__del__": Edit(
        runs=True,
        before="""\
class C:
    def __del__(self):
        print(1)
""",
        after="""\
class C:
    def __del__(self):
        print(2)
""",
        cell="""\
import m
m.C() and None""",
    ),
    "context manager": Edit(
        runs=True,
        before="""\
import contextlib
@contextlib.contextmanager
def f():
    yield 1
""",
        after="""\
import contextlib
@contextlib.contextmanager
def f():
    yield 2
""",
        cell="""\
import m
with m.f() as x:
    print(x)""",
    ),
    "slots": Edit(
        runs=True,
        before="""\
class C:
    __slots__ = ('a',)
""",
        after="""\
class C:
    __slots__ = ('b',)
""",
        cell="""\
import m
hasattr(m.C(), 'a') or m.C.__slots__""",
    ),
    "import moved inside a function": Edit(
        runs=True,
        before="""\
import n
def f():
    return n.x
""",
        after="""\
def f():
    import n
    return n.x
""",
        cell="""\
import sys, m
print('n' in sys.modules)
m.f()""",
        others={"n": "x = 1\n"},
    ),
    "module imported inside a function": Edit(
        runs=True,
        before="""\
def f():
    import n
    return n.x
""",
        after="""\
def f():
    import n
    return n.x
""",
        others={"n": "x = 1\n"},
        new={"n": "x = 2\n"},
    ),
    "package that shadows a module": Edit(
        runs=True,
        before="""\
def f():
    return 1
""",
        after="""\
def f():
    return 1
""",
        new={"m/__init__": """\
def f():
    return 9
"""},
    ),
    "module that comes to be there": Edit(
        runs=True,
        before="""\
try:
    import n
    X = n.x
except ImportError:
    X = 0
""",
        after="""\
try:
    import n
    X = n.x
except ImportError:
    X = 0
""",
        cell="""\
import m
m.X""",
        new={"n": "x = 1\n"},
    ),
    "conditional definition": Edit(
        runs=True,
        before="""\
if 1 < 2:
    def f():
        return 1
else:
    def f():
        return 2
""",
        after="""\
if 1 > 2:
    def f():
        return 1
else:
    def f():
        return 2
""",
    ),
    "second definition of a name": Edit(
        runs=True,
        before="""\
def f():
    return 1


def f():
    return 2
""",
        after="""\
def f():
    return 1


def f():
    return 3
""",
    ),
    "functions that change places": Edit(
        runs=True,
        before="""\
def f():
    return 1


def f():
    return 2
""",
        after="""\
def f():
    return 2


def f():
    return 1
""",
    ),
    "deleted function": Edit(
        runs=True,
        before="""\
def f():
    return 1


def g():
    return 2
""",
        after="""\
def g():
    return 2
""",
        cell="""\
import m
hasattr(m, 'f')""",
    ),
    "renamed function": Edit(
        runs=True,
        before="""\
def f():
    return 1
""",
        after="""\
def h():
    return 1
""",
        cell="""\
import m
hasattr(m, 'f')""",
    ),
    "function that becomes a generator": Edit(
        runs=True,
        before="""\
def f():
    return 1
""",
        after="""\
def f():
    yield 1
""",
        cell="""\
import m, types
isinstance(m.f(), types.GeneratorType)""",
    ),
    "generator that becomes a function, not started": Edit(
        runs=True,
        before="""\
def f():
    yield 1
""",
        after="""\
def f():
    return 1
""",
        cell="""\
import m, types
isinstance(m.f(), types.GeneratorType)""",
    ),
    "kind of a function, asked only": Edit(
        runs=True,
        before="""\
def f():
    return 1
""",
        after="""\
def f():
    yield 1
""",
        cell="""\
import inspect, m
inspect.isgeneratorfunction(m.f)""",
    ),
    "function that becomes asynchronous": Edit(
        runs=True,
        before="""\
def f():
    return 1
""",
        after="""\
async def f():
    return 1
""",
        cell="""\
import inspect, m
inspect.iscoroutinefunction(m.f)""",
    ),
    "coroutine": Edit(
        runs=True,
        before="""\
async def f():
    return 1
""",
        after="""\
async def f():
    return 2
""",
        cell="""\
import m
await m.f()""",
    ),
    "generator": Edit(
        runs=True,
        before="""\
def f():
    yield 1
""",
        after="""\
def f():
    yield 2
""",
        cell="""\
import m
list(m.f())""",
    ),
    "end of a generator that was started": Edit(
        runs=True,
        before="""\
def f():
    yield 1
    yield 2
""",
        after="""\
def f():
    yield 1
    yield 3
""",
        cell="""\
import m
for x in m.f():
    print(x)""",
    ),
    "nested function": Edit(
        runs=True,
        before="""\
def f():
    def h():
        return 1
    return h()
""",
        after="""\
def f():
    def h():
        return 2
    return h()
""",
    ),
    "closure": Edit(
        runs=True,
        before="""\
def make(x):
    def h():
        return x
    return h
f = make(1)
""",
        after="""\
def make(x):
    def h():
        return x + 1
    return h
f = make(1)
""",
    ),
    "class in a function": Edit(
        runs=True,
        before="""\
def f():
    class C:
        x = 1
    return C.x
""",
        after="""\
def f():
    class C:
        x = 2
    return C.x
""",
    ),
    "comprehension": Edit(
        runs=True,
        before="X = [i for i in range(3)]\n",
        after="X = [i + 1 for i in range(3)]\n",
        cell="""\
import m
m.X""",
    ),
    "global changed by another function": Edit(
        runs=True,
        before="""\
X = 1
def set_():
    global X
    X = 2
def f():
    set_()
    return X
""",
        after="""\
X = 1
def set_():
    global X
    X = 3
def f():
    set_()
    return X
""",
    ),
    "global changed by the import of another module": Edit(
        runs=True,
        before="""\
X = 1
def f():
    return X
""",
        after="""\
X = 1
def f():
    return X
""",
        cell="""\
import m, n
m.f()""",
        others={"n": """\
import m
m.X = 2
"""},
        new={"n": """\
import m
m.X = 3
"""},
    ),
    "registration": Edit(
        runs=True,
        before="""\
R = []
def reg(f):
    R.append(f.__name__)
    return f
@reg
def f():
    return 1
""",
        after="""\
R = []
def reg(f):
    R.append(f.__name__)
    return f
@reg
def f():
    return 1
@reg
def g():
    return 1
""",
        cell="""\
import m
m.R""",
    ),
    "single dispatch": Edit(
        runs=True,
        before="""\
import functools
@functools.singledispatch
def f(x):
    return 1
@f.register
def _(x: int):
    return 2
""",
        after="""\
import functools
@functools.singledispatch
def f(x):
    return 1
@f.register
def _(x: str):
    return 2
""",
        cell="""\
import m
m.f(1)""",
    ),
    "docstring, read": Edit(
        runs=True,
        before='''\
def f():
    """One."""
''',
        after='''\
def f():
    """Two."""
''',
        cell="""\
import m
m.f.__doc__""",
    ),
    "docstring of a function that is not called": Edit(
        runs=True,
        before='''\
def f():
    """One."""
    return 1
''',
        after='''\
def f():
    """Two."""
    return 1
''',
        cell="""\
import m
getattr(m.f, '__do' + 'c__')""",
    ),
    "docstring of a class": Edit(
        runs=True,
        before='''\
class C:
    """One."""
''',
        after='''\
class C:
    """Two."""
''',
        cell="""\
import m
m.C.__doc__""",
    ),
    "help": Edit(
        runs=True,
        before='''\
def f():
    """One."""
''',
        after='''\
def f():
    """Two."""
''',
        cell="""\
import m
help(m.f)""",
    ),
    "annotations": Edit(
        runs=True,
        before="""\
def f(x: int):
    return 1
""",
        after="""\
def f(x: str):
    return 1
""",
        cell="""\
import m
m.f.__annotations__""",
    ),
    "annotations as text": Edit(
        runs=True,
        before="""\
from __future__ import annotations
def f(x: int):
    return 1
""",
        after="""\
from __future__ import annotations
def f(x: str):
    return 1
""",
        cell="""\
import m, typing
typing.get_type_hints(m.f)""",
    ),
    "annotated variable": Edit(
        runs=True,
        before="x: int = 1\n",
        after="x: float = 1\n",
        cell="""\
import m
m.__annotations__""",
    ),
    "inspect.getsource": Edit(
        runs=True,
        before="""\
def f():
    return 1
""",
        after="""\
def f():
    return 1  # one
""",
        cell="""\
import inspect, m
print(inspect.getsource(m.f))""",
    ),
    "inspect.getsource of what is not called": Edit(
        runs=True,
        before="""\
def f():
    return 1


def g():
    return 2
""",
        after="""\
def f():
    return 1


def g():
    x = 3
    return x + 0
""",
        cell="""\
import inspect, m
print(inspect.getsource(m.g))""",
    ),
    "inspect.getsource by another name": Edit(
        runs=True,
        before="""\
def f():
    return 1


def g():
    return 2
""",
        after="""\
def f():
    return 1


def g():
    x = 3
    return x + 0
""",
        cell="""\
import inspect, m
print(getattr(inspect, 'get' + 'source')(m.g))""",
    ),
    "file of the module, opened": Edit(
        runs=True,
        before="""\
def f():
    return 1
""",
        after="""\
def f():
    return 1


# 1
""",
        cell="""\
import m
len(open(m.__file__).read())""",
    ),
    "source by the loader": Edit(
        runs=True,
        before="""\
def f():
    return 1
""",
        after="""\
def f():
    return 1


# 1
""",
        cell="""\
import m
len(m.__loader__.get_source('m'))""",
    ),
    "code by the loader": Edit(
        runs=True,
        before="""\
def f():
    return 1


def g():
    return 2
""",
        after="""\
def f():
    return 1


def g():
    x = 3
    return x + 0
""",
        cell="""\
import m
[c.co_consts for c in m.__loader__.get_code('m').co_consts[1:2]]
len(m.__loader__.get_code('m').co_consts[2].co_consts)""",
    ),
    "size of the file": Edit(
        runs=True,
        before="""\
def f():
    return 1
""",
        after="""\
def f():
    return 1


# 1
""",
        cell="""\
import m, os
os.stat(m.__file__).st_size""",
    ),
    "file by runpy": Edit(
        runs=True,
        before="X = 1\n",
        after="X = 2\n",
        cell="""\
import runpy
runpy.run_path('code/m.py')['X']""",
    ),
    "module by runpy": Edit(
        runs=True,
        before="X = 1\n",
        after="X = 2\n",
        cell="""\
import runpy
runpy.run_module('m')['X']""",
    ),
    "module by its file": Edit(
        runs=True,
        before="""\
def f():
    return 1
""",
        after="""\
def f():
    return 3
""",
        cell="""\
import importlib.util as u
s = u.spec_from_file_location('z', 'code/m.py')
z = u.module_from_spec(s)
s.loader.exec_module(z)
z.f()""",
    ),
    "constants of a code object": Edit(
        runs=True,
        before="""\
def f():
    return 1


def g():
    return 2
""",
        after="""\
def f():
    return 1


def g():
    return 6
""",
        cell="""\
import m
6 in m.g.__code__.co_consts""",
    ),
    "constants of a code object, by another name": Edit(
        runs=True,
        before="""\
def f():
    return 1


def g():
    return 2
""",
        after="""\
def f():
    return 1


def g():
    return 6
""",
        cell="""\
import m
6 in getattr(getattr(m.g, '__co' + 'de__'), 'co' + '_consts')""",
    ),
    "line of a function": Edit(
        runs=True,
        before="""\
def f():
    return 1
""",
        after="""\

def f():
    return 1
""",
        cell="""\
import m
m.f.__code__.co_firstlineno""",
    ),
    "line of a frame": Edit(
        runs=True,
        before="""\
import sys
def f():
    return sys._getframe().f_lineno
""",
        after="""\
import sys

def f():
    return sys._getframe().f_lineno
""",
    ),
    "line of a frame, by another name": Edit(
        runs=True,
        before="""\
import sys
G = getattr(sys, '_get' + 'frame')
def f():
    return getattr(G(), 'f_li' + 'neno')
""",
        after="""\
import sys

G = getattr(sys, '_get' + 'frame')
def f():
    return getattr(G(), 'f_li' + 'neno')
""",
    ),
    "line in a traceback": Edit(
        runs=True,
        before="""\
def f():
    raise ValueError
""",
        after="""\

def f():
    raise ValueError
""",
        cell="""\
import m, traceback
try:
    m.f()
except ValueError:
    print(traceback.format_exc())""",
    ),
    "line in a traceback, from the object": Edit(
        runs=True,
        before="""\
def f():
    raise ValueError
""",
        after="""\

def f():
    raise ValueError
""",
        cell="""\
import m
try:
    m.f()
except ValueError as error:
    print(error.__traceback__.tb_next.tb_lineno)""",
    ),
    "line in a summary": Edit(
        runs=True,
        before="""\
def f():
    raise ValueError
""",
        after="""\

def f():
    raise ValueError
""",
        cell="""\
import m, traceback
try:
    m.f()
except ValueError as error:
    print(traceback.extract_tb(error.__traceback__))""",
    ),
    "error that is shown": Edit(
        runs=True,
        before="""\
def f():
    raise ValueError
""",
        after="""\

def f():
    raise ValueError
""",
    ),
    "line of a warning": Edit(
        runs=True,
        before="""\
import warnings
def f():
    warnings.warn('w')
""",
        after="""\
import warnings

def f():
    warnings.warn('w')
""",
        cell="""\
import m, warnings
with warnings.catch_warnings(record=True) as caught:
    m.f()
str(caught[0]).partition('lin')[2]""",
    ),
    "line in a log": Edit(
        runs=True,
        before="""\
import logging
def f():
    logging.warning('w')
""",
        after="""\
import logging

def f():
    logging.warning('w')
""",
        cell="""\
import logging, m
logging.basicConfig(format='%(lineno)d')
m.f()""",
    ),
    "message of an assertion": Edit(
        runs=True,
        before="""\
def f():
    assert False, 'one'
""",
        after="""\
def f():
    assert False, 'two'
""",
        cell="""\
import m
try:
    m.f()
except AssertionError as error:
    print(error)""",
    ),
    "branch that was not taken": Edit(
        runs=True,
        before="""\
def f(x=0):
    if x:
        return 1
    return 2
""",
        after="""\
def f(x=0):
    if not x:
        return 1
    return 2
""",
    ),
    "function called in a thread": Edit(
        runs=True,
        before="""\
def f():
    return 1
""",
        after="""\
def f():
    return 2
""",
        cell="""\
import m, threading
t = threading.Thread(target=lambda: print(m.f()))
t.start()
t.join()""",
    ),
    "function called in a process": Edit(
        runs=True,
        before="""\
def f(x):
    return x + 1
""",
        after="""\
def f(x):
    return x + 2
""",
        cell="""\
import m, multiprocessing
with multiprocessing.get_context('fork').Pool(1) as p:
    print(p.map(m.f, [1]))""",
    ),
    "function called at the end of a process": Edit(
        runs=True,
        before="""\
def f():
    return 1
""",
        after="""\
def f():
    return 2
""",
        cell="""\
import m, os
r, w = os.pipe()
if os.fork() == 0:
    os.write(w, str(m.f()).encode())
    os.kill(os.getpid(), 9)
_ = os.wait()
os.read(r, 9)""",
    ),
    "function called while it is garbage": Edit(
        runs=True,
        before="""\
class C:
    def __del__(self):
        OUT.append(1)
OUT = []
""",
        after="""\
class C:
    def __del__(self):
        OUT.append(2)
OUT = []
""",
        cell="""\
import gc, m
m.C()
_ = gc.collect()
m.OUT""",
    ),
    "function called by sort": Edit(
        runs=True,
        before="""\
def key(x):
    return x
""",
        after="""\
def key(x):
    return -x
""",
        cell="""\
import m
sorted([1, 2], key=m.key)""",
    ),
    "function given to NumPy": Edit(
        runs=True,
        before="""\
def key(x):
    return x + 1
""",
        after="""\
def key(x):
    return x + 2
""",
        cell="""\
import m, numpy as np
np.vectorize(m.key)([1, 2])""",
    ),
    "function under a profiler": Edit(
        runs=True,
        before="""\
def f():
    return 1
""",
        after="""\
def f():
    return 2
""",
        cell="""\
import m, sys
sys.setprofile(lambda *a: None)
x = m.f()
sys.setprofile(None)
x""",
    ),
    "copy of a function": Edit(
        runs=True,
        before="""\
def f():
    return 1
""",
        after="""\
def f():
    return 2
""",
        cell="""\
import copy, m, types
types.FunctionType(m.f.__code__, {})()""",
    ),
    "pickled function": Edit(
        runs=True,
        before="""\
def f():
    return 1
""",
        after="""\
def f():
    return 2
""",
        cell="""\
import m, pickle
pickle.loads(pickle.dumps(m.f))()""",
    ),
    "encoding of the file": Edit(
        runs=True,
        before="""\
# coding: utf-8
X = 'ä'
""",
        after="""\
# coding: latin-1
X = 'ä'
""",
        cell="""\
import m
len(m.X)""",
    ),
    "future statement": Edit(
        runs=True,
        before="""\
def f(x: 1 + 1):
    return 1
""",
        after="""\
from __future__ import annotations
def f(x: 1 + 1):
    return 1
""",
        cell="""\
import m
m.f.__annotations__""",
    ),
    "error in a function that is not called": Edit(
        runs=True,
        before="""\
def f():
    return 1


def g():
    return 2
""",
        after="""\
def f():
    return 1


def g(:
""",
    ),
    "warning of a function that is not called": Edit(
        runs=True,
        before="""\
def f():
    return 1


def g():
    return 2
""",
        after="""\
def f():
    return 1


def g():
    return 2 is 2
""",
    ),
    "attributes that methods set": Edit(
        runs=True,
        before="""\
class C:
    def g(self):
        self.x = 1
""",
        after="""\
class C:
    def g(self):
        self.y = 1
""",
        cell="""\
import m
getattr(m.C, '__static_attributes__', None) or m.C().g()""",
    ),
}
