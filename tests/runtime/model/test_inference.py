"""onnxruntime has one way in, and sends nothing."""

from __future__ import annotations

import ast
from pathlib import Path

import mixbridge

PACKAGE = Path(mixbridge.__file__).parent
WAY_IN = "runtime/model/inference.py"


def importers(name: str) -> set[str]:
    """Source files of the package that import a module by this name, anywhere in them."""
    found = set()
    for room in ("presets", "runtime", "bridge", "export", "benchmarks"):
        for path in (PACKAGE / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                modules = (
                    [alias.name for alias in node.names]
                    if isinstance(node, ast.Import)
                    else [node.module or ""]
                    if isinstance(node, ast.ImportFrom) and not node.level
                    else []
                )
                if any(module.split(".")[0] == name for module in modules):
                    found.add(path.relative_to(PACKAGE).as_posix())
    return found


def test_one_file_imports_onnxruntime() -> None:
    assert importers("onnxruntime") == {WAY_IN}


def test_telemetry_is_off_before_it_is_imported() -> None:
    body = ast.parse((PACKAGE / WAY_IN).read_text(encoding="utf-8")).body
    lines = [ast.unparse(node) for node in body]
    assert lines.index("os.environ['ORT_DISABLE_TELEMETRY'] = '1'") < lines.index("import onnxruntime")
