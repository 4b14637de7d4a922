"""Settings for a whole desk at random, and what holds of a desk after a push; for tests and benchmarks."""

from __future__ import annotations

import random
from collections.abc import Iterable

from mixbridge.bridge.desks.profile import Desk, Setting


def random_settings(desk: Desk, tracks: Iterable[int], seed: int, keys: Iterable[str] | None = None) -> list[Setting]:
    """Everything that the desk's tracks have, anywhere in its range."""
    chance = random.Random(seed)
    wanted = None if keys is None else set(keys)
    settings = []
    for number in tracks:
        values = {
            setting.key: _value(setting, number, chance)
            for setting in desk.questions("track", number)
            if wanted is None or setting.key in wanted
        }
        settings += [setting for setting in desk.settings("track", number, values) if setting.key in values]
    return settings


def _value(setting: Setting, number: int, chance: random.Random) -> float | str:
    scale = setting.scale
    if scale.values:
        return chance.choice(scale.values)
    if scale.low is None or scale.high is None:
        return f"Track {number}"
    return chance.uniform(scale.low, scale.high)
