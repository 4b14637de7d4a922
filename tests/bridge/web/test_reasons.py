"""What the page gives as reasons in the reference."""

from __future__ import annotations

import dataclasses

import numpy as np
from mixbridge.bridge.report.listening import THIRDS_HZ, SoundFigures
from mixbridge.bridge.web.showing.reasons import reasons
from mixbridge.presets.console import EqBand, Equalizer, Strip
from mixbridge.presets.preset import Confidence, Preset, Provenance, Track
from mixbridge.runtime.prediction.confidence import _PRACTISED

RAW = SoundFigures(-20.0, -6.0, np.full(len(THIRDS_HZ), -20.0), 0.0, 0.0)
REFERENCE = dataclasses.replace(RAW, thirds_db=np.full(len(THIRDS_HZ), -13.0))


def voice(confidence: Confidence) -> Preset:
    strip = Strip(eq=Equalizer(band1=EqBand(gain_db=3.0, freq_hz=3000.0, q=0.71)))
    return Preset(tracks=[Track(name="Vox", strip=strip)], provenance=Provenance(confidence=confidence))


def test_more_in_the_reference_is_a_reason_for_more() -> None:
    said = reasons(voice(Confidence(level="fair", reasons=("Nearer.",))), "track", 0, RAW, REFERENCE)
    assert [words for words in said if "the reference has 7.0 dB more than the raw tracks together" in words]


def test_what_was_set_without_regard_to_the_song_has_no_reason_in_it() -> None:
    assert reasons(voice(_PRACTISED), "track", 0, RAW, REFERENCE) == []
