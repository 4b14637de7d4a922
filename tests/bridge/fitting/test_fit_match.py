"""A match curve where there is none: its tone in the master's equalizer, the rest said."""

from __future__ import annotations

import re

import numpy as np
import pytest
from mixbridge.bridge.desks.loading import load_desk
from mixbridge.bridge.fitting.match import folded, without_match
from mixbridge.bridge.fitting.strip import fit_strip
from mixbridge.presets.console import EqBand, Equalizer, Master, Strip, parameters
from mixbridge.presets.parts.match import THIRDS_HZ, MatchCurve, ToneCurve, WidthCurve, is_flat
from mixbridge.runtime.console.match import match_gains_db
from mixbridge.runtime.console.response import eq_response_db

RATE_HZ = 48_000
OWN = Equalizer(low_shelf=EqBand(gain_db=3, freq_hz=90), band1=EqBand(gain_db=-4, freq_hz=2500, q=1.2))
# What six bands can be: a tilt and two hills.
HILLS = MatchCurve(
    tone=ToneCurve(
        **{
            path: 4 * np.exp(-((np.log2(hz / 80)) ** 2)) - 3 * np.exp(-((np.log2(hz / 900) / 1.2) ** 2))
            for path, hz in zip(parameters(ToneCurve), THIRDS_HZ, strict=True)
        }
    )
)


@pytest.mark.parametrize("eq", [Equalizer(), OWN], ids=["flat", "set"])
def test_six_bands_give_equalizer_and_tone_together(eq: Equalizer) -> None:
    fold = folded(eq, HILLS, RATE_HZ)
    freqs_hz = np.geomspace(25, 18_000, 200)
    wanted_db = eq_response_db(eq, freqs_hz, RATE_HZ) + match_gains_db(HILLS, freqs_hz)[0]
    errors_db = np.abs(eq_response_db(fold.eq, freqs_hz, RATE_HZ) - wanted_db)
    assert errors_db.max() < 1.0
    assert errors_db.mean() < 0.3
    assert fold.mean_db == pytest.approx(errors_db.mean(), abs=0.05)
    assert fold.max_db >= errors_db.max() - 0.05


def test_what_has_no_curve_stays_as_it_is() -> None:
    for bus in (Strip(fader_db=3), Master(eq=OWN), Master(match=MatchCurve(amount=0))):
        same, fold = without_match(bus, RATE_HZ)
        assert same is bus
        assert fold is None


def test_a_desk_gets_the_tone_and_is_told_the_rest() -> None:
    x32 = load_desk("x32")
    match = HILLS.model_copy(update={"width": WidthCurve(hz_100_db=-12)})
    fitted = fit_strip(Master(match=match), x32, "master")
    assert fitted.eq is not None
    at_80, at_900 = (int(np.argmin(np.abs(fitted.eq.freqs_hz - hz))) for hz in (80, 900))
    assert fitted.eq.given_db[at_80] == pytest.approx(4, abs=0.7)
    assert fitted.eq.given_db[at_900] == pytest.approx(-3, abs=0.7)
    (said,) = (line for line in fitted.lost if "match curve" in line)
    assert "width 100 Hz -12" in said
    assert "80 Hz +4" in said
    assert "its width is left out" in said
    assert re.search(r"approximated by the EQ: 0\.\d dB off on average", said)


def test_the_master_that_is_left_has_no_curve() -> None:
    plain, fold = without_match(Master(eq=OWN, match=HILLS), RATE_HZ)
    assert fold is not None
    assert isinstance(plain, Master)
    assert is_flat(plain.match)
    assert plain.eq == fold.eq
