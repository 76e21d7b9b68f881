r"""The exam layer: papers, questions and answers of a book, and what must hold of them.

This is the manual for authors. A *paper* is a page that states questions; a *chapter* is a page
that answers them; a *part* is the smallest thing that is asked and answered, such as ``A3a``. The
**register** lists every part once, and the build fails where pages and register disagree.

Settings in ``conf.py``
-----------------------
``papers_register``
    The register, a CSV file relative to the source folder, with the columns
    ``id,paper,points,kind,chapter``. Points are ``N``, ``N for the question`` (printed once for all
    parts of the question, and alike in them) or empty (the paper prints none). The kind is one of
    ``choose``, ``compare``, ``compute``, ``derive``, ``explain`` and ``prove``. The chapter is the
    name of the file that answers the part, without its ending.

A paper
-------
::

    # Paper A

    :::{paper} A
    :title: as printed
    :points: 100
    :conditions: no notes
    :::

    ## Question 1: the subject in our words

    The stem: whatever the parts share. It is repeated with each part.

    ### (a) A short name

    :::{question} A1a
    :points: 10 for the question
    :kind: explain
    :::

    The question in our own words.

    :::{translation} fr
    La question en français.
    :::

    :::{restored}
    What the source lost, and how it is restored.
    :::

``{paper}`` also takes ``:course:``, ``:date:``, ``:time:`` and ``:source:``, all printed as given.
A time such as ``8:45-11:45`` also gives the clock of those who sit the paper on the page; the page
has a button for that, which hides all that leads to answers.
Leave ``:points:`` out where the paper prints no points.

``{question}`` is a **marker**: directly after a heading, it claims the whole section, to the next
heading of its level. It holds no text, because code cells cannot stand inside a directive and a
question may well need one. One section, one marker; a claimed section lies in no other one.
The text between the heading of a question and its first part is the stem.

Below each question the page shows a link to its answer and, folded, the short answer. In print both
are left out, so that a paper prints as a blank paper.

An answer
---------
::

    ## A1a: Which output activation?

    :::{answer} A1a
    :::

    :::{short}
    The full-marks answer, in at most five lines.
    :::

    Derivations, doctests, code cells, figures, in any order.

    :::{marks}
    - 1: names the sigmoid
    - 0.5: says why its range matters
    :::

    :::{pitfall} The factor 1/2 forgotten
    :wrong: -0.25
    :right: -0.125
    Why it tempts, and what exposes it.
    :::

    :::{variation} With labels in {-1, +1}
    A related question and its brief answer.
    :::

``{answer}`` claims its section as ``{question}`` does. The page shows a head, the question as the
paper's page states it (with its stem: in full at first, folded from then on), the short answer in
an open fold and the rest in a closed one. Nothing of this needs a script, and all is open in print,
where a stem is given once per chapter.

``:unchecked: reason`` of ``{answer}`` says why a part to derive or prove has no checked derivation.

``{short}`` has at most 110 words (a formula is one) and at most five sentences, list items and
displays together: that is five lines.

``{marks}`` is a list; each item begins with its points, a number or a fraction, and a colon.

``{pitfall}`` has both values or neither: Python literals, fractions, or lists of these. They are
compared as exact numbers and must differ.

Links and tables
----------------
``{part}`A3a``` links to the answer of a part, or to its question while there is no answer;
``{part}`the third part <A3a>``` with words of its own. The anchors are stable: ``A1a`` the answer,
``question-A1a`` the question, ``A1a-short``, ``A1a-whole`` and ``A1a-marks`` in the answer.

``{papers-table}`` with the argument ``paper``, ``chapter`` or ``kind`` lists all parts.
``{exam-map}`` shows what each paper asks of each chapter: points, where the paper prints them, and
parts. The share of a chapter is the mean, over the papers that print points, of its fraction of the
paper; the chapter with the largest share stands first.
``{evidence-table}`` lists what checks each answer, and all that nothing checks.

Evidence
--------
Counted in each answer: examples of doctests, code cells, figures, and whatever other packages leave
in the attribute ``evidence`` of a node, a dictionary of counts such as ``{"checked steps": 7,
"unchecked steps": 1}``, with the attribute ``unchecked`` as a list of texts that say what was not
checked. A part to derive or prove needs a ``checked steps`` above zero.

What fails
----------
Each is a warning ``papers.KIND`` with file and line; the book is built with warnings as errors.

=============== ================================================================================
``unasked``     a part of the register that no paper states
``unanswered``  a part that no chapter answers
``unknown``     a question, answer or paper that the register does not have
``duplicate``   a paper, question or answer that stands twice
``points``      points that differ from the register, or do not add up to those of the paper
``kind``        a kind that differs from the register
``chapter``     an answer in another chapter than the register says
``paper``       a question on a page that states no paper, or another one
``derivation``  a part to derive or prove without a checked derivation or a reason
``doctest``     a part to compute without a doctest
``short``       an answer without ``{short}``, with two, or with one that is too long
``marks``       an answer without ``{marks}``, with two, with items that are no marks, or with marks
                that do not add up; those of a question with points printed once are added up when
                all its parts are answered
``pitfall``     one value without the other, a value that cannot be read, or equal values
``marker``      a marker that claims no section; ``{short}`` and the like outside of an answer
``translation`` an argument that is not a language code
``reference``   a link to a part that no page states or answers
=============== ================================================================================

A register that cannot be read stops the build at once, with file and line.
"""

from pathlib import Path

from sphinx.errors import ExtensionError

from . import checks, directives, nodes, sections
from .domain import PapersDomain, PartRole
from .register import read_register
from .render import FillSlots, OnePageLinks, PlainFolds

__all__ = ["setup"]

STATIC = Path(__file__).parent / "static"


def setup(app):
    """Register the extension with Sphinx."""
    app.add_config_value("papers_register", None, "env", frozenset({str}))
    app.add_domain(PapersDomain)
    app.add_role("part", PartRole())
    directives.setup(app)
    nodes.setup(app)
    app.add_transform(sections.ClaimSections)
    app.add_post_transform(FillSlots)
    app.add_post_transform(PlainFolds)
    app.add_post_transform(OnePageLinks)
    app.connect("config-inited", _add_static)
    app.connect("builder-inited", _load_register)
    app.connect("doctree-read", sections.record, priority=900)
    app.connect("env-updated", _check_again)
    app.connect("write-started", _forget_doctrees)
    app.connect("env-check-consistency", checks.check)
    app.connect("warn-missing-reference", checks.missing_reference)
    app.add_css_file("papers.css")
    app.add_js_file("papers.js", loading_method="defer")
    return {
        "version": "1",
        "env_version": 1,
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }


def _add_static(app, config) -> None:
    config.html_static_path.append(str(STATIC))


def _load_register(app) -> None:
    if not app.config.papers_register:
        raise ExtensionError("papers_register is not set: name the CSV file that lists all parts")
    app.env.get_domain("papers").register = read_register(checks.register_path(app))


def _check_again(app, env) -> list[str]:
    """Sphinx checks the book only if a page is new; a new register is checked like one."""
    return [env.config.root_doc] if env.get_domain("papers").register_changed() else []


def _forget_doctrees(app, builder) -> None:
    builder.env.get_domain("papers").doctrees = {}
