"""Each kind of what is not rendered, made in each format: the same words everywhere, and none is forgotten."""

from pathlib import Path

import kinds_ardour
import kinds_dawproject
import kinds_reaper
import pytest
from kind_examples import FormatKinds, kind_of
from mixbridge.bridge.sessions.core.kinds import Kind
from mixbridge.bridge.sessions.reading import read_session
from mixbridge.bridge.sessions.stems.planning import plan_stems

FORMATS: dict[str, FormatKinds] = {
    "reaper": kinds_reaper.KINDS,
    "ardour": kinds_ardour.KINDS,
    "dawproject": kinds_dawproject.KINDS,
}


_EXAMPLES = [(name, kind) for name, kinds in FORMATS.items() for kind in kinds.examples]


@pytest.mark.parametrize("name", FORMATS)
def test_every_kind_is_made_or_is_not_there(name: str) -> None:
    kinds = FORMATS[name]
    assert set(kinds.examples) | set(kinds.not_there) == set(Kind)
    assert not set(kinds.examples) & set(kinds.not_there)


@pytest.mark.parametrize(("name", "kind"), _EXAMPLES, ids=lambda item: getattr(item, "name", item))
def test_a_kind_is_listed_in_its_words(name: str, kind: Kind, tmp_path: Path) -> None:
    example = FORMATS[name].examples[kind]
    plan = plan_stems(read_session(example.make(tmp_path)), post_fader=example.post_fader, muted=example.muted)
    notes = [(note.track, note.clip, note.what) for note in (*plan.not_rendered, *plan.remarks)]
    assert example.note in notes
    assert kind_of(example.note[2]) is kind
    assert all(kind_of(what) for *_, what in notes)
