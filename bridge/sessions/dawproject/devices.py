"""A strip as the Equalizer and Compressor of the DAWproject format, and back: one pair of codecs for each.

Six bands fit as they are. Frequencies are written in semitones (MIDI keys) and ratios in percent, as Bitwig Studio does
it: these are sure to be understood. The format says nothing of what an attack's seconds mean; they are taken for the
time constant. It has no knee and no look-ahead.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element, SubElement

from ....presets.console import EQ_BANDS, Compressor, EqBand, Equalizer, Strip, parameters
from ...desks.profile import TimeLaw
from ...fitting.compressor import desk_ms, preset_ms
from .xml import MalformedError, is_true, number

MARK: Final = "mixbridge"
EQ_NAME: Final = f"{MARK} EQ"
COMPRESSOR_NAME: Final = f"{MARK} Compressor"

_LAW: Final[TimeLaw] = "tau"
_KINDS: Final = {
    "low_shelf": "lowShelf",
    **dict.fromkeys(("band0", "band1", "band2", "band3"), "bell"),
    "high_shelf": "highShelf",
}
_TABLE: Final = parameters(Strip)


def equalizer_element(eq: Equalizer) -> Element:
    """Make a device of an EQ; it is switched off if it does nothing."""
    bands = [(name, getattr(eq, name)) for name in EQ_BANDS]
    device = _device("Equalizer", EQ_NAME, enabled=any(band.gain_db for _, band in bands))
    for name, band in bands:
        element = SubElement(device, "Band", type=_KINDS[name], order="2")
        _real(element, "Freq", semitones(band.freq_hz), "semitones")
        _real(element, "Gain", band.gain_db, "decibel")
        _real(element, "Q", band.q, "linear")
        SubElement(element, "Enabled", value="true")
    return device


def compressor_element(compressor: Compressor, more_db: float = 0.0) -> Element:
    """Make a device of a compressor; it is switched off if it does nothing.

    Args:
        compressor: in the desk form, thresholds of the raw track.
        more_db: gain behind it that the fader cannot give.
    """
    makeup_db = compressor.makeup_db + more_db
    device = _device("Compressor", COMPRESSOR_NAME, enabled=compressor.ratio > 1 or makeup_db != 0)
    _real(device, "Attack", desk_ms(compressor.attack_ms, _LAW) / 1000, "seconds")
    SubElement(device, "AutoMakeup", value="false")
    _real(device, "InputGain", 0.0, "decibel")
    _real(device, "OutputGain", makeup_db, "decibel")
    _real(device, "Ratio", 100 * (1 - 1 / compressor.ratio), "percent")
    _real(device, "Release", desk_ms(compressor.release_ms, _LAW) / 1000, "seconds")
    _real(device, "Threshold", compressor.threshold_db, "decibel")
    return device


def equalizer_of(device: Element) -> tuple[Equalizer, float, list[str]]:
    """Read an EQ device as the console's.

    Returns:
        The EQ; its gain as a whole in dB; what the console has no band for, a phrase each.
    """
    gain_db = _value(device, "InputGain", 0.0) + _value(device, "OutputGain", 0.0)
    is_on = _is_on(device)
    bands: dict[str, EqBand] = {}
    left = []
    for element in device.iterfind("Band"):
        kind = element.get("type", "bell")
        name = next((name for name in EQ_BANDS if _KINDS[name] == kind and name not in bands), None)
        if name is None:
            if is_on and _is_on(element):
                left.append(f"a band of the kind {kind[:20]}")
            continue
        band = _band(element, f"eq.{name}")
        bands[name] = band if is_on and _is_on(element) else band.model_copy(update={"gain_db": 0.0})
    return Equalizer(**bands), gain_db if is_on else 0.0, left


def compressor_of(device: Element) -> tuple[Compressor, float]:
    """Read a compressor device as the console's, and what of its gain is behind that, in dB."""
    default = Compressor()
    input_db = _value(device, "InputGain", 0.0)
    values = {
        "threshold_db": _value(device, "Threshold", default.threshold_db) - input_db,
        "ratio": _ratio(device),
        "attack_ms": preset_ms(_value(device, "Attack", desk_ms(default.attack_ms, _LAW) / 1000) * 1000, _LAW),
        "release_ms": preset_ms(_value(device, "Release", desk_ms(default.release_ms, _LAW) / 1000) * 1000, _LAW),
    }
    output_db = _value(device, "OutputGain", 0.0) + input_db
    if not _is_on(device):
        values["ratio"], output_db = 1.0, 0.0
    held = {name: _held(f"compressor.{name}", value) for name, value in values.items()}
    held["makeup_db"] = _held("compressor.makeup_db", output_db)
    return Compressor(**held), output_db - held["makeup_db"]


def is_ours(device: Element) -> bool:
    """Tell whether a device was made by mixbridge."""
    return device.tag in ("Equalizer", "Compressor") and device.get("name", "").startswith(MARK)


def semitones(freq_hz: float) -> float:
    """Convert a frequency to a MIDI key, 69 for 440 Hz."""
    return 69 + 12 * math.log2(freq_hz / 440)


def hertz(key: float) -> float:
    """Convert a MIDI key to a frequency; the inverse of :func:`semitones`."""
    return float(440 * 2 ** ((min(max(key, -1000.0), 1000.0) - 69) / 12))


def parameter_paths(device: Element) -> Iterator[tuple[str, Element]]:
    """List every parameter of a device, with what it is called within it: "Threshold", "Band 2 Freq"."""
    bands = 0
    for child in device:
        if child.tag == "Band":
            bands += 1
            yield from ((f"Band {bands} {parameter.tag}", parameter) for parameter in child)
        elif child.tag == "Parameters":
            yield from ((parameter.get("name") or parameter.tag, parameter) for parameter in child)
        else:
            yield child.tag, child


def _device(tag: str, name: str, *, enabled: bool) -> Element:
    device = Element(tag, deviceName=tag, deviceRole="audioFX", loaded="true", name=name)
    SubElement(device, "Enabled", value="true" if enabled else "false")
    return device


def _real(parent: Element, tag: str, value: float, unit: str) -> None:
    SubElement(parent, tag, value=repr(float(value)), unit=unit)


def _band(element: Element, path: str) -> EqBand:
    freq = element.find("Freq")
    if freq is None:
        raise MalformedError("a band of an equalizer has no <Freq>")
    freq_hz = number(freq, "value")
    if freq.get("unit") == "semitones":
        freq_hz = hertz(freq_hz)
    values = {"freq_hz": freq_hz, "gain_db": _value(element, "Gain", 0.0), "q": _value(element, "Q", 0.71)}
    return EqBand(**{name: _held(f"{path}.{name}", value) for name, value in values.items()})


def _ratio(device: Element) -> float:
    """Read a ratio; percent are the part of an excess that is taken away."""
    ratio = device.find("Ratio")
    if ratio is None or ratio.get("value") is None:
        return 1.0
    value, unit = number(ratio, "value"), ratio.get("unit")
    if unit in ("percent", "normalized"):
        left = 1 - value / (100 if unit == "percent" else 1)
        return 1 / left if left > 0 else math.inf
    return value


def _value(parent: Element, tag: str, default: float) -> float:
    child = parent.find(tag)
    return default if child is None else number(child, "value", default)


def _is_on(element: Element) -> bool:
    return is_true(element.find("Enabled"), "value", True)


def _held(path: str, value: float) -> float:
    """Hold a value in the range that a preset may have."""
    return _TABLE[path].clamp(value)
