"""The command `demo`: the example session that comes with mixbridge, mixed like its reference."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

import click

from .declaring import takes
from .options import FOLDER, ModelChoice, Writing
from .output.saying import is_quiet, say


@dataclass(frozen=True)
class Example:
    """A session to try mixbridge on.

    Attributes:
        stems: files by track name.
        reference: a finished song.
        credits: who made them, and under which licences.
    """

    stems: dict[str, Path]
    reference: Path
    credits: str


@contextmanager
def example() -> Iterator[Example]:
    """The example session, as files, while the `with` block lasts.

    Raises:
        AudioError: this installation lacks it.
    """
    from ...presets.errors import AudioError
    from ...runtime.audio.stems import collect_stems

    with as_file(files("mixbridge.runtime") / "example") as folder:
        if not (folder / "stems").is_dir():
            raise AudioError("this installation has no example session: reinstall mixbridge, or mix files of your own.")
        reference = folder / "reference.flac"
        stems = collect_stems([str(folder / "stems")], str(reference)).stems
        yield Example(stems, reference, (folder / "CREDITS.md").read_text(encoding="utf-8"))


@click.command()
@takes(
    Writing, "writing", {"output": {**FOLDER["output"], "required": False, "default": "demo-mix", "show_default": True}}
)
@takes(ModelChoice, "choice")
def demo(*, writing: Writing, choice: ModelChoice) -> None:
    """Mix the example session that comes with mixbridge, in the style of its reference song."""
    from ...runtime.rendering.render import RenderOptions
    from ..jobs import run_mix
    from .output.mix_results import say_done
    from .output.progress import progress_bar

    quiet = is_quiet()
    with example() as session, progress_bar(quiet=quiet) as progress:
        done = run_mix(
            session.stems,
            session.reference,
            Path(writing.output),
            model=choice.model,
            provider=choice.provider,
            render_options=RenderOptions(overwrite=writing.force),
            progress=progress,
        )
        credits_text = session.credits
    if quiet:
        return
    say_done(done)
    say(f"\nListen to {done.mix.mix_path}, then open {done.report_path} in a browser.\n")
    say(credits_text.rstrip())
