"""A preset that follows its song: predicted window by window, drawn as lanes, and said in a sentence each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Final

from ...presets.lanes.lane import lane_of
from ...presets.lanes.words import clock
from ...presets.preset import Preset
from ..audio.opening import ON_DEMAND, OpenFiles
from ..model.controller import Controller
from ..model.loading import LoadingController
from ..model.references import Song, hear_songs
from .drawing import Drawn, draw_lanes
from .windows import wanted_levels

# From one window to the next, in s.
HOPS_S: Final = (1.0, 60.0)
_MOST_SENTENCES = 100


_NOTHING_MOVES = (
    "no fader moves: no track is wanted louder or softer in another part of the song by more than predictions vary"
)


def followed(
    controller: Controller | LoadingController,
    stems: Mapping[str, Path],
    songs: Sequence[Song],
    preset: Preset,
    hop_s: float,
    amount: float = 1.0,
    held: Collection[str] = (),
    files: OpenFiles = ON_DEMAND,
    progress: Callable[[float], None] | None = None,
) -> Preset:
    """Draw lanes of faders into a preset where its song changes.

    Args:
        controller: the model that decided.
        stems: files by track name.
        songs: the references.
        preset: as decided for the whole song.
        hop_s: from one window to the next.
        amount: of the moves.
        held: names of tracks whose faders are not moved.
        files: keeps the stems open.
        progress: called with the share done, 0..1.
    """
    ready = controller.ready() if isinstance(controller, LoadingController) else controller
    manifest = ready.manifest
    song = hear_songs(songs, manifest.sample_rate_hz, manifest.reference_length, None, files).audio
    audible = {track.name: stems[track.name] for track in preset.tracks if not track.mute and track.name in stems}
    wanted = wanted_levels(ready, audible, song, preset, hop_s, files, progress)
    return _said(draw_lanes(preset, wanted, audible, amount, held, files))


def _said(drawn: Drawn) -> Preset:
    """Say in the preset what moves, and why; or that nothing does, for who asked for it."""
    preset, sentences = drawn.preset, []
    for track in preset.tracks:
        item = lane_of(track.lanes, "fader_db")
        if item is not None:
            low, high = (extreme(point.value for point in item.points) for extreme in (min, max))
            times = ", ".join(clock(time_s) for time_s in drawn.changes_s)
            sentences.append(
                f"{track.name}: its fader moves between {low:+.1f} and {high:+.1f} dB where the song changes ({times})"
            )
    if not sentences:
        sentences = [_NOTHING_MOVES]
    known = preset.provenance.decisions or ()
    decisions = (*known, *sentences)[:_MOST_SENTENCES]
    return preset.model_copy(update={"provenance": preset.provenance.model_copy(update={"decisions": decisions})})
