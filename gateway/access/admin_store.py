"""What admins do to accounts beside roles and keys: ban them, lift bans, admit API customers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

from events.accounts import UserRegistered
from events.admin import AccountBanned, AccountUnbanned, CustomerAdmitted
from events.ids import AccountId, fact_id
from gateway.access.acts import Draft, Told
from gateway.access.roles import lock
from runtime.crypto.keys import new_account_key, wrap
from runtime.crypto.master import MasterKeys, identity_mark
from runtime.postgres.pool import Connection
from runtime.queries import load_queries

QUERIES = load_queries(Path(__file__).with_name("admin.sql"))
CUSTOMER: Final = "customer"
"""The provider of the mark that a customer's account has for itself."""
ACTIVE: Final = "active"
BANNED: Final = "banned"


async def set_banned(
    connection: Connection,
    account_id: AccountId,
    draft: Draft,
    masters: MasterKeys,
    *,
    banned: bool,
) -> Sequence[Told]:
    """Ban an account and its person, or lift the ban; already so, nothing happens.

    Raises:
        Problem: there is no such account.
    """
    uuid = UUID(account_id)
    await lock(connection, uuid)
    links = await connection.fetch(QUERIES.get_links, uuid)
    marks = [identity_mark(masters, row["provider"], row["subject_id"]) for row in links]
    if not await connection.fetchval(QUERIES.ban_account, uuid, marks, banned):
        return []
    if banned:
        return [draft.event(AccountBanned, before=[ACTIVE], after=[BANNED])]
    return [draft.event(AccountUnbanned, before=[BANNED], after=[ACTIVE])]


class NewCustomer:
    """An account for an API customer that is about to be made."""

    def __init__(self, masters: MasterKeys) -> None:
        self._masters = masters
        self.account_id = AccountId(str(uuid4()))
        self.key = new_account_key()

    async def add(self, connection: Connection) -> None:
        """Make its identity, which nobody signs in to."""
        uuid = UUID(self.account_id)
        await connection.execute(
            QUERIES.admit_customer,
            uuid,
            identity_mark(self._masters, CUSTOMER, self.account_id),
            wrap(self._masters.current, self.key, uuid),
            self._masters.current.id,
        )

    def events(
        self, name: str, actor: AccountId, reason: str, now_ms: int
    ) -> tuple[Draft, list[Told]]:
        """What the log is told of it; the draft makes further events of the same act."""
        draft = Draft(self.account_id, self.key, actor, reason, now_ms)
        registered_id = fact_id(self.account_id, "registered")
        registered = UserRegistered(
            account_id=self.account_id,
            occurred_at_ms=now_ms,
            welcome_credits=0,
            display_name=draft.sealed(name, registered_id, "display_name"),
        )
        admitted = draft.event(CustomerAdmitted, after=[ACTIVE])
        return draft, [Told(registered_id, registered), admitted]
