"""Sphinx settings of the book; the extensions of its own are packages under code/."""

import os
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent
sys.path.insert(0, str(ROOT / "code"))

project = "Full Marks"
author = "the Full Marks authors"
copyright = "the Full Marks authors; text CC BY 4.0, code MIT"
version = release = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
    "version"
]
language = "en"

extensions = [
    "myst_nb",
    "sphinxcontrib.bibtex",
    "typeset",
    "papers",
    "execution",
    "texcheck.directive",
    "press",
]
exclude_patterns = ["_*"]
nitpicky = True

# MyST
myst_enable_extensions = ["amsmath", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_dmath_double_inline = False
myst_update_mathjax = False

# Cells
nb_execution_mode = "force"
nb_merge_streams = True
nb_ipywidgets_js = {}
execution_lock = "requirements.lock"
execution_modules = ["fullmarks"]

# Derivations are judged where cells run: again only if what an anchor executes has changed.
execution_calls = ["texcheck.directive:wanted"]
texcheck_obtain = "execution:obtain"

# An output in several forms: what the pages for print take. HTML shows the same.
nb_mime_priority_overrides = [
    ("press", "image/svg+xml", 10),
    ("press", "text/html", 20),
    ("press", "text/plain", 30),
]

# Mathematics: the one table of macros, for KaTeX and whatever else sets a formula.
typeset_macros = {}

# The exam layer
papers_register = "papers/questions.csv"

# References
bibtex_bibfiles = ["book/references.bib"]
bibtex_default_style = "unsrt"
numfig = True
math_number_all = False

# PDF and EPUB
press_subtitle = "Deep learning exams, worked and checked"
press_terms = "terms.txt"
press_exclude = ["build-report"]  # its times differ from build to build

# HTML
html_theme = "book-theme"
html_title = "Full Marks"
# The address of the hosted book, if there is one: for canonical addresses and the site map.
html_baseurl = os.environ.get("READTHEDOCS_CANONICAL_URL") or os.environ.get("BOOK_URL", "")
# Where the files for reading elsewhere are built too (make site), the first page leads to them.
typeset_downloads = (
    {
        "The book as PDF": "full-marks.pdf",
        "The book as EPUB": "full-marks.epub",
        "These pages, to read offline": "full-marks-offline.zip",
    }
    if os.environ.get("BOOK_DOWNLOADS")
    else {}
)
typeset_package = "code/fullmarks"
typeset_notebook_directives = {"derivation": "texcheck.markdown:derivation"}
html_math_renderer = "katex"
html_static_path = ["book/_static"]
html_css_files = ["book.css"]
html_favicon = "book/_static/favicon.svg"
html_additional_pages = {"404": "404.html"}
html_use_index = False
html_copy_source = False
html_show_sourcelink = False
html_last_updated_fmt = None
html_permalinks_icon = "#"
