"""What OSC messages do to the current preset, and what is answered: the server without its sockets.

One handler for every message: requests stand in a dict, everything else is looked up among the addresses of the
preset. A message without arguments asks; one with a value sets, and as on an X32 is not answered unless it was
refused. Only the preset is changed. A desk hears of it when somebody asks for `push`.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ...presets.errors import DeskError, Hint, MixbridgeError
from ...presets.preset import Preset
from ..osc.packets import Argument, Message
from .addresses import ROOT, differences, find, sendable, strip_values
from .current import CurrentPreset, PresetChange
from .subscribers import DEFAULT_S, LONGEST_S, Peer, Subscribers
from .worker import State, Worker

ERROR = f"{ROOT}/error"
STATUS = f"{ROOT}/status"
AMOUNT = f"{ROOT}/amount"

_LONGEST_TEXT = 500
_FIRST_FREE_PORT, _LAST_PORT = 1024, 65535

Arguments = tuple[Argument, ...]
Request = Callable[[Arguments, Peer], Sequence[Message]]
"""What is done when a controller asks for something; gives the answer."""


@dataclass(frozen=True)
class Actions:
    """What a controller can ask for beside settings; None for what this server does not do.

    Attributes:
        predict: makes a new preset.
        push: sends a preset to a desk, and says what came of it. The target is what the controller named, or None for
            the one that the server was started with; which targets may be had is decided there.
        save: writes a preset and says where. The name is the controller's, or None.
        more: what else can be asked for, by address.
    """

    predict: Callable[[], Preset] | None = None
    push: Callable[[Preset, str | None], str] | None = None
    save: Callable[[Preset, str | None], str] | None = None
    more: Mapping[str, Request] = field(default_factory=dict)


class Outlet(Protocol):
    """The way out."""

    def send(self, destination: Peer, messages: Sequence[Message]) -> None:
        """Send an answer at once."""

    def queue(self, destination: Peer, messages: Sequence[Message]) -> None:
        """Send changes, of which there may be thousands, as fast as a controller can take them."""


class Surface:
    """Handles messages.

    Args:
        current: the preset that is worked on.
        actions: what else can be asked for.
        outlet: where answers go.
        subscribers: who hears of changes.
    """

    def __init__(
        self, current: CurrentPreset, actions: Actions, outlet: Outlet, subscribers: Subscribers | None = None
    ) -> None:
        self.worker = Worker()
        self._current = current
        self._actions = actions
        self._outlet = outlet
        self._subscribers = subscribers or Subscribers()
        # Held from a change until it is queued, so that subscribers hear of changes in their order.
        self._publishing = threading.Lock()
        self._requests: dict[str, Callable[[Arguments, Peer], None]] = {
            f"{ROOT}/subscribe": self._subscribe,
            f"{ROOT}/unsubscribe": self._unsubscribe,
            f"{ROOT}/predict": self._predict,
            f"{ROOT}/push": self._push,
            f"{ROOT}/save": self._save,
            f"{ROOT}/undo": self._undo,
            AMOUNT: self._amount,
            STATUS: self._tell_status,
        }

    def handle(self, message: Message, sender: Peer) -> None:
        """Does what a message asks for; what cannot be done is answered with an error."""
        if message.address == ERROR or (message.address == STATUS and message.args):
            return  # Another server's answer: two that answer each other's errors would never end.
        self._subscribers.renew(sender)
        try:
            request = self._requests.get(message.address)
            if request is not None:
                request(message.args, sender)
            elif (more := self._actions.more.get(message.address)) is not None:
                if answer := more(message.args, sender):
                    self._answer(sender, *answer)
            elif message.args:
                self._set(message, sender)
            else:
                self._ask(message.address, sender)
        except MixbridgeError as error:
            self._answer(sender, Message(ERROR, (_sentence(f"{message.address[: _LONGEST_TEXT // 4]}: {error}"),)))

    def is_value(self, message: Message) -> bool:
        """Tell whether a message sets something, so that the newest one of its address is all that counts."""
        return bool(message.args) and message.address not in self._requests

    def apply(self, change: Callable[[], PresetChange]) -> None:
        """Makes a change that no controller asked for, and tells all subscribers."""
        self._apply(change)

    def _ask(self, address: str, sender: Peer) -> None:
        preset = self._current.preset
        values = strip_values(preset, address)
        if values is None:
            values = [Message(address, (find(preset, address).read(preset),))]
        self._answer(sender, *values)

    def _set(self, message: Message, sender: Peer) -> None:
        if len(message.args) != 1:
            raise DeskError(f"one value is wanted, not {len(message.args)}")
        (value,) = message.args

        def edit(preset: Preset) -> Preset:
            return find(preset, message.address).write(preset, value)

        self._apply(lambda: self._current.change(edit, message.address), but=sender)

    def _amount(self, arguments: Arguments, sender: Peer) -> None:
        if not arguments:
            self._answer(sender, Message(AMOUNT, (self._current.amount,)))
            return
        amount = arguments[0]
        if isinstance(amount, bool) or not isinstance(amount, int | float) or not math.isfinite(amount):
            raise DeskError("the amount is a number: 0 is neutral, 1 the whole preset")
        # The knob itself is not told where it stands, but what it moved is news to its controller too.
        self._apply(lambda: self._current.set_amount(float(amount)), amount_but=sender)

    def _undo(self, arguments: Arguments, sender: Peer) -> None:
        if not _released(arguments):
            self._apply(self._current.undo)

    def _apply(
        self, change: Callable[[], PresetChange], *, but: Peer | None = None, amount_but: Peer | None = None
    ) -> None:
        with self._publishing:
            amount = self._current.amount
            done = change()
            if self._subscribers.destinations(but):  # comparing costs more than changing
                self._publish(differences(done.old, done.new), but)
            if self._current.amount != amount:
                self._publish([Message(AMOUNT, (self._current.amount,))], amount_but)

    def _subscribe(self, arguments: Arguments, sender: Peer) -> None:
        # Some controllers know no ints.
        numbers = [int(value) for value in arguments if isinstance(value, int | float) and _is_whole(value)]
        if len(numbers) != len(arguments) or len(numbers) > 2:
            raise DeskError("give nothing, or the port for answers, or that and the seconds, as whole numbers")
        # 0, and the 1 of a button that is pressed, stand for the port that the sender sends from.
        port = numbers[0] if numbers and numbers[0] != 1 else 0
        length_s = float(numbers[1]) if len(numbers) > 1 else DEFAULT_S
        if port and not _FIRST_FREE_PORT <= port <= _LAST_PORT:
            raise DeskError(f"answers cannot go to port {port}: choose one from {_FIRST_FREE_PORT} to {_LAST_PORT}")
        if not 1 <= length_s <= LONGEST_S:
            raise DeskError(f"a subscription lasts 1 to {LONGEST_S:g} s")
        self._subscribers.add(sender, port or None, length_s)

    def _unsubscribe(self, arguments: Arguments, sender: Peer) -> None:
        self._subscribers.remove(sender)

    def _tell_status(self, arguments: Arguments, sender: Peer) -> None:
        running = self.worker.running
        self._answer(sender, Message(STATUS, (running, "busy" if running else "idle", "")))

    def _predict(self, arguments: Arguments, sender: Peer) -> None:
        predict = self._actions.predict
        if predict is None:
            raise DeskError(
                "there is nothing to predict from: start the server with stems and a reference.",
                hints=(Hint("stems", "FILES"), Hint("reference", "FILE")),
            )

        def job() -> str:
            preset = predict()
            self._apply(lambda: self._current.change(lambda _: preset))
            count = len(preset.tracks)
            return f"a preset for {count} track{'' if count == 1 else 's'}"

        self._start("predict", job, arguments, sender)

    def _push(self, arguments: Arguments, sender: Peer) -> None:
        push = self._actions.push
        if push is None:
            raise DeskError("there is no desk to push to: start the server with one")
        preset, target = self._current.preset, _text(arguments)
        self._start("push", lambda: push(preset, target), arguments, sender)

    def _save(self, arguments: Arguments, sender: Peer) -> None:
        save = self._actions.save
        if save is None:
            raise DeskError("this server saves nothing: start it with a preset that is a file")
        preset, name = self._current.preset, _text(arguments)
        self._start("save", lambda: save(preset, name), arguments, sender)

    def _start(self, name: str, job: Callable[[], str], arguments: Arguments, sender: Peer) -> None:
        if _released(arguments):
            return

        def report(state: State, words: str) -> None:
            news = Message(STATUS, (name, state, _sentence(words)))
            self._answer(sender, news)
            self._publish([news], sender)

        running = self.worker.start(name, job, report)
        if running:
            self._answer(sender, Message(STATUS, (name, "error", f"{running} is not done yet: ask again after it")))

    def _answer(self, sender: Peer, *messages: Message) -> None:
        self._outlet.send(self._subscribers.destination(sender), messages)

    def _publish(self, messages: Sequence[Message], but: Peer | None) -> None:
        for destination in self._subscribers.destinations(but):
            self._outlet.queue(destination, messages)


def _released(arguments: Arguments) -> bool:
    """Tell whether a button was released: most controllers send 1 when it is pressed and 0 then."""
    return bool(arguments) and not isinstance(arguments[0], str) and not arguments[0]


def _text(arguments: Arguments) -> str | None:
    if not arguments or isinstance(arguments[0], int | float):
        return None
    if not isinstance(arguments[0], str):
        raise DeskError("a name is wanted, as a string")
    return arguments[0]


def _is_whole(value: float) -> bool:
    return math.isfinite(value) and value == int(value)


def _sentence(text: str) -> str:
    return sendable(text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}..")
