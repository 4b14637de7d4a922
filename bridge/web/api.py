"""What the page asks for, over HTTP: the state, sounds, pictures, edits and jobs. All answers but sounds are JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Final

from anyio import to_thread
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from ...presets import files
from ...presets.console import Delay, Master, Reverb, Strip, parameters
from ...presets.errors import AudioError, MixbridgeError, PresetError
from ...presets.preset import Preset
from ...presets.sections import sections
from ..server.addresses import PartName
from ..server.switches import SWITCHES, SectionSwitch
from .hearing import VERSIONS
from .pictures import bus_pictures, curves, master_pictures, strip_pictures
from .studio import MIX, PageStudio, SettingEdit
from .uploads import receive_audio

PAGE: Final = Path(__file__).parent / "page"
MOST_JSON_BYTES: Final = 2**24
_PATIENCE_S: Final = 20.0
_REFUSED: Final = 400
_TOO_LARGE: Final = 413
_PART_CLASSES: Final = {"track": Strip, "bus": Strip, "master": Master, "reverb": Reverb, "delay": Delay}

Handler = Callable[[Request], Awaitable[Response]]


class EditAsked(BaseModel):
    """One move, as the page sends it."""

    model_config = ConfigDict(extra="forbid")
    part: PartName
    index: int = Field(0, ge=0, le=4096)
    path: str = Field(max_length=100)
    value: float = Field(allow_inf_nan=False)


class EditsAsked(BaseModel):
    """Moves that belong together."""

    model_config = ConfigDict(extra="forbid")
    edits: list[EditAsked] = Field(min_length=1, max_length=4096)
    gesture: str = Field("", max_length=200)


class DoneAsked(BaseModel):
    """What is to be done with the preset as a whole, or begun."""

    model_config = ConfigDict(extra="forbid")
    what: str = Field(max_length=40)
    name: str = Field("", max_length=100)
    value: float = Field(0.0, allow_inf_nan=False)
    length_s: float = Field(0.0, allow_inf_nan=False)
    faders: bool = False


class TooLargeError(MixbridgeError):
    """More was sent than is taken."""


def application(studio: PageStudio) -> Starlette:
    """The page and what it asks for, without the guard before it."""
    routes = [
        Route("/api/table", _answered(studio, _table)),
        Route("/api/state", partial(_state, studio)),
        Route("/api/edit", _answered(studio, _edit), methods=["POST"]),
        Route("/api/do", _answered(studio, _do), methods=["POST"]),
        Route("/api/sound/{version}", _answered(studio, _sound)),
        Route("/api/meters", _answered(studio, _meters)),
        Route("/api/strip/{part}/{index:int}", _answered(studio, _strip)),
        Route("/api/curves/{part}/{index:int}", _answered(studio, _curves)),
        Route("/api/preset", _answered(studio, _preset)),
        Route("/api/preset", _answered(studio, _load), methods=["PUT"]),
        Route("/api/stems", partial(_receive, studio, "stems"), methods=["POST"]),
        Route("/api/reference", partial(_receive, studio, "reference"), methods=["POST"]),
        Route("/api/mix/{file}", _answered(studio, _mix_file)),
        Mount("/", StaticFiles(directory=PAGE, html=True)),
    ]
    return Starlette(routes=routes)


def state_of(studio: PageStudio) -> dict[str, Any]:
    """All that the page shows, but for sounds and pictures."""
    preset, material = studio.preset, studio.material
    predicted = studio.predicted
    return {
        "revision": studio.revision,
        "preset": preset.model_dump(mode="json"),
        "predicted": None if predicted is None else predicted.model_dump(mode="json"),
        "differences": studio.differences(),
        "amount": studio.amount,
        "can_undo": studio.can_undo,
        "can_redo": studio.can_redo,
        "snapshots": list(studio.snapshots),
        "job": None if studio.job is None else asdict(studio.job),
        "material": {
            "stems": list(material.stems),
            "reference": None if material.reference is None else material.reference_name,
            "sample_rate_hz": material.sample_rate_hz,
            "length_s": material.length_s,
            "loop": asdict(material.loop),
        },
    }


def _answered(studio: PageStudio, answer: Callable[[PageStudio, Request, bytes], Response | dict[str, Any]]) -> Handler:
    """A handler that works in a thread, and answers errors in words."""

    async def handle(request: Request) -> Response:
        try:
            body = await _body(request)
            answered = await to_thread.run_sync(answer, studio, request, body)
        except (MixbridgeError, ValidationError) as error:
            return _refusal(error)
        return answered if isinstance(answered, Response) else JSONResponse(answered)

    return handle


async def _body(request: Request) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MOST_JSON_BYTES:
            raise TooLargeError(f"more than {MOST_JSON_BYTES >> 20} MB were sent.")
        parts.append(part)
    return b"".join(parts)


def _refusal(error: MixbridgeError | ValidationError) -> Response:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        text = f"what was asked for cannot be read: {'.'.join(map(str, first['loc']))}: {first['msg']}"
        return JSONResponse({"error": text}, _REFUSED)
    return JSONResponse({"error": str(error)}, _TOO_LARGE if isinstance(error, TooLargeError) else _REFUSED)


async def _state(studio: PageStudio, request: Request) -> Response:
    """The state; with `?after=REVISION` only once there is a newer one, or after 20 s."""
    after = request.query_params.get("after", "")
    if after.isdecimal() and studio.revision == int(after):
        changed = asyncio.Event()
        loop = asyncio.get_running_loop()

        def tell() -> None:
            loop.call_soon_threadsafe(changed.set)

        end = studio.listen(tell)
        try:
            if studio.revision == int(after) and not studio.is_closed:
                await asyncio.wait_for(changed.wait(), _PATIENCE_S)
        except TimeoutError:
            return JSONResponse({"revision": studio.revision})
        finally:
            end()
    return JSONResponse(await to_thread.run_sync(state_of, studio))


def _table(_studio: PageStudio, _request: Request, _body: bytes) -> dict[str, Any]:
    """The console's table, by part of a preset, with the sections that a strip is shown in."""
    return {
        "parts": {
            part: {path: {**asdict(row), "neutral": row.neutral} for path, row in parameters(kind).items()}
            for part, kind in _PART_CLASSES.items()
        },
        "sections": list(sections(Strip)),
        "switches": sorted(set(SWITCHES.values())),
    }


def _edit(studio: PageStudio, _request: Request, body: bytes) -> dict[str, Any]:
    asked = EditsAsked.model_validate_json(body)
    moved = studio.edit(
        [SettingEdit(item.part, item.index, item.path, item.value) for item in asked.edits], asked.gesture
    )
    return {
        "revision": studio.revision,
        "edits": [asdict(item) for item in moved],
        "differences": studio.differences(),
        "can_undo": studio.can_undo,
        "can_redo": studio.can_redo,
    }


def _do(studio: PageStudio, _request: Request, body: bytes) -> dict[str, Any]:
    asked = DoneAsked.model_validate_json(body)
    actions: dict[str, Callable[[], object]] = {
        "undo": studio.undo,
        "redo": studio.redo,
        "amount": lambda: studio.set_amount(asked.value),
        "prediction": studio.load_predicted,
        "remember": lambda: studio.remember(_name(asked.name)),
        "recall": lambda: studio.recall(asked.name),
        "forget": lambda: studio.forget(asked.name),
        "loop": lambda: studio.set_loop(asked.value, asked.length_s),
        "predict": studio.start_predict,
        "render": studio.start_render,
        "plan": lambda: studio.start_plan(asked.name, faders=asked.faders),
        "push": studio.start_push,
        "undo push": studio.start_undo_push,
    }
    if asked.what not in actions:
        raise PresetError(f"{asked.what!r} is nothing that can be done.")
    actions[asked.what]()
    return state_of(studio)


def _sound(studio: PageStudio, request: Request, _body: bytes) -> Response:
    """A loop as WAV; the header `x-mixbridge-gain-db` brings it to the level at which versions are compared."""
    version = next((known for known in VERSIONS if known == request.path_params["version"]), None)
    if version is None:
        raise PresetError(f"there is no sound {request.path_params['version']!r}: ask for {', '.join(VERSIONS)}.")
    preset = studio.preset
    if version == "predicted":
        if studio.predicted is None:
            raise PresetError("nothing was predicted yet.")
        preset = studio.predicted
    for switch in _switches(request.query_params.getlist("bypass"), preset):
        preset = switch.write(preset, 0)
    sound = studio.hearing().sound(version, preset, request.query_params.getlist("solo"))
    return Response(sound.wav(), media_type="audio/wav", headers={"x-mixbridge-gain-db": format(sound.gain_db, ".4f")})


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


def _meters(studio: PageStudio, _request: Request, _body: bytes) -> dict[str, Any]:
    revision = studio.revision
    return {"revision": revision, **asdict(studio.hearing().meters(studio.preset))}


def _strip(studio: PageStudio, request: Request, _body: bytes) -> dict[str, Any]:
    """Pictures and words of a strip."""
    part, index = request.path_params["part"], request.path_params["index"]
    preset, hearing = studio.preset, studio.hearing()
    with _known_strips():
        if part == "track":
            pictures = strip_pictures(hearing, preset, preset.tracks[index].name)
        elif part == "bus":
            pictures = bus_pictures(hearing, preset, preset.buses[index].name)
        elif part == "master":
            pictures = master_pictures(hearing, preset)
        elif part in _PART_CLASSES:
            pictures = {}
        else:
            raise KeyError(part)
        return {**pictures, "words": studio.words(part, index)}


def _curves(studio: PageStudio, request: Request, _body: bytes) -> dict[str, Any]:
    part, index = request.path_params["part"], request.path_params["index"]
    preset = studio.preset
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
    return curves(bus, studio.material.sample_rate_hz)


@contextmanager
def _known_strips() -> Iterator[None]:
    try:
        yield
    except (KeyError, IndexError):
        raise PresetError("there is no such strip.") from None


def _preset(studio: PageStudio, _request: Request, _body: bytes) -> Response:
    return Response(
        files.dumps(studio.preset),
        media_type="application/json",
        headers={"content-disposition": 'attachment; filename="preset.json"'},
    )


def _load(studio: PageStudio, _request: Request, body: bytes) -> dict[str, Any]:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise PresetError("the preset is not text in UTF-8.") from None
    studio.load(files.loads(text))
    return state_of(studio)


async def _receive(studio: PageStudio, kind: str, request: Request) -> Response:
    """An audio file, as the body; `?name=` is what it is called."""
    try:
        name = request.query_params.get("name", "")
        await receive_audio(studio, kind, name, request.headers.get("content-length", ""), request.stream())
        return JSONResponse(await to_thread.run_sync(state_of, studio))
    except MixbridgeError as error:
        return _refusal(error)


def _mix_file(studio: PageStudio, request: Request, _body: bytes) -> Response:
    """A file of the rendered song."""
    name = request.path_params["file"]
    path = studio.place / MIX / name
    if name not in {"mix.wav", "preset.json", "report.html"} or not path.is_file():
        raise AudioError("the song is not rendered yet.")
    return FileResponse(path, filename=name)


def _name(text: str) -> str:
    if not text.strip():
        raise PresetError("a snapshot needs a name.")
    return text.strip()
