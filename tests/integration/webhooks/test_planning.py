"""From the log to deliveries: what counts is put down, once per event and endpoint."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from processors.outward.decisions import ReadModelsMissing
from processors.outward.planning import Told
from tests.integration.webhooks.yard import NOW_MS, Yard

DAY_MS = 86_400_000


async def test_a_decision_is_told_to_every_endpoint_that_wants_it(yard: Yard) -> None:
    """Each endpoint of the account that did not choose other types gets a delivery."""
    account = await yard.account()
    all_types = await yard.endpoint(account)
    chosen = await yard.endpoint(account, types=("credits.granted", "generation.done"))
    await yard.endpoint(account, types=("generation.done",))
    await yard.endpoint(await yard.account())
    await yard.tell(await yard.decided(account, credits=7))
    planned = await yard.planned()
    assert {one["endpoint_id"] for one in planned} == {all_types, chosen}
    for one in planned:
        message = msgspec.json.decode(one["payload"])
        assert message["type"] == one["event_type"] == "credits.granted"
        assert message["data"]["credits"] == 7
    assert yard.woken == 1


async def test_an_event_that_is_met_again_is_put_down_once(yard: Yard) -> None:
    """Threat 40, and a log replayed from the beginning: also by others, and all at once."""
    account = await yard.account()
    await yard.endpoint(account)
    deliveries = [await yard.decided(account, sequence) for sequence in range(1, 6)]
    planners = [yard.another_planner() for _ in range(4)]
    await asyncio.gather(
        *(yard.tell(delivery, planner) for delivery in deliveries for planner in planners)
    )
    for delivery in deliveries:
        await yard.tell(delivery)
    assert len(await yard.planned()) == 5


async def test_a_void_decision_is_not_told(yard: Yard) -> None:
    """Of two decisions for one place in the chain the one that counts is told, in any order."""
    account = await yard.account()
    await yard.endpoint(account)
    void = await yard.decided(account, 1, credits=1, counts=False, offset=1)
    valid = await yard.decided(account, 1, credits=2, counts=True, offset=2)
    # Both have one event id: two deciders decided the same cause.
    assert dict(void.headers)["ce_id"] == dict(valid.headers)["ce_id"]
    assert Told(void).identity != Told(valid).identity
    await yard.tell(void)
    await yard.tell(valid)
    (planned,) = await yard.planned()
    assert msgspec.json.decode(planned["payload"])["data"]["credits"] == 2


async def test_it_waits_until_the_read_models_know(yard: Yard) -> None:
    """What the projector has not seen is neither told nor dropped."""
    account = await yard.account()
    await yard.endpoint(account)
    delivery = await yard.decided(account, 3, counts=False, passed=False)
    telling = asyncio.create_task(yard.tell(delivery))
    await yard.deliveries.endpoints_of(account)
    assert not telling.done()
    await yard.decided(account, 3, counts=False, passed=True)
    async with asyncio.timeout(10):
        await telling  # it has been seen, and does not count
    assert not await yard.planned()


async def test_only_what_came_after_the_endpoint_is_told(yard: Yard) -> None:
    """A new endpoint is not flooded with the account's history."""
    account = await yard.account()
    await yard.endpoint(account, from_ms=NOW_MS)
    await yard.tell(await yard.decided(account, 1, appended_at_ms=NOW_MS - 1))
    await yard.tell(await yard.decided(account, 2, appended_at_ms=NOW_MS))
    assert len(await yard.planned()) == 1


async def test_what_is_too_old_is_not_told(yard: Yard) -> None:
    """Beyond the age at which its delivery may be gone, an event is not told: never twice."""
    account = await yard.account()
    await yard.endpoint(account)
    young = await yard.decided(account, 1, appended_at_ms=NOW_MS - 6 * DAY_MS)
    await yard.tell(young)
    await yard.tell(await yard.decided(account, 2, appended_at_ms=NOW_MS - 8 * DAY_MS))
    assert len(await yard.planned()) == 1
    assert not await yard.deliveries.prune(30 * 86_400.0)
    await yard.owner.execute("UPDATE webhook_deliveries SET created_at = now() - interval '31 d'")
    await yard.deliveries.prune(30 * 86_400.0)
    assert not await yard.planned()
    yard.clock.observe(NOW_MS + 31 * DAY_MS)
    await yard.tell(young)
    assert not await yard.planned()


async def test_an_erased_account_leaves_nothing(yard: Yard) -> None:
    """Threat 16, and the erasure's canaries: with the key go endpoints, payloads, attempts."""
    account = await yard.account()
    await yard.endpoint(account)
    delivery = await yard.decided(account)
    await yard.tell(delivery)
    await yard.deliveries.claim(10, 10, {}, 60)
    await yard.owner.execute("DELETE FROM identities WHERE account_id = $1", account)
    for table in ("webhook_endpoints", "webhook_deliveries", "webhook_attempts"):
        assert not await yard.owner.fetchval(f"SELECT count(*) FROM {table}")
    await yard.tell(delivery)
    assert not await yard.planned()


async def test_poison_is_passed_over(yard: Yard) -> None:
    """Threat 37: what cannot be read is told to nobody, and holds nobody up."""
    account = await yard.account()
    await yard.endpoint(account)
    good = await yard.decided(account)
    for change in ({"value": b"{"}, {"value": None}, {"key": b"somebody else"}, {"headers": ()}):
        await yard.tell(msgspec.structs.replace(good, **change))
    assert not await yard.planned()
    assert not yard.producer.dead
    await yard.tell(good)
    assert len(await yard.planned()) == 1


async def test_read_models_that_are_missing_are_waited_for(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the read models are away nothing is told, dropped or put aside."""
    account = await yard.account()
    await yard.endpoint(account)
    delivery = await yard.decided(account)
    refused = asyncio.Event()
    counts = yard.decisions.counts

    async def noted(*values: Any) -> Any:
        try:
            return await counts(*values)
        except ReadModelsMissing:
            refused.set()
            raise

    monkeypatch.setattr(yard.decisions, "counts", noted)
    await yard.owner.execute("ALTER SCHEMA read RENAME TO away")
    telling = asyncio.create_task(yard.tell(delivery))
    async with asyncio.timeout(10):
        await refused.wait()
    assert not telling.done()
    await yard.owner.execute("ALTER SCHEMA away RENAME TO read")
    async with asyncio.timeout(10):
        await telling
    assert len(await yard.planned()) == 1
    assert not yard.producer.dead
