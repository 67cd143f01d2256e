"""All my data: `GET /me/export`."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from litestar import Request, get
from litestar.types import ASGIApp

from gateway.account.archive import Part
from gateway.account.exporting import QUERIES
from gateway.api.contract import contract
from gateway.api.documents import Id, Time, at, says
from gateway.deps import Deps
from gateway.web.replies import deps_of, reply, signed_in
from runtime.postgres.pool import as_account

RETRY_AFTER_SECONDS: Final = 2
_STATUSES: Final = {"waiting": "pending", "making": "processing", "ready": "done"}
_parts = msgspec.json.Decoder(list[Part])


class ExportPart(msgspec.Struct, frozen=True, kw_only=True):
    """One file."""

    url: Annotated[str, says("Good for a while; ask again for a new one.")]
    size_bytes: int


class ExportDocument(msgspec.Struct, frozen=True, kw_only=True):
    """An export, on its way or ready."""

    id: Id
    status: Annotated[str, says("`pending → processing → done`, or `failed`: ask again.")]
    progress_percent: Annotated[int, says("From 0 to 100.")]
    parts: Annotated[
        tuple[ExportPart, ...], says("Zip files, each of which opens by itself; once it is done.")
    ] = ()
    requested_at: Time | None
    ready_at: Time | None = None
    expires_at: Annotated[Time | None, says("When the files go.")] = None


@get(
    "/me/export",
    opt=contract(
        "Account",
        "export_me",
        "Everything that is known of me, as zip files.",
        {200: ExportDocument, 202: ExportDocument},
        details=(
            "Profile, sign-ins, generations with their words and pictures, purchases and ledger. "
            "The first call begins it and answers 202; call again to see how far it is, until 200 "
            "with the files. They stay for a while; a call after that begins a new one."
        ),
    ),
)
async def export(request: Request[Any, Any, Any]) -> ASGIApp:
    """Begin one if there is none, and tell of it."""
    deps = deps_of(request)
    account = await signed_in(request)
    async with as_account(deps.pool, account.uuid) as connection:
        await connection.execute(QUERIES.ask_export, account.uuid)
        row = await connection.fetchrow(QUERIES.get_export, account.uuid)
    document = await _document(deps, row)
    if document.status == "done":
        return reply(document)
    deps.exporter.wake()
    wait = (b"retry-after", str(RETRY_AFTER_SECONDS).encode())
    return reply(document, 202, headers=[wait])


async def _document(deps: Deps, row: Any) -> ExportDocument:
    stored = _parts.decode(row["parts"])
    share = row["written"] / row["total"] if row["total"] else 0.0
    done = row["state"] == "ready"
    return ExportDocument(
        id=str(row["export_id"]),
        status=_STATUSES.get(row["state"], "failed"),
        progress_percent=100 if done else min(99, int(100 * share)),
        parts=tuple(
            [
                ExportPart(url=await deps.presigned.url(part.key), size_bytes=part.size_bytes)
                for part in stored
            ]
        ),
        requested_at=at(row["requested_at_ms"]),
        ready_at=at(row["ready_at_ms"]),
        expires_at=at(row["expires_at_ms"]),
    )
