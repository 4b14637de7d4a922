"""The user's VST3 plug-ins among the devices of a .dawproject, behind those of mixbridge whose place they take.

Each is a `Vst3Plugin` with its class id, and its state as a .vstpreset in the zip.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from xml.etree.ElementTree import Element, SubElement

from .....presets.names import free_name, unique_names
from ...core.plugged import PluggedTracks, SessionPlugin
from ..archive import PROJECT, Container
from ..devices import is_ours
from ..mixer import Project
from ..splice import Splicer
from ..xml import parse

_STATE: Final = "plugins/{}.vstpreset"
_TAGS: Final = {"eq": "Equalizer", "compressor": "Compressor"}


def put_plugged(source: Path, target: Path, tracks: PluggedTracks, _channels: Mapping[str, int]) -> None:
    """Copy a project that a mix was written into, with plug-ins in it.

    Args:
        source: the project.
        target: the copy.
        tracks: by name, what their stages stand on.

    Raises:
        SessionError: the project cannot be read.
        OSError: the copy cannot be written.
    """
    with Container(source) as container, tempfile.TemporaryDirectory(prefix="mixbridge-") as folder:
        document = parse(container.text(PROJECT), with_places=True)
        project, splicer = Project(document, lambda _audio: None), Splicer(document)
        taken = {state.get("path", "") for state in document.root.iter("State")}
        files: dict[str, Path | None] = {}
        names = unique_names(track.name for track in project.audible)
        for name, track in zip(names, project.audible, strict=True):
            devices = None if track.channel is None else track.channel.find("Devices")
            chosen = tracks.get(name, ())
            if devices is None or not chosen:
                continue
            new: list[tuple[Element | None, Element]] = []
            for plugin in chosen:
                bare = free_name(f"mixbridge {len(files) + 1}", {_bare(path) for path in taken})
                place, state = _STATE.format(bare), Path(folder) / f"{len(files)}.vstpreset"
                taken.add(place)
                files[place] = state
                state.write_bytes(plugin.vstpreset)
                new.append((_own(devices, plugin), device_element(plugin, place)))
            splicer.add(devices, new)
        data = splicer.result()
        parse(data)
        with target.open("wb") as file:
            container.copy_to(file, data, files)


def device_element(plugin: SessionPlugin, path: str) -> Element:
    """Make the device of a plug-in whose state lies at a path of the zip."""
    attributes: Mapping[str, str] = {
        "deviceID": plugin.class_id,
        "deviceName": plugin.name,
        "deviceRole": "audioFX",
        "deviceVendor": plugin.vendor,
        "loaded": "true",
        "name": plugin.title,
    }
    device = Element("Vst3Plugin", {key: value for key, value in attributes.items() if value})
    SubElement(device, "Enabled", value="true")
    SubElement(device, "State", path=path)
    return device


def _own(devices: Element, plugin: SessionPlugin) -> Element | None:
    """Find the device of mixbridge behind which a plug-in goes."""
    ours = [device for device in devices if device.tag == _TAGS[plugin.stage] and is_ours(device)]
    return ours[-1] if ours else None


def _bare(path: str) -> str:
    start, end = _STATE.split("{}")
    return path.removeprefix(start).removesuffix(end)
