"""Plug-ins are loaded in a process of their own: whatever they do there is one line."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import hostile_plugin
import pytest
from click.testing import CliRunner
from mixbridge.bridge.cli.main import cli
from mixbridge.bridge.plugins.probing.folders import find_plugin, find_plugins, plugin_folders
from mixbridge.bridge.plugins.probing.isolation import ask
from mixbridge.bridge.plugins.probing.measuring import measured_profile
from mixbridge.bridge.plugins.probing.scanning import look_at, scan
from mixbridge.presets.errors import PluginError
from mixbridge.runtime.isolated.process import IsolatedProcess

HOSTILE = (sys.executable, hostile_plugin.__file__)
ZAM = Path("/usr/lib/vst3")
with_zam = pytest.mark.skipif(not (ZAM / "ZamEQ2.vst3").exists(), reason="zam-plugins is not installed")


@pytest.mark.parametrize(
    ("fault", "status", "remark"),
    [
        ("crashes", "crashed", "crashed (SIGSEGV)"),
        ("crashes-playing", "crashed", "crashed (SIGABRT)"),
        ("exits", "crashed", "crashed (exit code 3)"),
        ("refuses", "refused", "Unable to load plugin refuses.vst3: unsupported plugin format or load failure."),
        ("nan", "trouble", "its sound is not finite (NaN or infinite)"),
        ("short", "trouble", "it gives 4793 samples for 4800"),
        ("many", "ok", "it has 5,000 parameters: measuring it takes long"),
        ("none", "ok", "it has no parameters: nothing can be set"),
        ("stereo-only", "ok", ""),
    ],
)
def test_each_fault_is_one_line(fault, status, remark):
    (found,) = look_at(Path(f"{fault}.vst3"), command=HOSTILE)
    assert (found.status, found.remark) == (status, remark)
    assert "\n" not in found.remark


def test_a_plugin_that_hangs_is_ended():
    (found,) = look_at(Path("hangs.vst3"), limit_s=1.0, command=HOSTILE)
    assert found.status == "hung"
    assert found.remark.startswith("gave no answer within 1 s and was ended: a window that waits for a licence")


def test_what_a_plugin_prints_never_becomes_an_answer():
    (found,) = look_at(Path("prints.vst3"), command=HOSTILE)
    assert (found.name, found.status, found.remark) == ("prints", "ok", "it prints")
    assert found.printed.startswith("LICENCE EXPIRED")


def test_what_is_printed_is_told_whoever_is_quicker(monkeypatch):
    """On a busy machine the answer overtook what was printed before it."""
    listen = IsolatedProcess._listen

    def late(self):
        while self.is_alive:
            time.sleep(0.01)
        listen(self)

    monkeypatch.setattr(IsolatedProcess, "_listen", late)
    (found,) = look_at(Path("prints.vst3"), command=HOSTILE)
    assert found.remark == "it prints"


def test_a_latency_that_changes_is_told():
    (found,) = look_at(Path("latency.vst3"), command=HOSTILE)
    assert found.status == "trouble"
    assert "its latency changes while it plays" in found.remark


def test_several_plugins_of_one_file_are_several_lines():
    found = look_at(Path("two.vst3"), command=HOSTILE)
    assert [(item.name, item.remark) for item in found] == [
        ("One", "one of 2 plug-ins in its file"),
        ("Two", "one of 2 plug-ins in its file"),
    ]


def test_a_scan_goes_on_behind_a_crash():
    shares = []
    found = scan(
        [Path("crashes.vst3"), Path("good.vst3")], command=HOSTILE, on_progress=lambda share, name: shares.append(share)
    )
    assert [item.status for item in found] == ["crashed", "ok"]
    assert shares == [0.0, 0.5]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("nan", r"nan\.vst3: its sound is not finite"),
        ("short", r"short\.vst3: it gives 505 samples for 512"),
        ("crashes-playing", r"crashes-playing\.vst3 crashed \(SIGABRT\)"),
        ("none", r"none\.vst3: no equalizer, compressor or gate was recognized in it"),
    ],
)
def test_measuring_a_hostile_plugin_is_a_sentence(fault, message):
    with pytest.raises(PluginError, match=message):
        measured_profile(Path(f"{fault}.vst3"), command=HOSTILE)


def test_a_host_that_cannot_be_started_is_no_traceback():
    with pytest.raises(PluginError, match="cannot be started"):
        ask({"do": "inspect", "path": "x.vst3"}, command=("/nosuch/program",))


def test_plugins_are_found_in_folders_and_not_inside_others(tmp_path: Path):
    bundle = tmp_path / "maker" / "Bundle.vst3"
    (bundle / "Contents" / "x86_64-win").mkdir(parents=True)
    (bundle / "Contents" / "x86_64-win" / "Bundle.vst3").write_bytes(b"inner")
    (tmp_path / "single.VST3").write_bytes(b"one file")
    (tmp_path / "Unit.component").mkdir()
    (tmp_path / "notes.txt").write_text("no plug-in")
    assert [path.name for path in find_plugins([tmp_path], "linux")] == ["Bundle.vst3", "single.VST3"]
    assert [path.name for path in find_plugins([tmp_path], "darwin")] == [
        "Bundle.vst3",
        "single.VST3",
        "Unit.component",
    ]
    with pytest.raises(PluginError, match="nosuch is not there"):
        find_plugins([tmp_path / "nosuch"])
    with pytest.raises(PluginError, match=r"notes\.txt is no plug-in"):
        find_plugin(str(tmp_path / "notes.txt"))
    with pytest.raises(PluginError, match="no plug-in NoSuchThing: `mixbridge plugin scan`"):
        find_plugin("NoSuchThing")


def test_each_system_has_its_usual_folders():
    assert Path("/usr/lib/vst3") in plugin_folders("linux")
    assert Path("/Library/Audio/Plug-Ins/Components") in plugin_folders("darwin")
    assert [folder.name for folder in plugin_folders("win32")] == ["VST3", "VST3"]


def test_garbage_is_refused_by_the_real_host(tmp_path: Path):
    (tmp_path / "garbage.vst3").write_bytes(b"MZ no plug-in at all" * 100)
    (found,) = look_at(tmp_path / "garbage.vst3")
    assert found.status == "refused"
    assert found.remark
    assert "\n" not in found.remark


@with_zam
def test_scan_lists_real_plugins_as_data(tmp_path: Path):
    for name in ("ZamEQ2", "ZamCompX2"):
        (tmp_path / f"{name}.vst3").symlink_to(ZAM / f"{name}.vst3")
    result = CliRunner().invoke(cli, ["plugin", "scan", str(tmp_path), "--json"])
    assert result.exit_code == 0, result.output
    comp, eq = json.loads(result.stdout)
    assert (eq["name"], eq["class_id"], eq["channels"], eq["profile"], eq["parameter_count"]) == (
        "ZamEQ2",
        "2046504473616C633251455A00000000",
        [1],
        "ZamEQ2",
        12,
    )
    assert (comp["name"], comp["channels"], comp["status"]) == ("ZamCompX2", [2], "ok")


@with_zam
def test_show_says_what_the_profile_knows():
    result = CliRunner().invoke(cli, ["plugin", "show", "zamcomp", "--json"])
    assert result.exit_code == 0, result.output
    (said,) = json.loads(result.stdout)
    rows = {row["name"]: row for row in said["parameters"]}
    threshold = rows["threshold_db"]
    assert (threshold["low"], threshold["high"], threshold["unit"]) == (-80.0, 0.0, "dB")
    assert threshold["meaning"] == "compressor.threshold_db (linear)"
    assert rows["knee_db"]["meaning"] == "fixed at 0 of 0 to 1"
    for_people = CliRunner().invoke(cli, ["plugin", "show", "zamcomp"])
    assert "Profile: ZamComp, for compressor, of version 4.1.0." in for_people.stdout
