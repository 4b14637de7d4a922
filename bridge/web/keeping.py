"""What the page has done, kept in the work folder after each change: a server that died goes on where it was."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from ...presets import files
from ...presets.errors import OutputError, PresetError
from ...presets.preset import Preset
from .material import PageMaterial, PageReference

AUDIO: Final = "audio"  # what was dropped on the page, in the work folder
_FILE: Final = "studio.json"
_TOKEN: Final = "token"
_TOKEN_BYTES: Final = 24
_MOST_BYTES: Final = 2**27


@dataclass(frozen=True)
class KeptReference:
    """A reference as it is kept.

    Attributes:
        file: in the work folder's `audio`; empty for one that the command names.
        name: what people know it by.
        weight: against the others.
    """

    file: str
    name: str
    weight: float


@dataclass(frozen=True)
class KeptWork:
    """The state of the work.

    Attributes:
        preset: as it stood last.
        predicted: what the model said; None if it was not asked.
        snapshots: by name.
        stems: files that were dropped on the page, by track name; as names of files in the work folder's `audio`.
        known: names of all stems that there were, those that were removed, too.
        references: in their order.
        roles: what tracks are, as it was told on the page.
    """

    preset: Preset
    predicted: Preset | None = None
    snapshots: Mapping[str, Preset] = field(default_factory=dict)
    stems: Mapping[str, str] = field(default_factory=dict)
    known: tuple[str, ...] = ()
    references: tuple[KeptReference, ...] = ()
    roles: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, place: Path) -> KeptWork | None:
        """What was kept in a folder; None where there is nothing, or nothing that can be used."""
        path = place / _FILE
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError, PresetError):
            if path.stat().st_size > _MOST_BYTES:
                return None
            data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            predicted = data["predicted"]
            return cls(
                files.loads(data["preset"]),
                None if predicted is None else files.loads(predicted),
                {str(name): files.loads(text) for name, text in data["snapshots"].items()},
                {str(name): Path(str(file)).name for name, file in data["stems"].items()},
                tuple(map(str, data["known"])),
                tuple(
                    KeptReference(Path(str(item["file"])).name, str(item["name"]), float(item["weight"]))
                    for item in data["references"]
                ),
                {str(name): str(role) for name, role in data["roles"].items()},
            )
        return None

    def material(self, given: PageMaterial, place: Path) -> PageMaterial:
        """Add what was dropped on the page to what the command names, as far as it is there still."""
        folder = place / AUDIO
        dropped = {name: folder / file for name, file in self.stems.items() if (folder / file).is_file()}
        references = [song for item in self.references if (song := self._song(item, given, folder))]
        return replace(given, stems={**given.stems, **dropped}, references=tuple(references))

    def _song(self, item: KeptReference, given: PageMaterial, folder: Path) -> PageReference | None:
        if item.file:
            path = folder / item.file
            return PageReference(path, item.name, item.weight) if path.is_file() else None
        named = next((song for song in given.references if song.name == item.name), None)
        return named and replace(named, weight=item.weight)

    def tracks(self, material: PageMaterial) -> list[str]:
        """Names of the tracks to go on with: those that were there, and stems that are new since."""
        before = [track.name for track in self.preset.tracks if track.name in material.stems]
        return [*before, *(name for name in material.stems if name not in self.known)]


def kept_stems(material: PageMaterial, place: Path) -> dict[str, str]:
    """Name the files of stems that were dropped on the page."""
    return {name: path.name for name, path in material.stems.items() if path.parent == place / AUDIO}


def kept_references(references: Iterable[PageReference], place: Path) -> tuple[KeptReference, ...]:
    """Describe the references as they are kept."""
    return tuple(
        KeptReference(song.path.name if song.path.parent == place / AUDIO else "", song.name, song.weight)
        for song in references
    )


def clear_audio(material: PageMaterial, place: Path) -> None:
    """Delete files that were dropped on the page and belong to nothing any more."""
    used = {*material.stems.values(), *(song.path for song in material.references)}
    with contextlib.suppress(OSError):
        for path in (place / AUDIO).iterdir():
            if path not in used:
                path.unlink()


def keep(place: Path, kept: KeptWork) -> None:
    """Write the state, in place of an older one, whole or not at all; a full disk does not end the work."""
    text = json.dumps(
        {
            "preset": files.dumps(kept.preset),
            "predicted": None if kept.predicted is None else files.dumps(kept.predicted),
            "snapshots": {name: files.dumps(preset) for name, preset in kept.snapshots.items()},
            "stems": dict(kept.stems),
            "known": list(kept.known),
            "references": [vars(item) for item in kept.references],
            "roles": dict(kept.roles),
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
