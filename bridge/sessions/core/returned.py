"""Returns of effects that a copy of a session plays as audio, since its format has no such effect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ....runtime.audio.naming import file_names
from ....runtime.console.effects.buses import DELAY, FX_BUS, REVERB
from .model import SessionTrack

# Ends the names of what mixbridge adds to a session: the next mix takes its place.
MARK: Final = " (mixbridge)"
# What the bus of an effect is called in a session, without the mark; its audio is called "Reverb return".
TITLES: Final = {FX_BUS: "FX", REVERB: "Reverb", DELAY: "Delay"}
_TRACKS: Final = frozenset(f"{title} return{MARK}" for title in TITLES.values())


@dataclass(frozen=True)
class ReturnAudio:
    """The return of an effect as audio: wet alone, at the mix's level: for a track at 0 dB, in the middle.

    Attributes:
        effect: which, of `runtime.console.effects.buses.BUSES`.
        path: a stereo WAV file of 32-bit floats; it is there while the copy is being written.
        frames: of it; the first is the session's first.
        sample_rate_hz: the session's.
    """

    effect: str
    path: Path
    frames: int
    sample_rate_hz: int

    @property
    def track_name(self) -> str:
        """What its track is called."""
        return f"{TITLES[self.effect]} return{MARK}"

    @property
    def words(self) -> str:
        """Say what the track is."""
        return (
            f"{self.track_name}: the {self.effect}, rendered, as a track at 0 dB; it does not follow the faders, so "
            "insert the mix again when you have changed it."
        )


def is_return_audio(track: SessionTrack) -> bool:
    """Tell whether a track of a session plays a return that a mix put there."""
    return is_return_audio_name(track.name)


def is_return_audio_name(name: str) -> bool:
    """Tell whether a track of this name is one that a mix puts into a session to play a return."""
    return name in _TRACKS


def return_files(returns: Sequence[ReturnAudio], output: Path) -> dict[str, str]:
    """Name the files of returns that stand beside the copy of a session, by effect."""
    names = file_names(f"{output.stem} {item.effect}" for item in returns)
    return {item.effect: f"{name}.wav" for item, name in zip(returns, names, strict=True)}
