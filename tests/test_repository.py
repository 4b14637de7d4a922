"""What holds of the repository as a whole: its packages, its folders, its entry points, the checks that people run."""

from __future__ import annotations

import importlib
import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest
import yaml

ROOT = Path(__file__).parents[1]
ROOMS = ("presets", "runtime", "bridge", "export")
# Each file of the corpus is a source or a step of its own; more rooms would only hide them.
LARGE = {"export/corpus"}
MOST_FILES = 15
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def source_folders() -> list[Path]:
    """Every folder that holds modules of ours."""
    return sorted({path.parent for room in ROOMS for path in (ROOT / room).rglob("*.py")})


def test_every_folder_with_modules_is_a_package_that_is_shipped() -> None:
    folders = ["mixbridge", *("mixbridge." + ".".join(path.relative_to(ROOT).parts) for path in source_folders())]
    listed = PROJECT["tool"]["setuptools"]["packages"]
    # What holds data alone is shipped with the folder above it.
    assert sorted(listed) == sorted(set(listed))
    assert sorted(listed) == sorted(folders)
    assert all((folder / "__init__.py").is_file() for folder in source_folders())


def test_no_folder_has_grown_too_large_to_survey() -> None:
    counts = {
        folder.relative_to(ROOT).as_posix(): sum(path.name != "__init__.py" for path in folder.glob("*.py"))
        for folder in source_folders()
    }
    assert counts.keys() >= LARGE
    assert {name: count for name, count in counts.items() if count > MOST_FILES}.keys() <= LARGE


def test_files_that_are_no_code_are_shipped() -> None:
    data = PROJECT["tool"]["setuptools"]["package-data"]
    shipped = {
        path
        for package, patterns in data.items()
        for pattern in patterns
        for path in ROOT.joinpath(*package.split(".")[1:]).glob(pattern)
    }
    files = {
        path
        for room in ROOMS
        for path in (ROOT / room).rglob("*")
        if path.is_file() and path.suffix not in {".py", ".pyc", ".md"} and "__pycache__" not in path.parts
    }
    assert {path.relative_to(ROOT).as_posix() for path in files - shipped} == set()


@pytest.mark.parametrize("name", sorted(PROJECT["project"]["entry-points"]["mixbridge.commands"]))
def test_an_entry_point_is_a_command_that_can_be_loaded_without_torch(name: str) -> None:
    module, _, attribute = PROJECT["project"]["entry-points"]["mixbridge.commands"][name].partition(":")
    command = getattr(importlib.import_module(module), attribute)
    assert isinstance(command, click.Command)
    assert command.name == name
    assert command.help


def test_what_was_tested_is_pinned_and_nothing_else() -> None:
    pins = re.findall(r"^([A-Za-z0-9_.-]+)==", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    project = PROJECT["project"]
    groups = [project["dependencies"], *(project["optional-dependencies"][name] for name in ("train", "dev"))]
    named = {re.split(r"[\[>=<; ]", requirement)[0] for group in groups for requirement in group}
    normal = {re.sub(r"[-_.]+", "-", name).lower() for name in pins}
    assert {re.sub(r"[-_.]+", "-", name).lower() for name in named} - normal == set()
    assert len(normal) == len(pins)


def test_the_hooks_before_a_commit_run_what_continuous_integration_checks() -> None:
    """Every line of `scripts/check` has its hook, and every hook runs what is in the environment of the tests."""
    hooks = [
        hook
        for repository in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
        for hook in repository["hooks"]
        if repository["repo"] == "local"  # works without a network
    ]
    entries = [hook["entry"] for hook in hooks]
    assert all(hook["language"] == "system" for hook in hooks)
    tools = re.findall(r'^(?:MYPYPATH=\S+ )?"\$bin/([\w-]+)"', (ROOT / "scripts" / "check").read_text(), re.MULTILINE)
    assert set(tools) == {"ruff", "mypy", "lint-imports"}
    whole = any(shlex.split(entry)[0] == "scripts/check" for entry in entries)
    assert whole or all(any(tool in entry for entry in entries) for tool in tools)


def test_coverage_has_a_floor_wherever_the_whole_suite_runs() -> None:
    floor = re.search(r"--cov-fail-under=(\d+)", (ROOT / "scripts" / "test").read_text())
    assert floor
    assert 80 <= int(floor[1]) <= 100
