"""The package's front door: the public names, and that opening it is cheap."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import mixbridge
import pytest
from mixbridge.presets import errors

PUBLIC = {
    "AudioError",
    "AudioProcessor",
    "Controller",
    "DeskError",
    "DeviceError",
    "InsertError",
    "InsertRules",
    "InsertWishes",
    "MixResult",
    "MixbridgeError",
    "ModelError",
    "OutputError",
    "PluginError",
    "PredictOptions",
    "Preset",
    "PresetError",
    "ProviderError",
    "Pulled",
    "PushOptions",
    "PushResult",
    "MasterOptions",
    "Reference",
    "RecoveryResult",
    "RenderOptions",
    "SessionError",
    "Track",
    "__version__",
    "apply",
    "edited",
    "insert",
    "load_preset",
    "master",
    "mix",
    "predict",
    "pull",
    "push",
    "recover",
    "recover_mix",
    "read_session",
    "save_preset",
    "undo",
}
RENAMED = {"load_preset": "load", "save_preset": "save", "pull": "pull_preset", "push": "push_preset"}
ROOMS = dict.fromkeys(PUBLIC, ("presets", "runtime")) | dict.fromkeys(
    ("Pulled", "PushOptions", "PushResult", "insert", "pull", "push", "read_session", "undo"), ("bridge",)
)
ROOMS |= dict.fromkeys(("RecoveryResult", "recover", "recover_mix"), ("export",))
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
    assert loaded_by("import mixbridge; mixbridge.push; mixbridge.insert").isdisjoint({"torch", "onnxruntime"})
    loaded = loaded_by("import mixbridge; mixbridge.mix; mixbridge.AudioProcessor")
    assert "onnxruntime" in loaded  # that the list means something
    assert loaded.isdisjoint({"torch", "lightning", "onnx"})


def test_the_public_names_are_these_and_all_resolve() -> None:
    listed: list[str] = vars(mixbridge)["__all__"]
    assert set(listed) == PUBLIC
    assert len(listed) == len(PUBLIC)
    assert set(dir(mixbridge)) == PUBLIC
    for name in PUBLIC:
        assert getattr(mixbridge, name) is not None
    namespace: dict[str, object] = {}
    exec("from mixbridge import *", namespace)
    assert set(namespace) >= PUBLIC


def test_names_are_what_they_say() -> None:
    for name in PUBLIC - {"__version__"}:
        thing = getattr(mixbridge, name)
        assert isinstance(thing, type) == name[0].isupper()
        assert thing.__name__ == RENAMED.get(name, name)
        assert thing.__module__.split(".")[1] in ROOMS[name]
        assert thing.__doc__


def test_all_errors_are_public() -> None:
    kinds = {
        name
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.MixbridgeError)
    }
    assert kinds <= PUBLIC


def test_type_checkers_see_what_a_program_gets() -> None:
    body = ast.parse(Path(mixbridge.__file__).with_suffix(".pyi").read_text(encoding="utf-8")).body
    imports = [alias for node in body if isinstance(node, ast.ImportFrom) for alias in node.names]
    aliases = [ast.unparse(node.targets[0]) for node in body if isinstance(node, ast.Assign)]
    # In a stub, `import A as A` makes A public, and `import A` does not.
    assert sorted([alias.name for alias in imports if alias.asname == alias.name] + aliases) == sorted(PUBLIC)
    assert not [alias for alias in imports if alias.asname not in (None, alias.name)]


@pytest.mark.parametrize("name", ["mixx", "load", "push_preset", "__path_to_nowhere__"])
def test_an_unknown_name_is_an_attribute_error(name: str) -> None:
    with pytest.raises(AttributeError, match=f"'mixbridge' has no attribute '{name}'"):
        getattr(mixbridge, name)
    assert not hasattr(mixbridge, name)


def test_the_version_is_that_of_the_installation() -> None:
    assert mixbridge.__version__ == metadata.version("mixbridge")
