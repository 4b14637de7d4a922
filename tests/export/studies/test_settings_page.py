"""The page on drawn settings says what is drawn."""

from pathlib import Path

import numpy as np
from mixbridge.export.studies import settings as settings_page
from mixbridge.presets.roles import ROLES


def test_the_page_and_its_picture_are_written(tmp_path: Path) -> None:
    page, picture = settings_page.run(tmp_path / "settings.md")
    assert picture.name in page.read_text()
    text = (tmp_path / "settings.md").read_text()
    assert "| fader, dB |" in text
    levels = {line.split(" | ")[0]: line for line in text.splitlines() if line.startswith("| ")}
    assert "0.02 / 0.05" in levels["| kick"]
    assert all(f"| {role}" in levels for role in ROLES)
    assert (tmp_path / "settings.png").read_bytes().startswith(b"\x89PNG")


def test_what_is_drawn_is_what_the_page_says() -> None:
    drawn = settings_page.draw()
    fader = drawn["fader, dB"]
    assert 4 < fader.std() < 8
    assert abs(fader.mean()) < 0.2
    pan = drawn["pan of mono tracks"]
    assert abs(pan.mean()) < 0.05
    assert np.mean(np.abs(pan) > 0.5) > 0.4
    gains = drawn["track EQ gain where in use, dB"]
    assert 3.5 < gains.std() < 6
    threshold = drawn["threshold over the track's loudness, dB"]
    assert threshold.min() >= -10.01
    assert threshold.max() <= 12.01
