"""Where somebody wants a request sent to, as far as the address alone tells what is wrong with it.

What a name resolves to is checked when it is connected to, each time (`client`): it may change.
"""

from __future__ import annotations

import re
from typing import Final

import httpx

from runtime.errors import PixelpopError
from runtime.outbound.addresses import AddressPolicy, address_of

URL_CHARS_MAX: Final = 2000
_HTTPS_PORT: Final = 443
_PORTS: Final = frozenset({_HTTPS_PORT, *range(1024, 65_536)})
_VISIBLE = re.compile(r"[!-~]+")
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f#\\]")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LOCAL_NAMES: Final = (".localhost", ".local", ".internal", ".home.arpa", ".localdomain")


class TargetRefused(PixelpopError):
    """No request is sent to this address; the message is the end of a sentence about it."""

    code = "target-refused"


def checked_target(text: str, policy: AddressPolicy) -> str:
    """The address in its canonical form.

    `https` only, except towards an address in a network that `policy` allows by name. Ports below
    1024 other than 443 are refused: what listens there does not expect a POST of ours.

    Raises:
        TargetRefused: it cannot be used; the message does not repeat it.
    """
    url = _parsed(text)
    host = url.host.rstrip(".").lower()
    address = address_of(host)
    if address is None:
        _refuse_local_name(host)
    elif not policy.allows(address):
        raise TargetRefused("must be public; this address is not")
    if address is None or not policy.is_private_but_allowed(address):
        if url.scheme != "https":
            raise TargetRefused("must begin with https://")
        if (_HTTPS_PORT if url.port is None else url.port) not in _PORTS:
            raise TargetRefused("must name port 443 or one from 1024 on")
    canonical = str(url.copy_with(host=host))
    if len(canonical) > URL_CHARS_MAX or _VISIBLE.fullmatch(canonical) is None:
        raise TargetRefused("is not an address")
    return canonical


def _parsed(text: str) -> httpx.URL:
    if len(text) > URL_CHARS_MAX:
        raise TargetRefused(f"must have at most {URL_CHARS_MAX} characters")
    if _FORBIDDEN.search(text):
        raise TargetRefused("must hold neither blanks nor # nor \\")
    try:
        url = httpx.URL(text)
        url = url.copy_with(host=url.raw_host.decode("ascii"))  # international names as xn--
        _ = url.host  # reads it back, which fails for an xn-- that stands for no name
    except (httpx.InvalidURL, ValueError, TypeError):
        raise TargetRefused("is not an address") from None
    if url.scheme not in {"http", "https"} or not url.raw_host.strip(b"."):
        raise TargetRefused("must be an absolute https address")
    if url.userinfo:
        raise TargetRefused("must not hold a user name or a password")
    return url


def _refuse_local_name(host: str) -> None:
    labels = host.split(".")
    # A name whose last label is a number is an IPv4 address in one of its odd spellings.
    if len(labels) == 1 or _NUMBER.fullmatch(labels[-1]) or f".{host}".endswith(_LOCAL_NAMES):
        raise TargetRefused("must be public; this name is not")
