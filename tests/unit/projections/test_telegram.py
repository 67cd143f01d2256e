"""Chats with the bot as rows: the newest by Telegram's clock wins, in any order."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from events.accounts import AccountErased
from events.ids import AccountId
from events.state import Account
from events.telegram import TelegramChatChanged
from projections.place import Place
from projections.telegram import TelegramChats

ACCOUNT = AccountId("00000000-0000-4000-8000-000000000001")
PLACE = Place(0, 0, 0, "0" * 64)
changes = st.lists(
    st.builds(
        TelegramChatChanged,
        account_id=st.just(ACCOUNT),
        occurred_at_ms=st.integers(0, 3),
        reachable=st.booleans(),
        update_id=st.integers(0, 3),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda one: (one.occurred_at_ms, one.update_id),
)


def fold(chats: TelegramChats, *events: Any) -> TelegramChats:
    handlers, before = chats.handlers(), Account(account_id=ACCOUNT)
    for event in events:
        handlers[type(event)](event, before, before, PLACE)
    return chats


@given(told=changes, data=st.data())
def test_the_newest_wins_in_any_order(told: list[TelegramChatChanged], data: st.DataObject) -> None:
    """However often and in whatever order changes are told, the last by date and number counts."""
    again = data.draw(st.permutations([*told, *told]))
    newest = max(told, key=lambda one: (one.occurred_at_ms, one.update_id))
    row = fold(TelegramChats(), *again).rows[ACCOUNT]
    assert (row.changed_at_ms, row.update_id) == (newest.occurred_at_ms, newest.update_id)
    assert row.reachable == newest.reachable


def test_an_erased_account_has_no_row() -> None:
    """The erasure takes the row of its own batch too."""
    told = TelegramChatChanged(account_id=ACCOUNT, occurred_at_ms=1, reachable=False, update_id=1)
    erased = AccountErased(account_id=ACCOUNT, occurred_at_ms=2, reason="user")
    assert fold(TelegramChats(), told, erased).rows == {}
