"""Run the code cells and doctests of a Sphinx book, in parallel and never stale.

A Sphinx extension for books written for myst-nb. Before Sphinx reads the documents, the cells
and doctests of all outdated ones are run, each document in a child forked from one warm parent
that has imported the heavy libraries but nothing of the project. A result is kept together with
a record of every file of the repository, module lookup and environment variable that the run
read, and is used again only while all of them still read the same.

Other packages may have functions called as runs, with values that are kept in the same way: they
say what a document will ask for (``execution_calls``), and ask for it by :func:`obtain`.

Modules, in the order of a run: :mod:`~execution.extension` (Sphinx events),
:mod:`~execution.tasks` (what a document asks to run), :mod:`~execution.store` (finished results),
:mod:`~execution.pool` and :mod:`~execution.warm` (the warm parent, from both sides),
:mod:`~execution.tracing` (what a run reads, and what it must not do), :mod:`~execution.cells` and
:mod:`~execution.doctests` (the runs themselves), :mod:`~execution.kernel` (the ordinary kernel,
where fork is missing), :mod:`~execution.report` (progress, table and page).
"""


def setup(app):
    """Set up the Sphinx extension (imported late: a child that runs cells needs no Sphinx)."""
    from execution.extension import setup

    return setup(app)


def obtain(env, asked):
    """The value of a call (:func:`execution.tasks.call`) for the document that is being read.

    None if the call failed, which was reported at its line.
    """
    from execution.extension import Engine

    return Engine.current.value(env, asked)
