"""One picture of a generation: to the bin and back."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from litestar import Request, delete, post
from litestar.params import FromPath
from litestar.types import ASGIApp

from events.generations import ImageDeleted, ImageRestored
from events.ids import GenerationId, ImageId, fact_id
from gateway.contract import contract
from gateway.cursors import consistency_token
from gateway.deps import Deps
from gateway.errors import Problem
from gateway.events_out import EVENTS, outgoing
from gateway.generation_reads import QUERIES
from gateway.generations import BIN_DAYS, refuse_if_gone
from gateway.http import id_in_path
from gateway.replies import Reply, deps_of, nothing, signed_in
from gateway.signed_in import Account
from runtime.postgres.pool import as_account

WHAT: Final = "image"


@delete(
    "/images/{image_id:str}",
    status_code=200,  # the reply sends 204 itself
    opt=contract(
        "Move one picture to the bin.",
        {204: None},
        details=f"It can be restored for {BIN_DAYS} days; then it goes.",
    ),
)
async def remove(request: Request[Any, Any, Any], image_id: FromPath[str]) -> ASGIApp:
    """Append that it was deleted; twice does no harm."""
    deps = deps_of(request)
    account = await signed_in(request)
    row = await _find(deps, account, image_id)
    if row["deleted_at_ms"] is not None:
        return nothing()
    return await _append(deps, account, row, ImageDeleted, "deleted")


@post(
    "/images/{image_id:str}/restore",
    status_code=200,  # the reply sends 204 itself
    opt=contract("Take one picture back out of the bin.", {204: None}, problems=("gone-from-bin",)),
)
async def restore(request: Request[Any, Any, Any], image_id: FromPath[str]) -> ASGIApp:
    """Append that it was restored, while its time in the bin is not over."""
    deps = deps_of(request)
    account = await signed_in(request)
    row = await _find(deps, account, image_id)
    if row["deleted_at_ms"] is None:
        return nothing()
    refuse_if_gone(deps, row["deleted_at_ms"])
    return await _append(deps, account, row, ImageRestored, "restored")


async def _find(deps: Deps, account: Account, image_id: str) -> Any:
    asked = UUID(id_in_path(image_id, WHAT))
    async with as_account(deps.pool, account.uuid) as connection:
        row = await connection.fetchrow(QUERIES.get_image, account.uuid, asked)
    if row is None:
        raise Problem("not-found", f"There is no {WHAT} with this id.")
    return row


async def _append(
    deps: Deps,
    account: Account,
    row: Any,
    kind: type[ImageDeleted | ImageRestored],
    step: str,
) -> Reply:
    now_ms = deps.clock.now_ms()
    image_id, generation_id = str(row["image_id"]), str(row["generation_id"])
    event = kind(
        account_id=account.account_id,
        occurred_at_ms=now_ms,
        generation_id=GenerationId(generation_id),
        image_id=ImageId(image_id),
    )
    event_id = fact_id(image_id, f"{step}:{now_ms}")
    position = await deps.log.append(
        EVENTS, outgoing(event, event_id, correlation_id=generation_id, time_ms=now_ms)
    )
    token = consistency_token(position.partition, position.offset)
    return nothing(headers=[(b"consistency-token", token.encode())])
