"""How long a build takes, side by side with myst-nb alone and with Jupyter Book 1.

``python benchmarks/build.py`` copies this book and builds the copies with each tool, one after
the other: from nothing, with nothing changed, and after edits of one line of prose, one cell and
one function of a module. Then it does the same with a generated book, and builds generated books
of growing size. It prints tables and writes them to ``build/benchmark.md``.

Each tool's figure is the wall-clock time of one build in a process of its own (with
``--repeat``, the median). The floor is the sum of the own compute time of all cells, doctests and
derivations over the cores.
Jupyter Book 1 needs older versions of Sphinx than this book, so it is taken from an environment
of its own (``--jupyter-book PATH``), and builds the generated book only.
"""

import argparse
import ast
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()

CONF = """
import sys
from pathlib import Path
sys.path.insert(0, str(Path(__file__).parent / "code"))
project = "Generated"
extensions = ["myst_nb", "execution"]
myst_enable_extensions = ["dollarmath"]
nb_execution_mode = "force"
nb_execution_timeout = 600
html_theme = "basic"
"""

HEAD = """\
---
file_format: mystnb
kernelspec:
  name: python3
  display_name: Python 3
---
# Chapter {number}

One line of prose.
"""

CELLS = """
import numpy as np
import torch
from sample import model
---
weights = model.train(seed={number}, seconds={seconds})
weights.round(3)
---
import matplotlib.pyplot as plt
plt.plot(weights);
---
fig, ax = plt.subplots()
ax.bar(range(len(weights)), weights);
---
print("chapter", {number})
---
model.summary(weights)
"""

MODEL = '''\
"""A small training loop."""

import time

import numpy as np
import torch


def train(seed, seconds):
    """Fit a line by gradient descent for so many seconds of this process."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(64, 8, generator=generator)
    y = x @ torch.arange(8.0)
    w = torch.zeros(8, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.05)
    end = time.process_time() + seconds
    steps = 0
    while steps < 300 or time.process_time() < end:
        if steps < 300:
            optimizer.zero_grad()
            ((x @ w - y) ** 2).mean().backward()
            optimizer.step()
        steps += 1
    return w.detach().numpy().astype(np.float64)


def summary(weights):
    """The largest weight."""
    return float(weights.max().round(2))
'''


class Tool:
    """A way to build: Sphinx with some settings, in a copy of a book."""

    def __init__(self, name, jobs, mode=None):
        self.name, self.jobs, self.mode = name, jobs, mode

    def prepare(self, folder):
        if self.mode is None:
            return
        shutil.copy(ROOT / "benchmarks/plain.py", folder / "plain.py")
        conf = folder / "conf.py"
        conf.write_text(
            conf.read_text()
            + (
                "\nsys.path.insert(0, str(Path(__file__).parent))\n"
                "extensions = [name if name != 'execution' else 'plain' for name in extensions]\n"
                f"nb_execution_mode = {self.mode!r}\nnb_execution_timeout = 600\n"
                "texcheck_obtain = ''  # judged where the page is read, without execution\n"
            )
        )

    def command(self, folder):
        return [
            sys.executable,
            "-m",
            "sphinx",
            "-c",
            ".",
            "-d",
            "build/doctrees",
            "-j",
            str(self.jobs),
            "book",
            "build/html",
        ]

    def build(self, folder):
        """Seconds of one build, and those of its execution where it tells them."""
        started = time.perf_counter()
        done = subprocess.run(
            self.command(folder),
            cwd=folder,
            capture_output=True,
            text=True,
            env=os.environ | {"PYTHONPATH": str(folder / "code")},
        )
        seconds = time.perf_counter() - started
        if done.returncode:
            raise SystemExit(f"{self.name}: exit status {done.returncode}\n{done.stderr[-3000:]}")
        told = re.search(r"^execution: done in ([\d.]+) s", done.stdout, re.MULTILINE)
        return seconds, float(told[1]) if told else 0.0


class JupyterBook(Tool):
    """Jupyter Book 1, from an environment of its own."""

    def __init__(self, program):
        super().__init__("Jupyter Book 1, force", 1, "force")
        self.program = program

    def prepare(self, folder):
        chapters = sorted(path.stem for path in (folder / "book").glob("c*.md"))
        listed = "\n".join(f"- file: {name}" for name in chapters)
        (folder / "book/_toc.yml").write_text(
            f"format: jb-book\nroot: index\nchapters:\n{listed}\n"
        )
        (folder / "book/_config.yml").write_text(
            "title: Generated\nexecute:\n  execute_notebooks: force\n  timeout: 600\n"
            "parse:\n  myst_enable_extensions: [dollarmath]\n"
        )

    def command(self, folder):
        return [self.program, "build", "-q", "book", "--path-output", "build"]


OURS = Tool("this book's build", CORES)
PLAIN = [
    Tool("myst-nb force, 1 job", 1, "force"),
    Tool("myst-nb force, 2 jobs", 2, "force"),
    Tool("myst-nb cache, 1 job", 1, "cache"),
]


def copy_book(folder):
    """A copy of this book's sources."""
    ignored = shutil.ignore_patterns("__pycache__")
    for part in ("book", "code", "tests"):
        shutil.copytree(ROOT / part, folder / part, ignore=ignored)
    for name in ("conf.py", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, folder / name)


def generate_book(folder, chapters, seconds):
    """A book of so many like chapters, each of which computes for some seconds."""
    shutil.copytree(ROOT / "code/execution", folder / "code/execution")
    (folder / "code/sample").mkdir()
    (folder / "code/sample/__init__.py").write_text("")
    (folder / "code/sample/model.py").write_text(MODEL)
    (folder / "conf.py").write_text(CONF)
    (folder / "book").mkdir()
    formulas = "".join(f"\n$$ \\sum_{{i=1}}^{{n}} x_i^{{{k}}} = s_{{{k}}} $$\n" for k in range(15))
    for number in range(chapters):
        blocks = CELLS.format(number=number, seconds=seconds).split("---")
        cells = "\n".join(f"```{{code-cell}} ipython3\n{one.strip()}\n```\n" for one in blocks)
        text = HEAD.format(number=number) + formulas + "\n" + cells
        (folder / f"book/c{number:03}.md").write_text(text)
    (folder / "book/index.md").write_text("# Generated\n\n```{toctree}\n:glob:\n\nc*\n```\n")


def append(folder, name, text):
    path = folder / name
    path.write_text(path.read_text() + text)


def edit_function(folder, module, name):
    """Add a statement to the body of a function, which changes no value."""
    path = folder / module
    lines = path.read_text().split("\n")
    body = next(one for one in ast.parse(path.read_text()).body if getattr(one, "name", "") == name)
    last = body.body[-1]
    lines.insert(last.lineno - 1, f"{' ' * last.col_offset}_ = {time.time()!r}")
    path.write_text("\n".join(lines))


def edits(chapter, module, function):
    """Name of the edit -> what it does to a copy of the book."""
    cell = "\n```{code-cell} ipython3\n1 + 1\n```\n"
    return {
        "from nothing": lambda folder: shutil.rmtree(folder / "build", ignore_errors=True),
        "nothing changed": lambda folder: None,
        "one line of prose": lambda folder: append(folder, chapter, "\nOne more line.\n"),
        "one cell": lambda folder: append(folder, chapter, cell),
        "one function": lambda folder: edit_function(folder, module, function),
    }


def measure(tools, fill, changes, repeat):
    """Median seconds of each tool for each edit; seconds of execution, and its floor."""
    figures, execution, floor = {}, [], None
    for tool in tools:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            fill(folder)
            tool.prepare(folder)
            rounds = []
            for _ in range(repeat):
                row = {}
                for change, apply in changes.items():
                    apply(folder)
                    row[change], executed = tool.build(folder)
                    print(f"  {tool.name}, {change}: {row[change]:.1f} s", flush=True)
                    if change == "from nothing" and tool is OURS:
                        floor = computed(folder) / CORES
                        execution.append(executed)
                rounds.append(row)
            figures[tool.name] = {
                change: statistics.median(row[change] for row in rounds) for change in changes
            }
    return figures, (statistics.median(execution), floor)


def computed(folder):
    """Seconds that all runs took themselves, as the store has them."""
    contents = (
        json.loads(path.read_text())
        for path in (folder / "build/executed/results").glob("*/*.json")
    )
    return sum(sum(one["summary"]["seconds"]) for one in contents if "summary" in one)


def table(title, figures, execution):
    """The figures as a Markdown table, with ratios to this book's build."""
    changes = list(next(iter(figures.values())))
    lines = [
        f"### {title}",
        "",
        "| build | " + " | ".join(changes) + " |",
        "|---" * (len(changes) + 1) + "|",
    ]
    ours = figures[OURS.name]
    for name, row in figures.items():
        shown = [
            f"{row[one]:.1f} s" + ("" if row is ours else f" ({row[one] / ours[one]:.1f}×)")
            for one in changes
        ]
        lines.append(f"| {name} | " + " | ".join(shown) + " |")
    seconds, floor = execution
    lines += [
        "",
        f"Execution from nothing takes {seconds:.1f} s, {seconds / floor:.2f}× its floor "
        f"of {floor:.1f} s (compute of all runs over {CORES} cores).",
    ]
    return "\n".join(lines)


def scale(sizes, seconds):
    """Seconds per chapter of generated books of growing size."""
    lines = [
        "### Growing books",
        "",
        "| chapters | from nothing | per chapter | nothing changed |",
        "|---|---|---|---|",
    ]
    for size in sizes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            generate_book(folder, size, seconds)
            cold, again = OURS.build(folder)[0], OURS.build(folder)[0]
        lines.append(f"| {size} | {cold:.1f} s | {cold / size:.2f} s | {again:.1f} s |")
        print(lines[-1], flush=True)
    return "\n".join(lines)


def main():
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--repeat", type=int, default=1, help="rounds; the median counts")
    parser.add_argument("--chapters", type=int, default=12, help="of the generated book")
    parser.add_argument("--seconds", type=float, default=0.3, help="of compute per chapter")
    parser.add_argument("--sizes", type=int, nargs="*", default=[12, 48, 192])
    parser.add_argument(
        "--only",
        choices=["book", "generated", "scale"],
        nargs="*",
        default=["book", "generated", "scale"],
    )
    parser.add_argument("--jupyter-book", help="the program of Jupyter Book 1")
    parser.add_argument("--output", default=ROOT / "build/benchmark.md", type=Path)
    given = parser.parse_args()
    parts = []
    if "book" in given.only:
        changes = edits("book/mlp.md", "code/fullmarks/mlp.py", "hinge_loss")
        found = measure([OURS, *PLAIN], copy_book, changes, given.repeat)
        parts.append(table("This book", *found))
    if "generated" in given.only:
        tools = [OURS, *PLAIN]
        if given.jupyter_book:
            tools.append(JupyterBook(given.jupyter_book))
        changes = edits("book/c000.md", "code/sample/model.py", "summary")
        found = measure(
            tools,
            lambda folder: generate_book(folder, given.chapters, given.seconds),
            changes,
            given.repeat,
        )
        parts.append(table(f"A generated book of {given.chapters} chapters", *found))
    if "scale" in given.only:
        parts.append(scale(given.sizes, given.seconds))
    if not given.jupyter_book:
        parts.append("Jupyter Book 1 was not measured (give its program by --jupyter-book).")
    text = "\n\n".join(parts) + "\n"
    print("\n" + text)
    given.output.parent.mkdir(parents=True, exist_ok=True)
    given.output.write_text(text)


if __name__ == "__main__":
    main()
