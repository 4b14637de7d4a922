"""States of plug-ins as files: the container byte by byte, and that a fresh plug-in with one sounds like the first."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bare_plugin import bare_played
from mixbridge.bridge.plugins.loading import load_profile
from mixbridge.bridge.plugins.using import saving
from mixbridge.bridge.plugins.using.vstpreset import VstPreset, unpacked
from mixbridge.presets.console import Compressor, EqBand, Equalizer, Strip
from mixbridge.presets.errors import PluginError
from mixbridge.presets.files import save
from mixbridge.presets.preset import Preset, Track

_RATE_HZ = 48000
_ID = "2046504473616C633251455A00000000"
needs_zam = pytest.mark.skipif(not Path("/usr/lib/vst3/ZamEQ2.vst3").exists(), reason="zam-plugins are not installed")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    eq = Equalizer(band1=EqBand(gain_db=-6, freq_hz=1000, q=1.5))
    compressor = Compressor(threshold_db=-25, ratio=3, attack_ms=20, release_ms=150, makeup_db=-2)
    tracks = (
        Track(name="Lead Vox", strip=Strip(eq=eq, compressor=compressor)),
        Track(name="Bass/DI", strip=Strip(eq=eq)),
        Track(name="Muted", mute=True, strip=Strip(eq=eq)),
    )
    save(Preset(tracks=tracks), tmp_path / "preset.json")
    (tmp_path / "plugins.toml").write_text('eq = "ZamEQ2"\ncompressor = "ZamComp"\n', encoding="utf-8")
    return tmp_path


def _command(place: Path, *more: str) -> list[Any]:
    plugins = ["--plugins", place / "plugins.toml"]
    return ["plugin", "save", place / "preset.json", *plugins, "-o", place / "presets", *more]


def test_the_container_is_laid_out_as_the_sdk_has_it() -> None:
    packed = VstPreset(_ID, b"abcde", b"xy").packed()
    assert packed[:8] == b"VST3\x01\0\0\0"
    assert packed[8:40] == _ID.encode()
    assert struct.unpack("<q", packed[40:48]) == (55,)
    assert packed[48:55] == b"abcdexy"
    assert packed[55:63] == b"List\x02\0\0\0"
    assert packed[63:] == struct.pack("<4sqq4sqq", b"Comp", 48, 5, b"Cont", 53, 2)
    assert unpacked(packed, "x") == VstPreset(_ID, b"abcde", b"xy")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"RIFF" + bytes(60),
        VstPreset(_ID, b"abcde").packed()[:-1],
        VstPreset(_ID, b"abcde").packed().replace(b"Comp", b"Info"),
        VstPreset(_ID, b"abcde").packed().replace(struct.pack("<q", 5), struct.pack("<q", 500)),
        VstPreset("Z" * 32, b"abcde").packed(),
    ],
)
def test_what_is_no_state_is_refused(content: bytes) -> None:
    with pytest.raises(PluginError, match=r"x is no \.vstpreset"):
        unpacked(content, "x")


@needs_zam
def test_files_bring_back_what_was_fitted(place: Path, run: Any) -> None:
    outcome = run(*_command(place, "--json"))
    assert outcome.code == 0, outcome.err
    said = json.loads(outcome.out)
    names = [item["file"] for item in said["files"]]
    assert names == [
        "Lead Vox - eq - ZamEQ2.vstpreset",
        "Lead Vox - compressor - ZamComp.vstpreset",
        "Bass_DI - eq - ZamEQ2.vstpreset",
    ]
    assert sorted(path.name for path in (place / "presets").iterdir()) == sorted(names)
    assert "turn the track up by -2.0 dB" in " ".join(said["notes"])
    for item, shown in zip(said["files"], [said["plugins"][0], said["plugins"][1]], strict=False):
        path = place / "presets" / item["file"]
        assert unpacked(path.read_bytes(), "x").packed() == path.read_bytes()
        # By pedalboard's own loader against parameters set one by one.
        raw = load_profile(item["plugin"]).raw_values(shown["plugins"][0]["settings"])
        audio = (np.random.default_rng(1).standard_normal(_RATE_HZ) * 0.2).astype(np.float32)
        file = f"/usr/lib/vst3/{item['plugin']}.vst3"
        heard = [bare_played(file, audio, _RATE_HZ, preset=path), bare_played(file, audio, _RATE_HZ, raw=raw)]
        assert np.abs(heard[1] - audio).max() > 0.01
        assert np.abs(heard[0] - heard[1]).max() <= 1e-6 * np.abs(heard[1]).max()


@needs_zam
def test_nothing_is_written_where_a_state_does_not_bring_it_back(
    place: Path, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    neutral = VstPreset(
        _ID, b"__dpf_program__\x000\x00__dpf_parameters_begin__\x00__dpf_parameters_end__\x00\xfe"
    ).packed()
    monkeypatch.setattr(saving, "checked_state", lambda _item: neutral)
    outcome = run(*_command(place))
    assert outcome.code == 2
    assert "does not come back as it was saved" in outcome.err
    assert not (place / "presets").exists()


@needs_zam
def test_a_dry_run_writes_nothing(place: Path, run: Any) -> None:
    outcome = run(*_command(place, "--dry-run"))
    assert outcome.code == 0, outcome.err
    assert "Nothing was written. 3 files" in outcome.out
    assert not (place / "presets").exists()
