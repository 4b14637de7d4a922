"""`mix` and `apply`, from the command line to what lies in the folder."""

from dataclasses import replace
from pathlib import Path

import click
import numpy as np
import pytest
import soundfile as sf
from mixbridge.bridge import jobs
from mixbridge.bridge.cli.kinds import AUDIO_FORMATS, Duration, Share
from mixbridge.bridge.jobs import run_apply
from mixbridge.presets import files
from mixbridge.presets.console import Strip
from mixbridge.presets.errors import OutputError
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.audio.output import OutputFolder
from mixbridge.runtime.audio.writing import FORMATS
from mixbridge.runtime.refinement import refined
from mixbridge.runtime.refinement.refine import refine
from mixbridge.runtime.rendering.render import RenderOptions

from ..conftest import RATE_HZ, sound, write


@pytest.fixture
def preset(session):
    """A preset for the session, by other names."""
    tracks = (
        Track(name="bass", strip=Strip(fader_db=-6, pan=-0.5)),
        Track(name="Keys", strip=Strip(fx_send_db=-12)),
        Track(name="Lead Vox", mute=False),
    )
    path = session / "mine.json"
    files.save(Preset(tracks=tracks), path)
    return path


def mixed(session, run, *options):
    """Mixes the stems without more files than it takes."""
    command = ["mix", session / "stems", "--reference", session / "reference.wav", "-o", session / "out", *options]
    outcome = run(*command, "--no-stems", "--no-report")
    assert outcome.code == 0, outcome.err
    return outcome


class TestMix:
    def test_makes_everything(self, session, run):
        out = session / "my mix"
        outcome = run("mix", session / "stems", "--reference", session / "reference.wav", "-o", out)
        assert outcome.code == 0, outcome.err
        assert {path.name for path in out.iterdir()} == {"mix.wav", "stems", "preset.json", "report.html"}
        # Keys and vocal have a room, which sounds on behind the last note.
        stems = {"Bass.wav", "Keys.wav", "Vox.wav", "reverb return.wav"}
        assert {path.name for path in (out / "stems").iterdir()} == stems
        info = sf.info(out / "mix.wav")
        assert (info.samplerate, info.channels, info.subtype) == (RATE_HZ, 2, "PCM_24")
        assert RATE_HZ < info.frames < 4 * RATE_HZ
        preset = files.load(out / "preset.json")
        assert [track.name for track in preset.tracks] == ["Bass", "Keys", "Vox"]
        assert preset.provenance.reference.file == "reference.wav"
        assert str(out / "report.html") in outcome.out
        assert "LUFS" in outcome.out
        assert "Bass" in outcome.out
        assert not list(session.glob(".*"))

    def test_several_references_with_weights_are_named_everywhere(self, session, run):
        other = write(session / "b=c.wav", sound(8, 21, channels=2))
        out = session / "mix"
        references = ["--reference", f"{session / 'reference.wav'}=3", "--reference", other]
        outcome = run("mix", session / "stems", *references, "-o", out)
        assert outcome.code == 0, outcome.err
        said = files.load(out / "preset.json").provenance
        assert [(item.file, item.weight) for item in said.references] == [("reference.wav", 0.75), ("b=c.wav", 0.25)]
        assert "reference.wav (75 %), b=c.wav (25 %)" in (out / "report.html").read_text(encoding="utf-8")
        assert "reference.wav (75 %), b=c.wav (25 %)" in run("preset", "show", out / "preset.json").out

    def test_a_track_that_plays_elsewhere_is_heard_there(self, session, run):
        write(
            session / "stems" / "Guest.wav", np.concatenate([np.zeros((1, 9 * RATE_HZ), np.float32), sound(1)], axis=1)
        )
        outcome = mixed(session, run, "--window", "0")
        assert "silent" not in outcome.err
        assert files.load(session / "out" / "preset.json").track("Guest").note is None

    def test_a_track_that_is_silent_all_the_time_is_said(self, session, run):
        write(session / "stems" / "Guest.wav", np.zeros((1, 9 * RATE_HZ), np.float32))
        outcome = mixed(session, run)
        assert "silent all the time, and left as they are: Guest" in outcome.err
        assert "one channel" not in outcome.err

    def test_a_stereo_file_with_a_dead_channel_is_said(self, session, run):
        dead = np.concatenate([sound(7), np.zeros_like(sound(7))])
        write(session / "stems" / "Brass.wav", dead)
        outcome = mixed(session, run)
        assert "heard on one channel of the file alone" in outcome.err
        assert "Brass (left)" in outcome.err

    def test_a_snare_microphone_that_is_turned_is_said(self, session, run):
        top = sound(7)[:1]
        write(session / "stems" / "Snare Top.wav", top)
        write(session / "stems" / "Snare Bottom.wav", -0.5 * top)
        outcome = mixed(session, run)
        assert "Snare Bottom has the opposite polarity of Snare Top" in outcome.err

    def test_json_options_and_the_same_again_by_apply(self, session, run):
        out, again = session / "one", session / "two"
        outcome = run(
            "mix", session / "stems", "--reference", session / "reference.wav", "-o", out, "--json", "--amount", "0.5",
            "--loudness", "-20", "--ceiling", "-2", "--format", "flac", "--sample-rate", "16000", "--no-report",
        )  # fmt: skip
        data = outcome.data
        assert outcome.err == ""
        assert data["loudness_lufs"] == pytest.approx(-20, abs=0.3)
        assert data["true_peak_dbtp"] <= -2 + 0.05
        assert (data["sample_rate_hz"], data["report"]) == (16000, None)
        assert sf.info(data["mix"]).format == "FLAC"
        assert all(sf.info(stem["file"]).samplerate == 16000 for stem in data["stems"].values())
        assert "amount 0.5" in files.load(data["preset"]).provenance.note

        repeated = run(
            "apply", data["preset"], session / "stems", "-o", again, "--json", "--loudness", "-20", "--ceiling", "-2",
            "--format", "flac", "--sample-rate", "16000", "--no-report", "--no-stems",
        ).data  # fmt: skip
        assert repeated["stems"] == {}
        assert not (again / "stems").exists()
        np.testing.assert_allclose(sf.read(again / "mix.flac")[0], sf.read(out / "mix.flac")[0], atol=1e-5)

    def test_dry_run_shows_and_writes_nothing(self, session, run):
        before = sorted(session.rglob("*"))
        command = [
            "mix",
            session / "stems",
            "--reference",
            session / "reference.wav",
            "-o",
            session / "mix",
            "--dry-run",
        ]
        outcome = run(*command)
        assert outcome.code == 0, outcome.err
        assert "Nothing was written" in outcome.out
        assert str(session / "mix" / "stems" / "Vox.wav") in outcome.out
        data = run(*command, "--json", "--no-stems").data
        assert [path.rsplit("/", 1)[1] for path in data["would_write"]] == ["mix.wav", "preset.json", "report.html"]
        assert [track["name"] for track in data["preset"]["tracks"]] == ["Bass", "Keys", "Vox"]
        assert sorted(session.rglob("*")) == before

    def test_quiet_says_nothing(self, session, run):
        command = ["mix", session / "stems", "--reference", session / "reference.wav", "-o", session / "mix"]
        outcome = run("--quiet", *command, "--no-report")
        assert (outcome.code, outcome.out, outcome.err) == (0, "", "")

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (["--window", "60"], ["60 s", "1.0 s"]),
            (["--reference-window", "8"], ["8 s", "8.0 s"]),
            (["--reference", "none.wav=2"], ["none.wav", "no such file"]),
            (["--model", "nonesuch"], ["nonesuch", "default"]),
            (["--loudness", "3"], ["loudness in LUFS cannot be 3.0", "-70 to 0"]),
            (["--ceiling", "1"], ["ceiling in dBTP cannot be 1.0"]),
            (["--sample-rate", "4000"], ["4000 Hz", "8000"]),
        ],
    )
    def test_options_out_of_range(self, session, refused, options, words):
        song = session / "reference.wav"
        refused("mix", session / "stems", "--reference", song, "-o", session / "mix", *options, words=words)


class TestApply:
    def test_matches_by_likeness_and_as_told(self, session, run, preset):
        outcome = run("apply", preset, session / "stems", "-o", session / "mix", "--map", "Lead Vox=Vox")
        assert outcome.code == 0, outcome.err
        written = {path.name for path in (session / "mix" / "stems").iterdir()}
        assert written == {"bass.wav", "Keys.wav", "Lead Vox.wav", "fx return.wav"}
        assert "as told" in outcome.err
        left, right = sf.read(session / "mix" / "stems" / "bass.wav")[0].T
        assert np.sqrt((left**2).mean() / (right**2).mean()) == pytest.approx(np.tan(np.pi * 3 / 8), rel=0.01)

    def test_unmatched(self, session, refused, preset):
        words = ["Tracks without a stem: 'Lead Vox'", "Stems without a track: 'Vox'", '--map "Lead Vox=Vox"']
        refused("apply", preset, session / "stems", "-o", session / "mix", words=words)

    def test_a_factory_preset_of_one_track_is_for_all_stems(self, session, run):
        data = run("apply", "lead-vocal", session / "stems", "-o", session / "mix", "--json").data
        assert set(data["stems"]) == {"Bass", "Keys", "Vox"}
        assert len({tuple(words) for words in data["tracks"].values()}) == 1
        assert any("thresholds fit tracks at about -20 LUFS" in warning for warning in data["warnings"])
        report = Path(data["report"]).read_text(encoding="utf-8")
        assert "one passage of the tracks" in report
        assert "the model heard" not in report

    def test_dry_run_lists_the_reverb(self, session, run, preset):
        command = [
            "apply",
            preset,
            session / "stems",
            "-o",
            session / "mix",
            "--map",
            "Lead Vox=Vox",
            "--dry-run",
            "--json",
        ]
        assert str(session / "mix" / "stems" / "fx return.wav") in run(*command).data["would_write"]

    def test_a_preset_that_is_none(self, session, refused):
        words = ["reference.wav is audio, and no preset"]
        refused("apply", session / "reference.wav", session / "stems", "-o", session / "mix", words=words)


@pytest.mark.parametrize("error", [KeyboardInterrupt, OutputError("full"), RuntimeError("bug")])
def test_broken_off_at_the_very_end_nothing_is_left(session, run, monkeypatch, error):
    def stop(*_):
        raise error

    monkeypatch.setattr(jobs, "_write_report", stop)
    before = sorted(session.rglob("*"))
    outcome = run("apply", "bass", session / "stems", "-o", session / "deep" / "er" / "mix")
    assert outcome.code in {130, 2, 1}
    assert sorted(session.rglob("*")) == before


def test_run_tells_its_progress_to_the_end(session):
    shares = []
    stems = {"Bass": session / "stems" / "Bass.wav"}
    done = run_apply(
        Preset(tracks=(Track(name="Bass"),)),
        stems,
        session / "mix",
        progress=lambda share, text: shares.append((share, text)),
    )
    assert [share for share, _ in shares] == sorted(share for share, _ in shares)
    assert shares[-1] == (1.0, "writing the report")
    assert done.mix.mix_path == session / "mix" / "mix.wav"
    assert done.mix.mix_path.is_file()


class TestWarnings:
    def test_a_loudness_that_cannot_be_reached(self, session):
        clicks = np.zeros((1, RATE_HZ * 2), np.float32)
        clicks[:, :: RATE_HZ // 4] = 0.9
        stems = {"Clicks": write(session / "clicks.wav", clicks)}
        options = RenderOptions(loudness_lufs=-5)
        done = run_apply(
            Preset(tracks=(Track(name="Clicks"),)), stems, session / "mix", render_options=options, report=False
        )
        assert any("instead of -5" in warning or "not -5" in warning for warning in done.warnings)

    def test_stems_that_had_to_be_turned_down(self, session):
        stems = {"Loud": write(session / "loud.wav", sound(1, level=0.9))}
        preset = Preset(tracks=(Track(name="Loud", strip=Strip(fader_db=20)),))
        done = run_apply(preset, stems, session / "mix", report=False)
        assert any("because one would clip" in warning for warning in done.warnings)


class TestOutputFolder:
    def test_delivers_what_was_made(self, tmp_path):
        with OutputFolder(tmp_path / "a" / "b", overwrite=False) as workplace:
            (workplace / "deep").mkdir()
            (workplace / "deep" / "file").write_text("x")
            assert not (tmp_path / "a").exists()
        assert (tmp_path / "a" / "b" / "deep" / "file").read_text() == "x"
        assert [path.name for path in tmp_path.iterdir()] == ["a"]

    def test_leaves_nothing_behind_an_error_and_names_the_folder_asked_for(self, tmp_path):
        def fail(workplace):
            raise OutputError("cannot be written", workplace / "mix.wav")

        with pytest.raises(OutputError) as caught, OutputFolder(tmp_path / "out", overwrite=False) as workplace:
            fail(workplace)
        assert str(caught.value) == f"{tmp_path / 'out' / 'mix.wav'} cannot be written"
        assert not list(tmp_path.iterdir())

    def test_refuses_what_is_expected_before_the_work_and_the_rest_behind_it(self, tmp_path):
        (tmp_path / "mix.wav").write_text("old")
        with pytest.raises(OutputError, match="exists already"):
            OutputFolder(tmp_path, overwrite=False, expected=["mix.wav"])
        with pytest.raises(OutputError, match="exists already"), OutputFolder(tmp_path, overwrite=False) as workplace:
            (workplace / "mix.wav").write_text("new")
        assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("mix.wav", "old")]

    def test_overwrites_if_asked(self, tmp_path):
        (tmp_path / "mix.wav").write_text("old")
        with OutputFolder(tmp_path, overwrite=True, expected=["mix.wav"]) as workplace:
            (workplace / "mix.wav").write_text("new")
        assert (tmp_path / "mix.wav").read_text() == "new"


def test_formats_offered_are_those_that_can_be_written():
    assert tuple(FORMATS) == AUDIO_FORMATS


class TestRefine:
    @pytest.fixture(autouse=True)
    def few_renders(self, monkeypatch):
        """A search ends after three renders, as if its time were over."""

        def short(*given, progress, **options):
            def step(now):
                return progress(now) and now.renders < 3

            return replace(refine(*given, progress=step, **options), interrupted=False)

        monkeypatch.setattr(refined, "refine", short)

    def test_says_what_it_did(self, session, run):
        outcome = run(
            "mix", session / "stems", "--reference", session / "reference.wav", "-o", session / "out",
            "--refine", "10m", "--no-report",
        )  # fmt: skip
        assert outcome.code == 0, outcome.err
        assert "Refined from the prediction" in outcome.out
        assert "(3 renders): distance to the reference" in outcome.out
        assert "stopped" not in outcome.out + outcome.err

    def test_json(self, session, run):
        outcome = run(
            "mix", session / "stems", "--reference", session / "reference.wav", "-o", session / "out",
            "--refine", "600", "--refine-from", "neutral", "--json", "--no-report",
        )  # fmt: skip
        told = outcome.data["refinement"]
        assert (told["from"], told["renders"], told["stopped_early"]) == ("neutral", 3, False)
        assert 0 < told["distance_after"] <= told["distance_before"]
        assert files.load(session / "out/preset.json").provenance.model is None

    def test_without_it_there_is_none(self, session, run):
        outcome = run(
            "mix", session / "stems", "--reference", session / "reference.wav", "-o", session / "out", "--json",
            "--no-report",
        )  # fmt: skip
        assert outcome.data["refinement"] is None

    def test_dry_run_searches_and_writes_nothing(self, session, run):
        before = sorted(session.rglob("*"))
        outcome = run(
            "mix", session / "stems", "--reference", session / "reference.wav", "-o", session / "out",
            "--refine", "10m", "--dry-run",
        )  # fmt: skip
        assert outcome.code == 0, outcome.err
        assert "refined from the prediction" in outcome.out
        assert sorted(session.rglob("*")) == before

    def test_ctrl_c_goes_on_to_the_mix_and_says_so(self, session, run, monkeypatch):
        def pressed(*given, progress, **options):
            def step(now):
                if now.renders == 2:
                    raise KeyboardInterrupt
                return True

            return refine(*given, progress=step, **options)

        monkeypatch.setattr(refined, "refine", pressed)
        outcome = run(
            "mix", session / "stems", "--reference", session / "reference.wav", "-o", session / "out",
            "--refine", "10m", "--no-report",
        )  # fmt: skip
        assert outcome.code == 0, outcome.err
        assert (session / "out/mix.wav").exists()
        assert "stopped early" in outcome.out
        assert "best settings found until then" in outcome.err

    @pytest.mark.parametrize("options", [("--refine", "soon"), ("--refine", "-5s"), ("--refine-from", "neutral")])
    def test_times_that_are_none(self, session, run, options):
        outcome = run(
            "mix", session / "stems", "--reference", session / "reference.wav", "-o", session / "out", *options
        )  # fmt: skip
        assert (outcome.code, outcome.out) == (2, "")
        assert "--refine" in outcome.err
        assert not (session / "out").exists()


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("2m", 120), ("1m30s", 90), ("45", 45), (" 0.5M ", 30), ("0", 0)]
)
def test_lengths_of_time(text, seconds):
    assert Duration().convert(text, None, None) == seconds


@pytest.mark.parametrize(
    ("text", "share"), [("0.7", 0.7), ("70%", 0.7), (" 70 % ", 0.7), ("0", 0), ("1.5", 1.5), ("150%", 1.5), (1.0, 1.0)]
)
def test_shares(text, share):
    assert Share(1.5).convert(text, None, None) == pytest.approx(share)


@pytest.mark.parametrize("text", ["70", "151%", "-1", "nan", "inf", "%", "", "half", "7%0"])
def test_what_is_no_share_is_told_how_to_write_one(text):
    with pytest.raises(click.BadParameter, match=r"from 0 to 1\.5; write it as 0\.7 or 70%"):
        Share(1.5).convert(text, None, None)
