"""Genres as tables: tempo, harmony, drum patterns and the band, for :mod:`.compose`.

Drum patterns are a bar of sixteen steps: X loud, x normal, o soft, a dot rests. Layers name a player of
:mod:`.players`, the programs it may play, the lowest key of its register and the energy from which it joins in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

MAJOR = (0, 2, 4, 5, 7, 9, 11)
MINOR = (0, 2, 3, 5, 7, 8, 10)
DORIAN = (0, 2, 3, 5, 7, 9, 10)


@dataclass(frozen=True)
class Layer:
    """One player of a band.

    Attributes:
        name: of the part.
        programs: General MIDI programs to choose from.
        player: key of `players.PLAYERS`.
        low: lowest MIDI key of its register.
        energy: of a section, 0 to 1, from which it plays.
    """

    name: str
    programs: tuple[int, ...]
    player: str
    low: int
    energy: float


@dataclass(frozen=True)
class Groove:
    """The drums; one pattern of each tuple is drawn for a song.

    Attributes:
        kick: patterns.
        snare: patterns.
        hats: patterns.
        snare_key: keys of the drum channel for the backbeat.
        hat_key: keys for the time keeper (42 closed hat, 51 ride).
        percussion: (key, pattern) of hand percussion, each used by chance.
    """

    kick: tuple[str, ...]
    snare: tuple[str, ...]
    hats: tuple[str, ...]
    snare_key: tuple[int, ...] = (38, 40)
    hat_key: tuple[int, ...] = (42,)
    percussion: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class Genre:
    """What a song of this genre is made of.

    Attributes:
        tempo_bpm: slowest and fastest.
        scales: to choose from.
        progressions: of scale degrees, 0 the tonic, one a bar.
        groove: the drums; None without drums.
        layers: the band.
        swing: delay of every second sixteenth, in sixteenths.
        sevenths: chords have four notes.
        tight: programmed rather than played.
        sung: a voice may sing.
        sampled_drums: chance of each style of `drums.KITS` in place of a sound font's kit.
    """

    tempo_bpm: tuple[int, int]
    scales: tuple[tuple[int, ...], ...]
    progressions: tuple[tuple[int, ...], ...]
    groove: Groove | None
    layers: tuple[Layer, ...]
    swing: float = 0.0
    sevenths: bool = False
    tight: bool = False
    sung: bool = True
    sampled_drums: Mapping[str, float] = field(default_factory=lambda: {"acoustic": 0.15})


_BRIGHT = ((0, 4, 5, 3), (0, 5, 3, 4), (0, 3, 4, 3), (5, 3, 0, 4), (0, 2, 3, 4), (0, 3, 1, 4), (3, 0, 4, 5))
_DARK = ((0, 5, 2, 6), (0, 6, 5, 6), (0, 3, 5, 4), (0, 5, 3, 4), (0, 2, 6, 3), (0, 0, 5, 6), (5, 6, 0, 0))
_TURNS = ((1, 4, 0, 5), (0, 5, 1, 4), (2, 5, 1, 4), (0, 3, 2, 5), (1, 4, 2, 5))
_VAMPS = ((0, 0, 3, 3), (0, 3, 0, 4), (0, 0, 0, 3), (0, 6, 3, 0))
_BACKBEAT = ("....X.......X...", "....X..o....X..o", "....X..o.o..X...")
_EIGHTHS = ("X.x.X.x.X.x.X.x.", "x.x.x.x.x.x.x.xx")
_SIXTEENTHS = ("XoxoXoxoXoxoXoxo", "XxxxXxxxXxxxXxxx")
_FOUR = ("X...X...X...X...",)
_MACHINE = {"machine": 0.45, "club": 0.4}

_ROCK = Groove(
    ("X.......x.x.....", "X.....x.x.......", "X..x....x.x..x.."),
    _BACKBEAT,
    (*_EIGHTHS, "X...X...X...X..."),
    hat_key=(42, 42, 46, 51),
    percussion=((54, "....x.......x..."),),
)
_DANCE = Groove(
    _FOUR,
    ("....X.......X...",),
    ("..X...X...X...X.", "xoXoxoXoxoXoxoXo"),
    (38, 39, 40),
    percussion=((70, "x.xxx.xxx.xxx.xx"), (56, "..x...x...x..x..")),
)
_POP = Groove(
    ("X.....x.X.......", "X..x..x.X.......", "X...X...X...X..."),
    _BACKBEAT,
    (*_EIGHTHS, *_SIXTEENTHS),
    percussion=((54, "..x...x...x...x."), (70, "xxxxxxxxxxxxxxxx")),
)
_SLOW = Groove(
    ("X.........x.....", "X.......x.......", "X......xx......."),
    ("........X.......", "....X.......X..."),
    ("x...x...x...x...", "x.o.x.o.x.o.x.o."),
    (38, 37),
    (42, 51),
)

GENRES: Mapping[str, Genre] = {
    "rock": Genre((96, 152), (MINOR, MAJOR), (*_DARK, *_BRIGHT), _ROCK, (
        Layer("bass", (33, 34), "bass_eighths", 28, 0.5), Layer("rhythm_guitar", (29, 30), "power", 40, 0.55),
        Layer("second_guitar", (29, 30, 27), "power", 40, 0.8), Layer("clean_guitar", (27, 28), "picked", 52, 0.3),
        Layer("organ", (16, 18), "pad", 55, 0.6), Layer("lead_guitar", (30, 29), "lead", 62, 0.8),
        Layer("piano", (0, 1), "comp", 52, 0.7))),
    "metal": Genre((120, 190), (MINOR,), _DARK, Groove(
        ("X.XxX.XxX.XxX.Xx", "XxX.XxX.XxX.XxX.", "X.x.X.xxX.x.X.xx"), ("....X.......X...", "........X......."),
        ("X...X...X...X...", "X.x.X.x.X.x.X.x."), hat_key=(42, 46, 51)), (
        Layer("bass", (34, 33), "bass_kick", 28, 0.5), Layer("guitar_left", (30,), "chug", 40, 0.4),
        Layer("guitar_right", (30, 29), "chug", 40, 0.5), Layer("lead_guitar", (30,), "lead", 64, 0.8),
        Layer("strings", (48, 50), "pad", 55, 0.7), Layer("choir", (52,), "pad", 60, 0.9),
        Layer("harmony_guitar", (30, 29), "counter", 60, 0.9))),
    "pop": Genre((92, 128), (MAJOR,), _BRIGHT, _POP, (
        Layer("bass", (33, 38), "bass_eighths", 28, 0.55), Layer("piano", (0, 1, 4), "comp", 55, 0.3),
        Layer("guitar", (25, 27), "strum", 48, 0.5), Layer("pad", (48, 50, 89), "pad", 55, 0.4),
        Layer("synth", (81, 80), "arpeggio", 64, 0.7), Layer("strings", (48,), "counter", 64, 0.8),
        Layer("bells", (9, 11, 98), "picked", 72, 0.85)), sampled_drums={"acoustic": 0.2, "machine": 0.25}),
    "ballad": Genre((58, 84), (MAJOR,), _BRIGHT, _SLOW, (
        Layer("bass", (32, 33, 35), "bass_long", 28, 0.5), Layer("piano", (0, 1), "picked", 52, 0.2),
        Layer("acoustic_guitar", (24, 25), "strum", 48, 0.55), Layer("strings", (48, 49), "pad", 55, 0.6),
        Layer("flute", (68, 73, 71), "counter", 67, 0.7), Layer("choir", (52,), "pad", 60, 0.9),
        Layer("cello", (42,), "counter", 45, 0.6))),
    "funk": Genre((92, 118), (DORIAN,), _VAMPS, Groove(
        ("X..x..x...x..x..", "X.x....x..x..x..", "X..o..x.x.x....."), ("....X..o.o..X..o", "....X..x.x..X..x"),
        _SIXTEENTHS, percussion=((63, "x..xx.x.x..xx.x."), (54, "....x.......x..."))), (
        Layer("bass", (36, 37, 33), "bass_funk", 28, 0.3), Layer("guitar", (28, 27), "skank", 55, 0.4),
        Layer("clavinet", (7,), "sixteenths", 48, 0.6), Layer("brass", (61, 62), "stabs", 60, 0.7),
        Layer("electric_piano", (4, 5), "pad", 52, 0.5), Layer("sax", (65, 66), "lead", 58, 0.85),
        Layer("trumpet", (56,), "stabs", 64, 0.9)), swing=0.12, sevenths=True),
    "disco": Genre((110, 128), (MINOR, DORIAN), _DARK, _DANCE, (
        Layer("bass", (33, 38), "bass_octaves", 28, 0.4), Layer("guitar", (27,), "skank", 55, 0.45),
        Layer("strings", (48, 50), "counter", 64, 0.7), Layer("piano", (0, 4), "comp", 52, 0.5),
        Layer("brass", (61,), "stabs", 60, 0.8), Layer("synth", (81,), "arpeggio", 60, 0.7)),
        sampled_drums={"acoustic": 0.2, "club": 0.3}),
    "house": Genre((118, 130), (MINOR,), (*_DARK, *_VAMPS), _DANCE, (
        Layer("bass", (38, 39), "bass_offbeat", 28, 0.5), Layer("piano", (1, 0), "stabs", 55, 0.6),
        Layer("pad", (89, 90, 50), "pad", 55, 0.3), Layer("synth", (80, 81), "arpeggio", 60, 0.7),
        Layer("pluck", (87, 84), "picked", 67, 0.45), Layer("voices", (91, 54), "pad", 62, 0.8)),
        sevenths=True, tight=True, sampled_drums={"club": 0.75, "machine": 0.15}),
    "hiphop": Genre((74, 98), (MINOR, DORIAN), (*_DARK, *_VAMPS), Groove(
        ("X..x......xx....", "X.....x..xX.....", "X..x..x...x....."), ("....X.......X...", "....X..o....X.o."),
        ("X.x.X.xxX.x.X.x.", "x.xxx.x.x.xxxxx.", "X.X.X.X.X.X.XxXx"), (38, 39, 40),
        percussion=((70, "..x...x...x...x."),)), (
        Layer("bass", (38, 33, 39), "bass_long", 28, 0.45), Layer("electric_piano", (4, 5), "comp", 52, 0.3),
        Layer("pluck", (12, 11, 46), "picked", 64, 0.4), Layer("strings", (48, 44), "pad", 55, 0.7),
        Layer("brass", (61,), "stabs", 58, 0.85), Layer("flute", (73, 77), "counter", 70, 0.7)),
        swing=0.2, sevenths=True, tight=True, sampled_drums={"machine": 0.6, "club": 0.15, "acoustic": 0.1}),
    "reggae": Genre((66, 92), (MAJOR, MINOR), (*_BRIGHT, *_VAMPS), Groove(
        ("........X.......", "X.......X.......", "X...X...X...X..."), ("........X.......", "........X..o...."),
        ("x.X.x.X.x.X.x.Xo", "..X...X...X...X."), (37, 38), percussion=((63, "..x..xx...x..xx."),)), (
        Layer("bass", (33, 32), "bass_reggae", 28, 0.3), Layer("guitar", (27, 28), "offbeat", 55, 0.4),
        Layer("organ", (16, 17), "bubble", 52, 0.5), Layer("brass", (57, 61), "stabs", 58, 0.8),
        Layer("piano", (0,), "offbeat", 57, 0.55), Layer("melodica", (66, 22), "counter", 64, 0.7)), swing=0.1),
    "latin": Genre((92, 126), (MINOR, MAJOR), (*_DARK, *_BRIGHT), Groove(
        ("X..x..x.X..x..x.", "X.....x.X.....x."), ("...o..x....o..x.", "......x.......x."),
        ("x.xxx.xxx.xxx.xx", "X.xoX.xoX.xoX.xo"), (37,), (42, 51),
        percussion=((75, "x..x..x...x.x..."), (63, "..x...xx..x...xx"), (82, "xoxoxoxoxoxoxoxo"))), (
        Layer("bass", (32, 33), "bass_tumbao", 28, 0.4), Layer("piano", (0,), "montuno", 57, 0.5),
        Layer("guitar", (24,), "strum", 48, 0.3), Layer("brass", (61, 56), "stabs", 60, 0.75),
        Layer("flute", (73,), "counter", 70, 0.7), Layer("strings", (48,), "pad", 55, 0.8))),
    "jazz": Genre((96, 176), (MAJOR, DORIAN), _TURNS, Groove(
        ("o.......o.......", "x.......x.....o."), ("......o.......o.", ".......o..o....."), ("X...X..xX...X..x",),
        hat_key=(51,)), (
        Layer("bass", (32,), "bass_walk", 28, 0.3), Layer("piano", (0, 4), "comp", 54, 0.4),
        Layer("guitar", (26,), "offbeat", 52, 0.6), Layer("sax", (66, 65, 56), "lead", 58, 0.6),
        Layer("vibraphone", (11,), "counter", 62, 0.7), Layer("trombone", (57,), "counter", 50, 0.9)),
        swing=0.33, sevenths=True),
    "country": Genre((88, 144), (MAJOR,), _BRIGHT, Groove(
        ("X.......X.......", "X.......X.x....."), ("....x.......x...", "..x.X.x...x.X.xx"), _EIGHTHS, (38, 37)), (
        Layer("bass", (32, 33), "bass_two", 28, 0.4), Layer("acoustic_guitar", (25,), "strum", 48, 0.2),
        Layer("electric_guitar", (27,), "picked", 55, 0.55), Layer("fiddle", (40, 110), "counter", 67, 0.7),
        Layer("piano", (0, 3), "comp", 55, 0.65), Layer("steel", (26,), "pad", 60, 0.75),
        Layer("banjo", (105,), "arpeggio", 60, 0.8)), swing=0.05),
    "synthwave": Genre((84, 118), (MINOR,), _DARK, Groove(
        ("X...X...X...X...", "X.....X.X......."), ("....X.......X...",), ("xxx.xxx.xxx.xxx.", "x.x.x.x.x.x.x.x."),
        (38, 40)), (
        Layer("bass", (38, 39), "bass_sixteenths", 28, 0.35), Layer("synth", (81, 90), "arpeggio", 60, 0.5),
        Layer("pad", (89, 95, 50), "pad", 52, 0.2), Layer("synth_brass", (62, 63), "stabs", 55, 0.7),
        Layer("lead", (80, 84), "lead", 64, 0.8), Layer("bell", (88, 98), "counter", 72, 0.75)),
        tight=True, sampled_drums=_MACHINE),
    "ambient": Genre((56, 84), (MAJOR, DORIAN), (*_BRIGHT, *_VAMPS), Groove(
        ("X...............", "x.........o....."), ("................", "........o......."), ("....o.......o...",)), (
        Layer("pad", (88, 89, 94, 95), "pad", 48, 0.0), Layer("second_pad", (91, 92, 49), "pad", 60, 0.4),
        Layer("piano", (0, 4, 8), "picked", 60, 0.35), Layer("strings", (48, 49), "counter", 60, 0.6),
        Layer("bass", (39, 32), "bass_long", 28, 0.5), Layer("bell", (14, 11, 98), "picked", 76, 0.6),
        Layer("atmosphere", (97, 99, 101), "pad", 55, 0.7)), tight=True, sampled_drums=_MACHINE),
    "dnb": Genre((160, 176), (MINOR,), (*_DARK, *_VAMPS), Groove(
        ("X.........x.....", "X.x.......x....."), ("....X..o.o..X...", "....X..x..o.X..o"),
        ("x.x.x.x.x.x.x.x.", *_SIXTEENTHS),
        percussion=((70, "xoxoxoxoxoxoxoxo"),)), (
        Layer("bass", (38, 39), "bass_offbeat", 28, 0.5), Layer("pad", (89, 95), "pad", 55, 0.2),
        Layer("electric_piano", (4, 5), "comp", 55, 0.45), Layer("synth", (81, 87), "arpeggio", 62, 0.7),
        Layer("strings", (50,), "counter", 64, 0.75), Layer("pluck", (84, 46), "picked", 67, 0.6)),
        tight=True, sampled_drums={"machine": 0.3, "acoustic": 0.3, "club": 0.2}),
    "soul": Genre((68, 112), (MAJOR, DORIAN), (*_TURNS, *_BRIGHT), Groove(
        ("X......xX.......", "X..x...xx.x....."), _BACKBEAT, _EIGHTHS, percussion=((54, "..x...x...x...x."),)), (
        Layer("bass", (33, 32), "bass_kick", 28, 0.4), Layer("electric_piano", (4, 5, 0), "comp", 52, 0.3),
        Layer("guitar", (27, 26), "offbeat", 57, 0.5), Layer("organ", (16, 17), "pad", 55, 0.6),
        Layer("brass", (61,), "stabs", 58, 0.75), Layer("sax", (65, 66), "counter", 58, 0.8),
        Layer("strings", (48,), "counter", 67, 0.9)), swing=0.15, sevenths=True),
    "folk": Genre((76, 124), (MAJOR, DORIAN), _BRIGHT, Groove(
        ("X.......x.......", "X...x...X...x..."), ("....o.......o...",), ("x...x...x...x...",), (37, 38),
        percussion=((54, "....x.......x..."), (70, "x.x.x.x.x.x.x.x."))), (
        Layer("acoustic_guitar", (25, 24), "picked", 50, 0.0), Layer("second_guitar", (24, 25), "strum", 48, 0.5),
        Layer("bass", (32,), "bass_two", 28, 0.5), Layer("fiddle", (40, 110), "counter", 67, 0.6),
        Layer("accordion", (21, 22), "pad", 57, 0.7), Layer("flute", (73, 74, 75), "lead", 67, 0.75),
        Layer("mandolin", (105, 15), "arpeggio", 64, 0.85))),
    "orchestral": Genre((66, 120), (MINOR, MAJOR), (*_DARK, *_BRIGHT), None, (
        Layer("violins", (48, 40), "counter", 67, 0.5), Layer("violas", (41, 48), "ostinato", 55, 0.4),
        Layer("cellos", (42, 48), "ostinato", 43, 0.2), Layer("basses", (43,), "bass_long", 28, 0.35),
        Layer("horns", (60,), "pad", 53, 0.6), Layer("trumpets", (56,), "stabs", 62, 0.85),
        Layer("trombones", (57,), "pad", 46, 0.8), Layer("flutes", (73, 72), "arpeggio", 72, 0.65),
        Layer("oboe", (68,), "lead", 64, 0.55), Layer("harp", (46,), "picked", 55, 0.3),
        Layer("timpani", (47,), "bass_kick", 36, 0.8), Layer("choir", (52,), "pad", 58, 0.9)), sung=False),
}  # fmt: skip
