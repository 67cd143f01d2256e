"""An update is answered once what follows from it is in the log, and not before."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import msgspec
import pytest

from events.ids import AccountId, fact_id
from gateway.telegram.hands import Hands
from gateway.telegram.receiving import Telegram
from runtime.kafka.errors import AppendUnknown
from runtime.kafka.records import Outgoing, Position
from runtime.settings import Settings
from runtime.waiting import until

ACCOUNT = AccountId("00000000-0000-4000-8000-000000000001")
HEADERS = [(b"content-type", b"application/json")]
BLOCKED = json.dumps(
    {
        "update_id": 7,
        "my_chat_member": {
            "chat": {"id": 42, "type": "private"},
            "date": 1_767_225_600,
            "new_chat_member": {"status": "kicked"},
        },
    }
).encode()


class Log:
    """Takes a record once it is let, or refuses it."""

    def __init__(self) -> None:
        self.asked: list[Outgoing] = []
        self.acked = asyncio.Event()
        self.error: Exception | None = None

    async def append(self, _topic: str, outgoing: Outgoing) -> Position:
        self.asked.append(outgoing)
        await self.acked.wait()
        if self.error is not None:
            raise self.error
        return Position(0, 0, 0)


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def telegram(log: Log, monkeypatch: pytest.MonkeyPatch) -> Telegram:
    async def account_of(_self: Hands, _telegram_id: int) -> AccountId:
        return ACCOUNT

    monkeypatch.setattr(Hands, "account_of", account_of)
    pool: Any = None
    return Telegram(msgspec.structs.replace(Settings(), telegram_webhook_secret="x"), pool, log)


async def test_it_waits_for_the_log(telegram: Telegram, log: Log) -> None:
    """The answer waits until the broker has the fact; its id is made of account and update."""
    taking = asyncio.create_task(telegram.take(HEADERS, BLOCKED))
    await until(lambda: bool(log.asked), 5, what="the append")
    assert not taking.done()
    log.acked.set()
    await taking
    (record,) = log.asked
    assert record.key == ACCOUNT.encode()
    assert dict(record.headers)["ce_id"] == fact_id(ACCOUNT, "telegram:7").encode()


async def test_a_lost_append_is_no_answer(telegram: Telegram, log: Log) -> None:
    """Where nobody knows whether it is kept the update is not answered well; sent again, it makes
    the same record.
    """
    log.acked.set()
    log.error = AppendUnknown("lost")
    with pytest.raises(AppendUnknown):
        await telegram.take(HEADERS, BLOCKED)
    log.error = None
    await telegram.take(HEADERS, BLOCKED)
    first, second = log.asked
    named = {"ce_id", "ce_time", "ce_type", "ce_subject"}
    assert (first.key, first.value) == (second.key, second.value)
    assert [one for one in first.headers if one[0] in named] == [
        one for one in second.headers if one[0] in named
    ]
