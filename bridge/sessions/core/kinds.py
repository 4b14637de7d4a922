"""The kinds of what stems or a copy do not have as the DAW has it: one list and one wording for all formats.

A reader names a kind and fills in the details: `Kind.PLUGIN("ReaEQ")` is the phrase "plug-in ReaEQ". What the model
holds (mutes, faders of groups, polarity) is not noted by readers: :mod:`..stems.planning` says it, from the model.
"""

from __future__ import annotations

import math
from enum import Enum


class Kind(Enum):
    """A kind; its value is the phrase, with a place for each detail."""

    # The track or group itself, from the model.
    NO_AUDIO = "no audio, so no stem"
    NOT_PLAYED = "{} in the session"
    LEFT_OUT = "{} in the session, so it is left out"
    SILENT_STEM = "{}, so its stem is silent"
    FROZEN = "frozen in the DAW, so its stem has its plug-ins in it"
    RETURN_AUDIO = "a return of an earlier mix, rendered, so no stem unless it is named"
    SOLO = "its solo: all tracks are rendered"
    POLARITY = "its polarity is inverted in the session, not in the raw stem"
    GROUP_FADER = "the {}'s fader at {} is not in the raw stems"
    GROUP_PAN = "the {}'s pan at {} is not in the raw stems"
    GROUP_POLARITY = "the {}'s polarity is inverted in the session, not in the raw stems"
    GROUP_AUTOMATION = "the {}'s {} automation is not in the raw stems"

    # Signal flow that is not rendered.
    SEND = "send to {}"
    RECEIVE = "receive from {}"
    SIDE_CHAIN = "side-chain key from {}"
    HARDWARE = "hardware output {}"
    INSERT = "insert {}"
    WIDTH = "stereo width of {}"
    PANNER = "its panner"
    DUAL_PAN = "dual pan"
    CHANNEL_POLARITY = "polarity of single channels"
    PLUGIN = "plug-in {}"
    MASTER_PLUGIN = "plug-in {} on the master"
    TRACK_OFF = "the track is switched off in the DAW"

    # Changes over time that are not rendered.
    AUTOMATION_ITEM = "automation items of its {} envelope"
    MUTE_AUTOMATION = "mute automation"
    WIDTH_AUTOMATION = "width automation"
    DUAL_PAN_AUTOMATION = "dual pan automation"
    AUTOMATION = "automation of {}"
    AUTOMATION_OF_PLUGIN = "automation of plug-in {}"
    AUTOMATION_OF_SEND = "automation of a send"
    ENVELOPE = "{} envelope before the plug-ins"
    TRIM_ENVELOPE = "trim envelope"

    # Clips that are muted, not, or not wholly, rendered.
    MUTED_CLIPS = "{} muted clip{} left out"
    MIDI = "MIDI"
    VIDEO = "video"
    OFFLINE = "media that is offline"
    NESTED_PROJECT = "a project in the project"
    UNKNOWN_SOURCE = "a source of kind {}"
    UNKNOWN_ELEMENT = "<{}>, which mixbridge does not know"
    NO_TRACK = "audio that is on no track"
    COMPOUND = "a compound of other regions"
    LAUNCHER = "clips of the launcher: the arrangement alone is rendered"
    OTHER_TAKES = "{} other take{}"
    ALL_TAKES = "{} other take{}, played by the DAW, too"
    OTHER_PLAYLIST = "playlist {}, which is not the active one"
    TIME_STRETCH = "play rate {} with its pitch kept; rendered like a tape, with the pitch changed"
    PITCH_SHIFT = "pitch shift of {} semitones"
    STRETCH_MARKERS = "stretch markers"
    STRETCHED_CLIPS = "time-stretch of several clips at once: they play at their own speed"
    RAW_WARPS = "warp markers, as the clip is set to play raw"
    BACKWARD_WARPS = "warp markers that no recording can follow: the clip is left out"
    CLIP_PAN = "pan of the item"
    CLIP_AUTOMATION = "{} envelope"
    CLIP_EFFECTS = "effects of the region"
    CHANNEL_GAIN = "channels of different gain"
    FADE_SHAPE = "a fade of a shape that is not known, taken for a line"
    OUTSIDE_SECTION = "silence outside its section"
    CHANNEL_MODE = "channel mode {}, which is not known; all channels are taken"
    NO_CHANNEL = "channel {} of its file, which has {}: silent"
    TOO_WIDE = "{} channels, of which the first two are taken"
    FILE_ENDS = "its file ends {} s before the clip does"

    # The session.
    PLAY_RATE = "the project's play rate of {}"
    PLAY_RATE_AUTOMATION = "automation of the project's play rate"
    PLAY_OFFSET = "playback offset of {} {}, which begins before the session does"
    TIME_STAMPS = "time stamps, as they fit together badly: all begin at 0"
    OLDER_VERSIONS = "{} older version{} of the project in the file: the newest is read"

    def __call__(self, *details: object) -> Phrase:
        """Return the phrase with its details."""
        return Phrase(self, self.value.format(*details))


class Phrase(str):
    """What is said, with the kind that it is of."""

    __slots__ = ("kind",)
    kind: Kind

    def __new__(cls, kind: Kind, words: str) -> Phrase:
        """Make a phrase of words."""
        phrase = super().__new__(cls, words)
        phrase.kind = kind
        return phrase

    def __reduce__(self) -> tuple[type[Phrase], tuple[Kind, str]]:
        """Pickle both."""
        return Phrase, (self.kind, str(self))


def level(gain_db: float) -> str:
    """Write a level as phrases have it: "-20.0 dB"."""
    return "silence" if gain_db == -math.inf else f"{gain_db:+.1f} dB"


def side(pan: float) -> str:
    """Write a pan as phrases have it: "50 % left"."""
    return "the centre" if abs(pan) < 0.005 else f"{abs(pan):.0%} {'left' if pan < 0 else 'right'}".replace("%", " %")
