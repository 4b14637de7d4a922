"""Stems behind the master add up to the mix, whatever master, loudness and limiter did."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from mixbridge.presets.console import Compressor, EqBand, Equalizer, FxBand, FxBus, Master, Strip
from mixbridge.presets.parts.match import MatchCurve, ToneCurve, WidthCurve
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.mixing import MixResult, apply
from mixbridge.runtime.rendering import file_session, render
from mixbridge.runtime.rendering.render import RenderOptions
from numpy.typing import NDArray

Audio = NDArray[np.float64]
RATE_HZ = 44_100
NAMES = ("Kick", "Keys", "Vox")
ROOM = FxBus(bands=(FxBand(gain_db=-6, decay_s=0.3),) * 12)
MASTER = Master(
    input_gain_db=3,
    eq=Equalizer(low_shelf=EqBand(gain_db=4, freq_hz=90), band2=EqBand(gain_db=-5, freq_hz=5000, q=2)),
    compressor=Compressor(
        threshold_db=-24, ratio=4, attack_ms=5, release_ms=120, knee_db=6, makeup_db=3, lookahead_ms=9
    ),
    output_gain_db=1,
)

MATCHED = MASTER.model_copy(
    update={
        "match": MatchCurve(tone=ToneCurve(hz_100_db=-5, hz_4000_db=6), width=WidthCurve(hz_50_db=-20), linear_phase=1)
    }
)


@pytest.fixture
def stems(tmp_path: Path) -> dict[str, Path]:
    random = np.random.default_rng(3)
    time_s = np.arange(4 * RATE_HZ + 123) / RATE_HZ
    sounds = {
        "Kick": 0.5 * np.sin(2 * np.pi * 55 * time_s) * np.exp(-9 * (2 * time_s % 1)),
        "Keys": 0.1 * np.array([np.sin(2 * np.pi * (262 + side) * time_s) for side in (0, 1)]),
        "Vox": 0.2 * random.standard_normal(len(time_s)) * (np.sin(3 * time_s) > 0),
    }
    files = {}
    for name, sound in sounds.items():
        files[name] = tmp_path / f"{name}.wav"
        sf.write(files[name], np.asarray(sound, np.float32).T, RATE_HZ, subtype="FLOAT")
    return files


def made_of(stems: dict[str, Path], folder: Path, master: Master, **options: object) -> MixResult:
    strips = [Strip(pan=pan, fx_send_db=send_db) for pan, send_db in ((0, -80), (-0.5, -10), (0.3, -20))]
    tracks = tuple(Track(name=name, strip=strip) for name, strip in zip(NAMES, strips, strict=True))
    how = RenderOptions(stems_post_master=True, **options)  # type: ignore[arg-type]
    return apply(Preset(tracks=tracks, master=master, fx_bus=ROOM), stems, folder, options=how)


def read(path: Path) -> Audio:
    audio: Audio = sf.read(path, always_2d=True)[0].T
    return audio


def left_over_db(made: MixResult) -> float:
    """What remains of the mix without its stems, in dB of the mix."""
    assert list(made.bus_paths) == ["fx return"]
    mix = read(made.mix_path)
    total = sum((read(path) for path in (*made.stem_paths.values(), made.bus_paths["fx return"])), np.zeros_like(mix))
    rest = mix - total / 10 ** (made.render.stem_gain_db / 20)
    return float(10 * np.log10(np.mean(np.square(rest)) / np.mean(np.square(mix)) + 1e-30))


@pytest.mark.parametrize("audio_format", ["wav", "wav32f"])
@pytest.mark.parametrize("loudness_lufs", [-30.0, -8.0, None])
@pytest.mark.parametrize("master", [Master(), MASTER, MATCHED], ids=["neutral", "busy", "matched"])
def test_they_add_up(
    tmp_path: Path, stems: dict[str, Path], master: Master, loudness_lufs: float | None, audio_format: str
) -> None:
    made = made_of(stems, tmp_path / "out", master, loudness_lufs=loudness_lufs, audio_format=audio_format)
    if loudness_lufs == -8:
        assert made.render.limited_db > 1  # with the limiter, too
    assert left_over_db(made) <= -90
    assert made.render.stems_post_master
    assert {path.name for path in made.folder.iterdir()} == {"mix.wav", "stems", "preset.json"}


def test_what_is_put_into_one_stem_is_rounding(
    tmp_path: Path, stems: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without it they nearly add up: the gains are right, and only the equalizer of single precision rounds."""
    monkeypatch.setattr(render, "add_up", lambda *_: None)
    assert left_over_db(made_of(stems, tmp_path / "out", MASTER, loudness_lufs=-8.0)) <= -75


def test_the_mix_is_the_same(tmp_path: Path, stems: dict[str, Path]) -> None:
    with_master = made_of(stems, tmp_path / "one", MASTER)
    plain = apply(with_master.preset, stems, tmp_path / "two")
    assert with_master.mix_path.read_bytes() == plain.mix_path.read_bytes()
    assert not plain.render.stems_post_master
    assert left_over_db(plain) > -30


def test_in_groups_of_tracks(tmp_path: Path, stems: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_session, "tracks_at_a_time", lambda: 2)
    assert left_over_db(made_of(stems, tmp_path / "out", MASTER)) <= -90


def test_one_that_would_clip_lowers_all(tmp_path: Path, stems: dict[str, Path]) -> None:
    """Two tracks that nearly cancel out are each louder than the mix."""
    audio = read(stems["Kick"])[0] + 0.02 * read(stems["Vox"])[0]
    sf.write(stems["Vox"], -1.5 * audio.astype(np.float32), RATE_HZ, subtype="FLOAT")
    made = made_of(stems, tmp_path / "out", Master(), loudness_lufs=-9.0)
    assert made.render.stem_gain_db < 0
    assert max(np.abs(read(path)).max() for path in made.stem_paths.values()) <= 1
    assert left_over_db(made) <= -90
