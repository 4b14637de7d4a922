"""The page of a recovered preset: what was found as curves, what it explains, the audio to listen to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray
from pydantic import BaseModel

from ...presets.console import Strip, parameters
from ...presets.preset import Preset, Track
from ...presets.sections import rows_of, sections
from ...presets.units import quantity
from ...presets.version import __version__
from ...runtime.audio.reading import Samples
from ..pairs.check import heard_as_one
from .guess import filtered_by, gains_by

if TYPE_CHECKING:
    from jinja2 import Template

    from .explain import Explained
    from .session import RecoveredSession
    from .track import Recovered

Curve = NDArray[np.float64]

_FREQS_HZ = np.geomspace(30, 18_000, 160)
_TICKS_HZ = (
    (50, "50"),
    (100, "100"),
    (200, "200"),
    (500, "500"),
    (1000, "1k"),
    (2000, "2k"),
    (5000, "5k"),
    (10_000, "10k"),
)
_SIZE = (560, 210)
_LEFT, _RIGHT, _TOP, _BOTTOM = 38, 12, 8, 22
_MOST_POINTS = 400


@dataclass(frozen=True)
class Trace:
    """A line in a chart.

    Attributes:
        xs: along.
        ys: up, in dB.
        style: a class of the page's style sheet.
    """

    xs: Curve
    ys: Curve
    style: str


def page_of(recovered: Recovered, preset: Preset, audio: tuple[str, str] | None) -> str:
    """Writes the page, HTML without scripts or anything from elsewhere but the audio beside it.

    Args:
        recovered: what the page is about.
        preset: as it is written.
        audio: names of the rendered and the residual audio beside the page; None where none is written.
    """
    pair, explained = recovered.pair, recovered.explained
    rate_hz = pair.sample_rate_hz
    return _template("recovered.html.j2").render(
        preset=preset,
        track=preset.tracks[0],
        version=__version__,
        words=explained.words,
        notes=pair.notes,
        pair=pair,
        explained=explained,
        bands=explained.bands,
        settings=_strip_lines(preset.tracks[0].strip) + _effect_lines(preset),
        charts=_charts(recovered, preset, rate_hz),
        audio=audio,
    )


def session_page_of(recovered: RecoveredSession, preset: Preset, audio: tuple[str, str] | None) -> str:
    """Writes the page of a session, likewise."""
    rate_hz, explained, inside = recovered.sample_rate_hz, recovered.explained, recovered.inside
    tracks = [
        (
            track.name,
            "muted" if track.mute else f"{track.strip.fader_db:+.1f}",
            "" if track.mute else f"{track.strip.pan:+.2f}",
            [line for line in _strip_lines(track.strip) if line[0] not in ("fader", "pan")],
        )
        for track in preset.tracks
    ]
    centres_hz, mixed_db = _thirds_db(recovered.mix[:, inside], rate_hz)
    spectra = [
        Trace(centres_hz, _levelled(_thirds_db(recovered.plain[:, inside], rate_hz)[1], mixed_db), "raw"),
        Trace(centres_hz, mixed_db, "reference"),
        Trace(centres_hz, _thirds_db(recovered.rendered[:, inside], rate_hz)[1], "mix"),
    ]
    return _template("session.html.j2").render(
        preset=preset,
        version=__version__,
        words=explained.words,
        notes=recovered.notes,
        explained=explained,
        bands=explained.bands,
        seconds=recovered.mix.shape[1] / rate_hz,
        rate_hz=rate_hz,
        tracks=[*tracks, *((name, "", "", [(name, line)]) for name, line in _effect_lines(preset))],
        charts=[("Spectrum; dB by Hz", _chart(spectra, log=True)), _left_over_time(explained)],
        audio=audio,
    )


def _strip_lines(track_strip: Strip) -> list[tuple[str, str]]:
    """Names and values of what does something, a line for each section."""
    strip, neutral = track_strip.model_dump(), Strip().model_dump()
    lines = []
    for section in sections(Strip):
        rows = rows_of(Strip, section)
        if all(_at(strip, path) == _at(neutral, path) for path in rows):
            continue
        words = [
            f"{_label(path, row)} {_told(_at(strip, path), row)}"
            for path, row in rows.items()
            if _at(strip, path) != row.neutral and _does_something(strip, path)
        ]
        lines.append((section.replace("_", " "), ", ".join(words)))
    return lines


def _effect_lines(preset: Preset) -> list[tuple[str, str]]:
    """Likewise of the effects that a track sends to."""
    lines = []
    for part, send in (("reverb", "reverb_send_db"), ("delay", "delay_send_db")):
        if any(getattr(track.strip, send) > parameters(Strip)[send].low for track in preset.tracks):
            effect: BaseModel = getattr(preset, part)
            values, rows = effect.model_dump(), parameters(type(effect))
            words = [
                f"{_label(path, row)} {_told(_at(values, path), row)}"
                for path, row in rows.items()
                if not path.startswith("ducking") and _at(values, path) != row.neutral
            ]
            lines.append((part, ", ".join(words)))
    return lines


def _told(value: float, row: Any) -> str:
    return quantity(float(f"{value:.3g}"), row.unit)


def _does_something(strip: Any, path: str) -> bool:
    """Whether a setting is one of a band that is flat."""
    band = path.rsplit(".", 1)[0]
    return not band.startswith("eq.") or _at(strip, f"{band}.gain_db") != 0


def _label(path: str, row: Any) -> str:
    parts = path.split(".")
    band = parts[-2].replace("_", " ") + " " if len(parts) > 2 else ""
    return f"{band}{row.label}"


def _at(values: Any, path: str) -> float:
    for name in path.split("."):
        values = values[name]
    return float(values)


def _charts(recovered: Recovered, preset: Preset, rate_hz: int) -> list[tuple[str, Markup]]:
    pair, explained, strip = recovered.pair, recovered.explained, preset.tracks[0].strip
    centres_hz, mixed_db = _thirds_db(pair.mixed[:, pair.inside], rate_hz)
    spectra = [
        Trace(centres_hz, _levelled(_thirds_db(pair.raw[:, pair.inside], rate_hz)[1], mixed_db), "raw"),
        Trace(centres_hz, mixed_db, "reference"),
        Trace(centres_hz, _thirds_db(recovered.rendered[:, pair.inside], rate_hz)[1], "mix"),
    ]
    values = {f"strip.{path}": _at(strip.model_dump(), path) for path in parameters(Strip)}
    times_s, gains_db = _gains_db(pair.raw, values, rate_hz)
    return [
        ("Spectrum: raw at the mix's level, mixed, rendered; dB by Hz", _chart(spectra, log=True)),
        ("Found curve of cuts and equalizer; dB by Hz", _chart([_curve(values, rate_hz)], log=True)),
        ("Gain of the compressor over time; dB by s", _chart([Trace(times_s, gains_db, "mix")])),
        *_moves(preset.tracks[0]),
        _left_over_time(explained),
    ]


def _moves(track: Track) -> list[tuple[str, Markup]]:
    """The lane of the fader, where it has one."""
    charts = []
    for item in track.lanes:
        times_s, values = np.array([(point.time_s, point.value) for point in item.points]).T
        charts.append(("Fader over time; dB by s", _chart([Trace(times_s, values, "mix")])))
    return charts


def _left_over_time(explained: Explained) -> tuple[str, Markup]:
    return (
        "What is left over time: size of the difference, and level of the rendered over the mixed; dB by s",
        _chart(
            [
                Trace(explained.times_s, explained.over_time_db, "mix"),
                Trace(explained.times_s, explained.level_over_time_db, "reference"),
            ]
        ),
    )


def _curve(values: dict[str, float], rate_hz: int) -> Trace:
    click = np.zeros(8192, np.float32)
    click[0] = 1
    spectrum = np.abs(np.fft.rfft(filtered_by(click, values, {}, rate_hz)))
    response_db = 20 * np.log10(np.interp(_FREQS_HZ, np.fft.rfftfreq(8192, 1 / rate_hz), spectrum) + 1e-4)
    return Trace(_FREQS_HZ, response_db, "mix")


def _gains_db(raw: Samples, values: dict[str, float], rate_hz: int) -> tuple[Curve, Curve]:
    direct = filtered_by(heard_as_one(raw), values, {}, rate_hz)
    gains = gains_by(direct, values, rate_hz)
    hop = max(1, math.ceil(len(gains) / _MOST_POINTS))
    lowest = np.minimum.reduceat(gains, np.arange(0, len(gains), hop))
    return np.arange(len(lowest)) * hop / rate_hz, 20 * np.log10(np.maximum(lowest, 1e-4)).astype(np.float64)


def _thirds_db(audio: Samples, rate_hz: int) -> tuple[Curve, Curve]:
    size = 8192
    freqs_hz = np.fft.rfftfreq(size, 1 / rate_hz)
    padded = np.pad(audio, ((0, 0), (0, max(0, size - audio.shape[1]))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size, axis=1)[:, :: size // 2]
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(size)))).mean(axis=(0, 1))
    centres_hz = 1000 * 2.0 ** (np.arange(-14, 14) / 3)
    centres_hz = centres_hz[centres_hz < 0.42 * rate_hz]
    edges = np.searchsorted(freqs_hz, np.append(centres_hz / 2 ** (1 / 6), centres_hz[-1] * 2 ** (1 / 6)))
    levels = [power[low : max(high, low + 1)].sum() for low, high in pairwise(edges)]
    return centres_hz, 10 * np.log10(np.array(levels) + 1e-12)


def _levelled(levels_db: Curve, wanted_db: Curve) -> Curve:
    gain_db = np.log10((10 ** (wanted_db / 10)).sum() / (10 ** (levels_db / 10)).sum()) * 10
    levelled: Curve = levels_db + gain_db
    return levelled


def _chart(traces: Sequence[Trace], *, log: bool = False) -> Markup:
    """Draws lines as an SVG element, with the page's colours."""
    width, height = _SIZE
    every = np.concatenate([trace.ys for trace in traces])
    top = 6 * math.ceil(float(every.max()) / 6 + 0.01)
    low = max(6 * math.floor(float(every.min()) / 6 - 0.01), top - 66)
    first, last = (30.0, 18_000.0) if log else (0.0, max(float(trace.xs[-1]) for trace in traces) or 1.0)

    def along(x: float) -> float:
        share = math.log(max(x, first) / first) / math.log(last / first) if log else (x - first) / (last - first)
        return _LEFT + min(max(share, 0), 1) * (width - _LEFT - _RIGHT)

    def up(y: float) -> float:
        share = (min(max(y, low), top) - low) / (top - low)
        return height - _BOTTOM - share * (height - _TOP - _BOTTOM)

    step = 6 if top - low <= 36 else 12
    parts = []
    for level in range(low, top + 1, step):
        place = up(level)
        parts.append(
            f'<path class="{"zero" if level == 0 else "grid"}" d="M{_LEFT} {place:.1f}H{width - _RIGHT}"/>'
            f'<text x="{_LEFT - 5}" y="{place + 3.5:.1f}" text-anchor="end">{level}</text>'
        )
    seconds = max(1, round(last / 6))
    for value, label in _TICKS_HZ if log else ((at, str(at)) for at in range(0, math.ceil(last), seconds)):
        parts.append(
            f'<path class="grid" d="M{along(value):.1f} {_TOP}V{height - _BOTTOM}"/>'
            f'<text x="{along(value):.1f}" y="{height - 8}" text-anchor="middle">{label}</text>'
        )
    for trace in traces:
        steps = "L".join(f"{along(x):.1f} {up(y):.1f}" for x, y in zip(trace.xs, trace.ys, strict=True))
        parts.append(f'<path class="line {trace.style}" d="M{steps}"/>')
    return Markup(f'<svg class="chart" viewBox="0 0 {width} {height}" role="img">{"".join(parts)}</svg>')


@cache
def _template(name: str) -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)
