"""What stands behind the page: material, the preset that is edited, what was predicted.

Several pages may look at one studio: each change makes a new revision, and whoever waits for one is told. What was done
is kept in the work folder, so that a server that died goes on where it was. Nothing here knows of HTTP.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from ...presets.edit import blended, diff
from ...presets.errors import AudioError, PresetError
from ...presets.inserts.insert import Insert
from ...presets.inserts.words import insert_words
from ...presets.preset import GroupBus, Preset, Track
from ...presets.roles import told_roles
from ..report.text import describe_effects, describe_master, describe_strip
from ..server.addresses import PartName
from ..server.current import CurrentPreset
from .edits import LaneEdit, SettingEdit, with_lanes_of, with_tracks
from .jobs import PageJobs
from .keeping import KeptWork, clear_audio, keep, kept_references, kept_stems
from .material import Loop, PageMaterial
from .showing.hearing import Hearing

MOST_SNAPSHOTS: Final = 50
_SAVED_EVERY_S: Final = 0.5
# How long a job that changes a desk may take to stop.
_PATIENCE_S: Final = 10.0


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
        self._files = material if kept is None else kept.material(material, place)
        names = list(self._files.stems) if kept is None else kept.tracks(self._files)
        start = (kept.preset if kept else None) or preset
        self.roles: dict[str, str] = dict(kept.roles) if kept else {}
        self.predicted = kept.predicted if kept else None
        self.snapshots: dict[str, Preset] = dict(kept.snapshots) if kept else {}
        self._current = CurrentPreset(with_tracks(start or Preset(), names))
        self._in_use: tuple[PageMaterial, tuple[str, ...], PageMaterial] | None = None
        self._hearing: tuple[PageMaterial, Hearing] | None = None
        clear_audio(self.material, place)
        self._unsaved, self._saving = threading.Event(), threading.Lock()
        threading.Thread(target=self._save_now_and_then, name="mixbridge keeping", daemon=True).start()

    @property
    def preset(self) -> Preset:
        """The preset as it is now."""
        return self._current.preset

    @property
    def material(self) -> PageMaterial:
        """What is worked on: of all files those that the preset has a track for, so that undo brings tracks back."""
        with self._lock:
            names = tuple(track.name for track in self.preset.tracks)
            if self._in_use is None or self._in_use[0] is not self._files or self._in_use[1] != names:
                self._in_use = self._files, names, self._files.of(names)
            return self._in_use[2]

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
            material = self.material
            if not material.stems:
                raise AudioError("there are no stems yet: drop audio files on the page.")
            if self._hearing is None or self._hearing[0] is not material:
                self._hearing = material, Hearing(material.read(material.loop))
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

    def edit(self, edits: Sequence[SettingEdit | LaneEdit], gesture: str = "") -> list[SettingEdit]:
        """Move settings and draw lanes; all of them or none.

        Args:
            edits: which, and where to.
            gesture: what is being dragged; moves of one gesture are undone together.

        Returns:
            Settings that were moved, and those of tracks that are linked with them.

        Raises:
            PresetError: there is no such setting, or the value is out of range.
        """

        def moved(preset: Preset) -> Preset:
            for item in edits:
                preset = item.applied(preset)
            return preset

        self._current.change(moved, gesture)
        self._tell()
        preset = self.preset
        return [one for item in edits if isinstance(item, SettingEdit) for one in item.with_linked(preset)]

    def change(self, edit: Callable[[Preset], Preset], gesture: str = "") -> None:
        """Change the preset in another way; what the edit raises passes through."""
        self._current.change(edit, gesture)
        self._tell()

    def begin_with(self, preset: Preset) -> Preset:
        """Work on another preset from here on, with no way back; gives it as it is held."""
        self._current = CurrentPreset(preset)
        self._tell()
        return self._current.preset

    def tell_all(self) -> None:
        """Have pages look at the state again."""
        self._tell(saving=False)

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
        self.load(self._named(name))

    def blend(self, one: str, other: str, position: float) -> None:
        """Take what lies between two snapshots; "" is the prediction. A ride of the position is one step of the undo.

        Args:
            one: taken whole at 0.
            other: taken whole at 1.
            position: between them.

        Raises:
            PresetError: there is none of these names, or their tracks are not the same.
        """
        names = list(self.material.stems)
        ends = [with_tracks(self._named(name), names) for name in (one, other)]
        blend = blended(ends[0], ends[1], position)
        self._current.change(lambda _old: blend, f"blend {one} {other}")
        self._tell()

    def _named(self, name: str) -> Preset:
        preset = self.snapshots.get(name) if name else self.predicted
        if preset is None:
            raise PresetError(f"there is no snapshot {name!r}." if name else "nothing was predicted yet.")
        return preset

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

    def gather(self, change: Callable[[PageMaterial], PageMaterial]) -> None:
        """Change references or the loop; what the change raises passes through, and nothing is changed."""
        with self._lock:
            self._files = change(self._files)
        self._tell()

    def add_stem(self, name: str, path: Path) -> None:
        """Add a track, one step of the undo; a name that is taken gets a number."""
        with self._lock:
            names = [track.name for track in self.preset.tracks]
            free = next(
                free for free in (name, *(f"{name} ({n})" for n in range(2, len(names) + 3))) if free not in names
            )
            self._files = replace(self._files, stems={**self._files.stems, free: path}, place=None)
            self._current.change(lambda preset: with_tracks(preset, [*names, free]))
        self._tell()

    def remove_track(self, name: str) -> None:
        """Remove a track, one step of the undo; its file stays as long as the way back.

        Raises:
            PresetError: there is none of this name.
        """
        names = [track.name for track in self.preset.tracks]
        if name not in names:
            raise PresetError(f"there is no track {name!r}.")
        kept = tuple(track for track in self.preset.tracks if track.name != name)
        self._current.change(lambda preset: preset.model_copy(update={"tracks": kept}))
        self._tell()

    def tell_role(self, name: str, role: str) -> None:
        """Say what a track is, which the next prediction goes by; "" has it found out.

        Raises:
            PresetError: there is no such track or role.
        """
        tracks = self.preset.tracks
        if name not in {track.name for track in tracks}:
            raise PresetError(f"there is no track {name!r}.")
        told = told_roles({name: role}, [name])[name] if role else None
        self.roles = {known: word for known, word in self.roles.items() if known != name} | (
            {name: told} if told else {}
        )
        changed = tuple(track.model_copy(update={"role": told}) if track.name == name else track for track in tracks)
        self._current.change(lambda preset: preset.model_copy(update={"tracks": changed}))
        self._tell()

    def differences(self) -> list[str]:
        """What stands otherwise than it was predicted, as "Vox.compressor.ratio"."""
        if self.predicted is None or [t.name for t in self.predicted.tracks] != [t.name for t in self.preset.tracks]:
            return []
        return [change.path for change in diff(self.predicted, self.preset)]

    def words(self, part: PartName, index: int) -> list[str]:
        """What a strip does, in sentences."""
        if part == "track":
            return _owner_words(self.preset.tracks[index])
        if part == "bus":
            return _owner_words(self.preset.buses[index])
        if part != "master":
            return describe_effects(self.preset)
        return [*_unheard(self.preset.master_inserts), *describe_master(self.preset.master)]

    def take_prediction(self, preset: Preset, names: Collection[str]) -> None:
        """Take what a model predicted for these tracks, one step of the undo; edits are marked against it."""
        self.predicted = with_tracks(preset, list(names))
        self._current.change(lambda _old: with_tracks(preset, list(self.material.stems)))
        self._tell()

    def take_lanes(self, preset: Preset, names: Collection[str]) -> None:
        """Take the lanes that a model predicted for these tracks; what was set by hand since its prediction stays."""
        before, new = self.predicted, with_tracks(preset, list(names))
        self.predicted = new

        def drawn(current: Preset) -> Preset:
            taken = new if before is None else with_lanes_of(current, new, before)
            return with_tracks(taken, list(self.material.stems))

        self._current.change(drawn)
        self._tell()

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
        return KeptWork(
            self.preset,
            self.predicted,
            self.snapshots,
            kept_stems(self._files, self.place),
            tuple(self._files.stems),
            kept_references(self._files, self.place),
            self.roles,
        )

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


def _owner_words(owner: Track | GroupBus) -> list[str]:
    return [*_unheard(owner.inserts), *describe_strip(owner)]


def _unheard(inserts: Iterable[Insert]) -> list[str]:
    """Inserts in words: the loop of the page is heard without them."""
    return [f"{insert_words(insert)}: in what is rendered, not in the loop here" for insert in inserts]
