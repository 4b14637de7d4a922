"""Rendering in memory: nulls, latency, odd inputs."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from busy_console import BUSY, BUSY_MASTER, RATE_HZ, ROOM, noise
from mixbridge.presets.console import Compressor, Master, Strip
from mixbridge.presets.errors import AudioError, PresetError
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.console.strip import MasterProcessor, StripProcessor
from mixbridge.runtime.rendering.in_memory import render_arrays


def preset(strips: Mapping[str, Strip], **more: object) -> Preset:
    return Preset.model_validate(
        {"tracks": tuple(Track(name=name, strip=strip) for name, strip in strips.items()), **more}
    )


def test_a_neutral_preset_changes_nothing() -> None:
    audio = noise(50_001, 2)
    rendered = render_arrays({"a": audio}, RATE_HZ, preset({"a": Strip()}))
    np.testing.assert_array_equal(rendered.mix, audio)
    np.testing.assert_array_equal(rendered.stems["a"], audio)
    assert not rendered.buses


def test_latency_is_made_up_for() -> None:
    """Look-ahead on strips and master, with thresholds nothing reaches, changes nothing either."""
    silent = Compressor(threshold_db=60, ratio=4, lookahead_ms=13)
    audio = {"a": noise(50_001, 2, 1), "b": noise(40_000, 2, 2)}
    rendered = render_arrays(
        audio, RATE_HZ, preset({"a": Strip(compressor=silent), "b": Strip()}, master=Master(compressor=silent))
    )
    want = audio["a"] + np.pad(audio["b"], [(0, 0), (0, 10_001)])
    np.testing.assert_array_equal(rendered.mix, want)


def test_the_mix_is_strips_then_master() -> None:
    audio = noise(60_000, 1)
    late = round(0.007 * RATE_HZ), round(0.011 * RATE_HZ)
    rendered = render_arrays({"a": audio}, RATE_HZ, preset({"a": BUSY}, master=BUSY_MASTER))
    stem = StripProcessor(BUSY, 1, RATE_HZ).process(np.pad(audio, [(0, 0), (0, late[0])]))[:, late[0] :]
    mix = MasterProcessor(BUSY_MASTER, RATE_HZ).process(np.pad(stem, [(0, 0), (0, late[1])]))[:, late[1] :]
    assert rendered.mix.shape == (2, 60_000)
    np.testing.assert_allclose(rendered.stems["a"], stem, atol=1e-6)
    np.testing.assert_allclose(rendered.mix, mix, atol=1e-6)


def test_stems_and_fx_return_add_up_to_the_mix() -> None:
    audio = {"a": noise(30_000, 1, 1), "b": noise(50_000, 2, 2)}
    sends = {"a": BUSY.model_copy(update={"fx_send_db": -6.0}), "b": Strip(fx_send_db=-12)}
    rendered = render_arrays(audio, RATE_HZ, preset(sends, fx_bus=ROOM))
    assert list(rendered.buses) == ["fx return"]
    assert rendered.mix.shape[1] == pytest.approx(50_000 + 0.1 * RATE_HZ, abs=10)
    assert np.abs(rendered.buses["fx return"]).max() > 0.01
    np.testing.assert_allclose(sum(rendered.stems.values()) + rendered.buses["fx return"], rendered.mix, atol=1e-6)


def test_a_send_is_taken_behind_the_pan() -> None:
    left = Strip(pan=-1, fx_send_db=0)
    rendered = render_arrays({"a": noise(10_000)}, RATE_HZ, preset({"a": left}, fx_bus=ROOM))
    assert list(rendered.buses) == ["fx return"]
    assert np.abs(rendered.buses["fx return"][0]).max() > 0.01
    assert np.abs(rendered.buses["fx return"][1]).max() < 1e-6


def test_muted_tracks_are_left_out() -> None:
    tracks = (Track(name="a"), Track(name="b", mute=True))
    audio = {"a": noise(1000, 2, 1), "b": noise(5000, 2, 2)}
    rendered = render_arrays(audio, RATE_HZ, Preset(tracks=tracks))
    np.testing.assert_array_equal(rendered.mix, audio["a"])
    assert list(rendered.stems) == ["a"]
    np.testing.assert_array_equal(render_arrays({"a": audio["a"]}, RATE_HZ, Preset(tracks=tracks)).mix, rendered.mix)


def test_tracks_and_stems_must_match() -> None:
    with pytest.raises(PresetError, match=r"without a stem: 'b'\. Stems without a track: 'c'"):
        render_arrays({"a": noise(10), "c": noise(10)}, RATE_HZ, preset({"a": Strip(), "b": Strip()}))
    with pytest.raises(PresetError, match="nothing to mix"):
        render_arrays({}, RATE_HZ, Preset())


@pytest.mark.parametrize("shape", [(3, 100), (0, 100), (100,), (1, 0)])
def test_the_shape_of_arrays_is_checked(shape: tuple[int, ...]) -> None:
    with pytest.raises(AudioError, match="stem 'a' has the shape"):
        render_arrays({"a": np.zeros(shape, np.float32)}, RATE_HZ, preset({"a": Strip()}))


def test_samples_that_are_no_numbers_are_refused() -> None:
    audio = noise(100)
    audio[0, 7] = np.inf
    with pytest.raises(AudioError, match="stem 'a': sample 7"):
        render_arrays({"a": audio}, RATE_HZ, preset({"a": Strip()}))


def test_settings_that_overflow_name_the_track() -> None:
    loud = Strip(input_gain_db=96, fader_db=60)
    audio = noise(1000, level=1e35)
    with pytest.raises(PresetError, match="track 'a' overflows"):
        render_arrays({"a": audio}, RATE_HZ, preset({"a": loud}))
    with pytest.raises(PresetError, match="master overflows"):
        render_arrays({"a": audio}, RATE_HZ, preset({"a": Strip()}, master=Master(input_gain_db=96)))


def test_ten_threads_make_identical_mixes() -> None:
    audio = {"a": noise(70_000, 1, 1), "b": noise(70_000, 2, 2)}
    settings = preset({"a": BUSY, "b": BUSY}, master=BUSY_MASTER)
    with ThreadPoolExecutor(10) as pool:
        mixes = list(pool.map(lambda _: render_arrays(audio, RATE_HZ, settings).mix, range(10)))
    for mix in mixes[1:]:
        np.testing.assert_array_equal(mix, mixes[0])


@pytest.mark.parametrize("rate_hz", [8000, 96000, 192000])
@pytest.mark.parametrize("frames", [1, 2, 100])
def test_hardly_any_samples(rate_hz: int, frames: int) -> None:
    rendered = render_arrays({"a": noise(frames)}, rate_hz, preset({"a": BUSY}, master=BUSY_MASTER))
    assert rendered.mix.shape == (2, frames)
