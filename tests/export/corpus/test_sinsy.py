"""Scores for Sinsy: phrases, ticks, MusicXML; and the singing itself where it is installed."""

import importlib.util
import itertools
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from mixbridge.export.corpus import singers, sinsy
from mixbridge.export.corpus.score import SungNote
from mixbridge.export.corpus.sinsy import Syllable
from mixbridge.presets.errors import MixbridgeError

BAR = 4 * sinsy.TICKS_PER_BEAT
MELODY = [SungNote(1.0 + 0.5 * step, 0.48, pitch) for step, pitch in enumerate((67, 69, 72, 71, 67, 64))]

needs_voices = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("pysinsy", "pyworld"))), reason="pysinsy and pyworld are not installed"
)


def test_phrases_part_at_long_gaps_only():
    notes = [SungNote(4.0, 1.0, 60), SungNote(0.0, 1.0, 60), SungNote(1.5, 0.5, 62)]
    assert [[note.start_s for note in phrase] for phrase in sinsy.phrases(notes, 2.0)] == [[0.0, 1.5], [4.0]]


@pytest.mark.parametrize(("pitch", "heard"), [(64, 64), (63, 75), (40, 64), (77, 65), (100, 76), (76, 76)])
def test_pitches_fold_by_octaves_into_the_range(pitch, heard):
    assert sinsy.folded(pitch, 64, 76) == heard


def test_syllables_keep_the_beat_and_fill_bars():
    line = sinsy.syllables(
        [SungNote(10.0, 0.45, 67), SungNote(10.5, 0.2, 69), SungNote(11.5, 0.5, 71)], 120, np.random.default_rng(0)
    )
    assert [(one.pitch, one.ticks) for one in line[:5]] == [(None, 24), (67, 24), (69, 10), (None, 38), (71, 24)]
    assert sum(one.ticks for one in line) % BAR == 0
    assert line[-1].pitch is None
    assert line[-1].ticks >= BAR // 4


def test_notes_that_overlap_or_vanish_stay_in_order_and_audible():
    notes = [SungNote(0.0, 0.9, 67), SungNote(0.5, 0.001, 69), SungNote(0.501, 0.5, 71)]
    line = [one for one in sinsy.syllables(notes, 60, np.random.default_rng(0)) if one.pitch is not None]
    assert [one.pitch for one in line] == [67, 69, 71]
    assert all(one.ticks >= 3 for one in line)


def test_music_xml_ties_notes_over_bar_lines():
    root = ET.fromstring(sinsy.music_xml([Syllable(None, 72), Syllable(66, 48, "ら"), Syllable(None, 72)], 93.5))
    bars = root.findall("part/measure")
    assert [sum(int(d.text) for d in bar.findall("note/duration")) for bar in bars] == [BAR, BAR]
    first, second = bars[0].findall("note")[1], bars[1].findall("note")[0]
    assert first.findtext("pitch/step") + first.findtext("pitch/alter") + first.findtext("pitch/octave") == "F14"
    assert (first.find("tie").get("type"), second.find("tie").get("type")) == ("start", "stop")
    assert (first.findtext("lyric/text"), second.find("lyric")) == ("ら", None)
    assert root.find(".//sound").get("tempo") == "93.5000"


@pytest.mark.parametrize("key", range(12))
def test_a_major_melody_is_sung_in_c(key):
    notes = [SungNote(0.0, 1.0, 60 + key + step) for step in (0, 2, 4, 5, 7, 9, 11)]
    shifts = singers.fitting_shifts(notes)
    assert [(shift - key) % 12 for shift in shifts] == [0]


def test_a_melody_out_of_range_is_sung_in_another_octave():
    asked = [SungNote(0.0, 1.0, pitch) for pitch in (36, 40, 43, 48)]
    sung = singers.in_range(asked, -5)
    assert all(sinsy.LOWEST_PITCH <= note.pitch <= sinsy.HIGHEST_PITCH for note in sung)
    assert {(one.pitch - 5 - other.pitch) % 12 for one, other in zip(sung, asked, strict=True)} == {0}


def test_a_drawn_melody_stays_within_its_time():
    notes, _ = singers.drawn_melody(30.0, np.random.default_rng(4))
    assert len(notes) > 15
    assert all(later.start_s >= one.start_s + one.length_s for one, later in itertools.pairwise(notes))
    assert notes[-1].start_s + notes[-1].length_s < 30


def test_a_phrase_that_blows_up_is_sung_again(monkeypatch):
    takes = iter([np.array([0.1, np.nan]), np.array([0.1, 1e200]), np.array([0.1, 0.2])])
    monkeypatch.setattr(sinsy, "_synthesized", lambda score, alpha: next(takes))
    assert sinsy.sing_phrase(MELODY, 120, 1.0, 0.55, np.random.default_rng(0)).tolist() == [0.1, 0.2]


def test_a_phrase_that_always_blows_up_is_silent(monkeypatch, caplog):
    monkeypatch.setattr(sinsy, "_synthesized", lambda score, alpha: np.array([0.1, np.inf]))
    assert not sinsy.sing_phrase(MELODY, 120, 1.0, 0.55, np.random.default_rng(0)).any()
    assert "6 notes" in caplog.text


def test_without_the_library_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pysinsy", None)
    sinsy._singer.cache_clear()
    with pytest.raises(MixbridgeError, match="pip install"):
        sinsy.sing_phrase(MELODY, 120, 1.0, 0.55, np.random.default_rng(0))


@needs_voices
@pytest.mark.parametrize("semitones", [-5, 0, 4])
def test_notes_are_sung_where_and_as_high_as_asked(semitones):
    from mixbridge.export.corpus.tuning import pitch_of

    asked = [SungNote(note.start_s, note.length_s, note.pitch + semitones) for note in MELODY]
    track = singers.sung_by(singers.Singer(semitones, 0.55), asked, 120, 5 * 44100, np.random.default_rng(2))
    assert track.shape == (5 * 44100,)
    assert not track[: int(0.4 * 44100)].any() or np.abs(track[: int(0.4 * 44100)]).max() < 0.01
    pitch_hz = pitch_of(track, 44100, (200.0, 900.0))
    for note in asked:
        middle = pitch_hz[int((note.start_s + 0.2) * 100) : int((note.start_s + 0.4) * 100)]
        heard = 69 + 12 * np.log2(np.median(middle[middle > 0]) / 440)
        assert (heard - note.pitch + 6) % 12 - 6 == pytest.approx(0, abs=0.5)
