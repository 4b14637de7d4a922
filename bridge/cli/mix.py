"""The command `mix`: click parses, :mod:`..jobs` does it, and what was done is said here.

Importing this loads click alone, so that `--help` is quick.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Literal

import click

from .declaring import option, takes
from .inserts.options import Cleaning
from .kinds import Duration, Share
from .options import (
    FOLDER,
    OWN_STYLE,
    FormatOptions,
    Matching,
    ModelChoice,
    PluginOptions,
    References,
    Rendering,
    RoleOptions,
    SessionAudio,
    SessionTracks,
    Trying,
    WishOptions,
    Writing,
)
from .rendering import deliver, output_folder, render_options, session_stems, user_plugins


@click.command()
@click.argument("stems", nargs=-1, required=True)
@takes(References, "references", OWN_STYLE)
@click.option(
    "--amount",
    type=Share(1.5),
    default=1.0,
    show_default=True,
    help="How much of the predicted settings to apply: 0 nothing, 1 all.",
)
@click.option(
    "--window",
    type=float,
    metavar="S",
    help="Second of the stems where the mix is tried, heard in any case.  [default: the fullest part]",
)
@click.option(
    "--reference-window",
    type=float,
    metavar="S",
    help="Second of the reference that is heard in any case.  [default: the loudest part]",
)
@takes(RoleOptions, "role_options")
@takes(WishOptions, "wish_options")
@takes(Cleaning, "cleaning")
@takes(ModelChoice, "choice")
@click.option(
    "--refine",
    type=Duration(),
    default=0.0,
    metavar="30s|2m",
    help="After the prediction, search this long for settings that come closer to the reference. Ctrl-C ends the "
    "search and mixes with the best settings found.  [default: no search]",
)
@option(
    "--refine-from",
    "start",
    old="--from",
    type=click.Choice(("model", "neutral")),
    default="model",
    show_default=True,
    help="Settings that the search starts from: the model's, or neutral (equal loudness, centred).",
)
@click.option(
    "--automation",
    type=Duration(),
    default=None,
    metavar="3s",
    help="Predict the song in windows so far apart, and move faders where it changes.  [default: faders stand still]",
)
@takes(Matching, "matching")
@takes(Writing, "writing", FOLDER)
@takes(Rendering, "rendering")
@takes(PluginOptions, "plugin_options")
@takes(FormatOptions, "audio")
@takes(SessionAudio, "session_audio")
@takes(SessionTracks, "session_tracks")
@takes(Trying, "saying")
@click.pass_context
def mix(
    context: click.Context,
    /,
    *,
    stems: tuple[str, ...],
    references: References,
    amount: float,
    window: float | None,
    reference_window: float | None,
    role_options: RoleOptions,
    wish_options: WishOptions,
    cleaning: Cleaning,
    choice: ModelChoice,
    refine: float,
    start: Literal["model", "neutral"],
    automation: float | None,
    matching: Matching,
    writing: Writing,
    rendering: Rendering,
    plugin_options: PluginOptions,
    audio: FormatOptions,
    session_audio: SessionAudio,
    session_tracks: SessionTracks,
    saying: Trying,
) -> None:
    """Mix STEMS in the style of a reference song, or in a model's own.

    STEMS are audio files and folders of them (with the folders inside), or one DAW session: a REAPER (.RPP), Ardour
    (.ardour) or DAWproject (.dawproject) file. Track names come from file names; NAME=FILE overrides.
    """
    from ...presets.files import load
    from ...runtime.mixing import PredictOptions, predict
    from ...runtime.model.references import typed_references
    from ...runtime.wishes.wishes import Wishes
    from ..jobs import fit_alone, run_mix
    from .output.mix_results import say_plan
    from .output.progress import progress_bar

    if start == "neutral" and refine == 0:
        raise click.UsageError("--refine-from neutral needs --refine with a time, e.g. --refine 60s")
    wishes = Wishes(
        wish_options.locked,
        load(wish_options.lock_from) if wish_options.lock_from is not None else None,
        wish_options.centre,
        wish_options.vocal,
        wish_options.dry,
        wish_options.aspects,
    )
    phase: Literal["minimum", "linear"] = "linear" if matching.linear_phase else "minimum"
    options = PredictOptions(
        amount,
        window,
        reference_window,
        refine,
        start,
        role_options.told,
        wishes,
        matching.match,
        phase,
        automation,
        cleaning.wishes,
    )
    own = user_plugins(plugin_options)
    if own is not None:
        options = replace(options, hear=own.heard)
    how, output = render_options(rendering, audio, writing, own), output_folder(writing)
    model, provider = choice.model, choice.provider
    songs = typed_references(references.typed) if references.typed else ()
    paths = [os.fspath(song.path) for song in songs]
    with session_stems(
        stems, writing, rendering, session_audio, session_tracks, paths, quiet=saying.is_quiet
    ) as source:
        if saying.dry_run:
            with progress_bar(quiet=refine == 0 or saying.is_quiet) as progress:
                preset = predict(
                    source.stems, songs, model=model, provider=provider, options=options, progress=progress
                )
            if own is not None:
                fit_alone(own, preset, source.stems, how)
            say_plan(preset, how, output, report=not rendering.no_report, as_json=saying.as_json)
            return
        with progress_bar(quiet=saying.is_quiet) as progress:
            done = run_mix(
                source.stems,
                songs,
                output,
                model=model,
                provider=provider,
                options=options,
                render_options=how,
                report=not rendering.no_report,
                inputs=source.inputs,
                progress=progress,
            )
    deliver(done, source, rendering, writing, saying)
