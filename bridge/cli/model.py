"""The commands `model list`, `show` and `test`. Importing this loads click alone.

The other commands of the group belong to the torch side and are found as entry points: see :mod:`.commands`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .declaring import takes
from .options import FOLDER, Saying, Writing
from .output.saying import echo_json, say

if TYPE_CHECKING:
    from ...runtime.model.bundle import Bundle
    from ..trying import ModelTrial

_SHOWN_BYTES = 1e6


@click.command("list")
@takes(Saying, "saying")
def list_command(*, saying: Saying) -> None:
    """List the models that come with mixbridge, and your own; `mixbridge mix --model NAME` uses one.

    Your own are folders and .zip files in the place that is named at the end.
    """
    from ...presets.errors import ModelError
    from ...runtime.model.bundle import models_folder, open_bundle, own_models, shipped_models

    names = [*shipped_models(), *(name for name in own_models() if name not in shipped_models())]
    listed: list[dict[str, Any]] = []
    for name in names:
        try:
            bundle = open_bundle(name)
        except ModelError as error:
            listed.append({"name": name, "problem": str(error)})
            continue
        listed.append({**bundle.manifest.model_dump(mode="json"), "name": name, **_facts(bundle)})
        if not saying.as_json:
            say(f"{name}  {_kind(bundle)}, {bundle.manifest.licence}")
            if bundle.manifest.description:
                say(f"  {bundle.manifest.description}")
    if saying.as_json:
        echo_json(listed)
        return
    for item in listed:
        if "problem" in item:
            say(f"{item['name']}  cannot be used: {item['problem']}")
    say(f"Your own models: {models_folder()}", err=True)


@click.command("show")
@click.argument("model")
@takes(Saying, "saying")
def show_command(*, model: str, saying: Saying) -> None:
    """Show what a MODEL is: from what it was trained, what it is worth, its licence; and check that it works here.

    MODEL is a folder, a .zip, or a name of `mixbridge model list`.
    """
    from ...runtime.model.bundle import open_bundle

    bundle = open_bundle(model)
    parity = _checked(bundle)
    manifest = bundle.manifest
    if saying.as_json:
        echo_json({**manifest.model_dump(mode="json"), **_facts(bundle), "parity": parity})
        return
    say(f"{manifest.name}: {manifest.description}" if manifest.description else manifest.name)
    say(f"  {bundle.folder}")
    say(f"  {_kind(bundle)}; {manifest.architecture}, {manifest.parameters:,} numbers, {_size(bundle)}")
    say(f"  licence: {manifest.licence}; made {manifest.created} by {manifest.tool}")
    if manifest.training is not None:
        say(f"  trained on: {'; '.join(manifest.training.data)} ({manifest.training.steps:,} steps)")
    if (style := manifest.style) is not None:
        say(f"  learned from {style.pairs} pairs; measured on {style.held_out} that it had not seen")
        for way in style.ways:
            say(f"    {way.name:<12} {way.share:.2f} of the raw tracks' distance to the mixed ones")
        if style.why:
            say(f"  {style.why}")
    for name, difference in parity.items():
        say(f"  {name}: answers as when it was made (within {difference:.1g})")


@click.command("test")
@click.argument("model")
@click.argument("raw", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@takes(Writing, "writing", FOLDER)
@click.option("--reference", "references", multiple=True, metavar="FILE", help="For a model that needs one.")
@click.option(
    "--mixed",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="How the track should come out, e.g. as you mixed it: says how near the model comes.",
)
@takes(Saying, "saying")
def test_command(
    *, model: str, raw: Path, writing: Writing, references: tuple[str, ...], mixed: Path | None, saying: Saying
) -> None:
    """Try a MODEL on one RAW track: before.wav and after.wav, equally loud, to hear; and figures.

    MODEL is a folder, a .zip, or a name of `mixbridge model list`.
    """
    from ...runtime.model.references import typed_references
    from ..trying import try_model

    songs = typed_references(references) if references else None
    tried = try_model(model, raw, Path(writing.output), reference=songs, mixed=mixed, overwrite=writing.force)
    if saying.as_json:
        echo_json(_trial_as_json(tried))
    elif not saying.is_quiet:
        _say_trial(tried)


def _kind(bundle: Bundle) -> str:
    if bundle.needs_reference:
        return "needs a reference"
    style = bundle.manifest.style
    learned = f" from {style.pairs} pairs ({style.way})" if style is not None else ""
    return f"needs no reference: a style learned{learned}"


def _facts(bundle: Bundle) -> dict[str, Any]:
    return {
        "place": str(bundle.folder),
        "needs_reference": bundle.needs_reference,
        "bytes": bundle.size_bytes(),
        "manifest_sha256": bundle.manifest_sha256,
    }


def _size(bundle: Bundle) -> str:
    size = bundle.size_bytes()
    return f"{size / _SHOWN_BYTES:.1f} MB" if size >= _SHOWN_BYTES else f"{size / 1000:.0f} kB"


def _checked(bundle: Bundle) -> dict[str, float]:
    """How far this machine's answers are from what was recorded, by part of the bundle."""
    from ...runtime.model.bundle import SNAPSHOT, STYLE, STYLE_SNAPSHOT
    from ...runtime.model.controller import Controller
    from ...runtime.styles.snapshot import check_style

    found = {}
    if STYLE in bundle.manifest.sha256 and STYLE_SNAPSHOT in bundle.manifest.sha256:
        found["style"] = check_style(bundle)
    if bundle.has_network and SNAPSHOT in bundle.manifest.sha256:
        found["network"] = Controller(bundle.folder, "cpu").check_snapshot()
    return found


def _say_trial(tried: ModelTrial) -> None:
    from ..report.assurance import assurance_lines
    from ..report.text import describe_effects, describe_strip

    for track in tried.preset.tracks:
        say(f"{track.name}: {', '.join(describe_strip(track))}")
    for effect in describe_effects(tried.preset):
        say(effect)
    for line in assurance_lines(tried.preset):
        say(line)
    say(
        f"Loudness: {tried.before_lufs:.1f} LUFS before, {tried.after_lufs:.1f} LUFS after; peaks stand "
        f"{tried.before_peak_db:.1f} dB above it before, {tried.after_peak_db:.1f} dB after."
    )
    if tried.raw_distance is not None and tried.distance is not None:
        say(
            f"Distance to the mixed file: raw {tried.raw_distance:.3f}, by the model {tried.distance:.3f} "
            f"({tried.distance / max(tried.raw_distance, 1e-9):.0%})."
        )
    say(f"{tried.seconds:.1f} s in {tried.took_s:.1f} s. In the files both are equally loud:")
    for name in ("before.wav", "after.wav", "preset.json"):
        say(f"  {tried.folder / name}")


def _trial_as_json(tried: ModelTrial) -> dict[str, Any]:
    from ..report.assurance import assurance_as_json

    return {
        "before": str(tried.folder / "before.wav"),
        "after": str(tried.folder / "after.wav"),
        "preset": str(tried.folder / "preset.json"),
        "seconds": round(tried.seconds, 3),
        "took_s": round(tried.took_s, 3),
        "before_lufs": round(tried.before_lufs, 2),
        "after_lufs": round(tried.after_lufs, 2),
        "before_peak_db": round(tried.before_peak_db, 2),
        "after_peak_db": round(tried.after_peak_db, 2),
        "raw_distance": None if tried.raw_distance is None else round(tried.raw_distance, 5),
        "distance": None if tried.distance is None else round(tried.distance, 5),
        **assurance_as_json(tried.preset),
    }
