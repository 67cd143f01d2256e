"""Photos: begin to send one, say that it is there, look at it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Request, delete, get, post
from litestar.params import FromPath
from litestar.types import ASGIApp

from gateway.access.permissions import GENERATIONS_READ, GENERATIONS_WRITE
from gateway.api.contract import contract
from gateway.api.documents import at
from gateway.deps import Deps
from gateway.identity.signed_in import Account
from gateway.uploads.documents import (
    FormDocument,
    UploadDocument,
    UploadPage,
    UploadQuery,
    UploadRequest,
)
from gateway.uploads.keeping import RETRY_AFTER_SECONDS, Upload
from gateway.uploads.receiving import over
from gateway.web.cursors import LogPosition, Stored, decode_cursor, encode_cursor
from gateway.web.errors import Problem, field_problem
from gateway.web.http import id_in_path
from gateway.web.paging import next_link
from gateway.web.replies import body_of, deps_of, nothing, query_of, reply, signed_in
from runtime.kafka.partitioner import partition_for

GROUP: Final = "Uploads"
WHAT: Final = "upload"
_asked = msgspec.json.Decoder(UploadRequest)
_place = msgspec.json.Decoder(tuple[Stored, UUID])
"""Where a page begins: after the upload begun then, in microseconds since 1970, of that id."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@post(
    "/uploads",
    status_code=201,
    opt=contract(
        GROUP,
        "create_upload",
        "Begin to send a photo.",
        {201: FormDocument},
        body=UploadRequest,
        problems=("too-many-uploads",),
        scopes=(GENERATIONS_WRITE,),
        gives={"upload_id": "/upload_id"},
        details=(
            "The answer is a form: POST its `fields` and then the file, as the field `file`, to "
            "its `url` as `multipart/form-data`; no Authorization header goes with it. It takes "
            "one file of this type and at most this size. Then POST /uploads/{upload_id}/complete."
        ),
    ),
)
async def create(request: Request[Any, Any, Any]) -> ASGIApp:
    """Hand out a form."""
    deps = deps_of(request)
    account = await signed_in(request)
    asked = await body_of(request, _asked)
    most = deps.settings.upload_bytes_max
    if asked.size_bytes > most:
        raise field_problem("size_bytes", f"must be at most {most}")
    upload, form = await deps.uploads.begin(account, asked.content_type, asked.size_bytes)
    document = FormDocument(
        upload_id=str(upload.upload_id),
        url=form.url,
        fields=form.fields,
        expires_at=at(round(upload.form_until.timestamp() * 1000)),
    )
    return reply(document, 201)


@post(
    "/uploads/{upload_id:str}/complete",
    status_code=200,
    opt=contract(
        GROUP,
        "complete_upload",
        "Say that the photo was sent.",
        {200: UploadDocument},
        problems=(
            "upload-refused",
            "upload-missing",
            "upload-over",
            "scanner-unavailable",
            "objects-unavailable",
            "append-unknown",
            "log-overloaded",
        ),
        scopes=(GENERATIONS_WRITE,),
        details=(
            "It is looked at, turned upright, made smaller where it is very large, and drawn anew "
            "without anything that a photo tells beside what it shows: no place, no camera. What "
            "was sent is deleted. Completed twice, it answers the same."
        ),
    ),
)
async def complete(request: Request[Any, Any, Any], upload_id: FromPath[str]) -> ASGIApp:
    """Take it in."""
    deps = deps_of(request)
    account = await signed_in(request)
    upload = await deps.uploads.complete(account, UUID(id_in_path(upload_id, WHAT)))
    return reply(await document_of(deps, upload))


@get(
    "/uploads/{upload_id:str}",
    opt=contract(
        GROUP,
        "read_upload",
        "A photo that was sent.",
        {200: UploadDocument},
        problems=("upload-over",),
        scopes=(GENERATIONS_READ,),
        gives={"upload_id": "/id"},
        details="What belongs to somebody else is not found.",
    ),
)
async def read(request: Request[Any, Any, Any], upload_id: FromPath[str]) -> ASGIApp:
    """How it stands."""
    deps = deps_of(request)
    account = await signed_in(request)
    upload = await deps.uploads.rows.find(account, UUID(id_in_path(upload_id, WHAT)))
    if upload.is_over or upload.state == "expired":
        raise over()
    return reply(await document_of(deps, upload))


@get(
    "/uploads",
    opt=contract(
        GROUP,
        "list_uploads",
        "Photos of yours that are kept, newest first.",
        {200: UploadPage},
        query=UploadQuery,
        problems=("cursor-invalid",),
        scopes=(GENERATIONS_READ,),
        gives={"upload_id": "/items/0/id"},
        details="Follow `next_cursor` (or the `Link` header) for older ones.",
    ),
)
async def list_all(request: Request[Any, Any, Any]) -> ASGIApp:
    """One page of the account's photos."""
    deps = deps_of(request)
    account = await signed_in(request)
    query = query_of(request, UploadQuery)
    place = None if query.cursor is None else decode_cursor(query.cursor, _place)
    found = await deps.uploads.rows.kept(account, place, query.limit + 1)
    shown, cursor = found[: query.limit], None
    if len(found) > len(shown):
        last = shown[-1]
        since = (last.created_at - _EPOCH) // timedelta(microseconds=1)
        cursor = encode_cursor((since, last.upload_id))
    items = tuple([await document_of(deps, one) for one in shown])
    page = UploadPage(items=items, next_cursor=cursor)
    return reply(page, headers=next_link(request, page.next_cursor))


@delete(
    "/uploads/{upload_id:str}",
    status_code=200,  # the reply sends 204 itself
    opt=contract(
        GROUP,
        "delete_upload",
        "Remove a photo that was sent.",
        {204: None},
        problems=("upload-in-use", "not-caught-up", "objects-unavailable"),
        scopes=(GENERATIONS_WRITE,),
        details=(
            "At once and for good, whether it was completed or not. What was made of it stays. "
            "While a generation begins with it that is not finished, it is refused. Twice is no "
            "mistake."
        ),
    ),
)
async def remove(request: Request[Any, Any, Any], upload_id: FromPath[str]) -> ASGIApp:
    """Take it away."""
    deps = deps_of(request)
    account = await signed_in(request)
    asked = UUID(id_in_path(upload_id, WHAT))
    await _caught_up(deps, account)
    await deps.uploads.remove(account, asked)
    return nothing()


async def _caught_up(deps: Deps, account: Account) -> None:
    """Have the read models know all requests that this gateway has read in the log.

    Raises:
        Problem: they do not get there in time.
    """
    known = deps.hub.since(account.account_id, 0)
    if not known:
        return
    partition = partition_for(account.account_id.encode(), deps.settings.kafka_partitions)
    if not await deps.consistency.passed(LogPosition(partition, known[-1].offset)):
        raise Problem(
            "not-caught-up",
            "Whether this photo is being used is not known yet. Ask again shortly.",
            retry_after=RETRY_AFTER_SECONDS,
        )


async def document_of(deps: Deps, upload: Upload) -> UploadDocument:
    """A row as a document, with an address where there is a picture."""
    ready = upload.state == "ready"
    key = upload.object_key
    return UploadDocument(
        id=str(upload.upload_id),
        status="ready" if ready else "refused" if upload.state == "refused" else "open",
        content_type=upload.clean_type or upload.content_type,
        size_bytes=upload.clean_bytes or upload.size_bytes,
        width=upload.width,
        height=upload.height,
        has_alpha=upload.has_alpha,
        scan=upload.scan,
        url=await deps.presigned.url(key) if ready and key is not None else None,
        reason=upload.reason,
        detail=upload.detail,
        created_at=at(round(upload.created_at.timestamp() * 1000)),
        expires_at=at(round(upload.expires_at.timestamp() * 1000)),
    )
