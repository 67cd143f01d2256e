"""From whom a request comes: the address that limits count, seen through trusted proxies only.

`X-Forwarded-For` is what anybody may write; it is believed as far as it was written by a proxy
named in `PIXELPOP_TRUSTED_PROXIES`, read from its end. This machine itself is no outside address:
who is on it needs no network to do harm, and a health check or a load test is not an attack. But
what a proxy on it passes on comes from outside: while that proxy is not named, it is counted.
"""

from __future__ import annotations

import ipaddress
from typing import Any, Final

import structlog

from runtime.errors import SettingsError

_log = structlog.get_logger(__name__)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

KNOWN_MAX: Final = 20_000
KNOWN_HEADER_BYTES_MAX: Final = 256
"""A longer `X-Forwarded-For` is read anew each time: who makes it long must not fill our memory."""
HOPS_MAX: Final = 32
"""Addresses that are read from the end of `X-Forwarded-For`."""
IPV6_NETWORK_BITS: Final = 64
"""What one customer of a provider has; within it anybody changes addresses at will."""


class Addresses:
    """Tells whom to count.

    Args:
        trusted: addresses and networks of proxies, with commas between.

    Raises:
        SettingsError: one of them is neither.
    """

    def __init__(self, trusted: str) -> None:
        self._trusted = networks(trusted)
        self._known: dict[tuple[str, bytes], str | None] = {}
        self._warned = False

    def of(self, scope: Any) -> str | None:
        """What the requests of this one's sender are counted under; None: not at all."""
        client = scope.get("client")
        peer = client[0] if client else ""
        forwarded = _forwarded(scope["headers"])
        try:
            return self._known[peer, forwarded]
        except KeyError:
            pass
        if forwarded and not self._trusted and not self._warned:
            self._warn(peer)
        found = self._find(peer, forwarded)
        if len(self._known) >= KNOWN_MAX:
            self._known.clear()
        if len(forwarded) <= KNOWN_HEADER_BYTES_MAX:
            self._known[peer, forwarded] = found
        return found

    def _find(self, peer: str, forwarded: bytes) -> str | None:
        address = parsed(peer)
        if address is None:
            return peer or None  # a socket file has no address
        if address.is_loopback and forwarded and not self._trusts(address):
            return str(address)  # it speaks for others, and may not tell for whom
        hops = forwarded.decode("latin-1").split(",")[-HOPS_MAX:] if forwarded else []
        while hops and self._trusts(address):
            before = parsed(hops.pop())
            if before is None:
                break  # what stands further left was not written by the proxy that we trust
            address = before
        return None if address.is_loopback else _key(address)

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)

    def _warn(self, peer: str) -> None:
        self._warned = True
        _log.warning(
            "a proxy is not trusted, so all who come through it are counted as one; if it is "
            "yours, name it in PIXELPOP_TRUSTED_PROXIES",
            proxy=peer,
        )


def networks(text: str) -> tuple[Network, ...]:
    """The networks that a setting names.

    Raises:
        SettingsError: one of them is none.
    """
    found = []
    for one in filter(None, (part.strip() for part in text.split(","))):
        try:
            found.append(ipaddress.ip_network(one, strict=False))
        except ValueError as error:
            raise SettingsError(
                f"PIXELPOP_TRUSTED_PROXIES names {one!r}, which is no address and no network."
            ) from error
    return tuple(found)


def parsed(text: str) -> Address | None:
    """An address, with or without a port; an IPv4 one however it is wrapped. None: it is none."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        return address.ipv4_mapped or address
    return address


def _key(address: Address) -> str:
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, IPV6_NETWORK_BITS), strict=False))
    return str(address)


def _forwarded(headers: Any) -> bytes:
    """All such headers as one, in the order in which they came."""
    found = [value for name, value in headers if name == b"x-forwarded-for"]
    return b",".join(found)
