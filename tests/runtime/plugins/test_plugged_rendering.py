"""A mix through plug-ins: in time, as without where they do nothing, and whole or not at all where they fail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import odd_plugins
import pytest
import soundfile
from mixbridge.presets.console import Compressor, EqBand, Equalizer, Strip
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.console.streams import MakeRun
from mixbridge.runtime.plugins.faults import PluginFaultError
from mixbridge.runtime.plugins.process import PluginFile
from mixbridge.runtime.plugins.stage import PluginHosts, PluginSetting
from mixbridge.runtime.plugins.strips import PluggedStrips
from mixbridge.runtime.rendering.render import RenderOptions, render_files

_RATE_HZ = 44100
_EQ = Equalizer(band0=EqBand(gain_db=6))
_COMPRESSOR = Compressor(threshold_db=-30, ratio=4)


class _Own:
    """One plug-in in the place of a stage of every track."""

    def __init__(self, load: Any, stage: str, *, goes_on: bool = False):
        self._file = PluginFile(Path(__file__), title="Odd", load=load)
        self._stage, self._goes_on = stage, goes_on
        self.faults: list[PluginFaultError] = []

    @contextmanager
    def opened(self, tracks: Sequence[Track], stems: Mapping[str, Path], sample_rate_hz: int) -> Iterator[MakeRun]:
        settings = [] if self.faults else [PluginSetting(self._file)]
        with PluginHosts() as hosts:
            yield PluggedStrips(hosts, {track.name: {self._stage: settings} for track in tracks})

    def goes_on_without(self, fault: PluginFaultError) -> bool:
        self.faults.append(fault)
        return self._goes_on


@pytest.fixture(scope="module")
def stems(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("plugged")
    random = np.random.default_rng(5)
    paths = {}
    for name, channels in (("Vox", 1), ("Keys", 2)):
        paths[name] = folder / f"{name}.wav"
        soundfile.write(paths[name], random.standard_normal((100000, channels)) * 0.1, _RATE_HZ)
    return paths


def _preset(strip: Strip) -> Preset:
    return Preset(tracks=(Track(name="Vox", strip=strip), Track(name="Keys", strip=strip)))


def _mix(stems: Mapping[str, Path], strip: Strip, folder: Path, own: Any = None) -> Any:
    folder.mkdir()
    options = RenderOptions(loudness_lufs=None, audio_format="wav32f", own_stages=own)
    render_files(stems, _preset(strip), folder, options)
    return soundfile.read(folder / "mix.wav", dtype="float32")[0]


@pytest.mark.parametrize("stage", ["eq", "compressor"])
@pytest.mark.parametrize("load", [odd_plugins.plain, odd_plugins.late])
def test_a_plugin_takes_the_place_of_its_stage_alone(
    stems: Mapping[str, Path], tmp_path: Path, load: Any, stage: str
) -> None:
    strip = Strip(eq=_EQ, compressor=_COMPRESSOR)
    usual = {"eq": strip.model_copy(update={"eq": Equalizer()}), "compressor": Strip(eq=_EQ)}[stage]
    heard = _mix(stems, strip, tmp_path / "plugged", _Own(load, stage))
    plain = _mix(stems, usual, tmp_path / "plain")
    assert heard.shape == plain.shape
    # Filters of single precision hear where blocks begin, which a latency moves.
    assert np.abs(heard - plain).max() < 1e-5
    assert np.abs(plain - _mix(stems, strip, tmp_path / "ours")).max() > 1e-2


def test_a_plugin_that_fails_stops_the_mix(stems: Mapping[str, Path], tmp_path: Path) -> None:
    with pytest.raises(PluginFaultError, match=r"plug-in Odd on track '(Vox|Keys)': it crashed"):
        _mix(stems, Strip(eq=_EQ), tmp_path / "mix", _Own(odd_plugins.crashing, "eq"))


def test_or_the_mix_goes_on_without_it(stems: Mapping[str, Path], tmp_path: Path) -> None:
    own = _Own(odd_plugins.crashing, "eq", goes_on=True)
    heard = _mix(stems, Strip(eq=_EQ), tmp_path / "mix", own)
    assert len(own.faults) == 1
    assert np.array_equal(heard, _mix(stems, Strip(eq=_EQ), tmp_path / "ours"))
