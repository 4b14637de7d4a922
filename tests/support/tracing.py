"""Runs a command and tells whom it called and what it wrote: by strace where it works, else by Python's audit events.

Audit events do not see what native libraries do. What those leave behind is then seen in the scratch home folder only.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

_CALLS = "connect,sendto,sendmsg,sendmmsg,open,openat,creat,mkdir,mkdirat"
_MIXBRIDGE = "from mixbridge.bridge.cli.main import main; main()"
_INTERNET = re.compile(r"^(?:connect|send\w+)\(.*?sin6?_port=htons\((\d+)\).*?\"([\d.:a-f]+)\"", re.MULTILINE)
_OPENED = re.compile(r"^(?:open|openat|creat|mkdir|mkdirat)\((?:AT_FDCWD, )?\"(.*?)\", ?(.*?)\) += \d", re.MULTILINE)
# Files that are read in order to look up a host.
_LOOK_UP = ("/etc/resolv.conf", "/etc/hosts", "/etc/gai.conf")
_AUDIT = """
import os, sys
def hook(event, args, to=os.open(os.environ["TRACED_EVENTS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)):
    if event == "socket.connect" and isinstance(args[1], tuple):
        line = f"connect(sin_port=htons({args[1][1]}) \\"{args[1][0]}\\")"
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        line = "openat(AT_FDCWD, \\"/etc/hosts\\", O_RDONLY) = 3"
    elif event == "open" and isinstance(args[0], str) and args[2] & (os.O_WRONLY | os.O_RDWR):
        line = f"openat(AT_FDCWD, \\"{args[0]}\\", O_CREAT) = 3"
    elif event == "os.mkdir":
        line = f"mkdir(\\"{args[0]}\\", 0777) = 0"
    else:
        return
    os.write(to, (line + "\\n").encode())
sys.addaudithook(hook)
"""


@dataclass(frozen=True)
class Traced:
    """What a command did.

    Attributes:
        output: what it printed.
        calls: addresses with their ports that something was sent to.
        look_ups: files of the resolver that were read.
        written: files and folders that were opened for writing, or made.
    """

    output: str
    calls: frozenset[tuple[str, int]]
    look_ups: frozenset[str]
    written: frozenset[str]


@functools.cache
def can_strace() -> bool:
    """Whether strace is installed and allowed here."""
    return (
        shutil.which("strace") is not None
        and subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False).returncode == 0
    )


def traced(
    command: Sequence[str],
    folder: Path,
    meanwhile: Callable[[subprocess.Popen[str]], None] | None = None,
    code: str = _MIXBRIDGE,
) -> Traced:
    """Run `mixbridge` with these arguments; home and temporary folders are `folder/home` and `folder/tmp`.

    Args:
        command: arguments.
        folder: where it runs.
        meanwhile: called while it runs; has to see to it that it ends.
        code: what Python runs, with these arguments.
    """
    home, temporary, events = folder / "home", folder / "tmp", folder / "events"
    home.mkdir()
    temporary.mkdir()
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "ORT_", "MPL"))}
    variables |= {"HOME": str(home), "TMPDIR": str(temporary), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    run = [sys.executable, "-c", code, *command]
    if can_strace():
        # A file for each thread, whose lines are whole; what is not traced runs at full speed.
        events.mkdir()
        log = str(events / "of")
        run = ["strace", "-ff", "--seccomp-bpf", "-qq", "-s", "4096", "-e", f"trace={_CALLS}", "-o", log, *run]
    else:
        (folder / "hook").mkdir()
        (folder / "hook" / "sitecustomize.py").write_text(_AUDIT)
        variables |= {"PYTHONPATH": str(folder / "hook"), "TRACED_EVENTS": str(events)}
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(run, cwd=folder, env=variables, stdout=output, stderr=output, text=True)
        if meanwhile is not None:
            meanwhile(process)
        code = process.wait()
        output.seek(0)
        text = output.read()
    assert code == 0, text
    logs = sorted(events.iterdir()) if events.is_dir() else [events]
    return _understood(text, "\n".join(log.read_text(errors="replace") for log in logs), folder)


def _understood(output: str, events: str, folder: Path) -> Traced:
    opened = _OPENED.findall(events)
    writing = {path for path, how in opened if re.search(r"O_CREAT|O_WRONLY|O_RDWR|^0[0-7]{3}", how)}
    return Traced(
        output,
        frozenset((host, int(port)) for port, host in _INTERNET.findall(events)),
        frozenset(path for path, _ in opened if path in _LOOK_UP),
        frozenset(os.path.normpath(folder / path) for path in writing),
    )


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Wait until something is so, as long as the process runs."""
    while not condition():
        assert process.poll() is None, "the command ended early"
        time.sleep(0.05)
