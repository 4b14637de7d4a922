"""The package's front door: the public names, and that opening it is cheap."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata

import mixbridge
import pytest

PUBLIC = {
    "AudioProcessor",
    "MixResult",
    "MixbridgeError",
    "__version__",
    "apply",
    "load_preset",
    "mix",
    "predict",
    "save_preset",
}
HEAVY = ("torch", "onnxruntime", "pedalboard", "numpy", "scipy", "soundfile", "matplotlib", "pydantic")


def loaded_by(statement: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after a statement."""
    code = f"import sys, json\n{statement}\nprint(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"
    # Outside the repository, whose folders would otherwise be on the path.
    done = subprocess.run([sys.executable, "-I", "-c", code], check=True, capture_output=True, text=True, cwd="/")
    return set(json.loads(done.stdout))


def test_importing_it_loads_nothing_heavy() -> None:
    assert loaded_by("import mixbridge; mixbridge.__version__; dir(mixbridge)").isdisjoint(HEAVY)


def test_presets_need_no_audio_and_mixing_no_torch() -> None:
    assert loaded_by("import mixbridge; mixbridge.load_preset").isdisjoint(
        {"torch", "onnxruntime", "pedalboard", "soundfile"}
    )
    loaded = loaded_by("import mixbridge; mixbridge.mix; mixbridge.AudioProcessor")
    assert "onnxruntime" in loaded  # that the list means something
    assert loaded.isdisjoint({"torch", "lightning", "onnx"})


def test_the_public_names_are_these_and_all_resolve() -> None:
    assert set(mixbridge.__all__) == PUBLIC
    assert len(mixbridge.__all__) == len(PUBLIC)
    assert set(dir(mixbridge)) == PUBLIC
    for name in PUBLIC:
        assert getattr(mixbridge, name) is not None
    namespace: dict[str, object] = {}
    exec("from mixbridge import *", namespace)
    assert set(namespace) >= PUBLIC


def test_names_are_what_they_say() -> None:
    for name in ("AudioProcessor", "MixResult", "MixbridgeError"):
        assert isinstance(getattr(mixbridge, name), type)
        assert getattr(mixbridge, name).__name__ == name
    for name in ("apply", "mix", "predict"):
        assert getattr(mixbridge, name).__module__ == "mixbridge.runtime.mixing"
        assert getattr(mixbridge, name).__name__ == name
    assert mixbridge.load_preset.__module__ == mixbridge.save_preset.__module__ == "mixbridge.presets.files"


@pytest.mark.parametrize("name", ["mixx", "load", "Preset", "__path_to_nowhere__"])
def test_an_unknown_name_is_an_attribute_error(name: str) -> None:
    with pytest.raises(AttributeError, match=f"'mixbridge' has no attribute '{name}'"):
        getattr(mixbridge, name)
    assert not hasattr(mixbridge, name)


def test_the_version_is_that_of_the_installation() -> None:
    assert mixbridge.__version__ == metadata.version("mixbridge")
