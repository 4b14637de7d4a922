"""Machines of a Ray cluster that do the items of a batch: an actor for each CPU, which has a process of its own.

What does an item is the same as in :mod:`.pool`, with the same limits. Ray places the actors, and tells when a machine
is gone: its items are begun once more elsewhere. Only paths travel, so the sessions and the output are on a disk that
all machines share. An actor gets its next item when it has done one, so nothing piles up.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any

from ...presets.errors import MixbridgeError
from ...presets.extras import install_command
from .items import BatchItem, Failure, ItemEvent, item_of
from .pool import LocalPool, Work

# Only paths and figures go through it.
_STORE_BYTES = 100_000_000
_TICK_S = 0.2
# Without a machine that takes items.
_PATIENCE_S = 300.0
_MOST_ATTEMPTS = 4
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


class Renderer:
    """What an actor is: one process that does items, and its supervision.

    Args:
        work: what it does.
    """

    def __init__(self, work: Work):
        self._waiting: deque[BatchItem] = deque()
        self._events = LocalPool(work, 1).run(self._coming())

    def ready(self) -> None:
        """Answer, which shows that the actor has a place."""

    def do(self, data: dict[str, Any]) -> ItemEvent:
        """Do an item.

        Args:
            data: as :meth:`.items.BatchItem.as_json` gives it.
        """
        self._waiting.append(item_of(data))
        event = next(event for event in self._events if event.result is not None)
        return replace(event, worker=f"{event.worker} on {_ray().util.get_node_ip_address()}")

    def _coming(self) -> Iterator[BatchItem | None]:
        while True:
            yield self._waiting.popleft() if self._waiting else None


@dataclass
class _Place:
    """An actor and what it is asked for: whether it is ready, or an item."""

    actor: Any
    item: BatchItem | None = None
    attempt: int = 1
    begun_s: float = field(default_factory=time.monotonic)


class RayPool:
    """The machines of a Ray cluster.

    Args:
        work: what they do.
        address: of a cluster that is running, or "auto"; None starts one of this machine alone.
        workers: how many items are done at once; None for as many as there are CPUs.

    Raises:
        MixbridgeError: Ray is not installed.
    """

    def __init__(self, work: Work, address: str | None = None, workers: int | None = None):
        self._ray = _ray()
        self._work = work
        self._address = address
        self._workers = workers

    def run(self, items: Iterable[BatchItem | None]) -> Iterator[ItemEvent]:
        """Do items, and tell what happens to them; None among them stands for "nothing yet, ask again".

        Raises:
            MixbridgeError: the cluster cannot be reached, or no machine of it takes items.
        """
        self._connect()
        try:
            yield from self._done(iter(items))
        finally:
            self._ray.shutdown()

    def _connect(self) -> None:
        _talk_to_stderr()
        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", "include_dashboard": False}
        own = {"num_cpus": self._workers, "object_store_memory": _STORE_BYTES, **quiet}
        try:
            with _own_signals():
                if self._address is None:
                    self._ray.init(**own)
                else:
                    self._ray.init(address=self._address, log_to_driver=False, logging_level="ERROR")
        except (ConnectionError, ValueError, OSError, RuntimeError) as error:
            raise MixbridgeError(
                f"no Ray cluster answers at {self._address or 'this machine'}: {' '.join(str(error).split())[:300]}. "
                "Start one with Ray's own command `ray start`, or leave out the address."
            ) from error

    def _done(self, coming: Iterator[BatchItem | None]) -> Iterator[ItemEvent]:
        places: dict[Any, _Place] = {}
        again = deque[tuple[BatchItem, int]]()
        for _ in range(self._workers or max(1, int(self._ray.cluster_resources().get("CPU", 1)))):
            self._open(places)
        idle: list[_Place] = []
        has_more, heard_s = True, time.monotonic()
        while has_more or again or any(place.item for place in places.values()):
            while idle and (has_more or again):
                item, attempt = again.popleft() if again else (next(coming, _END), 1)
                if item is _END:
                    has_more = False
                elif item is None:
                    break
                else:
                    place = idle.pop()
                    place.item, place.attempt, place.begun_s = item, attempt, time.monotonic()
                    places[place.actor.do.remote(item.as_json())] = place
                    yield ItemEvent(item, "ray", attempt=attempt)
            if not places:
                time.sleep(_TICK_S)
                heard_s = time.monotonic()
                continue
            ready, _ = self._ray.wait(list(places), timeout=_TICK_S)
            for reference in ready:
                heard_s = time.monotonic()
                yield from self._heard(reference, places, idle, again)
            is_idle = not idle and not any(place.item for place in places.values())
            if is_idle and time.monotonic() > heard_s + _PATIENCE_S:
                raise MixbridgeError(
                    f"no machine of the Ray cluster had a free CPU for {_PATIENCE_S:.0f} s: `ray status` says what "
                    "takes them."
                )

    def _open(self, places: dict[Any, _Place]) -> None:
        """Ask for an actor; it may have to wait for a machine with a free CPU."""
        gpus = {"num_gpus": self._gpu_share()} if self._work.place.provider not in ("cpu", "auto") else {}
        actor = self._ray.remote(Renderer).options(num_cpus=1, max_restarts=0, **gpus).remote(self._work)
        places[actor.ready.remote()] = _Place(actor)

    def _gpu_share(self) -> float:
        """What each actor takes of a GPU, so that all of a machine find room."""
        resources = self._ray.cluster_resources()
        return min(1.0, resources.get("GPU", 0) / max(1.0, resources.get("CPU", 1))) or 1.0

    def _heard(
        self, reference: Any, places: dict[Any, _Place], idle: list[_Place], again: deque[tuple[BatchItem, int]]
    ) -> Iterator[ItemEvent]:
        place = places.pop(reference)
        item = place.item
        try:
            answer = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            self._open(places)
            if item is None:
                return
            if place.attempt < _MOST_ATTEMPTS:
                again.append((item, place.attempt + 1))
                return
            lost = " ".join(str(error).split())[:300]
            failure = Failure("stopped", f"{item.session}: was lost {place.attempt} times with its machine: {lost}")
            yield ItemEvent(item, "ray", time.monotonic() - place.begun_s, failure, place.attempt)
            return
        place.item = None
        idle.append(place)
        if item is not None:
            yield replace(answer, item=item, attempt=place.attempt)


_END: Any = object()


def _ray() -> Any:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # it would tell its makers that it was used
    # It gives its workers the least share of a busy machine; nobody asked for that.
    os.environ.setdefault("RAY_worker_niceness", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # as it will be in its next version
    try:
        return import_module("ray")
    except ModuleNotFoundError as error:
        raise MixbridgeError(f"A batch on Ray needs the package ray: {install_command('ray')}.") from error


def _talk_to_stderr() -> None:
    """Have Ray say on standard error that a node is gone: standard output is for what was asked for, such as JSON."""
    worker: Any = import_module("ray._private.worker")
    said = getattr(worker, "print_to_stdstream", None)
    if said is None or getattr(said, "is_ours", False):
        return

    def say(data: dict[str, Any], *rest: Any, **named: Any) -> None:
        said({**data, "is_err": True}, *rest, **named)

    say.is_ours = True  # type: ignore[attr-defined]
    worker.print_to_stdstream = say


@contextlib.contextmanager
def _own_signals() -> Iterator[None]:
    """Keep the handlers of this program, which Ray replaces."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)
