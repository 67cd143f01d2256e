"""Referrals: both sides, after the friend's first finished picture; and whoever tries to have more.

Each case has people of its own, so that nobody's limit is another case's.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio

from events.grants import ReferralRewarded
from gateway.grants.referrals import Referrals
from gateway.identity.init_data import sign_init_data
from runtime.settings import Settings
from runtime.waiting import until
from tests.integration.gateway.log import events_about
from tests.integration.gateway.problems import is_problem
from tests.integration.gateway.test_promotions import granted, grants_of
from tests.integration.gateway.world import Person, World

_friends = itertools.count(3_000_000)
FRIEND, INVITER = Settings().referral_friend_credits, Settings().referral_inviter_credits


@pytest_asyncio.fixture(loop_scope="session")
async def owner(world: World) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(world.database.owner_url)
    yield connection
    await connection.close()


async def link_of(person: Person) -> str:
    """The start parameter of somebody's invitation."""
    answer = await person.get("/referrals")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["start_parameter"])


async def invited(world: World, link: str, telegram_id: int | None = None) -> Person:
    """Somebody who signs in by a link; somebody new, unless an id is given."""
    telegram_id = telegram_id or next(_friends)
    person = {"id": telegram_id, "first_name": "Bo"}
    assert world.settings.telegram_bot_token
    data = sign_init_data(
        world.settings.telegram_bot_token, person, int(time.time()), {"start_param": link}
    )
    answer = await world.client.post("/auth/login", json={"init_data": data})
    assert answer.status_code == 200, answer.text
    return Person(world.client, telegram_id, answer.json())


async def draws(world: World, person: Person, *, works: bool = True) -> None:
    """Have a picture asked for, and made or failed."""
    await until(lambda: _welcomed(person), 30, what="the welcome credits")
    made = await person.ask()
    assert made.status_code == 202, made.text
    generation = made.json()["id"]
    await (world.complete if works else world.fail)(person, generation)
    await until(lambda: _finished(person, generation), 30, what="the end of it")


async def _welcomed(person: Person) -> bool:
    return bool((await person.get("/credits")).json()["available"])


async def _finished(person: Person, generation: str) -> bool:
    shown = (await person.get(f"/generations/{generation}")).json()
    return shown["timings"].get("settled_at") is not None


async def test_both_sides_are_rewarded_after_the_first_picture(world: World) -> None:
    """Not at the sign-in, not for a failure: for the first finished picture, once for each."""
    inviter = await world.person()
    friend = await invited(world, await link_of(inviter))
    await draws(world, friend, works=False)
    assert (await inviter.get("/referrals")).json()["friends_waiting"] == 1
    assert await grants_of(friend, "referral") == []
    await draws(world, friend)
    (theirs,), (ours,) = await asyncio.gather(
        granted(friend, "referral"), granted(inviter, "referral")
    )
    assert (theirs["credits"], ours["credits"]) == (FRIEND, INVITER)
    assert theirs["expires_at"] == ours["expires_at"] is not None
    await draws(world, friend)
    shown = (await inviter.get("/referrals")).json()
    assert (shown["friends_waiting"], shown["friends_rewarded"]) == (0, 1)
    assert shown["credits_earned"] == INVITER
    assert len(await grants_of(inviter, "referral")) == 1


async def test_told_again_it_counts_once(world: World, owner: asyncpg.Connection) -> None:
    """A gateway that died before it noted the log's answer tells the same events again."""
    inviter = await world.person()
    friend = await invited(world, await link_of(inviter))
    await draws(world, friend)
    await granted(inviter, "referral")
    await owner.execute(
        "UPDATE referrals SET told_at = NULL WHERE account_id = $1", friend.account_id
    )

    async def told() -> list[ReferralRewarded]:
        found = await events_about(world, inviter.account_id)
        mine = [one for one in found if isinstance(one, ReferralRewarded)]
        return mine if len(mine) > 1 else []

    again = await until(told, 30, what="the second telling")
    assert len({one.source_id for one in again}) == 1
    assert len(await grants_of(inviter, "referral")) == 1


async def test_only_somebody_new_is_a_friend(world: World) -> None:
    """Who had an account, who comes back after an erasure, oneself: no friends."""
    inviter = await world.person()
    link = await link_of(inviter)
    await invited(world, link, inviter.telegram_id)
    known = await world.person()
    await world.destroy_key(known)
    await invited(world, link, known.telegram_id)
    shown = (await inviter.get("/referrals")).json()
    assert (shown["friends_waiting"], shown["friends_rewarded"]) == (0, 0)


async def test_the_first_inviter_stays(world: World) -> None:
    """A second link changes nothing; neither does one that is somebody's invention."""
    first, second = await world.person(), await world.person()
    friend = await invited(world, await link_of(first))
    await invited(world, await link_of(second), friend.telegram_id)
    await invited(world, "ref_nobody-gave-this", friend.telegram_id)
    assert (await first.get("/referrals")).json()["friends_waiting"] == 1
    assert (await second.get("/referrals")).json()["friends_waiting"] == 0


async def test_an_inviter_is_rewarded_so_often(world: World, owner: asyncpg.Connection) -> None:
    """Over the limit only the friend gets something; an erasure does not begin a new count."""
    inviter = await world.person()
    link = await link_of(inviter)
    mark = await owner.fetchval(
        "SELECT mark FROM identity_marks WHERE account_id = $1", inviter.account_id
    )
    friend = await invited(world, link)
    await owner.execute(
        "INSERT INTO referral_counts (mark, rewards) VALUES ($1, $2)",
        mark,
        world.settings.referral_rewards_max,
    )
    await world.destroy_key(inviter)
    back = await world.person(telegram_id=inviter.telegram_id)
    other = await invited(world, await link_of(back))
    for one in (friend, other):
        await draws(world, one)
        assert [grant["credits"] for grant in await granted(one, "referral")] == [FRIEND]
    assert await grants_of(back, "referral") == []
    assert (await back.get("/referrals")).json()["friends_rewarded"] == 0


async def test_a_banned_inviter_gets_nothing(world: World, owner: asyncpg.Connection) -> None:
    """Whoever is blocked earns nothing by friends, and their link invites nobody."""
    inviter = await world.person()
    link = await link_of(inviter)
    friend = await invited(world, link)
    await owner.execute(
        "UPDATE identity_marks SET banned = true WHERE account_id = $1", inviter.account_id
    )
    late = await invited(world, link)
    await draws(world, friend)
    await granted(friend, "referral")
    assert (
        await owner.fetchval(
            "SELECT inviter_credits FROM referrals WHERE account_id = $1", friend.account_id
        )
        == 0
    )
    assert (
        await owner.fetchrow("SELECT FROM referrals WHERE account_id = $1", late.account_id) is None
    )


async def test_two_that_look_at_once_reward_once(world: World, owner: asyncpg.Connection) -> None:
    """Many gateways look after the same friend: the database decides once."""
    inviter = await world.person()
    friend = await invited(world, await link_of(inviter))
    await draws(world, friend)
    pool = await asyncpg.create_pool(world.database.urls["gateway"], min_size=4, max_size=4)
    try:
        lookers = [Referrals(world.settings, pool, world.producer) for _ in range(4)]
        await asyncio.gather(*(one.turn() for one in lookers))
    finally:
        await pool.close()
    await granted(inviter, "referral")
    assert len(await grants_of(inviter, "referral")) == 1
    assert (
        await owner.fetchval(
            "SELECT max(rewards) FROM referral_counts AS c JOIN identity_marks AS m USING (mark)"
            " WHERE m.account_id = $1",
            inviter.account_id,
        )
        == 1
    )


async def test_programs_invite_nobody(person: Person) -> None:
    """An API key has no friends."""
    key = await person.post("/api-keys", json={"name": "k", "scopes": ["credits:read"]})
    answer = await person.client.get(
        "/referrals", headers={"Authorization": f"Bearer {key.json()['key']}"}
    )
    assert is_problem(answer, 403, "scope-missing")
