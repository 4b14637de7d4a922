from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mixbridge.export.styles.bundle import write_style_bundle
from mixbridge.export.styles.examples import WINDOW_SAMPLES
from mixbridge.export.styles.fitting import fit_house
from mixbridge.runtime.model.analysis import heard_in
from mixbridge.runtime.model.bundle import StyleNote, WayMeasured
from mixbridge.runtime.styles.features import features_in
from style_examples import example, presence_strip, sung


@pytest.fixture(scope="session")
def house_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A style learned from made-up voices: those with more highs get less presence."""
    examples = []
    for number in range(12):
        tilt_db = float(np.linspace(-6, 6, 12)[number])
        passage = heard_in({"Vox": sung(number, 2.0, tilt_db)}, 44_100, WINDOW_SAMPLES)
        features = features_in(passage, "Vox", 44_100)
        examples.append(example(number, features, presence_strip(3.0 - tilt_db / 2, features[0] - 3), -19.0))
    note = StyleNote(
        way="house",
        pairs=57,
        held_out=12,
        ways=(
            WayMeasured(name="mean", distance=0.5, share=0.7),
            WayMeasured(name="house", distance=0.4, share=0.55, better=0.8),
        ),
        why="The house style came nearest.",
    )
    folder = tmp_path_factory.mktemp("styles") / "mine"
    write_style_bundle(fit_house(examples), note, folder, name="mine", licence="mine alone")
    return folder


@pytest.fixture(scope="session")
def packed_bundle(house_bundle: Path) -> Path:
    import zipfile

    path = house_bundle.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(house_bundle.iterdir()):
            archive.write(file, f"mine/{file.name}")
    return path
