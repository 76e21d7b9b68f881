"""The examples of the chapters and of the docstrings are tests like all others."""

import pytest
from execution.pytest_sybil import collector

PACKAGES = ["execution", "fullmarks", "papers", "press", "texcheck", "typeset"]

pytest_collect_file = collector("book", modules=[f"code/{package}" for package in PACKAGES])


def pytest_addoption(parser):
    """A machine that runs the gates has all that they need."""
    parser.addoption("--no-skips", action="store_true", help="a test that is skipped fails")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Turn a skipped test into a failed one, with the reason why it was skipped."""
    report = yield
    if report.skipped and item.config.getoption("no_skips") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped: {report.longrepr[2]}"
    return report
