"""Who speaks to the bot: their account, made at `/start` as at a sign-in, and what they chose."""

from __future__ import annotations

import time
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from events.ids import AccountId
from gateway.account.profile import Preferences
from gateway.identity.outside import INVITATION, TELEGRAM, Outside, invitation, shown
from gateway.identity.signed_in import Account
from gateway.telegram.messages import User
from runtime.postgres.pool import Pool, as_account
from runtime.queries import load_queries

if TYPE_CHECKING:
    from gateway.deps import Deps

KEEP_SECONDS: Final = 60.0
"""For how long an account is good for the work on one update."""
PROOF_SECONDS: Final = 24 * 3600.0
"""Telegram keeps an update for no longer, so for so long it proves who wrote it."""

_QUERIES = load_queries(Path(__file__).with_name("who.sql"))


async def account_of(deps: Deps, user: User) -> Account | None:
    """The account that a Telegram user signs in to; None: they have none.

    Raises:
        Problem: it is banned, or was erased a moment ago.
        PixelpopError: the database does not answer.
    """
    account_id = await deps.telegram.hands.account_of(user.id)
    return None if account_id is None else await _opened(deps, account_id)


async def sign_in(
    deps: Deps, user: User, update_id: int, said_at: int, *, start_param: str = ""
) -> Account:
    """Sign in who wrote to the bot; the account is made if there is none.

    What Telegram says under the webhook's secret proves who wrote. The update is used as the proof,
    so that one that comes again after the account was erased makes no other.

    Args:
        deps: parts.
        user: as the update names them.
        update_id: of the update.
        said_at: when they wrote, in seconds since 1970.
        start_param: what the link carried by which they came; somebody's invitation, perhaps.

    Raises:
        Problem: the person is banned, or this update's account is gone.
        PixelpopError: database or log cannot be reached.
    """
    outside = Outside(
        provider=TELEGRAM,
        subject_id=str(user.id),
        digest=sha256(f"telegram update {update_id}".encode()).digest(),
        proved_at=float(said_at),
        good_until=said_at + PROOF_SECONDS,
        first_name=shown(user.first_name),
        last_name=shown(user.last_name),
        username=shown(user.username),
        language=shown(user.language_code, 35),
        means="init_data",
        invited_by=invitation(start_param.removeprefix(INVITATION))
        if start_param.startswith(INVITATION)
        else "",
    )
    signed_in = await deps.sign_in.enter(outside, direct=True)
    return await _opened(deps, signed_in.account_id)


async def preferences_of(pool: Pool, account: Account) -> Preferences:
    """What a person chose; the defaults, where that is not known (yet).

    Raises:
        PixelpopError: the database does not answer.
    """
    async with as_account(pool, account.uuid) as connection:
        chosen = await connection.fetchval(_QUERIES.get_chosen, account.uuid)
    return Preferences() if chosen is None else msgspec.json.decode(chosen, type=Preferences)


async def _opened(deps: Deps, account_id: AccountId) -> Account:
    key = await deps.standings.key_of(account_id)
    return Account(account_id, key, time.monotonic() + KEEP_SECONDS, via="tma", means="init_data")
