"""From deliveries to receivers: signed, retried, bounded, replayed; claimed like paid calls."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from processors.webhooks.schedule import ATTEMPTS_MAX
from processors.webhooks.sender import Sender
from runtime.waiting import until
from tests.fakes.receiver import Receiver
from tests.integration.webhooks.yard import Yard
from tests.unit.webhooks.test_signing import OTHER, SECRET


@contextlib.asynccontextmanager
async def sending(yard: Yard, **changes: Any) -> AsyncIterator[Sender]:
    """A sender that runs inside."""
    sender = yard.sender(**changes)
    task = asyncio.create_task(sender.run(sender.make))
    try:
        yield sender
    finally:
        await sender.stop()
        await task


async def told(yard: Yard, url: str, count: int = 1, **endpoint: Any) -> UUID:
    """An endpoint with this much to be sent to it; returns the endpoint."""
    account = await yard.account()
    endpoint_id = await yard.endpoint(account, url, **endpoint)
    for sequence in range(1, count + 1):
        await yard.tell(await yard.decided(account, sequence))
    return endpoint_id


async def state(yard: Yard, wanted: str, count: int = 1) -> None:
    """Wait until so many deliveries are in a state."""

    async def reached() -> bool:
        return [one["state"] for one in await yard.planned()].count(wanted) == count

    await until(reached, 15, what=f"{count} deliveries to be {wanted}")


async def attempted(yard: Yard, count: int) -> None:
    """Wait until so many attempts have ended."""

    async def reached() -> bool:
        return sum(outcome is not None for _, outcome, _ in await yard.attempts()) == count

    await until(reached, 15, what=f"{count} attempts to end")


async def test_a_delivery_is_signed_and_sent_once(yard: Yard, receiver: Receiver) -> None:
    """The receiver gets the very bytes that were planned, verified by the official library."""
    await told(yard, receiver.url())
    async with sending(yard):
        await state(yard, "delivered")
    (one,) = receiver.received
    (planned,) = await yard.planned()
    assert one.body == planned["payload"]
    assert one.message_id == str(planned["delivery_id"])
    assert one.verified_by(SECRET)
    assert not one.verified_by(OTHER)
    assert await yard.attempts() == [(1, "delivered", 204)]


async def test_two_live_secrets_sign(yard: Yard, receiver: Receiver) -> None:
    """During a rotation either secret verifies; afterwards the old one does not."""
    await told(yard, receiver.url(), 1, old=True)
    async with sending(yard):
        await state(yard, "delivered")
        await yard.owner.execute(
            "UPDATE webhook_endpoints SET old_secret_until = now() - interval '1 second'"
        )
        await yard.owner.execute(
            "UPDATE webhook_deliveries SET state = 'pending', ended_at = NULL, due_at = now()"
        )
        await until(lambda: len(receiver.received) == 2, 15, what="the second request")
        await state(yard, "delivered")
    first, second = receiver.received
    assert first.verified_by(SECRET)
    assert first.verified_by(OTHER)
    assert second.verified_by(SECRET)
    assert not second.verified_by(OTHER)


async def test_several_senders_send_once(yard: Yard, receiver: Receiver) -> None:
    """However many processes send, each delivery is attempted by one."""
    await told(yard, receiver.url(), 30)
    async with sending(yard), sending(yard), sending(yard):
        await state(yard, "delivered", 30)
    assert len(receiver.received) == 30
    assert len({one.message_id for one in receiver.received}) == 30


async def test_what_fails_is_tried_again_with_the_same_id(yard: Yard, receiver: Receiver) -> None:
    """A refusal is followed by a pause, and then by the same message under the same id."""
    receiver.script = [(500, {}), (302, {"Location": "/hook"})]
    await told(yard, receiver.url("/script"))
    async with sending(yard):
        for tries in (1, 2):
            await attempted(yard, tries)
            (planned,) = await yard.planned()
            assert planned["state"] == "pending"
            assert planned["due_at"] > planned["created_at"]
            await yard.make_due()
        await state(yard, "delivered")
    assert len({(one.message_id, one.body) for one in receiver.received}) == 1
    assert await yard.attempts() == [
        (1, "refused", 500),
        (2, "refused", 302),
        (3, "delivered", 204),
    ]


async def test_a_day_of_attempts_ends_in_failure(yard: Yard, receiver: Receiver) -> None:
    """After the last attempt nothing more is sent, until somebody asks for it."""
    await told(yard, receiver.url("/status/503"))
    async with sending(yard):
        for tries in range(1, ATTEMPTS_MAX + 1):
            await attempted(yard, tries)
            await yard.make_due()
        await state(yard, "failed")
    assert len(receiver.received) == ATTEMPTS_MAX
    (planned,) = await yard.planned()
    assert planned["ended_at"] is not None


async def test_retry_after_is_heeded(yard: Yard, receiver: Receiver) -> None:
    """A receiver that asks for an hour gets it."""
    receiver.script = [(429, {"Retry-After": "3600"})]
    await told(yard, receiver.url("/script"))
    async with sending(yard):
        await attempted(yard, 1)
    pause = await yard.owner.fetchval(
        "SELECT extract(epoch FROM due_at - now()) FROM webhook_deliveries"
    )
    assert 3500 < pause <= 3600


async def test_gone_switches_the_endpoint_off(yard: Yard, receiver: Receiver) -> None:
    """410 means that nobody is there any more: nothing else is sent there."""
    endpoint = await told(yard, receiver.url("/status/410"), 2)
    async with sending(yard, sends_per_endpoint=1):

        async def off() -> bool:
            return not await yard.owner.fetchval("SELECT enabled FROM webhook_endpoints")

        await until(off, 15, what="the endpoint to be switched off")
    row = await yard.owner.fetchrow("SELECT * FROM webhook_endpoints")
    assert (row["endpoint_id"], row["disabled_reason"]) == (endpoint, "gone")
    sent = len(receiver.received)
    await yard.make_due()
    assert not await yard.deliveries.claim(10, 10, {}, 60)
    assert len(receiver.received) == sent


@pytest.mark.parametrize(("path", "outcome"), [("/slow", "timed-out"), ("/cut", "broken-off")])
async def test_no_answer_is_a_failure(
    yard: Yard, receiver: Receiver, path: str, outcome: str
) -> None:
    """A receiver that does not answer in time, or hangs up, is tried again later."""
    await told(yard, receiver.url(path))
    async with sending(yard, timeout_seconds=0.3):
        await attempted(yard, 1)
    assert await yard.attempts() == [(1, outcome, None)]


async def test_private_addresses_get_nothing(yard: Yard, receiver: Receiver) -> None:
    """Threat 36: what got into the table, by whatever way, is checked again when it is sent."""
    await told(yard, f"http://[::1]:{receiver.port}/hook")
    await told(yard, "https://169.254.169.254/latest/meta-data/")
    async with sending(yard):
        await attempted(yard, 2)
    assert not receiver.received
    assert {outcome for _, outcome, _ in await yard.attempts()} == {"address-refused"}


async def test_a_redirect_is_not_followed(yard: Yard, receiver: Receiver) -> None:
    """Threat 36: a redirect to a private address ends as a refusal."""
    await told(yard, receiver.url(f"/redirect?to={receiver.url('/secret')}"))
    async with sending(yard):
        await attempted(yard, 1)
    assert not receiver.at("/secret")
    assert await yard.attempts() == [(1, "refused", 307)]


async def test_a_slow_endpoint_does_not_keep_the_others(yard: Yard, receiver: Receiver) -> None:
    """Of one endpoint only so many are under way; the rest of the room is for others."""
    await told(yard, receiver.url("/gate"), 20)
    async with sending(yard, sends=4, sends_per_endpoint=2, timeout_seconds=30):
        await until(lambda: len(receiver.at("/gate")) == 2, 15, what="the slow ones")
        await told(yard, receiver.url("/hook"), 10)
        await state(yard, "delivered", 10)
        assert len(receiver.at("/gate")) == 2
        receiver.gate.set()
        await state(yard, "delivered", 30)


async def test_a_lost_process_leaves_an_attempt_without_an_end(
    yard: Yard, receiver: Receiver
) -> None:
    """What a killed sender had claimed is due again when its lease ends, under the same id."""
    await told(yard, receiver.url())
    (lost,) = await yard.deliveries.claim(10, 10, {}, 60)
    assert not await yard.deliveries.claim(10, 10, {}, 60)
    await yard.make_due()
    async with sending(yard):
        await state(yard, "delivered")
    (one,) = receiver.received
    assert one.message_id == str(lost.delivery_id)
    assert await yard.attempts() == [(1, None, None), (2, "delivered", 204)]
    # The lost one wakes up: it changes nothing any more but the end of its own attempt.
    await yard.deliveries.finish(lost, "pending", "timed-out", again_seconds=0)
    (planned,) = await yard.planned()
    assert planned["state"] == "delivered"


async def test_the_last_attempt_lost_is_a_failure(yard: Yard, receiver: Receiver) -> None:
    """A sender that dies in every attempt does not make them endless."""
    await told(yard, receiver.url())
    for _ in range(ATTEMPTS_MAX):
        assert await yard.deliveries.claim(10, 10, {}, 60)
        await yard.make_due()
    assert not await yard.deliveries.claim(10, 10, {}, 60)
    await state(yard, "failed")
    assert not receiver.received


async def test_an_account_without_a_key_gets_nothing(yard: Yard, receiver: Receiver) -> None:
    """A secret that does not open, as after a lost key, sends nothing unsigned."""
    await told(yard, receiver.url())
    await yard.owner.execute("UPDATE webhook_endpoints SET secret = 'v1.AAAA'")
    async with sending(yard):
        await attempted(yard, 1)
    assert not receiver.received
    assert await yard.attempts() == [(1, "secret-lost", None)]
