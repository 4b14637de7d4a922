"""Every command in the README runs or, where it needs a desk, a corpus or a network, is understood; so in docs/."""

import re
import shlex
import shutil
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import click
import numpy as np
import pytest
import soundfile as sf
from insert_models import scaling
from mixbridge.bridge.cli.main import cli, main
from mixbridge.presets import factory, files
from mixbridge.presets.preset import Preset, Track

ROOT = Path(__file__).parents[1]
RATE_HZ = 22050
# These need a desk, a corpus, or half an hour.
PARSED = [
    ["push"],
    ["recover"],
    ["undo"],
    ["serve"],
    ["live"],
    ["web"],
    ["desk", "pull"],
    ["desk", "snapshot"],
    ["model", "train"],
    ["model", "export"],
    ["model", "evaluate"],
]
PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    *sorted(f"docs/{path.relative_to(ROOT / 'docs')}" for path in (ROOT / "docs").rglob("*.md")),
]


def blocks(page):
    """Lines of indented blocks and fenced ones, without what is Python, TOML or JSON."""
    text = (ROOT / page).read_text(encoding="utf-8")
    text = re.sub(r"^```(\w+).*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return [line.strip() for line in text.splitlines() if re.match(r"^(    )+\S", line)]


def commands(page):
    """Command lines of mixbridge in a page: those of blocks, and those between backticks that are whole."""
    lines = [line for line in blocks(page) if line.startswith("mixbridge ")]
    return [shlex.split(line, comments=True)[1:] for line in lines if "..." not in line]


def parsed(arguments):
    """Has click read a command line, without running it."""
    context = cli.make_context("mixbridge", list(arguments))
    while isinstance(context.command, click.Group):
        name, command, rest = context.command.resolve_command(context, [*context._protected_args, *context.args])
        context = command.make_context(name, rest, parent=context)
    return context


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """What a reader of the README has: stems, songs, sessions, presets."""
    numbers = np.random.default_rng(0)

    def write(name, seconds, channels=1):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        sf.write(path, 0.1 * numbers.standard_normal((round(seconds * RATE_HZ), channels)), RATE_HZ)

    for name in (
        "stems/Bass.wav",
        "stems/Lead Vox.wav",
        "vox.wav",
        "bass.wav",
        "sessions/Monday/Vox.wav",
        "noisy/Bass.wav",
        "noisy/Lead Vox.wav",
    ):
        write(name, 1)
    for name in ("song.wav", "ref.wav", "a.wav", "b.wav"):
        write(name, 8, 2)
    from reaper_project import item, project, track

    write("Media/bass.wav", 1)
    (tmp_path / "song.RPP").write_text(project([track("Bass", item("Media/bass.wav"), number=1)], rate=RATE_HZ))
    mine = Preset(tracks=(Track(name="Bass"), Track(name="Lead Vox")))
    for name in ("a.json", "b.json", "mine.json"):
        files.save(mine, tmp_path / name)
    files.save(Preset(tracks=(Track(name="Bass"),)), tmp_path / "preset.json")
    (tmp_path / "last-mix").mkdir()
    files.save(mine, tmp_path / "last-mix" / "preset.json")
    for name in ("run/checkpoints/last.ckpt", "diff-mst.ckpt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    scaling(tmp_path / "mine.onnx")
    (tmp_path / "CORPUS").mkdir()
    (tmp_path / "presets").mkdir()
    (tmp_path / "vocal.yaml").write_text("track_root_dirs: [dataset/raw]\nmix_root_dirs: [dataset/mixed]\n")
    for side in ("raw", "mixed"):
        write(f"dataset/{side}/vocal1.wav", 1)
    # Those of pyproject.toml, whatever was installed last.
    entries = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["mixbridge.commands"]
    monkeypatch.setattr(
        "importlib.metadata.entry_points",
        lambda *, group, name: [EntryPoint(name, entries[name], group)] if name in entries else [],
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_commands_of_the_readme_run_in_their_order(folder, capsys):
    ran = 0
    for arguments in commands("README.md"):
        # Plug-ins are the reader's, as a model of one's own is.
        theirs = {"my-model", "--plugins"} & set(arguments)
        if theirs or any(arguments[: len(start)] == start for start in PARSED):
            parsed(arguments)
            continue
        if arguments[:2] == ["session", "stems"]:
            shutil.rmtree("stems")  # the reader's other session
        # As good for a test: a second of search, a session of REAPER.
        given = [{"30s": "1s", "song.ardour": "song.RPP"}.get(word, word) for word in arguments]
        with pytest.raises(SystemExit) as stop:
            main(given)
        assert stop.value.code == 0, (given, capsys.readouterr().err)
        ran += 1
    assert ran >= 14


def test_python_of_the_readme_runs(folder):
    (code,) = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(), flags=re.MULTILINE | re.DOTALL)
    exec(
        code,
        {
            "samples": np.zeros(48000 * 8, np.float32)
            + 0.01 * np.random.default_rng(0).standard_normal(48000 * 8).astype(np.float32)
        },
    )
    assert (folder / "mix" / "mix.wav").is_file()


@pytest.mark.parametrize("page", PAGES)
def test_commands_of_all_pages_are_understood(page, folder):
    for arguments in commands(page):
        for word in arguments:
            if word in {"CORPUS", "MODEL"}:
                (folder / word).mkdir(exist_ok=True)
            if word.endswith(".yaml"):
                (folder / word).touch()
        assert parsed(arguments).command.callback is not None


@pytest.mark.parametrize("page", PAGES)
def test_other_lines_name_what_is_there(page):
    """Scripts and extras; on Linux, where they are for Linux."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    text = (ROOT / page).read_text(encoding="utf-8")
    assert set(re.findall(r"'\.\[([\w,]+)\]'", text)) <= set(extras)
    assert "mixbridge[" not in text
    for script in re.findall(r"(?:sh )?(scripts/[\w-]+)", text):
        assert (ROOT / script).is_file(), script


def test_factory_presets_and_python_are_as_the_readme_says():
    assert "lead-vocal" in factory.names()
    assert sys.version_info >= (3, 11)
