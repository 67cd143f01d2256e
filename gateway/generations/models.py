"""Which models are on offer: those whose provider is configured."""

from __future__ import annotations

from typing import NamedTuple

from commands.catalogue import MODELS, Model
from runtime.settings import Settings


class Offer(NamedTuple):
    """What this installation can make."""

    providers: frozenset[str]
    default: str
    """The model that is taken when a request names none."""

    @property
    def models(self) -> tuple[Model, ...]:
        """The models that can be asked for."""
        return tuple(model for model in MODELS if model.supplies(self.providers))


def offer_of(settings: Settings) -> Offer:
    """`local` is always there; the others with their key, and the best of them is the default."""
    switches = {
        "openai": settings.openai_api_key,
        "replicate": settings.replicate_api_token,
        "fal": settings.fal_key,
        "bedrock-titan": settings.bedrock_titan_model,
        "bedrock-sdxl": settings.bedrock_sdxl_model,
        "comfyui": settings.comfyui_url,
        "diffusers": settings.diffusers_model,
    }
    providers = frozenset({"local", *(name for name, switch in switches.items() if switch)})
    # The first that is on draws where a request names no model.
    defaults = {
        "openai": "gpt-image",
        "replicate": "flux",
        "fal": "flux-dev",
        "bedrock-titan": "titan",
        "bedrock-sdxl": "sdxl",
        "comfyui": "studio",
        "diffusers": "sdxl-local",
        "local": "preview",
    }
    default = next(model for name, model in defaults.items() if name in providers)
    return Offer(providers, default)
