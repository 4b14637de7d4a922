"""A preset in words for people: the one place where settings become sentences.

Used by `show`, by `preset diff` and by reports. One convention in sentences, tables and files: numbers are those of the
file, and a threshold is a level after the input gain. Nothing here prints.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from ...presets.console import (
    EQ_BANDS,
    HIGH_CUT_OFF_HZ,
    LOW_CUT_OFF_HZ,
    SEND_OFF_DB,
    Compressor,
    Ducking,
    EqBand,
    Master,
    Strip,
    get,
)
from ...presets.inserts.words import insert_words
from ...presets.parts.match import THIRDS_HZ, points_db
from ...presets.preset import GroupBus, Preset, Provenance, Track
from ...presets.sections import described, is_active, rows_of, sections
from ...presets.units import gain_factor

# Less is not heard, and would bury what is.
AUDIBLE_DB = 0.5
AUDIBLE_RATIO = 1.05
AUDIBLE_PAN = 0.02
# Of a match curve, how many places are said.
_MOST_POINTS = 5

# Up to which frequency, what there is too much of when it is cut, and what a boost brings.
_REGIONS: tuple[tuple[float, str, str], ...] = (
    (60, "rumble", "deep bass"),
    (120, "bass", "weight"),
    (200, "boom", "fullness"),
    (400, "mud", "warmth"),
    (800, "boxiness", "body"),
    (1600, "honk", "midrange"),
    (2800, "nasal tone", "bite"),
    (5000, "harshness", "presence"),
    (9000, "sharpness", "clarity"),
    (math.inf, "hiss", "air"),
)


def describe_strip(track: Track | GroupBus) -> list[str]:
    """Say what is done to a track or group, a sentence each, in the order of the signal; never empty."""
    return ["muted"] if track.mute else _bus_words(track.strip)


def describe_inserts(owner: Track | GroupBus) -> list[str]:
    """Say what a track or group goes through before its strip, a sentence each; empty where that is nothing."""
    return [insert_words(insert) for insert in owner.inserts]


def describe_master(master: Master) -> list[str]:
    """Say what is done to the stereo sum, a sentence each; never empty."""
    return _bus_words(master)


def _bus_words(bus: Strip | Master) -> list[str]:
    """Say each section that does something; one without words of its own in numbers."""
    sentences: list[str] = []
    for section in sections(type(bus)):
        words = WORDS.get(section)
        if words is not None:
            sentences += words(bus)
        elif is_active(bus, section):
            sentences.append(described(bus, section))
    return sentences or ["left as it is"]


def describe_origin(provenance: Provenance) -> list[str]:
    """Say where a preset came from; empty for one made by hand."""
    entries = (
        ("model", provenance.model),
        ("reference", references_words(provenance)),
        ("created", provenance.created),
        ("by", provenance.tool),
        ("confidence", provenance.confidence.level if provenance.confidence else None),
        ("note", provenance.note),
    )
    return [f"{label}: {value}" for label, value in entries if value]


def references_words(provenance: Provenance) -> str | None:
    """Name what was listened to, with weights where it is several; None where nothing was."""
    if provenance.references:
        return ", ".join(f"{item.file} ({100 * item.weight:.0f} %)" for item in provenance.references)
    return provenance.reference.file if provenance.reference else None


def describe_effects(preset: Preset) -> list[str]:
    """What the effects are that tracks and groups are sent to, a sentence each; none for one that nothing feeds."""
    strips = [*(track.strip for track in preset.tracks if not track.mute), *(bus.strip for bus in preset.buses)]
    fed = {path for strip in strips for path in rows_of(Strip, "send") if get(strip, path) > SEND_OFF_DB}
    sentences = []
    if "reverb_send_db" in fed or ("delay_send_db" in fed and preset.delay.reverb_send_db > SEND_OFF_DB):
        room = preset.reverb
        sentences.append(
            f"reverb of {room.decay_mid_s:.1f} s ({room.decay_low_s:.1f} s in the lows, {room.decay_high_s:.1f} s in "
            f"the highs), {room.pre_delay_ms:.0f} ms behind the sound, from {spoken_frequency(room.low_cut_hz)} to "
            f"{spoken_frequency(room.high_cut_hz)}{_ducked(room.ducking)}"
        )
    if "delay_send_db" in fed:
        delay = preset.delay
        sides = ", from side to side" if delay.ping_pong >= AUDIBLE_PAN else ""
        sentences.append(
            f"delay of {delay.echo_ms:.0f} ms, each echo at {delay.feedback:.0%} of the one before{sides}"
            f"{_ducked(delay.ducking)}"
        )
    return sentences


def _ducked(ducking: Ducking) -> str:
    return f", up to {decibels(ducking.range_db)} dB lower while it is fed" if ducking.range_db else ""


def spoken_frequency(freq_hz: float) -> str:
    """Write a frequency as engineers say it: "250 Hz", "3.2 kHz"."""
    if freq_hz >= 995:
        return f"{freq_hz / 1000:.2g} kHz"
    return f"{freq_hz:.0f} Hz"


def spoken_pan(pan: float) -> str:
    """Say a pan position: "centre", "30 % left", "hard right"."""
    if abs(pan) < AUDIBLE_PAN:
        return "centre"
    side = "left" if pan < 0 else "right"
    return f"hard {side}" if abs(pan) >= 0.99 else f"{abs(pan) * 100:.0f} % {side}"


def _equalizer_words(bus: Strip | Master) -> Iterator[str]:
    bands = [(name, getattr(bus.eq, name)) for name in EQ_BANDS]
    for name, band in sorted(bands, key=lambda item: item[1].freq_hz):
        if abs(band.gain_db) >= AUDIBLE_DB:
            yield _band_words(name, band)


def _band_words(name: str, band: EqBand) -> str:
    freq, gain = spoken_frequency(band.freq_hz), decibels(abs(band.gain_db))
    if name == "low_shelf":
        return f"{'lifts' if band.gain_db > 0 else 'lowers'} everything below {freq} by {gain} dB"
    if name == "high_shelf":
        return f"{'lifts' if band.gain_db > 0 else 'lowers'} everything above {freq} by {gain} dB"
    excess, flavour = next((cut, boost) for top_hz, cut, boost in _REGIONS if band.freq_hz < top_hz)
    if band.gain_db > 0:
        return f"adds {gain} dB of {flavour} around {freq}"
    return f"cuts {gain} dB of {excess} around {freq}"


def _compressor_words(bus: Strip | Master) -> Iterator[str]:
    compressor = bus.compressor
    threshold = f"{decibels(compressor.threshold_db)} dB"
    if decibels(bus.input_gain_db) != "0":
        threshold += f" (after {bus.input_gain_db:+.1f} dB of input gain)"
    if compressor.ratio >= 10:
        yield f"holds peaks at {threshold}, {_speed(compressor)}"
    elif compressor.ratio >= AUDIBLE_RATIO:
        yield f"evens out peaks above {threshold}, {compressor.ratio:.2g}:1, {_speed(compressor)}"
    if abs(compressor.makeup_db) >= AUDIBLE_DB:
        direction = "raises" if compressor.makeup_db > 0 else "lowers"
        yield f"{direction} the result by {decibels(abs(compressor.makeup_db))} dB"


def _speed(compressor: Compressor) -> str:
    if compressor.attack_ms < 10:
        return "fast"
    return "medium" if compressor.attack_ms < 40 else "slow"


def _match_words(bus: Strip | Master) -> Iterator[str]:
    if not isinstance(bus, Master) or not is_active(bus, "match"):
        return
    match = bus.match
    tone_db, width_db = (
        [match.amount * gain_db for gain_db in points_db(curve)] for curve in (match.tone, match.width)
    )
    heard = _peaks_and_dips(tone_db)
    if heard:
        points = ", ".join(f"{tone_db[at]:+.1f} dB at {spoken_frequency(THIRDS_HZ[at])}" for at in heard)
        yield f"a match curve bends the tone: {points}"
    else:
        yield f"a match curve bends the tone by less than {AUDIBLE_DB:g} dB"
    heard = _peaks_and_dips(width_db)
    if heard:
        points = ", ".join(f"{width_db[at]:+.1f} dB at {spoken_frequency(THIRDS_HZ[at])}" for at in heard)
        yield f"the sides against the middle: {points}"


def _peaks_and_dips(gains_db: Sequence[float]) -> list[int]:
    """Find the places that say most of a curve: the strongest turning points, in the order of frequency."""
    rim = [gains_db[0], *gains_db, gains_db[-1]]
    turns = [at for at, gain_db in enumerate(gains_db) if (gain_db - rim[at]) * (gain_db - rim[at + 2]) >= 0]
    audible = [at for at in turns if abs(gains_db[at]) >= AUDIBLE_DB]
    # Of a level stretch the first place stands for all.
    first = [at for at in audible if at == 0 or gains_db[at] != gains_db[at - 1]]
    return sorted(sorted(first, key=lambda at: -abs(gains_db[at]))[:_MOST_POINTS])


def _saturation_words(bus: Strip | Master) -> Iterator[str]:
    if not isinstance(bus, Strip):
        return
    drive = bus.saturation.drive
    on_raw_track = drive * gain_factor(bus.input_gain_db)
    if on_raw_track >= 4:
        yield f"distorted (drive {drive:.2g})"
    elif on_raw_track >= 1:
        yield f"saturated for grit (drive {drive:.2g})"
    elif on_raw_track > 0.05:
        yield f"a touch of saturation (drive {drive:.2g})"


def _fader_words(bus: Strip | Master) -> Iterator[str]:
    """Say input gain and fader together: how much louder the track becomes, but for its compressor."""
    gain_db = bus.input_gain_db + (bus.fader_db if isinstance(bus, Strip) else bus.output_gain_db)
    if abs(gain_db) >= AUDIBLE_DB:
        yield f"turned {'up' if gain_db > 0 else 'down'} {decibels(abs(gain_db))} dB"


def _pan_words(bus: Strip | Master) -> Iterator[str]:
    if isinstance(bus, Strip) and abs(bus.pan) >= AUDIBLE_PAN:
        yield spoken_pan(bus.pan)


def _send_words(bus: Strip | Master) -> Iterator[str]:
    if isinstance(bus, Strip):
        for name, level_db in open_sends(bus):
            yield f"{name} at {decibels(level_db)} dB"


def open_sends(strip: Strip) -> Iterator[tuple[str, float]]:
    """The sends that are on, by what they feed."""
    # The fx bus is a reverb, too; it is called so where there is no other.
    fx_bus = "fx bus" if strip.reverb_send_db > SEND_OFF_DB else "reverb"
    levels = {fx_bus: strip.fx_send_db, "delay": strip.delay_send_db}
    if strip.reverb_send_db > SEND_OFF_DB:
        levels = {"reverb": strip.reverb_send_db, **levels}
    return ((name, level_db) for name, level_db in levels.items() if level_db > SEND_OFF_DB)


def _gate_words(bus: Strip | Master) -> Iterator[str]:
    if isinstance(bus, Strip) and bus.gate.range_db > 0:
        gate = bus.gate
        yield f"gated below {decibels(gate.threshold_db)} dB, by {decibels(gate.range_db)} dB at most"


def _low_cut_words(bus: Strip | Master) -> Iterator[str]:
    if isinstance(bus, Strip) and bus.low_cut.freq_hz > LOW_CUT_OFF_HZ:
        yield f"lows cut below {spoken_frequency(bus.low_cut.freq_hz)}"


def _high_cut_words(bus: Strip | Master) -> Iterator[str]:
    if isinstance(bus, Strip) and bus.high_cut.freq_hz < HIGH_CUT_OFF_HZ:
        yield f"highs cut above {spoken_frequency(bus.high_cut.freq_hz)}"


def _deesser_words(bus: Strip | Master) -> Iterator[str]:
    if isinstance(bus, Strip) and bus.deesser.range_db > 0:
        deesser = bus.deesser
        yield f"de-essed around {spoken_frequency(deesser.freq_hz)}, by {decibels(deesser.range_db)} dB at most"


# Sections with words of their own; the trim is said with the fader.
WORDS: Mapping[str, Callable[[Strip | Master], Iterable[str]]] = {
    "trim": lambda _: (),
    "gate": _gate_words,
    "low_cut": _low_cut_words,
    "high_cut": _high_cut_words,
    "deesser": _deesser_words,
    "eq": _equalizer_words,
    "match": _match_words,
    "compressor": _compressor_words,
    "saturation": _saturation_words,
    "fader": _fader_words,
    "pan": _pan_words,
    "send": _send_words,
}


def decibels(value_db: float) -> str:
    """Write a level or gain in dB with the digits that are heard: "-3.1", "6"."""
    return f"{round(value_db, 1) + 0.0:g}"
