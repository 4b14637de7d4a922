"""The work of an item, the same wherever it is done: find the session, see whether it is done, mix, deliver.

Results are the same whenever and wherever they are made: one thread decides, and the time when a preset was made stands
in the ledger alone.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from ...presets import factory, files
from ...presets.errors import OutputError, PresetError
from ...presets.preset import Preset
from ...runtime import mixing
from ...runtime.audio.output import OutputFolder, write_text
from ...runtime.audio.workplace import scratch_folder
from ...runtime.audio.writing import cannot_write
from ...runtime.batch.items import OF_REFERENCE, BatchItem, BatchPlace, ItemOutcome, finite
from ...runtime.batch.records import RECORD, earlier_files, flush, key_of, read_record, write_record
from ...runtime.inserts.choosing import InsertWishes
from ...runtime.inserts.deepfilter.weights import SHA256, load_graphs
from ...runtime.mixing import PRESET, PredictOptions
from ...runtime.model.bundle import open_bundle
from ...runtime.model.controller import Controller
from ...runtime.model.providers import Provider
from ...runtime.model.references import Song, typed_references
from ...runtime.rendering.render import RenderOptions
from ...runtime.wishes.wishes import Wishes
from .. import jobs
from ..matching import match_stems
from .addresses import fetched, has_addresses
from .outputs import BatchOutput, at_home
from .sources import FoundSession, find_source
from .stores import store_at

JOB = f"{__name__}:do_item"

_HASHED_BYTES = 2**20
_USUAL_LUFS = -14.0


class PreparedItem:
    """An item whose inputs were found and hashed.

    Args:
        item: which.

    Attributes:
        item: as above.
        source: its session.
        songs: its references.
        preset: what is applied; None where settings are predicted.
        key: hash of what decides the result.

    Raises:
        MixbridgeError: an input cannot be used.
    """

    def __init__(self, item: BatchItem):
        self.item = item
        self.songs: tuple[Song, ...] = typed_references(item.references) if item.references else ()
        self.preset = _preset(item.preset) if item.preset else None
        if item.options.clean:
            if self.preset is not None:
                raise PresetError(f"{item.session}: a preset says itself what is cleaned: leave out `clean`.")
            load_graphs()
        if not self.songs and self.preset is None and open_bundle(item.model).needs_reference:
            raise PresetError(
                f"{item.session}: has neither a reference nor a preset: give one, for all or in the "
                "manifest, or a model with a style of its own."
            )
        song_paths = tuple(str(song.path) for song in self.songs)
        self.source: FoundSession = find_source(item.session, references=song_paths, muted=item.options.muted)
        self.key = key_of(self._parts())

    def _parts(self) -> dict[str, Any]:
        parts: dict[str, Any] = {
            "inputs": {name: _hash(path) for name, path in self.source.files.items()},
            "references": [[_hash(song.path), round(song.share, 6)] for song in self.songs],
            "options": asdict(self.item.options),
        }
        if self.item.options.clean:
            parts["denoise"] = SHA256
        else:  # what was mixed before there was any cleaning is done still
            for name in ("clean", "clean_db"):
                parts["options"].pop(name)
        if self.preset is not None:
            return parts | {"preset": hashlib.sha256(files.dumps(self.preset).encode()).hexdigest()}
        return parts | {"model": open_bundle(self.item.model).manifest_sha256}

    def figures_in(self, folder: Path) -> Mapping[str, Any] | None:
        """Give the figures of results in a folder that have this key; None if there are none."""
        record = read_record(folder)
        return record.figures if record is not None and record.key == self.key else None


def do_item(item: BatchItem, place: BatchPlace, tell: Callable[[float], None]) -> ItemOutcome:
    """Do an item, as :data:`mixbridge.runtime.batch.worker.Job`.

    Raises:
        MixbridgeError: an input cannot be used, or a result not be written; nothing is left behind.
        OSError: likewise.
    """
    place = at_home(place)
    if not has_addresses(item):
        with fetched(item, place.folder) as local:
            return _done(local, place, tell)
    with _scratch(place.folder) as folder, fetched(item, folder) as local:
        return _done(local, place, tell)


def _done(item: BatchItem, place: BatchPlace, tell: Callable[[float], None]) -> ItemOutcome:
    prepared = PreparedItem(item)
    tell(prepared.source.seconds)
    folder = place.folder / item.name
    store = store_at(place.address) if place.address else None
    figures = prepared.figures_in(folder) if store is None else store.figures(item.name, prepared.key)
    if figures is not None and not place.force:
        if store is not None:  # a killed run may have left what it had brought
            shutil.rmtree(folder, ignore_errors=True)
        return ItemOutcome("kept", prepared.key, figures)
    # What an earlier run has rendered, and could not bring to its address, is brought there now.
    waiting = None if store is None or place.force else prepared.figures_in(folder)
    outcome = _rendered(prepared, folder, place) if waiting is None else ItemOutcome("rendered", prepared.key, waiting)
    if store is not None:
        store.deliver(folder, item.name, overwrite=place.force)
        shutil.rmtree(folder, ignore_errors=True)
    return outcome


def standing(output: BatchOutput, prepared: PreparedItem) -> tuple[bool, bool]:
    """Tell whether an item is done, and whether there is anything in its place.

    Raises:
        OutputError: the address of the output cannot be read.
    """
    name, store = prepared.item.name, output.store
    if store is not None:
        return store.figures(name, prepared.key) is not None, store.holds(name)
    return prepared.figures_in(output.home / name) is not None, (output.home / name).exists()


def _rendered(prepared: PreparedItem, folder: Path, place: BatchPlace) -> ItemOutcome:
    try:
        with _scratch(place.folder) as scratch, prepared.source.opened(scratch) as stems:
            figures = _made(prepared, folder, place, stems)
    except OutputError:
        # Another machine that was thought to be gone may have finished the item meanwhile.
        known = None if place.force else prepared.figures_in(folder)
        if known is None:
            raise
        return ItemOutcome("kept", prepared.key, known)
    flush([place.folder])
    return ItemOutcome("rendered", prepared.key, figures)


def _made(prepared: PreparedItem, folder: Path, place: BatchPlace, stems: Mapping[str, Path]) -> Mapping[str, Any]:
    item, options = prepared.item, prepared.item.options
    earlier = earlier_files(folder)
    how = render_options(prepared, overwrite=place.force or earlier is not None, threads=place.threads)
    inputs = tuple(prepared.source.files.values())
    if prepared.preset is not None:
        matched = match_stems(prepared.source.heard_of(prepared.preset), stems)
        expected = jobs.results_of(matched.preset, how, report=options.report)
        output = mixing.output_for(folder, matched.stems, None, [*expected, RECORD], how, inputs)
        output.drop(earlier or ())
        with output:
            done = jobs.apply_into(
                output, matched.preset, matched.stems, render_options=how, report=options.report, inputs=inputs
            )
            return _recorded(output, prepared, done)
    expected = [*mixing.mix_files(stems, how), *[jobs.REPORT] * options.report]
    output = mixing.output_for(folder, stems, prepared.songs, [*expected, RECORD], how, inputs)
    output.drop(earlier or ())
    with output:
        done = jobs.mix_into(
            output,
            stems,
            prepared.songs,
            model=_model(item.model, cast(Provider, place.provider)),
            options=PredictOptions(
                options.amount,
                refine_s=options.refine,
                wishes=Wishes(vocal_db=options.vocal, is_dry=options.dry),
                inserts=InsertWishes(options.clean, options.clean_db, may_be_none=True),
            ),
            render_options=how,
            report=options.report,
            inputs=inputs,
        )
        return _recorded(output, prepared, done)


def render_options(prepared: PreparedItem, *, overwrite: bool, threads: int) -> RenderOptions:
    """Convert the options of an item.

    Raises:
        PresetError: the loudness of a reference is asked for, and there is none.
    """
    options = prepared.item.options
    of_reference = options.loudness == OF_REFERENCE
    if of_reference and prepared.preset is not None:
        raise PresetError(f"{prepared.item.session}: a preset has no reference: give the loudness as a number of LUFS.")
    return RenderOptions(
        sample_rate_hz=options.sample_rate,
        loudness_lufs=_USUAL_LUFS if isinstance(options.loudness, str) else options.loudness,
        loudness_of_reference=of_reference,
        ceiling_dbtp=options.ceiling,
        audio_format=options.format,
        stems=options.stems,
        overwrite=overwrite,
        workers=threads,
    )


def _recorded(output: OutputFolder, prepared: PreparedItem, done: jobs.Done) -> Mapping[str, Any]:
    """Add the record to results that are ready."""
    workplace, preset = output.workplace, done.mix.preset
    timeless = preset.model_copy(update={"provenance": preset.provenance.model_copy(update={"created": None})})
    write_text(workplace / PRESET, files.dumps(timeless))
    figures = figures_of(done)
    if prepared.item.options.clean and not preset.has_inserts:
        asked = ", ".join(prepared.item.options.clean)
        figures["warnings"].append(f"nothing was cleaned: no track is {asked}")
    try:
        write_record(workplace, prepared.key, figures)
    except OSError as error:
        raise cannot_write(output.folder / RECORD, error) from error
    return figures


def figures_of(done: jobs.Done) -> dict[str, Any]:
    """Say what a mix is like, for the ledger and the summary."""
    render, preset = done.mix.render, done.mix.preset
    confidence = preset.provenance.confidence
    return {
        "mix": render.mix_file,
        **({"report": done.report_path.name} if done.report_path is not None else {}),
        "tracks": len(preset.tracks),
        "length_s": round(render.frames / render.sample_rate_hz, 3),
        "sample_rate_hz": render.sample_rate_hz,
        "loudness_lufs": finite(render.levels.loudness_lufs),
        "true_peak_dbtp": finite(render.levels.true_peak_dbtp),
        "limited_db": finite(render.limited_db),
        "confidence": confidence.level if confidence else None,
        "probability": finite(confidence.probability) if confidence else None,
        "warnings": [*done.warnings, *done.file_notes],
    }


def _preset(name: str) -> Preset:
    if Path(name).exists():
        return files.load(name)
    if name in factory.names():
        return factory.load(name)
    raise PresetError(f"{name}: there is no such file, nor such a factory preset ({', '.join(factory.names())}).")


def _model(model: str, provider: Provider) -> Controller | str:
    """Load a model's network, if it has one; its numbers take no time."""
    return _controller(model, provider) if open_bundle(model).has_network else model


@lru_cache(maxsize=2)
def _controller(model: str, provider: Provider) -> Controller:
    """Load a model once in a process. One thread gives the same answer wherever it runs."""
    return Controller(model, provider, threads=1)


@contextmanager
def _scratch(home: Path) -> Iterator[Path]:
    """A hidden folder in the output for what is made for the while; libraries use it for their temporary files, too."""
    with scratch_folder(home) as folder:
        before = tempfile.tempdir
        tempfile.tempdir = str(folder)
        try:
            yield folder
        finally:
            tempfile.tempdir = before


def _hash(path: Path) -> str:
    with path.open("rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
