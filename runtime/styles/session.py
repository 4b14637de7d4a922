"""From files to a preset in a model's style, with what a user wishes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ...presets.checking.claims import with_claims
from ...presets.errors import Hint, ModelError, PresetError
from ...presets.preset import Preset, SourceFile, WeightedFile, Window, said_of
from ...presets.roles import Role
from ..audio.opening import OpenFiles
from ..audio.reading import probe
from ..model.analysis import Passage, cut_passage
from ..model.references import Song
from ..wishes.wishes import Wishes, granted
from .deciding import StyledModel, plain_without_reference, predict_in_style

_SONG_HAS_NO_SAY = "The reference has a say in the master alone: how tracks are set is the style of the model."


def predict_files_in_style(
    model: StyledModel,
    stems: Mapping[str, Path],
    songs: Sequence[Song],
    roles: Mapping[str, Role],
    window_s: float | None,
    amount: float,
    wishes: Wishes,
    files: OpenFiles,
) -> tuple[Preset, Passage]:
    """Hear a session, and set it in the style of a model.

    Args:
        model: whose style.
        stems: files by track name.
        songs: references that the master will be fitted to; none has a say in the tracks.
        roles: of tracks that somebody told.
        window_s: where a passage begins that is heard in any case; None chooses.
        amount: of the settings, 0..1.5.
        wishes: what is asked for beside.
        files: keeps files open for what comes next.

    Raises:
        AudioError: a file cannot be used.
        PresetError: a wish cannot be granted.
    """
    passage = cut_passage(stems, model.sample_rate_hz, model.window_samples, window_s, files)
    with ThreadPoolExecutor(1) as pool:
        hashing = pool.submit(_sources, [*stems.values(), *(song.path for song in songs)], files)
        preset = predict_in_style(model, passage, roles, amount)
        if wishes.are_any:
            plain = plain_without_reference(model, preset, passage) if wishes.only is not None else None
            confidence = preset.provenance.confidence
            preset = with_claims(granted(preset, wishes, plain), confidence, ())
        sources = hashing.result()
    tracks = tuple(track.model_copy(update={"source": sources[stems[track.name]]}) for track in preset.tracks)
    update: dict[str, object] = {}
    if songs:
        update = {**said_of([_heard(song, sources[song.path], files) for song in songs])}
        update["decisions"] = (*(preset.provenance.decisions or ()), _SONG_HAS_NO_SAY)
    provenance = preset.provenance.model_copy(update=update)
    return preset.model_copy(update={"tracks": tracks, "provenance": provenance}), passage


def check_reference(styled: StyledModel | None, has_song: bool, name: str, *, refines: bool, matches: bool) -> None:
    """Check that there is a reference where one is needed, and that a style is asked for nothing else.

    Args:
        styled: the model, if it has a style of its own.
        has_song: whether a reference was given.
        name: of the model.
        refines: a search is asked for.
        matches: a master fitted to the reference is asked for.

    Raises:
        ModelError: the model needs a reference.
        PresetError: what is asked for is done with a reference, or without a style.
    """
    if styled is None and not has_song:
        raise ModelError(
            f"the model {name} needs a reference: give a finished song, or take a model that has learned a style from "
            "pairs of raw and mixed tracks (`mixbridge model list`)",
            hints=(Hint("reference", "song.wav"),),
        )
    if styled is not None and refines:
        raise PresetError("a search comes closer to a reference, and this model has a style of its own: leave it")
    if not has_song and matches:
        raise PresetError("the master is fitted to a reference, and there is none: give one, or leave that")


def _heard(song: Song, source: SourceFile, files: OpenFiles) -> WeightedFile:
    window = Window(start_s=0, length_s=round(probe(song.path, files).duration_s, 3))
    return WeightedFile(file=source.file, sha256=source.sha256, weight=round(song.share, 4), window=window)


def _sources(paths: Sequence[Path], files: OpenFiles) -> dict[Path, SourceFile]:
    found = {}
    for path in dict.fromkeys(paths):
        with files.borrowed(path) as file:
            found[path] = SourceFile(file=path.name, sha256=file.sha256())
    return found
