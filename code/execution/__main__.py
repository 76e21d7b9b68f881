"""Run the cells and doctests of a book without building it.

``python -m execution results book --shard 2/4`` obtains the second quarter of all results. The
stores of several machines can be copied into one folder, and a build with it runs nothing.

``python -m execution determinism book`` runs everything twice, the second time at a later date,
and reports each cell that gives another result.
"""

import argparse
import sys
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import SphinxError
from sphinx.util.docutils import docutils_namespace, patch_docutils

from execution import determinism, lock, report


def shard(text):
    """The (number, count) of ``2/4``."""
    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        raise argparse.ArgumentTypeError(f"{text!r} is no part; write 2/4 for the second of four")
    return int(number), int(count)


def choose(tasks, number, count, weight):
    """One of `count` parts of the tasks, all of about the same weight, the same on each machine."""
    parts = [[] for _ in range(count)]
    loads = [0] * count
    for task in sorted(tasks, key=lambda task: (-weight(task), task.identity)):
        least = loads.index(min(loads))
        parts[least].append(task)
        loads[least] += weight(task)
    return parts[number - 1]


def main(arguments=None):
    """Run what is asked for; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m execution", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["results", "determinism"])
    parser.add_argument("source", type=Path, help="folder of the documents")
    parser.add_argument("-c", dest="conf", type=Path, default=Path(), help="folder of conf.py")
    parser.add_argument("-d", dest="doctrees", type=Path, default=Path("build/doctrees"),
                        help="where Sphinx keeps its doctrees; results go beside it")
    parser.add_argument("--shard", type=shard, default=(1, 1), help="which part, as in 2/4")
    given = parser.parse_args(arguments)
    with patch_docutils(given.conf), docutils_namespace():
        try:
            app = Sphinx(given.source, given.conf, given.doctrees.parent / "dummy", given.doctrees,
                         "dummy", freshenv=True)
        except SphinxError as error:
            print(f"execution: {error}", file=sys.stderr)
            return 2
        engine, env = app.execution, app.env
        env.find_files(app.config, app.builder)
        tasks = [task for name in sorted(env.found_docs) for task in engine.tasks_of(env, name)]
        tasks += engine.module_tasks(env)
        tasks = choose(tasks, *given.shard, engine.expected)
        if given.command == "results":
            engine.obtain(env, tasks)
            report.errors(engine.fresh.values())
        else:
            determinism.check(engine, [task for task in tasks if task.job["kind"] != "call"])
        lock.release(app, None)
    return 1 if app._warncount else 0


if __name__ == "__main__":
    sys.exit(main())
