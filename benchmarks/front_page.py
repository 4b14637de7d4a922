"""Measures the shipped example before and after, and draws docs/before-after.svg for the front page.

    python benchmarks/front_page.py docs/before-after.svg

Before: the raw tracks, summed as they are, at the mix's loudness. After: `mixbridge mix` with its defaults. Both, and
the reference, are compared by spectrum (Bark bands) and by the feature distance of docs/quality.md. Needs matplotlib.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import mixbridge
import numpy as np
from mixbridge.bridge.cli.demo import example
from mixbridge.runtime.audio.loudness import integrated_loudness
from mixbridge.runtime.audio.reading import as_stereo, probe, read_passage
from mixbridge.runtime.model.features import FFT_SIZE, Features, bark_filters, feature_distance, mix_features

LUFS = -14.0
RATE_HZ = 44100


def main() -> None:
    """Measure, print and draw."""
    page = Path(sys.argv[1])
    with example() as session, tempfile.TemporaryDirectory() as folder:
        mixbridge.mix(session.stems, session.reference, Path(folder) / "mix")
        after = sound(Path(folder) / "mix" / "mix.wav")
        before = np.sum([sound(path) for path in session.stems.values()], axis=0)
        reference = sound(session.reference)
    found = {
        name: mix_features(levelled(audio))
        for name, audio in (("raw tracks", before), ("mix", after), ("reference", reference))
    }
    for name in ("raw tracks", "mix"):
        distance = feature_distance(found[name], found["reference"])
        print(f"{name}: distance to the reference {distance.total:.4f}")
    for name, features in found.items():
        print(f"{name}: crest {features.crest_db.mean():.1f} dB, width {features.width:.3f}")
    draw(found, page)


def sound(path: Path) -> np.ndarray:
    """Read a whole file, shape (2, samples)."""
    info = probe(path)
    return as_stereo(read_passage(path, 0.0, info.duration_s, RATE_HZ))


def levelled(audio: np.ndarray) -> np.ndarray:
    """Bring audio to the loudness of comparison."""
    return (audio * 10 ** ((LUFS - integrated_loudness(audio, RATE_HZ)) / 20)).astype(np.float32)


def centres_hz() -> np.ndarray:
    """Give the frequency at the middle of each Bark band."""
    filters = bark_filters(RATE_HZ)
    weights = filters if filters.shape[-1] == FFT_SIZE // 2 + 1 else filters.T
    freqs_hz = np.arange(weights.shape[-1]) * RATE_HZ / FFT_SIZE
    return (weights * freqs_hz).sum(-1) / weights.sum(-1)


def draw(found: dict[str, Features], page: Path) -> None:
    """Draw the spectra of middle and sides."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    styles = {"raw tracks": ("0.6", "-"), "mix": ("#c2410c", "-"), "reference": ("#2563a8", "--")}
    for axes, channel, title in ((left, 0, "middle (left + right)"), (right, 1, "sides (left - right)")):
        for name, features in found.items():
            colour, line = styles[name]
            level_db = 20 / np.log(10) * features.bark[:, channel]
            axes.semilogx(centres_hz(), level_db, color=colour, linestyle=line, label=name)
        axes.set(title=title, xlabel="Hz")
        axes.grid(alpha=0.3)
    left.set_ylabel("level, dB")
    left.legend()
    figure.savefig(page, metadata={"Date": None})


if __name__ == "__main__":
    main()
