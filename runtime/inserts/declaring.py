"""Inserts as they are typed; and into presets that were predicted behind them, which then name them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import ValidationError

from ...presets.checking.claims import with_claims_of
from ...presets.errors import PresetError
from ...presets.inserts.insert import Insert, InsertKind
from ...presets.preset import Preset, SourceFile
from ..audio.opening import ON_DEMAND, OpenFiles
from .deepfilter.weights import SHA256
from .models import file_sha256

_KINDS: Final = "denoise, onnx:FILE, torchscript:FILE or command:PROGRAM ARGUMENTS"


def declared(typed: str, *, model: str | None = None, beside: Path | None = None, **settings: Any) -> Insert:
    """Declare an insert as people type it: "denoise", "onnx:clean.onnx", "command:sox {in} {out} highpass 80".

    Args:
        typed: its kind, and the file or the program with its arguments; quotes hold an argument with spaces together.
        model: file for `{model}` of a command.
        beside: folder of the preset: a model in it is named relative to it.
        settings: other fields of the insert.

    Raises:
        PresetError: there is no such kind, or a setting does not fit.
        InsertError: the model cannot be read.
    """
    kind, _, rest = typed.partition(":")
    if kind not in get_args(InsertKind) or (kind == "denoise") != (not rest):
        raise PresetError(f"{typed!r} is no insert: give {_KINDS}.")
    if kind == "denoise":
        settings["sha256"] = SHA256
    elif kind == "command":
        settings["command"] = tuple(_arguments(rest))
    else:
        model = rest
    if model is not None:
        settings["sha256"] = file_sha256(Path(model))
        settings["file"] = _relative(Path(model), beside)
    try:
        return Insert.model_validate({"kind": kind, **settings})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        said = first["msg"].removeprefix("Value error, ")
        raise PresetError(f"{typed!r} is no insert: {f'{place}: ' if place else ''}{said}.") from error


def _arguments(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise PresetError(f"{line!r} is no command: {error}.") from error


def _relative(path: Path, beside: Path | None) -> str:
    """A model beside the preset moves with it; another is named as a whole."""
    whole = path.absolute()
    if beside is not None and whole.is_relative_to(beside):
        return whole.relative_to(beside).as_posix()
    return str(whole)


def with_inserts(
    preset: Preset,
    inserts: Mapping[str, Sequence[Insert]],
    stems: Mapping[str, Path],
    files: OpenFiles = ON_DEMAND,
) -> Preset:
    """Declare the inserts of tracks.

    Args:
        preset: predicted from what came out of them; its claims are of that sound, and stay.
        inserts: by track name.
        stems: the raw files, which the tracks are then said to come from.
        files: stems that are open already.
    """
    if not inserts:
        return preset
    tracks = []
    for track in preset.tracks:
        several = tuple(inserts.get(track.name, ()))
        update: dict[str, object] = {"inserts": several}
        if several and track.source is not None:
            with files.borrowed(stems[track.name]) as file:
                update["source"] = SourceFile(file=stems[track.name].name, sha256=file.sha256())
        tracks.append(track.model_copy(update=update) if several else track)
    return with_claims_of(preset.model_copy(update={"tracks": tuple(tracks)}), preset)
