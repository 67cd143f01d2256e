"""The guarded client: it connects to the address that it checked, or to none."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from ipaddress import ip_network
from typing import Any

import httpcore
import pytest
import pytest_asyncio

from runtime.outbound.addresses import AddressPolicy
from runtime.outbound.client import AddressRefused, GuardedBackend, GuardedClient, NotReached
from tests.fakes.receiver import Receiver

LOCAL = AddressPolicy([ip_network("127.0.0.0/8")])


class Wire(httpcore.AsyncNetworkBackend):
    """Notes where a connection would go; makes none."""

    def __init__(self) -> None:
        self.connected: list[str] = []
        self.refusing: set[str] = set()

    async def connect_tcp(self, host: str, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        self.connected.append(host)
        if host in self.refusing:
            raise httpcore.ConnectError(host)
        return httpcore.AsyncMockStream([])


def answers(monkeypatch: pytest.MonkeyPatch, *rounds: list[str]) -> list[str]:
    """Let names resolve to these addresses, one round for each question; the last one stays."""
    asked: list[str] = []
    left = list(rounds)

    async def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        found = left.pop(0) if len(left) > 1 else left[0]
        return [(2, 1, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    return asked


@pytest_asyncio.fixture(loop_scope="session")
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as one:
        yield one


async def test_it_connects_to_the_address_that_it_checked(monkeypatch: Any) -> None:
    """Threat 36: a name that would resolve otherwise the next time is not asked a next time."""
    asked = answers(monkeypatch, ["93.184.215.14"], ["127.0.0.1"])
    wire = Wire()
    await GuardedBackend(AddressPolicy(), wire).connect_tcp("rebinding.example", 443)
    assert wire.connected == ["93.184.215.14"]
    assert asked == ["rebinding.example"]


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["169.254.169.254"], ["93.184.215.14", "10.0.0.1"], ["::1"], ["fd00::1"]],
)
async def test_a_name_of_a_private_address_is_refused(monkeypatch: Any, addresses: Any) -> None:
    """Threat 36: a private address is refused after DNS too, also beside a public one."""
    answers(monkeypatch, addresses)
    wire = Wire()
    with pytest.raises(AddressRefused):
        await GuardedBackend(AddressPolicy(), wire).connect_tcp("evil.example", 443)
    assert not wire.connected


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "[::1]", "0.0.0.0", "169.254.169.254"])
async def test_a_private_address_itself_is_refused(host: str) -> None:
    """An address needs no name to be refused."""
    wire = Wire()
    with pytest.raises(AddressRefused):
        await GuardedBackend(AddressPolicy(), wire).connect_tcp(host, 443)
    assert not wire.connected


@pytest.mark.parametrize("host", ["127.1", "0x7f.1", "2130706433", "localhost"])
async def test_odd_spellings_are_resolved_and_refused(host: str) -> None:
    """Threat 36: what the system's resolver takes for 127.0.0.1 is 127.0.0.1."""
    wire = Wire()
    with pytest.raises((AddressRefused, httpcore.ConnectError)):
        await GuardedBackend(AddressPolicy(), wire).connect_tcp(host, 443)
    assert not wire.connected


async def test_the_next_address_is_tried(monkeypatch: Any) -> None:
    """A host of which one address does not answer is reached by another."""
    answers(monkeypatch, ["93.184.215.14", "93.184.215.15"])
    wire = Wire()
    wire.refusing = {"93.184.215.14"}
    await GuardedBackend(AddressPolicy(), wire).connect_tcp("example.com", 443)
    assert wire.connected == ["93.184.215.14", "93.184.215.15"]


async def test_sockets_of_this_machine_are_refused() -> None:
    """There is no way to a UNIX socket."""
    with pytest.raises(AddressRefused):
        await GuardedBackend(AddressPolicy(), Wire()).connect_unix_socket("/run/docker.sock")


async def test_a_private_server_gets_nothing(receiver: Receiver) -> None:
    """Threat 36: over the whole client, no byte reaches a server that is not public."""
    client = GuardedClient(AddressPolicy())
    with pytest.raises(AddressRefused):
        await client.post(receiver.url(), b"{}", [], timeout_seconds=5)
    await client.close()
    assert not receiver.received


async def test_a_redirect_is_an_answer(receiver: Receiver) -> None:
    """Threat 36: where a redirect leads nobody goes, least of all to a private address."""
    client = GuardedClient(LOCAL)
    path = f"/redirect?to={receiver.url('/secret')}"
    answer = await client.post(receiver.url(path), b"{}", [], timeout_seconds=5)
    await client.close()
    assert answer.status == 307
    assert not receiver.at("/secret")


async def test_an_answer_has_status_and_headers(receiver: Receiver) -> None:
    """What was asked with these headers is answered with a status; the body is not read."""
    client = GuardedClient(LOCAL)
    receiver.script = [(429, {"Retry-After": "17"})]
    headers = [(b"webhook-id", b"m1"), (b"content-type", b"application/json")]
    answer = await client.post(receiver.url("/script"), b'{"a":1}', headers, timeout_seconds=5)
    await client.close()
    assert (answer.status, answer.header(b"retry-after")) == (429, b"17")
    (one,) = receiver.received
    assert (one.message_id, one.body) == ("m1", b'{"a":1}')


@pytest.mark.parametrize(("path", "code"), [("/slow", "timed-out"), ("/cut", "broken-off")])
async def test_no_answer_is_told_apart(receiver: Receiver, path: str, code: str) -> None:
    """A receiver that is slow or hangs up is named so, within bounds."""
    client = GuardedClient(LOCAL)
    with pytest.raises(NotReached) as error:
        await client.post(receiver.url(path), b"{}", [], timeout_seconds=0.3)
    await client.close()
    assert error.value.code == code


async def test_nobody_there(receiver: Receiver) -> None:
    """A port where nobody listens is no connection, so nothing was sent."""
    url = receiver.url()
    await receiver.__aexit__()
    client = GuardedClient(LOCAL)
    with pytest.raises(NotReached) as error:
        await client.post(url, b"{}", [], timeout_seconds=5)
    await client.close()
    assert error.value.code == "no-connection"


async def test_proxies_of_the_environment_are_not_used(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threat 36: a proxy would connect for us, wherever it can reach."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    client = GuardedClient(LOCAL)
    answer = await client.post(receiver.url(), b"{}", [], timeout_seconds=5)
    await client.close()
    assert answer.status == 204


async def test_certificates_are_checked() -> None:
    """TLS without a certificate that somebody vouches for is no connection."""
    context = GuardedClient(LOCAL)._pool._ssl_context
    assert context is not None
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
