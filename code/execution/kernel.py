"""Where fork is missing: cells through an ordinary kernel, doctests in processes of their own.

Nothing traces what a kernel reads, so its results are never kept: such a build is slower, but
shows the same outputs and reports the same errors.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from copy import deepcopy
from pathlib import Path

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from execution import cells
from execution.pool import CODE, Pool, environment, temporary

SPAWN = """
import json, pathlib, sys
sys.path.insert(0, sys.argv[1])
from execution import warm
sys.path.remove(sys.argv[1])
job = json.load(sys.stdin)
step = pathlib.Path(job["folder"], "step")
warm.perform(job, lambda number: step.write_text(str(number)))
"""

FILE = re.compile(r" \(\d+\.py, line \d+\)$")  # what a syntax error says of the kernel's file
LINE = re.compile(r"Cell In\[\d+\], line (\d+)")


def run(notebook, task, common, store):
    """Run a notebook's cells in a kernel; return the outcome in the form of a pool."""
    folder = Path(temporary())
    variables = environment(store.folder.absolute()) | {
        "PYTHONPATH": os.pathsep.join(common["folders"]),
        "TMPDIR": str(folder),
    }
    profile = Path(variables["IPYTHONDIR"], "profile_default")
    profile.mkdir(parents=True, exist_ok=True)
    (profile / "ipython_kernel_config.json").write_text(json.dumps(cells.SETTINGS))
    copy, reached, failures = deepcopy(notebook), [], []
    seconds = [0.0] * len(copy.cells)
    for cell in copy.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None

    def begin(cell, cell_index):
        reached.append((cell_index, time.perf_counter()))

    def end(cell, cell_index, execute_reply):
        seconds[cell_index] = time.perf_counter() - reached[-1][1]

    client = NotebookClient(
        copy,
        timeout=task.job["limit"],
        allow_errors=task.job["allow_errors"],
        kernel_name="python3",
        resources={"metadata": {"path": task.job["cwd"] or str(folder)}},
        record_timing=False,
        on_cell_execute=begin,
        on_cell_executed=end,
    )
    try:
        client.execute(env=variables)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        failures.append(_failure(error, copy, reached[-1][0] if reached else None, task))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    raw = json.loads(json.dumps([cell.get("outputs", []) for cell in copy.cells]))
    noticed = []
    for index, cell in enumerate(raw):
        tags = copy.cells[index].metadata.get("tags", [])
        if "raises-warning" not in tags:
            noticed += [cells.warning(index, int(line) if line else None, said)
                        for line, said in _warned(cell)]
        for kind, size in cells.sizes(cell).items():
            if size > task.job[kind]:
                message = cells.too_much(kind, task.job[kind])
                noticed.append({"step": index, "line": None, "message": message, "traceback": ""})
    outputs = [cells.plain(cell, common["root"], str(folder)) for cell in raw]
    return {
        "outputs": outputs,
        "counts": [cell.get("execution_count") for cell in copy.cells],
        "seconds": seconds,
        "failures": failures,
        "problems": noticed + cells.problems(outputs),
        "observed": None,
    }


def _warned(outputs):
    """Line and text of the warnings on the error stream, each once."""
    texts = (one["text"] for one in outputs if one.get("name") == "stderr")
    return dict.fromkeys(found for text in texts for found in cells.WARNED.findall(text))


def _failure(error, notebook, index, task):
    if isinstance(error, CellExecutionError):
        shown = [one for one in notebook.cells[index].outputs if one.output_type == "error"]
        trace = cells.COLOURS.sub("", "\n".join(shown[-1].traceback)) if shown else ""
        lines = LINE.findall(trace)
        value = FILE.sub("", error.evalue)
        message = f"{error.ename}: {value}" if value else error.ename
        line = int(lines[0]) if lines else None
        return {"step": index, "line": line, "message": message, "traceback": trace}
    message = f"the kernel died: {error}"
    if isinstance(error, CellTimeoutError):
        message = f"TimeLimit: the cell ran longer than {task.job['limit']:g} s"
    return {"step": index, "line": None, "message": message, "traceback": ""}


class Spawner:
    """Runs doctests as a pool does, each job in a new interpreter, one after the other."""

    def __init__(self, store, preload, width):
        self.store = store

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        pass

    def run(self, jobs):
        """Run all jobs; yield (job, outcome)."""
        for job in jobs:
            folder = self.store.scratch()
            job["folder"], job["scratch"] = str(folder), temporary()
            command = [sys.executable, "-P", "-c", SPAWN, CODE]
            event = {"left": False, "reason": None, "step": None}
            try:
                done = subprocess.run(
                    command,
                    input=json.dumps(job).encode(),
                    env=environment(self.store.folder.absolute()),
                    timeout=10 * job["limit"],
                )
                event["exit"] = done.returncode
            except subprocess.TimeoutExpired:
                event |= {"exit": None, "reason": "limit"}
            if (folder / "step").is_file():
                event["step"] = int((folder / "step").read_text())
            yield job, Pool.collect(job, event)
