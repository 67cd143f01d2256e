"""Who looks at prompts, photos and pictures, and what happens when nobody answers."""

from __future__ import annotations

from typing import Annotated, Literal

from runtime.settings.about import about
from runtime.settings.bot import Bot


class Moderation(Bot, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who looks at prompts, photos and pictures, and what happens when nobody answers."""

    moderation_words: Annotated[
        Literal["auto", "off", "openai", "bedrock"],
        about(
            "Who reads prompts before a picture is made: OpenAI's moderation endpoint, or Claude "
            "on Amazon Bedrock. `auto`: OpenAI where OPENAI_API_KEY is set and OPENAI_BASE_URL is "
            "not, since other servers seldom have that endpoint; else nobody."
        ),
    ] = "auto"
    moderation_pictures: Annotated[
        Literal["auto", "off", "openai", "rekognition", "bedrock", "diffusers"],
        about(
            "Who looks at photos before, and at pictures after they are made: the same, Amazon "
            "Rekognition, or a safety checker on this machine. `auto`: OpenAI as above, else that "
            "checker where DIFFUSERS_SAFETY_CHECKER is set. With `off` every picture is shown as "
            "`unchecked`."
        ),
    ] = "auto"
    moderation_when_unavailable: Annotated[
        Literal["refuse", "allow"],
        about(
            "When who should look does not answer: `refuse` makes and delivers nothing, and "
            "everything returns; `allow` goes on, and the picture is shown as `unchecked`."
        ),
    ] = "refuse"
    moderation_attempts: Annotated[
        int, about("How often one who should look is asked in all.", ge=1, le=10)
    ] = 3
    moderation_timeout_seconds: Annotated[
        float, about("How long one such question may take.", unit="s", gt=0, le=60)
    ] = 10.0
    moderation_tolerated: Annotated[
        str,
        about(
            "OpenAI's categories that are no reason to refuse, with commas; a painted battle is "
            "violence, too."
        ),
    ] = "violence,harassment"
    openai_moderation_model: Annotated[
        str, about("OpenAI's moderation model.", env="OPENAI_MODERATION_MODEL")
    ] = "omni-moderation-latest"
    moderation_bedrock_model: Annotated[
        str, about("The Bedrock model, or inference profile, that is asked.")
    ] = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
    moderation_min_confidence: Annotated[
        float,
        about("From which confidence on a label of Rekognition's counts.", unit="%", ge=0, le=100),
    ] = 80.0
    moderation_aws_region: Annotated[
        str, about("Where Bedrock and Rekognition are asked.", pattern="^[a-z0-9-]{1,40}$")
    ] = "us-east-1"
    moderation_aws_endpoint_url: Annotated[
        str | None, about("Another address for both; unset: Amazon's own.")
    ] = None
    moderation_aws_access_key_id: Annotated[
        str | None,
        about(
            "The key for both; unset: as the AWS SDK finds one. With embedded object storage it "
            "must be set: AWS_ACCESS_KEY_ID is that storage's there."
        ),
    ] = None
    moderation_aws_secret_access_key: Annotated[
        str | None, about("The secret of that key.", secret=True)
    ] = None
    appeal_open_max: Annotated[
        int, about("Appeals of one account that may be open at once.", ge=1, le=1000)
    ] = 10
    limit_moderation_checks_per_minute: Annotated[
        int,
        about("Texts that an account may have checked in a minute.", ge=1, le=100_000),
    ] = 30
