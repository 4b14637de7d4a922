"""The command `model list`: the models that come with mixbridge. Importing this loads click alone.

The other commands of the group belong to the torch side and are found as entry points: see :mod:`.commands`.
"""

from __future__ import annotations

import click

from .options import Saying, takes
from .output.saying import echo_json, say


@click.command("list")
@takes(Saying, "saying")
def list_command(*, saying: Saying) -> None:
    """List the models that come with mixbridge; `mixbridge mix --model NAME` uses one."""
    from ...runtime.model.bundle import open_bundle, shipped_models

    manifests = {name: open_bundle(name).manifest for name in shipped_models()}
    if saying.as_json:
        echo_json([{"name": name, **manifest.model_dump(mode="json")} for name, manifest in manifests.items()])
        return
    for name, manifest in manifests.items():
        say(f"{name}  {manifest.parameters:,} parameters, {manifest.sample_rate_hz} Hz, {manifest.licence}")
        if manifest.description:
            say(f"  {manifest.description}")
