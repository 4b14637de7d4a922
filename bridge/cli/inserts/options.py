"""Options about what tracks go through before their strips. Importing this loads click alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..declaring import shared

if TYPE_CHECKING:
    from ....presets.inserts.insert import Insert
    from ....runtime.inserts.choosing import InsertWishes
    from ....runtime.inserts.terms import InsertRules


@dataclass(frozen=True)
class AllowingCode:
    """What a preset's inserts may do.

    Attributes:
        allow_commands: run the programs and TorchScript models that it names.
    """

    allow_commands: bool = shared(
        "--allow-commands",
        is_flag=True,
        help="Run the programs and TorchScript models that the preset names. They may do anything on this computer: "
        "only for presets whose maker you trust.",
    )

    def rules(self, preset: str) -> InsertRules:
        """Tell what inserts of the preset that was named may do; its models are beside it."""
        from ....runtime.inserts.terms import InsertRules

        return InsertRules(Path(preset).parent, self.allow_commands)


def clean_db_option() -> float:
    """`--clean-db` of each command that cleans, as a field of its options."""
    option: float = shared(
        "--clean-db",
        type=click.FloatRange(0, 100),
        default=30.0,
        show_default=True,
        metavar="dB",
        help="How far --clean turns noise down at most.",
    )
    return option


@dataclass(frozen=True)
class Cleaning:
    """What tracks go through before they are heard.

    Attributes:
        clean: tracks, or what they are, that are cleaned of noise.
        clean_db: how far noise is turned down at most.
        insert: other inserts, as typed.
    """

    clean: tuple[str, ...] = shared(
        "--clean",
        multiple=True,
        metavar="TRACK|vocals",
        help='Remove noise from voices before listening: a track, "vocals", "lead vocal". May be repeated. Needs the '
        "extra `clean`.",
    )
    clean_db: float = clean_db_option()
    insert: tuple[str, ...] = shared(
        "--insert",
        multiple=True,
        metavar="TRACK=KIND",
        help='Put a network or program in front of a track: "Vox=onnx:model.onnx", "Vox=torchscript:rave.ts", '
        '"Vox=command:sox {in} {out} highpass 80". May be repeated.',
    )

    @property
    def wishes(self) -> InsertWishes:
        """What was typed, as the runtime takes it; what a person types here may run.

        Raises:
            click.BadParameter: an insert is not TRACK=KIND.
            PresetError: its kind is unknown.
            InsertError: its model cannot be read.
        """
        from ....runtime.inserts.choosing import InsertWishes
        from ....runtime.inserts.terms import InsertRules

        return InsertWishes(self.clean, self.clean_db, self._added(), InsertRules(None, allow_code=True))

    def _added(self) -> Mapping[str, tuple[Insert, ...]]:
        from ....runtime.inserts.declaring import declared

        added: dict[str, tuple[Insert, ...]] = {}
        for item in self.insert:
            track, sign, kind = item.partition("=")
            if not (track and sign and kind):
                raise click.BadParameter(f'{item!r} is not TRACK=KIND, e.g. "Vox=denoise"', param_hint="--insert")
            added[track] = (*added.get(track, ()), declared(kind))
        return added
