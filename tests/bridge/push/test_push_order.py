"""No moment of a push is louder than before or after it: what the desk would be heard as, after each message."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from desk_push import named, target
from desk_simulator import RATIOS, X32Simulator
from mixbridge.bridge.push.pushing import PushOptions, push_preset
from mixbridge.bridge.push.scope import SECTIONS, Scope
from mixbridge.presets.console import Compressor, EqBand, Equalizer, Strip
from mixbridge.presets.preset import Preset, Track
from udp_peer import Value

EVERYTHING = PushOptions(scope=Scope(frozenset(SECTIONS)), ramp_ms=60)
INPUT_DB = -8.0
# Two of the desk's steps of a fader, a makeup and a gain.
GRID_DB = 0.6


class Heard(X32Simulator):
    """Notes how loud channel 1 is in the middle of each band, in dB, after each message that sets it."""

    def __init__(self) -> None:
        super().__init__()
        self.loudness_db: list[tuple[float, ...]] = []

    def _set(self, address: str, kind: object, given: Value, time_s: float) -> None:
        super()._set(address, kind, given, time_s)  # type: ignore[arg-type]
        if address.startswith("/ch/01/"):
            self.loudness_db.append(self.now_db())

    def now_db(self) -> tuple[float, ...]:
        return tuple(self._band_db(band) for band in range(1, 5))

    def _band_db(self, band: int) -> float:
        level_db = INPUT_DB + self._db("preamp/trim")
        level_db += self._db(f"eq/{band}/g") if self.values["/ch/01/eq/on"] else 0.0
        if self.values["/ch/01/dyn/on"]:
            over_db = max(level_db - self._db("dyn/thr"), 0.0)
            level_db += self._db("dyn/mgain") - over_db * (1 - 1 / RATIOS[int(self.values["/ch/01/dyn/ratio"])])
        return max(level_db + self._db("mix/fader"), -70.0) if self.values["/ch/01/mix/on"] else -70.0

    def _db(self, path: str) -> float:
        return max(float(self.unit(f"/ch/01/{path}")), -90.0)


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def mix(chance: random.Random) -> Preset:
    """A channel whose bands stay where they are."""
    freqs_hz = {"low_shelf": 60.0, "band1": 400.0, "band2": 3000.0, "high_shelf": 12000.0}
    bands = {name: EqBand(freq_hz=freq_hz, gain_db=chance.uniform(-10, 10)) for name, freq_hz in freqs_hz.items()}
    compressor = Compressor(
        threshold_db=chance.uniform(-50, -5),
        ratio=chance.choice([1.0, 2.0, 4.0, 10.0]),
        makeup_db=chance.uniform(0, 6),
        knee_db=3,
    )
    strip = Strip(eq=Equalizer(**bands), compressor=compressor, fader_db=chance.uniform(-40, 5))
    return Preset(tracks=(Track(name="Kick", strip=strip, mute=chance.random() < 0.2),))


@pytest.mark.parametrize("seed", range(8))
def test_no_moment_is_louder_than_before_or_after(seed: int) -> None:
    chance = random.Random(seed)
    with named(Heard(), {1: "Kick"}) as desk:
        for turn in range(2):
            before, count = desk.now_db(), len(desk.loudness_db)
            result = push_preset(mix(chance), target(desk), EVERYTHING)
            assert result.is_verified, result.sentence
            if turn:
                for band, (then, now) in enumerate(zip(before, desk.now_db(), strict=True)):
                    loudest = max((moment[band] for moment in desk.loudness_db[count:]), default=now)
                    assert loudest <= max(then, now) + GRID_DB, band


def test_a_compressor_does_not_open_before_its_makeup_has_come_down() -> None:
    def compressed(threshold_db: float, makeup_db: float) -> Preset:
        compressor = Compressor(threshold_db=threshold_db, ratio=10, makeup_db=makeup_db, knee_db=3)
        return Preset(tracks=(Track(name="Kick", strip=Strip(compressor=compressor)),))

    with named(Heard(), {1: "Kick"}) as desk:
        push_preset(compressed(-40.0, 6.0), target(desk), replace(EVERYTHING, ramp_ms=0))
        before, count = desk.now_db(), len(desk.loudness_db)
        push_preset(compressed(-8.0, 0.0), target(desk), replace(EVERYTHING, ramp_ms=400))
        loudest = max(max(moment) for moment in desk.loudness_db[count:])
    assert loudest <= max(*before, *desk.now_db()) + GRID_DB
