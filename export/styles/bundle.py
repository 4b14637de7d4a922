"""Writes bundles that need no reference: a style alone, or one beside a network.

fit_styles(pairs, presets, Path("my-model"), name="mine")
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ...presets.errors import AudioError, OutputError
from ...runtime.audio.output import write_text
from ...runtime.model.bundle import MANIFEST, STYLE, STYLE_SNAPSHOT, Manifest, StyleNote, open_bundle
from ...runtime.styles.features import FEATURES
from ...runtime.styles.snapshot import told_numbers
from ...runtime.styles.style import Style
from ..recovery.dataset import NamedPair
from ..whole_files import check_free, new_folder
from .compare import compare
from .examples import StyleExample, read_examples
from .in_memory import style_manifest
from .ways import WAYS, Fit

Say = Callable[[str], None]

_HELD_OUT_SHARE, _MOST_HELD_OUT, _FEWEST_HELD_OUT = 0.25, 24, 2
_FEWEST_PAIRS: Final = 3
DEFAULT_LICENCE: Final = "not stated"


def fit_styles(
    pairs: Sequence[NamedPair],
    presets: Path,
    output: Path,
    *,
    name: str = "",
    description: str = "",
    licence: str = DEFAULT_LICENCE,
    ways: Mapping[str, Fit] = WAYS,
    seed: int = 0,
    say: Say = lambda text: None,
) -> Manifest:
    """Learn a style from pairs whose settings were recovered, and write the best way as a bundle.

    Ways are fitted to three quarters of the pairs and compared on the rest; the best is fitted to all and written.

    Args:
        pairs: as of :func:`mixbridge.export.recovery.dataset.list_pairs`.
        presets: folder with NAME.json for each of them, as `mixbridge recover DATASET -o presets/` leaves it.
        output: folder of the bundle; must not exist yet.
        name: of the model; empty takes that of the folder.
        description: a line about it.
        licence: of the model: of what the pairs allow.
        ways: what is compared, the plainest first.
        seed: of which pairs are held out.
        say: told what is done.

    Raises:
        AudioError: a file cannot be used, or there are too few pairs.
        OutputError: the folder exists or cannot be written.
    """
    check_free(output)
    examples = read_examples(pairs, presets, say)
    say(f"{len(examples)} pairs with settings")
    note, style = choose_style(examples, ways, seed, say)
    text = description or f"A style learned from {len(examples)} pairs of raw and mixed tracks."
    return write_style_bundle(style, note, output, name=name or output.name, description=text, licence=licence)


def choose_style(
    examples: Sequence[StyleExample], ways: Mapping[str, Fit] = WAYS, seed: int = 0, say: Say = lambda text: None
) -> tuple[StyleNote, Style]:
    """Compare ways on held-out pairs, and fit the best to all.

    Raises:
        AudioError: there are too few pairs, or a file cannot be used.
    """
    if len(examples) < _FEWEST_PAIRS:
        raise AudioError(f"{len(examples)} pairs are too few to learn a style from: give {_FEWEST_PAIRS} or more.")
    held_out = held_out_of(examples, seed)
    names = {example.name for example in held_out}
    seen = [example for example in examples if example.name not in names]
    fitted = {way: fit(seen) for way, fit in ways.items()}
    say(f"comparing {', '.join(ways)} on {len(held_out)} pairs that they have not seen")
    comparison = compare({way: item.render for way, item in fitted.items()}, held_out)
    say(comparison.why)
    best = comparison.best
    return comparison.note(best, len(examples)), ways[best](examples).style


def held_out_of(examples: Sequence[StyleExample], seed: int = 0) -> list[StyleExample]:
    """Choose the pairs on which ways are compared: a quarter, 24 at most."""
    count = int(
        np.clip(round(_HELD_OUT_SHARE * len(examples)), min(_FEWEST_HELD_OUT, len(examples) - 1), _MOST_HELD_OUT)
    )
    order = np.random.default_rng(seed).permutation(len(examples))[:count]
    return [examples[at] for at in sorted(order)]


def write_style_bundle(
    style: Style, note: StyleNote, folder: Path, *, name: str, description: str = "", licence: str = DEFAULT_LICENCE
) -> Manifest:
    """Write a bundle that has a style and no network; the folder appears whole or not at all.

    Raises:
        OutputError: the folder exists or cannot be written.
    """
    with new_folder(folder) as work:
        manifest = style_manifest(style, note, name[:100], description[:2000], licence)
        write_text(work / MANIFEST, manifest.model_dump_json(indent=1) + "\n")
        return add_style(work, style, note)


def add_style(folder: Path, style: Style | None, note: StyleNote) -> Manifest:
    """Put a style into a bundle that lies in a folder, so that it needs no reference.

    Args:
        folder: of a bundle; its manifest is written anew, last.
        style: numbers; None where a network tells all (its bundle has a learned reference).
        note: what the bundle says of the style, and of how ways compared.

    Raises:
        ModelError: the folder holds no bundle.
        OutputError: it cannot be written.
    """
    manifest = open_bundle(folder).manifest
    files: dict[str, bytes] = {}
    if style is not None:
        files[STYLE] = json.dumps(style.model_dump(mode="json"), separators=(",", ":")).encode()
        files[STYLE_SNAPSHOT] = _packed(_snapshot(style))
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    changed = manifest.model_copy(update={"style": note, "sha256": {**manifest.sha256, **hashes}})
    try:
        for name, data in files.items():
            (folder / name).write_bytes(data)
        write_text(folder / MANIFEST, changed.model_dump_json(indent=1) + "\n")
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror}", folder) from error
    return open_bundle(folder).manifest


def _snapshot(style: Style) -> dict[str, NDArray[np.float32]]:
    """Tracks like and unlike the examples, and what the style tells for them."""
    moves = np.random.default_rng(5).standard_normal((4, len(FEATURES)))
    heard = np.array(style.feature_mean) + moves * np.array(style.feature_spread)
    heard = heard.astype(np.float32)
    return {"features": heard, "told": told_numbers(style, heard)}


def _packed(arrays: Mapping[str, Any]) -> bytes:
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)
    return packed.getvalue()
