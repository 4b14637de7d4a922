"""General MIDI as tables: names of the 128 programs, what role each plays in a mix, and which drum a key strikes.

Facts of the General MIDI Level 1 sound set; nothing here knows of sound fonts or audio.
"""

from __future__ import annotations

_PROGRAM_NAMES = """
acoustic grand piano|bright acoustic piano|electric grand piano|honky-tonk piano|electric piano 1|electric piano 2
harpsichord|clavinet|celesta|glockenspiel|music box|vibraphone|marimba|xylophone|tubular bells|dulcimer
drawbar organ|percussive organ|rock organ|church organ|reed organ|accordion|harmonica|tango accordion
nylon guitar|steel guitar|jazz guitar|clean guitar|muted guitar|overdriven guitar|distortion guitar|guitar harmonics
acoustic bass|fingered bass|picked bass|fretless bass|slap bass 1|slap bass 2|synth bass 1|synth bass 2
violin|viola|cello|contrabass|tremolo strings|pizzicato strings|harp|timpani
string ensemble 1|string ensemble 2|synth strings 1|synth strings 2|choir aahs|voice oohs|synth voice|orchestra hit
trumpet|trombone|tuba|muted trumpet|french horn|brass section|synth brass 1|synth brass 2
soprano sax|alto sax|tenor sax|baritone sax|oboe|english horn|bassoon|clarinet
piccolo|flute|recorder|pan flute|blown bottle|shakuhachi|whistle|ocarina
square lead|saw lead|calliope lead|chiff lead|charang lead|voice lead|fifths lead|bass and lead
new age pad|warm pad|polysynth pad|choir pad|bowed pad|metallic pad|halo pad|sweep pad
rain|soundtrack|crystal|atmosphere|brightness|goblins|echoes|sci-fi
sitar|banjo|shamisen|koto|kalimba|bagpipe|fiddle|shanai
tinkle bell|agogo|steel drums|woodblock|taiko drum|melodic tom|synth drum|reverse cymbal
fret noise|breath noise|seashore|bird tweet|telephone|helicopter|applause|gunshot
"""
PROGRAM_NAMES = tuple(name for line in _PROGRAM_NAMES.split("\n") for name in line.split("|") if name)

# First program of each run of equal roles; a run goes on to the next entry.
_ROLE_STARTS = {
    0: "keys", 22: "wind", 23: "keys", 24: "guitar", 32: "bass", 40: "strings", 47: "percussion", 48: "strings",
    52: "choir", 55: "other", 56: "brass", 64: "wind", 80: "lead", 88: "pad", 104: "guitar", 108: "keys",
    109: "wind", 110: "strings", 111: "wind", 112: "percussion", 120: "other",
}  # fmt: skip

DRUM_ROLES = ("kick", "snare", "hats", "toms", "cymbals", "percussion")
_DRUM_KEYS = {
    "kick": (35, 36),
    "snare": (37, 38, 39, 40),
    "hats": (42, 44, 46),
    "toms": (41, 43, 45, 47, 48, 50),
    "cymbals": (49, 51, 52, 53, 55, 57, 59),
}
_ROLE_OF_KEY = {key: role for role, keys in _DRUM_KEYS.items() for key in keys}

DRUM_KITS = {0: "standard kit", 8: "room kit", 16: "power kit", 24: "electronic kit", 25: "TR-808 kit", 32: "jazz kit",
             40: "brush kit"}  # fmt: skip


def role_of_program(program: int) -> str:
    """Gives the role of a melodic program, 0 to 127, in the words of a session's meta.json."""
    return _ROLE_STARTS[max(start for start in _ROLE_STARTS if start <= program)]


def role_of_drum(key: int) -> str:
    """Tells which microphone of a drum kit hears this key of the drum channel first."""
    return _ROLE_OF_KEY.get(key, "percussion")
