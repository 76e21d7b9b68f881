"""The warm parent, seen from the Sphinx process: hand in jobs, take out results."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import deque
from pathlib import Path

from execution.tracing import LEFT_OUT, PINNED, read_log

CODE = str(Path(__file__).parent.parent)

SERVE = """
import sys
sys.path.insert(0, sys.argv[1])
from execution import warm
sys.path.remove(sys.argv[1])
warm.main(sys.argv[3:], sys.argv[1], sys.argv[2])
"""

FRAME = re.compile(r'File "[^"]*/ipykernel_\d+/\d+\.py", line (\d+)')


def environment(folder):
    """The environment for runs, with settings of matplotlib and IPython kept in `folder`."""
    own = {"MPLCONFIGDIR": str(folder / "matplotlib"), "IPYTHONDIR": str(folder / "ipython")}
    for path in own.values():
        os.makedirs(path, exist_ok=True)
    # An interpreter's settings are the same for all: what a cell gives may depend on them.
    given = {name: one for name, one in os.environ.items() if not name.startswith(LEFT_OUT)}
    return given | PINNED | own


def temporary(longest=40):
    """A new folder for temporary files; its path is short, for those of sockets have an end.

    A socket of ``multiprocessing`` adds some 50 characters, and the path of one has 103 at most.
    """
    bases = [os.path.realpath(tempfile.gettempdir()), "/tmp", "/var/tmp"]
    short = [base for base in bases if len(base) <= longest and os.access(base, os.W_OK)]
    return os.path.realpath(tempfile.mkdtemp(prefix="run-", dir=[*short, bases[0]][0]))


class Outcome(dict):
    """What a run gave: ``failures``, ``problems``, ``observed`` (or None), and its outputs."""


class Pool:
    """A warm parent and the runs that it has in hand.

    Parameters
    ----------
    store : Store
        Gives each run its folder, and keeps settings.
    preload : list of str
        Libraries that the parent imports; those that are not installed are left out.
    width : int
        Runs at a time.
    """

    def __init__(self, store, preload, width):
        self.store, self.width = store, width
        self.count = 0  # of the runs
        self.folder = store.scratch()
        self.temporary = temporary()
        self.errors = open(self.folder / "errors", "w+b")
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", SERVE, CODE, self.temporary, *preload],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            env=environment(store.folder.absolute()),
            cwd=self.folder,
            start_new_session=True,  # Ctrl-C reaches the build, which ends the parent
        )

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def close(self):
        """End the parent, and with it every run."""
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.errors.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.temporary, ignore_errors=True)

    def run(self, jobs):
        """Run all jobs, the first ones first; yield (job, outcome) as they end."""
        waiting, running = deque(jobs), {}
        try:
            for job in [waiting.popleft() for _ in range(min(self.width, len(waiting)))]:
                self._submit(job, running)
            while running:
                line = self.process.stdout.readline()
                if not line:
                    yield from self._lost(running, waiting)
                    return
                event = json.loads(line)
                if event["event"] == "end":
                    job = running.pop(event["job"])
                    if waiting:
                        self._submit(waiting.popleft(), running)
                    yield job, self.collect(job, event)
        finally:
            for job in running.values():
                shutil.rmtree(job["folder"], ignore_errors=True)

    def _submit(self, job, running):
        job["folder"] = str(self.store.scratch())
        job["id"] = Path(job["folder"]).name
        self.count += 1
        job["scratch"] = os.path.join(self.temporary, str(self.count))
        running[job["id"]] = job
        with contextlib.suppress(BrokenPipeError):  # the next read finds out
            self.process.stdin.write(json.dumps(job).encode() + b"\n")
            self.process.stdin.flush()

    def _lost(self, running, waiting):
        self.process.wait()
        self.errors.seek(0)
        last = self.errors.read().decode("utf-8", "replace").strip()[-2000:]
        ending = _ending(self.process.returncode)
        message = f"not run, for the process that runs all cells ended: {ending}"
        failure = {"step": None, "line": None, "message": message, "traceback": last}
        for job in [*running.values(), *waiting]:
            yield job, Outcome(failures=[failure], problems=[], observed=None)

    @staticmethod
    def collect(job, event):
        """The outcome of a run that has ended; its folder is removed."""
        folder = Path(job["folder"])
        try:
            result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
            observed = read_log(folder / "trace")
            if event["left"] and not result["failures"]:
                message = "a process that was started in the run still ran at its end"
                where = {"step": None, "line": None, "traceback": ""}
                result["failures"].append({"message": message, **where})
        except FileNotFoundError:
            result, observed = {"failures": [_death(folder, event, job)], "problems": []}, None
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            shutil.rmtree(job["scratch"], ignore_errors=True)
        return Outcome(result, observed=observed)


def _death(folder, event, job):
    """The failure of a run that ended without a result."""
    message = _ending(event["exit"])
    if event["reason"] == "limit":
        message = f"stopped after the limit of {job['limit']:g} s"
    elif event["exit"] == -9:
        message += " (by the system, if memory ran out)"
    where = _read(folder / "where")
    found = FRAME.findall(where)
    line = int(found[-1]) if found else None
    said = (_read(folder / name).strip()[-2000:] for name in ("output", "stderr"))
    trace = "\n".join(part for part in (where.strip(), *said) if part)
    return {"step": event["step"], "line": line, "message": message, "traceback": trace}


def _ending(status):
    if status is not None and status < 0:
        return f"killed by {signal.Signals(-status).name}"
    return f"left with exit status {status}"


def _read(path):
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
