"""What became of stages on the user's plug-ins, said to people and to machines. Importing this loads click alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .saying import is_verbose, say

if TYPE_CHECKING:
    from ...plugins.using.fitting import PluggedStage


def say_plugged(fits: Sequence[PluggedStage]) -> None:
    """Tell people what each stage lost on its plug-ins, a line each; with `--verbose` every setting."""
    for fit in fits:
        say(f"  {fit.title}: {fit.loss}")
        for item in fit.plugins if is_verbose() else ():
            say(f"    {item.plugin.profile.name}: {', '.join(f'{label} {word}' for label, word in item.words.items())}")


def plugged_as_json(fits: Sequence[PluggedStage]) -> list[dict[str, Any]]:
    """The same for machines."""
    return [
        {
            "track": fit.track,
            "stage": fit.stage,
            "plugins": [
                {
                    "name": item.plugin.profile.name,
                    "path": str(item.plugin.file.path),
                    "measured": item.plugin.profile.measured,
                    "settings": dict(item.values),
                    "shown": item.words,
                }
                for item in fit.plugins
            ],
            "gain_db": round(fit.gain_db, 3),
            "eq_mean_error_db": None if fit.eq is None else round(fit.eq.mean_db, 3),
            "eq_max_error_db": None if fit.eq is None else round(fit.eq.max_db, 3),
            **_reductions(fit),
            "notes": list(fit.notes),
        }
        for fit in fits
    ]


def _reductions(fit: PluggedStage) -> dict[str, float | None]:
    compressor = fit.compressor
    numbers = {
        "gain_reduction_wanted_db": None if compressor is None else compressor.wanted_db,
        "gain_reduction_db": None if compressor is None else compressor.given_db,
        "gain_reduction_apart_db": None if compressor is None else compressor.apart_db,
    }
    return {name: None if number is None else round(number, 3) for name, number in numbers.items()}
