"""A desk that speaks X32's conventions on loopback.

Written from the facts known of the desk, with formulas of its own, not from the project's scales: what passes here was
checked against a second opinion. A set gets no reply; an empty message is answered with the value; values snap to
their grid; an argument of the wrong type stores garbage; datagrams of more than 512 bytes are lost; unknown addresses
are ignored. Losses are those of `udp_peer.Weather`. Every move of a level is logged.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from udp_peer import Reply, UdpPeer, Value, Weather, build

# Levels below are as good as silence: a jump from off to here is none.
SILENCE_DB = -60.0


@dataclass(frozen=True)
class Move:
    """A level that was set."""

    time_s: float
    address: str
    level_db: float


@dataclass(frozen=True)
class Number:
    """A float 0..1 on a grid, and what it means."""

    steps: int
    unit: Callable[[float], float]
    level: bool = False

    def store(self, given: Value) -> float | None:
        if isinstance(given, str):
            return None
        if isinstance(given, int):  # the desk takes the four bytes for what they are not
            (given,) = struct.unpack(">f", struct.pack(">i", given))
        x = 0.0 if math.isnan(given) else min(max(given, 0.0), 1.0)
        return round(x * self.steps) / self.steps


@dataclass(frozen=True)
class Index:
    """An int from 0 up to the highest."""

    highest: int
    level: bool = field(default=False, init=False)

    def store(self, given: Value) -> int | None:
        if isinstance(given, str):
            return None
        if isinstance(given, float):
            (given,) = struct.unpack(">i", struct.pack(">f", given))
            return given % (self.highest + 1)
        return given if 0 <= given <= self.highest else None


@dataclass(frozen=True)
class Parameter:
    """A parameter of an effect that is a choice in one type of effect, and a float 0..1 in all others."""

    chooses_in: int
    highest: int
    level: bool = field(default=False, init=False)

    def store(self, given: Value) -> float | int | None:
        return given if isinstance(given, int | float) and not isinstance(given, bool) else None


@dataclass(frozen=True)
class Word:
    """A name."""

    longest: int = 12
    level: bool = field(default=False, init=False)

    def store(self, given: Value) -> str | None:
        return given[: self.longest] if isinstance(given, str) else None


Kind = Number | Index | Parameter | Word


def _linear(low: float, high: float) -> Callable[[float], float]:
    return lambda x: low + (high - low) * x


def _log(low: float, high: float) -> Callable[[float], float]:
    return lambda x: low * (high / low) ** x


def fader_db(x: float) -> float:
    """The fader's law: four straight lines, and off at the bottom."""
    if x >= 0.5:
        return 40.0 * x - 30.0
    if x >= 0.25:
        return 80.0 * x - 50.0
    if x >= 0.0625:
        return 160.0 * x - 70.0
    return 480.0 * x - 90.0 if x > 0 else -math.inf


RATIOS = (1.1, 1.3, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.0, 10.0, 20.0, 100.0)
_FADER = Number(1023, fader_db, level=True)
_DYNAMICS: dict[str, Kind] = {
    "dyn/on": Index(1),
    "dyn/mode": Index(1),
    "dyn/det": Index(1),
    "dyn/env": Index(1),
    "dyn/thr": Number(120, _linear(-60, 0)),
    "dyn/ratio": Index(len(RATIOS) - 1),
    "dyn/knee": Number(5, _linear(0, 5)),
    "dyn/mgain": Number(48, _linear(0, 24), level=True),
    "dyn/attack": Number(120, _linear(0, 120)),
    "dyn/hold": Number(100, _log(0.02, 2000)),
    "dyn/release": Number(100, _log(5, 4000)),
    "dyn/pos": Index(1),
    "dyn/mix": Number(20, _linear(0, 100)),
    "dyn/auto": Index(1),
}
_MIX: dict[str, Kind] = {"mix/on": Index(1), "mix/fader": _FADER, "mix/pan": Number(100, _linear(-100, 100))}
_PREAMP: dict[str, Kind] = {
    "preamp/trim": Number(144, _linear(-18, 18), level=True),
    "preamp/hpon": Index(1),
    "preamp/hpslope": Index(2),
    "preamp/hpf": Number(100, _log(20, 400)),
}
# EXP2, EXP3, EXP4, GATE, DUCK
_GATE: dict[str, Kind] = {
    "gate/on": Index(1),
    "gate/mode": Index(4),
    "gate/thr": Number(160, _linear(-80, 0)),
    "gate/range": Number(57, _linear(3, 60)),
    "gate/attack": Number(120, _linear(0, 120)),
    "gate/hold": Number(100, _log(0.02, 2000)),
    "gate/release": Number(100, _log(5, 4000)),
}
# Of the effects that the desk has, those that are looked at here: what each of their parameters is.
_PART = Number(10_000, _linear(0, 1))
HALL, PLATE, STEREO_DELAY, CHORUS = 0, 5, 10, 13


def _eq(bands: int) -> dict[str, Kind]:
    table: dict[str, Kind] = {"eq/on": Index(1)}
    for band in range(1, bands + 1):
        table[f"eq/{band}/type"] = Index(5 if bands == 4 else 13)
        table[f"eq/{band}/f"] = Number(200, _log(20, 20_000))
        table[f"eq/{band}/g"] = Number(120, _linear(-15, 15))
        table[f"eq/{band}/q"] = Number(71, _log(10, 0.3))
    return table


def _sends(count: int) -> dict[str, Kind]:
    level = Number(160, fader_db, level=True)
    table: dict[str, Kind] = {f"mix/{bus:02}/level": level for bus in range(1, count + 1)}
    table |= {f"mix/{bus:02}/on": Index(1) for bus in range(1, count + 1)}
    # IN/LC, before and behind EQ, before and behind the fader, subgroup: for each pair of buses.
    table |= {f"mix/{bus:02}/type": Index(5) for bus in range(1, count + 1, 2)}
    return table | {"mix/st": Index(1)}


def _effects() -> dict[str, Kind]:
    """Four slots that buses can feed; a return for each of their sides."""
    table: dict[str, Kind] = {}
    for slot in range(1, 5):
        table |= {f"/fx/{slot}/type": Index(60), f"/fx/{slot}/source/l": Index(17), f"/fx/{slot}/source/r": Index(17)}
        table |= {f"/fx/{slot}/par/{par:02}": _PART for par in range(1, 65)}
        # Of a stereo delay, how it works and the factors of its times.
        table |= {f"/fx/{slot}/par/03": Parameter(STEREO_DELAY, 2), f"/fx/{slot}/par/04": Parameter(STEREO_DELAY, 8)}
        table |= {f"/fx/{slot}/par/05": Parameter(STEREO_DELAY, 8)}
    strip = _MIX | _sends(16) | {"config/name": Word()}
    return table | {f"/fxrtn/{side:02}/{name}": kind for side in range(1, 9) for name, kind in strip.items()}


_GROUPS: dict[str, Kind] = {"grp/dca": Index(255), "grp/mute": Index(63)}
# What linked channels share, by the switch that says so.
_SHARED = {
    "hadly": ("preamp/",),
    "eq": ("eq/",),
    "dyn": ("dyn/", "gate/"),
    "fdrmute": ("mix/on", "mix/fader", "mix/0", "mix/1"),
}


def _config() -> dict[str, Kind]:
    links = {"chlink": 32, "auxlink": 8, "fxlink": 8, "buslink": 16, "mtxlink": 6}
    pairs = [(name, first) for name, count in links.items() for first in range(1, count, 2)]
    table: dict[str, Kind] = {f"/config/{name}/{first}-{first + 1}": Index(1) for name, first in pairs}
    table |= {f"/config/linkcfg/{name}": Index(1) for name in _SHARED}
    table |= {f"/config/mute/{group}": Index(1) for group in range(1, 7)}
    for group in range(1, 9):
        table |= {f"/dca/{group}/on": Index(1), f"/dca/{group}/fader": _FADER}
    return table


def surface() -> dict[str, Kind]:
    """Every address that it knows."""
    name: dict[str, Kind] = {"config/name": Word()}
    channel = name | _PREAMP | _GATE | _eq(4) | _DYNAMICS | _MIX | _sends(16) | _GROUPS
    bus = name | _eq(6) | _DYNAMICS | _MIX
    strips = {f"/ch/{n:02}": channel for n in range(1, 33)}
    strips |= {f"/bus/{n:02}": bus for n in range(1, 17)} | {f"/mtx/{n:02}": bus for n in range(1, 7)}
    strips |= {"/main/st": bus, "/main/m": bus}
    return (
        _config()
        | _effects()
        | {f"{strip}/{name}": kind for strip, table in strips.items() for name, kind in table.items()}
    )


class X32Simulator(UdpPeer):
    """The desk.

    Attributes:
        values: what it holds, by address.
        level_log: moves of faders, trims, makeups and sends, in order.
        frozen: addresses that keep their value whatever comes.
        mute: addresses that never answer.
        garbage: this is sent before every answer.
    """

    def __init__(
        self,
        inbound: Weather | None = None,
        outbound: Weather | None = None,
        seed: int = 0,
        frozen: Iterable[str] = (),
        mute: Iterable[str] = (),
        garbage: Iterable[bytes] = (),
    ) -> None:
        super().__init__(inbound, outbound, seed)
        self.kinds: Mapping[str, Kind] = surface()
        self.values: dict[str, Value] = _initial_values(self.kinds)
        self.watchers: list[tuple[str, int]] = []
        self.level_log: list[Move] = []
        self.frozen = frozenset(frozen)
        self.mute = frozenset(mute)
        self.garbage = tuple(garbage)

    def replies(self, address: str, values: tuple[Value, ...], time_s: float) -> Iterable[Reply]:
        if address in {"/info", "/xinfo"} and not values:
            first = "V2.07" if address == "/info" else "127.0.0.1"
            yield address, (first, "simulated", "X32", "4.06")
            return
        if address == "/xremote":
            self.watchers.append(self.clients[-1])
        kind = self.kinds.get(address)
        if kind is None:
            return
        if values:
            self._set(address, kind, values[0], time_s)
        elif address not in self.mute:
            for packet in self.garbage:
                self.say(packet)
            yield address, (self.values[address],)

    def link(self, first: int) -> None:
        """Links a channel with the next, as on the desk: the first gives the other what they share."""
        self.values[f"/config/chlink/{first}-{first + 1}"] = 1
        own, other = f"/ch/{first:02}/", f"/ch/{first + 1:02}/"
        for address in [address for address in self.kinds if address.startswith(own)]:
            if self._is_shared(address.removeprefix(own)):
                self.values[address.replace(own, other)] = self.values[address]

    def move(self, address: str, value: Value) -> None:
        """Somebody at the desk turns a knob; those who asked for it are told."""
        self._set(address, self.kinds[address], value, self.arrivals[-1].time_s if self.arrivals else 0.0)
        for client in self.watchers:
            self._socket.sendto(build(address, (self.values[address],)), client)

    def restart(self) -> None:
        """Everything is as it was when the desk was switched on, but for names."""
        names = {address: value for address, value in self.values.items() if address.endswith("/config/name")}
        self.values.update(_initial_values(self.kinds) | names)

    def unit(self, address: str) -> float | str:
        """A value in dB, Hz, ms, Q; an index or name as it is."""
        kind, value = self.kinds[address], self.values[address]
        return kind.unit(float(value)) if isinstance(kind, Number) else value

    def steepest_db(self, address: str, within_s: float) -> float:
        """The largest change of a level within a stretch of time, silence being -60 dB."""
        moves = [move for move in self.level_log if move.address == address]
        levels = [max(move.level_db, SILENCE_DB) for move in moves]
        largest = 0.0
        for first in range(len(moves) - 1):
            for last in range(first + 1, len(moves)):
                # The change from one level to another takes place between the second move and the last.
                if moves[last].time_s - moves[first + 1].time_s > within_s:
                    break
                largest = max(largest, abs(levels[last] - levels[first]))
        return largest

    def _set(self, address: str, kind: Kind, given: Value, time_s: float) -> None:
        stored = kind.store(given)
        if stored is None or address in self.frozen:
            return
        if address.startswith("/fx/") and address.endswith("/type") and stored != self.values[address]:
            self._load_effect(int(address[4]), int(stored))
        for place in (address, *self._partners(address)):
            self.values[place] = stored
            if isinstance(kind, Number) and kind.level:
                self.level_log.append(Move(time_s, place, kind.unit(float(stored))))

    def _load_effect(self, slot: int, effect: int) -> None:
        """Another effect begins with settings of its own."""
        for par in range(1, 65):
            kind = self.kinds[f"/fx/{slot}/par/{par:02}"]
            is_choice = isinstance(kind, Parameter) and kind.chooses_in == effect
            self.values[f"/fx/{slot}/par/{par:02}"] = 1 if is_choice else 0.25

    def _partners(self, address: str) -> list[str]:
        """The same address of the channel that is linked with this one, if it is shared."""
        if not address.startswith("/ch/"):
            return []
        number, path = int(address[4:6]), address[7:]
        first = (number - 1) // 2 * 2 + 1
        if not self._is_shared(path) or not self.values[f"/config/chlink/{first}-{first + 1}"]:
            return []
        return [f"/ch/{2 * first + 1 - number:02}/{path}"]

    def _is_shared(self, path: str) -> bool:
        return any(self.values[f"/config/linkcfg/{name}"] and path.startswith(of) for name, of in _SHARED.items())


def _initial_values(kinds: Mapping[str, Kind]) -> dict[str, Value]:
    shared = {f"/config/linkcfg/{name}": 1 for name in _SHARED}
    heard = {f"/dca/{group}/{what}": on for group in range(1, 9) for what, on in (("on", 1), ("fader", 767 / 1023))}
    # As a desk is delivered: the last buses feed the effects, all sends are on, and everything goes to the main bus.
    values = {address: _initial(kind) for address, kind in kinds.items()} | shared | heard
    for slot, effect in enumerate((HALL, CHORUS, STEREO_DELAY, 28), start=1):
        values |= {f"/fx/{slot}/type": effect, f"/fx/{slot}/source/l": 12 + slot, f"/fx/{slot}/source/r": 12 + slot}
        if effect == STEREO_DELAY:
            values |= {f"/fx/{slot}/par/03": 0, f"/fx/{slot}/par/04": 4, f"/fx/{slot}/par/05": 4}
    values |= {address: 1 for address in kinds if re.fullmatch(r"/(ch|fxrtn)/\d\d/mix/(st|\d\d/on)", address)}
    values |= {address: 4 for address in kinds if re.fullmatch(r"/ch/\d\d/mix/\d\d/type", address)}
    return values | {f"/bus/{bus:02}/mix/fader": 767 / 1023 for bus in range(1, 17)}


def _initial(kind: Kind) -> Value:
    match kind:
        case Number():
            return round(0.5 * kind.steps) / kind.steps
        case Index():
            return 0
        case Parameter():
            return 0.25
        case Word():
            return ""
