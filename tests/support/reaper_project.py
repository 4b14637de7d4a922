"""REAPER projects written by hand: the lines that REAPER 7 writes, as public projects show them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

HEADER = """\
<REAPER_PROJECT 0.1 "7.22/{platform}" 1763800000
  <NOTES 0 2
    |A song with a <TRACK in its notes, it's "odd"
  >
  RIPPLE 0
  PANLAW {pan_law}
  SAMPLERATE {rate} 1 0
  RECORD_PATH "Media" ""
  <RECORD_CFG
    ZXZhdxgAAQ==
  >
  TEMPO 97.5 4 4
  PLAYRATE 1 0 0.25 4
  MASTER_VOLUME 0.5 0 -1 -1 1
  MASTER_FX 1
"""


def project(
    tracks: Iterable[str], *, rate: int = 48000, platform: str = "linux-x86_64", pan_law: str = "1", master: str = ""
) -> str:
    """A project of these tracks."""
    head = HEADER.format(rate=rate, platform=platform, pan_law=pan_law)
    return head + indented(master, 2) + "".join(indented(track, 2) for track in tracks) + ">\n"


def track(name: str, *inside: str, lines: str = "", volpan: str = "1 0 -1 -1 1", number: int = 1) -> str:
    """A track with lines, and behind them blocks."""
    identity = f"{{00000000-0000-4000-8000-{number:012X}}}"
    body = "".join(indented(block, 2) for block in inside)
    quoted = f"'{name}'" if '"' in name else f'"{name}"'
    return (
        f"<TRACK {identity}\n  NAME {quoted}\n  PEAKCOL 16576\n  AUTOMODE 0\n  VOLPAN {volpan}\n  MUTESOLO 0 0 0\n"
        f"  IPHASE 0\n{indented(lines, 2)}  NCHAN 2\n  FX 1\n  MAINSEND 1 0\n{body}>\n"
    )


def item(
    file: str = "Media/a.wav",
    position: float = 0.0,
    length: float = 1.0,
    *,
    kind: str = "WAVE",
    source: str = "",
    **lines: str,
) -> str:
    """An item of one take; lines by key replace or add to those of a new one."""
    rows = {
        "LOOP": "0",
        "ALLTAKES": "0",
        "FADEIN": "1 0 0 1 0 0 0",
        "FADEOUT": "1 0 0 1 0 0 0",
        "MUTE": "0 0",
        "NAME": f'"{Path(file).name}"',
        "VOLPAN": "1 0 1 -1",
        "SOFFS": "0",
        "PLAYRATE": "1 1 0 -1 0 0.0025",
        "CHANMODE": "0",
        **lines,
    }
    text = "".join(f"  {key} {value}\n" for key, value in rows.items())
    block = source or f'<SOURCE {kind}\n  FILE "{file}"\n>\n'
    return f"<ITEM\n  POSITION {position!r}\n  LENGTH {length!r}\n{text}{indented(block, 2)}>\n"


def section(file: str, start: float, length: float, mode: int | None = None) -> str:
    """A source that is a part of a file, or the file turned round."""
    flags = "" if mode is None else f"  MODE {mode}\n"
    return (
        f"<SOURCE SECTION\n  LENGTH {length!r}\n{flags}  STARTPOS {start!r}\n  OVERLAP 0.01\n"
        f'  <SOURCE WAVE\n    FILE "{file}"\n  >\n>\n'
    )


def plugin(name: str = "VST: Other (Somebody)", *, bypassed: bool = False) -> str:
    """A plug-in's lines in a chain."""
    return (
        f"BYPASS {int(bypassed)} 0 0\n"
        f'<VST "{name}" other.so 0 "" 1111111111<00> ""\n  AAAAAAAAAAAAAAAA\n  AAAQAAAA\n>\n'
        "FLOATPOS 0 0 0 0\nFXID {11111111-1111-4111-8111-111111111111}\nWAK 0 0\n"
    )


def chain(*plugins: str, tag: str = "FXCHAIN") -> str:
    """A chain of plug-ins."""
    return f"<{tag}\n  WNDRECT 1 2 3 4\n  SHOW 0\n  LASTSEL 0\n  DOCKED 0\n{indented(''.join(plugins), 2)}>\n"


def envelope(tag: str, *points: str, active: int = 1, volume_type: int | None = None) -> str:
    """An envelope of lines PT."""
    kind = "" if volume_type is None else f"  VOLTYPE {volume_type}\n"
    body = "".join(f"  PT {point}\n" for point in points)
    return f"<{tag}\n  ACT {active} -1\n  VIS 1 1 1\n  ARM 0\n  DEFSHAPE 0 -1 -1\n{kind}{body}>\n"


def indented(text: str, by: int) -> str:
    """Lines moved to the right."""
    return "".join(f"{' ' * by}{line}\n" for line in text.splitlines())
