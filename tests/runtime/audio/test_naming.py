"""File names made of track names: allowed on every system, and all different."""

import pytest
from mixbridge.runtime.audio.naming import file_names


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("Lead Vox", "Lead Vox"),
        ("Drums/Kick", "Drums_Kick"),
        ('a<b>c:d"e|f?g*h\\i', "a_b_c_d_e_f_g_h_i"),
        ("Vox\x1b[2J", "Vox_[2J"),
        ("ドラム & bass", "ドラム & bass"),
        ("..", "track"),
        ("  .Vox. ", "Vox"),
        ("é" * 200, "é" * 80),
    ],
)
def test_a_name(name: str, file: str) -> None:
    assert file_names([name]) == [file]


@pytest.mark.parametrize("name", ["CON", "aux ", "nul.take 2", "com1", "LPT9"])
def test_devices_of_windows_are_no_files(name: str) -> None:
    (file,) = file_names([name])
    assert file.split(".")[0].strip().casefold() not in {"con", "aux", "nul", "com1", "lpt9"}
    assert name.strip().split(".")[0] in file


def test_all_are_different_also_where_case_does_not_count() -> None:
    files = file_names(["Vox", "vox", "Vox", "a/b", "a:b"])
    assert len({file.casefold() for file in files}) == 5
