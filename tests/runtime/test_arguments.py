"""Arguments of another kind than they may be: each is refused in words by an error of ours, before anything is done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import mixbridge
import numpy as np
import pytest
import soundfile as sf
from mixbridge.presets.checking.arguments import real_number

NO_NUMBERS: list[Any] = ["48k", b"1", [], {}, 1j, float("nan"), True, np.array([1.0, 2.0])]
NO_PATHS: list[Any] = [5, None, [], {}, b"a.wav", "a\0b", "", 3.5, object()]
NO_CHOICES: list[Any] = ["xx", 5, [], {}]
NO_SWITCHES: list[Any] = ["no", None, 2, []]

PRESET = mixbridge.Preset.model_validate({"format": "mixbridge-preset", "version": 1, "tracks": [{"name": "A"}]})


@pytest.fixture(scope="module")
def controller() -> mixbridge.Controller:
    return mixbridge.Controller()


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "a.wav"
    sf.write(path, np.full((44100, 2), 0.1, np.float32), 44100)
    return path


def processor(controller: mixbridge.Controller, **arguments: Any) -> mixbridge.AudioProcessor:
    noise = np.random.default_rng(1).normal(0, 0.1, (44100, 2))
    return mixbridge.AudioProcessor(controller, **{"reference": noise, "sample_rate": 44100, **arguments})


@pytest.mark.parametrize("name", ["sample_rate", "reference_sample_rate", "amount", "loudness_lufs", "ceiling_dbtp"])
def test_a_processor_takes_numbers_only(controller: mixbridge.Controller, name: str) -> None:
    for value in [*NO_NUMBERS, float("inf"), 1e300, -1e300]:
        with pytest.raises(mixbridge.MixbridgeError, match=r"[Gg]ive|[Nn]umber|range"):
            processor(controller, **{name: value})


@pytest.mark.parametrize(
    ("name", "values"), [("layout", NO_CHOICES), ("provider", NO_CHOICES), ("guard_rails", NO_SWITCHES)]
)
def test_a_processor_takes_known_words_only(controller: mixbridge.Controller, name: str, values: list[Any]) -> None:
    for value in values:
        with pytest.raises(mixbridge.MixbridgeError, match=r"choose one of '|True or False"):
            processor(controller, **{name: value})


def test_what_a_rate_is_stands_in_the_message(controller: mixbridge.Controller) -> None:
    vocal = processor(controller)
    for value in NO_NUMBERS:
        with pytest.raises(mixbridge.AudioError, match=r"sample rate.*(48000|whole number)"):
            vocal.process(np.zeros(44100), value)
    with pytest.raises(mixbridge.AudioError, match=r"is a number of Hz, e\.g\. 48000, and cannot be '48k'"):
        vocal.process(np.zeros(44100), "48k")
    silence = vocal.process(np.zeros(44100), np.array(48000))  # as numpy.load gives it
    assert silence.shape == (44100,)


def test_audio_that_is_none_is_refused(controller: mixbridge.Controller) -> None:
    vocal = processor(controller)
    for value in [None, "x", [], {}, 5, [[1.0, 2.0], [3.0]], object(), np.zeros((44100, 2), int), [object()], [1j, 2j]]:
        with pytest.raises(mixbridge.AudioError, match="audio"):
            vocal.process(value)  # type: ignore[arg-type]


def test_stems_reference_and_output_are_paths(
    recording: Path, tmp_path: Path, controller: mixbridge.Controller
) -> None:
    def mixed(**arguments: Any) -> Callable[[], Any]:
        others = {"stems": {"A": recording}, "reference": recording, "output": tmp_path / "out", "model": controller}
        return lambda: mixbridge.mix(**{**others, **arguments})

    names: list[Any] = [{5: recording}, {"": recording}, {"x" * 500: recording}, {"\udcff": recording}]
    calls = [
        *[mixed(stems=value) for value in [*NO_PATHS, *names]],
        *[mixed(stems=[value]) for value in NO_PATHS],
        *[mixed(stems={"A": value}) for value in NO_PATHS],
        *[mixed(**{name: value}) for name in ("reference", "output", "model") for value in NO_PATHS],
        *[mixed(**{name: value}) for name in ("options", "render_options", "progress") for value in (5, "x", {})],
        *[mixed(provider=value) for value in NO_CHOICES],
        *[mixed(amount=value) for value in [*NO_NUMBERS, 2, -1, "0.5"]],
        lambda: mixbridge.apply({}, {"A": recording}, tmp_path / "out"),  # type: ignore[arg-type]
        lambda: mixbridge.predict(5, recording),  # type: ignore[arg-type]
    ]
    for number, call in enumerate(calls):
        with pytest.raises(mixbridge.MixbridgeError):
            pytest.fail(f"call {number} gave {call()}")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("kind", "name", "values"),
    [
        (mixbridge.PredictOptions, "amount", [*NO_NUMBERS, None, 2]),
        (mixbridge.PredictOptions, "window_s", [*NO_NUMBERS, -1, float("inf")]),
        (mixbridge.PredictOptions, "reference_window_s", [*NO_NUMBERS, -1, float("inf")]),
        (mixbridge.PredictOptions, "refine_s", [*NO_NUMBERS, None, -1, float("inf")]),
        (mixbridge.PredictOptions, "start", [*NO_CHOICES, None]),
        (mixbridge.RenderOptions, "sample_rate_hz", [*NO_NUMBERS, 100, 44100.5, 10**400]),
        (mixbridge.RenderOptions, "loudness_lufs", [*NO_NUMBERS, 1, -71]),
        (mixbridge.RenderOptions, "ceiling_dbtp", [*NO_NUMBERS, None, 1, -41]),
        (mixbridge.RenderOptions, "audio_format", [*NO_CHOICES, None]),
        (mixbridge.RenderOptions, "stems", NO_SWITCHES),
        (mixbridge.RenderOptions, "stems_post_master", NO_SWITCHES),
        (mixbridge.RenderOptions, "overwrite", NO_SWITCHES),
        (mixbridge.RenderOptions, "workers", [*NO_NUMBERS, 0, -1, 1.5, float("inf")]),
    ],
)
def test_options_are_checked_when_they_are_made(kind: Callable[..., Any], name: str, values: list[Any]) -> None:
    for value in values:
        with pytest.raises(mixbridge.MixbridgeError, match=r"give|choose|number|range"):
            pytest.fail(f"{kind(**{name: value})}")


def test_whole_rates_may_be_floats() -> None:
    rate_hz = mixbridge.RenderOptions(sample_rate_hz=np.float64(44100.0)).sample_rate_hz  # type: ignore[arg-type]
    assert rate_hz == 44100
    assert isinstance(rate_hz, int)


def test_files_are_named_by_paths(tmp_path: Path) -> None:
    calls: list[Callable[[Any], Any]] = [
        mixbridge.load_preset,
        mixbridge.read_session,
        mixbridge.Controller,
        lambda path: mixbridge.save_preset(PRESET, path),
        mixbridge.pull,
        lambda target: mixbridge.push(PRESET, target),
    ]
    for call in calls:
        for value in [5, None, [], b"a", 3.5, ""]:
            with pytest.raises(mixbridge.MixbridgeError):
                pytest.fail(f"{call(value)}")
    with pytest.raises(mixbridge.PresetError, match="Preset, not"):
        mixbridge.save_preset({}, tmp_path / "p.json")  # type: ignore[arg-type]
    with pytest.raises(mixbridge.ModelError, match="no model"):
        mixbridge.Controller("x" * 5000)


def test_numbers_of_numpy_are_numbers() -> None:
    assert real_number(np.float32(0.5)) == 0.5
    assert real_number(np.int16(3)) == 3.0
    assert real_number(np.array(48000)) == 48000.0
    assert real_number(np.bool_(True)) is None
    assert real_number(-(10**400)) == float("-inf")
