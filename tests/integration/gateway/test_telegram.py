"""Telegram's webhook: who may bring updates (threat 23), and what becomes of them."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
import pytest
import pytest_asyncio

from events.ids import fact_id
from events.telegram import TelegramChatChanged
from runtime.waiting import until
from tests.integration.gateway.log import records_about, whole_log
from tests.integration.gateway.problems import is_problem
from tests.integration.gateway.test_limits_by_address import ELSEWHERE, OUTSIDE, PROXY, is_limited
from tests.integration.gateway.world import Gateway, Person, World, another_gateway

PATH = "/telegram/webhook"
HEADER = "X-Telegram-Bot-Api-Secret-Token"
SECRET = "Right_secret-2026"
OTHER_SECRET = "the-next_one"
RIGHT = {HEADER: SECRET}
DATE = 1_767_225_600
_numbers = itertools.count(random.randrange(10**6))


def told(person: Person, *, blocked: bool = True, at: int = 0) -> dict[str, Any]:
    """An update by which a person blocks or unblocks the bot, `at` seconds after the first."""
    user = {"id": person.telegram_id, "is_bot": False, "first_name": "Ada"}
    before, after = ("member", "kicked") if blocked else ("kicked", "member")
    return {
        "update_id": next(_numbers),
        "my_chat_member": {
            "chat": {"id": person.telegram_id, "type": "private", "first_name": "Ada"},
            "from": user,
            "date": DATE + at,
            "old_chat_member": {"status": before, "user": {"id": 1}},
            "new_chat_member": {"status": after, "user": {"id": 1}, "until_date": 0},
        },
    }


async def tell(one: Gateway, update: Any, headers: Any = None, **rest: Any) -> httpx.Response:
    return await one.client.post(PATH, json=update, headers=headers or RIGHT, **rest)


async def facts(world: World, person: Person) -> dict[str, TelegramChatChanged]:
    """What the log holds of a person's chat, by the events' ids."""
    return {
        fact_id(person.account_id, f"telegram:{one.event.update_id}"): one.event
        for one in await records_about(world, person.account_id)
        if isinstance(one.event, TelegramChatChanged)
    }


async def shows(person: Person, *, reachable: bool, at: int) -> None:
    """Wait until the profile says so."""
    second = f"{at // 60:02}:{at % 60:02}"
    expected = {"reachable": reachable, "changed_at": f"2026-01-01T00:{second}.000Z"}

    async def shown() -> bool:
        return bool((await person.get("/me")).json()["telegram"] == expected)

    await until(shown, 15, what=f"the profile to show {expected}")


async def counted(one: Gateway, name: str) -> float:
    """A metric of the gateway's."""
    text = (await one.client.get("/metrics")).text
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))


@asynccontextmanager
async def a_gateway(world: World, **changes: Any) -> AsyncIterator[Gateway]:
    secrets = {"telegram_webhook_secret": f"{SECRET},{OTHER_SECRET}"} | changes
    async with another_gateway(world, **secrets) as one:
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def bot(world: World) -> AsyncIterator[Gateway]:
    """A gateway that was given the secrets."""
    async with a_gateway(world) as one:
        yield one


async def test_blocking_shows_in_the_profile(world: World, bot: Gateway, person: Person) -> None:
    """Who blocks the bot and takes it back sees both in the profile; before, nothing is known."""
    assert (await person.get("/me")).json()["telegram"] is None
    answer = await tell(bot, told(person, at=1))
    assert (answer.status_code, answer.content) == (200, b""), answer.text
    await shows(person, reachable=False, at=1)
    assert (await tell(bot, told(person, blocked=False, at=2))).status_code == 200
    await shows(person, reachable=True, at=2)
    found = (await facts(world, person)).values()
    assert [(one.reachable, one.occurred_at_ms) for one in found] == [
        (False, (DATE + 1) * 1000),
        (True, (DATE + 2) * 1000),
    ]
    assert str(person.telegram_id) not in msgspec.json.encode(list(found)).decode()


@pytest.mark.parametrize(
    "shown",
    [
        [],
        [(HEADER, "")],
        [(HEADER, "wrong")],
        [(HEADER, SECRET[:-1])],
        [(HEADER, SECRET + "x")],
        [(HEADER, SECRET.swapcase())],
        [(HEADER, f"{SECRET},{OTHER_SECRET}")],
        [(HEADER, SECRET), (HEADER, SECRET)],
        [(HEADER, SECRET), (HEADER, "wrong")],
        [(HEADER, b"R\xefght_secret-2026")],
        [("Authorization", f"Bearer {SECRET}")],
        [("X-Telegram-Secret-Token", SECRET)],
    ],
    ids=[
        *("missing", "empty", "wrong", "shortened", "lengthened", "other-case", "both-at-once"),
        *("repeated", "one-of-two", "no-ascii", "as-a-token", "other-header"),
    ],
)
async def test_23_without_the_secret_nothing_happens(
    world: World, bot: Gateway, person: Person, shown: list[tuple[str, Any]]
) -> None:
    """Threat 23: an update without exactly the secret is refused and counted; nothing is kept."""
    before = await counted(bot, "pixelpop_gateway_telegram_refused_total")
    headers = httpx.Headers([(name, one) for name, one in shown])
    answer = await bot.client.post(PATH, json=told(person), headers=headers)
    is_problem(answer, 401, "webhook-secret-invalid")
    assert await counted(bot, "pixelpop_gateway_telegram_refused_total") == before + 1
    assert await facts(world, person) == {}


async def test_23_the_secret_counts_in_its_header_only(
    world: World, bot: Gateway, person: Person
) -> None:
    """Threat 23: the right secret in the address or in the body opens nothing."""
    update = told(person)
    query = {"secret_token": SECRET, HEADER: SECRET}
    answer = await bot.client.post(PATH, json=update, params=query)
    is_problem(answer, 401, "webhook-secret-invalid")
    answer = await bot.client.post(PATH, json=update, headers={"Cookie": f"{HEADER}={SECRET}"})
    is_problem(answer, 401, "webhook-secret-invalid")
    body = update | {"secret_token": SECRET, HEADER: SECRET}
    is_problem(await bot.client.post(PATH, json=body), 401, "webhook-secret-invalid")
    assert await facts(world, person) == {}


async def test_23_the_body_is_not_waited_for(bot: Gateway) -> None:
    """Threat 23: a wrong secret is refused while none of the body has come."""
    reader, writer = await asyncio.open_connection("127.0.0.1", bot.port)
    try:
        writer.write(
            f"POST {PATH} HTTP/1.1\r\nHost: test\r\n{HEADER}: wrong\r\n"
            "Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n".encode()
        )
        await writer.drain()
        async with asyncio.timeout(5):
            assert (await reader.readline()).startswith(b"HTTP/1.1 401")
    finally:
        writer.close()


async def test_either_secret_opens_while_one_replaces_the_other(
    world: World, bot: Gateway, person: Person
) -> None:
    """Of two secrets that are set, each lets Telegram in."""
    for secret in (SECRET, OTHER_SECRET):
        assert (await tell(bot, told(person), {HEADER: secret})).status_code == 200
    assert len(await facts(world, person)) == 2


async def test_23_where_no_secret_is_set_nobody_comes_in(world: World, person: Person) -> None:
    """Threat 23: without TELEGRAM_WEBHOOK_SECRET the address says so, whatever is shown."""
    for headers in ({}, {HEADER: ""}, RIGHT):
        answer = await world.client.post(PATH, json=told(person), headers=headers)
        is_problem(answer, 404, "telegram-not-configured")
    assert await facts(world, person) == {}


async def test_23_guesses_are_limited_and_telegram_is_not(world: World, person: Person) -> None:
    """Threat 23: an address that guesses is stopped; Telegram, by its secret, never is."""
    changes = {"limit_failures_per_minute": 3, "limit_address_per_minute": 6}
    async with a_gateway(world, trusted_proxies=PROXY, **changes) as one:
        for guess in range(3):
            wrong = OUTSIDE | {HEADER: f"guess-{guess}"}
            is_problem(await tell(one, told(person), wrong), 401, "webhook-secret-invalid")
        is_limited(await tell(one, told(person), OUTSIDE | {HEADER: "x"}), "refused-credentials")
        for address in (OUTSIDE, ELSEWHERE):
            for _ in range(10):
                assert (await tell(one, told(person), address | RIGHT)).status_code == 200
    assert len(await facts(world, person)) == 20


async def test_what_cannot_be_read_shows(world: World, bot: Gateway) -> None:
    """What is no update is a 4xx, which Telegram shows to the operator, never a 5xx."""
    headers = RIGHT | {"Content-Type": "application/json"}
    for body, status, code in (
        (b"", 400, "malformed-json"),
        (b"{", 400, "malformed-json"),
        (b'{"update_id": 1, "edited_message": ' + b"[" * 60_000, 400, "body-too-deep"),
        (b"[]", 422, "invalid-request"),
        (b'{"update_id": "1"}', 422, "invalid-request"),
        (b'{"update_id": 1, "my_chat_member": {"chat": {}}}', 422, "invalid-request"),
        (b"x" * 1_100_000, 413, "body-too-large"),
    ):
        answer = await bot.client.post(PATH, content=body, headers=headers)
        is_problem(answer, status, code)
    large = {"update_id": next(_numbers), "edited_message": {"text": "я" * 100_000}}
    assert (await tell(bot, large)).status_code == 200


async def test_what_nobody_handles_is_taken_and_counted(
    world: World, bot: Gateway, person: Person
) -> None:
    """Other kinds, other chats and strangers are answered 200, counted by kind, and no fact."""
    name = 'pixelpop_gateway_telegram_updates_total{kind="%s",outcome="%s"}'
    group = told(person)
    group["my_chat_member"]["chat"]["type"] = "supergroup"
    stranger = told(person)
    stranger["my_chat_member"]["chat"]["id"] = 1
    message = {"chat": {"id": person.telegram_id, "type": "private"}, "text": "/start"}
    for update, kind, outcome in (
        (
            {"update_id": next(_numbers), "edited_message": message},
            "edited_message",
            "not_handled",
        ),
        ({"update_id": next(_numbers), "new_in_2030": {}}, "other", "not_handled"),
        ({"update_id": next(_numbers)}, "other", "not_handled"),
        (group, "my_chat_member", "without_effect"),
        (stranger, "my_chat_member", "without_effect"),
    ):
        before = await counted(bot, name % (kind, outcome))
        assert (await tell(bot, update)).status_code == 200
        assert await counted(bot, name % (kind, outcome)) == before + 1
    assert await facts(world, person) == {}


async def test_an_erased_person_is_nobody(world: World, bot: Gateway, person: Person) -> None:
    """After the erasure an update finds no account, and is taken all the same."""
    await person.delete("/me")
    assert (await tell(bot, told(person))).status_code == 200
    assert await facts(world, person) == {}


async def test_repeated_and_shuffled_over_a_restart(world: World, person: Person) -> None:
    """Each of six updates five times, in any order, over two gateways' lives: six events, and
    the newest by Telegram's clock is what the profile shows.
    """
    updates = [told(person, blocked=n % 2 == 0, at=n) for n in range(6)]
    deliveries = updates * 5
    random.Random(23).shuffle(deliveries)
    for part in (deliveries[:15], deliveries[15:]):
        async with a_gateway(world) as one:
            answers = await asyncio.gather(*(tell(one, update) for update in part))
            assert {answer.status_code for answer in answers} == {200}
    records = [
        one
        for one in await whole_log(world, {person.account_id})
        if isinstance(one.event, TelegramChatChanged)
    ]
    assert len({one.value for one in records}) == len(updates)
    assert await facts(world, person) == {
        fact_id(person.account_id, f"telegram:{one['update_id']}"): TelegramChatChanged(
            account_id=person.account_id,
            occurred_at_ms=one["my_chat_member"]["date"] * 1000,
            reachable=one["my_chat_member"]["new_chat_member"]["status"] == "member",
            update_id=one["update_id"],
        )
        for one in updates
    }
    await shows(person, reachable=True, at=5)


async def test_hundreds_at_once(world: World, bot: Gateway) -> None:
    """Of 300 updates at once about ten people none is lost and none is there twice."""
    people = [await world.person() for _ in range(10)]
    updates = [told(one, blocked=n % 2 == 0, at=n) for n in range(30) for one in people]
    random.Random(5).shuffle(updates)
    answers = await asyncio.gather(*(tell(bot, update) for update in updates))
    assert {answer.status_code for answer in answers} == {200}
    records = [
        one.event.update_id
        for one in await whole_log(world, {one.account_id for one in people})
        if isinstance(one.event, TelegramChatChanged)
    ]
    assert sorted(records) == sorted(one["update_id"] for one in updates)
    for one in people:
        await shows(one, reachable=True, at=29)
