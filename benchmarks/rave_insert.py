"""Plays a real RAVE export, made by `rave_build.py`, as an insert: what its caches keep goes on from block to block.

.venv-test/bin/python benchmarks/rave_insert.py FOLDER/small_streaming.ts
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile as sf
import torch
from mixbridge.presets.inserts.insert import Insert
from mixbridge.runtime.inserts.models import file_sha256
from mixbridge.runtime.inserts.stems import through_inserts
from mixbridge.runtime.inserts.terms import InsertRules

RATE_HZ = 44_100
BLOCK = 8192

path = Path(sys.argv[1])
generator = np.random.default_rng(0)
audio = (0.1 * generator.standard_normal((1, 12 * BLOCK))).astype(np.float32)
model = torch.jit.load(str(path)).eval()
print("methods:", ", ".join(model.get_methods()), "| sampling rate:", int(model.sr))
print("forward_params:", dict(model.named_buffers())["forward_params"].tolist())
with tempfile.TemporaryDirectory() as folder, torch.no_grad():
    source = Path(folder) / "dry.wav"
    sf.write(source, audio.T, RATE_HZ, subtype="FLOAT")
    insert = Insert(kind="torchscript", file=str(path.absolute()), sha256=file_sha256(path), block_samples=BLOCK)
    begin = time.monotonic()
    made = through_inserts({"Pad": source}, {"Pad": (insert,)}, Path(folder), InsertRules(allow_code=True))["Pad"]
    spent_s = time.monotonic() - begin
    heard = sf.read(made, dtype="float32", always_2d=True)[0].T
    blocks = [torch.from_numpy(audio[None, :, at : at + BLOCK]) for at in range(0, audio.shape[1], BLOCK)]
    # Its encoder draws around what it finds, so that only the same draws in the same blocks give the same sound.
    torch.manual_seed(0)
    kept = np.concatenate([model(block)[0].numpy() for block in blocks], axis=1)
    torch.manual_seed(0)
    anew = np.concatenate([torch.jit.load(str(path)).eval()(block)[0].numpy() for block in blocks], axis=1)
    # What it decodes has no draws: block by block it is what it is in one call, where caches are kept.
    codes = model.encode(torch.from_numpy(audio)[None])
    step = BLOCK * codes.shape[2] // audio.shape[1]
    whole = torch.jit.load(str(path)).eval().decode(codes)[0].numpy()
    again = torch.jit.load(str(path)).eval()
    parts = [again.decode(codes[..., at : at + step])[0].numpy() for at in range(0, codes.shape[2], step)]
print(f"insert: {heard.shape[1]} samples of {audio.shape[1]}, in {spent_s:.1f} s with its start; RMS {heard.std():.5f}")


def off_db(sound: np.ndarray, other: np.ndarray) -> float:
    """How far a difference is below the sound."""
    return float(20 * np.log10(max((sound - other).std(), 1e-20) / other.std()))


print(f"against the export, called with the same blocks: {off_db(heard, kept):.1f} dB")
print(f"against the export anew for each block, which forgets: {off_db(heard, anew):.1f} dB")
print(f"decoder alone, in blocks against one call: {off_db(np.concatenate(parts, axis=1), whole):.1f} dB")
