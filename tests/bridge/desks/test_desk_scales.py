"""Values to wire and back: inverse on the grid, monotonic, clamped, of exactly the type that is sent."""

import math
import struct
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mixbridge.bridge.desks.loading import desk_names, load_desk
from mixbridge.bridge.desks.profile import Desk
from mixbridge.bridge.desks.scales import AnyScale, Choice, Scale, Switch, Text
from mixbridge.presets.errors import DeskError
from pydantic import TypeAdapter, ValidationError

SCALES = TypeAdapter(AnyScale)
PYTHON_TYPES = {"f": float, "i": int, "s": str}


def scale(**fields: object) -> Scale:
    return SCALES.validate_python(fields)


def parameters() -> list[tuple[str, Scale]]:
    """The scale of every parameter of every profile, each scale of a desk once, by the first of its parameters."""
    found: dict[tuple[str, Scale], str] = {}
    for name in desk_names():
        desk = load_desk(name)
        for kind in desk.strips:
            for key, parameter in desk.parameters(kind).items():
                found.setdefault((name, parameter.scale), f"{name} {kind} {key}")
    return [(label, scale) for (_, scale), label in found.items()]


PARAMETERS = parameters()
NUMERIC = [pytest.param(scale, id=name) for name, scale in PARAMETERS if not isinstance(scale, Choice | Text)]
CHOICES = [pytest.param(scale, id=name) for name, scale in PARAMETERS if isinstance(scale, Choice)]
FEW = settings(max_examples=25, deadline=None)
X32 = load_desk("x32")


def wire(desk: Desk, key: str, value: float | str) -> float | int | str:
    found = desk.scale("track", key)
    assert found is not None
    return found.encode(value)


class TestFormulasOfTheFacts:
    """Numbers worked out by hand or taken from the desk's documentation, not from the code."""

    @pytest.mark.parametrize(
        ("key", "value", "expected"),
        [
            ("fader_db", 10, 1.0),
            ("fader_db", 0, 0.75),
            ("fader_db", -5, 0.625),
            ("fader_db", -10, 0.5),
            ("fader_db", -20, 0.375),
            ("fader_db", -30, 0.25),
            ("fader_db", -40, 0.1875),
            ("fader_db", -60, 0.0625),
            ("fader_db", -75, 0.03125),
            ("fader_db", -90, 0.0),
            ("eq.1.freq_hz", 20, 0.0),
            ("eq.1.freq_hz", 200, 1 / 3),
            ("eq.1.freq_hz", 632.4555, 0.5),
            ("eq.1.freq_hz", 20000, 1.0),
            ("eq.1.gain_db", -15, 0.0),
            ("eq.1.gain_db", 0, 0.5),
            ("eq.1.gain_db", 3.75, 0.625),
            ("eq.1.q", 10, 0.0),
            ("eq.1.q", 1.7320508, 0.5),
            ("eq.1.q", 0.3, 1.0),
            ("compressor.threshold_db", -30, 0.5),
            ("compressor.makeup_db", 6, 0.25),
            ("compressor.attack_ms", 30, 0.25),
            ("compressor.release_ms", 141.42136, 0.5),
            ("compressor.hold", 0.02, 0.0),
            ("compressor.hold", 6.3245553, 0.5),
            ("pan", -1, 0.0),
            ("pan", 0, 0.5),
            ("pan", 0.5, 0.75),
            ("trim_db", 9, 0.75),
        ],
    )
    def test_x32_floats(self, key: str, value: float, expected: float):
        steps = X32.scale("track", key).steps  # type: ignore[union-attr]
        assert wire(X32, key, value) == pytest.approx(expected, abs=0.5 / steps + 1e-6)

    @pytest.mark.parametrize(
        ("ratio", "index"), [(1, 0), (1.1, 0), (1.3, 1), (2, 3), (3, 5), (4, 6), (8, 8), (20, 10), (1000, 11)]
    )
    def test_x32_ratios_are_places_in_a_list(self, ratio: float, index: int):
        assert wire(X32, "compressor.ratio", ratio) == index

    def test_x32_filters_switches_and_names(self):
        assert [wire(X32, "eq.1.type", name) for name in ("low_shelf", "bell", "high_shelf")] == [1, 2, 4]
        assert (wire(X32, "mute", 1), wire(X32, "mute", 0)) == (0, 1)  # mix/on
        assert wire(X32, "name", "Bässe & Gitarren") == "Basse & Gita"

    def test_grids_of_x32(self):
        steps = {key: X32.scale("track", key).steps for key in ("fader_db", "eq.1.freq_hz", "eq.1.q", "pan")}  # type: ignore[union-attr]
        assert steps == {"fader_db": 1023, "eq.1.freq_hz": 200, "eq.1.q": 71, "pan": 100}
        assert X32.scale("track", "eq.1.gain_db").snap(3.1) == pytest.approx(3.0)  # type: ignore[union-attr]
        assert X32.scale("track", "compressor.threshold_db").snap(-20.3) == pytest.approx(-20.5)  # type: ignore[union-attr]

    @pytest.mark.parametrize(("octaves", "q"), [(1, math.sqrt(2)), (2, 2 / 3), (0.5, 2.871), (4, 0.2667)])
    def test_ardour_bandwidth(self, octaves: float, q: float):
        assert wire(load_desk("ardour"), "eq.1.q", q) == pytest.approx(octaves, rel=2e-3)

    def test_ardour_pan_is_inverted_and_its_knee_is_six_times_as_wide(self):
        ardour = load_desk("ardour")
        assert [wire(ardour, "pan", pan) for pan in (-1, 0, 1)] == [1, 0.5, 0]
        assert [wire(ardour, "compressor.knee_db", knee) for knee in (0, 6, 24, 60)] == [0, 1, 4, 8]
        assert wire(ardour, "fader_db", 30) == pytest.approx(6.02)

    def test_wing_is_in_raw_units_with_ratios_as_text(self):
        wing = load_desk("wing")
        assert wire(wing, "fader_db", -200) == -144
        assert wire(wing, "pan", -0.5) == -50
        assert [wire(wing, "compressor.ratio", ratio) for ratio in (1, 2, 8.5, 30)] == ["1.1", "2.0", "8.0", "20"]
        assert [wire(wing, "eq.low.type", name) for name in ("low_shelf", "bell")] == ["SHV", "PEQ"]

    def test_live_and_reaper_faders(self):
        live = load_desk("ableton")
        assert [wire(live, "fader_db", level) for level in (6, 0, -18, -100)] == pytest.approx([1, 0.85, 0.4, 0])
        assert wire(load_desk("reaper"), "pan", 1) == 1
        assert wire(load_desk("reaper"), "fader_db", -6) == -6


class TestEveryParameterOfEveryProfile:
    @pytest.mark.parametrize("scale", NUMERIC)
    @FEW
    @given(part=st.floats(0, 1))
    def test_is_inverse_monotonic_and_of_its_type(self, scale: Scale, part: float):
        low, high = float(scale.low), float(scale.high)  # type: ignore[arg-type]
        value = low + part * (high - low)
        sent = scale.encode(value)
        assert type(sent) is PYTHON_TYPES[scale.type]
        if isinstance(sent, float):
            assert struct.unpack(">f", struct.pack(">f", sent))[0] == sent
        there = scale.decode(sent)
        assert low - 1e-5 * abs(low) - 1e-9 <= there <= high + 1e-5 * abs(high) + 1e-9  # type: ignore[operator]
        # What the desk has, sent again, is the same message.
        assert scale.same(scale.encode(there), sent)
        assert scale.snap(there) == pytest.approx(there, rel=1e-5, abs=1e-5 * (high - low))
        assert there == pytest.approx(value, abs=self.coarseness(scale, float(sent)))

    @staticmethod
    def coarseness(scale: Scale, sent: float) -> float:
        """How far apart the values next to a sent one are, which is as far as rounding may go."""
        low, high = float(scale.low), float(scale.high)  # type: ignore[arg-type]
        if isinstance(scale, Switch):
            return 0.5
        steps = getattr(scale, "steps", None)
        if steps is None:
            return 1e-4 * (high - low)
        step = (float(scale.encode(high)) - float(scale.encode(low))) / steps
        return float(abs(scale.decode(sent + step) - scale.decode(sent - step)))  # type: ignore[operator]

    @pytest.mark.parametrize("scale", NUMERIC)
    @FEW
    @given(parts=st.tuples(st.floats(0, 1), st.floats(0, 1)))
    def test_more_is_never_less(self, scale: Scale, parts: tuple[float, float]):
        low, high = float(scale.low), float(scale.high)  # type: ignore[arg-type]
        first, second = (float(scale.snap(low + part * (high - low))) for part in sorted(parts))
        assert first <= second

    @pytest.mark.parametrize("scale", NUMERIC)
    def test_ends_are_reached_and_kept(self, scale: Scale):
        low, high = float(scale.low), float(scale.high)  # type: ignore[arg-type]
        assert scale.snap(low) == pytest.approx(low, rel=1e-5, abs=1e-6)
        assert scale.snap(high) == pytest.approx(high, rel=1e-5, abs=1e-6)
        assert scale.encode(low - 1e6) == scale.encode(low)
        assert scale.encode(high + 1e6) == scale.encode(high)

    @pytest.mark.parametrize("scale", [item for item in NUMERIC if getattr(item.values[0], "steps", None)])
    def test_the_whole_grid_is_inverse(self, scale: Scale):
        """Every step is a message of its own, half a step off is the same, a whole one is not."""
        assert not isinstance(scale, Choice | Switch | Text)
        steps = scale.steps
        assert steps is not None
        bottom, top = float(scale.encode(scale.low)), float(scale.encode(scale.high))
        wires = [bottom + index / steps * (top - bottom) for index in range(steps + 1)]
        values = [scale.decode(wire) for wire in wires]
        assert all(a < b for a, b in pairwise(values))
        for wire, value in zip(wires, values, strict=True):
            assert scale.encode(value) == pytest.approx(wire, abs=1e-5 * abs(top - bottom))
        half = 0.49 / steps * abs(top - bottom)
        for a, b in pairwise(wires):
            assert scale.same(a, a + math.copysign(half, top - bottom))
            assert not scale.same(a, b) or scale.tolerance is not None

    @pytest.mark.parametrize("scale", CHOICES)
    def test_choices_are_inverse(self, scale: Choice):
        for value in scale.values:
            sent = scale.encode(value)
            assert type(sent) is PYTHON_TYPES[scale.type]
            assert scale.decode(sent) == value
            assert scale.same(sent, sent)
        others = [scale.encode(value) for value in scale.values[1:]]
        assert not any(scale.same(scale.encode(scale.values[0]), other) for other in others)

    @pytest.mark.parametrize(("name", "scale"), PARAMETERS)
    def test_nonsense_is_refused(self, name: str, scale: Scale):
        if isinstance(scale, Text):
            return
        for nonsense in ("what", "", math.nan, math.inf):
            with pytest.raises(DeskError):
                scale.encode(nonsense)
        assert not scale.same("what", scale.encode(scale.low if scale.low is not None else scale.values[0]))  # type: ignore[index,arg-type]


class TestRanges:
    def test_log_with_a_grid_in_raw_units(self):
        found = scale(kind="log", low=1, high=100, steps=2)
        assert [found.snap(value) for value in (1, 5, 100)] == pytest.approx([1, 10, 100])

    def test_whole_numbers_are_a_grid(self):
        found = scale(kind="linear", low=-100, high=100, type="i")
        assert found.encode(3.4) == 3
        assert type(found.encode(3.4)) is int
        assert found.same(3, 3.0)
        assert not found.same(3, 4)

    def test_tolerance_in_units_and_in_parts(self):
        level = scale(kind="linear", low=-144, high=10, tolerance=0.5)
        assert level.same(-20.0, -20.4)
        assert not level.same(-20.0, -20.6)
        freq = scale(kind="log", low=20, high=20000, tolerance=0.02)
        assert freq.same(10000.0, 10150.0)
        assert not freq.same(10000.0, 10300.0)

    def test_an_answer_off_the_grid_is_told_as_it_is(self):
        found = scale(kind="linear", low=0, high=10, steps=10, wire=[0, 1])
        assert found.decode(0.34) == pytest.approx(3.4)
        assert found.decode(0.30000001192) == 3.0

    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"kind": "linear", "low": 1, "high": 1}, "low must be below high"),
            ({"kind": "log", "low": 0, "high": 1}, "low above 0"),
            ({"kind": "log", "low": 1e-320, "high": 1}, "low above 0"),
            ({"kind": "bandwidth", "low": -1, "high": 1}, "low above 0"),
            ({"kind": "linear", "low": 0, "high": 1, "wire": [1, 1]}, "have to differ|must differ"),
            ({"kind": "fader", "points": [[0, 0], [0, 1]]}, "does not rise"),
            ({"kind": "fader", "points": [[0, 0], [1, 0]]}, "does not rise"),
            ({"kind": "choice", "values": [1, 1]}, "stands twice"),
            ({"kind": "choice", "values": [1, "a"]}, "all numbers or all names"),
            ({"kind": "choice", "values": ["a", "b"], "wire": [1]}, "go in pairs"),
            ({"kind": "choice", "values": ["a"], "wire": ["A"]}, 'type = "s"'),
            ({"kind": "choice", "values": ["a"], "type": "s"}, "needs its texts"),
            ({"kind": "choice", "values": ["a", "b"], "wire": [1.5, 2]}, 'whole numbers "i"'),
            ({"kind": "switch", "wire": [1, 1]}, "must differ"),
        ],
    )
    def test_impossible_ones_are_refused(self, fields: dict[str, object], message: str):
        with pytest.raises(ValidationError, match=message):
            SCALES.validate_python(fields)


class TestChoice:
    def test_numbers_written_otherwise_are_the_same(self):
        ratio = scale(kind="choice", values=[2, 4], type="s", wire=["2.0", "4.0"])
        assert ratio.decode("4") == 4
        assert ratio.same("4", "4.0")

    def test_what_is_not_in_the_list_is_said(self):
        with pytest.raises(DeskError, match="17"):
            scale(kind="choice", values=["a", "b"]).decode(17)
        with pytest.raises(DeskError, match="'c' is none of a, b"):
            scale(kind="choice", values=["a", "b"]).encode("c")

    def test_floats_on_the_wire_are_those_of_32_bits(self):
        found = scale(kind="choice", values=[1, 2], type="f", wire=[0.1, 0.2])
        assert found.encode(1) == struct.unpack(">f", struct.pack(">f", 0.1))[0]
        assert found.decode(found.encode(2)) == 2


class TestText:
    @FEW
    @given(st.text())
    def test_a_name_fits_the_display(self, text: str):
        name = scale(kind="text", max_length=12)
        sent = name.encode(text)
        assert isinstance(sent, str)
        assert sent.isascii()
        assert len(sent) <= 12
        assert name.encode(sent) == sent

    def test_other_desks_keep_their_letters(self):
        assert scale(kind="text", max_length=20, ascii=False).encode(" Großer Chor\n") == "Großer Chor"


def test_switches_take_what_a_desk_says():
    muted = scale(kind="switch", wire=[1, 0])
    assert [muted.decode(answer) for answer in (1, 0, True, False, 1.0)] == [0, 1, 0, 1, 0]
    assert not muted.same(1, "on")
