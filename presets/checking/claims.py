"""What was measured of a preset's settings, and whether it is still of these settings.

Confidence, findings of guard rails and a search's distances are of the settings as they were measured; a digest of them
stands beside. Whatever changes the settings, an edit here or a number typed into the file, makes them claims about
something else: they are left out, in memory by :mod:`..edit`, of files by :mod:`..files`.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from ..parts.match import MatchCurve
from ..preset import Confidence, Finding, Preset

_DIGITS = 6
# As a search notes it: how it was made is history, how near it came is a claim.
_DISTANCE = re.compile(r"(refined from [^;:]*): distance [^;]*")


def with_claims(preset: Preset, confidence: Confidence | None, findings: tuple[Finding, ...]) -> Preset:
    """Attach to a preset what was measured of its settings."""
    update = {"confidence": confidence, "findings": findings or None, "settings_sha256": settings_digest(preset)}
    return preset.model_copy(update={"provenance": preset.provenance.model_copy(update=update)})


def with_claims_of(same: Preset, measured: Preset) -> Preset:
    """Give a preset the claims of one that sounds the same, if they hold."""
    provenance = measured.provenance
    if provenance.settings_sha256 is None or not hold(measured):
        return without_stale(same)
    return with_claims(same, provenance.confidence, provenance.findings or ())


def hold(preset: Preset) -> bool:
    """Tell whether a preset's claims are about its settings; without a digest they are believed."""
    digest = preset.provenance.settings_sha256
    return digest is None or digest == settings_digest(preset)


def without_stale(preset: Preset) -> Preset:
    """Remove claims that are about other settings."""
    return preset if hold(preset) else without_claims(preset)


def without_claims(preset: Preset) -> Preset:
    """Remove what was measured of a preset's settings."""
    provenance = preset.provenance
    note = _DISTANCE.sub(r"\1", provenance.note) if provenance.note else None
    update: dict[str, object] = {"confidence": None, "findings": None, "settings_sha256": None, "note": note}
    return preset.model_copy(update={"provenance": provenance.model_copy(update=update)})


def settings_digest(preset: Preset) -> str:
    """Compute the SHA-256 of all that is heard, with the digits that a file keeps."""
    parts: dict[str, Any] = {
        "tracks": [
            [track.name, track.mute, track.bus, track.link, _rounded(track.strip.model_dump())]
            for track in preset.tracks
        ],
        "buses": [[bus.name, bus.mute, _rounded(bus.strip.model_dump())] for bus in preset.buses],
        **{part: _rounded(getattr(preset, part).model_dump()) for part in ("fx_bus", "reverb", "delay", "master")},
    }
    lanes = [[owner, _rounded(lane.model_dump())] for owner, lane in preset.all_lanes()]
    if lanes:  # as digests were before there were any
        parts["lanes"] = lanes
    inserts = [[track.name, _rounded(item.model_dump())] for track in preset.tracks for item in track.inserts]
    if inserts:
        parts["inserts"] = inserts
    of_buses = [[owner, _rounded(item.model_dump())] for owner, several in preset.bus_inserts() for item in several]
    if of_buses:
        parts["bus_inserts"] = of_buses
    if preset.master.match == MatchCurve():  # as digests were before there was one
        parts["master"].pop("match")
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _rounded(node: Any) -> Any:
    if isinstance(node, float):
        return f"{node + 0.0:.{_DIGITS}g}"
    if isinstance(node, dict):
        return {key: _rounded(value) for key, value in node.items()}
    return [_rounded(value) for value in node] if isinstance(node, list | tuple) else node
