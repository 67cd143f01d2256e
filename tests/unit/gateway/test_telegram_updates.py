"""Updates of Telegram's: what is read of them, and what is only counted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.codec import Event
from events.ids import AccountId
from events.telegram import TelegramChatChanged
from gateway.telegram import chat_member
from gateway.telegram.handlers import HANDLERS
from gateway.telegram.updates import KINDS, OTHER, Update, read_update
from gateway.web.errors import Problem

JSON = [(b"content-type", b"application/json")]
ACCOUNT = AccountId("00000000-0000-4000-8000-000000000001")
BLOCKED: dict[str, Any] = {
    "update_id": 7,
    "my_chat_member": {
        "chat": {"id": 42, "type": "private", "first_name": "Ada"},
        "from": {"id": 42, "is_bot": False, "first_name": "Ada"},
        "date": 1_767_225_600,
        "old_chat_member": {"status": "member", "user": {"id": 1}},
        "new_chat_member": {"status": "kicked", "user": {"id": 1}, "until_date": 0},
    },
}


class Hands:
    """Knows one person, and keeps what is appended."""

    def __init__(self) -> None:
        self.appended: list[tuple[Event, int]] = []

    async def account_of(self, telegram_id: int) -> AccountId | None:
        return ACCOUNT if telegram_id == 42 else None

    async def append(self, event: Event, update_id: int) -> None:
        self.appended.append((event, update_id))


def read(body: Any, headers: Any = None) -> tuple[Update, str]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_update(JSON if headers is None else headers, raw)


def blocked(**changes: Any) -> dict[str, Any]:
    return BLOCKED | {"my_chat_member": BLOCKED["my_chat_member"] | changes}


async def handled(body: Any) -> tuple[bool, Any]:
    hands: Any = Hands()
    update, _ = read(body)
    return await chat_member.handle(hands, update), hands.appended


@pytest.mark.parametrize(("status", "reachable"), [("kicked", False), ("member", True)])
async def test_who_blocks_the_bot_is_not_reachable(status: str, reachable: bool) -> None:
    """A private chat's new status is a fact of that person's account, at Telegram's time."""
    done, appended = await handled(blocked(new_chat_member={"status": status}))
    assert done
    assert appended == [
        (
            TelegramChatChanged(
                account_id=ACCOUNT,
                occurred_at_ms=1_767_225_600_000,
                reachable=reachable,
                update_id=7,
            ),
            7,
        )
    ]


@pytest.mark.parametrize(
    "body",
    [
        {"update_id": 7},
        blocked(chat={"id": 42, "type": "group"}),
        blocked(chat={"id": 42, "type": "something_new"}),
        blocked(chat={"id": -100_123, "type": "channel"}),
        blocked(chat={"id": 43, "type": "private"}),
        blocked(new_chat_member={"status": "something_new"}),
    ],
)
async def test_what_is_about_nobody_changes_nothing(body: Any) -> None:
    """Groups, strangers, new chat types and new statuses are taken without a fact."""
    assert await handled(body) == (False, [])


@pytest.mark.parametrize("kind", sorted(KINDS - HANDLERS.keys()))
def test_every_other_kind_is_taken(kind: str) -> None:
    """A kind that nobody handles is told by its name, whatever it holds."""
    for content in ({}, {"my_chat_member": 1}, [], None, 7, {"chat": {"type": "new"}}):
        assert read({"update_id": 1, kind: content})[1] == kind


def test_kinds_that_nobody_knows_share_one_name() -> None:
    """What Telegram adds some day, or nothing at all, is counted as one."""
    assert read({"update_id": 1, "added_in_2030": {"a": [1]}})[1] == OTHER
    assert read({"update_id": 1})[1] == OTHER
    assert read(BLOCKED)[1] == "my_chat_member"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "malformed-json"),
        (b"{", "malformed-json"),
        (b"\xff", "malformed-json"),
        (b'{"update_id": 1, "message": }', "malformed-json"),
        (b'{"update_id": 1, "edited_message": ' + b"[" * 60_000, "body-too-deep"),
        (b"[]", "invalid-request"),
        (b"7", "invalid-request"),
        ({}, "invalid-request"),
        ({"update_id": "7"}, "invalid-request"),
        ({"update_id": -1}, "invalid-request"),
        ({"update_id": 1.5}, "invalid-request"),
        ({"update_id": True}, "invalid-request"),
        ({"update_id": 2**63}, "invalid-request"),
        ({"update_id": 10**400}, "invalid-request"),
        ({"update_id": 1, "my_chat_member": None}, "invalid-request"),
        ({"update_id": 1, "my_chat_member": {}}, "invalid-request"),
        (blocked(date=-1), "invalid-request"),
        (blocked(date=2**62), "invalid-request"),
    ],
)
def test_what_is_no_update_is_refused(body: Any, code: str) -> None:
    """What cannot be read is a refusal that shows, never a failure of ours."""
    with pytest.raises(Problem) as caught:
        read(body)

    assert caught.value.code == code


def test_only_json_is_read() -> None:
    """Another media type is refused."""
    with pytest.raises(Problem) as caught:
        read(BLOCKED, [(b"content-type", b"text/plain")])
    assert caught.value.code == "unsupported-media-type"


@given(body=st.binary(max_size=200))
def test_no_bytes_break_the_reader(body: bytes) -> None:
    """Whatever bytes come, they are an update or a refusal."""
    try:
        update, kind = read(body)
    except Problem:
        return
    assert update.update_id >= 0
    assert kind in KINDS | {OTHER}
