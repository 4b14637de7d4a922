"""The passes of a rendering over files: the raw mix with or without stems, and stems alone once more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from ...presets.errors import OutputError
from ...presets.preset import Preset
from ...presets.units import gain_factor
from ..audio.reading import Samples
from ..audio.writing import AudioFormat, cannot_write
from ..console.streams import MasterStream
from .bus_inserts import BusInserts
from .file_session import FileSession
from .finishing import Meter, RawMix
from .gain_curves import PostMaster

Share = Callable[[float], None]

# Where the loudest stem comes to stand if one would clip.
_STEM_PEAK = gain_factor(-0.1)


def size_of(session: FileSession, stems: int, audio_format: AudioFormat, *, post_master: bool) -> int:
    """Counts the bytes on disk at most: the raw mix, the sums of batches and, behind the master, its gains included."""
    raws = (12 if post_master else 2) + session.channels_on_disk
    return session.frames * (2 * (stems + 1) * audio_format.bytes_per_sample + 4 * raws)


def raw_mix(
    session: FileSession,
    preset: Preset,
    places: list[Path],
    audio_format: AudioFormat,
    path: Path,
    progress: Share,
    take_gains: Callable[[Samples], None] | None = None,
    inserts: BusInserts | None = None,
) -> RawMix:
    """Runs the strips, which writes the stems, what stands before the master, and the master into a raw file."""
    rate_hz = session.sample_rate_hz
    meter = Meter(rate_hz)
    master = MasterStream(preset.master, rate_hz, take_gains, preset.master_lanes)

    try:
        buses = session.run(places, audio_format, path.parent, progress=progress)
        with path.open("wb") as file, closing(buses):
            heard: Iterator[Samples] = buses
            if inserts is not None and inserts.has_master:
                heard = inserts.played(None, buses, rate_hz, path.parent)
            for block in master.run(heard):
                meter.update(block)
                file.write(block.T.tobytes())
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise cannot_write(path, error) from error
    return RawMix(path, session.frames, rate_hz, meter.levels)


def write_stems(
    session: FileSession,
    places: list[Path],
    audio_format: AudioFormat,
    scratch: Path,
    stem_gain: float,
    shape: Callable[[], PostMaster] | None,
    progress: Share,
) -> None:
    """Writes the stems once more, at another level or shaped."""
    with closing(session.run(places, audio_format, scratch, stem_gain, progress, shape)) as buses:
        for _ in buses:
            pass


def safe_gain(peaks: list[float], audio_format: AudioFormat) -> float:
    """Gives the gain for all stems alike with which none clips."""
    highest = max(peaks)
    return _STEM_PEAK / highest if audio_format.is_integer and highest > 1 else 1.0
