"""How the time of a run grows with its outputs, and what watching the calls of functions costs.

``python benchmarks/outputs.py`` runs cells that print or display n and 8 n pieces, and prints by
which factor the time grows: 8 and less is in proportion, 64 would be quadratic. Then it calls
functions of a module as the build compiles them, and as Python does, and prints the ratio.
"""

import statistics
import sys
import tempfile
import time
import timeit
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "code"))

from execution import sources
from execution.pool import Pool
from execution.store import Store

OUTPUTS = {  # what prints or displays n pieces
    "lines": "for i in range({n}):\n    print('x' * 40)",
    "one line, piece by piece": "for i in range({n}):\n    print('x', end='')",
    "one long word": "print('x' * 400 * {n})",
    "one long file name": "print('/a' * 200 * {n} + '/ipykernel_1/2.py')",
    "two streams in turn": "import sys\nfor i in range({n}):\n    print('x')\n"
    "    print('y', file=sys.stderr)",
    "to the descriptor": "import os\nfor i in range({n}):\n    _ = os.write(1, b'x' * 400)",
    "displays": "for i in range({n} // 10):\n    display('x')",
    "almost addresses": "print(' at 0x' * {n} * 80)",
}
CALLS = {
    "a function that does nothing": ("def f():\n    pass\n", "f()"),
    "a sum of two": ("def f(x, y):\n    return x + y\n", "f(1, 2)"),
    "recursion": ("def f(n):\n    return n if n < 2 else f(n - 1) + f(n - 2)\n", "f(15)"),
    "a method": ("class C:\n    def f(self):\n        return self\n\n\nc = C()\n", "c.f()"),
    "a small matrix product": (
        "import numpy as np\nA = np.eye(8)\n\n\ndef f():\n    return A @ A\n",
        "f()",
    ),
}


def growth(pool, cell, folder, n, factor=8, repeat=5):
    """Median seconds of a run for n pieces, and by which factor it grows."""
    common = {
        "kind": "cells",
        "cwd": folder,
        "root": folder,
        "folders": [],
        "apart": [],
        "modules": None,
        "limit": 600,
        "memory": 0,
        "programs": False,
        "allow_errors": False,
        "text": 10**9,
        "data": 10**9,
    }

    def seconds(source):
        times = []
        for _ in range(repeat):
            job = {"cells": [{"source": source, "tags": []}], **common}
            started = time.perf_counter()
            [(_, outcome)] = pool.run([job])
            times.append(time.perf_counter() - started)
            if outcome["failures"]:
                raise SystemExit(outcome["failures"])
        return statistics.median(times)

    empty = seconds("pass")
    short, long = (seconds(cell.format(n=size)) - empty for size in (n, factor * n))
    return short, long / max(short, 5e-3)


def overhead(text, call):
    """Nanoseconds of a call as Python compiles it, and as the build does."""
    plain, watched = {}, {}
    exec(compile(text, "m.py", "exec"), plain)
    exec(sources.read(text.encode(), "m.py").code_that_tells(lambda part: None), watched)
    return [
        min(timeit.repeat(call, globals=names, number=2_000, repeat=50)) / 2_000 * 1e9
        for names in (plain, watched)
    ]


def main():
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder, Pool(Store(Path(folder)), [], 1) as pool:
        print("| output | n | 8 n takes |\n|---|---|---|")
        for name, cell in OUTPUTS.items():
            short, ratio = growth(pool, cell, folder, 16_000)
            print(f"| {name} | {1000 * short:.0f} ms | {ratio:.1f}× |", flush=True)
    print("\n| call | Python | watched | ratio |\n|---|---|---|---|")
    for name, (text, call) in CALLS.items():
        plain, watched = overhead(text, call)
        print(f"| {name} | {plain:.0f} ns | {watched:.0f} ns | {watched / plain:.2f} |")


if __name__ == "__main__":
    main()
