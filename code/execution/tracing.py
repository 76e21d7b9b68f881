"""What a run reads of the repository, and what it must not do.

An *observation* is a question about the world with the answer that the run got:

=====================  ==================================================================
``file:data/x.csv``    hash of the file's content; ``None`` if there is no such file
``kind:data/x.csv``    ``"file"``, ``"directory"`` or ``None``, where only that was asked
``listing:data``       hash of the sorted names in the folder; ``None`` if there is none
``lookup:code/pkg/m``  which of the files that could be the module ``m`` exist
``env:NAME``           hash of the variable's value; ``None`` if unset
``source:code/m.py``   of a module that was imported: hash of its file, and hashes of the
                       parts that were executed (:mod:`execution.sources`)
=====================  ==================================================================

Paths are relative to the root of the repository. :class:`Observer` asks the question again; a
result may be used as long as every answer is the same. A module may change in parts that were not
executed; a run that opens its file, or asks for line numbers, reads all of it.

What Python does not see is not observed and not refused: files that a library opens in C
(memory-mapped by torch or HDF5), and what is done through ctypes. Programs, of which nothing
would be seen at all, are refused. This keeps honest cells right; it is no sandbox.
"""

import contextlib
import functools
import hashlib
import importlib.machinery
import json
import os
import sys
import sysconfig
import threading
import types
import warnings
from pathlib import Path

from execution import sources

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CANDIDATES = [
    *importlib.machinery.EXTENSION_SUFFIXES,
    *importlib.machinery.SOURCE_SUFFIXES,
    *importlib.machinery.BYTECODE_SUFFIXES,
    "/__init__.py",
    "",
]
CHANGES = {  # audit event -> positions of the paths that it changes
    "os.remove": (0,),
    "os.rename": (0, 1),
    "os.rmdir": (0,),
    "os.mkdir": (0,),
    "os.link": (1,),
    "os.symlink": (1,),
    "os.truncate": (0,),
    "os.chmod": (0,),
    "os.chown": (0,),
    "os.utime": (0,),
}
FOLDERS = {"os.remove": 1, "os.rmdir": 1, "os.mkdir": 2, "os.rename": 2}  # position of dir_fd
NETWORK = {
    "socket.connect",
    "socket.getaddrinfo",
    "socket.gethostbyname",
    "socket.gethostbyaddr",
    "socket.sendto",
    "socket.sendmsg",
}
PROGRAMS = {"subprocess.Popen", "os.system", "os.posix_spawn", "os.exec", "os.spawn", "pty.spawn"}
CODE = {"__code__", "gi_code", "cr_code", "ag_code"}
PINNED = {
    "LC_ALL": "C",
    "PYTHONHASHSEED": "0",
    "PYTHONUTF8": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "SOURCE_DATE_EPOCH": "315532800",
    "TZ": "UTC",
    "COLUMNS": "80",
    "LINES": "24",
}
"""Environment of every run, whatever that of the build is; reading it is no observation."""

LEFT_OUT = ("LANG", "LC_", "PYTHON")
"""Beginnings of the names of other variables that no run has."""

OWN = {*PINNED, "MPLCONFIGDIR", "IPYTHONDIR", "TMPDIR"}
WATCHED = {
    "open", "os.listdir", "os.scandir", "object.__getattr__", "sys._getframe",
    *CHANGES, *NETWORK, *PROGRAMS,
}
EXISTENCE = {"exists", "lexists", "isfile", "isdir", "is_file", "is_dir"}


def digest(content):
    """Hash of bytes, or of the JSON form of anything else."""
    if not isinstance(content, bytes):
        content = json.dumps(content, sort_keys=True, ensure_ascii=False).encode()
    return hashlib.sha256(content).hexdigest()[:32]


def observe(root, question, environment=os.environ):
    """Answer a question about the repository at `root` as it is now.

    Raises
    ------
    ValueError
        If the kind of question is unknown.
    """
    kind, _, name = question.partition(":")
    path = os.path.join(root, name)
    if kind == "env":
        return digest(environment[name].encode()) if name in environment else None
    if kind == "lookup":
        return "|".join(suffix for suffix in CANDIDATES if os.path.exists(path + suffix))
    if kind == "kind":
        return "file" if os.path.isfile(path) else "directory" if os.path.isdir(path) else None
    try:
        if kind == "file":
            return "directory" if os.path.isdir(path) else digest(Path(path).read_bytes())
        if kind == "listing":
            return digest(sorted(set(os.listdir(path)) - {"__pycache__"}))
    except (FileNotFoundError, NotADirectoryError):
        return None
    raise ValueError(f"question {question!r}: the kinds are file, kind, listing, lookup, env")


class Observer:
    """Answers questions about one repository, each of them once.

    Parameters
    ----------
    root : str or Path
    cache : Path, optional
        Where compiled modules are kept.
    """

    def __init__(self, root, cache=None):
        self.root, self.cache = root, cache
        self.answers = {}
        self.parts = {}

    def __call__(self, question):
        if question not in self.answers:
            self.answers[question] = observe(self.root, question)
        return self.answers[question]

    def holds(self, question, answer):
        """Whether the answer that a run got is the answer still."""
        kind, _, name = question.partition(":")
        if kind != "source":
            return self(question) == answer
        if self(f"file:{name}") == answer["file"]:
            return True
        now = self._parts(name)
        return all(now.get(part) == hashed for part, hashed in answer["parts"].items())

    def _parts(self, name):
        if name not in self.parts:
            path = os.path.join(os.path.realpath(self.root), name)
            try:
                self.parts[name] = sources.read(Path(path).read_bytes(), path, self.cache).parts
            except (OSError, SyntaxError, ValueError):
                self.parts[name] = {}
        return self.parts[name]


class Trace:
    """Writes down what a run reads and refuses what it must not do.

    Parameters
    ----------
    log : Path
        Observations are appended here, one JSON line each, also by processes that the run forks.
    root : str
        The repository. What lies outside is not observed.
    apart : list of str
        Folders below the root that are not observed: the build folder, the Python environment.
    writable : list of str
        The only folders in which the run may write; the first is the one for temporary files.
    programs : bool
        Whether the run may start other programs (whose reading nobody sees).
    environment : dict
        The environment variables at the start, before anything set its own.
    cache : Path, optional
        Where compiled modules are kept.
    text : str
        What is run, as far as it is no file of the repository.
    """

    def __init__(self, log, root, apart, writable, programs=False, environment=os.environ,
                 cache=None, text=""):
        self.log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self.root = os.path.join(os.path.realpath(root), "")
        own = [sys.prefix, sys.exec_prefix, os.path.dirname(__file__), *apart, *writable]
        self.apart = tuple(os.path.join(os.path.realpath(folder), "") for folder in own)
        self.writable = tuple(os.path.join(os.path.realpath(one), "") for one in writable)
        self.programs = programs
        self.started = False
        self.thread = threading.local()
        self.seen = {}
        self.cache = cache
        self.modules = {}  # path -> name of those that were imported
        self.whole = bool(sources.PLACES.search(text.encode("utf-8", "surrogatepass")))
        self.environment = dict(environment)
        library = sysconfig.get_paths()["stdlib"]
        self.passing = ("<", os.path.join(library, ""))

    def start(self):
        """Begin. An audit hook cannot be taken away again: call this in a child only."""
        sys.dont_write_bytecode = True
        self._watch_imports()
        self._watch_stat()
        self._watch_environment()
        sys.addaudithook(self._audit)
        self.started = True

    def stop(self):
        """End; the hooks stay but do nothing."""
        self.started = False

    @property
    def active(self):
        """Whether what this thread does now is part of the run."""
        return self.started and not getattr(self.thread, "quiet", False)

    def inside(self, path):
        """The path relative to the root, or None if it is not a file of the repository."""
        path = os.path.realpath(os.fsdecode(path))
        if not (path + "/").startswith(self.root) or (path + "/").startswith(self.apart):
            return None
        name = path[len(self.root) :].replace(os.sep, "/")
        return None if name.startswith(".git/") or os.path.basename(name)[:1] == "<" else name

    def note(self, kind, name):
        """Write an observation down. A second, different answer is written down too."""
        question = f"{kind}:{name}"
        if question in self.seen and kind != "file":
            return
        self._write(question, observe(self.root, question, self.environment))

    def _write(self, question, answer):
        if self.seen.get(question, ...) != answer:
            self.seen[question] = answer
            os.write(self.log, json.dumps([question, answer]).encode() + b"\n")

    @contextlib.contextmanager
    def quiet(self):
        """What the trace itself asks is not part of the run; other threads go on."""
        before = getattr(self.thread, "quiet", False)
        self.thread.quiet = True
        try:
            yield
        finally:
            self.thread.quiet = before

    def compiled(self, data, path):
        """The code of an imported module; notes what the import reads, and later what is called."""
        name = self.inside(path)
        try:
            source = sources.read(data, path, self.cache)
        except (SyntaxError, ValueError):
            self.note("file", name)
            raise
        self.modules[path] = name
        self._write(f"source:{name}", digest(data))
        self._write(f"part:{name}::{sources.IMPORT}", source.parts[sources.IMPORT])
        if self.whole or sources.PLACES.search(data):
            self._read_whole()

        def note(part):
            with self.quiet():
                self._write(f"part:{name}::{part}", source.parts[part])

        return source.code_that_tells(note), source.warnings

    def _read_whole(self):
        """From now on, and for what was imported, a module is read as a whole."""
        self.whole = True
        for name in self.modules.values():
            self.note("file", name)

    def _audit(self, event, args):
        if event in WATCHED and self.active:
            with self.quiet():
                self._judge(event, args)

    def _judge(self, event, args):
        if event == "open":
            self._opened(*args)
        elif event == "object.__getattr__":
            if args[1] in CODE and isinstance(args[0], types.FunctionType | types.GeneratorType |
                                              types.CoroutineType | types.AsyncGeneratorType):
                sources.marks(getattr(args[0], args[1]))
        elif event == "sys._getframe":
            if not self.whole and sys._getframe(2).f_code.co_filename in self.modules:
                self._read_whole()
        elif event in ("os.listdir", "os.scandir"):
            self._listed(args[0])
        elif event in CHANGES:
            self._changed(event, args)
        elif event in NETWORK:
            self._connected(event, args)
        elif event in PROGRAMS and not self.programs:
            what = args[1] if event == "subprocess.Popen" else args[0]
            raise PermissionError(
                f"a cell starts no program ({what!r}): nothing sees what a program reads"
            )

    def _opened(self, path, mode, flags):
        if not isinstance(path, (str, bytes)):
            return
        if flags & WRITING:
            self._refuse_outside(path, "open for writing")
        elif (name := self.inside(path)) is not None:
            self.note("file", name)

    def _listed(self, path):
        caller = sys._getframe(3).f_code.co_filename
        if caller.startswith("<frozen importlib") or isinstance(path, int):
            return  # lookups of modules are observed one by one
        if (name := self.inside(path or ".")) is not None:
            self.note("listing", name)

    def _changed(self, event, args):
        place = FOLDERS.get(event)
        folder = args[place] if place is not None and place < len(args) else -1
        for position in CHANGES[event]:
            path = args[position]
            if isinstance(path, int):
                continue
            if isinstance(folder, int) and folder >= 0 and not os.path.isabs(path):
                try:
                    base = os.readlink(f"/proc/self/fd/{folder}")
                except OSError:
                    continue  # no such folder of descriptors: the folder itself was checked
                path = os.path.join(base, os.fsdecode(path))
            self._refuse_outside(path, event)

    def _refuse_outside(self, path, what):
        # the entry itself counts, not what it links to
        folder, last = os.path.split(os.path.abspath(os.fsdecode(path)))
        real = os.path.join(os.path.realpath(folder), last)
        if (real + "/").startswith(self.writable) or real.startswith("/dev/"):
            return
        raise PermissionError(f"a cell writes in tempfile's folder only: {what} {path!r}")

    def _connected(self, event, args):
        if getattr(args[0], "family", None) == 1:  # AF_UNIX: processes of the run, as of a loader
            address = args[1]
            if isinstance(address, str | bytes) and (name := os.fsdecode(address))[:1] != "\0":
                if not (os.path.realpath(name) + "/").startswith(self.writable):
                    raise PermissionError(f"a cell has no sockets but its own: {event} {name!r}")
            return
        where = next((value for value in args if isinstance(value, (str, tuple))), "")
        raise PermissionError(f"a cell has no network: {event} {where!r}")

    def _watch_imports(self):
        trace = self

        class Loader(importlib.machinery.SourceFileLoader):
            """Compiles by content: two edits within a second can share Python's own bytecode."""

            def get_code(self, fullname):
                path = self.get_filename(fullname)
                if not sys._getframe(1).f_code.co_filename.startswith("<frozen importlib"):
                    return self.source_to_code(self.get_data(path), path)
                with trace.quiet():
                    code, warned = trace.compiled(self.get_data(path), path)
                for category, text, line in warned:
                    warnings.warn_explicit(text, category, path, line)
                return code

        class Finder(importlib.machinery.FileFinder):
            def find_spec(self, fullname, target=None):
                if trace.active:
                    with trace.quiet():
                        folder = trace.inside(self.path)
                        trace.note("lookup", os.path.join(folder, fullname.rpartition(".")[2]))
                return super().find_spec(fullname, target)

        hook = Finder.path_hook(
            (importlib.machinery.ExtensionFileLoader, importlib.machinery.EXTENSION_SUFFIXES),
            (Loader, importlib.machinery.SOURCE_SUFFIXES),
        )

        def of_the_repository(path):
            with trace.quiet():
                name = trace.inside(path or ".")
            if name is None:
                raise ImportError(f"{path} is not of the repository")
            return hook(path)

        sys.path_hooks.insert(0, of_the_repository)
        for path in list(sys.path_importer_cache):
            if self.inside(path or ".") is not None:
                del sys.path_importer_cache[path]

    def _watch_stat(self):
        real = os.stat

        @functools.wraps(real)
        def stat(path, *args, **kwargs):
            if self.active and isinstance(path, (str, bytes, os.PathLike)):
                caller = sys._getframe(1)
                if caller.f_code.co_name == "stat":  # Path.stat, for Path.exists
                    caller = caller.f_back
                with self.quiet():
                    if not kwargs.get("dir_fd") and (name := self.inside(path)) is not None:
                        only = caller.f_code.co_name in EXISTENCE
                        self.note("kind" if only else "file", name)
            return real(path, *args, **kwargs)

        os.stat = stat
        for support in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
            if real in support:
                support.add(stat)

    def _watch_environment(self):
        kind = type(os.environ)
        real = kind.__getitem__

        def getitem(environ, name):
            own = name in OWN or name.startswith(LEFT_OUT)
            if self.active and not own and self._asked_by_project():
                with self.quiet():
                    self.note("env", name)
            return real(environ, name)

        kind.__getitem__ = getitem

    def _asked_by_project(self):
        """Whether a cell, a doctest or a file of the repository asks, through whatever library."""
        frame = sys._getframe(2)
        while frame is not None:
            name = frame.f_code.co_filename
            if "/ipykernel_" in name or name.startswith("<doctest"):
                return True
            known = name.startswith(self.passing) and "site-packages" not in name
            if not known and "/IPython/" not in name and name != __file__:
                with self.quiet():
                    return self.inside(name) is not None
            frame = frame.f_back
        return False


def read_log(path):
    """The observations of a run, or None if it got two different answers to one question."""
    answers = {}
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        question, answer = json.loads(line)
        if answers.setdefault(question, answer) != answer:
            return None
    observed = {}
    for question, answer in answers.items():
        kind, _, name = question.partition(":")
        if kind == "source":
            observed.setdefault(question, {"parts": {}})["file"] = answer
        elif kind == "part":
            module, _, part = name.rpartition("::")
            observed.setdefault(f"source:{module}", {"parts": {}})["parts"][part] = answer
        else:
            observed[question] = answer
    return observed
