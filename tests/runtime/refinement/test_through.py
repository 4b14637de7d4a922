"""A search judged through the user's plug-ins: what comes no nearer through them is taken half-way, or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from mixbridge.presets.console import EqBand, Equalizer, Strip
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.audio.reading import Samples
from mixbridge.runtime.model.analysis import Passage
from mixbridge.runtime.refinement.refine import Refinement
from mixbridge.runtime.refinement.refined import words
from mixbridge.runtime.refinement.through import HearThrough, judged_through
from mixbridge.runtime.rendering.in_memory import render_mix

RATE_HZ = 44100
_NOISE = (np.random.default_rng(4).standard_normal((1, 40000)) * 0.1).astype(np.float32)
PASSAGE = Passage(0.0, 40000 / RATE_HZ, {"Vox": _NOISE}, {"Vox": -20.0})


def _preset(gain_db: float) -> Preset:
    eq = Equalizer(band1=EqBand(gain_db=gain_db, freq_hz=2500, q=1))
    return Preset(tracks=(Track(name="Vox", strip=Strip(eq=eq)),))


def _hear(law: Callable[[float], float]) -> tuple[HearThrough, list[float]]:
    """A plug-in whose band does `law` of what it is set to; and what it was set to."""
    asked: list[float] = []

    def hear(preset: Preset, audio: Mapping[str, Samples], sample_rate_hz: int) -> Samples:
        gain_db = preset.tracks[0].strip.eq.band1.gain_db
        asked.append(gain_db)
        return render_mix(audio, sample_rate_hz, _preset(law(gain_db)))

    return hear, asked


@pytest.fixture(scope="module")
def reference() -> Samples:
    return render_mix(PASSAGE.audio, RATE_HZ, _preset(4))


@pytest.mark.parametrize(
    ("law", "share", "asked_db"),
    [
        (lambda gain_db: gain_db, 1.0, [0, 4]),
        # Too much of it: 12 dB are farther from 4 than none are, 6 dB are nearer.
        (lambda gain_db: 3 * gain_db, 0.5, [0, 4, 2]),
        (lambda gain_db: -gain_db, 0.0, [0, 4, 2, 1]),
    ],
)
def test_as_much_is_taken_as_comes_nearer(
    reference: Samples, law: Callable[[float], float], share: float, asked_db: list[float]
) -> None:
    hear, asked = _hear(law)
    judged = judged_through(hear, _preset(0), _preset(4), PASSAGE, reference, RATE_HZ)
    assert judged.share == share
    assert asked == pytest.approx(asked_db)
    assert judged.preset.tracks[0].strip.eq.band1.gain_db == pytest.approx(4 * share)
    assert (judged.after < judged.before) is (share > 0)


def test_the_note_says_what_it_is_worth_through_the_plugins() -> None:
    found = Refinement(_preset(0), 0.4, 0.1, 9, 30.0, False, ())
    assert "plug-ins" not in words(found)
    heard = Refinement(_preset(0), 0.4, 0.2, 9, 30.0, False, (), heard=(0.42, 0.25), share=0.5)
    assert words(heard).endswith("0.4 -> 0.2, of which 50% are taken; through your plug-ins 0.42 -> 0.25")
