"""What the catalogue sells, some provider makes."""

from __future__ import annotations

from commands.catalogue import MODELS
from processors.providers.base import EDIT, IMAGE, VARIATION
from processors.providers.bedrock import BedrockProvider
from processors.providers.comfyui import ComfyUiProvider
from processors.providers.diffusers import DiffusersProvider
from processors.providers.fal import FalProvider
from processors.providers.local import LocalProvider
from processors.providers.openai import OpenAIProvider
from processors.providers.replicate import ReplicateProvider

PROVIDERS = {
    "local": LocalProvider,
    "openai": OpenAIProvider,
    "replicate": ReplicateProvider,
    "fal": FalProvider,
    "bedrock-titan": BedrockProvider,
    "bedrock-sdxl": BedrockProvider,
    "comfyui": ComfyUiProvider,
    "diffusers": DiffusersProvider,
}


def test_a_model_sells_what_its_provider_makes() -> None:
    """Nothing is sold that a worker would refuse; what is made is sold by the first provider."""
    for model in MODELS:
        first, *others = (PROVIDERS[one.provider].kinds for one in model.providers)
        assert frozenset(model.capabilities) == first, model.id
        for supply, kinds in zip(model.providers[1:], others, strict=True):
            made = {one for one in model.capabilities if supply.makes(one, model.sizes[0], "high")}
            assert made <= kinds, (model.id, supply.provider)
        assert set(model.credits_by_kind) <= set(model.capabilities) <= {IMAGE, EDIT, VARIATION}
