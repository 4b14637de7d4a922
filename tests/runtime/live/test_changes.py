"""Settings that change while a sine plays: no step, no splatter, and what comes out afterwards is right."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest
from live_playing import Audio, null_db, played, player_of
from mixbridge.presets.console import Compressor, EqBand, Equalizer, Gate, LowCut, Master, Reverb, Strip
from mixbridge.presets.preset import GroupBus, Preset, Track
from mixbridge.runtime.live.sound import console
from mixbridge.runtime.live.sound.parts import Parts
from mixbridge.runtime.live.sound.player import Player
from mixbridge.runtime.live.sound.ramps import PRESET_FADE_MS, SETTING_FADE_MS
from mixbridge.runtime.live.sound.slots import Successor

RATE_HZ = 48000
TONE_HZ = 1000.0
CHANGE_AT = 24000
SINE = (0.25 * np.sin(2 * np.pi * TONE_HZ * np.arange(2 * RATE_HZ) / RATE_HZ)).astype(np.float32)[None]

QUIET = Strip(fader_db=-30, pan=-1)
LOUD = Strip(
    fader_db=6,
    pan=1,
    low_cut=LowCut(freq_hz=300),
    eq=Equalizer(band1=EqBand(gain_db=18, freq_hz=1000, q=3), high_shelf=EqBand(gain_db=-18, freq_hz=4000)),
    compressor=Compressor(threshold_db=-40, ratio=8, attack_ms=1, release_ms=50),
)


def preset_of(strip: Strip, master: Master | None = None) -> Preset:
    return Preset(tracks=(Track(name="Sine", strip=strip),), master=master or Master())


def change_to(player: Player, preset: Preset, fade_ms: float) -> None:
    parts = Parts.of(preset, (1,))
    player.console.change(parts.differences(player.console.parts), parts, fade_ms)


def around_the_change(before: Preset, change: Callable[[Player], None]) -> Audio:
    player = player_of(before, (1,), RATE_HZ)
    return played(player, SINE, 128, {CHANGE_AT: lambda: change(player)})


def splatter_db(audio: Audio, begin: int = CHANGE_AT - 4800, length: int = 9600) -> float:
    """The strongest part of the spectrum that belongs neither to the tone nor to what a compressor makes of it.

    That is more than 250 Hz from the tone and its harmonics; in dB against the tone, around the change.
    """
    window = np.blackman(length)
    spectrum = np.abs(np.fft.rfft(audio[:, begin : begin + length] * window, axis=1)).max(axis=0)
    freqs_hz = np.fft.rfftfreq(length, 1 / RATE_HZ)
    far = np.abs((freqs_hz + TONE_HZ / 2) % TONE_HZ - TONE_HZ / 2) > 250
    far &= freqs_hz > 250
    return float(20 * np.log10(spectrum[far].max() / spectrum.max()))


def jump_db() -> float:
    """What a change within one sample would do, for comparison."""
    hard = SINE.repeat(2, axis=0)
    hard[:, CHANGE_AT + 7 :] *= 2
    return splatter_db(hard)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda player: change_to(player, preset_of(LOUD), PRESET_FADE_MS), id="everything"),
        pytest.param(
            lambda player: change_to(player, preset_of(Strip(fader_db=6, pan=1)), SETTING_FADE_MS), id="levels"
        ),
        pytest.param(
            lambda player: change_to(
                player,
                preset_of(QUIET, Master(output_gain_db=12, eq=LOUD.eq, compressor=LOUD.compressor)),
                PRESET_FADE_MS,
            ),
            id="master",
        ),
        pytest.param(lambda player: player.bypass(2.0), id="bypass"),
        pytest.param(lambda player: player.trim(0.1), id="trim"),
        pytest.param(
            lambda player: player.take_over(
                Parts.of(
                    Preset(
                        tracks=(Track(name="Sine", strip=LOUD, bus="Group"),),
                        buses=(GroupBus(name="Group", strip=LOUD),),
                    ),
                    (1,),
                )
            ),
            id="other ways",
        ),
    ],
)
def test_the_strongest_change_does_not_splatter(change: Callable[[Player], None]) -> None:
    """A jump of 6 dB within one sample splatters at -46 dB; here 36 dB and all filters change."""
    out = around_the_change(preset_of(QUIET), change)
    assert jump_db() > -60
    assert splatter_db(out) < -75
    assert np.abs(out[:, CHANGE_AT + 9600 :]).max() != np.abs(out[:, : CHANGE_AT - 100]).max()


def test_behind_the_change_it_is_as_if_it_had_always_been_so() -> None:
    out = around_the_change(preset_of(QUIET), lambda player: change_to(player, preset_of(LOUD), PRESET_FADE_MS))
    always = played(player_of(preset_of(LOUD), (1,), RATE_HZ), SINE, 128)
    behind = CHANGE_AT + 128 + round(PRESET_FADE_MS * RATE_HZ / 1000)
    assert null_db(out[:, behind:], always[:, behind:]) < -90


def test_up_to_the_change_nothing_is_different_and_then_at_once_something_is() -> None:
    out = around_the_change(preset_of(QUIET), lambda player: change_to(player, preset_of(LOUD), SETTING_FADE_MS))
    before = played(player_of(preset_of(QUIET), (1,), RATE_HZ), SINE, 128)
    begin = -(-CHANGE_AT // 128) * 128
    np.testing.assert_array_equal(out[:, :begin], before[:, :begin])
    assert np.abs(out[:, begin : begin + 256] - before[:, begin : begin + 256]).max() > 1e-3


@pytest.mark.parametrize("stage", ["EQ", "gate"])
def test_a_track_that_changes_leaves_its_neighbours_as_they_are(stage: str) -> None:
    """The second of three tracks, once to settings that run side by side with the others, once to such that do not."""

    def preset(second: Strip) -> Preset:
        strips = (LOUD, second, LOUD)
        return Preset(tracks=tuple(Track(name=f"Track {number}", strip=strip) for number, strip in enumerate(strips)))

    changed = LOUD.model_copy(
        update={"eq": Equalizer()} if stage == "EQ" else {"gate": Gate(range_db=20, ratio=4, threshold_db=-6)}
    )
    inputs = np.repeat(SINE, 3, axis=0) * np.array([[1], [0.5], [0.25]], np.float32)

    def tracks_of(changes: Mapping[int, Strip]) -> Audio:
        player = player_of(preset(LOUD), (1, 1, 1), RATE_HZ)
        rows = []
        for begin in range(0, inputs.shape[1], 128):
            if begin in changes:
                parts = Parts.of(preset(changes[begin]), (1, 1, 1))
                player.console.change(parts.differences(player.console.parts), parts, SETTING_FADE_MS)
            block = inputs[:, begin : begin + 128]
            player.process(block, np.empty((2, block.shape[1]), np.float32))
            rows.append(player.console.tracks(block.shape[1]).copy())
        return np.concatenate(rows, axis=1)

    there, back = 24064, 48128
    out, always = tracks_of({there: changed, back: LOUD}), tracks_of({})
    np.testing.assert_array_equal(out[[0, 1, 4, 5]], always[[0, 1, 4, 5]])
    np.testing.assert_array_equal(out[2:4, :there], always[2:4, :there])
    assert null_db(out[2:4, there + 9600 : back], always[2:4, there + 9600 : back]) > -40
    assert null_db(out[2:4, back + 9600 :], always[2:4, back + 9600 :]) < -90


@pytest.mark.parametrize("link", ["pair", None])
def test_a_unit_that_comes_in_has_heard_each_block(link: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks are played while it is made; had it missed one, a filter this narrow would ring otherwise."""

    def preset(freq_hz: float) -> Preset:
        strip = Strip(eq=Equalizer(band1=EqBand(gain_db=18, freq_hz=freq_hz, q=10)))
        return Preset(tracks=tuple(Track(name=name, strip=strip, link=link) for name in ("Left", "Right")))

    noise = np.random.default_rng(0).standard_normal((2, RATE_HZ)).astype(np.float32) * np.float32(0.1)
    player, out = player_of(preset(60), (1, 1), RATE_HZ), np.zeros_like(noise)

    def play(begin: int, end: int) -> None:
        for first in range(begin, end, 1000):
            player.process(noise[:, first : first + 1000], out[:, first : first + 1000])

    bring_up = console._bring_up

    def held_up(successors: Sequence[Successor]) -> None:
        bring_up(successors)
        play(24000, 27000)

    monkeypatch.setattr(console, "_bring_up", held_up)
    play(0, 24000)
    parts = Parts.of(preset(50), (1, 1))
    player.console.change(parts.differences(player.console.parts), parts, 1.0)
    play(27000, RATE_HZ)
    always = played(player_of(preset(50), (1, 1), RATE_HZ), noise, 1000)
    assert null_db(out[:, 27100:32000], always[:, 27100:32000]) < -50


def test_gain_that_moves_from_the_fader_before_the_stages_is_no_jump() -> None:
    """The same sound in another form: while it fades, its level stays within half a dB."""
    driven = Strip(input_gain_db=12, compressor=Compressor(threshold_db=-20, ratio=2), fader_db=-12)
    desk = Strip(compressor=Compressor(threshold_db=-32, ratio=2))
    out = around_the_change(preset_of(driven), lambda player: change_to(player, preset_of(desk), PRESET_FADE_MS))
    levels = np.sqrt(np.mean(np.square(out[0, 9600:].reshape(-1, 480)), axis=1))
    assert levels.max() / levels.min() < 1.06


def test_a_room_that_nothing_is_sent_to_any_more_sounds_on() -> None:
    room = Reverb(decay_mid_s=1.0, decay_low_s=1.0)
    wet = Preset(tracks=(Track(name="Sine", strip=Strip(reverb_send_db=0)),), reverb=room)
    dry = wet.model_copy(update={"tracks": (Track(name="Sine", strip=Strip(), mute=True),)})
    player = player_of(wet, (1,), RATE_HZ)
    out = played(player, SINE, 128, {CHANGE_AT: lambda: change_to(player, dry, SETTING_FADE_MS)})
    tail = out[:, CHANGE_AT + 4800 : CHANGE_AT + 9600]
    assert 20 * np.log10(np.abs(tail).max() / np.abs(out[:, :CHANGE_AT]).max()) > -30


def test_the_bypass_is_what_came_in_at_the_level_and_latency_of_the_mix() -> None:
    late = preset_of(Strip(compressor=Compressor(ratio=2, threshold_db=-20, lookahead_ms=5)))
    player = player_of(late, (1,), RATE_HZ)
    out = played(player, SINE, 128, {CHANGE_AT: lambda: player.bypass(0.5)})
    begin = CHANGE_AT + 4800
    wanted = 0.5 * 10 ** (-3.0103 / 20) * SINE[:, begin - 240 : -240]
    assert player.latency_samples == 240
    assert null_db(out[:, begin:], np.repeat(wanted, 2, axis=0)) < -100


def test_what_comes_in_is_as_loud_as_b_was_that_is_brought_to_the_level_of_a() -> None:
    """The level of B is measured with its trim, which is not to be applied once more."""
    player = player_of(preset_of(Strip()), (1,), RATE_HZ)
    player.trim(0.25)
    out = played(player, SINE, 128, {CHANGE_AT: lambda: player.bypass(0.25)})
    begin = CHANGE_AT + 4800
    np.testing.assert_allclose(out[:, begin:].std(), out[:, begin - 9600 : CHANGE_AT].std(), rtol=0.01)


def test_settings_that_look_further_ahead_take_over_with_their_latency() -> None:
    player = player_of(preset_of(Strip()), (1,), RATE_HZ)
    ahead = preset_of(Strip(compressor=Compressor(ratio=2, threshold_db=-20, lookahead_ms=5)))
    parts = Parts.of(ahead, (1,))
    assert not player.console.fits(parts)
    played(player, SINE, 128, {CHANGE_AT: lambda: player.take_over(parts)})
    assert player.latency_samples == 240
    assert player.console.fits(Parts.of(preset_of(LOUD), (1,)))
