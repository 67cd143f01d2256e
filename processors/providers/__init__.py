"""Image providers, by the name under which the catalogue knows them."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor

from processors.providers.base import (
    Call,
    ImageRequest,
    News,
    Photo,
    Provider,
    ProviderError,
    ProviderMisconfigured,
    ProviderRefused,
    ProviderUnavailable,
    ProviderUncertain,
    ProviderUnusable,
    TooLate,
)
from processors.providers.local import LocalProvider
from runtime.settings import Settings

__all__ = [
    "Call",
    "ImageRequest",
    "News",
    "Photo",
    "Provider",
    "ProviderError",
    "ProviderMisconfigured",
    "ProviderRefused",
    "ProviderUnavailable",
    "ProviderUncertain",
    "ProviderUnusable",
    "TooLate",
    "open_providers",
]


def open_providers(settings: Settings, executor: Executor, news: News) -> Mapping[str, Provider]:
    """Every provider that these settings configure; `close` each at the end.

    Args:
        settings: their keys, addresses and limits.
        executor: where `local` draws.
        news: what webhooks told of calls under way.

    Raises:
        SettingsError: a setting of theirs cannot be used.
    """
    providers: dict[str, Provider] = {"local": LocalProvider(settings, executor)}
    if settings.openai_api_key is not None:
        # Its package takes a second to load, which only those wait for who use it.
        from processors.providers.openai import OpenAIProvider

        providers["openai"] = OpenAIProvider(settings)
    if settings.replicate_api_token is not None:
        from processors.providers.replicate import ReplicateProvider

        providers["replicate"] = ReplicateProvider(settings, news)
    if settings.fal_key is not None:
        from processors.providers.fal import FalProvider

        providers["fal"] = FalProvider(settings, news)
    if settings.comfyui_url is not None:
        from processors.providers.comfyui import ComfyUiProvider

        providers["comfyui"] = ComfyUiProvider(settings)
    if settings.diffusers_model is not None:
        from processors.providers.diffusers import DiffusersProvider

        providers["diffusers"] = DiffusersProvider(settings)
    bedrock = {
        "bedrock-titan": settings.bedrock_titan_model,
        "bedrock-sdxl": settings.bedrock_sdxl_model,
    }
    for name, model in bedrock.items():
        if model is not None:
            from processors.providers.bedrock import BedrockProvider

            providers[name] = BedrockProvider(name, model, settings)
    return providers
