"""What mixing leaves: a folder with `mix.wav`, `stems/` and `preset.json`; which files, and what they may replace."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..presets.errors import OutputError
from ..presets.inputs import open_regular
from ..presets.preset import FORMAT, Preset
from .audio.output import OutputFolder
from .audio.reading import is_audio
from .audio.stems import Stems, paths_by_name
from .audio.writing import FORMATS
from .console.buses import bus_names
from .console.effects.buses import BUSES
from .inserts.buses import BusInsertRuns
from .mastering.fitting import (
    Mastering,
)
from .model.analysis import Passage
from .model.references import AnyReference, songs_heard
from .practice.stages.grouping import GROUP_STEMS
from .refinement.refine import Refinement
from .rendering.render import RenderOptions, RenderResult, stem_files_of

PRESET = "preset.json"
# Where a preset says what it is.
_PRESET_START_BYTES = 4096


@dataclass(frozen=True)
class MixResult:
    """What was made.

    Attributes:
        folder: where everything is.
        preset: the settings that were applied.
        render: files, relative to the folder, and levels of the audio.
        passage: what the model heard of the tracks; None where a preset was only applied.
        refinement: what a search made of the settings; None where none was asked for.
        mastering: what the master was fitted to, and how near it came; None where it was not.
        offsets: sentences on tracks with a DC offset.
        heard: stems that went through inserts, by track name, as long as the folder is being made.
        bus_inserts: runs what stands in front of groups and the master; None where nothing does.
    """

    folder: Path
    preset: Preset
    render: RenderResult
    passage: Passage | None = None
    refinement: Refinement | None = None
    mastering: Mastering | None = None
    offsets: tuple[str, ...] = ()
    heard: Mapping[str, Path] = field(default_factory=dict)
    bus_inserts: BusInsertRuns | None = None

    @property
    def mix_path(self) -> Path:
        """The mix."""
        return self.folder / self.render.mix_file

    @property
    def preset_path(self) -> Path:
        """The preset that was saved."""
        return self.folder / PRESET

    @property
    def stem_paths(self) -> dict[str, Path]:
        """The processed stems, by track name; empty if none were asked for."""
        return {name: self.folder / stem.file for name, stem in self.render.stems.items()}

    @property
    def bus_paths(self) -> dict[str, Path]:
        """Groups and returns of effects, by name: "Drums bus", "reverb return"; empty if no stems were asked for."""
        return {name: self.folder / stem.file for name, stem in self.render.buses.items()}


def output_for(
    folder: Path,
    stems: Stems,
    reference: AnyReference | None,
    expected: Sequence[str],
    options: RenderOptions,
    inputs: Iterable[Path] = (),
) -> OutputFolder:
    """The folder of a mix's results, to be opened by whoever the user calls.

    Args:
        folder: made if need be.
        stems: files that are mixed, by track name.
        reference: the song or songs that are listened to, if any.
        expected: what will be written, relative to the folder.
        options: whether results in it are replaced.
        inputs: more files that are read, e.g. the session that the stems were made of.

    Raises:
        OutputError: it holds what may not be replaced, or what is read.
    """
    heard = songs_heard(reference)
    read = [*paths_by_name(stems).values(), *(song.path for song in heard), *inputs]
    place = OutputFolder(folder, options.overwrite, expected, read)
    recording = next((name for name in expected if is_audio(folder / name)), None)
    if recording is not None and not _is_result(folder):
        raise OutputError(
            "is a recording, and no result of mixbridge (no mix and preset.json are with it): it is never replaced. "
            "Choose another folder.",
            folder / recording,
        )
    return place


def preset_files(preset: Preset, options: RenderOptions) -> list[str]:
    """The files that :func:`apply` writes, relative to its folder."""
    names = [track.name for track in preset.tracks if not track.mute]
    return _result_files([*names, *bus_names(preset)], options)


def mix_files(names: Iterable[str], options: RenderOptions) -> list[str]:
    """The files that :func:`mix` may write for tracks of these names, relative to its folder."""
    return _result_files([*names, *GROUP_STEMS, *BUSES], options)


def _is_result(folder: Path) -> bool:
    """Whether a mix of ours is in a folder: then the preset that made it is there, too.

    A preset alone may lie with raw stems, where somebody saved it.
    """
    if not any((folder / f"mix{audio_format.suffix}").is_file() for audio_format in FORMATS.values()):
        return False
    try:
        with open_regular(folder / PRESET) as file:
            return f'"{FORMAT}"'.encode() in file.read(_PRESET_START_BYTES)
    except OSError:
        return False


def _result_files(names: Iterable[str], options: RenderOptions) -> list[str]:
    suffix = FORMATS[options.audio_format].suffix
    return [f"mix{suffix}", *stem_files_of(names, options), PRESET]
