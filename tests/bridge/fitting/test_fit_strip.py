"""Strips, masters and whole presets on a desk."""

import pytest
from mixbridge.bridge.desks.loading import load_desk
from mixbridge.bridge.fitting.preset import fit_preset
from mixbridge.bridge.fitting.strip import fit_strip
from mixbridge.presets.console import Compressor, EqBand, Equalizer, Master, Saturation, Strip
from mixbridge.presets.edit import move_gain
from mixbridge.presets.errors import DeskError, PresetError
from mixbridge.presets.preset import Preset, Track

X32 = load_desk("x32")
# No knee, so that curves come out as they are.
COMPRESSOR = Compressor(threshold_db=-20, ratio=4, knee_db=0)


def without(desk, **parts):
    """The desk without some of a track's controls, or its EQ or compressor."""
    controls = desk.track.controls.model_copy(update=dict.fromkeys(parts.pop("controls", ())))
    track = desk.track.model_copy(update={"controls": controls, **parts})
    return type(desk).model_validate({**desk.model_dump(), "track": track.model_dump()})


def test_levels_come_in_desk_form():
    strip = Strip(input_gain_db=12, fader_db=-15, pan=-0.5, compressor=COMPRESSOR)
    values = fit_strip(strip, X32, "track").values
    assert values["trim_db"] == 0
    assert values["fader_db"] == pytest.approx(-3, abs=0.05)
    assert values["compressor.threshold_db"] == -32
    assert values["pan"] == pytest.approx(-0.5)


def test_the_desk_form_of_a_strip_is_fitted_alike():
    strip = Strip(input_gain_db=7, fader_db=-4, compressor=COMPRESSOR, eq=Equalizer(band1=EqBand(gain_db=3)))
    assert fit_strip(strip, X32, "track").values == fit_strip(move_gain(strip, -7), X32, "track").values


def test_makeup_that_the_desk_cannot_give_is_on_the_fader():
    strip = Strip(fader_db=-5, compressor=COMPRESSOR.model_copy(update={"makeup_db": -3}))
    values = fit_strip(strip, X32, "track").values
    assert values["compressor.makeup_db"] == 0
    assert values["fader_db"] == pytest.approx(-8, abs=0.05)


def test_what_is_too_loud_for_the_fader_goes_to_the_trim_with_the_threshold():
    fitted = fit_strip(Strip(fader_db=16.1, compressor=COMPRESSOR), X32, "track")
    trim_db = fitted.values["trim_db"]
    assert trim_db == pytest.approx(6.25)
    assert fitted.values["fader_db"] + trim_db == pytest.approx(16.1, abs=0.05)
    assert fitted.values["compressor.threshold_db"] == pytest.approx(-20 + trim_db, abs=0.25)
    assert fitted.clamped == ()


def test_what_is_too_loud_for_both_is_told():
    fitted = fit_strip(Strip(fader_db=40), X32, "track")
    assert fitted.values["trim_db"] == 18
    (clamp,) = fitted.clamped
    assert (clamp.key, clamp.wanted, clamp.given) == ("fader_db", pytest.approx(22), 10)


def test_a_fader_below_the_lowest_is_off_and_not_told_of():
    fitted = fit_strip(Strip(fader_db=-110), X32, "track")
    assert fitted.values["fader_db"] == -90
    assert fitted.clamped == ()


def test_only_what_is_in_use_is_lost():
    plain = Strip(compressor=Compressor(ratio=1, lookahead_ms=5))
    assert fit_strip(plain, X32, "track").lost == ()
    strip = Strip(
        saturation=Saturation(drive=3), fx_send_db=-10, compressor=COMPRESSOR.model_copy(update={"lookahead_ms": 5})
    )
    lost = fit_strip(strip, X32, "track").lost
    assert len(lost) == 3
    for word, sentence in zip(("look-ahead of 5 ms", "saturation", "fx bus of -10.0 dB"), lost, strict=True):
        assert word in sentence


def test_a_desk_that_has_less_says_so():
    desk = without(X32, controls=("pan", "trim_db", "fader_db"), eq=None, compressor=None, gate=None, low_cut=None)
    strip = Strip(pan=0.4, fader_db=-6, compressor=COMPRESSOR, eq=Equalizer(band0=EqBand(gain_db=3)))
    fitted = fit_strip(strip, desk, "track")
    assert fitted.values == {}
    assert (fitted.eq, fitted.compressor) == (None, None)
    assert [sentence.split(" ")[1] for sentence in fitted.lost] == ["EQ,", "compression", "level", "position"]
    assert fit_strip(Strip(), desk, "track").lost == ()


def test_makeup_of_a_desk_without_compressor_is_on_the_fader():
    strip = Strip(compressor=Compressor(ratio=1, makeup_db=4))
    assert fit_strip(strip, without(X32, compressor=None), "track").values["fader_db"] == pytest.approx(4, abs=0.05)


def test_the_masters_output_gain_is_its_fader():
    eq = Equalizer(low_shelf=EqBand(gain_db=2, freq_hz=100), band2=EqBand(gain_db=-1, freq_hz=9000))
    master = Master(input_gain_db=-6, output_gain_db=2, compressor=COMPRESSOR, eq=eq)
    fitted = fit_strip(master, X32, "master")
    assert fitted.values["fader_db"] == pytest.approx(-4, abs=0.05)
    assert fitted.values["compressor.threshold_db"] == -14
    assert fitted.values["pan"] == pytest.approx(0)
    assert "trim_db" not in fitted.values
    assert fitted.eq.max_db < 0.15
    assert [fitted.values[f"eq.{n}.type"] for n in (1, 2, 6)] == ["low_shelf", "bell", "high_shelf"]


@pytest.mark.parametrize("kind", ["track", "master"])
def test_every_value_is_on_the_desks_grid_and_can_be_sent(kind):
    settings = {"input_gain_db": 3.3, "compressor": Compressor(threshold_db=-31.7, ratio=2.2, makeup_db=1.1)}
    strip = Strip(**settings, pan=0.123) if kind == "track" else Master(**settings)
    values = fit_strip(strip, X32, kind).values
    for key, value in values.items():
        assert X32.scale(kind, key).snap(value) == value, key
    assert len(X32.settings(kind, 1, values)) >= len(values)


def test_a_desk_without_master_refuses_one():
    desk = X32.model_copy(update={"master": None})
    with pytest.raises(DeskError, match="no master"):
        fit_strip(Master(), desk, "master")
    assert fit_preset(Preset(), desk, {}).master is None


def test_a_preset_is_fitted_track_by_track_with_names_and_mutes():
    preset = Preset(
        tracks=(
            Track(name="Kick", strip=Strip(fader_db=-6)),
            Track(name="Room", mute=True),
            Track(name="Lead vocal, doubled", strip=Strip(fx_send_db=-12)),
        ),
        master=Master(output_gain_db=-1),
    )
    fitted = fit_preset(preset, X32, {"Lead vocal, doubled": 2, "Kick": 1})
    assert list(fitted.strips) == ["Kick", "Lead vocal, doubled"]
    assert fitted.strips["Kick"].values["name"] == "Kick"
    assert fitted.strips["Kick"].values["mute"] == 0
    assert fitted.strips["Lead vocal, doubled"].values["name"] == "Lead vocal,"
    assert fitted.master.values["fader_db"] == pytest.approx(-1, abs=0.05)
    (lost,) = fitted.lost
    assert "reverb" in lost
    assert fit_preset(preset, X32, {"Room": 3}).strips["Room"].values["mute"] == 1


def test_a_mute_that_the_desk_has_not_is_told():
    preset = Preset(tracks=(Track(name="Room", mute=True),))
    (lost,) = fit_preset(preset, without(X32, controls=("mute",)), {"Room": 3}).strips["Room"].lost
    assert "muted" in lost


def test_an_assignment_of_an_unknown_track_is_refused():
    with pytest.raises(PresetError, match="'Kik'"):
        fit_preset(Preset(tracks=(Track(name="Kick"),)), X32, {"Kik": 1})
