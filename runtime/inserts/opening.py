"""Opens what an insert names: whatever is wrong with it is said before any sound goes through it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from ...presets.errors import Hint, InsertError
from ...presets.inserts.insert import RUNS_CODE, Insert
from ...presets.inserts.words import insert_name
from ..audio.reading import AudioReader, Samples
from .command import CommandInsert
from .deepfilter.denoiser import LATENCY_FRAMES, RATE_HZ, Denoiser
from .deepfilter.floor import noise_floor
from .deepfilter.weights import SHA256, load_graphs
from .hosted import HostedModel
from .models import model_path
from .terms import InsertRules, InsertTerms, RunningInsert

ONNX_HOST: Final = f"{__package__}.onnx_host"
# By name, because torch is no business of the runtime: the process that runs it is one of the training side.
TORCHSCRIPT_HOST: Final = "mixbridge.export.inserts.torchscript_host"


class DenoiseInsert:
    """The built-in cleaning of voices.

    Args:
        channels: of the stem, which are cleaned each by itself.
        insert: how.
    """

    def __init__(self, channels: int, insert: Insert):
        self.terms = InsertTerms(RATE_HZ, channels, RATE_HZ, LATENCY_FRAMES)
        self._insert = insert
        self._denoiser = Denoiser(channels, insert.strength_db)

    def listen(self, reader: AudioReader) -> None:
        """Hears the stem, at :data:`RATE_HZ`, for its noise floor, before any of it is cleaned."""
        if not self._insert.protect:
            return
        blocks = AudioReader(reader.info.path, RATE_HZ, RATE_HZ)
        channels = self.terms.channels
        floors = [noise_floor((block[row] for block in blocks), blocks.frames) for row in range(channels)]
        self._denoiser = Denoiser(channels, self._insert.strength_db, np.stack(floors))

    def process(self, block: Samples) -> Samples:
        """The next samples, shape (channels, n)."""
        return self._denoiser.process(block)

    def close(self) -> None:
        """Does nothing."""


def check_insert(insert: Insert, rules: InsertRules) -> None:
    """Refuse an insert that cannot run here; nothing of it is run.

    Raises:
        InsertError: it may not, or its model is missing or another one.
        ModelError: the network of `denoise` is not there.
    """
    if insert.kind in RUNS_CODE and not rules.allow_code:
        raise InsertError(
            f"{insert_name(insert)} was not run: it may do anything on this computer that its maker wants. If you "
            "trust who made the preset, allow it.",
            hints=(Hint("allow_commands"),),
        )
    if insert.kind == "denoise":
        if insert.sha256 != SHA256:
            raise InsertError(
                f"denoise: the preset was made with another network (SHA-256 {(insert.sha256 or '')[:12]}...) than "
                f"this mixbridge has ({SHA256[:12]}...). Clean again with this one, or take the mixbridge of then."
            )
        load_graphs()
    elif insert.file is not None:
        model_path(insert, rules)


def open_insert(insert: Insert, channels: int, stem_rate_hz: int, rules: InsertRules) -> RunningInsert:
    """Start what runs an insert.

    Args:
        insert: checked by :func:`check_insert`.
        channels: that go in, 1 or 2.
        stem_rate_hz: for what works at any rate.
        rules: what inserts may do.

    Raises:
        InsertError: it cannot be started.
    """
    if insert.kind == "denoise":
        return DenoiseInsert(channels, insert)
    if insert.kind == "command":
        rate_hz = insert.sample_rate_hz or stem_rate_hz
        terms = InsertTerms(rate_hz, channels, None, insert.latency_samples or 0)
        return CommandInsert(insert, terms, model_path(insert, rules) if insert.file is not None else None)
    settings = {
        "file": str(model_path(insert, rules)),
        "sha256": insert.sha256,
        "method": insert.method,
        "sample_rate_hz": insert.sample_rate_hz,
        "stem_rate_hz": stem_rate_hz,
        "channels": channels,
        "block_samples": insert.block_samples,
    }

    def terms_of(said: Mapping[str, int | None]) -> InsertTerms:
        block, own = insert.block_samples, said["block_samples"]
        if block is not None and own is not None and block != own:
            raise InsertError(f"{insert_name(insert)} takes {own} samples at a time, and not {block}: leave them away.")
        declared = insert.latency_samples
        latency = declared if declared is not None else said["latency_samples"] or 0
        return InsertTerms(said["sample_rate_hz"] or stem_rate_hz, channels, block or own, latency)

    host = ONNX_HOST if insert.kind == "onnx" else TORCHSCRIPT_HOST
    return HostedModel(host, settings, insert_name(insert), insert.timeout_s, terms_of)
