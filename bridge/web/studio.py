"""What stands behind the page: material, the preset that is edited, what was predicted.

Several pages may look at one studio: each change makes a new revision, and whoever waits for one is told. What was done
is kept in the work folder, so that a server that died goes on where it was. Nothing here knows of HTTP.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from ...presets.edit import blended
from ...presets.errors import AudioError, PresetError
from ...presets.preset import Preset
from ..server.steps import StepName, Steps
from .edits import LaneEdit, SettingEdit, with_lanes_of, with_tracks
from .jobs import PageJobs
from .keeping import KeptWork, clear_audio, keep, kept_references, kept_stems
from .material import Loop, PageMaterial
from .showing.hearing import Hearing
from .state import WorkState

_SAVED_EVERY_S: Final = 0.5
# How long a job that changes a desk may take to stop.
_PATIENCE_S: Final = 10.0
_LOAD, _REFERENCES = StepName("load"), StepName("references")


class PageStudio:
    """The work behind the page. Several threads may use it.

    Args:
        material: to begin with; may be without stems.
        place: work folder, where what is done is kept.
        preset: to begin with; None for tracks with nothing set. What was kept in `place` goes before.

    Attributes:
        jobs: what takes a while.
    """

    def __init__(self, material: PageMaterial, place: Path, preset: Preset | None = None) -> None:
        self.place = place
        self._lock = threading.RLock()
        self._listeners: list[Callable[[], None]] = []
        self.jobs = PageJobs(lambda: self._tell(saving=False))
        self.revision = 1
        self.is_closed = False
        kept = KeptWork.read(place)
        files = material if kept is None else kept.material(material, place)
        names = list(files.stems) if kept is None else kept.tracks(files)
        start = with_tracks((kept.preset if kept else None) or preset or Preset(), names)
        begun = WorkState(start, start, references=files.references)
        if kept is not None:
            begun = replace(begun, predicted=kept.predicted, snapshots=dict(kept.snapshots), roles=dict(kept.roles))
        self._files = replace(files, references=())
        self._steps = Steps(begun)
        self._in_use: tuple[PageMaterial, tuple[str, ...], PageMaterial] | None = None
        self._hearing: tuple[PageMaterial, Hearing] | None = None
        clear_audio(self.material, place)
        self._unsaved, self._saving = threading.Event(), threading.Lock()
        threading.Thread(target=self._save_now_and_then, name="mixbridge keeping", daemon=True).start()

    @property
    def state(self) -> WorkState:
        """The work as it is now."""
        return self._steps.state

    @property
    def preset(self) -> Preset:
        """The preset as it is now."""
        return self.state.preset

    @property
    def predicted(self) -> Preset | None:
        """What the model said; None if it was not asked."""
        return self.state.predicted

    @property
    def material(self) -> PageMaterial:
        """What is worked on: of all files those that the preset has a track for, so that undo brings tracks back."""
        with self._lock:
            state = self.state
            names = tuple(track.name for track in state.preset.tracks)
            if self._in_use is None or self._in_use[0] is not self._files or self._in_use[1] != names:
                self._in_use = self._files, names, self._files.of(names)
            if self._in_use[2].references != state.references:
                self._in_use = self._files, names, self._in_use[2].going_after(state.references)
            return self._in_use[2]

    @property
    def undoes(self) -> StepName | None:
        """What an undo would take back; None where there is no step to go back."""
        return self._steps.undoes

    @property
    def redoes(self) -> StepName | None:
        """What a redo would do again; None where nothing was taken back."""
        return self._steps.redoes

    def hearing(self) -> Hearing:
        """The loop, ready to be rendered.

        Raises:
            AudioError: there are no stems yet, or one cannot be read.
        """
        with self._lock:
            material = self.material
            if not material.stems:
                raise AudioError("there are no stems yet: drop audio files on the page.")
            if self._hearing is None or self._hearing[0] is not material:
                before = self._hearing
                if before is not None and before[0].sounds_as(material):
                    hearing = Hearing(before[1].heard, material.references, before[1])
                else:
                    hearing = Hearing(material.read(material.loop), material.references)
                self._hearing = material, hearing
            return self._hearing[1]

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Have a function called, from any thread, after each new revision; gives what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def close(self) -> None:
        """Let go of those who wait for a new revision; from now on nobody waits."""
        self.is_closed = True
        for listener in list(self._listeners):
            listener()

    def edit(self, edits: Sequence[SettingEdit | LaneEdit], gesture: str = "", hold: str = "") -> list[SettingEdit]:
        """Move settings and draw lanes; all of them or none.

        Args:
            edits: which, and where to.
            gesture: what is being dragged; moves of one gesture are undone together.
            hold: of the hand that drags, until it lets go.

        Returns:
            Settings that were moved, and those of tracks that are linked with them.

        Raises:
            PresetError: there is no such setting, or the value is out of range.
        """

        def moved(state: WorkState) -> WorkState:
            preset = state.preset
            for item in edits:
                preset = item.applied(preset)
            return state.with_preset(preset)

        did = StepName("edit", edits[0].owner_name(self.preset)) if edits else StepName("edit")
        self._step(moved, did, gesture, hold=hold)
        preset = self.preset
        return [one for item in edits if isinstance(item, SettingEdit) for one in item.with_linked(preset)]

    def change(self, edit: Callable[[Preset], Preset], gesture: str = "") -> None:
        """Change the preset in another way; what the edit raises passes through."""
        self._step(lambda state: state.with_preset(edit(state.preset)), StepName("edit"), gesture)

    def begin_with(self, preset: Preset) -> Preset:
        """Work on another preset from here on, with no way back; gives it as it is held."""
        self._steps.begin(self.state.with_preset(preset))
        self._tell()
        return self.preset

    def tell_all(self) -> None:
        """Have pages look at the state again."""
        self._tell(saving=False)

    def set_amount(self, amount: float) -> None:
        """Use this much of the preset, 0..1.5."""
        self._step(lambda state: state.scaled(amount), StepName("amount"), "amount")

    def undo(self) -> None:
        """Go one step back."""
        self._steps.undo()
        self._tell()

    def redo(self) -> None:
        """Take a step again that was taken back."""
        self._steps.redo()
        self._tell()

    def load(self, preset: Preset, did: StepName = _LOAD) -> None:
        """Take another preset, one step of the undo; its tracks are brought to the stems that there are.

        Raises:
            PresetError: it knows none of the tracks.
        """

        def loaded(state: WorkState) -> WorkState:
            names = self._stem_names(state)
            if names and preset.tracks and not {track.name for track in preset.tracks} & set(names):
                raise PresetError(
                    f"the preset is for other tracks: {', '.join(track.name for track in preset.tracks[:8])}. "
                    "Give stems and tracks the same names."
                )
            return state.with_preset(with_tracks(preset, names))

        self._step(loaded, did)

    def load_predicted(self) -> None:
        """Take the prediction as it was.

        Raises:
            PresetError: nothing was predicted yet.
        """
        self.load(self.state.named(""), StepName("prediction"))

    def remember(self, name: str) -> None:
        """Keep the preset as it is now under a name, in place of an older one of that name; one step of the undo.

        Raises:
            PresetError: there are too many.
        """
        self._step(lambda state: state.remembering(name), StepName("remember", name))

    def forget(self, name: str) -> None:
        """Drop a snapshot, one step of the undo; one that is not there is no error."""
        if name in self.state.snapshots:
            self._step(lambda state: state.forgetting(name), StepName("forget", name))

    def rename(self, name: str, other: str) -> None:
        """Give a snapshot another name, one step of the undo.

        Raises:
            PresetError: there is none of this name, or the other one is taken or empty.
        """
        self._step(lambda state: state.renaming(name, other), StepName("rename", name))

    def recall(self, name: str) -> None:
        """Take a snapshot back, one step of the undo.

        Raises:
            PresetError: there is none of this name.
        """
        self.load(self.state.named(name), StepName("recall", name))

    def blend(self, one: str, other: str, position: float) -> None:
        """Take what lies between two snapshots; "" is the prediction. A ride of the position is one step of the undo.

        Args:
            one: taken whole at 0.
            other: taken whole at 1.
            position: between them.

        Raises:
            PresetError: there is none of these names, or their tracks are not the same.
        """

        def between(state: WorkState) -> WorkState:
            ends = [with_tracks(state.named(name), self._stem_names(state)) for name in (one, other)]
            return state.with_preset(blended(ends[0], ends[1], position))

        self._step(between, StepName("blend"), f"blend {one} {other}")

    def set_loop(self, start_s: float, length_s: float) -> Loop:
        """Play another part of the song.

        Raises:
            AudioError: the length is outside what can be played.
        """
        loop = self.material.loop_at(start_s, length_s)
        self.gather(lambda files: replace(files, place=loop))
        return loop

    def use(self, material: PageMaterial) -> None:
        """Work on other files of the tracks that there are."""
        self.gather(lambda _old: material)

    def gather(
        self, change: Callable[[PageMaterial], PageMaterial], did: StepName = _REFERENCES, gesture: str = ""
    ) -> int:
        """Change references, one step of the undo, or the loop; what the change raises passes through.

        Returns:
            The number of the step, for one that ends it.
        """
        with self._lock:
            files = change(replace(self._files, references=self.state.references))
            references, self._files = files.references, replace(files, references=())
            if references != self.state.references:
                self._steps.step(lambda state: replace(state, references=references), did, gesture)
            number = self._steps.number
        self._tell()
        return number

    def add_stem(self, name: str, path: Path) -> None:
        """Add a track, one step of the undo; a name that is taken gets a number."""
        with self._lock:
            names = [track.name for track in self.preset.tracks]
            free = next(
                free for free in (name, *(f"{name} ({n})" for n in range(2, len(names) + 3))) if free not in names
            )
            self._files = replace(self._files, stems={**self._files.stems, free: path}, place=None)
            self._step(
                lambda state: state.with_preset(with_tracks(state.preset, [*names, free])), StepName("add", free)
            )

    def remove_track(self, name: str) -> None:
        """Remove a track, one step of the undo; its file stays as long as the way back.

        Raises:
            PresetError: there is none of this name.
        """

        def removed(state: WorkState) -> WorkState:
            kept = tuple(track for track in state.preset.tracks if track.name != name)
            if len(kept) == len(state.preset.tracks):
                raise PresetError(f"there is no track {name!r}.")
            return state.with_preset(state.preset.model_copy(update={"tracks": kept}))

        self._step(removed, StepName("remove", name))

    def tell_role(self, name: str, role: str) -> None:
        """Say what a track is, which the next prediction goes by; "" has it found out.

        Raises:
            PresetError: there is no such track or role.
        """
        self._step(lambda state: state.telling(name, role), StepName("role", name))

    def take_prediction(self, preset: Preset, names: Collection[str], joins: int | None = None) -> None:
        """Take what a model predicted for these tracks, one step of the undo; edits are marked against it.

        Args:
            preset: what was predicted.
            names: of the tracks that the model heard.
            joins: number of the step that asked for it: both are undone together.
        """
        self._step(
            lambda state: state.with_prediction(preset, names, self._stem_names(state)),
            StepName("predict"),
            joins=joins,
        )

    def take_lanes(self, preset: Preset, names: Collection[str]) -> None:
        """Take the lanes that a model predicted for these tracks; what was set by hand since its prediction stays."""
        new = with_tracks(preset, list(names))

        def drawn(state: WorkState) -> WorkState:
            taken = new if state.predicted is None else with_lanes_of(state.preset, new, state.predicted)
            return replace(state.with_preset(with_tracks(taken, self._stem_names(state))), predicted=new)

        self._step(drawn, StepName("predict over time"))

    def finish(self) -> None:
        """Keep what was done, and let a push that is broken off come to its end; other jobs leave nothing behind."""
        self.jobs.finish(_PATIENCE_S)
        self.save()

    def save(self) -> None:
        """Keep what was done, if it is not kept yet."""
        with self._saving:
            if self._unsaved.is_set():
                self._unsaved.clear()
                keep(self.place, self._kept())

    def _kept(self) -> KeptWork:
        state = self.state
        return KeptWork(
            state.preset,
            state.predicted,
            state.snapshots,
            kept_stems(self._files, self.place),
            tuple(self._files.stems),
            kept_references(state.references, self.place),
            state.roles,
        )

    def _stem_names(self, state: WorkState) -> list[str]:
        """Name the tracks that have stems."""
        return [track.name for track in state.preset.tracks if track.name in self._files.stems]

    def _step(
        self,
        edit: Callable[[WorkState], WorkState],
        did: StepName,
        gesture: str = "",
        joins: int | None = None,
        hold: str = "",
    ) -> None:
        self._steps.step(edit, did, gesture, joins, hold)
        self._tell()

    def _save_now_and_then(self) -> None:
        while True:
            self._unsaved.wait()
            time.sleep(_SAVED_EVERY_S)  # a fader's ride is one save
            self.save()

    def _tell(self, *, saving: bool = True) -> None:
        with self._lock:
            self.revision += 1
        if saving:
            self._unsaved.set()
        for listener in list(self._listeners):
            listener()
