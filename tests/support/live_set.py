"""Ableton Live with AbletonOSC, as far as a push goes: tracks with devices, whose parameters have ranges."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mixbridge.bridge import desks
from udp_peer import Reply, UdpPeer, Value

Range = tuple[float, float]
# Names and ranges as they were published of Live 11 and 12.0, with some between that mixbridge does not know.
EQ_EIGHT: Mapping[str, Range] = {
    "Device On": (0, 1),
    "Output Gain": (-15, 15),
    "Adaptive Q": (0, 1),
    "Scale": (0, 1),
    **{
        f"{band} {name}": ends
        for band in range(1, 9)
        for name, ends in {
            "Filter On A": (0.0, 1.0),
            "Filter Type A": (0.0, 7.0),
            "Frequency A": (0.0, 1.0),
            "Gain A": (-15.0, 15.0),
            "Resonance A": (0.0, 1.0),
            "Filter On B": (0.0, 1.0),
        }.items()
    },
}
COMPRESSOR: Mapping[str, Range] = {
    "Device On": (0, 1),
    "Threshold": (0, 1),
    "Ratio": (0, 1),
    "Attack": (0, 1),
    "Release": (0, 1),
    "Output Gain": (-36, 36),
    "Makeup": (0, 1),
    "Dry/Wet": (0, 1),
    "Model": (0, 2),
    "Knee": (0, 18),
    "S/C On": (0, 1),
}
GATE: Mapping[str, Range] = {
    "Device On": (0, 1),
    "Threshold": (0, 1),
    "Attack": (0.02, 150),
    "Hold": (0, 1),
    "Release": (0, 1),
    "Return": (0, 24),
    "Floor": (-75, 0),
    "FlipMode": (0, 1),
    "S/C On": (0, 1),
}
AUTO_FILTER: Mapping[str, Range] = {
    "Device On": (0, 1),
    "Filter Type": (0, 4),
    "Slope": (0, 1),
    "Frequency": (20, 135),
    "LFO Amount": (0, 30),
    "Env. Modulation": (-127, 127),
}
DEVICES: Mapping[str, Mapping[str, Range]] = {
    "Eq8": EQ_EIGHT,
    "Compressor2": COMPRESSOR,
    "Gate": GATE,
    "AutoFilter": AUTO_FILTER,
    "Saturator": {"Device On": (0, 1), "Threshold": (0, 1)},
    # Plug-ins of the user's, by class and name: their parameters have the host's range.
    "PluginDevice:ZamEQ2": dict.fromkeys(
        [
            *("Device On", "Boost/Cut 1", "Bandwidth 1", "Frequency 1", "Boost/Cut 2", "Bandwidth 2", "Frequency 2"),
            *("Boost/Cut L", "Frequency L", "Boost/Cut H", "Frequency H", "Master Gain", "Peaks ON"),
        ],
        (0.0, 1.0),
    ),
    "PluginDevice:ZamComp": dict.fromkeys(
        ("Device On", "Attack", "Release", "Knee", "Ratio", "Threshold", "Makeup", "Slew", "Sidechain"), (0.0, 1.0)
    ),
    # Of one with many parameters, Live has only those that were configured.
    "PluginDevice:Pro-Q 3": dict.fromkeys(("Device On", "Band 1 Used", "Band 1 Frequency"), (0.0, 1.0)),
}


@dataclass
class LiveTrack:
    """A track: its name, the classes of its devices in their order, and ranges that are other than usual."""

    name: str
    devices: Sequence[str] = ()
    odd: Mapping[str, Range] = field(default_factory=dict)


class LiveSet(UdpPeer):
    """A set that is open in Live; getters repeat their arguments, all answers go to one port.

    Attributes:
        tracks: of the set.
        values: of parameters by (track, device, parameter), and of mixers by (address, track).
        reply_port: where answers go.
        plays_since: when its song began, by the monotonic clock; None: it stands at its beginning. It has 120 BPM.
    """

    def __init__(self, tracks: Sequence[LiveTrack], reply_port: int) -> None:
        super().__init__()
        self.tracks, self.reply_port = tracks, reply_port
        self.values: dict[tuple[Value, ...], Value] = {}
        self.plays_since: float | None = None

    def reply_address(self, client: tuple[str, int]) -> tuple[str, int]:
        return client[0], self.reply_port

    def parameter(self, track: int, device: str, name: str) -> tuple[int, int, int]:
        """The numbers of a parameter."""
        return track, list(self.tracks[track].devices).index(device), list(DEVICES[device]).index(name)

    def replies(self, address: str, values: tuple[Value, ...], time_s: float) -> Sequence[Reply]:
        since_s = 0.0 if self.plays_since is None else time.monotonic() - self.plays_since
        song = {"is_playing": int(self.plays_since is not None), "tempo": 120.0, "current_song_time": 2 * since_s}
        if address.startswith("/live/song/get/") and (what := address.rpartition("/")[2]) in song:
            return [(address, (song[what],))]
        if address == "/live/song/get/num_tracks":
            return [(address, (len(self.tracks),))]
        if address == "/live/song/get/track_names":
            return [(address, tuple(track.name for track in self.tracks))]
        if address == "/live/track/get/devices/class_name":
            return [(address, (*values, *(name.partition(":")[0] for name in self.tracks[int(values[0])].devices)))]
        if address == "/live/track/get/devices/name":
            names = (name.partition(":")[2] or name for name in self.tracks[int(values[0])].devices)
            return [(address, (*values, *names))]
        if address.startswith("/live/device/get/parameters/"):
            return [(address, (*values, *self._table(address.rpartition("/")[2], int(values[0]), int(values[1]))))]
        place = address.replace("/set/", "/get/")
        if "/set/" in address:
            self.values[(place, *values[:-1])] = self._held(values)
            return []
        return [(address, (*values, self.values.get((place, *values), self._usual(address, values))))]

    def _table(self, what: str, track: int, device: int) -> list[Value]:
        ranges = {**DEVICES[self.tracks[track].devices[device]]}
        ranges |= {name: ends for name, ends in self.tracks[track].odd.items() if name in ranges}
        return list(ranges) if what == "name" else [float(ends[what == "max"]) for ends in ranges.values()]

    def _held(self, values: tuple[Value, ...]) -> Value:
        """A parameter does not leave its range."""
        if len(values) != 4:
            return values[-1]
        low, high = list(DEVICES[self.tracks[int(values[0])].devices[int(values[1])]].values())[int(values[2])]
        return min(max(float(values[-1]), low), high)

    def _usual(self, address: str, values: tuple[Value, ...]) -> Value:
        if address != "/live/device/get/parameter/value":
            return 0.0
        low, high = list(DEVICES[self.tracks[int(values[0])].devices[int(values[1])]].values())[int(values[2])]
        return (low + high) / 2


@contextmanager
def live_set(tracks: Sequence[LiveTrack], folder: Path) -> Iterator[tuple[LiveSet, str]]:
    """A set that runs, and the target of a push to it: the shipped profile with ports and pauses for tests."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    text = (Path(desks.__file__).parent / "ableton.toml").read_text()
    for name, value in (("reply_port", str(port)), ("gap_ms", "0.1"), ("settle_ms", "5")):
        text = re.sub(rf"^{name} = .*$", f"{name} = {value}", text, flags=re.MULTILINE)
    profile = folder / "live.toml"
    profile.write_text(text)
    with LiveSet(tracks, port) as peer:
        yield peer, f"{profile}://127.0.0.1:{peer.port}"
