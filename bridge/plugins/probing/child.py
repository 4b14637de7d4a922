"""The process in which a plug-in is loaded: reads one request from standard input, answers in lines of JSON.

Requests: `{"do": "inspect", "path": ...}` (with `"parameters": true` for all of them, `"name"` for one of several
plug-ins in a file) and `{"do": "measure", ...}`. What a plug-in prints goes to standard error.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import IO, Any

from ....runtime.isolated.child import answering

Loader = Callable[[str, str | None], Any]
NamesOf = Callable[[str], list[str]]


def serve(load: Loader | None = None, names_of: NamesOf | None = None) -> None:
    """Answer the request on standard input.

    Args:
        load: what loads a plug-in, of a path and a name; pedalboard if absent.
        names_of: what lists the plug-ins in a file.
    """
    with io.TextIOWrapper(answering(), encoding="utf-8") as channel:
        request = json.loads(sys.stdin.readline())
        try:
            say(channel, result=_done(request, channel, load or _load, names_of or _names_of))
        except Exception as error:  # whatever a plug-in or its host raises is the answer
            say(channel, error=" ".join(str(error).split()) or type(error).__name__)
    # Some plug-ins crash while they are taken apart: that harms nobody any more.
    os._exit(0)


def say(channel: IO[str], **message: Any) -> None:
    """Write one line."""
    channel.write(json.dumps(message) + "\n")
    channel.flush()


def _done(request: Mapping[str, Any], channel: IO[str], load: Loader, names_of: NamesOf) -> Mapping[str, Any]:
    path, name = str(request["path"]), request.get("name")
    if request["do"] == "inspect":
        from ..inspection import inspect

        names = names_of(path)
        if len(names) > 1 and name is None:
            return {"names": names}
        return inspect(load(path, name), names, has_parameters=bool(request.get("parameters")))
    from ..measuring.measure import measure

    def progress(share: float, text: str) -> None:
        say(channel, progress=share, text=text)

    return measure(lambda: load(path, name), os.path.basename(path), progress)  # noqa: PTH119  (a path of any system)


def _load(path: str, name: str | None) -> Any:
    import pedalboard

    load: Any = vars(pedalboard)["load_plugin"]
    return load(path, plugin_name=name, initialization_timeout=15.0)


def _names_of(path: str) -> list[str]:
    import pedalboard

    kind = pedalboard.AudioUnitPlugin if path.lower().endswith(".component") else pedalboard.VST3Plugin
    return list(kind.get_plugin_names_for_file(path))


if __name__ == "__main__":
    serve()
