"""Who may speak to the server, and how much."""

import pytest
from mixbridge.bridge.server.gate import AllowList, TokenBuckets, is_loopback
from mixbridge.presets.errors import DeskError


@pytest.mark.parametrize(
    ("allowed", "sender", "heard"),
    [
        ((), "127.0.0.1", True),
        ((), "127.9.9.9", True),
        ((), "192.168.1.20", False),
        (("192.168.1.0/24",), "192.168.1.20", True),
        (("192.168.1.7/24",), "192.168.1.20", True),
        (("192.168.1.0/24",), "192.168.2.20", False),
        (("192.168.1.0/24",), "127.0.0.1", True),
        (("10.0.0.1", "10.0.0.2"), "10.0.0.2", True),
        (("10.0.0.1", "10.0.0.2"), "10.0.0.3", False),
        (("0.0.0.0/0",), "not an address", False),
    ],
)
def test_allow_list(allowed, sender, heard):
    assert (sender in AllowList(allowed)) is heard


def test_leaving_this_machine():
    assert not AllowList().leaves_this_machine
    assert not AllowList(["127.0.0.1"]).leaves_this_machine
    assert AllowList(["192.168.1.20"]).leaves_this_machine


@pytest.mark.parametrize("text", ["", "localhost", "192.168.1", "192.168.1.0/33", "::1", "192.168.1.0/24/1"])
def test_what_is_no_network(text):
    with pytest.raises(DeskError, match=r"192\.168\.1\.0/24"):
        AllowList([text])


def test_loopback():
    assert is_loopback("127.0.0.1")
    assert not is_loopback("0.0.0.0")
    with pytest.raises(DeskError, match="no IPv4 address"):
        is_loopback("localhost")


class TestTokenBuckets:
    @pytest.fixture
    def now(self):
        return [0.0]

    @pytest.fixture
    def buckets(self, now):
        return TokenBuckets(rate_per_s=10, burst=20, clock=lambda: now[0])

    def taken(self, buckets, host, tries=100):
        return sum(buckets.take(host) for _ in range(tries))

    def test_a_burst_then_the_rate(self, buckets, now):
        assert self.taken(buckets, "a") == 20
        now[0] += 0.5
        assert self.taken(buckets, "a") == 5
        now[0] += 1000
        assert self.taken(buckets, "a") == 20

    def test_senders_do_not_pay_for_each_other(self, buckets):
        assert self.taken(buckets, "a") == 20
        assert self.taken(buckets, "b") == 20

    def test_debts_are_paid_by_silence(self, buckets, now):
        assert buckets.take("a")
        buckets.charge("a", 39)
        now[0] += 1.9
        assert self.taken(buckets, "a") == 0
        now[0] += 0.35
        assert self.taken(buckets, "a") == 2

    def test_as_many_senders_as_one_likes(self, buckets):
        assert all(buckets.take(str(number)) for number in range(10000))
        assert len(buckets._buckets) < 1000
