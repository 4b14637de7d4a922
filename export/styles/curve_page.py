"""Points of the learning curve: their record, which a study goes on from, and the page in Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np

TITLE: Final = "# How many pairs a style needs"
COUNTS: Final = (10, 25, 50, 100, 200, 300)
DEFAULT_MODEL: Final = "default model"
KNOWN: Final = "known"
RECOVERED: Final = "recovered"


@dataclass(frozen=True)
class CurvePoint:
    """What one way was worth after so many pairs of one engineer.

    Attributes:
        engineer: number.
        settings: whether they were known or recovered.
        count: of pairs; 0 for what learns from none.
        way: name.
        share: mean of the held-out distances in parts of those of the raw tracks.
        distance: mean STFT distance.
        features: mean feature distance.
        held_out: pairs.
        learn_s: processor time of learning; 0 where it takes no time to speak of.
        size_bytes: of what was learned; 0 where it is numbers that nobody counts.
    """

    engineer: int
    settings: str
    count: int
    way: str
    share: float
    distance: float
    features: float
    held_out: int
    learn_s: float = 0.0
    size_bytes: int = 0


@dataclass(frozen=True)
class CurveStudy:
    """What is measured.

    Attributes:
        corpus: of `mixbridge model corpus`: raw voices to learn from in train/, to judge on in test/.
        counts: of pairs.
        engineers: how many.
        held_out: pairs of each that are judged on.
        recovered: largest count for which settings are recovered, of the first engineer; 0 for none.
        seconds: length of a track.
        seed: of all that is chance.
        trained_counts: of pairs, for what is trained; of the first engineer.
    """

    corpus: Path
    counts: tuple[int, ...] = COUNTS
    engineers: int = 3
    held_out: int = 16
    recovered: int = 25
    seconds: float = 8.0
    seed: int = 0
    trained_counts: tuple[int, ...] = ()


def page_text(points: Sequence[CurvePoint], study: CurveStudy) -> str:
    """Write the page in Markdown."""
    ways = list(dict.fromkeys(point.way for point in points if point.count))
    lines = [
        f"| pairs | settings | {' | '.join(ways)} | house in parts of mean |",
        f"|---|---|{'---|' * len(ways)}---|",
    ]
    for settings in (KNOWN, RECOVERED):
        for count in sorted({point.count for point in points if point.settings == settings and point.count}):
            cells = [_cell(points, settings, count, way) for way in ways]
            lines.append(f"| {count} | {settings} | {' | '.join(cells)} | {_beside(points, settings, count)} |")
    plain = _shares(points, KNOWN, 0, DEFAULT_MODEL)
    costs = _costs(points)
    beside = f"The default model with mixed voices of the engineer as reference: {np.mean(plain):.2f}." if plain else ""
    return f"""{TITLE}

Made by `mixbridge model curve CORPUS`. {study.engineers} hidden engineers, whose habits are draws from the Gaussian
over 385 real vocal chains, set raw voices of {study.seconds:g} s: by level, spectrum and dynamics of each, and with
chance. Each way learns from so many pairs and is judged on {study.held_out} tracks of voices that it has not heard:
STFT distance of what it renders to the engineer's mix, in parts of the distance of the raw track at the mix's loudness
(mean over tracks; in brackets the range over engineers). Settings are *known* (as the engineer set them) or *recovered*
from the audio by `mixbridge recover`, of the first engineer.

{chr(10).join(lines)}

{beside}
{costs}"""


def _costs(points: Sequence[CurvePoint]) -> str:
    """Writes what trained ways cost, as a table; nothing where there are none."""
    rows = [
        f"| {point.way} | {point.count} | {point.learn_s:.0f} s | {point.size_bytes / 1e6:.1f} MB |"
        for point in sorted(points, key=lambda each: (each.way, each.count))
        if point.learn_s and point.settings == KNOWN
    ]
    if not rows:
        return ""
    head = "\n| trained | pairs | processor time of learning (recovering not in it) | size |\n|---|---|---|---|\n"
    return head + "\n".join(rows) + "\n"


def _shares(points: Sequence[CurvePoint], settings: str, count: int, way: str) -> list[float]:
    key = settings, count, way
    return [point.share for point in points if (point.settings, point.count, point.way) == key]


def _cell(points: Sequence[CurvePoint], settings: str, count: int, way: str) -> str:
    shares = _shares(points, settings, count, way)
    if not shares:
        return "-"
    spread = f" ({min(shares):.2f} to {max(shares):.2f})" if len(shares) > 1 else ""
    return f"{np.mean(shares):.2f}{spread}"


def _beside(points: Sequence[CurvePoint], settings: str, count: int) -> str:
    house, mean = (_shares(points, settings, count, way) for way in ("house", "mean"))
    return f"{np.mean(house) / np.mean(mean):.2f}" if house and mean else "-"


def keep_point(record: Path, point: CurvePoint) -> None:
    """Adds a point to the record."""
    record.parent.mkdir(parents=True, exist_ok=True)
    torn = record.is_file() and not record.read_bytes().endswith(b"\n")
    with record.open("a", encoding="utf-8") as lines:
        # Of a run that was killed while it wrote.
        lines.write(("\n" if torn else "") + json.dumps(asdict(point)) + "\n")


def recorded_points(record: Path) -> Iterator[CurvePoint]:
    """Reads the points of a record; one that was not written to its end is left out."""
    if not record.is_file():
        return
    for line in record.read_text(encoding="utf-8").splitlines():
        try:
            yield CurvePoint(**json.loads(line))
        except (ValueError, TypeError):
            continue  # the last line of a run that was killed
