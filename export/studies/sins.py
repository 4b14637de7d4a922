"""Counts what no engineer would leave in a mix, over sessions with several references: before and after.

`mixbridge model sins CORPUS` prints a table: mixes of the model alone, of the plain mix by role, and what users get.
Roles are those of the corpus; what each sin is stands in :mod:`...runtime.practice.sins`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from ...presets.errors import ModelError
from ...presets.inputs import read_text
from ...presets.preset import Preset
from ...presets.roles import ROLES, Role
from ...runtime.audio.reading import Samples
from ...runtime.model.analysis import Passage, cut_passage
from ...runtime.model.controller import Controller
from ...runtime.model.references import hear_reference
from ...runtime.practice.sins import sins
from ...runtime.prediction.confidence import trial_of
from ...runtime.prediction.predict import predict, predict_safely
from ...runtime.prediction.target import FeatureTarget
from ...runtime.prediction.trial import Trial
from ..evaluation.material import HeldOutSession, Material, find_material

MODEL, BY_ROLE, MIX = "model alone", "plain mix by role", "mix"
KINDS: Final = (MODEL, BY_ROLE, MIX)
# Words of the corpus for roles of the console.
_CORPUS_ROLES: Final[Mapping[str, Role]] = {
    "hats": "hi-hat",
    "toms": "tom",
    "cymbals": "cymbal",
    "lead": "lead synth",
    "vocal": "lead vocal",
    "choir": "backing vocal",
    "wind": "woodwind",
    "other": "effect",
}
_STRUMMED: Final = ("nylon", "steel", "acoustic")
_LEAST_TRACKS: Final = 4
_MAX_META_BYTES: Final = 2**22


@dataclass(frozen=True)
class SinCase:
    """One mix, judged.

    Attributes:
        session: its name.
        reference: its name.
        kind: of :data:`KINDS`.
        sins: whether each that it could commit was.
        distance: of the mix to the reference.
    """

    session: str
    reference: str
    kind: str
    sins: Mapping[str, bool]
    distance: float


def run(
    corpus: Path,
    model: str,
    songs: Path | None,
    sessions: int,
    references: int,
    told: bool = True,
    progress: Callable[[str], None] | None = None,
) -> list[SinCase]:
    """Mix sessions of a corpus like finished songs, and judge.

    Args:
        corpus: folder with held-out sessions.
        model: a bundle's folder, or the name of a model that ships.
        songs: folder of finished songs; None takes the corpus's.
        sessions: how many, of those with four tracks and more.
        references: how many for each.
        told: whether the mix is told the roles; else it finds them out.
        progress: called with a line for each mix.

    Raises:
        AudioError: a file cannot be used.
        ModelError: the corpus has no such sessions or no songs, or the model cannot be loaded.
    """
    controller, material = Controller(model, "cpu", threads=1), find_material(corpus, songs)
    chosen = [session for session in material.sessions if len(session.stems) >= _LEAST_TRACKS][:sessions]
    if not chosen or not material.songs:
        raise ModelError(f"{corpus}: sins are counted on sessions of {_LEAST_TRACKS} tracks and on songs; it lacks one")
    cases = []
    for index, session in enumerate(chosen):
        rate_hz = controller.manifest.sample_rate_hz
        passage = cut_passage(session.stems, rate_hz, controller.manifest.window_samples)
        roles = corpus_roles(session)
        for song in _songs_for(index, material, references):
            reference = hear_reference(song, rate_hz, controller.manifest.reference_length)[0]
            cases += _judged(controller, session, passage, roles, song, reference, told)
            if progress is not None:
                progress(f"{session.name} like {song.stem}")
    return cases


def corpus_roles(session: HeldOutSession) -> dict[str, Role]:
    """The roles of a session's tracks, in words of the console."""
    meta = next(iter(session.stems.values())).parent / "meta.json"
    data: dict[str, Any] = json.loads(read_text(meta, _MAX_META_BYTES))
    found: dict[str, Role] = {}
    for stem in data["stems"]:
        role = _role(str(stem.get("role", "")), str(stem.get("instrument", "")))
        if role is not None:
            found[Path(stem["file"]).stem] = role
    return found


def table(cases: Sequence[SinCase]) -> str:
    """Make a table in Markdown: each sin in per cent of the mixes that could commit it, and all of them a mix."""
    names = list(dict.fromkeys(name for case in cases for name in case.sins))
    lines = [f"| sin | {' | '.join(KINDS)} |", f"|---|{'---|' * len(KINDS)}"]
    for name in names:
        cells = []
        for kind in KINDS:
            found = [case.sins[name] for case in cases if case.kind == kind and name in case.sins]
            cells.append(f"{100 * float(np.mean(found)):.0f} % of {len(found)}" if found else "-")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    each = [[case for case in cases if case.kind == kind] for kind in KINDS]
    lines.append(f"| **a mix** | {' | '.join(f'**{np.mean([sum(c.sins.values()) for c in k]):.2f}**' for k in each)} |")
    lines.append(f"| distance, median | {' | '.join(f'{np.median([c.distance for c in k]):.3f}' for k in each)} |")
    return "\n".join(lines)


def _judged(
    controller: Controller,
    session: HeldOutSession,
    passage: Passage,
    roles: Mapping[str, Role],
    song: Path,
    reference: Samples,
    told: bool,
) -> list[SinCase]:
    said = roles if told else None
    bare = predict(controller, passage, reference, said)
    trial = trial_of(controller, bare, passage, reference)
    presets = {
        MODEL: bare,
        BY_ROLE: trial.plain(bare),
        MIX: predict_safely(controller, passage, reference, said),
    }
    target = FeatureTarget.of(trial.stereo_reference, trial.sample_rate_hz)
    cases = []
    for kind, preset in presets.items():
        mix, found = _sins(preset, trial, roles)
        cases.append(SinCase(session.name, song.stem, kind, found, target.distance(mix).total))
    return cases


def _sins(preset: Preset, trial: Trial, roles: Mapping[str, Role]) -> tuple[Samples, dict[str, bool]]:
    rendered = trial.render(preset)
    known: dict[str, Role | None] = {name: roles.get(name) for name in rendered.stems}
    return rendered.mix, sins(rendered.mix, rendered.stems, known, trial.cast.pairs, trial.sample_rate_hz)


def _songs_for(index: int, material: Material, references: int) -> list[Path]:
    """Choose the songs of a session: every session gets others, spread over all."""
    count = len(material.songs)
    return [material.songs[(index * references + number * 5) % count] for number in range(min(references, count))]


def _role(role: str, instrument: str) -> Role | None:
    if role == "guitar":
        return "acoustic guitar" if any(word in instrument for word in _STRUMMED) else "electric guitar"
    named = _CORPUS_ROLES.get(role, role)
    return next((known for known in ROLES if known == named), None)
