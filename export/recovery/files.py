"""Recovering from files, and its results: a preset, a page, the rendered audio and what is left.

result = recover("vox_raw.wav", "vox_mixed.wav", "vox.json")
result.preset, result.explained.words
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ...presets.errors import AudioError, MixbridgeError
from ...presets.extras import install_command
from ...presets.files import dumps
from ...presets.names import LONGEST_NAME
from ...presets.preset import MixLevel, Preset, Provenance, SourceFile
from ...presets.version import __version__
from ...runtime.audio.loudness import integrated_loudness
from ...runtime.audio.output import OutputFolder, check_output_file, finish_earlier, write_text
from ...runtime.audio.peaks import true_peak_db
from ...runtime.audio.reading import AudioReader, Samples, probe
from ...runtime.audio.stems import AnyStems, checked_name, stem_paths
from ...runtime.audio.writing import write_samples
from ..whole_files import check_folder
from .passages import FULL, Effort

if TYPE_CHECKING:
    from ..pairs.lags import Lags
    from .explain import Explained
    from .session import RecoveredSession
    from .track import Progress, Recovered

_NEEDED = ("torch", "numba")
_LONGEST_S = 20 * 60.0
_MOST_CHANNELS = 2
# What a mixed recording may lack without a word.
_TOLD_S = 0.05
# What a preset can say of how loud it is.
_LOUDNESS_LUFS: Final = (-70.0, 0.0)
# What `mixbridge apply` keeps peaks below.
_CEILING_DBTP, _TOLD_OVER_DB = -1.0, 0.1
# How a preset says what is left; it is read again where a folder of pairs goes on.
DISTANCE: Final = re.compile(r"STFT distance ([\d.]+) of the raw recording's")


@dataclass(frozen=True)
class RecoveryFiles:
    """Where the results of one recovery are, beside the preset.

    Attributes:
        preset: the preset.
        report: a page.
        rendered: the preset on the raw recording.
        residual: the mixed recording without it.
    """

    preset: Path
    report: Path
    rendered: Path
    residual: Path

    @classmethod
    def beside(cls, preset: Path) -> RecoveryFiles:
        """Names the files for a preset: "lead.json" has "lead.report.html" and two WAV files beside it."""
        stem = preset.name.removesuffix(".json")
        named = (preset.with_name(f"{stem}.{end}") for end in ("report.html", "rendered.wav", "residual.wav"))
        return cls(preset, *named)

    def all(self) -> tuple[Path, ...]:
        """Lists the files, the preset last: where it is, the others are."""
        return self.report, self.rendered, self.residual, self.preset


@dataclass(frozen=True)
class RecoveryResult:
    """A preset that was recovered and written.

    Attributes:
        preset: as written.
        explained: what it explains.
        notes: sentences on how the files lay to each other.
        files: where everything is.
        seconds: length of the raw recording.
    """

    preset: Preset
    explained: Explained
    notes: tuple[str, ...]
    files: RecoveryFiles
    seconds: float


def recover(
    raw: Path | str,
    mixed: Path | str,
    output: Path | str,
    *,
    name: str | None = None,
    overwrite: bool = False,
    with_audio: bool = True,
    effort: Effort = FULL,
    progress: Progress | None = None,
    lags: Lags | None = None,
) -> RecoveryResult:
    """Finds the settings that make a mixed recording of a raw one, and writes them as a preset.

    Beside it are written a page with curves and what is explained, the rendered audio, and what is left of the mixed
    one; all or nothing. Needs the extra `train`.

    Args:
        raw: file of the track as it was recorded.
        mixed: file of the same track as it was mixed.
        output: the preset to write.
        name: of the track in the preset; None takes the raw file's.
        overwrite: replace results that are there.
        with_audio: also write the rendered and the residual audio.
        effort: how long is searched.
        progress: called with 0..1 and what is being done.
        lags: how the two lie to each other, where it is known.

    Raises:
        NoPairError: one was not made of the other; the message has the measure that says so.
        AudioError: a file cannot be used.
        OutputError: a result cannot be written.
        MixbridgeError: torch is not installed.
    """
    check_torch()
    from .page import page_of
    from .track import recover_track

    raw, mixed, files = Path(raw), Path(mixed), RecoveryFiles.beside(Path(output))
    named = checked_name(name or raw.stem[:LONGEST_NAME])
    finish_earlier(files.preset.parent)
    check_folder(files.preset.absolute().parent)
    for file in files.all():
        check_output_file(file, overwrite=overwrite, inputs=[raw, mixed])
    rate_hz = probe(raw).sample_rate_hz
    recovered = recover_track(
        read_whole(raw, rate_hz),
        read_whole(mixed, rate_hz),
        rate_hz,
        name=named,
        effort=effort,
        progress=progress,
        lags=lags,
    )
    recovered = replace(
        recovered, pair=replace(recovered.pair, notes=(*recovered.pair.notes, *_as_applied(recovered, rate_hz)))
    )
    preset = with_provenance(recovered, raw, mixed)
    _write(files, preset, recovered, lambda audio: page_of(recovered, preset, audio), overwrite, with_audio)
    seconds = recovered.pair.raw.shape[1] / rate_hz
    return RecoveryResult(preset, recovered.explained, recovered.pair.notes, files, seconds)


def recover_mix(
    stems: AnyStems,
    mix: Path | str,
    output: Path | str,
    *,
    overwrite: bool = False,
    with_audio: bool = True,
    progress: Progress | None = None,
) -> RecoveryResult:
    """Finds the settings that make a finished mix of a session's stems; results as those of :func:`recover`.

    Args:
        stems: files by track name; or a folder, a file, or several, whose tracks are called like the files.
        mix: file of the finished mix.
        output: the preset to write.
        overwrite: replace results that are there.
        with_audio: also write the rendered and the residual audio.
        progress: called with 0..1 and what is being done.

    Raises:
        NoPairError: the mix was not made of these stems; the message has the measure that says so.
        AudioError: a file cannot be used.
        OutputError: a result cannot be written.
        MixbridgeError: torch is not installed.
    """
    check_torch()
    from .page import session_page_of
    from .session import recover_session

    paths, mix, files = stem_paths(stems), Path(mix), RecoveryFiles.beside(Path(output))
    finish_earlier(files.preset.parent)
    check_folder(files.preset.absolute().parent)
    for file in files.all():
        check_output_file(file, overwrite=overwrite, inputs=[mix, *paths.values()])
    rate_hz = max(probe(path).sample_rate_hz for path in paths.values())
    sounds = {name: read_whole(path, rate_hz) for name, path in paths.items()}
    found = recover_session(sounds, read_whole(mix, rate_hz), rate_hz, progress=progress)
    found = replace(found, notes=(*found.notes, *_as_applied(found, rate_hz)))
    first = f"Recovered from {len(paths)} stems and {mix.name}: {_left(found.explained)}"
    first += _heard(found.inside, found.mix.shape[1], rate_hz)
    sources = {name: source_of(path) for name, path in paths.items()}
    preset = _told_in(found, first, sources, mix, rate_hz)
    _write(files, preset, found, lambda audio: session_page_of(found, preset, audio), overwrite, with_audio)
    return RecoveryResult(preset, found.explained, found.notes, files, found.mix.shape[1] / rate_hz)


def check_torch() -> None:
    """Checks that what recovering needs is installed.

    Raises:
        MixbridgeError: it is not; the message names the extra.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise MixbridgeError(f"recovering settings needs {' and '.join(missing)}: {install_command('train')}")


def read_whole(path: Path, sample_rate_hz: int) -> Samples:
    """Reads a file of one or two channels at a rate.

    Raises:
        AudioError: it cannot be read, is too long, or has more channels.
    """
    reader = AudioReader(path, sample_rate_hz)
    if reader.info.channels > _MOST_CHANNELS:
        raise AudioError(f"{path}: has {reader.info.channels} channels: give a mono or stereo file.")
    if reader.info.duration_s > _LONGEST_S:
        raise AudioError(f"{path}: is longer than {_LONGEST_S / 60:g} minutes: cut it, e.g. to one song.")
    blocks = list(reader)
    return np.concatenate(blocks, axis=1) if blocks else np.zeros((1, 0), np.float32)


def source_of(path: Path) -> SourceFile:
    """Describes a file by name and content."""
    with path.open("rb") as stream:
        return SourceFile(file=path.name, sha256=hashlib.file_digest(stream, "sha256").hexdigest())


def with_provenance(recovered: Recovered, raw: Path, mixed: Path) -> Preset:
    """Says in a preset where it came from and what it explains."""
    first = f"Recovered from {raw.name} and {mixed.name}: {_left(recovered.explained)}"
    sources = {track.name: source_of(raw) for track in recovered.preset.tracks}
    rate_hz = recovered.pair.sample_rate_hz
    first += _heard(recovered.pair.inside, recovered.pair.raw.shape[1], rate_hz)
    return _told_in(recovered, first, sources, mixed, rate_hz)


def result_as_json(result: RecoveryResult) -> dict[str, Any]:
    """Describes a result for programs."""
    explained = result.explained
    return {
        "preset": str(result.files.preset),
        "report": str(result.files.report),
        "distance": round(explained.distance, 4),
        "raw_distance": round(explained.raw_distance, 4),
        "ratio": round(explained.ratio, 4),
        "null_db": round(explained.null_db, 2),
        "bands": [
            {
                "centre_hz": band.centre_hz,
                "level_db": round(band.level_db, 2),
                "spread_db": round(band.spread_db, 2),
                "null_db": round(band.null_db, 2),
            }
            for band in explained.bands
        ],
        "over_time": {
            "times_s": np.round(explained.times_s, 2).tolist(),
            "difference_db": np.round(explained.over_time_db, 2).tolist(),
            "level_db": np.round(explained.level_over_time_db, 2).tolist(),
        },
        "words": list(explained.words),
        "notes": list(result.notes),
    }


def _left(explained: Explained) -> str:
    return f"STFT distance {explained.ratio:.4f} of the raw recording's."


def over_ceiling_db(rendered: Samples) -> float:
    """By how much `mixbridge apply` turns down what is rendered, so that its peaks stay below its ceiling."""
    return max(0.0, true_peak_db(rendered) - _CEILING_DBTP)


def _as_applied(found: Recovered | RecoveredSession, rate_hz: int) -> tuple[str, ...]:
    """Says in what `mixbridge apply` differs from what is rendered here."""
    from ..twin.proof import tail_samples

    tail_s = tail_samples(found.preset, rate_hz) / rate_hz
    longer = f"`mixbridge apply` writes {tail_s:.1f} s more, in which room and echoes fade."
    return (*_quieter(found.rendered), *([longer] if tail_s > _TOLD_S else []))


def _quieter(rendered: Samples) -> tuple[str, ...]:
    over_db = over_ceiling_db(rendered)
    if over_db < _TOLD_OVER_DB:
        return ()
    return (
        f"Its peaks reach {true_peak_db(rendered):+.1f} dBTP: `mixbridge apply` plays it {over_db:.1f} dB quieter than "
        f"the mixed recording, so that they stay below {_CEILING_DBTP:g} dBTP. `--loudness` asks for another level.",
    )


def _heard(inside: slice, frames: int, rate_hz: int) -> str:
    """Says which part was heard, where the mixed recording does not reach all."""
    if frames - (inside.stop - inside.start) <= _TOLD_S * rate_hz:
        return ""
    return f" Only {inside.start / rate_hz:.1f} to {inside.stop / rate_hz:.1f} s are in both, and were compared."


def _told_in(
    found: Recovered | RecoveredSession, first: str, sources: Mapping[str, SourceFile], mixed: Path, rate_hz: int
) -> Preset:
    """A preset that says what it was made of, what it explains, and how loud it is: it is applied like that."""
    loudness_lufs = integrated_loudness(found.rendered, rate_hz) - over_ceiling_db(found.rendered)
    is_usual = _LOUDNESS_LUFS[0] <= loudness_lufs <= _LOUDNESS_LUFS[1]
    provenance = Provenance(
        tool=f"mixbridge {__version__}",
        reference=source_of(mixed),
        sample_rate_hz=rate_hz,
        # Peaks over the ceiling make it quieter: a limiter would be no part of what was found.
        level=MixLevel(loudness_lufs=round(loudness_lufs, 3), most_limited_db=0.0) if is_usual else None,
        note=" ".join((first, *found.explained.words))[:2000],
    )
    preset = found.preset
    tracks = tuple(track.model_copy(update={"source": sources[track.name]}) for track in preset.tracks)
    title = f"Recovered: {mixed.stem}"[:200]
    return preset.model_copy(update={"name": title, "tracks": tracks, "provenance": provenance})


def _write(
    files: RecoveryFiles,
    preset: Preset,
    recovered: Recovered | RecoveredSession,
    page: Callable[[tuple[str, str] | None], str],
    overwrite: bool,
    with_audio: bool,
) -> None:
    names = [path.name for path in files.all()]
    rate_hz = preset.provenance.sample_rate_hz
    with OutputFolder(files.preset.parent, overwrite, names) as workplace:
        audio = (files.rendered.name, files.residual.name) if with_audio else None
        write_text(workplace / files.report.name, page(audio))
        if with_audio and rate_hz is not None:
            _write_wav(workplace / files.rendered.name, recovered.rendered, rate_hz)
            _write_wav(workplace / files.residual.name, recovered.residual, rate_hz)
        write_text(workplace / files.preset.name, dumps(preset))


def _write_wav(path: Path, audio: Samples, rate_hz: int) -> None:
    # Floats: neither may be clipped.
    write_samples(path, audio, rate_hz)
