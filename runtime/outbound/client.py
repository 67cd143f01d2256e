"""Sends requests to addresses that somebody else has chosen, and to none that they must not reach.

Every connection is made through `GuardedBackend`: it resolves the name itself, checks every
address of the answer and connects to one of those, so that a name which changes between check and
connection (DNS rebinding) changes nothing. TLS still checks the certificate against the name.
Redirects are answers like any other and are never followed; proxies of the environment are not
used, because they would connect for us without asking; of an answer to a POST only the head is
read, of an answer to a GET no more than its caller takes.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import ssl
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, Final, NamedTuple

import httpcore
import httpx

from runtime.errors import PixelpopError
from runtime.outbound.addresses import Address, AddressPolicy, address_of

CONNECTIONS_MAX: Final = 256
IDLE_CONNECTIONS_MAX: Final = 64
IDLE_SECONDS: Final = 10.0
ADDRESSES_TRIED_MAX: Final = 3


class AddressRefused(PixelpopError):
    """The name leads to an address that no request may go to."""

    code = "address-refused"


class NotReached(PixelpopError):
    """No answer: `code` says how far it got."""

    retryable = True

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code  # type: ignore[misc]  # one class, a few codes


class AnswerTooLarge(PixelpopError):
    """The body of an answer is larger than was asked for."""

    code = "answer-too-large"


class Answer(NamedTuple):
    """The head of an answer."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]

    def header(self, name: bytes) -> bytes | None:
        """The first header of that lower-case name."""
        return next((value for one, value in self.headers if one.lower() == name), None)


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Connects to what `policy` allows, by the address that was checked.

    Args:
        policy: which addresses may be connected to.
        inner: makes the connections.
    """

    def __init__(
        self, policy: AddressPolicy, inner: httpcore.AsyncNetworkBackend | None = None
    ) -> None:
        self._policy = policy
        self._inner = inner or httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Resolve, check, connect.

        Raises:
            AddressRefused: one of its addresses is none that a request may go to.
            httpcore.ConnectError: it cannot be resolved or reached.
        """
        addresses = await self._resolve(host, port)
        if not all(self._policy.allows(address) for address in addresses):
            # Also where others would do: a name with a private address beside public ones is an
            # attempt, or a mistake that its owner wants to hear of.
            raise AddressRefused("The name leads to an address that is not public.")
        refusal: Exception | None = None
        for address in addresses[:ADDRESSES_TRIED_MAX]:
            try:
                return await self._inner.connect_tcp(
                    str(address), port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                refusal = error
        assert refusal is not None
        raise refusal

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        """Refuse: no address of the network is a socket of this machine."""
        raise AddressRefused("A socket of this machine is no address.")

    async def sleep(self, seconds: float) -> None:
        """As httpcore asks."""
        await self._inner.sleep(seconds)

    async def _resolve(self, host: str, port: int) -> Sequence[Address]:
        literal = address_of(host)
        if literal is not None:
            return [literal]
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"The name cannot be resolved: {error}") from error
        addresses = [address_of(str(one[4][0])) for one in found]
        if not addresses or None in addresses:
            raise AddressRefused("The name leads to something that is no address.")
        return [address for address in dict.fromkeys(addresses) if address is not None]


@functools.cache
def _usual_authorities() -> ssl.SSLContext:
    """Read once: it takes a fifth of a second."""
    return httpx.create_ssl_context(trust_env=False)


class GuardedClient:
    """Sends requests; use it as a context manager, or `close` it.

    Args:
        policy: which addresses may be connected to.
        ssl_context: other authorities than the usual ones.
    """

    def __init__(self, policy: AddressPolicy, *, ssl_context: ssl.SSLContext | None = None) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl_context or _usual_authorities(),
            max_connections=CONNECTIONS_MAX,
            max_keepalive_connections=IDLE_CONNECTIONS_MAX,
            keepalive_expiry=IDLE_SECONDS,
            network_backend=GuardedBackend(policy),
        )

    async def post(
        self,
        url: str,
        body: bytes,
        headers: Sequence[tuple[bytes, bytes]],
        *,
        timeout_seconds: float,
    ) -> Answer:
        """POST `body`; returns as soon as the head of the answer is there.

        Raises:
            AddressRefused: nothing was sent.
            NotReached: `no-connection` (nothing was sent), `timed-out` or `broken-off` (it may
                have been received).
        """
        length = (b"content-length", b"%d" % len(body))
        async with self._asked("POST", url, [length, *headers], body, timeout_seconds) as response:
            return Answer(response.status, tuple(response.headers))

    async def get(
        self,
        url: str,
        headers: Sequence[tuple[bytes, bytes]],
        *,
        timeout_seconds: float,
        bytes_max: int,
    ) -> tuple[Answer, bytes]:
        """GET; the answer's head and its body as it came.

        Raises:
            AddressRefused: nothing was sent.
            NotReached: as `post`.
            AnswerTooLarge: the body is longer than `bytes_max`; the rest was not read.
        """
        async with self._asked("GET", url, headers, b"", timeout_seconds) as response:
            body = bytearray()
            async for chunk in response.aiter_stream():
                body += chunk
                if len(body) > bytes_max:
                    raise AnswerTooLarge(f"The answer is larger than {bytes_max} bytes.")
            return Answer(response.status, tuple(response.headers)), bytes(body)

    @contextlib.asynccontextmanager
    async def _asked(
        self,
        method: str,
        url: str,
        headers: Sequence[tuple[bytes, bytes]],
        body: bytes,
        timeout_seconds: float,
    ) -> AsyncIterator[httpcore.Response]:
        sent = [(b"host", httpx.URL(url).netloc), *headers]
        try:
            async with (
                asyncio.timeout(timeout_seconds),
                self._pool.stream(method, url, headers=sent, content=body) as response,
            ):
                yield response
        except (TimeoutError, httpcore.TimeoutException) as error:
            raise NotReached("timed-out", f"No answer within {timeout_seconds:g} s.") from error
        except (httpcore.ConnectError, httpcore.UnsupportedProtocol) as error:
            raise NotReached("no-connection", f"No connection: {error}") from error
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            raise NotReached("broken-off", f"The connection broke off: {error}") from error

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.aclose()
