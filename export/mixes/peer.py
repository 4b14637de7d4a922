"""Lets `matchering` (GPL-3, in an environment of its own, never a dependency) master mixes, to compare with."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_PEER: Final = """
import sys, json
import matchering as mg
for target, reference, result in json.loads(sys.argv[1]):
    try:
        mg.process(target=target, reference=reference, results=[mg.pcm24(result)])
    except Exception as error:
        print(target, reference, repr(error), file=sys.stderr)
"""


def master_by_peer(python: str, jobs: Sequence[tuple[Path, Path, Path]]) -> None:
    """Master mixes like songs, those whose results are not there yet; what cannot be mastered is told and left out.

    Args:
        python: of an environment that has matchering.
        jobs: mix, song and result.
    """
    missing = [[str(path) for path in job] for job in jobs if not job[2].exists()]
    if missing:
        subprocess.run([python, "-c", _PEER, json.dumps(missing)], check=True)
