#!/usr/bin/env python3
"""Makes the page's fonts from the display's.

    pip install fonttools brotli
    python3 web/fonts/subset.py

The page draws the same letters as the display that takes its place, so it uses the same files.
It says little: Latin letters, digits and a few signs are enough, and a face is then a tenth as
large. Anything else falls back to the system's font. The result is the same, byte for byte, for
the same fonttools and brotli.
"""

from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

FACES = ["Inter-Medium", "Inter-SemiBold", "InterDisplay-Bold"]
CHARACTERS = [
    *range(0x0020, 0x007F),
    *range(0x00A0, 0x0100),
    *(0x2010, 0x2013, 0x2014, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2026),
    0x2236,  # the centred colon that the display puts between digits
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
