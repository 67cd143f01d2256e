"""Amazon Bedrock: Titan Image Generator and SDXL."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from runtime.settings.about import about
from runtime.settings.fal import Fal

_MODEL = r"^[A-Za-z0-9._:/-]{1,200}\Z"


class Bedrock(Fal, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Amazon Bedrock: Titan Image Generator and SDXL."""

    bedrock_titan_model: Annotated[
        Annotated[str, Meta(pattern=_MODEL)] | None,
        about(
            "Switches the provider `bedrock-titan` on: `amazon.titan-image-generator-v2:0`, or "
            "another that takes Titan's requests, as Nova Canvas does.",
            env="BEDROCK_TITAN_MODEL",
        ),
    ] = None
    bedrock_sdxl_model: Annotated[
        Annotated[str, Meta(pattern=_MODEL)] | None,
        about(
            "Switches the provider `bedrock-sdxl` on: `stability.stable-diffusion-xl-v1`, or the "
            "ARN of one that takes its requests.",
            env="BEDROCK_SDXL_MODEL",
        ),
    ] = None
    bedrock_region: Annotated[
        str, about("Where these models run.", env="BEDROCK_REGION", pattern=r"^[a-z0-9-]{1,40}\Z")
    ] = "us-east-1"
    bedrock_access_key_id: Annotated[
        str | None,
        about(
            "The key for Bedrock; unset: as the AWS SDK finds one. With embedded object storage it "
            "must be set: AWS_ACCESS_KEY_ID is that storage's there.",
            env="BEDROCK_ACCESS_KEY_ID",
        ),
    ] = None
    bedrock_secret_access_key: Annotated[
        str | None,
        about("The secret of that key.", env="BEDROCK_SECRET_ACCESS_KEY", secret=True),
    ] = None
    bedrock_endpoint_url: Annotated[
        str | None,
        about(
            "Another address of Bedrock's runtime, as inside a private network; unset: Amazon's.",
            env="BEDROCK_ENDPOINT_URL",
        ),
    ] = None
    bedrock_timeout_seconds: Annotated[
        float,
        about("How long one call may take.", env="BEDROCK_TIMEOUT_SECONDS", unit="s", gt=0, le=300),
    ] = 60.0
