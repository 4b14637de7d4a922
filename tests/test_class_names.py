"""A class name means one thing in the whole package, so that a reader need not look where it was imported from."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = ("presets", "runtime", "bridge", "export")


def test_no_two_classes_share_a_name() -> None:
    places = defaultdict(list)
    for file in sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            # What begins with an underscore is its own module's business.
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(str(file.relative_to(ROOT)))
    assert len(places) > 200
    shared = {name: files for name, files in places.items() if len(files) > 1}
    assert shared == {}
