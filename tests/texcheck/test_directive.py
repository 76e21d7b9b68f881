"""The directive: errors at their lines, links to steps, what is laid out, what is stored."""

import json
import re
import shutil
from pathlib import Path

import pytest
from tinybook import build, write

CODE = Path(__file__).parent.parent.parent / "code"
SETTINGS = {
    "extensions": ["myst_parser", "typeset", "texcheck.directive"],
    "source_suffix": {".md": "markdown"},
    "html_theme": "basic",
    "html_math_renderer": "katex",
    "myst_enable_extensions": ["colon_fence", "dollarmath"],
    "nitpicky": True,
    "numfig": True,
}

SQUARE = r"""# Page

See {numref}`der-square` and {step}`der-square 1.2`.

:::{derivation} A *square*
:label: der-square

let: x \in \mathbb{R}; n \in \{1,\ldots,5\}
def: f(u) = (1+u)^2
code: f(x) == torch.square(1 + x)
claim: f(x)
= (1+x)(1+x)        -- write $u^2$ out
= 1 + 2x + x^2      -- multiply out
\ge 2x + x^2        -- one is positive
claim: n
\approx n + x \left[x \to 0 : O(x)\right]
unchecked: A square of a *real* number is never negative.
:::
"""
SQUARE = SQUARE.replace(r" \left[x \to 0 : O(x)\right]", r" [x \to 0 : O(x)]")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    return build(write(tmp_path_factory.mktemp("square"), {"index.md": SQUARE}), **SETTINGS)


def test_a_right_derivation_builds_without_a_word(page):
    assert (page.exit_code, page.warnings) == (0, [])


def test_the_number_title_and_links(page):
    html = page.page("index.html")
    assert '<a class="reference internal" href="#der-square"><span class="std std-numref">' in html
    assert re.search(r'href="#der-square-1-2"[^>]*>(<[^>]*>)*step 1.2<', html)
    assert 'id="der-square"' in html and 'id="der-square-1-2"' in html
    assert "A <em>square</em>" in html


def test_every_step_has_its_reason_and_its_mark(page):
    html = page.page("index.html")
    steps = re.findall(r'<div class="step" id="([^"]*)">(.*?)</div>', html, re.S)
    assert [identity for identity, _ in steps] == [
        "der-square-1-1", "der-square-1-2", "der-square-1-3", "der-square-2-1"]
    assert all('class="tick' in text for _, text in steps)
    assert "multiply out" in steps[1][1]
    assert 'class="tick weak"' in steps[2][1] and "≈✓" in steps[3][1]


def test_a_step_whose_sides_turn_out_to_vanish_has_a_weak_mark(tmp_path):
    page = """# Page

:::{derivation} Nothing
let: x \\in \\mathbb{R}
claim: x - x
= 2x - 2x
:::
"""
    book = build(write(tmp_path, {"index.md": page}), **SETTINGS)
    assert (book.exit_code, book.warnings) == (0, [])
    assert re.findall('class="tick[^"]*"', book.page("index.html")) == ['class="tick weak"']


def test_code_stands_beside_the_definition_and_words_are_marked(page):
    html = page.page("index.html")
    assert "torch.square(1" in html
    assert re.search(r'<p class="not-checked">.*Not machine-checked.*<em>real</em>', html)
    assert "A numerical test, not a proof." in html
    assert "as the machine read it" in html


def test_plain_text_says_the_same(tmp_path):
    text = build(write(tmp_path, {"index.md": SQUARE}), builder="text", **SETTINGS)
    said = " ".join(text.page("index.txt").split())
    assert text.exit_code == 0
    assert "= 1 + 2x + x^2 -- multiply out [1.2: checked]" in said
    assert "Not machine-checked: A square" in said


def test_single_page_keeps_the_links(tmp_path):
    single = build(write(tmp_path, {"index.md": SQUARE}), builder="singlehtml", **SETTINGS)
    assert (single.exit_code, single.warnings) == (0, [])
    html = single.page("index.html")
    assert html.count('id="der-square-1-2"') == 1
    assert re.search(r'href="[^"]*#der-square-1-2"', html)


WRONG = SQUARE.replace("= 1 + 2x + x^2 ", "= 1 + 2x - x^2 ")


def test_a_wrong_step_is_an_error_at_its_line(tmp_path):
    bad = build(write(tmp_path, {"index.md": WRONG}), **SETTINGS)
    line = WRONG.splitlines().index("= 1 + 2x - x^2      -- multiply out") + 1
    assert bad.exit_code == 1
    said = "\n".join(bad.warnings)
    assert f"index.md:{line}: ERROR: der-square step 1.2: the two sides differ" in said
    assert "(1+x)(1+x)  =  1 + 2x - x^2" in said and "[texcheck.value]" in said
    assert 'class="tick failed"' in bad.page("index.html")


def test_an_unknown_step_is_a_broken_reference(tmp_path):
    bad = build(write(tmp_path, {"index.md": SQUARE.replace("der-square 1.2", "der-square 9.9")}),
                **SETTINGS)
    assert bad.exit_code == 1
    assert any(re.match(r"index.md:3: WARNING: .*der-square 9.9", one) for one in bad.warnings)


def stored(folder):
    return sorted((folder / "derivations").glob("*.json"))


def test_a_result_is_stored_only_if_all_steps_hold(tmp_path):
    good = write(tmp_path / "good", {"index.md": SQUARE})
    build(good, **SETTINGS)
    assert len(stored(good)) == 1
    bad = write(tmp_path / "bad", {"index.md": WRONG})
    build(bad, **SETTINGS)
    assert stored(bad) == []


def test_a_stored_result_is_used_and_nothing_is_evaluated_again(tmp_path):
    folder = write(tmp_path, {"index.md": SQUARE})
    build(folder, **SETTINGS)
    [path] = stored(folder)
    result = json.loads(path.read_text())
    result["draws"] = 12345
    path.write_text(json.dumps(result))
    write(folder, {"index.md": SQUARE.replace("See ", "Compare ")})
    build(folder, **SETTINGS)
    assert "12345 or more random draws" in build(folder, **SETTINGS).page("index.html")


ANCHORED = r"""# Page

:::{derivation} Twice
:label: der-twice
let: x \in \mathbb{R}
def: f(u) = 2u
code: f(x) == lesson.twice.twice(x)
claim: f(x)
= x + x
:::
"""


def test_a_change_of_the_code_behind_an_anchor_is_noticed(tmp_path, monkeypatch):
    package = tmp_path / "code" / "lesson"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "twice.py").write_text(
        "from lesson.helper import FACTOR\n\n\ndef twice(x):\n    return FACTOR * x\n")
    (package / "helper.py").write_text("FACTOR = 2\n")
    monkeypatch.syspath_prepend(str(tmp_path / "code"))
    settings = {**SETTINGS, "texcheck_path": [str(tmp_path / "code")]}
    write(tmp_path, {"index.md": ANCHORED})
    assert build(tmp_path, **settings).warnings == []
    # Of another length: the compiled file would count for one of the same length and second.
    (package / "helper.py").write_text("FACTOR = 3.0\n")
    for name in ("lesson.helper", "lesson.twice", "lesson"):
        __import__("sys").modules.pop(name, None)
    from texcheck import store
    store._imported.cache_clear()
    again = build(tmp_path, **settings)
    assert again.exit_code == 1
    assert any("der-twice code: the code computes something else" in one
               for one in again.warnings)


def test_a_removed_page_takes_its_steps_with_it(tmp_path):
    index = "# Index\n\n{step}`der-square 1.2`\n\n```{toctree}\nother\n```\n"
    folder = write(tmp_path, {"index.md": index, "other.md": SQUARE})
    assert build(folder, **SETTINGS).exit_code == 0
    (folder / "book/other.md").unlink()
    write(folder, {"index.md": "# Index\n\n{step}`der-square 1.2`\n"})
    gone = build(folder, **SETTINGS)
    assert any("der-square 1.2" in one for one in gone.warnings)
    shutil.rmtree(folder)
