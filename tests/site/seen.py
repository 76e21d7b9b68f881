"""Formulas as they are seen: the marks of one on the site, on paper and in a reader.

A mark is a piece of ink that hangs together. Its place and size are those of its box, in em from
the middle of the whole formula, so a line above is told from one below, and a bar that grows from
one that does not.
"""

import io
import re
import struct
import xml.etree.ElementTree as ET
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import typst
from formulas import mathml
from PIL import Image
from press import epub
from scipy import ndimage
from scipy.optimize import linear_sum_assignment
from typeset import compact
from typeset.katex import render

STATIC = Path(compact.__file__).parent / "static"
EM = 48  # dots
AT_ONCE = 150
UP, ACROSS = 0.25, 0.3
FAR = (0, 1, 2)  # dots on each side
FONT = "NewCMMath-Regular"


class Seen(NamedTuple):
    """What is seen of a formula: its ink in square em, and its marks as boxes, by how far ink may
    be apart and still be one mark, and how many holes the ink has."""

    ink: float
    marks: list[np.ndarray]
    holes: int


def look(image: Image.Image) -> Seen:
    """The marks of a picture: left, top, right, bottom of each, in em from the middle."""
    ink = np.asarray(image.convert("L")) < 140
    found = []
    for far in FAR:
        thick = ndimage.binary_dilation(ink, iterations=far) if far else ink
        labels, _ = ndimage.label(thick, structure=np.ones((3, 3)))
        boxes = [(x.start, y.start, x.stop, y.stop) for y, x in ndimage.find_objects(labels)
                 if max(y.stop - y.start, x.stop - x.start) >= 3]
        boxes = np.array(boxes, dtype=float).reshape(-1, 4) / EM
        if len(boxes):
            low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
            boxes -= np.tile((low + high) / 2, 2)
        found.append(boxes)
    holes = ndimage.label(~np.pad(ink, 1))[1] - 1
    return Seen(ink.sum() / EM**2, found, holes)


def on_paper(folder: Path, formulas: list[str]) -> list[Seen]:
    """Marks of formulas that Typst sets."""
    lines = ['#set page(width: auto, height: auto, margin: 1em)',
             '#set text(font: "New Computer Modern", size: 10pt)']
    lines += [f"#page[#math.equation(block: true, ${text}$.body)]" for text in formulas]
    path = folder / "formulas.typ"
    path.write_text("\n".join(lines), encoding="utf-8")
    made = typst.compile(path, format="png", ppi=72 * EM / 10, ignore_system_fonts=True)
    made = made if isinstance(made, list) else [made]
    return [look(Image.open(io.BytesIO(page))) for page in made]


def in_browser(browser, folder: Path, head: str, formulas: list[str]) -> list[Seen]:
    """Marks of formulas that a browser shows."""
    found = []
    page = browser.new_page(viewport={"width": 1200, "height": 900}, device_scale_factor=EM / 16)
    for start in range(0, len(formulas), AT_ONCE):
        lines = "".join(f'<div class="one"><div>{one}</div></div>'
                        for one in formulas[start:start + AT_ONCE])
        style = (".one { display: inline-block; font-size: 16px; vertical-align: top; } "
                 ".one > div { display: inline-block; padding: 24px; max-width: 1100px; } "
                 ".one .katex { font-size: 16px; } "
                 ".katex-display { margin: 0; } math { font-family: reader; }")
        (folder / "page.html").write_text(
            f"<!doctype html><meta charset=utf-8>{head}<style>{style}</style>{lines}",
            encoding="utf-8")
        page.goto((folder / "page.html").as_uri())
        page.evaluate("Promise.all([...document.fonts].map((one) => one.load())).then(() => 0)")
        boxes = page.evaluate("[...document.querySelectorAll('.one > div')].map((one) => "
                              "{ const b = one.getBoundingClientRect(); "
                              "return [b.left, b.top, b.right, b.bottom]; })")
        whole = Image.open(io.BytesIO(page.screenshot(full_page=True)))
        found += [look(whole.crop([round(side * EM / 16) for side in box])) for box in boxes]
    page.close()
    return found


@cache
def font() -> bytes:
    """The font of formulas that Typst brings: a reader with it shows the shapes of the paper."""
    [library] = Path(typst.__file__).parent.glob("_typst*")
    content, at = library.read_bytes(), -1
    while (at := content.find(b"OTTO", at + 1)) >= 0:
        [count] = struct.unpack(">H", content[at + 4:at + 6])
        tables = [struct.unpack(">4s4xLL", content[at + 12 + 16 * k:at + 28 + 16 * k])
                  for k in range(count)]
        places = {tag: at + offset for tag, offset, _ in tables}
        if FONT.encode() in content[(start := places.get(b"CFF ", at)):start + 80]:
            return content[at:at + max(offset + length for _, offset, length in tables)]
    raise LookupError(f"Typst has no {FONT}")


def on_site(browser, folder: Path, formulas: list[str]) -> list[Seen]:
    """Marks of formulas on the site."""
    short = [compact.compact(render(tex, display=True)) for tex in formulas]
    names = {name for html in short for found in re.findall(r'class="([^"]*)"', html)
             for name in found.split()}
    (folder / "lengths.css").write_text(compact.sheet(names), encoding="utf-8")
    sheets = [STATIC / "katex" / "katex.min.css", STATIC / "typeset.css", folder / "lengths.css"]
    head = "".join(f'<link rel="stylesheet" href="{path.as_uri()}">' for path in sheets)
    return in_browser(browser, folder, head, short)


def in_reader(browser, folder: Path, formulas: list[str]) -> list[Seen]:
    """Marks of formulas in an EPUB."""
    shown = []
    for tex in formulas:
        node = mathml(tex)
        epub.show(node)
        shown.append(re.sub(r"(</?)\w+:", r"\1", ET.tostring(node, encoding="unicode")))
    (folder / "epub.css").write_text(epub.STYLE.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "reader.otf").write_bytes(font())
    head = (f'<link rel="stylesheet" href="{(folder / "epub.css").as_uri()}">'
            "<style>@font-face { font-family: reader; src: url(reader.otf); }</style>")
    return in_browser(browser, folder, head, shown)


def apart(one: Seen, other: Seen, heavy: float = 0.25, up: float = UP, touching: float = 0) -> str:
    """What differs between two forms of a formula, or nothing.

    Distances between signs are each form's own; their number, sizes, heights and weights are not.
    Marks may touch in one form and not in the other: they count alike where they do as soon as all
    are a little thicker. In long formulas a share of the marks may touch, if there is as much ink.
    """
    said = [_apart(a, b, up, touching) for a, b in zip(one.marks, other.marks, strict=True)]
    if all(said):
        return said[0]
    if abs(one.ink - other.ink) > heavy * max(one.ink, other.ink):
        return f"ink {one.ink:.2f} and {other.ink:.2f}"
    return ""


def _apart(one, other, allowed, touching):
    if len(one) != len(other):
        if abs(len(one) - len(other)) <= touching * max(len(one), len(other)):
            return ""
        return f"{len(one)} marks and {len(other)}"
    if not len(one):
        return ""
    far = np.abs(one[:, None, :] - other[None, :, :])
    cost = far[..., 1] + far[..., 3] + 0.3 * (far[..., 0] + far[..., 2])
    far = far[linear_sum_assignment(cost)]
    up, across = far[:, 1::2].max(), far[:, ::2].max()
    if up > allowed * max(np.ptp(one[:, 1::2]) / 2, 1):
        return f"a mark {up:.2f} em higher or lower"
    if across > ACROSS * max(np.ptp(one[:, ::2]), 1):
        return f"a mark {across:.2f} em to the side"
    return ""
