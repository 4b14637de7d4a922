"""Exports a model as a bundle: three ONNX graphs, a snapshot of one prediction, and the manifest.

Both architectures come out alike, so that the runtime knows only one kind of bundle. Each graph is compared with eager
torch on the way; a difference above 1e-4 is an error, not a bundle.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from ..presets.errors import ModelError
from ..presets.version import __version__
from ..runtime.model.bundle import (
    CONTROLLER,
    MANIFEST,
    REFERENCE_ENCODER,
    SNAPSHOT,
    TRACK_ENCODER,
    Manifest,
    Training,
    open_bundle,
)
from ..runtime.model.inference import onnxruntime
from .bundle_parts import BundleParts, parts_of
from .compact.band_cache import CachedSession
from .compact.bands import SAMPLE_RATE_HZ, WINDOW_SAMPLES
from .compact.familiarity import add_familiarity
from .compact.model import CompactModel
from .reference.model import ReferenceModel
from .whole_files import new_folder

log = logging.getLogger(__name__)

TOLERANCE = 1e-4
_OPSET = 18
_FEATURE_VERSION = 2
_EXAMPLE_TRACKS = 3
# How names of weights begin in a graph.
_WEIGHT = "model."
_SNAPSHOT_SAMPLES = 68608
_TRACKS = torch.export.Dim("tracks", min=1, max=1024)


@dataclass(frozen=True)
class Description:
    """What a bundle says of itself beyond what the model knows.

    Attributes:
        name: short, as in `--model NAME`.
        text: what it is, in a line.
        licence: of the weights.
        training: on what it was trained, if known.
    """

    name: str
    text: str
    licence: str
    training: Training | None = None


def export_bundle(
    model: CompactModel | ReferenceModel,
    description: Description,
    folder: Path,
    sessions: Sequence[CachedSession] = (),
    songs: Sequence[CachedSession] = (),
) -> Manifest:
    """Write a bundle; the folder appears whole or not at all.

    Args:
        model: in evaluation mode.
        description: for the manifest.
        folder: must not exist yet.
        sessions: of the training, for the bundle to know what is familiar (:mod:`.compact.familiarity`); compact
            models only.
        songs: finished songs that were references in training; goes with `sessions`.

    Raises:
        OutputError: the folder exists or cannot be written.
        ModelError: a graph does not answer as the model does, or there are too few sessions.
    """

    def finish(work: Path) -> None:
        if sessions and isinstance(model, CompactModel):
            add_familiarity(work, model, sessions, songs)

    return write_bundle(parts_of(model), description, folder, finish=finish)


def write_bundle(
    parts: BundleParts,
    description: Description,
    folder: Path,
    graphs: Mapping[str, bytes] | None = None,
    files: Mapping[str, bytes] | None = None,
    fields: Mapping[str, Any] | None = None,
    finish: Callable[[Path], None] = lambda work: None,
) -> Manifest:
    """Writes the parts of a model as a bundle; the folder appears whole or not at all.

    Args:
        parts: in evaluation mode.
        description: for the manifest.
        folder: must not exist yet.
        graphs: of these parts, by name, where they are made already; they are compared with the parts all the same.
        files: more of them, by name.
        fields: more of the manifest, by name.
        finish: is given the bundle before it appears.

    Raises:
        OutputError: the folder exists or cannot be written.
        ModelError: a graph does not answer as the model does.
    """
    with new_folder(folder) as work:
        if graphs is None:
            _export_graphs(parts, work)
        else:
            _put_graphs(parts, graphs, work)
        _write_snapshot(parts, work)
        for name, data in (files or {}).items():
            (work / name).write_bytes(data)
        names = (TRACK_ENCODER, REFERENCE_ENCODER, CONTROLLER, SNAPSHOT, *(files or {}))
        manifest = Manifest(
            name=description.name,
            description=description.text,
            architecture=parts.architecture,
            parameters=parts.parameters,
            layout=parts.layout,
            sample_rate_hz=SAMPLE_RATE_HZ,
            window_samples=WINDOW_SAMPLES,
            reference_samples=parts.reference_samples,
            track_level_lufs=parts.track_level_lufs,
            stereo_tracks=parts.stereo_tracks,
            roles=parts.roles,
            feature_version=_FEATURE_VERSION,
            training=description.training,
            licence=description.licence,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            tool=f"mixbridge {__version__}",
            sha256={name: hashlib.sha256((work / name).read_bytes()).hexdigest() for name in names},
            **(fields or {}),
        )
        (work / MANIFEST).write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")
        finish(work)
        return open_bundle(work).manifest


def _export_graphs(parts: BundleParts, work: Path) -> None:
    audio, reference = example_audio(_EXAMPLE_TRACKS)
    samples = torch.export.Dim("samples", min=66000, max=2**24)
    channels = {1: torch.export.Dim("channels", min=1, max=2)} if parts.mono_passages else {}
    shapes = {"audio": {0: _TRACKS, **channels, 2: samples}}
    _export(parts.track_encoder, (audio,), ["audio"], ["embeddings"], shapes, work / TRACK_ENCODER)
    _export(
        parts.reference_encoder,
        (reference,),
        ["audio"],
        ["embedding"],
        {"audio": {**channels, 2: samples}},
        work / REFERENCE_ENCODER,
    )
    with torch.no_grad():
        inputs = [parts.track_encoder(audio), parts.reference_encoder(reference)]
    names = ["track_embeddings", "reference_embedding"]
    size = {} if parts.reference_size is None else {1: parts.reference_size}
    shapes = {"track_embeddings": {0: _TRACKS}, "reference_embedding": size}
    if parts.roles:
        inputs.append(torch.eye(len(parts.roles))[:_EXAMPLE_TRACKS])
        names.append("roles")
        shapes["roles"] = {0: _TRACKS}
    _export(parts.controller, tuple(inputs), names, ["track_outputs", "master_outputs"], shapes, work / CONTROLLER)


def _put_graphs(parts: BundleParts, graphs: Mapping[str, bytes], work: Path) -> None:
    """Writes graphs that are made already, each compared with the part that it stands for."""
    audio, reference = example_audio(_EXAMPLE_TRACKS)
    inputs: dict[str, dict[str, Tensor]] = {TRACK_ENCODER: {"audio": audio}, REFERENCE_ENCODER: {"audio": reference}}
    with torch.no_grad():
        heard = {
            "track_embeddings": parts.track_encoder(audio),
            "reference_embedding": parts.reference_encoder(reference),
        }
    if parts.roles:
        heard["roles"] = torch.eye(len(parts.roles))[:_EXAMPLE_TRACKS]
    inputs[CONTROLLER] = heard
    modules = {
        TRACK_ENCODER: parts.track_encoder,
        REFERENCE_ENCODER: parts.reference_encoder,
        CONTROLLER: parts.controller,
    }
    for name, module in modules.items():
        path = work / name
        path.write_bytes(graphs[name])
        with torch.no_grad():
            expected = module.eval()(*inputs[name].values())
        _compare(path, inputs[name], expected if isinstance(expected, tuple) else (expected,))


def example_audio(tracks: int) -> tuple[Tensor, Tensor]:
    """Makes deterministic noise with a tone in each track: (tracks, 2, samples) and a reference (1, 2, samples)."""
    numbers = np.random.default_rng(5)
    time = np.arange(2 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    noise = 0.02 * numbers.standard_normal((tracks + 1, 2, len(time)))
    tone_hz = 110.0 * 2 ** np.arange(tracks + 1)[:, None, None]
    audio = torch.from_numpy((noise + 0.1 * np.sin(2 * np.pi * tone_hz * time)).astype(np.float32))
    return audio[:tracks], audio[tracks:]


def _export(
    module: nn.Module,
    inputs: tuple[Tensor, ...],
    input_names: list[str],
    output_names: list[str],
    dynamic_shapes: dict[str, dict[int, torch.export.Dim]],
    path: Path,
) -> None:
    module.eval()
    program = torch.onnx.export(
        module,
        inputs,
        dynamo=True,
        input_names=input_names,
        output_names=output_names,
        dynamic_shapes=dynamic_shapes,
        opset_version=_OPSET,
        verbose=False,
        # onnxscript's optimiser rounds constants: outputs moved by up to 1e-3.
        optimize=False,
    )
    if program is None:
        raise ModelError(f"{path.name}: torch gave no ONNX program")
    graph = _folded(program.model_proto)
    _strip_traces(graph)
    onnx.helper.set_model_props(graph, {"mixbridge_version": __version__, "graph": path.stem})
    onnx.checker.check_model(graph)
    path.write_bytes(graph.SerializeToString())
    with torch.no_grad():
        expected = module(*inputs)
    _compare(
        path, dict(zip(input_names, inputs, strict=True)), expected if isinstance(expected, tuple) else (expected,)
    )


def _folded(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Computes what is constant, once and for all machines: half of the controller's nodes, and of its time to load.

    Nothing is fused: the nodes stay those of ONNX, which any runtime knows. Weights stay as they are, under their
    names, for trainings that go on from a bundle: while the rest is folded they count as inputs, which may change.
    """
    weights = [tensor for tensor in graph.graph.initializer if tensor.name.startswith(_WEIGHT)]
    inputs = [onnx.helper.make_tensor_value_info(item.name, item.data_type, list(item.dims)) for item in weights]
    graph.graph.input.extend(inputs)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.log_severity_level = 3
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "folded.onnx"
        options.optimized_model_filepath = str(path)
        onnxruntime.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"])
        folded = onnx.load(path, load_external_data=False)
    foreign = sorted({node.domain for node in folded.graph.node} - {"", "ai.onnx"})
    if foreign:
        raise ModelError(f"onnxruntime put nodes of {', '.join(foreign)} into a graph, which are not ONNX's own")
    ends = [item for item in folded.graph.input if not item.name.startswith(_WEIGHT)]
    del folded.graph.input[:]
    folded.graph.input.extend(ends)
    return folded


def _strip_traces(graph: onnx.ModelProto) -> None:
    """Removes the notes on where in our source each node came from: a fifth of the file, and this machine's paths."""
    for node in graph.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    del graph.graph.value_info[:]


def _compare(path: Path, inputs: dict[str, Tensor], expected: Sequence[Tensor]) -> None:
    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    outputs = session.run(None, {name: value.numpy() for name, value in inputs.items()})
    difference = max(float(np.abs(a - b.numpy()).max()) for a, b in zip(outputs, expected, strict=True))
    if not difference <= TOLERANCE:
        raise ModelError(f"{path.name}: onnxruntime answers {difference:.2g} away from torch; limit {TOLERANCE:g}")
    log.info("%s: within %.2g of torch", path.name, difference)


def _write_snapshot(parts: BundleParts, work: Path) -> None:
    # Coarse samples of a second and a half, so that it stays small beside the graphs.
    audio, reference = (torch.round(item[..., :_SNAPSHOT_SAMPLES] * 256) / 256 for item in example_audio(2))
    with torch.no_grad():
        heard = [parts.track_encoder(audio), parts.reference_encoder(reference)]
        # Recorded without roles, which the runtime then tells of none.
        untold = [torch.zeros(len(audio), len(parts.roles))] if parts.roles else []
        strips, master = parts.controller(*heard, *untold)
    np.savez_compressed(
        work / SNAPSHOT,
        tracks=audio.numpy(),
        reference=reference[0].numpy(),
        track_outputs=strips.numpy(),
        master_outputs=master.numpy(),
    )
