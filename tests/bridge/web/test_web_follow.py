"""The page's side of a running live engine: settings either way, meters, an engine that goes and comes back."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from mixbridge.bridge.osc.packets import Message, encode
from mixbridge.bridge.server.current import CurrentPreset
from mixbridge.bridge.server.live import LIVE
from mixbridge.bridge.server.server import OscServer
from mixbridge.bridge.server.subscribers import Peer
from mixbridge.bridge.server.surface import Actions, Arguments
from mixbridge.bridge.web.doing.engine import PageEngine
from mixbridge.bridge.web.edits import SettingEdit
from mixbridge.bridge.web.material import PageMaterial
from mixbridge.bridge.web.studio import PageStudio
from mixbridge.presets.console import Strip, replace
from mixbridge.presets.errors import DeskError, PresetError
from mixbridge.presets.preset import GroupBus, Preset, Track

PATIENCE_S = 30
PLAYED = Preset(
    tracks=(
        Track(name="Vox", strip=replace(Strip(), {"fader_db": -4.5, "eq.band1.gain_db": 3.25}), bus="All"),
        Track(name="Bass", mute=True),
    ),
    buses=(GroupBus(name="All", strip=Strip(fader_db=-2)),),
)


def until(is_so: Callable[[], bool]) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < end_s
        time.sleep(0.01)


@contextmanager
def engine_at(port: int, preset: Preset) -> Iterator[tuple[CurrentPreset, OscServer]]:
    """What `mixbridge live` answers over OSC, without the sound."""
    current = CurrentPreset(preset)

    def meters(_arguments: Arguments, sender: Peer) -> list[Message]:
        return [
            Message(f"{LIVE}/meter/track/1", (-12.5,)),
            Message(f"{LIVE}/meter/track/2", (-120.0,)),
            Message(f"{LIVE}/meter/mix", (-6.0, -7.0)),
            Message(f"{LIVE}/counters", (100, 2, 1, 0.5, 3.0, 64)),
        ]

    with OscServer(current, Actions(more={f"{LIVE}/meters": meters}), port=port) as server:
        server.start()
        yield current, server


def test_what_moves_on_one_side_moves_on_the_other(tmp_path: Path) -> None:
    studio = PageStudio(PageMaterial({}), tmp_path, Preset(tracks=(Track(name="Other"),)))
    with engine_at(0, PLAYED) as (current, server):
        port = server.address[1]
        engine = PageEngine(studio, f"127.0.0.1:{port}")
        engine.start()
        until(lambda: engine.is_there)
        # The page takes what plays; the engine got nothing, and nothing leads back to what the page had before.
        assert [track.name for track in studio.preset.tracks] == ["Vox", "Bass"]
        assert studio.preset.tracks[0].strip.fader_db == -4.5
        assert studio.preset.tracks[0].strip.eq.band1.gain_db == 3.25
        assert studio.preset.tracks[1].mute
        assert studio.preset.buses[0].strip.fader_db == -2
        assert current.preset == PLAYED
        with pytest.raises(PresetError):
            studio.undo()
        until(lambda: engine.meters.tracks_db == [-12.5, -120.0] and engine.meters.mix_db == (-6.0, -7.0))
        assert (engine.meters.late_blocks, engine.meters.xruns, engine.meters.latency_samples) == (2, 1, 64)

        studio.edit([SettingEdit("track", 0, "fader_db", -9.0), SettingEdit("track", 1, "mute", 0)])
        until(lambda: current.preset.tracks[0].strip.fader_db == -9 and not current.preset.tracks[1].mute)
        assert current.preset.tracks[0].bus == "All"
        studio.undo()
        until(lambda: current.preset == PLAYED)

        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as controller:
            controller.sendto(encode(Message("/mixbridge/track/2/pan", (0.5,))), server.address)
            until(lambda: studio.preset.tracks[1].strip.pan == 0.5)
    until(lambda: not engine.is_there)
    # While it is away the page moves alone; when it is back, what plays there counts.
    studio.edit([SettingEdit("track", 0, "fader_db", 6.0)])
    with engine_at(port, PLAYED) as (current, _):
        until(lambda: engine.is_there)
        assert studio.preset.tracks[0].strip.fader_db == -4.5
        assert current.preset == PLAYED
        studio.edit([SettingEdit("master", 0, "output_gain_db", -1.0)])
        until(lambda: current.preset.master.output_gain_db == -1)
        studio.close()


def test_an_address_that_is_none_is_refused(tmp_path: Path) -> None:
    studio = PageStudio(PageMaterial({}), tmp_path)
    for where in ("", ":9500", "host:0", "host:99999"):
        with pytest.raises(DeskError):
            PageEngine(studio, where)
