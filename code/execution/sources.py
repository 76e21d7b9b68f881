"""A module of the project in parts: what its import runs, and each function that it defines.

A run that imports a module has read all of it that is executed by the import: constants,
decorators, default values, annotations, docstrings, classes. The body of a function counts as
read when it is first executed, so an edit of a function that was not called changes no result.

Functions nested in others belong to the outermost. Lambdas and comprehensions outside of
functions belong to the import. What a part is, is its bytecode without line numbers: comments
and the place in the file do not count. Where line numbers are read, by whatever means, the whole
file is (:data:`PLACES`, :mod:`execution.tracing`).

To see the first execution, a compiled function begins with the attribute ``seen`` of an object
of its own among its constants. Reading it costs some nanoseconds, the same on every version of
Python, in every thread and forked process; ``sys.monitoring`` would do from Python 3.12 on only,
and ``sys.setprofile`` slows every call.
"""

import ast
import hashlib
import importlib.util
import marshal
import os
import re
import sys
import tempfile
import types
import warnings
from pathlib import Path

MARK = "\0mark"
IMPORT = ""
"""Name of the part that the import runs."""

PLACES = re.compile(
    rb"lineno|\bco_\w|catch_warnings|_getframe|currentframe|get_(?:objects|refer)|set(?:trace|profile)"
    rb"|[pP]rofile|pstats|\bprun|tracemalloc|\bdis\b|\bmonitoring\b"
)
"""Words by which code asks for line numbers; where one stands, whole files count as read."""


class Mark:
    """Tells of the first execution of a function."""

    __slots__ = ("note", "seen")

    def __init__(self, note):
        self.note = note

    def __getattr__(self, name):
        if name != "seen":
            raise AttributeError(name)
        self.note()
        self.seen = True
        self.__class__ = Seen
        return True


class Seen:
    """A mark that has told; without ``__getattr__``, Python reads its attribute faster."""

    __slots__ = Mark.__slots__


class Source:
    """A module as compiled, and its parts.

    Attributes
    ----------
    code : code
        Of the module, with :data:`MARK` among the constants of each function.
    parts : dict of str to str
        Name -> hash; :data:`IMPORT`, and the qualified name of each function. Of functions with
        one name, the later ones are numbered.
    warnings : list of (Warning, str, int)
        Category, text and line of what the compiler warned of.
    """

    def __init__(self, code, warned):
        self.code, self.warnings = code, warned
        self.parts = {}
        self.parts[IMPORT] = _hash([self._import(code), [one[1] for one in warned]])

    def _import(self, code):
        return [_shape(code), [self._constant(value) for value in code.co_consts]]

    def _constant(self, value):
        if not isinstance(value, types.CodeType):
            return _plain(value)
        if MARK not in value.co_consts:
            return self._import(value)
        self.parts[_name(value, self.parts)] = _hash(_whole(value))
        arguments = value.co_argcount + value.co_kwonlyargcount + bool(value.co_flags & 4) + bool(
            value.co_flags & 8)
        docstring = value.co_consts[0] if isinstance(value.co_consts[0], str) else None
        return [
            value.co_qualname, value.co_argcount, value.co_posonlyargcount,
            value.co_kwonlyargcount, value.co_varnames[:arguments], value.co_flags,
            value.co_freevars, docstring if docstring != MARK else None,
        ]

    def code_that_tells(self, note):
        """The code of the module; `note` is called with the name of a part when it is executed."""
        names = set()

        def attach(code):
            constants = []
            for value in code.co_consts:
                if isinstance(value, types.CodeType):
                    value = told(value) if MARK in value.co_consts else attach(value)
                constants.append(value)
            return code.replace(co_consts=tuple(constants))

        def told(code):
            name = _name(code, names)
            names.add(name)
            mark = Mark(lambda: note(name))
            constants = (mark if value == MARK else value for value in code.co_consts)
            return code.replace(co_consts=tuple(constants))

        return attach(self.code)


def read(data, path, cache=None):
    """Compile a module.

    Parameters
    ----------
    data : bytes
        Its source.
    path : str
        Its file, for tracebacks.
    cache : Path, optional
        A folder for what was compiled before.

    Returns
    -------
    Source

    Raises
    ------
    SyntaxError, ValueError
        As ``compile`` does.
    """
    kept = None
    if cache is not None:
        tag = f"{sys.version}\0{path}\0".encode() + importlib.util.MAGIC_NUMBER
        kept = Path(cache, hashlib.sha256(tag + data).hexdigest()[:32])
        if (found := _load(kept)) is not None:
            return found
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        tree = ast.parse(data, path)
        _mark(tree)
        code = compile(tree, path, "exec", dont_inherit=True, optimize=0)
    source = Source(code, [(one.category, str(one.message), one.lineno) for one in caught])
    if kept is not None and not caught:
        _keep(kept, source)
    return source


def marks(code):
    """Count the function of this code as executed, if it is a part of its own."""
    for value in code.co_consts:
        if isinstance(value, Mark | Seen):
            value.seen  # noqa: B018 (reading it is what tells)


def _mark(node):
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            place = ast.get_docstring(child, clean=False) is not None
            mark = ast.Expr(ast.Attribute(ast.Constant(MARK), "seen", ast.Load()))
            for new in ast.walk(mark):
                ast.copy_location(new, child.body[min(place, len(child.body) - 1)])
            child.body.insert(place, mark)
        elif isinstance(child, ast.stmt | ast.excepthandler | ast.match_case):
            _mark(child)


def _name(code, taken):
    name, number = code.co_qualname, 1
    while name in taken:
        number += 1
        name = f"{code.co_qualname}#{number}"
    return name


def _shape(code):
    return [
        code.co_qualname, code.co_flags, code.co_argcount, code.co_posonlyargcount,
        code.co_kwonlyargcount, code.co_varnames, code.co_cellvars, code.co_freevars,
        code.co_names, code.co_code, code.co_exceptiontable,
    ]


def _whole(code):
    return [_shape(code), [_plain(value) for value in code.co_consts]]


def _plain(value):
    """A constant in a form whose ``repr`` is the same on each run, and differs for 1 and 1.0."""
    if isinstance(value, types.CodeType):
        return _whole(value)
    if isinstance(value, tuple):
        return [tuple, *map(_plain, value)]
    if isinstance(value, frozenset):
        return [frozenset, *sorted(repr(_plain(one)) for one in value)]
    return [type(value), value]


def _hash(content):
    return hashlib.sha256(repr(content).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _load(path):
    try:
        content = path.read_bytes()
    except OSError:
        return None
    if hashlib.sha256(content[32:]).digest() != content[:32]:
        return None
    found = object.__new__(Source)
    found.code, found.parts = marshal.loads(content[32:])
    found.warnings = []
    return found


def _keep(path, source):
    content = marshal.dumps((source.code, source.parts))
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    with os.fdopen(handle, "wb") as stream:
        stream.write(hashlib.sha256(content).digest() + content)
    os.replace(name, path)
