"""The guard rails as a table, and what is said where one held. How each is applied stands in :mod:`.guards`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ....presets.preset import Finding, Preset


@dataclass(frozen=True)
class Rule:
    """One guard rail.

    Attributes:
        name: for counts and files.
        limit_db: what may not be passed; in dB unless its row says otherwise.
        target_db: where it is brought to, if it was.
        message: for people; `who` is the track, `before` and `after` are in dB, `where` a list of frequencies.
    """

    name: str
    limit_db: float
    target_db: float
    message: str


NOT_A_NUMBER = Rule(
    "not a number", math.inf, 0.0, "{who}: {where} came out as no number and {is_are} at the usual value instead"
)
SILENT_BAND = Rule(
    "boost of silence",
    3.0,
    0.0,
    "{who}: no boost at {where}, where there is nothing but noise to bring up (it would have been {before:.0f} dB)",
)
SQUASHED = Rule(
    "squashed",
    10.0,
    8.0,
    "{who}: the compressor would have turned it down by {before:.0f} dB on average; "
    "eased to {after:.0f} dB at the same loudness",
)
LIFTED_NOISE = Rule(
    "noise lifted",
    5.0,
    4.5,
    "{who}: what is only noise in it would have been lifted by {before:.0f} dB against its rest; now {after:.0f} dB",
)
BURIED = Rule(
    "buried",
    -30.0,
    -24.0,
    "{who}: would have been {below:.0f} dB below the loudest of the other tracks; raised to {above:.0f} dB below",
)
REVERSED_TONE = Rule(
    "tone reversed",
    6.0,
    6.0,
    "{who}: lows and highs would have come out {before:.0f} dB further from the reference than with all tracks "
    "equally loud; kept {share:.0f} % of the settings",
)
SPIKY = Rule(
    "spiky",
    6.0,
    4.0,
    "{who}: its peaks would have made the mix {before:.0f} dB more peaky than the reference; "
    "compressed, at the same loudness, to {after:.0f} dB",
)
OFF_CENTRE = Rule(
    "off centre",
    0.1,  # of the way to one side
    0.0,
    "{who}: would have stood {share:.0f} % {side}; put into the middle, which carries the song",
)
LOW_BOOST = Rule(
    "boost of lows",
    1.0,
    0.0,
    "{who}: no boost of lows on a track of this kind ({role}), which has none to give (it would have been "
    "{before:.0f} dB)",
)
UNDER_THE_REST = Rule(
    "vocal under the rest",
    -9.0,
    -7.0,
    "{who}: would have been {below:.0f} LU below all else; raised to {above:.0f} LU below",
)
MASKED = Rule(
    "vocal masked",
    -9.0,
    -6.0,
    "{who}: between 1 and 4 kHz, where words are, would have been {below:.0f} dB below all else; "
    "raised to {above:.0f} dB below",
)
ROOM_FOR_WORDS = Rule(
    "room for words",
    MASKED.limit_db,
    -4.0,
    "{who}: {dip:.0f} dB less around 2 kHz, which makes room for the words of the lead vocal",
)
WIDE_LOWS = Rule(
    "lows in the sides",
    -12.0,
    -20.0,
    "{who}: its sides below 120 Hz would have been {before:.0f} dB against the middle; now {after:.0f} dB",
)
LEANING = Rule(
    "leaning",
    1.0,
    0.5,
    "{who}: would have been {before:.1f} LU louder on the {side}; evened by pans, now {after:.1f} LU",
)
RULES = (
    NOT_A_NUMBER,
    OFF_CENTRE,
    LOW_BOOST,
    SILENT_BAND,
    SQUASHED,
    LIFTED_NOISE,
    BURIED,
    UNDER_THE_REST,
    MASKED,
    ROOM_FOR_WORDS,
    WIDE_LOWS,
    LEANING,
    SPIKY,
    REVERSED_TONE,
)
"""Guard rails in the order in which they are applied."""


@dataclass(frozen=True)
class Guarded:
    """Settings that are safe, and what had to be changed for it.

    Attributes:
        preset: the settings.
        findings: what was put right; empty for nearly every prediction.
    """

    preset: Preset
    findings: tuple[Finding, ...] = ()


def finding(
    rule: Rule,
    track: str | None,
    before: float | None,
    after: float | None,
    words: Mapping[str, object],
    who: str = "master",
) -> Finding:
    """What is said of a setting that was put right; `words` fill the rule's message."""
    said = rule.message.format(who=track or who, before=before, after=after, **words)
    return Finding(rule=rule.name, track=track, before=_rounded(before), after=_rounded(after), message=said[:500])


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2) + 0.0
