"""Options that several commands share, as dataclasses (:mod:`.declaring`). Importing this loads click alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

import click

from .declaring import shared
from .kinds import AUDIO_FORMATS, Loudness, Milliseconds
from .output.saying import is_quiet

# As `runtime.model.providers.Provider`, which would load onnxruntime.
Provider = Literal["auto", "cpu", "cuda", "tensorrt", "directml", "coreml", "openvino"]


@dataclass(frozen=True)
class Saying:
    """How a command speaks.

    Attributes:
        as_json: to programs.
    """

    as_json: bool = shared("--json", is_flag=True, help="Print one JSON object, for programs.")

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is said to people: `--json`, or `--quiet`."""
        return self.as_json or is_quiet()


@dataclass(frozen=True)
class Trying(Saying):
    """How a command speaks that can also show first what it would do.

    Attributes:
        as_json: to programs.
        dry_run: do nothing but tell.
    """

    dry_run: bool = shared("--dry-run", is_flag=True, help="Show what would be done, and write nothing.")


@dataclass(frozen=True)
class Writing:
    """Where a result goes.

    Attributes:
        output: file or folder.
        force: whether results that are there may be replaced.
    """

    output: str = shared("-o", "--output", old="--out", required=True, metavar="FILE", help="File to write.")
    force: bool = shared("--force", is_flag=True, help="Replace results that are there already.")


# Changes of `Writing` for a command that fills a folder, or writes a preset.
FOLDER: Final = {"output": {"old": None, "metavar": "FOLDER", "help": "Folder for the results."}}
PRESET_FILE: Final = {"output": {"help": "Preset to write; - for standard output."}}


@dataclass(frozen=True)
class SessionAudio:
    """Where the audio of a DAW session may be.

    Attributes:
        allow_outside: also outside the session's folder.
        search: folders to look in for missing files.
    """

    allow_outside: bool = shared(
        "--allow-outside", is_flag=True, help="Also use audio that lies outside the session's folder."
    )
    search: tuple[str, ...] = shared(
        "--search", multiple=True, metavar="FOLDER", help="Also look for the session's missing audio here."
    )


@dataclass(frozen=True)
class SessionTracks:
    """Which tracks of a DAW session are mixed.

    Attributes:
        muted: also those that the DAW does not play.
    """

    muted: bool = shared("--muted", is_flag=True, help="Also mix tracks that are muted in the session.")


@dataclass(frozen=True)
class References:
    """What a mix should sound like.

    Attributes:
        typed: files, or FILE=WEIGHT.
    """

    typed: tuple[str, ...] = shared(
        "--reference",
        multiple=True,
        required=True,
        metavar="FILE[=WEIGHT]",
        help="A finished song whose sound the mix should have. May be repeated, also with weights: a.wav=0.7.",
    )


# Changes of `References` for a command whose model may have a style of its own.
OWN_STYLE: Final = {
    "typed": {
        "required": False,
        "help": "A finished song whose sound the mix should have; a model with a style of its own needs none. May be "
        "repeated, also with weights: a.wav=0.7.",
    }
}


@dataclass(frozen=True)
class RoleOptions:
    """What tracks are, told by the user.

    Attributes:
        roles: as typed, "Track 7=lead vocal".
    """

    roles: tuple[str, ...] = shared(
        "--role",
        multiple=True,
        metavar="TRACK=ROLE",
        help='What a track is, where its name and sound mislead: "Track 7=lead vocal". May be repeated.',
    )

    @property
    def told(self) -> dict[str, str]:
        """Roles by track.

        Raises:
            click.BadParameter: one of them is not TRACK=ROLE.
        """
        told = {}
        for item in self.roles:
            name, sign, role = item.rpartition("=")
            if not (sign and name and role.strip()):
                raise click.BadParameter(f'{item!r} is not TRACK=ROLE, e.g. "Track 7=lead vocal"', param_hint="--role")
            told[name] = role.strip()
        return told


@dataclass(frozen=True)
class ModelChoice:
    """Which model, and where it runs.

    Attributes:
        model: a bundle's folder or `.zip`, or the name of a model.
        provider: the device.
    """

    model: str = shared(
        "--model",
        default="default",
        show_default=True,
        help="Folder or .zip of a model, or a name of `mixbridge model list`.",
    )
    provider: Provider = shared(  # noqa: RUF009  (it gives a `field`)
        "--provider",
        type=click.Choice(get_args(Provider)),
        default="auto",
        show_default=True,
        help="Device that runs the model; auto takes a GPU where one works.",
    )


@dataclass(frozen=True)
class WishOptions:
    """What the user wants beside the sound of the reference.

    Attributes:
        lock: as typed, "Bass:pan,fader".
        lock_from: preset whose settings locked tracks keep; None for nothing set.
        centre: tracks that stand in the middle.
        vocal: how much louder the lead vocal is, in dB.
        dry: without reverb and echoes.
        only: aspects that are taken from the reference, as typed; None for all.
    """

    lock: tuple[str, ...] = shared(
        "--lock",
        multiple=True,
        metavar="TRACK:SECTION,...",
        help='Keep settings of a track as they are in --lock-from, or unset: "Bass:pan,fader". May be repeated.',
    )
    lock_from: Path | None = shared(  # noqa: RUF009  (it gives a `field`)
        "--lock-from",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        metavar="PRESET",
        help="Preset with the settings that --lock keeps.",
    )
    centre: tuple[str, ...] = shared(
        "--center", multiple=True, metavar="TRACK", help="Put a track into the middle. May be repeated."
    )
    vocal: float = shared(
        "--vocal",
        type=float,
        default=0.0,
        metavar="dB",
        help="Lead vocal louder or softer than decided: +2, -1.5.",
    )
    dry: bool = shared("--dry", is_flag=True, help="No reverb and no echoes.")
    only: str | None = shared(
        "--only",
        metavar="tone,levels,...",
        help="Take only these aspects from the reference: tone, levels, width, dynamics, space. The rest is as "
        "usual for each role.",
    )

    @property
    def locked(self) -> dict[str, tuple[str, ...]]:
        """Sections that stay, by track.

        Raises:
            click.BadParameter: one of them is not TRACK:SECTION,...
        """
        locked: dict[str, tuple[str, ...]] = {}
        for item in self.lock:
            track, sign, typed = item.rpartition(":")
            names = tuple(name.strip() for name in typed.split(",") if name.strip())
            if not (sign and track and names):
                raise click.BadParameter(
                    f'{item!r} is not TRACK:SECTION,..., e.g. "Bass:pan,fader"', param_hint="--lock"
                )
            locked[track] = (*locked.get(track, ()), *names)
        return locked

    @property
    def aspects(self) -> tuple[str, ...] | None:
        """Aspects that are taken from the reference; None for all."""
        if self.only is None:
            return None
        return tuple(name.strip() for name in self.only.split(",") if name.strip())


@dataclass(frozen=True)
class FormatOptions:
    """How audio files are written.

    Attributes:
        audio_format: a name of `runtime.audio.writing.FORMATS`.
        sample_rate: in Hz; None for that of the input.
    """

    audio_format: str = shared(
        "--format",
        type=click.Choice(AUDIO_FORMATS),
        default="wav",
        show_default=True,
        help="Audio format; wav, flac and aiff are 24 bit.",
    )
    sample_rate: int | None = shared(
        "--sample-rate", type=int, metavar="HZ", help="Sample rate of the results.  [default: that of most stems]"
    )


@dataclass(frozen=True)
class Rendering:
    """What `mix` and `apply` make beside the mix, and how loud.

    Attributes:
        loudness: in LUFS; None leaves the level as it is, and "reference" takes that of the reference.
        ceiling: highest true peak, in dBTP.
        no_stems: without processed stems.
        stems_post_master: with processed stems that add up to the mix.
        no_report: without `report.html`.
        session_out: file of a copy of the DAW session with the settings; None for none.
    """

    loudness: float | str | None = shared(
        "--loudness",
        type=Loudness(),
        default=-14.0,
        show_default=True,
        help="Loudness of the mix; reference is that of the reference.",
    )
    ceiling: float = shared(
        "--ceiling", type=float, default=-1.0, show_default=True, metavar="dBTP", help="Highest true peak."
    )
    no_stems: bool = shared("--no-stems", is_flag=True, help="Write no processed stems.")
    stems_post_master: bool = shared(
        "--stems-post-master",
        is_flag=True,
        help="Write stems that add up to the mix: with master, loudness and limiter; else they are before the master.",
    )
    no_report: bool = shared("--no-report", is_flag=True, help="Write no report.html.")
    session_out: str | None = shared(
        "--session-out",
        metavar="FILE",
        help="With a DAW session: also write a copy of it with these settings as faders, pans, EQs and compressors.",
    )


@dataclass(frozen=True)
class PluginOptions:
    """Plug-ins of the user's in the place of mixbridge's own EQ and compressor.

    Attributes:
        plugins: a plugins.toml; None for none.
        on_plugin_fault: what becomes of a mix whose plug-in fails; None takes what the file says.
    """

    plugins: str | None = shared(
        "--plugins",
        metavar="FILE",
        help="Render EQs and compressors through your own plug-ins, as this plugins.toml says.",
    )
    on_plugin_fault: Literal["stop", "ours"] | None = shared(
        "--on-plugin-fault",
        type=click.Choice(("stop", "ours")),
        help="If a plug-in fails: stop, or mix on with mixbridge's own stage in its place.  [default: stop]",
    )


@dataclass(frozen=True)
class Matching:
    """Whether the master is fitted to the reference, and how.

    Attributes:
        match: None where the tracks decide.
        linear_phase: of the match curve.
    """

    match: bool | None = shared(
        "--match/--no-match",
        default=None,
        help="Fit the master to the reference: tone, width, density.  [default: with several tracks, but for speech]",
    )
    linear_phase: bool = shared(
        "--linear-phase", is_flag=True, help="Turn no phase in the match curve; attacks ring before."
    )


@dataclass(frozen=True)
class StripOptions:
    """Which part of a desk is meant.

    Attributes:
        tracks: numbers of strips, as typed; None for all.
        only: sections, as typed; None for the usual ones.
        assignments: which track goes where, as typed.
    """

    tracks: str | None = shared(
        "--tracks", metavar="1-4,7,master", help="Only these strips of the desk.  [default: all]"
    )
    only: str | None = shared(
        "--only",
        metavar="eq,compressor,...",
        help="Only these sections: trim, gate, low_cut, high_cut, eq, compressor, deesser, saturation, fader, pan, "
        "send, mute, name, reverb, delay; or dynamics, cuts, fx.",
    )
    assignments: tuple[str, ...] = shared(
        "--map",
        multiple=True,
        metavar="TRACK=STRIP",
        help='Assign a track to a strip: "Lead Vox=ch/05" or "Lead Vox=5".',
    )


@dataclass(frozen=True)
class Sending:
    """How a desk is changed.

    Attributes:
        ramp_ms: time in which levels glide, as typed.
        no_ramp: levels jump.
        snapshot: file that keeps the former values; None for the usual place.
        to_manual: whether automated controls of Ardour become manual.
        yes: send without asking.
    """

    ramp_ms: float = shared(
        "--ramp",
        type=Milliseconds(),
        default="500ms",
        show_default=True,
        metavar=Milliseconds.name,
        help="Time in which levels glide.",
    )
    no_ramp: bool = shared("--no-ramp", is_flag=True, help="Set levels at once: for a desk that nobody listens to.")
    snapshot: Path | None = shared(  # noqa: RUF009  (it gives a `field`)
        "--snapshot", type=click.Path(path_type=Path), metavar="FILE", help="Keep the former values in this file."
    )
    to_manual: bool = shared("--to-manual", is_flag=True, help="Ardour: switch automated controls to Manual.")
    yes: bool = shared("--yes", is_flag=True, help="Send without asking.")

    @property
    def glide_ms(self) -> float:
        """Time in which levels glide; 0 where they jump."""
        return 0.0 if self.no_ramp else self.ramp_ms
