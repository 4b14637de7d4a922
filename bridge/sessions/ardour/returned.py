"""Returns of effects as audio on tracks of an Ardour session, where Ardour has no such effect.

A file of two channels lies in the session's own folder of audio: two sources, one region, and a track that goes to
the master. The tracks are called as all that mixbridge adds, so the next mix takes them out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final
from xml.etree.ElementTree import Element, SubElement

from ..core.returned import ReturnAudio, return_files
from .busses import Busses, Ids
from .plugins import indent

# Ardour 7 counts time so, at any sample rate.
_SUPERCLOCK_HZ: Final = 282_240_000
_CURVES: Final = ("Envelope", "FadeIn", "FadeOut")


def put_return_audio(
    root: Element, busses: Busses, ids: Ids, returns: Sequence[ReturnAudio], output: Path
) -> dict[str, Path]:
    """Add a track for each return.

    Args:
        root: of the session's file.
        busses: of the session.
        ids: for what is new.
        returns: which.
        output: the snapshot.

    Returns:
        The files, by the names that they have in the session's folder.
    """
    names = return_files(returns, output)
    place = _audio_place(root, output.absolute().parent)
    for item in returns:
        sources = list(_sources(root, ids, names[item.effect]))
        track = busses.add_track(item.track_name)
        playlist = SubElement(
            _child(root, "Playlists"),
            "Playlist",
            {
                "id": track.get("audio-playlist", ""),
                "name": item.track_name,
                "type": "audio",
                "orig-track-id": track.get("id", ""),
                "frozen": "0",
                "combine-ops": "0",
            },
        )
        _region(playlist, ids, item, sources)
        indent(playlist, _child(root, "Playlists"))
    return {f"{place}/{names[item.effect]}": item.path for item in returns}


def _audio_place(root: Element, folder: Path) -> str:
    """Find the folder of the session's audio, from its own: Ardour calls it as the session."""
    own = root.get("name", "")
    try:
        there = sorted(item.name for item in (folder / "interchange").iterdir() if item.is_dir())
    except OSError:
        there = []
    name = own if own in there or not there else there[0]
    return f"interchange/{name}/audiofiles"


def _sources(root: Element, ids: Ids, name: str) -> Iterator[str]:
    parent = _child(root, "Sources")
    for channel in range(2):
        identity = ids.fresh()
        source = SubElement(
            parent,
            "Source",
            {
                "name": name,
                "take-id": "",
                "type": "audio",
                "flags": "",
                "id": identity,
                "channel": str(channel),
                "origin": "",
                "gain": "1",
            },
        )
        indent(source, parent)
        yield identity


def _region(playlist: Element, ids: Ids, item: ReturnAudio, sources: Sequence[str]) -> None:
    length = round(item.frames * _SUPERCLOCK_HZ / item.sample_rate_hz)
    region = SubElement(
        playlist,
        "Region",
        {
            "name": item.track_name,
            "id": ids.fresh(),
            "type": "audio",
            "channels": str(len(sources)),
            "start": "a0",
            "length": f"a{length}@a0",
            "sync-position": "a0",
            "ancestral-start": "a0",
            "ancestral-length": "a0@a0",
            "opaque": "1",
            "muted": "0",
            "whole-file": "0",
            "layering-index": "0",
            "scale-amplitude": "1",
            "fade-in-active": "0",
            "fade-out-active": "0",
            "default-fade-in": "1",
            "default-fade-out": "1",
            **{f"source-{channel}": identity for channel, identity in enumerate(sources)},
            **{f"master-source-{channel}": identity for channel, identity in enumerate(sources)},
        },
    )
    for tag in _CURVES:
        SubElement(region, tag, {"default": "yes"})


def _child(root: Element, tag: str) -> Element:
    child = root.find(tag)
    return SubElement(root, tag) if child is None else child
