"""What stands behind the page: material, the preset that is edited, what was predicted, jobs that take a while.

Several pages may look at one studio: each change makes a new revision, and whoever waits for one is told. What was done
is kept in the work folder, so that a server that died goes on where it was. Nothing here knows of HTTP.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from ...presets.edit import diff
from ...presets.errors import AudioError, DeskError, PresetError
from ...presets.preset import Preset, Track
from ...runtime.mixing import predict
from ...runtime.model.bundle import DEFAULT_MODEL
from ...runtime.rendering.render import RenderOptions
from ..jobs import run_apply
from ..push.plan import Plan
from ..push.pushing import PushOptions, plan_push, push_preset
from ..push.scope import Scope
from ..push.tables import plan_as_json, result_as_json
from ..push.undoing import undo
from ..report.text import describe_effects, describe_master, describe_strip
from ..server.addresses import Mute, PartName, setting_of
from ..server.current import CurrentPreset
from ..server.switches import linked_with
from ..server.worker import State, Worker
from .hearing import Hearing
from .keeping import KeptWork, keep
from .material import Loop, PageMaterial

AUDIO: Final = "audio"  # what was dropped on the page, in the work folder
MIX: Final = "mix"  # folder of the whole song, in the work folder
MOST_SNAPSHOTS: Final = 50
PARTS: Final[frozenset[PartName]] = frozenset({"track", "bus", "master", "reverb", "delay"})
_MUTE: Final = "mute"
_SAVED_EVERY_S: Final = 0.5
# Jobs that change a desk, and how long they may take to stop.
_PUSHES: Final = frozenset({"push", "undo push"})
_PATIENCE_S: Final = 10.0


@dataclass(frozen=True)
class SettingEdit:
    """A setting that is to be moved.

    Attributes:
        part: of the preset.
        index: which track or group; 0 for the others.
        path: in the console's table, or "mute" of a track.
        value: in its unit; 1 or 0 for a mute.
    """

    part: PartName
    index: int
    path: str
    value: float


@dataclass(frozen=True)
class PageJob:
    """Something that takes a while, for the page.

    Attributes:
        name: "predict", "render", "plan", "push", "undo push".
        state: as it stands.
        share: how far it is, 0..1.
        text: what is being done, or how it ended.
        result: what came of it, for the page to show.
    """

    name: str
    state: State
    share: float = 0.0
    text: str = ""
    result: dict[str, Any] | None = None


class PageStudio:
    """The work behind the page. Several threads may use it.

    Args:
        material: to begin with; may be without stems.
        place: work folder, where what is done is kept.
        preset: to begin with; None for tracks with nothing set. What was kept in `place` goes before.
        model: what predicts: the name of a model that ships, or a bundle's folder.
    """

    def __init__(
        self, material: PageMaterial, place: Path, preset: Preset | None = None, model: str = DEFAULT_MODEL
    ) -> None:
        self.place, self._model = place, model
        self._lock = threading.RLock()
        self._listeners: list[Callable[[], None]] = []
        self._worker = Worker()
        self.job: PageJob | None = None
        self.revision = 1
        self.is_closed = False
        self._plan: tuple[str, bool, Preset, Plan] | None = None
        kept = KeptWork.read(place)
        self.material = material if kept is None else _with_dropped(material, place, kept)
        start = (kept.preset if kept else None) or preset
        self.predicted = kept.predicted if kept else None
        self.snapshots: dict[str, Preset] = dict(kept.snapshots) if kept else {}
        self._current = CurrentPreset(with_tracks(start or Preset(), list(self.material.stems)))
        self._hearing: Hearing | None = None
        self._unsaved, self._saving = threading.Event(), threading.Lock()
        threading.Thread(target=self._save_now_and_then, name="mixbridge keeping", daemon=True).start()

    @property
    def preset(self) -> Preset:
        """The preset as it is now."""
        return self._current.preset

    @property
    def amount(self) -> float:
        """How much of the preset is in use."""
        return self._current.amount

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to go back."""
        return self._current.can_undo

    @property
    def can_redo(self) -> bool:
        """Whether a step can be taken again."""
        return self._current.can_redo

    def hearing(self) -> Hearing:
        """The loop, ready to be rendered.

        Raises:
            AudioError: there are no stems yet, or one cannot be read.
        """
        with self._lock:
            if not self.material.stems:
                raise AudioError("there are no stems yet: drop audio files on the page.")
            if self._hearing is None:
                self._hearing = Hearing(self.material.read(self.material.loop))
            return self._hearing

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Have a function called, from any thread, after each new revision; gives what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def close(self) -> None:
        """Let go of those who wait for a new revision; from now on nobody waits."""
        self.is_closed = True
        for listener in list(self._listeners):
            listener()

    def edit(self, edits: Sequence[SettingEdit], gesture: str = "") -> list[SettingEdit]:
        """Move settings; all of them or none.

        Args:
            edits: which, and where to.
            gesture: what is being dragged; moves of one gesture are undone together.

        Returns:
            The same, and those of tracks that are linked with them.

        Raises:
            PresetError: there is no such setting, or the value is out of range.
        """

        def moved(preset: Preset) -> Preset:
            for item in edits:
                preset = _place(preset, item).write(preset, item.value)
            return preset

        self._current.change(moved, gesture)
        self._tell()
        return [
            replace(item, index=index)
            for item in edits
            for index in (
                linked_with(self.preset, item.index, item.path.partition(".")[0])
                if item.part == "track"
                else [item.index]
            )
        ]

    def set_amount(self, amount: float) -> None:
        """Use this much of the preset, 0..1.5."""
        self._current.set_amount(amount)
        self._tell()

    def undo(self) -> None:
        """Go one step back."""
        self._current.undo()
        self._tell()

    def redo(self) -> None:
        """Take a step again that was taken back."""
        self._current.redo()
        self._tell()

    def load(self, preset: Preset) -> None:
        """Take another preset, one step of the undo; its tracks are brought to the stems that there are.

        Raises:
            PresetError: it knows none of the tracks.
        """
        names = list(self.material.stems)
        if names and preset.tracks and not {track.name for track in preset.tracks} & set(names):
            raise PresetError(
                f"the preset is for other tracks: {', '.join(track.name for track in preset.tracks[:8])}. "
                "Give stems and tracks the same names."
            )
        self._current.change(lambda _old: with_tracks(preset, names))
        self._tell()

    def load_predicted(self) -> None:
        """Take the prediction as it was.

        Raises:
            PresetError: nothing was predicted yet.
        """
        if self.predicted is None:
            raise PresetError("nothing was predicted yet.")
        self.load(self.predicted)

    def remember(self, name: str) -> None:
        """Keep the preset as it is now under a name, in place of an older one of that name.

        Raises:
            PresetError: there are too many.
        """
        if name not in self.snapshots and len(self.snapshots) >= MOST_SNAPSHOTS:
            raise PresetError(f"{MOST_SNAPSHOTS} snapshots are kept: remove one first.")
        with self._lock:
            self.snapshots = {**self.snapshots, name: self.preset}
        self._tell()

    def forget(self, name: str) -> None:
        """Drop a snapshot; one that is not there is no error."""
        with self._lock:
            self.snapshots = {known: preset for known, preset in self.snapshots.items() if known != name}
        self._tell()

    def recall(self, name: str) -> None:
        """Take a snapshot back.

        Raises:
            PresetError: there is none of this name.
        """
        if name not in self.snapshots:
            raise PresetError(f"there is no snapshot {name!r}.")
        self.load(self.snapshots[name])

    def set_loop(self, start_s: float, length_s: float) -> Loop:
        """Play another part of the song.

        Raises:
            AudioError: the length is outside what can be played.
        """
        loop = self.material.loop_at(start_s, length_s)
        self.use(replace(self.material, place=loop))
        return loop

    def use(self, material: PageMaterial) -> None:
        """Work on other material: tracks that are new have nothing set."""
        with self._lock:
            self.material, self._hearing = material, None
        names = list(material.stems)
        if [track.name for track in self.preset.tracks] != names:
            self._current.change(lambda preset: with_tracks(preset, names))
            self._tell()

    def differences(self) -> list[str]:
        """What stands otherwise than it was predicted, as "Vox.compressor.ratio"."""
        if self.predicted is None or [t.name for t in self.predicted.tracks] != [t.name for t in self.preset.tracks]:
            return []
        return [change.path for change in diff(self.predicted, self.preset)]

    def words(self, part: PartName, index: int) -> list[str]:
        """What a strip does, in sentences."""
        if part == "track":
            return describe_strip(self.preset.tracks[index])
        if part == "bus":
            return describe_strip(self.preset.buses[index])
        return describe_master(self.preset.master) if part == "master" else describe_effects(self.preset)

    def start_predict(self) -> None:
        """Have the model listen, and take what it predicts.

        Raises:
            AudioError: stems or a reference lack.
            PresetError: something else is being done.
        """
        material = self.material
        if not material.stems or material.reference is None:
            raise AudioError("to predict, both are needed: stems and a reference song.")
        reference = material.reference

        def job() -> tuple[str, dict[str, Any] | None]:
            preset = predict(material.stems, reference, model=self._model, progress=self._progress)
            self.predicted = with_tracks(preset, list(material.stems))
            self._current.change(lambda _old: with_tracks(preset, list(self.material.stems)))
            self._tell()
            confidence = preset.provenance.confidence
            return ("" if confidence is None else " ".join(confidence.reasons)), None

        self._start("predict", job)

    def start_render(self) -> None:
        """Render the whole song with the preset as it is, into the work folder.

        Raises:
            AudioError: there are no stems.
        """
        preset, stems = self.preset, dict(self.material.stems)
        if not stems:
            raise AudioError("there are no stems yet: drop audio files on the page.")

        def job() -> tuple[str, dict[str, Any]]:
            how = RenderOptions(stems=False, overwrite=True)
            done = run_apply(preset, stems, self.place / MIX, render_options=how, progress=self._progress)
            levels = done.mix.render.levels
            return " ".join(done.warnings), {
                "loudness_lufs": levels.loudness_lufs if math.isfinite(levels.loudness_lufs) else None,
                "length_s": done.mix.render.frames / done.mix.render.sample_rate_hz,
            }

        self._start("render", job)

    def start_plan(self, target: str, *, faders: bool) -> None:
        """Find out what a push would change on a desk; nothing is changed."""
        preset = self.preset

        def job() -> tuple[str, dict[str, Any]]:
            plan = plan_push(preset, target, _pushing(faders), on_progress=self._progress)
            self._plan = (target, faders, preset, plan)
            return f"{len(plan.changes)} settings would change on {plan.desk.title}", plan_as_json(plan)

        self._start("plan", job)

    def start_push(self) -> None:
        """Do what the last plan said.

        Raises:
            DeskError: there is no plan, or the preset is another by now.
        """
        if self._plan is None or self._plan[2] != self.preset:
            raise DeskError("the preset was changed since the plan was made: make a plan first.")
        target, faders, preset, shown = self._plan
        self._plan = None

        def as_shown(plan: Plan) -> bool:
            return [(row.setting, row.now) for row in plan.changes] == [(row.setting, row.now) for row in shown.changes]

        def job() -> tuple[str, dict[str, Any]]:
            result = push_preset(
                preset,
                target,
                _pushing(faders),
                confirm=as_shown,
                on_progress=self._progress,
                cancel=lambda: self.is_closed,
            )
            if result.outcome is None:
                raise DeskError("the desk was changed by another hand since the plan was made: make a new plan.")
            return result.sentence, result_as_json(result)

        self._start("push", job)

    def start_undo_push(self) -> None:
        """Put back what the desk of the last push had before."""

        def job() -> tuple[str, dict[str, Any]]:
            from ..push import snapshots

            result = undo(
                snapshots.next_undo(snapshots.stored()[0]),
                on_progress=self._progress,
                cancel=lambda: self.is_closed,
            )
            return result.sentence, result_as_json(result)

        self._start("undo push", job)

    def finish(self) -> None:
        """Keep what was done, and let a push that is broken off come to its end; other jobs leave nothing behind."""
        if self._worker.running in _PUSHES:
            self._worker.wait(_PATIENCE_S)
        self.save()

    def save(self) -> None:
        """Keep what was done, if it is not kept yet."""
        with self._saving:
            if self._unsaved.is_set():
                self._unsaved.clear()
                keep(self.place, self._kept())

    def _kept(self) -> KeptWork:
        material, folder = self.material, self.place / AUDIO
        reference = material.reference
        is_dropped = reference is not None and reference.parent == folder
        return KeptWork(
            self.preset,
            self.predicted,
            self.snapshots,
            {name: path.name for name, path in material.stems.items() if path.parent == folder},
            reference.name if reference is not None and is_dropped else "",
            material.reference_name if is_dropped else "",
        )

    def _save_now_and_then(self) -> None:
        while True:
            self._unsaved.wait()
            time.sleep(_SAVED_EVERY_S)  # a fader's ride is one save
            self.save()

    def _start(self, name: str, job: Callable[[], tuple[str, dict[str, Any] | None]]) -> None:
        results: list[dict[str, Any] | None] = []

        def run() -> str:
            text, result = job()
            results.append(result)
            return text

        def report(state: State, text: str) -> None:
            self.job = PageJob(name, state, float(state == "done"), text, results[0] if results else None)
            self._tell()

        running = self._worker.start(name, run, report)
        if running:
            raise PresetError(f"{running!r} is still at work: wait until it is done.")

    def _progress(self, share: float, text: str) -> None:
        if self.job is not None:
            self.job = replace(self.job, share=min(1.0, share), text=text)
            self._tell(saving=False)

    def _tell(self, *, saving: bool = True) -> None:
        with self._lock:
            self.revision += 1
        if saving:
            self._unsaved.set()
        for listener in list(self._listeners):
            listener()


def with_tracks(preset: Preset, names: Collection[str]) -> Preset:
    """A preset whose tracks are these, in this order; those that it did not know have nothing set.

    Without names it stays as it is.
    """
    if not names:
        return preset
    known = {track.name: track for track in preset.tracks}
    return preset.model_copy(update={"tracks": tuple(known.get(name, Track(name=name)) for name in names)})


def _with_dropped(material: PageMaterial, place: Path, kept: KeptWork) -> PageMaterial:
    """PageMaterial with what was dropped on the page before, as far as it is there."""
    folder = place / AUDIO
    dropped = {name: folder / file for name, file in kept.stems.items() if (folder / file).is_file()}
    reference = folder / kept.reference if kept.reference else None
    if material.reference is None and reference is not None and reference.is_file():
        material = replace(material, reference=reference, reference_name=kept.reference_name)
    return replace(material, stems={**material.stems, **dropped})


def _place(preset: Preset, edit: SettingEdit) -> Any:
    """Where an edit writes.

    Raises:
        PresetError: nothing is there.
    """
    sizes: dict[PartName, int] = {"track": len(preset.tracks), "bus": len(preset.buses)}
    if edit.part not in PARTS or not 0 <= edit.index < sizes.get(edit.part, 1):
        raise PresetError(f"there is no {edit.part!r} {edit.index + 1}.")
    if edit.part == "track" and edit.path == _MUTE:
        return Mute(edit.index)
    try:
        return setting_of(edit.part, edit.index, edit.path)
    except KeyError:
        raise PresetError(f"a {edit.part} has no setting {edit.path!r}.") from None


def _pushing(faders: bool) -> PushOptions:
    """Faders move only where that was asked for."""
    return PushOptions(scope=Scope(Scope().sections | {"fader"})) if faders else PushOptions()
