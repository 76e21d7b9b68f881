"""What the gates run on: a browser, a server on loopback, the two checkers from npm."""

import http.server
import os
import shutil
import threading
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUILD = Path(os.environ.get("BOOK_BUILD", ROOT / "build"))
TOOLS = BUILD / "site-tools/node_modules"
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --allow-file-access-from-files"
).split()


class Missing(RuntimeError):
    """A program that a gate needs and this machine lacks; the text says how to install it."""


def chromium() -> str:
    """The browser, or how to get one."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if not found:
        raise Missing(
            "no Chromium here: install it (Debian and Ubuntu: apt-get install chromium) or name "
            "one: CHROMIUM=/path/to/chrome make site-check")
    return found


def java() -> str:
    """A Java that the checker of HTML runs on, or how to get one."""
    if not (found := shutil.which("java")):
        raise Missing("no Java here, which the checker of HTML needs: install one (Debian and "
                      "Ubuntu: apt-get install default-jre-headless)")
    return found


def tool(name: str) -> Path:
    """A file of a checker from npm, or how to get it."""
    path = TOOLS / name
    if not path.is_file():
        raise Missing(f"no {path}: make site-check installs it with npm; install Node.js and npm "
                      "(Debian and Ubuntu: apt-get install npm) and run it again")
    return path


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        """Say nothing."""


class Server:
    """The files of a folder, on loopback."""

    def __init__(self, folder: Path):
        self.http = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
        self.address = f"http://127.0.0.1:{self.http.server_port}/"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def close(self):
        """Stop."""
        self.http.shutdown()
        self.http.server_close()
