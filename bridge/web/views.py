"""What the page shows of a mix, over HTTP: the console's table, sounds, meters, pictures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from ...presets.console import Delay, Master, Reverb, Strip, parameters
from ...presets.editing.passages import preset_at
from ...presets.errors import Hint, PresetError
from ...presets.lanes.lane import movable
from ...presets.preset import Preset
from ...presets.roles import ROLES
from ...presets.sections import sections
from ..server.addresses import PartName
from ..server.switches import SWITCHES, SectionSwitch
from .language import said, said_table
from .showing.hearing import VERSIONS
from .showing.numbers import numbers
from .showing.pictures import bus_curves, bus_pictures, master_pictures, strip_pictures
from .showing.reasons import reasons
from .showing.words import strip_words
from .work import PageWork

_USUAL_RATE_HZ: Final = 48_000
_LONG_NUMBER: Final = 6
_PART_CLASSES: Final = {"track": Strip, "bus": Strip, "master": Master, "reverb": Reverb, "delay": Delay}


def table(_work: PageWork, _request: Request, _body: bytes) -> dict[str, Any]:
    """The console's table, by part of a preset, with the sections that a strip is shown in."""
    known = {
        "parts": {
            part: {path: {**asdict(row), "neutral": row.neutral} for path, row in parameters(kind).items()}
            for part, kind in _PART_CLASSES.items()
        },
        "movable": {"track": list(movable(Strip)), "bus": list(movable(Strip)), "master": list(movable(Master))},
        "sections": list(sections(Strip)),
        "switches": sorted(set(SWITCHES.values())),
        "roles": list(ROLES),
    }
    return said_table(known)


def sound(work: PageWork, request: Request, _body: bytes) -> Response:
    """A loop as WAV; the header `x-mixbridge-gain-db` brings it to the level at which versions are compared."""
    studio = work.studio
    version = next((known for known in VERSIONS if known == request.path_params["version"]), None)
    if version is None:
        raise PresetError(f"there is no sound {request.path_params['version']!r}: ask for {', '.join(VERSIONS)}.")
    preset = _bypassed(studio.state.named("") if version == "predicted" else studio.preset, request)
    sound = studio.hearing().sound(version, preset, request.query_params.getlist("solo"), _reference(request))
    return Response(sound.wav(), media_type="audio/wav", headers={"x-mixbridge-gain-db": format(sound.gain_db, ".4f")})


def _bypassed(preset: Preset, request: Request) -> Preset:
    for switch in _switches(request.query_params.getlist("bypass"), preset):
        preset = switch.write(preset, 0)
    return preset


def _reference(request: Request) -> int | None:
    """Which of several references is asked for, as `?reference=1`; None for the one that weighs most."""
    word = request.query_params.get("reference", "")
    if not word:
        return None
    if not (word.isascii() and word.isdecimal() and len(word) < _LONG_NUMBER):
        raise PresetError(f"{word!r} is no number of a reference.")
    return int(word)


def _switches(words: list[str], preset: Preset) -> Iterator[SectionSwitch]:
    """Sections that are to be heard without, as "track:0:eq" or "master:0:compressor"."""
    for word in words:
        part, _, rest = word.partition(":")
        number, _, section = rest.partition(":")
        known = next((item for item in SWITCHES.values() if item == section), None)
        sizes = {"track": len(preset.tracks), "bus": len(preset.buses), "master": 1}
        if known is None or not number.isdecimal() or int(number) >= sizes.get(part, 0):
            raise PresetError(f"{word!r} is no section that can be switched off.")
        if part == "master":
            yield SectionSwitch(known, None)
        else:
            yield SectionSwitch(known, int(number), "tracks" if part == "track" else "buses")


def engine(work: PageWork, _request: Request, _body: bytes) -> dict[str, Any]:
    """The meters of the live engine that is followed."""
    if work.engine is None:
        raise PresetError(
            "no live engine is followed: start the page with the address of one.", hints=(Hint("engine", "HOST"),)
        )
    return {"is_there": work.engine.is_there, **asdict(work.engine.meters)}


def meters(work: PageWork, request: Request, _body: bytes) -> dict[str, Any]:
    """How loud each strip is in the loop, soloed and bypassed as what is heard."""
    studio = work.studio
    revision, preset = studio.revision, _bypassed(studio.preset, request)
    found = studio.hearing().meters(preset, request.query_params.getlist("solo"))
    return {"revision": revision, **asdict(found)}


def strip(work: PageWork, request: Request, _body: bytes) -> dict[str, Any]:
    """Pictures and words of a strip."""
    studio = work.studio
    part, index = request.path_params["part"], request.path_params["index"]
    preset, hearing, song = studio.preset, studio.hearing(), _reference(request)
    with _known_strips():
        if part == "track":
            pictures = strip_pictures(hearing, preset, preset.tracks[index].name, song)
        elif part == "bus":
            pictures = bus_pictures(hearing, preset, preset.buses[index].name, song)
        elif part == "master":
            pictures = master_pictures(hearing, preset, song)
        elif part in _PART_CLASSES:
            pictures = {}
        else:
            raise KeyError(part)
        return {**pictures, **_said(work, part, index)}


def words(work: PageWork, request: Request, _body: bytes) -> dict[str, Any]:
    """What a strip does in words, where there is nothing to hear."""
    with _known_strips():
        return _said(work, request.path_params["part"], request.path_params["index"])


def _said(work: PageWork, part: PartName, index: int) -> dict[str, Any]:
    studio = work.studio
    figures = studio.hearing().figures if studio.material.stems else (None, None)
    return {
        "words": [said(text) for text in strip_words(studio.preset, part, index)],
        "why": [said(text) for text in reasons(studio.preset, part, index, *figures)],
    }


def curves(work: PageWork, request: Request, _body: bytes) -> dict[str, Any]:
    """The curves of a strip alone, for each move of a drag."""
    studio = work.studio
    part, index = request.path_params["part"], request.path_params["index"]
    preset = preset_at(studio.preset, studio.material.loop.start_s if studio.material.stems else 0.0)
    with _known_strips():
        match part:
            case "track":
                bus: Strip | Master = preset.tracks[index].strip
            case "bus":
                bus = preset.buses[index].strip
            case "master":
                bus = preset.master
            case _:
                return {}
    return bus_curves(bus, studio.material.sample_rate_hz or _USUAL_RATE_HZ)


def wave(work: PageWork, request: Request, _body: bytes) -> dict[str, Any]:
    """The waveform behind a strip's lanes: of the track, of a group's tracks, or of all."""
    part, index = request.path_params["part"], request.path_params["index"]
    preset, material = work.studio.preset, work.studio.material
    with _known_strips():
        names = {track.name for track in preset.tracks}
        if part == "track":
            names = {preset.tracks[index].name}
        elif part == "bus":
            names = {track.name for track in preset.tracks if track.bus == preset.buses[index].name}
        paths = [path for name, path in material.stems.items() if name in names]
        return {"length_s": material.length_s, "peaks": numbers(work.waves.peaks(paths, material.length_s), 3)}


@contextmanager
def _known_strips() -> Iterator[None]:
    try:
        yield
    except (KeyError, IndexError):
        raise PresetError("there is no such strip.") from None
