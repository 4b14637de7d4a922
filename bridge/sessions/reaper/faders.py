"""A REAPER track's fader, pan, mute and solo, with the envelopes that move them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ....presets.units import decibels
from ..core.kinds import Kind, Phrase
from ..core.model import Automation, PanLaw, SessionGroup, Trim
from ..core.muting import Muting, muting
from .curves import HEARD, automation_of
from .rpp import Block, ReaperDocument, RppLine, blocks

# A pan law is the gain in the centre, against both sides; above 1 both sides are raised instead.
PAN_LAWS: Final[dict[float, PanLaw]] = {
    1.0: "balance",
    math.sqrt(0.5): "constant_power",
    0.5: "linear",
    math.sqrt(2): "constant_power_boosted",
    2.0: "linear_boosted",
}
# Envelopes of the level besides the fader's: in front of the plug-ins, and the trim.
TRIMS: Final[dict[str, Phrase]] = {"VOLENV": Kind.ENVELOPE("volume"), "VOLENV3": Kind.TRIM_ENVELOPE()}
_MASTER_TRIMS: Final = {f"MASTER{tag}": phrase for tag, phrase in TRIMS.items()}
_TRIM_READ = 0
_QUIETEST: Final = 1e-9


@dataclass(frozen=True)
class ReaperFader:
    """What a track's own lines and envelopes do behind its plug-ins; fields as in the model."""

    gain_db: float
    pan: float
    pan_law: PanLaw
    mute: bool
    solo: bool
    polarity_inverted: bool
    volume: Automation | None
    pan_automation: Automation | None
    mute_automation: Automation | None
    trims: tuple[Trim, ...]


class FaderReader:
    """Reads faders.

    Args:
        document: the project.
    """

    def __init__(self, document: ReaperDocument):
        self._document = document
        project = document.find(document.root, "PANLAW")
        self._law = 1.0 if project is None else project.number(1, 1.0)

    def read(self, block: Block, rows: Mapping[str, RppLine]) -> ReaperFader:
        """Read the fader of a track.

        Args:
            block: the track.
            rows: its own lines, by key.

        Raises:
            SessionError: a number is not usable.
        """

        def row(key: str) -> RppLine:
            return rows.get(key) or RppLine(Path(), block.first, (key,))

        volpan, switches = row("VOLPAN"), row("MUTESOLO")
        volume, pan = volpan.number(1, 1.0), min(1.0, max(-1.0, volpan.number(2)))
        trims = row("AUTOMODE").whole(1) == _TRIM_READ
        mutes = self._muting(block, by_switch=bool(switches.whole(1)), trims=trims)
        return ReaperFader(
            decibels(abs(volume)),
            pan,
            self.law(volpan),
            mute=mutes.always,
            solo=bool(switches.whole(2)),
            polarity_inverted=bool(row("IPHASE").whole(1)) != (volume < 0),
            volume=self._volume(block, abs(volume) if trims else 1.0),
            pan_automation=self._pan(block, pan if trims else 0.0),
            mute_automation=mutes.automation,
            trims=self._trims(block, TRIMS),
        )

    def master(self) -> SessionGroup:
        """Read the fader of the master."""
        root = self._document.root
        volpan = self._document.find(root, "MASTER_VOLUME") or RppLine(Path(), root.first, ("MASTER_VOLUME",))
        mode, switch = (self._document.find(root, key) for key in ("MASTERAUTOMODE", "MASTERMUTESOLO"))
        factor = abs(volpan.number(1, 1.0))
        trims = mode is None or mode.whole(1) == _TRIM_READ
        return SessionGroup(
            "Master",
            "master",
            gain_db=decibels(max(factor, _QUIETEST)),
            pan=min(1.0, max(-1.0, volpan.number(2))),
            mute=switch is not None and bool(switch.whole(1) & 1),
            volume=self._volume(root, factor if trims else 1.0, "MASTERVOLENV2"),
            pan_automation=self._pan(root, volpan.number(2) if trims else 0.0, "MASTERPANENV2"),
            trims=self._trims(root, _MASTER_TRIMS),
        )

    def law(self, volpan: RppLine) -> PanLaw:
        """Tell what a track's pan means: by its own law, or the project's."""
        own = volpan.number(3, -1.0)
        law = own if own >= 0 else self._law
        return PAN_LAWS[min(PAN_LAWS, key=lambda known: abs(known - law))]

    def _volume(self, block: Block, factor: float, tag: str = "VOLENV2") -> Automation | None:
        """Read the envelope; in the mode trim/read the fader works behind it."""
        automation = self._envelope(block, tag)
        if automation is None:
            return None
        points = tuple((time, max(0.0, value) * factor) for time, value in automation.points)
        return Automation(points, automation.interpolation)

    def _trims(self, block: Block, tags: Mapping[str, Phrase]) -> tuple[Trim, ...]:
        """Read the envelopes that multiply with the fader, whatever its mode is."""
        read = ((phrase, self._volume(block, 1.0, tag)) for tag, phrase in tags.items())
        return tuple(Trim(phrase, gains) for phrase, gains in read if gains is not None)

    def _pan(self, block: Block, offset: float, tag: str = "PANENV2") -> Automation | None:
        automation = self._envelope(block, tag)
        if automation is None:
            return None
        # Its lane has left at the top: values above 0 are to the left.
        points = tuple((time, min(1.0, max(-1.0, offset - value))) for time, value in automation.points)
        return Automation(points, automation.interpolation)

    def _muting(self, block: Block, *, by_switch: bool, trims: bool) -> Muting:
        """Read when a track is muted: its envelope has 1 where it is heard; in trim/read the switch acts, too."""
        automation = self._envelope(block, "MUTEENV")
        if automation is None or (by_switch and trims):
            return Muting(by_switch)
        return muting((time, value < HEARD) for time, value in automation.points)

    def _envelope(self, track: Block, tag: str) -> Automation | None:
        block = next(blocks(track, tag), None)
        return None if block is None else automation_of(self._document, block)


def is_active(document: ReaperDocument, envelope: Block) -> bool:
    """Tell whether an envelope is switched on and has points, or automation items."""
    active = document.find(envelope, "ACT")
    if active is not None and not active.whole(1):
        return False
    return next(document.rows(envelope, ("PT", "POOLEDENVINST")), None) is not None
