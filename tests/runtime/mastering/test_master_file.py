"""`mixbridge.master` on real files: the whole way, and what it leaves alone."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import mixbridge
import numpy as np
import pytest
import soundfile as sf
from mixbridge.presets.console import Master
from mixbridge.presets.parts.match import MatchCurve, is_flat, points_db
from mixbridge.runtime.audio.loudness import integrated_loudness
from mixbridge.runtime.audio.peaks import true_peak_db
from mixbridge.runtime.mastering.fitting import Mastering, fit_master, reference_profile, rendering_for
from mixbridge.runtime.mastering.profile import loudness_power, thirds_of
from mixbridge.runtime.rendering.render import RenderOptions

EXAMPLE = Path(mixbridge.__file__).parent / "runtime" / "example"
SONG = EXAMPLE / "reference.flac"


@pytest.fixture(scope="module")
def dull(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds of the reference, duller, narrower and quieter: what has to be undone is known."""
    audio, rate_hz = sf.read(SONG, frames=10 * 44_100, always_2d=True)
    spectrum = np.fft.rfft(audio, axis=0)
    freqs_hz = np.fft.rfftfreq(len(audio), 1 / rate_hz)
    tilt = 10 ** (-np.clip(2 * np.log2(np.maximum(freqs_hz, 1) / 1000), -5, 5) / 20)
    left, right = np.fft.irfft(spectrum * tilt[:, None], len(audio), axis=0).T
    path = tmp_path_factory.mktemp("mix") / "dull.wav"
    narrow = np.stack([left + right + 0.5 * (left - right), left + right - 0.5 * (left - right)]) / 2
    sf.write(path, (0.2 * narrow).T, rate_hz, subtype="FLOAT")
    return path


def spectra_apart_db(path: Path) -> np.ndarray:
    made, song = (reference_profile(item) for item in (path, SONG))
    thirds = [thirds_of(item.power) / loudness_power(item.power) for item in (made, song)]
    return np.abs(10 * np.log10(thirds[0] / thirds[1]))[:, 5:29].mean(axis=1)


def test_it_comes_to_the_reference_by_every_measure(tmp_path: Path, dull: Path) -> None:
    result = mixbridge.master(dull, SONG, tmp_path / "out")
    before, after = spectra_apart_db(dull), spectra_apart_db(result.mix_path)
    assert (after < 0.45 * before).all()
    made, rate_hz = sf.read(result.mix_path, always_2d=True)
    song, _ = sf.read(SONG, always_2d=True)
    assert len(made) == 10 * 44_100
    samples, reference = made.T.astype(np.float32), song.T.astype(np.float32)
    peaks_db = [true_peak_db(item) - integrated_loudness(item, rate_hz) for item in (samples, reference)]
    assert peaks_db[0] == pytest.approx(peaks_db[1], abs=1)
    goal_lufs = min(integrated_loudness(reference, rate_hz), -1 - peaks_db[1])
    assert integrated_loudness(samples, rate_hz) == pytest.approx(goal_lufs, abs=0.3)
    assert true_peak_db(samples) <= -0.99
    assert result.render.limited_db <= 3.1
    assert {path.name for path in result.folder.iterdir()} == {"mix.wav", "preset.json"}
    assert mixbridge.load_preset(result.preset_path).master == result.preset.master
    assert result.mastering is not None


def test_an_amount_is_a_share_and_phase_is_kept(tmp_path: Path, dull: Path) -> None:
    options = mixbridge.MasterOptions(phase="linear")
    half = mixbridge.master(dull, SONG, tmp_path / "half", amount=0.5, options=options)
    match = half.preset.master.match
    assert (match.amount, match.linear_phase) == (0.5, 1.0)
    before, after = spectra_apart_db(dull), spectra_apart_db(half.mix_path)
    assert (0.3 * before < after).all()
    assert (after < 0.75 * before).all()
    none = mixbridge.master(dull, SONG, tmp_path / "none", amount=0)
    assert none.mastering is None
    assert none.preset.master.match == MatchCurve()


def test_a_song_against_itself_is_left_as_it_is(tmp_path: Path) -> None:
    again = shutil.copy(SONG, tmp_path / "again.flac")
    result = mixbridge.master(again, SONG, tmp_path / "out")
    match = result.preset.master.match
    assert is_flat(match) or np.abs([points_db(match.tone), points_db(match.width)]).max() < 1.0
    assert result.preset.master.compressor.ratio == 1
    assert result.render.limited_db <= 1.0


def test_what_cannot_be_used_is_said(tmp_path: Path, dull: Path) -> None:
    silent = tmp_path / "silent.wav"
    sf.write(silent, np.zeros((44_100, 2)), 44_100)
    with pytest.raises(mixbridge.AudioError, match="silent; choose a reference with music"):
        mixbridge.master(dull, silent, tmp_path / "out")
    with pytest.raises(mixbridge.PresetError, match="amount"):
        mixbridge.master(dull, SONG, tmp_path / "out", amount=2)
    made = mixbridge.master(silent, SONG, tmp_path / "quiet")
    assert made.mastering is None
    assert not (tmp_path / "out").exists()


def test_without_a_fit_the_rendering_is_what_was_asked_for() -> None:
    options = RenderOptions(loudness_lufs=-16)
    assert rendering_for(None, options) is options


@pytest.mark.parametrize(
    ("asked_lufs", "peaks_db", "given_lufs"), [(-14.0, 10.0, -14.0), (-14.0, 17.5, -18.5), (-9.0, 17.5, -9.0)]
)
def test_peaks_of_a_lively_reference_are_not_crushed(asked_lufs: float, peaks_db: float, given_lufs: float) -> None:
    measured = reference_profile(SONG)
    lively = replace(measured, true_peak_dbtp=measured.loudness_lufs + peaks_db)
    how = rendering_for(Mastering(Master(), lively, lively, lively, 0.0), RenderOptions(loudness_lufs=asked_lufs))
    assert how.loudness_lufs == pytest.approx(given_lufs, abs=0.01)
    assert how.peak_to_loudness_db == pytest.approx(peaks_db)
    # Who asks for a loudness gets it.
    assert how.most_limited_db == (3.0 if asked_lufs == -14 else None)


def test_peaks_that_only_the_reference_has_cost_no_loudness() -> None:
    measured = reference_profile(SONG)
    lively, dense = (replace(measured, true_peak_dbtp=measured.loudness_lufs + peaks_db) for peaks_db in (18.0, 12.0))
    how = rendering_for(Mastering(Master(), lively, lively, dense, 0.0), RenderOptions())
    assert how.loudness_lufs == pytest.approx(-14.0)
    # As loud as its own peaks let it be, and none of them turned down.
    assert how.most_limited_db == 0.0


def test_what_is_not_asked_of_the_reference_is_not_taken(dull: Path) -> None:
    stems = {"Mix": dull}
    preset = mixbridge.Preset(tracks=(mixbridge.Track(name="Mix"),))
    parts = {
        name: fit_master(preset, stems, reference_profile(SONG), aspects=[name])
        for name in ("tone", "width", "dynamics")
    }
    assert fit_master(preset, stems, reference_profile(SONG), aspects=["levels"]) is None
    tone, width, dynamics = (fit.master.match if fit else MatchCurve() for fit in parts.values())
    assert any(points_db(tone.tone))
    assert not any(points_db(tone.width))
    assert any(points_db(width.width))
    assert not any(points_db(width.tone))
    assert is_flat(dynamics)
    assert rendering_for(parts["tone"], RenderOptions()).peak_to_loudness_db is None
    assert rendering_for(parts["dynamics"], RenderOptions()).peak_to_loudness_db is not None
