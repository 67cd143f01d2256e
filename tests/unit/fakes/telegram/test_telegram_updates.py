"""Updates: webhooks that are told until they accept, and getUpdates."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from runtime.waiting import until
from tests.fakes.telegram.plain import Api, Bot


async def test_blocking_is_an_update(api: Api) -> None:
    """The bot hears of it by `my_chat_member`."""
    anna = api.telegram.person()
    anna.starts()
    anna.blocks_bot()
    updates = await api.ok("getUpdates")
    assert updates[1]["my_chat_member"]["new_chat_member"]["status"] == "kicked"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"url": "http://bot.example/hook"}, "An HTTPS URL must be provided"),
        ({"url": "https://bot.example:9000/hook"}, "only on ports 80, 88, 443 or 8443"),
        ({"url": "nonsense"}, "invalid webhook URL"),
        ({"secret_token": "x" * 257}, "secret token is too long"),
        ({"secret_token": "a b"}, "unallowed characters"),
        ({"allowed_updates": "message"}, "can't parse allowed updates"),
    ],
)
async def test_a_webhook_that_is_refused(api: Api, wrong: dict[str, Any], words: str) -> None:
    """HTTPS on four ports, a secret of 256 plain characters at most."""
    webhook = {"url": "https://bot.example/hook", "secret_token": "ok-_1", **wrong}
    assert words in await api.refused("setWebhook", **webhook)
    assert (await api.ok("getWebhookInfo"))["url"] == ""


async def test_a_webhook_is_told_until_it_accepts(api: Api, bot: Bot) -> None:
    """Every POST carries the secret; after 500 and 302 the same update comes again, once taken."""
    bot.statuses = [500, 302]
    anna = api.telegram.person()
    anna.starts("ref_1")
    await api.telegram.delivered()
    assert [one["message"]["text"] for one in bot.updates] == ["/start ref_1"] * 3
    assert len({one["update_id"] for one in bot.updates}) == 1
    assert set(bot.secrets) == {"s3cret"}
    assert "302" in (await api.ok("getWebhookInfo"))["last_error_message"]


async def test_updates_are_repeated_and_shuffled_on_demand(api: Api, bot: Bot) -> None:
    """Each of 20 arrives 2 to 5 times, none in its place."""
    delivery = api.telegram.updates.delivery
    delivery.is_held = delivery.is_shuffled = True
    delivery.copies_min, delivery.copies_max = 2, 5
    anna = api.telegram.person()
    for at in range(20):
        anna.sends(str(at))
    assert (await api.ok("getWebhookInfo"))["pending_update_count"] == 20
    assert bot.updates == []
    api.telegram.updates.release()
    await api.telegram.delivered()
    came = [int(one["message"]["text"]) for one in bot.updates]
    assert all(2 <= came.count(at) <= 5 for at in range(20))
    assert came != sorted(came)
    delivery.copies_min = delivery.copies_max = 1
    api.telegram.updates.again(bot.updates[0])
    await api.telegram.delivered()
    assert len(bot.updates) == len(came) + 1


async def test_a_webhook_may_answer_with_a_call(api: Api, bot: Bot) -> None:
    """The call is made; where it is refused, nobody hears but the findings."""
    anna = api.telegram.person()
    bot.replies = [{"method": "sendMessage", "chat_id": anna.id, "text": "hi"}]
    anna.starts()
    await anna.sees("hi")
    api.telegram.assert_clean()
    bot.replies = [{"method": "sendMessage", "chat_id": 1, "text": "hi"}]
    anna.sends("x")
    await until(lambda: api.telegram.findings, 5, what="a finding")
    assert "chat not found" in api.telegram.findings[0]


async def test_updates_are_fetched_until_they_are_confirmed(api: Api) -> None:
    """An offset confirms what is below it; types that were not asked for never come."""
    anna = api.telegram.person()
    await api.ok("getUpdates", allowed_updates=["message"])
    for text in ("one", "two", "three"):
        anna.sends(text)
    anna.asks_inline("cats")
    first = await api.ok("getUpdates")
    assert [one["message"]["text"] for one in first] == ["one", "two", "three"]
    assert await api.ok("getUpdates", limit=1) == first[:1]
    assert await api.ok("getUpdates", offset=first[1]["update_id"]) == first[1:]
    assert await api.ok("getUpdates", offset=-1) == first[2:]
    assert await api.ok("getUpdates", offset=first[2]["update_id"] + 1) == []


async def test_a_long_poll_waits_for_an_update(api: Api) -> None:
    """It answers when something happens."""
    anna = api.telegram.person()
    poll = api.call("getUpdates", timeout=30)
    task = asyncio.create_task(poll)
    await until(lambda: api.telegram.updates._polls == 1, 5, what="the poll")
    anna.sends("hi")
    assert (await task)["result"][0]["message"]["text"] == "hi"


async def test_only_one_way_and_one_poll_at_a_time(api: Api, bot: Bot) -> None:
    """409 with a webhook set, to the poll that another follows, and to one that a webhook ends."""
    assert "while webhook is active" in await api.refused("getUpdates")
    await api.ok("deleteWebhook", drop_pending_updates=True)
    first = asyncio.create_task(api.call("getUpdates", timeout=30))
    await until(lambda: api.telegram.updates._polls == 1, 5, what="the poll")
    second = asyncio.create_task(api.call("getUpdates", timeout=30))
    assert "terminated by other getUpdates" in (await first)["description"]
    await api.ok("setWebhook", url=bot.url, secret_token="x")
    assert "terminated by setWebhook" in (await second)["description"]


async def test_groups_have_chats_of_their_own(api: Api) -> None:
    """What is said in a group comes with the group's id and type."""
    group, anna = api.telegram.group("Cats", "group"), api.telegram.person()
    anna.sends("/generate a cat", chat=group)
    message = (await api.ok("getUpdates"))[0]["message"]
    assert message["chat"] == {"id": group.id, "type": "group", "title": "Cats"}
    assert message["entities"] == [{"type": "bot_command", "offset": 0, "length": 9}]
    assert (await api.ok("sendMessage", chat_id=group.id, text="x"))["chat"]["id"] == group.id
