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
        ("05_OH L", "06_OH R"),
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
    audio = {"OH L": np.ones((2, 100), np.float32), "OH R": np.ones((1, 100), np.float32)}
    assert find_pairs(list(audio), dict.fromkeys(audio, "overhead"), audio, RATE_HZ) == ()
