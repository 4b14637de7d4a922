"""The summary of a batch: one HTML file in the output. Player, levels and confidence of each mix, and what failed.

It runs no script and needs no network; players load a mix when it is played.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from ...presets.version import __version__
from ...runtime.audio.output import output_file, write_text
from ...runtime.batch.ledger import LedgerEntry, Status, read_status
from ..report.pages import page_templates

PAGE: Final = "index.html"
_REPORT: Final = "report.html"


@dataclass(frozen=True)
class MixRow:
    """What the page shows of a mix.

    Attributes:
        name: of the item.
        audio: address of the mix, relative to the page.
        report: address of its report; empty if there is none.
        loudness: in LUFS, in words.
        peak: highest true peak, in words.
        limited: how far the limiter turned down, in words.
        confidence: of the prediction, in words.
        length: of the mix, in words.
        warnings: what should be known.
    """

    name: str
    audio: str
    report: str
    loudness: str
    peak: str
    limited: str
    confidence: str
    length: str
    warnings: Sequence[str]


def write_page(output: Path) -> Path:
    """Write the summary of a batch into its output.

    Raises:
        OutputError: there is no ledger, or the page cannot be written.
    """
    path = output / PAGE
    text = make_page(output, read_status(output))
    with output_file(path, overwrite=True) as unfinished:
        write_text(unfinished, text)
    return path


def make_page(output: Path, status: Status) -> str:
    """Make the summary of a batch, as HTML."""
    entries = sorted(status.entries.values(), key=lambda entry: entry.name.casefold())
    environment = page_templates("mixbridge.bridge.batch")
    counts = Counter(entry.state for entry in entries)
    seconds = [entry.seconds for entry in entries if entry.state == "rendered"]
    return environment.get_template("batch.html.j2").render(
        name=output.absolute().name,
        mixes=list(_rows(output, entries)),
        failures=[entry for entry in entries if entry.state == "failed"],
        broken_off=[entry for entry in entries if entry.state == "begun"],
        counts=counts,
        total=len(entries),
        mean_s=sum(seconds) / len(seconds) if seconds else None,
        started=_time(status.started),
        version=__version__,
    )


def _rows(output: Path, entries: Sequence[LedgerEntry]) -> Iterator[MixRow]:
    for entry in entries:
        if entry.state not in ("rendered", "kept"):
            continue
        figures, folder = entry.figures, quote(entry.name)
        has_report = "report" in figures or (output / entry.name / _REPORT).is_file()
        yield MixRow(
            name=entry.name,
            audio=f"{folder}/{quote(str(figures.get('mix', 'mix.wav')))}",
            report=f"{folder}/{_REPORT}" if has_report else "",
            loudness=_level(figures.get("loudness_lufs"), "LUFS"),
            peak=_level(figures.get("true_peak_dbtp"), "dBTP"),
            limited=_level(figures.get("limited_db"), "dB"),
            confidence=_confidence(figures.get("confidence"), figures.get("probability")),
            length=_clock(figures.get("length_s")),
            warnings=[str(warning) for warning in figures.get("warnings", ())],
        )


def _level(value: Any, unit: str) -> str:
    return f"{value:.1f} {unit}".replace("-", "\N{MINUS SIGN}") if isinstance(value, int | float) else "silence"


def _confidence(level: Any, probability: Any) -> str:
    if not isinstance(level, str):
        return ""
    return f"{level}, {100 * probability:.0f} %" if isinstance(probability, int | float) else level


def _clock(seconds: Any) -> str:
    if not isinstance(seconds, int | float):
        return ""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"


def _time(started: str) -> str:
    try:
        return f"{datetime.fromisoformat(started).astimezone():%Y-%m-%d %H:%M}"
    except ValueError:
        return ""
