"""Measures how soon the page of `mixbridge web` has new sound after a control is let go; writes benchmarks/web.md.

    python benchmarks/web.py

The server runs in a process of its own, as for a user. A move is told, then the loop of 10 s is asked for: the time
until its last byte is there. Beside it, in the same run, the whole loop rendered by the runtime from nothing. With 48
tracks, while the loop plays: frames a second, and memory of the page and the server.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
from mixbridge.bridge.web.material import PageMaterial
from mixbridge.presets import files
from mixbridge.runtime.rendering.in_memory import render_mix
from page import table
from playwright.sync_api import sync_playwright
from web_page import CHROMIUM, EXAMPLE, WebServer, web_server

_ROUNDS = 20
_MOVES = {"fader": "fader_db", "equalizer": "eq.band1.gain_db", "compressor": "compressor.threshold_db"}
_GOAL_S = 0.3
_MANY = 48
_PATIENCE_MS = 300_000
_FRAMES = """new Promise(done => { let frames = 0; const began = performance.now();
  const count = () => { frames += 1;
    const passed = performance.now() - began;
    passed < 5000 ? requestAnimationFrame(count) : done(1000 * frames / passed); };
  requestAnimationFrame(count); })"""


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).with_name("web.md"), help="the page")
    options = parser.parse_args(arguments)
    load = os.getloadavg()[0]
    rows, loads = [], []
    for tracks in (8, 16):
        with tempfile.TemporaryDirectory() as place:
            stems = _stems(Path(place) / "stems", tracks)
            with web_server(Path(place), [stems, "--reference", EXAMPLE / "reference.flac"]) as server:
                _wait_for_prediction(server)
                rows += [_row(server, tracks, name, path) for name, path in _MOVES.items()]
                rows.append(_from_nothing(server, stems, tracks))
                loads.append([f"{tracks} tracks", f"{_page_s(server):.2f} s"])
    with tempfile.TemporaryDirectory() as place:
        stems = _stems(Path(place) / "stems", _MANY)
        with web_server(Path(place), [stems]) as server:
            many = _many(server)
    text = (
        "# New sound after a control is let go",
        f"Made by `python benchmarks/web.py`: the example's stems through what the model predicts, a loop of 10 s, "
        f"{os.cpu_count()} cores, load {load:.1f} at the start. Asked for: {_GOAL_S * 1000:.0f} ms with 8 stems.",
        table(["tracks", "what moves", "median", "95 %"], rows),
        "## The page",
        "From the address to the mixer with all strips.",
        table(["", "shown after"], loads),
        f"With {_MANY} tracks, while the loop plays; frames of a browser without a screen.",
        table(["", ""], many),
    )
    options.output.write_text("\n\n".join(text) + "\n")


def _stems(folder: Path, tracks: int) -> Path:
    """As many tracks as asked for, those of the example over and over."""
    folder.mkdir()
    example = sorted((EXAMPLE / "stems").iterdir())
    for number in range(tracks):
        source = example[number % len(example)]
        shutil.copy(source, folder / f"{source.stem} {number // len(example) + 1}.flac")
    return folder


def _wait_for_prediction(server: WebServer) -> None:
    while (server.json("/api/state")["job"] or {"state": "busy"})["state"] == "busy":
        time.sleep(0.5)
    server.ask("/api/sound/mix")


def _row(server: WebServer, tracks: int, name: str, path: str) -> list[str]:
    start = server.json("/api/state")["preset"]["tracks"][4]["strip"]
    for part in path.split("."):
        start = start[part]
    times_s = []
    for number in range(_ROUNDS):
        began = time.perf_counter()
        value = start + 0.1 * (number + 1)
        server.json("/api/edit", {"edits": [{"part": "track", "index": 4, "path": path, "value": value}]})
        status, _, _ = server.ask("/api/sound/mix")
        assert status == 200
        times_s.append(time.perf_counter() - began)
    return [str(tracks), name, *_spread_ms(times_s)]


def _from_nothing(server: WebServer, stems: Path, tracks: int) -> list[str]:
    preset = files.loads(server.ask("/api/preset")[2].decode())
    material = PageMaterial({path.stem: path for path in sorted(stems.iterdir())})
    heard = material.read(material.loop)
    times_s = []
    for _ in range(5):
        began = time.perf_counter()
        render_mix(heard.stems, heard.sample_rate_hz, preset)
        times_s.append(time.perf_counter() - began)
    return [str(tracks), "(all, from nothing, without the server)", *_spread_ms(times_s)]


def _page_s(server: WebServer) -> float:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        began = time.perf_counter()
        page.goto(server.url)
        page.wait_for_selector(".strip")
        took_s = time.perf_counter() - began
        browser.close()
    return took_s


def _many(server: WebServer) -> list[list[str]]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(server.url)
        page.wait_for_selector("#lane .wave", timeout=_PATIENCE_MS)
        page.click("#play")
        # Meters move once the loop's have come.
        page.wait_for_timeout(5000)
        frames_per_s = page.evaluate(_FRAMES)
        heap_mb = page.evaluate("performance.memory.usedJSHeapSize") / 1e6
        nodes = page.evaluate("document.querySelectorAll('*').length")
        browser.close()
    status = Path(f"/proc/{server.process.pid}/status").read_text(encoding="utf-8")
    server_mb = int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024
    return [
        ["frames a second", f"{frames_per_s:.0f}"],
        ["memory of the page's scripts", f"{heap_mb:.0f} MB"],
        ["elements of the page", str(nodes)],
        ["memory of the server", f"{server_mb:.0f} MB"],
    ]


def _spread_ms(times_s: Sequence[float]) -> list[str]:
    return [f"{1000 * value:.0f} ms" for value in np.quantile(times_s, (0.5, 0.95))]


if __name__ == "__main__":
    main()
