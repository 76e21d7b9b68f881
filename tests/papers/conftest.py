"""A tiny book with two papers and one chapter, right in every respect until a test edits it."""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import pytest
from docutils import nodes
from sphinx.util.docutils import SphinxDirective
from tinybook import Build, build, write

REGISTER = """\
id,paper,points,kind,chapter
A1a,A,4 for the question,explain,mlp
A1b,A,4 for the question,compute,mlp
A2,A,2,derive,mlp
B1,B,,explain,mlp
"""

INDEX = """\
# Book

```{toctree}
papers/a
papers/b
mlp
tables
```
"""

PAPER_A = """\
# Paper A

:::{paper} A
:title: Final exam
:points: 6
:conditions: no notes
:::

## Question 1: two classes

The stem says $W_2$.

### (a) First

:::{question} A1a
:points: 4 for the question
:kind: explain
:::

Why is $a^2$ so?

### (b) Second

:::{question} A1b
:points: 4 for the question
:kind: compute
:::

How much is it?

## Question 2

:::{question} A2
:points: 2
:kind: derive
:::

Derive it.
"""

PAPER_B = """\
# Paper B

:::{paper} B
:::

## Question 1

:::{question} B1
:kind: explain
:::

Explain it.

:::{translation} fr
Expliquez-le.
:::

:::{restored}
A lost figure.
:::
"""

CHAPTER = """\
# Perceptrons

See {part}`A1a` and {part}`the second <A1b>`.

## A1a: Why

:::{answer} A1a
:::

:::{short}
Because of $a$. That is all.
:::

The rest of A1a.

:::{marks}
- 1: says because
- 0.5: says $a$
:::

:::{pitfall} The half of $x$
:wrong: -1/2
:right: [1, 2]
It tempts.
:::

:::{variation} In another basis
It is the same.
:::

## A1b: How much

:::{answer} A1b
:::

:::{short}
It is two.
:::

```{doctest}
>>> 1 + 1
2
>>> 2 + 2
4
```

:::{marks}
- 2.5: computes it
:::

## A2: Derive

:::{answer} A2
:::

:::{short}
Differentiate.
:::

:::{checked} 7
:::

:::{marks}
- 3/2: differentiates
- 1/2: simplifies
:::

## B1: Explain

:::{answer} B1
:::

:::{short}
Words.
:::

:::{marks}
- 3: explains
:::
"""

TABLES = """\
# Tables

:::{papers-table} paper
:::

:::{papers-table} chapter
:::

:::{papers-table} kind
:::

:::{exam-map}
:::

:::{evidence-table}
:::
"""


class Checked(SphinxDirective):
    """A stand-in for the package that checks derivations."""

    required_arguments = 1
    optional_arguments = 1
    has_content = True

    def run(self):
        done, left = [*map(int, self.arguments), 0][:2]
        node = nodes.paragraph("", f"{done} steps were checked.")
        node["evidence"] = {"checked steps": done, "unchecked steps": left}
        node["unchecked"] = list(self.content)
        return [node]


stand_in = ModuleType("checked_stand_in")
stand_in.setup = lambda app: app.add_directive("checked", Checked) or {"parallel_read_safe": True}
sys.modules[stand_in.__name__] = stand_in


@dataclass
class Book:
    """The sources of a book in a folder of its own."""

    folder: Path
    settings: dict = field(default_factory=dict)

    def path(self, name: str) -> Path:
        return self.folder / "book" / name

    def edit(self, name: str, old: str, new: str) -> None:
        text = self.path(name).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        self.path(name).write_text(text.replace(old, new), encoding="utf-8")

    def line(self, name: str, needle: str) -> int:
        lines = self.path(name).read_text(encoding="utf-8").splitlines()
        return next(i for i, line in enumerate(lines, 1) if needle in line)

    def build(self, builder: str = "html", **settings) -> Build:
        return build(self.folder, builder=builder, **(self.settings | settings))


@pytest.fixture
def book(tmp_path) -> Book:
    """A book without a fault."""
    write(
        tmp_path,
        {
            "register.csv": REGISTER,
            "index.md": INDEX,
            "papers/a.md": PAPER_A,
            "papers/b.md": PAPER_B,
            "mlp.md": CHAPTER,
            "tables.md": TABLES,
        },
    )
    settings = {
        "extensions": ["myst_parser", "sphinx.ext.doctest", "typeset.fresh", "papers",
                       stand_in.__name__],
        "myst_enable_extensions": ["colon_fence", "dollarmath"],
        "papers_register": "register.csv",
        "html_theme": "basic",
        "nitpicky": True,
    }
    return Book(tmp_path, settings)
