"""What is made of the page's material: a prediction, the whole song."""

from __future__ import annotations

import math
from typing import Any, Final

from ....presets.errors import AudioError
from ....runtime.mixing import PredictOptions, predict
from ....runtime.rendering.render import RenderOptions
from ...jobs import run_apply
from ..jobs import Outcome
from ..studio import PageStudio

MIX: Final = "mix"  # folder of the whole song, in the work folder


class PageMaking:
    """Makes things for the page.

    Args:
        studio: whose material and preset are used.
        model: what predicts.
    """

    def __init__(self, studio: PageStudio, model: str):
        self._studio, self._jobs, self._model = studio, studio.jobs, model

    def start_predict(self, automation_s: float | None = None) -> None:
        """Have the model listen, and take what it predicts.

        Args:
            automation_s: predict the song in windows so far apart, as `mix --automation` does, and take the lanes.

        Raises:
            AudioError: stems or a reference lack.
            PresetError: something else is being done.
        """
        material = self._studio.material
        if not material.stems or material.reference is None:
            raise AudioError("to predict, both are needed: stems and a reference song.")
        reference, options = material.reference, PredictOptions(automation_s=automation_s)

        def job() -> Outcome:
            preset = predict(
                material.stems, reference, model=self._model, options=options, progress=self._jobs.progress
            )
            if automation_s is None:
                self._studio.take_prediction(preset, material.stems)
            else:
                self._studio.take_lanes(preset, material.stems)
                moving = [track.name for track in preset.tracks if track.lanes]
                return f"{len(moving)} faders move{': ' if moving else ''}{', '.join(moving)}.", None
            confidence = preset.provenance.confidence
            return ("" if confidence is None else " ".join(confidence.reasons)), None

        self._jobs.start("predict" if automation_s is None else "predict over time", job)

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
            return " ".join(done.warnings), {
                "loudness_lufs": levels.loudness_lufs if math.isfinite(levels.loudness_lufs) else None,
                "length_s": done.mix.render.frames / done.mix.render.sample_rate_hz,
            }

        self._jobs.start("render", job)
