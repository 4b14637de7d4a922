"""A profile made by measuring: a survey of all parameters, then the equalizer or the dynamics that it points at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from .equalizer import find_equalizer
from .rig import RATE_HZ, Floats, Rig, identity
from .waking import waking

Progress = Callable[[float, str], None]

_PLACES: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
_LEVELS_DB: Final = (-57.0, -30.0, -3.0)
_AUDIBLE_DB: Final = 0.2


@dataclass
class Survey:
    """What each parameter does alone.

    Attributes:
        filters: those that move the response whatever the level, with the responses.
        dynamics: those that move the gain at some levels and not at others, with the gains.
        silent: those that do nothing alone.
    """

    filters: dict[str, list[Floats]] = field(default_factory=dict)
    dynamics: dict[str, list[Floats]] = field(default_factory=dict)
    silent: list[str] = field(default_factory=list)


def measure(load: Callable[[], Any], file: str, progress: Progress) -> dict[str, Any]:
    """Measure a plug-in.

    Args:
        load: gives the plug-in.
        file: name of its file.
        progress: told the share done and what is being measured.

    Returns:
        The profile as data, as `PluginProfile` takes it; `stages` is empty if nothing was recognized.

    Raises:
        PluginError: it does not play, or what it plays is not finite.
    """
    from .dynamics import find_dynamics

    plugin = load()
    rig = Rig(plugin)
    survey = _survey(rig, lambda share, text: progress(0.3 * share, text))
    turned: dict[str, float] = {}
    if not survey.filters and not survey.dynamics and (turned := waking(rig)):
        rig.turn(turned)
        survey = _survey(rig, lambda share, text: progress(0.3 * share, text))
    later: Progress = lambda share, text: progress(0.3 + 0.7 * share, text)  # noqa: E731  (a function of one line)
    profile: dict[str, Any] = {
        **identity(plugin),
        "file": file,
        "kind": "au" if file.lower().endswith(".component") else "vst3",
        "measured": True,
        "sample_rate_hz": RATE_HZ,
        "latency_samples": rig.latency_samples(),
        "channels": list(rig.channels),
        "traps": [],
        "fixed": {},
        "parameters": {},
    }
    found = find_equalizer(rig, survey.filters, later) if not survey.dynamics else None
    if found is not None:
        profile |= {"eq": found.eq, "parameters": found.parameters, "traps": found.traps}
    dynamics = find_dynamics(rig, survey.dynamics, later)
    if dynamics is not None:
        profile |= {dynamics.stage: dynamics.section, "parameters": dynamics.parameters, "traps": dynamics.traps}
        profile["fixed"] = dynamics.fixed
    profile["fixed"] = {**turned, **profile["fixed"]}
    if rig.channels == (1,):
        profile["traps"].append("Takes one channel: a stereo track needs two of it, set alike.")
    return profile


def _survey(rig: Rig, progress: Progress) -> Survey:
    survey = Survey()
    flat, gains = rig.response_db({}, is_quick=True), rig.level_gains_db({}, _LEVELS_DB, 0.25)
    for number, knob in enumerate(rig.knobs):
        progress(number / len(rig.knobs), f"parameter {number + 1} of {len(rig.knobs)}: {knob.label}")
        moved = [rig.level_gains_db({knob.name: raw}, _LEVELS_DB, 0.25) - gains for raw in _PLACES]
        if max(float(np.ptp(change)) for change in moved) > _AUDIBLE_DB:
            survey.dynamics[knob.name] = moved
            continue
        curves = [rig.response_db({knob.name: raw}, is_quick=True) for raw in _PLACES]
        if max(float(np.abs(curve - flat).max()) for curve in curves) > _AUDIBLE_DB:
            survey.filters[knob.name] = [rig.response_db({knob.name: raw}) for raw in _PLACES]
        else:
            survey.silent.append(knob.name)
    return survey
