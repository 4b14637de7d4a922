"""A model bundle on disk: a folder or one `.zip`, with the manifest that says what is in it.

A bundle has three ONNX graphs (a network) with a snapshot, a style (numbers, :mod:`mixbridge.runtime.styles`), or both.
Nothing in it is trusted: sizes are bounded, every file must match its SHA-256, and graphs may not point at other files.
What is here knows files only; :mod:`.controller` runs them.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from ...presets.checking.arguments import checked_path
from ...presets.console import Delay, Part, Reverb
from ...presets.errors import ModelError
from ...presets.inputs import check_regular, read_regular
from ...presets.roles import Role
from .layout import Layout
from .packed import SUFFIX, is_packed, packed_sizes, read_packed

TRACK_ENCODER = "track_encoder.onnx"
REFERENCE_ENCODER = "reference_encoder.onnx"
CONTROLLER = "controller.onnx"
SNAPSHOT = "snapshot.npz"
FAMILIARITY = "familiarity.npz"
"""What the training data was like (:mod:`.familiarity`); a bundle may go without."""
LEARNED_REFERENCE = "learned_reference.npy"
"""What a model that was trained on pairs has in the place of a reference's embedding."""
STYLE = "style.json"
"""Settings told without a reference; a bundle may go without, or have nothing else."""
STYLE_SNAPSHOT = "style-snapshot.npz"
"""What a style told when it was made."""
MANIFEST = "manifest.json"
GRAPHS = (TRACK_ENCODER, REFERENCE_ENCODER, CONTROLLER)
FILES = (*GRAPHS, SNAPSHOT)
DEFAULT_MODEL = "default"

_MAX_FILE_BYTES = 2**31
_MAX_MANIFEST_BYTES = 2**22
_MAX_ARRAY_BYTES = 2**24
# 95 s at 44.1 kHz: what is longer takes memory without end.
_LONGEST_WINDOW = 2**22
# A tensor kept outside the file carries an entry whose key is "location" (onnx.proto: StringStringEntryProto), here in
# every spelling of its tag and length that protobuf allows.
_EXTERNAL_DATA_MARK = re.compile(rb"(?:\x0a|\x8a\x80*\x00)(?:\x08|\x88\x80*\x00)location")


class Training(Part):
    """On what, how and how long a model was trained."""

    data: tuple[str, ...] = Field(description="sources, each with its licence")
    hours: float = Field(ge=0, description="of sessions")
    steps: int = Field(ge=0)
    seed: int
    command: str


class ModelEffects(Part):
    """The effects of the mix that a model's sends feed: what no layout of strips can name."""

    reverb: Reverb = Reverb()
    delay: Delay = Delay()


class WayMeasured(Part):
    """How near a way of telling settings comes to mixes that it has not seen.

    Attributes:
        name: of the way.
        distance: mean STFT distance of its rendered tracks to the mixed ones.
        share: the same as a share of that of the raw tracks at the mixed ones' loudness; the mean of the pairs'.
        better: in which share of the pairs it is nearer than the mean of the settings.
    """

    name: str = Field(min_length=1, max_length=100)
    distance: float = Field(ge=0, allow_inf_nan=False)
    share: float = Field(ge=0, allow_inf_nan=False)
    better: float | None = Field(None, ge=0, le=1, allow_inf_nan=False)


class StyleNote(Part):
    """What a bundle says of the style that it has learned from pairs of raw and mixed tracks.

    Attributes:
        way: that is in it.
        pairs: from which it was learned.
        held_out: how many pairs the ways were measured on, none of which they had seen.
        ways: what was measured.
        why: this way was chosen, in a sentence.
    """

    way: str = Field(min_length=1, max_length=100)
    pairs: int = Field(ge=1)
    held_out: int = Field(0, ge=0)
    ways: tuple[WayMeasured, ...] = Field((), max_length=32)
    why: str = Field("", max_length=2000)

    def measured(self) -> WayMeasured | None:
        """Find what was measured of the way that is in it."""
        return next((way for way in self.ways if way.name == self.way), None)


class Manifest(Part):
    """What a bundle says of itself.

    Attributes:
        layout: what the outputs mean.
        sample_rate_hz: of the waveforms that go in.
        window_samples: length of the passage of the tracks it was trained on.
        reference_samples: length of the passage of the reference; None where it is as long as that of the tracks.
        track_level_lufs: loudness that tracks are brought to before thresholds and gains count.
        stereo_tracks: whether the track encoder tells left from right; if not, stereo stems are folded down for it.
        roles: that its controller is told of, in the order of its input; none for models that know sounds only.
        feature_version: of the features inside the graphs; embeddings of different versions do not mix.
        learned_reference: file of the embedding that stands for the style it was trained on, so that none is needed to
            mix; None where a reference is needed.
        effects: of the mix, as they were in training; None leaves them as they are.
        role: of the tracks that it was trained on; None where there were several.
        training: of the network.
        style: of a bundle that needs no reference.
        sha256: of each file beside the manifest.
    """

    format: Literal["mixbridge-model"] = "mixbridge-model"
    version: Literal[1] = 1
    name: str = Field(min_length=1, max_length=100)
    description: str = Field(max_length=2000)
    architecture: str
    parameters: int = Field(ge=0)
    layout: Layout
    sample_rate_hz: int = Field(ge=8000, le=192000)
    window_samples: int = Field(ge=8192, le=_LONGEST_WINDOW)
    reference_samples: int | None = Field(default=None, ge=8192, le=_LONGEST_WINDOW)
    track_level_lufs: float = Field(ge=-70, le=0)
    stereo_tracks: bool
    roles: tuple[str, ...] = Field((), max_length=256)
    feature_version: int
    learned_reference: Literal["learned_reference.npy"] | None = None
    effects: ModelEffects | None = None
    role: Role | None = None
    training: Training | None = None
    style: StyleNote | None = Field(None, description="what it does without a reference, and what that is worth")
    licence: str
    created: str
    tool: str
    sha256: Mapping[str, str]

    @property
    def reference_length(self) -> int:
        """Samples of the reference that the model listens to."""
        return self.reference_samples or self.window_samples


@dataclass(frozen=True)
class Bundle:
    """A bundle whose files have been checked against its manifest.

    Attributes:
        folder: where it lies.
        manifest: what it says of itself.
        manifest_sha256: identity of the model; the manifest holds the hashes of the rest.
    """

    folder: Path
    manifest: Manifest
    manifest_sha256: str

    @property
    def has_network(self) -> bool:
        """Whether it has graphs to run."""
        return all(name in self.manifest.sha256 for name in GRAPHS)

    @property
    def needs_reference(self) -> bool:
        """Whether it can mix only towards a reference."""
        has_learned = self.has_network and self.manifest.learned_reference is not None
        has_style = self.manifest.style is not None and STYLE in self.manifest.sha256
        return not (has_learned or has_style)

    def size_bytes(self, names: Sequence[str] | None = None) -> int:
        """Add up the sizes of its files, or of those of these names that it has."""
        if is_packed(self.folder):
            sizes = packed_sizes(self.folder)
        else:
            sizes = {path.name: path.stat().st_size for path in self.folder.iterdir() if path.is_file()}
        return sum(size for name, size in sizes.items() if names is None or name in names)

    @property
    def is_shipped(self) -> bool:
        """Whether it is one of those that come with mixbridge, where they were installed."""
        return self.folder.parent == _shipped_folder()

    def read(self, name: str) -> bytes:
        """One of the bundle's files, checked.

        Raises:
            ModelError: it is missing, too large, changed, or an ONNX graph that points outside itself.
        """
        path = self.folder / name
        data = _read_bounded(self.folder, name, _MAX_FILE_BYTES)
        if hashlib.sha256(data).hexdigest() != self.manifest.sha256.get(name):
            raise ModelError(
                f"{path}: does not match its hash in {MANIFEST}; the file was changed or damaged: get it anew"
            )
        if name.endswith(".onnx") and _EXTERNAL_DATA_MARK.search(data):
            raise ModelError(
                f"{path}: keeps weights in another file, which is not allowed; export it with weights inside"
            )
        return data

    def learned_reference(self) -> NDArray[np.float32]:
        """The embedding that stands for a reference, shape (reference width,), checked.

        Raises:
            ModelError: the model has none; or as :meth:`read`; or it is no row of finite numbers.
        """
        path = self.folder / LEARNED_REFERENCE
        if self.manifest.learned_reference is None:
            raise ModelError(f"{self.folder}: this model has not learned a style: give it a reference.")
        try:
            data = self.read(LEARNED_REFERENCE)
            if len(data) <= _MAX_ARRAY_BYTES:
                found = np.load(io.BytesIO(data), allow_pickle=False)
                if found.ndim == 1 and found.size and found.dtype == np.float32 and np.isfinite(found).all():
                    row: NDArray[np.float32] = found
                    return row
        except ModelError:
            raise
        except Exception as error:  # whatever the reader raises on a foreign file, the answer is the same
            raise ModelError(f"{path}: cannot be used ({error}); export the model again") from error
        raise ModelError(f"{path}: is no row of finite float32 numbers; export the model again")

    def read_arrays(self, name: str, fields: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """The arrays in one of the bundle's npz files, checked; numbers that are not finite are none.

        Raises:
            ModelError: as :meth:`read`; or it holds something else, or more than 16 MiB.
        """
        path, data = self.folder / name, self.read(name)
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                unpacked_bytes = sum(item.file_size for item in archive.infolist())
            if unpacked_bytes <= _MAX_ARRAY_BYTES:
                with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                    values = {field: np.asarray(arrays[field], np.float32) for field in fields}
                if all(np.isfinite(value).all() for value in values.values()):
                    return values
        except Exception as error:  # whatever the readers raise on a foreign file, the answer is the same
            raise ModelError(f"{path}: cannot be used ({error}); export the model again") from error
        if unpacked_bytes > _MAX_ARRAY_BYTES:
            raise ModelError(f"{path}: larger than {_size(_MAX_ARRAY_BYTES)}; export the model again")
        raise ModelError(f"{path}: cannot be used (it holds what is no finite number); export the model again")


def open_bundle(model: str | Path = DEFAULT_MODEL) -> Bundle:
    """Find a bundle and read its manifest.

    Args:
        model: a folder, a `.zip`, or the name of a model that ships with mixbridge or lies in :func:`models_folder`.

    Raises:
        ModelError: there is none, or its manifest is broken; the message says where.
    """
    folder = _find(checked_path(model, "a model", ModelError))
    path = folder / MANIFEST
    data = _read_bounded(folder, MANIFEST, _MAX_MANIFEST_BYTES)
    try:
        manifest = Manifest.model_validate(json.loads(data))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"])
        raise ModelError(
            f"{path}: {where}: {first['msg']} ({error.error_count()} in all); export the model again"
        ) from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path}: not JSON that can be read: {error}") from error
    return Bundle(folder, manifest, hashlib.sha256(data).hexdigest())


def shipped_models() -> list[str]:
    """Names of the models that come with mixbridge."""
    root = _shipped_folder()
    return sorted(path.name for path in root.iterdir() if (path / MANIFEST).is_file()) if root.is_dir() else []


def models_folder() -> Path:
    """Name the usual place for a user's own models."""
    from platformdirs import user_data_path

    return user_data_path("mixbridge", appauthor=False) / "models"


def own_models() -> dict[str, Path]:
    """List the models in :func:`models_folder` by name, that of the folder or of the zip without ending."""
    root = models_folder()
    if not root.is_dir():
        return {}
    found = {path.name: path for path in sorted(root.iterdir()) if (path / MANIFEST).is_file()}
    packed = {path.name.removesuffix(SUFFIX): path for path in sorted(root.iterdir()) if is_packed(path)}
    return {**packed, **found}


@cache
def shipped_hashes() -> frozenset[str]:
    """Identities of the models that come with mixbridge."""
    root = _shipped_folder()
    return frozenset(hashlib.sha256((root / name / MANIFEST).read_bytes()).hexdigest() for name in shipped_models())


def _shipped_folder() -> Path:
    return Path(str(resources.files("mixbridge.runtime") / "models"))


def _find(model: Path) -> Path:
    if os.path.isdir(model) or is_packed(model):  # noqa: PTH112  (Path.is_dir raises for a name that is too long)
        return model
    if str(model) in shipped_models():
        return _shipped_folder() / model
    own = own_models()
    if str(model) in own:
        return own[str(model)]
    known = ", ".join([*shipped_models(), *own]) or "none"
    raise ModelError(
        f"no model {str(model)!r}: give a folder with a {MANIFEST}, a {SUFFIX} of one, or a name of `mixbridge model "
        f"list` ({known})"
    )


def _read_bounded(folder: Path, name: str, most_bytes: int) -> bytes:
    if is_packed(folder):
        return read_packed(folder, name, most_bytes)
    path = folder / name
    try:
        if check_regular(path) > most_bytes:
            raise ModelError(f"{path}: larger than {_size(most_bytes)}; this is not a mixbridge model")
        return read_regular(path, most_bytes)
    except OSError as error:
        raise ModelError(
            f"{path}: cannot be read ({error.strerror}); a model is a folder with {MANIFEST} in it"
        ) from error


def _size(count: int) -> str:
    return f"{count >> 30} GiB" if count >> 30 else f"{count >> 20} MiB"
