from mixbridge.presets.names import LONGEST_NAME, free_name, unique_names
from mixbridge.presets.preset import Preset, Track


def test_a_name_that_comes_again_gets_the_next_free_number() -> None:
    assert unique_names(["Vox", "Vox", "Vox (2)", "Vox"]) == ["Vox", "Vox (2)", "Vox (2) (2)", "Vox (3)"]


def test_a_name_of_nothing_is_a_track() -> None:
    assert unique_names(["", " Bass ", "  "]) == ["track", "Bass", "track (2)"]


def test_what_counts_as_the_same_name_is_the_callers() -> None:
    assert free_name("Vox", {"vox"}) == "Vox"
    assert free_name("Vox", {"vox"}, key=str.casefold) == "Vox (2)"


def test_numbered_names_fit_into_a_preset() -> None:
    long = "x" * (LONGEST_NAME + 50)
    names = unique_names([long] * 12)
    assert len(set(names)) == 12
    assert Preset(tracks=tuple(Track(name=name) for name in names)).tracks[11].name.endswith(" (12)")
