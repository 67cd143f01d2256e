"""Pictures: which previews are made, how they are kept and what stands in their files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from runtime.settings.about import about
from runtime.settings.grants import Grants


class Images(Grants, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Pictures: which previews are made, how they are kept and what stands in their files."""

    previews: Annotated[
        Literal["all", "webp", "small"],
        about(
            "Previews of a picture: WebP and AVIF of 512 and 1024 pixels, `webp` without AVIF, or "
            "`small`, the WebP of 512 pixels alone, which is also all that pictures get while many "
            "wait. AVIF takes about 40 ms of a core a picture."
        ),
    ] = "all"
    cdn_url: Annotated[
        Annotated[str, Meta(pattern=r"^https?://[^\s?#]+\Z", max_length=500)] | None,
        about(
            "A content network before the object storage: addresses of pictures begin with it, and "
            "it passes path and query on to S3_PUBLIC_ENDPOINT_URL.",
        ),
    ] = None
    c2pa_certificate_file: Annotated[
        Path | None,
        about(
            "Signs content credentials (C2PA) into pictures: a PEM file with the certificate, then "
            "those above it. Unset: pictures are not signed."
        ),
    ] = None
    c2pa_private_key_file: Annotated[
        Path | None, about("A PEM file with the private key of that certificate.")
    ] = None
    c2pa_timestamp_url: Annotated[
        Annotated[str, Meta(pattern=r"^https?://\S+\Z", max_length=500)] | None,
        about(
            "An RFC 3161 timestamp service, asked for every picture that is signed. Unset: what is "
            "signed is believed only while the certificate is good."
        ),
    ] = None
    s3_server_side_encryption: Annotated[
        Literal["AES256", "aws:kms"] | None,
        about(
            "How the object storage encrypts what is put there; unset: as the bucket's own rule "
            "says.",
            env="S3_SERVER_SIDE_ENCRYPTION",
        ),
    ] = None
    s3_kms_key_id: Annotated[
        str | None, about("The key for `aws:kms`; unset: the account's own.", env="S3_KMS_KEY_ID")
    ] = None
