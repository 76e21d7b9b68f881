"""``python -m press pdf|epub|papers PAGES OUTPUT``: make the files from what the builder wrote."""

import argparse
import os
import sys
import time
from pathlib import Path

from . import epub, pages, pdf


def main() -> int:
    """Run a command; faults are printed with their place."""
    parser = argparse.ArgumentParser(prog="press", description=__doc__)
    parser.add_argument("what", choices=["pdf", "epub", "papers"])
    parser.add_argument("pages", type=Path, help="the folder that the builder wrote")
    parser.add_argument("output", type=Path, help="a file; of papers, a folder")
    parser.add_argument("--paper", default="a4", choices=["a4", "us-letter"])
    parser.add_argument("--lines", type=int, default=0, metavar="N",
                        help="leave N lines to write on below each question of a paper")
    given = parser.parse_args()
    try:
        book = pages.load(given.pages)
        if given.what == "pdf":
            pdf.compile(pdf.compose(book), given.pages, given.output, paper=given.paper)
        elif given.what == "papers":
            given.output.mkdir(parents=True, exist_ok=True)
            for kind in ("questions", "answers"):  # of papers that are gone, too
                for path in given.output.glob(f"*-{kind}.pdf"):
                    path.unlink()
            for page in pdf.papers(book):
                name = Path(page.name).name
                for kind, source in (("questions", pdf.questions(book, page)),
                                     ("answers", pdf.answers(book, page))):
                    pdf.compile(source, given.pages, given.output / f"{name}-{kind}.pdf",
                                paper=given.paper, lines=str(given.lines))
        else:
            epub.write(book, given.output, int(os.environ.get("SOURCE_DATE_EPOCH", time.time())))
    except (pages.PressError, ExceptionGroup) as error:
        for one in getattr(error, "exceptions", [error]):
            print(f"press: {one}", file=sys.stderr)
        return 1
    return 0


sys.exit(main())
