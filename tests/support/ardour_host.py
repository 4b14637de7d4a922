"""Ardour 7 without a window, sound card or the user's settings, for tests that push presets to the real thing.

`luasession` of the Debian package runs libardour on its Dummy backend, makes a session of its own and answers OSC.
Everything it writes lies in folders of the tests, its HOME too. It is started once for all tests of a process, and
opens a new session for each module that asks. Its OSC binds every interface of the machine, and Ardour has no setting
against that. If port 3819 is taken Ardour takes the next one in silence, so the port is found by the process that
holds it.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

PROGRAM = Path("/usr/lib/ardour7/luasession")
PLUGINS = Path("/usr/lib/lv2/a-eq.lv2")
HOST_SCRIPT = Path(__file__).with_name("ardour_host.lua")
PORTS = range(3819, 3840)
# 1..6 s on an idle machine. Under load starts of 46 s were seen.
START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 30.0
COMMAND_TIMEOUT_S = 120.0
ATTEMPTS = 2

Found = TypeVar("Found")

# Exports as 32-bit float at the session's rate, as they are: Ardour's own default makes them loud and 16 bits wide. The
# format is one of Ardour's.
EXPORT_PRESET = "5d1f6e1c-3c1e-4b57-9c55-0e1a4f7c2b90"
_EXPORT = f"""<?xml version="1.0" encoding="UTF-8"?>
<ExportPreset id="{EXPORT_PRESET}" name="float">
  <ExportFormat id="20b4ab09-6452-4cb3-bd66-b921cdbd2942"/>
  <ExportFilename>
    <Folder relative="1" path="export"/>
    <Field name="timespan" enabled="1"/>
  </ExportFilename>
</ExportPreset>
"""
_CONFIG = """<?xml version="1.0" encoding="UTF-8"?>
<Ardour>
  <Config/>
  <ControlProtocols>
    <Protocol name="Open Sound Control (OSC)" active="1" feedback="0" debugmode="0" address-only="0"
      remote-port="8000" banksize="0" striptypes="159" gainmode="0"/>
  </ControlProtocols>
</Ardour>
"""


class HostError(RuntimeError):
    """Ardour did not start, did not answer or refused a script."""


@dataclass(frozen=True)
class ArdourHost:
    """A running Ardour.

    Attributes:
        port: where it listens for OSC (UDP, any interface; use 127.0.0.1).
        session: folder of the session.
        commands: where Lua files are put for it.
        process: the program.
    """

    port: int
    session: Path
    commands: Path
    process: subprocess.Popen[bytes]

    @property
    def session_file(self) -> Path:
        """The saved session, current after `/save_state`."""
        return self.session / "test.ardour"

    def run_lua(self, code: str) -> str:
        """Runs Lua inside the session, where `Session` is it; gives what the code returns, as text."""
        part = self.commands / "command.part"
        part.write_text(code, encoding="utf-8")
        (self.commands / "answer").unlink(missing_ok=True)
        part.rename(self.commands / "command.lua")
        answer = _answer(self.commands, self.process, COMMAND_TIMEOUT_S)
        state, _, result = answer.partition(" ")
        if state != "ok":
            raise HostError(f"Lua in Ardour: {result}")
        return result

    def reopen(self, name: str = "test") -> ArdourHost:
        """Closes the session without saving and opens one of that name in its folder; gives it with its port."""
        self.run_lua(f"reopen ([[{name}]])")
        port = _until(lambda: _osc_port(self.process.pid), self.process, START_TIMEOUT_S, "an OSC port")
        return replace(self, port=port)

    def export(self, file: Path, frames: int) -> None:
        """Writes the master's sound of the first frames, as 32-bit float at the session's rate.

        Args:
            file: a .wav that is not there.
            frames: from the session's beginning.
        """
        self.run_lua(f"""
            local export = Session:simple_export ()
            assert (export:set_preset ("{EXPORT_PRESET}"), "no such preset")
            export:set_folder ([[{file.parent}]])
            export:set_name ([[{file.stem}]])
            export:set_range (0, {frames})
            assert (export:run_export (), "no export")""")

    def run_action(self, script: Path) -> None:
        """Runs an EditorAction as the Script Manager would: loads it, then calls what its factory makes."""
        self.run_lua(f"dofile ([[{script}]])\nfactory () ()")


def missing() -> str | None:
    """Why no Ardour can be run here; None where it can."""
    if not PROGRAM.exists():
        return f"Ardour 7 is not installed ({PROGRAM} is missing): apt-get install ardour ardour-lv2-plugins"
    if not PLUGINS.exists():
        return "Ardour's own plug-ins are not installed: apt-get install ardour-lv2-plugins"
    return None


@contextmanager
def ardour_host(folder: Path, tracks: Sequence[tuple[str, int]], *, rate_hz: int = 48000) -> Iterator[ArdourHost]:
    """Opens a new session in `folder`. Ardour is started for the first one, and once more if it has died.

    Args:
        folder: emptied for each attempt.
        tracks: name and channels (1 or 2) of each audio track, in the order of the mixer.
        rate_hz: of the session.

    Raises:
        HostError: it did not start, twice; the message has what it wrote.
    """
    for attempt in range(ATTEMPTS):
        try:
            host = _opened(folder / f"attempt{attempt}", tracks, rate_hz)
            break
        except HostError:
            _stop()
            if attempt == ATTEMPTS - 1:
                raise
    yield host


@contextmanager
def ardour_at_jack(folder: Path, server: str, *, rate_hz: int = 48000) -> Iterator[ArdourHost]:
    """Opens a new session without tracks in an Ardour of its own that plays at a JACK server, and ends it.

    Args:
        folder: where there is nothing yet.
        server: name of the JACK server, which runs.
        rate_hz: of the server.

    Raises:
        HostError: it did not start.
    """
    folder.mkdir(parents=True)
    program = _started(folder / "program", {"JACK_DEFAULT_SERVER": server, "MIXBRIDGE_BACKEND": "JACK"})
    try:
        yield _begun(program, folder / "session", [], rate_hz)
    finally:
        _end(program)


@dataclass(frozen=True)
class _Program:
    """Ardour's process, and where it takes Lua files."""

    process: subprocess.Popen[bytes]
    commands: Path


_running: list[_Program] = []


def _opened(folder: Path, tracks: Sequence[tuple[str, int]], rate_hz: int) -> ArdourHost:
    """A session in the Ardour that runs, which is started if there is none."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if not _running or _running[0].process.poll() is not None:
        _running[:] = [_started(Path(tempfile.mkdtemp(prefix="mixbridge-ardour-")))]
    return _begun(_running[0], folder / "session", tracks, rate_hz)


def _begun(program: _Program, session: Path, tracks: Sequence[tuple[str, int]], rate_hz: int) -> ArdourHost:
    """A new session in a running Ardour."""
    listed = "\n".join(f"{name}:{channels}" for name, channels in tracks)
    host = ArdourHost(0, session, program.commands, program.process)
    host.run_lua(f"begin ([[{session}]], {rate_hz}, [[{listed}]])")
    port = _until(lambda: _osc_port(program.process.pid), program.process, START_TIMEOUT_S, "an OSC port")
    return replace(host, port=port)


def _started(folder: Path, also: Mapping[str, str] | None = None) -> _Program:
    commands, home = folder / "commands", folder / "home"
    config = home / ".config" / "ardour7"
    for path in (commands, config / "export", home / ".cache"):
        path.mkdir(parents=True)
    (config / "export" / "float.preset").write_text(_EXPORT, encoding="utf-8")
    (config / "config").write_text(_CONFIG, encoding="utf-8")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(PROGRAM), "-X", str(HOST_SCRIPT)],
            env={**_environment(home), "MIXBRIDGE_COMMANDS": str(commands), **(also or {})},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
        )
    program = _Program(process, commands)
    try:
        _answer(commands, process, START_TIMEOUT_S)
    except HostError as error:
        _end(program)
        raise HostError(f"{error}\n{(folder / 'log').read_text(errors='replace')[-4000:]}") from error
    return program


@atexit.register
def _stop() -> None:
    """Ends Ardour at the end of the tests, with all that it wrote outside of its sessions."""
    for program in _running:
        _end(program)
        shutil.rmtree(program.commands.parent, ignore_errors=True)
    _running.clear()


def _environment(home: Path) -> dict[str, str]:
    installed = str(PROGRAM.parent)
    return {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "LANG": "C.UTF-8",
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        # What Ardour's own start script sets.
        "LD_LIBRARY_PATH": installed,
        "ARDOUR_DLL_PATH": installed,
        "VAMP_PATH": f"{installed}/vamp",
        "GTK_PATH": "/etc/ardour7",
        "ARDOUR_CONFIG_PATH": "/etc/ardour7",
        "ARDOUR_DATA_PATH": "/usr/share/ardour7",
    }


def _answer(commands: Path, process: subprocess.Popen[bytes], timeout_s: float) -> str:
    file = commands / "answer"
    return _until(lambda: file.read_text(encoding="utf-8") if file.exists() else None, process, timeout_s, "an answer")


def _until(look: Callable[[], Found | None], process: subprocess.Popen[bytes], timeout_s: float, what: str) -> Found:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        found = look()
        if found is not None:
            return found
        if process.poll() is not None:
            raise HostError(f"Ardour ended with code {process.returncode} before there was {what}")
        time.sleep(0.02)
    raise HostError(f"Ardour gave no sign of {what} in {timeout_s:g} s")


def _osc_port(pid: int) -> int | None:
    """The port among Ardour's that this process holds, from /proc: sockets by inode."""
    inodes = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(descriptor.readlink())
        except OSError:  # closed meanwhile
            continue
        if match := re.fullmatch(r"socket:\[(\d+)\]", target):
            inodes.add(match[1])
    for table in ("udp", "udp6"):
        file = Path(f"/proc/{pid}/net/{table}")
        for line in file.read_text().splitlines()[1:] if file.exists() else []:
            fields = line.split()
            port = int(fields[1].rpartition(":")[2], 16)
            if port in PORTS and fields[9] in inodes:
                return port
    return None


def _end(program: _Program) -> None:
    if program.process.poll() is None:
        (program.commands / "stop").touch()
        try:
            program.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            program.process.kill()
            program.process.wait()
