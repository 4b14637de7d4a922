"""The commands push, undo, pull, scene and desk, as typed."""

from __future__ import annotations

import json

import pytest
from desk_push import NAMES, named, preset, strip, target
from desk_simulator import X32Simulator
from mixbridge.presets import files
from mixbridge.presets.preset import Preset, Track


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch, quick_desks):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "160")
    return tmp_path / "state" / "mixbridge" / "snapshots"


@pytest.fixture
def desk():
    with named(X32Simulator()) as simulator:
        yield simulator


@pytest.fixture
def song(tmp_path):
    path = tmp_path / "song.json"
    files.save(preset(), path)
    return path


def sets(simulator):
    return [arrival.address for arrival in simulator.arrivals if arrival.values]


class TestPush:
    def test_a_plan(self, run, desk, song):
        done = run("push", song, "--to", target(desk), "--dry-run")
        assert done.code == 0
        assert "Behringer X32 / Midas M32 at 127.0.0.1:" in done.out
        for words in ("Lead Vox", "ch/04", "same name", "max", "eq.1.gain_db", "-30 dB", "-24 dB"):
            assert words in done.out
        assert "The master of the preset does nothing" in done.out
        assert "Levels glide over 500 ms: makeup." in done.out
        assert done.out.endswith("Nothing was sent.\n")
        assert not sets(desk)

    def test_80_columns_show_the_tracks(self, run, desk, tmp_path, monkeypatch):
        """All columns of a plan filled: one with an error in it breaks at its space, no name is cut."""
        monkeypatch.setenv("COLUMNS", "80")
        names = ("Kick In", "Bass Amp", "Keys", "Lead Vocal")
        for number, name in enumerate(("Kick", "Bass", "Piano", "LeadVox"), 1):
            desk.values[f"/ch/{number:02}/config/name"] = name
        path = tmp_path / "long.json"
        files.save(preset(names), path)
        maps = [word for number, name in enumerate(names, 1) for word in ("--map", f"{name}={number}")]
        done = run("push", path, "--to", target(desk), "--dry-run", "--faders", *maps)
        rows = [line for line in done.out.splitlines() if " as told " in line]
        assert [" ".join(row.split()[: len(name.split())]) for row, name in zip(rows, names, strict=True)] == list(
            names
        )
        assert all(len(line) <= 80 for line in done.out.splitlines())
        assert "\N{HORIZONTAL ELLIPSIS}" not in done.out

    def test_a_plan_for_machines(self, run, desk, song):
        data = run("push", song, "--to", target(desk), "--dry-run", "--json", "--only", "pan").data
        assert data["dry_run"]
        kick = data["strips"][0]
        assert (kick["track"], kick["label"], kick["matched"]) == ("Kick", "ch/01", "same name")
        assert kick["changes"] == [{"key": "pan", "now": 0.0, "then": -0.5, "address": "/ch/01/mix/pan"}]

    def test_pushed_and_taken_back(self, run, desk, song, state):
        before = dict(desk.values)
        done = run("push", song, "--to", target(desk), "--yes", "--no-ramp")
        assert done.code == 0, done
        assert "settings stand, read back from the desk" in done.out
        assert "To take it back: mixbridge undo" in done.out
        assert desk.values != before
        listed = run("undo", "--list").out
        assert next(state.iterdir()).name in listed
        assert "nothing" not in run("undo", "--dry-run").out.lower().replace("nothing was sent", "")
        back = run("undo", "--yes", "--no-ramp")
        assert back.code == 0, back
        assert "To take it back: mixbridge undo --redo" in back.out
        assert desk.values == before
        assert run("undo", "--redo", "--yes", "--no-ramp").code == 0
        assert desk.values != before

    def test_without_a_question_the_plan_is_shown_and_what_is_left_out_tells_by_the_exit_code(self, run, desk, song):
        named(desk, {4: ""})
        loud = preset(["Kick", "Bass", "Keys", "Lead Vox"])
        first, *others = loud.tracks
        compressor = first.strip.compressor.model_copy(update={"attack_ms": 1000.0})
        far = first.model_copy(update={"strip": first.strip.model_copy(update={"compressor": compressor})})
        files.save(loud.model_copy(update={"tracks": (far, *others)}), song, overwrite=True)
        arguments = ("push", song, "--to", target(desk), "--yes", "--no-ramp")
        done = run(*arguments)
        assert done.code == 3
        assert "Without a strip on the desk, and left out: Lead Vox." in done.out
        assert "attack 159.2 ms -> 120 ms" in done.out
        quiet = run("--quiet", *arguments)
        assert (quiet.code, quiet.out) == (3, "")
        assert "Kick: out of range, attack 159.2 ms -> 120 ms." in quiet.err
        assert "left out: Lead Vox" in quiet.err
        data = run(*arguments, "--json")
        assert data.code == 3
        assert data.data["is_done"]
        assert not data.data["is_whole"]
        assert any("Lead Vox" in line for line in data.data["summary"])
        assert any("159.2 ms" in line for line in data.data["summary"])
        assert run(*arguments, "--tracks", "1-3").code == 0  # left out on purpose

    def test_by_order_takes_strips_without_a_name_too(self, run, desk, tmp_path):
        path = tmp_path / "six.json"
        files.save(preset(["a", "b", "c", "d", "e", "f"]), path)
        done = run("push", path, "--to", target(desk), "--yes", "--no-ramp", "--by-order", "--json", "--only", "pan")
        assert done.code == 0
        assert [strip["number"] for strip in done.data["strips"]] == [1, 2, 3, 4, 5, 6]

    def test_for_machines(self, run, desk, song):
        data = run("push", song, "--to", target(desk), "--yes", "--no-ramp", "--json", "--tracks", "1").data
        assert data["is_verified"]
        assert data["counts"]["confirmed"] + data["counts"]["same"] == len(data["results"])
        assert data["snapshot"]
        assert run("undo", "--list", "--json").data["snapshots"][0]["file"] == data["snapshot"]

    def test_quiet(self, run, desk, song):
        done = run("--quiet", "push", song, "--to", target(desk), "--yes", "--no-ramp", "--only", "pan")
        assert (done.code, done.out, done.err) == (0, "", "")

    def test_what_is_refused_makes_it_fail(self, run, song):
        with named(X32Simulator(frozen=["/ch/01/mix/pan"])) as desk:
            done = run("push", song, "--to", target(desk), "--yes", "--no-ramp", "--only", "pan")
        assert done.code == 1
        assert "refused: ch/01 pan L50; the desk has C" in done.err
        assert "undo" in done.out

    def test_not_verified(self, run, song):
        with X32Simulator() as listener:
            at = f"generic://127.0.0.1:{listener.port}"
            done = run("push", song, "--to", at, "--by-order", "--yes", "--only", "pan,eq")
        assert done.code == 0
        assert "not verified: this desk cannot be asked" in done.out

    def test_as_told(self, run, desk, tmp_path):
        path = tmp_path / "vox.json"
        files.save(Preset(tracks=(Track(name="A=B", strip=strip(0)),)), path)
        told = ("--map", "A=B=ch/09", "--only", "pan", "--yes")
        assert run("push", path, "--to", target(desk), *told).code == 0
        assert sets(desk) == ["/ch/09/mix/pan"]

    def test_asked(self, run, desk, song, monkeypatch):
        monkeypatch.setattr("sys.stdin.isatty", lambda: True)
        questions = []
        monkeypatch.setattr("click.confirm", lambda text: bool(questions.append(text)))
        done = run("push", song, "--to", target(desk), "--only", "pan")
        assert done.code == 0
        assert questions[0].startswith("Change 3 settings on Behringer X32 / Midas M32 at 127.0.0.1:")
        assert "Nothing was sent." in done.out
        assert not sets(desk)
        monkeypatch.setattr("click.confirm", lambda text: True)
        assert run("push", song, "--to", target(desk), "--only", "pan").code == 0
        assert len(sets(desk)) == 3

    def test_stopped_by_hand(self, run, desk, song, monkeypatch):
        from mixbridge.bridge.push import pushing

        real = pushing.run

        def stopped(link, rows, ramp_ms, **how):
            return real(link, rows, ramp_ms, **{**how, "cancel": lambda: len(sets(desk)) > 10})

        monkeypatch.setattr(pushing, "run", stopped)
        done = run("push", song, "--to", target(desk), "--yes", "--no-ramp")
        assert done.code == 130
        assert "Stopped: each value on the desk is a whole one" in done.err
        assert "mixbridge undo" in done.out

    def test_a_picture(self, run, song, tmp_path):
        path = tmp_path / "plan.svg"
        done = run("push", song, "--to", "x32://desk.invalid", "--dry-run", "--offline", "--svg", path)
        assert done.code == 0
        assert path.read_text().startswith("<svg")
        assert "by order" in done.out


class TestRefused:
    def test_no_such_desk(self, refused, song):
        refused("push", song, "--to", "y32://10.0.0.1", "--yes", words=["'y32'", "x32"])
        refused("push", song, "--to", "10.0.0.1", "--yes", words=["is no target", "x32://"])
        refused("push", song, "--to", "x32://10.0.0.1:99999", "--yes", words=["65535"])

    def test_nobody_there(self, refused, song):
        with X32Simulator() as gone:
            at = target(gone)
        refused("push", song, "--to", at, "--yes", words=["Nobody listens", "Setup > Network"])
        refused("desk", "pull", "--from", at, "-o", "x.json", words=["Nobody listens"])

    def test_nothing_matches(self, refused, song, tmp_path):
        with X32Simulator() as nameless:
            refused("push", song, "--to", target(nameless), "--yes", words=["tells no names", "--map", "--by-order"])

    def test_mistyped(self, refused, run, desk, song):
        at = ("push", song, "--to", target(desk), "--yes")
        refused(*at, "--only", "eqs", words=["the sections are"])
        refused(*at, "--tracks", "40", words=["tracks 1 to 32"])
        refused(*at, "--map", "Kick", words=["Preset name=strip"])
        refused("undo", "--yes", words=["nothing to undo", "--list"])
        refused("undo", "--redo", "--yes", words=["no undo"])
        refused("undo", "xyz", "--yes", words=["no snapshot begins", "xyz"])
        refused("desk", "pull", "--from", target(desk), "-o", "-", "--name", "Vox", words=["NUMBER=NAME"])
        assert run(*at, "--ramp", "fast").code == 2
        assert run(*at, "--ramp", "2m").code == 2
        assert run(*at[:-1], "--offline").code == 2
        assert not sets(desk)

    def test_nobody_to_ask(self, run, desk, song):
        done = run("push", song, "--to", target(desk))
        assert done.code == 2
        assert "--yes" in done.err
        assert not sets(desk)


class TestPull:
    def test_to_a_file(self, run, desk, song, tmp_path):
        run("push", song, "--to", target(desk), "--yes", "--no-ramp", "--faders", "--mutes")
        out = tmp_path / "pulled.json"
        done = run("desk", "pull", "--from", target(desk), "-o", out, "--name", "3=Organ")
        assert done.code == 0, done
        pulled = files.load(out)
        assert [track.name for track in pulled.tracks] == ["Kick", "Bass", "Organ", "Lead Vox"]
        assert [track.mute for track in pulled.tracks] == [False, True, False, False]
        assert pulled.track("Kick").strip.compressor.threshold_db == -24
        again = run("desk", "pull", "--from", target(desk), "-o", out)
        assert again.code == 2
        assert "--force" in again.err

    def test_some_strips(self, run, desk):
        pulled = files.loads(run("desk", "pull", "--from", target(desk), "-o", "-", "--tracks", "2,9").out)
        assert [track.name for track in pulled.tracks] == ["Bass", "ch/09"]

    def test_what_a_preset_cannot_hold(self, run, desk):
        desk.values.update({"/ch/01/eq/1/type": 3, "/ch/01/eq/on": 1})
        done = run("desk", "pull", "--from", target(desk), "-o", "-", "--tracks", "1,2")
        assert "no filter of the kind" in done.err
        assert "Kick" in done.err


def test_names_on_a_desk_cannot_steer_a_terminal(run, desk, song):
    named(desk, {1: "Ki\x1b[2Jck", 2: "Bass\x07"})
    done = run("push", song, "--to", target(desk), "--dry-run", "--map", "Kick=1", "--only", "name,pan")
    assert done.code == 0
    assert "\x1b" not in done.out
    assert "\x07" not in done.out
    pulled = run("desk", "pull", "--from", target(desk), "-o", "-")
    assert files.loads(pulled.out).tracks[0].name == "Ki?[2Jck"


class TestScene:
    def test_there_and_back(self, run, song, tmp_path):
        scene, back = tmp_path / "song.scn", tmp_path / "back.json"
        done = run("desk", "scene", song, "-o", scene)
        assert done.code == 0
        assert "by order" in done.err
        assert run("desk", "scene", scene, "-o", back).code == 0
        assert [track.name for track in files.load(back).tracks] == list(NAMES.values())
        channel = tmp_path / "vox.chn"
        assert run("desk", "scene", song, "-o", channel, "--map", "Lead Vox=1", "--tracks", "1").code in {0, 2}
        assert run("desk", "scene", scene, "-o", tmp_path / "two.json", "--tracks", "2").code == 0

    def test_refused(self, refused, run, song, tmp_path):
        refused("desk", "scene", song, "-o", tmp_path / "song.txt", words=[".scn", ".chn"])
        refused("desk", "scene", song, "-o", tmp_path / "a.chn", words=["one track, not 4"])
        refused("desk", "scene", song, "-o", tmp_path / "a.scn", "--desk", "wing", words=["X32"])
        refused("desk", "scene", tmp_path / "none.scn", "-o", "-", words=["cannot be read"])
        other = tmp_path / "other.scn"
        other.write_text("hello")
        refused("desk", "scene", other, "-o", "-", words=["no scene or channel file"])
        assert run("desk", "scene", other, "-o", "-", "--only", "eq").code == 2


class TestDesk:
    def test_list(self, run):
        out = run("desk", "list").out
        for words in ("x32, m32", "ardour", "10023", "with an emulator"):
            assert words in out
        assert {row["name"] for row in json.loads(run("desk", "list", "--json").out)} >= {"x32", "wing", "reaper"}

    @pytest.mark.parametrize("name", ["x32", "xair", "wing", "ardour", "reaper", "ableton", "generic"])
    def test_show(self, run, name):
        out = run("desk", "show", name).out
        assert "Profile checked" in out
        assert "fader_db" in out

    def test_check(self, run, tmp_path):
        bad = tmp_path / "bad.toml"
        bad.write_text('format = "mixbridge-desk"\nversion = 1\n')
        done = run("desk", "check", bad)
        assert done.code == 1
        assert f"{bad}: " in done.out
        from mixbridge.bridge import desks

        good = desks.__path__[0] + "/x32.toml"
        assert run("desk", "check", good).out == f"{good}: good\n"
        rows = json.loads(run("desk", "check", good, bad, "--json").out)
        assert [row["ok"] for row in rows] == [True, False]

    def test_schema(self, run):
        assert "properties" in json.loads(run("desk", "schema").out)


class TestSnapshot:
    def test_kept_compared_and_restored_by_section(self, run, desk, song, tmp_path):
        file = tmp_path / "friday.json"
        done = run("desk", "snapshot", "--from", target(desk), "-o", file)
        assert done.code == 0
        assert "of 51 strips" in done.out
        before = dict(desk.values)
        assert run("desk", "diff", file, target(desk)).code == 0
        assert run("push", song, "--to", target(desk), "--yes", "--no-ramp", "--faders").code == 0
        pushed = dict(desk.values)
        found = run("desk", "diff", file, target(desk), "--json")
        assert found.code == 1
        keys = {(item["strip"], item["key"]) for item in found.data["differences"]}
        assert ("ch/01", "eq.1.gain_db") in keys
        assert ("ch/01", "fader_db") in keys
        only = run("desk", "diff", file, target(desk), "--json", "--only", "fader", "--tracks", "2").data
        assert [(item["strip"], item["key"]) for item in only["differences"]] == [("ch/02", "fader_db")]

        assert run("desk", "restore", file, "--only", "eq", "--tracks", "1-2", "--yes", "--no-ramp").code == 0
        changed = {address for address, value in desk.values.items() if value != pushed[address]}
        assert {address[:10] for address in changed} == {"/ch/01/eq/", "/ch/02/eq/"}
        assert all(desk.values[address] == before[address] for address in changed)
        assert run("undo", "--yes", "--no-ramp").code == 0
        assert desk.values == pushed
        assert run("desk", "restore", file, "--yes", "--no-ramp").code == 0
        assert desk.values == before

    def test_a_file_is_not_replaced_unless_allowed(self, run, desk, tmp_path):
        file = tmp_path / "friday.json"
        file.write_text("mine")
        assert run("desk", "snapshot", "--from", target(desk), "-o", file).code == 2
        assert file.read_text() == "mine"
        assert run("desk", "snapshot", "--from", target(desk), "-o", file, "--force").code == 0

    def test_what_cannot_be_asked_has_no_snapshot(self, run, tmp_path):
        done = run("desk", "snapshot", "--from", "generic://127.0.0.1:9", "-o", tmp_path / "x.json")
        assert done.code == 2
        assert "cannot be asked" in done.err

    def test_what_answers_there(self, run, desk):
        assert "answers: X32, called 'simulated', version 4.06." in run("desk", "show", target(desk)).out
