"""What bounds the calls to each provider: the catalogue, and what is set instead."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from commands.supplies import SUPPLIES, Supply
from runtime.errors import SettingsError
from runtime.settings import Settings


def supplies_of(settings: Settings) -> Mapping[str, Supply]:
    """Every provider with its bounds, by name.

    Raises:
        SettingsError: a setting names no provider.
    """
    supplies = dict(SUPPLIES)
    for variable, field, text in (
        ("PIXELPOP_PROVIDER_CONCURRENCY", "concurrency", settings.provider_concurrency),
        ("PIXELPOP_PROVIDER_PER_MINUTE", "per_minute", settings.provider_per_minute),
    ):
        for part in filter(None, text.split(",")):
            name, most = part.split("=")
            if name not in supplies:
                known = ", ".join(sorted(SUPPLIES))
                raise SettingsError(f"{variable} names {name}; the providers are {known}.")
            supplies[name] = replace(supplies[name], **{field: int(most)})
    return supplies
