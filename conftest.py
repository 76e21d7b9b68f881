"""The examples of the chapters and of the docstrings are tests like all others."""

from execution.pytest_sybil import collector

PACKAGES = ["execution", "fullmarks", "papers", "press", "texcheck", "typeset"]

pytest_collect_file = collector("book", modules=[f"code/{package}" for package in PACKAGES])
