"""What fal's webhook may do: let a worker look at once, and nothing else."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import pytest
from nacl.signing import SigningKey

from tests.fakes.fal import Fal
from tests.integration.gateway.problems import is_problem
from tests.integration.providers.claims import Claim, Claims


def message(reference: str, **more: Any) -> bytes:
    """The body about a request that has ended."""
    document = {"request_id": reference, "gateway_request_id": reference, "status": "OK"}
    return json.dumps(document | more).encode()


async def send(claims: Claims, claim: Claim, body: bytes, headers: Any, **query: Any) -> Any:
    address = claims.address(claim, **query)
    return await claims.world.client.post(address, content=body, headers=headers)


async def told(claims: Claims, fal: Fal, claim: Claim, **signing: Any) -> httpx.Response:
    """A webhook about a claim, as fal sends it, except for what is given."""
    body = message(claim.reference)
    at = time.time() - signing.pop("age_seconds", 0.0)
    answer: httpx.Response = await send(claims, claim, body, fal.signer.signed(body, at, **signing))
    return answer


async def test_genuine(claims: Claims, fal: Fal) -> None:
    """A message of fal's about its own call is kept once, and nothing of it is believed."""
    claim = await claims.submitted(provider="fal")
    before = await claims.execute("SELECT provider_calls FROM provider_calls")
    answer = await told(claims, fal, claim)
    assert (answer.status_code, answer.content) == (204, b"")
    assert await claims.news(claim) == 1
    assert await claims.execute("SELECT provider_calls FROM provider_calls") == before


async def test_24_replayed(claims: Claims, fal: Fal) -> None:
    """Threat 24: the same message again, at once or within the tolerance, is heard once."""
    claim = await claims.submitted(provider="fal")
    for age_seconds in (0.0, 0.0, 250.0):
        answer = await told(claims, fal, claim, message_id="again", age_seconds=age_seconds)
        assert answer.status_code == 204
    assert await claims.news(claim) == 1


@pytest.mark.parametrize("age_seconds", [310.0, -310.0])
async def test_24_old(claims: Claims, fal: Fal, age_seconds: float) -> None:
    """Threat 24: what was signed more than five minutes ago, or will be, is not genuine."""
    claim = await claims.submitted(provider="fal")
    answer = await told(claims, fal, claim, age_seconds=age_seconds)
    is_problem(answer, 401, "webhook-not-genuine")
    assert await claims.news(claim) == 0


async def test_25_written_anew(claims: Claims, fal: Fal) -> None:
    """Threat 25: the same JSON with other blanks, order or escapes is not what was signed."""
    claim = await claims.submitted(provider="fal")
    body = message(claim.reference)
    headers = fal.signer.signed(body, time.time())
    document = json.loads(body)
    for written in (
        json.dumps(document, separators=(",", ":")).encode(),
        json.dumps(dict(reversed(document.items()))).encode(),
        body.replace(b'"OK"', b'"\\u004fK"'),
        body + b"\n",
    ):
        assert json.loads(written) == document
        is_problem(await send(claims, claim, written, headers), 401, "webhook-not-genuine")
    assert await claims.news(claim) == 0


async def test_26_another_key(claims: Claims, fal: Fal) -> None:
    """Threat 26: by the book, with a key that fal does not publish; named in it or not."""
    claim = await claims.submitted(provider="fal")
    answer = await told(claims, fal, claim, key=SigningKey.generate())
    is_problem(answer, 401, "webhook-not-genuine")
    assert await claims.news(claim) == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"signature": None},
        {"signature": "00" * 64},
        {"signature": "AAAA"},
        {"signature": "é" * 128},
        {"request-id": "another"},
        {"request-id": None},
        {"user-id": "another"},
        {"timestamp": "1e9"},
        {"timestamp": None},
    ],
    ids=str,
)
async def test_26_no_right_signature(
    claims: Claims, fal: Fal, changes: dict[str, str | None]
) -> None:
    """Threat 26: each part of what is signed counts, and each header must be there."""
    claim = await claims.submitted(provider="fal")
    body = message(claim.reference)
    changed = {f"x-fal-webhook-{name}": value for name, value in changes.items()}
    headers = fal.signer.signed(body, time.time()) | changed
    sent = {name: value.encode() for name, value in headers.items() if value is not None}
    is_problem(await send(claims, claim, body, sent), 401, "webhook-not-genuine")


async def test_26_key_set_elsewhere(claims: Claims, fal: Fal) -> None:
    """Threat 26: whatever headers and body say of another key set, it is not asked."""
    claim = await claims.submitted(provider="fal")
    other = Fal()
    await other.start()
    elsewhere = f"{other.base_url}/.well-known/jwks.json"
    body = message(claim.reference, jku=elsewhere, jwks_url=elsewhere, keys=other.signer.key_set())
    headers = other.signer.signed(body, time.time()) | {
        "x-fal-webhook-jwks-url": elsewhere,
        "jku": elsewhere,
        "link": f'<{elsewhere}>; rel="jwks"',
        "x-forwarded-host": elsewhere.split("/")[2],
        "host": elsewhere.split("/")[2],
    }
    is_problem(await send(claims, claim, body, headers), 401, "webhook-not-genuine")
    await other.stop()
    assert other.keys_asked == 0
    assert await claims.news(claim) == 0


async def test_27_another_job(claims: Claims, fal: Fal) -> None:
    """Threat 27: genuine, but about another call than its address is of: nothing is changed."""
    mine = await claims.submitted(provider="fal")
    other = await claims.submitted(provider="fal")
    before = await claims.everything()
    for about, at in ((mine, other), (other, mine)):
        body = message(about.reference)
        headers = fal.signer.signed(body, time.time())
        is_problem(await send(claims, at, body, headers), 404, "not-found")
    assert await claims.everything() == before


async def test_27_another_user(claims: Claims, fal: Fal) -> None:
    """Threat 27: fal signs for everybody; what is about another user's request is refused."""
    claim = await claims.submitted(provider="fal")
    answer = await told(claims, fal, claim, user="somebody")
    is_problem(answer, 401, "webhook-not-genuine")
    assert await claims.news(claim) == 0


async def test_27_another_address(claims: Claims, fal: Fal) -> None:
    """Threat 27: a token that is another call's, or of another provider's, opens no address."""
    mine = await claims.submitted(provider="fal")
    body = message(mine.reference)
    headers = fal.signer.signed(body, time.time())
    foreign = claims.address(mine._replace(provider="replicate")).rpartition("token=")[2]
    for changes in ({"token": ""}, {"attempt": 2}, {"generation_id": "x"}, {"token": foreign}):
        is_problem(await send(claims, mine, body, headers, **changes), 404, "not-found")
    assert await claims.news(mine) == 0


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"request_id": 3}', b"{" * 5000])
async def test_names_nothing(claims: Claims, fal: Fal, body: bytes) -> None:
    """Fal may still send nonsense."""
    claim = await claims.submitted(provider="fal")
    headers = fal.signer.signed(body, time.time())
    is_problem(await send(claims, claim, body, headers), 400, "malformed-json")
