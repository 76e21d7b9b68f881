"""A small book with everything that a page can show, built in children of one process."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
CODE = HERE.parent / "code"
PACKAGES = ("execution", "papers", "press", "texcheck", "typeset")
KILLED = 99
SVG = "<svg xmlns='http://www.w3.org/2000/svg' width='{0}' height='10'><title>{0}</title></svg>\n"


class Server:
    """The process of ``tests/fresh/builds.py``."""

    def __init__(self):
        surroundings = os.environ | {
            "SOURCE_DATE_EPOCH": "1767225600", "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1",
            "PYTHONPATH": "", "MPLBACKEND": "agg"}
        self.process = subprocess.Popen(
            [sys.executable, HERE / "fresh" / "builds.py"], env=surroundings, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def build(self, **job) -> tuple[int, str]:
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return answer["status"], answer["said"]

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(30)


@dataclass
class World:
    """A folder with a book, its code, and what was built of it."""

    folder: Path
    server: Server
    store: Path
    settings: dict = field(default_factory=dict)
    own_packages: bool = False

    def path(self, name: str) -> Path:
        return self.folder / name

    def read(self, name: str) -> str:
        return self.path(name).read_text(encoding="utf-8")

    def write(self, name: str, text: str) -> None:
        self.path(name).parent.mkdir(parents=True, exist_ok=True)
        self.path(name).write_text(text, encoding="utf-8")

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace what stands once in a file; a package of the book is copied first."""
        if name.startswith("packages/") and not self.own_packages:
            for package in PACKAGES:
                shutil.copytree(CODE / package, self.path(f"packages/{package}"),
                                ignore=shutil.ignore_patterns("__pycache__"))
            self.own_packages = True
        text = self.read(name)
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        self.write(name, text.replace(old, new))

    def build(self, builder="html", *, only=(), stop="", jobs=1) -> tuple[int, str]:
        packages = self.path("packages") if self.own_packages else CODE
        stores = {"execution_store": str(self.store / "executed"),
                  "texcheck_store": str(self.store / "derivations")}
        return self.server.build(
            folder=str(self.folder), packages=str(packages), builder=builder, only=list(only),
            stop=stop, jobs=jobs, settings=stores | self.settings)

    def clean(self, forms: list[str]) -> dict[str, tuple[int, dict[str, str]]]:
        """Status and files of builds from nothing at the same place."""
        built, aside = self.path("build"), self.path("build-kept")
        built.rename(aside)
        found = {}
        for form in forms:
            status, _ = self.build(form)
            found[form] = (status, self.files(form))
        shutil.rmtree(built)
        aside.rename(built)
        return found

    def restore(self, kept: Path) -> None:
        """Make everything as it was in another folder, dates and all."""
        shutil.rmtree(self.folder)
        shutil.copytree(kept, self.folder, symlinks=True)
        self.settings, self.own_packages = {}, False

    def files(self, builder: str) -> dict[str, str]:
        """Digests of all files of a form, without what is kept for the next build."""
        root = self.path(f"build/{builder}")
        return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
                for path in sorted(root.rglob("*"))
                if path.is_file() and path.name != ".pages.json"}


CONF = """
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "code"))
project = "Small"
author = copyright = "its authors"
extensions = ["myst_nb", "sphinxcontrib.bibtex", "typeset", "papers", "execution",
              "texcheck.directive", "press"]
myst_enable_extensions = ["amsmath", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_dmath_double_inline = False
myst_update_mathjax = False
nb_execution_mode = "force"
nb_merge_streams = True
nb_ipywidgets_js = {}
nb_mime_priority_overrides = [
    ("press", "image/svg+xml", 10), ("press", "text/html", 20), ("press", "text/plain", 30)]
execution_preload = []
execution_times = False
papers_register = "papers/register.csv"
bibtex_bibfiles = ["book/references.bib"]
bibtex_default_style = "unsrt"
numfig = True
math_number_all = False
nitpicky = True
templates_path = ["templates"]
html_theme = "book-theme"
html_title = "Small"
html_math_renderer = "katex"
html_static_path = ["book/_static"]
html_css_files = ["book.css"]
html_additional_pages = {"404": "404.html"}
html_use_index = False
html_copy_source = False
html_baseurl = "https://example.org/"
exclude_patterns = ["_*"]
typeset_package = "code/lesson"
typeset_macros = {}
"""

FILES = {
    "conf.py": CONF,
    "templates/keep.html": "",
    "book/_static/book.css": "main { color: black }\n",
    "book/_static/extra.css": "nav { color: black }\n",
    "book/pic.svg": SVG.format(10),
    "book/data.txt": "1 2 3\n",
    "book/_said.md": "Words that are included.\n",
    "book/_other.md": "Other words that are included.\n",
    "book/index.md": """\
# Small

A first page, see {part}`A1a`.

```{toctree}
:caption: Before

intro
papers/a
```

```{toctree}
:caption: Chapters
:numbered:

alpha
beta
halves
```

```{toctree}
:caption: After

tables
report
```
""",
    "book/intro.md": """\
# Introduction

See {ref}`the-middle`, {numref}`fig-pic`, {eq}`eq-sum`, {doc}`beta`, {term}`weight`,
{numref}`Derivation %s <der-slope>` and {step}`der-slope 1.2`, and {numref}`tab-two`.

```{include} _said.md
```

Take {download}`the data <data.txt>`.
""",
    "book/alpha.md": """\
# Alpha

Words of alpha, with {cite}`second` and $a_1$.

(the-start)=
## The start

```{glossary}
weight
  A number.
```
""",
    "book/beta.md": """\
# Beta

(the-middle)=
## The middle

Words of beta, as in {ref}`the-start` and {cite}`first`.

:::{figure} pic.svg
:name: fig-pic
:alt: a picture

A picture.
:::

```{math}
:label: eq-sum
a + b = c
```

```{list-table} Two
:name: tab-two
:header-rows: 1

* - x
* - $y$
```

```{bibliography}
```
""",
    "book/halves.md": """\
---
file_format: mystnb
kernelspec:
  name: python3
  display_name: Python 3
---

# Halves

## A1a: What halving does

:::{answer} A1a
:::

:::{short}
It divides by two.
:::

Words of the answer.

:::{marks}
- 1: says so
:::

:::{pitfall} Subtracting two
:wrong: 3
:right: 5/2
The number 4 does not expose it.
:::

## A1b: The half of five

:::{answer} A1b
:::

:::{short}
It is 2.5.
:::

```{doctest}
>>> from lesson.halves import half
>>> half(5)
2.5
```

:::{marks}
- 2: computes 2.5
:::

## A1c: The slope of the square

:::{answer} A1c
:::

:::{short}
It is $a$.
:::

:::{derivation} Slope of the square
:label: der-slope

let: a \\in \\mathbb{R}
def: f(u) = \\frac{u^2}{2}
code: f(a) == lesson.halves.half(a * a)
claim: \\frac{\\partial f(a)}{\\partial a}
= \\frac{2a}{2}  -- the power rule
= a             -- cancel
:::

```{code-cell} ipython3
---
mystnb:
  image:
    alt: a bar
---
from IPython.display import SVG
from lesson.halves import half
SVG(f"<svg xmlns='http://www.w3.org/2000/svg' width='{half(20)}' height='10'/>")
```

:::{marks}
- 3: differentiates
:::
""",
    "book/papers/a.md": """\
# Paper A

:::{paper} A
:points: 6
:::

## Question 1: halves

Let $a \\in \\mathbb{R}$.

### (a) What halving does

:::{question} A1a
:points: 1
:kind: explain
:::

What does halving do to a number?

### (b) The half of five

:::{question} A1b
:points: 2
:kind: compute
:::

Halve 5.

### (c) The slope of the square

:::{question} A1c
:points: 3
:kind: derive
:::

Differentiate $a^2/2$.
""",
    "book/papers/register.csv": """\
id,paper,points,kind,chapter
A1a,A,1,explain,halves
A1b,A,2,compute,halves
A1c,A,3,derive,halves
""",
    "book/tables.md": """\
# Tables

:::{papers-table} chapter
:::

:::{evidence-table}
:::
""",
    "book/report.md": "# Report\n\n```{build-report}\n```\n",
    "book/references.bib": """\
@book{first, title = {One}, author = {A. Author}, year = {2001}, publisher = {P}}
@book{second, title = {Two}, author = {B. Author}, year = {2002}, publisher = {P}}
""",
    "code/lesson/__init__.py": "",
    "code/lesson/halves.py": "def half(number):\n    return number / 2\n",
}


FORMS = ("html", "press", "text", "singlehtml")
