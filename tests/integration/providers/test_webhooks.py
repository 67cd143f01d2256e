"""What a provider's webhook may do: let a worker look at once, and nothing else."""

from __future__ import annotations

import base64
import json
import time

import asyncpg
import pytest

from tests.fakes.replicate import SECRET
from tests.integration.gateway.problems import is_problem
from tests.integration.providers.claims import OTHER_SECRET, Claims, message, signed


@pytest.mark.parametrize("secret", [SECRET, OTHER_SECRET])
async def test_a_genuine_message_is_kept(claims: Claims, secret: str) -> None:
    """Signed with either live secret, a message about its own call is kept once."""
    claim = await claims.submitted()
    answer = await claims.send(claim, secret=secret)
    assert (answer.status_code, answer.content) == (204, b"")
    assert await claims.news(claim) == 1


async def test_nothing_of_it_is_believed(claims: Claims) -> None:
    """Whatever a message says of its prediction, the claim stays as it was."""
    claim = await claims.submitted()
    before = await claims.execute("SELECT provider_calls FROM provider_calls")
    body = message(claim.reference, status="failed", error="x", output="https://evil.example/")
    assert (await claims.send(claim, body=body)).status_code == 204
    assert await claims.execute("SELECT provider_calls FROM provider_calls") == before


async def test_24_a_replayed_message_changes_nothing(claims: Claims) -> None:
    """Threat 24: the same message again, at once or within the tolerance, is heard once."""
    claim = await claims.submitted()
    for age_seconds in (0.0, 0.0, 250.0):
        answer = await claims.send(claim, message_id="msg_again", age_seconds=age_seconds)
        assert answer.status_code == 204
    assert await claims.news(claim) == 1


@pytest.mark.parametrize("age_seconds", [310.0, 86_400.0, -310.0])
async def test_24_an_old_message_is_refused(claims: Claims, age_seconds: float) -> None:
    """Threat 24: what was signed more than five minutes ago, or will be, is not genuine."""
    claim = await claims.submitted()
    answer = await claims.send(claim, age_seconds=age_seconds)
    is_problem(answer, 401, "webhook-not-genuine")
    assert await claims.news(claim) == 0


async def test_25_a_body_written_anew_is_refused(claims: Claims) -> None:
    """Threat 25: the same JSON with other blanks, order or escapes is not what was signed."""
    claim = await claims.submitted()
    body = message(claim.reference)
    headers = signed(body, SECRET, time.time())
    document = json.loads(body)
    for written in (
        json.dumps(document, separators=(",", ":")).encode(),
        json.dumps(dict(reversed(document.items()))).encode(),
        body.replace(b"succeeded", b"\\u0073ucceeded"),
        body + b"\n",
    ):
        assert json.loads(written) == document
        answer = await claims.world.client.post(
            claims.address(claim), content=written, headers=headers
        )
        is_problem(answer, 401, "webhook-not-genuine")
    assert await claims.news(claim) == 0


@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        "v1,",
        "v1,é",
        "v2,AAAA",
        "v1," + base64.b64encode(b"x" * 32).decode(),
        " ".join(["v1,AAAA"] * 500),
    ],
)
async def test_26_no_right_signature_is_refused(claims: Claims, signature: str | None) -> None:
    """Threat 26: a missing, broken, foreign or padded signature is not genuine."""
    claim = await claims.submitted()
    answer = await claims.send(claim, webhook_signature=signature)
    is_problem(answer, 401, "webhook-not-genuine")
    assert await claims.news(claim) == 0


async def test_26_another_key_is_refused(claims: Claims) -> None:
    """Threat 26: signed by the book, with a secret that is not ours, is not genuine."""
    claim = await claims.submitted()
    foreign = "whsec_" + base64.b64encode(b"somebody else's").decode()
    is_problem(await claims.send(claim, secret=foreign), 401, "webhook-not-genuine")
    assert await claims.news(claim) == 0


async def test_27_a_valid_message_about_another_job_is_refused(claims: Claims) -> None:
    """Threat 27: genuine, but about another call than its address is of: nothing is changed."""
    mine, other = await claims.submitted(), await claims.submitted()
    before = await claims.everything()
    # My message at the other's address, and the other's message at mine.
    is_problem(await claims.send(mine, address=claims.address(other)), 404, "not-found")
    is_problem(await claims.send(other, address=claims.address(mine)), 404, "not-found")
    assert await claims.everything() == before


async def test_27_an_address_that_we_did_not_give_out_is_refused(claims: Claims) -> None:
    """Threat 27: another call's token, a made-up one or another attempt's opens no address."""
    mine, other = await claims.submitted(), await claims.submitted()
    before = await claims.everything()
    token = dict(item.split("=") for item in claims.address(other).split("?")[1].split("&"))[
        "token"
    ]
    for changes in (
        {"token": token},
        {"token": ""},
        {"token": "é"},
        {"attempt": 2},
        {"generation_id": "x"},
        {"generation_id": other.generation_id},
    ):
        answer = await claims.send(mine, address=claims.address(mine, **changes))
        is_problem(answer, 404, "not-found")
    assert await claims.everything() == before


@pytest.mark.parametrize(
    "columns",
    [
        {"provider": "openai"},
        {"reference": None, "state": "submitting"},
        {"reference": "another"},
    ],
)
async def test_27_a_message_about_a_prediction_that_is_nobodys_is_refused(
    claims: Claims, columns: dict[str, object]
) -> None:
    """Threat 27: a claim of another provider, or of no such prediction, is not the one meant."""
    claim = await claims.submitted(**columns)
    is_problem(await claims.send(claim), 404, "not-found")
    assert await claims.news(claim) == 0


@pytest.mark.parametrize("state", ["stored", "failed"])
async def test_a_late_message_changes_nothing(claims: Claims, state: str) -> None:
    """What comes after the end is taken, so that it is not sent again, and not kept."""
    claim = await claims.submitted(state=state)
    assert (await claims.send(claim)).status_code == 204
    assert await claims.news(claim) == 0


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"id": 3}', b"{" * 5000])
async def test_a_signed_body_that_names_nothing_is_refused(claims: Claims, body: bytes) -> None:
    """Whoever has the secret may still send nonsense."""
    claim = await claims.submitted()
    is_problem(await claims.send(claim, body=body), 400, "malformed-json")


@pytest.mark.parametrize("parameter", [{"attempt": 0}, {"attempt": "x"}, {"more": 1}])
async def test_a_bad_parameter_is_refused(claims: Claims, parameter: dict[str, object]) -> None:
    """An address that cannot be ours is refused as such."""
    claim = await claims.submitted()
    answer = await claims.send(claim, address=claims.address(claim, **parameter))
    is_problem(answer, 400, "invalid-parameter")


async def test_news_go_with_their_claim(claims: Claims) -> None:
    """The eraser deletes claims, and what was told of them goes too, though it may not touch it."""
    claim = await claims.submitted()
    await claims.send(claim)
    assert await claims.news(claim) == 1
    eraser = await asyncpg.connect(claims.world.database.urls["eraser"])
    try:
        await eraser.execute("DELETE FROM provider_calls")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await eraser.execute("DELETE FROM provider_news")
    finally:
        await eraser.close()
    assert await claims.news(claim) == 0
