"""What the page has done, kept in the work folder after each change: a server that died goes on where it was."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ...presets import files
from ...presets.errors import OutputError, PresetError
from ...presets.preset import Preset

_FILE: Final = "studio.json"
_TOKEN: Final = "token"
_TOKEN_BYTES: Final = 24
_MOST_BYTES: Final = 2**27


@dataclass(frozen=True)
class KeptWork:
    """The state of the work.

    Attributes:
        preset: as it stood last.
        predicted: what the model said; None if it was not asked.
        snapshots: by name.
        stems: files that were dropped on the page, by track name; as names of files in the work folder's `audio`.
        reference: likewise; empty for none.
        reference_name: what people know it by.
    """

    preset: Preset
    predicted: Preset | None = None
    snapshots: Mapping[str, Preset] = field(default_factory=dict)
    stems: Mapping[str, str] = field(default_factory=dict)
    reference: str = ""
    reference_name: str = ""

    @classmethod
    def read(cls, place: Path) -> KeptWork | None:
        """What was kept in a folder; None where there is nothing, or nothing that can be used."""
        path = place / _FILE
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, PresetError):
            if path.stat().st_size > _MOST_BYTES:
                return None
            data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            predicted = data["predicted"]
            return cls(
                files.loads(data["preset"]),
                None if predicted is None else files.loads(predicted),
                {str(name): files.loads(text) for name, text in data["snapshots"].items()},
                {str(name): Path(str(file)).name for name, file in data["stems"].items()},
                Path(str(data["reference"])).name,
                str(data["reference_name"]),
            )
        return None


def keep(place: Path, kept: KeptWork) -> None:
    """Write the state, in place of an older one, whole or not at all; a full disk does not end the work."""
    text = json.dumps(
        {
            "preset": files.dumps(kept.preset),
            "predicted": None if kept.predicted is None else files.dumps(kept.predicted),
            "snapshots": {name: files.dumps(preset) for name, preset in kept.snapshots.items()},
            "stems": dict(kept.stems),
            "reference": kept.reference,
            "reference_name": kept.reference_name,
        }
    )
    with contextlib.suppress(OutputError):
        files.write_text(place / _FILE, text, overwrite=True)


def token_of(place: Path) -> str:
    """The word that opens the page: the same each time in one work folder, readable by its owner alone.

    Raises:
        OutputError: it cannot be kept.
    """
    path = place / _TOKEN
    with contextlib.suppress(OSError, UnicodeDecodeError):
        known = path.read_text(encoding="ascii")
        if len(known) == 2 * _TOKEN_BYTES and known.isalnum():
            return known
    token = secrets.token_hex(_TOKEN_BYTES)
    try:
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(token)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}.") from error
    return token
