"""A Behringer WING, as far as a push goes: models whose settings are not each other's, values in three forms.

What is not there is not answered, and then nothing more to that port, as an owner of a console measured (firmware 3.1).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from udp_peer import Reply, UdpPeer, Value

_NAMES = ("name", "$name", "mute", "fdr", "pan")
MODELS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "gate": {
        "GATE": ("on", "thr", "range", "att", "hld", "rel", "acc", "ratio"),
        "RED3": ("on", "mix", "gain", "thr", "ratio", "att", "rel", "auto"),
    },
    "dyn": {
        "COMP": ("on", "mix", "gain", "thr", "ratio", "knee", "det", "att", "hld", "rel", "env", "auto"),
        "76LA": ("on", "mix", "gain", "in", "out", "att", "rel", "ratio"),
    },
    "eq": {
        "STD": (
            *("on", "mix", "lg", "lf", "lq", "leq", "hg", "hf", "hq", "heq"),
            *(f"{band}{what}" for band in "1234" for what in "gfq"),
        ),
        "SOUL": ("on", "mix", "lc", "hc", "lfg", "hfg"),
    },
}
USUAL: Mapping[str, Value] = {
    **{"name": "", "$name": "", "mute": 0, "on": 0, "auto": 0, "lc": 0, "hc": 0, "mode": "PRE", "mdl": "NONE"},
    **{"leq": "SHV", "heq": "SHV", "det": "RMS", "env": "LOG", "lcs": "24", "hcs": "12", "ins": "NONE"},
}


class WingDesk(UdpPeer):
    """A console with 40 channels, 16 buses and 4 mains.

    Attributes:
        held: values by address; others stand at their usual ones.
        absent: addresses that were asked for and are not there.
    """

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[str, Value] = {}
        self.absent: list[str] = []
        self._wedged: set[tuple[str, int]] = set()

    def model(self, strip: str, section: str) -> str:
        return str(self.held.get(f"{strip}/{section}/mdl", next(iter(MODELS[section]))))

    def replies(self, address: str, values: tuple[Value, ...], time_s: float) -> Sequence[Reply]:
        client = self.clients[-1]
        if client in self._wedged:
            return []
        if address == "/?":
            return [("/*", ("WING,127.0.0.1,FOH,wing-rack,S1,3.1-0-g9f314617:release",))]
        usual = self._usual(address)
        if values:
            if usual is not None:
                self.held[address] = values[0]
            return []
        if usual is None:
            self.absent.append(address)
            self._wedged.add(client)
            return []
        value = self.held.get(address, usual)
        if isinstance(value, str):
            return [(address, (value,))]
        return [(address, (f"{value:.1f}" if isinstance(value, float) else str(value), 0.5, value))]

    def _usual(self, address: str) -> Value | None:
        """What stands there at first; None: there is no such address."""
        leaf = address.rpartition("/")[2]
        match = re.fullmatch(r"(/(?:ch|bus|main)/\d+)(?:/(.*))?", address)
        if match is None:
            return USUAL["mdl"] if re.fullmatch(r"/fx/\d+/mdl", address) else None
        strip, rest = match[1], match[2]
        node = rest.partition("/")[0]
        if node in MODELS and "/" in rest:
            if node == "gate" and not strip.startswith("/ch/"):
                return None
            model = self.model(strip, node)
            if leaf == "mdl":
                return model
            return self._value(node, leaf) if leaf in MODELS[node][model] else None
        channel = ("in/set/trim", "flt/lc", "flt/lcf", "flt/lcs", "flt/hc", "flt/hcf", "flt/hcs", "main/1/on")
        is_send = re.fullmatch(r"send/\d+/(on|lvl|mode)", rest) is not None
        is_there = rest in _NAMES or rest == "preins/ins" or (strip.startswith("/ch/") and (rest in channel or is_send))
        return USUAL.get(leaf, -144.0 if leaf in ("fdr", "lvl") else 0.0) if is_there else None

    def _value(self, node: str, leaf: str) -> Value:
        if leaf == "ratio":
            return {"gate": "1:3", "dyn": "3.0"}[node]
        usual: Mapping[str, Value] = {"mix": 100.0, "hld": 20.0, "att": 50.0, "rel": 150.0, "range": 40.0}
        if node == "eq" and (leaf[-1] == "f" or leaf[-1] == "q"):
            return 1000.0 if leaf[-1] == "f" else 1.0
        return USUAL.get(leaf, usual.get(leaf, 0.0))
