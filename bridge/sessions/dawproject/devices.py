"""A strip as a channel of the DAWproject format: NoiseGate, Equalizer, Compressor; and back: a pair of codecs for each.

The master has a Limiter behind them, at the ceiling that renderings have.

Six bands and the cuts fit as they are; a gate has neither hold nor hysteresis. Frequencies are written in semitones
(MIDI keys) and ratios in percent, as Bitwig Studio does it: these are sure to be understood. The format says nothing of
what an attack's seconds mean; they are taken for the time constant. It has no knee and no look-ahead.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element, SubElement

from ....presets.console import (
    EQ_BANDS,
    HIGH_CUT_OFF_HZ,
    LOW_CUT_OFF_HZ,
    Compressor,
    EqBand,
    Equalizer,
    Gate,
    HighCut,
    LowCut,
    Master,
    Strip,
    parameters,
)
from ....presets.edit import Bus, without_input_gain
from ....presets.sections import is_active
from ....presets.units import decibels, gain_factor, quantity
from ...desks.profile import TimeLaw
from ...fitting.compressor import desk_ms, preset_ms
from ...fitting.match import PLUGIN_RATE_HZ, without_match
from ..core.plugged import PLUGGED_MARK
from ..writing import strip_left_out
from .mixer import pan_range
from .xml import MalformedError, is_true, number

MARK: Final = "mixbridge"
EQ_NAME: Final = f"{MARK} EQ"
COMPRESSOR_NAME: Final = f"{MARK} Compressor"
GATE_NAME: Final = f"{MARK} Gate"
LIMITER_NAME: Final = f"{MARK} Limiter"

# Where the fader of a new channel ends, as a factor.
LOUDEST_FADER: Final = 2.0
# Of renderings, unless the user says otherwise.
CEILING_DB: Final = -1.0
_UNHEARD_DB: Final = 0.01
_LAW: Final[TimeLaw] = "tau"
_KINDS: Final = {
    "low_shelf": "lowShelf",
    **dict.fromkeys(("band0", "band1", "band2", "band3"), "bell"),
    "high_shelf": "highShelf",
}
_LOW_CUT, _HIGH_CUT = "highPass", "lowPass"
_BUTTERWORTH_Q: Final = math.sqrt(0.5)
# Between 12 and 24 dB an octave the nearer one is taken, as by the console.
_STEEP_DB: Final = 18.0
_TABLE: Final = parameters(Strip)


def equalizer_element(eq: Equalizer, low_cut: LowCut | None = None, high_cut: HighCut | None = None) -> Element:
    """Make a device of an EQ, with the cuts behind its bands; it is switched off if it does nothing."""
    bands = [(_KINDS[name], 2, getattr(eq, name)) for name in EQ_BANDS]
    cuts: list[tuple[str, LowCut | HighCut]] = []
    if low_cut is not None and low_cut.freq_hz > LOW_CUT_OFF_HZ:
        cuts.append((_LOW_CUT, low_cut))
    if high_cut is not None and high_cut.freq_hz < HIGH_CUT_OFF_HZ:
        cuts.append((_HIGH_CUT, high_cut))
    for kind, cut in cuts:
        order = 4 if cut.slope_db_per_octave >= _STEEP_DB else 2
        bands.append((kind, order, EqBand.model_construct(freq_hz=cut.freq_hz, gain_db=0.0, q=_BUTTERWORTH_Q)))
    device = _device("Equalizer", EQ_NAME, enabled=bool(cuts) or any(band.gain_db for _, _, band in bands))
    for kind, order, band in bands:
        element = SubElement(device, "Band", type=kind, order=str(order))
        _real(element, "Freq", semitones(band.freq_hz), "semitones")
        _real(element, "Gain", band.gain_db, "decibel")
        _real(element, "Q", band.q, "linear")
        SubElement(element, "Enabled", value="true")
    return device


def cuts_of(device: Element) -> tuple[LowCut, HighCut]:
    """Read the cuts of an EQ device, the first of each kind that is on."""
    low_cut, high_cut = LowCut(), HighCut()
    for element in device.iterfind("Band") if _is_on(device) else ():
        kind, freq_hz = element.get("type"), _freq_hz(element)
        slope = 24.0 if number(element, "order", 2) >= 3 else 12.0
        if not _is_on(element):
            continue
        if kind == _LOW_CUT and low_cut == LowCut():
            low_cut = LowCut(freq_hz=_held("low_cut.freq_hz", freq_hz), slope_db_per_octave=slope)
        elif kind == _HIGH_CUT and high_cut == HighCut():
            high_cut = HighCut(freq_hz=_held("high_cut.freq_hz", freq_hz), slope_db_per_octave=slope)
    return low_cut, high_cut


def cuts_element(low_cut_hz: float, high_cut_hz: float) -> Element:
    """Make a device that cuts what is below and above, at 12 dB an octave."""
    device = _device("Equalizer", EQ_NAME, enabled=True)
    for kind, freq_hz in ((_LOW_CUT, low_cut_hz), (_HIGH_CUT, high_cut_hz)):
        element = SubElement(device, "Band", type=kind, order="2")
        _real(element, "Freq", semitones(freq_hz), "semitones")
        _real(element, "Q", _BUTTERWORTH_Q, "linear")
        SubElement(element, "Enabled", value="true")
    return device


def cut_hz_of(device: Element) -> Iterator[tuple[str, float]]:
    """Read where a device cuts: "low_cut_hz" and "high_cut_hz", those that are on."""
    names = {_LOW_CUT: "low_cut_hz", _HIGH_CUT: "high_cut_hz"}
    for element in device.iterfind("Band") if _is_on(device) else ():
        name = names.get(element.get("type", ""))
        if name is not None and _is_on(element):
            yield name, _freq_hz(element)


def limiter_element(ceiling_db: float = CEILING_DB, *, enabled: bool = True) -> Element:
    """Make a device that lets nothing over a ceiling."""
    device = _device("Limiter", LIMITER_NAME, enabled=enabled)
    _real(device, "InputGain", 0.0, "decibel")
    _real(device, "OutputGain", 0.0, "decibel")
    _real(device, "Threshold", ceiling_db, "decibel")
    return device


def gate_element(gate: Gate) -> Element:
    """Make a device of a gate that does something."""
    device = _device("NoiseGate", GATE_NAME, enabled=True)
    _real(device, "Attack", desk_ms(gate.attack_ms, _LAW) / 1000, "seconds")
    _real(device, "Range", -gate.range_db, "decibel")
    _real(device, "Ratio", 100 * (1 - 1 / gate.ratio), "percent")
    _real(device, "Release", desk_ms(gate.release_ms, _LAW) / 1000, "seconds")
    _real(device, "Threshold", gate.threshold_db, "decibel")
    return device


def gate_of(device: Element) -> Gate:
    """Read a gate device as the console's; one that is off, or without a range, does nothing."""
    if not _is_on(device):
        return Gate()
    usual = Gate()
    values = {
        "threshold_db": _value(device, "Threshold", usual.threshold_db),
        "range_db": abs(_value(device, "Range", -_TABLE["gate.range_db"].high)),
        "ratio": _ratio(device),
        "attack_ms": preset_ms(_value(device, "Attack", desk_ms(usual.attack_ms, _LAW) / 1000) * 1000, _LAW),
        "release_ms": preset_ms(_value(device, "Release", desk_ms(usual.release_ms, _LAW) / 1000) * 1000, _LAW),
    }
    held = {name: _held(f"gate.{name}", value) for name, value in values.items()}
    return Gate(**held, hold_ms=0.0, hysteresis_db=0.0)


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
            if is_on and _is_on(element) and kind not in {_LOW_CUT, _HIGH_CUT}:
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


@dataclass(frozen=True)
class ChannelSettings:
    """A strip or the master as a channel of the format.

    Attributes:
        fader_db: of its fader, no more than that can give.
        devices: its gate if it has one, its EQ and its compressor, in this order; the limiter of a master, which is off
            where the master does nothing.
        more_db: what the compressor's output gives because the fader cannot.
    """

    fader_db: float
    devices: tuple[Element, ...]
    more_db: float


def channel_settings(strip: Bus, loudest_db: float) -> ChannelSettings:
    """Put a strip into the desk form, with a fader that ends at `loudest_db`."""
    plain: Strip | Master = without_match(without_input_gain(strip), PLUGIN_RATE_HZ)[0]
    level_db = plain.fader_db if isinstance(plain, Strip) else plain.output_gain_db
    more_db = max(0.0, level_db - loudest_db)
    chain: list[Element] = []
    if isinstance(plain, Master):
        chain.append(equalizer_element(plain.eq))
    else:
        chain += [gate_element(plain.gate)] if is_active(plain, "gate") else []
        chain.append(equalizer_element(plain.eq, plain.low_cut, plain.high_cut))
    chain.append(compressor_element(plain.compressor, more_db))
    if isinstance(plain, Master):
        chain.append(limiter_element(enabled=plain != Master()))
    return ChannelSettings(level_db - more_db, tuple(chain), more_db)


def lost(strip: Bus, more_db: float = 0.0) -> Iterator[str]:
    """Say what of a strip the format has no place for, in sentences.

    Args:
        strip: which.
        more_db: what its fader cannot give.
    """
    plain: Strip | Master = without_input_gain(strip)
    if more_db >= _UNHEARD_DB:
        yield f"its fader ends {more_db:.1f} dB too early; the output gain of its compressor gives the rest."
    compressor = plain.compressor
    if compressor.ratio > 1:
        if compressor.knee_db > 0:
            knee = quantity(compressor.knee_db, "dB")
            yield f"the compressor's knee of {knee} is left out: the format has none; set it by hand."
        if compressor.lookahead_ms > 0:
            lookahead = quantity(compressor.lookahead_ms, "ms")
            yield f"the compressor's look-ahead of {lookahead} is left out: peaks get through a little more."
        if not -60 <= compressor.threshold_db <= 0:
            threshold = quantity(compressor.threshold_db, "dB")
            yield f"the compressor's threshold of {threshold} may be beyond what the DAW's can be set to."
    if isinstance(plain, Strip) and is_active(plain, "gate") and (plain.gate.hold_ms or plain.gate.hysteresis_db):
        hold, hysteresis = quantity(plain.gate.hold_ms, "ms"), quantity(plain.gate.hysteresis_db, "dB")
        yield f"the gate's hold of {hold} and hysteresis of {hysteresis} are left out: the format has none."
    yield from strip_left_out(strip, "the format", also=("gate", "low_cut", "high_cut", "send"))


def volume_element(level_db: float, old: Element | None = None) -> Element:
    """Make a fader; in the unit of the one that it replaces, if that can be."""
    if old is not None and old.get("unit") == "decibel":
        return Element("Volume", value=repr(level_db))
    attributes = {"value": repr(gain_factor(level_db))}
    if old is None or old.get("unit") != "linear":
        attributes = {"max": repr(LOUDEST_FADER), "min": "0.0", "unit": "linear", **attributes}
    return Element("Volume", attributes)


def pan_element(pan: float, old: Element | None = None) -> Element:
    """Make a pan; in the range of the one that it replaces."""
    if old is None:
        return Element("Pan", max="1.0", min="0.0", unit="normalized", value=repr((pan + 1) / 2))
    low, high = pan_range(old)
    return Element("Pan", value=repr(low + (pan + 1) / 2 * (high - low)))


def mute_element(mute: bool) -> Element:
    """Make a mute."""
    return Element("Mute", value="true" if mute else "false")


def loudest_db(volume: Element | None) -> float:
    """Return where a channel's fader ends."""
    if volume is not None and volume.get("max") is not None:
        if volume.get("unit") == "decibel":
            return number(volume, "max")
        if volume.get("unit") == "linear" and number(volume, "max") > 0:
            return decibels(number(volume, "max"))
    return decibels(LOUDEST_FADER)


def is_ours(device: Element) -> bool:
    """Tell whether a device was made by mixbridge."""
    name = device.get("name", "")
    if device.tag == "Vst3Plugin":  # the user's own, in the place of one of these
        return name.startswith(PLUGGED_MARK)
    return device.tag in ("NoiseGate", "Equalizer", "Compressor", "Limiter") and name.startswith(MARK)


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
    values = {"freq_hz": _freq_hz(element), "gain_db": _value(element, "Gain", 0.0), "q": _value(element, "Q", 0.71)}
    return EqBand(**{name: _held(f"{path}.{name}", value) for name, value in values.items()})


def _freq_hz(element: Element) -> float:
    freq = element.find("Freq")
    if freq is None:
        raise MalformedError("a band of an equalizer has no <Freq>")
    freq_hz = number(freq, "value")
    return hertz(freq_hz) if freq.get("unit") == "semitones" else freq_hz


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
