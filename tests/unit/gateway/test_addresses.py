"""Whose address is counted: what trusted proxies say, and nobody else."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

from gateway.limits.addresses import Addresses, networks
from runtime.errors import SettingsError


def scope(peer: str | None, *forwarded: str) -> dict[str, Any]:
    headers = [(b"x-forwarded-for", one.encode("latin-1")) for one in forwarded]
    return {"client": None if peer is None else (peer, 1234), "headers": headers}


PROXY = "10.0.0.7"
OUTSIDE = "203.0.113.9"


@pytest.mark.parametrize(
    ("peer", "forwarded", "counted"),
    [
        (OUTSIDE, (), OUTSIDE),
        (OUTSIDE, ("198.51.100.1",), OUTSIDE),  # anybody can write a header
        (PROXY, (OUTSIDE,), OUTSIDE),
        (PROXY, (f"198.51.100.1, {OUTSIDE}",), OUTSIDE),  # the left is what the client wrote
        (PROXY, ("198.51.100.1", OUTSIDE), OUTSIDE),  # two headers are one list
        (PROXY, (f"{OUTSIDE}, 10.0.0.9, 10.1.2.3",), OUTSIDE),  # through several of ours
        (PROXY, ("nonsense",), PROXY),
        (PROXY, (f"nonsense, {OUTSIDE}",), OUTSIDE),
        (PROXY, (), PROXY),
        (PROXY, (f"{OUTSIDE}:4711",), OUTSIDE),
        (PROXY, ("[2001:db8:1:2:3::4]:443",), "2001:db8:1:2::/64"),
        (PROXY, (f"::ffff:{OUTSIDE}",), OUTSIDE),
        (PROXY, ("127.0.0.1",), None),  # our own proxy says so
        ("2001:db8:1:2:ffff::1", (), "2001:db8:1:2::/64"),
        (f"::ffff:{OUTSIDE}", (), OUTSIDE),
        ("::ffff:10.0.0.7", (OUTSIDE,), OUTSIDE),
        ("127.0.0.1", (OUTSIDE,), "127.0.0.1"),  # a proxy on this machine that nobody named
        ("127.0.0.1", (), None),
        ("::1", (), None),
        (None, (), None),
    ],
)
def test_who_is_counted(peer: str | None, forwarded: tuple[str, ...], counted: str | None) -> None:
    """Headers are read from their end, as far as the writer is trusted; this machine is not."""
    addresses = Addresses("10.0.0.0/8, 192.0.2.1")
    for _ in range(2):  # the second is answered from memory
        assert addresses.of(scope(peer, *forwarded)) == counted


def test_without_trust_no_header_counts() -> None:
    """Nobody is trusted unless named."""
    assert Addresses("").of(scope(PROXY, OUTSIDE)) == PROXY
    assert Addresses("").of(scope("127.0.0.1", OUTSIDE)) == "127.0.0.1"
    assert Addresses("").of(scope("127.0.0.1")) is None


def test_a_trusted_loopback_proxy_is_believed() -> None:
    """A proxy on this machine is named like any other."""
    assert Addresses("127.0.0.1").of(scope("127.0.0.1", OUTSIDE)) == OUTSIDE


def test_a_long_header_is_read_from_its_end_only() -> None:
    """However many hops somebody invents, only the last few are looked at."""
    hops = ", ".join(["10.0.0.1"] * 5000)
    assert Addresses("10.0.0.0/8").of(scope(PROXY, f"{OUTSIDE}, {hops}")) == "10.0.0.1"


def test_long_headers_are_not_kept() -> None:
    """Whoever invents ever longer ones does not fill the memory of who reads them."""
    addresses = Addresses("10.0.0.0/8")
    tracemalloc.start()
    try:
        for n in range(200):
            invented = f"{n}{'9' * 25_000}, {OUTSIDE}"
            assert addresses.of(scope(PROXY, invented)) == OUTSIDE
        held_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held_bytes < 1_000_000


def test_what_is_no_network_stops_the_start() -> None:
    """The sentence names the setting and the part that cannot be used."""
    with pytest.raises(SettingsError, match=r"PIXELPOP_TRUSTED_PROXIES names 'proxy'"):
        networks("10.0.0.0/8,proxy")
    assert len(networks(" 10.0.0.1 ,, ::1/128")) == 2
