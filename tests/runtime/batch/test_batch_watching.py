"""What lands in a watched folder is handed on once it is whole, and again when it changes."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
import soundfile as sf
from mixbridge.presets.errors import SessionError
from mixbridge.runtime.batch import watching
from mixbridge.runtime.batch.manifest import Defaults
from mixbridge.runtime.batch.watching import landing_items

SETTLED_S = 0.3
POLLS = 300


def write(path, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    sf.write(path, 0.1 * np.random.default_rng(seed).standard_normal(22050), 22050, "PCM_16")
    return path


def next_name(landing, polls=POLLS):
    """The next item that is given; None if none is within so many polls."""
    return next((item.name for item in islice(landing, polls) if item is not None), None)


def test_sessions_are_handed_on_once_and_again_when_they_change(tmp_path):
    folder = tmp_path / "in"
    write(folder / "Monday/Vox.wav")
    write(folder / "ref.wav")
    write(folder / "out/Old/mix.wav")
    landing = landing_items(folder, Defaults(("ref.wav",)), [folder / "out", folder / "ref.wav"], SETTLED_S)
    assert next_name(landing) == "Monday"
    assert next_name(landing, 5) is None
    write(folder / "Tuesday/stems/Vox.wav")
    (folder / "Empty").mkdir()
    assert next_name(landing) == "Tuesday"
    write(folder / "Monday/Bass.wav", 1)
    assert next_name(landing) == "Monday"
    assert next_name(landing, 5) is None


def test_a_copy_that_is_under_way_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(watching, "_LONGER", 1000)
    folder = tmp_path / "in"
    whole = write(tmp_path / "Vox.flac").read_bytes()
    (folder / "Song").mkdir(parents=True)
    (folder / "Song/Vox.flac").write_bytes(whole[:30])  # a header of which not even itself is there
    landing = landing_items(folder, Defaults(), settled_s=SETTLED_S)
    assert next_name(landing, 8) is None
    (folder / "Song/Vox.flac").write_bytes(whole)
    assert next_name(landing) == "Song"


def test_what_never_becomes_whole_is_handed_on_for_its_error(tmp_path):
    write(tmp_path / "in/Song/Bass.wav")
    (tmp_path / "in/Song/Vox.wav").write_bytes(b"no sound")
    assert next_name(landing_items(tmp_path / "in", Defaults(), settled_s=0.05)) == "Song"


def test_one_that_goes_is_forgotten(tmp_path):
    write(tmp_path / "in/Song/Bass.wav")
    landing = landing_items(tmp_path / "in", Defaults(), settled_s=SETTLED_S)
    assert next(landing) is None
    (tmp_path / "in/Song").rename(tmp_path / "elsewhere")
    assert next_name(landing, 8) is None


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(SessionError, match="make it first"):
        next(landing_items(tmp_path / "nowhere", Defaults()))
