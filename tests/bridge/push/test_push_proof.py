"""What is said to stand, stands: restarts, other hands and other pushes are noticed, and what they did is left."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from desk_push import NAMES, named, preset, target
from desk_simulator import X32Simulator
from mixbridge.bridge.osc.link import Target
from mixbridge.bridge.osc.locking import one_push_at_a_time
from mixbridge.bridge.push.pushing import PushOptions, PushResult, push_preset
from mixbridge.bridge.push.scope import SECTIONS, Scope
from mixbridge.presets.errors import DeskError
from udp_peer import Weather

EVERYTHING = PushOptions(scope=Scope(frozenset(SECTIONS)), ramp_ms=0)
FADERS = PushOptions(scope=Scope(frozenset({"fader"})), ramp_ms=100)


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def desk() -> Iterator[X32Simulator]:
    with named(X32Simulator()) as simulator:
        yield simulator


def once(share: float, act: Callable[[], None], text: str = "") -> Callable[[float, str], None]:
    """Does something as soon as a push has come so far."""
    waiting = [act]

    def progress(done: float, what: str) -> None:
        if waiting and done >= share and (not text or what == text):
            waiting.pop()()

    return progress


def account_is_true(desk: X32Simulator, result: PushResult) -> bool:
    assert result.outcome is not None
    return all(
        item.setting.scale.same(item.setting.value, desk.values[item.setting.address])
        for item in result.outcome.of("confirmed", "same")
    )


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_a_desk_that_restarts_in_the_middle_is_noticed(desk: X32Simulator, share: float) -> None:
    restarted = []

    def restart() -> None:
        desk.restart()
        restarted.append(True)

    result = push_preset(preset(), target(desk), EVERYTHING, on_progress=once(share, restart, "setting"))
    assert restarted
    assert not result.is_done
    assert result.outcome is not None
    assert result.outcome.of("changed")
    assert account_is_true(desk, result)


def test_another_hand_on_what_was_set_is_told_and_left(desk: X32Simulator) -> None:
    """Thresholds are set early; somebody turns one back while levels are still to come."""
    result = push_preset(
        preset(), target(desk), EVERYTHING, on_progress=once(0.6, lambda: desk.move("/ch/02/dyn/thr", 0.9))
    )
    assert result.outcome is not None
    assert [item.setting.address for item in result.outcome.of("changed")] == ["/ch/02/dyn/thr"]
    assert desk.values["/ch/02/dyn/thr"] == pytest.approx(0.9)
    assert not result.is_done
    assert account_is_true(desk, result)


def test_another_hand_on_what_is_to_be_set_is_told_and_left(desk: X32Simulator) -> None:
    """It was looked at for the plan, and moved before its turn came."""
    result = push_preset(
        preset(), target(desk), EVERYTHING, on_progress=once(0.0, lambda: desk.move("/ch/02/mix/fader", 0.3), "setting")
    )
    assert result.outcome is not None
    assert [item.setting.address for item in result.outcome.of("changed")] == ["/ch/02/mix/fader"]
    assert desk.values["/ch/02/mix/fader"] == pytest.approx(0.3, abs=1e-3)
    sent = {arrival.address for arrival in desk.arrivals if arrival.values}
    assert "/ch/02/mix/fader" not in sent
    assert "1 changed" in result.sentence


def test_a_fader_that_is_taken_during_its_glide_is_let_go(desk: X32Simulator) -> None:
    options = replace(FADERS, ramp_ms=400)
    taken = once(0.3, lambda: desk.move("/ch/01/mix/fader", 1.0), "moving levels")
    result = push_preset(preset(), target(desk), options, on_progress=taken)
    assert result.outcome is not None
    assert [item.setting.address for item in result.outcome.of("changed")] == ["/ch/01/mix/fader"]
    assert desk.unit("/ch/01/mix/fader") == pytest.approx(10.0)
    assert len(result.outcome.of("confirmed")) == 3


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_steps_are_small_whatever_arrives_late(seed: int) -> None:
    weather = Weather(drop=0.3, duplicate=0.2, reorder=0.2)
    with named(X32Simulator(weather, weather, seed)) as desk:
        for number in NAMES:
            desk.values[f"/ch/{number:02}/mix/fader"] = 0.0
        assert push_preset(preset(), target(desk), replace(FADERS, ramp_ms=300)).is_verified
        steepest = max(desk.steepest_db(f"/ch/{number:02}/mix/fader", 0.02) for number in NAMES)
    assert steepest <= 3.0


def test_a_second_push_waits_for_the_first_to_end(desk: X32Simulator) -> None:
    refusals = []

    def other() -> None:
        with pytest.raises(DeskError, match=r"another push right now \(process \d+ of .*since.*Wait") as refusal:
            push_preset(preset(), target(desk), EVERYTHING)
        refusals.append(refusal)

    def start() -> None:
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()

    result = push_preset(preset(), target(desk), EVERYTHING, on_progress=once(0.3, start, "setting"))
    assert refusals
    assert result.is_verified
    assert push_preset(preset(), target(desk), EVERYTHING).is_verified


def test_locks_are_one_for_each_desk() -> None:
    with one_push_at_a_time(Target("x32", "127.0.0.1"), 10023):
        with one_push_at_a_time(Target("x32", "127.0.0.1"), 10024):
            pass
        with pytest.raises(DeskError), one_push_at_a_time(Target("m32", "localhost"), 10023):
            pass


def test_a_desk_that_is_gone_at_the_end_proves_nothing(desk: X32Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    from mixbridge.bridge.osc import pipeline

    monkeypatch.setattr(pipeline, "SILENCE_S", 2.0)

    seen: list[str] = []

    def unplug(_share: float, text: str) -> None:
        if text == "reading" and "setting" in seen:
            desk.mute = frozenset(desk.values)
        seen.append(text)

    result = push_preset(preset(), target(desk), EVERYTHING, on_progress=unplug)
    assert result.outcome is not None
    assert not result.outcome.of("confirmed")
    assert not result.is_done
    assert "does not answer" in result.sentence
