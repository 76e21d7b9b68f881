"""Everything that a page can hold, each kind in a page of its own: the three forms say the same of
it, or the build ends at its line.
"""

import shutil

import pytest
from PIL import Image
from press import compare, epub, pages, pdf
from tinybook import build, write

# The inherited theme asks Sphinx for what Sphinx will rename.
pytestmark = pytest.mark.filterwarnings("ignore:'sphinx_book_theme")

SETTINGS = {
    "extensions": ["myst_nb", "typeset", "press"], "html_theme": "book-theme",
    "html_math_renderer": "katex", "nb_execution_mode": "off", "numfig": True,
    "math_number_all": False, "html_permalinks_icon": "#", "html_title": "Small",
    "myst_enable_extensions": ["amsmath", "attrs_inline", "colon_fence", "deflist", "dollarmath"],
}
DOT = ('<svg xmlns="http://www.w3.org/2000/svg" width="90" height="90" viewBox="0 0 90 90">'
       '<circle cx="45" cy="45" r="9"/></svg>')
NOTES = """\
A[^a] b[^b] c[^c] d[^d] e[^e].

[^a]: Words $n$.

    $$
    x = \\sum_i y_i
    $$

[^b]: List

    - one
    - two

[^c]: Code

    ```python
    y = 2
    ```

[^d]: | A | B |
    |---|---|
    | 1 | 2 |

[^e]: First paragraph.

    Second one.
"""


def rst(text):
    return f"```{{eval-rst}}\n{text}\n```"


def directive(name, *lines, argument=""):
    return "\n".join([f"```{{{name}}} {argument}".strip(), *lines, "```"])


SAME = {
    "kbd": "Press {kbd}`Ctrl-C` now.",
    "abbr": "The {abbr}`ELBO (evidence lower bound)` here.",
    "labels": "{guilabel}`&Save` {menuselection}`a --> b` {file}`a/{b}.c` {samp}`x={y}`",
    "roles": "{command}`rm` {dfn}`term` {program}`p` {makevar}`V` {regexp}`a+` {mimetype}`a/b`",
    "sub and sup": "H{sub}`2`O, x{sup}`2`, {math}`a^2`", "emphasis": "*a* **b** ***c*** `d`",
    "hard break": "one\\\ntwo", "links": "<https://example.org> and <a@b.org>",
    "rule": "a\n\n---\n\nb", "block break": "a\n\n+++\n\nb", "comment": "a\n\n% comment\n\nb",
    "quote": "> quoted *x*\n>\n> more $x$",
    "epigraph": directive("epigraph", "Text here.", "", "-- Somebody"),
    "lists": "1. a\n\n   $$\n   x\n   $$\n\n2. b\n"
             "   - c\n   - d\n\n     ```python\n     x = 1\n     ```",
    "a list that starts at five": "5. five\n6. six", "letters": rst("a. one\nb. two"),
    "roman numbers": rst("iii. one\niv. two"),
        "nested lists": "1. a\n   1. b\n      1. c\n\n- x\n  - y",
    "definitions": "Term\n: Definition $x$\n\n  More.\n\nOther\n: Def", "footnotes": NOTES,
    **{name: directive(name, "Be careful $x$.") for name in
       ("note", "warning", "tip", "important", "seealso", "hint", "caution", "danger")},
    "admonition": directive("admonition", "Body.", argument="A title $y$"),
    "versions": directive("versionadded", "Body.", argument="1.2"),
    "topic": directive("topic", "Body.", argument="Title"),
    "sidebar": directive("sidebar", "Body.", argument="Title"),
    "rubric": directive("rubric", argument="Words") + "\n\nText",
    "compound": directive("compound", "A", "", "B"), "centered": directive("centered",
        argument="Mid"),
    "hlist": directive("hlist", "- a", "- b", "- c"),
    "code with a caption": directive("code-block", ":caption: A caption", ":linenos:", "x = 1",
                                     argument="python"),
    "shell": "```bash\nls -l\n```", "plain": "```text\n  ls -l\n```",
    "included code": directive("literalinclude", ":language: python", argument="lit.py"),
    **{f"an image {size}": directive("image", ":alt: a dot", size, argument="dot.svg") for size in
       (":width: 50%", ":width: 120px", ":scale: 50%", ":height: 3em", ":align: right")},
    "a linked image": directive("image", ":alt: a", ":target: https://example.org",
                                argument="dot.svg"),
    "an image in a line": "Text ![a dot](dot.svg) in a line.",
    **{kind: directive("image", ":alt: a dot", argument=f"dot.{kind}")
       for kind in ("png", "jpg", "gif")},
    "figure": directive("figure", ":alt: a dot", ":width: 40%", ":name: fig-x", "",
                        "Caption *x* $y$.", "", "Legend.",
                            argument="dot.svg") + "\n\n{numref}`fig-x`",
    "table": "| a | b |\n|:--|--:|\n| 1 | $x$ |",
    "list-table": directive("list-table", ":header-rows: 1", ":stub-columns: 1", ":widths: 20 80",
                            "* - A", "  - B", "* - 1", "  - - x", "    - y", argument="Title"),
    "csv-table": directive("csv-table", ":header: a, b", "1, 2", argument="T"),
    "equation": directive("math", ":label: eq-lab", "a = b") + "\n\nSee {eq}`eq-lab`.",
    "lines of mathematics": directive("math", "a = b", "", "c = d"),
    "align*": "\\begin{align*}\na &= b \\\\\nc &= d\n\\end{align*}",
    "underline": "$\\underline{x} + \\overline{y}$ and $\\boxed{x}$",
    "raw HTML": directive("raw", "<p>raw <b>bold</b></p>", argument="html"),
    "raw for others": directive("raw", "\\foo", argument="latex") + "\n\nText",
    "HTML in a line": "a <b>bold</b> and <u>under</u> x", "glossary": directive(
        "glossary", "term", "  Its meaning.") + "\n\nA {term}`term`.",
    "only": directive("only", "Only here.", argument="html"),
    "a function": directive("py:function", "What it does.", "", ":param x: the x",
                            argument="f(x: int, y=2) -> str"),
    "lines": rst("| line one\n| line two\n|    indented"),
        "options": rst("-a  option a\n-b FILE  b"),
    "fields": rst(":Author: me\n:Date: now"), "dialogue": rst(">>> 1 + 1\n2"),
    "citation": rst("See [CIT]_.\n\n.. [CIT] A citation."),
    "targets": "(there)=\n## Heading $x$\n\nSee [](#there) and {ref}`there`.",
    "download": "{download}`the file <lit.py>`", "language": "[mots]{lang=fr}.",
    "index": directive("index", argument="word") + "\n\nText {index}`word`.",
    "a heading": "## Head $\\beta$ and `code` *e*",
}
# What a form cannot show, and what the build says at its line.
REFUSED = {
    "a class": ("[red words]{.red}", 3, "the class red has no look on paper"),
    "a container": (directive("container", "A", argument="mine"), 3, "the class mine has no look"),
    "HTML with a class": ('<div class="x">hello</div>', 3, "the class x has no look"),
    "video": ('<video src="a.mp4"></video>', 3, "<video> cannot stand in a line of text"),
    "HTML that is not well-formed": (directive("raw", "<p>raw <br> & more", argument="html"), 3,
                                     "this HTML is not well-formed"),
    "emphasis in code": (directive("parsed-literal", "a *b*"), 4, "<em> cannot stand in code"),
    "lines that are set off": (directive("code-block", ":emphasize-lines: 1", "x = 1",
                                         argument="python"), 3, "set off cannot be printed"),
    "a kind of image": (directive("image", ":alt: a dot", argument="dot.webp"), 3,
                        "the image dot.webp"),
    "an image that is none": (directive("image", ":alt: a dot", argument="bad.png"), 3,
                              "the image bad.png cannot be read"),
    "a drawing that is none": (directive("image", ":alt: a dot", argument="bad.svg"), 3,
                               "the image bad.svg cannot be read"),
    "contents": (directive("contents", ":local:") + "\n\n## One", 2, "<nav> cannot be printed"),
    "a long line": ("```text\n" + "x" * 200 + "\n```", 3, "this is wider than the text"),
    "a sign that no font has": ("A face 😀.", 3, "could not be displayed"),
    "a sign in code": ("```text\nface 😀\n```", 3, "could not be displayed"),
    "align": (
        "text\n\n\\begin{align}\na &= b \\\\\nc &= d\n\\end{align}", 5,
        "numbers each of its lines"),
    "equation": (
        "text\n\n\\begin{equation}\na = b\n\\end{equation}", 5, "numbers each of its lines"),
    "tag": ("$$\na \\tag{3.1}\n$$ (eq-tagged)", 3, "equations are numbered by the book"),
    "colour": ("Text $\\textcolor{red}{x}$.", 3, "KaTeX wrote color:red"),
    "cancel": ("Text $\\cancel{x}$.", 3, "<menclose>"),
    "a face that no font has": ("Text $\\mathbb{a}$.", 3, "no font of the book has 'a'"),
}


def make(folder, text):
    write(folder, {"index.md": f"# Title\n\n{text}\n", "dot.svg": DOT, "lit.py": "x = 1\n",
                   "bad.png": "no image", "bad.svg": "<svg"})
    for kind in ("png", "jpg", "gif", "webp"):
        Image.new("RGB", (9, 9)).save(folder / f"book/dot.{kind}")
    site = build(folder, **SETTINGS)
    shutil.move(folder / "out", folder / "html")
    return site, build(folder, builder="press", **SETTINGS)


def print_(folder):
    book = pages.load(folder / "out")
    source = pdf.compose(book)
    pdf.compile(source, folder / "out", folder / "book.pdf")
    epub.write(pages.load(folder / "out"), folder / "book.epub", 0)
    return book, source


@pytest.mark.parametrize("name", SAME)
def test_the_forms_say_the_same(tmp_path, name):
    site, press = make(tmp_path, SAME[name])
    assert (site.warnings, press.warnings) == ([], [])
    book, source = print_(tmp_path)
    shown = compare.of_site(book, tmp_path / "html")
    assert compare.differences(
        book, site=shown, PDF=compare.of_pdf(book, pdf.as_html(source, tmp_path / "out")),
        EPUB=compare.of_epub(book, tmp_path / "book.epub")) == []
    if name == "footnotes":
        [section] = shown[compare.NOTES]
        assert len(section.notes) == 5 and any("𝑥=∑𝑖𝑦𝑖" in one for one in section.notes)


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_form_cannot_show_ends_the_build_at_its_line(tmp_path, name):
    text, line, says = REFUSED[name]
    site, press = make(tmp_path, text)
    said = [*site.warnings, *press.warnings]
    if not said:
        with pytest.raises((pages.PressError, ExceptionGroup)) as caught:
            print_(tmp_path)
        said = [str(error) for error in getattr(caught.value, "exceptions", [caught.value])]
    assert any(one.startswith(f"index.md:{line}: ") and says in one for one in said), said


def test_a_footnote_that_loses_its_list_is_missed(tmp_path):
    make(tmp_path, NOTES)
    book, source = print_(tmp_path)
    shown = compare.of_site(book, tmp_path / "html")
    spoilt = source.replace("[one]", "[]")
    assert spoilt != source
    found = compare.differences(
        book, site=shown, PDF=compare.of_pdf(book, pdf.as_html(spoilt, tmp_path / "out")))
    assert any("footnotes differ" in one for one in found)


@pytest.mark.parametrize("option, printed", [
    (":width: 50%", "width: 50%"), (":width: 120px", "width: 90pt"), (":height: 3em",
        "height: 3em"),
])
def test_the_size_of_an_image_is_printed_and_stands_on_the_site(tmp_path, option, printed):
    make(tmp_path, directive("image", ":alt: a dot", option, argument="dot.svg"))
    _, source = print_(tmp_path)
    assert printed in source
    size = option.split(": ")[1].replace("%", "pc")
    name = f"{option.split(':')[1]}-{size}"
    html = (tmp_path / "html/index.html").read_text()
    assert f'class="{name}"' in html and ' style="' not in html
    assert f"img.{name}{{" in (tmp_path / "html/_static/formulas.css").read_text()


def test_the_title_of_a_page_is_in_words_in_every_form(tmp_path):
    write(tmp_path, {"index.md": "# Title\n\n```{toctree}\na\nb\n```\n", "a.md": "# $\\beta$-VAE\n",
                     "b.md": "# Next\n"})
    site = build(tmp_path, **SETTINGS)
    assert site.warnings == []
    assert "<title>β-VAE · Small</title>" in site.page("a.html")
    assert "<span>Next</span> β-VAE</a>" in site.page("index.html")
    assert "<span>Previous</span> β-VAE</a>" in site.page("b.html")
    shutil.move(tmp_path / "out", tmp_path / "html")
    build(tmp_path, builder="press", **SETTINGS)
    assert [page.title for page in pages.load(tmp_path / "out").pages.values()][1] == "β-VAE"
