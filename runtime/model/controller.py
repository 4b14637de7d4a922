"""Runs a model bundle through onnxruntime: passages in, outputs in 0..1 out.

Embeddings are cached by content: a new reference costs one pass of its encoder, an edited track one of the track
encoder. What the outputs mean is the layout's business (:mod:`..prediction.predict`).
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
import sys
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...presets.errors import ModelError, ProviderError
from ...presets.extras import install_command
from ..audio.reading import as_stereo, repeated
from .bundle import CONTROLLER, DEFAULT_MODEL, REFERENCE_ENCODER, SNAPSHOT, TRACK_ENCODER, Bundle, open_bundle
from .inference import onnxruntime

Array = NDArray[np.float32]
Provider = Literal["auto", "cuda", "cpu"]

log = logging.getLogger(__name__)

_CACHED_EMBEDDINGS = 512
# Passages encoded at once: more would only take memory (20 MB of features each).
_BATCH = 8
_SNAPSHOT_TOLERANCE = 1e-3
# What the graphs need at least: their convolutions stride over time.
_LEAST_SAMPLES = 66000


@dataclass(frozen=True)
class Outputs:
    """What a model decides, in 0..1, ordered as its layout.

    Attributes:
        tracks: shape (tracks, track outputs).
        master: shape (master outputs,).
    """

    tracks: Array
    master: Array


@dataclass(frozen=True)
class Embeddings:
    """What the encoders make of passages.

    Attributes:
        tracks: one for each track, shape (track width,).
        reference: shape (reference width,).
    """

    tracks: Sequence[Array]
    reference: Array


class Controller:
    """A loaded model.

    Args:
        model: a bundle's folder or the name of one that ships.
        provider: "cpu", "cuda" (an error where it cannot be had), or "auto": CUDA where it works, else the CPU.
        threads: of each session; None leaves it to onnxruntime.

    Raises:
        ModelError: the bundle is missing, damaged or not what it says.
        ProviderError: CUDA was asked for and is not there.
    """

    def __init__(
        self, model: str | Path = DEFAULT_MODEL, provider: Provider = "auto", threads: int | None = None
    ) -> None:
        self.bundle: Bundle = open_bundle(model)
        self.manifest = self.bundle.manifest
        sessions = [
            _session(self.bundle, name, provider, threads) for name in (TRACK_ENCODER, REFERENCE_ENCODER, CONTROLLER)
        ]
        self._track_encoder, self._reference_encoder, self._controller = sessions
        # Graphs that take any number of channels have a name there, others the number 2.
        self._takes_mono = isinstance(self._track_encoder.get_inputs()[0].shape[1], str)
        self.providers: list[str] = self._controller.get_providers()
        self._embeddings: OrderedDict[bytes, Array] = OrderedDict()
        log.info("model %s runs on %s", self.manifest.name, self.providers[0])

    def predict(self, tracks: Sequence[Array], reference: Array) -> Outputs:
        """Decide the settings of a session.

        Args:
            tracks: passages of shape (1 or 2, samples) at the manifest's rate, all of one length, at least one.
            reference: a passage likewise. What is shorter than 66000 samples is heard again and again.

        Raises:
            ModelError: the graphs give something that the manifest does not promise.
        """
        embeddings = self.embeddings(tracks, reference)
        feeds = {
            "track_embeddings": np.stack(embeddings.tracks),
            "reference_embedding": embeddings.reference[None],
        }
        strips, master = self._controller.run(["track_outputs", "master_outputs"], feeds)
        layout = self.manifest.layout
        if strips.shape != (len(tracks), len(layout.track)) or master.shape != (len(layout.master),):
            raise ModelError(f"{self.bundle.folder}: outputs {strips.shape} and {master.shape} do not fit its layout")
        if not (np.isfinite(strips).all() and np.isfinite(master).all()):
            raise ModelError(
                f"{self.bundle.folder}: the model answers with NaN; check the model with `mixbridge doctor`"
            )
        return Outputs(strips, master)

    def embeddings(self, tracks: Sequence[Array], reference: Array) -> Embeddings:
        """What the encoders make of passages, as for :meth:`predict`, which needs them; kept, so free after it."""
        heard = self._embed("track", self._track_encoder, [self._for_encoder(track) for track in tracks])
        return Embeddings(heard, self._embed("reference", self._reference_encoder, [reference])[0])

    def check_snapshot(self) -> float:
        """Run the input that was recorded at export and compare.

        Returns:
            The largest difference.

        Raises:
            ModelError: it exceeds 1e-3: this machine does not compute what was exported.
        """
        with np.load(io.BytesIO(self.bundle.read(SNAPSHOT)), allow_pickle=False) as data:
            outputs = self.predict(list(data["tracks"]), data["reference"])
            difference = max(
                float(np.abs(outputs.tracks - data["track_outputs"]).max()),
                float(np.abs(outputs.master - data["master_outputs"]).max()),
            )
        if difference > _SNAPSHOT_TOLERANCE:
            raise ModelError(
                f"{self.bundle.folder}: answers {difference:.2g} away from what was recorded at export on "
                f"{self.providers[0]}; update onnxruntime, or use provider cpu"
            )
        return difference

    def _for_encoder(self, track: Array) -> Array:
        return track if self.manifest.stereo_tracks else track.mean(0, keepdims=True)

    def _embed(self, kind: str, session: Any, passages: list[Array]) -> list[Array]:
        passages = [repeated(passage, max(_LEAST_SAMPLES, passage.shape[1])) for passage in passages]
        if not self._takes_mono:
            passages = [as_stereo(passage) for passage in passages]
        keys = [kind.encode() + hashlib.sha256(passage.tobytes()).digest() for passage in passages]
        missing = {key: passage for key, passage in zip(keys, passages, strict=True) if key not in self._embeddings}
        for channels in (1, 2):  # mono costs half where the graph takes it
            alike = [key for key, passage in missing.items() if passage.shape[0] == channels]
            for keys_of_batch in _batched(alike, _BATCH):
                audio = np.stack([missing[key] for key in keys_of_batch]).astype(np.float32, copy=False)
                embeddings = session.run(None, {"audio": audio})[0]
                self._embeddings.update(zip(keys_of_batch, embeddings, strict=True))
        found = [self._embeddings[key] for key in keys]
        while len(self._embeddings) > _CACHED_EMBEDDINGS:
            self._embeddings.popitem(last=False)
        return found


def available_providers() -> list[str]:
    """Execution providers that this onnxruntime was built with; CUDA may still fail for want of a driver."""
    return list(onnxruntime.get_available_providers())


def _session(bundle: Bundle, name: str, provider: Provider, threads: int | None) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # Threads that spin while they wait take the cores from rendering, and on two cores from each other: a prediction
    # for eight tracks took 1.6 times as long and 2.4 times the processor time.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if threads is not None:
        options.intra_op_num_threads = threads
    wanted = _wanted_providers(provider)
    try:
        session = onnxruntime.InferenceSession(bundle.read(name), options, providers=wanted)
    except Exception as error:  # onnxruntime raises its own classes, which share no base but Exception
        raise ModelError(f"{bundle.folder / name}: onnxruntime cannot load it: {error}") from error
    used = session.get_providers()
    if provider == "cuda" and "CUDAExecutionProvider" not in used:
        raise ProviderError(_no_cuda())
    _check_names(session, bundle.folder / name)
    return session


def _wanted_providers(provider: Provider) -> list[str]:
    has_cuda = "CUDAExecutionProvider" in available_providers()
    if provider == "cuda" and not has_cuda:
        raise ProviderError(_no_cuda())
    if provider == "cpu" or not has_cuda or (provider == "auto" and not _has_nvidia_driver()):
        return ["CPUExecutionProvider"]
    # Finds the CUDA and cuDNN of pip's `cuda` extra; it prints what it misses, and standard output belongs to --json.
    with contextlib.redirect_stdout(io.StringIO()) as said:
        onnxruntime.preload_dlls()
    log.debug("onnxruntime: %s", said.getvalue())
    return ["CUDAExecutionProvider", "CPUExecutionProvider"]


def _has_nvidia_driver() -> bool:
    """Spares machines without a GPU onnxruntime's loud attempt at loading CUDA."""
    return sys.platform == "win32" or Path("/proc/driver/nvidia/version").exists() or Path("/dev/nvidiactl").exists()


def _no_cuda() -> str:
    return (
        "CUDA was asked for, but onnxruntime cannot use it here: install the NVIDIA driver, then run "
        f"{install_command('cuda')}; or take provider auto or cpu. `mixbridge doctor` says what is missing."
    )


def _check_names(session: Any, path: Path) -> None:
    expected = {"track_embeddings", "reference_embedding"} if path.name == CONTROLLER else {"audio"}
    found = {item.name for item in session.get_inputs()}
    if found != expected:
        raise ModelError(
            f"{path}: takes {sorted(found)} and should take {sorted(expected)}; export it with this version"
        )


def _batched(items: Iterable[bytes], size: int) -> Iterator[tuple[bytes, ...]]:
    """Itertools has it from Python 3.12 on."""
    iterator = iter(items)
    while batch := tuple(islice(iterator, size)):
        yield batch
