"""A folder of results of which some are only made once others are there: mix, preset and report appear together.

:class:`.delivery.Delivery` needs the names of its files beforehand; here any file may be made.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from ...presets.errors import OutputError
from .delivery import Delivery
from .writing import cannot_write

_HERE = "\0"
_HIDDEN = re.compile(r"[/\\]\.mixbridge-[^/\\]*\.partial")


class OutputFolder:
    """A hidden folder to make files in, which become the contents of `folder` when the `with` block ends well.

        with OutputFolder(Path("my-mix"), overwrite=False) as workplace:
            render_files(stems, preset, workplace)
            (workplace / "report.html").write_text(report)

    By an error or Ctrl-C nothing is left: `folder` is as it was, not even made.

    Args:
        folder: where results go; made if need be.
        overwrite: replace files that are there; those of other names stay.
        expected: names in it that are refused from the start, before any work, unless `overwrite` is on.

    Raises:
        OutputError: a result is there already, or the folder cannot be made or written to.
    """

    def __init__(self, folder: Path, overwrite: bool, expected: Sequence[str] = ()):
        self._folder = folder
        self._overwrite = overwrite
        # Refuses what stands there, and finds the nearest folder that exists, which is on the same disk.
        self._home = Delivery(folder, expected, overwrite).workplace
        self.workplace = self._home

    def __enter__(self) -> Path:
        try:
            self.workplace = Path(tempfile.mkdtemp(prefix=".mixbridge-", suffix=".partial", dir=self._home))
        except OSError as error:
            raise OutputError(cannot_write(self._home / self._folder.name, error)) from error
        return self.workplace

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._deliver()
        finally:
            shutil.rmtree(self.workplace, ignore_errors=True)
        if isinstance(error, OutputError):
            # Whoever made files knows only of the hidden folder; the user only of his own, which is itself hidden where
            # one of these works within another.
            words = str(error).replace(str(self.workplace), _HERE).replace(str(self._folder), _HERE)
            raise OutputError(_HIDDEN.sub("", words).replace(_HERE, str(self._folder))) from error

    def _deliver(self) -> None:
        made = sorted(path.relative_to(self.workplace) for path in self.workplace.rglob("*") if path.is_file())
        with Delivery(self._folder, [file.as_posix() for file in made], self._overwrite) as delivery:
            for file in made:
                (self.workplace / file).replace(delivery.workplace / file)
