"""Plug-ins in processes of their own: what they make of sound, and what is said of those that fail."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import odd_plugins
import pytest
from bare_plugin import bare_played
from mixbridge.presets.errors import PluginError
from mixbridge.runtime.plugins.faults import PluginFaultError
from mixbridge.runtime.plugins.process import PluginFile, PluginProcess
from mixbridge.runtime.plugins.stage import PluginHosts, PluginSetting

_RATE_HZ = 48000
_ZAM = Path("/usr/lib/vst3")
_HERE = Path(__file__)
needs_zam = pytest.mark.skipif(not (_ZAM / "ZamEQ2.vst3").exists(), reason="zam-plugins are not installed")


@pytest.fixture
def hosts() -> Iterator[PluginHosts]:
    with PluginHosts() as opened:
        yield opened


def _noise(channels: int, frames: int = 30000) -> Any:
    return (np.random.default_rng(3).standard_normal((channels, frames)) * 0.1).astype(np.float32)


def _odd(load: Any, limit_s: float = 20.0) -> PluginFile:
    return PluginFile(_HERE, title="Odd", limit_s=limit_s, load=load)


def _zam(name: str) -> PluginFile:
    return PluginFile(_ZAM / f"{name}.vst3")


def _played(stage: Any, audio: Any, sizes: tuple[int, ...] = (9000, 7, 2, 1, 12000)) -> Any:
    """Play audio in blocks, and take the latency off."""
    late = stage.latency_samples
    padded = np.concatenate([audio, np.zeros((len(audio), late), np.float32)], axis=1)
    parts, begin = [], 0
    for size in (*sizes, padded.shape[1]):
        parts.append(stage.process(padded[:, begin : begin + size]))
        begin += size
    return np.concatenate(parts, axis=1)[:, late:]


@pytest.mark.parametrize("load", [odd_plugins.plain, odd_plugins.mono, odd_plugins.stereo, odd_plugins.late])
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_every_width_goes_through_every_plugin(hosts: PluginHosts, load: Any, channels: int) -> None:
    if channels == 3 and load is not odd_plugins.stereo:
        pytest.skip("one odd count is enough")
    audio = _noise(channels)
    stage = hosts.stage([PluginSetting(_odd(load), values={"gain": 0.5}, gain=3.0)], channels, _RATE_HZ)
    assert stage.latency_samples == (300 if load is odd_plugins.late else 0)
    assert np.allclose(_played(stage, audio), audio * 1.5, atol=1e-6)


def test_a_state_comes_before_settings(hosts: PluginHosts) -> None:
    setting = PluginSetting(_odd(odd_plugins.plain), state=b"0.25")
    audio = _noise(1)
    assert np.allclose(_played(hosts.stage([setting], 1, _RATE_HZ), audio), audio / 4)
    again = PluginSetting(_odd(odd_plugins.plain), state=b"0.25", values={"gain": 0.75})
    assert np.allclose(_played(hosts.stage([again], 1, _RATE_HZ), audio), audio * 0.75)


@pytest.mark.parametrize(
    ("load", "words"),
    [
        (odd_plugins.crashing, r"plug-in Odd: it crashed \(SIGSEGV\)"),
        (odd_plugins.sick, r"plug-in Odd: .*no finite numbers"),
        (odd_plugins.drifting, r"plug-in Odd: its latency changed from 0 to 64"),
        (odd_plugins.shortening, r"plug-in Odd: .*channels and length differ"),
        (odd_plugins.surround, r"plug-in Odd: it takes neither mono nor stereo"),
        (odd_plugins.refusing, r"plug-in Odd: unable to load plugin"),
        (odd_plugins.bare, r"plug-in Odd: it has no parameter 'gain'"),
    ],
)
def test_a_plugin_that_fails_is_named(hosts: PluginHosts, load: Any, words: str) -> None:
    with pytest.raises(PluginFaultError, match=words) as caught:
        _played(hosts.stage([PluginSetting(_odd(load), values={"gain": 0.5})], 2, _RATE_HZ), _noise(2))
    assert isinstance(caught.value, PluginError)
    assert caught.value.plugin == "Odd"


@pytest.mark.parametrize("load", [odd_plugins.hanging, odd_plugins.windowed])
def test_a_plugin_that_hangs_is_ended(hosts: PluginHosts, load: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mixbridge.runtime.plugins.process.STARTING_S", 3.0)
    setting = PluginSetting(_odd(load, limit_s=1.0))
    with pytest.raises(PluginFaultError, match=re.escape("it hangs, or waits for a window")):
        _played(hosts.stage([setting], 1, _RATE_HZ), _noise(1))
    process = hosts.process_of(setting.file)
    with pytest.raises(PluginFaultError, match="hangs"):
        process.describe() if hosts._most == 1 else process.open(1, _RATE_HZ)


def test_what_a_plugin_prints_is_not_heard(hosts: PluginHosts, capfd: pytest.CaptureFixture[str]) -> None:
    audio = _noise(1)
    assert np.array_equal(_played(hosts.stage([PluginSetting(_odd(odd_plugins.talking))], 1, _RATE_HZ), audio), audio)
    said = capfd.readouterr()
    assert "hello" not in said.out + said.err


def test_thousands_of_parameters_are_no_matter() -> None:
    with PluginProcess(_odd(odd_plugins.crowded)) as process:
        assert len(process.describe().parameters) == 5001
        instance = process.open(1, _RATE_HZ, values={"gain": 0.5, "parameter_4999": 0.25})
        state = instance.state()
        assert (state.preset, state.values["parameter_4999"]) == (b"0.5", 0.25)


def test_a_file_that_is_missing_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(PluginFaultError, match=re.escape(f"there is no {tmp_path / 'None.vst3'}")):
        PluginProcess(PluginFile(tmp_path / "None.vst3"))


def test_no_process_stays(hosts: PluginHosts) -> None:
    process = hosts.process_of(_odd(odd_plugins.plain))
    process.open(1, _RATE_HZ)
    hosts.__exit__()
    assert not process._process.is_alive


@needs_zam
def test_a_real_plugin_plays_as_pedalboard_alone_plays_it(hosts: PluginHosts) -> None:
    raw = {"boost_cut_1_db": 0.8, "frequency_1_hz": 0.1}
    audio = _noise(2)
    setting = PluginSetting(_zam("ZamEQ2"), values=raw)
    heard = _played(hosts.stage([setting], 2, _RATE_HZ), audio)
    expected = np.stack([bare_played(_ZAM / "ZamEQ2.vst3", row, _RATE_HZ, raw=raw) for row in audio])
    assert np.abs(expected - audio).max() > 0.02
    assert np.abs(heard - expected).max() < 1e-6


@needs_zam
def test_short_blocks_of_a_stereo_plugin_are_as_good_as_long_ones(hosts: PluginHosts) -> None:
    setting = PluginSetting(_zam("ZamCompX2"), values={"threshold_db": 0.5, "knee_db": 0.5, "stereo_detection": 1.0})
    audio = _noise(2) * np.float32([[2], [0.5]])
    whole, pieces = (
        _played(hosts.stage([setting], 2, _RATE_HZ), audio, sizes) for sizes in ((), (9000, 1, 2, 3, 1, 1, 2))
    )
    assert np.abs(whole - audio).max() > 0.05
    assert np.array_equal(whole, pieces)


@needs_zam
def test_a_real_latency_is_told_and_made_up_for(hosts: PluginHosts) -> None:
    stage = hosts.stage([PluginSetting(_zam("ZaMaximX2"))], 2, _RATE_HZ)
    assert stage.latency_samples == 480
    click = np.zeros((2, 20000), np.float32)
    click[:, 5000] = 0.01
    assert np.abs(_played(stage, click)).argmax(axis=1).tolist() == [5000, 5000]


@needs_zam
@pytest.mark.parametrize("name", ["ZamComp", "ZamEQ2"])
def test_a_real_state_makes_a_fresh_plugin_alike(name: str) -> None:
    audio = _noise(1)
    with PluginProcess(_zam(name)) as process:
        names = [item for item in process.describe().parameters if item.endswith(("_db", "_ms")) and "_1_" not in item]
        wanted = {item: 0.371 for item in names if item not in {"gain_reduction_db", "output_level_db"}}
        first = process.open(1, _RATE_HZ)
        heard = first.respond(wanted, audio)
        state = first.state()
        fresh = process.open(1, _RATE_HZ, state.preset)
        again = fresh.respond({}, audio)
    assert state.preset.startswith(b"VST3")
    assert np.abs(heard - audio).max() > 1e-3
    assert np.abs(again - heard).max() < 1e-6 * np.abs(heard).max()
