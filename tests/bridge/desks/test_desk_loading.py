"""Profiles from files: every mistake gets a sentence that says where, what, and what to do; nothing else escapes."""

import json
import re
from pathlib import Path
from unittest import mock

import mixbridge.bridge.desks
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mixbridge.bridge.desks import mistakes as desk_mistakes
from mixbridge.bridge.desks.loading import MAX_BYTES, check_desk, desk_names, json_schema, load_desk
from mixbridge.presets.errors import DeskError

FOLDER = Path(mixbridge.bridge.desks.__file__).parent
DOCS = FOLDER.parents[1] / "docs" / "desks.md"
X32 = (FOLDER / "x32.toml").read_text(encoding="utf-8")


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    return tmp_path / "mine.toml"


def mistakes(profile: Path, old: str, new: str) -> str:
    """What is said about the X32's profile with one thing changed."""
    assert old in X32
    profile.write_text(X32.replace(old, new, 1), encoding="utf-8")
    found = check_desk(profile)
    assert all(sentence.startswith(f"{profile}") for sentence in found), "each names the file"
    return "\n".join(sentence.removeprefix(f"{profile}").removeprefix(": ") for sentence in found)


@pytest.mark.parametrize("name", desk_names())
def test_shipped_profiles_have_no_mistakes_and_stay_readable(name: str):
    path = FOLDER / f"{name}.toml"
    assert check_desk(path) == []
    lines = path.read_text(encoding="utf-8").splitlines()
    # Gate, cuts, groups and effects came to it; what is alike is written once (`like`).
    assert len(lines) < 280
    assert max(map(len, lines)) <= 130
    assert load_desk(path) == load_desk(name)


class TestMistakes:
    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("port = 10023", "port = 10023 x", "is not valid TOML: .*line 26, column 14.*Correct that line"),
            ("port = 10023", "port = 10023\nport = 1", "not valid TOML: a key stands twice.*line 27"),
            ("[track.eq]", "[transport]", "not valid TOML"),
            ("gap_ms = 1", "gap = 1", r"^transport\.gap: is not known here; did you mean gap_ms"),
            ("[track.controls]", "[track.control]", r"^track\.control: is not known here; did you mean controls"),
            ("port = 10023\n", "", r"^transport\.port: is missing; add it"),
            ("port = 10023", "port = 'x'", r"^transport\.port: is 'x', but has to be a whole number"),
            ("port = 10023", "port = 70000", r"^transport\.port: is 70000, but has to be at most 65535"),
            ('"ask_empty"', '"ask"', r"^transport\.dialect: is 'ask', but has to be 'ask_empty'"),
            ("count = 32", "count = 1001", r"^track\.count: is 1001, but has to be at most 1000"),
            ("count = 32", f"count = {'9' * 5000}", "a number of thousands of digits"),
            ('scale = "eq_q"', 'scale = "eq_Q"', r"^track, eq\.1\.q: there is no scale 'eq_Q'; add it to \[scales\]"),
            (', scale = "eq_q"', "", r"^track\.eq\.bands\[1\]\.q\.scale: is missing; add it$"),
            ('scale = "eq_q"', "scale = 3", r"^track\.eq\.bands\[1\]\.q\.scale: is 3, but has to be a table$"),
            (
                'scale = "eq_q"',
                'scale = { kind = "log", low = 0, high = 1 }',
                r"q\.scale: a log scale needs a low above 0",
            ),
            ("low = -15, high = 15", "low = 15, high = -15", r"^scales\.eq_gain: low must be below high"),
            ("low = -15", "low = nan", r"^scales\.eq_gain\.low: is nan, but has to be a finite number"),
            ("steps = 120", "steps = 0", r"^scales\.eq_gain\.steps: is 0, but has to be at least 1"),
            ('kind = "log"', 'kind = "logarithm"', r"^scales\.eq_freq: the kind 'logarithm' is not known; .*'log'"),
            ('kind = "log", ', "", r"^scales\.eq_freq: needs a kind, one of linear, log"),
            ("[10, 1]]", "[10, 0.1]]", r"^scales\.fader: the point \[10, 0.1\] does not rise"),
            ('"/ch/{n:02}"', '"/ch/01"', r"^track, name: the address /ch/01/config/name is the same for all 32 strips"),
            ('"/ch/{n:02}"', '"/ch/{n!r}"', r"^track: \{n!r\} in .* is not understood; what can stand there is \{n\}"),
            ('"/ch/{n:02}"', '"ch/{n:02}"', r"^track: the prefix has to start with a slash"),
            ('"/ch/{n:02}"', '"/ch/{n"', "brace .* is not closed"),
            ('"eq/{slot}/g"', '"eq/{slot} g"', r"^track\.eq\.bands\[1\]\.gain_db\.address: .* is no OSC address"),
            (
                '"eq/{slot}/g"',
                '"eq/{slot}/f"',
                r"eq\.1\.freq_hz and eq\.1\.gain_db have the same address /ch/\{n:02\}/eq/1/f",
            ),
            ('"eq/{slot}/g"', '"eq/{what}/g"', r"^track, eq\.1\.gain_db: nothing says what \{what\} is"),
            ('"eq/{slot}/g"', '"{plugin.eq}/g"', r"add \[plugins\.eq\]"),
            ('slots = ["1", "2", "3", "4"]', 'slots = ["1", "1"]', r"eq\.1\.\w+.* more than once"),
            (
                'slots = ["1", "2", "3", "4"]',
                "slots = []",
                r"^track\.eq\.bands\[1\]\.slots: is \[\], but needs at least 1$",
            ),
            ('slots = ["1", "2", "3", "4"]', "slots = [{ a = 1 }]", "each table in `slots` needs a name"),
            (
                'type = { address = "eq/{slot}/type", scale = "eq_type" }\n',
                "",
                "`types` has to name what the bands are",
            ),
            ('"eq_type" }', '"eq_q" }', r"eq\.1\.type: needs a choice"),
            ('scale = "name"', 'scale = "pan"', "track, name: needs a scale of kind text, not linear"),
            ('"mix/pan", scale = "pan"', '"mix/pan", scale = "name"', "track, pan: needs a scale with numbers"),
            ('value = "compressor"', 'value = "limiter"', "compressor.mode: its fixed value does not suit its scale"),
            ("[track]\n", "[track]\nfirst = -1\n", r"^track\.first: is -1, but has to be at least 0"),
            ("version = 1", "version = 2", r"^version: is 2, but has to be 1"),
        ],
    )
    def test_is_explained(self, profile: Path, old: str, new: str, message: str):
        assert re.search(message, mistakes(profile, old, new), re.MULTILINE)

    def test_all_of_them_at_once(self, profile: Path):
        profile.write_text(X32.replace("port = 10023", "prt = 1").replace("steps = 120", "steps = 0"), encoding="utf-8")
        found = "\n".join(check_desk(profile))
        for place in ("transport.prt", "transport.port", "scales.eq_gain.steps", "scales.threshold.steps"):
            assert place in found

    def test_but_no_more_than_can_be_read(self, profile: Path):
        profile.write_text("\n".join(f"key{index} = 1" for index in range(500)), encoding="utf-8")
        found = check_desk(profile)
        assert len(found) == 21
        assert "more" in found[-1]

    def test_too_large(self, profile: Path):
        profile.write_text(X32 + "# " + "x" * MAX_BYTES, encoding="utf-8")
        assert "more than 256 kB" in check_desk(profile)[0]

    def test_not_text(self, profile: Path):
        profile.write_bytes(X32.encode("utf-16"))
        assert "not UTF-8 text" in check_desk(profile)[0]

    def test_nested_without_end(self, profile: Path):
        profile.write_text(f"x = {'[' * 50_000}", encoding="utf-8")
        assert "nested too deeply" in check_desk(profile)[0]

    def test_no_file(self, tmp_path: Path):
        assert "cannot be read: No such file" in check_desk(tmp_path / "none.toml")[0]
        assert "cannot be read: Is a directory" in check_desk(tmp_path)[0]

    @pytest.mark.parametrize("name", ["x23", "", "a\0b", "x" * 5000, "../x32"])
    def test_no_such_desk(self, name: str):
        with pytest.raises(DeskError, match=r"knows no desk .* ableton, ardour, .* docs/desks\.md") as caught:
            load_desk(name)
        assert len(str(caught.value)) < 300


class TestHostileFiles:
    """Whatever a file holds: a desk, or a DeskError."""

    @staticmethod
    def load(path: Path, data: bytes) -> None:
        path.write_bytes(data)
        try:
            desk = load_desk(path)
            for kind in desk.strips:
                desk.eq(kind)
                desk.compressor(kind)
                desk.questions(kind, desk.strips[kind].first)
        except DeskError:
            assert check_desk(path)

    @settings(max_examples=100, deadline=None)
    @given(data=st.binary(max_size=400))
    def test_bytes(self, tmp_path_factory: pytest.TempPathFactory, data: bytes):
        self.load(tmp_path_factory.getbasetemp() / "bytes.toml", data)

    @settings(max_examples=100, deadline=None)
    @given(
        name=st.sampled_from(desk_names()),
        edits=st.lists(
            st.tuples(
                st.integers(0, 10_000),
                st.sampled_from(
                    [
                        *(
                            "",
                            "0",
                            "-1",
                            "1e400",
                            "inf",
                            "nan",
                            "true",
                            "[]",
                            "{}",
                            '""',
                            '"x"',
                            "'{n}'",
                            "'/'",
                            "1979-05-27",
                        ),
                        *(
                            "99999999999999999999",
                            "1e-320",
                            "[[1,2],[3]]",
                            "{ kind = 'text', max_length = 1 }",
                            "\x00",
                            "[",
                            "=",
                        ),
                        *("'choice'", "'switch'", "'fader'", "'{plugin.x}'", "'{a.b}'", "'{n:09}'", '"\\ud800"', "'ä'"),
                    ]
                ),
            ),
            min_size=1,
            max_size=4,
        ),
    )
    def test_profiles_with_other_values(
        self, tmp_path_factory: pytest.TempPathFactory, name: str, edits: list[tuple[int, str]]
    ):
        """Tokens behind `=` or in lists of a good profile, replaced."""
        text = (FOLDER / f"{name}.toml").read_text(encoding="utf-8")
        for place, value in edits:
            tokens = list(re.finditer(r"(?<=[=,\[] )\S+?(?=[,\s\]}])|\w+(?= =)", text))
            token = tokens[place % len(tokens)]
            text = text[: token.start()] + value + text[token.end() :]
        self.load(tmp_path_factory.getbasetemp() / "edited.toml", text.encode("utf-8", "surrogatepass"))

    @settings(max_examples=50, deadline=None)
    @given(name=st.sampled_from(desk_names()), cuts=st.lists(st.integers(0, 10_000), min_size=1, max_size=6))
    def test_profiles_with_lines_lost_or_doubled(
        self, tmp_path_factory: pytest.TempPathFactory, name: str, cuts: list[int]
    ):
        lines = (FOLDER / f"{name}.toml").read_text(encoding="utf-8").splitlines()
        for cut in cuts:
            index = cut % len(lines)
            lines[index : index + 1] = [] if cut % 2 else [lines[index]] * 2
        self.load(tmp_path_factory.getbasetemp() / "cut.toml", "\n".join(lines).encode())


class TestDocs:
    def test_the_example_is_a_good_profile(self, profile: Path):
        example = re.findall(r"```toml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)[0]
        profile.write_text(example, encoding="utf-8")
        assert check_desk(profile) == []

    def test_every_desk_is_in_the_table(self):
        text = DOCS.read_text(encoding="utf-8")
        assert all(f"| `{name}`" in text for name in desk_names())

    def test_every_key_of_the_format_is_explained(self):
        text = DOCS.read_text(encoding="utf-8")
        schema = json_schema()
        keys = {key for part in (schema, *schema["$defs"].values()) for key in part.get("properties", {})}
        missing = sorted(key for key in keys if not re.search(rf"[`\[]{key}\b", text))
        assert missing == []


def test_exported_schema_is_current():
    exported = json.loads((FOLDER / "desk.schema.json").read_text(encoding="utf-8"))
    assert exported == json_schema(), "write it anew, as this test reads it"


def test_a_flood_of_mistakes_is_worded_as_far_as_it_is_shown(profile: Path):
    """Each list that is too short was looked up among all mistakes: 200 kB of them took minutes."""
    slots = ",".join(["{slots=[]}"] * 20_000)
    text = f'name = "a"\ntitle = "b"\n[transport]\nport = 1\n[track.eq]\nbands = [{slots}]\n'
    profile.write_text(text, encoding="utf-8")
    assert len(text) < MAX_BYTES
    with mock.patch.object(desk_mistakes, "_sentence", wraps=desk_mistakes._sentence) as worded:
        found = check_desk(profile)
    assert worded.call_count <= 200
    assert re.search(r"and \d{5} more", found[-1])
