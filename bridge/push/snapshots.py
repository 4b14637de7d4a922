"""What a desk had before it was changed, in files, so that it can be put back; and which of them comes next.

A snapshot is written whole before the first value is sent, and checked when it is read: its values go to a live desk.
They are kept as they went over the wire, so that what is put back is what stood there, to the bit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, Literal

from platformdirs import user_state_path
from pydantic import Field, ValidationError

from ...presets.console import Part
from ...presets.errors import DeskError, Hint, OutputError
from ...presets.files import write_text
from ...presets.inputs import open_regular
from ..desks.hosted.plugged import Plugged
from ..desks.profile import Desk, Effect
from ..osc.link import Target

MAX_BYTES: Final = 32 * 2**20
Purpose = Literal["push", "undo", "redo", "desk"]

_ENDING: Final = ".json"
_LIST: Final = (Hint("list"),)  # a command that lists them
_Finite = Annotated[float, Field(allow_inf_nan=False, strict=True)]
_Whole = Annotated[int, Field(strict=True, ge=-(2**31), le=2**31 - 1)]
_Text = Annotated[str, Field(strict=True, max_length=256)]


class Kept(Part):
    """One value as the desk had it."""

    key: str = Field(max_length=100)
    wire: _Whole | _Finite | _Text = Field(description="as it goes over the wire")


class KeptStrip(Part):
    """One strip as the desk had it."""

    kind: Literal["track", "bus", "master", "reverb", "delay"]
    number: int = Field(ge=0, le=100_000, description="as the desk counts; 0 for the master; of an effect, its slot")
    label: str = Field(max_length=100, description="what the desk's users call it")
    name: str = Field("", max_length=256, description="what the desk called it then; empty if it did not tell")
    values: tuple[Kept, ...] = Field(max_length=1000)


class KeptEffect(Part):
    """An effect slot whose settings, or the sends to it, are kept."""

    kind: Literal["reverb", "delay"]
    slot: int = Field(ge=1, le=1000)
    bus: int | None = Field(None, ge=0, le=1000, description="that fed it")
    model: str = Field(max_length=40, description="the profile's name for what was put there")


class Snapshot(Part):
    """What a desk had where it was about to be changed."""

    format: Literal["mixbridge-snapshot"] = "mixbridge-snapshot"
    version: Literal[1] = 1
    created: str = Field(max_length=40, description="ISO 8601, UTC")
    purpose: Purpose = Field(description="before what it was made")
    undoes: str | None = Field(None, max_length=300, description="file name of the snapshot that was put back")
    preset: str = Field("", max_length=300, description="name of what was pushed")
    desk: str = Field(max_length=1000, description="profile: its name, or its path")
    host: str = Field(max_length=300)
    port: int | None = Field(None, ge=1, le=65535)
    effects: tuple[KeptEffect, ...] = Field((), max_length=10)
    plugins: tuple[Plugged, ...] = Field((), max_length=200, description="of the user's, whose settings are kept")
    strips: tuple[KeptStrip, ...] = Field(max_length=2000)
    unread: int = Field(0, ge=0, description="values that the desk did not tell, and that cannot be put back")

    @property
    def target(self) -> Target:
        """Where it belongs."""
        return Target(self.desk, self.host, self.port)

    def on(self, desk: Desk) -> Desk:
        """The desk with the effects and the user's plug-ins that it had then.

        Raises:
            DeskError: its profile has them no more.
        """
        effects = (Effect(item.kind, item.slot, item.bus, item.model) for item in self.effects)
        return desk.with_effects(effects).with_plugged(self.plugins)

    @property
    def size(self) -> int:
        """How many values it has."""
        return sum(len(strip.values) for strip in self.strips)


@dataclass(frozen=True)
class Stored:
    """A snapshot and its file."""

    path: Path
    snapshot: Snapshot


def state_folder() -> Path:
    """Gives the folder that keeps snapshots, in the user's folder for state, such as ~/.local/state on Linux."""
    return user_state_path("mixbridge", appauthor=False) / "snapshots"


def kept_effects(desk: Desk) -> tuple[KeptEffect, ...]:
    """Keep which effects of a desk were chosen."""
    return tuple(
        KeptEffect.model_validate({"kind": kind, "slot": item.slot, "bus": item.bus, "model": item.model})
        for kind, item in desk.effects.items()
    )


def profile_name(target: Target) -> str:
    """How a snapshot names the profile: a file by its whole path."""
    path = Path(target.desk)
    return str(path.resolve()) if path.suffix == ".toml" else target.desk


def now() -> str:
    """The time for a snapshot."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def save(snapshot: Snapshot, path: Path | None = None) -> Path:
    """Write a snapshot, all or nothing; gives its path.

    Args:
        snapshot: what to write.
        path: a new file; None for one in the state folder.

    Raises:
        OutputError: it cannot be written, or is there already. Nothing may be sent then.
    """
    text = json.dumps(snapshot.model_dump(mode="json", exclude_none=True), indent=1, ensure_ascii=False) + "\n"
    if path is not None:
        write_text(path, text, overwrite=False)
        return path
    folder = state_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder} cannot be made ({error.strerror}), so there would be no way back; nothing was sent. Give a file "
            "for the former values.",
            hints=(Hint("snapshot", "FILE"),),
        ) from error
    path = _free(folder, snapshot)
    write_text(path, text, overwrite=False)
    return path


def load(path: Path) -> Snapshot:
    """The snapshot in a file.

    Raises:
        DeskError: it cannot be read, or is none.
    """
    try:
        with open_regular(path) as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DeskError(f"{path} cannot be read: {reason}.", hints=_LIST) from error
    if len(data) > MAX_BYTES:
        raise DeskError(f"{path} is larger than {MAX_BYTES // 2**20} MiB: that is no snapshot.")
    try:
        return Snapshot.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise DeskError(
            f"{path} is no snapshot that can be used: {place + ': ' if place else ''}{first['msg']}. Choose another.",
            hints=_LIST,
        ) from error


def stored(folder: Path | None = None) -> tuple[list[Stored], list[Path]]:
    """The snapshots of a folder, the newest first, and files that should be some and cannot be read."""
    folder = state_folder() if folder is None else folder
    found, broken = [], []
    for path in sorted(folder.glob(f"*{_ENDING}"), reverse=True) if folder.is_dir() else ():
        try:
            found.append(Stored(path, load(path)))
        except DeskError:
            broken.append(path)
    return found, broken


def next_undo(snapshots: Sequence[Stored], target: Target | None = None, *, redo: bool = False) -> Stored:
    """The snapshot that an undo puts back, or a redo.

    Each undo goes one push further back; a redo takes back the latest undo, as long as nothing was pushed since.

    Args:
        snapshots: the newest first.
        target: the only desk to look at; None for that of the newest.
        redo: take back an undo.

    Raises:
        DeskError: there is none.
    """
    here = [item for item in snapshots if target is None or _is_at(item.snapshot, target)]
    if target is None and here:
        here = [item for item in here if _is_at(item.snapshot, here[0].snapshot.target)]
    used = {item.snapshot.undoes for item in here}
    for item in here:
        if item.path.name in used:
            continue
        if redo and item.snapshot.purpose == "push":
            break
        if (item.snapshot.purpose == "undo") == redo:
            return item
    where = "" if target is None else f" at {target.desk}://{target.host}"
    if redo:
        raise DeskError(f"there is no undo{where} to be taken back.")
    raise DeskError(
        f"there is nothing{where} to undo: no push has been kept in {state_folder()}. Name a snapshot's file.",
        hints=_LIST,
    )


def named(text: str, snapshots: Iterable[Stored]) -> Stored:
    """A snapshot by its path, its file name or the beginning of that.

    Raises:
        DeskError: there is none, or several.
    """
    path = Path(text)
    if path.is_file():
        return Stored(path, load(path))
    fits = [item for item in snapshots if item.path.name.startswith(text)]
    if len(fits) == 1:
        return fits[0]
    what = "several snapshots begin" if fits else "no snapshot begins, and no file is called,"
    raise DeskError(f"{what} with {text!r}.", hints=_LIST)


def _is_at(snapshot: Snapshot, target: Target) -> bool:
    same_port = target.port is None or snapshot.port is None or snapshot.port == target.port
    return snapshot.desk == target.desk and snapshot.host == target.host and same_port


def _free(folder: Path, snapshot: Snapshot) -> Path:
    """A name that sorts by time."""
    time = re.sub(r"[^0-9]", "", snapshot.created.partition("+")[0])
    desk = Path(snapshot.desk).stem
    base = re.sub(r"[^A-Za-z0-9.-]+", "-", f"{time}-{snapshot.purpose}-{desk}-{snapshot.host}")[:120]
    for count in range(1000):
        path = folder / f"{base}{f'_{count}' if count else ''}{_ENDING}"
        if not path.exists():
            return path
    raise OutputError(f"{folder} is full of snapshots of this very moment: look at the clock of this machine.")
