"""One picture of a generation: to the bin and back, and as a file."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from litestar import Request, delete, post
from litestar.params import FromPath
from litestar.types import ASGIApp

from commands.policy import BIN_DAYS
from gateway.access.permissions import GENERATIONS_READ, GENERATIONS_WRITE
from gateway.api.contract import contract
from gateway.deps import Deps
from gateway.generations.bin import Thing, take_back, throw_away
from gateway.generations.downloads import DownloadDocument
from gateway.generations.reads import QUERIES
from gateway.identity.signed_in import Account
from gateway.web.errors import Problem
from gateway.web.http import id_in_path
from gateway.web.replies import deps_of, reply, signed_in
from runtime.postgres.pool import as_account

WHAT: Final = "image"


@delete(
    "/images/{image_id:str}",
    status_code=200,  # the reply sends 204 itself
    opt=contract(
        "Generations",
        "delete_image",
        "Move one picture to the bin.",
        {204: None},
        problems=("append-unknown", "log-overloaded"),
        scopes=(GENERATIONS_WRITE,),
        details=(
            f"The others of its generation stay. It can be restored for {BIN_DAYS} days; then it "
            "goes. Twice is no mistake."
        ),
    ),
)
async def remove(request: Request[Any, Any, Any], image_id: FromPath[str]) -> ASGIApp:
    """Append that it was deleted; twice does no harm."""
    deps = deps_of(request)
    account = await signed_in(request)
    return await throw_away(deps, account, await _find(deps, account, image_id))


@post(
    "/images/{image_id:str}/restore",
    status_code=200,  # the reply sends 204 itself
    opt=contract(
        "Generations",
        "restore_image",
        "Take one picture back out of the bin.",
        {204: None},
        problems=("gone-from-bin", "append-unknown", "log-overloaded"),
        scopes=(GENERATIONS_WRITE,),
        details=f"Within {BIN_DAYS} days of its deletion. Twice is no mistake.",
    ),
)
async def restore(request: Request[Any, Any, Any], image_id: FromPath[str]) -> ASGIApp:
    """Append that it was restored, while its time in the bin is not over."""
    deps = deps_of(request)
    account = await signed_in(request)
    return await take_back(deps, account, await _find(deps, account, image_id))


@post(
    "/images/{image_id:str}/download",
    status_code=200,
    opt=contract(
        "Generations",
        "download_image",
        "An address at which a browser saves the picture.",
        {200: DownloadDocument},
        scopes=(GENERATIONS_READ,),
        details=(
            "The `url` of a picture shows it; this one saves it as a PNG. That it was asked for is "
            "noted, once for each picture and day."
        ),
    ),
)
async def download(request: Request[Any, Any, Any], image_id: FromPath[str]) -> ASGIApp:
    """Sign an address, and say in the log that it was asked for."""
    deps = deps_of(request)
    account = await signed_in(request)
    asked = UUID(id_in_path(image_id, WHAT))
    async with as_account(deps.pool, account.uuid) as connection:
        row = await connection.fetchrow(QUERIES.get_download, account.uuid, asked)
    if row is None:
        raise Problem("not-found", f"There is no {WHAT} with this id.")
    name = f"pixelpop-{str(asked)[:8]}.png"
    url = await deps.presigned.file_url(row["object_key"], name)
    await deps.downloads.tell(deps, account, str(row["generation_id"]), str(asked))
    document = DownloadDocument(url=url, file_name=name, expires_in=deps.presigned.ttl_seconds)
    return reply(document)


async def _find(deps: Deps, account: Account, image_id: str) -> Thing:
    asked = UUID(id_in_path(image_id, WHAT))
    async with as_account(deps.pool, account.uuid) as connection:
        row = await connection.fetchrow(QUERIES.get_image, account.uuid, asked)
    if row is None:
        raise Problem("not-found", f"There is no {WHAT} with this id.")
    return Thing(str(row["generation_id"]), str(row["image_id"]), row["deleted_at_ms"])
