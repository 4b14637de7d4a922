import json

import numpy as np
import pytest
import soundfile
from mixbridge.export.roles.examples import RoleExample, named_examples
from mixbridge.export.roles.sessions import read_sessions
from mixbridge.export.roles.sounds import roughened, sung_along, swept_noise
from mixbridge.export.roles.training import RoleRequest, measured, measured_with_names, packed, run, trained
from mixbridge.presets.errors import ModelError
from mixbridge.runtime.roles.sound import load_network


def examples(count, seed):
    """Kicks and snares that differ in one of ten numbers."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        role = rng.choice(["kick", "snare"])
        features = rng.normal(0, 1, 10).astype(np.float32)
        features[3] += 8 if role == "kick" else -8
        yield RoleExample(features, str(role), "session")


def test_a_network_learns_and_is_the_same_from_its_file(tmp_path):
    network = trained(list(examples(300, 1)), seed=1, epochs=5)
    score = measured(network, examples(100, 2))
    assert score.share > 0.97
    assert sum(score.all.values()) == 100
    file = tmp_path / "sound.npz"
    file.write_bytes(packed(network))
    again = load_network(file)
    features = next(examples(1, 3)).features
    assert again.roles == ("kick", "snare")
    assert again.weights(features)["kick"] == pytest.approx(network.weights(features)["kick"], abs=1e-3)


def test_names_help_where_the_sound_misleads():
    network = trained(list(examples(300, 1)), seed=1, epochs=5)
    wrong = [RoleExample(-example.features, example.role, "session", example.role) for example in examples(50, 4)]
    assert measured(network, wrong).share < 0.1
    assert measured_with_names(network, wrong).share == 1


def test_the_same_seed_gives_the_same_network():
    one, other = (packed(trained(list(examples(50, 1)), seed=7, epochs=2)) for _ in range(2))
    assert one == other


def test_roles_of_a_corpus(tmp_path):
    folder = tmp_path / "song"
    folder.mkdir()
    stems = [
        ("guitar", "nylon guitar", "acoustic guitar"), ("guitar", "overdriven guitar", "electric guitar"),
        ("vocal", "spoken rms", "speech"), ("vocal", "singer", "lead vocal"), ("choir", "voice oohs", "backing vocal"),
        ("strings", "synth strings 1", "strings"), ("strings", "cello", "strings"), ("hats", "jazz kit", "hi-hat"),
    ]  # fmt: skip
    entries = [
        {"file": f"{place}.flac", "role": word, "instrument": instrument}
        for place, (word, instrument, _) in enumerate(stems)
    ]
    (folder / "meta.json").write_text(json.dumps({"name": "song", "seconds": 60, "stems": entries}))
    (session,) = read_sessions(tmp_path)
    assert [stem.role for stem in session.stems] == [role for _, _, role in stems]


def test_recorded_stems_are_labelled_by_names_that_are_sure(tmp_path):
    noise = 0.1 * np.random.default_rng(0).standard_normal(3 * 44100)
    for name in ("song/Kick In.wav", "song/Vox.flac", "other/Lead Vox.flac", "other/Audio 30.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        soundfile.write(tmp_path / name, noise, 44100)
    soundfile.write(tmp_path / "song" / "Snare.wav", np.zeros(3 * 44100), 44100)
    (tmp_path / "song" / "Bass.txt").write_text("no sound")
    found = list(named_examples(tmp_path, seed=1, each=2))
    # A silent stem teaches nothing; "Vox" may lead or back.
    assert [(example.role, example.group) for example in found] == [
        ("lead vocal", "other"), ("lead vocal", "other"), ("kick", "song"), ("kick", "song")
    ]  # fmt: skip
    assert all(np.isfinite(example.features).all() for example in found)


def test_sounds_stay_finite_and_as_long():
    audio = (0.1 * np.random.default_rng(0).standard_normal((2, 44100))).astype(np.float32)
    for seed in range(12):
        rng = np.random.default_rng(seed)
        rough = roughened(audio[: 1 + seed % 2], [audio], (-30, -10), rng)
        assert rough.shape[1] == 44100
        for sound in (rough, sung_along(audio, rng), swept_noise(44100, rng)):
            assert np.isfinite(sound).all()
            assert np.abs(sound).max() > 1e-3


def test_a_corpus_without_sessions_is_said(tmp_path):
    with pytest.raises(ModelError, match="mixbridge model corpus"):
        run(RoleRequest(tmp_path, tmp_path / "sound.npz"), print)
