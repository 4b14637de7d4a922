"""How sure a prediction is reaches people and machines; presets that say nothing of it are as before."""

import pytest
from mixbridge.bridge.report.assurance import assurance_as_json, assurance_lines
from mixbridge.bridge.report.text import describe_origin
from mixbridge.presets.files import dumps, loads
from mixbridge.presets.preset import Confidence, Finding, Preset, Provenance
from pydantic import ValidationError


def preset_of(level="low", findings=0):
    found = tuple(
        Finding(rule="buried", track=f"t{number}", before=-40, after=-24, message=f"t{number}: raised")
        for number in range(findings)
    )
    confidence = Confidence(level=level, reasons=("One.", "Two."), distance_neutral=1, amount=0.5)
    return Preset(provenance=Provenance(confidence=confidence, findings=found or None))


def test_lines_say_the_level_the_reasons_and_what_held():
    assert assurance_lines(preset_of("high")) == ["Quite sure of this mix. One. Two."]
    lines = assurance_lines(preset_of("low", findings=7))
    assert lines[0] == "Not sure of this mix: listen closely. One. Two."
    assert lines[1:] == [*(f"  t{number}: raised" for number in range(5)), "  and 2 more, in preset.json"]


def test_machines_get_all_of_it():
    data = assurance_as_json(preset_of(findings=7))
    assert (data["confidence"]["level"], data["confidence"]["amount"]) == ("low", 0.5)
    assert len(data["findings"]) == 7
    assert data["findings"][0]["track"] == "t0"


def test_a_preset_made_by_hand_says_nothing():
    assert assurance_lines(Preset()) == []
    assert assurance_as_json(Preset()) == {"confidence": None, "decisions": [], "findings": []}
    assert "confidence" not in dumps(Preset())


def test_what_was_taken_from_the_reference_is_said():
    preset = preset_of("high")
    provenance = preset.provenance.model_copy(update={"decisions": ("The reference is dry.",)})
    told = preset.model_copy(update={"provenance": provenance})
    assert assurance_lines(told)[1] == "The reference is dry."
    assert assurance_as_json(told)["decisions"] == ["The reference is dry."]


def test_it_is_kept_in_the_file():
    preset = preset_of("fair", findings=2)
    assert loads(dumps(preset)) == preset
    assert "confidence: fair" in describe_origin(preset.provenance)


@pytest.mark.parametrize("amount", [-0.1, 1.1, float("nan")])
def test_amounts_are_shares(amount):
    with pytest.raises(ValidationError):
        Confidence(level="high", amount=amount)
