"""What a track's sound says about its role: a small network on :mod:`.features`, trained by `mixbridge model roles`.

Its numbers stand in `sound.npz` beside this file, without anything that runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from ...presets.errors import ModelError
from ...presets.roles import Role
from ..audio.reading import Samples
from .features import sound_features
from .names import Weights

FILE: Final = "sound.npz"

_Array = NDArray[np.float32]
# A number further out than this from what training saw says no more.
_FURTHEST = 5.0


@dataclass(frozen=True)
class SoundNetwork:
    """Numbers of a sound in, weights of roles out.

    Attributes:
        roles: that it tells, in the order of its outputs.
        mean: of the training's numbers, shape (numbers,).
        deviation: of these.
        layers: matrices (in, out) and offsets (out,); between them what is negative becomes 0.
    """

    roles: tuple[Role, ...]
    mean: _Array
    deviation: _Array
    layers: tuple[tuple[_Array, _Array], ...]

    def weights(self, features: _Array) -> Weights:
        """Weigh the roles; their sum is 1."""
        values = np.clip((features - self.mean) / self.deviation, -_FURTHEST, _FURTHEST)
        for place, (matrix, offset) in enumerate(self.layers):
            values = (np.maximum(values, 0) if place else values) @ matrix + offset
        shares = np.exp(values - values.max())
        return dict(zip(self.roles, (shares / shares.sum()).tolist(), strict=True))


def sound_weights(audio: Samples, sample_rate_hz: int) -> Weights:
    """Weigh the roles that a sound may be.

    Args:
        audio: shape (1 or 2, samples), not silent.
        sample_rate_hz: of it.
    """
    return _shipped().weights(sound_features(audio, sample_rate_hz))


def load_network(file: Path) -> SoundNetwork:
    """Read a network.

    Raises:
        ModelError: it is none.
    """
    try:
        with np.load(file, allow_pickle=False) as parts:
            count = int(parts["layers"])
            layers = tuple(
                (parts[f"matrix{place}"].astype(np.float32), parts[f"offset{place}"].astype(np.float32))
                for place in range(count)
            )
            mean, deviation = (parts[name].astype(np.float32) for name in ("mean", "deviation"))
            return SoundNetwork(tuple(parts["roles"].tolist()), mean, deviation, layers)
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
        raise ModelError(f"{file}: not a network that tells roles ({error}): install mixbridge again.") from error


@cache
def _shipped() -> SoundNetwork:
    return load_network(Path(str(resources.files(__package__) / FILE)))
