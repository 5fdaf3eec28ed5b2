#!/usr/bin/env python3
"""Makes the fonts in this directory from the full ones.

    pip install fonttools brotli uharfbuzz
    python3 assets/fonts/subset.py DIR [DIR ...]

Each DIR is searched, with its subdirectories, for the files named in `FONTS`; Debian's packages
fonts-inter and fonts-jetbrains-mono have them all. The result lands next to this script and is
the same, byte for byte, for the same input and fonttools version.

What is done to a font, and why:

* Only the characters in `RANGES` stay, and hinting goes: the page that carries the fonts stays small.
* Digits are tabular by default. The text stack cannot be relied on to switch `tnum` on (egui does
  not apply features), and a counter whose digits differ in width jitters. So the character map
  points at the glyphs that `tnum` would choose, and their advances are made exactly equal: in the
  Inter that Debian ships they differ by a few units, and in Inter Display Bold by 15 %.
* `calt` is replaced. Inter's own raises signs next to digits, capitals and arrows, which makes "3x",
  "A-B" and "->" look different from what was typed. One rule of it is worth having: a colon
  between two digits is centred on the digits. U+2236 (ratio) always gives the centred colon, for a
  text stack that applies no features at all.
* Kerning, mark positions and local forms stay.
* What stands for a character that is in no font is a slim box. Inter's own is an em wide, twice as
  wide as the letters it stands for, so that a name would run out of its place.
"""

import sys
from pathlib import Path

import brotli
import uharfbuzz
from fontTools import subset
from fontTools.otlLib import builder
from fontTools.pens.basePen import NullPen
from fontTools.pens.t2CharStringPen import T2CharStringPen
from fontTools.pens.transformPen import TransformPen
from fontTools.ttLib import TTFont
from fontTools.ttLib.tables import otTables

FONTS = [
    "Inter-Medium.otf",
    "Inter-SemiBold.otf",
    "Inter-Bold.otf",
    "InterDisplay-Bold.otf",
    "JetBrainsMono-Regular.ttf",
]

RANGES = [
    (0x0020, 0x007E),  # Basic Latin
    (0x00A0, 0x00FF),  # Latin-1: × ÷ · ° ± ² ³
    (0x0100, 0x024F),  # Latin Extended-A and B
    (0x0300, 0x036F),  # combining marks
    (0x0370, 0x03FF),  # Greek
    (0x0400, 0x052F),  # Cyrillic
    (0x2000, 0x206F),  # general punctuation: – — … • and the spaces
    (0x2070, 0x209F),  # superscripts and subscripts
    (0x20A0, 0x20CF),  # currency
    (0x2100, 0x218F),  # letterlike, number forms
    (0x2190, 0x21FF),  # arrows
    (0x2200, 0x22FF),  # mathematics: ≥ ≤ − ≈ ≠ ∞
    (0x2300, 0x23FF),  # keys: ⌘ ⌥ ⌫
    (0x25A0, 0x27BF),  # ● ▲ ▼ ✓ ✗
]

FEATURES = ["calt", "ccmp", "kern", "locl", "mark", "mkmk"]

DIGITS = "0123456789"
RATIO = 0x2236
FIGURE_SPACE = 0x2007
PUNCTUATION_SPACE = 0x2008


def substitutions(font, tag):
    """What the single substitutions of feature `tag` do: glyph name → glyph name."""
    gsub = font["GSUB"].table
    mapping = {}
    for record in gsub.FeatureList.FeatureRecord:
        if record.FeatureTag != tag:
            continue
        for index in record.Feature.LookupListIndex:
            for subtable in gsub.LookupList.Lookup[index].SubTable:
                subtable = getattr(subtable, "ExtSubTable", subtable)
                mapping.update(getattr(subtable, "mapping", {}))
    return mapping


def map_character(font, codepoint, glyph):
    for table in font["cmap"].tables:
        if table.isUnicode() and table.format != 14:
            table.cmap[codepoint] = glyph


def centre_colon_between_digits(font, digits, colon, centred):
    """Makes one rule the whole of `calt`: digit colon digit → digit centred-colon digit."""
    gsub = font["GSUB"].table
    glyphs = font.getReverseGlyphMap()
    single = builder.buildLookup([builder.buildSingleSubstSubtable({colon: centred})])

    rule = otTables.ChainContextSubst()
    rule.Format = 3
    rule.BacktrackCoverage = [builder.buildCoverage(digits, glyphs)]
    rule.InputCoverage = [builder.buildCoverage([colon], glyphs)]
    rule.LookAheadCoverage = [builder.buildCoverage(digits, glyphs)]
    rule.BacktrackGlyphCount = rule.InputGlyphCount = rule.LookAheadGlyphCount = 1
    use = otTables.SubstLookupRecord()
    use.SequenceIndex = 0
    use.LookupListIndex = len(gsub.LookupList.Lookup)
    rule.SubstLookupRecord = [use]
    rule.SubstCount = 1

    gsub.LookupList.Lookup += [single, builder.buildLookup([rule])]
    gsub.LookupList.LookupCount = len(gsub.LookupList.Lookup)
    records = [r for r in gsub.FeatureList.FeatureRecord if r.FeatureTag == "calt"]
    assert records, "no calt feature whose place the rule could take"
    for record in records:
        record.Feature.LookupListIndex = [use.LookupListIndex + 1]
        record.Feature.LookupCount = 1


def drop_feature(font, tag):
    for record in font["GSUB"].table.FeatureList.FeatureRecord:
        if record.FeatureTag == tag:
            record.Feature.LookupListIndex = []
            record.Feature.LookupCount = 0


def set_advance(font, glyph, advance):
    """Gives a glyph this advance, with its outline centred as it was."""
    old, _ = font["hmtx"][glyph]
    if old == advance:
        return
    shift = round((advance - old) / 2)
    top = font["CFF "].cff.topDictIndex[0]
    strings = top.CharStrings
    private = strings[glyph].private
    pen = T2CharStringPen(advance - private.nominalWidthX, None)
    font.getGlyphSet()[glyph].draw(TransformPen(pen, (1, 0, 0, 1, shift, 0)))
    strings[glyph] = pen.getCharString(private, strings.globalSubrs)
    bearing = font["hmtx"][glyph][1]
    font["hmtx"][glyph] = (advance, bearing + shift if bearing else 0)


def draw_slim_box(font):
    """Makes `.notdef` a hollow box of capital height, 0.6 em wide."""
    em, top_edge = font["head"].unitsPerEm, font["OS/2"].sCapHeight
    advance, margin, stroke = round(0.6 * em), round(0.07 * em), round(0.05 * em)
    strings = font["CFF "].cff.topDictIndex[0].CharStrings
    private = strings[".notdef"].private
    pen = T2CharStringPen(advance - private.nominalWidthX, None)
    outer = (margin, 0, advance - margin, top_edge)
    inner = (outer[0] + stroke, stroke, outer[2] - stroke, top_edge - stroke)
    for (left, bottom, right, top), clockwise in ((outer, False), (inner, True)):
        corners = [(left, bottom), (right, bottom), (right, top), (left, top)]
        corners = [corners[0], *reversed(corners[1:])] if clockwise else corners
        pen.moveTo(corners[0])
        for corner in corners[1:]:
            pen.lineTo(corner)
        pen.closePath()
    strings[".notdef"] = pen.getCharString(private, strings.globalSubrs)
    font["hmtx"][".notdef"] = (advance, margin)


def make(source, target):
    font = TTFont(source, recalcTimestamp=False)
    characters = dict(font.getBestCmap())
    tabular = substitutions(font, "tnum")

    if tabular:
        for codepoint, glyph in characters.items():
            if glyph in tabular:
                map_character(font, codepoint, tabular[glyph])
        case = substitutions(font, "case")
        colon = tabular[characters[ord(":")]]
        centred = case.get(colon) or case[characters[ord(":")]]
        map_character(font, RATIO, centred)
        digits = [tabular[characters[ord(d)]] for d in DIGITS]
        centre_colon_between_digits(font, digits, colon, centred)
    else:
        drop_feature(font, "calt")  # the code ligatures

    options = subset.Options()
    options.layout_features = FEATURES
    options.hinting = False
    options.desubroutinize = True
    options.name_IDs = ["*"]
    options.name_languages = ["*"]
    options.notdef_outline = True
    options.glyph_names = False
    options.drop_tables += ["DSIG", "GlyphOrder"]
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=[c for first, last in RANGES for c in range(first, last + 1)])
    subsetter.subset(font)

    characters = font.getBestCmap()
    if tabular:
        # As wide as the widest needs: nothing is squeezed, and the glyphs are only moved.
        digits = [characters[ord(d)] for d in DIGITS]
        advance = max(font["hmtx"][glyph][0] for glyph in digits)
        spaced = [characters[ord(c)] for c in ":.,;"] + [characters[RATIO]]
        point = font["hmtx"][characters[ord(".")]][0]
        for glyph in digits + [characters[FIGURE_SPACE]]:
            set_advance(font, glyph, advance)
        for glyph in spaced + [characters[PUNCTUATION_SPACE]]:
            set_advance(font, glyph, point)

    if "CFF " in font:
        draw_slim_box(font)
    font.save(target)


def shape(face, text):
    buffer = uharfbuzz.Buffer()
    buffer.add_str(text)
    buffer.guess_segment_properties()
    uharfbuzz.shape(uharfbuzz.Font(face), buffer)
    return [position.x_advance for position in buffer.glyph_positions]


def check(path):
    """Loads the result and shapes numbers with it as a text stack would."""
    font = TTFont(path)
    characters = font.getBestCmap()
    for glyph in font.getGlyphOrder():
        font.getGlyphSet()[glyph].draw(NullPen())
    advances = {font["hmtx"][characters[ord(d)]][0] for d in DIGITS}
    assert len(advances) == 1, f"{path.name}: digits have the advances {sorted(advances)}"
    box = font["hmtx"][".notdef"][0] / font["head"].unitsPerEm
    assert abs(box - 0.6) < 0.001, f"{path.name}: the box is {box} em wide"

    face = uharfbuzz.Face(uharfbuzz.Blob.from_file_path(str(path)))
    for sign in ["", ":", ".", ",", "\u2236", "%", "×", "–", "−", " "]:
        widths = {sum(shape(face, f"{a}{sign}{b}")) for a in DIGITS for b in DIGITS}
        assert len(widths) == 1, f"{path.name}: numbers around {sign!r} have the widths {sorted(widths)}"
    wanted = "←→↑↓↻×÷≥≤−…–—•·✓✗€°²³"
    lacking = "".join(c for c in wanted if ord(c) not in characters)
    return advances.pop(), len(characters), lacking


def main():
    directories = [Path(a) for a in sys.argv[1:]]
    if not directories:
        sys.exit(__doc__)
    here = Path(__file__).resolve().parent
    print("| file | raw | brotli | characters | digit advance | lacks |")
    print("| --- | ---: | ---: | ---: | ---: | --- |")
    for name in FONTS:
        found = sorted(path for directory in directories for path in directory.rglob(name))
        if not found:
            sys.exit(f"{name} is in none of: {', '.join(map(str, directories))}")
        target = here / name
        make(found[0], target)
        advance, characters, lacking = check(target)
        raw = target.read_bytes()
        small = len(brotli.compress(raw, quality=11))
        print(f"| {name} | {len(raw)} | {small} | {characters} | {advance} | {lacking} |")


if __name__ == "__main__":
    main()
