"""ComfyUI: workflows of one's own on a server of one's own."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from runtime.settings.about import about
from runtime.settings.bedrock import Bedrock


class ComfyUi(Bedrock, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """ComfyUI: workflows of one's own on a server of one's own."""

    comfyui_url: Annotated[
        Annotated[str, Meta(pattern=r"^https?://[^\s{}]+\Z")] | None,
        about("Switches the provider `comfyui` on: the server's address.", env="COMFYUI_URL"),
    ] = None
    comfyui_token: Annotated[
        str | None,
        about(
            "What a proxy before that server asks for, as a bearer token.",
            env="COMFYUI_TOKEN",
            secret=True,
        ),
    ] = None
    comfyui_workflow: Annotated[
        str,
        about(
            "What draws from words: a workflow that comes with Pixelpop, or the path of one.",
            env="COMFYUI_WORKFLOW",
        ),
    ] = "sdxl"
    comfyui_edit_workflow: Annotated[
        str,
        about("What changes a photo.", env="COMFYUI_EDIT_WORKFLOW"),
    ] = "sdxl-edit"
    comfyui_mask_workflow: Annotated[
        str,
        about("What changes a photo inside a mask.", env="COMFYUI_MASK_WORKFLOW"),
    ] = "sdxl-mask"
    comfyui_checkpoint: Annotated[
        str,
        about(
            "The file of the model that these workflows load, as the server knows it.",
            env="COMFYUI_CHECKPOINT",
        ),
    ] = "sd_xl_base_1.0.safetensors"
    comfyui_timeout_seconds: Annotated[
        float,
        about(
            "How long a workflow may take, its wait in the server's queue included.",
            env="COMFYUI_TIMEOUT_SECONDS",
            unit="s",
            gt=0,
            le=900,
        ),
    ] = 180.0
