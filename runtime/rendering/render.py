"""Rendering into files: a preset played on stems; into arrays it is :mod:`.in_memory`.

    result = render_files({"Vox": Path("vox.wav"), "Bass": Path("bass.wav")}, preset, Path("mix"))
    result.mix_file, result.levels.loudness_lufs

The stems' names are the preset's track names; finding out which file is which track is done elsewhere. Files
are rendered in blocks: memory does not grow with their length.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ...presets.checking.arguments import checked_choice, checked_number, checked_switch, checked_whole
from ...presets.errors import OutputError, PresetError
from ...presets.preset import Preset, Track
from ...presets.units import decibels
from ..audio.naming import file_names
from ..audio.opening import ON_DEMAND, OpenFiles
from ..audio.output import check_room
from ..audio.reading import HIGHEST_RATE_HZ, LOWEST_RATE_HZ, AudioReader, probe
from ..audio.writing import FORMATS
from ..console.buses import Buses
from ..console.streams import MakeRun
from ..plugins.faults import PluginFaultError
from .adding_up import add_up
from .bus_inserts import BusInserts, check_bus_inserts
from .file_session import FileSession
from .finishing import USUAL_LUFS, Finish, Levels, LevelTarget, RawMix, finish
from .gain_curves import GainCurves, PostMaster
from .matching import matched
from .passes import raw_mix, safe_gain, size_of, write_stems

Progress = Callable[[float, str], None]

LOUDNESS_RANGE_LUFS = (-70.0, 0.0)
CEILING_RANGE_DBTP = (-40.0, 0.0)

_MOST_WORKERS = 1024
_RAW_MIX = "mix.raw"
_LOWER = "one stem would clip: all stems once more, at a lower level"
# Shares of the time, for the progress: all strips once, and once more if a stem clipped.
_FIRST_PASS = 0.6
_ALL_PASSES = 0.85


class OwnStages(Protocol):
    """Plug-ins of the user's in the place of stages of the strips."""

    def opened(
        self, tracks: Sequence[Track], stems: Mapping[str, Path], sample_rate_hz: int
    ) -> AbstractContextManager[MakeRun]:
        """Set them for these tracks, and make what runs the strips."""

    def goes_on_without(self, fault: PluginFaultError) -> bool:
        """Tell whether the mix is to be made with the console's own stages in the place of a plug-in that failed."""


@dataclass(frozen=True)
class RenderOptions:
    """How files are rendered.

    Attributes:
        sample_rate_hz: of the results; None takes the rate that most stems have, of equally many the higher
            one.
        loudness_lufs: integrated loudness of the mix, -70..0; None leaves the level that the preset makes.
        ceiling_dbtp: no true peak of the mix is over it, -40..0. It holds at every loudness.
        loudness_of_reference: take the loudness of the reference instead, where there is one, as far as the ceiling
            lets its peaks stand.
        peak_to_loudness_db: how far peaks may stand above the loudness; a limiter turns higher ones down, by 3 dB at
            most. None leaves them, up to the ceiling.
        most_limited_db: the mix is quieter than asked for where the limiter would turn its peaks down by more; None
            reaches the loudness whatever that costs.
        audio_format: a name in :data:`mixbridge.runtime.audio.writing.FORMATS`.
        stems: also write the processed stems.
        stems_post_master: write stems that add up to the mix: with the master's EQ, and the gain that the master, the
            loudness and the limiter made of the sum; rendered a second time. Else they are before the master.
        overwrite: replace results that are in the folder.
        workers: threads; None takes as many as there are cores.
        own_stages: plug-ins in the place of stages of the strips; None for the console's alone.
    """

    sample_rate_hz: int | None = None
    loudness_lufs: float | None = USUAL_LUFS
    ceiling_dbtp: float = -1.0
    loudness_of_reference: bool = False
    peak_to_loudness_db: float | None = None
    most_limited_db: float | None = None
    audio_format: str = "wav"
    stems: bool = True
    stems_post_master: bool = False
    overwrite: bool = False
    workers: int | None = None
    own_stages: OwnStages | None = None

    def __post_init__(self) -> None:
        checked_choice(self.audio_format, "the format", FORMATS, OutputError)
        if self.sample_rate_hz is not None:
            rates = LOWEST_RATE_HZ, HIGHEST_RATE_HZ
            rate_hz = checked_whole(self.sample_rate_hz, "the sample rate in Hz", *rates, OutputError)
            object.__setattr__(self, "sample_rate_hz", rate_hz)
        if self.loudness_lufs is not None:
            checked_number(self.loudness_lufs, "the loudness in LUFS", *LOUDNESS_RANGE_LUFS, OutputError)
        checked_number(self.ceiling_dbtp, "the ceiling in dBTP", *CEILING_RANGE_DBTP, OutputError)
        for name in ("peak_to_loudness_db", "most_limited_db"):
            if getattr(self, name) is not None:
                checked_number(getattr(self, name), name, 0, 60, OutputError)
        for name in ("stems", "stems_post_master", "overwrite", "loudness_of_reference"):
            checked_switch(getattr(self, name), name, OutputError)
        if self.workers is not None:
            checked_whole(self.workers, "workers", 1, _MOST_WORKERS, OutputError)

    @property
    def levels(self) -> LevelTarget:
        """How loud the mix should be, and how high its peaks may stand."""
        return LevelTarget(self.loudness_lufs, self.ceiling_dbtp, self.peak_to_loudness_db, self.most_limited_db)


@dataclass(frozen=True)
class RenderedStem:
    """A stem that was written.

    Attributes:
        file: its path in the folder, e.g. "stems/Vox.wav".
        peak_dbfs: its highest sample, as written; -inf for silence.
    """

    file: str
    peak_dbfs: float


@dataclass(frozen=True)
class RenderResult:
    """What was rendered.

    Attributes:
        mix_file: the mix's path in the folder, e.g. "mix.wav".
        stems: the processed stems, stereo, by track name. Those of tracks without a group, and the buses, are together
            the mix, before the master or, if that was asked for, finished; times `stem_gain_db`.
        buses: groups and returns of effects, alone, by name: "Drums bus", "reverb return"; none if no stems were
            asked for.
        sample_rate_hz: of all files.
        frames: samples per channel of all files.
        master_levels: of the mix as the master made it.
        levels: of the mix as written.
        loudness_gain_db: what was added between the two.
        limited_db: how far the limiter had to turn down at most; 0 if it had nothing to do.
        stem_gain_db: gain of all stems alike; below 0 if one would have clipped.
        stems_post_master: whether the stems add up to the finished mix.
    """

    mix_file: str
    stems: Mapping[str, RenderedStem]
    buses: Mapping[str, RenderedStem]
    sample_rate_hz: int
    frames: int
    master_levels: Levels
    levels: Levels
    loudness_gain_db: float
    limited_db: float
    stem_gain_db: float
    stems_post_master: bool = False


def render_files(
    stems: Mapping[str, Path],
    preset: Preset,
    folder: Path,
    options: RenderOptions | None = None,
    progress: Progress | None = None,
    files: OpenFiles = ON_DEMAND,
    inserts: BusInserts | None = None,
) -> RenderResult:
    """Renders a preset into `folder`: the mix, and in `stems/` each processed stem, and those of groups and effects.

    Stems may differ in sample rate, length and channels.

    Args:
        stems: audio files by track name.
        preset: its tracks name the stems; muted tracks are left out.
        folder: the workplace of an :class:`..audio.output.OutputFolder`, which makes the results appear whole.
        options: how; the defaults if None.
        progress: called with the share done, 0..1, and what is being done.
        files: stems that are open already.
        inserts: runs what stands in front of groups and the master; None where nothing does.

    Returns:
        The files, relative to `folder`, and their levels. All are as long as the longest stem, plus the effects'
        tail if a send is on.

    Raises:
        PresetError: tracks and stems do not match, or the settings overflow.
        AudioError: a file cannot be used (see :mod:`..audio.reading`).
        OutputError: a result cannot be written.
        PluginError: a plug-in of the user's fails, and the mix does not go on without.
        InsertError: an insert of a group or of the master fails.
    """
    options = options or RenderOptions()
    tracks, own = matched(preset, stems), options.own_stages
    check_bus_inserts(preset, inserts)
    if options.stems_post_master and options.stems and inserts is not None and inserts.has_master:
        raise PresetError(
            "stems cannot add up to the finished mix where the whole sum goes through an insert before the master: "
            "leave stems before the master, or remove that insert (`mixbridge preset insert`)."
        )
    rate_hz = options.sample_rate_hz or session_rate((stems[track.name] for track in tracks), files)
    while True:
        try:
            with nullcontext() if own is None else own.opened(tracks, stems, rate_hz) as run:
                making = _Making(options.workers, run, inserts)
                return _rendered(
                    stems, preset, tracks, rate_hz, folder, options, progress or _no_progress, files, making
                )
        except PluginFaultError as fault:
            if own is None or not own.goes_on_without(fault):
                raise


@dataclass(frozen=True)
class _Making:
    """What runs strips and inserts of groups."""

    workers: int | None
    run: MakeRun | None
    inserts: BusInserts | None

    def session(self, tracks: Sequence[Track], readers: Sequence[AudioReader], preset: Preset) -> FileSession:
        """A console for one pass."""
        return FileSession(tracks, readers, Buses.of(preset), self.workers, run=self.run, inserts=self.inserts)


def _rendered(
    stems: Mapping[str, Path],
    preset: Preset,
    tracks: Sequence[Track],
    rate_hz: int,
    folder: Path,
    options: RenderOptions,
    progress: Progress,
    files: OpenFiles,
    making: _Making,
) -> RenderResult:
    readers = [AudioReader(stems[track.name], rate_hz, files=files) for track in tracks]
    session = making.session(tracks, readers, preset)
    audio_format = FORMATS[options.audio_format]
    stem_files = stem_files_of([*(track.name for track in tracks), *session.bus_names], options)
    check_room(folder, size_of(session, len(stem_files), audio_format, post_master=options.stems_post_master))
    places = [folder / file for file in stem_files]
    for place in places[:1]:
        place.parent.mkdir(exist_ok=True)
    mix_file = f"mix{audio_format.suffix}"

    def finished(raw: RawMix, begin: float, end: float, curves: GainCurves | None = None) -> Finish:
        step = _share(progress, begin, end, "finishing the mix")
        done = finish(raw, folder / mix_file, audio_format, options.levels, curves, step)
        raw.path.unlink()
        return done

    def again(gain: float, shape: Callable[[], PostMaster] | None, step: tuple[float, float, str]) -> FileSession:
        once_more = making.session(tracks, readers, preset)
        write_stems(once_more, places, audio_format, folder, gain, shape, _share(progress, *step))
        return once_more

    first = _share(progress, 0.0, _FIRST_PASS, "rendering the tracks")

    if options.stems_post_master and stem_files:
        with closing(GainCurves(folder, session.frames)) as curves:
            raw = raw_mix(
                session, preset, [], audio_format, folder / _RAW_MIX, first, curves.take_master, making.inserts
            )
            done = finished(raw, _FIRST_PASS, _ALL_PASSES, curves)

            def shape() -> PostMaster:
                return PostMaster(preset.master, curves, rate_hz, preset.master_lanes)

            session = again(1.0, shape, (_ALL_PASSES, 0.95, "rendering the stems with the master"))
            stem_gain = safe_gain(session.peaks, audio_format)
            if stem_gain != 1:
                again(stem_gain, shape, (0.95, 1.0, _LOWER))
            # A group's stem holds those of its tracks.
            parts = [place for place in range(len(places)) if place >= len(tracks) or tracks[place].bus is None]
            loudest = max(parts, key=lambda place: session.peaks[place])
            files_of_mix = [places[place] for place in parts]
            add_up(folder / mix_file, files_of_mix, places[loudest], stem_gain, audio_format)
    else:
        raw = raw_mix(session, preset, places, audio_format, folder / _RAW_MIX, first, inserts=making.inserts)
        stem_gain = safe_gain(session.peaks, audio_format) if stem_files else 1.0
        if stem_gain != 1:
            again(stem_gain, None, (_FIRST_PASS, _ALL_PASSES, _LOWER))
        done = finished(raw, _FIRST_PASS if stem_gain == 1 else _ALL_PASSES, 1.0)
    progress(1.0, "done")
    written = [
        RenderedStem(file, decibels(peak * stem_gain)) for file, peak in zip(stem_files, session.peaks, strict=False)
    ]
    return RenderResult(
        mix_file=mix_file,
        stems={track.name: stem for track, stem in zip(tracks, written, strict=False)},
        buses=dict(zip(session.bus_names, written[len(tracks) :], strict=False)),
        sample_rate_hz=rate_hz,
        frames=session.frames,
        master_levels=raw.levels,
        levels=done.levels,
        loudness_gain_db=done.gain_db,
        limited_db=done.limited_db,
        stem_gain_db=decibels(stem_gain),
        stems_post_master=options.stems_post_master and bool(stem_files),
    )


def stem_files_of(names: Iterable[str], options: RenderOptions) -> list[str]:
    """Names the files of processed stems in the folder of results; tracks first, then buses."""
    if not options.stems:
        return []
    return [f"stems/{file}{FORMATS[options.audio_format].suffix}" for file in file_names(names)]


def session_rate(paths: Iterable[Path], files: OpenFiles = ON_DEMAND) -> int:
    """Tell the rate that most files have; of equally many the higher one."""
    counts = Counter(probe(path, files).sample_rate_hz for path in paths)
    return max(counts, key=lambda rate_hz: (counts[rate_hz], rate_hz))


def _share(progress: Progress, begin: float, end: float, what: str) -> Callable[[float], None]:
    """A step's own progress, 0..1, as a part of the whole."""
    return lambda done: progress(begin + (end - begin) * done, what)


def _no_progress(_share: float, _text: str) -> None:
    pass
