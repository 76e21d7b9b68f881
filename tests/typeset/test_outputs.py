"""What a cell gives: each kind is shown by the site, the pages for print and plain text, or it ends
the build at the line of the cell.
"""

import json
import shutil

import pytest
from tinybook import build, write

# The inherited theme asks Sphinx for what Sphinx will rename.
pytestmark = pytest.mark.filterwarnings("ignore:'sphinx_book_theme")

SETTINGS = {
    "extensions": ["myst_nb", "typeset", "press"], "html_theme": "book-theme",
    "html_math_renderer": "katex", "nb_execution_mode": "off", "html_title": "Small",
    "myst_enable_extensions": ["dollarmath"], "source_suffix": {".ipynb": "myst-nb"},
    "nb_mime_priority_overrides": [("press", "text/html", 20), ("press", "text/plain", 30)],
}
PNG = ("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
       "+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><circle r="9"/></svg>'
FIGURE, OBJECT = {"text/plain": "<Figure size 640x480>"}, {"text/plain": "<IPython.core.X object>"}
# A bundle, what the pages for print and what plain text have of it.
SHOWN = {
    "png": ({"image/png": PNG, **FIGURE}, "<img ", "[image: words]"),
    "svg": ({"image/svg+xml": SVG, **OBJECT}, "<img ", "[image: words]"),
    "jpeg": ({"image/jpeg": "/9j/4AAQSkZJRg==", **FIGURE}, ".jpg", "[image: words]"),
    "gif": ({"image/gif": "R0lGODlhAQABAAAAACw=", **FIGURE}, ".gif", "[image: words]"),
    "markdown": ({"text/markdown": "**bold** $x^2$", **OBJECT}, "<msup>", "**bold** x^2"),
    "latex": ({"text/latex": "$$x^2$$", **OBJECT}, "<msup>", "x^2"),
    "plain": ({"text/plain": "2.5"}, "2.5", "2.5"),
    "a table": ({"text/html": "<table><tr><td>2.5</td></tr></table>", "text/plain": "2.5"},
                "<td>2.5</td>", "2.5"),
}
REFUSED = {
    "a widget": ({"application/vnd.jupyter.widget-view+json": {"model_id": "x"}, **FIGURE},
                 "is application/vnd.jupyter.widget-view"),
    "a script": ({"application/javascript": "1", **OBJECT}, "is application/javascript"),
    "JSON": ({"application/json": {}, **OBJECT}, "application/json"),
    "PDF": ({"application/pdf": "JVBERi0=", **FIGURE}, "is application/pdf"),
    "a plot that moves": ({"application/vnd.plotly.v1+json": {}, "text/html": "<div/>"}, "plotly"),
    "what nobody knows": ({"application/x-foo": "a"}, "unknown output mime type"),
    "HTML with a script": ({"text/html": "<script>1</script>", **FIGURE}, "'<script'"),
    "HTML with a style": ({"text/html": '<p style="color: red">x</p>', **FIGURE}, "'style='"),
    "a frame": ({"text/html": "<iframe></iframe>", **FIGURE}, "'<iframe'"),
    "HTML alone": ({"text/html": "<p>x</p>", **OBJECT}, "is HTML alone"),
    "colours": ({"text/plain": "\x1b[31mred\x1b[0m"}, "has colours"),
}


def page(*outputs):
    cell = {"cell_type": "code", "execution_count": 1, "id": "a", "source": "1",
            "metadata": {"mystnb": {"image": {"alt": "words"}}}, "outputs": list(outputs)}
    words = {"cell_type": "markdown", "id": "b", "metadata": {}, "source": "# Title"}
    return json.dumps({"cells": [words, cell], "nbformat": 4, "nbformat_minor": 5,
                       "metadata": {"language_info": {"name": "python",
                           "pygments_lexer": "python"}}})


def display(data):
    return {"output_type": "display_data", "metadata": {}, "data": data}


@pytest.mark.parametrize("name", SHOWN)
def test_an_output_is_shown_in_every_form(tmp_path, name):
    data, printed, said = SHOWN[name]
    folder = write(tmp_path, {"index.ipynb": page(display(data))})
    for builder, file, wanted in (("press", "index.xml", printed), ("text", "index.txt", said)):
        made = build(folder, builder=builder, **SETTINGS)
        assert made.warnings == []
        text = made.page(file)
        assert wanted in text and "Figure size" not in text and "IPython" not in text
        shutil.rmtree(folder / "out")


@pytest.mark.parametrize("name", REFUSED)
def test_an_output_that_a_form_cannot_show_ends_the_build(tmp_path, name):
    data, says = REFUSED[name]
    made = build(write(tmp_path, {"index.ipynb": page(display(data))}), **SETTINGS)
    assert made.exit_code == 1
    assert any(says in one and one.startswith("index.ipynb:") for one in made.warnings)


def test_colours_in_what_a_cell_prints_end_the_build(tmp_path):
    printed = {"output_type": "stream", "name": "stdout", "text": "\x1b[1mbold\x1b[0m\n"}
    made = build(write(tmp_path, {"index.ipynb": page(printed)}), **SETTINGS)
    assert any("has colours" in one for one in made.warnings)
