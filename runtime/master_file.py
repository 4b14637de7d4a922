"""One finished stereo file brought to a reference: `mixbridge master`. No tracks, no model; the master alone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

from ..presets.checking.arguments import checked_call, checked_choice, checked_kind, checked_number, checked_path
from ..presets.errors import AudioError, MixbridgeError, OutputError, PresetError
from ..presets.files import dumps, rounded
from ..presets.preset import Preset, Provenance, SourceFile, Track, WeightedFile, Window, said_of
from ..presets.version import __version__
from .audio.opening import ON_DEMAND, OpenFiles
from .audio.output import OutputFolder, write_text
from .audio.reading import probe
from .audio.stems import collect_stems
from .mastering.fitting import Mastering, Phase, fit_master, reference_profile, rendering_for
from .mixing import PRESET, MixResult, Progress, mix_files, output_for
from .model.analysis import said_offsets
from .model.excerpts import choose_start_s
from .model.references import AnyReference, Song, songs_of
from .rendering.render import RenderOptions, render_files

_FITTING = 0.4
_SHOWN_S = 6.0


@dataclass(frozen=True)
class MasterOptions:
    """How to fit the master.

    Attributes:
        amount: 0 nothing, 1 all of the difference to the reference.
        phase: of the match curve: minimum, or linear, which turns no phase and rings before attacks.
    """

    amount: float = 1.0
    phase: Phase = "minimum"

    def __post_init__(self) -> None:
        checked_number(self.amount, "the amount", 0, 1, PresetError)
        checked_choice(self.phase, "a phase of the match curve", get_args(Phase), PresetError)


def master(
    mix: Path | str,
    reference: AnyReference,
    output: Path | str,
    *,
    amount: float | None = None,
    options: MasterOptions | None = None,
    render_options: RenderOptions | None = None,
    progress: Progress | None = None,
) -> MixResult:
    """Bring a finished mix to the spectrum, width, density and loudness of a reference.

    Args:
        mix: an audio file of one or two channels.
        reference: a finished song; or several, a list of files and of :class:`mixbridge.Reference` with weights, or
            weights by file.
        output: folder for `mix.wav` and `preset.json`; it appears whole or not at all.
        amount: 0 nothing, 1 all of the difference; None for that of the options.
        options: amount, phase of the curve.
        render_options: format, ceiling, loudness; None takes the loudness of the reference. There are no stems.
        progress: called with 0..1 and what is being done.

    Raises:
        AudioError: a file cannot be used.
        OutputError: the folder cannot be written, or holds a mix already and `render_options.overwrite` is off.
    """
    how = RenderOptions(loudness_of_reference=True)
    if render_options is not None:
        how = checked_kind(render_options, RenderOptions, "render_options", OutputError)
    wanted = MasterOptions() if options is None else checked_kind(options, MasterOptions, "options", PresetError)
    if amount is not None:
        wanted = MasterOptions(amount, wanted.phase)
    checked_call(progress, "progress", MixbridgeError)
    mix, songs = checked_path(mix, "the mix", AudioError), songs_of(reference)
    stems = mix_alone(mix, songs)
    place = output_for(checked_path(output, "the output", OutputError), stems, songs, master_files(how), how)
    with place:
        return master_into(place, stems, songs, options=wanted, render_options=how, progress=progress)


def master_into(
    place: OutputFolder,
    stems: Mapping[str, Path],
    reference: AnyReference,
    *,
    options: MasterOptions,
    render_options: RenderOptions,
    progress: Progress | None = None,
) -> MixResult:
    """:func:`master` into a folder that is open already, of what :func:`mix_alone` gave."""
    say = progress or _say_nothing
    say(0.0, "Listening")
    with OpenFiles() as files:
        preset, mastering = fit_alone(stems, reference, options, files)
        how = rendering_for(mastering, replace(render_options, stems=False, stems_post_master=False))
        render = render_files(
            stems, preset, place.workplace, how, lambda done, what: say(_FITTING + (1 - _FITTING) * done, what), files
        )
        write_text(place.workplace / PRESET, dumps(preset))
        offsets = tuple(said_offsets(stems, files))
    return MixResult(place.folder, preset, render, mastering=mastering, offsets=offsets)


def fit_alone(
    stems: Mapping[str, Path],
    reference: AnyReference,
    options: MasterOptions,
    files: OpenFiles = ON_DEMAND,
) -> tuple[Preset, Mastering | None]:
    """Fit the master of a preset whose only track is a finished mix; nothing is rendered or written.

    Raises:
        AudioError: a file cannot be used, or the reference is silent.
    """
    songs = songs_of(reference)
    profile = reference_profile(songs, files)
    if profile.is_silent:
        raise AudioError(f"{songs[0].path}: silent; choose a reference with music in it")
    names = {name: _source(path, files) for name, path in stems.items()}
    preset = Preset(
        tracks=tuple(Track(name=name, role="full mix", source=source) for name, source in names.items()),
        provenance=Provenance(
            tool=f"mixbridge {__version__}",
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            **said_of([_weighted(song, files) for song in songs]),
        ),
    )
    mastering = fit_master(preset, stems, profile, amount=options.amount, phase=options.phase, files=files)
    fitted = preset if mastering is None else preset.model_copy(update={"master": mastering.master})
    return rounded(fitted), mastering


def mix_alone(mix: Path | str, reference: AnyReference) -> dict[str, Path]:
    """Name a finished mix as the only track, called like its file.

    Raises:
        AudioError: it is no audio file, a folder of several, or a reference.
    """
    stems = collect_stems([os.fspath(mix)], [os.fspath(song.path) for song in songs_of(reference)]).stems
    if len(stems) > 1:
        raise AudioError(f"{mix} holds {len(stems)} files: name one finished mix, or mix them with `mixbridge mix`")
    return stems


def master_files(options: RenderOptions) -> list[str]:
    """The files that :func:`master` writes, relative to its folder."""
    return mix_files((), replace(options, stems=False))


def _loudest_part(song: Path, files: OpenFiles) -> Window:
    """The passage of the reference that a report shows; the fit is to the whole song."""
    length_s = min(_SHOWN_S, probe(song, files).duration_s)
    return Window(start_s=choose_start_s([song], length_s, files), length_s=round(length_s, 3))


def _weighted(song: Song, files: OpenFiles) -> WeightedFile:
    source = _source(song.path, files)
    window = _loudest_part(song.path, files)
    return WeightedFile(file=source.file, sha256=source.sha256, weight=round(song.share, 4), window=window)


def _source(path: Path, files: OpenFiles) -> SourceFile:
    with files.borrowed(path) as file:
        return SourceFile(file=path.name, sha256=file.sha256())


def _say_nothing(_share: float, _what: str) -> None:
    pass
