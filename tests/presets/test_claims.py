"""What was measured of settings is not repeated of others."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from mixbridge.presets.checking.claims import hold, with_claims
from mixbridge.presets.console import Strip
from mixbridge.presets.edit import blended, desk_form, merged, scaled
from mixbridge.presets.files import dumps, loads
from mixbridge.presets.preset import Confidence, Finding, Preset, Provenance, Track

CONFIDENCE = Confidence(level="high", reasons=("67 % closer",))
FINDINGS = (Finding(rule="spiky", track="Vox", message="Vox: compressed to 5 dB"),)
NOTE = "refined from the prediction in 30 s (80 renders): distance to the reference 0.087 -> 0.022; mine"
PLAIN = Preset(
    tracks=(Track(name="Vox", strip=Strip(input_gain_db=3.4, fader_db=-8.25, pan=0.3)), Track(name="Bass")),
    provenance=Provenance(model="m", note=NOTE),
)
MEASURED = with_claims(PLAIN, CONFIDENCE, FINDINGS)
OTHER = Preset(tracks=(Track(name="Vox", strip=Strip(pan=-0.5)), Track(name="Bass")))


def claims(preset: Preset) -> tuple[object, ...]:
    return preset.provenance.confidence, preset.provenance.findings


@pytest.mark.parametrize(
    "same",
    [
        lambda preset: preset,
        lambda preset: scaled(preset, 1),
        lambda preset: blended(preset, OTHER, 0),
        lambda preset: merged(preset, OTHER, sections=["reverb"]),
        desk_form,
        lambda preset: preset.model_copy(update={"name": "called otherwise"}),
    ],
)
def test_the_same_sound_keeps_its_claims(same: Callable[[Preset], Preset]) -> None:
    preset = loads(dumps(same(MEASURED)))
    assert claims(preset) == (CONFIDENCE, FINDINGS)
    assert "0.087 -> 0.022" in (preset.provenance.note or "")
    assert hold(preset)


@pytest.mark.parametrize(
    "edit",
    [
        lambda preset: scaled(preset, 0.7),
        lambda preset: scaled(preset, 0),
        lambda preset: blended(preset, OTHER, 0.3),
        lambda preset: merged(preset, OTHER, sections=["pan"]),
        lambda preset: loads(dumps(preset).replace("-8.25", "-8.5")),  # by hand, in the file
        lambda preset: loads(dumps(preset).replace('"mute": false', '"mute": true', 1)),
    ],
)
def test_other_settings_lose_them(edit: Callable[[Preset], Preset]) -> None:
    preset = edit(MEASURED)
    for told in (preset, loads(dumps(preset))):
        assert claims(told) == (None, None)
        assert told.provenance.settings_sha256 is None
        assert told.provenance.model == "m"
        note = told.provenance.note or ""
        assert "refined from the prediction in 30 s (80 renders)" in note
        assert "distance" not in note
        assert note.endswith("; mine")


def test_a_changed_preset_is_saved_without_them() -> None:
    muted = tuple(track.model_copy(update={"mute": True}) for track in MEASURED.tracks)
    assert "67 %" not in dumps(MEASURED.model_copy(update={"tracks": muted}))


def test_a_preset_that_names_no_settings_is_believed() -> None:
    preset = Preset(provenance=Provenance(confidence=CONFIDENCE))
    assert loads(dumps(preset)).provenance.confidence == CONFIDENCE
