"""A preset, and what changed in one, as tables for people; the numbers are those of the file. Nothing here prints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from ...presets.console import EQ_BANDS, Compressor, Equalizer, Master, Strip, Unit
from ...presets.edit import Change
from ...presets.escaping import escaped
from ...presets.inserts.insert import Insert
from ...presets.inserts.words import insert_name
from ...presets.preset import GroupBus, Preset, Track
from ...presets.sections import active_sections, described, spoken
from ...presets.units import quantity
from .text import AUDIBLE_DB, AUDIBLE_PAN, AUDIBLE_RATIO, WORDS, decibels, open_sends, spoken_frequency

if TYPE_CHECKING:
    from rich.table import Table

# Sections that a preset's table has a column for.
_COLUMNS: Final = frozenset({"trim", "eq", "compressor", "saturation", "fader", "pan", "send"})


def preset_table(preset: Preset) -> Table:
    """Make a table of each track and the master, with the file's numbers; for rich to print."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    title = Text(escaped(preset.name)) if preset.name else None
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("track", overflow="ellipsis")
    strips = [*(track.strip for track in preset.tracks), *(bus.strip for bus in preset.buses)]
    buses: list[Strip | Master] = [*strips, preset.master]
    for heading in ("in dB", "fader", "EQ dB", "compressor", "pan", "send"):
        table.add_column(heading, justify="right", no_wrap=True)
    # 80 columns have no room for one that is empty, nor for all numbers of what is seldom used: the words have those.
    has_more = any(map(_more_cell, buses)) or preset.has_inserts
    if has_more:
        table.add_column("more", no_wrap=True)

    def more(inserts: Sequence[Insert], strip: Strip | Master) -> list[Text]:
        lines = [*map(insert_name, inserts), *filter(None, [_more_cell(strip)])]
        return [Text(escaped("\n".join(lines), keep="\n"))] * has_more

    for track in preset.tracks:
        # Text, not str: a name such as "Gtr [L]" is not markup.
        name = Text(escaped(track.name), style="dim" if track.mute else "")
        table.add_row(name, *_strip_cells(track), *more(track.inserts, track.strip))
    for bus in preset.buses:
        name = Text(f"{escaped(bus.name)} (group)", style="dim" if bus.mute else "")
        table.add_row(name, *_strip_cells(bus), *more(bus.inserts, bus.strip))
    table.add_section()
    table.add_row("master", *_master_cells(preset.master), *more(preset.master_inserts, preset.master))
    if any(bus.input_gain_db and _compressor_cell(bus.compressor) for bus in buses):
        table.caption = "thresholds are levels after the input gain (in dB)"
        table.caption_justify = "left"
    return table


def diff_table(changes: Sequence[Change]) -> Table:
    """Make a table of the old and new value of each change; for rich to print."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("setting", overflow="fold")
    table.add_column("old", justify="right")
    table.add_column("new", justify="right")
    table.add_column("change", justify="right")
    for change in changes:
        old, new = (_value(value, change.unit) for value in (change.old, change.new))
        table.add_row(Text(escaped(change.path)), old, new, _step(change))
    return table


def _strip_cells(track: Track | GroupBus) -> Iterable[str]:
    strip = track.strip
    return (
        decibels(strip.input_gain_db),
        "muted" if track.mute else decibels(strip.fader_db),
        _equalizer_cell(strip.eq),
        _compressor_cell(strip.compressor),
        _pan_cell(strip.pan),
        _send_cell(strip),
    )


def _send_cell(strip: Strip) -> str:
    """Give the send to the reverb; others are among the rest."""
    return next((decibels(level_db) for name, level_db in open_sends(strip) if name == "reverb"), "off")


def _master_cells(master: Master) -> Iterable[str]:
    return (
        decibels(master.input_gain_db),
        decibels(master.output_gain_db),
        _equalizer_cell(master.eq),
        _compressor_cell(master.compressor),
        "",
        "",  # no pan, send
    )


def _more_cell(bus: Strip | Master) -> str:
    """Name what has no column, one a line; drive and sends with their number, and all of what no words tell."""
    lines = [
        spoken(section) if section in WORDS else described(bus, section)
        for section in active_sections(bus, known=_COLUMNS)
    ]
    if isinstance(bus, Strip):
        lines += [f"drive {bus.saturation.drive:.2g}"] * bool(bus.saturation.drive)
        lines += [f"{name} {decibels(level_db)}" for name, level_db in open_sends(bus) if name != "reverb"]
    return "\n".join(lines)


def _equalizer_cell(eq: Equalizer) -> str:
    """List the bands that do something, e.g. "-3.1 @ 250 Hz", one a line."""
    bands = (getattr(eq, name) for name in EQ_BANDS)
    heard = (band for band in bands if abs(band.gain_db) >= AUDIBLE_DB)
    return "\n".join(f"{band.gain_db:+.1f} @ {spoken_frequency(band.freq_hz)}" for band in heard)


def _compressor_cell(compressor: Compressor) -> str:
    if compressor.ratio < AUDIBLE_RATIO:
        return ""
    return f"{compressor.ratio:.2g}:1 > {decibels(compressor.threshold_db)} dB"


def _pan_cell(pan: float) -> str:
    return "C" if abs(pan) < AUDIBLE_PAN else f"{'L' if pan < 0 else 'R'}{abs(pan) * 100:.0f}"


def _value(value: float | bool | str | None, unit: Unit) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str | int):
        return str(value)
    return quantity(float(f"{value:.4g}"), unit)


def _step(change: Change) -> str:
    """Say how far a setting moved: a difference for dB, a factor for Hz, times and ratios; else nothing."""
    old, new = change.old, change.new
    if not isinstance(old, float) or not isinstance(new, float):
        return ""
    if change.unit == "dB":
        return f"{new - old:+.1f} dB"
    return f"x{new / old:.2f}" if change.unit and old > 0 else ""
