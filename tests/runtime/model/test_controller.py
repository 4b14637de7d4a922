"""The model that ships, as it must behave whatever its weights are."""

from __future__ import annotations

import logging
from typing import Any, cast

import numpy as np
import onnxruntime
import pytest
from mixbridge.presets.console import Strip
from mixbridge.presets.errors import ModelError, ProviderError
from mixbridge.presets.roles import ROLES
from mixbridge.runtime.model import controller as controller_module
from mixbridge.runtime.model import providers
from mixbridge.runtime.model.controller import Controller
from mixbridge.runtime.model.layout import denormalize
from numpy.typing import NDArray

Audio = NDArray[np.float32]
SECOND = 44100


def sound(samples: int = SECOND, channels: int = 2, seed: int = 0, level: float = 0.1) -> Audio:
    """Coloured noise with a pulse, other from seed to seed and from channel to channel."""
    random = np.random.default_rng(seed)
    pulse = 1 + np.sin(2 * np.pi * random.uniform(1, 6) * np.arange(samples) / SECOND)
    noise = random.standard_normal((channels, samples + 16))
    taps = random.standard_normal(17) * 0.8 ** np.arange(17)
    audio = np.stack([np.convolve(row, taps, "valid") for row in noise]) * pulse
    return np.asarray(level * audio / audio.std(), np.float32)


class Counted:
    """A session that counts the passages it is given."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self.passages = 0

    def run(self, names: list[str] | None, feeds: dict[str, Audio]) -> Any:
        self.passages += len(feeds["audio"])
        return self._session.run(names, feeds)


@pytest.fixture
def counted() -> tuple[Controller, Counted, Counted]:
    """A fresh controller with counting encoders, for tracks and for the reference."""
    fresh = Controller("default", "cpu", threads=1)
    tracks, reference = Counted(fresh._track_encoder), Counted(fresh._reference_encoder)
    fresh._track_encoder, fresh._reference_encoder = tracks, reference
    return fresh, tracks, reference


@pytest.mark.parametrize(
    ("tracks", "samples"), [(1, SECOND), (2, 262144), (3, 61234), (8, SECOND), (9, 33333), (17, SECOND), (64, 33000)]
)
def test_outputs_fit_the_layout(controller: Controller, tracks: int, samples: int) -> None:
    outputs = controller.predict([sound(samples, 1 + seed % 2, seed) for seed in range(tracks)], sound(seed=99))
    layout = controller.manifest.layout
    assert outputs.tracks.shape == (tracks, len(layout.track))
    assert outputs.master.shape == (len(layout.master),)
    for values in (outputs.tracks, outputs.master):
        assert values.dtype == np.float32
        assert np.all((values >= 0) & (values <= 1))


@pytest.mark.parametrize("samples", [66000, 262144, 500001])
def test_a_reference_has_any_length(controller: Controller, samples: int) -> None:
    outputs = controller.predict([sound()], sound(samples, seed=1))
    assert np.all(np.isfinite(outputs.tracks))


def one_click() -> Audio:
    audio = np.zeros((2, SECOND), np.float32)
    audio[:, SECOND // 2 : SECOND // 2 + 20] = 0.9
    return audio


@pytest.mark.parametrize(
    "odd",
    [
        sound() * np.array([[1], [0]], np.float32),
        sound() * np.array([[1], [-1]], np.float32),
        one_click(),
        np.ones((2, SECOND), np.float32),
    ],
    ids=["one side", "mirrored phase", "one click", "constant"],
)
def test_odd_sounds_are_no_nan(controller: Controller, odd: Audio) -> None:
    for tracks, reference in (([odd, sound(seed=1)], sound(seed=2)), ([sound(seed=1)], odd)):
        outputs = controller.predict(tracks, reference)
        assert np.all((outputs.tracks >= 0) & (outputs.tracks <= 1))


class Shouting:
    """A session whose answers are multiplied."""

    def __init__(self, session: Any, factor: float) -> None:
        self.session, self.factor = session, factor

    def run(self, names: list[str] | None, feeds: dict[str, Audio]) -> Any:
        return [answer * np.float32(self.factor) for answer in self.session.run(names, feeds)]


@pytest.mark.parametrize("factor", [1e30, -1e6, float("nan")])
def test_answers_beyond_all_settings_are_told(factor: float) -> None:
    controller = Controller("default", "cpu", threads=1)
    controller._controller = cast(Any, Shouting(controller._controller, factor))
    with pytest.raises(ModelError, match=r"controller\.onnx: answers with .*; export the model again"):
        controller.predict([sound()], sound(seed=1))


def test_the_order_of_tracks_is_that_of_the_rows(controller: Controller) -> None:
    tracks, reference = [sound(seed=seed) for seed in range(11)], sound(seed=99)
    order = np.random.default_rng(0).permutation(11)
    plain = controller.predict(tracks, reference)
    shuffled = controller.predict([tracks[place] for place in order], reference)
    assert np.ptp(plain.tracks, axis=0).max() > 1e-3  # else the order could not be seen
    np.testing.assert_allclose(shuffled.tracks, plain.tracks[order], atol=1e-5)
    np.testing.assert_allclose(shuffled.master, plain.master, atol=1e-5)


def test_the_level_of_a_track_means_nothing(controller: Controller) -> None:
    tracks, reference = [sound(seed=seed) for seed in range(4)], sound(seed=99)
    factors = np.array([0.01, 30, 1, 0.2], np.float32)
    plain = controller.predict(tracks, reference)
    scaled = controller.predict([track * factor for track, factor in zip(tracks, factors, strict=True)], reference)
    np.testing.assert_allclose(scaled.tracks, plain.tracks, atol=1e-4)
    np.testing.assert_allclose(scaled.master, plain.master, atol=1e-4)


def test_mono_is_the_same_on_both_channels(controller: Controller) -> None:
    mono, reference = sound(channels=1), sound(channels=1, seed=1)
    plain = controller.predict([mono], reference)
    doubled = controller.predict([np.repeat(mono, 2, axis=0)], np.repeat(reference, 2, axis=0))
    np.testing.assert_array_equal(plain.tracks, doubled.tracks)


def test_the_reference_is_heard(controller: Controller) -> None:
    tracks = [sound(seed=seed) for seed in range(3)]
    one, other = (controller.predict(tracks, sound(seed=seed)) for seed in (10, 11))
    assert np.abs(one.tracks - other.tracks).max() > 1e-3


def test_a_mirrored_reference_gives_other_pans(controller: Controller) -> None:
    reference = sound(262144, seed=9) * np.array([[1.0], [0.2]], np.float32)
    tracks = [sound(seed=seed) for seed in range(3)]
    layout = controller.manifest.layout

    def pans(style: Audio) -> list[float]:
        rows = controller.predict(tracks, style).tracks
        return [denormalize(layout.track, row.tolist(), Strip)["pan"] for row in rows]

    left, right = np.array(pans(reference)), np.array(pans(reference[::-1].copy()))
    assert np.abs(left - right).max() > 0.02


def test_a_new_reference_needs_no_new_pass_over_the_tracks(counted: tuple[Controller, Counted, Counted]) -> None:
    model, tracks_heard, references_heard = counted
    tracks = [sound(seed=seed) for seed in range(5)]
    model.predict(tracks, sound(seed=10))
    assert (tracks_heard.passages, references_heard.passages) == (5, 1)
    cached = model.predict(tracks, sound(seed=11))
    assert (tracks_heard.passages, references_heard.passages) == (5, 2)
    fresh = Controller("default", "cpu", threads=1).predict(tracks, sound(seed=11))
    np.testing.assert_allclose(cached.tracks, fresh.tracks, atol=1e-6)


def test_an_edited_track_costs_one_pass_of_its_own(counted: tuple[Controller, Counted, Counted]) -> None:
    model, tracks_heard, references_heard = counted
    tracks, reference = [sound(seed=seed) for seed in range(5)], sound(seed=10)
    model.predict(tracks, reference)
    before = tracks[2].copy()
    tracks[2] = tracks[2].copy()
    tracks[2][0, 7] += np.float32(1e-3)
    assert not np.array_equal(before, tracks[2])
    model.predict(tracks, reference)
    assert (tracks_heard.passages, references_heard.passages) == (6, 1)


def test_track_and_reference_of_the_same_sound_are_not_mixed_up(controller: Controller) -> None:
    """Both encoders see the same bytes, and what one says is not taken for what the other would."""
    audio = sound(seed=20)
    first = controller.predict([audio], audio)
    again = Controller("default", "cpu", threads=1).predict([audio], audio)
    np.testing.assert_allclose(first.tracks, again.tracks, atol=1e-6)


def test_more_tracks_than_the_cache_holds(monkeypatch: pytest.MonkeyPatch, controller: Controller) -> None:
    monkeypatch.setattr(controller_module, "_CACHED_EMBEDDINGS", 3)
    tracks, reference = [sound(seed=seed) for seed in range(10)], sound(seed=99)
    small = Controller("default", "cpu", threads=1)
    for _ in range(2):
        outputs = small.predict(tracks, reference)
        np.testing.assert_allclose(outputs.tracks, controller.predict(tracks, reference).tracks, atol=1e-5)


class CpuOnly:
    """A session of an onnxruntime whose CUDA does not load: it falls back without an error."""

    def __init__(self, *_arguments: object, **_options: object) -> None:
        pass

    def get_providers(self) -> list[str]:
        return ["CPUExecutionProvider"]


def test_cuda_that_onnxruntime_was_built_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(ProviderError, match=r"'\.\[cuda\]' in a clone.*provider auto or cpu.*mixbridge doctor"):
        Controller("default", "cuda", threads=1)


def test_cuda_that_does_not_load(monkeypatch: pytest.MonkeyPatch) -> None:
    both = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: both)
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: None, raising=False)
    monkeypatch.setattr(onnxruntime, "InferenceSession", CpuOnly)
    with pytest.raises(ProviderError, match=r"install the NVIDIA driver.*'\.\[cuda\]' in a clone of mixbridge"):
        Controller("default", "cuda", threads=1)


def test_auto_falls_back_to_the_cpu_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with caplog.at_level(logging.INFO, logger="mixbridge"):
        model = Controller("default", "auto", threads=1)
        assert model.providers == ["CPUExecutionProvider"]
    assert "default runs on CPUExecutionProvider" in caplog.text


REAL_SESSION = onnxruntime.InferenceSession


class Astray:
    """A session on a device that computes something else than the CPU: the answers are off by so much."""

    off = 0.0
    device = "CUDAExecutionProvider"

    def __init__(self, data: bytes, options: Any, providers: list[str]) -> None:
        self._real = REAL_SESSION(data, options, providers=["CPUExecutionProvider"])
        self._providers = providers

    def get_providers(self) -> list[str]:
        return self._providers

    def get_inputs(self) -> Any:
        return self._real.get_inputs()

    def get_outputs(self) -> Any:
        return self._real.get_outputs()

    def run(self, outputs: list[str] | None, feeds: dict[str, Any]) -> list[Any]:
        answers: list[Any] = self._real.run(outputs, feeds)
        is_device = self._providers[0] == self.device
        return [answer + np.float32(self.off) if outputs and is_device else answer for answer in answers]


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> type[Astray]:
    """Any device, on the CPU."""
    known = ["TensorrtExecutionProvider", "CUDAExecutionProvider", "OpenVINOExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: known)
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: None, raising=False)
    monkeypatch.setattr(onnxruntime, "InferenceSession", Astray)
    monkeypatch.setattr(providers, "_has_nvidia_driver", lambda: True)
    monkeypatch.setattr(Astray, "off", 0.0)
    monkeypatch.setattr(Astray, "device", "CUDAExecutionProvider")
    return Astray


def test_a_device_that_computes_something_else_is_refused_with_its_figure(
    device: type[Astray], monkeypatch: pytest.MonkeyPatch
) -> None:
    tracks, reference = [sound(seed=1)], sound(seed=99)
    monkeypatch.setattr(device, "off", 5e-4)
    Controller("default", "cuda", threads=1).predict(tracks, reference)
    for off, figure in ((2e-3, "0.002"), (float("nan"), "inf")):
        monkeypatch.setattr(device, "off", off)
        model = Controller("default", "cuda", threads=1)
        for _ in range(2):  # and every time that it is tried
            with pytest.raises(ProviderError, match=f"CUDAExecutionProvider answers {figure} away from the CPU"):
                model.predict(tracks, reference)


def test_auto_leaves_a_device_that_computes_something_else(
    device: type[Astray], controller: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "off", 0.02)
    tracks, reference = [sound(seed=1)], sound(seed=99)
    model = Controller("default", "auto", threads=1)
    assert model.providers[0] == "CUDAExecutionProvider"
    outputs = model.predict(tracks, reference)
    assert model.providers == ["CPUExecutionProvider"]
    np.testing.assert_allclose(outputs.tracks, controller.predict(tracks, reference).tracks, atol=1e-5)


def test_other_devices_can_be_named(device: type[Astray]) -> None:
    assert Controller("default", "openvino", threads=1).providers[0] == "OpenVINOExecutionProvider"
    assert Controller("default", "tensorrt", threads=1).providers == [
        "TensorrtExecutionProvider",
        "CUDAExecutionProvider",
        "CPUExecutionProvider",
    ]
    with pytest.raises(ProviderError, match=r"onnxruntime-directml \(Windows\).*provider auto or cpu"):
        Controller("default", "directml", threads=1)


def test_what_is_told_of_roles_counts(controller: Controller) -> None:
    assert set(controller.manifest.roles) == set(ROLES)
    tracks, reference = [sound(seed=seed) for seed in (1, 2)], sound(seed=99)
    untold = controller.predict(tracks, reference)
    for nothing in ([{}, {}], [{"theremin": 1.0}, {}]):
        np.testing.assert_array_equal(controller.predict(tracks, reference, nothing).tracks, untold.tracks)
    told = controller.predict(tracks, reference, [{"kick": 1.0}, {"lead vocal": 0.9, "speech": 0.1}])
    assert np.abs(told.tracks - untold.tracks).max() > 0.01
    fader = [output.path for output in controller.manifest.layout.track].index("fader_db")
    other = controller.predict(tracks, reference, [{"lead vocal": 1.0}, {"tom": 1.0}])
    assert other.tracks[0, fader] > told.tracks[0, fader]
