"""Groups, linked tracks and effects in a rendered mix."""

from __future__ import annotations

import numpy as np
import pytest
from mixbridge.presets.console import Compressor, Delay, EqBand, Equalizer, Gate, Master, Reverb, Saturation, Strip
from mixbridge.presets.preset import GroupBus, Preset, Track
from mixbridge.runtime.rendering.in_memory import render_arrays
from numpy.typing import NDArray

RATE_HZ = 44_100
Audio = NDArray[np.float32]


def hits(seed: int, channels: int = 1, length_s: float = 2.0) -> Audio:
    """Decaying bursts of noise, at other times for each seed."""
    rng = np.random.default_rng(seed)
    frames = round(length_s * RATE_HZ)
    place = (np.arange(frames) + seed * 3000) % 11_000
    return (rng.standard_normal((channels, frames)) * np.exp(-place / 2500) * 0.3).astype(np.float32)


STEMS = {"Kick": hits(1), "Snare": hits(2), "Vox": hits(3, channels=2)}
SQUASHED = Strip(
    compressor=Compressor(threshold_db=-30, ratio=6, attack_ms=1, release_ms=80, lookahead_ms=3),
    saturation=Saturation(drive=3),
    fader_db=-2,
)


def tracks(**more: object) -> tuple[Track, ...]:
    return (
        Track(name="Kick", bus="Drums"),
        Track(name="Snare", bus="Drums", strip=Strip(pan=0.4)),
        Track(name="Vox", **more),  # type: ignore[arg-type]
    )


def test_a_neutral_group_changes_nothing() -> None:
    grouped = render_arrays(STEMS, RATE_HZ, Preset(tracks=tracks(), buses=(GroupBus(name="Drums"),)))
    loose = render_arrays(STEMS, RATE_HZ, Preset(tracks=tuple(t.model_copy(update={"bus": None}) for t in tracks())))
    np.testing.assert_allclose(grouped.mix, loose.mix, atol=1e-6)


def test_a_group_is_its_tracks_through_its_strip_and_in_time() -> None:
    """Its look-ahead and oversampling must not make it late."""
    preset = Preset(tracks=tracks(), buses=(GroupBus(name="Drums", strip=SQUASHED),))
    rendered = render_arrays(STEMS, RATE_HZ, preset)
    drums = rendered.stems["Kick"] + rendered.stems["Snare"]
    alone = render_arrays({"Drums": drums}, RATE_HZ, Preset(tracks=(Track(name="Drums", strip=SQUASHED),)))
    np.testing.assert_allclose(rendered.buses["Drums bus"], alone.mix, atol=2e-6)
    np.testing.assert_allclose(rendered.mix, rendered.stems["Vox"] + rendered.buses["Drums bus"], atol=2e-6)
    np.testing.assert_allclose(rendered.bus, rendered.mix, atol=1e-6)


def test_stems_of_a_group_are_those_without_it() -> None:
    plain = render_arrays(STEMS, RATE_HZ, Preset(tracks=tuple(t.model_copy(update={"bus": None}) for t in tracks())))
    grouped = render_arrays(STEMS, RATE_HZ, Preset(tracks=tracks(), buses=(GroupBus(name="Drums", strip=SQUASHED),)))
    for name, stem in plain.stems.items():
        np.testing.assert_array_equal(grouped.stems[name], stem)


def test_a_muted_group_is_silent_with_its_sends() -> None:
    wet = tuple(t.model_copy(update={"strip": Strip(reverb_send_db=0)}) for t in tracks())
    buses = (GroupBus(name="Drums", strip=Strip(reverb_send_db=0), mute=True),)
    rendered = render_arrays(STEMS, RATE_HZ, Preset(tracks=wet, buses=buses))
    alone = render_arrays({"Vox": STEMS["Vox"]}, RATE_HZ, Preset(tracks=wet[2:]))
    np.testing.assert_allclose(rendered.mix[:, : alone.mix.shape[1]], alone.mix, atol=1e-6)


def test_sends_of_tracks_and_groups_reach_the_effects_in_time() -> None:
    """A group's latency must not move its tracks' sends."""
    sent = (Track(name="Kick", bus="Drums", strip=Strip(delay_send_db=-3)),)
    delay = Delay(time_ms=100, feedback=0, low_cut_hz=20, high_cut_hz=22_000)
    clicks = np.zeros((1, RATE_HZ), np.float32)
    clicks[0, 1000] = 0.5
    groups = (GroupBus(name="Drums", strip=SQUASHED.model_copy(update={"saturation": Saturation()})),)
    rendered = render_arrays({"Kick": clicks}, RATE_HZ, Preset(tracks=sent, buses=groups, delay=delay))
    assert int(np.abs(rendered.buses["delay return"][0]).argmax()) == 1000 + 4410
    assert int(np.abs(rendered.stems["Kick"][0]).argmax()) == 1000


def test_what_is_sent_comes_back_as_a_bus_of_its_own() -> None:
    strip = Strip(reverb_send_db=-6, delay_send_db=-9, fx_send_db=-12)
    preset = Preset(
        tracks=(Track(name="Vox", strip=strip),), delay=Delay(reverb_send_db=-6), reverb=Reverb(decay_mid_s=0.5)
    )
    rendered = render_arrays({"Vox": STEMS["Vox"]}, RATE_HZ, preset)
    assert list(rendered.buses) == ["fx return", "reverb return", "delay return"]
    parts = [*rendered.stems.values(), *rendered.buses.values()]
    np.testing.assert_allclose(np.sum(parts, axis=0), rendered.mix, atol=1e-6)
    assert rendered.mix.shape[1] > STEMS["Vox"].shape[1] + RATE_HZ
    assert np.isfinite(rendered.mix).all()
    assert np.abs(rendered.mix[:, -1000:]).max() < 1e-3


def test_echoes_alone_can_feed_the_room() -> None:
    strip = Strip(delay_send_db=0)
    quiet, roomy = (
        render_arrays(
            {"Vox": STEMS["Vox"]},
            RATE_HZ,
            Preset(tracks=(Track(name="Vox", strip=strip),), delay=Delay(reverb_send_db=level_db)),
        )
        for level_db in (-80, 0)
    )
    assert list(quiet.buses) == ["delay return"]
    assert np.abs(roomy.buses["reverb return"]).max() > 0.01


def test_linked_tracks_are_compressed_and_gated_together() -> None:
    """As the two sides of one stereo track, so that the picture does not move."""
    strip = Strip(
        gate=Gate(threshold_db=-40, range_db=30),
        eq=Equalizer(high_shelf=EqBand(gain_db=3)),
        compressor=Compressor(threshold_db=-30, ratio=5, attack_ms=2, release_ms=60),
    )
    left, right = hits(5), hits(6) * np.float32(0.2)
    sides = (("OH L", left, -1.0), ("OH R", right, 1.0))
    preset = Preset(
        tracks=tuple(Track(name=name, link="OH", strip=strip.model_copy(update={"pan": pan})) for name, _, pan in sides)
    )
    linked = render_arrays({name: audio for name, audio, _ in sides}, RATE_HZ, preset)
    stereo = render_arrays(
        {"OH": np.concatenate([left, right])}, RATE_HZ, Preset(tracks=(Track(name="OH", strip=strip),))
    )
    np.testing.assert_allclose(linked.mix, stereo.mix, atol=1e-6)
    loose = render_arrays(
        {name: audio for name, audio, _ in sides},
        RATE_HZ,
        preset.model_copy(update={"tracks": tuple(t.model_copy(update={"link": None}) for t in preset.tracks)}),
    )
    assert np.abs(loose.mix - linked.mix).max() > 0.01


def test_stages_that_are_off_cost_no_sample() -> None:
    """A preset that uses none of the newer stages sounds as before, bit for bit."""
    mix = render_arrays(STEMS, RATE_HZ, Preset(tracks=tuple(Track(name=name) for name in STEMS), master=Master()))
    want = sum(
        np.repeat(audio * np.float32(np.sqrt(0.5)), 2, axis=0) if len(audio) == 1 else audio for audio in STEMS.values()
    )
    np.testing.assert_allclose(mix.mix, want, atol=1e-6)
    assert not mix.buses


@pytest.mark.parametrize("rate_hz", [8_000, 192_000])
def test_all_of_it_at_extreme_rates(rate_hz: int) -> None:
    strip = SQUASHED.model_copy(update={"reverb_send_db": -6.0, "delay_send_db": -6.0})
    preset = Preset(
        tracks=tuple(t.model_copy(update={"strip": strip}) for t in tracks()),
        buses=(GroupBus(name="Drums", strip=strip),),
    )
    rendered = render_arrays({name: audio[:, :20_000] for name, audio in STEMS.items()}, rate_hz, preset)
    assert np.isfinite(rendered.mix).all()
    assert 0.001 < np.abs(rendered.mix).max() < 20
