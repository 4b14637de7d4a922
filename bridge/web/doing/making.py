"""What is made of the page's material: a prediction, the whole song."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import threading
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from ....presets import files
from ....presets.errors import AudioError, MixbridgeError
from ....presets.preset import Preset
from ....runtime.mixing import PredictOptions, predict
from ....runtime.model.bundle import open_bundle
from ....runtime.rendering.render import RenderOptions
from ...jobs import run_apply
from ...server.steps import StepName
from ..jobs import Outcome
from ..material import PageMaterial, weighed
from ..studio import PageStudio

MIX: Final = "mix"  # folder of the whole song, in the work folder
_SONG: Final = "song.json"


@dataclass(frozen=True)
class RenderedSong:
    """A whole song that was rendered.

    Attributes:
        made: a word that is another for each render.
        loudness_lufs: of the mix; None for silence.
        settings: SHA-256 of the preset that it was rendered with.
    """

    made: str
    loudness_lufs: float | None
    settings: str


class PageMaking:
    """Makes things for the page.

    Args:
        studio: whose material and preset are used.
        model: what predicts.

    Attributes:
        song: the whole song that was rendered last; None if none was.
    """

    def __init__(self, studio: PageStudio, model: str):
        self._studio, self._jobs, self._model = studio, studio.jobs, model
        self.song = _kept_song(studio.place)
        self._settings: tuple[Preset, str] | None = None
        self._lock = threading.Lock()
        self._is_predicting = False
        # Number of the step that weighed the references while a prediction ran.
        self._again: int | None = None

    @cached_property
    def needs_reference(self) -> bool:
        """Whether the model has no style of its own; a model that cannot be opened says why when it is to predict."""
        try:
            return open_bundle(self._model).needs_reference
        except MixbridgeError:
            return True

    @property
    def can_predict(self) -> bool:
        """Whether there is all that a prediction needs."""
        material = self._studio.material
        return bool(material.stems) and (bool(material.references) or not self.needs_reference)

    def start_predict(self, automation_s: float | None = None) -> None:
        """Have the model listen, and take what it predicts.

        Args:
            automation_s: predict the song in windows so far apart, as `mix --automation` does, and take the lanes.

        Raises:
            AudioError: stems or a reference lack.
            PresetError: something else is being done.
        """
        if automation_s is None:
            self._start_predict(None)
            return
        material = self._predictable()

        def job() -> Outcome:
            preset = self._predicted(material, automation_s)
            self._studio.take_lanes(preset, material.stems)
            moving = [track.name for track in preset.tracks if track.lanes]
            return f"{len(moving)} faders move{': ' if moving else ''}{', '.join(moving)}.", None

        self._jobs.start("predict over time", job)

    def weigh(self, share: float) -> None:
        """Weigh two references, and predict between them as soon as there is something to predict.

        Weights and what is predicted for them are one step of the undo. Those that come while a prediction runs are
        predicted after it.

        Args:
            share: of the second reference, 0..1.

        Raises:
            AudioError: there are no two references.
            PresetError: something else is being done.
        """
        with self._lock:
            is_predicting = self._is_predicting
            if not is_predicting:
                self._jobs.refuse_if_busy()
            number = self._studio.gather(lambda files: weighed(files, share), StepName("weights"), "weights")
            if is_predicting:
                self._again = number
        if not is_predicting and self._studio.material.stems:
            self._start_predict(number)

    def _start_predict(self, joins: int | None) -> None:
        """Predict; `joins` is the number of the step that weighed the references, None for who pressed the button."""
        self._predictable()

        def job() -> Outcome:
            try:
                return self._predict_for_now(joins), None
            finally:
                self._has_ended()

        with self._lock:  # the job ends no sooner than this is known
            self._jobs.start("predict", job)
            self._is_predicting = True

    def _has_ended(self) -> None:
        with self._lock:
            self._is_predicting, self._again = False, None

    def _predict_for_now(self, joins: int | None) -> str:
        while True:
            material = self._predictable()
            preset = self._predicted(material)
            with self._lock:
                if self._again is None:
                    self._is_predicting = False
                    break
                joins, self._again = self._again, None
        if joins is not None and material.references != self._studio.state.references:
            return "The references were changed meanwhile: this prediction was not taken."
        self._studio.take_prediction(preset, material.stems, joins)
        confidence = preset.provenance.confidence
        return "" if confidence is None else " ".join(confidence.reasons)

    def _predictable(self) -> PageMaterial:
        material = self._studio.material
        if not self.can_predict:
            raise AudioError("to predict, both are needed: stems and a reference song.")
        return material

    def _predicted(self, material: PageMaterial, automation_s: float | None = None) -> Preset:
        references = {song.path: song.weight for song in material.references}
        roles = {name: role for name, role in self._studio.state.roles.items() if name in material.stems}
        options = PredictOptions(automation_s=automation_s, roles=roles)
        return predict(
            material.stems, references or None, model=self._model, options=options, progress=self._jobs.progress
        )

    def start_render(self) -> None:
        """Render the whole song with the preset as it is, into the work folder.

        Raises:
            AudioError: there are no stems.
        """
        preset, stems = self._studio.preset, dict(self._studio.material.stems)
        if not stems:
            raise AudioError("there are no stems yet: drop audio files on the page.")

        def job() -> tuple[str, dict[str, Any]]:
            how = RenderOptions(stems=False, overwrite=True)
            done = run_apply(preset, stems, self._studio.place / MIX, render_options=how, progress=self._jobs.progress)
            levels = done.mix.render.levels
            loudness = levels.loudness_lufs if math.isfinite(levels.loudness_lufs) else None
            self.song = RenderedSong(format(time.time_ns(), "x"), loudness, _hash(preset))
            with contextlib.suppress(OSError):
                (self._studio.place / _SONG).write_text(json.dumps(vars(self.song)), encoding="utf-8")
            return " ".join(done.warnings), {
                "loudness_lufs": loudness,
                "length_s": done.mix.render.frames / done.mix.render.sample_rate_hz,
            }

        self._jobs.start("render", job)

    def song_as_json(self) -> dict[str, Any] | None:
        """Describe the song that was rendered last, and whether it has the settings of now; None if there is none."""
        song = self.song
        if song is None or not (self._studio.place / MIX / "mix.wav").is_file():
            return None
        preset = self._studio.preset
        if self._settings is None or self._settings[0] is not preset:
            self._settings = preset, _hash(preset)
        return {
            "made": song.made,
            "loudness_lufs": song.loudness_lufs,
            "is_current": self._settings[1] == song.settings,
        }


def _hash(preset: Preset) -> str:
    return hashlib.sha256(files.dumps(preset).encode()).hexdigest()


def _kept_song(place: Path) -> RenderedSong | None:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        data = json.loads((place / _SONG).read_text(encoding="utf-8"))
        loudness = data["loudness_lufs"]
        return RenderedSong(str(data["made"]), None if loudness is None else float(loudness), str(data["settings"]))
    return None
