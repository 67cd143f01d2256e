"""The profile of who asks: what is known of the person, what was chosen, what was agreed to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec

from commands.consents import DOCUMENTS
from events.ids import fact_id
from gateway.api.documents import Id, Time, at, says
from gateway.identity.signed_in import Account
from runtime.crypto.sealing import Unsealable, unseal
from runtime.postgres.pool import Pool, as_account
from runtime.queries import load_queries

QUERIES = load_queries(Path(__file__).with_name("me.sql"))
TELEGRAM: Final = "telegram"


class Preferences(msgspec.Struct, frozen=True, kw_only=True):
    """What was chosen; what never was has its default."""

    language: Annotated[
        str | None, says("An IETF language tag; null: as Telegram says, see `language` above.")
    ] = None
    default_style_id: Annotated[str | None, says("Of GET /styles.")] = None
    default_size: Annotated[str | None, says("WIDTHxHEIGHT in pixels.")] = None
    notifications: Annotated[bool, says("Whether the bot may write when pictures are done.")] = True
    analytics: Annotated[bool, says("False: left out of analyses.")] = True
    prompt_in_files: Annotated[
        bool, says("Whether the files of new pictures hold the prompt, for whoever gets them.")
    ] = False


class ConsentDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One document that can be agreed to, and what this person said to it."""

    purpose: str
    current_version: Annotated[str, says("The one that can be agreed to now.")]
    required: Annotated[bool, says("Whether the service is meant for who agreed to it.")]
    version: Annotated[str | None, says("The one that was agreed to last.")] = None
    given_at: Time | None = None
    withdrawn_at: Annotated[Time | None, says("Since when it no longer holds.")] = None


class TelegramDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The chat with the bot."""

    reachable: Annotated[bool, says("Whether the bot may write; false: it was blocked.")]
    changed_at: Annotated[Time | None, says("Since when, by Telegram's clock.")] = None


class MeDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks; shown to that person only."""

    id: Id
    telegram_id: Annotated[int | None, says("Null for who came another way.")] = None
    display_name: Annotated[str | None, says("As at the first sign-in.")] = None
    language: Annotated[str | None, says("The chosen one, else as at the first sign-in.")] = None
    registered_at: Time | None = None
    roles: tuple[str, ...] = ()
    preferences: Preferences = Preferences()
    consents: tuple[ConsentDocument, ...] = ()
    telegram: Annotated[
        TelegramDocument | None, says("Null until Telegram tells of the chat with the bot.")
    ] = None


async def profile_of(pool: Pool, account: Account) -> MeDocument:
    """The profile as the read models have it.

    Raises:
        PixelpopError: the database does not answer.
    """
    async with as_account(pool, account.uuid) as connection:
        row = await connection.fetchrow(QUERIES.get_me, account.uuid)
        consents = await connection.fetch(QUERIES.get_consents, account.uuid)
        identity = await connection.fetchrow(QUERIES.get_identity, account.uuid)
        chat = await connection.fetchrow(QUERIES.get_chat, account.uuid)
    chosen = Preferences()
    if row is not None and row["chosen"] is not None:
        chosen = msgspec.json.decode(row["chosen"], type=Preferences)
    from_telegram = identity is not None and identity["provider"] == TELEGRAM
    return MeDocument(
        id=account.account_id,
        telegram_id=int(identity["subject_id"]) if from_telegram else None,
        display_name=None if row is None else _opened_name(account, row["display_name"]),
        language=chosen.language or (None if row is None else row["language"]),
        registered_at=None if row is None else at(row["registered_at_ms"]),
        roles=tuple(sorted(account.roles)),
        preferences=chosen,
        consents=_consents(consents),
        telegram=None
        if chat is None
        else TelegramDocument(reachable=chat["reachable"], changed_at=at(chat["changed_at_ms"])),
    )


def _consents(rows: list[Any]) -> tuple[ConsentDocument, ...]:
    said = {row["purpose"]: row for row in rows}
    documents = []
    for one in DOCUMENTS:
        row = said.get(one.purpose)
        documents.append(
            ConsentDocument(
                purpose=one.purpose,
                current_version=one.version,
                required=one.required,
                version=None if row is None else row["version"],
                given_at=None if row is None else at(row["given_at_ms"]),
                withdrawn_at=None if row is None else at(row["withdrawn_at_ms"]),
            )
        )
    return tuple(documents)


def _opened_name(account: Account, sealed: str | None) -> str | None:
    if sealed is None:
        return None
    event_id = UUID(fact_id(account.account_id, "registered"))
    try:
        return unseal(
            account.key,
            sealed,
            account_id=account.uuid,
            event_id=event_id,
            field="display_name",
        )
    except Unsealable:
        return None
