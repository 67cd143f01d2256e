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
    """Nothing is sold that a worker would refuse; what is made is sold."""
    for model in MODELS:
        assert frozenset(model.capabilities) == PROVIDERS[model.provider].kinds, model.id
        assert set(model.credits_by_kind) <= set(model.capabilities) <= {IMAGE, EDIT, VARIATION}
