"""`mixbridge.mix` on several threads at once gives what it gives on one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mixbridge
import numpy as np
import soundfile as sf

RATE_HZ, THREADS = 22050, 8


def test_eight_threads_mix_as_one_does(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0)
    for name, channels in (("vox", 1), ("keys", 2)):
        sf.write(tmp_path / f"{name}.wav", 0.1 * numbers.standard_normal((RATE_HZ, channels)), RATE_HZ)
    sf.write(tmp_path / "song.wav", 0.2 * numbers.standard_normal((2 * RATE_HZ, 2)), RATE_HZ)
    stems = {name: tmp_path / f"{name}.wav" for name in ("vox", "keys")}

    def mixed(number: int) -> bytes:
        result = mixbridge.mix(stems, tmp_path / "song.wav", tmp_path / f"out-{number}")
        return b"".join(path.read_bytes() for path in (result.mix_path, *result.stem_paths.values()))

    alone = mixed(0)
    with ThreadPoolExecutor(THREADS) as pool:
        together = list(pool.map(mixed, range(1, THREADS + 1)))
    assert [made == alone for made in together] == [True] * THREADS
