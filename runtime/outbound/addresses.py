"""Which network addresses a request may go to, when somebody else has chosen where it goes.

Everything but global unicast is refused: loopback, private and link-local ranges (a cloud's
metadata service), shared address space, documentation, multicast, and every way in which IPv6
spells an IPv4 address, by which a private one could be smuggled in. The ranges are those of the
IANA special-purpose registries (RFC 6890); Python's `is_global` knows most of them, the rest
stands here.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

from runtime.errors import SettingsError

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

NETWORKS_MAX: Final = 64
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_REFUSED: Final = tuple(
    ip_network(one)
    for one in (
        "0.0.0.0/8",
        "100.64.0.0/10",  # shared by carriers; some clouds serve metadata here
        "168.63.129.16/32",  # public by its number, and inside every machine of one cloud
        "192.0.0.0/24",
        "192.88.99.0/24",  # relays of 6to4
        "198.18.0.0/15",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "2001::/23",  # Teredo, ORCHID and other protocols
        "2001:db8::/32",
        "2002::/16",  # 6to4: an IPv4 address inside
        "3fff::/20",
        "5f00::/16",
        "64:ff9b::/96",  # NAT64: an IPv4 address inside
        "64:ff9b:1::/48",
    )
)


class AddressPolicy:
    """Says which addresses may be connected to.

    Args:
        allowed: networks that are allowed although they are not public.
    """

    def __init__(self, allowed: Iterable[Network] = ()) -> None:
        self._allowed = tuple(allowed)

    def allows(self, address: Address) -> bool:
        """Whether a request may go there."""
        return self.is_private_but_allowed(address) or _is_public(address)

    def is_private_but_allowed(self, address: Address) -> bool:
        """Whether whoever runs this has allowed the network by name."""
        return any(address in network for network in self._allowed)


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and (
        address not in _GLOBAL_UNICAST or address.scope_id is not None
    ):
        return False  # also ::ffff:a.b.c.d and ::a.b.c.d, which are IPv4 in disguise
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not any(address in network for network in _REFUSED)
    )


def address_of(host: str) -> Address | None:
    """The address that a host name spells out; None: it is a name."""
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        return None


def networks_in(text: str, variable: str) -> tuple[Network, ...]:
    """Networks from a setting: CIDR ranges, separated by commas.

    Raises:
        SettingsError: one of them is no network; the message names the variable.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    if len(names) > NETWORKS_MAX:
        raise SettingsError(f"{variable} names more than {NETWORKS_MAX} networks.")
    try:
        return tuple(ip_network(name) for name in names)
    except ValueError as error:
        raise SettingsError(f"{variable} cannot be used: {error}.") from error
