"""What the copy button of a block puts on the clipboard."""

from pathlib import Path

import pytest
import typeset

SCRIPT = Path(typeset.__file__).parent / "theme/static/site.js"
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>x</title>
<button id="theme"></button><div class="highlight"><pre>{}</pre></div>
<script>
const copied = [];
const clipboard = {{ writeText: async (text) => copied.push(text) }};
Object.defineProperty(navigator, "clipboard", {{ value: clipboard }});
</script>
<script src="{}"></script></html>"""


@pytest.mark.parametrize("block, copied", [
    ("a = 1\n...\nb = 2", "a = 1\n...\nb = 2"),
    ("class A:\n    ...\n... and so on", "class A:\n    ...\n... and so on"),
    ("&gt;&gt;&gt; def f():\n...     return 1\n...\n&gt;&gt;&gt; f()\n1",
     "def f():\n    return 1\n\nf()"),
    ("&gt;&gt;&gt;&gt; no prompt", ">>>> no prompt"),
    ("plain", "plain"),
])
def test_what_is_copied(page, tmp_path, block, copied):
    (tmp_path / "page.html").write_text(PAGE.format(block, SCRIPT.as_uri()), encoding="utf-8")
    page.goto((tmp_path / "page.html").as_uri())
    page.click("button.copy")
    page.wait_for_function("copied.length > 0")
    assert page.evaluate("copied") == [copied]
