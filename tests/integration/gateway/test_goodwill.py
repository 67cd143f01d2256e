"""Goodwill: credits that an admin gives, and whoever tries to have more of it."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from events.grants import GoodwillGiven
from runtime.crypto.keys import unwrap
from runtime.crypto.master import master_keys
from runtime.crypto.sealing import unseal
from tests.integration.gateway.log import records_about
from tests.integration.gateway.problems import is_problem
from tests.integration.gateway.test_promotions import granted, grants_of
from tests.integration.gateway.world import ADMIN, Person, World, another_gateway

WHY = "three bad pictures"


async def give(admin: Person, account_id: str, key: str = "", **changes: Any) -> Any:
    return await admin.post(
        f"/admin/accounts/{account_id}/goodwill",
        json={"credits": 5, "reason": WHY, **changes},
        headers={"Idempotency-Key": key or uuid4().hex},
    )


async def test_goodwill_is_granted_and_told(world: World, admin: Person, person: Person) -> None:
    """It becomes a grant with its end; the log has who gave it, and why, sealed for the account."""
    answer = await give(admin, person.account_id, expires_days=30)
    assert answer.status_code == 201, answer.text
    (grant,) = await granted(person, "goodwill")
    assert (grant["id"], grant["credits"]) == (answer.json()["grant_id"], 5)
    assert grant["expires_at"] == answer.json()["expires_at"]
    (told,) = [
        one
        for one in await records_about(world, person.account_id)
        if isinstance(one.event, GoodwillGiven)
    ]
    assert isinstance(told.event, GoodwillGiven)
    assert told.event.actor == admin.account_id
    assert WHY.encode() not in told.value
    owner = await asyncpg.connect(world.database.owner_url)
    try:
        wrapped = await owner.fetchval(
            "SELECT wrapped_key FROM identities WHERE account_id = $1", UUID(person.account_id)
        )
    finally:
        await owner.close()
    account = UUID(person.account_id)
    key = unwrap(master_keys(world.settings), wrapped, account)
    event_id = UUID(told.event_id or "")
    opened = unseal(key, told.event.reason, account_id=account, event_id=event_id, field="reason")
    assert opened == WHY


async def test_a_repetition_gives_nothing_more(admin: Person, person: Person) -> None:
    """The same key is the same act, at once too; with other figures it is refused."""
    answers = await asyncio.gather(*(give(admin, person.account_id, "once") for _ in range(5)))
    assert {one.status_code for one in answers} == {201}
    assert len({one.text for one in answers}) == 1
    assert sum("idempotent-replay" in one.headers for one in answers) == 4
    await granted(person, "goodwill")
    other = await give(admin, person.account_id, "once", credits=500)
    assert is_problem(other, 422, "idempotency-key-reused")
    assert [grant["credits"] for grant in await grants_of(person, "goodwill")] == [5]


async def test_nobody_gives_to_themselves(admin: Person) -> None:
    """An admin who wants credits asks another one."""
    assert is_problem(await give(admin, admin.account_id), 409, "goodwill-to-self")


async def test_goodwill_has_bounds(world: World, admin: Person, person: Person) -> None:
    """More than the settings allow, no reason, nobody there, not an admin: refused."""
    async with another_gateway(
        world, goodwill_credits_max=10, admins=f"telegram:{ADMIN}"
    ) as strict:
        headers = {**admin.authorization, "Idempotency-Key": "bounded"}
        path = f"/admin/accounts/{person.account_id}/goodwill"
        answer = await strict.client.post(
            path, json={"credits": 11, "reason": WHY}, headers=headers
        )
        assert is_problem(answer, 422, "invalid-request")
    for field, value in (("credits", 0), ("credits", -5), ("reason", ""), ("expires_days", 0)):
        answer = await give(admin, person.account_id, **{field: value})
        assert is_problem(answer, 422, "invalid-request")
    assert is_problem(await give(admin, str(uuid4())), 404, "not-found")
    assert is_problem(await give(person, admin.account_id), 403, "role-missing")
    assert await grants_of(person, "goodwill") == []
