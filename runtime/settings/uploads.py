"""Photos that people send: how large, how many, how long they are kept, and who looks at them."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from runtime.settings.about import about
from runtime.settings.stripe import StripeApi


class Uploads(StripeApi, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Photos that people send: how large, how many, how long they are kept, who looks at them."""

    upload_bytes_max: Annotated[
        int,
        about("The largest photo that is taken.", unit="bytes", ge=1024, le=67_108_864),
    ] = 20_971_520
    upload_pixels_max: Annotated[
        int,
        about(
            "The most pixels of a photo: a telephone's best have 50 million. Decoding takes up to "
            "8 bytes each.",
            unit="pixels",
            ge=65_536,
            le=200_000_000,
        ),
    ] = 52_000_000
    upload_side_pixels: Annotated[
        int,
        about(
            "The longest side of a photo as it is kept; larger ones are made smaller.",
            unit="pixels",
            ge=256,
            le=8192,
        ),
    ] = 2048
    upload_decode_seconds: Annotated[
        float,
        about("How long one photo may take to decode; then it is refused.", unit="s", gt=0, le=300),
    ] = 30.0
    upload_decode_bytes: Annotated[
        int,
        about(
            "The address space of a process that decodes photos; two of them may run at once.",
            unit="bytes",
            ge=268_435_456,
            le=68_719_476_736,
        ),
    ] = 2_147_483_648
    upload_form_seconds: Annotated[
        int,
        about("How long the form is good by which a photo is sent.", unit="s", ge=10, le=43_200),
    ] = 900
    upload_hours: Annotated[
        int,
        about(
            "After how long a photo is removed that nobody used (again).", unit="h", ge=1, le=8760
        ),
    ] = 24
    uploads_open_max: Annotated[
        int,
        about("Photos of one account that are on their way at once.", ge=1, le=1000),
    ] = 10
    uploads_kept_max: Annotated[
        int,
        about("Photos of one account that are kept at once.", ge=1, le=100_000),
    ] = 200
    clamav_address: Annotated[
        Annotated[str, Meta(pattern=r"^[^\s:]+:[0-9]{1,5}\Z", max_length=260)] | None,
        about(
            "HOST:PORT of a ClamAV daemon that looks for malware in every photo; without it they "
            "are kept unchecked.",
            env="CLAMAV_ADDRESS",
        ),
    ] = None
    clamav_timeout_seconds: Annotated[
        float, about("How long it may take over one photo.", unit="s", ge=0.1, le=600)
    ] = 20.0
