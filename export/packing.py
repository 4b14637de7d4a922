"""Puts a bundle into one `.zip`, and makes its graphs smaller: half as large in float16, a quarter in int8.

Weights alone are stored in fewer bits and unpacked where they are used, so that what is computed stays in float32. A
bundle that then answers otherwise than before is not written.
"""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from ..presets.errors import ModelError, OutputError
from ..runtime.model.bundle import GRAPHS, MANIFEST, SNAPSHOT, Bundle, Manifest, open_bundle
from ..runtime.model.controller import Controller
from ..runtime.model.packed import SUFFIX
from .whole_files import check_folder

Precision = Literal["float32", "fp16", "int8"]

TOLERANCES: Final[Mapping[str, float]] = {"fp16": 2e-3, "int8": 2e-2}
"""How far answers, 0..1 over the range of a setting, may move."""
_FIELDS: Final = ("tracks", "reference", "track_outputs", "master_outputs")
_SMALL = 1024
# The same bundle is the same file.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def export_copy(model: str | Path, output: Path, precision: Precision = "float32") -> Manifest:
    """Write a copy of a bundle as a folder, or as a `.zip` where the name ends so; whole or not at all.

    Args:
        model: a bundle, or the name of one.
        output: must not exist yet.
        precision: of the weights of a network.

    Raises:
        ModelError: it is no bundle, has no network to make smaller, or answers otherwise when that is smaller.
        OutputError: the output exists or cannot be written.
    """
    if output.exists() or output.is_symlink():
        raise OutputError("exists already; choose another name or remove it", output)
    check_folder(output.absolute().parent)
    bundle = open_bundle(model)
    files = {name: bundle.read(name) for name in bundle.manifest.sha256}
    manifest = bundle.manifest
    output.absolute().parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{output.name}-", dir=output.absolute().parent) as folder:
        work = Path(folder) / "bundle"
        work.mkdir()
        if precision != "float32":
            files, manifest = _smaller(bundle, files, precision, Path(folder))
        _write(work, files, manifest)
        if output.suffix.lower() == SUFFIX:
            packed = Path(folder) / "packed"
            _pack(work, packed)
            os.replace(packed, output)  # noqa: PTH105  (one step, whole)
        else:
            work.rename(output)
    return manifest


def _write(folder: Path, files: Mapping[str, bytes], manifest: Manifest) -> None:
    for name, data in files.items():
        (folder / name).write_bytes(data)
    (folder / MANIFEST).write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")


def _pack(folder: Path, target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.iterdir()):
            entry = zipfile.ZipInfo(path.name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes())


def _smaller(
    bundle: Bundle, files: Mapping[str, bytes], precision: Precision, folder: Path
) -> tuple[dict[str, bytes], Manifest]:
    if not bundle.has_network:
        raise ModelError(f"{bundle.folder}: has no network; a style is small as it is (leave --precision)")
    changed = {name: _with_small_weights(files[name], precision) for name in GRAPHS}
    made = {**files, **changed}
    tried = folder / "tried"
    tried.mkdir()
    _write(tried, made, _hashed(bundle.manifest, made))
    controller = Controller(tried, "cpu", trusted=True)
    recorded = bundle.read_arrays(SNAPSHOT, _FIELDS)
    outputs = controller.predict(list(recorded["tracks"]), recorded["reference"])
    moved = max(
        float(np.abs(outputs.tracks - recorded["track_outputs"]).max()),
        float(np.abs(outputs.master - recorded["master_outputs"]).max()),
    )
    if not moved <= TOLERANCES[precision]:
        raise ModelError(
            f"{bundle.folder}: in {precision} it answers {moved:.2g} away from itself; limit {TOLERANCES[precision]:g}"
        )
    made[SNAPSHOT] = _snapshot({**recorded, "track_outputs": outputs.tracks, "master_outputs": outputs.master})
    manifest = _hashed(bundle.manifest, made)
    said = f"{manifest.description} Weights in {precision}: answers within {moved:.1g} of float32.".strip()
    return made, manifest.model_copy(update={"description": said[:2000]})


def _with_small_weights(graph: bytes, precision: Precision) -> bytes:
    """Store large weights in fewer bits, and unpack each behind its name."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model = onnx.load_model_from_string(graph)
    nodes, kept = [], []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < _SMALL or not np.isfinite(values).all():
            kept.append(tensor)
            continue
        small = f"{tensor.name}.{precision}"
        if precision == "fp16":
            kept.append(numpy_helper.from_array(values.astype(np.float16), small))
            nodes.append(helper.make_node("Cast", [small], [tensor.name], to=TensorProto.FLOAT))
            continue
        axis = 0 if values.ndim > 1 else None
        scale = _scales(values, axis)
        shape = (-1, *[1] * (values.ndim - 1)) if axis is not None else ()
        rounded = np.clip(np.round(values / scale.reshape(shape)), -127, 127).astype(np.int8)
        kept += [numpy_helper.from_array(rounded, small), numpy_helper.from_array(scale, f"{small}.scale")]
        node = helper.make_node("DequantizeLinear", [small, f"{small}.scale"], [tensor.name])
        if axis is not None:
            node.attribute.append(helper.make_attribute("axis", axis))
        nodes.append(node)
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    rest = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*nodes, *rest])
    onnx.checker.check_model(model)
    packed: bytes = model.SerializeToString()
    return packed


def _scales(values: NDArray[np.float32], axis: int | None) -> NDArray[np.float32]:
    most = np.abs(values).max() if axis is None else np.abs(values).reshape(len(values), -1).max(axis=1)
    scale: NDArray[np.float32] = np.asarray(np.maximum(most, 1e-12) / 127, np.float32)
    return scale


def _hashed(manifest: Manifest, files: Mapping[str, bytes]) -> Manifest:
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    return manifest.model_copy(update={"sha256": hashes})


def _snapshot(arrays: Mapping[str, NDArray[np.float32]]) -> bytes:
    buffer = io.BytesIO()
    fields: dict[str, Any] = {name: np.asarray(value) for name, value in arrays.items()}
    np.savez_compressed(buffer, **fields)
    return buffer.getvalue()
