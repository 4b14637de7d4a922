"""The parameter table is complete and fits the defaults; `get`, `replace` and the schema follow from it."""

import math

import pytest
from mixbridge.presets.console import FxBand, FxBus, Master, Strip, get, parameters, replace
from mixbridge.presets.preset import Preset, json_schema
from pydantic import ValidationError

SECTIONS = [Strip, Master, FxBus, FxBand]
ROWS = [(section, path, row) for section in SECTIONS for path, row in parameters(section).items()]
IDS = [f"{section.__name__}.{path}" for section, path, _ in ROWS]
SUFFIXES = {"_db": "dB", "_hz": "Hz", "_ms": "ms", "_s": "s"}


@pytest.mark.parametrize(("section", "path", "row"), ROWS, ids=IDS)
def test_row_is_consistent(section, path, row):
    assert row.low < row.high
    assert row.help
    if row.scale == "log":
        assert row.low > 0
    if row.neutral is not None:
        assert row.low <= row.neutral <= row.high
    if path.endswith("slope_db_per_octave"):
        assert row.unit == "dB/oct"
        return
    suffix = next((suffix for suffix in SUFFIXES if path.endswith(suffix)), None)
    expected = SUFFIXES[suffix] if suffix else (":1" if path.endswith("ratio") else "")
    assert row.unit == expected


@pytest.mark.parametrize("section", [Strip, Master])
def test_defaults_are_neutral(section):
    for path, row in parameters(section).items():
        value = get(section(), path)
        assert row.low <= value <= row.high
        if row.neutral is not None:
            assert value == row.neutral


def test_every_setting_is_in_the_table():
    assert len(parameters(Strip)) == 1 + 7 + 2 + 2 + 18 + 7 + 3 + 4 + 1 + 1 + 3
    assert len(parameters(Master)) == 1 + 18 + (31 + 31 + 2) + 7 + 1
    assert list(parameters(FxBand)) == ["gain_db", "decay_s"]
    assert list(parameters(FxBus)) == ["return_gain_db"]
    assert len(FxBus().bands) == 12


@pytest.mark.parametrize(("section", "path", "row"), [row for row in ROWS if row[0] is not FxBus])
def test_replace_then_get(section, path, row):
    value = row.high / 3 + row.low / 1.5
    changed = replace(section(), {path: value})
    assert get(changed, path) == value
    others = [other for other in parameters(section) if other != path]
    assert [get(changed, other) for other in others] == [get(section(), other) for other in others]


def test_replace_refuses_what_the_table_does_not_allow():
    with pytest.raises(ValidationError):
        replace(Strip(), {"pan": 1.01})
    with pytest.raises(ValidationError):
        replace(Strip(), {"pan": math.nan})
    with pytest.raises(ValidationError):
        replace(Strip(), {"compressor.makeup": 3.0})


def test_clamp():
    row = parameters(Strip)["pan"]
    assert [row.clamp(value) for value in (-3.0, 0.25, 3.0)] == [-1, 0.25, 1]


def test_parts_are_frozen():
    with pytest.raises(ValidationError):
        Strip().pan = 0.5
    assert Preset().tracks == ()


def test_schema_carries_the_table():
    pan = json_schema()["$defs"]["Strip"]["properties"]["pan"]
    assert (pan["minimum"], pan["maximum"], pan["x-scale"], pan["x-neutral"]) == (-1, 1, "linear", 0)


def test_track_names_are_unique_and_found():
    preset = Preset.model_validate({"tracks": [{"name": "Bass"}, {"name": "Kick"}]})
    assert preset.track("Kick").name == "Kick"
    with pytest.raises(KeyError):
        preset.track("Snare")
    with pytest.raises(ValidationError, match="'Bass' stand more than once"):
        Preset.model_validate({"tracks": [{"name": "Bass"}, {"name": "Bass"}]})
