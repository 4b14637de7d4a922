from pathlib import Path

import numpy as np
import pytest
from mixbridge.export.corpus.score import BEND, ControllerMove, ScoreNote, ScorePart
from mixbridge.export.corpus.synth import MOST_VOICES, SYNTH_RATE_HZ, Synth, Voice
from mixbridge.presets.errors import AudioError


@pytest.fixture(scope="module")
def synth(sound_font: Path) -> Synth:
    return Synth({"sine": sound_font})


def voice(
    *notes: ScoreNote, controls: tuple[ControllerMove, ...] = (), detune_cents: float = 0.0, drum: bool = False
) -> Voice:
    return Voice(ScorePart("part", "keys", 0, drum, notes, controls), "sine", 0, detune_cents)


def pitch_hz(audio: np.ndarray) -> float:
    """By zero crossings between the middle and the end of the stretch."""
    signs = np.signbit(audio[0])
    crossings = np.flatnonzero(~signs[:-1] & signs[1:])
    return (len(crossings) - 1) * SYNTH_RATE_HZ / float(crossings[-1] - crossings[0])


def test_every_part_sounds_alone_and_in_time(synth: Synth) -> None:
    early, late = voice(ScoreNote(0.1, 0.2, 69, 100)), voice(ScoreNote(0.6, 0.2, 57, 100))
    audio = synth.render([early, late], 1.0)
    assert audio.shape == (2, 2, SYNTH_RATE_HZ)
    starts = [np.flatnonzero(np.abs(part[0]) > 1e-3)[0] / SYNTH_RATE_HZ for part in audio]
    assert starts == pytest.approx([0.1, 0.6], abs=0.004)
    assert np.abs(audio[0, :, int(0.55 * SYNTH_RATE_HZ) :]).max() < 1e-4


def test_the_same_score_gives_the_same_samples_whatever_came_before(synth: Synth) -> None:
    song = [voice(ScoreNote(0.0, 1.0, 69, 90)), voice(ScoreNote(0.2, 3.0, 60, 90), drum=True)]
    first = synth.render(song, 0.7)
    synth.render([voice(*(ScoreNote(0.01 * step, 5.0, 40 + step, 120) for step in range(40)))], 0.5)
    np.testing.assert_array_equal(first, synth.render(song, 0.7))


def test_pitch_follows_key_detuning_and_wheel(synth: Synth) -> None:
    note = ScoreNote(0.0, 1.0, 69, 100)
    up = ControllerMove(0.0, BEND, 16383)
    plain, sharp, bent = synth.render([voice(note), voice(note, detune_cents=50), voice(note, controls=(up,))], 0.8)
    assert pitch_hz(plain) == pytest.approx(441, rel=0.002)
    assert pitch_hz(sharp) == pytest.approx(441 * 2 ** (50 / 1200), rel=0.002)
    assert pitch_hz(bent) == pytest.approx(441 * 2 ** (2 / 12), rel=0.002)


def test_a_program_that_the_font_lacks_is_played_by_program_0(synth: Synth) -> None:
    part = voice(ScoreNote(0.0, 0.5, 69, 100)).part
    lacking, zero = synth.render([Voice(part, "sine", 99), Voice(part, "sine", 0)], 0.3)
    np.testing.assert_array_equal(lacking, zero)
    assert np.abs(zero).max() > 0.01


def test_too_many_parts_and_a_missing_font_are_told(synth: Synth, tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="leave some out"):
        synth.render([voice()] * (MOST_VOICES + 1), 0.1)
    with pytest.raises(AudioError, match="cannot be loaded"):
        Synth({"none": tmp_path / "none.sf2"})
