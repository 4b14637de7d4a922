import numpy as np
import pytest
from mixbridge.runtime.roles.decide import decide_roles
from mixbridge.runtime.roles.pairs import find_pairs

RATE_HZ = 44100


def by_name(*names):
    roles = {name: guess.role for name, guess in decide_roles(names, None, RATE_HZ).items()}
    return [(pair.left, pair.right) for pair in find_pairs(names, roles)]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("OH L", "OH R"), ("OHL_02", "OHR_02"), ("OH CRAP L COMP_01", "OH CRAP R COMP_01"), ("Keys.L", "Keys.R"),
        ("OrgODL CONS", "OrgODR CONS"), ("gtr_l", "gtr_r"), ("GTRL", "GTRR"), ("Gitarre links", "Gitarre rechts"),
        ("Guitare gauche", "Guitare droite"), ("Guitarra izq", "Guitarra der"), ("Chitarra sx", "Chitarra dx"),
        ("Guitarra esquerda", "Guitarra direita"), ("Room Left", "Room Right"), ("Piano Low", "Piano High"),
        ("Gtr 1", "Gtr 2"), ("Gtr3_02", "Gtr4_02"), ("BGV 1", "BGV 2"), ("OH A", "OH B"), ("OH 1", "OH 2"),
        ("05_OH L", "06_OH R"), ("guitarra base esq", "guitarra base dir"), ("over esq", "over dir"),
        ("Оверхед Л", "Оверхед П"), ("Гитара левая", "Гитара правая"), ("Decca L", "Decca R"),
    ],
)  # fmt: skip
def test_pairs_by_name(left, right):
    assert by_name(left, "Kick", right) == [(left, right)]
    assert by_name(right, left) == [(left, right)]


@pytest.mark.parametrize(
    "names",
    [
        ("Tom 1", "Tom 2"), ("Snare T", "Snare B"), ("Bass 1", "Bass 2"), ("EGtr Mic 1", "EGtr Mic 2"),
        ("Elec Gtr 1 A", "Elec Gtr 1 B"), ("Gtr 1", "Gtr 2", "Gtr 3"), ("Gtr 1", "Gtr 5"), ("Lead Vox", "Backing Vox"),
        ("Kick In", "Kick Out"), ("Keys 1", "Keys 2"), ("L",), ("Track 1", "Track 2"), ("Vox High", "Vox Low"),
        ("05_Overheads", "07_Overheads"),
    ],
)  # fmt: skip
def test_no_pairs(names):
    assert by_name(*names) == []


def test_links_stand_for_one_pair():
    names = ("OH L", "OH R", "OH Left", "OH Right")
    pairs = find_pairs(names, dict.fromkeys(names, "overhead"))
    assert [pair.link for pair in pairs] == ["OH", "OH (2)"]


def test_stereo_tracks_have_no_partner():
    wide = np.stack([np.ones(100, np.float32), -np.ones(100, np.float32)])
    audio = {"OH L": wide, "OH R": np.ones((1, 100), np.float32)}
    assert find_pairs(list(audio), dict.fromkeys(audio, "overhead"), audio, RATE_HZ) == ()


def part(seed):
    """Notes on a grid: time in s, frequency in Hz, amplitude."""
    rng = np.random.default_rng(seed)
    steps = [0.25 * step for step in range(24) if rng.random() < 0.8]
    return [
        (start_s, 110 * 2 ** (rng.choice([0, 3, 5, 7, 10, 12, 15]) / 12), rng.choice([0.5, 1.0])) for start_s in steps
    ]


def played(notes, seed):
    """Strings that are plucked, a little different each time: in time, pitch, strength and tone."""
    rng, audio = np.random.default_rng(seed), np.zeros(7 * RATE_HZ)
    time_s = np.arange(round(0.6 * RATE_HZ)) / RATE_HZ
    for start_s, freq_hz, amplitude in notes:
        pitch_hz = freq_hz * 2 ** (rng.normal(0, 8) / 1200)
        note = sum(
            np.sin(2 * np.pi * pitch_hz * h * time_s + rng.uniform(0, 6.3)) * np.exp(-time_s * (3 + h)) / h
            for h in range(1, 12)
        )
        at = max(0, round((start_s + rng.normal(0, 0.015)) * RATE_HZ))
        audio[at : at + len(note)] += amplitude * 10 ** (rng.normal(0, 1.5) / 20) * note
    return (0.1 * audio[: 6 * RATE_HZ] + 1e-4 * rng.standard_normal(6 * RATE_HZ)).astype(np.float32)[None]


def microphone(audio, delay, seed=0):
    """The same sound before another microphone."""
    room = np.roll(audio, delay, axis=1) + 0.3 * np.roll(audio, 400, axis=1)
    return (0.8 * room + 2e-4 * np.random.default_rng(seed).standard_normal(audio.shape)).astype(np.float32)


def heard(audio, role):
    return [
        (pair.left, pair.right, pair.kind, pair.by)
        for pair in find_pairs(list(audio), dict.fromkeys(audio, role), audio, RATE_HZ)
    ]


def test_takes_are_found_by_their_sound():
    first, second = played(part(0), 1), played(part(0), 2)
    other = played(part(9), 3)
    tracks = {"Rhythm": first, "Solo": other, "More of it": second}
    assert heard(tracks, "electric guitar") == [("Rhythm", "More of it", "takes", "sound")]
    # A bass is not played twice to be heard left and right.
    assert heard(tracks, "bass") == []


def test_numbered_tracks_with_different_parts_are_no_pair():
    tracks = {"Gtr 1": played(part(0), 1), "Gtr 2": played(part(9), 2)}
    assert heard(tracks, "electric guitar") == []
    tracks = {"Gtr 1": played(part(0), 1), "Gtr 2": played(part(0), 2)}
    assert heard(tracks, "electric guitar") == [("Gtr 1", "Gtr 2", "takes", "name")]


def test_all_that_is_heard_of_two_tracks_counts():
    """Two guitars that play the same in one part of a song, and alone or something else in the others, are no pair."""
    same = played(part(0), 1), played(part(0), 2)
    others = played(part(9), 3), played(part(4), 4)
    nothing = 1e-4 * played(part(9), 3)
    assert heard(_parts([same, same, same]), "electric guitar") == [("A", "B", "takes", "sound")]
    assert heard(_parts([same, others, others]), "electric guitar") == []
    assert heard(_parts([same, (same[0], nothing), (nothing, same[1])]), "electric guitar") == []
    # Where both rest, nothing speaks against them.
    assert heard(_parts([same, (nothing, nothing), same]), "electric guitar") == [("A", "B", "takes", "sound")]


def _parts(pairs):
    return {name: np.concatenate(parts, axis=1) for name, parts in zip("AB", zip(*pairs, strict=True), strict=True)}


def test_two_microphones_of_one_guitar_are_no_pair_but_two_overheads_are():
    sound = played(part(0), 1)
    tracks = {"A": sound, "B": microphone(sound, 37)}
    assert heard(tracks, "electric guitar") == []
    assert heard(tracks, "overhead") == [("A", "B", "sides", "sound")]


def test_two_sides_of_one_guitar_by_name():
    sound = played(part(0), 1)
    assert heard({"Gtr L": sound, "Gtr R": microphone(sound, 37)}, "electric guitar") == [
        ("Gtr L", "Gtr R", "sides", "name")
    ]
    assert heard({"Gtr L": sound, "Gtr R": played(part(0), 2)}, "electric guitar") == [
        ("Gtr L", "Gtr R", "takes", "name")
    ]
