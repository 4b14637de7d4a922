"""States of REAPER's plug-ins: a strip's settings as the bytes that ReaEQ, ReaComp and ReaGate keep, and back.

Their layouts are those of plug-ins that REAPER 7 wrote (public projects, compared with each other); which number means
what was found by others, who set each control and looked what changed. Not measured: whether ReaEQ's octaves follow the
Audio EQ Cookbook, whether its shelves and cuts take them as its bells do, and what ReaComp's milliseconds are (taken
for time constants). Cuts are bands behind the six of the EQ. ReaGate, ReaVerbate and ReaDelay are in :mod:`.codecs`.
"""

from __future__ import annotations

import base64
import binascii
import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from ....presets.console import EQ_BANDS, HighCut, LowCut, Master, Strip, parameters, replace
from ....presets.edit import Bus, without_input_gain
from ....presets.sections import is_active
from ....presets.units import decibels, gain_factor
from ...desks.filters import octaves_of, q_of
from ...desks.profile import CompressorAbility, EqAbility, FilterType, Slot, TimeLaw
from ...desks.scales import Bandwidth, Linear, Log
from ...fitting.abilities import Clamp
from ...fitting.compressor import fit_compressor, preset_ms
from ...fitting.equalizer import fit_eq
from ...fitting.match import without_match
from ...fitting.plugins.rea_gate import FittedReaGate, fit_gate, gate_of
from .codecs import MAGIC, gate_in, gate_state

PluginKind = Literal["gate", "eq", "compressor", "reverb", "delay"]
_TIMES: Final[TimeLaw] = "tau"
_MAKEUP_HIGHEST_DB = decibels(2)

_LOW_SHELF, _HIGH_SHELF, _LOW_PASS, _HIGH_PASS, _BAND = 0, 1, 3, 4, 8
# Of a Butterworth filter's sections: one at 12 dB an octave, two at 24.
_SECTION_QS: Final[Mapping[float, tuple[float, ...]]] = {12.0: (math.sqrt(0.5),), 24.0: (0.541196, 1.306563)}
_STEEP_DB: Final = 18.0
_SHELVES: Final[Mapping[str, tuple[FilterType, int]]] = {
    "low_shelf": ("low_shelf", _LOW_SHELF),
    "high_shelf": ("high_shelf", _HIGH_SHELF),
}
_TYPES: Final[Mapping[str, tuple[FilterType, int]]] = {name: _SHELVES.get(name, ("bell", _BAND)) for name in EQ_BANDS}
_EQ = EqAbility(
    slots=tuple(
        Slot(
            name=name,
            types=(kind,),
            gain=Linear(kind="linear", low=-24, high=24),
            freq=Log(kind="log", low=20, high=24000),
            q=Bandwidth(kind="bandwidth", low=q_of(4), high=q_of(0.01)),
            shelf_q=0.71,
            shelf_law="middle",
            type=None,
            switch=None,
        )
        for name, (kind, _) in _TYPES.items()
    ),
    switch=None,
)
_COMPRESSOR = CompressorAbility(
    threshold=Linear(kind="linear", low=-120, high=_MAKEUP_HIGHEST_DB),
    ratio=Log(kind="log", low=1, high=100),
    attack=Linear(kind="linear", low=0, high=500),
    release=Linear(kind="linear", low=0, high=5000),
    knee=Linear(kind="linear", low=0, high=24),
    makeup=Linear(kind="linear", low=-120, high=_MAKEUP_HIGHEST_DB),
    switch=None,
    attack_law=_TIMES,
    release_law=_TIMES,
)

_EQ_VERSION = 33
_EQ_HEAD = struct.Struct("<ii")
_EQ_BAND = struct.Struct("<iidddB")
# Two switches (of its display), the gain behind it, and the size of its window with two more of its display.
_EQ_TAIL = struct.Struct("<iidiiii")
_EQ_DISPLAY = (0, 576, 363, 2)

# A new ReaComp's parameters, in their order.
_COMP_NEW = (1.0, 3 / 99, 0.006, 0.02, 0, 0, 1.0, 0, 0, 0, 0, 1.0, 0, 0.05, 0, 0, 0, 0.25, 0, 0, 0)
_COMP = struct.Struct(f"<{len(_COMP_NEW)}f")
_THRESHOLD, _RATIO, _ATTACK, _RELEASE, _PRECOMP, _WET, _RMS, _KNEE = 0, 1, 2, 3, 4, 11, 13, 14
_ATTACK_MS, _RELEASE_MS, _PRECOMP_MS, _KNEE_DB = 500.0, 5000.0, 250.0, 24.0


@dataclass(frozen=True)
class _Head:
    """What REAPER keeps in front of a plug-in's state: its name backwards, and what differs otherwise."""

    name: bytes
    version: int
    word: int
    has_side_chain: bool = False


_HEADS: Final[Mapping[PluginKind, _Head]] = {
    "gate": _Head(b"tger", 0xFEED5EEF, 0, has_side_chain=True),
    "eq": _Head(b"qeer", 0xFEED5EEE, 1),
    "compressor": _Head(b"mcer", 0xFEED5EEF, 0, has_side_chain=True),
    "reverb": _Head(b"8bvr", 0xFEED5EEF, 0),
    "delay": _Head(b"lder", 0xFEED5EEE, 1),
}


@dataclass(frozen=True)
class PluginStates:
    """A strip or the master in REAPER.

    Attributes:
        fader_db: of the track, behind the plug-ins.
        pan: of the track.
        eq: state of ReaEQ.
        compressor: state of ReaComp.
        gate: state of ReaGate; None without a gate.
        clamped: what ReaComp cannot be set to.
        fitted_gate: what the gate becomes; None without one.
        eq_error_db: how far the EQ's response is off, at most.
    """

    fader_db: float
    pan: float
    eq: bytes
    compressor: bytes
    gate: bytes | None
    clamped: tuple[Clamp, ...]
    fitted_gate: FittedReaGate | None
    eq_error_db: float


def states_of(bus: Bus, sample_rate_hz: int) -> PluginStates:
    """Fit the nearest that ReaGate, ReaEQ, ReaComp and a fader come to a strip or master.

    The input gain is folded into threshold and fader, so that the plug-ins work on the raw track.
    """
    plain, _ = without_match(without_input_gain(bus), sample_rate_hz)
    eq = fit_eq(plain.eq, _EQ, sample_rate_hz)
    compressor = fit_compressor(plain.compressor, _COMPRESSOR)
    values = {key.removeprefix("compressor."): float(value) for key, value in compressor.values.items()}
    level_db = plain.output_gain_db if isinstance(plain, Master) else plain.fader_db
    gate = fit_gate(plain.gate) if isinstance(plain, Strip) and is_active(plain, "gate") else None
    return PluginStates(
        fader_db=level_db + compressor.left_over_db,
        pan=plain.pan if isinstance(plain, Strip) else 0.0,
        eq=_eq_state(eq.values, _cut_bands(plain)),
        compressor=_compressor_state(values, plain.compressor.lookahead_ms),
        gate=None if gate is None else gate_state(gate.gate),
        clamped=compressor.clamped,
        fitted_gate=gate,
        eq_error_db=eq.max_db,
    )


def strip_of(eq: bytes, compressor: bytes, gate: bytes | None, fader_db: float, pan: float) -> Strip | None:
    """Return the strip that states and a fader are; None if they are no states of ours."""
    values = _section_values(eq, compressor)
    if values is None:
        return None
    strip = replace(Strip(), _held(Strip, {**values, "fader_db": fader_db, "pan": pan}))
    if gate is None:
        return strip
    own_gate = gate_in(gate)
    return None if own_gate is None else strip.model_copy(update={"gate": gate_of(own_gate)})


def master_of(eq: bytes, compressor: bytes, level_db: float) -> Master | None:
    """Return the master that states and a fader are; None if they are no states of ours."""
    values = _section_values(eq, compressor)
    if values is None or any(path.startswith(("low_cut", "high_cut")) for path in values):
        return None
    return replace(Master(), _held(Master, {**values, "output_gain_db": level_db}))


def state_lines(kind: PluginKind, state: bytes) -> list[str]:
    """Write a state as the lines in a VST block: what REAPER keeps about the plug-in, the state, its program's name."""
    head = _HEADS[kind]
    # Pins: two in and two out; where there is a side-chain, two more in.
    inputs = (4, 1, 0, 2, 0, 4, 0, 8, 0) if head.has_side_chain else (2, 1, 0, 2, 0)
    numbers = (head.version, *inputs, 2, 1, 0, 2, 0, len(state), head.word, 0x100000)
    header = head.name + struct.pack(f"<{len(numbers)}I", *numbers)
    text = base64.b64encode(state).decode("ascii")
    pieces = [text[at : at + 128] for at in range(0, len(text), 128)]
    return [base64.b64encode(header).decode("ascii"), *pieces, "AAAQAAAA"]


def state_in(lines: Sequence[bytes]) -> bytes | None:
    """Return the state in a VST block's lines; None if they do not hold one."""
    try:
        parts = [base64.b64decode(line.strip(), validate=True) for line in lines]
    except (binascii.Error, ValueError):
        return None
    if not parts or len(parts[0]) < 12:
        return None
    (size,) = struct.unpack_from("<I", parts[0], len(parts[0]) - 12)
    state = b"".join(parts[1:])
    return state[:size] if size <= len(state) else None


def _cut_bands(plain: Strip | Master) -> list[tuple[int, float, float]]:
    """List the bands that make the cuts: kind, frequency, Q."""
    if isinstance(plain, Master):
        return []
    cuts: list[tuple[int, LowCut | HighCut]] = []
    if is_active(plain, "low_cut"):
        cuts.append((_HIGH_PASS, plain.low_cut))
    if is_active(plain, "high_cut"):
        cuts.append((_LOW_PASS, plain.high_cut))
    return [
        (kind, cut.freq_hz, q)
        for kind, cut in cuts
        for q in _SECTION_QS[24.0 if cut.slope_db_per_octave >= _STEEP_DB else 12.0]
    ]


def _eq_state(values: Mapping[str, float | str], cuts: Sequence[tuple[int, float, float]]) -> bytes:
    parts = [_EQ_HEAD.pack(_EQ_VERSION, len(EQ_BANDS) + len(cuts))]
    for name, (_, number) in _TYPES.items():
        gain = gain_factor(float(values[f"eq.{name}.gain_db"]))
        octaves = octaves_of(float(values[f"eq.{name}.q"]))
        parts.append(_EQ_BAND.pack(number, 1, float(values[f"eq.{name}.freq_hz"]), gain, octaves, 1))
    parts += [_EQ_BAND.pack(kind, 1, freq_hz, 1.0, octaves_of(q), 1) for kind, freq_hz, q in cuts]
    parts.append(_EQ_TAIL.pack(1, 1, 1.0, *_EQ_DISPLAY))
    return b"".join(parts)


def _compressor_state(values: Mapping[str, float], lookahead_ms: float) -> bytes:
    numbers = list(_COMP_NEW)
    numbers[_THRESHOLD] = gain_factor(values["threshold_db"])
    numbers[_RATIO] = (values["ratio"] - 1) / 99
    numbers[_ATTACK] = values["attack_ms"] / _ATTACK_MS
    numbers[_RELEASE] = values["release_ms"] / _RELEASE_MS
    numbers[_PRECOMP] = lookahead_ms / _PRECOMP_MS
    numbers[_WET] = gain_factor(values["makeup_db"])
    # The console's detector follows the samples themselves.
    numbers[_RMS] = 0.0
    numbers[_KNEE] = values["knee_db"] / _KNEE_DB
    return MAGIC + _COMP.pack(*numbers)


def _section_values(eq: bytes, compressor: bytes) -> dict[str, float] | None:
    bands, dynamics = _eq_values(eq), _compressor_values(compressor)
    if bands is None or dynamics is None:
        return None
    values = {**bands, **dynamics}
    return values if all(map(math.isfinite, values.values())) else None


def _eq_values(state: bytes) -> dict[str, float] | None:
    count, rest = divmod(len(state) - _EQ_HEAD.size - _EQ_TAIL.size, _EQ_BAND.size)
    if rest or count < len(EQ_BANDS) or _EQ_HEAD.unpack_from(state) != (_EQ_VERSION, count):
        return None
    cuts = [_EQ_BAND.unpack_from(state, _EQ_HEAD.size + at * _EQ_BAND.size) for at in range(len(EQ_BANDS), count)]
    values = _cut_values([(kind, freq_hz) for kind, on, freq_hz, *_ in cuts if on])
    if values is None:
        return None
    for index, (name, (_, number)) in enumerate(_TYPES.items()):
        kind, on, freq_hz, gain, octaves, _ = _EQ_BAND.unpack_from(state, _EQ_HEAD.size + index * _EQ_BAND.size)
        if kind != number or not (gain > 0 and 1e-3 < octaves < 100):
            return None
        values[f"eq.{name}.gain_db"] = decibels(gain) if on else 0.0
        values[f"eq.{name}.freq_hz"] = freq_hz
        values[f"eq.{name}.q"] = q_of(octaves)
    return values


def _cut_values(bands: Sequence[tuple[int, float]]) -> dict[str, float] | None:
    """Read the bands behind those of the EQ as cuts; None if they are no such bands."""
    values: dict[str, float] = {}
    for name, kind in (("low_cut", _HIGH_PASS), ("high_cut", _LOW_PASS)):
        freqs_hz = [freq_hz for other, freq_hz in bands if other == kind]
        if len(freqs_hz) > 2:
            return None
        if freqs_hz:
            values |= {f"{name}.freq_hz": freqs_hz[0], f"{name}.slope_db_per_octave": 12.0 * len(freqs_hz)}
    return values if all(kind in {_HIGH_PASS, _LOW_PASS} for kind, _ in bands) else None


def _compressor_values(state: bytes) -> dict[str, float] | None:
    if len(state) != len(MAGIC) + _COMP.size or not state.startswith(MAGIC):
        return None
    numbers = _COMP.unpack_from(state, len(MAGIC))
    if not all(map(math.isfinite, numbers)):
        return None
    return {
        "compressor.threshold_db": _decibel(numbers[_THRESHOLD]),
        "compressor.ratio": 1 + 99 * numbers[_RATIO],
        "compressor.attack_ms": preset_ms(numbers[_ATTACK] * _ATTACK_MS, _TIMES),
        "compressor.release_ms": preset_ms(numbers[_RELEASE] * _RELEASE_MS, _TIMES),
        "compressor.lookahead_ms": numbers[_PRECOMP] * _PRECOMP_MS,
        "compressor.makeup_db": _decibel(numbers[_WET]),
        "compressor.knee_db": numbers[_KNEE] * _KNEE_DB,
    }


def _held(section: type[Strip] | type[Master], values: Mapping[str, float]) -> dict[str, float]:
    """Hold the values within the console's ranges."""
    table = parameters(section)
    return {path: table[path].clamp(value) for path, value in values.items()}


def _decibel(gain: float) -> float:
    return decibels(max(gain, 1e-9))
