"""Sessions as folders on disk, as a corpus has them: a `meta.json` and an audio file for each track."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import soundfile as sf

RATE_HZ = 44100


def write_session(
    folder: Path, stems: Mapping[str, np.ndarray], kind: str = "tune", ending: str = "wav", subtype: str | None = None
) -> Path:
    """Writes a session.

    Args:
        folder: to make.
        stems: shape (samples,) or (samples, channels) by track, at RATE_HZ.
        kind: of session.
        ending: of the files.
        subtype: of the samples; None takes the usual one of the kind of file.
    """
    folder.mkdir(parents=True)
    meta = {"format": 1, "kind": kind, "stems": [{"file": f"{name}.{ending}"} for name in stems]}
    (folder / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
    for name, audio in stems.items():
        sf.write(folder / f"{name}.{ending}", audio, RATE_HZ, subtype=subtype)
    return folder
