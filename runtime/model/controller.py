"""Runs a model bundle through onnxruntime: passages in, outputs in 0..1 out.

Embeddings are cached by content: a new reference costs one pass of its encoder, an edited track one of the track
encoder. What the outputs mean is the layout's business (:mod:`..prediction.predict`).
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import math
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from threading import Lock, RLock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...presets.checking.arguments import checked_whole
from ...presets.errors import ModelError, ProviderError
from ..audio.reading import as_stereo, repeated
from .bundle import (
    CONTROLLER,
    DEFAULT_MODEL,
    GRAPHS,
    REFERENCE_ENCODER,
    SNAPSHOT,
    TRACK_ENCODER,
    Bundle,
    open_bundle,
    shipped_hashes,
)
from .first_run import try_first
from .inference import onnxruntime
from .providers import CPU, Provider, check_got, check_provider, wanted_providers

Array = NDArray[np.float32]

log = logging.getLogger(__name__)

_CACHED_EMBEDDINGS = 512
_MOST_THREADS = 1024
# Passages encoded at once: more would only take memory (20 MB of features each).
_BATCH = 8
_SNAPSHOT_TOLERANCE = 1e-3
_SNAPSHOT_FIELDS = ("tracks", "reference", "track_outputs", "master_outputs")
_OUTPUTS = ("track_outputs", "master_outputs")
_ROLES = "roles"
# Answers are 0 to 1. A logarithmic range of a million to one still counts this far in floats.
_LARGEST_ANSWER = 50.0
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

    A model that ships is loaded while the program goes on. Any other is tried first, in a process of its own with
    bounds on time and memory (:mod:`.first_run`). Several threads may use one controller.

    Args:
        model: a bundle's folder or the name of one that ships.
        provider: "cpu", "auto" (CUDA where it works, else the CPU), or a device that must be had: "cuda", "tensorrt",
            "directml", "coreml", "openvino". A device is compared with the CPU at its first use: "auto" leaves one that
            differs by more than 1e-3, any other name is an error then.
        threads: of each session; None leaves it to onnxruntime.
        trusted: do without the trial, e.g. for a bundle that was exported here.

    Raises:
        ModelError: the bundle is missing, damaged or not what it says, or its trial failed.
        ProviderError: a device was asked for and is not there; or an argument is of another kind.
    """

    def __init__(
        self,
        model: str | Path = DEFAULT_MODEL,
        provider: Provider = "auto",
        threads: int | None = None,
        *,
        trusted: bool = False,
    ) -> None:
        check_provider(provider)
        if threads is not None:
            threads = checked_whole(threads, "threads", 1, _MOST_THREADS, ProviderError)
        self.bundle: Bundle = open_bundle(model)
        self.manifest = self.bundle.manifest
        if self.manifest.style is not None and not self.bundle.has_network:
            raise ModelError(f"{self.bundle.folder}: has a style and no network; mix and AudioProcessor use it")
        if not (trusted or self.bundle.manifest_sha256 in shipped_hashes()):
            try_first(self.bundle)
        self._provider, self._threads = provider, threads
        self._begin_loading(provider)
        if provider not in ("auto", "cpu") or not self.bundle.is_shipped:
            for name in GRAPHS:
                self._loading[name].result()
        self._embeddings: OrderedDict[bytes, Array] = OrderedDict()
        self._lock = Lock()
        self._comparing, self._is_compared = RLock(), False

    def _begin_loading(self, provider: Provider) -> None:
        wanted = self._wanted = wanted_providers(provider)
        pool = ThreadPoolExecutor(len(GRAPHS))  # onnxruntime lets go of Python's lock while it loads
        self._loading = {
            name: pool.submit(_session, self.bundle, name, provider, wanted, self._threads) for name in GRAPHS
        }
        pool.shutdown(wait=False)

    @cached_property
    def providers(self) -> list[str]:
        """Where the model runs, the first choice first."""
        found: list[str] = self._controller.get_providers()
        log.info("model %s runs on %s", self.manifest.name, found[0])
        return found

    def predict(
        self, tracks: Sequence[Array], reference: Array, roles: Sequence[Mapping[str, float]] | None = None
    ) -> Outputs:
        """Decide the settings of a session.

        Args:
            tracks: passages of shape (1 or 2, samples) at the manifest's rate, all of one length, at least one.
            reference: a passage likewise. What is shorter than 66000 samples is heard again and again.
            roles: for each track the weight of each role that it may have, 0..1; None where nothing is known. Models
                that know sounds only do not look at them.

        Raises:
            ModelError: the graphs give something that the manifest does not promise.
        """
        return self.decide(self.embeddings(tracks, reference), roles)

    def decide(self, embeddings: Embeddings, roles: Sequence[Mapping[str, float]] | None = None) -> Outputs:
        """Decide the settings of a session whose tracks and reference are encoded; roles as for :meth:`predict`.

        Raises:
            ModelError: as :meth:`predict`.
        """
        feeds = {
            "track_embeddings": np.stack(embeddings.tracks),
            "reference_embedding": embeddings.reference[None],
        }
        if self.manifest.roles:
            feeds[_ROLES] = self._role_weights(roles or [{}] * len(embeddings.tracks))
        strips, master = self._run(CONTROLLER, self._controller, list(_OUTPUTS), feeds)
        layout = self.manifest.layout
        if strips.shape != (len(embeddings.tracks), len(layout.track)) or master.shape != (len(layout.master),):
            raise ModelError(f"{self.bundle.folder}: outputs {strips.shape} and {master.shape} do not fit its layout")
        if not (np.isfinite(strips).all() and np.isfinite(master).all()):
            raise ModelError(
                f"{self.bundle.folder / CONTROLLER}: answers with NaN; export the model again, or use another"
            )
        largest = max(float(np.abs(values).max(initial=0)) for values in (strips, master))
        if largest > _LARGEST_ANSWER:
            raise ModelError(
                f"{self.bundle.folder / CONTROLLER}: answers with {largest:.0e} where 0 to 1 is needed; export the "
                "model again, or use another"
            )
        return Outputs(strips, master)

    def _role_weights(self, roles: Sequence[Mapping[str, float]]) -> Array:
        rows = [[weights.get(role, 0.0) for role in self.manifest.roles] for weights in roles]
        return np.array(rows, np.float32)

    def embeddings(self, tracks: Sequence[Array], reference: Array | None) -> Embeddings:
        """What the encoders make of passages, as for :meth:`predict`, which needs them; kept, so free after it.

        Without a reference, what the model learned in place of one is taken.
        """
        self._compare()
        heard = self._embed(TRACK_ENCODER, self._track_encoder, [self._for_encoder(track) for track in tracks])
        if reference is None:
            return Embeddings(heard, self._learned_reference)
        return Embeddings(heard, self._embed(REFERENCE_ENCODER, self._reference_encoder, [reference])[0])

    @cached_property
    def _learned_reference(self) -> Array:
        return self.bundle.learned_reference()

    def check_snapshot(self) -> float:
        """Run the input that was recorded at export and compare.

        Returns:
            The largest difference.

        Raises:
            ModelError: it exceeds 1e-3: this machine does not compute what was exported.
        """
        difference = self._difference()
        if not difference <= _SNAPSHOT_TOLERANCE:
            raise ModelError(
                f"{self.bundle.folder}: answers {difference:.2g} away from what was recorded at export on "
                f"{self.providers[0]}; update onnxruntime, or use provider cpu"
            )
        return difference

    def _compare(self) -> None:
        """Compare a device with the CPU, which recorded the snapshot, at its first use.

        Raises:
            ProviderError: it computes something else, and was asked for by name.
        """
        with self._comparing:
            if self._is_compared:
                return
            self._is_compared = True  # the comparison comes here, too
            if self._wanted[0] == CPU or self.providers[0] == CPU:
                return
            difference = math.inf
            with contextlib.suppress(ModelError):  # NaN, for one
                difference = self._difference()
            if difference <= _SNAPSHOT_TOLERANCE:
                return
            device = self.providers[0]
            if self._provider == "auto":
                log.warning("%s answers %.2g away from the CPU, which is taken instead", device, difference)
                self._take_cpu()
                return
            self._is_compared = False
            raise ProviderError(
                f"{device} answers {difference:.2g} away from the CPU, where {_SNAPSHOT_TOLERANCE:g} is allowed: take "
                "provider auto or cpu, or update the driver and onnxruntime."
            )

    def _take_cpu(self) -> None:
        self._begin_loading("cpu")
        with self._lock:
            self._embeddings.clear()
        for name in ("providers", "_track_encoder", "_reference_encoder", "_controller"):
            self.__dict__.pop(name, None)

    def _difference(self) -> float:
        """How far the answers to the recorded input are from those that were recorded."""
        recorded = self.bundle.read_arrays(SNAPSHOT, _SNAPSHOT_FIELDS)
        outputs = self.predict(list(recorded["tracks"]), recorded["reference"])
        expected = recorded["track_outputs"], recorded["master_outputs"]
        if (outputs.tracks.shape, outputs.master.shape) != (expected[0].shape, expected[1].shape):
            raise ModelError(f"{self.bundle.folder / SNAPSHOT}: does not fit the model; export it again")
        return max(float(np.abs(outputs.tracks - expected[0]).max()), float(np.abs(outputs.master - expected[1]).max()))

    def _for_encoder(self, track: Array) -> Array:
        return track if self.manifest.stereo_tracks else track.mean(0, keepdims=True)

    @cached_property
    def _track_encoder(self) -> Any:
        return self._loading[TRACK_ENCODER].result()

    @cached_property
    def _reference_encoder(self) -> Any:
        return self._loading[REFERENCE_ENCODER].result()

    @cached_property
    def _controller(self) -> Any:
        return self._loading[CONTROLLER].result()

    def _embed(self, name: str, session: Any, passages: list[Array]) -> list[Array]:
        passages = [repeated(passage, max(_LEAST_SAMPLES, passage.shape[1])) for passage in passages]
        if not self._takes_mono:
            passages = [as_stereo(passage) for passage in passages]
        keys = [name.encode() + hashlib.sha256(passage.tobytes()).digest() for passage in passages]
        with self._lock:  # another thread may turn the cache over meanwhile: what is needed is kept apart from it
            known = {key: self._embeddings[key] for key in keys if key in self._embeddings}
        missing = {key: passage for key, passage in zip(keys, passages, strict=True) if key not in known}
        for channels in (1, 2):  # mono costs half where the graph takes it
            alike = [key for key, passage in missing.items() if passage.shape[0] == channels]
            for keys_of_batch in _batched(alike, _BATCH):
                audio = np.stack([missing[key] for key in keys_of_batch]).astype(np.float32, copy=False)
                embeddings = self._run(name, session, None, {"audio": audio})[0]
                self._check_embeddings(name, embeddings, len(audio))
                known.update(zip(keys_of_batch, embeddings, strict=True))
        with self._lock:
            self._embeddings.update({key: known[key] for key in missing})
            while len(self._embeddings) > _CACHED_EMBEDDINGS:
                self._embeddings.popitem(last=False)
        return [known[key] for key in keys]

    @property
    def _takes_mono(self) -> bool:
        # Graphs that take any number of channels have a name there, others the number 2.
        return isinstance(self._loading[TRACK_ENCODER].result().get_inputs()[0].shape[1], str)

    def _run(self, name: str, session: Any, outputs: list[str] | None, feeds: dict[str, Array]) -> list[Any]:
        try:
            answers: list[Any] = session.run(outputs, feeds)
        except Exception as error:  # onnxruntime raises its own classes, which share no base but Exception
            raise ModelError(f"{self.bundle.folder / name}: cannot be run: {error}") from error
        return answers

    def _check_embeddings(self, name: str, embeddings: Any, count: int) -> None:
        shape = np.shape(embeddings)
        if len(shape) != 2 or shape[0] != count or not shape[1] or getattr(embeddings, "dtype", None) != np.float32:
            raise ModelError(
                f"{self.bundle.folder / name}: answers with shape {shape} where ({count}, width) of float32 is needed; "
                "export the model again"
            )


def _session(bundle: Bundle, name: str, provider: Provider, wanted: list[str], threads: int | None) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # Threads that spin while they wait take the cores from rendering, and on two cores from each other: a prediction
    # for eight tracks took 1.6 times as long and 2.4 times the processor time.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if threads is not None:
        options.intra_op_num_threads = threads
    # To plan which results share memory takes nine tenths of loading thousands of small nodes; only the encoders'
    # results are large.
    options.enable_mem_reuse = name != CONTROLLER
    try:
        session = onnxruntime.InferenceSession(bundle.read(name), options, providers=wanted)
    except Exception as error:  # onnxruntime raises its own classes, which share no base but Exception
        raise ModelError(f"{bundle.folder / name}: onnxruntime cannot load it: {error}") from error
    check_got(session, provider)
    _check_names(session, bundle.folder / name, bool(bundle.manifest.roles))
    return session


def _check_names(session: Any, path: Path, knows_roles: bool) -> None:
    """Refuse a graph whose ends are not those of its kind; shapes that are not declared show when it runs."""
    is_controller = path.name == CONTROLLER
    rank = 2 if is_controller else 3
    expected = {"track_embeddings", "reference_embedding"} if is_controller else {"audio"}
    if is_controller and knows_roles:
        expected.add(_ROLES)
    inputs, outputs = session.get_inputs(), session.get_outputs()
    found = {item.name for item in inputs}
    if found != expected:
        raise ModelError(
            f"{path}: takes {sorted(found)} and should take {sorted(expected)}; export it with this version"
        )
    answers = {item.name for item in outputs}
    if (is_controller and not answers >= set(_OUTPUTS)) or (not is_controller and len(answers) != 1):
        wanted = f"{' and '.join(_OUTPUTS)}" if is_controller else "one output"
        raise ModelError(f"{path}: gives {sorted(answers)} and should give {wanted}; export it with this version")
    for item in inputs:
        if item.type != "tensor(float)" or len(item.shape) != rank:
            raise ModelError(
                f"{path}: takes {item.type} of shape {item.shape} as {item.name!r} and should take floats in {rank} "
                "dimensions; export it with this version"
            )


def _batched(items: Iterable[bytes], size: int) -> Iterator[tuple[bytes, ...]]:
    """Itertools has it from Python 3.12 on."""
    iterator = iter(items)
    while batch := tuple(islice(iterator, size)):
        yield batch
