"""Checkpoints: those that fit load, and every other is refused with its name and what is wrong with it."""

import pickle
import zipfile
import zlib

import pytest
import torch
from mixbridge.export.reference import checkpoint as reference_checkpoint
from mixbridge.export.reference.checkpoint import load_reference_checkpoint
from mixbridge.export.reference.model import ReferenceConfig
from mixbridge.presets.errors import ModelError


def _constant(name, shape):
    """One number, told by the name, stretched to the shape: a checkpoint of them is small whatever its shapes."""
    if name.endswith("num_batches_tracked"):
        return torch.tensor(zlib.crc32(name.encode()))
    return torch.tensor(zlib.crc32(name.encode()) / 2**32).expand(shape)


@pytest.fixture
def state(golden_state):
    """The weights of a small model, with the prefix."""
    return {name: _constant(name, shape) for name, shape in golden_state.shapes.items()}


@pytest.fixture
def small(golden_state):
    return golden_state.config


@pytest.fixture
def saved(tmp_path):
    def save(content):
        path = tmp_path / "diff-mst.ckpt"
        torch.save(content, path)
        return path

    return save


def _assert_holds(model, state):
    own = model.state_dict()
    assert own.keys() == {name.removeprefix("model.") for name in state}
    for name, value in state.items():
        assert (own[name.removeprefix("model.")] == value).all(), name


def test_a_lightning_checkpoint_loads(saved, state):
    content = {
        "epoch": 3,
        "pytorch-lightning_version": "2.4.0",
        "state_dict": {**state, "loss.weights": torch.ones(5), "mix_console.window": torch.ones(3)},
        "hyper_parameters": {"lr": 1e-5},
    }
    model = load_reference_checkpoint(saved(content))
    _assert_holds(model, state)
    assert model.config == ReferenceConfig(embed_dim=32, num_layers=2, nhead=8)
    assert not model.training


def test_a_plain_state_dict_loads(saved, state):
    plain = {name.removeprefix("model."): value for name, value in state.items()}
    _assert_holds(load_reference_checkpoint(saved(plain)), state)


def test_heads_are_those_of_the_config(saved, state, small):
    model = load_reference_checkpoint(str(saved(state)), small)
    assert {layer.self_attn.num_heads for layer in model.controller.transformer_encoder.layers} == {4}


def test_half_precision_is_widened(saved, state):
    # One is enough, and less to widen.
    name = "model.controller.track_embedding"
    state[name] = state[name].half()
    model = load_reference_checkpoint(saved(state))
    assert {tensor.dtype for tensor in model.state_dict().values()} == {torch.float32, torch.int64}


def test_loaded_weights_compute(saved, state):
    model = load_reference_checkpoint(saved(state))
    with torch.inference_mode():
        outputs = model.controller(torch.ones(1, 3, 32), torch.ones(1, 2, 32))
    assert all(head.isfinite().all() for head in outputs)
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_a_partial_checkpoint_is_refused_by_name(saved, state):
    partial = {name: value for name, value in state.items() if "mix_encoder" not in name}
    path = saved(partial)
    with pytest.raises(ModelError) as caught:
        load_reference_checkpoint(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "75 missing (mix_encoder.window, " in message
    assert "and 65 more)" in message
    assert "unexpected" not in message
    assert "Use a checkpoint of the whole Diff-MST model" in message


def test_what_the_model_does_not_have_is_named(saved, state):
    with pytest.raises(ModelError, match=r"1 unexpected \(vocoder\.weight\)"):
        load_reference_checkpoint(saved({**state, "model.vocoder.weight": torch.ones(2)}))


def test_wrong_shapes_are_named_with_both(saved, state):
    state["model.controller.track_projection.weight"] = torch.ones(28, 32)
    state["model.track_encoder.window"] = torch.ones(2048, dtype=torch.int64)
    with pytest.raises(ModelError) as caught:
        load_reference_checkpoint(saved(state))
    message = str(caught.value)
    assert "2 of the wrong shape" in message
    assert "controller.track_projection.weight is float (28, 32) instead of float (27, 32)" in message
    assert "track_encoder.window is int64 (2048,) instead of float (2048,)" in message


def test_another_size_than_asked_for_is_refused(saved, state):
    with pytest.raises(ModelError, match="width 64 with 2 layers"):
        load_reference_checkpoint(saved(state), ReferenceConfig(64, 2, 4))


def test_a_model_without_a_controller_is_refused(saved, state):
    encoders = {name: value for name, value in state.items() if "controller" not in name}
    with pytest.raises(ModelError, match=r"22 missing \(controller\.track_embedding, "):
        load_reference_checkpoint(saved(encoders))


def test_a_width_that_heads_cannot_share_asks_for_a_config(saved, state):
    state["model.track_encoder.model.fc.weight"] = torch.ones(30, 2048)
    with pytest.raises(ModelError, match=r"width 30 .* Pass the ReferenceConfig"):
        load_reference_checkpoint(saved(state))


def test_sizes_beyond_belief_are_refused_before_anything_is_built(saved, state):
    state["model.track_encoder.model.fc.weight"] = torch.ones(1, 1).expand(2**40, 2048)
    with pytest.raises(ModelError, match="not to be believed"):
        load_reference_checkpoint(saved(state))


@pytest.mark.parametrize(
    "content", [{"generator.weight": torch.ones(3, 3)}, {}, {"state_dict": {}}, {"track_encoder.model.fc.weight": 3}]
)
def test_weights_of_something_else_are_refused(saved, content):
    with pytest.raises(ModelError, match="its width is unknown"):
        load_reference_checkpoint(saved(content))


@pytest.mark.parametrize("content", [[1, 2], torch.ones(3), {"state_dict": [1]}])
def test_a_file_without_a_state_dict_is_refused(saved, content):
    with pytest.raises(ModelError, match="holds no state dict"):
        load_reference_checkpoint(saved(content))


class _Trap:
    """Unpickled as Python objects are, it writes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return exec, (f"open({str(self.path)!r}, 'w')",)


def test_code_in_a_checkpoint_is_not_run(saved, state, tmp_path):
    trap = tmp_path / "sprung"
    path = saved({"state_dict": state, "hyper_parameters": _Trap(trap)})
    with pytest.raises(ModelError, match="could run code") as caught:
        load_reference_checkpoint(path)
    assert str(path) in str(caught.value)
    assert not trap.exists()


def test_code_in_a_bare_pickle_is_not_run(tmp_path):
    trap, path = tmp_path / "sprung", tmp_path / "old.ckpt"
    path.write_bytes(pickle.dumps(_Trap(trap)))
    with pytest.raises(ModelError, match=r"is not a checkpoint of torch 1\.6 or later"):
        load_reference_checkpoint(path)
    assert not trap.exists()


def test_a_damaged_checkpoint_is_refused(saved, state):
    path = saved(state)
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(ModelError, match="or is damaged"):
        load_reference_checkpoint(path)


@pytest.mark.parametrize("content", [b"", b"RIFF....WAVE", b"PK\x03\x04 and nothing behind"])
def test_what_is_no_archive_is_refused(tmp_path, content):
    path = tmp_path / "song.wav"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"song\.wav: is not a checkpoint"):
        load_reference_checkpoint(path)


def test_an_archive_of_something_else_is_refused(tmp_path):
    path = tmp_path / "stems.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("vocal.wav", b"RIFF")
    with pytest.raises(ModelError, match="cannot be read as weights"):
        load_reference_checkpoint(path)


def test_missing_files_and_folders_are_refused(tmp_path):
    for path in (tmp_path, tmp_path / "nowhere.ckpt"):
        with pytest.raises(ModelError, match="there is no such file"):
            load_reference_checkpoint(path)


def test_views_that_unfold_to_too_much_are_refused_unbuilt(saved, state):
    state["model.track_encoder.model.fc.weight"] = torch.ones(1, 1).half().expand(8192, 2048)
    state["model.controller.track_embedding"] = torch.ones(1, 1).half().expand(2**20, 8192)
    path = saved(state)
    assert path.stat().st_size < 2**30
    with pytest.raises(ModelError, match=r"unfolds to 3\d\.\d GiB"):
        load_reference_checkpoint(path)


def test_what_unpacks_to_too_much_is_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr(reference_checkpoint, "MAX_BYTES", 2**20)
    path = tmp_path / "bomb.ckpt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data/0", bytes(2**21))
    assert path.stat().st_size < 2**14
    with pytest.raises(ModelError, match="more than 1 MiB is not loaded"):
        load_reference_checkpoint(path)
