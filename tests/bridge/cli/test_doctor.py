"""`doctor` tells what is there; `demo` mixes what comes along."""

import subprocess
import sys

import pytest
from mixbridge.bridge.cli import demo, doctor
from mixbridge.bridge.cli.doctor import Diagnosis, can_run, run_doctor
from mixbridge.presets.errors import ModelError
from mixbridge.runtime.live.backends.base import DeviceTerms


def by_name(findings):
    return {finding.name: finding for finding in findings}


def test_here_mixing_works(run):
    outcome = run("doctor", "--json")
    assert outcome.code == 0, outcome.out
    assert outcome.data["ok"]
    found = {item["name"]: item for item in outcome.data["findings"]}
    assert "FLAC" in found["soundfile"]["detail"]
    assert found["model on CPU"]["detail"].startswith("works")
    assert found["disk"]["detail"].endswith(str(doctor.Path.cwd()))
    assert not [item["name"] for item in outcome.data["findings"] if not item["ok"] and not item["hint"]]
    # It offers only what mixbridge can use, installed in a way that works.
    assert "mixbridge[" not in outcome.out


def test_a_broken_model_is_missing_and_decides_the_exit_code(run, monkeypatch):
    def broken(*_):
        raise ModelError("controller.onnx does not match its hash")

    monkeypatch.setattr("mixbridge.runtime.model.controller.Controller.check_snapshot", broken)
    outcome = run("doctor")
    assert outcome.code == 1
    assert "MISSING  model on CPU" in outcome.out
    assert "does not match its hash" in outcome.out
    assert "Mixing does not work here" in outcome.out


def test_a_library_that_cannot_be_loaded(monkeypatch):
    def broken(name):
        raise OSError("libsndfile.so: cannot open shared object file")

    monkeypatch.setattr(doctor, "import_module", broken)
    findings = by_name(run_doctor())
    assert not findings["pedalboard"].ok
    assert "libsndfile.so" in findings["pedalboard"].detail
    assert findings["pedalboard"].hint == "pip install pedalboard"
    assert not can_run(list(findings.values()))


def test_two_onnxruntimes_overwrite_each_other(monkeypatch):
    monkeypatch.setattr(doctor, "version", lambda package: "1.20")
    finding = by_name(run_doctor())["onnxruntime"]
    assert not finding.ok
    assert "pip uninstall -y onnxruntime-gpu onnxruntime" in finding.hint


def test_a_check_that_breaks_does_not_stop_the_others(monkeypatch):
    def broken(*_):
        raise OSError("no such disk")

    monkeypatch.setattr(doctor.shutil, "disk_usage", broken)
    assert by_name(run_doctor())["disk"].detail == "OSError: no such disk"


def test_what_is_only_nice_to_have_does_not_matter():
    assert can_run([Diagnosis("torch", ok=False, detail="")])
    assert not can_run([Diagnosis("numpy", ok=False, detail="", needed=True)])


@pytest.mark.slow
def test_demo(run, tmp_path):
    out = tmp_path / "demo"
    outcome = run("demo", "-o", out)
    assert outcome.code == 0, outcome.err
    assert {"mix.wav", "stems", "preset.json", "report.html"} == {path.name for path in out.iterdir()}
    assert f"Listen to {out / 'mix.wav'}" in outcome.out
    assert "CC BY" in outcome.out
    again = run("demo", "-o", out)
    assert again.code == 2
    assert "exists" in again.err


def test_the_example_credits_everyone():
    with demo.example() as session:
        assert len(session.stems) >= 6
        assert session.reference.is_file()
        assert "reference.flac" in session.credits


def test_an_installation_without_the_example(run, tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "files", lambda package: tmp_path)
    outcome = run("demo", "-o", tmp_path / "demo")
    assert outcome.code == 2
    assert "no example session" in outcome.err


def test_a_gpu_that_is_not_there_is_one_line(session):
    """onnxruntime writes its own log of the failure to file descriptor 2, past Python."""
    from pathlib import Path

    if Path("/dev/nvidiactl").exists():
        pytest.skip("there is a GPU here")
    song = session / "reference.wav"
    command = [
        sys.executable, "-c", "from mixbridge.bridge.cli.main import main; main()", "mix", session / "stems",
        "--reference", song, "-o", session / "mix", "--provider", "cuda",
    ]  # fmt: skip
    outcome = subprocess.run(command, check=False, capture_output=True, text=True)
    assert outcome.returncode == 2
    assert outcome.stdout == ""
    assert len(outcome.stderr.splitlines()) == 1, outcome.stderr
    assert outcome.stderr.startswith("mixbridge: CUDA was asked for")
    assert "pip install '.[cuda]' in a clone" in outcome.stderr


def test_it_tells_of_missing_real_time_priority_and_how_to_get_it(run, monkeypatch):
    def refused(*_):
        raise PermissionError

    monkeypatch.setattr("os.sched_setscheduler", refused, raising=False)
    found = by_name(doctor._real_time())["real-time priority"]
    assert not found.ok
    assert not found.needed
    assert "blocks of mixbridge live will be late" in found.detail
    assert "@audio - rtprio 95" in found.hint
    monkeypatch.setattr("os.sched_setscheduler", lambda *_: None, raising=False)
    assert by_name(doctor._real_time())["real-time priority"].ok


def test_it_tells_which_sound_systems_live_can_use(run, monkeypatch):
    monkeypatch.setattr("mixbridge.runtime.live.backends.registry.terms_of", lambda choice: DeviceTerms(44100, 256))
    found = by_name(doctor._sound_systems())
    assert found.keys() == {"JACK", "PortAudio"}
    assert all(finding.ok and finding.detail == "44100 Hz, 256 frames" for finding in found.values())
    monkeypatch.undo()
    for finding in doctor._sound_systems():
        assert finding.ok or (
            "start one" in finding.detail or "plug one in" in finding.detail or "install" in finding.detail
        )


def test_a_missing_or_wrong_cudnn_is_named_with_the_command_that_mends_it(monkeypatch):
    from mixbridge.presets.errors import ProviderError
    from mixbridge.runtime.model import controller, providers

    needed = [
        'nvidia-cuda-runtime~=13.0; extra == "cuda"',
        'nvidia-cufft~=12.0; extra == "cuda"',
        'nvidia-cudnn-cu13~=9.0; extra == "cudnn"',
        'sympy; extra == "symbolic"',
    ]
    installed = {"nvidia-cuda-runtime": "12.8.90", "nvidia-cufft": "12.0.1", "nvidia-cudnn-cu12": "9.1.0"}

    def version(package):
        if package not in installed:
            raise providers.PackageNotFoundError(package)
        return installed[package]

    def refused(_controller, *, provider):
        raise ProviderError(f"{provider} was asked for")

    monkeypatch.setattr(providers, "requires", lambda _package: needed)
    monkeypatch.setattr(providers, "version", version)
    monkeypatch.setattr(controller.Controller, "__init__", refused)
    finding = doctor._model_on("cuda", "model on GPU")
    assert not finding.ok
    assert not finding.needed
    assert "nvidia-cuda-runtime is 12.8.90, 13 is needed" in finding.detail
    assert "nvidia-cudnn-cu13 9 is missing (nvidia-cudnn-cu12 9.1.0 is for another CUDA)" in finding.detail
    assert "cufft" not in finding.detail
    assert "pip install '.[cuda]'" in finding.hint
    installed.update({"nvidia-cuda-runtime": "13.0.2", "nvidia-cudnn-cu13": "9.13.1"})
    assert "update the NVIDIA driver" in doctor._model_on("cuda", "model on GPU").hint
