"""Sessions and references at addresses: fetched, mixed as from a disk, and nothing of them is left."""

from __future__ import annotations

import fsspec
import numpy as np
import pytest
import soundfile as sf
from mixbridge.bridge.batch.addresses import fetched, has_addresses
from mixbridge.bridge.batch.work import do_item
from mixbridge.presets.errors import AudioError, MixbridgeError
from mixbridge.runtime.batch.items import BatchItem, BatchPlace

RATE_HZ = 22050


@pytest.fixture
def store(tmp_path):
    """A store in memory with a session of two stems, and the same on the disk."""
    system = fsspec.filesystem("memory")
    for seed, name in enumerate(("Bass", "Vox")):
        path = tmp_path / "disk/Song" / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        sf.write(path, 0.1 * np.random.default_rng(seed).standard_normal(RATE_HZ // 2), RATE_HZ, "PCM_16")
        system.pipe(f"/songs/Song/{name}.wav", path.read_bytes())
    yield system
    system.rm("/songs", recursive=True)


def done(session, output):
    return do_item(BatchItem("Song", session, preset="bass"), BatchPlace(str(output)), lambda _seconds: None)


def test_a_session_at_an_address_is_the_same_item_as_on_the_disk(store, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    remote = done("memory://songs/Song", out)
    assert remote.state == "rendered"
    assert sorted(path.name for path in out.iterdir()) == ["Song"]
    for session in ("memory://songs/Song/", str(tmp_path / "disk/Song"), (tmp_path / "disk/Song").as_uri()):
        again = done(session, out)
        assert (again.state, again.key) == ("kept", remote.key)


def test_a_daw_session_comes_with_its_audio_and_a_reference_keeps_its_weight(store, tmp_path):
    store.pipe("/songs/Song/song.RPP", b"<REAPER_PROJECT")
    item = BatchItem("Song", "memory://songs/Song/song.RPP", ("memory://songs/Song/Vox.wav=0.7", "song.wav=0.3"))
    assert has_addresses(item)
    with fetched(item, tmp_path / "here") as local:
        assert local.session == str(tmp_path / "here/session/song.RPP")
        assert (tmp_path / "here/session/Vox.wav").is_file()
        assert local.references == (f"{tmp_path / 'here/reference 0/Vox.wav'}=0.7", "song.wav=0.3")


def test_what_is_wrong_is_told_of_the_address(store, tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(AudioError, match="memory://songs/None: there is nothing at this address"):
        done("memory://songs/None", tmp_path / "out")
    with pytest.raises(MixbridgeError, match="gopher://x/y"):
        done("gopher://x/y", tmp_path / "out")
    store.pipe("/songs/Bad/Vox.wav", b"no sound")
    with pytest.raises(AudioError, match=r"memory://songs/Bad/Vox\.wav is not audio"):
        done("memory://songs/Bad", tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())
