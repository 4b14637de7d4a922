"""The user's plug-ins as the renderer asks for them: fitted to the tracks, heard, left out where one fails."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ....presets.preset import Preset, Track
from ....runtime.audio.reading import Samples
from ....runtime.audio.writing import write_samples
from ....runtime.console.streams import MakeRun
from ....runtime.plugins.faults import PluginFaultError
from ....runtime.plugins.stage import PluginHosts, PluginSetting
from ....runtime.plugins.strips import PluggedStrips
from ....runtime.rendering.in_memory import render_arrays
from .choices import OnFault, PluginChoices
from .fitting import PluggedStage, fit_tracks, unplugged


class UserPlugins:
    """Plug-ins in the place of stages of the strips; what `RenderOptions.own_stages` takes.

    Args:
        choices: which.
        on_fault: what becomes of the mix when one fails: it stops, or goes on with mixbridge's own stage in the place
            of those with this plug-in; None takes what the file says.

    Attributes:
        fits: what was fitted for the latest rendering.
        notes: what the user should know, in sentences.
    """

    def __init__(self, choices: PluginChoices, on_fault: OnFault | None = None):
        self._choices, self._on_fault = choices, on_fault or choices.content.on_fault
        self._faults: dict[str, PluginFaultError] = {}
        self.fits: tuple[PluggedStage, ...] = ()
        self._besides: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """As above."""
        faults = [f"{fault} mixbridge's own stage stands in its place." for fault in self._faults.values()]
        return (*faults, *self._besides, *(note for fit in self.fits for note in fit.notes))

    @contextmanager
    def opened(
        self, tracks: Sequence[Track], stems: Mapping[str, Path] | None, sample_rate_hz: int
    ) -> Iterator[MakeRun]:
        """Fit the plug-ins to these tracks, and make what runs their strips.

        Raises:
            PluginError: one cannot be used.
            AudioError: a stem cannot be read.
        """
        with PluginHosts() as hosts:
            without = frozenset(self._faults)
            self.fits = tuple(fit_tracks(hosts, self._choices, tracks, sample_rate_hz, stems, without))
            unknown = self._choices.unknown({track.name: track for track in tracks})
            missing = [f"{self._choices.path.name} names {name!r}, and no track is called so." for name in unknown]
            self._besides = (*missing, *unplugged(self._choices, tracks, sample_rate_hz))
            plugged: dict[str, dict[str, Sequence[PluginSetting]]] = {}
            for fit in self.fits:
                plugged.setdefault(fit.track, {})[fit.stage] = fit.settings
            yield PluggedStrips(hosts, plugged)

    def fit(self, tracks: Sequence[Track], stems: Mapping[str, Path] | None, sample_rate_hz: int) -> None:
        """Fit without rendering; arguments and errors as for :meth:`opened`."""
        while True:
            try:
                with self.opened(tracks, stems, sample_rate_hz):
                    return
            except PluginFaultError as fault:
                if not self.goes_on_without(fault):
                    raise

    def heard(self, preset: Preset, audio: Mapping[str, Samples], sample_rate_hz: int) -> Samples:
        """Play a preset on a passage of its tracks, with the plug-ins fitted to what they play there.

        Args:
            preset: whose tracks name the audio.
            audio: shape (1 or 2, n) each.
            sample_rate_hz: of the audio.

        Returns:
            The mix, shape (2, n).

        Raises:
            PluginError: one cannot be used.
        """
        tracks = [track for track in preset.tracks if track.name in audio and not track.mute]
        with TemporaryDirectory(prefix="mixbridge-") as folder:
            stems = {track.name: Path(folder) / f"{place}.wav" for place, track in enumerate(tracks)}
            for name, path in stems.items():
                write_samples(path, audio[name], sample_rate_hz)
            while True:
                try:
                    with self.opened(tracks, stems, sample_rate_hz) as run:
                        return render_arrays(audio, sample_rate_hz, preset, run=run).mix
                except PluginFaultError as fault:
                    if not self.goes_on_without(fault):
                        raise

    def goes_on_without(self, fault: PluginFaultError) -> bool:
        """Tell whether the mix is made once more without this plug-in."""
        if self._on_fault == "stop" or fault.plugin in self._faults:
            return False
        self._faults[fault.plugin] = fault
        return True
