"""What the Ardour dialect asks and how it takes the answers, lost and foolish ones too; no Ardour is needed."""

import math

import pytest
from mixbridge.bridge.desks.loading import load_desk
from mixbridge.bridge.osc.asking import ask
from mixbridge.bridge.osc.dialects.ardour import SCRIPT, ArdourDialect, decibels
from mixbridge.bridge.osc.dialects.ardour_strips import ArdourStrip, read_strips
from mixbridge.bridge.osc.packets import Message
from mixbridge.presets.errors import DeskError

DESK = load_desk("ardour")
PLUGINS = ("a-Delay", "ACE EQ", "ACE Compressor (stereo)")


@pytest.fixture
def dialect():
    dialect = ArdourDialect(DESK)
    strips = (ArdourStrip(3, "Vox", "AT", 1, PLUGINS), ArdourStrip(4, "Bare", "AT", 1), MASTER)
    dialect.strips = {strip.number: strip for strip in strips}
    return dialect


MASTER = ArdourStrip(5, "Master", "MA", 2, PLUGINS[1:])


def setting(key, value=1.0, number=3, kind="track"):
    return next(item for item in DESK.settings(kind, number, {key: value}) if item.key == key)


def descriptor(strip, plugin, parameter, value):
    return Message(
        "/strip/plugin/descriptor",
        (strip, plugin, parameter, "Gain 1", 128, "NOTHING", -20.0, 20.0, "%4.1f dB", 0, value),
    )


def test_a_plugin_is_found_by_its_name_on_each_strip(dialect):
    assert dialect.set(setting("eq.1.gain_db", 4.5)).args == (3, 2, 4, 4.5)
    assert dialect.set(setting("compressor.ratio", 2.0)).args == (3, 3, 4, 2.0)
    assert dialect.set(setting("eq.1.gain_db", 4.5, number=0, kind="master")).args == (5, 1, 4, 4.5)
    with pytest.raises(DeskError, match=r"Bare \(4\): ACE EQ") as refusal:
        dialect.set(setting("eq.1.gain_db", number=4))
    assert str(SCRIPT) in str(refusal.value)
    assert SCRIPT.exists()
    with pytest.raises(DeskError, match="no track 9"):
        dialect.set(setting("pan", number=9))


def test_one_question_tells_all_parameters_of_a_plugin(dialect):
    asked = [setting("eq.1.gain_db"), setting("eq.1.freq_hz", 100.0), setting("compressor.ratio")]
    assert dialect.query(asked[0]) == Message("/strip/plugin/descriptor", (3, 2))
    assert dialect.topic(asked[0]) == dialect.topic(asked[1]) != dialect.topic(asked[2])
    assert dialect.answer(descriptor(3, 2, 3, 250.0), asked) == (asked[1], 250.0)
    assert dialect.answer(descriptor(3, 2, 9, 250.0), asked) is None
    assert dialect.answer(descriptor(4, 2, 3, 250.0), asked) is None


def test_levels_are_asked_for_as_fader_positions(dialect):
    """0.7818 is 0 dB, 1.0 the top: 6.02 dB; the law was compared with what Ardour 7.3 says of 300 levels."""
    level = setting("fader_db", -3.0)
    assert dialect.query(level) == Message("/strip/fader/3")
    assert dialect.answer(Message("/strip/fader/3", (0.7817867398262024,)), [level])[1] == pytest.approx(0.0, abs=1e-4)
    assert dialect.answer(Message("/strip/fader/4", (0.5,)), [level]) is None
    assert decibels(1.0) == pytest.approx(20 * math.log10(2))
    assert decibels(0.46036896109580994) == pytest.approx(-12.34, abs=1e-4)
    assert decibels(0.0) == -193.0


def test_the_mixers_bypass_counts_for_a_plugin_that_is_on(dialect):
    switch = setting("compressor.on", 1.0)
    assert dialect.query(switch) == Message("/strip/plugin/list", (3,))
    heard = (3, 1, "a-Delay", 0, 2, "ACE EQ", 0, 3, "ACE Compressor (stereo)", 1)
    assert dialect.answer(Message("/strip/plugin/list", heard), [switch]) == (switch, 1.0)
    assert dialect.answer(Message("/strip/plugin/list", (*heard[:-1], 0)), [switch]) == (switch, 0.0)


@pytest.mark.parametrize(
    "message",
    [
        Message("/strip/fader/3"),
        Message("/strip/fader/3", (math.nan,)),
        Message("/strip/fader/3", (True,)),
        Message("/strip/fader/3", ("0.5",)),
        Message("/strip/fader/3", (0.5, 0.5)),
        Message("/strip/plugin/list"),
        Message("/strip/plugin/list", (3,)),
        Message("/strip/plugin/list", (3, 2, 3)),
        Message("/strip/plugin/descriptor", (3, 2, 4)),
        Message("/strip/plugin/descriptor", (3, 2, 4, 1.0)),
        descriptor(3, 2, 4, math.inf),
        descriptor(3, 2, 4, None),
        descriptor(3, 2, 4, b""),
    ],
)
def test_nonsense_is_no_answer(dialect, message):
    asked = [setting("fader_db", 0.0), setting("eq.1.gain_db"), setting("eq.on"), setting("compressor.on")]
    assert dialect.answer(message, asked) is None


def test_settings_of_the_master_are_not_taken_for_those_of_a_track(dialect):
    with pytest.raises(ValueError, match="number 0"):
        dialect.set(setting("fader_db", 0.0, number=3, kind="master"))


class LossyArdour:
    """A session of two strips whose lists lose a row at first; it is its own link."""

    def __init__(self, losses):
        self.losses = losses
        self.sent, self.waiting = [], []

    def send(self, message):
        self.sent.append(message)
        if message.address == "/strip/list":
            rows = [("AT", "Bass", 1, 2, 0, 0, 1, 0), ("MA", "Master", 2, 2, 0, 0, 2)]
            lost = self.losses.pop(0) if self.losses else None
            self.waiting += [Message("/reply", row) for index, row in enumerate(rows) if index != lost]
            if lost != "end":
                self.waiting.append(Message("/reply", ("end_route_list", 48000, 0, 0)))
        if message.address == "/strip/plugin/list":
            self.waiting.append(Message("/strip/plugin/list", (message.args[0], 1, "ACE EQ", 1)))

    def receive(self, timeout_s):
        return self.waiting.pop(0) if self.waiting else None

    def silence(self):
        return DeskError("does not answer")


@pytest.mark.parametrize("losses", [[], [0], [1], ["end"], [1, "end", 0]])
def test_a_row_that_was_lost_is_asked_for_again(losses):
    strips = read_strips(LossyArdour(list(losses)))
    assert [(strip.name, strip.plugins) for strip in strips] == [("Bass", ("ACE EQ",)), ("Master", ("ACE EQ",))]


def test_silence_is_an_error_after_some_attempts():
    ardour = LossyArdour(["end"] * 99)
    with pytest.raises(DeskError, match="does not answer"):
        read_strips(ardour)
    assert 1 < sum(message.address == "/strip/list" for message in ardour.sent) < 25


def test_late_answers_do_not_count():
    ardour = LossyArdour([])
    ardour.waiting.append(Message("/transport_speed", (1.0,)))
    with pytest.raises(DeskError):
        ask(ardour, [Message("/transport_speed")], lambda got: got[-1].address == "/transport_speed")
