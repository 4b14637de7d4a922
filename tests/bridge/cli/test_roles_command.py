"""Roles from the command line into the preset: found out, told, told wrongly."""

from mixbridge.presets import files
from mixbridge.presets.preset import LINKED

from ..conftest import sound, write


def mix(session, run, *options):
    out = session / "out"
    outcome = run(
        "mix", session / "stems", "--reference", session / "reference.wav", "-o", out, "--no-stems", "--no-report",
        "--force", *options,
    )  # fmt: skip
    return outcome, files.load(out / "preset.json") if outcome.code == 0 else None


def test_roles_and_pairs_are_in_the_preset(session, run):
    for seed, name in enumerate(("OH L", "OH R"), start=20):
        write(session / "stems" / f"{name}.wav", sound(1, seed))
    outcome, preset = mix(session, run, "--role", "Keys=Strings")
    assert outcome.code == 0, outcome.err
    assert {track.name: track.role for track in preset.tracks} == {
        "Bass": "bass", "Keys": "strings", "OH L": "overhead", "OH R": "overhead", "Vox": "lead vocal",
    }  # fmt: skip
    left, right = preset.track("OH L"), preset.track("OH R")
    assert left.link == right.link == "OH"
    assert (left.strip.pan, right.strip.pan) == (-1, 1)
    assert all(getattr(left.strip, name) == getattr(right.strip, name) for name in LINKED)
    assert preset.track("Bass").link is None


def test_unknown_roles_and_tracks_are_said(session, run):
    outcome, _ = mix(session, run, "--role", "Keys=singer")
    assert outcome.code == 2
    assert '"singer" is no role' in outcome.err
    assert "lead vocal" in outcome.err
    outcome, _ = mix(session, run, "--role", "Bas=bass")
    assert outcome.code == 2
    assert 'did you mean "Bass"?' in outcome.err
    outcome, _ = mix(session, run, "--role", "Keys")
    assert outcome.code == 2
    assert "TRACK=ROLE" in outcome.err
    assert not (session / "out").exists()
