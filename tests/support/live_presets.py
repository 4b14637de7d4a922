"""Presets for the live console that use its parts, and sound to send through them."""

from __future__ import annotations

import numpy as np
from busy_console import BUSY, BUSY_MASTER, noise
from mixbridge.presets.console import (
    Compressor,
    DeEsser,
    EqBand,
    Equalizer,
    Gate,
    LowCut,
    Master,
    Reverb,
    Saturation,
    Strip,
)
from mixbridge.presets.parts.match import MatchCurve, ToneCurve, WidthCurve
from mixbridge.presets.preset import GroupBus, Preset, Track
from numpy.typing import NDArray

Audio = NDArray[np.float32]
RATE_HZ = 48000
CHANNELS = (1, 2, 1, 1)

BRIGHT = Strip(
    low_cut=LowCut(freq_hz=80),
    eq=Equalizer(high_shelf=EqBand(gain_db=4, freq_hz=7000), band1=EqBand(gain_db=3, freq_hz=2500)),
    compressor=Compressor(threshold_db=-24, ratio=3, knee_db=6),
    deesser=DeEsser(range_db=6, threshold_db=-30),
    fader_db=-2,
    pan=0.3,
)
GATED = Strip(
    gate=Gate(threshold_db=-30, range_db=20), saturation=Saturation(drive=1.5, mix=0.5), compressor=Compressor(ratio=2)
)
LINKED = Strip(compressor=Compressor(threshold_db=-20, ratio=2), pan=-1)
CURVE = MatchCurve(tone=ToneCurve(hz_100_db=3, hz_4000_db=-4), width=WidthCurve(hz_1000_db=2))
GROUP = Strip(compressor=Compressor(threshold_db=-20, ratio=2, lookahead_ms=3), fader_db=1)


def dry_preset() -> Preset:
    """Four tracks, one stereo, two linked, a group: without effects."""
    return Preset(
        tracks=(
            Track(name="Vox", strip=BRIGHT),
            Track(name="Keys", strip=BUSY, bus="Band"),
            Track(name="OH L", strip=LINKED, link="OH", bus="Band"),
            Track(name="OH R", strip=LINKED.model_copy(update={"pan": 1.0}), link="OH", bus="Band"),
        ),
        buses=(GroupBus(name="Band", strip=GROUP),),
        master=BUSY_MASTER,
    )


def wet_preset() -> Preset:
    """The same with a gate, a saturation, sends to a room, and a match curve on the master; no EQ behind the room."""
    preset = dry_preset()
    tracks = list(preset.tracks)
    tracks[0] = tracks[0].model_copy(update={"strip": BRIGHT.model_copy(update={"reverb_send_db": -12.0})})
    tracks[1] = tracks[1].model_copy(update={"strip": GATED})
    return preset.model_copy(
        update={"tracks": tuple(tracks), "reverb": Reverb(decay_mid_s=0.6), "master": Master(match=CURVE)}
    )


def stems(frames: int = RATE_HZ) -> dict[str, Audio]:
    """Noise that swells and falls, for the tracks of the presets here."""
    swell = np.abs(np.sin(np.arange(frames) / 6000)).astype(np.float32)
    names = [track.name for track in dry_preset().tracks]
    return {
        name: noise(frames, count, seed) * swell for seed, (name, count) in enumerate(zip(names, CHANNELS, strict=True))
    }
