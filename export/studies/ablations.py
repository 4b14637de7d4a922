"""Measures what parts of the model and of its training are worth.

`mixbridge model ablations CORPUS -o docs/ablations.md` trains variants for the same, short time and judges all on the
same held-out cases of the suite *known*, rendered. It also says how far the training console is from the runtime: what
a model loses by hearing references that were rendered and not made by the training console, and how the distance of
the same settings comes out in both.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader

from ...presets.console import get
from ...presets.preset import Preset, Track
from ...runtime.audio.reading import Samples, as_stereo, repeated
from ...runtime.model.analysis import Passage
from ...runtime.model.bundle import DEFAULT_MODEL, Manifest, open_bundle
from ...runtime.model.controller import Outputs
from ...runtime.prediction.predict import settings
from ..compact.band_cache import CachedSession, load_corpus, load_songs
from ..compact.band_console import TRACK_LEVEL_LUFS, SessionBatch, Settings, mix
from ..compact.bands import BandPowers, BandPowerTransform
from ..compact.checkpoint import build_model, load_checkpoint
from ..compact.config import DEFAULT_CONFIG, TrainConfig, load_config
from ..compact.dataset import MixExamples
from ..compact.layout import FIXED, compact_layout
from ..compact.losses import MixFeatures, feature_terms
from ..compact.model import CompactModel
from ..compact.train import loss_terms
from ..evaluation.judging import TERMS, render, terms_of
from ..evaluation.material import find_material
from ..evaluation.presets import drawn_preset
from ..evaluation.suites import SUITES, EvaluationScene, make_scene
from ..whole_files import check_page, write_text

_log = logging.getLogger(__name__)
_SUITE = "known"
_COMPARED = ("bark", "width", "imbalance", "crest")
TITLE = "# What parts are worth"
_TEXT = """\
{title}

Each variant was trained for {steps} steps with the sizes and rates of `{config}`, but for what it lacks. That is a
short training, so the figures compare with each other only. All were judged on the same {cases} held-out cases of the
suite *known* ([quality.md](quality.md)), rendered by the runtime. Made by

    {command}

| variant | parameters | {terms} | median total | against the whole |
|{rules}|
{rows}

## The training console and the runtime

{gap}
"""


@dataclass(frozen=True)
class AblationRequest:
    """What to measure.

    Attributes:
        corpus: folder with sessions to train on and held-out ones.
        checkpoint: of the model that ships.
        cache: folder for analysed sessions.
        steps: of each variant's training.
        cases: to judge each variant on.
    """

    corpus: Path
    checkpoint: Path
    cache: Path
    steps: int
    cases: int


def run(request: AblationRequest, page: Path, say: Callable[[str], object] = _log.info) -> None:
    """Trains variants, judges them, compares the consoles, and writes the page.

    Args:
        request: what to measure.
        page: to write.
        say: takes a row for each variant.

    Raises:
        AudioError: a file of the corpus cannot be used.
        ModelError: the checkpoint or the corpus cannot be used.
        OutputError: the page cannot be written, or is there and none of ours.
    """
    check_page(page, TITLE)
    torch.set_num_threads(1)
    shipped, config = load_checkpoint(request.checkpoint)[0], _short_config(request.steps)
    material, manifest = find_material(request.corpus), open_bundle(DEFAULT_MODEL).manifest
    scenes = [make_scene(SUITES[_SUITE], material, manifest, index, seed=0) for index in range(request.cases)]
    rows = _judged_variants(request, config, scenes, manifest.sample_rate_hz, say)
    gap = _gap(
        judge(shipped, scenes, manifest.sample_rate_hz),
        judge_by_training_console(shipped, scenes, manifest),
        compare_consoles(scenes, manifest),
    )
    text = _TEXT.format(
        title=TITLE,
        steps=request.steps,
        config=DEFAULT_CONFIG.name,
        cases=request.cases,
        command=_command(request),
        terms=" | ".join(TERMS),
        rules="---|" * (len(TERMS) + 3) + "---",
        rows="\n".join(rows),
        gap=gap,
    )
    write_text(page, text)


@dataclass(frozen=True)
class Variant:
    """One way of training.

    Attributes:
        name: for people.
        change: of the configuration.
        sessions: of all the sessions those that are used.
        deaf: to the difference of left and right.
    """

    name: str
    change: Callable[[TrainConfig], TrainConfig] = lambda config: config
    sessions: Callable[[Sequence[CachedSession]], Sequence[CachedSession]] = lambda sessions: sessions
    deaf: bool = False


def _sized(**sizes: int) -> Callable[[TrainConfig], TrainConfig]:
    return lambda config: config.model_copy(update={"model": replace(config.model, **sizes)})


VARIANTS = (
    Variant("the whole"),
    Variant("without left and right (mid and side only)", deaf=True),
    Variant("half the data", sessions=lambda sessions: sessions[::2]),
    Variant("half the parameters", change=_sized(width=80, channels=64, feed_forward=192, layers=3)),
    Variant("without taking the reference apart", change=_sized(unmix_rounds=0)),
)


class MonoEars(CompactModel):
    """Hears how wide a sound is, but not on which side it is."""

    def encode_tracks(self, powers: BandPowers) -> Tensor:
        """Encodes as the model does, powers whose sides are alike."""
        return super().encode_tracks(_levelled(powers))

    def encode_reference(self, powers: BandPowers) -> Tensor:
        """Encodes likewise."""
        return super().encode_reference(_levelled(powers))


def _levelled(powers: BandPowers) -> BandPowers:
    both = (powers.left + powers.right) / 2
    return BandPowers(both, both, powers.cross)


def train_variant(
    variant: Variant, config: TrainConfig, sessions: Sequence[CachedSession], songs: Sequence[CachedSession]
) -> CompactModel:
    """Trains a model for `config.max_steps`; gives the average of its weights, as it would ship."""
    changed = variant.change(config)
    torch.manual_seed(config.seed)
    model: CompactModel = build_model(changed.model)
    if variant.deaf:
        model = MonoEars(changed.model, compact_layout())
    average = torch.optim.swa_utils.AveragedModel(
        model,
        multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(  # type: ignore[no-untyped-call]
            min(config.average_decay, 0.99)
        ),
    )
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, betas=(0.9, 0.98)
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, config.learning_rate, total_steps=config.max_steps, pct_start=0.1, cycle_momentum=False
    )
    examples = MixExamples(variant.sessions(sessions), config.batch_size, config.max_tracks, config.seed, songs)
    loader = DataLoader(
        examples,
        batch_size=None,
        num_workers=config.workers,
        prefetch_factor=4 if config.workers else None,
    )
    for step, batch in enumerate(islice(loader, config.max_steps)):
        loss = torch.stack(list(loss_terms(model, batch).values())).sum()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        average.update_parameters(model)
        if step % 50 == 0:
            _log.info("%s: step %d, loss %.3f", variant.name, step, loss.item())
    return cast("CompactModel", average.module.eval())


@torch.no_grad()
def preset_of(model: CompactModel, passage: Passage, reference: BandPowers) -> Preset:
    """Predicts with the torch graph of a model.

    Args:
        model: in evaluation mode.
        passage: of tracks that all sound.
        reference: powers, shape (1, bands, frames).
    """
    transform, names = BandPowerTransform(), list(passage.audio)
    heard = [_powers(audio, transform) for audio in passage.levelled(names, TRACK_LEVEL_LUFS)]
    tracks = torch.cat([model.encode_tracks(powers) for powers in heard])
    strips, master = model.control(tracks[None], model.encode_reference(reference))
    outputs = Outputs(strips[0].numpy(), master[0].numpy())
    strips_found, bus = settings(compact_layout(), outputs, TRACK_LEVEL_LUFS, passage, names)
    return Preset(tracks=tuple(Track(name=name, strip=strips_found[name]) for name in names), master=bus)


def by_training_console(
    scene: EvaluationScene, audio: Mapping[str, Samples], preset: Preset, samples: int
) -> BandPowers:
    """Mixes these tracks as the training console does, shape (1, bands, frames)."""
    transform, names = BandPowerTransform(), list(audio)
    gains = {name: 10 ** ((TRACK_LEVEL_LUFS - scene.passage.loudness_lufs[name]) / 20) for name in names}
    powers = BandPowers.joined(
        [_powers(as_stereo(repeated(audio[name], samples)) * np.float32(gains[name]), transform) for name in names]
    )
    mono = torch.tensor([[audio[name].shape[0] == 1 for name in names]])
    strips, master = _settings(preset, names)
    with torch.no_grad():
        return mix(SessionBatch(powers, mono, torch.ones_like(mono)), strips, master)


def _settings(preset: Preset, names: Sequence[str]) -> tuple[Settings, Settings]:
    layout = compact_layout()
    strips = {
        path: torch.tensor([[get(preset.track(name).strip, path) for name in names]], dtype=torch.float32)
        for path in [*(output.path for output in layout.track), *FIXED]
    }
    master = {
        path: torch.tensor([get(preset.master, path)], dtype=torch.float32)
        for path in [*(output.path for output in layout.master), *FIXED]
    }
    return strips, master


def _powers(audio: Samples, transform: BandPowerTransform) -> BandPowers:
    with torch.no_grad():
        powers: BandPowers = transform(torch.from_numpy(np.ascontiguousarray(audio))[None])
    return powers


Distances = dict[str, float]


def judge(model: CompactModel, scenes: Sequence[EvaluationScene], rate_hz: int) -> list[Distances]:
    """Measures the distance of the model's mix to the true one in each scene."""
    transform = BandPowerTransform()
    return [
        terms_of(
            scene.target.distance(
                render(
                    scene.passage.audio, preset_of(model, scene.passage, _powers(scene.reference, transform)), rate_hz
                )
            )
        )
        for scene in scenes
    ]


def judge_by_training_console(
    model: CompactModel, scenes: Sequence[EvaluationScene], manifest: Manifest
) -> list[Distances]:
    """Measures likewise, where the model hears references as the training console makes them."""
    distances = []
    for scene in scenes:
        if scene.truth is None:
            continue
        reference = by_training_console(scene, scene.elsewhere, scene.truth, manifest.reference_length)
        preset = preset_of(model, scene.passage, reference)
        distances.append(terms_of(scene.target.distance(render(scene.passage.audio, preset, manifest.sample_rate_hz))))
    return distances


def compare_consoles(scenes: Sequence[EvaluationScene], manifest: Manifest) -> dict[str, tuple[float, float, float]]:
    """Compares random settings with the true ones in both consoles: mean distance in each, correlation, by term."""
    numbers = np.random.default_rng(0)
    rows = []
    for scene in scenes:
        if scene.truth is None:
            continue
        other = drawn_preset(scene.passage, scene.centroids_hz, numbers)
        rendered = terms_of(scene.target.distance(render(scene.passage.audio, other, manifest.sample_rate_hz)))
        aim, features = (
            MixFeatures.of(by_training_console(scene, scene.passage.audio, preset, manifest.window_samples))
            for preset in (scene.truth, other)
        )
        trained = {name: float(value) for name, value in feature_terms(features, aim).items()}
        rows.append([(trained[term], rendered[term]) for term in _COMPARED])
    pairs = np.array(rows)
    return {
        term: (
            float(pairs[:, at, 0].mean()),
            float(pairs[:, at, 1].mean()),
            float(np.corrcoef(np.log(pairs[:, at].T + 1e-6))[0, 1]),
        )
        for at, term in enumerate(_COMPARED)
    }


def _row(name: str, parameters: int, distances: Sequence[Distances], whole: NDArray[np.float64]) -> str:
    means = " | ".join(f"{np.mean([item[term] for item in distances]):.3f}" for term in TERMS)
    totals = np.array([item["total"] for item in distances])
    return (
        f"| {name} | {parameters / 1e6:.2f} M | {means} | {np.median(totals):.3f} | "
        f"{totals.mean() / whole.mean():.2f} (median {np.median(totals) / np.median(whole):.2f}) |"
    )


def _gap(heard: Sequence[Distances], made: Sequence[Distances], consoles: Mapping[str, tuple[float, ...]]) -> str:
    means = [np.mean([item["total"] for item in distances]) for distances in (heard, made)]
    medians = [np.median([item["total"] for item in distances]) for distances in (heard, made)]
    lines = [
        f"The model that ships hears rendered references. Its mean distance on the same cases is {means[0]:.3f} "
        f"(median {medians[0]:.3f}). Given the references as the training console makes them, as in training, it is "
        f"{means[1]:.3f} (median {medians[1]:.3f}): so much a last phase of training on rendered references could win.",
        "",
        "Random settings against the true ones in both consoles. The training's terms have other weights and more "
        "bands; what counts is whether both see the same:",
        "",
        "| term | training console | rendered | correlation of the logarithms |",
        "|---|---|---|---|",
    ]
    lines += [f"| {term} | {a:.4f} | {b:.4f} | {r:.2f} |" for term, (a, b, r) in consoles.items()]
    return "\n".join(lines)


def _parameters(model: CompactModel) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def _judged_variants(
    request: AblationRequest,
    config: TrainConfig,
    scenes: Sequence[EvaluationScene],
    rate_hz: int,
    say: Callable[[str], object],
) -> list[str]:
    """Trains and judges each variant; gives the rows of the table."""
    sessions = load_corpus(request.corpus / "train", request.cache)
    songs = load_songs(request.corpus / "songs" / "train", request.cache)
    rows: list[str] = []
    whole: NDArray[np.float64] | None = None
    for variant in VARIANTS:
        model = train_variant(variant, config, sessions, songs)
        distances = judge(model, scenes, rate_hz)
        totals = np.array([item["total"] for item in distances])
        whole = totals if whole is None else whole
        rows.append(_row(variant.name, _parameters(model), distances, whole))
        say(rows[-1])
    return rows


def _short_config(steps: int) -> TrainConfig:
    return load_config(DEFAULT_CONFIG).model_copy(update={"max_steps": steps})


def _command(request: AblationRequest) -> str:
    return (
        "mixbridge model ablations CORPUS --checkpoint run/checkpoints/last.ckpt "
        f"--steps {request.steps} --cases {request.cases}"
    )
