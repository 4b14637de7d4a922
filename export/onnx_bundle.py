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
from ..presets.roles import ROLES
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
from ..runtime.model.layout import Layout, reference_layout
from .compact.band_cache import CachedSession
from .compact.band_console import TRACK_LEVEL_LUFS
from .compact.bands import BAND_COUNT, REFERENCE_SAMPLES, SAMPLE_RATE_HZ, WINDOW_SAMPLES
from .compact.familiarity import add_familiarity
from .compact.layout import compact_layout
from .compact.model import CompactModel
from .reference.model import ReferenceModel
from .whole_files import new_folder

log = logging.getLogger(__name__)

TOLERANCE = 1e-4
_OPSET = 18
_FEATURE_VERSION = 2
_REFERENCE_TRACK_LEVEL_LUFS = -48.0
_EXAMPLE_TRACKS = 3
# How names of weights begin in a graph.
_WEIGHT = "model."
_SNAPSHOT_SAMPLES = 68608
_TRACKS = torch.export.Dim("tracks", min=1, max=1024)
_FRAMES = torch.export.Dim("frames", min=16, max=2**17)


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


@dataclass(frozen=True)
class BundleParts:
    """A model as a bundle wants it.

    Attributes:
        track_encoder: audio to embeddings.
        reference_encoder: likewise, of the reference.
        controller: embeddings, and weights of roles where there are any, to outputs of tracks and master in 0..1.
        layout: what they mean.
        architecture: its name.
        track_level_lufs: that tracks are heard at.
        stereo_tracks: whether the track encoder tells left from right.
        mono_passages: whether encoders take one channel or two.
        reference_samples: length of a reference's passage.
        reference_size: of its embedding where that depends on the passage.
        roles: that the controller is told of.
        parameters: how many it has.
    """

    track_encoder: nn.Module
    reference_encoder: nn.Module
    controller: nn.Module
    layout: Layout
    architecture: str
    track_level_lufs: float
    stereo_tracks: bool
    mono_passages: bool
    reference_samples: int
    reference_size: torch.export.Dim | None
    roles: tuple[str, ...]
    parameters: int


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


def parts_of(model: CompactModel | ReferenceModel) -> BundleParts:
    """Gives the parts of a model in evaluation mode."""
    if isinstance(model, CompactModel):
        return BundleParts(
            _CompactEncoder(model, "track"),
            _CompactEncoder(model, "reference"),
            _CompactController(model),
            compact_layout(),
            "mixbridge-compact",
            TRACK_LEVEL_LUFS,
            stereo_tracks=True,
            mono_passages=True,
            reference_samples=REFERENCE_SAMPLES,
            # Left and right over time stand behind what has a fixed length.
            reference_size=2 * BAND_COUNT * _FRAMES + model.config.reference_statistics.stop,
            roles=ROLES,
            parameters=_count(model),
        )
    return BundleParts(
        _ReferenceTrackEncoder(model),
        _ReferenceMixEncoder(model),
        _ReferenceController(model),
        reference_layout(SAMPLE_RATE_HZ),
        "diff-mst",
        _REFERENCE_TRACK_LEVEL_LUFS,
        stereo_tracks=False,
        mono_passages=False,
        reference_samples=WINDOW_SAMPLES,
        reference_size=None,
        roles=(),
        parameters=_count(model),
    )


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


def _count(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


class _CompactEncoder(nn.Module):
    def __init__(self, model: CompactModel, kind: str) -> None:
        super().__init__()
        self.model = model
        self.encode = model.encode_tracks if kind == "track" else model.encode_reference

    def forward(self, audio: Tensor) -> Tensor:
        return self.encode(self.model.transform(audio))


class _CompactController(nn.Module):
    def __init__(self, model: CompactModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, track_embeddings: Tensor, reference_embedding: Tensor, roles: Tensor) -> tuple[Tensor, Tensor]:
        strips, master = self.model.control(track_embeddings[None], reference_embedding, roles=roles[None])
        return strips[0], master[0]


class _ReferenceTrackEncoder(nn.Module):
    def __init__(self, model: ReferenceModel) -> None:
        super().__init__()
        self.encoder = model.track_encoder

    def forward(self, audio: Tensor) -> Tensor:
        embedding: Tensor = self.encoder(audio.mean(1))
        return embedding


class _ReferenceMixEncoder(nn.Module):
    def __init__(self, model: ReferenceModel) -> None:
        super().__init__()
        self.encoder = model.mix_encoder

    def forward(self, audio: Tensor) -> Tensor:
        """Encodes left and right separately; gives them side by side."""
        embedding: Tensor = self.encoder(audio[0]).flatten()[None]
        return embedding


class _ReferenceController(nn.Module):
    def __init__(self, model: ReferenceModel) -> None:
        super().__init__()
        self.controller = model.controller
        self.width = model.config.embed_dim

    def forward(self, track_embeddings: Tensor, reference_embedding: Tensor) -> tuple[Tensor, Tensor]:
        outputs = self.controller(track_embeddings[None], reference_embedding.reshape(1, 2, self.width))
        return outputs.track_params[0], outputs.master_bus_params[0]
