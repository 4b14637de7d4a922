"""Writes files so that readers see the old content or all of the new one; and says before any work what would fail.

As results of a mix are: what somebody else made, a link, a device or a folder is never replaced, and no output holds
what is read.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..presets.errors import OutputError
from ..presets.inputs import open_regular
from ..runtime.audio.output import check_output_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_text(file: Path, text: str) -> None:
    """Writes a text file in one step; its folder is made if need be.

    Raises:
        OutputError: it cannot be written, or stands where no regular file does.
    """
    write_bytes(file, text.encode())


def write_bytes(file: Path, data: bytes) -> None:
    """Writes a file in one step that also survives a power cut; its folder is made if need be.

    Raises:
        OutputError: it cannot be written, or stands where no regular file does.
    """
    check_output_file(file, overwrite=True)
    partial = file.with_name(f".{file.name}.partial")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)  # of a killed run; a link there is not followed
        with partial.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(file)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise OutputError(
            f"{file}: cannot be written ({error.strerror}); free space or choose another folder."
        ) from error


def write_picture(file: Path, figure: Figure, dots_per_inch: int) -> None:
    """Writes a figure as PNG in one step.

    Raises:
        OutputError: it cannot be written, or stands where no regular file does.
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=dots_per_inch, format="png")
    write_bytes(file, buffer.getvalue())


def check_page(page: Path, title: str, pictures: Sequence[Path] = ()) -> None:
    """Checks, before the work, that a page and its pictures can be written: new, or in the place of earlier ones.

    Args:
        page: to write.
        title: its first line, by which an earlier one is known.
        pictures: that stand beside it; those of an earlier page are known by the page.

    Raises:
        OutputError: they cannot, or one of them is there and is none of ours.
    """
    check_folder(page.parent)
    if page in pictures:
        raise OutputError("is the name of the page's picture: give a name that ends in .md.", page)
    is_ours = begins_with(page, f"{title}\n")
    for file in (page, *pictures):
        check_output_file(file, overwrite=True)
        if file.exists() and not is_ours:
            raise OutputError(
                "is there already, and is no earlier result of this command: choose another name, or move it away.",
                file,
            )


def check_apart(folder: Path, inputs: Iterable[Path]) -> None:
    """Checks that a folder of results is and holds nothing that is read; links are followed.

    Raises:
        OutputError: it does.
    """
    target = Path(os.path.realpath(folder))
    for path in inputs:
        if Path(os.path.realpath(path)).is_relative_to(target):
            raise OutputError(f"holds {path}, which is read: choose another folder.", folder)


def begins_with(file: Path, text: str) -> bool:
    """Tells whether a regular file begins with a text."""
    try:
        with open_regular(file) as stream:
            return stream.read(len(text.encode())) == text.encode()
    except OSError:
        return False


def check_folder(folder: Path) -> None:
    """Checks, before the work, that a folder is there, or can be made, and can be written to.

    Raises:
        OutputError: it cannot.
    """
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not nearest.is_dir():
        raise OutputError(f"{folder}: {nearest} is a file, not a folder; choose another place.")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise OutputError(f"{folder}: {nearest} may not be written to; choose another folder.")


def check_free(folder: Path) -> None:
    """Checks, before the work, that a new folder can be made in a place.

    Raises:
        OutputError: something is there, or nothing can be made there.
    """
    if folder.exists() or folder.is_symlink():
        raise OutputError(f"{folder}: exists already; choose another folder or remove it")
    check_folder(folder)


@contextlib.contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Gives a hidden folder to fill, which becomes this one at the end; after an error nothing is left.

    Raises:
        OutputError: the folder exists, or cannot be made.
    """
    check_free(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield work
        work.chmod(0o755)
        work.rename(folder)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
