"""The warm parent: imports the heavy libraries once and forks a child for each run.

Runs in a process of its own (:mod:`execution.pool` starts it). It imports no module of the
project but packages whose functions are called as runs, which count as a whole; other runs do not
see these. It keeps to one thread and runs no torch operation that would start another. Commands
come as JSON lines on standard input, what happens is told as JSON lines on standard output; when
standard input ends, it kills its children and leaves.
"""

import contextlib
import ctypes
import faulthandler
import gc
import importlib
import io
import itertools
import json
import os
import pkgutil
import selectors
import shutil
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

import numpy

from execution import cells, clock, doctests
from execution.store import write
from execution.tracing import Trace

ENVIRONMENT = dict(os.environ)
GRACE = 2.0
"""Seconds after its limit in which a run may still say where it was."""


def main(preload, code, temporary):
    """Import, then serve until standard input ends; `temporary` goes then, if it is there still."""
    # `code` was on the path for the imports above; a run sees the project afresh
    for path in list(sys.path_importer_cache):
        if os.path.realpath(path).startswith(os.path.realpath(code)):
            del sys.path_importer_cache[path]
    events = os.dup(1)
    os.dup2(2, 1)
    shell = warm_up(preload)
    gc.collect()
    gc.freeze()
    try:
        Parent(shell, events).serve()
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def warm_up(preload):
    """Import the libraries, fill their lazy imports, and return a shell."""
    for name in preload:
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module(name)
    if "torch" in sys.modules:
        torch = sys.modules["torch"]
        torch.set_num_threads(1)
        torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)  # imports what it needs
    fonts = Path(os.environ.get("MPLCONFIGDIR", "."))
    if not any(fonts.glob("fontlist*")):  # a run may not write the list itself
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module("matplotlib.font_manager")
    if "matplotlib" in sys.modules:
        from matplotlib.figure import Figure

        figure = Figure()
        figure.subplots().plot([0, 1])
        figure.savefig(io.StringIO(), format="svg")
    return cells.new_shell()


class Run:
    """A child at work."""

    def __init__(self, pid, job, pipe):
        self.pid, self.job, self.pipe = pid, job, pipe
        self.step, self.started, self.text = None, time.monotonic(), b""
        self.reason = None
        self.asked = False

    def deadline(self):
        """When to act next: ask where it is, and a moment later kill."""
        return self.started + self.job["limit"] + GRACE + (0.3 if self.asked else 0)


class Parent:
    """The loop that starts, watches and ends the children."""

    def __init__(self, shell, events):
        self.shell, self.events = shell, events
        self.runs = {}
        self.imported = {}  # function that is called -> modules of its package
        self.selector = selectors.DefaultSelector()
        self.selector.register(0, selectors.EVENT_READ, self.command)
        self.commands = b""
        wake, self.waker = os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(self.waker, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self.waker, warn_on_full_buffer=False)
        self.wake = wake
        self.selector.register(wake, selectors.EVENT_READ, self.ended)

    def tell(self, **event):
        os.write(self.events, json.dumps(event).encode() + b"\n")

    def serve(self):
        try:
            self.tell(event="ready")
            while True:
                now = time.monotonic()
                waits = [run.deadline() - now for run in self.runs.values()]
                for key, _ in self.selector.select(max(0, min(waits)) if waits else None):
                    key.data(key.fd)
                for run in list(self.runs.values()):
                    if time.monotonic() >= run.deadline():
                        self.overdue(run)
        except (EOFError, BrokenPipeError):
            pass
        finally:
            for run in self.runs.values():
                _kill_group(run.pid)
                os.waitpid(run.pid, 0)

    def command(self, descriptor):
        piece = os.read(descriptor, 1 << 16)
        if not piece:
            raise EOFError
        *lines, self.commands = (self.commands + piece).split(b"\n")
        for line in lines:
            self.start(json.loads(line))

    def prepare(self, job):
        """Import what is called once for all calls: its package is part of what they depend on."""
        package, before = Path(job["package"]), set(sys.modules)
        sys.path.insert(0, str(package.parent))
        with contextlib.suppress(Exception):  # the run will say so
            pkgutil.resolve_name(job["function"])
        sys.path.remove(str(package.parent))
        self.imported[job["function"]] = [
            name for name in set(sys.modules) - before if name.partition(".")[0] == package.name
        ]
        gc.freeze()

    def start(self, job):
        if job["kind"] == "call" and job["function"] not in self.imported:
            self.prepare(job)
        inner, outer = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                signal.set_wakeup_fd(-1)
                os.close(inner)
                os.close(self.events)
                if job["kind"] != "call":  # all others see the project afresh
                    for name in itertools.chain(*self.imported.values()):
                        sys.modules.pop(name, None)
                child(self.shell, job, outer)
            finally:
                os._exit(70)
        os.close(outer)
        os.set_blocking(inner, False)
        self.runs[pid] = run = Run(pid, job, inner)
        self.selector.register(inner, selectors.EVENT_READ, lambda _: self.listen(run))

    def listen(self, run):
        """Read which step a child has reached; its time starts anew."""
        if run.pipe is None:  # its end was noticed in the same round
            return
        with contextlib.suppress(BlockingIOError):
            while piece := os.read(run.pipe, 4096):
                *lines, run.text = (run.text + piece).split(b"\n")
                if lines:
                    run.step, run.started = int(lines[-1]), time.monotonic()
                    self.tell(event="step", job=run.job["id"], step=run.step)
            self.selector.unregister(run.pipe)
            os.close(run.pipe)
            run.pipe = None

    def overdue(self, run):
        if not run.asked:
            run.asked = True
            run.reason = "limit"
            os.kill(run.pid, signal.SIGUSR1)  # faulthandler writes down where it is
        else:
            _kill_group(run.pid)

    def ended(self, descriptor):
        with contextlib.suppress(BlockingIOError):
            while os.read(descriptor, 4096):
                pass
        for run in list(self.runs.values()):
            pid, status = os.waitpid(run.pid, os.WNOHANG)
            if not pid:
                continue
            if run.pipe is not None:
                self.listen(run)
            if run.pipe is not None:  # held open by a process that the run left behind
                self.selector.unregister(run.pipe)
                os.close(run.pipe)
            del self.runs[pid]
            self.tell(
                event="end",
                job=run.job["id"],
                exit=os.waitstatus_to_exitcode(status),
                reason=run.reason,
                step=run.step,
                left=_kill_group(pid),
            )


def _kill_group(pid):
    """Kill what is left of a child's process group; return whether there was anything."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def child(shell, job, pipe):
    """Everything that happens in a forked child; does not return."""
    os.setsid()
    _die_with_parent()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    status = perform(job, lambda step: os.write(pipe, b"%d\n" % step), shell)
    os._exit(status)


def _die_with_parent():
    """Where the system can: be killed if the parent is."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def perform(job, progress, shell=None):
    """Prepare this process for a job, run it, write ``result.json``; return the exit status."""
    folder = Path(job["folder"])
    output = os.open(folder / "output", os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    scratch = job["scratch"]
    os.makedirs(scratch, exist_ok=True)
    os.environ["TMPDIR"] = tempfile.tempdir = scratch
    os.chdir(job["cwd"] or scratch)
    sys.path[:0] = ["", *job["folders"]]
    sys.argv = [""]
    if job["memory"]:
        import resource  # POSIX only

        resource.setrlimit(resource.RLIMIT_DATA, (job["memory"], job["memory"]))
    where = open(folder / "where", "w")
    faulthandler.enable(where, all_threads=False)
    if hasattr(signal, "SIGUSR1"):
        faulthandler.register(signal.SIGUSR1, where, all_threads=False)
    _tell_exits(where)
    numpy.random.seed()  # noqa: NPY002 (a fork would repeat its parent's numbers)
    if "later" in job:
        clock.shift(job["later"])
    own = os.getpid()
    apart = [*job["apart"], *([job["package"]] if job["kind"] == "call" else [])]
    trace = Trace(
        folder / "trace", job["root"], apart, [scratch, folder], job["programs"],
        ENVIRONMENT, job["modules"], _text(job),
    )
    trace.start()
    try:
        result = _run(job, progress, shell)
    except BaseException as error:
        failure = cells.describe(error) | {"step": None}
        if failure["line"] is None:
            failure["traceback"] = traceback.format_exc()
        result = {"failures": [failure], "problems": []}
    trace.stop()
    if os.getpid() != own:  # a fork that came back here
        return 0
    write(folder / "result.json", result)
    return 0


def _run(job, progress, shell):
    if job["kind"] == "cells":
        return cells.run(shell, job, progress)
    if job["kind"] == "doctests":
        return doctests.run_document(job, progress)
    if job["kind"] == "call":
        return _call(job, progress)
    return doctests.run_module(job, progress)


def _call(job, progress):
    progress(0)
    started = time.perf_counter()
    value = pkgutil.resolve_name(job["function"])(**job["arguments"])
    seconds = [time.perf_counter() - started]
    return {"value": value, "failures": [], "problems": [], "seconds": seconds}


def _text(job):
    if job["kind"] == "cells":
        return "\n".join(cell["source"] for cell in job["cells"])
    return job.get("text", "")


def _tell_exits(where):
    """Write down from where ``os._exit`` is called, which leaves no other trace."""
    leave, own = os._exit, os.getpid()

    def _exit(status):
        if os.getpid() == own:
            faulthandler.dump_traceback(where, all_threads=False)
        leave(status)

    os._exit = _exit
