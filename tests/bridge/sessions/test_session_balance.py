"""The mix's fader and pan in the terms of each law, and back: both sides get the mix's gains."""

from typing import get_args

import numpy as np
import pytest
from mixbridge.bridge.sessions.core.balance import from_daw, to_daw
from mixbridge.bridge.sessions.core.fades import pan_gains
from mixbridge.bridge.sessions.core.model import PanLaw
from mixbridge.presets.units import gain_factor
from mixbridge.runtime.console.strip import pan_gains as mix_gains
from session_copies import PANS


@pytest.mark.parametrize("law", get_args(PanLaw))
@pytest.mark.parametrize("channels", [1, 2])
def test_any_law_gives_the_gains_of_the_mix(law: PanLaw, channels: int) -> None:
    for pan in PANS:
        setting = to_daw(-3.0, pan, channels, law)
        sides = [float(gain[0]) * gain_factor(setting.gain_db) for gain in pan_gains(law, np.array([setting.pan]))]
        assert sides == pytest.approx([gain_factor(-3.0) * gain for gain in mix_gains(pan, channels)], abs=1e-7)
        back = from_daw(setting.gain_db, setting.pan, channels, law)
        assert (back.gain_db, back.pan) == pytest.approx((-3.0, pan), abs=1e-4)


def test_a_mono_track_at_0_db_in_the_centre_of_a_balance_stands_3_db_down() -> None:
    assert to_daw(0.0, 0.0, 1, "balance").gain_db == pytest.approx(-3.0103, abs=1e-4)
    assert to_daw(0.0, 0.0, 2, "balance").gain_db == 0
