"""Plug-ins looked at one after the other: what each is, or why it cannot be used, in one line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..loading import profile_for
from .folders import kind_of
from .isolation import HOST, LIMIT_S, FaultKind, ProbeAnswer, ProbeFaultError, ask

Status = Literal["ok", "trouble"] | FaultKind


@dataclass(frozen=True)
class ScannedPlugin:
    """A plug-in that was looked at.

    Attributes:
        path: of its file.
        kind: "VST3" or "Audio Unit".
        status: "ok"; "trouble" if it loads but does not behave; else how it failed.
        remark: what is wrong, or what its users should know; empty if nothing.
        name: as it says itself; that of the file if it did not load.
        vendor: who made it.
        version: its own.
        class_id: of a VST3.
        channels: numbers of channels that it takes.
        latency_samples: as it says.
        parameter_count: of its own parameters.
        parameters: described, if that was asked for.
        profile: name of the profile that mixbridge has of it, with "(not measured)" if so; empty if none.
        printed: the beginning of what it printed.
    """

    path: Path
    kind: str
    status: Status
    remark: str
    name: str
    vendor: str = ""
    version: str = ""
    class_id: str | None = None
    channels: tuple[int, ...] = ()
    latency_samples: int = 0
    parameter_count: int = 0
    parameters: tuple[dict[str, Any], ...] = ()
    profile: str = ""
    printed: str = ""


def scan(
    plugins: Sequence[Path],
    *,
    limit_s: float = LIMIT_S,
    on_progress: Callable[[float, str], None] | None = None,
    command: Sequence[str] = HOST,
) -> Iterator[ScannedPlugin]:
    """Look at plug-ins; a file with several of them gives several."""
    for number, path in enumerate(plugins):
        if on_progress is not None:
            on_progress(number / len(plugins), path.name)
        yield from look_at(path, limit_s=limit_s, command=command)


def look_at(
    path: Path,
    *,
    name: str | None = None,
    has_parameters: bool = False,
    limit_s: float = LIMIT_S,
    command: Sequence[str] = HOST,
) -> list[ScannedPlugin]:
    """Look at the plug-in, or the plug-ins, of one file; it never raises for what a plug-in does.

    Args:
        path: of the file.
        name: of one of several in it; None for all.
        has_parameters: whether its parameters are described.
        limit_s: the longest silence.
        command: the program that loads it.
    """
    request = {"do": "inspect", "path": str(path), "name": name, "parameters": has_parameters}
    try:
        answer = ask(request, limit_s=limit_s, command=command)
    except ProbeFaultError as fault:
        return [
            ScannedPlugin(path, kind_of(path), fault.kind, _why(str(fault), path), path.stem, printed=fault.printed)
        ]
    names = answer.result.get("names", [])
    if "name" not in answer.result:
        if not names:
            return [ScannedPlugin(path, kind_of(path), "refused", "it has no plug-in in it", path.stem)]
        options: dict[str, Any] = {"has_parameters": has_parameters, "limit_s": limit_s, "command": command}
        return [one for each in names for one in look_at(path, name=each, **options)]
    return [_scanned(path, answer)]


def _scanned(path: Path, answer: ProbeAnswer) -> ScannedPlugin:
    said = answer.result
    profile = profile_for(path, said["class_id"])
    remarks = list(said["problems"])
    if not said["parameter_count"]:
        remarks.append("it has no parameters: nothing can be set")
    elif said["parameter_count"] > 1000:
        remarks.append(f"it has {said['parameter_count']:,} parameters: measuring it takes long")
    if len(said["names"]) > 1:
        remarks.append(f"one of {len(said['names'])} plug-ins in its file")
    if answer.printed:
        remarks.append("it prints")
    if profile is not None and profile.version and profile.version != said["version"]:
        remarks.append(f"the profile is of version {profile.version}")
    return ScannedPlugin(
        path=path,
        kind=kind_of(path),
        status="trouble" if said["problems"] else "ok",
        remark="; ".join(remarks),
        name=said["name"],
        vendor=said["vendor"],
        version=said["version"],
        class_id=said["class_id"],
        channels=tuple(said["channels"]),
        latency_samples=said["latency_samples"],
        parameter_count=said["parameter_count"],
        parameters=tuple(said["parameters"]),
        profile="" if profile is None else profile.title,
        printed=answer.printed,
    )


def _why(message: str, path: Path) -> str:
    """Shortens a message that begins with the name of the file, which stands beside it."""
    return message.removeprefix(path.name).lstrip(": ")
