"""The page of :mod:`published`: what each side took, and where the time goes."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass

from measure import MEBIBYTE, Spread
from page import Goal, goals_table, spread, table
from session import STEMS

RATE_HZ = 44100
WINDOW = 262144
# Look-ahead, the ringing of filters and of compressors, and a crossfade: what windows share, as little as can be.
WARM_UP, CROSSFADE = 12288, 4096
_GOAL, _ALLOWED_BY_CHAIN = 22.0, 24.0


@dataclass(frozen=True)
class Side:
    """What one way of mixing took, each time it was run.

    Attributes:
        seconds: of processor time, in all.
        parts: of it, by what was done; the median.
        peak_bytes: of memory.
        distance: of the mix from the reference, by features at equal loudness; None where there is no mix.
        files: that were written.
    """

    seconds: Spread
    parts: Mapping[str, float]
    peak_bytes: int
    distance: float | None
    files: int


def published_page(
    length_s: float, load: float, ours: Side, alone: Side, chain: Side, deciding: Side, published: Side, flat: float
) -> str:
    """Write the page; `flat` is the distance of all tracks equally loud."""
    against, against_alone, allowed = (published.seconds.median / side.seconds.median for side in (ours, alone, chain))
    predicts_s = published.parts["predicts"]
    anew_s = published.seconds.median + (_windows(length_s) - 1) * predicts_s
    goals = [
        Goal("published way against `mix` with its stems", against, _GOAL, at_most=False),
        Goal("published way against `mix --no-stems`, which writes as much", against_alone, _GOAL, at_most=False),
    ]
    sides = (
        ("published way", published),
        ("`mix`", ours),
        ("`mix --no-stems`", alone),
        ("bare pedalboard", chain),
    )
    rows = [
        (
            name,
            spread(side.seconds),
            f"{published.seconds.median / side.seconds.median:.1f} x",
            f"{side.peak_bytes / MEBIBYTE:.0f} MiB",
            str(side.files),
            "" if side.distance is None else f"{side.distance:.3f}",
        )
        for name, side in sides
    ]
    channels = sum(sound.channels for sound in STEMS)
    parts = [
        "# A whole song, against the published way",
        f"Made by `python benchmarks/published.py`, {time.strftime('%Y-%m-%d')}, on {os.cpu_count()} cores with "
        f"load {load:.1f}: processor times of all threads, of fresh processes, imports left out.",
        goals_table(goals),
        f"Eight stems ({channels} channels) of {length_s:g} s at 44.1 kHz, 24 bit, and a reference as long; "
        "noise and tones of `session.py`.",
        table(("", "processor time", "published / this", "peak memory", "files", "feature distance"), rows),
        f"**The distance of the published way means nothing**: its weights are random, since none are public, so "
        f"its settings lie about the middle of their ranges. All tracks equally loud in the middle are {flat:.3f} "
        "from the reference. The time does not depend on weights. How good mixbridge's mixes are, is judged in "
        "`docs/quality.md`.",
        "- **The published way**: the architecture of Diff-MST in torch eager (190.9 million parameters, as this "
        "project builds it to load its checkpoints) hears one passage of 262,144 samples of each channel at -48 "
        "LUFS and of the reference, once; then dasp-pytorch's gain, EQ, compressor and panner, and the same on "
        f"the master, mix windows of that length, which share {WARM_UP + CROSSFADE:,} samples for look-ahead, "
        "ringing and a crossfade. It has no fx bus (never trained), no loudness, no ceiling, and writes the mix "
        "alone. One thread, without gradients.",
        "- **`mix`** hears the whole song, decides, fits a master, renders, brings the mix to -14 LUFS and -1 "
        "dBTP, and writes it with all processed stems.",
        "- **Bare pedalboard** runs `Gain`, six filters, `Compressor` and `Gain` with the settings that `mix` "
        "chose, pans, and writes stems and sum; it hears and decides nothing.",
        "## Where the time goes",
        f"Bare pedalboard alone would allow {allowed:.1f} x, so {_GOAL:g} x cannot be had against a published way that "
        f"predicts once (it had been thought that {_ALLOWED_BY_CHAIN:g} x were allowed). One that predicts in each of "
        f"its {_windows(length_s)} windows anew would take {_windows(length_s)} times its {predicts_s:.1f} s for that: "
        f"{anew_s:.0f} s in all, {anew_s / ours.seconds.median:.0f} x `mix`, reckoned from what is below, not run.",
        "The published way:",
        _parts(published),
        "`mix`:",
        _parts(ours),
        "What it does before the first track is rendered for good, measured in a process in which one thing is "
        f"done after another ({deciding.seconds.median:.1f} s in all):",
        _parts(deciding),
    ]
    return "\n\n".join(parts) + "\n"


def _windows(length_s: float) -> int:
    """How many windows a song takes."""
    beyond = max(0, round(length_s * RATE_HZ) - WINDOW)
    return 1 + math.ceil(beyond / (WINDOW - WARM_UP - CROSSFADE))


def _parts(side: Side) -> str:
    whole = sum(side.parts.values())
    rows = [(name, f"{value:.2f} s", f"{100 * value / whole:.0f} %") for name, value in side.parts.items()]
    return table(("step", "processor time", "share"), rows)
