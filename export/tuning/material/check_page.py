"""The page of a check: what is wrong with which pair, and what to do about it. HTML without scripts."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ....presets.errors import OutputError
from ....presets.inputs import open_regular
from ....presets.version import __version__
from ...whole_files import check_folder, write_text
from .findings import CheckResult, summary

if TYPE_CHECKING:
    from jinja2 import Template

_MARK: Final = b"check of pairs"
_MARK_BYTES = 2000
_GROUPS: Final = (
    ("left out", "Left out", "These are not trained on. Mend the files, or remove them."),
    ("mended", "Mended", "These are used as they are; what is said was put right in memory, the files stay untouched."),
    ("note", "To know", "These are used. Listen to them if the model is not what you expect."),
)


def write_check_page(file: Path, title: str, result: CheckResult) -> None:
    """Writes the page.

    Raises:
        OutputError: it cannot be written, or something else is there.
    """
    check_page_file(file)
    write_text(file, page_text(title, result))


def check_page_file(file: Path) -> None:
    """Checks, before the work, that the page can be written: new, or in the place of an earlier one.

    Raises:
        OutputError: it cannot.
    """
    check_folder(file.absolute().parent)
    if not file.exists() and not file.is_symlink():
        return
    try:
        with open_regular(file) as stream:
            if _MARK in stream.read(_MARK_BYTES):
                return
    except OSError as error:
        raise OutputError(f"cannot be written ({error}): choose another name.", file) from error
    raise OutputError("is there already, and is no check of pairs: choose another name.", file)


def page_text(title: str, result: CheckResult) -> str:
    """Writes the page's HTML."""
    groups = [
        (heading, advice, rows)
        for grade, heading, advice in _GROUPS
        if (rows := [finding for finding in result.findings if finding.grade == grade])
    ]
    return _template().render(
        title=title, summary=summary(result), groups=groups, clean=result.is_clean, version=__version__
    )


@cache
def _template() -> Template:
    from jinja2 import Environment, PackageLoader

    environment = Environment(loader=PackageLoader(__package__, "templates"), autoescape=True, trim_blocks=True)
    return environment.get_template("check.html.j2")
