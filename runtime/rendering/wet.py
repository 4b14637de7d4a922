"""The returns of effects as audio files: wet alone, at the level that they have in the mix, before the master.

The processed stems that go to the mix and these files together are the mix, so a DAW that has no such effect plays
them instead.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from ...presets.preset import Preset, Track
from ..audio.reading import AudioReader, Samples
from ..audio.writing import FORMATS, AudioWriter
from ..console.buses import Buses, used_effects
from .file_session import FileSession

_FORMAT = FORMATS["wav32f"]


@dataclass(frozen=True)
class WetFile:
    """The return of an effect.

    Attributes:
        path: a stereo file of 32-bit floats.
        sample_rate_hz: of it.
        frames: of it: the longest track and the tail of the effects.
        peak: its highest sample; 0 for silence.
    """

    path: Path
    sample_rate_hz: int
    frames: int
    peak: float


def feeding(preset: Preset, effects: Collection[str]) -> tuple[Track, ...]:
    """Find the tracks that are heard in the returns of some effects, and those whose dynamics are linked to them."""
    buses = Buses.of(preset)
    heard = [track for track in preset.tracks if not track.mute]
    senders = [track for track in heard if set(used_effects(track, buses)) & set(effects)]
    links = {track.link for track in senders if track.link is not None}
    return tuple(track for track in heard if track in senders or track.link in links)


def render_wet(
    stems: Mapping[str, Path],
    preset: Preset,
    effects: Collection[str],
    folder: Path,
    sample_rate_hz: int,
    progress: Callable[[float], None] | None = None,
) -> dict[str, WetFile]:
    """Render the returns of some effects alone.

    Args:
        stems: raw, of the tracks that :func:`feeding` gives, by their names.
        preset: the mix.
        effects: names of `runtime.console.effects.buses.BUSES`.
        folder: where the files are made, "NAME.wav".
        sample_rate_hz: of the files.
        progress: called with the share done, 0..1.

    Returns:
        The returns of those effects that anything is sent to, by name.

    Raises:
        PresetError: the settings overflow.
        AudioError: a stem cannot be used.
        OutputError: a file cannot be written.
    """
    tracks = feeding(preset, effects)
    if not tracks:
        return {}
    readers = [AudioReader(stems[track.name], sample_rate_hz) for track in tracks]
    session = FileSession(tracks, readers, Buses.of(preset))
    paths = {name: folder / f"{name}.wav" for name in session.bus_names if name in effects}
    peaks = dict.fromkeys(paths, 0.0)
    with ExitStack() as stack:
        writers = {
            name: stack.enter_context(AudioWriter(path, sample_rate_hz, 2, session.frames, _FORMAT, signed=True))
            for name, path in paths.items()
        }

        def take(buses: Mapping[str, Samples]) -> None:
            for name, writer in writers.items():
                peaks[name] = max(peaks[name], float(abs(buses[name]).max(initial=0.0)))
                writer.write(buses[name])

        blocks: Iterator[Samples] = stack.enter_context(
            closing(session.run([], _FORMAT, folder, progress=progress, take_buses=take))
        )
        for _ in blocks:
            pass
    return {name: WetFile(path, sample_rate_hz, session.frames, peaks[name]) for name, path in paths.items()}
