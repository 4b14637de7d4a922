"""More tracks than files may be open at a time: rendered in groups, with the same result."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from mixbridge.presets.console import FxBand, FxBus, Master, Strip
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.audio import descriptors
from mixbridge.runtime.mixing import apply
from mixbridge.runtime.rendering import file_session
from mixbridge.runtime.rendering.render import RenderOptions

RATE_HZ = 22_050
ROOM = FxBus(bands=(FxBand(gain_db=0, decay_s=0.1),) * 12)


def stems(folder: Path, count: int, seconds: float = 3.2) -> dict[str, Path]:
    """Tracks of noise, each a little shorter than the one before."""
    folder.mkdir()
    random = np.random.default_rng(0)
    files = {}
    for number in range(count):
        audio = 0.02 * random.standard_normal(round(RATE_HZ * seconds) - number)
        files[f"{number:03}"] = folder / f"{number:03}.wav"
        sf.write(files[f"{number:03}"], audio.astype(np.float32), RATE_HZ, subtype="FLOAT")
    return files


@pytest.mark.parametrize("send_db", [-80.0, -12.0])
@pytest.mark.parametrize("fader_db", [-6.0, 36.0])  # the second one clips, so that all is rendered twice
def test_groups_change_no_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, send_db: float, fader_db: float
) -> None:
    files = stems(tmp_path / "in", 7)
    strips = [Strip(pan=(number - 3) / 3, fader_db=fader_db, fx_send_db=send_db) for number in range(7)]
    tracks = tuple(Track(name=name, strip=strip) for name, strip in zip(files, strips, strict=True))
    preset = Preset(tracks=tracks, fx_bus=ROOM, master=Master(output_gain_db=-3))
    results = []
    for side_by_side in (64, 3, 1):
        monkeypatch.setattr(file_session, "tracks_at_a_time", lambda count=side_by_side: count)
        shares: list[float] = []
        made = apply(
            preset, files, tmp_path / str(side_by_side), progress=lambda share, _, told=shares: told.append(share)
        )
        results.append({path.name: path.read_bytes() for path in made.folder.rglob("*.wav")})
        assert shares == sorted(shares)
        assert shares[-1] == 1
        assert {path.name for path in made.folder.iterdir()} == {"mix.wav", "stems", "preset.json"}
    assert results[0] == results[1] == results[2]
    assert len(results[0]) == 8 + (send_db > -80)


@pytest.mark.parametrize(("limit", "tracks"), [(64, 1), (128, 16), (256, 64), (1024, 64), (1_000_000, 64)])
def test_tracks_at_a_time(monkeypatch: pytest.MonkeyPatch, limit: int, tracks: int) -> None:
    monkeypatch.setattr(descriptors, "descriptor_limit", lambda: limit)
    assert descriptors.tracks_at_a_time() == tracks


@pytest.mark.skipif(sys.platform == "win32", reason="has no such limit")
def test_more_stems_than_files_may_be_open(tmp_path: Path) -> None:
    files = stems(tmp_path / "in", 150, seconds=0.3)
    code = f"""
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))
from pathlib import Path
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.mixing import apply
files = {{path.stem: path for path in sorted(Path({str(tmp_path / "in")!r}).iterdir())}}
apply(Preset(tracks=tuple(Track(name=name) for name in files)), files, {str(tmp_path / "out")!r})
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    assert len(list((tmp_path / "out" / "stems").iterdir())) == len(files)


def test_memory_does_not_grow_with_tracks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the strips of one group are there at a time."""
    monkeypatch.setattr(file_session, "tracks_at_a_time", lambda: 4)
    made: list[int] = []
    plain = file_session.ConsoleStream.__init__

    def counting(self: object, inputs: list[object], *others: object) -> None:
        made.append(len(inputs))
        plain(self, inputs, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(file_session.ConsoleStream, "__init__", counting)
    files = stems(tmp_path / "in", 10, seconds=0.3)
    preset = Preset(tracks=tuple(Track(name=name) for name in files))
    apply(preset, files, tmp_path / "out", options=RenderOptions(stems=False))
    assert made == [4, 4, 2]
