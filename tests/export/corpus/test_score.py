from pathlib import Path

import pytest
from mixbridge.export.corpus.general_midi import DRUM_ROLES, PROGRAM_NAMES, role_of_drum, role_of_program
from mixbridge.export.corpus.score import (
    BEND,
    BEND_RANGE,
    ControllerMove,
    Score,
    ScoreNote,
    ScorePart,
    SungNote,
    read_midi,
)
from mixbridge.presets.errors import AudioError

ROLES = {*DRUM_ROLES, "bass", "guitar", "keys", "pad", "strings", "brass", "wind", "lead", "choir", "vocal", "other"}


def part(*starts: float, name: str = "part", drum: bool = False) -> ScorePart:
    notes = tuple(ScoreNote(start, 0.5, 126, 100) for start in starts)
    return ScorePart(name, "keys", 0, drum, notes)


def test_general_midi_has_a_name_and_a_role_for_every_program() -> None:
    assert len(PROGRAM_NAMES) == len(set(PROGRAM_NAMES)) == 128
    assert {role_of_program(program) for program in range(128)} <= ROLES
    spots = {0: "keys", 30: "guitar", 33: "bass", 48: "strings", 61: "brass", 73: "wind", 81: "lead", 89: "pad"}
    assert {program: role_of_program(program) for program in spots} == spots
    assert [PROGRAM_NAMES[index] for index in (0, 33, 73, 127)] == [
        "acoustic grand piano",
        "fingered bass",
        "flute",
        "gunshot",
    ]
    assert {role_of_drum(key) for key in range(27, 88)} == set(DRUM_ROLES)


def test_reading_splits_programs_and_drums(tunes: Path) -> None:
    score = read_midi(tunes / "toy.mid")
    assert {(part.name, part.role, len(part.notes)) for part in score.parts} == {
        ("keys_1_0", "keys", 40),
        ("wind_1_73", "wind", 40),
        ("keys_2_0", "keys", 80),
        ("kick", "kick", 40),
        ("snare", "snare", 40),
    }
    assert score.tempo_bpm == 120
    assert score.seconds == pytest.approx(40)
    flute = next(part for part in score.parts if part.role == "wind")
    assert flute.notes[0].start_s == pytest.approx(20, abs=0.01)
    assert flute.notes[0].length_s == pytest.approx(0.5, abs=0.01)


def test_reading_keeps_what_hands_do_and_drops_the_mix(tmp_path: Path) -> None:
    mido = pytest.importorskip("mido", reason="needs the `corpus` extra")
    track = mido.MidiTrack()
    for number, value in ((7, 20), (10, 0), (91, 99), (64, 127), (101, 0), (100, 0), (6, 12)):
        track.append(mido.Message("control_change", control=number, value=value))
    track.append(mido.Message("pitchwheel", pitch=-8192))
    track.append(mido.Message("note_on", note=60, velocity=80))
    track.append(mido.Message("control_change", control=1, value=0, time=960))
    file = mido.MidiFile(tracks=[track])
    file.save(tmp_path / "a.mid")
    only = read_midi(tmp_path / "a.mid").parts[0]
    assert [(control.number, control.value) for control in only.controls] == [
        (64, 127),
        (BEND_RANGE, 12),
        (BEND, 0),
        (1, 0),
    ]
    # A note that never ends lasts as long as the file.
    assert only.notes[0].length_s == pytest.approx(1.0)


def test_what_is_no_midi_or_has_no_notes_is_told(tmp_path: Path) -> None:
    mido = pytest.importorskip("mido", reason="needs the `corpus` extra")
    (tmp_path / "bad.mid").write_bytes(b"RIFF nonsense")
    with pytest.raises(AudioError, match=r"bad\.mid cannot be read"):
        read_midi(tmp_path / "bad.mid")
    mido.MidiFile(tracks=[mido.MidiTrack()]).save(tmp_path / "empty.mid")
    with pytest.raises(AudioError, match="no notes"):
        read_midi(tmp_path / "empty.mid")


def test_transposing_leaves_drums_and_drops_what_leaves_the_range() -> None:
    assert [note.pitch for note in part(0.0).transposed(-2).notes] == [124]
    assert part(0.0).transposed(2).notes == ()
    assert part(0.0, drum=True).transposed(2) == part(0.0, drum=True)


def test_retiming_moves_everything() -> None:
    controlled = ScorePart("p", "keys", 0, False, (ScoreNote(2.0, 1.0, 60, 90),), (ControllerMove(4.0, 64, 0),))
    fast = Score((controlled,), 10.0, 100.0, sung=(SungNote(6.0, 2.0, 60),)).retimed(2.0)
    assert (fast.seconds, fast.tempo_bpm) == (5.0, 200.0)
    assert fast.parts[0].notes == (ScoreNote(1.0, 0.5, 60, 90),)
    assert fast.parts[0].controls == (ControllerMove(2.0, 64, 0),)
    assert fast.sung == (SungNote(3.0, 1.0, 60),)


def test_an_excerpt_keeps_controls_that_hold() -> None:
    controls = (
        ControllerMove(0.0, 64, 0),
        ControllerMove(1.0, 64, 127),
        ControllerMove(6.0, 64, 0),
        ControllerMove(20.0, 64, 1),
    )
    played = ScorePart("p", "keys", 0, False, (ScoreNote(1.0, 1.0, 60, 90), ScoreNote(7.0, 1.0, 62, 90)), controls)
    cut = Score((played, part(0.5, name="gone")), 30.0, 100.0).excerpt(5.0, 10.0)
    assert [one.name for one in cut.parts] == ["p"]
    assert cut.parts[0].notes == (ScoreNote(2.0, 1.0, 62, 90),)
    assert cut.parts[0].controls == (ControllerMove(0.0, 64, 127), ControllerMove(1.0, 64, 0))


def test_the_busiest_stretch_is_where_most_parts_play() -> None:
    alone = part(*range(0, 100, 2), name="alone")
    others = [part(*(80 + step for step in range(10)), name=f"other{number}") for number in range(3)]
    starts = Score((alone, *others), 100.0, 100.0).busiest_starts(20.0)
    assert starts
    assert all(start + 20 > 80 for start in starts)
    assert Score((alone,), 10.0, 100.0).busiest_starts(60.0) == [0.0]
