"""Which addresses a request may go to, when somebody else has chosen where it goes."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.errors import SettingsError
from runtime.outbound.addresses import AddressPolicy, networks_in

PRIVATE = [
    "168.63.129.16",
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",  # a cloud's metadata service
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",  # another one's
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::a00:1",
    "100::1",
    "2001::1",
    "2001:10::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",  # and its sixth version
    "fe80::1",
    "fe80::1%eth0",
    "2606:4700::1111%eth0",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("text", PRIVATE)
def test_what_is_not_public_is_refused(text: str) -> None:
    """Threat 36: no request goes to a special-purpose address, however it is spelled."""
    assert not AddressPolicy().allows(ip_address(text))


@pytest.mark.parametrize("text", ["1.1.1.1", "93.184.215.14", "2606:4700:4700::1111"])
def test_what_is_public_is_allowed(text: str) -> None:
    """An ordinary address of the internet can be reached."""
    assert AddressPolicy().allows(ip_address(text))


def test_a_network_can_be_allowed_by_name() -> None:
    """Whoever runs this may open a network of its own, and nothing beside it."""
    policy = AddressPolicy([ip_network("10.1.0.0/16")])
    assert policy.allows(ip_address("10.1.2.3"))
    assert not policy.allows(ip_address("10.2.0.1"))
    assert not policy.allows(ip_address("::ffff:10.1.2.3"))


@given(st.ip_addresses(v=4))
def test_no_ipv4_address_gets_in_as_an_ipv6_one(address: object) -> None:
    """Threat 36: mapped, compatible, 6to4 and NAT64 forms of any IPv4 address are refused."""
    number = int(address)  # type: ignore[call-overload]  # hypothesis types it as object
    forms = [
        IPv6Address((0xFFFF << 32) | number),
        IPv6Address(number),
        IPv6Address((0x2002 << 112) | (number << 80)),
        IPv6Address((0x64FF9B << 96) | number),
    ]
    assert not any(AddressPolicy().allows(form) for form in forms)


@given(st.ip_addresses())
def test_what_is_allowed_is_global(address: object) -> None:
    """Of all addresses none is allowed that the registries do not call global."""
    if AddressPolicy().allows(address):  # type: ignore[arg-type]  # as above
        assert address.is_global  # type: ignore[attr-defined]  # as above


def test_a_setting_that_is_no_network_stops_the_start() -> None:
    """A typing error opens nothing: the start says which variable it is in."""
    assert [str(one) for one in networks_in("10.0.0.0/8, fd00::/8", "X")] == [
        "10.0.0.0/8",
        "fd00::/8",
    ]
    with pytest.raises(SettingsError, match="X cannot be used"):
        networks_in("10.0.0.0/40", "X")
