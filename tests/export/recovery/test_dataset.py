"""A folder of pairs: matched by name, gone on with where it was stopped, each pair's problem told."""

from __future__ import annotations

import json
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest
import soundfile as sf

pytest.importorskip("torch", reason="needs the `train` extra")

from mixbridge.export.pairs.lags import Lags
from mixbridge.export.recovery import dataset as recovery_dataset
from mixbridge.export.recovery.dataset import PairOutcome, list_pairs, recover_dataset, table_of
from mixbridge.export.recovery.files import RecoveryResult, read_whole, recover, source_of
from mixbridge.presets.errors import AudioError, MixbridgeError, OutputError
from mixbridge.presets.files import save
from mixbridge.presets.preset import Preset, Provenance, Track
from mixbridge.runtime.audio.reading import Samples
from mixbridge.runtime.audio.workplace import PREFIX, RESULTS, SUFFIX

from .conftest import RATE_HZ, sung


def folder_of(path: Path, raw: tuple[str, ...], mixed: tuple[str, ...]) -> Path:
    for side, names in (("raw", raw), ("mixed", mixed)):
        (path / side).mkdir(parents=True)
        for name in names:
            sf.write(path / side / name, sung(len(name), 2.0).T, RATE_HZ)
    return path


def preset_file(output: Path, name: str, raw: Path, mixed: Path) -> Path:
    output.mkdir(parents=True, exist_ok=True)
    note = "Recovered from a and b: STFT distance 0.1234 of the raw recording's. The settings explain 88%."
    made = Preset(
        tracks=(Track(name=name, source=source_of(raw)),),
        provenance=Provenance(reference=source_of(mixed), note=note),
    )
    save(made, output / f"{name}.json")
    return output / f"{name}.json"


def test_pairs_are_matched_by_name(tmp_path: Path) -> None:
    dataset = folder_of(tmp_path / "set", ("a.wav", "b.flac", "only.wav"), ("a.flac", "b.wav", "alone.wav"))
    (dataset / "raw" / "notes.txt").write_text("not audio")
    found = list_pairs(dataset)
    assert [pair.name for pair in found.pairs] == ["a", "b"]
    assert found.pairs[0].mixed.name == "a.flac"
    assert len(found.unmatched) == 2
    assert "only.wav: has no partner of its name among the mixed files" in found.unmatched[0]
    with pytest.raises(AudioError, match="no file has a partner of its name"):
        list_pairs(dataset / "raw")


def test_pairs_are_those_that_are_trained_on(tmp_path: Path) -> None:
    names = (("\u00c9lo\u00efse.wav", "Bob_raw.wav"), ("E\u0301loi\u0308se.wav", "bob_mix.wav"))
    dataset = folder_of(tmp_path / "set", *names)
    (dataset / "raw" / "song").mkdir()
    for file in ("raw/song/bass.wav", "raw/song/vox.wav", "mixed/song.wav"):
        sf.write(dataset / file, sung(1, 1.0).T, RATE_HZ)
    found = list_pairs(dataset)
    assert [(pair.raw.name, pair.mixed.name) for pair in found.pairs] == list(zip(*names, strict=True))[::-1]
    (told,) = found.unmatched
    assert "is a song of 2 tracks" in told
    assert "--mix" in told


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    dataset = folder_of(tmp_path / "set", ("a.wav", "a.flac"), ("a.wav",))
    with pytest.raises(AudioError, match="has the same name"):
        list_pairs(dataset)


def test_what_was_made_of_the_same_files_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = folder_of(tmp_path / "set", ("a.wav", "bb.wav", "ccc.wav"), ("a.wav", "bb.wav", "ccc.wav"))
    pairs = {pair.name: pair for pair in list_pairs(dataset).pairs}
    output = tmp_path / "presets"
    preset_file(output, "bb", pairs["bb"].raw, pairs["bb"].mixed)
    asked = []

    def recovered(raw: Path, *_: object, **__: object) -> RecoveryResult:
        asked.append(raw.stem)
        raise AudioError(f"{raw}: broken")

    monkeypatch.setattr(recovery_dataset, "recover", recovered)
    told: list[tuple[str, int, int]] = []
    outcomes = recover_dataset(
        dataset, output, jobs=1, done=lambda outcome, number, total: told.append((outcome.name, number, total))
    )
    assert asked == ["a", "ccc"]
    assert [outcome.name for outcome in outcomes] == ["a", "bb", "ccc"]
    assert outcomes[1] == PairOutcome("bb", 0.1234, True, "", output / "bb.json")
    assert outcomes[0].problem.endswith("a.wav: broken")
    assert told[-1][1:] == (3, 3)
    table = table_of(outcomes, ["x.wav: has no partner"])
    assert "bb   88%  (was there)" in table
    assert "1 of 3 pairs recovered" in table
    assert table.endswith("x.wav: has no partner")


def test_a_preset_of_other_files_is_not_replaced(tmp_path: Path) -> None:
    dataset = folder_of(tmp_path / "set", ("a.wav",), ("a.wav",))
    (pair,) = list_pairs(dataset).pairs
    output = tmp_path / "presets"
    file = preset_file(output, "a", pair.raw, pair.mixed)
    sf.write(pair.mixed, sung(50, 2.0).T, RATE_HZ, subtype="FLOAT")
    with pytest.raises(OutputError, match="made of other files"):
        recover_dataset(dataset, output, jobs=1)
    assert file.exists()


def test_a_folder_is_searched_quickly_unless_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner
    from mixbridge.bridge.cli.main import cli
    from mixbridge.export.recovery import files as recovery_files
    from mixbridge.export.recovery.passages import FULL, QUICK

    dataset = folder_of(tmp_path / "set", ("a.wav",), ("a.wav",))
    asked = []

    def recovered(raw: Path, *_: object, effort: object, **__: object) -> RecoveryResult:
        asked.append(effort)
        raise AudioError(f"{raw}: broken")

    monkeypatch.setattr(recovery_dataset, "recover", recovered)
    monkeypatch.setattr(recovery_files, "recover", recovered)
    pair = [str(dataset / side / "a.wav") for side in ("raw", "mixed")]
    for given in ([str(dataset)], [str(dataset), "--effort", "full"], pair, [*pair, "--effort", "quick"]):
        CliRunner().invoke(cli, ["recover", *given, "-o", str(tmp_path / "out"), "--jobs", "1"])
    assert asked == [QUICK, FULL, FULL, QUICK]
    run = CliRunner().invoke(cli, ["recover", *pair, "--mix", pair[1], "-o", "x.json", "--effort", "quick"])
    assert run.exit_code == 2
    assert "--effort is for pairs" in run.output


@pytest.mark.slow
def test_workers_tell_what_is_no_pair_and_leave_nothing(tmp_path: Path) -> None:
    dataset = folder_of(tmp_path / "set", ("a.wav", "bb.wav"), ())
    for name, seed in (("a.wav", 91), ("bb.wav", 92)):
        sf.write(dataset / "mixed" / name, sung(seed, 2.0).T, RATE_HZ, subtype="FLOAT")
    outcomes = recover_dataset(dataset, tmp_path / "presets", jobs=2)
    assert all("this is no pair" in outcome.problem for outcome in outcomes)
    assert not (tmp_path / "presets").exists() or not list((tmp_path / "presets").iterdir())


def test_a_delivery_that_a_kill_broke_off_is_finished_first(tmp_path: Path) -> None:
    dataset = folder_of(tmp_path / "set", ("a.wav",), ("a.wav",))
    (pair,) = list_pairs(dataset).pairs
    output = tmp_path / "presets"
    output.mkdir()
    left = output / f"{PREFIX}0000dead{SUFFIX}"
    made = preset_file(left / RESULTS, "a", pair.raw, pair.mixed).read_bytes()
    (output / "a.report.html").write_text("moved before the kill")
    (left / "journal.json").write_text(json.dumps({"folder": "", "files": ["a.json", "a.report.html"]}))
    outcomes = recover_dataset(dataset, output, jobs=1)
    assert outcomes == (PairOutcome("a", 0.1234, True, "", output / "a.json"),)
    assert (output / "a.json").read_bytes() == made
    assert sorted(path.name for path in output.iterdir()) == ["a.json", "a.report.html"]


def test_the_exit_code_says_how_many_pairs_were_recovered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner
    from mixbridge.bridge.cli.main import cli

    dataset = folder_of(tmp_path / "set", ("a.wav", "bb.wav"), ("a.wav", "bb.wav"))
    pairs = {pair.name: pair for pair in list_pairs(dataset).pairs}
    output = tmp_path / "presets"

    def refused(raw: Path, *_: object, **__: object) -> RecoveryResult:
        raise AudioError(f"{raw}: broken")

    def broken_off(*_: object, **__: object) -> RecoveryResult:
        raise KeyboardInterrupt

    command = ["recover", str(dataset), "-o", str(output), "--jobs", "1"]
    monkeypatch.setattr(recovery_dataset, "recover", broken_off)
    assert f"stays in {output}; the same command goes on" in CliRunner().invoke(cli, command).output
    monkeypatch.setattr(recovery_dataset, "recover", refused)
    assert CliRunner().invoke(cli, command).exit_code == 1
    preset_file(output, "a", pairs["a"].raw, pairs["a"].mixed)
    run = CliRunner().invoke(cli, command)
    assert run.exit_code == 3
    assert "1 of 2 pairs recovered" in run.output
    preset_file(output, "bb", pairs["bb"].raw, pairs["bb"].mixed)
    assert CliRunner().invoke(cli, command).exit_code == 0


def test_folders_that_look_swapped_are_told_before_anything_is_recovered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from click.testing import CliRunner
    from mixbridge.bridge.cli.main import cli

    dataset = folder_of(tmp_path / "set", ("a.wav", "bb.wav", "ccc.wav"), ("a.wav", "bb.wav", "ccc.wav"))
    monkeypatch.setattr(recovery_dataset, "looks_turned", lambda raw, mixed, rate_hz: len(told) == 0)
    told: list[str] = []

    def recovered(raw: Path, *_: object, **__: object) -> RecoveryResult:
        raise AudioError(f"{raw}: broken")

    monkeypatch.setattr(recovery_dataset, "recover", recovered)
    command = ["recover", str(dataset), "-o", str(tmp_path / "presets"), "--jobs", "1"]
    run = CliRunner().invoke(cli, command)
    assert "note: In 3 of 3 pairs the raw file is denser" in run.stderr
    notes = json.loads(CliRunner().invoke(cli, [*command, "--json"]).stdout)["notes"]
    assert len(notes) == 1
    told.append("no longer")
    assert "note:" not in CliRunner().invoke(cli, command).output


def test_a_pair_is_aligned_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mixbridge.export.pairs import check

    dataset = folder_of(tmp_path / "set", ("a.wav", "bb.wav"), ("a.wav", "bb.wav"))
    searched: list[int] = []
    find_lags = check.find_lags

    def counted(first: Samples, second: Samples, sample_rate_hz: int) -> Lags:
        searched.append(len(first))
        return find_lags(first, second, sample_rate_hz)

    def recovered(raw: Path, mixed: Path, *_: object, lags: Lags, **__: object) -> RecoveryResult:
        first, second = (read_whole(path, RATE_HZ) for path in (raw, mixed))
        one, other = (check.match_pair(first, second, RATE_HZ, lags=known) for known in (lags, None))
        searched.pop()  # the other's
        assert (one.offset_s, one.is_inverted, one.likeness) == (other.offset_s, other.is_inverted, other.likeness)
        assert (one.mixed == other.mixed).all()
        raise AudioError(f"{raw}: broken")

    monkeypatch.setattr(check, "find_lags", counted)
    monkeypatch.setattr(recovery_dataset, "recover", recovered)
    outcomes = recover_dataset(dataset, tmp_path / "presets", jobs=1, warned=lambda note: None)
    assert [outcome.problem.rpartition(": ")[2] for outcome in outcomes] == ["broken", "broken"]
    assert len(searched) == 2


def test_two_at_once_do_not_write_into_one_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = folder_of(tmp_path / "set", ("a.wav",), ("a.wav",))
    output = tmp_path / "presets"
    refusals = []

    def recovered(raw: Path, *_: object, **__: object) -> RecoveryResult:
        with pytest.raises(OutputError, match=r"another `mixbridge recover` right now \(process \d+ of") as refusal:
            recover_dataset(dataset, output, jobs=1)
        refusals.append(refusal)
        raise AudioError(f"{raw}: broken")

    monkeypatch.setattr(recovery_dataset, "recover", recovered)
    recover_dataset(dataset, output, jobs=1)
    assert len(refusals) == 1


def test_a_process_ended_from_outside_is_told_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = folder_of(tmp_path / "set", ("a.wav", "bb.wav"), ("a.wav", "bb.wav"))

    class Broken:
        def __init__(self, *_: object) -> None: ...

        def submit(self, *_: object) -> Future[PairOutcome]:
            future: Future[PairOutcome] = Future()
            future.set_exception(BrokenProcessPool("a child process terminated abruptly"))
            return future

        def shutdown(self, **_: object) -> None: ...

    monkeypatch.setattr(recovery_dataset, "ProcessPoolExecutor", Broken)
    with pytest.raises(MixbridgeError, match=r"one of 2 processes was ended from outside.*fewer --jobs"):
        recover_dataset(dataset, tmp_path / "presets", jobs=4)


def test_a_name_that_no_track_can_have_is_refused_before_the_work(tmp_path: Path) -> None:
    dataset = folder_of(tmp_path / "set", ("a.wav",), ("a.wav",))
    (pair,) = list_pairs(dataset).pairs
    with pytest.raises(AudioError, match="longer than 200 letters"):
        recover(pair.raw, pair.mixed, tmp_path / "a.json", name="x" * 201)
    with pytest.raises(AudioError, match="a track cannot be called"):
        recover(pair.raw, pair.mixed, tmp_path / "a.json", name="x\udcff")
    assert not (tmp_path / "a.json").exists()
