"""A preset as files that a DAW loads into the user's plug-ins: one .vstpreset for each track, stage and plug-in.

Each is loaded into a fresh plug-in before it is handed out, which has to sound like the one that was fitted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ....presets.errors import PluginError
from ....presets.preset import Track
from ....runtime.audio.naming import file_names
from ....runtime.audio.output import OutputFolder
from ....runtime.plugins.stage import PluginHosts
from .choices import PluginChoices
from .fitting import FittedPlugin, PluggedStage, fit_tracks
from .vstpreset import unpacked

NULL_DB: Final = -120.0
"""How far a fresh plug-in with the state may be from the one that was fitted."""
_RATE_HZ: Final = 48000
_NOISE_S: Final = 0.5


@dataclass(frozen=True)
class SavedState:
    """A file that was written.

    Attributes:
        file: its name in the folder.
        fit: the stage that it is of.
        plugin: name of the plug-in.
        null_db: how far a fresh plug-in with it was from the one that was fitted; -inf for bit by bit.
    """

    file: str
    fit: PluggedStage
    plugin: str
    null_db: float


def save_states(
    choices: PluginChoices,
    tracks: Sequence[Track],
    folder: Path,
    *,
    stems: Mapping[str, Path] | None = None,
    sample_rate_hz: int = _RATE_HZ,
    overwrite: bool = False,
) -> tuple[SavedState, ...]:
    """Fit plug-ins to tracks of a preset, and write their states.

    Args:
        choices: which plug-ins.
        tracks: of the preset.
        folder: for the files, which appear all or none.
        stems: audio by track, for compressors; without it they are fitted by their static curve.
        sample_rate_hz: of the session that they are for.
        overwrite: replace files that are there.

    Raises:
        PluginError: a plug-in cannot be used, or its state does not bring back what was fitted.
        OutputError: a file is there, or cannot be written.
    """
    with PluginHosts() as hosts:
        fits = tuple(fit_tracks(hosts, choices, tracks, sample_rate_hz, stems))
        items = [(fit, item) for fit in fits for item in fit.plugins]
        names = [f"{fit.track} - {fit.stage} - {item.plugin.profile.name}" for fit, item in items]
        files = [f"{name}.vstpreset" for name in file_names(names)]
        with OutputFolder(folder, overwrite, files, (stems or {}).values()) as workplace:
            for file, (_, item) in zip(files, items, strict=True):
                (workplace / file).write_bytes(checked_state(item))
            return tuple(
                SavedState(file, fit, item.plugin.profile.name, _null_db(hosts, item, workplace / file))
                for file, (fit, item) in zip(files, items, strict=True)
            )


def checked_state(item: FittedPlugin) -> bytes:
    """Give a plug-in's state, which is a .vstpreset of the plug-in that its profile is of.

    Raises:
        PluginError: it is another.
    """
    profile = item.plugin.profile
    if profile.kind != "vst3":
        raise PluginError(f"{profile.name} is an Audio Unit: states are written of VST3 plug-ins alone.")
    content = item.state.preset
    held = unpacked(content, f"what {profile.name} keeps")
    if profile.class_id is not None and held.class_id != profile.class_id:
        raise PluginError(
            f"{item.plugin.file.path} is another plug-in than its profile: its class id is {held.class_id}, not "
            f"{profile.class_id}. Measure a profile of it."
        )
    return content


def _null_db(hosts: PluginHosts, item: FittedPlugin, path: Path) -> float:
    """Load the file into a fresh plug-in, and compare it with one that is set by hand."""
    process, profile = hosts.process_of(item.plugin.file), item.plugin.profile
    fitted = process.open(1, _RATE_HZ, values=profile.raw_values(item.values))
    fresh = process.open(1, _RATE_HZ, path.read_bytes())
    audio = np.random.default_rng(0).standard_normal((fitted.channels, round(_NOISE_S * _RATE_HZ))) * 0.2
    heard = [instance.respond({}, audio.astype(np.float32)).astype(np.float64) for instance in (fitted, fresh)]
    for instance in (fitted, fresh):
        instance.close()
    apart, loudest = np.abs(heard[0] - heard[1]).max(), np.abs(heard[0]).max()
    null_db = float(20 * np.log10(apart / loudest)) if apart and loudest else -np.inf
    if null_db > NULL_DB:
        raise PluginError(
            f"{profile.name} does not come back as it was saved: a fresh one with its state is {null_db:.0f} dB off. "
            "Its state does not hold all settings; nothing was written."
        )
    return null_db


def saved_as_json(saved: Sequence[SavedState]) -> Iterator[dict[str, object]]:
    """List what was written, for machines."""
    for item in saved:
        yield {
            "file": item.file,
            "track": item.fit.track,
            "stage": item.fit.stage,
            "plugin": item.plugin,
            "null_db": None if item.null_db == -np.inf else round(item.null_db, 1),
            "gain_db": round(item.fit.gain_db, 3),
        }
