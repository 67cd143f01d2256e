"""Image providers, by the name under which the catalogue knows them."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor

from processors.providers.base import (
    Call,
    ImageRequest,
    Provider,
    ProviderError,
    ProviderMisconfigured,
    ProviderRefused,
    ProviderUnavailable,
    ProviderUncertain,
    TooLate,
)
from processors.providers.local import LocalProvider
from runtime.settings import Settings

__all__ = [
    "Call",
    "ImageRequest",
    "Provider",
    "ProviderError",
    "ProviderMisconfigured",
    "ProviderRefused",
    "ProviderUnavailable",
    "ProviderUncertain",
    "TooLate",
    "open_providers",
]


def open_providers(settings: Settings, executor: Executor) -> Mapping[str, Provider]:
    """Every provider that these settings configure; `close` each at the end."""
    providers: dict[str, Provider] = {"local": LocalProvider(settings, executor)}
    if settings.openai_api_key is not None:
        # Its package takes a second to load, which only those wait for who use it.
        from processors.providers.openai import OpenAIProvider

        providers["openai"] = OpenAIProvider(settings)
    return providers
