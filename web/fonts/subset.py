#!/usr/bin/env python3
"""Creates the page's fonts as subsets of the display's fonts.

    pip install fonttools brotli
    python3 web/fonts/subset.py

The page and the display must look alike, so both use the same fonts. The page's own texts need only
Latin letters, digits and a few signs, which makes a font file a tenth as large. Other characters use
a system font. The output is byte-identical for the same versions of fonttools and brotli.
"""

from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

FACES = ["Inter-Medium", "Inter-SemiBold", "InterDisplay-Bold"]
CHARACTERS = [
    *range(0x0020, 0x007F),
    *range(0x00A0, 0x0100),
    *(0x2010, 0x2013, 0x2014, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2026),
    0x2236,  # ratio sign: the centred colon that the display shows between digits
]

here = Path(__file__).resolve().parent
for face in FACES:
    font = TTFont(here.parents[1] / "assets" / "fonts" / f"{face}.otf", recalcTimestamp=False)
    options = subset.Options()
    options.flavor = "woff2"
    options.layout_features = ["calt", "ccmp", "kern", "mark"]
    options.hinting = False
    options.desubroutinize = True
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=CHARACTERS)
    subsetter.subset(font)
    target = here / f"{face}.woff2"
    font.flavor = "woff2"
    font.save(target)
    print(target.name, target.stat().st_size)
