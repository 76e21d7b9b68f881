"""``python -m typeset.one FILE``: draw the double-struck one, which KaTeX's fonts lack.

The file is a font with one glyph, at the place of the digit; ``typeset.css`` adds it to the family
that KaTeX takes double-struck letters from.
"""

import sys
from pathlib import Path

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

from .katex import ONE_HEIGHT, ONE_WIDTH

TOP = round(1000 * ONE_HEIGHT)
OUTLINE = [(90, 0), (90, 40), (215, 40), (215, 600), (90, 545), (90, 590), (250, TOP), (360, TOP),
           (360, 40), (470, 40), (470, 0)]
INSIDE = [(250, 40), (325, 40), (325, 640), (260, 640), (250, 634)]


def draw(path: Path) -> None:
    """Write the font; the same bytes each time."""
    pen = TTGlyphPen(None)
    for outline in (OUTLINE, INSIDE):
        pen.moveTo(outline[0])
        for point in outline[1:]:
            pen.lineTo(point)
        pen.closePath()
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder([".notdef", "one"])
    font.setupCharacterMap({ord("1"): "one"})
    font.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "one": pen.glyph()})
    font.setupHorizontalMetrics({".notdef": (500, 0), "one": (round(1000 * ONE_WIDTH), 90)})
    font.setupHorizontalHeader(ascent=800, descent=-200)
    font.setupNameTable({"familyName": "FullMarks One", "styleName": "Regular"})
    font.setupOS2(sTypoAscender=800, sTypoDescender=-200, usWinAscent=800, usWinDescent=200)
    font.setupPost()
    font.updateHead(created=0, modified=0)
    font.font.recalcTimestamp = False
    font.font.flavor = "woff"
    font.save(path)


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
