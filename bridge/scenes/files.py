"""Files that an X32 or M32 loads from a USB stick: scenes (.scn) and presets of a channel (.chn), as text and back.

A file holds lines of values in a fixed order. Only lines that a preset has something for are written, and they end
where that ends: the desk keeps what it has for the rest, such as sources and sends. Lines of a scene that is
given as a base are kept as they are but for the values that are set. What a preset is to a desk is fitting's business.

The package x32scene (Apache-2.0), which edits such files, needs Python 3.12; its documents of the format, a published
table of the desk's parameters and files that desks wrote are what this was written after. No file of ours has been
loaded by a desk.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ...presets.errors import DeskError, Hint
from ..desks.profile import Desk
from . import tokens
from .tokens import Token, read_token

CHANNELS: Final = 32
MAX_LINES: Final = 20_000
MASTER: Final = 0
DESKS: Final = ("x32",)

_HEADER_WIDTH: Final = 127
_SHARED: Final = ("hadly", "eq", "dyn", "fdrmute")
# Icon and colour, which follow the name in a channel file: those of a channel that nobody has given any.
_LOOKS: Final = " 1 YE"
_LONGEST_TITLE: Final = 16
_PIECE: Final = re.compile(r'"[^"]*"|\S+')
_ADDRESS: Final = re.compile(r"/(?:ch/(?P<number>\d\d)|main/st)(?P<path>/.*)")


@dataclass(frozen=True)
class Field:
    """One value of a line.

    Attributes:
        key: of the setting; empty for what no preset has.
        token: how it is written; None where `default` is all there is to write.
        default: what is written where a later value of the line has to be, and nothing is known of this one.
    """

    key: str
    token: Token | None = None
    default: str | None = None


@dataclass(frozen=True)
class Scene:
    """What stands in a file.

    Attributes:
        title: of the scene or channel.
        values: settings by key, by number of the channel; 0 is the master.
        unread: lines that hold something else than the desk would write, in sentences.
    """

    title: str
    values: Mapping[int, Mapping[str, float | str]]
    unread: tuple[str, ...] = ()


@dataclass(frozen=True)
class SceneText:
    """A file to be.

    Attributes:
        text: all of it.
        left_out: keys that could not be written, by number of the channel, for want of a value that stands before
            them in their line.
    """

    text: str
    left_out: Mapping[int, tuple[str, ...]]


def write_scene(title: str, values: Mapping[int, Mapping[str, float | str]], desk: Desk, base: str = "") -> SceneText:
    """A scene of these settings.

    Args:
        title: shown nowhere but in the file: the desk calls a scene as its file.
        values: settings by key, in the key's unit, by number of the channel; 0 is the master.
        desk: the X32's profile.
        base: text of a scene of the same desk, whose other settings are kept.

    Raises:
        DeskError: a desk without such files, or a value that it cannot have.
    """
    _require_x32(desk)
    lines, left_out = _changed(values, desk, _lines_of(base))
    header = f'#4.0# {tokens.NAME.write(_title(title))} "" %000000000 1'.ljust(_HEADER_WIDTH)
    kept = [lines.pop(line.partition(" ")[0], line) for line in base.splitlines()] or [header]
    return SceneText("\n".join([*kept, *lines.values()]) + "\n", left_out)


def write_channel(title: str, values: Mapping[str, float | str], desk: Desk) -> SceneText:
    """A preset of one channel, for the desk's library: name, gate, EQ, dynamics and mix.

    Trim and low cut are no part of it: in these files they come with the microphone's gain and its phantom power.

    Raises:
        DeskError: a desk without such files, or a value that it cannot have.
    """
    _require_x32(desk)
    with_gain = tuple(key for key in values if key == "trim_db" or key.startswith("low_cut."))
    wanted = {key: value for key, value in values.items() if key not in with_gain}
    lines, left_out = _changed({1: wanted}, desk, {})
    short = {path.removeprefix("/ch/01"): line.removeprefix("/ch/01") for path, line in lines.items()}
    if "/config" in short:
        short["/config"] += _LOOKS
    # Read from the right: bits 8 to 13 say which sections are in the file, 0 to 5 which of them are on.
    bits = [False] * 16
    sections = ((1, "/config", None), (3, "/gate", "gate.on"), (4, "/eq", "eq.on"), (5, "/dyn", "compressor.on"))
    for place, path, switch in sections:
        bits[8 + place] = path in short
        bits[place] = path in short and switch is not None and bool(values.get(switch))
    flags = "".join("1" if bit else "0" for bit in reversed(bits))
    header = f"#4.0# 1 {tokens.NAME.write(_title(title))} 0 %{flags} 1".ljust(_HEADER_WIDTH)
    text = "\n".join([header, *short.values()]) + "\n"
    return SceneText(text, {1: (*with_gain, *left_out.get(1, ()))} if with_gain or left_out else {})


def read_scene(text: str, desk: Desk) -> Scene:
    """What a scene or channel file says of channels and the main bus.

    Args:
        text: of the file; that of a channel is read as channel 1.
        desk: the X32's profile, on whose grid the values come.

    Raises:
        DeskError: nothing in it is of a channel.
    """
    _require_x32(desk)
    lines = _lines_of(text)
    values: dict[int, dict[str, float | str]] = {}
    unread: list[str] = []
    for address, fields in lines.items():
        number, path = _place(address)
        layout = layout_of(number).get(path) if number is not None else None
        if number is None or layout is None:
            continue
        for spec, piece in zip(layout, fields, strict=False):
            if spec.token is None or not spec.key:
                continue
            try:
                value = read_token(spec.token, piece)
                scale = desk.scale("master" if number == MASTER else "track", spec.key)
                if scale is not None:
                    values.setdefault(number, {})[spec.key] = scale.snap(value)
            except DeskError as error:
                unread.append(f"{address}: {error}.")
                break
    if not values:
        raise DeskError("this is no scene or channel file of an X32: no line of it is a channel's.")
    return Scene(_read_title(text), values, tuple(unread))


def read_links(text: str) -> tuple[frozenset[int], frozenset[str]]:
    """Find which channels a scene has linked, by the odd numbers, and the last parts of the switches that are on.

    Those are `hadly`, `eq`, `dyn` and `fdrmute`, as below `/config/linkcfg` over OSC; all are on where nothing is said.
    """
    lines = _lines_of(text)
    pairs = lines.get("/config/chlink", [])
    firsts = frozenset(2 * place + 1 for place, piece in enumerate(pairs) if piece == "ON")
    switches = lines.get("/config/linkcfg", ["ON"] * len(_SHARED))
    return firsts, frozenset(name for name, piece in zip(_SHARED, switches, strict=False) if piece == "ON")


def layout_of(number: int) -> Mapping[str, tuple[Field, ...]]:
    """The lines of a channel, or of the main bus (0), by the end of their address."""
    return _MAIN if number == MASTER else _CHANNEL


def _band(name: str) -> tuple[Field, ...]:
    return (
        Field(f"eq.{name}.type", tokens.FILTER),
        Field(f"eq.{name}.freq_hz", tokens.FREQUENCY),
        Field(f"eq.{name}.gain_db", tokens.GAIN),
        Field(f"eq.{name}.q", tokens.Q),
    )


def _dynamics(*, has_key_source: bool) -> tuple[Field, ...]:
    return (
        Field("compressor.on", tokens.SWITCH),
        Field("compressor.mode", tokens.MODE),
        Field("compressor.detector", tokens.DETECTOR),
        Field("", default="LOG"),
        Field("compressor.threshold_db", tokens.THRESHOLD),
        Field("compressor.ratio", tokens.RATIO),
        Field("compressor.knee", tokens.WHOLE),
        Field("compressor.makeup_db", tokens.THREE_DIGITS),
        Field("compressor.attack_ms", tokens.WHOLE),
        Field("compressor.hold", tokens.THREE_DIGITS),
        Field("compressor.release_ms", tokens.WHOLE),
        Field("compressor.position", tokens.POSITION),
        *((Field("", default="0"),) if has_key_source else ()),
        Field("", default="100"),
        Field("compressor.auto_time", tokens.SWITCH),
    )


_CHANNEL: Final[dict[str, tuple[Field, ...]]] = {
    "/config": (Field("name", tokens.NAME),),
    "/preamp": (
        Field("trim_db", tokens.TRIM),
        Field(""),  # polarity
        Field("low_cut.on", tokens.SWITCH),
        Field("low_cut.slope_db_per_octave", tokens.WHOLE),
        Field("low_cut.freq_hz", tokens.WHOLE),
    ),
    "/gate": (
        Field("gate.on", tokens.SWITCH),
        Field("gate.ratio", tokens.GATE_MODE),
        Field("gate.threshold_db", tokens.THRESHOLD),
        Field("gate.range_db", tokens.THRESHOLD),
        Field("gate.attack_ms", tokens.WHOLE),
        Field("gate.hold_ms", tokens.THREE_DIGITS),
        Field("gate.release_ms", tokens.WHOLE),
    ),
    "/dyn": _dynamics(has_key_source=True),
    "/eq": (Field("eq.on", tokens.SWITCH),),
    **{f"/eq/{band}": _band(str(band)) for band in range(1, 5)},
    "/mix": (
        Field("mute", tokens.MUTE),
        Field("fader_db", tokens.LEVEL),
        Field("", default="ON"),  # goes to the main bus
        Field("pan", tokens.PAN),
    ),
}
_MAIN: Final[dict[str, tuple[Field, ...]]] = {
    "/config": (Field("name", tokens.NAME),),
    "/dyn": _dynamics(has_key_source=False),
    "/eq": (Field("eq.on", tokens.SWITCH),),
    **{f"/eq/{band}": _band(str(band)) for band in range(1, 7)},
    "/mix": (Field("mute", tokens.MUTE), Field("fader_db", tokens.LEVEL), Field("pan", tokens.PAN)),
}


def _changed(
    values: Mapping[int, Mapping[str, float | str]], desk: Desk, base: Mapping[str, list[str]]
) -> tuple[dict[str, str], dict[int, tuple[str, ...]]]:
    """The lines that hold these settings, by address, with what the base has in them beside."""
    lines: dict[str, str] = {}
    left_out: dict[int, tuple[str, ...]] = {}
    for number, wanted in values.items():
        complete = _with_constants(number, wanted, desk)
        prefix = "/main/st" if number == MASTER else f"/ch/{number:02}"
        for path, layout in layout_of(number).items():
            asked = [spec.key for spec in layout if spec.key in complete]
            if not asked:
                continue
            fields, lost = _fields(layout, complete, base.get(prefix + path, []))
            if lost:
                left_out[number] = (*left_out.get(number, ()), *lost)
            if len(lost) < len(asked):
                lines[prefix + path] = " ".join((prefix + path, *fields))
    return lines, left_out


def _fields(
    layout: Sequence[Field], values: Mapping[str, float | str], known: Sequence[str]
) -> tuple[list[str], list[str]]:
    """A line's values up to the last that is wanted, and what was known behind; and the keys that could not be written.

    Those are the ones behind a value that is not known.
    """
    last = max(index for index, spec in enumerate(layout) if spec.key in values)
    fields = list(known)
    written = 0
    for index, spec in enumerate(layout[: last + 1]):
        if spec.key in values and spec.token is not None:
            piece: str | None = spec.token.write(values[spec.key])
        else:
            piece = known[index] if index < len(known) else spec.default
        if piece is None:
            return fields[:written], [item.key for item in layout[index:] if item.key in values]
        fields[index : index + 1] = [piece]
        written = index + 1 if spec.key in values else written
    return fields, []


def _with_constants(number: int, wanted: Mapping[str, float | str], desk: Desk) -> dict[str, float | str]:
    """On the desk's grid, with what has to stand beside it."""
    kind = "master" if number == MASTER else "track"
    settings = desk.settings(kind, number or 1, wanted)
    return {setting.key: setting.scale.decode(setting.value) for setting in settings}


def _lines_of(text: str) -> dict[str, list[str]]:
    """Values by address, those of a channel file as channel 1's."""
    lines: dict[str, list[str]] = {}
    for line in text.splitlines()[:MAX_LINES]:
        pieces = _PIECE.findall(line)
        if pieces and pieces[0].startswith("/"):
            address = pieces[0]
            bare = address in _CHANNEL
            lines[f"/ch/01{address}" if bare else address] = pieces[1:]
    return lines


def _place(address: str) -> tuple[int | None, str]:
    match = _ADDRESS.fullmatch(address)
    if match is None:
        return None, ""
    number = int(match["number"]) if match["number"] else MASTER
    return (number if number <= CHANNELS else None), match["path"]


def _title(title: str) -> str:
    """As the desk can show it."""
    return "".join(char for char in title if char.isascii() and char.isprintable())[:_LONGEST_TITLE].strip()


def _read_title(text: str) -> str:
    first = text.partition("\n")[0]
    quoted = [str(piece) for piece in _PIECE.findall(first) if piece.startswith('"')]
    return quoted[0][1:-1] if quoted and first.startswith("#") else ""


def _require_x32(desk: Desk) -> None:
    if desk.name not in DESKS:
        raise DeskError(
            f"{desk.title} loads no scene files that mixbridge knows; the X32 and M32 do.", hints=(Hint("desk", "x32"),)
        )
