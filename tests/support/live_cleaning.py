"""Voices through inserts while they come, and as files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import soundfile as sf
from insert_voices import noise, voice
from mixbridge.presets.console import Strip, replace
from mixbridge.presets.inserts.insert import Insert
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.audio.reading import Samples
from mixbridge.runtime.inserts.choosing import denoise_insert
from mixbridge.runtime.inserts.stems import through_inserts
from mixbridge.runtime.inserts.terms import InsertRules
from mixbridge.runtime.live.inserting.worker import LiveInserts

RATE_HZ = 48_000
RULES = InsertRules()
# The network alone: what it does is the same for a file and for what comes.
ALONE = denoise_insert(30).model_copy(update={"protect": False})


def noisy(rate_hz: int = RATE_HZ, seconds: float = 1.5) -> Samples:
    return voice(seconds, rate_hz) + noise(round(seconds * rate_hz), -45)


def as_file(audio: Samples, inserts: Sequence[Insert], folder: Path, rate_hz: int = RATE_HZ) -> Samples:
    """What a file becomes."""
    path = folder / "dry.wav"
    sf.write(path, audio.T, rate_hz, subtype="FLOAT")
    made = through_inserts({"Vox": path}, {"Vox": inserts}, folder, RULES)["Vox"]
    heard: Samples = sf.read(made, dtype="float32", always_2d=True)[0].T
    return heard


def sides(*inserts: Insert) -> Preset:
    """A voice through inserts on the left, and as it came on the right."""
    left, right = (replace(Strip(), {"pan": pan}) for pan in (-1.0, 1.0))
    return Preset(tracks=(Track(name="Vox", strip=left), Track(name="Dry", strip=right)))


def inserts_on_vox(*inserts: Insert) -> LiveInserts:
    return LiveInserts((inserts, ()), RULES)
