"""The live console against the renderer, and against itself in other blocks."""

from __future__ import annotations

import numpy as np
import pytest
from live_playing import Audio, null_db, played, player_of, rows_of
from live_presets import CHANNELS, RATE_HZ, dry_preset, stems, wet_preset
from mixbridge.presets.preset import Preset
from mixbridge.runtime.rendering.in_memory import render_arrays

STEMS = stems(RATE_HZ)
# At its end the renderer cuts off what strips ring on, before it goes through groups and master.
END = -2000
INPUTS = rows_of(STEMS, dry_preset())


def live(preset: Preset, block_frames: int) -> Audio:
    player = player_of(preset, CHANNELS, RATE_HZ)
    late = player.latency_samples
    return played(player, np.pad(INPUTS, ((0, 0), (0, late))), block_frames)[:, late:]


@pytest.fixture(scope="module")
def dry_mix() -> Audio:
    return live(dry_preset(), 512)


@pytest.mark.parametrize("block_frames", [64, 480, 1024, 8192])
def test_blocks_of_any_length_make_the_same_bits(dry_mix: Audio, block_frames: int) -> None:
    np.testing.assert_array_equal(live(dry_preset(), block_frames), dry_mix)


def test_it_is_the_offline_render(dry_mix: Audio) -> None:
    offline = render_arrays(STEMS, RATE_HZ, dry_preset()).mix
    np.testing.assert_array_equal(dry_mix[:, :END], offline[:, :END])


@pytest.mark.parametrize("block_frames", [128, 4096])
def test_rooms_and_match_curves_are_those_of_the_offline_render(block_frames: int) -> None:
    offline = render_arrays(STEMS, RATE_HZ, wet_preset()).mix[:, :RATE_HZ]
    assert null_db(live(wet_preset(), block_frames)[:, :END], offline[:, :END]) <= -100


def test_the_latency_is_that_of_the_slowest_track_group_and_master() -> None:
    player = player_of(dry_preset(), CHANNELS, RATE_HZ)
    assert player.latency_samples == sum(round(ms * RATE_HZ / 1000) for ms in (7, 3, 11))


def test_tracks_come_in_time_with_the_mix() -> None:
    """A click on every track at the same time comes out of every track at the same time: the latency later."""
    preset = dry_preset()
    player = player_of(preset, CHANNELS, RATE_HZ)
    clicks = np.zeros((sum(CHANNELS), 4096), np.float32)
    clicks[:, 100] = 0.5
    out = np.zeros((2, 256), np.float32)
    parts = []
    for begin in range(0, 4096, 256):
        player.process(clicks[:, begin : begin + 256], out)
        parts.append(player.console.tracks(256).copy())
    heard = np.concatenate(parts, axis=1).reshape(len(CHANNELS), 2, -1)
    assert set(np.abs(heard).max(axis=1).argmax(axis=1)) == {100 + player.latency_samples}


def test_a_muted_track_is_left_out_as_the_renderer_leaves_it_out() -> None:
    preset = dry_preset()
    tracks = (preset.tracks[0].model_copy(update={"mute": True}), *preset.tracks[1:])
    muted = preset.model_copy(update={"tracks": tracks})
    offline = render_arrays(STEMS, RATE_HZ, muted).mix
    np.testing.assert_array_equal(live(muted, 512)[:, :END], offline[:, :END])


def test_what_is_no_number_is_silenced_and_counted() -> None:
    player = player_of(dry_preset(), CHANNELS, RATE_HZ)
    inputs = INPUTS[:, :2048].copy()
    inputs[0, 1000] = np.nan
    out = played(player, inputs, 512)
    assert np.isfinite(out).all()
    assert player.bad_blocks >= 1
    assert not out[:, 1024:].any()
