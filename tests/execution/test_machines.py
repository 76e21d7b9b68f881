"""Results on several machines, what differs between two runs, and two builds at once."""

import json
import re
import shutil
import time

import pytest
from execution.__main__ import choose


def fill(book):
    book.write("code/pkg.py", '"""\n>>> f()\n1\n"""\n\n\ndef f():\n    return 1\n')
    for number in range(5):
        book.chapter(f"c{number}", f"import pkg\npkg.f() + {number}", *["1"] * number)
    page = "# Page\n\n```{doctest}\n>>> 1\n1\n```\n"
    book.write("book/chapters/page.md", page)
    conf = book.folder / "conf.py"
    conf.write_text(conf.read_text() + 'execution_modules = ["pkg"]\n')


def test_quarters_from_four_machines_make_a_whole(book, tmp_path_factory):
    fill(book)
    whole = 0
    for number in range(1, 5):
        machine = tmp_path_factory.mktemp("machine") / "a folder"
        shutil.copytree(book.folder, machine)
        status, said = book.execution("results", "--shard", f"{number}/4", folder=machine)
        assert status == 0, said
        whole += int(re.search(r"execution: (\d+) to run, 0 from the store", said)[1])
        shutil.copytree(
            machine / "build/executed/results", book.folder / "build/executed/results",
            dirs_exist_ok=True,
        )  # fmt: skip
    assert whole == 7
    done = book.build()
    assert (done.ran, done.warnings) == (set(), "")
    assert "execution: 0 to run, 7 from the store" in done.log


def test_all_results_at_once(book):
    fill(book)
    assert "execution: 7 to run, 0 from the store" in book.execution("results")[1]
    assert "execution: 0 to run, 7 from the store" in book.execution("results")[1]
    assert book.build().ran == set()


def test_results_report_what_is_wrong(book):
    fill(book)
    book.chapter("c0", "1 / 0", tags=["hide-imput"])
    status, said = book.execution("results")
    assert status == 1
    assert "book/chapters/c0.md:12: WARNING: " in said and "ZeroDivisionError" in said
    assert "book/chapters/c0.md:11: WARNING: unknown tag of a cell: hide-imput" in said


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 50])
def test_parts_are_all_and_of_about_the_same_weight(count):
    class Task(int):
        @property
        def identity(self):
            return int(self)

    tasks = [Task(number) for number in range(1, 41)]
    parts = [choose(reversed(tasks), number, count, int) for number in range(1, count + 1)]
    assert sorted(task for part in parts for task in part) == tasks
    loads = [sum(part) for part in parts]
    assert max(loads) - min(loads) <= max(tasks)


@pytest.mark.parametrize("text", ["5/4", "0/4", "2", "a/b", "1/0", "-1/4"])
def test_no_such_part(book, text):
    status, said = book.execution("results", f"--shard={text}")
    assert status == 2 and "write 2/4 for the second of four" in said


# --- what differs between two runs

SAME = {
    "seeded": "import numpy as np, random\nrandom.seed(0)\n"
              "np.random.default_rng(0).random(), random.random()",
    "date that is given": "import datetime\n"
                          "d = datetime.datetime(2020, 1, 2, tzinfo=datetime.timezone.utc)\n"
                          "print(isinstance(d, datetime.datetime), d.strftime('%Y'))\nd",
    "date that is read": "import datetime\ndatetime.datetime.fromisoformat('2020-01-02T03:04')",
    "difference of dates": "import datetime\n"
                           "datetime.datetime(2020, 1, 2) - datetime.datetime(2020, 1, 1)",
    "epoch": "import time\ntime.strftime('%Y', time.gmtime(0))",
    "time that is not shown": "import time\nt = time.time()\ntime.time() >= t",
    "figure": "import matplotlib.pyplot as plt\nplt.plot([1, 2], label='x')\nplt.legend();",
    "set of numbers": "{3, 1, 2}",
    "dates in NumPy": "import datetime, numpy as np\n"
                      "np.array([datetime.datetime(2020, 1, 2)], dtype='M8[s]')",
}
DIFFERENT = {
    "NumPy": "import numpy as np\nx = 1\nprint(np.random.default_rng().random())",
    "NumPy, the old way": "import numpy as np\nnp.random.rand()",
    "random": "import random\nrandom.random()",
    "urandom": "import os\nos.urandom(3)",
    "identifier": "import uuid\nuuid.uuid4()",
    "hash of an object": "hash(object())",
    "time": "import time\ntime.time()",
    "time in words": "import time\ntime.ctime()",
    "date in another form": "import time\ntime.strftime('%d')",
    "year": "import datetime\ndatetime.date.today().year",
    "now": "import datetime\ndatetime.datetime.now().year",
    "today": "from datetime import datetime\ndatetime.today().year",
    "now, elsewhere": "from datetime import datetime, timezone\ndatetime.now(timezone.utc).year",
    "duration": "import time\nt = time.perf_counter()\nprint(time.perf_counter() - t)",
    "process": "import os\nos.getpid()",
    "figure": "import matplotlib.pyplot as plt, random\nplt.plot([1, random.random()]);",
    "age of a file": "import os, time\n'old' if time.time() - os.stat('index.md').st_mtime > 9e6 "
                     "else 'new'",
    "error": "import random\nif random.random() < 2:\n    raise ValueError(random.random())",
}  # fmt: skip


def test_what_differs_is_found_at_its_line(book):
    for place, cells in (("same", SAME), ("different", DIFFERENT)):
        for number, cell in enumerate(cells.values()):
            tags = ["raises-exception"] if place == "different" else []
            book.chapter(f"{place}{number:02}", "1", cell, tags=tags)
    shutil.copy(book.folder / "book/index.md", book.folder / "book/chapters/index.md")
    status, said = book.execution("determinism")
    found = re.findall(r"chapters/different(\d+)\.md:(\d+): WARNING: ", said)
    assert "chapters/same" not in "".join(re.findall(r"^.*WARNING.*$", said, re.M)), said
    assert [int(number) for number, _ in found] == list(range(len(DIFFERENT))), said
    assert {line for _, line in found} == {"17"}
    assert "run twice, the cell gives another result (is all randomness seeded" in said
    assert status == 1


def test_what_is_the_same_passes(book):
    fill(book)
    status, said = book.execution("determinism")
    assert (status, said.count("WARNING")) == (0, 0), said
    assert "[14 of 14]" in said
    assert not (book.folder / "build/executed/results").exists()


def test_example_that_fails_in_the_second_run(book):
    fill(book)
    book.write("book/chapters/page.md", "# Page\n\n```{doctest}\n>>> import datetime\n"
               f">>> datetime.date.today().year\n{time.gmtime().tm_year}\n```\n")
    status, said = book.execution("determinism")
    assert status == 1
    assert "page.md:5: WARNING: the second run, at a later date: doctest failed" in said


# --- two builds at once

SLOW = "import time\ntime.sleep(2)\n'slow'"


def test_a_second_build_waits_and_says_for_what(book):
    book.chapter("a", SLOW)
    first = book.start()
    lock = book.folder / "build/build.lock"
    while first.poll() is None and not (lock.is_file() and lock.read_text()):
        time.sleep(0.02)
    second = book.start("-q")
    outputs = [process.communicate(timeout=60) for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), outputs
    assert "execution: 1 to run" in outputs[0][0]
    assert re.fullmatch(
        rf"waiting for another build in \S*build: process {first.pid}, since \S+: .*\n",
        outputs[1][1],
    )
    assert lock.read_text() == ""


def test_many_builds_at_once(book):
    fill(book)
    processes = [book.start(builder=builder) for builder in ("html", "html", "dummy", "text")]
    outputs = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, outputs
    ran = [int(re.search(r"execution: (\d+) to run", out)[1]) for out, _ in outputs
           if "to run" in out]  # fmt: skip
    assert sum(ran) == 7
    assert "6 cells" not in book.page("index")


def test_a_lost_build_keeps_nobody_waiting(book):
    book.chapter("a", SLOW)
    first = book.start()
    lock = book.folder / "build/build.lock"
    while first.poll() is None and not (lock.is_file() and lock.read_text()):
        time.sleep(0.02)
    first.kill()
    first.communicate()
    second = book.start()
    _, said = second.communicate(timeout=60)
    assert (second.returncode, "waiting" in said) == (0, False), said


def test_a_build_that_fails_lets_the_next_begin(book):
    book.chapter("a", "1 / 0")
    with pytest.raises(Exception, match="no module nonesuch"):
        book.build(execution_modules=["nonesuch"])
    process = book.start("-W", "--keep-going")
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1 and "waiting" not in said
    assert json.dumps(said).count("ZeroDivisionError") == 2
