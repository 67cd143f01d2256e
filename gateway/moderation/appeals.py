"""Objecting to a refusal: `POST /generations/{id}/appeal`, once for each generation.

Somebody who may decide reads the words and the prompt. When the refusal turns out to be wrong, the
same request may be asked again (decided in the log: `AppealOverturned`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.types import ASGIApp

from events.ids import derive, fact_id
from events.moderation import AppealFiled
from gateway.access.acts import Told
from gateway.api.contract import contract
from gateway.api.documents import at
from gateway.deps import Deps
from gateway.generations.reads import QUERIES as GENERATIONS
from gateway.generations.reads import find_document, missing, opened
from gateway.identity.signed_in import Account
from gateway.moderation.documents import AppealDocument, AppealRequest
from gateway.web.errors import Problem
from gateway.web.http import id_in_path
from gateway.web.replies import body_of, deps_of, reply, signed_in
from runtime.postgres.pool import Connection, as_account
from runtime.queries import load_queries

QUERIES = load_queries(Path(__file__).with_name("appeals.sql"))
APPEALABLE: Final = frozenset({"prohibited", "withheld"})
"""`error.code`s of refusals that are ours; a provider's own rules are not ours to overturn."""
_decoder = msgspec.json.Decoder(AppealRequest)


def appeal_id_of(generation_id: str) -> str:
    """There is one for each generation."""
    return derive("appeal", generation_id)


@post(
    "/generations/{generation_id:str}/appeal",
    status_code=201,
    opt=contract(
        "Moderation",
        "appeal",
        "Object to a refusal.",
        {201: AppealDocument},
        body=AppealRequest,
        problems=("not-appealable", "too-many-appeals", "not-caught-up"),
        details=(
            "For what was refused as `prohibited` or `withheld`, once for each generation: sent "
            "again, the answer is the appeal that there is, and has `Idempotent-Replay: true`. An "
            "admin reads your words and your prompt. If the refusal was wrong, the same request "
            "may be sent again, with a new `Idempotency-Key`."
        ),
    ),
)
async def file(request: Request[Any, Any, Any], generation_id: FromPath[str]) -> ASGIApp:
    """Keep it, and tell the log."""
    deps = deps_of(request)
    account = await signed_in(request)
    asked = UUID(id_in_path(generation_id, "generation"))
    data = await body_of(request, _decoder)
    document, again = await file_appeal(deps, account, asked, data.words)
    return reply(document, 201, [(b"idempotent-replay", b"true")] if again else ())


@get(
    "/generations/{generation_id:str}/appeal",
    opt=contract(
        "Moderation",
        "read_appeal",
        "What became of an appeal.",
        {200: AppealDocument},
        details="Once it is `overturned`, the same request may be sent again.",
    ),
)
async def read(request: Request[Any, Any, Any], generation_id: FromPath[str]) -> ASGIApp:
    """How it stands."""
    deps = deps_of(request)
    account = await signed_in(request)
    asked = UUID(id_in_path(generation_id, "generation"))
    document = await _document(deps, account, UUID(appeal_id_of(str(asked))))
    if document is None:
        raise Problem("not-found", "There is no appeal about a generation with this id.")
    return reply(document)


class Refusal(NamedTuple):
    """A generation that was refused."""

    generation_id: UUID
    prompt: str | None
    """In clear; None: it does not open any more."""


async def newest_refusal(deps: Deps, account: Account) -> Refusal | None:
    """The account's last refusal that can be appealed and was not yet; None: there is none.

    Raises:
        PixelpopError: the database cannot be reached.
    """
    async with as_account(deps.pool, account.uuid) as connection:
        row = await connection.fetchrow(QUERIES.newest_refusal, account.uuid, sorted(APPEALABLE))
    if row is None:
        return None
    prompt = opened(account, str(row["generation_id"]), "prompt", row["prompt"])
    return Refusal(row["generation_id"], prompt)


async def file_appeal(
    deps: Deps, account: Account, generation_id: UUID, words: str
) -> tuple[AppealDocument, bool]:
    """File an appeal, by whatever door the person came; whether there was one already.

    Raises:
        Problem: nothing was refused that can be appealed, or too many are open.
        PixelpopError: the database cannot be reached.
    """
    appeal_id = UUID(appeal_id_of(str(generation_id)))
    before = await _document(deps, account, appeal_id)
    if before is not None:
        return before, True
    reason, body_mac = await _refused(deps, account, generation_id)
    event_id = fact_id(str(appeal_id), "filed")
    draft = await deps.acts.draft(account.account_id, account.account_id, None)
    event = AppealFiled(
        account_id=account.account_id,
        occurred_at_ms=deps.clock.now_ms(),
        generation_id=str(generation_id),  # type: ignore[arg-type]  # canonical: of a UUID
        appeal_id=str(appeal_id),
        reason=reason,
        words=draft.sealed(words, event_id, "words"),
    )

    async def change(connection: Connection) -> Sequence[Told]:
        values = appeal_id, account.uuid, generation_id, reason, body_mac, event.words
        most = deps.settings.appeal_open_max
        if await connection.fetchval(QUERIES.file, *values, most) is None:
            return []
        return [Told(event_id, event)]

    await deps.acts.do(account.account_id, change)
    document = await _document(deps, account, appeal_id)
    if document is None:
        raise Problem(
            "too-many-appeals", "You have as many open appeals as anybody may. Wait for an answer."
        )
    return document, False


async def _refused(deps: Deps, account: Account, generation_id: UUID) -> tuple[str, str]:
    """Why it was refused, and the `body_mac` of the request."""
    document = await find_document(deps, account, generation_id)
    if document is None:
        raise missing(deps)
    if document.error is None or document.error.code not in APPEALABLE:
        raise Problem(
            "not-appealable", "This generation was not refused for what it asks for or shows."
        )
    async with as_account(deps.pool, account.uuid) as connection:
        row = await connection.fetchrow(GENERATIONS.get_generation, account.uuid, generation_id)
    if row is None:  # it is in the log, and not in the read models yet
        raise Problem(
            "not-caught-up",
            "This was refused just now and cannot be appealed yet. Ask again shortly.",
            retry_after=1,
        )
    return document.error.code, row["body_mac"]


async def _document(deps: Deps, account: Account, appeal_id: UUID) -> AppealDocument | None:
    async with as_account(deps.pool, account.uuid) as connection:
        row = await connection.fetchrow(QUERIES.get_appeal, account.uuid, appeal_id)
    if row is None:
        return None
    return AppealDocument(
        id=str(row["appeal_id"]),
        generation_id=str(row["generation_id"]),
        status=row["state"],
        reason=row["reason"],
        filed_at=at(row["filed_at_ms"]),
        decided_at=at(row["decided_at_ms"]),
    )
