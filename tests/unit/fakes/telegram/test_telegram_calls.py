"""Calls to the double of the Telegram Bot API: how they come in, who may make them how often."""

from __future__ import annotations

import json

import aiohttp
import pytest

from tests.fakes.telegram.plain import Api


async def test_a_call_may_come_in_any_of_the_four_ways(api: Api) -> None:
    """JSON, a form, multipart and the query string mean the same, nested objects included."""
    anna = api.telegram.person()
    anna.starts()
    rows = {"inline_keyboard": [[{"text": "Again", "callback_data": "again"}]]}
    flat = {"chat_id": str(anna.id), "text": "hi", "reply_markup": json.dumps(rows)}
    url = f"{api.telegram.base_url}/bot{api.telegram.token}/sendMessage"
    parts = aiohttp.FormData(flat, default_to_multipart=True)
    await api.ok("sendmessage", chat_id=anna.id, text="hi", reply_markup=rows)
    for body in (flat, parts):
        async with api.session.post(url, data=body) as answer:
            assert (await answer.json())["ok"]
    async with api.session.get(url, params=flat) as answer:
        assert (await answer.json())["ok"]
    assert [one["text"] for one in anna.inbox] == ["hi"] * 4
    assert all(one["reply_markup"] == rows for one in anna.inbox)
    assert len(api.telegram.calls_of("sendMessage")) == 4


async def test_a_wrong_token_or_method_is_refused(api: Api) -> None:
    """A token is checked first (401), then the method's name (404)."""
    for token, code in (("123:wrong", 401), ("wrong", 401), (api.telegram.token, 404)):
        async with api.session.post(f"{api.telegram.base_url}/bot{token}/sendFax") as answer:
            assert (await answer.json())["error_code"] == answer.status == code
    url = f"{api.telegram.base_url}/bot{api.telegram.token}/getMe"
    async with api.session.post(url, data="{", headers={"content-type": "application/json"}) as no:
        assert no.status == 400
    assert (await api.ok("getMe"))["is_bot"]


async def test_an_unknown_parameter_is_ignored_and_found(api: Api) -> None:
    """Telegram forgives a misspelt parameter; tests do not."""
    api.telegram.assert_clean()
    await api.ok("getMe", chatid=1)
    with pytest.raises(AssertionError, match="chatid"):
        api.telegram.assert_clean()


async def test_who_cannot_be_written_to(api: Api) -> None:
    """No chat, none begun, blocked and deactivated are told apart."""
    anna = api.telegram.person()
    send = {"chat_id": anna.id, "text": "hi"}
    unknown = {"chat_id": 5, "text": "hi"}
    assert await api.refused("sendMessage", **unknown) == "Bad Request: chat not found"
    assert await api.refused("sendMessage", text="hi") == "Bad Request: chat_id is empty"
    assert "can't initiate conversation" in await api.refused("sendMessage", **send)
    anna.starts()
    await api.ok("sendMessage", **send)
    anna.blocks_bot()
    assert await api.refused("sendMessage", **send) == "Forbidden: bot was blocked by the user"
    anna.unblocks_bot()
    await api.ok("sendMessage", **send)
    anna.deactivates()
    assert await api.refused("sendMessage", **send) == "Forbidden: user is deactivated"


async def test_messages_faster_than_the_limits(api: Api) -> None:
    """The second message of a second to a chat is a 429, and so is the thirty-first to anybody."""
    people = [api.telegram.person(f"P{at}") for at in range(31)]
    for one in people:
        one.starts()
    api.telegram.rules.per_chat_second, api.telegram.rules.per_second = 1.0, 30.0
    # The clock stands still, so that a slow machine changes nothing.
    now = api.telegram.clock.now()
    api.telegram.clock.now = lambda: now  # type: ignore[method-assign]  # a stopped clock
    await api.ok("sendMessage", chat_id=people[0].id, text="1")
    no = await api.call("sendMessage", chat_id=people[0].id, text="2")
    assert (no["error_code"], no["parameters"]) == (429, {"retry_after": 1})
    assert no["description"] == "Too Many Requests: retry after 1"
    api.telegram.assert_clean()
    await api.refused("sendMessage", chat_id=people[0].id, text="2")
    assert "before retry_after" in api.telegram.findings[0]
    for one in people[1:30]:
        await api.ok("sendMessage", chat_id=one.id, text="x")
    no = await api.call("sendMessage", chat_id=people[30].id, text="x")
    assert no["parameters"] == {"retry_after": 1}
    now += 1
    await api.ok("sendMessage", chat_id=people[30].id, text="x")
    await api.ok("sendMessage", chat_id=people[0].id, text="2")


async def test_faults_on_demand(api: Api) -> None:
    """A dropped call did nothing, a lost answer did it, a 429 says when, and each counts once."""
    anna = api.telegram.person()
    anna.starts()
    send = {"chat_id": anna.id, "text": "x"}
    api.telegram.faults["sendMessage"] = ["drop", "lost", "429:7", "500", "late:0.01", ""]
    for written in (0, 1):
        with pytest.raises(aiohttp.ClientError):
            await api.call("sendMessage", **send)
        assert len(anna.inbox) == written
    assert (await api.call("sendMessage", **send))["parameters"] == {"retry_after": 7}
    assert await api.refused("sendMessage", **send) == "Internal Server Error"
    assert len(anna.inbox) == 1
    for _ in range(2):
        await api.ok("sendMessage", **send)
    codes = [one.code for one in api.telegram.calls if one.method == "sendMessage"]
    assert codes == [0, 200, 429, 500, 200, 200]
