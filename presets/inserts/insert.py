"""What an insert is: a network or a program that a track, a group or the whole mix goes through before its strip.

A preset names it, and says how it is run; running it is :mod:`mixbridge.runtime.inserts`. A model is named with its
SHA-256, so that no other one plays in its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from ..console import Parameter, Part

InsertKind = Literal["denoise", "onnx", "torchscript", "command"]

MOST_INSERTS: Final = 8
FULL_STRENGTH_DB: Final = 100.0
PLACE_IN: Final = "{in}"
PLACE_IN_FOLDER: Final = "{in_folder}"
PLACE_OUT: Final = "{out}"
PLACE_OUT_FOLDER: Final = "{out_folder}"
PLACE_MODEL: Final = "{model}"
RUNS_CODE: Final[frozenset[InsertKind]] = frozenset({"torchscript", "command"})
"""Kinds that may do anything that their maker wants: they run only where somebody allows it."""
_LONGEST_PATH: Final = 4096
# What a kind says, and no other.
_OWN: Final[Mapping[str, tuple[InsertKind, ...]]] = {
    "file": ("onnx", "torchscript", "command"),
    "command": ("command",),
    "method": ("torchscript",),
    "block_samples": ("onnx", "torchscript"),
}


class Insert(Part):
    """A network or program in front of a strip.

    Attributes:
        kind: what runs it.
        sha256: of the model: of `file`, or of the network that `denoise` brings.
        file: the model; beside the preset where the path is relative.
        command: the program and its arguments, as they are; `{in}` and `{out}` are WAV files of one
            name, `{in_folder}` and `{out_folder}` their folders, `{model}` is `file`.
        method: of a TorchScript model.
        sample_rate_hz: that it works at; None is what the model says, else the stem's own.
        channels: 1 takes each channel by itself, 2 both together.
        block_samples: how many at a time; None is what the model says, else the whole file at once.
        latency_samples: how much later its sound comes out, at its rate; None is what the model says, else none.
        timeout_s: for the whole file, or a block.
        strength_db: how far `denoise` turns noise down at most.
        wet: share of its sound; the rest is the track as it was.
        match_loudness: bring its sound to the loudness of what went in.
        protect: of `denoise`: what stands well above the track's own noise floor stays, whatever the network says.
    """

    kind: InsertKind = Field(description="what runs it")
    sha256: str | None = Field(None, pattern="^[0-9a-f]{64}$", description="of the model")
    file: str | None = Field(None, min_length=1, max_length=_LONGEST_PATH, description="the model")
    command: tuple[Annotated[str, Field(max_length=_LONGEST_PATH)], ...] | None = Field(
        None,
        min_length=1,
        max_length=64,
        description="program and arguments; {in}, {out}, {in_folder}, {out_folder}, {model} are replaced",
    )
    method: str | None = Field(None, pattern="^[A-Za-z_][A-Za-z0-9_]{0,99}$", description="of a TorchScript model")
    sample_rate_hz: int | None = Field(None, ge=8_000, le=192_000, description="that it works at")
    channels: Literal[1, 2] = Field(1, description="1: each channel by itself; 2: both together")
    block_samples: int | None = Field(None, ge=1, le=2**22, description="so many at a time; absent: the whole file")
    latency_samples: int | None = Field(None, ge=0, le=2**22, description="how much later its sound comes out")
    timeout_s: float = Field(600.0, gt=0, le=86_400, allow_inf_nan=False, description="for a block, or the whole file")
    strength_db: Annotated[
        float, Parameter("dB", 0, FULL_STRENGTH_DB, "linear", 0, "how far noise is turned down at most", "inserts")
    ] = FULL_STRENGTH_DB
    wet: Annotated[
        float, Parameter("", 0, 1, "linear", 0, "share of its sound; the rest is the track as it was", "inserts")
    ] = 1.0
    match_loudness: bool = Field(False, description="bring its sound to the loudness of what went in")
    protect: bool = Field(True, description="denoise: what stands well above the track's noise floor stays")

    @model_validator(mode="after")
    def _says_what_it_runs(self) -> Insert:
        for name, kinds in _OWN.items():
            if getattr(self, name) is not None and self.kind not in kinds:
                raise ValueError(f"an insert of the kind {self.kind} has no {name}")
        if self.kind in {"onnx", "torchscript"} and self.file is None:
            raise ValueError(f"an insert of the kind {self.kind} needs a file, the model")
        if self.kind == "command":
            _check_command(self.command or ())
            if (self.file is not None) != any(PLACE_MODEL in part for part in self.command or ()):
                raise ValueError(f"a command has a file, its model, if {PLACE_MODEL} stands in it, and only then")
        if (self.file is not None or self.kind == "denoise") and self.sha256 is None:
            raise ValueError("a model needs its sha256, so that no other one plays in its place")
        if self.sha256 is not None and self.file is None and self.kind == "command":
            raise ValueError("a sha256 is of a file, and this command names none")
        return self

    @property
    def strength(self) -> str:
        """Which setting says how much it does: the one that is scaled by an amount."""
        return "strength_db" if self.kind == "denoise" else "wet"


def _check_command(command: tuple[str, ...]) -> None:
    for places in ((PLACE_IN, PLACE_IN_FOLDER), (PLACE_OUT, PLACE_OUT_FOLDER)):
        if not any(place in part for part in command[1:] for place in places):
            raise ValueError(f"a command needs {' or '.join(places)} among its arguments, for the WAV file")
    if any("\0" in part for part in command):
        raise ValueError("an argument of a command holds a zero byte")
