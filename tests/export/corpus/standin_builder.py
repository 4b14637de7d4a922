"""Builders for tests that worker processes can import: one session is one tiny file; some seeds go wrong."""

import json
import os
import time
from pathlib import Path

REFUSED, CRASHING, HANGING, INCOMPLETE = 900_100, 900_101, 900_102, 900_103


class Standin:
    def build(self, job, folder):
        if job.seed == REFUSED:
            (folder / "half.wav").write_bytes(b"half")
            raise ValueError("no such chord")
        if job.seed == CRASHING:
            os._exit(3)
        if job.seed == HANGING:
            time.sleep(600)
        (folder / "kick.wav").write_bytes(job.name.encode())
        if job.seed == INCOMPLETE:
            (folder / "snare.wav").write_bytes(b"")
        stem = {"file": "kick.wav", "source": "freedoom", "licence": "BSD-3-Clause", "sha256": "0" * 64}
        meta = {"format": 1, "name": job.name, "song": job.song, "split": job.split, "seconds": 1.0, "stems": [stem]}
        (folder / "meta.json").write_text(json.dumps(meta))
        with (Path(os.environ["STANDIN_LOG"]) / f"{os.getpid()}").open("a") as log:
            log.write(f"{job.name}\n")


def standin(sources):
    return Standin()
