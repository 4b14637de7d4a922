"""Models of inserts: found, bounded, and the very ones that the preset names."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from ...presets.errors import InsertError, ModelError
from ...presets.inputs import open_regular
from ...presets.inserts.insert import Insert
from ...presets.inserts.words import insert_name
from .terms import InsertRules
from .wire import BrokenMessageError, has_external_data

MOST_MODEL_BYTES: Final = 2 * 2**30
_PIECE: Final = 2**20


def model_path(insert: Insert, rules: InsertRules) -> Path:
    """Find the model of an insert, and check that it is the one that the preset names.

    Raises:
        InsertError: it is missing, too large, or another one.
    """
    path = Path(insert.file or "")
    if not path.is_absolute():
        path = (rules.folder or Path()) / path
    digest = file_sha256(path, f"{insert_name(insert)}: the model")
    if digest != insert.sha256:
        raise InsertError(
            f"{insert_name(insert)}: {path} is not the model that the preset names (its SHA-256 begins with "
            f"{digest[:12]}, that of the preset's with {(insert.sha256 or '')[:12]}). Put the right file there, or "
            "declare this one with `mixbridge preset insert`."
        )
    return path.absolute()


def file_sha256(path: Path, what: str = "the model") -> str:
    """Compute the SHA-256 of a model's file.

    Raises:
        InsertError: it cannot be read, or is too large.
    """
    digest, size = hashlib.sha256(), 0
    try:
        with open_regular(path) as file:
            while piece := file.read(_PIECE):
                size += len(piece)
                if size > MOST_MODEL_BYTES:
                    raise InsertError(
                        f"{path} is larger than {MOST_MODEL_BYTES // 2**30} GiB: it is no model for this."
                    )
                digest.update(piece)
    except OSError as error:
        raise InsertError(
            f"{what} {path} cannot be read ({error.strerror or error}). Put it there, or remove the insert from the "
            "preset (`mixbridge preset insert`)."
        ) from error
    return digest.hexdigest()


def agreed_rate(name: str, declared_hz: int | None, said_hz: int | None) -> int | None:
    """Tell the rate that a model works at, by its own word and by that of the preset; None where neither says any.

    Raises:
        ModelError: they differ.
    """
    if declared_hz and said_hz and declared_hz != said_hz:
        raise ModelError(
            f"{name} says that it works at {said_hz} Hz, and {declared_hz} Hz were declared: leave `sample_rate_hz` "
            "away."
        )
    return declared_hz or said_hz


def check_onnx(data: bytes, name: str) -> None:
    """Refuse an ONNX model that is none, or reads other files.

    Raises:
        ModelError: it does.
    """
    try:
        external = has_external_data(data)
    except BrokenMessageError as error:
        raise ModelError(f"{name} is no ONNX model ({error}), or was damaged: export it again.") from error
    if external:
        raise ModelError(
            f"{name} keeps numbers in other files (external data), which an insert may not: save it as one file, "
            "e.g. onnx.save(onnx.load(...), ..., save_as_external_data=False)."
        )
