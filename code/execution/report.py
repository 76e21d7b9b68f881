"""What a build ran and how long it took: warnings, a table on the console, a page of the book."""

import re

from docutils import nodes
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

logger = logging.getLogger(__name__)

CELL = re.compile(r'"[^"\n]*ipykernel_\d+/\d+\.py"')  # a file's name that tells nothing
WHAT = {"cells": "cell", "doctests": "doctest", "module": "doctest"}


def setup(app):
    """Register the directive ``{build-report}`` and what fills it."""
    app.add_directive("build-report", BuildReport)
    app.add_node(build_report)
    app.connect("doctree-resolved", fill)


def warn(task, failures):
    """A warning at file and line for everything that went wrong in a run."""
    for failure in failures:
        line = task.line(failure)
        message = failure["message"]
        if task.kind == "cells":
            first = task.lines.get(failure["step"])
            if failure["step"] is None:
                pass  # about the whole document
            elif first is None:
                message = f"cell {failure['step'] + 1}: {message}"
            elif line != first:
                message = f"line {line - first + 1} of the cell at line {first}: {message}"
            else:
                message = f"the cell at line {first}: {message}"
        if failure["traceback"]:
            message += "\n" + CELL.sub('"<cell>"', failure["traceback"].rstrip())
        where = f"{task.path}:{line or min(task.lines.values(), default=1)}"
        logger.warning("%s", message, location=where, type="execution", subtype=task.kind)


def errors(fresh):
    """An error at file and line for everything that the values of calls call wrong."""
    for task, outcome in fresh:
        for error in outcome.get("value", {}).get("errors", []):
            logger.error("%s", error["said"], type="execution", subtype=task.kind,
                         location=f"{task.path}:{task.lines[0] + error['line']}")


def slips(path, found):
    """A warning at file and line for each slip of an author."""
    for line, message in found:
        logger.warning("%s", message, location=f"{path}:{line}", type="execution", subtype="slip")


def log_table(runs, ran, length=5):
    """Print the slowest documents and the slowest cells among those that were run."""
    total = {one: sum(runs[one]["seconds"]) for one in ran if one in runs}
    slowest = sorted(total, key=lambda one: (-total[one], one))[:length]
    rows = [f"{total[one]:8.1f} s  {one[0]} of {one[1]}" for one in slowest]
    steps = [
        (seconds, one[1], line)
        for one in total
        if one[0] == "cells"
        for seconds, line in zip(runs[one]["seconds"], runs[one]["lines"], strict=True)
        if seconds and line
    ]
    steps.sort(key=lambda step: (-step[0], step[1:]))
    rows += [f"{seconds:8.1f} s  {name}, cell at line {line}" for seconds, name, line in
             steps[:length]]
    logger.info("execution: slowest runs and cells\n%s", "\n".join(rows))


class build_report(nodes.General, nodes.Element):
    """Stands where the table will be."""


class BuildReport(SphinxDirective):
    """A table of all runs: how many cells or examples, how long they took, what they read.

    Run times are those of the result that is shown: they stay as long as the result does, but
    differ between two clean builds. So the page stays out of the search index, and nothing but
    this page differs. With ``execution_times = False`` they are left out, and nothing does.
    """

    def run(self):
        self.env.metadata[self.env.docname].update(nosearch="1", execution_report=True)
        return [build_report()]


def fill(app, doctree, docname):
    """Put the table in its place."""
    for node in list(doctree.findall(build_report)):
        node.replace_self(table(app.env.execution_runs, app.config.execution_times))


def shown_on(app, docname):
    """What a page shows of the runs of the book."""
    reports = "execution_report" in app.env.metadata.get(docname, {})
    return app.env.execution_runs if reports else None


def table(runs, timed):
    """The runs as a docutils table."""
    heads = ["Run", "Steps", *(["Time"] if timed else []), "Read"]
    rows = []
    together = {}  # the calls of a document have one row
    for identity, run in runs.items():
        together.setdefault(identity[:2], []).append(run)
    for kind, name in sorted(together, key=lambda one: (one[0] == "module", one[1], one[0])):
        found = together[kind, name]
        asked = [pair for run in found for pair in run["observed"].items()]
        kinds = (what.partition(":") for what, answer in asked if answer)
        read = sorted({name for kind, _, name in kinds if kind in ("file", "source")})
        read += sorted({f"${what[4:]}" for what, _ in asked if what[:4] == "env:"})
        seconds = f"{sum(sum(run['seconds']) for run in found):.1f} s"
        steps = sum(run["steps"] for run in found)
        what = WHAT.get(kind, kind) + ("" if steps == 1 else "s")
        rows.append([name, f"{steps} {what}", *([seconds] if timed else []), read])
    widths = [20, 15, *([10] if timed else []), 55]
    group = nodes.tgroup("", *(nodes.colspec(colwidth=width) for width in widths), cols=len(widths))
    group += nodes.thead("", _row(heads))
    group += nodes.tbody("", *map(_row, rows))
    return nodes.table("", group, classes=["build-report"])


def _row(values):
    row = nodes.row()
    for value in values:
        entry = nodes.entry()
        if isinstance(value, list):
            line = nodes.paragraph()
            for name in value:
                line += [nodes.literal(name, name), nodes.Text(" ")]
            entry += line
        else:
            entry += nodes.paragraph(value, value)
        row += entry
    return row
