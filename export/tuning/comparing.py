"""Ways to mix as the pairs were mixed, compared on those held out; the best is what the bundle ships, and it says why.

The mean of the settings, those of the most alike track, and the house style are numbers (:mod:`..styles`); the fourth
way is the tuned network, used as the runtime uses it, with the house style beside it for what no network tells:
settings that its layout lacks, and how far the pairs lift noise. The fifth lies halfway between the two: they hear
other things in a track and err in other ways, and what is told by both errs less.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ...presets.errors import AudioError
from ...runtime.audio.reading import Samples
from ...runtime.model.analysis import heard_in
from ...runtime.model.bundle import Manifest
from ...runtime.model.controller import Controller
from ...runtime.styles.deciding import StyledModel, predict_in_style
from ...runtime.styles.settings import RATE_HZ
from ...runtime.styles.style import Style
from ..onnx_bundle import Description
from ..recovery.dataset import NamedPair
from ..styles.bundle import add_style, write_style_bundle
from ..styles.compare import WayComparison, compare_pairs
from ..styles.examples import WINDOW_SAMPLES, StyleExample, example_of
from ..styles.fitting import fit_house
from ..styles.ways import HOUSE, WAYS, Rendering, rendered
from ..whole_files import check_free
from .bundle import export_run
from .data import aligned
from .records import TuningRun, open_run

Say = Callable[[str], None]

TUNED: Final = "fine-tuned"
HALFWAY: Final = "halfway"
"""Between the house style and the tuned network."""
_SHARE = 0.5
_MOST_HELD_OUT = 40


@dataclass(frozen=True)
class _Material:
    """The pairs of a run as examples, on one time; and those held out as sound."""

    train: Sequence[StyleExample]
    held_out: Sequence[StyleExample]
    sounds: Sequence[tuple[str, Samples, Samples]]


def export_best(folder: Path, bundle: Path, described: Description, say: Say) -> Manifest:
    """Writes the best way of a run as a bundle; the folder appears whole or not at all.

    Runs on sessions of several tracks have the tuned network alone.

    Args:
        folder: of the run.
        bundle: must not exist yet.
        described: for the manifest.
        say: told what is compared, and what came of it.

    Raises:
        ModelError: the run has trained nothing yet.
        OutputError: the folder exists or cannot be written.
    """
    check_free(bundle)
    run = open_run(folder)
    bundle.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{bundle.name}-", dir=bundle.parent))
    try:
        network = work / "network"
        manifest = export_run(folder, network, described)
        material = _material(run)
        if not material.train or not material.held_out:
            say("the pairs are sessions of several tracks: the fine-tuned network is what there is")
        else:
            comparison = _compared(material, network, say)
            best = comparison.best
            note = comparison.note(best, len(run.pairs))
            say(comparison.why)
            everything = [*material.train, *material.held_out]
            if best == TUNED:
                manifest = add_style(network, fit_house(everything), note)
            elif best == HALFWAY:
                manifest = add_style(network, halfway(everything), note)
            else:
                style = WAYS[best](everything).style
                network = work / "style"
                manifest = write_style_bundle(
                    style, note, network, name=described.name, description=described.text, licence=described.licence
                )
        network.rename(bundle)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return manifest


def _compared(material: _Material, network: Path, say: Say) -> WayComparison:
    ways: dict[str, Rendering] = {}
    for name, fit in WAYS.items():
        try:
            ways[name] = fit(material.train).render
        except AudioError as error:
            say(f"{name} is left out: {error}")
    ways[TUNED] = tuned_rendering(network, fit_house(material.train))
    if HOUSE in ways:
        ways[HALFWAY] = tuned_rendering(network, halfway(material.train))
    say(f"comparing {', '.join(ways)} on {len(material.sounds)} pairs that they have not seen")
    return compare_pairs(ways, material.sounds)


def halfway(examples: Sequence[StyleExample]) -> Style:
    """Fits the house style that goes with a tuned network, and is met halfway."""
    return fit_house(examples).model_copy(update={"network_share": _SHARE})


def tuned_rendering(network: Path, style: Style | None = None) -> Rendering:
    """Gives what mixes a raw track by a bundle of a tuned network, with a style beside it."""
    model = StyledModel.of(Controller(network, provider="cpu", trusted=True))
    if model is None:
        raise AudioError(f"{network}: needs a reference.")
    model = replace(model, style=style)

    def render(raw: Samples, sample_rate_hz: int) -> Samples:
        passage = heard_in({"Vocal": raw}, RATE_HZ, WINDOW_SAMPLES)
        return rendered(predict_in_style(model, passage), raw, sample_rate_hz)

    return render


def _material(run: TuningRun) -> _Material:
    train, held_out = [], []
    sounds = []
    for name in (*run.train, *run.held_out[:_MOST_HELD_OUT]):
        pair = run.pairs[name]
        if pair.is_session:
            continue
        both = aligned(pair)
        raw = next(iter(both.raws.values()))
        named = NamedPair(name, pair.raw, pair.mixed)
        example = example_of(named, run.preset_of(name), raw, both.mixed)
        if example is None:
            continue
        if name in run.held_out:
            held_out.append(example)
            sounds.append((name, raw, both.mixed))
        else:
            train.append(example)
    return _Material(train, held_out, sounds)
