"""Find what gives another result when it is run twice: randomness without a seed, times, dates."""

import itertools

from sphinx.util import logging

from execution import report

logger = logging.getLogger(__name__)

LATER = 400 * 86400 + 5 * 3600 + 7 * 60 + 11
"""By how many seconds the second run takes place later; no field of the date stays the same."""


def check(engine, tasks):
    """Run each task twice and warn at the line of each cell that differs."""
    jobs = [
        {**engine.common, **task.job, "task": index, "later": later}
        for index, task in enumerate(tasks)
        for later in (0, LATER)
    ]
    runs = {}
    with engine.pool() as pool:
        for done, (job, outcome) in enumerate(pool.run(jobs), 1):
            task = tasks[job["task"]]
            logger.info("execution: %s %s [%d of %d]", task.kind, task.name, done, len(jobs))
            runs[job["task"], job["later"]] = outcome
    for index, task in enumerate(tasks):
        first, second = runs[index, 0], runs[index, LATER]
        if failures := first["failures"] + first["problems"]:
            report.warn(task, failures)
        elif failures := second["failures"] + second["problems"]:
            report.warn(task, [
                {**one, "message": f"the second run, at a later date: {one['message']}"}
                for one in failures
            ])
        else:
            report.warn(task, list(differences(first, second)))


def differences(first, second):
    """A failure for each cell whose outputs are not the same in two outcomes."""
    pairs = zip(first.get("outputs", []), second.get("outputs", []), strict=True)
    for step, (one, other) in enumerate(pairs):
        if one != other:
            was, became = _first_difference(_text(one), _text(other))
            yield {"step": step, "line": None, "traceback": "", "message":
                f"run twice, the cell gives another result (is all randomness seeded, and no time "
                f"shown?): {was!r} and then {became!r}"}


def _text(outputs):
    for output in outputs:
        yield from str(output.get("text", output.get("evalue", ""))).splitlines()
        for kind in sorted(output.get("data", {})):
            yield from str(output["data"][kind]).splitlines()


def _first_difference(one, other, width=40):
    for was, became in itertools.zip_longest(one, other, fillvalue=""):
        if was != became:
            same = len(list(itertools.takewhile(lambda pair: pair[0] == pair[1],
                                                zip(was, became, strict=False))))
            start = max(0, same - 10)
            return was[start : start + width], became[start : start + width]
    return "", "an output of another kind"
