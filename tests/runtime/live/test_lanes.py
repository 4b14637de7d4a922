"""Lanes while the song plays: as the renderer plays them, and in time when something else is changed meanwhile."""

from __future__ import annotations

import numpy as np
import pytest
from live_playing import Audio, null_db, played, player_of, rows_of
from live_presets import CHANNELS, RATE_HZ, dry_preset, stems
from mixbridge.presets.console import Master, Strip
from mixbridge.presets.lanes.lane import Lane, lane
from mixbridge.presets.preset import Preset
from mixbridge.runtime.live.sound.lanes import lanes_from
from mixbridge.runtime.live.sound.parts import Parts
from mixbridge.runtime.rendering.in_memory import render_arrays

STEMS = stems(RATE_HZ)
INPUTS = rows_of(STEMS, dry_preset())
CHANGE_AT = 20480
END = -2000


def moving(other_fader_db: float = -2.0) -> Preset:
    """Lanes of a fader, a filter, a pan, a linked pair, a group and the master."""
    preset = dry_preset()
    vox, keys, left, right = preset.tracks
    vox = vox.model_copy(
        update={
            "strip": vox.strip.model_copy(update={"pan": 0.1 + other_fader_db / 20}),
            "lanes": (
                lane("fader_db", [(0.1, -20), (0.6, 0), (0.8, -6)]),
                lane("eq.band1.gain_db", [(0.2, -6), (0.7, 6)]),
            ),
        }
    )
    keys = keys.model_copy(update={"lanes": (lane("pan", [(0, -1), (0.5, 1)], "hold"),)})
    steep = lane("compressor.threshold_db", [(0, -10), (1, -40)])
    left, right = (track.model_copy(update={"lanes": (steep,)}) for track in (left, right))
    group = preset.buses[0].model_copy(update={"lanes": (lane("fader_db", [(0, -3), (0.9, 3)]),)})
    return preset.model_copy(
        update={
            "tracks": (vox, keys, left, right),
            "buses": (group,),
            "master_lanes": (lane("output_gain_db", [(0, 0), (0.4, -6), (0.5, 0)]),),
        }
    )


def live(preset: Preset, block_frames: int) -> Audio:
    player = player_of(preset, CHANNELS, RATE_HZ)
    late = player.latency_samples
    return played(player, np.pad(INPUTS, ((0, 0), (0, late))), block_frames)[:, late:]


@pytest.mark.parametrize("block_frames", [128, 1024])
def test_lanes_are_those_of_the_offline_render(block_frames: int) -> None:
    offline = render_arrays(STEMS, RATE_HZ, moving()).mix
    assert null_db(live(moving(), block_frames)[:, :END], offline[:, :END]) <= -60
    assert null_db(offline, render_arrays(STEMS, RATE_HZ, dry_preset()).mix) > -20


def test_what_is_made_anew_meanwhile_goes_on_where_the_lanes_are() -> None:
    player = player_of(moving(), CHANNELS, RATE_HZ)
    changed = moving(other_fader_db=4)
    parts = Parts.of(changed, CHANNELS)
    late = player.latency_samples
    inputs = np.pad(INPUTS, ((0, 0), (0, late)))

    def change() -> None:
        player.console.change(parts.differences(player.console.parts), parts, 20)

    out = played(player, inputs, 512, {CHANGE_AT: change})[:, late:]
    behind = CHANGE_AT + 2048
    assert null_db(out[:, behind:END], live(changed, 512)[:, behind:END]) <= -60


def test_another_console_goes_on_where_the_lanes_are() -> None:
    player = player_of(moving(), CHANNELS, RATE_HZ)
    late = player.latency_samples
    inputs = np.pad(INPUTS, ((0, 0), (0, late)))
    out = played(player, inputs, 512, {CHANGE_AT: lambda: player.take_over(Parts.of(moving(), CHANNELS))})[:, late:]
    behind = CHANGE_AT + 4096
    assert null_db(out[:, behind:END], live(moving(), 512)[:, behind:END]) <= -60


def test_shifted_lanes_have_the_same_course() -> None:
    item = lane("fader_db", [(1, -6), (2, 0), (4, -12)])
    assert lanes_from([item], 0, Strip) == (item,)
    (later,) = lanes_from([item], 1.5, Strip)
    assert [(point.time_s, point.value) for point in later.points] == [(0, -3), (0.5, 0), (2.5, -12)]
    (before,) = lanes_from([item], -1.0, Strip)
    assert [point.time_s for point in before.points] == [2, 3, 5]
    (behind,) = lanes_from([Lane(parameter="output_gain_db", points=item.points)], 9, Master)
    assert [(point.time_s, point.value) for point in behind.points] == [(0, -12)]
