"""Layouts: the reference's order and ranges, and what its outputs become."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mixbridge.presets.console import Master, Strip, parameters, replace
from mixbridge.runtime.model.layout import Layout, Output, denormalize, reference_layout
from pydantic import ValidationError

LAYOUT = reference_layout()


def test_reference_order():
    track = [output.path for output in LAYOUT.track]
    assert len(track) == 27
    assert track[:4] == ["input_gain_db", "eq.low_shelf.gain_db", "eq.low_shelf.freq_hz", "eq.low_shelf.q"]
    assert track[19:21] == ["compressor.threshold_db", "compressor.ratio"]
    assert track[-2:] == ["pan", "fx_send_db"]
    master = [output.path for output in LAYOUT.master]
    assert len(master) == 26
    assert master[0] == "eq.low_shelf.gain_db"
    assert master[-2:] == ["output_gain_db", "input_gain_db"]


@pytest.mark.parametrize(("sample_rate_hz", "top_hz"), [(44100, 21050), (44101, 21050), (48000, 23000)])
def test_reference_top_frequency_follows_the_sample_rate(sample_rate_hz, top_hz):
    by_path = {output.path: output for output in reference_layout(sample_rate_hz).track}
    assert by_path["eq.high_shelf.freq_hz"].high == top_hz
    assert by_path["eq.band3.freq_hz"].high == top_hz


def test_known_values():
    values = denormalize(LAYOUT.track, [0.5] * 27, Strip)
    assert values["input_gain_db"] == 0
    assert values["eq.low_shelf.freq_hz"] == 1010
    assert values["compressor.ratio"] == 5.5
    assert values["fx_send_db"] == -34


def test_log_output():
    output = Output(path="compressor.attack_ms", low=1, high=100, scale="log")
    assert [output.denormalize(x) for x in (0, 0.5, 1)] == pytest.approx([1, 10, 100])


@given(st.lists(st.floats(0, 1), min_size=26, max_size=26))
def test_any_output_is_a_valid_console(unit_values):
    for rate in (44100, 48000):
        values = denormalize(reference_layout(rate).master, unit_values, Master)
        table = parameters(Master)
        assert all(table[path].low <= value <= table[path].high for path, value in values.items())
        replace(Master(), values)


def test_beyond_the_console_is_held_at_its_limit():
    assert denormalize((Output(path="pan", low=-3, high=3),), [1.0], Strip) == {"pan": 1}


def test_wrong_number_of_outputs_is_refused():
    with pytest.raises(ValueError, match="shorter"):
        denormalize(LAYOUT.track, [0.5] * 26, Strip)


def test_unknown_and_repeated_settings_are_refused():
    pan = Output(path="pan", low=-1, high=1)
    with pytest.raises(ValidationError, match="unknown settings pam"):
        Layout(track=(Output(path="pam", low=-1, high=1),), master=())
    with pytest.raises(ValidationError, match="unknown settings pan"):
        Layout(track=(), master=(pan,))
    with pytest.raises(ValidationError, match="twice"):
        Layout(track=(pan, pan), master=())


def test_layout_survives_json():
    assert Layout.model_validate_json(LAYOUT.model_dump_json()) == LAYOUT
