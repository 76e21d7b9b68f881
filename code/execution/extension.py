"""The Sphinx side: which results still hold, what must run, what went wrong and where."""

import contextlib
import doctest
import itertools
import os
import pkgutil
import sys
import time
from pathlib import Path, PurePosixPath
from typing import ClassVar

import myst_nb.core.execute
import myst_nb.sphinx_
from docutils import nodes
from docutils.parsers.rst import directives
from myst_nb.core.execute import NotebookClientBase
from myst_nb.core.execute.base import ExecutionError
from myst_nb.core.nb_to_tokens import nb_node_to_dict
from myst_nb.core.read import create_nb_reader
from nbformat import from_dict
from sphinx.application import ENV_PICKLE_FILENAME
from sphinx.errors import ConfigError
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from execution import doctests, kernel, lock, report, slips, tasks
from execution.cells import LANGUAGE
from execution.pool import Pool
from execution.store import Store
from execution.tracing import Observer

logger = logging.getLogger(__name__)
create_client = myst_nb.core.execute.create_client  # myst-nb's own


def setup(app):
    """Register the settings, the directives and the events."""
    app.setup_extension("myst_nb")
    for name, default, kinds in (
        ("root", "", str),  # the repository; the folder of conf.py if empty
        ("path", ["code"], list),  # folders for sys.path, relative to the root
        ("store", "", str),  # where results are kept; beside the doctrees if empty
        ("lock", "", str),  # file that fixes the versions, relative to the root
        ("modules", [], list),  # modules and packages whose docstrings are tested
        ("preload", ["numpy", "torch", "matplotlib.pyplot"], list),  # in the warm parent
        ("limit", 120, (int, float)),  # seconds for a cell
        ("text", 20_000, int),  # characters that a cell may print
        ("data", 5_000_000, int),  # characters of figures and other data that it may display
        ("calls", [], list),  # functions that say what else a document asks to run
        ("known", [], list),  # tags, options and keys of cells that other extensions know
        ("memory", 0, int),  # bytes for a run; 0 for no limit
        ("jobs", 0, int),  # runs at a time; 0 for as many as cores, or as -j says
        ("programs", False, bool),  # whether a cell may start programs
        ("fork", hasattr(os, "fork"), bool),  # False: myst-nb's ordinary kernel
    ):
        app.add_config_value(f"execution_{name}", default, "", kinds)
    app.add_config_value("execution_times", True, "env", bool)  # whether the report shows them
    app.add_directive("doctest", DoctestBlock)
    app.connect("config-inited", lock.acquire, priority=0)
    app.connect("builder-inited", start)
    app.connect("env-get-outdated", find_outdated)
    app.connect("env-before-read-docs", run_outdated)
    app.connect("env-merge-info", merge)
    app.connect("build-finished", finish, priority=900)
    app.connect("build-finished", lock.release, priority=10_000)
    report.setup(app)
    return {"version": "1", "renderers": tasks.RENDERERS,
            "shown_on": {"execution_runs": report.shown_on}, "parallel_read_safe": True,
            "parallel_write_safe": True}


def start(app):
    """Read the settings and put the seam into myst-nb."""
    app.execution = Engine.current = engine = Engine(app)
    for name in ("execution_runs", "execution_sources"):
        if not hasattr(app.env, name):
            setattr(app.env, name, {})

    def seam(notebook, source, nb_config, logger, read_fmt=None):
        path = Path(source)
        if not path.is_file() or not runs_here(nb_config, path, notebook):
            return create_client(notebook, source, nb_config, logger, read_fmt)
        if not engine.fork:
            return KernelClient(notebook, path, nb_config, logger, engine=engine)
        return Client(notebook, path, nb_config, logger, engine=engine)

    myst_nb.sphinx_.create_client = seam


def find_outdated(app, env, added, changed, removed):
    """Documents whose result no longer holds, whatever their dates say."""
    return app.execution.outdated(env)


def run_outdated(app, env, docnames):
    """Run what the documents that are about to be read ask for, and the modules' doctests."""
    engine = app.execution
    for identity in list(env.execution_runs):
        if identity[0] != "module" and identity[1] not in env.found_docs:
            del env.execution_runs[identity]
    engine.observer = engine.new_observer()
    of_documents = (task for docname in docnames for task in engine.tasks_of(env, docname))
    engine.obtain(env, itertools.chain(of_documents, engine.module_tasks(env)))


def merge(app, env, docnames, other):
    """Take over what a process that read documents for us ran itself."""
    for identity, run in other.execution_runs.items():
        if identity[1] in docnames:
            env.execution_runs[identity] = run


def finish(app, exception):
    """After a build that warned, forget the environment, so that the next one warns again."""
    if exception is not None or app._warncount:
        (app.doctreedir / ENV_PICKLE_FILENAME).unlink(missing_ok=True)
    if app.execution.ran:
        report.log_table(app.env.execution_runs, app.execution.ran)
        app.execution.store.sweep()


def runs_here(config, path, notebook):
    """Whether the cells of a notebook are ours to run, by the rules of myst-nb."""
    if config.execution_mode not in ("auto", "force", "cache"):
        return False
    if any(PurePosixPath(path.as_posix()).match(one) for one in config.execution_excludepatterns):
        return False
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if config.execution_mode == "auto" and code and all(cell.outputs for cell in code):
        return False
    return notebook.metadata.get("kernelspec", {}).get("name", "python3") == "python3"


class Engine:
    """Obtains results: from the store where they hold, otherwise by running."""

    current = None  # of the build that runs in this process

    def __init__(self, app):
        config = app.config
        self.app = app
        self.root = Path(app.confdir, config.execution_root).resolve()
        self.folders = [self.root / folder for folder in config.execution_path]
        self.limit = config.execution_limit
        self.limits = config.execution_text, config.execution_data
        self.known = config.execution_known
        self.wanted = [pkgutil.resolve_name(name) for name in config.execution_calls]
        self.fork = config.execution_fork
        self.preload = list(config.execution_preload)
        self.modules = config.execution_modules
        store = config.execution_store or app.doctreedir.parent / "executed"
        self.store = Store(Path(app.confdir, store).resolve())
        self.width = config.execution_jobs or (
            app.parallel if app.parallel > 1 else len(os.sched_getaffinity(0))
            if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        )
        produced = app.outdir.parent / "jupyter_execute"
        apart = [self.store.folder, app.outdir, app.doctreedir, produced]
        self.common = {
            "root": str(self.root),
            "folders": [str(folder) for folder in self.folders],
            "apart": [str(folder) for folder in apart],
            "programs": config.execution_programs,
            "memory": config.execution_memory,
            "modules": str(self.store.modules),
        }
        self.settings = tasks.surroundings(self.root, config.execution_path, config.execution_lock)
        self.observer = self.new_observer()
        self.fresh = {}  # identity -> (task, outcome) of runs that are not in the store
        self.ran = set()  # identities of what this build ran
        self.examples = {}  # document -> (source, output) of what is run; None after a slip
        self._refuse_shadows([*self.folders, app.srcdir])

    def _refuse_shadows(self, folders):
        taken = sys.stdlib_module_names | {name.partition(".")[0] for name in self.preload}
        for folder in folders:
            for path in sorted(Path(folder).glob("*")):
                module = path.suffix == ".py" or (path / "__init__.py").is_file()
                if module and path.stem in taken:
                    raise ConfigError(
                        f"{path} has the name of a library that the cells import already; "
                        f"rename it, or which of the two is meant stays open"
                    )

    @property
    def env(self):
        """The environment of the build, or of this process that reads documents for it."""
        return self.app.env

    def new_observer(self):
        """An observer of the repository as it is now."""
        return Observer(self.root, self.store.modules)

    def key(self, kind, content):
        return tasks.key(kind, content, self.settings)

    # --- what is wanted

    def outdated(self, env):
        """Documents whose sources or results changed since they were read."""
        self.observer = self.new_observer()
        found = set()
        for (kind, name, *_), run in env.execution_runs.items():
            if kind == "module":
                continue
            stored = self.store.find(self.key(kind, run["content"]), self.observer)
            if stored is None or stored.variant != run["variant"]:
                found.add(name)
        for docname, sources in env.execution_sources.items():
            if any(self.observer(question) != answer for question, answer in sources.items()):
                found.add(docname)
        return sorted(found & env.found_docs)

    def tasks_of(self, env, docname):
        """The tasks of a document; remembers which source files they came from."""
        path = Path(env.doc2path(docname))
        text = path.read_text(encoding="utf-8")
        sources = [path]
        for identity in list(env.execution_runs):
            if identity[1] == docname and identity[0] != "module":
                del env.execution_runs[identity]
        if path.suffix == ".md" and (found := self._examples(docname, text, path)):
            self.examples[docname] = {(one.parsed.source, one.parsed.want) for one in found}
            yield tasks.examples(docname, path, text, found, self.limit)
        if path.suffix == ".md" and self.fork:
            for wanted in self.wanted:
                for asked in wanted(self.app.config, path, text):
                    yield tasks.call(docname, path, asked, self.limit)
        notebook, config = self._notebook(env, path, text)
        if notebook is not None:
            if path.suffix == ".md":
                report.slips(path, slips.slips(text, notebook, config, self.known))
            loads = [cell.metadata["load"] for cell in notebook.cells if "load" in cell.metadata]
            sources += [path.parent / load for load in loads]
            if runs_here(config, path, notebook) and self.fork:
                yield self.cells_task(docname, path, notebook, config)
        questions = [f"file:{source}" for source in sources]
        env.execution_sources[docname] = {one: self.observer(one) for one in questions}

    def cells_task(self, docname, path, notebook, config):
        """The task of running a notebook, as its own settings want it."""
        own = notebook.metadata.get(config.metadata_key, {})
        limit = own.get("execution_timeout", self.limit)
        return tasks.cells(docname, path, notebook, config, limit, *self.limits)

    def _examples(self, docname, text, path):
        try:
            return doctests.examples(text, path)
        except doctests.Slips as wrong:
            report.slips(path, wrong.found)
            self.examples[docname] = None
            return []

    def _notebook(self, env, path, text):
        config = env.mystnb_config
        reader = create_nb_reader(str(path), env.myst_config, config, text)
        if reader is None:
            return None, config
        try:
            notebook = reader.read(text)
        except Exception as error:  # myst-nb reads it again in a moment, and stops
            report.slips(path, [slips.unreadable(text, error)])
            return None, config
        with contextlib.suppress(Exception):  # the same
            own = nb_node_to_dict(notebook.metadata.get(config.metadata_key, {}))
            own.pop("output_folder", None)
            config = config.copy(**own)
        return notebook, config

    def module_tasks(self, env):
        """The doctests of all modules that have any."""
        known = set()
        for name in self.modules:
            try:
                found = doctests.modules(name, self.folders)
            except ModuleNotFoundError as error:
                raise ConfigError(f"execution_modules: {error}") from None
            for module, path in found:
                if doctests.has_examples(path):
                    known.add(("module", module))
                    yield tasks.module(module, path, self.limit)
        for identity in [one for one in env.execution_runs if one[0] == "module"]:
            if identity not in known:
                del env.execution_runs[identity]

    # --- how it is obtained

    def obtain(self, env, wanted):
        """Have results for all tasks: find those that hold, run the others, and report."""
        missing, found, started = [], 0, time.perf_counter()
        with contextlib.ExitStack() as stack:
            pool = None
            for task in wanted:
                stored = self.store.find(self.key(task.kind, task.content), self.observer, use=True)
                if stored is not None:
                    self._record(env, task, stored.variant, stored.observed, stored.summary)
                    found += 1
                    continue
                if pool is None:  # it imports its libraries while the other documents are read
                    pool = stack.enter_context(self.pool())
                missing.append(task)
            if missing or found:
                logger.info("execution: %d to run, %d from the store", len(missing), found)
            if missing:
                missing.sort(key=lambda task: -self.expected(task))
                self._run(env, missing, pool)
                seconds = time.perf_counter() - started
                logger.info("execution: done in %.1f s, its start counted in", seconds)

    def pool(self):
        """What runs tasks on this machine."""
        return (Pool if self.fork else kernel.Spawner)(self.store, self.preload, self.width)

    def expected(self, task):
        """How long a task may take, for the longest to start first."""
        if task.job["kind"] == "call":
            return len(str(task.job["arguments"])) / 10
        return 100 * task.steps if task.kind == "cells" else task.steps

    def _run(self, env, missing, pool):
        jobs = [{**self.common, **task.job, "task": index} for index, task in enumerate(missing)]
        for done, (job, outcome) in enumerate(pool.run(jobs), 1):
            task = missing[job["task"]]
            self.take(env, task, outcome)
            seconds = sum(outcome.get("seconds", []))
            logger.info(
                "execution: %s %s, %.1f s [%d of %d]",
                task.kind, task.name, seconds, done, len(missing),
            )

    def take(self, env, task, outcome):
        """Store a result, or report why it is none."""
        self.ran.add(task.identity)
        observed = outcome.pop("observed")
        steps = outcome.get("count", task.steps)
        summary = {"seconds": outcome.get("seconds", []), "steps": steps}
        summary["lines"] = [task.lines.get(index) for index in range(len(summary["seconds"]))]
        failures = outcome["failures"] + outcome["problems"]
        variant = None
        if failures:
            report.warn(task, failures)
        elif outcome.get("value", {}).get("errors"):
            pass  # who asked reports them
        elif observed is not None and not self.common["programs"]:
            key = self.key(task.kind, task.content)
            variant = self.store.put(key, observed, summary, outcome).variant
        self.fresh[task.identity] = (task, outcome)
        self._record(env, task, variant, observed or {}, summary)

    def _record(self, env, task, variant, observed, summary):
        run = {"content": task.content, "variant": variant, "observed": observed}
        env.execution_runs[task.identity] = {**run, **summary}

    def result(self, env, task):
        """The outputs for a task whose document is being read."""
        for _ in range(2):
            known, outcome = self.fresh.get(task.identity, (None, None))
            if known is not None and known.content == task.content:
                return outcome
            key = self.key(task.kind, task.content)
            if stored := self.store.find(key, self.observer):
                outcome = self.store.load(key, stored.variant)
                if outcome is not None:
                    return outcome
            with self.pool() as pool:  # an extension changed the text on its way to the parser
                self._run(env, [task], pool)
        raise ExecutionError(f"no result for {task.path}")

    def value(self, env, asked):
        """The value of a call for the document that is being read; None if it failed."""
        task = tasks.call(env.docname, Path(env.doc2path(env.docname)), asked, self.limit)
        return self.result(env, task).get("value")


class Client(NotebookClientBase):
    """Gives myst-nb the outputs of a run as if it had run the notebook itself."""

    def start_client(self):
        """Fill in the outputs, or those up to the cell that failed."""
        engine, docname = self._kwargs["engine"], self.logger.extra["docname"]
        task = engine.cells_task(docname, self.path, self.notebook, self.nb_config)
        outcome = self.outcome(engine, task)
        if outcome["failures"] and self.nb_config.execution_raise_on_error:
            raise ExecutionError(str(self.path))
        self.notebook.metadata["language_info"] = from_dict(LANGUAGE)
        outputs = outcome.get("outputs") or [[] for _ in self.notebook.cells]
        counts = outcome.get("counts") or [None for _ in self.notebook.cells]
        for index, cell in enumerate(self.notebook.cells):
            cell["id"] = f"cell-{index}"  # nbformat draws them at random
            if cell.cell_type == "code":
                cell.outputs = [from_dict(output) for output in outputs[index]]
                cell.execution_count = counts[index]
        failure = outcome["failures"][0]["message"] if outcome["failures"] else None
        self.exec_metadata = {
            "mtime": self.path.stat().st_mtime,
            "runtime": sum(outcome.get("seconds", [])),
            "method": self.nb_config.execution_mode,
            "succeeded": failure is None,
            "error": failure,
            "traceback": None,  # the warning carries it, with file and line
        }

    def outcome(self, engine, task):
        """The result of the task."""
        return engine.result(engine.env, task)


class KernelClient(Client):
    """The same through an ordinary kernel, which nobody traces: it runs on each build."""

    def outcome(self, engine, task):
        outcome = kernel.run(self.notebook, task, engine.common, engine.store)
        engine.take(engine.env, task, outcome)
        return outcome


class DoctestBlock(SphinxDirective):
    """A block of examples, shown with its prompts and run on each build."""

    has_content = True
    option_spec: ClassVar = {"name": directives.unchanged, "class": directives.class_option}

    def run(self):
        text = "\n".join(self.content)
        node = nodes.doctest_block(text, text, language="pycon")
        node["classes"] += self.options.get("class", [])
        self.set_source_info(node)
        self.add_name(node)
        known = Engine.current.examples.get(self.env.docname, set())
        if known is None:  # the slip was reported
            return [node]
        examples = doctest.DocTestParser().get_examples(text)
        if not examples:
            logger.warning("the doctest block has no example", location=node, type="execution")
        for example in examples:
            if (example.source, example.want) not in known:
                logger.warning(
                    "this example is shown but not run (is its fence of backticks?): %s",
                    example.source.strip(), location=node, type="execution",
                )
        return [node]
