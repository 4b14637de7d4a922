"""Audio files that are dropped on the page: bounded, kept under names of our own, and taken by what they hold."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from pathlib import Path, PurePosixPath
from typing import Final

from anyio import open_file, to_thread

from ...presets.errors import AudioError, OutputError
from ...presets.escaping import escaped
from ...presets.names import LONGEST_NAME
from ...runtime.audio.reading import probe
from ..server.steps import StepName
from .keeping import AUDIO
from .material import PageReference, with_reference
from .studio import PageStudio

MOST_BYTES: Final = 2**30
MOST_TOTAL_BYTES: Final = 2**33
MOST_STEMS: Final = 128
LONGEST_S: Final = 6 * 3600.0
_ENDINGS: Final = frozenset({".wav", ".flac", ".aif", ".aiff", ".ogg", ".mp3", ".w64", ".caf"})


async def receive_audio(studio: PageStudio, kind: str, name: str, announced: str, stream: AsyncIterator[bytes]) -> None:
    """Takes a stem or a reference.

    Args:
        studio: what it is for.
        kind: "stems" or "reference".
        name: what the file is called where it comes from; only a track's name is made of it.
        announced: its size in bytes, as the sender says; empty if it does not.
        stream: its bytes.

    Raises:
        AudioError: it is too large, no audio, or there are too many.
        OutputError: it cannot be kept.
    """
    called = track_name(name)
    if announced.isdecimal() and int(announced) > MOST_BYTES:
        raise _too_large(called)
    if kind == "stems" and len(studio.material.stems) >= MOST_STEMS:
        raise AudioError(f"{MOST_STEMS} stems are there: bounce some together.")
    folder = studio.place / AUDIO
    ending = PurePosixPath(name.replace("\\", "/")).suffix.lower()
    path = folder / f"{secrets.token_hex(8)}{ending if ending in _ENDINGS else '.audio'}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        await _write(path, called, stream, MOST_TOTAL_BYTES - _held(folder))
        await to_thread.run_sync(_use, studio, kind, called, path)
    except OSError as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OutputError):
            raise
        raise OutputError(f"{called} cannot be kept: {error.strerror or error}.") from error
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def track_name(name: str) -> str:
    """What a track of this file is called: without folders, ending and control characters."""
    stem = PurePosixPath(name.replace("\\", "/")).stem
    return escaped(stem).strip()[:LONGEST_NAME] or "Track"


async def _write(path: Path, called: str, stream: AsyncIterator[bytes], room: int) -> None:
    size = 0
    async with await open_file(path, "xb") as file:
        async for part in stream:
            size += len(part)
            if size > min(MOST_BYTES, room):
                raise _too_large(called)
            await file.write(part)


def _use(studio: PageStudio, kind: str, called: str, path: Path) -> None:
    try:
        length_s = probe(path).duration_s
    except AudioError as error:
        # The file's own name, which the sender knows, in place of the one that it is kept under.
        raise AudioError(str(error).replace(str(path), called)) from None
    if length_s > LONGEST_S:
        # What is silent is packed so tightly that days of it are small.
        hours = LONGEST_S / 3600
        raise AudioError(f"{called} is longer than the page takes ({hours:g} hours): cut it, or start with its folder.")
    if kind == "reference":
        did = StepName("add reference", called)
        studio.gather(lambda material: with_reference(material, PageReference(path, called)), did)
    else:
        studio.add_stem(called, path)


def _held(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def _too_large(called: str) -> AudioError:
    return AudioError(f"{called} is larger than the page takes ({MOST_BYTES >> 30} GB a file): start with its folder.")
