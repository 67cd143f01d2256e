"""Examples of what uploads take and answer."""

from __future__ import annotations

from typing import Any, Final

from events.envelope import rfc3339
from gateway.uploads.documents import FormDocument, UploadDocument, UploadPage, UploadRequest

UPLOAD: Final = "0f6a2c9e-53f1-4f0e-8d7b-1a2b3c4d5e6f"
_MS: Final = 1_767_225_600_000
_DAY_MS: Final = 86_400_000
_KEY: Final = f"incoming/5f0c1a52-7c64-4b0e-9d2f-3b1f0a9f6d11/{UPLOAD}"

_photo = UploadDocument(
    id=UPLOAD,
    status="ready",
    content_type="image/webp",
    size_bytes=412_345,
    width=2048,
    height=1536,
    has_alpha=False,
    scan="clean",
    url=f"https://objects.pixelpop.example/pixelpop/uploads/…/{UPLOAD}.webp?…",
    created_at=rfc3339(_MS),
    expires_at=rfc3339(_MS + _DAY_MS),
)

BY_SHAPE: Final[dict[type, Any]] = {
    type(one): one
    for one in (
        UploadRequest(content_type="image/jpeg", size_bytes=2_400_000),
        FormDocument(
            upload_id=UPLOAD,
            url="https://objects.pixelpop.example/pixelpop",
            fields={
                "Content-Type": "image/jpeg",
                "key": _KEY,
                "x-amz-algorithm": "AWS4-HMAC-SHA256",
                "x-amz-credential": "…/us-east-1/s3/aws4_request",
                "x-amz-date": "20260101T000000Z",
                "policy": "eyJleHBpcmF0aW9uIjog…",
                "x-amz-signature": "9f86d081884c7d65…",
            },
            expires_at=rfc3339(_MS + 900_000),
        ),
        _photo,
        UploadPage(items=(_photo,), next_cursor=None),
    )
}
