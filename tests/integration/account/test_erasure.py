"""`DELETE /me`: the account ends at once, and nothing personal is left."""

from __future__ import annotations

from uuid import UUID

from events.ids import fact_id
from events.telegram import TelegramChatChanged
from runtime.waiting import until
from tests.integration.account.eyes import erasure, rows, until_finished
from tests.integration.gateway.world import Person, World


async def test_a_token_is_refused_at_once(world: World, person: Person) -> None:
    """Threat 16: after the erasure neither the access token nor the old account opens anything."""
    erased = await person.delete("/me")
    assert (erased.status_code, erased.json()["status"]) == (202, "erasing"), erased.text
    for path in ("/me", "/generations", "/credits"):
        answer = await person.get(path)
        assert answer.status_code == 401, answer.text
    assert (await person.ask()).status_code == 401
    assert (await person.delete("/me")).status_code == 401


async def test_key_link_objects_and_rows_are_gone(world: World, person: Person) -> None:
    """The identity goes at once, the pictures and rows soon, and again after the longest job."""
    generation = (await person.ask(prompt="canary")).json()["id"]
    await world.complete(person, generation)
    prefix = f"generations/{person.account_id}/"
    assert await world.objects.list(prefix)
    account = UUID(person.account_id)
    changed = [
        TelegramChatChanged(
            account_id=person.account_id, occurred_at_ms=n, reachable=False, update_id=n
        )
        for n in (1, 2)
    ]
    await world.append(changed[0], fact_id(person.account_id, "telegram:1"))
    await until(lambda: _known(person), 20, what="the blocked bot to show")
    await person.delete("/me")
    # Told before the account ended, appended after.
    await world.append(changed[1], fact_id(person.account_id, "telegram:2"))
    assert not await rows(world, "SELECT 1 FROM identities WHERE account_id = $1", account)
    await until(lambda: _gone(world, prefix), 20, what="the pictures to be gone")
    # A worker that was at it when the account ended stores its picture late.
    await world.objects.put_if_absent(f"{prefix}late/0.png", b"late", "image/png")
    await until_finished(world, person.account_id)
    assert not await world.objects.list(prefix)
    for table in (
        "read.generations",
        "read.images",
        "read.preferences",
        "read.consents",
        "read.telegram_chats",
        "read.moderation_verdicts",
    ):
        found = await rows(world, f"SELECT 1 FROM {table} WHERE account_id = $1", account)
        assert not found, table
    (user,) = await rows(world, "SELECT * FROM read.users WHERE account_id = $1", account)
    assert (user["display_name"], user["language"]) == (None, None)
    assert user["erased_at_ms"] is not None


async def _known(person: Person) -> bool:
    return (await person.get("/me")).json()["telegram"] is not None


async def _gone(world: World, prefix: str) -> bool:
    return not await world.objects.list(prefix)


async def test_who_comes_back_is_new_and_not_welcomed_again(world: World, person: Person) -> None:
    """A second sign-in makes another account, without the welcome credits and without history."""
    assert person.login["balance"]["available"] > 0
    await person.delete("/me")
    again = await world.person(telegram_id=person.telegram_id)
    assert again.account_id != person.account_id
    assert again.login["balance"] == {"available": 0, "reserved": 0, "debt": 0}
    assert (await again.get("/generations")).json()["items"] == []
    await until_finished(world, person.account_id)
    assert (await again.get("/credits")).json()["granted"] == 0


async def test_the_chain_ends_with_nothing_left(world: World, person: Person) -> None:
    """Open requests end, the balance is written off, and the ledger still adds up."""
    await person.ask(prompt="never made", count=2)
    await person.delete("/me")
    await until_finished(world, person.account_id)
    (account,) = await rows(
        world,
        "SELECT * FROM read.credit_accounts WHERE account_id = $1",
        UUID(person.account_id),
    )
    assert (account["available"], account["reserved"], account["debt"]) == (0, 0, 0)
    assert account["granted"] == account["expired"]
    row = await erasure(world, person.account_id)
    assert row["debt_noted"] == 0
