"""OSC packets: both ways for good ones, PacketError and nothing else for everything else."""

import math
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mixbridge.bridge.osc.packets import (
    MAX_BYTES,
    Message,
    PacketError,
    bundle,
    decode,
    encode,
    slip_decode,
)
from pythonosc import slip
from pythonosc.osc_message import OscMessage

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
ADDRESS = st.from_regex(r"/[a-z0-9/_]{0,20}", fullmatch=True)
ARGUMENTS = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.floats(width=32, allow_nan=False),
    TEXT,
    st.binary(max_size=20),
    st.booleans(),
    st.none(),
)
MESSAGES = st.builds(Message, ADDRESS, st.lists(ARGUMENTS, max_size=8).map(tuple))


def packet(address=b"/a\0\0", types=b",\0\0\0", values=b""):
    return address + types + values


def element(content):
    return struct.pack(">i", len(content)) + content


def nested(depth, innermost=b"/a\0\0,\0\0\0"):
    content = innermost
    for _ in range(depth):
        content = b"#bundle\0" + bytes(7) + b"\1" + element(content)
    return content


class TestBothWays:
    @settings(max_examples=100, deadline=None)
    @given(MESSAGES)
    def test_what_is_sent_arrives(self, message):
        sent = encode(message)
        assert len(sent) % 4 == 0
        (arrived,) = decode(sent)
        assert arrived == message
        assert [type(value) for value in arrived.args] == [type(value) for value in message.args]

    @settings(max_examples=50, deadline=None)
    @given(ADDRESS, st.lists(st.one_of(st.integers(-9, 9), TEXT, st.booleans()), max_size=5))
    def test_python_osc_reads_the_same(self, address, args):
        theirs = OscMessage(encode(Message(address, tuple(args))))
        assert (theirs.address, theirs.params) == (address, args)

    def test_bytes_of_the_standard(self):
        assert encode(Message("/foo", (1000, -1, "hello", 1.234, 5.678))).hex(" ", 4) == (
            "2f666f6f 00000000 2c696973 66660000 000003e8 ffffffff 68656c6c 6f000000 3f9df3b6 40b5b22d"
        )

    @pytest.mark.parametrize(
        ("value", "tag", "data"),
        [
            (1, "i", b"\0\0\0\1"),
            (1, "f", b"\x3f\x80\0\0"),
            (1, "h", b"\0\0\0\0\0\0\0\1"),
            (0.5, "d", b"\x3f\xe0\0\0\0\0\0\0"),
            (b"", "b", b"\0\0\0\0"),
            (b"abc", "b", b"\0\0\0\3abc\0"),
            ("", "s", b"\0\0\0\0"),
            (True, "T", b""),
            (None, "N", b""),
        ],
    )
    def test_types_are_those_asked_for(self, value, tag, data):
        sent = encode(Message("/a", (value,)), tag)
        assert sent == b"/a\0\0" + b"," + tag.encode() + b"\0\0" + data
        assert decode(sent) == [Message("/a", (value,))]

    @pytest.mark.parametrize(
        ("value", "tag"),
        [
            (1.0, "i"), (True, "i"), (True, "f"), ("1", "f"), (2**31, "i"), (2**63, "h"), (1e39, "f"), (10**400, "d"),
            ("a\0b", "s"), ("\ud800", "s"), (b"x", "s"), ("x", "b"), (1, "T"), (False, "T"), (0, "N"), (1, "x"),
        ],
    )  # fmt: skip
    def test_nothing_is_converted_on_the_way(self, value, tag):
        with pytest.raises(PacketError):
            encode(Message("/a", (value,)), tag)

    @pytest.mark.parametrize("address", ["", "/ä", "/a\0b", "/a\n"])
    def test_addresses_that_cannot_be_sent(self, address):
        with pytest.raises(PacketError, match="address"):
            encode(Message(address))

    def test_too_long_or_mistyped_messages(self):
        with pytest.raises(PacketError, match="too many"):
            encode(Message("/a", (b"x" * MAX_BYTES,)))
        with pytest.raises(PacketError, match="2 arguments, but 1 types"):
            encode(Message("/a", (1, 2)), "i")

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    def test_floats_that_are_no_numbers_pass(self, value):
        (arrived,) = decode(encode(Message("/a", (value,))))
        assert arrived.args == (value,) or math.isnan(arrived.args[0])

    @pytest.mark.parametrize("address", ["#reply", "node", "/"])
    def test_addresses_as_ardour_and_the_x32_answer(self, address):
        assert decode(encode(Message(address, (1,)))) == [Message(address, (1,))]

    def test_old_senders_leave_the_types_out(self):
        assert decode(b"/a/b\0\0\0\0") == [Message("/a/b")]

    def test_rarer_types(self):
        values = struct.pack(">QI4sI", 2**63, 0xFF0000FF, b"\0\x90\x3c\x7f", ord("c"))
        assert decode(packet(types=b",trmcIS\0", values=values + b"ab\0\0")) == [
            Message("/a", (2**63, 0xFF0000FF, b"\0\x90\x3c\x7f", "c", True, "ab"))
        ]

    def test_arrays_arrive_flat(self):
        assert decode(packet(types=b",[i[i]]\0", values=struct.pack(">ii", 1, 2))) == [Message("/a", (1, 2))]


class TestBundles:
    def test_messages_in_order(self):
        messages = [Message("/a", (1,)), Message("/b", ("x",)), Message("/c")]
        packets = [encode(message) for message in messages]
        assert decode(bundle(packets)) == messages
        assert decode(bundle([packets[0], bundle(packets[1:])])) == messages
        assert decode(bundle([])) == []

    @pytest.mark.parametrize("tag", [b"\0" * 7 + b"\1", b"\0" * 8, b"\xff" * 8])
    def test_time_tags_are_not_waited_for(self, tag):
        assert decode(b"#bundle\0" + tag + element(b"/a\0\0,\0\0\0")) == [Message("/a")]

    def test_depth_is_bounded(self):
        assert decode(nested(4)) == [Message("/a")]
        assert decode(nested(6), max_depth=6) == [Message("/a")]
        for depth in (5, 3000):
            with pytest.raises(PacketError, match="deep"):
                decode(nested(depth))

    def test_number_of_messages_is_bounded(self):
        many = bundle([b"/a\0\0"] * 1001)
        with pytest.raises(PacketError, match="more than 1000"):
            decode(many)
        assert len(decode(many, max_messages=1001)) == 1001

    @pytest.mark.parametrize("size", [-4, -1, 0, 1, 3, 9, 12, 2**31 - 1, -(2**31)])
    def test_sizes_that_lie(self, size):
        with pytest.raises(PacketError):
            decode(b"#bundle\0" + bytes(8) + struct.pack(">i", size) + b"/a\0\0,\0\0\0")

    def test_too_big_to_make(self):
        with pytest.raises(PacketError, match="too long"):
            bundle([bytes(1000)] * 66)


HOSTILE = {
    "empty": b"",
    "one byte": b"/",
    "misaligned": b"/a\0\0,\0\0",
    "only zeros": bytes(8),
    "no end of the address": b"/aaa",
    "no end of the types": b"/a\0\0,iii",
    "no comma": packet(types=b"i\0\0\0", values=bytes(4)),
    "bad UTF-8 in the address": b"/\xff\xfe\0,\0\0\0",
    "control characters in the address": b"/\n\r\0,\0\0\0",
    "bad UTF-8 in the types": packet(types=b",\xff\0\0"),
    "bad UTF-8 in a string": packet(types=b",s\0\0", values=b"\xc3\x28\0\0"),
    "overlong UTF-8": packet(types=b",s\0\0", values=b"\xc0\x80\0\0"),
    "surrogate in UTF-8": packet(types=b",s\0\0", values=b"\xed\xa0\x80\0"),
    "no end of a string": packet(types=b",s\0\0", values=b"abcd"),
    "a string that is missing": packet(types=b",s\0\0"),
    "int cut off": packet(types=b",h\0\0", values=bytes(4)),
    "float that is missing": packet(types=b",f\0\0"),
    "unknown type": packet(types=b",x\0\0", values=bytes(4)),
    "type beyond ASCII": packet(types=b",\xc3\xa4\0"),
    "too little said": packet(types=b",i\0\0", values=bytes(8)),
    "blob of negative size": packet(types=b",b\0\0", values=b"\xff\xff\xff\xfcabcd"),
    "blob longer than the datagram": packet(types=b",b\0\0", values=b"\0\0\0\x05abcd"),
    "blob of 2 GB": packet(types=b",b\0\0", values=b"\x7f\xff\xff\xffabcd"),
    "blob of no size": packet(types=b",b\0\0"),
    "character beyond ASCII": packet(types=b",c\0\0", values=b"\xff\xff\xff\xff"),
    "array without an end": packet(types=b",[[[" + bytes(4)),
    "array without a begin": packet(types=b",]\0\0"),
    "arrays crossed": packet(types=b",][\0"),
    "too many arguments": packet(types=b"," + b"T" * 5000 + bytes(3)),
    "bundle cut in its time": b"#bundle\0" + bytes(4),
    "bundle without a time": b"#bundle\0",
    "bundle cut in a size": b"#bundle\0" + bytes(8) + b"\0\0",
    "64 kB of slashes": b"/" * 65536,
    "64 kB of bundle heads": (b"#bundle\0" + bytes(8) + b"\0\0\xff\xff") * 3276,
    "longer than any datagram": bytes(MAX_BYTES + 1),
}


class TestHostile:
    @pytest.mark.parametrize("datagram", HOSTILE.values(), ids=HOSTILE.keys())
    def test_is_refused_as_what_it_is(self, datagram):
        with pytest.raises(PacketError) as refusal:
            decode(datagram)
        text = str(refusal.value)
        assert len(text) < 300
        assert text.isprintable()

    @settings(max_examples=100, deadline=None)
    @given(st.binary(max_size=200))
    def test_noise(self, datagram):
        try:
            decode(datagram)
        except PacketError:
            return

    @settings(max_examples=100, deadline=None)
    @given(MESSAGES, st.data())
    def test_a_good_packet_cut_or_changed(self, message, data):
        sent = bytearray(bundle([encode(message)]))
        sent[data.draw(st.integers(0, len(sent) - 1))] = data.draw(st.integers(0, 255))
        del sent[data.draw(st.integers(0, len(sent))) :]
        try:
            decode(bytes(sent))
        except PacketError:
            return


class TestSlip:
    @settings(max_examples=50, deadline=None)
    @given(st.lists(st.binary(min_size=1, max_size=20), max_size=5), st.integers(0, 200))
    def test_packets_survive_any_cut(self, packets, cut):
        stream = b"".join(map(slip.encode, packets))
        first, rest = slip_decode(stream[:cut])
        second, rest = slip_decode(rest + stream[cut:])
        assert first + second == packets
        assert rest == b""

    def test_marks_inside_a_packet(self):
        assert slip.encode(b"a\xc0b\xdbc") == b"\xc0a\xdb\xdcb\xdb\xddc\xc0"

    @pytest.mark.parametrize("stream", [b"a\xdbb\xc0", b"a\xdb\xc0", bytes(3 * MAX_BYTES)])
    def test_what_is_no_slip(self, stream):
        with pytest.raises(PacketError):
            slip_decode(stream)


def test_names_that_older_programs_wrote_in_latin_1_are_read_from_a_desk():
    datagram = b"/ch/01/config/name\0\0,s\0\0Gesang f\xfcr\0\0"
    assert decode(datagram, old_texts=True) == [Message("/ch/01/config/name", ("Gesang für",))]
    assert decode(encode(Message("/a", ("für",))), old_texts=True) == [Message("/a", ("für",))]
    with pytest.raises(PacketError, match="UTF-8"):
        decode(datagram)
