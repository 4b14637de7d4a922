"""Pushes against a simulated X32, over good and bad networks."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Callable

import pytest
from desk_settings import random_settings
from desk_simulator import X32Simulator
from mixbridge.bridge.desks.loading import load_desk
from mixbridge.bridge.desks.profile import Desk, Setting
from mixbridge.bridge.osc import pipeline
from mixbridge.bridge.osc.connection import Connection, connect
from mixbridge.bridge.osc.dialects.ask_empty import AskEmpty
from mixbridge.bridge.osc.dialects.base import DeskInfo
from mixbridge.bridge.osc.exchange import Outcome, hello, push, read, track_names
from mixbridge.bridge.osc.link import Target
from mixbridge.presets.errors import DeskError
from sent_datagrams import Sent
from udp_peer import Reply, Value, Weather


@pytest.fixture(scope="module")
def x32() -> Desk:
    return load_desk("x32")


@pytest.fixture(scope="module")
def desk(x32: Desk) -> Desk:
    """The same in more of a hurry, where the pace is not the point."""
    return x32.model_copy(update={"transport": x32.transport.model_copy(update={"gap_ms": 0.2})})


def connection_to(simulator: X32Simulator, desk: Desk) -> Connection:
    return connect(Target("x32", "127.0.0.1", simulator.port), desk)


def stands(simulator: X32Simulator, setting: Setting) -> bool:
    return setting.scale.same(setting.value, simulator.values[setting.address])


def states(outcome: Outcome) -> dict[str, str]:
    return {result.setting.address: result.state for result in outcome.results}


@pytest.mark.parametrize(("share", "seed"), [(0.0, 0), (0.05, 1), (0.1, 2), (0.2, 3), (0.3, 4), (0.3, 5), (0.3, 6)])
def test_every_setting_ends_proven_however_bad_the_network(desk: Desk, share: float, seed: int) -> None:
    settings = random_settings(desk, [1, 2], seed)
    weather = Weather.all(share)
    with X32Simulator(weather, weather, seed) as simulator, connection_to(simulator, desk) as connection:
        outcome = push(connection, settings)
        again = push(connection, settings)
    assert [result.setting for result in outcome.results] == settings
    assert outcome.complete, outcome.of("refused", "unconfirmed")
    assert all(stands(simulator, setting) for setting in settings)
    assert {result.state for result in again.results} == {"same"}


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits for answers as long as a busy machine takes: what is repeated was lost, and not late."""
    monkeypatch.setattr(pipeline, "_LEAST_WAIT_S", 20.0)
    monkeypatch.setattr(pipeline, "_MOST_WAIT_S", 20.0)
    monkeypatch.setattr(pipeline, "_PROBE_S", 20.0)
    monkeypatch.setattr(pipeline, "SILENCE_S", 60.0)
    monkeypatch.setattr(AskEmpty, "reply_ms", 20_000.0)


@pytest.mark.usefixtures("patience")
def test_nothing_is_lost_nothing_is_said_twice(desk: Desk) -> None:
    settings = random_settings(desk, range(1, 9), 5)
    with X32Simulator() as simulator, connection_to(simulator, desk) as connection:
        outcome = push(connection, settings)
    same, confirmed = len(outcome.of("same")), len(outcome.of("confirmed"))
    assert outcome.complete
    assert same  # at random, some stand already
    # A question for each; for those that differ, a set and a question.
    assert outcome.datagrams == len(settings) + 2 * confirmed
    assert outcome.datagrams == len(simulator.arrivals)
    sets = [arrival.address for arrival in simulator.arrivals if arrival.values]
    assert not {result.setting.address for result in outcome.of("same")} & set(sets)


def test_the_pace_is_kept_by_sets_questions_and_repeats_alike(x32: Desk, sent: list[Sent]) -> None:
    weather = Weather.all(0.3)
    with X32Simulator(weather, weather, 9) as simulator, connection_to(simulator, x32) as connection:
        push(connection, random_settings(x32, [1, 2], 9))
    times = [each.time_s for each in sent]
    assert min(later - earlier for earlier, later in itertools.pairwise(times)) >= 0.001
    for first, start in enumerate(times):
        assert sum(start <= time_s <= start + 0.1 for time_s in times[first : first + 120]) <= 102


def test_types_are_exactly_the_desks(desk: Desk) -> None:
    settings = random_settings(desk, [7], 2)
    with X32Simulator() as simulator, connection_to(simulator, desk) as connection:
        push(connection, settings)
    kinds = {"f": float, "i": int, "s": str}
    types = {setting.address: kinds[setting.type] for setting in settings}
    sets = [arrival for arrival in simulator.arrivals if arrival.values]
    assert sets
    assert all(type(arrival.values[0]) is types[arrival.address] for arrival in sets)
    assert max(arrival.size for arrival in simulator.arrivals) <= 512


def test_what_the_desk_refuses_is_said_with_what_it_holds(desk: Desk) -> None:
    settings = random_settings(desk, [1], 3)
    stubborn = next(setting for setting in settings if setting.key == "eq.2.gain_db")
    with X32Simulator(frozen=[stubborn.address]) as simulator, connection_to(simulator, desk) as connection:
        outcome = push(connection, settings)
    (refused,) = outcome.of("refused")
    assert refused.setting == stubborn
    assert refused.found == pytest.approx(simulator.values[stubborn.address])
    assert not outcome.complete
    assert len(outcome.of("confirmed", "same")) == len(settings) - 1


def test_what_never_answers_is_unconfirmed_though_it_was_sent(desk: Desk) -> None:
    settings = random_settings(desk, [1], 4)
    deaf = next(setting for setting in settings if setting.key == "pan")
    with X32Simulator(mute=[deaf.address]) as simulator, connection_to(simulator, desk) as connection:
        assert read(connection, settings)[deaf] is None
        outcome = push(connection, settings)
        assert stands(simulator, deaf)
    (unconfirmed,) = outcome.of("unconfirmed")
    assert (unconfirmed.setting, unconfirmed.found) == (deaf, None)


def test_refused_and_silent_ones_are_told_apart_in_bad_weather(desk: Desk) -> None:
    settings = random_settings(desk, [1, 2], 6)
    stubborn = [setting.address for setting in settings if setting.key.startswith("eq.1")]
    deaf = [setting.address for setting in settings if setting.key == "pan"]
    weather = Weather.all(0.1)
    with (
        X32Simulator(weather, weather, 6, frozen=stubborn, mute=deaf) as simulator,
        connection_to(simulator, desk) as connection,
    ):
        outcome = push(connection, settings)
    for result in outcome.results:
        if result.setting.address in deaf:
            assert result.state == "unconfirmed"
        elif result.setting.address in stubborn:
            assert result.state == ("same" if stands(simulator, result.setting) else "refused")
        else:
            assert result.state in {"confirmed", "same"}


class Forgetful(X32Simulator):
    """Answers the first questions after a set as if it had not come: late answers to older ones look like that."""

    stale = 3

    def replies(self, address: str, values: tuple[Value, ...], time_s: float) -> list[Reply]:
        former = self.values.get(address)
        answers = list(super().replies(address, values, time_s))
        if values and former is not None and address not in self._former:
            self._former[address] = [former] * self.stale
        if not values and self._former.get(address):
            return [(address, (self._former[address].pop(),))]
        return answers

    def __init__(self) -> None:
        super().__init__()
        self._former: dict[str, list[Value]] = {}


def test_an_answer_that_shows_the_former_value_is_not_yet_a_refusal(desk: Desk) -> None:
    settings = random_settings(desk, [1], 7)
    with Forgetful() as simulator, connection_to(simulator, desk) as connection:
        assert push(connection, settings).complete


def test_garbage_between_the_answers_does_no_harm(desk: Desk) -> None:
    settings = random_settings(desk, [1, 2], 8)
    garbage = [
        b"",
        b"\xff" * 7,
        b"#bundle\0" + bytes(8) + b"\xff\xff\xff\xfc",
        b"/ch/01/mix/fader\0\0\0\0,f\0\0",
        bytes(600),
    ]
    strange = [
        b"/ch/01/mix/fader\0\0\0\0,s\0\0abc\0",
        b"/ch/01/mix/fader\0\0\0\0,N\0\0",
        b"/ch/01/mix/fader\0\0\0\0,\0\0\0",
    ]
    with X32Simulator(garbage=[*garbage, *strange]) as simulator, connection_to(simulator, desk) as connection:
        outcome = push(connection, settings)
        assert connection.link.dropped
    assert outcome.complete
    assert all(stands(simulator, setting) for setting in settings)


class Impostor(X32Simulator):
    """Beside a desk that is silent on its faders somebody else answers for it."""

    def replies(self, address: str, values: tuple[Value, ...], time_s: float) -> list[Reply]:
        if not values and address in self.mute:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
                other.bind(("127.0.0.1", 0))
                other.sendto(b"/ch/01/mix/fader\0\0\0\0,f\0\0\x3f\0\0\0", self.clients[-1])
        return list(super().replies(address, values, time_s))


def test_who_is_not_the_desk_is_not_believed(desk: Desk) -> None:
    settings = random_settings(desk, [1], 1, ["fader_db", "pan"])
    fader = next(setting for setting in settings if setting.key == "fader_db")
    with Impostor(mute=["/ch/01/mix/fader"]) as simulator, connection_to(simulator, desk) as connection:
        found = read(connection, settings)
    assert found[fader] is None
    assert sum(value is not None for value in found.values()) == len(settings) - 1


def test_a_desk_that_never_answers_is_not_touched(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "SILENCE_S", 0.4)
    settings = random_settings(desk, range(1, 9), 1)
    with (
        X32Simulator(inbound=Weather(drop=1.0)) as simulator,
        connection_to(simulator, desk) as connection,
        pytest.raises(DeskError, match=rf"127\.0\.0\.1:{simulator.port} does not answer.*switched on"),
    ):
        push(connection, settings)
    assert not [arrival for arrival in simulator.arrivals if arrival.values]
    assert len(simulator.arrivals) < 60  # nor flooded


def test_nobody_there_is_said_at_once(desk: Desk) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (
        connect(Target("x32", "127.0.0.1", port), desk) as connection,
        pytest.raises(DeskError, match="Nobody listens"),
    ):
        push(connection, random_settings(desk, [1], 1))


class Unplugged(X32Simulator):
    """Falls silent for good when so many sets have arrived."""

    sets_left = 150

    def replies(self, address: str, values: tuple[Value, ...], time_s: float) -> list[Reply]:
        self.sets_left -= bool(values)
        answers = list(super().replies(address, values, time_s))
        return answers if self.sets_left > 0 else []


def test_a_desk_that_goes_away_in_the_middle_leaves_a_true_account(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "SILENCE_S", 2.0)
    settings = random_settings(desk, range(1, 17), 1)
    with Unplugged() as simulator, connection_to(simulator, desk) as connection:
        held = read(connection, settings)
        outcome = push(connection, settings, known=held)
    assert "does not answer" in outcome.problem
    assert not outcome.cancelled
    assert outcome.of("confirmed")
    assert outcome.of("unconfirmed")
    assert outcome.of("unsent")
    assert not outcome.complete
    assert all(stands(simulator, result.setting) for result in outcome.of("confirmed", "same"))


def _returns(_count: int) -> bool:
    return True


def _interrupts(_count: int) -> bool:
    raise KeyboardInterrupt


@pytest.mark.parametrize("stop", [_returns, _interrupts])
@pytest.mark.parametrize("after", [0, 40, 250])
def test_an_end_from_outside_leaves_whole_values_and_says_what_was_done(
    desk: Desk, stop: Callable[[int], bool], after: int
) -> None:
    settings = random_settings(desk, range(1, 5), 2)
    counter = itertools.count()

    def cancel() -> bool:
        count = next(counter)
        return stop(count) if count >= after else False

    with X32Simulator() as simulator, connection_to(simulator, desk) as connection:
        initial = dict(simulator.values)
        outcome = push(connection, settings, cancel=cancel)
    touched = {arrival.address for arrival in simulator.arrivals if arrival.values}
    assert outcome.cancelled
    assert not outcome.complete
    for result in outcome.results:
        address = result.setting.address
        assert stands(simulator, result.setting) or simulator.values[address] == initial[address]
        if result.state == "unsent":
            assert address not in touched
        elif result.state in {"confirmed", "same"}:
            assert stands(simulator, result.setting)
        else:
            assert result.state == "unconfirmed"
    if after == 250:
        assert outcome.of("confirmed")


def test_an_end_during_the_reading_touches_nothing(desk: Desk) -> None:
    counter = itertools.count()
    with X32Simulator() as simulator, connection_to(simulator, desk) as connection:
        outcome = push(connection, random_settings(desk, [1], 2), cancel=lambda: next(counter) == 10)
        connection.link.receive(0.1)
    assert outcome.cancelled
    assert {result.state for result in outcome.results} == {"unsent"}
    assert not [arrival for arrival in simulator.arrivals if arrival.values]


@pytest.mark.usefixtures("patience")
def test_what_is_known_is_not_read_again(desk: Desk) -> None:
    settings = random_settings(desk, [1], 2)
    with X32Simulator() as simulator, connection_to(simulator, desk) as connection:
        held = read(connection, settings)
        outcome = push(connection, settings, known=held)
    assert outcome.complete
    assert outcome.datagrams == 2 * len(outcome.of("confirmed"))
    assert outcome.of("same")


def test_two_values_for_one_address_are_a_contradiction(desk: Desk) -> None:
    one, other = (desk.settings("track", 3, {"fader_db": level})[0] for level in (-10.0, 0.0))
    with X32Simulator() as simulator, connection_to(simulator, desk) as connection:
        with pytest.raises(DeskError, match=r"track 3: fader_db.*/ch/03/mix/fader"):
            push(connection, [one, other])
        assert len(push(connection, [one, one]).results) == 1


def test_progress_runs_to_the_end_and_never_back(desk: Desk) -> None:
    shown: list[tuple[float, str]] = []
    with X32Simulator() as simulator, connection_to(simulator, desk) as connection:
        push(connection, random_settings(desk, [1, 2], 1), on_progress=lambda share, text: shown.append((share, text)))
    shares = [share for share, _ in shown]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert {text for _, text in shown} == {"reading", "setting"}


def test_nothing_to_push_is_done_at_once(desk: Desk) -> None:
    with X32Simulator() as simulator, connection_to(simulator, desk) as connection:
        outcome = push(connection, [])
    assert outcome.complete
    assert not simulator.arrivals


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_a_desk_says_what_it_is_and_what_its_tracks_are_called(desk: Desk, share: float) -> None:
    weather = Weather.all(share)
    with X32Simulator(weather, weather, 3) as simulator, connection_to(simulator, desk) as connection:
        simulator.values |= {"/ch/01/config/name": "Kick", "/ch/32/config/name": "Lead Vox"}
        assert hello(connection) == DeskInfo(model="X32", name="simulated", firmware="4.06")
        assert track_names(connection, desk) == {1: "Kick", 32: "Lead Vox"}
