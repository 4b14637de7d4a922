"""What Ardour is asked about its session, over a network that loses, doubles and reorders; a stand-in answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from mixbridge.bridge.desks.loading import load_desk
from mixbridge.bridge.osc.connection import connect
from mixbridge.bridge.osc.dialects.ardour import ArdourDialect
from mixbridge.bridge.osc.link import Target
from udp_peer import Reply, UdpPeer, Value, Weather

DESK = load_desk("ardour")
NAMES = [f"Track {number}" for number in range(1, 11)]
# Control in Play, by strip.
PLAYING = {"Track 2": "fader", "Track 7": "mute", "Track 10": "pan_stereo_position"}


class StandIn(UdpPeer):
    """Ten tracks and a master, told in lists, and in banks as Ardour tells its feedback."""

    bank, start = 0, 0

    def replies(self, address: str, values: tuple[Value, ...], time_s: float) -> Sequence[Reply]:
        return list(self._replies(address, values))

    def _replies(self, address: str, values: tuple[Value, ...]) -> Iterator[Reply]:
        strips = [*(("AT", name) for name in NAMES), ("MA", "Master")]
        if address == "/strip/list":
            for number, (kind, name) in enumerate(strips, 1):
                yield "/reply", (kind, name, 1, 2, 0, 0, number, 0)
            yield "/reply", ("end_route_list", 48000, 0, 0)
        elif address == "/strip/plugin/list":
            yield address, (values[0], 1, "ACE EQ", 1, 2, "ACE Compressor", 1)
        elif address == "/set_surface":
            self.bank, self.start = int(values[0]), 0
            yield from self._feedback(strips)
        elif address == "/bank_up":
            self.start = min(self.start + self.bank, len(strips) - self.bank)
            yield from self._feedback(strips)
        elif address == "/strip/name/1":
            yield address, (strips[self.start][1],)

    def _feedback(self, strips: list[tuple[str, str]]) -> Iterator[Reply]:
        for place, (_, name) in enumerate(strips[self.start : self.start + self.bank], 1):
            yield "/strip/name", (place, name)
            for control in ("fader", "pan_stereo_position", "mute", "trimdB"):
                yield f"/strip/{control}/automation", (place, float(PLAYING.get(name) == control))


@pytest.mark.parametrize(
    "weather",
    [Weather(), Weather(duplicate=0.3), Weather(reorder=0.3), Weather(drop=0.1), Weather.all(0.1)],
    ids=["good", "doubled", "reordered", "lossy", "all of it"],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_strips_and_automation_are_found_whatever_the_network_does(weather: Weather, seed: int) -> None:
    with StandIn(weather, weather, seed) as peer, connect(Target("ardour", "127.0.0.1", peer.port), DESK) as connection:
        dialect = connection.dialect
        assert isinstance(dialect, ArdourDialect)
        assert [strip.name for strip in dialect.strips.values()] == [*NAMES, "Master"]
        assert all(strip.plugins == ("ACE EQ", "ACE Compressor") for strip in dialect.strips.values())
        settings = [
            setting
            for number in range(1, 11)
            for setting in DESK.settings("track", number, {"fader_db": 0.0, "pan": 0.0, "mute": 0.0})
        ]
        automated = dialect.automated(connection.link, settings)
    assert {(item.strip.name, item.control.rpartition("/")[2]) for item in automated} == set(PLAYING.items())
