"""What a search does to whole sessions, mixed as `mix` does: by its own measure, and by what it does not see.

The search hears six seconds; the mixes are judged on half a minute of the song. Of the measures, the search sees the
spectrum in third octaves and the range of momentary loudness on its passage, and the levels of tracks, which it holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ...presets.preset import Preset
from ...presets.roles import Role
from ...runtime.audio.loudness import loudness_range
from ...runtime.audio.reading import Samples, as_stereo, read_passage
from ...runtime.model.analysis import cut_passage
from ...runtime.model.controller import Controller
from ...runtime.model.references import hear_reference
from ...runtime.practice.sins import sins
from ...runtime.prediction.casting import Cast
from ...runtime.prediction.predict import predict_safely
from ...runtime.refinement.holding import levels_against_rest_db, thirds_nepers
from ...runtime.refinement.refined import search
from ...runtime.rendering.in_memory import render_arrays
from ..evaluation.material import HeldOutSession, find_material
from .sins import corpus_roles

RENDERS: Final = 20
"""Of a search."""
_AT_MOST_S: Final = 3600.0
_LEAST_TRACKS: Final = 4
_JUDGED_S: Final = 30.0
_DB_PER_NEPER: Final = 20 / np.log(10)
_LEADS: Final[frozenset[Role]] = frozenset({"lead vocal", "lead synth"})

_TEXT = """
## Whole sessions, and what the search does not see

{count} held-out sessions of four tracks and more, those with the fewest, each like one finished song. The search has
{renders} renders, so that a slow machine finds the same, on six seconds of the session; then both mixes, with guard
rails, are judged on {judged:g} s (the search's own distance: on the six seconds).

| measure | prediction | refined | no worse in |
|---|---|---|---|
"""


@dataclass(frozen=True)
class Judged:
    """One mix of a session, judged.

    Attributes:
        distance: to the reference, the search's own.
        thirds_db: mean difference of third octaves of middle and sides to the reference.
        range_lu: how far the loudness range is from the reference's.
        leads_db: of lead vocals and lead synths against all else, by track.
        sins: how many were committed.
    """

    distance: float
    thirds_db: float
    range_lu: float
    leads_db: Mapping[str, float]
    sins: int


@dataclass(frozen=True)
class RefinedSession:
    """A session before and after a search.

    Attributes:
        name: of it.
        before: as predicted.
        after: as refined.
    """

    name: str
    before: Judged
    after: Judged


def run(
    corpus: Path, model: str, sessions: int, say: Callable[[str], object], renders: int = RENDERS
) -> list[RefinedSession]:
    """Refine held-out sessions, each like another song of the corpus.

    Args:
        corpus: folder with held-out sessions and songs.
        model: a bundle's folder, or the name of a model that ships.
        sessions: how many at most.
        say: takes a line for each session.
        renders: of each search.
    """
    controller, material = Controller(model, "cpu", threads=1), find_material(corpus)
    enough = [session for session in material.sessions if len(session.stems) >= _LEAST_TRACKS]
    chosen = sorted(enough, key=lambda session: len(session.stems))[:sessions]
    cases = []
    for index, session in enumerate(chosen):
        song = material.songs[index * 5 % len(material.songs)]
        cases.append(_refined(controller, session, song, renders))
        before, after = cases[-1].before, cases[-1].after
        say(f"{session.name} like {song.stem}: {before} -> {after}")
    return cases


def chapter(cases: Sequence[RefinedSession], renders: int = RENDERS) -> str:
    """Write the page's chapter; nothing where no session was refined."""
    if not cases:
        return ""
    rows = [
        _row("its own distance to the reference", [(c.before.distance, c.after.distance) for c in cases], 0.0),
        _row("third octaves, dB", [(c.before.thirds_db, c.after.thirds_db) for c in cases], 0.05),
        _row("loudness range, LU from the reference's", [(c.before.range_lu, c.after.range_lu) for c in cases], 0.1),
        _row("sins", [(float(c.before.sins), float(c.after.sins)) for c in cases], 0.0),
    ]
    moved = [c.after.leads_db[name] - c.before.leads_db[name] for c in cases for name in c.before.leads_db]
    text = _TEXT.format(count=len(cases), renders=renders, judged=_JUDGED_S) + "\n".join(rows) + "\n"
    if moved:
        text += (
            f"\nLead vocals and lead synths ({len(moved)} tracks) moved against all else by {np.median(moved):+.1f} dB "
            f"(median; {min(moved):+.1f} to {max(moved):+.1f}).\n"
        )
    return text


def _row(measure: str, pairs: Sequence[tuple[float, float]], tolerance: float) -> str:
    before, after = np.array(pairs).T
    held = float(np.mean(after <= before + tolerance))
    return f"| {measure}, mean | {before.mean():.3f} | {after.mean():.3f} | {100 * held:.0f} % |"


def _refined(controller: Controller, session: HeldOutSession, song: Path, renders: int) -> RefinedSession:
    manifest = controller.manifest
    rate_hz, roles = manifest.sample_rate_hz, corpus_roles(session)
    passage = cut_passage(session.stems, rate_hz, manifest.window_samples)
    reference = as_stereo(hear_reference(song, rate_hz, manifest.reference_length)[0])
    predicted = predict_safely(controller, passage, reference, roles)
    found = search(
        controller, passage, reference, _AT_MOST_S, progress=lambda step: step.renders < renders, roles=roles
    )
    audio = _read(session.stems, rate_hz)
    judged = [
        _judged(preset, audio, reference, rate_hz, distance)
        for preset, distance in ((predicted, found.before), (found.preset, found.after))
    ]
    return RefinedSession(session.name, judged[0], judged[1])


def _read(stems: Mapping[str, Path], rate_hz: int) -> dict[str, Samples]:
    frames = round(_JUDGED_S * rate_hz)
    audio = {name: read_passage(path, 0.0, _JUDGED_S, rate_hz)[:, :frames] for name, path in stems.items()}
    longest = max(item.shape[1] for item in audio.values())
    return {name: np.pad(item, ((0, 0), (0, longest - item.shape[1]))) for name, item in audio.items()}


def _judged(preset: Preset, audio: Mapping[str, Samples], reference: Samples, rate_hz: int, distance: float) -> Judged:
    rendered = render_arrays(audio, rate_hz, preset)
    cast = Cast.of(preset)
    leads = [track.name for track in preset.tracks if track.role in _LEADS]
    apart = thirds_nepers(rendered.mix, rate_hz) - thirds_nepers(reference, rate_hz)
    return Judged(
        distance=distance,
        thirds_db=_DB_PER_NEPER * float(np.abs(apart).mean()),
        range_lu=abs(loudness_range(rendered.mix, rate_hz) - loudness_range(reference, rate_hz)),
        leads_db=levels_against_rest_db(rendered.stems, leads, rate_hz),
        sins=sum(sins(rendered.mix, rendered.stems, cast.roles, cast.pairs, rate_hz).values()),
    )
