"""A plug-in measured in a process of its own, as a profile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from ....presets.errors import PluginError
from ...desks.mistakes import explain
from ..profile import PluginProfile
from .isolation import HOST, ask

MEASURE_LIMIT_S: Final = 120.0
"""So long may a plug-in be silent while it is measured: some curves take a while on a busy machine."""


def measured_profile(
    path: Path,
    *,
    name: str | None = None,
    limit_s: float = MEASURE_LIMIT_S,
    on_progress: Callable[[float, str], None] | None = None,
    command: Sequence[str] = HOST,
) -> PluginProfile:
    """Measure a plug-in.

    Args:
        path: of its file.
        name: of one of several in it.
        limit_s: the longest silence.
        on_progress: takes the share done and what is being measured.
        command: the program that loads it.

    Raises:
        ProbeFaultError: it crashed, hung, or does not play.
        PluginError: nothing was recognized in it.
    """
    request = {"do": "measure", "path": str(path), "name": name}
    answer = ask(request, limit_s=limit_s, on_progress=on_progress, command=command)
    try:
        profile = PluginProfile.model_validate(answer.result)
    except ValidationError as error:
        what = "; ".join(explain(error, dict(answer.result)))
        raise PluginError(f"{path.name}: what was measured makes no profile: {what}") from None
    if not profile.stages:
        raise PluginError(
            f"{path.name}: no equalizer, compressor or gate was recognized in it: no parameter moves a band or a "
            "threshold alone. Write its profile by hand (docs/plugins.md)."
        )
    return profile
