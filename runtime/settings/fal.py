"""fal: FLUX models through its queue."""

from __future__ import annotations

from typing import Annotated

from runtime.settings.about import about
from runtime.settings.front_door import FrontDoor

_MODEL = r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-][A-Za-z0-9._-]*){1,5}\Z"


class Fal(FrontDoor, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """fal: FLUX models through its queue."""

    fal_key: Annotated[
        str | None, about("Switches the provider `fal` on.", env="FAL_KEY", secret=True)
    ] = None
    fal_base_url: Annotated[
        str,
        about("The address of fal's queue.", env="FAL_BASE_URL", pattern=r"^https?://[^\s{}]+\Z"),
    ] = "https://queue.fal.run"
    fal_model: Annotated[
        str,
        about("What draws from words; its inputs are FLUX dev's.", env="FAL_MODEL", pattern=_MODEL),
    ] = "fal-ai/flux/dev"
    fal_edit_model: Annotated[
        str,
        about(
            "What changes a photo as words say; its inputs are FLUX Kontext's.",
            env="FAL_EDIT_MODEL",
            pattern=_MODEL,
        ),
    ] = "fal-ai/flux-kontext/dev"
    fal_mask_model: Annotated[
        str,
        about(
            "What changes a photo inside a mask; its inputs are those of FLUX inpainting.",
            env="FAL_MASK_MODEL",
            pattern=_MODEL,
        ),
    ] = "fal-ai/flux-lora/inpainting"
    fal_variation_model: Annotated[
        str,
        about(
            "What draws a picture anew; its inputs are those of FLUX image to image.",
            env="FAL_VARIATION_MODEL",
            pattern=_MODEL,
        ),
    ] = "fal-ai/flux/dev/image-to-image"
    fal_inputs: Annotated[
        str,
        about(
            "Further inputs of the model that draws from words, as a JSON object; null takes away "
            "one that it does not know.",
            env="FAL_INPUTS",
        ),
    ] = "{}"
    fal_timeout_seconds: Annotated[
        float,
        about("How long a picture from words may take.", env="FAL_TIMEOUT_SECONDS", unit="s", ge=2),
    ] = 90.0
    fal_edit_timeout_seconds: Annotated[
        float,
        about(
            "How long a change of a photo may take.", env="FAL_EDIT_TIMEOUT_SECONDS", unit="s", ge=2
        ),
    ] = 30.0
    fal_user_id: Annotated[
        str | None,
        about(
            "Our user id at fal; where it is set, webhooks about anybody else's requests are not "
            "taken for genuine.",
            env="FAL_USER_ID",
        ),
    ] = None
