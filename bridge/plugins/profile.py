"""What a plug-in is, for those who use one: which parameter is what, in which law, and what it does to sound.

A :class:`PluginProfile` is read from a TOML file (:mod:`.loading`, docs/plugins.md), which `mixbridge plugin measure`
makes. Settings have the keys of desks: `eq.on`, `eq.<slot>.gain_db` (or `freq_hz`, `q`, `type`, `on`), `eq.output_db`,
`compressor.threshold_db`, `gate.range_db` and so on, in the units of the console. A parameter is set to a raw value, 0
to 1, by its name in `plugin.parameters` of pedalboard. Nothing here loads a plug-in.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field, model_validator

from ...presets.console import Part
from ...presets.errors import DeskError, PluginError
from ..desks.profile import FILTER_TYPES, CompressorAbility, EqAbility, Slot
from ..desks.scales import Choice, Scale
from ..desks.sections import Sentence
from .response import Floats, band_response_db
from .sections import (
    BandKind,
    ParameterName,
    PluginBand,
    PluginCompressor,
    PluginEq,
    PluginGate,
    PluginParameter,
    Raw,
)

Stage = Literal["eq", "compressor", "gate"]
Values = Mapping[str, float | str]


class PluginProfile(Part):
    """A plug-in as its profile describes it."""

    format: Literal["mixbridge-plugin"] = "mixbridge-plugin"
    format_version: Literal[1] = 1
    name: str = Field(min_length=1, max_length=100, description="of the plug-in, as it says itself")
    file: str = Field(min_length=1, max_length=255, description="name of its file, without folders")
    kind: Literal["vst3", "au", "daw"] = Field("vst3", description="daw: it is part of a DAW, and only set there")
    vendor: str = Field("", max_length=200)
    version: str = Field("", max_length=60, description="of the plug-in that was measured")
    class_id: str | None = Field(None, pattern=r"^[0-9A-F]{32}$", description="of the VST3, as in `.vstpreset` files")
    measured: bool = Field(description="false: from documents; every message then says so")
    sample_rate_hz: int = Field(48000, ge=8000, le=768000, description="at which it was measured")
    latency_samples: int = Field(0, ge=0, le=10_000_000, description="measured, at `sample_rate_hz`")
    channels: tuple[Literal[1, 2], ...] = Field((1, 2), min_length=1, description="numbers of channels that it takes")
    traps: tuple[Sentence, ...] = Field((), max_length=50, description="what its users should know")
    sources: tuple[Sentence, ...] = Field((), max_length=20, description="documents that its facts are from")
    fixed: dict[ParameterName, Raw] = Field(
        default_factory=dict, max_length=1000, description="raw values that have to stand, whatever is set"
    )
    parameters: dict[ParameterName, PluginParameter] = Field(default_factory=dict, max_length=2000)
    eq: PluginEq | None = None
    compressor: PluginCompressor | None = None
    gate: PluginGate | None = None

    @model_validator(mode="after")
    def _usable(self) -> PluginProfile:
        for setting, name in self.settings.items():
            if name not in self.parameters:
                raise ValueError(f"{setting} is the parameter {name!r}, which is not under [parameters]")
        slots = [band.slot for band in self.eq.bands] if self.eq else []
        if len(set(slots)) != len(slots):
            raise ValueError("two bands have the same slot")
        for band in self.eq.bands if self.eq else ():
            scale = self.parameters[band.type].scale if band.type else None
            if scale is not None and not (isinstance(scale, Choice) and set(scale.values) >= set(band.kinds)):
                raise ValueError(f"band {band.slot}: its type has to be a choice of the kinds that it lists")
        return self

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages of the console that it serves."""
        sections: tuple[tuple[Stage, object], ...] = (
            ("eq", self.eq),
            ("compressor", self.compressor),
            ("gate", self.gate),
        )
        return tuple(stage for stage, section in sections if section is not None)

    @property
    def settings(self) -> dict[str, ParameterName]:
        """Names of parameters by the keys of settings."""
        sections = {"eq": self.eq, "compressor": self.compressor, "gate": self.gate}
        return {
            f"{stage}.{word}": name
            for stage, section in sections.items()
            if section is not None
            for word, name in section.parameters.items()
        }

    @property
    def title(self) -> str:
        """What messages call it: with "not measured" if it was not."""
        return self.name if self.measured else f"{self.name} (not measured)"

    def scale(self, setting: str) -> Scale | None:
        """The scale of a setting, its wire being the raw value; None if the plug-in does not have it."""
        name = self.settings.get(setting)
        return None if name is None else self.parameters[name].scale

    def to_parameter(self, setting: str, value: float | str) -> float:
        """The raw value next to `value`, clamped to the range and on the grid.

        Raises:
            PluginError: no such setting, or no such value.
        """
        try:
            return min(max(float(self._scale(setting).encode(value)), 0.0), 1.0)
        except DeskError as error:
            raise PluginError(f"{self.title}, {setting}: {error}") from None

    def from_parameter(self, setting: str, raw: float) -> float | str:
        """What a raw value means, in the setting's unit.

        Raises:
            PluginError: no such setting, or a value that means nothing.
        """
        try:
            return self._scale(setting).decode(raw)
        except DeskError as error:
            raise PluginError(f"{self.title}, {setting}: {error}") from None

    def snapped(self, setting: str, value: float) -> float:
        """The number that the plug-in will have after it was set to `value`."""
        return float(self.from_parameter(setting, self.to_parameter(setting, value)))

    def raw_values(self, values: Values) -> dict[ParameterName, float]:
        """What has to be set so that the plug-in has these values: `fixed` first, then the settings' parameters.

        Raises:
            PluginError: as for :meth:`to_parameter`.
        """
        wanted = {self._name(setting): self.to_parameter(setting, value) for setting, value in values.items()}
        return {**self.fixed, **wanted}

    def response_db(self, values: Values, freqs_hz: ArrayLike, sample_rate_hz: float | None = None) -> Floats:
        """The gain of its equalizer at these settings, on its grid.

        Args:
            values: by key; what is left out does nothing, and a band that has no gain is flat.
            freqs_hz: where to look, shape (n,).
            sample_rate_hz: of the audio; that of the measurement if absent.

        Raises:
            PluginError: it has no equalizer, or no such setting.
        """
        if self.eq is None:
            raise PluginError(f"{self.title} has no equalizer in its profile")
        freqs = np.asarray(freqs_hz, np.float64)
        rate = float(sample_rate_hz or self.sample_rate_hz)
        total = np.full(freqs.shape, self._number(values, "eq.output_db", 0.0))
        for band in self.eq.bands:
            total = total + self._band_db(band, values, freqs, rate)
        return total

    def eq_ability(self) -> EqAbility | None:
        """What the fitting of desks has to know of its bells and shelves; None without any that it can set."""
        bands = self.eq.bands if self.eq else ()
        slots = tuple(self._slots(bands))
        return EqAbility(slots=slots, switch=self.scale("eq.on")) if slots else None

    def compressor_ability(self) -> CompressorAbility | None:
        """What the fitting of desks has to know of its compressor; None if it lacks what that needs."""
        section = self.compressor
        if section is None or section.ratio is None or section.attack is None:
            return None
        return CompressorAbility(
            threshold=self._scale("compressor.threshold_db"),
            ratio=self._scale("compressor.ratio"),
            attack=self._scale("compressor.attack_ms"),
            release=self.scale("compressor.release_ms"),
            knee=self.scale("compressor.knee_db"),
            makeup=self.scale("compressor.makeup_db"),
            switch=self.scale("compressor.on"),
            attack_law=section.attack_law,
            release_law=section.release_law,
        )

    def _name(self, setting: str) -> ParameterName:
        try:
            return self.settings[setting]
        except KeyError:
            known = ", ".join(self.settings)
            raise PluginError(f"{self.title} has no setting {setting}; it has {known}") from None

    def _scale(self, setting: str) -> Scale:
        return self.parameters[self._name(setting)].scale

    def _number(self, values: Values, setting: str, default: float) -> float:
        """The number that the plug-in will have for a setting; `default` if it is not set."""
        value = values.get(setting)
        return default if value is None else float(self.snapped(setting, float(value)))

    def _band_db(self, band: PluginBand, values: Values, freqs_hz: Floats, sample_rate_hz: float) -> Floats:
        key = f"eq.{band.slot}"
        kind: BandKind = next((kind for kind in band.kinds if kind == values.get(f"{key}.type")), band.kinds[0])
        is_off = band.on is not None and self._number(values, f"{key}.on", 0.0) < 0.5
        is_cut = kind in ("low_cut", "high_cut")
        if is_off or (is_cut and f"{key}.freq_hz" not in values):
            return np.zeros(freqs_hz.shape)
        gain_db = 0.0 if is_cut else self._number(values, f"{key}.gain_db", 0.0)
        freq_hz = self._number(values, f"{key}.freq_hz", band.freq_hz or math.sqrt(20 * 20000))
        q = self._number(values, f"{key}.q", band.fixed_q)
        return band_response_db(band, kind, gain_db, freq_hz, q, freqs_hz, sample_rate_hz)

    def _slots(self, bands: tuple[PluginBand, ...]) -> Iterator[Slot]:
        for band in bands:
            types = tuple(type_ for type_ in FILTER_TYPES if type_ in band.kinds)
            if not types or band.freq is None or band.design == "table":
                continue
            key = f"eq.{band.slot}"
            yield Slot(
                name=band.slot,
                types=types,
                gain=self._scale(f"{key}.gain_db"),
                freq=self._scale(f"{key}.freq_hz"),
                q=self.scale(f"{key}.q"),
                shelf_q=band.fixed_q,
                shelf_law="middle",
                type=self.scale(f"{key}.type"),
                switch=self.scale(f"{key}.on"),
            )
