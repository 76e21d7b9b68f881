"""One build at a time in a folder: a second one waits, and says for what.

Two builds would read and write the same doctrees and pages. The lock is of the process: the
system lets go of it when the process ends, however it ends.
"""

import os
import sys
import time
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

NAME = "build.lock"
HELD = {}
"""Path -> the open file, of the locks that this process holds."""


def acquire(app, config):
    """Wait until no other process builds beside the doctrees of `app`."""
    if fcntl is None:
        return
    path = Path(app.doctreedir).parent / NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    if path not in HELD:  # else of a build in this process that did not come to its end
        HELD[path] = open(path, "a+", encoding="utf-8")
    stream = HELD[path]
    try:
        fcntl.lockf(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        stream.seek(0)
        holder = stream.read().strip() or "which has just begun"
        print(f"waiting for another build in {path.parent}: {holder}", file=sys.stderr, flush=True)
        fcntl.lockf(stream, fcntl.LOCK_EX)
    stream.truncate(0)
    since = time.strftime("%H:%M:%S")
    stream.write(f"process {os.getpid()}, since {since}: {' '.join(sys.argv)[:200]}\n")
    stream.flush()


def release(app, exception):
    """Let the next build begin."""
    if stream := HELD.pop(Path(app.doctreedir).parent / NAME, None):
        stream.truncate(0)
        stream.close()
