"""How an export tells what is known: plain JSON, in clear, with times that people can read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import msgspec

from events.gifts import GiftPart
from events.ids import fact_id
from gateway.api.documents import at
from runtime.crypto.sealing import Unsealable, unseal

_SEALED: Final = ("prompt", "negative_prompt")
_parts = msgspec.json.Decoder(tuple[GiftPart, ...])
_README: Final = """\
Everything that Pixelpop keeps about the account {account_id}.

profile.json       who you are, what you chose, what you agreed to
identities.json    how you can sign in
purchases.json     what you bought
ledger.json        every movement of your credits, oldest first, with its place in the hash chain
gifts.json         credits that you gave away, and that you received
referrals.json     your invitation's code, and what came of it and of your own coming
redemptions.json   the promotion codes that you redeemed
shares.json        the links by which you showed pictures to others
verdicts.json      what was said of your prompts, photos and pictures when they were checked
appeals.json       what you objected to, and what became of it
uploads.json       the photos that you sent and that are kept for the moment
uploads/           those photos: uploads/UPLOAD.webp or .png
generations/       what you asked for, oldest first, also what is in the bin
images/            the pictures: images/GENERATION/NUMBER.png

There may be further files like this one: each opens by itself.
Times are UTC. Credits are whole numbers.
"""


def readme(account_id: UUID) -> bytes:
    """What is in the files."""
    return _README.format(account_id=account_id).encode()


def plain(value: Any) -> bytes:
    """JSON for people; instants in `…_at_ms` become RFC 3339."""
    return msgspec.json.format(msgspec.json.encode(_told(value)), indent=2)


def generation_as_told(
    account_id: UUID, key: bytes, row: Any, images: Sequence[Any]
) -> dict[str, Any]:
    """One generation with its words opened and the names of its pictures."""
    generation = {name: value for name, value in row.items() if not name.startswith("log_")}
    generation.pop("account_id")
    generation["sources"] = msgspec.json.decode(row["sources"] or "null")
    event_id = UUID(fact_id(str(row["generation_id"]), "requested"))
    for field in _SEALED:
        generation[field] = _opened(key, account_id, event_id, field, row[field])
    generation["images"] = [
        {
            "file": f"images/{image['generation_id']}/{image['index']}.png",
            "image_id": image["image_id"],
            "width": image["width"],
            "height": image["height"],
            "deleted_at_ms": image["deleted_at_ms"],
        }
        for image in images
        if image["generation_id"] == row["generation_id"]
    ]
    return generation


def upload_as_told(row: Any) -> dict[str, Any]:
    """A photo that was sent, and the name of its file."""
    key = row["object_key"]
    told = {name: value for name, value in row.items() if name != "object_key"}
    return {**told, "file": None if key is None else f"uploads/{key.rpartition('/')[2]}"}


def appeal_as_told(account_id: UUID, key: bytes, row: Any) -> dict[str, Any]:
    """An objection to a refusal, in clear."""
    event_id = UUID(fact_id(str(row["appeal_id"]), "filed"))
    return {**dict(row), "words": _opened(key, account_id, event_id, "words", row["words"])}


def ledger_as_told(row: Any) -> dict[str, Any]:
    """One entry of the ledger."""
    return {
        **dict(row),
        "detail": msgspec.json.decode(row["detail"]),
        "postings": msgspec.json.decode(row["postings"]),
    }


def received_as_told(row: Any) -> dict[str, Any]:
    """A gift that was received; not from whom."""
    parts = _parts.decode(row["parts"])
    return {
        "gift_id": row["gift_id"],
        "received_at_ms": row["received_at_ms"],
        "parts": [{"credits": part.credits, "expires_at_ms": part.expires_at_ms} for part in parts],
    }


def _opened(
    key: bytes, account_id: UUID, event_id: UUID, field: str, sealed: str | None
) -> str | None:
    if sealed is None:
        return None
    try:
        return unseal(key, sealed, account_id=account_id, event_id=event_id, field=field)
    except Unsealable:
        return None


def _told(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            (name.removesuffix("_ms") if name.endswith("_at_ms") else name): (
                at(one) if name.endswith("_at_ms") else _told(one)
            )
            for name, one in value.items()
        }
    if isinstance(value, list):
        return [_told(one) for one in value]
    return value
