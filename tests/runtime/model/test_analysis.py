"""Which passage of a session is heard, and of a reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from mixbridge.presets.errors import AudioError
from mixbridge.runtime.audio.loudness import integrated_loudness
from mixbridge.runtime.model.analysis import cut_passage, heard_in
from mixbridge.runtime.model.excerpts import choose_start_s, loudest_start
from mixbridge.runtime.model.own_mix import OwnMix
from mixbridge.runtime.model.references import hear_reference
from numpy.typing import NDArray

Audio = NDArray[np.float32]
RATE_HZ = 16000
LENGTH_S = 3.0
# Passages of a reference are faded for so many samples where they meet.
FADE = RATE_HZ // 100
Part = tuple[float, float, float]
"""From and to in seconds, and the level."""


def sound(seconds: float, parts: Sequence[Part], seed: int = 0, rate_hz: int = RATE_HZ, channels: int = 1) -> Audio:
    """Noise that is on in some parts only."""
    noise = np.random.default_rng(seed).standard_normal((channels, round(seconds * rate_hz)))
    level = np.zeros(noise.shape[1])
    for start_s, end_s, amplitude in parts:
        level[round(start_s * rate_hz) : round(end_s * rate_hz)] = amplitude
    return (noise * level).astype(np.float32)


def save(path: Path, audio: Audio, rate_hz: int = RATE_HZ) -> Path:
    sf.write(path, audio.T, rate_hz, subtype="FLOAT")
    return path


# 30 s: an intro of the keys alone, the band from 10 to 16 s, a loud solo of the lead from 22 to 27 s.
SONG: Mapping[str, Sequence[Part]] = {
    "Keys": [(0, 10, 0.05), (10, 16, 0.08)],
    "Bass": [(10, 16, 0.1)],
    "Drums": [(10, 16, 0.1)],
    "Lead": [(10, 16, 0.08), (22, 27, 0.25)],
}


def song(
    folder: Path, rates_hz: Sequence[int] = (RATE_HZ,) * 4, ends_s: Sequence[float] = (30,) * 4
) -> dict[str, Path]:
    return {
        name: save(folder / f"{name}.wav", sound(end_s, parts, seed, rate_hz, 1 + seed % 2), rate_hz)
        for seed, ((name, parts), rate_hz, end_s) in enumerate(zip(SONG.items(), rates_hz, ends_s, strict=True))
    }


def test_the_passage_is_where_most_tracks_play(tmp_path: Path) -> None:
    passage = cut_passage(song(tmp_path), RATE_HZ, round(LENGTH_S * RATE_HZ))
    assert 10 <= passage.start_s <= 16 - LENGTH_S
    assert passage.length_s == LENGTH_S
    assert passage.silent == ()
    assert min(passage.loudness_lufs.values()) > -35
    for name, audio in passage.audio.items():
        assert audio.shape == (1 + list(SONG).index(name) % 2, round(LENGTH_S * RATE_HZ))
        assert passage.loudness_lufs[name] == integrated_loudness(audio, RATE_HZ)


def test_rates_and_lengths_of_stems_do_not_matter(tmp_path: Path) -> None:
    stems = song(tmp_path, (44100, 22050, 8000, 11025), (17, 16.3, 20.001, 30))
    passage = cut_passage(stems, RATE_HZ, 48001)
    assert 10 <= passage.start_s <= 13
    assert passage.silent == ()
    assert {audio.shape[1] for audio in passage.audio.values()} == {48001}
    assert {name: len(audio) for name, audio in passage.audio.items()} == {"Keys": 1, "Bass": 2, "Drums": 1, "Lead": 2}


def test_where_all_play_the_loud_part_is_taken(tmp_path: Path) -> None:
    """A verse and a chorus with the same band."""
    parts = [(0, 10, 0.03), (10, 15, 0.12), (15, 25, 0.03)]
    stems = [save(tmp_path / f"{seed}.wav", sound(25, parts, seed)) for seed in range(3)]
    assert 9.75 <= choose_start_s(stems, LENGTH_S) <= 12.25


@pytest.mark.parametrize("turns_s", [4, 9])
def test_people_who_speak_in_turn_are_all_heard(tmp_path: Path, turns_s: int) -> None:
    """One speaks louder at the end; still the passage has a turn of each."""
    ends = [*range(0, 36, turns_s), 36]
    turns = [(start, end, 0.3 if start > 25 else 0.1) for start, end in pairwise(ends)]
    stems = {
        name: save(tmp_path / f"{name}.wav", sound(40, [*turns[place::2]], place))
        for place, name in enumerate(("Anna", "Ben"))
    }
    passage = cut_passage(stems, RATE_HZ, round(LENGTH_S * RATE_HZ))
    assert passage.silent == ()
    for audio in passage.audio.values():
        assert np.count_nonzero(audio) >= RATE_HZ * audio.shape[0]


def test_a_hot_recording_does_not_decide_alone(tmp_path: Path) -> None:
    """Where a loudly recorded track has its loudest moment counts no more than where the others have theirs."""
    quiet = [sound(20, [(0, 10, 0.001), (12, 16, 0.004)], seed) for seed in range(3)]
    hot = sound(20, [(0, 10, 0.9), (12, 16, 0.5)], 9)
    stems = [save(tmp_path / f"{place}.wav", audio) for place, audio in enumerate([*quiet, hot])]
    assert 11.75 <= choose_start_s(stems, LENGTH_S) <= 13.25


def test_the_samples_are_those_of_the_file(tmp_path: Path) -> None:
    audio = sound(10, [(0, 10, 0.1)], channels=2)
    passage = cut_passage({"a": save(tmp_path / "a.wav", audio)}, RATE_HZ, 20000, start_s=2.5)
    np.testing.assert_array_equal(passage.audio["a"], audio[:, 40000:60000])


def test_a_chosen_start_is_honoured(tmp_path: Path) -> None:
    passage = cut_passage(song(tmp_path), RATE_HZ, round(LENGTH_S * RATE_HZ), start_s=23.1)
    assert passage.start_s == 23.1
    assert passage.silent == ("Keys", "Bass", "Drums")


def test_what_is_tried_has_every_track_whichever_passage_is_chosen(tmp_path: Path) -> None:
    stems, samples = song(tmp_path), round(LENGTH_S * RATE_HZ)
    passage = cut_passage(stems, RATE_HZ, samples, start_s=23.1)
    assert list(passage.tried) == list(SONG)
    assert passage.tried["Lead"] is passage.audio["Lead"]
    for name in ("Keys", "Bass", "Drums"):
        assert passage.tried[name] is passage.fullest(name).audio
    # Beside a mix of these tracks the passage is all that can be compared.
    own = OwnMix({}, {}, 1.0, passage.audio["Lead"])
    assert list(replace(passage, own_mix=own).tried) == ["Lead"]


def test_tracks_are_compared_at_the_same_places_whichever_passage_is_chosen(tmp_path: Path) -> None:
    stems, samples = song(tmp_path), round(LENGTH_S * RATE_HZ)
    passages = [cut_passage(stems, RATE_HZ, samples, start_s) for start_s in (None, 2.0, 23.1)]
    assert {passage.places_s for passage in passages} == {passages[0].places_s}
    assert len(passages[0].places_s) == 3
    for passage in passages[1:]:
        np.testing.assert_array_equal(passage.side_by_side("Lead"), passages[0].side_by_side("Lead"))


def test_a_passage_reaches_over_the_end_with_zeros(tmp_path: Path) -> None:
    audio = sound(10, [(0, 10, 0.1)])
    passage = cut_passage({"a": save(tmp_path / "a.wav", audio)}, RATE_HZ, 2 * RATE_HZ, start_s=9)
    np.testing.assert_array_equal(passage.audio["a"][:, :RATE_HZ], audio[:, 9 * RATE_HZ :])
    assert not passage.audio["a"][:, RATE_HZ:].any()


@pytest.mark.parametrize("start_s", [-0.1, 30.0, 1e9, float("nan"), float("inf")])
def test_a_start_outside_the_tracks_is_refused(tmp_path: Path, start_s: float) -> None:
    with pytest.raises(AudioError, match=r"cannot begin at .* s: the tracks run from 0 to 30\.0 s"):
        cut_passage(song(tmp_path), RATE_HZ, RATE_HZ, start_s)


def test_stems_shorter_than_the_passage_are_padded(tmp_path: Path) -> None:
    audio = sound(1.3, [(0, 1.3, 0.1)])
    passage = cut_passage({"a": save(tmp_path / "a.wav", audio)}, RATE_HZ, 3 * RATE_HZ)
    assert passage.start_s == 0
    np.testing.assert_array_equal(passage.audio["a"][:, : audio.shape[1]], audio)
    assert not passage.audio["a"][:, audio.shape[1] :].any()


def test_silent_tracks_are_found(tmp_path: Path) -> None:
    stems = {
        "Hiss": save(tmp_path / "hiss.wav", sound(8, [(0, 8, 10 ** (-75 / 20))], 1)),
        "Vox": save(tmp_path / "vox.wav", sound(8, [(0, 8, 0.1)], 2)),
        "Empty": save(tmp_path / "empty.wav", np.zeros((2, 8 * RATE_HZ), np.float32)),
        "Later": save(tmp_path / "later.wav", sound(8, [(7, 8, 0.1)], 3)),
    }
    passage = cut_passage(stems, RATE_HZ, 3 * RATE_HZ, start_s=0)
    assert passage.silent == ("Hiss", "Empty", "Later")
    assert passage.loudness_lufs["Empty"] == -np.inf


def test_silent_files_do_not_draw_the_passage(tmp_path: Path) -> None:
    """Noise of a muted recorder, loudest at 0 s, in many files; one instrument plays from 5 s on."""
    hiss = [save(tmp_path / f"{seed}.wav", sound(12, [(0, 4, 1e-4)], seed)) for seed in range(5)]
    music = save(tmp_path / "music.wav", sound(12, [(5, 12, 0.1)], 9))
    assert 5 <= choose_start_s([*hiss, music], LENGTH_S) <= 9


def test_only_silence_begins_at_the_beginning(tmp_path: Path) -> None:
    passage = cut_passage({"a": save(tmp_path / "a.wav", np.zeros((1, 8 * RATE_HZ), np.float32))}, RATE_HZ, RATE_HZ)
    assert passage.start_s == 0
    assert passage.silent == ("a",)


def test_the_reference_is_heard_where_it_is_loud(tmp_path: Path) -> None:
    audio = sound(20, [(0, 20, 0.02), (11, 16, 0.2)], channels=2)
    audio_heard, start_s, length_s = hear_reference(save(tmp_path / "r.wav", audio), RATE_HZ, 3 * RATE_HZ)
    assert 11 <= start_s <= 13
    assert length_s == 3
    first = round(start_s * RATE_HZ)
    inner = slice(FADE, 3 * RATE_HZ - FADE)
    np.testing.assert_array_equal(audio_heard[:, inner], audio[:, first : first + 3 * RATE_HZ][:, inner])


def test_the_start_in_the_reference_is_honoured(tmp_path: Path) -> None:
    audio = sound(20, [(0, 20, 0.02), (11, 16, 0.2)], channels=2)
    heard, start_s, _ = hear_reference(save(tmp_path / "r.wav", audio), RATE_HZ, RATE_HZ, start_s=4.5)
    assert start_s == 4.5
    inner = slice(FADE, RATE_HZ - FADE)
    np.testing.assert_array_equal(heard[:, inner], audio[:, 72000:88000][:, inner])


def test_a_short_reference_is_repeated(tmp_path: Path) -> None:
    audio = sound(0.8, [(0, 0.8, 0.1)], channels=2)
    heard, start_s, length_s = hear_reference(save(tmp_path / "r.wav", audio), RATE_HZ, 40000)
    assert (start_s, length_s) == (0, pytest.approx(0.8))
    np.testing.assert_array_equal(heard, np.tile(audio, 4)[:, :40000])


def test_the_rest_of_a_reference_is_repeated(tmp_path: Path) -> None:
    audio = sound(5, [(0, 5, 0.1)])
    heard, start_s, length_s = hear_reference(save(tmp_path / "r.wav", audio), RATE_HZ, 40000, start_s=4)
    assert (start_s, length_s) == (4, pytest.approx(1))
    inner = slice(FADE, 40000 - FADE)
    np.testing.assert_array_equal(heard[:, inner], np.tile(audio[:, 4 * RATE_HZ :], 3)[:, inner])


@pytest.mark.parametrize(
    ("audio", "start_s", "words"),
    [
        (sound(0.45, [(0, 1, 0.1)]), None, r"0\.45 s is too short.*half a second"),
        (np.zeros((2, 5 * RATE_HZ), np.float32), None, "silent; choose a reference with music"),
        (sound(5, [(0, 5, 1e-4)]), None, "silent"),
        (sound(5, [(3, 5, 0.1)]), 0.0, "silent"),
        (sound(5, [(0, 5, 0.1)]), 4.6, r"cannot begin at 4\.6 s of a reference of 5\.0 s"),
        (sound(5, [(0, 5, 0.1)]), -1.0, "cannot begin at -1 s"),
        (sound(5, [(0, 5, 0.1)]), float("nan"), "cannot begin at nan s"),
    ],
    ids=["short", "silent", "hiss", "silent there", "behind the end", "before 0", "NaN"],
)
def test_a_reference_that_cannot_be_heard_is_named(
    tmp_path: Path, audio: Audio, start_s: float | None, words: str
) -> None:
    path = save(tmp_path / "my song.wav", audio)
    with pytest.raises(AudioError, match=rf"my song\.wav: .*{words}"):
        hear_reference(path, RATE_HZ, RATE_HZ, start_s)


@pytest.mark.parametrize("seed", range(6))
def test_memory_and_file_agree_on_the_loudest_part(tmp_path: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    parts = [(float(start), float(start + 2), float(random.uniform(0.01, 0.5))) for start in range(0, 20, 2)]
    audio = sound(20, parts, seed, channels=1 + seed % 2)
    start = loudest_start(audio, RATE_HZ, 3 * RATE_HZ)
    assert start == choose_start_s([save(tmp_path / "a.wav", audio)], 3.0) * RATE_HZ
    assert 0 <= start <= audio.shape[1] - 3 * RATE_HZ


@pytest.mark.parametrize("samples", [1, 100, RATE_HZ, 3 * RATE_HZ])
def test_what_is_no_longer_than_the_passage_begins_at_the_beginning(samples: int) -> None:
    assert loudest_start(np.full((1, samples), 0.1, np.float32), RATE_HZ, 3 * RATE_HZ) == 0


def test_a_stereo_file_with_a_dead_channel_is_told_from_a_wide_one() -> None:
    wide = np.random.default_rng(4).standard_normal((2, 4 * 44100)).astype(np.float32) * 0.1
    dead = wide * np.array([[0.0], [1.0]], np.float32)
    faint = wide * np.array([[1.0], [0.02]], np.float32)
    tracks = {"Wide": wide, "Dead": dead, "Faint": faint, "Mono": wide[:1], "Empty": np.zeros_like(wide)}
    assert heard_in(tracks, 44100, 2 * 44100).one_sided == {"Dead": "right"}
