"""Run the code cells of a notebook in this process, in the shell of Jupyter's Python kernel.

The shell is ipykernel's own; in place of its messages over sockets, a :class:`Recorder` collects
what they would have carried. So rich outputs, magics, ``display``, figures and tracebacks are
what a kernel would have given.
"""

import codecs
import contextlib
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
import warnings

import psutil
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
CELL_FILE = re.compile(r"\bipykernel_\d+/\d+\.py")  # as ipykernel calls a cell
WARNED = re.compile(  # the line of a cell, and what is said
    r"^(?!<>|.*/IPython/core/)(?:.*ipykernel_\d+/\d+\.py:(\d+)|.+:\d+): (\w*Warning: .*)", re.M
)
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


DISPLAYS = {}
"""Display id -> the outputs that carry it, in this process."""


class TimeLimit(BaseException):
    """A cell ran longer than it may; not an ``Exception``, so that cells do not catch it."""


class OutputLimit(BaseException):
    """A cell shows more than it may; not an ``Exception``, so that cells do not catch it."""


class Recorder(Session):
    """Takes the shell's messages and makes outputs of them, as a notebook client does.

    While a cell runs, the text of a stream is a list of pieces, so that a cell that prints often
    takes time in proportion to what it prints.
    """

    def begin(self, outputs, text=None, data=None):
        """Collect into the list `outputs` from now on, up to so many characters of each kind."""
        self.outputs = outputs
        self.clearing = False
        self.limits = {"text": text, "data": data}
        self.shown = {"text": 0, "data": 0}
        self.over = None  # the failure, once a limit was passed

    def send(self, stream, msg_or_type, content=None, *args, **kwargs):
        """Take a message in place of sending it."""
        if isinstance(msg_or_type, dict):
            kind, content = msg_or_type["msg_type"], msg_or_type["content"]
        else:
            kind = msg_or_type
        if kind == "clear_output":
            self.clearing = content["wait"]
            if not self.clearing:
                self._clear()
        elif kind in ("display_data", "execute_result", "update_display_data"):
            self._display(kind, content)
        elif kind == "error":
            self._add({"output_type": "error", **content})

    def text(self, name, text):
        """Take text that was printed; neighbouring pieces become one output."""
        if not text or self._beyond("text", len(text)):
            return
        last = self.outputs[-1] if self.outputs and not self.clearing else {}
        if last.get("output_type") == "stream" and last["name"] == name:
            last["text"].append(text)
        else:
            self._add({"output_type": "stream", "name": name, "text": [text]})

    def _display(self, kind, content):
        if self._beyond("data", sizes([content])["data"]):
            return
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
            self._clear()
        self.outputs.append(output)

    def _clear(self):
        self.outputs.clear()
        self.clearing = False
        self.shown = {"text": 0, "data": 0}

    def _beyond(self, kind, size):
        """Whether a limit was passed; raises in the statement that passes it."""
        if self.over is None:
            self.shown[kind] += size
            if (limit := self.limits[kind]) is None or self.shown[kind] <= limit:
                return False
            message = too_much(kind, limit)
            self.over = {"message": message, "line": cell_line(), "traceback": ""}
            raise OutputLimit(message)
        return True


class Stream(io.TextIOBase):
    """``sys.stdout`` or ``sys.stderr`` of a cell; what is written to the descriptor comes along."""

    encoding = "utf-8"

    def __init__(self, name, descriptor, recorder, file):
        self.name, self.descriptor, self.recorder = name, descriptor, recorder
        self.file = open(file, "w+b", buffering=0)
        os.dup2(self.file.fileno(), descriptor)
        self.inode = os.fstat(descriptor).st_ino
        self.place = 0
        self.decode = codecs.getincrementaldecoder("utf-8")("replace").decode

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
            self.recorder.text(self.name, self.decode(text))

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
        ``cells`` (each with ``source`` and ``tags``), ``limit`` in seconds, ``text`` and ``data``
        (characters that a cell may print and display), ``allow_errors``, ``folder`` of the run,
        ``root`` of the repository.
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
        "problems": [],
    }
    warned = []
    watch_warnings(lambda line, said: warned.append((line, said)))
    threads = {thread: None for thread in threading.enumerate()}
    since = None  # the cell after which there were child processes, and ever since
    for index, cell in enumerate(cells):
        if not cell["source"].strip() or "skip-execution" in cell["tags"]:
            continue
        progress(index)
        recorder.begin(result["outputs"][index], job["text"], job["data"])
        warned.clear()
        started = time.perf_counter()
        failure = run_cell(shell, cell["source"], job["limit"], streams)
        result["seconds"][index] = time.perf_counter() - started
        result["counts"][index] = shell.execution_count - 1
        for thread in threading.enumerate():
            threads.setdefault(thread, index)
        since = (index if since is None else since) if has_children() else None
        if "raises-warning" not in cell["tags"]:
            for line, said in dict.fromkeys(warned):
                result["problems"].append(warning(index, line, said))
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
    result["problems"] += problems(result["outputs"])
    return result


def watch_warnings(tell):
    """Call `tell` with the line of the cell (or None) and the text of each warning that is shown.

    What the run catches or filters is not shown. What libraries have warned of before this run is
    shown again.
    """
    show = warnings.showwarning

    def showwarning(message, category, filename, lineno, file=None, line=None):
        line_of_cell = cell_line() or (lineno if CELL_FILE.search(filename) else None)
        if file is None and not (filename == "<>" or "/IPython/core/" in filename):  # the shell's
            tell(line_of_cell, f"{category.__name__}: {message}")
        show(message, category, filename, lineno, file, line)

    warnings.showwarning = showwarning
    # Shown from Python 3.12 on. A change of the filters makes Python forget what it has shown.
    warnings.filterwarnings("default", "invalid (escape|octal)", DeprecationWarning)


def warning(step, line, said):
    """The problem of a warning that a cell shows."""
    message = f"{said} (mend what it warns of, or tag the cell raises-warning to show it)"
    return {"step": step, "line": line, "message": message, "traceback": ""}


def too_much(kind, limit):
    """What is said of a cell that shows more than so many characters."""
    what = {"text": "prints", "data": "displays"}[kind]
    return (f"the cell {what} more than {limit:,} characters; show less, or raise "
            f"execution_{kind} in conf.py")


def sizes(outputs):
    """How many characters outputs print, and how many they display."""
    data = (value for output in outputs for value in output.get("data", {}).values())
    return {
        "text": sum(len(output.get("text", "")) for output in outputs),
        "data": sum(len(value if isinstance(value, str) else str(value)) for value in data),
    }


def cell_line():
    """The line at which the cell that runs is now, or None."""
    line, frame = None, sys._getframe()
    while frame is not None:
        if CELL_FILE.search(frame.f_code.co_filename):
            line = frame.f_lineno  # the outermost frame of a cell is of the cell that is run
        frame = frame.f_back
    return line


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
        with contextlib.suppress(OutputLimit):
            stream.flush()
    if stream.recorder.over is not None:
        return {**stream.recorder.over, "ordinary": False}
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
        "ordinary": not isinstance(error, TimeLimit | OutputLimit),
    }


def has_children(running=False):
    """Whether this process has child processes; with `running`, those that ended are let go."""
    try:
        if running:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        elif hasattr(os, "waitid"):
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        else:  # macOS before Python 3.13
            return bool(psutil.Process().children())
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
        text = hide_cells(text.replace(os.path.join(temporary, ""), ""))
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


def hide_cells(text):
    """The text with ``<cell>`` in place of each file name that ipykernel gives to a cell."""
    parts, done = [], 0
    for match in CELL_FILE.finditer(text):
        start = match.start()
        if text[start - 1 : start] == "/":
            while start > done and not (text[start - 1].isspace() or text[start - 1] in "\"'"):
                start -= 1
        parts += text[done:start], "<cell>"
        done = match.end()
    return "".join([*parts, text[done:]])


def merge_streams(outputs):
    """The outputs with what each stream said between two displays as one text."""
    merged, pieces = [], {}
    for output in outputs:
        if output["output_type"] != "stream":
            pieces.clear()
            merged.append(output)
            continue
        text = output["text"]  # a kernel gives one text, the recorder a list of pieces
        text = [text] if isinstance(text, str) else text
        if output["name"] in pieces:
            pieces[output["name"]] += text
        else:
            output["text"] = pieces[output["name"]] = text
            merged.append(output)
    for output in merged:
        if output["output_type"] == "stream":
            output["text"] = "".join(output["text"])
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
