"""Receiving a gift: `POST /gifts/claim`. PostgreSQL lets one account in, and the log is told."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import structlog
from litestar import Request, post
from litestar.types import ASGIApp

from events.gifts import GiftPart
from gateway.api.contract import contract
from gateway.api.documents import at
from gateway.deps import Deps
from gateway.grants.documents import ClaimedGiftDocument, ClaimRequest, GiftPartDocument
from gateway.grants.gifts import PREFIX, code_hash
from gateway.grants.gifts_told import QUERIES, Gifts
from gateway.identity.signed_in import Account
from gateway.web.cursors import token_header
from gateway.web.errors import Problem
from gateway.web.replies import body_of, deps_of, reply, signed_in
from runtime.errors import PixelpopError
from runtime.postgres.pool import as_account, borrowed

_log = structlog.get_logger(__name__)

_decoder = msgspec.json.Decoder(ClaimRequest)
_parts = msgspec.json.Decoder(tuple[GiftPart, ...])
_REFUSALS: Final = {
    "unknown": ("gift-unknown", "There is no such gift. Check the link."),
    "own": ("gift-own", "This is your own gift. Send the link to somebody else."),
    "taken": ("gift-taken", "Somebody has received this gift already."),
    "over": ("gift-over", "Nobody received this gift in time, or it was taken back."),
}


@post(
    "/gifts/claim",
    status_code=200,
    opt=contract(
        "Grants",
        "receive_gift",
        "Receive a gift.",
        {200: ClaimedGiftDocument},
        body=ClaimRequest,
        problems=("gift-unknown", "gift-own", "gift-taken", "gift-over", "not-caught-up"),
        details=(
            "The first who sends the code has it. The credits follow within a moment, each part "
            "with the end that it had with its giver. Sent again by the same account it is no "
            "mistake: the answer has `Idempotent-Replay: true`."
        ),
    ),
)
async def claim(request: Request[Any, Any, Any]) -> ASGIApp:
    """Take it, if nobody has, and tell the log."""
    deps = deps_of(request)
    account = await signed_in(request)
    data = await body_of(request, _decoder)
    document, headers = await claim_code(deps, account, data.code)
    return reply(document, headers=headers)


async def claim_code(
    deps: Deps, account: Account, code: str
) -> tuple[ClaimedGiftDocument, list[tuple[bytes, bytes]]]:
    """Receive a gift for an account, by whatever door the person came.

    Raises:
        Problem: there is none, or it is somebody's already; or too many codes were tried.
        PixelpopError: the database cannot be reached.
    """
    await deps.limits.take(deps.limits.policies.codes, account.account_id)
    hashed = code_hash(code.strip().removeprefix(PREFIX))
    async with borrowed(deps.pool) as connection:
        gift = await connection.fetchrow(QUERIES.find, hashed)
        if gift is None:
            raise Problem(*_REFUSALS["unknown"])
        parts = await connection.fetchval(QUERIES.sent, gift["giver"], gift["gift_id"])
    if parts is None:
        raise Problem(
            "not-caught-up",
            "This gift is not ready, or could not be made. Try again in a moment.",
            retry_after=1,
        )
    async with as_account(deps.pool, account.uuid) as connection:
        outcome = await connection.fetchval(QUERIES.claim, gift["gift_id"], hashed, parts)
    if outcome in _REFUSALS:
        raise Problem(*_REFUSALS[outcome])
    if outcome == "again":
        return _document(gift, parts), [(b"idempotent-replay", b"true")]
    return _document(gift, parts), await _told(deps, account, gift, parts)


async def _told(deps: Deps, account: Account, gift: Any, parts: str) -> list[tuple[bytes, bytes]]:
    """Tell the log at once; what it cannot be told now, every gateway looks for."""
    row = {
        "gift_id": gift["gift_id"],
        "giver": gift["giver"],
        "receiver": account.uuid,
        "state": "claimed",
        "parts": parts,
        "ended_at_ms": deps.clock.now_ms(),
    }
    try:
        position = await Gifts(deps.pool, deps.log).tell(row)
    except PixelpopError as error:
        _log.warning("a gift was received and is told later", error=str(error))
        return []
    return [token_header(position.partition, position.offset)]


def _document(gift: Any, parts: str) -> ClaimedGiftDocument:
    decoded = _parts.decode(parts)
    return ClaimedGiftDocument(
        gift_id=str(gift["gift_id"]),
        credits=sum(part.credits for part in decoded),
        parts=tuple(
            GiftPartDocument(credits=part.credits, expires_at=at(part.expires_at_ms))
            for part in decoded
        ),
    )
