"""A session to look at: a table of its tracks, its clips along time in the terminal, and the same as a picture."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...presets.console import parameters
from ...presets.errors import OutputError
from ...presets.extras import install_command
from ...presets.preset import Preset
from ..report.lane_charts import MOST_PANELS, draw_lane, moving_lanes
from ..report.lanes import setting_words
from .core.model import Clip, Session, SessionTrack
from .core.routing import silence

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

# The report's own ink, paper and lines (templates/report.html.j2).
_PAPER, _INK, _SOFT, _GRID, _ORANGE, _BLUE = "#fbfaf8", "#1f2328", "#66707a", "#e3e0da", "#c2410c", "#2563a8"
# A picture of more tracks or clips than these shows no more; it would only take longer.
_MOST_ROWS = 200
_MOST_DRAWN = 20_000
_NARROWEST = 16
# Height of the panel of a lane, in inches.
_PANEL = 1.3
_WIDEST_NAME = 24  # of a table at 80 letters
_OTHER_COLUMNS = 56


def track_table(session: Session, stems: dict[str, str], roles: Sequence[str] = (), width: int = 80) -> Table:
    """Make a row for each track: its clips, where they lie, its fader, and what becomes of it; for rich to print.

    Args:
        session: which.
        stems: by a track's identity or order (see :func:`track_key`), what its row says at the end.
        roles: what each track is, in words, for the same place; empty where nothing is known.
        width: of the terminal, in letters.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    # Not to be broken: a column with a least width is taken for narrower than it is, and the table would be cut off.
    table.add_column("track", overflow="ellipsis", no_wrap=True, max_width=max(_WIDEST_NAME, width - _OTHER_COLUMNS))
    for heading in ("clips", "from", "to", "fader", "pan"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("role, stem" if roles else "stem", overflow="fold")
    for place, track in enumerate(session.tracks):
        name = Text(f"{printable(track.group)} / " if track.group else "", style="dim")
        name.append(printable(track.name) or "(no name)", style=_style(session, track))
        heard = [clip for clip in track.clips if not clip.mute]
        span = [clock(frame / session.sample_rate_hz) for frame in _span(heard)] if heard else ["", ""]
        fader = ("muted" if "muted" in silent else "off") if (silent := silence(session, track)) else _decibels(track)
        said = [part for part in (roles[place] if roles else "", stems.get(track_key(track), "")) if part]
        table.add_row(name, str(len(track.clips)), *span, fader, _pan(track), Text("; ".join(said)))
    return table


def track_key(track: SessionTrack) -> str:
    """Return what tells a track from all others of its session."""
    return f"{track.order}:{track.identity}"


def terminal_timeline(session: Session, width: int, *, plain: bool = False) -> Iterator[Text]:
    """Draw a line for each track, on which blocks are its clips, and one below with the time; for rich to print.

    Args:
        session: which.
        width: of the terminal, in letters.
        plain: ASCII alone.
    """
    from rich.text import Text

    names = min(24, max((len(track.name) for track in session.tracks), default=0))
    cells = max(_NARROWEST, width - names - 3)
    frames = max(1, session.frames)
    for track in session.tracks:
        line = Text(_fitted(track.name, names) + "  ", no_wrap=True)
        row = _cells(track, frames, cells)
        marks = ".=#" if plain else "\u00b7\u2593\u2588"
        line.append("".join(marks[cell] for cell in row), style=_style(session, track) or "default")
        yield line
    yield Text(" " * (names + 2) + _ruler(frames / session.sample_rate_hz, cells), style="dim", no_wrap=True)


def draw_timeline(session: Session, path: Path, moving: Preset | None = None) -> None:
    """Draws the session as a picture: clips with their fades along time, a row for each track; what moves below.

    Args:
        session: which.
        path: a .png, .svg or .pdf file.
        moving: the session as a preset, whose lanes are drawn; None draws none.

    Raises:
        OutputError: matplotlib is not installed, the ending is none of these, or the file cannot be written.
    """
    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise OutputError(f"{path}: a picture is a .png, .svg or .pdf file.")
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise OutputError(f"a picture needs matplotlib: {install_command('picture')}.") from error
    rows = session.tracks[:_MOST_ROWS]
    panels = [] if moving is None else list(moving_lanes(moving))[:MOST_PANELS]
    height = 1.3 + 0.32 * max(1, len(rows))
    figure = Figure(figsize=(12, height + _PANEL * len(panels)), layout="constrained", facecolor=_PAPER)
    heights = [height, *(_PANEL for _ in panels)]
    axes, *below = figure.subplots(1 + len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
    _draw_clips(axes, session, rows)
    length_s = max(1.0, session.frames / session.sample_rate_hz)
    ticks = list(_ticks(length_s, 10))
    axes.set_facecolor(_PAPER)
    axes.set(xlim=(0, length_s), ylim=(len(rows) - 0.4, -0.6))
    axes.set_xticks(ticks, [clock(tick, short=True) for tick in ticks], color=_SOFT)
    axes.set_yticks(range(len(rows)), [_fitted(track.name, 28).strip() for track in rows], color=_INK, parse_math=False)
    axes.set_title(printable(session.name)[:80], loc="left", color=_INK, parse_math=False)
    axes.grid(axis="x", color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, labelsize=9)
    for side in axes.spines.values():
        side.set_visible(False)
    for panel, (name, lane, part) in zip(below, panels, strict=True):
        row = parameters(part)[lane.parameter]
        draw_lane(panel, lane, row, length_s, f"{name}: {setting_words(lane.parameter, part)}")
        panel.set_xticks(ticks, [clock(tick, short=True) for tick in ticks], color=_SOFT)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about letters of names that the font does not have
            figure.savefig(path, dpi=110)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}.") from error


def clock(seconds: float, *, short: bool = False) -> str:
    """Write a place in time as DAWs write it: "1:02.345", with hours if there are; `short` has no fractions."""
    whole = int(seconds)
    rest = "" if short else f"{seconds - whole:.3f}"[1:]
    if rest == ".000" and seconds - whole > 0.5:  # rounded up
        whole, rest = whole + 1, ".000"
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02d}:{whole % 60:02d}{rest}" if hours else f"{minutes}:{whole % 60:02d}{rest}"


def printable(text: str) -> str:
    """Strip a text from a session of what would steer a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _draw_clips(axes: Any, session: Session, rows: Sequence[SessionTrack]) -> None:
    from matplotlib.collections import PolyCollection

    rate_hz = session.sample_rate_hz
    shapes: list[list[tuple[float, float]]] = []
    colours: list[str] = []
    for row, track in enumerate(rows):
        for clip in sorted(track.clips, key=lambda clip: (clip.layer, clip.position)):
            if len(shapes) >= _MOST_DRAWN:
                break
            start, end = max(0, clip.position) / rate_hz, clip.end / rate_hz
            fades = (clip.fade_in.length + clip.fade_out.length) / rate_hz
            # Fades that are longer than the clip meet in it.
            shown = min(1.0, (end - start) / fades) / rate_hz if fades else 0.0
            rise, fall = start + clip.fade_in.length * shown, end - clip.fade_out.length * shown
            low, high = row + 0.36, row - 0.36
            shapes.append([(start, low), (rise, high), (fall, high), (end, low)])
            colours.append(
                _GRID if clip.mute or silence(session, track) else _colour(track) or (_ORANGE, _BLUE)[row % 2]
            )
    axes.add_collection(PolyCollection(shapes, facecolors=colours, edgecolors=_PAPER, linewidths=0.6, alpha=0.85))


def _cells(track: SessionTrack, frames: int, cells: int) -> list[int]:
    """Fill cells: 0 where a track has nothing, else 1 and 2 in turns, so that clips that touch can be told apart."""
    row = [0] * cells
    heard = sorted((clip for clip in track.clips if not clip.mute), key=lambda clip: (clip.layer, clip.position))
    # Of more clips than letters none could be told apart, and each is at least one letter.
    for number, clip in enumerate(heard):
        first = max(0, clip.position * cells // frames)
        last = max(first + 1, math.ceil(clip.end * cells / frames))
        row[first:last] = [2 - number % 2] * max(0, min(cells, last) - first)
    return row


def _ruler(length_s: float, cells: int) -> str:
    line = [" "] * cells
    end = 0
    for tick in _ticks(length_s, max(2, cells // 12)):
        place, label = int(tick / length_s * cells), clock(tick, short=True)
        if place >= end and place + len(label) <= cells:
            line[place : place + len(label)] = label
            end = place + len(label) + 1
    return "".join(line)


def _ticks(length_s: float, wanted: int) -> Iterator[float]:
    steps = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
    step = next((step for step in steps if length_s / step <= wanted), steps[-1])
    return (float(number * step) for number in range(int(length_s / step) + 1))


def _span(clips: Sequence[Clip]) -> tuple[int, int]:
    return max(0, min(clip.position for clip in clips)), max(clip.end for clip in clips)


def _fitted(name: str, letters: int) -> str:
    plain = printable(name)
    return plain.ljust(letters) if len(plain) <= letters else plain[: letters - 1] + "\u2026"


def _style(session: Session, track: SessionTrack) -> str:
    return "dim" if silence(session, track) else _colour(track)


def _colour(track: SessionTrack) -> str:
    """Return the track's colour, if it is one."""
    return track.colour if track.colour and re.fullmatch("#[0-9a-fA-F]{6}", track.colour) else ""


def _decibels(track: SessionTrack) -> str:
    written = "-inf" if track.gain_db == -math.inf else f"{track.gain_db:+.1f}"
    return f"{written} ~" if track.volume else written


def _pan(track: SessionTrack) -> str:
    written = "C" if abs(track.pan) < 0.005 else f"{'L' if track.pan < 0 else 'R'}{abs(track.pan) * 100:.0f}"
    return f"{written} ~" if track.pan_automation else written
