"""Run the code cells of a notebook in this process, in the shell of Jupyter's Python kernel.

The shell is ipykernel's own; in place of its messages over sockets, a :class:`Recorder` collects
what they would have carried. So rich outputs, magics, ``display``, figures and tracebacks are
what a kernel would have given.
"""

import io
import os
import platform
import re
import signal
import sys
import tempfile
import threading
import time
import traceback

from ipykernel.compiler import XCachingCompiler
from ipykernel.zmqshell import ZMQInteractiveShell
from jupyter_client.session import Session
from traitlets.config import Config

SETTINGS = {
    "HistoryManager": {"enabled": False},
    "InlineBackend": {
        "figure_formats": ["svg"],
        "print_figure_kwargs": {"bbox_inches": "tight", "metadata": {"Date": None}},
        "rc": {"svg.hashsalt": "execution"},
    },
}
"""Settings of the shell, here and in an ordinary kernel: figures are SVG, the same on each run."""

LANGUAGE = {
    "codemirror_mode": {"name": "ipython", "version": 3},
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
    "version": platform.python_version(),
}

ADDRESS = re.compile(r" at 0x[0-9a-fA-F]{6,16}\b")
CELL_FILE = re.compile(r"(?:[^\s\"']*/)?\bipykernel_\d+/\d+\.py")  # as ipykernel calls a cell
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


DISPLAYS = {}
"""Display id -> the outputs that carry it, in this process."""


class TimeLimit(BaseException):
    """A cell ran longer than it may; not an ``Exception``, so that cells do not catch it."""


class Recorder(Session):
    """Takes the shell's messages and makes outputs of them, as a notebook client does."""

    def begin(self, outputs):
        """Collect into the list `outputs` from now on."""
        self.outputs = outputs
        self.clearing = False

    def send(self, stream, msg_or_type, content=None, *args, **kwargs):
        """Take a message in place of sending it."""
        if isinstance(msg_or_type, dict):
            kind, content = msg_or_type["msg_type"], msg_or_type["content"]
        else:
            kind = msg_or_type
        if kind == "clear_output":
            self.clearing = content["wait"]
            if not self.clearing:
                self.outputs.clear()
        elif kind in ("display_data", "execute_result", "update_display_data"):
            self._display(kind, content)
        elif kind == "error":
            self._add({"output_type": "error", **content})

    def text(self, name, text):
        """Take text that was printed; neighbouring pieces become one output."""
        if not text:
            return
        last = self.outputs[-1] if self.outputs and not self.clearing else {}
        if last.get("output_type") == "stream" and last["name"] == name:
            last["text"] += text
        else:
            self._add({"output_type": "stream", "name": name, "text": text})

    def _display(self, kind, content):
        identity = content.get("transient", {}).get("display_id")
        output = {"output_type": kind, "data": content["data"], "metadata": content["metadata"]}
        if kind == "update_display_data":
            for earlier in DISPLAYS.get(identity, []):
                earlier.update(data=output["data"], metadata=output["metadata"])
            return
        if kind == "execute_result":
            output["execution_count"] = content["execution_count"]
        if identity is not None:
            DISPLAYS.setdefault(identity, []).append(output)
        self._add(output)

    def _add(self, output):
        if self.clearing:
            self.outputs.clear()
            self.clearing = False
        self.outputs.append(output)


class Stream(io.TextIOBase):
    """``sys.stdout`` or ``sys.stderr`` of a cell; what is written to the descriptor comes along."""

    encoding = "utf-8"

    def __init__(self, name, descriptor, recorder, file):
        self.name, self.descriptor, self.recorder = name, descriptor, recorder
        self.file = open(file, "w+b", buffering=0)
        os.dup2(self.file.fileno(), descriptor)
        self.inode = os.fstat(descriptor).st_ino
        self.place = 0

    def writable(self):
        return True

    def fileno(self):
        return self.descriptor

    def write(self, text):
        if self.closed:
            raise ValueError(f"sys.{self.name} was closed by a cell")
        self.flush()
        self.recorder.text(self.name, text)
        return len(text)

    def flush(self):
        size = os.fstat(self.file.fileno()).st_size
        if size > self.place:
            text = os.pread(self.file.fileno(), size - self.place, self.place)
            self.place = size
            self.recorder.text(self.name, text.decode("utf-8", "replace"))

    def intact(self):
        """Whether the stream and its descriptor still lead here."""
        try:
            return not self.closed and os.fstat(self.descriptor).st_ino == self.inode
        except OSError:
            return False


class Shell(ZMQInteractiveShell):
    """ipykernel's shell without a kernel around it."""

    def enable_gui(self, gui=None):
        """There is no event loop to enable."""


def new_shell():
    """A shell that can be forked: it has run nothing, and neither threads nor files are open."""
    shell = Shell(config=Config(SETTINGS), compiler_class=XCachingCompiler)
    Shell._instance = shell
    for kind in type(shell).__mro__:
        if hasattr(kind, "_walk_mro") and kind.__name__ == "InteractiveShell":
            kind._instance = shell
    recorder = Recorder()
    recorder.begin([])
    shell.displayhook.session = shell.display_pub.session = recorder
    shell.displayhook.pub_socket = shell.display_pub.pub_socket = recorder
    shell.displayhook.topic = b"execute_result"
    return shell


def run(shell, job, progress):
    """Run the cells of a job one after the other; stop at the first that fails.

    Parameters
    ----------
    shell : Shell
    job : dict
        ``cells`` (each with ``source`` and ``tags``), ``limit`` in seconds, ``allow_errors``,
        ``folder`` of the run, ``root`` of the repository.
    progress : callable
        Is told the index of each cell before it runs.

    Returns
    -------
    dict
        ``outputs``, ``counts`` and ``seconds`` per cell, ``failures``, ``problems``.
    """
    recorder = shell.displayhook.session
    streams = [
        Stream(name, descriptor, recorder, os.path.join(job["folder"], name))
        for name, descriptor in (("stdout", 1), ("stderr", 2))
    ]
    sys.stdout, sys.stderr = streams
    cells = job["cells"]
    result = {
        "outputs": [[] for _ in cells],
        "counts": [None] * len(cells),
        "seconds": [0.0] * len(cells),
        "failures": [],
    }
    threads = {thread: None for thread in threading.enumerate()}
    since = None  # the cell after which there were child processes, and ever since
    for index, cell in enumerate(cells):
        if not cell["source"].strip() or "skip-execution" in cell["tags"]:
            continue
        progress(index)
        recorder.begin(result["outputs"][index])
        started = time.perf_counter()
        failure = run_cell(shell, cell["source"], job["limit"], streams)
        result["seconds"][index] = time.perf_counter() - started
        result["counts"][index] = shell.execution_count - 1
        for thread in threading.enumerate():
            threads.setdefault(thread, index)
        since = (index if since is None else since) if has_children() else None
        wanted = job["allow_errors"] or "raises-exception" in cell["tags"]
        if failure and not (wanted and failure.pop("ordinary")):
            result["failures"].append({"step": index, **failure})
            break
    else:
        result["failures"] += left_behind(threads)
        if since is not None and has_children(running=True):
            message = "a process that the cell started still runs after the last cell"
            failure = {"step": since, "line": None, "message": message, "traceback": ""}
            result["failures"].append(failure)
    temporary = tempfile.gettempdir()
    result["outputs"] = [plain(one, job["root"], temporary) for one in result["outputs"]]
    result["problems"] = problems(result["outputs"])
    return result


def run_cell(shell, source, limit, streams):
    """Run one cell; return None or its failure."""

    def stop(signum, frame):
        raise TimeLimit(f"the cell ran longer than {limit:g} s")

    shell.displayhook.msg = None
    shell._last_traceback_during_displayhook = False
    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, limit)
    try:
        done = shell.run_cell(source, store_history=True)
    except TimeLimit as error:  # between two statements of the shell itself
        return {"message": str(error), "line": None, "traceback": "", "ordinary": False}
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    for stream in streams:
        if not stream.intact():
            message = f"the cell closed or replaced {stream.name}"
            return {"message": message, "line": None, "traceback": "", "ordinary": False}
        stream.flush()
    error = done.error_before_exec or done.error_in_exec
    if error is not None:
        return describe(error)
    if shell._last_traceback_during_displayhook:
        shown = COLOURS.sub("", "\n".join(map(str, shell._last_traceback or [])))
        last = shown.strip().rpartition("\n")[2]
        return {"message": last, "line": None, "traceback": shown, "ordinary": True}
    return None


def describe(error):
    """What failed, and at which line of the cell."""
    line = None
    if isinstance(error, SyntaxError) and CELL_FILE.search(error.filename or ""):
        line = error.lineno
    trace = error.__traceback__
    while trace is not None and not CELL_FILE.search(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next  # the shell's own frames
    if trace is not None:
        line = trace.tb_lineno  # the outermost frame of a cell is of the cell that is run
    shown = traceback.format_exception(type(error), error, trace)
    message = traceback.format_exception_only(error)[-1].strip()
    return {
        "message": message.removeprefix(f"{__name__}."),
        "line": line,
        "traceback": "".join(shown),
        "ordinary": not isinstance(error, TimeLimit),
    }


def has_children(running=False):
    """Whether this process has child processes; with `running`, those that ended are let go."""
    try:
        if running:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        else:
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def left_behind(threads, patience=1.0):
    """Failures for threads that still run, each with the cell after which it first did."""
    failures = []
    for thread, index in threads.items():
        if index is not None:
            thread.join(patience)
            if thread.is_alive():
                message = f"thread {thread.name!r} still runs after the last cell"
                failures.append({"step": index, "line": None, "message": message, "traceback": ""})
    return failures


def plain(outputs, root, temporary):
    """The outputs without paths of this machine, and each stream in one piece.

    In which pieces and order two streams arrive is chance in a kernel; a display in between
    keeps its place.
    """

    def clean(text):
        text = CELL_FILE.sub("<cell>", text.replace(os.path.join(temporary, ""), ""))
        return text.replace(os.path.join(os.path.realpath(root), ""), "")

    outputs = merge_streams(outputs)
    for output in outputs:
        if output["output_type"] == "stream":
            output["text"] = clean(output["text"])
        elif output["output_type"] == "error":
            output["evalue"] = clean(output["evalue"])
            output["traceback"] = [clean(line) for line in output["traceback"]]
        else:
            data = output["data"]
            if "text/plain" in data:
                data["text/plain"] = clean(data["text/plain"])
                if len(data) > 1:  # nobody sees it beside the richer form
                    data["text/plain"] = ADDRESS.sub("", data["text/plain"])
    return outputs


def merge_streams(outputs):
    """The outputs with what each stream said between two displays as one."""
    merged, open_streams = [], {}
    for output in outputs:
        if output["output_type"] != "stream":
            open_streams.clear()
        elif (earlier := open_streams.get(output["name"])) is not None:
            earlier["text"] += output["text"]
            continue
        else:
            open_streams[output["name"]] = output
        merged.append(output)
    return merged


def problems(outputs):
    """What would differ on the next run: memory addresses, with the index of the cell."""
    found = []
    for index, cell in enumerate(outputs):
        for output in cell:
            texts = [output.get("text", ""), output.get("evalue", "")]
            texts += [value for value in output.get("data", {}).values() if isinstance(value, str)]
            for text in texts:
                if match := ADDRESS.search(text):
                    start = text.rfind("\n", 0, match.start()) + 1
                    found.append({"step": index, "line": None, "message":
                        f"the output shows a memory address, which differs on each run: "
                        f"{text[start:match.end()].strip()[-80:]!r}", "traceback": ""})
                    break
    return found
