"""The study of recovering: pairs are what they say, the page tells what was measured, a stopped run goes on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

pytest.importorskip("torch", reason="needs the `train` extra")

from mixbridge.export.evaluation.material import HeldOutSession
from mixbridge.export.studies import recovery
from mixbridge.export.studies.recovery import RecoveryCase, page_text, run
from mixbridge.export.studies.recovery_pairs import drawn_values, foreign_pair, own_pair
from mixbridge.export.studies.recovery_sessions import SessionCase, drawn_strip, known_session, session_errors
from mixbridge.presets.errors import AudioError
from mixbridge.runtime.audio.loudness import integrated_loudness

RATE_HZ = 22050


def raw_voice() -> np.ndarray:
    rng = np.random.default_rng(0)
    time_s = np.arange(3 * RATE_HZ) / RATE_HZ
    tone = sum(np.sin(2 * np.pi * 150 * k * time_s) / k for k in range(1, 20))
    return (0.05 * (tone + rng.standard_normal(time_s.size)) * (np.sin(3 * time_s) > 0))[None].astype(np.float32)


def test_drawn_chains_are_those_that_people_set() -> None:
    drawn = [drawn_values(np.random.default_rng(seed), -23.0) for seed in range(60)]
    middle = {path: float(np.median([values[path] for values in drawn])) for path in drawn[0]}
    assert middle["strip.compressor.threshold_db"] == pytest.approx(-27.1, abs=1.5)
    assert 2.5 < middle["strip.compressor.ratio"] < 5
    assert middle["strip.reverb_send_db"] == pytest.approx(-14, abs=2.5)
    assert 70 < middle["strip.low_cut.freq_hz"] < 200
    assert drawn[0] != drawn[1]


def test_pairs_of_both_kinds_differ_from_the_raw_voice_and_each_other() -> None:
    raw = raw_voice()
    values = drawn_values(np.random.default_rng(4), integrated_loudness(raw, RATE_HZ))
    own, foreign = own_pair(raw, RATE_HZ, values), foreign_pair(raw, RATE_HZ, values)
    assert own.preset is not None
    assert foreign.preset is None
    for pair in (own, foreign):
        assert pair.mixed.shape == (2, raw.shape[1])
        assert np.isfinite(pair.mixed).all()
        assert 1e-3 < np.abs(pair.mixed).max() < 10
    assert np.abs(own.mixed - foreign.mixed).max() > 1e-2


def test_strips_of_sessions_are_those_that_engineers_set() -> None:
    drawn = [drawn_strip(np.random.default_rng(seed), "electric guitar", -20.0, False) for seed in range(200)]
    levels = [values["strip.fader_db"] - 20 for values in drawn]
    np.testing.assert_allclose(np.quantile(levels, [0.1, 0.5, 0.9]), (-24, -16.2, -10), atol=2.5)
    aside = np.abs([values["strip.pan"] for values in drawn])
    assert np.mean(aside < 0.46) == pytest.approx(0.5, abs=0.1)
    compressed = [values for values in drawn if "strip.compressor.ratio" in values]
    assert len(compressed) / 200 == pytest.approx(0.32, abs=0.1)
    assert drawn_strip(np.random.default_rng(0), "keys", -20.0, True)["strip.pan"] == 0
    kicks = [drawn_strip(np.random.default_rng(seed), "kick", -20.0, False)["strip.pan"] for seed in range(20)]
    assert not np.any(kicks)


def test_sessions_of_both_kinds_are_mixes_of_their_stems(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frames, roles = 2 * RATE_HZ, ("lead vocal", "kick", "bass", "keys")
    paths = {role: tmp_path / f"{role}.wav" for role in roles}
    for at, path in enumerate(paths.values()):
        sf.write(path, 0.1 * rng.standard_normal((frames, 2 if at == 3 else 1)), RATE_HZ)
    held_out = HeldOutSession("song", "composition", paths, 2.0, {role: role for role in roles})
    own, foreign = (known_session(held_out, np.random.default_rng(3), kind, 2.0) for kind in ("own", "foreign"))
    assert own.preset == foreign.preset
    assert set(own.heard) <= set(own.stems) == set(roles)
    assert np.abs(own.mix - foreign.mix).max() > 1e-2
    for known in (own, foreign):
        assert known.mix.shape == (2, next(iter(known.stems.values())).shape[1])
        assert np.isfinite(known.mix).all()
    levels, pans, sends = session_errors(own, own.preset)
    assert not any((*levels, *pans, *sends))
    silent = own.preset.model_copy(
        update={"tracks": tuple(t.model_copy(update={"mute": True}) for t in own.preset.tracks)}
    )
    assert set(session_errors(own, silent)[0]) == {40.0}


def test_the_page_tells_shares_and_misses() -> None:
    cases = [
        RecoveryCase(0, "own", "voice", 0.1, 0.5, 1.0, 30.0, 60.0),
        RecoveryCase(1, "own", "voice", 0.3, 2.5, -3.0, 30.0, 80.0),
        RecoveryCase(0, "foreign", "voice", 0.4, None, None, 30.0, 50.0),
    ]
    sessions = [
        SessionCase(0, "own", "song", 7, 0.2, 1.0, 0.01, 4.0, 50.0),
        SessionCase(1, "foreign", "song", 4, 0.4, None, 0.03, None, 40.0),
    ]
    page = page_text(cases, sessions, 30)
    assert "sessions of 4 to 7 tracks" in page
    assert "| own | 1 | 0.25 | 0.200 | 0.200 | 0.200 to 0.200 | 0.200 | 100% |" in page
    assert "to a side | 0.02, 0.028, 0.03 |" in page
    assert "Sessions" not in page_text(cases, [], 30)
    assert "| own | 2 | 0.25 | 0.200 | 0.200 | 0.120 to 0.280 | 0.300 | 50% |" in page
    assert "| foreign | 1 | 0.45 | 0.400 |" in page
    assert "dB | 1.5 | 1.5, 2.3, 2.5 | 50% |" in page
    assert "dB | 2 | 2, 2.8, 3 | 50% |" in page


def test_a_stopped_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AudioError, match=r"no session has a vocal\.flac"):
        run(tmp_path, tmp_path / "page.md", 1, 0, 3.0, 0, tmp_path / "record.jsonl", print)
    (tmp_path / "test" / "a").mkdir(parents=True)
    sf.write(tmp_path / "test" / "a" / "vocal.flac", raw_voice().T, RATE_HZ)
    measured = []

    def case(_voices: object, number: int, kind: recovery.Kind, *_: object) -> RecoveryCase:
        measured.append((number, kind))
        return RecoveryCase(number, kind, "a", 0.2, None, None, 1.0, 1.0)

    monkeypatch.setattr(recovery, "_measured", case)
    record = tmp_path / "record.jsonl"
    first = {"seed": 0, "seconds": 3.0, **vars(RecoveryCase(0, "own", "a", 0.1, 1.0, 0.5, 1.0, 1.0))}
    record.write_text(json.dumps(first) + '\n{"number": 1, "ki')  # killed while it wrote
    run(tmp_path, tmp_path / "page.md", 2, 0, 3.0, 0, record, lambda line: None)
    assert measured == [(0, "foreign"), (1, "own"), (1, "foreign")]
    assert "| own | 2 |" in (tmp_path / "page.md").read_text(encoding="utf-8")
    run(tmp_path, tmp_path / "page.md", 2, 0, 3.0, 0, record, lambda line: None)
    assert len(measured) == 3
