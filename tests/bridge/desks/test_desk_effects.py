"""Effects and stages of every desk: their addresses once a slot is chosen, and what comes back of their settings."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from mixbridge.bridge.desks.loading import load_desk
from mixbridge.bridge.desks.profile import Desk, Effect
from mixbridge.bridge.fitting.effects import fit_effect, unfit_effect
from mixbridge.bridge.fitting.strip import fit_strip
from mixbridge.bridge.fitting.unfit import unfit
from mixbridge.bridge.push.routing.effects import Rack, choose_effects
from mixbridge.presets.console import Delay, Gate, HighCut, LowCut, Master, Reverb, Strip, get, parameters
from mixbridge.presets.errors import DeskError

FOUND: Mapping[str, tuple[Effect, Effect]] = {
    "x32": (Effect("reverb", 1, 13, "hall"), Effect("delay", 3, 15, "stereo_delay")),
    "xair": (Effect("reverb", 2, 8, "plate"), Effect("delay", 4, 10, "stereo_delay")),
    "wing": (Effect("reverb", 1, 14, "room"), Effect("delay", 2, 15, "stereo_delay")),
    "generic": (Effect("reverb", 1, None, "built-in"), Effect("delay", 1, None, "built-in")),
}


def numbers(part: Reverb | Delay | Strip | Master) -> dict[str, float]:
    return {path: get(part, path) for path in parameters(type(part))}


def with_effects(name: str) -> Desk:
    return load_desk(name).with_effects(FOUND[name])


@pytest.mark.parametrize(
    ("name", "addresses"),
    [
        ("x32", {"/ch/03/mix/13/level", "/ch/03/mix/15/level", "/ch/03/mix/13/on", "/ch/03/mix/15/on"}),
        ("xair", {"/ch/03/mix/08/level", "/ch/03/mix/10/level"}),
        ("wing", {"/ch/3/send/14/lvl", "/ch/3/send/15/lvl", "/ch/3/send/14/on", "/ch/3/send/15/on"}),
        (
            "generic",
            {"/mixbridge/track/3/reverb_send_db", "/mixbridge/track/3/delay_send_db", "/mixbridge/track/3/fx_send_db"},
        ),
    ],
)
def test_sends_go_to_the_bus_that_feeds_the_effect(name: str, addresses: set[str]) -> None:
    questions = with_effects(name).questions("track", 3)
    assert {question.address for question in questions if "send" in question.key} == addresses
    plain = {key for key in load_desk(name).parameters("track") if "send" in key}
    assert name == "generic" or not plain


def test_live_sends_by_the_number_of_the_return() -> None:
    live = load_desk("ableton")
    rack = Rack(buses={(kind, slot): slot - 1 for kind in ("reverb", "delay") for slot in range(1, 13)})
    chosen = choose_effects(live, rack, {"reverb": "b", "delay": "4"}, ())
    desk = live.with_effects(chosen.effects.values())
    (send, echo) = desk.settings("track", 5, {"reverb_send_db": -6.0, "delay_send_db": 0.0})
    assert (send.address, send.before) == ("/live/track/set/send", (4, 1))
    assert (echo.before, echo.value) == ((4, 3), 1.0)
    # The fader's curve, 6 dB lower: on the fader, 0 dB stands there.
    assert send.value == live.settings("track", 5, {"fader_db": 0.0})[0].value
    told = choose_effects(live, rack, {}, ("reverb",))
    assert not told.effects
    assert "The reverb could be a or l: name one (--reverb 1)." in told.notes[0]


@pytest.mark.parametrize("name", FOUND)
def test_an_effect_on_the_grid_comes_back(name: str) -> None:
    desk = with_effects(name)
    for kind, effect in (
        ("reverb", Reverb(decay_low_s=2, decay_mid_s=1.5)),
        ("delay", Delay(feedback=0.5, ping_pong=1)),
    ):
        once = unfit_effect(fit_effect(effect, desk, kind).values, desk, kind)
        again = unfit_effect(fit_effect(once, desk, kind).values, desk, kind)
        assert numbers(again) == pytest.approx(numbers(once), rel=1e-6), kind
        for path in ("pre_delay_ms", "decay_mid_s", "damping_hz") if kind == "reverb" else ("time_ms", "feedback"):
            assert getattr(once, path) == pytest.approx(getattr(effect, path), rel=0.01), path


STAGES = Strip(
    gate=Gate(threshold_db=-40, range_db=24, ratio=3, attack_ms=20, hold_ms=80, release_ms=300, hysteresis_db=0),
    low_cut=LowCut(freq_hz=90, slope_db_per_octave=24),
    high_cut=HighCut(freq_hz=9000),
)


@pytest.mark.parametrize("name", FOUND)
def test_stages_on_the_grid_come_back(name: str) -> None:
    desk = with_effects(name)
    once = unfit(fit_strip(STAGES, desk, "track").values, desk, "track").strip
    again = unfit(fit_strip(once, desk, "track").values, desk, "track").strip
    assert numbers(again) == pytest.approx(numbers(once), rel=1e-6)
    assert isinstance(once, Strip)
    assert once.gate.threshold_db == -40
    assert once.gate.ratio == 3
    assert once.gate.range_db == 24
    assert once.low_cut.freq_hz == pytest.approx(90, rel=0.02)
    assert once.low_cut.slope_db_per_octave == 24
    assert once.high_cut.freq_hz == pytest.approx(9000 if name in {"wing", "generic"} else 22000, rel=0.01)


def test_the_x_airs_gate_counts_its_modes_in_another_order() -> None:
    wires = {name: load_desk(name).settings("track", 1, {"gate.ratio": 100})[0].value for name in ("x32", "xair")}
    assert wires == {"x32": 3, "xair": 0}


def test_a_free_slot_is_taken_where_a_bus_feeds_it() -> None:
    wing = load_desk("wing")
    types = {(kind, slot): "none" if slot == 5 else "chorus" for kind in ("reverb", "delay") for slot in range(1, 9)}
    fed = Rack(types, {("reverb", 5): 14, ("delay", 5): 14})
    chosen = choose_effects(wing, fed, {}, ("reverb",))
    assert chosen.effects["reverb"] == Effect("reverb", 5, 14, "hall")
    assert chosen.notes == ()
    assert not choose_effects(wing, Rack(types), {}, ("reverb",)).effects


def test_what_a_slot_is_not_is_said() -> None:
    with pytest.raises(DeskError, match="has no reverb 9"):
        load_desk("x32").with_effects([Effect("reverb", 9, 13, "hall")])
    with pytest.raises(DeskError, match="no model 'cathedral'"):
        load_desk("x32").with_effects([Effect("reverb", 1, 13, "cathedral")])
    with pytest.raises(DeskError, match="has no effect slot '9' for a reverb; it has send 1"):
        choose_effects(load_desk("reaper"), Rack(), {"reverb": "9"}, ())
