"""Stems as the DAW's faders would give them, against the formulas of its gains and pans."""

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from mixbridge.bridge.sessions.core.fades import automation_values, pan_gains
from mixbridge.bridge.sessions.core.model import Automation, Clip, SessionTrack
from mixbridge.bridge.sessions.stems.render import render_stems
from timeline import RATE_HZ, noise, session_of, write_audio


@pytest.fixture
def flat(tmp_path: Path) -> Path:
    return write_audio(tmp_path / "flat.wav", np.full(2 * RATE_HZ, 0.5))


def post_fader(track: SessionTrack, tmp_path: Path) -> np.ndarray:
    (path,) = render_stems(session_of(tmp_path, track), tmp_path / "stems", post_fader=True).values()
    return sf.read(path, always_2d=True)[0].T


@pytest.mark.parametrize(
    ("law", "pan", "left", "right"),
    [
        ("balance", 0.0, 1, 1),
        ("balance", 0.25, 0.75, 1),
        ("balance", -1.0, 1, 0),
        ("constant_power", 0.0, 0.70711, 0.70711),
        ("constant_power", 1.0, 0, 1),
        ("constant_power_boosted", 0.0, 1, 1),
        ("linear", 0.5, 0.25, 0.75),
        ("ardour", 0.0, 10 ** (-3 / 20), 10 ** (-3 / 20)),
        ("ardour", -1.0, 1, 0),
    ],
)
def test_a_pan_gives_both_sides_their_gain(law: str, pan: float, left: float, right: float, flat, tmp_path) -> None:
    track = SessionTrack("Vox", 0, (Clip(flat, 0, 100),), gain_db=-6.0, pan=pan, pan_law=law)  # type: ignore[arg-type]
    stem = post_fader(track, tmp_path)
    gain = 0.5 * 10 ** (-6 / 20)
    np.testing.assert_allclose(stem, np.array([[left], [right]]) * gain * np.ones((1, 100)), atol=1e-5)


def test_a_stereo_track_keeps_its_sides(tmp_path: Path) -> None:
    audio = noise(1000, 2)
    file = write_audio(tmp_path / "wide.wav", audio)
    stem = post_fader(SessionTrack("Keys", 0, (Clip(file, 0, 1000),), pan=0.5), tmp_path)
    np.testing.assert_allclose(stem, audio * [[0.5], [1.0]], atol=1e-7)


def test_polarity_and_mute_are_the_faders(flat: Path, tmp_path: Path) -> None:
    upside_down = post_fader(SessionTrack("Snare", 0, (Clip(flat, 0, 100),), polarity_inverted=True), tmp_path)
    assert (upside_down == -0.5).all()
    (tmp_path / "stems").rename(tmp_path / "first")
    assert not post_fader(SessionTrack("Snare", 0, (Clip(flat, 0, 100),), mute=True), tmp_path).any()


def test_raw_stems_heed_no_fader(flat: Path, tmp_path: Path) -> None:
    track = SessionTrack("Snare", 0, (Clip(flat, 0, 100),), gain_db=-20, mute=True, polarity_inverted=True, pan=1.0)
    (path,) = render_stems(session_of(tmp_path, track), tmp_path / "stems").values()
    assert (sf.read(path)[0] == 0.5).all()


def test_automation_takes_the_faders_place(flat: Path, tmp_path: Path) -> None:
    track = SessionTrack(
        "Vox",
        0,
        (Clip(flat, 0, 2 * RATE_HZ),),
        gain_db=-60,
        volume=Automation(((0.5, 0.2), (1.5, 1.0))),
        pan_automation=Automation(((1.0, -1.0), (1.75, 1.0)), "hold"),
    )
    left, right = post_fader(track, tmp_path)
    frames = (np.array([0.0, 0.5, 1.0, 1.5, 1.7]) * RATE_HZ).astype(int)
    assert left[frames] == pytest.approx([0.1, 0.1, 0.3, 0.5, 0.5], abs=1e-6)
    assert not right[: int(1.75 * RATE_HZ)].any()
    assert not left[int(1.75 * RATE_HZ) :].any()
    assert right[int(1.8 * RATE_HZ)] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("interpolation", "middle"), [("linear", 0.505), ("hold", 0.01), ("decibel", 0.1), ("ardour_gain", 0.2299)]
)
def test_automation_runs_between_its_points(interpolation: str, middle: float) -> None:
    automation = Automation(((1.0, 0.01), (2.0, 1.0)), interpolation)  # type: ignore[arg-type]
    values = automation_values(automation, np.array([0.0, 1.0, 1.5, 2.0, 9.0]))
    assert values == pytest.approx([0.01, 0.01, middle, 1, 1], abs=1e-4)


def test_a_curve_does_not_overshoot_its_points() -> None:
    random = np.random.default_rng(3)
    points = tuple((float(x), float(y)) for x, y in enumerate(random.uniform(0, 1, 12)))
    values = automation_values(Automation(points, "curved"), np.linspace(0, 11, 1101))
    for start in range(11):
        low, high = sorted((points[start][1], points[start + 1][1]))
        part = values[start * 100 : start * 100 + 101]
        # The ends have no neighbour that would hold their slope.
        slack = 0.3 if start in (0, 10) else 1e-9
        assert low - slack <= part.min()
        assert part.max() <= high + slack


def test_pan_laws_are_mirror_images() -> None:
    pans = np.linspace(-1, 1, 21)
    for law in ("balance", "constant_power", "constant_power_boosted", "linear", "ardour"):
        left, right = pan_gains(law, pans)  # type: ignore[arg-type]
        np.testing.assert_allclose(left, right[::-1], atol=1e-12)
