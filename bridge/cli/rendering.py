"""What `mix` and `apply` share: their options as the runtime takes them, the stems they mix, and how they end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .kinds import OF_REFERENCE

if TYPE_CHECKING:
    from ...runtime.rendering.render import RenderOptions
    from ..jobs import Done
    from ..plugins.using.rendering import UserPlugins
    from .options import FormatOptions, PluginOptions, Rendering, SessionAudio, SessionTracks, Trying, Writing
    from .sessions.stems import Opened

# Where the reference says nothing.
_FIXED_LUFS = -14.0


@contextmanager
def session_stems(
    stems: tuple[str, ...],
    writing: Writing,
    rendering: Rendering,
    audio: SessionAudio,
    tracks: SessionTracks,
    references: Sequence[str],
    *,
    quiet: bool,
) -> Iterator[Opened]:
    """Opens the stems; what is wrong with them, or with a copy of their session, is said before anything is done."""
    from ...presets.errors import SessionError
    from ...runtime.audio.output import check_output_file
    from .sessions.stems import is_session, opened

    if rendering.session_out and not any(map(is_session, stems)):
        raise SessionError("--session-out writes a copy of a DAW session, and the stems are from none.")
    if rendering.session_out:
        from ..sessions.inserting import check_output

        session = next(path for path in stems if is_session(path))
        check_output(Path(session), Path(rendering.session_out), overwrite=writing.force)
    with opened(
        stems,
        Path(writing.output),
        references=references,
        allow_outside=audio.allow_outside,
        search=audio.search,
        muted=tracks.muted,
        quiet=quiet,
    ) as source:
        if rendering.session_out:
            check_output_file(Path(rendering.session_out), overwrite=writing.force, inputs=source.inputs)
        yield source


def user_plugins(options: PluginOptions) -> UserPlugins | None:
    """Reads which plug-ins are to be used; None for none.

    Raises:
        PluginError: the file has mistakes, or a plug-in is missing.
    """
    if options.plugins is None:
        if options.on_plugin_fault is not None:
            raise click.UsageError("--on-plugin-fault goes with --plugins FILE")
        return None
    from ..plugins.using.choices import load_choices
    from ..plugins.using.rendering import UserPlugins

    return UserPlugins(load_choices(Path(options.plugins)), options.on_plugin_fault)


def render_options(
    rendering: Rendering, audio: FormatOptions, writing: Writing, own_stages: UserPlugins | None = None
) -> RenderOptions:
    """Converts the options of the command line.

    Raises:
        OutputError: the sample rate cannot be written.
    """
    from ...presets.errors import OutputError
    from ...runtime.audio.reading import HIGHEST_RATE_HZ, LOWEST_RATE_HZ
    from ...runtime.rendering.render import RenderOptions

    rate_hz = audio.sample_rate
    if rate_hz is not None and not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
        raise OutputError(
            f"a sample rate of {rate_hz} Hz cannot be written: choose one from {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ}."
        )
    of_reference = rendering.loudness == OF_REFERENCE
    return RenderOptions(
        sample_rate_hz=rate_hz,
        loudness_lufs=_FIXED_LUFS if isinstance(rendering.loudness, str) else rendering.loudness,
        loudness_of_reference=of_reference,
        ceiling_dbtp=rendering.ceiling,
        audio_format=audio.audio_format,
        stems=not rendering.no_stems,
        stems_post_master=rendering.stems_post_master,
        overwrite=writing.force,
        own_stages=own_stages,
    )


def output_folder(writing: Writing) -> Path:
    """Gives the folder for the results.

    Raises:
        OutputError: its name cannot be written down.
    """
    from ...presets.errors import OutputError
    from ...runtime.audio.stems import is_text

    if not is_text(writing.output):
        raise OutputError(f"{writing.output}: this name is not UTF-8 text. Choose another.")
    return Path(writing.output)


def deliver(
    done: Done,
    source: Opened,
    rendering: Rendering,
    writing: Writing,
    saying: Trying,
    pairs: Mapping[str, str] | None = None,
) -> None:
    """Writes the copy of the session, if one was asked for, and says what was made.

    Args:
        done: the finished job.
        source: where the stems came from.
        rendering: the options.
        writing: whether a copy that is there may be replaced.
        saying: to whom.
        pairs: which track of the session is which of the preset; None where the names are the same.
    """
    from .output.mix_results import done_as_json, say_done, say_written
    from .output.saying import echo_json
    from .session import notes_as_json

    written = None
    if rendering.session_out and source.session is not None:
        from ..sessions.inserting import insert
        from ..sessions.stems.returns import ReturnSource

        target = Path(rendering.session_out)
        preset, muted = done.mix.preset, source.muted
        sound = ReturnSource(stems=source.stems)
        written = insert(
            source.session, preset, target, assignments=pairs, muted=muted, overwrite=writing.force, sound=sound
        )
    if saying.as_json:
        as_json = done_as_json(done) | {"left_out": list(source.left_out)}
        if source.plan is not None:
            as_json |= notes_as_json(source.plan.session, source.plan)
        if written is not None:
            as_json |= {"session": str(written.path), "session_notes": list(written.notes)}
            as_json["session_rendered"] = list(written.rendered)
        echo_json(as_json)
    elif not saying.is_quiet:
        say_done(done)
        if written is not None:
            say_written(written)
