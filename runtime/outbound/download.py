"""Fetches what lies at an address that somebody else has chosen: bounded, and from public places.

Every hop of a redirect is an address like the first: checked as text, and again when its name is
resolved (`GuardedClient`). Nothing of ours travels along: no key, no cookie.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Final

import httpx

from runtime.errors import PixelpopError
from runtime.outbound.addresses import AddressPolicy
from runtime.outbound.client import GuardedClient, NotReached
from runtime.outbound.targets import TargetRefused, checked_target

REDIRECTS_MAX: Final = 3
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


class NotServed(PixelpopError):
    """The address answered something else than 200."""

    code = "not-served"

    def __init__(self, status: int) -> None:
        super().__init__(f"The address answered {status}.")
        self.status = status
        self.retryable = (  # type: ignore[misc]  # one class, both kinds of answers
            status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR
        )


async def download(
    client: GuardedClient,
    policy: AddressPolicy,
    url: str,
    *,
    accept: str,
    bytes_max: int,
    timeout_seconds: float,
) -> bytes:
    """The bytes at an address, after `REDIRECTS_MAX` redirects at most.

    Args:
        client: connects, by the same policy.
        policy: which addresses may be asked.
        url: where to begin.
        accept: the media types that are wanted; what comes is for the caller to check.
        bytes_max: of the body.
        timeout_seconds: for all hops together.

    Raises:
        TargetRefused, AddressRefused: it leads where no request may go.
        NotReached: no whole answer in time.
        NotServed: there is nothing, or too many redirects.
        AnswerTooLarge: there is too much.
    """
    headers = [(b"accept", accept.encode()), (b"accept-encoding", b"identity")]
    loop = asyncio.get_running_loop()
    until = loop.time() + timeout_seconds
    status = 0
    for _ in range(REDIRECTS_MAX + 1):
        url = checked_target(url, policy)
        left = until - loop.time()
        if left <= 0:
            raise NotReached("timed-out", f"No answer within {timeout_seconds:g} s.")
        answer, body = await client.get(url, headers, timeout_seconds=left, bytes_max=bytes_max)
        status = answer.status
        location = answer.header(b"location")
        if status == HTTPStatus.OK:
            return body
        if status not in _REDIRECTS or location is None:
            break
        url = _joined(url, location)
    raise NotServed(status)


def _joined(url: str, location: bytes) -> str:
    try:
        return str(httpx.URL(url).join(location.decode("ascii")))
    except (httpx.InvalidURL, ValueError):
        raise TargetRefused("redirects to something that is not an address") from None
