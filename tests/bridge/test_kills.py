"""Commands that are stopped or killed at any moment: the old result, or the new one, and no leftovers for ever."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from hashlib import sha256

import pytest
from mixbridge.bridge import command
from mixbridge.bridge.cli import main as program
from mixbridge.bridge.cli.desks.sending import PausingBar
from mixbridge.bridge.cli.signals import EndedError, end_by_exception, ended_well
from mixbridge.presets.errors import OutputError
from mixbridge.runtime.audio import delivery
from mixbridge.runtime.audio.output import OutputFolder
from mixbridge.runtime.audio.workplace import Workplace

from .conftest import sound, write

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs signals and locks")

COMMAND = [sys.executable, "-c", "from mixbridge.bridge.command import main; main()", "--quiet"]
# Delivers two files, and is slow at it, so that a kill meets it in the middle.
DELIVER = """
import sys, time, pathlib
from mixbridge.runtime.audio import delivery
from mixbridge.runtime.audio.output import OutputFolder
folder, text, exchange = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "exchange"
if not exchange:
    def refuse(*_):
        raise OSError("no such call")
    delivery._exchange = refuse
replace, count = pathlib.Path.replace, [0]
def slow(self, target):
    print(count[0], flush=True)
    count[0] += 1
    time.sleep(float(sys.argv[4]))
    return replace(self, target)
pathlib.Path.replace = slow
with OutputFolder(folder, True, ["mix", "stems/a", "stems/b", "preset"]) as workplace:
    (workplace / "stems").mkdir()
    for name in ("mix", "stems/a", "stems/b", "preset"):
        (workplace / name).write_text(text)
    print("made", flush=True)
"""


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def hidden(folder):
    return [path.name for path in folder.rglob(".mixbridge-*")]


def result(text):
    return dict.fromkeys(("mix", "stems/a", "stems/b", "preset"), text)


@pytest.mark.parametrize("moves", range(6))
def test_a_kill_between_two_moves_is_finished_by_the_next_run(tmp_path, moves):
    """Without an exchange in one step: the journal says what is left to move."""
    folder = tmp_path / "out"
    with OutputFolder(folder, False) as workplace:
        (workplace / "stems").mkdir()
        for name, text in result("old").items():
            (workplace / name).write_text(text)
    (folder / "notes").write_text("mine")
    process = subprocess.Popen(
        [sys.executable, "-c", DELIVER, folder, "new", "journal", "0.3"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    while process.stdout.readline().strip() != str(moves):
        assert process.poll() is None
    process.kill()
    process.wait()
    assert hidden(tmp_path)
    with pytest.raises(OutputError, match="exists already"), OutputFolder(folder, False, ["mix"]):
        pytest.fail("a result was overlooked")
    with OutputFolder(folder, True, ["mix"]):
        pass
    assert contents(folder) == result("new") | {"notes": "mine"}
    assert not hidden(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="needs renameat2")
def test_an_exchange_is_never_half_done(tmp_path):
    folder = tmp_path / "out"
    shuffled = random.Random(1)
    with OutputFolder(folder, False) as workplace:
        (workplace / "stems").mkdir()
        for name in result(""):
            (workplace / name).write_text("0")
    (folder / "notes").write_text("mine")
    for number in range(1, 7):
        process = subprocess.Popen(
            [sys.executable, "-c", DELIVER, folder, str(number), "exchange", "0"], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        while process.stdout.readline().strip() not in ("made", ""):
            pass
        time.sleep(shuffled.uniform(0, 0.003))
        process.kill()
        process.wait()
        texts = contents(folder)
        assert texts.pop("notes") == "mine"
        assert set(texts) == set(result(""))
        assert len(set(texts.values())) == 1, texts
    with OutputFolder(folder, True):
        pass
    assert not hidden(tmp_path)


def test_a_leftover_in_use_stays(tmp_path):
    with OutputFolder(tmp_path / "one", False) as workplace:
        with OutputFolder(tmp_path / "two", False) as other:
            (other / "file").write_text("")
        assert workplace.is_dir()
    assert not hidden(tmp_path)


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil", "link/evil"])
def test_a_journal_of_a_stranger_leads_nowhere_else(tmp_path, name):
    home, victim = tmp_path / "home", tmp_path / "evil"
    (home / "link").parent.mkdir()
    (home / "link").symlink_to(tmp_path)
    leftover = Workplace(home)
    target = leftover.results / name.replace("../", "").lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("evil")
    (leftover.path / "journal.json").write_text(f'{{"folder": "", "files": ["{name}"]}}')
    delivery.finish_broken_off(leftover.path)
    assert not victim.exists()
    leftover.remove()


def test_what_another_program_saves_at_the_last_moment_stays(tmp_path, monkeypatch):
    folder = tmp_path / "out"
    with OutputFolder(folder, False) as workplace:
        for name in ("mix", "preset"):
            (workplace / name).write_text("old")
    exchange = delivery._exchange

    def late(one, other):
        (folder / "song.rpp").write_text("saved just now")
        exchange(one, other)

    monkeypatch.setattr(delivery, "_exchange", late)
    with OutputFolder(folder, True) as workplace:
        for name in ("mix", "preset"):
            (workplace / name).write_text("new")
    assert contents(folder) == {"mix": "new", "preset": "new", "song.rpp": "saved just now"}
    assert not hidden(tmp_path)


@pytest.fixture
def song(tmp_path):
    for seed, name in enumerate(("Bass", "Keys", "Vox")):
        write(tmp_path / "song" / "stems" / f"{name}.wav", sound(4, seed))
    write(tmp_path / "song" / "reference.wav", sound(8, 9, channels=2))
    return tmp_path / "song"


def hashes(folder):
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*.wav")}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_leaves_nothing_behind(tmp_path, song, number):
    """Sent as soon as the hidden folder is there, whatever is being done then."""
    command = ["mix", song / "stems", "--reference", song / "reference.wav", "-o", tmp_path / "out", "--no-report"]
    process = subprocess.Popen([*COMMAND, *command], stderr=subprocess.PIPE, text=True)
    while not hidden(tmp_path):
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(number)
    _, said = process.communicate()
    assert process.returncode == (130 if number == signal.SIGINT else 128 + number)
    assert said.strip() == "mixbridge: stopped; nothing was left behind"
    assert [path.name for path in tmp_path.iterdir()] == ["song"]


def test_a_folder_that_nobody_holds_yet_goes_with_a_process_that_is_broken_off(tmp_path):
    """Ctrl-C between the making of the hidden folder and the block that removes it."""
    code = (
        "import sys; from pathlib import Path; from mixbridge.bridge.interrupt import flush_and_end;"
        "from mixbridge.runtime.audio.workplace import Workplace; Workplace(Path(sys.argv[1])); flush_and_end(130)"
    )
    assert subprocess.run([sys.executable, "-c", code, tmp_path], check=False).returncode == 130
    assert not list(tmp_path.iterdir())


def test_sigterm_breaks_off_what_sets_a_desk_as_ctrl_c_does():
    """A push then tells what stands, and where the snapshot is; "nothing was left behind" would not be true."""
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    try:
        end_by_exception()
        with PausingBar(quiet=True):
            for number in (signal.SIGTERM, signal.SIGHUP):
                with pytest.raises(KeyboardInterrupt):
                    signal.raise_signal(number)
        with pytest.raises(EndedError):
            signal.raise_signal(signal.SIGTERM)
    finally:
        ended_well()
        for each, handler in before.items():
            signal.signal(each, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_that_an_import_turns_into_another_error_is_told_as_one(number, monkeypatch, capsys):
    """A module in C that is stopped while it is loaded says ImportError, and not by what."""

    def loading(*_arguments, **_options):
        try:
            signal.raise_signal(number)
        except BaseException:
            raise ImportError("initialization failed") from None

    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    monkeypatch.setattr(program.cli, "main", loading)
    try:
        with pytest.raises(SystemExit) as stop:
            program.main(["doctor"])
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    assert stop.value.code == 128 + number
    assert capsys.readouterr().err == "mixbridge: stopped; nothing was left behind\n"


def test_a_mix_that_is_killed_at_random_is_the_old_or_the_new_one(tmp_path, song):
    out = tmp_path / "out"
    command = ["apply", "bass", song / "stems", "-o", out, "--no-report"]
    subprocess.run([*COMMAND, *command], check=True)
    old = hashes(out)
    shutil.copytree(out, tmp_path / "copy")
    begun = time.monotonic()
    subprocess.run([*COMMAND, *command, "--force", "--loudness", "-30"], check=True)
    took_s, new = time.monotonic() - begun, hashes(out)
    assert old != new
    shuffled = random.Random(2)
    for _ in range(6):
        shutil.rmtree(out)
        shutil.copytree(tmp_path / "copy", out)
        process = subprocess.Popen([*COMMAND, *command, "--force", "--loudness", "-30"])
        time.sleep(shuffled.uniform(0.3, 1.1) * took_s)
        process.kill()
        process.wait()
        assert hashes(out) in (old, new)
    subprocess.run([*COMMAND, *command, "--force", "--loudness", "-30"], check=True)
    assert hashes(out) == new
    assert not hidden(tmp_path)


# Says when the program has begun to look after Ctrl-C, which it does before it imports anything.
STARTING = """
import signal, sys
plain = signal.signal
def first(*arguments):
    signal.signal = plain
    plain(*arguments)
    print(flush=True)
signal.signal = first
from mixbridge.bridge.command import main
main()
"""


def test_an_interrupt_during_imports_shows_no_traceback(tmp_path):
    """At many moments of the start of a command that imports nearly everything."""
    for moment in range(12):
        process = subprocess.Popen(
            [sys.executable, "-c", STARTING, "doctor"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.04 * moment)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()
        assert b"Traceback" not in said, said.decode()
        assert process.returncode in (0, 1, 130)


# A module that says when it is being imported, takes a while for it, and says when it is done.
SLOW_MODULE = "import time; print('importing', flush=True); time.sleep(0.5); print('imported', flush=True)"
IMPORTING = """
import sys, time
from mixbridge.bridge.cli.signals import EndedError, end_by_exception
end_by_exception()
try:
    import slow_module
    time.sleep(60)
except (KeyboardInterrupt, EndedError) as ended:
    print(type(ended).__name__)
"""


@pytest.mark.parametrize(("number", "said"), [(signal.SIGINT, "KeyboardInterrupt"), (signal.SIGTERM, "EndedError")])
def test_an_import_is_brought_to_its_end_before_anything_is_raised(tmp_path, number, said):
    """Libraries in C that are cut off in the middle of it may crash."""
    (tmp_path / "slow_module.py").write_text(SLOW_MODULE)
    with subprocess.Popen(
        [sys.executable, "-c", IMPORTING], stdout=subprocess.PIPE, text=True, cwd=tmp_path
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "importing\n"
        process.send_signal(number)
        assert process.stdout.read().split() == ["imported", said]
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("code", "is_quick"), [(0, False), (2, False), (3, False), (129, True), (130, True), (143, True)]
)
def test_a_process_that_a_signal_ended_is_not_taken_apart(monkeypatch, code, is_quick):
    def quickly(ended):
        raise EOFError(ended)

    def run():
        raise SystemExit(code)

    monkeypatch.setattr(command, "flush_and_end", quickly)
    monkeypatch.setattr(command.gc, "freeze", lambda: None)
    monkeypatch.setattr(command.signal, "signal", lambda *_: None)
    monkeypatch.setattr("mixbridge.bridge.cli.main.main", run)
    with pytest.raises(EOFError if is_quick else SystemExit, match=str(code)):
        command.main()
