"""Sung leads and lone voices; synthesizers that are not installed are stood in for, or their tests skipped."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import soundfile
from mixbridge.export.corpus import performances, sentences, speech, voices
from mixbridge.export.corpus.score import SungNote
from mixbridge.export.corpus.sources import CorpusSources
from mixbridge.presets.errors import AudioError

MELODY = [SungNote(0.5 + 0.5 * step, 0.48, 60 + step) for step in (0, 2, 4, 5, 7)]

needs_singer = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("pysinsy", "pyworld"))), reason="pysinsy and pyworld are not installed"
)
needs_all = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("pysinsy", "pyworld", "hibari"))) or not speech.has_flite(),
    reason="pysinsy, pyworld, hibari or the program flite are not installed",
)


@pytest.fixture
def recordings(tmp_path):
    """Thirty sentences of a speaker: tones of a second."""
    for number in range(30):
        tone = 0.2 * np.sin(2 * np.pi * 150 * np.arange(16000) / 16000)
        soundfile.write(tmp_path / f"ru_{number:04d}.wav", tone, 16000)
    return tmp_path


def sources_with(recordings):
    return CorpusSources(Path(), {}, Path(), Path(), recordings)


def test_nothing_to_sing_is_silence():
    assert not voices.sing([SungNote(9.0, 1.0, 60)], 120, 2.0, np.random.default_rng(0)).any()
    assert voices.sing([], 120, 2.5, np.random.default_rng(0)).shape == (110250,)


@needs_singer
@pytest.mark.parametrize("seed", [0, 3])
def test_a_lead_is_as_long_as_asked_and_the_same_again(seed):
    track = voices.sing(MELODY, 120, 3.217, np.random.default_rng(seed))
    assert track.dtype == np.float32
    assert track.shape == (round(3.217 * 44100),)
    assert np.isfinite(track).all()
    assert 0.15 < np.abs(track).max() < 0.76
    assert np.array_equal(track, voices.sing(MELODY, 120, 3.217, np.random.default_rng(seed)))


@needs_singer
def test_a_lead_that_starts_at_once_and_ends_late_fits():
    notes = [SungNote(0.0, 0.5, 67), SungNote(1.8, 3.0, 65)]
    assert voices.sing(notes, 90, 2.0, np.random.default_rng(1)).shape == (88200,)


def test_an_unknown_split_is_refused(recordings):
    with pytest.raises(AudioError, match="'train' or 'test'"):
        voices.lone_voice(sources_with(recordings), 5.0, np.random.default_rng(0), "validation")


@pytest.mark.parametrize("writer", [sentences.talk, sentences.lyric])
def test_sentences_of_the_test_are_never_trained_on(writer):
    numbers = np.random.default_rng(0)
    heard = {split: {writer(numbers, split) for _ in range(300)} for split in ("train", "test")}
    assert not heard["train"] & heard["test"]
    assert len(heard["train"]) > 100


def test_recordings_are_split_by_sentence(recordings):
    train, test = (set(speech.recorded(recordings, split).files) for split in ("train", "test"))
    assert not train & test
    assert train | test == set(recordings.iterdir())
    assert 4 <= len(test) <= 17


def test_no_recordings_at_all_are_an_error(tmp_path):
    with pytest.raises(AudioError, match="no sentences"):
        speech.recorded(tmp_path, "train")


def test_a_recording_of_another_rate_is_refused(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(100), 8000)
    with pytest.raises(AudioError, match="8000"):
        speech.RecordedSpeaker((tmp_path / "a.wav",)).say(1.0, np.random.default_rng(0))


def test_a_damaged_recording_is_named(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"no audio")
    with pytest.raises(AudioError, match=r"a\.wav"):
        speech.RecordedSpeaker((tmp_path / "a.wav",)).say(1.0, np.random.default_rng(0))


def test_voices_of_the_test_are_never_trained_on(recordings, monkeypatch):
    monkeypatch.setattr(speech, "has_flite", lambda: True)
    heard = {}
    for split in ("train", "test"):
        stage = performances._Stage(recordings, 5.0, np.random.default_rng(0), split)
        speakers = [performances._speaker(stage, sentences.talk) for _ in range(200)]
        heard[split] = {speaker.voice for speaker in speakers if isinstance(speaker, speech.Flite)}
        assert {type(speaker) for speaker in speakers} == {speech.Flite, speech.Hibari, speech.RecordedSpeaker}
    assert heard == {"train": {"rms", "kal16"}, "test": {"slt", "awb"}}


def test_without_flite_and_recordings_there_is_hibari(monkeypatch):
    monkeypatch.setattr(speech, "has_flite", lambda: False)
    stage = performances._Stage(None, 5.0, np.random.default_rng(0), "test")
    assert {type(performances._speaker(stage, sentences.talk)) for _ in range(20)} == {speech.Hibari}


def test_a_talk_of_recordings_alone(recordings, monkeypatch):
    only = speech.recorded(recordings, "train")
    monkeypatch.setattr(performances, "_speaker", lambda stage, writer: only)
    plain = np.random.default_rng(2)
    audio, info = performances._talking(performances._Stage(recordings, 6.0, _Choosing(plain, "plain"), "train"))
    assert len(audio) >= 6 * 44100
    assert (info.kind, info.source, info.notes) == ("spoken", "festvox-ru", ())


class _Choosing:
    """A generator that chooses one word where it can, and is random elsewhere."""

    def __init__(self, numbers, word):
        self._numbers, self._word = numbers, word

    def __getattr__(self, name):
        return getattr(self._numbers, name)

    def choice(self, options, **given):
        return self._word if self._word in list(options) else self._numbers.choice(options, **given)


@needs_all
@pytest.mark.parametrize("split", ["train", "test"])
def test_every_kind_of_lone_voice_is_usable(recordings, split):
    kinds = set()
    for seed in range(14):
        track, info = voices.lone_voice(sources_with(recordings), 5.0, np.random.default_rng(seed), split)
        kinds.add(info.kind)
        assert track.shape == (5 * 44100,)
        assert np.isfinite(track).all()
        assert 0.15 < np.abs(track).max() < 0.76
        assert info.licence
        assert info.source in {"pysinsy", "hibari-tts", "festvox-ru", "flite"}
    assert kinds == {"sung", "sung speech", "rap", "spoken"}
