"""`mixbridge live` on the null backend."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from click.testing import CliRunner, Result
from live_presets import RATE_HZ, dry_preset, stems
from mixbridge.bridge.cli.playing.live import live
from mixbridge.presets import files
from mixbridge.runtime.rendering.in_memory import render_arrays


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("live")
    files.save(dry_preset(), folder / "mix.json")
    (folder / "stems").mkdir()
    for name, audio in stems(RATE_HZ).items():
        sf.write(folder / "stems" / f"{name}.wav", audio.T, RATE_HZ, subtype="FLOAT")
    return folder


def run(session: Path, *options: str) -> Result:
    arguments = [str(session / "mix.json"), str(session / "stems"), "--backend", "null", *options]
    return CliRunner().invoke(live, arguments, catch_exceptions=False)


def test_it_plays_records_and_reports(session: Path, tmp_path: Path) -> None:
    place = tmp_path / "out.wav"
    result = run(session, "--duration", "0.9s", "--frames", "256", "--record", str(place), "--freewheel", "--json")
    assert result.exit_code == 0, result.output
    said = json.loads(result.output)
    assert said["backend"] == "null"
    assert said["period_ms"] == pytest.approx(1000 * 256 / RATE_HZ)
    assert said["sample_rate"] == RATE_HZ
    assert said["frames"] >= said["recorded_frames"] == round(0.9 * RATE_HZ)
    assert {"late_blocks", "xruns", "callback_p99_ms"} <= said.keys()
    latency = said["latency_samples"]
    recorded = sf.read(place, dtype="float32")[0].T
    offline = render_arrays(stems(RATE_HZ), RATE_HZ, dry_preset()).mix
    np.testing.assert_array_equal(recorded[:, latency:], offline[:, : recorded.shape[1] - latency])


def test_it_ends_with_the_stems(session: Path) -> None:
    result = run(session, "--freewheel", "--json")
    assert json.loads(result.output)["frames"] >= RATE_HZ


def test_the_dashboard_shows_meters_and_counters() -> None:
    from io import StringIO

    from mixbridge.bridge.cli.playing.dashboard import LiveDashboard
    from mixbridge.runtime.live.engine import LiveReport
    from rich.console import Console

    class Playing:
        preset = dry_preset()
        is_bypassed = True

        def report(self) -> LiveReport:
            return LiveReport(48000, 128, 2.6667, 0, 1000, 3, 2, 0, 0, 1, 1.5, 2.5, 240, 0, 0, 0, 0)

        def peaks(self) -> tuple[list[float], tuple[float, float]]:
            return [1.2, 0.5, 0.01, 0.0], (0.1, 0.1)

    out = StringIO()
    Console(file=out, width=100).print(LiveDashboard(Playing()).table())  # type: ignore[arg-type]
    lines = [line.split() for line in out.getvalue().splitlines()]
    assert lines[0][0] == "Vox"
    assert lines[0][-2:] == ["1.6", "dB"]
    assert lines[1][-2:] == ["-6.0", "dB"]
    assert lines[3][-1] == "-"
    assert "1000: 3 late, 2 xruns, 1 over 0 dB" in out.getvalue()
    assert "99 % in 1.50 ms, worst 2.50 ms, of 2.67 ms (56 %)" in out.getvalue()
    assert "240 samples; you hear what comes in (bypass)" in out.getvalue()


def test_a_recording_that_is_there_is_kept(session: Path, tmp_path: Path) -> None:
    from mixbridge.presets.errors import OutputError

    place = tmp_path / "out.wav"
    place.write_bytes(b"mine")
    with pytest.raises(OutputError, match="exists already"):
        run(session, "--record", str(place), "--freewheel")
    assert place.read_bytes() == b"mine"


class TestMidi:
    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (("--midi-map", "x.toml"), "add --midi"),
            (("--midi-out", "X-Touch"), "add --midi"),
            (("--midi", "X", "--midi-learn", "/mixbridge/track/1/pan"), "add --midi-map FILE"),
        ],
    )
    def test_options_that_need_each_other(self, session: Path, options: tuple[str, ...], words: str) -> None:
        result = run(session, *options)
        assert result.exit_code == 2
        assert words in result.output

    def test_a_map_with_mistakes_is_told_before_a_port_is_opened(self, session: Path, tmp_path: Path) -> None:
        from mixbridge.presets.errors import DeskError

        path = tmp_path / "map.toml"
        path.write_text('format = "mixbridge-midi"\nversion = 1\n[[controls]]\nmessage = "cc"\n')
        with pytest.raises(DeskError, match=r"map\.toml: controls\[1\]\.channel"):
            run(session, "--midi", "nowhere", "--midi-map", str(path))

    def test_a_port_that_is_not_there_is_named(self, session: Path) -> None:
        from mixbridge.presets.errors import DeviceError

        with pytest.raises(DeviceError, match=r"no MIDI input called 'mixbridge-nowhere'|MIDI cannot be used here"):
            run(session, "--midi", "mixbridge-nowhere")
