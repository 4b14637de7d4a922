"""How sure a prediction is, and which guard rails held, for the report, the command line and machines.

What is said stands in the preset's provenance; it is judged in :mod:`mixbridge.runtime.prediction.confidence`.
"""

from __future__ import annotations

from typing import Any

from ...presets.preset import Preset

_HEADLINES = {
    "high": "Quite sure of this mix",
    "fair": "Fairly sure of this mix",
    "low": "Not sure of this mix: listen closely",
}
_LISTED = 5


def headline(preset: Preset) -> str:
    """Say how sure a prediction is, in a few words; empty for settings that no model predicted."""
    confidence = preset.provenance.confidence
    return _HEADLINES[confidence.level] if confidence else ""


def reasons(preset: Preset) -> list[str]:
    """Say why it is as sure as it is, a sentence each."""
    confidence = preset.provenance.confidence
    return list(confidence.reasons) if confidence else []


def guarded(preset: Preset) -> list[str]:
    """Say what guard rails changed, a line each."""
    return [finding.message for finding in preset.provenance.findings or ()]


def decisions(preset: Preset) -> list[str]:
    """Say what was taken from the reference and why, a sentence each."""
    return list(preset.provenance.decisions or ())


def assurance_lines(preset: Preset) -> list[str]:
    """Say all of it for a terminal; long lists are cut."""
    if not headline(preset):
        return []
    changes = guarded(preset)
    more = [f"  and {len(changes) - _LISTED} more, in preset.json"] if len(changes) > _LISTED else []
    lines = [f"{headline(preset)}. {' '.join(reasons(preset))}".rstrip(), *decisions(preset)]
    return [*lines, *(f"  {line}" for line in changes[:_LISTED]), *more]


def assurance_as_json(preset: Preset) -> dict[str, Any]:
    """Give all of it for machines; null and empty for settings that no model predicted."""
    provenance = preset.provenance
    return {
        "confidence": provenance.confidence.model_dump(mode="json") if provenance.confidence else None,
        "decisions": decisions(preset),
        "findings": [finding.model_dump(mode="json") for finding in provenance.findings or ()],
    }
