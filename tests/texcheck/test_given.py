"""``given:``, a definition that the text above the derivation states."""

import pytest
from texcheck.__main__ import main
from texcheck.given import squeezed, stated, unstated
from tinybook import build, write

from .test_directive import SETTINGS

PAGE = r"""# Page

A layer computes $z = W x + b$, with the loss
$$
\begin{aligned} L &= \tfrac{1}{2} \left\| z - y \right\|^2, \\ r &= z - y \end{aligned}
$$

:::{derivation} Gradient
let: W \in \mathbb{R}^{n\times m}; x \in \mathbb{R}^m; b, y \in \mathbb{R}^n
given: z = Wx + b
given: L = \frac{1}{2}\|z - y\|^2
claim: \frac{\partial L}{\partial b}
= z - y
:::
"""
SIGN = PAGE.replace("given: z = Wx + b", "given: z = Wx - b")
NOWHERE = PAGE.replace("$z = W x + b$", "an affine map")
BELOW = PAGE.replace("A layer computes $z = W x + b$, with", "With") + "\nAgain $z = W x + b$.\n"
IN_ANOTHER = NOWHERE.replace("# Page\n", r"""# Page

:::{derivation} Before
let: W \in \mathbb{R}^{n\times m}; x \in \mathbb{R}^m; b \in \mathbb{R}^n
def: z = W x + b
claim: z - b
= W x
:::
""")


def test_what_the_page_states_is_given(tmp_path):
    book = build(write(tmp_path, {"index.md": PAGE}), **SETTINGS)
    assert (book.exit_code, book.warnings) == (0, [])
    assert book.page("index.html").count('<span class="label">given ') == 2
    (tmp_path / "page.md").write_text(PAGE, encoding="utf-8")
    assert main([str(tmp_path / "page.md")]) == 0


@pytest.mark.parametrize("page, line", [(SIGN, 10), (NOWHERE, 10), (BELOW, 10), (IN_ANOTHER, 17)],
                         ids=["another sign", "nowhere", "only below", "in a derivation"])
def test_what_it_does_not_state_is_an_error_at_its_line(page, line, tmp_path, capsys):
    book = build(write(tmp_path, {"index.md": page}), **SETTINGS)
    said = [w for w in book.warnings if "the text above does not state z =" in w]
    assert len(said) == 1 and f"index.md:{line}: ERROR" in said[0]
    path = tmp_path / "page.md"
    path.write_text(page, encoding="utf-8")
    assert main([str(path)]) == 1
    assert f"page.md:{line}: ERROR" in capsys.readouterr().out


def test_formulas_of_a_text():
    found = list(stated("a $x = y$\n\n```{math}\n:label: eq\nu = v \\quad (k=1)\n```\n$$p = q.$$"))
    assert {"x=y", "u=v", "p=q"} <= set(found)
    assert squeezed(r"\dfrac12 \left( a \, b \right)") == squeezed(r"\frac12(ab)")


@pytest.mark.parametrize("written", [r"I = \sum_{x, y} p(x, y) \log q(x, y)",
                                     r"I = k(x, \min(y, z)) + 1",
                                     r"u \in \{1, 2\}", r"I = [a, b)"])
def test_a_comma_inside_of_brackets_ends_no_formula(written):
    page = [f"The question gives ${written}$, for all places."]
    assert unstated([written + r", \quad i \le n"], page, 1) == []
    for wrong in (written + "^2", written.rsplit(",", 1)[0] + ", 3)", written.rsplit(",", 1)[0]):
        assert unstated([wrong], page, 1) == [wrong]
