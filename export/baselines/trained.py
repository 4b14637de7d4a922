"""What the learning curve compares styles with, by name: the network tuned, one from nothing, and the U-Net."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from ...presets.errors import ModelError
from ...presets.files import dumps
from ...presets.preset import Provenance
from ...runtime.styles.settings import RATE_HZ
from ..onnx_bundle import Description
from ..recovery.dataset import NamedPair
from ..recovery.files import source_of
from ..styles.curve import LearnedRendering, PairWithSettings, TrainedWay
from ..styles.examples import example_of
from ..styles.fitting import fit_house
from ..tuning.bundle import export_run
from ..tuning.comparing import HALFWAY, halfway, tuned_rendering
from ..tuning.config import TuningConfig
from ..tuning.model import NOTHING
from ..tuning.run import train_pairs
from ..whole_files import write_text
from .learning import UNetTraining, train_unet

Say = Callable[[str], None]

FINE_TUNED: Final = "fine-tuned"
FROM_SCRATCH: Final = "from-scratch"
UNET: Final = "unet"
_BATCH = 8
# From nothing all is trained, and longer.
_STARTS: Final[Mapping[str, Mapping[str, object]]] = {
    FINE_TUNED: {"start": "default"},
    FROM_SCRATCH: {"start": "nothing", "freeze": "none", "adapters": 0, "layer_decay": 1.0},
}


def trained_ways(names: Sequence[str], unet_s: float, most_steps: int | None = None) -> dict[str, TrainedWay]:
    """Gives what is trained, by name.

    Args:
        names: of :data:`FINE_TUNED`, :data:`FROM_SCRATCH`, :data:`UNET`.
        unet_s: processor time after which a U-Net ends.
        most_steps: of what is tuned or trained from nothing; None takes those of `mixbridge train`.

    Raises:
        ModelError: a name is none of these.
    """
    steps = {} if most_steps is None else {"max_steps": most_steps}
    known = {
        name: TrainedWay(partial(_tuned, {**changes, **steps}), uses_settings=True) for name, changes in _STARTS.items()
    }
    known[UNET] = TrainedWay(partial(_unet, UNetTraining(most_s=unet_s)), uses_settings=False)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ModelError(f"{', '.join(unknown)}: is nothing that is trained: give {', '.join(known)}.")
    return {name: known[name] for name in names}


def _tuned(changes: Mapping[str, object], pairs: Sequence[PairWithSettings], work: Path, say: Say) -> LearnedRendering:
    """Trains as `mixbridge train` does, and renders by the bundle that `mixbridge model export` would write."""
    _write_pairs(pairs, work)
    config = TuningConfig.model_validate(
        {
            "track_root_dirs": [work / "raw"],
            "mix_root_dirs": [work / "mixed"],
            "presets": work / "presets",
            "batch_size": _BATCH,
            "num_workers": 1,
            **changes,
        }
    )
    train_pairs(config, work / "run", say)
    bundle = work / "bundle"
    export_run(work / "run", bundle, Description("curve", "", "not stated", None))
    size = sum(file.stat().st_size for file in bundle.rglob("*") if file.is_file())
    found = (example_of(_named(pair, work), pair.preset, pair.raw, pair.mixed) for pair in pairs)
    examples = [example for example in found if example is not None]
    beside = {} if config.start == NOTHING else {HALFWAY: tuned_rendering(bundle, halfway(examples))}
    return LearnedRendering(tuned_rendering(bundle, fit_house(examples)), size, beside)


def _named(pair: PairWithSettings, work: Path) -> NamedPair:
    return NamedPair(pair.name, *(work / side / f"{pair.name}.wav" for side in ("raw", "mixed")))


def _unet(how: UNetTraining, pairs: Sequence[PairWithSettings], work: Path, say: Say) -> LearnedRendering:
    found = train_unet([(pair.raw, pair.mixed) for pair in pairs], RATE_HZ, how, say)
    if found.is_out_of_time:
        say(f"U-Net: still learning after {found.steps} steps; its time was over")
    return LearnedRendering(found.render, found.weight_bytes)


def _write_pairs(pairs: Sequence[PairWithSettings], work: Path) -> None:
    """Writes pairs as a person has them, with presets as `mixbridge recover` leaves them."""
    import soundfile as sf

    for name in ("raw", "mixed", "presets"):
        (work / name).mkdir()
    for pair in pairs:
        files = [work / side / f"{pair.name}.wav" for side in ("raw", "mixed")]
        for file, audio in zip(files, (pair.raw, pair.mixed), strict=True):
            sf.write(file, audio.T, RATE_HZ, subtype="FLOAT")
        track = pair.preset.tracks[0].model_copy(update={"name": pair.name, "source": source_of(files[0])})
        provenance = Provenance(reference=source_of(files[1]), sample_rate_hz=RATE_HZ)
        preset = pair.preset.model_copy(update={"tracks": (track,), "provenance": provenance})
        write_text(work / "presets" / f"{pair.name}.json", dumps(preset))
