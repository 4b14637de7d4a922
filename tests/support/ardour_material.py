"""Sources for Ardour sessions: Lua cannot import without a window, so recordings are written into a closed session.

Only the list of sources and of whole files is touched; what stands on the timeline is made by Ardour itself.
"""

from __future__ import annotations

import shutil
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path

import soundfile as sf

SUPERCLOCK_HZ = 282_240_000


def inject(
    session_file: Path, recordings: Mapping[str, tuple[Path, ...]], *, gains: Mapping[str, float] | None = None
) -> None:
    """Makes recordings known to a session that no Ardour has open.

    Args:
        session_file: its `.ardour` file.
        recordings: files by the name that the whole recording gets as a region; of several files, each is one channel
            or more of it, as Ardour imports stereo files.
        gains: linear, of the recordings that are not as loud as their files.
    """
    tree = ET.parse(session_file)
    root = tree.getroot()
    rate_hz = int(root.get("sample-rate"))
    folders = sorted((session_file.parent / "interchange").iterdir())
    known = int(root.get("id-counter"))
    for name, files in recordings.items():
        channels = []
        for file in files:
            shutil.copy(file, folders[0] / "audiofiles" / file.name)
            for channel in range(sf.info(file).channels):
                known += 1
                channels.append(str(known))
                ET.SubElement(
                    root.find("Sources"),
                    "Source",
                    {"name": file.name, "take-id": "", "type": "audio", "flags": "", "id": str(known)}
                    | {"channel": str(channel), "origin": "", "gain": str((gains or {}).get(name, 1))},
                )
        known += 1
        length = round(sf.info(files[0]).frames * SUPERCLOCK_HZ / rate_hz)
        region = ET.SubElement(
            root.find("Regions"),
            "Region",
            {"name": name, "id": str(known), "type": "audio", "channels": str(len(channels)), "whole-file": "1"}
            | {"start": "a0", "length": f"a{length}@a0", "sync-position": "a0", "opaque": "1", "muted": "0"}
            | {"ancestral-start": "a0", "ancestral-length": "a0@a0", "layering-index": "0", "scale-amplitude": "1"}
            | {"fade-in-active": "1", "fade-out-active": "1", "default-fade-in": "1", "default-fade-out": "1"}
            | {f"source-{n}": channel for n, channel in enumerate(channels)}
            | {f"master-source-{n}": channel for n, channel in enumerate(channels)},
        )
        for tag in ("Envelope", "FadeIn", "FadeOut"):
            ET.SubElement(region, tag, {"default": "yes"})
    root.set("id-counter", str(known + 1))
    tree.write(session_file, encoding="UTF-8", xml_declaration=True)
