from mixbridge.presets.console import Strip, replace
from mixbridge.presets.files import dumps, loads
from mixbridge.presets.preset import LINKED, Preset, Track
from mixbridge.runtime.prediction.pairing import with_pairs
from mixbridge.runtime.roles.pairs import Pair


def track(name, role, **values):
    return Track(name=name, role=role, strip=replace(Strip(), values))


def pair(left, right, kind):
    return Pair(left, right, kind, "name", left[:-2])


def test_sides_are_as_recorded():
    preset = Preset(
        tracks=(
            track("OH R", "overhead", input_gain_db=10.0, fader_db=-6.0, pan=-0.4),
            track("OH L", "overhead", input_gain_db=12.0, fader_db=-1.0, pan=-0.2),
            track("Vox", "lead vocal", pan=0.1),
        )
    )
    done = loads(dumps(with_pairs(preset, [pair("OH L", "OH R", "sides")])))
    left, right = done.track("OH L"), done.track("OH R")
    assert (left.strip.pan, right.strip.pan) == (-1, 1)
    assert left.link == right.link == "OH"
    assert all(getattr(left.strip, name) == getattr(right.strip, name) for name in LINKED)
    # 4 and 11 dB: both get the middle, so that the picture is as it was recorded.
    assert left.strip.fader_db == right.strip.fader_db == -3.5
    assert left.strip.input_gain_db == 11
    assert done.track("Vox") == preset.track("Vox")


def test_takes_are_mirrored_and_keep_their_levels():
    preset = Preset(
        tracks=(
            track("Gtr 1", "electric guitar", input_gain_db=10.0, fader_db=-6.0, pan=0.9),
            track("Gtr 2", "electric guitar", input_gain_db=14.0, fader_db=-6.0, pan=-0.5),
        )
    )
    done = with_pairs(preset, [pair("Gtr 1", "Gtr 2", "takes")])
    one, other = done.track("Gtr 1").strip, done.track("Gtr 2").strip
    assert (one.pan, other.pan) == (-0.7, 0.7)
    assert (one.fader_db + one.input_gain_db, other.fader_db + other.input_gain_db) == (4, 8)
    assert one.input_gain_db == other.input_gain_db


def test_takes_on_one_spot_stand_as_engineers_put_them():
    tracks = tuple(track(name, "electric guitar", pan=-0.3) for name in ("Gtr 1", "Gtr 2"))
    done = with_pairs(Preset(tracks=tracks), [pair("Gtr 1", "Gtr 2", "takes")])
    assert [item.strip.pan for item in done.tracks] == [-0.46, 0.46]


def test_mirrored_pans_stay():
    tracks = (track("OH L", "overhead", pan=-0.6), track("OH R", "overhead", pan=0.6))
    done = with_pairs(Preset(tracks=tracks), [pair("OH L", "OH R", "sides")])
    assert [item.strip.pan for item in done.tracks] == [-0.6, 0.6]
