"""Rendering in memory: a preset played on arrays, whole, its bus alone, or one strip.

What was rendered may be kept (:class:`.takes.Takes`): a preset that differs in a fader then costs a sum.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from ...presets.console import SEND_OFF_DB, Strip
from ...presets.errors import AudioError
from ...presets.preset import Preset, Track
from ...presets.sections import rows_of
from ..audio.reading import BLOCK_FRAMES, Samples, first_bad_frame
from ..console.buses import Buses, DrySums, Extent, Sums
from ..console.streams import ConsoleStream, Input, MakeRun, MasterStream
from .bus_inserts import BusInserts, check_bus_inserts, through_groups
from .matching import matched
from .takes import Takes


@dataclass(frozen=True)
class Rendered:
    """A mix in memory.

    Attributes:
        mix: behind the master, shape (2, n).
        bus: what comes into the master, shape (2, n).
        stems: behind fader and pan, each of shape (2, n), by track name.
        buses: groups and returns of effects, each of shape (2, n), by name: "Drums bus", "reverb return".
    """

    mix: Samples
    bus: Samples
    stems: Mapping[str, Samples]
    buses: Mapping[str, Samples]


def render_arrays(
    stems: Mapping[str, Samples],
    sample_rate_hz: int,
    preset: Preset,
    takes: Takes | None = None,
    inserts: BusInserts | None = None,
    run: MakeRun | None = None,
) -> Rendered:
    """Renders a preset in memory, at the level that the preset makes: no loudness target, no ceiling.

    Args:
        stems: samples of shape (channels, n), one or two channels, by track name.
        sample_rate_hz: of all of them.
        preset: its tracks name the stems; muted tracks are left out.
        takes: strips that were rendered on these very arrays, which must not change; new ones are kept there.
        inserts: runs what stands in front of groups and the master, on files of its own; None where nothing does.
        run: makes what runs the strips' stages, where nothing is kept; None for the console's own.

    Returns:
        All as long as the longest stem, plus the effects' tail if a send is on.

    Raises:
        PresetError: tracks and stems do not match, or the settings overflow.
        AudioError: a stem has another shape, or samples that are not finite numbers.
    """
    taken: dict[str, list[Samples]] = {track.name: [] for track in matched(preset, stems)}
    bus: list[Samples] = []
    buses: dict[str, list[Samples]] = {}

    def keep(sums: Sums) -> None:
        bus.append(sums.mix)
        for name, block in sums.buses.items():
            buses.setdefault(name, []).append(block)

    take_stems = {name: blocks.append for name, blocks in taken.items()}
    run = takes.run if takes is not None else run
    mix = _rendered_mix(stems, sample_rate_hz, preset, take_stems, keep, run, inserts)
    return Rendered(
        mix,
        np.concatenate(bus, axis=1),
        {name: np.concatenate(taken.pop(name), axis=1) for name in list(taken)},
        {name: np.concatenate(blocks, axis=1) for name, blocks in buses.items()},
    )


def render_mix(
    stems: Mapping[str, Samples], sample_rate_hz: int, preset: Preset, takes: Takes | None = None
) -> Samples:
    """Renders the mix alone, as :func:`render_arrays` does; no processed stem is put together."""
    run = takes.run if takes is not None else None
    return _rendered_mix(stems, sample_rate_hz, preset, {}, lambda _sums: None, run)


def render_bus(
    stems: Mapping[str, Samples], sample_rate_hz: int, preset: Preset, run: MakeRun | None = None
) -> Samples:
    """Renders what comes into the master while stems play, shape (2, n), on one thread and this one.

    Arguments and errors are those of :func:`render_arrays`; `run` makes what runs the strips' stages.
    """
    longest = max(stem.shape[1] for stem in stems.values())
    # Effects hear a little where blocks end: the last one is whole, as it is with a tail.
    whole_blocks = -(-longest // BLOCK_FRAMES) * BLOCK_FRAMES
    console = _console(stems, sample_rate_hz, preset, {}, run, most_frames=whole_blocks)
    with ThreadPoolExecutor(1) as pool:
        return np.concatenate([sums.mix for sums in console.run(pool)], axis=1)[:, :longest]


def render_strip(audio: Samples, sample_rate_hz: int, strip: Strip, takes: Takes | None = None) -> Samples:
    """Renders a track alone, behind fader and pan and without sends: shape (2, n), as in :attr:`Rendered.stems`."""
    blocks: list[Samples] = []
    dry = strip.model_copy(update=dict.fromkeys(rows_of(Strip, "send"), SEND_OFF_DB))
    source = Input("", dry, audio.shape[0], audio.shape[1], [audio], blocks.append)
    run = takes.run if takes is not None else None
    with ThreadPoolExecutor(1) as pool:
        for _ in ConsoleStream([source], Buses(), sample_rate_hz, BLOCK_FRAMES, run=run).run_dry(pool):
            pass
    return np.concatenate(blocks, axis=1)


def _rendered_mix(
    stems: Mapping[str, Samples],
    sample_rate_hz: int,
    preset: Preset,
    take_stems: Mapping[str, Callable[[Samples], None]],
    take_sums: Callable[[Sums], None],
    run: MakeRun | None,
    inserts: BusInserts | None = None,
) -> Samples:
    check_bus_inserts(preset, inserts)
    console = _console(stems, sample_rate_hz, preset, take_stems, run)

    def buses(dry: Iterable[DrySums]) -> Iterator[Samples]:
        for sums in console.run_wet(dry):
            take_sums(sums)
            yield sums.mix

    with ThreadPoolExecutor(os.cpu_count()) as pool, ExitStack() as stack:
        dry: Iterable[DrySums] = console.run_dry(pool)
        master = MasterStream(preset.master, sample_rate_hz, lanes=preset.master_lanes)
        if inserts is None:
            return np.concatenate(list(master.run(buses(dry))), axis=1)
        scratch = Path(stack.enter_context(TemporaryDirectory(prefix="mixbridge-")))
        whole = list(dry)
        mix = buses(through_groups(lambda: whole, inserts, sample_rate_hz, scratch))
        heard = inserts.played(None, mix, sample_rate_hz, scratch) if inserts.has_master else mix
        return np.concatenate(list(master.run(heard)), axis=1)


def _console(
    stems: Mapping[str, Samples],
    sample_rate_hz: int,
    preset: Preset,
    take_stems: Mapping[str, Callable[[Samples], None]],
    run: MakeRun | None,
    most_frames: int | None = None,
) -> ConsoleStream:
    tracks = matched(preset, stems)
    inputs = [_array_input(track, stems[track.name], take_stems.get(track.name, _nowhere)) for track in tracks]
    buses, whole = Buses.of(preset), None
    if most_frames is not None:
        extent = Extent.of(inputs, buses, sample_rate_hz)
        whole = replace(extent, frames=min(extent.frames, most_frames))
    return ConsoleStream(inputs, buses, sample_rate_hz, BLOCK_FRAMES, whole, run)


def _nowhere(_block: Samples) -> None:
    pass


def _array_input(track: Track, stem: Samples, take_stem: Callable[[Samples], None]) -> Input:
    audio = np.asarray(stem, np.float32)
    if audio.ndim != 2 or audio.shape[0] not in {1, 2} or not audio.shape[1]:
        raise AudioError(
            f"stem {track.name!r} has the shape {audio.shape}: give (channels, samples), with one or two channels."
        )
    bad = first_bad_frame(audio)
    if bad is not None:
        raise AudioError(f"stem {track.name!r}: sample {bad} is not a finite number.")
    shape = audio.shape
    return Input(track.name, track.strip, shape[0], shape[1], [audio], take_stem, track.bus, track.link, track.lanes)
