"""What Ardour's profile says of ACE EQ and ACE Compressor, against the plug-ins themselves, run without Ardour.

They are LV2 plug-ins in a library each; only the few calls of LV2's C interface that this needs are made. The messages
of a push are taken literally: what goes to parameter 3 goes to the plug-in's third port.
"""

import ctypes
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from mixbridge.bridge.desks.filters import middle_hz
from mixbridge.bridge.desks.loading import load_desk
from mixbridge.presets.console import Compressor, EqBand, Equalizer
from mixbridge.runtime.console.response import compressor_curve_db, eq_response_db
from numpy.typing import NDArray

EQ = Path("/usr/lib/lv2/a-eq.lv2/a-eq.so")
COMPRESSOR = Path("/usr/lib/lv2/a-comp.lv2/a-comp.so")
RATE_HZ = 48000
SETTLE_BLOCKS = 200  # both glide to new values
BLOCK = 2048

pytestmark = pytest.mark.skipif(not (EQ.exists() and COMPRESSOR.exists()), reason="Ardour's plug-ins are not installed")


class Descriptor(ctypes.Structure):
    """LV2_Descriptor of lv2.h."""


Descriptor._fields_ = [
    ("uri", ctypes.c_char_p),
    (
        "instantiate",
        ctypes.CFUNCTYPE(
            ctypes.c_void_p,
            ctypes.POINTER(Descriptor),
            ctypes.c_double,
            ctypes.c_char_p,
            ctypes.POINTER(ctypes.c_void_p),
        ),
    ),
    ("connect_port", ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p)),
    ("activate", ctypes.CFUNCTYPE(None, ctypes.c_void_p)),
    ("run", ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint32)),
    ("deactivate", ctypes.CFUNCTYPE(None, ctypes.c_void_p)),
    ("cleanup", ctypes.CFUNCTYPE(None, ctypes.c_void_p)),
]


class PluginRun:
    """A mono plug-in with its parameters set as a push would set them.

    Args:
        library: of the plug-in.
        section: "eq" or "compressor".
        values: of the profile's keys.
        inputs: ports that hear the signal.
        output: port that it comes out of.
    """

    def __init__(self, library: Path, section: str, values: Mapping[str, float], inputs: tuple[int, ...], output: int):
        find = ctypes.CDLL(str(library)).lv2_descriptor
        find.restype, find.argtypes = ctypes.POINTER(Descriptor), [ctypes.c_uint32]
        self._descriptor = find(0)
        features = (ctypes.c_void_p * 1)(None)
        self._handle = self._descriptor.contents.instantiate(self._descriptor, RATE_HZ, b"/", features)
        self._ports = {port: np.zeros(BLOCK, np.float32) for port in range(32)}
        self._inputs, self._output = inputs, output
        for setting in load_desk("ardour").settings("track", 1, values):
            assert setting.before[1] == f"{{plugin.{section}}}"
            self._ports[int(setting.before[2]) - 1][0] = setting.value
        for port, buffer in self._ports.items():
            self._descriptor.contents.connect_port(self._handle, port, buffer.ctypes.data)
        self._descriptor.contents.activate(self._handle)

    def settle(self) -> None:
        for _ in range(SETTLE_BLOCKS):
            self.block(np.zeros(BLOCK, np.float32))

    def block(self, audio: NDArray[np.float32]) -> NDArray[np.float32]:
        for port in self._inputs:
            self._ports[port][:] = audio
        self._descriptor.contents.run(self._handle, BLOCK)
        return self._ports[self._output].copy()


def equalizer(values: Mapping[str, float]) -> PluginRun:
    desk = load_desk("ardour")
    neutral = {
        key: 0.0
        if key.endswith("gain_db")
        else 1.0
        if key.endswith(".on")
        else 1000.0
        if key.endswith("freq_hz")
        else 1.0
        for key, parameter in desk.parameters("track").items()
        if parameter.section == "eq" and parameter.constant is None
    }
    return PluginRun(EQ, "eq", {**neutral, **values}, inputs=(24,), output=25)


def response_db(plugin: PluginRun, freqs_hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of a filter at frequencies that lie between 200 Hz and 20 kHz, from the impulse response."""
    plugin.settle()
    impulse = np.zeros(BLOCK, np.float32)
    impulse[0] = 1
    heard = np.concatenate([plugin.block(impulse), *(plugin.block(np.zeros(BLOCK, np.float32)) for _ in range(7))])
    turns = np.exp(-2j * np.pi * np.outer(freqs_hz, np.arange(len(heard))) / RATE_HZ)
    return np.asarray(20 * np.log10(np.abs(turns @ heard)))


FREQS_HZ = np.geomspace(100, 20000, 60)


@pytest.mark.parametrize("q", [0.3, 0.71, 1.41, 5.0])
@pytest.mark.parametrize("gain_db", [-12.0, 9.0])
def test_a_bell_has_the_width_that_its_q_says(q: float, gain_db: float):
    plugin = equalizer({"eq.2.freq_hz": 1500.0, "eq.2.gain_db": gain_db, "eq.2.q": q})
    wanted = eq_response_db(Equalizer(band1=EqBand(freq_hz=1500, gain_db=gain_db, q=q)), FREQS_HZ, RATE_HZ)
    assert np.abs(response_db(plugin, FREQS_HZ) - wanted).max() < 0.1


@pytest.mark.parametrize(("slot", "shelf"), [("low", "low_shelf"), ("high", "high_shelf")])
@pytest.mark.parametrize("gain_db", [-12.0, 12.0])
def test_a_shelf_is_named_by_its_poles(slot: str, shelf: str, gain_db: float):
    plugin = equalizer({f"eq.{slot}.freq_hz": 3000.0, f"eq.{slot}.gain_db": gain_db})
    middle = middle_hz(3000, gain_db, shelf, RATE_HZ)
    found = response_db(plugin, FREQS_HZ)
    right, literal = (
        np.abs(
            eq_response_db(Equalizer(**{shelf: EqBand(freq_hz=freq_hz, gain_db=gain_db)}), FREQS_HZ, RATE_HZ) - found
        ).max()
        for freq_hz in (middle, 3000)
    )
    assert right < 0.1
    assert literal > 3


def test_switched_off_bands_and_equalizers_are_silent():
    plugin = equalizer({"eq.1.gain_db": 12.0, "eq.1.on": 0})
    assert np.abs(response_db(plugin, FREQS_HZ)).max() < 0.01


def compressor(values: Mapping[str, float]) -> PluginRun:
    prefixed = {f"compressor.{key}": value for key, value in values.items()}
    return PluginRun(COMPRESSOR, "compressor", {"compressor.on": 1, **prefixed}, inputs=(11,), output=13)


@pytest.mark.parametrize("knee_db", [0.0, 6.0, 24.0])
@pytest.mark.parametrize("level_db", [-40.0, -24.0, -20.0, -18.0, -3.0])
def test_the_compressors_curve_is_the_consoles(knee_db: float, level_db: float):
    law = {
        "threshold_db": -20.0,
        "ratio": 4.0,
        "knee_db": knee_db,
        "makeup_db": 3.0,
        "attack_ms": 1.0,
        "release_ms": 10.0,
    }
    plugin = compressor(law)
    tone = np.full(BLOCK, 10 ** (level_db / 20), np.float32)
    for _ in range(50):
        heard = plugin.block(tone)
    wanted = float(compressor_curve_db(Compressor(**law), level_db))
    assert 20 * math.log10(float(heard[-1])) == pytest.approx(wanted, abs=0.02)


def test_its_attack_is_a_time_constant():
    """Of the gain in dB: it falls by 63 % in the time that is set."""
    plugin = compressor(
        {"threshold_db": -20, "ratio": 4, "knee_db": 0, "makeup_db": 0, "attack_ms": 10, "release_ms": 100}
    )
    loud = np.full(BLOCK, 10 ** (-4 / 20), np.float32)
    heard = np.concatenate([plugin.block(loud) for _ in range(5)])
    gain_db = 20 * np.log10(np.abs(heard) / loud[0])
    reached = np.argmax(gain_db < gain_db[-1] * (1 - math.exp(-1)))
    assert 1000 * reached / RATE_HZ == pytest.approx(10, abs=0.1)
