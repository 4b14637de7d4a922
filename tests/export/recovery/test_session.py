"""A session and its mix: levels and pans are exact where strips are linear; stems of another mix are refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

pytest.importorskip("torch", reason="needs the `train` extra")

from click.testing import CliRunner
from mixbridge.bridge.cli.main import cli
from mixbridge.export.pairs.check import NoPairError
from mixbridge.export.recovery import session
from mixbridge.export.recovery.balance import balance_of, sends_of
from mixbridge.export.recovery.explain import explain
from mixbridge.export.recovery.session import recover_session
from mixbridge.export.twin.proof import runtime_mix
from mixbridge.presets.console import Reverb, Strip, replace
from mixbridge.presets.files import load
from mixbridge.presets.preset import Preset, Track

from .conftest import RATE_HZ, sung

SETTINGS = {
    "Vox": {"fader_db": 2.0, "pan": 0.0, "eq.high_shelf.gain_db": 5.0, "eq.high_shelf.freq_hz": 3000.0},
    "Drums": {"fader_db": -4.0, "pan": -0.3},
    "Bass": {"fader_db": -1.0, "pan": 0.5, "eq.band0.gain_db": -6.0, "eq.band0.freq_hz": 300.0},
}


def stems(seconds: float) -> dict[str, np.ndarray]:
    frames = round(seconds * RATE_HZ)
    rng = np.random.default_rng(3)
    beat = np.exp(-(np.arange(frames) % (RATE_HZ // 2)) / 1500)
    drums = (0.2 * rng.standard_normal((2, frames)) * beat).astype(np.float32)
    time_s = np.arange(frames) / RATE_HZ
    steps = np.repeat(rng.choice([55.0, 65.4, 82.4], frames // RATE_HZ + 1), RATE_HZ)[:frames]
    phase = 2 * np.pi * np.cumsum(steps) / RATE_HZ
    bass = sum(np.sin(k * phase) / k for k in range(1, 12)) * (0.6 + 0.4 * np.sin(5 * time_s))
    return {"Vox": sung(1, seconds), "Drums": drums, "Bass": (0.1 * bass)[None].astype(np.float32)}


def mixed(audio: dict[str, np.ndarray]) -> np.ndarray:
    tracks = tuple(Track(name=name, strip=replace(Strip(), SETTINGS[name])) for name in audio)
    return runtime_mix(audio, Preset(tracks=tracks), RATE_HZ)


def test_levels_and_pans_of_linear_strips_are_exact() -> None:
    audio = stems(6)
    tracks = tuple(
        Track(name=name, strip=replace(Strip(), {k: v for k, v in SETTINGS[name].items() if "." not in k}))
        for name in audio
    )
    mix = runtime_mix(audio, Preset(tracks=tracks), RATE_HZ)
    found = balance_of(list(audio.values()), mix, RATE_HZ)
    assert found.explained > 0.999
    for name, track in zip(audio, found.tracks, strict=True):
        assert track.level_db == pytest.approx(SETTINGS[name]["fader_db"], abs=0.1)
        assert track.pan == pytest.approx(SETTINGS[name]["pan"], abs=0.01)
        assert float(np.average(np.abs(track.curve_db), weights=track.weights)) < 0.3


def test_the_curve_of_each_track_is_told_apart() -> None:
    audio = stems(6)
    found = balance_of(list(audio.values()), mixed(audio), RATE_HZ)
    curves = dict(zip(audio, found.tracks, strict=True))
    high = found.bands.centres_hz > 6000
    low = (found.bands.centres_hz > 300) & (found.bands.centres_hz < 1000)
    vox = curves["Vox"].curve_db
    assert vox[high].mean() - vox[low].mean() == pytest.approx(5, abs=1)
    assert np.abs(curves["Drums"].curve_db[high] - curves["Drums"].curve_db[low].mean()).max() < 1


def test_a_stem_that_is_not_in_the_mix_is_muted_and_a_foreign_mix_refused() -> None:
    audio = stems(5)
    found = balance_of([*audio.values(), sung(40, 5)], mixed(audio), RATE_HZ)
    assert [track.is_silent for track in found.tracks] == [False, False, False, True]
    with pytest.raises(NoPairError, match=r"not made of these stems: [0-9]% of it"):
        recover_session({"A": sung(60, 5), "B": sung(61, 5)}, mixed(audio), RATE_HZ)


@pytest.mark.parametrize("is_same_room", [True, False])
def test_what_each_track_sends_is_told_apart(is_same_room: bool) -> None:
    audio = stems(6)
    # Of a bass that sounds on, the powers of another room tell little.
    sends_db = {"Vox": -8.0, "Drums": -80.0, "Bass": -14.0} if is_same_room else {"Vox": -14, "Drums": -14, "Bass": -80}
    reverb = Reverb(decay_mid_s=1.0)
    tracks = [Track(name=name, strip=replace(Strip(), {"reverb_send_db": db})) for name, db in sends_db.items()]
    made = Preset(tracks=tuple(tracks), reverb=reverb)
    mix = runtime_mix(audio, made, RATE_HZ)
    dry = [runtime_mix({name: stem}, Preset(tracks=(Track(name=name),)), RATE_HZ) for name, stem in audio.items()]
    # Another room is of the same length, and of another grain.
    room = reverb if is_same_room else replace(reverb, {"seed": 7})
    full = replace(Strip(), {"reverb_send_db": 0.0})
    wet = [
        runtime_mix({name: stem}, Preset(tracks=(Track(name=name, strip=full),), reverb=room), RATE_HZ) - dry[at]
        for at, (name, stem) in enumerate(audio.items())
    ]
    found = dict(zip(audio, sends_of(dry, wet, mix, RATE_HZ, is_same_room), strict=True))
    near_db = 0.3 if is_same_room else 2.5
    for name, send_db in sends_db.items():
        if send_db == -80:
            assert found[name] < 1e-3
        else:
            assert 20 * np.log10(found[name]) == pytest.approx(send_db, abs=near_db)


@pytest.mark.slow
def test_a_session_is_recovered_by_the_command(tmp_path: Path) -> None:
    audio = stems(7)
    (tmp_path / "stems").mkdir()
    for name, stem in audio.items():
        sf.write(tmp_path / "stems" / f"{name}.wav", stem.T, RATE_HZ, subtype="FLOAT")
    sf.write(tmp_path / "song.wav", mixed(audio).T, RATE_HZ, subtype="FLOAT")
    target = tmp_path / "song.json"
    run = CliRunner().invoke(
        cli,
        ["recover", str(tmp_path / "stems"), "--mix", str(tmp_path / "song.wav"), "-o", str(target), "--json"],
    )
    assert run.exit_code == 0, run.output
    assert json.loads(run.stdout)["ratio"] < 0.12
    found = load(target)
    for name in audio:
        strip = found.track(name).strip
        assert strip.pan == pytest.approx(SETTINGS[name]["pan"], abs=0.03)
    assert found.track("Drums").strip.fader_db == pytest.approx(-4.0, abs=0.5)
    page = (tmp_path / "song.report.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 2
    assert "Drums" in page
    assert (tmp_path / "song.residual.wav").is_file()


def part_of_a_song() -> tuple[dict[str, np.ndarray], Preset, np.ndarray]:
    """Stems of 8 s, linear strips, and seconds 2 to 5 of their mix."""
    audio = stems(8)
    strips = {name: {path: SETTINGS[name][path] for path in ("fader_db", "pan")} for name in audio}
    made = Preset(tracks=tuple(Track(name=name, strip=replace(Strip(), strips[name])) for name in audio))
    return audio, made, runtime_mix(audio, made, RATE_HZ)[:, 2 * RATE_HZ : 5 * RATE_HZ]


def test_faders_are_those_of_what_a_mix_of_a_part_reaches() -> None:
    audio, made, mix = part_of_a_song()
    inside = slice(2 * RATE_HZ, 5 * RATE_HZ)
    aligned = np.zeros((2, 8 * RATE_HZ), np.float32)
    aligned[:, inside] = mix
    # What rings beside the mix where it was moved by a fraction of a sample is no part of it.
    aligned[:, : inside.start] = 1e-9
    quieter = tuple(
        track.model_copy(update={"strip": replace(track.strip, {"fader_db": track.strip.fader_db - 3})})
        for track in made.tracks
    )
    found, rendered = session._at_level(made.model_copy(update={"tracks": quieter}), audio, aligned, inside, RATE_HZ)
    for name in audio:
        assert found.track(name).strip.fader_db == pytest.approx(made.track(name).strip.fader_db, abs=0.05)
    assert rendered.shape == aligned.shape
    plain = sum(np.repeat(stem, 3 - len(stem), axis=0) for stem in audio.values())
    told = explain(plain, aligned, rendered, RATE_HZ, inside)
    assert told.ratio < 0.02
    assert len(told.words) == 1


@pytest.mark.slow
def test_a_mix_of_a_part_of_the_song_is_met_as_well() -> None:
    audio, made, mix = part_of_a_song()
    found = recover_session(audio, mix, RATE_HZ)
    assert found.inside == slice(2 * RATE_HZ, 5 * RATE_HZ)
    assert found.linear > 0.99
    for name in audio:
        assert found.preset.track(name).strip.pan == pytest.approx(made.track(name).strip.pan, abs=0.05)
    assert found.explained.ratio < 0.2
    assert not any("automation" in words for words in found.explained.words)
    assert found.rendered.shape == (2, 8 * RATE_HZ)
    assert not found.residual[:, : 2 * RATE_HZ].any()
