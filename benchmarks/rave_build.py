"""Builds a small RAVE of random weights and exports it by RAVE's own exporter, for `rave_insert.py`.

Runs in an environment of its own, in which the PyPI package `acids-rave` can be imported: it wants SciPy 1.10 and
Lightning 1.9.

    python benchmarks/rave_build.py FOLDER
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import cached_conv
import gin
import rave
import torch

folder = Path(sys.argv[1])
run = folder / "small" / "version_0" / "checkpoints"
run.mkdir(parents=True, exist_ok=True)
torch.manual_seed(0)
cached_conv.use_cached_conv(False)
gin.add_config_file_search_path(str(Path(rave.__file__).parent))
overrides = ["CAPACITY = 8", "LATENT_SIZE = 8", "SAMPLING_RATE = 44100", "blocks.GeneratorV2.noise_module = None"]
gin.parse_config_files_and_bindings(["configs/v2_small.gin"], overrides)
model = rave.RAVE()
# Every latent is used, so that none is made up at random.
model.fidelity.copy_(torch.linspace(0.1, 1, len(model.fidelity)))
torch.save({"state_dict": model.state_dict(), "callbacks": {}}, run / "last.ckpt")
(run.parent / "config.gin").write_text(gin.config_str())
gin.clear_config()
sys.argv = [
    "rave export",
    f"--run={run.parent}",
    "--streaming",
    "--name=small",
    f"--output={folder}",
    "--fidelity=0.99",
]
runpy.run_module("scripts.export", run_name="__main__")
