"""The outputs are those of an ordinary Jupyter kernel, and the seam fits the pinned myst-nb."""

import inspect
import json
import re
import shutil

import myst_nb
import myst_nb.core.execute
import myst_nb.sphinx_
import pytest

SAMPLE = {
    "text": "print('a')\nprint('b')\n1 + 1",
    "streams": "import sys\nprint('out')\nprint('err', file=sys.stderr)\nprint('out again')",
    "rich": "from IPython.display import HTML, Markdown, Latex, display\n"
            "display(HTML('<b>x</b>'), Markdown('*y*'))\nLatex('$z$')",
    "own representation": "class Own:\n    def _repr_html_(self):\n        return '<i>own</i>'\n"
                          "    def __repr__(self):\n        return 'own'\nOwn()",
    "mime bundle": "display({'text/html': '<u>x</u>', 'text/plain': 'u'}, raw=True)",
    "binary": "from IPython.display import Image\nimport base64\n"
              "Image(base64.b64decode('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
              "YPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=='))",
    "update": "handle = display('before', display_id='one')\nhandle.update('after')",
    "update across cells": "handle.update('later')",
    "clear": "from IPython.display import clear_output\nprint('gone')\nclear_output()\n"
             "print('kept')",
    "clear and wait": "print('gone')\nclear_output(wait=True)\nprint('kept')",
    "line magic": "%precision 2\n3.14159",
    "cell magic": "%%capture captured\nprint('hidden')",
    "captured": "captured.stdout",
    "assignment magic": "names = %who_ls str\nnames",
    "help": "len?",
    "history": "_, In[1][:5], Out[1]",
    "last": "7",
    "underscore": "_",
    "await": "import asyncio\nawait asyncio.sleep(0, 'awaited')",
    "semicolon": "'silent';",
    "none": "None",
    "unicode": "print('Größe ∑ 🙂')\n'∂'",
    "array": "import numpy as np\nnp.arange(6).reshape(2, 3) / 4",
    "figure": "import matplotlib.pyplot as plt\nplt.plot([0, 1, 4])\nplt.title('t')\nplt.show()",
    "implicit figure": "fig, ax = plt.subplots(figsize=(2, 1))\nax.bar([1, 2], [3, 4])",
    "figure object": "from matplotlib.figure import Figure\nf = Figure()\n"
                     "f.subplots().plot([1])\nf",
    "glue": "from myst_nb import glue\nglue('answer', 42, display=False)\nglue('shown', 'text')",
    "module": "import helper\nhelper.double(4)",
    "blank": "   \n",
}
RAISING = {
    "error": "1 / 0",
    "error in a module": "helper.fail()",
    "syntax error": "a b",
    "chained": "try:\n    {}['k']\nexcept KeyError as error:\n    raise ValueError('v') from error",
    "error in a representation": "class Bad:\n    def __repr__(self):\n"
                                 "        raise ValueError('r')\nBad()",
    "exit": "import sys\nsys.exit(1)",
    "warning": "import warnings\nwarnings.warn('careful')",
    "after": "'still here'",
}


@pytest.fixture(scope="module")
def both(shared):
    """The notebook of a sample, run in a forked child and in an ordinary kernel."""
    shared.write("code/helper.py", "def double(x):\n    return 2 * x\n\n\n"
                 "def fail():\n    raise ValueError('from the module')\n")
    shared.chapter("sample", *SAMPLE.values())
    shared.chapter("raising", *RAISING.values(), tags=["raises-exception", "raises-warning"])
    shared.chapter("skipped", "x = 1", "raise ValueError", tags=["skip-execution"])
    notebooks = []
    for fork in (True, False):
        shutil.rmtree(shared.folder / "build", ignore_errors=True)
        done = shared.build("dummy", execution_fork=fork)
        names = ("sample", "raising", "skipped")
        assert (done.ran, done.warnings) == ({f"cells {name}" for name in names}, "")
        notebooks.append({name: json.loads(shared.notebook(name)) for name in names})
    return notebooks


CELLS = [("sample", name) for name in SAMPLE] + [("raising", name) for name in RAISING]


@pytest.mark.parametrize(("chapter", "name"), CELLS)
def test_cell_gives_what_a_kernel_gives(both, chapter, name):
    index = list(SAMPLE if chapter == "sample" else RAISING).index(name)
    ours, kernels = (
        [cell for cell in notebooks[chapter]["cells"] if cell["cell_type"] == "code"][index]
        for notebooks in both
    )
    assert ours == kernels


def test_notebooks_are_the_same(both):
    assert both[0] == both[1]


def test_figures_are_vector_graphics_without_a_date(both):
    text = json.dumps(both[0]["sample"])
    assert text.count('"image/svg+xml": ') == 3
    assert text.count('"image/png": ') == 1  # the one that the sample made itself
    assert "dc:date" not in text


def test_cells_that_are_skipped_have_neither_outputs_nor_a_count(both):
    cells = [cell for cell in both[0]["skipped"]["cells"] if cell["cell_type"] == "code"]
    assert [(cell["outputs"], cell["execution_count"]) for cell in cells] == [([], None)] * 2


def test_what_goes_to_the_descriptor_is_shown_in_its_place(book):
    book.chapter("a", "import os\nprint('first')\n_ = os.write(1, b'raw\\n')\nprint('last')")
    assert book.build("dummy").warnings == ""
    outputs = json.loads(book.notebook("a"))["cells"][1]["outputs"]
    assert [output["text"] for output in outputs] == [["first\n", "raw\n", "last\n"]]


def test_glue_arrives_in_the_text(book):
    book.chapter("a", "from myst_nb import glue\nglue('answer', 6 * 7, display=False)")
    path = book.folder / "book/chapters/a.md"
    path.write_text(path.read_text() + "\nThe answer is {glue}`answer`.\n")
    assert book.build().warnings == ""
    assert re.search(r"The answer is .*42", book.page("chapters/a"))


def test_tags_for_showing(book):
    book.chapter("a", "print('out' + 'put')", tags=["remove-input"])
    book.chapter("b", "print('out' + 'put')", tags=["remove-output"])
    book.chapter("c", "print('out' + 'put')", tags=["hide-input"])
    assert book.build().warnings == ""
    shown = {name: book.page(f"chapters/{name}") for name in "abc"}
    printed, source = ">output\n</pre>", "'put'"
    assert printed in shown["a"] and source not in shown["a"]
    assert printed not in shown["b"] and source in shown["b"]
    assert printed in shown["c"] and source in shown["c"]
    assert "<details" in shown["c"] and "<details" not in shown["a"] + shown["b"]


def test_settings_of_a_file(book):
    path = book.chapter("a", "1 / 0", "'after'")
    text = path.read_text()
    path.write_text(text.replace("kernel", "mystnb:\n  execution_allow_errors: true\nkernel", 1))
    assert book.build("dummy").warnings == ""
    assert "'after'" in book.notebook("a").split('"outputs"')[-1]
    path.write_text(text.replace("kernelspec", "mystnb:\n  execution_mode: 'off'\nkernelspec"))
    assert book.build("dummy").ran == set()
    path.write_text(text.replace("kernelspec", "mystnb:\n  execution_timeout: 1\nkernelspec")
                    .replace("1 / 0", "while True: pass"))
    assert "the cell ran longer than 1 s" in book.build("dummy").warnings


def test_faults_read_the_same_in_a_kernel(book):
    book.chapter("a", "x = 1", "y = 1\n1 / 0")
    book.chapter("b", "x = 1\n1 = 2")
    book.chapter("c", "while True: pass")
    first = {}
    for fork in (True, False):
        done = book.build("dummy", execution_fork=fork, execution_limit=3)
        assert done.status == 1
        lines = [line for line in done.warnings.splitlines() if "WARNING" in line]
        first[fork] = sorted(line.removesuffix(" [execution.cells]") for line in lines)
    assert first[True] == first[False]
    assert len(first[True]) == 3


def test_doctests_run_without_fork_too(book):
    book.write("book/index.md", "# Book\n\n```{doctest}\n>>> 1 + 1\n3\n```\n")
    done = book.build("dummy", execution_fork=False)
    assert done.warnings.startswith("book/index.md:4: WARNING: doctest failed: 1 + 1")


def test_seam_fits_the_pinned_myst_nb(book):
    assert re.match(r"1\.4\.", myst_nb.__version__)
    own = inspect.signature(myst_nb.core.execute.create_client)
    book.build("dummy")
    assert list(inspect.signature(myst_nb.sphinx_.create_client).parameters) == list(own.parameters)
    assert "with create_client(" in inspect.getsource(myst_nb.sphinx_.Parser.parse)


def test_text_that_an_extension_changes_on_its_way(book):
    book.chapter("a", "'before'")
    conf = book.folder / "conf.py"
    conf.write_text(conf.read_text() + (
        "def setup(app):\n"
        "    def change(app, docname, source):\n"
        "        source[0] = source[0].replace('before', 'af' + 'ter')\n"
        "    app.connect('source-read', change)\n"))
    assert book.build("dummy").warnings == ""
    assert "'after'" in book.notebook("a").split('"outputs"')[1]
