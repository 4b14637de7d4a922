"""What is heard of a track: where it plays, spread over the song; and how loud it is on the whole."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from mixbridge.runtime.audio.loudness import integrated_loudness
from mixbridge.runtime.model.analysis import heard_in
from mixbridge.runtime.model.excerpts import HEARD, STEP_S, excerpt_steps, gated_db, joined, share_under, whole_lufs
from numpy.typing import NDArray

RATE_HZ = 8000
WINDOW = 24  # steps, 6 s


def plays(*parts: tuple[int, int], steps: int = 400, level: float = 0.01) -> NDArray[np.float64]:
    power = np.zeros(steps)
    for begin, end in parts:
        power[begin:end] = level
    return power


def test_a_song_that_plays_all_the_time_is_heard_in_all_its_parts() -> None:
    steps = excerpt_steps(plays((0, 400)), WINDOW)
    assert len(steps) == HEARD
    assert steps[0] <= 133 - WINDOW
    assert all(later - earlier > 100 for earlier, later in pairwise(steps))


def test_excerpts_do_not_overlap_and_lie_where_it_plays() -> None:
    power = plays((50, 80), (200, 230), (300, 340))
    steps = excerpt_steps(power, WINDOW)
    assert len(steps) >= 2
    assert all(later - earlier >= WINDOW for earlier, later in pairwise(steps))
    for step in steps:
        assert (power[step : step + WINDOW] > 0).mean() > 0.5


@pytest.mark.parametrize("begin", [0, 150, 376])
def test_what_plays_once_is_heard_once_and_whole(begin: int) -> None:
    power = plays((begin, begin + 8))
    (step,) = excerpt_steps(power, WINDOW)
    assert step <= begin
    assert begin + 8 <= step + WINDOW


def test_bleed_beside_a_fill_is_not_heard() -> None:
    """Toms that are hit once, and pick up the kit 25 dB below that all the time: the passage may be of the kit."""
    numbers = np.random.default_rng(0)
    kit = 0.1 * numbers.standard_normal((1, 30 * RATE_HZ)).astype(np.float32)
    toms = kit * 10 ** (-25 / 20)
    toms[:, 3 * RATE_HZ : 5 * RATE_HZ] = kit[:, 3 * RATE_HZ : 5 * RATE_HZ]
    kit[:, : 6 * RATE_HZ] = 0
    passage = heard_in({"Kit": kit, "Bass": kit, "Toms": toms}, RATE_HZ, 6 * RATE_HZ)
    assert passage.start_s > 5
    assert passage.silent == ("Toms",)
    assert all(excerpt.start_s <= 3 and excerpt.start_s + 6 >= 5 for excerpt in passage.excerpts_of("Toms"))
    assert passage.level_lufs("Toms") == pytest.approx(passage.level_lufs("Kit"), abs=1.0)


def test_the_passage_says_half_as_much_of_a_track_as_what_was_chosen_for_it() -> None:
    noise = 0.1 * np.random.default_rng(1).standard_normal((1, 40 * RATE_HZ)).astype(np.float32)
    late = noise.copy()
    late[:, : 31 * RATE_HZ] = 0
    for begin_s in (1, 12, 22):
        noise[:, begin_s * RATE_HZ : (begin_s + 6) * RATE_HZ] *= 1.5
    passage = heard_in({"Pad": noise, "Vox": late}, RATE_HZ, 6 * RATE_HZ)
    assert passage.start_s > 30
    weights = {excerpt.start_s: excerpt.weight for excerpt in passage.excerpts_of("Pad")}
    assert weights.pop(passage.start_s) == 0.5
    assert set(weights.values()) == {1.0}


def test_silence_is_not_heard_and_what_is_short_is_heard_from_its_start() -> None:
    assert excerpt_steps(np.zeros(100), WINDOW) == []
    assert excerpt_steps(plays((3, 9), steps=10), WINDOW) == [0]


def test_the_gated_level_is_that_of_the_parts_that_play() -> None:
    assert gated_db(plays((0, 100), level=0.01)) == pytest.approx(-20, abs=0.1)
    assert gated_db(np.zeros(40)) == -np.inf


def test_the_level_of_the_whole_is_its_loudness() -> None:
    """A track that is 8 dB quieter in half of its playing time, and pauses."""
    numbers = np.random.default_rng(0)
    gains = np.repeat([1.0, 0.0, 0.4, 0.0, 1.0, 0.4], 6 * RATE_HZ)
    audio = (0.1 * gains * numbers.standard_normal(len(gains)))[None].astype(np.float32)
    passage = heard_in({"a": audio}, RATE_HZ, 3 * RATE_HZ)
    assert passage.level_lufs("a") == pytest.approx(integrated_loudness(audio, RATE_HZ), abs=0.01)
    powers = np.mean(np.square(audio.reshape(-1, round(STEP_S * RATE_HZ)), dtype=np.float64), axis=1)
    found = whole_lufs(powers, passage.excerpts_of("a"), RATE_HZ)
    assert found == pytest.approx(integrated_loudness(audio, RATE_HZ), abs=0.5)


def test_a_track_that_is_silent_in_the_passage_is_heard_elsewhere() -> None:
    numbers = np.random.default_rng(1)
    noise = 0.1 * numbers.standard_normal((3, 40 * RATE_HZ))
    band, late = np.arange(noise.shape[1]) < 24 * RATE_HZ, np.arange(noise.shape[1]) > 34 * RATE_HZ
    tracks = {"a": noise[:1] * band, "b": noise[1:2] * band, "late": noise[2:] * late}
    passage = heard_in({name: audio.astype(np.float32) for name, audio in tracks.items()}, RATE_HZ, 6 * RATE_HZ)
    assert passage.silent == ("late",)
    assert passage.heard == ("a", "b", "late")
    (excerpt,) = passage.excerpts_of("late")
    assert excerpt.start_s >= 28
    assert excerpt.loudness_lufs > -30


def test_passages_are_joined_without_a_click() -> None:
    tone = np.ones((2, 4000), np.float32)
    both = joined([tone, -tone], RATE_HZ)
    assert both.shape == (2, 8000)
    assert np.abs(np.diff(both)).max() < 0.05
    assert joined([tone], RATE_HZ) is tone


def test_a_share_under_talk_counts_pauses_between_sentences_as_talk() -> None:
    quiet, loud = 1e-12, 1e-2
    talk = np.array([quiet] * 8 + [loud, quiet, quiet, loud] * 4 + [quiet] * 16)  # silent for 2, then for 4 s
    everywhere, before, none = np.full(40, loud), np.array([loud] * 8), np.zeros(40)
    assert share_under(everywhere, [talk], 1.0) == pytest.approx(16 / 40)
    assert share_under(everywhere, [talk], 0.25) == pytest.approx(8 / 40)
    assert share_under(before, [talk], 1.0) == 0
    assert share_under(none, [talk], 1.0) == 1
