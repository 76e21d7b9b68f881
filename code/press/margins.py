"""Nothing stands in the margin: the pages of a PDF looked at, and what is there named."""

import io
import json
import re
from pathlib import Path

import typst
from PIL import Image

from .pages import PressError

SCALE = 36  # dots per inch
WHITE = 250
PLACE = re.compile(r"^// @(\S+)$\n(?=[#\w\\])", re.M)


def check(compiler: typst.Compiler, source: str, main: Path, margin: float) -> None:
    """Raise for the first page with something in its left or right margin.

    Parameters
    ----------
    compiler : typst.Compiler
        It has set the source once, so that it need not do it again.
    source : str
        Typst source.
    main : Path
        Where the source stands.
    margin : float
        Width of the margins in inches.

    Raises
    ------
    PressError
        With the place of the block that is wider than the page.
    """
    made = compiler.compile(format="png", ppi=SCALE)
    for number, page in enumerate(made if isinstance(made, list) else [made], 1):
        height = _ink(page, margin)
        if height is not None:
            place = _place(compiler, source, main, number, height)
            raise PressError(place, f"this is wider than the text, see page {number}")


def _ink(page: bytes, margin: float) -> float | None:
    """How far below the top of the page, in points, something stands in a margin."""
    image = Image.open(io.BytesIO(page)).convert("L")
    width, height = image.size
    border = int(margin * SCALE) - 1
    found = []
    for box in ((0, 0, border, height), (width - border, 0, width, height)):
        marked = image.crop(box).point(lambda value: 255 * (value < WHITE)).getbbox()
        if marked:
            found.append(marked[1] / SCALE * 72)
    return min(found) if found else None


def _place(compiler, source, main, number, height):
    """The last block that begins above a height of a page."""
    marked = PLACE.sub(r'#metadata("@\1")<place>\n', source)
    marked += ("\n#context [#metadata(query(<place>).map(it => {\n"
               "  let at = it.location().position()\n"
               "  (it.value, at.page, at.y / 1pt)\n}))<places>]\n")
    main.write_text(marked, encoding="utf-8")
    found = compiler.query("<places>", field="value", one=True)
    above = [name for name, page, y in json.loads(found) if (page, y) <= (number, height)]
    return above[-1].removeprefix("@")
