"""Which sessions a batch has: manifests of three kinds, folders, and what is wrong with one, by its place."""

from __future__ import annotations

import json

import pytest
from mixbridge.presets.errors import SessionError
from mixbridge.runtime.batch.items import BatchItem, ItemOptions, item_of
from mixbridge.runtime.batch.manifest import Defaults, list_items


def listed(tmp_path, name, text, **defaults):
    (tmp_path / name).write_text(text, encoding="utf-8")
    return list_items(tmp_path / name, Defaults(**defaults)).items


def test_the_same_items_of_csv_json_lines_and_yaml(tmp_path):
    csv = (
        '\ufeffsession,reference,amount,options\nA/Song 1,ref.wav,0.7,\n/x/B.RPP,a.wav=0.7; b.wav,,"{""dry"": true}"\n'
    )
    lines = [
        {"session": "A/Song 1", "reference": "ref.wav", "amount": 0.7},
        {"session": "/x/B.RPP", "reference": {"a.wav": 0.7, "b.wav": 1}, "options": {"dry": True}},
    ]
    yaml = (
        "- {session: A/Song 1, reference: ref.wav, amount: 0.7}\n"
        "- session: /x/B.RPP\n  reference: [a.wav=0.7, b.wav]\n  dry: yes\n"
    )
    first, second = listed(tmp_path, "m.csv", csv)
    assert first == BatchItem(
        "Song 1", str(tmp_path / "A/Song 1"), (str(tmp_path / "ref.wav"),), options=ItemOptions(amount=0.7)
    )
    assert (second.name, second.session, second.options) == ("B", "/x/B.RPP", ItemOptions(dry=True))
    assert second.references == (str(tmp_path / "a.wav=0.7"), str(tmp_path / "b.wav"))
    assert listed(tmp_path, "m.yaml", yaml) == (first, second)
    of_lines = listed(tmp_path, "m.jsonl", "\n".join(map(json.dumps, lines)))
    assert of_lines[0] == first
    assert of_lines[1].options == second.options


def test_what_other_programs_write_is_read(tmp_path):
    """Windows: a byte order mark, its line ends, semicolons or tabs, backslashes; empty rows and columns."""
    (tmp_path / "takes/Café 1").mkdir(parents=True)
    expected = [(str(tmp_path / "takes/Café 1"), str(tmp_path / "ref.wav")), (str(tmp_path / "b;c"), None)]
    for text in (
        '\ufeff\r\nsession;reference;\r\ntakes\\Café 1;ref.wav;\r\n;;\r\n\r\n"b;c";;\r\n',
        "Session\tReference\r\ntakes/Café 1\tref.wav\r\n\t\r\n b;c \r\n",
        'session,reference\rtakes/Café 1,ref.wav\r"b;c"\r',
    ):
        (tmp_path / "m.csv").write_text(text, encoding="utf-8", newline="")
        items = list_items(tmp_path / "m.csv", Defaults()).items
        assert [(item.session, item.references[0] if item.references else None) for item in items] == expected
    (tmp_path / "m.csv").write_bytes("session\ntakes/Café 1\n".encode("latin-1"))
    with pytest.raises(SessionError, match="save it as UTF-8"):
        list_items(tmp_path / "m.csv", Defaults())


def test_what_spreadsheets_write_is_read(tmp_path):
    """A line that names the separator, decimal commas, rows with more separators than columns, words in quotes."""
    text = (
        "\ufeffsep=;\r\nSession;Sample rate;loudness;amount\r\n;;;;;\r\na;48000;-14,5;0,7\r\n;\r\nb;44100;-9;,5;;\r\n"
    )
    a, b = listed(tmp_path, "m.csv", text)
    assert (a.options.sample_rate, a.options.loudness, a.options.amount) == (48000, -14.5, 0.7)
    assert (b.options.sample_rate, b.options.loudness, b.options.amount) == (44100, -9.0, 0.5)
    (only,) = listed(tmp_path, "m.csv", '"session";"name"\n"x, y";"a, b, c"\n')
    assert (only.session, only.name) == (str(tmp_path / "x, y"), "a, b, c")


def test_what_is_said_twice_is_done_once(tmp_path):
    (tmp_path / "m.csv").write_text("session,reference\na,x.wav\na,y.wav\n a ,x.wav\n", encoding="utf-8")
    found = list_items(tmp_path / "m.csv", Defaults())
    assert [(item.name, item.references) for item in found.items] == [
        ("a", (str(tmp_path / "x.wav"),)),
        ("a (2)", (str(tmp_path / "y.wav"),)),
    ]
    assert found.left_out == (f"{tmp_path / 'm.csv'}, line 4: says the same as line 2",)


def test_names_that_look_like_something_else_are_names(tmp_path):
    yaml = (
        "base: &all {amount: 0.5}\n"
        "items:\n- {session: 2026-11-29, name: 007, reference: ~, <<: *all}\n- {session: no}\n"
    )
    first, second = listed(tmp_path, "m.yaml", yaml)
    assert (first.session, first.name, first.references) == (str(tmp_path / "2026-11-29"), "007", ())
    assert (first.options.amount, second.session) == (0.5, str(tmp_path / "no"))
    lines = '{"session": 1999}\r\n{"session": "a\u2028b"}\n'
    assert [item.name for item in listed(tmp_path, "m.jsonl", lines)] == ["1999", "a_b"]


def test_the_command_line_fills_in_what_a_manifest_leaves_out(tmp_path):
    text = "session,preset,loudness\na,,off\nb,lead-vocal,reference\n"
    a, b = listed(tmp_path, "m.csv", text, references=("song.wav",), options=ItemOptions(stems=False, loudness=-20.0))
    assert (a.references, a.preset, a.options.loudness, a.options.stems) == (("song.wav",), None, None, False)
    assert (b.references, b.preset, b.options.loudness) == ((), "lead-vocal", "reference")
    assert item_of(json.loads(json.dumps(b.as_json()))) == b


def test_names_are_all_different_and_can_be_folders(tmp_path):
    names = [item.name for item in listed(tmp_path, "m.csv", "session,name\na/Song,\nb/Song,\nc,../x\nd,index.html\n")]
    assert len({name.casefold() for name in names}) == 4
    assert names[:2] == ["Song", "Song (2)"]
    assert not any("/" in name or name in ("..", "index.html") for name in names)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("m.csv", "sesion,reference\na,b\n", ["line 1", "'sesion'", "did you mean session?"]),
        ("m.csv", "session\na,b\n", ["line 2", "more values than columns"]),
        ("m.csv", "\n\nsession\n\na,b\n", ["line 5", "more values than columns"]),
        ("m.csv", 'session\n"a\n', ["quotes"]),
        ("m.csv", "a,ref.wav\nb,ref.wav\n", ["line 1", "no column 'a'"]),
        ("m.csv", "session,reference,Session\na,b,c\n", ["line 1", "two columns 'session'"]),
        ("m.csv", "session,reference,references\na,b,c\n", ["line 1", "two columns 'reference'"]),
        ("m.csv", "session,,name\na,note,c\n", ["line 2", "a column without a name"]),
        ("m.csv", "session,reference\n,x\n", ["line 2", "names no session"]),
        ("m.csv", "session,amount\na,much\n", ["line 2", "amount is a number, not 'much'"]),
        ("m.csv", "session,amount\na,7\n", ["line 2", "0 to 1.5"]),
        ("m.csv", "session,reference,preset\na,b,c\n", ["line 2", "choose one"]),
        ("m.csv", "session,options\na,{\n", ["line 2", "JSON object"]),
        ("m.csv", "session\n", ["no sessions", "session,reference"]),
        ("m.jsonl", '{"session": "a"}\n[1]\n', ["line 2", "no set of names"]),
        ("m.jsonl", "{", ["line 1", "is not JSON"]),
        ("m.yaml", "session: a", ["no list of items"]),
        ("m.yaml", "- [", ["is not YAML"]),
        ("m.yaml", "- {session: a, options: {wet: 1}}", ["item 1", "no option 'wet'"]),
        ("m.txt", "", [".csv, .jsonl"]),
    ],
)
def test_a_mistake_is_named_by_its_place(tmp_path, name, text, words):
    with pytest.raises(SessionError) as error:
        listed(tmp_path, name, text)
    for word in words:
        assert word in str(error.value)


def test_a_folder_of_stems_is_one_session(tmp_path):
    (tmp_path / "Vox.wav").write_text("")
    with pytest.raises(SessionError, match="is one session: mix it with `mixbridge mix`"):
        list_items(tmp_path, Defaults(("ref.wav",)))


def test_each_folder_of_stems_and_each_session_is_one(tmp_path):
    for name in (
        "A/stems/Vox.wav",
        "B/song.RPP",
        "B/Media/v.wav",
        "two/1.RPP",
        "two/2.ardour",
        "empty/notes.txt",
        ".hidden/x.wav",
        "out/A/mix.wav",
        "loose.wav",
        "ref.wav",
        "C.dawproject",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    found = list_items(tmp_path, Defaults(("ref.wav",)), [tmp_path / "out", tmp_path / "ref.wav"])
    assert [(item.name, item.session) for item in found.items] == [
        ("A", str(tmp_path / "A")),
        ("B", str(tmp_path / "B/song.RPP")),
        ("C", str(tmp_path / "C.dawproject")),
    ]
    said = "\n".join(found.left_out)
    assert len(found.left_out) == 3
    for word in ("empty: no audio", "loose.wav: a single file", "two: several DAW sessions"):
        assert word in said


def sessions_of(tmp_path, *names):
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    return list_items(tmp_path, Defaults())


def test_songs_in_folders_of_folders_are_each_one(tmp_path):
    found = sessions_of(
        tmp_path,
        *(f"Album/{song}/{name}.wav" for song in ("One", "Two") for name in ("Vox", "Bass", "Kick")),
        *(f"One song/{group}/{name}.wav" for group in ("Drums", "Gtr", "Keys") for name in ("L", "R", group)),
        "Artist/First/a.RPP",
        "Artist/Second/b.ardour",
        "Artist/Third/x.wav",
        "Song/session/c.RPP",
        "Song/bounces/c.wav",
        "Year/Month/Day/Night/Vox.wav",
    )
    assert [(item.name, item.session.removeprefix(f"{tmp_path}/")) for item in found.items] == [
        ("Album - One", "Album/One"),
        ("Album - Two", "Album/Two"),
        ("Artist - First", "Artist/First/a.RPP"),
        ("Artist - Second", "Artist/Second/b.ardour"),
        ("Artist - Third", "Artist/Third"),
        ("One song", "One song"),
        ("Song", "Song/session/c.RPP"),
        ("Year", "Year"),
    ]
    assert found.left_out == (f"{tmp_path}/Song/bounces: lies beside a DAW session",)


def test_results_of_a_batch_are_no_session(tmp_path):
    found = sessions_of(tmp_path, "Song/Vox.wav", "mixes/ledger.jsonl", "mixes/Song/mix.wav")
    assert [item.name for item in found.items] == ["Song"]
    assert found.left_out == (f"{tmp_path}/mixes: results of a batch",)
