"""A finished mix among its own tracks is found by name and sound, and left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pedalboard
import pytest
import soundfile as sf
from mixbridge import PredictOptions, mix
from mixbridge.runtime.roles.bounces import find_bounces

RATE_HZ = 44_100


def part(freq_hz: float, rate_hz: float, seed: int) -> np.ndarray:
    """Notes that begin and end, with a little noise."""
    time_s = np.arange(6 * RATE_HZ) / RATE_HZ
    envelope = np.exp(-8 * ((time_s * rate_hz) % 1.0)) * (np.sin(2 * np.pi * 0.3 * (time_s + seed)) > -0.5)
    noise = np.random.default_rng(seed).standard_normal(len(time_s)) * 0.02
    return (
        (np.sin(2 * np.pi * freq_hz * time_s) + 0.5 * np.sin(6 * np.pi * freq_hz * time_s) + noise) * envelope * 0.2
    ).astype(np.float32)


PARTS = {"Kick": part(80, 2, 0), "Gtr": part(330, 3.1, 1), "Lead Vox": part(700, 1.3, 2), "Shaker": part(5000, 8, 3)}


def write(folder: Path, tracks: dict[str, np.ndarray]) -> dict[str, Path]:
    """Files by name."""
    for name, audio in tracks.items():
        sf.write(folder / f"{name}.wav", audio.T, RATE_HZ)
    return {name: folder / f"{name}.wav" for name in tracks}


def mastered(names: list[str], delay: int = 0) -> np.ndarray:
    """A mix of parts, panned, equalized, compressed, limited."""
    total = sum(np.outer([0.9, 0.5 + 0.1 * at], PARTS[name] * (0.5 + 0.4 * at)) for at, name in enumerate(names))
    board = pedalboard.Pedalboard(
        [
            pedalboard.HighShelfFilter(4000, 4),
            pedalboard.Compressor(-25, 3),
            pedalboard.Reverb(room_size=0.3, wet_level=0.1),
            pedalboard.Limiter(-1),
        ]
    )
    return np.roll(board(np.asarray(total, np.float32), RATE_HZ), delay, axis=1)


@pytest.mark.parametrize("name", ["Song MASTER", "mixdown", "Final Mix 3", "premaster"])
def test_a_mastered_mix_of_the_others_is_found(tmp_path: Path, name: str) -> None:
    found = find_bounces(write(tmp_path, {**PARTS, name: mastered(list(PARTS), delay=900)}))
    assert set(found) == {name}
    assert f'--role "{name}=full mix"' in found[name]


def test_an_instrumental_beside_voices_stays(tmp_path: Path) -> None:
    voices = {"Lead Vox": PARTS["Lead Vox"], "Backing Vox": part(900, 1.1, 7)}
    assert not find_bounces(write(tmp_path, {**voices, "Beat 2mix": mastered(["Kick", "Gtr", "Shaker"])}))


def test_another_song_silence_and_a_track_alone_stay(tmp_path: Path) -> None:
    other = np.stack([part(250, 4.3, 11) + part(1500, 0.7, 12)] * 2)
    assert not find_bounces(write(tmp_path, {**PARTS, "Rough Mix": other}))
    assert not find_bounces(write(tmp_path, {**PARTS, "Rough Mix": np.zeros((2, 2 * RATE_HZ), np.float32)}))
    assert not find_bounces(write(tmp_path, {"Lead Vox": PARTS["Lead Vox"], "Mix": mastered(["Lead Vox"])}))


def test_who_says_what_it_is_wants_it(tmp_path: Path) -> None:
    stems = write(tmp_path, {**PARTS, "Mixdown": mastered(list(PARTS))})
    assert not find_bounces(stems, {"Mixdown": "full mix"})


def test_it_is_in_the_preset_muted_and_not_in_the_mix(tmp_path: Path) -> None:
    stems = write(tmp_path, {"Kick": PARTS["Kick"], "Mixdown": mastered(list(PARTS)), **PARTS})
    reference = tmp_path / "reference.flac"
    sf.write(reference, mastered(["Gtr", "Kick"]).T, RATE_HZ)
    done = mix(stems, reference, tmp_path / "out", options=PredictOptions())
    names = [track.name for track in done.preset.tracks]
    assert names == list(stems)
    left_out = done.preset.tracks[1]
    assert left_out.mute
    assert "finished mix of the other tracks" in (left_out.note or "")
    assert "Mixdown" not in done.stem_paths
    again = mix({name: path for name, path in stems.items() if name != "Mixdown"}, reference, tmp_path / "without")
    assert sf.read(again.mix_path)[0] == pytest.approx(sf.read(done.mix_path)[0], abs=1e-6)


def test_a_printed_bus_beside_its_tracks_is_left_out(tmp_path: Path) -> None:
    drums = {"Kick": PARTS["Kick"], "Snare": part(200, 1, 8), "Hats": PARTS["Shaker"]}
    bus = np.stack([sum(drums.values()), 0.8 * sum(drums.values())])
    others = {"Gtr": PARTS["Gtr"], "Lead Vox": PARTS["Lead Vox"]}
    found = find_bounces(write(tmp_path, {**drums, **others, "DRUM BUS_print": bus}))
    assert set(found) == {"DRUM BUS_print"}
    assert "a bus of 3 other tracks" in found["DRUM BUS_print"]
    # Without its tracks, or where it is of other ones, it is wanted; and what is called no bus is none.
    assert not find_bounces(write(tmp_path, {**others, "Kick": drums["Kick"], "DRUM BUS_print": bus}))
    loop = np.stack([part(440, 5, 3), part(880, 4, 6)])
    assert not find_bounces(write(tmp_path, {**drums, **others, "DRUM BUS_print": loop}))
    assert not find_bounces(write(tmp_path, {**drums, **others, "Drums": bus}))
