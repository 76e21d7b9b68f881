"""The settings of the book itself, for a book of three parts."""

import runpy
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = Path((HERE / "root").read_text())
globals().update(
    (name, value) for name, value in runpy.run_path(str(ROOT / "conf.py")).items()
    if not name.startswith("_"))
sys.path.insert(0, str(HERE / "code"))

papers_register = "papers/register.csv"
execution_modules = ["lesson"]
execution_lock = ""
texcheck_path = ["code", str(ROOT / "code")]
