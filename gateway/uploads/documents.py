"""What the API says of photos that people send."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from gateway.api.documents import Id, Time, says
from gateway.web.paging import PAGE_MAX

ContentType = Literal["image/jpeg", "image/png", "image/webp", "image/heic", "image/heif"]


class UploadRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What will be sent."""

    content_type: Annotated[ContentType, says("What kind of photo it is.")]
    size_bytes: Annotated[
        Annotated[int, Meta(ge=1, le=2**31 - 1)],
        says("How large it is at most: the form takes no larger one."),
    ]


class FormDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A form by which one photo is sent, straight to where it is kept."""

    upload_id: Id
    url: Annotated[str, says("Where to POST it, as `multipart/form-data`.")]
    fields: Annotated[
        dict[str, str], says("The form's fields, all of them, before the last one: `file`.")
    ]
    expires_at: Annotated[Time | None, says("Until then it can be sent.")]


class UploadDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A photo that was sent."""

    id: Id
    status: Annotated[
        Literal["open", "ready", "refused"],
        says("`open`: it has not been completed. `ready`: it can be used. `refused`: it cannot."),
    ]
    content_type: Annotated[str, says("While it is open as announced, then as it is kept.")]
    size_bytes: Annotated[int, says("While it is open at most, then as it is kept.")]
    width: Annotated[int | None, says("In pixels, as it is kept: upright, and not too large.")] = (
        None
    )
    height: int | None = None
    has_alpha: Annotated[
        bool | None, says("Whether it is transparent somewhere, as a mask must be.")
    ] = None
    scan: Annotated[
        str | None, says("Whether it was looked at for malware: `clean` or `unchecked`.")
    ] = None
    url: Annotated[str | None, says("The photo as it is kept, for a while.")] = None
    reason: Annotated[str | None, says("Why it was refused, as a code.")] = None
    detail: Annotated[str | None, says("Why it was refused, as a sentence.")] = None
    created_at: Time | None
    expires_at: Annotated[
        Time | None, says("Then it is removed, unless it is used before, which moves this on.")
    ]


class UploadPage(msgspec.Struct, frozen=True, kw_only=True):
    """Photos that are kept, newest first; `next_cursor` is null on the last page."""

    items: tuple[UploadDocument, ...]
    next_cursor: str | None


class UploadQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which photos."""

    cursor: Annotated[str, Meta(max_length=512)] | None = None
    limit: Annotated[int, Meta(ge=1, le=PAGE_MAX)] = 20
