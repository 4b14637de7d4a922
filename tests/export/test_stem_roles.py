import json

import pytest
from mixbridge.export.stem_roles import role_of_stem, roles_of_session


@pytest.mark.parametrize(
    ("stem", "role"),
    [
        ({"role": "hats", "instrument": "standard kit"}, "hi-hat"),
        ({"role": "guitar", "instrument": "overdriven guitar"}, "electric guitar"),
        ({"role": "guitar", "instrument": "acoustic guitar (nylon)"}, "acoustic guitar"),
        ({"role": "vocal", "instrument": "sung", "file": "vocal.flac"}, "lead vocal"),
        ({"role": "vocal", "instrument": "sung", "file": "vocal_double.flac"}, "backing vocal"),
        ({"role": "vocal", "instrument": "spoken flite"}, "speech"),
        ({"role": "lead vocal"}, "lead vocal"),
        ({"role": "theremin"}, None),
        ({}, None),
    ],
)
def test_words_of_a_corpus_become_roles(stem, role):
    assert role_of_stem(stem) == role


def test_a_session_gives_the_roles_of_its_files(tmp_path):
    stems = [{"file": "a.flac", "role": "kick"}, {"file": "b.flac", "role": "theremin"}]
    (tmp_path / "meta.json").write_text(json.dumps({"stems": stems}))
    assert roles_of_session(tmp_path) == {"a.flac": "kick"}


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", '{"stems": 3}', '{"stems": [3]}', '{"stems": [{"role": "kick"}]}']
)
def test_a_description_of_another_maker_tells_no_roles(tmp_path, text):
    (tmp_path / "meta.json").write_text(text)
    assert roles_of_session(tmp_path) == {}


def test_a_session_without_description_tells_no_roles(tmp_path):
    assert roles_of_session(tmp_path) == {}
