"""A fuzzer for what strangers can hand to mixbridge: datagrams to its OSC server, and desk profiles.

Datagrams are mutations of valid ones, most of them handed to the server in this process, some sent through its socket
with a question in between that it has to answer. What counts as harm: an exception that reaches the server's last
resort, another error than PacketError from `decode`, a question that is not answered, or a hang.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import math
import os
import random
import socket
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mixbridge.bridge.desks import loading
from mixbridge.bridge.desks.profile import Desk
from mixbridge.bridge.osc.packets import Message, PacketError, bundle, decode, encode, slip_decode
from mixbridge.bridge.server import addresses
from mixbridge.bridge.server.gate import TokenBuckets
from mixbridge.bridge.server.server import OscServer
from mixbridge.bridge.server.surface import Actions
from mixbridge.presets.errors import DeskError
from mixbridge.presets.preset import Preset, Track

HANG_S = 30.0
SOCKET_SHARE = 0.05
LARGEST_UDP = 65507
PROBE_EVERY = 100
TRIES = 60
_QUESTION = Message(addresses.TRACK_COUNT)
_REQUESTS = ("subscribe", "unsubscribe", "undo", "status", "amount", "predict", "push", "save", "error")
_TRACKS = 4

# What sizes and numbers are wrong by, as a rule.
_WORDS = (0, 1, 2, 3, 4, 5, 7, 8, 16, 255, 256, 65535, 2**31 - 4, 2**31 - 1, 2**31, 2**32 - 8, 2**32 - 4, 2**32 - 1)
_FLOATS = (0.0, -0.0, 1.0, -1.0, 0.5, 1.5, 24.0, 99.0, 1e-45, 3.4e38, math.inf, -math.inf, math.nan)
_TEXTS = ("", "a", "x" * 300, "../../etc/passwd", "\n", "ä€😀", "con", "%s%n", "NaN", "/mixbridge/error")
_TAGS = b"ifsbhdtTFNIScrm[],\0x\xff"
_NUMBERS = (
    "-1",
    "0",
    "1e400",
    "-inf",
    "nan",
    "99999999999999999999",
    "0.0000001",
    '""',
    "true",
    "[]",
    "{}",
    "1979-05-27",
)


@dataclass
class Result:
    """What came of a run; `harm` is empty if all is well. `slowest_ms` is processor time, of a busy machine too."""

    datagrams: int = 0
    through_socket: int = 0
    malformed: int = 0
    messages: int = 0
    answered: int = 0
    profiles: int = 0
    profiles_refused: int = 0
    slowest_ms: float = 0.0
    seconds: float = 0.0
    harm: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.datagrams} datagrams ({self.through_socket} through a socket, {self.malformed} malformed, "
            f"{self.messages} messages handled, {self.answered} questions answered), slowest {self.slowest_ms:.1f} ms; "
            f"{self.profiles} profiles ({self.profiles_refused} refused); {self.seconds:.0f} s, "
            f"{self.datagrams / max(self.seconds, 1e-9):.0f} datagrams/s; harm: {self.harm or 'none'}"
        )


class Watchdog:
    """Ends the program when one input takes too long, and says which."""

    def __init__(self) -> None:
        self.input = b""
        self._beat = 0
        threading.Thread(target=self._watch, daemon=True).start()

    def on(self, data: bytes) -> None:
        """Notes what is handled next."""
        self.input = data
        self._beat += 1

    def _watch(self) -> None:
        seen = -1
        while True:
            if seen == self._beat and self.input:
                print(f"HANG: nothing came of this input for {HANG_S:g} s: {self.input.hex()}", file=sys.stderr)
                os._exit(3)
            seen = self._beat
            time.sleep(HANG_S)


def run(datagrams: int, seed: int, profiles: int) -> Result:
    """Fuzzes the server, then the loader of profiles."""
    result, watchdog = Result(), Watchdog()
    begin_s = time.monotonic()
    chance = random.Random(seed)
    socketed = int(datagrams * SOCKET_SHARE)
    _fuzz_handler(datagrams - socketed, chance, result, watchdog)
    _fuzz_socket(socketed, chance, result, watchdog)
    result.seconds = time.monotonic() - begin_s
    watchdog.on(b"")
    _fuzz_profiles(profiles, chance, result, watchdog)
    watchdog.on(b"")
    return result


def corpus() -> list[bytes]:
    """Valid packets: every address asked and set, every request, every type, bundles in bundles."""
    messages = [Message(f"/mixbridge/{name}") for name in (*_REQUESTS, "track/1", "master", "fx_bus")]
    messages += [Message("/mixbridge/amount", (0.5,)), Message("/mixbridge/subscribe", (9001, 20)), _QUESTION]
    messages += [Message("/mixbridge/save", ("mine",)), Message("/mixbridge/push", ("x32://127.0.0.1",))]
    messages += [Message("/mixbridge/track/2/mute", (1,)), Message("/mixbridge/track/3/name")]
    messages += [Message("/everything", (1, 2.5, "text", b"blob", True, False, None, 2**40)), Message("#reply", (1,))]
    for address, row in addresses.table():
        place = address.replace("<n>", "2")
        messages += [Message(place), Message(place, (row.low,)), Message(place, (row.high,))]
    packets = [encode(message) for message in messages]
    packets += [b"/array\0\0,[ii[f]]\0\0\0\0" + struct.pack(">iif", 1, 2, 3.0), b"/old\0\0\0\0"]
    inner = bundle(packets[:5])
    return [*packets, inner, bundle([bundle([inner, packets[0]]), packets[-1]]), bundle(packets[20:60]), bundle([])]


class Mutator:
    """Makes datagrams that are nearly right.

    Args:
        chance: where the luck comes from.
        longest: most bytes of a datagram.
    """

    def __init__(self, chance: random.Random, longest: int = 66000) -> None:
        self._longest = longest
        self._chance = chance
        self._corpus = corpus()
        self._addresses = [address for address, _ in addresses.table()]
        self._addresses += [f"/mixbridge/{name}" for name in _REQUESTS] * 3
        self._ways = (
            self._bits, self._bits, self._word, self._word, self._cut, self._insert, self._repeat, self._splice,
            self._tag, self._nest, self._noise, self._grow, self._unlikely, self._unlikely,
        )  # fmt: skip

    def next(self) -> bytes:
        """A datagram."""
        chance = self._chance
        data = bytearray(chance.choice(self._corpus))
        for _ in range(chance.choice((0, 1, 1, 1, 2, 2, 3, 5))):
            data = chance.choice(self._ways)(data)
        return bytes(data[: self._longest])

    def _bits(self, data: bytearray) -> bytearray:
        if data:
            data[self._chance.randrange(len(data))] ^= 1 << self._chance.randrange(8)
        return data

    def _word(self, data: bytearray) -> bytearray:
        if len(data) >= 4:
            place = self._chance.randrange(len(data) // 4) * 4
            data[place : place + 4] = struct.pack(">I", self._chance.choice(_WORDS))
        return data

    def _cut(self, data: bytearray) -> bytearray:
        return data[: self._chance.randrange(len(data) + 1)]

    def _insert(self, data: bytearray) -> bytearray:
        place = self._chance.randrange(len(data) + 1)
        data[place:place] = self._chance.randbytes(self._chance.choice((1, 2, 4, 8)))
        return data

    def _repeat(self, data: bytearray) -> bytearray:
        begin, end = sorted(self._chance.randrange(len(data) + 1) for _ in range(2))
        return data + data[begin:end] * self._chance.choice((1, 2, 10))

    def _splice(self, data: bytearray) -> bytearray:
        other = self._chance.choice(self._corpus)
        return data[: self._chance.randrange(len(data) // 4 + 1) * 4] + other[self._chance.randrange(len(other)) & ~3 :]

    def _tag(self, data: bytearray) -> bytearray:
        comma = data.find(b",")
        if 0 <= comma < len(data) - 1:
            data[comma + 1] = self._chance.choice(_TAGS)
        return data

    def _nest(self, data: bytearray) -> bytearray:
        packet = bytes(data[:1000])
        for _ in range(self._chance.choice((1, 2, 4, 5, 40))):
            packet = (
                b"#bundle\0" + self._chance.choice((bytes(8), b"\xff" * 8)) + struct.pack(">i", len(packet)) + packet
            )
        return bytearray(packet)

    def _noise(self, data: bytearray) -> bytearray:
        return bytearray(self._chance.randbytes(self._chance.choice((1, 4, 16, 64, 512))))

    def _grow(self, data: bytearray) -> bytearray:
        if self._chance.random() > 0.02:  # big ones are slow, and a few show as much as many
            return data
        return (data or bytearray(4)) * (self._longest // max(len(data), 1) + 1)

    def _unlikely(self, data: bytearray) -> bytearray:
        """A message in order, to a place there is or nearly is, with a value that should not stand there."""
        chance = self._chance
        number = chance.choice(("1", "2", "4", "0", "5", "-1", "٣", "9" * 30, "1.0", "", "<n>")).encode()
        address = chance.choice(self._addresses).encode().replace(b"<n>", number)
        value, tag = chance.choice(
            (
                (struct.pack(">f", chance.choice(_FLOATS)), b"f"),
                (struct.pack(">d", chance.choice(_FLOATS)), b"d"),
                (struct.pack(">I", chance.choice(_WORDS)), chance.choice((b"i", b"r", b"c", b"m", b"b"))),
                (_padded(chance.choice(_TEXTS).encode()), b"s"),
                (b"", chance.choice((b"T", b"F", b"N", b"I", b"[]"))),
            )
        )
        repeated = chance.choice((1, 1, 1, 2, 30))
        return bytearray(_padded(address) + _padded(b"," + tag * repeated) + value * repeated)


def _padded(text: bytes) -> bytes:
    return text + bytes(4 - len(text) % 4)


def _server() -> OscServer:
    preset = Preset(tracks=tuple(Track(name=f"Track {number}") for number in range(1, _TRACKS + 1)))
    actions = Actions(lambda: preset, lambda _preset, target: f"to {target}", lambda _preset, name: f"as {name}")
    return OscServer(preset, actions, port=0, buckets=TokenBuckets(math.inf, 1e300))


def _fuzz_handler(count: int, chance: random.Random, result: Result, watchdog: Watchdog) -> None:
    mutator = Mutator(chance)
    with _server() as server, _client() as sink:
        sender = sink.getsockname()
        for _ in range(count):
            data = mutator.next()
            watchdog.on(data)
            before_s = time.thread_time()
            with _noted(data, result), contextlib.suppress(PacketError):
                slip_decode(data)
            with _noted(data, result):
                server.receive(data, sender)
            result.slowest_ms = max(result.slowest_ms, 1000 * (time.thread_time() - before_s))
            if server.counts.faults:
                server.counts.faults = 0
                result.harm.append(f"a fault in the server: {data.hex()}")
        _add(server, result)


def _fuzz_socket(count: int, chance: random.Random, result: Result, watchdog: Watchdog) -> None:
    mutator = Mutator(chance, LARGEST_UDP)
    with _server() as server, _client() as stranger, _client() as friend:
        server.start()
        friend.settimeout(HANG_S / TRIES)
        for number in range(count):
            data = mutator.next()
            watchdog.on(data)
            stranger.sendto(data, server.address)
            if number % PROBE_EVERY == PROBE_EVERY - 1 or number == count - 1:
                if not _is_answered(friend, server):
                    result.harm.append(f"the server no longer answers, after {data.hex()}")
                    break
                result.answered += 1
        if server.counts.faults:
            result.harm.append(f"{server.counts.faults} faults in the server, through its socket")
        result.through_socket += server.counts.received
        _add(server, result)


def _is_answered(friend: socket.socket, server: OscServer) -> bool:
    """Asks until there is an answer: behind big datagrams the system itself drops a question."""
    for _ in range(TRIES):
        friend.sendto(encode(_QUESTION), server.address)
        with contextlib.suppress(TimeoutError):
            return decode(friend.recv(65536)) == [Message(_QUESTION.address, (_TRACKS,))]
    return False


def _fuzz_profiles(count: int, chance: random.Random, result: Result, watchdog: Watchdog) -> None:
    shipped = [path.read_bytes() for path in sorted(Path(loading.__file__).parent.glob("*.toml"))]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "desk.toml"
        for _ in range(count):
            data = _spoiled(chance.choice(shipped), chance)
            watchdog.on(data)
            path.write_bytes(data)
            result.profiles += 1
            with _noted(data, result):
                try:
                    desk = loading.load_desk(path)
                except DeskError:
                    result.profiles_refused += 1
                    continue
                _use(desk)


def _use(desk: Desk) -> None:
    """What a profile that was found good is there for."""
    for kind in desk.strips:
        desk.eq(kind)
        desk.compressor(kind)
        for setting in desk.questions(kind, desk.strips[kind].first):
            setting.scale.decode(setting.value)


def _spoiled(profile: bytes, chance: random.Random) -> bytes:
    """A profile with something wrong in a few lines; most remain TOML."""
    lines = profile.splitlines(keepends=True)
    for _ in range(chance.choice((1, 1, 2, 4))):
        place = chance.randrange(len(lines))
        match chance.randrange(6):
            case 0:
                del lines[place : place + chance.choice((1, 1, 5))]
            case 1:
                lines[place:place] = chance.sample(lines, 1) * chance.choice((1, 3))
            case 2 | 3:
                key, _, _ = lines[place].partition(b"=")
                lines[place] = key + b"= " + chance.choice(_NUMBERS).encode() + b"\n"
            case 4:
                line = bytearray(lines[place])
                line[chance.randrange(len(line))] = chance.randrange(256)
                lines[place] = bytes(line)
            case _:
                lines[place] = lines[place].replace(
                    b"{n}", chance.choice((b"{", b"{}", b"{n!r}", b"{m}", b"{n:999999999}"))
                )
        lines = lines or [b"\n"]
    return b"".join(lines)


def _add(server: OscServer, result: Result) -> None:
    server.wait_for_job(HANG_S)
    result.datagrams += server.counts.received
    result.malformed += server.counts.malformed
    result.messages += server.counts.messages


def _client() -> socket.socket:
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.bind(("127.0.0.1", 0))
    return client


@contextlib.contextmanager
def _noted(data: bytes, result: Result) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        result.harm.append(f"{type(error).__name__}: {error} ({data.hex()})")


def _fuzz_files(seconds: float, seed: int) -> int:
    """Gives each reader its share of the time; what did harm is kept, and named."""
    from fuzzing_files import fuzz_for
    from fuzzing_targets import TARGETS

    logging.disable(logging.WARNING)
    folder = Path(tempfile.mkdtemp(prefix="mixbridge-fuzz-"))
    results = [fuzz_for(target, seconds / len(TARGETS), seed, folder) for target in TARGETS]
    return 1 if any(result.harm for result in results) else 0


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Hostile datagrams and desk profiles for mixbridge.")
    parser.add_argument("--datagrams", type=int, default=1_000_000)
    parser.add_argument("--profiles", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--files", action="store_true", help="files instead, handed to their readers")
    parser.add_argument("--minutes", type=float, default=60, help="of all readers together, with --files")
    options = parser.parse_args()
    if options.files:
        return _fuzz_files(60 * options.minutes, options.seed)
    result = run(options.datagrams, options.seed, options.profiles)
    print(result)
    return 1 if result.harm else 0


if __name__ == "__main__":
    sys.exit(main())
