import numpy as np
import pytest
from mixbridge.export.corpus.arrange import MOST_TRACKS, arrange, humanised
from mixbridge.export.corpus.compose import compose
from mixbridge.export.corpus.drums import KITS
from mixbridge.export.corpus.general_midi import DRUM_ROLES
from mixbridge.export.corpus.genres import GENRES
from mixbridge.export.corpus.players import PLAYERS, STEPS, BarHarmony
from mixbridge.export.corpus.score import Score, ScorePart

SECONDS = 60.0


def song(genre: str, seed: int = 0) -> Score:
    return compose(SECONDS, np.random.default_rng(seed), genre)


def test_the_tables_fit_together() -> None:
    assert len(GENRES) >= 15
    for genre in GENRES.values():
        assert {layer.player for layer in genre.layers} <= set(PLAYERS)
        assert len({layer.name for layer in genre.layers}) == len(genre.layers)
        assert all(0 <= program < 128 for layer in genre.layers for program in layer.programs)
        assert all(len(progression) == 4 for progression in genre.progressions)
        assert set(genre.sampled_drums) <= set(KITS)
        assert sum(genre.sampled_drums.values()) <= 1
        if genre.groove:
            hands = [pattern for _, pattern in genre.groove.percussion]
            for pattern in (*genre.groove.kick, *genre.groove.snare, *genre.groove.hats, *hands):
                assert len(pattern) == STEPS
                assert set(pattern) <= set("Xxo.")


@pytest.mark.parametrize("genre", GENRES)
def test_every_genre_gives_a_band_that_plays_within_the_song(genre: str) -> None:
    score = song(genre)
    assert score.genre == genre
    assert 3 <= len(score.parts) <= MOST_TRACKS
    assert len({part.name for part in score.parts}) == len(score.parts)
    for part in score.parts:
        assert part.notes
        assert all(0 <= note.start_s < SECONDS for note in part.notes)
        assert all(note.length_s > 0 and 0 <= note.pitch <= 127 and 1 <= note.velocity <= 127 for note in part.notes)
        assert part.is_drum == (part.role in DRUM_ROLES and part.program == 0)


@pytest.mark.parametrize("genre", [name for name, genre in GENRES.items() if genre.sung])
def test_melodies_can_be_sung(genre: str) -> None:
    for seed in range(4):
        sung = song(genre, seed).sung
        assert len(sung) > 8
        assert all(57 <= note.pitch <= 74 for note in sung)
        ends = [note.start_s + note.length_s for note in sung]
        assert all(end <= following.start_s + 1e-9 for end, following in zip(ends, sung[1:], strict=False))
        assert ends[-1] < SECONDS
        # A singer has to breathe: somewhere there is half a second of rest.
        assert max(after.start_s - end for end, after in zip(ends, sung[1:], strict=False)) > 0.3


def test_songs_depend_on_their_numbers_alone() -> None:
    assert song("pop", 3) == song("pop", 3)
    assert song("pop", 3) != song("pop", 4)


def test_sections_differ() -> None:
    """Over many songs, parts are silent in some stretches: at least a third join late or leave."""
    parts = [part for seed in range(10) for part in song("pop", seed).parts]
    sometimes = [part for part in parts if _silent_seconds(part) > 8]
    assert len(sometimes) > len(parts) / 3


def _silent_seconds(part: ScorePart) -> float:
    marks = [0.0, *(note.start_s + note.length_s for note in part.notes)]
    starts = [*(note.start_s for note in part.notes), SECONDS]
    return max(start - mark for mark, start in zip(marks, starts, strict=True))


def test_players_stay_with_the_chord_and_the_bar() -> None:
    bar = BarHarmony(
        tonic=9, scale=(0, 2, 3, 5, 7, 8, 10), degree=3, following=4, sevenths=True, energy=0.8, kick=(0, 6, 8)
    )
    in_key = {(9 + offset) % 12 for offset in bar.scale}
    for name, player in PLAYERS.items():
        for seed in range(5):
            hits = player(bar, 40, np.random.default_rng(seed))
            assert all(0 <= hit.step < STEPS and hit.length > 0 and 0 < hit.force <= 1 for hit in hits), name
            foreign = [hit for hit in hits if hit.pitch % 12 not in in_key]
            assert len(foreign) <= 2, name  # a chromatic step into the next chord at most
    assert bar.root(40) % 12 == (9 + 5) % 12
    assert bar.fifth(40) - bar.root(40) == 7
    assert [pitch % 12 for pitch in sorted(bar.chord(40))] == sorted(
        [pitch % 12 for pitch in bar.chord(40)], key=lambda pitch: (pitch - 40) % 12
    )


def test_sessions_have_one_track_or_two_dozen_but_mostly_about_ten() -> None:
    numbers = np.random.default_rng(0)
    score = song("pop")
    counts = [len(arrange(score, ["a", "b"], numbers, as_written=False)) for _ in range(300)]
    assert min(counts) == 1
    assert 15 < max(counts) <= MOST_TRACKS
    assert 0.5 < np.mean([6 <= count <= 14 for count in counts]) < 0.9


def test_arrangements_name_their_doubles_and_keep_names_apart() -> None:
    score = song("rock")
    for seed in range(30):
        voices = arrange(score, ["a"], np.random.default_rng(seed), as_written=True)
        names = [voice.part.name for voice in voices]
        assert len(set(names)) == len(names)
        for voice in voices:
            if voice.notes:
                assert voice.notes[0].split(" of ")[1] in names
            else:
                assert voice.part in score.parts
                assert voice.program == voice.part.program


def test_a_second_take_is_near_the_first() -> None:
    part = song("rock").parts[0]
    second = humanised(part, np.random.default_rng(1), spread_s=0.01)
    late = np.array([b.start_s - a.start_s for a, b in zip(part.notes, second.notes, strict=True)])
    assert 0.005 < late.std() < 0.015
    assert [note.pitch for note in second.notes] == [note.pitch for note in part.notes]
