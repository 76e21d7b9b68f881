"""``python -m typeset.offline PAGES ZIP``: the built pages as a zip that opens without a server."""

import re
import sys
from pathlib import Path

from .notebooks import pack


def main(pages: Path, target: Path) -> int:
    """Pack the pages."""
    if not (pages / "index.html").is_file():
        print(f"no book in {pages}: build it first (make html)", file=sys.stderr)
        return 1
    # A browser counts a file as being from nowhere, so 'self' alone would let in nothing.
    files = {}
    for path in sorted(pages.rglob("*")):
        inside = path.relative_to(pages)
        # What starts with a dot is what a build keeps for the next one.
        apart = inside.parts[0] == "_sources" or inside.parts[0].startswith(".")
        if not path.is_file() or apart or path.name == target.name:
            continue
        content = path.read_bytes()
        if path.suffix == ".html":
            content = content.replace(b" 'self'", b" 'self' file:", POLICY_WORDS)
            content = re.sub(rb'<li><a href="%s">.*?</li>' % target.name.encode(), b"", content)
        files[f"{target.stem}/{inside.as_posix()}"] = content
    target.write_bytes(pack(files))
    return 0


# The sources of the policy that stand in the head of a page.
POLICY_WORDS = 8


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:3])))
