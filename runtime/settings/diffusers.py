"""Diffusers: Stable Diffusion XL on a graphics card of one's own."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from runtime.settings.about import about
from runtime.settings.comfyui import ComfyUi


class Diffusers(ComfyUi, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Diffusers: Stable Diffusion XL on a graphics card of one's own."""

    diffusers_model: Annotated[
        Annotated[str, Meta(pattern=r"^\S+\Z")] | None,
        about(
            "Switches the provider `diffusers` on, which needs the extra of that name: the folder "
            "of an SDXL model, or its name on a hub.",
            env="DIFFUSERS_MODEL",
        ),
    ] = None
    diffusers_variant: Annotated[
        str | None,
        about("Which files of the model are loaded: `fp16`, for example.", env="DIFFUSERS_VARIANT"),
    ] = None
    diffusers_loras: Annotated[
        str,
        about(
            "LoRA weights that are added to the model, files or folders, with commas; `@0.8` "
            "behind one is its strength.",
            env="DIFFUSERS_LORAS",
        ),
    ] = ""
    diffusers_safety_checker: Annotated[
        str | None,
        about(
            "The folder, or name on a hub, of a safety checker in the form of Stable Diffusion's, "
            "which looks at photos and pictures of all providers; see "
            "PIXELPOP_MODERATION_PICTURES.",
            env="DIFFUSERS_SAFETY_CHECKER",
        ),
    ] = None
    diffusers_device: Annotated[
        str,
        about(
            "Where it runs: `cuda`, `cuda:1`, `mps`, `cpu`; `auto`: the first of them that is "
            "there.",
            env="DIFFUSERS_DEVICE",
            pattern=r"^(auto|cpu|mps|cuda(:[0-9]{1,2})?)\Z",
        ),
    ] = "auto"
    diffusers_download: Annotated[
        bool,
        about(
            "Whether what is not on the disk is fetched from the hub when the worker starts.",
            env="DIFFUSERS_DOWNLOAD",
        ),
    ] = False
    diffusers_timeout_seconds: Annotated[
        float,
        about(
            "How long one request may take once it has the card.",
            env="DIFFUSERS_TIMEOUT_SECONDS",
            unit="s",
            gt=0,
            le=900,
        ),
    ] = 120.0
