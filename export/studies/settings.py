"""Describes the settings drawn for training, in pictures and percentiles: `docs/settings.md`.

`mixbridge model settings -o docs/settings.md` writes the page anew after :mod:`..compact.layout` has changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ...presets.console import EQ_BANDS
from ...presets.roles import ROLES
from ..compact.band_console import TRACK_LEVEL_LUFS, balance_gain_db
from ..compact.human_draw import human_settings
from ..compact.layout import random_settings
from ..whole_files import check_page, write_picture, write_text

_SESSIONS, _TRACKS = 4000, 10
_CUT_DB = -3.9
_PERCENTILES = (1, 10, 25, 50, 75, 90, 99)
_LOG_TICKS = (1.5, 2, 3, 4, 5, 10, 20, 50, 100, 200, 500)
TITLE = "# The settings that training draws"
_TEXT = """\
{title}

The model learns from mixes whose settings are known because they were drawn at random. What is drawn decides what it
expects of a mix. Four sessions in five are mixed **as people mix**, by role, with the quantiles of 1,621 tracks of 64
mixes (`presets/roles.py`, `export/compact/human_draw.py`; MixologyDB, Michael Clemens 2023, MIT):

- **Levels** around the role's median against the whole mix, with half of its spread over mixes.
- **Pans**: what is centred (kick, snare, bass, lead vocal, speech) within 0.06 of the middle; the rest by the
  quantiles of its role, the second track of a role on the other side.
- **EQ** bands, high shelves, low cuts (a low shelf of -4 to -12 dB) and **compressors** as often and as strong as the
  role has them.
- **What a session has in common** is drawn once for it: bright or dark, wide or narrow, dense or dynamic; voices,
  drums and lows up or down; a careful (40 %), usual (45 %) or bold (15 %) hand.

{by_role}

One session in five is mixed **as nobody does**, so that odd references are met, too (`export/compact/layout.py`; the
table and the picture below):

- **A hand for each session**: careful (40 %), usual (40 %) or extreme (20 %), which scales EQ gains and the spread of
  the faders by 0.6, 1 or 1.4.
- **Faders** spread by 4 to 9 dB (standard deviation) around equal loudness, times the hand.
- **EQ**: half of the bands are in use; their gains have a standard deviation of 5 dB on tracks and 1.8 dB on the
  master, times the hand; frequencies and Q anywhere in the band's range, on a logarithmic scale.
- **Habits** in 70 % of the sessions: what lives in the lows (centroid below 250 Hz: kick, bass) gets no treble shelf,
  what lives in the highs (above 4 kHz: hats, cymbals) no bass shelf.
- **Compressors** on 60 % of the tracks and half of the masters, ratio 1.3 to 6, thresholds 10 dB below to 12 dB above
  the track's own loudness, so that about half of them work lightly and some hard; attack 1 to 80 ms, release 30 to
  600 ms.
- **Pan**: in a third of the sessions by role (lows and a quarter of the rest at the centre), else anywhere, leaning
  to the sides; stereo tracks are balanced by less.

References of training are such mixes of another passage of the same session (three in four), or, with no settings to
be found again, the mix of another session or a finished song: those, the model only has to come close to. One in ten
ends at 16 kHz, as lossy files do; a few are mono. Beside such a foreign reference settings also cost what they are
away from what people do with the role. What a track is, the model is told for three tracks in four, and now and then
wrongly.

![What is drawn]({image})

"""

Values = NDArray[np.float64]


def run(page: Path) -> list[Path]:
    """Writes the page, and its picture beside it.

    Returns:
        The files written.

    Raises:
        OutputError: they cannot be written, or are there and none of ours.
    """
    image = page.with_suffix(".png")
    check_page(page, TITLE, [image])
    drawn = draw()
    header = "| setting | " + " | ".join(f"{p} %" for p in _PERCENTILES) + " |"
    rows = [header, "|---" * (len(_PERCENTILES) + 1) + "|"]
    for name, values in drawn.items():
        cells = (f"{value:.3g}" for value in np.percentile(values, _PERCENTILES))
        rows.append(f"| {name} | " + " | ".join(cells) + " |")
    text = _TEXT.format(title=TITLE, image=image.name, by_role="\n".join(_by_role()))
    write_text(page, text + "\n".join(rows) + "\n")
    picture(drawn, image)
    return [page, image]


def _by_role() -> list[str]:
    """Gives a table of what is drawn for the tracks of each role in a session that has one of each."""
    roles = torch.arange(len(ROLES)).expand(_SESSIONS, -1)
    strips, _ = human_settings(roles, torch.ones_like(roles, dtype=torch.bool), torch.Generator().manual_seed(0))
    level_db = strips["fader_db"] + balance_gain_db(strips["fader_db"], torch.ones_like(roles))[:, None]
    lines = [
        "| role | level of the mix, dB 10 / 50 / 90 % | distance from the middle 50 / 90 % | compressed | low cut |",
        "|---|---|---|---|---|",
    ]
    for index, role in enumerate(ROLES):
        level = np.percentile(level_db[:, index], (10, 50, 90))
        pan = np.percentile(strips["pan"][:, index].abs(), (50, 90))
        compressed = float((strips["compressor.ratio"][:, index] > 1.01).float().mean())
        cut = float((strips["eq.low_shelf.gain_db"][:, index] < _CUT_DB).float().mean())
        lines.append(
            f"| {role} | {level[0]:.0f} / {level[1]:.0f} / {level[2]:.0f} | {pan[0]:.2f} / {pan[1]:.2f} "
            f"| {compressed:.0%} | {cut:.0%} |"
        )
    return lines


def draw() -> dict[str, Values]:
    """Draws settings of 4,000 sessions of ten tracks: two in the lows, two in the highs, a third stereo."""
    generator = torch.Generator().manual_seed(0)
    track_number = torch.arange(_TRACKS).expand(_SESSIONS, -1)
    mono = torch.rand(track_number.shape, generator=generator) < 2 / 3
    strips, master = random_settings(track_number < 2, mono, generator, track_number >= _TRACKS - 2)
    works = strips["compressor.ratio"] > 1.01
    groups = {
        "fader, dB": strips["fader_db"],
        "track EQ gain where in use, dB": _gains(strips),
        "master EQ gain where in use, dB": _gains(master),
        "pan of mono tracks": strips["pan"][mono],
        "compressor ratio where in use": strips["compressor.ratio"][works],
        "threshold over the track's loudness, dB": strips["compressor.threshold_db"][works] - TRACK_LEVEL_LUFS,
        "attack, ms": strips["compressor.attack_ms"],
        "release, ms": strips["compressor.release_ms"],
    }
    return {name: value.flatten().double().numpy() for name, value in groups.items()}


def picture(drawn: Mapping[str, Values], path: Path) -> None:
    """Draws histograms, as PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 5), layout="constrained")
    for axes, (name, values) in zip(figure.subplots(2, 4).flat, drawn.items(), strict=True):
        logarithmic = name.endswith("ms") or "ratio" in name
        low, high = np.percentile(values, (0.2, 99.8))
        bins = np.geomspace(low, high, 41) if logarithmic else np.linspace(low, high, 41)
        axes.hist(values, bins=bins, color="C0")
        axes.set(title=name, yticks=[], xscale="log" if logarithmic else "linear")
        if logarithmic:
            ticks = [tick for tick in _LOG_TICKS if low <= tick <= high]
            axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
            axes.minorticks_off()
        axes.title.set_fontsize(9)
        axes.grid(alpha=0.3)
    write_picture(path, figure, 110)


def _gains(settings: Mapping[str, torch.Tensor]) -> torch.Tensor:
    gains = torch.stack([settings[f"eq.{band}.gain_db"] for band in EQ_BANDS])
    return gains[gains.abs() > 1e-3]
