"""What a desk had, kept in files that can be trusted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mixbridge.bridge.osc.link import Target
from mixbridge.bridge.push import snapshots
from mixbridge.bridge.push.snapshots import Kept, KeptStrip, Snapshot, Stored, next_undo
from mixbridge.presets.errors import DeskError, OutputError


def shot(second=0, purpose="push", undoes=None, host="10.0.0.1", values=(("mute", 1),)):
    kept = tuple(Kept(key=key, wire=wire) for key, wire in values)
    strip = KeptStrip(kind="track", number=3, label="ch/03", name="Vox", values=kept)
    created = f"2026-11-22T10:00:{second:02}.000+00:00"
    return Snapshot(created=created, purpose=purpose, undoes=undoes, desk="x32", host=host, port=10023, strips=(strip,))


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "mixbridge" / "snapshots"


def test_where_they_are_kept(monkeypatch, tmp_path, folder):
    assert snapshots.state_folder() == folder
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert snapshots.state_folder() == tmp_path / ".local" / "state" / "mixbridge" / "snapshots"


@given(
    wire=st.integers(-(2**31), 2**31 - 1)
    | st.floats(allow_nan=False, allow_infinity=False, width=32)
    | st.text(max_size=20)
)
def test_values_come_back_as_they_went_over_the_wire(wire):
    text = json.dumps(shot(values=(("x", wire),)).model_dump(mode="json"))
    found = Snapshot.model_validate_json(text).strips[0].values[0].wire
    assert found == wire
    assert type(found) is type(wire)


def test_saved_and_found_again(folder):
    first, second = snapshots.save(shot(1)), snapshots.save(shot(2))
    again = snapshots.save(shot(2))
    assert first.parent == folder
    (folder / "broken.json").write_text("{}")
    found, broken = snapshots.stored()
    assert [item.path for item in found] == [again, second, first]
    assert found[0].snapshot == shot(2)
    assert broken == [folder / "broken.json"]


def test_nothing_is_overwritten(tmp_path):
    path = tmp_path / "mine.json"
    assert snapshots.save(shot(), path) == path
    with pytest.raises(OutputError, match="there already"):
        snapshots.save(shot(1), path)
    assert snapshots.load(path) == shot()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"format": "mixbridge-preset"}',
        "\x00",
        json.dumps({**shot().model_dump(), "version": 2}),
        json.dumps({**shot().model_dump(), "strips": [{"kind": "bus"}]}),
        json.dumps(shot().model_dump()).replace('"wire": 1', '"wire": NaN'),
        json.dumps(shot().model_dump()).replace('"wire": 1', '"wire": true'),
        json.dumps(shot().model_dump()).replace('"wire": 1', '"wire": 1e400'),
        json.dumps(shot().model_dump()).replace('"wire": 1', '"wire": [1]'),
    ],
)
def test_other_files_are_refused(tmp_path, text):
    path = tmp_path / "file.json"
    path.write_text(text)
    with pytest.raises(DeskError, match=r"file.json is no snapshot.*Choose another"):
        snapshots.load(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(DeskError, match="No such file"):
        snapshots.load(tmp_path / "none.json")
    with pytest.raises(DeskError, match="no snapshot begins"):
        snapshots.named("2026", [])


def test_named_by_its_beginning():
    for second in (1, 2):
        snapshots.save(shot(second))
    found, _ = snapshots.stored()
    assert snapshots.named(found[1].path.name, found) == found[1]
    assert snapshots.named(str(found[1].path), []).snapshot == shot(1)
    assert snapshots.named("20261122100001", found) == found[1]
    with pytest.raises(DeskError, match="several snapshots begin"):
        snapshots.named("2026", found)


def history(*steps):
    """Snapshots from (name, purpose, undoes), the oldest first."""
    return [Stored(Path(name), shot(0, purpose, undoes)) for name, purpose, undoes in reversed(steps)]


class TestOrder:
    def test_one_push_after_the_other(self):
        steps = [("a", "push", None), ("b", "push", None)]
        assert next_undo(history(*steps)).path.name == "b"
        steps.append(("c", "undo", "b"))
        assert next_undo(history(*steps)).path.name == "a"
        assert next_undo(history(*steps), redo=True).path.name == "c"
        steps.append(("d", "undo", "a"))
        assert next_undo(history(*steps), redo=True).path.name == "d"
        with pytest.raises(DeskError, match="nothing to undo"):
            next_undo(history(*steps))
        steps.append(("e", "redo", "d"))
        assert next_undo(history(*steps), redo=True).path.name == "c"
        assert next_undo(history(*steps)).path.name == "e"

    def test_no_redo_behind_a_new_push(self):
        steps = [("a", "push", None), ("b", "undo", "a"), ("c", "push", None)]
        with pytest.raises(DeskError, match="no undo to be taken back"):
            next_undo(history(*steps), redo=True)

    def test_each_desk_has_its_own(self):
        snapshots.save(shot(1, host="a"))
        snapshots.save(shot(2, host="b"))
        found, _ = snapshots.stored()
        assert next_undo(found).snapshot.host == "b"
        assert next_undo(found, Target("x32", "a")).snapshot.host == "a"
        assert next_undo(found, Target("x32", "a", 10023)).snapshot.host == "a"
        with pytest.raises(DeskError, match="nothing at x32://a to undo"):
            next_undo(found, Target("x32", "a", 10024))
        with pytest.raises(DeskError, match="nothing at xair://a to undo"):
            next_undo(found, Target("xair", "a"))
