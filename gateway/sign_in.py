"""From a checked outside identity to an account: found, or made with a key of its own.

`UserRegistered` is appended when the account is new, and again at the next sign-in if a crash came
between the append and the note that it was acked; its id is deterministic, so it counts once.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

import msgspec

from events.accounts import UserRegistered
from events.base import Sealed
from events.ids import AccountId, EventId, fact_id
from gateway.errors import Problem
from gateway.events_out import EVENTS, outgoing
from gateway.init_data import TelegramUser, check_init_data
from runtime.crypto.keys import AccountKeys, new_account_key, unwrap, wrap
from runtime.crypto.master import MasterKeys, identity_mark
from runtime.crypto.sealing import seal
from runtime.errors import SettingsError
from runtime.kafka.clock import BrokerClock
from runtime.kafka.records import Position
from runtime.postgres.pool import Pool, as_account, transaction
from runtime.queries import load_queries
from runtime.settings import Settings

if TYPE_CHECKING:
    from gateway.deps import Log

TELEGRAM: Final = "telegram"
_QUERIES = load_queries(Path(__file__).with_name("sign_in.sql"))


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """Who signed in."""

    account_id: AccountId
    user: TelegramUser
    good_until: float
    """When the init data gets too old, in seconds since 1970."""
    registered_at: Position | None
    """Where this sign-in's `UserRegistered` stands; None if there was nothing to append."""
    welcomed: bool
    """Whether that one brings the welcome grant."""


class SignIn:
    """Signs people in by Telegram init data.

    Args:
        settings: bot token, ages, welcome credits.
        pool: holds the identities.
        log: where new accounts are told.
        keys: told of every account's key that is opened or made.
        masters: wrap keys and make marks.
        clock: the broker's time.
    """

    def __init__(
        self,
        settings: Settings,
        pool: Pool,
        log: Log,
        keys: AccountKeys,
        masters: MasterKeys,
        clock: BrokerClock,
    ) -> None:
        if not settings.telegram_bot_token:
            raise SettingsError("TELEGRAM_BOT_TOKEN is not set.")
        self._bot_token = settings.telegram_bot_token
        self._settings = settings
        self._pool = pool
        self._log = log
        self._keys = keys
        self._masters = masters
        self._clock = clock

    async def telegram(self, init_data: str) -> SignedIn:
        """Sign in whom the init data names.

        Raises:
            InitDataInvalid, InitDataExpired: it cannot be used.
            Problem: the person is banned.
            PixelpopError: database or log cannot be reached.
        """
        checked = check_init_data(
            init_data,
            bot_token=self._bot_token,
            now_seconds=time.time(),
            max_age_seconds=self._settings.init_data_max_age_seconds,
            skew_seconds=self._settings.init_data_skew_seconds,
        )
        user = checked.user
        row, account_id = await self._find_or_make(str(user.id))
        registered_at = None
        if not row["registered"]:
            welcome = self._settings.welcome_credits if row["welcome"] else 0
            # Finished even if the client goes away: half of it would wait for the next sign-in.
            registered_at = await asyncio.shield(self._register(account_id, user, welcome))
        return SignedIn(
            account_id=AccountId(str(account_id)),
            user=user,
            good_until=checked.auth_date + self._settings.init_data_max_age_seconds,
            registered_at=registered_at,
            welcomed=bool(row["welcome"]) and self._settings.welcome_credits > 0,
        )

    async def _find_or_make(self, subject_id: str) -> tuple[dict[str, object], UUID]:
        offered_id, offered_key = uuid4(), new_account_key()
        async with transaction(self._pool) as connection:
            row = await connection.fetchrow(
                _QUERIES.sign_in,
                TELEGRAM,
                subject_id,
                identity_mark(self._masters, TELEGRAM, subject_id),
                offered_id,
                wrap(self._masters.current, offered_key, offered_id),
                self._masters.current.id,
            )
        if row["banned"] or row["account_id"] is None:
            raise Problem("account-banned", "This account is blocked. Write to support.")
        account_id: UUID = row["account_id"]
        self._keys.put(account_id, unwrap(self._masters, row["wrapped_key"], account_id))
        return dict(row), account_id

    async def _register(self, account_id: UUID, user: TelegramUser, welcome: int) -> Position:
        name = AccountId(str(account_id))
        event_id = fact_id(name, "registered")
        now_ms = self._clock.now_ms()
        event = UserRegistered(
            account_id=name,
            occurred_at_ms=now_ms,
            welcome_credits=welcome,
            display_name=await self._sealed_name(account_id, event_id, user),
            language=user.language_code or None,
        )
        position = await self._log.append(
            EVENTS, outgoing(event, event_id, correlation_id=name, time_ms=now_ms)
        )
        async with as_account(self._pool, account_id) as connection:
            await connection.execute(_QUERIES.set_registered, account_id)
        return position

    async def _sealed_name(
        self, account_id: UUID, event_id: EventId, user: TelegramUser
    ) -> Sealed | None:
        if not user.display_name:
            return None
        return Sealed(
            seal(
                await self._keys.get(account_id),
                user.display_name,
                account_id=account_id,
                event_id=UUID(event_id),
                field="display_name",
            )
        )
