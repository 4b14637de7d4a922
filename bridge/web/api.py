"""What the page asks for, over HTTP: the state, sounds, pictures, edits and jobs. All answers but sounds are JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Final

from anyio import to_thread
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from ...presets import files
from ...presets.errors import AudioError, MixbridgeError, PresetError
from ...presets.lanes.lane import MOST_LANE_POINTS, Shape
from ...presets.names import LONGEST_NAME
from ...presets.preset import GroupBus, Preset, Track
from ..server.addresses import PartName
from ..server.steps import StepName
from . import views
from .doing.making import MIX
from .doing.plugging import MOST_BYTES, ZIP
from .doing.sessions import SESSION
from .edits import LaneEdit, SettingEdit
from .guarding import refusal
from .language import ASKED, language_of, said, said_job
from .material import without_reference
from .studio import PageStudio
from .uploads import receive_audio
from .work import PageWork

PAGE: Final = Path(__file__).parent / "page"
MOST_JSON_BYTES: Final = 2**24
_PATIENCE_S: Final = 20.0
_REFUSED: Final = 400
_TOO_LARGE: Final = 413

Handler = Callable[[Request], Awaitable[Response]]


class EditAsked(BaseModel):
    """One move, as the page sends it."""

    model_config = ConfigDict(extra="forbid")
    part: PartName
    index: int = Field(0, ge=0, le=4096)
    path: str = Field(max_length=100)
    value: float = Field(0.0, allow_inf_nan=False)
    points: list[tuple[float, float]] | None = Field(None, max_length=MOST_LANE_POINTS)
    shape: Shape = "linear"
    name: str = Field("", max_length=LONGEST_NAME)

    def edit(self, preset: Preset) -> SettingEdit | LaneEdit:
        """What is to be moved: a lane, where there are points.

        Who says the name of a track or group means that one, though others may have come or gone since.

        Raises:
            PresetError: there is none of this name any more.
        """
        index = self.index
        owners: Sequence[Track | GroupBus] = preset.buses if self.part == "bus" else preset.tracks
        names = [owner.name for owner in owners]
        if self.name and self.part in {"track", "bus"} and names[index : index + 1] != [self.name]:
            if self.name not in names:
                raise PresetError(f"there is no track {self.name!r}.")
            index = names.index(self.name)
        if self.points is None:
            return SettingEdit(self.part, index, self.path, self.value)
        return LaneEdit(self.part, index, self.path, self.points, self.shape)


class EditsAsked(BaseModel):
    """Moves that belong together."""

    model_config = ConfigDict(extra="forbid")
    edits: list[EditAsked] = Field(min_length=1, max_length=4096)
    gesture: str = Field("", max_length=200)
    hold: str = Field("", max_length=40)


class DoneAsked(BaseModel):
    """What is to be done with the preset as a whole, or begun."""

    model_config = ConfigDict(extra="forbid")
    what: str = Field(max_length=40)
    name: str = Field("", max_length=LONGEST_NAME)
    other: str = Field("", max_length=LONGEST_NAME)
    value: float = Field(0.0, allow_inf_nan=False)
    length_s: float = Field(0.0, allow_inf_nan=False)
    faders: bool = False


class TooLargeError(MixbridgeError):
    """More was sent than is taken."""


def application(work: PageWork) -> Starlette:
    """The page and what it asks for, without the guard before it."""
    routes = [
        Route("/api/table", _answered(work, views.table)),
        Route("/api/state", partial(_state, work)),
        Route("/api/edit", _answered(work, _edit), methods=["POST"]),
        Route("/api/do", _answered(work, _do), methods=["POST"]),
        Route("/api/sound/{version}", _answered(work, views.sound)),
        Route("/api/meters", _answered(work, views.meters)),
        Route("/api/engine", _answered(work, views.engine)),
        Route("/api/strip/{part}/{index:int}", _answered(work, views.strip)),
        Route("/api/curves/{part}/{index:int}", _answered(work, views.curves)),
        Route("/api/words/{part}/{index:int}", _answered(work, views.words)),
        Route("/api/wave/{part}/{index:int}", _answered(work, views.wave)),
        Route("/api/preset", _answered(work, _preset)),
        Route("/api/preset", _answered(work, _load), methods=["PUT"]),
        Route("/api/plugins", _answered(work, _take_plugins), methods=["PUT"]),
        Route("/api/vstpresets/{file}", _answered(work, _states_file)),
        Route("/api/stems", partial(_receive, work, "stems"), methods=["POST"]),
        Route("/api/reference", partial(_receive, work, "reference"), methods=["POST"]),
        Route("/api/mix/{file}", _answered(work, _mix_file)),
        Route("/api/session/{file}", _answered(work, _session_file)),
        Mount("/", StaticFiles(directory=PAGE, html=True)),
    ]
    return Starlette(routes=routes, exception_handlers={404: _missing, 405: _missing})


async def _missing(request: Request, error: Exception) -> Response:
    """Answer who asks for what is not here: data as JSON, a page to a browser."""
    _listen_to(request)
    status = error.status_code if isinstance(error, HTTPException) else 404
    if request.url.path.startswith("/api/"):
        return JSONResponse({"error": said("there is nothing here.")}, status)
    return refusal(request.headers, "There is nothing here. The console is at the address that was opened.", status)


def state_of(work: PageWork) -> dict[str, Any]:
    """All that the page shows, but for sounds and pictures."""
    studio, state = work.studio, work.studio.state
    material, predicted = studio.material, state.predicted
    return {
        "revision": studio.revision,
        "preset": state.preset.model_dump(mode="json"),
        "predicted": None if predicted is None else predicted.model_dump(mode="json"),
        "differences": state.differences(),
        "amount": state.amount,
        **_way(studio),
        "snapshots": list(state.snapshots),
        "engine": None if work.engine is None else {"where": work.engine.where, "is_there": work.engine.is_there},
        "left_out": [said(text) for text in work.left_out],
        "plugins": work.plugins.names,
        "needs_reference": work.making.needs_reference,
        "song": work.making.song_as_json(),
        "session_formats": dict(work.sessions.kinds),
        "job": None if studio.jobs.latest is None else said_job(studio.jobs.latest),
        "material": {
            "stems": list(material.stems),
            "references": [
                {"name": song.name, "share": round(material.share(song), 4)} for song in material.references
            ],
            "sample_rate_hz": material.sample_rate_hz,
            "length_s": material.length_s,
            "loop": asdict(material.loop),
        },
    }


def _way(studio: PageStudio) -> dict[str, Any]:
    """Where undo and redo would go: what they do, and to what."""
    undoes, redoes = (None if step is None else [step.what, step.name] for step in (studio.undoes, studio.redoes))
    return {"can_undo": undoes is not None, "can_redo": redoes is not None, "undoes": undoes, "redoes": redoes}


def _answered(work: PageWork, answer: Callable[[PageWork, Request, bytes], Response | dict[str, Any]]) -> Handler:
    """A handler that works in a thread, and answers errors in words."""

    async def handle(request: Request) -> Response:
        _listen_to(request)
        try:
            body = await _body(request)
            answered = await to_thread.run_sync(answer, work, request, body)
        except (MixbridgeError, ValidationError) as error:
            return _refusal(error)
        return answered if isinstance(answered, Response) else JSONResponse(answered)

    return handle


def _listen_to(request: Request) -> None:
    """Answer in the language that is asked for."""
    ASKED.set(language_of(request.headers.get("accept-language", "")))


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
        return JSONResponse({"error": said(text)}, _REFUSED)
    return JSONResponse({"error": said(str(error))}, _TOO_LARGE if isinstance(error, TooLargeError) else _REFUSED)


async def _state(work: PageWork, request: Request) -> Response:
    """The state; with `?after=REVISION` only once there is a newer one, or after 20 s."""
    _listen_to(request)
    studio = work.studio
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
    try:
        return JSONResponse(await to_thread.run_sync(state_of, work))
    except MixbridgeError as error:
        return _refusal(error)


def _edit(work: PageWork, _request: Request, body: bytes) -> dict[str, Any]:
    asked = EditsAsked.model_validate_json(body)
    studio = work.studio
    moved = studio.edit([item.edit(studio.preset) for item in asked.edits], asked.gesture, asked.hold)
    return {
        "revision": studio.revision,
        "edits": [asdict(item) for item in moved],
        "differences": studio.state.differences(),
        **_way(studio),
    }


def _do(work: PageWork, _request: Request, body: bytes) -> dict[str, Any]:
    asked = DoneAsked.model_validate_json(body)
    studio = work.studio
    actions: dict[str, Callable[[], object]] = {
        "undo": studio.undo,
        "redo": studio.redo,
        "amount": lambda: studio.set_amount(asked.value),
        "prediction": studio.load_predicted,
        "remember": lambda: studio.remember(asked.name),
        "rename": lambda: studio.rename(asked.name, asked.other),
        "recall": lambda: studio.recall(asked.name),
        "forget": lambda: studio.forget(asked.name),
        "loop": lambda: studio.set_loop(asked.value, asked.length_s),
        "remove track": lambda: studio.remove_track(asked.name),
        "role": lambda: studio.tell_role(asked.name, asked.other),
        "weights": lambda: work.making.weigh(asked.value),
        "remove reference": lambda: remove_reference(studio, int(asked.value), asked.name),
        "plugins": work.plugins.start,
        "predict": work.making.start_predict,
        "predict over time": lambda: work.making.start_predict(asked.value),
        "render": work.making.start_render,
        "plan": lambda: work.desk.start_plan(asked.name, faders=asked.faders),
        "session": lambda: work.sessions.start(asked.name),
        "blend": lambda: studio.blend(asked.name, asked.other, asked.value),
        "push": work.desk.start_push,
        "undo push": work.desk.start_undo,
    }
    if asked.what not in actions:
        raise PresetError(f"{asked.what!r} is nothing that can be done.")
    actions[asked.what]()
    return state_of(work)


def remove_reference(studio: PageStudio, index: int, name: str) -> None:
    """Remove a reference; who says its name means that one, though others may have been removed since."""
    names = [song.name for song in studio.state.references]
    if name and names[index : index + 1] != [name]:
        if name not in names:
            raise AudioError(f"there is no reference {name!r}.")
        index = names.index(name)
    did = StepName("remove reference", "".join(names[index : index + 1]))
    studio.gather(lambda files: without_reference(files, index), did)


def _take_plugins(work: PageWork, _request: Request, body: bytes) -> dict[str, Any]:
    if len(body) > MOST_BYTES:
        raise TooLargeError(f"a plugins.toml has {MOST_BYTES >> 10} kB at most.")
    work.plugins.take(_text(body, "the plugins.toml"))
    return state_of(work)


def _text(body: bytes, what: str) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise PresetError(f"{what} is not text in UTF-8.") from None


def _states_file(work: PageWork, request: Request, _body: bytes) -> Response:
    path = work.studio.place / ZIP
    if request.path_params["file"] != ZIP or not path.is_file():
        raise AudioError("there are no presets for plug-ins yet: write them first.")
    return FileResponse(path, filename=ZIP)


def _preset(work: PageWork, _request: Request, _body: bytes) -> Response:
    return Response(
        files.dumps(work.studio.preset),
        media_type="application/json",
        headers={"content-disposition": 'attachment; filename="preset.json"'},
    )


def _load(work: PageWork, _request: Request, body: bytes) -> dict[str, Any]:
    preset = files.loads(_text(body, "the preset"))
    strange = sorted({item.kind for _, several in preset.all_inserts() for item in several} - {"denoise"})
    if strange:
        raise PresetError(
            f"the preset has inserts ({', '.join(strange)}) that name files of this machine, which no page may: "
            "start mixbridge web with the preset."
        )
    work.studio.load(preset)
    return state_of(work)


async def _receive(work: PageWork, kind: str, request: Request) -> Response:
    """An audio file, as the body; `?name=` is what it is called."""
    _listen_to(request)
    try:
        name = request.query_params.get("name", "")
        await receive_audio(work.studio, kind, name, request.headers.get("content-length", ""), request.stream())
        return JSONResponse(await to_thread.run_sync(state_of, work))
    except MixbridgeError as error:
        return _refusal(error)


def _mix_file(work: PageWork, request: Request, _body: bytes) -> Response:
    """A file of the rendered song."""
    name = request.path_params["file"]
    path = work.studio.place / MIX / name
    if name not in {"mix.wav", "preset.json", "report.html"} or not path.is_file():
        raise AudioError("the song is not rendered yet.")
    return FileResponse(path, filename=name)


def _session_file(work: PageWork, request: Request, _body: bytes) -> Response:
    """The session file that was written last, or an earlier one of another format."""
    folder = work.studio.place / SESSION
    known = {path.name: path for path in folder.iterdir()} if folder.is_dir() else {}
    path = known.get(request.path_params["file"])
    if path is None or not path.is_file():
        raise AudioError("there is no such session file: write it first.")
    return FileResponse(path, filename=path.name)
