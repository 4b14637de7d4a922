"""Pairs matched by name: one track, suffixes, songs of many tracks; what has no partner is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from mixbridge.export.pairs.pairing import dataset_folders, match_by_name
from mixbridge.presets.errors import AudioError


def tree(root: Path, *files: str) -> Path:
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_bytes(b"")
    return root


def matched(root: Path) -> tuple[dict[str, tuple[list[str], str]], list[str]]:
    raw, mixed = dataset_folders(root)
    found = match_by_name([raw], [mixed])
    pairs = {
        pair.name: ([str(path.relative_to(root)) for path in pair.raws.values()], str(pair.mixed.relative_to(root)))
        for pair in found.pairs
    }
    return pairs, [f"{path.name}: {sentence}" for path, sentence in found.unmatched]


def test_names_without_ending(tmp_path: Path) -> None:
    pairs, lost = matched(
        tree(tmp_path, "raw/vocal1.wav", "mixed/vocal1.flac", "raw/vocal2.wav", "mixed/other.wav", "raw/notes.txt")
    )
    assert pairs == {"vocal1": (["raw/vocal1.wav"], "mixed/vocal1.flac")}
    assert len(lost) == 2
    assert lost[0].startswith("vocal2.wav: has no partner of its name among the mixed files")
    assert lost[1].startswith("other.wav: has no partner of its name among the raw files")


def test_a_near_name_is_hinted_at(tmp_path: Path) -> None:
    _, lost = matched(tree(tmp_path, "raw/a.wav", "mixed/a.wav", "raw/vocal_one.wav", "mixed/vocal_oen.wav"))
    assert "The nearest name there is vocal_oen" in lost[0]


def test_suffixes_and_case(tmp_path: Path) -> None:
    pairs, lost = matched(
        tree(tmp_path, "raw/Anna_raw.wav", "mixed/anna_mix.wav", "raw/bob-dry.wav", "mixed/Bob.Mixed.wav")
    )
    assert pairs == {
        "Anna": (["raw/Anna_raw.wav"], "mixed/anna_mix.wav"),
        "bob": (["raw/bob-dry.wav"], "mixed/Bob.Mixed.wav"),
    }
    assert not lost


def test_words_are_joined_in_any_way(tmp_path: Path) -> None:
    files = ("raw/Lead Vox raw.wav", "mixed/lead_vox_MIX.wav", "raw/a-b.wav", "mixed/a b.wav")
    pairs, lost = matched(tree(tmp_path, *files))
    assert pairs == {
        "Lead Vox": (["raw/Lead Vox raw.wav"], "mixed/lead_vox_MIX.wav"),
        "a-b": (["raw/a-b.wav"], "mixed/a b.wav"),
    }
    assert not lost
    # Which of two is meant nobody knows.
    pairs, lost = matched(tree(tmp_path, "mixed/a_b.wav"))
    assert list(pairs) == ["Lead Vox"]
    assert len(lost) == 3


def test_an_accent_is_one_letter_or_two(tmp_path: Path) -> None:
    composed, decomposed = "\u00c9lo\u00efse", "E\u0301loi\u0308se"
    pairs, lost = matched(tree(tmp_path, f"raw/{composed}.wav", f"mixed/{decomposed}.wav"))
    assert pairs == {composed: ([f"raw/{composed}.wav"], f"mixed/{decomposed}.wav")}
    assert not lost


def test_a_flat_folder(tmp_path: Path) -> None:
    pairs, lost = matched(tree(tmp_path, "a_raw.wav", "a_mix.wav", "b_raw.wav"))
    assert pairs == {"a": (["a_raw.wav"], "a_mix.wav")}
    assert lost[0].startswith("b_raw.wav")


def test_songs_of_many_tracks(tmp_path: Path) -> None:
    pairs, lost = matched(
        tree(
            tmp_path,
            *("raw/song1/Kick.wav", "raw/song1/Vox.wav", "mixed/song1.wav"),
            *("raw/song2/Bass.wav", "raw/song2/Keys.wav", "mixed/song2/master.wav"),
            *("raw/takes/one.wav", "raw/takes/two.wav", "mixed/takes/one.wav", "mixed/takes/two.wav"),
            *("raw/song3/Kick.wav",),
        )
    )
    assert pairs["song1"] == (["raw/song1/Kick.wav", "raw/song1/Vox.wav"], "mixed/song1.wav")
    assert pairs["song2"] == (["raw/song2/Bass.wav", "raw/song2/Keys.wav"], "mixed/song2/master.wav")
    assert pairs["takes one"] == (["raw/takes/one.wav"], "mixed/takes/one.wav")
    assert len(pairs) == 4
    assert len(lost) == 1
    assert lost[0].startswith("song3:")


def test_several_roots_in_turn(tmp_path: Path) -> None:
    root = tree(tmp_path, "a/raw/v.wav", "a/mix/v.wav", "b/raw/v.wav", "b/mix/v.wav")
    found = match_by_name([root / "a/raw", root / "b/raw"], [root / "a/mix", root / "b/mix"])
    assert {pair.name: pair.mixed for pair in found.pairs} == {"v": root / "a/mix/v.wav", "v (2)": root / "b/mix/v.wav"}


def test_what_cannot_be_matched_is_told(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="has the same name"):
        matched(tree(tmp_path / "twice", "raw/a.wav", "raw/a.flac", "mixed/a.wav"))
    with pytest.raises(AudioError, match=r"has raw/ and no mixed/"):
        matched(tree(tmp_path / "half", "raw/a.wav"))
    with pytest.raises(AudioError, match="no file has a partner"):
        matched(tree(tmp_path / "none", "raw/a.wav", "mixed/b.wav"))


def test_a_folder_without_pairs_is_told_where_they_go(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=r"of its name there: put files of the same names into raw/ and mixed/\.$"):
        match_by_name([tmp_path], [tmp_path])
