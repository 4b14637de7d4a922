"""A small session on the simulated X32, and presets to push to it; for tests of pushing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from desk_simulator import X32Simulator
from mixbridge.presets.console import Compressor, EqBand, Equalizer, Master, Strip
from mixbridge.presets.preset import Preset, Track

NAMES = {1: "Kick", 2: "Bass", 3: "Keys", 4: "Lead Vox"}


def strip(seed: int) -> Strip:
    """One that a channel of the X32 can hold but for its grid."""
    eq = Equalizer(
        low_shelf=EqBand(gain_db=-3.0 + seed, freq_hz=100),
        band1=EqBand(gain_db=2.5, freq_hz=1000.0 + 200 * seed, q=1.0),
        high_shelf=EqBand(gain_db=1.5, freq_hz=9000),
    )
    compressor = Compressor(
        threshold_db=-24.0 + seed, ratio=3, attack_ms=20, release_ms=200, knee_db=0, makeup_db=4.0 + seed
    )
    return Strip(eq=eq, compressor=compressor, fader_db=-6.0 - seed, pan=(seed - 2) / 4)


def preset(names: Sequence[str] = tuple(NAMES.values()), *, master: Master | None = None) -> Preset:
    """A mix of these tracks; the second is muted."""
    tracks = (Track(name=name, strip=strip(seed), mute=seed == 1) for seed, name in enumerate(names))
    return Preset(name="test", tracks=tuple(tracks), master=master or Master())


Simulator = TypeVar("Simulator", bound=X32Simulator)


def named(simulator: Simulator, names: Mapping[int, str] | None = None) -> Simulator:
    """The desk with names on its channels and levels as on a show: faders up, nothing in the inserts."""
    for number, name in (NAMES if names is None else names).items():
        simulator.values[f"/ch/{number:02}/config/name"] = name
    return simulator


def target(simulator: X32Simulator) -> str:
    return f"x32://127.0.0.1:{simulator.port}"
