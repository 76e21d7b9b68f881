"""Each fault of a run ends in an error at its file and line, and the next build is right."""

import os
import re
import signal
import tempfile
import time
from pathlib import Path

import psutil
import pytest
from execution import pool
from execution.pool import Pool, temporary
from execution.store import Store

FAULTS = {  # what the second cell does -> (line within the cell, what is said)
    "error": ("x = 1\n1 / 0", 2, "ZeroDivisionError: division by zero"),
    "syntax": ("x = 1\ny = = 2", 2, "SyntaxError: invalid syntax"),
    "error in a module": ("import helper\nhelper.fail()", 2, "ValueError: from the module"),
    "error in an earlier cell's function": ("x = 1\nfirst()", 2, "KeyError: 'k'"),
    "magic": ("x = 1\n%nonesuch", 2, "UsageError: Line magic function"),
    "exit": ("import sys\nsys.exit(3)", 2, "SystemExit: 3"),
    "network": (
        "import urllib.request\nurllib.request.urlopen('http://192.0.2.1/')", 2,
        "URLError: <urlopen error a cell has no network: socket",
    ),
    "connection": (
        "import socket\nsocket.socket().connect(('127.0.0.1', 9))", 2,
        "PermissionError: a cell has no network: socket.connect ('127.0.0.1', 9)",
    ),
    "name": ("import socket\nsocket.getaddrinfo('example.org', 80)", 2, "no network"),
    "datagram": (
        "import socket\nsocket.socket(type=socket.SOCK_DGRAM).sendto(b'', ('127.0.0.1', 9))", 2,
        "PermissionError: a cell has no network: socket.sendto ('127.0.0.1', 9)",
    ),
    "connection, version 6": (
        "import socket\nsocket.socket(socket.AF_INET6).connect(('::1', 9))", 2, "no network",
    ),
    "socket of another process": (
        "import socket\nsocket.socket(socket.AF_UNIX).connect('/run/other.sock')", 2,
        "PermissionError: a cell has no sockets but its own: socket.connect '/run/other.sock'",
    ),
    "writes": ("x = 1\nopen('out.txt', 'w')", 2,
               "PermissionError: a cell writes in tempfile's folder only: open for writing"),
    "appends": ("from pathlib import Path\nPath('../index.md').open('a')", 2, "tempfile's folder"),
    "removes": ("import os\nos.remove('../index.md')", 2, "tempfile's folder only: os.remove"),
    "renames": ("import os\nos.rename('../index.md', '/tmp/index.md')", 2, "only: os.rename"),
    "makes a folder": ("import os\nos.makedirs('new/folder')", 2, "only: os.mkdir"),
    "program": ("import subprocess\nsubprocess.run(['true'])", 2,
                "PermissionError: a cell starts no program (['true'])"),
    "shell": ("import os\nos.system('true')", 2, "starts no program"),
    "endless": ("x = 1\nwhile True:\n    pass", (2, 3), "TimeLimit: the cell ran longer than 1 s"),
    "endless, errors caught": (
        "while True:\n    try:\n        while True:\n            pass\n    except:\n        pass",
        (1, 6), "stopped after the limit of 1 s",
    ),
    "endless in C": ("import itertools\nsum(itertools.repeat(0))", 2, "limit of 1 s"),
    "endless wait": ("import time\ntime.sleep(1000)", 2, "TimeLimit"),
    "killed": ("import os\nos.kill(os.getpid(), 9)", 1,
               "killed by SIGKILL (by the system, if memory ran out)"),
    "segmentation fault": ("import ctypes\nctypes.string_at(0)", 2, "killed by SIGSEGV"),
    "abort": ("import os\nos.abort()", 2, "killed by SIGABRT"),
    "os._exit": ("import os\nos._exit(0)", 2, "left with exit status 0"),
    "closed stdout": ("import sys\nsys.stdout.close()", 1, "the cell closed or replaced stdout"),
    "closed descriptor": ("import os\nos.close(1)", 1, "the cell closed or replaced stdout"),
    "thread": (
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), name='T').start()",
        1, "thread 'T' still runs after the last cell",
    ),
    "process": ("import os, time\nif os.fork() == 0:\n    time.sleep(60)", 1,
                "a process that the cell started still runs after the last cell"),
    "memory": ("x = 1\nbytearray(1 << 40)", 2, "MemoryError"),
    "address": ("x = 1\nobject()", 1, "shows a memory address, which differs on each run: "
                "'<object at 0x"),
}


@pytest.fixture(scope="module")
def faulty(shared):
    shared.write("code/helper.py", "def fail():\n    raise ValueError('from the module')\n")
    shared.chapter("other", "'other'")
    return shared


def build(book, limit=60):
    return book.build("dummy", execution_limit=limit, execution_memory=4 << 30)


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_reported_where_it_is(faulty, name):
    cell, line, message = FAULTS[name]
    first = "def first():\n    return {}['k']"
    path = faulty.chapter("a", first, cell, "'last'")
    begin = path.read_text().splitlines().index(cell.splitlines()[0]) + 1
    done = build(faulty, limit=1 if name.startswith("endless") else 60)
    found = re.match(r"book/chapters/a\.md:(\d+): WARNING: (.*)", done.warnings)
    assert found, done.warnings
    low, high = line if isinstance(line, tuple) else (line, line)
    assert low <= int(found[1]) - begin + 1 <= high, done.warnings
    assert message in found[2]
    assert f"cell at line {begin}: " in found[2]
    assert done.status == 1
    assert len(re.findall("WARNING", done.warnings)) == 1, done.warnings
    assert nothing_left(faulty)
    faulty.chapter("a", first, "'mended'", "'last'")
    again = build(faulty)
    assert (again.warnings, again.status) == ("", 0)
    assert "mended" in faulty.notebook("a")
    assert not (faulty.folder / "book/chapters/out.txt").exists()


def test_failed_run_is_never_a_result(book):
    book.chapter("a", "1 / 0")
    first = book.build("dummy")
    assert first.status == 1
    assert list((book.folder / "build/executed/results").glob("*")) == []
    assert 'File "<cell>", line 1' in first.warnings
    second = book.build("dummy")
    assert (second.ran, second.warnings, second.status) == ({"cells a"}, first.warnings, 1)


def test_outputs_up_to_the_failure_are_shown(book):
    book.chapter("a", "'shown'", "1 / 0", "'never'")
    book.build("dummy")
    notebook = book.notebook("a")
    assert "'shown'" in notebook and "ZeroDivisionError" in notebook
    assert notebook.count("never") == 1  # the source


def test_all_threads_and_files_within_bounds_are_fine(book):
    book.chapter(
        "a",
        "import tempfile, threading, os, shutil\n"
        "with tempfile.TemporaryDirectory() as folder:\n"
        "    os.makedirs(os.path.join(folder, 'a/b'))\n"
        "    open(os.path.join(folder, 'a/b/c'), 'w').close()\n"
        "name = tempfile.mkdtemp()\n"
        "open(os.path.join(name, 'x'), 'w').write('text')\n"
        "shutil.move(os.path.join(name, 'x'), os.path.join(name, 'y'))\n"
        "open(os.path.join(name, 'y')).read()",
        "thread = threading.Thread(target=print, args=('from a thread',))\n"
        "thread.start()\nthread.join()",
        "import multiprocessing\n"
        "with multiprocessing.get_context('fork').Pool(1) as pool:\n"
        "    print(pool.map(abs, [-1]))",
    )
    done = book.build("dummy")
    assert done.warnings == ""
    assert "from a thread" in book.notebook("a")
    assert "[1]" in book.notebook("a")


def test_reads_of_a_forked_process_count(book):
    book.write("book/chapters/data.txt", "1")
    book.chapter(
        "a",
        "import multiprocessing\nfrom pathlib import Path\n"
        "with multiprocessing.get_context('fork').Pool(1) as pool:\n"
        "    print(pool.map(Path.read_text, [Path('data.txt')]))",
    )
    assert book.build("dummy").warnings == ""
    book.write("book/chapters/data.txt", "2")
    assert book.build("dummy").ran == {"cells a"}
    assert "['2']" in book.notebook("a")


def test_child_that_ended_without_being_waited_for_is_fine(book):
    book.chapter("a", "import os, time\nif os.fork() == 0:\n    os._exit(0)\ntime.sleep(0.2)")
    assert book.build("dummy").warnings == ""


SOCKETS = {
    "listener": (
        "import multiprocessing.connection as c, os\n"
        "with c.Listener(family='AF_UNIX') as listener:\n"
        "    if os.fork() == 0:\n"
        "        with c.Client(listener.address) as client:\n"
        "            client.send('over a socket')\n"
        "        os._exit(0)\n"
        "    with listener.accept() as connection:\n"
        "        print(connection.recv())\n"
        "_ = os.wait()",
        "over a socket",
    ),
    "descriptor that is sent": (
        "import os, socket\na, b = socket.socketpair()\nr, w = os.pipe()\n"
        "socket.send_fds(a, [b'x'], [r])\n_, [fd], _, _ = socket.recv_fds(b, 1, 1)\n"
        "_ = os.write(w, b'through a descriptor')\nos.read(fd, 99).decode()",
        "through a descriptor",
    ),
    "loader": (
        "import torch\nfrom torch.utils.data import DataLoader\n"
        "loader = DataLoader(torch.arange(6.0), batch_size=2, num_workers=2)\n"
        "print([batch.tolist() for batch in loader])",
        "[[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]",
    ),
    "loader that stays": (
        "import torch\nfrom torch.utils.data import DataLoader\n"
        "loader = DataLoader(torch.arange(4.0), num_workers=2, persistent_workers=True)\n"
        "print(sum(b.item() for b in loader) + sum(b.item() for b in loader))\ndel loader",
        "12.0",
    ),
}


@pytest.mark.parametrize("name", SOCKETS)
def test_sockets_within_the_machine_in_a_deep_folder(name, new_book, tmp_path):
    cell, printed = SOCKETS[name]
    if "torch" in cell:
        pytest.importorskip("torch")
    folder = tmp_path.joinpath(*["a folder of some depth"] * 6)
    folder.mkdir(parents=True)
    book = new_book(folder)
    book.chapter("a", cell)
    done = book.build("dummy", execution_preload=["numpy", "torch"], execution_limit=60)
    assert done.warnings == ""
    assert printed in book.notebook("a")


def test_temporary_files_have_short_paths_and_go(book, monkeypatch, tmp_path):
    near = Path(tempfile.mkdtemp(dir="/tmp"))  # short, and of this run alone
    for base, short in ((tmp_path / ("a" * 60), False), (near, True)):
        base.mkdir(parents=True, exist_ok=True)
        monkeypatch.setattr("tempfile.tempdir", str(base))
        folder = temporary()
        assert folder.startswith(os.path.realpath(base)) == short
        assert len(folder) <= 53
        os.rmdir(folder)
    book.chapter("a", "import tempfile\nopen(tempfile.mkdtemp() + '/x', 'w').write('x')")
    assert book.build("dummy").warnings == ""
    book.chapter("b", "import os\nos.kill(os.getpid(), 9)")
    assert book.build("dummy").status == 1
    assert os.listdir(near) == []
    near.rmdir()


def test_without_waitid(book, monkeypatch):
    """macOS has no ``os.waitid`` before Python 3.13."""
    site = book.write("site/sitecustomize.py", "import os\ndel os.waitid\n").parent
    given = pool.environment
    monkeypatch.setattr(pool, "environment",
                        lambda folder: given(folder) | {"PYTHONPATH": str(site)})
    book.chapter("a", "import os\nprint('waitid', hasattr(os, 'waitid'))",
                 "import multiprocessing\n"
                 "with multiprocessing.get_context('fork').Pool(1) as workers:\n"
                 "    print(workers.map(abs, [-1]))")
    book.chapter("b", "import os, time\nif os.fork() == 0:\n    os._exit(0)\ntime.sleep(0.2)",
                 "os.waitstatus_to_exitcode(os.wait()[1])")
    assert book.build("dummy").warnings == ""
    assert "waitid False" in book.notebook("a") and "[1]" in book.notebook("a")
    path = book.chapter("c", "1", "import os, time\nif os.fork() == 0:\n    time.sleep(60)", "2")
    line = path.read_text().splitlines().index("import os, time") + 1
    assert f"c.md:{line}: WARNING: the cell at line {line}: a process that the cell started" in (
        book.build("dummy").warnings
    )


def test_many_short_runs(tmp_path):
    """Children that speak and end in the same moment, more at a time than there are cores."""
    common = {"cwd": str(tmp_path), "root": str(tmp_path), "folders": [], "apart": [],
              "modules": None}
    limits = {"limit": 60, "memory": 0, "programs": False, "allow_errors": False,
              "text": 100, "data": 100}
    cells = [{"source": "1 + 1", "tags": []}]
    jobs = [{"kind": "cells", "cells": cells, **common, **limits} for _ in range(200)]
    with Pool(Store(tmp_path), [], 6) as pool:
        outcomes = [outcome for _, outcome in pool.run(jobs)]
    assert len(outcomes) == 200
    assert {str(outcome["failures"]) for outcome in outcomes} == {"[]"}


def test_memory_addresses_beside_a_picture_are_left_out(book):
    book.chapter(
        "a",
        "class Picture:\n    def _repr_html_(self):\n        return '<b>x</b>'\nPicture()",
    )
    assert book.build("dummy").warnings == ""
    assert "<__main__.Picture>" in book.notebook("a")


def test_library_that_a_module_of_the_project_hides(book):
    book.write("code/random.py", "")
    with pytest.raises(Exception, match=r"code/random\.py has the name of a library"):
        book.build("dummy")


def test_interrupt_leaves_nothing_behind(book):
    book.chapter("slow", "import time\ntime.sleep(600)")
    book.chapter("fast", "'fast'")
    process = book.start("-j", "2")
    try:
        family = wait_for_run(process, book)
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert process.returncode != 0
    assert all_gone(family)
    assert nothing_left(book)
    book.chapter("slow", "'slow'")
    assert book.build("dummy").warnings == ""
    assert "'slow'" in book.notebook("slow")


def test_killed_build_takes_its_children_along(book):
    book.chapter("slow", "import time\ntime.sleep(600)")
    process = book.start()
    family = wait_for_run(process, book)
    process.kill()
    process.communicate()
    assert all_gone(family)
    book.chapter("slow", "'slow'")
    assert book.build("dummy").warnings == ""


def test_killed_parent_is_an_error_for_every_run(book):
    book.chapter("a", "import os\nos.kill(os.getppid(), 9)\nimport time\ntime.sleep(60)")
    done = book.build("dummy")
    assert done.warnings.startswith(
        "book/chapters/a.md:11: WARNING: not run, for the process that runs all cells ended: "
        "killed by SIGKILL"
    )
    assert nothing_left(book)


def nothing_left(book):
    runs = book.folder / "build/executed/runs"
    return not any(runs.iterdir()) and not psutil.Process().children(recursive=True)


def wait_for_run(process, book, patience=60):
    """Wait until a cell runs; return all processes of the build."""
    end = time.monotonic() + patience
    while time.monotonic() < end and process.poll() is None:
        family = psutil.Process(process.pid).children(recursive=True)
        if len(family) >= 2 and list((book.folder / "build/executed/runs").glob("*/stdout")):
            return family
        time.sleep(0.05)
    raise AssertionError(process.communicate())


def all_gone(family, patience=10):
    return psutil.wait_procs(family, timeout=patience)[1] == []
