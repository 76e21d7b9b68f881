"""`python -m texcheck`: files, line numbers, exit codes."""

from pathlib import Path

from texcheck.__main__ import main
from texcheck.files import derivations

PAGE = r"""# A page

:::{derivation} Right
:label: der-right

let: a \in \mathbb{R}
claim: 2a
= a + a
:::

````md
:::{derivation} Shown only
claim: nonsense
:::
````

::::{note}
:::{derivation} Wrong
let: a \in \mathbb{R}
claim: 2a
= a + 1
unchecked: the rest
:::
::::
"""


def test_finds_derivations(tmp_path):
    path = tmp_path / "page.md"
    path.write_text(PAGE, encoding="utf-8")
    found = derivations(path)
    assert [(d.title, d.label, d.line) for d in found] == [("Right", "der-right", 6),
                                                          ("Wrong", "", 19)]


def test_prints_errors_with_their_lines(tmp_path, capsys):
    path = tmp_path / "page.md"
    path.write_text(PAGE, encoding="utf-8")
    assert main([str(path), "--times", "--machine"]) == 1
    out = capsys.readouterr().out
    assert f"{path}:21: ERROR: Wrong step 1.1: the two sides differ" in out
    assert "2 derivations, 2 steps: 1 hold, 1 errors; 1 lines not machine-checked" in out
    assert "step: ((2 * a) = (a + a))" in out and "ms per step: median" in out


def test_seeds(tmp_path, capsys):
    path = tmp_path / "page.md"
    path.write_text(PAGE.replace("= a + 1", "= 3a - a"), encoding="utf-8")
    assert main([str(path), "--seeds", "5"]) == 0
    assert "10 runs with 5 seeds: 0 with an error" in capsys.readouterr().out


def test_a_missing_file(capsys):
    assert main(["no/such/file.md"]) == 2
    assert "no such file" in capsys.readouterr().err


def test_an_option_after_an_empty_line_is_no_option(tmp_path, capsys):
    path = tmp_path / "page.md"
    path.write_text(PAGE.replace(":label: der-right\n", "\n:label: der-right\n"), encoding="utf-8")
    assert derivations(path)[0].label == ""
    assert main([str(path)]) == 1
    assert f"{path}:5: ERROR: Right: an option stands" in capsys.readouterr().out


def test_the_derivations_of_a_newcomer(capsys):
    """Twenty derivations written from SYNTAX.md alone, by somebody who never saw the code."""
    path = Path(__file__).with_name("newcomer.md")
    assert main([str(path)]) == 0
    assert capsys.readouterr().out.startswith("20 derivations, ")
