"""What a user asks for is done, nothing else is changed, and what cannot be done is said."""

from __future__ import annotations

import pytest
from mixbridge.presets.console import Compressor, EqBand, Equalizer, Master, Strip
from mixbridge.presets.errors import PresetError
from mixbridge.presets.preset import GroupBus, Preset, Track
from mixbridge.presets.roles import Role
from mixbridge.runtime.wishes.wishes import Wishes, granted

ROLES: dict[str, Role | None] = {
    "Bass": "bass",
    "Vox": "lead vocal",
    "Gtr L": "electric guitar",
    "Gtr R": "electric guitar",
}
LOUD = Strip(
    input_gain_db=6,
    fader_db=-2,
    eq=Equalizer(band1=EqBand(gain_db=3)),
    compressor=Compressor(threshold_db=-20, ratio=3),
    reverb_send_db=-8,
    delay_send_db=-20,
)
PANS = {"Bass": 0.0, "Vox": 0.2, "Gtr L": -0.7, "Gtr R": 0.7}


def predicted() -> Preset:
    links = {"Gtr L": "Gtr", "Gtr R": "Gtr"}
    tracks = tuple(
        Track(name=name, strip=LOUD.model_copy(update={"pan": PANS[name]}), role=role, link=links.get(name))
        for name, role in ROLES.items()
    )
    return Preset(tracks=tracks, master=Master(input_gain_db=-3, eq=Equalizer(high_shelf=EqBand(gain_db=2))))


def plain() -> Preset:
    tracks = tuple(
        Track(name=name, strip=Strip(input_gain_db=2, fader_db=1), role=role) for name, role in ROLES.items()
    )
    return Preset(tracks=tracks)


def test_nothing_asked_is_nothing_done() -> None:
    assert not Wishes().are_any
    assert not Wishes(base=plain()).are_any
    assert granted(predicted(), Wishes(), None) == predicted()


def test_a_locked_fader_keeps_the_level_of_the_track() -> None:
    base = Preset(tracks=(Track(name="Bass", strip=Strip(input_gain_db=1, fader_db=-5, pan=0.3)),))
    made = granted(predicted(), Wishes(locked={"Bass": ("pan", "fader")}, base=base), None)
    strip = made.track("Bass").strip
    assert strip.pan == 0.3
    assert strip.input_gain_db + strip.fader_db == 1 - 5
    assert (strip.eq, strip.compressor) == (LOUD.eq, LOUD.compressor)
    assert made.track("Vox") == predicted().track("Vox")


def test_without_a_base_a_lock_is_neutral() -> None:
    strip = granted(predicted(), Wishes(locked={"Vox": ("eq", "dynamics")}), None).track("Vox").strip
    assert strip.eq == Equalizer()
    assert strip.compressor.ratio == 1
    assert strip.fader_db == LOUD.fader_db


def test_a_locked_compressor_meets_the_track_at_the_level_that_it_knew() -> None:
    base = Preset(tracks=(Track(name="Vox", strip=Strip(compressor=Compressor(threshold_db=-30, ratio=2))),))
    strip = granted(predicted(), Wishes(locked={"Vox": ("compressor",)}, base=base), None).track("Vox").strip
    assert strip.compressor.threshold_db == -30 + LOUD.input_gain_db
    assert strip.compressor.ratio == 2


def test_a_lock_on_one_of_a_pair_frees_both() -> None:
    made = granted(predicted(), Wishes(locked={"Gtr L": ("eq",)}), None)
    assert made.track("Gtr L").link is made.track("Gtr R").link is None
    assert made.track("Gtr R").strip.eq == LOUD.eq


def test_centre_vocal_and_dry() -> None:
    made = granted(predicted(), Wishes(centred=("Vox",), vocal_db=2, is_dry=True), None)
    assert made.track("Vox").strip.pan == 0
    assert made.track("Vox").strip.fader_db == LOUD.fader_db + 2
    assert made.track("Bass").strip.fader_db == LOUD.fader_db
    for track in made.tracks:
        assert (track.strip.reverb_send_db, track.strip.delay_send_db) == (-80, -80)


def test_only_the_tone_of_a_reference() -> None:
    made = granted(predicted(), Wishes(only=("tone",)), plain())
    strip = made.track("Gtr L").strip
    assert strip.eq == LOUD.eq
    assert (strip.pan, strip.input_gain_db, strip.fader_db, strip.compressor.ratio) == (0, 2, 1, 1)
    assert made.master == predicted().master
    levels = granted(predicted(), Wishes(only=("levels",)), plain())
    strip = levels.track("Gtr L").strip
    assert strip.input_gain_db + strip.fader_db == LOUD.input_gain_db + LOUD.fader_db
    assert strip.eq == Equalizer()
    assert levels.master == Master(input_gain_db=-3)


def test_groups_are_of_dynamics() -> None:
    drums = GroupBus(name="Drums", strip=Strip(compressor=Compressor(ratio=2)))
    tracks = tuple(track.model_copy(update={"bus": "Drums"}) for track in predicted().tracks)
    grouped = predicted().model_copy(update={"tracks": tracks, "buses": (drums,)})
    kept, left = (granted(grouped, Wishes(only=(aspect,)), plain()) for aspect in ("dynamics", "tone"))
    assert kept.buses == (drums,)
    assert {track.bus for track in kept.tracks} == {"Drums"}
    assert left.buses == ()
    assert {track.bus for track in left.tracks} == {None}


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        (lambda: Wishes(locked={"Bass": ("faders",)}), 'did you mean "fader"'),
        (lambda: Wishes(only=("tones",)), 'did you mean "tone"'),
        (lambda: Wishes(vocal_db=60), "from -24 to 24"),
        (lambda: granted(predicted(), Wishes(centred=("Voks",)), None), 'did you mean "Vox"'),
        (lambda: granted(predicted(), Wishes(locked={"Bas": ("pan",)}), None), 'did you mean "Bass"'),
        (lambda: granted(predicted(), Wishes(locked={"Bass": ("pan",)}, base=Preset()), None), "no such track"),
        (lambda: granted(predicted(), Wishes(only=("tone",)), None), "no role is known"),
        (lambda: granted(Preset(tracks=(Track(name="a"),)), Wishes(vocal_db=1), None), "tell which is"),
    ],
)
def test_what_cannot_be_done_is_said(wishes: object, words: str) -> None:
    assert callable(wishes)
    with pytest.raises(PresetError, match=words.replace("(", r"\(")):
        wishes()
