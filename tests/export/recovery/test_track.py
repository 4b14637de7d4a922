"""A whole recovery: the preset renders near the mixed recording; results are whole; no pair is refused."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

pytest.importorskip("torch", reason="needs the `train` extra")

import torch
from click.testing import CliRunner
from mixbridge.bridge.cli.main import cli
from mixbridge.export.pairs.check import NoPairError, match_pair
from mixbridge.export.recovery import files as recovery_files
from mixbridge.export.recovery.answer import Answer
from mixbridge.export.recovery.explain import at_loudness_of, explain, stft_distance
from mixbridge.export.recovery.files import _as_applied, _quieter, over_ceiling_db, with_provenance
from mixbridge.export.recovery.fit import FIXED, Fit
from mixbridge.export.recovery.loss import SpectralLoss
from mixbridge.export.recovery.space import Space
from mixbridge.export.recovery.track import (
    Recovered,
    _at_level,
    _begun,
    _passage,
    _refuse_other_sound,
    left_inside,
    recover_track,
)
from mixbridge.presets.errors import AudioError, MixbridgeError, OutputError
from mixbridge.presets.files import load, save
from mixbridge.runtime.audio.loudness import integrated_loudness
from scipy.signal import butter, sosfilt

from .conftest import RATE_HZ, mixed_by, preset, sung

STRIP = {
    "low_cut.freq_hz": 150.0,
    "eq.high_shelf.gain_db": 5.0,
    "eq.high_shelf.freq_hz": 3000.0,
    "eq.band0.gain_db": -4.0,
    "eq.band0.freq_hz": 500.0,
    "compressor.threshold_db": -26.0,
    "compressor.ratio": 3.5,
    "compressor.attack_ms": 6.0,
    "compressor.release_ms": 300.0,
    "fader_db": 4.0,
    "reverb_send_db": -13.0,
}


def written(folder: Path, name: str, audio: np.ndarray) -> Path:
    path = folder / name
    sf.write(path, audio.T, RATE_HZ, subtype="FLOAT")
    return path


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("pair")
    raw = sung(5)
    mixed = mixed_by(raw, preset(STRIP, {"decay_mid_s": 1.2, "decay_low_s": 1.3, "decay_high_s": 0.9}))
    late = np.concatenate([np.zeros((2, 400), np.float32), mixed], axis=1)
    return written(folder, "vox_raw.wav", raw), written(folder, "vox_mixed.wav", late)


@pytest.mark.slow
def test_the_preset_renders_near_the_mixed_recording(pair: tuple[Path, Path], tmp_path: Path) -> None:
    raw, mixed = pair
    target = tmp_path / "found.json"
    run = CliRunner().invoke(cli, ["recover", str(raw), str(mixed), "-o", str(target), "--json"])
    assert run.exit_code == 0, run.output
    told = json.loads(run.stdout)
    assert told["ratio"] < 0.25
    assert float(re.findall(r"\(([\d.]+) samples\) later", told["notes"][0])[0]) == pytest.approx(400, abs=0.05)
    found = load(target)
    assert found.tracks[0].name == "vox_raw"
    assert found.tracks[0].strip.reverb_send_db == pytest.approx(-13.0, abs=2.0)
    assert found.provenance.note is not None
    assert {path.name for path in tmp_path.iterdir()} == {
        "found.json",
        "found.report.html",
        "found.rendered.wav",
        "found.residual.wav",
    }
    page = (tmp_path / "found.report.html").read_text(encoding="utf-8")
    assert "found.residual.wav" in page
    assert page.count("<svg") == 4

    # What a person does next: the preset on the raw file, by name.
    out = tmp_path / "out"
    run = CliRunner().invoke(cli, ["apply", str(target), f"Vox={raw}", "-o", str(out)])
    assert run.exit_code == 0, run.output
    played, _ = sf.read(out / "mix.wav", dtype="float32", always_2d=True)
    wanted, _ = sf.read(mixed, dtype="float32", always_2d=True)
    bare, _ = sf.read(raw, dtype="float32", always_2d=True)
    count = len(bare) - 400
    wanted, played = wanted[400 : 400 + count].T, played[:count].T
    before = stft_distance(at_loudness_of(bare[:count].T, wanted, RATE_HZ), wanted, RATE_HZ)
    assert stft_distance(played, wanted, RATE_HZ) < 0.25 * before
    # As loud as the mixed recording, and as near to it as was said.
    null_db = 10 * np.log10(np.square(played - wanted).sum() / np.square(wanted).sum())
    assert null_db < -20
    # Told by octaves from 45 Hz on, in windows.
    assert null_db == pytest.approx(told["null_db"], abs=2)

    # Nothing that is there is replaced unasked.
    run = CliRunner().invoke(cli, ["recover", str(raw), str(mixed), "-o", str(target)])
    assert isinstance(run.exception, OutputError)
    assert "found" in str(run.exception)


def test_no_pair_is_refused_and_leaves_nothing(pair: tuple[Path, Path], tmp_path: Path) -> None:
    raw, _ = pair
    other = written(tmp_path, "other.wav", sung(77))
    target = tmp_path / "results" / "found.json"
    run = CliRunner().invoke(cli, ["recover", str(raw), str(other), "-o", str(target)])
    assert run.exit_code != 0
    assert isinstance(run.exception, NoPairError)
    assert re.search(r"this is no pair.*peak is \d+\.\d times its mean", str(run.exception))
    assert not target.parent.exists()


def test_an_input_is_never_replaced(pair: tuple[Path, Path]) -> None:
    raw, mixed = pair
    run = CliRunner().invoke(cli, ["recover", str(raw), str(mixed), "-o", str(mixed), "--force"])
    assert isinstance(run.exception, OutputError)
    assert "which is read" in str(run.exception)


def test_one_file_is_no_pair_of_arguments(pair: tuple[Path, Path], tmp_path: Path) -> None:
    run = CliRunner().invoke(cli, ["recover", str(pair[0]), "-o", str(tmp_path / "x.json")])
    assert run.exit_code == 2


def test_without_torch_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovery_files, "_NEEDED", ("no_such_package_here",))
    with pytest.raises(MixbridgeError, match=r"no_such_package_here.*\[train\]"):
        recovery_files.recover("a.wav", "b.wav", "c.json")


def test_what_is_left_is_told_by_band_and_time() -> None:
    raw = sung(8)
    mixed = mixed_by(raw, preset({}))
    same = explain(raw, mixed, mixed, RATE_HZ)
    assert same.distance < 1e-3
    assert "100%" in explain(raw, 2 * mixed, 2 * mixed, RATE_HZ).words[0] or same.raw_distance < 1e-3
    # Three seconds of the mixed recording are 6 dB louder: a fader that moved.
    louder = mixed.copy()
    louder[:, 4 * RATE_HZ : 6 * RATE_HZ] *= 2
    moved = explain(raw, louder, mixed, RATE_HZ)
    assert moved.level_over_time_db.min() == pytest.approx(-6.0, abs=0.7)
    assert any("automation of the fader" in words for words in moved.words)
    # Highs that are missing.
    dull = sosfilt(butter(4, 1500, fs=RATE_HZ, output="sos"), mixed).astype(np.float32)
    darker = explain(raw, mixed, dull, RATE_HZ)
    assert darker.bands[-1].level_db < -10
    assert abs(darker.bands[2].level_db) < 1


def test_of_pauses_only_what_can_be_heard_is_told() -> None:
    raw = sung(8, 6.0)
    pauses = np.zeros((2, raw.shape[1]), np.float32)
    pauses[:, 2 * RATE_HZ : 4 * RATE_HZ] = 1
    mixed = np.repeat(raw, 2, axis=0) * (1 - pauses)
    rng = np.random.default_rng(0)
    noise = rng.standard_normal(mixed.shape).astype(np.float32)
    hushed = explain(raw, mixed, mixed + 1e-6 * pauses * noise, RATE_HZ)
    assert not any(words.startswith("Pauses") for words in hushed.words)
    hissing = explain(raw, mixed, mixed + 3e-3 * pauses * noise, RATE_HZ)
    assert any(words.startswith("Pauses are less alike") for words in hissing.words)


def test_a_second_at_eight_kilohertz_is_shorter_than_the_longest_window() -> None:
    mixed = np.repeat(sung(8, 1.0), 2, axis=0)[:, :8000]
    assert stft_distance(mixed, mixed, 8000) == 0
    assert stft_distance(0.5 * mixed, mixed, 8000) > 0.3


def test_the_search_hears_lows_that_have_few_bins() -> None:
    """More of lows that are quiet, as those of a voice: next to nothing by bins, by thirds of octaves much."""
    noise = np.random.default_rng(0).standard_normal((2, 2 * RATE_HZ))
    thin = sosfilt(butter(2, 250, "highpass", fs=RATE_HZ, output="sos"), noise)
    boomy = thin + 3 * sosfilt(butter(4, 100, fs=RATE_HZ, output="sos"), thin)
    mixed, rendered = (torch.from_numpy(each.astype(np.float32)) for each in (thin, boomy))
    plain = float(SpectralLoss(mixed, RATE_HZ)(rendered[None]))
    heard = float(SpectralLoss(mixed, RATE_HZ, band_weight=0.15)(rendered[None]))
    assert heard > 1.5 * plain
    assert float(SpectralLoss(mixed, RATE_HZ, band_weight=0.15)(mixed[None])) < 1e-5


@pytest.mark.parametrize("short", ["mixed", "raw"])
def test_only_what_both_have_is_fitted_and_judged(short: str) -> None:
    raw = sung(5, 10)
    strip = {"fader_db": 4.0, "eq.high_shelf.gain_db": 5.0, "pan": 0.2}
    made, cut = mixed_by(raw, preset(strip)), slice(RATE_HZ, 4 * RATE_HZ)
    pair = match_pair(raw, made[:, cut], RATE_HZ) if short == "mixed" else match_pair(raw[:, cut], made, RATE_HZ)
    assert pair.inside == (cut if short == "mixed" else slice(0, 3 * RATE_HZ))
    passage, lead = _passage(pair, 2.0, 1.0)
    assert passage.mixed[:, lead:].shape[1] == 2 * RATE_HZ
    np.testing.assert_allclose(
        mixed_by(passage.raw, preset(strip))[:, -RATE_HZ:], passage.mixed[:, -RATE_HZ:], atol=0.02
    )
    # The fader is that of the overlap, and the audio as long as the raw recording.
    settings = {f"strip.{path}": value for path, value in strip.items()}
    found, rendered = _at_level("Vox", {**settings, "strip.fader_db": -7.0}, pair)
    assert found.tracks[0].strip.fader_db == pytest.approx(4.0, abs=0.1)
    assert rendered.shape == pair.mixed.shape == (2, pair.raw.shape[1])
    told = explain(pair.raw, pair.mixed, rendered, RATE_HZ, pair.inside)
    assert told.ratio < 0.05
    assert max(band.spread_db for band in told.bands) < 0.5
    assert len(told.words) == 1
    assert told.times_s[0] >= pair.inside.start / RATE_HZ
    assert told.times_s[-1] < pair.inside.stop / RATE_HZ + 1
    assert np.abs(left_inside(pair.mixed, rendered, pair.inside)).max() < 0.02


def test_doubtful_pairs_that_settings_do_not_explain_are_none() -> None:
    raw = sung(8, 3.0)
    mixed = np.repeat(raw, 2, axis=0)
    pair = match_pair(raw, mixed, RATE_HZ)
    noise = np.random.default_rng(0).standard_normal(mixed.shape).astype(np.float32)
    badly, well = explain(raw, mixed, 0.1 * noise, RATE_HZ), explain(raw, mixed, mixed, RATE_HZ)
    doubtful = replace(pair, likeness=replace(pair.likeness, explained=0.42))
    with pytest.raises(NoPairError, match=r"vox: this is no pair: 42% of .* leave \d+% of the distance"):
        _refuse_other_sound(doubtful, badly, "vox")
    _refuse_other_sound(doubtful, replace(well, raw_distance=1.0), "vox")
    _refuse_other_sound(pair, badly, "vox")


def test_too_little_in_common_is_refused() -> None:
    raw = sung(5, 6)
    with pytest.raises(AudioError):
        recover_track(raw, np.concatenate([raw[:, -RATE_HZ * 7 // 10 :], 0 * raw], axis=1), RATE_HZ)


@pytest.mark.slow
def test_a_mixed_file_that_is_shorter_is_met_as_well() -> None:
    raw = sung(5, 10)
    room = {"decay_mid_s": 1.2, "decay_low_s": 1.3, "decay_high_s": 0.9}
    found = recover_track(raw, mixed_by(raw, preset(STRIP, room))[:, RATE_HZ : 4 * RATE_HZ], RATE_HZ)
    assert found.explained.ratio < 0.4
    assert not any("automation" in words for words in found.explained.words)
    assert not found.residual[:, : RATE_HZ - 1].any()
    assert found.rendered[:, 5 * RATE_HZ :].any()


def test_a_pair_that_differs_in_level_alone_is_told_as_that() -> None:
    raw = sung(8)
    found = explain(raw, np.repeat(0.5 * raw, 2, axis=0), np.repeat(0.4999 * raw, 2, axis=0), RATE_HZ)
    assert found.ratio < 0.1
    assert found.words == (
        "The mixed recording is the raw one at another level, or the same: there is no processing to be found.",
    )


def test_sides_that_cancel_have_a_distance() -> None:
    raw = sung(8)[0]
    assert stft_distance(0.9 * np.stack([raw, -raw]), np.stack([raw, -raw]), RATE_HZ) == pytest.approx(0.2, abs=0.05)


def test_a_gate_is_found_where_its_threshold_is_far_from_the_usual() -> None:
    raw = sung(8)
    space = Space(integrated_loudness(raw, RATE_HZ))
    plain = Fit(space.start({}), FIXED, frozenset(), frozenset(), 1.0)
    begun = [space.values(fit.vector) for fit in _begun(plain, "gate", space)]
    thresholds_db = sorted(
        {round(each["strip.gate.threshold_db"] - integrated_loudness(raw, RATE_HZ)) for each in begun}
    )
    assert thresholds_db == [-42, -30, -18]
    assert max(each["strip.gate.range_db"] for each in begun) == pytest.approx(46)


def test_what_is_too_hot_for_the_ceiling_is_as_loud_as_was_said(tmp_path: Path) -> None:
    raw = sung(5, 4)
    made = preset({"fader_db": 12.0, "input_gain_db": 14.0})
    mixed = mixed_by(raw, made)
    pair = match_pair(raw, mixed, RATE_HZ)
    found = Recovered(made, pair, mixed, explain(raw, mixed, mixed, RATE_HZ), False, Answer({}, False, -60.0, -60.0))
    over_db = over_ceiling_db(mixed)
    assert over_db > 3
    assert f"plays it {over_db:.1f} dB quieter" in _quieter(mixed)[0]
    assert not _quieter(0.1 * mixed)
    raw_file, mixed_file = written(tmp_path, "vox.wav", raw), written(tmp_path, "mixed.wav", mixed)
    target = tmp_path / "found.json"
    save(with_provenance(found, raw_file, mixed_file), target)
    run = CliRunner().invoke(cli, ["apply", str(target), f"Vox={raw_file}", "-o", str(tmp_path / "out")])
    assert run.exit_code == 0, run.output
    played, _ = sf.read(tmp_path / "out" / "mix.wav", dtype="float32", always_2d=True)
    told = load(target).provenance.level
    assert told is not None
    assert integrated_loudness(played.T, RATE_HZ) == pytest.approx(told.loudness_lufs, abs=0.1)
    assert integrated_loudness(mixed, RATE_HZ) - told.loudness_lufs == pytest.approx(over_db, abs=0.01)
    assert len(played) == raw.shape[1]


def test_what_rings_on_behind_the_raw_file_is_as_long_as_was_said(tmp_path: Path) -> None:
    raw = sung(5, 2)
    made = preset({"reverb_send_db": -14.0}, {"decay_mid_s": 1.2, "decay_low_s": 1.3, "decay_high_s": 0.9})
    mixed = mixed_by(raw, made)
    told = explain(raw, mixed, mixed, RATE_HZ)
    found = Recovered(made, match_pair(raw, mixed, RATE_HZ), mixed, told, False, Answer({}, False, -60.0, -60.0))
    (note,) = _as_applied(found, RATE_HZ)
    raw_file, target = written(tmp_path, "vox.wav", raw), tmp_path / "found.json"
    save(with_provenance(found, raw_file, written(tmp_path, "mixed.wav", mixed)), target)
    run = CliRunner().invoke(cli, ["apply", str(target), f"Vox={raw_file}", "-o", str(tmp_path / "out")])
    assert run.exit_code == 0, run.output
    more_s = (sf.info(tmp_path / "out" / "mix.wav").frames - raw.shape[1]) / RATE_HZ
    assert more_s > 1
    assert f"writes {more_s:.1f} s more" in note
