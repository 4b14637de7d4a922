"""A plug-in on the test bench: its parameters set by raw values, test signals played through it, gains read off.

Everything is measured from a plug-in that was reset, at 48 kHz, and the same every time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ....presets.errors import PluginError
from ..inspection import HOST_PARAMETERS, class_id

Floats = NDArray[np.float64]

RATE_HZ: Final = 48000
FREQS_HZ: Final = np.geomspace(20.0, 22000.0, 640)
SQUARE_HZ: Final = 1000.0

_LONG_SAMPLES: Final = 1 << 17
_SHORT_SAMPLES: Final = 1 << 15
_IMPULSE: Final = 0.25
_FLOOR_DB: Final = -200.0
# More parameters than this are not looked at one by one: a survey of them all takes minutes.
MOST_PARAMETERS: Final = 400


@dataclass(frozen=True)
class PluginKnob:
    """One parameter as the plug-in shows it.

    Attributes:
        name: as pedalboard spells it.
        label: as the plug-in shows it.
        unit: the same.
        low: value that it shows at 0; None if it shows no numbers.
        high: value at 1.
        default: raw value after loading.
    """

    name: str
    label: str
    unit: str
    low: float | None
    high: float | None
    default: float


class Rig:
    """Plays a plug-in.

    Args:
        plugin: loaded, as pedalboard gives it.

    Raises:
        PluginError: it plays neither one channel nor two.
    """

    def __init__(self, plugin: Any):
        self.plugin = plugin
        self.knobs = tuple(_knobs(plugin))
        self._defaults = {knob.name: knob.default for knob in self.knobs}
        self.channels = tuple(self._playable())
        if not self.channels:
            raise PluginError("it plays neither one channel nor two")
        self._count = self.channels[0]

    @property
    def defaults(self) -> Mapping[str, float]:
        """Raw values after loading, and what was turned since, to be left so."""
        return self._defaults

    def turn(self, values: Mapping[str, float]) -> None:
        """Turn parameters for good: they count as loaded so."""
        self._defaults = {**self._defaults, **values}

    def knob(self, name: str) -> PluginKnob:
        """The parameter of a name."""
        return next(knob for knob in self.knobs if knob.name == name)

    def set(self, values: Mapping[str, float]) -> None:
        """Set raw values, all others to their defaults."""
        parameters = self.plugin.parameters
        for name, raw in {**self.defaults, **values}.items():
            if abs(float(parameters[name].raw_value) - raw) > 1e-9:
                parameters[name].raw_value = min(max(raw, 0.0), 1.0)

    def play(self, sound: Floats) -> Floats:
        """Play a sound, the same in all channels; the first channel of what comes out.

        Raises:
            PluginError: it is not finite, or of another length.
        """
        both = np.repeat(sound[None].astype(np.float32), self._count, 0)
        out = np.asarray(self.plugin.process(both, RATE_HZ, buffer_size=8192, reset=True), np.float64)
        if out.shape != both.shape:
            raise PluginError(f"it gives {out.shape[-1]} samples for {both.shape[-1]}")
        if not np.isfinite(out).all():
            raise PluginError("its sound is not finite (NaN or infinite)")
        return np.asarray(out[0])

    def impulse(self, samples: int = _LONG_SAMPLES) -> Floats:
        """Its answer to an impulse, over the impulse's height."""
        sound = np.zeros(samples)
        sound[0] = _IMPULSE
        return self.play(sound) / _IMPULSE

    def response_db(self, values: Mapping[str, float], *, is_quick: bool = False) -> Floats:
        """The gain at `FREQS_HZ` at these raw values."""
        self.set(values)
        samples = _SHORT_SAMPLES if is_quick else _LONG_SAMPLES
        spectrum = np.fft.rfft(self.impulse(samples))
        power = np.interp(FREQS_HZ, np.fft.rfftfreq(samples, 1 / RATE_HZ), np.abs(spectrum))
        return np.asarray(20 * np.log10(np.maximum(power, 10 ** (_FLOOR_DB / 20))))

    def level_gains_db(self, values: Mapping[str, float], levels_db: Iterable[float], step_s: float = 0.4) -> Floats:
        """The gain that a square wave has at each of these levels, one after the other, once it has settled."""
        self.set(values)
        levels = np.asarray(list(levels_db))
        samples = int(step_s * RATE_HZ)
        envelope = np.repeat(10 ** (levels / 20), samples)
        out = self.play(envelope * square(len(envelope)))
        return self._settled_db(out, envelope, samples)

    def tone_gains_db(self, values: Mapping[str, float], levels_db: Iterable[float], step_s: float = 0.4) -> Floats:
        """The same of a sine, whose levels are those of its peaks."""
        self.set(values)
        levels = np.asarray(list(levels_db))
        samples = int(step_s * RATE_HZ)
        envelope = np.repeat(10 ** (levels / 20), samples)
        out = self.play(envelope * np.sin(2 * np.pi * SQUARE_HZ * np.arange(len(envelope)) / RATE_HZ))
        return self._settled_db(out, envelope / np.sqrt(2), samples)

    def gains_over_time_db(self, values: Mapping[str, float], steps: Iterable[tuple[float, float]]) -> Floats:
        """The gain of a square wave at each sample, for steps of (level in dB, seconds)."""
        self.set(values)
        envelope = np.concatenate([np.full(int(seconds * RATE_HZ), 10 ** (level / 20)) for level, seconds in steps])
        out = np.abs(self.play(envelope * square(len(envelope))))
        return np.asarray(20 * np.log10(np.maximum(out / envelope, 1e-10)))

    def latency_samples(self) -> int:
        """By so much it delays: what it says, which hosts make up for, and what is left of it afterwards."""
        self.set({})
        answer = np.abs(self.impulse(_SHORT_SAMPLES))
        left = int(np.argmax(answer)) if answer.max() > 0 else 0
        return int(getattr(self.plugin, "reported_latency_samples", 0)) + (left if left > 16 else 0)

    def _playable(self) -> Iterable[int]:
        for count in (1, 2):
            self._count = count
            try:
                self.play(np.zeros(512))
            except PluginError:
                raise
            except Exception:  # pedalboard says so by a ValueError, others as they like
                continue
            yield count

    @staticmethod
    def _settled_db(out: Floats, envelope: Floats, samples: int) -> Floats:
        parts = out.reshape(-1, samples)[:, samples * 3 // 4 :]
        level = envelope.reshape(-1, samples)[:, -1]
        return np.asarray(10 * np.log10(np.maximum((parts**2).mean(axis=1), 1e-20) / level**2))


def square(samples: int) -> Floats:
    """A square wave of height 1: its peak is its level, whatever a detector measures."""
    return np.asarray(np.where((np.arange(samples) * 2 * SQUARE_HZ / RATE_HZ).astype(int) % 2, -1.0, 1.0))


def identity(plugin: Any) -> dict[str, Any]:
    """What a plug-in says it is, for its profile."""
    return {
        "name": str(getattr(plugin, "name", "") or "plug-in"),
        "vendor": str(getattr(plugin, "manufacturer_name", "") or ""),
        "version": str(getattr(plugin, "version", "") or ""),
        "class_id": class_id(plugin),
    }


def _knobs(plugin: Any) -> Iterable[PluginKnob]:
    for name, parameter in list(plugin.parameters.items())[:MOST_PARAMETERS]:
        if name in HOST_PARAMETERS or not getattr(parameter, "is_automatable", True):
            continue
        low, high = (*parameter.range, None, None)[:2]
        is_number = all(isinstance(end, int | float) for end in (low, high))
        yield PluginKnob(
            name=name,
            label=str(parameter.name),
            unit=str(getattr(parameter, "units", "") or "").strip(),
            low=float(low) if is_number else None,
            high=float(high) if is_number else None,
            default=float(parameter.raw_value),
        )
