"""`mixbridge live` on the null backend."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
import soundfile as sf
from click.testing import CliRunner, Result
from live_presets import RATE_HZ, dry_preset, stems
from mixbridge.bridge.cli.playing import running
from mixbridge.bridge.cli.playing.live import live
from mixbridge.bridge.cli.signals import EndedError
from mixbridge.presets import files
from mixbridge.presets.errors import DeviceError, OutputError
from mixbridge.runtime.audio.reading import Samples
from mixbridge.runtime.audio.writing import AudioWriter, cannot_write
from mixbridge.runtime.live.engine import LiveEngine
from mixbridge.runtime.rendering.in_memory import render_arrays

PATIENCE_S = 90
MAIN = "from mixbridge.bridge.command import main; main()"


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
    from mixbridge.runtime.live.reporting import LiveReport
    from rich.console import Console

    class Playing:
        preset = dry_preset()
        is_bypassed = True

        def report(self) -> LiveReport:
            return LiveReport(48000, 128, 2.6667, 0, 1000, 3, 2, 0, 0, 1, 1.5, 2.5, 240, 0, 0, 0, 0)

        def peaks(self, _reader: str) -> tuple[list[float], tuple[float, float]]:
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


@pytest.mark.parametrize(("width", "height"), [(80, 24), (60, 12)])
@pytest.mark.parametrize("count", [1, 18, 19, 64, 400])
def test_of_many_tracks_the_counters_are_seen(count: int, width: int, height: int) -> None:
    """Before, what did not fit was cut off at the bottom, where they stand."""
    from io import StringIO

    from mixbridge.bridge.cli.playing.dashboard import picture
    from mixbridge.runtime.live.reporting import LiveReport
    from rich.console import Console

    report = LiveReport(48000, 128, 2.6667, 0, 1000, 3, 2, 0, 0, 1, 1.5, 2.5, 240, 0, 0, 0, 0)
    names = [f"Track number {number}" for number in range(count)]
    out = StringIO()
    shown = picture(report, names, [0.5] * count, (0.1, 0.1), width=width, height=height, heard="the mix")
    Console(file=out, width=width, height=height).print(shown)
    lines = out.getvalue().splitlines()
    assert len(lines) < height
    assert lines[-1].startswith("latency")
    meters = out.getvalue().count("-6.0")
    left_out = [line.split()[0] for line in lines if line.startswith("+")]
    assert meters + sum(map(int, left_out)) == count
    if (count, width) == (64, 80):
        assert meters == count


def test_a_recording_that_is_there_is_kept(session: Path, tmp_path: Path) -> None:
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


class TestARecordingIsKept:
    """Nobody plays the same again: what was recorded stays, whatever ends the playing."""

    @pytest.fixture
    def record(self, session: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
        """Records until `ending` is raised, which is once a second of sound is in the file."""

        def play(ending: BaseException, name: str = "out.wav") -> Result:
            def ended(engine: LiveEngine, length_s: float, until: Callable[[], bool] | None = None) -> None:
                wait(engine, 60.0, lambda: engine.report().recorded_frames >= RATE_HZ)
                if name.endswith(".wav"):  # what a killed process, or a power cut, would leave
                    assert sf.read(tmp_path / name)[0].shape[0] >= RATE_HZ // 2
                raise ending

            wait = LiveEngine.wait
            start = LiveEngine.__enter__

            def begun(engine: LiveEngine) -> LiveEngine:
                entered = start(engine)
                monkeypatch.setattr(LiveEngine, "wait", ended)
                return entered

            monkeypatch.setattr(LiveEngine, "__enter__", begun)
            arguments = [str(session / "mix.json"), str(session / "stems"), "--loop", "--backend", "null"]
            return CliRunner().invoke(
                live, [*arguments, "--freewheel", "--record", str(tmp_path / name), "--json"], catch_exceptions=True
            )

        return play

    @pytest.mark.parametrize(
        ("ending", "words"),
        [
            (KeyboardInterrupt(), "ended by Ctrl-C."),
            (EndedError(signal.SIGTERM), "ended by SIGTERM."),
        ],
    )
    def test_where_the_user_or_the_system_ends_it(self, record, tmp_path: Path, ending, words: str) -> None:
        result = record(ending)
        assert result.exit_code == 0, result.output
        said = json.loads(result.stdout)
        assert words in said["events"]
        assert said["record"] == str(tmp_path / "out.wav")
        assert sf.info(said["record"]).frames == said["recorded_frames"] >= RATE_HZ

    def test_where_it_is_ended_before_it_can_be_controlled(
        self, session: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It plays by then, and what loads the controls has been seen to take seconds on a busy machine."""

        def controlled(engine: LiveEngine, *_: object) -> NoReturn:
            engine.wait(60.0, lambda: engine.report().recorded_frames >= RATE_HZ)
            raise KeyboardInterrupt

        monkeypatch.setattr(running, "controlled", controlled)
        result = run(session, "--record", str(tmp_path / "out.wav"), "--freewheel", "--loop", "--json")
        said = json.loads(result.output)
        assert said["events"] == ["ended by Ctrl-C."]
        assert sf.info(tmp_path / "out.wav").frames == said["recorded_frames"] >= RATE_HZ

    @pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs groups of processes")
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_where_all_processes_are_told_to_end_at_once(
        self, session: Path, tmp_path: Path, number: signal.Signals
    ) -> None:
        """As a terminal does, and who stops a service: no process falls, and none is started again."""
        place = tmp_path / "out.wav"
        arguments = [str(session / "mix.json"), str(session / "stems"), "--backend", "null", "--loop", "--json"]
        command = [sys.executable, "-c", MAIN, "live", *arguments, "--record", str(place)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True) as live:
            until = time.monotonic() + PATIENCE_S
            while not (place.exists() and place.stat().st_size > RATE_HZ) and time.monotonic() < until:
                time.sleep(0.02)
            os.killpg(live.pid, number)
            try:
                out, err = live.communicate(timeout=PATIENCE_S)
            finally:
                live.kill()
        said = json.loads(out)
        assert (live.returncode, err, said["restarts"]) == (0, b"", 0)
        assert len(said["events"]) == 1
        assert sf.info(place).frames == said["recorded_frames"] > 0

    def test_where_the_device_goes_away(self, record, tmp_path: Path) -> None:
        result = record(DeviceError("the server is gone."), "out.flac")
        assert isinstance(result.exception, DeviceError)
        assert [path.name for path in tmp_path.iterdir()] == ["out.flac"]
        assert sf.info(tmp_path / "out.flac").frames >= RATE_HZ

    @pytest.mark.parametrize("length", [(), ("--duration", "2s")])
    def test_where_the_disk_is_full(
        self, session: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, length: tuple[str, ...]
    ) -> None:
        """It plays to its end all the same: a time that was asked for comes, though the recording is not as long."""
        write = AudioWriter.write

        def written(writer: AudioWriter, block: Samples) -> None:
            if writer._frames >= RATE_HZ // 2:
                raise cannot_write(writer.path, OSError(errno.ENOSPC, "No space left on device"))
            write(writer, block)

        monkeypatch.setattr(AudioWriter, "write", written)
        with pytest.raises(OutputError) as caught:
            run(session, "--record", str(tmp_path / "out.wav"), "--freewheel", *length)
        assert str(caught.value).startswith(f"{tmp_path / 'out.wav'} cannot be written (No space left on device)")
        assert sf.info(tmp_path / "out.wav").frames >= RATE_HZ // 2

    def test_before_there_is_sound_what_stands_there_is_kept(
        self, session: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fails(engine: LiveEngine) -> None:
            raise DeviceError("there is no device.")

        monkeypatch.setattr(LiveEngine, "_start", fails)
        (tmp_path / "mine.wav").write_bytes(b"mine")
        for name in ("mine.wav", "new.wav"):
            with pytest.raises(DeviceError):
                run(session, "--record", str(tmp_path / name), "--force")
        assert (tmp_path / "mine.wav").read_bytes() == b"mine"
        assert not (tmp_path / "new.wav").exists()

    def test_of_another_format_it_is_refused_before_it_plays(self, session: Path, tmp_path: Path) -> None:
        with pytest.raises(OutputError, match=r"out\.mp3 cannot be recorded: recordings are \.wav or \.flac"):
            run(session, "--record", str(tmp_path / "out.mp3"), "--freewheel")
