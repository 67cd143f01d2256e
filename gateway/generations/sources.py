"""What a request begins with: one's own photos, or one's own picture; nothing else is ever read."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from commands.requests import EditRequest, InvalidRequest, Request, VariationRequest
from gateway.identity.signed_in import Account
from gateway.uploads.keeping import Usable
from gateway.web.errors import Problem

if TYPE_CHECKING:
    from gateway.deps import Deps


class Sources(NamedTuple):
    """The objects that a picture is made from."""

    photo_keys: tuple[str, ...] = ()
    mask_key: str | None = None
    width: int | None = None
    """Of the first one, in pixels."""
    height: int | None = None


NOTHING = Sources()


async def sources_of(deps: Deps, account: Account, request: Request) -> Sources:
    """What the request begins with; its uploads are kept for a while from now on.

    Raises:
        Problem: the account has no such thing, or it cannot be used.
        InvalidRequest: the mask does not fit.
        PixelpopError: the database is away.
    """
    if isinstance(request, EditRequest):
        return await _of_uploads(deps, account, request)
    if isinstance(request, VariationRequest):
        parent = await deps.uploads.rows.parent(account, UUID(request.parent_image_id))
        if parent is None:
            raise Problem("not-found", "There is no image with this id; it may be in the bin.")
        return Sources((parent["object_key"],), None, parent["width"], parent["height"])
    return NOTHING


async def picture_of(deps: Deps, account: Account, image_id: UUID) -> bytes:
    """The bytes of one of the account's own pictures.

    Raises:
        Problem: it has none with this id, or it is in the bin, or its bytes are gone.
        PixelpopError: a server is away.
    """
    parent = await deps.uploads.rows.parent(account, image_id)
    data = None if parent is None else await deps.uploads.picture(parent["object_key"])
    if data is None:
        raise Problem("not-found", "There is no image with this id; it may be in the bin.")
    return data


async def _of_uploads(deps: Deps, account: Account, request: EditRequest) -> Sources:
    wanted = [UUID(one) for one in request.upload_ids]
    mask_id = None if request.mask_upload_id is None else UUID(request.mask_upload_id)
    asked = wanted if mask_id is None else [*wanted, mask_id]
    usable = await deps.uploads.rows.use(account, asked)
    photos = [usable[one] for one in wanted]
    mask = None if mask_id is None else usable[mask_id]
    if mask is not None:
        _refuse_mask(mask, photos[0])
    return Sources(
        tuple(photo.object_key for photo in photos),
        None if mask is None else mask.object_key,
        photos[0].width,
        photos[0].height,
    )


def _refuse_mask(mask: Usable, photo: Usable) -> None:
    if not mask.has_alpha:
        raise InvalidRequest("mask_upload_id", "is transparent nowhere, so nothing could change")
    if (mask.width, mask.height) != (photo.width, photo.height):
        raise InvalidRequest(
            "mask_upload_id",
            f"has {mask.width}x{mask.height} pixels and the photo {photo.width}x{photo.height}; "
            "they must be the same",
        )
