"""A small book with everything that a page can show, built in children of one process."""

import hashlib
import json
import os
import re
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

    def build(self, **job) -> tuple[int, str, str]:
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return answer["status"], answer["said"], answer["log"]

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
    log: str = ""  # of the last build

    def path(self, name: str) -> Path:
        return self.folder / name

    def read(self, name: str) -> str:
        return self.path(name).read_text(encoding="utf-8")

    def write(self, name: str, text: str) -> None:
        self.path(name).parent.mkdir(parents=True, exist_ok=True)
        self.path(name).write_text(text, encoding="utf-8")

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace what stands once in a file."""
        text = self.read(name)
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        self.write(name, text.replace(old, new))

    def build(self, builder="html", *, only=(), stop="", jobs=1) -> tuple[int, str]:
        settings = {"execution_store": str(self.store / "executed")} | self.settings
        status, said, self.log = self.server.build(
            folder=str(self.folder), packages=str(self.path("packages")), builder=builder,
            only=list(only), stop=stop, jobs=jobs, settings=settings)
        return status, said

    def written(self, builder: str) -> dict[str, int]:
        """When the pages of a form were written."""
        root = self.path(f"build/{builder}")
        return {path.relative_to(root).with_suffix("").as_posix(): path.stat().st_mtime_ns
                for path in root.rglob("*.html")}

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
        self.settings = {}

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
execution_calls = ["texcheck.directive:wanted"]
texcheck_obtain = "execution:obtain"
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
typeset_notebook_directives = {"derivation": "texcheck.markdown:derivation"}
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
## The middle part

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


# Edits

HALF = "code/lesson/halves.py"
PICTURE = """

:::{figure} %s
:name: %s
:alt: another

Another picture.
:::
"""
BARE = PICTURE.replace("\nAnother picture.\n", "") % ("pic.svg", "fig-bare")


def edit(name, old, new):
    return lambda world: world.edit(name, old, new)


def write(name, text):
    return lambda world: world.write(name, text)


def together(*edits):
    def all_of_them(world):
        for one in edits:
            one(world)

    return all_of_them


def remove(*names):
    return lambda world: [world.path(name).unlink() for name in names]


def setting(old, new):
    return edit("conf.py", old, new)


def dated_back(name, change):
    """An edit that leaves an old date, as copying with dates does."""
    def change_it(world):
        change(world)
        os.utime(world.path(name), (1_600_000_000, 1_600_000_000))

    return change_it


def turned_link(world):
    """What a page includes is a link, and leads to another old file now."""
    world.path("book/_said.md").unlink()
    world.path("book/_said.md").symlink_to("_other.md")


def unsatisfied(world):
    """The first tolerance of the checker, wherever it stands, becomes one that nothing meets."""
    found = []
    for path in sorted(world.path("packages/texcheck").rglob("*.py")):
        text, count = re.subn(
            r"^(LOOSE\b.*= )1e-6", r"\g<1>-1.0", path.read_text("utf-8"), flags=re.M)
        if count:
            path.write_text(text, encoding="utf-8")
            found.append(path)
    assert len(found) == 1, found


def renamed_page(world):
    world.path("book/beta.md").rename(world.path("book/gamma.md"))
    world.edit("book/index.md", "beta\n", "gamma\n")
    world.edit("book/intro.md", "{doc}`beta`", "{doc}`gamma`")


def damaged(name, form="html"):
    def damage(world):
        path = world.path(f"build/{form}/{name}")
        path.write_bytes(path.read_bytes()[:100])

    return damage


def lost(name):
    return lambda world: world.path(f"build/{name}").unlink()


GONE = together(
    remove("book/beta.md"), edit("book/index.md", "beta\n", ""),
    edit("book/intro.md", "{ref}`the-middle`, {numref}`fig-pic`, {eq}`eq-sum`, {doc}`beta`, ", ""),
    edit("book/intro.md", ", and {numref}`tab-two`", ""),
    edit("book/alpha.md", "{cite}`second`", "words"))
NOTEBOOK = """\
---
file_format: mystnb
kernelspec: {name: python3, display_name: Python 3}
---

# More

```{code-cell} ipython3
from lesson.halves import half
half(4)
```
"""
NO_CHAPTER = together(
    write("book/more.md", NOTEBOOK), edit("book/index.md", "halves\n", "halves\nmore\n"),
    lambda world: [world.build(form) for form in ("html", "singlehtml")],
    remove("book/more.md"), edit("book/index.md", "more\n", ""))
PROSE = edit("book/beta.md", "Words of beta", "Other words of beta")
RESULT = edit(HALF, "return number / 2", "return 0.5 * number + (number == 20)")
TITLE = edit("book/beta.md", "# Beta\n", "# Beta $b$\n")


# Builds

def run(world: World, order) -> dict[str, int]:
    """Build in the order; the last status of each form."""
    ended = {}
    for step in order:
        if step.startswith("kill "):
            assert world.build(stop=step.removeprefix("kill "))[0] == KILLED
        elif step.startswith("fast "):
            world.build(only=[f"{step.removeprefix('fast ')}.md"])
        else:
            for form in step.split():
                ended[form], said = world.build(form)
                assert ended[form] == bool(re.search("WARNING|ERROR", said)), said
    return ended


def check(world: World, order) -> None:
    """Compare every form that was built to its end with that of a clean build."""
    ended = run(world, order)
    for form, (status, files) in world.clean(list(ended)).items():
        assert ended[form] == status, form
        if status == 0:
            built = world.files(form)
            differ = {name for name in built | files if built.get(name) != files.get(name)}
            assert not differ, form
