"""Builds on demand, each in a child of a process that has imported all but the book's packages.

One JSON object a line on the standard input: ``folder`` (with ``conf.py``, ``book`` and ``code``),
``packages`` (the folder of the book's packages), ``builder``, ``only`` (files, or none for all),
``settings``, ``stop`` (where the build is to be killed) and ``jobs``. One object a line comes back:
``status``, ``said`` (warnings) and ``log``.
"""

import contextlib
import io
import json
import os
import re
import sys
import traceback
from pathlib import Path

import PIL.Image  # noqa: F401
import quickjs  # noqa: F401
import sybil  # noqa: F401
from sphinx.application import Sphinx

KILLED = 99
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def kill():
    """End like a process that is killed: nothing is tidied."""
    os._exit(KILLED)


def after(owner, name, then):
    """Do something after the first call of a method."""
    method = getattr(owner, name)

    def first(*args, **kwargs):
        method(*args, **kwargs)
        then(*args)

    setattr(owner, name, first)


def stop_at(app, place):
    """Kill the build at a place, or interrupt it as Ctrl-C does."""
    builder = app.builder

    def cut(docname, *_):
        page = builder.page_path(docname) if hasattr(builder, "page_path") else Path(
            app.outdir, docname + {"press": ".xml", "text": ".txt"}.get(builder.name, ".html"))
        page.write_bytes(page.read_bytes()[: page.stat().st_size // 2])
        kill()

    def interrupt(*_):
        raise KeyboardInterrupt

    if place == "reading":
        app.connect("doctree-read", lambda *_: kill(), priority=900)
    elif place == "read":
        app.connect("env-check-consistency", lambda *_: kill(), priority=0)
    elif place == "assets":
        after(builder, "copy_assets", lambda *_: kill())
    elif place == "half a page":
        after(builder, "write_doc", cut)
    elif place == "a page":
        after(builder, "write_doc", lambda *_: kill())
    elif place == "Ctrl-C":
        after(builder, "write_doc", interrupt)
    elif place == "pages":
        after(builder, "write_documents", lambda *_: kill())
    elif place == "end":
        app.connect("build-finished", lambda *_: kill(), priority=0)
    else:
        raise ValueError(place)


def build(job):
    """Build as the command line does, and return the status and what was said."""
    folder = Path(job["folder"])
    sys.path.insert(0, job["packages"])
    os.chdir(folder)
    said, log = io.StringIO(), io.StringIO()
    try:
        app = Sphinx(
            folder / "book", folder, folder / "build" / job["builder"], folder / "build/doctrees",
            job["builder"], job["settings"], log, said, warningiserror=True,
            parallel=job["jobs"])
        if job["stop"]:
            stop_at(app, job["stop"])
        app.build(filenames=[folder / "book" / name for name in job["only"]])
        return app.statuscode, said.getvalue(), log.getvalue()
    except KeyboardInterrupt:
        return KILLED, said.getvalue(), log.getvalue()
    except BaseException:
        return 2, said.getvalue() + traceback.format_exc(), log.getvalue()


def serve():
    """Answer until the input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        job = json.loads(line)
        read, write = os.pipe()
        child = os.fork()
        if not child:
            status, said, log = build(job)
            with contextlib.suppress(BrokenPipeError), os.fdopen(write, "w") as out:
                json.dump({"status": status, "said": ANSI.sub("", said), "log": log}, out)
            os._exit(0)
        os.close(write)
        with os.fdopen(read) as answer:
            text = answer.read()
        _, how = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(how)
        answers.write((text or json.dumps({"status": code, "said": "", "log": ""})) + "\n")
        answers.flush()


if __name__ == "__main__":
    assert not {"typeset", "papers", "texcheck", "press", "execution"} & sys.modules.keys()
    serve()
