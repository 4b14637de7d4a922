"""Pushing to a simulated X32: what is set, what is left alone, what is heard, and the way back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from desk_push import NAMES, named, preset, target
from desk_simulator import X32Simulator
from mixbridge.bridge.desks.loading import load_desk
from mixbridge.bridge.fitting.preset import fit_preset
from mixbridge.bridge.fitting.unfit import unfit
from mixbridge.bridge.push import snapshots
from mixbridge.bridge.push.pulling import pull_preset
from mixbridge.bridge.push.pushing import PushOptions, plan_push, push_preset
from mixbridge.bridge.push.remote import pusher
from mixbridge.bridge.push.scope import SECTIONS, Scope, parse_sections, parse_strips
from mixbridge.bridge.push.undoing import UndoOptions, plan_undo, undo
from mixbridge.presets.console import EqBand, Equalizer, Master
from mixbridge.presets.errors import DeskError, OutputError
from mixbridge.presets.lanes.lane import lane
from mixbridge.presets.preset import Preset, Track
from udp_peer import Weather

EVERYTHING = Scope(frozenset(SECTIONS))
QUICK = PushOptions(ramp_ms=0.0)


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Snapshots of tests are not kept with the user's."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "mixbridge" / "snapshots"


@pytest.fixture
def desk() -> Iterator[X32Simulator]:
    with named(X32Simulator()) as simulator:
        yield simulator


def sets(simulator: X32Simulator) -> set[str]:
    return {arrival.address for arrival in simulator.arrivals if arrival.values}


def last_undo(*, redo: bool = False) -> snapshots.Stored:
    return snapshots.next_undo(snapshots.stored()[0], redo=redo)


class TestDryRun:
    def test_changes_nothing(self, desk: X32Simulator, state: Path) -> None:
        before = dict(desk.values)
        plan = plan_push(preset(), target(desk))
        assert plan.changes
        assert plan.is_read
        assert desk.values == before
        assert not sets(desk)
        assert not state.exists()

    def test_says_what_is_and_what_will_be(self, desk: X32Simulator) -> None:
        plan = plan_push(preset(), target(desk))
        row = next(row for row in plan.changes if row.setting.address == "/ch/01/dyn/thr")
        assert (row.now_value, row.then_value) == (-30.0, -24.0)

    def test_offline_needs_no_desk_and_takes_strips_in_order(self) -> None:
        plan = plan_push(preset(), "x32://mixer.invalid", offline=True)
        assert [strip.label for strip in plan.strips] == ["ch/01", "ch/02", "ch/03", "ch/04"]
        assert not plan.is_read
        assert any("was not asked" in note for note in plan.notes)


class TestScope:
    def test_faders_and_mutes_and_names_are_left_alone(self, desk: X32Simulator) -> None:
        result = push_preset(preset(), target(desk), QUICK)
        assert result.is_verified
        assert {name.rpartition("/")[2] for name in sets(desk)}.isdisjoint({"fader", "name"})
        assert not any(name.endswith("mix/on") for name in sets(desk))
        assert "/ch/01/eq/1/g" in sets(desk)
        assert "/ch/01/preamp/trim" not in sets(desk)  # it stood at 0

    def test_only_what_is_named(self, desk: X32Simulator) -> None:
        push_preset(preset(), target(desk), replace(QUICK, scope=Scope(frozenset({"pan"}))))
        assert sets(desk) == {"/ch/01/mix/pan", "/ch/02/mix/pan", "/ch/04/mix/pan"}

    def test_faders_and_mutes_where_asked_for(self, desk: X32Simulator) -> None:
        scope = Scope(frozenset({"fader", "mute"}))
        result = push_preset(preset(), target(desk), replace(QUICK, scope=scope))
        assert result.is_verified
        assert desk.unit("/ch/01/mix/fader") == pytest.approx(-6.0, abs=0.05)
        assert desk.values["/ch/02/mix/on"] == 0

    def test_only_these_strips(self, desk: X32Simulator) -> None:
        strips = parse_strips("2,4", load_desk("x32"))
        push_preset(preset(), target(desk), replace(QUICK, scope=Scope(strips=strips)))
        assert {name[:6] for name in sets(desk)} == {"/ch/02", "/ch/04"}

    def test_a_master_that_does_nothing_is_left_alone_unless_asked_for(self, desk: X32Simulator) -> None:
        plan = plan_push(preset(), target(desk))
        assert [strip.placed.track for strip in plan.strips] == list(NAMES.values())
        assert any("master" in note for note in plan.notes)
        asked = PushOptions(scope=Scope(strips=parse_strips("master", load_desk("x32"))))
        assert [strip.label for strip in plan_push(preset(), target(desk), asked).strips] == ["main/st"]
        loud = Master(eq=Equalizer(band1=EqBand(gain_db=2)))
        assert plan_push(preset(master=loud), target(desk)).strips[-1].label == "main/st"

    def test_thresholds_without_their_trim_are_told_of(self, desk: X32Simulator) -> None:
        desk.values["/ch/03/preamp/trim"] = 1.0
        options = PushOptions(scope=Scope(frozenset({"dynamics"})))
        notes = " ".join(plan_push(preset(), target(desk), options).notes)
        assert "another trim than the desk has on ch/03 (+18.0 dB)" in notes
        with_trims = replace(options, scope=Scope(frozenset({"dynamics", "trim"})))
        assert "another trim" not in " ".join(plan_push(preset(), target(desk), with_trims).notes)

    def test_trims_are_left_alone_until_faders_are_asked_for(self, desk: X32Simulator) -> None:
        """Gates and pre-fader monitors follow them."""
        desk.values["/ch/03/preamp/trim"] = 1.0
        assert push_preset(preset(), target(desk), QUICK).is_verified
        assert desk.unit("/ch/03/preamp/trim") == 18.0
        faders = Scope(parse_sections(None, faders=True))
        assert push_preset(preset(), target(desk), replace(QUICK, scope=faders)).is_verified
        assert desk.unit("/ch/03/preamp/trim") == 0.0

    def test_a_desk_has_none_of_it(self, desk: X32Simulator) -> None:
        with pytest.raises(DeskError, match=r"nothing of send to be set.*other sections"):
            plan_push(preset(), target(desk), PushOptions(scope=Scope(frozenset({"send"}))))


class TestThereAndBack:
    def test_undo_restores_it_to_the_bit(self, desk: X32Simulator) -> None:
        before = dict(desk.values)
        result = push_preset(preset(), target(desk), replace(QUICK, scope=EVERYTHING))
        assert result.is_verified
        assert result.snapshot is not None
        pushed = dict(desk.values)
        assert pushed != before
        back = undo(last_undo(), UndoOptions(ramp_ms=0.0))
        assert back.is_verified
        assert desk.values == before
        again = undo(last_undo(redo=True), UndoOptions(ramp_ms=0.0))
        assert again.is_verified
        assert desk.values == pushed

    def test_each_undo_goes_one_push_back(self, desk: X32Simulator) -> None:
        states = [dict(desk.values)]
        for threshold_db in (-20.0, -30.0):
            track = preset().tracks[0]
            compressor = track.strip.compressor.model_copy(update={"threshold_db": threshold_db})
            changed = track.model_copy(update={"strip": track.strip.model_copy(update={"compressor": compressor})})
            assert push_preset(Preset(tracks=(changed,)), target(desk), QUICK).is_verified
            states.append(dict(desk.values))
        for state in reversed(states[:-1]):
            undo(last_undo(), UndoOptions(ramp_ms=0.0))
            assert desk.values == state
        with pytest.raises(DeskError, match=r"nothing.* to undo"):
            last_undo()

    def test_what_is_pulled_is_what_was_fitted(self, desk: X32Simulator) -> None:
        profile = load_desk("x32")
        assert push_preset(preset(), target(desk), replace(QUICK, scope=EVERYTHING)).is_verified
        pulled = pull_preset(target(desk), parse_strips("1-4", profile)).preset
        fitted = fit_preset(preset(), profile, {name: number for number, name in NAMES.items()})
        assert [track.name for track in pulled.tracks] == list(NAMES.values())
        for track in pulled.tracks:
            # The preset sends nothing to the desk's reverb and delay; what the desk sends there is pulled all the same.
            sends = {key: getattr(track.strip, key) for key in ("reverb_send_db", "delay_send_db")}
            expected = unfit(fitted.strips[track.name].values, profile, "track").strip.model_copy(update=sends)
            assert track.strip == expected
        assert [track.mute for track in pulled.tracks] == [False, True, False, False]

    def test_pushing_again_sends_nothing_and_keeps_nothing(self, desk: X32Simulator) -> None:
        push_preset(preset(), target(desk), QUICK)
        kept = len(snapshots.stored()[0])
        desk.arrivals.clear()
        again = push_preset(preset(), target(desk), QUICK)
        assert again.is_verified
        assert not sets(desk)
        assert again.snapshot is None
        assert len(snapshots.stored()[0]) == kept

    def test_undo_says_what_it_would_do(self, desk: X32Simulator) -> None:
        push_preset(preset(), target(desk), QUICK)
        before = dict(desk.values)
        plan = plan_undo(last_undo())
        assert desk.values == before
        row = next(row for row in plan.changes if row.setting.address == "/ch/01/dyn/thr")
        assert (row.now_value, row.then_value) == (-24.0, -30.0)

    def test_strips_that_were_moved_are_not_overwritten(self, desk: X32Simulator) -> None:
        push_preset(preset(), target(desk), QUICK)
        named(desk, {1: "Snare"})
        with pytest.raises(DeskError, match=r"ch/01 was 'Kick' .* is 'Snare' now.*by number"):
            undo(last_undo())
        assert undo(last_undo(), UndoOptions(by_number=True, ramp_ms=0)).is_verified


class TestSafety:
    def test_the_snapshot_comes_first(self, desk: X32Simulator, tmp_path: Path) -> None:
        taken = tmp_path / "taken.json"
        taken.write_text("mine")
        with pytest.raises(OutputError, match="is there already"):
            push_preset(preset(), target(desk), replace(QUICK, snapshot=taken))
        assert not sets(desk)
        assert taken.read_text() == "mine"
        (tmp_path / "state").write_text("a file where a folder should be")
        with pytest.raises(OutputError, match=r"no way back; nothing was sent. Give a file"):
            push_preset(preset(), target(desk), QUICK)
        assert not sets(desk)

    def test_the_snapshot_has_what_changed_and_no_more(self, desk: X32Simulator, tmp_path: Path) -> None:
        before = dict(desk.values)
        result = push_preset(preset(), target(desk), replace(QUICK, snapshot=tmp_path / "kept.json"))
        data = json.loads((tmp_path / "kept.json").read_text())
        kept = sum(len(strip["values"]) for strip in data["strips"])
        changed = sum(before[name] != desk.values[name] for name in before)
        assert kept == changed
        assert result.snapshot == tmp_path / "kept.json"

    def test_levels_glide(self, desk: X32Simulator) -> None:
        options = PushOptions(scope=Scope(frozenset({"fader", "trim", "dynamics"})), ramp_ms=400)
        desk.values["/ch/01/preamp/trim"] = 1.0
        for number in NAMES:
            desk.values[f"/ch/{number:02}/dyn/on"] = 1
            desk.values[f"/ch/{number:02}/mix/fader"] = 0.75
        assert push_preset(preset(), target(desk), options).is_verified
        for address in ("/ch/01/mix/fader", "/ch/01/preamp/trim", "/ch/01/dyn/mgain"):
            assert [move for move in desk.level_log if move.address == address]
            assert desk.steepest_db(address, 0.02) < 4.0, address
        assert desk.unit("/ch/01/preamp/trim") == 0.0

    def test_a_compressor_is_switched_on_without_its_makeup(self, desk: X32Simulator) -> None:
        """It was off with 12 dB of makeup: switched on as it is, it were a jump of 12 dB."""
        options = PushOptions(scope=Scope(frozenset({"dynamics"})), ramp_ms=100)
        push_preset(preset(), target(desk), options)
        moves = [(a.address, a.values[0]) for a in desk.arrivals if a.values and a.address.startswith("/ch/01/dyn/")]
        switched = moves.index(("/ch/01/dyn/on", 1))
        makeups = [value for address, value in moves[:switched] if address == "/ch/01/dyn/mgain"]
        assert makeups[-1] == 0.0
        assert desk.unit("/ch/01/dyn/mgain") == 4.0
        assert desk.values["/ch/01/dyn/on"] == 1

    def test_a_compressor_is_switched_off_without_its_makeup(self, desk: X32Simulator) -> None:
        push_preset(preset(), target(desk), replace(QUICK, scope=Scope(frozenset({"dynamics"}))))
        desk.arrivals.clear()
        undo(last_undo(), UndoOptions(ramp_ms=100))
        moves = [(a.address, a.values[0]) for a in desk.arrivals if a.values and a.address.startswith("/ch/01/dyn/")]
        switched = moves.index(("/ch/01/dyn/on", 0))
        assert [value for address, value in moves[:switched] if address == "/ch/01/dyn/mgain"][-1] == 0.0
        assert desk.unit("/ch/01/dyn/mgain") == 12.0

    def test_a_band_on_its_way_is_never_louder_than_before_or_after(self, desk: X32Simulator) -> None:
        desk.values.update({"/ch/04/eq/1/g": 1.0, "/ch/04/eq/2/g": 0.0, "/ch/04/eq/on": 1})
        push_preset(preset(), target(desk), QUICK)
        order = [arrival.address for arrival in desk.arrivals if arrival.values]
        shaped = [order.index(f"/ch/04/eq/{band}/{what}") for band in (1, 2) for what in ("type", "f", "q")]
        assert order.index("/ch/04/eq/1/g") < min(shaped)
        assert order.index("/ch/04/eq/2/g") > max(shaped)

    def test_unmuting_comes_last(self, desk: X32Simulator) -> None:
        for number in NAMES:
            desk.values[f"/ch/{number:02}/mix/on"] = 0
        result = push_preset(preset(), target(desk), PushOptions(scope=EVERYTHING, ramp_ms=60))
        # What is not confirmed stays muted.
        assert result.is_verified, result.outcome
        order = [arrival.address for arrival in desk.arrivals if arrival.values]
        assert order.index("/ch/01/mix/on") > max(n for n, name in enumerate(order) if name == "/ch/01/mix/fader")

    def test_asked_and_declined(self, desk: X32Simulator, state: Path) -> None:
        seen = []
        result = push_preset(preset(), target(desk), QUICK, confirm=lambda plan: bool(seen.append(plan)))
        assert seen[0].changes
        assert result.outcome is None
        assert not sets(desk)
        assert not state.exists()

    def test_what_changed_while_somebody_was_thinking_is_kept(self, desk: X32Simulator) -> None:
        def turn_a_knob(_plan: object) -> bool:
            desk.values["/ch/01/dyn/thr"] = 0.25
            return True

        push_preset(preset(), target(desk), QUICK, confirm=turn_a_knob)
        undo(last_undo(), UndoOptions(ramp_ms=0.0))
        assert desk.values["/ch/01/dyn/thr"] == 0.25


class TestBadTimes:
    @pytest.mark.parametrize("share", [0.1, 0.3])
    def test_over_a_bad_network(self, share: float) -> None:
        weather = Weather.all(share)
        with named(X32Simulator(weather, weather, seed=3)) as desk:
            before = dict(desk.values)
            mix = preset(["Kick", "Bass"])
            assert push_preset(mix, target(desk), replace(QUICK, scope=EVERYTHING)).is_verified
            assert undo(last_undo(), UndoOptions(ramp_ms=0)).is_verified
            assert desk.values == before

    def test_stopped_in_the_middle(self, desk: X32Simulator) -> None:
        before = dict(desk.values)
        result = push_preset(preset(), target(desk), QUICK, cancel=lambda: len(sets(desk)) > 20)
        assert result.outcome is not None
        assert result.outcome.cancelled
        assert not result.is_done
        assert result.outcome.of("unsent")
        undo(last_undo(), UndoOptions(ramp_ms=0))
        assert desk.values == before

    def test_ctrl_c(self, desk: X32Simulator) -> None:
        before = dict(desk.values)

        def stop(share: float, text: str) -> None:
            if share > 0.3 and text == "setting":
                raise KeyboardInterrupt

        result = push_preset(preset(), target(desk), QUICK, on_progress=stop)
        assert result.outcome is not None
        assert result.outcome.cancelled
        undo(last_undo(), UndoOptions(ramp_ms=0))
        assert desk.values == before

    def test_what_is_refused_is_said(self) -> None:
        with named(X32Simulator(frozen=["/ch/01/dyn/thr"])) as desk:
            result = push_preset(preset(), target(desk), QUICK)
        assert result.outcome is not None
        assert [item.setting.address for item in result.outcome.of("refused")] == ["/ch/01/dyn/thr"]
        assert not result.is_done
        assert "1 refused" in result.sentence

    def test_a_level_that_the_desk_does_not_tell_is_not_sent(self) -> None:
        with named(X32Simulator(mute=["/ch/01/dyn/mgain", "/ch/01/eq/1/g"])) as desk:
            plan = plan_push(preset(), target(desk))
            result = push_preset(preset(), target(desk), QUICK)
        assert any("did not tell 2 of" in note and "are not sent" in note for note in plan.notes)
        assert result.outcome is not None
        unsent = {item.setting.address for item in result.outcome.of("unsent")}
        # The switch waits for the makeup, which would be heard with it.
        assert {"/ch/01/dyn/mgain", "/ch/01/eq/1/g"} <= unsent
        assert not sets(desk) & {"/ch/01/dyn/mgain", "/ch/01/eq/1/g"}
        assert not result.is_done

    def test_tracks_without_a_strip_are_named(self, desk: X32Simulator) -> None:
        result = push_preset(preset(["Kick", "Tuba"]), target(desk), QUICK)
        assert result.is_done
        assert not result.is_whole
        assert result.sentence.endswith("; left out: Tuba")

    def test_nobody_there(self) -> None:
        with X32Simulator() as desk:
            gone = target(desk)
        with pytest.raises(DeskError, match="Nobody listens"):
            push_preset(preset(), gone)


class TestBlind:
    def test_sent_and_not_verified(self) -> None:
        with X32Simulator() as listener:
            only = f"generic://127.0.0.1:{listener.port}"
            with pytest.raises(DeskError, match="tells no names"):
                push_preset(preset(), only)
            result = push_preset(preset(), only, PushOptions(by_order=True))
            with pytest.raises(DeskError, match="cannot be asked"):
                pull_preset(only)
        assert result.is_done
        assert not result.is_verified
        assert result.snapshot is None
        assert any("not verified, cannot be undone" in note for note in result.plan.notes)
        assert "unverifiable" in result.sentence


class TestForControllers:
    def test_pushes_to_the_usual_desk_and_to_no_stranger(self, desk: X32Simulator) -> None:
        push = pusher([target(desk)], replace(QUICK, scope=Scope(frozenset({"pan"}))))
        assert push(preset(), None).endswith("3 confirmed, 1 same")
        assert push(preset(), target(desk)).endswith("4 same")
        with pytest.raises(DeskError, match="none of the desks that this server was started with"):
            push(preset(), "x32://10.0.0.66")
        with pytest.raises(DeskError, match="y32"):
            pusher(["y32://10.0.0.1"])

    def test_says_so_where_not_all_stands(self) -> None:
        with named(X32Simulator(frozen=["/ch/01/mix/pan"])) as desk, pytest.raises(DeskError, match="1 refused"):
            pusher([target(desk)], QUICK)(preset(), None)


class TestPlan:
    def test_a_makeup_that_is_off_makes_nothing_louder(self, desk: X32Simulator) -> None:
        strips = plan_push(preset(), target(desk)).strips
        assert [strip.level_step_db for strip in strips] == [4.0, 5.0, 6.0, 7.0]  # from an off compressor with 12 dB

    def test_how_near_the_desk_comes(self, desk: X32Simulator) -> None:
        strip = plan_push(preset(), target(desk)).strips[0]
        assert strip.eq_error_db is not None
        assert strip.compressor_error_db is not None
        mean_db, largest_db = strip.eq_error_db
        assert 0 <= mean_db < 0.3
        assert mean_db <= largest_db < 2
        only_pan = plan_push(preset(), target(desk), PushOptions(scope=Scope(frozenset({"pan"})))).strips[0]
        assert only_pan.eq_error_db is None
        assert only_pan.compressor_error_db is None


def test_a_pulled_preset_has_a_name_for_every_track(desk: X32Simulator) -> None:
    named(desk, {5: "Kick"})
    pulled = pull_preset(target(desk), names={2: "Sub"}).preset
    assert [track.name for track in pulled.tracks] == ["Kick", "Sub", "Keys", "Lead Vox", "Kick 2"]
    assert pulled.provenance.note == "pulled from Behringer X32 / Midas M32"


def test_a_desk_without_names(desk: X32Simulator) -> None:
    with X32Simulator() as nameless, pytest.raises(DeskError, match="Assign them"):
        push_preset(Preset(tracks=(Track(name="Kick"),)), target(nameless))


def test_lanes_are_said_not_to_move(state: Path) -> None:
    still = Preset(tracks=(Track(name="Vox"),))
    moving = Preset(tracks=(Track(name="Vox", lanes=(lane("fader_db", [(0, -6), (1, 0)]),)),))
    options = PushOptions(assignments=("Vox=ch/01",))
    notes = [plan_push(each, "x32://127.0.0.1", options, offline=True).notes for each in (still, moving)]
    assert not any("lane" in note for note in notes[0])
    assert [note for note in notes[1] if "lane" in note] == [
        "The preset has a lane that moves a setting; a push sends the settings' own values, which stand still."
    ]
